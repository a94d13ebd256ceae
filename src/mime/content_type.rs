//! Values of Content-Type and Content-Disposition, read strictly where it matters (RFC 2045 section 5.1, RFC 2231).

use super::{Error, Result};
use crate::base::reason::Reason;

/// RFC 2231 continuations of one parameter (SEC-101).
const MAX_SEGMENTS: usize = 256;
/// RFC 2046 section 5.1.1 (SEC-22).
const MAX_BOUNDARY: usize = 70;

/// Parameters that are expected: protocol, micalg, boundary.
const USUAL: usize = 4;

/// A media type, or a disposition, with its parameters in the order in which they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// `type/subtype` in lower case; of a disposition, its one word.
    pub media_type: String,
    /// The parameters; of those that are there twice, the first (OUT-60 e).
    pub parameters: Vec<Parameter>,
    /// What is out of the ordinary about the value.
    pub oddities: Vec<Reason>,
    /// Why the parameter `boundary` cannot be used, where that is so.
    boundary_fault: Option<&'static str>,
    /// Where the field stands.
    offset: u64,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// In lower case, without RFC 2231's marks.
    pub name: String,
    /// Without quotes, continuations joined, decoded.
    pub value: String,
}

impl Default for ContentType {
    /// `text/plain` (RFC 2045 section 5.2).
    fn default() -> Self {
        Self::plain("text/plain")
    }
}

impl ContentType {
    /// A type without parameters.
    pub(super) fn plain(media_type: &str) -> Self {
        Self {
            media_type: media_type.to_owned(),
            parameters: Vec::new(),
            oddities: Vec::new(),
            boundary_fault: None,
            offset: 0,
        }
    }

