//! Certificate revocation lists: read as they arrived, and looked up in (RFC 5280 section 5; SEC-114, SEC-115).
//!
//! What is wrong with a list does not make it unreadable; it stands in [`Crl::faults`], and a list with a fault
//! answers nothing. Whether a list speaks for a certificate is decided by [`revocation`](crate::cert::revocation).

use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, oid};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::Error;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{self, AuthorityKeyIdentifier, GeneralName, IssuingDistributionPoint};
use crate::cert::name::Name;
use crate::crypto;
use crate::crypto::algorithm::{AlgorithmIdentifier, SignatureScheme};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// `CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signatureValue }` ([RFC 5280 section 5.1]).
///
/// Cheap to clone. Entries are not copied out of the bytes; each costs twelve octets of an index.
///
/// [RFC 5280 section 5.1]: https://www.rfc-editor.org/rfc/rfc5280#section-5.1
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    tbs: Range<usize>,
    signature: Range<usize>,
    signature_algorithm: AlgorithmIdentifier,
    issuer: Name,
    this_update: Option<Time>,
    next_update: Option<Time>,
    entries: Vec<Entry>,
    /// certificateIssuer of the entries of an indirect list.
    issuers: Vec<Vec<GeneralName>>,
    number: Option<Vec<u8>>,
    delta_base: Option<Vec<u8>>,
    scope: Option<IssuingDistributionPoint>,
    authority_key: Option<AuthorityKeyIdentifier>,
    faults: Vec<Reason>,
    /// SHA-256 of the key under which the signature was found right, so that a large list is hashed once.
    verified: Mutex<Option<[u8; 32]>>,
}

/// Where an entry stands, where its serial number does, and its place among `issuers`.
struct Entry {
    at: u32,
    end: u32,
    length: u16,
    issuer: u16,
}

/// No certificateIssuer: the list's own issuer.
const OWN: u16 = u16::MAX;

/// An entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    /// revocationDate.
    pub at: Time,
    /// Why.
    pub reason: RevocationReason,
}

/// `CRLReason` (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names of RFC 5280
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl RevocationReason {
    const NAMES: [(u64, Self, &'static str); 10] = [
        (0, Self::Unspecified, "unspecified"),
        (1, Self::KeyCompromise, "keyCompromise"),
        (2, Self::CaCompromise, "cACompromise"),
        (3, Self::AffiliationChanged, "affiliationChanged"),
        (4, Self::Superseded, "superseded"),
        (5, Self::CessationOfOperation, "cessationOfOperation"),
        (6, Self::CertificateHold, "certificateHold"),
        (8, Self::RemoveFromCrl, "removeFromCRL"),
        (9, Self::PrivilegeWithdrawn, "privilegeWithdrawn"),
        (10, Self::AaCompromise, "aACompromise"),
    ];

    /// Whether somebody else may have used the key, so that no date of a signature helps.
    pub fn is_compromise(self) -> bool {
        matches!(self, Self::KeyCompromise | Self::CaCompromise | Self::AaCompromise)
    }

    /// The reason of this number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::NAMES.iter().find(|(known, ..)| *known == number).map(|(_, reason, _)| *reason)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(_, reason, _)| reason == self).map_or("", |(.., name)| name))
    }
}

