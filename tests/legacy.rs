//! Old mail: ciphers, passwords and DSA signatures as OpenSSL still writes them. All of it is read and marked; none of it is
//! written.
//!
//! Without OpenSSL, or without its legacy ciphers, the tests say so and pass; the DSA certificates are those of its own suite
//! in the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test is a test

mod common;

use smime::base::reason::Reason;
use smime::cms::signer_info::Integrity;
use smime::crypto::algorithm::{ContentCipher, KeyWrap};
use smime::crypto::content::CbcEncryptor;
use smime::crypto::random::SystemRandom;
use smime::crypto::wrap;
use smime::open::report::{LayerKind, Report, Strength, Trust as TrustAnswer};
use smime::policy::policy::Des;
use smime::store::import::{self, ImportOptions};
use smime::{Certificate, Keyring, Limits, Opener, Policy, Requirement, Secret, Time, Trust};
use std::path::{Path, PathBuf};
use std::process::Command;

const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nMail of the year 1998.\r\n";

fn now() -> Time {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// Runs OpenSSL in a folder; `None`, aloud, where it cannot.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<()> {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output();
    match output {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("unsupported") || said.contains("unable to load provider"), "{arguments:?}: {said}");
            eprintln!("skipped: openssl cannot {arguments:?}");
            None
        }
        Err(error) => {
            eprintln!("skipped: no openssl ({error})");
            None
        }
    }
}

fn bob() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-vectors/keys/bob-rsa.pem")
}

fn keys_of(path: &Path) -> Keyring {
    let import = import::read(&std::fs::read(path).unwrap(), None, &ImportOptions::default(), &Limits::default());
    Keyring::new(import.unwrap().identities.clone())
}

/// The content and what is reported, with these keys.
fn open(raw: &[u8], keys: &Keyring, policy: &Policy) -> (Report, Option<Vec<u8>>) {
    let trust = Trust::default();
    let opened = Opener::new(&trust, policy).with_keys(keys).open(raw, now()).unwrap();
    let report = opened.report().clone();
    (report, opened.require(Requirement::None).ok().and_then(|trusted| trusted.message().ok()))
}

fn encrypted(report: &Report) -> (&str, &[Reason]) {
    match &report.layers[0].kind {
        LayerKind::Encrypted(layer) => (&layer.cipher, &report.layers[0].reasons),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sec_078_ciphers_of_the_past_open_and_are_marked_and_des_only_on_request() {
    let desk = tempfile::tempdir().unwrap();
    std::fs::write(desk.path().join("entity"), ENTITY).unwrap();
    let (keys, bob) = (keys_of(&bob()), bob().display().to_string());
    for (option, cipher) in [
        ("-rc2-40", "rc2-40-cbc"),
        ("-rc2-64", "rc2-64-cbc"),
        ("-rc2-128", "rc2-128-cbc"),
        ("-des-ede3-cbc", "3des-cbc"),
        ("-des", "des-cbc"),
    ] {
        let providers = ["-provider", "default", "-provider", "legacy"];
        let arguments = ["cms", "-encrypt", "-binary", "-in", "entity", "-out", "sealed", option, &bob];
        let arguments: Vec<&str> = arguments[..2].iter().chain(&providers).chain(&arguments[2..]).copied().collect();
        if openssl(desk.path(), &arguments).is_none() {
            continue;
        }
        let raw = std::fs::read(desk.path().join("sealed")).unwrap();
        let mut policy = Policy::default();
        if cipher == "des-cbc" {
            let (report, content) = open(&raw, &keys, &policy);
            assert_eq!(encrypted(&report).0, "des-cbc");
            assert_eq!(content, None, "{report}");
            policy.des = Des::Read;
        }
        let (report, content) = open(&raw, &keys, &policy);
        let (found, reasons) = encrypted(&report);
        assert_eq!((found, content.as_deref()), (cipher, Some(ENTITY)), "{report}");
        assert!(reasons.iter().any(|reason| reason.code == "weak_cipher"), "{reasons:?}");
        // The key of another.
        let other = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-vectors/keys/alice-rsa.pem");
        assert_eq!(open(&raw, &keys_of(&other), &policy).1, None);
    }
}

#[test]
fn sec_077_a_password_opens_what_openssl_sealed_with_it() {
    let desk = tempfile::tempdir().unwrap();
    std::fs::write(desk.path().join("entity"), ENTITY).unwrap();
    for cipher in ["-aes-128-cbc", "-aes-192-cbc", "-aes-256-cbc", "-des-ede3-cbc"] {
        let arguments = ["-binary", "-in", "entity", "-out", "sealed", cipher, "-pwri_password", "correct horse"];
        let arguments: Vec<&str> = ["cms", "-encrypt"].iter().chain(&arguments).copied().collect();
        if openssl(desk.path(), &arguments).is_none() {
            continue;
        }
        let raw = std::fs::read(desk.path().join("sealed")).unwrap();
        let with = |password: &str| {
            let mut keys = Keyring::default();
            keys.add_password(Secret::from(password));
            open(&raw, &keys, &Policy::default()).1
        };
        assert_eq!(with("correct horse").as_deref(), Some(ENTITY), "{cipher}");
        assert_eq!(with("battery staple"), None);
        assert_eq!(with(""), None);
    }
}

#[test]
fn dsa_signatures_by_openssl_are_intact_and_weak() {
    let Some(corpus) = common::corpus() else { return };
    let folder = corpus.join("openssl/smime-certs");
    let trust = Trust::new(common::certificates(&folder.join("smroot.pem")));
    let desk = tempfile::tempdir().unwrap();
    std::fs::write(desk.path().join("entity"), ENTITY).unwrap();
    for signer in ["smdsa1.pem", "smdsa2.pem", "smdsa3.pem", "smdsap.pem"] {
        for digest in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
            let pem = folder.join(signer).display().to_string();
            let inputs = ["-nodetach", "-binary", "-in", "entity", "-out", "signed", "-md", digest, "-signer", &pem];
            let arguments: Vec<&str> = ["cms", "-sign"].iter().chain(&inputs).copied().collect();
            if openssl(desk.path(), &arguments).is_none() {
                continue;
            }
            let raw = std::fs::read(desk.path().join("signed")).unwrap();
            let policy = Policy::default();
            let opened = Opener::new(&trust, &policy).open(&raw, now()).unwrap();
            let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!("{}", opened.report()) };
            let signature = &layer.signatures[0];
            assert_eq!(signature.integrity, Integrity::Intact, "{signer} {digest}: {:?}", signature.reasons);
            assert_eq!(signature.scheme.as_deref(), Some(format!("dsa-{digest}").as_str()));
            assert_eq!(signature.strength, Strength::Weak);
            assert_eq!(signature.trust, TrustAnswer::Anchored, "{:?}", signature.reasons);
            let weak = |reason: &Reason| reason.code == "weak_key" && reason.text.contains("FIPS 186-5");
            assert!(signature.reasons.iter().any(weak), "{:?}", signature.reasons);
        }
    }
}