    /// Reads the value of a Content-Type field, folds included. `offset` is where the field stands.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](super::ErrorKind::Malformed) where it is no `type/subtype`,
    /// [`ErrorKind::Ambiguous`](super::ErrorKind::Ambiguous) where `boundary` is there twice (SEC-22),
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) for more than 256 continuations of a parameter (SEC-101).
    pub fn parse(value: &[u8], offset: u64) -> Result<Self> {
        let read = Self::read(value, offset)?;
        let Some((main, sub)) = read.media_type.split_once('/') else {
            return Err(Error::malformed("Content-Type", offset, "it has no slash"));
        };
        if !is_token(main) || !is_token(sub) {
            return Err(Error::malformed("Content-Type", offset, "it is not of the form type/subtype"));
        }
        Ok(read)
    }

    /// Reads the value of a Content-Disposition field: one word, and parameters (RFC 2183).
    ///
    /// # Errors
    /// As for [`ContentType::parse`].
    pub fn parse_disposition(value: &[u8], offset: u64) -> Result<Self> {
        let read = Self::read(value, offset)?;
        if !is_token(&read.media_type) {
            return Err(Error::malformed("Content-Disposition", offset, "it does not begin with a word"));
        }
        Ok(read)
    }

    /// Whether it is this type; case does not matter.
    pub fn is(&self, media_type: &str) -> bool {
        self.media_type.eq_ignore_ascii_case(media_type)
    }

    /// Whether it is a `multipart/*`.
    pub fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }

    /// Whether it is a `text/*`.
    pub fn is_text(&self) -> bool {
        self.media_type.starts_with("text/")
    }

    /// Whether the body is a whole message of its own (RFC 2046 section 5.2.1, RFC 6532).
    pub fn is_message(&self) -> bool {
        self.is("message/rfc822") || self.is("message/global")
    }

    /// The value of a parameter; case of the name does not matter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name)).map(|p| p.value.as_str())
    }

    /// The boundary of a multipart: 1 to 70 printable ASCII characters, not ending with a blank (RFC 2046 section
    /// 5.1.1).
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](super::ErrorKind::Malformed) where it is absent, or not that (SEC-22).
    pub fn boundary(&self) -> Result<&str> {
        let fail = |why| Err(Error::malformed("boundary", self.offset, why));
        if let Some(why) = self.boundary_fault {
            return fail(why);
        }
        match self.parameter("boundary") {
            None => fail("a multipart has none"),
            Some("") => fail("it is empty"),
            Some(long) if long.len() > MAX_BOUNDARY => fail("it is longer than 70 characters"),
            Some(blank) if blank.ends_with(' ') => fail("it ends with a blank"),
            Some(odd) if !odd.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) => {
                fail("it has characters other than printable ASCII")
            }
            Some(sound) => Ok(sound),
        }
    }

    fn read(value: &[u8], offset: u64) -> Result<Self> {
        let mut input = Input { rest: value };
        input.skip_blanks();
        let end = memchr::memchr2(b';', b'(', input.rest).unwrap_or(input.rest.len());
        let (main, rest) = input.rest.split_at_checked(end).unwrap_or_default();
        input.rest = rest;
        input.skip_blanks();
        let mut media_type = text(main.trim_ascii().to_vec());
        media_type.make_ascii_lowercase();
        let mut this = Self { media_type, offset, parameters: Vec::new(), oddities: Vec::new(), boundary_fault: None };
        if !matches!(input.rest.first(), None | Some(b';')) {
            this.odd("malformed_parameter", "something stands between the media type and its parameters");
        }
        let mut found = Vec::with_capacity(USUAL);
        while input.skip_to_semicolon() {
            match input.parameter() {
                Some(parameter) => found.push(parameter),
                None if matches!(input.rest.first(), None | Some(b';')) => {}
                None => this.odd("malformed_parameter", "a parameter is not of the form name=value"),
            }
        }
        this.assemble(found, offset)?;
        Ok(this)
    }

    /// Joins continuations (RFC 2231) and drops repetitions.
    fn assemble(&mut self, found: Vec<RawParameter>, offset: u64) -> Result<()> {
        if found.len() <= FEW && are_plain(&found) {
            self.parameters.reserve_exact(found.len());
            for RawParameter { name, value, quality } in found {
                if quality == Quality::Loose {
                    self.loose();
                }
                let fault = Fault { repeated: false, malformed: quality == Quality::Bad };
                self.add(name, text(value), &fault, offset)?;
            }
            return Ok(());
        }
        let mut names: Vec<String> = Vec::new();
        let mut groups: std::collections::HashMap<String, Vec<Segment>> = std::collections::HashMap::new();
        for parameter in found {
            let (name, segment) = parameter.into_segment();
            let group = groups.entry(name.clone()).or_default();
            if group.is_empty() {
                names.push(name);
            }
            if segment.index.is_some_and(|index| index >= MAX_SEGMENTS) || group.len() > MAX_SEGMENTS * 2 {
                return Err(Error::limit("continuations of a parameter", MAX_SEGMENTS, offset));
            }
            group.push(segment);
        }
        for name in names {
            let group = groups.remove(&name).unwrap_or_default();
            let (value, fault) = self.join(group);
            self.add(name, value, &fault, offset)?;
        }
        Ok(())
    }

    fn add(&mut self, name: String, value: String, fault: &Fault, offset: u64) -> Result<()> {
        if name == "boundary" {
            if fault.repeated {
                // SEC-22: each reader would split the body elsewhere.
                return Err(Error::ambiguous("the parameter boundary", offset));
            }
            if fault.malformed {
                self.boundary_fault = Some("it is broken over lines, or neither a token nor in quotes");
            }
        } else if fault.repeated {
            self.odd("duplicate_parameter", format!("the parameter {name} is there twice; the first one counts"));
        }
        if fault.malformed {
            self.odd("malformed_parameter", format!("the value of {name} is neither a token nor in quotes"));
        }
        self.parameters.push(Parameter { name, value });
        Ok(())
    }

    fn loose(&mut self) {
        self.odd("unquoted_parameter", "a parameter that needs quotes has none");
    }

    fn join(&mut self, mut group: Vec<Segment>) -> (String, Fault) {
        let mut fault = Fault {
            repeated: false,
            malformed: group.iter().any(|s| s.quality != Quality::Sound && s.quality != Quality::Loose),
        };
        if group.iter().any(|s| s.quality == Quality::Loose) {
            self.loose();
        }
        // A plain value and an extended one, or the same twice: the first form decides.
        let first_is_plain = group.first().is_some_and(|s| s.index.is_none());
        if first_is_plain {
            fault.repeated = group.len() > 1;
            group.truncate(1);
        } else {
            let all = group.len();
            group.retain(|s| s.index.is_some());
            group.sort_by_key(|s| s.index);
            group.dedup_by_key(|s| s.index);
            fault.repeated = group.len() != all;
            let contiguous = group.iter().enumerate().take_while(|(n, s)| s.index == Some(*n)).count();
            if contiguous != group.len() {
                self.odd("malformed_parameter", "a continued parameter has a gap");
                group.truncate(contiguous);
            }
        }
        let mut charset = None;
        let mut bytes = Vec::new();
        for (n, segment) in group.into_iter().enumerate() {
            match segment.extended {
                Extended::No => bytes.extend_from_slice(&segment.value),
                Extended::Yes => {
                    let mut text = segment.value.as_slice();
                    if n == 0 {
                        // charset'language'value
                        let mut parts = text.splitn(3, |b| *b == b'\'');
                        if let (Some(set), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                            charset = Some(lossy(set));
                            text = rest;
                        }
                    }
                    percent_decode(text, &mut bytes);
                }
            }
        }
        let value = match charset.as_deref() {
            Some(set) => super::values::decode_charset(set, &bytes).unwrap_or_else(|| lossy(&bytes)),
            None => lossy(&bytes),
        };
        (value, fault)
    }

    fn odd(&mut self, code: &'static str, text: impl Into<String>) {
        if self.oddities.len() < 16 {
            self.oddities.push(Reason::new(code, text));
        }
    }
}

