//! Key files, lists, responses and stores.

use crate::common::{self, text};
use crate::findings::Findings;
use serde_json::Value;
use smime::store::import::{self, Import, ImportOptions};
use smime::store::ldif::{ChangeRecords, Ldif};
use smime::store::p12::MissingMac;
use smime::store::pem;
use smime::store::sst::SerializedStore;
use smime::{Crl, Limits, OcspResponse, Secret};
use std::path::Path;

type Judgement = Result<(), String>;

fn read(bytes: &[u8], password: Option<&str>) -> Result<Import, smime::store::Error> {
    let options = ImportOptions::default().missing_mac(MissingMac::Accept);
    import::read(bytes, password.map(Secret::from).as_ref(), &options, &Limits::default())
}

pub fn pkcs12(corpus: &Path, entry: &Value, findings: &mut Findings) -> Judgement {
    let bytes = std::fs::read(corpus.join(text(entry, "path"))).unwrap();
    let imported = text(entry, "expect").starts_with("import-ok");
    // Where no password is known, no usual one may open it either.
    let passwords: Vec<&str> = match entry["password"].as_str() {
        Some(password) => vec![password],
        None => vec!["1234", "", "password", "nss"],
    };
    let results: Vec<_> = passwords.iter().map(|password| read(&bytes, Some(password))).collect();
    let result = results.iter().find(|result| result.is_ok()).unwrap_or(&results[0]);
    match result {
        Ok(import) => import.notes.iter().for_each(|note| findings.add(note)),
        Err(error) => findings.refusal("import_refused", &error.to_string()),
    }
    match (result, imported) {
        (Ok(import), true) => compare(import, entry["cryptography"].as_str().unwrap_or_default()),
        (Err(_), false) => Ok(()),
        (Ok(_), false) => Err("it is imported".to_owned()),
        (Err(error), true) => Err(format!("it is refused: {error}")),
    }
}

/// What Python's `cryptography` found in the file: `ok: key=RSAPrivateKey cert=CN=.. extra=2`.
fn compare(import: &Import, oracle: &str) -> Judgement {
    let Some(found) = oracle.strip_prefix("ok: key=") else { return Ok(()) };
    let (key, rest) = found.split_once(" cert=").unwrap();
    let (certificate, extra) = rest.rsplit_once(" extra=").unwrap();
    let certificates = usize::from(certificate != "None") + extra.parse::<usize>().unwrap();
    // It keeps duplicates, which are one certificate here.
    if import.certificates.len() > certificates || (certificates > 0 && import.certificates.is_empty()) {
        return Err(format!("{certificates} certificates expected, {} found", import.certificates.len()));
    }
    let unsupported = import.notes.iter().any(|note| note.code == "key_unsupported");
    let has_key = !import.identities.is_empty() || !import.keys.is_empty();
    if has_key != (key != "None" && !unsupported) {
        return Err(format!("the key is {key}, and {} are found", import.identities.len() + import.keys.len()));
    }
    if has_key && (certificate != "None") == import.identities.is_empty() {
        return Err(format!("the certificate is {certificate}, and {} pair", import.identities.len()));
    }
    Ok(())
}

/// All of the kind are damaged, and none may be taken.
pub fn private_key(corpus: &Path, entry: &Value, findings: &mut Findings) -> Judgement {
    let bytes = std::fs::read(corpus.join(text(entry, "path"))).unwrap();
    assert!(text(entry, "expect").starts_with("reject"));
    match read(&bytes, None) {
        Err(error) => {
            findings.refusal("import_refused", &error.to_string());
            Ok(())
        }
        Ok(_) => Err("it is taken".to_owned()),
    }
}

/// The DER of a file that may be PEM.
fn der_of(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if !pem::is_pem(&bytes) {
        return bytes;
    }
    pem::read(&bytes).unwrap().remove(0).data.expose().to_vec()
}

pub fn crl(corpus: &Path, entry: &Value, findings: &mut Findings) -> Judgement {
    let limits = Limits::default();
    let result = Crl::from_der(&der_of(&corpus.join(text(entry, "path"))), &limits);
    if let Err(error) = &result {
        findings.refusal("crl_refused", &error.to_string());
    }
    let crl = match (result, text(entry, "expect").starts_with("parse-ok")) {
        (Ok(crl), true) => crl,
        (Err(_), false) => return Ok(()),
        (Ok(_), false) => return Err("it is read".to_owned()),
        (Err(error), true) => return Err(error.to_string()),
    };
    let Some(issuer) = entry["issuer_cert"].as_str() else { return Ok(()) };
    let issuer = common::certificates(&corpus.join(issuer)).remove(0);
    if !crl.issuer().same(issuer.subject()) {
        return Err("it is of another issuer".to_owned());
    }
    crl.verify(&issuer, &limits).map_err(|error| error.to_string())
}

/// openssl reads requests too, which are no responses; and takes what no verifier can use.
pub fn ocsp(corpus: &Path, entry: &Value, findings: &mut Findings) -> Judgement {
    let path = text(entry, "path");
    let request = path.contains("/req-") || path.ends_with("-req.der");
    let expected = text(entry, "expect") == "openssl-parse-ok" && !request;
    match (OcspResponse::from_der(&der_of(&corpus.join(path)), &Limits::default()), expected) {
        (Ok(_), true) => Ok(()),
        (Err(error), false) => {
            findings.refusal("ocsp_refused", &error.to_string());
            Ok(())
        }
        (Ok(_), false) => Err("it is read".to_owned()),
        (Err(error), true) => Err(error.to_string()),
    }
}

/// As many certificates as the manifest counts, and the same bytes when it is written again.
pub fn sst(corpus: &Path, entry: &Value) -> Judgement {
    let bytes = std::fs::read(corpus.join(text(entry, "path"))).unwrap();
    let store = SerializedStore::read(&bytes, &Limits::default()).map_err(|error| error.to_string())?;
    let count = store.certificates().count();
    let expected = text(entry, "expect");
    if expected != format!("parse-ok: {count} certificates") {
        return Err(format!("{count} certificates"));
    }
    if let Some(unread) = store.certificates().find_map(|c| c.certificate().err()) {
        return Err(format!("a certificate of it is not read: {unread}"));
    }
    Ok(())
}

/// Every entry, and whatever is written in it as base64; values behind URLs are for tests/ldif.rs.
pub fn ldif(corpus: &Path, entry: &Value) -> Judgement {
    let bytes = std::fs::read(corpus.join(text(entry, "path"))).unwrap();
    let file = Ldif::read(&bytes, ChangeRecords::Refuse, &Limits::default()).map_err(|error| error.to_string())?;
    match file.entries().is_empty() {
        true => Err("no entries".to_owned()),
        false => Ok(()),
    }
}
