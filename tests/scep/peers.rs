//! Others' servers and clients: scepserver (micromdm) answers us, and strongSwan's `pki --scep` asks our authority.

use super::{Client, Enrolment, Error, complete, connector, contents, timeouts};
use crate::common::scep_server::{ScepServer, rsa_key};
use smime::asn1::oid;
use smime::crypto::random::SystemRandom;
use smime::fetch::scep::client::Session;
use smime::store::pem;
use smime::{Certificate, Time};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: {program}");
        eprintln!("skipped: not installed: {program}");
    }
    found
}

/// The peers look at a clock.
fn clock() -> Time {
    Time::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64)
}

/// scepserver in a folder of its own, until it is dropped.
struct Scepserver {
    process: Child,
    port: u16,
    ca: Certificate,
    _folder: tempfile::TempDir,
}

impl Scepserver {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new("scepserver");
            command.args(arguments).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        assert!(run(&["ca", "-init", "-depot", "depot"]).status().unwrap().success());
        let text = std::fs::read(folder.path().join("depot/ca.pem")).unwrap();
        let ca = Certificate::from_der(pem::read(&text).unwrap()[0].data.expose()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let options = ["-depot", "depot", "-port", &port, "-challenge", "secret", "-allowrenew", "0"];
        let process = run(&options).spawn().unwrap();
        let port = port.parse().unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "scepserver does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { process, port, ca, _folder: folder }
    }

    fn session(&self) -> Session {
        let url = format!("http://127.0.0.1:{}/scep", self.port).parse().unwrap();
        let client = Client::new(connector(timeouts()), &[url]).unwrap();
        let fingerprint = crate::common::hex(&self.ca.sha256()).parse().unwrap();
        Session::begin(client, &[fingerprint], clock()).unwrap()
    }
}

impl Drop for Scepserver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn scepserver_issues_and_renews() {
    if !is_installed("scepserver") {
        return;
    }
    let server = Scepserver::start();
    let session = server.session();
    let random = &mut SystemRandom;
    let first = Enrolment::first(contents().with_challenge("secret".into()), rsa_key(1), clock(), random).unwrap();
    let issued = complete(&session, &first, 0).unwrap();
    let own = issued.identity.certificate();
    assert_eq!(own.subject().common_name(), Some("Alice"));
    assert_eq!(issued.identity.chain(), std::slice::from_ref(&server.ca));
    // It issues for TLS, whatever is asked for.
    assert!(!own.extended_key_usage().unwrap().contains(&oid::EMAIL_PROTECTION));
    // It answers under DES and SHA-1, whatever it was asked with.
    let codes: Vec<_> = issued.notes.iter().map(|note| note.code).collect();
    assert!(["weak_digest", "weak_cipher"].iter().all(|code| codes.contains(code)), "{codes:?}");
    assert!(codes.contains(&"scep_other_extended_key_usage") && codes.contains(&"scep_other_subject"), "{codes:?}");

    let renewal = Enrolment::renewal(contents().with_challenge("secret".into()), rsa_key(2), &issued.identity).unwrap();
    let renewed = complete(&session, &renewal, 0).unwrap();
    assert_eq!(renewed.identity.certificate().spki(), rsa_key(2).public_key_spki());
    assert_ne!(renewed.identity.certificate().serial(), own.serial());

    let wrong = Enrolment::first(contents().with_challenge("guess".into()), rsa_key(3), clock(), random).unwrap();
    let refused = complete(&session, &wrong, 0).unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

fn strongswan(folder: &Path, url: &str, more: &[&str]) -> std::process::Output {
    let mut command = Command::new("pki");
    command.args(["--scep", "--url", url, "--in", "key.pem", "--dn", "CN=Bob", "--san", "bob@example.com"]);
    command.args(["--cacert-enc", "ca.pem", "--cacert-sig", "ca.pem", "--outform", "pem"]).args(more);
    command.current_dir(folder).output().unwrap()
}

#[test]
fn strongswan_is_served_by_our_authority() {
    if !is_installed("pki") {
        return;
    }
    let server = ScepServer::start(|manner| {
        // strongSwan 5.9.8 takes the number of a capability for its bit, and so SHA-384 for SCEPStandard.
        manner.capabilities = Some("AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-256\nSHA-384\nSCEPStandard\n");
        manner.challenge = Some("secret");
        manner.pending = 1;
    });
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, label: &str, der: &[u8]| {
        std::fs::write(folder.path().join(name), pem::write(label, der)).unwrap();
    };
    write("ca.pem", "CERTIFICATE", server.ca.certificate.der());
    write("key.pem", "PRIVATE KEY", rsa_key(5).to_pkcs8().unwrap().expose());
    let output = strongswan(folder.path(), &server.url(), &["--password", "secret", "--interval", "1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("unable to fetch") && server.server.connections() == 0 {
        // Its HTTP is a plug-in by itself (libstrongswan-extra-plugins).
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "{said}");
        eprintln!("skipped: pki has no plug-in for HTTP");
        return;
    }
    assert!(output.status.success(), "{said}");
    let certificate = Certificate::from_der(pem::read(&output.stdout).unwrap()[0].data.expose()).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=Bob");
    assert_eq!(certificate.spki(), rsa_key(5).public_key_spki());
    let kinds: Vec<_> = server.understood().iter().map(|asked| asked.message_type.clone()).collect();
    assert_eq!(kinds, ["19", "20"]);
}
