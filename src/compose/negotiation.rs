//! What recipients say that they can read, and what follows: content encryption, key transport and key agreement, each
//! with its reason (OUT-36 to OUT-38; RFC 8551 section 2.7).

use super::recipients::Recipient;
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cms::capabilities::{Capability, decode};
use crate::crypto::algorithm::{
    AlgorithmIdentifier, Cofactor, ContentCipher, DigestAlgorithm, KeyAgreement, KeyDerivation, KeyTransport, KeyWrap,
};
use crate::crypto::strength;
use crate::policy::policy::{CipherRule, Policy};
use crate::policy::profile::Profile;
use crate::store::directory::{Filed, Offer};

/// What somebody says that they can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Where they say it.
    pub place: AnnouncedIn,
    /// What, best first.
    pub list: Vec<Capability>,
}

/// Where SMIMECapabilities stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnouncedIn {
    /// In a signed mail of theirs that was harvested (OUT-30).
    SignedMail,
    /// In `userSMIMECertificate` of a directory, signed by them (OUT-97).
    Directory,
    /// In the certificate (RFC 4262).
    Certificate,
}

/// How content will be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentChoice {
    /// With which cipher.
    pub cipher: ContentCipher,
    /// Why: `cipher_named`, `cipher_common`, `cipher_default` or `cipher_floor`.
    pub why: Reason,
    /// What should be looked at: `cipher_not_announced`, `cipher_below_floor`.
    pub warnings: Vec<Reason>,
}

impl Announced {
    /// What is known with a certificate that a directory offers. What its owner signed counts before what the issuer put
    /// into the certificate (RFC 4262 section 2). A list that cannot be read is none.
    pub fn with(offer: &Offer, limits: &Limits) -> Option<Self> {
        let place = match offer.filed {
            Filed::UserSmimeCertificate => AnnouncedIn::Directory,
            Filed::UserCertificate => AnnouncedIn::SignedMail,
        };
        let list = offer.capabilities.as_deref().and_then(|der| decode(der, limits).ok());
        list.map(|list| Self { place, list }).or_else(|| Self::in_certificate(&offer.certificate, limits))
    }

    /// What stands in the certificate alone.
    pub fn in_certificate(certificate: &Certificate, limits: &Limits) -> Option<Self> {
        let extension = certificate.extension(&oid::ID_SMIME_CAPABILITIES)?;
        Some(Self { place: AnnouncedIn::Certificate, list: decode(&extension.value, limits).ok()? })
    }

    /// The ciphers among them that are known here, RC2 aside; `None` where they speak of no cipher at all, which says
    /// nothing about ciphers.
    pub fn ciphers(&self) -> Option<Vec<ContentCipher>> {
        let of_ciphers = || {
            let is_cipher = |one: &&Capability| ContentCipher::ALL.iter().any(|cipher| cipher.oid() == one.identifier);
            self.list.iter().filter(is_cipher)
        };
        of_ciphers().next()?;
        Some(of_ciphers().filter_map(|one| ContentCipher::from_oid(&one.identifier)).collect())
    }

    fn identifiers(&self) -> impl Iterator<Item = AlgorithmIdentifier> {
        self.list.iter().map(|one| match &one.parameters {
            Some(parameters) => AlgorithmIdentifier::with(one.identifier, parameters.clone()),
            None => AlgorithmIdentifier::new(one.identifier),
        })
    }
}