/// The only token of a value such as that of Content-Transfer-Encoding, comments removed, in lower case.
pub(super) fn single_token(value: &[u8]) -> Option<String> {
    let mut input = Input { rest: value };
    input.skip_blanks();
    let token = input.token();
    input.skip_blanks();
    (input.rest.is_empty() && !token.is_empty()).then(|| lossy(&token).to_ascii_lowercase())
}

/// So many parameters are compared with one another.
const FEW: usize = 16;

/// Whether each is there once, and in one piece.
fn are_plain(found: &[RawParameter]) -> bool {
    let before = |at: usize| found.iter().take(at);
    found
        .iter()
        .enumerate()
        .all(|(at, this)| !this.name.contains('*') && before(at).all(|other| other.name != this.name))
}

struct Fault {
    repeated: bool,
    malformed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quality {
    /// A token, or a closed quoted string.
    Sound,
    /// A single word with characters that would need quotes, such as `=`; all readers agree on it.
    Loose,
    /// Anything else; readers differ.
    Bad,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extended {
    Yes,
    No,
}

struct Segment {
    /// `None`: a plain `name=value`.
    index: Option<usize>,
    extended: Extended,
    value: Vec<u8>,
    quality: Quality,
}

struct RawParameter {
    name: String,
    value: Vec<u8>,
    quality: Quality,
}

impl RawParameter {
    fn into_segment(self) -> (String, Segment) {
        let Self { mut name, value, quality } = self;
        let mut extended = Extended::No;
        if let Some(bare) = name.strip_suffix('*') {
            name = bare.to_owned();
            extended = Extended::Yes;
        }
        let numbered = name.rsplit_once('*').and_then(|(bare, digits)| {
            let sound = digits.bytes().all(|b| b.is_ascii_digit()) && (1..=9).contains(&digits.len());
            sound.then(|| (bare.to_owned(), digits.parse().unwrap_or(MAX_SEGMENTS)))
        });
        let index = match numbered {
            Some((bare, index)) => {
                name = bare;
                Some(index)
            }
            None => (extended == Extended::Yes).then_some(0),
        };
        (name, Segment { index, extended, value, quality })
    }
}

/// A cursor over a structured field value.
struct Input<'v> {
    rest: &'v [u8],
}

impl Input<'_> {
    fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Blanks, folds and comments. An open comment takes all that follows. One pass whatever the nesting.
    fn skip_blanks(&mut self) {
        let mut depth = 0_usize;
        while let Some(b) = self.rest.first() {
            match b {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.advance(),
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => return,
            }
            self.advance();
        }
    }

