//! NSS, which is what Thunderbird is made of, by its `cmsutil`; both ways. It knows CMS and no MIME, so the mail around it is
//! made and taken apart here.

use crate::desk::Desk;
use crate::mail::{Mail, Us, alter, base64_body, multipart_signed, pkcs7_mime, same, split_clear};
use crate::people::{PASSWORD, Person};
use crate::tally::{Failure, Outcome, Release, Tally, Unsupported};
use smime::Requirement;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport};
use smime::policy::policy::{CertificateIdentifier, Form, Policy, RsaPadding};
use smime::policy::profile::Profile;
use smime::store::p12::Profile as Profile12;
use smime::store::pem;
use std::fs;

/// What NSS 3.87 and its `cmsutil` cannot do; the same of OpenSSL's making is refused in the same words.
pub const UNSUPPORTED: &[Unsupported] = &[
    ("smime -> nss: pkcs12 modern alice-ed25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 legacy alice-ed25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 modern alice-x25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 legacy alice-x25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 modern bob-ed25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 legacy bob-ed25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 modern bob-x25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: pkcs12 legacy bob-x25519", "SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY"),
    ("smime -> nss: sign alice-ed25519 ed25519 clear", "SEC_ERROR_PKCS7_BAD_SIGNATURE"),
    ("smime -> nss: sign alice-ed25519 ed25519 opaque", "SEC_ERROR_PKCS7_BAD_SIGNATURE"),
    ("nss -> smime: encrypt bob-p256", "SEC_ERROR_INVALID_ALGORITHM"),
    ("nss -> smime: encrypt bob-p384", "SEC_ERROR_INVALID_ALGORITHM"),
    ("nss -> smime: encrypt bob-p521", "SEC_ERROR_INVALID_ALGORITHM"),
    ("smime -> nss: encrypt aes256-gcm bob-rsa", "SEC_ERROR_UNRECOGNIZED_OID"),
    ("smime -> nss: encrypt aes256-cbc bob-p256", "SEC_ERROR_BAD_DER"),
    ("smime -> nss: encrypt aes256-cbc bob-p384", "SEC_ERROR_BAD_DER"),
    ("smime -> nss: encrypt aes256-cbc bob-p521", "SEC_ERROR_BAD_DER"),
    ("smime -> nss: encrypt oaep sha256 bob-rsa", "SEC_ERROR_UNSUPPORTED_KEYALG"),
];

const DATABASE: &str = "sql:db";

/// One run with a database of its own.
pub struct Nss<'u> {
    us: &'u Us,
    desk: Desk,
}

impl<'u> Nss<'u> {
    /// With an empty database without password.
    pub fn new(us: &'u Us) -> Self {
        let desk = Desk::new();
        for (folder, database) in [("db", DATABASE), ("other", "sql:other")] {
            fs::create_dir(desk.path(folder)).unwrap();
            desk.run("certutil", &["-N", "-d", database, "--empty-password"]).unwrap();
        }
        desk.write("password", PASSWORD);
        desk.write("ca.crt", pem::write("CERTIFICATE", us.people.ca.der()));
        Self { us, desk }
    }

    /// Whether it is NSS 3.87.
    pub fn release(&self) -> Release {
        let modules = self.desk.run("modutil", &["-dbdir", DATABASE, "-list"]).unwrap();
        let listed = String::from_utf8_lossy(&modules).contains("library-version=3.87");
        if listed { Release::Listed } else { Release::Another }
    }

    /// Everything.
    pub fn run(&self, tally: &mut Tally) {
        self.keys(tally);
        self.signatures(tally);
        self.envelopes(tally);
    }

