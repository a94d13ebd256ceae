//! Signatures under attack: rows of SEC-2 to SEC-45 whose messages no program of good will writes, each made by hand from a
//! sound one, with one thing done to it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, Role};
use smime::cms::identifier::CertificateId;
use smime::cms::signer_info::Integrity;
use smime::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::mime::transfer::Base64Writer;
use smime::open::report::{Layer, LayerKind, Signature};
use smime::{
    Certificate, Encryptor, Keyring, Message, Opener, Policy, RecipientPlan, Requirement, Signer, Time, Trust,
};
use std::io::Write;

type Oid = const_oid::ObjectIdentifier;

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n";

/// A CA, and Alice under it, whose key signs whatever it is given.
struct World {
    root: Authority,
    alice: Authority,
}

/// Every field of a SignedData with one signer.
struct Forged {
    content: Vec<u8>,
    content_type: Oid,
    digests: Vec<Vec<u8>>,
    attributes: Option<Vec<Vec<u8>>>,
    /// As a SET is sorted in DER, or in the order given.
    sorted: bool,
    digest: AlgorithmIdentifier,
    scheme: AlgorithmIdentifier,
    signature: Option<Vec<u8>>,
    unsigned: Vec<Vec<u8>>,
    certificates: Vec<Certificate>,
    /// RevocationInfoChoices.
    revocation: Vec<Vec<u8>>,
    identifier: CertificateId,
}

fn attribute(kind: Oid, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[der::oid(&kind), der::set_of(Tag::SET, values.to_vec())])
}

