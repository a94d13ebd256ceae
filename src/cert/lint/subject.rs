//! Clauses about the attributes of the subject: BR 7.1.4.2.2 to 7.1.4.2.6.

use super::case::{Case, Verdict, quoted, values};
use super::profile::{Generation, Validation};
use crate::asn1::oid;
use crate::cert::name::Name;
use const_oid::ObjectIdentifier;

pub(super) const SURNAME: ObjectIdentifier = oid::SURNAME;
pub(super) const GIVEN_NAME: ObjectIdentifier = oid::GIVEN_NAME;
pub(super) const PSEUDONYM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.65");
pub(super) const ORGANIZATION_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.97");
const POSTAL_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.17");

/// Whether an attribute may stand in the subject.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Shall,
    May,
    /// In all but strict ones.
    NotStrict,
    ShallNot,
}

use Rule::{May, NotStrict, Shall, ShallNot};

/// The tables of 7.1.4.2.3 to 7.1.4.2.6 side by side: mailbox, organization, sponsor, individual.
const ATTRIBUTES: &[(ObjectIdentifier, &str, [Rule; 4])] = &[
    (oid::COMMON_NAME, "commonName", [May, May, May, May]),
    (oid::ORGANIZATION, "organizationName", [ShallNot, Shall, Shall, ShallNot]),
    (oid::ORGANIZATIONAL_UNIT, "organizationalUnitName", [ShallNot, May, May, ShallNot]),
    (ORGANIZATION_IDENTIFIER, "organizationIdentifier", [ShallNot, Shall, Shall, ShallNot]),
    (GIVEN_NAME, "givenName", [ShallNot, ShallNot, May, May]),
    (SURNAME, "surname", [ShallNot, ShallNot, May, May]),
    (PSEUDONYM, "pseudonym", [ShallNot, ShallNot, May, May]),
    (oid::SERIAL_NUMBER, "serialNumber", [May, May, May, May]),
    (oid::ID_EMAIL_ADDRESS, "emailAddress", [May, May, May, May]),
    (oid::TITLE, "title", [ShallNot, ShallNot, May, May]),
    (oid::STREET, "streetAddress", [ShallNot, NotStrict, NotStrict, NotStrict]),
    (oid::LOCALITY, "localityName", [ShallNot, May, May, May]),
    (oid::STATE, "stateOrProvinceName", [ShallNot, May, May, May]),
    (POSTAL_CODE, "postalCode", [ShallNot, NotStrict, NotStrict, NotStrict]),
    (oid::COUNTRY, "countryName", [ShallNot, May, May, May]),
];

pub(super) fn attributes(case: &Case<'_>) -> Verdict {
    let Some(profile) = case.profile else { return Verdict::NotApplicable };
    let column = |rules: &[Rule; 4]| {
        let [mailbox, organization, sponsor, individual] = *rules;
        match profile.validation {
            Validation::Mailbox => mailbox,
            Validation::Organization => organization,
            Validation::Sponsor => sponsor,
            Validation::Individual => individual,
        }
    };
    let subject = case.cert.subject();
    let has = |oid: &ObjectIdentifier| !values(subject, oid).is_empty();
    let mut wrong = Vec::new();
    for (oid, name, rules) in ATTRIBUTES {
        match (column(rules), has(oid)) {
            (Shall, false) => wrong.push(format!("the subject has no {name}")),
            (ShallNot, true) => wrong.push(format!("the subject has {name}, which this profile may not have")),
            (NotStrict, true) if profile.generation == Generation::Strict => {
                wrong.push(format!("the subject has {name}, which strict certificates may not have"));
            }
            _ => {}
        }
    }
    // Notes 1 and 2 of 7.1.4.2.5 and 7.1.4.2.6.
    let names_person = matches!(profile.validation, Validation::Sponsor | Validation::Individual);
    let legacy = profile.generation == Generation::Legacy;
    let persons = [GIVEN_NAME, SURNAME, PSEUDONYM];
    if names_person && !persons.iter().any(has) && !(legacy && has(&oid::COMMON_NAME)) {
        wrong.push("the subject has neither givenName nor surname nor pseudonym; expected one of them".to_owned());
    }
    if profile.validation == Validation::Mailbox || !legacy {
        let known = |oid: &ObjectIdentifier| ATTRIBUTES.iter().any(|(known, _, _)| known == oid);
        let others = subject.attributes().filter(|(oid, _)| !known(oid));
        wrong.extend(
            others.map(|(oid, _)| format!("the subject has the attribute {oid}, which this profile may not have")),
        );
    }
    Verdict::of(wrong)
}

pub(super) fn pseudonym(case: &Case<'_>) -> Verdict {
    let mut seen = false;
    let mut wrong = Vec::new();
    for (place, name) in case.names().filter(|(_, name)| !values(name, &PSEUDONYM).is_empty()) {
        seen = true;
        for (oid, what) in [(GIVEN_NAME, "givenName"), (SURNAME, "surname")] {
            if let Some(value) = values(name, &oid).first() {
                wrong.push(format!(
                    "{place} has a pseudonym and the {what} {}; expected one or the other",
                    quoted(value)
                ));
            }
        }
    }
    if seen { Verdict::of(wrong) } else { Verdict::NotApplicable }
}

/// 7.1.4.2: no attribute is a mere placeholder.
pub(super) fn placeholder(case: &Case<'_>) -> Verdict {
    let says_nothing = |text: &str| {
        let folded = text.trim().to_ascii_lowercase();
        text.chars().all(|c| matches!(c, '.' | '-' | ' '))
            || matches!(folded.as_str(), "n/a" | "none" | "not applicable")
    };
    let mut wrong = Vec::new();
    for (place, name) in case.names() {
        let empty = name.attributes().filter(|(_, text)| says_nothing(text));
        wrong.extend(empty.map(|(oid, text)| {
            format!("the attribute {} of {place} is {}, which says nothing", label(oid), quoted(text))
        }));
    }
    Verdict::of(wrong)
}

/// 7.1.4.2.2(j) to (m): a street is in a place, and a place in a country.
pub(super) fn place(case: &Case<'_>) -> Verdict {
    const IN_PLACE: &[ObjectIdentifier] = &[oid::LOCALITY, oid::STATE];
    const IN_COUNTRY: &[ObjectIdentifier] = &[oid::COUNTRY];
    const NEEDS: [(ObjectIdentifier, &[ObjectIdentifier]); 4] =
        [(oid::STREET, IN_PLACE), (POSTAL_CODE, IN_PLACE), (oid::LOCALITY, IN_COUNTRY), (oid::STATE, IN_COUNTRY)];
    let has = |name: &Name, oid: &ObjectIdentifier| !values(name, oid).is_empty();
    let mut seen = false;
    let mut wrong = Vec::new();
    for (place, name) in case.names() {
        for (part, wholes) in NEEDS.iter().filter(|(part, _)| has(name, part)) {
            seen = true;
            if !wholes.iter().any(|whole| has(name, whole)) {
                let wholes: Vec<String> = wholes.iter().map(label).collect();
                wrong.push(format!("{place} has {} without {}", label(part), wholes.join(" or ")));
            }
        }
    }
    if seen { Verdict::of(wrong) } else { Verdict::NotApplicable }
}

fn label(oid: &ObjectIdentifier) -> String {
    ATTRIBUTES
        .iter()
        .find(|(known, _, _)| known == oid)
        .map_or_else(|| oid.to_string(), |(_, name, _)| (*name).to_owned())
}
