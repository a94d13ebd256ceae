//! The program as a user runs it: the main job, each exit code, and no output where there should be none.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::desk::{AT, Desk};
use common::lists::List;
use common::people::years;
use smime::cert::extension::KeyUsage;
use std::path::Path;

#[test]
fn the_main_job_goes_from_end_to_end() {
    let desk = Desk::new();
    desk.expect(0, &format!("sign @alice --at {AT} -o signed.eml mail.eml"));
    desk.expect(0, &format!("verify --trust ca.pem --at {AT} signed.eml"));
    desk.expect(
        0,
        &format!("encrypt --to bob@example.com --certs bob.pem --trust ca.pem --at {AT} -o sealed.eml signed.eml"),
    );
    desk.expect(
        0,
        &format!(
            "open @bob --trust ca.pem --at {AT} --require signed-by-sender --report report.json -o content sealed.eml"
        ),
    );
    assert_eq!(desk.read("content"), b"Content-Type: text/plain\r\n\r\nhello\r\n");
    let report: serde_json::Value = serde_json::from_slice(&desk.read("report.json")).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["met"], true);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(desk.read("content"));
    assert_eq!(report["content_sha256"], common::hex(&digest));
    let inspected = desk.run("inspect signed.eml");
    let text = String::from_utf8(inspected.stdout).unwrap();
    assert!(text.contains("multipart/signed") && !text.to_lowercase().contains("valid "), "{text}");
    let held = String::from_utf8(desk.run("import --password-file password alice.p12").stdout).unwrap();
    assert!(held.contains("alice@example.com") && held.contains("signs mail"), "{held}");
}

#[test]
fn the_demo_runs_and_leaves_its_files() {
    let desk = Desk::new();
    desk.expect(0, "demo --dir demo");
    for name in [
        "ca.pem",
        "alice.p12",
        "bob.p12",
        "mail.eml",
        "signed.eml",
        "opaque.eml",
        "encrypted.eml",
        "signed-encrypted.eml",
    ] {
        assert!(desk.path("demo").join(name).is_file(), "{name}");
    }
    desk.expect(2, "demo --dir demo");
    desk.expect(0, "verify --trust demo/ca.pem demo/signed.eml");
    desk.expect(
        0,
        "open --identity demo/bob.p12 --password-file demo/password.txt --trust demo/ca.pem demo/signed-encrypted.eml",
    );
}

#[test]
fn exit_9_a_sender_who_is_not_in_the_certificate_writes_nothing() {
    let desk = Desk::new();
    let before = desk.names();
    let said = desk.expect(9, &format!("sign @bob --at {AT} -o out.eml mail.eml"));
    assert!(said.contains("alice@example.com") && said.contains("bob@example.com"), "{said}");
    let output = desk.run(&format!("sign @bob --at {AT} mail.eml"));
    assert!(output.stdout.is_empty());
    assert_eq!(desk.names(), before, "a file was left");
    desk.expect(0, &format!("sign @bob --at {AT} --allow-sender-mismatch -o out.eml mail.eml"));
    desk.expect(9, &format!("sign @alice --account other@example.com --at {AT} mail.eml"));
}

#[test]
fn each_profile_signs_in_its_form_or_says_why_not() {
    let desk = Desk::new();
    let text = |name: &str| String::from_utf8(desk.read(name)).unwrap();
    let sign = |code, options: &str| {
        desk.expect(code, &format!("sign --identity alice.pem --key alice.key --at {AT} {options} mail.eml"))
    };
    sign(0, "-o outlook.eml");
    assert!(text("outlook.eml").contains("\tmicalg=2.16.840.1.101.3.4.2.1;\r\n"));
    sign(0, "--profile rfc8551 -o rfc.eml");
    assert!(text("rfc.eml").contains("micalg=\"sha-256\""));
    sign(0, "--profile owa -o owa.eml");
    // OUT-31, OUT-58
    let before = desk.names();
    let said = sign(9, "--profile outlook-mobile --opaque -o out.eml");
    assert!(said.contains("clear-signed mail only") && said.contains("without --opaque"), "{said}");
    sign(9, "--profile outlook-mac -o out.eml");
    desk.expect(9, &format!("encrypt --to bob@example.com --certs bob.pem --profile outlook-mac --at {AT} mail.eml"));
    let said = sign(2, "--profile outlook-dos");
    assert!(said.contains("outlook-windows") && said.contains("owa"), "{said}");
    assert_eq!(desk.names(), before);
    // OUT-35
    sign(0, "--for-encryption -o inner.eml");
    assert!(text("inner.eml").contains("application/x-pkcs7-mime; name=smime.p7m; smime-type=signed-data\r\n"));
    desk.expect(0, &format!("encrypt --to bob@example.com --certs bob.pem --at {AT} -o sealed.eml inner.eml"));
    desk.expect(0, &format!("verify --identity bob.pem --key bob.key --trust ca.pem --at {AT} sealed.eml"));
    // OUT-53: another certificate to encrypt to goes along.
    sign(0, "--encryption-certificate carol.pem -o other.eml");
    assert!(desk.read("other.eml").len() > desk.read("outlook.eml").len());
    desk.write("two.pem", &[desk.read("alice.pem"), desk.read("bob.pem")].concat());
    let said = sign(2, "--encryption-certificate two.pem -o out.eml");
    assert!(said.contains("two.pem holds 2 certificates"), "{said}");
    // OUT-39, OUT-54: an elliptic key has no signature with SHA-1 to offer.
    sign(9, "--sha1 -o out.eml");
    sign(0, "--capabilities none -o short.eml");
    assert!(desk.read("short.eml").len() < desk.read("outlook.eml").len());
}

