//! Timestamps: what a TSTInfo says of time is never earlier than its genTime, and no token is one of two signatures. An
//! input is a TSTInfo or a token; it is taken for both.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Limits;
use smime::cms::timestamp::verify;
use smime::cms::tst_info::TstInfo;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    if let Ok(info) = TstInfo::parse(data, &limits) {
        assert!(info.latest() >= info.time.time);
        assert!(info.time.nanoseconds < 1_000_000_000);
        assert!(info.extensions.len() <= limits.attributes);
        let accuracy = info.accuracy.unwrap_or_default();
        assert!(accuracy.millis < 1000 && accuracy.micros < 1000);
    }
    let stamps = [&b"one signature"[..], b"another"].map(|signature| verify(data, signature, &[], &limits));
    assert!(stamps.iter().filter(|stamp| stamp.is_ok()).count() < 2);
});
