//! A desk to run the program at: a folder with a CA, Alice, Bob and Carol as files.

use super::people::{Authority, common_name, serial, years};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::store::{import, p12, pem};
use smime::{Secret, Time};
use std::path::PathBuf;
use std::process::{Command, Output};

/// When everything happens.
pub const AT: &str = "2026-11-24T08:00:00Z";
/// A mail from Alice to Bob.
pub const MAIL: &str =
    "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

/// A folder with a CA, people and a mail in it, and the program.
pub struct Desk {
    pub folder: tempfile::TempDir,
    pub ca: Authority,
}

impl Desk {
    /// A CA, Alice and Bob as files, with the password "secret".
    pub fn new() -> Self {
        let desk = Self::plain();
        for name in ["alice", "bob", "carol"] {
            desk.pkcs12(name);
        }
        desk
    }

    /// The same without PKCS#12 files, which take their time.
    pub fn plain() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), ca: Authority::root("Desk CA") };
        desk.write("ca.pem", pem::write("CERTIFICATE", desk.ca.certificate.der()).as_bytes());
        desk.write("password", b"secret\n");
        desk.write("wrong", b"terces\n");
        desk.write("mail.eml", MAIL.as_bytes());
        let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
        for name in ["alice", "bob", "carol"] {
            desk.pem_files(name, &format!("{name}@example.com"), years(), both);
        }
        desk
    }

    /// Somebody's certificate, key and PKCS#12.
    pub fn person(&self, name: &str, email: &str, validity: (Time, Time), usage: KeyUsage) {
        self.pem_files(name, email, validity, usage);
        self.pkcs12(name);
    }

    /// A certificate and a key, each in a file of its own.
    pub fn pem_files(&self, name: &str, email: &str, validity: (Time, Time), usage: KeyUsage) {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let template = CertificateTemplate::new(
            common_name(name),
            Some(&self.ca.certificate),
            &serial(),
            validity,
            &key.public_key_spki(),
        );
        let certificate = self.ca.issue(&template.for_mail(&[email.parse().unwrap()], usage));
        self.write(&format!("{name}.pem"), pem::write("CERTIFICATE", certificate.der()).as_bytes());
        let private = key.to_pkcs8().unwrap();
        self.write(&format!("{name}.key"), pem::write("PRIVATE KEY", private.expose()).as_bytes());
    }

    /// Both in one file, under the password.
    fn pkcs12(&self, name: &str) {
        let both = [self.read(&format!("{name}.pem")), self.read(&format!("{name}.key"))].concat();
        let import = import::read(&both, None, &Default::default(), &Default::default()).unwrap();
        let identity = import.sole_identity().unwrap();
        let key = import.private_key(identity).unwrap().to_pkcs8().unwrap();
        let chain = [identity.certificate().clone(), self.ca.certificate.clone()];
        let (password, profile) = (Secret::from("secret"), p12::Profile::Modern);
        let file = p12::write(&key, &chain, name, &password, profile, &mut SystemRandom).unwrap();
        self.write(&format!("{name}.p12"), &file);
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes one.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Reads one.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs the program in the folder; "alice" after an identity option means her PKCS#12 with its password.
    pub fn run(&self, line: &str) -> Output {
        let line = line
            .replace("@alice", "--identity alice.p12 --password-file password")
            .replace("@bob", "--identity bob.p12 --password-file password");
        let line = line.replace("@carol", "--identity carol.p12 --password-file password");
        let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
        command.current_dir(self.folder.path()).args(line.split_whitespace()).arg("--no-input");
        command.stdin(std::process::Stdio::null()).output().unwrap()
    }

    /// Runs it, expects an exit code, and gives what it said on standard error.
    pub fn expect(&self, code: i32, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "smime {line}\n{said}{}", String::from_utf8_lossy(&output.stdout));
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// What there is, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
