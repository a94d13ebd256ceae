//! What each profile composes (OUT-31 to OUT-39, OUT-45 to OUT-59): the rows of the specification, held against the bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::outlook::{boundary, split, structure, without_signature};
use common::people::{Authority, common_name, now, serial, years};
use common::shape;
use smime::asn1::ber::{Reader, Tag};
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::cms::attribute::Attributes;
use smime::cms::enveloped::Enveloped;
use smime::cms::identifier::CertificateId;
use smime::cms::recipient_info::RecipientInfo;
use smime::cms::signed::SignedData;
use smime::cms::signer_info::SignerInfo;
use smime::compose::{encrypt, sign};
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::keys::software::SoftwareKey;
use smime::open::report::{self, LayerKind};
use smime::policy::policy::{
    Capabilities, CertificateIdentifier, Form, IncludedCertificates, Policy, Sha1Signing, TripleWrap,
};
use smime::{
    Certificate, Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Profile, RecipientPlan,
    Requirement, Sealer, Signer,
};
use std::sync::{Arc, OnceLock};

const MAIL: &str = "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: a test\r\nMIME-Version: 1.0\r\n\
                    Content-Type: text/plain; charset=us-ascii\r\nX-Mailer: none\r\n\r\nhello\r\n";
const COMPOSING: [Profile; 5] =
    [Profile::OutlookWindows, Profile::OutlookMobile, Profile::Owa, Profile::Rfc8551, Profile::Strict];

/// A root, an authority under it, and people under that with RSA keys; making those takes a while.
struct World {
    root: Authority,
    middle: Authority,
    alice: Identity,
    bob: Identity,
    /// Alice's certificate to encrypt to, where it is another one (OUT-11).
    encryption: Certificate,
    /// Of Carol, without subjectKeyIdentifier.
    bare: Identity,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let root = Authority::root("A Root with a Name so Long that its Certificate is Longer than that of Alice");
        let middle = root.authority("Middle", |_| {});
        let chain = vec![middle.certificate.clone(), root.certificate.clone()];
        let person = |name: &str, email: &str| {
            middle.person_with(name, &[email], KeyKind::Rsa, 2048, years()).with_chain(chain.clone())
        };
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let name = common_name("Carol");
        let template =
            CertificateTemplate::new(name, Some(&middle.certificate), &serial(), years(), &key.public_key_spki());
        let template = template.for_mail(&["carol@example.com".parse().unwrap()], KeyUsage::KEY_ENCIPHERMENT);
        let certificate = middle.issue_without(&template, &oid::SUBJECT_KEY_IDENTIFIER);
        let bare = Identity::new(certificate, chain.clone(), Arc::new(SoftwareKey::new(key))).unwrap();
        World {
            alice: person("Alice", "alice@example.com"),
            bob: person("Bob", "bob@example.com"),
            encryption: person("Alice too", "alice@example.com").certificate().clone(),
            bare,
            root,
            middle,
        }
    })
}

fn signer<'p>(policy: &'p Policy) -> Signer<'p> {
    Signer::new(&world().alice, policy).unwrap()
}

fn signed_by(signer: &Signer<'_>) -> Vec<u8> {
    signer.sign(&Message::parse(MAIL.as_bytes()).unwrap(), now()).unwrap()
}

fn signed(policy: &Policy) -> Vec<u8> {
    signed_by(&signer(policy))
}

fn encryptor<'p>(to: &Identity, policy: &'p Policy) -> Encryptor<'p> {
    let directory = Certificates(vec![to.certificate().clone()]);
    let address = smime::cert::mailbox::Mailboxes::of(to.certificate()).all()[0].address.clone();
    Encryptor::new(&RecipientPlan::resolve(&[address], &directory, policy, None, now()).all().unwrap(), policy)
}

fn encrypted(policy: &Policy) -> Vec<u8> {
    encryptor(&world().bob, policy).encrypt(&Message::parse(MAIL.as_bytes()).unwrap()).unwrap()
}

