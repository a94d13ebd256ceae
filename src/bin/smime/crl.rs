//! `smime crl`: lists fetched, and certificates checked by them, as Exchange Online does (OUT-23, OUT-24).

use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::fetching::{NetworkArgs, tell};
use crate::output::{self, Existing, Readers};
use crate::{explain, render, store, time};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use smime::base::file_name::safe_file_name;
use smime::base::reason::{Reason, visible};
use smime::cert::chain::{ChainOutcome, ChainRequest};
use smime::cert::publication;
use smime::cert::revocation::RevocationStatus;
use smime::cert::status::ValidationStatus;
use smime::fetch::revocation::{Asked, Fetched, Source};
use smime::{Certificate, Crl, Limits, Policy, Profile, RevocationMode, Time};
use std::fmt::Write;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "Examples:
  smime crl fetch http://crl.example.com/ca.crl               what is in it, and until when it holds
  smime crl fetch --issuer ca.pem --dir lists/ http://..      signed by that authority? and kept as a file
  smime crl check --trust ca.pem alice.pem                    is any certificate of the chain revoked, as of now?
  smime crl check --trust ca.pem --cache cache/ --json alice.pem

Exit codes: 0 done, and for check nothing is revoked; 1 not fetched; 2 usage; 5 revoked, not known, or not trusted;
  8 what was fetched is no list.";

#[derive(Args)]
pub(crate) struct CrlArgs {
    #[command(subcommand)]
    command: CrlCommand,
}

#[derive(Subcommand)]
enum CrlCommand {
    /// Fetches revocation lists and shows what they are.
    #[command(before_help = EXAMPLES)]
    Fetch(CrlFetch),
    /// Checks whether a certificate or one of those above it is revoked, by lists and responses that are fetched.
    #[command(before_help = EXAMPLES)]
    Check(Box<CrlCheck>),
}

#[derive(Args)]
struct CrlFetch {
    /// Where lists are: http:// addresses.
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,

    /// Certificates, one of which must have signed each list; repeatable.
    #[arg(long, value_name = "PATH")]
    issuer: Vec<PathBuf>,

    /// Write each list into this folder, in DER.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Replace files that are there already.
    #[arg(long, requires = "dir")]
    force: bool,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,

    /// As JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Args)]
struct CrlCheck {
    /// The certificate: the first of the file, where that holds several; the others help to build chains.
    #[arg(value_name = "CERT")]
    certificate: PathBuf,

    /// Certificates to build chains of, trusted in nothing; repeatable.
    #[arg(long, value_name = "PATH")]
    chain: Vec<PathBuf>,

    /// Trusted certificates: PEM, DER, PKCS#7 or SST files, or folders of them; repeatable.
    #[arg(long, value_name = "PATH", required = true)]
    trust: Vec<PathBuf>,

    /// Revocation lists and OCSP responses that are there already; repeatable.
    #[arg(long, value_name = "PATH")]
    crls: Vec<PathBuf>,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,

    /// outlook-windows, outlook-mobile, exchange-online, rfc8551 or strict.
    #[arg(long, value_name = "NAME", default_value_t)]
    profile: Profile,

    /// The answer as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    network: NetworkArgs,
}

pub(crate) fn run(args: &CrlArgs, console: Console) -> Outcome {
    match &args.command {
        CrlCommand::Fetch(args) => fetch(args, console),
        CrlCommand::Check(args) => check(args, console),
    }
}

/// One list that was asked for.
struct Got {
    url: String,
    outcome: Result<(Crl, Source), Reason>,
    signature: &'static str,
    current: bool,
}

fn fetch(args: &CrlFetch, console: Console) -> Outcome {
    let fetcher = args.network.fetcher(None)?;
    let issuers = store::certificates(&args.issuer, console)?;
    let at = time(args.at);
    let all: Vec<Got> = args.urls.iter().map(|url| got(url, fetcher.list(url, &issuers, at), &issuers, at)).collect();
    let mut code = exit::DONE;
    for got in &all {
        match &got.outcome {
            Ok((crl, _)) => {
                if got.signature == "wrong" || !got.current {
                    code = exit::NOT_TRUSTED;
                }
                if let Some(folder) = &args.dir {
                    write(folder, &got.url, crl, if args.force { Existing::Replace } else { Existing::Refuse })?;
                }
            }
            Err(reason) => {
                console.error(format_args!("{reason} [{}]", reason.code));
                code = if reason.code == "fetch_unusable" { exit::UNREADABLE } else { exit::OTHER };
            }
        }
    }
    let text = if args.json {
        let lists: Vec<Value> = all.iter().map(Got::to_json).collect();
        format!("{:#}\n", json!({ "version": 1, "lists": lists }))
    } else {
        all.iter().map(Got::to_words).collect()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(code)
}

fn got(url: &str, outcome: Result<(Crl, Source), Reason>, issuers: &[Certificate], at: Time) -> Got {
    let (mut signature, mut current) = ("unchecked", false);
    if let Ok((crl, _)) = &outcome {
        let limits = Limits::default();
        let signed = |by: &Certificate| by.subject().same(crl.issuer()) && crl.verify(by, &limits).is_ok();
        if !issuers.is_empty() {
            signature = if issuers.iter().any(signed) { "right" } else { "wrong" };
        }
        let (from, until) = (crl.this_update(), crl.next_update());
        current = from.is_some_and(|from| from <= at) && until.is_some_and(|until| at <= until);
    }
    Got { url: visible(url), outcome, signature, current }
}

/// The file's name is that of the address, as far as that is one.
fn write(folder: &std::path::Path, url: &str, crl: &Crl, existing: Existing) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::from(error).about(folder.display()))?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = safe_file_name(path);
    output::write(Some(&folder.join(name)), existing, Readers::Usual, crl.der())
}