fn utc(text: &str) -> Vec<u8> {
    der::primitive(Tag::UTC_TIME, text.as_bytes())
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut CertificateTemplate)) -> Self {
        let root = Authority::root("Root");
        let alice = root.authority("Alice", |t| {
            t.role = Role::EndEntity;
            *t = t.clone().for_mail(&["alice@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE);
            change(t);
        });
        Self { root, alice }
    }

    /// A sound one.
    fn forged(&self) -> Forged {
        Forged {
            content: CONTENT.to_vec(),
            content_type: oid::ID_DATA,
            digests: vec![DigestAlgorithm::Sha256.identifier().to_der()],
            attributes: Some(vec![
                attribute(oid::ID_CONTENT_TYPE, &[der::oid(&oid::ID_DATA)]),
                attribute(oid::ID_MESSAGE_DIGEST, &[der::octets(&hash(DigestAlgorithm::Sha256, CONTENT))]),
            ]),
            sorted: true,
            digest: DigestAlgorithm::Sha256.identifier(),
            scheme: Authority::scheme(),
            signature: None,
            unsigned: Vec::new(),
            certificates: vec![self.alice.certificate.clone()],
            revocation: Vec::new(),
            identifier: CertificateId::issuer_and_serial(&self.alice.certificate),
        }
    }

    fn cms(&self, forged: &Forged) -> Vec<u8> {
        let set = forged.attributes.as_ref().map(|list| match forged.sorted {
            true => der::set_of(Tag::SET, list.clone()),
            false => der::constructed(Tag::SET, list),
        });
        let signed = set.clone().unwrap_or_else(|| forged.content.clone());
        let signature = forged.signature.clone().unwrap_or_else(|| self.alice.sign(&signed));
        let mut info = vec![
            der::integer(1),
            forged.identifier.to_der(),
            forged.digest.to_der(),
            set.map(|set| der::retag(Tag::context(0), &set)).unwrap_or_default(),
            forged.scheme.to_der(),
            der::octets(&signature),
        ];
        if !forged.unsigned.is_empty() {
            info.push(der::constructed(Tag::context(1), &forged.unsigned));
        }
        self.signed_data(forged, &[der::sequence(&info)])
    }

    fn signed_data(&self, forged: &Forged, signers: &[Vec<u8>]) -> Vec<u8> {
        let certificates: Vec<&[u8]> = forged.certificates.iter().map(Certificate::der).collect();
        let content = der::explicit(0, &der::octets(&forged.content));
        let data = der::sequence(&[
            der::integer(1),
            der::set_of(Tag::SET, forged.digests.clone()),
            der::sequence(&[der::oid(&forged.content_type), content]),
            der::constructed(Tag::context(0), &certificates),
            match forged.revocation.as_slice() {
                [] => Vec::new(),
                list => der::constructed(Tag::context(1), list),
            },
            der::set_of(Tag::SET, signers.to_vec()),
        ]);
        der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &data)])
    }

    fn mail(&self, cms: &[u8]) -> Vec<u8> {
        let header = "From: alice@example.com\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; \
                      smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        let mut writer = Base64Writer::new(header.as_bytes().to_vec());
        writer.write_all(cms).unwrap();
        writer.finish().unwrap()
    }

    /// Opened, with one thing done to a sound message: the first signature, and whether it passes as from Alice.
    fn judge(&self, change: impl FnOnce(&mut Forged)) -> (Signature, bool) {
        let mut forged = self.forged();
        change(&mut forged);
        self.judge_cms(&self.cms(&forged))
    }

    fn judge_cms(&self, cms: &[u8]) -> (Signature, bool) {
        let (trust, policy, mail) = (self.root.trust(), Policy::default(), self.mail(cms));
        let opened = Opener::new(&trust, &policy).open(&mail, now()).unwrap();
        let passes = opened.judge(Requirement::SignedBySender).is_ok();
        let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!("{}", opened.report()) };
        (layer.signatures[0].clone(), passes)
    }

    /// Refused for this reason.
    #[track_caller]
    fn refused(&self, code: &str, change: impl FnOnce(&mut Forged)) {
        let (signature, passes) = self.judge(change);
        assert!(!passes);
        assert_eq!(signature.reasons.first().map(|r| r.code), Some(code), "{:?}", signature.reasons);
    }

    /// Passes, with this note.
    #[track_caller]
    fn noted(&self, code: &str, change: impl FnOnce(&mut Forged)) {
        let (signature, passes) = self.judge(change);
        assert!(passes, "{:?}", signature.reasons);
        assert!(signature.notes.iter().any(|note| note.code == code), "{:?}", signature.notes);
    }

    /// The layers of a mail, and the answer to a requirement.
    fn layers(&self, mail: &[u8]) -> Vec<Layer> {
        let (trust, policy) = (self.root.trust(), Policy::default());
        Opener::new(&trust, &policy).open(mail, now()).unwrap().report().layers.clone()
    }
}

fn attributes(forged: &mut Forged) -> &mut Vec<Vec<u8>> {
    forged.attributes.as_mut().unwrap()
}

#[test]
fn a_sound_one_passes() {
    let (signature, passes) = World::new().judge(|_| {});
    assert!(passes && signature.integrity == Integrity::Intact, "{:?}", signature.reasons);
}

#[test]
fn sec_002_the_attributes_of_another_message_are_no_content() {
    // The signature of Alice over her attributes, shown as one over a content without attributes.
    let world = World::new();
    let set = der::set_of(Tag::SET, world.forged().attributes.unwrap());
    world.refused("content_looks_like_signed_attrs", |f| (f.attributes, f.content) = (None, set));
}

#[test]
fn sec_003_we_always_sign_attributes() {
    let root = Authority::root("Root");
    let alice = root.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap();
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    let message = Message::parse(mail).unwrap();
    let pending = signer.prepare(&message, now()).unwrap();
    // What a key is asked to sign is a SET of attributes, never a content of somebody's choice.
    assert_eq!(pending.request().unwrap().message[0], 0x31);
}

#[test]
fn sec_004_other_content_needs_attributes() {
    World::new().refused("signed_attrs_required", |f| (f.attributes, f.content_type) = (None, oid::ID_CT_TST_INFO));
}

