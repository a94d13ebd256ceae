//! Serialized certificate stores (`.sst`), as Windows exports them and Exchange Online takes them for the roots of S/MIME
//! (OUT-20, OUT-100 to OUT-107).
//!
//! A store is a header, entries, and an end marker, all integers little-endian; an entry is `id, encoding, length, bytes`.
//! Entries of id 32, 33 and 34 are certificates, CRLs and certificate trust lists; those before each are its properties
//! ([`property`]). What the properties say against a root, and whether a store may be imported at all, is judged in
//! [`collection`].
//!
//! ```
//! use smime::store::sst::{Element, ElementKind, SerializedStore, WriteOptions};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let der = vec![0x30, 0];
//! let mut store = SerializedStore::default();
//! store.push(Element::new(ElementKind::Certificate, der)?);
//! let bytes = store.write(&WriteOptions::default());
//! assert_eq!(SerializedStore::read(&bytes, &Default::default())?.elements().len(), 1);
//! # Ok(()) }
//! ```

pub mod collection;
pub mod property;

pub use self::property::Property;

use crate::base::limits::Limits;
use crate::cert;
use crate::cert::certificate::Certificate;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// A serialized store: its elements in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SerializedStore {
    elements: Vec<Element>,
}

/// A certificate, a CRL or a certificate trust list, with the properties that stand before it.
#[derive(Clone, Debug)]
pub struct Element {
    kind: ElementKind,
    encoding: Encoding,
    bytes: Vec<u8>,
    properties: Vec<Property>,
    offset: usize,
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElementKind {
    /// Id 32: a certificate in DER.
    Certificate,
    /// Id 33: a revocation list in DER.
    Crl,
    /// Id 34: a certificate trust list, a PKCS#7 SignedData in DER.
    Ctl,
}

/// The second field of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// 1, X509_ASN_ENCODING: what Windows writes.
    #[default]
    X509,
    /// 0x00010001, with PKCS_7_ASN_ENCODING: read, too (OUT-100).
    X509AndPkcs7,
}

/// Why a store, or an element for one, is not read. Offsets are bytes from the beginning of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is larger than any store is.
    #[error("the store has {size} bytes, where at most {limit} are read")]
    TooLarge {
        /// Bytes.
        size: usize,
        /// `Limits::structure_bytes`.
        limit: usize,
    },
    /// The header is cut short.
    #[error("the header is cut short: {have} bytes of 8 are there")]
    HeaderTruncated {
        /// Bytes.
        have: usize,
    },
    /// Another version.
    #[error("version {found} of the format at byte 0, where 0 is known: export the store again as .sst")]
    Version {
        /// What stands there.
        found: u32,
    },
    /// Another file.
    #[error(
        "byte 4 begins with {found:#010x} where 0x54524543 (\"CERT\") belongs: this is no serialized store; a single \
         serialized certificate has no header (--element)"
    )]
    Tag {
        /// What stands there.
        found: u32,
    },
    /// An entry of another encoding.
    #[error("entry {id} at byte {offset} has encoding {found:#x}, where 1 or 0x10001 belongs")]
    EntryEncoding {
        /// Where the entry begins.
        offset: usize,
        /// Its id.
        id: u32,
        /// Its encoding.
        found: u32,
    },
    /// The twelve bytes before an entry's value are not all there.
    #[error("the entry at byte {offset} is cut short: {have} bytes of 12 are there; the file was not copied whole")]
    EntryTruncated {
        /// Where the entry begins.
        offset: usize,
        /// Bytes.
        have: usize,
    },
    /// An entry announces more than there is.
    #[error("entry {id} at byte {offset} has {length} bytes, and {have} are left; the file was not copied whole")]
    PastEnd {
        /// Where the entry begins.
        offset: usize,
        /// Its id.
        id: u32,
        /// The announced length.
        length: u32,
        /// Bytes left.
        have: usize,
    },
    /// The entries end without the end marker.
    #[error("the end marker is missing at byte {offset}; the file was not copied whole")]
    NoEndMarker {
        /// Where it belongs.
        offset: usize,
    },
    /// The end marker is none.
    #[error("the end marker at byte {offset} has encoding {encoding} and length {length}, where both are 0")]
    EndMarker {
        /// Where it begins.
        offset: usize,
        /// Its encoding.
        encoding: u32,
        /// Its length.
        length: u32,
    },
    /// Something follows the end.
    #[error("{count} bytes follow the end at byte {offset}, and nothing belongs there")]
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many.
        count: usize,
    },
    /// Properties that no element follows.
    #[error("property {id} at byte {offset} belongs to nothing: no certificate, CRL or CTL follows it")]
    PropertyWithoutElement {
        /// Where the first of them begins.
        offset: usize,
        /// Its id.
        id: u32,
    },
    /// A file of a single element has none.
    #[error("there is no certificate, CRL or CTL in it")]
    NoElement,
    /// An element of a single-element file is followed by an end marker, or is none.
    #[error(
        "id 0 at byte {offset} ends a store, and a single serialized element has no end marker: read it without --element"
    )]
    EndInElement {
        /// Where it begins.
        offset: usize,
    },
    /// More entries than any store has.
    #[error("the store has more than {limit} entries")]
    Entries {
        /// `Limits::store_entries`.
        limit: usize,
    },
    /// Ids that no property can have.
    #[error("a property cannot have the id {id}: 0 ends a store, and 32, 33 and 34 are its elements")]
    ReservedId {
        /// The id.
        id: u32,
    },
    /// A value that an entry cannot hold.
    #[error("a value of {size} bytes does not fit into an entry, whose length has 32 bits")]
    ValueTooLong {
        /// Bytes.
        size: usize,
    },
}

