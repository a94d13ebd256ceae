//! Certificate policies along a path (RFC 5280 section 6.1, with the graph of RFC 9618 in place of the tree, so that
//! mappings that multiply at each level cost no more than their number; SEC-110).

use crate::asn1::oid;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use const_oid::ObjectIdentifier;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The policy inputs of RFC 5280 section 6.1.1 (c) and (e) to (g). The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyInputs {
    /// user-initial-policy-set; empty for any-policy.
    pub acceptable: Vec<ObjectIdentifier>,
    /// initial-explicit-policy: whether the path must be valid for one of them.
    pub explicit: Initially,
    /// initial-policy-mapping-inhibit.
    pub inhibit_mapping: Initially,
    /// initial-any-policy-inhibit.
    pub inhibit_any: Initially,
}

/// Whether an indicator is set before the first certificate is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initially {
    /// Only if a certificate sets it.
    #[default]
    Unset,
    /// From the beginning.
    Set,
}

/// What the policies of a path come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyOutcome {
    /// authority-constrained-policy-set: what the CAs allow, in their own identifiers; anyPolicy stands for itself.
    pub authority: Vec<ObjectIdentifier>,
    /// user-constrained-policy-set: what of these is acceptable.
    pub user: Vec<ObjectIdentifier>,
}

/// Why the policies of a path do not hold.
pub(crate) enum Against {
    /// A reason against this path.
    Invalid(Reason),
    /// More nodes than the limit.
    Budget,
}

/// One policy that is valid at one depth of the path.
#[derive(Default)]
struct Node {
    /// Policies of the certificate below that it stands for.
    expected: BTreeSet<ObjectIdentifier>,
    /// Policies of the level above that it hangs from.
    parents: BTreeSet<ObjectIdentifier>,
}

type Level = BTreeMap<ObjectIdentifier, Node>;

/// valid_policy_graph.
struct Graph {
    levels: Vec<Level>,
    nodes: usize,
    most: usize,
}

/// Judges the policies of a path, leaf first and anchor last; the anchor's own say nothing (RFC 5280 section 6.1).
pub(crate) fn judge(path: &[&Certificate], inputs: &PolicyInputs, most: usize) -> Result<PolicyOutcome, Against> {
    let certificates: Vec<&Certificate> = path.split_last().map(|(_, rest)| rest).unwrap_or_default().to_vec();
    let n = certificates.len() as u64;
    let start = |indicator: Initially| if indicator == Initially::Set { 0 } else { n + 1 };
    let mut explicit = start(inputs.explicit);
    let mut mapping = start(inputs.inhibit_mapping);
    let mut any = start(inputs.inhibit_any);
    let root = Node { expected: BTreeSet::from([oid::ANY_POLICY]), parents: BTreeSet::new() };
    let mut graph = Graph { levels: vec![Level::from([(oid::ANY_POLICY, root)])], nodes: 1, most };
    for (at, certificate) in certificates.iter().rev().enumerate() {
        let is_leaf = at + 1 == certificates.len();
        let who = || certificate.subject().brief();
        // 6.1.3 (d), (e)
        let any_counts = any > 0 || (!is_leaf && certificate.is_self_issued());
        graph.descend(certificate.policies().unwrap_or_default(), any_counts)?;
        // 6.1.3 (f)
        if explicit == 0 && graph.is_null() {
            let stated = certificate
                .policies()
                .map_or_else(|| "states no policy".to_owned(), |policies| format!("states {}", list(policies)));
            let text =
                format!("the certificate of \"{}\" {stated}, and no policy is valid from the anchor down to it", who());
            return Err(Against::Invalid(Reason::new("no_valid_policy", text)));
        }
        let constraints = certificate.policy_constraints();
        if is_leaf {
            // 6.1.5 (a), (b)
            explicit = explicit.saturating_sub(1);
            if constraints.require_explicit == Some(0) {
                explicit = 0;
            }
            break;
        }
        // 6.1.4 (a), (b)
        let mappings = certificate.policy_mappings();
        if mappings.iter().any(|pair| pair.issuer == oid::ANY_POLICY || pair.subject == oid::ANY_POLICY) {
            let text = format!("the certificate of the CA \"{}\" maps anyPolicy, which RFC 5280 forbids", who());
            return Err(Against::Invalid(Reason::new("policy_mapping", text)));
        }
        if !mappings.is_empty() {
            let mut groups: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>> = BTreeMap::new();
            for pair in mappings {
                groups.entry(pair.issuer).or_default().insert(pair.subject);
            }
            graph.map(groups, mapping > 0)?;
        }
        // 6.1.4 (h), (i), (j)
        if !certificate.is_self_issued() {
            explicit = explicit.saturating_sub(1);
            mapping = mapping.saturating_sub(1);
            any = any.saturating_sub(1);
        }
        explicit = explicit.min(constraints.require_explicit.unwrap_or(u64::MAX));
        mapping = mapping.min(constraints.inhibit_mapping.unwrap_or(u64::MAX));
        any = any.min(certificate.inhibit_any_policy().unwrap_or(u64::MAX));
    }
    let outcome = graph.outcome(&inputs.acceptable);
    if explicit == 0 && outcome.user.is_empty() {
        let wanted = match inputs.acceptable.as_slice() {
            [] => "any".to_owned(),
            acceptable => list(acceptable),
        };
        let found = if outcome.authority.is_empty() { "none".to_owned() } else { list(&outcome.authority) };
        let text = format!("the chain is valid for no acceptable policy: acceptable is {wanted}, valid is {found}");
        return Err(Against::Invalid(Reason::new("no_valid_policy", text)));
    }
    Ok(outcome)
}

