//! What Outlook, Exchange and the lists on the way really send, and how it is read: a fixture for each letter of OUT-60, and
//! Outlook for Mac's (OUT-58).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::outlook::{split, structure, without_signature};
use common::people::{Authority, common_name, now, serial, years};
use smime::asn1::ber::{Element, Reader, Tag};
use smime::asn1::framing::Encoding;
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::cms::identifier::CertificateId;
use smime::cms::recipient_info::{self, Wrapping};
use smime::cms::{enveloped, signer_info};
use smime::crypto::algorithm::{
    CipherParameters, Cofactor, ContentCipher, DigestAlgorithm, KeyAgreement, KeyDerivation, KeyWrap, SignatureScheme,
};
use smime::crypto::content::{CbcEncryptor, fresh};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::keys::software::SoftwareKey;
use smime::mime::transfer::Base64Writer;
use smime::policy::policy::{CertificateIdentifier, IncludedCertificates, Policy};
use smime::{
    Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Profile, RecipientPlan, Requirement, Signer,
    Trust,
};
use std::io::Write;
use std::sync::Arc;

const MAIL: &str =
    "From: alice@example.com\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nPay 10 euros.\r\n";
const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n";
const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

struct World {
    ca: Authority,
    middle: Authority,
    alice: Identity,
    bob: Identity,
    policy: Policy,
}

/// Whether the sender's signature holds over the whole, and all codes of the report and of the refusal.
struct Answer {
    met: bool,
    codes: Vec<&'static str>,
}

impl Answer {
    fn has(&self, code: &str) -> bool {
        self.codes.contains(&code)
    }
}

impl World {
    fn new() -> Self {
        let ca = Authority::root("CA");
        let middle = ca.authority("Middle", |_| {});
        let chain = vec![middle.certificate.clone(), ca.certificate.clone()];
        let person = |name: &str, email: &str| middle.person(name, email).with_chain(chain.clone());
        let (alice, bob) = (person("Alice", "alice@example.com"), person("Bob", "bob@example.com"));
        Self { alice, bob, ca, middle, policy: Policy::default() }
    }

