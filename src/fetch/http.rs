//! As much of HTTP/1.1 (RFC 9112) as lists, responses and certificates are published with: one request, one answer, one
//! connection. No redirection is followed (SEC-132), nothing is unpacked, and no announced length is believed (SEC-133).

use super::connect::{self, Connector, Deadline, Deadlined, TooMuch};
use crate::base::reason::visible;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::str::FromStr;

/// An address that begins with `http://`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    host: String,
    port: u16,
    /// Path and query.
    target: String,
}

/// Why an address is not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is of another kind: https, ldap, file.
    #[error("its scheme is {0}, and only http is asked")]
    Scheme(String),
    /// Its parts are not where they belong, or hold what does not belong there.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Longer ones are met nowhere.
const URL_BYTES: usize = 2048;

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::Malformed("it has no scheme"))?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme(visible(&scheme.chars().take(20).collect::<String>())));
        }
        if text.len() > URL_BYTES {
            return Err(UrlError::Malformed("it is too long"));
        }
        if !text.bytes().all(|octet| octet.is_ascii_graphic()) || text.contains('\\') {
            return Err(UrlError::Malformed("it holds characters that no URL holds"));
        }
        let rest = rest.strip_prefix("//").ok_or(UrlError::Malformed("there is no // behind its scheme"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::Malformed("it names a user"));
        }
        let behind_brackets = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority.get(behind_brackets..).and_then(|rest| rest.rfind(':')) {
            None => (authority, 80),
            Some(at) => {
                let (host, port) = authority.split_at(behind_brackets + at);
                let digits = port.strip_prefix(':').unwrap_or_default();
                (host, port_of(digits).ok_or(UrlError::Malformed("its port is none that lists are published at"))?)
            }
        };
        if host.is_empty() {
            return Err(UrlError::Malformed("it names no host"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { host: host.to_owned(), port, target })
    }
}

/// Below 1024, every other port belongs to another protocol, which an attacker could have spoken to through us.
fn port_of(digits: &str) -> Option<u16> {
    let port = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok()? } else { return None };
    (port == 80 || port >= 1024).then_some(port)
}

impl Url {
    /// The host, as it stands in the address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same address with one more segment at the end of its path.
    #[must_use]
    pub fn below(&self, segment: &str) -> Self {
        let target = format!("{}/{segment}", self.target.trim_end_matches('/'));
        Self { target, ..self.clone() }
    }
}