#[test]
fn exit_3_4_5_the_answers_of_verify() {
    let desk = Desk::new();
    desk.expect(0, &format!("sign @alice --at {AT} -o signed.eml mail.eml"));
    desk.expect(3, &format!("verify --trust ca.pem --at {AT} mail.eml"));
    desk.write(
        "altered.eml",
        &String::from_utf8(desk.read("signed.eml")).unwrap().replace("hello", "jello").into_bytes(),
    );
    desk.expect(4, &format!("verify --trust ca.pem --at {AT} altered.eml"));
    desk.expect(5, &format!("verify --at {AT} signed.eml"));
    desk.write(
        "other.eml",
        &String::from_utf8(desk.read("signed.eml")).unwrap().replacen("alice@", "eve@", 1).into_bytes(),
    );
    desk.expect(5, &format!("verify --trust ca.pem --at {AT} other.eml"));
    desk.expect(5, "verify --trust ca.pem --at 2040-01-01T00:00:00Z signed.eml");
    desk.expect(5, &format!("verify --trust ca.pem --at {AT} --revocation hard signed.eml"));
    let before = desk.names();
    let output = desk.run(&format!("open --trust ca.pem --at {AT} altered.eml"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(4), 0), "altered content came out");
    desk.expect(4, &format!("open --trust ca.pem --at {AT} -o out altered.eml"));
    assert_eq!(desk.names(), before);
    let words = String::from_utf8(desk.run(&format!("verify --trust ca.pem --at {AT} other.eml")).stdout).unwrap();
    assert!(
        words.starts_with("There is no proof that this message is from")
            && words.contains("certificate is for alice@example.com"),
        "{words}"
    );
}

#[test]
fn the_json_report_has_the_keys_it_promises() {
    let desk = Desk::new();
    desk.expect(0, &format!("sign @alice --at {AT} -o signed.eml mail.eml"));
    let output = desk.run(&format!("verify --json --trust ca.pem --at {AT} signed.eml"));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in ["version", "layers", "requirement", "met", "reasons", "content_sha256"] {
        assert!(report.get(key).is_some(), "{key}");
    }
    let layer = &report["layers"][0];
    for (key, value) in [("kind", "signed"), ("form", "clear"), ("path", "")] {
        assert_eq!(layer[key], value);
    }
    assert_eq!(layer["covers_whole_message"], true);
    let signature = &layer["signatures"][0];
    for (key, value) in [
        ("integrity", "intact"),
        ("trust", "anchored"),
        ("revocation", "unchecked"),
        ("strength", "strong"),
        ("address", "matches"),
    ] {
        assert_eq!(signature[key], value);
    }
    for key in ["subject", "emails", "issuer", "serial", "sha256"] {
        assert!(signature["signer"].get(key).is_some(), "{key}");
    }
    assert_eq!(signature["signed_at"]["claimed"], AT);
    assert_eq!(
        signature["addresses"][0],
        serde_json::json!({ "header": "From", "value": "alice@example.com", "answer": "matches" })
    );
    desk.expect(
        0,
        &format!("encrypt --to bob@example.com --certs bob.pem --at {AT} --content aes256-gcm -o sealed.eml mail.eml"),
    );
    let output = desk.run("verify --json sealed.eml");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layer = &report["layers"][0];
    assert_eq!(
        (&layer["kind"], &layer["cipher"], &layer["binding"]),
        (&"encrypted".into(), &"aes256-gcm".into(), &"authenticated".into())
    );
    assert_eq!((&layer["recipients"], &layer["opened_with"]), (&1.into(), &serde_json::Value::Null));
}

#[test]
fn exit_6_7_keys_and_certificates_that_are_not_there() {
    let desk = Desk::new();
    desk.expect(0, &format!("encrypt --to bob@example.com --certs bob.pem --at {AT} -o sealed.eml mail.eml"));
    let said = desk.expect(6, "open @carol sealed.eml");
    assert!(said.contains("serial"), "it names whom the message is for: {said}");
    desk.expect(6, "open sealed.eml");
    let before = desk.names();
    let said = desk.expect(
        7,
        &format!("encrypt --to bob@example.com --to dave@example.com --certs bob.pem --at {AT} -o out.eml mail.eml"),
    );
    assert!(said.contains("dave@example.com"), "{said}");
    assert_eq!(desk.names(), before);
    desk.expect(7, "encrypt --to bob@example.com --certs bob.pem --at 2040-01-01T00:00:00Z mail.eml");
    desk.expect(0, &format!("encrypt --to bob@example.com --to dave@example.com --skip-missing --certs bob.pem --at {AT} -o out.eml mail.eml"));
}

