//! Forwards admitted requests to the API behind the guard.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tokenlatch_core::Realm;

use crate::auth::admitted::Admitted;
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::middleware::client::Client;
use crate::middleware::log_fields::Forwarded;

/// Forwards an admitted request, if there is an API behind the guard.
pub(crate) async fn pass_on(
    state: &impl Backend,
    client: &Client,
    request: Request,
    admitted: &Admitted,
    realm: Realm,
) -> Response {
    if let Some(forwarded) = request.extensions().get::<Forwarded>() {
        forwarded.begin();
    }
    admitted.sign(match state.upstream() {
        Some(upstream) => upstream.forward(request, &admitted.verdict, realm, client).await,
        None => calls::NO_FUNCTION.into_response(),
    })
}
