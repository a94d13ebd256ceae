//! Chains: from a certificate to one that is trusted ([RFC 5280 section 6], without certificate policies).
//!
//! [`build`] tries every path that the certificates at hand allow, within a budget, and answers with the first that
//! holds; where none does, with the best candidate and every reason against it. Revocation is not asked here.
//!
//! Of the extensions, policies are understood but not required: no initial policy set is given, so certificatePolicies,
//! policyMappings and inhibitAnyPolicy cannot change the answer (RFC 5280 section 6.1.5 (g) with explicit_policy above
//! 0). A critical policyConstraints could, and rejects.
//!
//! [RFC 5280 section 6]: https://www.rfc-editor.org/rfc/rfc5280#section-6

use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::constraint::{self, Spent};
use crate::cert::extension::KeyUsage;
use crate::cert::path::{Found, Search};
use crate::cert::purpose::{self, Purpose, PurposeRule};
use crate::crypto::algorithm::SignatureScheme;
use crate::crypto::strength;
use const_oid::ObjectIdentifier;
use std::collections::HashMap;

/// What the caller trusts, and what it knows besides.
///
/// A certificate given as anchor is trusted as such, self-signed or not: its signature is not checked. Its validity,
/// its path length and its name constraints are.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    anchors: Shelf,
    intermediates: Shelf,
}

/// Certificates, found by subject.
#[derive(Clone, Debug, Default)]
struct Shelf {
    certificates: Vec<Certificate>,
    by_subject: HashMap<Vec<u8>, Vec<usize>>,
}

/// A question about a chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainRequest<'a> {
    /// The certificate in question.
    pub leaf: &'a Certificate,
    /// Certificates that came with it, trusted in nothing.
    pub extra: &'a [Certificate],
    /// What is trusted.
    pub trust: &'a Trust,
    /// The moment to judge at.
    pub at: Time,
    /// What the leaf is wanted for.
    pub purpose: Purpose,
    /// How strictly that is judged.
    pub rule: &'a PurposeRule,
    /// The budget: `chain_depth`, `signature_checks`, `build_steps`; and the sizes of keys.
    pub limits: &'a Limits,
}

/// Whether a certificate is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainVerdict {
    /// A path to an anchor holds in every respect that is looked at here.
    Anchored,
    /// No path does.
    Rejected,
    /// It is not known: no anchors were given (`no_anchors`), or the budget ended before the paths did
    /// (`path_budget`). This never counts as good.
    Unchecked,
}

/// The answer to a [`ChainRequest`].
#[derive(Clone, Debug)]
pub struct ChainOutcome {
    /// Whether the certificate is to be trusted.
    pub verdict: ChainVerdict,
    /// Leaf first, anchor last; where the verdict is not `Anchored`, the best candidate, as far as it goes.
    pub path: Vec<Certificate>,
    /// Everything against the path, the most telling first; empty where the verdict is `Anchored`.
    pub reasons: Vec<Reason>,
    /// What does not decide: weak digests and keys, and what the purpose rule let pass.
    pub notes: Vec<Reason>,
}

impl Trust {
    /// Trust in these certificates.
    pub fn new(anchors: impl IntoIterator<Item = Certificate>) -> Self {
        let mut trust = Self::default();
        anchors.into_iter().for_each(|certificate| trust.add_anchor(certificate));
        trust
    }

    /// With more certificates to build chains of, which are trusted in nothing.
    #[must_use]
    pub fn with_intermediates(mut self, certificates: impl IntoIterator<Item = Certificate>) -> Self {
        certificates.into_iter().for_each(|certificate| self.add_intermediate(certificate));
        self
    }

    /// Trusts one more certificate.
    pub fn add_anchor(&mut self, certificate: Certificate) {
        self.anchors.add(certificate);
    }

    /// Knows one more certificate, without trusting it.
    pub fn add_intermediate(&mut self, certificate: Certificate) {
        self.intermediates.add(certificate);
    }

