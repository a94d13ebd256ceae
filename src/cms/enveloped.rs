//! EnvelopedData (RFC 5652 section 6), AuthEnvelopedData (RFC 5083), and EncryptedData (RFC 5652 section 8), which is the
//! first without recipients: read as a stream that hands the ciphertext to a sink, and the first two written around a
//! ciphertext, in DER or in BER.

use super::attribute::Attributes;
use super::content::{ContentType, drain, enter_content_info, leave_content_info, read_oid, read_small};
use super::recipient_info::RecipientInfo;
use super::{Error, Result};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::framing::{Encoding, Layer};
use crate::asn1::stream::Stream;
use crate::asn1::{self, der, oid};
use crate::base::limits::Limits;
use crate::crypto::algorithm::{AlgorithmIdentifier, CipherParameters, oid_name};
use const_oid::ObjectIdentifier;
use std::io::BufRead;

/// What stands before the ciphertext.
#[derive(Clone, Debug)]
pub struct Head {
    /// Told, not judged.
    pub version: u64,
    /// Certificates of originatorInfo, DER or BER as received: those of a sender that agrees with a static key.
    pub originator_certificates: Vec<Vec<u8>>,
    /// Whom it is for; empty in an EncryptedData.
    pub recipients: Vec<RecipientInfo>,
    /// contentType of the plaintext.
    pub content_type: ObjectIdentifier,
    /// contentEncryptionAlgorithm.
    pub algorithm: AlgorithmIdentifier,
    /// Whether encryptedContent is there.
    pub content: EncryptedContent,
}

/// Whether a structure carries its ciphertext (RFC 5652 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptedContent {
    /// Inside.
    Inside,
    /// Elsewhere, where nobody says.
    Absent,
}

/// An EnvelopedData, AuthEnvelopedData or EncryptedData without its ciphertext.
#[derive(Clone, Debug)]
pub struct Enveloped {
    /// Which of the three.
    pub kind: ContentType,
    /// What stands before the ciphertext.
    pub head: Head,
    /// Octets of ciphertext.
    pub content_length: u64,
    /// authAttrs as the additional authenticated data wants them: under the tag SET, in DER (RFC 5083 section 2.2).
    /// Several candidates are never tried.
    pub authenticated_attributes: Option<Vec<u8>>,
    /// mac of an AuthEnvelopedData.
    pub mac: Option<Vec<u8>>,
    /// unprotectedAttrs or unauthAttrs, which anybody could have changed: their types, where they can be read.
    pub unprotected_attributes: Vec<ObjectIdentifier>,
}

impl Head {
    /// Reads from after [`enter_content_info`], which gave `kind`, to the first octet of the ciphertext, whose string is
    /// then open where there is one.
    pub(super) fn read<R: BufRead>(stream: &mut Stream<R>, kind: ContentType, limits: &Limits) -> Result<Self> {
        stream.enter(Tag::SEQUENCE, "EnvelopedData")?;
        let version = read_small(stream, "EnvelopedData.version")?;
        let (mut originator_certificates, mut recipients) = (Vec::new(), Vec::new());
        if kind != ContentType::EncryptedData {
            if stream.peek()? == Some(Tag::context(0)) {
                let raw = stream.take(limits.structure_bytes, "originatorInfo")?;
                originator_certificates = read_originator_info(&raw, limits)?;
            }
            recipients = read_recipients(stream, limits)?;
        }
        stream.enter(Tag::SEQUENCE, "encryptedContentInfo")?;
        let content_type = read_oid(stream, "contentType")?;
        let what = "contentEncryptionAlgorithm";
        let raw = stream.take(limits.element_bytes, what)?;
        let algorithm = AlgorithmIdentifier::read(&Reader::single(&raw, what)?)?;
        let content = match stream.peek()? {
            None => EncryptedContent::Absent,
            Some(_) => {
                stream.open_string(Tag::context(0), "encryptedContent")?;
                EncryptedContent::Inside
            }
        };
        Ok(Self { version, originator_certificates, recipients, content_type, algorithm, content })
    }
}

