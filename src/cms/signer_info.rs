//! SignerInfo (RFC 5652 section 5.3): read, written, and its arithmetic checked. The check says of one signer whether the
//! content is what that certificate's key signed; whom the certificate belongs to is judged elsewhere.

use super::attribute::{Attributes, EssBinding, ess_binding};
use super::identifier::{CertificateId, hex};
use super::{Error, Result};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme, oid_name};
use crate::crypto::signature::PublicKey;
use crate::crypto::strength;
use const_oid::ObjectIdentifier;

/// One signer as received.
#[derive(Clone, Debug)]
pub struct SignerInfo {
    /// 1 or 3; told, not judged.
    pub version: u64,
    /// Whose certificate.
    pub identifier: CertificateId,
    /// digestAlgorithm.
    pub digest_algorithm: AlgorithmIdentifier,
    /// signedAttrs, where there are any.
    pub signed_attributes: Option<Attributes>,
    /// signatureAlgorithm.
    pub signature_algorithm: AlgorithmIdentifier,
    /// signature.
    pub signature: Vec<u8>,
    /// unsignedAttrs, where they can be read.
    pub unsigned_attributes: Option<Attributes>,
    /// Whether unsignedAttrs stand there that cannot be read.
    pub unreadable_unsigned_attributes: bool,
}

/// Whether content and signature belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integrity {
    /// Digest and signature are right under the certificate's key.
    Intact,
    /// It could not be checked; a reason says why.
    Unchecked,
    /// They are not.
    Altered,
}

/// What checking one signer gave.
#[derive(Clone, Debug)]
pub struct SignatureCheck {
    /// The answer.
    pub integrity: Integrity,
    /// What decided against it; empty where it is intact.
    pub reasons: Vec<Reason>,
    /// What is odd, without deciding.
    pub notes: Vec<Reason>,
    /// What is too weak by today's measure (SEC-33, SEC-37).
    pub weaknesses: Vec<Reason>,
    /// How it was signed.
    pub scheme: Option<SignatureScheme>,
    /// signingTime as the signer claims it.
    pub signing_time: Option<Time>,
}

/// One reading of the signed content, with its digests. There is more than one only where line ends are in question.
#[derive(Clone, Debug)]
pub struct ContentReading {
    /// Digests of this reading.
    pub digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// The reading itself, where a signer needs it ([`SignerInfo::needs_content`]) and it is small enough to be kept.
    pub whole: Option<Vec<u8>>,
    /// What to note where this reading is the one that verifies.
    pub note: Option<Reason>,
}

/// What is known of the content when its signers are checked.
#[derive(Clone, Copy, Debug)]
pub struct ContentFacts<'c> {
    /// eContentType.
    pub content_type: ObjectIdentifier,
    /// The readings to try, in this order.
    pub readings: &'c [ContentReading],
    /// Whether the content itself parses as signed attributes (SEC-2).
    pub resembles_attributes: bool,
}

