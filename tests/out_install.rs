//! Manual installation of keys that came by mail, a test under each row's name (OUT-110 to OUT-114). The PKCS#12 files are
//! made by `openssl`, where it is there.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::desk::{AT, Desk};
use common::people::{Authority, years};
use serde_json::Value;
use smime::cert::extension::KeyUsage;
use smime::mime::emit::{Attachment, Draft};
use smime::store::keyring_folder::KeyringFolder;
use smime::store::{p7c, pem};
use smime::{Limits, Secret};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A mail to Alice with these attached.
fn mail(desk: &Desk, name: &str, attached: &[(&str, &str, Vec<u8>)]) {
    let attachment = |(file_name, media_type, bytes): &(&str, &str, Vec<u8>)| Attachment {
        file_name: (*file_name).to_owned(),
        media_type: (*media_type).to_owned(),
        bytes: bytes.clone(),
    };
    let draft = Draft {
        from: vec![smime::mime::emit::Named::from("helpdesk@example.com".parse::<smime::EmailAddress>().unwrap())],
        to: vec![smime::mime::emit::Named::from("alice@example.com".parse::<smime::EmailAddress>().unwrap())],
        subject: "Your certificate".into(),
        date: AT.parse().unwrap(),
        message_id: "1@example.com".into(),
        text: "Attached.\n".into(),
        attachments: attached.iter().map(attachment).collect(),
        boundary: [7; 16],
    };
    desk.write(name, &draft.to_bytes().unwrap());
}

/// A mail with one file.
fn mail_with(desk: &Desk, name: &str, media_type: &str, bytes: Vec<u8>) {
    mail(desk, "attached.eml", &[(name, media_type, bytes)]);
}

/// What a command answers in JSON.
fn json(desk: &Desk, line: &str) -> Value {
    let output = desk.run(line);
    assert!(output.status.success(), "smime {line}\n{}", String::from_utf8_lossy(&output.stderr));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["version"], 1);
    value
}

fn openssl() -> bool {
    if Command::new("openssl").arg("version").output().is_ok() {
        return true;
    }
    assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none(), "openssl is not there");
    eprintln!("skipped: openssl is not there");
    false
}

/// A PKCS#12 file of somebody on the desk.
fn pfx(desk: &Desk, name: &str, password: &str, options: &str) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.current_dir(desk.folder.path()).args(["pkcs12", "-export", "-out", "made.pfx", "-certfile", "ca.pem"]);
    command.args(["-in", &format!("{name}.pem"), "-inkey", &format!("{name}.key")]);
    command.args(["-passout", &format!("pass:{password}")]).args(options.split_whitespace());
    let output = command.output().unwrap();
    assert!(output.status.success(), "openssl {options}: {}", String::from_utf8_lossy(&output.stderr));
    desk.read("made.pfx")
}

/// How many files are installed.
fn installed(desk: &Desk, ring: &str) -> usize {
    match KeyringFolder::open(desk.path(ring)) {
        Ok(folder) => folder.entries().unwrap().len(),
        Err(_) => 0,
    }
}

#[test]
fn out_110_types_and_names_find_an_attachment_and_its_content_says_what_it_is() {
    let desk = Desk::plain();
    let ca = desk.ca.certificate.clone();
    let bob = smime::import::read(&desk.read("bob.pem"), None, &Default::default(), &Limits::default()).unwrap();
    let bob = bob.certificates[0].clone();
    desk.person("alice", "alice@example.com", years(), KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT));
    let own = desk.read("alice.p12");
    mail(
        &desk,
        "attached.eml",
        &[
            // What a PKCS#12 is called changes nothing about it.
            ("Alice.CER", "application/octet-stream", own.clone()),
            ("root.crt", "application/pkix-cert", ca.der().to_vec()),
            ("others.p7b", "application/octet-stream", p7c::write(&[ca.clone(), bob.clone()], &[])),
            ("offer.pdf", "application/pdf", b"%PDF-1.7".to_vec()),
            ("bob", "application/x-x509-email-cert", pem::write("CERTIFICATE", bob.der()).into_bytes()),
        ],
    );
    let line = format!("import --from-mail attached.eml --password-file password --json --at {AT}");
    let answer = json(&desk, &line);
    let files: Vec<_> = answer["files"].as_array().unwrap().iter().collect();
    let told: Vec<_> = files
        .iter()
        .map(|file| {
            let certificates = file["certificates"].as_array().unwrap().len();
            (file["name"].as_str().unwrap(), file["part"].as_str().unwrap(), file["private_keys"].clone(), certificates)
        })
        .collect();
    let one = Value::from(1);
    let none = Value::from(0);
    assert_eq!(
        told,
        [
            ("Alice.CER", "2", one, 2),
            ("root.crt", "3", none.clone(), 1),
            ("others.p7b", "4", none.clone(), 2),
            ("bob", "6", none, 1)
        ]
    );
    assert_eq!((&files[0]["protection"], &files[1]["protection"]), (&"password".into(), &"public".into()));
    assert!(files.iter().all(|file| file["installed"] == "no"));
    let answer = json(&desk, &format!("{line} --attachment root.crt"));
    assert_eq!(answer["files"].as_array().unwrap().len(), 1);

    // A name is no proof: this is no certificate, and this one is a key that everybody can read.
    mail_with(&desk, "a.cer", "application/pkix-cert", b"hello".to_vec());
    desk.expect(1, "import --from-mail attached.eml --keyring ring");
    mail_with(&desk, "a.cer", "application/pkix-cert", desk.read("alice.key"));
    desk.expect(9, "import --from-mail attached.eml --keyring ring");
    mail_with(&desk, "a.pdf", "application/pdf", own);
    desk.expect(8, "import --from-mail attached.eml --keyring ring");
    assert_eq!(installed(&desk, "ring"), 0);
}

