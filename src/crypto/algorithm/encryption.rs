//! The half of the registry that hides things: content encryption, key transport, key agreement, key wrap.

use super::super::{Error, Result};
use super::{AlgorithmIdentifier, DigestAlgorithm, oid_name_and_number, read_hashes, write_hashes};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::{der, oid};
use const_oid::ObjectIdentifier;
use std::fmt;

/// How content is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ContentCipher {
    /// RFC 3565.
    Aes128Cbc,
    /// RFC 3565.
    Aes192Cbc,
    /// RFC 3565.
    Aes256Cbc,
    /// RFC 5084.
    Aes128Gcm,
    /// RFC 5084.
    Aes192Gcm,
    /// RFC 5084.
    Aes256Gcm,
    /// RFC 3370 section 5.1. Read only.
    TripleDesCbc,
    /// RC2 with 40 effective key bits, RFC 2268, RFC 3370 section 5.2. Read only.
    Rc2Cbc40,
    /// RC2 with 64 effective key bits. Read only.
    Rc2Cbc64,
    /// RC2 with 128 effective key bits. Read only.
    Rc2Cbc128,
    /// Single DES, of the time of S/MIME version 2. Read only, and only on the caller's word.
    DesCbc,
}

/// How far a cipher of the past is still read. Nothing of it is ever written (SEC-78).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Legacy {
    /// It is read, and marked as weak.
    Marked,
    /// It is refused unless the caller asks for it by name, and then read and marked as weak.
    OnRequest,
}

impl ContentCipher {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
        Self::TripleDesCbc,
        Self::Rc2Cbc128,
        Self::Rc2Cbc64,
        Self::Rc2Cbc40,
        Self::DesCbc,
    ];

    /// The cipher with this identifier; `None` for RC2, whose effective length stands in its parameters
    /// ([`CipherParameters::from_identifier`] reads them).
    pub fn from_oid(oid: &ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.oid() == *oid && c.rc2_effective_bits().is_none())
    }

    /// Its object identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128Cbc => oid::AES128_CBC,
            Self::Aes192Cbc => oid::AES192_CBC,
            Self::Aes256Cbc => oid::AES256_CBC,
            Self::Aes128Gcm => oid::AES128_GCM,
            Self::Aes192Gcm => oid::AES192_GCM,
            Self::Aes256Gcm => oid::AES256_GCM,
            Self::TripleDesCbc => oid::DES_EDE3_CBC,
            Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128 => oid::RC2_CBC,
            Self::DesCbc => oid::DES_CBC,
        }
    }

    /// "aes256-cbc"; [`FromStr`](std::str::FromStr) reads the same.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "aes128-cbc",
            Self::Aes192Cbc => "aes192-cbc",
            Self::Aes256Cbc => "aes256-cbc",
            Self::Aes128Gcm => "aes128-gcm",
            Self::Aes192Gcm => "aes192-gcm",
            Self::Aes256Gcm => "aes256-gcm",
            Self::TripleDesCbc => "3des-cbc",
            Self::Rc2Cbc40 => "rc2-40-cbc",
            Self::Rc2Cbc64 => "rc2-64-cbc",
            Self::Rc2Cbc128 => "rc2-128-cbc",
            Self::DesCbc => "des-cbc",
        }
    }

    /// Bytes of the content-encryption key.
    pub fn key_length(self) -> usize {
        match self {
            Self::Rc2Cbc40 => 5,
            Self::Rc2Cbc64 | Self::DesCbc => 8,
            Self::Aes128Cbc | Self::Aes128Gcm | Self::Rc2Cbc128 => 16,
            Self::Aes192Cbc | Self::Aes192Gcm | Self::TripleDesCbc => 24,
            Self::Aes256Cbc | Self::Aes256Gcm => 32,
        }
    }

    /// Bytes of the initialisation vector of CBC, or of the nonce of GCM (SEC-66: always 12).
    pub fn iv_length(self) -> usize {
        if self.is_aead() { 12 } else { self.block_length() }
    }

    /// Whether it authenticates what it encrypts, and so belongs into AuthEnvelopedData and nowhere else (SEC-64).
    pub fn is_aead(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }

    /// Bytes of a block of the cipher.
    pub fn block_length(self) -> usize {
        match self {
            Self::TripleDesCbc | Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128 | Self::DesCbc => 8,
            _ => 16,
        }
    }

    /// Whether it is one of the past, and what that means; `None` for those that are written (SEC-78).
    pub fn legacy(self) -> Option<Legacy> {
        match self {
            Self::TripleDesCbc | Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128 => Some(Legacy::Marked),
            Self::DesCbc => Some(Legacy::OnRequest),
            _ => None,
        }
    }

    /// Bits of key that count, for RC2.
    pub(crate) fn rc2_effective_bits(self) -> Option<u16> {
        match self {
            Self::Rc2Cbc40 => Some(40),
            Self::Rc2Cbc64 => Some(64),
            Self::Rc2Cbc128 => Some(128),
            _ => None,
        }
    }

    /// The key wrap of the same strength, for key agreement.
    pub fn fitting_wrap(self) -> KeyWrap {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm => KeyWrap::Aes128,
            Self::Aes192Cbc | Self::Aes192Gcm => KeyWrap::Aes192,
            Self::Aes256Cbc | Self::Aes256Gcm => KeyWrap::Aes256,
            Self::TripleDesCbc | Self::DesCbc => KeyWrap::TripleDes,
            Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128 => KeyWrap::Rc2,
        }
    }
}

