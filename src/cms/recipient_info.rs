//! RecipientInfo (RFC 5652 section 6.2, RFC 5753, RFC 8418): whom the content-encryption key is for, and in which
//! wrapping.

use super::identifier::{CertificateId, hex};
use super::{Error, Result};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::secret::Secret;
use crate::crypto::algorithm::{AlgorithmIdentifier, KeyAgreement, KeyTransport, oid_name};
use crate::crypto::random::Random;
use crate::crypto::signature::{KeyKind, PublicKey};
use crate::crypto::{agreement, wrap};
use const_oid::ObjectIdentifier;
use std::sync::Arc;

/// One recipient's way to the content-encryption key.
#[derive(Clone, Debug)]
pub enum RecipientInfo {
    /// KeyTransRecipientInfo.
    Transport(TransportRecipient),
    /// One entry of a KeyAgreeRecipientInfo.
    Agreement(AgreementRecipient),
    /// KEKRecipientInfo: a key that was shared beforehand.
    SharedKey(SharedKeyRecipient),
    /// PasswordRecipientInfo.
    Password(PasswordRecipient),
    /// OtherRecipientInfo, which is not opened here.
    Other {
        /// oriType: what it is.
        kind: ObjectIdentifier,
    },
}

/// `KeyTransRecipientInfo ::= SEQUENCE { version, rid, keyEncryptionAlgorithm, encryptedKey OCTET STRING }`
#[derive(Clone, Debug)]
pub struct TransportRecipient {
    /// Whose certificate.
    pub identifier: CertificateId,
    /// keyEncryptionAlgorithm.
    pub algorithm: AlgorithmIdentifier,
    /// encryptedKey.
    pub encrypted_key: Vec<u8>,
}

/// `KeyAgreeRecipientInfo ::= SEQUENCE { version, originator [0], ukm [1] OPTIONAL, keyEncryptionAlgorithm,
/// recipientEncryptedKeys }`, taken apart by recipient.
#[derive(Clone, Debug)]
pub struct AgreementRecipient {
    /// Whose certificate.
    pub identifier: CertificateId,
    /// What all recipients of the structure have in common. It is there once, however many they are (SEC-81).
    pub common: Arc<Agreed>,
    /// encryptedKey.
    pub encrypted_key: Vec<u8>,
}

/// The part of a KeyAgreeRecipientInfo that is for all of its recipients.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// keyEncryptionAlgorithm, the key wrap among its parameters.
    pub algorithm: AlgorithmIdentifier,
    /// The sender's key for this message.
    pub originator: Originator,
    /// User keying material.
    pub ukm: Option<Vec<u8>>,
}

/// `KEKRecipientInfo ::= SEQUENCE { version, kekid SEQUENCE { keyIdentifier OCTET STRING, date OPTIONAL, other OPTIONAL },
/// keyEncryptionAlgorithm, encryptedKey OCTET STRING }` (RFC 5652 section 6.2.3)
#[derive(Clone, Debug)]
pub struct SharedKeyRecipient {
    /// keyIdentifier: which of the keys that both sides know.
    pub key_identifier: Vec<u8>,
    /// keyEncryptionAlgorithm: a key wrap.
    pub algorithm: AlgorithmIdentifier,
    /// encryptedKey.
    pub encrypted_key: Vec<u8>,
}

/// `PasswordRecipientInfo ::= SEQUENCE { version, keyDerivationAlgorithm [0] OPTIONAL, keyEncryptionAlgorithm, encryptedKey
/// OCTET STRING }` (RFC 5652 section 6.2.4)
#[derive(Clone, Debug)]
pub struct PasswordRecipient {
    /// keyDerivationAlgorithm. Where it is absent, the key-encryption key comes from elsewhere and no password helps
    /// (SEC-77).
    pub derivation: Option<AlgorithmIdentifier>,
    /// keyEncryptionAlgorithm.
    pub algorithm: AlgorithmIdentifier,
    /// encryptedKey.
    pub encrypted_key: Vec<u8>,
}

/// OriginatorIdentifierOrKey.
#[derive(Clone, Debug)]
pub enum Originator {
    /// originatorKey: a point, or the 32 bytes of X25519.
    Key {
        /// Its algorithm; the curve is the recipient's where it is not said.
        algorithm: AlgorithmIdentifier,
        /// The public key.
        public_key: Vec<u8>,
    },
    /// A certificate: the sender agreed with a key of its own (static-static).
    Certificate(CertificateId),
}

