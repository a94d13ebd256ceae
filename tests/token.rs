//! Keys on a token: SoftHSM2 keeps them, and they sign and decrypt through the library and the program, held against our own
//! reader and against openssl. Without SoftHSM2 the tests say that they are skipped; `SMIME_REQUIRE_PEERS=1` makes that a
//! failure.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::desk::{AT, Desk, MAIL};
use common::people::{Authority, now};
use common::soft_token::{Kind, PIN, SoftToken, TOKEN, uri};
use cryptoki::error::{Error as Answer, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeInfo, AttributeType};
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme};
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::{KeyKind, PublicKey};
use smime::keys::opening::{OpeningKey, Unwrapped, WrappedKey};
use smime::keys::pkcs11::{Error, Module, Token, TokenKey, Tries, Uri, UriError};
use smime::keys::signing::{KeyError, SigningKey};
use smime::store::pem;
use smime::{
    Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Secret,
    Signer,
};
use std::process::Command;
use std::sync::Arc;

const BOTH: [(Kind, &str, u8); 2] = [(Kind::Rsa2048, "alice", 1), (Kind::P256, "bob", 2)];

/// A mail from one to another.
fn mail(from: &str, to: &str) -> Vec<u8> {
    MAIL.replace("bob@", "@").replace("alice@", &format!("{from}@")).replace(" @", &format!(" {to}@")).into_bytes()
}

/// The keys of the token, by label.
fn key(token: &Token, label: &str) -> Arc<TokenKey> {
    let objects = token.objects(&Limits::default()).unwrap();
    objects.keys.iter().find(|key| key.label() == label).unwrap().clone()
}

/// What encrypts to an RSA key in every way that it is read.
fn transports() -> Vec<KeyTransport> {
    let mut all = vec![KeyTransport::RsaPkcs1];
    all.extend([DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512].map(KeyTransport::oaep));
    let (hash, mgf_hash) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha1);
    all.push(KeyTransport::RsaOaep { hash, mgf_hash, label: b"label".to_vec() });
    all
}

fn unwrap(key: &TokenKey, transport: &KeyTransport, bytes: &[u8], length: usize) -> Unwrapped {
    key.unwrap(&WrappedKey::Transported { transport, bytes, length })
}

#[test]
fn mail_is_signed_and_opened_through_the_library() {
    let Some(soft) = SoftToken::alone("mail_is_signed_and_opened_through_the_library") else { return };
    let ca = Authority::root("Token CA");
    let people: Vec<Identity> = BOTH.map(|(kind, label, id)| soft.person(&ca, kind, label, id)).into();
    let trust = ca.trust();
    let directory = Certificates(people.iter().map(|one| one.certificate().clone()).collect());
    for (from, to) in [(0, 1), (1, 0)] {
        let raw = mail(BOTH[from].1, BOTH[to].1);
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            let mut policy = Policy::default();
            policy.content_cipher = cipher;
            let signed = Signer::new(&people[from], &policy).unwrap();
            let signed = signed.sign(&Message::parse(&raw).unwrap(), now()).unwrap();
            let address = format!("{}@example.com", BOTH[to].1).parse().unwrap();
            let plan = RecipientPlan::resolve(&[address], &directory, &policy, Some(&trust), now());
            let sealed = Encryptor::new(&plan.all().unwrap(), &policy).copy_to(&people[from], now()).unwrap();
            let sealed = sealed.encrypt(&Message::parse(&signed).unwrap()).unwrap();
            for opens in [from, to] {
                let ring = Keyring::new(vec![people[opens].clone()]);
                let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&sealed, now()).unwrap();
                let trusted =
                    opened.require(Requirement::SignedBySender).unwrap_or_else(|e| panic!("{:?}", e.reasons()));
                assert_eq!(trusted.sender().unwrap().to_string(), format!("{}@example.com", BOTH[from].1));
            }
        }
    }
}