    /// Goes past the next semicolon; false where there is none.
    fn skip_to_semicolon(&mut self) -> bool {
        match memchr::memchr(b';', self.rest) {
            Some(at) => {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                true
            }
            None => false,
        }
    }

    fn token(&mut self) -> Vec<u8> {
        let length = self.rest.iter().take_while(|b| is_token_byte(**b)).count();
        let (token, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        token.to_vec()
    }

    fn parameter(&mut self) -> Option<RawParameter> {
        self.skip_blanks();
        let name = self.token();
        self.skip_blanks();
        if name.is_empty() || self.rest.first() != Some(&b'=') {
            return None;
        }
        self.advance();
        self.skip_blanks();
        let (value, quality) = match self.rest.first() {
            Some(b'"') => self.quoted(),
            _ => self.unquoted(),
        };
        let mut name = text(name);
        name.make_ascii_lowercase();
        Some(RawParameter { name, value, quality })
    }

    fn quoted(&mut self) -> (Vec<u8>, Quality) {
        self.advance();
        // What needs no second look: most of it, and mostly all.
        let plain = |b: &&u8| !matches!(b, b'"' | b'\\' | b'\r' | b'\n');
        let length = self.rest.iter().take_while(plain).count();
        let (start, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        let mut value = start.to_vec();
        self.rest = rest;
        let mut quality = Quality::Sound;
        loop {
            match self.rest.first().copied() {
                None => return (value, Quality::Bad),
                Some(b'"') => break,
                Some(b'\\') => {
                    self.advance();
                    value.extend(self.rest.first());
                }
                // A fold within quotes: harmless in a file name, not in a boundary.
                Some(b'\r' | b'\n') => quality = Quality::Bad,
                Some(b) => value.push(b),
            }
            self.advance();
        }
        self.advance();
        self.skip_blanks();
        match self.rest.first() {
            None | Some(b';') => (value, quality),
            Some(_) => (value, Quality::Bad),
        }
    }

    fn unquoted(&mut self) -> (Vec<u8>, Quality) {
        let end = self.rest.iter().position(|b| matches!(b, b';' | b'(')).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        let mut value = text.trim_ascii().to_vec();
        value.retain(|b| !matches!(b, b'\r' | b'\n'));
        self.skip_blanks();
        let ends_well = matches!(self.rest.first(), None | Some(b';'));
        let quality = match value.as_slice() {
            [] => Quality::Bad,
            _ if !ends_well => Quality::Bad,
            token if token.iter().all(|b| is_token_byte(*b)) => Quality::Sound,
            word if word.iter().all(|b| b.is_ascii_graphic() && *b != b'"') => Quality::Loose,
            _ => Quality::Bad,
        };
        (value, quality)
    }
}

/// RFC 2045 section 5.1: any printable ASCII but blanks and tspecials.
fn is_token_byte(b: u8) -> bool {
    matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'~')
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The same of bytes that are no more needed.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.as_bytes()))
}

