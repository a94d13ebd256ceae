//! Chains: from a certificate to one that is trusted ([RFC 5280 section 6], all of it).
//!
//! [`build`] tries every path that the certificates at hand allow, within a budget, and answers with the first that
//! holds; where none does, with every candidate and every reason against each, the most telling first. Whether a
//! certificate of the path was revoked is an answer of its own; a path against which nothing was found is preferred.
//!
//! [RFC 5280 section 6]: https://www.rfc-editor.org/rfc/rfc5280#section-6

use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::constraint::{self, Spent};
use crate::cert::extension::{ExtensionError, GeneralName, KeyUsage, NameConstraints};
use crate::cert::path::{Budget, Found, Search};
use crate::cert::policies::{PolicyInputs, PolicyOutcome};
use crate::cert::purpose::{self, Purpose, PurposeRule};
use crate::cert::revocation::{CertificateStatus, RevocationData, RevocationStatus, Wanted};
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
    /// The other inputs of RFC 5280 section 6.1.1.
    pub inputs: &'a PathInputs,
    /// Where to look up whether certificates were revoked; empty where that is not asked.
    pub revocation: &'a [&'a RevocationData],
    /// Whether the candidates that were given up are told where one holds, too.
    pub candidates: Candidates,
    /// The budget: `chain_depth`, `signature_checks`, `build_steps` and the like; and the sizes of keys.
    pub limits: &'a Limits,
}

/// Inputs of RFC 5280 section 6.1.1 that mail has no use for, and test suites have. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathInputs {
    /// Section 6.1.1 (c) and (e) to (g).
    pub policies: PolicyInputs,
    /// initial-permitted-subtrees and initial-excluded-subtrees.
    pub names: NameConstraints,
}

/// Which candidate paths are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Candidates {
    /// Those that failed, where none holds.
    #[default]
    OnFailure,
    /// Always.
    Always,
}

static NO_INPUTS: PathInputs = PathInputs {
    policies: PolicyInputs {
        acceptable: Vec::new(),
        explicit: crate::cert::policies::Initially::Unset,
        inhibit_mapping: crate::cert::policies::Initially::Unset,
        inhibit_any: crate::cert::policies::Initially::Unset,
    },
    names: NameConstraints { permitted: Vec::<GeneralName>::new(), excluded: Vec::<GeneralName>::new() },
};

impl<'a> ChainRequest<'a> {
    /// The plain question: is there a chain, for no purpose in particular, by the strict rule, revocation not asked?
    /// The other fields are set where more is wanted.
    pub fn new(leaf: &'a Certificate, trust: &'a Trust, at: Time, limits: &'a Limits) -> Self {
        Self {
            leaf,
            extra: &[],
            trust,
            at,
            purpose: Purpose::Any,
            rule: &PurposeRule::STRICT,
            inputs: &NO_INPUTS,
            revocation: &[],
            candidates: Candidates::default(),
            limits,
        }
    }
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
    /// Whether the certificates of the path were revoked, leaf first, the anchor left out; empty where there is no path
    /// that holds.
    pub statuses: Vec<CertificateStatus>,
    /// The policies that the path is valid for.
    pub policies: PolicyOutcome,
    /// Every path that was looked at with what speaks against it, the best first (see [`ChainRequest::candidates`]).
    pub candidates: Vec<Candidate>,
    /// What was missing, and where it is said to be.
    pub wanted: Vec<Wanted>,
}

/// A path that was looked at.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Leaf first, as far as it goes.
    pub path: Vec<Certificate>,
    /// Whether it ends with an anchor.
    pub end: PathEnd,
    /// What speaks against it, the leaf's own faults included; empty where it holds.
    pub reasons: Vec<Reason>,
}

/// Where a candidate path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEnd {
    /// With a trusted certificate.
    Anchor,
    /// With one whose issuer is not there, or not trusted.
    Nowhere,
}

