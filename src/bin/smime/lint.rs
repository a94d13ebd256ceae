//! `smime lint`: certificates against the S/MIME Baseline Requirements.

use crate::args::Lint;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{self, Existing, Readers};
use crate::{render, store};
use serde_json::{Value, json};
use smime::Certificate;
use smime::base::reason::visible;
use smime::cert::lint::{self, LintReport, Severity, clauses};
use std::fmt::Write;
use std::path::Path;

pub(crate) fn run(args: &Lint, console: Console) -> Outcome {
    if args.clauses {
        let text = if args.json { format!("{:#}\n", clauses_json()) } else { clauses_words() };
        output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
        return Ok(exit::DONE);
    }
    let mut judged = Vec::new();
    for path in &args.certificates {
        let certificates = store::certificates(std::slice::from_ref(path), console)?;
        if certificates.is_empty() {
            return Err(Failure::new(exit::UNREADABLE, "it holds no certificate").about(path.display()));
        }
        judged.extend(certificates.into_iter().map(|certificate| {
            let report = match args.profile {
                Some(profile) => lint::lint_as(&certificate, profile),
                None => lint::lint(&certificate),
            };
            Judged { path, certificate, report }
        }));
    }
    let met = judged.iter().all(Judged::met);
    let text = if args.json {
        let certificates: Vec<Value> = judged.iter().map(Judged::to_json).collect();
        format!("{:#}\n", json!({ "version": 1, "certificates": certificates, "met": met }))
    } else {
        judged.iter().map(Judged::to_words).collect()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(if met { exit::DONE } else { exit::POLICY })
}

/// One certificate with what is said of it.
struct Judged<'a> {
    path: &'a Path,
    certificate: Certificate,
    report: LintReport,
}

impl Judged<'_> {
    fn met(&self) -> bool {
        self.report.errors().next().is_none()
    }

    fn to_words(&self) -> String {
        let mut text = String::new();
        let file = visible(&self.path.display().to_string());
        let serial = self.certificate.serial_hex();
        let _ = writeln!(text, "{file}: {}, serial number {serial}", self.certificate.subject().brief());
        for finding in self.report.findings() {
            let clause = finding.clause;
            let _ = writeln!(text, "  {}: {} [{}, BR {}]", clause.severity, finding.text, clause.code, clause.section);
        }
        let judged = self.report.judged();
        let errors = self.report.errors().count();
        let warnings = self.report.findings().count() - errors;
        let _ = match self.report.profile {
            _ if judged == 0 => writeln!(
                text,
                "  not judged: no clause is about such a certificate (one of an authority, not for mail, or issued before \
                 2023-09-01); --as PROFILE judges it all the same"
            ),
            None => writeln!(text, "  it claims no profile; --as mailbox-strict judges it by one"),
            Some(profile) => writeln!(text, "  by {profile}: {judged} clauses, {errors} errors, {warnings} warnings"),
        };
        text
    }

    fn to_json(&self) -> Value {
        let findings = self.report.findings().map(|finding| {
            json!({ "code": finding.clause.code, "section": finding.clause.section,
                    "severity": finding.clause.severity.to_string(), "text": finding.text })
        });
        let outcomes: serde_json::Map<String, Value> = self
            .report
            .outcomes
            .iter()
            .map(|(clause, outcome)| (clause.code.to_owned(), json!(outcome.to_string())))
            .collect();
        json!({
            "file": self.path.display().to_string(),
            "certificate": render::certificate(&self.certificate),
            "profile": self.report.profile.map(|profile| profile.to_string()),
            "judged": self.report.judged(),
            "met": self.met(),
            "findings": findings.collect::<Vec<_>>(),
            "clauses": outcomes,
        })
    }
}

fn clauses_words() -> String {
    let mut text = String::new();
    for clause in clauses() {
        let should = if clause.severity == Severity::Warning { " (warning)" } else { "" };
        let since = clause.effective().to_string();
        let since = since.split('T').next().unwrap_or_default();
        let _ = writeln!(text, "{}{should}, BR {}; {}; since {since}", clause.code, clause.section, clause.applies_to);
        let _ = writeln!(text, "  {}", clause.requirement);
    }
    text
}

fn clauses_json() -> Value {
    let rows = clauses().iter().map(|clause| {
        json!({ "code": clause.code, "section": clause.section, "severity": clause.severity.to_string(),
                "applies_to": clause.applies_to.to_string(), "effective": clause.effective().to_string(),
                "requirement": clause.requirement })
    });
    json!({ "version": 1, "clauses": rows.collect::<Vec<_>>() })
}