    fn signer(&self) -> Signer<'_> {
        Signer::new(&self.alice, &self.policy).unwrap()
    }

    fn sign(&self, signer: &Signer<'_>) -> String {
        let message = Message::parse(MAIL.as_bytes()).unwrap();
        String::from_utf8(signer.sign(&message, now()).unwrap()).unwrap()
    }

    fn clear(&self) -> String {
        self.sign(&self.signer())
    }

    fn opaque(&self) -> String {
        self.sign(&self.signer().opaque())
    }

    fn encrypted(&self, mail: &str) -> String {
        let directory = Certificates(vec![self.bob.certificate().clone()]);
        let to = ["bob@example.com".parse().unwrap()];
        let plan = RecipientPlan::resolve(&to, &directory, &self.policy, None, now());
        let encryptor = Encryptor::new(&plan.all().unwrap(), &self.policy);
        String::from_utf8(encryptor.encrypt(&Message::parse(mail.as_bytes()).unwrap()).unwrap()).unwrap()
    }

    fn read(&self, mail: &str) -> Answer {
        self.read_with(mail, &self.ca.trust())
    }

    fn read_with(&self, mail: &str, trust: &Trust) -> Answer {
        let ring = Keyring::new(vec![self.bob.clone()]);
        let opened = Opener::new(trust, &self.policy).with_keys(&ring).open(mail.as_bytes(), now()).unwrap();
        let against = opened.judge(Requirement::SignedBySender).err().map(|(_, reasons)| reasons);
        let met = against.is_none();
        let codes = opened.report().findings().chain(against.iter().flatten()).map(|reason| reason.code).collect();
        Answer { met, codes }
    }

    /// A SignedData as Outlook for Mac makes it, over something with this digest.
    fn mac(&self, digest: &[u8], signed_order: Order) -> Vec<u8> {
        let attribute = |kind, value: Vec<u8>| der::sequence(&[der::oid(&kind), der::set_of(Tag::SET, vec![value])]);
        let attributes = vec![
            attribute(oid::ID_MESSAGE_DIGEST, der::octets(digest)),
            attribute(oid::ID_CONTENT_TYPE, der::oid(&oid::ID_DATA)),
            attribute(oid::ID_SIGNING_TIME, der::time(now())),
        ];
        let sent = der::constructed(Tag::SET, &attributes);
        let sorted = der::set_of(Tag::SET, attributes);
        assert_ne!(sent, sorted);
        let signed = if signed_order == Order::AsSent { &sent } else { &sorted };
        let signature = self.alice.signing().sign(&SCHEME, signed).unwrap();
        let sha256 = DigestAlgorithm::Sha256;
        let identifier = CertificateId::issuer_and_serial(self.alice.certificate());
        let signer = signer_info::encode(&identifier, sha256, &sent, &SCHEME.identifier(), &signature);
        // Leaf, intermediate, root: not the order of a SET.
        let bag = [self.alice.certificate(), &self.middle.certificate, &self.ca.certificate].map(|c| c.der());
        let data = der::sequence(&[
            der::integer(1),
            der::set_of(Tag::SET, vec![sha256.identifier_with_null().to_der()]),
            der::sequence(&[der::oid(&oid::ID_DATA)]),
            der::constructed(Tag::context(0), &bag),
            der::set_of(Tag::SET, vec![signer]),
        ]);
        der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &data)])
    }

    /// The same as a mail, with its headers.
    fn mac_mail(&self, signed_order: Order) -> String {
        let entity =
            "Content-type: text/plain;\r\n\tcharset=\"UTF-8\"\r\nContent-transfer-encoding: 7bit\r\n\r\nhello\r\n";
        let signature = self.mac(&hash(DigestAlgorithm::Sha256, entity.as_bytes()), signed_order);
        format!(
            "From: Alice <alice@example.com>\r\nMime-version: 1.0\r\nContent-type: multipart/signed;\r\n\
             \tprotocol=\"application/pkcs7-signature\";\r\n\tmicalg=sha256;\r\n\tboundary=\"B_3787654321_1234567890\"\r\n\r\n\
             > This message is in MIME format. Since your mail reader does not understand\r\n\r\n\
             --B_3787654321_1234567890\r\n{entity}\r\n--B_3787654321_1234567890\r\n\
             Content-type: application/pkcs7-signature; name=\"smime.p7s\"\r\nContent-transfer-encoding: base64\r\n\
             Content-disposition: attachment;\r\n\tfilename=\"smime.p7s\"\r\n\r\n{}\r\n--B_3787654321_1234567890--\r\n",
            lines(&signature, 72)
        )
    }
}

/// Over which order of the attributes a signature is made.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    AsSent,
    Sorted,
}

/// Base64 in lines of so many columns.
fn lines(bytes: &[u8], columns: usize) -> String {
    let mut writer = Base64Writer::new(Vec::new());
    writer.write_all(bytes).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap().replace("\r\n", "");
    text.as_bytes().chunks(columns).map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap())).collect()
}

/// A mail that is one structure.
fn cms_mail(kind: &str, structure: &[u8]) -> String {
    let header = "From: alice@example.com\r\nTo: bob@example.com\r\nMIME-Version: 1.0\r\n";
    format!(
        "{header}Content-Type: application/pkcs7-mime; smime-type={kind}; name=\"smime.p7m\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        lines(structure, 76)
    )
}

/// The structure of a mail that is one.
fn of(mail: &str) -> Vec<u8> {
    structure(split(mail.as_bytes()).1)
}

