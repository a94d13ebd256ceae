//! `smime certs select`: which of an account's certificates does what, and why not the others.

use crate::args::CertsSelect;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{self, Existing, Readers};
use crate::policies::Policies;
use crate::{render, store, time};
use clap::ArgMatches;
use serde_json::{Value, json};
use smime::base::reason::visible;
use smime::policy::deployment::CertificateSource;
use smime::store::select::{Error, KeySource, Rejected, Selected, Selector, Use};
use smime::{Certificate, Policy};
use std::fmt::Write;

/// One use with its answer.
struct Answer {
    name: &'static str,
    selected: Result<Vec<Selected<Certificate>>, Error>,
    rejected: Vec<Rejected>,
}

pub(crate) fn run(args: &CertsSelect, order: &ArgMatches, console: Console) -> Outcome {
    let policies = Policies::load(&args.policies, console)?;
    let mut policy = Policy::new(args.profile);
    console.notes("--policy", &policies.set.sign_by(&mut policy)?);
    let mut sources = store::key_sources(&args.identities, order, &policy, console)?;
    if args.derived {
        // OUT-135
        sources.iter_mut().for_each(|source| source.delivered = Some(CertificateSource::DerivedCredential));
    }
    if sources.is_empty() {
        return Err(Failure::usage("there is nothing to select from").hint("--identity FILE"));
    }
    let mut selector = Selector::new(&args.account, &policy, time(args.at));
    if let Some(choice) = args.choose {
        selector = selector.choose(choice);
    }
    let answers = answers(&selector, &sources);
    // That nothing opens is no fault of who only begins to have certificates.
    let met = answers.iter().take(2).all(|answer| answer.selected.is_ok());
    let text = match args.json {
        true => {
            let uses: serde_json::Map<String, Value> =
                answers.iter().map(|answer| (answer.name.to_owned(), answer.to_json())).collect();
            let account = args.account.to_string();
            format!("{:#}\n", json!({ "version": 1, "account": account, "met": met, "uses": uses }))
        }
        false => answers.iter().map(Answer::to_words).collect(),
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(if met { exit::DONE } else { exit::POLICY })
}

fn answers(selector: &Selector<'_>, sources: &[KeySource]) -> [Answer; 3] {
    let alone = |one: Selected<smime::Identity>| Selected {
        chosen: one.chosen.certificate().clone(),
        source: one.source,
        notes: one.notes,
    };
    let answer = |name, purpose, selected| Answer { name, selected, rejected: selector.rejected(sources, purpose) };
    [
        answer("sign", Use::Sign, selector.signing(sources).map(|one| vec![alone(one)])),
        answer("encrypt", Use::EncryptToSelf, selector.encryption(sources).map(|one| vec![one])),
        answer("open", Use::Open, selector.opening(sources).map(|all| all.into_iter().map(alone).collect())),
    ]
}

impl Answer {
    fn to_words(&self) -> String {
        let mut text = match self.name {
            "sign" => "To sign with:\n".to_owned(),
            "encrypt" => "To encrypt a copy to:\n".to_owned(),
            _ => "To open with:\n".to_owned(),
        };
        match &self.selected {
            Ok(all) => {
                for one in all {
                    describe(&mut text, "+", &one.chosen, &one.source);
                    for note in &one.notes {
                        let _ = writeln!(text, "      Note: {note} [{}]", note.code);
                    }
                }
            }
            Err(Error::NoPrivateKey { .. }) => text.push_str("  nothing: the private key is not here\n"),
            Err(Error::ChosenUnusable { reasons, .. }) => {
                text.push_str("  nothing: the chosen certificate will not do\n");
                for reason in reasons {
                    let _ = writeln!(text, "      {reason} [{}]", reason.code);
                }
            }
            Err(_) => text.push_str("  nothing: no certificate is available\n"),
        }
        for one in &self.rejected {
            describe(&mut text, "-", &one.certificate, &one.source);
            for reason in &one.reasons {
                let _ = writeln!(text, "      {reason} [{}]", reason.code);
            }
        }
        text
    }

    fn to_json(&self) -> Value {
        let code = match &self.selected {
            Ok(_) => None,
            Err(Error::NoPrivateKey { .. }) => Some("no_private_key"),
            Err(Error::ChosenUnusable { .. }) => Some("chosen_unusable"),
            Err(_) => Some("no_certificate_available"),
        };
        let selected = self.selected.as_deref().unwrap_or_default().iter();
        let selected = selected.map(|one| {
            let certificate = render::certificate(&one.chosen);
            json!({ "certificate": certificate, "source": one.source, "notes": render::reasons(&one.notes) })
        });
        let rejected = self.rejected.iter().map(|one| {
            let certificate = render::certificate(&one.certificate);
            json!({ "certificate": certificate, "source": one.source, "reasons": render::reasons(&one.reasons) })
        });
        let why =
            self.selected.as_ref().err().map(|error| json!({ "code": code, "text": visible(&error.to_string()) }));
        json!({
            "selected": selected.collect::<Vec<_>>(),
            "why_not": why,
            "rejected": rejected.collect::<Vec<_>>(),
        })
    }
}

fn describe(text: &mut String, mark: &str, certificate: &Certificate, source: &str) {
    let _ = writeln!(
        text,
        "  {mark} {}, serial {}, {} to {}, from {}",
        certificate.subject().brief(),
        certificate.serial_hex(),
        certificate.not_before(),
        certificate.not_after(),
        visible(source)
    );
}