/// The SignedData of a clear-signed mail.
fn data(mail: &[u8]) -> SignedData {
    SignedData::read(&without_signature(mail).1[..], &Limits::default(), &mut crate::common::Count::default()).unwrap()
}

fn attributes(signer: &SignerInfo) -> &Attributes {
    signer.signed_attributes.as_ref().unwrap()
}

fn enveloped(mail: &[u8]) -> Enveloped {
    Enveloped::read(&structure(split(mail).1)[..], &Limits::default(), &mut |_| Ok(())).unwrap()
}

/// "clear", "opaque" and "encrypted", outermost first; the sender's signature must hold.
fn layers(mail: &[u8], policy: &Policy) -> Vec<&'static str> {
    let world = world();
    // What OWA leaves out must be known.
    let trust = world.root.trust().with_intermediates([world.middle.certificate.clone()]);
    let ring = Keyring::new(vec![world.bob.clone()]);
    let opened = Opener::new(&trust, policy).with_keys(&ring).open(mail, now()).unwrap();
    let names = opened.report().layers.iter().map(|layer| match &layer.kind {
        LayerKind::Signed(signed) if signed.form == report::Form::Clear => "clear",
        LayerKind::Signed(_) => "opaque",
        LayerKind::Encrypted(_) => "encrypted",
        other => panic!("{other:?}"),
    });
    let names = names.collect();
    let trusted = opened.require(Requirement::SignedBySender).map_err(|r| r.reasons().to_vec()).unwrap();
    assert!(trusted.message().unwrap().ends_with(b"\r\n\r\nhello\r\n"));
    names
}

#[test]
fn out_031_mobile_refuses_opaque_and_reads_it() {
    let mut policy = Policy::new(Profile::OutlookMobile);
    let message = Message::parse(MAIL.as_bytes()).unwrap();
    let error = signer(&policy).opaque().sign(&message, now()).unwrap_err();
    assert!(matches!(error, sign::Error::ClearOnly(Profile::OutlookMobile)), "{error}");
    assert!(error.to_string().contains("outlook-mobile sends clear-signed mail only"));
    assert_eq!(layers(&signed(&policy), &policy), ["clear"]);
    // What others send opaque is read.
    let windows = Policy::default();
    assert_eq!(layers(&signed_by(&signer(&windows).opaque()), &policy), ["opaque"]);
    policy.form = Form::Opaque;
    assert!(signer(&policy).sign(&message, now()).is_err());
}

#[test]
fn out_032_clear_unless_opaque_is_chosen() {
    for profile in COMPOSING {
        let mut policy = Policy::new(profile);
        // The certificates of these tests are not all that the baseline requirements ask for.
        policy.purpose_rule = Policy::default().purpose_rule;
        assert_eq!(layers(&signed(&policy), &policy), ["clear"], "{profile}");
        policy.form = Form::Opaque;
        if profile != Profile::OutlookMobile {
            assert_eq!(layers(&signed(&policy), &policy), ["opaque"], "{profile}");
        }
    }
}

#[test]
fn out_035_signed_then_encrypted_and_once_more_where_the_policy_says() {
    for (profile, wrap, expected) in [
        (Profile::OutlookWindows, TripleWrap::Off, &["encrypted", "opaque"][..]),
        (Profile::OutlookMobile, TripleWrap::Off, &["encrypted", "clear"]),
        (Profile::Owa, TripleWrap::Off, &["encrypted", "clear"]),
        (Profile::OutlookWindows, TripleWrap::On, &["clear", "encrypted", "opaque"]),
        (Profile::OutlookMobile, TripleWrap::On, &["clear", "encrypted", "clear"]),
        (Profile::Rfc8551, TripleWrap::On, &["clear", "encrypted", "clear"]),
    ] {
        let mut policy = Policy::new(profile);
        assert_eq!(policy.triple_wrap, TripleWrap::Off);
        policy.triple_wrap = wrap;
        let sealer = Sealer::new(signer(&policy), encryptor(&world().bob, &policy), &policy);
        let sealed = sealer.seal(&Message::parse(MAIL.as_bytes()).unwrap(), now()).unwrap();
        assert_eq!(layers(&sealed, &policy), expected, "{profile}");
        let text = String::from_utf8(sealed).unwrap();
        assert_eq!(text.matches("MIME-Version").count(), 1);
        assert_eq!(text.matches("Subject: a test").count(), 1);
    }
}

