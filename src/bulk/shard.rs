//! One part of a job that several machines share.

use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::Hasher;
use std::fmt;
use std::str::FromStr;

/// Part `index` of `count`, counted from 0. Which part a mail belongs to follows from its name alone: every mail is in exactly
/// one of them, on every machine and at every time.
///
/// ```
/// use smime::bulk::Shard;
/// let all: Vec<Shard> = (0..3).map(|n| format!("{n}/3").parse()).collect::<Result<_, _>>()?;
/// let owners = |name: &[u8]| all.iter().filter(|shard| shard.takes(name)).count();
/// assert!((0..1000).all(|n| owners(format!("{n}.eml").as_bytes()) == 1));
/// assert!("3/3".parse::<Shard>().is_err());
/// # Ok::<(), smime::bulk::shard::ShardError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why a text is no [`Shard`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no shard: it is i/n, and i counts from 0 (0/4, 1/4, 2/4, 3/4)")]
pub struct ShardError(String);

impl Shard {
    /// The whole of a job.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Which part.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Of how many.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether the mail of this name belongs to it.
    pub fn takes(self, name: &[u8]) -> bool {
        if self.count == 1 {
            return true;
        }
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        hasher.update(name);
        let digest = hasher.finish();
        let number = digest.iter().take(8).fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        number % u64::from(self.count) == u64::from(self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(text.chars().take(40).collect());
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match (digits(index), digits(count)) {
            (Some(index), Some(count)) if index < count => Ok(Self { index, count }),
            _ => Err(wrong()),
        }
    }
}