fn percent_decode(text: &[u8], out: &mut Vec<u8>) {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let mut at = 0;
    while let Some(b) = text.get(at) {
        match (b, digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(*b);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ErrorKind;
    use super::*;

    fn parse(text: &str) -> ContentType {
        ContentType::parse(text.as_bytes(), 0).unwrap()
    }

    fn codes(content_type: &ContentType) -> Vec<&str> {
        content_type.oddities.iter().map(|o| o.code).collect()
    }

    #[test]
    fn types_and_parameters_are_read() {
        let c = parse(
            " Multipart/Signed (a ; comment (nested)); micalg=SHA-256;\r\n\tprotocol=\"application/x-pkcs7-signature\"; boundary=\"a\\\"b\"; ",
        );
        assert_eq!(c.media_type, "multipart/signed");
        assert_eq!(c.parameter("MicAlg"), Some("SHA-256"));
        assert_eq!(c.parameter("protocol"), Some("application/x-pkcs7-signature"));
        assert_eq!(c.boundary().unwrap(), "a\"b");
        assert!(c.oddities.is_empty(), "{:?}", c.oddities);
        let c = parse("multipart/mixed; boundary=----=_Part_1 (x)");
        assert_eq!(c.boundary().unwrap(), "----=_Part_1");
        assert_eq!(codes(&c), ["unquoted_parameter"]);
        for bad in ["", "text", "text/", "/plain", "te xt/plain", "text/plain/x", ";"] {
            assert!(ContentType::parse(bad.as_bytes(), 0).is_err(), "{bad:?}");
        }
    }

    /// OUT-60 (e): Exchange writes parameters twice.
    #[test]
    fn the_first_of_equal_parameters_counts() {
        let c = parse(
            "application/x-pkcs7-mime;smime-type=signed-data;name=smime.p7m; smime-type=enveloped-data; name=\"x.p7m\"",
        );
        assert_eq!(c.parameter("smime-type"), Some("signed-data"));
        assert_eq!(c.parameter("name"), Some("smime.p7m"));
        assert_eq!(codes(&c), ["duplicate_parameter", "duplicate_parameter"]);
    }

    #[test]
    fn sec_022_boundaries_have_one_reading_or_none() {
        let kind = |text: &str| match ContentType::parse(text.as_bytes(), 0) {
            Ok(c) => c.boundary().unwrap_err().kind,
            Err(e) => e.kind,
        };
        for text in ["boundary=a; boundary=b", "boundary=a; boundary*0=a", "boundary*0=a; boundary*0=b"] {
            assert!(matches!(kind(&format!("multipart/mixed; {text}")), ErrorKind::Ambiguous { .. }), "{text}");
        }
        let long = format!("boundary={}", "x".repeat(71));
        for text in [
            "x=y",
            "boundary=",
            "boundary=\"\"",
            "boundary=\"a\r\n b\"",
            "boundary=\"a \"",
            "boundary=a b",
            "boundary=\"a",
            "boundary=\"a\"b",
            "boundary=\"ä\"",
            &long,
        ] {
            assert!(matches!(kind(&format!("multipart/mixed; {text}")), ErrorKind::Malformed { .. }), "{text}");
        }
        assert_eq!(parse("multipart/mixed; boundary*1=b; boundary*0=\"a\"").boundary().unwrap(), "ab");
        assert_eq!(parse(&format!("multipart/mixed; boundary={}", "x".repeat(70))).boundary().unwrap().len(), 70);
    }

    #[test]
    fn sec_101_continuations_are_joined_and_bounded() {
        let c = parse("a/b; name*1*=%20w%C3%B6rld.p7m; name*0*=utf-8'en'hello; x*=iso-8859-1''%e4");
        assert_eq!(c.parameter("name"), Some("hello wörld.p7m"));
        assert_eq!(c.parameter("x"), Some("ä"));
        let c = parse("a/b; name*0=a; name*2=c");
        assert_eq!(c.parameter("name"), Some("a"));
        assert_eq!(codes(&c), ["malformed_parameter"]);
        let many: String = (0..300).map(|n| format!("; n*{n}=x")).collect();
        let error = ContentType::parse(format!("a/b{many}").as_bytes(), 0).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Limit { .. }), "{error}");
        assert!(ContentType::parse(b"a/b; n*999999999=x", 0).is_err());
        assert_eq!(parse("a/b; n*99999999999999999999=x").parameters.len(), 1);
    }
}
