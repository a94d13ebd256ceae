//! The LDIF files of public suites: read whole, their URLs resolved, and every certificate and list in them read.

#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test is a test

mod common;

use smime::store::directory::Directory;
use smime::store::ldif::directory::LdifDirectory;
use smime::store::ldif::{ChangeRecords, Entry, Ldif};
use smime::{Crl, Limits};
use std::collections::{BTreeMap, BTreeSet};

fn read(bytes: &[u8]) -> Ldif {
    Ldif::read(bytes, ChangeRecords::Refuse, &Limits::default()).unwrap()
}

#[test]
fn every_ldif_file_of_the_corpus_is_read_and_written() {
    let Some(corpus) = common::corpus() else { return };
    let mut seen = BTreeMap::new();
    for entry in common::entries(&corpus).iter().filter(|entry| entry["kind"] == "ldif") {
        let path = common::text(entry, "path");
        let bytes = std::fs::read(corpus.join(path)).unwrap();
        assert!(smime::store::ldif::is_ldif(&bytes), "{path}");
        let file = read(&bytes);
        let again = read(file.to_text().as_bytes());
        let told = |entry: &Entry| {
            let values = entry.attributes().iter().map(|a| (a.to_string(), a.value().clone()));
            (entry.dn().to_owned(), values.collect::<Vec<_>>())
        };
        let told_all = |file: &Ldif| file.entries().iter().map(told).collect::<Vec<_>>();
        assert_eq!(told_all(&file), told_all(&again), "{path}");
        // Another program counts the same: entries by their dn, values by the lines that begin with a name.
        let text = String::from_utf8(bytes).unwrap();
        let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(file.entries().len(), lines("dn:"), "{path}");
        let values: usize = file.entries().iter().map(|entry| entry.attributes().len()).sum();
        let named = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).count();
        assert_eq!(values, named - file.entries().len(), "{path}");
        seen.insert(path.to_owned(), file.entries().len());
    }
    assert_eq!(seen.get("nist-pkits/pkits.ldif"), Some(&425));
    assert_eq!(seen.get("bc-ldap/X509LDAPCertTest.ldif"), Some(&7));
}

#[test]
fn every_certificate_and_list_of_pkits_is_found_behind_its_url() {
    let Some(corpus) = common::corpus() else { return };
    let folder = corpus.join("nist-pkits");
    let mut file = read(&std::fs::read(folder.join("pkits.ldif")).unwrap());
    assert_eq!(file.urls().count(), 936);
    let named: BTreeSet<String> =
        file.urls().filter(|(_, url)| url.contains("/certs/")).map(|(_, url)| url.to_owned()).collect();
    let (mut resolved, mut pairs, mut missing) = (0, 0, Vec::new());
    file.resolve(&Limits::default(), |url| {
        let path = url.strip_prefix("file:///tmp/").unwrap();
        match std::fs::read(folder.join(path)) {
            Ok(bytes) => {
                resolved += 1;
                Some(bytes)
            }
            // The suite as it is published for download comes without this folder.
            Err(_) if path.starts_with("certpairs/") && !folder.join("certpairs").exists() => {
                pairs += 1;
                None
            }
            Err(_) => {
                missing.push(path.to_owned());
                None
            }
        }
    })
    .unwrap();
    assert!(missing.is_empty(), "{missing:?}");
    println!("pkits.ldif: {resolved} values resolved; {pairs} cross certificate pairs are not in the corpus");
    assert_eq!(resolved + pairs, 936);
    assert!(resolved >= 586, "{resolved}");
    let directory = LdifDirectory::new(&file, &Limits::default());
    let refused: Vec<_> = directory.notes().iter().filter(|note| note.code != "url_not_followed").collect();
    assert!(refused.is_empty(), "{refused:?}");
    // One certificate for each file that is named. (One of the folder's 405 files is not.)
    assert_eq!(directory.all_certificates().len(), named.len());
    assert_eq!(named.len(), 404);
    assert_eq!(directory.crls().len(), 180);
    let unread = directory.crls().iter().filter(|der| Crl::from_der(der, &Limits::default()).is_err()).count();
    assert_eq!(unread, 0);
    // By address: users whose certificates are about one.
    for number in [22, 23, 26, 27] {
        let address = format!("Test{number}EE@testcertificates.gov").parse().unwrap();
        let found = directory.certificates(&address).unwrap();
        assert_eq!(found.len(), 1, "{address}");
        assert!(found[0].subject().to_string().contains(&format!("Test{number}")), "{found:?}");
    }
}