/// What is written beside the elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Whether properties are written.
    pub properties: Properties,
    /// Whether those that hold hashes are among them.
    pub hashes: Hashes,
}

/// Whether properties are written. Private-key references never are: they mean something on one machine only, and
/// name its key containers (OUT-104).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Properties {
    /// With the elements that they belong to. Without them, a root that the store limits would be trusted for everything
    /// (OUT-105).
    #[default]
    Keep,
    /// Not at all.
    Omit,
}

/// Whether properties that only repeat a digest of the element are written (OUT-103).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashes {
    /// Not at all; whoever reads the store computes them.
    #[default]
    Omit,
    /// As they were read.
    Keep,
}

impl SerializedStore {
    /// Reads a store. An empty file is an empty store (OUT-102).
    ///
    /// # Errors
    /// Every variant of [`Error`] but those of values that are too long, ids that are reserved, and single elements.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        within(bytes, limits)?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut entries = Entries { bytes, at: 0, count: 0, limit: limits.store_entries };
        let (Some(version), Some(tag)) = (entries.number(), entries.number()) else {
            return Err(Error::HeaderTruncated { have: bytes.len() });
        };
        // The tag first: of another file, the version says nothing.
        if tag != TAG {
            return Err(Error::Tag { found: tag });
        }
        if version != 0 {
            return Err(Error::Version { found: version });
        }
        let mut store = Self::default();
        loop {
            let offset = entries.at;
            match entries.group()? {
                Group::Element(element) => store.elements.push(element),
                Group::End(marker) => {
                    if (marker.encoding, marker.length) != (0, 0) {
                        let (encoding, length) = (marker.encoding, marker.length);
                        return Err(Error::EndMarker { offset: marker.offset, encoding, length });
                    }
                    let count = bytes.len().saturating_sub(entries.at);
                    return if count == 0 { Ok(store) } else { Err(Error::Trailing { offset: entries.at, count }) };
                }
                Group::Nothing => return Err(Error::NoEndMarker { offset }),
            }
        }
    }

    /// Reads a file of one element without header and end marker, as Windows keeps them in
    /// `SystemCertificates\My\Certificates` (OUT-107).
    ///
    /// # Errors
    /// As [`read`](Self::read); [`Error::NoElement`] and [`Error::EndInElement`].
    pub fn read_element(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        within(bytes, limits)?;
        let mut entries = Entries { bytes, at: 0, count: 0, limit: limits.store_entries };
        let element = match entries.group()? {
            Group::Element(element) => element,
            Group::End(marker) => return Err(Error::EndInElement { offset: marker.offset }),
            Group::Nothing => return Err(Error::NoElement),
        };
        let count = bytes.len().saturating_sub(entries.at);
        if count != 0 {
            return Err(Error::Trailing { offset: entries.at, count });
        }
        Ok(Self { elements: vec![element] })
    }

    /// The elements, in the order of the file.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The certificates among them.
    pub fn certificates(&self) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(|element| element.kind == ElementKind::Certificate)
    }

    /// Adds one at the end. Nothing is looked for twice; [`merge`](Self::merge) does so.
    pub fn push(&mut self, element: Element) {
        self.elements.push(element);
    }

    /// Adds elements, each only where it is not there yet. Where it is, the properties that it does not have yet are
    /// added, so that what limits a root in one of two stores limits it in both together.
    pub fn merge(&mut self, elements: impl IntoIterator<Item = Element>) {
        let key = |element: &Element| (element.kind, element.bytes.clone());
        let mut known: HashMap<_, usize> = self.elements.iter().enumerate().map(|(at, e)| (key(e), at)).collect();
        for element in elements {
            match known.get(&key(&element)).and_then(|at| self.elements.get_mut(*at)) {
                Some(there) => {
                    let mut own: HashSet<(u32, Vec<u8>)> =
                        there.properties.iter().map(|p| (p.id(), p.value().to_vec())).collect();
                    let new = |p: &Property| own.insert((p.id(), p.value().to_vec()));
                    there.properties.extend(element.properties.into_iter().filter(new));
                }
                None => {
                    known.insert(key(&element), self.elements.len());
                    self.elements.push(element);
                }
            }
        }
    }

    /// Certificates, then CRLs, then CTLs, each in their order, then the end marker (OUT-103). Where all properties are
    /// kept, and the elements stand in that order, this gives the bytes that were read.
    pub fn write(&self, options: &WriteOptions) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(0u32.to_le_bytes());
        out.extend(TAG.to_le_bytes());
        for kind in [ElementKind::Certificate, ElementKind::Crl, ElementKind::Ctl] {
            for element in self.elements.iter().filter(|element| element.kind == kind) {
                for property in element.properties.iter().filter(|property| options.admits(property)) {
                    put(&mut out, property.id(), property.encoding(), property.value());
                }
                put(&mut out, kind.id(), element.encoding, &element.bytes);
            }
        }
        out.extend([0; 12]);
        out
    }
}

