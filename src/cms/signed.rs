//! SignedData (RFC 5652 section 5): read as a stream that hands its content to a sink, and written around a content, in DER
//! or in BER.

use super::content::{
    ContentType, EContent, drain, enter_content_info, enter_encapsulated, leave_content_info, read_small,
};
use super::signer_info::SignerInfo;
use super::{Error, Result};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::framing::{Encoding, Layer};
use crate::asn1::stream::Stream;
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::cache::ChainCache;
use crate::cert::certificate::Certificate;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm};
use const_oid::ObjectIdentifier;
use std::io::BufRead;

/// What stands before the content.
#[derive(Clone, Debug)]
pub struct Head {
    /// 1, 3, 4 or 5; told, not judged.
    pub version: u64,
    /// digestAlgorithms: which digests the signers are said to use. A hint for hashing in one pass, never more (SEC-25).
    pub digest_algorithms: Vec<AlgorithmIdentifier>,
    /// eContentType.
    pub content_type: ObjectIdentifier,
    /// Whether the content stands inside.
    pub content: EContent,
}

/// Where the content of a SignedData goes while it is read.
pub trait Sink {
    /// Called once, before any content.
    ///
    /// # Errors
    /// Ends the reading.
    fn begin(&mut self, head: &Head) -> Result<()>;

    /// Called for the content, in order, in pieces of any size.
    ///
    /// # Errors
    /// Ends the reading.
    fn chunk(&mut self, bytes: &[u8]) -> Result<()>;
}

/// A SignedData without its content.
#[derive(Clone, Debug)]
pub struct SignedData {
    /// What stands before the content.
    pub head: Head,
    /// Octets of the content, where it is inside.
    pub content_length: u64,
    /// The certificates that could be read.
    pub certificates: Vec<Certificate>,
    /// CertificateLists as received (DER or BER).
    pub crls: Vec<Vec<u8>>,
    /// OCSPResponses as received (id-ri-ocsp-response, RFC 5940 section 2.2).
    pub ocsp: Vec<Vec<u8>>,
    /// The signers, in the order received.
    pub signers: Vec<SignerInfo>,
    /// What is odd about it.
    pub notes: Vec<Reason>,
}

impl Head {
    /// Reads from after [`enter_content_info`] to the first octet of the content, whose string is then open.
    pub(super) fn read<R: BufRead>(stream: &mut Stream<R>, limits: &Limits) -> Result<Self> {
        stream.enter(Tag::SEQUENCE, "SignedData")?;
        let version = read_small(stream, "SignedData.version")?;
        stream.enter(Tag::SET, "SignedData.digestAlgorithms")?;
        let mut digest_algorithms = Vec::new();
        while stream.peek()?.is_some() {
            if digest_algorithms.len() >= limits.digest_algorithms {
                return Err(Error::Limit { what: "digest algorithms", limit: limits.digest_algorithms as u64 });
            }
            let raw = stream.take(limits.element_bytes, "DigestAlgorithmIdentifier")?;
            let element = Reader::single(&raw, "DigestAlgorithmIdentifier")?;
            digest_algorithms.push(AlgorithmIdentifier::read(&element)?);
        }
        stream.leave("SignedData.digestAlgorithms")?;
        let (content_type, content) = enter_encapsulated(stream)?;
        Ok(Self { version, digest_algorithms, content_type, content })
    }
}

impl SignedData {
    /// Reads a ContentInfo of type signed-data to its end; its content, where it has one, goes to `sink`.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the structure is broken or something follows it, [`Error::Limit`] where there is
    /// more than `limits` admit, and what the sink gives.
    pub fn read<R: BufRead>(reader: R, limits: &Limits, sink: &mut dyn Sink) -> Result<Self> {
        Self::read_with(reader, limits, None, sink)
    }

