//! Certificates that were met before, for whoever judges many messages: their signers and the authorities above them are
//! the same again and again.
//!
//! What is kept of a certificate depends on its bytes alone: what stands in it, its key made ready, and which key was
//! found to have made its signature. Whether it is trusted, valid now, not revoked and fit for its purpose is judged each
//! time anew, since none of that stays true; so nothing here can be out of date.

use crate::base::limits::Limits;
use crate::cert::Error;
use crate::cert::certificate::Certificate;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

/// Certificates by their bytes, shared by any number of threads.
///
/// ```no_run
/// # use smime::{ChainCache, Limits, Opener, Policy, Time, Trust};
/// # fn demo(mails: &[Vec<u8>], trust: &Trust, policy: &Policy, now: Time) -> Result<(), Box<dyn std::error::Error>> {
/// let cache = ChainCache::new(&policy.limits);
/// let opener = Opener::new(trust, policy).with_chain_cache(&cache);
/// for mail in mails {
///     println!("{}", opener.open(mail, now)?.report());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct ChainCache {
    /// What each of the two generations may hold.
    most: Size,
    generations: RwLock<Generations>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Those that were asked for of late, and those of the time before. Where the young are as many as they may be, they
/// become the old, and whatever old one nobody asked for is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Tail, Certificate>,
    old: HashMap<Tail, Certificate>,
    size: Size,
}

/// The last octets of a certificate, which are its signature's. They find it; whether it is the one is told by all its
/// bytes. Of two that have the same, one is kept.
type Tail = [u8; 32];

/// None of what is too short to be a certificate.
fn tail(bytes: &[u8]) -> Option<&Tail> {
    bytes.last_chunk()
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    certificates: usize,
    bytes: usize,
}

/// How often a cache knew a certificate, and how often not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// It was there.
    pub hits: u64,
    /// It was not.
    pub misses: u64,
}

impl ChainCache {
    /// An empty one, which holds as many as `limits` allow.
    pub fn new(limits: &Limits) -> Self {
        let most = Size { certificates: limits.cached_certificates / 2, bytes: limits.cached_certificate_bytes / 2 };
        Self { most, ..Self::default() }
    }

    /// The certificate with these bytes: the one that was met before, or one that is read now.
    ///
    /// # Errors
    /// As [`Certificate::from_der`]. What cannot be read is not kept.
    pub fn certificate(&self, bytes: &[u8]) -> Result<Certificate, Error> {
        if let Some(known) = self.known(bytes) {
            self.hits.fetch_add(1, Relaxed);
            return Ok(known);
        }
        self.misses.fetch_add(1, Relaxed);
        let read = Certificate::from_der(bytes)?;
        self.keep(&read);
        Ok(read)
    }

    /// How often it helped so far.
    pub fn counts(&self) -> CacheCounts {
        CacheCounts { hits: self.hits.load(Relaxed), misses: self.misses.load(Relaxed) }
    }

    /// How many certificates it holds.
    pub fn len(&self) -> usize {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.young.len() + generations.old.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn known(&self, bytes: &[u8]) -> Option<Certificate> {
        let tail = tail(bytes)?;
        let same = |found: &&Certificate| found.der() == bytes;
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(young) = generations.young.get(tail).filter(same) {
            return Some(young.clone());
        }
        let old = generations.old.get(tail).filter(same)?.clone();
        drop(generations);
        self.keep(&old);
        Some(old)
    }

    fn keep(&self, certificate: &Certificate) {
        let (length, Some(tail)) = (certificate.der().len(), tail(certificate.der())) else { return };
        if length > self.most.bytes || self.most.certificates == 0 {
            return;
        }
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let Generations { young, old, size } = &mut *generations;
        if size.certificates >= self.most.certificates || size.bytes.saturating_add(length) > self.most.bytes {
            *old = std::mem::take(young);
            *size = Size::default();
        }
        old.remove(tail);
        size.certificates += 1;
        size.bytes += length;
        if let Some(before) = young.insert(*tail, certificate.clone()) {
            size.certificates -= 1;
            size.bytes = size.bytes.saturating_sub(before.der().len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid;
    use crate::cert::issue::{CertificateTemplate, issue};
    use crate::cert::name::Name;
    use crate::crypto::algorithm::SignatureScheme;
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    fn certificates(count: u8) -> Vec<Vec<u8>> {
        let key = PrivateKey::generate(KeyKind::Ed25519, 0).unwrap();
        let (scheme, spki) = (SignatureScheme::Ed25519, key.public_key_spki());
        let years = ("2026-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
        let name = Name::build(&[(oid::COMMON_NAME, "Somebody")]);
        (0..count)
            .map(|serial| {
                let template = CertificateTemplate::new(name.clone(), None, &[serial], years, &spki);
                issue(&template, &scheme.identifier(), &|tbs| Ok(key.sign(&scheme, tbs)?)).unwrap().der().to_vec()
            })
            .collect()
    }

    #[test]
    fn it_knows_what_it_met_and_holds_no_more_than_it_may() {
        let all = certificates(40);
        let limits = Limits { cached_certificates: 10, ..Limits::default() };
        let cache = ChainCache::new(&limits);
        assert!(cache.is_empty());
        for bytes in &all {
            // The first is asked for all the time, and so is never forgotten.
            assert_eq!(cache.certificate(&all[0]).unwrap().der(), all[0]);
            assert_eq!(cache.certificate(bytes).unwrap().der(), bytes);
            assert!(cache.len() <= 10, "{}", cache.len());
        }
        assert_eq!(cache.counts(), CacheCounts { hits: 40, misses: 40 });
        let known = cache.certificate(&all[39]).unwrap();
        assert_eq!((known.der(), cache.counts().hits), (all[39].as_slice(), 41));
        cache.certificate(&all[20]).unwrap();
        assert_eq!(cache.counts().misses, 41, "what was not asked for is forgotten");
    }

    #[test]
    fn what_is_larger_than_all_of_it_is_read_and_not_kept() {
        let bytes = certificates(1).remove(0);
        let cache = ChainCache::new(&Limits { cached_certificate_bytes: 2 * bytes.len() - 1, ..Limits::default() });
        cache.certificate(&bytes).unwrap();
        assert!(cache.is_empty());
        assert!(cache.certificate(b"no certificate").is_err());
        let cache = ChainCache::new(&Limits { cached_certificate_bytes: 2 * bytes.len(), ..Limits::default() });
        cache.certificate(&bytes).unwrap();
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn one_more_octet_is_another_certificate() {
        let bytes = certificates(1).remove(0);
        let cache = ChainCache::new(&Limits::default());
        cache.certificate(&bytes).unwrap();
        let mut other = bytes.clone();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(cache.certificate(&other).unwrap().der(), other);
        assert!(cache.certificate(&[&bytes[..], &[0]].concat()).is_err());
        // The same signature under another serial number.
        let at = bytes.windows(3).position(|octets| octets == [2, 1, 0]).unwrap();
        let mut altered = bytes.clone();
        altered[at + 2] = 9;
        assert_eq!(cache.certificate(&altered).unwrap().der(), altered);
        assert_eq!(cache.certificate(&bytes).unwrap().der(), bytes);
        assert_eq!(cache.counts(), CacheCounts { hits: 0, misses: 5 });
    }
}