impl ChainOutcome {
    /// The worst answer about the certificates of the path: revoked, then unknown, then unchecked, then good. Good
    /// where the path is an anchor alone, about which nobody is asked.
    pub fn revocation(&self) -> RevocationStatus {
        use RevocationStatus::{Good, Revoked, Unchecked, Unknown};
        if self.verdict != ChainVerdict::Anchored {
            return Unchecked;
        }
        let statuses = || self.statuses.iter().map(|one| &one.status);
        let first = |wanted: fn(&RevocationStatus) -> bool| statuses().find(|status| wanted(status)).cloned();
        first(|status| matches!(status, Revoked { .. }))
            .or_else(|| first(|status| matches!(status, Unknown(_))))
            .or_else(|| first(|status| *status == Unchecked))
            .unwrap_or(Good)
    }

    /// The same in sentences: who is revoked since when, or why that is not known.
    pub fn revocation_reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for one in &self.statuses {
            match &one.status {
                RevocationStatus::Revoked { at, reason } => {
                    let who = one.certificate.subject().brief();
                    let text = format!("the certificate of \"{who}\" is revoked since {at} ({reason})");
                    reasons.insert(0, Reason::new("revoked", text));
                }
                RevocationStatus::Unknown(whys) => reasons.extend(whys.iter().cloned()),
                RevocationStatus::Good | RevocationStatus::Unchecked => {}
            }
        }
        reasons
    }
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
/// let (alice, trust) = (read("alice.crt")?, Trust::new([read("root.crt")?]));
/// let limits = smime::Limits::default();
/// let outcome = build(&ChainRequest {
///     extra: &[read("issuing-ca.crt")?],
///     purpose: Purpose::Sign,
///     rule: &PurposeRule::LENIENT,
///     ..ChainRequest::new(&alice, &trust, "2026-11-24T08:00:00Z".parse()?, &limits)
/// });
/// if outcome.verdict != ChainVerdict::Anchored {
///     outcome.reasons.iter().for_each(|reason| println!("{}: {reason}", reason.code));
/// }
/// # Ok(()) }
/// ```
///
/// Reason codes: `no_anchors`, `path_budget`, `certificate_signature_invalid`, `unsupported_algorithm`, `unusable_key`,
/// `malformed_extension`, `untrusted_chain`, `issuer_not_found`, `not_a_ca`, `path_length_exceeded`,
/// `name_constraints`, `no_valid_policy`, `policy_mapping`, `unknown_critical_extension`, `certificate_expired`,
/// `certificate_not_yet_valid`, and those of [`purpose::fits`].
pub fn build(request: &ChainRequest<'_>) -> ChainOutcome {
    let leaf = leaf_reasons(request);
    let trusts_nobody = request.trust.anchors().is_empty();
    let mut search = Search::new(request, Budget::new(request.limits));
    let anchored = if trusts_nobody { None } else { search.anchored() };
    let holds = anchored.is_some();
    let mut candidates = Vec::new();
    if !holds || request.candidates == Candidates::Always {
        candidates = search.candidates();
        for candidate in &mut candidates {
            candidate.reasons.extend(leaf.iter().cloned());
            candidate.reasons.sort_by_key(|reason| rank(reason.code));
        }
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    let Found { path, statuses, wanted: about_status, policies, notes: about_lists } = match anchored {
        Some(found) => found,
        None => {
            let dead_ends = candidates.iter().filter(|c| c.reasons.iter().any(|r| r.code == "issuer_not_found"));
            for top in dead_ends.filter_map(|candidate| candidate.path.last()) {
                let issuer = Wanted::issuer_of(top);
                if !wanted.contains(&issuer) {
                    wanted.push(issuer);
                }
            }
            let path = candidates.first().map_or_else(|| vec![request.leaf.clone()], |best| best.path.clone());
            Found { path, ..Found::default() }
        }
    };
    wanted.extend(about_status);
    let mut reasons = match (holds, candidates.first()) {
        (false, Some(best)) => best.reasons.clone(),
        _ => leaf.clone(),
    };
    let verdict = if trusts_nobody {
        reasons.retain(|reason| !matches!(reason.code, "issuer_not_found" | "untrusted_chain"));
        let who = request.leaf.subject().brief();
        let text = format!("nothing is trusted: no anchors were given to judge the chain of \"{who}\" by");
        reasons.push(Reason::new("no_anchors", text));
        ChainVerdict::Unchecked
    } else if holds && leaf.is_empty() {
        ChainVerdict::Anchored
    } else if let (Some(budget), true, false) = (search.exhausted(), leaf.is_empty(), holds) {
        // SEC-105: where paths remain untried, nothing is known. A leaf that fails by itself fails on each of them.
        reasons.push(budget);
        ChainVerdict::Unchecked
    } else {
        ChainVerdict::Rejected
    };
    reasons.sort_by_key(|reason| rank(reason.code));
    let mut notes = purpose::notes(request.leaf, request.purpose, request.rule);
    notes.extend(weaknesses(&path, request));
    notes.extend(about_lists);
    if holds && candidates.iter().all(|candidate| candidate.path != path) {
        candidates.insert(0, Candidate { path: path.clone(), end: PathEnd::Anchor, reasons: leaf });
    }
    ChainOutcome { verdict, path, reasons, notes, statuses, policies, candidates, wanted }
}

/// The order in which reasons are told.
pub(super) fn rank(code: &str) -> usize {
    const ORDER: [&str; 15] = [
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
        "policy_mapping",
        "no_valid_policy",
        "unknown_critical_extension",
        "key_usage",
    ];
    ORDER.iter().position(|known| *known == code).unwrap_or(ORDER.len())
}

/// What any certificate of a path is held to, for those that sign lists and responses.
pub(super) fn leaf_faults(certificate: &Certificate, at: Time) -> Vec<Reason> {
    common_reasons(certificate, at)
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
                let holder = format!("the CA \"{}\"", who());
                reasons.extend(constraint::violation(&holder, constraints, certificate, comparisons)?);
            }
        }
    }
    Ok(reasons)
}

