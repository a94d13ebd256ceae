//! Who a mail says it is from and to.
//!
//! Whom a signature speaks for is decided by these addresses, so each is read twice, by an own reader of RFC 5322 and
//! by mail-parser; an address on which the two differ is none (SEC-49). A comment or a display name never becomes one.

use super::header::{HeaderBlock, unfold};
use super::values::{self, COMMENT_DEPTH};
use super::{Error, Result};
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;

/// Findings of one mail that are kept.
const MAX_ODDITIES: usize = 64;

/// The mailboxes of the originator and destination fields (RFC 5322 sections 3.6.2 and 3.6.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailboxes {
    /// Of From; more than one is allowed, and each must then be judged.
    pub from: Vec<Mailbox>,
    /// Of Sender.
    pub sender: Vec<Mailbox>,
    /// Of Reply-To.
    pub reply_to: Vec<Mailbox>,
    /// Of To.
    pub to: Vec<Mailbox>,
    /// Of Cc.
    pub cc: Vec<Mailbox>,
    /// Of Bcc.
    pub bcc: Vec<Mailbox>,
    /// What is out of the ordinary about them.
    pub oddities: Vec<Reason>,
}

/// One mailbox of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, decoded, as text for people: whoever sent the mail has chosen it.
    pub name: Option<String>,
    /// The mailbox as it stands in the field, unfolded.
    pub raw: String,
    /// The address; `None` where there is none, or none that everybody reads alike.
    pub address: Option<EmailAddress>,
}

impl Mailboxes {
    /// Reads the fields of a header.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`](super::ErrorKind::Ambiguous) where From or Sender is there twice (SEC-48),
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) for a field with more mailboxes than `limits` allow.
    pub fn read(header: &HeaderBlock, limits: &Limits) -> Result<Self> {
        header.unique("From")?;
        header.unique("Sender")?;
        let mut oddities = Vec::new();
        let mut list = |name: &'static str| {
            let mut all = Vec::new();
            for (n, field) in header.all(name).enumerate() {
                if n == 1 {
                    note(
                        &mut oddities,
                        "duplicate_field",
                        format!("there is more than one {name} field; all are read"),
                    );
                }
                read_list(name, field.value, &mut all, &mut oddities);
                if all.len() > limits.addresses {
                    return Err(Error::limit("addresses", limits.addresses, field.offset));
                }
            }
            Ok(all)
        };
        let mut read = Self {
            from: list("From")?,
            sender: list("Sender")?,
            reply_to: list("Reply-To")?,
            to: list("To")?,
            cc: list("Cc")?,
            bcc: list("Bcc")?,
            oddities: Vec::new(),
        };
        for (field, mailboxes) in [("From", &read.from), ("Sender", &read.sender), ("Reply-To", &read.reply_to)] {
            for mailbox in mailboxes {
                guises(field, mailbox, &mut oddities);
            }
        }
        read.oddities = oddities;
        Ok(read)
    }

    /// Those of To, Cc and Bcc, in this order.
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }
}

/// The time of the Date field, where there is one that can be read.
pub fn date(header: &HeaderBlock) -> Option<Time> {
    values::date(&header.unique("Date").ok()??.text())
}

/// The Subject, its encoded words decoded; `None` where there is none, or more than one.
pub fn subject(header: &HeaderBlock) -> Option<String> {
    Some(values::decode_text(header.unique("Subject").ok()??.value))
}

/// What may be taken for somebody else: a display name that is another address (SEC-47), and letters that look like
/// others (SEC-55).
fn guises(field: &'static str, mailbox: &Mailbox, oddities: &mut Vec<Reason>) {
    let name = mailbox.name.as_deref().unwrap_or_default();
    if let Some(shown) = address_in(name, mailbox.address.as_ref()) {
        let actual = mailbox.address.as_ref().map_or_else(|| "no address".to_owned(), ToString::to_string);
        let text = format!("the display name of {field} reads \"{shown}\", and the mailbox is {actual}");
        note(oddities, "display_name_looks_like_address", text);
    }
    for reason in mailbox.address.iter().flat_map(EmailAddress::oddities) {
        note(oddities, reason.code, format!("{field}: {reason}"));
    }
}

