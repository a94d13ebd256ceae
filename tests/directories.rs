//! What directories file, and which of it is used: values of `userSMIMECertificate` in both forms, the order of attributes
//! and sources, contacts out of signed mail, and names that are not to break out of where they stand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::people::{Authority, common_name, now, serial, years};
use proptest::prelude::*;
use smime::asn1::framing::Encoding;
use smime::asn1::oid;
use smime::base::reason::visible;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::cert::name::Name;
use smime::cms::attribute::SignedAttributes;
use smime::cms::capabilities::{CapabilityList, encode};
use smime::cms::identifier::CertificateId;
use smime::cms::{signed, signer_info};
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::open::harvest::harvest;
use smime::store::directory::contacts::{Added, Contacts};
use smime::store::directory::smime_value::{SmimeValue, read};
use smime::store::directory::{Answer, Answers, Directory, Filed, Offer, Outcome};
use smime::store::p7c;
use smime::{Certificate, EmailAddress, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Signer};

const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

/// A certificate of Alice, for what it is said to be for, with its key.
fn alice(ca: &Authority, usage: KeyUsage) -> (Certificate, PrivateKey) {
    let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
    let issuer = Some(&ca.certificate);
    let template = CertificateTemplate::new(common_name("Alice"), issuer, &serial(), years(), &key.public_key_spki());
    (ca.issue(&template.for_mail(&["alice@example.com".parse().unwrap()], usage)), key)
}

/// A value as Outlook publishes it: signed, without content, the certificate to encrypt to marked.
fn published(signer: &(Certificate, PrivateKey), marked: Option<&Certificate>, others: &[Certificate]) -> Vec<u8> {
    let attributes = SignedAttributes {
        capabilities: Some(encode(CapabilityList::Outlook, SHA256)),
        signer: Some(&signer.0),
        encryption: marked,
        protection: None,
    }
    .template()
    .fill(&hash(SHA256, b""), now());
    let scheme = SignatureScheme::Ecdsa(SHA256);
    let signature = signer.1.sign(&scheme, &attributes).unwrap();
    let id = CertificateId::issuer_and_serial(&signer.0);
    let info = signer_info::encode(&id, SHA256, &attributes, &scheme.identifier(), &signature);
    let mut certificates = vec![signer.0.clone()];
    certificates.extend_from_slice(others);
    let (digests, signers) = ([SHA256], [info]);
    signed::Writer {
        digests: &digests,
        certificates: &certificates,
        signers: &signers,
        version: 1,
        encoding: Encoding::Der,
    }
    .detached()
}

fn value(bytes: &[u8]) -> SmimeValue {
    read(bytes, &Limits::default()).unwrap()
}

fn codes(value: &SmimeValue) -> Vec<&str> {
    value.notes.iter().map(|note| note.code).collect()
}

#[test]
fn out_97_the_marked_certificate_comes_first_with_what_its_owner_can_read() {
    let ca = Authority::root("Root");
    let signer = alice(&ca, KeyUsage::DIGITAL_SIGNATURE);
    let (encryption, _) = alice(&ca, KeyUsage::KEY_AGREEMENT);
    let (unmarked, _) = alice(&ca, KeyUsage::KEY_AGREEMENT);
    let others = [unmarked, encryption.clone(), ca.certificate.clone()];
    let bytes = published(&signer, Some(&encryption), &others);
    let read = value(&bytes);
    assert_eq!(read.offers.len(), 3);
    assert_eq!((&read.offers[0].certificate, read.offers[0].marked), (&encryption, true));
    assert!(read.offers[1..].iter().all(|offer| !offer.marked));
    assert!(read.offers.iter().all(|offer| offer.capabilities.is_some() && offer.filed == Filed::UserSmimeCertificate));
    assert_eq!(read.others, std::slice::from_ref(&ca.certificate));
    assert!(codes(&read).is_empty(), "{:?}", read.notes);
    // A signature that does not hold: certificates stay, and nothing else that was signed counts.
    let mut forged = bytes.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let read = value(&forged);
    assert_eq!(read.offers.len(), 3);
    assert!(read.offers.iter().all(|offer| !offer.marked && offer.capabilities.is_none()));
    assert_eq!(codes(&read), ["smime_value_signature_invalid"]);
    // Nobody signed, which a directory may well have.
    let read = value(&p7c::write(&[encryption.clone(), ca.certificate.clone()], &[]));
    assert_eq!((read.offers.len(), read.others.len(), read.offers[0].capabilities.is_none()), (1, 1, true));
    // No mark: the certificates stand as they were.
    assert!(value(&published(&signer, None, &others)).offers.iter().all(|offer| !offer.marked));
    for cut in 0..bytes.len() {
        assert!(smime::store::directory::smime_value::read(&bytes[..cut], &Limits::default()).is_err(), "{cut}");
    }
}

