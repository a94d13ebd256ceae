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

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }`
#[derive(Clone, Debug)]
pub struct Attribute {
    /// attrType.
    pub kind: ObjectIdentifier,
    /// Each value's encoding as received.
    pub values: Vec<Vec<u8>>,
}

/// A set of attributes as received.
#[derive(Clone, Debug)]
pub struct Attributes {
    raw: Vec<u8>,
    content: Vec<u8>,
    entries: Vec<Attribute>,
}

impl Attributes {
    /// Reads a SET OF Attribute under any tag.
    pub(super) fn read(element: &Element<'_>, limits: &Limits) -> Result<Self> {
        let mut entries = Vec::new();
        let mut set = element.children("attributes")?;
        while let Some(attribute) = set.next_element()? {
            if entries.len() >= limits.attributes {
                return Err(Error::Limit { what: "attributes", limit: limits.attributes as u64 });
            }
            let mut fields = attribute.sequence("Attribute")?;
            let kind = fields.required(Tag::OID, "attrType")?.oid("attrType")?;
            let mut list = fields.required(Tag::SET, "attrValues")?.set("attrValues")?;
            fields.finish("Attribute")?;
            let mut values = Vec::new();
            while let Some(value) = list.next_element()? {
                values.push(value.raw().to_vec());
                if values.len() > limits.attributes {
                    return Err(Error::Limit { what: "attribute values", limit: limits.attributes as u64 });
                }
            }
            entries.push(Attribute { kind, values });
        }
        Ok(Self { raw: element.raw().to_vec(), content: element.content().to_vec(), entries })
    }

    /// The attributes, in the order received.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute> {
        self.entries.iter()
    }

    /// All attributes of a type.
    pub fn all(&self, kind: &ObjectIdentifier) -> impl Iterator<Item = &Attribute> {
        self.entries.iter().filter(move |a| a.kind == *kind)
    }

    /// The one value of the one attribute of a type: `Ok(None)` where it is absent, and `Err` with the number of
    /// attributes and values where it is not single (SEC-7, SEC-8).
    pub fn single(&self, kind: &ObjectIdentifier) -> std::result::Result<Option<&[u8]>, (usize, usize)> {
        let found: Vec<&Attribute> = self.all(kind).collect();
        match found.as_slice() {
            [] => Ok(None),
            [Attribute { values, .. }] => match values.as_slice() {
                [value] => Ok(Some(value)),
                _ => Err((1, values.len())),
            },
            several => Err((several.len(), several.iter().map(|a| a.values.len()).sum())),
        }
    }

    /// What a signature is computed over, by the bytes as they arrived: the set with its tag replaced by SET
    /// (RFC 5652 section 5.4, but without sorting: OUT-60a, SEC-9).
    pub fn as_received(&self) -> Vec<u8> {
        der::retag(Tag::SET, &self.raw)
    }

    /// The same in DER: definite length, and the attributes sorted by their received encodings.
    pub fn der_sorted(&self) -> Result<Vec<u8>> {
        let mut parts = Vec::new();
        let mut reader = Reader::new(&self.content);
        while let Some(attribute) = reader.next_element()? {
            parts.push(attribute.raw().to_vec());
        }
        Ok(der::set_of(Tag::SET, parts))
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

/// The signed attributes of a new signature.
pub struct SignedAttributes<'a> {
    /// Digest of the content.
    pub message_digest: &'a [u8],
    /// signingTime.
    pub signing_time: Time,
    /// SMIMECapabilities in DER, where they are announced.
    pub capabilities: Option<Vec<u8>>,
    /// The signer's certificate, where signingCertificateV2 binds it (SEC-28).
    pub signer: Option<&'a Certificate>,
    /// The certificate that answers should be encrypted to, where there is one.
    pub encryption: Option<&'a Certificate>,
    /// cmsAlgorithmProtection: digest and signature algorithm as they stand in the SignerInfo.
    pub protection: Option<(AlgorithmIdentifier, AlgorithmIdentifier)>,
}

impl SignedAttributes<'_> {
    /// The DER encoding under the tag SET, sorted: what is signed, and after replacing the tag by `[0]` what is sent.
    pub fn to_der(&self) -> Vec<u8> {
        let mut attributes = vec![
            attribute(&oid::ID_CONTENT_TYPE, der::oid(&oid::ID_DATA)),
            attribute(&oid::ID_MESSAGE_DIGEST, der::octets(self.message_digest)),
            attribute(&oid::ID_SIGNING_TIME, der::time(self.signing_time)),
        ];
        attributes.extend(self.capabilities.clone().map(|list| attribute(&oid::ID_SMIME_CAPABILITIES, list)));
        let bound = self.signer.map(signing_certificate_v2);
        attributes.extend(bound.map(|value| attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, value)));
        if let Some(certificate) = self.encryption {
            let identifier = certificate.issuer_and_serial_der();
            // RFC 8551 section 2.5.3: issuerAndSerialNumber [0], implicitly tagged.
            attributes.push(attribute(&oid::ID_AA_ENCRYP_KEY_PREF, der::retag(Tag::context(0), &identifier)));
            // OUT-53: the same without the tag.
            attributes.push(attribute(&oid::MS_ENCRYPTION_KEY_PREFERENCE, identifier));
        }
        if let Some((digest, signature)) = &self.protection {
            // RFC 6211 section 2: signatureAlgorithm [1] IMPLICIT.
            let signature = der::retag(Tag::context(1), &signature.to_der());
            let value = der::sequence(&[digest.to_der(), signature]);
            attributes.push(attribute(&oid::ID_AA_CMS_ALGORITHM_PROTECT, value));
        }
        der::set_of(Tag::SET, attributes)
    }
}

/// An attribute with one value, in DER.
pub(crate) fn attribute(kind: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    der::sequence(&[der::oid(kind), der::set_of(Tag::SET, vec![value])])
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
                Attributes::read(&element, &Limits::default()).unwrap().der_sorted().unwrap()
            };
            let once = sorted(&received);
            prop_assert_eq!(&once, &der::set_of(Tag::SET, parts));
            prop_assert_eq!(sorted(&once), once);
        }
    }
}
