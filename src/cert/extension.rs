//! The extensions of a certificate that this library acts on, one type per production of RFC 5280 section 4.2.1.
//!
//! Every other extension is kept as it came, in [`Extension`].

mod points;
mod policies;
mod text;

use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, oid};
use crate::cert::name::Name;
use const_oid::ObjectIdentifier;
use std::fmt;

pub use points::{AccessDescription, DistributionPoint, IssuingDistributionPoint, PointName, ReasonFlags, Scope};
pub use policies::{PolicyConstraints, PolicyMapping};
pub use text::SubtreeError;

/// `Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Which one it is.
    pub oid: ObjectIdentifier,
    /// Whether who does not understand it must reject the certificate.
    pub critical: bool,
    /// The content of the OCTET STRING, as received.
    pub value: Vec<u8>,
}

impl Extension {
    /// The name of the extension for people: that of RFC 5280, or the dotted identifier.
    pub fn label(&self) -> String {
        label(&self.oid)
    }
}

/// A known extension that does not keep to its production.
#[derive(Clone, Debug)]
pub struct ExtensionError {
    /// Which one it is.
    pub oid: ObjectIdentifier,
    /// As in [`Extension`].
    pub critical: bool,
    /// What is wrong with it; offsets count from the beginning of the extension's value.
    pub error: asn1::Error,
}

/// The values of the known extensions of one certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) extended_key_usage: Option<Vec<ObjectIdentifier>>,
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) authority_key: Option<AuthorityKeyIdentifier>,
    pub(crate) subject_alt_names: Option<Vec<GeneralName>>,
    pub(crate) name_constraints: Option<NameConstraints>,
    pub(crate) policies: Option<Vec<ObjectIdentifier>>,
    pub(crate) policy_mappings: Vec<PolicyMapping>,
    pub(crate) policy_constraints: PolicyConstraints,
    pub(crate) inhibit_any_policy: Option<u64>,
    pub(crate) distribution_points: Option<Vec<DistributionPoint>>,
    pub(crate) freshest: Vec<DistributionPoint>,
    pub(crate) access: Vec<AccessDescription>,
}

impl Known {
    /// Takes an extension in, where it is known.
    pub(crate) fn read(&mut self, extension: &Extension) -> asn1::Result<()> {
        let element = |what| Reader::single(&extension.value, what);
        match extension.oid {
            oid::KEY_USAGE => self.key_usage = Some(KeyUsage::read(&element("KeyUsage")?)?),
            oid::EXTENDED_KEY_USAGE => {
                let mut usages = Vec::new();
                let mut list = element("ExtKeyUsageSyntax")?.sequence("ExtKeyUsageSyntax")?;
                while let Some(usage) = list.next_element()? {
                    usages.push(usage.oid("KeyPurposeId")?);
                }
                self.extended_key_usage = Some(usages);
            }
            oid::BASIC_CONSTRAINTS => {
                self.basic_constraints = Some(BasicConstraints::read(&element("BasicConstraints")?)?);
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                let octets = element("SubjectKeyIdentifier")?.octets("SubjectKeyIdentifier")?.into_owned();
                self.subject_key_identifier = Some(octets);
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key = Some(AuthorityKeyIdentifier::read(&element("AuthorityKeyIdentifier")?)?);
            }
            oid::SUBJECT_ALT_NAME => {
                let names = element("SubjectAltName")?;
                names.sequence("SubjectAltName")?;
                self.subject_alt_names = Some(GeneralName::read_all(&names)?);
            }
            oid::NAME_CONSTRAINTS => {
                self.name_constraints = Some(NameConstraints::read(&element("NameConstraints")?)?);
            }
            oid::CERTIFICATE_POLICIES => {
                self.policies = Some(policies::read_policies(&element("CertificatePolicies")?)?);
            }
            oid::POLICY_MAPPINGS => self.policy_mappings = policies::read_mappings(&element("PolicyMappings")?)?,
            oid::POLICY_CONSTRAINTS => {
                self.policy_constraints = PolicyConstraints::read(&element("PolicyConstraints")?)?;
            }
            oid::INHIBIT_ANY_POLICY => {
                self.inhibit_any_policy = Some(element("InhibitAnyPolicy")?.small("InhibitAnyPolicy")?);
            }
            oid::CRL_DISTRIBUTION_POINTS => {
                self.distribution_points = Some(DistributionPoint::read_all(&element("CRLDistributionPoints")?)?);
            }
            oid::FRESHEST_CRL => self.freshest = DistributionPoint::read_all(&element("FreshestCRL")?)?,
            oid::AUTHORITY_INFO_ACCESS => {
                self.access = AccessDescription::read_all(&element("AuthorityInfoAccess")?)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// `KeyUsage ::= BIT STRING` (RFC 5280 section 4.2.1.3): a set of the nine bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

#[allow(missing_docs)] // the names of RFC 5280
impl KeyUsage {
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    pub const CRL_SIGN: Self = Self(1 << 6);
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    pub const DECIPHER_ONLY: Self = Self(1 << 8);
}

impl KeyUsage {
    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two sets have a bit in common.
    pub const fn any_of(self, wanted: Self) -> bool {
        self.0 & wanted.0 != 0
    }

    /// Whether every bit of `wanted` is set.
    pub const fn all_of(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let (_, bytes) = element.bits("KeyUsage")?;
        let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
        Ok(Self((0..9).filter(|at| bit(*at)).fold(0, |set, at| set | 1 << at)))
    }

    /// The content octets of a named bit list in DER: trailing zero bits left out (X.690 section 11.2.2).
    pub(crate) fn content(self) -> Vec<u8> {
        let used = 16 - self.0.leading_zeros() as usize;
        let octets = self.0.to_le_bytes().map(u8::reverse_bits);
        let mut content = vec![(8 - used % 8) as u8 % 8];
        content.extend(octets.iter().take(used.div_ceil(8)));
        content
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            Self::NAMES.iter().enumerate().filter(|(at, _)| self.0 >> at & 1 != 0).map(|(_, name)| *name).collect();
        f.write_str(if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }.as_str())
    }
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUsage({self})")
    }
}

/// `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }` (RFC 5280 section
/// 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject may issue certificates.
    pub ca: bool,
    /// How many intermediate certificates, self-issued ones not counted, may stand between this one and the last.
    pub path_len: Option<u64>,
}

impl BasicConstraints {
    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut parts = element.sequence("BasicConstraints")?;
        let ca = parts.optional(Tag::BOOLEAN, "cA")?.map_or(Ok(false), |ca| ca.boolean("cA"))?;
        let path_len = parts.optional(Tag::INTEGER, "pathLenConstraint")?;
        parts.finish("BasicConstraints")?;
        let path_len = path_len.map(|n| n.small("pathLenConstraint")).transpose()?;
        Ok(Self { ca, path_len })
    }
}

