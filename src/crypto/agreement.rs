//! Key agreement: from two keys on a curve to a key-encryption key (RFC 5753, RFC 8418).

use super::algorithm::{AlgorithmIdentifier, Curve, DigestAlgorithm, KeyAgreement, KeyDerivation};
use super::digest::{Hasher, hmac};
use super::private::PrivateKey;
use super::random::Random;
use super::signature::PublicKey;
use super::{Error, Result};
use crate::asn1::der;
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
        let limits = crate::base::limits::Limits::default();
        Ok((self.curve.identifier(), self.key.public_key(&limits)?.key_agreement_bytes()?))
    }

    /// The raw shared secret with a recipient.
    ///
    /// # Errors
    /// [`Error::BadKey`], [`Error::WrongKey`] as [`PrivateKey::agree`].
    pub fn agree(&self, recipient: &PublicKey) -> Result<Secret> {
        if recipient.kind().curve() != Some(self.curve) {
            return Err(recipient.wrong_for(self.curve.name()));
        }
        self.key.agree(&recipient.key_agreement_bytes()?)
    }
}

/// The key-encryption key from what was agreed upon.
///
/// `key_info` is the key wrap's AlgorithmIdentifier in DER, as it stands in the parameters of the
/// keyEncryptionAlgorithm: whoever reads passes it as received, since some write NULL there and hash it so; whoever
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
