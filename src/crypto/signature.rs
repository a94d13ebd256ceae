//! Public keys, and whether a signature is theirs.

use super::algorithm::{AlgorithmIdentifier, Curve, DigestAlgorithm, SignatureScheme};
use super::backend::NistPublic;
use super::digest::hash;
use super::rsa_key::RsaPublicKey;
use super::rsa_padding::{Pss, pkcs1_signed_block};
use super::{Error, Result, dsa_key, rsa_key, weak_key};
use crate::asn1::ber::Reader;
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use std::fmt;
use std::sync::OnceLock;

/// What kind of key it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA of any size.
    Rsa,
    /// On NIST P-256.
    P256,
    /// On NIST P-384.
    P384,
    /// On NIST P-521.
    P521,
    /// RFC 8032. Signs only.
    Ed25519,
    /// RFC 7748. Agrees only.
    X25519,
    /// FIPS 186-4. Its signatures are verified, and none is made.
    Dsa,
}

impl KeyKind {
    /// "RSA", "P-256", "Ed25519".
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Ed25519 => "Ed25519",
            Self::X25519 => "X25519",
            Self::Dsa => "DSA",
        }
    }

    /// The curve that such a key agrees on, where it does.
    pub fn curve(self) -> Option<Curve> {
        match self {
            Self::P256 => Some(Curve::P256),
            Self::P384 => Some(Curve::P384),
            Self::P521 => Some(Curve::P521),
            Self::X25519 => Some(Curve::X25519),
            Self::Rsa | Self::Ed25519 | Self::Dsa => None,
        }
    }

    /// The schemes that such a key signs with, the preferred one first.
    pub(crate) fn schemes(self) -> Vec<SignatureScheme> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        match self {
            Self::Rsa => {
                let pkcs1 = [Sha256, Sha384, Sha512].map(SignatureScheme::RsaPkcs1);
                let pss = [Sha256, Sha384, Sha512].map(SignatureScheme::pss);
                // OUT-39: for whoever asks for it by name.
                let old = [SignatureScheme::RsaPkcs1(Sha1)];
                pkcs1.into_iter().chain(pss).chain(old).collect()
            }
            Self::P256 => [Sha256, Sha384, Sha512].map(SignatureScheme::Ecdsa).to_vec(),
            Self::P384 => [Sha384, Sha512, Sha256].map(SignatureScheme::Ecdsa).to_vec(),
            Self::P521 => [Sha512, Sha384, Sha256].map(SignatureScheme::Ecdsa).to_vec(),
            Self::Ed25519 => vec![SignatureScheme::Ed25519],
            Self::X25519 | Self::Dsa => Vec::new(),
        }
    }
}

impl From<Curve> for KeyKind {
    fn from(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::P256,
            Curve::P384 => Self::P384,
            Curve::P521 => Self::P521,
            Curve::X25519 => Self::X25519,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key that arithmetic can be done with: sizes judged, points on their curve.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    pub(crate) material: Material,
    /// Whether the key's secret can be had from what is public; looked at once.
    reach: OnceLock<Option<&'static str>>,
}

#[derive(Clone)]
pub(crate) enum Material {
    Rsa { key: RsaPublicKey, usage: RsaUsage },
    P256(NistPublic<p256::NistP256>),
    P384(NistPublic<p384::NistP384>),
    P521(Box<NistPublic<p521::NistP521>>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    X25519([u8; 32]),
    Dsa { key: Box<dsa::VerifyingKey>, parameters: Vec<u8> },
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (DER or BER; RFC 5280 section 4.1.2.7): RSA as rsaEncryption or id-RSASSA-PSS,
    /// P-256, P-384 and P-521 as uncompressed or compressed points, Ed25519, X25519, DSA.
    ///
    /// # Errors
    /// [`Error::KeySize`] and [`Error::BadKey`] before any arithmetic (SEC-37); [`Error::UnsupportedAlgorithm`] by name;
    /// [`Error::Parameters`] for curves that are spelled out rather than named; [`Error::Asn1`].
    pub fn from_spki(spki: &[u8], limits: &Limits) -> Result<Self> {
        let (id, bytes) = read_spki(spki)?;
        Ok(Self { spki: spki.to_vec(), material: Material::read(&id, bytes, limits)?, reach: OnceLock::new() })
    }

    /// The same for a DSA key that says no parameters, so that those of its issuer are its own (RFC 3279 section 2.3.2):
    /// `parameters` is what [`dsa_parameters`](Self::dsa_parameters) of the issuer's key gives. They are not looked at where
    /// the key says some, or is no DSA key.
    ///
    /// # Errors
    /// As [`from_spki`](Self::from_spki).
    pub fn from_spki_with(spki: &[u8], parameters: &[u8], limits: &Limits) -> Result<Self> {
        let (id, bytes) = read_spki(spki)?;
        if !lacks_parameters(&id) {
            return Self::from_spki(spki, limits);
        }
        let id = AlgorithmIdentifier::with(oid::DSA, parameters.to_vec());
        Ok(Self { spki: self::spki(&id, bytes), material: Material::read(&id, bytes, limits)?, reach: OnceLock::new() })
    }

    /// The Dss-Parms of a DSA key, for the keys that inherit them.
    pub fn dsa_parameters(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Dsa { parameters, .. } => Some(parameters),
            _ => None,
        }
    }

