//! Private keys held in memory: read, written, made, and used. Nothing here prints one.

mod encoding;

use super::algorithm::{AlgorithmIdentifier, Curve, SignatureScheme};
use super::backend::{Ed25519Private, NistPrivate, X25519Private};
use super::digest::hash;
use super::random::{Random, Rng, SystemRandom};
use super::rsa_padding::{Pss, pkcs1_signed_block};
use super::rsa_private::RsaPrivateKey;
use super::signature::{KeyKind, Material, PublicKey, RsaUsage, spki, unsupported_pss};
use super::{Error, Result, rsa_key};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use encoding::{RSA, implicit_bits, read_ec, read_rsa, seal, write_rsa};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A private key.
#[derive(Clone)]
pub struct PrivateKey {
    pub(crate) material: PrivateMaterial,
}

#[derive(Clone)]
pub(crate) enum PrivateMaterial {
    Rsa { key: Arc<RsaPrivateKey>, usage: Usage },
    P256(NistPrivate<p256::NistP256>),
    P384(NistPrivate<p384::NistP384>),
    P521(Box<NistPrivate<p521::NistP521>>),
    Ed25519(Box<Ed25519Private>),
    X25519(X25519Private),
}

/// The algorithm that stood beside an RSA key, kept since it is part of its public key.
#[derive(Clone)]
pub(crate) struct Usage {
    pub(crate) algorithm: AlgorithmIdentifier,
    pub(crate) usage: RsaUsage,
}

impl Usage {
    fn any() -> Self {
        Self { algorithm: AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION), usage: RsaUsage::Any }
    }
}

/// No DSA key is held, made or signed with here.
fn read_only() -> Error {
    let oid = format!("{} ({}), whose signatures are verified only,", KeyKind::Dsa, oid::DSA);
    Error::UnsupportedAlgorithm { what: "private key", oid }
}

