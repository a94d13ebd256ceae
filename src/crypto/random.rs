//! Randomness as an argument: the system's, or, in tests, one that can be foreseen.

use super::{Error, Result};
use rand_core::{TryCryptoRng, TryRng};

/// Where random bytes come from.
pub trait Random {
    /// Fills the slice.
    ///
    /// # Errors
    /// [`Error::Rng`] where there is no randomness; never a weaker source instead (SEC-84).
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|e| Error::Rng(e.to_string()))
    }
}

/// So many fresh bytes.
///
/// # Errors
/// [`Error::Rng`].
pub fn bytes(random: &mut dyn Random, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// A [`Random`] as the arithmetic crates want it.
pub(crate) struct Rng<'r>(pub(crate) &'r mut dyn Random);

impl TryRng for Rng<'_> {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Rng<'_> {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A source that fails.
    pub(crate) struct Broken;

    impl Random for Broken {
        fn fill(&mut self, _: &mut [u8]) -> Result<()> {
            Err(Error::Rng("planted".into()))
        }
    }

    #[test]
    fn sec_084_a_source_that_fails_is_an_error() {
        assert!(matches!(bytes(&mut Broken, 16), Err(Error::Rng(_))));
        assert_ne!(bytes(&mut SystemRandom, 32).unwrap(), bytes(&mut SystemRandom, 32).unwrap());
    }
}
