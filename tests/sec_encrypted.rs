//! Encrypted mail under attack, by the rows of the threat model (SEC-62, 66, 68, 71, 75, 79): each test makes its
//! message by hand, with keys of our own. What we write is judged in `sec_sealing.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cipher::{BlockCipherDecrypt, KeyInit};
use common::envelope::{
    Bob, ENTITY, Envelope, IV, agreed, agreement, assert_failed, attribute, cannot_decrypt, content_info, entity, key,
    mail, open, recipient, recipient_as, unreadable,
};
use common::people::{Authority, now, years};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cms::identifier::CertificateId;
use smime::crypto::agreement::kek;
use smime::crypto::algorithm::{AlgorithmIdentifier, ContentCipher};
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::crypto::wrap;
use smime::open::report::{Binding, LayerKind};
use smime::{Keyring, Opener, Policy, Profile, Requirement, Secret, Trust};

type Oid = const_oid::ObjectIdentifier;

// ---- SEC-62: blocks of an attacker's choice in CBC

/// The gadget: whoever knows the first block of a plaintext writes others before it, with noise between them.
fn with_blocks(envelope: &Envelope, known: &[u8; 16], chosen: &[&[u8; 16]]) -> Envelope {
    let first = &envelope.ciphertext[..16];
    let mut blocks = Vec::new();
    for block in chosen {
        blocks.extend((0..16).map(|i| IV[i] ^ known[i] ^ block[i]));
        blocks.extend_from_slice(first);
    }
    let parameters = der::octets(&blocks[..16]);
    blocks.extend_from_slice(&envelope.ciphertext[16..]);
    let algorithm = AlgorithmIdentifier::with(ContentCipher::Aes256Cbc.oid(), parameters).to_der();
    Envelope { algorithm, ciphertext: blocks[16..].to_vec(), ..envelope.clone() }
}

#[test]
fn sec_062_blocks_written_before_a_known_one_leave_the_layer_closed() {
    let bob = Bob::new(KeyKind::P256);
    let known = b"Content-type: mu";
    let content = [known, &b"ltipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsecret\r\n--x--\r\n"[..]].concat();
    for n in 0..16 {
        let key = Secret::new(vec![n; 32]);
        let sound = Envelope::cbc(&[recipient(bob.identity.certificate(), &key)], &key, IV, &content);
        assert_eq!(open(&sound.mail(), &bob.ring).unwrap(), content);
        let gadgets: [&[&[u8; 16]]; 4] = [
            // The noise in the first field, or behind whole lines of it.
            &[b"Content-type: te", b"xt/html; a=(aaaa", b"\r\n\r\n<img src='//"],
            &[b"MIME-Version:1\r\n", b"\r\nX-ignored: aaa", b"\r\n\r\n<img src='//"],
            &[b"X-a: aaaaaaaaa\r\n", b"\nContent-Type:a/", b"\n\n<img src='//ev"],
            &[b"Content-type: mu", b"ltipart/mixed; a", b"=b\r\n\r\n--b\r\n\r\n<a "],
        ];
        for gadget in gadgets {
            let altered = with_blocks(&sound, known, gadget);
            // That it is a sound ciphertext: its padding is right, and the chosen blocks are in it.
            let cipher = aes::Aes256::new_from_slice(key.expose()).unwrap();
            let mut block = aes::Block::try_from(&altered.ciphertext[32..48]).unwrap();
            cipher.decrypt_block(&mut block);
            let second: Vec<u8> = block.iter().zip(&altered.ciphertext[16..32]).map(|(a, b)| a ^ b).collect();
            assert_eq!(second, gadget[1]);
            assert_failed(open(&altered.mail(), &bob.ring), "a gadget");
        }
    }
}

