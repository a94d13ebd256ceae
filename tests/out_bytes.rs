//! Mail that Outlook for Windows made, composed once more by us with the same keys, at the same time, over the same content:
//! the form is the same, header for header and attribute for attribute, and where nothing is random the bytes are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::outlook::{self, Exchange, Parted, split, structure, without_encryption, without_signature};
use common::people::Authority;
use common::{corpus, shape};
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use smime::crypto::signature::KeyKind;
use smime::policy::policy::{Capabilities, CertificateIdentifier, Policy, Sha1Signing};
use smime::{Certificates, Encryptor, Identity, Message, Profile, RecipientPlan, Sealer, Signer, Time};

/// Everything as that Outlook was set up: it signed with SHA-1.
fn exact() -> Policy {
    let mut policy = Policy::new(Profile::OutlookWindows);
    policy.digest = DigestAlgorithm::Sha1;
    policy.sha1_signing = Sha1Signing::Allow;
    policy.capabilities = Capabilities::OutlookExact;
    policy
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// Prints what differs, and gives it.
fn compared(what: &str, theirs: &[u8], ours: &[u8]) -> Vec<String> {
    let (theirs, ours) = (shape::of_mail(theirs), shape::of_mail(ours));
    let differences = shape::differences(&theirs, &ours);
    println!("{what}: {} lines of form, {} differences", theirs.len(), differences.len());
    differences.iter().for_each(|line| println!("  {line}"));
    differences
}

/// To `to` and, as a copy, to `from`.
fn encryptor<'p>(from: &Identity, to: &Identity, policy: &'p Policy, now: Time) -> Encryptor<'p> {
    let directory = Certificates(vec![to.certificate().clone()]);
    let plan = RecipientPlan::resolve(&["smime2@hmailserver.test".parse().unwrap()], &directory, policy, None, now);
    Encryptor::new(&plan.all().unwrap(), policy).copy_to(from, now).unwrap()
}

#[test]
fn a_clear_signed_mail_is_outlooks_to_the_byte() {
    let Some(exchange) = Exchange::open() else { return };
    let theirs = exchange.mail("signed");
    let (parted, signature) = without_signature(&theirs);
    let (alice, policy) = (exchange.identity(1), exact());
    let plain = parted.plain();
    let message = Message::parse(&plain).unwrap();
    let ours = Signer::new(&alice, &policy).unwrap().sign(&message, at("2024-08-17T05:49:14Z")).unwrap();
    assert_eq!(compared("signed", &theirs, &ours), Vec::<String>::new());
    // Nothing in it is random but the boundary.
    assert_eq!(without_signature(&ours).1, signature);
    let ours = String::from_utf8(ours).unwrap();
    let (header, _) = split(&theirs);
    let renamed = ours.replace(outlook::boundary(&split(ours.as_bytes()).0), outlook::boundary(&header));
    assert_eq!(renamed, String::from_utf8(theirs).unwrap());
}

#[test]
fn what_the_default_leaves_out_of_outlooks_form_is_sha1_and_rc2() {
    let Some(exchange) = Exchange::open() else { return };
    let theirs = exchange.mail("signed");
    let plain = without_signature(&theirs).0.plain();
    let (alice, policy) = (exchange.identity(1), Policy::default());
    let message = Message::parse(&plain).unwrap();
    let ours = Signer::new(&alice, &policy).unwrap().sign(&message, at("2024-08-17T05:49:14Z")).unwrap();
    let (sha1, sha256, rc2) = (
        "OBJECT IDENTIFIER 1.3.14.3.2.26",
        "OBJECT IDENTIFIER 2.16.840.1.101.3.4.2.1",
        "OBJECT IDENTIFIER 1.2.840.113549.3.2",
    );
    let expected = [
        "- micalg=SHA1;",
        "+ micalg=2.16.840.1.101.3.4.2.1;",
        // digestAlgorithms
        &format!("- {sha1}"),
        &format!("+ {sha256}"),
        // SignerInfo.digestAlgorithm
        &format!("- {sha1}"),
        &format!("+ {sha256}"),
        // SMIMECapabilities: RC2 is not announced, and the digest in use stands first.
        &format!("- {rc2}"),
        "- INTEGER 128",
        "- SEQUENCE",
        &format!("- {rc2}"),
        "- INTEGER 64",
        "- SEQUENCE",
        &format!("- {sha1}"),
        &format!("+ {sha256}"),
        &format!("- {sha256}"),
        &format!("+ {sha1}"),
    ];
    assert_eq!(compared("signed with SHA-256", &theirs, &ours), expected);
}

