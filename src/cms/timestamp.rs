//! Timestamps of signatures (RFC 3161): a token in the unsigned attributes of a signer, by which an authority says that
//! the signature existed when the token was made. It is the only evidence of when something was signed: signingTime is
//! the signer's own claim, and whoever holds a key can claim any time (SEC-31, SEC-118).
//!
//! [`verify`] checks the arithmetic. Whether the authority is trusted is a question of chains, as with any signer, to be
//! asked with [`Purpose::TimeStamp`](crate::cert::purpose::Purpose::TimeStamp).

use super::content::EContent;
use super::identifier::hex;
use super::signed::{Head, SignedData, Sink};
use super::signer_info::{ContentFacts, ContentReading, Integrity, SignerInfo};
use super::tst_info::{Accuracy, GenTime, TstInfo};
use super::{Error, Result};
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::extension::GeneralName;
use crate::crypto::algorithm::{DigestAlgorithm, oid_name};
use crate::crypto::{digest, strength};
use const_oid::ObjectIdentifier;

/// A timestamp whose arithmetic holds: it is of that signature, and the certificate's key signed it. There is no other
/// way to one than [`verify`]. Whether the certificate is to be trusted is not known yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timestamp {
    /// The signature existed by then: `generated` and `accuracy` together, rounded up to the second.
    pub time: Time,
    /// genTime as the authority tells it.
    pub generated: GenTime,
    /// By how much the authority says that it may be wrong.
    pub accuracy: Option<Accuracy>,
    /// The policy that the authority stamps by.
    pub policy: ObjectIdentifier,
    /// Content octets of serialNumber: the authority's number for this timestamp.
    pub serial: Vec<u8>,
    /// The authority's certificate.
    pub certificate: Certificate,
    /// The certificates of the token, to build a chain of; trusted in nothing.
    pub certificates: Vec<Certificate>,
    /// CertificateLists of the token, as received.
    pub crls: Vec<Vec<u8>>,
    /// What does not decide: weak algorithms (codes that begin with `weak_`), and what is odd about the token.
    pub notes: Vec<Reason>,
}

/// The timestamp tokens of a signer as received, in their order: every value of every attribute id-aa-timeStampToken
/// (RFC 3161 appendix A). None is looked into, nor are tokens within tokens (SEC-39).
pub fn tokens(signer: &SignerInfo) -> impl Iterator<Item = &[u8]> {
    let attributes = signer.unsigned_attributes.iter();
    attributes.flat_map(|set| set.all(&oid::ID_AA_TIME_STAMP_TOKEN)).flat_map(|a| a.values())
}

/// Checks one token as the timestamp of a signature. `signature` is [`SignerInfo::signature`] of the signer that bears
/// the token; `known` are certificates to look for the authority's in where the token has it not (certReq FALSE), in this
/// order.
///
/// # Errors
/// The reason against it, with one of these codes: `timestamp_invalid` (its structure, its signature, or what RFC 3161
/// asks of both), `timestamp_imprint_mismatch` (it is the timestamp of something else), `timestamp_signer_missing` (the
/// authority's certificate is nowhere), `timestamp_unsupported` (an algorithm is unknown, so that nothing is known).
pub fn verify(
    token: &[u8],
    signature: &[u8],
    known: &[&[Certificate]],
    limits: &Limits,
) -> std::result::Result<Timestamp, Reason> {
    let mut content = Content { bytes: Vec::new(), limit: limits.element_bytes };
    let data = SignedData::read(token, limits, &mut content).map_err(|e| unreadable(&e))?;
    let signer = only_signer(&data)?;
    let info = TstInfo::parse(&content.bytes, limits).map_err(|e| unreadable(&e))?;
    let imprint = check_info(&info, signature)?;
    let certificate = certificate_of(signer, &data, known)?;
    let mut notes: Vec<Reason> = data.notes.clone();
    notes.extend(strength::digest_weakness(imprint));
    notes.extend(check_signer(signer, &certificate, &content.bytes, limits)?);
    check_name(&info, &certificate)?;
    Ok(Timestamp {
        time: info.latest(),
        generated: info.time,
        accuracy: info.accuracy,
        policy: info.policy,
        serial: info.serial,
        certificate,
        certificates: data.certificates,
        crls: data.crls,
        notes: notes.into_iter().map(|n| Reason::new(n.code, format!("of the timestamp: {}", n.text))).collect(),
    })
}

/// Keeps the content, which is a TSTInfo and so a small one.
struct Content {
    bytes: Vec<u8>,
    limit: usize,
}