impl RecipientInfo {
    /// Reads one RecipientInfo; a key agreement with several recipients gives several. `into` holds `most` at the end.
    ///
    /// # Errors
    /// [`Error::Limit`] as soon as there would be more (SEC-81).
    pub(super) fn read(raw: &[u8], into: &mut Vec<Self>, most: usize) -> Result<()> {
        let element = Reader::single(raw, "RecipientInfo")?;
        match element.tag {
            Tag::SEQUENCE => add(Self::Transport(TransportRecipient::read(&element)?), into, most),
            tag => match tag.context_number() {
                Some(1) => read_agreement(&element, into, most),
                Some(2) => add(Self::SharedKey(SharedKeyRecipient::read(&element)?), into, most),
                Some(3) => add(Self::Password(PasswordRecipient::read(&element)?), into, most),
                Some(4) => add(Self::Other { kind: read_other(&element)? }, into, most),
                _ => Err(Error::Unsupported(format!("RecipientInfo with tag {tag}"))),
            },
        }
    }

    /// Whose certificate it names, where it names one.
    pub fn identifier(&self) -> Option<&CertificateId> {
        match self {
            Self::Transport(recipient) => Some(&recipient.identifier),
            Self::Agreement(recipient) => Some(&recipient.identifier),
            Self::SharedKey(_) | Self::Password(_) | Self::Other { .. } => None,
        }
    }

    /// The kind, and the algorithm, for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::Transport(recipient) => format!("{} for {}", recipient.algorithm.name(), recipient.identifier),
            Self::Agreement(recipient) => {
                format!("{} for {}", recipient.common.algorithm.name(), recipient.identifier)
            }
            Self::SharedKey(recipient) => {
                format!("{} under the shared key {}", recipient.algorithm.name(), hex(&recipient.key_identifier))
            }
            Self::Password(recipient) => format!("{} under a password", recipient.algorithm.name()),
            Self::Other { kind } => format!("another kind of recipient, {}", oid_name(kind)),
        }
    }
}

impl TransportRecipient {
    fn read(element: &Element<'_>) -> Result<Self> {
        let mut fields = element.sequence("KeyTransRecipientInfo")?;
        fields.required(Tag::INTEGER, "version")?.small("version")?;
        let identifier = CertificateId::read(&fields.required_any("rid")?, "rid")?;
        let algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "keyEncryptionAlgorithm")?)?;
        let encrypted_key = fields.required(Tag::OCTET_STRING, "encryptedKey")?.octets("encryptedKey")?.into_owned();
        fields.finish("KeyTransRecipientInfo")?;
        Ok(Self { identifier, algorithm, encrypted_key })
    }
}

impl SharedKeyRecipient {
    fn read(element: &Element<'_>) -> Result<Self> {
        let mut fields = element.children("KEKRecipientInfo")?;
        fields.required(Tag::INTEGER, "version")?.small("version")?;
        // date and other select nothing here: the identifier names the key.
        let mut id = fields.required(Tag::SEQUENCE, "kekid")?.sequence("kekid")?;
        let key_identifier = id.required(Tag::OCTET_STRING, "keyIdentifier")?.octets("keyIdentifier")?.into_owned();
        let algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "keyEncryptionAlgorithm")?)?;
        let encrypted_key = fields.required(Tag::OCTET_STRING, "encryptedKey")?.octets("encryptedKey")?.into_owned();
        fields.finish("KEKRecipientInfo")?;
        Ok(Self { key_identifier, algorithm, encrypted_key })
    }
}

impl PasswordRecipient {
    fn read(element: &Element<'_>) -> Result<Self> {
        let mut fields = element.children("PasswordRecipientInfo")?;
        fields.required(Tag::INTEGER, "version")?.small("version")?;
        let derivation = match fields.optional(Tag::context(0), "keyDerivationAlgorithm")? {
            Some(element) => Some(AlgorithmIdentifier::read_implicit(&element)?),
            None => None,
        };
        let algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "keyEncryptionAlgorithm")?)?;
        let encrypted_key = fields.required(Tag::OCTET_STRING, "encryptedKey")?.octets("encryptedKey")?.into_owned();
        fields.finish("PasswordRecipientInfo")?;
        Ok(Self { derivation, algorithm, encrypted_key })
    }
}