#[test]
fn an_encrypted_mail_has_outlooks_form() {
    let Some(exchange) = Exchange::open() else { return };
    let theirs = exchange.mail("encrypted");
    let (alice, bob, policy) = (exchange.identity(1), exchange.identity(2), exact());
    let parted = without_encryption(&theirs, &bob);
    let (plain, now) = (parted.plain(), at("2024-08-17T05:49:09Z"));
    let ours = encryptor(&alice, &bob, &policy, now).encrypt(&Message::parse(&plain).unwrap()).unwrap();
    assert_eq!(compared("encrypted", &theirs, &ours), Vec::<String>::new());
    // Both copies hold the same content, and the fields outside are the same to the byte.
    for identity in [&alice, &bob] {
        let Parted { header, entity } = without_encryption(&ours, identity);
        assert_eq!((header.as_str(), entity == parted.entity), (parted.header.as_str(), true));
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn a_signed_and_encrypted_mail_has_outlooks_form_in_both_layers() {
    let Some(exchange) = Exchange::open() else { return };
    let theirs = exchange.mail("signed and encrypted");
    let (alice, bob, policy) = (exchange.identity(1), exchange.identity(2), exact());
    let signed = without_encryption(&theirs, &bob);
    let (fields, body) = split(&signed.entity);
    let opaque = structure(body);
    let entity = content(&opaque);
    let plain = Parted { header: signed.header.clone(), entity }.plain();
    let now = at("2024-08-17T05:49:04Z");
    let sealer = Sealer::new(Signer::new(&alice, &policy).unwrap(), encryptor(&alice, &bob, &policy, now), &policy);
    let ours = sealer.seal(&Message::parse(&plain).unwrap(), now).unwrap();
    assert_eq!(compared("signed and encrypted", &theirs, &ours), Vec::<String>::new());
    let inner = without_encryption(&ours, &bob).entity;
    assert_eq!(compared("the signature inside", &signed.entity, &inner), Vec::<String>::new());
    let (our_fields, our_body) = split(&inner);
    assert_eq!(our_fields, fields);
    // Outlook cuts its segments where its writer of MIME paused; all else is the same to the byte.
    let our_opaque = structure(our_body);
    assert_eq!(content(&our_opaque), content(&opaque));
    assert_eq!(tail(&our_opaque), tail(&opaque));
}

#[test]
fn key_identifiers_are_written_as_outlook_2010_did() {
    let Some(corpus) = corpus() else { return };
    let theirs = std::fs::read(corpus.join("bc-java-mail/outlook_2010_beta_sime_msg.eml")).unwrap();
    let theirs = String::from_utf8(theirs).unwrap().replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
    let mut policy = exact();
    policy.identifier = CertificateIdentifier::SubjectKeyIdentifier;
    // Outlook 2010 beta wrote 3DES, which we do not.
    policy.content_cipher = ContentCipher::Aes256Cbc;
    let bob = Authority::root("CA").person_with(
        "John",
        &["john.doe@example.net"],
        KeyKind::Rsa,
        2048,
        common::people::years(),
    );
    let directory = Certificates(vec![bob.certificate().clone()]);
    let to = ["john.doe@example.net".parse().unwrap()];
    let plan = RecipientPlan::resolve(&to, &directory, &policy, None, common::people::now());
    let (header, _) = split(&theirs);
    let entity = b"Content-Type: text/plain\r\n\r\nhello\r\n".to_vec();
    let plain = Parted { header, entity }.plain();
    let ours = Encryptor::new(&plan.all().unwrap(), &policy).encrypt(&Message::parse(&plain).unwrap()).unwrap();
    let expected = ["- OBJECT IDENTIFIER 1.2.840.113549.3.7", "+ OBJECT IDENTIFIER 2.16.840.1.101.3.4.1.42"];
    assert_eq!(compared("key identifiers", &theirs, &ours), expected);
}

#[test]
fn an_attached_report_of_outlook_365_has_our_mime() {
    let Some(corpus) = corpus() else { return };
    // SHA-256; its signature was taken out by whoever published it.
    let theirs = std::fs::read(corpus.join("parse-emails-outlook/smime_unicode_issue.p7m")).unwrap();
    let (header, body) = split(&theirs);
    let delimiter = format!("--{}", outlook::boundary(&header));
    let text = String::from_utf8_lossy(body);
    let entity = text.split(&delimiter).nth(1).unwrap();
    let entity = entity.strip_prefix("\r\n").unwrap().strip_suffix("\r\n").unwrap().as_bytes().to_vec();
    let plain = Parted { header: format!("From: a@example.com\r\n{header}"), entity }.plain();
    let ca = Authority::root("CA");
    let (alice, policy) = (ca.person("A", "a@example.com"), Policy::default());
    let ours =
        Signer::new(&alice, &policy).unwrap().sign(&Message::parse(&plain).unwrap(), common::people::now()).unwrap();
    // Its signature goes the same way.
    let ours = String::from_utf8(ours).unwrap().replacen("From: a@example.com\r\n", "", 1);
    let (whole, last) = ours.trim_end().rsplit_once("\r\n\r\n").unwrap();
    let ours = format!("{}\r\n\r\ncode\r\n\r\n{last}", whole.rsplit_once("\r\n\r\n").unwrap().0);
    // SEC-142: blanks at the ends of lines, which Outlook sends as they are, we write so that no relay strips them.
    let expected = ["- Content-Transfer-Encoding: 7bit", "+ Content-Transfer-Encoding: quoted-printable"];
    assert_eq!(compared("the MIME of Outlook 365", &theirs, ours.as_bytes()), expected);
}

/// eContent of an opaque signature.
fn content(structure: &[u8]) -> Vec<u8> {
    #[derive(Default)]
    struct Keep(Vec<u8>);
    impl smime::cms::signed::Sink for Keep {
        fn begin(&mut self, _: &smime::cms::signed::Head) -> smime::cms::Result<()> {
            Ok(())
        }

        fn chunk(&mut self, bytes: &[u8]) -> smime::cms::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }
    let mut keep = Keep::default();
    smime::cms::signed::SignedData::read(structure, &smime::Limits::default(), &mut keep).unwrap();
    keep.0
}

/// Certificates and SignerInfos of a SignedData: what follows EncapsulatedContentInfo.
fn tail(structure: &[u8]) -> Vec<u8> {
    let info = smime::asn1::ber::Reader::single(structure, "x").unwrap();
    let mut info = info.sequence("x").unwrap();
    info.required_any("contentType").unwrap();
    let mut fields = info.required_any("content").unwrap().explicit("x").unwrap().sequence("x").unwrap();
    for _ in 0..3 {
        fields.required_any("x").unwrap();
    }
    fields.rest().to_vec()
}
