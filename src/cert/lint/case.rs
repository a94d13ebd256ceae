//! One certificate as the clauses see it.

use super::profile::{BrProfile, Generation, Validation};
use crate::asn1::oid;
use crate::base::address::EmailAddress;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{GeneralName, KeyUsage};
use crate::cert::name::Name;
use const_oid::ObjectIdentifier;

/// What a check says.
pub(super) enum Verdict {
    /// There is nothing in the certificate that it could be about.
    NotApplicable,
    Passed,
    /// With a sentence: what was found, and what is expected.
    Failed(String),
}

impl Verdict {
    /// Passed where nothing is wrong; else what is, joined.
    pub(super) fn of(wrong: Vec<String>) -> Self {
        if wrong.is_empty() { Self::Passed } else { Self::Failed(wrong.join("; ")) }
    }

    /// Passed, or failed with a sentence.
    pub(super) fn when(good: bool, sentence: impl FnOnce() -> String) -> Self {
        if good { Self::Passed } else { Self::Failed(sentence()) }
    }
}

/// Where the profile comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// The certificate names its policy.
    Claimed,
    /// The caller said so.
    Given,
}

/// A certificate with the profile to judge it by.
pub(super) struct Case<'a> {
    pub(super) cert: &'a Certificate,
    pub(super) profile: Option<BrProfile>,
    pub(super) basis: Basis,
}

/// An extension that is there but not readable, or not there at all.
pub(super) enum Absent {
    Missing,
    Unreadable(String),
}

impl<'a> Case<'a> {
    pub(super) fn new(cert: &'a Certificate, profile: Option<BrProfile>, basis: Basis) -> Self {
        Self { cert, profile, basis }
    }

    /// Whether it is the certificate of an authority: cA, and a key that may sign certificates.
    pub(super) fn is_authority(&self) -> bool {
        let signs = self.cert.key_usage().is_none_or(|usage| usage.any_of(KeyUsage::KEY_CERT_SIGN));
        self.cert.basic_constraints().is_some_and(|constraints| constraints.ca) && signs
    }

    /// BR 1.1: a mail certificate is one with emailProtection and a mailbox in its subjectAltName.
    pub(super) fn is_for_mail(&self) -> bool {
        let protects = self.cert.extended_key_usage().is_some_and(|usages| usages.contains(&oid::EMAIL_PROTECTION));
        protects && self.mailboxes().next().is_some()
    }

    /// Whether the certificate was issued before a rule came into force. Where the profile is the caller's, the rules
    /// of today count.
    pub(super) fn precedes(&self, effective: Time) -> bool {
        self.basis == Basis::Claimed && self.cert.not_before() < effective
    }

    pub(super) fn generation(&self) -> Option<Generation> {
        self.profile.map(|profile| profile.generation)
    }

    pub(super) fn validation(&self) -> Option<Validation> {
        self.profile.map(|profile| profile.validation)
    }

    pub(super) fn has(&self, extension: &ObjectIdentifier) -> bool {
        self.cert.extension(extension).is_some()
    }

    pub(super) fn is_critical(&self, extension: &ObjectIdentifier) -> bool {
        self.cert.extension(extension).is_some_and(|extension| extension.critical)
    }

    /// Why there is nothing to read of an extension.
    pub(super) fn absence(&self, extension: &ObjectIdentifier) -> Option<Absent> {
        if !self.has(extension) {
            return Some(Absent::Missing);
        }
        let error = self.cert.extension_errors().iter().find(|error| error.oid == *extension);
        error.map(|error| Absent::Unreadable(error.error.to_string()))
    }

    /// What stands where the subjectAltName has mailboxes, sound or not.
    pub(super) fn mailboxes(&self) -> impl Iterator<Item = &'a str> {
        self.cert.subject_alt_names().iter().filter_map(|name| match name {
            GeneralName::Rfc822(text) | GeneralName::SmtpUtf8(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The names that say who the subject is: the subject itself, and the directoryNames of the subjectAltName.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'static str, &'a Name)> {
        let alternative = self.cert.subject_alt_names().iter().filter_map(|name| match name {
            GeneralName::Directory(name) => Some(("a directoryName of the subjectAltName", name)),
            _ => None,
        });
        std::iter::once(("the subject", self.cert.subject())).chain(alternative)
    }
}

/// The values of one attribute type in a name.
pub(super) fn values<'a>(name: &'a Name, oid: &ObjectIdentifier) -> Vec<&'a str> {
    name.attributes().filter(|(found, _)| *found == oid).map(|(_, text)| text).collect()
}

/// Whether a text is a mailbox, and nothing around it.
pub(super) fn is_mailbox(text: &str) -> bool {
    text.trim() == text && text.parse::<EmailAddress>().is_ok()
}

/// A text of the certificate within a sentence: quoted, and cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("\"{}...\"", text.get(..cut).unwrap_or_default()),
        None => format!("\"{text}\""),
    }
}
