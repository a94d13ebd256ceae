//! LDIF (RFC 2849): what directories are exported to and filled from, so certificates by person without a network.
//!
//! [`Ldif::read`] gives the entries as they stand there; [`directory`] finds the certificates and revocation lists in
//! them; [`mod@write`] makes a file of certificates that a directory takes. A value given by URL (`attr:< URL`) is never
//! fetched: it is handed out as such, and [`Ldif::resolve`] puts in its place what the caller has for it.
//!
//! Read beyond the RFC, because programs write it: a file without version line, an entry without attributes, UTF-8 that is
//! not in base64, and what `ldapsearch` puts at the end of its output.

pub mod directory;
pub mod write;

use super::pem;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use std::borrow::Cow;
use std::fmt;

/// An LDIF file with content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ldif {
    entries: Vec<Entry>,
    notes: Vec<Reason>,
}

/// An entry of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    dn: String,
    line: usize,
    attributes: Vec<Attribute>,
}

/// One value of an attribute; an attribute with several stands there several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    name: String,
    options: Vec<String>,
    value: Value,
    line: usize,
}

/// What an attribute is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Octets, be they text or not.
    Bytes(Vec<u8>),
    /// A URL, which stands for what is found there (RFC 2849, value-spec).
    Url(String),
}

/// What to do with records that change a directory instead of describing one (`changetype`, `control`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeRecords {
    /// [`ErrorKind::ChangeRecord`].
    #[default]
    Refuse,
    /// Each is passed over, with the note `change_record_skipped`.
    Skip,
}

/// What is wrong with an LDIF file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct Error {
    /// Counted from 1, in the file as it stands, folded lines and comments included.
    pub line: usize,
    /// What is wrong there.
    pub kind: ErrorKind,
}

/// What is wrong with an LDIF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is larger than is read.
    #[error("the file has {size} bytes, where at most {limit} are read")]
    TooLarge {
        /// Bytes.
        size: usize,
        /// `Limits::structure_bytes`.
        limit: usize,
    },
    /// More entries and values than are read.
    #[error("there are more than {limit} entries and values")]
    Entries {
        /// `Limits::store_entries`.
        limit: usize,
    },
    /// What the URLs stand for is larger than is read.
    #[error("what its URLs stand for has more than {limit} bytes together")]
    Resolved {
        /// `Limits::structure_bytes`.
        limit: usize,
    },
    /// A version that is not 1.
    #[error("version {0:?} of LDIF, where 1 is known")]
    Version(String),
    /// A line that begins with a blank, and nothing that it continues.
    #[error("a folded line continues nothing")]
    Continuation,
    /// Neither `name: value`, nor a comment, nor a folded line.
    #[error(
        "{0:?} has no colon: a line is \"name: value\", \"# comment\", or begins with a blank and continues the one before"
    )]
    NoColon(String),
    /// What stands before the colon is no attribute description.
    #[error("{0:?} is no name of an attribute")]
    Name(String),
    /// A record begins with something else.
    #[error("a record begins with {0:?}, where dn belongs")]
    NoDn(String),
    /// A second dn in one record.
    #[error("a second dn in the record of line {0}: an empty line belongs between two records")]
    SecondDn(usize),
    /// A dn that is no text.
    #[error("the dn is not UTF-8, or is given by URL")]
    Dn,
    /// Base64 that is none.
    #[error("the value of {0} is not base64, or is cut short")]
    Base64(String),
    /// An octet that a value must be in base64 for.
    #[error("the value of {0} contains a NUL or a carriage return; such a value belongs in base64 (\"::\")")]
    Unsafe(String),
    /// A URL that is none.
    #[error("the value of {0} is to be a URL, and is none")]
    Url(String),
    /// A record that changes a directory.
    #[error("the record changes a directory ({0}), and does not describe an entry: export the entries themselves")]
    ChangeRecord(String),
}