impl fmt::Display for ContentCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for ContentCipher {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|c| c.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::UnsupportedAlgorithm { what: "content encryption algorithm", oid: text.to_owned() })
    }
}

/// What a contentEncryptionAlgorithm says: the cipher and what it starts from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CipherParameters {
    /// The cipher.
    pub cipher: ContentCipher,
    /// Initialisation vector or nonce, of the length that the cipher has.
    pub iv: Vec<u8>,
    /// Bytes of the authentication tag, 12 to 16; 0 for CBC.
    pub tag_length: usize,
}

impl CipherParameters {
    /// Reads a contentEncryptionAlgorithm: `AES-IV`, `CBCParameter` or
    /// ```text
    /// GCMParameters ::= SEQUENCE { aes-nonce OCTET STRING, aes-ICVlen INTEGER (12 .. 16) DEFAULT 12 }
    /// RC2-CBC-Parameter ::= CHOICE { iv OCTET STRING, params SEQUENCE { rc2ParameterVersion INTEGER, iv OCTET STRING } }
    /// ```
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] by name, also for RC2 with another effective length than 40, 64 or 128 bits
    /// (RFC 8551 section 2.7); [`Error::Parameters`] for another length of vector, nonce (SEC-66) or tag (SEC-65).
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        if id.oid == oid::RC2_CBC {
            return read_rc2(id);
        }
        let Some(cipher) = ContentCipher::from_oid(&id.oid) else {
            return id.unsupported("content encryption algorithm");
        };
        let what = cipher.name();
        let fail = |why: String| Err(Error::Parameters { what, why });
        let Some(parameters) = &id.parameters else { return fail("they are absent".into()) };
        let element = Reader::single(parameters, "content encryption parameters")?;
        let (iv, tag_length) = if cipher.is_aead() {
            const GCM: &str = "GCMParameters";
            let mut inside = element.sequence(GCM)?;
            let nonce = inside.required(Tag::OCTET_STRING, GCM)?.octets(GCM)?;
            let tag_length = match inside.optional(Tag::INTEGER, GCM)? {
                Some(element) => element.small(GCM)?,
                None => 12,
            };
            inside.finish(GCM)?;
            (nonce, tag_length)
        } else {
            (element.octets("initialisation vector")?, 0)
        };
        if iv.len() != cipher.iv_length() {
            return fail(format!("the vector is {} bytes long instead of {}", iv.len(), cipher.iv_length()));
        }
        match usize::try_from(tag_length) {
            Ok(tag_length) if !cipher.is_aead() || (12..=16).contains(&tag_length) => {
                Ok(Self { cipher, iv: iv.into_owned(), tag_length })
            }
            _ => fail(format!("the tag is {tag_length} bytes long; 12 to 16 are accepted")),
        }
    }

    /// To be written. The tag's length is written out for GCM, unless it is the default 12.
    pub fn identifier(&self) -> AlgorithmIdentifier {
        let iv = der::octets(&self.iv);
        if let Some(bits) = self.cipher.rc2_effective_bits() {
            let parameters = der::sequence(&[der::integer(rc2_version(bits)), iv]);
            return AlgorithmIdentifier::with(self.cipher.oid(), parameters);
        }
        let parameters = match (self.cipher.is_aead(), self.tag_length) {
            (false, _) => iv,
            (true, 12) => der::sequence(&[iv]),
            (true, length) => der::sequence(&[iv, der::integer(length as u64)]),
        };
        AlgorithmIdentifier::with(self.cipher.oid(), parameters)
    }
}

