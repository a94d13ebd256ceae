//! `gpgsm`, both ways. It knows CMS and no MIME, so the mail around it is made and taken apart here.

use crate::desk::Desk;
use crate::mail::{Mail, Us, alter, base64_body, multipart_signed, pkcs7_mime, same, split_clear};
use crate::people::{PASSWORD, Person};
use crate::tally::{Failure, Outcome, Release, Tally, Unsupported, ours};
use smime::Requirement;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport};
use smime::policy::policy::{CertificateIdentifier, Form, Policy, RsaPadding};
use smime::policy::profile::Profile;
use smime::store::{p12, pem};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// What gpgsm 2.2.40 with libksba 1.6.3 cannot do; the same of OpenSSL's making is refused in the same words.
pub const UNSUPPORTED: &[Unsupported] = &[
    // Its PKCS#12 reader knows PBKDF2 with HMAC-SHA-1 alone, and RSA keys alone.
    ("smime -> gpgsm: pkcs12 modern alice-rsa", "encryptedData error at \"pkcs5PBES2-params\""),
    ("smime -> gpgsm: pkcs12 legacy alice-p256", "Segmentation fault"),
    ("openssl -> gpgsm: pkcs12 legacy alice-p256", "Segmentation fault"),
    ("smime -> gpgsm: sign alice-p521 ecdsa-sha512 clear", "DSA requires the hash length to be a multiple of 8 bits"),
    ("smime -> gpgsm: sign alice-p521 ecdsa-sha512 opaque", "DSA requires the hash length to be a multiple of 8 bits"),
    ("smime -> gpgsm: sign alice-ed25519 ed25519 clear", "DSA requires the hash length to be a multiple of 8 bits"),
    ("smime -> gpgsm: sign alice-ed25519 ed25519 opaque", "DSA requires the hash length to be a multiple of 8 bits"),
    ("smime -> gpgsm: sign alice-rsa rsa-sha256 clear key identifier", "ksba_cms_parse failed: BER error"),
    ("smime -> gpgsm: sign alice-rsa rsa-sha256 opaque key identifier", "ksba_cms_parse failed: BER error"),
    ("smime -> gpgsm: encrypt aes256-cbc bob-rsa key identifier", "error getting info: General error"),
    // It wants keyEncipherment of a certificate for ECDH too.
    ("gpgsm -> smime: encrypt aes256-cbc bob-p256", "Wrong key usage"),
    ("smime -> gpgsm: encrypt aes256-gcm bob-rsa", "error getting IV: Buffer too short"),
    ("smime -> gpgsm: encrypt oaep sha256 bob-rsa", "error getting encrypted session key"),
];

/// One run with a home of its own.
pub struct Gpgsm<'u> {
    us: &'u Us,
    desk: Desk,
}

impl<'u> Gpgsm<'u> {
    /// With the CA trusted, everybody's certificate, and the keys that it can take.
    pub fn new(us: &'u Us) -> Self {
        let desk = Desk::new();
        let home = desk.path("gnupg");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        desk.write("gnupg/gpgsm.conf", "disable-crl-checks\ndisable-dirmngr\nno-tty\nbatch\nyes\n");
        desk.write("gnupg/gpg-agent.conf", "allow-loopback-pinentry\n");
        desk.write("gnupg/trustlist.txt", format!("{} S relax\n", hex(&us.people.ca.sha1())));
        desk.write("password", format!("{PASSWORD}\n"));
        desk.write("ca.crt", pem::write("CERTIFICATE", us.people.ca.der()));
        Self { us, desk }
    }

    /// Whether it is gpgsm 2.2.
    pub fn release(&self) -> Release {
        let version = self.desk.run("gpgsm", &["--version"]).unwrap();
        if version.starts_with(b"gpgsm (GnuPG) 2.2.") { Release::Listed } else { Release::Another }
    }

    /// Everything.
    pub fn run(&self, tally: &mut Tally) {
        self.keys(tally);
        self.signatures(tally);
        self.envelopes(tally);
    }