#[test]
fn every_scheme_and_every_way_to_wrap_a_key() {
    let Some(soft) = SoftToken::alone("every_scheme_and_every_way_to_wrap_a_key") else { return };
    for (kind, label, id) in BOTH {
        soft.make_key(kind, label, id, &[]);
    }
    soft.make_key(Kind::P384, "P-384", 3, &[]);
    soft.make_key(Kind::P521, "P-521", 4, &[]);
    let desk = Desk::plain();
    let private = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
    desk.write("rsa.key", pem::write("PRIVATE KEY", private.to_pkcs8().unwrap().expose()).as_bytes());
    soft.import_key(&desk.path("rsa.key"), "imported", "05");
    let token = soft.open();
    let mut schemes = Vec::new();
    for label in ["alice", "imported", "bob", "P-384", "P-521"] {
        let key = key(&token, label);
        assert!(key.signs() && key.opens(), "{key:?}");
        for scheme in key.schemes() {
            // Often enough that r, s and blocks with leading zeros come up.
            for n in 0..40u8 {
                let signature = key.sign(&scheme, &[n]).unwrap();
                key.public().verify(&scheme, &[n], &signature).unwrap_or_else(|e| panic!("{label} {scheme}: {e}"));
                assert!(key.public().verify(&scheme, &[n, n], &signature).is_err());
            }
            schemes.push(scheme.name());
        }
        assert!(matches!(key.sign(&SignatureScheme::Ed25519, b""), Err(KeyError::Scheme { .. })));
    }
    for scheme in ["rsa-sha256", "rsa-sha1", "rsa-pss-sha256", "rsa-pss-sha512", "ecdsa-sha256", "ecdsa-sha512"] {
        assert!(schemes.iter().any(|done| done == scheme), "{scheme} is missing: {schemes:?}");
    }
    assert_eq!(SigningKey::public_key(&*key(&token, "imported")), private.public_key_spki());
    let alice = key(&token, "alice");
    for transport in transports() {
        for length in [16, 24, 32] {
            let bytes = alice.public().encrypt(&transport, &vec![9; length]).unwrap();
            let opened = unwrap(&alice, &transport, &bytes, length);
            assert!(matches!(&opened, Unwrapped::Here(key) if key.expose() == vec![9; length]), "{}", transport.name());
        }
    }
    for (label, kind) in [("bob", KeyKind::P256), ("P-384", KeyKind::P384), ("P-521", KeyKind::P521)] {
        let key = key(&token, label);
        let ours = key.public().key_agreement_bytes().unwrap();
        for _ in 0..20 {
            let other = PrivateKey::generate(kind, 0).unwrap();
            let peer = other.public_key(&Limits::default()).unwrap().key_agreement_bytes().unwrap();
            let agreed = other.agree(&ours).unwrap();
            let found = key.unwrap(&WrappedKey::Agreed { peer: &peer });
            assert!(matches!(found, Unwrapped::Here(found) if found == agreed), "{label}");
        }
        // SEC-74: no point of the curve, and no point at all.
        let mut wrong = ours.clone();
        wrong[9] ^= 1;
        for peer in [wrong.as_slice(), &ours[..33], &[]] {
            assert!(matches!(key.unwrap(&WrappedKey::Agreed { peer }), Unwrapped::Broken), "{label}");
        }
        assert!(matches!(unwrap(&key, &KeyTransport::RsaPkcs1, &[0; 256], 32), Unwrapped::NotMine));
    }
    assert!(matches!(alice.unwrap(&WrappedKey::Agreed { peer: &[4; 65] }), Unwrapped::NotMine));
}

