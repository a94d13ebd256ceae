//! The program: fetching is off unless it is asked for, and what it does then.

use crate::common::http_server::{Server, access_at, lists_at, ok};
use crate::common::lists::List;
use crate::common::people::{Authority, NOW, now};
use crate::{shelf, signed_mail};
use serde_json::Value;
use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::store::pem;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Desk {
    folder: tempfile::TempDir,
    root: Authority,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), root: Authority::root("Root") };
        desk.pem("root.pem", desk.root.certificate.der());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pem(&self, name: &str, der: &[u8]) {
        std::fs::write(self.path(name), pem::write("CERTIFICATE", der)).unwrap();
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
        command.current_dir(self.folder.path()).args(arguments.split(' ')).stdin(Stdio::null());
        command
    }

    /// Runs, expects an exit code, and gives what stands on standard output and on standard error.
    #[track_caller]
    fn expect(&self, code: i32, arguments: &str) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "smime {arguments}\n{stdout}\n{stderr}");
        (stdout, stderr)
    }
}

#[test]
fn sec_131_without_fetch_nobody_is_asked() {
    let (desk, (server, _shelf)) = (Desk::new(), shelf());
    let url = server.numeric_url("/root.crl");
    std::fs::write(desk.path("mail.eml"), signed_mail(&desk.root, &[&url])).unwrap();
    let leaf = desk.root.user("Bob", |t| {
        lists_at(t, &[&url]);
        access_at(t, &oid::AD_CA_ISSUERS, &[&url]);
    });
    desk.pem("bob.pem", leaf.der());
    let at = format!("--at {NOW}");
    desk.expect(0, &format!("verify --trust root.pem {at} mail.eml"));
    desk.expect(5, &format!("verify --trust root.pem --revocation hard {at} mail.eml"));
    desk.expect(0, &format!("open --trust root.pem --require signed-by-sender {at} mail.eml"));
    desk.expect(1, &format!("doctor --trust root.pem --revocation hard {at} mail.eml"));
    desk.expect(0, &format!("certs verify --trust root.pem {at} bob.pem"));
    desk.expect(5, &format!("certs verify --trust root.pem --revocation hard {at} bob.pem"));
    let (_, why) = desk.expect(2, &format!("verify --trust root.pem --allow-private-addresses {at} mail.eml"));
    assert!(why.contains("--allow-private-addresses means nothing without --fetch"), "{why}");
    // With --fetch, inner addresses are refused all the same.
    let (_, why) = desk.expect(5, &format!("verify --fetch --trust root.pem {at} mail.eml"));
    assert!(why.contains("[fetch_refused]"), "{why}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn fetching_is_asked_for_by_name() {
    let (desk, (server, shelf)) = (Desk::new(), shelf());
    let url = server.numeric_url("/root.crl");
    std::fs::write(desk.path("mail.eml"), signed_mail(&desk.root, &[&url])).unwrap();
    shelf.lock().unwrap().push(("/root.crl", List::default().signed(&desk.root)));
    let options = format!("--fetch --allow-host 127.0.0.1 --cache cache --trust root.pem --at {NOW}");
    let (report, told) = desk.expect(0, &format!("verify --json {options} mail.eml"));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["layers"][0]["signatures"][0]["revocation"], "good");
    assert!(told.contains(&format!("fetched from {url}")), "{told}");
    let (_, told) = desk.expect(0, &format!("open --require signed-by-sender {options} mail.eml"));
    assert!(told.contains("taken from the cache"), "{told}");
    desk.expect(0, &format!("doctor {options} mail.eml"));
    assert_eq!(server.connections(), 1);
    shelf.lock().unwrap().clear();
    let options = options.replace("--cache cache ", "");
    let (report, told) = desk.expect(5, &format!("verify --json {options} mail.eml"));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["layers"][0]["signatures"][0]["revocation"], "unknown");
    assert!(told.contains("the answer is status 404"), "{told}");
    desk.expect(0, &format!("verify --revocation soft {options} mail.eml"));
    desk.expect(1, &format!("doctor {options} mail.eml"));
    desk.expect(2, &format!("verify --total-timeout 0 {options} mail.eml"));
}

