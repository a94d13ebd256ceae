//! .msg files as they come: Outlook's own from the corpus, through the library and the program; damaged ones; and one of
//! 64 MiB, which must not be in memory.

#![cfg(feature = "msg")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "msg/make.rs"]
mod make;

use common::{corpus, entries, hex, text};
use make::Maker;
use serde_json::Value;
use sha2::{Digest, Sha256};
use smime::open::msg;
use smime::open::report::{Address, LayerKind, Report};
use smime::store::import::{self, ImportOptions};
use smime::store::msg::Msg;
use smime::{Keyring, Limits, Opener, Policy, Requirement, Secret, Trust};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What two readings of one message have to agree on.
#[derive(Debug, PartialEq)]
struct Outcome {
    layers: Vec<String>,
    addresses: Vec<Address>,
    content: String,
}

fn outcome(report: &Report, content: String) -> Outcome {
    let kind = |kind: &LayerKind| match kind {
        LayerKind::Signed(signed) => {
            let integrity: Vec<_> = signed.signatures.iter().map(|s| s.integrity).collect();
            format!("signed {:?} {integrity:?}", signed.form)
        }
        LayerKind::Encrypted(encrypted) => format!("encrypted, opened: {}", encrypted.opened_with.is_some()),
        other => format!("{other:?}"),
    };
    let signatures = report.covering_signatures().flat_map(|layer| &layer.signatures);
    Outcome {
        layers: report.layers.iter().map(|layer| kind(&layer.kind)).collect(),
        addresses: signatures.map(|s| s.address).collect(),
        content,
    }
}

fn ring(corpus: &Path) -> Keyring {
    let mut ring = Keyring::default();
    for (name, password) in [("smime-1", "smime1"), ("smime-2", "smime2")] {
        let bytes = std::fs::read(corpus.join(format!("hiraoka-smime-samples/certs/{name}-secret.pfx"))).unwrap();
        let import = import::read(&bytes, Some(&Secret::from(password)), &ImportOptions::default(), &Limits::default());
        import.unwrap().identities.iter().cloned().for_each(|identity| ring.add(identity));
    }
    ring
}

#[test]
fn outlooks_own_files_have_the_outcome_of_the_mail_beside_them() {
    let Some(corpus) = corpus() else { return };
    let (ring, trust, policy) = (ring(&corpus), Trust::default(), Policy::default());
    let opener = Opener::new(&trust, &policy).with_keys(&ring);
    let now = common::people::now();
    let entries = entries(&corpus);
    let files: Vec<&Value> = entries.iter().filter(|e| text(e, "kind") == "msg-cfb").collect();
    assert_eq!(files.len(), 12);
    for entry in files {
        let path = text(entry, "path");
        let bytes = std::fs::read(corpus.join(path)).unwrap();
        let mut msg = Msg::open(Cursor::new(&bytes), &Limits::default()).unwrap();
        if let Some(expected) = entry["attachment_sha256"].as_str() {
            let attachments = msg.attachments().unwrap();
            let source = msg.into_attachment(&attachments[0]).unwrap().unwrap();
            assert_eq!(hex(&Sha256::digest(source.as_slice().unwrap())), expected, "{path}");
        }
        let mail = msg::read(Cursor::new(&bytes), &Limits::default()).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(mail.class, text(entry, "message_class"));
        let open = |opened: smime::Opened<'_>| {
            let report = opened.report().clone();
            let trusted = opened.require(Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap();
            let digest = hex(&trusted.copy_to(&mut std::io::sink()).unwrap().sha256);
            outcome(&report, digest)
        };
        let found = open(opener.with_notes(&mail.notes).open_source(mail.source, now).unwrap());
        println!("{path}: {found:?} {:?}", mail.notes);
        if let Some(expected) = entry["plaintext_sha256"].as_str().filter(|_| found.layers.len() == 1) {
            assert_eq!(found.content, expected, "{path}");
        }
        // What was sent lies there as .msg only; it is the same mail.
        let beside = path.replace(".msg", ".eml").replace("sent-from-smime1", "received-at-smime2");
        let eml = std::fs::read(corpus.join(beside)).unwrap();
        let expected = open(opener.open(&eml, now).unwrap());
        let protected = text(entry, "message_class") != "IPM.Note";
        let content = if protected { expected.content.clone() } else { found.content.clone() };
        assert_eq!(found, Outcome { content, ..expected }, "{path}");
        assert_eq!(protected, !found.layers.is_empty(), "{path}");
        if protected && path.contains("signed") {
            assert_eq!(found.addresses, [Address::Matches], "{path}");
        }
    }
}

