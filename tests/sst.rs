//! Serialized stores: the real one of the corpus, stores rich in properties, every cut and every altered byte, and
//! `smime sst` as a user runs it.

#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test is a test

mod common;

use common::people::{Authority, now};
use smime::store::sst::collection::{AnchorLimits, AnchorProperties, CertificateCollection};
use smime::store::sst::property::Value;
use smime::store::sst::{Element, ElementKind, Property, SerializedStore, WriteOptions};
use smime::{Certificate, Limits};

fn element(certificate: &Certificate, properties: &[(u32, &[u8])]) -> Element {
    let element = Element::new(ElementKind::Certificate, certificate.der().to_vec()).unwrap();
    properties
        .iter()
        .fold(element, |element, (id, value)| element.with_property(Property::new(*id, value.to_vec()).unwrap()))
}

fn read(bytes: &[u8]) -> Result<SerializedStore, smime::store::sst::Error> {
    SerializedStore::read(bytes, &Limits::default())
}

/// SEQUENCE OF OBJECT IDENTIFIER: serverAuth; the same with emailProtection.
const SERVER: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
const MAIL: &[u8] = b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x04";

#[test]
fn out_103_the_real_store_is_read_whole_and_written_byte_for_byte() {
    let Some(corpus) = common::corpus() else { return };
    let mut seen = 0;
    for entry in common::entries(&corpus).iter().filter(|entry| entry["kind"] == "sst") {
        let bytes = std::fs::read(corpus.join(common::text(entry, "path"))).unwrap();
        let store = read(&bytes).unwrap();
        assert_eq!(store.write(&WriteOptions::ALL), bytes, "byte for byte");
        let properties: Vec<&Property> = store.elements().iter().flat_map(|e| e.properties()).collect();
        if common::text(entry, "path") == "ms-sst/data.ms-root-certs.sst" {
            assert_eq!((store.certificates().count(), store.elements().len()), (217, 217));
            assert_eq!((properties.len(), bytes.len()), (693, 294_107));
        }
        let mut mail = 0;
        for element in store.certificates() {
            let certificate = element.certificate().unwrap();
            assert_eq!(element.property(3).unwrap().value(), certificate.sha1());
            assert!(matches!(element.property(11).unwrap().decoded(), Value::Text(name) if !name.is_empty()));
            assert!(matches!(element.property(9).unwrap().decoded(), Value::Usages(list) if !list.is_empty()));
            // OUT-105, by another way: the bytes of emailProtection stand in property 9.
            let listed = element.property(9).unwrap().value().windows(8).any(|w| w == &MAIL[14..22]);
            assert_eq!(AnchorLimits::of(element).against(now()).is_none(), listed);
            mail += usize::from(listed);
        }
        assert!(mail > 0 && mail < store.certificates().count(), "{mail}");
        println!("{} properties, {mail} of {} roots for mail", properties.len(), store.elements().len());
        // OUT-25: it is old, and Exchange would refuse it, naming every root that is expired.
        let expired: Vec<Certificate> = store.certificates().map(|e| e.certificate().unwrap()).collect();
        let expired = expired.iter().filter(|c| c.not_after() < now()).count();
        let refused = CertificateCollection::load(&store, now(), AnchorProperties::default()).unwrap_err();
        assert_eq!((refused.expired.len(), refused.unreadable.len()), (expired, 0));
        seen += 1;
    }
    assert!(seen > 0, "the manifest lists no store");
}