#[test]
fn sec_062_text_of_old_charsets_is_no_noise() {
    let bob = Bob::new(KeyKind::P256);
    let names: [&[u8]; 5] = [
        "Stra\u{df}e \u{201c}\u{1f511}\u{201d}.pdf".as_bytes(),
        b"Stra\xdfe.pdf",
        b"\xc6\xf2\xe0\xb0.pdf",
        b"\x1b$B4A;z\x1b(B.pdf",
        b"tab\tand\r\n fold.pdf",
    ];
    for name in names {
        let content = [b"Content-Type: application/pdf;\r\n name=\"", name, b"\"\r\n\r\n%PDF \0\x01\x80\r\n"].concat();
        assert_eq!(open(&bob.cbc(&content).mail(), &bob.ring).unwrap(), content, "{name:?}");
    }
    // No header at all is a text.
    for content in [&b"only a text\r\n"[..], b"\r\nonly a text\r\n", b"a\r\n\r\n\x00\x01"] {
        assert_eq!(open(&bob.cbc(content).mail(), &bob.ring).unwrap(), content);
    }
    for noise in [&b"A: b\r\nC: \x00\r\n\r\ntext"[..], b"A: b\r\nC: \x91\x92\r\n\r\ntext", b"A: b\r\n\x7f\r\n\r\ntext"]
    {
        assert_failed(open(&bob.cbc(noise).mail(), &bob.ring), "noise");
    }
}

#[test]
fn sec_062_the_report_says_what_could_have_been_changed() {
    let bob = Bob::new(KeyKind::P256);
    let trust = Trust::default();
    for (envelope, binding) in [
        (bob.cbc(ENTITY), Binding::Malleable),
        (Envelope::gcm(&[bob.entry()], &key(), None, ENTITY), Binding::Authenticated),
    ] {
        let (policy, mail) = (Policy::default(), envelope.mail());
        let opened = Opener::new(&trust, &policy).with_keys(&bob.ring).open(&mail, now()).unwrap();
        let LayerKind::Encrypted(layer) = &opened.report().layers[0].kind else { panic!() };
        assert_eq!((layer.binding, layer.opened_with.as_deref()), (binding, Some("CN=Bob")));
    }
    assert!(Policy::new(Profile::Rfc8551).content_cipher.is_aead(), "what is written by the standard's profile");
}

// ---- SEC-66: nonces

#[test]
fn sec_066_a_nonce_of_gcm_has_twelve_bytes() {
    let bob = Bob::new(KeyKind::P256);
    let sound = Envelope::gcm(&[bob.entry()], &key(), None, ENTITY);
    assert_eq!(open(&sound.mail(), &bob.ring).unwrap(), ENTITY);
    assert_eq!(bob.key.asked(), 1);
    for length in [0, 1, 8, 11, 13, 16, 255, 1 << 20] {
        for oid in [oid::AES128_GCM, oid::AES256_GCM] {
            let parameters = der::sequence(&[der::octets(&vec![5; length]), der::integer(16)]);
            let algorithm = AlgorithmIdentifier::with(oid, parameters).to_der();
            let reason = unreadable(open(&Envelope { algorithm, ..sound.clone() }.mail(), &bob.ring));
            assert_eq!(reason.code, "malformed", "{length}: {reason}");
            assert!(length > 255 || reason.text.contains(&format!("{length} bytes")), "{reason}");
        }
    }
    // CCM, with a nonce that is right and one that is not.
    for length in [6, 12, 14] {
        let parameters = der::sequence(&[der::octets(&vec![5; length]), der::integer(16)]);
        let ccm = Oid::new_unwrap("2.16.840.1.101.3.4.1.47");
        let algorithm = AlgorithmIdentifier::with(ccm, parameters).to_der();
        let reason = unreadable(open(&Envelope { algorithm, ..sound.clone() }.mail(), &bob.ring));
        assert_eq!(reason.code, "unsupported", "{reason}");
    }
    assert_eq!(bob.key.asked(), 0, "no key is asked about any of them");
}

// ---- SEC-68: authenticated attributes

#[test]
fn sec_068_the_tag_covers_the_attributes() {
    let bob = Bob::new(KeyKind::P256);
    let entry = [bob.entry()];
    let kind = |oid: Oid| attribute(oid::ID_CONTENT_TYPE, &[der::oid(&oid)]);
    let time = |text: &[u8]| attribute(oid::ID_SIGNING_TIME, &[der::primitive(Tag::UTC_TIME, text)]);
    let attributes = [kind(oid::ID_DATA), time(b"261124080000Z")];
    let sound = Envelope::gcm(&entry, &key(), Some(&attributes), ENTITY);
    assert_eq!(open(&sound.mail(), &bob.ring).unwrap(), ENTITY);
    // A set is a set in any order; it is covered in DER.
    let mut turned = attributes.to_vec();
    turned.reverse();
    let other_order = Envelope { attributes: Some(turned), ..sound.clone() };
    assert_eq!(open(&other_order.mail(), &bob.ring).unwrap(), ENTITY);
    let bare = Envelope::gcm(&entry, &key(), None, ENTITY);
    let wrong = [
        ("taken out", Envelope { attributes: None, ..sound.clone() }),
        ("put in", Envelope { attributes: Some(attributes.to_vec()), ..bare.clone() }),
        ("an empty set put in", Envelope { attributes: Some(Vec::new()), ..bare }),
        ("one of them taken out", Envelope { attributes: Some(attributes[..1].to_vec()), ..sound.clone() }),
        ("altered", Envelope { attributes: Some(vec![attributes[0].clone(), time(b"261124080001Z")]), ..sound }),
    ];
    for (what, envelope) in wrong {
        assert_failed(open(&envelope.mail(), &bob.ring), what);
    }
}

