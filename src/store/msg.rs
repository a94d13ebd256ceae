//! Outlook's .msg files as containers: the properties, recipients and attachments of one message ([MS-OXMSG]), in a
//! compound file ([MS-CFB]) that the crate `cfb` reads. What the properties mean as mail is
//! [`open::msg`](crate::open::msg)'s business.
//!
//! The crate is used in its permissive mode, on purpose. What it lets pass there (a FAT padded with zeros, unused fields of
//! storages that are not zero, adjacent red nodes) changes no byte of any stream, and programs write such files; circles,
//! sectors that two chains share, and numbers past the end are refused in both modes. What it bounds in neither is bounded
//! before it sees the file (`bounds.rs`); and two entries of one name, of which it would pick one, are refused here.

mod bounds;
mod property;
mod window;

pub use bounds::MAGIC;
pub use property::{Property, Text};

use crate::base::limits::Limits;
use crate::base::reason::visible;
use crate::base::source::{Memory, Rewindable, SharedSource};
use bounds::{SMALL, Shape};
use cfb::{CompoundFile, OpenOptions};
use property::{BINARY, EIGHT_BIT, Fixed, OBJECT, UNICODE};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use window::Window;

/// Why a .msg file is not read. Each names the property, the stream or the structure that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It breaks the rules of its format.
    #[error("the .msg file is damaged: {what}: {why}")]
    Malformed {
        /// The structure, stream or property.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// It asks for more than [`Limits`] allow.
    #[error("{what} of the .msg file takes {asked} {unit}, where at most {limit} are allowed")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// What the file asks for; it may be more.
        asked: u64,
        /// What is allowed.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// It can be read in two ways, so it is not read at all.
    #[error("the .msg file is ambiguous: {what} is there more than once")]
    Ambiguous {
        /// The property, or the stream.
        what: String,
    },
    /// A property is there, but as something else than a text.
    #[error("{property} is of type 0x{found:04X}, where a text (0x001F or 0x001E) is expected")]
    WrongType {
        /// The property.
        property: Property,
        /// The type of its stream ([MS-OXCDATA] section 2.11.1).
        found: u16,
    },
    /// The input could not be read.
    #[error("the .msg file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Error {
    fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// What reading a .msg file gives.
pub type Result<T> = std::result::Result<T, Error>;

fn container(what: impl fmt::Display, why: String) -> Error {
    Error::Malformed { what: visible(&what.to_string()), why: visible(&why) }
}

/// The crate's errors about the format, and the input's own.
fn failed(what: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => container(what, "it ends before its declared length".to_owned()),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::NotFound => {
            container(what, error.to_string())
        }
        _ => Error::Io(error),
    }
}

/// Steps along chains of sectors while properties are read, all streams together. A stream of a few bytes can stand at
/// the beginning of a chain of a million sectors, and 16,384 streams in one chain; this many steps take about a second.
const STEPS: u64 = 1 << 28;
/// What the crate buffers of a stream.
const BUFFER: usize = 64 << 10;
/// Bytes before the entries of a properties stream ([MS-OXMSG] sections 2.4.1.1 and 2.4.1.2).
const MESSAGE_HEADER: usize = 32;
const OTHER_HEADER: usize = 8;
const PROPERTIES: &str = "__PROPERTIES_VERSION1.0";

/// An open .msg file.
pub struct Msg<R> {
    file: CompoundFile<R>,
    shape: Shape,
    limits: Limits,
    steps: u64,
    root: Folder,
    fixed: Fixed,
}

/// A storage, with what lies directly in it by upper-case name.
struct Folder {
    path: String,
    entries: BTreeMap<String, Kind>,
}

#[derive(Clone, Copy)]
enum Kind {
    Stream(u64),
    Storage,
}

/// A recipient ([MS-OXMSG] section 2.2.1).
#[derive(Clone, Debug)]
pub struct Recipient {
    /// PidTagRecipientType: 1 is To, 2 Cc, 3 Bcc.
    pub kind: Option<u32>,
    /// The display name.
    pub name: Option<Text>,
    /// The SMTP address, where there is one.
    pub address: Option<Text>,
}

/// An attachment ([MS-OXMSG] section 2.2.2); its bytes come by [`Msg::into_attachment`].
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its long name, or else its short one.
    pub name: Option<Text>,
    /// PidTagAttachMethod: 1 is by value, 2 to 4 and 7 by reference, 5 an embedded message, 6 an OLE object.
    pub method: Option<u32>,
    /// Where its bytes are.
    pub data: Data,
    /// Its storage, for messages.
    pub storage: String,
}