#[test]
fn out_101_a_store_rich_in_properties_keeps_every_byte() {
    let root = Authority::root("Root").certificate;
    let past = Property::filetime("2020-01-01T00:00:00Z".parse().unwrap());
    let mut store = SerializedStore::default();
    store.push(element(&root, &[(126, b""), (9, SERVER), (122, MAIL), (104, &past), (0xffff_fffe, b"\0")]));
    store.push(element(&Authority::root("Other").certificate, &[(104, b""), (9, MAIL), (9, MAIL)]));
    store.push(Element::new(ElementKind::Crl, vec![0x30, 0]).unwrap());
    let bytes = store.write(&WriteOptions::ALL);
    let again = read(&bytes).unwrap();
    assert_eq!(again, store);
    assert_eq!(again.write(&WriteOptions::ALL), bytes);
    assert_eq!(again.elements()[0].property(104).unwrap().time(), Some("2020-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn out_102_every_cut_is_an_error_and_no_altered_byte_makes_it_panic() {
    let mut store = SerializedStore::default();
    store.push(element(&Authority::root("Root").certificate, &[(126, b""), (9, MAIL), (11, b"R\0\0\0"), (104, b"")]));
    store.push(Element::new(ElementKind::Ctl, vec![0x30, 0]).unwrap());
    let bytes = store.write(&WriteOptions::ALL);
    for cut in 1..bytes.len() {
        assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        for octet in [0, 1, 32, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
            let mut altered = bytes.clone();
            altered[at] = octet;
            let Ok(read) = read(&altered) else { continue };
            // Whatever is read is written as it was, key references apart.
            let keyless = read.elements().iter().all(|e| e.properties().iter().all(|p| !p.is_key_reference()));
            let ordered = read.elements().is_sorted_by_key(Element::kind);
            if keyless && ordered {
                assert_eq!(read.write(&WriteOptions::ALL), altered, "byte {at}");
            }
            let _ = CertificateCollection::load(&read, now(), AnchorProperties::Honour);
            let _: Vec<String> =
                read.elements().iter().flat_map(|e| e.properties()).map(|p| p.decoded().to_string()).collect();
        }
    }
}

#[test]
fn out_102_no_octet_anywhere_in_a_small_store_makes_it_panic() {
    let mut store = SerializedStore::default();
    let small = |kind| Element::new(kind, vec![0x30, 0]).unwrap();
    let properties = [(9, SERVER), (104, &b"12345678"[..]), (11, b"R\0\0\0"), (126, b"")];
    let limited = properties.iter().fold(small(ElementKind::Certificate), |element, (id, value)| {
        element.with_property(Property::new(*id, value.to_vec()).unwrap())
    });
    store.push(limited);
    store.push(small(ElementKind::Crl));
    let bytes = store.write(&WriteOptions::ALL);
    let mut still_read = 0;
    for at in 0..bytes.len() {
        for octet in 0..=255 {
            let mut altered = bytes.clone();
            altered[at] = octet;
            let _ = SerializedStore::read_element(&altered[8..], &Limits::default());
            let Ok(read) = read(&altered) else { continue };
            still_read += 1;
            for element in read.elements() {
                let limits = AnchorLimits::of(element);
                let _ = (limits.against(now()), limits.notes(), element.certificate().is_ok());
                element.properties().iter().for_each(|p| assert!(!p.decoded().to_string().contains(char::is_control)));
            }
        }
    }
    assert!(still_read > bytes.len(), "{still_read}: the fields that may have any value are among them");
}

#[cfg(feature = "cli")]
mod program {
    use super::*;
    use common::people::{common_name, serial};
    use smime::cert::extension::KeyUsage;
    use smime::cert::issue::CertificateTemplate;
    use smime::crypto::private::PrivateKey;
    use smime::crypto::signature::KeyKind;
    use smime::store::{p7c, pem};
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output};

    const AT: &str = "2026-11-24T08:00:00Z";

    struct Desk {
        folder: tempfile::TempDir,
    }

    impl Desk {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            std::fs::write(self.path(name), bytes).unwrap();
        }

        fn pem(&self, name: &str, certificate: &Certificate) {
            self.write(name, pem::write("CERTIFICATE", certificate.der()).as_bytes());
        }

        fn store(&self, name: &str, elements: &[Element]) {
            let mut store = SerializedStore::default();
            elements.iter().cloned().for_each(|element| store.push(element));
            self.write(name, &store.write(&WriteOptions::ALL));
        }

        fn read(&self, name: &str) -> SerializedStore {
            read(&std::fs::read(self.path(name)).unwrap()).unwrap()
        }

        fn run(&self, arguments: &[&str]) -> Output {
            let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
            command.current_dir(self.folder.path()).args(arguments).arg("--no-input");
            command.stdin(std::process::Stdio::null()).output().unwrap()
        }

        /// Expects an exit code; gives what was said on standard output and on standard error.
        fn expect(&self, code: i32, line: &str) -> (String, String) {
            let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (out, said) = (text(&output.stdout), text(&output.stderr));
            assert_eq!(output.status.code(), Some(code), "smime {line}\n{said}{out}");
            assert!(!said.contains("panicked"), "{said}");
            (out, said)
        }

        fn names(&self, folder: &str) -> Vec<String> {
            let entries = std::fs::read_dir(self.path(folder)).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    /// A root whose validity is over.
    fn old(name: &str) -> Certificate {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let validity = ("2000-01-01T00:00:00Z".parse().unwrap(), "2010-01-01T00:00:00Z".parse().unwrap());
        let root = Authority::root("Issuer");
        root.issue(
            &CertificateTemplate::new(
                common_name(name),
                Some(&root.certificate),
                &serial(),
                validity,
                &key.public_key_spki(),
            )
            .for_authority(None),
        )
    }

    #[test]
    fn a_store_is_made_of_anything_that_holds_certificates() {
        let desk = Desk::new();
        let [pem, der, bag, kept] = ["Pem", "Der", "Bag", "Kept"].map(|name| Authority::root(name).certificate);
        desk.pem("one.pem", &pem);
        std::fs::create_dir(desk.path("folder")).unwrap();
        desk.write("folder/two.cer", der.der());
        desk.write("folder/readme.txt", b"nothing of use");
        desk.write("three.p7c", &p7c::write(&[bag.clone(), pem.clone()], &[vec![0x30, 0]]));
        desk.store(
            "four.sst",
            &[element(&kept, &[(3, &kept.sha1()), (2, b"container"), (11, b"K\0\0\0"), (9, SERVER)])],
        );
        let line = format!("sst create --at {AT} --out all.sst one.pem folder three.p7c four.sst");
        let (out, said) = desk.expect(0, &line);
        assert!(out.is_empty() && said.contains("readme.txt: passed over"), "{said}");
        assert!(said.contains("4 certificates, 1 revocation lists"), "{said}");
        let store = desk.read("all.sst");
        let found: Vec<Certificate> = store.certificates().map(|e| e.certificate().unwrap()).collect();
        let found: std::collections::HashSet<Certificate> = found.into_iter().collect();
        assert_eq!(found, [pem, der, bag, kept].into_iter().collect());
        // No hash and no key reference; what limits trust stays.
        let ids = |store: &SerializedStore| -> Vec<u32> {
            store.elements().iter().flat_map(|e| e.properties().iter().map(Property::id)).collect()
        };
        assert_eq!(ids(&store), [11, 9]);
        let (_, said) = desk.expect(1, &line);
        assert!(said.contains("there already"), "{said}");
        desk.expect(0, &format!("{line} --force --hashes"));
        assert_eq!(ids(&desk.read("all.sst")), [3, 11, 9]);
        desk.expect(0, &format!("{line} --force --no-properties"));
        assert!(ids(&desk.read("all.sst")).is_empty());
    }

    #[test]
    fn out_025_create_and_verify_refuse_expired_members_and_name_each() {
        let desk = Desk::new();
        let fresh = Authority::root("Fresh").certificate;
        let [first, second] = ["First Old", "Second Old"].map(old);
        for (name, certificate) in [("fresh.pem", &fresh), ("first.pem", &first), ("second.pem", &second)] {
            desk.pem(name, certificate);
        }
        let line = format!("sst create --at {AT} -o out.sst fresh.pem first.pem second.pem");
        let (_, said) = desk.expect(9, &line);
        assert!(said.contains("First Old") && said.contains("Second Old") && !said.contains("Fresh"), "{said}");
        assert!(said.contains("2010-01-01") && said.contains("--allow-expired"), "{said}");
        assert!(!desk.path("out.sst").exists());
        desk.expect(0, &format!("{line} --allow-expired"));
        let (out, said) = desk.expect(9, &format!("sst verify --at {AT} out.sst"));
        assert!(out.is_empty() && said.contains("First Old") && said.contains("Second Old"), "{said}");
        let (out, _) = desk.expect(9, &format!("sst verify --at {AT} --json out.sst"));
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&answer["met"], answer["expired"].as_array().unwrap().len()), (&false.into(), 2));
        // While they were valid they would have passed.
        let (_, said) = desk.expect(0, "sst verify --at 2005-01-01T00:00:00Z out.sst");
        assert!(said.contains("Fresh is not valid before"), "{said}");
        desk.expect(0, &format!("sst verify --at {AT} fresh.pem"));
    }

    #[test]
    fn out_105_verify_tells_what_would_be_trusted() {
        let desk = Desk::new();
        let (free, limited) = (Authority::root("Free"), Authority::root("Limited"));
        let below = free.authority("Below", |_| {});
        desk.store(
            "x.sst",
            &[
                element(&free.certificate, &[(9, MAIL)]),
                element(&below.certificate, &[]),
                element(&limited.certificate, &[(9, SERVER)]),
            ],
        );
        let (out, _) = desk.expect(0, &format!("sst verify --at {AT} --json x.sst"));
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        let names = |list: &serde_json::Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|c| c["subject"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&answer["anchors"]), ["CN=Free"]);
        assert_eq!(names(&answer["intermediates"]), ["CN=Below"]);
        assert_eq!(answer["restricted"][0]["reason"]["code"], "anchor_not_for_mail");
        let (out, _) = desk.expect(0, &format!("sst verify --at {AT} x.sst"));
        assert!(out.contains("Anchors (self-signed): 1") && out.contains("CN=Limited: "), "{out}");
        let (out, _) = desk.expect(0, &format!("sst verify --at {AT} --ignore-properties x.sst"));
        assert!(out.contains("Anchors (self-signed): 2"), "{out}");
    }

    #[test]
    fn out_105_what_a_store_does_not_trust_for_mail_is_no_anchor() {
        let desk = Desk::new();
        let (free, limited) = (Authority::root("Free"), Authority::root("Limited"));
        let middle = limited.authority("Middle", |_| {});
        for (name, authority) in [("free.pem", &free), ("limited.pem", &limited), ("middle.pem", &middle)] {
            desk.pem(name, &authority.user("Alice", |_| {}));
        }
        let since = Property::filetime("2026-11-24T09:00:00Z".parse().unwrap());
        let members = |property: (u32, &[u8])| {
            [
                element(&free.certificate, &[]),
                element(&limited.certificate, &[property]),
                element(&middle.certificate, &[]),
            ]
        };
        desk.store("server.sst", &members((9, SERVER)));
        desk.store("later.sst", &members((104, &since)));
        let verify = |option: &str, at: &str, leaf: &str| format!("certs verify {option} --at {at} {leaf}");
        let (_, said) = desk.expect(0, &verify("--trust server.sst", AT, "free.pem"));
        assert!(said.contains("1 of 3 certificates are not trusted") && said.contains("CN=Limited"), "{said}");
        desk.expect(5, &verify("--trust server.sst", AT, "limited.pem"));
        desk.expect(5, &verify("--anchor server.sst", AT, "limited.pem"));
        desk.expect(5, &verify("--trust server.sst", AT, "middle.pem"));
        // Property 104 counts from its moment on.
        desk.expect(0, &verify("--trust later.sst", AT, "limited.pem"));
        desk.expect(5, &verify("--trust later.sst", "2026-11-24T09:00:00Z", "limited.pem"));
        // Where the one root is left out, what is below it does not take its place.
        desk.store("rootless.sst", &members((104, b""))[1..]);
        desk.expect(5, &verify("--trust rootless.sst", AT, "middle.pem"));
        // On the user's word, in a file of its own, it is an anchor all the same.
        desk.expect(0, "sst extract server.sst --dir out --format pem");
        desk.expect(0, &verify("--trust server.sst --trust out/002-limited.pem", AT, "middle.pem"));
    }

    #[test]
    fn list_shows_names_and_values_in_words_and_json() {
        let desk = Desk::new();
        let root = Authority::root("Root").certificate;
        let own = element(&root, &[(11, b"M\0y\0\0\0"), (9, SERVER), (104, b""), (4242, b"\x01")]);
        desk.store("x.sst", std::slice::from_ref(&own));
        let (out, said) = desk.expect(0, &format!("sst list --at {AT} x.sst"));
        for line in [
            "1. CN=Root",
            "11 friendly-name: My",
            "9 enhanced-key-usage: serverAuth",
            "104 disallowed: (empty)",
            "4242 property 4242: 01",
            "[anchor_not_for_mail]",
        ] {
            assert!(out.contains(line), "{line}\n{out}");
        }
        assert!(said.contains("1 certificates"), "{said}");
        let (out, _) = desk.expect(0, &format!("sst list --json --at {AT} x.sst"));
        let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
        let first = &listed["elements"][0];
        assert_eq!((&listed["version"], &first["kind"]), (&1.into(), &"certificate".into()));
        assert_eq!(first["certificate"]["subject"], "CN=Root");
        assert_eq!(first["properties"][0]["value"], "My");
        assert_eq!(first["anchor_reason"]["code"], "anchor_not_for_mail");
        // OUT-107: one element without header and end marker.
        let whole = std::fs::read(desk.path("x.sst")).unwrap();
        desk.write("element", &whole[8..whole.len() - 12]);
        let (out, _) = desk.expect(0, "sst list --element element");
        assert!(out.contains("1. CN=Root"), "{out}");
        desk.expect(8, "sst list element");
        desk.expect(8, "sst list --element x.sst");
        desk.write("empty", b"");
        desk.expect(0, "sst list empty");
    }

    #[test]
    fn broken_stores_are_told_with_their_place() {
        let desk = Desk::new();
        desk.store("x.sst", &[element(&Authority::root("Root").certificate, &[(11, b"")])]);
        let whole = std::fs::read(desk.path("x.sst")).unwrap();
        desk.write("cut.sst", &whole[..whole.len() - 12]);
        desk.write("more.sst", &[&whole[..], b"x"].concat());
        for (file, word) in [("cut.sst", "end marker is missing at byte"), ("more.sst", "1 bytes follow the end")] {
            for command in ["list", "verify", "extract --dir out"] {
                let (_, said) = desk.expect(8, &format!("sst {command} {file}"));
                assert!(said.contains(word), "{said}");
            }
        }
        assert!(!desk.path("out").exists());
    }

    #[test]
    fn extract_writes_safe_names_and_overwrites_nothing() {
        let desk = Desk::new();
        let names = ["../../etc/passwd", "CON", "...", "A/B\\C:D", "Same", "Same", "\u{202e}gpj", &"x".repeat(200)];
        let certificates: Vec<Certificate> = names.iter().map(|name| Authority::root(name).certificate).collect();
        let mut elements: Vec<Element> = certificates.iter().map(|c| element(c, &[])).collect();
        elements.push(Element::new(ElementKind::Certificate, b"broken".to_vec()).unwrap());
        elements.push(Element::new(ElementKind::Crl, vec![0x30, 0]).unwrap());
        desk.store("x.sst", &elements);
        desk.expect(0, "sst extract x.sst --dir out/deep");
        let written = desk.names("out/deep");
        assert_eq!(
            written,
            [
                "001-etc-passwd.cer",
                "002-con.cer",
                "003-certificate.cer",
                "004-a-b-c-d.cer",
                "005-same.cer",
                "006-same.cer",
                "007-gpj.cer",
                &format!("008-{}.cer", "x".repeat(48)),
                "009-certificate.cer",
                "010-crl.crl",
            ]
        );
        for (name, certificate) in written.iter().zip(&certificates) {
            assert_eq!(std::fs::read(desk.path("out/deep").join(name)).unwrap(), certificate.der());
        }
        // One in the way: nothing is written.
        std::fs::create_dir(desk.path("other")).unwrap();
        desk.write("other/005-same.cer", b"mine");
        let (_, said) = desk.expect(1, "sst extract x.sst --dir other");
        assert!(said.contains("005-same.cer"), "{said}");
        assert_eq!(desk.names("other"), ["005-same.cer"]);
        assert_eq!(std::fs::read(desk.path("other/005-same.cer")).unwrap(), b"mine");
        desk.expect(0, "sst extract x.sst --dir other --force");
        assert_eq!(desk.names("other").len(), 10);
        desk.expect(2, "sst extract x.sst");
        desk.expect(0, "sst extract x.sst --dir pem --format pem");
        desk.expect(0, &format!("sst create --at {AT} -o again.sst pem/001-etc-passwd.pem pem/005-same.pem"));
        assert_eq!(desk.read("again.sst").certificates().count(), 2);
    }

    #[test]
    fn ldif_goes_out_and_comes_back_in_and_people_are_found_in_it() {
        let desk = Desk::new();
        let ca = Authority::root("Root");
        let alice = ca.user("Alice Example", |template| template.key_usage = Some(KeyUsage::KEY_AGREEMENT));
        desk.pem("ca.pem", &ca.certificate);
        desk.pem("alice.pem", &alice);
        desk.expect(0, &format!("sst create --at {AT} -o x.sst alice.pem ca.pem"));
        desk.expect(0, "sst extract x.sst --ldif people.ldif");
        let text = std::fs::read_to_string(desk.path("people.ldif")).unwrap();
        assert!(text.starts_with("version: 1\n\ndn: ") && text.contains("\nmail: alice@example.com\n"), "{text}");
        desk.expect(1, "sst extract x.sst --ldif people.ldif");
        desk.expect(0, &format!("sst create --at {AT} -o y.sst people.ldif"));
        assert_eq!(desk.read("y.sst").certificates().count(), 2);
        // OUT-90 ff.: the directory's entry says whose it is, and --trust knows the root in it.
        desk.write("mail.eml", b"From: bob@example.com\r\nTo: alice@example.com\r\n\r\nhello\r\n");
        let line =
            format!("encrypt --to-headers --certs people.ldif --trust people.ldif --at {AT} -o out.eml mail.eml");
        desk.expect(0, &line);
        // Filed under an address that is not in the certificate: told so, instead of that there is none.
        desk.write("filed.ldif", text.replace("mail: alice@example.com", "mail: carol@example.com").as_bytes());
        let (_, said) =
            desk.expect(7, &format!("encrypt --to carol@example.com --certs filed.ldif --at {AT} -o c.eml mail.eml"));
        assert!(said.contains("is not for carol@example.com"), "{said}");
    }

    #[test]
    fn file_urls_of_ldif_are_resolved_below_the_named_folder_only() {
        let desk = Desk::new();
        let ca = Authority::root("Root");
        std::fs::create_dir(desk.path("tree")).unwrap();
        desk.write("tree/ca.crt", ca.certificate.der());
        desk.write("outside.crt", Authority::root("Outside").certificate.der());
        desk.write(
            "x.ldif",
            b"dn: cn=x\ncACertificate;binary:< file:///tmp/ca.crt\ncACertificate;binary:< file:///tmp/../outside.crt\n\
              cACertificate;binary:< http://example.com/ca.crt\n",
        );
        let (_, said) = desk.expect(8, &format!("sst create --at {AT} -o none.sst x.ldif"));
        assert!(said.contains("url_not_followed"), "{said}");
        let (_, said) = desk.expect(0, &format!("sst create --at {AT} -o x.sst --files file:///tmp/=tree x.ldif"));
        assert!(said.contains("2 of 3 URLs were not resolved"), "{said}");
        assert_eq!(desk.read("x.sst").elements()[0].certificate().unwrap(), ca.certificate);
        let (_, said) = desk.expect(2, "sst create -o x.sst --files http://example.com/=tree x.ldif");
        assert!(said.contains("file:///"), "{said}");
    }

    #[test]
    fn the_real_store_goes_through_the_program() {
        let Some(corpus) = common::corpus() else { return };
        let desk = Desk::new();
        let file = corpus.join("ms-sst/data.ms-root-certs.sst");
        let file = file.to_str().unwrap();
        let run = |code: i32, arguments: &[&str]| {
            let output = desk.run(arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
            (output.stdout, said)
        };
        let (out, _) = run(0, &["sst", "list", "--json", file]);
        let listed: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(listed["elements"].as_array().unwrap().len(), 217);
        let (_, said) = run(9, &["sst", "verify", "--at", AT, file]);
        assert!(said.contains("expired at"), "{said}");
        run(0, &["sst", "extract", file, "--dir", "roots"]);
        assert_eq!(desk.names("roots").len(), 217);
        run(0, &["sst", "create", "--allow-expired", "--hashes", "--at", AT, "-o", "same.sst", file]);
        assert!(std::fs::read(desk.path("same.sst")).unwrap() == std::fs::read(Path::new(file)).unwrap());
    }

    #[test]
    fn help_opens_with_examples() {
        let desk = Desk::new();
        for command in ["sst --help", "sst list --help", "sst create --help", "sst extract --help", "sst verify --help"]
        {
            let (out, _) = desk.expect(0, command);
            assert!(out.starts_with("Examples:\n") && out.contains("smime sst create"), "{out}");
        }
    }
}