#[test]
fn sec_068_attributes_that_contradict_are_no_attributes() {
    let bob = Bob::new(KeyKind::P256);
    let entry = [bob.entry()];
    let kind = |values: &[Vec<u8>]| attribute(oid::ID_CONTENT_TYPE, values);
    let data = der::oid(&oid::ID_DATA);
    let right = kind(std::slice::from_ref(&data));
    // Under tags that are right for each of them.
    for (code, attributes) in [
        ("ambiguous", vec![right.clone(), right.clone()]),
        ("ambiguous", vec![right.clone(), kind(&[der::oid(&oid::ID_SIGNED_DATA)])]),
        ("malformed", vec![kind(&[der::oid(&oid::ID_SIGNED_DATA)])]),
        ("malformed", vec![kind(&[])]),
        ("malformed", vec![kind(&[data.clone(), data])]),
        ("malformed", vec![kind(&[der::integer(1)])]),
        ("malformed", vec![der::sequence(&[der::oid(&oid::ID_SIGNING_TIME)])]),
    ] {
        let envelope = Envelope::gcm(&entry, &key(), Some(&attributes), ENTITY);
        let reason = unreadable(open(&envelope.mail(), &bob.ring));
        assert_eq!(reason.code, code, "{reason}");
    }
    // No mac, and a mac where none belongs.
    let sound = Envelope::gcm(&entry, &key(), None, ENTITY);
    let cms = sound.der();
    let no_mac = [&cms[..cms.len() - 18], &[]].concat();
    assert_eq!(unreadable(open(&mail(&entity("enveloped-data", &no_mac)), &bob.ring)).code, "malformed");
    let mac = Envelope { mac: Some(vec![0; 16]), ..bob.cbc(ENTITY) };
    assert_eq!(unreadable(open(&mac.mail(), &bob.ring)).code, "unsupported");
    assert_eq!(bob.key.asked(), 0);
    // AuthenticatedData, with digestAlgorithm and without authAttrs, is not read at all.
    let fields =
        [der::integer(0), der::constructed(Tag::SET, &entry), der::null(), der::retag(Tag::context(1), &der::null())];
    let authenticated = content_info(oid::ID_CT_AUTH_DATA, &der::sequence(&fields));
    let reason = unreadable(open(&mail(&entity("authenticated-data", &authenticated)), &bob.ring));
    assert_eq!(reason.code, "unsupported", "{reason}");
}

// ---- SEC-71: several entries for one key