/// RFC 4134: Diane's certificate says no parameters, Carl's has them.
#[test]
fn a_key_of_rfc_4134_inherits_its_parameters_from_its_issuer() {
    let Some(corpus) = common::corpus() else { return };
    let read = |name: &str| Certificate::from_der(&std::fs::read(corpus.join("rfc4134").join(name)).unwrap()).unwrap();
    let (carl, diane, alice) =
        (read("CarlDSSSelf.cer"), read("DianeDSSSignByCarlInherit.cer"), read("AliceDSSSignByCarlNoInherit.cer"));
    let limits = Limits::default();
    assert!(diane.lacks_parameters() && !alice.lacks_parameters());
    assert!(diane.public_key(&limits).is_err());
    let key = diane.below(&carl.public_key(&limits).unwrap()).unwrap().public_key(&limits).unwrap();
    assert_eq!(key.describe(), "DSA-1024");
    let (trust, policy) = (Trust::new([carl]), Policy::default());
    let raw = std::fs::read(corpus.join("rfc4134/4.6.bin")).unwrap();
    let opened = Opener::new(&trust, &policy).open(&raw, now()).unwrap();
    let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!("{}", opened.report()) };
    for signature in &layer.signatures {
        assert_eq!(signature.integrity, Integrity::Intact, "{:?}", signature.reasons);
        assert_eq!(signature.trust, TrustAnswer::Anchored, "{:?}", signature.reasons);
    }
    assert_eq!(layer.signatures.len(), 2);
    // Without the issuer there is no key to check with, and nothing is good.
    let opened = Opener::new(&Trust::default(), &policy).open(&raw, now()).unwrap().report().clone();
    let LayerKind::Signed(layer) = &opened.layers[0].kind else { panic!("{opened}") };
    let unchecked = layer.signatures.iter().filter(|one| one.integrity == Integrity::Unchecked);
    assert!(layer.signatures.iter().all(|one| one.trust != TrustAnswer::Anchored));
    eprintln!("{} of 2 could not be checked without the issuer", unchecked.count());
}

#[test]
fn sec_078_nothing_of_the_past_is_written() {
    for cipher in ContentCipher::ALL.into_iter().filter(|cipher| cipher.legacy().is_some()) {
        let made = CbcEncryptor::new(cipher, &vec![1; cipher.key_length()], &[1; 8]);
        let refused = made.err().map(|error| error.to_string());
        // 3DES is what the key wrap of RFC 3217 is made of; composing refuses it by its weakness.
        let expected = format!("encryption with {cipher}, which is read and never written, is not supported");
        assert_eq!(refused, (cipher != ContentCipher::TripleDesCbc).then_some(expected));
    }
    let kek = Secret::new(vec![1; 16]);
    assert!(wrap::wrap(KeyWrap::Rc2, &mut SystemRandom, &kek, &kek).is_err());
}

#[cfg(feature = "cli")]
#[test]
fn sec_078_the_program_takes_no_cipher_of_the_past() {
    for cipher in ["3des-cbc", "rc2-40-cbc", "rc2-128-cbc", "des-cbc", "rc4"] {
        let output = Command::new(env!("CARGO_BIN_EXE_smime"))
            .args(["encrypt", "--to", "bob@example.com", "--certs", ".", "--content", cipher])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("too weak") || said.contains("aes256-gcm"), "{said}");
    }
}
