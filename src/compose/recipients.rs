//! The plan of an encrypted message: who can read it, with which certificate, who cannot, and why. It is made before anything
//! is sent, and a missing recipient stops everything (OUT-33, SEC-82).

use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainOutcome, ChainRequest, ChainVerdict, Trust};
use crate::cert::mailbox::{AddressMatch, speaks_for};
use crate::cert::purpose::{self, Purpose};
use crate::cert::revocation::{RevocationData, RevocationMode, RevocationStatus};
use crate::cms::recipient_info::Wrapping;
use crate::crypto::algorithm::{Cofactor, KeyAgreement, KeyDerivation};
use crate::crypto::signature::{KeyKind, PublicKey};
use crate::crypto::strength;
use crate::policy::policy::Policy;
use crate::store::directory::{Answer, Directory, Filed, Offer, Outcome};

/// One recipient of the plan.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who.
    pub address: EmailAddress,
    /// With which certificate, or why with none.
    pub outcome: Result<Recipient, Vec<Reason>>,
}

/// A recipient who can read the message.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// To which certificate.
    pub certificate: Certificate,
    /// How the key is wrapped.
    pub wrapping: Wrapping,
    /// Where the certificate came from; empty where it was not looked up.
    pub source: String,
    /// What is odd; `chain_unchecked` where no trust was given.
    pub notes: Vec<Reason>,
}

/// Who can read a message, who cannot, and why.
#[derive(Clone, Debug)]
pub struct Plan {
    entries: Vec<Entry>,
}

/// Recipients who can read the message: at least one.
#[derive(Clone, Debug)]
pub struct Recipients {
    list: Vec<Recipient>,
}

/// Why there is no encrypting.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// To or Cc names something that is no address; nobody gets anything.
    #[error("\"{text}\" in To or Cc is no address")]
    NotAnAddress {
        /// As it stands there.
        text: String,
    },
    /// Nobody to encrypt to.
    #[error("there is no recipient")]
    Nobody,
    /// Some have no usable certificate; nobody gets anything (OUT-33).
    #[error("no usable certificate for {}", list(.missing))]
    Missing {
        /// Each with the reasons.
        missing: Vec<(EmailAddress, Vec<Reason>)>,
    },
    /// Whether some have one could not be found out, because a directory did not answer; nobody gets anything (OUT-99c).
    #[error("whether there is a usable certificate could not be found out for {}", list(.missing))]
    Undecided {
        /// Each with the reasons.
        missing: Vec<(EmailAddress, Vec<Reason>)>,
    },
}

fn list(missing: &[(EmailAddress, Vec<Reason>)]) -> String {
    let one = |(address, reasons): &(EmailAddress, Vec<Reason>)| {
        let why: Vec<&str> = reasons.iter().map(|r| r.text.as_str()).collect();
        format!("{address} ({})", why.join("; "))
    };
    missing.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Plan {
    /// Looks up each address and judges what is found: address, purpose, dates and strength always, the chain where `trust`
    /// is given. The first source with a certificate that may be used wins (OUT-90).
    pub fn resolve(
        addresses: &[EmailAddress],
        directory: &dyn Directory,
        policy: &Policy,
        trust: Option<&Trust>,
        now: Time,
    ) -> Self {
        let authority = trust.map(|trust| Authority { trust, revocation: &[], mode: RevocationMode::Off });
        Self::judged(addresses, directory, policy, authority, now)
    }

    /// The same, which also looks up whether a certificate of a chain was revoked (SEC-82): nobody encrypts to a key that
    /// was reported stolen.
    pub fn resolve_unrevoked(
        addresses: &[EmailAddress],
        directory: &dyn Directory,
        policy: &Policy,
        trust: &Trust,
        (data, mode): (&RevocationData, RevocationMode),
        now: Time,
    ) -> Self {
        let sources = [data];
        let revocation: &[_] = if mode == RevocationMode::Off { &[] } else { &sources };
        Self::judged(addresses, directory, policy, Some(Authority { trust, revocation, mode }), now)
    }

    fn judged(
        addresses: &[EmailAddress],
        directory: &dyn Directory,
        policy: &Policy,
        authority: Option<Authority<'_>>,
        now: Time,
    ) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for address in addresses {
            if entries.iter().any(|e| e.address.same(address, policy.address_rule.local)) {
                continue;
            }
            let judge = Judge { address, policy, authority, now };
            entries.push(Entry { address: address.clone(), outcome: judge.first_of(directory) });
        }
        Self { entries }
    }

    /// The entries, in the order of the addresses.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Everybody.
    ///
    /// # Errors
    /// [`Error::Missing`] where a single one has no usable certificate; [`Error::Undecided`] where of each that has none a
    /// directory said nothing; [`Error::Nobody`].
    pub fn all(&self) -> Result<Recipients, Error> {
        let missing: Vec<_> = self
            .entries
            .iter()
            .filter_map(|e| e.outcome.as_ref().err().map(|r| (e.address.clone(), r.clone())))
            .collect();
        let silent = |(_, reasons): &(_, Vec<Reason>)| reasons.iter().any(|r| r.code == "directory_unreachable");
        match missing.iter().all(silent) {
            _ if missing.is_empty() => self.reachable(),
            true => Err(Error::Undecided { missing }),
            false => Err(Error::Missing { missing }),
        }
    }

    /// Those who have a usable certificate, on the caller's word that the others get nothing.
    ///
    /// # Errors
    /// [`Error::Nobody`] where that is nobody.
    pub fn reachable(&self) -> Result<Recipients, Error> {
        let mut recipients: Vec<Recipient> = Vec::new();
        for recipient in self.entries.iter().filter_map(|e| e.outcome.as_ref().ok()) {
            // SEC-82: one certificate gets one entry, however many addresses it has.
            if !recipients.iter().any(|known| known.certificate == recipient.certificate) {
                recipients.push(recipient.clone());
            }
        }
        if recipients.is_empty() { Err(Error::Nobody) } else { Ok(Recipients { list: recipients }) }
    }
}