#[test]
fn sec_071_two_entries_of_one_name_are_refused_before_a_key_is_asked() {
    for kind in [KeyKind::Rsa, KeyKind::P256] {
        let bob = Bob::new(kind);
        let certificate = bob.identity.certificate();
        let (real, probe) = (bob.entry(), recipient(certificate, &Secret::new(vec![8; 32])));
        let by_key = CertificateId::key_identifier(certificate);
        let twins = [recipient_as(&by_key, certificate, &key()), recipient_as(&by_key, certificate, &key())];
        let stranger = Authority::root("Other").person_with("Eve", &["eve@example.com"], kind, 2048, years());
        let other = recipient(stranger.certificate(), &key());
        for entries in [
            vec![real.clone(), probe.clone()],
            vec![probe.clone(), real.clone()],
            vec![real.clone(), real.clone()],
            vec![real.clone(), other.clone(), probe.clone()],
            twins.to_vec(),
        ] {
            let reason = unreadable(open(&Envelope::cbc(&entries, &key(), IV, ENTITY).mail(), &bob.ring));
            assert_eq!(reason.code, "ambiguous", "{reason}");
        }
        assert_eq!(bob.key.asked(), 0);
        // Two names of one certificate are one attempt, at the first of them.
        let first = Envelope::cbc(&[real.clone(), twins[0].clone()], &key(), IV, ENTITY);
        assert_eq!(open(&first.mail(), &bob.ring).unwrap(), ENTITY);
        assert_eq!(bob.key.asked(), 1);
        let probing = Envelope::cbc(&[probe.clone(), twins[0].clone()], &key(), IV, ENTITY);
        assert_failed(open(&probing.mail(), &bob.ring), "the first is a probe");
        assert_eq!(bob.key.asked(), 1);
        // A key without certificate is tried where there is one entry, and not where it would have to choose.
        let mut bare = Keyring::default();
        bare.add_key(bob.key.clone());
        assert_eq!(
            open(&Envelope::cbc(std::slice::from_ref(&real), &key(), IV, ENTITY).mail(), &bare).unwrap(),
            ENTITY
        );
        assert_eq!(bob.key.asked(), 1);
        let reason = cannot_decrypt(open(&Envelope::cbc(&[real, probe], &key(), IV, ENTITY).mail(), &bare));
        assert_eq!((reason.code, bob.key.asked()), ("not_encrypted_to_us", 0), "{reason}");
    }
}

// ---- SEC-75: secrets that everybody knows

/// The points of small order of Curve25519, and two that are them in other words.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn sec_075_a_secret_of_zeros_opens_nothing() {
    let bob = Bob::new(KeyKind::X25519);
    assert_eq!(open(&bob.cbc(ENTITY).mail(), &bob.ring).unwrap(), ENTITY);
    assert_eq!(bob.key.asked(), 1);
    let scheme = agreement(KeyKind::X25519);
    // What anybody can compute who sends such a point: the content would come out right.
    let known = kek(&scheme, &scheme.wrap.identifier().to_der(), None, &Secret::new(vec![0; 32])).unwrap();
    let wrapped = wrap::wrap(scheme.wrap, &mut SystemRandom, &known, &key()).unwrap();
    for point in SMALL_ORDER {
        let point: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&point[2 * i..2 * i + 2], 16).unwrap()).collect();
        let originator = der::sequence(&[AlgorithmIdentifier::new(oid::X25519).to_der(), der::bits(&point)]);
        let name = CertificateId::issuer_and_serial(bob.identity.certificate());
        let entry = agreed(&der::retag(Tag::context(1), &originator), None, &[(name, wrapped.clone())]);
        assert_failed(open(&Envelope::cbc(&[entry], &key(), IV, ENTITY).mail(), &bob.ring), "a point of small order");
        assert_eq!(bob.key.asked(), 1);
    }
}

#[test]
fn sec_075_a_recipient_by_ml_kem_is_refused_by_name() {
    let bob = Bob::new(KeyKind::P256);
    // KEMRecipientInfo, RFC 9629 section 3, with a ciphertext of the right length and of others.
    for length in [0, 1, 1087, 1088, 1089] {
        let kem = Oid::new_unwrap("2.16.840.1.101.3.4.4.2");
        let hkdf = Oid::new_unwrap("1.2.840.113549.1.9.16.3.28");
        let value = der::sequence(&[
            der::integer(0),
            CertificateId::key_identifier(bob.identity.certificate()).to_der(),
            der::sequence(&[der::oid(&kem)]),
            der::octets(&vec![1; length]),
            der::sequence(&[der::oid(&hkdf)]),
            der::integer(32),
            der::sequence(&[der::oid(&oid::AES256_WRAP)]),
            der::octets(&[2; 40]),
        ]);
        let other =
            der::constructed(Tag::context(4), &[der::oid(&Oid::new_unwrap("1.2.840.113549.1.9.16.13.3")), value]);
        let alone = Envelope::cbc(std::slice::from_ref(&other), &key(), IV, ENTITY);
        let reason = cannot_decrypt(open(&alone.mail(), &bob.ring));
        assert_eq!((reason.code, bob.key.asked()), ("not_encrypted_to_us", 0));
        assert!(reason.text.contains("another kind of recipient, kem-recipient"), "{reason}");
        // It keeps nobody else from reading.
        let beside = Envelope::cbc(&[other, bob.entry()], &key(), IV, ENTITY);
        assert_eq!(open(&beside.mail(), &bob.ring).unwrap(), ENTITY);
        bob.key.asked();
    }
}

