//! Key files as programs really write them: every PKCS#12 of the corpus, and the private keys beside its messages.
//!
//! The corpus is not part of the package. It is looked for in `SMIME_CORPUS`, else in `../shared/corpus`; where it is not
//! there, these tests say so and pass.

#![allow(clippy::unwrap_used)] // helpers of tests are not seen as tests

use smime::store::Error;
use smime::store::import::{self, Import, ImportOptions};
use smime::store::p12::MissingMac;
use smime::{Limits, Secret};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that come out otherwise than their manifest says, and why that is right.
/// An entry that comes out as the manifest says fails the test, so that the table stays true.
const DIFFERENT: &[(&str, Outcome, &str)] = &[
    (
        "nss/tools/TestOldCA.p12",
        Outcome::Imported,
        "old NSS gave PBKDF2 the password as UTF-16; that form is tried too where the MAC fits",
    ),
    (
        "gnupg/samplekeys/t5793-test.pfx",
        Outcome::Refused,
        "its MAC does not fit the published password (OpenSSL says so too); gpgsm, which reads it, checks no MAC",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Imported,
    Refused,
}

fn corpus() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("SMIME_CORPUS").map_or_else(default, PathBuf::from);
    if folder.join("manifest.json").is_file() {
        return Some(folder);
    }
    println!("SKIPPED: there is no corpus at {}; set SMIME_CORPUS", folder.display());
    None
}

fn manifest(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
    manifest["entries"].as_array().unwrap().clone()
}

fn read(bytes: &[u8], password: Option<&str>) -> Result<Import, Error> {
    let options = ImportOptions::default().missing_mac(MissingMac::Accept);
    import::read(bytes, password.map(Secret::from).as_ref(), &options, &Limits::default())
}

#[test]
fn every_pkcs12_of_the_corpus() {
    let Some(folder) = corpus() else { return };
    let different: BTreeMap<&str, Outcome> = DIFFERENT.iter().map(|(path, outcome, _)| (*path, *outcome)).collect();
    let (mut total, mut passed, mut failures) = (0, 0, Vec::new());
    for entry in manifest(&folder).iter().filter(|entry| entry["kind"] == "p12") {
        let path = entry["path"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(path)).unwrap();
        let expected = if entry["expect"].as_str().unwrap().starts_with("import-ok") {
            Outcome::Imported
        } else {
            Outcome::Refused
        };
        // Where no password is known, no usual one may open it either.
        let passwords: Vec<&str> = match entry["password"].as_str() {
            Some(password) => vec![password],
            None => vec!["1234", "", "password", "nss"],
        };
        let results: Vec<_> = passwords.iter().map(|password| read(&bytes, Some(password))).collect();
        let result = results.iter().find(|result| result.is_ok()).unwrap_or(&results[0]);
        let actual = if result.is_ok() { Outcome::Imported } else { Outcome::Refused };
        let wanted = different.get(path).copied().unwrap_or(expected);
        let mut wrong = Vec::new();
        if actual != wanted {
            wrong.push(format!(
                "expected {wanted:?}, found {actual:?}: {:?}",
                result.as_ref().err().map(Error::to_string)
            ));
        } else if different.contains_key(path) && actual == expected {
            wrong.push("it comes out as the manifest says: take it out of the table".to_owned());
        }
        if let (Ok(import), Some(oracle)) = (result, entry["cryptography"].as_str()) {
            wrong.extend(compare(import, oracle));
        }
        total += 1;
        if wrong.is_empty() {
            passed += 1;
        } else {
            let notes = result.as_ref().map_or(&[][..], |import| &import.notes);
            failures.push(format!("{path}: {}; notes: {notes:?}", wrong.join("; ")));
        }
    }
    println!("PKCS#12 files: {passed}/{total}");
    assert!(total > 100, "the manifest lists only {total} PKCS#12 files");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What Python's `cryptography` found in the file: `ok: key=RSAPrivateKey cert=CN=.. extra=2`.
fn compare(import: &Import, oracle: &str) -> Vec<String> {
    let Some(found) = oracle.strip_prefix("ok: key=") else { return Vec::new() };
    let (key, rest) = found.split_once(" cert=").unwrap();
    let (certificate, extra) = rest.rsplit_once(" extra=").unwrap();
    let certificates = usize::from(certificate != "None") + extra.parse::<usize>().unwrap();
    let mut wrong = Vec::new();
    // It keeps duplicates, which are one certificate here.
    if import.certificates.len() > certificates || (certificates > 0 && import.certificates.is_empty()) {
        wrong.push(format!("{certificates} certificates expected, {} found", import.certificates.len()));
    }
    let unsupported = import.notes.iter().any(|note| note.code == "key_unsupported");
    let has_key = !import.identities.is_empty() || !import.keys.is_empty();
    if has_key != (key != "None" && !unsupported) {
        wrong.push(format!("the key is {key}, and {} are found", import.identities.len() + import.keys.len()));
    }
    if has_key && (certificate != "None") == import.identities.is_empty() {
        wrong.push(format!("the certificate is {certificate}, and {} pair", import.identities.len()));
    }
    wrong
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