#[test]
fn out_037_and_038_nothing_weak_and_no_gcm_for_outlook() {
    for profile in [Profile::OutlookWindows, Profile::OutlookMobile, Profile::Owa] {
        assert_eq!(Policy::new(profile).content_cipher, ContentCipher::Aes256Cbc);
        assert!(enveloped(&encrypted(&Policy::new(profile))).mac.is_none());
    }
    assert!(enveloped(&encrypted(&Policy::new(Profile::Rfc8551))).mac.is_some());
    let mut policy = Policy::default();
    policy.content_cipher = ContentCipher::TripleDesCbc;
    let error = encryptor(&world().bob, &policy).encrypt(&Message::parse(MAIL.as_bytes()).unwrap()).unwrap_err();
    assert!(matches!(error, encrypt::Error::WeakCipher(_)), "{error}");
}

#[test]
fn out_039_sha256_unless_another_is_named_and_sha1_only_by_name() {
    let message = Message::parse(MAIL.as_bytes()).unwrap();
    let mut policy = Policy::default();
    assert_eq!(data(&signed(&policy)).signers[0].digest(), Some(DigestAlgorithm::Sha256));
    policy.digest = DigestAlgorithm::Sha1;
    let error = Signer::new(&world().alice, &policy).err().unwrap();
    assert!(error.to_string().contains("SHA-1") || error.to_string().contains("sha1"), "{error}");
    policy.sha1_signing = Sha1Signing::Allow;
    let sealed = signer(&policy).seal(&message, now()).unwrap();
    assert!(sealed.notes().iter().any(|note| note.code.starts_with("weak")), "{:?}", sealed.notes());
    assert_eq!(data(&sealed.to_vec().unwrap()).signers[0].digest(), Some(DigestAlgorithm::Sha1));
    policy.digest = DigestAlgorithm::Md5;
    assert!(Signer::new(&world().alice, &policy).is_err());
}

#[test]
fn out_045_to_049_the_mime_of_a_clear_signed_mail() {
    let text = String::from_utf8(signed(&Policy::default())).unwrap();
    let (header, _) = split(text.as_bytes());
    let boundary = boundary(&header);
    let (start, end) = text.split_once("MIAG").unwrap();
    assert_eq!(
        start,
        format!(
            "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: a test\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/signed;\r\n\tprotocol=\"application/x-pkcs7-signature\";\r\n\
             \tmicalg=2.16.840.1.101.3.4.2.1;\r\n\tboundary=\"{boundary}\"\r\nX-Mailer: none\r\n\r\n\
             This is a multipart message in MIME format.\r\n\r\n--{boundary}\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\r\nhello\r\n\r\n--{boundary}\r\n\
             Content-Type: application/pkcs7-signature;\r\n\tname=\"smime.p7s\"\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n\tfilename=\"smime.p7s\"\r\n\r\n"
        )
    );
    assert!(
        end.ends_with(&format!("=\r\n\r\n--{boundary}--\r\n"))
            || end.ends_with(&format!("AA\r\n\r\n--{boundary}--\r\n"))
    );
    let lines: Vec<&str> = format!("MIAG{end}").leak().split("\r\n").take_while(|line| !line.is_empty()).collect();
    assert!(lines.iter().rev().skip(1).all(|line| line.len() == 76));
    // OUT-47: the time in the boundary is the time of signing, to the second.
    assert_eq!(shape::boundary_form(boundary), "----=_NextPart_000_HHHH_HHHHHHHH.HHHHHHHH");
    let filetime = u64::from_str_radix(&boundary["----=_NextPart_000_HHHH_".len()..].replace('.', ""), 16).unwrap();
    assert_eq!(filetime / 10_000_000, u64::try_from(now().unix()).unwrap() + 11_644_473_600);
    // OUT-46
    for (digest, micalg) in [
        (DigestAlgorithm::Sha384, "\tmicalg=2.16.840.1.101.3.4.2.2;\r\n"),
        (DigestAlgorithm::Sha512, "\tmicalg=2.16.840.1.101.3.4.2.3;\r\n"),
    ] {
        let mut policy = Policy::default();
        policy.digest = digest;
        assert!(String::from_utf8(signed(&policy)).unwrap().contains(micalg));
    }
    // OUT-48: nothing before the first part where Exchange carries it.
    let text = String::from_utf8(signed(&Policy::new(Profile::Owa))).unwrap();
    assert!(text.contains("\r\n\r\n------=_NextPart_000_") && !text.contains("This is a multipart"), "{text}");
}

