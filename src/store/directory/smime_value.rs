//! A value of `userSMIMECertificate`: a SignedData of its owner (RFC 2798 section 2.8, OUT-97), Exchange's older form of tags
//! and lengths ([MS-OXOABK] 2.2.4.36, OUT-98), or a bare certificate, as some directories have it.

use super::{Filed, Offer};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cms;
use crate::cms::attribute::Attributes;
use crate::cms::capabilities;
use crate::cms::identifier::CertificateId;
use crate::cms::signed::{Head, SignedData, Sink};
use crate::cms::signer_info::{ContentFacts, ContentReading, Integrity, SignerInfo, resembles_attributes};
use crate::crypto::digest::hash;

/// What stands in one value.
#[derive(Clone, Debug, Default)]
pub struct SmimeValue {
    /// The owner's certificates, the one to encrypt to first where it is marked.
    pub offers: Vec<Offer>,
    /// Authorities' certificates.
    pub others: Vec<Certificate>,
    /// Revocation lists, DER.
    pub crls: Vec<Vec<u8>>,
    /// What is odd.
    pub notes: Vec<Reason>,
}

/// Reads a value in either form.
///
/// # Errors
/// Why it is none of them, in a sentence.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<SmimeValue, String> {
    if bytes.first() != Some(&0x30) {
        return tagged(bytes, limits);
    }
    let mut content = Content(Vec::new());
    match SignedData::read(bytes, limits, &mut content) {
        Ok(signed) => Ok(of_signed(signed, &content.0, limits)),
        Err(error) => match Certificate::from_der(bytes) {
            Ok(own) => {
                let mut value = SmimeValue::default();
                value.take(own, None, false);
                Ok(value)
            }
            Err(_) => Err(error.to_string()),
        },
    }
}

impl SmimeValue {
    /// What is no authority's is the owner's own.
    fn take(&mut self, certificate: Certificate, capabilities: Option<Vec<u8>>, marked: bool) {
        if certificate.basic_constraints().is_some_and(|basic| basic.ca) {
            self.others.push(certificate);
            return;
        }
        self.offers.push(Offer { certificate, filed: Filed::UserSmimeCertificate, capabilities, marked });
    }

    fn note(&mut self, code: &'static str, text: impl Into<String>) {
        self.notes.push(Reason::new(code, text));
    }
}

/// The content, which is normally absent, and never looked at but for its digest.
struct Content(Vec<u8>);

