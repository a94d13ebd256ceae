//! Signing: multipart/signed or opaque, by one or several signers, with keys at hand or elsewhere. What is signed is
//! hashed in one pass and written in a second; nothing is released before every signature was verified against its
//! certificate, or its key, proven to be the certificate's, vouches for it.

pub use super::signed::{Pending, Request, Signed};

use super::form::{self, Place};
use super::message::Message;
use super::signed::{Constant, Frame, OwnSignatures};
use crate::asn1::oid;
use crate::base::address::EmailAddress;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::{AddressMatch, Mailboxes};
use crate::cert::purpose::{self, Purpose};
use crate::cms::attribute::SignedAttributes;
use crate::cms::capabilities::{self, CapabilityList};
use crate::cms::identifier::CertificateId;
use crate::cms::signed::Template;
use crate::cms::signer_info::SignerTemplate;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use crate::crypto::digest::Hasher;
use crate::crypto::random::{Random, SystemRandom};
use crate::crypto::signature::KeyKind;
use crate::crypto::strength;
use crate::keys::identity::Identity;
use crate::keys::signing::{KeyError, SigningKey};
use crate::mime::emit::BoundaryWatch;
use crate::mime::plan::{Kind, Plan};
use crate::policy::effective::{Access, SmimeDisabled};
use crate::policy::policy::{
    AlgorithmProtection, AlreadyProtected, Capabilities, CertificateIdentifier, Form, IncludedCertificates, Opaque,
    Policy, RsaLabel, RsaPadding, SenderMismatch, Sha1Signing, SigningCertificate,
};
use crate::policy::profile::Profile;
use std::io::{self, Write};
use std::sync::Arc;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// S/MIME is off for the account.
    #[error(transparent)]
    Disabled(#[from] SmimeDisabled),
    /// The certificate may not be used to sign mail, or its key is too weak.
    #[error("the certificate of {subject} cannot sign mail: {}", list(.reasons))]
    Unsuitable {
        /// Whose certificate.
        subject: String,
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// The certificate is not valid at the time of signing (OUT-7).
    #[error("the certificate of {subject} is valid from {not_before} to {not_after}, and not at {now}")]
    OutsideValidity {
        /// Whose certificate.
        subject: String,
        /// The first moment of its validity.
        not_before: Time,
        /// The last.
        not_after: Time,
        /// The time of signing.
        now: Time,
    },
    /// The sender is not in the certificate: the system's first rule (OUT-1, OUT-4).
    #[error("{who} is not in the certificate of {subject}, which is for {}", addresses(.certified))]
    NotTheSender {
        /// The From address, or what stands in its place.
        who: String,
        /// Whose certificate.
        subject: String,
        /// What the certificate is for.
        certified: Vec<EmailAddress>,
    },
    /// There is no From to compare with the certificate.
    #[error("the message has no From address, so there is no saying whether the certificate is the sender's")]
    NoSender,
    /// It is signed or encrypted already, and nobody said that it should be wrapped once more.
    #[error("the message is {0} already; say explicitly that it is to be wrapped once more")]
    AlreadyProtected(&'static str),
    /// The profile is one to read by.
    #[error("{0} is a profile to read by; nothing is signed in its name")]
    ReadingProfile(Profile),
    /// Opaque signing was asked of a policy that sends clear-signed mail only (OUT-31).
    #[error("{0} sends clear-signed mail only; an opaque signature is refused")]
    ClearOnly(Profile),
    /// The key cannot sign as the policy wants.
    #[error("a {key} key cannot sign with {wanted}")]
    Scheme {
        /// The kind of key.
        key: String,
        /// What the policy wants.
        wanted: String,
    },
    /// The key refused or failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A signature does not verify under its certificate; nothing was released.
    #[error(
        "the signature that was made does not verify under the certificate of {subject}: {why}; nothing was released"
    )]
    SelfCheck {
        /// Whose certificate.
        subject: String,
        /// What the check said.
        why: String,
    },
    /// There are more or fewer signatures than signers.
    #[error("{found} signatures for {expected} signers")]
    Count {
        /// How many signers there are.
        expected: usize,
        /// How many signatures came.
        found: usize,
    },
    /// The message cannot be written.
    #[error(transparent)]
    Mime(#[from] crate::mime::Error),
    /// Arithmetic or randomness failed.
    #[error(transparent)]
    Crypto(#[from] crate::crypto::Error),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn list(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn addresses(certified: &[EmailAddress]) -> String {
    match certified {
        [] => "no address at all".to_owned(),
        _ => certified.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Signs mail with one or several identities under one policy. What is constant about them is judged and set up once.
///
/// ```no_run
/// # use smime::{Identity, Message, Policy, Signer, Time};
/// # fn demo(alice: &Identity, raw: &[u8], now: Time) -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::default();
/// let signer = Signer::new(alice, &policy)?;
/// let signed: Vec<u8> = signer.sign(&Message::parse(raw)?, now)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Signer<'p> {
    signers: Vec<OneSigner>,
    policy: &'p Policy,
    form: Form,
    place: Place,
    already_protected: AlreadyProtected,
    account: Option<EmailAddress>,
    encryption: Option<Certificate>,
    frame: Arc<Frame>,
}

/// What the first pass over a message gives.
struct Hashed {
    digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    length: u64,
    /// Whether the boundary can part it: it does not stand in it, or none is needed.
    parted: bool,
}

#[derive(Clone)]
struct OneSigner {
    certificate: Certificate,
    chain: Vec<Certificate>,
    key: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
    /// For whom the certificate speaks.
    mailboxes: Arc<Mailboxes>,
    constant: Arc<Constant>,
}

impl<'p> Signer<'p> {
    /// By one identity. Key usage, extended key usage and strength are judged here; dates are at each use.
    ///
    /// # Errors
    /// [`Error::Unsuitable`], [`Error::Scheme`], [`Error::ReadingProfile`] and [`Error::Disabled`].
    pub fn new(identity: &Identity, policy: &'p Policy) -> Result<Self, Error> {
        if let Access::Disabled(disabled) = policy.access {
            return Err(disabled.into());
        }
        if !policy.profile.composes() {
            return Err(Error::ReadingProfile(policy.profile));
        }
        let signer = Self {
            signers: vec![OneSigner::new(identity, policy)?],
            policy,
            form: policy.form,
            place: Place::Outermost,
            already_protected: policy.already_protected,
            account: None,
            encryption: None,
            frame: Arc::new(Frame::new(&[], &[], policy)),
        };
        Ok(signer.framed())
    }

    /// And by another identity, over the same content (RFC 5652 section 5.1).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn and(mut self, identity: &Identity) -> Result<Self, Error> {
        let mut signer = OneSigner::new(identity, self.policy)?;
        if let Some(encryption) = &self.encryption {
            signer.prefer(encryption, self.policy);
        }
        self.signers.push(signer);
        Ok(self.framed())
    }

    /// In the form application/pkcs7-mime, whatever the policy says.
    pub fn opaque(self) -> Self {
        Self { form: Form::Opaque, ..self }
    }

    /// In the form multipart/signed, whatever the policy says.
    pub fn clear(self) -> Self {
        Self { form: Form::Clear, ..self }
    }

    /// In the form that the profile signs in where the result will be encrypted: opaque for Outlook for Windows (OUT-35).
    pub fn for_encryption(self) -> Self {
        Self { form: self.policy.inner_form, place: Place::Inside, ..self }
    }

    /// Around mail that is signed or encrypted already, whatever the policy says: the outer signature of triple wrapping
    /// (OUT-35).
    pub fn around(self) -> Self {
        Self { already_protected: AlreadyProtected::Wrap, ..self }
    }

    /// For an account whose primary address must stand in the certificate, beside the From (OUT-1).
    pub fn for_account(self, address: EmailAddress) -> Self {
        Self { account: Some(address), ..self }
    }

    /// Names the certificate that answers should be encrypted to, where it is not the signer's own (OUT-11, OUT-53). It
    /// goes along with the signature.
    pub fn prefer_encryption_with(mut self, certificate: Certificate) -> Self {
        self.signers.iter_mut().for_each(|signer| signer.prefer(&certificate, self.policy));
        Self { encryption: Some(certificate), ..self }.framed()
    }

    /// Signs a message in memory.
    ///
    /// # Errors
    /// [`Error`]; nothing is released then.
    pub fn sign(&self, message: &Message<'_>, now: Time) -> Result<Vec<u8>, Error> {
        Ok(self.seal(message, now)?.to_vec()?)
    }

    /// Signs a message of any size into a writer, in constant memory. Nothing is written before the signature is made, and
    /// verified where the key does not vouch for it.
    ///
    /// # Errors
    /// [`Error`]; an I/O error may leave a part of the message in the writer.
    pub fn sign_to(&self, message: &Message<'_>, now: Time, out: &mut dyn Write) -> Result<(), Error> {
        Ok(self.seal(message, now)?.write_to(out)?)
    }

    /// Signs, and leaves the writing for later: the way to learn of every refusal before an output is begun.
    ///
    /// # Errors
    /// [`Error`]
    pub fn seal<'m, 'a>(&self, message: &'m Message<'a>, now: Time) -> Result<Signed<'m, 'a>, Error> {
        let pending = self.prepare(message, now)?;
        let mut signatures = Vec::with_capacity(self.signers.len());
        for (signer, request) in self.signers.iter().zip(pending.requests()) {
            signatures.push(signer.key.sign(&request.scheme, &request.message)?);
        }
        pending.finish_own(&signatures)
    }

    /// Prepares a message for keys that lie elsewhere: what is to be signed comes from [`Pending::requests`], and
    /// [`Pending::finish`] takes the signatures.
    ///
    /// # Errors
    /// Everything that is wrong before a key is asked.
    pub fn prepare<'m, 'a>(&self, message: &'m Message<'a>, now: Time) -> Result<Pending<'m, 'a>, Error> {
        self.prepare_with(message, now, &mut SystemRandom)
    }

    /// The same with randomness of the caller's, which the boundary is made of.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_with<'m, 'a>(
        &self,
        message: &'m Message<'a>,
        now: Time,
        random: &mut dyn Random,
    ) -> Result<Pending<'m, 'a>, Error> {
        match (message.kind(), self.already_protected) {
            (Kind::AlreadySigned, AlreadyProtected::Refuse) => return Err(Error::AlreadyProtected("signed")),
            (Kind::AlreadyEncrypted, AlreadyProtected::Refuse) => return Err(Error::AlreadyProtected("encrypted")),
            _ => {}
        }
        if (self.form, self.policy.opaque) == (Form::Opaque, Opaque::Refuse) {
            return Err(Error::ClearOnly(self.policy.profile));
        }
        self.signers.iter().try_for_each(|signer| signer.check_time(now))?;
        let mut notes = self.check_sender(message)?;
        notes.extend(self.signers.iter().find_map(|signer| strength::digest_weakness(signer.scheme.digest())));
        let Policy { headers, encoding, .. } = *self.policy;
        let plan = form::signed_plan(message, self.policy);
        let mut boundary = form::boundary(headers, now, random)?;
        let Hashed { digests, length, parted } = self.hash(&plan, &boundary)?;
        // SEC-144: another one, should it stand in what it is to part.
        let mut free = parted;
        while !free {
            boundary = form::boundary(headers, now, random)?;
            free = !plan.contains_boundary(&boundary)?;
        }
        let request = |signer: &OneSigner| {
            let of = |(digest, _): &&(DigestAlgorithm, Vec<u8>)| *digest == signer.scheme.digest();
            let digest = digests.iter().find(of).map(|(_, value)| value.as_slice()).unwrap_or_default();
            signer.constant.request(signer.scheme, &signer.certificate, digest, now)
        };
        let requests = self.signers.iter().map(request).collect();
        Ok(Pending {
            message,
            plan,
            form: self.form,
            place: self.place,
            headers,
            encoding,
            boundary,
            length,
            requests,
            frame: Arc::clone(&self.frame),
            notes,
        })
    }

    /// Under which policy mail is signed.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    fn hash(&self, plan: &Plan<'_>, boundary: &str) -> Result<Hashed, Error> {
        let mut hashers: Vec<Hasher> = Vec::new();
        for digest in self.signers.iter().map(|s| s.scheme.digest()) {
            if !hashers.iter().any(|h| h.algorithm() == digest) {
                hashers.push(Hasher::new(digest));
            }
        }
        let mut length = 0u64;
        let mut watch = (self.form == Form::Clear).then(|| BoundaryWatch::new(boundary));
        plan.for_each(&mut |bytes| {
            length = length.saturating_add(bytes.len() as u64);
            if let Some(watch) = &mut watch {
                watch.feed(bytes);
            }
            hashers.iter_mut().for_each(|h| h.update(bytes));
            Ok(())
        })?;
        let digests = hashers.into_iter().map(|h| (h.algorithm(), h.finish())).collect();
        Ok(Hashed { digests, length, parted: !watch.is_some_and(|watch| watch.found()) })
    }

    /// With what its messages have in common encoded anew.
    fn framed(self) -> Self {
        let frame = Arc::new(Frame::new(&self.signers, &self.bag(), self.policy));
        Self { frame, ..self }
    }

    /// The certificates that go along, each once (OUT-55).
    fn bag(&self) -> Vec<Certificate> {
        let mut bag: Vec<Certificate> = Vec::new();
        if self.policy.certificates == IncludedCertificates::Nothing {
            return bag;
        }
        let mut add = |certificate: &Certificate| {
            if !bag.contains(certificate) {
                bag.push(certificate.clone());
            }
        };
        for signer in &self.signers {
            add(&signer.certificate);
            let included = signer.chain.iter().filter(|c| match self.policy.certificates {
                IncludedCertificates::Nothing | IncludedCertificates::Signer => false,
                IncludedCertificates::ChainWithoutRoot => !c.is_self_issued(),
                IncludedCertificates::ChainWithRoot => true,
            });
            included.for_each(&mut add);
        }
        self.encryption.iter().for_each(add);
        bag
    }

    /// OUT-1, OUT-4: every From address must stand in the certificate of one signer, and the account's in the first's.
    fn check_sender(&self, message: &Message<'_>) -> Result<Vec<Reason>, Error> {
        let Some(first) = self.signers.first() else { return Err(Error::Count { expected: 1, found: 0 }) };
        let speaks = |signer: &OneSigner, address: &EmailAddress| {
            matches!(signer.mailboxes.speak_for(address, &self.policy.address_rule), AddressMatch::Matches { .. })
        };
        if let Some(account) = self.account.as_ref().filter(|account| !speaks(first, account)) {
            return Err(first.not_the_sender(account.to_string()));
        }
        let from = &message.mailboxes().from;
        let problem = if from.is_empty() {
            Some(Error::NoSender)
        } else {
            let stranger =
                from.iter().find(|m| !m.address.as_ref().is_some_and(|a| self.signers.iter().any(|s| speaks(s, a))));
            stranger
                .map(|m| first.not_the_sender(m.address.as_ref().map_or_else(|| m.raw.clone(), ToString::to_string)))
        };
        match (problem, self.policy.sender_mismatch) {
            (None, _) => Ok(Vec::new()),
            (Some(error), SenderMismatch::Refuse) => Err(error),
            (Some(error), SenderMismatch::Allow) => Ok(vec![Reason::new("sender_mismatch_allowed", error.to_string())]),
        }
    }
}

