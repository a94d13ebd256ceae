//! The keyring folder: nothing is lost or torn wherever an installation or a removal ends.

use super::*;
use crate::crypto::random::SystemRandom;
use crate::store::private_folder::faults::Fault;
use crate::store::testing::{certificate, key};
use crate::store::{p7c, p12, pem};
use std::fs;

struct Desk {
    folder: tempfile::TempDir,
    /// Of Alice, under the password "x".
    pkcs12: Vec<u8>,
    /// The authority's certificate.
    bag: Vec<u8>,
}

fn desk() -> Desk {
    let (ca_key, password) = (key(), Secret::from("x"));
    let ca = certificate("Root", 1, &ca_key, None);
    let key = key();
    let own = certificate("Alice", 2, &key, Some((&ca, &ca_key)));
    let pkcs8 = key.to_pkcs8().unwrap();
    let pkcs12 = p12::write(&pkcs8, &[own], "Alice", &password, p12::Profile::Legacy, &mut SystemRandom).unwrap();
    Desk { folder: tempfile::tempdir().unwrap(), pkcs12, bag: p7c::write(&[ca], &[]) }
}

/// The same, with keys that no password protects, which open at once.
fn quick() -> ([Installable; 2], [Installable; 1]) {
    let ca_key = key();
    let ca = certificate("Root", 1, &ca_key, None);
    let open = |bytes: &[u8], name: &str| {
        let (options, limits) = (ImportOptions::default(), Limits::default());
        Installable::open(Secret::from(bytes), name, None, EmptyPassword::Allow, &options, &limits).unwrap()
    };
    let [alice, bob] = ["Alice", "Bob"].map(|name| {
        let key = key();
        let own = certificate(name, 2, &key, Some((&ca, &ca_key)));
        let pkcs8 = key.to_pkcs8().unwrap();
        [pem::write("CERTIFICATE", own.der()), pem::write("PRIVATE KEY", pkcs8.expose())].concat()
    });
    let bag = p7c::write(&[ca], &[]);
    ([open(alice.as_bytes(), "alice.pem"), open(&bag, "ca.p7c")], [open(bob.as_bytes(), "bob.pem")])
}

fn at() -> Time {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn open(bytes: &[u8], name: &str, password: Option<&str>) -> Result<Installable, Error> {
    let password = password.map(Secret::from);
    let options = ImportOptions::default();
    Installable::open(Secret::from(bytes), name, password.as_ref(), EmptyPassword::Refuse, &options, &Limits::default())
}

impl Desk {
    fn ring(&self) -> KeyringFolder {
        KeyringFolder::create(self.folder.path().join("ring")).unwrap()
    }

    fn both(&self) -> [Installable; 2] {
        [open(&self.pkcs12, "alice.p12", Some("x")).unwrap(), open(&self.bag, "ca.p7c", None).unwrap()]
    }
}

/// Everything that the keyring gives out, each file opened.
fn state(ring: &KeyringFolder) -> Vec<String> {
    let ring = KeyringFolder::open(ring.path()).unwrap();
    let entries = ring.entries().unwrap();
    for entry in &entries {
        let import = ring.unlock(entry, Some(&Secret::from("x")), &Limits::default()).unwrap();
        assert_eq!(import.private_keys(), entry.keys);
    }
    entries.into_iter().map(|entry| entry.came_as).collect()
}

#[test]
fn what_is_installed_lies_there_as_it_came() {
    let desk = desk();
    let ring = desk.ring();
    let installed = ring.install(&desk.both(), at()).unwrap();
    let [Installed::New(alice), Installed::New(ca)] = &installed[..] else { panic!("{installed:?}") };
    assert_eq!(fs::read(ring.path().join(&alice.file)).unwrap(), desk.pkcs12);
    assert_eq!(
        (alice.protection, alice.keys, ca.protection, ca.keys),
        (Protection::Password, 1, Protection::Public, 0)
    );
    assert_eq!(alice.certificates[0].addresses, ["alice@example.com"]);
    assert_eq!(ring.entries().unwrap(), [alice.clone(), ca.clone()]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(ring.path()), 0o700);
        for name in ring.folder.names().unwrap() {
            assert_eq!(mode(&ring.path().join(&name)), 0o600, "{name}");
        }
    }
    // Once more, and nothing changes.
    let again = ring.install(&desk.both(), at()).unwrap();
    assert!(again.iter().all(|answer| matches!(answer, Installed::Known(_))), "{again:?}");
    // The same key under another password is not written over.
    let import = ring.unlock(alice, Some(&Secret::from("x")), &Limits::default()).unwrap();
    let (identity, password) = (import.sole_identity().unwrap(), Secret::from("y"));
    let pkcs8 = import.private_key(identity).unwrap().to_pkcs8().unwrap();
    let own = [identity.certificate().clone()];
    let other = p12::write(&pkcs8, &own, "", &password, p12::Profile::Legacy, &mut SystemRandom).unwrap();
    let refused = ring.install(&[open(&other, "new.p12", Some("y")).unwrap()], at()).unwrap_err();
    assert!(matches!(&refused, Error::KeyIsThere { file, .. } if *file == alice.file), "{refused}");
    assert_eq!(state(&ring), ["alice.p12", "ca.p7c"]);
}

