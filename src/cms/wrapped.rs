//! CompressedData (RFC 3274) and DigestedData (RFC 5652 section 7): content in a wrapper that needs no key and proves
//! nothing. Read as a stream that hands the content to a sink.

use super::content::{
    ContentType, EContent, drain, enter_content_info, enter_encapsulated, leave_content_info, read_small,
};
use super::{Error, Result};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::stream::Stream;
use crate::base::limits::Limits;
use crate::crypto::algorithm::AlgorithmIdentifier;
use const_oid::ObjectIdentifier;
use std::io::BufRead;

/// What stands before the content.
#[derive(Clone, Debug)]
pub struct Head {
    /// 0 for CompressedData, 0 or 2 for DigestedData; told, not judged.
    pub version: u64,
    /// compressionAlgorithm or digestAlgorithm.
    pub algorithm: AlgorithmIdentifier,
    /// eContentType.
    pub content_type: ObjectIdentifier,
    /// Whether the content stands inside.
    pub content: EContent,
}

/// A CompressedData or DigestedData without its content.
#[derive(Clone, Debug)]
pub struct Wrapped {
    /// Which of the two.
    pub kind: ContentType,
    /// What stands before the content.
    pub head: Head,
    /// Octets of the content, as they stand there: compressed in a CompressedData.
    pub content_length: u64,
    /// digest of a DigestedData.
    pub digest: Option<Vec<u8>>,
}

impl Head {
    /// Reads from after [`enter_content_info`], which gave `kind`, to the first octet of the content, whose string is then
    /// open where there is one.
    pub(super) fn read<R: BufRead>(stream: &mut Stream<R>, kind: ContentType, limits: &Limits) -> Result<Self> {
        let what = if kind == ContentType::CompressedData { "CompressedData" } else { "DigestedData" };
        stream.enter(Tag::SEQUENCE, what)?;
        let version = read_small(stream, "version")?;
        let raw = stream.take(limits.element_bytes, "algorithm")?;
        let algorithm = AlgorithmIdentifier::read(&Reader::single(&raw, "algorithm")?)?;
        let (content_type, content) = enter_encapsulated(stream)?;
        Ok(Self { version, algorithm, content_type, content })
    }
}

impl Wrapped {
    /// Reads a ContentInfo of either type to its end; the content goes to `sink` in pieces of any size, after `begin` has
    /// seen what stands before it.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the structure is broken, incomplete, or something follows it, and what `sink` gives.
    pub fn read<R: BufRead>(
        reader: R,
        limits: &Limits,
        begin: &mut dyn FnMut(&Head),
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Self> {
        let mut stream = Stream::new(reader);
        let kind = enter_content_info(&mut stream)?;
        if !matches!(kind, ContentType::CompressedData | ContentType::DigestedData) {
            return Err(Error::Unsupported(format!("expected compressed-data or digested-data, found {kind}")));
        }
        let head = Head::read(&mut stream, kind, limits)?;
        begin(&head);
        let mut content_length = 0;
        if head.content == EContent::Attached {
            content_length = drain(&mut stream, "eContent", sink)?;
            stream.leave("eContent")?;
        }
        stream.leave("EncapsulatedContentInfo")?;
        let mut digest = None;
        if kind == ContentType::DigestedData {
            let raw = stream.take(limits.element_bytes, "digest")?;
            digest = Some(Reader::single(&raw, "digest")?.octets("digest")?.into_owned());
        }
        stream.leave("CompressedData or DigestedData")?;
        leave_content_info(&mut stream)?;
        Ok(Self { kind, head, content_length, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{der, oid};

    fn digested(content: &[u8], rest: &[Vec<u8>]) -> Vec<u8> {
        let encapsulated = der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, &der::octets(content))]);
        let algorithm = der::sequence(&[der::oid(&oid::SHA256)]);
        let mut fields = vec![der::integer(0), algorithm, encapsulated];
        fields.extend_from_slice(rest);
        der::sequence(&[der::oid(&oid::ID_DIGESTED_DATA), der::explicit(0, &der::sequence(&fields))])
    }

    fn read(message: &[u8]) -> Result<(Wrapped, Vec<u8>)> {
        let mut content = Vec::new();
        let wrapped = Wrapped::read(message, &Limits::default(), &mut |_| (), &mut |bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok((wrapped, content))
    }

    #[test]
    fn content_and_digest_come_out_and_every_truncation_is_an_error() {
        let message = digested(b"content", &[der::octets(&[7; 32])]);
        let (wrapped, content) = read(&message).unwrap();
        assert_eq!((wrapped.kind, wrapped.content_length), (ContentType::DigestedData, 7));
        assert_eq!((wrapped.digest.unwrap(), content), (vec![7; 32], b"content".to_vec()));
        for cut in 0..message.len() {
            assert!(read(&message[..cut]).is_err(), "{cut}");
        }
        assert!(read(&[&message[..], b"\n"].concat()).is_err());
        assert!(read(&digested(b"content", &[])).is_err());
        assert!(read(&digested(b"content", &[der::octets(b""), der::null()])).is_err());
    }
}
