//! What is too weak by now, and since when: a table with dates, read by the floors that judge.

use super::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme};
use super::signature::{KeyKind, Material, PublicKey};
use super::weak_key;
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

/// Why a key is weak, where it is: too short (SEC-37), or with factors that are easily found (SEC-38).
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
            let Material::Rsa { key: numbers, .. } = &key.material else { return None };
            let kind = weak_key::find(&rsa::traits::PublicKeyParts::n_bytes(numbers.as_ref()))?;
            Some(Reason::new("weak_key", format!("{} is weak: {kind}", key.describe())))
        }
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

/// Cipher, code, date, sentence.
const CIPHERS: [(ContentCipher, &str, &str, &str); 1] = [
    // NIST SP 800-131A revision 2; Sweet32.
    (
        ContentCipher::TripleDesCbc,
        "weak_cipher",
        "2024-01-01",
        "3DES is weak: its blocks have 64 bits, and NIST allows it for encryption no more",
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
            assert_eq!(cipher_weakness(cipher).is_some(), cipher == ContentCipher::TripleDesCbc);
        }
        assert_eq!(digest_weakness(DigestAlgorithm::Sha1).map(|reason| reason.code), Some("weak_digest"));
    }
}
