//! A private key held in memory.

use super::opening::{OpeningKey, Unwrapped, WrappedKey};
use super::signing::{KeyError, SigningKey};
use crate::crypto::algorithm::SignatureScheme;
use crate::crypto::private::PrivateKey;
use crate::crypto::signature::KeyKind;
use std::fmt;

/// Signs and opens with a [`PrivateKey`].
#[derive(Clone)]
pub struct SoftwareKey {
    key: PrivateKey,
    spki: Vec<u8>,
}

impl SoftwareKey {
    /// Takes the key over.
    pub fn new(key: PrivateKey) -> Self {
        Self { spki: key.public_key_spki(), key }
    }

    /// The key itself, to be written out.
    pub fn private_key(&self) -> &PrivateKey {
        &self.key
    }
}

impl From<PrivateKey> for SoftwareKey {
    fn from(key: PrivateKey) -> Self {
        Self::new(key)
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKey({})", self.key.describe())
    }
}

impl SigningKey for SoftwareKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.key.schemes()
    }

    fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let offered = self.key.schemes();
        if !offered.contains(scheme) {
            return Err(KeyError::Scheme { scheme: *scheme, offered });
        }
        Ok(self.key.sign(scheme, message)?)
    }

    /// RSA checks its own result, since a faulty one would give the factors away (Boneh, DeMillo, Lipton 1997). ECDSA has
    /// randomness in its nonce, so that a faulty signature and a right one of the same message have nothing in common that
    /// would give the key away; verifying each would cost three times the signing, and libcrypto does not do it either.
    /// Ed25519 has none (RFC 8032), and two such signatures do give it away, so these are verified.
    fn is_self_checking(&self, scheme: &SignatureScheme) -> bool {
        match scheme {
            SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss { .. } | SignatureScheme::Ecdsa(_) => true,
            SignatureScheme::Ed25519 | SignatureScheme::Dsa(_) => false,
        }
    }
}

impl OpeningKey for SoftwareKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn unwrap(&self, wrapped: &WrappedKey<'_>) -> Unwrapped {
        let result = match (wrapped, self.key.kind()) {
            (WrappedKey::Transported { transport, bytes, length }, KeyKind::Rsa) => {
                self.key.decrypt(transport, bytes, *length)
            }
            (WrappedKey::Agreed { peer }, kind) if kind.curve().is_some() => self.key.agree(peer),
            _ => return Unwrapped::NotMine,
        };
        result.map_or(Unwrapped::Broken, Unwrapped::Here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::crypto::algorithm::{DigestAlgorithm, KeyTransport};
    use crate::crypto::signature::PublicKey;

    #[test]
    fn a_key_gives_three_answers() {
        let limits = Limits::default();
        let rsa = SoftwareKey::new(PrivateKey::generate(KeyKind::Rsa, 2048).unwrap());
        let curve = SoftwareKey::new(PrivateKey::generate(KeyKind::P256, 0).unwrap());
        let public = PublicKey::from_spki(OpeningKey::public_key(&rsa), &limits).unwrap();
        let transport = KeyTransport::oaep(DigestAlgorithm::Sha256);
        let mut bytes = public.encrypt(&transport, &[7; 32]).unwrap();
        let point =
            PublicKey::from_spki(OpeningKey::public_key(&curve), &limits).unwrap().key_agreement_bytes().unwrap();
        let wrapped = WrappedKey::Transported { transport: &transport, bytes: &bytes, length: 32 };
        assert!(matches!(rsa.unwrap(&wrapped), Unwrapped::Here(key) if key.expose() == [7; 32]));
        assert!(matches!(curve.unwrap(&wrapped), Unwrapped::NotMine));
        assert!(matches!(rsa.unwrap(&WrappedKey::Agreed { peer: &point }), Unwrapped::NotMine));
        assert!(matches!(curve.unwrap(&WrappedKey::Agreed { peer: &point }), Unwrapped::Here(_)));
        assert!(matches!(curve.unwrap(&WrappedKey::Agreed { peer: &point[..33] }), Unwrapped::Broken));
        bytes[9] ^= 1;
        let wrapped = WrappedKey::Transported { transport: &transport, bytes: &bytes, length: 32 };
        assert!(matches!(rsa.unwrap(&wrapped), Unwrapped::Broken));
    }

    #[test]
    fn a_scheme_of_another_key_is_refused_with_those_that_there_are() {
        let key = SoftwareKey::new(PrivateKey::generate(KeyKind::Ed25519, 0).unwrap());
        let error = key.sign(&SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256), b"").unwrap_err();
        assert_eq!(error.to_string(), "this key signs with ed25519, not with rsa-sha256");
        assert_eq!(format!("{key:?}"), "SoftwareKey(Ed25519)");
        let agrees = SoftwareKey::new(PrivateKey::generate(KeyKind::X25519, 0).unwrap());
        assert!(agrees.schemes().is_empty());
    }
}
