//! What the fuzz targets share. Each target is a file in `targets`; it says what it asserts.

pub mod answer;
pub mod json;
pub mod origin;
pub mod wire;
pub mod zones;