impl Ldif {
    /// Reads a file, lines ended by LF or CRLF.
    ///
    /// # Errors
    /// [`Error`], with the line.
    pub fn read(bytes: &[u8], changes: ChangeRecords, limits: &Limits) -> Result<Self, Error> {
        let (size, limit) = (bytes.len(), limits.structure_bytes);
        if size > limit {
            return Err(Error { line: 1, kind: ErrorKind::TooLarge { size, limit } });
        }
        let mut lines = Lines::new(bytes);
        let mut reading = Reading { file: Self::default(), record: Record::None, count: 0, changes, limits };
        while let Some((number, line)) = lines.logical()? {
            reading.line(number, &line).map_err(|kind| Error { line: number, kind })?;
        }
        reading.close();
        Ok(reading.file)
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What was passed over.
    pub fn notes(&self) -> &[Reason] {
        &self.notes
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// The URLs that stand for values, with their lines, in the order of the file.
    pub fn urls(&self) -> impl Iterator<Item = (usize, &str)> {
        self.entries.iter().flat_map(|entry| &entry.attributes).filter_map(|attribute| match &attribute.value {
            Value::Url(url) => Some((attribute.line, url.as_str())),
            Value::Bytes(_) => None,
        })
    }

    /// Asks for what each URL stands for and puts it in its place. `None` leaves the URL as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Resolved`] where all of it together is larger than a structure may be.
    pub fn resolve(&mut self, limits: &Limits, mut resolver: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<(), Error> {
        let limit = limits.structure_bytes;
        let mut total = 0usize;
        for attribute in self.entries.iter_mut().flat_map(|entry| &mut entry.attributes) {
            let Value::Url(url) = &attribute.value else { continue };
            let Some(bytes) = resolver(url) else { continue };
            total = total.saturating_add(bytes.len());
            if total > limit {
                return Err(Error { line: attribute.line, kind: ErrorKind::Resolved { limit } });
            }
            attribute.value = Value::Bytes(bytes);
        }
        Ok(())
    }
}

impl Entry {
    /// The distinguished name, as it stands there.
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// The line that it begins in, counted from 1; 0 where it was not read.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Every value, in the order of the file.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The values of an attribute, whatever its options.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.attributes.iter().filter(move |attribute| attribute.is(name)).map(Attribute::value)
    }
}

impl Attribute {
    /// The name or the OID, without options: "userCertificate".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands behind it, each after a semicolon: "binary".
    pub fn options(&self) -> &[String] {
        &self.options
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where it begins, counted from 1; 0 where it was not read.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether this is its name; names have no case (RFC 4512 section 2.5).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Value {
    /// The octets, where they are there.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Url(_) => None,
        }
    }

    /// The same as text.
    pub fn text(&self) -> Option<&str> {
        self.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}

impl fmt::Display for Attribute {
    /// The name with its options.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.options.iter().try_for_each(|option| write!(f, ";{option}"))
    }
}

/// Whether a file is LDIF: by its first line that is neither empty nor a comment.
pub fn is_ldif(bytes: &[u8]) -> bool {
    let mut lines = Lines::new(bytes);
    let first =
        std::iter::from_fn(|| lines.logical().ok().flatten()).map(|(_, line)| line).find(|line| !line.is_empty());
    let starts =
        |line: &[u8], name: &[u8]| line.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    first.is_some_and(|line| {
        starts(&line, b"dn:") || (starts(&line, b"version:") && line.get(8..).is_some_and(|v| v.trim_ascii() == b"1"))
    })
}

/// Where a line begins, and the whole of it.
type Line<'a> = (usize, Cow<'a, [u8]>);

/// Lines of a file, folded ones joined and comments left out.
struct Lines<'a> {
    rest: Option<&'a [u8]>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        Self { rest: (!bytes.is_empty()).then_some(bytes), number: 0 }
    }

    fn physical(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        self.number += 1;
        let end = memchr::memchr(b'\n', rest);
        let line = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.rest = end.and_then(|end| rest.get(end + 1..)).filter(|rest| !rest.is_empty());
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// RFC 2849, note 2: a line that begins with a blank continues the one before, a comment too.
    fn logical(&mut self) -> Result<Option<Line<'a>>, Error> {
        while let Some(first) = self.physical() {
            let number = self.number;
            if first.starts_with(b" ") {
                return Err(Error { line: number, kind: ErrorKind::Continuation });
            }
            let comment = first.starts_with(b"#");
            let mut line = Cow::Borrowed(first);
            while !first.is_empty() && self.rest.is_some_and(|rest| rest.starts_with(b" ")) {
                let more = self.physical().and_then(|more| more.get(1..)).unwrap_or_default();
                if !comment {
                    line.to_mut().extend_from_slice(more);
                }
            }
            if !comment {
                return Ok(Some((number, line)));
            }
        }
        Ok(None)
    }
}

struct Reading<'a> {
    file: Ldif,
    record: Record,
    count: usize,
    changes: ChangeRecords,
    limits: &'a Limits,
}

/// What the current line belongs to.
enum Record {
    None,
    Entry(Entry),
    /// Passed over up to the next empty line.
    Skipped,
}

