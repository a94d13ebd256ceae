//! OCSP responses: read as they arrived (RFC 6960, RFC 5019; SEC-117).
//!
//! Whether a response speaks for a certificate is decided by [`revocation`](crate::cert::revocation).

use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::Error;
use crate::cert::certificate::Certificate;
use crate::cert::crl::RevocationReason;
use crate::cert::extension::label;
use crate::cert::name::Name;
use crate::crypto;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use crate::crypto::digest::Hasher;
use const_oid::ObjectIdentifier;
use std::fmt;
use std::sync::Arc;

/// `BasicOCSPResponse` (RFC 6960 section 4.2.1). Cheap to clone.
#[derive(Clone)]
pub struct OcspResponse(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature: Vec<u8>,
    signature_algorithm: AlgorithmIdentifier,
    responder: ResponderId,
    answers: Vec<OcspAnswer>,
    nonce: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    faults: Vec<Reason>,
}

/// Who signed a response.
#[derive(Clone, Debug)]
pub enum ResponderId {
    /// By the subject of its certificate.
    Name(Name),
    /// By SHA-1 of its key.
    Key(Vec<u8>),
}

impl ResponderId {
    /// Whether a certificate is the one that is meant.
    pub fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name.same(certificate.subject()),
            Self::Key(key) => certificate.computed_key_identifier() == key.as_slice(),
        }
    }
}

/// `CertID`: which certificate an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    /// The digest of both hashes; `None` where it is not known.
    pub digest: Option<DigestAlgorithm>,
    /// Of the issuer's Name in DER.
    pub issuer_name_hash: Vec<u8>,
    /// Of the issuer's key.
    pub issuer_key_hash: Vec<u8>,
    /// Content octets.
    pub serial: Vec<u8>,
}

impl CertId {
    /// Of a certificate and the certificate of its issuer.
    pub fn of(certificate: &Certificate, issuer: &Certificate, digest: DigestAlgorithm) -> Self {
        Self {
            digest: Some(digest),
            issuer_name_hash: hash(digest, certificate.issuer().der()),
            issuer_key_hash: hash(digest, issuer.key_octets()),
            serial: certificate.serial().to_vec(),
        }
    }

    /// Whether it means this certificate of this issuer.
    pub fn is(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.digest.is_some_and(|digest| *self == Self::of(certificate, issuer, digest))
    }

    fn read(element: &Element<'_>) -> Result<Self, Error> {
        let mut parts = element.sequence("CertID")?;
        let digest = AlgorithmIdentifier::read(&parts.required(Tag::SEQUENCE, "hashAlgorithm")?)?;
        let issuer_name_hash = parts.required(Tag::OCTET_STRING, "issuerNameHash")?.octets("issuerNameHash")?.into();
        let issuer_key_hash = parts.required(Tag::OCTET_STRING, "issuerKeyHash")?.octets("issuerKeyHash")?.into();
        let serial = parts.required(Tag::INTEGER, "serialNumber")?.content().to_vec();
        parts.finish("CertID")?;
        let digest = DigestAlgorithm::from_identifier(&digest).ok();
        Ok(Self { digest, issuer_name_hash, issuer_key_hash, serial })
    }

    fn to_der(&self) -> Vec<u8> {
        let digest = self.digest.unwrap_or(DigestAlgorithm::Sha1);
        der::sequence(&[
            digest.identifier().to_der(),
            der::octets(&self.issuer_name_hash),
            der::octets(&self.issuer_key_hash),
            der::primitive(Tag::INTEGER, &self.serial),
        ])
    }
}

/// `SingleResponse`: the answer about one certificate.
#[derive(Clone, Debug)]
pub struct OcspAnswer {
    /// About which.
    pub about: CertId,
    /// What is said.
    pub status: OcspStatus,
    /// As of when.
    pub this_update: Time,
    /// Until when; `None` where newer information is always there.
    pub next_update: Option<Time>,
    /// A critical extension that is not understood, so that the answer must not be used.
    pub unusable: Option<Reason>,
}

/// `CertStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspStatus {
    /// Not revoked.
    Good,
    /// Revoked, permanently or on hold.
    Revoked {
        /// revocationTime.
        at: Time,
        /// revocationReason.
        reason: RevocationReason,
    },
    /// The responder does not know the certificate; that is not "good".
    Unknown,
}

