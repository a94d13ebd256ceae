//! `smime certs`: certificates without a message; here `verify`, and `select` in a file of its own.

use crate::args::{Certs, CertsCommand, CertsVerify};
use crate::console::Console;
use crate::failure::{Outcome, exit};
use crate::output::{self, Existing, Readers};
use crate::policies::decided;
use crate::{explain, render, select, store, time};
use clap::ArgMatches;
use serde_json::json;
use smime::base::reason::Reason;
use smime::cert::chain::{Candidates, ChainOutcome, ChainRequest, ChainVerdict, PathInputs};
use smime::cert::extension::NameConstraints;
use smime::cert::mailbox::{AddressMatch, Mailboxes, speaks_for};
use smime::cert::policies::{Initially, PolicyInputs};
use smime::cert::purpose::{self, Purpose};
use smime::cert::revocation::RevocationStatus;
use smime::cert::status::ValidationStatus;
use smime::{Certificate, Policy, RevocationData, RevocationMode};
use std::fmt::Write;

pub(crate) fn run(args: &Certs, order: &ArgMatches, console: Console) -> Outcome {
    match &args.command {
        CertsCommand::Verify(args) => verify(args, console),
        CertsCommand::Select(args) => {
            let order = order.subcommand().map_or(order, |(_, inner)| inner);
            select::run(args, order, console)
        }
    }
}

fn verify(args: &CertsVerify, console: Console) -> Outcome {
    let (leaf, mut extra) = store::leaf(&args.certificate, console)?;
    extra.extend(store::certificates(&args.chain, console)?);
    let at = time(args.at);
    let mut trust = store::trust(&args.trust, at, console)?;
    store::anchors(&args.anchor, at, console)?.into_iter().for_each(|anchor| trust.add_anchor(anchor));
    let lists = store::revocation(&args.lists.crls, console)?;
    let network = args.fetching.network(None)?;
    let nothing = args.lists.crls.is_empty() && network.is_off();
    let default = if nothing { RevocationMode::Off } else { RevocationMode::Hard };
    let policy = Policy::new(args.profile);
    let mode = args.lists.revocation.unwrap_or(default);
    decided("--revocation", args.lists.revocation.is_some_and(|mode| mode < policy.least_revocation))?;
    let mode = mode.max(policy.least_revocation);
    let inputs = inputs(args);
    let sources: [&RevocationData; 1] = [&lists];
    let request = ChainRequest {
        extra: &extra,
        purpose: args.purpose,
        rule: &policy.purpose_rule,
        inputs: &inputs,
        revocation: if mode == RevocationMode::Off { &[] } else { &sources },
        candidates: if args.explain { Candidates::Always } else { Candidates::OnFailure },
        ..ChainRequest::new(&leaf, &trust, at, &policy.limits)
    };
    let outcome = network.build(&request, console);
    let answer = Answer::new(args, &request, outcome, mode, &policy);
    let text = if args.json { answer.to_json() } else { answer.to_words(args.explain) };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(if answer.met { exit::DONE } else { exit::NOT_TRUSTED })
}

fn inputs(args: &CertsVerify) -> PathInputs {
    let initially = |set: bool| if set { Initially::Set } else { Initially::Unset };
    PathInputs {
        policies: PolicyInputs {
            acceptable: args.policy.clone(),
            explicit: initially(args.explicit_policy),
            inhibit_mapping: initially(args.inhibit_mapping),
            inhibit_any: initially(args.inhibit_any),
        },
        names: NameConstraints { permitted: args.permit.clone(), excluded: args.exclude.clone() },
    }
}

/// Every question about the certificate, answered.
struct Answer {
    leaf: Certificate,
    outcome: ChainOutcome,
    status: ValidationStatus,
    purpose: &'static str,
    revocation: &'static str,
    strength: &'static str,
    address: &'static str,
    met: bool,
    reasons: Vec<Reason>,
    notes: Vec<Reason>,
}