// ---- SEC-79: hidden ciphertexts

/// Bodies between which an encrypted entity hides, each with the paths at which two of them lie.
fn hiding_places(one: &[u8], two: &[u8]) -> Vec<(&'static str, Vec<u8>, [&'static str; 2])> {
    let text = b"Content-Type: text/html\r\n\r\n<style>.x{display:none}</style>What's up?\r\n";
    let multipart = |subtype: &str, parts: &[&[u8]]| {
        let mut out = format!("Content-Type: multipart/{subtype}; boundary={subtype}\r\n\r\n").into_bytes();
        for part in parts {
            out.extend_from_slice(format!("--{subtype}\r\n").as_bytes());
            out.extend_from_slice(part);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{subtype}--\r\n").as_bytes());
        out
    };
    let forwarded = |inside: &[u8]| [b"Content-Type: message/rfc822\r\n\r\n", mail(inside).as_slice()].concat();
    let far = [b"Content-Type: text/plain\r\n\r\n".to_vec(), b"\r\n".repeat(500)].concat();
    vec![
        ("mixed", multipart("mixed", &[text, one, two]), ["2", "3"]),
        ("alternative", multipart("alternative", &[text, one, two]), ["2", "3"]),
        ("related", multipart("related", &[one, text, two]), ["1", "3"]),
        ("below a thousand line ends", multipart("mixed", &[&far, one, two]), ["2", "3"]),
        ("forwarded", multipart("mixed", &[text, &forwarded(one), &forwarded(two)]), ["2.1", "3.1"]),
        ("nested", multipart("mixed", &[text, &multipart("related", &[one, two])]), ["2.1", "2.2"]),
    ]
}

#[test]
fn sec_079_hidden_ciphertexts_are_listed_and_none_is_opened() {
    let bob = Bob::new(KeyKind::P256);
    let (policy, trust) = (Policy::default(), Trust::default());
    let one = bob.cbc(b"Content-Type: text/plain\r\n\r\nthe first canary\r\n");
    let two = Envelope::gcm(&[bob.entry()], &key(), None, b"Content-Type: text/plain\r\n\r\nthe second canary\r\n");
    let parts = [entity("enveloped-data", &one.der()), entity("authEnveloped-data", &two.der())];
    for (what, body, paths) in hiding_places(&parts[0], &parts[1]) {
        let outside = mail(&body);
        // The same inside an encryption of its own, whose layer is opened and nothing beyond it.
        let around = bob.cbc(&body).mail();
        for (raw, layers) in [(&outside, 0), (&around, 1)] {
            let opener = Opener::new(&trust, &policy).with_keys(&bob.ring);
            let opened = opener.open(raw, now()).unwrap();
            assert_eq!(bob.key.asked(), layers, "{what}");
            let listed = &opened.report().layers[layers..];
            let found: Vec<_> = listed.iter().map(|l| (l.path.as_str(), l.reasons[0].code)).collect();
            assert_eq!(found, paths.map(|path| (path, "encrypted_part_not_root")), "{what}");
            for layer in listed {
                let LayerKind::Encrypted(layer) = &layer.kind else { panic!("{layer:?}") };
                assert_eq!((layer.recipients, &layer.opened_with), (1, &None));
            }
            let said = format!("{:?}{}", opened.report(), opened.report());
            let trusted = opened.require(Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap();
            let content = trusted.message().unwrap();
            assert_eq!(content, if layers == 0 { outside.as_slice() } else { body.as_slice() }, "{what}");
            assert!(!said.contains("canary") && !String::from_utf8_lossy(&content).contains("canary"), "{what}");
            // By name comes out one, by itself.
            for (path, word) in paths.into_iter().zip(["first", "second"]) {
                let opened = opener.part(path).open(raw, now()).unwrap();
                let trusted = opened.require(Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap();
                let expected = format!("Content-Type: text/plain\r\n\r\nthe {word} canary\r\n");
                assert_eq!(String::from_utf8(trusted.message().unwrap()).unwrap(), expected, "{what}");
                assert_eq!(bob.key.asked(), layers + 1, "{what}");
            }
        }
    }
}