    fn keys(&self, tally: &mut Tally) {
        tally.case("smime -> gpgsm: certificate ca", || self.gpgsm(&["--import", "ca.crt"]).map(drop));
        for person in self.us.people.iter() {
            tally.case(&format!("smime -> gpgsm: certificate {}", person.name), || {
                self.desk.write("person.crt", pem::write("CERTIFICATE", person.certificate().der()));
                self.gpgsm(&["--import", "person.crt"])?;
                let listed =
                    self.gpgsm(&["--with-colons", "--with-validation", "--list-keys", &fingerprint(person)])?;
                // The second field of the line is the validity, "f" where a trusted root vouches for it.
                let listed = String::from_utf8_lossy(&listed).into_owned();
                if listed.lines().any(|line| line.starts_with("crt:f:")) { Ok(()) } else { Err(Failure::Peer(listed)) }
            });
        }
        tally.case("smime -> gpgsm: pkcs12 modern alice-rsa", || self.import("alice-rsa", p12::Profile::Modern));
        for name in ["alice-rsa", "bob-rsa", "alice-p256"] {
            tally.case(&format!("smime -> gpgsm: pkcs12 legacy {name}"), || self.import(name, p12::Profile::Legacy));
        }
        // So that the words about the key of a curve are known to be its own, and not about our file.
        tally.case("openssl -> gpgsm: pkcs12 legacy alice-p256", || {
            self.desk.write("person.pem", fs::read(&self.us.people.get("alice-p256").pem).map_err(ours)?);
            let old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
            let export = ["pkcs12", "-export", "-in", "person.pem", "-out", "person.p12", "-passout", "file:password"];
            self.desk.run("openssl", &[&export[..], &old].concat())?;
            self.gpgsm(&["--import", "person.p12"]).map(drop)
        });
    }

    fn import(&self, name: &str, profile: p12::Profile) -> Outcome {
        let person = self.us.people.get(name);
        self.desk.write("person.p12", person.p12(&self.us.people.ca, profile));
        self.gpgsm(&["--import", "person.p12"])?;
        let listed = self.gpgsm(&["--with-colons", "--list-secret-keys", &fingerprint(person)])?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        if listed.lines().any(|line| line.starts_with("crs:")) { Ok(()) } else { Err(Failure::Peer(listed)) }
    }

