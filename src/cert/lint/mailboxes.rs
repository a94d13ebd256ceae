//! Clauses about mail addresses: BR 7.1.2.3(h), 7.1.4.2.1 and 7.1.4.2.2(a) and (h).

use super::case::{Absent, Case, Verdict, is_mailbox, quoted, values};
use super::profile::{Generation, Validation};
use super::subject::{GIVEN_NAME, PSEUDONYM, SURNAME};
use crate::asn1::oid;
use crate::cert::extension::GeneralName;
use crate::cert::name::Name;

pub(super) fn alternative_present(case: &Case<'_>) -> Verdict {
    Verdict::when(case.has(&oid::SUBJECT_ALT_NAME), || {
        "the certificate has no subjectAltName, where its mail addresses belong".to_owned()
    })
}

pub(super) fn alternative_mailbox(case: &Case<'_>) -> Verdict {
    match case.absence(&oid::SUBJECT_ALT_NAME) {
        Some(Absent::Missing) => Verdict::NotApplicable,
        Some(Absent::Unreadable(why)) => Verdict::Failed(format!("the subjectAltName is unreadable: {why}")),
        None => Verdict::when(case.mailboxes().next().is_some(), || {
            let found = case.cert.subject_alt_names().len();
            format!("the subjectAltName has {found} names and none of them is an rfc822Name or an SmtpUTF8Mailbox")
        }),
    }
}

pub(super) fn alternative_types(case: &Case<'_>) -> Verdict {
    if case.cert.subject_alt_names().is_empty() {
        return Verdict::NotApplicable;
    }
    let strict = case.generation() == Some(Generation::Strict);
    let foreign = case.cert.subject_alt_names().iter().filter_map(|name| match name {
        GeneralName::OtherName { oid, .. } if strict && *oid != oid::SMTP_UTF8_MAILBOX => {
            Some(format!("an otherName of type {oid}"))
        }
        GeneralName::Dns(text) => Some(format!("the dNSName {}", quoted(text))),
        GeneralName::Uri(text) => Some(format!("the URI {}", quoted(text))),
        GeneralName::Opaque { number: 3, .. } => Some("an x400Address".to_owned()),
        GeneralName::Opaque { number: 5, .. } => Some("an ediPartyName".to_owned()),
        GeneralName::Opaque { number: 7, .. } => Some("an iPAddress".to_owned()),
        GeneralName::Opaque { .. } => Some("a registeredID".to_owned()),
        _ => None,
    });
    let foreign: Vec<String> = foreign.collect();
    Verdict::when(foreign.is_empty(), || {
        let allowed = if strict { "SmtpUTF8Mailbox" } else { "otherName" };
        format!(
            "the subjectAltName holds {}; rfc822Name, {allowed} and directoryName are allowed there",
            foreign.join(" and ")
        )
    })
}

/// RFC 5280 section 4.2.1.6, RFC 9598 section 3: what a mailbox looks like in a certificate.
pub(super) fn alternative_form(case: &Case<'_>) -> Verdict {
    let mut seen = false;
    let mut wrong = Vec::new();
    for name in case.cert.subject_alt_names() {
        let (what, text, international) = match name {
            GeneralName::Rfc822(text) => ("rfc822Name", text, false),
            GeneralName::SmtpUtf8(text) => ("SmtpUTF8Mailbox", text, true),
            GeneralName::OtherName { oid, .. } if *oid == oid::SMTP_UTF8_MAILBOX => {
                seen = true;
                wrong.push("an SmtpUTF8Mailbox is no UTF8String".to_owned());
                continue;
            }
            _ => continue,
        };
        seen = true;
        if !is_mailbox(text) {
            wrong.push(format!("the {what} {} is not one mail address", quoted(text)));
        } else if !international && !text.is_ascii() {
            wrong.push(format!("the {what} {} is not ASCII, and so belongs into an SmtpUTF8Mailbox", quoted(text)));
        }
    }
    if seen { Verdict::of(wrong) } else { Verdict::NotApplicable }
}

