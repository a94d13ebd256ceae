//! The slice reader and the stream reader say the same of the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::asn1::ber::Reader;
use smime::asn1::stream::Stream;

fuzz_target!(|data: &[u8]| {
    let slice = Reader::new(data).next_element().ok().flatten().map(|e| e.raw().to_vec());
    let stream = Stream::new(data).take(data.len(), "element").ok();
    assert_eq!(slice, stream);
});
