//! Values of header fields: encoded words and address lists by mail-parser, dates by our own reader. The only file that
//! knows mail-parser; what it makes of an address list is a second opinion, never the first (see `mailboxes.rs`).

use super::header::unfold;
use crate::base::time::{Civil, Time};
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};

/// Nesting of comments (SEC-99, SEC-100).
pub(super) const COMMENT_DEPTH: usize = 16;
/// RFC 2047 section 2 allows 75 characters; so many are looked through for an encoded word's end.
const ENCODED_WORD: usize = 200;

/// What an address list says to mail-parser: name and address of each entry, groups flattened. `None` where it should
/// not be asked.
pub(super) fn addresses(value: &[u8]) -> Option<Vec<(Option<String>, Option<String>)>> {
    let text = line(value);
    if !is_tame(&text) {
        return None;
    }
    let lists: Vec<_> = match MessageStream::new(&text).parse_address() {
        HeaderValue::Address(Address::List(list)) => list,
        HeaderValue::Address(Address::Group(groups)) => groups.into_iter().flat_map(|group| group.addresses).collect(),
        _ => Vec::new(),
    };
    let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| text.into_owned());
    Some(lists.into_iter().map(|entry| (owned(entry.name), owned(entry.address))).collect())
}

/// Unstructured text with its encoded words decoded (RFC 2047).
pub(super) fn decode_text(value: &[u8]) -> String {
    let text = line(value);
    if is_tame(&text) {
        match MessageStream::new(&text).parse_unstructured() {
            HeaderValue::Text(decoded) => return decoded.into_owned(),
            HeaderValue::Empty => return String::new(),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// Text in a charset; `None` for a charset that is not known.
pub(crate) fn decode_charset(name: &str, bytes: &[u8]) -> Option<String> {
    if name.eq_ignore_ascii_case("us-ascii") || name.is_empty() {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    mail_parser::decoders::charsets::map::charset_decoder(name.as_bytes()).map(|decode| decode(bytes))
}

/// A date and time (RFC 5322 section 3.3, with the obsolete years and zones of section 4.3).
pub(super) fn date(value: &str) -> Option<Time> {
    let plain = without_comments(value)?;
    let mut words = plain.split([' ', '\t', ',']).filter(|word| !word.is_empty()).peekable();
    if words.peek()?.starts_with(|c: char| c.is_ascii_alphabetic()) {
        words.next();
    }
    let day = number(words.next()?, 2)?;
    let month = words.next()?.get(..3)?.to_ascii_lowercase();
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = months.iter().position(|name| *name == month)? + 1;
    let digits = words.next()?;
    let year = match (digits.len(), i64::from(number(digits, 4)?)) {
        (2, year @ 0..50) => year + 2000,
        (2 | 3, year) => year + 1900,
        (_, year) => year,
    };
    let mut clock = words.next()?.split(':');
    let (hour, minute) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    // A leap second is read as 59.
    let second = clock.next().map_or(Some(0), |second| number(second, 2)).map(|s| if s == 60 { 59 } else { s })?;
    if clock.next().is_some() {
        return None;
    }
    let east = zone(words.next()?)?;
    let small = |n: u32| u8::try_from(n).ok();
    let civil = Civil {
        year,
        month: month as u8,
        day: small(day)?,
        hour: small(hour)?,
        minute: small(minute)?,
        second: small(second)?,
    };
    Some(Time::from_civil(civil)?.plus(-east))
}

/// Seconds east of Greenwich.
fn zone(word: &str) -> Option<i64> {
    if let Some(digits) = word.strip_prefix(['+', '-']) {
        let n = i64::from(number(digits, 4).filter(|_| digits.len() == 4)?);
        let seconds = n / 100 * 3600 + n % 100 * 60;
        return Some(if word.starts_with('-') { -seconds } else { seconds });
    }
    let hours = match word.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        // RFC 5322 section 4.3: all other names are taken as -0000.
        name if name.bytes().all(|b| b.is_ascii_alphabetic()) => 0,
        _ => return None,
    };
    Some(hours * 3600)
}

fn number(digits: &str, at_most: usize) -> Option<u32> {
    let sound = (1..=at_most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    sound.then(|| digits.parse().ok()).flatten()
}

fn without_comments(value: &str) -> Option<String> {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for c in value.chars() {
        match c {
            '(' if depth == COMMENT_DEPTH => return None,
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '\r' | '\n' => {}
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    (depth == 0).then_some(plain)
}

/// One line for mail-parser.
fn line(value: &[u8]) -> Vec<u8> {
    let mut text = unfold(value);
    text.push(b'\n');
    text
}

/// Whether nearly all that begins as an encoded word ends as one. mail-parser looks for the end of each anew, to the
/// end of the value if it must, which takes quadratic time on a hostile one (SEC-99, SEC-101).
fn is_tame(text: &[u8]) -> bool {
    let wild = |at: &usize| {
        let word = text.get(at + 2..).unwrap_or_default();
        let word = word.get(..ENCODED_WORD).unwrap_or(word);
        let Some(charset) = memchr::memchr(b'?', word) else { return true };
        match word.get(charset + 1..) {
            // charset?encoding?text
            Some([_, b'?', encoded @ ..]) => memchr::memmem::find(encoded, b"?=").is_none(),
            // Anything else is given up at once.
            _ => false,
        }
    };
    memchr::memmem::find_iter(text, b"=?").filter(wild).take(17).count() <= 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sec_100_dates_are_read_and_bounded() {
        for (text, expected) in [
            ("Tue, 24 Nov 2026 09:00:00 +0100", "2026-11-24T08:00:00Z"),
            ("24 Nov 2026 08:00 GMT", "2026-11-24T08:00:00Z"),
            (" Tue,\r\n 24 November 26 (a (nested) comment) 03:00:60 EST", "2026-11-24T08:00:59Z"),
            ("Mon, 1 Jan 99 00:00:00 -0030", "1999-01-01T00:30:00Z"),
        ] {
            assert_eq!(date(text).unwrap().to_string(), expected, "{text}");
        }
        let deep = format!("24 Nov 2026 08:00 {}GMT", "(".repeat(100_000));
        for text in [
            "",
            "Tue",
            "31 Feb 2026 08:00 GMT",
            "24 Nov 2026 08:00",
            "24 Növ 2026 08:00 GMT",
            "24 Nov 2026 8 +1",
            &deep,
        ] {
            assert_eq!(date(text), None);
        }
    }

    #[test]
    fn sec_101_encoded_words_take_linear_time() {
        assert_eq!(decode_text(b" =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IQ==?= there"), "Grüße! there");
        assert_eq!(decode_text(b"=?x-unknown?Q?a?= b"), "a b");
        let wild = "=?aa?q?x".repeat(5000);
        assert!(decode_text(wild.as_bytes()) == wild);
        assert!(addresses(wild.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn any_value_is_survived(text in "([<>@,:;\"\\\\()=?_ a.\\r\\n\0]|=\\?utf-8\\?[qQbB]\\?|\\?=|[a-z]{1,4}|ä){0,40}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for value in [text.as_bytes(), &bytes] {
                let _ = addresses(value);
                let _ = decode_text(value);
                let _ = date(&String::from_utf8_lossy(value));
                let _ = decode_charset("utf-7", value);
                let _ = decode_charset("iso-2022-jp", value);
            }
        }
    }
}
