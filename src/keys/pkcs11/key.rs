//! A private key on a token: what it does itself, and what is done here around it.

use super::access::{Access, Failure, Open};
use super::attributes::Object;
use crate::asn1::der;
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use crate::crypto::algorithm::{Curve, DigestAlgorithm, KeyTransport, SignatureScheme};
use crate::crypto::digest::hash;
use crate::crypto::private::PrivateKey;
use crate::crypto::random::{Random, SystemRandom};
use crate::crypto::signature::{KeyKind, PublicKey};
use crate::crypto::transport::{of_length, open_block};
use crate::keys::opening::{OpeningKey, Unwrapped, WrappedKey};
use crate::keys::signing::{KeyError, SigningKey};
use cryptoki::error::{Error as Answer, RvError};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A private key that stays on its token. It signs and opens from several threads at once, as far as the token has sessions.
pub struct TokenKey {
    access: Arc<Access>,
    /// What it is found by in each session.
    attributes: Vec<Attribute>,
    label: String,
    public: PublicKey,
    abilities: Abilities,
    /// What the keys are made of that are put in the place of those that do not decrypt (SEC-70).
    rejection: Secret,
}

/// What the token lets a key do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abilities {
    pub(super) sign: bool,
    pub(super) decrypt: bool,
    pub(super) unwrap: bool,
    pub(super) derive: bool,
    /// Whether it wants the PIN for each signature.
    pub(super) asks_each_time: bool,
}

impl Abilities {
    pub(super) fn read(object: &Object<'_>) -> Self {
        Self {
            sign: object.is(AttributeType::Sign),
            decrypt: object.is(AttributeType::Decrypt),
            unwrap: object.is(AttributeType::Unwrap),
            derive: object.is(AttributeType::Derive),
            asks_each_time: object.is(AttributeType::AlwaysAuthenticate),
        }
    }
}

impl TokenKey {
    /// `None` where there is no randomness.
    pub(super) fn new(
        access: Arc<Access>,
        attributes: Vec<Attribute>,
        label: String,
        public: PublicKey,
        abilities: Abilities,
    ) -> Option<Self> {
        let mut rejection = vec![0; 32];
        SystemRandom.fill(&mut rejection).ok()?;
        Some(Self { access, attributes, label, public, abilities, rejection: Secret::new(rejection) })
    }

    /// CKA_LABEL.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether the token lets it sign with anything.
    pub fn signs(&self) -> bool {
        !self.schemes().is_empty()
    }

    /// Whether the token lets it decrypt.
    pub fn opens(&self) -> bool {
        match self.public.kind() {
            KeyKind::Rsa => self.abilities.decrypt || self.abilities.unwrap,
            kind => self.abilities.derive && kind.curve().is_some() && self.access.offers(MechanismType::ECDH1_DERIVE),
        }
    }

    /// Whether the key does what only the private half of `public` can do. For tokens that do not tell the public half of a
    /// key, so that only the certificate knows it.
    pub(super) fn proves(&self, limits: &Limits) -> bool {
        let mut nonce = [0; 32];
        if SystemRandom.fill(&mut nonce).is_err() {
            return false;
        }
        if let Some(scheme) = self.schemes().first() {
            return self.sign(scheme, &nonce).is_ok_and(|made| self.public.verify(scheme, &nonce, &made).is_ok());
        }
        let found = match self.public.kind() {
            KeyKind::Rsa => {
                let transport = KeyTransport::RsaPkcs1;
                let Ok(bytes) = self.public.encrypt(&transport, &nonce) else { return false };
                self.unwrap(&WrappedKey::Transported { transport: &transport, bytes: &bytes, length: nonce.len() })
            }
            kind => {
                let other = PrivateKey::generate(kind, 0).and_then(|key| Ok((key.public_key(limits)?, key)));
                let Ok((peer, key)) = other else { return false };
                let agreed = self.public.key_agreement_bytes().and_then(|point| key.agree(&point));
                let (Ok(peer), Ok(agreed)) = (peer.key_agreement_bytes(), agreed) else { return false };
                let found = self.unwrap(&WrappedKey::Agreed { peer: &peer });
                return matches!(found, Unwrapped::Here(found) if found == agreed);
            }
        };
        matches!(found, Unwrapped::Here(found) if found.expose() == nonce)
    }