#[test]
fn sec_005_other_content_is_no_mail() {
    let world = World::new();
    let mut forged = world.forged();
    forged.content_type = oid::ID_CT_TST_INFO;
    attributes(&mut forged)[0] = attribute(oid::ID_CONTENT_TYPE, &[der::oid(&oid::ID_CT_TST_INFO)]);
    let (trust, policy, mail) = (world.root.trust(), Policy::default(), world.mail(&world.cms(&forged)));
    let opened = Opener::new(&trust, &policy).open(&mail, now()).unwrap();
    assert!(opened.judge(Requirement::None).is_err(), "{}", opened.report());
}

#[test]
fn sec_006_content_type_once_and_right() {
    let world = World::new();
    world.refused("content_type_attr", |f| drop(attributes(f).remove(0)));
    world.refused("content_type_attr", |f| {
        let twice = attributes(f)[0].clone();
        attributes(f).push(twice);
    });
    world.refused("content_type_attr", |f| {
        attributes(f)[0] = attribute(oid::ID_CONTENT_TYPE, &[der::oid(&oid::ID_SIGNED_DATA)]);
    });
    world.refused("content_type_attr", |f| attributes(f)[0] = attribute(oid::ID_CONTENT_TYPE, &[der::octets(b"x")]));
}

#[test]
fn sec_007_message_digest_once_and_right() {
    let world = World::new();
    let digest = |values: &[Vec<u8>]| attribute(oid::ID_MESSAGE_DIGEST, values);
    let right = der::octets(&hash(DigestAlgorithm::Sha256, CONTENT));
    world.refused("message_digest_attr", |f| drop(attributes(f).remove(1)));
    for bad in [digest(&[]), digest(&[right.clone(), der::octets(&[0; 32])]), digest(&[der::integer(5)])] {
        world.refused("message_digest_attr", |f| attributes(f)[1] = bad);
    }
    world.refused("message_digest_attr", |f| attributes(f).push(digest(std::slice::from_ref(&right))));
    for short in [&[][..], &[0; 20], &[0; 32]] {
        world.refused("message_digest_mismatch", |f| attributes(f)[1] = digest(&[der::octets(short)]));
    }
}

#[test]
fn sec_008_single_attributes_stand_once() {
    let world = World::new();
    let time = || attribute(oid::ID_SIGNING_TIME, &[utc("261124080000Z")]);
    world.refused("duplicate_attr", |f| attributes(f).extend([time(), time()]));
    world.refused("duplicate_attr", |f| attributes(f).push(attribute(oid::ID_SIGNING_TIME, &[])));
    let two = attribute(oid::ID_SIGNING_TIME, &[utc("261124080000Z"), utc("261124080001Z")]);
    world.refused("duplicate_attr", |f| attributes(f).push(two));
}

#[test]
fn sec_009_attributes_are_verified_as_they_were_sent() {
    let world = World::new();
    // messageDigest before contentType, and signed so, as Outlook for Mac does.
    world.noted("non_der_signed_attrs", |f| {
        attributes(f).reverse();
        f.sorted = false;
    });
    // Sent unsorted and signed sorted.
    let mut forged = world.forged();
    let sorted = der::set_of(Tag::SET, forged.attributes.clone().unwrap());
    attributes(&mut forged).sort();
    attributes(&mut forged).reverse();
    (forged.sorted, forged.signature) = (false, Some(world.alice.sign(&sorted)));
    assert!(world.judge_cms(&world.cms(&forged)).1);
}

#[test]
fn sec_011_of_two_signers_each_is_told_apart() {
    let world = World::new();
    let eve = world.root.person("Eve", "eve@example.com");
    let bob = world.root.person("Alice", "alice@example.com");
    let (trust, policy) = (world.root.trust(), Policy::default());
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    let both = Signer::new(&eve, &policy).unwrap().and(&bob);
    // Eve is not the sender, so that her signature is only made together with the word of the caller.
    let signed = match both {
        Ok(both) => both.sign(&Message::parse(mail).unwrap(), now()),
        Err(error) => panic!("{error}"),
    };
    if let Ok(signed) = signed {
        let opened = Opener::new(&trust, &policy).open(&signed, now()).unwrap();
        let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!() };
        let answers: Vec<String> = layer.signatures.iter().map(|s| s.address.to_string()).collect();
        assert_eq!(answers.iter().filter(|answer| *answer == "matches").count(), 1, "{answers:?}");
        assert!(opened.judge(Requirement::SignedBySender).is_ok());
    }
}