#[test]
fn out_111_each_certificate_is_told_what_it_is_good_for() {
    let desk = Desk::plain();
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    let old = ("2020-01-01T00:00:00Z".parse().unwrap(), "2021-01-01T00:00:00Z".parse().unwrap());
    for (name, validity, usage) in [
        ("both", years(), both),
        ("sign", years(), KeyUsage::DIGITAL_SIGNATURE),
        ("encrypt", years(), KeyUsage::KEY_AGREEMENT),
        ("old", old, both),
    ] {
        desk.person(name, "alice@example.com", validity, usage);
    }
    let other = Authority::root("Another CA");
    desk.write("other.pem", pem::write("CERTIFICATE", other.certificate.der()).as_bytes());
    let judged = |file: &str, account: &str, trust: &str| {
        mail_with(&desk, file, "application/octet-stream", desk.read(file));
        let line = format!(
            "import --from-mail attached.eml --account {account} --trust {trust} --password-file password --json --at {AT}"
        );
        let answer = json(&desk, &line);
        let own = answer["files"][0]["certificates"][0].clone();
        assert_eq!(own["has_key"], true);
        let word = |key: &str| own[key].as_str().unwrap().to_owned();
        (word("purpose"), word("address"), own["activesync_status"].as_u64().unwrap(), word("time"))
    };
    for (file, account, trust, expected) in [
        ("both.p12", "alice@example.com", "ca.pem", ("both", "matches", 1, "current")),
        ("sign.p12", "Alice@Example.com", "ca.pem", ("sign", "matches", 1, "current")),
        ("encrypt.p12", "alice@example.com", "ca.pem", ("encrypt", "matches", 1, "current")),
        ("both.p12", "bob@example.com", "ca.pem", ("both", "differs", 12, "current")),
        ("both.p12", "alice@example.com", "other.pem", ("both", "matches", 4, "current")),
        ("old.p12", "alice@example.com", "ca.pem", ("both", "matches", 7, "expired")),
    ] {
        let (purpose, address, status, time) = judged(file, account, trust);
        assert_eq!((purpose.as_str(), address.as_str(), status, time.as_str()), expected, "{file} {account} {trust}");
    }
}

#[test]
fn out_111_nothing_is_installed_where_a_password_is_wrong_or_a_mac_fails() {
    let desk = Desk::plain();
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    desk.person("alice", "alice@example.com", years(), both);
    let (own, ca) = (desk.read("alice.p12"), desk.ca.certificate.der().to_vec());
    let attach = |own: &[u8]| {
        let attached = [("ca.cer", "application/pkix-cert", ca.clone()), ("a.p12", "application/pkcs12", own.to_vec())];
        mail(&desk, "attached.eml", &attached);
    };
    attach(&own);
    let line = "import --from-mail attached.eml --keyring ring";
    assert!(desk.expect(1, &format!("{line} --password-file wrong")).contains("a.p12: the password is wrong"));
    assert!(desk.expect(1, line).contains("is protected by a password"));
    // The MAC stands at the end: its digest, the salt, the iterations.
    let mut altered = own.clone();
    let at = altered.len() - 20;
    altered[at] ^= 1;
    attach(&altered);
    desk.expect(1, &format!("{line} --password-file password"));
    assert_eq!(installed(&desk, "ring"), 0);
    assert!(!desk.path("ring").exists());

    attach(&own);
    desk.expect(0, &format!("{line} --password-file password"));
    assert_eq!(installed(&desk, "ring"), 2);
    let listed = json(&desk, "keyring list ring --json");
    assert_eq!(listed["entries"][1]["came_as"], "a.p12");
    let file = listed["entries"][1]["file"].as_str().unwrap();
    assert_eq!(desk.read(&format!("ring/{file}")), own, "the key is encrypted as it came");
    // Once more changes nothing; the same key in another file is not written over the first.
    assert!(desk.expect(0, &format!("{line} --password-file password")).contains("0 installed"));
    desk.expect(0, "export --identity alice.p12 --password-file password --new-password-file wrong --out new.p12");
    let said = desk.expect(1, "import --keyring ring --password-file wrong new.p12");
    assert!(said.contains("installed already"), "{said}");

    desk.expect(2, "keyring remove ring 00000");
    desk.expect(0, &format!("keyring remove ring {}", &file[..12]));
    assert!(!desk.path(&format!("ring/{file}")).exists());
    assert_eq!(installed(&desk, "ring"), 1);
}