impl OneSigner {
    fn new(identity: &Identity, policy: &Policy) -> Result<Self, Error> {
        let certificate = identity.certificate();
        let mut reasons = purpose::fits(certificate, Purpose::Sign, &policy.purpose_rule);
        let public = certificate.public_key(&policy.limits)?;
        reasons.extend(strength::key_weakness(&public));
        if (policy.digest, policy.sha1_signing) != (DigestAlgorithm::Sha1, Sha1Signing::Allow) {
            reasons.extend(strength::digest_weakness(policy.digest));
        }
        if !reasons.is_empty() {
            return Err(Error::Unsuitable { subject: certificate.subject().to_string(), reasons });
        }
        let scheme = match (public.kind(), policy.rsa_padding) {
            (KeyKind::Rsa, RsaPadding::Pkcs1) => SignatureScheme::RsaPkcs1(policy.digest),
            (KeyKind::Rsa, RsaPadding::Pss) => SignatureScheme::pss(policy.digest),
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, _) => SignatureScheme::Ecdsa(policy.digest),
            // RFC 8419 section 3: Ed25519 with SHA-512, whatever else was chosen.
            (KeyKind::Ed25519, _) => SignatureScheme::Ed25519,
            (KeyKind::X25519 | KeyKind::Dsa, _) => {
                return Err(Error::Scheme { key: public.describe(), wanted: "any signature".to_owned() });
            }
        };
        let key = Arc::clone(identity.signing());
        if !key.schemes().contains(&scheme) {
            return Err(Error::Scheme { key: public.describe(), wanted: scheme.name() });
        }
        // The identity has proven that the key is the certificate's; here it must be so in its spelling too, since an
        // algorithm for PSS alone is part of that.
        let own = match certificate.spki() == key.public_key() && key.is_self_checking(&scheme) {
            true => OwnSignatures::Vouched,
            false => OwnSignatures::Verified,
        };
        let encryption =
            purpose::fits(certificate, Purpose::Encrypt, &policy.purpose_rule).is_empty().then_some(certificate);
        let constant = Arc::new(Constant {
            public: Arc::clone(&public),
            attributes: attributes(certificate, scheme, encryption, policy).template(),
            info: info(certificate, scheme, policy),
            own,
        });
        let mailboxes = Arc::new(Mailboxes::of(certificate));
        let (certificate, chain) = (certificate.clone(), identity.chain().to_vec());
        Ok(Self { certificate, chain, key, scheme, mailboxes, constant })
    }

    /// Names another certificate to encrypt answers to than its own.
    fn prefer(&mut self, encryption: &Certificate, policy: &Policy) {
        let attributes = attributes(&self.certificate, self.scheme, Some(encryption), policy).template();
        let Constant { public, info, own, .. } = &*self.constant;
        self.constant = Arc::new(Constant { public: Arc::clone(public), attributes, info: info.clone(), own: *own });
    }

    fn check_time(&self, now: Time) -> Result<(), Error> {
        if self.certificate.is_valid_at(now) {
            return Ok(());
        }
        Err(Error::OutsideValidity {
            subject: self.certificate.subject().to_string(),
            not_before: self.certificate.not_before(),
            not_after: self.certificate.not_after(),
            now,
        })
    }

    fn not_the_sender(&self, who: String) -> Error {
        let certified = self.mailboxes.all().iter().map(|m| m.address.clone()).collect();
        Error::NotTheSender { who, subject: self.certificate.subject().to_string(), certified }
    }
}