#[test]
fn sec_013_certificates_alone_sign_nothing() {
    let world = World::new();
    let forged = world.forged();
    let certificates: Vec<&[u8]> = forged.certificates.iter().map(Certificate::der).collect();
    let data = der::sequence(&[
        der::integer(1),
        der::set_of(Tag::SET, vec![]),
        der::sequence(&[der::oid(&oid::ID_DATA)]),
        der::constructed(Tag::context(0), &certificates),
        der::set_of(Tag::SET, vec![]),
    ]);
    let cms = der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &data)]);
    let (trust, policy, mail) = (world.root.trust(), Policy::default(), world.mail(&cms));
    let opened = Opener::new(&trust, &policy).open(&mail, now()).unwrap();
    assert!(matches!(opened.report().layers[0].kind, LayerKind::Certificates { .. }));
    assert_eq!(opened.judge(Requirement::Signed).unwrap_err().1[0].code, "not_signed");
}

#[test]
fn sec_016_a_signed_part_among_others_covers_itself_only() {
    let world = World::new();
    let inner = String::from_utf8(world.mail(&world.cms(&world.forged()))).unwrap();
    let entity = inner.split_once("MIME-Version: 1.0\r\n").unwrap().1;
    for (kind, first) in [
        ("related", "Content-Type: text/html\r\n\r\n<img src=\"cid:x\"><p style=\"display:none\">"),
        ("mixed", "Content-Type: text/html\r\n\r\n<p>Pay 99 euros.</p><style>.x{display:none}</style>"),
        ("alternative", "Content-Type: text/plain\r\n\r\nPay 99 euros."),
    ] {
        let mail = format!(
            "From: alice@example.com\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n--b\r\n{first}\r\n--b\r\n{entity}\r\n--b--\r\n"
        );
        let (trust, policy) = (world.root.trust(), Policy::default());
        let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).unwrap();
        assert_eq!(opened.judge(Requirement::Signed).unwrap_err().1[0].code, "covers_part_only", "{kind}");
        assert_eq!(world.layers(mail.as_bytes())[0].path, "2");
    }
}

/// A clear-signed mail of ours.
fn clear(root: &Authority) -> String {
    let alice = root.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nPay 10 euros.\r\n";
    let signed = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(mail).unwrap(), now()).unwrap();
    String::from_utf8(signed).unwrap()
}

#[test]
fn sec_018_micalg_is_never_trusted() {
    let root = Authority::root("Root");
    let signed = clear(&root);
    let (trust, policy) = (root.trust(), Policy::default());
    for lie in ["micalg=md5", "micalg=\"\"", "micalg=sha-512", "x=y"] {
        let mail = signed.replacen("micalg=2.16.840.1.101.3.4.2.1", lie, 1);
        let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).unwrap();
        assert!(opened.judge(Requirement::SignedBySender).is_ok(), "{lie}");
        let told = opened.report().layers[0].reasons.iter().any(|reason| reason.code == "micalg_mismatch");
        assert_eq!(told, lie != "x=y", "{lie}");
    }
}

#[test]
fn sec_020_a_list_that_adds_a_footer_is_told_as_such() {
    let root = Authority::root("Root");
    let signed = clear(&root);
    let (header, entity) = signed.split_once("MIME-Version: 1.0\r\n").unwrap();
    let listed = format!(
        "{header}Content-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n{entity}\r\n--list\r\nContent-Type: text/plain\r\n\r\nTo unsubscribe ...\r\n--list--\r\n"
    );
    let (trust, policy) = (root.trust(), Policy::default());
    let opened = Opener::new(&trust, &policy).open(listed.as_bytes(), now()).unwrap();
    assert_eq!(opened.judge(Requirement::SignedBySender).unwrap_err().1[0].code, "covers_part_only");
    let part = Opener::new(&trust, &policy).part("1").open(listed.as_bytes(), now()).unwrap();
    assert!(part.judge(Requirement::Unaltered).is_ok());
}