/// OUT-36: what is named, else the strongest that is common to all. OUT-37: the floor comes last, and nothing that is only
/// read is ever chosen. OUT-38: GCM comes out where everybody announces it, or where it is what the policy encrypts with to
/// those of whom nothing is known, and nowhere else.
pub fn content<'r>(recipients: impl IntoIterator<Item = &'r Recipient>, policy: &Policy) -> ContentChoice {
    let default = policy.content_cipher;
    let recipients: Vec<&Recipient> = recipients.into_iter().collect();
    let known: Vec<(&Recipient, Vec<ContentCipher>)> =
        recipients.iter().filter_map(|one| Some((*one, one.announced.as_ref()?.ciphers()?))).collect();
    let choice = |cipher: ContentCipher, code, why: String, warnings| {
        let why = Reason::new(code, format!("{cipher}: {why}"));
        ContentChoice { cipher, why, warnings }
    };
    if policy.cipher_rule == CipherRule::Named {
        let unread = known.iter().filter(|(_, ciphers)| !ciphers.contains(&default));
        let warn = |(recipient, _): &(&Recipient, _)| {
            let text = format!("{} does not announce {default}", recipient.certificate.subject().brief());
            Reason::new("cipher_not_announced", text)
        };
        let why = "it is named, whatever recipients announce".to_owned();
        return choice(default, "cipher_named", why, unread.map(warn).collect());
    }
    if known.is_empty() {
        let why = "nothing is known of what the recipients can read".to_owned();
        return choice(default, "cipher_default", why, Vec::new());
    }
    let silent = recipients.len() - known.len();
    let common = |cipher: &ContentCipher| {
        known.iter().all(|(_, ciphers)| ciphers.contains(cipher)) && (silent == 0 || *cipher == default)
    };
    let common: Vec<ContentCipher> = ContentCipher::ALL.into_iter().filter(common).collect();
    let best = common.iter().copied().filter(|cipher| strength::cipher_weakness(*cipher).is_none());
    match best.max_by_key(|cipher| (cipher.is_aead(), cipher.key_length())) {
        Some(cipher) if silent == 0 => {
            choice(cipher, "cipher_common", "the strongest that every recipient announces".to_owned(), Vec::new())
        }
        Some(cipher) => {
            let why = format!("of {silent} recipients nothing is known, and the others announce it");
            choice(cipher, "cipher_common", why, Vec::new())
        }
        None => {
            let names: Vec<&str> = common.iter().map(|cipher| cipher.name()).collect();
            let text = match names.as_slice() {
                [] => "the recipients have no cipher in common".to_owned(),
                names => format!("what the recipients have in common ({}) is never written", names.join(", ")),
            };
            let warning = Reason::new("cipher_below_floor", format!("{text}, so that some may not be able to read it"));
            choice(FLOOR, "cipher_floor", text, vec![warning])
        }
    }
}

/// How a key is encrypted for an RSA key: as the policy says; under the profiles of the standard with RSAES-OAEP where
/// that is announced (RFC 8551 section 2.3). Outlook writes PKCS#1 v1.5 to everybody (OUT-57).
pub(super) fn transport(announced: Option<&Announced>, policy: &Policy) -> (KeyTransport, Reason) {
    let standard = matches!(policy.profile, Profile::Rfc8551 | Profile::Strict);
    if standard && policy.key_transport == KeyTransport::RsaPkcs1 {
        let read = |id: AlgorithmIdentifier| match KeyTransport::from_identifier(&id) {
            Ok(KeyTransport::RsaOaep { hash, mgf_hash, label })
                if label.is_empty() && strong(hash) && strong(mgf_hash) =>
            {
                Some(KeyTransport::RsaOaep { hash, mgf_hash, label })
            }
            _ => None,
        };
        if let Some(transport) = announced.and_then(|announced| announced.identifiers().find_map(read)) {
            let why = format!("an RSA key, and {} is announced", transport.name());
            return (transport, Reason::new("transport_announced", why));
        }
    }
    let why = format!("an RSA key, and {} is what the policy says", policy.key_transport.name());
    (policy.key_transport.clone(), Reason::new("transport_by_policy", why))
}

/// How a key is agreed upon: the announced scheme with the strongest digest, else the one of the policy.
pub(super) fn agreement(announced: Option<&Announced>, default: KeyAgreement) -> (KeyAgreement, Reason) {
    let digest = |agreement: &KeyAgreement| match agreement.derivation {
        KeyDerivation::X963(digest) | KeyDerivation::Hkdf(digest) => digest,
    };
    let fits = |agreement: &KeyAgreement| {
        let same = std::mem::discriminant(&agreement.derivation) == std::mem::discriminant(&default.derivation);
        let wrap = matches!(agreement.wrap, KeyWrap::Aes128 | KeyWrap::Aes192 | KeyWrap::Aes256);
        same && agreement.cofactor == Cofactor::Standard && wrap && strong(digest(agreement))
    };
    let schemes = announced.into_iter().flat_map(Announced::identifiers);
    let schemes = schemes.filter_map(|id| KeyAgreement::from_identifier(&id).ok()).filter(fits);
    match schemes.max_by_key(|one| (one.wrap.key_length(), *one == default, digest(one).length())) {
        Some(agreement) => {
            let why = format!("a key to agree with, and {} is announced", agreement.name());
            (agreement, Reason::new("agreement_announced", why))
        }
        None => {
            let why = format!("a key to agree with, and {} is what the policy says", default.name());
            (default, Reason::new("agreement_by_policy", why))
        }
    }
}

fn strong(digest: DigestAlgorithm) -> bool {
    strength::digest_weakness(digest).is_none()
}

/// OUT-37.
const FLOOR: ContentCipher = ContentCipher::Aes256Cbc;
