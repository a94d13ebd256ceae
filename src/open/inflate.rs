//! The content of a CompressedData (RFC 3274): zlib, unpacked within bounds (SEC-85).

use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::{SharedSource, Source, for_each_piece};
use flate2::bufread::ZlibDecoder;
use std::io::{self, BufRead, BufReader, Read};

/// Unpacks once, handing nothing out: whether the stream is whole and within bounds, and how long its content is.
///
/// # Errors
/// Why it cannot be unpacked.
pub(super) fn judge(compressed: &SharedSource<'_>, length: u64, limits: &Limits) -> io::Result<Result<u64, Reason>> {
    let most = most(length, limits);
    let mut decoder = ZlibDecoder::new(compressed.reader(0)?);
    let mut block = vec![0; 16 << 10];
    let mut total = 0u64;
    loop {
        match decoder.read(&mut block) {
            Ok(0) => break,
            Ok(more) => total = total.saturating_add(more as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let text = format!("the compressed content is damaged after {total} bytes: {error}");
                return Ok(Err(Reason::new("malformed", text)));
            }
        }
        if total > most {
            let text = format!("{length} bytes unpack to more than {most}; no more are unpacked");
            return Ok(Err(Reason::new("limit_exceeded", text)));
        }
    }
    let mut behind = 0u64;
    for_each_piece(&mut decoder.into_inner(), &mut |piece| {
        behind += piece.len() as u64;
        Ok(())
    })?;
    if behind > 0 {
        let text = format!("{behind} bytes stand behind the compressed content");
        return Ok(Err(Reason::new("malformed", text)));
    }
    Ok(Ok(total))
}

/// A ratio, since honest mail has one; a floor, so that a short and dull mail opens; a ceiling.
fn most(length: u64, limits: &Limits) -> u64 {
    let by_ratio = length.saturating_mul(limits.inflate_ratio);
    by_ratio.max(limits.in_memory_layer as u64).min(limits.inflated_bytes)
}

/// The unpacked content of a stream that was judged.
pub(super) struct Inflated<'a>(pub(super) SharedSource<'a>);

impl Source for Inflated<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let mut reader = BufReader::with_capacity(16 << 10, ZlibDecoder::new(self.0.reader(0)?));
        io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        Ok(Box::new(reader))
    }
}
