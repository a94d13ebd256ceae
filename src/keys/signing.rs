//! What signs.

use crate::crypto;
use crate::crypto::algorithm::SignatureScheme;

/// Why a key did not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key does not sign with this scheme.
    #[error("this key signs with {}, not with {scheme}", list(.offered))]
    Scheme {
        /// The one asked for.
        scheme: SignatureScheme,
        /// Those that it has.
        offered: Vec<SignatureScheme>,
    },
    /// Whatever holds the key is not there or refuses: a card, an agent, a service (SEC-152).
    #[error("the signer is unavailable: {0}")]
    Unavailable(String),
    /// The arithmetic failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

/// A private key that signs, wherever it lies.
pub trait SigningKey: Send + Sync {
    /// The SubjectPublicKeyInfo of its public half, in DER.
    fn public_key(&self) -> &[u8];

    /// The schemes that it signs with, the preferred one first. Empty for a key that does not sign.
    fn schemes(&self) -> Vec<SignatureScheme>;

    /// Signs a message, not its digest: whoever implements this hashes, since some keys (Ed25519) take no digest. The
    /// signature is as CMS writes it: DER for ECDSA, the block for RSA, 64 bytes for Ed25519.
    ///
    /// # Errors
    /// [`KeyError::Scheme`] for a scheme that is not among [`schemes`](Self::schemes); [`KeyError::Unavailable`];
    /// [`KeyError::Crypto`].
    fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Whether what [`sign`](Self::sign) gives need not be verified once more before it leaves. `false` unless a key says
    /// otherwise: what a card, a module or a service gives may be by another key, or by none, and is always verified.
    ///
    /// It is asked only of a key whose public half is, octet for octet, the one in the certificate. Saying `true` is right
    /// for arithmetic in this process that checks its own result (RSA, where a fault would give the factors away), or of
    /// which a fault would be no more telling with the check than without it.
    fn is_self_checking(&self, _scheme: &SignatureScheme) -> bool {
        false
    }
}

fn list(schemes: &[SignatureScheme]) -> String {
    if schemes.is_empty() {
        return "nothing".into();
    }
    schemes.iter().map(SignatureScheme::name).collect::<Vec<_>>().join(", ")
}
