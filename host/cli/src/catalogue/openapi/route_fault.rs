//! What the core says of a route.

use tokenlatch::core::{Catalogue, Route};

/// Why the core refuses a route, if it does.
pub fn route_fault(route: &Route) -> Option<String> {
    let catalogue = Catalogue {
        routes: vec![route.clone()],
        ..Catalogue::default()
    };
    catalogue.explain().err().map(|error| error.message.to_string())
}