/// As un-DER as BER allows: every constructed element of indefinite length, every octet string in two segments. Certificates and
/// attributes stay, since their bytes are signed.
fn loose(element: &Element<'_>, depth: usize) -> Vec<u8> {
    let raw = element.raw();
    if !element.constructed {
        let string = element.tag == Tag::OCTET_STRING || element.tag == Tag::context(0);
        return if string { segmented(raw[0] | 0x20, element.content()) } else { raw.to_vec() };
    }
    let mut children = Vec::new();
    let mut reader = element.children("children").unwrap();
    while let Some(child) = reader.next_element().unwrap() {
        let signed = element.tag == Tag::context(0) && depth > 1 && child.tag == Tag::SEQUENCE;
        children.push(if signed { child.raw().to_vec() } else { loose(&child, depth + 1) });
    }
    [&[raw[0], 0x80][..], &children.concat(), &[0, 0]].concat()
}

fn segmented(tag: u8, content: &[u8]) -> Vec<u8> {
    let (first, second) = content.split_at(content.len() / 2);
    [&[tag, 0x80][..], &der::octets(first), &der::octets(second), &[0, 0]].concat()
}

#[test]
fn out_058_mail_of_outlook_for_mac_is_read() {
    let mut world = World::new();
    for profile in [Profile::OutlookWindows, Profile::OutlookMac, Profile::Rfc8551] {
        world.policy = Policy::new(profile);
        let answer = world.read(&world.mac_mail(Order::AsSent));
        assert!(answer.met && answer.has("non_der_signed_attrs"), "{profile}: {:?}", answer.codes);
    }
}

#[test]
fn out_060_a_attributes_as_received_and_only_then_sorted() {
    let world = World::new();
    for order in [Order::AsSent, Order::Sorted] {
        let mail = world.mac_mail(order);
        let answer = world.read(&mail);
        assert!(answer.met && answer.has("non_der_signed_attrs"), "{:?}", answer.codes);
        assert!(!world.read(&mail.replace("hello", "hullo")).met);
    }
}

#[test]
fn out_060_b_ber_everywhere() {
    let mut world = World::new();
    world.policy = Policy::new(Profile::OutlookMobile);
    world.policy.opaque = Policy::default().opaque;
    let tight = of(&world.opaque());
    let signed = loose(&Reader::single(&tight, "x").unwrap(), 0);
    assert!(signed.windows(2).filter(|w| w == b"\x24\x80").count() >= 2);
    let answer = world.read(&cms_mail("signed-data", &signed));
    assert!(answer.met, "{:?}", answer.codes);
    // And so the structure around it.
    let sealed = of(&world.encrypted(&world.clear()));
    let sealed = loose(&Reader::single(&sealed, "x").unwrap(), 0);
    let answer = world.read(&cms_mail("enveloped-data", &sealed));
    assert!(answer.met, "{:?}", answer.codes);
    // A detached one.
    let mail = world.clear();
    let signature = without_signature(mail.as_bytes()).1;
    let other = loose(&Reader::single(&signature, "x").unwrap(), 0);
    let mail = mail.replace(&lines(&signature, 76), &lines(&other, 76));
    assert!(mail.contains(&lines(&other, 76)) && world.read(&mail).met);
}

#[test]
fn out_060_c_protocol_and_part_may_differ_by_an_x() {
    let world = World::new();
    let mail = world.clear();
    let part = "Content-Type: application/pkcs7-signature";
    assert!(mail.contains("protocol=\"application/x-pkcs7-signature\"") && mail.contains(part));
    let plain = mail.replace("protocol=\"application/x-", "protocol=\"application/");
    let old = mail.replace(part, "Content-Type: application/x-pkcs7-signature");
    let crossed = plain.replace(part, "Content-Type: application/x-pkcs7-signature");
    for mail in [mail, plain, old, crossed] {
        assert!(world.read(&mail).met, "{mail}");
    }
}

