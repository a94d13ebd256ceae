//! The registry of algorithms: object identifier and parameters on one side, an enum that the rest of the crate acts
//! upon on the other. What is not listed here is refused by name.

mod encryption;

pub use encryption::{
    CipherParameters, Cofactor, ContentCipher, Curve, KeyAgreement, KeyDerivation, KeyTransport, KeyWrap, Legacy,
};

use super::{Error, Result};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, der, oid};
use const_oid::ObjectIdentifier;
use std::fmt;

/// ```text
/// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY DEFINED BY algorithm OPTIONAL }
/// ```
/// RFC 5280 section 4.1.1.2. Equality is that of the received encodings: an absent parameter is not NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmIdentifier {
    /// The algorithm.
    pub oid: ObjectIdentifier,
    /// Its parameters: one whole element, as received.
    pub parameters: Option<Vec<u8>>,
}

impl AlgorithmIdentifier {
    /// Without parameters.
    pub fn new(oid: ObjectIdentifier) -> Self {
        Self { oid, parameters: None }
    }

    /// With the parameters NULL.
    pub fn with_null(oid: ObjectIdentifier) -> Self {
        Self::with(oid, der::null())
    }

    /// With these parameters, which must be one DER element.
    pub fn with(oid: ObjectIdentifier, parameters: Vec<u8>) -> Self {
        Self { oid, parameters: Some(parameters) }
    }

    /// Reads a SEQUENCE.
    ///
    /// # Errors
    /// Where it is not one, or holds anything but an identifier and one element.
    pub fn read(element: &Element<'_>) -> asn1::Result<Self> {
        Self::read_inside(element.sequence(WHAT)?)
    }

    /// Reads what an implicit tag stands for, as `[3] keyDerivationAlgorithm` of PWRI does.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_implicit(element: &Element<'_>) -> asn1::Result<Self> {
        Self::read_inside(element.children(WHAT)?)
    }

    /// Reads the whole of `bytes`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_der(bytes: &[u8]) -> asn1::Result<Self> {
        Self::read(&Reader::single(bytes, WHAT)?)
    }

    fn read_inside(mut inside: Reader<'_>) -> asn1::Result<Self> {
        let oid = inside.required_any(WHAT)?.oid(WHAT)?;
        let parameters = inside.next_element()?.map(|p| p.raw().to_vec());
        inside.finish(WHAT)?;
        Ok(Self { oid, parameters })
    }

    /// As a SEQUENCE; the parameters as they were received.
    pub fn to_der(&self) -> Vec<u8> {
        let oid = der::oid(&self.oid);
        match &self.parameters {
            Some(parameters) => der::sequence(&[oid.as_slice(), parameters.as_slice()]),
            None => der::sequence(&[oid]),
        }
    }

    /// A name to show: this library's where it has one, else the RFC's, else the dotted form.
    pub fn name(&self) -> String {
        let known = DigestAlgorithm::from_oid(&self.oid)
            .map(|d| d.name().to_owned())
            .or_else(|| ContentCipher::from_oid(&self.oid).map(|c| c.name().to_owned()))
            .or_else(|| CipherParameters::from_identifier(self).ok().map(|p| p.cipher.name().to_owned()))
            .or_else(|| SignatureScheme::from_identifier(self, None).ok().map(|s| s.name()));
        known.unwrap_or_else(|| oid_name(&self.oid))
    }

    /// Whether there are no parameters, or NULL, which many writers put where there should be none and the reverse.
    pub fn has_no_parameters(&self) -> bool {
        self.parameters.as_deref().is_none_or(|p| p == NULL)
    }

    fn require_no_parameters(&self, what: &'static str) -> Result<()> {
        if self.has_no_parameters() {
            Ok(())
        } else {
            Err(Error::Parameters { what, why: "it has none, and some are there".into() })
        }
    }

    pub(crate) fn unsupported<T>(&self, what: &'static str) -> Result<T> {
        Err(Error::UnsupportedAlgorithm { what, oid: oid_name_and_number(&self.oid) })
    }
}