/// `AuthorityKeyIdentifier` (RFC 5280 section 4.2.1.1): which key of the issuer signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityKeyIdentifier {
    /// The issuer's subject key identifier.
    pub key_identifier: Option<Vec<u8>>,
    /// Names of the issuer's own issuer.
    pub issuer: Vec<GeneralName>,
    /// The issuer's own serial number, content octets.
    pub serial: Option<Vec<u8>>,
}

impl AuthorityKeyIdentifier {
    pub(crate) fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut parts = element.sequence("AuthorityKeyIdentifier")?;
        let mut read = Self::default();
        if let Some(id) = parts.optional(Tag::context(0), "keyIdentifier")? {
            read.key_identifier = Some(id.implicit_octets("keyIdentifier")?.into_owned());
        }
        if let Some(names) = parts.optional(Tag::context(1), "authorityCertIssuer")? {
            read.issuer = GeneralName::read_all(&names)?;
        }
        if let Some(serial) = parts.optional(Tag::context(2), "authorityCertSerialNumber")? {
            read.serial = Some(serial.content().to_vec());
        }
        parts.finish("AuthorityKeyIdentifier")?;
        Ok(read)
    }
}

/// `GeneralName ::= CHOICE` (RFC 5280 section 4.2.1.6). Texts are as received; nothing is cut at a NUL (SEC-50).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// `[1]` IA5String: a mailbox, or in a constraint a host or `.domain`.
    Rfc822(String),
    /// `[0]` otherName with id-on-SmtpUTF8Mailbox and a UTF8String (RFC 9598).
    SmtpUtf8(String),
    /// `[2]` IA5String.
    Dns(String),
    /// `[6]` IA5String.
    Uri(String),
    /// `[4]`.
    Directory(Name),
    /// `[0]` otherName of any other type, or of another inner type than its own asks for: never looked into (SEC-54).
    OtherName {
        /// type-id.
        oid: ObjectIdentifier,
        /// The encoding inside `[0] EXPLICIT`.
        value: Vec<u8>,
    },
    /// x400Address, ediPartyName, iPAddress, registeredID: content octets, opaque (SEC-119).
    Opaque {
        /// The context-specific tag.
        number: u32,
        /// Content octets.
        value: Vec<u8>,
    },
}

