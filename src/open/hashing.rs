//! Hashing of content while it is read, under every digest that its signers use.

use crate::base::source::{SharedSource, for_each_piece};
use crate::cms::Result as CmsResult;
use crate::cms::signed::{EContent, Head, SignedData, Sink};
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
}

impl HashSink {
    /// With the digests that the message announces.
    pub(super) fn announced() -> Self {
        Self { digests: Vec::new(), hashers: Vec::new(), announced: true, started: false, prefix: None }
    }

    pub(super) fn with(algorithms: &[DigestAlgorithm]) -> Self {
        let hashers = algorithms.iter().map(|a| Hasher::new(*a)).collect();
        Self { hashers, announced: false, ..Self::announced() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if !self.started && !bytes.is_empty() {
            self.started = true;
            self.prefix = (bytes.first() == Some(&0x31)).then(Vec::new);
        }
        if let Some(prefix) = &mut self.prefix {
            if prefix.len() + bytes.len() <= PREFIX { prefix.extend_from_slice(bytes) } else { self.prefix = None }
        }
        self.hashers.iter_mut().for_each(|hasher| hasher.update(bytes));
    }

    pub(super) fn finish(&mut self) {
        self.digests.extend(self.hashers.drain(..).map(|hasher| (hasher.algorithm(), hasher.finish())));
    }

    pub(super) fn missing(&mut self, data: &SignedData) -> Vec<DigestAlgorithm> {
        self.finish();
        used_digests(data).into_iter().filter(|used| !self.digests.iter().any(|(have, _)| have == used)).collect()
    }

    pub(super) fn reading(&mut self) -> ContentReading {
        self.finish();
        ContentReading { digests: std::mem::take(&mut self.digests), note: None }
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
}

pub(super) fn hash_canonical(content: &SharedSource<'_>, algorithms: &[DigestAlgorithm]) -> CmsResult<Hashed> {
    let mut sink = HashSink::with(algorithms);
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
    Ok(Hashed { digests: sink.digests, changed, bare_cr: counts.bare_cr, nul: counts.nul, prefix: sink.prefix })
}

pub(super) fn hash_raw(
    content: &SharedSource<'_>,
    algorithms: &[DigestAlgorithm],
) -> CmsResult<Vec<(DigestAlgorithm, Vec<u8>)>> {
    let mut sink = HashSink::with(algorithms);
    for_each_piece(&mut *content.reader(0)?, &mut |bytes| {
        sink.update(bytes);
        Ok(())
    })?;
    sink.finish();
    Ok(sink.digests)
}
