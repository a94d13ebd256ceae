//! Reads any file that holds certificates or keys, whatever it is called: PEM, PKCS#12, PKCS#8, PKCS#1, SEC1, PKCS#7,
//! a serialized store, LDIF, a certificate or CRL in DER, or base64 without armour.
//!
//! Keys and certificates are paired by public key, whatever a file's attributes say (SEC-123).

mod collections;
mod sniff;

use self::sniff::Kind;
use super::p12::{self, MissingMac};
use super::sst::collection::AnchorLimits;
use super::{Error, Result, ldif, p7c, pem, sst};
use crate::asn1::ber::Reader;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::secret::Secret;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::crypto;
use crate::crypto::password::{KdfBudget, Password, open_legacy_pem, open_private_key};
use crate::crypto::private::PrivateKey;
use crate::keys::identity::{Identity, above, pair, same_public_key};
use crate::keys::signing::SigningKey;
use crate::keys::software::SoftwareKey;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What the caller decides about a file. The default is the strict choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// For PKCS#12 files without MAC.
    pub missing_mac: MissingMac,
}

impl ImportOptions {
    /// The same with this choice for PKCS#12 files without MAC.
    #[must_use]
    pub fn missing_mac(mut self, choice: MissingMac) -> Self {
        self.missing_mac = choice;
        self
    }
}

/// What a file held.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Keys with their certificates; a key that has several certificates gives several, the newest first.
    pub identities: Vec<Identity>,
    /// Every certificate, those of the identities too, each once, in the file's order.
    pub certificates: Vec<Certificate>,
    /// Keys that none of the certificates is for.
    pub keys: Vec<Arc<SoftwareKey>>,
    /// DER.
    pub crls: Vec<Vec<u8>>,
    /// Certificates that the file itself, a serialized store, does not trust for everything. Where the file is trusted,
    /// ask [`against_anchor`](Self::against_anchor) before one of `certificates` becomes an anchor (OUT-105).
    pub anchor_limits: HashMap<Certificate, AnchorLimits>,
    /// What was skipped, what is weak, what the file calls its keys.
    pub notes: Vec<Reason>,
    /// Every private key, those of the identities too.
    known: Vec<Arc<SoftwareKey>>,
}

/// Reads a file. `password` opens what is protected; `None` says that there is none, which an empty one does not.
///
/// # Errors
/// [`Error::Empty`], [`Error::TooLarge`], [`Error::NotRecognised`], [`Error::PasswordNeeded`],
/// [`Error::WrongPasswordOrCorrupt`], [`Error::NoMac`], [`Error::UnsupportedAlgorithm`], [`Error::Limit`],
/// [`Error::Pem`], [`Error::Sst`], [`Error::Ldif`], [`Error::Malformed`], [`Error::Certificate`], [`Error::Key`]. Where a file holds several things, one
/// of them that is not read is a note instead.
pub fn read(bytes: &[u8], password: Option<&Secret>, options: &ImportOptions, limits: &Limits) -> Result<Import> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    if bytes.len() > limits.structure_bytes {
        let limit = limits.structure_bytes;
        return Err(Error::TooLarge { what: "certificates or keys", size: bytes.len(), limit });
    }
    let mut gathering = Gathering {
        password,
        options,
        limits,
        budget: KdfBudget::new(limits),
        found: Import::default(),
        keys: Vec::new(),
        seen: HashSet::new(),
        refused: None,
    };
    if sst::is_sst(bytes) {
        gathering.sst(bytes)?;
    } else if pem::is_pem(bytes) {
        gathering.pem(bytes)?;
    } else if ldif::is_ldif(bytes) {
        gathering.ldif(bytes)?;
    } else if let Some(kind) = sniff::kind(bytes) {
        gathering.structure(kind, bytes)?;
    } else {
        match pem::decode_bare(bytes) {
            Some(data) => match sniff::kind(data.expose()) {
                Some(kind) => gathering.structure(kind, data.expose())?,
                None => return Err(Error::NotRecognised { found: "base64 of something else".into() }),
            },
            None => return Err(Error::NotRecognised { found: sniff::appearance(bytes) }),
        }
    }
    gathering.finish()
}