impl GeneralName {
    /// Reads the content of a GeneralNames, under whatever tag it stands.
    pub(crate) fn read_all(names: &Element<'_>) -> asn1::Result<Vec<Self>> {
        let mut inside = names.children("GeneralNames")?;
        let mut read = Vec::new();
        while let Some(name) = inside.next_element()? {
            read.push(Self::read(&name)?);
        }
        Ok(read)
    }

    /// Reads one name.
    pub(crate) fn read(name: &Element<'_>) -> asn1::Result<Self> {
        let text = || {
            let octets = name.implicit_octets("GeneralName")?;
            asn1::Result::Ok(String::from_utf8_lossy(&octets).into_owned())
        };
        Ok(match name.tag.context_number() {
            Some(0) => Self::read_other(name)?,
            Some(1) => Self::Rfc822(text()?),
            Some(2) => Self::Dns(text()?),
            Some(4) => Self::Directory(Name::read(&name.explicit("directoryName")?)?),
            Some(6) => Self::Uri(text()?),
            Some(number @ (3 | 5 | 7 | 8)) => Self::Opaque { number, value: name.content().to_vec() },
            _ => return Err(asn1::Error::value("GeneralName", name.offset(), "there is no such choice")),
        })
    }

    fn read_other(name: &Element<'_>) -> asn1::Result<Self> {
        let mut parts = name.children("otherName")?;
        let oid = parts.required(Tag::OID, "type-id")?.oid("type-id")?;
        let value = parts.required(Tag::context(0), "otherName")?.explicit("otherName")?;
        parts.finish("otherName")?;
        if oid == oid::SMTP_UTF8_MAILBOX && value.tag == Tag::UTF8_STRING && !value.constructed {
            return Ok(Self::SmtpUtf8(value.text("SmtpUTF8Mailbox")?));
        }
        Ok(Self::OtherName { oid, value: value.raw().to_vec() })
    }
}

/// `NameConstraints` (RFC 5280 section 4.2.1.10): the bases of its subtrees. Evaluated by
/// [`constraint`](crate::cert::constraint).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// permittedSubtrees.
    pub permitted: Vec<GeneralName>,
    /// excludedSubtrees.
    pub excluded: Vec<GeneralName>,
}

impl NameConstraints {
    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut parts = element.sequence("NameConstraints")?;
        let mut read = Self::default();
        if let Some(subtrees) = parts.optional(Tag::context(0), "permittedSubtrees")? {
            read.permitted = Self::read_subtrees(&subtrees)?;
        }
        if let Some(subtrees) = parts.optional(Tag::context(1), "excludedSubtrees")? {
            read.excluded = Self::read_subtrees(&subtrees)?;
        }
        parts.finish("NameConstraints")?;
        Ok(read)
    }

    fn read_subtrees(subtrees: &Element<'_>) -> asn1::Result<Vec<GeneralName>> {
        let mut list = subtrees.children("GeneralSubtrees")?;
        let mut bases = Vec::new();
        while let Some(subtree) = list.next_element()? {
            let mut parts = subtree.sequence("GeneralSubtree")?;
            bases.push(GeneralName::read(&parts.required_any("base")?)?);
            // RFC 5280: minimum is 0 and maximum is absent. minimum is a DEFAULT that some encode.
            if let Some(minimum) = parts.optional(Tag::context(0), "minimum")?
                && minimum.content() != [0]
            {
                return Err(asn1::Error::value("minimum", minimum.offset(), "it is not 0"));
            }
            parts.finish("GeneralSubtree")?;
        }
        Ok(bases)
    }
}

/// The name of an extension for people: that of RFC 5280, or the dotted identifier.
pub fn label(oid: &ObjectIdentifier) -> String {
    LABELS.iter().find(|(known, _)| known == oid).map_or_else(|| oid.to_string(), |(_, name)| (*name).to_owned())
}

