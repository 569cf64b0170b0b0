//! Four secrets hashed at once: by 128-bit SIMD in a module, one after another elsewhere.

#[cfg(target_feature = "simd128")]
pub(super) use lanes::digests;
#[cfg(not(target_feature = "simd128"))]
pub(super) use plain::digests;

#[cfg(target_feature = "simd128")]
#[path = "four/lanes.rs"]
mod lanes;
#[cfg(not(target_feature = "simd128"))]
#[path = "four/plain.rs"]
mod plain;