impl Got {
    fn to_json(&self) -> Value {
        match &self.outcome {
            Ok((crl, source)) => json!({
                "url": self.url,
                "from": if *source == Source::Cache { "cache" } else { "network" },
                "issuer": crl.issuer().to_string(),
                "this_update": crl.this_update().map(|at| at.to_string()),
                "next_update": crl.next_update().map(|at| at.to_string()),
                "number": crl.number().map(hex),
                "delta_base": crl.delta_base().map(hex),
                "entries": crl.len(),
                "bytes": crl.der().len(),
                "current": self.current,
                "signature": self.signature,
                "faults": render::reasons(crl.faults()),
            }),
            Err(reason) => json!({ "url": self.url, "reasons": render::reasons(std::slice::from_ref(reason)) }),
        }
    }

    fn to_words(&self) -> String {
        let Ok((crl, _)) = &self.outcome else { return String::new() };
        let date = |at: Option<Time>| at.map_or_else(|| "no date".to_owned(), |at| at.to_string());
        let mut text = format!("{}\n", self.url);
        let _ = writeln!(text, "  issuer     {}", crl.issuer());
        let outdated = if self.current { "" } else { ", which is not now" };
        let _ =
            writeln!(text, "  holds      from {} until {}{outdated}", date(crl.this_update()), date(crl.next_update()));
        let number = crl.number().map_or_else(|| "none".to_owned(), hex);
        let _ = writeln!(text, "  number     {number}");
        let _ = writeln!(text, "  entries    {} in {} bytes", crl.len(), crl.der().len());
        let _ = writeln!(text, "  signature  {}", self.signature);
        for fault in crl.faults() {
            let _ = writeln!(text, "  Reason: {fault} [{}]", fault.code);
        }
        text
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(args: &CrlCheck, console: Console) -> Outcome {
    let (leaf, mut extra) = store::leaf(&args.certificate, console)?;
    extra.extend(store::certificates(&args.chain, console)?);
    let at = time(args.at);
    let trust = store::trust(&args.trust, at, console)?;
    let given = store::revocation(&args.crls, console)?;
    let policy = Policy::new(args.profile);
    let request = ChainRequest {
        extra: &extra,
        rule: &policy.purpose_rule,
        revocation: &[&given],
        ..ChainRequest::new(&leaf, &trust, at, &policy.limits)
    };
    let (outcome, fetched) = args.network.fetcher(None)?.build(&request);
    let answer = Checked::new(&request, outcome, fetched);
    tell(&answer.fetched, console);
    let text = if args.json { answer.to_json() } else { answer.to_words() };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(if answer.status == ValidationStatus::Valid { exit::DONE } else { exit::NOT_TRUSTED })
}

/// The answer to `crl check`.
struct Checked {
    outcome: ChainOutcome,
    fetched: Fetched,
    status: ValidationStatus,
    reasons: Vec<Reason>,
    notes: Vec<Reason>,
}

impl Checked {
    fn new(request: &ChainRequest<'_>, outcome: ChainOutcome, fetched: Fetched) -> Self {
        let status = ValidationStatus::of(request, &outcome, RevocationMode::Hard);
        let reasons = [outcome.reasons.clone(), outcome.revocation_reasons()].concat();
        let mut notes = outcome.notes.clone();
        for one in &outcome.statuses {
            notes.extend(publication::obstacles(&one.certificate));
            let lists = fetched.data.crls().iter().filter(|crl| crl.issuer().same(one.certificate.issuer()));
            for note in lists.filter_map(|crl| publication::holds_too_long(crl, &one.certificate)) {
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        Self { outcome, fetched, status, reasons, notes }
    }

    fn to_words(&self) -> String {
        let mut text = format!("Status: {} {}\n", self.status.number(), self.status);
        for one in &self.outcome.statuses {
            let word = match &one.status {
                RevocationStatus::Good => "not revoked".to_owned(),
                RevocationStatus::Revoked { at, reason } => format!("revoked since {at} ({reason})"),
                RevocationStatus::Unknown(_) => "not known".to_owned(),
                RevocationStatus::Unchecked => "not looked up".to_owned(),
            };
            let _ = writeln!(text, "  {}: {word}", one.certificate.subject());
        }
        for reason in &self.reasons {
            let _ = writeln!(text, "  Reason: {reason} [{}]", reason.code);
        }
        for note in &self.notes {
            let _ = writeln!(text, "  Note: {note} [{}]", note.code);
        }
        text
    }

    fn to_json(&self) -> String {
        let value = json!({
            "version": 1,
            "activesync_status": self.status.number(),
            "path": self.outcome.path.iter().map(|c| c.subject().to_string()).collect::<Vec<_>>(),
            "revocation_by_certificate": self.outcome.statuses.iter().map(explain::status).collect::<Vec<_>>(),
            "fetched": self.fetched.asked.iter().map(asked).collect::<Vec<_>>(),
            "met": self.status == ValidationStatus::Valid,
            "reasons": render::reasons(&self.reasons),
            "notes": render::reasons(&self.notes),
        });
        format!("{value:#}\n")
    }
}

fn asked(asked: &Asked) -> Value {
    let what = explain::kind(asked.what);
    let (from, reasons) = match &asked.outcome {
        Ok(Source::Network) => (Some("network"), Vec::new()),
        Ok(Source::Cache) => (Some("cache"), Vec::new()),
        Err(reason) => (None, vec![reason.clone()]),
    };
    json!({ "what": what, "about": asked.about, "url": visible(&asked.url), "from": from,
        "reasons": render::reasons(&reasons) })
}
