//! Revocation lists: what is read is kept as it came, and looking up in it never fails for another reason than its entry.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::{Crl, Limits};

fuzz_target!(|data: &[u8]| {
    if let Ok(crl) = Crl::from_der(data, &Limits::default()) {
        assert_eq!(crl.der(), data);
        let _ = (crl.issuer().to_string(), crl.len(), crl.faults().len(), crl.this_update(), crl.next_update());
    }
});