fn tlv(fields: &[(u16, &[u8])]) -> Vec<u8> {
    let field = |(tag, data): &(u16, &[u8])| {
        let length = u16::try_from(data.len() + 4).unwrap();
        [&tag.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
    };
    fields.iter().flat_map(field).collect()
}

#[test]
fn out_98_exchange_s_tags_are_read() {
    let ca = Authority::root("Root");
    let [encryption, signing, other] = [KeyUsage::KEY_AGREEMENT, KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_AGREEMENT]
        .map(|usage| alice(&ca, usage).0);
    let said = encode(CapabilityList::Outlook, SHA256);
    let (one, defaults): (&[u8], &[u8]) = (&[1, 0, 0, 0], &[7, 0, 0, 0]);
    let (sha1, other_sha1) = (encryption.sha1(), other.sha1());
    let fields: Vec<(u16, &[u8])> = vec![
        (0x0001, one),
        (0x0002, &said),
        (0x0003, encryption.der()),
        (0x0004, ca.certificate.der()),
        (0x0006, one),
        (0x0008, signing.der()),
        (0x000b, b"Alice"),
        (0x0020, defaults),
        (0x0022, &sha1),
        (0x0051, b"A\0l\0"),
        (0x7777, b"unknown"),
    ];
    let read = value(&tlv(&fields));
    let offers: Vec<_> = read.offers.iter().map(|o| (&o.certificate, o.marked, o.capabilities.is_some())).collect();
    assert_eq!(offers, [(&encryption, true, true), (&signing, false, false)]);
    assert_eq!(read.others, std::slice::from_ref(&ca.certificate));
    assert!(codes(&read).is_empty(), "{:?}", read.notes);
    let with = |at: usize, field: (u16, &'static [u8])| {
        let mut fields = fields.clone();
        fields[at] = field;
        tlv(&fields)
    };
    // Not the default; a hash of another certificate; two that exclude each other; capabilities that are none.
    assert!(!value(&with(7, (0x0020, &[4, 0, 0, 0]))).offers[0].marked);
    let mut differs = fields.clone();
    differs[8] = (0x0022, &other_sha1);
    let differs = value(&tlv(&differs));
    assert!(!differs.offers[0].marked && differs.offers[0].capabilities.is_none());
    assert_eq!(codes(&differs), ["smime_value_hash_differs"]);
    assert_eq!(codes(&value(&with(10, (0x0009, &[0; 20])))), ["smime_value_two_signing"]);
    assert_eq!(codes(&value(&with(1, (0x0002, b"nonsense")))), ["smime_value_capabilities"]);
    // What is malformed is refused with its place or its tag.
    let refused = |bytes: &[u8]| smime::store::directory::smime_value::read(bytes, &Limits::default()).unwrap_err();
    assert!(refused(&with(0, (0x0001, &[2, 0, 0, 0]))).contains("version"));
    assert!(refused(&tlv(&fields[1..])).contains("0001"));
    assert!(refused(&with(10, (0x0003, b"again"))).contains("0003 stands there twice"));
    assert!(refused(&with(2, (0x0003, b"none"))).contains("tag 0003"));
    assert!(refused(&[1, 0, 3, 0]).contains("at byte 0"));
    assert!(refused(b"").contains("0001"));
    assert!(refused(&[tlv(&fields[..1]), vec![2, 0, 0xff, 0xff, 1]].concat()).contains("at byte 8"));
    let whole = tlv(&fields);
    let ends: Vec<usize> = (1..=fields.len()).map(|n| tlv(&fields[..n]).len()).collect();
    for cut in (0..whole.len()).filter(|cut| !ends.contains(cut)) {
        refused(&whole[..cut]);
    }
    assert!(refused(&[tlv(&fields[..1]), tlv(&[(0x7777, b"")]).repeat(300)].concat()).contains("more than 256 tags"));
}

/// One source with what it offers.
struct Source(Vec<Offer>);

impl Directory for Source {
    fn look_up<'a>(&'a self, _: &'a EmailAddress) -> Answers<'a> {
        Answer::once(|| Answer::new("source", Outcome::Found(self.0.clone())))
    }
}

#[test]
fn out_96_user_certificate_counts_only_where_the_other_has_nothing_valid() {
    let ca = Authority::root("Root");
    let make = |usage| alice(&ca, usage).0;
    let (agree, sign) = (KeyUsage::KEY_AGREEMENT, KeyUsage::DIGITAL_SIGNATURE);
    let offer = |certificate: &Certificate, filed, marked| Offer { filed, marked, ..Offer::plain(certificate.clone()) };
    let (smime, plain) = (Filed::UserSmimeCertificate, Filed::UserCertificate);
    let chosen = |offers: Vec<Offer>| {
        let addresses = ["alice@example.com".parse().unwrap()];
        let plan = RecipientPlan::resolve(&addresses, &Source(offers), &Policy::default(), Some(&ca.trust()), now());
        plan.entries()[0].outcome.as_ref().unwrap().certificate.clone()
    };
    let (a, b, c, signing) = (make(agree), make(agree), make(agree), make(sign));
    assert_eq!(chosen(vec![offer(&a, plain, false), offer(&b, smime, false)]), b);
    assert_eq!(chosen(vec![offer(&a, plain, false), offer(&signing, smime, true)]), a, "nothing valid in the other");
    // OUT-97: the marked one if it is valid, else the first that is.
    assert_eq!(chosen(vec![offer(&a, smime, false), offer(&b, smime, true), offer(&c, smime, false)]), b);
    assert_eq!(chosen(vec![offer(&signing, smime, true), offer(&b, smime, false), offer(&c, smime, false)]), b);
}

#[test]
fn out_30_a_sender_s_certificate_is_kept_with_what_the_mail_said() {
    let root = Authority::root("Root");
    let (alice, trust, policy) = (root.person("Alice", "alice@example.com"), root.trust(), Policy::default());
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    let signed = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(mail).unwrap(), now()).unwrap();
    let opened = Opener::new(&trust, &policy).open(&signed, now()).unwrap();
    let trusted = opened.require(Requirement::SignedBySender).map_err(|refused| refused.reasons().to_vec()).unwrap();
    let contact = harvest(&trusted, &[], &trust, &policy, now()).unwrap().into_contact();
    assert_eq!((&contact.certificate, contact.signed_at), (alice.certificate(), Some(now())));
    let said = contact.capabilities.clone().unwrap();
    assert!(!smime::cms::capabilities::decode(&said, &Limits::default()).unwrap().is_empty());
    let mut contacts = Contacts::default();
    assert_eq!(contacts.add(contact.clone()), Added::First);
    assert_eq!(contacts.add(contact.clone()), Added::Known);
    let address = ["ALICE@example.com".parse().unwrap()];
    let plan = RecipientPlan::resolve(&address, &contacts, &policy, Some(&trust), now());
    assert_eq!(plan.entries()[0].outcome.as_ref().unwrap().source, "the contacts");
    assert_eq!(plan.entries()[0].outcome.as_ref().unwrap().certificate, *alice.certificate());
}

/// Texts that are shown as they are: control characters and the like are shown as escapes, which nobody reads.
fn names() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("shown otherwise", |text| !text.is_empty() && visible(text) == *text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sec_135_a_name_cannot_become_a_part_of_another(text in names()) {
        let name = Name::build(&[(oid::COMMON_NAME, &text)]);
        let written = name.to_string();
        let read: Name = written.parse().unwrap();
        prop_assert_eq!(read.common_name(), Some(text.as_str()), "{}", written);
    }
}
