//! What a job remembers: a log of lines that only grows. Each line begins with a checksum over itself and all lines before
//! it, so that what a power loss left of the last ones is told from what was written; reading ends at the first line that is
//! not whole.
//!
//! ```text
//! 9f86d081884c7d65 smime-bulk 1 5e884898da28047151d0e56f8dc62927
//! 60303ae22b998861 ready 12.tmp 7d865e95..  15230 12.eml 12.eml
//! fd61a03af4f77d87 failed 13.eml unreadable malformed%20header
//! a4e624d686e03ed2 settled
//! ```
//!
//! `ready`: the result of a mail lies under a temporary name and will be given its own. `failed`: the mail has no result.
//! `settled`: every result that was ready before has its own name. Names are percent-encoded.

use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::Hasher;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// Which job a journal belongs to: a digest of everything that makes it this job and no other.
///
/// ```
/// use smime::bulk::journal::JobId;
/// assert_eq!(JobId::of([b"sign".as_slice(), b"mails"]), JobId::of([b"sign".as_slice(), b"mails"]));
/// assert_ne!(JobId::of([b"sign".as_slice(), b"mails"]), JobId::of([b"signm".as_slice(), b"ails"]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobId(String);

impl JobId {
    /// Over the parts, each by itself.
    pub fn of<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hex(hasher.finish().get(..16).unwrap_or_default()))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The first one: whose log it is.
    Job(JobId),
    /// A result lies under a temporary name, whole and safe.
    Ready(Ready),
    /// A mail has no result.
    Failed(Failed),
    /// Every result that was ready before has its own name.
    Settled,
}

/// A result that has its own name, or will have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which mail.
    pub key: Vec<u8>,
    /// The name of the result.
    pub name: Vec<u8>,
    /// Its temporary name.
    pub temporary: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many there are.
    pub length: u64,
}

/// A mail without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Which mail.
    pub key: Vec<u8>,
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub reason: String,
}

/// No line of ours is longer.
const MAX_LINE: u64 = 64 << 10;
/// Hexadecimal digits of a checksum.
const CHECKSUM: usize = 16;
const FORMAT: &str = "smime-bulk 1";

/// Encodes lines, each bound to those before it.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    before: String,
}

