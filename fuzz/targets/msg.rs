//! .msg files, and what they hold as mail, read to the end: no anchors are given, so nothing may ever be trusted.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::{Limits, Opener, Policy, Requirement, Time, Trust};
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let mut limits = Limits::default();
    // So that small inputs, too, are left in their file.
    limits.in_memory_layer = 64;
    let Ok(mail) = smime::open::msg::read(Cursor::new(data), &limits) else { return };
    let (trust, policy, now) = (Trust::default(), Policy::default(), Time::from_unix(1_795_507_200));
    let opener = Opener::new(&trust, &policy).with_notes(&mail.notes);
    if let Ok(opened) = opener.open_source(mail.source, now) {
        let _ = opened.report().to_string();
        assert!(opened.require(Requirement::Trusted).is_err());
    }
});
