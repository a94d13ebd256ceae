//! `smime scep`.

use crate::common::desk::Desk;
use crate::common::people::NOW;
use crate::common::scep_server::ScepServer;
use serde_json::Value;
use smime::Secret;
use smime::store::import;

fn json(desk: &Desk, line: &str) -> Value {
    let output = desk.run(line);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
}

fn wanted(server: &ScepServer) -> String {
    format!("--url {} --ca-fingerprint {} --at {NOW}", server.url(), server.ca.fingerprint())
}

const ALICE: &str = "--subject CN={{UserName}},E={{EmailAddress}} --san email={{EmailAddress}} --set UserName=Alice \
                     --set EmailAddress=alice@example.com --new-password-file password";

#[test]
fn a_server_is_looked_at() {
    let (desk, server) = (Desk::plain(), ScepServer::start(|_| {}));
    let said = json(&desk, &format!("scep caps --json --url {}", server.url()));
    assert_eq!(
        (&said["version"], &said["cipher"], &said["digest"]),
        (&1.into(), &"aes128-cbc".into(), &"sha256".into())
    );
    assert_eq!(said["capabilities"][0], "AES");
    let said = json(&desk, &format!("scep ca --json --url {}", server.url()));
    assert_eq!(
        (&said["certificates"][0]["confirmed"], said["certificates"][0]["sha256"].as_str()),
        (&false.into(), Some(server.ca.fingerprint().as_str()))
    );
    desk.expect(0, &format!("scep ca {} --out root.pem", wanted(&server)));
    assert!(String::from_utf8(desk.read("root.pem")).unwrap().contains("BEGIN CERTIFICATE"));
    let wrong = wanted(&server).replace(&server.ca.fingerprint(), &"00".repeat(32));
    assert!(desk.expect(5, &format!("scep ca {wrong}")).contains("no certificate of the answer"));

    let weak = ScepServer::start(|manner| manner.capabilities = Some("DES3\nSHA-1"));
    assert!(desk.expect(0, &format!("scep caps --url {}", weak.url())).contains("[scep_sha1]"));
    let broken = ScepServer::start(|manner| manner.capabilities = Some(""));
    desk.expect(9, &format!("scep caps --url {}", broken.url()));
    desk.expect(2, "scep caps --url https://scep.example.com/");
}

#[test]
fn a_certificate_is_enrolled_renewed_and_used() {
    let (desk, server) = (Desk::plain(), ScepServer::start(|manner| manner.challenge = Some("secret")));
    let wanted = wanted(&server);
    assert!(desk.expect(9, &format!("scep enrol {wanted} {ALICE} --out alice.p12")).contains("badRequest"));
    assert!(!desk.names().contains(&"alice.p12".to_owned()));
    desk.expect(0, &format!("scep enrol {wanted} {ALICE} --challenge-file password --out alice.p12"));
    desk.expect(1, &format!("scep enrol {wanted} {ALICE} --challenge-file password --out alice.p12"));
    let read = |name: &str| {
        import::read(&desk.read(name), Some(&Secret::from("secret")), &Default::default(), &Default::default()).unwrap()
    };
    let first = read("alice.p12");
    assert_eq!(first.sole_identity().unwrap().chain(), std::slice::from_ref(&server.ca.certificate));
    desk.expect(0, &format!("sign @alice --at {NOW} --out signed.eml mail.eml"));
    desk.expect(0, &format!("scep ca {wanted} --out root.pem"));
    desk.expect(0, &format!("verify --trust root.pem --at {NOW} signed.eml"));

    let asked = server.server.connections();
    let renew = format!("scep renew {wanted} @alice --new-password-file password --out new.p12");
    assert!(desk.expect(0, &renew).contains("not due before 2033-12-31"));
    assert_eq!(server.server.connections(), asked);
    let said = json(&desk, &format!("{renew} --anyway --json"));
    assert_eq!(
        (&said["renewed"], &said["certificate"]["subject"]),
        (&true.into(), &"CN=Alice, emailAddress=alice@example.com".into())
    );
    let second = read("new.p12");
    assert_ne!(
        first.sole_identity().unwrap().certificate().spki(),
        second.sole_identity().unwrap().certificate().spki()
    );
}

#[test]
fn what_is_wrong_is_said_before_anybody_is_asked() {
    let (desk, server) = (Desk::plain(), ScepServer::start(|_| {}));
    let wanted = wanted(&server);
    for (line, why) in [
        (ALICE.replace("UserName=Alice", "DeviceId=x"), "has no value"),
        (ALICE.replace("{{UserName}}", "{{Nobody}}"), "no variable {{Nobody}}"),
        (ALICE.replace("UserName}}", "UserName}}|x"), "behind a variable"),
        (ALICE.replace("email=", "x400="), "email, upn, dns and uri"),
    ] {
        let said = desk.expect(2, &format!("scep enrol {wanted} {line} --out alice.p12"));
        assert!(said.contains(why), "{said}");
    }
    desk.expect(9, &format!("scep enrol {wanted} {ALICE} --bits 1024 --out alice.p12"));
    desk.expect(1, &format!("scep enrol {wanted} {ALICE} --out mail.eml"));
    assert_eq!(server.server.connections(), 0);
    let encrypt = format!("scep enrol {wanted} {ALICE} --key-usage encrypt --out alice.p12");
    assert!(desk.expect(0, &encrypt).contains("[scep_not_for_encryption]"));
}

#[test]
fn what_is_pending_is_kept_and_asked_for_later() {
    let (desk, server) = (Desk::plain(), ScepServer::start(|manner| manner.pending = 3));
    let wanted = wanted(&server);
    let said = desk.expect(1, &format!("scep enrol {wanted} {ALICE} --polls 1 --poll-interval 1 --out alice.p12"));
    assert!(said.contains("waits for somebody to decide") && said.contains("scep poll --pending"), "{said}");
    let poll = format!("scep poll {wanted} --pending alice.p12.pending --password-file password --out alice.p12");
    desk.expect(1, &format!("{poll} --polls 0"));
    desk.expect(0, &format!("{poll} --polls 0"));
    let kinds: Vec<_> = server.understood().iter().map(|asked| asked.message_type.clone()).collect();
    assert_eq!(kinds, ["19", "20", "20", "20"]);
    desk.expect(0, &format!("sign @alice --at {NOW} --out signed.eml mail.eml"));
}
