//! `openssl cms`, both ways.

#[path = "openssl/envelopes.rs"]
mod envelopes;
#[path = "openssl/layers.rs"]
mod layers;
#[path = "openssl/signatures.rs"]
mod signatures;

use crate::desk::Desk;
use crate::mail::{Mail, Us, same};
use crate::people::{PASSWORD, PROFILES};
use crate::tally::{Failure, Outcome, Release, Tally, Unsupported, ours};
use smime::Requirement;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use smime::policy::policy::{Form, Policy};
use smime::store::import::{self, ImportOptions};
use smime::{Limits, Secret};

/// What OpenSSL 3.0 cannot do.
pub const UNSUPPORTED: &[Unsupported] = &[
    ("openssl -> smime: sign ed25519 ed25519 clear", "Error writing CMS output"),
    ("openssl -> smime: sign ed25519 ed25519 opaque", "eddsa_digest_signverify_init:invalid digest"),
    ("openssl -> smime: sign rsa-pss-sha256 opaque -stream", "Error writing CMS output"),
    ("openssl -> smime: sign rsa-pss-sha256 opaque -noattr -stream", "Error writing CMS output"),
    ("smime -> openssl: sign ed25519 ed25519 clear", "eddsa_digest_signverify_init:invalid digest"),
    ("smime -> openssl: sign ed25519 ed25519 opaque", "eddsa_digest_signverify_init:invalid digest"),
    ("smime -> openssl: encrypt bob-x25519", "no matching recipient"),
    ("openssl -> smime: encrypt bob-x25519", "operation not supported for this keytype"),
];

const FORMS: [(Form, &str); 2] = [(Form::Clear, "clear"), (Form::Opaque, "opaque")];

/// One run against one installation.
pub struct OpenSsl<'u> {
    us: &'u Us,
    desk: Desk,
    ca: String,
}

impl<'u> OpenSsl<'u> {
    /// With a folder of its own.
    pub fn new(us: &'u Us) -> Self {
        Self { us, desk: Desk::new(), ca: us.people.ca_pem.display().to_string() }
    }

    /// Whether it is OpenSSL 3.0.
    pub fn release(&self) -> Release {
        let version = self.openssl(&["version"]).unwrap();
        if version.starts_with(b"OpenSSL 3.0.") { Release::Listed } else { Release::Another }
    }

    /// Everything.
    pub fn run(&self, tally: &mut Tally) {
        self.certificates(tally);
        self.signatures(tally);
        self.envelopes(tally);
        self.layers(tally);
    }

    fn openssl(&self, arguments: &[&str]) -> Outcome<Vec<u8>> {
        self.desk.run("openssl", arguments)
    }

    fn pem(&self, name: &str) -> String {
        self.us.people.get(name).pem.display().to_string()
    }

    fn certificates(&self, tally: &mut Tally) {
        for person in self.us.people.iter() {
            tally.case(&format!("smime -> openssl: certificate {}", person.name), || {
                let purpose = if person.name.ends_with("x25519") { "any" } else { "smimesign" };
                let pem = self.pem(&person.name);
                let strict = ["verify", "-x509_strict", "-no-CApath", "-CAfile", &self.ca, "-purpose", purpose, &pem];
                self.openssl(&strict).map(drop)
            });
        }
        for person in self.us.people.iter() {
            for (name, profile) in PROFILES {
                tally.case(&format!("smime -> openssl: pkcs12 {name} {}", person.name), || {
                    self.desk.write("person.p12", person.p12(&self.us.people.ca, profile));
                    let text = self.pkcs12(name, PASSWORD)?;
                    person.is_in(&text, &self.us.people.ca)?;
                    let text = String::from_utf8_lossy(&text).into_owned();
                    // The key and its certificate carry both attributes, the CA neither.
                    let friendly = format!("friendlyName: {}", person.name);
                    let found = (text.matches(&friendly).count(), text.matches("localKeyID: ").count());
                    if found == (2, 2) { Ok(()) } else { Err(Failure::Ours(format!("attributes {found:?}: {text}"))) }
                });
            }
        }
        for (name, profile) in PROFILES {
            tally.refused(&format!("smime -> openssl: pkcs12 {name} with another password is refused"), || {
                let person = self.us.people.get("alice-rsa");
                self.desk.write("person.p12", person.p12(&self.us.people.ca, profile));
                self.pkcs12(name, "another password").map(drop)
            });
            tally.case(&format!("openssl -> smime: pkcs12 {name}"), || {
                let person = self.us.people.get("alice-rsa");
                self.desk.write("password", PASSWORD);
                let pem = self.pem("alice-rsa");
                let old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
                let old = if name == "legacy" { &old[..] } else { &[] };
                let export = ["pkcs12", "-export", "-in", &pem, "-certfile", &self.ca, "-out", "person.p12"];
                self.openssl(&[&export[..], &["-passout", "file:password"], old].concat())?;
                let (file, password) = (self.desk.read("person.p12")?, Secret::from(PASSWORD));
                let options = ImportOptions::default();
                let import = import::read(&file, Some(&password), &options, &Limits::default()).map_err(ours)?;
                let identity = import.sole_identity().map_err(ours)?;
                if identity.certificate() == person.certificate() && identity.chain().len() == 1 {
                    return Ok(());
                }
                Err(Failure::Ours(format!("read otherwise: {identity:?}")))
            });
        }
    }

