//! PKCS#12 files (RFC 7292, RFC 9579): private keys with their certificates under a password.
//!
//! The reader takes BER, checks the MAC first, in constant time, and gives out what is inside as it stands there; it
//! pairs nothing (see [`import`](super::import), which does so by public key, SEC-123). Bags that are not read are
//! skipped with a note. The writer, [`write`](write()), knows the profiles of [`Profile`].

mod cost;
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
    let mac = mac.map(|mac| Integrity::read(&mac)).transpose()?;
    let cost = mac.as_ref().map_or(0, Integrity::cost).saturating_add(cost::of_authenticated_safe(&auth_safe));
    reading.budget.affords(cost)?;
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
    fn verify(&mut self, mac: &Integrity, content: &[u8]) -> Result<()> {
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
        self.budget.affords(cost::of_safe_contents(plain.expose()))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::crypto::random::SystemRandom;
    use crate::store::testing::{certificate, key};

    fn open(bytes: &[u8], password: Option<&str>, missing_mac: MissingMac) -> Result<Contents> {
        let limits = Limits::default();
        let password = password.map(Secret::from);
        read(bytes, password.as_ref(), missing_mac, &limits, &mut KdfBudget::new(&limits))
    }

    /// A file without MAC around these bags, which are not encrypted.
    fn plain(bags: &[Vec<u8>]) -> Vec<u8> {
        pfx(&der::sequence(&[content_info(&der::octets(&der::sequence(bags)))]), &[])
    }

    fn pfx(safe: &[u8], mac: &[u8]) -> Vec<u8> {
        der::sequence(&[der::integer(3), content_info(&der::octets(safe)), mac.to_vec()])
    }

    fn content_info(content: &[u8]) -> Vec<u8> {
        der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, content)])
    }

    fn bag(id: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
        der::sequence(&[der::oid(id), der::explicit(0, value)])
    }

    #[test]
    fn what_is_written_reads_back_with_its_password_only() {
        let (ca_key, key) = (key(), key());
        let ca = certificate("Root", 1, &ca_key, None);
        let own = certificate("Alice", 2, &key, Some((&ca, &ca_key)));
        let pkcs8 = key.to_pkcs8().unwrap();
        let password = Secret::from("h\u{fc}nter \u{1f511}");
        let certificates = [own.clone(), ca.clone()];
        let name = "Alice's \u{1f511}";
        let file = write(&pkcs8, &certificates, name, &password, Profile::Modern, &mut SystemRandom).unwrap();
        let contents = open(&file, Some("h\u{fc}nter \u{1f511}"), MissingMac::Refuse).unwrap();
        assert_eq!(contents.keys.len(), 1);
        assert_eq!(contents.keys[0].value.expose(), pkcs8.expose());
        assert_eq!(contents.keys[0].friendly_name.as_deref(), Some(name));
        assert_eq!(contents.keys[0].local_key_id.as_deref(), Some(&own.sha1()[..]));
        assert_eq!(contents.certificates[0].local_key_id, contents.keys[0].local_key_id);
        assert_eq!(contents.certificates[1].friendly_name, None);
        let der: Vec<_> = contents.certificates.iter().map(|bag| bag.value.as_slice()).collect();
        assert_eq!(der, [own.der(), ca.der()]);
        assert!(contents.notes.is_empty(), "{:?}", contents.notes);

        assert!(matches!(open(&file, None, MissingMac::Accept), Err(Error::PasswordNeeded { .. })));
        for wrong in ["", "hunter", "h\u{fc}nter"] {
            assert!(matches!(open(&file, Some(wrong), MissingMac::Accept), Err(Error::WrongPasswordOrCorrupt)));
        }
        let empty = write(&pkcs8, &certificates, name, &Secret::from(""), Profile::Modern, &mut SystemRandom);
        assert!(matches!(empty, Err(Error::PasswordNeeded { .. })));
    }

    #[test]
    fn an_altered_byte_is_never_imported() {
        let key = key();
        let own = certificate("Root", 1, &key, None);
        let (pkcs8, password) = (key.to_pkcs8().unwrap(), Secret::from("x"));
        let file = write(&pkcs8, &[own], "", &password, Profile::Modern, &mut SystemRandom).unwrap();
        // Every 31st byte keeps the test short; the derivations are what takes time.
        for at in (0..file.len()).step_by(31) {
            let mut altered = file.clone();
            altered[at] ^= 1;
            assert!(open(&altered, Some("x"), MissingMac::Refuse).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_missing_mac_needs_the_caller_s_word() {
        let key = der::sequence(&[der::integer(0)]);
        let file = plain(&[bag(&oid::KEY_BAG, &key)]);
        assert!(matches!(open(&file, Some("x"), MissingMac::Refuse), Err(Error::NoMac)));
        let contents = open(&file, None, MissingMac::Accept).unwrap();
        assert_eq!(contents.keys[0].value.expose(), key);
        assert_eq!(contents.notes[0].code, "no_mac");
    }

    #[test]
    fn unknown_bags_are_skipped_with_a_note_and_nesting_is_bounded() {
        let mut nested = bag(
            &oid::CERT_BAG,
            &der::sequence(&[der::oid(&oid::X509_CERTIFICATE), der::explicit(0, &der::octets(b"certificate"))]),
        );
        let crl = der::sequence(&[der::oid(&oid::X509_CRL), der::explicit(0, &der::octets(b"list"))]);
        let others = [bag(&oid::SECRET_BAG, &der::null()), bag(&oid::ID_DATA, &der::null()), bag(&oid::CRL_BAG, &crl)];
        for depth in 0..12 {
            let file = plain(&[nested.clone(), others[0].clone(), others[1].clone(), others[2].clone()]);
            match open(&file, None, MissingMac::Accept) {
                Ok(contents) => {
                    assert!(depth <= MAX_NESTING);
                    assert_eq!(
                        (&contents.certificates[0].value[..], &contents.crls[0][..]),
                        (&b"certificate"[..], &b"list"[..])
                    );
                    let codes: Vec<_> = contents.notes.iter().map(|note| note.code).collect();
                    assert_eq!(codes, ["no_mac", "bag_secret", "bag_unknown"]);
                }
                Err(error) => assert!(depth > MAX_NESTING && matches!(error, Error::Limit { .. }), "{depth}: {error}"),
            }
            nested = bag(&oid::SAFE_CONTENTS_BAG, &der::sequence(&[nested]));
        }
        let many = vec![others[0].clone(); 1_001];
        assert!(matches!(open(&plain(&many), None, MissingMac::Accept), Err(Error::Limit { asked: 1_001, .. })));
        assert!(open(&plain(&many[1..]), None, MissingMac::Accept).is_ok());
    }

    #[test]
    fn absent_and_mistyped_parts_are_errors() {
        let no_content = der::sequence(&[der::oid(&oid::ID_DATA)]);
        let encrypted = |info: &[Vec<u8>]| {
            let data = der::sequence(&[der::integer(0), der::sequence(info)]);
            let info = der::sequence(&[der::oid(&oid::ID_ENCRYPTED_DATA), der::explicit(0, &data)]);
            pfx(&der::sequence(&[info]), &[])
        };
        for file in [
            der::sequence(&[der::integer(3), no_content.clone()]),
            der::sequence(&[der::integer(4), content_info(&der::octets(&der::sequence::<Vec<u8>>(&[])))]),
            der::sequence(&[der::integer(3), content_info(&der::integer(1))]),
            pfx(&der::sequence(&[no_content]), &[]),
            pfx(&der::integer(1), &[]),
            encrypted(&[der::oid(&oid::ID_DATA), der::sequence(&[der::oid(&oid::PBES2)])]),
            encrypted(&[der::oid(&oid::ID_DATA)]),
            plain(&[der::sequence(&[der::oid(&oid::CERT_BAG)])]),
            plain(&[bag(&oid::CERT_BAG, &der::null())]),
            plain(&[bag(&oid::CERT_BAG, &der::sequence(&[der::oid(&oid::X509_CERTIFICATE)]))]),
            plain(&[bag(&oid::PKCS8_SHROUDED_KEY_BAG, &der::null())]),
        ] {
            assert!(open(&file, Some("x"), MissingMac::Accept).is_err(), "{file:02x?}");
        }
    }

    #[test]
    fn the_budget_covers_the_whole_file() {
        let kdf = |iterations: u64| {
            let kdf = der::sequence(&[der::octets(&[1; 8]), der::integer(iterations)]);
            let cipher = der::sequence(&[der::oid(&oid::AES256_CBC), der::octets(&[1; 16])]);
            let kdf = der::sequence(&[der::oid(&oid::PBKDF2), kdf]);
            der::sequence(&[der::oid(&oid::PBES2), der::sequence(&[kdf, cipher])])
        };
        let shrouded = |iterations| {
            let value = der::sequence(&[kdf(iterations), der::octets(&[0; 32])]);
            bag(&oid::PKCS8_SHROUDED_KEY_BAG, &value)
        };
        let file = plain(&[shrouded(u64::MAX)]);
        assert!(matches!(open(&file, Some("x"), MissingMac::Accept), Err(Error::Limit { .. })));
        let digest = der::sequence(&[der::sequence(&[der::oid(&oid::SHA1)]), der::octets(&[0; 20])]);
        for (iterations, refused) in [(2_000_001, true), (1_000, false)] {
            let mac = der::sequence(&[digest.clone(), der::octets(&[1; 8]), der::integer(iterations)]);
            let file = pfx(&der::sequence::<Vec<u8>>(&[]), &mac);
            let error = open(&file, Some("x"), MissingMac::Refuse).unwrap_err();
            assert_eq!(matches!(error, Error::Limit { .. }), refused, "{error}");
        }
    }

    #[test]
    fn attributes_that_are_malformed_decide_nothing() {
        let odd = der::primitive(Tag::BMP_STRING, &[0, b'A', 0xd8, 0, 0]);
        let value = |value| der::set_of(Tag::SET, vec![value]);
        let attributes = der::set_of(
            Tag::SET,
            vec![
                der::sequence(&[der::oid(&oid::ID_FRIENDLY_NAME), value(odd)]),
                der::sequence(&[der::oid(&oid::ID_LOCAL_KEY_ID), value(der::null())]),
                der::null(),
            ],
        );
        let key = der::sequence(&[der::integer(0)]);
        let file = plain(&[der::sequence(&[der::oid(&oid::KEY_BAG), der::explicit(0, &key), attributes])]);
        let contents = open(&file, None, MissingMac::Accept).unwrap();
        assert!(contents.keys[0].friendly_name.as_ref().is_some_and(|name| name.starts_with('A')));
        assert_eq!(contents.keys[0].local_key_id, None);
    }
}