fn read_recipients<R: BufRead>(stream: &mut Stream<R>, limits: &Limits) -> Result<Vec<RecipientInfo>> {
    stream.enter(Tag::SET, "recipientInfos")?;
    let mut recipients = Vec::new();
    let mut budget = limits.structure_bytes;
    while stream.peek()?.is_some() {
        let raw = stream.take(limits.element_bytes.min(budget), "RecipientInfo")?;
        budget = budget.saturating_sub(raw.len());
        RecipientInfo::read(&raw, &mut recipients, limits.recipients)?;
    }
    stream.leave("recipientInfos")?;
    Ok(recipients)
}

/// `OriginatorInfo ::= SEQUENCE { certs [0] IMPLICIT CertificateSet OPTIONAL, crls [1] IMPLICIT .. OPTIONAL }`, under [0].
fn read_originator_info(raw: &[u8], limits: &Limits) -> Result<Vec<Vec<u8>>> {
    let what = "originatorInfo";
    let mut certificates = Vec::new();
    let mut fields = Reader::single(raw, what)?.children(what)?;
    let Some(set) = fields.optional(Tag::context(0), "originatorInfo.certs")? else { return Ok(certificates) };
    let mut choices = set.children("originatorInfo.certs")?;
    while let Some(choice) = choices.next_element()? {
        if certificates.len() >= limits.certificates {
            return Err(Error::Limit { what: "certificates", limit: limits.certificates as u64 });
        }
        if choice.tag == Tag::SEQUENCE {
            certificates.push(choice.raw().to_vec());
        }
    }
    Ok(certificates)
}

impl Enveloped {
    /// Reads a ContentInfo of one of the three types to its end; the ciphertext goes to `sink` in pieces of any size.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the structure is broken, incomplete, or something follows it.
    pub fn read<R: BufRead>(reader: R, limits: &Limits, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Self> {
        let mut stream = Stream::new(reader);
        let kind = enter_content_info(&mut stream)?;
        if !kind.is_encrypted() {
            return Err(Error::Unsupported(format!("expected enveloped-data, found {kind}")));
        }
        let head = Head::read(&mut stream, kind, limits)?;
        let content_length = match head.content {
            EncryptedContent::Inside => drain(&mut stream, "encryptedContent", sink)?,
            EncryptedContent::Absent => 0,
        };
        stream.leave("encryptedContentInfo")?;
        let (mut authenticated_attributes, mut mac) = (None, None);
        let mut unprotected = Tag::context(1);
        if kind == ContentType::AuthEnvelopedData {
            if stream.peek()? == Some(Tag::context(1)) {
                let raw = stream.take(limits.element_bytes, "authAttrs")?;
                let attributes = Attributes::read(&Reader::single(&raw, "authAttrs")?, limits)?;
                check_authenticated(&attributes, &head.content_type)?;
                authenticated_attributes = Some(attributes.der_sorted());
            }
            let raw = stream.take(limits.element_bytes, "mac")?;
            mac = Some(Reader::single(&raw, "mac")?.octets("mac")?.into_owned());
            unprotected = Tag::context(2);
        }
        let mut unprotected_attributes = Vec::new();
        if stream.peek()? == Some(unprotected) {
            let raw = stream.take(limits.element_bytes, "unprotectedAttrs")?;
            let element = Reader::single(&raw, "unprotectedAttrs")?;
            // Nothing depends on them, so one that cannot be read costs nothing.
            if let Ok(attributes) = Attributes::read(&element, limits) {
                unprotected_attributes.extend(attributes.iter().map(|attribute| attribute.kind));
            }
        }
        stream.leave("EnvelopedData")?;
        leave_content_info(&mut stream)?;
        Ok(Self { kind, head, content_length, authenticated_attributes, mac, unprotected_attributes })
    }

    /// The content cipher with its parameters, checked as far as that goes without a key (SEC-64 to SEC-66, SEC-69).
    ///
    /// # Errors
    /// Where the algorithm is unknown or does not belong into this structure, and where IV, nonce, tag or ciphertext
    /// have a length that they cannot have.
    pub fn cipher(&self) -> Result<CipherParameters> {
        let parameters = CipherParameters::from_identifier(&self.head.algorithm)?;
        let cipher = parameters.cipher;
        let authenticated = self.kind == ContentType::AuthEnvelopedData;
        if authenticated != cipher.is_aead() {
            return Err(Error::Unsupported(format!("{cipher} inside {}", self.kind)));
        }
        match &self.mac {
            Some(mac) if mac.len() != parameters.tag_length => {
                let text = format!("a tag of {} bytes where {} are announced", mac.len(), parameters.tag_length);
                return Err(wrong_parameters("AES-GCM", text));
            }
            _ => {}
        }
        let block = cipher.block_length() as u64;
        let inside = self.head.content == EncryptedContent::Inside;
        if inside && !authenticated && (self.content_length == 0 || !self.content_length.is_multiple_of(block)) {
            let text = format!("a ciphertext of {} bytes is no whole number of blocks", self.content_length);
            return Err(wrong_parameters("CBC", text));
        }
        Ok(parameters)
    }
}

/// What is authenticated has one meaning: no attribute twice, and no other content type than the one that stands outside
/// (RFC 5083 section 2.1, RFC 5652 section 11.1; SEC-68).
fn check_authenticated(attributes: &Attributes, content_type: &ObjectIdentifier) -> Result<()> {
    for attribute in attributes.iter() {
        if attributes.all(&attribute.kind).count() > 1 {
            let text = format!("the authenticated attribute {} is there more than once", oid_name(&attribute.kind));
            return Err(Error::Ambiguous(text));
        }
    }
    let what = "authAttrs.contentType";
    match attributes.single(&oid::ID_CONTENT_TYPE) {
        Ok(None) => Ok(()),
        Ok(Some(value)) if Reader::single(value, what)?.oid(what)? == *content_type => Ok(()),
        Ok(Some(_)) => Err(asn1::Error::value(what, 0, "another type than encryptedContentInfo names").into()),
        Err(_) => Err(asn1::Error::value(what, 0, "not exactly one value").into()),
    }
}

fn wrong_parameters(what: &'static str, why: String) -> Error {
    Error::Crypto(crate::crypto::Error::Parameters { what, why })
}

/// Octets of a segment of the ciphertext in BER, as Outlook has them (OUT-57).
pub const SEGMENT: usize = 1024;

/// What to write around a ciphertext. An AEAD cipher makes it an AuthEnvelopedData, any other an EnvelopedData.
pub struct Writer<'w> {
    /// How the elements around the ciphertext are encoded; all else is DER.
    pub encoding: Encoding,
    /// RecipientInfos in DER; written as a sorted SET.
    pub recipients: &'w [Vec<u8>],
    /// Of an EnvelopedData.
    pub version: u64,
    /// The content cipher.
    pub parameters: &'w CipherParameters,
}