#[test]
fn out_083_the_administrators_times_bound_what_is_fetched() {
    let desk = Desk::new();
    let server = Server::start(|_, exchange| exchange.stall());
    std::fs::write(desk.path("mail.eml"), signed_mail(&desk.root, &[&server.numeric_url("/root.crl")])).unwrap();
    let config = r#"{"OWACRLConnectionTimeout": 60000, "OWACRLRetrievalTimeout": 300}"#;
    std::fs::write(desk.path("smimeconfig.json"), config).unwrap();
    let begun = Instant::now();
    let options = format!("--fetch --allow-host 127.0.0.1 --trust root.pem --at {NOW} --json");
    let (report, told) = desk.expect(5, &format!("verify {options} --policy smimeconfig.json mail.eml"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["layers"][0]["signatures"][0]["revocation"], "unknown", "{told}");
}

#[test]
fn out_99b_recipients_are_looked_up_where_their_certificates_say() {
    let (desk, (server, shelf)) = (Desk::new(), shelf());
    let sub = desk.root.authority("Sub", |t| lists_at(t, &[&server.numeric_url("/root.crl")]));
    let leaf = sub.user("Alice", |t| {
        t.key_usage = Some(KeyUsage::KEY_AGREEMENT);
        lists_at(t, &[&server.numeric_url("/sub.crl")]);
        access_at(t, &oid::AD_CA_ISSUERS, &[&server.numeric_url("/sub.cer")]);
    });
    desk.pem("alice.pem", leaf.der());
    std::fs::write(desk.path("mail.eml"), "From: bob@example.com\r\nTo: alice@example.com\r\n\r\nhello\r\n").unwrap();
    let files = |list: List| {
        vec![
            ("/sub.cer", sub.certificate.der().to_vec()),
            ("/root.crl", List::default().signed(&desk.root)),
            ("/sub.crl", list.signed(&sub)),
        ]
    };
    let encrypt = format!("encrypt --to-headers --certs alice.pem --at {NOW} --trust root.pem -o sealed.eml --force");
    let fetching = format!("{encrypt} --fetch --allow-host 127.0.0.1 mail.eml");
    *shelf.lock().unwrap() = files(List::default());
    // Without its issuer the chain ends nowhere; with what is fetched it holds.
    desk.expect(7, &format!("{encrypt} mail.eml"));
    assert_eq!(server.connections(), 0);
    desk.expect(0, &fetching);
    *shelf.lock().unwrap() = files(List::of(&leaf));
    let (_, told) = desk.expect(7, &fetching);
    assert!(told.contains("revoked"), "{told}");
    shelf.lock().unwrap().retain(|(path, _)| *path != "/sub.crl");
    desk.expect(7, &fetching);
    desk.expect(0, &fetching.replace("--fetch", "--revocation soft --fetch"));
    let plan = fetching.replace("encrypt --to-headers", "plan").replace("-o sealed.eml --force ", "");
    desk.expect(7, &plan);
    desk.expect(2, &fetching.replace("--trust root.pem ", ""));
}

#[test]
fn out_026_crl_check_tells_the_number_of_activesync() {
    let (desk, (server, shelf)) = (Desk::new(), shelf());
    let at = |path: &str| server.numeric_url(path);
    let sub = desk.root.authority("Sub", |t| lists_at(t, &[&at("/root.crl")]));
    let leaf = sub.user("Alice", |t| {
        lists_at(t, &[&at("/sub.crl")]);
        access_at(t, &oid::AD_CA_ISSUERS, &[&at("/sub.cer")]);
    });
    desk.pem("alice.pem", leaf.der());
    desk.pem("other.pem", Authority::root("Other").certificate.der());
    let stale = List { this_update: now().plus(-90_000), next_update: Some(now().plus(-9)), ..List::default() };
    let good = || List::default();
    let rows = [
        (0, 1, "root.pem", Some(good()), Some(good())),
        (5, 13, "root.pem", Some(good()), Some(List::of(&leaf))),
        (5, 15, "root.pem", Some(List::of(&sub.certificate)), Some(good())),
        (5, 4, "other.pem", Some(good()), Some(good())),
        (5, 14, "root.pem", None, Some(good())),
        (5, 14, "root.pem", Some(good()), None),
        (5, 16, "root.pem", Some(good()), Some(stale)),
    ];
    for (code, status, trust, above, below) in rows {
        let mut files = vec![("/sub.cer", sub.certificate.der().to_vec())];
        files.extend(above.map(|list| ("/root.crl", list.signed(&desk.root))));
        files.extend(below.map(|list| ("/sub.crl", list.signed(&sub))));
        *shelf.lock().unwrap() = files;
        let line = format!("crl check --json --allow-private-addresses --trust {trust} --at {NOW} alice.pem");
        let (answer, _) = desk.expect(code, &line);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&answer["activesync_status"], &answer["version"]), (&status.into(), &1.into()), "{answer:#}");
        assert_eq!(answer["met"], code == 0);
        assert_eq!(answer["fetched"][0]["what"], "issuer");
        // OUT-145: nobody else can fetch these.
        let inner = answer["notes"].as_array().unwrap().iter().any(|note| note["code"] == "crl_not_public");
        assert_eq!(inner, status != 4, "{answer:#}");
    }
    let line = format!("crl check --allow-private-addresses --trust root.pem --at {NOW} alice.pem");
    let (words, _) = desk.expect(5, &line);
    assert!(words.starts_with("Status: 16 ") && words.contains("Reason: "), "{words}");
}

