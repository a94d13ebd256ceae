//! What is too weak by now, and since when: a table with dates, read by the floors that judge.

use super::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme};
use super::signature::{KeyKind, PublicKey};
use crate::base::reason::Reason;

/// Why a digest is weak under a signature, where it is (SEC-33).
pub fn digest_weakness(digest: DigestAlgorithm) -> Option<Reason> {
    row(DIGESTS.iter().find(|row| row.0 == digest).map(|row| (row.1, row.2, row.3)))
}

/// Why a signature scheme is weak, where it is: its digest is.
pub fn scheme_weakness(scheme: &SignatureScheme) -> Option<Reason> {
    digest_weakness(scheme.digest())
}

/// Why a content cipher is weak, where it is (SEC-78).
pub fn cipher_weakness(cipher: ContentCipher) -> Option<Reason> {
    row(CIPHERS.iter().find(|row| row.0 == cipher).map(|row| (row.1, row.2, row.3)))
}

/// Why a key transport is weak, where it is. PKCS#1 v1.5 is what most of the world writes, so it is not.
pub fn transport_weakness(transport: &KeyTransport) -> Option<Reason> {
    match transport {
        KeyTransport::RsaOaep { hash: DigestAlgorithm::Md5, .. } => digest_weakness(DigestAlgorithm::Md5),
        _ => None,
    }
}

/// Why a key is weak, where it is (SEC-37, SEC-38).
pub fn key_weakness(key: &PublicKey) -> Option<Reason> {
    let bits = key.bits();
    match key.kind() {
        KeyKind::Rsa if bits < RSA_MIN_BITS => Some(Reason::new(
            "weak_key",
            format!(
                "{} is weak: NIST SP 800-131A allows RSA below {RSA_MIN_BITS} bits no more since 2014-01-01",
                key.describe()
            ),
        )),
        KeyKind::Rsa => {
            key.factors_within_reach().map(|why| Reason::new("weak_key", format!("{} is weak: {why}", key.describe())))
        }
        // FIPS 186-5 section 4: its signatures may be verified where they were made before.
        KeyKind::Dsa => Some(Reason::new(
            "weak_key",
            format!(
                "{} is weak: FIPS 186-5 allows no DSA signatures to be made any more since 2023-02-03",
                key.describe()
            ),
        )),
        _ => None,
    }
}

fn row(row: Option<(&'static str, &'static str, &'static str)>) -> Option<Reason> {
    row.map(|(code, since, why)| Reason::new(code, format!("{why}, since {since}")))
}

/// NIST SP 800-131A revision 1; CA/Browser Forum S/MIME Baseline Requirements 6.1.5.
const RSA_MIN_BITS: u32 = 2048;

/// Digest, code, date, sentence.
const DIGESTS: [(DigestAlgorithm, &str, &str, &str); 2] = [
    // RFC 6151; Stevens et al., chosen-prefix collisions in a CA certificate.
    (DigestAlgorithm::Md5, "weak_digest", "2008-12-30", "MD5 is broken: two messages with one digest are made at will"),
    // NIST SP 800-131A; Leurent and Peyrin, "SHA-1 is a Shambles", 2020.
    (
        DigestAlgorithm::Sha1,
        "weak_digest",
        "2014-01-01",
        "SHA-1 is broken: two messages with one digest can be made, and NIST allows it for signatures no more",
    ),
];

/// Cipher, code, date, sentence (SEC-78).
const CIPHERS: [(ContentCipher, &str, &str, &str); 5] = [
    // NIST SP 800-131A revision 2; Sweet32.
    (
        ContentCipher::TripleDesCbc,
        "weak_cipher",
        "2024-01-01",
        "3DES is weak: its blocks have 64 bits, and NIST allows it for encryption no more",
    ),
    // RFC 8551 appendix B lists RC2 as historic.
    (
        ContentCipher::Rc2Cbc128,
        "weak_cipher",
        "2010-01-01",
        "RC2 is weak: its blocks have 64 bits, and S/MIME 3.2 dropped it",
    ),
    (
        ContentCipher::Rc2Cbc64,
        "weak_cipher",
        "2010-01-01",
        "RC2 with 64 bits is broken: its keys are found by trying them all, and S/MIME 3.2 dropped it",
    ),
    // The State of California broke 40 bits in hours in 1997; RFC 2311 section 2.6 already called it weak.
    (
        ContentCipher::Rc2Cbc40,
        "weak_cipher",
        "1997-01-28",
        "RC2 with 40 bits is broken: any of its keys is found in moments, so that everybody can read this",
    ),
    // FIPS 46-3 was withdrawn on this day; "Deep Crack" found keys in days in 1998.
    (
        ContentCipher::DesCbc,
        "weak_cipher",
        "2005-05-19",
        "DES is broken: its 56-bit keys are found by trying them all, and NIST withdrew it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_force() {
        for digest in DigestAlgorithm::ALL {
            let weak = matches!(digest, DigestAlgorithm::Md5 | DigestAlgorithm::Sha1);
            assert_eq!(digest_weakness(digest).is_some(), weak);
            assert_eq!(scheme_weakness(&SignatureScheme::pss(digest)).is_some(), weak);
        }
        for cipher in ContentCipher::ALL {
            assert_eq!(cipher_weakness(cipher).map(|reason| reason.code), cipher.legacy().map(|_| "weak_cipher"));
        }
        assert_eq!(digest_weakness(DigestAlgorithm::Sha1).map(|reason| reason.code), Some("weak_digest"));
    }
}