    /// With the digest made here, where the key does not ask for the PIN each time: every token takes digests.
    fn signature(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let offered = if self.abilities.asks_each_time { hashing(scheme) } else { plain(scheme) };
        let unknown = Failure::Answer(Answer::Pkcs11(RvError::MechanismInvalid, cryptoki::context::Function::Sign));
        let (_, mechanism) = offered.ok_or(unknown)?;
        if self.abilities.asks_each_time {
            return self.access.run(|open| {
                let key = open.handle(&self.attributes)?;
                open.session.sign_init(&mechanism, key)?;
                self.access.confirm(&open.session)?;
                open.session.sign_update(message)?;
                open.session.sign_final()
            });
        }
        let digest = hash(scheme.digest(), message);
        let input = match scheme {
            // DigestInfo, RFC 8017 section 9.2.
            SignatureScheme::RsaPkcs1(algorithm) => {
                der::sequence(&[algorithm.identifier_with_null().to_der(), der::octets(&digest)])
            }
            // FIPS 186-5 section 6.4.1 step 2: the leftmost bits, where the digest is longer than the order.
            SignatureScheme::Ecdsa(_) => {
                let order = self.public.kind().curve().map_or(usize::MAX, Curve::field_length);
                digest.get(..order).map(<[u8]>::to_vec).unwrap_or(digest)
            }
            _ => digest,
        };
        self.access.run(|open| {
            let key = open.handle(&self.attributes)?;
            open.session.sign(&mechanism, key, &input)
        })
    }

    fn transported(&self, transport: &KeyTransport, bytes: &[u8], length: usize) -> Unwrapped {
        // What everybody can see.
        if bytes.len() != (self.public.bits() as usize).div_ceil(8) {
            return Unwrapped::Broken;
        }
        let opened = match self.block(bytes) {
            // Padding is judged here, in constant time, where the token gives the whole block.
            Some(Ok(mut block)) => open_block(transport, &mut block, self.rejection.expose(), bytes, length).ok(),
            Some(Err(())) => None,
            None => self.padded(transport, bytes, length),
        };
        opened.map_or(Unwrapped::Broken, Unwrapped::Here)
    }

    /// RSADP alone, as long as the modulus; `None` where the token does not do that with this key.
    fn block(&self, bytes: &[u8]) -> Option<Result<Zeroizing<Vec<u8>>, ()>> {
        if !self.abilities.decrypt || !self.access.offers(MechanismType::RSA_X_509) {
            return None;
        }
        let answer = self.access.run(|open| {
            let key = open.handle(&self.attributes)?;
            open.session.decrypt(&Mechanism::RsaX509, key, bytes)
        });
        match answer {
            Ok(found) => {
                let found = Zeroizing::new(found);
                let mut block = Zeroizing::new(vec![0; bytes.len().saturating_sub(found.len())]);
                block.extend_from_slice(&found);
                Some(Ok(block))
            }
            Err(failure) if is_unfit(&failure) => None,
            Err(_) => Some(Err(())),
        }
    }

    /// With the padding judged by the token.
    fn padded(&self, transport: &KeyTransport, bytes: &[u8], length: usize) -> Option<Secret> {
        let mechanism = match transport {
            KeyTransport::RsaPkcs1 => Mechanism::RsaPkcs,
            KeyTransport::RsaOaep { hash, mgf_hash, label } => {
                let source = match label.as_slice() {
                    [] => PkcsOaepSource::empty(),
                    label => PkcsOaepSource::data_specified(label),
                };
                Mechanism::RsaPkcsOaep(PkcsOaepParams::new(digest_type(*hash)?, mask(*mgf_hash)?, source))
            }
        };
        let answer = self.access.run(|open| {
            let key = open.handle(&self.attributes)?;
            if self.abilities.decrypt {
                return open.session.decrypt(&mechanism, key, bytes);
            }
            let secret = open.session.unwrap_key(&mechanism, key, bytes, &readable_secret(None))?;
            taken(open, secret)
        });
        let plain = answer.map(Zeroizing::new);
        match transport {
            // An answer of another length, or none: a key is made up, as if the padding had been sound (SEC-70).
            KeyTransport::RsaPkcs1 => {
                let plain = plain.unwrap_or_default();
                Some(of_length(self.rejection.expose(), bytes, &plain, length))
            }
            KeyTransport::RsaOaep { .. } => {
                plain.ok().filter(|p| p.len() == length).map(|p| Secret::from(p.as_slice()))
            }
        }
    }

