//! OCSP responses: whatever reads keeps the received bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::{Limits, OcspResponse};

fuzz_target!(|data: &[u8]| {
    if let Ok(response) = OcspResponse::from_der(data, &Limits::default()) {
        assert_eq!(response.der(), data);
        let _ = (response.answers().len(), response.faults().len(), response.nonce().map(<[u8]>::len));
    }
});