impl OcspResponse {
    /// Reads an `OCSPResponse` as HTTP delivers it, or the `BasicOCSPResponse` alone; DER, and nothing else.
    ///
    /// # Errors
    /// [`Error::OcspStatus`] where the responder says that it has no answer (tryLater, unauthorized, ...),
    /// [`Error::Asn1`] where the structure is another, or it is larger than `limits.ocsp_bytes`.
    pub fn from_der(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        if bytes.len() > limits.ocsp_bytes {
            return Err(Error::OcspTooLarge { bytes: bytes.len(), limit: limits.ocsp_bytes });
        }
        let whole = Reader::single(bytes, "OCSPResponse")?;
        let mut parts = whole.sequence("OCSPResponse")?;
        if parts.peek() == Some(Tag::SEQUENCE) {
            return Self::read_basic(bytes, &whole);
        }
        let status = parts.required(Tag::ENUMERATED, "responseStatus")?;
        match status.content() {
            [0] => {}
            [code] => return Err(Error::OcspStatus(status_name(*code))),
            _ => return Err(Error::OcspStatus("a status that does not exist")),
        }
        let Some(holder) = parts.optional(Tag::context(0), "responseBytes")? else {
            return Err(Error::OcspStatus("it claims success and holds nothing"));
        };
        parts.finish("OCSPResponse")?;
        let mut inside = holder.explicit("responseBytes")?.sequence("ResponseBytes")?;
        if inside.required(Tag::OID, "responseType")?.oid("responseType")? != oid::OCSP_BASIC {
            return Err(Error::OcspStatus("its type is not id-pkix-ocsp-basic"));
        }
        let response = inside.required(Tag::OCTET_STRING, "response")?.octets("response")?;
        inside.finish("ResponseBytes")?;
        Self::read_basic(bytes, &Reader::single(&response, "BasicOCSPResponse")?)
    }

    fn read_basic(bytes: &[u8], basic: &Element<'_>) -> Result<Self, Error> {
        let mut parts = basic.sequence("BasicOCSPResponse")?;
        let tbs = parts.required(Tag::SEQUENCE, "tbsResponseData")?;
        let signature_algorithm = AlgorithmIdentifier::read(&parts.required(Tag::SEQUENCE, "signatureAlgorithm")?)?;
        let signature = parts.required(Tag::BIT_STRING, "signature")?.whole_bits("signature")?.to_vec();
        let mut faults = Vec::new();
        let mut certificates = Vec::new();
        if let Some(holder) = parts.optional(Tag::context(0), "certs")? {
            let mut list = holder.explicit("certs")?.sequence("certs")?;
            while let Some(element) = list.next_element()? {
                // One that cannot be read cannot be the signer's; the others may be.
                certificates.extend(Certificate::from_der(element.raw()));
            }
        }
        parts.finish("BasicOCSPResponse")?;

        let mut fields = tbs.sequence("ResponseData")?;
        if let Some(version) = fields.optional(Tag::context(0), "version")?
            && version.explicit("version")?.small("version").ok() != Some(0)
        {
            faults.push(Reason::new("ocsp_unusable", "its version is not 1"));
        }
        let id = fields.required_any("responderID")?;
        let responder = match id.tag.context_number() {
            Some(1) => ResponderId::Name(Name::read(&id.explicit("byName")?)?),
            Some(2) => ResponderId::Key(id.explicit("byKey")?.octets("byKey")?.into_owned()),
            _ => return Err(crate::asn1::Error::value("responderID", id.offset(), "there is no such choice").into()),
        };
        fields.required(Tag::GENERALIZED_TIME, "producedAt")?;
        let mut answers = Vec::new();
        let mut list = fields.required(Tag::SEQUENCE, "responses")?.sequence("responses")?;
        while let Some(element) = list.next_element()? {
            answers.push(OcspAnswer::read(&element)?);
        }
        let mut nonce = None;
        if let Some(holder) = fields.optional(Tag::context(1), "responseExtensions")? {
            for (oid, critical, value) in extensions(&holder.explicit("responseExtensions")?)? {
                match oid {
                    oid::OCSP_NONCE => nonce = Some(nonce_octets(&value)),
                    _ if critical => faults.push(not_understood(&oid)),
                    _ => {}
                }
            }
        }
        fields.finish("ResponseData")?;
        Ok(Self(Arc::new(Inner {
            der: bytes.to_vec(),
            tbs: tbs.raw().to_vec(),
            signature,
            signature_algorithm,
            responder,
            answers,
            nonce,
            certificates,
            faults,
        })))
    }

    /// All of it, as received.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Who claims to have signed it.
    pub fn responder(&self) -> &ResponderId {
        &self.0.responder
    }

    /// Every answer in it.
    pub fn answers(&self) -> &[OcspAnswer] {
        &self.0.answers
    }

    /// The nonce, where it repeats one.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.0.nonce.as_deref()
    }

    /// The certificates that came with it.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0.certificates
    }

    /// Why it cannot be used, `ocsp_unusable` each.
    pub fn faults(&self) -> &[Reason] {
        &self.0.faults
    }

    /// How it was signed; `None` where the algorithm is not known.
    pub fn scheme(&self) -> Option<SignatureScheme> {
        SignatureScheme::from_identifier(&self.0.signature_algorithm, None).ok()
    }

    /// Checks the signature with the key of a certificate.
    ///
    /// # Errors
    /// As [`PublicKey::verify`](crate::crypto::signature::PublicKey::verify).
    pub fn verify(&self, signer: &Certificate, limits: &Limits) -> Result<(), crypto::Error> {
        let scheme = SignatureScheme::from_identifier(&self.0.signature_algorithm, None)?;
        signer.public_key(limits)?.verify(&scheme, &self.0.tbs, &self.0.signature)
    }
}

