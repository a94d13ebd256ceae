//! openssl as the authority: `openssl ca -gencrl` makes the lists, and `openssl ocsp -port` is the responder.

use crate::common::http_server::{Server, access_at, connector, lists_at, refused_port};
use crate::common::people::Authority;
use smime::asn1::oid;
use smime::cert::chain::ChainRequest;
use smime::cert::revocation::RevocationStatus;
use smime::cert::status::ValidationStatus;
use smime::fetch::connect::Timeouts;
use smime::fetch::revocation::{Fetcher, Nonces};
use smime::store::pem;
use smime::{Certificate, Crl, Limits, RevocationData, RevocationMode, Time};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CONFIGURATION: &str = "[ca]\ndefault_ca = one\n[one]\ndatabase = index.txt\ndefault_md = sha256\n\
                             default_crl_days = 3\ncrlnumber = number\n";

fn is_installed() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: openssl");
        eprintln!("skipped: not installed: openssl");
    }
    found
}

/// A folder in which openssl is this authority, which revoked one certificate of two.
fn desk(root: &Authority, good: &Certificate, revoked: &Certificate) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("root.pem", &pem::write("CERTIFICATE", root.certificate.der()));
    write("root.key", &pem::write("PRIVATE KEY", root.key_der().expose()));
    write("ca.cnf", CONFIGURATION);
    write("number", "1000\n");
    let index = format!(
        "V\t360101000000Z\t\t{}\tunknown\t/CN=Good\nR\t360101000000Z\t260601000000Z,keyCompromise\t{}\tunknown\t/CN=Revoked\n",
        good.serial_hex().to_uppercase(),
        revoked.serial_hex().to_uppercase()
    );
    write("index.txt", &index);
    folder
}

fn run(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// ActiveSync's number, with everything fetched.
fn judge(fetcher: &Fetcher, leaf: &Certificate, root: &Authority, at: Time) -> (u8, RevocationStatus) {
    let (limits, trust, nothing) = (Limits::default(), root.trust(), RevocationData::default());
    let request = ChainRequest { revocation: &[&nothing], ..ChainRequest::new(leaf, &trust, at, &limits) };
    let (outcome, _) = fetcher.build(&request);
    (ValidationStatus::of(&request, &outcome, RevocationMode::Hard).number(), outcome.revocation())
}

#[test]
fn lists_of_openssl() {
    if !is_installed() {
        return;
    }
    let root = Authority::root("Root");
    let list: std::sync::Arc<std::sync::OnceLock<Vec<u8>>> = std::sync::Arc::default();
    let shelf = std::sync::Arc::clone(&list);
    let server = Server::start(move |_, exchange| {
        exchange.send(&crate::common::http_server::ok(shelf.get().unwrap()));
    });
    let user = |name: &str| root.user(name, |t| lists_at(t, &[&server.url("/ca.crl")]));
    let (good, revoked) = (user("Good"), user("Revoked"));
    let desk = desk(&root, &good, &revoked);
    run(desk.path(), "ca -config ca.cnf -gencrl -cert root.pem -keyfile root.key -out ca.pem");
    run(desk.path(), "crl -in ca.pem -outform DER -out ca.crl");
    // As PEM, too, which some authorities publish.
    for file in ["ca.crl", "ca.pem"] {
        let bytes = std::fs::read(desk.path().join(file)).unwrap();
        let der =
            if pem::is_pem(&bytes) { pem::read(&bytes).unwrap()[0].data.expose().to_vec() } else { bytes.clone() };
        let at = Crl::from_der(&der, &Limits::default()).unwrap().this_update().unwrap();
        let _ = list.set(bytes);
        let fetcher = Fetcher::new(connector(Timeouts::default()));
        assert_eq!(judge(&fetcher, &good, &root, at), (1, RevocationStatus::Good), "{file}");
        assert_eq!(judge(&fetcher, &revoked, &root, at).0, 13, "{file}");
        assert_eq!(judge(&fetcher, &good, &root, at.plus(4 * 86_400)).0, 16, "{file}");
    }
}

/// Ends with the test.
struct Responder(Child);

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn responses_of_openssl_over_http() {
    if !is_installed() {
        return;
    }
    let root = Authority::root("Root");
    let port = refused_port();
    let url = format!("http://127.0.0.1:{port}/");
    let user = |name: &str| root.user(name, |t| access_at(t, &oid::AD_OCSP, &[&url]));
    let (good, revoked, stranger) = (user("Good"), user("Revoked"), user("Stranger"));
    let desk = desk(&root, &good, &revoked);
    let arguments =
        format!("ocsp -index index.txt -CA root.pem -rsigner root.pem -rkey root.key -port {port} -ndays 2");
    let child = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(desk.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _responder = Responder(child.unwrap());
    // It answers by its own clock.
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let at = Time::from_unix(clock.try_into().unwrap()).plus(60);
    for nonces in [Nonces::Demanded, Nonces::Sent, Nonces::Off] {
        let fetcher = Fetcher::new(connector(Timeouts::default())).with_nonces(nonces);
        let mut answer = judge(&fetcher, &good, &root, at);
        // It takes a moment until it listens.
        for _ in 0..100 {
            if answer.0 != 14 {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            answer = judge(&fetcher, &good, &root, at);
        }
        assert_eq!(answer, (1, RevocationStatus::Good), "{nonces:?}");
        assert_eq!(judge(&fetcher, &revoked, &root, at).0, 13, "{nonces:?}");
        assert_eq!(judge(&fetcher, &stranger, &root, at).0, 16, "{nonces:?}");
    }
}