impl Sink for Content {
    fn begin(&mut self, _: &Head) -> Result<()> {
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<()> {
        if self.bytes.len().saturating_add(bytes.len()) > self.limit {
            return Err(Error::Limit { what: "bytes of a TSTInfo", limit: self.limit as u64 });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// RFC 3161 section 2.4.2: a SignedData over a TSTInfo, by one signer.
fn only_signer(data: &SignedData) -> std::result::Result<&SignerInfo, Reason> {
    // RFC 5652 section 5.1 asks for 3 here, or more with other formats of certificates. Some authorities write 1.
    if !matches!(data.head.version, 1 | 3..=5) {
        return Err(invalid(format!("its SignedData is of version {}, which there is not", data.head.version)));
    }
    if data.head.content_type != oid::ID_CT_TST_INFO {
        let found = oid_name(&data.head.content_type);
        return Err(invalid(format!("its content is of type {found}, not id-ct-TSTInfo")));
    }
    if data.head.content == EContent::Detached {
        return Err(invalid("it has no content"));
    }
    match data.signers.as_slice() {
        [signer] => Ok(signer),
        several => Err(invalid(format!("it has {} signers; RFC 3161 allows one", several.len()))),
    }
}

/// What the authority says, apart from who it is. Gives the digest that binds it to the signature.
fn check_info(info: &TstInfo, signature: &[u8]) -> std::result::Result<DigestAlgorithm, Reason> {
    if info.version != 1 {
        return Err(invalid(format!("its TSTInfo is of version {}; there is only version 1", info.version)));
    }
    if let Some(extension) = info.extensions.iter().find(|extension| extension.critical) {
        let text =
            format!("its TSTInfo has the critical extension {}, which is not understood here", extension.label());
        return Err(invalid(text));
    }
    let algorithm = DigestAlgorithm::from_identifier(&info.hash_algorithm).map_err(|e| unsupported(&e))?;
    let (found, needed) = (info.hashed_message.len(), algorithm.length());
    if found != needed {
        return Err(invalid(format!("its {algorithm} of the signature has {found} octets instead of {needed}")));
    }
    // RFC 3161 appendix A: over the value of the signature field, without tag and length.
    let actual = digest::hash(algorithm, signature);
    if info.hashed_message != actual {
        let text = format!(
            "the timestamp of {} is not one of this signature: it is for the {algorithm} {}, that of the signature is {}",
            info.time,
            hex(&info.hashed_message),
            hex(&actual)
        );
        return Err(Reason::new("timestamp_imprint_mismatch", text));
    }
    Ok(algorithm)
}

fn certificate_of(
    signer: &SignerInfo,
    data: &SignedData,
    known: &[&[Certificate]],
) -> std::result::Result<Certificate, Reason> {
    for pool in std::iter::once(data.certificates.as_slice()).chain(known.iter().copied()) {
        if let Some(certificate) = signer.certificate(pool).map_err(|e| invalid(e.to_string()))? {
            return Ok(certificate.clone());
        }
    }
    let text = format!(
        "the certificate of the timestamp's authority ({}) is neither in the timestamp nor in the message, nor among \
         those given",
        signer.identifier
    );
    Err(Reason::new("timestamp_signer_missing", text))
}

/// The authority's signature over the TSTInfo: contentType, messageDigest and the rest of the signed attributes, and that
/// they bind the certificate. Its own signingTime is read by no one. Gives what is odd.
fn check_signer(
    signer: &SignerInfo,
    certificate: &Certificate,
    content: &[u8],
    limits: &Limits,
) -> std::result::Result<Vec<Reason>, Reason> {
    // RFC 3161 section 2.4.2: "The signing certificate attribute MUST be included"; RFC 5816 for version 2.
    let is_binding = |kind| matches!(kind, oid::ID_AA_SIGNING_CERTIFICATE | oid::ID_AA_SIGNING_CERTIFICATE_V2);
    if !signer.signed_attributes.iter().flat_map(|set| set.iter()).any(|attribute| is_binding(attribute.kind)) {
        return Err(invalid("its signed attributes name no certificate (signingCertificate or signingCertificateV2)"));
    }
    let digests = signer.digest().map(|algorithm| (algorithm, digest::hash(algorithm, content))).into_iter().collect();
    let facts = ContentFacts {
        content_type: oid::ID_CT_TST_INFO,
        readings: &[ContentReading { digests, whole: None, note: None }],
        resembles_attributes: false,
    };
    let check = signer.check(certificate, &facts, limits);
    let against = check.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ");
    match check.integrity {
        Integrity::Intact => {}
        Integrity::Altered => return Err(invalid(against)),
        Integrity::Unchecked => return Err(unsupported(&against)),
    }
    if let Some(unknown) = check.notes.iter().find(|note| note.code == "ess_unknown_hash") {
        return Err(unsupported(&unknown.text));
    }
    Ok([check.notes, check.weaknesses].concat())
}

/// RFC 3161 section 2.4.2: where tsa is present, it is one of the names of the certificate.
fn check_name(info: &TstInfo, certificate: &Certificate) -> std::result::Result<(), Reason> {
    let Some(name) = &info.authority else { return Ok(()) };
    let is_same = |own: &GeneralName| match (own, name) {
        (GeneralName::Directory(own), GeneralName::Directory(name)) => own.same(name),
        (own, name) => own == name,
    };
    let subject = GeneralName::Directory(certificate.subject().clone());
    if is_same(&subject) || certificate.subject_alt_names().iter().any(is_same) {
        return Ok(());
    }
    let said = match name {
        GeneralName::Directory(name) => name.to_string(),
        other => format!("{other:?}"),
    };
    Err(invalid(format!("it says that it is of {said}, and the certificate is that of {}", certificate.subject())))
}

fn invalid(text: impl Into<String>) -> Reason {
    Reason::new("timestamp_invalid", format!("the timestamp is not valid: {}", text.into()))
}

fn unreadable(error: &Error) -> Reason {
    invalid(format!("it cannot be read: {error}"))
}

fn unsupported(error: &dyn std::fmt::Display) -> Reason {
    Reason::new("timestamp_unsupported", format!("the timestamp cannot be checked: {error}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::asn1::ber::Tag;
    use crate::asn1::der;
    use crate::cert::extension::{Extension, KeyUsage};
    use crate::cert::issue::{CertificateTemplate, issue};
    use crate::cert::name::Name;
    use crate::cms::identifier::CertificateId;
    use crate::cms::signer_info;
    use crate::crypto::algorithm::SignatureScheme;
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

    /// An authority for timestamps under a root of its own.
    pub(crate) struct Authority {
        key: PrivateKey,
        pub(crate) root: Certificate,
        pub(crate) certificate: Certificate,
    }

    impl Authority {
        /// Valid for so long, with such an extKeyUsage.
        pub(crate) fn new(validity: (&str, &str), usages: &[ObjectIdentifier], critical: bool) -> Self {
            let [root_key, key] = [(); 2].map(|()| PrivateKey::generate(KeyKind::P256, 0).unwrap());
            let sign = |template: &CertificateTemplate| {
                issue(template, &SCHEME.identifier(), &|tbs| Ok(root_key.sign(&SCHEME, tbs)?)).unwrap()
            };
            let at = |text: &str| text.parse::<Time>().unwrap();
            let name = |text| Name::build(&[(oid::COMMON_NAME, text)]);
            let years = (at("2000-01-01T00:00:00Z"), at("2060-01-01T00:00:00Z"));
            let root = CertificateTemplate::new(name("Root"), None, &[1], years, &root_key.public_key_spki());
            let root = sign(&root.for_authority(None));
            let validity = (at(validity.0), at(validity.1));
            let spki = key.public_key_spki();
            let mut template = CertificateTemplate::new(name("Stamps"), Some(&root), &[2], validity, &spki);
            template.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE);
            let value = der::sequence(&usages.iter().map(der::oid).collect::<Vec<_>>());
            template.extensions.push(Extension { oid: oid::EXTENDED_KEY_USAGE, critical, value });
            let certificate = sign(&template);
            Self { key, root, certificate }
        }

        /// From 2020 to 2040.
        pub(crate) fn usual() -> Self {
            Self::new(("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"), &[oid::TIME_STAMPING], true)
        }

        /// Its timestamp of a signature. `gen_time` is `YYYYMMDDhhmmss`; two seconds of accuracy are told.
        pub(crate) fn stamp(&self, signature: &[u8], gen_time: &str) -> Vec<u8> {
            let certificates = der::set_of(Tag::context(0), vec![self.certificate.der().to_vec()]);
            self.stamp_with(signature, gen_time, certificates)
        }

        /// The same with another element for its certificates, or with nothing in place of it.
        pub(crate) fn stamp_with(&self, signature: &[u8], gen_time: &str, certificates: Vec<u8>) -> Vec<u8> {
            let digest = |bytes: &[u8]| digest::hash(DigestAlgorithm::Sha256, bytes);
            let algorithm = DigestAlgorithm::Sha256.identifier().to_der();
            let info = der::sequence(&[
                der::integer(1),
                der::oid(&ObjectIdentifier::new_unwrap("1.2.3.4.1")),
                der::sequence(&[algorithm.clone(), der::octets(&digest(signature))]),
                der::integer(77),
                der::primitive(Tag::GENERALIZED_TIME, format!("{gen_time}Z").as_bytes()),
                der::sequence(&[der::integer(2)]),
            ]);
            let attribute = |kind, value| der::sequence(&[der::oid(kind), der::set_of(Tag::SET, vec![value])]);
            let bound = der::sequence(&[der::octets(&self.certificate.sha256())]);
            let attributes = der::set_of(
                Tag::SET,
                vec![
                    attribute(&oid::ID_CONTENT_TYPE, der::oid(&oid::ID_CT_TST_INFO)),
                    attribute(&oid::ID_MESSAGE_DIGEST, der::octets(&digest(&info))),
                    attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, der::sequence(&[der::sequence(&[bound])])),
                ],
            );
            let value = self.key.sign(&SCHEME, &attributes).unwrap();
            let identifier = CertificateId::issuer_and_serial(&self.certificate);
            let digest = DigestAlgorithm::Sha256;
            let signer = signer_info::encode(&identifier, digest, &attributes, &SCHEME.identifier(), &value);
            let data = der::sequence(&[
                der::integer(3),
                der::set_of(Tag::SET, vec![algorithm]),
                der::sequence(&[der::oid(&oid::ID_CT_TST_INFO), der::explicit(0, &der::octets(&info))]),
                certificates,
                der::set_of(Tag::SET, vec![signer]),
            ]);
            der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &data)])
        }
    }

    /// A signer with this signature (which is none) and these tokens.
    pub(crate) fn stamped(signature: &[u8], tokens: &[Vec<u8>]) -> SignerInfo {
        let mut fields = vec![
            der::integer(3),
            CertificateId::SubjectKeyIdentifier(vec![1, 2, 3]).to_der(),
            DigestAlgorithm::Sha256.identifier().to_der(),
            SCHEME.identifier().to_der(),
            der::octets(signature),
        ];
        if !tokens.is_empty() {
            let values = der::constructed(Tag::SET, tokens);
            let attribute = der::sequence(&[der::oid(&oid::ID_AA_TIME_STAMP_TOKEN), values]);
            fields.push(der::constructed(Tag::context(1), &[attribute]));
        }
        SignerInfo::parse(&der::sequence(&fields), &Limits::default()).unwrap()
    }

    #[test]
    fn a_timestamp_is_of_one_signature_and_tells_what_it_holds() {
        let authority = Authority::usual();
        let token = authority.stamp(b"signature", "20261124080000");
        let signer = stamped(b"signature", std::slice::from_ref(&token));
        assert_eq!(tokens(&signer).collect::<Vec<_>>(), [token.as_slice()]);
        let limits = Limits::default();
        let stamp = verify(&token, &signer.signature, &[], &limits).unwrap();
        assert_eq!(stamp.generated.to_string(), "2026-11-24T08:00:00Z");
        assert_eq!(stamp.time.to_string(), "2026-11-24T08:00:02Z");
        assert_eq!((stamp.serial.as_slice(), stamp.policy.to_string().as_str()), (&[77][..], "1.2.3.4.1"));
        assert!(stamp.certificate == authority.certificate && stamp.certificates.len() == 1 && stamp.crls.is_empty());
        assert!(stamp.notes.is_empty(), "{:?}", stamp.notes);
        let other = verify(&token, b"signaturf", &[], &limits).unwrap_err();
        assert_eq!(other.code, "timestamp_imprint_mismatch", "{other}");
    }

    #[test]
    fn no_octet_of_a_token_can_be_changed_and_another_time_come_out() {
        let authority = Authority::usual();
        let token = authority.stamp(b"signature", "20261124080000");
        let limits = Limits::default();
        let whole = verify(&token, b"signature", &[], &limits).unwrap();
        let mut refused = 0;
        for at in 0..token.len() {
            for bit in [1, 0x80] {
                let mut changed = token.clone();
                changed[at] ^= bit;
                match verify(&changed, b"signature", &[], &limits) {
                    Ok(stamp) => {
                        assert_eq!((stamp.generated, stamp.time), (whole.generated, whole.time), "{at}");
                        assert_eq!(
                            (stamp.certificate, stamp.serial),
                            (whole.certificate.clone(), whole.serial.clone())
                        );
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        // What may change is the outer version and digestAlgorithms, which nothing relies on.
        assert!(refused > 2 * token.len() - 40, "{refused} of {}", 2 * token.len());
    }
}
