//! `smime lookup`: what each source has for an address, and which certificate would be used.

use crate::addressing::resolver;
use crate::args::Lookup;
use crate::console::Console;
use crate::failure::{Failure, Outcome as Exit, exit};
use crate::output::{self, Existing, Readers};
use crate::{render, store, time};
use serde_json::{Value, json};
use smime::base::reason::{Reason, visible};
use smime::compose::recipients::Recipient;
use smime::store::directory::{Answer, Answers, Filed, Offer, Outcome};
use smime::store::pem;
use smime::{Directory, EmailAddress, InOrder, Policy, Time};
use std::fmt::Write;
use std::path::PathBuf;

/// Answers that were given, to be judged as if they were given again.
struct Given<'a>(&'a [Answer]);

impl Directory for Given<'_> {
    fn look_up<'a>(&'a self, _: &'a EmailAddress) -> Answers<'a> {
        Box::new(self.0.iter().cloned())
    }
}

/// One address with its answers and what follows from them.
struct Looked<'a> {
    address: &'a EmailAddress,
    answers: Vec<Answer>,
    chosen: Result<Recipient, Vec<Reason>>,
}

pub(crate) fn run(args: &Lookup, console: Console) -> Exit {
    let now = time(args.at);
    let files: Vec<_> = args.certs.iter().chain(&args.ldif).cloned().collect();
    let sources = sources(args, &files, now, console)?;
    let trust = if args.trust.is_empty() { None } else { Some(store::trust(&args.trust, now, console)?) };
    let lists = store::revocation_of_recipients(&args.lists.crls, args.lists.revocation, &args.trust, console)?;
    let policy = Policy::new(args.profile);
    let look = |address| {
        let answers: Vec<Answer> = sources.look_up(address).collect();
        let held = (trust.as_ref(), lists.as_ref());
        let plan = resolver(&Given(&answers), &policy, held, now).plan(std::slice::from_ref(address));
        let chosen = plan.entries().first().map(|entry| entry.outcome.clone()).unwrap_or_else(|| Err(Vec::new()));
        Looked { address, answers, chosen }
    };
    let looked: Vec<Looked<'_>> = args.addresses.iter().map(look).collect();
    let text = match (args.json, args.pem) {
        (true, _) => {
            let lookups: Vec<Value> = looked.iter().map(Looked::to_json).collect();
            let met = looked.iter().all(|one| one.chosen.is_ok());
            format!("{:#}\n", json!({ "version": 1, "met": met, "lookups": lookups }))
        }
        (_, true) => looked.iter().filter_map(Looked::to_pem).collect(),
        _ => looked.iter().map(Looked::to_words).collect(),
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    if args.pem {
        looked.iter().filter(|one| one.chosen.is_err()).for_each(|one| console.warn(one.headline()));
    }
    Ok(looked
        .iter()
        .map(Looked::code)
        .max_by_key(|code| (*code != exit::DONE, *code == exit::OTHER))
        .unwrap_or(exit::DONE))
}

fn sources<'d>(args: &Lookup, files: &[PathBuf], now: Time, console: Console) -> Result<InOrder<'d>, Failure> {
    #[cfg(feature = "ldap")]
    let servers = args.servers.ldap.len();
    #[cfg(not(feature = "ldap"))]
    let (servers, _) = (0, (args, now));
    if files.is_empty() && servers == 0 {
        return Err(Failure::usage("there is nowhere to look").hint("--certs PATH, or --ldap URL"));
    }
    #[cfg_attr(not(feature = "ldap"), allow(unused_mut))]
    let mut sources = store::directory(files, console)?;
    #[cfg(feature = "ldap")]
    crate::servers::add_to(&mut sources, &args.servers, now, false, console)?;
    Ok(sources)
}

impl Looked<'_> {
    /// A server that said nothing is not taken for one that has none (OUT-99c).
    fn code(&self) -> u8 {
        let silent = |answer: &Answer| matches!(answer.outcome, Outcome::Unreachable(_));
        match self.chosen {
            Ok(_) => exit::DONE,
            Err(_) if self.answers.iter().any(silent) => exit::OTHER,
            Err(_) => exit::NO_RECIPIENT,
        }
    }

    fn headline(&self) -> String {
        match &self.chosen {
            Ok(recipient) => format!(
                "{}: {}, from {}",
                self.address,
                recipient.certificate.subject().brief(),
                visible(&recipient.source)
            ),
            Err(_) => format!("{}: no certificate that can be used", self.address),
        }
    }

    fn to_words(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        if let Ok(recipient) = &self.chosen {
            let certificate = &recipient.certificate;
            let _ = writeln!(text, "  valid until {}, serial {}", certificate.not_after(), certificate.serial_hex());
        }
        for answer in &self.answers {
            let what = match &answer.outcome {
                Outcome::NotThere => "nobody has that address".to_owned(),
                Outcome::NoCertificate => "somebody has that address, and no certificate".to_owned(),
                Outcome::Found(offers) if offers.len() == 1 => "one certificate".to_owned(),
                Outcome::Found(offers) => format!("{} certificates", offers.len()),
                Outcome::Unreachable(why) => format!("no answer: {}", visible(why)),
            };
            let _ = writeln!(text, "  {}: {what}", visible(&answer.source));
        }
        for reason in self.reasons() {
            let _ = writeln!(text, "  - {reason} [{}]", reason.code);
        }
        text
    }

    /// Those against, or what is odd about the one that was chosen.
    fn reasons(&self) -> &[Reason] {
        match &self.chosen {
            Ok(recipient) => &recipient.notes,
            Err(reasons) => reasons,
        }
    }

    fn to_pem(&self) -> Option<String> {
        self.chosen.as_ref().ok().map(|recipient| pem::write("CERTIFICATE", recipient.certificate.der()))
    }

    fn to_json(&self) -> Value {
        json!({
            "address": self.address.to_string(),
            "met": self.chosen.is_ok(),
            "chosen": self.chosen.as_ref().ok().map(|recipient| {
                json!({ "source": recipient.source, "certificate": render::certificate(&recipient.certificate) })
            }),
            "reasons": render::reasons(self.reasons()),
            "answers": self.answers.iter().map(answer_json).collect::<Vec<_>>(),
        })
    }
}

fn answer_json(answer: &Answer) -> Value {
    let (outcome, why, offers): (_, _, &[Offer]) = match &answer.outcome {
        Outcome::NotThere => ("not-there", None, &[]),
        Outcome::NoCertificate => ("no-certificate", None, &[]),
        Outcome::Found(offers) => ("found", None, offers),
        Outcome::Unreachable(why) => ("unreachable", Some(why), &[]),
    };
    let offer = |offer: &Offer| {
        let filed = match offer.filed {
            Filed::UserSmimeCertificate => "userSMIMECertificate",
            Filed::UserCertificate => "userCertificate",
        };
        json!({
            "certificate": render::certificate(&offer.certificate),
            "filed": filed,
            "marked": offer.marked,
            "capabilities": offer.capabilities.is_some(),
        })
    };
    json!({
        "source": answer.source,
        "outcome": outcome,
        "why": why,
        "offers": offers.iter().map(offer).collect::<Vec<_>>(),
        "notes": render::reasons(&answer.notes),
    })
}
