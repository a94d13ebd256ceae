//! A certificate held against the rules that publicly trusted authorities issue mail certificates by: the CA/Browser
//! Forum's Baseline Requirements for S/MIME, "the BR" below (OUT-144).
//!
//! The rules are a table, a clause a row ([`clauses`]). A clause says nothing of whether a certificate is trusted or
//! what it may be used for; it says whether its issuer kept to the BR. Receivers such as Gmail refuse what did not.
//!
//! ```no_run
//! use smime::cert::certificate::Certificate;
//! use smime::cert::lint::lint;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let report = lint(&Certificate::from_der(&std::fs::read("alice.crt")?)?);
//! for finding in report.findings() {
//!     println!("{} ({}): {}", finding.clause.code, finding.clause.section, finding.text);
//! }
//! # Ok(()) }
//! ```

mod case;
mod extensions;
mod keys;
mod mailboxes;
mod organization;
mod profile;
mod subject;
mod table;
mod usage;

#[cfg(test)]
mod tests;

pub use profile::{BrProfile, Generation, UnknownProfile, Validation};

use crate::base::reason::visible;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use case::{Case, Verdict};
use std::fmt;

/// One rule of the BR. The rows are fixed; [`clauses`] lists them.
pub struct Clause {
    /// Stable, in snake_case.
    pub code: &'static str,
    /// The section of the BR, versions 1.0: `7.1.2.3(e)`.
    pub section: &'static str,
    /// What breaking it means.
    pub severity: Severity,
    /// Which certificates it is about.
    pub applies_to: AppliesTo,
    /// What it asks for, in one sentence.
    pub requirement: &'static str,
    /// Seconds since 1970.
    effective: i64,
    check: fn(&Case<'_>) -> Verdict,
}

impl Clause {
    /// Certificates that begin before this moment are not bound by it.
    pub fn effective(&self) -> Time {
        Time::from_unix(self.effective)
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clause({} {})", self.code, self.section)
    }
}

/// What breaking a clause means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The BR say SHALL: the certificate should not have been issued.
    Error,
    /// The BR say SHOULD.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Which certificates a clause is about.
#[derive(Clone, Copy, Debug)]
pub enum AppliesTo {
    /// Every mail certificate of a subscriber, whether it claims a profile or not.
    EveryMailCertificate,
    /// Those of these profiles.
    Profiles {
        /// Of these generations.
        generations: &'static [Generation],
        /// And validated in one of these ways.
        validations: &'static [Validation],
    },
}

impl AppliesTo {
    /// Whether a certificate of this profile, or of none, is meant.
    pub fn includes(self, profile: Option<BrProfile>) -> bool {
        match (self, profile) {
            (Self::EveryMailCertificate, _) => true,
            (Self::Profiles { .. }, None) => false,
            (Self::Profiles { generations, validations }, Some(profile)) => {
                generations.contains(&profile.generation) && validations.contains(&profile.validation)
            }
        }
    }
}

impl fmt::Display for AppliesTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Profiles { generations, validations } = self else {
            return f.write_str("every mail certificate");
        };
        let list = |names: Vec<String>| names.join(", ");
        match (generations.len(), validations.len()) {
            (3, 4) => f.write_str("every profile"),
            (3, _) => f.write_str(&list(validations.iter().map(ToString::to_string).collect())),
            (_, 4) => f.write_str(&list(generations.iter().map(ToString::to_string).collect())),
            _ => {
                let generations = list(generations.iter().map(ToString::to_string).collect());
                let validations = list(validations.iter().map(ToString::to_string).collect());
                write!(f, "{generations}; {validations}")
            }
        }
    }
}

/// A clause that a certificate breaks.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which one.
    pub clause: &'static Clause,
    /// One sentence with what was found and what is expected. Free of control characters.
    pub text: String,
}

/// What one clause says of one certificate.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is not about such certificates.
    NotApplicable,
    /// The certificate was issued before the clause came into force.
    NotEffective,
    /// The certificate keeps to it.
    Passed,
    /// The certificate breaks it.
    Failed(Finding),
}

impl Outcome {
    /// The finding, where there is one.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Failed(finding) => Some(finding),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    /// `not-applicable`, `not-effective`, `passed` or `failed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotApplicable => "not-applicable",
            Self::NotEffective => "not-effective",
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
        })
    }
}

/// What every clause says of one certificate.
#[derive(Clone, Debug)]
pub struct LintReport {
    /// By which profile it was judged; `None` where it claims none.
    pub profile: Option<BrProfile>,
    /// The clauses in the order of [`clauses`], all of them.
    pub outcomes: Vec<(&'static Clause, Outcome)>,
}

impl LintReport {
    /// The clauses that are broken, errors and warnings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.outcomes.iter().filter_map(|(_, outcome)| outcome.finding())
    }

    /// The broken clauses that say SHALL.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings().filter(|finding| finding.clause.severity == Severity::Error)
    }

    /// What the clause of this code says; `None` where there is no such clause.
    pub fn outcome(&self, code: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|(clause, _)| clause.code == code).map(|(_, outcome)| outcome)
    }

    /// How many clauses bound the certificate, kept or broken. Where it is 0, nothing was judged.
    pub fn judged(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Passed | Outcome::Failed(_))).count()
    }
}

/// Every clause, in the order of reports.
pub fn clauses() -> &'static [Clause] {
    table::CLAUSES
}

/// Holds a certificate against the profile that it claims by its policies.
///
/// Certificates of authorities are not judged: every clause says [`Outcome::NotApplicable`]. Of a mail certificate that
/// claims no profile, the one clause is judged that asks for it. Of several claims, the strictest counts.
pub fn lint(cert: &Certificate) -> LintReport {
    let claimed = BrProfile::claimed(cert).into_iter().max_by_key(|profile| profile.generation);
    let case = Case::new(cert, claimed, case::Basis::Claimed);
    if case.is_authority() || (claimed.is_none() && !case.is_for_mail()) {
        let outcomes = table::CLAUSES.iter().map(|clause| (clause, Outcome::NotApplicable)).collect();
        return LintReport { profile: claimed, outcomes };
    }
    judge(&case)
}

/// Holds a certificate against a profile, whatever it claims, as a subscriber's certificate under the requirements of
/// today: no clause is [`Outcome::NotEffective`], and the policy of the profile is one that the certificate must have.
pub fn lint_as(cert: &Certificate, profile: BrProfile) -> LintReport {
    judge(&Case::new(cert, Some(profile), case::Basis::Given))
}

fn judge(case: &Case<'_>) -> LintReport {
    let outcome = |clause: &'static Clause| {
        if !clause.applies_to.includes(case.profile) {
            return Outcome::NotApplicable;
        }
        match (clause.check)(case) {
            Verdict::NotApplicable => Outcome::NotApplicable,
            _ if case.precedes(clause.effective()) => Outcome::NotEffective,
            Verdict::Passed => Outcome::Passed,
            Verdict::Failed(text) => Outcome::Failed(Finding { clause, text: visible(&text) }),
        }
    };
    LintReport {
        profile: case.profile,
        outcomes: table::CLAUSES.iter().map(|clause| (clause, outcome(clause))).collect(),
    }
}
