//! Argon2id in a fixed number of memory areas, so that memory stays bounded however many passwords are tried. A hash that asks
//! for more memory or passes than the limits is never computed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::store::StoreError;

/// The number of passwords hashed at once, and of memory areas, each of 19 MiB.
const HASHING: usize = 4;

/// The most memory (in KiB) and passes that a hash may ask for. A hash restored from elsewhere may name any values.
const MAX_MEMORY: u32 = 64 << 10;
const MAX_PASSES: u32 = 16;

/// Hashes passwords on blocking threads, a few at a time. Clones share the memory areas.
#[derive(Clone, Debug)]
pub(super) struct Hashing {
    places: Arc<Semaphore>,
    areas: Arc<Mutex<Vec<Area>>>,
    begun: Arc<AtomicU64>,
}

/// The memory for hashing one password. It is allocated once, unless a restored hash needs more, and is wiped after each
/// password.
#[derive(Default)]
pub(super) struct Area {
    blocks: Vec<Block>,
    begun: Arc<AtomicU64>,
}

impl std::fmt::Debug for Area {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Area({})", self.blocks.len())
    }
}

impl Hashing {
    pub(super) fn new() -> Hashing {
        Hashing {
            places: Arc::new(Semaphore::new(HASHING)),
            areas: Arc::default(),
            begun: Arc::default(),
        }
    }

    /// How many hashes were started.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Runs `work` in a free memory area on a blocking thread. `turn` is called once an area is free. If it returns `None`, no
    /// work is done; otherwise its value is held until the work is done. The work frees the area itself, and runs to its end
    /// even if its caller is gone.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the work panicked.
    pub(super) async fn run<T: Send + 'static, H: Send + 'static>(
        &self,
        turn: impl FnOnce() -> Option<H> + Send,
        work: impl FnOnce(&mut Area) -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let gone = || StoreError::Failed("the hashing of a password was interrupted".to_owned());
        let place = self.places.clone().acquire_owned().await.map_err(|_| gone())?;
        let Some(held) = turn() else {
            return Ok(None);
        };
        let (areas, begun) = (Arc::clone(&self.areas), Arc::clone(&self.begun));
        let done = spawn_blocking(move || {
            let _held = (place, held);
            let free = areas.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // There are never more areas than permits.
            let mut area = free.unwrap_or_default();
            area.begun = begun;
            let done = work(&mut area);
            area.blocks.fill(Block::new());
            if area.blocks.len() > Params::default().block_count() {
                area = Area::default();
            }
            areas.lock().unwrap_or_else(PoisonError::into_inner).push(area);
            done
        });
        Ok(Some(done.await.map_err(|_| gone())?))
    }
}

impl Area {
    /// Hashes a password under a salt. The result is a string that names its parameters.
    pub(super) fn hash(&mut self, password: &[u8], salt: &[u8]) -> Option<String> {
        let argon = Argon2::default();
        let mut digest = [0; Params::DEFAULT_OUTPUT_LEN];
        self.digest(&argon, password, salt, &mut digest)?;
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon.params()).ok()?,
            salt: Some(Salt::new(salt).ok()?),
            hash: Some(Output::new(&digest).ok()?),
        };
        Some(hash.to_string())
    }

    /// Whether the password matches the hash.
    pub(super) fn verify(&mut self, password: &[u8], hash: &str) -> bool {
        self.verified(password, hash).is_some_and(|right| right)
    }

    fn verified(&mut self, password: &[u8], hash: &str) -> Option<bool> {
        let hash = PasswordHash::new(hash).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let params = Params::try_from(&hash).ok()?;
        if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
            tracing::warn!(
                "a password's hash asks for {} KiB and {} passes; at most {MAX_MEMORY} and {MAX_PASSES} are allowed. \
                 Set a new password",
                params.m_cost(),
                params.t_cost()
            );
            return None;
        }
        let argon = Argon2::new(algorithm, version, params);
        let expected = hash.hash?;
        let mut digest = [0; Output::MAX_LENGTH];
        let digest = digest.get_mut(..expected.len())?;
        self.digest(&argon, password, hash.salt?.as_ref(), digest)?;
        // `Output` compares in constant time.
        Some(Output::new(digest).ok()? == expected)
    }

    fn digest(&mut self, argon: &Argon2<'_>, password: &[u8], salt: &[u8], digest: &mut [u8]) -> Option<()> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.blocks.resize(argon.params().block_count(), Block::new());
        let blocks = self.blocks.as_mut_slice();
        argon
            .hash_password_into_with_memory(password, salt, digest, blocks)
            .ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    const SALT: &[u8; 16] = b"sixteen bytes ok";

    #[test]
    fn hashes_match_the_argon2_library() {
        let mut area = Area::default();
        let own = area.hash(b"correct horse", SALT).unwrap();
        let theirs: PasswordHash = Argon2::default()
            .hash_password_with_salt(b"correct horse", SALT)
            .unwrap();
        assert_eq!(own, theirs.to_string());
        assert!(area.verify(b"correct horse", &own));
        assert!(!area.verify(b"correct horsf", &own));
        assert!(!area.verify(b"correct horse", "$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn verifies_hashes_with_other_parameters() {
        let mut area = Area::default();
        for (memory, lanes) in [(64, 1), (256, 2), (32, 4)] {
            let params = Params::new(memory, 3, lanes, None).unwrap();
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash: PasswordHash = argon.hash_password_with_salt(b"password", SALT).unwrap();
            assert!(Argon2::default().verify_password(b"password", &hash).is_ok());
            assert!(area.verify(b"password", &hash.to_string()));
            assert!(!area.verify(b"passwore", &hash.to_string()));
        }
    }

    #[test]
    fn refuses_hashes_with_excessive_parameters() {
        let mut area = Area::default();
        for parameters in ["m=65537,t=1,p=1", "m=4194304,t=1,p=1", "m=64,t=17,p=1"] {
            let hash = format!(
                "$argon2id$v=19${parameters}$c2l4dGVlbiBieXRlcyBvaw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            );
            assert!(PasswordHash::new(&hash).is_ok());
            assert!(!area.verify(b"password", &hash));
            assert!(area.blocks.is_empty(), "{parameters}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hashing_memory_is_bounded_and_wiped() {
        let hashing = Hashing::new();
        let tries = (0..HASHING * 4).map(|number: usize| {
            let hashing = hashing.clone();
            tokio::spawn(async move {
                let work = move |area: &mut Area| area.hash(&number.to_le_bytes(), SALT).unwrap();
                hashing.run(|| Some(()), work).await.unwrap().unwrap()
            })
        });
        for each in tries.collect::<Vec<_>>() {
            assert!(each.await.unwrap().starts_with("$argon2id$"));
        }
        let areas = hashing.areas.lock().unwrap();
        assert!((1..=HASHING).contains(&areas.len()), "{areas:?}");
        let empty = |area: &Area| {
            area.blocks
                .iter()
                .all(|block| block.as_ref().iter().all(|word| *word == 0))
        };
        assert!(areas.iter().all(empty));
        assert_eq!(hashing.begun(), 16);
    }
}
