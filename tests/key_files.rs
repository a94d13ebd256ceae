//! Key files as programs really write them: passwords, and the private keys beside the corpus's messages. Its PKCS#12
//! files with their outcomes are in tests/corpus.rs.
//!
//! The corpus is not part of the package. It is looked for in `SMIME_CORPUS`, else in `../shared/corpus`; where it is not
//! there, these tests say so and pass.

#![allow(clippy::unwrap_used)] // helpers of tests are not seen as tests

use smime::store::Error;
use smime::store::import::{self, Import, ImportOptions};
use smime::store::p12::MissingMac;
use smime::{Limits, Secret};
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("SMIME_CORPUS").map_or_else(default, PathBuf::from);
    if folder.join("manifest.json").is_file() {
        return Some(folder);
    }
    println!("SKIPPED: there is no corpus at {}; set SMIME_CORPUS", folder.display());
    None
}

fn read(bytes: &[u8], password: Option<&str>) -> Result<Import, Error> {
    let options = ImportOptions::default().missing_mac(MissingMac::Accept);
    import::read(bytes, password.map(Secret::from).as_ref(), &options, &Limits::default())
}

#[test]
fn a_wrong_password_has_one_answer() {
    let Some(folder) = corpus() else { return };
    for path in
        ["thunderbird/smime/Bob.p12", "openssl/pkcs12_data/pbmac1_512_512.good.p12", "openssl/misc/test-BER.p12"]
    {
        let bytes = std::fs::read(folder.join(path)).unwrap();
        for password in ["wrong", "", "\u{3c3}"] {
            let error = read(&bytes, Some(password)).unwrap_err();
            assert!(matches!(error, Error::WrongPasswordOrCorrupt), "{path}: {error}");
        }
        assert!(matches!(read(&bytes, None).unwrap_err(), Error::PasswordNeeded { .. }), "{path}");
    }
}

#[test]
fn every_private_key_beside_the_messages() {
    let Some(folder) = corpus() else { return };
    let mut files = Vec::new();
    for part in ["rt", "hiraoka-smime-samples/certs", "nextcloud-mail", "openssl/smime-certs"] {
        walk(&folder.join(part), &mut files);
    }
    let (mut read_keys, mut refused, mut failures) = (0, Vec::new(), Vec::new());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let is_pem = String::from_utf8_lossy(&bytes).contains("PRIVATE KEY-----");
        let is_der = path.extension().is_some_and(|e| e == "key" || e == "p8") && bytes.first() == Some(&0x30);
        if !is_pem && !is_der {
            continue;
        }
        let shown = path.strip_prefix(&folder).unwrap().display();
        let passwords = [None, Some("smime1"), Some("smime2"), Some("123456")];
        let mut results = passwords.iter().map(|password| read(&bytes, *password));
        let first = results.next().unwrap();
        let result = if first.is_ok() { first } else { results.find(Result::is_ok).unwrap_or(first) };
        match result {
            Ok(import) if !import.identities.is_empty() || !import.keys.is_empty() => read_keys += 1,
            Ok(import) => match import.notes.iter().find(|note| note.code == "key_unsupported") {
                Some(note) => refused.push(format!("{shown}: {note}")),
                None => failures.push(format!("{shown}: no key, and no word about it: {:?}", import.notes)),
            },
            Err(error @ Error::UnsupportedAlgorithm { .. }) => refused.push(format!("{shown}: {error}")),
            Err(error) => failures.push(format!("{shown}: {error}")),
        }
    }
    println!("private keys: {read_keys} read, {} refused by name:\n{}", refused.len(), refused.join("\n"));
    assert!(read_keys >= 20, "only {read_keys} were read");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}
