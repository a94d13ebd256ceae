//! The plan of an encrypted message: who can read it, with which certificate, who cannot, and why. It is made before anything
//! is sent, and a missing recipient stops everything (OUT-33, SEC-82).

mod judge;

use self::judge::{Authority, Judge};
pub(super) use self::judge::{own, public_key};
use super::negotiation::{self, Announced, ContentChoice};
use crate::base::address::EmailAddress;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::Trust;
use crate::cert::revocation::{RevocationData, RevocationMode};
use crate::cms::recipient_info::Wrapping;
use crate::policy::policy::Policy;
use crate::store::directory::Directory;
use crate::store::groups::{Expanded, Groups, NoGroups, expand};

/// One recipient of the plan.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who.
    pub address: EmailAddress,
    /// The groups that lead there; empty where the message names the address itself.
    pub via: Vec<EmailAddress>,
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
    /// Why so.
    pub why: Reason,
    /// What its owner can read, where that is known.
    pub announced: Option<Announced>,
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
    /// is given. The first source with a certificate that may be used wins (OUT-90). [`Resolver`] does more.
    pub fn resolve(
        addresses: &[EmailAddress],
        directory: &dyn Directory,
        policy: &Policy,
        trust: Option<&Trust>,
        now: Time,
    ) -> Self {
        let resolver = Resolver::new(directory, policy, now);
        match trust {
            Some(trust) => resolver.trusting(trust).plan(addresses),
            None => resolver.plan(addresses),
        }
    }

    /// The same, which also looks up whether a certificate of a chain was revoked (SEC-82): nobody encrypts to a key that
    /// was reported stolen.
    pub fn resolve_unrevoked(
        addresses: &[EmailAddress],
        directory: &dyn Directory,
        policy: &Policy,
        trust: &Trust,
        revocation: (&RevocationData, RevocationMode),
        now: Time,
    ) -> Self {
        Resolver::new(directory, policy, now).trusting(trust).unrevoked(revocation.0, revocation.1).plan(addresses)
    }

    /// The entries, in the order of the addresses.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those who have no usable certificate, each with the reasons.
    pub fn missing(&self) -> impl Iterator<Item = (EmailAddress, Vec<Reason>)> {
        self.entries.iter().filter_map(|e| e.outcome.as_ref().err().map(|r| (e.address.clone(), r.clone())))
    }

    /// How the content would be encrypted to those who can read it.
    pub fn content(&self, policy: &Policy) -> ContentChoice {
        negotiation::content(self.entries.iter().filter_map(|entry| entry.outcome.as_ref().ok()), policy)
    }

    /// Everybody.
    ///
    /// # Errors
    /// [`Error::Missing`] where a single one has no usable certificate; [`Error::Undecided`] where of each that has none a
    /// directory said nothing; [`Error::Nobody`].
    pub fn all(&self) -> Result<Recipients, Error> {
        let missing = self.missing().collect();
        match stopped(missing) {
            Some(error) => Err(error),
            None => self.reachable(),
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

/// What stops a message some of whose recipients are missing.
pub(super) fn stopped(missing: Vec<(EmailAddress, Vec<Reason>)>) -> Option<Error> {
    let silent = |(_, reasons): &(_, Vec<Reason>)| {
        reasons.iter().any(|r| matches!(r.code, "directory_unreachable" | "group_unreachable"))
    };
    match missing.iter().all(silent) {
        _ if missing.is_empty() => None,
        true => Some(Error::Undecided { missing }),
        false => Some(Error::Missing { missing }),
    }
}

/// Finds out who can read a message.
///
/// ```
/// # use smime::compose::recipients::Resolver;
/// # use smime::store::groups::GroupList;
/// # use smime::{Certificates, Policy, Time};
/// let groups = GroupList::parse("team@example.com: bob@example.com, carol@example.com").unwrap();
/// let (directory, policy) = (Certificates::default(), Policy::default());
/// let resolver = Resolver::new(&directory, &policy, Time::from_unix(1_795_507_200)).with_groups(&groups);
/// let plan = resolver.plan(&["team@example.com".parse().unwrap()]);
/// assert_eq!(plan.entries().len(), 2);
/// assert!(plan.all().is_err());
/// ```
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    directory: &'a dyn Directory,
    policy: &'a Policy,
    groups: &'a dyn Groups,
    authority: Option<Authority<'a>>,
    now: Time,
}

impl<'a> Resolver<'a> {
    /// From a directory, under a policy, at a moment. Chains are not checked, and no address is a group.
    pub fn new(directory: &'a dyn Directory, policy: &'a Policy, now: Time) -> Self {
        Self { directory, policy, groups: &NoGroups, authority: None, now }
    }

    /// With the authorities that recipients' certificates are held against.
    #[must_use]
    pub fn trusting(self, trust: &'a Trust) -> Self {
        Self { authority: Some(Authority { trust, data: None, mode: RevocationMode::Off }), ..self }
    }

    /// With what tells whether a certificate was revoked, asked along the chains of [`trusting`](Self::trusting).
    #[must_use]
    pub fn unrevoked(self, data: &'a RevocationData, mode: RevocationMode) -> Self {
        let data = (mode != RevocationMode::Off).then_some(data);
        Self { authority: self.authority.map(|authority| Authority { data, mode, ..authority }), ..self }
    }

    /// With groups, which are expanded before certificates are looked up (OUT-34).
    #[must_use]
    pub fn with_groups(self, groups: &'a dyn Groups) -> Self {
        Self { groups, ..self }
    }

    /// Who can read a message to these addresses.
    pub fn plan(&self, addresses: &[EmailAddress]) -> Plan {
        self.plan_for(self.people(addresses))
    }

    pub(super) fn policy(&self) -> &'a Policy {
        self.policy
    }

    pub(super) fn people(&self, addresses: &[EmailAddress]) -> Vec<Expanded> {
        expand(addresses, self.groups, self.policy.address_rule.local, &self.policy.limits)
    }

    pub(super) fn plan_for(&self, people: Vec<Expanded>) -> Plan {
        let entry = |Expanded { address, via, failure }: Expanded| {
            let judge = Judge { address: &address, policy: self.policy, authority: self.authority, now: self.now };
            let outcome = match failure {
                Some(reason) => Err(vec![reason]),
                None => judge.first_of(self.directory),
            };
            Entry { address, via, outcome }
        };
        Plan { entries: people.into_iter().map(entry).collect() }
    }
}
