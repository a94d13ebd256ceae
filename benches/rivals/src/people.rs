//! A root, an authority below it, and people with keys of each kind; for all rivals alike.

use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::keys::software::SoftwareKey;
use smime::{Certificate, Identity, Time, Trust};
use std::sync::Arc;

/// Root and authority, both with RSA-2048, as most have them.
pub struct Authority {
    pub root: Certificate,
    pub middle: Certificate,
    key: PrivateKey,
}

/// Someone with a key, in all the forms that the rivals want.
pub struct Person {
    pub identity: Identity,
    pub key: PrivateKey,
    pub certificate: Certificate,
}

const SCHEME: SignatureScheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);

impl Authority {
    pub fn new() -> Self {
        let root_key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let spki = root_key.public_key_spki();
        let template = CertificateTemplate::new(name("Root"), None, &[1], years(), &spki).for_authority(None);
        let root = signed(&root_key, &template);
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let spki = key.public_key_spki();
        let template = CertificateTemplate::new(name("Issuing"), Some(&root), &[2], years(), &spki).for_authority(None);
        let middle = signed(&root_key, &template);
        Self { root, middle, key }
    }

    pub fn trust(&self) -> Trust {
        Trust::new([self.root.clone()])
    }

    pub fn person(&self, address: &str, serial: u8, kind: KeyKind, bits: usize) -> Person {
        let key = PrivateKey::generate(kind, bits).unwrap();
        let usage = match kind {
            KeyKind::Rsa => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT),
            _ => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT),
        };
        let spki = key.public_key_spki();
        let template = CertificateTemplate::new(name(address), Some(&self.middle), &[3, serial], years(), &spki)
            .for_mail(&[address.parse().unwrap()], usage);
        let certificate = signed(&self.key, &template);
        let held = Arc::new(SoftwareKey::new(key.clone()));
        let identity = Identity::new(certificate.clone(), vec![self.middle.clone()], held).unwrap();
        Person { identity, key, certificate }
    }
}

/// A mail of so many bytes of text, in lines of 64 characters that end with CRLF, by Alice.
pub fn mail(size: usize) -> Vec<u8> {
    let mut mail =
        b"From: alice@example.com\r\nTo: bob@example.com\r\nSubject: figures\r\nMIME-Version: 1.0\r\n".to_vec();
    mail.extend(content(size));
    mail
}

/// Its protected part, which is what the others are given.
pub fn content(size: usize) -> Vec<u8> {
    let mut content = b"Content-Type: text/plain; charset=us-ascii\r\n\r\n".to_vec();
    let line = b"0123456789 abcdefghij 0123456789 abcdefghij 0123456789 abcdefgh\r\n";
    content.extend(line.iter().cycle().take(size / line.len() * line.len()));
    content
}

fn years() -> (Time, Time) {
    ("2026-01-01T00:00:00Z".parse().unwrap(), "2046-01-01T00:00:00Z".parse().unwrap())
}

fn name(text: &str) -> Name {
    Name::build(&[(oid::ORGANIZATION, "Example"), (oid::COMMON_NAME, text)])
}

fn signed(key: &PrivateKey, template: &CertificateTemplate) -> Certificate {
    issue(template, &SCHEME.identifier(), &|tbs| Ok(key.sign(&SCHEME, tbs)?)).unwrap()
}