#[test]
fn exit_7_nobody_encrypts_to_what_was_revoked() {
    let desk = Desk::new();
    let bob = common::certificates(&desk.path("bob.pem")).remove(0);
    desk.write("revoked.crl", &List::of(&bob).signed(&desk.ca));
    let encrypt = format!("encrypt --certs bob.pem --certs carol.pem --at {AT} mail.eml");
    desk.expect(0, &format!("{encrypt} --to carol@example.com --trust ca.pem --crls revoked.crl --out carol.eml"));
    desk.expect(
        0,
        &format!("{encrypt} --to bob@example.com --trust ca.pem --crls revoked.crl --revocation off --out a.eml"),
    );
    let both = format!("{encrypt} --to carol@example.com --to bob@example.com --crls revoked.crl --out none.eml");
    let said = desk.expect(7, &format!("{both} --trust ca.pem"));
    assert!(said.contains("bob@example.com") && said.contains("revoked since"), "{said}");
    let said = desk.expect(2, &both);
    assert!(said.contains("--trust"), "{said}");
    assert!(!desk.names().contains(&"none.eml".to_owned()));
}

#[test]
fn exit_8_what_cannot_be_read() {
    let desk = Desk::new();
    desk.write("empty", b"");
    desk.expect(8, "verify empty");
    desk.expect(0, &format!("sign @alice --opaque --at {AT} -o opaque.eml mail.eml"));
    let opaque = desk.read("opaque.eml");
    desk.write("cut.eml", &opaque[..opaque.len() - 300]);
    desk.expect(8, &format!("verify --trust ca.pem --at {AT} cut.eml"));
    let header_end = opaque.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    desk.write("garbage.eml", &[&opaque[..header_end + 4], b"%%% no base64 %%%\r\n"].concat());
    desk.expect(8, &format!("verify --trust ca.pem --at {AT} garbage.eml"));
    desk.write("twice.eml", &[b"Content-Type: text/plain\r\n".as_slice(), &opaque].concat());
    desk.expect(8, "verify twice.eml");
    desk.write("header.eml", format!("X-Long: {}\r\n\r\n", "x".repeat(2 << 20)).as_bytes());
    desk.expect(8, "verify header.eml");
}

#[test]
fn keys_passwords_and_certificates_that_do_not_do() {
    let desk = Desk::new();
    let said = desk.expect(1, "sign --identity alice.p12 --password-file wrong mail.eml");
    assert!(said.contains("password"), "{said}");
    let said = desk.expect(1, "sign --identity alice.p12 mail.eml");
    assert!(said.contains("--password-file"), "{said}");
    desk.expect(1, "sign --identity alice.key mail.eml");
    desk.expect(1, "sign --identity alice.pem mail.eml");
    desk.expect(1, "sign --identity alice.pem --key bob.key mail.eml");
    desk.expect(0, &format!("sign --identity alice.pem --key alice.key --at {AT} -o signed.eml mail.eml"));
    desk.expect(1, "sign --identity mail.eml mail.eml");
    desk.expect(1, "sign --identity nowhere.p12 mail.eml");
    desk.expect(9, "sign @alice --at 2040-01-01T00:00:00Z mail.eml");
    desk.person("sealer", "alice@example.com", years(), KeyUsage::KEY_AGREEMENT);
    let said = desk.expect(9, &format!("sign --identity sealer.p12 --password-file password --at {AT} mail.eml"));
    assert!(said.contains("cannot sign"), "{said}");
    desk.expect(2, &format!("sign @alice --digest md5 --at {AT} mail.eml"));
    desk.expect(2, "encrypt --to bob@example.com --certs bob.pem --content rot13 mail.eml");
    desk.expect(2, "verify --require everything mail.eml");
    desk.expect(2, "sign --password-file password mail.eml");
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let desk = Desk::new();
    desk.write("there.eml", b"precious");
    let said = desk.expect(1, &format!("sign @alice --at {AT} -o there.eml mail.eml"));
    assert!(said.contains("--force"), "{said}");
    assert_eq!(desk.read("there.eml"), b"precious");
    desk.expect(0, &format!("sign @alice --at {AT} --force -o there.eml mail.eml"));
    assert_ne!(desk.read("there.eml"), b"precious");
    assert!(!desk.names().iter().any(|n| n.starts_with(".smime")), "{:?}", desk.names());
    assert!(Path::new(env!("CARGO_BIN_EXE_smime")).exists());
}

#[cfg(not(feature = "msg"))]
#[test]
fn without_its_feature_a_msg_file_is_named_as_what_it_is() {
    let desk = Desk::new();
    desk.write("mail.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on");
    for command in ["open", "verify", "inspect"] {
        let said = desk.expect(8, &format!("{command} mail.msg"));
        assert!(said.contains("built without the feature `msg`"), "{said}");
    }
}
