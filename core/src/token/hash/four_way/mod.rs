//! Computes SHA-256 of four secrets at once: with 128-bit SIMD where the target has it, else one after another.

#[cfg(not(target_feature = "simd128"))]
mod scalar;
#[cfg(target_feature = "simd128")]
mod simd;

#[cfg(not(target_feature = "simd128"))]
pub(crate) use scalar::digests;
#[cfg(target_feature = "simd128")]
pub(crate) use simd::digests;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::hash::digest::Digest;
    use crate::token::secret::Presented;

    proptest! {
        #[test]
        fn four_way_hash_equals_single_hashes(texts in prop::array::uniform4("[A-Z0-9]{32}")) {
            let secrets = texts.each_ref().map(|text| Presented::parse(text.as_bytes()).unwrap_or(Presented::DECOY));
            for (four, one) in digests(secrets).iter().zip(secrets.map(Digest::of)) {
                prop_assert!(bool::from(four.same(&one)));
            }
        }
    }
}