impl PrivateKey {
    /// Reads an unencrypted PKCS#8 key (`OneAsymmetricKey`, RFC 5958; DER or BER).
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] by name; [`Error::BadKey`] where its parts contradict each other (SEC-127);
    /// [`Error::KeySize`]; [`Error::Asn1`].
    pub fn from_pkcs8(encoding: &Secret) -> Result<Self> {
        const WHAT: &str = "PrivateKeyInfo";
        let mut inside = Reader::single(encoding.expose(), WHAT)?.sequence(WHAT)?;
        let version = inside.required_any("version")?;
        if version.small("version")? > 1 {
            return Err(bad("the private key", "its version is unknown"));
        }
        let id = AlgorithmIdentifier::read(&inside.required_any("privateKeyAlgorithm")?)?;
        let octets = inside.required_any("privateKey")?.octets("privateKey")?;
        let bytes = Zeroizing::new(octets.into_owned());
        inside.optional(Tag::context(0), "attributes")?;
        let public = inside.optional(Tag::context(1), "publicKey")?;
        inside.finish(WHAT)?;
        let key = match id.oid {
            oid::RSA_ENCRYPTION | oid::RSASSA_PSS => {
                let usage = match id.oid {
                    oid::RSA_ENCRYPTION => Usage::any(),
                    _ if id.has_no_parameters() => Usage { algorithm: id, usage: RsaUsage::Pss(None) },
                    _ => {
                        let scheme = SignatureScheme::from_identifier(&id, None)?;
                        Usage { algorithm: id, usage: RsaUsage::Pss(Some(scheme)) }
                    }
                };
                Self { material: PrivateMaterial::Rsa { key: Arc::new(read_rsa(&bytes)?), usage } }
            }
            oid::EC_PUBLIC_KEY => read_ec(&bytes, Some(Curve::from_identifier(&id)?))?,
            oid::ED25519 | oid::X25519 => {
                // RFC 8410 section 7: CurvePrivateKey ::= OCTET STRING, within the OCTET STRING.
                let seed =
                    Zeroizing::new(Reader::single(&bytes, "CurvePrivateKey")?.octets("CurvePrivateKey")?.into_owned());
                let kind = if id.oid == oid::ED25519 { KeyKind::Ed25519 } else { KeyKind::X25519 };
                Self::from_scalar(kind, &seed)?
            }
            oid::DSA => return Err(read_only()),
            _ => return Err(Error::UnsupportedAlgorithm { what: "private key", oid: id.name() }),
        };
        if let Some(public) = public {
            key.check_public(&implicit_bits(&public)?)?;
        }
        Ok(key)
    }

    /// Reads `RSAPrivateKey` (RFC 8017 section A.1.2), as in "BEGIN RSA PRIVATE KEY".
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8).
    pub fn from_pkcs1(encoding: &Secret) -> Result<Self> {
        let key = Arc::new(read_rsa(encoding.expose())?);
        Ok(Self { material: PrivateMaterial::Rsa { key, usage: Usage::any() } })
    }

    /// Reads `ECPrivateKey` (RFC 5915) with its curve inside, as in "BEGIN EC PRIVATE KEY".
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8); [`Error::BadKey`] where the curve is not there.
    pub fn from_sec1(encoding: &Secret) -> Result<Self> {
        read_ec(encoding.expose(), None)
    }

    /// A scalar or seed, big-endian for the NIST curves; leading zeros may be missing or superfluous there.
    fn from_scalar(kind: KeyKind, bytes: &[u8]) -> Result<Self> {
        let what = "the private key";
        let seed = || {
            <[u8; 32]>::try_from(bytes).map(Zeroizing::new).map_err(|_| Error::Length {
                what,
                expected: "32".into(),
                found: bytes.len(),
            })
        };
        let scalar = |curve: Curve| {
            let (size, digits) = (curve.field_length(), rsa_key::trim(bytes));
            let mut padded = Zeroizing::new(vec![0; size.saturating_sub(digits.len())]);
            padded.extend_from_slice(digits);
            if padded.len() == size {
                Ok(padded)
            } else {
                Err(bad(what, "its scalar is longer than its curve's order"))
            }
        };
        let range = || bad(what, "its scalar is zero or not below its curve's order");
        let material = match kind {
            KeyKind::P256 => PrivateMaterial::P256(NistPrivate::from_slice(&scalar(Curve::P256)?).ok_or_else(range)?),
            KeyKind::P384 => PrivateMaterial::P384(NistPrivate::from_slice(&scalar(Curve::P384)?).ok_or_else(range)?),
            KeyKind::P521 => {
                PrivateMaterial::P521(Box::new(NistPrivate::from_slice(&scalar(Curve::P521)?).ok_or_else(range)?))
            }
            KeyKind::Ed25519 => PrivateMaterial::Ed25519(Box::new(Ed25519Private::from_seed(&*seed()?))),
            KeyKind::X25519 => PrivateMaterial::X25519(X25519Private::from_bytes(&*seed()?)),
            KeyKind::Rsa => return Err(bad(what, "an RSA key is not one scalar")),
            KeyKind::Dsa => return Err(read_only()),
        };
        Ok(Self { material })
    }

    /// A new key; `rsa_bits` counts only for RSA and must be a multiple of 8 from 2048 to 8192.
    ///
    /// # Errors
    /// [`Error::KeySize`], [`Error::Rng`].
    pub fn generate(kind: KeyKind, rsa_bits: usize) -> Result<Self> {
        Self::generate_with(&mut SystemRandom, kind, rsa_bits)
    }

    /// [`generate`](Self::generate) with another source of randomness.
    ///
    /// # Errors
    /// As it.
    pub fn generate_with(random: &mut dyn Random, kind: KeyKind, rsa_bits: usize) -> Result<Self> {
        let material = match kind {
            KeyKind::Rsa => {
                if !(2048..=8192).contains(&rsa_bits) || !rsa_bits.is_multiple_of(8) {
                    return Err(Error::KeySize { what: "a new RSA key", bits: rsa_bits, min: 2048, max: 8192 });
                }
                let key = rsa::PrivateKey::new(&mut Rng(random), rsa_bits).map_err(rsa_failure)?;
                PrivateMaterial::Rsa { key: Arc::new(RsaPrivateKey::new(&key)?), usage: Usage::any() }
            }
            KeyKind::P256 => PrivateMaterial::P256(NistPrivate::generate(random)?),
            KeyKind::P384 => PrivateMaterial::P384(NistPrivate::generate(random)?),
            KeyKind::P521 => PrivateMaterial::P521(Box::new(NistPrivate::generate(random)?)),
            KeyKind::Dsa => return Err(read_only()),
            KeyKind::Ed25519 | KeyKind::X25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(&mut *seed)?;
                return Self::from_scalar(kind, &*seed);
            }
        };
        Ok(Self { material })
    }

    /// Writes PKCS#8 version 1 in DER, unencrypted.
    ///
    /// # Errors
    /// None: every key that is held can be written, those of tokens are none of these.
    pub fn to_pkcs8(&self) -> Result<Secret> {
        let (algorithm, key) = match &self.material {
            PrivateMaterial::Rsa { key, usage } => (usage.algorithm.clone(), write_rsa(key)),
            PrivateMaterial::Ed25519(key) => {
                (AlgorithmIdentifier::new(oid::ED25519), seal(Tag::OCTET_STRING, &[key.seed()]))
            }
            PrivateMaterial::X25519(key) => {
                (AlgorithmIdentifier::new(oid::X25519), seal(Tag::OCTET_STRING, &[key.as_bytes()]))
            }
            PrivateMaterial::P256(key) => (Curve::P256.identifier(), self.write_ec(&key.to_bytes())),
            PrivateMaterial::P384(key) => (Curve::P384.identifier(), self.write_ec(&key.to_bytes())),
            PrivateMaterial::P521(key) => (Curve::P521.identifier(), self.write_ec(&key.to_bytes())),
        };
        let octets = seal(Tag::OCTET_STRING, &[&key]);
        let info = seal(Tag::SEQUENCE, &[&der::integer(0), &algorithm.to_der(), &octets]);
        Ok(Secret::new(info.to_vec()))
    }

    /// `ECPrivateKey` without the curve, which stands in the algorithm, and with the point.
    fn write_ec(&self, scalar: &[u8]) -> Zeroizing<Vec<u8>> {
        let public = der::explicit(1, &der::bits(&self.public_bytes()));
        let scalar = seal(Tag::OCTET_STRING, &[scalar]);
        seal(Tag::SEQUENCE, &[&der::integer(1), &scalar, &public])
    }

    /// What stands in the public key's BIT STRING.
    pub(crate) fn public_bytes(&self) -> Vec<u8> {
        match &self.material {
            PrivateMaterial::Rsa { key, .. } => rsa_key::write(key.public()),
            PrivateMaterial::P256(key) => key.public_sec1(),
            PrivateMaterial::P384(key) => key.public_sec1(),
            PrivateMaterial::P521(key) => key.public_sec1(),
            PrivateMaterial::Ed25519(key) => key.public().to_vec(),
            PrivateMaterial::X25519(key) => key.public().to_vec(),
        }
    }

    /// The SubjectPublicKeyInfo of the public half, in DER.
    pub fn public_key_spki(&self) -> Vec<u8> {
        let algorithm = match &self.material {
            PrivateMaterial::Rsa { usage, .. } => usage.algorithm.clone(),
            PrivateMaterial::Ed25519(_) => AlgorithmIdentifier::new(oid::ED25519),
            PrivateMaterial::P256(_) => Curve::P256.identifier(),
            PrivateMaterial::P384(_) => Curve::P384.identifier(),
            PrivateMaterial::P521(_) => Curve::P521.identifier(),
            PrivateMaterial::X25519(_) => Curve::X25519.identifier(),
        };
        spki(&algorithm, &self.public_bytes())
    }

    /// The public half.
    ///
    /// # Errors
    /// [`Error::KeySize`] where it is outside the limits.
    pub fn public_key(&self, limits: &Limits) -> Result<PublicKey> {
        PublicKey::from_spki(&self.public_key_spki(), limits)
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.material {
            PrivateMaterial::Rsa { .. } => KeyKind::Rsa,
            PrivateMaterial::P256(_) => KeyKind::P256,
            PrivateMaterial::P384(_) => KeyKind::P384,
            PrivateMaterial::P521(_) => KeyKind::P521,
            PrivateMaterial::Ed25519(_) => KeyKind::Ed25519,
            PrivateMaterial::X25519(_) => KeyKind::X25519,
        }
    }

    /// "RSA-2048", "P-256", "Ed25519".
    pub fn describe(&self) -> String {
        match &self.material {
            PrivateMaterial::Rsa { key, .. } => format!("RSA-{}", key.public().bits()),
            _ => self.kind().name().into(),
        }
    }

    /// The schemes that this key signs with, the preferred one first.
    pub fn schemes(&self) -> Vec<SignatureScheme> {
        match &self.material {
            PrivateMaterial::Rsa { usage: Usage { usage: RsaUsage::Pss(Some(scheme)), .. }, .. } => vec![*scheme],
            PrivateMaterial::Rsa { usage, .. } => {
                KeyKind::Rsa.schemes().into_iter().filter(|scheme| usage.usage.allows(scheme)).collect()
            }
            _ => self.kind().schemes(),
        }
    }

    /// Signs a message. RSA is blinded and checked against faults; ECDSA draws its nonce from key, digest and
    /// randomness together (RFC 6979 section 3.6) and gives DER.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::UnsupportedAlgorithm`], [`Error::Rng`].
    pub fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        self.sign_with(&mut SystemRandom, scheme, message)
    }

    /// [`sign`](Self::sign) with another source of randomness.
    ///
    /// # Errors
    /// As it.
    pub fn sign_with(&self, random: &mut dyn Random, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        if let (PrivateMaterial::Ed25519(key), SignatureScheme::Ed25519) = (&self.material, scheme) {
            return Ok(key.sign(message).to_vec());
        }
        let digest = hash(scheme.digest(), message);
        match (&self.material, scheme) {
            (PrivateMaterial::Rsa { usage, .. }, _) if !usage.usage.allows(scheme) => {
                Err(self.wrong_for(&scheme.name()))
            }
            (PrivateMaterial::Rsa { key, .. }, SignatureScheme::RsaPkcs1(algorithm)) => {
                let block = pkcs1_signed_block(key.public().size(), &algorithm.identifier_with_null(), &digest);
                sign_block(key, random, block)
            }
            (PrivateMaterial::Rsa { key, .. }, &SignatureScheme::RsaPss { hash, mgf_hash, salt_length }) => {
                if hash != mgf_hash {
                    return Err(unsupported_pss(scheme));
                }
                let pss = Pss { hash, mgf_hash, salt_length: salt_length as usize };
                let block = pss.signed_block(key.public().bits(), random, &digest)?;
                sign_block(key, random, block)
            }
            (PrivateMaterial::P256(key), SignatureScheme::Ecdsa(_)) => key.sign(random, &digest),
            (PrivateMaterial::P384(key), SignatureScheme::Ecdsa(_)) => key.sign(random, &digest),
            (PrivateMaterial::P521(key), SignatureScheme::Ecdsa(_)) => key.sign(random, &digest),
            _ => Err(self.wrong_for(&scheme.name())),
        }
    }

    /// The raw shared secret with somebody's point (uncompressed or compressed, or the 32 bytes of X25519): the
    /// x-coordinate, at the field's full length (RFC 5753 section 7.1, RFC 8418 section 2).
    ///
    /// # Errors
    /// [`Error::BadKey`] where the point is not on this key's curve (SEC-74), or the secret is zero (SEC-75);
    /// [`Error::WrongKey`] where this key does not agree.
    pub fn agree(&self, peer: &[u8]) -> Result<Secret> {
        let Some(curve) = self.kind().curve() else { return Err(self.wrong_for("key agreement")) };
        self.agree_on(&Material::from_point(curve, peer)?)
    }

    /// The same with a public key; one of another kind is [`Error::WrongKey`].
    pub(crate) fn agree_with(&self, peer: &PublicKey) -> Result<Secret> {
        self.agree_on(&peer.material)
    }

    fn agree_on(&self, peer: &Material) -> Result<Secret> {
        match (&self.material, peer) {
            (PrivateMaterial::P256(key), Material::P256(peer)) => Ok(key.agree(peer)),
            (PrivateMaterial::P384(key), Material::P384(peer)) => Ok(key.agree(peer)),
            (PrivateMaterial::P521(key), Material::P521(peer)) => Ok(key.agree(peer)),
            (PrivateMaterial::X25519(key), Material::X25519(peer)) => {
                key.agree(peer).ok_or_else(|| bad("the other party's key", "what is agreed with it is zero"))
            }
            _ => Err(self.wrong_for("key agreement")),
        }
    }

    pub(crate) fn wrong_for(&self, needs: &str) -> Error {
        Error::WrongKey { needs: needs.into(), found: self.describe() }
    }

    fn check_public(&self, bytes: &[u8]) -> Result<()> {
        let matches = match self.kind().curve() {
            Some(curve) => PublicKey::from_point(curve, bytes)?.key_agreement_bytes()? == self.public_bytes(),
            None => bytes == self.public_bytes(),
        };
        if matches { Ok(()) } else { Err(bad("the private key", "the public key inside is another one's")) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.describe())
    }
}

