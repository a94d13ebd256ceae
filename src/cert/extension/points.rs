//! Where revocation lists and issuers' certificates are published, and what a revocation list covers (RFC 5280 sections
//! 4.2.1.13, 4.2.2.1 and 5.2.5).

use super::GeneralName;
use crate::asn1::ber::{Element, Tag};
use crate::asn1::{self, der};
use crate::cert::name::Name;
use const_oid::ObjectIdentifier;

/// `ReasonFlags`: for which reasons a list names revoked certificates. Bit n is reason n of the BIT STRING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonFlags(u16);

impl ReasonFlags {
    /// Reasons 1 to 8 (keyCompromise to aACompromise); bit 0 is unused.
    pub const ALL: Self = Self(0b1_1111_1110);
    /// No reason.
    pub const NONE: Self = Self(0);

    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let Some((unused, octets)) = element.content().split_first() else {
            return Err(asn1::Error::value("ReasonFlags", element.offset(), "it is empty"));
        };
        if *unused > 7 || (octets.is_empty() && *unused != 0) {
            return Err(asn1::Error::value("ReasonFlags", element.offset(), "the bit string is malformed"));
        }
        let bit = |at: usize| octets.get(at / 8).is_some_and(|octet| octet & (0x80 >> (at % 8)) != 0);
        Ok(Self((1..9).filter(|at| bit(*at)).fold(0, |set, at| set | 1 << at)))
    }

    /// The reasons of both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The reasons of either.
    #[must_use]
    pub const fn either(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every reason of `other` is among these.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Where a list is published: `DistributionPointName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointName {
    /// fullName.
    Full(Vec<GeneralName>),
    /// nameRelativeToCRLIssuer: one RDN, DER of the SET.
    Relative(Vec<u8>),
}

impl PointName {
    fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let choice = element.explicit("DistributionPointName")?;
        match choice.tag.context_number() {
            Some(0) => Ok(Self::Full(GeneralName::read_all(&choice)?)),
            Some(1) => Ok(Self::Relative(der::retag(Tag::SET, choice.raw()))),
            _ => Err(asn1::Error::value("DistributionPointName", choice.offset(), "there is no such choice")),
        }
    }

    /// The names that it stands for, where a relative one is completed by the name of the CRL's issuer.
    pub(crate) fn names(&self, issuer: &Name) -> Vec<GeneralName> {
        match self {
            Self::Full(names) => names.clone(),
            Self::Relative(rdn) => issuer.with_rdn(rdn).map(GeneralName::Directory).into_iter().collect(),
        }
    }
}

/// `DistributionPoint`: where the lists that cover a certificate are published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPoint {
    /// distributionPoint.
    pub name: Option<PointName>,
    /// reasons; all where absent.
    pub reasons: Option<ReasonFlags>,
    /// cRLIssuer: who signs the list, where that is not the certificate's issuer.
    pub issuer: Vec<GeneralName>,
}

impl DistributionPoint {
    pub(super) fn read_all(element: &Element<'_>) -> asn1::Result<Vec<Self>> {
        let mut list = element.sequence("CRLDistributionPoints")?;
        let mut points = Vec::new();
        while let Some(point) = list.next_element()? {
            let mut parts = point.sequence("DistributionPoint")?;
            let mut read = Self::default();
            if let Some(name) = parts.optional(Tag::context(0), "distributionPoint")? {
                read.name = Some(PointName::read(&name)?);
            }
            if let Some(reasons) = parts.optional(Tag::context(1), "reasons")? {
                read.reasons = Some(ReasonFlags::read(&reasons)?);
            }
            if let Some(issuer) = parts.optional(Tag::context(2), "cRLIssuer")? {
                read.issuer = GeneralName::read_all(&issuer)?;
            }
            parts.finish("DistributionPoint")?;
            points.push(read);
        }
        Ok(points)
    }

    /// The http and https addresses at which the list can be fetched.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let names = match &self.name {
            Some(PointName::Full(names)) => names.as_slice(),
            _ => &[],
        };
        names.iter().filter_map(|name| match name {
            GeneralName::Uri(uri) => Some(uri.as_str()),
            _ => None,
        })
    }
}

/// One entry of authorityInfoAccess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDescription {
    /// id-ad-ocsp or id-ad-caIssuers, or another.
    pub method: ObjectIdentifier,
    /// Where.
    pub location: GeneralName,
}

impl AccessDescription {
    pub(super) fn read_all(element: &Element<'_>) -> asn1::Result<Vec<Self>> {
        let mut list = element.sequence("AuthorityInfoAccess")?;
        let mut read = Vec::new();
        while let Some(description) = list.next_element()? {
            let mut parts = description.sequence("AccessDescription")?;
            let method = parts.required(Tag::OID, "accessMethod")?.oid("accessMethod")?;
            let location = GeneralName::read(&parts.required_any("accessLocation")?)?;
            parts.finish("AccessDescription")?;
            read.push(Self { method, location });
        }
        Ok(read)
    }
}

/// `IssuingDistributionPoint`: what a revocation list covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuingDistributionPoint {
    /// distributionPoint.
    pub name: Option<PointName>,
    /// Which kinds of certificates.
    pub scope: Scope,
    /// onlySomeReasons.
    pub reasons: Option<ReasonFlags>,
    /// indirectCRL: entries may be about certificates of other issuers.
    pub indirect: bool,
}

/// Which kinds of certificates a revocation list covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of the issuer's.
    #[default]
    All,
    /// onlyContainsUserCerts.
    Users,
    /// onlyContainsCACerts.
    Authorities,
    /// onlyContainsAttributeCerts.
    Attributes,
}

impl IssuingDistributionPoint {
    pub(crate) fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut parts = element.sequence("IssuingDistributionPoint")?;
        let mut read = Self::default();
        if let Some(name) = parts.optional(Tag::context(0), "distributionPoint")? {
            read.name = Some(PointName::read(&name)?);
        }
        let mut scopes = Vec::new();
        for (number, scope) in [(1, Scope::Users), (2, Scope::Authorities)] {
            if let Some(flag) = parts.optional(Tag::context(number), "onlyContains")?
                && flag.content() != [0]
            {
                scopes.push(scope);
            }
        }
        if let Some(reasons) = parts.optional(Tag::context(3), "onlySomeReasons")? {
            read.reasons = Some(ReasonFlags::read(&reasons)?);
        }
        if let Some(flag) = parts.optional(Tag::context(4), "indirectCRL")? {
            read.indirect = flag.content() != [0];
        }
        if let Some(flag) = parts.optional(Tag::context(5), "onlyContainsAttributeCerts")?
            && flag.content() != [0]
        {
            scopes.push(Scope::Attributes);
        }
        parts.finish("IssuingDistributionPoint")?;
        // RFC 5280 section 5.2.5: at most one of them.
        match scopes.as_slice() {
            [] => {}
            [scope] => read.scope = *scope,
            _ => {
                let why = "it claims to hold only one kind of certificates, and only another";
                return Err(asn1::Error::value("IssuingDistributionPoint", element.offset(), why));
            }
        }
        Ok(read)
    }
}
