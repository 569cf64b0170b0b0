//! The pipeline from source to `tokenlatch.wasm`, its JavaScript glue and its type declarations: cargo → wasm-bindgen → an
//! optional size pass. The host's build script and the npm package both use it, so both contain the same bytes.
//!
//! Results are kept under `<target>/tokenlatch-module`; an unchanged source is not built again.

mod cargo;
mod fault;
mod output;
mod pipeline;

pub use fault::Fault;
pub use output::{Built, Size};
pub use pipeline::{Options, build, target_dir};
