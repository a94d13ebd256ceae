//! SMIMECapabilities (RFC 8551 section 2.5.2): what a client says it can read, best first.

use super::Result;
use super::attribute::Attributes;
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::crypto::algorithm::DigestAlgorithm;
use const_oid::ObjectIdentifier;

/// `SMIMECapability ::= SEQUENCE { capabilityID OBJECT IDENTIFIER, parameters ANY OPTIONAL }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// What can be read.
    pub identifier: ObjectIdentifier,
    /// Encoding of the parameters as received.
    pub parameters: Option<Vec<u8>>,
}

/// Which list goes into a new signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapabilityList {
    /// Outlook's, in its order, without RC2, which nobody should send us (OUT-54).
    Outlook,
    /// Outlook's to the byte, RC2 included.
    OutlookExact,
    /// What RFC 8551 section 2.7 prefers: authenticated encryption first.
    Rfc8551,
}

/// The encoding of a list for a signature made with `digest`.
pub fn encode(list: CapabilityList, digest: DigestAlgorithm) -> Vec<u8> {
    let (ciphers, rc2, digests): (&[ObjectIdentifier], &[u64], &[ObjectIdentifier]) = match list {
        CapabilityList::Outlook => (&OUTLOOK_CIPHERS, &[], &OUTLOOK_DIGESTS),
        CapabilityList::OutlookExact => (&OUTLOOK_CIPHERS, &[128, 64], &OUTLOOK_DIGESTS),
        CapabilityList::Rfc8551 => (
            &[oid::AES256_GCM, oid::AES128_GCM, oid::AES256_CBC, oid::AES128_CBC],
            &[],
            &[oid::SHA512, oid::SHA384, oid::SHA256],
        ),
    };
    let plain = |identifier: &ObjectIdentifier| der::sequence(&[der::oid(identifier)]);
    let mut entries: Vec<Vec<u8>> = ciphers.iter().map(plain).collect();
    // RFC 8551 section 2.5.2: the parameter is the effective key length in bits.
    entries.extend(rc2.iter().map(|bits| der::sequence(&[der::oid(&oid::RC2_CBC), der::integer(*bits)])));
    // OUT-54: the digest in use first, then the others, strongest first.
    entries.push(plain(&digest.oid()));
    entries.extend(digests.iter().filter(|d| **d != digest.oid()).map(plain));
    der::sequence(&entries)
}

const OUTLOOK_CIPHERS: [ObjectIdentifier; 4] = [oid::AES256_CBC, oid::AES192_CBC, oid::DES_EDE3_CBC, oid::AES128_CBC];
const OUTLOOK_DIGESTS: [ObjectIdentifier; 4] = [oid::SHA512, oid::SHA384, oid::SHA256, oid::SHA1];

/// Reads the value of the attribute or of the certificate extension (RFC 4262).
///
/// # Errors
/// Where it is not a SEQUENCE of capabilities, or holds more than [`Limits::attributes`].
pub fn decode(value: &[u8], limits: &Limits) -> Result<Vec<Capability>> {
    let mut capabilities = Vec::new();
    each(value, limits, |identifier, parameters| {
        capabilities.push(Capability { identifier, parameters: parameters.map(<[u8]>::to_vec) });
    })?;
    Ok(capabilities)
}

/// Hands over each capability: its identifier, and its parameters as received.
fn each(value: &[u8], limits: &Limits, mut found: impl FnMut(ObjectIdentifier, Option<&[u8]>)) -> Result<()> {
    let what = "SMIMECapabilities";
    let mut list = Reader::single(value, what)?.sequence(what)?;
    let mut count = 0;
    while let Some(entry) = list.next_element()? {
        if count >= limits.attributes {
            return Err(super::Error::Limit { what: "capabilities", limit: limits.attributes as u64 });
        }
        count += 1;
        let mut fields = entry.sequence("SMIMECapability")?;
        let identifier = fields.required(Tag::OID, "capabilityID")?.oid("capabilityID")?;
        found(identifier, fields.next_element()?.map(|parameters| parameters.raw()));
    }
    Ok(())
}

/// The list among signed attributes, as received; `None` where it is absent, stands there twice or is malformed.
pub fn signed(attributes: &Attributes, limits: &Limits) -> Option<Vec<u8>> {
    let value = attributes.single(&oid::ID_SMIME_CAPABILITIES).ok()??;
    each(value, limits, |_, _| ()).ok().map(|()| value.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_in_use_comes_first_and_the_list_reads_back() {
        let bytes = encode(CapabilityList::Outlook, DigestAlgorithm::Sha384);
        let list: Vec<_> = decode(&bytes, &Limits::default()).unwrap().into_iter().map(|c| c.identifier).collect();
        let expected = [
            oid::AES256_CBC,
            oid::AES192_CBC,
            oid::DES_EDE3_CBC,
            oid::AES128_CBC,
            oid::SHA384,
            oid::SHA512,
            oid::SHA256,
            oid::SHA1,
        ];
        assert_eq!(list, expected);
    }
}