#[test]
fn out_111_what_is_installed_signs_encrypts_and_opens() {
    let desk = Desk::plain();
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    for name in ["alice", "bob"] {
        desk.person(name, &format!("{name}@example.com"), years(), both);
        mail_with(&desk, &format!("{name}.pfx"), "application/octet-stream", desk.read(&format!("{name}.p12")));
        desk.expect(0, &format!("import --from-mail attached.eml --keyring {name}s --password-file password"));
    }
    desk.expect(0, &format!("import --keyring alices --at {AT} bob.pem"));
    let (alice, bob) = (
        "--keyring alices --keyring-password-file wrong --keyring-password-file password",
        "--keyring bobs --keyring-password-file password",
    );
    desk.expect(0, &format!("sign {alice} --at {AT} --out signed.eml mail.eml"));
    desk.expect(0, &format!("encrypt {alice} --to bob@example.com --at {AT} --out sealed.eml signed.eml"));
    for ring in [alice, bob] {
        let line =
            format!("open {ring} --trust ca.pem --require signed-by-sender --at {AT} --out out.eml --force sealed.eml");
        desk.expect(0, &line);
        assert!(String::from_utf8(desk.read("out.eml")).unwrap().contains("hello"));
        desk.expect(0, &format!("verify {ring} --trust ca.pem --at {AT} sealed.eml"));
    }
    let said = desk.expect(6, &format!("open --keyring bobs --at {AT} sealed.eml"));
    assert!(said.contains("stays locked"), "{said}");
    // A key and its certificate may come in two files.
    desk.expect(0, "import --keyring two --allow-empty-password carol.key");
    desk.expect(0, "import --keyring two carol.pem");
    desk.write("carol.eml", b"From: carol@example.com\r\nTo: bob@example.com\r\n\r\nhello\r\n");
    desk.expect(0, &format!("sign --keyring two --at {AT} --out carol-signed.eml carol.eml"));
    desk.expect(0, &format!("verify --trust ca.pem --at {AT} carol-signed.eml"));
    // Bob's key does not sign for Alice.
    let said = desk.expect(9, &format!("sign {bob} --at {AT} mail.eml"));
    assert!(said.contains("alice@example.com"), "{said}");
    let said = desk.expect(9, &format!("sign --keyring alices --at {AT} mail.eml"));
    assert!(said.contains("--keyring-password-file"), "{said}");
}