impl Recipients {
    /// The recipients.
    pub fn iter(&self) -> impl Iterator<Item = &Recipient> {
        self.list.iter()
    }
}

/// What a certificate is judged by beyond itself.
#[derive(Clone, Copy)]
struct Authority<'a> {
    trust: &'a Trust,
    revocation: &'a [&'a RevocationData],
    mode: RevocationMode,
}

/// The certificates of one address, and what they are held against.
struct Judge<'a> {
    address: &'a EmailAddress,
    policy: &'a Policy,
    authority: Option<Authority<'a>>,
    now: Time,
}

impl Judge<'_> {
    /// OUT-90: sources in their order, until one has a certificate that may be used.
    fn first_of(&self, directory: &dyn Directory) -> Result<Recipient, Vec<Reason>> {
        let (mut rejected, mut silent, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut there = false;
        for answer in directory.look_up(self.address) {
            notes.extend(answer.notes.iter().cloned());
            match &answer.outcome {
                Outcome::Found(offers) => match self.choose(&answer, offers) {
                    Ok(mut recipient) => {
                        recipient.source = answer.source;
                        recipient.notes.extend(silent);
                        recipient.notes.extend(notes);
                        return Ok(recipient);
                    }
                    Err(reasons) => rejected.extend(reasons),
                },
                Outcome::Unreachable(why) => {
                    let text = format!("the directory {} did not answer: {why}", answer.source);
                    silent.push(Reason::new("directory_unreachable", text));
                }
                Outcome::NoCertificate => there = true,
                Outcome::NotThere => {}
            }
        }
        if rejected.is_empty() && silent.is_empty() {
            // OUT-99c: two answers, and neither stands for a server that said nothing.
            rejected.push(match there {
                true => Reason::new("no_certificate", "the address is known, and no certificate is filed there"),
                false => Reason::new("no_certificate", "none was found"),
            });
        }
        rejected.extend(silent);
        rejected.extend(notes);
        Err(rejected)
    }

    /// OUT-96: what is filed better first. Of `userSMIMECertificate` the one that its owner marked, else the first (OUT-97);
    /// of others the newest (OUT-9, OUT-99a), and of two as new the one with the smaller fingerprint (OUT-10).
    fn choose(&self, answer: &Answer, offers: &[Offer]) -> Result<Recipient, Vec<Reason>> {
        let mut rejected = Vec::new();
        for filed in [Filed::UserSmimeCertificate, Filed::UserCertificate] {
            let mut best: Option<(Recipient, bool)> = None;
            for offer in offers.iter().filter(|offer| offer.filed == filed) {
                let recipient = match self.judge(offer.certificate.clone(), &answer.others) {
                    Ok(recipient) => recipient,
                    Err(reasons) => {
                        rejected.extend(reasons);
                        continue;
                    }
                };
                let rank = |r: &Recipient| (r.certificate.not_before(), std::cmp::Reverse(r.certificate.sha256()));
                let better = best.as_ref().is_none_or(|(known, marked)| match filed {
                    Filed::UserSmimeCertificate => offer.marked && !marked,
                    Filed::UserCertificate => rank(&recipient) > rank(known),
                });
                if better {
                    best = Some((recipient, offer.marked));
                }
            }
            if let Some((recipient, _)) = best {
                return Ok(recipient);
            }
        }
        Err(rejected)
    }

    fn judge(&self, certificate: Certificate, others: &[Certificate]) -> Result<Recipient, Vec<Reason>> {
        let (address, policy, now) = (self.address, self.policy, self.now);
        let mut against = Vec::new();
        let mut notes = Vec::new();
        match speaks_for(&certificate, address, &policy.address_rule) {
            AddressMatch::Matches { leniencies } => notes.extend(leniencies),
            _ => against
                .push(Reason::new("recipient_mismatch", format!("{} is not for {address}", certificate.subject()))),
        }
        against.extend(unfit(&certificate, policy, now));
        match self.authority {
            None => notes.push(Reason::new(
                "chain_unchecked",
                format!("no trust was given, so the issuer of {} was not checked", certificate.subject()),
            )),
            Some(Authority { trust, revocation, mode }) => {
                let outcome = chain::build(&ChainRequest {
                    extra: others,
                    purpose: Purpose::Encrypt,
                    rule: &policy.purpose_rule,
                    revocation,
                    ..ChainRequest::new(&certificate, trust, now, &policy.limits)
                });
                revoked(&outcome, mode, &mut against, &mut notes);
                notes.extend(outcome.notes);
                if outcome.verdict != ChainVerdict::Anchored {
                    against.extend(outcome.reasons);
                }
            }
        }
        match wrapping(&certificate, policy) {
            Ok(wrapping) if against.is_empty() => Ok(Recipient { certificate, wrapping, source: String::new(), notes }),
            Ok(_) => Err(against),
            Err(reason) => {
                against.push(reason);
                Err(against)
            }
        }
    }
}

