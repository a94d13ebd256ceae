//! The search behind [`chain`](crate::cert::chain): depth first over every path, within the budget of SEC-105.
//!
//! It runs twice at most. First for a path that holds, leaving each branch at its first fault, the cheap ones before
//! the signature; of several that hold, one whose certificates are known not to be revoked is preferred. Where there is
//! none, once more for the candidates that explain what is wrong. A signature is checked once and remembered.

use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, Candidate, ChainRequest, PathEnd};
use crate::cert::constraint::Spent;
use crate::cert::policies::{self, Against, PolicyOutcome};
use crate::cert::revocation::{self, CertificateStatus, RevocationStatus, Wanted};
use crate::crypto;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Candidates that the second run looks at.
const CANDIDATES: usize = 64;
/// Paths that hold, of which the certificates are looked up before the best so far is taken.
const ALTERNATIVES: usize = 8;
/// So many certificates are compared each with each.
const FEW: usize = 8;
/// No anchor can be reached.
const UNREACHABLE: usize = usize::MAX;

/// A path that holds, the leaf's own faults aside.
#[derive(Default)]
pub(super) struct Found {
    pub(super) path: Vec<Certificate>,
    pub(super) statuses: Vec<CertificateStatus>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) policies: PolicyOutcome,
    pub(super) notes: Vec<Reason>,
}

impl Found {
    /// How much is known against its certificates: the least is the best.
    fn doubt(&self) -> usize {
        let doubt = |one: &CertificateStatus| match one.status {
            RevocationStatus::Good => 0,
            RevocationStatus::Unchecked | RevocationStatus::Unknown(_) => 1,
            RevocationStatus::Revoked { .. } => 2,
        };
        self.statuses.iter().map(doubt).max().unwrap_or(0)
    }
}

/// What is left to spend (SEC-105, SEC-106).
#[derive(Default)]
pub(super) struct Budget {
    signature_checks: usize,
    steps: usize,
    comparisons: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            signature_checks: limits.signature_checks,
            steps: limits.build_steps,
            comparisons: limits.name_comparisons,
        }
    }

    /// Whether there was one more to spend.
    pub(super) fn spend_signature(&mut self) -> bool {
        let left = self.signature_checks.checked_sub(1);
        self.signature_checks = left.unwrap_or(0);
        left.is_some()
    }
}

/// One certificate that may stand in the path.
struct Node<'a> {
    certificate: &'a Certificate,
    anchor: bool,
    /// Certificates between this one and the nearest anchor, by names alone.
    distance: usize,
}

/// The budget is spent.
struct Stop;

impl From<Spent> for Stop {
    fn from(_: Spent) -> Self {
        Self
    }
}

/// The least is the best: anchored, with little against it, and long.
type Score = (bool, usize, Reverse<usize>);