#[test]
fn sec_024_line_ends_may_change_and_nothing_else() {
    let root = Authority::root("Root");
    let signed = clear(&root);
    let (trust, policy) = (root.trust(), Policy::default());
    let passes = |mail: &str| {
        let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now());
        opened.is_ok_and(|opened| opened.judge(Requirement::SignedBySender).is_ok())
    };
    assert!(passes(&signed) && passes(&signed.replace("\r\n", "\n")));
    for altered in ["Pay 10 euros. ", "Pay 10 euros.\t", "Pay 10\0euros.", "Pay 10\reuros.", "Pay 10  euros."] {
        assert!(!passes(&signed.replacen("Pay 10 euros.", altered, 1)), "{altered:?}");
    }
}

#[test]
fn sec_025_announced_digests_decide_nothing() {
    let world = World::new();
    world.judge(|f| f.digests.clear());
    assert!(world.judge(|f| f.digests.clear()).1);
    let other = DigestAlgorithm::Sha512.identifier().to_der();
    assert!(world.judge(|f| f.digests = vec![other]).1);
    let mut forged = world.forged();
    forged.digests = (0..17).map(|n| der::sequence(&[der::oid(&format!("1.2.3.{n}").parse().unwrap())])).collect();
    let layers = world.layers(&world.mail(&world.cms(&forged)));
    assert!(layers[0].reasons.iter().any(|reason| reason.text.contains("16")), "{layers:?}");
}

#[test]
fn sec_026_algorithms_that_do_not_agree() {
    let world = World::new();
    let ecdsa = |digest| SignatureScheme::Ecdsa(digest).identifier();
    world.refused("algorithm_mismatch", |f| f.scheme = ecdsa(DigestAlgorithm::Sha512));
    world.refused("algorithm_mismatch", |f| f.scheme = SignatureScheme::Ed25519.identifier());
    // The number of RSA over a key on a curve.
    let rsa = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256).identifier();
    let (signature, passes) = world.judge(|f| f.scheme = rsa);
    assert!(!passes && signature.integrity != Integrity::Intact);
}

#[test]
fn sec_027_protected_algorithms_are_those_that_are_used() {
    let world = World::new();
    let protection = |digest: DigestAlgorithm, scheme: &AlgorithmIdentifier| {
        let scheme = der::retag(Tag::context(1), &scheme.to_der());
        attribute(oid::ID_AA_CMS_ALGORITHM_PROTECT, &[der::sequence(&[digest.identifier().to_der(), scheme])])
    };
    let right = protection(DigestAlgorithm::Sha256, &Authority::scheme());
    assert!(world.judge(|f| attributes(f).push(right)).1);
    let other = protection(DigestAlgorithm::Sha384, &Authority::scheme());
    world.refused("algorithm_protection", |f| attributes(f).push(other));
    let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha384).identifier();
    world.refused("algorithm_protection", |f| attributes(f).push(protection(DigestAlgorithm::Sha256, &scheme)));
    world.refused("algorithm_protection", |f| {
        attributes(f).push(attribute(oid::ID_AA_CMS_ALGORITHM_PROTECT, &[der::null()]));
    });
}