/// OUT-99b: a certificate that is revoked is not used, nor, in the mode `Hard`, one of which that is not known.
fn revoked(outcome: &ChainOutcome, mode: RevocationMode, against: &mut Vec<Reason>, notes: &mut Vec<Reason>) {
    let reasons = outcome.revocation_reasons();
    match (outcome.revocation(), mode) {
        (_, RevocationMode::Off) | (RevocationStatus::Good, _) => {}
        (RevocationStatus::Unknown(_) | RevocationStatus::Unchecked, RevocationMode::Soft) => notes.extend(reasons),
        _ => against.extend(reasons),
    }
}

/// Purpose, dates and strength of a certificate to encrypt to.
fn unfit(certificate: &Certificate, policy: &Policy, now: Time) -> Vec<Reason> {
    let mut against = purpose::fits(certificate, Purpose::Encrypt, &policy.purpose_rule);
    if !certificate.is_valid_at(now) {
        let (from, to) = (certificate.not_before(), certificate.not_after());
        let text =
            format!("the certificate of {} is valid from {from} to {to}, and not at {now}", certificate.subject());
        against.push(Reason::new(if now > to { "certificate_expired" } else { "certificate_not_yet_valid" }, text));
    }
    if let Ok(key) = certificate.public_key(&policy.limits) {
        against.extend(strength::key_weakness(&key));
    }
    against
}

/// A recipient by its certificate alone, for a copy to the sender (OUT-14).
pub(super) fn own(certificate: &Certificate, policy: &Policy, now: Time) -> Result<Recipient, Vec<Reason>> {
    let mut against = unfit(certificate, policy, now);
    match wrapping(certificate, policy) {
        Ok(wrapping) if against.is_empty() => {
            Ok(Recipient { certificate: certificate.clone(), wrapping, source: String::new(), notes: Vec::new() })
        }
        Ok(_) => Err(against),
        Err(reason) => {
            against.push(reason);
            Err(against)
        }
    }
}

/// How the content-encryption key is wrapped for the certificate's kind of key.
fn wrapping(certificate: &Certificate, policy: &Policy) -> Result<Wrapping, Reason> {
    let unusable = |text: String| Reason::new("unsupported_key", text);
    let key = public_key(certificate, &policy.limits)
        .map_err(|e| unusable(format!("the key of {} cannot be used: {e}", certificate.subject())))?;
    let derivation = match key.kind() {
        KeyKind::Rsa => return Ok(Wrapping::Transport(policy.key_transport.clone())),
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => KeyDerivation::X963(policy.agreement_digest),
        // RFC 8418 section 2.2
        KeyKind::X25519 => KeyDerivation::Hkdf(policy.agreement_digest),
        KeyKind::Ed25519 | KeyKind::Dsa => {
            return Err(unusable(format!("the key of {} can only sign", certificate.subject())));
        }
    };
    Ok(Wrapping::Agreement(KeyAgreement { derivation, cofactor: Cofactor::Standard, wrap: policy.key_wrap }))
}

pub(super) fn public_key(
    certificate: &Certificate,
    limits: &Limits,
) -> Result<std::sync::Arc<PublicKey>, crate::crypto::Error> {
    certificate.public_key(limits)
}