    fn signatures(&self, tally: &mut Tally) {
        let mails = [("plain", Mail::plain()), ("ragged lines", Mail::ragged()), ("large", Mail::large())];
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            for (name, mail) in &mails {
                tally.case(&format!("gpgsm -> smime: sign rsa-{digest} clear, {name}"), || {
                    let signature = self.gpgsm_signs("--detach-sign", digest, &mail.entity)?;
                    let micalg = digest.name().replace("sha", "sha-");
                    let raw = multipart_signed(mail, &micalg, &signature);
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("clear(rsa-{digest})"))
                });
                tally.case(&format!("gpgsm -> smime: sign rsa-{digest} opaque, {name}"), || {
                    let signed = self.gpgsm_signs("--sign", digest, &mail.entity)?;
                    self.us.opens_as(&signed, Requirement::Trusted, &mail.entity)?;
                    let raw = pkcs7_mime(mail, "signed-data", &signed);
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("opaque(rsa-{digest})"))
                });
            }
        }
        for (form, form_name) in [(Form::Clear, "clear"), (Form::Opaque, "opaque")] {
            for (key, digest, padding, scheme) in SCHEMES {
                tally.case(&format!("smime -> gpgsm: sign {key} {scheme} {form_name}"), || {
                    self.we_sign(&mails[0].1, key, form, |policy| {
                        (policy.digest, policy.rsa_padding) = (digest, padding)
                    })
                });
            }
            tally.refused(
                &format!("smime -> gpgsm: sign alice-rsa rsa-sha256 {form_name}, altered, is refused"),
                || {
                    let raw = self.us.sign(&mails[0].1.raw(), &["alice-rsa"], form, &self.us.policy())?;
                    self.gpgsm_verifies(&raw, form, alter).map(drop)
                },
            );
            for (name, mail) in &mails[1..] {
                tally.case(&format!("smime -> gpgsm: sign alice-rsa rsa-sha256 {form_name}, {name}"), || {
                    self.we_sign(mail, "alice-rsa", form, |_| ())
                });
            }
            tally.case(&format!("smime -> gpgsm: sign alice-rsa rsa-sha256 {form_name} as Outlook"), || {
                self.we_sign(&mails[0].1, "alice-rsa", form, |policy| *policy = Policy::new(Profile::OutlookWindows))
            });
            tally.case(&format!("smime -> gpgsm: sign alice-rsa rsa-sha256 {form_name} key identifier"), || {
                self.we_sign(&mails[0].1, "alice-rsa", form, |policy| {
                    policy.identifier = CertificateIdentifier::SubjectKeyIdentifier;
                })
            });
        }
    }

    fn envelopes(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        let ciphers = [
            ("AES128", ContentCipher::Aes128Cbc),
            ("AES192", ContentCipher::Aes192Cbc),
            ("AES256", ContentCipher::Aes256Cbc),
            ("3DES", ContentCipher::TripleDesCbc),
        ];
        for (name, cipher) in ciphers {
            tally.case(&format!("gpgsm -> smime: encrypt {cipher} bob-rsa"), || {
                let sealed = self.gpgsm_encrypts(&mail, &["bob-rsa"], name)?;
                let opened = self.us.opens_as(&sealed, Requirement::Unaltered, &mail.entity)?;
                opened.has_layers(&format!("encrypted({cipher})"))?;
                let raw = pkcs7_mime(&mail, "enveloped-data", &sealed);
                self.us.opens_as(&raw, Requirement::Unaltered, &mail.entity).map(drop)
            });
        }
        for to in [&["alice-rsa", "bob-rsa"][..], &["bob-p256"]] {
            tally.case(&format!("gpgsm -> smime: encrypt aes256-cbc {}", to.join(" and ")), || {
                let sealed = self.gpgsm_encrypts(&mail, to, "AES256")?;
                self.us.opens_as(&sealed, Requirement::Unaltered, &mail.entity).map(drop)
            });
        }
        tally.case("gpgsm -> smime: encrypt aes256-cbc bob-rsa, large", || {
            let mail = Mail::large();
            let sealed = self.gpgsm_encrypts(&mail, &["bob-rsa"], "AES256")?;
            self.us.opens_as(&sealed, Requirement::Unaltered, &mail.entity).map(drop)
        });
        tally.case("gpgsm -> smime: sign clear, then encrypt aes256-cbc bob-rsa", || {
            let signature = self.gpgsm_signs("--detach-sign", DigestAlgorithm::Sha256, &mail.entity)?;
            let signed = multipart_signed(&mail, "sha-256", &signature);
            let inner = Mail { header: mail.header.clone(), entity: signed[mail.header.len()..].to_vec() };
            let raw = pkcs7_mime(&mail, "enveloped-data", &self.gpgsm_encrypts(&inner, &["bob-rsa"], "AES256")?);
            let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
            opened.has_layers("encrypted(aes256-cbc) clear(rsa-sha256)")
        });
        for (_, cipher) in &ciphers[..3] {
            tally.case(&format!("smime -> gpgsm: encrypt {cipher} bob-rsa"), || {
                self.we_encrypt(&mail, &["bob-rsa"], |policy| policy.content_cipher = *cipher)
            });
        }
        for (name, mail) in [("large", Mail::large()), ("with an attachment", Mail::with_attachment())] {
            tally.case(&format!("smime -> gpgsm: encrypt aes256-cbc bob-rsa, {name}"), || {
                self.we_encrypt(&mail, &["bob-rsa"], |_| ())
            });
            let outlook = |policy: &mut Policy| *policy = Policy::new(Profile::OutlookWindows);
            tally.case(&format!("smime -> gpgsm: encrypt as Outlook, {name}"), || {
                self.we_encrypt(&mail, &["bob-rsa"], outlook)
            });
            tally.case(&format!("smime -> gpgsm: sign alice-rsa rsa-sha256 opaque as Outlook, {name}"), || {
                self.we_sign(&mail, "alice-rsa", Form::Opaque, outlook)
            });
        }
        tally.case("smime -> gpgsm: encrypt aes256-cbc bob-rsa key identifier", || {
            self.we_encrypt(&mail, &["bob-rsa"], |policy| {
                policy.identifier = CertificateIdentifier::SubjectKeyIdentifier
            })
        });
        tally.case("smime -> gpgsm: encrypt aes256-cbc alice-p256 and bob-rsa", || {
            self.we_encrypt(&mail, &["alice-p256", "bob-rsa"], |_| ())
        });
        tally.case("smime -> gpgsm: encrypt aes256-gcm bob-rsa", || {
            self.we_encrypt(&mail, &["bob-rsa"], |policy| policy.content_cipher = ContentCipher::Aes256Gcm)
        });
        tally.case("smime -> gpgsm: encrypt oaep sha256 bob-rsa", || {
            let (hash, mgf_hash) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha256);
            let oaep = KeyTransport::RsaOaep { hash, mgf_hash, label: Vec::new() };
            self.we_encrypt(&mail, &["bob-rsa"], |policy| policy.key_transport = oaep)
        });
    }

    // ---- what gpgsm does

    fn gpgsm(&self, arguments: &[&str]) -> Outcome<Vec<u8>> {
        let quiet = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"];
        self.desk.run_with("gpgsm", &[&quiet, arguments].concat(), Some("password"))
    }

    fn gpgsm_signs(&self, how: &str, digest: DigestAlgorithm, entity: &[u8]) -> Outcome<Vec<u8>> {
        self.desk.write("entity", entity);
        let alice = fingerprint(self.us.people.get("alice-rsa"));
        self.gpgsm(&[how, "--digest-algo", &digest.name().to_uppercase(), "-u", &alice, "-o", "signed", "entity"])?;
        self.desk.read("signed")
    }

    /// `alter` gets the content, or the structure that the content is in.
    fn gpgsm_verifies(&self, raw: &[u8], form: Form, alter: impl FnOnce(&mut [u8])) -> Outcome<Vec<u8>> {
        match form {
            Form::Clear => {
                let (mut content, signature) = split_clear(raw);
                alter(&mut content);
                self.desk.write("content", &content);
                self.desk.write("signature", signature);
                self.gpgsm(&["--verify", "signature", "content"])?;
                Ok(content)
            }
            Form::Opaque => {
                let mut signed = base64_body(raw);
                alter(&mut signed);
                self.desk.write("signed", signed);
                self.gpgsm(&["-o", "content", "--verify", "signed"])?;
                self.desk.read("content")
            }
        }
    }

    fn gpgsm_encrypts(&self, mail: &Mail, to: &[&str], cipher: &str) -> Outcome<Vec<u8>> {
        self.desk.write("entity", &mail.entity);
        let recipients: Vec<String> = to.iter().map(|name| fingerprint(self.us.people.get(name))).collect();
        let mut arguments = vec!["--encrypt", "--cipher-algo", cipher, "-o", "encrypted"];
        recipients.iter().for_each(|recipient| arguments.extend(["-r", recipient]));
        arguments.push("entity");
        self.gpgsm(&arguments)?;
        self.desk.read("encrypted")
    }

    // ---- what we do

    fn we_sign(&self, mail: &Mail, key: &str, form: Form, change: impl FnOnce(&mut Policy)) -> Outcome {
        let mut policy = self.us.policy();
        change(&mut policy);
        let raw = self.us.sign(&mail.raw(), &[key], form, &policy)?;
        self.us.opens_as(&raw, Requirement::SignedBySender, &mail.sent())?;
        same(&self.gpgsm_verifies(&raw, form, |_| ())?, &mail.sent())
    }

    fn we_encrypt(&self, mail: &Mail, to: &[&str], change: impl FnOnce(&mut Policy)) -> Outcome {
        let mut policy = self.us.policy();
        policy.content_cipher = ContentCipher::Aes256Cbc;
        change(&mut policy);
        let raw = self.us.encrypt(&mail.raw(), to, &policy)?;
        self.us.opens_as(&raw, Requirement::Unaltered, &mail.sent())?;
        self.desk.write("encrypted", base64_body(&raw));
        self.gpgsm(&["-o", "content", "--decrypt", "encrypted"])?;
        same(&self.desk.read("content")?, &mail.sent())
    }
}

