//! Addresses under attack: rows of SEC-53 to SEC-57 over whole certificates and plans; the others stand beside the code.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::Extension;
use smime::cert::mailbox::{AddressMatch, AddressRule, Mailboxes, speaks_for};
use smime::cert::name::Name;
use smime::store::directory::{Answer, Answers, Offer, Outcome};
use smime::{Certificate, Directory, EmailAddress, Policy, RecipientPlan};

fn answer(certificate: &Certificate, address: &str, rule: &AddressRule) -> String {
    match speaks_for(certificate, &address.parse().unwrap(), rule) {
        AddressMatch::Matches { leniencies } => leniencies.iter().map(|r| r.code).collect::<Vec<_>>().join(" ") + "!",
        AddressMatch::Differs { .. } => "differs".to_owned(),
        AddressMatch::NoAddress => "nobody".to_owned(),
    }
}

#[test]
fn sec_053_subject_and_alternative_names_that_disagree() {
    let root = Authority::root("Root");
    let both = root.user("x", |t| {
        t.subject = Name::build(&[(oid::ID_EMAIL_ADDRESS, "old@example.com")]);
        t.emails = vec!["new@example.com".parse().unwrap()];
    });
    assert_eq!(answer(&both, "old@example.com", &AddressRule::STRICT), "differs");
    assert_eq!(answer(&both, "old@example.com", &AddressRule::OUTLOOK), "subject_email_used!");
    assert_eq!(answer(&both, "new@example.com", &AddressRule::STRICT), "!");
    let subject = root.user("x", |t| {
        t.subject = Name::build(&[(oid::ID_EMAIL_ADDRESS, "old@example.com")]);
        t.emails.clear();
    });
    assert_eq!(answer(&subject, "old@example.com", &AddressRule::STRICT), "subject_email_used!");
}

fn other_name(oid: &str, inner: &[u8]) -> Extension {
    let value = der::explicit(0, inner);
    let name = der::retag(Tag::context(0), &der::sequence(&[der::oid(&oid.parse().unwrap()), value]));
    Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value: der::sequence(&[name]) }
}

#[test]
fn sec_054_other_names_of_a_wrong_kind_are_no_mailboxes() {
    let root = Authority::root("Root");
    let with = |extension: Extension| {
        root.user("x", |t| {
            t.emails.clear();
            t.extensions.push(extension);
        })
    };
    let utf8 = |text: &str| der::primitive(Tag::UTF8_STRING, text.as_bytes());
    let mailbox = "1.3.6.1.5.5.7.8.9";
    let rule = AddressRule::OUTLOOK;
    let sound = with(other_name(mailbox, &utf8("j\u{fc}rgen@example.com")));
    assert_eq!(answer(&sound, "j\u{fc}rgen@example.com", &rule), "!");
    // Not composed in the one, composed in the other: one mailbox.
    assert_eq!(answer(&sound, "ju\u{308}rgen@example.com", &rule), "!");
    for inner in [der::integer(5), der::null(), der::octets(b"alice@example.com"), utf8("alice@example.com")] {
        let odd = with(other_name(mailbox, &inner));
        assert_eq!(answer(&odd, "alice@example.com", &rule), "nobody");
        assert_eq!(Mailboxes::of(&odd).malformed().len(), 1);
    }
    // A Microsoft UPN is no mail address.
    let upn = with(other_name("1.3.6.1.4.1.311.20.2.3", &utf8("alice@example.com")));
    assert_eq!(answer(&upn, "alice@example.com", &rule), "nobody");
}

#[test]
fn sec_056_nothing_that_only_looks_equal_is() {
    let root = Authority::root("Root");
    let alice = root.user("x", |t| t.emails = vec!["alice@example.com".parse().unwrap()]);
    for other in [
        "alice+tag@example.com",
        "al.ice@example.com",
        "alice%example.org@example.com",
        "alice@mail.example.com",
        "alice@example.co",
        "alic\u{435}@example.com",
        "alice@ex\u{430}mple.com",
    ] {
        assert_eq!(answer(&alice, other, &AddressRule::OUTLOOK), "differs", "{other}");
    }
}

/// A directory that answers every question with the same certificates.
struct Liar(Vec<Certificate>);