impl Url {
    /// The same address with more in its query.
    #[must_use]
    pub fn with_query(&self, query: &str) -> Self {
        let join = if self.target.contains('?') { '&' } else { '?' };
        Self { target: format!("{}{join}{query}", self.target), ..self.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.host)?;
        if self.port != 80 {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.target)
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Method<'m> {
    /// For what is there.
    Get,
    /// With something to be answered.
    Post {
        /// Content-Type of the body.
        content_type: &'m str,
        /// The body.
        body: &'m [u8],
    },
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There was no connection.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// The time was over before the answer was complete.
    #[error("the answer was not complete in time")]
    TimedOut,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(io::Error),
    /// It ended before the answer did.
    #[error("the connection ended before the answer did")]
    Cut,
    /// The answer is larger than is read.
    #[error("the answer has more than {0} bytes, as nothing of its kind has")]
    TooLarge(usize),
    /// It answered that it does not have it, or will not give it.
    #[error("the answer is status {0}")]
    Status(u16),
    /// It sends elsewhere; nobody goes there (SEC-132).
    #[error("the answer sends elsewhere (status {status}, to \"{to}\"), and that is not followed")]
    Redirected {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Location.
        to: String,
    },
    /// It is no HTTP, or says two things at once.
    #[error("the answer is no HTTP as it should be: {0}")]
    Malformed(&'static str),
}

impl Error {
    /// Whether nothing was received that could be looked at, so that another attempt may help.
    pub fn is_transport(&self) -> bool {
        !matches!(self, Self::TooLarge(_) | Self::Malformed(_))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::UnexpectedEof => Self::Cut,
            _ => Self::Io(error),
        }
    }
}

/// Octets of one line of the header, and of the whole header.
const LINE: usize = 8 << 10;
const HEADER: usize = 32 << 10;
/// Interim answers before the final one.
const INTERIM: usize = 4;
/// Octets of the line before a chunk.
const CHUNK_LINE: usize = 128;

/// Asks for something that has at most `most` octets; everything is over by the deadline. Gives the body of an answer with
/// status 200.
///
/// # Errors
/// [`Error`].
pub fn exchange(
    connector: &Connector,
    url: &Url,
    method: Method<'_>,
    most: usize,
    deadline: Deadline,
) -> Result<Vec<u8>, Error> {
    // Chunks of few octets cost more than what is in them; beyond this, that is all that they are for.
    let octets = (most as u64).saturating_mul(2).saturating_add(4 * HEADER as u64);
    let mut stream = connector.connect(&url.host, url.port, deadline, octets)?;
    let answer = ask(&mut stream, url, method).and_then(|()| Answer::read(BufReader::new(stream), most));
    answer.map_err(|error| match error {
        Error::Io(cause) if cause.get_ref().is_some_and(|inner| inner.is::<TooMuch>()) => Error::TooLarge(most),
        other => other,
    })
}

fn ask(stream: &mut Deadlined, url: &Url, method: Method<'_>) -> Result<(), Error> {
    let (verb, body) = match method {
        Method::Get => ("GET", &[][..]),
        Method::Post { body, .. } => ("POST", body),
    };
    let port = if url.port == 80 { String::new() } else { format!(":{}", url.port) };
    let mut request = format!(
        "{verb} {} HTTP/1.1\r\nHost: {}{port}\r\nUser-Agent: smime\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\
         Connection: close\r\n",
        url.target, url.host
    );
    if let Method::Post { content_type, body } = method {
        request.push_str(&format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    Ok(stream.write_all(&[request.as_bytes(), body].concat())?)
}

/// How the end of a body is told.
enum Framing {
    Length(u64),
    Chunked,
    UntilClosed,
}

struct Answer<R> {
    input: R,
    most: usize,
}

impl<R: BufRead> Answer<R> {
    fn read(input: R, most: usize) -> Result<Vec<u8>, Error> {
        let mut answer = Self { input, most };
        for _ in 0..=INTERIM {
            let mut room = HEADER;
            let status = status_of(&answer.line(LINE, &mut room)?)?;
            let fields = answer.fields(&mut room)?;
            match status {
                100..=199 if status != 101 => {}
                200 => return answer.body(&framing(&fields)?),
                301..=303 | 307 | 308 => {
                    let to = fields.iter().find(|(name, _)| name == "location");
                    let to: String = to.map(|(_, value)| value.chars().take(200).collect()).unwrap_or_default();
                    return Err(Error::Redirected { status, to: visible(&to) });
                }
                _ => return Err(Error::Status(status)),
            }
        }
        Err(Error::Malformed("it never comes to the point"))
    }

    /// One line without its end, out of what is left of `room`.
    fn line(&mut self, most: usize, room: &mut usize) -> Result<String, Error> {
        let most = most.min(*room);
        let mut line = Vec::new();
        self.input.by_ref().take(most as u64).read_until(b'\n', &mut line)?;
        *room -= line.len();
        match line.strip_suffix(b"\r\n") {
            Some(text) => String::from_utf8(text.to_vec())
                .ok()
                .filter(|text| !text.chars().any(|c| c.is_control() && c != '\t'))
                .ok_or(Error::Malformed("a line of its header holds what is no text")),
            None if line.ends_with(b"\n") => Err(Error::Malformed("a line of its header does not end with CRLF")),
            None if line.len() >= most => Err(Error::Malformed("its header is too long")),
            None => Err(Error::Cut),
        }
    }

    /// Names in lower case, and values.
    fn fields(&mut self, room: &mut usize) -> Result<Vec<(String, String)>, Error> {
        let mut fields = Vec::new();
        loop {
            let line = self.line(LINE, room)?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').ok_or(Error::Malformed("a line of its header has no colon"))?;
            let token = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
            if name.is_empty() || !name.bytes().all(token) {
                return Err(Error::Malformed("a name in its header is none"));
            }
            fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    fn body(&mut self, framing: &Framing) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        match framing {
            Framing::Length(length) => self.append(&mut body, *length)?,
            Framing::UntilClosed => {
                self.input.by_ref().take(self.most as u64 + 1).read_to_end(&mut body)?;
                if body.len() > self.most {
                    return Err(Error::TooLarge(self.most));
                }
            }
            Framing::Chunked => loop {
                let line = self.line(CHUNK_LINE, &mut { CHUNK_LINE })?;
                let size = line.split(';').next().unwrap_or_default().trim_end_matches([' ', '\t']);
                let digits = !size.is_empty() && size.bytes().all(|octet| octet.is_ascii_hexdigit());
                let size = if digits { u64::from_str_radix(size, 16).ok() } else { None };
                match size.ok_or(Error::Malformed("the size of a chunk is no number"))? {
                    0 => {
                        self.fields(&mut { HEADER })?;
                        break;
                    }
                    size => self.append(&mut body, size)?,
                }
                if !self.line(2, &mut 2)?.is_empty() {
                    return Err(Error::Malformed("a chunk is longer than it says"));
                }
            },
        }
        Ok(body)
    }

    /// So many more octets; room is made as they come, not as they are announced.
    fn append(&mut self, body: &mut Vec<u8>, count: u64) -> Result<(), Error> {
        if count > (self.most - body.len()) as u64 {
            return Err(Error::TooLarge(self.most));
        }
        let came = self.input.by_ref().take(count).read_to_end(body)?;
        if came as u64 == count { Ok(()) } else { Err(Error::Cut) }
    }
}

fn status_of(line: &str) -> Result<u16, Error> {
    let wrong = Error::Malformed("it does not begin with a status");
    let Some(rest) = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 ")) else {
        return Err(wrong);
    };
    match rest.split(' ').next() {
        Some(code) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()) => code.parse().map_err(|_| wrong),
        _ => Err(wrong),
    }
}

/// Where the body ends. What could be read in two ways is not read at all.
fn framing(fields: &[(String, String)]) -> Result<Framing, Error> {
    let all = |wanted: &str| -> Vec<&str> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect()
    };
    if all("content-encoding").iter().any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Error::Malformed("it is packed, which nobody asked for"));
    }
    match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
        ([], []) => Ok(Framing::UntilClosed),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        ([], _) => Err(Error::Malformed("its transfer coding is not known")),
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            // A number that does not fit is larger than whatever is read.
            Ok(Framing::Length(length.parse().unwrap_or(u64::MAX)))
        }
        ([_], []) => Err(Error::Malformed("its length is no number")),
        _ => Err(Error::Malformed("it tells its length in two ways")),
    }
}

#[cfg(test)]
mod tests;
