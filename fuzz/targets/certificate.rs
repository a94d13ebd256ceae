//! Certificates: whatever reads keeps the received bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Certificate;

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::from_der(data) {
        assert_eq!(certificate.der(), data);
        let _ = (certificate.subject().to_string(), certificate.public_key(&smime::Limits::default()));
    }
});
