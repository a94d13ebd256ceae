//! The certificates that directories have for an address, held against everything that is asked of one to encrypt to.

use super::Recipient;
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainOutcome, ChainRequest, ChainVerdict, Trust};
use crate::cert::mailbox::{AddressMatch, speaks_for};
use crate::cert::purpose::Purpose;
use crate::cert::revocation::{RevocationData, RevocationMode, RevocationStatus};
use crate::cms::recipient_info::Wrapping;
use crate::compose::negotiation::{self, Announced};
use crate::crypto::algorithm::{Cofactor, KeyAgreement, KeyDerivation};
use crate::crypto::signature::{KeyKind, PublicKey};
use crate::policy::policy::Policy;
use crate::store::directory::{Answer, Directory, Filed, Offer, Outcome};
use crate::store::select::{rank, unfit};

/// What a certificate is judged by beyond itself.
#[derive(Clone, Copy)]
pub(super) struct Authority<'a> {
    pub(super) trust: &'a Trust,
    pub(super) data: Option<&'a RevocationData>,
    pub(super) mode: RevocationMode,
}

/// The certificates of one address, and what they are held against.
pub(super) struct Judge<'a> {
    pub(super) address: &'a EmailAddress,
    pub(super) policy: &'a Policy,
    pub(super) authority: Option<Authority<'a>>,
    pub(super) now: Time,
}

impl Judge<'_> {
    /// OUT-90: sources in their order, until one has a certificate that may be used.
    pub(super) fn first_of(&self, directory: &dyn Directory) -> Result<Recipient, Vec<Reason>> {
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
                let recipient = match self.judge(offer, &answer.others) {
                    Ok(recipient) => recipient,
                    Err(reasons) => {
                        rejected.extend(reasons);
                        continue;
                    }
                };
                let better = best.as_ref().is_none_or(|(known, marked)| match filed {
                    Filed::UserSmimeCertificate => offer.marked && !marked,
                    Filed::UserCertificate => rank(&recipient.certificate) > rank(&known.certificate),
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

    fn judge(&self, offer: &Offer, others: &[Certificate]) -> Result<Recipient, Vec<Reason>> {
        let (address, policy, now) = (self.address, self.policy, self.now);
        let certificate = &offer.certificate;
        let mut against = Vec::new();
        let mut notes = Vec::new();
        match speaks_for(certificate, address, &policy.address_rule) {
            AddressMatch::Matches { leniencies } => notes.extend(leniencies),
            _ => against
                .push(Reason::new("recipient_mismatch", format!("{} is not for {address}", certificate.subject()))),
        }
        against.extend(unfit(certificate, Purpose::Encrypt, policy, now));
        match self.authority {
            None => notes.push(Reason::new(
                "chain_unchecked",
                format!("no trust was given, so the issuer of {} was not checked", certificate.subject()),
            )),
            Some(Authority { trust, data, mode }) => {
                let outcome = chain::build(&ChainRequest {
                    extra: others,
                    purpose: Purpose::Encrypt,
                    rule: &policy.purpose_rule,
                    revocation: data.as_slice(),
                    ..ChainRequest::new(certificate, trust, now, &policy.limits)
                });
                revoked(&outcome, mode, &mut against, &mut notes);
                notes.extend(outcome.notes);
                if outcome.verdict != ChainVerdict::Anchored {
                    against.extend(outcome.reasons);
                }
            }
        }
        let announced = Announced::with(offer, &policy.limits);
        recipient(certificate, announced, against, notes, policy)
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

/// A recipient by its certificate alone, for a copy to the sender (OUT-14).
pub(in crate::compose) fn own(certificate: &Certificate, policy: &Policy, now: Time) -> Result<Recipient, Vec<Reason>> {
    let against = unfit(certificate, Purpose::Encrypt, policy, now);
    recipient(certificate, None, against, Vec::new(), policy)
}

fn recipient(
    certificate: &Certificate,
    announced: Option<Announced>,
    mut against: Vec<Reason>,
    notes: Vec<Reason>,
    policy: &Policy,
) -> Result<Recipient, Vec<Reason>> {
    match wrapping(certificate, announced.as_ref(), policy) {
        Ok((wrapping, why)) if against.is_empty() => {
            let (certificate, source) = (certificate.clone(), String::new());
            Ok(Recipient { certificate, wrapping, why, announced, source, notes })
        }
        Ok(_) => Err(against),
        Err(reason) => {
            against.push(reason);
            Err(against)
        }
    }
}

/// How the content-encryption key is wrapped for the certificate's kind of key.
fn wrapping(
    certificate: &Certificate,
    announced: Option<&Announced>,
    policy: &Policy,
) -> Result<(Wrapping, Reason), Reason> {
    let unusable = |text: String| Reason::new("unsupported_key", text);
    let key = public_key(certificate, &policy.limits)
        .map_err(|e| unusable(format!("the key of {} cannot be used: {e}", certificate.subject())))?;
    let derivation = match key.kind() {
        KeyKind::Rsa => {
            let (transport, why) = negotiation::transport(announced, policy);
            return Ok((Wrapping::Transport(transport), why));
        }
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => KeyDerivation::X963(policy.agreement_digest),
        // RFC 8418 section 2.2
        KeyKind::X25519 => KeyDerivation::Hkdf(policy.agreement_digest),
        KeyKind::Ed25519 | KeyKind::Dsa => {
            return Err(unusable(format!("the key of {} can only sign", certificate.subject())));
        }
    };
    let default = KeyAgreement { derivation, cofactor: Cofactor::Standard, wrap: policy.key_wrap };
    let (agreement, why) = negotiation::agreement(announced, default);
    Ok((Wrapping::Agreement(agreement), why))
}

pub(in crate::compose) fn public_key(
    certificate: &Certificate,
    limits: &Limits,
) -> Result<std::sync::Arc<PublicKey>, crate::crypto::Error> {
    certificate.public_key(limits)
}
