//! Reads the body of a request within the limits.

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Limited};

use super::config::EdgeLimits;
use super::problem::Problem;

/// Reads a whole body of our own functions: not more than the limit, and not slower.
///
/// # Errors
/// [`Problem::BODY_TOO_LARGE`] (413), [`Problem::BODY_TOO_SLOW`] (408), [`Problem::BODY_BROKEN`] (400).
pub async fn read_body(body: Body, limits: &EdgeLimits) -> Result<Bytes, Problem> {
    use hyper::body::Body as _;
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(Problem::BODY_TOO_LARGE);
    }
    let reading = Limited::new(body, limits.body_bytes).collect();
    match tokio::time::timeout(limits.body_time, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::BODY_TOO_LARGE),
        Ok(Err(_)) => Err(Problem::BODY_BROKEN),
        Err(_) => Err(Problem::BODY_TOO_SLOW),
    }
}