    /// A key on a curve, from its point or its 32 bytes.
    ///
    /// # Errors
    /// [`Error::BadKey`] where it is not on the curve.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self> {
        let material = Material::from_point(curve, point)?;
        Ok(Self { spki: spki(&curve.identifier(), point), material, reach: OnceLock::new() })
    }

    /// The SubjectPublicKeyInfo as received; with the parameters in it where they were inherited.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.material {
            Material::Rsa { .. } => KeyKind::Rsa,
            Material::P256(_) => KeyKind::P256,
            Material::P384(_) => KeyKind::P384,
            Material::P521(_) => KeyKind::P521,
            Material::Ed25519(_) => KeyKind::Ed25519,
            Material::X25519(_) => KeyKind::X25519,
            Material::Dsa { .. } => KeyKind::Dsa,
        }
    }

    /// Bits of the modulus, of DSA's p, or of the curve's field.
    pub fn bits(&self) -> u32 {
        match &self.material {
            Material::Rsa { key, .. } => u32::try_from(key.bits()).unwrap_or(u32::MAX),
            Material::P256(_) => 256,
            Material::P384(_) => 384,
            Material::P521(_) => 521,
            Material::Ed25519(_) | Material::X25519(_) => 255,
            Material::Dsa { key, .. } => dsa_key::bits(key),
        }
    }

    /// How the factors of an RSA modulus could be found (SEC-38); `None` where it is not known how.
    pub(crate) fn factors_within_reach(&self) -> Option<&'static str> {
        let Material::Rsa { key, .. } = &self.material else { return None };
        *self.reach.get_or_init(|| weak_key::within_reach(&key.modulus_bytes()))
    }

    /// "RSA-2048", "P-256", "Ed25519".
    pub fn describe(&self) -> String {
        match self.kind() {
            kind @ (KeyKind::Rsa | KeyKind::Dsa) => format!("{kind}-{}", self.bits()),
            kind => kind.name().into(),
        }
    }

    /// What is sent to somebody who agrees with this key: the uncompressed point, or the 32 bytes of X25519.
    ///
    /// # Errors
    /// [`Error::WrongKey`] for keys that do not agree.
    pub fn key_agreement_bytes(&self) -> Result<Vec<u8>> {
        match &self.material {
            Material::P256(key) => Ok(key.to_sec1()),
            Material::P384(key) => Ok(key.to_sec1()),
            Material::P521(key) => Ok(key.to_sec1()),
            Material::X25519(bytes) => Ok(bytes.to_vec()),
            Material::Rsa { .. } | Material::Ed25519(_) | Material::Dsa { .. } => Err(self.wrong_for("key agreement")),
        }
    }

    /// Whether `signature` over `message` is by this key. Nothing else follows from it.
    ///
    /// # Errors
    /// [`Error::BadSignature`] where it is not; [`Error::WrongKey`] where the scheme is not one of this key (SEC-26).
    pub fn verify(&self, scheme: &SignatureScheme, message: &[u8], signature: &[u8]) -> Result<()> {
        match (&self.material, scheme) {
            // RFC 8410 section 6, SEC-36: no small-order or non-canonical points, S below the order.
            (Material::Ed25519(key), SignatureScheme::Ed25519) => {
                let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| Error::BadSignature)?;
                key.verify_strict(message, &signature).map_err(|_| Error::BadSignature)
            }
            (Material::P256(key), SignatureScheme::Ecdsa(digest)) => judged(key.verifies(*digest, message, signature)),
            (Material::P384(key), SignatureScheme::Ecdsa(digest)) => judged(key.verifies(*digest, message, signature)),
            (Material::P521(key), SignatureScheme::Ecdsa(digest)) => judged(key.verifies(*digest, message, signature)),
            _ => self.verify_digest(scheme, &hash(scheme.digest(), message), signature),
        }
    }

    /// The same over a message that was hashed elsewhere with the scheme's digest.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); [`Error::WrongKey`] for Ed25519 too, which hashes the message twice and so takes no
    /// digest.
    pub fn verify_digest(&self, scheme: &SignatureScheme, digest: &[u8], signature: &[u8]) -> Result<()> {
        if digest.len() != scheme.digest().length() {
            return Err(Error::Length {
                what: "the digest",
                expected: scheme.digest().length().to_string(),
                found: digest.len(),
            });
        }
        match (&self.material, scheme) {
            (Material::Rsa { usage, .. }, _) if !usage.allows(scheme) => Err(self.wrong_for(&scheme.name())),
            (Material::Rsa { key, .. }, SignatureScheme::RsaPkcs1(algorithm)) => {
                verify_pkcs1(key, *algorithm, digest, signature)
            }
            (Material::Rsa { key, .. }, &SignatureScheme::RsaPss { hash, mgf_hash, salt_length }) => {
                let pss = Pss { hash, mgf_hash, salt_length: salt_length as usize };
                if pss.verifies(key, digest, signature) { Ok(()) } else { Err(Error::BadSignature) }
            }
            (Material::P256(key), SignatureScheme::Ecdsa(_)) => judged(key.verifies_digest(digest, signature)),
            (Material::P384(key), SignatureScheme::Ecdsa(_)) => judged(key.verifies_digest(digest, signature)),
            (Material::P521(key), SignatureScheme::Ecdsa(_)) => judged(key.verifies_digest(digest, signature)),
            (Material::Dsa { key, .. }, SignatureScheme::Dsa(_)) => dsa_key::verify(key, digest, signature),
            _ => Err(self.wrong_for(&scheme.name())),
        }
    }

    pub(crate) fn wrong_for(&self, needs: &str) -> Error {
        Error::WrongKey { needs: needs.into(), found: self.describe() }
    }
}