    /// The same, with certificates that were met before taken from a cache.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with<R: BufRead>(
        reader: R,
        limits: &Limits,
        cache: Option<&ChainCache>,
        sink: &mut dyn Sink,
    ) -> Result<Self> {
        let mut stream = Stream::new(reader);
        match enter_content_info(&mut stream)? {
            ContentType::SignedData => {}
            other => return Err(Error::Unsupported(format!("expected signed-data, found {other}"))),
        }
        let head = Head::read(&mut stream, limits)?;
        sink.begin(&head)?;
        let mut content_length = 0;
        if head.content == EContent::Attached {
            content_length = drain(&mut stream, "eContent", &mut |bytes| sink.chunk(bytes))?;
            stream.leave("eContent")?;
        }
        stream.leave("EncapsulatedContentInfo")?;
        let mut rest = Rest { limits, cache, budget: limits.structure_bytes, notes: Vec::new() };
        let certificates = rest.certificates(&mut stream)?;
        let (crls, ocsp) = rest.crls(&mut stream)?;
        let signers = rest.signers(&mut stream)?;
        stream.leave("SignedData")?;
        leave_content_info(&mut stream)?;
        Ok(Self { head, content_length, certificates, crls, ocsp, signers, notes: rest.notes })
    }
}

/// Structures as received.
type Encodings = Vec<Vec<u8>>;

/// What stands after the content, read under one budget of bytes.
struct Rest<'l> {
    limits: &'l Limits,
    cache: Option<&'l ChainCache>,
    budget: usize,
    notes: Vec<Reason>,
}

impl Rest<'_> {
    fn take<R: BufRead>(&mut self, stream: &mut Stream<R>, what: &'static str) -> Result<Vec<u8>> {
        let mut raw = Vec::new();
        self.take_into(&mut raw, stream, what)?;
        Ok(raw)
    }

    fn take_into<R: BufRead>(&mut self, raw: &mut Vec<u8>, stream: &mut Stream<R>, what: &'static str) -> Result<()> {
        raw.clear();
        stream.take_into(raw, self.limits.element_bytes.min(self.budget), what)?;
        self.budget = self.budget.saturating_sub(raw.len());
        Ok(())
    }

    fn certificates<R: BufRead>(&mut self, stream: &mut Stream<R>) -> Result<Vec<Certificate>> {
        let mut certificates = Vec::new();
        if !stream.enter_optional(Tag::context(0), "SignedData.certificates")? {
            return Ok(certificates);
        }
        let (mut seen, mut raw) = (0, Vec::new());
        while let Some(tag) = stream.peek()? {
            seen += 1;
            if seen > self.limits.certificates {
                return Err(Error::Limit { what: "certificates", limit: self.limits.certificates as u64 });
            }
            self.take_into(&mut raw, stream, "CertificateChoices")?;
            if tag != Tag::SEQUENCE {
                let text =
                    format!("entry {seen} of the certificates is no X.509 certificate ({tag}) and was passed over");
                self.notes.push(Reason::new("other_certificate_format", text));
                continue;
            }
            let read = match self.cache {
                Some(cache) => cache.certificate(&raw),
                None => Certificate::from_der(&raw),
            };
            match read {
                Ok(certificate) => certificates.push(certificate),
                Err(error) => {
                    let text = format!("certificate {seen} of the message cannot be read: {error}");
                    self.notes.push(Reason::new("certificate_unreadable", text));
                }
            }
        }
        stream.leave("SignedData.certificates")?;
        Ok(certificates)
    }

    /// The lists, and the OCSP responses.
    fn crls<R: BufRead>(&mut self, stream: &mut Stream<R>) -> Result<(Encodings, Encodings)> {
        let (mut crls, mut ocsp) = (Vec::new(), Vec::new());
        if !stream.enter_optional(Tag::context(1), "SignedData.crls")? {
            return Ok((crls, ocsp));
        }
        while let Some(tag) = stream.peek()? {
            if crls.len() + ocsp.len() >= self.limits.crls {
                return Err(Error::Limit { what: "CRLs", limit: self.limits.crls as u64 });
            }
            let raw = self.take(stream, "RevocationInfoChoice")?;
            if tag == Tag::SEQUENCE {
                crls.push(raw);
            } else if let Some(response) = ocsp_response(&raw) {
                ocsp.push(response);
            } else {
                let text = format!("revocation information of another format ({tag}) was passed over");
                self.notes.push(Reason::new("other_revocation_format", text));
            }
        }
        stream.leave("SignedData.crls")?;
        Ok((crls, ocsp))
    }

    fn signers<R: BufRead>(&mut self, stream: &mut Stream<R>) -> Result<Vec<SignerInfo>> {
        stream.enter(Tag::SET, "SignedData.signerInfos")?;
        let (mut signers, mut raw) = (Vec::new(), Vec::new());
        while stream.peek()?.is_some() {
            if signers.len() >= self.limits.signers {
                return Err(Error::Limit { what: "signers", limit: self.limits.signers as u64 });
            }
            self.take_into(&mut raw, stream, "SignerInfo")?;
            signers.push(SignerInfo::parse(&raw, self.limits)?);
        }
        stream.leave("SignedData.signerInfos")?;
        Ok(signers)
    }
}

