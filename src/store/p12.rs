//! PKCS#12 files (RFC 7292, RFC 9579): private keys with their certificates under a password.
//!
//! The reader takes BER, checks the MAC first, in constant time, and gives out what is inside as it stands there; it
//! pairs nothing (see [`import`](super::import), which does so by public key, SEC-123). Bags that are not read are
//! skipped with a note. The writer, [`write`](write()), knows one modern profile.

mod write;

pub use write::{Profile, write};

use super::{Error, Result};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::secret::Secret;
use crate::crypto::password::{self, Integrity, KdfBudget, Password, Pbe, open_private_key};
use const_oid::ObjectIdentifier;
use std::borrow::Cow;

/// What to do with a file that nothing guards against alteration (SEC-122).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingMac {
    /// [`Error::NoMac`].
    #[default]
    Refuse,
    /// Read on, with the note `no_mac`.
    Accept,
}

/// A key, or a certificate, with the names that the file gives it.
#[derive(Clone, Debug)]
pub struct Bag<T> {
    /// The key's PKCS#8 DER, or the certificate's DER.
    pub value: T,
    /// For people; malformed characters are U+FFFD (SEC-124).
    pub friendly_name: Option<String>,
    /// Says which key belongs to which certificate. A hint only.
    pub local_key_id: Option<Vec<u8>>,
}

/// What a PKCS#12 file holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// `PrivateKeyInfo`, in the file's order.
    pub keys: Vec<Bag<Secret>>,
    /// DER, in the file's order.
    pub certificates: Vec<Bag<Vec<u8>>>,
    /// DER, in the file's order.
    pub crls: Vec<Vec<u8>>,
    /// What was skipped and what is weak.
    pub notes: Vec<Reason>,
}

/// Reads a PKCS#12 file in BER. `budget` is that of the file that it stands in.
///
/// # Errors
/// [`Error::PasswordNeeded`], [`Error::WrongPasswordOrCorrupt`], [`Error::NoMac`], [`Error::UnsupportedAlgorithm`],
/// [`Error::Limit`], [`Error::Malformed`]; a key or bag alone that is not read is a note, not an error.
pub fn read(
    bytes: &[u8],
    password: Option<&Secret>,
    missing_mac: MissingMac,
    limits: &Limits,
    budget: &mut KdfBudget,
) -> Result<Contents> {
    if bytes.len() > limits.key_file_bytes {
        return Err(Error::TooLarge { what: "PKCS#12", size: bytes.len(), limit: limits.key_file_bytes });
    }
    let mut pfx = Reader::single(bytes, "PFX")?.sequence("PFX")?;
    let version = pfx.required(Tag::INTEGER, "PFX version")?.small("PFX version")?;
    if version != 3 {
        return Err(Error::Parameters { what: "PKCS#12", why: format!("version {version} is not 3") });
    }
    let auth_safe = data(&pfx.required(Tag::SEQUENCE, "authSafe")?, "authSafe")?;
    let mac = pfx.optional(Tag::SEQUENCE, "MacData")?;
    pfx.finish("PFX")?;

    let mut reading = Reading {
        contents: Contents::default(),
        password: password.map(Password::new),
        guarded: mac.is_some(),
        budget,
        bags: 0,
    };
    match mac {
        Some(mac) => reading.verify(&mac, &auth_safe)?,
        None if missing_mac == MissingMac::Refuse => return Err(Error::NoMac),
        None => reading.note("no_mac", "nothing guards the file against alteration: it has no MAC"),
    }
    reading.authenticated_safe(&auth_safe)?;
    Ok(reading.contents)
}

/// Bags of one file.
const MAX_BAGS: u64 = 1_000;
/// SafeContents within SafeContents (SEC-123).
const MAX_NESTING: u64 = 8;

struct Reading<'b> {
    contents: Contents,
    password: Option<Password>,
    /// Whether the MAC held, so that the password is known to be right.
    guarded: bool,
    budget: &'b mut KdfBudget,
    bags: u64,
}

