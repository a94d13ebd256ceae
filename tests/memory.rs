//! Constant memory: each verb on a message of 1 GiB, file to file, within 8 MiB of resident memory above start. Each runs
//! in a process of its own, this test program started anew, so that one high-water mark says nothing of another. Measured in
//! release builds only; `SMIME_MEMORY_MIB` sets another size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::people::{Authority, now, years};
use smime::crypto::algorithm::ContentCipher;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::store::{p12, pem};
use smime::{
    Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Secret,
    Signer, Trust,
};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const MOST_MIB: u64 = 8;
const VERBS: [&str; 10] = [
    "clear-sign",
    "verify-clear",
    "opaque-sign",
    "verify-opaque",
    "encrypt-cbc",
    "open-cbc",
    "encrypt-gcm",
    "open-gcm",
    "encrypt-signed",
    "open-signed",
];

#[test]
fn every_verb_keeps_to_eight_mebibytes() {
    if let Ok(verb) = std::env::var("SMIME_MEMORY_VERB") {
        return child(&verb, Path::new(&std::env::var_os("SMIME_MEMORY_DIR").unwrap()));
    }
    if cfg!(debug_assertions) {
        eprintln!("skipped: memory is measured in release builds (cargo test --release --test memory)");
        return;
    }
    let mebibytes: u64 = std::env::var("SMIME_MEMORY_MIB").ok().map_or(1024, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path(), mebibytes);
    let mut worst = 0;
    for verb in VERBS {
        let start = Instant::now();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "every_verb_keeps_to_eight_mebibytes", "--nocapture"])
            .env("SMIME_MEMORY_VERB", verb)
            .env("SMIME_MEMORY_DIR", folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{verb}: {text}{}", String::from_utf8_lossy(&output.stderr));
        let grown: u64 = text.split("grown-kib=").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        let seconds = start.elapsed().as_secs_f64();
        println!("memory {verb}: {:.1} MiB above start, {mebibytes} MiB in {seconds:.1} s", grown as f64 / 1024.0);
        worst = worst.max(grown);
    }
    assert!(worst <= MOST_MIB * 1024, "{worst} KiB above start, and {MOST_MIB} MiB are allowed");
}

/// Keys, certificates, and a mail with a text and a large attachment.
fn prepare(folder: &Path, mebibytes: u64) {
    let ca = Authority::root("Memory CA");
    std::fs::write(folder.join("ca.pem"), pem::write("CERTIFICATE", ca.certificate.der())).unwrap();
    let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
    let usage =
        smime::cert::extension::KeyUsage::DIGITAL_SIGNATURE.and(smime::cert::extension::KeyUsage::KEY_AGREEMENT);
    let template = smime::cert::issue::CertificateTemplate::new(
        common::people::common_name("Alice"),
        Some(&ca.certificate),
        &common::people::serial(),
        years(),
        &key.public_key_spki(),
    );
    let certificate = ca.issue(&template.for_mail(&["alice@example.com".parse().unwrap()], usage));
    let chain = [certificate, ca.certificate.clone()];
    let password = Secret::from("memory");
    let file = p12::write(
        &key.to_pkcs8().unwrap(),
        &chain,
        "alice",
        &password,
        p12::Profile::Modern,
        &mut smime::crypto::random::SystemRandom,
    )
    .unwrap();
    std::fs::write(folder.join("alice.p12"), file).unwrap();
    let mut mail = BufWriter::new(File::create(folder.join("mail.eml")).unwrap());
    mail.write_all(b"From: alice@example.com\r\nTo: alice@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=large\r\n\r\n--large\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n--large\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n").unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut line = [0u8; 78];
    line[76..].copy_from_slice(b"\r\n");
    for _ in 0..mebibytes * (1 << 20) / 78 {
        for octet in line.iter_mut().take(76) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *octet = alphabet[(state >> 58) as usize];
        }
        mail.write_all(&line).unwrap();
    }
    mail.write_all(b"--large--\r\n").unwrap();
    mail.flush().unwrap();
}

struct World {
    folder: PathBuf,
    alice: Identity,
    trust: Trust,
}