impl SignerInfo {
    /// Reads one SignerInfo.
    ///
    /// # Errors
    /// Where its structure is broken or a bound is exceeded.
    pub fn parse(raw: &[u8], limits: &Limits) -> Result<Self> {
        let mut fields = Reader::single(raw, "SignerInfo")?.sequence("SignerInfo")?;
        let version = fields.required(Tag::INTEGER, "SignerInfo.version")?.small("SignerInfo.version")?;
        let identifier = CertificateId::read(&fields.required_any("SignerInfo.sid")?, "SignerInfo.sid")?;
        let what = "SignerInfo.digestAlgorithm";
        let digest_algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, what)?)?;
        let signed_attributes = match fields.optional(Tag::context(0), "SignerInfo.signedAttrs")? {
            Some(element) => Some(Attributes::read(&element, limits)?),
            None => None,
        };
        let what = "SignerInfo.signatureAlgorithm";
        let signature_algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, what)?)?;
        let what = "SignerInfo.signature";
        let signature = fields.required(Tag::OCTET_STRING, what)?.octets(what)?.into_owned();
        let unsigned = fields.optional(Tag::context(1), "SignerInfo.unsignedAttrs")?;
        fields.finish("SignerInfo")?;
        let unsigned_attributes = unsigned.and_then(|element| Attributes::read(&element, limits).ok());
        Ok(Self {
            version,
            identifier,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
            unreadable_unsigned_attributes: unsigned.is_some() && unsigned_attributes.is_none(),
            unsigned_attributes,
        })
    }

    /// The digest that this signer says it used, where it is a known one.
    pub fn digest(&self) -> Option<DigestAlgorithm> {
        DigestAlgorithm::from_identifier(&self.digest_algorithm).ok()
    }

    /// Whether the signature is over the content itself and not over a digest of it: Ed25519 without signed attributes
    /// (RFC 8419 section 3.1).
    pub fn needs_content(&self) -> bool {
        self.signed_attributes.is_none() && self.signature_algorithm.oid == oid::ED25519
    }

    /// The certificate among `certificates` that this signer names.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] where issuer and serial number name two different certificates (SEC-28).
    pub fn certificate<'c>(&self, certificates: &'c [Certificate]) -> Result<Option<&'c Certificate>> {
        let mut found: Option<&Certificate> = None;
        for candidate in certificates.iter().filter(|c| self.identifier.names(c)) {
            match found {
                Some(first) if first.der() != candidate.der() => {
                    return Err(Error::Ambiguous(format!("two different certificates bear {}", self.identifier)));
                }
                _ => found = Some(candidate),
            }
        }
        Ok(found)
    }

    /// Checks digest, attributes and signature under the certificate's key. Nothing here looks at who that is.
    pub fn check(&self, certificate: &Certificate, content: &ContentFacts<'_>, limits: &Limits) -> SignatureCheck {
        let mut check = SignatureCheck {
            integrity: Integrity::Unchecked,
            reasons: Vec::new(),
            notes: Vec::new(),
            weaknesses: Vec::new(),
            scheme: None,
            signing_time: None,
        };
        match self.try_check(certificate, content, limits, &mut check) {
            Ok(()) => check.integrity = Integrity::Intact,
            Err(Against { integrity, reason }) => {
                check.integrity = integrity;
                check.reasons.insert(0, reason);
            }
        }
        check
    }

    fn try_check(
        &self,
        certificate: &Certificate,
        content: &ContentFacts<'_>,
        limits: &Limits,
        check: &mut SignatureCheck,
    ) -> std::result::Result<(), Against> {
        let digest = DigestAlgorithm::from_identifier(&self.digest_algorithm)
            .map_err(|e| unchecked("unsupported_algorithm", e.to_string()))?;
        let scheme =
            SignatureScheme::from_identifier(&self.signature_algorithm, Some(digest)).map_err(|e| match e {
                crate::crypto::Error::AlgorithmMismatch { .. } => altered("algorithm_mismatch", e.to_string()),
                _ => unchecked("unsupported_algorithm", e.to_string()),
            })?;
        check.scheme = Some(scheme);
        let key = certificate
            .public_key(limits)
            .map_err(|e| unchecked("unsupported_key", format!("the signer's key cannot be used: {e}")))?;
        check.weaknesses.extend(strength::digest_weakness(digest));
        check.weaknesses.extend(strength::key_weakness(&key));
        if self.unreadable_unsigned_attributes {
            check.notes.push(Reason::new(
                "unsigned_attributes_unreadable",
                "the unsigned attributes of the signature cannot be read",
            ));
        }
        check.notes.extend(self.countersignatures(limits));
        check.notes.extend(self.version_deviation());
        self.check_misplaced()?;
        match &self.signed_attributes {
            Some(attributes) => {
                self.check_attributes(attributes, certificate, content, digest, check)?;
                verify_attributes(&key, &scheme, attributes, &self.signature, check)
            }
            None => self.check_bare(&key, &scheme, digest, content, check),
        }
    }

    /// RFC 5652 section 5.3: 1 with issuerAndSerialNumber, 3 with subjectKeyIdentifier. Both forms are met with either.
    fn version_deviation(&self) -> Option<Reason> {
        let expected = version_of(&self.identifier);
        (self.version != expected).then(|| {
            let text = format!(
                "the signature bears version {}, and names its certificate as version {expected} does",
                self.version
            );
            Reason::new("signer_version", text)
        })
    }

    /// RFC 5652 sections 11.1 to 11.3: these three must not be unsigned attributes.
    fn check_misplaced(&self) -> std::result::Result<(), Against> {
        let unsigned = || self.unsigned_attributes.iter().flat_map(Attributes::iter);
        let signed_only = [oid::ID_CONTENT_TYPE, oid::ID_MESSAGE_DIGEST, oid::ID_SIGNING_TIME];
        match unsigned().find(|attribute| signed_only.contains(&attribute.kind)) {
            None => Ok(()),
            Some(attribute) => {
                let text = format!("the attribute {} stands among the unsigned ones", oid_name(&attribute.kind));
                Err(altered("attribute_misplaced", text))
            }
        }
    }

    /// Why the arithmetic would not be done even if the certificate were there: told where it is not.
    pub fn unsupported(&self) -> Option<Reason> {
        let digest = DigestAlgorithm::from_identifier(&self.digest_algorithm);
        let scheme = match &digest {
            Ok(digest) => SignatureScheme::from_identifier(&self.signature_algorithm, Some(*digest)).map(|_| ()),
            Err(error) => Err(error.clone()),
        };
        scheme.err().map(|error| Reason::new("unsupported_algorithm", error.to_string()))
    }

    /// SEC-39: looked at one level deep, so that a nest of them costs nothing; nothing that they say decides.
    fn countersignatures(&self, limits: &Limits) -> Option<Reason> {
        let all = || self.unsigned_attributes.iter().flat_map(|set| set.all(&oid::ID_COUNTERSIGNATURE));
        all().next()?;
        let values: Vec<&[u8]> = all().flat_map(|attribute| attribute.values()).collect();
        let broken = values.iter().filter(|value| Self::parse(value, limits).is_err()).count();
        if broken > 0 || values.is_empty() {
            let text = format!("{broken} of {} countersignatures cannot be read", values.len());
            return Some(Reason::new("countersignature_malformed", text));
        }
        let text = format!("{} countersignatures were not checked; they say nothing about the content", values.len());
        Some(Reason::new("countersignature_unchecked", text))
    }

    /// Everything that the signed attributes must say (RFC 5652 section 11).
    fn check_attributes(
        &self,
        attributes: &Attributes,
        certificate: &Certificate,
        content: &ContentFacts<'_>,
        digest: DigestAlgorithm,
        check: &mut SignatureCheck,
    ) -> std::result::Result<(), Against> {
        for single in SINGLE_VALUED {
            attributes.single(single).map_err(|(sets, values)| {
                let name = oid::name(single).unwrap_or_default().to_lowercase();
                let code = match *single {
                    oid::ID_CONTENT_TYPE => "content_type_attr",
                    oid::ID_MESSAGE_DIGEST => "message_digest_attr",
                    _ => "duplicate_attr",
                };
                altered(code, format!("the signed attribute {name} must be there once with one value; there are {sets} with {values} values"))
            })?;
        }
        let get = |kind| attributes.single(kind).ok().flatten();
        // SEC-6
        let content_type = get(&oid::ID_CONTENT_TYPE)
            .and_then(|value| Reader::single(value, "contentType").ok()?.oid("contentType").ok())
            .ok_or_else(|| altered("content_type_attr", "the signed attribute contentType is missing or malformed"))?;
        if content_type != content.content_type {
            let text = format!(
                "the signature is for content of type {content_type}, and the content is of type {}",
                content.content_type
            );
            return Err(altered("content_type_attr", text));
        }
        // SEC-7
        let value = get(&oid::ID_MESSAGE_DIGEST)
            .ok_or_else(|| altered("message_digest_attr", "the signed attribute messageDigest is missing"))?;
        let signed = Reader::single(value, "messageDigest")
            .and_then(|e| e.octets("messageDigest"))
            .map_err(|e| altered("message_digest_attr", e.to_string()))?;
        let reading = content.readings.iter().find(|r| r.digest(digest) == Some(signed.as_ref()));
        match reading {
            Some(reading) => check.notes.extend(reading.note.clone()),
            None => {
                let found = content.readings.first().and_then(|r| r.digest(digest)).map(hex).unwrap_or_default();
                let text = format!(
                    "the content was altered after it was signed: its {} is {found}, the signature says {}",
                    digest.name(),
                    hex(&signed)
                );
                return Err(altered("message_digest_mismatch", text));
            }
        }
        // SEC-31: a malformed signing time is an error; a missing one is not.
        if let Some(value) = get(&oid::ID_SIGNING_TIME) {
            let at = Reader::single(value, "signingTime").and_then(|e| e.time("signingTime"));
            check.signing_time = Some(at.map_err(|e| altered("signing_time_malformed", e.to_string()))?);
        }
        self.check_ess(attributes, certificate, check)?;
        // SEC-27
        if let Some(value) = get(&oid::ID_AA_CMS_ALGORITHM_PROTECT) {
            self.check_protection(value)?;
        }
        Ok(())
    }

    /// SEC-28, SEC-29: the certificate that the signer bound is the one that was found.
    fn check_ess(
        &self,
        attributes: &Attributes,
        certificate: &Certificate,
        check: &mut SignatureCheck,
    ) -> std::result::Result<(), Against> {
        let get = |kind| attributes.single(kind).ok().flatten();
        let (value, default, code) =
            match (get(&oid::ID_AA_SIGNING_CERTIFICATE_V2), get(&oid::ID_AA_SIGNING_CERTIFICATE)) {
                (Some(value), _) => (value, DigestAlgorithm::Sha256, None),
                (None, Some(value)) => (value, DigestAlgorithm::Sha1, Some("ess_v1_sha1")),
                (None, None) => return Ok(()),
            };
        if let Some(code) = code {
            check.notes.push(Reason::new(
                code,
                "the signature binds its certificate by SHA-1 only (signingCertificate, version 1)",
            ));
        }
        match ess_binding(value, default, certificate) {
            Ok(EssBinding::Bound) => Ok(()),
            Ok(EssBinding::UnknownHash) => {
                check.notes.push(Reason::new(
                    "ess_unknown_hash",
                    "the signature binds its certificate by a hash that is not supported",
                ));
                Ok(())
            }
            Ok(EssBinding::Other) => {
                let text = format!("the signature was made with another certificate than {}", certificate.subject());
                Err(altered("ess_mismatch", text))
            }
            Err(error) => Err(altered("ess_malformed", error.to_string())),
        }
    }

    fn check_protection(&self, value: &[u8]) -> std::result::Result<(), Against> {
        let what = "CMSAlgorithmProtection";
        let read = || -> Result<(AlgorithmIdentifier, Option<AlgorithmIdentifier>)> {
            let mut fields = Reader::single(value, what)?.sequence(what)?;
            let digest = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, what)?)?;
            let signature = match fields.optional(Tag::context(1), what)? {
                Some(element) => Some(AlgorithmIdentifier::read_implicit(&element)?),
                None => None,
            };
            Ok((digest, signature))
        };
        let (digest, signature) = read().map_err(|e| altered("algorithm_protection", e.to_string()))?;
        let same_digest = digest.oid == self.digest_algorithm.oid;
        let same_signature = signature.is_some_and(|s| s.oid == self.signature_algorithm.oid);
        if same_digest && same_signature {
            return Ok(());
        }
        Err(altered(
            "algorithm_protection",
            "the algorithms named in the signature are not those that the signer protected",
        ))
    }

    /// A signature without signed attributes: over the content itself, which must be plain data (SEC-2, SEC-4).
    fn check_bare(
        &self,
        key: &PublicKey,
        scheme: &SignatureScheme,
        digest: DigestAlgorithm,
        content: &ContentFacts<'_>,
        check: &mut SignatureCheck,
    ) -> std::result::Result<(), Against> {
        if content.content_type != oid::ID_DATA {
            let text = format!("content of type {} needs signed attributes, and there are none", content.content_type);
            return Err(altered("signed_attrs_required", text));
        }
        if content.resembles_attributes {
            let text = "the content is itself a set of signed attributes: the signature may have been made for another message";
            return Err(altered("content_looks_like_signed_attrs", text));
        }
        check
            .notes
            .push(Reason::new("no_signed_attributes", "the signature covers the content without signed attributes"));
        for reading in content.readings {
            let verified = match (self.needs_content(), &reading.whole, reading.digest(digest)) {
                (true, Some(whole), _) => key.verify(scheme, whole, &self.signature),
                (true, None, _) => {
                    let text = "the signature is over the content itself, which is too long to be kept in memory";
                    return Err(unchecked("limit_exceeded", text));
                }
                (false, _, Some(value)) => key.verify_digest(scheme, value, &self.signature),
                (false, _, None) => continue,
            };
            match verified {
                Ok(()) => {
                    check.notes.extend(reading.note.clone());
                    return Ok(());
                }
                Err(crate::crypto::Error::BadSignature) => {}
                Err(error) => return Err(from_crypto(error)),
            }
        }
        Err(altered("signature_invalid", "the content was altered after it was signed, or signed with another key"))
    }
}