/// The OCSPResponse of an OtherRevocationInfoFormat, where it is one.
fn ocsp_response(raw: &[u8]) -> Option<Vec<u8>> {
    let mut parts =
        Reader::single(raw, "OtherRevocationInfoFormat").ok()?.children("OtherRevocationInfoFormat").ok()?;
    let format = parts.required(Tag::OID, "otherRevInfoFormat").ok()?.oid("otherRevInfoFormat").ok()?;
    let response = parts.required(Tag::SEQUENCE, "otherRevInfo").ok()?;
    (format == oid::RI_OCSP_RESPONSE).then(|| response.raw().to_vec())
}

/// Octets of a segment of the content in BER, as Outlook has them.
pub const SEGMENT: usize = 4096;

/// What to write around a content (or around none) to make a SignedData of it.
pub struct Writer<'w> {
    /// How ContentInfo, SignedData and EncapsulatedContentInfo are encoded; all else is DER.
    pub encoding: Encoding,
    /// The digests of the signers.
    pub digests: &'w [DigestAlgorithm],
    /// Certificates in DER; written as a sorted SET.
    pub certificates: &'w [Certificate],
    /// SignerInfos in DER.
    pub signers: &'w [Vec<u8>],
    /// 1, or 3 where a signer is named by its key identifier (RFC 5652 section 5.1).
    pub version: u64,
}

impl Writer<'_> {
    /// The whole ContentInfo, without content.
    pub fn detached(&self) -> Vec<u8> {
        self.template().detached(self.signers)
    }

    /// What stands before a content of `length` octets, and what stands after it. In BER the length counts for nothing,
    /// and the content goes through [`Encoding::content`].
    pub fn attached(&self, length: u64) -> (Vec<u8>, Vec<u8>) {
        self.template().attached(self.signers, length)
    }

    fn template(&self) -> Template {
        Template::new(self.encoding, self.digests, self.certificates, self.version)
    }
}

/// A SignedData of which only content and signers are missing: what the messages of a signer have in common.
#[derive(Clone, Debug)]
pub struct Template {
    encoding: Encoding,
    /// version and digestAlgorithms in DER.
    head: Vec<u8>,
    /// certificates in DER, where there are any.
    certificates: Vec<u8>,
}

impl Template {
    /// With what [`Writer`] has of the same names.
    pub fn new(encoding: Encoding, digests: &[DigestAlgorithm], certificates: &[Certificate], version: u64) -> Self {
        let mut algorithms: Vec<Vec<u8>> = digests.iter().map(|d| d.identifier_with_null().to_der()).collect();
        algorithms.sort();
        algorithms.dedup();
        let head = [der::integer(version), der::set_of(Tag::SET, algorithms)].concat();
        let certificates = match certificates {
            [] => Vec::new(),
            some => sorted_set(Tag::context(0), some.iter().map(Certificate::der)),
        };
        Self { encoding, head, certificates }
    }

    /// As [`Writer::detached`].
    pub fn detached(&self, signers: &[Vec<u8>]) -> Vec<u8> {
        let (mut start, end) = self.around(signers, &[], 0);
        start.extend_from_slice(&end);
        start
    }

