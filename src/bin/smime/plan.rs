//! `smime plan`: who can read an encrypted mail, who cannot and why, before anything is sent.

use crate::addressing::{Addressed, Recipients};
use crate::args::Plan;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{self, Existing, Readers};
use crate::{input, render};
use serde_json::{Value, json};
use smime::base::reason::visible;
use smime::cms::recipient_info::Wrapping;
use smime::compose::envelopes::{Audience, EnvelopePlan, MailPlan};
use smime::compose::negotiation::AnnouncedIn;
use smime::compose::recipients::{Entry, Error, Recipient};
use smime::{EmailAddress, Message, Policy};
use std::fmt::Write;

pub(crate) fn run(args: &Plan, console: Console) -> Outcome {
    let addressed = Addressed::load(&args.addressing, None, Recipients::Wanted, console)?;
    let source = input::mail(args.mail.as_deref(), args.spool.as_deref(), console)?;
    let name = input::name(args.mail.as_deref());
    let message = Message::from_source(&source, &addressed.policy.limits).map_err(|e| Failure::from(e).about(&name))?;
    let mut addressees = message.addressees()?;
    addressees.visible.extend(args.addressing.to.iter().cloned());
    let mail = addressed.plan(&addressees, console);
    addressed.warn_of_unchecked(console);
    let stopped = mail.all().err();
    let text = match args.json {
        true => format!("{:#}\n", to_json(&mail, &addressed.policy, stopped.is_none())),
        false => to_words(&mail, &addressed.policy, stopped.is_none()),
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    match stopped {
        None => Ok(exit::DONE),
        Some(Error::Undecided { .. }) => Ok(exit::OTHER),
        Some(error @ Error::Nobody) => Err(error.into()),
        Some(_) => Ok(exit::NO_RECIPIENT),
    }
}

/// Who shares an envelope, in a word.
pub(crate) fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Visible => "to-and-cc",
        Audience::Hidden => "bcc",
        Audience::Everybody => "everybody",
    }
}

fn to_words(mail: &MailPlan, policy: &Policy, met: bool) -> String {
    let mut text = String::new();
    let count = mail.envelopes().len();
    for (at, EnvelopePlan { audience: whose, plan }) in mail.envelopes().iter().enumerate() {
        let whose = match whose {
            Audience::Visible => "To and Cc",
            Audience::Hidden => "Bcc",
            Audience::Everybody => "To, Cc and Bcc",
        };
        let content = plan.content(policy);
        let _ = writeln!(text, "Message {} of {count}, for {whose}: {}", at + 1, content.why);
        for warning in &content.warnings {
            let _ = writeln!(text, "  Note: {warning} [{}]", warning.code);
        }
        let width = plan.entries().iter().map(|e| e.address.to_string().chars().count()).max().unwrap_or(0);
        for entry in plan.entries() {
            let address = entry.address.to_string();
            let _ = write!(text, "  {address:width$}  ");
            match &entry.outcome {
                Ok(recipient) => describe(&mut text, recipient),
                Err(_) => text.push_str("NOBODY CAN ENCRYPT TO IT\n"),
            }
            if !entry.via.is_empty() {
                let _ = writeln!(text, "  {:width$}  a member of {}", "", groups(&entry.via).join(" in "));
            }
            for reason in reasons(entry) {
                let _ = writeln!(text, "  {:width$}  - {reason} [{}]", "", reason.code);
            }
        }
    }
    text.push_str(match met {
        true => "Everybody can read it.\n",
        false => "Nothing can be sent like this: somebody could not read it.\n",
    });
    text
}

fn describe(text: &mut String, recipient: &Recipient) {
    let certificate = &recipient.certificate;
    let (subject, source) = (certificate.subject().brief(), visible(&recipient.source));
    let _ = writeln!(
        text,
        "{subject}, valid until {}, from {source}; {}; {}",
        certificate.not_after(),
        key(&recipient.wrapping),
        announced(recipient)
            .map_or_else(|| "announces nothing".to_owned(), |place| format!("announces in its {place}")),
    );
}

/// Those against, or what is odd about the one that was chosen.
fn reasons(entry: &Entry) -> &[smime::Reason] {
    match &entry.outcome {
        Ok(recipient) => &recipient.notes,
        Err(reasons) => reasons,
    }
}

fn key(wrapping: &Wrapping) -> String {
    match wrapping {
        Wrapping::Transport(transport) => transport.name(),
        Wrapping::Agreement(agreement) => agreement.name(),
    }
}

fn announced(recipient: &Recipient) -> Option<&'static str> {
    recipient.announced.as_ref().map(|announced| match announced.place {
        AnnouncedIn::SignedMail => "signed-mail",
        AnnouncedIn::Directory => "directory",
        AnnouncedIn::Certificate => "certificate",
    })
}

fn groups(via: &[EmailAddress]) -> Vec<String> {
    via.iter().rev().map(ToString::to_string).collect()
}

fn to_json(mail: &MailPlan, policy: &Policy, met: bool) -> Value {
    let entry = |entry: &Entry| {
        let recipient = entry.outcome.as_ref().ok();
        json!({
            "address": entry.address.to_string(),
            "groups": groups(&entry.via),
            "met": recipient.is_some(),
            "certificate": recipient.map(|recipient| render::certificate(&recipient.certificate)),
            "source": recipient.map(|recipient| recipient.source.as_str()),
            "announced": recipient.and_then(announced),
            "key": recipient.map(|recipient| key(&recipient.wrapping)),
            "why": recipient.map(|recipient| render::reason(&recipient.why)),
            "reasons": render::reasons(reasons(entry)),
        })
    };
    let message = |EnvelopePlan { audience: whose, plan }: &EnvelopePlan| {
        let content = plan.content(policy);
        json!({
            "audience": audience(*whose),
            "cipher": content.cipher.name(),
            "why": render::reason(&content.why),
            "warnings": render::reasons(&content.warnings),
            "recipients": plan.entries().iter().map(entry).collect::<Vec<_>>(),
        })
    };
    json!({ "version": 1, "met": met, "messages": mail.envelopes().iter().map(message).collect::<Vec<_>>() })
}