/// Attributes that RFC 5652, 5035, 6211 and 8551 allow once, with one value.
const SINGLE_VALUED: &[ObjectIdentifier] = &[
    oid::ID_CONTENT_TYPE,
    oid::ID_MESSAGE_DIGEST,
    oid::ID_SIGNING_TIME,
    oid::ID_SMIME_CAPABILITIES,
    oid::ID_AA_SIGNING_CERTIFICATE,
    oid::ID_AA_SIGNING_CERTIFICATE_V2,
    oid::ID_AA_ENCRYP_KEY_PREF,
    oid::ID_AA_CMS_ALGORITHM_PROTECT,
    oid::MS_ENCRYPTION_KEY_PREFERENCE,
];

/// OUT-60a, SEC-9: over the attributes as received, and only where that fails over their DER form.
fn verify_attributes(
    key: &PublicKey,
    scheme: &SignatureScheme,
    attributes: &Attributes,
    signature: &[u8],
    check: &mut SignatureCheck,
) -> std::result::Result<(), Against> {
    let received = attributes.as_received();
    let in_order = attributes.are_sorted();
    if !in_order {
        check.notes.push(Reason::new("non_der_signed_attrs", "the signed attributes are not in DER order"));
    }
    match key.verify(scheme, &received, signature) {
        Ok(()) => return Ok(()),
        Err(crate::crypto::Error::BadSignature) => {}
        Err(error) => return Err(from_crypto(error)),
    }
    if !in_order && key.verify(scheme, &attributes.der_sorted(), signature).is_ok() {
        return Ok(());
    }
    Err(altered("signature_invalid", "the signature does not fit its attributes under the signer's key"))
}