/// A word of a display name that people would take for an address, other than the one that stands beside it.
fn address_in(name: &str, actual: Option<&EmailAddress>) -> Option<String> {
    let apart = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\"',;:".contains(c);
    name.split(apart).find_map(|word| {
        // The signs of other widths look like an @ and are shown as one.
        let word: String = word.chars().map(|c| if matches!(c, '\u{ff20}' | '\u{fe6b}') { '@' } else { c }).collect();
        let (local, domain) = word.split_once('@')?;
        let same = || word.parse::<EmailAddress>().is_ok_and(|a| Some(&a) == actual);
        let looks = !local.is_empty() && !domain.is_empty() && !same();
        looks.then(|| word.chars().take(100).collect())
    })
}

fn note(oddities: &mut Vec<Reason>, code: &'static str, text: impl Into<String>) {
    if oddities.len() < MAX_ODDITIES {
        oddities.push(Reason::new(code, text));
    }
}

fn read_list(field: &'static str, value: &[u8], into: &mut Vec<Mailbox>, oddities: &mut Vec<Reason>) {
    let unfolded = unfold(value);
    let text = String::from_utf8_lossy(&unfolded);
    let own = Reader::new(&text).list();
    let (entries, sound) = match own {
        Ok(entries) => (entries, true),
        Err((why, entries)) => {
            note(oddities, "address_list_malformed", format!("no address of {field} counts: {why}"));
            (entries, false)
        }
    };
    let other = if sound { values::addresses(value) } else { None };
    let other = other.unwrap_or_default();
    let same_count = other.len() == entries.len();
    if sound && !same_count {
        let text = format!("no address of {field} counts: readers differ on how many there are");
        note(oddities, "address_ambiguous", text);
    }
    let mut other = other.into_iter();
    for entry in entries {
        let (name, address) = other.next().filter(|_| same_count).unwrap_or_default();
        let raw = entry.raw.trim().to_owned();
        let shown = || raw.chars().take(100).collect::<String>();
        let found = match entry.address {
            Spec::None => {
                note(oddities, "address_missing", format!("{field} names \"{}\", which has no address", shown()));
                None
            }
            Spec::Malformed(why) => {
                let text = format!("{field} names \"{}\", which is no address: {why}", shown());
                note(oddities, "address_malformed", text);
                None
            }
            Spec::Found { text, obsolete } => match text.parse::<EmailAddress>() {
                Err(e) => {
                    note(oddities, "address_malformed", format!("{field}: {e}"));
                    None
                }
                Ok(own) => {
                    let agreed = same_count
                        && sound
                        && !text.contains("=?")
                        && address.is_some_and(|other| {
                            other == text || other.parse::<EmailAddress>().is_ok_and(|other| other == own)
                        });
                    if agreed && obsolete {
                        note(
                            oddities,
                            "address_obsolete",
                            format!("{field} writes \"{}\" in an obsolete form", shown()),
                        );
                    }
                    if !agreed && same_count {
                        let text = format!("{field} names \"{}\", which readers understand differently", shown());
                        note(oddities, "address_ambiguous", text);
                    }
                    agreed.then_some(own)
                }
            },
        };
        let phrase = entry.phrase.as_bytes();
        let name = name.or_else(|| (!phrase.is_empty()).then(|| values::decode_text(phrase)));
        let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        into.push(Mailbox { name, raw, address: found });
    }
}

/// One element of an address list.
struct Entry {
    raw: String,
    phrase: String,
    address: Spec,
}

enum Spec {
    /// Words, and no address.
    None,
    /// An addr-spec as text, comments and blanks removed.
    Found { text: String, obsolete: bool },
    /// What stands where an address belongs is none.
    Malformed(&'static str),
}

/// Something that is no blank and no comment.
struct Token<'t> {
    text: &'t str,
    /// Whether blanks or a comment stand before it.
    apart: bool,
}