/// RFC 3370 section 5.2: a version below 256 is a code, one from 256 on is the effective length itself; a bare vector
/// stands for 32 bits (RFC 8018 appendix B.2.3).
fn read_rc2(id: &AlgorithmIdentifier) -> Result<CipherParameters> {
    const WHAT: &str = "RC2-CBC-Parameter";
    let fail = |why: String| Err(Error::Parameters { what: "rc2-cbc", why });
    let Some(parameters) = &id.parameters else { return fail("they are absent".into()) };
    let element = Reader::single(parameters, WHAT)?;
    let (version, iv) = if element.tag == Tag::OCTET_STRING {
        (None, element.octets(WHAT)?)
    } else {
        let mut inside = element.sequence(WHAT)?;
        let version = inside.required(Tag::INTEGER, "rc2ParameterVersion")?.small("rc2ParameterVersion")?;
        let iv = inside.required(Tag::OCTET_STRING, WHAT)?.octets(WHAT)?;
        inside.finish(WHAT)?;
        (Some(version), iv)
    };
    let what = "content encryption algorithm";
    let unsupported =
        |with: String| Error::UnsupportedAlgorithm { what, oid: format!("rc2-cbc ({}) with {with}", id.oid) };
    let cipher = match version {
        None => Err(unsupported("32 effective key bits".into())),
        Some(version) => {
            match ContentCipher::ALL.into_iter().find(|c| c.rc2_effective_bits().map(rc2_version) == Some(version)) {
                Some(cipher) => Ok(cipher),
                None if version >= 256 => Err(unsupported(format!("{version} effective key bits"))),
                None => Err(unsupported(format!(
                    "parameter version {version} instead of 160, 120 or 58 (40, 64 or 128 bits)"
                ))),
            }
        }
    }?;
    if iv.len() != cipher.iv_length() {
        return fail(format!("the vector is {} bytes long instead of {}", iv.len(), cipher.iv_length()));
    }
    Ok(CipherParameters { cipher, iv: iv.into_owned(), tag_length: 0 })
}

/// RFC 2268 section 6.
fn rc2_version(effective_bits: u16) -> u64 {
    match effective_bits {
        40 => 160,
        64 => 120,
        128 => 58,
        bits => u64::from(bits),
    }
}

/// How a content-encryption key is encrypted for an RSA key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5, RFC 8017 section 7.2. What Outlook writes (OUT-57).
    RsaPkcs1,
    /// RSAES-OAEP, RFC 8017 section 7.1, RFC 4055 section 4.1.
    RsaOaep {
        /// Digest of the label.
        hash: DigestAlgorithm,
        /// Digest within MGF1.
        mgf_hash: DigestAlgorithm,
        /// The label, mostly empty.
        label: Vec<u8>,
    },
}

impl KeyTransport {
    /// OAEP as everybody writes it: one digest for both, no label.
    pub fn oaep(hash: DigestAlgorithm) -> Self {
        Self::RsaOaep { hash, mgf_hash: hash, label: Vec::new() }
    }