#[test]
fn out_050_the_digest_is_over_the_part_between_its_boundary_lines() {
    let mail = signed(&Policy::default());
    let entity = without_signature(&mail).0.entity;
    assert_eq!(entity, b"Content-Type: text/plain; charset=us-ascii\r\n\r\nhello\r\n");
    let data = data(&mail);
    let digest = attributes(&data.signers[0]).single(&oid::ID_MESSAGE_DIGEST).unwrap().unwrap();
    assert_eq!(digest, der::octets(&hash(DigestAlgorithm::Sha256, &entity)));
}

#[test]
fn out_051_indefinite_outside_and_definite_inside() {
    let signature = without_signature(&signed(&Policy::default())).1;
    let start = "308006092a864886f70d010702a0803080020101310f300d060960864801650304020105003080\
                 06092a864886f70d0107010000a082";
    assert_eq!(common::hex(&signature[..start.len() / 2]), start);
    assert!(signature.ends_with(&[0; 6]));
    let indefinite: Vec<String> =
        shape::of_structure(&signature).into_iter().filter(|line| line.contains("indefinite")).collect();
    assert_eq!(
        indefinite,
        ["SEQUENCE indefinite", "  [0] indefinite", "    SEQUENCE indefinite", "      SEQUENCE indefinite"]
    );
}

#[test]
fn out_052_the_algorithms_and_the_signer_are_named_as_outlook_names_them() {
    let data = data(&signed(&Policy::default()));
    let signer = &data.signers[0];
    assert_eq!((data.head.version, signer.version), (1, 1));
    assert_eq!(signer.digest_algorithm, DigestAlgorithm::Sha256.identifier_with_null());
    assert_eq!(signer.signature_algorithm.to_der(), der::sequence(&[der::oid(&oid::RSA_ENCRYPTION), der::null()]));
    assert!(matches!(signer.identifier, CertificateId::IssuerAndSerial { .. }));
}

#[test]
fn out_053_six_attributes_and_both_preferences_name_the_certificate_to_encrypt_to() {
    let policy = Policy::default();
    let (own, other) = (world().alice.certificate(), &world().encryption);
    for (signer, preferred) in [(signer(&policy), own), (signer(&policy).prefer_encryption_with(other.clone()), other)]
    {
        let data = data(&signed_by(&signer));
        let set = attributes(&data.signers[0]);
        let mut found: Vec<_> = set.iter().map(|attribute| attribute.kind).collect();
        let mut expected = [
            oid::ID_CONTENT_TYPE,
            oid::ID_SIGNING_TIME,
            oid::ID_MESSAGE_DIGEST,
            oid::ID_SMIME_CAPABILITIES,
            oid::MS_ENCRYPTION_KEY_PREFERENCE,
            oid::ID_AA_ENCRYP_KEY_PREF,
        ];
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(set.as_received(), set.der_sorted());
        let named = preferred.issuer_and_serial_der();
        let microsoft = set.single(&oid::MS_ENCRYPTION_KEY_PREFERENCE).unwrap().unwrap();
        assert_eq!(microsoft, named);
        let standard = set.single(&oid::ID_AA_ENCRYP_KEY_PREF).unwrap().unwrap();
        assert_eq!(standard, der::retag(Tag::context(0), &named));
        let time = set.single(&oid::ID_SIGNING_TIME).unwrap().unwrap();
        assert_eq!(Reader::single(time, "signingTime").unwrap().tag, Tag::UTC_TIME);
    }
}

