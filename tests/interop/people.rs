//! Alice, Bob and their CA: keys and certificates of our own making, which lie in `test-vectors/keys`. A run reads them;
//! only `make_the_people` (ignored) writes those that are missing.

use crate::tally::{Failure, Outcome, ours};
use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::store::import::{self, ImportOptions};
use smime::store::{p12, pem};
use smime::{Certificate, Identity, Keyring, Limits, Secret, Time, Trust};
use std::fs;
use std::path::{Path, PathBuf};

/// The password of every PKCS#12 file of a run.
pub const PASSWORD: &str = "a password for tests";
const CA: &str = "ca";

/// The kinds of key that a person can have; the name is the file's, "alice-p256.pem".
pub const KINDS: [(&str, KeyKind); 6] = [
    ("rsa", KeyKind::Rsa),
    ("p256", KeyKind::P256),
    ("p384", KeyKind::P384),
    ("p521", KeyKind::P521),
    ("ed25519", KeyKind::Ed25519),
    ("x25519", KeyKind::X25519),
];

/// A key with its certificate, in every shape that a peer asks for.
pub struct Person {
    /// "alice-p256": the file's name, and the certificate's common name.
    pub name: String,
    /// The address in the certificate.
    pub email: String,
    /// For our side.
    pub identity: Identity,
    /// PKCS#8 key and certificate in one PEM file.
    pub pem: PathBuf,
    key: PrivateKey,
}

/// All of them.
pub struct People {
    /// The CA's certificate.
    pub ca: Certificate,
    /// The same as a PEM file.
    pub ca_pem: PathBuf,
    everybody: Vec<Person>,
}

impl People {
    /// Reads them.
    pub fn read() -> Self {
        let ca_pem = file(CA);
        let ca = read(&ca_pem).0.certificate().clone();
        let names = ["alice", "bob"].iter().flat_map(|who| KINDS.iter().map(move |(kind, _)| (*who, *kind)));
        let everybody = names.map(|(who, kind)| {
            let name = format!("{who}-{kind}");
            let pem = file(&name);
            let (identity, key) = read(&pem);
            Person {
                identity: identity.with_chain(vec![ca.clone()]),
                email: format!("{who}@example.com"),
                name,
                pem,
                key,
            }
        });
        Self { everybody: everybody.collect(), ca, ca_pem }
    }

    /// "alice-rsa"
    pub fn get(&self, name: &str) -> &Person {
        self.everybody.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// Everybody.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.everybody.iter()
    }

    /// The CA as the only anchor.
    pub fn trust(&self) -> Trust {
        Trust::new(vec![self.ca.clone()])
    }

    /// Everybody's keys.
    pub fn keyring(&self) -> Keyring {
        Keyring::new(self.everybody.iter().map(|p| p.identity.clone()).collect())
    }
}

impl Person {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        self.identity.certificate()
    }

    /// Key, certificate and CA as our writer makes a PKCS#12 file of them.
    pub fn p12(&self, ca: &Certificate, profile: p12::Profile) -> Vec<u8> {
        let key = self.key.to_pkcs8().unwrap();
        let chain = [self.certificate().clone(), ca.clone()];
        let password = Secret::from(PASSWORD.as_bytes());
        p12::write(&key, &chain, &self.name, &password, profile, &mut SystemRandom).unwrap()
    }

    /// Whether what a peer wrote in PEM is this key, this certificate and the CA's.
    pub fn is_in(&self, text: &[u8], ca: &Certificate) -> Outcome {
        let import = import::read(text, None, &ImportOptions::default(), &Limits::default()).map_err(ours)?;
        let identity = import.sole_identity().map_err(ours)?;
        let found = (identity.certificate(), identity.chain());
        if found != (self.certificate(), std::slice::from_ref(ca)) {
            return Err(Failure::Ours(format!("other certificates: {found:?}")));
        }
        let key = import.private_key(identity).map(|key| key.to_pkcs8().unwrap());
        if key == Some(self.key.to_pkcs8().unwrap()) { Ok(()) } else { Err(Failure::Ours("another key".to_owned())) }
    }
}

/// How a PKCS#12 file is written, and how the cases call it.
pub const PROFILES: [(&str, p12::Profile); 2] = [("modern", p12::Profile::Modern), ("legacy", p12::Profile::Legacy)];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test-vectors/keys")
}

fn file(name: &str) -> PathBuf {
    folder().join(format!("{name}.pem"))
}

fn read(path: &Path) -> (Identity, PrivateKey) {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let import = import::read(&text, None, &ImportOptions::default(), &Limits::default()).unwrap();
    let identity = import.sole_identity().unwrap().clone();
    let blocks = pem::read(&text).unwrap();
    let key = blocks.iter().find(|block| block.label == "PRIVATE KEY").unwrap();
    (identity, PrivateKey::from_pkcs8(&key.data).unwrap())
}

/// Makes what is missing in `test-vectors/keys`. Where the CA is missing, everybody is made anew.
pub fn make() {
    let validity: (Time, Time) = ("2020-01-01T00:00:00Z".parse().unwrap(), "2119-12-31T23:59:59Z".parse().unwrap());
    let name = |common: &str| {
        Name::build(&[(oid::ORGANIZATION, "smime tests, not to be trusted"), (oid::COMMON_NAME, common)])
    };
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    let new_world = !file(CA).exists();
    fs::create_dir_all(folder()).unwrap();
    if new_world {
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let template = CertificateTemplate::new(name(CA), None, &serial(), validity, &key.public_key_spki());
        let certificate =
            issue(&template.for_authority(None), &scheme.identifier(), &|tbs| Ok(key.sign(&scheme, tbs)?)).unwrap();
        write(CA, &key, &certificate);
    }
    let (ca, ca_key) = read(&file(CA));
    for who in ["alice", "bob"] {
        for (kind_name, kind) in KINDS {
            let file_name = format!("{who}-{kind_name}");
            if file(&file_name).exists() && !new_world {
                continue;
            }
            let key = PrivateKey::generate(kind, 2048).unwrap();
            let usage = match kind {
                KeyKind::Rsa => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT),
                KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {
                    KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT)
                }
                KeyKind::Ed25519 => KeyUsage::DIGITAL_SIGNATURE,
                _ => KeyUsage::KEY_AGREEMENT,
            };
            let email = format!("{who}@example.com").parse().unwrap();
            let template = CertificateTemplate::new(
                name(&file_name),
                Some(ca.certificate()),
                &serial(),
                validity,
                &key.public_key_spki(),
            );
            let template = template.for_mail(&[email], usage);
            let certificate = issue(&template, &scheme.identifier(), &|tbs| Ok(ca_key.sign(&scheme, tbs)?)).unwrap();
            write(&file_name, &key, &certificate);
        }
    }
}

fn serial() -> [u8; 16] {
    let mut serial = [0; 16];
    smime::crypto::random::Random::fill(&mut SystemRandom, &mut serial).unwrap();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

fn write(name: &str, key: &PrivateKey, certificate: &Certificate) {
    let key = pem::write("PRIVATE KEY", key.to_pkcs8().unwrap().expose());
    fs::write(file(name), key + &pem::write("CERTIFICATE", certificate.der())).unwrap();
}
