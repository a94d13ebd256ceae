//! What a certificate is good for, before it is installed: its purpose, whether it is for the account's address, what its
//! chain is worth, and until when (OUT-111; the status numbers are those of OUT-26 and OUT-28).

use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainRequest, Trust};
use crate::cert::mailbox::{AddressMatch, AddressRule, Mailboxes, speaks_for};
use crate::cert::purpose::{self, Purpose, PurposeRule};
use crate::cert::revocation::RevocationMode;
use crate::cert::status::ValidationStatus;
use std::fmt;

/// What certificates are held against.
#[derive(Clone, Copy, Debug)]
pub struct Appraiser<'a> {
    /// The address of the account that it is installed for; `None` where it is not asked after.
    pub account: Option<&'a EmailAddress>,
    /// By which rule addresses are compared.
    pub address_rule: &'a AddressRule,
    /// By which rule purposes are judged.
    pub purpose_rule: &'a PurposeRule,
    /// Who is trusted; `None` where chains are not asked after.
    pub trust: Option<&'a Trust>,
    /// Certificates that came along, to build chains of.
    pub others: &'a [Certificate],
    /// When.
    pub at: Time,
}

/// What one certificate is good for.
#[derive(Clone, Debug)]
pub struct Appraisal {
    /// Which.
    pub certificate: Certificate,
    /// For what.
    pub use_for: Use,
    /// Whether it is for the account's address; `None` where that was not asked.
    pub address: Option<AddressMatch>,
    /// How its chain was judged, the address included; `None` where nothing is trusted.
    pub status: Option<ValidationStatus>,
    /// Whether it is in time.
    pub time: InTime,
    /// What stands against it.
    pub reasons: Vec<Reason>,
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To sign mail.
    Sign,
    /// To receive encrypted mail.
    Encrypt,
    /// Both.
    Both,
    /// To issue certificates.
    Issue,
    /// Nothing that has to do with mail.
    Nothing,
}

/// Whether a moment lies within the validity of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InTime {
    /// It does.
    Current,
    /// It comes later.
    Expired,
    /// It comes earlier.
    NotYet,
}

impl Appraiser<'_> {
    /// Judges one.
    pub fn judge(&self, certificate: &Certificate) -> Appraisal {
        let use_for = self.use_for(certificate);
        let mut reasons = Vec::new();
        if use_for == Use::Nothing {
            let against = [Purpose::Sign, Purpose::Encrypt].map(|p| purpose::fits(certificate, p, self.purpose_rule));
            for reason in against.concat() {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        // Nobody has mail from an authority.
        let account = self.account.filter(|_| use_for != Use::Issue);
        let address = account.map(|account| speaks_for(certificate, account, self.address_rule));
        if let (Some(account), Some(AddressMatch::Differs { .. } | AddressMatch::NoAddress)) = (account, &address) {
            let inside: Vec<String> =
                Mailboxes::of(certificate).all().iter().map(|mailbox| mailbox.address.to_string()).collect();
            let inside = if inside.is_empty() { "no address at all".to_owned() } else { inside.join(", ") };
            let text = format!("the account is {account}, and the certificate is for {inside}");
            reasons.push(Reason::new("address_mismatch", text));
        }
        let time = self.time(certificate, &mut reasons);
        let status = self.trust.map(|trust| self.status(certificate, trust, use_for, address.as_ref(), &mut reasons));
        Appraisal { certificate: certificate.clone(), use_for, address, status, time, reasons }
    }

    fn use_for(&self, certificate: &Certificate) -> Use {
        let fits = |wanted| purpose::fits(certificate, wanted, self.purpose_rule).is_empty();
        if certificate.basic_constraints().is_some_and(|basic| basic.ca) {
            return Use::Issue;
        }
        match (fits(Purpose::Sign), fits(Purpose::Encrypt)) {
            (true, true) => Use::Both,
            (true, false) => Use::Sign,
            (false, true) => Use::Encrypt,
            (false, false) => Use::Nothing,
        }
    }

    fn time(&self, certificate: &Certificate, reasons: &mut Vec<Reason>) -> InTime {
        let (from, to) = (certificate.not_before(), certificate.not_after());
        if self.at < from {
            reasons.push(Reason::new("certificate_not_yet_valid", format!("it is valid from {from} on")));
            return InTime::NotYet;
        }
        if self.at > to {
            let text = format!("it was valid until {to}: it opens old mail, and signs none");
            reasons.push(Reason::new("certificate_expired", text));
            return InTime::Expired;
        }
        InTime::Current
    }

    fn status(
        &self,
        certificate: &Certificate,
        trust: &Trust,
        use_for: Use,
        address: Option<&AddressMatch>,
        reasons: &mut Vec<Reason>,
    ) -> ValidationStatus {
        let limits = Limits::default();
        let request = ChainRequest {
            extra: self.others,
            purpose: match use_for {
                Use::Sign | Use::Both => Purpose::Sign,
                Use::Encrypt => Purpose::Encrypt,
                Use::Issue | Use::Nothing => Purpose::Any,
            },
            rule: self.purpose_rule,
            ..ChainRequest::new(certificate, trust, self.at, &limits)
        };
        let outcome = chain::build(&request);
        for reason in &outcome.reasons {
            if reasons.iter().all(|known| known.code != reason.code) {
                reasons.push(reason.clone());
            }
        }
        let status = ValidationStatus::of(&request, &outcome, RevocationMode::Off);
        match (status, use_for, address) {
            (ValidationStatus::Valid, _, Some(AddressMatch::Differs { .. } | AddressMatch::NoAddress)) => {
                ValidationStatus::AddressMismatch
            }
            (ValidationStatus::Valid, Use::Nothing, _) => ValidationStatus::WrongUse,
            (status, ..) => status,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sign => "sign",
            Self::Encrypt => "encrypt",
            Self::Both => "both",
            Self::Issue => "issue",
            Self::Nothing => "nothing",
        })
    }
}

impl fmt::Display for InTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
        })
    }
}