    /// The trusted certificates.
    pub fn anchors(&self) -> &[Certificate] {
        &self.anchors.certificates
    }

    /// The others.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates.certificates
    }

    /// Whether this very certificate is an anchor.
    pub fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.anchors.named(certificate.subject().canonical()).any(|anchor| anchor == certificate)
    }

    pub(super) fn anchors_named(&self, canonical: &[u8]) -> impl Iterator<Item = &Certificate> {
        self.anchors.named(canonical)
    }

    pub(super) fn intermediates_named(&self, canonical: &[u8]) -> impl Iterator<Item = &Certificate> {
        self.intermediates.named(canonical)
    }
}

impl Shelf {
    fn add(&mut self, certificate: Certificate) {
        let group = self.by_subject.entry(certificate.subject().canonical().to_vec()).or_default();
        group.push(self.certificates.len());
        self.certificates.push(certificate);
    }

    fn named(&self, canonical: &[u8]) -> impl Iterator<Item = &Certificate> {
        let group = self.by_subject.get(canonical).map(Vec::as_slice).unwrap_or_default();
        group.iter().filter_map(|at| self.certificates.get(*at))
    }
}

/// Builds the chain of a certificate and judges it.
///
/// ```no_run
/// use smime::cert::certificate::Certificate;
/// use smime::cert::chain::{ChainRequest, ChainVerdict, Trust, build};
/// use smime::cert::purpose::{Purpose, PurposeRule};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let read = |path| -> Result<_, Box<dyn std::error::Error>> { Ok(Certificate::from_der(&std::fs::read(path)?)?) };
/// let outcome = build(&ChainRequest {
///     leaf: &read("alice.crt")?,
///     extra: &[read("issuing-ca.crt")?],
///     trust: &Trust::new([read("root.crt")?]),
///     at: "2026-11-24T08:00:00Z".parse()?,
///     purpose: Purpose::Sign,
///     rule: &PurposeRule::LENIENT,
///     limits: &smime::Limits::default(),
/// });
/// if outcome.verdict != ChainVerdict::Anchored {
///     outcome.reasons.iter().for_each(|reason| println!("{}: {reason}", reason.code));
/// }
/// # Ok(()) }
/// ```
///
/// Reason codes: `no_anchors`, `path_budget`, `certificate_signature_invalid`, `unsupported_algorithm`, `unusable_key`,
/// `malformed_extension`, `untrusted_chain`, `issuer_not_found`, `not_a_ca`, `path_length_exceeded`,
/// `name_constraints`, `unknown_critical_extension`, `certificate_expired`, `certificate_not_yet_valid`, and those of
/// [`purpose::fits`].
pub fn build(request: &ChainRequest<'_>) -> ChainOutcome {
    let leaf = leaf_reasons(request);
    let mut search = Search::new(request);
    let anchored = if request.trust.anchors().is_empty() { None } else { search.anchored() };
    let Found { path, mut reasons } = match anchored {
        Some(path) => Found { path, reasons: Vec::new() },
        None => search.best_candidate(),
    };
    let holds = reasons.is_empty() && leaf.is_empty();
    let verdict = if request.trust.anchors().is_empty() {
        reasons.retain(|reason| !matches!(reason.code, "issuer_not_found" | "untrusted_chain"));
        let who = request.leaf.subject().brief();
        let text = format!("nothing is trusted: no anchors were given to judge the chain of \"{who}\" by");
        reasons.push(Reason::new("no_anchors", text));
        ChainVerdict::Unchecked
    } else if holds {
        ChainVerdict::Anchored
    } else if let (Some(budget), true) = (search.exhausted(), leaf.is_empty()) {
        // SEC-105: where paths remain untried, nothing is known. A leaf that fails by itself fails on each of them.
        reasons.push(budget);
        ChainVerdict::Unchecked
    } else {
        ChainVerdict::Rejected
    };
    reasons.extend(leaf);
    reasons.sort_by_key(|reason| rank(reason.code));
    let mut notes = purpose::notes(request.leaf, request.purpose, request.rule);
    notes.extend(weaknesses(&path, request));
    ChainOutcome { verdict, path, reasons, notes }
}