#[test]
fn sec_070_a_broken_ciphertext_gives_another_key() {
    let Some(soft) = SoftToken::alone("sec_070_a_broken_ciphertext_gives_another_key") else { return };
    soft.make_key(Kind::Rsa2048, "decrypts", 1, &[]);
    soft.make_key(Kind::Rsa2048, "unwraps", 2, &[Attribute::Decrypt(false)]);
    // The token itself judges the padding, since it does not give the block.
    let padded = vec![MechanismType::RSA_PKCS, MechanismType::RSA_PKCS_OAEP];
    let session = soft.session();
    let handle = soft.make_key(Kind::Rsa2048, "padded", 3, &[Attribute::AllowedMechanisms(padded)]);
    let refused = session.decrypt(&Mechanism::RsaX509, handle, &[1; 256]);
    assert!(matches!(refused, Err(Answer::Pkcs11(RvError::MechanismInvalid, _))), "{refused:?}");
    let token = soft.open();
    for label in ["decrypts", "unwraps", "padded"] {
        let key = key(&token, label);
        assert!(key.opens());
        let good = key.public().encrypt(&KeyTransport::RsaPkcs1, &[9; 32]).unwrap();
        let open = |bytes: &[u8], length| match unwrap(&key, &KeyTransport::RsaPkcs1, bytes, length) {
            Unwrapped::Here(key) => key,
            other => panic!("{label}: {other:?}"),
        };
        assert_eq!(open(&good, 32).expose(), [9; 32], "{label}");
        let mut bad = good.clone();
        bad[0] = 0;
        bad[255] ^= 1;
        let made_up = open(&bad, 32);
        assert_eq!((made_up.len(), &made_up), (32, &open(&bad, 32)), "{label}: the same each time");
        let wrong_length = open(&good, 16);
        assert!(wrong_length.len() == 16 && wrong_length.expose() != [9; 16], "{label}");
        for length in [0, 255, 257] {
            let found = unwrap(&key, &KeyTransport::RsaPkcs1, &vec![0; length], 32);
            assert!(matches!(found, Unwrapped::Broken), "{label}");
        }
        let oaep = KeyTransport::oaep(DigestAlgorithm::Sha1);
        let sealed = key.public().encrypt(&oaep, &[7; 32]).unwrap();
        assert!(matches!(unwrap(&key, &oaep, &sealed, 32), Unwrapped::Here(key) if key.expose() == [7; 32]), "{label}");
        assert!(matches!(unwrap(&key, &oaep, &good, 32), Unwrapped::Broken), "{label}");
        assert!(matches!(unwrap(&key, &oaep, &sealed, 31), Unwrapped::Broken), "{label}");
        // It still does what it did.
        assert_eq!(open(&good, 32).expose(), [9; 32], "{label}");
    }
}

#[test]
fn the_key_never_leaves() {
    let Some(soft) = SoftToken::alone("the_key_never_leaves") else { return };
    let ca = Authority::root("Token CA");
    let session = soft.session();
    for (kind, label, id) in BOTH {
        let handle = soft.make_key(kind, label, id, &[]);
        let secret = if kind == Kind::Rsa2048 { AttributeType::PrivateExponent } else { AttributeType::Value };
        let info = session.get_attribute_info(handle, &[secret, AttributeType::Extractable]).unwrap();
        assert!(matches!(info[0], AttributeInfo::Sensitive), "{label}: {info:?}");
        let extractable = session.get_attributes(handle, &[AttributeType::Extractable]).unwrap();
        assert_eq!(extractable, [Attribute::Extractable(false)]);
        let identity = soft.certify(&ca, label, id);
        assert!(!format!("{identity:?}").contains(PIN) && !format!("{:?}", key(&soft.open(), label)).contains(PIN));
    }
    let desk = Desk::plain();
    desk.write("pin", PIN.as_bytes());
    let alice = format!("--identity {TOKEN};object=alice --module {} --password-file pin", soft.path().display());
    desk.write("new", b"new password\n");
    let said = desk.expect(1, &format!("export {alice} --new-password-file new -o alice.p12"));
    assert!(said.contains("its private key cannot be taken out"), "{said}");
    desk.expect(0, &format!("export {alice} --pem -o exported.pem"));
    assert!(!String::from_utf8(desk.read("exported.pem")).unwrap().contains("PRIVATE"));
}

