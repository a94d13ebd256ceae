//! The index of a keyring: text, an entry a paragraph, `name: value` a line. Written whole each time.

use super::{Entry, Error, Listed, Protection};
use crate::base::reason::visible;
use crate::store::select::VisibleTo;
use std::fmt::Write;

const HEAD: &str = "smime-keyring 1";
const DIGITS: usize = 64;
const LONGEST_EXTENSION: usize = 4;

/// Whether a file of the folder is one that is installed, by its name.
pub(super) fn is_file_name(name: &str) -> bool {
    let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    name.split_once('.').is_some_and(|(digits, extension)| {
        digits.len() == DIGITS
            && digits.chars().all(lower_hex)
            && (1..=LONGEST_EXTENSION).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

pub(super) fn write(entries: &[Entry]) -> Vec<u8> {
    let mut text = format!("{HEAD}\n");
    for entry in entries {
        let _ = writeln!(text, "\nfile: {}", entry.file);
        let _ = writeln!(text, "came-as: {}", visible(&entry.came_as));
        let _ = writeln!(text, "installed: {}", entry.installed);
        let _ = writeln!(text, "protection: {}", entry.protection.name());
        let _ = writeln!(text, "visible-to: {}", entry.visible_to.name());
        let _ = writeln!(text, "keys: {}", entry.keys);
        for listed in &entry.certificates {
            let _ = writeln!(text, "certificate: {}", listed.sha256);
            let _ = writeln!(text, "subject: {}", visible(&listed.subject));
            for address in &listed.addresses {
                let _ = writeln!(text, "address: {}", visible(address));
            }
            let _ = writeln!(text, "from: {}", listed.from);
            let _ = writeln!(text, "until: {}", listed.until);
            let _ = writeln!(text, "key: {}", if listed.has_key { "yes" } else { "no" });
        }
    }
    text.into_bytes()
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| fault(1, "it is not UTF-8"))?;
    // Without its last line end it is cut.
    if text.lines().next() != Some(HEAD) || !text.ends_with('\n') {
        return Err(fault(1, format!("it is not \"{HEAD}\", or the index is cut")));
    }
    let mut entries = Vec::new();
    let mut paragraph: Vec<(usize, &str)> = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1).chain([(usize::MAX, "")]) {
        match (line.is_empty(), paragraph.is_empty()) {
            (false, _) => paragraph.push((number.saturating_add(1), line)),
            (true, false) => entries.push(entry(&std::mem::take(&mut paragraph))?),
            (true, true) => {}
        }
    }
    Ok(entries)
}

/// The lines of a paragraph, which are read in their order.
struct Lines<'t> {
    rest: &'t [(usize, &'t str)],
    at: usize,
}

impl<'t> Lines<'t> {
    /// The value of the next line, where it has that name.
    fn optional(&mut self, name: &str) -> Option<&'t str> {
        let ((number, line), rest) = self.rest.split_first()?;
        let value = line.strip_prefix(name)?.strip_prefix(": ")?;
        (self.rest, self.at) = (rest, *number);
        Some(value)
    }

    fn required(&mut self, name: &str) -> Result<&'t str, Error> {
        let number = self.rest.first().map_or(self.at.saturating_add(1), |(number, _)| *number);
        self.optional(name).ok_or_else(|| fault(number, format!("\"{name}\" should stand here")))
    }

    fn parsed<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        let value = self.required(name)?;
        read(value).ok_or_else(|| fault(self.at, format!("\"{name}\" cannot be {value:?}")))
    }
}

fn entry(lines: &[(usize, &str)]) -> Result<Entry, Error> {
    let mut lines = Lines { rest: lines, at: 0 };
    let mut entry = Entry {
        // A name of any other form could lead out of the folder.
        file: lines.parsed("file", |name| is_file_name(name).then(|| name.to_owned()))?,
        came_as: lines.required("came-as")?.to_owned(),
        installed: lines.parsed("installed", |text| text.parse().ok())?,
        protection: lines.parsed("protection", |name| {
            Protection::ALL.iter().find(|(known, _)| *known == name).map(|(_, protection)| *protection)
        })?,
        visible_to: lines.parsed("visible-to", VisibleTo::from_name)?,
        keys: lines.parsed("keys", |number| number.parse().ok())?,
        certificates: Vec::new(),
    };
    while let Some(sha256) = lines.optional("certificate") {
        let subject = lines.required("subject")?.to_owned();
        let addresses = std::iter::from_fn(|| lines.optional("address").map(str::to_owned)).collect();
        let from = lines.parsed("from", |text| text.parse().ok())?;
        let until = lines.parsed("until", |text| text.parse().ok())?;
        let has_key = lines.parsed("key", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })?;
        entry.certificates.push(Listed { sha256: sha256.to_owned(), has_key, subject, addresses, from, until });
    }
    match lines.rest.first() {
        Some((number, _)) => Err(fault(*number, "nothing more should stand here")),
        None => Ok(entry),
    }
}

fn fault(line: usize, why: impl Into<String>) -> Error {
    Error::Index { line, why: why.into() }
}