#[test]
fn out_111_nothing_is_installable_whose_password_is_wrong_or_whose_mac_fails() {
    let desk = desk();
    let wrong = |error: Error| matches!(error, Error::Store(crate::store::Error::WrongPasswordOrCorrupt));
    assert!(wrong(open(&desk.pkcs12, "alice.p12", Some("y")).unwrap_err()));
    assert!(wrong(open(&desk.pkcs12, "alice.p12", Some("")).unwrap_err()));
    let needed = open(&desk.pkcs12, "alice.p12", None).unwrap_err();
    assert!(matches!(needed, Error::Store(crate::store::Error::PasswordNeeded { .. })), "{needed}");
    // A byte of the encrypted content, which only the MAC tells.
    let mut altered = desk.pkcs12.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    assert!(open(&altered, "alice.p12", Some("x")).is_err());
}

#[test]
fn out_111_an_installation_that_stops_anywhere_leaves_what_was_or_what_will_be() {
    let (before, after) = (vec!["bob.pem"], vec!["bob.pem", "alice.pem", "ca.p7c"]);
    let (files, bob) = quick();
    for fault in [Fault::Killed, Fault::Once] {
        let (mut old, mut new) = (0, 0);
        for step in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let ring = KeyringFolder::create(folder.path().join("ring")).unwrap();
            ring.install(&bob, at()).unwrap();
            let failing = KeyringFolder { folder: ring.folder.failing(step, fault) };
            let outcome = failing.install(&files, at());
            let there = state(&ring);
            match outcome {
                Ok(_) => {
                    assert_eq!(there, after);
                    if failing.folder.steps() <= step {
                        break;
                    }
                }
                Err(_) => assert!(there == before || there == after, "{fault:?} at step {step}: {there:?}"),
            }
            if there == before {
                old += 1
            } else {
                new += 1
            }
            // Whatever was left is in nobody's way, and the next one clears it up.
            ring.install(&files, at()).unwrap();
            assert_eq!(state(&ring), after);
            let names = ring.folder.names().unwrap();
            let files = names.iter().filter(|name| index::is_file_name(name)).count();
            assert_eq!(files, after.len(), "{fault:?} at step {step}: {names:?}");
        }
        assert!(old >= 10 && new >= 1, "{old} times the old state, {new} times the new one: the disk did not fail");
    }
}