/// What has been read of the present element.
#[derive(Default)]
struct Element<'t> {
    start: usize,
    words: Vec<Token<'t>>,
    angle: Option<Vec<Token<'t>>>,
    after_angle: bool,
    fault: Option<&'static str>,
    comment: bool,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    apart: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, apart: false }
    }

    /// The elements of an address-list; groups are flattened (RFC 5322 section 3.4). An error is one that leaves no
    /// element certain.
    fn list(mut self) -> std::result::Result<Vec<Entry>, (&'static str, Vec<Entry>)> {
        let mut entries = Vec::new();
        let mut element = Element::default();
        let mut in_angle = false;
        let mut in_group = false;
        loop {
            let before = self.at;
            let token = match self.next(&mut element.comment) {
                Ok(Some(token)) => token,
                Ok(None) => break,
                Err(why) => return Err((why, entries)),
            };
            match (token.text, in_angle) {
                (",", false) => self.end(&mut element, before, &mut entries),
                (":", false) => {
                    // RFC 5322 section 3.4: a group holds mailboxes, not groups (SEC-99).
                    if in_group || element.angle.is_some() {
                        return Err(("a colon stands where none belongs", entries));
                    }
                    in_group = true;
                    element = Element { start: self.at, ..Element::default() };
                }
                (";", false) => {
                    if !in_group {
                        return Err(("a semicolon stands outside a group", entries));
                    }
                    in_group = false;
                    self.end(&mut element, before, &mut entries);
                }
                ("<", false) => {
                    if element.angle.is_some() {
                        element.fault = Some("it has angle brackets twice");
                    }
                    element.angle.get_or_insert_default();
                    in_angle = true;
                }
                (">", true) => {
                    in_angle = false;
                    element.after_angle = true;
                }
                (">", false) => element.fault = Some("an angle bracket is closed that is not open"),
                (_, true) => element.angle.get_or_insert_default().push(token),
                (_, false) => {
                    if element.after_angle {
                        element.fault = Some("something follows the angle brackets");
                    }
                    element.words.push(token);
                }
            }
        }
        if in_angle {
            return Err(("an angle bracket is not closed", entries));
        }
        let end = self.text.len();
        self.end(&mut element, end, &mut entries);
        Ok(entries)
    }

    fn end(&self, element: &mut Element<'t>, end: usize, entries: &mut Vec<Entry>) {
        let done = std::mem::replace(element, Element { start: self.at, ..Element::default() });
        if done.words.is_empty() && done.angle.is_none() && !done.comment {
            return;
        }
        let raw = self.text.get(done.start..end).unwrap_or_default().to_owned();
        let words = || done.words.iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
        let (phrase, address) = match (&done.angle, done.fault) {
            (_, Some(why)) => (words(), Spec::Malformed(why)),
            (Some(inside), None) => (words(), addr_spec(inside)),
            (None, None) if done.words.iter().any(|t| t.text == "@") => (String::new(), addr_spec(&done.words)),
            (None, None) => (words(), Spec::None),
        };
        entries.push(Entry { raw, phrase, address });
    }

    fn next(&mut self, comment: &mut bool) -> std::result::Result<Option<Token<'t>>, &'static str> {
        self.apart = false;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(first) = rest.chars().next() else { return Ok(None) };
            match first {
                ' ' | '\t' => {
                    self.at += 1;
                    self.apart = true;
                }
                '(' => {
                    *comment = true;
                    self.apart = true;
                    self.at += comment_length(rest)?;
                }
                _ => break,
            }
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = match rest.bytes().next() {
            Some(b'"') => quoted_length(rest).ok_or("a quote is not closed")?,
            Some(b'<' | b'>' | b',' | b':' | b';' | b'@' | b'[' | b']' | b'\\' | b')') => 1,
            _ => rest.find(|c: char| " \t\"()<>,:;@[]\\".contains(c)).unwrap_or(rest.len()),
        };
        let text = rest.get(..length).unwrap_or_default();
        self.at += length;
        Ok(Some(Token { text, apart: self.apart }))
    }
}

fn comment_length(text: &str) -> std::result::Result<usize, &'static str> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' if depth == COMMENT_DEPTH => return Err("its comments are nested too deeply"),
            b'(' => depth += 1,
            b')' if depth == 1 => return Ok(at + 1),
            b')' => depth -= 1,
            _ => {}
        }
    }
    Err("a comment is not closed")
}

fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The text of an addr-spec; a source route before it is dropped (RFC 5322 section 4.4).
fn addr_spec(tokens: &[Token<'_>]) -> Spec {
    let mut tokens = tokens;
    let mut obsolete = false;
    if tokens.first().is_some_and(|t| t.text == "@") {
        let Some(colon) = tokens.iter().position(|t| t.text == ":") else {
            return Spec::Malformed("a route has no end");
        };
        tokens = tokens.get(colon + 1..).unwrap_or_default();
        obsolete = true;
    }
    if tokens.is_empty() {
        return Spec::Malformed("it is empty");
    }
    if tokens.iter().filter(|t| t.text == "@").count() != 1 {
        return Spec::Malformed("it does not have one @");
    }
    let mut text = String::new();
    for (n, token) in tokens.iter().enumerate() {
        let joins = |text: &str| matches!(text, "@") || text.ends_with('.');
        let before = n.checked_sub(1).and_then(|n| tokens.get(n));
        if let Some(before) = before {
            if !joins(before.text) && token.text != "@" && !token.text.starts_with('.') {
                return Spec::Malformed("two words stand side by side");
            }
            obsolete |= token.apart;
        }
        text.push_str(token.text);
    }
    Spec::Found { text, obsolete }
}

#[cfg(test)]
mod tests {
    use super::super::ErrorKind;
    use super::*;
    use proptest::prelude::*;

    fn read(header: &str) -> Mailboxes {
        Mailboxes::read(&HeaderBlock::parse(header.as_bytes(), 0, &Limits::default()).unwrap(), &Limits::default())
            .unwrap()
    }

    fn shown(list: &[Mailbox]) -> Vec<(Option<&str>, Option<String>)> {
        list.iter().map(|m| (m.name.as_deref(), m.address.as_ref().map(|a| a.to_string()))).collect()
    }

    fn codes(mailboxes: &Mailboxes) -> Vec<&str> {
        mailboxes.oddities.iter().map(|o| o.code).collect()
    }

    #[test]
    fn ordinary_lists_are_read_without_a_word() {
        let m = read(
            "From: =?utf-8?Q?J=C3=BCrgen_M?= <j@Example.COM>\r\nSender: s@x.org\r\nReply-To: \"Last, First\" <r@x.org>\r\n\
             To: a@x.org, B <b@x.org>,\r\n\tTeam: c@x.org, \"D (d)\" <d@x.org>;, e@x.org (E)\r\nCc: undisclosed-recipients:;\r\n\
             Bcc: hidden@x.org\r\n\r\n",
        );
        assert_eq!(shown(&m.from), [(Some("Jürgen M"), Some("j@example.com".into()))]);
        assert_eq!(shown(&m.sender), [(None, Some("s@x.org".into()))]);
        assert_eq!(shown(&m.reply_to), [(Some("Last, First"), Some("r@x.org".into()))]);
        let to: Vec<_> = m.to.iter().map(|m| m.address.as_ref().unwrap().local().to_owned()).collect();
        assert_eq!(to, ["a", "b", "c", "d", "e"]);
        assert_eq!(m.to[1].raw, "B <b@x.org>");
        assert_eq!(m.recipients().count(), 6);
        assert!(m.cc.is_empty());
        assert!(m.oddities.is_empty(), "{:?}", m.oddities);
    }

    #[test]
    fn sec_047_a_display_name_is_no_address() {
        let m = read("From: \"victim@x.org\" <eve@y.org>\r\n\r\n");
        assert_eq!(shown(&m.from), [(Some("victim@x.org"), Some("eve@y.org".into()))]);
        assert_eq!(codes(&m), ["display_name_looks_like_address"]);
        for (name, odd) in [
            ("\"Victim (victim@x.org)\"", true),
            ("=?utf-8?Q?victim=40x.org_via_list?=", true),
            ("\"victim\u{ff20}x.org\"", true),
            ("\"eve@Y.org\"", false),
            ("\"Eve @ work\"", false),
            ("Eve", false),
        ] {
            let m = read(&format!("From: {name} <eve@y.org>\r\n\r\n"));
            assert_eq!(codes(&m).contains(&"display_name_looks_like_address"), odd, "{name}: {m:?}");
        }
        for value in ["victim", "\"victim@x.org\"", "=?utf-8?Q?victim=40x.org?=", "Victim <>", "(victim@x.org)"] {
            let m = read(&format!("From: {value}\r\n\r\n"));
            assert!(m.from.iter().all(|m| m.address.is_none()), "{value}: {m:?}");
            assert!(!m.oddities.is_empty(), "{value}");
        }
    }

    #[test]
    fn sec_055_letters_that_look_like_others_are_told() {
        let m = read("From: a@b\u{fc}cher.example\r\nSender: a@p\u{430}ypal.com\r\nTo: a@b\u{fc}cher.example\r\n\r\n");
        assert_eq!(shown(&m.from)[0].1.as_deref(), Some("a@xn--bcher-kva.example"));
        assert_eq!(codes(&m), ["idn", "idn", "mixed_script"]);
        // An encoded label that stands for ASCII is no name, and nobody's.
        assert_eq!(read("From: a@xn--example-.com\r\n\r\n").from[0].address, None);
    }

    #[test]
    fn sec_048_two_from_fields_are_no_from() {
        for name in ["From", "Sender"] {
            let text = format!("{name}: a@b.c\r\n{}: d@e.f\r\n\r\n", name.to_uppercase());
            let header = HeaderBlock::parse(text.as_bytes(), 0, &Limits::default()).unwrap();
            let error = Mailboxes::read(&header, &Limits::default()).unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Ambiguous { .. }));
        }
        let m = read("From: a@b.c, d@e.f\r\nTo: a@b.c\r\nTo: d@e.f\r\n\r\n");
        assert_eq!((m.from.len(), m.to.len()), (2, 2));
        assert_eq!(codes(&m), ["duplicate_field"]);
    }

    /// Each of these can be read as coming from victim@x.org; none may be.
    #[test]
    fn sec_049_what_readers_understand_differently_is_no_address() {
        for value in [
            "(victim@x.org) eve@y.org",
            "eve@y.org (victim@x.org)",
            "victim@x.org <eve@y.org>",
            "<victim@x.org> <eve@y.org>",
            "<eve@y.org> victim@x.org",
            "victim@x.org, <eve@y.org",
            "\"victim@x.org, <eve@y.org>",
            "eve@y.org\\, victim@x.org",
            "victim@x.org:eve@y.org",
            "a:b:victim@x.org;;",
            "=?utf-8?Q?victim?=@x.org",
            "victim @ x.org eve@y.org",
            "<victim@x.org@y.org>",
            "<@y.org:victim@x.org",
            "victim@x.org\0@y.org",
            "victim@x.org;",
        ] {
            let m = read(&format!("From: {value}\r\n\r\n"));
            // One mailbox without an address is enough: all of From must match.
            let victim = |m: &Mailbox| m.address.as_ref().is_some_and(|a| a.to_string() == "victim@x.org");
            assert!(m.from.is_empty() || !m.from.iter().all(victim), "{value:?}: {m:?}");
        }
        let m = read("From: (victim@x.org) eve@y.org\r\n\r\n");
        assert_eq!(shown(&m.from)[0].1.as_deref(), Some("eve@y.org"));
    }

    #[test]
    fn sec_099_hostile_lists_take_linear_time() {
        for value in ["(".repeat(60_000), format!("a {}", "x ".repeat(30_000)), "a:".repeat(30_000), "<".repeat(60_000)]
        {
            let m = read(&format!("From: {value}\r\n\r\n"));
            assert!(m.from.iter().all(|m| m.address.is_none()));
            assert!(!m.oddities.is_empty());
        }
        let many = "a@b.c,".repeat(2_001);
        let header = HeaderBlock::parse(format!("To: {many}\r\n\r\n").as_bytes(), 0, &Limits::default()).unwrap();
        let error = Mailboxes::read(&header, &Limits::default()).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Limit { name: "addresses", .. }));
    }

    #[test]
    fn dates_and_subjects_are_read() {
        let text =
            "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n and more\r\nDate: Tue, 24 Nov 2026 09:00:00 +0100 (CET)\r\n\r\n";
        let header = HeaderBlock::parse(text.as_bytes(), 0, &Limits::default()).unwrap();
        assert_eq!(subject(&header).unwrap(), "Grüße and more");
        assert_eq!(date(&header).unwrap().to_string(), "2026-11-24T08:00:00Z");
        assert_eq!(date(&HeaderBlock::default()), None);
    }

    proptest! {
        #[test]
        fn any_list_is_survived(value in "([<>@,:;\"\\\\()=?_ .]|[a-z]{1,4}|a@b\\.c|ä|=\\?utf-8\\?[qb]\\?|\\?=){0,40}") {
            let _ = read(&format!("From: {value}\r\nTo: {value}\r\n\r\n"));
        }

        #[test]
        fn plain_lists_are_never_doubted(locals in prop::collection::vec("[a-z][a-z0-9.+_-]{0,5}[a-z]", 1..6)) {
            let list: Vec<_> = locals.iter().enumerate().map(|(n, local)| match n % 3 {
                0 => format!("{local}@example.org"),
                1 => format!("A Name <{local}@example.org>"),
                _ => format!("\"Name, A\" <{local}@example.org>"),
            }).collect();
            prop_assume!(locals.iter().all(|l| !l.contains("..")));
            let m = read(&format!("To: {}\r\n\r\n", list.join(",\r\n ")));
            let found: Vec<_> = m.to.iter().filter_map(|m| m.address.as_ref()).map(|a| a.local().to_owned()).collect();
            prop_assert_eq!(found, locals);
            prop_assert!(m.oddities.is_empty());
        }
    }
}
