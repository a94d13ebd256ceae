//! The twelve profiles of the BR, section 7.1.6.1: how the subject was validated, and how strict the certificate is.

use crate::cert::certificate::Certificate;
use const_oid::ObjectIdentifier;
use std::fmt;
use std::str::FromStr;

/// One of the twelve profiles; written `mailbox-strict`.
///
/// ```
/// use smime::cert::lint::BrProfile;
/// let profile: BrProfile = "sponsor-multipurpose".parse()?;
/// assert_eq!(profile.policy().to_string(), "2.23.140.1.5.3.2");
/// # Ok::<(), smime::cert::lint::UnknownProfile>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrProfile {
    /// What was validated of the subject.
    pub validation: Validation,
    /// How much the certificate may say and do beyond mail.
    pub generation: Generation,
}

/// What an authority validates of the subject (BR 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// The mail address alone.
    Mailbox,
    /// A legal entity.
    Organization,
    /// A person, by an organization that vouches for them.
    Sponsor,
    /// A person.
    Individual,
}

/// How much a certificate may say and do beyond mail (BR 1.1), the laxest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// What was usual before the BR; not issued since 2025-07-15.
    Legacy,
    /// Mail, documents and logins with one certificate.
    Multipurpose,
    /// Mail alone.
    Strict,
}

impl Validation {
    /// All four, in the order of their policies.
    pub const ALL: [Self; 4] = [Self::Mailbox, Self::Organization, Self::Sponsor, Self::Individual];
}

impl Generation {
    /// All three, in the order of their policies.
    pub const ALL: [Self; 3] = [Self::Legacy, Self::Multipurpose, Self::Strict];
}

impl BrProfile {
    /// The profiles whose policies a certificate names in certificatePolicies, in its order.
    pub fn claimed(cert: &Certificate) -> Vec<Self> {
        cert.policies().unwrap_or_default().iter().filter_map(Self::of_policy).collect()
    }

    /// The profile of a reserved policy; `None` for every other one.
    pub fn of_policy(policy: &ObjectIdentifier) -> Option<Self> {
        Self::all().find(|profile| profile.policy() == *policy)
    }

    /// All twelve.
    pub fn all() -> impl Iterator<Item = Self> {
        Validation::ALL
            .into_iter()
            .flat_map(|validation| Generation::ALL.into_iter().map(move |generation| Self { validation, generation }))
    }

    /// The reserved policy by which a certificate claims it.
    pub fn policy(self) -> ObjectIdentifier {
        const POLICIES: [[ObjectIdentifier; 3]; 4] = {
            const fn oid(text: &str) -> ObjectIdentifier {
                ObjectIdentifier::new_unwrap(text)
            }
            [
                [oid("2.23.140.1.5.1.1"), oid("2.23.140.1.5.1.2"), oid("2.23.140.1.5.1.3")],
                [oid("2.23.140.1.5.2.1"), oid("2.23.140.1.5.2.2"), oid("2.23.140.1.5.2.3")],
                [oid("2.23.140.1.5.3.1"), oid("2.23.140.1.5.3.2"), oid("2.23.140.1.5.3.3")],
                [oid("2.23.140.1.5.4.1"), oid("2.23.140.1.5.4.2"), oid("2.23.140.1.5.4.3")],
            ]
        };
        let [mailbox, organization, sponsor, individual] = POLICIES;
        let [legacy, multipurpose, strict] = match self.validation {
            Validation::Mailbox => mailbox,
            Validation::Organization => organization,
            Validation::Sponsor => sponsor,
            Validation::Individual => individual,
        };
        match self.generation {
            Generation::Legacy => legacy,
            Generation::Multipurpose => multipurpose,
            Generation::Strict => strict,
        }
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mailbox => "mailbox",
            Self::Organization => "organization",
            Self::Sponsor => "sponsor",
            Self::Individual => "individual",
        })
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Multipurpose => "multipurpose",
            Self::Strict => "strict",
        })
    }
}

impl fmt::Display for BrProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.validation, self.generation)
    }
}

/// A name that no profile has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no profile of the S/MIME BR; there are mailbox, organization, sponsor and individual, each with -legacy, \
     -multipurpose and -strict"
)]
pub struct UnknownProfile(String);

impl FromStr for BrProfile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let found = Self::all().find(|profile| profile.to_string() == name);
        found.ok_or_else(|| UnknownProfile(name.chars().take(80).collect()))
    }
}