impl Answer {
    fn new(
        args: &CertsVerify,
        request: &ChainRequest<'_>,
        outcome: ChainOutcome,
        mode: RevocationMode,
        policy: &Policy,
    ) -> Self {
        let mut reasons = outcome.reasons.clone();
        let purpose = match args.purpose {
            Purpose::Any => "unchecked",
            wanted if purpose::fits(request.leaf, wanted, request.rule).is_empty() => "fits",
            _ => "differs",
        };
        let (revocation, revocation_met) = match (outcome.revocation(), mode) {
            (_, RevocationMode::Off) => ("unchecked", true),
            (RevocationStatus::Good, _) => ("good", true),
            (RevocationStatus::Revoked { .. }, _) => ("revoked", false),
            (RevocationStatus::Unknown(_), mode) => ("unknown", mode == RevocationMode::Soft),
            (RevocationStatus::Unchecked, mode) => ("unchecked", mode == RevocationMode::Soft),
        };
        let weak = |reason: &Reason| reason.code.starts_with("weak_");
        let (weaknesses, mut notes): (Vec<Reason>, Vec<Reason>) = outcome.notes.iter().cloned().partition(weak);
        let about_revocation = outcome.revocation_reasons();
        if revocation_met {
            notes.extend(about_revocation)
        } else {
            reasons.extend(about_revocation)
        }
        let mut address = "unchecked";
        if let Some(wanted) = &args.address {
            address = match speaks_for(request.leaf, wanted, &policy.address_rule) {
                AddressMatch::Matches { leniencies } => {
                    notes.extend(leniencies);
                    "matches"
                }
                AddressMatch::Differs { .. } => "differs",
                AddressMatch::NoAddress => "no-address",
            };
            if address != "matches" {
                let inside: Vec<String> =
                    Mailboxes::of(request.leaf).all().iter().map(|m| m.address.to_string()).collect();
                let inside = if inside.is_empty() { "no address at all".to_owned() } else { inside.join(", ") };
                let text = format!("{wanted} was asked for, and the certificate is for {inside}");
                reasons.push(Reason::new("address_mismatch", text));
            }
        }
        let strength = if weaknesses.is_empty() { "strong" } else { "weak" };
        reasons.extend(weaknesses);
        let met = outcome.verdict == ChainVerdict::Anchored
            && revocation_met
            && strength == "strong"
            && matches!(address, "matches" | "unchecked");
        let mut status = ValidationStatus::of(request, &outcome, mode);
        if status == ValidationStatus::Valid && !matches!(address, "matches" | "unchecked") {
            status = ValidationStatus::AddressMismatch;
        }
        let leaf = request.leaf.clone();
        Self { leaf, outcome, status, purpose, revocation, strength, address, met, reasons, notes }
    }

    fn trust(&self) -> &'static str {
        match self.outcome.verdict {
            ChainVerdict::Anchored => "anchored",
            ChainVerdict::Rejected => "rejected",
            ChainVerdict::Unchecked => "unchecked",
        }
    }

    fn to_words(&self, explained: bool) -> String {
        let who = self.leaf.subject();
        let mut text = match (self.met, self.outcome.verdict) {
            (true, _) => format!("The certificate of {who} is vouched for by a trusted authority.\n"),
            (false, ChainVerdict::Anchored) => {
                format!(
                    "The certificate of {who} is vouched for by a trusted authority, and does not do all the same.\n"
                )
            }
            (false, _) => format!("No trusted authority vouches for the certificate of {who}.\n"),
        };
        for reason in &self.reasons {
            let _ = writeln!(text, "  - {reason} [{}]", reason.code);
        }
        explain::hints(&mut text, &self.reasons);
        let path: Vec<String> = self.outcome.path.iter().map(|c| c.subject().to_string()).collect();
        let _ = writeln!(text, "\n  trust:      {}", self.trust());
        let _ = writeln!(text, "  path:       {}", path.join("\n              "));
        let _ = writeln!(text, "  purpose:    {}", self.purpose);
        let _ = writeln!(text, "  revocation: {}", self.revocation);
        let _ = writeln!(text, "  strength:   {}", self.strength);
        let _ = writeln!(text, "  address:    {}", self.address);
        for note in &self.notes {
            let _ = writeln!(text, "  Note: {note} [{}]", note.code);
        }
        if explained {
            text.push_str("\nPaths:\n");
            text.push_str(&explain::tree(&self.outcome.candidates));
        }
        text
    }

    fn to_json(&self) -> String {
        let policies = &self.outcome.policies;
        let list = |policies: &[const_oid::ObjectIdentifier]| -> Vec<String> {
            policies.iter().map(ToString::to_string).collect()
        };
        let value = json!({
            "version": 1,
            "certificate": render::certificate(&self.leaf),
            "trust": self.trust(),
            "path": self.outcome.path.iter().map(|c| c.subject().to_string()).collect::<Vec<_>>(),
            "purpose": self.purpose,
            "revocation": self.revocation,
            "revocation_by_certificate": self.outcome.statuses.iter().map(explain::status).collect::<Vec<_>>(),
            "strength": self.strength,
            "address": self.address,
            "policies": { "authority": list(&policies.authority), "user": list(&policies.user) },
            "activesync_status": self.status.number(),
            "met": self.met,
            "reasons": render::reasons(&self.reasons),
            "notes": render::reasons(&self.notes),
            "wanted": self.outcome.wanted.iter().map(explain::wanted).collect::<Vec<_>>(),
            "candidates": explain::candidates(&self.outcome.candidates),
        });
        format!("{value:#}\n")
    }
}