/// The order in which reasons are told.
fn rank(code: &str) -> usize {
    const ORDER: [&str; 13] = [
        "no_anchors",
        "path_budget",
        "certificate_signature_invalid",
        "unsupported_algorithm",
        "unusable_key",
        "malformed_extension",
        "untrusted_chain",
        "issuer_not_found",
        "not_a_ca",
        "path_length_exceeded",
        "name_constraints",
        "unknown_critical_extension",
        "key_usage",
    ];
    ORDER.iter().position(|known| *known == code).unwrap_or(ORDER.len())
}

/// What speaks against the leaf on any path.
fn leaf_reasons(request: &ChainRequest<'_>) -> Vec<Reason> {
    let mut reasons = common_reasons(request.leaf, request.at);
    // What the purpose relies on is told there.
    let told = |reason: &Reason, others: &[Reason]| others.iter().any(|other| other.text == reason.text);
    let more = purpose::fits(request.leaf, request.purpose, request.rule);
    reasons.retain(|reason| !told(reason, &more));
    reasons.extend(more);
    reasons
}

/// What speaks against a certificate as the issuer of the one below it, apart from the signature. `below` are the
/// certificates of the path so far, leaf first.
pub(super) fn issuer_reasons(
    request: &ChainRequest<'_>,
    issuer: &Certificate,
    below: &[&Certificate],
    is_anchor: bool,
    comparisons: &mut usize,
) -> Result<Vec<Reason>, Spent> {
    let mut reasons = common_reasons(issuer, request.at);
    let who = || issuer.subject().brief();
    let unreadable = |oid: &ObjectIdentifier| issuer.extension_errors().iter().find(|error| error.oid == *oid);
    for relied_on in [oid::BASIC_CONSTRAINTS, oid::KEY_USAGE, oid::NAME_CONSTRAINTS, oid::EXTENDED_KEY_USAGE] {
        let matters = relied_on != oid::EXTENDED_KEY_USAGE || request.purpose != Purpose::Any;
        if let Some(error) = unreadable(&relied_on).filter(|error| matters && !error.critical) {
            reasons.push(malformed(&who(), &error.oid, &error.error));
        }
    }

    // SEC-109. An anchor of version 1 cannot say that it is a CA; one that says nothing although it could, or that
    // says the contrary (a user's self-signed certificate), must not issue others.
    let usage = issuer.key_usage();
    let is_ca = match issuer.basic_constraints() {
        Some(constraints) => constraints.ca,
        None if unreadable(&oid::BASIC_CONSTRAINTS).is_some() => true,
        None => is_anchor && (issuer.version() == 1 || usage.is_some_and(|u| u.any_of(KeyUsage::KEY_CERT_SIGN))),
    };
    if !is_ca {
        let found = match issuer.basic_constraints() {
            Some(_) => "its basicConstraints say cA FALSE".to_owned(),
            None => format!("it is of version {} without basicConstraints", issuer.version()),
        };
        reasons
            .push(Reason::new("not_a_ca", format!("\"{}\" is no CA and may not issue certificates: {found}", who())));
    }
    if let Some(usage) = usage.filter(|usage| !usage.any_of(KeyUsage::KEY_CERT_SIGN)) {
        let text = format!("the keyUsage of the CA \"{}\" is {usage}; issuing certificates needs keyCertSign", who());
        reasons.push(Reason::new("key_usage", text));
    }
    reasons.extend(purpose::issuer_fits(issuer, request.purpose));

    // RFC 5280 section 6.1.4 (l) and (m): the leaf and self-issued certificates do not count.
    let between = below.iter().skip(1).filter(|certificate| !certificate.is_self_issued()).count() as u64;
    if let Some(most) = issuer.basic_constraints().and_then(|c| c.path_len).filter(|most| between > *most) {
        let text =
            format!("the CA \"{}\" allows {most} intermediate certificates below it; there are {between}", who());
        reasons.push(Reason::new("path_length_exceeded", text));
    }

    if let Some(constraints) = issuer.name_constraints() {
        for (at, certificate) in below.iter().enumerate() {
            // RFC 5280 section 6.1.3 (b): self-issued certificates are exempt, unless they are the leaf.
            if at == 0 || !certificate.is_self_issued() {
                reasons.extend(constraint::violation(issuer, constraints, certificate, comparisons)?);
            }
        }
    }
    Ok(reasons)
}