impl Import {
    /// The one identity of a file that is to hold one. Where its key has several certificates, the one whose validity
    /// began last; a CA's certificate only where there is no other.
    ///
    /// # Errors
    /// [`Error::KeyWithoutCertificate`], [`Error::CertificateWithoutKey`], [`Error::SeveralIdentities`] where there are
    /// several keys with certificates, and [`Error::NotRecognised`] where there is nothing at all.
    pub fn sole_identity(&self) -> Result<&Identity> {
        let Some(first) = self.identities.first() else {
            return Err(if !self.keys.is_empty() {
                Error::KeyWithoutCertificate { keys: self.keys.iter().map(|key| describe(key)).collect() }
            } else if !self.certificates.is_empty() {
                Error::CertificateWithoutKey { certificates: self.certificates.len() }
            } else {
                let notes: Vec<String> = self.notes.iter().map(Reason::to_string).collect();
                let found = if notes.is_empty() { "empty".into() } else { format!("of no use ({})", notes.join("; ")) };
                Error::NotRecognised { found }
            });
        };
        let key = first.signing().public_key();
        if self.identities.iter().all(|identity| identity.signing().public_key() == key) {
            return Ok(first);
        }
        let subjects = self.identities.iter().map(|i| i.certificate().subject().to_string()).collect();
        Err(Error::SeveralIdentities { subjects })
    }

    /// Why the file itself does not trust a certificate of its own for mail at that moment (OUT-105); `None` where it
    /// does, or says nothing of it.
    pub fn against_anchor(&self, certificate: &Certificate, at: Time) -> Option<Reason> {
        self.anchor_limits.get(certificate).and_then(|limits| limits.against(at))
    }

    /// The private key of one of these identities, to be written out again ([`p12::write`]).
    pub fn private_key(&self, identity: &Identity) -> Option<&PrivateKey> {
        let wanted = identity.signing().public_key();
        let known = self.known.iter().find(|key| same_public_key(key.public_key(), wanted));
        known.map(|key| key.private_key())
    }

    /// How many private keys there are, those of the identities too.
    pub fn private_keys(&self) -> usize {
        self.known.len()
    }

    /// Puts two files together, as where the key lies apart from its certificates (`--key F`), and pairs what is in
    /// them anew.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        let mut seen: HashSet<Certificate> = self.certificates.iter().cloned().collect();
        self.certificates.extend(other.certificates.into_iter().filter(|certificate| seen.insert(certificate.clone())));
        self.keys.extend(other.keys);
        self.known.extend(other.known);
        self.crls.extend(other.crls);
        for (certificate, limits) in other.anchor_limits {
            self.anchor_limits.entry(certificate).or_default().extend(limits);
        }
        self.notes.extend(other.notes);
        let known = std::mem::take(&mut self.identities).into_iter().chain(other.identities);
        let (keys, certificates) = (std::mem::take(&mut self.keys), self.certificates.clone());
        let (mut identities, loose) = pair(keys, &certificates);
        for identity in known {
            if !identities.iter().any(|i| i.certificate() == identity.certificate()) {
                let chain = above(identity.certificate(), &certificates);
                identities.push(identity.with_chain(chain));
            }
        }
        (self.identities, self.keys) = (identities, loose);
        self
    }
}

struct Gathering<'a> {
    password: Option<&'a Secret>,
    options: &'a ImportOptions,
    limits: &'a Limits,
    budget: KdfBudget,
    found: Import,
    keys: Vec<Arc<SoftwareKey>>,
    seen: HashSet<Certificate>,
    /// The first thing that was not read: the answer, where nothing else was.
    refused: Option<Error>,
}