/// Why a check did not end well.
struct Against {
    integrity: Integrity,
    reason: Reason,
}

fn altered(code: &'static str, text: impl Into<String>) -> Against {
    Against { integrity: Integrity::Altered, reason: Reason::new(code, text) }
}

fn unchecked(code: &'static str, text: impl Into<String>) -> Against {
    Against { integrity: Integrity::Unchecked, reason: Reason::new(code, text) }
}

fn from_crypto(error: crate::crypto::Error) -> Against {
    match error {
        crate::crypto::Error::AlgorithmMismatch { .. } => altered("algorithm_mismatch", error.to_string()),
        crate::crypto::Error::UnsupportedAlgorithm { .. } => unchecked("unsupported_algorithm", error.to_string()),
        _ => altered("signature_invalid", error.to_string()),
    }
}

impl ContentReading {
    fn digest(&self, algorithm: DigestAlgorithm) -> Option<&[u8]> {
        self.digests.iter().find(|(a, _)| *a == algorithm).map(|(_, value)| value.as_slice())
    }
}

/// Whether content parses as a set of attributes with contentType and messageDigest (SEC-2, SEC-3).
pub fn resembles_attributes(content: &[u8]) -> bool {
    let Ok(element) = Reader::single(content, "content") else { return false };
    if element.tag != Tag::SET {
        return false;
    }
    Attributes::read(&element, &Limits::default()).is_ok_and(|attributes| {
        attributes.all(&oid::ID_MESSAGE_DIGEST).next().is_some()
            && attributes.all(&oid::ID_CONTENT_TYPE).next().is_some()
    })
}