impl Encoder {
    /// Appends a record's line.
    pub fn encode(&mut self, record: &Record, out: &mut Vec<u8>) {
        let text = match record {
            Record::Job(id) => format!("{FORMAT} {id}"),
            Record::Ready(Ready { key, name, temporary, sha256, length }) => {
                let (digest, key, name) = (hex(sha256), encoded(key), encoded(name));
                format!("ready {} {digest} {length} {key} {name}", encoded(temporary.as_bytes()))
            }
            Record::Failed(Failed { key, code, reason }) => {
                let (code, key) = (encoded(code.as_bytes()), encoded(key));
                // Whatever the reason says, the line stays one that is read again.
                let room = (MAX_LINE / 8) as usize;
                let reason = encoded(reason.as_bytes().get(..room).unwrap_or(reason.as_bytes()));
                format!("failed {key} {code} {reason}")
            }
            Record::Settled => "settled".to_owned(),
        };
        self.before = checksum(&self.before, &text);
        out.extend_from_slice(self.before.as_bytes());
        out.push(b' ');
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

/// Reads a log to its end, or to the first line that is not whole.
pub struct Decoder<R> {
    input: BufReader<R>,
    encoder: Encoder,
    sound: u64,
}

impl<R: Read> Decoder<R> {
    /// From its first byte on.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(64 << 10, input), encoder: Encoder::default(), sound: 0 }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// What reading gives.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        let mut line = Vec::new();
        self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        let Some(record) = self.decode(&line) else { return Ok(None) };
        self.sound += line.len() as u64;
        Ok(Some(record))
    }

    fn decode(&mut self, line: &[u8]) -> Option<Record> {
        let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let (sum, text) = line.split_at_checked(CHECKSUM)?;
        let text = text.strip_prefix(' ')?;
        let expected = checksum(&self.encoder.before, text);
        if sum != expected {
            return None;
        }
        let record = parse(text)?;
        self.encoder.before = expected;
        Some(record)
    }

    /// How many bytes were read that are whole lines, and what goes on after them.
    pub fn end(self) -> (u64, Encoder) {
        (self.sound, self.encoder)
    }
}

fn parse(text: &str) -> Option<Record> {
    if let Some(id) = text.strip_prefix(FORMAT) {
        return Some(Record::Job(JobId(id.strip_prefix(' ')?.to_owned())));
    }
    let mut words = text.split(' ');
    let kind = words.next()?;
    let mut word = || words.next();
    let record = match kind {
        "ready" => {
            let temporary = String::from_utf8(decoded(word()?)?).ok()?;
            let sha256 = unhex(word()?)?;
            let length = word()?.parse().ok()?;
            Record::Ready(Ready { temporary, sha256, length, key: decoded(word()?)?, name: decoded(word()?)? })
        }
        "failed" => {
            let key = decoded(word()?)?;
            let mut text = || Some(String::from_utf8_lossy(&decoded(word()?)?).into_owned());
            Record::Failed(Failed { key, code: text()?, reason: text()? })
        }
        "settled" => Record::Settled,
        _ => return None,
    };
    word().is_none().then_some(record)
}

fn checksum(before: &str, text: &str) -> String {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(before.as_bytes());
    hasher.update(text.as_bytes());
    hex(hasher.finish().get(..CHECKSUM / 2).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'!'..=b'~' if *byte != b'%' => text.push(char::from(*byte)),
            _ => {
                text.push('%');
                text += &hex(&[*byte]);
            }
        }
    }
    text
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let ready = |n: u8| Ready {
            key: vec![n, b' ', b'%', 0xff, b'\n'],
            name: b"name.eml".to_vec(),
            temporary: format!("{n}.tmp"),
            sha256: [n; 32],
            length: u64::from(n) << 40,
        };
        let failed = Failed { key: b"k".to_vec(), code: "c".to_owned(), reason: "b\u{e4}d\n".to_owned() };
        let empty = Failed { key: b"k".to_vec(), code: String::new(), reason: String::new() };
        vec![
            Record::Job(JobId::of([b"job".as_slice()])),
            Record::Ready(ready(1)),
            Record::Failed(failed),
            Record::Settled,
            Record::Failed(empty),
            Record::Ready(ready(255)),
        ]
    }

    fn written() -> (Vec<u8>, Vec<usize>) {
        let (mut encoder, mut log, mut ends) = (Encoder::default(), Vec::new(), vec![0]);
        for record in records() {
            encoder.encode(&record, &mut log);
            ends.push(log.len());
        }
        (log, ends)
    }

    fn read(log: &[u8]) -> (Vec<Record>, u64) {
        let mut decoder = Decoder::new(log);
        let mut found = Vec::new();
        while let Some(record) = decoder.next_record().unwrap() {
            found.push(record);
        }
        (found, decoder.end().0)
    }

    #[test]
    fn what_is_written_is_read_up_to_where_it_was_cut_or_altered() {
        let (log, ends) = written();
        for cut in 0..=log.len() {
            let whole = ends.iter().rposition(|end| *end <= cut).unwrap();
            assert_eq!(read(&log[..cut]), (records()[..whole].to_vec(), ends[whole] as u64), "cut at {cut}");
        }
        for at in 0..log.len() {
            let mut altered = log.clone();
            altered[at] ^= 1;
            let whole = ends.iter().rposition(|end| *end <= at).unwrap();
            assert_eq!(read(&altered).0, records()[..whole], "altered at {at}");
        }
    }

    #[test]
    fn a_line_counts_in_its_place_only() {
        let (log, ends) = written();
        let without_second = [&log[..ends[1]], &log[ends[2]..]].concat();
        assert_eq!(read(&without_second).0.len(), 1);
    }
}