/// The signed attributes, as the policy has them.
fn attributes<'c>(
    certificate: &'c Certificate,
    scheme: SignatureScheme,
    encryption: Option<&'c Certificate>,
    policy: &Policy,
) -> SignedAttributes<'c> {
    let digest = scheme.digest();
    let capabilities = match policy.capabilities {
        Capabilities::Omit => None,
        Capabilities::Outlook => Some(CapabilityList::Outlook),
        Capabilities::OutlookExact => Some(CapabilityList::OutlookExact),
        Capabilities::Rfc8551 => Some(CapabilityList::Rfc8551),
    };
    SignedAttributes {
        capabilities: capabilities.map(|list| capabilities::encode(list, digest)),
        signer: match policy.signing_certificate {
            SigningCertificate::Add => Some(certificate),
            SigningCertificate::Omit => None,
        },
        encryption,
        protection: match policy.algorithm_protection {
            AlgorithmProtection::Add => Some((digest.identifier_with_null(), signature_algorithm(scheme, policy))),
            AlgorithmProtection::Omit => None,
        },
    }
}

/// The SignerInfo around them.
fn info(certificate: &Certificate, scheme: SignatureScheme, policy: &Policy) -> SignerTemplate {
    let identifier = match policy.identifier {
        CertificateIdentifier::IssuerAndSerial => CertificateId::issuer_and_serial(certificate),
        CertificateIdentifier::SubjectKeyIdentifier => CertificateId::key_identifier(certificate),
    };
    SignerTemplate::new(&identifier, scheme.digest(), &signature_algorithm(scheme, policy))
}

/// SignerInfo.signatureAlgorithm.
fn signature_algorithm(scheme: SignatureScheme, policy: &Policy) -> AlgorithmIdentifier {
    match (scheme, policy.rsa_label) {
        (SignatureScheme::RsaPkcs1(_), RsaLabel::KeyOnly) => AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION),
        (scheme, _) => scheme.identifier(),
    }
}

impl Frame {
    fn new(signers: &[OneSigner], certificates: &[Certificate], policy: &Policy) -> Self {
        let digests: Vec<DigestAlgorithm> = signers.iter().map(|signer| signer.scheme.digest()).collect();
        let version = signers.iter().map(|signer| signer.constant.info.version()).max().unwrap_or(1);
        let template = Template::new(policy.encoding, &digests, certificates, version);
        Self { digests, template }
    }
}
