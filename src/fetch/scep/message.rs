//! pkiMessage (RFC 8894 section 3): a SignedData whose content is an EnvelopedData, and whose signed attributes say what
//! it is. Requests are written, and replies are read and checked (OUT-122, OUT-124).

use super::authority::{Algorithms, Authority};
use super::{Error, Result};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::framing::Encoding;
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::secret::Secret;
use crate::cert::certificate::Certificate;
use crate::cms;
use crate::cms::attribute::{Attributes, attribute};
use crate::cms::content::ContentType;
use crate::cms::enveloped::{self, Enveloped};
use crate::cms::identifier::CertificateId;
use crate::cms::recipient_info::{self, RecipientInfo, TransportRecipient, Wrapping};
use crate::cms::signed::{self, Head, SignedData, Sink};
use crate::cms::signer_info::{self, ContentFacts, ContentReading, Integrity, SignerInfo, resembles_attributes};
use crate::crypto;
use crate::crypto::algorithm::{
    AlgorithmIdentifier, CipherParameters, ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme,
};
use crate::crypto::content::{CbcDecryptor, CbcEncryptor, fresh};
use crate::crypto::digest::hash;
use crate::crypto::random::Random;
use crate::crypto::strength;
use crate::keys::identity::Identity;
use crate::keys::opening::{Unwrapped, WrappedKey};
use const_oid::ObjectIdentifier;
use std::fmt;

/// messageType of what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// A request with a self-signed certificate.
    PkcsReq,
    /// A request with the certificate that it renews.
    RenewalReq,
    /// Whether somebody decided on a request.
    CertPoll,
}

impl MessageType {
    fn number(self) -> &'static str {
        match self {
            Self::PkcsReq => "19",
            Self::RenewalReq => "17",
            Self::CertPoll => "20",
        }
    }
}

const CERT_REP: &str = "3";

/// failInfo (RFC 8894 section 3.2.1.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailInfo {
    /// 0
    BadAlgorithm,
    /// 1
    BadMessageCheck,
    /// 2
    BadRequest,
    /// 3
    BadTime,
    /// 4
    BadCertificateId,
    /// None, or one that there is not.
    Other(String),
}

impl FailInfo {
    fn read(text: Option<String>) -> Self {
        match text.as_deref() {
            Some("0") => Self::BadAlgorithm,
            Some("1") => Self::BadMessageCheck,
            Some("2") => Self::BadRequest,
            Some("3") => Self::BadTime,
            Some("4") => Self::BadCertificateId,
            other => Self::Other(other.unwrap_or_default().to_owned()),
        }
    }
}

impl fmt::Display for FailInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAlgorithm => "badAlg, an algorithm is not supported",
            Self::BadMessageCheck => "badMessageCheck, the signature of the request is wrong",
            Self::BadRequest => "badRequest, what was asked for is not allowed",
            Self::BadTime => "badTime, the clocks differ too much",
            Self::BadCertificateId => "badCertId, there is no such certificate or request",
            Self::Other(text) if text.is_empty() => "it does not say why",
            Self::Other(text) => return write!(f, "failInfo \"{}\"", visible(text)),
        })
    }
}

/// Octets of a nonce (RFC 8894 section 3.2.1.5).
const NONCE: usize = 16;

/// A request on its way: what its reply has to answer to.
pub struct Sent {
    /// The pkiMessage in DER.
    pub message: Vec<u8>,
    /// Ours.
    pub sender_nonce: Vec<u8>,
    /// Of this and all requests for the same key.
    pub transaction: String,
}

/// What a request is made of.
pub struct Outgoing<'o> {
    /// Of which kind.
    pub kind: MessageType,
    /// What is encrypted: a PKCS#10 request, or an IssuerAndSubject.
    pub content: &'o Secret,
    /// Who signs.
    pub requester: &'o Identity,
    /// transactionID.
    pub transaction: &'o str,
}

/// Encrypts and signs a request.
///
/// # Errors
/// Where the authority's key cannot be encrypted to, the requester's does not sign, or there is no randomness.
pub fn send(
    outgoing: &Outgoing<'_>,
    authority: &Authority,
    algorithms: &Algorithms,
    limits: &Limits,
    random: &mut dyn Random,
) -> Result<Sent> {
    let envelope = envelop(outgoing.content, authority.encryption(), algorithms.cipher, limits, random)?;
    let sender_nonce = crypto::random::bytes(random, NONCE)?;
    let digest = algorithms.digest;
    let attributes = der::set_of(
        Tag::SET,
        vec![
            attribute(&oid::ID_CONTENT_TYPE, der::oid(&oid::ID_DATA)),
            attribute(&oid::ID_MESSAGE_DIGEST, der::octets(&hash(digest, &envelope))),
            attribute(&oid::SCEP_MESSAGE_TYPE, printable(outgoing.kind.number())),
            attribute(&oid::SCEP_TRANSACTION_ID, printable(outgoing.transaction)),
            attribute(&oid::SCEP_SENDER_NONCE, der::octets(&sender_nonce)),
        ],
    );
    let signature = outgoing.requester.signing().sign(&SignatureScheme::RsaPkcs1(digest), &attributes)?;
    let own = outgoing.requester.certificate();
    // rsaEncryption and not sha256WithRSAEncryption, which strongSwan 5.9 refuses here (OUT-123).
    let algorithm = AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION);
    let identifier = CertificateId::issuer_and_serial(own);
    let signer = signer_info::encode(&identifier, digest, &attributes, &algorithm, &signature);
    let writer = signed::Writer {
        encoding: Encoding::Der,
        digests: &[digest],
        certificates: std::slice::from_ref(own),
        signers: &[signer],
        version: signer_info::version_of(&identifier),
    };
    let (start, end) = writer.attached(envelope.len() as u64);
    Ok(Sent { message: [start, envelope, end].concat(), sender_nonce, transaction: outgoing.transaction.to_owned() })
}

