//! Which of an account's certificates signs, which one copies are encrypted to, and which keys open (OUT-1 to OUT-14, OUT-44,
//! OUT-134 to OUT-137).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::people::{Authority, now};
use smime::asn1::{der, oid};
use smime::cert::extension::{Extension, KeyUsage};
use smime::cert::issue::CertificateTemplate;
use smime::cert::mailbox::OnRequest;
use smime::cert::name::Name;
use smime::policy::deployment::{CertificateSource, Keychain, Platform};
use smime::policy::document::{PolicyFile, PolicySet};
use smime::policy::sending::SigningChoice;
use smime::store::select::{Error, KeySource, Rejected, Selector, Use, VisibleTo, expires_soon};
use smime::{
    Certificate, EmailAddress, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, Profile, Requirement,
    Time,
};

const ALICE: &str = "alice@example.com";
const BOTH: KeyUsage = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
const DAY: i64 = 86_400;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// Somebody of Alice's account, whose key signs and opens, changed as the caller likes.
fn identity(ca: &Authority, change: impl FnOnce(&mut CertificateTemplate)) -> Identity {
    let (certificate, key) = ca.user_with_key("Alice", |template| {
        template.key_usage = Some(BOTH);
        change(template);
    });
    Identity::new(certificate, vec![ca.certificate.clone()], key).unwrap()
}

fn source(identities: &[&Identity]) -> [KeySource; 1] {
    [KeySource {
        name: "keys".to_owned(),
        identities: identities.iter().copied().cloned().collect(),
        ..KeySource::default()
    }]
}

fn keyless(certificates: &[&Certificate]) -> [KeySource; 1] {
    [KeySource { certificates: certificates.iter().copied().cloned().collect(), ..KeySource::default() }]
}

/// The signing certificate of an account, or the codes of what speaks against the only one.
fn signing(account: &str, policy: &Policy, sources: &[KeySource]) -> Result<Certificate, Vec<&'static str>> {
    let account = address(account);
    match Selector::new(&account, policy, now()).signing(sources) {
        Ok(selected) => Ok(selected.chosen.certificate().clone()),
        Err(Error::NoCertificateAvailable { rejected, .. }) => Err(codes(&rejected)),
        Err(error) => panic!("{error}"),
    }
}

fn codes(rejected: &[Rejected]) -> Vec<&'static str> {
    rejected.iter().flat_map(|one| one.reasons.iter().map(|reason| reason.code)).collect()
}

fn emails(template: &mut CertificateTemplate, list: &[&str]) {
    template.emails = list.iter().map(|one| address(one)).collect();
}

fn subject(template: &mut CertificateTemplate, attribute: const_oid::ObjectIdentifier, value: &str) {
    template.subject = Name::build(&[(attribute, value)]);
}

#[test]
fn out_01_the_primary_address_stands_in_the_certificate_as_one_of_three() {
    let ca = Authority::root("Root");
    let policy = Policy::default();
    let utf8 = identity(&ca, |t| emails(t, &["bücher@example.com"]));
    let rows: [(Identity, &str, bool); 7] = [
        (identity(&ca, |_| {}), ALICE, true),
        (identity(&ca, |t| emails(t, &["other@example.com", ALICE])), ALICE, true),
        (utf8.clone(), "bücher@example.com", true),
        (utf8, "bucher@example.com", false),
        (
            identity(&ca, |t| {
                emails(t, &[]);
                subject(t, oid::ID_EMAIL_ADDRESS, ALICE);
            }),
            ALICE,
            true,
        ),
        (identity(&ca, |t| emails(t, &[])), ALICE, false),
        (identity(&ca, |t| emails(t, &["alice@example.org"])), ALICE, false),
    ];
    for (number, (identity, account, fits)) in rows.iter().enumerate() {
        let found = signing(account, &policy, &source(&[identity]));
        match fits {
            true => assert_eq!(found.as_ref(), Ok(identity.certificate()), "row {number}"),
            false => assert_eq!(found, Err(vec!["address_mismatch"]), "row {number}"),
        }
    }
}