impl Reading<'_> {
    fn line(&mut self, number: usize, line: &[u8]) -> Result<(), ErrorKind> {
        if line.is_empty() {
            self.close();
            return Ok(());
        }
        if matches!(self.record, Record::Skipped) {
            return Ok(());
        }
        let attribute = attribute(number, line)?;
        let value = &attribute.value;
        match &mut self.record {
            Record::Entry(entry) => {
                if attribute.is("dn") {
                    return Err(ErrorKind::SecondDn(entry.line));
                }
                if attribute.is("changetype") || attribute.is("control") {
                    let what = format!("{}: {}", attribute.name, visible(value.text().unwrap_or("?")));
                    if self.changes == ChangeRecords::Refuse {
                        return Err(ErrorKind::ChangeRecord(what));
                    }
                    let text =
                        format!("the record of line {} changes a directory ({what}) and was skipped", entry.line);
                    self.file.notes.push(Reason::new("change_record_skipped", text));
                    self.record = Record::Skipped;
                    return Ok(());
                }
                entry.attributes.push(attribute);
            }
            _ if attribute.is("version") && self.file.entries.is_empty() => {
                return match value.text() {
                    Some("1") => Ok(()),
                    other => Err(ErrorKind::Version(visible(other.unwrap_or("?")))),
                };
            }
            _ if attribute.is("dn") => {
                let dn = value.text().ok_or(ErrorKind::Dn)?.to_owned();
                self.record = Record::Entry(Entry { dn, line: number, attributes: Vec::new() });
            }
            // `ldapsearch` without -LLL: referrals, and how the search ended.
            _ if attribute.is("ref") || attribute.is("search") => {
                let text = format!("line {number} is no entry ({}) and was skipped", attribute.name);
                self.file.notes.push(Reason::new("no_entry_skipped", text));
                self.record = Record::Skipped;
            }
            _ => return Err(ErrorKind::NoDn(attribute.to_string())),
        }
        self.count = self.count.saturating_add(1);
        if self.count > self.limits.store_entries {
            return Err(ErrorKind::Entries { limit: self.limits.store_entries });
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Record::Entry(entry) = std::mem::replace(&mut self.record, Record::None) {
            self.file.entries.push(entry);
        }
    }
}

/// `attribute-description ":" value-spec`.
fn attribute(number: usize, line: &[u8]) -> Result<Attribute, ErrorKind> {
    let shown = |bytes: &[u8]| visible(&String::from_utf8_lossy(bytes.get(..40).unwrap_or(bytes)));
    let Some(colon) = memchr::memchr(b':', line) else { return Err(ErrorKind::NoColon(shown(line))) };
    let (description, rest) = line.split_at_checked(colon).unwrap_or((line, b""));
    let rest = rest.get(1..).unwrap_or_default();
    let (name, options) = described(description).ok_or_else(|| ErrorKind::Name(shown(description)))?;
    let value = match rest {
        [b':', base64 @ ..] => Value::Bytes(match base64.trim_ascii() {
            b"" => Vec::new(),
            base64 => pem::decode_bare(base64).ok_or_else(|| ErrorKind::Base64(name.clone()))?.expose().to_vec(),
        }),
        [b'<', url @ ..] => {
            let url = std::str::from_utf8(url.trim_ascii()).ok();
            let url = url.filter(|url| url.contains(':') && url.bytes().all(|b| b.is_ascii_graphic()));
            Value::Url(url.ok_or_else(|| ErrorKind::Url(name.clone()))?.to_owned())
        }
        plain => {
            // FILL: blanks before the value are no part of it.
            let blanks = plain.iter().take_while(|b| **b == b' ').count();
            let plain = plain.get(blanks..).unwrap_or_default();
            if plain.iter().any(|b| matches!(b, 0 | b'\r')) {
                return Err(ErrorKind::Unsafe(name));
            }
            Value::Bytes(plain.to_vec())
        }
    };
    Ok(Attribute { name, options, value, line: number })
}

/// Name or OID, and options (RFC 4512 section 2.5); underscores, which some directories have.
fn described(description: &[u8]) -> Option<(String, Vec<String>)> {
    let text = std::str::from_utf8(description).ok()?;
    let sound = |part: &str, more: &[u8]| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b) || more.contains(&b))
    };
    let mut parts = text.split(';');
    let name = parts.next().filter(|name| sound(name, b"."))?;
    let options: Vec<String> =
        parts.map(|option| sound(option, b"").then(|| option.to_owned())).collect::<Option<_>>()?;
    Some((name.to_owned(), options))
}

#[cfg(test)]
mod tests;