impl Drop for Gpgsm<'_> {
    /// gpgsm starts an agent in the background; it goes with the folder.
    fn drop(&mut self) {
        let _ = self.desk.run("gpgconf", &["--kill", "all"]);
    }
}

const SCHEMES: [(&str, DigestAlgorithm, RsaPadding, &str); 10] = [
    ("alice-rsa", DigestAlgorithm::Sha256, RsaPadding::Pkcs1, "rsa-sha256"),
    ("alice-rsa", DigestAlgorithm::Sha384, RsaPadding::Pkcs1, "rsa-sha384"),
    ("alice-rsa", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "rsa-sha512"),
    ("alice-rsa", DigestAlgorithm::Sha256, RsaPadding::Pss, "rsa-pss-sha256"),
    ("alice-rsa", DigestAlgorithm::Sha384, RsaPadding::Pss, "rsa-pss-sha384"),
    ("alice-rsa", DigestAlgorithm::Sha512, RsaPadding::Pss, "rsa-pss-sha512"),
    ("alice-p256", DigestAlgorithm::Sha256, RsaPadding::Pkcs1, "ecdsa-sha256"),
    ("alice-p384", DigestAlgorithm::Sha384, RsaPadding::Pkcs1, "ecdsa-sha384"),
    ("alice-p521", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "ecdsa-sha512"),
    ("alice-ed25519", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "ed25519"),
];

fn fingerprint(person: &Person) -> String {
    format!("0x{}", hex(&person.certificate().sha1()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
