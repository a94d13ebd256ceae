//! Policies as the program obeys and shows them (OUT-25, OUT-29, OUT-70), and every policy file bent in every way.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::desk::{AT, Desk, MAIL};
use common::people::{Authority, now};
use common::policy_file;
use proptest::prelude::*;
use serde_json::Value;
use smime::policy::document::PolicyFile;
use smime::policy::effective::{Access, EffectivePolicy, UserChoices};
use smime::policy::intune::{AppConfig, Channel};
use smime::policy::policy::Policy;
use smime::store::sst::{Element, ElementKind, SerializedStore, WriteOptions};
use smime::{Limits, Message, Opener, Requirement, Signer};

const OFF: &str = "<dict><key>com.microsoft.outlook.Mail.SMIMEEnabled</key><false/></dict>";
const FILES: [&str; 10] = [
    "ios.plist",
    "ios-bare.plist",
    "android.json",
    "mam.json",
    "smimeconfig.json",
    "smimeconfig.txt",
    "set-smimeconfig.ps1",
    "mailbox-policy.txt",
    "outlook.reg",
    "deployment.json",
];

/// With every policy file, and one by which S/MIME is off.
fn desk() -> Desk {
    let desk = Desk::plain();
    FILES.iter().for_each(|name| desk.write(name, &policy_file(name)));
    desk.write("off.plist", OFF.as_bytes());
    desk
}

fn locked_off() -> EffectivePolicy {
    let mut config = AppConfig::unconfigured(Channel::IosDevice);
    config.smime_enabled_change_allowed = false;
    EffectivePolicy::of(&config, &UserChoices::default())
}

#[test]
fn out_29_while_smime_is_off_nothing_is_verified_or_decrypted() {
    let ca = Authority::root("CA");
    let alice = ca.person("Alice", "alice@example.com");
    let (trust, mut policy) = (ca.trust(), Policy::default());
    let clear = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(MAIL.as_bytes()).unwrap(), now()).unwrap();
    let clear = String::from_utf8(clear).unwrap();
    let opaque = Signer::new(&alice, &policy).unwrap().opaque();
    let opaque = opaque.sign(&Message::parse(MAIL.as_bytes()).unwrap(), now()).unwrap();
    policy.access = locked_off().access();
    assert!(matches!(policy.access, Access::Disabled(_)));
    let opener = Opener::new(&trust, &policy);
    for mail in [clear.as_bytes(), &opaque] {
        let error = opener.open(mail, now()).err().unwrap();
        assert!(matches!(error, smime::open::opener::Error::Disabled(_)), "{error}");
        assert!(error.to_string().contains("S/MIME is off for this account (default)"), "{error}");
    }
    // What is no S/MIME is mail as ever; a part that is S/MIME is told, and not looked at.
    assert!(opener.open(MAIL.as_bytes(), now()).unwrap().require(Requirement::Unaltered).is_ok());
    let start = clear.find("MIME-Version").unwrap_or_default();
    let list = format!(
        "From: list@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"list\"\r\n\r\n--list\r\n{}\
         \r\n--list\r\n\r\na footer\r\n--list--\r\n",
        &clear[clear.find("Content-Type: multipart/signed").unwrap_or(start)..]
    );
    let enabled = Policy::default();
    let seen = Opener::new(&trust, &enabled).open(list.as_bytes(), now()).unwrap();
    assert_eq!(seen.report().layers.len(), 1);
    let opened = opener.open(list.as_bytes(), now()).unwrap();
    assert!(opened.report().layers.is_empty());
    assert!(opened.report().notes.iter().any(|note| note.code == "smime_disabled"), "{:?}", opened.report().notes);
    assert!(matches!(opener.part("1").open(list.as_bytes(), now()), Err(smime::open::opener::Error::Disabled(_))));
    assert!(matches!(Signer::new(&alice, &policy), Err(smime::compose::sign::Error::Disabled(_))));
}

#[test]
fn out_29_the_program_reads_nothing_while_smime_is_off() {
    let desk = desk();
    desk.expect(0, &format!("sign --identity alice.pem --key alice.key --at {AT} -o signed.eml mail.eml"));
    desk.expect(
        0,
        &format!("encrypt --to bob@example.com --certs bob.pem --trust ca.pem --at {AT} -o sealed.eml signed.eml"),
    );
    for line in [
        "open --policy off.plist --identity bob.pem --key bob.key --trust ca.pem -o content sealed.eml",
        "verify --policy off.plist --trust ca.pem signed.eml",
        "sign --policy off.plist --identity alice.pem --key alice.key -o content mail.eml",
        "encrypt --policy off.plist --to bob@example.com --certs bob.pem -o content mail.eml",
    ] {
        let said = desk.expect(9, line);
        assert!(said.contains("S/MIME is off for this account (administrator configured)"), "{said}");
        assert!(!desk.path("content").exists());
    }
    desk.expect(0, "open --policy off.plist -o plain mail.eml");
    // The user may turn it on here, and may not turn it off there.
    let on = format!(
        "--user SMIMEEnabled=true --identity bob.pem --key bob.key --trust ca.pem --at {AT} -o content sealed.eml"
    );
    desk.expect(0, &format!("open --policy off.plist {on}"));
    let said = desk
        .expect(0, &format!("verify --policy ios.plist --user SMIMEEnabled=false --trust ca.pem --at {AT} signed.eml"));
    assert!(said.contains("[user_choice_locked]"), "{said}");
    desk.expect(2, "open --policy off.plist --user Nothing=true mail.eml");
    desk.expect(2, "open --user SMIMEEnabled=true mail.eml");
    desk.expect(8, "open --policy mail.eml mail.eml");
    desk.expect(1, "open --policy nowhere mail.eml");
}