    /// Reads the keyEncryptionAlgorithm of a KeyTransRecipientInfo. Absent parameters of OAEP are its defaults, as are
    /// absent fields: SHA-1 for both, no label (SEC-73).
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`], [`Error::Parameters`], [`Error::Asn1`].
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        const WHAT: &str = "RSAES-OAEP-params";
        match id.oid {
            oid::RSA_ENCRYPTION => {
                id.require_no_parameters("RSA encryption")?;
                Ok(Self::RsaPkcs1)
            }
            oid::RSAES_OAEP => {
                let Some(parameters) = &id.parameters else { return Ok(Self::oaep(DigestAlgorithm::Sha1)) };
                let mut inside = Reader::single(parameters, WHAT)?.sequence(WHAT)?;
                let (hash, mgf_hash) = read_hashes(&mut inside, WHAT)?;
                let label = match inside.optional(Tag::context(2), WHAT)? {
                    None => Vec::new(),
                    Some(element) => {
                        let source = AlgorithmIdentifier::read(&element.explicit(WHAT)?)?;
                        if source.oid != oid::P_SPECIFIED {
                            return source.unsupported("source of the OAEP label");
                        }
                        match &source.parameters {
                            Some(label) => Reader::single(label, WHAT)?.octets(WHAT)?.into_owned(),
                            None => return Err(Error::Parameters { what: "OAEP", why: "the label is absent".into() }),
                        }
                    }
                };
                inside.finish(WHAT)?;
                Ok(Self::RsaOaep { hash, mgf_hash, label })
            }
            _ => id.unsupported("key transport algorithm"),
        }
    }

    /// To be written.
    pub fn identifier(&self) -> AlgorithmIdentifier {
        match self {
            Self::RsaPkcs1 => AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION),
            Self::RsaOaep { hash, mgf_hash, label } => {
                let mut parts = write_hashes(*hash, *mgf_hash);
                if !label.is_empty() {
                    let source = AlgorithmIdentifier::with(oid::P_SPECIFIED, der::octets(label));
                    parts.push(der::explicit(2, &source.to_der()));
                }
                AlgorithmIdentifier::with(oid::RSAES_OAEP, der::sequence(&parts))
            }
        }
    }

    /// "rsa-pkcs1", "rsa-oaep-sha256".
    pub fn name(&self) -> String {
        match self {
            Self::RsaPkcs1 => "rsa-pkcs1".into(),
            Self::RsaOaep { hash, mgf_hash, .. } if hash == mgf_hash => format!("rsa-oaep-{hash}"),
            Self::RsaOaep { hash, mgf_hash, .. } => format!("rsa-oaep-{hash}-mgf1-{mgf_hash}"),
        }
    }
}

/// A curve that keys are agreed upon.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// RFC 7748.
    X25519,
}

impl Curve {
    /// Reads the algorithm of a public key that is good for agreement: id-ecPublicKey with a named curve, or X25519.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] for another curve; [`Error::Parameters`] where the curve is not named but
    /// spelled out (explicit parameters are never accepted).
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        match id.oid {
            oid::X25519 => {
                id.require_no_parameters("X25519")?;
                Ok(Self::X25519)
            }
            oid::EC_PUBLIC_KEY => {
                let fail = |why: &str| Err(Error::Parameters { what: "the elliptic curve key", why: why.into() });
                let Some(parameters) = &id.parameters else { return fail("the curve is absent") };
                let element = Reader::single(parameters, "ECParameters")?;
                match element.tag {
                    Tag::OID => Self::from_oid(&element.oid("namedCurve")?),
                    Tag::SEQUENCE => {
                        fail("explicit curve parameters (specifiedCurve) are refused; a named curve is needed")
                    }
                    Tag::NULL => fail("the curve is inherited (implicitCurve), and there is nothing to inherit from"),
                    _ => fail("the curve is not named"),
                }
            }
            _ => id.unsupported("key agreement key"),
        }
    }

    /// Reads the algorithm of an originator's key. Its parameters may be absent or NULL, and then it is on the
    /// recipient's curve (RFC 5753 section 7.1.1); OpenSSL writes it so.
    ///
    /// # Errors
    /// As [`from_identifier`](Self::from_identifier); [`Error::AlgorithmMismatch`] where it names another curve than the
    /// recipient's (SEC-74).
    pub fn from_originator(id: &AlgorithmIdentifier, recipient: Self) -> Result<Self> {
        if id.oid == oid::EC_PUBLIC_KEY && id.has_no_parameters() && recipient != Self::X25519 {
            return Ok(recipient);
        }
        let found = Self::from_identifier(id)?;
        if found == recipient {
            return Ok(found);
        }
        Err(Error::AlgorithmMismatch {
            what: "the curves of recipient and originator",
            expected: recipient.name().into(),
            found: found.name().into(),
        })
    }

    /// The curve with this identifier.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`].
    pub fn from_oid(oid: &ObjectIdentifier) -> Result<Self> {
        match *oid {
            oid::SECP256R1 => Ok(Self::P256),
            oid::SECP384R1 => Ok(Self::P384),
            oid::SECP521R1 => Ok(Self::P521),
            oid::X25519 => Ok(Self::X25519),
            _ => Err(Error::UnsupportedAlgorithm { what: "elliptic curve", oid: oid_name_and_number(oid) }),
        }
    }

    /// The algorithm of a public key on it: what KeyAgreeRecipientInfo writes for the originator's key.
    pub fn identifier(self) -> AlgorithmIdentifier {
        match self {
            Self::X25519 => AlgorithmIdentifier::new(oid::X25519),
            _ => AlgorithmIdentifier::with(oid::EC_PUBLIC_KEY, der::oid(&self.oid())),
        }
    }

    /// The curve's own identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => oid::SECP256R1,
            Self::P384 => oid::SECP384R1,
            Self::P521 => oid::SECP521R1,
            Self::X25519 => oid::X25519,
        }
    }

    /// "P-256", "X25519".
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }

    /// Bytes of a coordinate, which is what is agreed upon.
    pub fn field_length(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// How a content-encryption key is encrypted under another symmetric key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum KeyWrap {
    /// RFC 3394.
    Aes128,
    /// RFC 3394.
    Aes192,
    /// RFC 3394.
    Aes256,
    /// RFC 3217 section 3. Read only.
    TripleDes,
    /// RFC 3217 section 4, under a key of 128 bits. Read only.
    Rc2,
}