    fn keys(&self, tally: &mut Tally) {
        tally.case("smime -> nss: certificate ca", || {
            let trusted_for_mail = ["-A", "-d", DATABASE, "-n", "ca", "-t", ",C,", "-a", "-i", "ca.crt"];
            self.desk.run("certutil", &trusted_for_mail).map(drop)
        });
        for person in self.us.people.iter() {
            tally.case(&format!("smime -> nss: pkcs12 modern {}", person.name), || {
                self.import(person, Profile12::Modern, DATABASE)?;
                // "S" and "R": signer and recipient of mail.
                let usage = if person.name.ends_with("rsa") { "R" } else { "S" };
                let verified = self.desk.run("certutil", &["-V", "-d", DATABASE, "-n", &person.name, "-u", usage])?;
                let said = String::from_utf8_lossy(&verified).into_owned();
                if said.contains("certificate is valid") { Ok(()) } else { Err(Failure::Peer(said)) }
            });
            // Into a database of its own, since the first has the key already.
            tally.case(&format!("smime -> nss: pkcs12 legacy {}", person.name), || {
                self.import(person, Profile12::Legacy, "sql:other")?;
                let keys = self.desk.run("certutil", &["-K", "-d", "sql:other"])?;
                let keys = String::from_utf8_lossy(&keys).into_owned();
                // The key goes by its friendlyName.
                if keys.contains(&person.name) { Ok(()) } else { Err(Failure::Peer(keys)) }
            });
        }
        tally.refused("smime -> nss: pkcs12 legacy with another password is refused", || {
            self.desk.write("other-password", "another password");
            let arguments = ["-d", "sql:other", "-i", "person.p12", "-w", "other-password", "-K", ""];
            self.desk.run("pk12util", &arguments).map(drop)
        });
    }

    fn import(&self, person: &Person, profile: Profile12, database: &str) -> Outcome {
        self.desk.write("person.p12", person.p12(&self.us.people.ca, profile));
        self.desk.run("pk12util", &["-d", database, "-i", "person.p12", "-w", "password", "-K", ""]).map(drop)
    }

    fn signatures(&self, tally: &mut Tally) {
        let mails = [("plain", Mail::plain()), ("ragged lines", Mail::ragged()), ("large", Mail::large())];
        // It has no way to sign with PSS, and no Ed25519.
        let its_own = |(_, _, padding, scheme): &(_, _, _, &str)| *padding == RsaPadding::Pkcs1 && *scheme != "ed25519";
        for (key, digest, _, scheme) in SCHEMES.into_iter().filter(its_own) {
            for (name, options) in [("", &[][..]), (" -G -P", &["-G", "-P"]), (" -Y", &["-G", "-Y", key])] {
                self.nss_signs_both_forms(tally, &mails[0].1, (key, digest, scheme), options, name);
            }
        }
        for (name, mail) in &mails[1..] {
            let scheme = ("alice-rsa", DigestAlgorithm::Sha256, "rsa-sha256");
            self.nss_signs_both_forms(tally, mail, scheme, &["-G"], &format!(", {name}"));
        }
        for (form, form_name) in [(Form::Clear, "clear"), (Form::Opaque, "opaque")] {
            for (key, digest, padding, scheme) in SCHEMES {
                tally.case(&format!("smime -> nss: sign {key} {scheme} {form_name}"), || {
                    self.we_sign(&mails[0].1, key, form, |policy| {
                        (policy.digest, policy.rsa_padding) = (digest, padding)
                    })
                });
            }
            tally.refused(&format!("smime -> nss: sign alice-rsa rsa-sha256 {form_name}, altered, is refused"), || {
                let raw = self.us.sign(&mails[0].1.raw(), &["alice-rsa"], form, &self.us.policy())?;
                self.nss_verifies(&raw, form, alter).map(drop)
            });
            for (name, mail) in &mails[1..] {
                tally.case(&format!("smime -> nss: sign alice-rsa rsa-sha256 {form_name}, {name}"), || {
                    self.we_sign(mail, "alice-rsa", form, |_| ())
                });
            }
            for key in ["alice-rsa", "alice-p256"] {
                tally.case(&format!("smime -> nss: sign {key} {form_name} as Outlook"), || {
                    self.we_sign(&mails[0].1, key, form, |policy| *policy = Policy::new(Profile::OutlookWindows))
                });
                tally.case(&format!("smime -> nss: sign {key} {form_name} key identifier"), || {
                    self.we_sign(&mails[0].1, key, form, |policy| {
                        policy.identifier = CertificateIdentifier::SubjectKeyIdentifier;
                    })
                });
            }
        }
    }

    fn nss_signs_both_forms(
        &self,
        tally: &mut Tally,
        mail: &Mail,
        (key, digest, scheme): (&str, DigestAlgorithm, &str),
        options: &[&str],
        name: &str,
    ) {
        tally.case(&format!("nss -> smime: sign {key} {scheme} clear{name}"), || {
            let signature = self.nss_signs(mail, key, digest, &[&["-T"], options].concat())?;
            let raw = multipart_signed(mail, &digest.name().replace("sha", "sha-"), &signature);
            let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
            opened.has_layers(&format!("clear({scheme})"))
        });
        tally.case(&format!("nss -> smime: sign {key} {scheme} opaque{name}"), || {
            let signed = self.nss_signs(mail, key, digest, options)?;
            self.us.opens_as(&signed, Requirement::Trusted, &mail.entity)?;
            let raw = pkcs7_mime(mail, "signed-data", &signed);
            let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
            opened.has_layers(&format!("opaque({scheme})"))
        });
    }