impl PartialEq for PublicKey {
    /// By the encoding: rsaEncryption and id-RSASSA-PSS are different keys.
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.describe())
    }
}

impl Material {
    pub(crate) fn read(id: &AlgorithmIdentifier, bytes: &[u8], limits: &Limits) -> Result<Self> {
        match id.oid {
            oid::RSA_ENCRYPTION => {
                if !id.has_no_parameters() {
                    return Err(Error::Parameters {
                        what: "rsaEncryption",
                        why: "it has none, and some are there".into(),
                    });
                }
                Ok(Self::Rsa { key: rsa_key::read(bytes, limits)?, usage: RsaUsage::Any })
            }
            oid::RSASSA_PSS => {
                let parameters = match id.has_no_parameters() {
                    true => None,
                    false => Some(SignatureScheme::from_identifier(id, None)?),
                };
                Ok(Self::Rsa { key: rsa_key::read(bytes, limits)?, usage: RsaUsage::Pss(parameters) })
            }
            oid::ED25519 => {
                if id.parameters.is_some() {
                    return Err(Error::Parameters { what: "Ed25519", why: "it has none, and some are there".into() });
                }
                let bytes = <&[u8; 32]>::try_from(bytes).map_err(|_| length("the Ed25519 key", "32", bytes))?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| Error::BadKey {
                    what: "the Ed25519 key",
                    why: "it is not a point of the curve".into(),
                })?;
                Ok(Self::Ed25519(Box::new(key)))
            }
            oid::DSA if lacks_parameters(id) => Err(Error::Parameters {
                what: "the DSA key",
                why: "they are absent, and so those of the issuer's key (RFC 3279 section 2.3.2), which is not at hand or \
                      has none"
                    .into(),
            }),
            oid::DSA => {
                let parameters = id.parameters.clone().unwrap_or_default();
                Ok(Self::Dsa { key: Box::new(dsa_key::read(&parameters, bytes)?), parameters })
            }
            oid::EC_PUBLIC_KEY | oid::X25519 => Self::from_point(Curve::from_identifier(id)?, bytes),
            _ => Err(Error::UnsupportedAlgorithm { what: "public key", oid: id.name() }),
        }
    }
}