#[test]
fn out_111_a_kill_leaves_the_old_state_or_the_new_one() {
    let desk = Desk::plain();
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    desk.person("alice", "alice@example.com", years(), both);
    mail_with(&desk, "alice.p12", "application/x-pkcs12", desk.read("alice.p12"));
    let start = |ring: &str| {
        let line = format!("import --from-mail attached.eml --keyring {ring} --password-file password --no-input");
        let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
        command.current_dir(desk.folder.path()).args(line.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let began = Instant::now();
    assert!(start("whole").wait().unwrap().success());
    let whole = began.elapsed();
    for eighth in 0..8u32 {
        let ring = format!("ring{eighth}");
        desk.expect(0, &format!("import --keyring {ring} ca.pem"));
        let mut child = start(&ring);
        // Most of the time goes by before anything is written.
        std::thread::sleep(whole.mul_f64(f64::from(eighth).mul_add(0.03, 0.76)).max(Duration::from_millis(1)));
        child.kill().unwrap();
        child.wait().unwrap();
        let folder = KeyringFolder::open(desk.path(&ring)).unwrap();
        let entries = folder.entries().unwrap();
        assert!((1..=2).contains(&entries.len()));
        for entry in &entries {
            folder.unlock(entry, Some(&Secret::from("secret")), &Limits::default()).unwrap();
        }
        assert!(start(&ring).wait().unwrap().success());
        assert_eq!(installed(&desk, &ring), 2);
    }
}

#[test]
fn out_112_a_key_without_password_is_taken_by_name_only() {
    if !openssl() {
        return;
    }
    let desk = Desk::plain();
    for options in ["", "-legacy", "-keypbe NONE -certpbe NONE"] {
        mail_with(&desk, "alice.p12", "application/x-pkcs12", pfx(&desk, "alice", "", options));
        let line = "import --from-mail attached.eml --keyring ring";
        let said = desk.expect(9, line);
        assert!(said.contains("no password") && said.contains("--allow-empty-password"), "{options}: {said}");
        assert_eq!(installed(&desk, "ring"), 0, "{options}");
        desk.expect(0, &format!("{line} --allow-empty-password"));
        desk.expect(0, &format!("sign --keyring ring --at {AT} --out signed.eml --force mail.eml"));
        std::fs::remove_dir_all(desk.path("ring")).unwrap();
    }
    // Leaving, a key has a password always.
    desk.write("empty", b"\n");
    let said =
        desk.expect(2, "export --identity alice.pem --key alice.key --new-password-file empty --mail --out x.eml");
    assert!(said.contains("empty"), "{said}");
    assert!(!desk.path("x.eml").exists());
}

#[test]
fn out_113_files_of_today_and_of_old_phones_are_installed() {
    if !openssl() {
        return;
    }
    let desk = Desk::plain();
    for (name, options) in [
        ("modern", ""),
        // RC2-40 for the certificates, 3DES for the key, a MAC with SHA-1.
        ("legacy", "-legacy"),
        ("3des", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1"),
        ("aes", "-keypbe AES-128-CBC -certpbe AES-256-CBC -macalg sha512"),
    ] {
        mail_with(&desk, "alice.pfx", "application/octet-stream", pfx(&desk, "alice", "secret", options));
        let line = format!("import --from-mail attached.eml --keyring {name}");
        assert!(desk.expect(1, &format!("{line} --password-file wrong")).contains("password is wrong"), "{name}");
        desk.expect(0, &format!("{line} --password-file password"));
        let sign = format!("sign --keyring {name} --keyring-password-file password --at {AT}");
        desk.expect(0, &format!("{sign} --out signed.eml --force mail.eml"));
        desk.expect(0, &format!("verify --trust ca.pem --at {AT} signed.eml"));
    }
    mail_with(&desk, "alice.pfx", "application/octet-stream", pfx(&desk, "alice", "secret", "-nomac"));
    let line = "import --from-mail attached.eml --keyring none --password-file password";
    assert!(desk.expect(1, line).contains("no MAC"));
    desk.expect(0, &format!("{line} --allow-no-mac"));
    desk.expect(
        0,
        &format!("sign --keyring none --keyring-password-file password --at {AT} --out signed.eml --force mail.eml"),
    );
}

#[test]
fn out_114_an_export_may_be_a_mail_to_oneself() {
    let desk = Desk::plain();
    desk.write("new", b"a much longer one\n");
    let export = "export --identity alice.pem --key alice.key --new-password-file new --mail";
    desk.expect(0, &format!("{export} --at {AT} --out me.eml"));
    let mail = String::from_utf8(desk.read("me.eml")).unwrap();
    let header = mail.split("\r\n\r\n").next().unwrap();
    for line in ["From: alice@example.com", "To: alice@example.com", "Date: Tue, 24 Nov 2026 08:00:00 +0000"] {
        assert!(header.lines().any(|there| there == line), "{line} is missing:\n{header}");
    }
    assert!(!mail.contains("much longer"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(desk.path("me.eml")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // As the phone does it.
    let import = "import --from-mail me.eml --account alice@example.com --keyring phone";
    desk.expect(1, &format!("{import} --password-file password"));
    desk.expect(0, &format!("{import} --password-file new"));
    desk.expect(0, &format!("sign --keyring phone --keyring-password-file new --at {AT} --out signed.eml mail.eml"));
    desk.expect(0, &format!("verify --trust ca.pem --at {AT} signed.eml"));
    // A key goes to nobody else.
    let said = desk.expect(9, &format!("{export} --account bob@example.com --out other.eml"));
    assert!(said.contains("alice@example.com"), "{said}");
    assert!(!desk.path("other.eml").exists());
}

#[test]
fn out_136_a_key_in_the_system_s_keychain_is_none_for_outlook_on_ios() {
    let desk = Desk::plain();
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    desk.person("alice", "alice@example.com", years(), both);
    for (ring, visible_to, code) in [("s", "system", 9), ("p", "publisher", 0)] {
        desk.expect(
            0,
            &format!("import --keyring {ring} --visible-to {visible_to} --password-file password alice.p12"),
        );
        let sign = format!("sign --keyring {ring} --keyring-password-file password --at {AT}");
        let said = desk.expect(code, &format!("{sign} --profile outlook-mobile --out {ring}.eml mail.eml"));
        assert_eq!(said.contains("keychain_not_visible"), code == 9, "{said}");
        desk.expect(0, &format!("{sign} --out {ring}.eml --force mail.eml"));
    }
}
