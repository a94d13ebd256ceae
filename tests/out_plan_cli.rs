//! The program's plan, its selection of an account's certificates, and the messages that a mail with Bcc becomes (OUT-4, OUT-9,
//! OUT-12, OUT-33, OUT-34, OUT-41, OUT-43, OUT-44).

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::desk::{AT, Desk};
use common::outlook::split;
use common::people::years;
use serde_json::Value;
use smime::cert::extension::KeyUsage;

const HIDDEN: &str = "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nBcc: carol@example.com, dave@example.com\r\n\
                      Content-Type: text/plain\r\n\r\nhello\r\n";
const GROUPS: &str = "team@example.com: bob@example.com, carol@example.com\n";
const BOTH: KeyUsage = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);

/// Alice, Bob, Carol and Dave, whose certificates lie in the folder `certs`.
fn desk() -> Desk {
    let desk = Desk::plain();
    desk.pem_files("dave", "dave@example.com", years(), BOTH);
    std::fs::create_dir(desk.path("certs")).unwrap();
    for name in ["bob", "carol", "dave"] {
        std::fs::copy(desk.path(&format!("{name}.pem")), desk.path(&format!("certs/{name}.pem"))).unwrap();
    }
    desk.write("hidden.eml", HIDDEN.as_bytes());
    desk.write("groups.txt", GROUPS.as_bytes());
    let team = HIDDEN.replace("To: bob@", "To: team@").replace("carol@", "eve@");
    desk.write("team.eml", team.as_bytes());
    desk
}