/// Where the bytes of an attachment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// In a stream of so many bytes.
    Stream(u64),
    /// In a storage: an embedded message, or an OLE object.
    Storage,
    /// Nowhere in this file.
    Absent,
}

impl<R: Read + Seek> Msg<R> {
    /// Opens a .msg file; of what lies in it only the properties of fixed size are read.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Limit`] where it is no compound file, or a harmful one; [`Error::Io`].
    pub fn open(mut input: R, limits: &Limits) -> Result<Self> {
        let shape = bounds::check(&mut input, limits)?;
        let file =
            OpenOptions::new().max_buffer_size(BUFFER).open_with(input).map_err(|e| failed("its compound file", e))?;
        let root = Folder { path: String::new(), entries: BTreeMap::new() };
        let mut msg = Self { file, shape, limits: limits.clone(), steps: STEPS, root, fixed: Fixed::default() };
        msg.root = msg.folder("")?;
        let properties = msg.stream("", msg.root.find(PROPERTIES), PROPERTIES)?;
        msg.fixed = Fixed::read(&properties.unwrap_or_default(), MESSAGE_HEADER)?;
        Ok(msg)
    }

    /// A text of the message itself; `None` where it has none.
    ///
    /// # Errors
    /// [`Error::WrongType`], [`Error::Ambiguous`] where it is there as Unicode and in eight bits, [`Error::Malformed`],
    /// [`Error::Limit`].
    pub fn text(&mut self, property: Property) -> Result<Option<Text>> {
        let place = self.root.text(property)?;
        self.read_text("", property, place)
    }

