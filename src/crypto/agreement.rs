//! Key agreement: from two keys on a curve to a key-encryption key (RFC 5753, RFC 8418).

use super::algorithm::{AlgorithmIdentifier, Curve, DigestAlgorithm, KeyAgreement, KeyDerivation};
use super::digest::{Hasher, hmac};
use super::private::PrivateKey;
use super::random::Random;
use super::signature::PublicKey;
use super::{Error, Result};
use crate::asn1::der;
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use zeroize::Zeroizing;

/// A key for one message: its public half travels with it, its private half is forgotten.
pub struct EphemeralKey {
    curve: Curve,
    key: PrivateKey,
}

impl EphemeralKey {
    /// A new one on this curve.
    ///
    /// # Errors
    /// [`Error::Rng`].
    pub fn generate(random: &mut dyn Random, curve: Curve) -> Result<Self> {
        Ok(Self { curve, key: PrivateKey::generate_with(random, curve.into(), 0)? })
    }

    /// The algorithm and the bytes of `OriginatorPublicKey` (RFC 5652 section 6.2.2): the uncompressed point, or the
    /// 32 bytes of X25519.
    ///
    /// # Errors
    /// None in practice; the point is made here.
    pub fn public_key(&self) -> Result<(AlgorithmIdentifier, Vec<u8>)> {
        Ok((self.curve.identifier(), self.key.public_bytes()))
    }

    /// The raw shared secret with a recipient.
    ///
    /// # Errors
    /// [`Error::BadKey`], [`Error::WrongKey`] as [`PrivateKey::agree`].
    pub fn agree(&self, recipient: &PublicKey) -> Result<Secret> {
        if recipient.kind().curve() != Some(self.curve) {
            return Err(recipient.wrong_for(self.curve.name()));
        }
        self.key.agree_with(recipient)
    }
}

/// What a sender's certificate key is to [`PrivateKey::agree`], where the message has no key of its own but names that
/// certificate as its originator (static-static agreement, RFC 5753 section 3.1.1): the uncompressed point, or the 32
/// bytes of X25519. From there on nothing differs; only a ukm keeps two such messages from having one key.
///
/// # Errors
/// Those of [`PublicKey::from_spki`]; [`Error::WrongKey`] where it is no key to agree with, such as RSA.
pub fn peer_from_certificate_key(spki: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    PublicKey::from_spki(spki, limits)?.key_agreement_bytes()
}

/// The key-encryption key from what was agreed upon.
///
/// `key_info` is the key wrap's AlgorithmIdentifier in DER, as it stands in the parameters of the
/// keyEncryptionAlgorithm: whoever reads passes it with its parameters, since some write NULL there and hash it so; whoever
/// writes passes `agreement.wrap.identifier().to_der()`. `ukm` is the octets of the UserKeyingMaterial.
///
/// With HKDF the ukm is both the salt and part of the information (RFC 8418 section 2.2).
///
/// # Errors
/// [`Error::UnsupportedAlgorithm`] for a derivation with MD5.
pub fn kek(agreement: &KeyAgreement, key_info: &[u8], ukm: Option<&[u8]>, shared: &Secret) -> Result<Secret> {
    let length = agreement.wrap.key_length();
    let info = shared_info(key_info, ukm, length);
    match agreement.derivation {
        KeyDerivation::X963(DigestAlgorithm::Md5) | KeyDerivation::Hkdf(DigestAlgorithm::Md5) => {
            Err(Error::UnsupportedAlgorithm { what: "key derivation", oid: agreement.name() })
        }
        KeyDerivation::X963(digest) => Ok(x963(digest, shared, &info, length)),
        KeyDerivation::Hkdf(digest) => Ok(hkdf(digest, ukm.unwrap_or_default(), shared, &info, length)),
    }
}

/// ```text
/// ECC-CMS-SharedInfo ::= SEQUENCE { keyInfo AlgorithmIdentifier, entityUInfo [0] EXPLICIT OCTET STRING OPTIONAL,
///     suppPubInfo [2] EXPLICIT OCTET STRING }
/// ```
/// RFC 5753 section 7.2; suppPubInfo is the length in bits, in 32 bits.
fn shared_info(key_info: &[u8], ukm: Option<&[u8]>, length: usize) -> Vec<u8> {
    let bits = u32::try_from(length).unwrap_or(u32::MAX).saturating_mul(8).to_be_bytes();
    let mut parts = vec![key_info.to_vec()];
    parts.extend(ukm.map(|ukm| der::explicit(0, &der::octets(ukm))));
    parts.push(der::explicit(2, &der::octets(&bits)));
    der::sequence(&parts)
}

/// ANSI X9.63, SEC 1 section 3.6.1: Hash(secret || counter || info), the counter from 1.
pub fn x963(digest: DigestAlgorithm, shared: &Secret, info: &[u8], length: usize) -> Secret {
    let mut out = Zeroizing::new(Vec::with_capacity(length + digest.length()));
    let mut counter = 0u32;
    while out.len() < length {
        counter = counter.wrapping_add(1);
        let mut hasher = Hasher::new(digest);
        hasher.update(shared.expose());
        hasher.update(&counter.to_be_bytes());
        hasher.update(info);
        out.extend_from_slice(&Zeroizing::new(hasher.finish()));
    }
    Secret::from(out.get(..length).unwrap_or_default())
}