pub(super) fn alternative_not_critical(case: &Case<'_>) -> Verdict {
    if !case.has(&oid::SUBJECT_ALT_NAME) {
        return Verdict::NotApplicable;
    }
    Verdict::when(!case.is_critical(&oid::SUBJECT_ALT_NAME) || case.cert.subject().is_empty(), || {
        "the subjectAltName is critical although the subject is not empty".to_owned()
    })
}

pub(super) fn email_form(case: &Case<'_>) -> Verdict {
    let mut emails = case.names().flat_map(|(place, name)| name.emails().map(move |text| (place, text))).peekable();
    if emails.peek().is_none() {
        return Verdict::NotApplicable;
    }
    let wrong = emails.filter(|(_, text)| !is_mailbox(text));
    let wrong =
        wrong.map(|(place, text)| format!("the emailAddress {} of {place} is not one mail address", quoted(text)));
    Verdict::of(wrong.collect())
}

pub(super) fn repeated(case: &Case<'_>) -> Verdict {
    let mut seen = false;
    let mut wrong = Vec::new();
    for (place, name) in case.names() {
        for (_, text) in name.attributes().filter(|(_, text)| is_mailbox(text)) {
            seen = true;
            // The BR say "repeated"; case counts, as it does in RFC 5280 section 7.5.
            if !case.mailboxes().any(|mailbox| mailbox == text) {
                wrong.push(format!(
                    "{} stands in {place} and not in the subjectAltName, which has {}",
                    quoted(text),
                    list(case.mailboxes())
                ));
            }
        }
    }
    if seen { Verdict::of(wrong) } else { Verdict::NotApplicable }
}

pub(super) fn common_name(case: &Case<'_>) -> Verdict {
    let mut wrong = Vec::new();
    for (place, name) in case.names() {
        for text in values(name, &oid::COMMON_NAME) {
            if !is_mailbox_of(case, text) && !is_name_of(case, name, text) {
                wrong.push(format!("the commonName {} of {place} is neither {}", quoted(text), allowed(case)));
            }
        }
    }
    Verdict::of(wrong)
}

/// A mailbox of the subjectAltName. Where there is no such extension, the clause that asks for it says so, and a
/// mailbox is enough here.
fn is_mailbox_of(case: &Case<'_>, text: &str) -> bool {
    if case.has(&oid::SUBJECT_ALT_NAME) { case.mailboxes().any(|mailbox| mailbox == text) } else { is_mailbox(text) }
}

fn is_name_of(case: &Case<'_>, name: &Name, text: &str) -> bool {
    let holds = |oid| !values(name, oid).is_empty();
    match case.validation() {
        Some(Validation::Mailbox) | None => false,
        Some(Validation::Organization) => values(name, &oid::ORGANIZATION).contains(&text),
        // A Personal Name may be written in any way that its bearer prefers, so that a program knows none from another.
        Some(Validation::Sponsor | Validation::Individual) if holds(&GIVEN_NAME) || holds(&SURNAME) => true,
        Some(Validation::Sponsor | Validation::Individual) if holds(&PSEUDONYM) => {
            values(name, &PSEUDONYM).contains(&text)
        }
        // 7.1.4.2.5 and 7.1.4.2.6, note 1: the common name may stand alone.
        Some(Validation::Sponsor | Validation::Individual) => case.generation() == Some(Generation::Legacy),
    }
}

fn allowed(case: &Case<'_>) -> &'static str {
    match case.validation() {
        Some(Validation::Organization) => "the organizationName nor a mailbox of the subjectAltName",
        Some(Validation::Sponsor | Validation::Individual) => {
            "a name beside givenName or surname, nor the pseudonym, nor a mailbox of the subjectAltName"
        }
        _ => "a mailbox of the subjectAltName, nor may it be anything else",
    }
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.take(5).map(quoted).collect();
    if texts.is_empty() { "no mailbox".to_owned() } else { texts.join(", ") }
}
