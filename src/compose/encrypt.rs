//! Encrypting: EnvelopedData in CBC or AuthEnvelopedData in GCM, in constant memory. For DER the length of the content is
//! counted first; BER needs no count.

use super::form::{self, Place};
use super::message::Message;
use super::negotiation::{self, ContentChoice};
use super::out::{self, Out};
use super::recipients::{self, Recipient, Recipients};
use crate::asn1::framing::Encoding;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cms::identifier::CertificateId;
use crate::cms::recipient_info::RecipientTemplate;
use crate::cms::{self, enveloped};
use crate::crypto;
use crate::crypto::algorithm::{CipherParameters, ContentCipher};
use crate::crypto::content::{CbcEncryptor, GcmEncryptor, fresh};
use crate::crypto::random::{Random, SystemRandom};
use crate::crypto::signature::PublicKey;
use crate::crypto::strength;
use crate::keys::identity::Identity;
use crate::mime::plan::Kind;
use crate::policy::effective::{Access, SmimeDisabled};
use crate::policy::policy::{AlreadyProtected, CertificateIdentifier, Policy};
use crate::policy::profile::Profile;
use std::io::{self, Write};
use std::sync::Arc;

/// Why nothing was encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// S/MIME is off for the account.
    #[error(transparent)]
    Disabled(#[from] SmimeDisabled),
    /// The sender's own certificate cannot be encrypted to, so there would be no copy to read (OUT-14).
    #[error("no copy can be made for {subject}: {}", .reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    OwnCopy {
        /// Whose certificate.
        subject: String,
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// It is encrypted already, and nobody said that it should be wrapped once more.
    #[error("the message is encrypted already; say explicitly that it is to be wrapped once more")]
    AlreadyEncrypted,
    /// The profile is one to read by.
    #[error("{0} is a profile to read by; nothing is encrypted in its name")]
    ReadingProfile(Profile),
    /// The policy names a cipher that is read and never written (OUT-37).
    #[error("{0} is too weak to encrypt with")]
    WeakCipher(ContentCipher),
    /// A recipient's entry cannot be written.
    #[error(transparent)]
    Cms(#[from] cms::Error),
    /// Arithmetic or randomness failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Encrypts mail to a set of recipients under one policy.
///
/// ```no_run
/// # use smime::{Certificates, Encryptor, Message, Policy, RecipientPlan, Time};
/// # fn demo(directory: &Certificates, raw: &[u8], now: Time) -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::default();
/// let plan = RecipientPlan::resolve(&["bob@example.com".parse()?], directory, &policy, None, now);
/// let sealed: Vec<u8> = Encryptor::new(&plan.all()?, &policy).encrypt(&Message::parse(raw)?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Encryptor<'p> {
    recipients: Vec<Prepared>,
    content: ContentChoice,
    policy: &'p Policy,
}

/// A recipient, with all that is the same in every message. What is wrong with it is told when a message is encrypted.
#[derive(Clone)]
struct Prepared {
    certificate: Certificate,
    key: Result<Arc<PublicKey>, crypto::Error>,
    template: Result<RecipientTemplate, cms::Error>,
}

impl Prepared {
    fn new(recipient: &Recipient, policy: &Policy) -> Self {
        let certificate = &recipient.certificate;
        let identifier = match policy.identifier {
            CertificateIdentifier::IssuerAndSerial => CertificateId::issuer_and_serial(certificate),
            CertificateIdentifier::SubjectKeyIdentifier => CertificateId::key_identifier(certificate),
        };
        Self {
            certificate: certificate.clone(),
            key: recipients::public_key(certificate, &policy.limits),
            template: RecipientTemplate::new(&identifier, &recipient.wrapping),
        }
    }
}

impl<'p> Encryptor<'p> {
    /// To these recipients.
    pub fn new(recipients: &Recipients, policy: &'p Policy) -> Self {
        let content = negotiation::content(recipients.iter(), policy);
        let recipients = recipients.iter().map(|recipient| Prepared::new(recipient, policy)).collect();
        Self { recipients, content, policy }
    }

    /// To the sender alone: a draft, whoever it will be sent to (OUT-43).
    ///
    /// # Errors
    /// As [`copy_to`](Self::copy_to).
    pub fn draft(certificate: &Certificate, policy: &'p Policy, now: Time) -> Result<Self, Error> {
        let nobody = Self { recipients: Vec::new(), content: negotiation::content([], policy), policy };
        nobody.copy_to_certificate(certificate, now)
    }

    /// Under which policy mail is encrypted.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// With which cipher, and why. The copy to the sender has no say in it.
    pub fn content(&self) -> &ContentChoice {
        &self.content
    }

    /// And to the sender, so that the sent message can be read (OUT-14).
    ///
    /// # Errors
    /// [`Error::OwnCopy`] where the certificate cannot be encrypted to at `now`.
    pub fn copy_to(self, identity: &Identity, now: Time) -> Result<Self, Error> {
        self.copy_to_certificate(identity.certificate(), now)
    }

    /// The same for a certificate by itself, where signing and encryption certificates differ (OUT-11).
    ///
    /// # Errors
    /// As [`copy_to`](Self::copy_to).
    pub fn copy_to_certificate(mut self, certificate: &Certificate, now: Time) -> Result<Self, Error> {
        if self.recipients.iter().any(|r| r.certificate == *certificate) {
            return Ok(self);
        }
        let own = recipients::own(certificate, self.policy, now);
        let own = own.map_err(|reasons| Error::OwnCopy { subject: certificate.subject().to_string(), reasons })?;
        self.recipients.push(Prepared::new(&own, self.policy));
        Ok(self)
    }

    /// Encrypts a message in memory.
    ///
    /// # Errors
    /// [`Error`]
    pub fn encrypt(&self, message: &Message<'_>) -> Result<Vec<u8>, Error> {
        let length = form::plan(message, self.policy.headers).counted().unwrap_or_default();
        let length = usize::try_from(length).unwrap_or_default();
        let mut out = Vec::with_capacity(out::encoded_length(length));
        self.encrypt_into(message, &mut Out::Memory(&mut out), &mut SystemRandom)?;
        Ok(out)
    }

    /// Encrypts a message of any size into a writer, in constant memory.
    ///
    /// # Errors
    /// [`Error`]; an I/O error may leave a part of the message in the writer.
    pub fn encrypt_to(&self, message: &Message<'_>, out: &mut dyn Write) -> Result<(), Error> {
        self.encrypt_with(message, out, &mut SystemRandom)
    }

    /// The same with randomness of the caller's: key, initialisation vector, ephemeral keys.
    ///
    /// # Errors
    /// As [`encrypt_to`](Self::encrypt_to).
    pub fn encrypt_with(
        &self,
        message: &Message<'_>,
        out: &mut dyn Write,
        random: &mut dyn Random,
    ) -> Result<(), Error> {
        self.encrypt_into(message, &mut Out::Through(out), random)
    }

    fn encrypt_into(&self, message: &Message<'_>, out: &mut Out<'_>, random: &mut dyn Random) -> Result<(), Error> {
        if let Access::Disabled(disabled) = self.policy.access {
            return Err(disabled.into());
        }
        if message.kind() == Kind::AlreadyEncrypted && self.policy.already_protected == AlreadyProtected::Refuse {
            return Err(Error::AlreadyEncrypted);
        }
        if !self.policy.profile.composes() {
            return Err(Error::ReadingProfile(self.policy.profile));
        }
        let cipher = self.content.cipher;
        if strength::cipher_weakness(cipher).is_some() {
            return Err(Error::WeakCipher(cipher));
        }
        let (key, iv) = fresh(cipher, random)?;
        let mut infos = Vec::with_capacity(self.recipients.len());
        let mut version = 0;
        for Prepared { key: public, template, .. } in &self.recipients {
            let (public, template) = (public.clone()?, template.as_ref().map_err(cms::Error::clone)?);
            infos.push(template.fill(&public, &key, random)?);
            version = version.max(template.enveloped_version());
        }
        let tag_length = if cipher.is_aead() { 16 } else { 0 };
        let parameters = CipherParameters { cipher, iv, tag_length };
        let plan = form::plan(message, self.policy.headers);
        let encoding = self.policy.encoding;
        let length = match encoding {
            Encoding::Der => ciphertext_length(cipher, plan.length()?),
            Encoding::Ber => 0,
        };
        let writer = enveloped::Writer { encoding, recipients: &infos, version, parameters: &parameters };
        let mut mode = Mode::new(&parameters, key.expose())?;
        let smime_type = if cipher.is_aead() { "authEnveloped-data" } else { "enveloped-data" };
        out.write_all(&form::cms_header(message, self.policy.headers, Place::Outermost, smime_type))?;
        let mut base64 = out.base64();
        base64.write_all(&writer.start(length))?;
        let mut content = encoding.content(&mut base64, enveloped::SEGMENT);
        let mut written = 0u64;
        let mut buffer = Vec::new();
        plan.for_each(&mut |bytes| {
            // Pieces that stay in the cache, however large the plan's are.
            for piece in bytes.chunks(16 << 10) {
                buffer.clear();
                mode.update(piece, &mut buffer);
                written += buffer.len() as u64;
                content.write_all(&buffer)?;
            }
            Ok(())
        })?;
        buffer.clear();
        let tag = mode.finish(&mut buffer)?;
        written += buffer.len() as u64;
        if encoding == Encoding::Der && written != length {
            // The input changed between counting and encrypting without its source noticing.
            return Err(Error::Io(io::Error::new(
                io::ErrorKind::InvalidData,
                "the message changed while it was being encrypted",
            )));
        }
        content.write_all(&buffer)?;
        content.finish()?;
        base64.write_all(&writer.end(tag.as_deref()))?;
        base64.finish()?;
        Ok(())
    }
}

/// Octets of ciphertext, tag excluded.
fn ciphertext_length(cipher: ContentCipher, length: u64) -> u64 {
    let block = cipher.block_length() as u64;
    if cipher.is_aead() { length } else { (length / block + 1) * block }
}

#[allow(clippy::large_enum_variant)] // there is one for a message
enum Mode {
    Cbc(CbcEncryptor),
    Gcm(Box<GcmEncryptor>, usize),
}

impl Mode {
    fn new(parameters: &CipherParameters, key: &[u8]) -> Result<Self, Error> {
        let CipherParameters { cipher, iv, tag_length } = parameters;
        Ok(match cipher.is_aead() {
            true => Self::Gcm(Box::new(GcmEncryptor::new(*cipher, key, iv, &[])?), *tag_length),
            false => Self::Cbc(CbcEncryptor::new(*cipher, key, iv)?),
        })
    }

    fn update(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Cbc(cbc) => cbc.update(bytes, out),
            Self::Gcm(gcm, _) => gcm.update(bytes, out),
        }
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Cbc(cbc) => {
                cbc.finish(out);
                Ok(None)
            }
            Self::Gcm(gcm, tag_length) => Ok(Some(gcm.finish(tag_length)?)),
        }
    }
}
