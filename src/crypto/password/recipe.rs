//! What is written under a password: a row for each generation of readers.

use super::KdfBudget;
use crate::crypto::algorithm::DigestAlgorithm;

/// How a file, and the private key in it, is protected when it is written. One of the rows below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    pub(super) scheme: Scheme,
    pub(super) mac: DigestAlgorithm,
    pub(super) iterations: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// PBES2 (RFC 8018 section 6.2): PBKDF2 with HMAC-SHA-256, AES-256-CBC.
    Pbes2Aes256,
    /// pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C).
    Pkcs12TripleDes,
}

/// What PKCS#12 files of this decade carry. Windows refuses more than 600 000 (SEC-121). Old readers were measured with
/// 3DES and 2048 to 600 000 iterations: gpgsm 2.2.40, NSS 3.87 and OpenSSL 3.0 take them all, so that a weak cipher is no
/// reason for a derivation that is quick to guess.
const ITERATIONS: u64 = 100_000;

impl Recipe {
    /// The common ground of today's Windows, NSS (Thunderbird), Java and OpenSSL (OUT-113).
    pub const MODERN: Self = Self { scheme: Scheme::Pbes2Aes256, mac: DigestAlgorithm::Sha256, iterations: ITERATIONS };

    /// What everything since 1999 reads: old phones, Windows before 10, gpgsm 2.2 (OUT-113). 3DES and SHA-1 are weak.
    pub const LEGACY: Self =
        Self { scheme: Scheme::Pkcs12TripleDes, mac: DigestAlgorithm::Sha1, iterations: ITERATIONS };

    /// Enough for one derivation.
    pub(super) fn budget(&self) -> KdfBudget {
        KdfBudget { spent: 0, limit: self.iterations }
    }
}