#[test]
fn out_02_case_counts_by_profile_and_tags_never_vanish() {
    let ca = Authority::root("Root");
    let upper = identity(&ca, |t| emails(t, &["Alice@EXAMPLE.com"]));
    let tagged = identity(&ca, |t| emails(t, &["alice+work@example.com"]));
    let idn = identity(&ca, |t| emails(t, &["alice@bücher.example"]));
    let outlook = Policy::default();
    let strict = Policy::new(Profile::Strict);
    assert!(signing(ALICE, &outlook, &source(&[&upper])).is_ok());
    assert_eq!(signing(ALICE, &strict, &source(&[&upper])), Err(vec!["address_mismatch"]));
    assert!(signing("Alice@example.COM", &strict, &source(&[&upper])).is_ok());
    assert_eq!(signing(ALICE, &outlook, &source(&[&tagged])), Err(vec!["address_mismatch"]));
    assert!(signing("alice@xn--bcher-kva.example", &strict, &source(&[&idn])).is_ok());
    // The leniency is told.
    let account = address(ALICE);
    let selected = Selector::new(&account, &outlook, now()).signing(&source(&[&upper])).unwrap();
    assert!(selected.notes.iter().any(|note| note.code == "local_case_folded"), "{:?}", selected.notes);
}

#[test]
fn out_03_a_common_name_is_no_address_unless_asked_for() {
    let ca = Authority::root("Root");
    let named = identity(&ca, |t| {
        emails(t, &[]);
        subject(t, oid::COMMON_NAME, ALICE);
    });
    let mut policy = Policy::default();
    assert_eq!(signing(ALICE, &policy, &source(&[&named])), Err(vec!["address_mismatch"]));
    policy.address_rule.common_name = OnRequest::Accept;
    assert!(signing(ALICE, &policy, &source(&[&named])).is_ok());
}

#[test]
fn out_04_nothing_falls_back_and_each_certificate_is_told_with_its_reasons() {
    let ca = Authority::root("Root");
    let alias = identity(&ca, |t| emails(t, &["alias@example.com"]));
    let old = identity(&ca, |t| t.not_after = at("2026-06-01T00:00:00Z"));
    let (account, policy) = (address(ALICE), Policy::default());
    let selector = Selector::new(&account, &policy, now());
    let error = selector.signing(&source(&[&alias, &old])).unwrap_err();
    let text = error.to_string();
    let Error::NoCertificateAvailable { account: told, purpose: Use::Sign, rejected } = error else { panic!("{text}") };
    assert_eq!(told, account);
    assert_eq!(codes(&rejected), ["address_mismatch", "certificate_expired"]);
    assert!(text.contains("alias@example.com") && text.contains("2026-06-01"), "{text}");
    let error = selector.encryption(&source(&[&alias, &old])).unwrap_err();
    assert!(matches!(error, Error::NoCertificateAvailable { purpose: Use::EncryptToSelf, .. }), "{error}");
    assert!(
        matches!(selector.signing(&[]), Err(Error::NoCertificateAvailable { rejected, .. }) if rejected.is_empty())
    );
}

#[test]
fn out_05_and_06_usages_decide_by_the_tables() {
    let ca = Authority::root("Root");
    let with = |usage: Option<KeyUsage>| identity(&ca, |t| t.key_usage = usage);
    let (account, policy) = (address(ALICE), Policy::default());
    let selector = Selector::new(&account, &policy, now());
    for (usage, signs, encrypts) in [
        (None, true, true),
        (Some(KeyUsage::DIGITAL_SIGNATURE), true, false),
        (Some(KeyUsage::NON_REPUDIATION), true, false),
        (Some(KeyUsage::KEY_AGREEMENT), false, true),
        (Some(KeyUsage::KEY_ENCIPHERMENT), false, false),
        (Some(BOTH), true, true),
    ] {
        let sources = source(&[&with(usage)]);
        assert_eq!(selector.signing(&sources).is_ok(), signs, "{usage:?}");
        assert_eq!(selector.encryption(&sources).is_ok(), encrypts, "{usage:?}");
        assert_eq!(selector.opening(&sources).is_ok(), encrypts, "{usage:?}");
    }
    let server = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
    let strict = Policy::new(Profile::Strict);
    for (usages, lax, strictly) in [
        (vec![oid::EMAIL_PROTECTION, server], true, true),
        (vec![oid::ANY_EXTENDED_KEY_USAGE], true, false),
        (vec![], true, false),
        (vec![server], false, false),
    ] {
        let sources = source(&[&identity(&ca, |t| t.extended_key_usage = usages.clone())]);
        assert_eq!(signing(ALICE, &policy, &sources).is_ok(), lax, "{usages:?}");
        assert_eq!(signing(ALICE, &strict, &sources).is_ok(), strictly, "{usages:?}");
    }
}