impl Crl {
    /// Reads one list in DER, or in BER near enough to it; `bytes` holds nothing else.
    ///
    /// # Errors
    /// [`Error::Asn1`] where the structure is not that of a list, [`Error::CrlTooLarge`] beyond `limits.crl_bytes`.
    pub fn from_der(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        if bytes.len() > limits.crl_bytes {
            return Err(Error::CrlTooLarge { bytes: bytes.len(), limit: limits.crl_bytes });
        }
        let mut parts = Reader::single(bytes, "CertificateList")?.sequence("CertificateList")?;
        let tbs = parts.required(Tag::SEQUENCE, "TBSCertList")?;
        let outside = AlgorithmIdentifier::read(&parts.required(Tag::SEQUENCE, "signatureAlgorithm")?)?;
        let signature = parts.required(Tag::BIT_STRING, "signatureValue")?;
        let signature_octets = match signature.bits("signatureValue")? {
            (0, octets) => octets,
            _ => &[],
        };
        parts.finish("CertificateList")?;

        let mut fields = tbs.sequence("TBSCertList")?;
        let mut faults = Faults(Vec::new());
        if let Some(version) = fields.optional(Tag::INTEGER, "version")?
            && version.small("version").ok() != Some(1)
        {
            faults.add("its version is not 2");
        }
        let inside = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "signature")?)?;
        if inside != outside {
            faults.add(format!("it says {} inside its signature and {} beside it", inside.name(), outside.name()));
        }
        let issuer = Name::read(&fields.required(Tag::SEQUENCE, "issuer")?)?;
        let this_update = faults.time(&fields.required_any("thisUpdate")?, "thisUpdate");
        let next_update = match fields.peek() {
            Some(Tag::UTC_TIME | Tag::GENERALIZED_TIME) => {
                faults.time(&fields.required_any("nextUpdate")?, "nextUpdate")
            }
            _ => None,
        };
        let list = fields.optional(Tag::SEQUENCE, "revokedCertificates")?;
        let extensions = fields.optional(Tag::context(0), "crlExtensions")?;
        fields.finish("TBSCertList")?;

        let mut read = Self::known_extensions(extensions.as_ref(), &mut faults)?;
        let mut entries = Vec::new();
        if let Some(list) = list {
            let mut list = list.sequence("revokedCertificates")?;
            let mut current = OWN;
            while let Some(entry) = list.next_element()? {
                entries.push(read.entry(&entry, &mut current, &mut faults)?);
            }
        }
        let Extensions { number, delta_base, scope, authority_key, issuers } = read;
        entries.sort_by(|a, b| slice(bytes, a).cmp(slice(bytes, b)));
        Ok(Self(Arc::new(Inner {
            der: bytes.to_vec(),
            tbs: tail(&tbs, tbs.raw().len()),
            signature: tail(&signature, signature_octets.len()),
            signature_algorithm: outside,
            issuer,
            this_update,
            next_update,
            entries,
            issuers,
            number,
            delta_base,
            scope,
            authority_key,
            faults: faults.0,
            verified: Mutex::new(None),
        })))
    }

    /// All of it, as received.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// When it was made; `None` where that is unreadable.
    pub fn this_update(&self) -> Option<Time> {
        self.0.this_update
    }

    /// Until when it holds; `None` where it does not say, so that it never holds.
    pub fn next_update(&self) -> Option<Time> {
        self.0.next_update
    }

    /// How many certificates it names.
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// cRLNumber, big-endian without leading zeros.
    pub fn number(&self) -> Option<&[u8]> {
        self.0.number.as_deref()
    }

    /// BaseCRLNumber of a delta list; `None` where the list is complete.
    pub fn delta_base(&self) -> Option<&[u8]> {
        self.0.delta_base.as_deref()
    }

    /// issuingDistributionPoint: what it covers.
    pub fn scope(&self) -> Option<&IssuingDistributionPoint> {
        self.0.scope.as_ref()
    }

    /// Which key of the issuer signed it.
    pub fn authority_key(&self) -> Option<&AuthorityKeyIdentifier> {
        self.0.authority_key.as_ref()
    }

    /// Why it cannot be used, `crl_unusable` each.
    pub fn faults(&self) -> &[Reason] {
        &self.0.faults
    }

    /// The digest of its signature; `None` where the algorithm is not known.
    pub fn scheme(&self) -> Option<SignatureScheme> {
        SignatureScheme::from_identifier(&self.0.signature_algorithm, None).ok()
    }

    /// What it says of a certificate, by the certificate's own issuer and serial number (RFC 5280 section 5.3.3).
    ///
    /// # Errors
    /// Where the entry is there and its date is unreadable.
    pub fn find(&self, certificate: &Certificate) -> Result<Option<RevokedEntry>, asn1::Error> {
        let inner = &*self.0;
        let serial = minimal(certificate.serial());
        let from = inner.entries.partition_point(|entry| slice(&inner.der, entry) < serial);
        let same = inner.entries.get(from..).unwrap_or_default();
        for entry in same.iter().take_while(|entry| slice(&inner.der, entry) == serial) {
            let about = match inner.issuers.get(usize::from(entry.issuer)) {
                None => inner.issuer.same(certificate.issuer()),
                Some(names) => names
                    .iter()
                    .any(|name| matches!(name, GeneralName::Directory(name) if name.same(certificate.issuer()))),
            };
            if about {
                return read_entry(&inner.der, entry).map(Some);
            }
        }
        Ok(None)
    }

    /// Checks the signature with the key of a certificate.
    ///
    /// # Errors
    /// As [`PublicKey::verify`](crate::crypto::signature::PublicKey::verify).
    pub fn verify(&self, issuer: &Certificate, limits: &Limits) -> Result<(), crypto::Error> {
        let inner = &*self.0;
        let key = issuer.public_key(limits)?;
        // Of the key and not of the certificate's words: what a DSA key inherits is part of it.
        let key_digest: [u8; 32] = Sha256::digest(key.spki()).into();
        let known = |slot: &Option<[u8; 32]>| *slot == Some(key_digest);
        if inner.verified.lock().is_ok_and(|slot| known(&slot)) {
            return Ok(());
        }
        let scheme = SignatureScheme::from_identifier(&inner.signature_algorithm, None)?;
        let part = |range: &Range<usize>| inner.der.get(range.clone()).unwrap_or_default();
        key.verify(&scheme, part(&inner.tbs), part(&inner.signature))?;
        if let Ok(mut slot) = inner.verified.lock() {
            *slot = Some(key_digest);
        }
        Ok(())
    }

    fn known_extensions(list: Option<&Element<'_>>, faults: &mut Faults) -> Result<Extensions, Error> {
        let mut read = Extensions::default();
        let Some(list) = list else { return Ok(read) };
        let mut seen = HashSet::new();
        let mut list = list.explicit("crlExtensions")?.sequence("crlExtensions")?;
        while let Some(element) = list.next_element()? {
            let (oid, critical, value) = read_extension(&element)?;
            if !seen.insert(oid) {
                faults.add(format!("the extension {} stands there twice", extension::label(&oid)));
            }
            let inside = Reader::single(&value, "extnValue");
            let result = inside.and_then(|inside| match oid {
                oid::CRL_NUMBER => inside.unsigned("cRLNumber").map(|n| read.number = Some(strip(n).to_vec())),
                oid::DELTA_CRL_INDICATOR => {
                    inside.unsigned("BaseCRLNumber").map(|n| read.delta_base = Some(strip(n).to_vec()))
                }
                oid::ISSUING_DISTRIBUTION_POINT => {
                    IssuingDistributionPoint::read(&inside).map(|scope| read.scope = Some(scope))
                }
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    AuthorityKeyIdentifier::read(&inside).map(|key| read.authority_key = Some(key))
                }
                oid::ISSUER_ALT_NAME | oid::FRESHEST_CRL | oid::AUTHORITY_INFO_ACCESS => Ok(()),
                _ if critical => {
                    faults.add(format!("its critical extension {} is not understood", extension::label(&oid)));
                    Ok(())
                }
                _ => Ok(()),
            });
            if let Err(error) = result {
                faults.add(format!("its extension {} is unreadable: {error}", extension::label(&oid)));
            }
        }
        Ok(read)
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({}, {} entries)", self.issuer().brief(), self.len())
    }
}

