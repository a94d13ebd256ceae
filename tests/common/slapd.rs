//! OpenLDAP's server on a port of this machine, with a folder of its own, until it is dropped.

use super::people::{Authority, common_name, serial, years};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::Extension;
use smime::cert::issue::CertificateTemplate;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::store::pem;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where everybody stands.
pub const BASE: &str = "dc=example,dc=com";
/// Of `cn=admin`.
pub const PASSWORD: &str = "correct horse";

pub struct Slapd {
    folder: tempfile::TempDir,
    ports: (u16, u16),
    child: Option<Child>,
}

const PLACES: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/usr/local/libexec", "/usr/lib/openldap"];

fn program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(PLACES.iter().map(Into::into));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Slapd {
    /// Whether it is installed; else a line says that the test is skipped, or fails where peers are required.
    pub fn is_there() -> bool {
        if program("slapd").is_some() && program("slapadd").is_some() {
            return true;
        }
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: slapd");
        eprintln!("skipped: not installed: slapd");
        false
    }

    /// With the entries of an LDIF text below [`BASE`], and a certificate of `ca` for 127.0.0.1.
    pub fn start(ca: &Authority, ldif: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("slapd").tempdir().unwrap();
        let here = folder.path().to_str().unwrap().to_owned();
        std::fs::create_dir(folder.path().join("db")).unwrap();
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let issuer = Some(&ca.certificate);
        let spki = key.public_key_spki();
        let mut template = CertificateTemplate::new(common_name("slapd"), issuer, &serial(), years(), &spki);
        let names = der::sequence(&[der::primitive(Tag::context(7), &[127, 0, 0, 1])]);
        template.extensions.push(Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value: names });
        let certificate = ca.issue(&template);
        let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        file("server.pem", &pem::write("CERTIFICATE", certificate.der()));
        file("server.key", &pem::write("PRIVATE KEY", key.to_pkcs8().unwrap().expose()));
        file("server-ca.pem", &pem::write("CERTIFICATE", ca.certificate.der()));
        let suffix = format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n");
        let body = ldif.strip_prefix("version: 1\n").unwrap_or(ldif);
        file("data.ldif", &format!("{suffix}\n{}\n", body.trim_start_matches('\n')));
        let modules = if Path::new("/usr/lib/ldap/back_mdb.so").exists() {
            "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        } else {
            ""
        };
        let schemas =
            ["core", "cosine", "inetorgperson"].map(|name| format!("include /etc/ldap/schema/{name}.schema\n"));
        file(
            "slapd.conf",
            &format!(
                "{}{modules}pidfile {here}/slapd.pid\nTLSCACertificateFile {here}/server-ca.pem\n\
                 TLSCertificateFile {here}/server.pem\nTLSCertificateKeyFile {here}/server.key\n\
                 database mdb\nsuffix \"{BASE}\"\nrootdn \"cn=admin,{BASE}\"\nrootpw \"{PASSWORD}\"\n\
                 directory {here}/db\nmaxsize 10485760\n",
                schemas.concat()
            ),
        );
        let added = Command::new(program("slapadd").unwrap())
            .args(["-f", &format!("{here}/slapd.conf"), "-l", &format!("{here}/data.ldif")])
            .output()
            .unwrap();
        assert!(added.status.success(), "slapadd: {}", String::from_utf8_lossy(&added.stderr));
        let mut slapd = Self { folder, ports: (free_port(), free_port()), child: None };
        slapd.restart();
        slapd
    }

    /// Ends it, where it runs, and starts it on the same ports.
    pub fn restart(&mut self) {
        self.stop();
        let configuration = self.folder.path().join("slapd.conf");
        let child = Command::new(program("slapd").unwrap())
            .arg("-f")
            .arg(configuration)
            // In the foreground, so that it is ours to end.
            .args(["-d", "0", "-h", &format!("{} {}", self.ldap(), self.ldaps())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(30);
        for port in [self.ports.0, self.ports.1] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = self.child.as_mut().unwrap().try_wait().unwrap();
                assert!(ended.is_none() && Instant::now() < until, "slapd does not listen: {ended:?}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn ldap(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ports.0)
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ports.1)
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
