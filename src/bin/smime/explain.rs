//! What was looked at on the way to an answer: candidate paths as a tree, statuses, and what was missing.

use crate::render::reasons;
use serde_json::{Value, json};
use smime::base::reason::Reason;
use smime::cert::chain::{Candidate, PathEnd};
use smime::cert::revocation::{CertificateStatus, RevocationStatus, Wanted, WantedKind};
use std::fmt::Write;

/// Paths with a common beginning share its lines; what speaks against a path stands below its end.
pub(crate) fn tree(candidates: &[Candidate]) -> String {
    let mut text = String::new();
    if candidates.is_empty() {
        text.push_str("  (none was looked at)\n");
    }
    let all: Vec<&Candidate> = candidates.iter().collect();
    branch(&mut text, &all, 0);
    text
}

fn branch(text: &mut String, candidates: &[&Candidate], depth: usize) {
    let mut done: Vec<&Candidate> = Vec::new();
    for candidate in candidates {
        let Some(certificate) = candidate.path.get(depth) else { continue };
        if done.iter().any(|other| other.path.get(depth) == Some(certificate)) {
            continue;
        }
        done.push(candidate);
        let same: Vec<&Candidate> =
            candidates.iter().filter(|other| other.path.get(depth) == Some(certificate)).copied().collect();
        let indent = "  ".repeat(depth + 1);
        let ending: Vec<&&Candidate> = same.iter().filter(|other| other.path.len() == depth + 1).collect();
        let trusted = ending.iter().any(|other| other.end == PathEnd::Anchor);
        let (from, until) = (certificate.not_before(), certificate.not_after());
        let note = if trusted { ", trusted" } else { "" };
        let _ = writeln!(text, "{indent}{} ({from} to {until}{note})", certificate.subject());
        for candidate in ending {
            if candidate.reasons.is_empty() {
                let _ = writeln!(text, "{indent}  + this path holds");
            }
            for reason in &candidate.reasons {
                let _ = writeln!(text, "{indent}  - {reason} [{}]", reason.code);
            }
        }
        let longer: Vec<&Candidate> = same.into_iter().filter(|other| other.path.len() > depth + 1).collect();
        branch(text, &longer, depth + 1);
    }
}

pub(crate) fn candidates(candidates: &[Candidate]) -> Value {
    let one = |candidate: &Candidate| {
        json!({
            "path": candidate.path.iter().map(|c| c.subject().to_string()).collect::<Vec<_>>(),
            "anchored": candidate.end == PathEnd::Anchor,
            "reasons": reasons(&candidate.reasons),
        })
    };
    candidates.iter().map(one).collect()
}

pub(crate) fn status(one: &CertificateStatus) -> Value {
    let subject = one.certificate.subject().to_string();
    match &one.status {
        RevocationStatus::Good => json!({ "subject": subject, "revocation": "good" }),
        RevocationStatus::Revoked { at, reason } => {
            json!({ "subject": subject, "revocation": "revoked", "at": at.to_string(), "reason": reason.to_string() })
        }
        RevocationStatus::Unknown(whys) => {
            json!({ "subject": subject, "revocation": "unknown", "reasons": reasons(whys) })
        }
        RevocationStatus::Unchecked => json!({ "subject": subject, "revocation": "unchecked" }),
    }
}

pub(crate) fn kind(what: WantedKind) -> &'static str {
    match what {
        WantedKind::Crl => "crl",
        WantedKind::Ocsp => "ocsp",
        WantedKind::Issuer => "issuer",
    }
}

pub(crate) fn wanted(wanted: &Wanted) -> Value {
    json!({ "what": kind(wanted.what), "about": wanted.about, "issuer": wanted.issuer, "urls": wanted.urls })
}

/// What to try, each hint once.
pub(crate) fn hints(text: &mut String, reasons: &[Reason]) {
    let mut tried: Vec<&str> = Vec::new();
    for hint in reasons.iter().filter_map(|reason| crate::render::hint(reason.code)) {
        if !tried.contains(&hint) {
            let _ = writeln!(text, "  Try: {hint}");
            tried.push(hint);
        }
    }
}
