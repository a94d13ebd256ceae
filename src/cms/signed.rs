//! SignedData (RFC 5652 section 5): read as a stream that hands its content to a sink, and written in DER around a
//! content of known length.

use super::content::{
    ContentType, EContent, drain, enter_content_info, enter_encapsulated, leave_content_info, read_small,
};
use super::signer_info::SignerInfo;
use super::{Error, Result};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::stream::Stream;
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
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
        let mut rest = Rest { limits, budget: limits.structure_bytes, notes: Vec::new() };
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
    budget: usize,
    notes: Vec<Reason>,
}

impl Rest<'_> {
    fn take<R: BufRead>(&mut self, stream: &mut Stream<R>, what: &'static str) -> Result<Vec<u8>> {
        let raw = stream.take(self.limits.element_bytes.min(self.budget), what)?;
        self.budget = self.budget.saturating_sub(raw.len());
        Ok(raw)
    }

    fn certificates<R: BufRead>(&mut self, stream: &mut Stream<R>) -> Result<Vec<Certificate>> {
        let mut certificates = Vec::new();
        if !stream.enter_optional(Tag::context(0), "SignedData.certificates")? {
            return Ok(certificates);
        }
        let mut seen = 0;
        while let Some(tag) = stream.peek()? {
            seen += 1;
            if seen > self.limits.certificates {
                return Err(Error::Limit { what: "certificates", limit: self.limits.certificates as u64 });
            }
            let raw = self.take(stream, "CertificateChoices")?;
            if tag != Tag::SEQUENCE {
                let text =
                    format!("entry {seen} of the certificates is no X.509 certificate ({tag}) and was passed over");
                self.notes.push(Reason::new("other_certificate_format", text));
                continue;
            }
            match Certificate::from_der(&raw) {
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
        let mut signers = Vec::new();
        while stream.peek()?.is_some() {
            if signers.len() >= self.limits.signers {
                return Err(Error::Limit { what: "signers", limit: self.limits.signers as u64 });
            }
            let raw = self.take(stream, "SignerInfo")?;
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

/// What to write around a content (or around none) to make a SignedData of it.
pub struct Writer<'w> {
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
        let encapsulated = der::sequence(&[der::oid(&oid::ID_DATA)]);
        let inner = der::sequence(&[self.start(), encapsulated, self.end()]);
        der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &inner)])
    }

    /// What stands before a content of `length` octets, and what stands after it.
    pub fn attached(&self, length: u64) -> (Vec<u8>, Vec<u8>) {
        let (start, end) = (self.start(), self.end());
        let string = der::header(Tag::OCTET_STRING, false, length);
        let explicit_len = string.len() as u64 + length;
        let explicit = der::header(Tag::context(0), true, explicit_len);
        let data = der::oid(&oid::ID_DATA);
        let encapsulated_len = data.len() as u64 + explicit.len() as u64 + explicit_len;
        let encapsulated = der::header(Tag::SEQUENCE, true, encapsulated_len);
        let signed_len = (start.len() + encapsulated.len() + end.len()) as u64 + encapsulated_len;
        let signed = der::header(Tag::SEQUENCE, true, signed_len);
        let content_len = signed.len() as u64 + signed_len;
        let content = der::header(Tag::context(0), true, content_len);
        let kind = der::oid(&oid::ID_SIGNED_DATA);
        let info = der::header(Tag::SEQUENCE, true, kind.len() as u64 + content.len() as u64 + content_len);
        ([info, kind, content, signed, start, encapsulated, data, explicit, string].concat(), end)
    }

    fn start(&self) -> Vec<u8> {
        let mut algorithms: Vec<Vec<u8>> = self.digests.iter().map(|d| d.identifier_with_null().to_der()).collect();
        algorithms.sort();
        algorithms.dedup();
        [der::integer(self.version), der::set_of(Tag::SET, algorithms)].concat()
    }

    fn end(&self) -> Vec<u8> {
        let certificates: Vec<Vec<u8>> = self.certificates.iter().map(|c| c.der().to_vec()).collect();
        let certificates = match certificates.is_empty() {
            true => Vec::new(),
            false => der::set_of(Tag::context(0), certificates),
        };
        [certificates, der::set_of(Tag::SET, self.signers.to_vec())].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_is_written_reads_back_at_every_length() {
        let writer = Writer { digests: &[DigestAlgorithm::Sha256], certificates: &[], signers: &[], version: 1 };
        for length in [0usize, 1, 100, 127, 128, 200, 255, 256, 65_400, 65_536, 70_000] {
            let content = vec![b'x'; length];
            let (start, end) = writer.attached(length as u64);
            let message = [start, content.clone(), end].concat();
            let mut kept = Keep::default();
            let data = SignedData::read(&message[..], &Limits::default(), &mut kept).unwrap();
            assert_eq!((kept.0, data.content_length), (content, length as u64));
        }
        let mut kept = Keep::default();
        let data = SignedData::read(&writer.detached()[..], &Limits::default(), &mut kept).unwrap();
        assert_eq!(data.head.content, EContent::Detached);
    }

    #[test]
    fn sec_042_what_follows_is_an_error_and_so_is_every_truncation() {
        let writer = Writer { digests: &[DigestAlgorithm::Sha256], certificates: &[], signers: &[], version: 1 };
        let (start, end) = writer.attached(5);
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