    /// The HTML body, as octets in the internet code page, or as text.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn html(&mut self) -> Result<Option<Text>> {
        let name = stream_name(Property::HTML, BINARY);
        match self.stream("", self.root.find(&name), &name)? {
            Some(octets) => Text::read(Property::HTML, EIGHT_BIT, octets).map(Some),
            None => self.text(Property::HTML),
        }
    }

    /// A number of the message itself.
    pub fn integer(&self, property: Property) -> Option<u32> {
        self.fixed.integer(property)
    }

    /// A time of the message itself, in 100 nanoseconds since 1601.
    pub fn file_time(&self, property: Property) -> Option<u64> {
        self.fixed.time(property)
    }

    /// The raw Content-Type that came with the message: the property of PS_INTERNET_HEADERS with this name (OUT-61).
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn content_type(&mut self) -> Result<Option<Text>> {
        const MAPPING: &str = "__NAMEID_VERSION1.0";
        if self.root.find(MAPPING).is_none() {
            return Ok(None);
        }
        let folder = self.folder(MAPPING)?;
        let mut streams = [Vec::new(), Vec::new(), Vec::new()];
        for (stream, name) in
            streams.iter_mut().zip(["__SUBSTG1.0_00020102", "__SUBSTG1.0_00030102", "__SUBSTG1.0_00040102"])
        {
            *stream = self.stream(&folder.path, folder.find(name), name)?.unwrap_or_default();
        }
        let [sets, entries, names] = &streams;
        match property::content_type_id(sets, entries, names) {
            Some(id) => self.text(Property { id, name: "the named property Content-Type" }),
            None => Ok(None),
        }
    }

    /// The recipients, in the order of their storages.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn recipients(&mut self) -> Result<Vec<Recipient>> {
        let mut recipients = Vec::new();
        for name in self.root.numbered("__RECIP_VERSION1.0_#") {
            let folder = self.folder(&name)?;
            let fixed = self.fixed_of(&folder)?;
            let mut address = self.text_of(&folder, Property::SMTP_ADDRESS)?;
            if address.is_none() && self.text_of(&folder, Property::ADDRESS_TYPE)?.is_some_and(|kind| is_smtp(&kind)) {
                address = self.text_of(&folder, Property::EMAIL_ADDRESS)?;
            }
            let name = self.text_of(&folder, Property::DISPLAY_NAME)?;
            recipients.push(Recipient { kind: fixed.integer(Property::RECIPIENT_TYPE), name, address });
        }
        Ok(recipients)
    }

    /// The attachments, in the order of their storages.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn attachments(&mut self) -> Result<Vec<Attachment>> {
        let mut attachments = Vec::new();
        for storage in self.root.numbered("__ATTACH_VERSION1.0_#") {
            let folder = self.folder(&storage)?;
            let fixed = self.fixed_of(&folder)?;
            let name = match self.text_of(&folder, Property::ATTACH_LONG_NAME)? {
                None => self.text_of(&folder, Property::ATTACH_FILE_NAME)?,
                name => name,
            };
            let [binary, object] = [BINARY, OBJECT].map(|kind| stream_name(Property::ATTACH_DATA, kind));
            let data = match (folder.find(&binary), folder.find(&object)) {
                (Some(Kind::Stream(length)), None) => Data::Stream(length),
                (None, Some(_)) => Data::Storage,
                (None, None) => Data::Absent,
                (Some(Kind::Storage), None) => {
                    return Err(container(place(&storage, &binary), "it is a storage, not a stream".to_owned()));
                }
                (Some(_), Some(_)) => {
                    return Err(Error::Ambiguous { what: format!("{} of {storage}", Property::ATTACH_DATA) });
                }
            };
            attachments.push(Attachment { name, method: fixed.integer(Property::ATTACH_METHOD), data, storage });
        }
        Ok(attachments)
    }

    /// The bytes of an attachment; `None` where they are not in a stream. A large one stays in the file, and is read from
    /// there as often as somebody asks.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the file does not hold as many bytes as it says.
    pub fn into_attachment<'a>(mut self, attachment: &Attachment) -> Result<Option<SharedSource<'a>>>
    where
        R: Send + Sync + 'a,
    {
        let Data::Stream(length) = attachment.data else { return Ok(None) };
        let path = place(&attachment.storage, &stream_name(Property::ATTACH_DATA, BINARY));
        // The length is a claim. Before it is believed, its last byte is read: that walks the chain to its end.
        if length > self.shape.length {
            let why = format!("it claims {length} bytes, in a file of {}", self.shape.length);
            return Err(container(path, why));
        }
        self.spend(length)?;
        let mut window = Window { file: self.file, path, length, position: length.saturating_sub(1) };
        let wrong = |path: &str, e: io::Error| match e.downcast::<Error>() {
            Ok(error) => error,
            Err(e) => failed(path, e),
        };
        let mut last = [0; 1];
        if length > 0 {
            window.read_exact(&mut last).map_err(|e| wrong(&window.path, e))?;
        }
        window.seek(SeekFrom::Start(0))?;
        match usize::try_from(length) {
            Ok(small) if small <= self.limits.in_memory_layer => {
                let mut bytes = vec![0; small];
                window.read_exact(&mut bytes).map_err(|e| wrong(&window.path, e))?;
                Ok(Some(Memory::owned(bytes)))
            }
            _ => Ok(Some(Arc::new(Rewindable::new(window)?))),
        }
    }

    fn text_of(&mut self, folder: &Folder, property: Property) -> Result<Option<Text>> {
        let place = folder.text(property)?;
        self.read_text(&folder.path, property, place)
    }

    fn read_text(&mut self, folder: &str, property: Property, place: Option<(u16, Kind)>) -> Result<Option<Text>> {
        let Some((kind, entry)) = place else { return Ok(None) };
        match self.stream(folder, Some(entry), &stream_name(property, kind))? {
            Some(octets) => Text::read(property, kind, octets).map(Some),
            None => Ok(None),
        }
    }

    fn fixed_of(&mut self, folder: &Folder) -> Result<Fixed> {
        let bytes = self.stream(&folder.path, folder.find(PROPERTIES), PROPERTIES)?;
        Fixed::read(&bytes.unwrap_or_default(), OTHER_HEADER)
    }

    /// What lies in a storage, each name once.
    fn folder(&self, path: &str) -> Result<Folder> {
        let at = format!("/{path}");
        let list = self.file.read_storage(&at).map_err(|e| failed(&at, e))?;
        let mut entries = BTreeMap::new();
        for entry in list {
            let kind = if entry.is_stream() { Kind::Stream(entry.len()) } else { Kind::Storage };
            match entries.entry(entry.name().to_ascii_uppercase()) {
                Entry::Vacant(free) => free.insert(kind),
                Entry::Occupied(taken) => {
                    return Err(Error::Ambiguous { what: visible(&place(path, taken.key())) });
                }
            };
        }
        Ok(Folder { path: path.to_owned(), entries })
    }

    /// A whole stream in memory.
    fn stream(&mut self, folder: &str, entry: Option<Kind>, name: &str) -> Result<Option<Vec<u8>>> {
        let path = place(folder, name);
        let length = match entry {
            None => return Ok(None),
            Some(Kind::Storage) => return Err(container(path, "it is a storage, not a stream".to_owned())),
            Some(Kind::Stream(length)) => length,
        };
        let body = [Property::BODY, Property::HTML].map(|property| format!("__SUBSTG1.0_{:04X}", property.id));
        let is_body = folder.is_empty() && body.iter().any(|body| name.starts_with(body));
        let limit = if is_body { self.limits.structure_bytes } else { self.limits.msg_property_bytes } as u64;
        if length > limit {
            return Err(Error::Limit { what: "a property", asked: length, limit, unit: "bytes" });
        }
        if length > self.shape.length {
            return Err(container(path, format!("it claims {length} bytes, in a file of {}", self.shape.length)));
        }
        self.spend(length)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = self.file.open_stream(&path).and_then(|mut stream| stream.read_exact(&mut bytes));
        read.map_err(|e| failed(&path, e))?;
        Ok(Some(bytes))
    }

    /// Pays for the walk along the chain of a stream.
    fn spend(&mut self, length: u64) -> Result<()> {
        let cost = if length < SMALL { self.shape.mini_sectors } else { self.shape.sectors };
        match self.steps.checked_sub(cost.saturating_add(1)) {
            Some(rest) => self.steps = rest,
            None => {
                return Err(Error::Limit {
                    what: "reading the properties",
                    asked: STEPS + 1,
                    limit: STEPS,
                    unit: "steps",
                });
            }
        }
        Ok(())
    }
}