impl Material {
    pub(crate) fn from_point(curve: Curve, point: &[u8]) -> Result<Self> {
        let bad =
            || Error::BadKey { what: "the elliptic curve key", why: format!("it is not a point of {}", curve.name()) };
        // SEC 1 section 2.3.4: 04 x y, or 02/03 x. The hybrid and compact forms, and infinity, are refused (SEC-74).
        let size = curve.field_length();
        let expected = match (curve, point.first()) {
            (Curve::X25519, _) => 32,
            (_, Some(4)) => 1 + 2 * size,
            (_, Some(2 | 3)) => 1 + size,
            _ => return Err(bad()),
        };
        if point.len() != expected {
            return Err(length("the elliptic curve key", expected, point));
        }
        Ok(match curve {
            Curve::P256 => Self::P256(NistPublic::from_sec1(point).ok_or_else(bad)?),
            Curve::P384 => Self::P384(NistPublic::from_sec1(point).ok_or_else(bad)?),
            Curve::P521 => Self::P521(Box::new(NistPublic::from_sec1(point).ok_or_else(bad)?)),
            Curve::X25519 => Self::X25519(point.try_into().map_err(|_| bad())?),
        })
    }
}

/// What the algorithm beside an RSA key says that it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RsaUsage {
    /// rsaEncryption: everything.
    Any,
    /// id-RSASSA-PSS: only that, and where it has parameters, only with them (RFC 4055 section 3.3).
    Pss(Option<SignatureScheme>),
}

impl RsaUsage {
    pub(crate) fn allows(&self, scheme: &SignatureScheme) -> bool {
        use SignatureScheme::RsaPss;
        match (self, scheme) {
            (Self::Any, _) | (Self::Pss(None), RsaPss { .. }) => true,
            (
                Self::Pss(Some(RsaPss { hash: h, mgf_hash: m, salt_length: least })),
                RsaPss { hash, mgf_hash, salt_length },
            ) => h == hash && m == mgf_hash && salt_length >= least,
            _ => false,
        }
    }
}

/// The algorithm and the octets of a SubjectPublicKeyInfo.
fn read_spki(spki: &[u8]) -> Result<(AlgorithmIdentifier, &[u8])> {
    const WHAT: &str = "SubjectPublicKeyInfo";
    let mut inside = Reader::single(spki, WHAT)?.sequence(WHAT)?;
    let id = AlgorithmIdentifier::read(&inside.required_any(WHAT)?)?;
    let bytes = inside.required_any("subjectPublicKey")?.whole_bits("subjectPublicKey")?;
    inside.finish(WHAT)?;
    Ok((id, bytes))
}

/// Whether a key of this algorithm is incomplete without its issuer's (RFC 5280 section 6.1.4 (e)).
fn lacks_parameters(id: &AlgorithmIdentifier) -> bool {
    id.oid == oid::DSA && id.has_no_parameters()
}

