//! The search behind [`chain`](crate::cert::chain): depth first over every path, within the budget of SEC-105.
//!
//! It runs twice at most. First for a path that holds, leaving each branch at its first fault, the cheap ones before
//! the signature. Where there is none, once more for the candidate that explains best what is wrong. A signature is
//! checked once and remembered.

use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainRequest};
use crate::cert::constraint::{COMPARISONS, Spent};
use crate::crypto;
use crate::crypto::algorithm::SignatureScheme;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// Candidates that the second run looks at.
const CANDIDATES: usize = 64;
/// No anchor can be reached.
const UNREACHABLE: usize = usize::MAX;

/// A path, and what speaks against it beyond the leaf itself.
pub(super) struct Found {
    pub(super) path: Vec<Certificate>,
    pub(super) reasons: Vec<Reason>,
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
    /// The leaf is the first.
    nodes: Vec<Node<'a>>,
    /// By subject.
    groups: HashMap<&'a [u8], Vec<usize>>,
    /// Possible issuers by node, the most promising first.
    issuers: HashMap<usize, Rc<[usize]>>,
    /// What the check of a signature gave, by certificate and issuer.
    signatures: HashMap<(usize, usize), Option<Reason>>,
    signature_checks: usize,
    steps: usize,
    comparisons: usize,
    exhausted: Option<(&'static str, usize)>,
    candidates: usize,
    best: Option<(Score, Found)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(request: &'a ChainRequest<'a>) -> Self {
        let mut search = Self {
            request,
            nodes: Vec::new(),
            groups: HashMap::new(),
            issuers: HashMap::new(),
            signatures: HashMap::new(),
            signature_checks: request.limits.signature_checks,
            steps: request.limits.build_steps,
            comparisons: COMPARISONS,
            exhausted: None,
            candidates: 0,
            best: None,
        };
        search.gather();
        search.measure();
        search
    }

    /// The first path to an anchor against which nothing speaks, the leaf's own faults aside.
    pub(super) fn anchored(&mut self) -> Option<Vec<Certificate>> {
        let mut path = vec![0];
        match self.climb(&mut path) {
            Ok(true) => Some(self.certificates(&path)),
            _ => None,
        }
    }

    /// The path that explains best why there is none.
    pub(super) fn best_candidate(&mut self) -> Found {
        let _ = self.explain(&mut vec![0], &mut Vec::new());
        let nothing = || Found { path: vec![self.request.leaf.clone()], reasons: Vec::new() };
        self.best.take().map_or_else(nothing, |(_, found)| found)
    }

    /// Which budget ended the search, where one did.
    pub(super) fn exhausted(&self) -> Option<Reason> {
        self.exhausted.map(|(what, most)| {
            let who = self.request.leaf.subject().brief();
            let text = format!("the search for a chain of \"{who}\" was given up: {what} may be at most {most}");
            Reason::new("path_budget", text)
        })
    }

    /// Collects every certificate that names alone connect with the leaf, upwards.
    fn gather(&mut self) {
        let request = self.request;
        let mut brought: HashMap<&[u8], Vec<&Certificate>> = HashMap::new();
        for certificate in request.extra {
            brought.entry(certificate.subject().canonical()).or_default().push(certificate);
        }
        let leaf = request.leaf;
        self.nodes.push(Node { certificate: leaf, anchor: request.trust.is_anchor(leaf), distance: UNREACHABLE });
        let mut seen: HashSet<&[u8]> = HashSet::from([leaf.der()]);
        let mut names = VecDeque::from([leaf.issuer().canonical()]);
        while let Some(name) = names.pop_front() {
            if self.groups.contains_key(name) {
                continue;
            }
            let anchors = request.trust.anchors_named(name).map(|certificate| (certificate, true));
            let extra = brought.get(name).into_iter().flatten().copied();
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
        let mut below: HashMap<&[u8], Vec<usize>> = HashMap::new();
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

    /// The first run: extends the path to an anchor; `false` where that is impossible from here.
    fn climb(&mut self, path: &mut Vec<usize>) -> Result<bool, Stop> {
        let Some((top, node)) = self.top(path) else { return Ok(false) };
        if node.anchor {
            return Ok(true);
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

    /// The second run: extends the path whatever speaks against it, and keeps the best that ends.
    fn explain(&mut self, path: &mut Vec<usize>, reasons: &mut Vec<Reason>) -> Result<(), Stop> {
        let Some((top, node)) = self.top(path) else { return Ok(()) };
        if node.anchor {
            return self.offer(path, reasons, true);
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
        if self.best.as_ref().is_none_or(|(best, _)| score < *best) {
            self.best = Some((score, Found { path: self.certificates(path), reasons: reasons.to_vec() }));
        }
        self.candidates += 1;
        if self.candidates < CANDIDATES { Ok(()) } else { Err(Stop) }
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
        let judged = chain::issuer_reasons(self.request, node.certificate, &below, node.anchor, &mut self.comparisons);
        if judged.is_err() {
            self.exhausted = Some(("comparisons of names with name constraints", COMPARISONS));
        }
        Ok(judged?)
    }

    /// What speaks against the signature under `issued` by the key of `issuer`.
    fn signature(&mut self, issued: usize, issuer: usize) -> Result<Option<Reason>, Stop> {
        if let Some(known) = self.signatures.get(&(issued, issuer)) {
            return Ok(known.clone());
        }
        let (Some(below), Some(above)) = (self.nodes.get(issued), self.nodes.get(issuer)) else { return Err(Stop) };
        let Some(left) = self.signature_checks.checked_sub(1) else {
            self.exhausted = Some(("signature_checks", self.request.limits.signature_checks));
            return Err(Stop);
        };
        self.signature_checks = left;
        let found = self.check(below.certificate, above.certificate);
        self.signatures.insert((issued, issuer), found.clone());
        Ok(found)
    }

    fn check(&self, issued: &Certificate, issuer: &Certificate) -> Option<Reason> {
        let checked = SignatureScheme::from_identifier(issued.signature_algorithm(), None).and_then(|scheme| {
            let key = issuer.public_key(self.request.limits)?;
            key.verify(&scheme, issued.tbs(), issued.signature())
        });
        let error = checked.err()?;
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
        match self.steps.checked_sub(1) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.exhausted = Some(("build_steps", self.request.limits.build_steps));
                Err(Stop)
            }
        }
    }
}
