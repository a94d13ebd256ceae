//! ContentInfo (RFC 5652 section 3), and the content inside SignedData, EnvelopedData and their kin as a source of its
//! own, so that the next layer can be read without keeping this one in memory.

use super::{Error, Result};
use crate::asn1::ber::Tag;
use crate::asn1::oid;
use crate::asn1::stream::Stream;
use crate::base::limits::Limits;
use crate::base::source::{SharedSource, Source, read_buffered};
use crate::crypto::algorithm::oid_name_and_number;
use const_oid::ObjectIdentifier;
use std::io::{self, BufRead, Read};

/// signedAndEnvelopedData of PKCS#7 (RFC 2315 section 11), which CMS dropped.
const SIGNED_AND_ENVELOPED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.4");

/// The content type of a ContentInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// RFC 5652 section 4.
    Data,
    /// RFC 5652 section 5.
    SignedData,
    /// RFC 5652 section 6.
    EnvelopedData,
    /// RFC 5083.
    AuthEnvelopedData,
    /// RFC 3274.
    CompressedData,
    /// RFC 5652 section 7.
    DigestedData,
    /// RFC 5652 section 8.
    EncryptedData,
    /// Anything else.
    Other(ObjectIdentifier),
}

/// Whether a SignedData carries what it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EContent {
    /// Inside: an opaque signature.
    Attached,
    /// Elsewhere: the first part of a multipart/signed, or nowhere (certs-only).
    Detached,
}

impl ContentType {
    /// By its object identifier.
    pub fn from_oid(identifier: ObjectIdentifier) -> Self {
        match identifier {
            oid::ID_DATA => Self::Data,
            oid::ID_SIGNED_DATA => Self::SignedData,
            oid::ID_ENVELOPED_DATA => Self::EnvelopedData,
            oid::ID_CT_AUTH_ENVELOPED_DATA => Self::AuthEnvelopedData,
            oid::ID_CT_COMPRESSED_DATA => Self::CompressedData,
            oid::ID_DIGESTED_DATA => Self::DigestedData,
            oid::ID_ENCRYPTED_DATA => Self::EncryptedData,
            other => Self::Other(other),
        }
    }
}

impl ContentType {
    /// Whether it holds a ciphertext: EnvelopedData, AuthEnvelopedData and EncryptedData.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::EnvelopedData | Self::AuthEnvelopedData | Self::EncryptedData)
    }
}

impl std::fmt::Display for ContentType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data => f.write_str("data"),
            Self::SignedData => f.write_str("signed-data"),
            Self::EnvelopedData => f.write_str("enveloped-data"),
            Self::AuthEnvelopedData => f.write_str("authEnveloped-data"),
            Self::CompressedData => f.write_str("compressed-data"),
            Self::DigestedData => f.write_str("digested-data"),
            Self::EncryptedData => f.write_str("encrypted-data"),
            Self::Other(oid::ID_CT_AUTH_DATA) => f.write_str("authenticated-data"),
            Self::Other(SIGNED_AND_ENVELOPED) => f.write_str("signed-and-enveloped-data (PKCS#7, RFC 2315)"),
            Self::Other(identifier) => f.write_str(&oid_name_and_number(identifier)),
        }
    }
}

/// Steps into a ContentInfo, as far as before its content.
///
/// # Errors
/// Where the input does not begin with a ContentInfo.
pub fn enter_content_info<R: BufRead>(stream: &mut Stream<R>) -> Result<ContentType> {
    stream.enter(Tag::SEQUENCE, "ContentInfo")?;
    let content_type = read_oid(stream, "ContentInfo.contentType")?;
    stream.enter(Tag::context(0), "ContentInfo.content")?;
    Ok(ContentType::from_oid(content_type))
}

/// Steps out of a ContentInfo and checks that nothing follows it (SEC-42).
pub(super) fn leave_content_info<R: BufRead>(stream: &mut Stream<R>) -> Result<()> {
    stream.leave("ContentInfo.content")?;
    stream.leave("ContentInfo")?;
    Ok(stream.end("ContentInfo")?)
}

/// The content type of what `source` holds, where it begins with a ContentInfo.
///
/// # Errors
/// Where it does not.
pub fn content_type_of(source: &dyn Source) -> Result<ContentType> {
    enter_content_info(&mut Stream::new(source.reader(0)?))
}

pub(super) fn read_oid<R: BufRead>(stream: &mut Stream<R>, what: &'static str) -> Result<ObjectIdentifier> {
    let raw = stream.take(64, what)?;
    Ok(crate::asn1::ber::Reader::single(&raw, what)?.oid(what)?)
}

pub(super) fn read_small<R: BufRead>(stream: &mut Stream<R>, what: &'static str) -> Result<u64> {
    let raw = stream.take(16, what)?;
    Ok(crate::asn1::ber::Reader::single(&raw, what)?.small(what)?)
}

/// Steps into an EncapsulatedContentInfo: its content's type, and its content as an open string, where it is there
/// (RFC 5652 section 5.2).
pub(super) fn enter_encapsulated<R: BufRead>(stream: &mut Stream<R>) -> Result<(ObjectIdentifier, EContent)> {
    stream.enter(Tag::SEQUENCE, "EncapsulatedContentInfo")?;
    let content_type = read_oid(stream, "eContentType")?;
    if !stream.enter_optional(Tag::context(0), "eContent")? {
        return Ok((content_type, EContent::Detached));
    }
    stream.open_string(Tag::OCTET_STRING, "eContent")?;
    Ok((content_type, EContent::Attached))
}