fn printable(text: &str) -> Vec<u8> {
    der::primitive(Tag::PRINTABLE_STRING, text.as_bytes())
}

fn envelop(
    content: &Secret,
    recipient: &Certificate,
    cipher: ContentCipher,
    limits: &Limits,
    random: &mut dyn Random,
) -> Result<Vec<u8>> {
    let (key, iv) = fresh(cipher, random)?;
    let mut encryptor = CbcEncryptor::new(cipher, key.expose(), &iv)?;
    let mut ciphertext = Vec::with_capacity(content.len() + cipher.block_length());
    encryptor.update(content.expose(), &mut ciphertext);
    encryptor.finish(&mut ciphertext);
    let wrapping = Wrapping::Transport(KeyTransport::RsaPkcs1);
    let identifier = CertificateId::issuer_and_serial(recipient);
    let recipient = recipient_info::encode(&*recipient.public_key(limits)?, &identifier, &wrapping, &key, random)?;
    let parameters = CipherParameters { cipher, iv, tag_length: 0 };
    let version = recipient_info::enveloped_version(&[(identifier, wrapping)]);
    let writer =
        enveloped::Writer { encoding: Encoding::Der, recipients: &[recipient], version, parameters: &parameters };
    Ok([writer.start(ciphertext.len() as u64), ciphertext, writer.end(None)].concat())
}

/// What the authority decided.
pub enum Reply {
    /// A degenerate SignedData with certificates, and what is weak about how it came.
    Success(Secret, Vec<Reason>),
    /// Nothing yet.
    Pending,
}

/// Reads a CertRep that answers `sent`.
///
/// # Errors
/// [`Error::Reply`] where it is not signed by the authority, not an answer to this request, or does not decrypt;
/// [`Error::Refused`].
pub fn receive(
    reply: &[u8],
    sent: &Sent,
    requester: &Identity,
    authority: &Authority,
    limits: &Limits,
) -> Result<Reply> {
    let not = |why: &str| Error::Reply(why.to_owned());
    let mut content = Kept { bytes: Vec::new(), content_type: oid::ID_DATA };
    let signed = SignedData::read(reply, limits, &mut content)?;
    let [signer] = signed.signers.as_slice() else {
        return Err(not("it is to bear one signature"));
    };
    let notes = authentic(signer, &content, authority, limits)?;
    let attributes = signer.signed_attributes.as_ref().ok_or_else(|| not("its signature covers no attributes"))?;
    if text(attributes, &oid::SCEP_MESSAGE_TYPE, "messageType")?.as_deref() != Some(CERT_REP) {
        return Err(not("it is no CertRep"));
    }
    if text(attributes, &oid::SCEP_TRANSACTION_ID, "transactionID")?.as_deref() != Some(sent.transaction.as_str()) {
        return Err(not("its transactionID is that of another request"));
    }
    if octets(attributes, &oid::SCEP_RECIPIENT_NONCE, "recipientNonce")?.as_deref() != Some(&sent.sender_nonce) {
        return Err(not("its recipientNonce is not the one that was sent"));
    }
    match text(attributes, &oid::SCEP_PKI_STATUS, "pkiStatus")?.as_deref() {
        Some("0") => {
            let (bag, weakness) = open(&content.bytes, requester, limits)?;
            Ok(Reply::Success(bag, notes.into_iter().chain(weakness).collect()))
        }
        Some("3") => Ok(Reply::Pending),
        Some("2") => Err(Error::Refused {
            info: FailInfo::read(text(attributes, &oid::SCEP_FAIL_INFO, "failInfo")?),
            text: text(attributes, &oid::SCEP_FAIL_INFO_TEXT, "failInfoText")?.map(|text| visible(&text)),
        }),
        _ => Err(not("its pkiStatus is none that there is")),
    }
}

struct Kept {
    bytes: Vec<u8>,
    content_type: ObjectIdentifier,
}