impl Reading<'_> {
    fn note(&mut self, code: &'static str, text: impl Into<String>) {
        self.contents.notes.push(Reason::new(code, text));
    }

    fn password(&self) -> Result<Password> {
        self.password.clone().ok_or(Error::PasswordNeeded { what: "the PKCS#12 file" })
    }

    /// Checks the MAC. Which form of an empty password fits is remembered.
    fn verify(&mut self, mac: &Element<'_>, content: &[u8]) -> Result<()> {
        let mac = Integrity::read(mac)?;
        let password = self.password()?;
        match (mac.verify(&password, content, self.budget), password.other_empty()) {
            (Err(password::Error::WrongPasswordOrCorrupt), Some(other)) => {
                mac.verify(&other, content, self.budget)?;
                self.password = Some(other);
            }
            (result, _) => result?,
        }
        Ok(())
    }

    fn authenticated_safe(&mut self, content: &[u8]) -> Result<()> {
        let mut safes = Reader::single(content, "AuthenticatedSafe")?.sequence("AuthenticatedSafe")?;
        while let Some(safe) = safes.next_element()? {
            let mut info = safe.sequence("ContentInfo")?;
            match info.required(Tag::OID, "contentType")?.oid("contentType")? {
                oid::ID_DATA => self.safe_contents(&data(&safe, "SafeContents")?, 0)?,
                oid::ID_ENCRYPTED_DATA => self.encrypted(&info.required(Tag::context(0), "EncryptedData")?)?,
                oid::ID_ENVELOPED_DATA => self.note(
                    "safe_for_public_key",
                    "a part of the file is encrypted to a certificate instead of the password; it was skipped",
                ),
                other => self.note("safe_unknown", format!("a part of the file of type {} was skipped", name(&other))),
            }
        }
        Ok(())
    }

    /// ```text
    /// EncryptedData ::= SEQUENCE { version, EncryptedContentInfo { contentType, algorithm, [0] IMPLICIT OCTET STRING }, .. }
    /// ```
    fn encrypted(&mut self, wrapper: &Element<'_>) -> Result<()> {
        let mut encrypted = wrapper.explicit("EncryptedData")?.sequence("EncryptedData")?;
        encrypted.required(Tag::INTEGER, "EncryptedData version")?.small("EncryptedData version")?;
        let mut info = encrypted.required(Tag::SEQUENCE, "EncryptedContentInfo")?.sequence("EncryptedContentInfo")?;
        info.required(Tag::OID, "contentType")?.oid("contentType")?;
        let algorithm = info.required(Tag::SEQUENCE, "contentEncryptionAlgorithm")?;
        let ciphertext = info.required(Tag::context(0), "encryptedContent")?.implicit_octets("encryptedContent")?;
        let pbe = match Pbe::read(&algorithm) {
            Ok(pbe) => pbe,
            Err(password::Error::Unsupported { what, name }) => {
                self.note(
                    "safe_unsupported",
                    format!("a part of the file was skipped, since {what} with {name} is not read"),
                );
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.note_legacy(&pbe);
        let plain = self.decrypt(&pbe, &ciphertext)?;
        self.safe_contents(plain.expose(), 0)
    }

    fn decrypt(&mut self, pbe: &Pbe, ciphertext: &[u8]) -> Result<Secret> {
        let password = self.password()?;
        let alternative = password.alternative(pbe);
        for password in std::iter::once(password).chain(alternative) {
            match pbe.decrypt(&password, ciphertext, self.budget) {
                // A wrong password passes the padding check once in 256 times.
                Ok(plain) if Reader::single(plain.expose(), "SafeContents").is_ok() => return Ok(plain),
                Ok(_) | Err(password::Error::WrongPasswordOrCorrupt) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::WrongPasswordOrCorrupt)
    }

    fn safe_contents(&mut self, content: &[u8], depth: u64) -> Result<()> {
        if depth > MAX_NESTING {
            return Err(Error::Limit { name: "the nesting of PKCS#12 bags", asked: depth, limit: MAX_NESTING });
        }
        let safe = Reader::single(content, "SafeContents")?;
        // Old versions of Mozilla wrap the octets once more.
        if safe.tag == Tag::OCTET_STRING {
            return self.safe_contents(&safe.octets("SafeContents")?, depth.saturating_add(1));
        }
        let mut bags = safe.sequence("SafeContents")?;
        while let Some(bag) = bags.next_element()? {
            self.bags = self.bags.saturating_add(1);
            if self.bags > MAX_BAGS {
                return Err(Error::Limit { name: "the number of PKCS#12 bags", asked: self.bags, limit: MAX_BAGS });
            }
            self.bag(&bag, depth)?;
        }
        Ok(())
    }

    /// ```text
    /// SafeBag ::= SEQUENCE { bagId, bagValue [0] EXPLICIT ANY, bagAttributes SET OF PKCS12Attribute OPTIONAL }
    /// ```
    fn bag(&mut self, bag: &Element<'_>, depth: u64) -> Result<()> {
        let mut bag = bag.sequence("SafeBag")?;
        let id = bag.required(Tag::OID, "bagId")?.oid("bagId")?;
        let value = bag.required(Tag::context(0), "bagValue")?.explicit("bagValue")?;
        let (friendly_name, local_key_id) = attributes(bag.next_element()?);
        let called = friendly_name.as_ref().map_or_else(String::new, |name| format!(" {name:?}"));
        match id {
            oid::KEY_BAG => {
                self.contents.keys.push(Bag { value: Secret::from(value.raw()), friendly_name, local_key_id });
            }
            oid::PKCS8_SHROUDED_KEY_BAG => {
                if let Some(value) = self.shrouded_key(&value, &called)? {
                    self.contents.keys.push(Bag { value, friendly_name, local_key_id });
                }
            }
            oid::CERT_BAG => match inner(&value, oid::X509_CERTIFICATE, "CertBag")? {
                Some(value) => self.contents.certificates.push(Bag { value, friendly_name, local_key_id }),
                None => self.note("bag_unknown", format!("a certificate{called} that is not X.509 was skipped")),
            },
            oid::CRL_BAG => match inner(&value, oid::X509_CRL, "CRLBag")? {
                Some(crl) => self.contents.crls.push(crl),
                None => self.note("bag_unknown", format!("a revocation list{called} that is not X.509 was skipped")),
            },
            oid::SAFE_CONTENTS_BAG => self.safe_contents(value.raw(), depth.saturating_add(1))?,
            oid::SECRET_BAG => self.note("bag_secret", format!("a secret{called} that is no private key was skipped")),
            other => self.note("bag_unknown", format!("a bag{called} of type {} was skipped", name(&other))),
        }
        Ok(())
    }

    /// The key, or a note where it alone is not read although the file's password is right.
    fn shrouded_key(&mut self, value: &Element<'_>, called: &str) -> Result<Option<Secret>> {
        let password = self.password()?;
        match open_private_key(value, &password, self.budget) {
            Ok((key, pbe)) => {
                self.note_legacy(&pbe);
                Ok(Some(key))
            }
            Err(password::Error::Unsupported { what, name }) => {
                let text = format!("the private key{called} was skipped, since {what} with {name} is not read");
                self.note("key_unsupported", text);
                Ok(None)
            }
            Err(password::Error::WrongPasswordOrCorrupt) if self.guarded => {
                let text = format!("the file's password is right, but it does not open the private key{called}");
                self.note("key_unreadable", text);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn note_legacy(&mut self, pbe: &Pbe) {
        if pbe.is_legacy() {
            let note = Reason::new(
                "legacy_encryption",
                format!(
                    "the file is encrypted with {}, which is weak: export it again and delete this one",
                    pbe.name()
                ),
            );
            if !self.contents.notes.contains(&note) {
                self.contents.notes.push(note);
            }
        }
    }
}

/// The octets of a ContentInfo of type id-data.
fn data<'a>(info: &Element<'a>, what: &'static str) -> Result<Cow<'a, [u8]>> {
    let mut info = info.sequence(what)?;
    let content_type = info.required(Tag::OID, what)?.oid(what)?;
    if content_type == oid::ID_SIGNED_DATA {
        let name = "public-key integrity (a signature instead of a password)".into();
        return Err(Error::UnsupportedAlgorithm { what: "PKCS#12 protection", name });
    }
    if content_type != oid::ID_DATA {
        let why = format!("its content type is {}, not id-data", name(&content_type));
        return Err(Error::Parameters { what: "PKCS#12", why });
    }
    let content = info.required(Tag::context(0), what)?.explicit(what)?;
    info.finish(what)?;
    Ok(content.octets(what)?)
}

/// `SEQUENCE { type OID, value [0] EXPLICIT OCTET STRING }`: the octets, where the type is the one wanted.
fn inner(value: &Element<'_>, wanted: ObjectIdentifier, what: &'static str) -> Result<Option<Vec<u8>>> {
    let mut bag = value.sequence(what)?;
    if bag.required(Tag::OID, what)?.oid(what)? != wanted {
        return Ok(None);
    }
    let value = bag.required(Tag::context(0), what)?.explicit(what)?;
    bag.finish(what)?;
    Ok(Some(value.octets(what)?.into_owned()))
}

/// friendlyName and localKeyId. They decide nothing, so that a malformed one is as good as absent.
fn attributes(set: Option<Element<'_>>) -> (Option<String>, Option<Vec<u8>>) {
    let (mut friendly_name, mut local_key_id) = (None, None);
    let Some(Ok(mut attributes)) = set.map(|set| set.set("bagAttributes")) else { return (None, None) };
    while let Ok(Some(attribute)) = attributes.next_element() {
        let read = || {
            let mut attribute = attribute.sequence("PKCS12Attribute")?;
            let id = attribute.required(Tag::OID, "attrId")?.oid("attrId")?;
            let value = attribute.required(Tag::SET, "attrValues")?.set("attrValues")?.required_any("attrValue")?;
            Ok::<_, crate::asn1::Error>((id, value))
        };
        match read() {
            Ok((oid::ID_FRIENDLY_NAME, value)) => friendly_name = value.text("friendlyName").ok(),
            Ok((oid::ID_LOCAL_KEY_ID, value)) => {
                local_key_id = value.octets("localKeyId").ok().map(Cow::into_owned);
            }
            _ => {}
        }
    }
    (friendly_name, local_key_id)
}

fn name(oid: &ObjectIdentifier) -> String {
    oid::name(oid).map_or_else(|| oid.to_string(), str::to_owned)
}
