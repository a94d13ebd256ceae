//! The header of a .msg file: as it was received, where Outlook keeps it (PidTagTransportMessageHeaders), and otherwise made
//! from properties. No property can break out of its field (SEC-140): a text with CR, LF or NUL is refused, and what is not
//! ASCII becomes encoded words.

use super::{Error, plain};
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::mime;
use crate::mime::emit::{self, Named};
use crate::mime::header::HeaderBlock;
use crate::mime::mailboxes::Mailboxes;
use crate::store::msg::{Msg, Property, Text, is_smtp};
use std::io::{Read, Seek};

/// The header without its Content-* fields and without the blank line, and what there is to say about it.
pub(super) fn build<R: Read + Seek>(msg: &mut Msg<R>, limits: &Limits) -> Result<(Vec<u8>, Vec<Reason>), Error> {
    let mut making = Making { page: code_page(msg), head: Vec::new(), made: Vec::new(), notes: Vec::new(), limits };
    let stored = making.stored(msg)?;
    making.rebuild(msg, &stored)?;
    making.conclude(msg, &stored)?;
    Ok((making.head, making.notes))
}

/// Whether a field describes the body: those belong to the wire form, and are made anew.
pub(super) fn is_content(name: &str) -> bool {
    name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"))
}

/// A raw field with CRLF at the end of each of its lines; `None` where it has a NUL, or a CR that ends no line.
pub(super) fn with_crlf(raw: &[u8]) -> Option<Vec<u8>> {
    let mut field = Vec::with_capacity(raw.len() + 2);
    for line in raw.strip_suffix(b"\n").unwrap_or(raw).split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().any(|b| matches!(b, 0 | b'\r')) {
            return None;
        }
        field.extend_from_slice(line);
        field.extend_from_slice(b"\r\n");
    }
    Some(field)
}

/// The code page of the message's texts of eight bits ([MS-OXCMSG] section 2.2.1.56).
pub(super) fn code_page<R: Read + Seek>(msg: &Msg<R>) -> Option<u32> {
    msg.integer(Property::MESSAGE_CODEPAGE).or_else(|| msg.integer(Property::INTERNET_CODEPAGE))
}

/// A text in Unicode. Octets in a code page that is not known are taken for UTF-8, and what is none is replaced.
pub(super) fn decoded(text: &Text, page: Option<u32>) -> String {
    let octets = match text {
        Text::Unicode(text) => return text.clone(),
        Text::EightBit(octets) => octets,
    };
    let name = match page {
        Some(932) => "shift_jis".to_owned(),
        Some(936) => "gbk".to_owned(),
        Some(949) => "euc-kr".to_owned(),
        Some(950) => "big5".to_owned(),
        Some(20866) => "koi8-r".to_owned(),
        Some(page @ (874 | 1250..=1258)) => format!("windows-{page}"),
        Some(page @ 28591..=28605) => format!("iso-8859-{}", page.saturating_sub(28590)),
        _ => "utf-8".to_owned(),
    };
    mime::decode_charset(&name, octets).unwrap_or_else(|| String::from_utf8_lossy(octets).into_owned())
}

struct Making<'l> {
    page: Option<u32>,
    head: Vec<u8>,
    /// Names of the fields that were made from properties.
    made: Vec<&'static str>,
    notes: Vec<Reason>,
    limits: &'l Limits,
}