impl Graph {
    /// Whether no policy is left at the deepest level.
    fn is_null(&self) -> bool {
        self.levels.last().is_none_or(Level::is_empty)
    }

    fn spend(&mut self) -> Result<(), Against> {
        self.nodes += 1;
        if self.nodes > self.most { Err(Against::Budget) } else { Ok(()) }
    }

    /// RFC 9618 section 5.2 (RFC 5280 section 6.1.3 (d)).
    fn descend(&mut self, stated: &[ObjectIdentifier], any_counts: bool) -> Result<(), Against> {
        // Which nodes of the level above expect a policy.
        let mut expecting: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>> = BTreeMap::new();
        let above = self.levels.last();
        for (policy, node) in above.into_iter().flatten() {
            for expected in &node.expected {
                expecting.entry(*expected).or_default().insert(*policy);
            }
        }
        let any_above = above.is_some_and(|level| level.contains_key(&oid::ANY_POLICY));
        let mut level = Level::new();
        for policy in stated.iter().filter(|policy| **policy != oid::ANY_POLICY) {
            let parents = match expecting.get(policy) {
                Some(parents) => parents.clone(),
                None if any_above => BTreeSet::from([oid::ANY_POLICY]),
                None => continue,
            };
            self.spend()?;
            level.insert(*policy, Node { expected: BTreeSet::from([*policy]), parents });
        }
        if any_counts && stated.contains(&oid::ANY_POLICY) {
            for (policy, parents) in expecting {
                if let Entry::Vacant(slot) = level.entry(policy) {
                    self.spend()?;
                    slot.insert(Node { expected: BTreeSet::from([policy]), parents });
                }
            }
        }
        self.levels.push(level);
        Ok(())
    }

    /// RFC 9618 section 5.3 (RFC 5280 section 6.1.4 (b)).
    fn map(
        &mut self,
        groups: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>,
        allowed: bool,
    ) -> Result<(), Against> {
        for (issuer, subjects) in groups {
            let (count, most) = (self.nodes, self.most);
            let Some(level) = self.levels.last_mut() else { return Ok(()) };
            if !allowed {
                level.remove(&issuer);
            } else if let Some(node) = level.get_mut(&issuer) {
                node.expected = subjects;
            } else if level.contains_key(&oid::ANY_POLICY) {
                if count + subjects.len() > most {
                    return Err(Against::Budget);
                }
                level.insert(issuer, Node { expected: subjects, parents: BTreeSet::from([oid::ANY_POLICY]) });
                self.nodes = count + 1;
            }
        }
        Ok(())
    }

    /// RFC 5280 section 6.1.5 (g): from the leaf back up; a policy that hangs from anyPolicy is one in the words of
    /// whoever trusts the anchor.
    fn outcome(&self, acceptable: &[ObjectIdentifier]) -> PolicyOutcome {
        let Some(deepest) = self.levels.last() else { return PolicyOutcome::default() };
        let mut authority: BTreeSet<ObjectIdentifier> = BTreeSet::new();
        if deepest.contains_key(&oid::ANY_POLICY) {
            authority.insert(oid::ANY_POLICY);
        }
        let mut reached: BTreeSet<ObjectIdentifier> = deepest.keys().copied().collect();
        for level in self.levels.iter().rev() {
            let mut above = BTreeSet::new();
            for (policy, node) in level.iter().filter(|(policy, _)| reached.contains(*policy)) {
                if *policy != oid::ANY_POLICY && node.parents.contains(&oid::ANY_POLICY) {
                    authority.insert(*policy);
                }
                above.extend(node.parents.iter().copied());
            }
            reached = above;
        }
        let user = if acceptable.is_empty() {
            authority.clone()
        } else if authority.contains(&oid::ANY_POLICY) {
            acceptable.iter().copied().collect()
        } else {
            acceptable.iter().filter(|policy| authority.contains(*policy)).copied().collect()
        };
        PolicyOutcome { authority: authority.into_iter().collect(), user: user.into_iter().collect() }
    }
}

fn list(policies: &[ObjectIdentifier]) -> String {
    let mut names: Vec<String> = policies
        .iter()
        .take(8)
        .map(|policy| if *policy == oid::ANY_POLICY { "anyPolicy".to_owned() } else { policy.to_string() })
        .collect();
    if policies.len() > names.len() {
        names.push(format!("and {} more", policies.len() - names.len()));
    }
    names.join(", ")
}