#[test]
fn sec_028_one_name_and_two_certificates() {
    let world = World::new();
    // The same issuer, serial number and key; another subject.
    let twin = world.root.issue(&{
        let mut template = CertificateTemplate::new(
            common::people::common_name("Eve"),
            Some(&world.root.certificate),
            world.alice.certificate.serial(),
            common::people::years(),
            world.alice.certificate.spki(),
        );
        template = template.for_mail(&["eve@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE);
        template
    });
    world.refused("signer_cert_ambiguous", |f| f.certificates.push(twin));
}

fn ess(certificate: &[u8]) -> Vec<u8> {
    let id = der::sequence(&[der::octets(&hash(DigestAlgorithm::Sha256, certificate))]);
    attribute(oid::ID_AA_SIGNING_CERTIFICATE_V2, &[der::sequence(&[der::sequence(&[id])])])
}

#[test]
fn sec_029_the_bound_certificate_is_the_chosen_one() {
    let world = World::new();
    let own = ess(world.alice.certificate.der());
    assert!(world.judge(|f| attributes(f).push(own)).1);
    let other = ess(world.root.certificate.der());
    world.refused("ess_mismatch", |f| attributes(f).push(other));
    for bad in [der::null(), der::sequence::<Vec<u8>>(&[]), der::sequence(&[der::sequence::<Vec<u8>>(&[])])] {
        let attribute = attribute(oid::ID_AA_SIGNING_CERTIFICATE_V2, &[bad]);
        world.refused("ess_malformed", |f| attributes(f).push(attribute));
    }
    let v1 = der::sequence(&[der::sequence(&[der::sequence(&[der::octets(&hash(
        DigestAlgorithm::Sha1,
        world.alice.certificate.der(),
    ))])])]);
    world.noted("ess_v1_sha1", |f| attributes(f).push(attribute(oid::ID_AA_SIGNING_CERTIFICATE, &[v1])));
}

#[test]
fn sec_030_a_signer_without_certificate() {
    let world = World::new();
    world.refused("signer_cert_missing", |f| f.certificates.clear());
    // From what the caller knows it is found.
    let mut forged = world.forged();
    forged.certificates.clear();
    let trust = Trust::new([world.root.certificate.clone()]).with_intermediates([world.alice.certificate.clone()]);
    let (policy, mail) = (Policy::default(), world.mail(&world.cms(&forged)));
    assert!(Opener::new(&trust, &policy).open(&mail, now()).unwrap().judge(Requirement::SignedBySender).is_ok());
}

#[test]
fn sec_031_signing_times_are_told_and_not_used() {
    let world = World::new();
    let time = |text: &str| attribute(oid::ID_SIGNING_TIME, &[utc(text)]);
    world.noted("signing_time_outside_cert", |f| attributes(f).push(time("160101000000Z")));
    world.noted("signing_time_in_future", |f| attributes(f).push(time("270101000000Z")));
    for bad in ["260231000000Z", "261124080000", "2611240800+0100", "26112408000\u{663}Z", ""] {
        world.refused("signing_time_malformed", |f| attributes(f).push(time(bad)));
    }
    // 49 is of this century, and 50 of the last.
    let (signature, _) = world.judge(|f| attributes(f).push(time("500101000000Z")));
    assert_eq!(signature.signed_at, Some("1950-01-01T00:00:00Z".parse::<Time>().unwrap()));
    let mut forged = world.forged();
    attributes(&mut forged).push(time("261124080000Z"));
    let mail = String::from_utf8(world.mail(&world.cms(&forged))).unwrap();
    let dated = format!("Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n{mail}");
    let LayerKind::Signed(layer) = &world.layers(dated.as_bytes())[0].kind else { panic!() };
    assert!(layer.signatures[0].notes.iter().any(|note| note.code == "signing_time_skew"));
    // Valid when it claims to have been signed, and expired now.
    let expired = World::with(|t| t.not_after = now().plus(-60));
    expired.refused("certificate_expired", |f| attributes(f).push(time("260601000000Z")));
}

#[test]
fn sec_032_what_a_message_brings_along_answers_for_its_signer() {
    use common::lists::{List, Response, Says};
    use smime::RevocationMode;
    use smime::open::report::Revocation;
    let world = World::new();
    let signer = &world.alice.certificate;
    let ocsp = |says| {
        let response = Response::about(signer, &world.root, says).der();
        let other = der::sequence(&[der::oid(&oid::RI_OCSP_RESPONSE), response]);
        der::retag(Tag::context(1), &other)
    };
    let rows = [
        (List::default().signed(&world.root), Revocation::Good),
        (List::of(signer).signed(&world.root), Revocation::Revoked),
        (ocsp(Says::Good), Revocation::Good),
        (ocsp(Says::Revoked), Revocation::Revoked),
        (ocsp(Says::Unknown), Revocation::Unknown),
        (vec![0x30, 0], Revocation::Unknown),
    ];
    for (at, (choice, expected)) in rows.into_iter().enumerate() {
        let mut forged = world.forged();
        forged.revocation = vec![choice];
        let (trust, policy, mail) = (world.root.trust(), Policy::default(), world.mail(&world.cms(&forged)));
        let opener = Opener::new(&trust, &policy).revocation(RevocationMode::Hard);
        let opened = opener.open(&mail, now()).unwrap();
        let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!("{}", opened.report()) };
        assert_eq!(layer.signatures[0].revocation, expected, "row {at}: {:?}", layer.signatures[0].reasons);
        assert_eq!(opened.judge(Requirement::SignedBySender).is_ok(), expected == Revocation::Good, "row {at}");
    }
}

#[test]
fn sec_033_weak_digests_are_read_and_marked() {
    let world = World::new();
    let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha1);
    let digest = hash(DigestAlgorithm::Sha1, CONTENT);
    let (signature, passes) = world.judge(|f| {
        f.digest = DigestAlgorithm::Sha1.identifier();
        f.scheme = scheme.identifier();
        attributes(f)[1] = attribute(oid::ID_MESSAGE_DIGEST, &[der::octets(&digest)]);
        let set = der::set_of(Tag::SET, f.attributes.clone().unwrap());
        f.signature = Some(world.alice.sign_by(&scheme, &set));
    });
    assert!(!passes && signature.integrity == Integrity::Intact, "{:?}", signature.reasons);
    assert!(signature.reasons.iter().any(|reason| reason.code == "weak_digest"));
    // On the caller's word it is good enough, and told.
    let mut forged = world.forged();
    forged.digest = DigestAlgorithm::Sha1.identifier();
    forged.scheme = scheme.identifier();
    attributes(&mut forged)[1] = attribute(oid::ID_MESSAGE_DIGEST, &[der::octets(&digest)]);
    let set = der::set_of(Tag::SET, forged.attributes.clone().unwrap());
    forged.signature = Some(world.alice.sign_by(&scheme, &set));
    let mut policy = Policy::default();
    policy.sha1 = smime::policy::policy::Sha1::Accept;
    let (trust, mail) = (world.root.trust(), world.mail(&world.cms(&forged)));
    let opened = Opener::new(&trust, &policy).open(&mail, now()).unwrap();
    assert!(opened.judge(Requirement::SignedBySender).is_ok(), "{}", opened.report());
}