const LABELS: &[(ObjectIdentifier, &str)] = &[
    (oid::SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier"),
    (oid::AUTHORITY_KEY_IDENTIFIER, "authorityKeyIdentifier"),
    (oid::KEY_USAGE, "keyUsage"),
    (oid::EXTENDED_KEY_USAGE, "extKeyUsage"),
    (oid::BASIC_CONSTRAINTS, "basicConstraints"),
    (oid::SUBJECT_ALT_NAME, "subjectAltName"),
    (oid::ISSUER_ALT_NAME, "issuerAltName"),
    (oid::NAME_CONSTRAINTS, "nameConstraints"),
    (oid::CERTIFICATE_POLICIES, "certificatePolicies"),
    (oid::POLICY_MAPPINGS, "policyMappings"),
    (oid::POLICY_CONSTRAINTS, "policyConstraints"),
    (oid::INHIBIT_ANY_POLICY, "inhibitAnyPolicy"),
    (oid::CRL_DISTRIBUTION_POINTS, "cRLDistributionPoints"),
    (oid::FRESHEST_CRL, "freshestCRL"),
    (oid::CRL_NUMBER, "cRLNumber"),
    (oid::DELTA_CRL_INDICATOR, "deltaCRLIndicator"),
    (oid::ISSUING_DISTRIBUTION_POINT, "issuingDistributionPoint"),
    (oid::CERTIFICATE_ISSUER, "certificateIssuer"),
    (oid::CRL_REASON, "cRLReason"),
    (oid::INVALIDITY_DATE, "invalidityDate"),
    (oid::AUTHORITY_INFO_ACCESS, "authorityInfoAccess"),
    (oid::SUBJECT_INFO_ACCESS, "subjectInfoAccess"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;

    fn known(oid: ObjectIdentifier, value: Vec<u8>) -> asn1::Result<Known> {
        let mut known = Known::default();
        known.read(&Extension { oid, critical: false, value }).map(|()| known)
    }

    #[test]
    fn key_usage_goes_both_ways() {
        for set in 0..512u16 {
            let value = der::primitive(Tag::BIT_STRING, &KeyUsage(set).content());
            assert_eq!(known(oid::KEY_USAGE, value).unwrap().key_usage, Some(KeyUsage(set)));
        }
        assert_eq!(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION).content(), [6, 0xc0]);
        assert_eq!(KeyUsage::DECIPHER_ONLY.content(), [7, 0, 0x80]);
        assert_eq!(KeyUsage(3).to_string(), "digitalSignature, nonRepudiation");
    }

    #[test]
    fn encodings_that_are_not_der_are_read() {
        // BOOLEAN 01, a DEFAULT that is written out, a length in the long form.
        let bc = known(oid::BASIC_CONSTRAINTS, vec![0x30, 0x81, 6, 1, 1, 1, 2, 1, 3]).unwrap().basic_constraints;
        assert_eq!(bc, Some(BasicConstraints { ca: true, path_len: Some(3) }));
        let bc = known(oid::BASIC_CONSTRAINTS, vec![0x30, 3, 1, 1, 0]).unwrap().basic_constraints;
        assert_eq!(bc, Some(BasicConstraints { ca: false, path_len: None }));
        for bad in [vec![], vec![0x30, 3, 2, 1, 0xff], vec![0x30, 0, 0], vec![4, 0], vec![0x30, 3, 1, 1]] {
            assert!(known(oid::BASIC_CONSTRAINTS, bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn other_names_of_a_wrong_inner_type_are_not_looked_into() {
        let mailbox = |inner: Vec<u8>| {
            let other = der::sequence(&[der::oid(&oid::SMTP_UTF8_MAILBOX), der::explicit(0, &inner)]);
            let names = der::sequence(&[der::retag(Tag::context(0), &other)]);
            known(oid::SUBJECT_ALT_NAME, names).unwrap().subject_alt_names.unwrap()
        };
        let text = der::primitive(Tag::UTF8_STRING, "ä@example.com".as_bytes());
        assert_eq!(mailbox(text), [GeneralName::SmtpUtf8("ä@example.com".to_owned())]);
        assert!(matches!(mailbox(der::integer(5)).as_slice(), [GeneralName::OtherName { .. }]));
    }

    #[test]
    fn subtrees_with_bounds_are_refused() {
        let base = der::primitive(Tag::context(1), b"example.com");
        let read = |rest: &[u8]| {
            let subtree = der::sequence(&[base.as_slice(), rest]);
            let value = der::sequence(&[der::constructed(Tag::context(0), &[subtree])]);
            known(oid::NAME_CONSTRAINTS, value).map(|known| known.name_constraints.unwrap().permitted)
        };
        assert_eq!(read(&[]).unwrap(), [GeneralName::Rfc822("example.com".to_owned())]);
        assert_eq!(read(&[0x80, 1, 0]).unwrap().len(), 1);
        assert!(read(&[0x80, 1, 1]).is_err());
        assert!(read(&[0x81, 1, 1]).is_err());
    }
}
