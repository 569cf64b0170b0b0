//! Routes from an OpenAPI document.

pub mod document;
pub mod features;
pub mod groups;
pub mod operations;
pub mod route_fault;
pub mod routes;
pub mod template;
pub mod toml_text;