impl Directory for Liar {
    fn look_up<'a>(&'a self, _: &'a EmailAddress) -> Answers<'a> {
        Answer::once(|| {
            let offers = self.0.iter().cloned().map(Offer::plain).collect();
            Answer::new("liar", Outcome::Found(offers))
        })
    }
}

#[test]
fn sec_057_a_directory_is_not_believed() {
    let root = Authority::root("Root");
    let bob: EmailAddress = "bob@example.com".parse().unwrap();
    let certificate = |email: &str, year: i64| {
        root.user("Bob", |t| {
            t.emails = vec![email.parse().unwrap()];
            t.key_usage = None;
            t.not_after = now().plus(year * 86_400 * 365);
            t.not_before = now().plus(-86_400 * (10 - year));
        })
    };
    let (policy, trust) = (Policy::default(), root.trust());
    let plan = |list: Vec<Certificate>| {
        RecipientPlan::resolve(std::slice::from_ref(&bob), &Liar(list), &policy, Some(&trust), now())
    };
    // Another's, a look-alike's, an expired one: nothing is sent, and each is told with its reason.
    for list in [
        vec![certificate("eve@example.com", 1)],
        vec![certificate("bob@example.com.example.net", 1)],
        vec![certificate("bob@example.com", -1)],
        vec![],
    ] {
        assert!(plan(list).all().is_err());
    }
    // Of several, the newest that is valid.
    let (older, newer) = (certificate("bob@example.com", 1), certificate("bob@example.com", 3));
    for list in [vec![older.clone(), newer.clone()], vec![newer.clone(), older.clone()]] {
        let plan = plan(list);
        assert_eq!(plan.all().unwrap().iter().next().map(|one| &one.certificate), Some(&newer));
    }
    let stranger = Authority::root("Root").user("Bob", |t| {
        t.emails = vec![bob.clone()];
        t.key_usage = None;
    });
    assert!(plan(vec![stranger]).all().is_err());
}

#[test]
fn sec_058_nothing_is_taken_out_of_a_message_unseen() {
    use smime::open::harvest::{Change, harvest};
    use smime::{Message, Opener, Requirement, Signer};
    let root = Authority::root("Root");
    let (alice, trust, policy) = (root.person("Alice", "alice@example.com"), root.trust(), Policy::default());
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    let sign =
        |by: &smime::Identity| Signer::new(by, &policy).unwrap().sign(&Message::parse(mail).unwrap(), now()).unwrap();
    let signed = sign(&alice);
    let open = |signed: &[u8], requirement| {
        let opened = Opener::new(&trust, &policy).open(signed, now()).unwrap();
        opened
            .require(requirement)
            .map_err(|refused| refused.reasons().to_vec())
            .map(|trusted| harvest(&trusted, &[], &trust, &policy, now()).map(|found| found.certificate))
    };
    assert_eq!(open(&signed, Requirement::SignedBySender).unwrap().unwrap(), *alice.certificate());
    // Less was required: nothing is vouched for.
    assert_eq!(open(&signed, Requirement::Trusted).unwrap().unwrap_err()[0].code, "not_by_sender");
    // Another certificate for the same address takes nobody's place by itself.
    let again = root.person("Alice", "alice@example.com");
    let newer = sign(&again);
    let opened = Opener::new(&trust, &policy).open(&newer, now()).unwrap();
    let trusted = opened.require(Requirement::SignedBySender).map_err(|r| r.reasons().to_vec()).unwrap();
    let known = [alice.certificate().clone()];
    let found = harvest(&trusted, &known, &trust, &policy, now()).unwrap();
    assert_eq!(found.change, Change::Differs { known: known.to_vec() });
    let found = harvest(&trusted, &[again.certificate().clone()], &trust, &policy, now()).unwrap();
    assert_eq!(found.change, Change::Same);
    // A certificate for signing only is none to encrypt to.
    let signer_only = root.person_with(
        "Alice",
        &["alice@example.com"],
        smime::crypto::signature::KeyKind::Ed25519,
        0,
        common::people::years(),
    );
    let reasons = open(&sign(&signer_only), Requirement::SignedBySender).unwrap().unwrap_err();
    assert_eq!(reasons[0].code, "no_encryption_certificate");
}