impl KeyWrap {
    /// All.
    pub const ALL: [Self; 5] = [Self::Aes128, Self::Aes192, Self::Aes256, Self::TripleDes, Self::Rc2];

    /// Reads the identifier of a key wrap.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`], [`Error::Parameters`].
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        let Some(wrap) = Self::ALL.into_iter().find(|w| w.oid() == id.oid) else {
            return id.unsupported("key wrap algorithm");
        };
        if wrap == Self::Rc2 {
            // RFC 3370 section 4.3.2: RC2wrapParameter ::= RC2ParameterVersion. Keys of 40 and 64 bits wrap nothing here.
            return match id
                .parameters
                .as_deref()
                .map(|p| Reader::single(p, "RC2wrapParameter")?.small("RC2wrapParameter"))
            {
                Some(Ok(58)) => Ok(wrap),
                Some(Ok(version)) => Err(Error::UnsupportedAlgorithm {
                    what: "key wrap algorithm",
                    oid: format!(
                        "{} with parameter version {version} instead of 58 (128 bits)",
                        oid_name_and_number(&id.oid)
                    ),
                }),
                Some(Err(error)) => Err(error.into()),
                None => Err(Error::Parameters { what: "rc2-wrap", why: "they are absent".into() }),
            };
        }
        id.require_no_parameters("the key wrap")?;
        Ok(wrap)
    }

    /// To be written: AES without parameters (RFC 3565 section 2.3.2), 3DES with NULL (RFC 3370 section 4.3.1), RC2 with
    /// the code of its 128 bits (section 4.3.2).
    pub fn identifier(self) -> AlgorithmIdentifier {
        match self {
            Self::Rc2 => AlgorithmIdentifier::with(self.oid(), der::integer(rc2_version(128))),
            Self::TripleDes => AlgorithmIdentifier::with_null(self.oid()),
            _ => AlgorithmIdentifier::new(self.oid()),
        }
    }

    /// Its object identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => oid::AES128_WRAP,
            Self::Aes192 => oid::AES192_WRAP,
            Self::Aes256 => oid::AES256_WRAP,
            Self::TripleDes => oid::CMS_3DES_WRAP,
            Self::Rc2 => oid::CMS_RC2_WRAP,
        }
    }

    /// Bytes of the key-encryption key.
    pub fn key_length(self) -> usize {
        match self {
            Self::Aes128 | Self::Rc2 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// "aes256-wrap".
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "aes128-wrap",
            Self::Aes192 => "aes192-wrap",
            Self::Aes256 => "aes256-wrap",
            Self::TripleDes => "3des-wrap",
            Self::Rc2 => "rc2-wrap",
        }
    }
}