/// Its name in the RFCs, else the dotted form.
pub fn oid_name(oid: &ObjectIdentifier) -> String {
    oid::name(oid).map_or_else(|| oid.to_string(), |name| name.to_ascii_lowercase().replace('_', "-"))
}

/// Its name with the dotted form after it, else the dotted form.
pub fn oid_name_and_number(oid: &ObjectIdentifier) -> String {
    oid::name(oid).map_or_else(|| oid.to_string(), |_| format!("{} ({oid})", oid_name(oid)))
}

/// A digest algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// RFC 1321. Read only.
    Md5,
    /// FIPS 180-4. Read only, but for key identifiers.
    Sha1,
    /// FIPS 180-4. Read only.
    Sha224,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha384,
    /// FIPS 180-4.
    Sha512,
}

impl DigestAlgorithm {
    /// All, weakest first.
    pub const ALL: [Self; 6] = [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Reads an identifier; its parameters may be absent or NULL (RFC 5754 section 2).
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`], or [`Error::Parameters`] where there are other parameters.
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        let Some(digest) = Self::from_oid(&id.oid) else { return id.unsupported("digest algorithm") };
        id.require_no_parameters("the digest algorithm")?;
        Ok(digest)
    }

    /// The digest with this identifier.
    pub fn from_oid(oid: &ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.oid() == *oid)
    }

    /// Its object identifier.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Md5 => oid::MD5,
            Self::Sha1 => oid::SHA1,
            Self::Sha224 => oid::SHA224,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    /// "sha256": lower case, without dash.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Bytes of a digest.
    pub fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// To be written: without parameters (RFC 5754 section 2), but NULL for the two older ones (RFC 3370 section 2).
    pub fn identifier(self) -> AlgorithmIdentifier {
        match self {
            Self::Md5 | Self::Sha1 => self.identifier_with_null(),
            _ => AlgorithmIdentifier::new(self.oid()),
        }
    }

    /// With the parameters NULL, as Outlook writes it (OUT-52) and RSA parameters have it (RFC 4055 section 2.1).
    pub fn identifier_with_null(self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::with_null(self.oid())
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for DigestAlgorithm {
    type Err = Error;

    /// Reads "sha256", in any case and with or without a dash.
    fn from_str(text: &str) -> Result<Self> {
        // Without dashes and in lower case, as far as the longest name goes and one further.
        let mut plain = [0; 7];
        let mut length = 0;
        for (place, b) in plain.iter_mut().zip(text.bytes().filter(|b| *b != b'-')) {
            *place = b.to_ascii_lowercase();
            length += 1;
        }
        let plain = plain.get(..length).unwrap_or_default();
        let found = Self::ALL.into_iter().find(|d| d.name().as_bytes() == plain);
        found.ok_or_else(|| Error::UnsupportedAlgorithm { what: "digest algorithm", oid: text.to_owned() })
    }
}

/// How a message is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5, RFC 8017 section 8.2.
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS, RFC 8017 section 8.1, RFC 4056. The trailer is always 1.
    RsaPss {
        /// Digest of the message.
        hash: DigestAlgorithm,
        /// Digest within MGF1.
        mgf_hash: DigestAlgorithm,
        /// Bytes of salt.
        salt_length: u32,
    },
    /// ECDSA, FIPS 186-5, on the curve of the key; the signature is DER.
    Ecdsa(DigestAlgorithm),
    /// Pure Ed25519, RFC 8032, RFC 8419.
    Ed25519,
    /// DSA, FIPS 186-4; the signature is DER. Read only.
    Dsa(DigestAlgorithm),
}

impl SignatureScheme {
    /// PSS as everybody writes it: one digest for all, and a salt of its length.
    pub fn pss(hash: DigestAlgorithm) -> Self {
        Self::RsaPss { hash, mgf_hash: hash, salt_length: hash.length() as u32 }
    }

    /// Reads the algorithm of a signature. `digest` is what stands beside it: SignerInfo.digestAlgorithm; in a
    /// certificate nothing does.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`]; [`Error::Parameters`]; [`Error::AlgorithmMismatch`] where the identifier names
    /// another digest than `digest` (SEC-26), or Ed25519 stands beside anything but SHA-512 (RFC 8419 section 3.1).
    pub fn from_identifier(id: &AlgorithmIdentifier, digest: Option<DigestAlgorithm>) -> Result<Self> {
        let scheme = match id.oid {
            oid::RSASSA_PSS => read_pss(id)?,
            oid::ED25519 => Self::Ed25519,
            // OUT-52: Outlook names only the key's algorithm, and the digest stands beside it.
            oid::RSA_ENCRYPTION => match digest {
                Some(digest) => Self::RsaPkcs1(digest),
                None => return id.unsupported("signature algorithm without a digest,"),
            },
            oid::EC_PUBLIC_KEY => match digest {
                Some(digest) => Self::Ecdsa(digest),
                None => return id.unsupported("signature algorithm without a digest,"),
            },
            oid::DSA => match digest {
                Some(digest) => Self::Dsa(digest),
                None => return id.unsupported("signature algorithm without a digest,"),
            },
            _ => match COMBINED.iter().find(|(oid, _)| *oid == id.oid) {
                Some((_, scheme)) => *scheme,
                None => return id.unsupported("signature algorithm"),
            },
        };
        // The parameters of id-ecPublicKey would be a curve, those of id-dsa a group; what counts is the key's own.
        if !matches!(id.oid, oid::RSASSA_PSS | oid::EC_PUBLIC_KEY | oid::DSA) {
            id.require_no_parameters("the signature algorithm")?;
        }
        match digest {
            Some(digest) if digest != scheme.digest() => Err(Error::AlgorithmMismatch {
                what: "the digest algorithm and the signature algorithm",
                expected: digest.name().into(),
                found: scheme.name(),
            }),
            _ => Ok(scheme),
        }
    }