/// A block that the key had room for, signed.
fn sign_block(key: &RsaPrivateKey, random: &mut dyn Random, block: Option<Vec<u8>>) -> Result<Vec<u8>> {
    let block = block.ok_or_else(|| bad(RSA, "it is too short for the digest"))?;
    match key.apply(random, &block) {
        Ok(signature) => Ok(signature.to_vec()),
        Err(Error::Decrypt) => Err(bad(RSA, "what it signed did not verify")),
        Err(error) => Err(error),
    }
}

/// Errors of making a key.
fn rsa_failure(error: rsa::Error) -> Error {
    match error {
        rsa::Error::Rng => Error::Rng("the RSA operation got none".into()),
        error => Error::BadKey { what: RSA, why: error.to_string() },
    }
}

fn bad(what: &'static str, why: impl Into<String>) -> Error {
    Error::BadKey { what, why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::algorithm::DigestAlgorithm;
    use crate::crypto::random::tests::Broken;

    const KINDS: [KeyKind; 6] =
        [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::X25519];

    #[test]
    fn every_kind_is_written_read_and_signs() {
        let limits = Limits::default();
        for kind in KINDS {
            let key = PrivateKey::generate(kind, 2048).unwrap();
            let read = PrivateKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(read.public_key_spki(), key.public_key_spki());
            assert_eq!(read.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
            let public = key.public_key(&limits).unwrap();
            assert_eq!(public.spki(), key.public_key_spki());
            for scheme in key.schemes() {
                let signature = read.sign(&scheme, b"message").unwrap();
                public.verify(&scheme, b"message", &signature).unwrap();
                assert!(matches!(public.verify(&scheme, b"massage", &signature), Err(Error::BadSignature)), "{scheme}");
            }
            if kind.curve().is_some() {
                let other = PrivateKey::generate(kind, 0).unwrap();
                let there = key.agree(&other.public_key(&limits).unwrap().key_agreement_bytes().unwrap()).unwrap();
                let back = other.agree(&public.key_agreement_bytes().unwrap()).unwrap();
                assert_eq!(there, back);
            }
        }
    }

    #[test]
    fn sec_084_without_randomness_there_is_no_key_and_no_signature() {
        for kind in KINDS {
            assert!(matches!(PrivateKey::generate_with(&mut Broken, kind, 2048), Err(Error::Rng(_))), "{kind}");
        }
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Rsa] {
            let key = PrivateKey::generate(kind, 2048).unwrap();
            for scheme in key.schemes() {
                assert!(matches!(key.sign_with(&mut Broken, &scheme, b""), Err(Error::Rng(_))), "{scheme}");
            }
        }
    }

    #[test]
    fn sec_127_an_rsa_key_whose_parts_disagree_is_refused() {
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let PrivateMaterial::Rsa { key, .. } = &key.material else { unreachable!() };
        let good = write_rsa(key);
        PrivateKey::from_pkcs1(&Secret::from(good.as_slice())).unwrap();
        let mut parts = Vec::new();
        let mut inside = Reader::single(&good, "key").unwrap().sequence("key").unwrap();
        while let Some(part) = inside.next_element().unwrap() {
            parts.push(part.raw().to_vec());
        }
        for at in 1..parts.len() {
            for bit in [1, 2] {
                let mut broken = parts.clone();
                *broken[at].last_mut().unwrap() ^= bit;
                let result = PrivateKey::from_pkcs1(&Secret::new(der::sequence(&broken)));
                assert!(matches!(result, Err(Error::BadKey { .. })), "part {at}");
            }
        }
    }

    #[test]
    fn a_private_key_beside_another_public_key_is_refused() {
        for kind in [KeyKind::P256, KeyKind::Ed25519] {
            let (key, other) = (PrivateKey::generate(kind, 0).unwrap(), PrivateKey::generate(kind, 0).unwrap());
            let wrap = |public: &PrivateKey| {
                let encoding = key.to_pkcs8().unwrap();
                let inside = Reader::single(encoding.expose(), "key").unwrap().sequence("key").unwrap();
                let public = der::retag(Tag::context(1), &der::bits(&public.public_bytes()));
                PrivateKey::from_pkcs8(&Secret::new(der::sequence(&[inside.rest(), &public])))
            };
            assert!(wrap(&key).is_ok());
            assert!(matches!(wrap(&other), Err(Error::BadKey { .. })));
        }
    }

    #[test]
    fn ec_keys_may_lack_leading_zeros_and_must_name_their_curve() {
        let key = |scalar: &[u8], curve: Option<Curve>| {
            let mut parts = vec![der::integer(1), der::octets(scalar)];
            parts.extend(curve.map(|curve| der::explicit(0, &der::oid(&curve.oid()))));
            PrivateKey::from_sec1(&Secret::new(der::sequence(&parts)))
        };
        let short = key(&[5], Some(Curve::P384)).unwrap();
        let mut long = vec![0; 50];
        long.push(5);
        assert_eq!(short.public_key_spki(), key(&long, Some(Curve::P384)).unwrap().public_key_spki());
        for (scalar, curve) in [(vec![5], None), (vec![0; 32], Some(Curve::P256)), (vec![0xff; 32], Some(Curve::P256))]
        {
            assert!(matches!(key(&scalar, curve), Err(Error::BadKey { .. })));
        }
        assert!(key(&[1; 33], Some(Curve::P256)).is_err());
    }

    #[test]
    fn sec_129_nothing_of_a_key_is_printed() {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(P-256)");
    }

    #[test]
    fn a_key_for_pss_does_nothing_else() {
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let PrivateMaterial::Rsa { key: rsa, .. } = key.material else { unreachable!() };
        let scheme = SignatureScheme::pss(DigestAlgorithm::Sha256);
        let usage = Usage { algorithm: scheme.identifier(), usage: RsaUsage::Pss(Some(scheme)) };
        let key = PrivateKey { material: PrivateMaterial::Rsa { key: rsa, usage } };
        let key = PrivateKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.schemes(), [scheme]);
        let public = key.public_key(&Limits::default()).unwrap();
        public.verify(&scheme, b"m", &key.sign(&scheme, b"m").unwrap()).unwrap();
        let other = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
        assert!(matches!(key.sign(&other, b"m"), Err(Error::WrongKey { .. })));
        assert!(matches!(public.verify(&other, b"m", &[0; 256]), Err(Error::WrongKey { .. })));
        let transport = crate::crypto::algorithm::KeyTransport::RsaPkcs1;
        assert!(matches!(public.encrypt(&transport, b"key"), Err(Error::WrongKey { .. })));
    }
}