fn child(verb: &str, folder: &Path) {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let password = Secret::from("memory");
    let import =
        smime::store::import::read(&read("alice.p12"), Some(&password), &Default::default(), &Limits::default())
            .unwrap();
    let ca = smime::store::import::read(&read("ca.pem"), None, &Default::default(), &Limits::default()).unwrap();
    let world = World {
        folder: folder.to_owned(),
        alice: import.sole_identity().unwrap().clone(),
        trust: Trust::new(ca.certificates),
    };
    let before = resident();
    match verb {
        "clear-sign" => world.sign(false),
        "opaque-sign" => world.sign(true),
        "verify-clear" => world.open("clear-sign", Requirement::SignedBySender),
        "verify-opaque" => world.open("opaque-sign", Requirement::SignedBySender),
        "encrypt-cbc" => world.encrypt("mail.eml", verb, ContentCipher::Aes256Cbc),
        "encrypt-gcm" => world.encrypt("mail.eml", verb, ContentCipher::Aes256Gcm),
        "encrypt-signed" => world.encrypt("clear-sign", verb, ContentCipher::Aes256Gcm),
        "open-cbc" => world.open("encrypt-cbc", Requirement::Unaltered),
        "open-gcm" => world.open("encrypt-gcm", Requirement::Unaltered),
        "open-signed" => world.open("encrypt-signed", Requirement::SignedBySender),
        other => panic!("{other}"),
    }
    println!("grown-kib={}", resident().saturating_sub(before));
}

impl World {
    fn sign(&self, opaque: bool) {
        let policy = Policy::default();
        let signer = Signer::new(&self.alice, &policy).unwrap();
        let (signer, name) = if opaque { (signer.opaque(), "opaque-sign") } else { (signer, "clear-sign") };
        let message = Message::from_file(File::open(self.folder.join("mail.eml")).unwrap()).unwrap();
        let mut out = BufWriter::new(File::create(self.folder.join(name)).unwrap());
        signer.sign_to(&message, now(), &mut out).unwrap();
        out.flush().unwrap();
    }

    fn encrypt(&self, from: &str, to: &str, cipher: ContentCipher) {
        let mut policy = Policy::default();
        policy.content_cipher = cipher;
        let directory = Certificates(vec![self.alice.certificate().clone()]);
        let plan = RecipientPlan::resolve(&["alice@example.com".parse().unwrap()], &directory, &policy, None, now());
        let message = Message::from_file(File::open(self.folder.join(from)).unwrap()).unwrap();
        let mut out = BufWriter::new(File::create(self.folder.join(to)).unwrap());
        Encryptor::new(&plan.all().unwrap(), &policy).encrypt_to(&message, &mut out).unwrap();
        out.flush().unwrap();
    }

    /// Opens into a file, which must be what the mail's protected part was.
    fn open(&self, from: &str, requirement: Requirement) {
        let policy = Policy::default();
        let ring = Keyring::new(vec![self.alice.clone()]);
        let file = File::open(self.folder.join(from)).unwrap();
        let opened = Opener::new(&self.trust, &policy).with_keys(&ring).open_file(file, now()).unwrap();
        let trusted = opened.require(requirement).map_err(|r| r.reasons().to_vec()).unwrap();
        let mut out = BufWriter::new(File::create(self.folder.join("content")).unwrap());
        let copied = trusted.copy_to(&mut out).unwrap();
        out.flush().unwrap();
        let expected = self.entity_sha256();
        assert_eq!(copied.sha256, expected, "what came out is not what went in");
    }

    /// Of the mail's Content-* fields and body, read in small pieces.
    fn entity_sha256(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        use std::io::Read;
        let mut file = File::open(self.folder.join("mail.eml")).unwrap();
        let mut head = vec![0; 400];
        file.read_exact(&mut head).unwrap();
        let skip = head.windows(13).position(|w| w == b"Content-Type:").unwrap();
        let mut hasher = Sha256::new();
        hasher.update(&head[skip..]);
        let mut block = vec![0; 64 << 10];
        loop {
            let count = file.read(&mut block).unwrap();
            if count == 0 {
                return hasher.finalize().into();
            }
            hasher.update(&block[..count]);
        }
    }
}

/// The high-water mark of this process's resident memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