impl Making<'_> {
    /// Takes over the header that was received, field by field, as it is; without it, an empty one.
    fn stored<R: Read + Seek>(&mut self, msg: &mut Msg<R>) -> Result<HeaderBlock, Error> {
        let property = Property::TRANSPORT_HEADERS;
        let octets = match msg.text(property)? {
            None => return Ok(HeaderBlock::default()),
            Some(Text::Unicode(text)) => text.into_bytes(),
            Some(Text::EightBit(octets)) => octets,
        };
        let octets = octets.trim_ascii_start();
        let block = HeaderBlock::parse(octets, 0, self.limits)
            .map_err(|error| Error::Mime { what: property.to_string(), error })?;
        for field in block.fields().filter(|field| !is_content(field.name) && !field.is("MIME-Version")) {
            let raw = with_crlf(field.raw).ok_or_else(|| Error::Header {
                property: format!("the field {} of {property}", field.name),
                why: "it has a NUL or a CR that ends no line".to_owned(),
            })?;
            self.head.extend(raw);
        }
        let unparsable = block.oddities().iter().filter(|oddity| oddity.code == "unparsable_header_line");
        self.notes
            .extend(unparsable.map(|oddity| Reason::new("msg_header_lines_left_out", format!("{property}: {oddity}"))));
        let after = usize::try_from(block.len()).ok().and_then(|length| octets.get(length..)).unwrap_or_default();
        if !after.trim_ascii().is_empty() {
            let text =
                format!("{property} goes on after the end of the header; the {} bytes were left out", after.len());
            self.notes.push(Reason::new("msg_headers_go_on", text));
        }
        Ok(block)
    }

    /// Makes the fields that are not there from properties.
    fn rebuild<R: Read + Seek>(&mut self, msg: &mut Msg<R>, stored: &HeaderBlock) -> Result<(), Error> {
        let missing = |name: &str| stored.all(name).next().is_none();
        if missing("From") {
            self.from(msg, missing("Sender"))?;
        }
        if missing("To") && missing("Cc") {
            self.recipients(msg)?;
        }
        if missing("Subject")
            && let Some(subject) = self.text(msg, Property::SUBJECT)?
        {
            self.add("Subject", Property::SUBJECT, emit::text_field("Subject", &subject))?;
        }
        if missing("Date")
            && let Some(at) = msg.file_time(Property::CLIENT_SUBMIT_TIME).and_then(time)
        {
            self.add("Date", Property::CLIENT_SUBMIT_TIME, emit::date_field(at))?;
        }
        if missing("Message-ID")
            && let Some(id) = self.text(msg, Property::MESSAGE_ID)?.filter(|id| id.is_ascii())
        {
            self.add("Message-ID", Property::MESSAGE_ID, emit::field("Message-ID", &id))?;
        }
        Ok(())
    }

    /// RFC 5322 section 3.6.2: From is whom it is from, and Sender who sent it, where that is somebody else.
    fn from<R: Read + Seek>(&mut self, msg: &mut Msg<R>, with_sender: bool) -> Result<(), Error> {
        let (representing, sender) = (self.representing(msg)?, self.sender(msg)?);
        let Some(from) = representing.as_ref().or(sender.as_ref()) else {
            let text = "the .msg file has no SMTP address of who it is from, so the mail has no From";
            self.notes.push(Reason::new("msg_no_sender_address", text));
            return Ok(());
        };
        let field = emit::mailbox_field("From", std::slice::from_ref(from));
        self.add("From", Property::REPRESENTING_NAME, field)?;
        if let Some(other) = sender.as_ref().filter(|other| with_sender && other.address != from.address) {
            let field = emit::mailbox_field("Sender", std::slice::from_ref(other));
            self.add("Sender", Property::SENDER_NAME, field)?;
        }
        Ok(())
    }

    fn representing<R: Read + Seek>(&mut self, msg: &mut Msg<R>) -> Result<Option<Named>, Error> {
        let of = (Property::REPRESENTING_SMTP, Property::REPRESENTING_TYPE, Property::REPRESENTING_ADDRESS);
        self.originator(msg, of, Property::REPRESENTING_NAME)
    }

    fn sender<R: Read + Seek>(&mut self, msg: &mut Msg<R>) -> Result<Option<Named>, Error> {
        let of = (Property::SENDER_SMTP, Property::SENDER_TYPE, Property::SENDER_ADDRESS);
        self.originator(msg, of, Property::SENDER_NAME)
    }

    fn originator<R: Read + Seek>(
        &mut self,
        msg: &mut Msg<R>,
        (smtp, kind, address): (Property, Property, Property),
        name: Property,
    ) -> Result<Option<Named>, Error> {
        let found = match msg.text(smtp)? {
            None if msg.text(kind)?.as_ref().is_some_and(is_smtp) => msg.text(address)?,
            found => found,
        };
        let Some(address) = found.as_ref().and_then(plain) else { return Ok(None) };
        let name = self.text(msg, name)?;
        Ok(self.named(&address, name))
    }

    fn recipients<R: Read + Seek>(&mut self, msg: &mut Msg<R>) -> Result<(), Error> {
        let (mut to, mut cc) = (Vec::new(), Vec::new());
        for recipient in msg.recipients()? {
            // The lowest bits; others say what became of a mail that was sent again ([MS-OXOMSG] section 2.2.3.1).
            let list = match recipient.kind.map(|kind| kind & 0xf) {
                Some(2) => &mut cc,
                Some(3) => continue,
                _ => &mut to,
            };
            let Some(address) = recipient.address.as_ref().and_then(plain) else { continue };
            let name = recipient.name.map(|name| decoded(&name, self.page));
            list.extend(self.named(&address, name));
        }
        if to.is_empty() && cc.is_empty() {
            // A text for people, which may be made of addresses.
            let names = self.text(msg, Property::DISPLAY_TO)?.unwrap_or_default();
            let addresses = names.split(';').take(self.limits.addresses);
            to.extend(addresses.filter_map(|name| name.trim().parse::<EmailAddress>().ok()).map(Named::from));
        }
        for (field, list) in [("To", to), ("Cc", cc)] {
            if list.is_empty() {
                continue;
            }
            let written = emit::mailbox_field(field, &list);
            if list.len() > self.limits.addresses || written.as_ref().is_ok_and(|w| w.len() > self.limits.header_line) {
                let text = format!("{field} was left out: it has {} addresses, more than a field can hold", list.len());
                self.notes.push(Reason::new("msg_recipients_left_out", text));
                continue;
            }
            self.add(field, Property::DISPLAY_NAME, written)?;
        }
        Ok(())
    }

    /// An address with its name, which adds nothing where it is the address again.
    fn named(&mut self, address: &str, name: Option<String>) -> Option<Named> {
        match address.trim().parse::<EmailAddress>() {
            Ok(parsed) => {
                let name = name.map(|name| name.trim_matches('\'').to_owned());
                Some(Named { name: name.filter(|name| !name.eq_ignore_ascii_case(address.trim())), address: parsed })
            }
            Err(error) => {
                if !self.notes.iter().any(|note| note.code == "msg_address_unusable") {
                    let text = format!("an address of the .msg file was left out: {error}");
                    self.notes.push(Reason::new("msg_address_unusable", text));
                }
                None
            }
        }
    }

    fn text<R: Read + Seek>(&self, msg: &mut Msg<R>, property: Property) -> Result<Option<String>, Error> {
        Ok(msg.text(property)?.map(|text| decoded(&text, self.page)).filter(|text| !text.is_empty()))
    }

    fn add(&mut self, name: &'static str, from: Property, field: mime::Result<Vec<u8>>) -> Result<(), Error> {
        let field = field.map_err(|error| Error::Header { property: from.to_string(), why: error.kind.to_string() })?;
        self.head.extend(field);
        self.made.push(name);
        Ok(())
    }

    /// Says where the header is from, and whether Outlook shows another sender than it.
    fn conclude<R: Read + Seek>(&mut self, msg: &mut Msg<R>, stored: &HeaderBlock) -> Result<(), Error> {
        let warning = "From is what Outlook stored, and whoever can write the file can change it";
        let kept = stored.fields().next().is_some();
        let (code, text) = match (kept, self.made.as_slice()) {
            (true, []) => ("msg_headers_stored", format!("the header is the one that the .msg file keeps; {warning}")),
            (true, made) => {
                let made = made.join(", ");
                let text = format!(
                    "the header is the one that the .msg file keeps, without {made}, made from properties; {warning}"
                );
                ("msg_headers_rebuilt", text)
            }
            (false, []) => {
                ("msg_headers_rebuilt", "the .msg file has neither a header nor properties for one".to_owned())
            }
            (false, made) => {
                let made = made.join(", ");
                let text = format!("the .msg file keeps no header; {made} were made from its properties; {warning}");
                ("msg_headers_rebuilt", text)
            }
        };
        self.notes.insert(0, Reason::new(code, text));
        if stored.all("From").next().is_none() {
            return Ok(());
        }
        // Two Froms are refused by whoever opens the mail.
        let Ok(mailboxes) = Mailboxes::read(stored, self.limits) else { return Ok(()) };
        let shown = match self.representing(msg)? {
            None => self.sender(msg)?,
            shown => shown,
        };
        let Some(shown) = shown else { return Ok(()) };
        let same = |address: &EmailAddress| address.same(&shown.address, LocalPart::IgnoreAsciiCase);
        if !mailboxes.from.iter().filter_map(|mailbox| mailbox.address.as_ref()).any(same) {
            let text = format!(
                "Outlook shows {} as the sender, from the properties of the .msg file, and the header that is judged here has \
                 another From",
                shown.address
            );
            self.notes.push(Reason::new("msg_sender_differs", text));
        }
        Ok(())
    }
}