#[test]
fn out_07_only_what_is_valid_now_is_selected() {
    let ca = Authority::root("Root");
    let policy = Policy::default();
    let valid = |from: i64, to: i64| {
        source(&[&identity(&ca, |t| (t.not_before, t.not_after) = (now().plus(from), now().plus(to)))])
    };
    assert!(signing(ALICE, &policy, &valid(0, 0)).is_ok());
    assert_eq!(signing(ALICE, &policy, &valid(-DAY, -1)), Err(vec!["certificate_expired"]));
    assert_eq!(signing(ALICE, &policy, &valid(1, DAY)), Err(vec!["certificate_not_yet_valid"]));
    // A newer one that is not valid yet does not stand in the way of the one that is.
    let [coming, present] = [(DAY, 400 * DAY), (-DAY, 100 * DAY)]
        .map(|(from, to)| identity(&ca, |t| (t.not_before, t.not_after) = (now().plus(from), now().plus(to))));
    assert_eq!(signing(ALICE, &policy, &source(&[&coming, &present])).as_ref(), Ok(present.certificate()));
}

#[test]
fn out_08_thirty_days_before_the_end_are_warned_of_and_thirty_one_are_not() {
    let ca = Authority::root("Root");
    for (left, warned) in [(31 * DAY, None), (30 * DAY + 1, None), (30 * DAY, Some("30 days")), (0, Some("0 days"))] {
        let one = identity(&ca, |t| t.not_after = now().plus(left));
        let note = expires_soon(one.certificate(), now());
        assert_eq!(note.is_some(), warned.is_some(), "{left}");
        let (account, policy) = (address(ALICE), Policy::default());
        let sources = source(&[&one]);
        let selector = Selector::new(&account, &policy, now());
        for notes in [selector.signing(&sources).unwrap().notes, selector.encryption(&sources).unwrap().notes] {
            let found: Vec<_> = notes.iter().filter(|note| note.code == "expires_soon").collect();
            assert_eq!(found.len(), usize::from(warned.is_some()), "{left}");
            assert!(found.iter().all(|note| note.text.contains(warned.unwrap())), "{found:?}");
        }
    }
}

#[test]
fn out_09_the_last_to_begin_is_taken_compared_to_the_second() {
    let ca = Authority::root("Root");
    let begun = |text: &str| identity(&ca, |t| t.not_before = at(text));
    let [old, newer, newest] = ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-04-01T00:00:01Z"].map(begun);
    let policy = Policy::default();
    for order in [[&old, &newer, &newest], [&newest, &old, &newer], [&newer, &newest, &old]] {
        assert_eq!(signing(ALICE, &policy, &source(&order)).as_ref(), Ok(newest.certificate()));
    }
    // The user's choice counts where the policy lets them choose.
    let (account, exchange) = (address(ALICE), |value: &str| {
        let text = format!("Set-SmimeConfig -OWAAllowUserChoiceOfSigningCertificate {value}");
        let file = PolicyFile::read(text.as_bytes(), &Limits::default()).unwrap();
        let mut policy = Policy::new(Profile::Owa);
        PolicySet::new(vec![file]).unwrap().sign_by(&mut policy).unwrap();
        policy
    });
    let sources = source(&[&old, &newest]);
    let choose = |policy: &Policy| {
        let selector = Selector::new(&account, policy, now()).choose(old.certificate().sha256());
        let selected = selector.signing(&sources).unwrap();
        let ignored = selected.notes.iter().any(|note| note.code == "user_choice_ignored");
        (selected.chosen.certificate().clone(), ignored)
    };
    assert_eq!(choose(&exchange("$true")), (old.certificate().clone(), false));
    assert_eq!(choose(&exchange("$false")), (newest.certificate().clone(), true));
    assert_eq!(choose(&Policy::new(Profile::Owa)), (newest.certificate().clone(), true));
    assert_eq!(choose(&policy), (old.certificate().clone(), false));
}

#[test]
fn out_10_of_two_that_begin_together_the_smaller_fingerprint_is_taken() {
    let ca = Authority::root("Root");
    let all: Vec<Identity> = (0..4).map(|_| identity(&ca, |_| {})).collect();
    let smallest = all.iter().min_by_key(|one| one.certificate().sha256()).unwrap();
    let forth: Vec<&Identity> = all.iter().collect();
    let back: Vec<&Identity> = all.iter().rev().collect();
    for order in [forth, back] {
        let found = signing(ALICE, &Policy::default(), &source(&order));
        assert_eq!(found.as_ref(), Ok(smallest.certificate()));
    }
}