#[test]
fn a_removal_that_stops_anywhere_leaves_what_was_or_what_will_be() {
    let (files, bob) = quick();
    for fault in [Fault::Killed, Fault::Once] {
        let mut failed = 0;
        for step in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let ring = KeyringFolder::create(folder.path().join("ring")).unwrap();
            ring.install(&files, at()).unwrap();
            let name = ring.entries().unwrap()[0].file.clone();
            let failing = KeyringFolder { folder: ring.folder.failing(step, fault) };
            let outcome = failing.remove(&name[..12]);
            let there = state(&ring);
            assert!(there == ["ca.p7c"] || there == ["alice.pem", "ca.p7c"] && outcome.is_err(), "{step}: {there:?}");
            if outcome.is_ok() && failing.folder.steps() <= step {
                break;
            }
            failed += 1;
            // The key is not left behind by the next one that writes.
            if there == ["ca.p7c"] {
                ring.install(&bob, at()).unwrap();
                assert!(!ring.path().join(&name).exists());
            }
        }
        assert!(failed >= 5);
    }
}

#[test]
fn what_was_altered_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyringFolder::create(folder.path().join("ring")).unwrap();
    ring.install(&quick().0, at()).unwrap();
    let entries = ring.entries().unwrap();
    let path = ring.path().join(&entries[1].file);
    fs::write(&path, b"something else").unwrap();
    let unlock = || ring.unlock(&entries[1], None, &Limits::default()).unwrap_err();
    assert!(matches!(unlock(), Error::Altered { why: "not what was installed", .. }));
    fs::remove_file(&path).unwrap();
    assert!(matches!(unlock(), Error::Altered { why: "not there", .. }));

    let index = ring.path().join(INDEX);
    let text = fs::read_to_string(&index).unwrap();
    for (from, to) in [
        ("smime-keyring 1", "smime-keyring 2"),
        ("protection: nothing", "protection: none"),
        ("keys: 1", "keys: one"),
        ("key: yes", "key: perhaps"),
        ("key: yes", "key: yes\nkey: no"),
        ("came-as: ", "came-from: "),
        (entries[0].file.as_str(), "../../../etc/passwd"),
    ] {
        fs::write(&index, text.replacen(from, to, 1)).unwrap();
        assert!(matches!(ring.entries(), Err(Error::Index { .. })), "{from:?} became {to:?}");
    }
    for cut in 0..text.len() {
        // Between two entries a shorter index is a sound one.
        if text.is_char_boundary(cut) && !text[cut..].starts_with("\nfile: ") && !text[..cut].ends_with("\n\n") {
            fs::write(&index, &text[..cut]).unwrap();
            let sound = ring.entries().is_ok();
            let at_certificate = text[cut..].starts_with("certificate: ");
            assert!(!sound || at_certificate, "cut at {cut}");
        }
    }
}

#[test]
fn names_of_others_do_not_break_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyringFolder::create(folder.path().join("ring")).unwrap();
    let name = "a\nfile: ../../x\n\u{202e}.p12";
    let installed = ring.install(&[open(quick().0[1].bytes.expose(), name, None).unwrap()], at()).unwrap();
    let [Installed::New(entry)] = &installed[..] else { panic!() };
    let there = ring.entries().unwrap();
    assert_eq!((there.len(), &there[0].file), (1, &entry.file));
    assert!(!there[0].came_as.contains(['\n', '\u{202e}']), "{:?}", there[0].came_as);
}

#[test]
fn a_folder_of_others_is_no_keyring() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), b"dear").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        mode(0o750);
        assert!(matches!(KeyringFolder::create(folder.path()), Err(Error::OpenToOthers { mode: 0o050, .. })));
        mode(0o700);
    }
    assert!(matches!(KeyringFolder::create(folder.path()), Err(Error::NoKeyring { .. })));
    assert!(matches!(KeyringFolder::open(folder.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn out_136_outlook_on_ios_does_not_see_the_system_s_keychain() {
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyringFolder::create(folder.path().join("ring")).unwrap();
    for (file, visible_to) in quick().0.into_iter().zip(["system", "publisher"]) {
        ring.install(&[file.visible_to(VisibleTo::from_name(visible_to).unwrap())], at()).unwrap();
    }
    let entries = ring.entries().unwrap();
    assert_eq!(entries[0].hidden_from(Profile::OutlookMobile).unwrap().code, "keychain_not_visible");
    assert_eq!(entries[0].hidden_from(Profile::OutlookWindows), None);
    assert_eq!(entries[1].hidden_from(Profile::OutlookMobile), None);
}