#[test]
fn mail_is_signed_and_opened_through_the_program() {
    let Some(soft) = SoftToken::alone("mail_is_signed_and_opened_through_the_program") else { return };
    let desk = Desk::plain();
    desk.write("pin", format!("{PIN}\n").as_bytes());
    let module = soft.path().display().to_string();
    for (kind, label, id) in BOTH {
        let identity = soft.person(&desk.ca, kind, label, id);
        desk.write(&format!("{label}.pem"), pem::write("CERTIFICATE", identity.certificate().der()).as_bytes());
        let me = format!("--identity {TOKEN};object={label} --module {module} --password-file pin");
        desk.write("mail.eml", &mail(label, "carol"));
        for more in ["", "--opaque", "--digest sha512"] {
            desk.expect(0, &format!("sign {me} --at {AT} {more} --force -o signed.eml mail.eml"));
            desk.expect(0, &format!("verify --trust ca.pem --at {AT} signed.eml"));
            openssl(&desk, "cms -verify -in signed.eml -CAfile ca.pem -purpose any -no_check_time -out out");
        }
        desk.expect(
            0,
            &format!(
                "encrypt --to carol@example.com --certs carol.pem {me} --at {AT} --force -o sealed.eml signed.eml"
            ),
        );
        let said = desk.expect(
            0,
            &format!("open {me} --trust ca.pem --at {AT} --require signed-by-sender --force -o out sealed.eml"),
        );
        assert!(said.contains(label), "{said}");
        assert!(String::from_utf8(desk.read("out")).unwrap().contains("hello"));
        desk.expect(0, &format!("verify {me} --trust ca.pem --at {AT} sealed.eml"));
        let ways: &[&str] = match kind {
            Kind::Rsa2048 => {
                &["", "-keyopt rsa_padding_mode:oaep", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256"]
            }
            _ => &["", "-keyopt ecdh_kdf_md:sha384"],
        };
        for way in ways {
            openssl(&desk, &format!("cms -encrypt -in signed.eml -out theirs.eml -aes256 -recip {label}.pem {way}"));
            desk.expect(0, &format!("open {me} --trust ca.pem --at {AT} --require trusted --force -o out theirs.eml"));
        }
        // A certificate in a file, its key on the token.
        let apart =
            format!("--identity {label}.pem --key {TOKEN};object={label} --module {module} --password-file pin");
        desk.expect(0, &format!("sign {apart} --at {AT} --force -o signed.eml mail.eml"));
        let wrong = apart.replacen(&format!("{label}.pem"), "carol.pem", 1);
        let said = desk.expect(1, &format!("sign {wrong} --at {AT} --force -o signed.eml mail.eml"));
        assert!(said.contains("for none of the certificates"), "{said}");
        // A policy that wants cards takes tokens, and no files.
        desk.write("card.txt", b"OWAOnlyUseSmartCard : True\n");
        desk.expect(0, &format!("sign --policy card.txt {me} --at {AT} --force -o signed.eml mail.eml"));
        desk.expect(0, &format!("sign --policy card.txt {apart} --at {AT} --force -o signed.eml mail.eml"));
    }
    // Two keys: one of them signs, both may open.
    let all = format!("--identity {TOKEN} --module {module} --password-file pin");
    let said = desk.expect(1, &format!("sign {all} --at {AT} -o none.eml mail.eml"));
    assert!(said.contains("token list"), "{said}");
    desk.expect(0, &format!("open {all} --trust ca.pem --at {AT} --force -o out sealed.eml"));
}

#[test]
fn tokens_are_listed() {
    let Some(soft) = SoftToken::alone("tokens_are_listed") else { return };
    let desk = Desk::plain();
    desk.write("pin", PIN.as_bytes());
    soft.person(&desk.ca, Kind::P256, "alice", 1);
    soft.make_key(Kind::P256, "bare", 2, &[Attribute::Derive(false)]);
    soft.store_certificate(&desk.ca.certificate, "ca", 9);
    SoftToken::initialise("other \u{1b}[31m");
    let module = soft.path().display().to_string();
    let json = |line: &str| -> serde_json::Value {
        let output = desk.run(&format!("token list --json --module {module} {line}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let found = json("");
    assert_eq!((found["version"].as_u64(), found["module"].as_str()), (Some(1), Some(module.as_str())));
    assert_eq!(found["tokens"].as_array().unwrap().len(), 2);
    let mail = json(TOKEN)["tokens"][0].clone();
    assert_eq!((mail["label"].as_str(), mail["pin"].as_str()), (Some("mail"), Some("needed")));
    assert_eq!(mail["keys"].as_array().unwrap().len(), 0, "keys show with the PIN only");
    assert_eq!(mail["other_certificates"].as_array().unwrap().len(), 2);
    let mail = json(&format!("{TOKEN} --password-file pin"))["tokens"][0].clone();
    let keys = mail["keys"].as_array().unwrap();
    let of = |label: &str| keys.iter().find(|key| key["label"] == label).unwrap();
    assert_eq!((&of("alice")["key"], &of("alice")["decrypts"]), (&"P-256".into(), &true.into()));
    assert_eq!(of("alice")["certificates"][0]["emails"][0], "alice@example.com");
    assert_eq!((&of("bare")["decrypts"], of("bare")["certificates"].as_array().unwrap().len()), (&false.into(), 0));
    assert_eq!(mail["other_certificates"].as_array().unwrap().len(), 1);
    // What is listed names the key.
    let listed: Uri = of("alice")["uri"].as_str().unwrap().parse().unwrap();
    let found = soft.open().identities(&listed, &[], &Limits::default()).unwrap();
    assert_eq!(found[0].certificate().subject().to_string(), "CN=alice");
    let words = desk.run(&format!("token list --module {module}"));
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("Token mail") && !words.contains('\u{1b}'), "{words}");
    desk.expect(2, &format!("token list --module {module} --password-file pin"));
}

#[test]
fn what_is_wrong_has_its_name() {
    let Some(soft) = SoftToken::alone("what_is_wrong_has_its_name") else { return };
    let ca = Authority::root("Token CA");
    let module = soft.module();
    let limits = Limits::default();
    // While nobody is logged in.
    let wrong = Token::open(&module, &uri(TOKEN), Some(&Secret::from("9999"))).unwrap_err();
    assert!(matches!(&wrong, Error::PinWrong { token, left: Tries::Few } if token == "mail"), "{wrong:?}");
    assert!(!wrong.to_string().contains("9999"));
    let locked = Token::open(&module, &uri(TOKEN), None).unwrap();
    assert!(matches!(locked.identities(&uri(TOKEN), &[], &limits), Err(Error::PinNeeded { .. })));
    soft.person(&ca, Kind::P256, "alice", 1);
    soft.make_key(Kind::P256, "bare", 2, &[]);
    soft.make_key(Kind::P256, "idle", 3, &[Attribute::Sign(false), Attribute::Derive(false)]);
    let token = soft.open();
    let of = |text: &str| token.identities(&uri(text), &[], &limits).unwrap_err();
    assert!(matches!(of("pkcs11:object=eve"), Error::KeyNotFound { present, .. } if present.len() == 3));
    assert!(matches!(of("pkcs11:object=bare"), Error::KeyWithoutCertificate { key } if key == "bare"));
    let absent = Token::open(&module, &uri("pkcs11:token=none"), None).unwrap_err();
    assert!(matches!(&absent, Error::TokenNotFound { present, .. } if present == &["mail"]), "{absent}");
    let missing = Module::load("/nowhere/module.so".as_ref()).unwrap_err();
    assert!(matches!(missing, Error::ModuleMissing { .. }), "{missing}");
    let idle = key(&token, "idle");
    assert!(!idle.signs() && !idle.opens());
    let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
    assert!(matches!(idle.sign(&scheme, b""), Err(KeyError::Scheme { offered, .. }) if offered.is_empty()));
    assert!(matches!(idle.unwrap(&WrappedKey::Agreed { peer: &[] }), Unwrapped::NotMine));
    assert_eq!("pkcs11:token=a?pin-value=1".parse::<Uri>(), Err(UriError::PinValue));

    let desk = Desk::plain();
    desk.write("pin", PIN.as_bytes());
    desk.write("wrong", b"9999");
    let path = soft.path().display().to_string();
    let sign = |code, options: &str| desk.expect(code, &format!("sign {options} --at {AT} -o out.eml mail.eml"));
    let me = format!("--identity {TOKEN};object=alice");
    assert!(sign(2, &format!("{me} --password-file pin")).contains("--module"));
    assert!(sign(1, &format!("{me} --module /nowhere/m.so --password-file pin")).contains("/nowhere/m.so"));
    assert!(sign(1, &format!("{me} --module {path} --password-file wrong")).contains("wrong"));
    assert!(sign(1, &format!("{me} --module {path}")).contains("needs its PIN"));
    let said = sign(1, &format!("--identity pkcs11:token=none --module {path} --password-file pin"));
    assert!(said.contains("\"mail\""), "{said}");
    assert!(
        sign(1, &format!("--identity {TOKEN};object=eve --module {path} --password-file pin")).contains("\"bare\"")
    );
    assert!(sign(2, &format!("{me}?pin-value={PIN} --module {path}")).contains("does not belong into a URI"));
    assert!(sign(2, &format!("--identity pkcs11:tokne=mail --module {path}")).contains("tokne"));
    // The URI may say it all.
    sign(0, &format!("{me}?module-path={path}&pin-source={}", desk.path("pin").display()));
}

#[test]
fn a_refused_pin_is_not_shown_again() {
    let Some(soft) = SoftToken::alone("a_refused_pin_is_not_shown_again") else { return };
    soft.make_key(Kind::P256, "alice", 1, &[]);
    let token = soft.open();
    let alice = key(&token, "alice");
    let scheme = alice.schemes()[0];
    alice.sign(&scheme, b"before").unwrap();
    let session = soft.session();
    session.set_pin(&PIN.into(), &"123456".into()).unwrap();
    session.logout().unwrap();
    let wrong = |left: &str| {
        let error = alice.sign(&scheme, b"after").unwrap_err().to_string();
        assert!(error.contains("is wrong") && error.contains(left), "{error}");
    };
    wrong("few tries are left");
    // Another right login takes the mark of the wrong one away, and no new one is made.
    session.login(cryptoki::session::UserType::User, Some(&"123456".into())).unwrap();
    session.logout().unwrap();
    wrong("few tries are left");
    let tries = soft.module().token(&uri(TOKEN)).unwrap().tries;
    assert_eq!(tries, Tries::Unknown, "the PIN was shown once more");
}

#[test]
fn sessions_that_are_lost_are_opened_again() {
    let Some(soft) = SoftToken::alone("sessions_that_are_lost_are_opened_again") else { return };
    soft.make_key(Kind::Rsa2048, "alice", 1, &[]);
    let token = soft.open();
    let alice = key(&token, "alice");
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    let sealed = alice.public().encrypt(&KeyTransport::RsaPkcs1, &[9; 32]).unwrap();
    let works = |when: &str| {
        let signature = alice.sign(&scheme, b"message").unwrap_or_else(|e| panic!("{when}: {e}"));
        alice.public().verify(&scheme, b"message", &signature).unwrap();
        let opened = unwrap(&alice, &KeyTransport::RsaPkcs1, &sealed, 32);
        assert!(matches!(opened, Unwrapped::Here(key) if key.expose() == [9; 32]), "{when}");
    };
    works("at first");
    soft.session().logout().unwrap();
    works("after a logout");
    soft.end();
    works("after the module was ended");
    soft.end();
    assert_eq!(token.objects(&Limits::default()).unwrap().keys.len(), 1);
}

#[test]
fn sec_152_a_key_that_is_gone_signs_nothing() {
    let Some(soft) = SoftToken::alone("sec_152_a_key_that_is_gone_signs_nothing") else { return };
    let ca = Authority::root("Token CA");
    let session = soft.session();
    let handle = soft.make_key(Kind::P256, "alice", 1, &[]);
    let alice = soft.certify(&ca, "alice", 1);
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap();
    let raw = mail("alice", "bob");
    let message = Message::parse(&raw).unwrap();
    signer.sign(&message, now()).unwrap();
    session.destroy_object(handle).unwrap();
    let mut out = Vec::new();
    let error = signer.sign_to(&message, now(), &mut out).unwrap_err();
    assert!(out.is_empty() && error.to_string().contains("unavailable"), "{error}");
}

#[test]
fn several_threads_sign_and_open_at_once() {
    let Some(soft) = SoftToken::alone("several_threads_sign_and_open_at_once") else { return };
    for (kind, label, id) in BOTH {
        soft.make_key(kind, label, id, &[]);
    }
    let token = soft.open();
    let (alice, bob) = (key(&token, "alice"), key(&token, "bob"));
    let sealed = alice.public().encrypt(&KeyTransport::RsaPkcs1, &[9; 32]).unwrap();
    let other = PrivateKey::generate(KeyKind::P256, 0).unwrap();
    let peer = other.public_key(&Limits::default()).unwrap().key_agreement_bytes().unwrap();
    let agreed = other.agree(&bob.public().key_agreement_bytes().unwrap()).unwrap();
    let verified = |key: &TokenKey, scheme: &SignatureScheme, message: &[u8]| {
        let signature = key.sign(scheme, message).unwrap();
        PublicKey::verify(key.public(), scheme, message, &signature).unwrap();
    };
    std::thread::scope(|scope| {
        for n in 0..8u8 {
            let (alice, bob, sealed, peer, agreed, verified) = (&alice, &bob, &sealed, &peer, &agreed, &verified);
            scope.spawn(move || {
                for i in 0..25u8 {
                    verified(alice, &SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256), &[n, i]);
                    verified(bob, &SignatureScheme::Ecdsa(DigestAlgorithm::Sha256), &[n, i]);
                    let opened = unwrap(alice, &KeyTransport::RsaPkcs1, sealed, 32);
                    assert!(matches!(opened, Unwrapped::Here(key) if key.expose() == [9; 32]));
                    let found = bob.unwrap(&WrappedKey::Agreed { peer });
                    assert!(matches!(found, Unwrapped::Here(found) if found == *agreed));
                }
            });
        }
    });
}

#[test]
fn a_key_may_want_the_pin_for_each_signature() {
    let Some(soft) = SoftToken::alone("a_key_may_want_the_pin_for_each_signature") else { return };
    soft.make_key(Kind::Rsa2048, "careful", 1, &[Attribute::AlwaysAuthenticate(true)]);
    let token = soft.open();
    let careful = key(&token, "careful");
    let schemes = careful.schemes();
    assert!(schemes.contains(&SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)), "{schemes:?}");
    for scheme in schemes {
        for message in [b"one", b"two"] {
            let signature = careful.sign(&scheme, message).unwrap_or_else(|e| panic!("{scheme}: {e}"));
            careful.public().verify(&scheme, message, &signature).unwrap();
        }
    }
}

#[test]
fn a_key_whose_public_half_only_the_certificate_has_proves_it() {
    let Some(soft) = SoftToken::alone("a_key_whose_public_half_only_the_certificate_has_proves_it") else { return };
    let ca = Authority::root("Token CA");
    for (label, id, more) in [("signs", 1, Attribute::Derive(false)), ("agrees", 2, Attribute::Sign(false))] {
        soft.make_key(Kind::P256, label, id, &[more]);
        soft.certify(&ca, label, id);
    }
    // A certificate of somebody else's under the same identifier.
    soft.store_certificate(ca.person("mallory", "signs@example.com").certificate(), "signs", 1);
    let session = soft.session();
    for handle in session.find_objects(&[Attribute::Class(cryptoki::object::ObjectClass::PUBLIC_KEY)]).unwrap() {
        session.destroy_object(handle).unwrap();
    }
    let objects = soft.open().objects(&Limits::default()).unwrap();
    assert_eq!((objects.keys.len(), objects.certificates.len(), objects.identities.len()), (2, 3, 2));
    for identity in &objects.identities {
        let key = objects.key_of(identity).unwrap();
        assert_eq!(identity.certificate().subject().to_string(), format!("CN={}", key.label()));
    }
}

/// Runs openssl in the folder of the desk.
fn openssl(desk: &Desk, line: &str) {
    let mut command = Command::new("openssl");
    command.args(line.split_whitespace()).current_dir(desk.folder.path()).env("OPENSSL_CONF", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "openssl {line}\n{}", String::from_utf8_lossy(&output.stderr));
}