#[test]
fn out_11_and_14_the_two_certificates_are_chosen_apart_and_the_copy_goes_to_the_second() {
    let ca = Authority::root("Root");
    let signs = identity(&ca, |t| t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION)));
    let opens = identity(&ca, |t| t.key_usage = Some(KeyUsage::KEY_AGREEMENT));
    let bob = ca.person("Bob", "bob@example.com");
    let (account, policy) = (address(ALICE), Policy::default());
    let sources = source(&[&signs, &opens]);
    let selector = Selector::new(&account, &policy, now());
    assert_eq!(selector.signing(&sources).unwrap().chosen.certificate(), signs.certificate());
    let own = selector.encryption(&sources).unwrap().chosen;
    assert_eq!(&own, opens.certificate());
    let directory = smime::Certificates(vec![bob.certificate().clone()]);
    let plan = smime::RecipientPlan::resolve(&[address("bob@example.com")], &directory, &policy, None, now());
    let encryptor = Encryptor::new(&plan.all().unwrap(), &policy).copy_to_certificate(&own, now()).unwrap();
    let message = Message::parse(b"From: alice@example.com\r\nTo: bob@example.com\r\n\r\nhello\r\n").unwrap();
    let sealed = encryptor.encrypt(&message).unwrap();
    let named = common::envelope::recipients(&sealed);
    assert_eq!(named.len(), 2);
    assert!(named.iter().any(|one| one.names(opens.certificate())));
    assert!(!named.iter().any(|one| one.names(signs.certificate())));
}

#[test]
fn out_12_and_134_expired_keys_open_and_do_nothing_else() {
    let ca = Authority::root("Root");
    let old = identity(&ca, |t| t.not_after = at("2026-06-01T00:00:00Z"));
    let new = identity(&ca, |t| t.not_before = at("2026-05-01T00:00:00Z"));
    let stranger = ca.person("Bob", "bob@example.com");
    let (account, policy) = (address(ALICE), Policy::default());
    let selector = Selector::new(&account, &policy, now());
    let sources = source(&[&old, &stranger, &new]);
    let history = selector.opening(&sources).unwrap();
    let found: Vec<&Certificate> = history.iter().map(|one| one.chosen.certificate()).collect();
    assert_eq!(found, [new.certificate(), old.certificate()]);
    assert!(history[1].notes.iter().any(|note| note.code == "certificate_expired"));
    assert_eq!(&selector.encryption(&sources).unwrap().chosen, new.certificate());
    assert!(matches!(selector.signing(&source(&[&old])), Err(Error::NoCertificateAvailable { .. })));
    // What was encrypted to the old certificate while it was valid.
    let then = at("2026-03-01T00:00:00Z");
    let sealed = Encryptor::draft(old.certificate(), &policy, then)
        .unwrap()
        .encrypt(&Message::parse(b"From: bob@example.com\r\nTo: alice@example.com\r\n\r\nhello\r\n").unwrap())
        .unwrap();
    let (trust, ring) = (ca.trust(), Keyring::new(history.into_iter().map(|one| one.chosen).collect()));
    let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&sealed, now()).unwrap();
    assert!(opened.require(Requirement::Unaltered).is_ok());
}

#[test]
fn out_13_a_phone_gives_no_choice_whatever_the_policy_says() {
    let ca = Authority::root("Root");
    let [old, new] =
        ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"].map(|from| identity(&ca, |t| t.not_before = at(from)));
    let account = address(ALICE);
    let mut policy = Policy::new(Profile::OutlookMobile);
    policy.sending.signing_choice = SigningChoice::Users;
    let selector = Selector::new(&account, &policy, now()).choose(old.certificate().sha256());
    let selected = selector.signing(&source(&[&old, &new])).unwrap();
    assert_eq!(selected.chosen.certificate(), new.certificate());
    assert!(selected.notes.iter().any(|note| note.code == "user_choice_ignored"));
}

#[test]
fn a_choice_that_will_not_do_is_no_reason_to_take_another() {
    let ca = Authority::root("Root");
    let [old, new] = ["2026-06-01T00:00:00Z", "2030-01-01T00:00:00Z"].map(|to| identity(&ca, |t| t.not_after = at(to)));
    let (account, policy) = (address(ALICE), Policy::default());
    let select = |hash: [u8; 32]| {
        let error = Selector::new(&account, &policy, now()).choose(hash).signing(&source(&[&old, &new])).unwrap_err();
        let Error::ChosenUnusable { reasons, .. } = error else { panic!("{error}") };
        reasons.into_iter().map(|reason| reason.code).collect::<Vec<_>>()
    };
    assert_eq!(select(old.certificate().sha256()), ["certificate_expired"]);
    assert_eq!(select([0; 32]), ["private_key_missing"]);
}

