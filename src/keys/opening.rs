//! What opens.

use crate::base::secret::Secret;
use crate::crypto::algorithm::KeyTransport;

/// What stands in a recipient's entry for this key.
#[derive(Clone, Copy, Debug)]
pub enum WrappedKey<'a> {
    /// A content-encryption key encrypted for an RSA key (KeyTransRecipientInfo).
    Transported {
        /// How.
        transport: &'a KeyTransport,
        /// The ciphertext.
        bytes: &'a [u8],
        /// Bytes of the content-encryption key, by its cipher.
        length: usize,
    },
    /// A key to agree with (KeyAgreeRecipientInfo).
    Agreed {
        /// The originator's point, or its 32 bytes of X25519.
        peer: &'a [u8],
    },
}

/// What a key says to that. Three answers, and none of them tells why something is broken (SEC-80).
#[derive(Clone, Debug)]
pub enum Unwrapped {
    /// It is for another kind of key; nothing was tried.
    NotMine,
    /// It was for this key, and did not decrypt.
    Broken,
    /// The content-encryption key, or the raw shared secret. With PKCS#1 v1.5 it may be a made-up one (SEC-70).
    Here(Secret),
}

/// A private key that opens, wherever it lies.
pub trait OpeningKey: Send + Sync {
    /// The SubjectPublicKeyInfo of its public half, in DER.
    fn public_key(&self) -> &[u8];

    /// Tries to unwrap.
    fn unwrap(&self, wrapped: &WrappedKey<'_>) -> Unwrapped;
}