/// SubjectPublicKeyInfo.
pub(crate) fn spki(algorithm: &AlgorithmIdentifier, key: &[u8]) -> Vec<u8> {
    der::sequence(&[algorithm.to_der(), der::bits(key)])
}

fn judged(verifies: bool) -> Result<()> {
    if verifies { Ok(()) } else { Err(Error::BadSignature) }
}

/// The whole block is compared, once with the parameters of the digest NULL, as RFC 8017 section 9.2 has them, and
/// once with them absent, as its note 1 allows (SEC-34). Nothing is parsed.
fn verify_pkcs1(key: &RsaPublicKey, digest_algorithm: DigestAlgorithm, digest: &[u8], signature: &[u8]) -> Result<()> {
    let block = key.apply(signature).ok_or(Error::BadSignature)?;
    for id in [digest_algorithm.identifier_with_null(), AlgorithmIdentifier::new(digest_algorithm.oid())] {
        if pkcs1_signed_block(key.size(), &id, digest).is_some_and(|expected| expected == block) {
            return Ok(());
        }
    }
    Err(Error::BadSignature)
}

/// One digest for the message and another within MGF1 is read, but not written.
pub(crate) fn unsupported_pss(scheme: &SignatureScheme) -> Error {
    Error::UnsupportedAlgorithm { what: "signature algorithm", oid: scheme.name() }
}