impl Sink for Kept {
    fn begin(&mut self, head: &Head) -> cms::Result<()> {
        self.content_type = head.content_type;
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> cms::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Whether a certificate that is confirmed signed it. The certificates that came along count for nothing.
fn authentic(signer: &SignerInfo, content: &Kept, authority: &Authority, limits: &Limits) -> Result<Vec<Reason>> {
    let not = |why: String| Error::Reply(why);
    let certificate = signer.certificate(authority.certificates())?;
    let certificate = certificate.ok_or_else(|| {
        not(format!("it is signed by {}, which is not confirmed", visible(&signer.identifier.to_string())))
    })?;
    let digest = signer.digest().filter(|digest| *digest != DigestAlgorithm::Md5);
    let digest = digest.ok_or_else(|| not(format!("it is signed with {}", signer.digest_algorithm.name())))?;
    let digests = vec![(digest, hash(digest, &content.bytes))];
    let reading = ContentReading { digests, whole: None, note: None };
    let facts = ContentFacts {
        content_type: content.content_type,
        readings: std::slice::from_ref(&reading),
        resembles_attributes: resembles_attributes(&content.bytes),
    };
    let check = signer.check(certificate, &facts, limits);
    match (check.integrity, check.reasons.first()) {
        (Integrity::Intact, _) => Ok([check.notes, check.weaknesses].concat()),
        (_, Some(reason)) => Err(not(reason.to_string())),
        _ => Err(not("its signature could not be checked".to_owned())),
    }
}

fn single<'a>(attributes: &'a Attributes, kind: &ObjectIdentifier, what: &str) -> Result<Option<&'a [u8]>> {
    attributes.single(kind).map_err(|_| Error::Reply(format!("{what} stands there more than once")))
}

fn text(attributes: &Attributes, kind: &ObjectIdentifier, what: &'static str) -> Result<Option<String>> {
    let value = single(attributes, kind, what)?;
    let read = |value| Reader::single(value, what).and_then(|element| element.text(what)).map_err(cms::Error::from);
    Ok(value.map(read).transpose()?)
}

fn octets(attributes: &Attributes, kind: &ObjectIdentifier, what: &'static str) -> Result<Option<Vec<u8>>> {
    let Some(value) = single(attributes, kind, what)? else { return Ok(None) };
    let read = Reader::single(value, what).and_then(|element| Ok(element.octets(what)?.into_owned()));
    Ok(Some(read.map_err(cms::Error::from)?))
}

/// Decrypts an EnvelopedData for the requester. The authority signed it, so that nobody probes with it.
fn open(envelope: &[u8], requester: &Identity, limits: &Limits) -> Result<(Secret, Option<Reason>)> {
    let not = |why: &str| Error::Reply(why.to_owned());
    let mut ciphertext = Vec::new();
    let read = Enveloped::read(envelope, limits, &mut |bytes| {
        ciphertext.extend_from_slice(bytes);
        Ok(())
    })?;
    let parameters = read.cipher()?;
    if read.kind != ContentType::EnvelopedData || !CIPHERS.contains(&parameters.cipher) {
        return Err(Error::Reply(format!("its content is encrypted with {}", parameters.cipher)));
    }
    let recipient = recipient(&read.head.recipients, requester.certificate());
    let recipient = recipient.ok_or_else(|| not("its content is encrypted for somebody else"))?;
    let transport = KeyTransport::from_identifier(&recipient.algorithm)?;
    let length = parameters.cipher.key_length();
    let wrapped = WrappedKey::Transported { transport: &transport, bytes: &recipient.encrypted_key, length };
    let Unwrapped::Here(key) = requester.opening().unwrap(&wrapped) else {
        return Err(not("its content does not decrypt"));
    };
    let mut plain = Vec::with_capacity(ciphertext.len());
    let mut decryptor = CbcDecryptor::new(parameters.cipher, key.expose(), &parameters.iv)?;
    decryptor.update(&ciphertext, &mut plain);
    decryptor.finish(&mut plain).map_err(|_| not("its content does not decrypt"))?;
    Ok((Secret::new(plain), strength::cipher_weakness(parameters.cipher)))
}

/// Those that are read. Requests never go out under DES (OUT-123); scepserver 2.1 answers with it whatever it was asked
/// with, and what is in a reply is public: its signature counts.
const CIPHERS: [ContentCipher; 5] = [
    ContentCipher::Aes128Cbc,
    ContentCipher::Aes192Cbc,
    ContentCipher::Aes256Cbc,
    ContentCipher::TripleDesCbc,
    ContentCipher::DesCbc,
];

/// The entry that names our certificate, else the only one.
fn recipient<'r>(recipients: &'r [RecipientInfo], own: &Certificate) -> Option<&'r TransportRecipient> {
    let transports = || {
        recipients.iter().filter_map(|recipient| match recipient {
            RecipientInfo::Transport(transport) => Some(transport),
            _ => None,
        })
    };
    let only = match recipients {
        [RecipientInfo::Transport(one)] => Some(one),
        _ => None,
    };
    transports().find(|transport| transport.identifier.names(own)).or(only)
}