impl Gathering<'_> {
    fn finish(mut self) -> Result<Import> {
        let found = &self.found;
        if found.certificates.is_empty() && self.keys.is_empty() && found.crls.is_empty() {
            match self.refused.take() {
                // One thing that is not read is an error; several things, of which none is read, too.
                Some(error) => return Err(error),
                None => self.note("nothing_inside", "the file is well-formed, but nothing in it is read"),
            }
        }
        self.found.known.clone_from(&self.keys);
        (self.found.identities, self.found.keys) = pair(self.keys, &self.found.certificates);
        Ok(self.found)
    }

    fn note(&mut self, code: &'static str, text: impl Into<String>) {
        self.found.notes.push(Reason::new(code, text));
    }

    fn pem(&mut self, text: &[u8]) -> Result<()> {
        for block in pem::read(text)? {
            if !self.pem_block(&block)? {
                let label = visible(&block.label);
                self.note("pem_block_skipped", format!("the {label} in line {} was skipped", block.line));
                let found = format!("PEM with the label {label}");
                self.refused.get_or_insert(Error::NotRecognised { found });
            }
        }
        Ok(())
    }

    /// Reads one block, or says that it is none that is read.
    fn pem_block(&mut self, block: &pem::Block) -> Result<bool> {
        let encrypted =
            block.header("Proc-Type").is_some_and(|value| value.to_ascii_uppercase().ends_with("ENCRYPTED"));
        let opened = if encrypted { Some(self.legacy_pem(block)?) } else { None };
        let data = opened.as_ref().unwrap_or(&block.data);
        let kind = match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => Kind::Certificate,
            "TRUSTED CERTIFICATE" => {
                let trusted = Reader::new(data.expose()).required_any("TRUSTED CERTIFICATE")?;
                self.note(
                    "trust_settings_ignored",
                    format!("the trust settings of the certificate in line {} were ignored", block.line),
                );
                self.certificate(trusted.raw());
                return Ok(true);
            }
            // Some programs label a certificate so; openssl reads both under it.
            "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => match sniff::kind(data.expose()) {
                Some(Kind::Certificate) => Kind::Certificate,
                _ => Kind::Pkcs7,
            },
            "X509 CRL" => Kind::Crl,
            "PRIVATE KEY" => Kind::Pkcs8,
            "ENCRYPTED PRIVATE KEY" => Kind::EncryptedPkcs8,
            "RSA PRIVATE KEY" => Kind::Pkcs1,
            "EC PRIVATE KEY" => Kind::Sec1,
            "PKCS12" | "PFX" => Kind::Pkcs12,
            // They stand before an EC key and are repeated in it.
            "EC PARAMETERS" => return Ok(true),
            "DSA PRIVATE KEY" | "ANY PRIVATE KEY" => {
                let name = visible(&block.label);
                self.unsupported(Error::UnsupportedAlgorithm { what: "private key", name });
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.structure(kind, data.expose())?;
        Ok(true)
    }

    /// A key encrypted by the headers of RFC 1421: `DEK-Info: cipher,iv in hexadecimal`.
    fn legacy_pem(&mut self, block: &pem::Block) -> Result<Secret> {
        let fail = |why: &str| Error::Pem { line: block.line, why: why.into() };
        let info = block.header("DEK-Info").ok_or_else(|| fail("it is encrypted, but has no DEK-Info"))?;
        let (cipher, iv) = info.split_once(',').ok_or_else(|| fail("its DEK-Info has no initialisation vector"))?;
        let iv = hex(iv.trim()).ok_or_else(|| fail("the initialisation vector of its DEK-Info is not hexadecimal"))?;
        let password = self.password.ok_or(Error::PasswordNeeded { what: "the private key" })?;
        let plain = open_legacy_pem(cipher.trim(), &iv, &Password::new(password), block.data.expose())?;
        // Without a MAC, only the shape tells a wrong password from a right one.
        Reader::single(plain.expose(), "private key").map_err(|_| Error::WrongPasswordOrCorrupt)?;
        self.note(
            "legacy_encryption",
            format!(
                "the key in line {} is encrypted in a way that is weak against guessing: export it again",
                block.line
            ),
        );
        Ok(plain)
    }

    fn structure(&mut self, kind: Kind, bytes: &[u8]) -> Result<()> {
        if kind.is_key() && bytes.len() > self.limits.key_file_bytes {
            let limit = self.limits.key_file_bytes;
            return Err(Error::TooLarge { what: "a private key", size: bytes.len(), limit });
        }
        match kind {
            Kind::Certificate => self.certificate(bytes),
            Kind::Crl => self.crl(bytes)?,
            Kind::Pkcs8 => self.key(PrivateKey::from_pkcs8(&Secret::from(bytes)), "")?,
            Kind::Pkcs1 => self.key(PrivateKey::from_pkcs1(&Secret::from(bytes)), "")?,
            Kind::Sec1 => self.key(PrivateKey::from_sec1(&Secret::from(bytes)), "")?,
            Kind::EncryptedPkcs8 => {
                let password = self.password.ok_or(Error::PasswordNeeded { what: "the private key" })?;
                let encrypted = Reader::single(bytes, "EncryptedPrivateKeyInfo")?;
                let (key, pbe) = open_private_key(&encrypted, &Password::new(password), &mut self.budget)?;
                if pbe.is_legacy() {
                    let text =
                        format!("the private key is encrypted with {}, which is weak: export it again", pbe.name());
                    self.note("legacy_encryption", text);
                }
                self.key(PrivateKey::from_pkcs8(&key), "")?;
            }
            Kind::Pkcs12 => self.pkcs12(bytes)?,
            Kind::Pkcs7 => {
                let contents = p7c::read(bytes, self.limits)?;
                self.found.notes.extend(contents.notes);
                contents.certificates.iter().for_each(|certificate| self.certificate(certificate));
                self.found.crls.extend(contents.crls);
            }
            Kind::Other(found) => return Err(Error::NotRecognised { found: found.into() }),
        }
        Ok(())
    }

    fn crl(&mut self, bytes: &[u8]) -> Result<()> {
        Reader::single(bytes, "CertificateList")?.sequence("CertificateList")?;
        self.found.crls.push(bytes.to_vec());
        Ok(())
    }

    fn pkcs12(&mut self, bytes: &[u8]) -> Result<()> {
        let contents = p12::read(bytes, self.password, self.options.missing_mac, self.limits, &mut self.budget)?;
        self.found.notes.extend(contents.notes);
        contents.certificates.iter().for_each(|bag| self.certificate(&bag.value));
        for bag in contents.keys {
            let called = bag.friendly_name.map_or_else(String::new, |name| format!(" {name:?}"));
            self.key(PrivateKey::from_pkcs8(&bag.value), &called)?;
        }
        self.found.crls.extend(contents.crls);
        Ok(())
    }

    /// A certificate; one that is not readable is a note, so that it does not cost the others.
    fn certificate(&mut self, bytes: &[u8]) {
        match Certificate::from_der(bytes) {
            Ok(certificate) => self.add(certificate),
            Err(error) => {
                self.note("certificate_unreadable", error.to_string());
                self.refused.get_or_insert(error.into());
            }
        }
    }

    fn add(&mut self, certificate: Certificate) {
        if self.seen.insert(certificate.clone()) {
            self.found.certificates.push(certificate);
        }
    }

    /// A private key; one of an unknown algorithm or of a size that is not used any more (SEC-37) is a note, a damaged
    /// one is an error (SEC-127).
    fn key(&mut self, key: crypto::Result<PrivateKey>, called: &str) -> Result<()> {
        match key.map_err(Error::from) {
            Ok(key) => {
                let key = Arc::new(SoftwareKey::new(key));
                if !called.is_empty() {
                    self.note("friendly_name", format!("the file calls its {} key{called}", describe(&key)));
                }
                self.keys.push(key);
            }
            Err(error @ (Error::UnsupportedAlgorithm { .. } | Error::Key(crypto::Error::KeySize { .. }))) => {
                self.unsupported(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn unsupported(&mut self, error: Error) {
        self.note("key_unsupported", error.to_string());
        self.refused.get_or_insert(error);
    }
}

fn describe(key: &SoftwareKey) -> String {
    key.private_key().describe()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::crypto::password::{Recipe, seal_private_key};
    use crate::crypto::random::SystemRandom;
    use crate::store::testing::{certificate, key};

    struct Alice {
        key: PrivateKey,
        own: Certificate,
        ca: Certificate,
    }

    fn alice() -> Alice {
        let (ca_key, key) = (key(), key());
        let ca = certificate("Root", 1, &ca_key, None);
        Alice { own: certificate("Alice", 2, &key, Some((&ca, &ca_key))), key, ca }
    }

    fn import(bytes: &[u8], password: Option<&str>) -> Result<Import> {
        read(bytes, password.map(Secret::from).as_ref(), &ImportOptions::default(), &Limits::default())
    }

    fn pem(label: &str, data: &[u8]) -> String {
        pem::write(label, data)
    }

    #[test]
    fn every_format_is_known_by_its_content() {
        let Alice { key, own, ca } = alice();
        let (pkcs8, password) = (key.to_pkcs8().unwrap(), Secret::from("x"));
        let sealed = seal_private_key(&Recipe::MODERN, &pkcs8, &Password::new(&password), &mut SystemRandom).unwrap();
        let certificates = [own.clone(), ca.clone()];
        let p12 =
            p12::write(&pkcs8, &certificates, "Alice", &password, p12::Profile::Modern, &mut SystemRandom).unwrap();
        let crl = der::sequence(&[
            der::sequence(&[
                der::integer(1),
                der::sequence::<Vec<u8>>(&[]),
                ca.subject().der().to_vec(),
                der::time(ca.not_before()),
            ]),
            der::sequence::<Vec<u8>>(&[]),
            der::bits(b""),
        ]);
        // Identities, certificates, keys alone, CRLs.
        for (what, label, bytes, found) in [
            ("certificate", "CERTIFICATE", own.der().to_vec(), (0, 1, 0, 0)),
            ("list", "X509 CRL", crl, (0, 0, 0, 1)),
            ("key", "PRIVATE KEY", pkcs8.expose().to_vec(), (0, 0, 1, 0)),
            ("sealed key", "ENCRYPTED PRIVATE KEY", sealed, (0, 0, 1, 0)),
            ("bag", "PKCS7", p7c::write(&certificates, &[]), (0, 2, 0, 0)),
            ("file", "PKCS12", p12, (1, 2, 0, 0)),
        ] {
            let armoured = pem(label, &bytes);
            let bare: String = armoured.lines().filter(|line| !line.starts_with("-----")).collect();
            for bytes in [bytes, armoured.into_bytes(), bare.into_bytes()] {
                let import = import(&bytes, Some("x")).unwrap();
                let Import { identities, certificates, keys, crls, .. } = &import;
                assert_eq!((identities.len(), certificates.len(), keys.len(), crls.len()), found, "{what}");
            }
        }
    }

    #[test]
    fn a_bundle_pairs_by_public_key() {
        let Alice { key, own, ca } = alice();
        let stranger = certificate("Stranger", 9, &super::super::testing::key(), None);
        let bundle = [
            pem("CERTIFICATE", ca.der()),
            pem("CERTIFICATE", stranger.der()),
            pem("PRIVATE KEY", key.to_pkcs8().unwrap().expose()),
            pem("CERTIFICATE", own.der()),
            pem("CERTIFICATE", own.der()),
            pem("PUBLIC KEY", &der::null()),
        ]
        .concat();
        let import = import(bundle.as_bytes(), None).unwrap();
        assert_eq!(import.certificates.len(), 3);
        let identity = import.sole_identity().unwrap();
        assert_eq!((identity.certificate(), identity.chain()), (&own, &[ca][..]));
        assert_eq!(import.notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["pem_block_skipped"]);
    }

    #[test]
    fn a_key_file_joins_its_certificates() {
        let Alice { key, own, ca } = alice();
        let certificates = import(&p7c::write(&[ca.clone(), own.clone()], &[]), None).unwrap();
        assert!(matches!(certificates.sole_identity(), Err(Error::CertificateWithoutKey { certificates: 2 })));
        let pkcs8 = key.to_pkcs8().unwrap();
        let key = import(pkcs8.expose(), None).unwrap();
        let error = key.sole_identity().unwrap_err();
        assert!(matches!(&error, Error::KeyWithoutCertificate { keys } if keys.len() == 1), "{error}");
        for joined in [certificates.clone().join(key.clone()), key.join(certificates)] {
            let identity = joined.sole_identity().unwrap();
            assert_eq!((identity.certificate(), identity.chain()), (&own, &[ca.clone()][..]));
            assert!(joined.keys.is_empty());
            assert_eq!(joined.private_key(identity).unwrap().to_pkcs8().unwrap(), pkcs8);
            // Joined once more, nothing is there twice.
            let again = joined.clone().join(joined);
            assert_eq!((again.identities.len(), again.certificates.len()), (1, 2));
        }
    }

    #[test]
    fn of_renewed_certificates_the_newest_counts_and_two_keys_are_ambiguous() {
        let (ca_key, key) = (key(), key());
        let ca = certificate("Root", 1, &ca_key, None);
        let [old, new] = [5, 6].map(|serial| certificate("Alice", serial, &key, Some((&ca, &ca_key))));
        let pkcs8 = pem("PRIVATE KEY", key.to_pkcs8().unwrap().expose());
        let bundle = [pkcs8, pem("CERTIFICATE", old.der()), pem("CERTIFICATE", new.der())].concat();
        let one = import(bundle.as_bytes(), None).unwrap();
        assert_eq!(one.identities.len(), 2);
        assert_eq!(one.sole_identity().unwrap().certificate(), &new);
        let other = [pem("PRIVATE KEY", ca_key.to_pkcs8().unwrap().expose()), pem("CERTIFICATE", ca.der())].concat();
        let both = one.join(import(other.as_bytes(), None).unwrap());
        assert!(matches!(both.sole_identity(), Err(Error::SeveralIdentities { subjects }) if subjects.len() == 3));
    }

    #[test]
    fn what_is_no_key_file_is_told_what_it_is() {
        assert!(matches!(import(b"", None), Err(Error::Empty)));
        for (bytes, word) in [
            (&b"Subject: hello\r\n\r\nhello"[..], "\"Subject:\""),
            (b"hunter2\n", "a text without any PEM block"),
            (b"hunter2: the password\n", "a text without any PEM block"),
            (b"SQLite format 3\0", "pk12util"),
            (b"\xfe\xed\xfe\xed\0\0\0\x02", "keytool"),
            (&[0xff, 0xfe, b'-', 0], "UTF-16"),
            (b"CERT\0\0\0\0", "binary data"),
            (&[1, 2, 3], "binary data"),
            (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAQID\n-----END OPENSSH PRIVATE KEY-----", "OPENSSH PRIVATE KEY"),
        ] {
            let error = import(bytes, None).unwrap_err();
            assert!(matches!(error, Error::NotRecognised { .. }) && error.to_string().contains(word), "{error}");
            assert!(!error.to_string().contains("hunter2") && !error.to_string().contains("hello"), "{error}");
        }
        let huge = vec![0; Limits::default().structure_bytes + 1];
        assert!(matches!(import(&huge, None), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn broken_certificates_cost_only_themselves() {
        let Alice { own, .. } = alice();
        let broken = pem("CERTIFICATE", &own.der()[..own.der().len() - 1]);
        assert!(matches!(import(broken.as_bytes(), None), Err(Error::Certificate(_))));
        let bundle = [broken, pem("CERTIFICATE", own.der())].concat();
        let import = import(bundle.as_bytes(), None).unwrap();
        assert_eq!(import.certificates, [own]);
        assert_eq!(import.notes[0].code, "certificate_unreadable");
    }

    #[test]
    fn a_sealed_key_asks_for_its_password() {
        let pkcs8 = key().to_pkcs8().unwrap();
        let sealed =
            seal_private_key(&Recipe::MODERN, &pkcs8, &Password::new(&Secret::from("x")), &mut SystemRandom).unwrap();
        assert!(matches!(import(&sealed, None), Err(Error::PasswordNeeded { .. })));
        assert!(matches!(import(&sealed, Some("y")), Err(Error::WrongPasswordOrCorrupt)));
    }

    #[test]
    fn an_old_encrypted_pem_opens() {
        // Made by `openssl ec -aes256 -passout pass:hunter2`.
        let text = "\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,CBA7B9D6602FB9AC7ECA8BBD37505EA0

SUGNPAxsG/l20mhIMuChm/rBmypNGyZUMYUEZL4MsMsC+cSn6YsH+Q6RZeHkZBTk
U0fShVqQ1nJasC1EBlACawBS0aWunEWrEJvDZA/tBXKT8gqWhoA0mLHUd8OyBwRW
J8VKzpCbvShPlCibrGpHMbSWqlmcHgK1HqoqSUm/jcM=
-----END EC PRIVATE KEY-----
";
        let found = import(text.as_bytes(), Some("hunter2")).unwrap();
        assert_eq!((found.keys.len(), found.notes[0].code), (1, "legacy_encryption"));
        assert!(matches!(import(text.as_bytes(), Some("hunter3")), Err(Error::WrongPasswordOrCorrupt)));
        assert!(matches!(import(text.as_bytes(), None), Err(Error::PasswordNeeded { .. })));
        let other = text.replace("AES-256-CBC", "CAMELLIA-256-CBC");
        let error = import(other.as_bytes(), Some("hunter2")).unwrap_err();
        assert!(matches!(&error, Error::UnsupportedAlgorithm { name, .. } if name.starts_with("CAMELLIA")), "{error}");
    }

    #[test]
    fn no_input_makes_it_panic() {
        let Alice { key, own, ca } = alice();
        let password = Secret::from("x");
        let pkcs8 = key.to_pkcs8().unwrap();
        let seeds = [
            own.der().to_vec(),
            pkcs8.expose().to_vec(),
            p7c::write(&[own, ca], &[]),
            pem("PRIVATE KEY", pkcs8.expose()).into_bytes(),
        ];
        for seed in seeds {
            for at in 0..seed.len().min(400) {
                let _ = import(&seed[..at], Some("x"));
                for bit in [1, 0x80] {
                    let mut altered = seed.clone();
                    altered[at] ^= bit;
                    let _ = read(&altered, Some(&password), &ImportOptions::default(), &Limits::default());
                }
            }
        }
    }
}