/// Seconds between 1601 and 1970.
const EPOCH: u64 = 11_644_473_600;

/// A FILETIME; 0 stands for none ([MS-DTYP] section 2.3.3).
fn time(file_time: u64) -> Option<Time> {
    let seconds = (file_time / 10_000_000).checked_sub(EPOCH)?;
    i64::try_from(seconds).ok().map(Time::from_unix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_crlf_and_nothing_else_ends_a_line() {
        assert_eq!(with_crlf(b"A: b\n c\r\n").unwrap(), b"A: b\r\n c\r\n");
        assert_eq!(with_crlf(b"A: b").unwrap(), b"A: b\r\n");
        for bad in [&b"A: b\rFrom: c\r\n"[..], b"A: b\0\r\n", b"A: b\r\r\n"] {
            assert_eq!(with_crlf(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn file_times_and_code_pages_are_read() {
        assert_eq!(time(133_496_640_000_000_000).unwrap().to_string(), "2024-01-14T00:00:00Z");
        assert_eq!(time(0), None);
        assert!(time(u64::MAX).is_some());
        let text = Text::EightBit(b"gr\xfcn".to_vec());
        assert_eq!(decoded(&text, Some(1252)), "gr\u{fc}n");
        assert_eq!(decoded(&Text::EightBit("gr\u{fc}n".into()), Some(65001)), "gr\u{fc}n");
        assert_eq!(decoded(&text, None), "gr\u{fffd}n");
        assert!(is_content("CONTENT-type") && !is_content("Contents") && !is_content("\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}"));
    }
}