#[test]
fn out_054_the_capabilities_in_outlooks_order() {
    let value = |digest: DigestAlgorithm, list: Capabilities| {
        let mut policy = Policy::default();
        (policy.digest, policy.capabilities) = (digest, list);
        let data = data(&signed(&policy));
        attributes(&data.signers[0]).single(&oid::ID_SMIME_CAPABILITIES).unwrap().unwrap().to_vec()
    };
    let plain = |identifier: &const_oid::ObjectIdentifier| der::sequence(&[der::oid(identifier)]);
    let ciphers = [oid::AES256_CBC, oid::AES192_CBC, oid::DES_EDE3_CBC, oid::AES128_CBC].map(|c| plain(&c)).to_vec();
    let rc2 = [128, 64].map(|bits| der::sequence(&[der::oid(&oid::RC2_CBC), der::integer(bits)])).to_vec();
    for (digest, digests) in [
        (DigestAlgorithm::Sha256, [oid::SHA256, oid::SHA512, oid::SHA384, oid::SHA1]),
        (DigestAlgorithm::Sha512, [oid::SHA512, oid::SHA384, oid::SHA256, oid::SHA1]),
    ] {
        let digests = digests.map(|d| plain(&d)).to_vec();
        let exact = [ciphers.clone(), rc2.clone(), digests.clone()].concat();
        let found = value(digest, Capabilities::OutlookExact);
        assert_eq!((&found, found.len()), (&der::sequence(&exact), 133));
        assert_eq!(value(digest, Capabilities::Outlook), der::sequence(&[ciphers.clone(), digests].concat()));
    }
}

#[test]
fn out_055_the_whole_chain_and_the_certificate_to_encrypt_to_sorted_as_a_set() {
    let policy = Policy::default();
    let world = world();
    let mail = signed_by(&signer(&policy).prefer_encryption_with(world.encryption.clone()));
    let found: Vec<Vec<u8>> = data(&mail).certificates.iter().map(|c| c.der().to_vec()).collect();
    let all = [world.alice.certificate(), &world.middle.certificate, &world.root.certificate, &world.encryption];
    let mut expected: Vec<Vec<u8>> = all.map(|c| c.der().to_vec()).to_vec();
    expected.sort();
    assert_eq!(found, expected);
    assert_ne!(found[0], world.alice.certificate().der(), "the signer is found by its name and not by its place");
    assert_eq!(layers(&mail, &policy), ["clear"]);
}

#[test]
fn out_056_the_header_of_encrypted_mail() {
    let (header, _) = split(&encrypted(&Policy::default()));
    assert_eq!(
        header,
        "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: a test\r\nMIME-Version: 1.0\r\n\
         Content-Type: application/pkcs7-mime;\r\n\tsmime-type=enveloped-data;\r\n\tname=\"smime.p7m\"\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n\tfilename=\"smime.p7m\"\r\n\
         X-Mailer: none\r\n"
    );
}