#[test]
fn crl_fetch_shows_and_keeps_lists() {
    let (desk, (server, shelf)) = (Desk::new(), shelf());
    let list = List { number: Some(0x1234), ..List::default() }.signed(&desk.root);
    *shelf.lock().unwrap() = vec![("/root.crl?x=../../y", list.clone()), ("/page", b"<html>".to_vec())];
    desk.pem("other.pem", Authority::root("Root").certificate.der());
    let url = server.numeric_url("/root.crl?x=../../y");
    let line = |rest: &str| format!("crl fetch --allow-private-addresses --at {NOW} {rest}");
    let (answer, _) = desk.expect(0, &line(&format!("--json --issuer root.pem --dir lists {url}")));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let one = &answer["lists"][0];
    assert_eq!((&one["number"], &one["signature"], &one["current"]), (&"1234".into(), &"right".into(), &true.into()));
    assert_eq!(std::fs::read(desk.path("lists/root.crl")).unwrap(), list);
    desk.expect(1, &line(&format!("--dir lists {url}")));
    desk.expect(0, &line(&format!("--dir lists --force {url}")));
    let (words, _) = desk.expect(5, &line(&format!("--issuer other.pem {url}")));
    assert!(words.contains("signature  wrong"), "{words}");
    let (words, _) = desk.expect(5, &format!("crl fetch --allow-private-addresses --at 2036-01-01T00:00:00Z {url}"));
    assert!(words.contains("which is not now"), "{words}");
    for (code, url, why) in [
        (8, server.numeric_url("/page"), "fetch_unusable"),
        (1, server.numeric_url("/gone"), "fetch_failed"),
        (1, "ldap://a.example/x".to_owned(), "fetch_refused"),
        (1, "https://a.example/x".to_owned(), "fetch_refused"),
    ] {
        let (_, told) = desk.expect(code, &line(&url));
        assert!(told.contains(why), "{told}");
    }
    // The cache answers once the list is in it.
    for _ in 0..2 {
        desk.expect(0, &line(&format!("--cache cache --issuer root.pem {url}")));
    }
    let fetched = server.targets().iter().filter(|target| target.contains("root.crl")).count();
    assert_eq!(fetched, 6);
}

#[test]
fn sec_139_killed_writers_leave_a_cache_that_works() {
    let desk = Desk::new();
    // Large enough for the writing to take its time.
    let entries = (0..60_000u64).map(|number| crate::common::lists::entry(&number.to_be_bytes(), None, &[]));
    let list = List { entries: entries.collect(), ..List::default() }.signed(&desk.root);
    let server = Server::start(move |_, exchange| {
        exchange.send(&ok(&list));
    });
    let line = format!(
        "crl fetch -q --allow-private-addresses --at {NOW} --cache cache --issuer root.pem {}",
        server.numeric_url("/root.crl")
    );
    let mut killed = 0;
    for round in 0..24u64 {
        let mut child = desk.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 12));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(folder) = std::fs::read_dir(desk.path("cache")) {
            // Whatever bears the name of an entry is one.
            for file in folder.map(|file| file.unwrap().path()) {
                if file.extension().is_some_and(|extension| extension == "fetched") {
                    let before = server.connections();
                    desk.expect(0, &line);
                    assert_eq!(server.connections(), before, "the cache was not used");
                    std::fs::remove_file(file).unwrap();
                }
            }
        }
    }
    assert!(killed > 5, "only {killed} were killed before they ended");
    desk.expect(0, &line);
    let before = server.connections();
    desk.expect(0, &line);
    assert_eq!(server.connections(), before);
}