impl Element {
    /// An element without properties.
    ///
    /// # Errors
    /// [`Error::ValueTooLong`].
    pub fn new(kind: ElementKind, bytes: Vec<u8>) -> Result<Self, Error> {
        fits(&bytes)?;
        Ok(Self { kind, encoding: Encoding::X509, bytes, properties: Vec::new(), offset: 0 })
    }

    /// The same with one more property, at the end.
    #[must_use]
    pub fn with_property(mut self, property: Property) -> Self {
        self.properties.push(property);
        self
    }

    /// What it is.
    pub fn kind(&self) -> ElementKind {
        self.kind
    }

    /// What it consists of, as it was received: DER, or what passes for it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its properties, in the order of the file. Nothing keeps a store from giving one twice.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The first property of an id.
    pub fn property(&self, id: u32) -> Option<&Property> {
        self.properties.iter().find(|property| property.id() == id)
    }

    /// Where its entry begins in the file that it was read from.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The certificate that it is.
    ///
    /// # Errors
    /// Where the bytes are not a certificate.
    pub fn certificate(&self) -> Result<Certificate, cert::Error> {
        Certificate::from_der(&self.bytes)
    }
}

/// Equal where kind, bytes and properties are; where one of them once stood in a file does not matter.
impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.encoding, &self.bytes, &self.properties)
            == (other.kind, other.encoding, &other.bytes, &other.properties)
    }
}

impl Eq for Element {}

impl ElementKind {
    /// 32, 33 or 34.
    pub fn id(self) -> u32 {
        match self {
            Self::Certificate => 32,
            Self::Crl => 33,
            Self::Ctl => 34,
        }
    }

    fn of(id: u32) -> Option<Self> {
        [Self::Certificate, Self::Crl, Self::Ctl].into_iter().find(|kind| kind.id() == id)
    }
}

impl fmt::Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Crl => "crl",
            Self::Ctl => "ctl",
        })
    }
}

impl Encoding {
    fn number(self) -> u32 {
        match self {
            Self::X509 => 1,
            Self::X509AndPkcs7 => 0x0001_0001,
        }
    }