#[test]
fn out_44_a_key_that_is_not_here_is_another_error_than_no_certificate() {
    let ca = Authority::root("Root");
    let there = identity(&ca, |_| {});
    let other = identity(&ca, |t| emails(t, &["other@example.com"]));
    let (account, policy) = (address(ALICE), Policy::default());
    let selector = Selector::new(&account, &policy, now());
    let sources = keyless(&[there.certificate()]);
    for (error, wanted) in
        [(selector.signing(&sources).unwrap_err(), Use::Sign), (selector.opening(&sources).unwrap_err(), Use::Open)]
    {
        let text = error.to_string();
        let Error::NoPrivateKey { purpose, certificates, .. } = error else { panic!("{text}") };
        assert_eq!((purpose, certificates), (wanted, vec![there.certificate().clone()]));
        assert!(text.contains("CN=Alice"), "{text}");
    }
    // The copy can be encrypted all the same, and is read on another device.
    let own = selector.encryption(&sources).unwrap();
    assert!(own.notes.iter().any(|note| note.code == "private_key_elsewhere"));
    // A certificate that would not do anyway is no key that is missing.
    let error = selector.signing(&keyless(&[other.certificate()])).unwrap_err();
    let Error::NoCertificateAvailable { rejected, .. } = error else { panic!("{error}") };
    assert_eq!(codes(&rejected), ["address_mismatch", "private_key_missing"]);
    // With the key in another source, it is there.
    let [one] = keyless(&[there.certificate()]);
    let [two] = source(&[&there]);
    assert!(selector.signing(&[one, two]).is_ok());
}

#[test]
fn out_136_and_137_what_lies_in_the_system_keychain_of_ios_is_not_seen_by_outlook() {
    let ca = Authority::root("Root");
    let one = identity(&ca, |_| {});
    let lying = |keychain, platform| {
        let [source] = source(&[&one]);
        [KeySource { visible_to: VisibleTo::AppsThatSee(keychain, platform), ..source }]
    };
    let mobile = Policy::new(Profile::OutlookMobile);
    let hidden = lying(Keychain::System, Platform::Ios);
    assert_eq!(signing(ALICE, &mobile, &hidden), Err(vec!["keychain_not_visible"]));
    assert!(signing(ALICE, &mobile, &lying(Keychain::MicrosoftPublisher, Platform::Ios)).is_ok());
    // OUT-137: a certificate of the device itself, on Android.
    assert!(signing(ALICE, &mobile, &lying(Keychain::System, Platform::AndroidEnterprise)).is_ok());
    // Other programs are not Outlook.
    assert!(signing(ALICE, &Policy::new(Profile::Rfc8551), &hidden).is_ok());
    // The same key where it can be seen is taken from there.
    let [there] = hidden;
    let [here] = source(&[&one]);
    assert!(signing(ALICE, &mobile, &[there, here]).is_ok());
}

#[test]
fn out_135_the_last_fifth_of_a_derived_credential_is_told() {
    let ca = Authority::root("Root");
    let (account, policy) = (address(ALICE), Policy::default());
    for (left, due) in [(200 * DAY, true), (200 * DAY + 1, false)] {
        let whole = 1000 * DAY;
        let one = identity(&ca, |t| (t.not_before, t.not_after) = (now().plus(left - whole), now().plus(left)));
        for (delivered, told) in
            [(Some(CertificateSource::DerivedCredential), due), (Some(CertificateSource::Scep), false), (None, false)]
        {
            let [source] = source(&[&one]);
            let sources = [KeySource { delivered, ..source }];
            let notes = Selector::new(&account, &policy, now()).signing(&sources).unwrap().notes;
            assert_eq!(notes.iter().any(|note| note.code == "renewal_due"), told, "{left} {delivered:?}");
        }
    }
}

#[test]
fn an_unreadable_extension_is_a_reason_and_no_permission() {
    let ca = Authority::root("Root");
    let odd = identity(&ca, |t| {
        t.extended_key_usage = Vec::new();
        t.extensions = vec![Extension { oid: oid::EXTENDED_KEY_USAGE, critical: false, value: der::null() }];
    });
    assert_eq!(signing(ALICE, &Policy::default(), &source(&[&odd])), Err(vec!["malformed_extension"]));
}
