//! `smime harvest`, and the file that it keeps contacts in: JSON, version 1, certificates in base64.

use crate::args::Harvest;
use crate::console::Console;
use crate::failure::{Failure, Outcome, code_of, exit};
use crate::input::{Secrecy, small_file};
use crate::output::{self, Existing, Readers};
use crate::{input, open, render, time};
use clap::ArgMatches;
use serde_json::{Value, json};
use smime::open::harvest::{Change, harvest};
use smime::store::directory::contacts::{Added, Contact, Contacts};
use smime::store::pem;
use smime::{Certificate, Limits, Requirement};
use std::path::Path;

pub(crate) fn run(args: &Harvest, order: &ArgMatches, console: Console) -> Outcome {
    let judge = open::Judge::new(&args.judging, order, console)?;
    let mail = args.mail.as_deref();
    let mut contacts = load(&args.contacts, console)?;
    let received = input::received(mail, args.spool.as_deref(), console)?;
    let opened = judge.open(&args.judging, received, mail, console)?;
    let trusted = match opened.require(Requirement::SignedBySender) {
        Ok(trusted) => trusted,
        Err(refused) => {
            let why = refused.reasons().first().map(ToString::to_string).unwrap_or_default();
            let failure = Failure::new(code_of(refused.shortfall()), format_args!("nothing was kept: {why}"));
            return Err(failure.about(input::name(mail)));
        }
    };
    let known: Vec<Certificate> =
        trusted.sender().map(|sender| contacts.of(sender).map(|c| c.certificate.clone()).collect()).unwrap_or_default();
    let (trust, policy) = (judge.trust(), judge.policy());
    let found = harvest(&trusted, &known, trust, policy, time(args.judging.at)).map_err(|reasons| {
        let why: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        Failure::new(exit::NO_RECIPIENT, why.join("; ")).about(input::name(mail))
    })?;
    if let Change::Differs { known } = &found.change
        && !args.accept_change
    {
        let why = format!(
            "{} other certificates are known for {}, and who got this one issued would read what you encrypt",
            known.len(),
            found.address
        );
        return Err(Failure::new(exit::POLICY, why).hint("asking its owner on another way, then --accept-change"));
    }
    let (who, subject) = (found.address.clone(), found.certificate.subject().brief());
    let said = match contacts.add(found.into_contact()) {
        Added::First => "kept",
        Added::Another => "kept beside the others",
        Added::Renewed => "was known; what this mail says of it is newer",
        Added::Known => "was known",
    };
    output::write(Some(&args.contacts), Existing::Replace, Readers::Usual, to_json(&contacts).as_bytes())?;
    console.say(format_args!("{who}: the certificate of {subject} {said}"));
    Ok(exit::DONE)
}

fn load(path: &Path, console: Console) -> Result<Contacts, Failure> {
    if !path.exists() {
        return Ok(Contacts::default());
    }
    let bytes = small_file(path, Limits::default().structure_bytes, Secrecy::Open, console)?;
    read(bytes.expose()).map_err(|failure| failure.about(path.display()))
}

/// Whether a file looks like one of contacts.
pub(crate) fn is_contacts(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Reads a file of contacts.
pub(crate) fn read(bytes: &[u8]) -> Result<Contacts, Failure> {
    let wrong = |why: String| Failure::new(exit::UNREADABLE, format_args!("it is no file of contacts: {why}"));
    let value: Value = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    if value.get("version") != Some(&json!(1)) {
        return Err(wrong("its version is not 1".to_owned()));
    }
    let entries =
        value.get("contacts").and_then(Value::as_array).ok_or_else(|| wrong("\"contacts\" is missing".into()))?;
    let mut contacts = Contacts::default();
    for (number, entry) in entries.iter().enumerate() {
        let bad = |what: &str| wrong(format!("contact {}: \"{what}\" is missing or malformed", number + 1));
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        let decoded = |field: &str| match text(field) {
            Some(text) => {
                pem::decode_bare(text.as_bytes()).map(|b| Some(b.expose().to_vec())).ok_or_else(|| bad(field))
            }
            None => Ok(None),
        };
        let der = decoded("certificate")?.ok_or_else(|| bad("certificate"))?;
        contacts.add(Contact {
            address: text("address").and_then(|text| text.parse().ok()).ok_or_else(|| bad("address"))?,
            certificate: Certificate::from_der(&der).map_err(|_| bad("certificate"))?,
            capabilities: decoded("smime_capabilities")?,
            signed_at: match text("signed_at") {
                Some(text) => Some(text.parse().map_err(|_| bad("signed_at"))?),
                None => None,
            },
        });
    }
    Ok(contacts)
}

fn to_json(contacts: &Contacts) -> String {
    let contact = |contact: &Contact| {
        let mut value = json!({
            "address": contact.address.to_string(),
            "certificate": pem::encode(contact.certificate.der()),
            "smime_capabilities": contact.capabilities.as_deref().map(pem::encode),
            "signed_at": contact.signed_at.map(|at| at.to_string()),
        });
        // For people: what reads the file goes by the certificate.
        value["about"] = render::certificate(&contact.certificate);
        value
    };
    let list: Vec<Value> = contacts.entries().iter().map(contact).collect();
    format!("{:#}\n", json!({ "version": 1, "contacts": list }))
}
