//! The algorithm lists of Set-SmimeConfig (OUT-80, OUT-81):
//! ```text
//! list  = entry *(";" entry)
//! entry = HEX4 [":" keylen] ["," OID]
//! ```
//! An identifier is one of Windows's `ALG_ID` numbers. What does not follow the grammar is not an error to Exchange,
//! which falls back to a default; here it is a note.

use super::super::value::shown;
use super::SmimeConfig;
use crate::base::reason::Reason;
use crate::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use const_oid::ObjectIdentifier;

/// One entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<A> {
    /// `ALG_ID`, such as 0x6610.
    pub id: u16,
    /// Bits of key; RC2 only.
    pub key_length: Option<u16>,
    /// What stands in the message instead of the algorithm's own identifier.
    pub oid: Option<ObjectIdentifier>,
    /// The algorithm, where this crate knows it.
    pub algorithm: Option<A>,
}

/// A list with its default already put in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<A> {
    /// Best first.
    pub entries: Vec<Entry<A>>,
    /// Whether the administrator wrote it.
    pub written: Written,
    /// What was wrong with it, where the default took its place.
    pub note: Option<Reason>,
}

/// Where a list comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The administrator wrote it.
    ByAdministrator,
    /// It is the default, since nothing was written, or nothing that can be read.
    ByDefault,
}

const CIPHERS: &[(u16, Option<ContentCipher>)] = &[
    (0x6601, Some(ContentCipher::DesCbc)),
    (RC2, None),
    (0x6603, Some(ContentCipher::TripleDesCbc)),
    (0x660e, Some(ContentCipher::Aes128Cbc)),
    (0x660f, Some(ContentCipher::Aes192Cbc)),
    (0x6610, Some(ContentCipher::Aes256Cbc)),
];
const DIGESTS: &[(u16, Option<DigestAlgorithm>)] = &[
    (0x8003, Some(DigestAlgorithm::Md5)),
    (0x8004, Some(DigestAlgorithm::Sha1)),
    (0x800c, Some(DigestAlgorithm::Sha256)),
    (0x800d, Some(DigestAlgorithm::Sha384)),
    (0x800e, Some(DigestAlgorithm::Sha512)),
];
const RC2: u16 = 0x6602;
/// The lengths of RC2 keys that Exchange takes.
const RC2_LENGTHS: [(u16, Option<ContentCipher>); 4] = [
    (40, Some(ContentCipher::Rc2Cbc40)),
    (56, None),
    (64, Some(ContentCipher::Rc2Cbc64)),
    (128, Some(ContentCipher::Rc2Cbc128)),
];

impl SmimeConfig {
    /// OWAEncryptionAlgorithms; AES-256 where it is absent or malformed (OUT-80).
    pub fn ciphers(&self) -> List<ContentCipher> {
        let default = Entry { id: 0x6610, key_length: None, oid: None, algorithm: Some(ContentCipher::Aes256Cbc) };
        list("OWAEncryptionAlgorithms", self.encryption_algorithms.as_deref(), default, "AES-256", |id, length| {
            if id == RC2 {
                // Without a length the strongest is meant.
                let length = length.unwrap_or(128);
                let found = RC2_LENGTHS.iter().find(|(bits, _)| *bits == length);
                return found.map(|(_, cipher)| *cipher).ok_or("RC2 has keys of 40, 56, 64 or 128 bits");
            }
            known(CIPHERS, id, length)
        })
        .with_oids(ContentCipher::from_oid)
    }

    /// OWASigningAlgorithms; SHA-1 where it is absent or malformed (OUT-81).
    pub fn digests(&self) -> List<DigestAlgorithm> {
        let default = Entry { id: 0x8004, key_length: None, oid: None, algorithm: Some(DigestAlgorithm::Sha1) };
        list("OWASigningAlgorithms", self.signing_algorithms.as_deref(), default, "SHA-1", |id, length| {
            known(DIGESTS, id, length)
        })
        .with_oids(DigestAlgorithm::from_oid)
    }
}

impl<A: Copy> List<A> {
    /// An identifier of the administrator's decides what the entry is on the wire; one that is not known is an algorithm
    /// that is not there.
    fn with_oids(mut self, named: impl Fn(&ObjectIdentifier) -> Option<A>) -> Self {
        for entry in &mut self.entries {
            if let Some(oid) = &entry.oid {
                entry.algorithm = named(oid);
            }
        }
        self
    }

    /// The first that is fit to be written.
    pub fn first(&self, fit: impl Fn(A) -> bool) -> Option<A> {
        self.entries.iter().filter_map(|entry| entry.algorithm).find(|algorithm| fit(*algorithm))
    }
}

fn list<A: Copy>(
    name: &str,
    text: Option<&str>,
    default: Entry<A>,
    default_name: &str,
    known: impl Fn(u16, Option<u16>) -> Result<Option<A>, &'static str>,
) -> List<A> {
    let fallback = |note| List { entries: vec![default], written: Written::ByDefault, note };
    let Some(text) = text else { return fallback(None) };
    let entries: Result<Vec<Entry<A>>, (&str, &'static str)> =
        text.split(';').map(|text| entry(text, &known).map_err(|why| (text, why))).collect();
    match entries {
        Ok(entries) => List { entries, written: Written::ByAdministrator, note: None },
        Err((text, why)) => {
            let text =
                format!("{name} is malformed at \"{}\" ({why}): Exchange then takes {default_name}", shown(text));
            fallback(Some(Reason::new("malformed_algorithm_list", text)))
        }
    }
}

fn entry<A>(
    text: &str,
    known: impl Fn(u16, Option<u16>) -> Result<Option<A>, &'static str>,
) -> Result<Entry<A>, &'static str> {
    let (head, oid) = match text.split_once(',') {
        Some((head, oid)) => (head, Some(oid.parse().map_err(|_| "what follows the comma is no object identifier")?)),
        None => (text, None),
    };
    let (id, key_length) = match head.split_once(':') {
        Some((id, length)) => (id, Some(number(length).ok_or("what follows the colon is no length of a key")?)),
        None => (head, None),
    };
    if id.len() != 4 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("an identifier has four hexadecimal digits");
    }
    let id = u16::from_str_radix(id, 16).map_err(|_| "an identifier has four hexadecimal digits")?;
    Ok(Entry { id, key_length, oid, algorithm: known(id, key_length)? })
}

fn number(digits: &str) -> Option<u16> {
    digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

fn known<A: Copy>(table: &[(u16, Option<A>)], id: u16, length: Option<u16>) -> Result<Option<A>, &'static str> {
    if length.is_some() {
        return Err("only RC2 takes a length of its key");
    }
    let found = table.iter().find(|(known, _)| *known == id);
    found.map(|(_, algorithm)| *algorithm).ok_or("no such algorithm")
}