/// What the extensions of a list say.
#[derive(Default)]
struct Extensions {
    number: Option<Vec<u8>>,
    delta_base: Option<Vec<u8>>,
    scope: Option<IssuingDistributionPoint>,
    authority_key: Option<AuthorityKeyIdentifier>,
    issuers: Vec<Vec<GeneralName>>,
}

impl Extensions {
    /// Reads an entry. `current` is the certificateIssuer that holds until another one is named (section 5.3.3).
    fn entry(&mut self, entry: &Element<'_>, current: &mut u16, faults: &mut Faults) -> Result<Entry, Error> {
        let mut parts = entry.sequence("revokedCertificate")?;
        let serial = parts.required(Tag::INTEGER, "userCertificate")?;
        let octets = serial.content();
        parts.required_any("revocationDate")?;
        if let Some(list) = parts.optional(Tag::SEQUENCE, "crlEntryExtensions")? {
            let mut list = list.sequence("crlEntryExtensions")?;
            let mut seen: Vec<const_oid::ObjectIdentifier> = Vec::new();
            while let Some(element) = list.next_element()? {
                let (oid, critical, value) = read_extension(&element)?;
                if seen.contains(&oid) {
                    faults.add(format!("an entry has the extension {} twice", extension::label(&oid)));
                }
                seen.push(oid);
                match oid {
                    oid::CERTIFICATE_ISSUER => match Reader::single(&value, "certificateIssuer")
                        .and_then(|names| GeneralName::read_all(&names))
                    {
                        Ok(names) => {
                            self.issuers.push(names);
                            match u16::try_from(self.issuers.len() - 1) {
                                Ok(at) if at != OWN => *current = at,
                                _ => faults.add("it names more issuers of certificates than are looked at"),
                            }
                        }
                        Err(error) => faults.add(format!("the certificateIssuer of an entry is unreadable: {error}")),
                    },
                    oid::CRL_REASON | oid::INVALIDITY_DATE => {}
                    _ if critical => {
                        let what = extension::label(&oid);
                        faults.add(format!("an entry has the critical extension {what}, which is not understood"));
                    }
                    _ => {}
                }
            }
        }
        parts.finish("revokedCertificate")?;
        if *current != OWN && !self.scope.as_ref().is_some_and(|scope| scope.indirect) {
            faults.add("an entry names another certificateIssuer, and the list is not indirect");
        }
        let at = serial.offset() as usize + serial.raw().len() - octets.len();
        let end = entry.offset() as usize + entry.raw().len();
        let (Ok(at), Ok(end), Ok(length)) = (u32::try_from(at), u32::try_from(end), u16::try_from(octets.len())) else {
            return Err(Error::Asn1(asn1::Error::value("userCertificate", serial.offset(), "it is too long")));
        };
        Ok(Entry { at, end, length, issuer: *current })
    }
}