impl fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OcspResponse({} answers)", self.0.answers.len())
    }
}

impl OcspAnswer {
    fn read(element: &Element<'_>) -> Result<Self, Error> {
        let mut parts = element.sequence("SingleResponse")?;
        let about = CertId::read(&parts.required(Tag::SEQUENCE, "certID")?)?;
        let status = parts.required_any("certStatus")?;
        let mut unusable = None;
        let status = match status.tag.context_number() {
            Some(0) => OcspStatus::Good,
            Some(1) => {
                let mut inside = status.children("RevokedInfo")?;
                let at = inside.required(Tag::GENERALIZED_TIME, "revocationTime")?.time("revocationTime")?;
                let mut reason = RevocationReason::Unspecified;
                if let Some(holder) = inside.optional(Tag::context(0), "revocationReason")? {
                    let number = holder.explicit("revocationReason")?;
                    let number = number.content().iter().fold(0u64, |n, octet| n << 8 | u64::from(*octet));
                    reason = RevocationReason::from_number(number).unwrap_or(RevocationReason::Unspecified);
                }
                OcspStatus::Revoked { at, reason }
            }
            Some(2) => OcspStatus::Unknown,
            _ => return Err(crate::asn1::Error::value("certStatus", status.offset(), "there is no such choice").into()),
        };
        let this_update = parts.required(Tag::GENERALIZED_TIME, "thisUpdate")?.time("thisUpdate")?;
        let next_update = match parts.optional(Tag::context(0), "nextUpdate")? {
            Some(holder) => Some(holder.explicit("nextUpdate")?.time("nextUpdate")?),
            None => None,
        };
        if let Some(holder) = parts.optional(Tag::context(1), "singleExtensions")? {
            for (oid, critical, _) in extensions(&holder.explicit("singleExtensions")?)? {
                let known = [oid::OCSP_CRL, oid::OCSP_ARCHIVE_CUTOFF, oid::CRL_REASON, oid::INVALIDITY_DATE];
                if critical && !known.contains(&oid) {
                    unusable = Some(not_understood(&oid));
                }
            }
        }
        parts.finish("SingleResponse")?;
        Ok(Self { about, status, this_update, next_update, unusable })
    }
}

/// An `OCSPRequest` in DER about one certificate (RFC 6960 section 4.1.1); with a nonce where one is given, at most 32
/// octets from a random source (RFC 8954).
pub fn request(about: &CertId, nonce: Option<&[u8]>) -> Vec<u8> {
    let list = der::sequence(&[der::sequence(&[about.to_der()])]);
    let extensions = nonce.map(|nonce| {
        let extension = der::sequence(&[der::oid(&oid::OCSP_NONCE), der::octets(&der::octets(nonce))]);
        der::explicit(2, &der::sequence(&[extension]))
    });
    der::sequence(&[der::sequence(&[list, extensions.unwrap_or_default()])])
}

type Extension = (ObjectIdentifier, bool, Vec<u8>);

fn extensions(list: &Element<'_>) -> Result<Vec<Extension>, Error> {
    let mut list = list.sequence("Extensions")?;
    let mut read: Vec<Extension> = Vec::new();
    while let Some(element) = list.next_element()? {
        let mut parts = element.sequence("Extension")?;
        let oid = parts.required(Tag::OID, "extnID")?.oid("extnID")?;
        let critical = parts.optional(Tag::BOOLEAN, "critical")?.map_or(Ok(false), |b| b.boolean("critical"))?;
        let value = parts.required(Tag::OCTET_STRING, "extnValue")?.octets("extnValue")?.into_owned();
        parts.finish("Extension")?;
        read.push((oid, critical, value));
    }
    Ok(read)
}

/// The nonce proper: RFC 8954 wraps it in an OCTET STRING, older responders do not.
fn nonce_octets(value: &[u8]) -> Vec<u8> {
    let inner = Reader::single(value, "Nonce").and_then(|element| element.octets("Nonce").map(|o| o.into_owned()));
    inner.unwrap_or_else(|_| value.to_vec())
}

fn not_understood(oid: &ObjectIdentifier) -> Reason {
    Reason::new("ocsp_unusable", format!("its critical extension {} is not understood", label(oid)))
}

fn hash(digest: DigestAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(digest);
    hasher.update(bytes);
    hasher.finish()
}

fn status_name(code: u8) -> &'static str {
    match code {
        1 => "malformedRequest",
        2 => "internalError",
        3 => "tryLater",
        5 => "sigRequired",
        6 => "unauthorized",
        _ => "a status that does not exist",
    }
}
