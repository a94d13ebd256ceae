//! What a caller demands of a message before its content is used, and whether a report meets it.

use super::report::{
    Address, Closed, Coverage, LayerKind, Readability, Report, Revocation, Signature, SignedLayer, Strength, Trust,
};
use crate::base::reason::Reason;
use crate::cert::revocation::RevocationMode;
use crate::cms::signer_info::Integrity;
use std::fmt;
use std::str::FromStr;

/// What is demanded. Each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// Nothing.
    None,
    /// No signature is broken; mail without signature passes.
    Unaltered,
    /// The whole message is covered, and every signature is intact.
    Signed,
    /// And the chain of every signature holds, with algorithms that are strong enough.
    Trusted,
    /// And every From address is in the certificate of the innermost signature.
    #[default]
    SignedBySender,
}

/// Why a requirement is not met; each has an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Nothing is signed, or not the whole: exit 3.
    NothingSigned,
    /// A signature does not fit its content: exit 4.
    Altered,
    /// The signer is not trusted, or not the sender: exit 5.
    NotTrusted,
    /// An encrypted layer stayed closed: exit 6.
    CannotDecrypt,
    /// A layer cannot be read: exit 8.
    Unreadable,
}

const NAMES: [(&str, Requirement); 5] = [
    ("none", Requirement::None),
    ("unaltered", Requirement::Unaltered),
    ("signed", Requirement::Signed),
    ("trusted", Requirement::Trusted),
    ("signed-by-sender", Requirement::SignedBySender),
];

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, r)| r == self).map_or("", |(name, _)| name))
    }
}

/// No requirement has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no requirement; there are {}", NAMES.map(|(name, _)| name).join(", "))]
pub struct UnknownRequirement {
    name: String,
}

impl FromStr for Requirement {
    type Err = UnknownRequirement;

    fn from_str(name: &str) -> Result<Self, UnknownRequirement> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, r)| *r).ok_or_else(|| UnknownRequirement { name: name.to_owned() })
    }
}

impl Requirement {
    /// Holds the report against this requirement.
    ///
    /// # Errors
    /// What falls short, the most telling reason first.
    pub fn judge(self, report: &Report, revocation: RevocationMode) -> Result<(), (Shortfall, Vec<Reason>)> {
        // Content behind a closed layer cannot be handed over, whatever is demanded of it. A broken signature around
        // the closed layer is told as well, but the closed layer decides.
        match &report.closed {
            Some(Closed::CannotDecrypt(reason)) => return Err((Shortfall::CannotDecrypt, vec![reason.clone()])),
            Some(Closed::Unreadable(reason)) => return Err((Shortfall::Unreadable, vec![reason.clone()])),
            None => {}
        }
        if self >= Self::Unaltered {
            unaltered(report)?;
        }
        if self >= Self::Signed {
            signed(report)?;
        }
        if self >= Self::Trusted {
            trusted(report, revocation)?;
        }
        if self >= Self::SignedBySender {
            by_sender(report)?;
        }
        Ok(())
    }
}

type Judgement = Result<(), (Shortfall, Vec<Reason>)>;

fn signatures(report: &Report) -> impl Iterator<Item = &Signature> {
    report.layers.iter().flat_map(|layer| match &layer.kind {
        LayerKind::Signed(signed) => signed.signatures.as_slice(),
        _ => &[],
    })
}

fn unaltered(report: &Report) -> Judgement {
    let altered: Vec<Reason> = collect(signatures(report).filter(|s| s.integrity == Integrity::Altered));
    if signatures(report).any(|s| s.integrity == Integrity::Altered) {
        return Err((Shortfall::Altered, altered));
    }
    for layer in &report.layers {
        if let LayerKind::Signed(SignedLayer { state: Readability::Unreadable, .. }) = &layer.kind {
            return Err((Shortfall::Unreadable, layer.reasons.clone()));
        }
    }
    Ok(())
}

fn signed(report: &Report) -> Judgement {
    let mut covering = report.covering_signatures().peekable();
    if covering.peek().is_none() {
        let partly = signatures(report).next().is_some();
        let reason = match (partly, report.layers.iter().any(|l| l.coverage == Coverage::Part)) {
            (true, _) => {
                Reason::new("covers_part_only", "only a part of the message is signed; the rest could be anybody's")
            }
            (false, true) => {
                Reason::new("not_signed", "nothing is signed; the message holds S/MIME parts beside other content")
            }
            (false, false) => Reason::new("not_signed", "the message is not signed"),
        };
        return Err((Shortfall::NothingSigned, vec![reason]));
    }
    // SEC-12: a SignedData without signers signs nothing.
    if covering.any(|layer| layer.signatures.is_empty()) {
        return Err((Shortfall::NothingSigned, vec![Reason::new("no_signers", "the signature has no signer")]));
    }
    let open: Vec<&Signature> = signatures(report).filter(|s| s.integrity != Integrity::Intact).collect();
    if !open.is_empty() {
        return Err((Shortfall::NotTrusted, collect(open.into_iter())));
    }
    Ok(())
}

fn trusted(report: &Report, mode: RevocationMode) -> Judgement {
    let fails = |s: &&Signature| {
        let revocation = match mode {
            RevocationMode::Off => true,
            RevocationMode::Soft => s.revocation != Revocation::Revoked,
            RevocationMode::Hard => s.revocation == Revocation::Good,
        };
        s.trust != Trust::Anchored || s.strength != Strength::Strong || !revocation
    };
    let failing: Vec<&Signature> = signatures(report).filter(fails).collect();
    if failing.is_empty() { Ok(()) } else { Err((Shortfall::NotTrusted, collect(failing.into_iter()))) }
}

/// The innermost covering signature speaks for the author; one signer of it must be every From mailbox (SEC-11, SEC-43,
/// SEC-48).
fn by_sender(report: &Report) -> Judgement {
    let innermost = report.covering_signatures().last();
    let matching = innermost.is_some_and(|layer| layer.signatures.iter().any(|s| s.address == Address::Matches));
    if matching {
        return Ok(());
    }
    let mut reasons = Vec::new();
    if report.mailboxes.from.is_empty() {
        reasons.push(Reason::new("no_from", "the message has no From address to compare with the certificate"));
    }
    reasons.extend(collect(innermost.into_iter().flat_map(|layer| layer.signatures.iter())));
    Err((Shortfall::NotTrusted, reasons))
}

fn collect<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for reason in signatures.flat_map(|s| &s.reasons) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    reasons
}