/// `OtherRecipientInfo ::= SEQUENCE { oriType OBJECT IDENTIFIER, oriValue ANY }`
fn read_other(element: &Element<'_>) -> Result<ObjectIdentifier> {
    let mut fields = element.children("OtherRecipientInfo")?;
    Ok(fields.required(Tag::OID, "oriType")?.oid("oriType")?)
}

fn add(recipient: RecipientInfo, into: &mut Vec<RecipientInfo>, most: usize) -> Result<()> {
    if into.len() >= most {
        return Err(Error::Limit { what: "recipients", limit: most as u64 });
    }
    into.push(recipient);
    Ok(())
}

fn read_agreement(element: &Element<'_>, into: &mut Vec<RecipientInfo>, most: usize) -> Result<()> {
    let mut fields = element.children("KeyAgreeRecipientInfo")?;
    fields.required(Tag::INTEGER, "version")?.small("version")?;
    let originator = read_originator(&fields.required(Tag::context(0), "originator")?.explicit("originator")?)?;
    let ukm = match fields.optional(Tag::context(1), "ukm")? {
        Some(element) => Some(element.explicit("ukm")?.octets("ukm")?.into_owned()),
        None => None,
    };
    let algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "keyEncryptionAlgorithm")?)?;
    let what = "recipientEncryptedKeys";
    let mut keys = fields.required(Tag::SEQUENCE, what)?.sequence(what)?;
    fields.finish("KeyAgreeRecipientInfo")?;
    let common = Arc::new(Agreed { algorithm, originator, ukm });
    while let Some(entry) = keys.next_element()? {
        let mut fields = entry.sequence("RecipientEncryptedKey")?;
        let identifier = CertificateId::read(&fields.required_any("rid")?, "rid")?;
        let encrypted_key = fields.required(Tag::OCTET_STRING, "encryptedKey")?.octets("encryptedKey")?.into_owned();
        fields.finish("RecipientEncryptedKey")?;
        let recipient = AgreementRecipient { identifier, common: Arc::clone(&common), encrypted_key };
        add(RecipientInfo::Agreement(recipient), into, most)?;
    }
    Ok(())
}

fn read_originator(element: &Element<'_>) -> Result<Originator> {
    if element.tag != Tag::context(1) {
        return Ok(Originator::Certificate(CertificateId::read(element, "originator")?));
    }
    let mut fields = element.children("originatorKey")?;
    let algorithm = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "originatorKey.algorithm")?)?;
    let public_key = fields.required(Tag::BIT_STRING, "originatorKey.publicKey")?.whole_bits("publicKey")?.to_vec();
    fields.finish("originatorKey")?;
    Ok(Originator::Key { algorithm, public_key })
}

/// How the content-encryption key of a new message is wrapped for one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// For RSA keys.
    Transport(KeyTransport),
    /// For EC and X25519 keys.
    Agreement(KeyAgreement),
}

/// Writes a RecipientInfo that gives `key` to the holder of a public key.
///
/// # Errors
/// Where the key does not fit the wrapping, or there is no randomness.
pub fn encode(
    public_key: &PublicKey,
    identifier: &CertificateId,
    wrapping: &Wrapping,
    key: &Secret,
    random: &mut dyn Random,
) -> Result<Vec<u8>> {
    RecipientTemplate::new(identifier, wrapping)?.fill(public_key, key, random)
}

/// A RecipientInfo of which only what is made of the content-encryption key is missing: what the messages to one recipient
/// have in common.
#[derive(Clone, Debug)]
pub struct RecipientTemplate {
    kind: Kind,
    /// Of the EnvelopedData that it stands in, as far as it has a say in it.
    version: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    /// version, rid and keyEncryptionAlgorithm in DER.
    Transport { scheme: KeyTransport, before: Vec<u8> },
    /// rid, keyEncryptionAlgorithm, and the key wrap's own algorithm in DER.
    Agreement { scheme: KeyAgreement, identifier: Vec<u8>, algorithm: Vec<u8>, wrap: Vec<u8> },
}