#[test]
fn out_70_the_program_sends_nothing_with_less_than_is_required() {
    let desk = desk();
    let said = desk.expect(
        9,
        &format!("sign --policy ios.plist --identity alice.pem --key alice.key --at {AT} -o signed.eml mail.eml"),
    );
    assert!(said.contains("encryption is required to send messages (administrator configured)"), "{said}");
    assert!(!desk.path("signed.eml").exists());
    desk.expect(0, &format!("sign --policy ios.plist --for-encryption --identity alice.pem --key alice.key --at {AT} -o signed.eml mail.eml"));
    // Of Android's configuration the signature is locked.
    let encrypt = format!("encrypt --to bob@example.com --certs bob.pem --trust ca.pem --at {AT}");
    let said = desk.expect(9, &format!("{encrypt} --policy android.json -o sealed.eml mail.eml"));
    assert!(said.contains("a signature is required"), "{said}");
    assert!(!desk.path("sealed.eml").exists());
    desk.expect(0, &format!("{encrypt} --policy android.json -o sealed.eml signed.eml"));
}

#[test]
fn what_the_administrator_decides_the_user_does_not() {
    let desk = desk();
    let sign = |more: &str| {
        format!(
            "sign --policy smimeconfig.json --identity alice.pem --key alice.key --at {AT} --force -o signed.eml {more} mail.eml"
        )
    };
    let said = desk.expect(0, &sign(""));
    assert!(said.contains("[algorithm_replaced]"), "{said}");
    let signed = String::from_utf8(desk.read("signed.eml")).unwrap();
    assert!(signed.contains("signed-data") && !signed.contains("multipart/signed"), "{signed}");
    desk.expect(0, &sign("--digest sha512"));
    for (option, more) in [("--digest", "--digest sha256"), ("--chain", "--chain signer")] {
        let said = desk.expect(9, &sign(more));
        assert!(said.contains(&format!("{option}: the policy decides that")), "{said}");
    }
    let encrypt =
        format!("encrypt --policy smimeconfig.json --to bob@example.com --certs bob.pem --at {AT} signed.eml");
    let said = desk.expect(9, &format!("{encrypt} --content aes256-cbc"));
    assert!(said.contains("--content: the policy decides that"), "{said}");
    // OWACheckCRLOnSend: what cannot be looked up is not sent.
    let said = desk.expect(7, &format!("{encrypt} --trust ca.pem"));
    assert!(said.contains("bob@example.com"), "{said}");
    assert!(desk.expect(9, &format!("{encrypt} --trust ca.pem --revocation off")).contains("--revocation"));
    desk.write("card.txt", b"OWAOnlyUseSmartCard : True\n");
    for line in [
        "sign --policy card.txt --identity alice.pem --key alice.key mail.eml",
        "open --policy card.txt --identity alice.pem --key alice.key signed.eml",
        "sign --policy card.txt --keyring keys mail.eml",
        "open --policy card.txt --keyring keys signed.eml",
    ] {
        assert!(desk.expect(9, line).contains("keys on cards only"));
    }
    let verify = "verify --policy outlook.reg --trust ca.pem signed.eml";
    assert!(desk.expect(9, &format!("{verify} --revocation soft")).contains("--revocation"));
    desk.write("weak.ps1", b"Set-SmimeConfig -OWAEncryptionAlgorithms '6603;6601'");
    let said = desk.expect(9, "encrypt --policy weak.ps1 --to bob@example.com --certs bob.pem mail.eml");
    assert!(said.contains("encryption is not allowed"), "{said}");
    desk.expect(8, &format!("{verify} --policy outlook.reg"));
}