#[test]
fn out_060_d_micalg_in_any_spelling_missing_or_wrong() {
    let world = World::new();
    let mail = world.clear();
    let own = "\tmicalg=2.16.840.1.101.3.4.2.1;\r\n";
    assert!(mail.contains(own));
    for (micalg, code) in [
        ("\tmicalg=sha-256;\r\n", None),
        ("\tmicalg=SHA256;\r\n", Some("micalg_spelling")),
        ("\tmicalg=\"sha256\";\r\n", Some("micalg_spelling")),
        (own, Some("micalg_spelling")),
        ("", Some("micalg_missing")),
        ("\tmicalg=SHA1;\r\n", Some("micalg_mismatch")),
        ("\tmicalg=unknown;\r\n", Some("micalg_mismatch")),
    ] {
        let answer = world.read(&mail.replace(own, micalg));
        assert!(answer.met, "{micalg}: {:?}", answer.codes);
        let told: Vec<_> = answer.codes.iter().filter(|code| code.starts_with("micalg")).collect();
        assert_eq!(told, code.iter().collect::<Vec<_>>(), "{micalg}");
    }
}

#[test]
fn out_060_e_parameters_that_are_there_twice() {
    let world = World::new();
    let mail = world.opaque();
    let own = "Content-Type: application/pkcs7-mime;\r\n\tsmime-type=signed-data;\r\n\tname=\"smime.p7m\"";
    let twice = "Content-Type: application/x-pkcs7-mime;smime-type=signed-data;name=smime.p7m;\r\n smime-type=signed-data; name=\"smime.p7m\"";
    assert!(mail.contains(own));
    let answer = world.read(&mail.replace(own, twice));
    assert!(answer.met && answer.has("duplicate_parameter"), "{:?}", answer.codes);
}

#[test]
fn out_060_f_octet_stream_with_the_name_of_a_structure() {
    let world = World::new();
    let opaque = world.opaque();
    let own = "Content-Type: application/pkcs7-mime;\r\n\tsmime-type=signed-data;\r\n\tname=\"smime.p7m\"";
    let answer = world.read(&opaque.replace(own, "Content-Type: application/octet-stream; name=\"smime.p7m\""));
    assert!(answer.met && answer.has("media_type_by_content"), "{:?}", answer.codes);
    let clear = world.clear();
    let own = "Content-Type: application/pkcs7-signature;\r\n\tname=\"smime.p7s\"";
    let answer = world.read(&clear.replace(own, "Content-Type: application/octet-stream; name=\"smime.p7s\""));
    assert!(answer.met, "{:?}", answer.codes);
    let sealed = world.encrypted(&clear);
    let own = "Content-Type: application/pkcs7-mime;\r\n\tsmime-type=enveloped-data;\r\n\tname=\"smime.p7m\"";
    assert!(sealed.contains(own));
    assert!(world.read(&sealed.replace(own, "Content-Type: application/octet-stream; name=\"smime.p7m\"")).met);
}

#[test]
fn out_060_g_the_signers_certificate_is_looked_up_where_it_is_absent() {
    let mut world = World::new();
    world.policy.certificates = IncludedCertificates::Nothing;
    let mail = world.clear();
    let answer = world.read(&mail);
    assert!(!answer.met && answer.has("signer_cert_missing"), "{:?}", answer.codes);
    let known = [world.alice.certificate(), &world.middle.certificate].map(Clone::clone);
    let trust = world.ca.trust().with_intermediates(known);
    assert!(world.read_with(&mail, &trust).met);
}

#[test]
fn out_060_h_a_key_identifier_that_no_certificate_has() {
    let mut world = World::new();
    let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
    let issuer = Some(&world.middle.certificate);
    let template = CertificateTemplate::new(common_name("Bob"), issuer, &serial(), years(), &key.public_key_spki())
        .for_mail(&["bob@example.com".parse().unwrap()], KeyUsage::KEY_AGREEMENT);
    let certificate = world.middle.issue_without(&template, &oid::SUBJECT_KEY_IDENTIFIER);
    assert!(certificate.subject_key_identifier().is_none());
    world.bob = Identity::new(certificate, Vec::new(), Arc::new(SoftwareKey::new(key))).unwrap();
    world.policy.identifier = CertificateIdentifier::SubjectKeyIdentifier;
    let sealed = world.encrypted(&world.clear());
    let raw = of(&sealed);
    let computed = world.bob.certificate().computed_key_identifier();
    assert!(raw.windows(20).any(|w| w == computed));
    assert!(world.read(&sealed).met);
}

