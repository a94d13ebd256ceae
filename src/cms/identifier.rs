//! How CMS names a certificate: by issuer and serial number, or by key identifier (RFC 5652 sections 5.3 and 6.2.1).

use super::Result;
use crate::asn1::ber::{Element, Tag};
use crate::asn1::der;
use crate::cert::certificate::Certificate;
use crate::cert::name::{self, Name};
use std::fmt;

/// SignerIdentifier, RecipientIdentifier and KeyAgreeRecipientIdentifier alike.
#[derive(Clone, Debug)]
pub enum CertificateId {
    /// issuerAndSerialNumber.
    IssuerAndSerial {
        /// As received.
        issuer: Name,
        /// Content octets of the INTEGER, as received.
        serial: Vec<u8>,
    },
    /// subjectKeyIdentifier.
    SubjectKeyIdentifier(Vec<u8>),
}

impl CertificateId {
    /// Reads either form. `[0]` holds the key identifier: a string where a signer or a transport recipient is named,
    /// a RecipientKeyIdentifier where a key agreement recipient is.
    pub(super) fn read(element: &Element<'_>, what: &'static str) -> Result<Self> {
        if element.tag == Tag::context(0) {
            let first = if element.constructed { element.children(what)?.required_any(what)? } else { *element };
            let identifier = match first.tag {
                Tag::OCTET_STRING => first.octets(what)?,
                _ => first.implicit_octets(what)?,
            };
            return Ok(Self::SubjectKeyIdentifier(identifier.into_owned()));
        }
        let mut fields = element.sequence(what)?;
        let issuer = Name::from_der(fields.required(Tag::SEQUENCE, "issuer")?.raw())?;
        let serial = fields.required(Tag::INTEGER, "serialNumber")?.integer("serialNumber")?.to_vec();
        fields.finish(what)?;
        Ok(Self::IssuerAndSerial { issuer, serial })
    }

    /// By issuer and serial number.
    pub fn issuer_and_serial(certificate: &Certificate) -> Self {
        Self::IssuerAndSerial { issuer: certificate.issuer().clone(), serial: certificate.serial().to_vec() }
    }

    /// By key identifier: the certificate's own, or, where it has none, the SHA-1 of its key (OUT-57, OUT-60h).
    pub fn key_identifier(certificate: &Certificate) -> Self {
        let own = certificate.subject_key_identifier().map(<[u8]>::to_vec);
        Self::SubjectKeyIdentifier(own.unwrap_or_else(|| certificate.computed_key_identifier().to_vec()))
    }

    /// The encoding, where a signer or a key transport recipient is named.
    pub fn to_der(&self) -> Vec<u8> {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                der::sequence(&[issuer.der().to_vec(), der::primitive(Tag::INTEGER, serial)])
            }
            Self::SubjectKeyIdentifier(identifier) => der::primitive(Tag::context(0), identifier),
        }
    }

    /// The encoding, where a key agreement recipient is named.
    pub fn to_agreement_der(&self) -> Vec<u8> {
        match self {
            Self::IssuerAndSerial { .. } => self.to_der(),
            Self::SubjectKeyIdentifier(identifier) => der::explicit(0, &der::octets(identifier)),
        }
    }

    /// Whether this names the certificate. A key identifier also fits a certificate without the extension whose key
    /// has that SHA-1 (OUT-60h).
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                same_integer(serial, certificate.serial()) && issuer.same(certificate.issuer())
            }
            Self::SubjectKeyIdentifier(identifier) => match certificate.subject_key_identifier() {
                Some(own) if own == identifier.as_slice() => true,
                _ => certificate.computed_key_identifier().as_slice() == identifier.as_slice(),
            },
        }
    }

    /// Whether two of them name by the same words.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SubjectKeyIdentifier(a), Self::SubjectKeyIdentifier(b)) => a == b,
            (Self::IssuerAndSerial { issuer: i, serial: s }, Self::IssuerAndSerial { issuer, serial }) => {
                same_integer(s, serial) && i.same(issuer)
            }
            _ => false,
        }
    }
}

/// Serial numbers with superfluous leading zeros are the same numbers.
fn same_integer(a: &[u8], b: &[u8]) -> bool {
    fn trimmed(mut bytes: &[u8]) -> &[u8] {
        while let [0, rest @ ..] = bytes {
            bytes = rest;
        }
        bytes
    }
    a == b || trimmed(a) == trimmed(b)
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerAndSerial { issuer, serial } => write!(f, "serial {} of {issuer}", hex(serial)),
            Self::SubjectKeyIdentifier(identifier) => write!(f, "key identifier {}", hex(identifier)),
        }
    }
}

/// Lower-case hexadecimal digits, at most 64 of them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = name::hex(bytes.get(..32).unwrap_or(bytes));
    if bytes.len() > 32 {
        text.push_str("..");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::ber::Reader;
    use crate::asn1::oid;
    use crate::cert::issue::{CertificateTemplate, issue};
    use crate::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    fn certificate(serial: u8) -> Certificate {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
        let validity = ("2026-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
        let name = Name::build(&[(oid::COMMON_NAME, "Somebody")]);
        let template = CertificateTemplate::new(name, None, &[serial], validity, &key.public_key_spki());
        issue(&template, &scheme.identifier(), &|tbs| Ok(key.sign(&scheme, tbs)?)).unwrap()
    }

    #[test]
    fn each_form_reads_back_and_names_one_certificate() {
        let (one, other) = (certificate(5), certificate(6));
        for identifier in [CertificateId::issuer_and_serial(&one), CertificateId::key_identifier(&one)] {
            for encoding in [identifier.to_der(), identifier.to_agreement_der()] {
                let read = CertificateId::read(&Reader::single(&encoding, "x").unwrap(), "x").unwrap();
                assert!(read.names(&one) && !read.names(&other), "{read}");
                assert!(read.same(&identifier));
            }
        }
    }

    #[test]
    fn names_and_numbers_count_by_their_meaning() {
        let one = certificate(5);
        let issuer = Name::build(&[(oid::COMMON_NAME, " somebody ")]);
        assert!(CertificateId::IssuerAndSerial { issuer: issuer.clone(), serial: vec![0, 5] }.names(&one));
        assert!(!CertificateId::IssuerAndSerial { issuer, serial: vec![7] }.names(&one));
        let computed = one.computed_key_identifier();
        assert!(CertificateId::SubjectKeyIdentifier(computed.to_vec()).names(&one));
        assert!(!CertificateId::SubjectKeyIdentifier(computed[1..].to_vec()).names(&one));
    }
}