    /// Everything in person.p12 as PEM.
    fn pkcs12(&self, profile: &str, password: &str) -> Outcome<Vec<u8>> {
        self.desk.write("password", password);
        let read = ["pkcs12", "-in", "person.p12", "-passin", "file:password", "-nodes"];
        let old = if profile == "legacy" { &["-legacy"][..] } else { &[] };
        self.openssl(&[&read[..], old].concat())
    }

    // ---- what openssl does

    fn signed_by_openssl(
        &self,
        mail: &Mail,
        keys: &[&str],
        digest: DigestAlgorithm,
        options: &[&str],
    ) -> Outcome<Vec<u8>> {
        let raw = self.sign_file(&mail.entity, keys, digest, options)?;
        Ok(if options.contains(&"DER") { raw } else { with_header(mail, &raw) })
    }

    fn sign_file(&self, entity: &[u8], keys: &[&str], digest: DigestAlgorithm, options: &[&str]) -> Outcome<Vec<u8>> {
        self.desk.write("entity", entity);
        let pems: Vec<String> = keys.iter().map(|key| self.pem(key)).collect();
        let mut arguments = vec!["cms", "-sign", "-in", "entity", "-out", "signed", "-md", digest.name()];
        pems.iter().for_each(|pem| arguments.extend(["-signer", pem]));
        arguments.extend(options);
        self.openssl(&arguments)?;
        self.desk.read("signed")
    }

    fn encrypted_by_openssl(&self, mail: &Mail, to: &[(&str, &[&str])], options: &[&str]) -> Outcome<Vec<u8>> {
        let raw = self.encrypt_file(&mail.entity, to, options)?;
        Ok(if options.contains(&"DER") { raw } else { with_header(mail, &raw) })
    }

    fn encrypt_file(&self, entity: &[u8], to: &[(&str, &[&str])], options: &[&str]) -> Outcome<Vec<u8>> {
        self.desk.write("entity", entity);
        let pems: Vec<String> = to.iter().map(|(name, _)| self.pem(name)).collect();
        let mut arguments = vec!["cms", "-encrypt", "-in", "entity", "-out", "encrypted"];
        arguments.extend(options);
        for (pem, (_, key_options)) in pems.iter().zip(to) {
            arguments.extend(["-recip", pem]);
            arguments.extend(*key_options);
        }
        self.openssl(&arguments)?;
        self.desk.read("encrypted")
    }

    fn openssl_verifies(&self, raw: &[u8]) -> Outcome<Vec<u8>> {
        self.desk.write("in.eml", raw);
        self.verify("in.eml", "SMIME")
    }

    fn verify(&self, file: &str, form: &str) -> Outcome<Vec<u8>> {
        let trust = ["-no-CApath", "-CAfile", &self.ca, "-purpose", "smimesign"];
        self.openssl(&[&["cms", "-verify", "-in", file, "-inform", form, "-out", "content"][..], &trust].concat())?;
        self.desk.read("content")
    }

    fn openssl_decrypts(&self, raw: &[u8], bob: &str) -> Outcome<Vec<u8>> {
        self.desk.write("in.eml", raw);
        let pem = self.pem(bob);
        self.openssl(&["cms", "-decrypt", "-in", "in.eml", "-recip", &pem, "-inkey", &pem, "-out", "content"])?;
        self.desk.read("content")
    }

    // ---- what we do

    fn we_sign(&self, mail: &Mail, keys: &[&str], form: Form, policy: &Policy, scheme: &str) -> Outcome<Vec<u8>> {
        let raw = self.us.sign(&mail.raw(), keys, form, policy)?;
        let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.sent())?;
        opened.has_layers(&format!("{}({scheme})", if form == Form::Clear { "clear" } else { "opaque" }))?;
        Ok(raw)
    }

    fn we_encrypt(&self, mail: &Mail, to: &[&str], change: impl FnOnce(&mut Policy)) -> Outcome {
        let mut policy = self.us.policy();
        change(&mut policy);
        let raw = self.us.encrypt(&mail.raw(), to, &policy)?;
        self.we_open(&raw, &mail.sent(), policy.content_cipher)?;
        to.iter().try_for_each(|person| same(&self.openssl_decrypts(&raw, person)?, &mail.sent()))
    }

    fn we_open(&self, raw: &[u8], entity: &[u8], cipher: ContentCipher) -> Outcome {
        let opened = self.us.opens_as(raw, Requirement::Unaltered, entity)?;
        opened.has_layers(&format!("encrypted({cipher})"))
    }
}

fn opaque(form: Form) -> &'static [&'static str] {
    match form {
        Form::Clear => &[],
        Form::Opaque => &["-nodetach"],
    }
}

fn other_mails() -> [(&'static str, Mail); 3] {
    [("with an attachment", Mail::with_attachment()), ("ragged lines", Mail::ragged()), ("large", Mail::large())]
}

/// OpenSSL writes its header and body with bare LF, and no From; this is the mail as it would arrive.
fn with_header(mail: &Mail, raw: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(raw);
    let rest = text.strip_prefix("MIME-Version: 1.0\n").unwrap_or(&text);
    [mail.header.as_bytes(), rest.as_bytes()].concat()
}
