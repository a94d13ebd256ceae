//! Attributes (RFC 5652 section 5.3 and 11): sets of them as received, and the signed attributes that we write.

use super::identifier::CertificateId;
use super::{Error, Result};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm};
use const_oid::ObjectIdentifier;
use std::ops::Range;

/// Attributes that are expected: Outlook writes seven.
const USUAL: usize = 8;

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }`
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// attrType.
    pub kind: ObjectIdentifier,
    set: &'a Attributes,
    values: &'a [Range<usize>],
}

impl<'a> Attribute<'a> {
    /// Each value's encoding as received.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let set = self.set;
        self.values.iter().map(|range| set.slice(range))
    }
}

/// A set of attributes as received. However many there are, they are places in one piece of memory.
#[derive(Clone, Debug)]
pub struct Attributes {
    raw: Vec<u8>,
    entries: Vec<Entry>,
    /// Of all entries, one after the other.
    values: Vec<Range<usize>>,
}

#[derive(Clone, Debug)]
struct Entry {
    kind: ObjectIdentifier,
    /// The whole attribute.
    whole: Range<usize>,
    /// Which of the values are its.
    values: Range<usize>,
}

impl Attributes {
    /// Reads a SET OF Attribute under any tag.
    pub(super) fn read(element: &Element<'_>, limits: &Limits) -> Result<Self> {
        let place = |inside: &Element<'_>| {
            let start = usize::try_from(inside.offset() - element.offset()).unwrap_or(usize::MAX);
            start..start.saturating_add(inside.raw().len())
        };
        let (mut entries, mut all) = (Vec::with_capacity(USUAL), Vec::with_capacity(USUAL));
        let mut set = element.children("attributes")?;
        while let Some(attribute) = set.next_element()? {
            if entries.len() >= limits.attributes {
                return Err(Error::Limit { what: "attributes", limit: limits.attributes as u64 });
            }
            let mut fields = attribute.sequence("Attribute")?;
            let kind = fields.required(Tag::OID, "attrType")?.oid("attrType")?;
            let mut list = fields.required(Tag::SET, "attrValues")?.set("attrValues")?;
            fields.finish("Attribute")?;
            let first = all.len();
            while let Some(value) = list.next_element()? {
                all.push(place(&value));
                if all.len() - first > limits.attributes {
                    return Err(Error::Limit { what: "attribute values", limit: limits.attributes as u64 });
                }
            }
            entries.push(Entry { kind, whole: place(&attribute), values: first..all.len() });
        }
        Ok(Self { raw: element.raw().to_vec(), entries, values: all })
    }

    /// The attributes, in the order received.
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.entries.iter().map(|entry| self.view(entry))
    }

    /// All attributes of a type.
    pub fn all(&self, kind: &ObjectIdentifier) -> impl Iterator<Item = Attribute<'_>> {
        self.entries.iter().filter(move |entry| entry.kind == *kind).map(|entry| self.view(entry))
    }

    /// The one value of the one attribute of a type: `Ok(None)` where it is absent, and `Err` with the number of
    /// attributes and values where it is not single (SEC-7, SEC-8).
    pub fn single(&self, kind: &ObjectIdentifier) -> std::result::Result<Option<&[u8]>, (usize, usize)> {
        let (mut sets, mut values, mut first) = (0, 0, None);
        for attribute in self.all(kind) {
            sets += 1;
            values += attribute.values.len();
            first = first.or_else(|| attribute.values().next());
        }
        match (sets, values) {
            (0, _) => Ok(None),
            (1, 1) => Ok(first),
            several => Err(several),
        }
    }

    /// What a signature is computed over, by the bytes as they arrived: the set with its tag replaced by SET
    /// (RFC 5652 section 5.4, but without sorting: OUT-60a, SEC-9).
    pub fn as_received(&self) -> Vec<u8> {
        der::retag(Tag::SET, &self.raw)
    }

    /// The same in DER: definite length, and the attributes sorted by their received encodings.
    pub fn der_sorted(&self) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = self.entries.iter().map(|entry| self.slice(&entry.whole)).collect();
        parts.sort();
        der::constructed(Tag::SET, &parts)
    }

    /// Whether both are the same.
    pub fn are_sorted(&self) -> bool {
        let mut at = 0;
        let mut before: &[u8] = &[];
        for entry in &self.entries {
            let this = self.slice(&entry.whole);
            if before > this {
                return false;
            }
            (before, at) = (this, entry.whole.end);
        }
        // The length is definite and shortest, and nothing follows the last of them.
        let first = self.entries.first().map_or(self.raw.len(), |entry| entry.whole.start);
        let length = self.raw.len().saturating_sub(first);
        let header = der::header(Tag::SET, true, length as u64);
        (self.entries.is_empty() || at == self.raw.len())
            && header.len() == first
            && self.raw.get(1..first) == header.get(1..)
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.raw.get(range.clone()).unwrap_or_default()
    }

    fn view(&self, entry: &Entry) -> Attribute<'_> {
        let values = self.values.get(entry.values.clone()).unwrap_or_default();
        Attribute { kind: entry.kind, set: self, values }
    }

    /// The certificate that its owner wants answers encrypted to, where it is named: smimeEncryptionKeyPreference by
    /// issuer and serial number or by key identifier (RFC 8551 section 2.5.3), or Microsoft's older attribute (OUT-53).
    pub fn encryption_key_preference(&self) -> Option<CertificateId> {
        let what = "SMIMEEncryptionKeyPreference";
        let value = |kind| self.single(kind).ok().flatten();
        if let Some(value) = value(&oid::ID_AA_ENCRYP_KEY_PREF) {
            let element = Reader::single(value, what).ok()?;
            return match element.tag.context_number() {
                Some(0) => {
                    let inner = der::constructed(Tag::SEQUENCE, &[element.content()]);
                    CertificateId::read(&Reader::single(&inner, what).ok()?, what).ok()
                }
                Some(1) => {
                    let first = element.children(what).ok()?.required(Tag::OCTET_STRING, what).ok()?;
                    Some(CertificateId::SubjectKeyIdentifier(first.octets(what).ok()?.into_owned()))
                }
                _ => None,
            };
        }
        let value = value(&oid::MS_ENCRYPTION_KEY_PREFERENCE)?;
        CertificateId::read(&Reader::single(value, what).ok()?, what).ok()
    }
}

/// The signed attributes of new signatures, beside content type, digest and time, which are always there.
pub struct SignedAttributes<'a> {
    /// SMIMECapabilities in DER, where they are announced.
    pub capabilities: Option<Vec<u8>>,
    /// The signer's certificate, where signingCertificateV2 binds it (SEC-28).
    pub signer: Option<&'a Certificate>,
    /// The certificate that answers should be encrypted to, where there is one.
    pub encryption: Option<&'a Certificate>,
    /// cmsAlgorithmProtection: digest and signature algorithm as they stand in the SignerInfo.
    pub protection: Option<(AlgorithmIdentifier, AlgorithmIdentifier)>,
}

/// Signed attributes of which only digest and time are missing: what a signer's signatures have in common.
#[derive(Clone, Debug)]
pub struct AttributeTemplate {
    /// All others, each in DER, in the order of the set.
    constant: Vec<Vec<u8>>,
    /// Octets of them together.
    length: usize,
}

impl SignedAttributes<'_> {
    /// All that is the same in every signature, encoded.
    pub fn template(self) -> AttributeTemplate {
        let mut constant = vec![attribute(&oid::ID_CONTENT_TYPE, der::oid(&oid::ID_DATA))];
        constant.extend(self.capabilities.map(|list| attribute(&oid::ID_SMIME_CAPABILITIES, list)));
        let bound = self.signer.map(signing_certificate_v2);
        constant.extend(bound.map(|value| attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, value)));
        if let Some(certificate) = self.encryption {
            let identifier = certificate.issuer_and_serial_der();
            // RFC 8551 section 2.5.3: issuerAndSerialNumber [0], implicitly tagged.
            constant.push(attribute(&oid::ID_AA_ENCRYP_KEY_PREF, der::retag(Tag::context(0), &identifier)));
            // OUT-53: the same without the tag.
            constant.push(attribute(&oid::MS_ENCRYPTION_KEY_PREFERENCE, identifier));
        }
        if let Some((digest, signature)) = &self.protection {
            // RFC 6211 section 2: signatureAlgorithm [1] IMPLICIT.
            let signature = der::retag(Tag::context(1), &signature.to_der());
            let value = der::sequence(&[digest.to_der(), signature]);
            constant.push(attribute(&oid::ID_AA_CMS_ALGORITHM_PROTECT, value));
        }
        constant.sort();
        AttributeTemplate { length: constant.iter().map(Vec::len).sum(), constant }
    }
}

impl AttributeTemplate {
    /// The DER encoding under the tag SET, sorted: what is signed, and after replacing the tag by `[0]` what is sent.
    pub fn fill(&self, message_digest: &[u8], signing_time: Time) -> Vec<u8> {
        let mut own = [
            attribute(&oid::ID_MESSAGE_DIGEST, der::octets(message_digest)),
            attribute(&oid::ID_SIGNING_TIME, der::time(signing_time)),
        ];
        own.sort();
        let length = (self.length + own.iter().map(Vec::len).sum::<usize>()) as u64;
        let mut out = Vec::with_capacity((der::header_len(length) + length) as usize);
        der::put_header(&mut out, Tag::SET, true, length);
        let mut own = own.iter().peekable();
        for part in &self.constant {
            while let Some(before) = own.next_if(|own| *own <= part) {
                out.extend_from_slice(before);
            }
            out.extend_from_slice(part);
        }
        own.for_each(|rest| out.extend_from_slice(rest));
        out
    }
}

/// An attribute with one value, in DER.
pub(crate) fn attribute(kind: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    let (kind, values) = (kind.as_bytes(), value.len() as u64);
    let length = der::header_len(kind.len() as u64) + kind.len() as u64 + der::header_len(values) + values;
    let mut out = Vec::with_capacity((der::header_len(length) + length) as usize);
    der::put_header(&mut out, Tag::SEQUENCE, true, length);
    der::put_header(&mut out, Tag::OID, false, kind.len() as u64);
    out.extend_from_slice(kind);
    der::put_header(&mut out, Tag::SET, true, values);
    out.extend_from_slice(&value);
    out
}

/// RFC 5035 section 3: one ESSCertIDv2 with the default hash, SHA-256, and issuerSerial.
fn signing_certificate_v2(certificate: &Certificate) -> Vec<u8> {
    let names = der::sequence(&[der::explicit(4, certificate.issuer().der())]);
    let issuer_serial = der::sequence(&[names, der::primitive(Tag::INTEGER, certificate.serial())]);
    let identifier = der::sequence(&[der::octets(&certificate.sha256()), issuer_serial]);
    der::sequence(&[der::sequence(&[identifier])])
}

/// What a signingCertificate or signingCertificateV2 attribute says of the signer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EssBinding {
    /// Its first hash is that of the certificate.
    Bound,
    /// Its first hash is another one.
    Other,
    /// The hash algorithm is unknown.
    UnknownHash,
}

/// Compares the first ESSCertID of a signingCertificateV2 value (RFC 5035), or of a signingCertificate value (RFC
/// 2634: always SHA-1), with a certificate.
///
/// # Errors
/// Where the value has another structure, or no certificate at all (SEC-29).
pub fn ess_binding(value: &[u8], default: DigestAlgorithm, certificate: &Certificate) -> Result<EssBinding> {
    let what = "signingCertificate";
    let mut lists = Reader::single(value, what)?.sequence(what)?;
    let mut identifiers = lists.required(Tag::SEQUENCE, what)?.sequence(what)?;
    let mut fields = identifiers.required(Tag::SEQUENCE, "ESSCertID")?.sequence("ESSCertID")?;
    let algorithm = match fields.optional(Tag::SEQUENCE, "hashAlgorithm")? {
        Some(element) => match DigestAlgorithm::from_identifier(&AlgorithmIdentifier::read(&element)?) {
            Ok(algorithm) => algorithm,
            Err(_) => return Ok(EssBinding::UnknownHash),
        },
        None => default,
    };
    let hash = fields.required(Tag::OCTET_STRING, "certHash")?.octets("certHash")?;
    let actual = crate::crypto::digest::hash(algorithm, certificate.der());
    Ok(if hash.as_ref() == actual.as_slice() { EssBinding::Bound } else { EssBinding::Other })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_template_gives_is_sorted_whatever_its_time_and_digest() {
        let protection = Some((
            DigestAlgorithm::Sha256.identifier_with_null(),
            AlgorithmIdentifier::with_null(oid::SHA256_WITH_RSA),
        ));
        for capabilities in [None, Some(der::sequence(&[der::null()])), Some(der::octets(&[7; 200]))] {
            let attributes =
                SignedAttributes { capabilities, signer: None, encryption: None, protection: protection.clone() };
            let template = attributes.template();
            for (digest, time) in
                [(20, "2026-11-24T08:00:00Z"), (64, "2050-01-01T00:00:00Z"), (0, "1951-01-01T00:00:00Z")]
            {
                let filled = template.fill(&vec![0x31; digest], time.parse().unwrap());
                let element = Reader::single(&filled, "attributes").unwrap();
                let read = Attributes::read(&element, &Limits::default()).unwrap();
                assert!(read.are_sorted());
                assert_eq!(read.der_sorted(), filled);
                assert_eq!(read.iter().count(), template.constant.len() + 2);
                assert_eq!(read.as_received(), filled);
            }
        }
    }

    proptest! {
        #[test]
        fn sec_104_sorting_attributes_twice_is_sorting_them_once(
            values in prop::collection::vec((0u32..50, prop::collection::vec(any::<u8>(), 0..200)), 0..20),
            indefinite: bool,
        ) {
            let kinds = [oid::ID_CONTENT_TYPE, oid::ID_MESSAGE_DIGEST, oid::ID_SIGNING_TIME];
            let parts: Vec<Vec<u8>> = values
                .iter()
                .map(|(kind, value)| attribute(&kinds[*kind as usize % kinds.len()], der::octets(value)))
                .collect();
            let received = match indefinite {
                true => [&[0xa0, 0x80][..], &parts.concat(), &[0, 0]].concat(),
                false => der::constructed(Tag::context(0), &parts),
            };
            let sorted = |bytes: &[u8]| {
                let element = Reader::single(bytes, "attributes").unwrap();
                let read = Attributes::read(&element, &Limits::default()).unwrap();
                assert_eq!(read.are_sorted(), read.as_received() == read.der_sorted());
                read.der_sorted()
            };
            let once = sorted(&received);
            prop_assert_eq!(&once, &der::set_of(Tag::SET, parts));
            prop_assert_eq!(sorted(&once), once);
        }
    }
}
