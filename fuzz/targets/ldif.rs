//! LDIF: what is read, written and read again is the same, and what is in it is looked for.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Limits;
use smime::store::ldif::directory::LdifDirectory;
use smime::store::ldif::{ChangeRecords, Entry, Ldif};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let _ = Ldif::read(data, ChangeRecords::Refuse, &limits);
    let Ok(file) = Ldif::read(data, ChangeRecords::Skip, &limits) else { return };
    let told = |entry: &Entry| {
        let values = entry.attributes().iter().map(|a| (a.to_string(), a.value().clone()));
        (entry.dn().to_owned(), values.collect::<Vec<_>>())
    };
    let text = file.to_text();
    assert!(text.lines().all(|line| line.len() <= 76));
    // Base64 is longer than what it stands for.
    if text.len() <= limits.structure_bytes {
        let again = Ldif::read(text.as_bytes(), ChangeRecords::Refuse, &limits).unwrap();
        assert!(file.entries().iter().map(told).eq(again.entries().iter().map(told)));
    }
    let _ = LdifDirectory::new(&file, &limits);
});
