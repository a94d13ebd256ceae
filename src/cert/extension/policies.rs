//! The extensions of certificate policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14).

use crate::asn1;
use crate::asn1::ber::{Element, Tag};
use const_oid::ObjectIdentifier;
use std::collections::HashSet;

/// The policies of `CertificatePolicies`, without their qualifiers, which decide nothing.
///
/// # Errors
/// Where the structure is another, or a policy stands there twice.
pub(super) fn read_policies(element: &Element<'_>) -> asn1::Result<Vec<ObjectIdentifier>> {
    let mut list = element.sequence("CertificatePolicies")?;
    let mut policies = Vec::new();
    let mut seen = HashSet::new();
    while let Some(information) = list.next_element()? {
        let mut parts = information.sequence("PolicyInformation")?;
        let policy = parts.required(Tag::OID, "policyIdentifier")?;
        parts.optional(Tag::SEQUENCE, "policyQualifiers")?;
        parts.finish("PolicyInformation")?;
        let oid = policy.oid("policyIdentifier")?;
        if !seen.insert(oid) {
            return Err(asn1::Error::value("CertificatePolicies", policy.offset(), "a policy stands there twice"));
        }
        policies.push(oid);
    }
    if policies.is_empty() {
        return Err(asn1::Error::value("CertificatePolicies", element.offset(), "it is empty"));
    }
    Ok(policies)
}

/// One pair of `PolicyMappings`: whoever relies on the issuer's policy accepts the subject's in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyMapping {
    /// issuerDomainPolicy.
    pub issuer: ObjectIdentifier,
    /// subjectDomainPolicy.
    pub subject: ObjectIdentifier,
}

/// The pairs of `PolicyMappings`.
pub(super) fn read_mappings(element: &Element<'_>) -> asn1::Result<Vec<PolicyMapping>> {
    let mut list = element.sequence("PolicyMappings")?;
    let mut mappings = Vec::new();
    while let Some(pair) = list.next_element()? {
        let mut parts = pair.sequence("PolicyMapping")?;
        let issuer = parts.required(Tag::OID, "issuerDomainPolicy")?.oid("issuerDomainPolicy")?;
        let subject = parts.required(Tag::OID, "subjectDomainPolicy")?.oid("subjectDomainPolicy")?;
        parts.finish("PolicyMapping")?;
        mappings.push(PolicyMapping { issuer, subject });
    }
    Ok(mappings)
}

/// `PolicyConstraints`: after how many certificates something is asked for or forbidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// requireExplicitPolicy.
    pub require_explicit: Option<u64>,
    /// inhibitPolicyMapping.
    pub inhibit_mapping: Option<u64>,
}

impl PolicyConstraints {
    pub(super) fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut parts = element.sequence("PolicyConstraints")?;
        let mut read = Self::default();
        if let Some(skip) = parts.optional(Tag::context(0), "requireExplicitPolicy")? {
            read.require_explicit = Some(skip_certs(&skip)?);
        }
        if let Some(skip) = parts.optional(Tag::context(1), "inhibitPolicyMapping")? {
            read.inhibit_mapping = Some(skip_certs(&skip)?);
        }
        parts.finish("PolicyConstraints")?;
        // RFC 5280 section 4.2.1.11: it is never empty.
        if read == Self::default() {
            return Err(asn1::Error::value("PolicyConstraints", element.offset(), "it is empty"));
        }
        Ok(read)
    }
}

/// `SkipCerts ::= INTEGER (0..MAX)` under an implicit tag. What does not fit is as good as no bound.
fn skip_certs(element: &Element<'_>) -> asn1::Result<u64> {
    match element.content() {
        [] => Err(asn1::Error::value("SkipCerts", element.offset(), "it is empty")),
        [first, ..] if first & 0x80 != 0 => Err(asn1::Error::value("SkipCerts", element.offset(), "it is negative")),
        octets if octets.len() > 8 => Ok(u64::MAX),
        octets => Ok(octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet))),
    }
}