/// HKDF, RFC 5869, extract and expand. An empty salt is the salt of zeros, since HMAC pads its key with zeros. At most
/// 255 digests come out.
pub fn hkdf(digest: DigestAlgorithm, salt: &[u8], secret: &Secret, info: &[u8], length: usize) -> Secret {
    let key = hmac(digest, salt, secret.expose());
    let mut out = Zeroizing::new(Vec::with_capacity(length + digest.length()));
    let mut last = Secret::new(Vec::new());
    for counter in 1..=255u8 {
        if out.len() >= length {
            break;
        }
        let input = Zeroizing::new([last.expose(), info, &[counter]].concat());
        last = hmac(digest, key.expose(), &input);
        out.extend_from_slice(last.expose());
    }
    Secret::from(out.get(..length).unwrap_or(&out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::algorithm::{Cofactor, KeyWrap};
    use crate::crypto::random::SystemRandom;
    use crate::crypto::signature::KeyKind;

    #[test]
    fn both_sides_come_to_the_same_key() {
        use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
        let derivations = [Sha1, Sha224, Sha256, Sha384, Sha512]
            .map(KeyDerivation::X963)
            .into_iter()
            .chain([Sha256, Sha512].map(KeyDerivation::Hkdf));
        let derivations: Vec<_> = derivations.collect();
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::X25519] {
            let recipient = PrivateKey::generate(kind, 0).unwrap();
            let public = recipient.public_key(&Limits::default()).unwrap();
            let ephemeral = EphemeralKey::generate(&mut SystemRandom, kind.curve().unwrap()).unwrap();
            let (algorithm, point) = ephemeral.public_key().unwrap();
            assert_eq!(Curve::from_identifier(&algorithm).unwrap(), kind.curve().unwrap());
            let (here, there) = (ephemeral.agree(&public).unwrap(), recipient.agree(&point).unwrap());
            assert_eq!(here, there);
            assert_eq!(here.len(), kind.curve().unwrap().field_length());
            let mut seen = std::collections::HashSet::new();
            for derivation in &derivations {
                for wrap in [KeyWrap::Aes128, KeyWrap::Aes256] {
                    let agreement = KeyAgreement { derivation: *derivation, cofactor: Cofactor::Standard, wrap };
                    let info = wrap.identifier().to_der();
                    for ukm in [None, Some(&b"ukm"[..])] {
                        let key = kek(&agreement, &info, ukm, &here).unwrap();
                        assert_eq!(key, kek(&agreement, &info, ukm, &there).unwrap());
                        assert_eq!(key.len(), wrap.key_length());
                        assert!(seen.insert(key.expose().to_vec()), "every parameter counts");
                    }
                    let null = AlgorithmIdentifier::with_null(wrap.oid()).to_der();
                    assert!(seen.insert(kek(&agreement, &null, None, &here).unwrap().expose().to_vec()));
                }
            }
        }
    }

    #[test]
    fn sec_074_a_recipient_on_another_curve_is_refused() {
        let ephemeral = EphemeralKey::generate(&mut SystemRandom, Curve::P256).unwrap();
        for kind in [KeyKind::P384, KeyKind::X25519, KeyKind::Ed25519] {
            let public = PrivateKey::generate(kind, 0).unwrap().public_key(&Limits::default()).unwrap();
            assert!(matches!(ephemeral.agree(&public), Err(Error::WrongKey { .. })));
        }
    }

    #[test]
    fn a_certificate_s_key_agrees_like_any_other() {
        let limits = Limits::default();
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::X25519] {
            let (sender, recipient) = (PrivateKey::generate(kind, 0).unwrap(), PrivateKey::generate(kind, 0).unwrap());
            let peer =
                |key: &PrivateKey| peer_from_certificate_key(key.public_key(&limits).unwrap().spki(), &limits).unwrap();
            assert_eq!(recipient.agree(&peer(&sender)).unwrap(), sender.agree(&peer(&recipient)).unwrap());
        }
        let signs = PrivateKey::generate(KeyKind::Ed25519, 0).unwrap().public_key(&limits).unwrap();
        assert!(matches!(peer_from_certificate_key(signs.spki(), &limits), Err(Error::WrongKey { .. })));
        assert!(peer_from_certificate_key(&[0x30, 0], &limits).is_err());
        // SEC-74: a point of another curve.
        let other = PrivateKey::generate(KeyKind::P384, 0).unwrap().public_key(&limits).unwrap();
        let peer = peer_from_certificate_key(other.spki(), &limits).unwrap();
        assert!(PrivateKey::generate(KeyKind::P256, 0).unwrap().agree(&peer).is_err());
    }

    #[test]
    fn shared_info_is_laid_out_as_in_rfc_5753() {
        let info = shared_info(&KeyWrap::Aes256.identifier().to_der(), Some(&[1, 2]), 32);
        let expected = [
            &[0x30, 27, 0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 45][..],
            &[0xa0, 4, 4, 2, 1, 2],
            &[0xa2, 6, 4, 4, 0, 0, 1, 0],
        ];
        assert_eq!(info, expected.concat());
    }

    #[test]
    fn an_hkdf_too_long_gives_what_there_is() {
        let secret = Secret::new(vec![1; 32]);
        assert_eq!(hkdf(DigestAlgorithm::Sha256, b"", &secret, b"", 255 * 32 + 1).len(), 255 * 32);
    }
}