#[test]
fn explain_says_value_origin_lock_and_meaning() {
    let desk = desk();
    let run = |line: &str| String::from_utf8(desk.run(line).stdout).unwrap();
    let text = run("policy explain ios.plist");
    let key = "com.microsoft.outlook.Mail.SMIMEEnabled.EncryptAllMail";
    let expected = format!(
        "  {key} = true\n    administrator configured; the user may not change it\n    \
         whether encryption is required to send messages (OUT-70)\n"
    );
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains("ios.plist: app configuration of a managed iOS device"), "{text}");
    assert!(text.contains("every message is signed: yes (administrator configured; the user may change it)"), "{text}");
    let text = run("policy explain --user SignAllMail=false ios.plist");
    assert!(text.contains("every message is signed: no (user; the user may change it)"), "{text}");
    let text = run("policy show smimeconfig.json");
    assert!(text.contains("  OWACRLRetrievalTimeout = 5000\n") && !text.contains("OUT-83"), "{text}");
    for name in FILES {
        let json: Value = serde_json::from_str(&run(&format!("policy show --json {name}"))).unwrap();
        assert_eq!(json["version"], 1);
        let settings = json["files"][0]["settings"].as_array().unwrap();
        assert!(settings.len() >= 6, "{name}");
        assert!(settings.iter().all(|s| s["about"].as_str().is_some_and(|about| about.len() > 20)), "{name}");
        assert_eq!(json["effective"]["smime_enabled"]["value"], name != "ios-bare.plist", "{name}");
    }
    let json: Value =
        serde_json::from_str(&run("policy explain --json --user SMIMEEnabled=true ios-bare.plist")).unwrap();
    assert_eq!(json["effective"]["smime_enabled"]["origin"], "user");
    assert_eq!(json["effective"]["organize_by_thread"], false);
    assert_eq!(json["files"][0]["notes"][0]["code"], "token_without_value");
}

#[test]
fn out_25_check_names_every_fault_and_every_expired_root() {
    let desk = desk();
    desk.expect(0, "policy check ios.plist smimeconfig.json mailbox-policy.txt outlook.reg");
    desk.write("wrong.json", b"{\"OWAAlwaysSign\": 1, \"OWAClearSign\": \"no\", \"OWAUnknown\": 1}");
    let output = desk.run("policy check wrong.json");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert!(text.contains("wrong.json: not usable: 2 errors") && text.contains("OWAClearSign must be"), "{text}");
    let der = desk.ca.certificate.der().to_vec();
    let mut store = SerializedStore::default();
    store.push(Element::new(ElementKind::Certificate, der).unwrap());
    let bytes = store.write(&WriteOptions::default());
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    desk.write("roots.json", format!("{{\"SMIMECertificateIssuingCA\": [{}]}}", list.join(",")).as_bytes());
    desk.expect(0, &format!("policy check --at {AT} roots.json"));
    let output = desk.run("policy check --json --at 2046-01-01T00:00:00Z roots.json");
    assert_eq!(output.status.code(), Some(9));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["files"][0]["refused"][0].as_str().unwrap().contains("Desk CA"), "{json}");
    assert_eq!(json["met"], false);
    desk.write("md5.txt", b"RequireSignedSMIMEAlgorithm : MD5\n");
    desk.expect(9, "policy check md5.txt");
    let output = desk.run("policy check smimeconfig.json smimeconfig.txt");
    assert_eq!(output.status.code(), Some(8));
    assert!(String::from_utf8_lossy(&output.stdout).contains("two files of one kind: Set-SmimeConfig"));
}

#[test]
fn no_cut_and_no_altered_byte_of_a_policy_file_does_harm() {
    let limits = Limits::default();
    for name in FILES {
        let bytes = policy_file(name);
        assert!(PolicyFile::read(&bytes, &limits).is_ok(), "{name}");
        for cut in 0..bytes.len() {
            let _ = PolicyFile::read(&bytes[..cut], &limits);
        }
        for at in 0..bytes.len() {
            for other in [b'"', b'<', b'\n'] {
                let mut bent = bytes.clone();
                bent[at] = other;
                let _ = PolicyFile::read(&bent, &limits);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "(?s)(<dict>|\\{|\\[|Set-SmimeConfig |Name : )?.{0,80}") {
        if let Err(faults) = PolicyFile::read(text.as_bytes(), &Limits::default()) {
            prop_assert!(!faults.faults.is_empty());
            prop_assert!(faults.to_string().chars().all(|c| !c.is_control()), "{faults}");
        }
    }
}

#[test]
fn out_150_the_program_writes_the_notice_and_sends_nothing() {
    let desk = desk();
    let line =
        format!("policy notice deployment.json --to alice@example.com --name Alice --from it@example.com --at {AT}");
    let mail = desk.run(&line);
    assert_eq!(mail.status.code(), Some(0));
    let mail = String::from_utf8(mail.stdout).unwrap();
    assert!(mail.contains("To: Alice <alice@example.com>\r\n") && mail.contains("ready"), "{mail}");
    desk.expect(8, &line.replace("deployment.json", "ios.plist"));
}