#[cfg(feature = "cli")]
#[test]
fn the_program_reads_msg_files_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str], stdin: Option<&Path>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_smime"));
        command.current_dir(folder.path()).args(args).args(["--no-input"]);
        command.stdin(stdin.map_or_else(std::process::Stdio::null, |path| File::open(path).unwrap().into()));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let plain = folder.path().join("plain.msg");
    std::fs::write(&plain, Maker::new("IPM.Note").text(0x1000, Some("hello")).bytes()).unwrap();
    let (code, report, _) = run(&["verify", "plain.msg"], None);
    assert_eq!(code, 3, "{report}");
    assert!(report.contains("Nobody signed this message") && report.contains("alice@example.com"), "{report}");
    let (code, report, _) = run(&["verify", "--json", "-"], Some(&plain));
    assert_eq!(code, 3);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["notes"][0]["code"], "msg_headers_rebuilt");
    assert!(run(&["sign", "--identity", "none.p12", "plain.msg"], None).0 != 0);
    std::fs::write(folder.path().join("cut.eml"), &std::fs::read(&plain).unwrap()[..700]).unwrap();
    let (code, _, said) = run(&["inspect", "cut.eml"], None);
    assert_eq!(code, 8, "{said}");
    assert!(said.contains("the .msg file is damaged"), "{said}");
    let Some(corpus) = corpus() else { return };
    let samples = corpus.join("hiraoka-smime-samples");
    std::fs::write(folder.path().join("password"), "smime2\n").unwrap();
    let key = samples.join("certs/smime-2-secret.pfx").display().to_string();
    let sample = |kind: &str| {
        samples.join(format!("received-at-smime2/Message from smime1 to smime2 ({kind}).msg")).display().to_string()
    };
    let identity = ["--identity", &key, "--password-file", "password"];
    let (code, content, said) =
        run(&[&["open"], &identity[..], &["--require", "none", &sample("encrypted")]].concat(), None);
    assert_eq!(code, 0, "{said}");
    let entries = entries(&corpus);
    let entry = entries.iter().find(|e| sample("encrypted").ends_with(text(e, "path"))).unwrap();
    assert_eq!(hex(&Sha256::digest(content)), text(entry, "plaintext_sha256"));
    let (code, report, said) = run(&["verify", "--require", "unaltered", &sample("signed")], None);
    assert_eq!(code, 0, "{report}{said}");
    let (code, outline, said) = run(&["inspect", &sample("signed")], None);
    assert_eq!(code, 0, "{said}");
    assert!(outline.contains("multipart/signed") && said.contains("msg_headers"), "{outline}{said}");
}

/// Reads whatever it is, and says whether it was a .msg file; what opens is looked at to its end.
fn survive(bytes: &[u8]) -> bool {
    let Ok(mail) = msg::read(Cursor::new(bytes), &Limits::default()) else { return false };
    let (trust, policy) = (Trust::default(), Policy::default());
    let opened = Opener::new(&trust, &policy).with_notes(&mail.notes).open_source(mail.source, common::people::now());
    if let Ok(opened) = opened {
        let _ = opened.report().to_string();
        assert!(opened.require(Requirement::Trusted).is_err());
    }
    true
}

fn sample() -> Vec<u8> {
    let mut body =
        b"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=x\r\n\r\n--x\r\n\r\n"
            .to_vec();
    body.extend(vec![b'a'; 9_000]);
    body.extend(b"\r\n--x\r\nContent-Type: application/pkcs7-signature\r\n\r\n0\r\n--x--\r\n");
    Maker::holding("IPM.Note.SMIME.MultipartSigned", &body).content_type("multipart/signed").bytes()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn truncated_files_are_refused_or_read_and_never_panic() {
    let whole = sample();
    assert!(survive(&whole));
    let mut read = 0;
    for cut in (0..whole.len()).step_by(61).chain(0..600).chain(whole.len() - 600..whole.len()) {
        read += usize::from(survive(&whole[..cut]));
    }
    assert_eq!(read, 0, "truncations that still open");
}

#[test]
fn every_byte_of_the_header_the_fat_and_the_directory_may_be_wrong() {
    let whole = sample();
    let sector = |number: u32| (number as usize + 1) * 512;
    let (fat, directory, mini) = (sector(word(&whole, 76)), sector(word(&whole, 48)), sector(word(&whole, 60)));
    let properties = whole.windows(16).position(|w| w[..4] == [0x40, 0, 0x39, 0]).unwrap();
    let mut broken = whole.clone();
    for start in [0, fat, directory, mini, properties] {
        for at in start..(start + 512).min(whole.len()) {
            for flip in [0x01, 0xff] {
                broken[at] ^= flip;
                survive(&broken);
                broken[at] = whole[at];
            }
        }
    }
}

#[test]
fn chains_in_a_circle_and_sizes_beyond_the_file_are_refused() {
    let whole = sample();
    let fat = (word(&whole, 76) as usize + 1) * 512;
    let sectors = whole.len() / 512 - 1;
    // Each FAT entry leads to each of some sectors: to itself, to its neighbours, past the end.
    for entry in 0..sectors.min(128) {
        for to in
            [entry as u32, 0, entry as u32 + 1, entry.saturating_sub(1) as u32, 0x00ff_ffff, 0xffff_fffa, 0xffff_fffb]
        {
            let mut broken = whole.clone();
            broken[fat + 4 * entry..fat + 4 * entry + 4].copy_from_slice(&to.to_le_bytes());
            survive(&broken);
        }
    }
    // Each directory entry claims more bytes than there are, with its chain where it is.
    let name: Vec<u8> = make::utf16("__substg1.0_37010102");
    let entry = whole.windows(name.len()).position(|w| w == name).unwrap();
    for size in [u32::MAX, 0x7fff_ffff, whole.len() as u32 + 1, whole.len() as u32, 10_000] {
        let mut broken = whole.clone();
        broken[entry + 120..entry + 124].copy_from_slice(&size.to_le_bytes());
        let Err(error) = msg::read(Cursor::new(&broken), &Limits::default()).map(|_| ()) else {
            panic!("{size} bytes were believed");
        };
        assert!(error.to_string().contains("37010102"), "{error}");
    }
}

#[test]
fn more_entries_and_larger_properties_than_the_limits_allow_are_refused() {
    let mut limits = Limits::default();
    limits.msg_entries = 16;
    let error = msg::read(Cursor::new(sample()), &limits).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("the directory of the .msg file takes 5 sectors"), "{error}");
    let long = Maker::new("IPM.Note").text(0x0037, Some(&"a".repeat(501))).bytes();
    let mut limits = Limits::default();
    limits.msg_property_bytes = 1000;
    let error = msg::read(Cursor::new(long), &limits).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("1002 bytes, where at most 1000"), "{error}");
}