/// How a key-encryption key is derived from what was agreed upon.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KeyDerivation {
    /// ANSI X9.63, as in RFC 5753.
    X963(DigestAlgorithm),
    /// RFC 5869, as in RFC 8418.
    Hkdf(DigestAlgorithm),
}

/// Which Diffie-Hellman primitive. On the curves that are read here both give the same, since their cofactor is 1 or
/// is cleared by the arithmetic; they differ in their identifiers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cofactor {
    /// dhSinglePass-stdDH.
    Standard,
    /// dhSinglePass-cofactorDH.
    Cofactor,
}

/// The keyEncryptionAlgorithm of a KeyAgreeRecipientInfo (RFC 5753 section 7.1.4, RFC 8418 section 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyAgreement {
    /// From the shared secret to the key-encryption key.
    pub derivation: KeyDerivation,
    /// Which primitive.
    pub cofactor: Cofactor,
    /// From the key-encryption key to the content-encryption key.
    pub wrap: KeyWrap,
}

impl KeyAgreement {
    /// Reads a keyEncryptionAlgorithm, whose parameters are the identifier of the key wrap.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`]; [`Error::Parameters`] where there are none (SEC-74).
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        let Some((_, derivation, cofactor)) = AGREEMENTS.iter().find(|(oid, ..)| *oid == id.oid) else {
            return id.unsupported("key agreement algorithm");
        };
        let Some(parameters) = &id.parameters else {
            return Err(Error::Parameters { what: "the key agreement", why: "the key wrap is absent".into() });
        };
        let wrap = KeyWrap::from_identifier(&AlgorithmIdentifier::from_der(parameters)?)?;
        Ok(Self { derivation: *derivation, cofactor: *cofactor, wrap })
    }

    /// To be written.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] for a combination that has no identifier, such as HKDF with SHA-1.
    pub fn identifier(&self) -> Result<AlgorithmIdentifier> {
        let found = AGREEMENTS.iter().find(|(_, d, c)| *d == self.derivation && *c == self.cofactor);
        match found {
            Some((oid, ..)) => Ok(AlgorithmIdentifier::with(*oid, self.wrap.identifier().to_der())),
            None => Err(Error::UnsupportedAlgorithm { what: "key agreement algorithm", oid: self.name() }),
        }
    }

    /// "ecdh-x963-sha256-aes256-wrap".
    pub fn name(&self) -> String {
        match self.derivation {
            KeyDerivation::X963(digest) => format!("ecdh-x963-{digest}-{}", self.wrap.name()),
            KeyDerivation::Hkdf(digest) => format!("ecdh-hkdf-{digest}-{}", self.wrap.name()),
        }
    }
}

use Cofactor::{Cofactor as Co, Standard as Std};
use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
use KeyDerivation::{Hkdf, X963};