impl Folder {
    fn find(&self, name: &str) -> Option<Kind> {
        self.entries.get(name).copied()
    }

    /// Where a text property is, and of which type it is there.
    fn text(&self, property: Property) -> Result<Option<(u16, Kind)>> {
        let prefix = format!("__SUBSTG1.0_{:04X}", property.id);
        let mut found = None;
        let named = self.entries.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        for (name, kind) in named {
            let Some(digits) = name.strip_prefix(&prefix).filter(|digits| digits.len() == 4) else { continue };
            let Ok(number) = u16::from_str_radix(digits, 16) else { continue };
            match number {
                UNICODE | EIGHT_BIT if found.is_some() => {
                    return Err(Error::Ambiguous { what: format!("{property}, as Unicode and in eight bits,") });
                }
                UNICODE | EIGHT_BIT => found = Some((number, *kind)),
                found => return Err(Error::WrongType { property, found }),
            }
        }
        Ok(found)
    }

    /// The storages with this prefix and a number of eight digits.
    fn numbered(&self, prefix: &str) -> Vec<String> {
        let is_number = |name: &str| {
            name.strip_prefix(prefix).is_some_and(|n| n.len() == 8 && n.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        let storages = self.entries.iter().filter(|(_, kind)| matches!(kind, Kind::Storage));
        storages.map(|(name, _)| name).filter(|name| is_number(name)).cloned().collect()
    }
}

fn stream_name(property: Property, kind: u16) -> String {
    format!("__SUBSTG1.0_{:04X}{kind:04X}", property.id)
}

fn place(folder: &str, name: &str) -> String {
    if folder.is_empty() { format!("/{name}") } else { format!("/{folder}/{name}") }
}

/// Whether an address type is "SMTP", and not "EX" for one within an organisation.
pub fn is_smtp(kind: &Text) -> bool {
    match kind {
        Text::Unicode(text) => text.eq_ignore_ascii_case("SMTP"),
        Text::EightBit(octets) => octets.eq_ignore_ascii_case(b"SMTP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    #[test]
    fn walking_along_chains_is_paid_for_and_ends() {
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        file.create_stream("/__substg1.0_0037001F").unwrap().write_all(&[65, 0]).unwrap();
        file.flush().unwrap();
        let mut msg = Msg::open(file.into_inner(), &Limits::default()).unwrap();
        let mut read = 0_u64;
        msg.steps = 1 << 16;
        let error = loop {
            match msg.text(Property::SUBJECT) {
                Ok(text) => assert_eq!(text, Some(Text::Unicode("A".to_owned()))),
                Err(error) => break error,
            }
            read += 1;
        };
        assert!(matches!(error, Error::Limit { unit: "steps", .. }), "{error}");
        assert_eq!(read, (1 << 16) / (msg.shape.mini_sectors + 1));
    }
}