/// In a process of its own, this test program started anew, so that its high-water mark is that of the reading alone.
#[test]
fn an_attachment_of_64_mebibytes_is_never_in_memory() {
    // The crate that reads compound files keeps the table of their sectors, which is in proportion to the file.
    let mebibytes: u64 = std::env::var("SMIME_MSG_MIB").ok().map_or(64, |text| text.parse().unwrap());
    let most_kib = (12 << 10) + mebibytes * 48;
    let name = "an_attachment_of_64_mebibytes_is_never_in_memory";
    if let Some(path) = std::env::var_os("SMIME_MSG_FILE") {
        let before = resident();
        let mail = msg::read(File::open(path).unwrap(), &Limits::default()).unwrap();
        let (trust, policy) = (Trust::default(), Policy::default());
        let opened = Opener::new(&trust, &policy).open_source(mail.source, common::people::now()).unwrap();
        let trusted = opened.require(Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap();
        let copied = trusted.copy_to(&mut std::io::sink()).unwrap();
        println!("copied={} grown-kib={}", copied.bytes, resident() - before);
        return;
    }
    if resident() == 0 {
        eprintln!("skipped: this system does not tell how much memory a process has");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.msg");
    let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    let lines = std::iter::repeat_n([b'a'; 1022], usize::try_from(mebibytes << 10).unwrap())
        .flat_map(|line| line.into_iter().chain(*b"\r\n"));
    let mut body = Cursor::new(lines.collect::<Vec<u8>>());
    let head = b"Content-Type: text/plain\r\n\r\n";
    Maker::holding("IPM.Note.SMIME.MultipartSigned", head).write_to(file, &mut body).flush().unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("SMIME_MSG_FILE", &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number =
        |key: &str| -> u64 { said.split(key).nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap() };
    println!("{mebibytes} MiB: {} KiB above start", number("grown-kib="));
    assert!(number("copied=") > mebibytes << 20, "{said}");
    assert!(number("grown-kib=") <= most_kib, "{said}");
}

/// An input of which only what is asked for is counted.
struct Counting<R>(R, std::sync::Arc<std::sync::atomic::AtomicU64>);

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(into)?;
        self.1.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_mail_is_made_without_reading_its_attachment() {
    let mut body = Cursor::new(vec![b'a'; 8 << 20]);
    let maker = Maker::holding("IPM.Note.SMIME.MultipartSigned", b"Content-Type: text/plain\r\n\r\n");
    let bytes = maker.write_to(Cursor::new(Vec::new()), &mut body).into_inner();
    let read = std::sync::Arc::default();
    let mail = msg::read(Counting(Cursor::new(&bytes), std::sync::Arc::clone(&read)), &Limits::default()).unwrap();
    let count = read.load(std::sync::atomic::Ordering::Relaxed);
    assert!(count < 3 << 20, "{count} bytes were read of {}", bytes.len());
    assert!(mail.source.length().unwrap() > 8 << 20);
}

/// The high-water mark of this process's resident memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