const AGREEMENTS: [(ObjectIdentifier, KeyDerivation, Cofactor); 13] = [
    (oid::DH_SINGLE_PASS_STD_SHA1, X963(Sha1), Std),
    (oid::DH_SINGLE_PASS_STD_SHA224, X963(Sha224), Std),
    (oid::DH_SINGLE_PASS_STD_SHA256, X963(Sha256), Std),
    (oid::DH_SINGLE_PASS_STD_SHA384, X963(Sha384), Std),
    (oid::DH_SINGLE_PASS_STD_SHA512, X963(Sha512), Std),
    (oid::DH_SINGLE_PASS_COFACTOR_SHA1, X963(Sha1), Co),
    (oid::DH_SINGLE_PASS_COFACTOR_SHA224, X963(Sha224), Co),
    (oid::DH_SINGLE_PASS_COFACTOR_SHA256, X963(Sha256), Co),
    (oid::DH_SINGLE_PASS_COFACTOR_SHA384, X963(Sha384), Co),
    (oid::DH_SINGLE_PASS_COFACTOR_SHA512, X963(Sha512), Co),
    (oid::DH_STD_HKDF_SHA256, Hkdf(Sha256), Std),
    (oid::DH_STD_HKDF_SHA384, Hkdf(Sha384), Std),
    (oid::DH_STD_HKDF_SHA512, Hkdf(Sha512), Std),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for cipher in ContentCipher::ALL {
            let tag_length = if cipher.is_aead() { 16 } else { 0 };
            let parameters = CipherParameters { cipher, iv: vec![7; cipher.iv_length()], tag_length };
            assert_eq!(CipherParameters::from_identifier(&parameters.identifier()).unwrap(), parameters);
            assert_eq!(cipher.name().parse::<ContentCipher>().unwrap(), cipher);
        }
        for transport in [
            KeyTransport::RsaPkcs1,
            KeyTransport::oaep(Sha1),
            KeyTransport::oaep(Sha512),
            KeyTransport::RsaOaep { hash: Sha256, mgf_hash: Sha1, label: b"label".to_vec() },
        ] {
            assert_eq!(KeyTransport::from_identifier(&transport.identifier()).unwrap(), transport);
        }
        for (_, derivation, cofactor) in AGREEMENTS {
            for wrap in KeyWrap::ALL {
                let agreement = KeyAgreement { derivation, cofactor, wrap };
                assert_eq!(KeyAgreement::from_identifier(&agreement.identifier().unwrap()).unwrap(), agreement);
            }
        }
        for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::X25519] {
            assert_eq!(Curve::from_identifier(&curve.identifier()).unwrap(), curve);
        }
    }

    #[test]
    fn sec_065_066_tags_and_nonces_have_their_lengths() {
        let read = |nonce: usize, tag: Option<u64>| {
            let mut parts = vec![der::octets(&vec![1; nonce])];
            parts.extend(tag.map(der::integer));
            CipherParameters::from_identifier(&AlgorithmIdentifier::with(oid::AES256_GCM, der::sequence(&parts)))
        };
        assert_eq!(read(12, None).unwrap().tag_length, 12);
        for tag in 12..=16 {
            assert_eq!(read(12, Some(tag)).unwrap().tag_length, tag as usize);
        }
        for tag in [0, 1, 4, 8, 11, 17, 1 << 31, u64::MAX] {
            assert!(matches!(read(12, Some(tag)), Err(Error::Parameters { .. })), "{tag}");
        }
        for nonce in [0, 1, 8, 11, 13, 16, 255, 1 << 20] {
            assert!(matches!(read(nonce, Some(16)), Err(Error::Parameters { .. })), "{nonce}");
        }
    }

    #[test]
    fn sec_073_074_absent_parameters_are_defaults_or_errors() {
        let oaep = AlgorithmIdentifier::new(oid::RSAES_OAEP);
        assert_eq!(KeyTransport::from_identifier(&oaep).unwrap(), KeyTransport::oaep(Sha1));
        let source = AlgorithmIdentifier::new(oid::P_SPECIFIED).to_der();
        let odd = AlgorithmIdentifier::with(oid::RSAES_OAEP, der::sequence(&[der::explicit(2, &source)]));
        assert!(matches!(KeyTransport::from_identifier(&odd), Err(Error::Parameters { .. })));
        let kari = AlgorithmIdentifier::new(oid::DH_SINGLE_PASS_STD_SHA256);
        assert!(matches!(KeyAgreement::from_identifier(&kari), Err(Error::Parameters { .. })));
        let rc2 = |parameters: Option<Vec<u8>>| {
            let wrap = AlgorithmIdentifier { oid: oid::CMS_RC2_WRAP, parameters };
            KeyAgreement::from_identifier(&AlgorithmIdentifier::with(oid::DH_SINGLE_PASS_STD_SHA1, wrap.to_der()))
        };
        assert_eq!(rc2(Some(der::integer(58))).unwrap().wrap, KeyWrap::Rc2);
        assert!(matches!(rc2(None), Err(Error::Parameters { .. })));
        assert!(matches!(rc2(Some(der::null())), Err(Error::Asn1(_))));
        for version in [0, 120, 160, 128, 256] {
            assert!(matches!(rc2(Some(der::integer(version))), Err(Error::UnsupportedAlgorithm { .. })), "{version}");
        }
    }

    #[test]
    fn sec_078_rc2_is_read_with_the_three_lengths_of_mail_and_no_other() {
        let read = |parameters: Vec<u8>| {
            CipherParameters::from_identifier(&AlgorithmIdentifier::with(oid::RC2_CBC, parameters))
        };
        let versioned = |version: Vec<u8>, iv: usize| read(der::sequence(&[version, der::octets(&vec![1; iv])]));
        for (version, cipher) in
            [(160, ContentCipher::Rc2Cbc40), (120, ContentCipher::Rc2Cbc64), (58, ContentCipher::Rc2Cbc128)]
        {
            assert_eq!(versioned(der::integer(version), 8).unwrap().cipher, cipher);
            for iv in [0, 1, 7, 9, 16, 1 << 20] {
                assert!(matches!(versioned(der::integer(version), iv), Err(Error::Parameters { .. })), "{iv}");
            }
        }
        for version in [0, 1, 40, 57, 59, 64, 128, 255, 256, 1024, u64::MAX] {
            let error = versioned(der::integer(version), 8).unwrap_err();
            assert!(matches!(error, Error::UnsupportedAlgorithm { .. }), "{error}");
            assert!(
                error.to_string().contains("rc2-cbc (1.2.840.113549.3.2)")
                    && error.to_string().contains(&version.to_string())
            );
        }
        let bare = read(der::octets(&[1; 8])).unwrap_err().to_string();
        assert!(bare.contains("32 effective key bits"), "{bare}");
        assert!(matches!(read(der::null()), Err(Error::Asn1(_))));
        assert!(matches!(versioned(vec![2, 1, 0xa0], 8), Err(Error::Asn1(_))), "negative");
        let whole = der::sequence(&[der::integer(58), der::octets(&[1; 8])]);
        for length in 0..whole.len() {
            assert!(matches!(read(whole[..length].to_vec()), Err(Error::Asn1(_))), "{length}");
        }
        let more = der::sequence(&[der::integer(58), der::octets(&[1; 8]), der::null()]);
        assert!(matches!(read(more), Err(Error::Asn1(_))));
        let absent = AlgorithmIdentifier::new(oid::RC2_CBC);
        assert!(matches!(CipherParameters::from_identifier(&absent), Err(Error::Parameters { .. })));
        assert_eq!(AlgorithmIdentifier::with(oid::RC2_CBC, whole).name(), "rc2-128-cbc");
        assert_eq!(absent.name(), "rc2-cbc");
    }

    #[test]
    fn sec_078_what_is_of_the_past_says_so() {
        for cipher in ContentCipher::ALL {
            let expected = match cipher {
                ContentCipher::DesCbc => Some(Legacy::OnRequest),
                _ if cipher.block_length() == 8 => Some(Legacy::Marked),
                _ => None,
            };
            assert_eq!(cipher.legacy(), expected, "{cipher}");
        }
    }

    #[test]
    fn explicit_curves_are_refused_by_name() {
        let id = AlgorithmIdentifier::with(oid::EC_PUBLIC_KEY, der::sequence(&[der::integer(1)]));
        assert!(Curve::from_identifier(&id).unwrap_err().to_string().contains("specifiedCurve"));
        let absent = AlgorithmIdentifier::new(oid::EC_PUBLIC_KEY);
        assert!(Curve::from_identifier(&absent).is_err());
        assert_eq!(Curve::from_originator(&absent, Curve::P384).unwrap(), Curve::P384);
        assert!(Curve::from_originator(&absent, Curve::X25519).is_err());
        assert!(Curve::from_originator(&Curve::P256.identifier(), Curve::P384).is_err());
    }
}