pub(super) struct Search<'a> {
    request: &'a ChainRequest<'a>,
    /// The only anchor that counts, where a path must end with that of another.
    only: Option<&'a Certificate>,
    /// Certificates whose status depends on this search.
    pending: Vec<Certificate>,
    /// The leaf is the first.
    nodes: Vec<Node<'a>>,
    /// By subject.
    groups: BTreeMap<&'a [u8], Vec<usize>>,
    /// Possible issuers by node, the most promising first.
    issuers: BTreeMap<usize, Rc<[usize]>>,
    /// What the check of a signature gave, by certificate and issuer.
    signatures: BTreeMap<(usize, usize), Option<Reason>>,
    budget: Budget,
    exhausted: Option<(&'static str, usize)>,
    found: Option<Found>,
    alternatives: usize,
    offered: Vec<(Score, Candidate)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(request: &'a ChainRequest<'a>, budget: Budget) -> Self {
        Self {
            request,
            only: None,
            pending: Vec::new(),
            nodes: Vec::new(),
            groups: BTreeMap::new(),
            issuers: BTreeMap::new(),
            signatures: BTreeMap::new(),
            budget,
            exhausted: None,
            found: None,
            alternatives: ALTERNATIVES,
            offered: Vec::new(),
        }
    }

    /// Only this anchor counts.
    pub(super) fn only(self, anchor: &'a Certificate) -> Self {
        Self { only: Some(anchor), ..self }
    }

    /// The status of these certificates is being asked for already.
    pub(super) fn pending(self, pending: &[Certificate]) -> Self {
        Self { pending: pending.to_vec(), ..self }
    }

    /// What is left to spend.
    pub(super) fn into_budget(self) -> Budget {
        self.budget
    }

    /// A path to an anchor against which nothing speaks, the leaf's own faults aside.
    pub(super) fn anchored(&mut self) -> Option<Found> {
        self.prepare();
        let _ = self.climb(&mut vec![0]);
        self.found.take()
    }

    /// The paths that explain why there is none, the best first.
    pub(super) fn candidates(&mut self) -> Vec<Candidate> {
        self.prepare();
        let _ = self.explain(&mut vec![0], &mut Vec::new());
        self.offered.sort_by_key(|(score, _)| *score);
        self.offered.drain(..).map(|(_, candidate)| candidate).collect()
    }

    /// Which budget ended the search, where one did.
    pub(super) fn exhausted(&self) -> Option<Reason> {
        self.exhausted.map(|(what, most)| {
            let who = self.request.leaf.subject().brief();
            let text = format!("the search for a chain of \"{who}\" was given up: {what} may be at most {most}");
            Reason::new("path_budget", text)
        })
    }

    fn prepare(&mut self) {
        if self.nodes.is_empty() {
            self.gather();
            self.measure();
        }
    }

    fn is_anchor(&self, certificate: &Certificate) -> bool {
        match self.only {
            Some(only) => only == certificate,
            None => self.request.trust.is_anchor(certificate),
        }
    }

    /// Collects every certificate that names alone connect with the leaf, upwards.
    fn gather(&mut self) {
        let request = self.request;
        // By subject, and those of one subject in the order in which they came.
        let mut brought: Vec<&Certificate> = request.extra.iter().collect();
        brought.sort_by_key(|certificate| certificate.subject().canonical());
        let leaf = request.leaf;
        self.nodes.push(Node { certificate: leaf, anchor: self.is_anchor(leaf), distance: UNREACHABLE });
        let mut seen: BTreeSet<&[u8]> = BTreeSet::from([leaf.der()]);
        let mut names = VecDeque::from([leaf.issuer().canonical()]);
        while let Some(name) = names.pop_front() {
            if self.groups.contains_key(name) {
                continue;
            }
            let only = self.only;
            let counts = |certificate: &Certificate| only.is_none_or(|only| only == certificate);
            let anchors = request.trust.anchors_named(name).map(|certificate| (certificate, counts(certificate)));
            let first = brought.partition_point(|certificate| certificate.subject().canonical() < name);
            let named = brought.iter().skip(first).take_while(|certificate| certificate.subject().canonical() == name);
            let extra = named.copied();
            let others = extra.chain(request.trust.intermediates_named(name)).map(|certificate| (certificate, false));
            let mut group = Vec::new();
            for (certificate, anchor) in anchors.chain(others) {
                if seen.insert(certificate.der()) {
                    group.push(self.nodes.len());
                    self.nodes.push(Node { certificate, anchor, distance: UNREACHABLE });
                    names.push_back(certificate.issuer().canonical());
                }
            }
            self.groups.insert(name, group);
        }
    }

    /// Finds each node's distance from the anchors, so that no step is spent where none can be reached.
    fn measure(&mut self) {
        if self.nodes.len() <= FEW {
            return self.measure_few();
        }
        let mut below: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for (at, node) in self.nodes.iter_mut().enumerate() {
            below.entry(node.certificate.issuer().canonical()).or_default().push(at);
            if node.anchor {
                node.distance = 0;
                queue.push_back(at);
            }
        }
        while let Some(at) = queue.pop_front() {
            let Some((name, distance)) =
                self.nodes.get(at).map(|node| (node.certificate.subject().canonical(), node.distance))
            else {
                continue;
            };
            // Each name is reached first over the shortest way; later ones find nothing left.
            for issued in below.remove(name).into_iter().flatten() {
                if let Some(node) = self.nodes.get_mut(issued).filter(|node| node.distance == UNREACHABLE) {
                    node.distance = distance + 1;
                    queue.push_back(issued);
                }
            }
        }
    }

    /// The same for so few that comparing each with each takes less than putting them in order.
    fn measure_few(&mut self) {
        self.nodes.iter_mut().filter(|node| node.anchor).for_each(|node| node.distance = 0);
        for distance in 1..=self.nodes.len() {
            let reached = |certificate: &Certificate, nodes: &[Node<'_>]| {
                let issues = |node: &Node<'_>| node.certificate.subject().same(certificate.issuer());
                nodes.iter().any(|node| node.distance == distance - 1 && issues(node))
            };
            let near: [bool; FEW] = std::array::from_fn(|at| {
                let node = self.nodes.get(at).filter(|node| node.distance == UNREACHABLE);
                node.is_some_and(|node| reached(node.certificate, &self.nodes))
            });
            if near.iter().all(|near| !near) {
                return;
            }
            for (node, near) in self.nodes.iter_mut().zip(near) {
                if near {
                    node.distance = distance;
                }
            }
        }
    }

    /// The first run: extends the path to an anchor; `false` where no better one can be reached from here.
    fn climb(&mut self, path: &mut Vec<usize>) -> Result<bool, Stop> {
        let Some((top, node)) = self.top(path) else { return Ok(false) };
        if node.anchor {
            return self.complete(path);
        }
        for candidate in self.issuers_of(top).iter().copied() {
            self.step()?;
            let distance = self.nodes.get(candidate).map_or(UNREACHABLE, |node| node.distance);
            if distance == UNREACHABLE || self.closes_a_loop(path, candidate) {
                continue;
            }
            if path.len().saturating_add(1).saturating_add(distance) > self.request.limits.chain_depth {
                self.exhausted.get_or_insert(("chain_depth", self.request.limits.chain_depth));
                continue;
            }
            if !self.issuer_reasons(path, candidate)?.is_empty() || self.signature(top, candidate)?.is_some() {
                continue;
            }
            path.push(candidate);
            if self.climb(path)? {
                return Ok(true);
            }
            path.pop();
        }
        Ok(false)
    }

    /// What concerns a whole path: the caller's constraints, policies, and what was revoked. `true` where it will do.
    fn complete(&mut self, path: &[usize]) -> Result<bool, Stop> {
        let (path, against, policies) = self.whole_path(path)?;
        if !against.is_empty() {
            return Ok(false);
        }
        let examined = revocation::examine(self.request, &path, &self.pending);
        let found =
            Found { path, statuses: examined.statuses, wanted: examined.wanted, policies, notes: examined.notes };
        let enough = self.request.revocation.is_empty() || found.doubt() == 0;
        if self.found.as_ref().is_none_or(|best| found.doubt() < best.doubt()) {
            self.found = Some(found);
        }
        self.alternatives = self.alternatives.saturating_sub(1);
        if self.alternatives == 0 { Err(Stop) } else { Ok(enough) }
    }

    fn whole_path(&mut self, path: &[usize]) -> Result<(Vec<Certificate>, Vec<Reason>, PolicyOutcome), Stop> {
        for _ in path {
            self.step()?;
        }
        let (complete, mut against) = self.inherit(path)?;
        let certificates: Vec<&Certificate> = complete.iter().collect();
        match chain::initial_reasons(self.request, &certificates, &mut self.budget.comparisons) {
            Ok(reasons) => against.extend(reasons),
            Err(spent) => {
                self.exhausted =
                    Some(("comparisons of names with name constraints", self.request.limits.name_comparisons));
                return Err(spent.into());
            }
        }
        let most = self.request.limits.policy_nodes;
        match policies::judge(&certificates, &self.request.inputs.policies, most) {
            Ok(outcome) => return Ok((complete, against, outcome)),
            Err(Against::Invalid(reason)) => against.push(reason),
            Err(Against::Budget) => {
                // SEC-110: this path is given up; others are tried, and where none holds, nothing is known.
                self.exhausted = Some(("nodes of the policy graph", most));
                let text = format!("the certificate policies of the chain make more than {most} nodes");
                against.push(Reason::new("policy_budget", text));
            }
        }
        Ok((complete, against, PolicyOutcome::default()))
    }

    /// The certificates of a path, those whose DSA key says no parameters with what they inherit: RFC 5280 section 6.1.4
    /// (d) to (f), from the anchor down. The signatures by such keys, which could not be checked on the way up, are
    /// checked here, for each path anew.
    fn inherit(&mut self, path: &[usize]) -> Result<(Vec<Certificate>, Vec<Reason>), Stop> {
        let mut certificates = self.certificates(path);
        let mut against = Vec::new();
        if !certificates.iter().any(Certificate::lacks_parameters) {
            return Ok((certificates, against));
        }
        let mut complete: Vec<Certificate> = Vec::with_capacity(certificates.len());
        while let Some(mut certificate) = certificates.pop() {
            if let Some(issuer) = complete.last() {
                if issuer.lacks_parameters() {
                    self.spend_signature()?;
                    against.extend(self.check(&certificate, issuer));
                }
                if certificate.lacks_parameters()
                    && let Ok(key) = issuer.public_key(self.request.limits)
                {
                    match certificate.below(&key) {
                        Ok(with_parameters) => certificate = with_parameters,
                        Err(error) => {
                            let text =
                                format!("the key of \"{}\" cannot be used: {error}", certificate.subject().brief());
                            against.push(Reason::new("unusable_key", text));
                        }
                    }
                }
            }
            if complete.is_empty() && certificate.lacks_parameters() {
                // Whatever key it was read as, nobody trusted said so.
                let who = certificate.subject().brief();
                let text = format!("the trusted certificate of \"{who}\" says no parameters for its DSA key");
                against.push(Reason::new("unusable_key", text));
            }
            complete.push(certificate);
        }
        complete.reverse();
        Ok((complete, against))
    }

    /// The second run: extends the path whatever speaks against it, and keeps the best that ends.
    fn explain(&mut self, path: &mut Vec<usize>, reasons: &mut Vec<Reason>) -> Result<(), Stop> {
        let Some((top, node)) = self.top(path) else { return Ok(()) };
        if node.anchor {
            let known = reasons.len();
            if let Ok((_, against, _)) = self.whole_path(path) {
                reasons.extend(against);
            }
            let offered = self.offer(path, reasons, true);
            reasons.truncate(known);
            return offered;
        }
        if path.len() >= self.request.limits.chain_depth {
            let most = self.request.limits.chain_depth;
            let text = format!("the chain leads to no trusted certificate within {most} certificates");
            reasons.push(Reason::new("untrusted_chain", text));
            self.offer(path, reasons, false)?;
            reasons.pop();
            return Ok(());
        }
        let (mut extended, mut strangers) = (false, 0);
        for candidate in self.issuers_of(top).iter().copied() {
            let judged = self.step().and_then(|()| {
                if self.closes_a_loop(path, candidate) {
                    return Ok(None);
                }
                let mut against: Vec<Reason> = self.signature(top, candidate)?.into_iter().collect();
                // Another CA of the same name explains nothing.
                if !against.is_empty() && self.is_stranger(top, candidate) {
                    strangers += 1;
                    return Ok(None);
                }
                against.extend(self.issuer_reasons(path, candidate)?);
                Ok(Some(against))
            });
            let Ok(judged) = judged else {
                let _ = self.offer(path, reasons, false);
                return Err(Stop);
            };
            if let Some(against) = judged {
                let known = reasons.len();
                reasons.extend(against);
                path.push(candidate);
                extended = true;
                self.explain(path, reasons)?;
                path.pop();
                reasons.truncate(known);
            }
        }
        if !extended {
            reasons.extend(self.dead_end(top, strangers));
            self.offer(path, reasons, false)?;
            reasons.pop();
        }
        Ok(())
    }

    /// Why a path ends at a certificate that is no anchor.
    fn dead_end(&self, top: usize, strangers: usize) -> Option<Reason> {
        let certificate = self.nodes.get(top)?.certificate;
        let who = certificate.subject().brief();
        if certificate.is_self_issued() {
            let text = format!("the chain ends with \"{who}\", which is self-issued and not among the trusted ones");
            return Some(Reason::new("untrusted_chain", text));
        }
        let issuer = certificate.issuer().brief();
        let others = match strangers {
            0 => String::new(),
            1 => "; one of that name is there, with another key".to_owned(),
            n => format!("; {n} of that name are there, with other keys"),
        };
        let text = format!("the certificate of \"{issuer}\", who issued that of \"{who}\", is not there{others}");
        Some(Reason::new("issuer_not_found", text))
    }

    fn offer(&mut self, path: &[usize], reasons: &[Reason], anchored: bool) -> Result<(), Stop> {
        let weight = reasons.iter().map(|reason| if reason.code == "certificate_signature_invalid" { 3 } else { 1 });
        let score = (!anchored, weight.sum(), Reverse(path.len()));
        let end = if anchored { PathEnd::Anchor } else { PathEnd::Nowhere };
        let candidate = Candidate { path: self.certificates(path), end, reasons: reasons.to_vec() };
        self.offered.push((score, candidate));
        if self.offered.len() < CANDIDATES { Ok(()) } else { Err(Stop) }
    }

    fn top(&self, path: &[usize]) -> Option<(usize, &Node<'a>)> {
        let top = *path.last()?;
        self.nodes.get(top).map(|node| (top, node))
    }

    fn certificates(&self, path: &[usize]) -> Vec<Certificate> {
        path.iter().filter_map(|at| self.nodes.get(*at)).map(|node| node.certificate.clone()).collect()
    }

    /// Possible issuers: those whose key identifier is not another one first, then near anchors, then the likely ones.
    fn issuers_of(&mut self, top: usize) -> Rc<[usize]> {
        if let Some(known) = self.issuers.get(&top) {
            return Rc::clone(known);
        }
        let Some(certificate) = self.nodes.get(top).map(|node| node.certificate) else { return Rc::from([]) };
        let mut group = self.groups.get(certificate.issuer().canonical()).cloned().unwrap_or_default();
        group.sort_by_cached_key(|at| {
            let key = self.key_identifiers(top, *at);
            self.nodes.get(*at).map(|node| {
                let issuer = node.certificate;
                let ca = issuer.basic_constraints().is_some_and(|constraints| constraints.ca);
                (
                    key == Some(false),
                    node.distance,
                    key.is_none(),
                    !issuer.is_valid_at(self.request.at),
                    !ca,
                    Reverse(issuer.not_before()),
                )
            })
        });
        let group: Rc<[usize]> = group.into();
        self.issuers.insert(top, Rc::clone(&group));
        group
    }

    /// Whether the authority key identifier of the one is the subject key identifier of the other; `None` where one of
    /// the two has none. It guides the search and decides nothing (RFC 5280 section 4.2.1.1).
    fn key_identifiers(&self, issued: usize, issuer: usize) -> Option<bool> {
        let wanted = self.nodes.get(issued)?.certificate.authority_key_identifier()?;
        let found = self.nodes.get(issuer)?.certificate.subject_key_identifier()?;
        Some(wanted == found)
    }

    fn is_stranger(&self, issued: usize, issuer: usize) -> bool {
        let reachable = self.nodes.get(issuer).is_some_and(|node| node.distance != UNREACHABLE);
        !reachable || self.key_identifiers(issued, issuer) == Some(false)
    }

    /// The same name with the same key need not stand in a path twice (RFC 4158 section 2.4.2).
    fn closes_a_loop(&self, path: &[usize], candidate: usize) -> bool {
        let Some(node) = self.nodes.get(candidate) else { return true };
        path.iter().filter_map(|at| self.nodes.get(*at)).any(|other| {
            other.certificate.subject().same(node.certificate.subject())
                && other.certificate.spki() == node.certificate.spki()
        })
    }

    fn issuer_reasons(&mut self, path: &[usize], candidate: usize) -> Result<Vec<Reason>, Stop> {
        let Some(node) = self.nodes.get(candidate) else { return Err(Stop) };
        let below: Vec<&Certificate> =
            path.iter().filter_map(|at| self.nodes.get(*at)).map(|node| node.certificate).collect();
        let comparisons = &mut self.budget.comparisons;
        let judged = chain::issuer_reasons(self.request, node.certificate, &below, node.anchor, comparisons);
        if judged.is_err() {
            let most = self.request.limits.name_comparisons;
            self.exhausted = Some(("comparisons of names with name constraints", most));
        }
        Ok(judged?)
    }

    /// What speaks against the signature under `issued` by the key of `issuer`; nothing yet, where that key is complete
    /// only within a whole path (see [`inherit`](Self::inherit)).
    fn signature(&mut self, issued: usize, issuer: usize) -> Result<Option<Reason>, Stop> {
        if let Some(known) = self.signatures.get(&(issued, issuer)) {
            return Ok(known.clone());
        }
        let (Some(below), Some(above)) = (self.nodes.get(issued), self.nodes.get(issuer)) else { return Err(Stop) };
        let (below, above) = (below.certificate, above.certificate);
        if above.lacks_parameters() {
            return Ok(None);
        }
        self.spend_signature()?;
        let found = self.check(below, above);
        self.signatures.insert((issued, issuer), found.clone());
        Ok(found)
    }

    fn spend_signature(&mut self) -> Result<(), Stop> {
        if self.budget.spend_signature() {
            return Ok(());
        }
        self.exhausted = Some(("signature_checks", self.request.limits.signature_checks));
        Err(Stop)
    }

    fn check(&self, issued: &Certificate, issuer: &Certificate) -> Option<Reason> {
        let error = issued.signed_by(issuer, self.request.limits).err()?;
        let code = match &error {
            crypto::Error::UnsupportedAlgorithm { .. }
            | crypto::Error::Parameters { .. }
            | crypto::Error::AlgorithmMismatch { .. } => "unsupported_algorithm",
            crypto::Error::KeySize { .. } | crypto::Error::BadKey { .. } | crypto::Error::Asn1(_) => "unusable_key",
            _ => "certificate_signature_invalid",
        };
        let (who, by) = (issued.subject().brief(), issuer.subject().brief());
        let text = match code {
            "certificate_signature_invalid" => {
                format!("the certificate of \"{who}\" was altered, or not signed by \"{by}\": {error}")
            }
            _ => format!("the signature of \"{by}\" under the certificate of \"{who}\" cannot be checked: {error}"),
        };
        Some(Reason::new(code, text))
    }

    fn step(&mut self) -> Result<(), Stop> {
        match self.budget.steps.checked_sub(1) {
            Some(left) => {
                self.budget.steps = left;
                Ok(())
            }
            None => {
                self.exhausted = Some(("build_steps", self.request.limits.build_steps));
                Err(Stop)
            }
        }
    }
}
