//! EnvelopedData and AuthEnvelopedData: the skeleton, and what it says of its cipher.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Limits;
use smime::cms::enveloped::Enveloped;

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = Enveloped::read(data, &Limits::default(), &mut |_| Ok(())) {
        let _ = read.cipher();
    }
});
