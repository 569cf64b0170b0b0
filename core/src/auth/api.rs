//! The APIs by which functions are called.

use serde::Serialize;

use crate::json::decoder::{deserialize_by_value, words};

/// The API that a function is called by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// UAPI.
    #[default]
    Uapi,
    /// cPanel API 2.
    Api2,
    /// cPanel API 1, which tokens can't use.
    Api1,
    /// WHM API 1.
    Whm,
}

words!(Api, "`uapi`, `api2`, `api1` or `whm`", {
    "uapi" => Api::Uapi,
    "api2" => Api::Api2,
    "api1" => Api::Api1,
    "whm" => Api::Whm,
});
deserialize_by_value!(Api);