/// Writes a SignerInfo in DER.
pub fn encode(
    identifier: &CertificateId,
    digest: DigestAlgorithm,
    signed_attributes: &[u8],
    signature_algorithm: &AlgorithmIdentifier,
    signature: &[u8],
) -> Vec<u8> {
    SignerTemplate::new(identifier, digest, signature_algorithm).fill(signed_attributes, signature)
}

/// A SignerInfo of which only signed attributes and signature are missing: what a signer's signatures have in common.
#[derive(Clone, Debug)]
pub struct SignerTemplate {
    /// 1 or 3.
    version: u64,
    /// version, sid and digestAlgorithm in DER.
    before: Vec<u8>,
    /// signatureAlgorithm in DER.
    algorithm: Vec<u8>,
}

impl SignerTemplate {
    /// For the holder of this certificate, who signs so.
    pub fn new(identifier: &CertificateId, digest: DigestAlgorithm, signature_algorithm: &AlgorithmIdentifier) -> Self {
        let version = version_of(identifier);
        let parts = [der::integer(version), identifier.to_der(), digest.identifier_with_null().to_der()];
        Self { version, before: parts.concat(), algorithm: signature_algorithm.to_der() }
    }

    /// Its version, which is that of the SignedData too, where no other signer needs a higher one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The whole, in DER; `signed_attributes` as they were signed, under the tag SET.
    pub fn fill(&self, signed_attributes: &[u8], signature: &[u8]) -> Vec<u8> {
        let attributes = signed_attributes.get(1..).unwrap_or_default();
        let octets = signature.len() as u64;
        let length = self.before.len() + 1 + attributes.len() + self.algorithm.len() + signature.len();
        let length = length as u64 + der::header_len(octets);
        let mut out = Vec::with_capacity((length + der::header_len(length)) as usize);
        der::put_header(&mut out, Tag::SEQUENCE, true, length);
        out.extend_from_slice(&self.before);
        out.push(Tag::context(0).octet(true));
        out.extend_from_slice(attributes);
        out.extend_from_slice(&self.algorithm);
        der::put_header(&mut out, Tag::OCTET_STRING, false, octets);
        out.extend_from_slice(signature);
        out
    }
}

/// RFC 5652 section 5.3: 1 for issuerAndSerialNumber, 3 for subjectKeyIdentifier. SignedData bears the same (5.1).
pub fn version_of(identifier: &CertificateId) -> u64 {
    match identifier {
        CertificateId::IssuerAndSerial { .. } => 1,
        CertificateId::SubjectKeyIdentifier(_) => 3,
    }
}