    /// As [`Writer::attached`].
    pub fn attached(&self, signers: &[Vec<u8>], length: u64) -> (Vec<u8>, Vec<u8>) {
        let content = [Layer::new(Tag::context(0), Vec::new()), Layer::String(Tag::OCTET_STRING)];
        self.around(signers, &content, length)
    }

    fn around(&self, signers: &[Vec<u8>], content: &[Layer], length: u64) -> (Vec<u8>, Vec<u8>) {
        let signers = sorted_set(Tag::SET, signers.iter().map(Vec::as_slice));
        let after = (self.certificates.len() + signers.len()) as u64;
        let signed_data = Layer::Constructed { tag: Tag::SEQUENCE, before: self.head.clone(), after };
        let mut layers = vec![
            Layer::new(Tag::SEQUENCE, der::oid(&oid::ID_SIGNED_DATA)),
            Layer::new(Tag::context(0), Vec::new()),
            signed_data,
            Layer::new(Tag::SEQUENCE, der::oid(&oid::ID_DATA)),
        ];
        layers.extend_from_slice(content);
        let encoding = self.encoding;
        let end = [encoding.end(content.len() + 1).as_slice(), &self.certificates, &signers, &encoding.end(3)].concat();
        (encoding.start(&layers, length), end)
    }
}

/// SET OF under any tag, of encodings that stand elsewhere.
fn sorted_set<'p>(tag: Tag, parts: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = parts.collect();
    parts.sort_unstable();
    der::constructed(tag, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[derive(Default)]
    struct Keep(Vec<u8>);

    impl Sink for Keep {
        fn begin(&mut self, _: &Head) -> Result<()> {
            Ok(())
        }

        fn chunk(&mut self, bytes: &[u8]) -> Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }

    fn writer(encoding: Encoding) -> Writer<'static> {
        Writer { encoding, digests: &[DigestAlgorithm::Sha256], certificates: &[], signers: &[], version: 1 }
    }

    #[test]
    fn what_is_written_reads_back_at_every_length() {
        for writer in [writer(Encoding::Der), writer(Encoding::Ber)] {
            for length in [0usize, 1, 100, 127, 128, 200, 255, 256, 65_400, 65_536, 70_000] {
                let content = vec![b'x'; length];
                let (start, end) = writer.attached(length as u64);
                let mut message = start;
                let mut body = writer.encoding.content(&mut message, SEGMENT);
                body.write_all(&content).unwrap();
                body.finish().unwrap();
                message.extend(end);
                let mut kept = Keep::default();
                let data = SignedData::read(&message[..], &Limits::default(), &mut kept).unwrap();
                assert_eq!((kept.0, data.content_length), (content, length as u64));
            }
            let mut kept = Keep::default();
            let data = SignedData::read(&writer.detached()[..], &Limits::default(), &mut kept).unwrap();
            assert_eq!(data.head.content, EContent::Detached);
        }
    }

    #[test]
    fn sec_042_what_follows_is_an_error_and_so_is_every_truncation() {
        let (start, end) = writer(Encoding::Der).attached(5);
        let message = [start, b"hello".to_vec(), end].concat();
        let read = |bytes: &[u8]| SignedData::read(bytes, &Limits::default(), &mut Keep::default());
        for cut in 0..message.len() {
            assert!(read(&message[..cut]).is_err(), "{cut}");
        }
        assert!(read(&[&message[..], b"\n"].concat()).is_err());
    }

    #[test]
    fn sec_025_more_digest_algorithms_than_anybody_needs_are_refused() {
        let digests: Vec<Vec<u8>> =
            (0..20).map(|n| der::sequence(&[der::oid(&oid::SHA256), der::integer(n)])).collect();
        let set = der::set_of(Tag::SET, digests);
        let body = der::sequence(&[
            der::integer(1),
            set,
            der::sequence(&[der::oid(&oid::ID_DATA)]),
            der::set_of(Tag::SET, Vec::new()),
        ]);
        let message = der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &body)]);
        let error = SignedData::read(&message[..], &Limits::default(), &mut Keep::default()).unwrap_err();
        assert!(matches!(error, Error::Limit { limit: 16, .. }), "{error}");
    }
}