#[test]
fn sec_035_sec_036_signatures_out_of_range() {
    let world = World::new();
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let n: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&order[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let pair = |r: &[u8], s: &[u8]| der::sequence(&[der::unsigned(r), der::unsigned(s)]);
    for bad in [
        pair(&[0], &[1]),
        pair(&[1], &[0]),
        pair(&n, &[1]),
        pair(&[1], &n),
        der::sequence(&[der::primitive(Tag::INTEGER, &[0xff]), der::integer(1)]),
        Vec::new(),
        vec![0; 64],
    ] {
        world.refused("signature_invalid", |f| f.signature = Some(bad));
    }
    let set = der::set_of(Tag::SET, world.forged().attributes.unwrap());
    let trailing = [world.alice.sign(&set), vec![0]].concat();
    world.refused("signature_invalid", |f| f.signature = Some(trailing));
}

#[test]
fn sec_037_a_huge_signature_costs_nothing() {
    let world = World::new();
    for length in [20_000, 900_000] {
        world.refused("signature_invalid", |f| f.signature = Some(vec![1; length]));
    }
}

#[test]
fn sec_039_countersignatures_decide_nothing() {
    let world = World::new();
    let mut bomb = vec![0x30, 0];
    for _ in 0..1000 {
        bomb = attribute(oid::ID_COUNTERSIGNATURE, &[bomb]);
    }
    world.noted("countersignature_malformed", |f| f.unsigned = vec![attribute(oid::ID_COUNTERSIGNATURE, &[bomb])]);
    assert!(world.judge(|f| f.unsigned = vec![vec![0x30, 1, 0]]).0.integrity == Integrity::Intact);
}

#[test]
fn sec_040_long_content_is_hashed_whole() {
    let root = Authority::root("Root");
    let alice = root.person_with(
        "Alice",
        &["alice@example.com"],
        smime::crypto::signature::KeyKind::Ed25519,
        0,
        common::people::years(),
    );
    let policy = Policy::default();
    let mut mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\n".to_vec();
    mail.extend(b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n".repeat(250_000));
    let mut signed = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(&mail).unwrap(), now()).unwrap();
    let trust = root.trust();
    let passes =
        |mail: &[u8]| Opener::new(&trust, &policy).open(mail, now()).unwrap().judge(Requirement::Signed).is_ok();
    assert!(passes(&signed));
    // A bit beyond the sixteenth MiB.
    signed[17 << 20] ^= 1;
    assert!(!passes(&signed));
}

#[test]
fn sec_041_the_structure_decides_what_it_is() {
    let world = World::new();
    let mail = String::from_utf8(world.mail(&world.cms(&world.forged()))).unwrap();
    let variants = [
        mail.replacen("smime-type=signed-data", "smime-type=enveloped-data", 1),
        mail.replacen("; smime-type=signed-data", "", 1),
        mail.replacen("application/pkcs7-mime", "application/x-pkcs7-mime", 1),
        mail.replacen("; name=smime.p7m", "", 1),
    ];
    for mail in variants {
        let (trust, policy) = (world.root.trust(), Policy::default());
        let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).unwrap();
        assert!(opened.judge(Requirement::SignedBySender).is_ok(), "{mail}");
        let told = opened.report().findings().any(|note| note.code == "smime_type_mismatch");
        assert_eq!(told, mail.contains("enveloped-data"), "{mail}");
    }
}