/// Drains the open string of `stream` into `sink`, and says how many octets there were.
pub(super) fn drain<R: BufRead>(
    stream: &mut Stream<R>,
    what: &'static str,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<u64> {
    let mut total = 0u64;
    loop {
        let chunk = stream.chunk(what)?;
        if chunk.is_empty() {
            return Ok(total);
        }
        sink(chunk)?;
        let used = chunk.len();
        total = total.saturating_add(used as u64);
        stream.consume(used);
    }
}

/// The eContent of a SignedData, DigestedData or CompressedData (compressed as it is), the encryptedContent of an
/// (Auth)EnvelopedData or EncryptedData, or the octets of plain data: as a source, with all segment headers taken out.
pub struct Content<'a> {
    message: SharedSource<'a>,
    limits: Limits,
    /// Where it lies in a message in memory, if it lies there in one piece.
    span: Option<(usize, usize)>,
}

impl<'a> Content<'a> {
    /// The content of the ContentInfo in `message`, which has been read before.
    pub fn of(message: SharedSource<'a>, limits: &Limits) -> Self {
        let span = message.as_slice().and_then(|bytes| span(bytes, limits));
        Self { message, limits: limits.clone(), span }
    }
}

/// Where the content of a message in memory lies, from its first octet to before the one after it.
fn span(message: &[u8], limits: &Limits) -> Option<(usize, usize)> {
    let (start, length) = open(Stream::new(message), limits).ok()?.string_span()?;
    let (start, length) = (usize::try_from(start).ok()?, usize::try_from(length).ok()?);
    let end = start.checked_add(length).filter(|end| *end <= message.len())?;
    Some((start, end))
}

/// Reads up to the content, whose string is then open where there is one.
fn open<R: BufRead>(mut stream: Stream<R>, limits: &Limits) -> Result<Stream<R>> {
    match enter_content_info(&mut stream)? {
        ContentType::SignedData => {
            super::signed::Head::read(&mut stream, limits)?;
        }
        kind @ (ContentType::EnvelopedData | ContentType::AuthEnvelopedData | ContentType::EncryptedData) => {
            super::enveloped::Head::read(&mut stream, kind, limits)?;
        }
        kind @ (ContentType::CompressedData | ContentType::DigestedData) => {
            super::wrapped::Head::read(&mut stream, kind, limits)?;
        }
        ContentType::Data => stream.open_string(Tag::OCTET_STRING, "content").map_err(Error::from)?,
        other => return Err(Error::Unsupported(format!("{other} has no content to read"))),
    }
    Ok(stream)
}

impl Source for Content<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        if let Some(content) = self.as_slice() {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
            return Ok(Box::new(content.get(from..).unwrap_or_default()));
        }
        let stream = open(Stream::new(self.message.reader(0)?), &self.limits)?;
        let mut reader = ContentReader { stream, gathered: Vec::new(), at: 0 };
        io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        Ok(Box::new(reader))
    }

    fn as_slice(&self) -> Option<&[u8]> {
        let (start, end) = self.span?;
        self.message.as_slice()?.get(start..end)
    }
}

/// Short segments are gathered up to so many octets.
const GATHERED: usize = 16 << 10;

struct ContentReader<R> {
    stream: Stream<R>,
    gathered: Vec<u8>,
    /// How much of what is gathered was used.
    at: usize,
}

impl<R: BufRead> ContentReader<R> {
    fn chunk(&mut self) -> io::Result<&[u8]> {
        self.stream.chunk("content").map_err(|e| Error::from(e).into())
    }
}

impl<R: BufRead> BufRead for ContentReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.gathered.len() {
            self.gathered.clear();
            self.at = 0;
            if self.chunk()?.len() >= GATHERED {
                return self.chunk();
            }
            while self.gathered.len() < GATHERED {
                let room = GATHERED - self.gathered.len();
                let piece = self.stream.chunk("content").map_err(Error::from)?;
                let piece = piece.get(..room).unwrap_or(piece);
                self.gathered.extend_from_slice(piece);
                let used = piece.len();
                self.stream.consume(used);
                if used == 0 {
                    break;
                }
            }
        }
        Ok(self.gathered.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        if self.at < self.gathered.len() {
            self.at = self.at.saturating_add(amount);
        } else {
            self.stream.consume(amount);
        }
    }
}

impl<R: BufRead> Read for ContentReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }

    /// Segment by segment, each as long as it is.
    fn read_to_end(&mut self, all: &mut Vec<u8>) -> io::Result<usize> {
        let before = all.len();
        all.extend_from_slice(self.gathered.get(self.at..).unwrap_or_default());
        self.at = self.gathered.len();
        loop {
            let piece = self.chunk()?;
            if piece.is_empty() {
                return Ok(all.len() - before);
            }
            all.extend_from_slice(piece);
            let used = piece.len();
            self.stream.consume(used);
        }
    }
}
