//! A CA and people, made anew at each use; elliptic curves, because they are quick to make.

use const_oid::ObjectIdentifier;
use smime::asn1::ber::Reader;
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::keys::software::SoftwareKey;
use smime::{Certificate, Identity, Time, Trust};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The moment that the tests take for now.
pub const NOW: &str = "2026-11-24T08:00:00Z";

/// The same, read.
pub fn now() -> Time {
    NOW.parse().unwrap()
}

/// Someone who issues certificates.
pub struct Authority {
    key: PrivateKey,
    pub certificate: Certificate,
}

static SERIAL: AtomicU64 = AtomicU64::new(1000);
const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

impl Authority {
    /// A root.
    pub fn root(name: &str) -> Self {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let template = CertificateTemplate::new(common_name(name), None, &serial(), years(), &key.public_key_spki());
        let certificate = sign(&key, &template.for_authority(None));
        Self { key, certificate }
    }

    /// Trust in this root.
    pub fn trust(&self) -> Trust {
        Trust::new([self.certificate.clone()])
    }

    /// A person with one address, whose key signs and opens.
    pub fn person(&self, name: &str, email: &str) -> Identity {
        self.person_with(name, &[email], KeyKind::P256, 0, years())
    }

    /// A person with a key of any kind.
    pub fn person_with(
        &self,
        name: &str,
        emails: &[&str],
        kind: KeyKind,
        bits: usize,
        validity: (Time, Time),
    ) -> Identity {
        let key = PrivateKey::generate(kind, bits).unwrap();
        let usage = match kind {
            KeyKind::Rsa => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT),
            KeyKind::X25519 => KeyUsage::KEY_AGREEMENT,
            KeyKind::Ed25519 => KeyUsage::DIGITAL_SIGNATURE,
            _ => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT),
        };
        let emails: Vec<_> = emails.iter().map(|e| e.parse().unwrap()).collect();
        let template = CertificateTemplate::new(
            common_name(name),
            Some(&self.certificate),
            &serial(),
            validity,
            &key.public_key_spki(),
        );
        let certificate = sign(&self.key, &template.for_mail(&emails, usage));
        Identity::new(certificate, vec![self.certificate.clone()], Arc::new(SoftwareKey::new(key))).unwrap()
    }

    /// An intermediate authority, changed as the caller likes.
    pub fn authority(&self, name: &str, change: impl FnOnce(&mut CertificateTemplate)) -> Self {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let issuer = Some(&self.certificate);
        let spki = key.public_key_spki();
        let mut template =
            CertificateTemplate::new(common_name(name), issuer, &serial(), years(), &spki).for_authority(None);
        change(&mut template);
        Self { certificate: sign(&self.key, &template), key }
    }

    /// The certificate of a user, changed as the caller likes.
    pub fn user(&self, name: &str, change: impl FnOnce(&mut CertificateTemplate)) -> Certificate {
        self.user_with_key(name, change).0
    }

    /// The same with the key.
    pub fn user_with_key(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateTemplate),
    ) -> (Certificate, Arc<SoftwareKey>) {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let spki = key.public_key_spki();
        let emails = ["alice@example.com".parse().unwrap()];
        let issuer = Some(&self.certificate);
        let mut template = CertificateTemplate::new(common_name(name), issuer, &serial(), years(), &spki)
            .for_mail(&emails, KeyUsage::DIGITAL_SIGNATURE);
        change(&mut template);
        (sign(&self.key, &template), Arc::new(SoftwareKey::new(key)))
    }

    /// The same name and key, certified by another authority.
    pub fn cross(&self, by: &Self) -> Certificate {
        let name = self.certificate.subject().clone();
        let spki = self.key.public_key_spki();
        let template = CertificateTemplate::new(name, Some(&by.certificate), &serial(), years(), &spki);
        sign(&by.key, &template.for_authority(None))
    }

    /// The octets of a signature by [`scheme`](Self::scheme).
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(&SCHEME, bytes).unwrap()
    }

    /// The octets of a signature by another scheme.
    pub fn sign_by(&self, scheme: &SignatureScheme, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(scheme, bytes).unwrap()
    }

    /// The private key, PKCS#8 in DER.
    pub fn key_der(&self) -> smime::Secret {
        self.key.to_pkcs8().unwrap()
    }

    /// How every authority signs.
    pub fn scheme() -> smime::crypto::algorithm::AlgorithmIdentifier {
        SCHEME.identifier()
    }

    /// A certificate from a template of the caller's, without one of its extensions.
    pub fn issue_without(&self, template: &CertificateTemplate, extension: &ObjectIdentifier) -> Certificate {
        let kept = |raw: &[u8]| {
            let mut fields = Reader::single(raw, "Extension").unwrap().sequence("Extension").unwrap();
            fields.required_any("extnID").unwrap().oid("extnID").unwrap() != *extension
        };
        let tbs = template.tbs(&SCHEME.identifier());
        let mut parts = elements(&tbs);
        let all = elements(&elements(parts.last().unwrap())[0]);
        let rest: Vec<Vec<u8>> = all.into_iter().filter(|raw| kept(raw)).collect();
        *parts.last_mut().unwrap() = der::explicit(3, &der::sequence(&rest));
        let tbs = der::sequence(&parts);
        let signature = der::bits(&self.sign(&tbs));
        Certificate::from_der(&der::sequence(&[tbs, SCHEME.identifier().to_der(), signature])).unwrap()
    }

    /// A certificate from a template of the caller's.
    pub fn issue(&self, template: &CertificateTemplate) -> Certificate {
        sign(&self.key, template)
    }
}

/// The elements of a constructed one.
fn elements(raw: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = Reader::single(raw, "element").unwrap().children("element").unwrap();
    let mut parts = Vec::new();
    while let Some(part) = reader.next_element().unwrap() {
        parts.push(part.raw().to_vec());
    }
    parts
}

/// A distinguished name with a common name only.
pub fn common_name(name: &str) -> Name {
    Name::build(&[(oid::COMMON_NAME, name)])
}

/// A serial number that no other certificate of this process has.
pub fn serial() -> [u8; 8] {
    SERIAL.fetch_add(1, Ordering::Relaxed).to_be_bytes()
}

/// From 2026 to 2036.
pub fn years() -> (Time, Time) {
    ("2026-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap())
}

fn sign(key: &PrivateKey, template: &CertificateTemplate) -> Certificate {
    issue(template, &SCHEME.identifier(), &|tbs| Ok(key.sign(&SCHEME, tbs)?)).unwrap()
}