/// Reasons why a list cannot be used, each sentence once, and not without end.
struct Faults(Vec<Reason>);

impl Faults {
    fn add(&mut self, why: impl Into<String>) {
        let reason = Reason::new("crl_unusable", why);
        if self.0.len() < 16 && !self.0.contains(&reason) {
            self.0.push(reason);
        }
    }

    fn time(&mut self, element: &Element<'_>, what: &'static str) -> Option<Time> {
        element.time(what).map_err(|error| self.add(format!("its {what} is unreadable: {error}"))).ok()
    }
}

fn read_extension<'a>(
    element: &Element<'a>,
) -> asn1::Result<(const_oid::ObjectIdentifier, bool, std::borrow::Cow<'a, [u8]>)> {
    let mut parts = element.sequence("Extension")?;
    let oid = parts.required(Tag::OID, "extnID")?.oid("extnID")?;
    let critical = parts.optional(Tag::BOOLEAN, "critical")?.map_or(Ok(false), |b| b.boolean("critical"))?;
    let value = parts.required(Tag::OCTET_STRING, "extnValue")?.octets("extnValue")?;
    parts.finish("Extension")?;
    Ok((oid, critical, value))
}

/// Date and reason of the entry whose serial number stands there.
fn read_entry(der: &[u8], entry: &Entry) -> asn1::Result<RevokedEntry> {
    let after = (entry.at as usize).saturating_add(usize::from(entry.length));
    let mut parts = Reader::new(der.get(after..entry.end as usize).unwrap_or_default());
    let at = parts.required_any("revocationDate")?.time("revocationDate")?;
    let mut reason = RevocationReason::Unspecified;
    if let Some(list) = parts.optional(Tag::SEQUENCE, "crlEntryExtensions")? {
        let mut list = list.sequence("crlEntryExtensions")?;
        while let Some(element) = list.next_element()? {
            let (oid, _, value) = read_extension(&element)?;
            if oid == oid::CRL_REASON {
                let number = Reader::single(&value, "CRLReason")?;
                let number = number.content().iter().fold(0u64, |n, octet| n << 8 | u64::from(*octet));
                reason = RevocationReason::from_number(number).unwrap_or(RevocationReason::Unspecified);
            }
        }
    }
    Ok(RevokedEntry { at, reason })
}

fn slice<'a>(der: &'a [u8], entry: &Entry) -> &'a [u8] {
    let from = entry.at as usize;
    minimal(der.get(from..from + usize::from(entry.length)).unwrap_or_default())
}

/// The content octets of an INTEGER without those that DER leaves out: -1 and 255 are two numbers.
fn minimal(octets: &[u8]) -> &[u8] {
    let mut rest = octets;
    while let [first, tail @ ..] = rest
        && let [next, ..] = tail
        && ((*first == 0 && next & 0x80 == 0) || (*first == 0xff && next & 0x80 != 0))
    {
        rest = tail;
    }
    rest
}

/// Without leading zero octets.
fn strip(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

/// Where the last `length` octets of an element stand in the input.
fn tail(element: &Element<'_>, length: usize) -> Range<usize> {
    let end = usize::try_from(element.offset()).unwrap_or(usize::MAX).saturating_add(element.raw().len());
    end.saturating_sub(length)..end
}