    fn of(number: u32) -> Option<Self> {
        [Self::X509, Self::X509AndPkcs7].into_iter().find(|encoding| encoding.number() == number)
    }
}

impl WriteOptions {
    /// Everything that was read, but private-key references.
    pub const ALL: Self = Self { properties: Properties::Keep, hashes: Hashes::Keep };

    fn admits(&self, property: &Property) -> bool {
        self.properties == Properties::Keep
            && !property.is_key_reference()
            && (self.hashes == Hashes::Keep || !property.is_hash())
    }
}

/// Whether a file is a serialized store by its first bytes, of whatever version.
pub fn is_sst(bytes: &[u8]) -> bool {
    // No text begins so: the upper half of the version is zero.
    matches!(bytes, [_, _, 0, 0, b'C', b'E', b'R', b'T', ..])
}

/// "CERT".
const TAG: u32 = 0x5452_4543;

/// The entries of a file, one after the other.
struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    count: usize,
    limit: usize,
}

struct Entry<'a> {
    offset: usize,
    id: u32,
    encoding: u32,
    length: u32,
    value: &'a [u8],
}

/// Properties with what they belong to, or the end.
enum Group<'a> {
    Element(Element),
    End(Entry<'a>),
    Nothing,
}

impl<'a> Entries<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// The next entry; `None` at the end of the bytes. The value of an end marker is left where it is.
    fn entry(&mut self) -> Result<Option<Entry<'a>>, Error> {
        let offset = self.at;
        let have = self.bytes.len().saturating_sub(offset);
        if have == 0 {
            return Ok(None);
        }
        let (Some(id), Some(encoding), Some(length)) = (self.number(), self.number(), self.number()) else {
            return Err(Error::EntryTruncated { offset, have });
        };
        if id == 0 {
            return Ok(Some(Entry { offset, id, encoding, length, value: &[] }));
        }
        self.count = self.count.saturating_add(1);
        if self.count > self.limit {
            return Err(Error::Entries { limit: self.limit });
        }
        let have = self.bytes.len().saturating_sub(self.at);
        let value = usize::try_from(length).ok().and_then(|length| self.take(length));
        let value = value.ok_or(Error::PastEnd { offset, id, length, have })?;
        Ok(Some(Entry { offset, id, encoding, length, value }))
    }

    /// OUT-100: a property group attaches to the next element. OUT-101: only id 0 ends it, never a length of 0.
    fn group(&mut self) -> Result<Group<'a>, Error> {
        let mut properties = Vec::new();
        let mut first: Option<(usize, u32)> = None;
        let orphaned = |first: Option<(usize, u32)>, otherwise| match first {
            Some((offset, id)) => Err(Error::PropertyWithoutElement { offset, id }),
            None => Ok(otherwise),
        };
        loop {
            let Some(entry) = self.entry()? else { return orphaned(first, Group::Nothing) };
            if entry.id == 0 {
                return orphaned(first, Group::End(entry));
            }
            let Some(encoding) = Encoding::of(entry.encoding) else {
                return Err(Error::EntryEncoding { offset: entry.offset, id: entry.id, found: entry.encoding });
            };
            let bytes = entry.value.to_vec();
            match ElementKind::of(entry.id) {
                Some(kind) => {
                    return Ok(Group::Element(Element { kind, encoding, bytes, properties, offset: entry.offset }));
                }
                None => {
                    first.get_or_insert((entry.offset, entry.id));
                    properties.push(Property::read(entry.id, encoding, bytes));
                }
            }
        }
    }
}

fn within(bytes: &[u8], limits: &Limits) -> Result<(), Error> {
    let (size, limit) = (bytes.len(), limits.structure_bytes);
    if size > limit { Err(Error::TooLarge { size, limit }) } else { Ok(()) }
}

fn fits(value: &[u8]) -> Result<(), Error> {
    u32::try_from(value.len()).map(|_| ()).map_err(|_| Error::ValueTooLong { size: value.len() })
}

/// One entry; that the length fits was seen to where the value was made.
fn put(out: &mut Vec<u8>, id: u32, encoding: Encoding, value: &[u8]) {
    out.extend(id.to_le_bytes());
    out.extend(encoding.number().to_le_bytes());
    out.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests;