    fn envelopes(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        for to in [&["bob-rsa"][..], &["alice-rsa", "bob-rsa"], &["bob-p256"], &["bob-p384"], &["bob-p521"]] {
            tally.case(&format!("nss -> smime: encrypt {}", to.join(" and ")), || {
                let sealed = self.nss_encrypts(&mail, to)?;
                self.us.opens_as(&sealed, Requirement::Unaltered, &mail.entity)?;
                let raw = pkcs7_mime(&mail, "enveloped-data", &sealed);
                self.us.opens_as(&raw, Requirement::Unaltered, &mail.entity).map(drop)
            });
        }
        tally.case("nss -> smime: encrypt bob-rsa, large", || {
            let mail = Mail::large();
            let sealed = self.nss_encrypts(&mail, &["bob-rsa"])?;
            self.us.opens_as(&sealed, Requirement::Unaltered, &mail.entity).map(drop)
        });
        tally.case("nss -> smime: sign clear, then encrypt bob-rsa", || {
            let signature = self.nss_signs(&mail, "alice-rsa", DigestAlgorithm::Sha256, &["-T", "-G"])?;
            let signed = multipart_signed(&mail, "sha-256", &signature);
            let inner = Mail { header: mail.header.clone(), entity: signed[mail.header.len()..].to_vec() };
            let raw = pkcs7_mime(&mail, "enveloped-data", &self.nss_encrypts(&inner, &["bob-rsa"])?);
            let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
            opened.has_layers("encrypted(aes128-cbc) clear(rsa-sha256)")
        });
        tally.case("nss -> smime: encrypted-data (-C) does not open without its key", || {
            self.desk.write("envelope", self.nss_encrypts(&mail, &["bob-rsa"])?);
            self.desk.run("cmsutil", &["-C", "-d", DATABASE, "-i", "entity", "-e", "envelope", "-o", "encrypted"])?;
            match self.us.open(&self.desk.read("encrypted")?, Requirement::None) {
                Err(Failure::Ours(why)) if why.contains("that key was not given") => Ok(()),
                Err(other) => Err(other),
                Ok(_) => Err(Failure::Ours("it opens, without a key".to_owned())),
            }
        });
        for cipher in
            [ContentCipher::Aes128Cbc, ContentCipher::Aes192Cbc, ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm]
        {
            tally.case(&format!("smime -> nss: encrypt {cipher} bob-rsa"), || {
                self.we_encrypt(&mail, &["bob-rsa"], |policy| policy.content_cipher = cipher)
            });
        }
        for bob in ["bob-p256", "bob-p384", "bob-p521"] {
            tally.case(&format!("smime -> nss: encrypt aes256-cbc {bob}"), || self.we_encrypt(&mail, &[bob], |_| ()));
        }
        for (name, mail) in [("large", Mail::large()), ("with an attachment", Mail::with_attachment())] {
            tally.case(&format!("smime -> nss: encrypt aes256-cbc bob-rsa, {name}"), || {
                self.we_encrypt(&mail, &["bob-rsa"], |_| ())
            });
            let outlook = |policy: &mut Policy| *policy = Policy::new(Profile::OutlookWindows);
            tally.case(&format!("smime -> nss: encrypt as Outlook, {name}"), || {
                self.we_encrypt(&mail, &["bob-rsa"], outlook)
            });
            tally.case(&format!("smime -> nss: sign alice-rsa rsa-sha256 opaque as Outlook, {name}"), || {
                self.we_sign(&mail, "alice-rsa", Form::Opaque, outlook)
            });
        }
        tally.case("smime -> nss: encrypt aes256-cbc alice-rsa and bob-rsa", || {
            self.we_encrypt(&mail, &["alice-rsa", "bob-rsa"], |_| ())
        });
        tally.case("smime -> nss: encrypt aes256-cbc bob-rsa key identifier", || {
            self.we_encrypt(&mail, &["bob-rsa"], |policy| {
                policy.identifier = CertificateIdentifier::SubjectKeyIdentifier
            })
        });
        tally.case("smime -> nss: encrypt oaep sha256 bob-rsa", || {
            let (hash, mgf_hash) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha256);
            let oaep = KeyTransport::RsaOaep { hash, mgf_hash, label: Vec::new() };
            self.we_encrypt(&mail, &["bob-rsa"], |policy| policy.key_transport = oaep)
        });
    }

    // ---- what NSS does

    fn nss_signs(&self, mail: &Mail, key: &str, digest: DigestAlgorithm, options: &[&str]) -> Outcome<Vec<u8>> {
        self.desk.write("entity", &mail.entity);
        let hash = digest.name().to_uppercase();
        let arguments = ["-S", "-d", DATABASE, "-N", key, "-H", &hash, "-i", "entity", "-o", "signed"];
        self.desk.run("cmsutil", &[&arguments[..], options].concat())?;
        self.desk.read("signed")
    }

    fn nss_encrypts(&self, mail: &Mail, to: &[&str]) -> Outcome<Vec<u8>> {
        self.desk.write("entity", &mail.entity);
        let to = to.join(",");
        self.desk.run("cmsutil", &["-E", "-d", DATABASE, "-r", &to, "-i", "entity", "-o", "encrypted"])?;
        self.desk.read("encrypted")
    }

    /// `alter` gets the content, or the structure that the content is in.
    fn nss_verifies(&self, raw: &[u8], form: Form, alter: impl FnOnce(&mut [u8])) -> Outcome<Vec<u8>> {
        match form {
            Form::Clear => {
                let (mut content, signature) = split_clear(raw);
                alter(&mut content);
                self.desk.write("detached", content);
                self.desk.write("message", signature);
                self.decode(&["-c", "detached"])
            }
            Form::Opaque => {
                let mut signed = base64_body(raw);
                alter(&mut signed);
                self.desk.write("message", signed);
                self.decode(&[])
            }
        }
    }

    fn decode(&self, options: &[&str]) -> Outcome<Vec<u8>> {
        let arguments = ["-D", "-d", DATABASE, "-i", "message", "-o", "content"];
        self.desk.run("cmsutil", &[&arguments[..], options].concat())?;
        self.desk.read("content")
    }

    // ---- what we do

    fn we_sign(&self, mail: &Mail, key: &str, form: Form, change: impl FnOnce(&mut Policy)) -> Outcome {
        let mut policy = self.us.policy();
        change(&mut policy);
        let raw = self.us.sign(&mail.raw(), &[key], form, &policy)?;
        self.us.opens_as(&raw, Requirement::SignedBySender, &mail.sent())?;
        same(&self.nss_verifies(&raw, form, |_| ())?, &mail.sent())
    }

    fn we_encrypt(&self, mail: &Mail, to: &[&str], change: impl FnOnce(&mut Policy)) -> Outcome {
        let mut policy = self.us.policy();
        policy.content_cipher = ContentCipher::Aes256Cbc;
        change(&mut policy);
        let raw = self.us.encrypt(&mail.raw(), to, &policy)?;
        self.us.opens_as(&raw, Requirement::Unaltered, &mail.sent())?;
        self.desk.write("message", base64_body(&raw));
        same(&self.decode(&[])?, &mail.sent())
    }
}

const SCHEMES: [(&str, DigestAlgorithm, RsaPadding, &str); 11] = [
    ("alice-rsa", DigestAlgorithm::Sha256, RsaPadding::Pkcs1, "rsa-sha256"),
    ("alice-rsa", DigestAlgorithm::Sha384, RsaPadding::Pkcs1, "rsa-sha384"),
    ("alice-rsa", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "rsa-sha512"),
    ("alice-rsa", DigestAlgorithm::Sha256, RsaPadding::Pss, "rsa-pss-sha256"),
    ("alice-rsa", DigestAlgorithm::Sha384, RsaPadding::Pss, "rsa-pss-sha384"),
    ("alice-rsa", DigestAlgorithm::Sha512, RsaPadding::Pss, "rsa-pss-sha512"),
    ("alice-p256", DigestAlgorithm::Sha256, RsaPadding::Pkcs1, "ecdsa-sha256"),
    ("alice-p384", DigestAlgorithm::Sha384, RsaPadding::Pkcs1, "ecdsa-sha384"),
    ("alice-p521", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "ecdsa-sha512"),
    ("alice-p256", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "ecdsa-sha512"),
    ("alice-ed25519", DigestAlgorithm::Sha512, RsaPadding::Pkcs1, "ed25519"),
];