    fn agreed(&self, curve: Curve, peer: &[u8]) -> Unwrapped {
        // SEC-74: on the curve, and written as every token takes it.
        let peer = PublicKey::from_point(curve, peer).and_then(|key| key.key_agreement_bytes());
        let Ok(peer) = peer else { return Unwrapped::Broken };
        let size = curve.field_length();
        let answer = self.access.run(|open| {
            let key = open.handle(&self.attributes)?;
            let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), &peer));
            let secret = open.session.derive_key(&mechanism, key, &readable_secret(Some(size)))?;
            taken(open, secret)
        });
        match answer.map(Secret::new) {
            Ok(secret) if secret.len() == size => Unwrapped::Here(secret),
            _ => Unwrapped::Broken,
        }
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({}, {:?} on {:?})", self.public.describe(), self.label, self.access.info().label)
    }
}

impl SigningKey for TokenKey {
    fn public_key(&self) -> &[u8] {
        self.public.spki()
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        if !self.abilities.sign {
            return Vec::new();
        }
        let way = if self.abilities.asks_each_time { hashing } else { plain };
        let done = |scheme: &SignatureScheme| way(scheme).is_some_and(|(kind, _)| self.access.offers(kind));
        self.public.kind().schemes().into_iter().filter(done).collect()
    }

    fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let offered = self.schemes();
        if !offered.contains(scheme) {
            return Err(KeyError::Scheme { scheme: *scheme, offered });
        }
        let unavailable = |text: String| KeyError::Unavailable(text);
        let signature = self.signature(scheme, message).map_err(|f| unavailable(self.access.error(f).to_string()))?;
        match (scheme, self.public.kind().curve()) {
            (SignatureScheme::Ecdsa(_), Some(curve)) => ecdsa_der(&signature, curve.field_length())
                .ok_or_else(|| unavailable(format!("the token gives an ECDSA signature of {} bytes", signature.len()))),
            _ => Ok(signature),
        }
    }
}

impl OpeningKey for TokenKey {
    fn public_key(&self) -> &[u8] {
        self.public.spki()
    }

    fn unwrap(&self, wrapped: &WrappedKey<'_>) -> Unwrapped {
        if !self.opens() {
            return Unwrapped::NotMine;
        }
        match (wrapped, self.public.kind()) {
            (WrappedKey::Transported { transport, bytes, length }, KeyKind::Rsa) => {
                self.transported(transport, bytes, *length)
            }
            (WrappedKey::Agreed { peer }, kind) => match kind.curve() {
                Some(curve) => self.agreed(curve, peer),
                None => Unwrapped::NotMine,
            },
            _ => Unwrapped::NotMine,
        }
    }
}

/// How a token signs what was hashed here.
fn plain(scheme: &SignatureScheme) -> Option<(MechanismType, Mechanism<'static>)> {
    Some(match scheme {
        SignatureScheme::RsaPkcs1(_) => (MechanismType::RSA_PKCS, Mechanism::RsaPkcs),
        SignatureScheme::RsaPss { .. } => (MechanismType::RSA_PKCS_PSS, Mechanism::RsaPkcsPss(pss(scheme)?)),
        SignatureScheme::Ecdsa(_) => (MechanismType::ECDSA, Mechanism::Ecdsa),
        _ => return None,
    })
}

/// How a token hashes and signs. Only so there is a moment for the PIN between the beginning and the message.
fn hashing(scheme: &SignatureScheme) -> Option<(MechanismType, Mechanism<'static>)> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    Some(match scheme {
        SignatureScheme::RsaPkcs1(Sha1) => (MechanismType::SHA1_RSA_PKCS, Mechanism::Sha1RsaPkcs),
        SignatureScheme::RsaPkcs1(Sha256) => (MechanismType::SHA256_RSA_PKCS, Mechanism::Sha256RsaPkcs),
        SignatureScheme::RsaPkcs1(Sha384) => (MechanismType::SHA384_RSA_PKCS, Mechanism::Sha384RsaPkcs),
        SignatureScheme::RsaPkcs1(Sha512) => (MechanismType::SHA512_RSA_PKCS, Mechanism::Sha512RsaPkcs),
        SignatureScheme::Ecdsa(Sha256) => (MechanismType::ECDSA_SHA256, Mechanism::EcdsaSha256),
        SignatureScheme::Ecdsa(Sha384) => (MechanismType::ECDSA_SHA384, Mechanism::EcdsaSha384),
        SignatureScheme::Ecdsa(Sha512) => (MechanismType::ECDSA_SHA512, Mechanism::EcdsaSha512),
        SignatureScheme::RsaPss { hash: Sha256, .. } => {
            (MechanismType::SHA256_RSA_PKCS_PSS, Mechanism::Sha256RsaPkcsPss(pss(scheme)?))
        }
        SignatureScheme::RsaPss { hash: Sha384, .. } => {
            (MechanismType::SHA384_RSA_PKCS_PSS, Mechanism::Sha384RsaPkcsPss(pss(scheme)?))
        }
        SignatureScheme::RsaPss { hash: Sha512, .. } => {
            (MechanismType::SHA512_RSA_PKCS_PSS, Mechanism::Sha512RsaPkcsPss(pss(scheme)?))
        }
        _ => return None,
    })
}

