//! SignedData: the skeleton, and the sum of its content.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Limits;
use smime::cms::signed::{Head, SignedData, Sink};

struct Count(u64);

impl Sink for Count {
    fn begin(&mut self, _: &Head) -> smime::cms::Result<()> {
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> smime::cms::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let mut count = Count(0);
    if let Ok(read) = SignedData::read(data, &Limits::default(), &mut count) {
        assert_eq!(read.content_length, count.0);
    }
});