    /// To be written: RFC 5754 section 3, RFC 4056 section 3, RFC 8419 section 2.
    pub fn identifier(&self) -> AlgorithmIdentifier {
        match self {
            Self::RsaPss { hash, mgf_hash, salt_length } => write_pss(*hash, *mgf_hash, *salt_length),
            Self::Ed25519 => AlgorithmIdentifier::new(oid::ED25519),
            Self::RsaPkcs1(_) | Self::Ecdsa(_) | Self::Dsa(_) => {
                let found = COMBINED.iter().find(|(_, scheme)| scheme == self).map(|(oid, _)| *oid);
                match self {
                    Self::RsaPkcs1(_) => AlgorithmIdentifier::with_null(found.unwrap_or(oid::RSA_ENCRYPTION)),
                    Self::Dsa(_) => AlgorithmIdentifier::new(found.unwrap_or(oid::DSA)),
                    // ECDSA with MD5 has no identifier of its own.
                    _ => AlgorithmIdentifier::new(found.unwrap_or(oid::EC_PUBLIC_KEY)),
                }
            }
        }
    }

    /// The digest that belongs into SignerInfo.digestAlgorithm.
    pub fn digest(&self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) | Self::Dsa(digest) | Self::RsaPss { hash: digest, .. } => {
                *digest
            }
            Self::Ed25519 => DigestAlgorithm::Sha512,
        }
    }

    /// "rsa-sha256", "rsa-pss-sha256", "ecdsa-sha256", "ed25519".
    pub fn name(&self) -> String {
        match self {
            Self::RsaPkcs1(digest) => format!("rsa-{digest}"),
            Self::Ecdsa(digest) => format!("ecdsa-{digest}"),
            Self::Dsa(digest) => format!("dsa-{digest}"),
            Self::RsaPss { hash, mgf_hash, salt_length } => {
                let mgf = if mgf_hash == hash { String::new() } else { format!("-mgf1-{mgf_hash}") };
                let salt =
                    if *salt_length as usize == hash.length() { String::new() } else { format!("-salt{salt_length}") };
                format!("rsa-pss-{hash}{mgf}{salt}")
            }
            Self::Ed25519 => "ed25519".into(),
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// ```text
/// RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] DEFAULT sha1, maskGenAlgorithm [1] DEFAULT mgf1SHA1,
///     saltLength [2] INTEGER DEFAULT 20, trailerField [3] INTEGER DEFAULT 1 }
/// ```
fn read_pss(id: &AlgorithmIdentifier) -> Result<SignatureScheme> {
    const WHAT: &str = "RSASSA-PSS-params";
    let fail = |why: &str| Err(Error::Parameters { what: "RSASSA-PSS", why: why.into() });
    let Some(parameters) = &id.parameters else { return fail("they are absent") };
    let mut inside = Reader::single(parameters, WHAT)?.sequence(WHAT)?;
    let (hash, mgf_hash) = read_hashes(&mut inside, WHAT)?;
    let salt_length = match inside.optional(Tag::context(2), WHAT)? {
        Some(element) => element.explicit(WHAT)?.small(WHAT)?,
        None => 20,
    };
    let trailer = match inside.optional(Tag::context(3), WHAT)? {
        Some(element) => element.explicit(WHAT)?.small(WHAT)?,
        None => 1,
    };
    inside.finish(WHAT)?;
    if trailer != 1 {
        return fail(&format!("the trailer field is {trailer}, and there is only 1"));
    }
    // The largest modulus has room for far less; what does not fit the key is refused by the arithmetic.
    match u32::try_from(salt_length) {
        Ok(salt_length) if salt_length <= 2048 => Ok(SignatureScheme::RsaPss { hash, mgf_hash, salt_length }),
        _ => fail(&format!("a salt of {salt_length} bytes fits no key")),
    }
}

fn write_pss(hash: DigestAlgorithm, mgf_hash: DigestAlgorithm, salt_length: u32) -> AlgorithmIdentifier {
    let mut parts = write_hashes(hash, mgf_hash);
    if salt_length != 20 {
        parts.push(der::explicit(2, &der::integer(u64::from(salt_length))));
    }
    AlgorithmIdentifier::with(oid::RSASSA_PSS, der::sequence(&parts))
}

/// The first two fields of RSASSA-PSS-params and of RSAES-OAEP-params (RFC 4055), SHA-1 where they are absent.
fn read_hashes(inside: &mut Reader<'_>, what: &'static str) -> Result<(DigestAlgorithm, DigestAlgorithm)> {
    let hash = match inside.optional(Tag::context(0), what)? {
        Some(element) => DigestAlgorithm::from_identifier(&AlgorithmIdentifier::read(&element.explicit(what)?)?)?,
        None => DigestAlgorithm::Sha1,
    };
    let mgf_hash = match inside.optional(Tag::context(1), what)? {
        Some(element) => {
            let mgf = AlgorithmIdentifier::read(&element.explicit(what)?)?;
            if mgf.oid != oid::MGF1 {
                return mgf.unsupported("mask generation function");
            }
            match &mgf.parameters {
                Some(digest) => DigestAlgorithm::from_identifier(&AlgorithmIdentifier::from_der(digest)?)?,
                None => return Err(Error::Parameters { what: "MGF1", why: "its digest is absent".into() }),
            }
        }
        None => DigestAlgorithm::Sha1,
    };
    Ok((hash, mgf_hash))
}

/// The reverse; DER leaves a default out.
fn write_hashes(hash: DigestAlgorithm, mgf_hash: DigestAlgorithm) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    if hash != DigestAlgorithm::Sha1 {
        parts.push(der::explicit(0, &hash.identifier_with_null().to_der()));
    }
    if mgf_hash != DigestAlgorithm::Sha1 {
        let mgf = AlgorithmIdentifier::with(oid::MGF1, mgf_hash.identifier_with_null().to_der());
        parts.push(der::explicit(1, &mgf.to_der()));
    }
    parts
}

const WHAT: &str = "AlgorithmIdentifier";
const NULL: &[u8] = &[5, 0];

/// The identifiers that name key algorithm and digest in one (RFC 5754 section 3, RFC 3279, RFC 5758). Where two mean
/// the same, the one to be written stands first.
const COMBINED: [(ObjectIdentifier, SignatureScheme); 18] = [
    (oid::MD5_WITH_RSA, SignatureScheme::RsaPkcs1(DigestAlgorithm::Md5)),
    (oid::SHA1_WITH_RSA, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1)),
    (oid::SHA1_WITH_RSA_OIW, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1)),
    (oid::SHA224_WITH_RSA, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha224)),
    (oid::SHA256_WITH_RSA, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
    (oid::SHA384_WITH_RSA, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha384)),
    (oid::SHA512_WITH_RSA, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha512)),
    (oid::ECDSA_WITH_SHA1, SignatureScheme::Ecdsa(DigestAlgorithm::Sha1)),
    (oid::ECDSA_WITH_SHA224, SignatureScheme::Ecdsa(DigestAlgorithm::Sha224)),
    (oid::ECDSA_WITH_SHA256, SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
    (oid::ECDSA_WITH_SHA384, SignatureScheme::Ecdsa(DigestAlgorithm::Sha384)),
    (oid::ECDSA_WITH_SHA512, SignatureScheme::Ecdsa(DigestAlgorithm::Sha512)),
    (oid::DSA_WITH_SHA1, SignatureScheme::Dsa(DigestAlgorithm::Sha1)),
    (oid::DSA_WITH_SHA1_OIW, SignatureScheme::Dsa(DigestAlgorithm::Sha1)),
    (oid::DSA_WITH_SHA224, SignatureScheme::Dsa(DigestAlgorithm::Sha224)),
    (oid::DSA_WITH_SHA256, SignatureScheme::Dsa(DigestAlgorithm::Sha256)),
    (oid::DSA_WITH_SHA384, SignatureScheme::Dsa(DigestAlgorithm::Sha384)),
    (oid::DSA_WITH_SHA512, SignatureScheme::Dsa(DigestAlgorithm::Sha512)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_reads_back() {
        for digest in DigestAlgorithm::ALL {
            let mut schemes = vec![SignatureScheme::RsaPkcs1(digest), SignatureScheme::pss(digest)];
            if digest != DigestAlgorithm::Md5 {
                schemes.push(SignatureScheme::Ecdsa(digest));
                schemes.push(SignatureScheme::Dsa(digest));
            }
            for scheme in schemes {
                let id = AlgorithmIdentifier::from_der(&scheme.identifier().to_der()).unwrap();
                assert_eq!(SignatureScheme::from_identifier(&id, Some(digest)).unwrap(), scheme);
                assert_eq!(SignatureScheme::from_identifier(&id, None).unwrap(), scheme);
            }
            assert_eq!(digest.name().parse::<DigestAlgorithm>().unwrap(), digest);
        }
        let ed = SignatureScheme::Ed25519.identifier();
        assert_eq!(
            SignatureScheme::from_identifier(&ed, Some(DigestAlgorithm::Sha512)).unwrap(),
            SignatureScheme::Ed25519
        );
    }

    #[test]
    fn sec_026_a_digest_that_disagrees_is_an_error() {
        let mismatch = |id: AlgorithmIdentifier, digest| {
            matches!(SignatureScheme::from_identifier(&id, Some(digest)), Err(Error::AlgorithmMismatch { .. }))
        };
        assert!(mismatch(SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1).identifier(), DigestAlgorithm::Sha256));
        assert!(mismatch(SignatureScheme::Ecdsa(DigestAlgorithm::Sha512).identifier(), DigestAlgorithm::Sha256));
        assert!(mismatch(SignatureScheme::pss(DigestAlgorithm::Sha256).identifier(), DigestAlgorithm::Sha512));
        assert!(mismatch(SignatureScheme::Ed25519.identifier(), DigestAlgorithm::Sha1));
        let outlook = AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION);
        assert_eq!(
            SignatureScheme::from_identifier(&outlook, Some(DigestAlgorithm::Sha256)).unwrap(),
            SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)
        );
        assert!(SignatureScheme::from_identifier(&outlook, None).is_err());
        // id-dsa alone, its parameters beside it or not (RFC 3370 section 3.1).
        for dsa in
            [AlgorithmIdentifier::new(oid::DSA), AlgorithmIdentifier::with(oid::DSA, der::sequence::<&[u8]>(&[]))]
        {
            let scheme = SignatureScheme::from_identifier(&dsa, Some(DigestAlgorithm::Sha1)).unwrap();
            assert_eq!(scheme, SignatureScheme::Dsa(DigestAlgorithm::Sha1));
            assert!(SignatureScheme::from_identifier(&dsa, None).is_err());
        }
        assert!(mismatch(AlgorithmIdentifier::new(oid::DSA_WITH_SHA1), DigestAlgorithm::Sha256));
    }

    #[test]
    fn pss_parameters_have_their_defaults_and_their_bounds() {
        let read = |params: Vec<u8>| {
            SignatureScheme::from_identifier(&AlgorithmIdentifier::with(oid::RSASSA_PSS, params), None)
        };
        assert_eq!(read(der::sequence::<&[u8]>(&[])).unwrap(), SignatureScheme::pss(DigestAlgorithm::Sha1));
        assert!(read(der::sequence(&[der::explicit(3, &der::integer(2))])).is_err(), "trailer");
        assert!(read(der::sequence(&[der::explicit(2, &der::integer(1 << 31))])).is_err(), "salt");
        assert!(read(der::null()).is_err());
        let twice = der::explicit(2, &der::integer(32));
        assert!(read(der::sequence(&[twice.clone(), twice])).is_err());
        let absent = AlgorithmIdentifier::new(oid::RSASSA_PSS);
        assert!(matches!(SignatureScheme::from_identifier(&absent, None), Err(Error::Parameters { .. })));
    }

    #[test]
    fn what_is_unknown_is_refused_by_name() {
        let error = SignatureScheme::from_identifier(&AlgorithmIdentifier::new(oid::ED448), None).unwrap_err();
        assert_eq!(error.to_string(), "signature algorithm ed448 (1.3.101.113) is not supported");
        for (number, name) in [
            ("1.2.840.113549.2.4", "md4"),
            ("1.2.840.113549.2.2", "md2"),
            ("1.2.643.2.2.9", "gost-r-34.11-94"),
            ("1.2.156.10197.1.401", "sm3"),
        ] {
            let error =
                DigestAlgorithm::from_identifier(&AlgorithmIdentifier::new(number.parse().unwrap())).unwrap_err();
            assert_eq!(error.to_string(), format!("digest algorithm {name} ({number}) is not supported"));
        }
        let rc4 = AlgorithmIdentifier::with_null("1.2.840.113549.3.4".parse().unwrap());
        let error = CipherParameters::from_identifier(&rc4).unwrap_err();
        assert_eq!(error.to_string(), "content encryption algorithm rc4 (1.2.840.113549.3.4) is not supported");
        let mqv = AlgorithmIdentifier::new("1.3.133.16.840.63.0.16".parse().unwrap());
        let error = KeyAgreement::from_identifier(&mqv).unwrap_err();
        assert_eq!(error.to_string(), "key agreement algorithm mqv-sha1 (1.3.133.16.840.63.0.16) is not supported");
        let esdh = AlgorithmIdentifier::new("1.2.840.113549.1.9.16.3.5".parse().unwrap());
        let error = KeyAgreement::from_identifier(&esdh).unwrap_err().to_string();
        assert!(error.contains("diffie-hellman-ephemeral-static-on-a-finite-field"), "{error}");
        let odd = AlgorithmIdentifier::with(oid::SHA256, der::integer(1));
        assert!(matches!(DigestAlgorithm::from_identifier(&odd), Err(Error::Parameters { .. })));
        assert_eq!(AlgorithmIdentifier::new(oid::ID_DATA).name(), "id-data");
    }
}