fn pss(scheme: &SignatureScheme) -> Option<PkcsPssParams> {
    let SignatureScheme::RsaPss { hash, mgf_hash, salt_length } = scheme else { return None };
    let s_len = usize::try_from(*salt_length).ok()?.try_into().ok()?;
    Some(PkcsPssParams { hash_alg: digest_type(*hash)?, mgf: mask(*mgf_hash)?, s_len })
}

fn digest_type(digest: DigestAlgorithm) -> Option<MechanismType> {
    Some(match digest {
        DigestAlgorithm::Sha1 => MechanismType::SHA1,
        DigestAlgorithm::Sha224 => MechanismType::SHA224,
        DigestAlgorithm::Sha256 => MechanismType::SHA256,
        DigestAlgorithm::Sha384 => MechanismType::SHA384,
        DigestAlgorithm::Sha512 => MechanismType::SHA512,
        DigestAlgorithm::Md5 => return None,
    })
}

fn mask(digest: DigestAlgorithm) -> Option<PkcsMgfType> {
    Some(match digest {
        DigestAlgorithm::Sha1 => PkcsMgfType::MGF1_SHA1,
        DigestAlgorithm::Sha224 => PkcsMgfType::MGF1_SHA224,
        DigestAlgorithm::Sha256 => PkcsMgfType::MGF1_SHA256,
        DigestAlgorithm::Sha384 => PkcsMgfType::MGF1_SHA384,
        DigestAlgorithm::Sha512 => PkcsMgfType::MGF1_SHA512,
        DigestAlgorithm::Md5 => return None,
    })
}

/// A secret that lives in one session and may be read, since the content is decrypted here.
fn readable_secret(length: Option<usize>) -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    attributes.extend(length.and_then(|length| length.try_into().ok()).map(Attribute::ValueLen));
    attributes
}

/// Reads such a secret and removes it from the token.
fn taken(open: &Open, handle: ObjectHandle) -> Result<Vec<u8>, Answer> {
    let value = Object { session: &open.session, handle }.bytes(AttributeType::Value);
    let removed = open.session.destroy_object(handle);
    let value = value.map(Zeroizing::new);
    removed?;
    let absent = || Answer::Pkcs11(RvError::AttributeSensitive, cryptoki::context::Function::GetAttributeValue);
    value.map(|value| value.to_vec()).ok_or_else(absent)
}

/// Whether a token refuses a way to decrypt whatever the ciphertext is.
fn is_unfit(failure: &Failure) -> bool {
    use RvError::{
        ActionProhibited, FunctionNotSupported, FunctionRejected, KeyFunctionNotPermitted, KeyTypeInconsistent,
        MechanismInvalid, MechanismParamInvalid,
    };
    matches!(
        failure,
        Failure::Answer(Answer::Pkcs11(
            ActionProhibited
                | FunctionNotSupported
                | FunctionRejected
                | KeyFunctionNotPermitted
                | KeyTypeInconsistent
                | MechanismInvalid
                | MechanismParamInvalid,
            _
        ))
    )
}

/// `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` of r and s side by side, each as long as the order.
fn ecdsa_der(raw: &[u8], size: usize) -> Option<Vec<u8>> {
    let (r, s) = raw.split_at_checked(size).filter(|(_, s)| s.len() == size)?;
    Some(der::sequence(&[der::unsigned(r), der::unsigned(s)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_and_s_become_a_structure() {
        assert_eq!(ecdsa_der(&[0, 1, 0x80, 2], 2).unwrap(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2]);
        assert_eq!(ecdsa_der(&[1, 2, 3], 2), None);
        assert_eq!(ecdsa_der(&[1, 2, 3, 4, 5], 2), None);
        assert_eq!(ecdsa_der(&[], 2), None);
    }

    #[test]
    fn every_scheme_of_a_key_has_its_mechanism() {
        for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::P521] {
            for scheme in kind.schemes() {
                assert!(plain(&scheme).is_some() && hashing(&scheme).is_some(), "{scheme}");
            }
        }
        assert!(plain(&SignatureScheme::Ed25519).is_none());
    }
}
