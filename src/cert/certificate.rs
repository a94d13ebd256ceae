//! A certificate as it arrived, and what stands in it.
//!
//! The bytes are kept and all that is hashed is a slice of them. The reader takes the deviations from DER that are met
//! in the field (lengths in the long form, DEFAULT values written out, BOOLEAN 01) and refuses what gives a certificate
//! two meanings.

use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, der, oid};
use crate::base::limits::Limits;
use crate::base::time::Time;
use crate::cert::Error;
use crate::cert::extension::{
    AccessDescription, AuthorityKeyIdentifier, BasicConstraints, DistributionPoint, Extension, ExtensionError,
    GeneralName, KeyUsage, Known, NameConstraints, PolicyConstraints, PolicyMapping,
};
use crate::cert::mailbox::Mailboxes;
use crate::cert::name::{Name, hex};
use crate::crypto;
use crate::crypto::algorithm::{AlgorithmIdentifier, SignatureScheme};
use crate::crypto::signature::PublicKey;
use const_oid::ObjectIdentifier;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }` ([RFC 5280 section 4.1]).
///
/// Cheap to clone. Equal to another certificate where the bytes are equal.
///
/// A known extension that is malformed does not make the certificate unreadable; it is listed in
/// [`extension_errors`](Self::extension_errors), its accessor says `None`, and chains through the certificate are
/// rejected where the extension is critical or relied on.
///
/// [RFC 5280 section 4.1]: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
#[derive(Clone)]
pub struct Certificate(Arc<Inner>, Option<Arc<Inherited>>);

struct Inner {
    der: Vec<u8>,
    version: u8,
    tbs: Range<usize>,
    serial: Range<usize>,
    spki: Range<usize>,
    key_bits: Range<usize>,
    signature: Range<usize>,
    key_algorithm: ObjectIdentifier,
    lacks_parameters: bool,
    signature_algorithm: AlgorithmIdentifier,
    issuer: Name,
    subject: Name,
    not_before: Time,
    not_after: Time,
    extensions: Vec<Extension>,
    known: Known,
    errors: Vec<ExtensionError>,
    /// The key, and the bounds that it was read under.
    key: OnceLock<KeptKey>,
    /// SubjectPublicKeyInfo of a key that made its signature, as it was found; with the parameters that such a key inherits.
    signer: OnceLock<Box<[u8]>>,
    /// For whom it speaks.
    mailboxes: OnceLock<Box<Mailboxes>>,
}

impl Inner {
    /// All but the bytes themselves.
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut parts = Reader::single(bytes, "Certificate")?.sequence("Certificate")?;
        let tbs = parts.required(Tag::SEQUENCE, "TBSCertificate")?;
        let outside = AlgorithmIdentifier::read(&parts.required(Tag::SEQUENCE, "signatureAlgorithm")?)?;
        let signature = parts.required(Tag::BIT_STRING, "signatureValue")?;
        // SEC-113: a signature that is not whole octets is one that nothing verifies; the certificate stays readable.
        let signature_octets = match signature.bits("signatureValue")? {
            (0, octets) => octets,
            _ => &[],
        };
        parts.finish("Certificate")?;

        let mut fields = tbs.sequence("TBSCertificate")?;
        let version = read_version(&mut fields)?;
        let serial = fields.required(Tag::INTEGER, "serialNumber")?;
        let serial_octets = serial.integer("serialNumber")?;
        let inside = AlgorithmIdentifier::read(&fields.required(Tag::SEQUENCE, "signature")?)?;
        let issuer = Name::read(&fields.required(Tag::SEQUENCE, "issuer")?)?;
        let mut validity = fields.required(Tag::SEQUENCE, "validity")?.sequence("validity")?;
        let not_before = validity.required_any("notBefore")?.time("notBefore")?;
        let not_after = validity.required_any("notAfter")?.time("notAfter")?;
        validity.finish("validity")?;
        let subject = Name::read(&fields.required(Tag::SEQUENCE, "subject")?)?;
        let spki = fields.required(Tag::SEQUENCE, "subjectPublicKeyInfo")?;
        let key = read_spki(&spki)?;
        // The unique identifiers of version 2 mean nothing any more (RFC 5280 section 4.1.2.8).
        fields.optional(Tag::context(1), "issuerUniqueID")?;
        fields.optional(Tag::context(2), "subjectUniqueID")?;
        let extensions = match fields.optional(Tag::context(3), "extensions")? {
            Some(_) if version < 3 => return Err(Error::ExtensionsInOldVersion(version)),
            Some(list) => read_extensions(&list.explicit("extensions")?)?,
            None => Vec::new(),
        };
        fields.finish("TBSCertificate")?;

        if let Some(twice) = first_twice(&extensions) {
            return Err(Error::DuplicateExtension { extension: twice.label(), serial: serial_text(serial_octets) });
        }
        if inside != outside {
            return Err(Error::SignatureAlgorithms { inside: inside.name(), outside: outside.name() });
        }
        let mut known = Known::default();
        let mut errors = Vec::new();
        for extension in &extensions {
            if let Err(error) = known.read(extension) {
                errors.push(ExtensionError { oid: extension.oid, critical: extension.critical, error });
            }
        }
        Ok(Self {
            der: Vec::new(),
            version,
            tbs: tail(&tbs, tbs.raw().len()),
            serial: tail(&serial, serial_octets.len()),
            spki: tail(&spki, spki.raw().len()),
            key_bits: tail(&key.key, key.octets.len()),
            signature: tail(&signature, signature_octets.len()),
            key_algorithm: key.algorithm,
            lacks_parameters: key.lacks_parameters,
            signature_algorithm: outside,
            issuer,
            subject,
            not_before,
            not_after,
            extensions,
            known,
            errors,
            key: OnceLock::new(),
            signer: OnceLock::new(),
            mailboxes: OnceLock::new(),
        })
    }
}

/// What a key without parameters of its own has from its issuer, and the key that this makes.
struct Inherited {
    parameters: Vec<u8>,
    key: OnceLock<KeptKey>,
}

type KeptKey = (Bounds, Arc<PublicKey>);
/// What a key is read under: the least and the most bits of RSA.
type Bounds = (usize, usize);

fn bounds(limits: &Limits) -> Bounds {
    (limits.rsa_min_bits, limits.rsa_max_bits)
}

impl Certificate {
    /// Reads one certificate in DER, or in BER near enough to it; `bytes` holds nothing else. Versions 1 to 3.
    ///
    /// # Errors
    /// Where the structure is not that of a certificate, an extension stands there twice (SEC-109), or the signature
    /// algorithms inside and outside differ (SEC-113).
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut inner = Inner::read(bytes)?;
        inner.der = bytes.to_vec();
        Ok(Self(Arc::new(inner), None))
    }

    /// All of it, as received.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// What the issuer signed: the TBSCertificate as received.
    pub fn tbs(&self) -> &[u8] {
        self.slice(&self.0.tbs)
    }

    /// 1, 2 or 3.
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// The content octets of the serial number as received: two's complement, big-endian.
    pub fn serial(&self) -> &[u8] {
        self.slice(&self.0.serial)
    }

    /// The same in hexadecimal, without a leading zero octet that only keeps the number positive.
    pub fn serial_hex(&self) -> String {
        serial_text(self.serial())
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// Whom it is about.
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// The first second of its validity.
    pub fn not_before(&self) -> Time {
        self.0.not_before
    }

    /// The last second of its validity.
    pub fn not_after(&self) -> Time {
        self.0.not_after
    }

    /// The SubjectPublicKeyInfo as received, DER.
    pub fn spki(&self) -> &[u8] {
        self.slice(&self.0.spki)
    }

    /// The algorithm that the public key is for.
    pub fn key_algorithm(&self) -> &ObjectIdentifier {
        &self.0.key_algorithm
    }

    /// The public key, ready for use; it is read once and kept, so that asking again costs nothing.
    ///
    /// # Errors
    /// Where its algorithm is not supported, it is malformed, or its size is beyond the limits.
    pub fn public_key(&self, limits: &Limits) -> Result<Arc<PublicKey>, crypto::Error> {
        let bounds = bounds(limits);
        let kept = self.1.as_ref().map_or(&self.0.key, |inherited| &inherited.key);
        if let Some((known, key)) = kept.get()
            && *known == bounds
        {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(match &self.1 {
            Some(inherited) => PublicKey::from_spki_with(self.spki(), &inherited.parameters, limits)?,
            None => PublicKey::from_spki(self.spki(), limits)?,
        });
        // Whoever comes second under other bounds reads it again.
        let _ = kept.set((bounds, Arc::clone(&key)));
        Ok(key)
    }

    /// Whether its DSA key says no parameters, so that it has those of its issuer's (RFC 3279 section 2.3.2).
    pub fn lacks_parameters(&self) -> bool {
        self.0.lacks_parameters
    }

    /// The same certificate with the parameters that its key inherits from an issuer's; itself where it lacks none, or the
    /// issuer has none to give (RFC 5280 section 6.1.4 (d) to (f)).
    ///
    /// # Errors
    /// [`crypto::Error::BadKey`] where it was given others before: then its key is another one, and what was verified with
    /// that says nothing about this path.
    pub fn below(&self, issuer: &PublicKey) -> Result<Self, crypto::Error> {
        match (issuer.dsa_parameters(), &self.1) {
            (_, None) if !self.lacks_parameters() => Ok(self.clone()),
            (None, None) => Ok(self.clone()),
            (Some(parameters), None) => {
                let inherited = Inherited { parameters: parameters.to_vec(), key: OnceLock::new() };
                Ok(Self(Arc::clone(&self.0), Some(Arc::new(inherited))))
            }
            (parameters, Some(before)) if parameters == Some(before.parameters.as_slice()) => Ok(self.clone()),
            (_, Some(_)) => Err(crypto::Error::BadKey {
                what: "the DSA key",
                why: "it was read with other parameters than those that its issuer has".into(),
            }),
        }
    }

    /// How the issuer signed it.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifier {
        &self.0.signature_algorithm
    }

    /// The octets of the issuer's signature; none where its BIT STRING is not a whole number of octets, so that no key
    /// verifies it (SEC-113).
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.0.signature)
    }

    /// Checks that the key of `issuer` signed it; of names, dates and extensions nothing is looked at. That it did is kept,
    /// so that the same key is not asked about the same certificate twice.
    ///
    /// # Errors
    /// As [`PublicKey::verify`], and where that key or the algorithm is not supported.
    pub fn signed_by(&self, issuer: &Self, limits: &Limits) -> Result<(), crypto::Error> {
        let scheme = SignatureScheme::from_identifier(self.signature_algorithm(), None)?;
        let key = issuer.public_key(limits)?;
        if self.0.signer.get().is_some_and(|known| **known == *key.spki()) {
            return Ok(());
        }
        key.verify(&scheme, self.tbs(), self.signature())?;
        // One is kept. A certificate that several keys signed is rare, and is only checked more often.
        let _ = self.0.signer.set(key.spki().into());
        Ok(())
    }

    /// Every extension, known or not, in the order of the certificate.
    pub fn extensions(&self) -> &[Extension] {
        &self.0.extensions
    }

    /// The extension of this kind, where it is there.
    pub fn extension(&self, oid: &ObjectIdentifier) -> Option<&Extension> {
        self.0.extensions.iter().find(|extension| extension.oid == *oid)
    }

    /// The known extensions that are malformed.
    pub fn extension_errors(&self) -> &[ExtensionError] {
        &self.0.errors
    }

    /// The subjectKeyIdentifier extension, where there is one.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.known.subject_key_identifier.as_deref()
    }

    /// SHA-1 of the public key's bits: RFC 5280 section 4.2.1.2, method 1.
    pub fn computed_key_identifier(&self) -> [u8; 20] {
        Sha1::digest(self.slice(&self.0.key_bits)).into()
    }

    /// The key identifier of the issuer, where the authorityKeyIdentifier extension has one.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key()?.key_identifier.as_deref()
    }

    /// The whole authorityKeyIdentifier extension.
    pub fn authority_key(&self) -> Option<&AuthorityKeyIdentifier> {
        self.0.known.authority_key.as_ref()
    }

    /// What the key may be used for; `None` where the certificate does not say.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.known.key_usage
    }

    /// What the certificate may be used for; `None` where it does not say.
    pub fn extended_key_usage(&self) -> Option<&[ObjectIdentifier]> {
        self.0.known.extended_key_usage.as_deref()
    }

    /// Whether the subject may issue certificates; `None` where the certificate does not say.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.known.basic_constraints
    }

    /// The names of the subjectAltName extension; empty where there is none.
    pub fn subject_alt_names(&self) -> &[GeneralName] {
        self.0.known.subject_alt_names.as_deref().unwrap_or_default()
    }

    /// Which names the certificates below this one may have.
    pub fn name_constraints(&self) -> Option<&NameConstraints> {
        self.0.known.name_constraints.as_ref()
    }

    /// The policies that it was issued under; `None` where it does not say.
    pub fn policies(&self) -> Option<&[ObjectIdentifier]> {
        self.0.known.policies.as_deref()
    }

    /// Which policies of the issuer are which of the subject's.
    pub fn policy_mappings(&self) -> &[PolicyMapping] {
        &self.0.known.policy_mappings
    }

    /// From where on policies are asked for, and not mapped any more.
    pub fn policy_constraints(&self) -> PolicyConstraints {
        self.0.known.policy_constraints
    }

    /// After how many certificates anyPolicy does not stand for any policy any more.
    pub fn inhibit_any_policy(&self) -> Option<u64> {
        self.0.known.inhibit_any_policy
    }

    /// Where the lists that cover this certificate are published; `None` where it does not say.
    pub fn distribution_points(&self) -> Option<&[DistributionPoint]> {
        self.0.known.distribution_points.as_deref()
    }

    /// Where the deltas of these lists are published.
    pub fn freshest_points(&self) -> &[DistributionPoint] {
        &self.0.known.freshest
    }

    /// The authorityInfoAccess extension: OCSP responders, and where the issuer's certificate is.
    pub fn access(&self) -> &[AccessDescription] {
        &self.0.known.access
    }

    /// The octets of the subjectPublicKey, without the count of unused bits: what key identifiers and OCSP hash.
    pub fn key_octets(&self) -> &[u8] {
        self.slice(&self.0.key_bits)
    }

    /// The mail addresses that it is for; read once and kept.
    pub fn mailboxes(&self) -> &Mailboxes {
        self.0.mailboxes.get_or_init(|| Box::new(Mailboxes::of(self)))
    }

    /// The fingerprint by which people and programs tell certificates apart.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.der()).into()
    }

    /// The older fingerprint, as Windows and Outlook show it.
    pub fn sha1(&self) -> [u8; 20] {
        Sha1::digest(self.der()).into()
    }

    /// Whether issuer and subject are the same name. That says nothing about the key.
    pub fn is_self_issued(&self) -> bool {
        self.subject().same(self.issuer())
    }

    /// Whether the moment lies within the validity, both ends included.
    pub fn is_valid_at(&self, at: Time) -> bool {
        self.not_before() <= at && at <= self.not_after()
    }

    /// `IssuerAndSerialNumber` in DER, with the issuer's Name as received (RFC 5652 section 10.2.4).
    pub fn issuer_and_serial_der(&self) -> Vec<u8> {
        der::sequence(&[self.issuer().der(), &der::primitive(Tag::INTEGER, self.serial())])
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject().brief(), self.serial_hex())
    }
}

/// The first extension that stands there a second time. Real certificates have a dozen; a set is for those of an attacker.
fn first_twice(extensions: &[Extension]) -> Option<&Extension> {
    if extensions.len() <= 24 {
        let before = |at: usize| extensions.iter().take(at);
        let twice = |(at, extension): &(usize, &Extension)| before(*at).any(|other| other.oid == extension.oid);
        return extensions.iter().enumerate().find(twice).map(|(_, extension)| extension);
    }
    let mut seen = HashSet::new();
    extensions.iter().find(|extension| !seen.insert(extension.oid))
}

fn serial_text(octets: &[u8]) -> String {
    hex(match octets {
        [0, rest @ ..] if !rest.is_empty() => rest,
        octets => octets,
    })
}

/// `version [0] EXPLICIT INTEGER DEFAULT v1`; the number as people say it.
fn read_version(fields: &mut Reader<'_>) -> Result<u8, Error> {
    match fields.optional(Tag::context(0), "version")? {
        None => Ok(1),
        Some(version) => match version.explicit("version")?.small("version")? {
            0 => Ok(1),
            1 => Ok(2),
            2 => Ok(3),
            other => Err(Error::Version(other.saturating_add(1))),
        },
    }
}

/// The key's place. The key itself is read when it is used.
struct Spki<'a> {
    algorithm: ObjectIdentifier,
    lacks_parameters: bool,
    key: Element<'a>,
    octets: &'a [u8],
}

fn read_spki<'a>(spki: &Element<'a>) -> asn1::Result<Spki<'a>> {
    let mut parts = spki.sequence("SubjectPublicKeyInfo")?;
    let mut id = parts.required(Tag::SEQUENCE, "algorithm")?.sequence("algorithm")?;
    let algorithm = id.required(Tag::OID, "algorithm")?.oid("algorithm")?;
    let lacks_parameters = algorithm == oid::DSA && id.next_element()?.is_none_or(|p| p.tag == Tag::NULL);
    let key = parts.required(Tag::BIT_STRING, "subjectPublicKey")?;
    let octets = key.whole_bits("subjectPublicKey")?;
    parts.finish("SubjectPublicKeyInfo")?;
    Ok(Spki { algorithm, lacks_parameters, key, octets })
}

pub(super) fn read_extensions(list: &Element<'_>) -> asn1::Result<Vec<Extension>> {
    let mut list = list.sequence("extensions")?;
    let mut extensions = Vec::new();
    while let Some(element) = list.next_element()? {
        let mut parts = element.sequence("Extension")?;
        let oid = parts.required(Tag::OID, "extnID")?.oid("extnID")?;
        let critical = parts.optional(Tag::BOOLEAN, "critical")?.map_or(Ok(false), |b| b.boolean("critical"))?;
        let value = parts.required(Tag::OCTET_STRING, "extnValue")?.octets("extnValue")?.into_owned();
        parts.finish("Extension")?;
        extensions.push(Extension { oid, critical, value });
    }
    Ok(extensions)
}

/// Where the last `length` octets of an element stand in the input.
fn tail(element: &Element<'_>, length: usize) -> Range<usize> {
    let end = usize::try_from(element.offset()).unwrap_or(usize::MAX).saturating_add(element.raw().len());
    end.saturating_sub(length)..end
}