#[test]
fn out_060_i_without_smime_type_the_content_says_what_it_is() {
    let world = World::new();
    for mail in [world.opaque(), world.encrypted(&world.clear())] {
        let without = mail.replace("\tsmime-type=signed-data;\r\n", "").replace("\tsmime-type=enveloped-data;\r\n", "");
        assert!(without.len() < mail.len());
        let answer = world.read(&without);
        assert!(answer.met && answer.has("smime_type_missing"), "{:?}", answer.codes);
    }
}

#[test]
fn out_060_j_line_feeds_alone() {
    let world = World::new();
    for mail in [world.clear(), world.opaque(), world.encrypted(&world.clear())] {
        assert!(world.read(&mail.replace("\r\n", "\n")).met);
    }
    // Signed with line feeds: not as mail, but where an envelope kept the bytes, and then it is told.
    let text = String::from_utf8(ENTITY.to_vec()).unwrap().replace("\r\n", "\n");
    let signature = world.mac(&hash(DigestAlgorithm::Sha256, text.as_bytes()), Order::Sorted);
    let entity = format!(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\n\n\
         --b\n{text}\n--b\nContent-Type: application/pkcs7-signature\nContent-Transfer-Encoding: base64\n\n{}\n--b--\n",
        lines(&signature, 76).replace("\r\n", "\n")
    );
    assert!(!world.read(&format!("From: alice@example.com\n{entity}")).met);
    let answer = world.read(&cms_mail("enveloped-data", &sealed(entity.as_bytes(), &world.bob)));
    assert!(answer.met && answer.has("signed_raw_line_ends"), "{:?}", answer.codes);
}

/// Encrypted byte for byte.
fn sealed(bytes: &[u8], to: &Identity) -> Vec<u8> {
    let random = &mut SystemRandom;
    let (key, iv) = fresh(ContentCipher::Aes256Cbc, random).unwrap();
    let parameters = CipherParameters { cipher: ContentCipher::Aes256Cbc, iv, tag_length: 0 };
    let derivation = KeyDerivation::X963(DigestAlgorithm::Sha256);
    let wrapping =
        Wrapping::Agreement(KeyAgreement { derivation, cofactor: Cofactor::Standard, wrap: KeyWrap::Aes256 });
    let public = to.certificate().public_key(&Limits::default()).unwrap();
    let identifier = CertificateId::issuer_and_serial(to.certificate());
    let info = recipient_info::encode(&public, &identifier, &wrapping, &key, random).unwrap();
    let writer =
        enveloped::Writer { encoding: Encoding::Der, recipients: &[info], version: 2, parameters: &parameters };
    let mut cbc = CbcEncryptor::new(parameters.cipher, key.expose(), &parameters.iv).unwrap();
    let mut ciphertext = Vec::new();
    cbc.update(bytes, &mut ciphertext);
    cbc.finish(&mut ciphertext);
    [writer.start(ciphertext.len() as u64), ciphertext, writer.end(None)].concat()
}

#[test]
fn out_060_k_a_list_wraps_the_signed_part_and_adds_its_own() {
    let world = World::new();
    let mail = world.clear();
    let (header, body) = split(mail.as_bytes());
    let body = String::from_utf8(body.to_vec()).unwrap();
    let (outside, inside) = header.split_once("MIME-Version: 1.0\r\n").unwrap();
    let mail = format!(
        "{outside}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=======list==\"\r\n\r\n--=======list==\r\n\
         {inside}\r\n{body}\r\n--=======list==\r\nContent-Type: text/plain\r\n\r\nTo unsubscribe ..\r\n--=======list==--\r\n"
    );
    let answer = world.read(&mail);
    assert!(!answer.met && answer.has("covers_part_only"), "{:?}", answer.codes);
    assert!(!answer.has("message_digest_mismatch"), "{:?}", answer.codes);
    // The part is intact, and what the list did to it would be seen.
    let altered = world.read(&mail.replace("Pay 10 euros", "Pay 99 euros"));
    assert!(altered.has("message_digest_mismatch"), "{:?}", altered.codes);
}