/// What the caller's own name constraints say against a path (RFC 5280 section 6.1.1 (h) and (i)).
pub(super) fn initial_reasons(
    request: &ChainRequest<'_>,
    path: &[&Certificate],
    comparisons: &mut usize,
) -> Result<Vec<Reason>, Spent> {
    let names = &request.inputs.names;
    let mut reasons = Vec::new();
    if names.permitted.is_empty() && names.excluded.is_empty() {
        return Ok(reasons);
    }
    let below_anchor = path.split_last().map(|(_, rest)| rest).unwrap_or_default();
    for (at, certificate) in below_anchor.iter().enumerate() {
        if at == 0 || !certificate.is_self_issued() {
            reasons.extend(constraint::violation("whoever asks", names, certificate, comparisons)?);
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
    // Policies are never ignored (SEC-110), whatever the extension says of itself.
    let decides = |error: &&ExtensionError| error.critical || POLICIES.contains(&error.oid);
    for error in certificate.extension_errors().iter().filter(decides) {
        reasons.push(malformed(&who, &error.oid, &error.error));
    }
    reasons
}

/// Extensions that decide about a whole path even where they are not critical.
const POLICIES: [ObjectIdentifier; 4] =
    [oid::CERTIFICATE_POLICIES, oid::POLICY_MAPPINGS, oid::POLICY_CONSTRAINTS, oid::INHIBIT_ANY_POLICY];

fn malformed(who: &str, oid: &ObjectIdentifier, error: &crate::asn1::Error) -> Reason {
    let what = crate::cert::extension::label(oid);
    Reason::new("malformed_extension", format!("the {what} extension of \"{who}\" is unreadable: {error}"))
}

/// Extensions that may be critical: those that are evaluated, and those that only help to find things.
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
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::FRESHEST_CRL,
];

/// Weak digests under the signatures of a path (that of the anchor is not looked at), and weak keys.
fn weaknesses(path: &[Certificate], request: &ChainRequest<'_>) -> Vec<Reason> {
    let mut notes = Vec::new();
    for certificate in path {
        let mut note = |weakness: Reason| {
            let who = certificate.subject().brief();
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