impl Sink for Content {
    fn begin(&mut self, _: &Head) -> cms::Result<()> {
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> cms::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// OUT-97: what the owner signed counts where the signature holds; the certificates have to prove themselves anyway.
fn of_signed(signed: SignedData, content: &[u8], limits: &Limits) -> SmimeValue {
    let mut value = SmimeValue { crls: signed.crls.clone(), notes: signed.notes.clone(), ..SmimeValue::default() };
    let digests = signed.signers.iter().filter_map(SignerInfo::digest);
    let facts = [ContentReading {
        digests: digests.map(|algorithm| (algorithm, hash(algorithm, content))).collect(),
        whole: Some(content.to_vec()),
        note: None,
    }];
    let facts = ContentFacts {
        content_type: signed.head.content_type,
        readings: &facts,
        resembles_attributes: resembles_attributes(content),
    };
    let (mut said, mut marked): (_, Option<CertificateId>) = (None, None);
    for signer in &signed.signers {
        let intact = match signer.certificate(&signed.certificates) {
            Ok(Some(certificate)) => signer.check(certificate, &facts, limits).integrity == Integrity::Intact,
            _ => false,
        };
        if !intact {
            let text = "the signature of a userSMIMECertificate does not hold: what it says beside the certificates was \
                        not taken";
            value.note("smime_value_signature_invalid", text);
            continue;
        }
        let attributes = signer.signed_attributes.as_ref();
        said = said.or_else(|| attributes.and_then(|attributes| capabilities::signed(attributes, limits)));
        marked = marked.or_else(|| attributes.and_then(Attributes::encryption_key_preference));
    }
    for certificate in signed.certificates {
        let is_marked = marked.as_ref().is_some_and(|id| id.names(&certificate));
        value.take(certificate, said.clone(), is_marked);
    }
    value.offers.sort_by_key(|offer| !offer.marked);
    value
}

/// Tags of [MS-OXOABK] 2.2.4.36, with the constants of Exchange's address books.
mod tag {
    pub(super) const VERSION: u16 = 0x0001;
    pub(super) const CAPABILITIES: u16 = 0x0002;
    pub(super) const KEY_EXCHANGE: u16 = 0x0003;
    pub(super) const CHAIN: u16 = 0x0004;
    pub(super) const SIGNING: u16 = 0x0008;
    pub(super) const SIGNING_SHA1: u16 = 0x0009;
    pub(super) const DEFAULTS: u16 = 0x0020;
    pub(super) const KEY_EXCHANGE_SHA1: u16 = 0x0022;
}

/// "Default for the format" and "global default" (OUT-98).
const DEFAULT: u32 = 1 | 2;

/// OUT-98: TAG u16, LENGTH u16 with the four octets of both, DATA; numbers begin with their smallest octet.
fn tagged(bytes: &[u8], limits: &Limits) -> Result<SmimeValue, String> {
    let mut fields: Vec<(u16, &[u8])> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let Some(([a, b, c, d], after)) = rest.split_first_chunk::<4>() else {
            return Err(format!("at byte {at} a tag and a length are cut short"));
        };
        let (kind, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        let Some(length) = length.checked_sub(4) else {
            return Err(format!("at byte {at} the length of tag {kind:04x} is less than the four octets it includes"));
        };
        let Some((data, next)) = after.split_at_checked(length) else {
            let have = after.len();
            return Err(format!("at byte {at} tag {kind:04x} announces {length} octets, and {have} are there"));
        };
        fields.push((kind, data));
        if fields.len() > limits.certificates {
            return Err(format!("it has more than {} tags", limits.certificates));
        }
        rest = next;
    }
    of_tags(&fields, limits)
}

fn of_tags(fields: &[(u16, &[u8])], limits: &Limits) -> Result<SmimeValue, String> {
    let mut value = SmimeValue::default();
    let all = |kind: u16| fields.iter().filter(move |(tag, _)| *tag == kind).map(|(_, data)| *data);
    let one = |kind: u16| match (all(kind).next(), all(kind).nth(1)) {
        (first, None) => Ok(first),
        _ => Err(format!("tag {kind:04x} stands there twice")),
    };
    let number = |data: &[u8]| <[u8; 4]>::try_from(data).map(u32::from_le_bytes).ok();
    match one(tag::VERSION)?.map(number) {
        Some(Some(1)) => {}
        Some(version) => return Err(format!("it is of version {version:?}, where 1 is known")),
        None => {
            return Err(
                "it is neither a CMS structure, nor a certificate, nor Exchange's tags (0001 is missing)".into()
            );
        }
    }
    let capabilities = match one(tag::CAPABILITIES)? {
        Some(data) if capabilities::decode(data, limits).is_ok() => Some(data.to_vec()),
        Some(_) => {
            value.note("smime_value_capabilities", "tag 0002 is no SMIMECapabilities and was passed over");
            None
        }
        None => None,
    };
    let marked = one(tag::DEFAULTS)?.and_then(number).is_some_and(|bits| bits & DEFAULT != 0);
    let certificate = |kind: u16, data: &[u8]| Certificate::from_der(data).map_err(|e| format!("tag {kind:04x}: {e}"));
    if let Some(data) = one(tag::KEY_EXCHANGE)? {
        let own = certificate(tag::KEY_EXCHANGE, data)?;
        let same = one(tag::KEY_EXCHANGE_SHA1)?.is_none_or(|named| named == own.sha1());
        if !same {
            let text =
                "the certificate to encrypt to (tag 0003) is another than tag 0022 names, so that it counts as any";
            value.note("smime_value_hash_differs", text);
        }
        value.take(own, capabilities.filter(|_| same), marked && same);
    }
    let signing = one(tag::SIGNING)?;
    if signing.is_some() && one(tag::SIGNING_SHA1)?.is_some() {
        value.note("smime_value_two_signing", "tags 0008 and 0009 both name the signing certificate");
    }
    for (kind, data) in
        signing.map(|data| (tag::SIGNING, data)).into_iter().chain(all(tag::CHAIN).map(|d| (tag::CHAIN, d)))
    {
        match certificate(kind, data) {
            Ok(own) => value.take(own, None, false),
            Err(why) => value.note("certificate_unreadable", why),
        }
    }
    Ok(value)
}
