//! Whole messages, end to end: no anchors are given, so nothing may ever be trusted.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::{Opener, Policy, Requirement, Time, Trust};

fuzz_target!(|data: &[u8]| {
    let (trust, policy, now) = (Trust::default(), Policy::default(), Time::from_unix(1_795_507_200));
    if let Ok(opened) = Opener::new(&trust, &policy).open(data, now) {
        let _ = opened.report().to_string();
        assert!(opened.require(Requirement::Trusted).is_err());
    }
});
