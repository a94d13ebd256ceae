//! What the tests over real mail share: where it lies, and its list of expectations.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod canary;
#[cfg(feature = "cli")]
pub mod desk;
#[cfg(feature = "ldap")]
pub mod directory_server;
pub mod envelope;
#[cfg(feature = "net")]
pub mod http_server;
pub mod lists;
pub mod outlook;
pub mod people;
#[cfg(feature = "net")]
pub mod scep_server;
pub mod shape;
#[cfg(all(unix, feature = "ldap", feature = "cli"))]
pub mod slapd;
#[cfg(all(unix, feature = "pkcs11", feature = "cli"))]
pub mod soft_token;

use serde_json::Value;
use smime::cms;
use smime::cms::signed::{Head, Sink};
use smime::store::import::{self, ImportOptions};
use smime::{Certificate, Identity, Keyring, Limits, Secret, Trust};
use std::path::PathBuf;

/// Where the content of a SignedData goes that nobody looks at: its octets are counted.
#[derive(Default)]
pub struct Count(pub u64);

impl Sink for Count {
    fn begin(&mut self, _: &Head) -> cms::Result<()> {
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> cms::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
}

/// The folder of real mail, where it is there; otherwise a line says that the test is skipped.
pub fn corpus() -> Option<PathBuf> {
    let folder = match std::env::var_os("SMIME_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    if folder.join("manifest.json").is_file() {
        return Some(folder);
    }
    eprintln!("skipped: no corpus at {} (SMIME_CORPUS names another place)", folder.display());
    None
}

/// The entries of the corpus's manifest.
pub fn entries(corpus: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read(corpus.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    manifest["entries"].as_array().unwrap().clone()
}

/// A field of an entry as text, or "".
pub fn text<'v>(entry: &'v Value, field: &str) -> &'v str {
    entry[field].as_str().unwrap_or("")
}

/// Certificates of a file of any kind.
pub fn certificates(path: &std::path::Path) -> Vec<Certificate> {
    let bytes = std::fs::read(path).unwrap();
    let import = import::read(&bytes, None, &ImportOptions::default(), &Limits::default());
    import.map(|i| i.certificates.clone()).unwrap_or_default()
}

/// What an entry's `ca` lists, as anchors.
pub fn trust(corpus: &std::path::Path, entry: &Value) -> Trust {
    let paths = entry["ca"].as_array().cloned().unwrap_or_default();
    Trust::new(paths.iter().flat_map(|p| certificates(&corpus.join(p.as_str().unwrap()))))
}

/// What an entry's `keys` lists.
pub fn keyring(corpus: &std::path::Path, entry: &Value) -> Keyring {
    let mut ring = Keyring::default();
    for key in entry["keys"].as_array().cloned().unwrap_or_default() {
        let password = key["password"].as_str().map(Secret::from);
        let path = corpus.join(key["key"].as_str().unwrap());
        let bytes = std::fs::read(&path).unwrap();
        let import = import::read(&bytes, password.as_ref(), &ImportOptions::default(), &Limits::default());
        let import = match import {
            Ok(import) => import,
            // The message stays closed, which its own test judges.
            Err(smime::store::Error::UnsupportedAlgorithm { .. }) => continue,
            Err(error) => panic!("{}: {error}", path.display()),
        };
        import.identities.iter().cloned().for_each(|identity| ring.add(identity));
        for private in &import.keys {
            if key["identity"].as_array().is_none_or(Vec::is_empty) {
                ring.add_key(private.clone());
            }
            for certificate in key["identity"].as_array().cloned().unwrap_or_default() {
                for certificate in certificates(&corpus.join(certificate.as_str().unwrap())) {
                    if let Ok(identity) = Identity::new(certificate, Vec::new(), private.clone()) {
                        ring.add(identity);
                    }
                }
            }
        }
    }
    ring
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A policy file of `test-vectors/policy`.
pub fn policy_file(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-vectors/policy").join(name)).unwrap()
}