#[test]
fn sec_044_forwarding_binds_no_recipient() {
    // Bob encrypts what Alice signed for him to Carol: it is from Alice, and says nothing of for whom.
    let root = Authority::root("Root");
    let (carol, policy) = (root.person("Carol", "carol@example.com"), Policy::default());
    let signed = clear(&root);
    let directory = smime::Certificates(vec![carol.certificate().clone()]);
    let plan = RecipientPlan::resolve(&["carol@example.com".parse().unwrap()], &directory, &policy, None, now());
    let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
    let sealed = encryptor.encrypt(&Message::parse(signed.as_bytes()).unwrap()).unwrap();
    let (trust, ring) = (root.trust(), Keyring::new(vec![carol]));
    let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&sealed, now()).unwrap();
    assert!(opened.judge(Requirement::SignedBySender).is_ok());
    let told = opened.report().findings().any(|note| note.code == "recipient_not_bound");
    assert!(told, "{}", opened.report());
}

#[test]
fn sec_045_certificates_that_are_not_for_signing_mail() {
    World::with(|t| t.key_usage = Some(KeyUsage::KEY_ENCIPHERMENT)).refused("key_usage", |_| {});
    World::with(|t| t.extended_key_usage = vec!["1.3.6.1.5.5.7.3.1".parse().unwrap()])
        .refused("extended_key_usage", |_| {});
    World::with(|t| (t.role, t.key_usage) = (Role::Authority { path_len: None }, Some(KeyUsage::KEY_CERT_SIGN)))
        .refused("key_usage", |_| {});
    World::with(|t| t.extended_key_usage = vec![oid::ANY_EXTENDED_KEY_USAGE]).noted("extended_key_usage", |_| {});
}
