//! Distribution groups: who is behind an address that is a list (OUT-34). Groups are expanded before certificates are
//! looked up, groups in groups too; a cycle is broken, and each address stands once.

use crate::base::address::{EmailAddress, LocalPart};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use std::collections::HashSet;

/// Where the members of groups are known.
pub trait Groups {
    /// Who is behind an address.
    fn members(&self, address: &EmailAddress) -> Membership;
}

/// What is known of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is no group, but somebody's own.
    NotAGroup,
    /// It is a group of these.
    Members(Vec<EmailAddress>),
    /// It cannot be said, or not in time (OUT-85), and this is why. The message is not sent then.
    Unreachable(String),
}

/// No address is a group.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoGroups;

/// An address to look up certificates for, or one that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// Whose.
    pub address: EmailAddress,
    /// The groups that lead to it, the one that the message names first; empty where it is named itself.
    pub via: Vec<EmailAddress>,
    /// `group_unreachable`, `group_empty` or `too_many_recipients`: why nobody can be written to under it.
    pub failure: Option<Reason>,
}

/// The people behind addresses, in the order of the addresses. What stands in several groups is there once, by the first
/// of the ways that lead to it; a group within itself adds nobody.
pub fn expand(addresses: &[EmailAddress], groups: &dyn Groups, local: LocalPart, limits: &Limits) -> Vec<Expanded> {
    let mut seen: HashSet<EmailAddress> = HashSet::new();
    let mut found: Vec<Expanded> = Vec::new();
    let mut waiting: Vec<(EmailAddress, Vec<EmailAddress>)> =
        addresses.iter().rev().map(|address| (address.clone(), Vec::new())).collect();
    while let Some((address, via)) = waiting.pop() {
        if !seen.insert(address.folded(local)) {
            continue;
        }
        let mut end = |failure: Option<Reason>, address: EmailAddress, via: Vec<EmailAddress>| {
            found.push(Expanded { address, via, failure });
        };
        if seen.len() > limits.recipients {
            let text = format!("there are more than {} recipients and groups", limits.recipients);
            end(Some(Reason::new("too_many_recipients", text)), address, via);
            break;
        }
        match groups.members(&address) {
            Membership::NotAGroup => end(None, address, via),
            Membership::Members(members) if members.is_empty() => {
                end(Some(Reason::new("group_empty", "the group has no members")), address, via);
            }
            Membership::Members(_) if via.len() == MOST_NESTED => {
                let text = format!("groups are nested more than {MOST_NESTED} deep");
                end(Some(Reason::new("too_many_recipients", text)), address, via);
            }
            Membership::Members(members) => {
                let members: Vec<_> = members.into_iter().filter(|one| !seen.contains(&one.folded(local))).collect();
                if waiting.len().saturating_add(members.len()) > limits.recipients.saturating_mul(4) {
                    let text = format!("the groups have far more than {} members", limits.recipients);
                    end(Some(Reason::new("too_many_recipients", text)), address, via);
                    break;
                }
                let mut path = via;
                path.push(address);
                waiting.extend(members.into_iter().rev().map(|member| (member, path.clone())));
            }
            Membership::Unreachable(why) => {
                let text = format!("the members of the group could not be found out: {why}");
                end(Some(Reason::new("group_unreachable", text)), address, via);
            }
        }
    }
    found
}

/// Groups in groups; Exchange's own expansion goes on for as long as it has time.
const MOST_NESTED: usize = 32;

impl Groups for NoGroups {
    fn members(&self, _: &EmailAddress) -> Membership {
        Membership::NotAGroup
    }
}

/// Groups at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupList {
    groups: Vec<(EmailAddress, Vec<EmailAddress>)>,
}

/// What is wrong with a list of groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct GroupError {
    /// Which line, from 1 on.
    pub line: usize,
    /// What stands there.
    pub why: String,
}

impl GroupList {
    /// Adds a group; more members where it is there already.
    pub fn add(&mut self, group: EmailAddress, members: Vec<EmailAddress>) {
        match self.groups.iter_mut().find(|(known, _)| known.same(&group, LocalPart::IgnoreAsciiCase)) {
            Some((_, known)) => known.extend(members),
            None => self.groups.push((group, members)),
        }
    }

    /// The groups with their members.
    pub fn all(&self) -> &[(EmailAddress, Vec<EmailAddress>)] {
        &self.groups
    }

    /// Reads text in the manner of /etc/aliases: `group@example.com: one@example.com, two@example.com`. A line that begins
    /// with a blank goes on with the one before it; `#` begins a comment.
    ///
    /// # Errors
    /// [`GroupError`]: what is not understood is told, since whoever is left out of a group gets nothing.
    pub fn parse(text: &str) -> Result<Self, GroupError> {
        let mut list = Self::default();
        let mut open: Option<EmailAddress> = None;
        for (number, line) in text.lines().enumerate() {
            let fail = |why: String| GroupError { line: number + 1, why };
            let line = line.split_once('#').map_or(line, |(before, _)| before);
            if line.trim().is_empty() {
                continue;
            }
            let address = |text: &str| text.parse::<EmailAddress>().map_err(|error| fail(error.to_string()));
            let members = match (line.starts_with([' ', '\t']), line.split_once(':')) {
                (true, _) => line,
                (false, Some((group, members))) => {
                    open = Some(address(group)?);
                    members
                }
                (false, None) => return Err(fail("it is no group: a colon belongs after its address".to_owned())),
            };
            let group = open.clone().ok_or_else(|| fail("it goes on with a group, and there is none".to_owned()))?;
            let members = members.split(',').map(str::trim).filter(|text| !text.is_empty());
            list.add(group, members.map(address).collect::<Result<_, _>>()?);
        }
        Ok(list)
    }
}

impl Groups for GroupList {
    fn members(&self, address: &EmailAddress) -> Membership {
        let same = |(group, _): &&(EmailAddress, Vec<EmailAddress>)| group.same(address, LocalPart::IgnoreAsciiCase);
        match self.groups.iter().find(same) {
            Some((_, members)) => Membership::Members(members.clone()),
            None => Membership::NotAGroup,
        }
    }
}
