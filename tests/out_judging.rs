//! Judging as Outlook does: at which time, what the answer consists of, and what may stand where a collection is asked for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::lists::List;
use common::people::{Authority, now};
use smime::cert::status::ValidationStatus;
use smime::cms::signer_info::Integrity;
use smime::crypto::signature::KeyKind;
use smime::open::report::{Address, LayerKind, Signature, Trust as Chain};
use smime::{
    Crl, Identity, Message, Opened, Opener, Policy, Profile, Requirement, RevocationData, RevocationMode, Signer, Time,
    Trust,
};

const MAIL: &[u8] =
    b"From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn signed(by: &Identity) -> Vec<u8> {
    let policy = Policy::default();
    Signer::new(by, &policy).unwrap().sign(&Message::parse(MAIL).unwrap(), now()).unwrap()
}

fn opened<'m>(mail: &'m [u8], trust: &Trust, at: Time) -> Opened<'m> {
    Opener::new(trust, &Policy::default()).open(mail, at).unwrap()
}

fn signature<'o>(opened: &'o Opened<'_>) -> &'o Signature {
    match &opened.report().layers[0].kind {
        LayerKind::Signed(layer) => &layer.signatures[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn out_027_a_chain_is_judged_at_the_time_of_reading_whatever_the_signer_claims() {
    let root = Authority::root("Root");
    let validity = (time("2026-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z"));
    let alice = root.person_with("Alice", &["alice@example.com"], KeyKind::P256, 0, validity);
    let (mail, trust) = (signed(&alice), root.trust());
    assert!(opened(&mail, &trust, now()).judge(Requirement::SignedBySender).is_ok());
    // A year later the certificate has run out. That the mail claims to be older is told, and changes nothing.
    let later = opened(&mail, &trust, time("2027-06-01T00:00:00Z"));
    assert!(later.judge(Requirement::SignedBySender).is_err());
    let signature = signature(&later);
    assert_eq!((signature.integrity, signature.trust), (Integrity::Intact, Chain::Rejected));
    assert_eq!(signature.signed_at, Some(now()));
    assert_eq!(signature.status, Some(ValidationStatus::NotTimeValid));
}

#[test]
fn out_028_every_question_has_its_answer_and_a_good_signature_hides_no_fault() {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let (alice, eve) = (root.person("Alice", "alice@example.com"), other.person("Eve", "eve@example.com"));
    let good = signed(&alice);
    let good = opened(&good, &root.trust(), now());
    let answers = signature(&good);
    assert_eq!((answers.integrity, answers.trust), (Integrity::Intact, Chain::Anchored));
    assert_eq!((answers.address, answers.status), (Address::Matches, Some(ValidationStatus::Valid)));
    assert_eq!(answers.certificate.as_ref(), Some(alice.certificate()));
    assert_eq!(answers.scheme.as_deref(), Some("ecdsa-sha256"));
    // Somebody else's good signature, by a certificate that nobody here vouches for.
    let mut policy = Policy::default();
    policy.sender_mismatch = smime::policy::policy::SenderMismatch::Allow;
    let mail = Signer::new(&eve, &policy).unwrap().sign(&Message::parse(MAIL).unwrap(), now()).unwrap();
    let bad = opened(&mail, &root.trust(), now());
    let answers = signature(&bad);
    assert_eq!((answers.integrity, answers.trust), (Integrity::Intact, Chain::Rejected));
    assert_eq!(answers.address, Address::Differs);
    assert_eq!(answers.status, Some(ValidationStatus::UntrustedSource));
    let said = bad.report().to_string();
    assert!(said.contains("eve@example.com") && said.contains("NOT vouched for"), "{said}");
    assert!(bad.judge(Requirement::Signed).is_ok() && bad.judge(Requirement::Trusted).is_err());
}

#[test]
fn out_024_exchange_online_looks_up_every_link_whatever_is_asked_for() {
    let root = Authority::root("Root");
    let (mail, trust) = (signed(&root.person("Alice", "alice@example.com")), root.trust());
    let policy = Policy::new(Profile::ExchangeOnline);
    let mut data = RevocationData::default();
    let judged = |data: &RevocationData, mode: Option<RevocationMode>| {
        let mut opener = Opener::new(&trust, &policy).with_revocation(data);
        if let Some(mode) = mode {
            opener = opener.revocation(mode);
        }
        let opened = opener.open(&mail, now()).unwrap();
        (opened.judge(Requirement::SignedBySender).is_ok(), signature(&opened).status.unwrap().number())
    };
    // With nothing to look it up in, it is not known (16); no caller can ask for less.
    for mode in [None, Some(RevocationMode::Soft), Some(RevocationMode::Off)] {
        assert_eq!(judged(&data, mode), (false, 16), "{mode:?}");
    }
    assert!(Opener::new(&trust, &policy).open(&mail, now()).unwrap().judge(Requirement::Trusted).is_err());
    data.add_crl(Crl::from_der(&List::default().signed(&root), &policy.limits).unwrap());
    assert_eq!(judged(&data, Some(RevocationMode::Off)), (true, 1));
    // It judges; mail is composed in other names.
    let alice = root.person("Alice", "alice@example.com");
    assert!(Signer::new(&alice, &policy).err().unwrap().to_string().contains("exchange-online"));
}

#[cfg(feature = "cli")]
#[test]
fn out_024_the_program_refuses_to_ask_exchange_online_for_less() {
    use common::desk::{AT, Desk};
    let desk = Desk::plain();
    desk.expect(0, &format!("sign --identity alice.pem --key alice.key --at {AT} -o signed.eml mail.eml"));
    let verify = format!("verify --trust ca.pem --profile exchange-online --at {AT}");
    desk.expect(5, &format!("{verify} signed.eml"));
    desk.expect(9, &format!("{verify} --revocation soft signed.eml"));
    desk.expect(5, &format!("certs {verify} alice.pem"));
    desk.expect(9, &format!("certs {verify} --revocation off alice.pem"));
    desk.write("ca.crl", &List::default().signed(&desk.ca));
    desk.expect(0, &format!("{verify} --crls ca.crl signed.eml"));
}

#[cfg(feature = "cli")]
#[test]
fn out_106_a_collection_may_be_a_store_a_bundle_a_bag_or_a_folder() {
    use common::desk::{AT, Desk};
    let desk = Desk::plain();
    desk.expect(0, &format!("sign --identity alice.pem --key alice.key --at {AT} -o signed.eml mail.eml"));
    let root = &desk.ca.certificate;
    let other = Authority::root("Other").certificate;
    let pem = |certificate: &smime::Certificate| smime::store::pem::write("CERTIFICATE", certificate.der());
    desk.write("bundle.pem", format!("{}{}", pem(&other), pem(root)).as_bytes());
    desk.write("bag.p7b", &smime::store::p7c::write(&[other.clone(), root.clone()], &[]));
    std::fs::create_dir(desk.path("folder")).unwrap();
    desk.write("folder/other.cer", other.der());
    desk.write("folder/root.cer", root.der());
    desk.expect(0, "sst create --out store.sst bundle.pem");
    for collection in ["bundle.pem", "bag.p7b", "folder", "store.sst", "folder/root.cer"] {
        desk.expect(0, &format!("verify --trust {collection} --at {AT} signed.eml"));
    }
    desk.expect(5, &format!("verify --trust folder/other.cer --at {AT} signed.eml"));
    // A store that is out of date is named by its member, and a list of it shows both.
    let listed = String::from_utf8(desk.run("sst list store.sst").stdout).unwrap();
    assert!(listed.contains("CN=Other") && listed.contains("CN=Desk CA"), "{listed}");
    desk.expect(0, &format!("sst verify --at {AT} store.sst"));
    desk.expect(9, "sst verify --at 2040-01-01T00:00:00Z store.sst");
}
