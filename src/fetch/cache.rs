//! What was fetched, kept in a folder until it is out of date (SEC-138, SEC-139). One file an entry: it is written aside and
//! renamed, so that it is there as a whole or not at all; what was altered or cut is told and passed over. An entry never
//! gives way to an older one.
//!
//! What comes out of here is trusted no more than what comes out of the network: it is judged again at each use.

use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::Hasher;
use crate::store::private_folder::{Locked, PrivateFolder};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A folder of entries.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PrivateFolder,
    most: u64,
}

/// What an entry is kept under: its address, and whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// Something that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// thisUpdate, or another date that grows from one version to the next.
    pub made: Time,
    /// A number that does; big-endian without leading zeros, empty where there is none.
    pub number: Vec<u8>,
    /// Until when it may be used.
    pub until: Time,
    /// The bytes as they were received.
    pub bytes: Vec<u8>,
}

/// What became of an entry that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is there.
    Stored,
    /// A newer one stays there instead (SEC-138).
    NewerStays,
    /// It is larger than the whole cache may be.
    TooLarge,
}

const MAGIC: &[u8; 14] = b"smime-cache-1\n";
const DIGEST: usize = 32;
/// Two dates, and the length of a number.
const FIXED: usize = 8 + 8 + 1;
/// What all entries have together, unless the caller says otherwise.
const MOST: u64 = 256 << 20;
const SUFFIX: &str = "fetched";

impl Key {
    /// Of a kind of thing, its address, and whatever else tells it from others at the same address.
    pub fn new(kind: &str, url: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        for part in [kind.as_bytes(), url.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(sha256(hasher))
    }

    fn file(&self) -> String {
        let hex: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{hex}.{SUFFIX}")
    }
}

fn sha256(hasher: Hasher) -> [u8; 32] {
    hasher.finish().try_into().unwrap_or_default()
}

impl Entry {
    fn encode(&self, key: &Key) -> Option<Vec<u8>> {
        let mut rest = Vec::with_capacity(FIXED + self.number.len() + self.bytes.len());
        rest.extend(self.made.unix().to_be_bytes());
        rest.extend(self.until.unix().to_be_bytes());
        rest.push(u8::try_from(self.number.len()).ok()?);
        rest.extend(&self.number);
        rest.extend(&self.bytes);
        Some([MAGIC.as_slice(), &digest(key, &rest), &rest].concat())
    }

    /// `None` where it is not what was written under this key.
    fn decode(bytes: &[u8], key: &Key) -> Option<Self> {
        let (digest_then, rest) = bytes.strip_prefix(MAGIC)?.split_at_checked(DIGEST)?;
        if digest(key, rest) != digest_then {
            return None;
        }
        let (made, rest) = rest.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (number, bytes) = rest.split_at_checked(usize::from(*length))?;
        let time = |octets: &[u8; 8]| Time::from_unix(i64::from_be_bytes(*octets));
        Some(Self { made: time(made), until: time(until), number: number.to_vec(), bytes: bytes.to_vec() })
    }

    fn is_newer_than(&self, other: &Self) -> bool {
        let by_number = self.number.len().cmp(&other.number.len()).then_with(|| self.number.cmp(&other.number));
        self.made.cmp(&other.made).then(by_number).is_gt()
    }
}

/// Under its key, so that an entry is of no use under the name of another.
fn digest(key: &Key, rest: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(&key.0);
    hasher.update(rest);
    sha256(hasher)
}

impl Cache {
    /// In a folder, which is made where it is not there; on Unix it then belongs to its owner alone, since it tells whose
    /// certificates were looked at.
    ///
    /// # Errors
    /// What making it gives; [`io::ErrorKind::NotADirectory`] where there is something else of that name.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self { folder: PrivateFolder::create(folder)?, most: MOST })
    }

    /// With another bound for all entries together (256 MiB otherwise).
    #[must_use]
    pub fn with_most_bytes(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The entry under a key, as long as it may be used.
    ///
    /// # Errors
    /// `cache_unusable` where there is a file that cannot be read or is not what was written; whatever it was is then to
    /// be fetched anew.
    pub fn get(&self, key: &Key, at: Time) -> Result<Option<Entry>, Reason> {
        Ok(self.read(key)?.filter(|entry| at <= entry.until))
    }

    fn read(&self, key: &Key) -> Result<Option<Entry>, Reason> {
        let name = key.file();
        let unusable = |why: &str| {
            let path = self.folder().join(&name);
            Reason::new("cache_unusable", format!("the cache's file {} is passed over: {why}", path.display()))
        };
        let bytes = match self.folder.read(&name, self.most) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(unusable("it is larger than the cache may be"));
            }
            Err(error) => return Err(unusable(&error.to_string())),
        };
        Entry::decode(&bytes, key).map(Some).ok_or_else(|| unusable("it is not what was written into it"))
    }

    /// Keeps an entry, unless the one that is there is newer. Older files are removed where there is no room.
    ///
    /// # Errors
    /// What writing gives; [`io::ErrorKind::WouldBlock`] where another process is writing for too long.
    pub fn put(&self, key: &Key, entry: &Entry) -> io::Result<Kept> {
        let Some(bytes) = entry.encode(key).filter(|bytes| bytes.len() as u64 <= self.most) else {
            return Ok(Kept::TooLarge);
        };
        let locked = self.folder.lock()?;
        // One that is broken gives way to anything.
        if let Ok(Some(there)) = self.read(key)
            && there.is_newer_than(entry)
        {
            return Ok(Kept::NewerStays);
        }
        let name = key.file();
        self.make_room(&locked, bytes.len() as u64, &name)?;
        locked.put(&name, &bytes)?;
        Ok(Kept::Stored)
    }

    /// Removes the files that were written longest ago, until there is room for so many bytes under that name.
    fn make_room(&self, locked: &Locked<'_>, bytes: u64, name: &str) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, String)> = Vec::new();
        for file in self.folder.names()? {
            if file == name || Path::new(&file).extension().is_none_or(|extension| extension != SUFFIX) {
                continue;
            }
            let metadata = fs::symlink_metadata(self.folder().join(&file))?;
            files.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), file));
        }
        files.sort();
        let mut together = files.iter().fold(bytes, |sum, (_, length, _)| sum.saturating_add(*length));
        for (_, length, file) in files {
            if together <= self.most {
                break;
            }
            locked.remove(&file)?;
            together -= length;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
