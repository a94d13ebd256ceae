//! SoftHSM2 with a token in a folder of its own. Its configuration is a variable of the environment, which is one for all
//! of a process, so that each test runs in a process of its own.

use super::people::{Authority, common_name, serial, years};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use smime::asn1::der;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::crypto::algorithm::Curve;
use smime::keys::pkcs11::{Module, Token, Uri};
use smime::{Certificate, Identity, Limits, Secret};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of the token's user.
pub const PIN: &str = "1234";
/// Which token.
pub const TOKEN: &str = "pkcs11:token=mail";

const MODULES: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// What says to a process that it is the one of a test.
const ALONE: &str = "SMIME_TEST_TOKEN";

/// The token "mail".
pub struct SoftToken {
    context: Pkcs11,
}

/// A kind of key that is made on the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa2048,
    P256,
    P384,
    P521,
}

/// SoftHSM2's module, if it is installed.
fn module() -> Option<PathBuf> {
    MODULES.iter().map(PathBuf::from).find(|path| path.is_file())
}

impl SoftToken {
    /// In the process of the test, an empty token; otherwise starts such a process, and gives nothing when that has passed.
    pub fn alone(test: &str) -> Option<Self> {
        if std::env::var_os(ALONE).is_some() {
            return Some(Self::new());
        }
        let tool = Command::new("softhsm2-util").arg("--version").output();
        if module().is_none() || tool.is_err() {
            assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: softhsm2");
            eprintln!("skipped: not installed: softhsm2");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("token").tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let conf = folder.path().join("softhsm2.conf");
        let text =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        std::fs::write(&conf, text).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ALONE, "1")
            .env("SOFTHSM2_CONF", &conf)
            .env_remove("PKCS11_MODULE_PATH")
            .output()
            .unwrap();
        let said = [child.stdout, child.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(child.status.success() && said.contains("1 passed"), "{test}: {}\n{said}", child.status);
        None
    }

    fn new() -> Self {
        Self::initialise("mail");
        let context = Pkcs11::new(module().unwrap()).unwrap();
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        Self { context }
    }

    /// A token of this label.
    pub fn initialise(label: &str) {
        util(&["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "4321"]);
    }

    /// Its module.
    pub fn path(&self) -> PathBuf {
        module().unwrap()
    }

    /// The module, as the library loads it.
    pub fn module(&self) -> Module {
        Module::load(&self.path()).unwrap()
    }

    /// The token, opened by the library.
    pub fn open(&self) -> Token {
        Token::open(&self.module(), &uri(TOKEN), Some(&Secret::from(PIN))).unwrap()
    }

    /// A session of the test's own, which may write.
    pub fn session(&self) -> Session {
        let slots = self.context.get_slots_with_initialized_token().unwrap();
        let is_mail = |slot: &&_| self.context.get_token_info(**slot).unwrap().label() == "mail";
        let session = self.context.open_rw_session(*slots.iter().find(is_mail).unwrap()).unwrap();
        // The library may have logged in already.
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        session
    }

    /// Ends the module under everybody's feet.
    pub fn end(&self) {
        self.context.clone().finalize().unwrap();
    }

    /// Makes a key that cannot leave the token, changed by more attributes.
    pub fn make_key(&self, kind: Kind, label: &str, id: u8, more: &[Attribute]) -> ObjectHandle {
        let session = self.session();
        let both = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(vec![id])];
        let mut public = both.to_vec();
        let mut private = both.to_vec();
        private.extend([Attribute::Private(true), Attribute::Sensitive(true), Attribute::Extractable(false)]);
        let mechanism = match kind {
            Kind::Rsa2048 => {
                public.extend([Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])]);
                public.extend([Attribute::Encrypt(true), Attribute::Verify(true)]);
                private.extend([Attribute::Sign(true), Attribute::Decrypt(true), Attribute::Unwrap(true)]);
                Mechanism::RsaPkcsKeyPairGen
            }
            Kind::P256 | Kind::P384 | Kind::P521 => {
                let curve = match kind {
                    Kind::P384 => Curve::P384,
                    Kind::P521 => Curve::P521,
                    _ => Curve::P256,
                };
                public.extend([Attribute::EcParams(der::oid(&curve.oid())), Attribute::Verify(true)]);
                private.extend([Attribute::Sign(true), Attribute::Derive(true)]);
                Mechanism::EccKeyPairGen
            }
        };
        private.retain(|one| !more.iter().any(|other| std::mem::discriminant(one) == std::mem::discriminant(other)));
        private.extend_from_slice(more);
        session.generate_key_pair(&mechanism, &public, &private).unwrap().1
    }

    /// Puts a certificate on the token.
    pub fn store_certificate(&self, certificate: &Certificate, label: &str, id: u8) {
        let attributes = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Label(label.into()),
            Attribute::Id(vec![id]),
            Attribute::Subject(certificate.subject().der().to_vec()),
            Attribute::Value(certificate.der().to_vec()),
        ];
        self.session().create_object(&attributes).unwrap();
    }

    /// A person whose key is made on the token, as `label` with the address `label@example.com`.
    pub fn person(&self, ca: &Authority, kind: Kind, label: &str, id: u8) -> Identity {
        self.make_key(kind, label, id, &[]);
        self.certify(ca, label, id)
    }

    /// The identity of a key that is there, with a certificate on the token.
    pub fn certify(&self, ca: &Authority, label: &str, id: u8) -> Identity {
        let token = self.open();
        let objects = token.objects(&Limits::default()).unwrap();
        let key = objects.keys.iter().find(|key| key.label() == label).unwrap();
        let usage = match key.public().kind() {
            smime::crypto::signature::KeyKind::Rsa => KeyUsage::KEY_ENCIPHERMENT,
            _ => KeyUsage::KEY_AGREEMENT,
        };
        let issuer = Some(&ca.certificate);
        let template = CertificateTemplate::new(common_name(label), issuer, &serial(), years(), key.public().spki());
        let email = format!("{label}@example.com").parse().unwrap();
        let certificate = ca.issue(&template.for_mail(&[email], KeyUsage::DIGITAL_SIGNATURE.and(usage)));
        self.store_certificate(&certificate, label, id);
        let uri = uri(&format!("{TOKEN};object={label}"));
        let found = token.identities(&uri, &[], &Limits::default()).unwrap();
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
    }

    /// Puts a private key of a file, PKCS#8 in PEM, on the token.
    pub fn import_key(&self, file: &Path, label: &str, id: &str) {
        let file = file.to_str().unwrap();
        util(&["--import", file, "--token", "mail", "--label", label, "--id", id, "--pin", PIN]);
    }
}

/// A URI that is one.
pub fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn util(arguments: &[&str]) {
    let output = Command::new("softhsm2-util").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