impl Writer<'_> {
    /// What stands before a ciphertext of `length` octets, which counts for nothing in BER. The ciphertext goes through
    /// [`Encoding::content`].
    pub fn start(&self, length: u64) -> Vec<u8> {
        let aead = self.parameters.cipher.is_aead();
        let tag = self.parameters.tag_length as u64;
        let (kind, version, after) = match aead {
            // RFC 5083 section 2.1: version 0.
            true => (oid::ID_CT_AUTH_ENVELOPED_DATA, 0, der::header_len(tag) + tag),
            false => (oid::ID_ENVELOPED_DATA, self.version, 0),
        };
        let fields = [der::integer(version), der::set_of(Tag::SET, self.recipients.to_vec())].concat();
        let content = [der::oid(&oid::ID_DATA), self.parameters.identifier().to_der()].concat();
        let layers = [
            Layer::new(Tag::SEQUENCE, der::oid(&kind)),
            Layer::new(Tag::context(0), Vec::new()),
            Layer::Constructed { tag: Tag::SEQUENCE, before: fields, after },
            Layer::new(Tag::SEQUENCE, content),
            Layer::String(Tag::context(0)),
        ];
        self.encoding.start(&layers, length)
    }

    /// What stands after the ciphertext; `mac` is there with an AEAD cipher.
    pub fn end(&self, mac: Option<&[u8]>) -> Vec<u8> {
        let mac = mac.map(der::octets).unwrap_or_default();
        [self.encoding.end(2), mac, self.encoding.end(3)].concat()
    }
}