impl RecipientTemplate {
    /// For the holder of this certificate, whose key is wrapped so.
    ///
    /// # Errors
    /// Where the wrapping cannot be written.
    pub fn new(identifier: &CertificateId, wrapping: &Wrapping) -> Result<Self> {
        let kind = match wrapping {
            Wrapping::Transport(scheme) => {
                // RFC 5652 section 6.2.1: version 0 with issuerAndSerialNumber, 2 with subjectKeyIdentifier.
                let version = transport_version(identifier);
                let before = [der::integer(version), identifier.to_der(), scheme.identifier().to_der()].concat();
                Kind::Transport { scheme: scheme.clone(), before }
            }
            Wrapping::Agreement(scheme) => Kind::Agreement {
                identifier: identifier.to_agreement_der(),
                algorithm: scheme.identifier()?.to_der(),
                wrap: scheme.wrap.identifier().to_der(),
                scheme: *scheme,
            },
        };
        Ok(Self { kind, version: version_with(identifier, wrapping) })
    }

    /// RFC 5652 section 6.1: the least version of an EnvelopedData with this recipient.
    pub fn enveloped_version(&self) -> u64 {
        self.version
    }

    /// The whole, in DER.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn fill(&self, public_key: &PublicKey, key: &Secret, random: &mut dyn Random) -> Result<Vec<u8>> {
        match &self.kind {
            Kind::Transport { scheme, before } => {
                let encrypted = public_key.encrypt_with(random, scheme, key.expose())?;
                let octets = encrypted.len() as u64;
                let length = before.len() as u64 + der::header_len(octets) + octets;
                let mut out = Vec::with_capacity((der::header_len(length) + length) as usize);
                der::put_header(&mut out, Tag::SEQUENCE, true, length);
                out.extend_from_slice(before);
                der::put_header(&mut out, Tag::OCTET_STRING, false, octets);
                out.extend_from_slice(&encrypted);
                Ok(out)
            }
            Kind::Agreement { scheme, identifier, algorithm, wrap: key_info } => {
                let curve = public_key
                    .kind()
                    .curve()
                    .ok_or_else(|| Error::Unsupported(format!("key agreement with {}", public_key.describe())))?;
                let ephemeral = agreement::EphemeralKey::generate(random, curve)?;
                let shared = ephemeral.agree(public_key)?;
                let kek = agreement::kek(scheme, key_info, None, &shared)?;
                let wrapped = wrap::wrap(scheme.wrap, random, &kek, key)?;
                let (_, point) = ephemeral.public_key()?;
                // RFC 5753 section 3.1.1: id-ecPublicKey with the curve absent; RFC 8418 section 3.1: id-X25519.
                let own = match public_key.kind() {
                    KeyKind::X25519 => AlgorithmIdentifier::new(oid::X25519),
                    _ => AlgorithmIdentifier::new(oid::EC_PUBLIC_KEY),
                };
                let originator_key = der::sequence(&[own.to_der(), der::bits(&point)]);
                let originator = der::explicit(0, &der::retag(Tag::context(1), &originator_key));
                let entry = der::sequence(&[identifier.as_slice(), &der::octets(&wrapped)]);
                let (version, keys) = (der::integer(3), der::sequence(&[entry]));
                Ok(der::constructed(Tag::context(1), &[version.as_slice(), &originator, algorithm, &keys]))
            }
        }
    }
}

fn transport_version(identifier: &CertificateId) -> u64 {
    match identifier {
        CertificateId::IssuerAndSerial { .. } => 0,
        CertificateId::SubjectKeyIdentifier(_) => 2,
    }
}

fn version_with(identifier: &CertificateId, wrapping: &Wrapping) -> u64 {
    match (identifier, wrapping) {
        (CertificateId::IssuerAndSerial { .. }, Wrapping::Transport(_)) => 0,
        _ => 2,
    }
}

/// RFC 5652 section 6.1: the version of an EnvelopedData with these recipients.
pub fn enveloped_version(wrappings: &[(CertificateId, Wrapping)]) -> u64 {
    wrappings.iter().map(|(identifier, wrapping)| version_with(identifier, wrapping)).max().unwrap_or(0)
}