#[test]
fn out_057_key_transport_by_issuer_and_serial_or_by_key_identifier() {
    let message = Message::parse(MAIL.as_bytes()).unwrap();
    let mut policy = Policy::default();
    for (to, by_name, by_key) in [
        (&world().bob, CertificateIdentifier::IssuerAndSerial, CertificateIdentifier::SubjectKeyIdentifier),
        (&world().bare, CertificateIdentifier::IssuerAndSerial, CertificateIdentifier::SubjectKeyIdentifier),
    ] {
        for (identifier, version) in [(by_name, 0), (by_key, 2)] {
            policy.identifier = identifier;
            let mail = encryptor(to, &policy).encrypt(&message).unwrap();
            let found = enveloped(&mail);
            assert_eq!(found.head.version, version);
            let [RecipientInfo::Transport(recipient)] = found.head.recipients.as_slice() else { panic!("{found:?}") };
            assert_eq!(recipient.algorithm.to_der(), der::sequence(&[der::oid(&oid::RSA_ENCRYPTION), der::null()]));
            assert!(recipient.identifier.names(to.certificate()));
            if let CertificateId::SubjectKeyIdentifier(named) = &recipient.identifier {
                let own = to.certificate().subject_key_identifier().map(<[u8]>::to_vec);
                let computed = to.certificate().computed_key_identifier().to_vec();
                assert_eq!(own.is_none(), to.certificate() == world().bare.certificate());
                assert_eq!(*named, own.unwrap_or(computed));
            }
            let (trust, ring) = (world().root.trust(), Keyring::new(vec![to.clone()]));
            let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&mail, now()).unwrap();
            let trusted = opened.require(Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap();
            assert!(trusted.message().unwrap().ends_with(b"hello\r\n"));
        }
    }
    // BER outside, and the ciphertext in segments of 1024 octets.
    let long = format!("{MAIL}{}", "a line of text\r\n".repeat(300));
    let mail = encryptor(&world().bob, &Policy::default()).encrypt(&Message::parse(long.as_bytes()).unwrap()).unwrap();
    let form = shape::of_structure(&structure(split(&mail).1));
    let indefinite: Vec<&str> =
        form.iter().filter(|line| line.contains("indefinite")).map(|line| line.trim()).collect();
    assert_eq!(
        indefinite,
        [
            "SEQUENCE indefinite",
            "[0] indefinite",
            "SEQUENCE indefinite",
            "SEQUENCE indefinite",
            "[0] indefinite, in segments of at most 1024 octets"
        ]
    );
}

#[test]
fn out_058_nothing_is_composed_as_outlook_for_mac() {
    let policy = Policy::new(Profile::OutlookMac);
    assert!(matches!(Signer::new(&world().alice, &policy).err(), Some(sign::Error::ReadingProfile(_))));
    let error = encryptor(&world().bob, &policy).encrypt(&Message::parse(MAIL.as_bytes()).unwrap()).unwrap_err();
    assert!(matches!(error, encrypt::Error::ReadingProfile(_)), "{error}");
}

#[test]
fn out_059_mobile_has_the_headers_of_rfc_8551_der_and_the_chain_without_its_root() {
    let policy = Policy::new(Profile::OutlookMobile);
    let mail = signed(&policy);
    let (header, _) = split(&mail);
    assert!(header.ends_with(&format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\
         \tmicalg=\"sha-256\"; boundary=\"{}\"\r\n",
        boundary(&header)
    )));
    assert!(
        String::from_utf8_lossy(&mail).contains("Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n")
    );
    for form in [
        shape::of_structure(&without_signature(&mail).1),
        shape::of_structure(&structure(split(&encrypted(&policy)).1)),
    ] {
        assert!(!form.iter().any(|line| line.contains("indefinite")));
    }
    let bag = data(&mail).certificates;
    let world = world();
    assert_eq!(bag.len(), 2);
    assert!(bag.contains(world.alice.certificate()) && bag.contains(&world.middle.certificate));
}

#[test]
fn owa_follows_the_settings_of_exchange() {
    let mut policy = Policy::new(Profile::Owa);
    let with_other = |policy: &Policy| {
        let mail = signed_by(&signer(policy).prefer_encryption_with(world().encryption.clone()));
        data(&mail)
    };
    let found = with_other(&policy);
    assert!(attributes(&found.signers[0]).all(&oid::ID_SMIME_CAPABILITIES).next().is_none());
    assert_eq!(found.certificates.len(), 2);
    assert!(found.certificates.contains(&world().encryption));
    policy.certificates = IncludedCertificates::ChainWithRoot;
    assert_eq!(with_other(&policy).certificates.len(), 4);
    policy.certificates = IncludedCertificates::ChainWithoutRoot;
    assert_eq!(with_other(&policy).certificates.len(), 3);
    policy.certificates = IncludedCertificates::Nothing;
    assert!(with_other(&policy).certificates.is_empty());
}