fn length(what: &'static str, expected: impl ToString, found: &[u8]) -> Error {
    Error::Length { what, expected: expected.to_string(), found: found.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::private::{PrivateKey, PrivateMaterial};
    use crate::crypto::random::SystemRandom;

    const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

    fn pair(kind: KeyKind) -> (PrivateKey, PublicKey) {
        let key = PrivateKey::generate(kind, 2048).unwrap();
        let public = key.public_key(&Limits::default()).unwrap();
        (key, public)
    }

    #[test]
    fn sec_034_the_whole_block_is_compared() {
        let (key, public) = pair(KeyKind::Rsa);
        let PrivateMaterial::Rsa { key: rsa, .. } = &key.material else { unreachable!() };
        let digest = hash(SHA256, b"message");
        let sign = |info: &[u8]| {
            let block = [&[0, 1][..], &vec![0xff; 253 - info.len()], &[0], info].concat();
            rsa.apply(&mut SystemRandom, &block).unwrap().to_vec()
        };
        let info = |id: AlgorithmIdentifier| der::sequence(&[id.to_der(), der::octets(&digest)]);
        let scheme = SignatureScheme::RsaPkcs1(SHA256);
        let verify = |info: &[u8]| public.verify(&scheme, b"message", &sign(info));
        verify(&info(SHA256.identifier_with_null())).unwrap();
        verify(&info(AlgorithmIdentifier::new(SHA256.oid()))).unwrap();
        let mut garbage = info(SHA256.identifier_with_null());
        garbage.push(0);
        let with_parameters = AlgorithmIdentifier::with(SHA256.oid(), der::octets(b"garbage"));
        let ber = [&[0x30, 0x81, 0x31][..], &info(SHA256.identifier_with_null())[2..]].concat();
        for bad in [garbage, info(with_parameters), ber, digest.clone(), info(DigestAlgorithm::Sha1.identifier())] {
            assert!(matches!(verify(&bad), Err(Error::BadSignature)), "{bad:x?}");
        }
    }

    #[test]
    fn old_digests_verify() {
        let (key, public) = pair(KeyKind::Rsa);
        let curves = [KeyKind::P256, KeyKind::P384, KeyKind::P521].map(pair);
        for digest in DigestAlgorithm::ALL {
            let scheme = SignatureScheme::RsaPkcs1(digest);
            public.verify(&scheme, b"old", &key.sign(&scheme, b"old").unwrap()).unwrap();
            let scheme = SignatureScheme::Ecdsa(digest);
            for (key, public) in &curves {
                let signature = key.sign(&scheme, b"old").unwrap();
                public.verify(&scheme, b"old", &signature).unwrap();
                public.verify_digest(&scheme, &hash(digest, b"old"), &signature).unwrap();
                assert!(matches!(public.verify(&scheme, b"new", &signature), Err(Error::BadSignature)), "{scheme}");
            }
        }
    }

    #[test]
    fn sec_037_signatures_of_any_length_are_refused() {
        for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519] {
            let (key, public) = pair(kind);
            for scheme in key.schemes() {
                let good = key.sign(&scheme, b"m").unwrap();
                for bad in [
                    &[][..],
                    &[0; 1],
                    &good[1..],
                    &[0; 64],
                    &[0xff; 256],
                    &vec![1; 1 << 20],
                    &[&good[..], &[0]].concat(),
                ] {
                    assert!(matches!(public.verify(&scheme, b"m", bad), Err(Error::BadSignature)), "{scheme}");
                }
            }
        }
    }

    #[test]
    fn sec_026_a_scheme_of_another_kind_of_key_is_refused() {
        let (_, rsa) = pair(KeyKind::Rsa);
        let (_, curve) = pair(KeyKind::P256);
        let (_, edwards) = pair(KeyKind::Ed25519);
        let (_, agrees) = pair(KeyKind::X25519);
        let wrong = |key: &PublicKey, scheme| matches!(key.verify(&scheme, b"", &[0; 64]), Err(Error::WrongKey { .. }));
        assert!(wrong(&rsa, SignatureScheme::Ecdsa(SHA256)));
        assert!(wrong(&curve, SignatureScheme::RsaPkcs1(SHA256)));
        assert!(wrong(&edwards, SignatureScheme::pss(SHA256)));
        assert!(wrong(&rsa, SignatureScheme::Ed25519));
        assert!(wrong(&agrees, SignatureScheme::Ed25519));
        assert!(edwards.verify_digest(&SignatureScheme::Ed25519, &[0; 64], &[0; 64]).is_err(), "no digest");
    }

    #[test]
    fn points_are_read_in_both_forms_and_only_on_their_curve() {
        let (_, public) = pair(KeyKind::P256);
        let uncompressed = public.key_agreement_bytes().unwrap();
        let compressed = [&[2 | (uncompressed[64] & 1)], &uncompressed[1..33]].concat();
        let compressed = PublicKey::from_point(Curve::P256, &compressed).unwrap();
        assert_eq!(compressed.key_agreement_bytes().unwrap(), uncompressed);
        let mut off = uncompressed.clone();
        off[64] ^= 1;
        let mut hybrid = uncompressed.clone();
        hybrid[0] = 6 | (uncompressed[64] & 1);
        for bad in [&off[..], &hybrid, &[0], &[], &[4], &uncompressed[..64], &[5; 33]] {
            assert!(PublicKey::from_point(Curve::P256, bad).is_err(), "{bad:x?}");
        }
        assert!(PublicKey::from_point(Curve::P384, &uncompressed).is_err());
        assert_eq!(public.describe(), "P-256");
    }

    #[test]
    fn unknown_and_malformed_keys_are_refused() {
        let limits = Limits::default();
        let read = |id: AlgorithmIdentifier, key: &[u8]| PublicKey::from_spki(&spki(&id, key), &limits).unwrap_err();
        assert!(matches!(read(AlgorithmIdentifier::new(oid::ED448), &[0; 57]), Error::UnsupportedAlgorithm { .. }));
        assert!(matches!(read(AlgorithmIdentifier::new(oid::ED25519), &[0; 31]), Error::Length { .. }));
        assert!(matches!(read(AlgorithmIdentifier::with_null(oid::ED25519), &[0; 32]), Error::Parameters { .. }));
        let rsa = AlgorithmIdentifier::with(oid::RSA_ENCRYPTION, der::integer(1));
        assert!(matches!(read(rsa, &[0x30, 0]), Error::Parameters { .. }));
        assert!(PublicKey::from_spki(&[0x30, 0], &limits).is_err());
    }
}