/// What any certificate of a path is held to: its validity, and critical extensions.
fn common_reasons(certificate: &Certificate, at: Time) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (from, until) = (certificate.not_before(), certificate.not_after());
    if certificate.is_valid_at(at)
        && certificate.extension_errors().is_empty()
        && certificate.extensions().iter().all(|e| !e.critical || UNDERSTOOD.contains(&e.oid))
    {
        return reasons;
    }
    let who = certificate.subject().brief();
    if at > until {
        let text = format!("the certificate of \"{who}\" expired at {until}; it is judged at {at}");
        reasons.push(Reason::new("certificate_expired", text));
    }
    if at < from {
        let text = format!("the certificate of \"{who}\" is valid from {from} on; it is judged at {at}");
        reasons.push(Reason::new("certificate_not_yet_valid", text));
    }
    for extension in certificate.extensions().iter().filter(|e| e.critical && !UNDERSTOOD.contains(&e.oid)) {
        let what = extension.label();
        let text =
            format!("the certificate of \"{who}\" has the critical extension {what}, which is not understood here");
        reasons.push(Reason::new("unknown_critical_extension", text));
    }
    for error in certificate.extension_errors().iter().filter(|error| error.critical) {
        reasons.push(malformed(&who, &error.oid, &error.error));
    }
    reasons
}

fn malformed(who: &str, oid: &ObjectIdentifier, error: &crate::asn1::Error) -> Reason {
    let what = crate::cert::extension::label(oid);
    Reason::new("malformed_extension", format!("the {what} extension of \"{who}\" is unreadable: {error}"))
}

/// Extensions that may be critical: those that are evaluated here, those that only help to find things, and those of
/// the policies that nobody asks for (see the head of this file).
const UNDERSTOOD: &[ObjectIdentifier] = &[
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::BASIC_CONSTRAINTS,
    oid::SUBJECT_ALT_NAME,
    oid::NAME_CONSTRAINTS,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::ISSUER_ALT_NAME,
    oid::AUTHORITY_INFO_ACCESS,
    oid::SUBJECT_INFO_ACCESS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::INHIBIT_ANY_POLICY,
];

/// Weak digests under the signatures of a path (that of the anchor is not looked at), and weak keys.
fn weaknesses(path: &[Certificate], request: &ChainRequest<'_>) -> Vec<Reason> {
    let mut notes = Vec::new();
    for certificate in path {
        let who = certificate.subject().brief();
        let mut note = |weakness: Reason| {
            notes.push(Reason::new(weakness.code, format!("the certificate of \"{who}\": {}", weakness.text)));
        };
        if !request.trust.is_anchor(certificate)
            && let Ok(scheme) = SignatureScheme::from_identifier(certificate.signature_algorithm(), None)
        {
            strength::digest_weakness(scheme.digest()).into_iter().for_each(&mut note);
        }
        if let Ok(key) = certificate.public_key(request.limits) {
            strength::key_weakness(&key).into_iter().for_each(&mut note);
        }
    }
    notes
}

#[cfg(test)]
mod tests;
