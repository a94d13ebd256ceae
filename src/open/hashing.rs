//! Hashing of content while it is read, under every digest that its signers use.

use crate::base::limits::Limits;
use crate::base::source::{SharedSource, for_each_piece};
use crate::cms::Result as CmsResult;
use crate::cms::content::EContent;
use crate::cms::signed::{Head, SignedData, Sink};
use crate::cms::signer_info::{ContentReading, SignerInfo};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::Hasher;
use crate::mime::canonical::Canonical;

pub(super) fn used_digests(data: &SignedData) -> Vec<DigestAlgorithm> {
    let mut used: Vec<DigestAlgorithm> = Vec::new();
    for digest in data.signers.iter().filter_map(SignerInfo::digest) {
        if !used.contains(&digest) {
            used.push(digest);
        }
    }
    used
}

/// How much of a content is kept to see whether it is a set of signed attributes in disguise (SEC-2).
const PREFIX: usize = 64 << 10;

/// Hashes a content, and keeps it where it is small and begins like a SET.
pub(super) struct HashSink {
    pub(super) digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    hashers: Vec<Hasher>,
    announced: bool,
    started: bool,
    pub(super) prefix: Option<Vec<u8>>,
    whole: Whole,
}

/// The content itself, where a signer needs it.
enum Whole {
    /// Nobody does.
    Unwanted,
    /// So far, and how much more may come.
    Kept { bytes: Vec<u8>, room: usize },
    /// It was too long.
    TooLong,
}

impl HashSink {
    /// With the digests that the message announces.
    pub(super) fn announced() -> Self {
        Self {
            digests: Vec::new(),
            hashers: Vec::new(),
            announced: true,
            started: false,
            prefix: None,
            whole: Whole::Unwanted,
        }
    }

    pub(super) fn with(algorithms: &[DigestAlgorithm]) -> Self {
        let hashers = algorithms.iter().map(|a| Hasher::new(*a)).collect();
        Self { hashers, announced: false, ..Self::announced() }
    }

    /// With the content itself too, up to so many bytes.
    pub(super) fn keeping(mut self, most: usize) -> Self {
        self.whole = Whole::Kept { bytes: Vec::new(), room: most };
        self
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if !self.started && !bytes.is_empty() {
            self.started = true;
            self.prefix = (bytes.first() == Some(&0x31)).then(Vec::new);
        }
        if let Some(prefix) = &mut self.prefix {
            if prefix.len() + bytes.len() <= PREFIX { prefix.extend_from_slice(bytes) } else { self.prefix = None }
        }
        if let Whole::Kept { bytes: kept, room } = &mut self.whole {
            match room.checked_sub(bytes.len()) {
                Some(left) => {
                    kept.extend_from_slice(bytes);
                    *room = left;
                }
                None => self.whole = Whole::TooLong,
            }
        }
        self.hashers.iter_mut().for_each(|hasher| hasher.update(bytes));
    }

    pub(super) fn finish(&mut self) {
        self.digests.extend(self.hashers.drain(..).map(|hasher| (hasher.algorithm(), hasher.finish())));
    }

    pub(super) fn take_whole(&mut self) -> Option<Vec<u8>> {
        match std::mem::replace(&mut self.whole, Whole::Unwanted) {
            Whole::Kept { bytes, .. } => Some(bytes),
            Whole::Unwanted | Whole::TooLong => None,
        }
    }

    pub(super) fn missing(&mut self, data: &SignedData) -> Vec<DigestAlgorithm> {
        self.finish();
        used_digests(data).into_iter().filter(|used| !self.digests.iter().any(|(have, _)| have == used)).collect()
    }

    pub(super) fn reading(&mut self) -> ContentReading {
        self.finish();
        ContentReading { digests: std::mem::take(&mut self.digests), whole: self.take_whole(), note: None }
    }
}

impl Sink for HashSink {
    fn begin(&mut self, head: &Head) -> CmsResult<()> {
        if self.announced && head.content == EContent::Attached {
            for identifier in &head.digest_algorithms {
                if let Ok(digest) = DigestAlgorithm::from_identifier(identifier)
                    && !self.hashers.iter().any(|h| h.algorithm() == digest)
                {
                    self.hashers.push(Hasher::new(digest));
                }
            }
        }
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> CmsResult<()> {
        self.update(bytes);
        Ok(())
    }
}

pub(super) struct Hashed {
    pub(super) digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// Whether line ends had to be made canonical.
    pub(super) changed: bool,
    pub(super) bare_cr: u64,
    pub(super) nul: u64,
    pub(super) prefix: Option<Vec<u8>>,
    pub(super) whole: Option<Vec<u8>>,
}

/// How much of a content is kept at the most for signers who need it.
const WHOLE: usize = 1 << 20;

fn sink_for(data: &SignedData) -> HashSink {
    let sink = HashSink::with(&used_digests(data));
    if data.signers.iter().any(SignerInfo::needs_content) { sink.keeping(WHOLE) } else { sink }
}

/// The content inside a SignedData once more, hashed for a signer who was not foreseen.
pub(super) fn hash_again(message: &SharedSource<'_>, data: &SignedData, limits: &Limits) -> CmsResult<HashSink> {
    let mut sink = sink_for(data);
    SignedData::read(message.reader(0)?, limits, &mut sink)?;
    sink.finish();
    Ok(sink)
}

pub(super) fn hash_canonical(content: &SharedSource<'_>, data: &SignedData) -> CmsResult<Hashed> {
    let mut sink = sink_for(data);
    let mut canonical = Canonical::new();
    for_each_piece(&mut *content.reader(0)?, &mut |bytes| {
        canonical.feed(bytes, &mut |bytes| {
            sink.update(bytes);
            Ok(())
        })
    })?;
    sink.finish();
    let counts = canonical.counts();
    let changed = counts.line_ends_changed > 0;
    let whole = sink.take_whole();
    Ok(Hashed { digests: sink.digests, changed, bare_cr: counts.bare_cr, nul: counts.nul, prefix: sink.prefix, whole })
}

pub(super) fn hash_raw(content: &SharedSource<'_>, data: &SignedData) -> CmsResult<ContentReading> {
    let mut sink = sink_for(data);
    for_each_piece(&mut *content.reader(0)?, &mut |bytes| {
        sink.update(bytes);
        Ok(())
    })?;
    Ok(sink.reading())
}