fn json(desk: &Desk, code: i32, line: &str) -> Value {
    let output = desk.run(line);
    assert_eq!(output.status.code(), Some(code), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn out_33_the_plan_tells_everybody_before_anything_is_sent() {
    let desk = desk();
    let plan = json(&desk, 0, &format!("plan --certs certs --trust ca.pem --at {AT} --json hidden.eml"));
    assert_eq!((&plan["version"], &plan["met"]), (&Value::from(1), &Value::from(true)));
    let messages = plan["messages"].as_array().unwrap();
    let audiences: Vec<&str> = messages.iter().map(|one| one["audience"].as_str().unwrap()).collect();
    assert_eq!(audiences, ["to-and-cc", "bcc", "bcc"]);
    let bob = &messages[0]["recipients"][0];
    assert_eq!((bob["address"].as_str(), bob["met"].as_bool()), (Some("bob@example.com"), Some(true)));
    assert_eq!(bob["key"], "ecdh-x963-sha256-aes256-wrap");
    assert_eq!(messages[0]["cipher"], "aes256-cbc");
    let line = format!("plan --certs certs --trust ca.pem --groups groups.txt --at {AT} team.eml");
    let output = desk.run(&line);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{text}");
    for part in ["a member of team@example.com", "eve@example.com", "NOBODY CAN ENCRYPT TO IT", "[no_certificate]"] {
        assert!(text.contains(part), "{text}");
    }
    let plan = json(&desk, 7, &line.replace("team.eml", "--json team.eml"));
    assert_eq!(plan["met"], false);
    assert_eq!(list(&plan["messages"][0]["recipients"][1]["groups"]), ["team@example.com"]);
    // Nothing is written where somebody is missing.
    let line =
        format!("--certs certs --trust ca.pem --groups groups.txt --at {AT} --to-headers --out-dir out team.eml");
    let said = desk.expect(7, &format!("encrypt {line}"));
    assert!(said.contains("eve@example.com"), "{said}");
    assert!(!desk.path("out").exists());
    desk.expect(2, "plan mail.eml");
}

#[test]
fn out_41_each_message_has_a_file_and_nobody_is_lost() {
    let desk = desk();
    let encrypt =
        format!("encrypt --to-headers --certs certs --trust ca.pem --at {AT} --identity alice.pem --key alice.key");
    let said = desk.expect(2, &format!("{encrypt} hidden.eml"));
    assert!(said.contains("3 messages") && said.contains("--out-dir"), "{said}");
    for (forking, expected) in [
        ("0", vec![vec!["bob"], vec!["carol"], vec!["dave"]]),
        ("1", vec![vec!["bob"], vec!["carol", "dave"]]),
        ("2", vec![vec!["bob", "carol", "dave"]]),
    ] {
        desk.expect(0, &format!("{encrypt} --bcc-forking {forking} --out-dir out{forking} hidden.eml"));
        let listed: Value = serde_json::from_slice(&desk.read(&format!("out{forking}/hidden-messages.json"))).unwrap();
        let messages = listed["messages"].as_array().unwrap();
        assert_eq!(messages.len(), expected.len());
        for (message, names) in messages.iter().zip(expected) {
            let to: Vec<String> = names.iter().map(|name| format!("{name}@example.com")).collect();
            assert_eq!(list(&message["recipients"]), to);
            let file = format!("out{forking}/{}", message["file"].as_str().unwrap());
            for name in ["bob", "carol", "dave", "alice"] {
                let code = if name == "alice" || names.contains(&name) { 0 } else { 6 };
                let identity = format!("--identity {name}.pem --key {name}.key");
                desk.expect(code, &format!("open {identity} --trust ca.pem --at {AT} {file}"));
            }
            let header = split(&desk.read(&file)).0;
            assert!(!header.contains("Bcc") && !header.contains("carol@"), "{header}");
        }
    }
    // One for everybody needs no folder; and what is there already stays.
    desk.expect(0, &format!("{encrypt} --bcc-forking 2 -o one.eml hidden.eml"));
    desk.expect(1, &format!("{encrypt} --out-dir out0 hidden.eml"));
    desk.write("forking.txt", b"OWABCCEncryptedEmailForking : 1\n");
    desk.expect(9, &format!("{encrypt} --policy forking.txt --bcc-forking 2 -o two.eml hidden.eml"));
    desk.expect(0, &format!("{encrypt} --policy forking.txt --out-dir by-policy hidden.eml"));
    assert!(desk.path("by-policy/hidden-2.eml").exists() && !desk.path("by-policy/hidden-3.eml").exists());
    desk.expect(0, &format!("{encrypt} --out-dir named --groups groups.txt --skip-missing team.eml"));
    assert!(desk.path("named/team-2.eml").exists() && !desk.path("named/team-3.eml").exists());
}

#[test]
fn out_43_a_draft_can_be_read_by_its_sender_only() {
    let desk = desk();
    desk.expect(0, &format!("encrypt --draft --identity alice.pem --key alice.key --at {AT} -o draft.eml mail.eml"));
    let open = |name: &str, code| {
        desk.expect(code, &format!("open --identity {name}.pem --key {name}.key --trust ca.pem --at {AT} draft.eml"))
    };
    open("alice", 0);
    open("bob", 6);
    desk.expect(2, &format!("encrypt --draft --at {AT} mail.eml"));
    desk.expect(2, "encrypt --certs certs mail.eml");
}

#[test]
fn out_04_and_09_an_account_signs_with_the_newest_that_is_its_own() {
    let desk = desk();
    let begin = |text: &str| (text.parse().unwrap(), "2026-12-10T00:00:00Z".parse().unwrap());
    desk.pem_files("old", "alice@example.com", begin("2026-02-01T00:00:00Z"), BOTH);
    desk.pem_files("new", "alice@example.com", begin("2026-03-01T00:00:00Z"), KeyUsage::DIGITAL_SIGNATURE);
    let keys = "--identity old.pem --key old.key --identity new.pem --key new.key --identity bob.pem --key bob.key";
    let account = format!("--account alice@example.com {keys} --at {AT}");
    let said = desk.expect(0, &format!("sign {account} -o signed.eml mail.eml"));
    assert!(said.contains("[expires_soon]") && said.contains("15 days"), "{said}");
    let select = json(&desk, 0, &format!("certs select {account} --json"));
    let of = |purpose: &str, at: usize| select["uses"][purpose]["selected"][at]["source"].as_str();
    assert_eq!((of("sign", 0), of("encrypt", 0), of("open", 0)), (Some("new.pem"), Some("old.pem"), Some("old.pem")));
    let rejected = &select["uses"]["sign"]["rejected"];
    assert_eq!(rejected[0]["reasons"][0]["code"], "address_mismatch");
    let report = json(&desk, 0, &format!("verify --trust ca.pem --at {AT} --json signed.eml"));
    let signer = report["layers"][0]["signatures"][0]["signer"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(select["uses"]["sign"]["selected"][0]["certificate"]["sha256"].as_str(), Some(signer.as_str()));
    // The user's choice, where they have one.
    let old = select["uses"]["encrypt"]["selected"][0]["certificate"]["sha256"].as_str().unwrap().to_owned();
    let said = desk.expect(0, &format!("sign {account} --choose {old} -o chosen.eml mail.eml"));
    assert!(said.contains("expires_soon") && !said.contains("user_choice_ignored"), "{said}");
    let said = desk.expect(0, &format!("sign {account} --choose {old} --profile outlook-mobile -o phone.eml mail.eml"));
    assert!(said.contains("[user_choice_ignored]"), "{said}");
    let nobody = "0".repeat(64);
    let said = desk.expect(9, &format!("sign {account} --choose {nobody} -o none.eml mail.eml"));
    assert!(said.contains("cannot sign"), "{said}");
    // Nothing falls back to another address.
    let said = desk.expect(9, &format!("sign {} -o none.eml mail.eml", account.replace("alice@", "eve@")));
    assert!(said.contains("no certificate is available to sign as eve@example.com"), "{said}");
    assert!(!desk.path("none.eml").exists());
    let output = desk.run(&format!("certs select {}", account.replace("alice@", "eve@")));
    assert_eq!(output.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing: no certificate is available"));
}

#[test]
fn out_12_and_44_old_keys_open_and_a_missing_key_is_told_as_one() {
    let desk = desk();
    let past = ("2025-01-01T00:00:00Z".parse().unwrap(), "2026-01-15T00:00:00Z".parse().unwrap());
    desk.pem_files("past", "alice@example.com", past, BOTH);
    desk.expect(0, "encrypt --draft --identity past.pem --key past.key --at 2026-01-10T00:00:00Z -o then.eml mail.eml");
    let keys = "--identity past.pem --key past.key --identity alice.pem --key alice.key";
    let open = format!("open --account alice@example.com --trust ca.pem --at {AT}");
    desk.expect(0, &format!("{open} {keys} then.eml"));
    let said = desk.expect(6, &format!("{open} --identity past.pem then.eml"));
    assert!(said.contains("the private key of CN=past is not here"), "{said}");
    let said = desk.expect(6, &format!("{open} --identity bob.pem --key bob.key then.eml"));
    assert!(said.contains("no certificate is available to decrypt as alice@example.com"), "{said}");
    let said = desk.expect(9, &format!("sign --account alice@example.com --identity alice.pem --at {AT} mail.eml"));
    assert!(said.contains("private key of CN=alice is not here"), "{said}");
    // A copy goes to the account's own, and not to every key that is there.
    let encrypt = format!("encrypt --to bob@example.com --certs certs --trust ca.pem --at {AT}");
    desk.expect(
        0,
        &format!(
            "{encrypt} --account alice@example.com {keys} --identity dave.pem --key dave.key -o sent.eml mail.eml"
        ),
    );
    desk.expect(0, &format!("{open} {keys} sent.eml"));
    desk.expect(6, &format!("open --identity dave.pem --key dave.key --at {AT} sent.eml"));
    desk.expect(7, &format!("{encrypt} --account eve@example.com {keys} -o none.eml mail.eml"));
}

#[test]
fn out_34_groups_are_read_as_text_and_as_json() {
    let desk = desk();
    desk.write(
        "groups.json",
        br#"{"version": 1, "groups": {"team@example.com": ["bob@example.com", "dave@example.com"]}}"#,
    );
    let plan =
        |file: &str| format!("plan --to team@example.com --certs certs --groups {file} --at {AT} --json mail.eml");
    let found = json(&desk, 0, &plan("groups.json"));
    let of = |at: usize| found["messages"][0]["recipients"][at]["address"].as_str().unwrap().to_owned();
    assert_eq!([of(0), of(1)], ["bob@example.com", "dave@example.com"]);
    for (name, text) in [
        ("one.json", r#"{"version": 2, "groups": {}}"#),
        ("two.json", r#"{"version": 1, "groups": {"team@example.com": "bob@example.com"}}"#),
        ("three.json", r#"{"version": 1, "groups": {"team@example.com": [1]}}"#),
        ("four.txt", "team@example.com bob@example.com"),
    ] {
        desk.write(name, text.as_bytes());
        let said = desk.expect(8, &plan(name));
        assert!(said.contains("no list of groups"), "{said}");
    }
}

#[test]
fn out_135_a_derived_credential_is_selected_and_its_renewal_told() {
    let desk = Desk::plain();
    let line = "certs select --account alice@example.com --identity alice.pem --key alice.key --derived";
    let words = |at: &str| String::from_utf8(desk.run(&format!("{line} --at {at}")).stdout).unwrap();
    // Her certificate runs from 2026 to 2036; its last fifth begins with 2034.
    assert!(!words("2033-12-30T00:00:00Z").contains("renewal_due"));
    assert!(words("2034-01-02T00:00:00Z").contains("renewal_due"));
    let held = line.replace(" --derived", "");
    assert!(
        !String::from_utf8(desk.run(&format!("{held} --at 2034-01-02T00:00:00Z")).stdout)
            .unwrap()
            .contains("renewal_due")
    );
}
