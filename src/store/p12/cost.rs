//! What the password derivations of a PKCS#12 file will cost, added up before the first of them begins (SEC-121).
//!
//! Whatever is malformed costs nothing here: reading it says what is wrong with it, and pays for each derivation anyway.

use super::{MAX_NESTING, data};
use crate::asn1::Result;
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::oid;
use crate::crypto::password::{Pbe, private_key_scheme};

/// The iterations of every part of an AuthenticatedSafe that can be seen from outside.
pub(super) fn of_authenticated_safe(content: &[u8]) -> u64 {
    let Ok(safes) = Reader::single(content, "AuthenticatedSafe") else { return 0 };
    sum(&safes, |safe| {
        let mut info = safe.sequence("ContentInfo")?;
        Ok(match info.required(Tag::OID, "contentType")?.oid("contentType")? {
            oid::ID_DATA => data(safe, "SafeContents").map_or(0, |content| of_safe_contents(&content)),
            oid::ID_ENCRYPTED_DATA => {
                let wrapper = info.required(Tag::context(0), "EncryptedData")?.explicit("EncryptedData")?;
                let mut encrypted = wrapper.sequence("EncryptedData")?;
                encrypted.required(Tag::INTEGER, "EncryptedData version")?;
                let mut info = encrypted.required(Tag::SEQUENCE, "EncryptedContentInfo")?.sequence("info")?;
                info.required(Tag::OID, "contentType")?;
                let algorithm = info.required(Tag::SEQUENCE, "contentEncryptionAlgorithm")?;
                Pbe::read(&algorithm).map_or(0, |pbe| pbe.cost())
            }
            _ => 0,
        })
    })
}

/// The iterations of every key in a SafeContents, however deep it lies.
pub(super) fn of_safe_contents(content: &[u8]) -> u64 {
    bags(content, 0)
}

fn bags(content: &[u8], depth: u64) -> u64 {
    let Ok(safe) = Reader::single(content, "SafeContents") else { return 0 };
    if depth > MAX_NESTING {
        return 0;
    }
    if safe.tag == Tag::OCTET_STRING {
        return safe.octets("SafeContents").map_or(0, |inner| bags(&inner, depth.saturating_add(1)));
    }
    sum(&safe, |bag| {
        let mut bag = bag.sequence("SafeBag")?;
        let id = bag.required(Tag::OID, "bagId")?.oid("bagId")?;
        let value = bag.required(Tag::context(0), "bagValue")?.explicit("bagValue")?;
        Ok(match id {
            oid::PKCS8_SHROUDED_KEY_BAG => private_key_scheme(&value).map_or(0, |pbe| pbe.cost()),
            oid::SAFE_CONTENTS_BAG => bags(value.raw(), depth.saturating_add(1)),
            _ => 0,
        })
    })
}

fn sum(list: &Element<'_>, cost: impl Fn(&Element<'_>) -> Result<u64>) -> u64 {
    let mut total = 0u64;
    let Ok(mut elements) = list.sequence("list") else { return 0 };
    while let Ok(Some(element)) = elements.next_element() {
        total = total.saturating_add(cost(&element).unwrap_or(0));
    }
    total
}
