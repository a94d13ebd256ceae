//! `openssl cms`, both ways.

use crate::desk::Desk;
use crate::mail::{Mail, Us, base64_body, same, unix};
use crate::tally::{Failure, Outcome, Release, Tally, Unsupported, ours};
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, KeyWrap};
use smime::open::report::Strength;
use smime::open::requirement::Shortfall;
use smime::policy::policy::{
    AlgorithmProtection, CertificateIdentifier, Form, IncludedCertificates, Policy, RsaPadding,
};
use smime::policy::profile::Profile;
use smime::{Opener, Requirement};

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

/// A way to sign: key, digest, further arguments for `openssl cms -sign`, and what we call it.
struct Scheme {
    key: &'static str,
    digest: DigestAlgorithm,
    padding: RsaPadding,
    arguments: &'static [&'static str],
    name: &'static str,
}

const fn scheme(key: &'static str, digest: DigestAlgorithm, name: &'static str) -> Scheme {
    Scheme { key, digest, padding: RsaPadding::Pkcs1, arguments: &[], name }
}

/// With the salt as long as the digest, and the digest for MGF1, which is what everybody writes.
const fn pss(digest: DigestAlgorithm, name: &'static str) -> Scheme {
    const ARGUMENTS: &[&str] = &["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
    Scheme { key: "alice-rsa", digest, padding: RsaPadding::Pss, arguments: ARGUMENTS, name }
}

const SCHEMES: &[Scheme] = &[
    scheme("alice-rsa", DigestAlgorithm::Sha256, "rsa-sha256"),
    scheme("alice-rsa", DigestAlgorithm::Sha384, "rsa-sha384"),
    scheme("alice-rsa", DigestAlgorithm::Sha512, "rsa-sha512"),
    pss(DigestAlgorithm::Sha256, "rsa-pss-sha256"),
    pss(DigestAlgorithm::Sha384, "rsa-pss-sha384"),
    pss(DigestAlgorithm::Sha512, "rsa-pss-sha512"),
    scheme("alice-p256", DigestAlgorithm::Sha256, "ecdsa-sha256"),
    scheme("alice-p384", DigestAlgorithm::Sha384, "ecdsa-sha384"),
    scheme("alice-p521", DigestAlgorithm::Sha512, "ecdsa-sha512"),
    scheme("alice-p256", DigestAlgorithm::Sha512, "ecdsa-sha512"),
    scheme("alice-p521", DigestAlgorithm::Sha256, "ecdsa-sha256"),
    scheme("alice-ed25519", DigestAlgorithm::Sha512, "ed25519"),
];

/// A way to sign that is a change to the policy.
type Way = (&'static str, fn(&mut Policy));

const FORMS: [(Form, &str); 2] = [(Form::Clear, "clear"), (Form::Opaque, "opaque")];

const CIPHERS: [(ContentCipher, &str); 6] = [
    (ContentCipher::Aes128Cbc, "-aes-128-cbc"),
    (ContentCipher::Aes192Cbc, "-aes-192-cbc"),
    (ContentCipher::Aes256Cbc, "-aes-256-cbc"),
    (ContentCipher::Aes128Gcm, "-aes-128-gcm"),
    (ContentCipher::Aes192Gcm, "-aes-192-gcm"),
    (ContentCipher::Aes256Gcm, "-aes-256-gcm"),
];

const OAEP: [(&str, DigestAlgorithm, DigestAlgorithm); 5] = [
    ("sha256 mgf1 sha256", DigestAlgorithm::Sha256, DigestAlgorithm::Sha256),
    ("sha1 mgf1 sha1", DigestAlgorithm::Sha1, DigestAlgorithm::Sha1),
    ("sha256 mgf1 sha1", DigestAlgorithm::Sha256, DigestAlgorithm::Sha1),
    ("sha1 mgf1 sha256", DigestAlgorithm::Sha1, DigestAlgorithm::Sha256),
    ("sha512 mgf1 sha384", DigestAlgorithm::Sha512, DigestAlgorithm::Sha384),
];

const WRAPS: [(KeyWrap, &str, &str); 3] = [
    (KeyWrap::Aes128, "aes128-wrap", "-aes128-wrap"),
    (KeyWrap::Aes192, "aes192-wrap", "-aes192-wrap"),
    (KeyWrap::Aes256, "aes256-wrap", "-aes256-wrap"),
];

/// One run against one installation.
pub struct OpenSsl<'u> {
    us: &'u Us,
    desk: Desk,
    ca: String,
}

impl<'u> OpenSsl<'u> {
    /// With a folder of its own.
    pub fn new(us: &'u Us) -> Self {
        let desk = Desk::new();
        // An empty configuration, so that the machine's own decides nothing.
        desk.write("openssl.cnf", "");
        Self { us, desk, ca: us.people.ca_pem.display().to_string() }
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
        tally.case("smime -> openssl: pkcs12", || {
            let person = self.us.people.get("alice-rsa");
            self.desk.write("alice.p12", person.p12(&self.us.people.ca));
            let password = format!("pass:{}", crate::people::PASSWORD);
            let text = self.openssl(&["pkcs12", "-in", "alice.p12", "-passin", &password, "-nodes"])?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let found = (text.matches("BEGIN CERTIFICATE").count(), text.matches("BEGIN PRIVATE KEY").count());
            if found == (2, 1) { Ok(()) } else { Err(Failure::Ours(format!("(certificates, keys) read: {found:?}"))) }
        });
    }

    fn signatures(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        for scheme in SCHEMES {
            let key = scheme.key.trim_start_matches("alice-");
            for (form, form_name) in FORMS {
                let what = format!("sign {key} {} {form_name}", scheme.name);
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let options = [scheme.arguments, opaque(form)].concat();
                    let raw = self.signed_by_openssl(&mail, &[scheme.key], scheme.digest, &options)?;
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("{form_name}({})", scheme.name))
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = self.us.policy();
                    (policy.digest, policy.rsa_padding) = (scheme.digest, scheme.padding);
                    let raw = self.we_sign(&mail, &[scheme.key], form, &policy, scheme.name)?;
                    same(&self.openssl_verifies(&raw)?, &mail.sent())
                });
            }
        }
        self.openssl_signs_in_other_ways(tally);
        self.we_sign_in_other_ways(tally);
    }

    fn openssl_signs_in_other_ways(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        let ways: [(&str, &[&str]); 9] = [
            ("-stream", &["-stream"]),
            ("-noindef", &["-noindef"]),
            ("-keyid", &["-keyid"]),
            ("-nosmimecap", &["-nosmimecap"]),
            ("-cades", &["-cades"]),
            ("-noattr", &["-noattr"]),
            ("-noattr -stream", &["-noattr", "-stream"]),
            ("-noattr -keyid", &["-noattr", "-keyid"]),
            ("-crlfeol", &["-crlfeol"]),
        ];
        for scheme in SCHEMES.iter().filter(|s| ["rsa-sha256", "rsa-pss-sha256", "ecdsa-sha384"].contains(&s.name)) {
            for (way, options) in ways {
                for (form, form_name) in FORMS {
                    let name = format!("openssl -> smime: sign {} {form_name} {way}", scheme.name);
                    tally.case(&name, || {
                        let options = [options, scheme.arguments, opaque(form)].concat();
                        let raw = self.signed_by_openssl(&mail, &[scheme.key], scheme.digest, &options)?;
                        let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                        opened.has_layers(&format!("{form_name}({})", scheme.name))
                    });
                }
            }
        }
        for (encoding, options) in
            [("der", &["-noindef"][..]), ("ber", &["-stream"]), ("ber -noattr", &["-stream", "-noattr"])]
        {
            tally.case(&format!("openssl -> smime: sign rsa-sha256 opaque, a file in {encoding}"), || {
                let options = [options, &["-nodetach", "-outform", "DER"]].concat();
                let raw = self.signed_by_openssl(&mail, &["alice-rsa"], DigestAlgorithm::Sha256, &options)?;
                self.us.opens_as(&raw, Requirement::Trusted, &mail.entity)?.has_layers("opaque(rsa-sha256)")
            });
        }
        tally.case("openssl -> smime: sign two signers clear", || {
            let raw = self.signed_by_openssl(&mail, &["alice-rsa", "alice-p256"], DigestAlgorithm::Sha256, &[])?;
            let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
            // The shorter one stands first in a SET OF.
            opened.has_layers("clear(ecdsa-sha256,rsa-sha256)")
        });
        let odd_pss: [(&str, &[&str]); 3] = [
            ("rsa-pss-sha256-salt222", &[]),
            ("rsa-pss-sha256-salt0", &["-keyopt", "rsa_pss_saltlen:0"]),
            ("rsa-pss-sha256-mgf1-sha1-salt222", &["-keyopt", "rsa_mgf1_md:sha1"]),
        ];
        for (name, options) in odd_pss {
            tally.case(&format!("openssl -> smime: sign {name} clear"), || {
                let options = [&["-keyopt", "rsa_padding_mode:pss"], options].concat();
                let raw = self.signed_by_openssl(&mail, &["alice-rsa"], DigestAlgorithm::Sha256, &options)?;
                let opened = self.us.opens_as(&raw, Requirement::Signed, &mail.entity)?;
                opened.has_layers(&format!("clear({name})"))
            });
        }
        tally.case("openssl -> smime: sign rsa-sha256 clear -nocerts, the certificate at hand", || {
            let raw = self.signed_by_openssl(&mail, &["alice-rsa"], DigestAlgorithm::Sha256, &["-nocerts"])?;
            let trust = self.us.people.trust();
            let trust = trust.with_intermediates(vec![self.us.people.get("alice-rsa").certificate().clone()]);
            let policy = self.us.policy();
            let opened = Opener::new(&trust, &policy).open(&raw, self.us.now).map_err(ours)?;
            let judged = opened.judge(Requirement::SignedBySender);
            judged.map_err(|(shortfall, reasons)| Failure::Ours(format!("{shortfall:?}: {reasons:?}")))
        });
        for (name, mail) in other_mails() {
            for (form, form_name) in FORMS {
                tally.case(&format!("openssl -> smime: sign rsa-sha256 {form_name}, {name}"), || {
                    let raw = self.signed_by_openssl(&mail, &["alice-rsa"], DigestAlgorithm::Sha256, opaque(form))?;
                    self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity).map(drop)
                });
            }
        }
        for (scheme, key) in [("rsa-sha1", "alice-rsa"), ("ecdsa-sha1", "alice-p256")] {
            tally.case(&format!("openssl -> smime: sign {scheme} is intact and weak"), || {
                let raw = self.signed_by_openssl(&mail, &[key], DigestAlgorithm::Sha1, &[])?;
                let opened = self.us.opens_as(&raw, Requirement::Signed, &mail.entity)?;
                opened.has_layers(&format!("clear({scheme})"))?;
                let strength =
                    opened.report.covering_signatures().flat_map(|l| &l.signatures).map(|s| s.strength).next();
                let (trust, policy) = (self.us.people.trust(), self.us.policy());
                let judged =
                    Opener::new(&trust, &policy).open(&raw, self.us.now).map_err(ours)?.judge(Requirement::Trusted);
                match (strength, judged.map_err(|(shortfall, _)| shortfall)) {
                    (Some(Strength::Weak), Err(Shortfall::NotTrusted)) => Ok(()),
                    other => Err(Failure::Ours(format!("judged as {other:?}"))),
                }
            });
        }
        tally.case("openssl -> smime: sign rsa-sha256, altered on the way, is refused", || {
            let raw = self.signed_by_openssl(&mail, &["alice-rsa"], DigestAlgorithm::Sha256, &[])?;
            let altered = String::from_utf8_lossy(&raw).replace("Dear Bob", "Dear Rob").into_bytes();
            match self.us.open(&altered, Requirement::Unaltered) {
                Err(Failure::Ours(why)) if why.contains("unaltered is not met") => Ok(()),
                Err(other) => Err(other),
                Ok(_) => Err(Failure::Ours("it passes".to_owned())),
            }
        });
    }

    fn we_sign_in_other_ways(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        let keyed = |key: &str| SCHEMES.iter().find(|s| s.key == key).unwrap();
        let ways: [Way; 5] = [
            ("as Outlook", |policy| *policy = Policy::new(Profile::OutlookWindows)),
            ("key identifier", |policy| policy.identifier = CertificateIdentifier::SubjectKeyIdentifier),
            ("without algorithm protection", |policy| policy.algorithm_protection = AlgorithmProtection::Omit),
            ("with the root", |policy| policy.certificates = IncludedCertificates::ChainWithRoot),
            ("with its certificate only", |policy| policy.certificates = IncludedCertificates::Signer),
        ];
        for key in ["alice-rsa", "alice-p256"] {
            let scheme = keyed(key);
            for (way, change) in ways {
                for (form, form_name) in FORMS {
                    tally.case(&format!("smime -> openssl: sign {} {form_name} {way}", scheme.name), || {
                        let mut policy = self.us.policy();
                        change(&mut policy);
                        let raw = self.we_sign(&mail, &[key], form, &policy, scheme.name)?;
                        same(&self.openssl_verifies(&raw)?, &mail.sent())
                    });
                }
            }
        }
        for (form, form_name) in FORMS {
            tally.case(&format!("smime -> openssl: sign two signers {form_name}"), || {
                let raw = self.us.sign(&mail.raw(), &["alice-rsa", "alice-p256"], form, &self.us.policy())?;
                self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                same(&self.openssl_verifies(&raw)?, &mail.sent())
            });
            for (name, mail) in other_mails() {
                tally.case(&format!("smime -> openssl: sign rsa-sha256 {form_name}, {name}"), || {
                    let raw = self.we_sign(&mail, &["alice-rsa"], form, &self.us.policy(), "rsa-sha256")?;
                    same(&self.openssl_verifies(&raw)?, &mail.sent())
                });
            }
        }
        tally.case("smime -> openssl: sign rsa-sha256 opaque, a file in der", || {
            let raw = self.we_sign(&mail, &["alice-rsa"], Form::Opaque, &self.us.policy(), "rsa-sha256")?;
            self.desk.write("in.der", base64_body(&raw));
            self.verify("in.der", "DER").and_then(|content| same(&content, &mail.entity))
        });
        for (form, form_name) in FORMS {
            tally.case(
                &format!("smime -> openssl -> smime: sign rsa-sha256 {form_name}, signed again by openssl"),
                || {
                    let raw = self.we_sign(&mail, &["alice-rsa"], form, &self.us.policy(), "rsa-sha256")?;
                    self.desk.write("in.eml", raw);
                    let pem = self.pem("alice-p256");
                    self.openssl(&["cms", "-resign", "-in", "in.eml", "-signer", &pem, "-out", "signed", "-binary"])?;
                    let again = self.desk.read("signed")?;
                    let opened =
                        self.us.opens_as(&with_header(&mail, &again), Requirement::SignedBySender, &mail.entity)?;
                    // The shorter one stands first in a SET OF.
                    opened.has_layers(&format!("{form_name}(ecdsa-sha256,rsa-sha256)"))
                },
            );
            tally.refused(
                &format!("smime -> openssl: sign rsa-sha256 {form_name}, altered on the way, is refused"),
                || {
                    let raw = self.we_sign(&mail, &["alice-rsa"], form, &self.us.policy(), "rsa-sha256")?;
                    self.openssl_verifies(&altered(&raw)).map(drop)
                },
            );
            tally.case(&format!("smime -> openssl smime: sign rsa-sha256 {form_name}"), || {
                let raw = self.we_sign(&mail, &["alice-rsa"], form, &self.us.policy(), "rsa-sha256")?;
                self.desk.write("in.eml", raw);
                let trust = ["-no-CApath", "-CAfile", &self.ca, "-purpose", "smimesign"];
                self.openssl(&[&["smime", "-verify", "-in", "in.eml", "-out", "content"][..], &trust].concat())?;
                same(&self.desk.read("content")?, &mail.sent())
            });
            tally.case(&format!("openssl smime -> smime: sign rsa-sha256 {form_name}"), || {
                self.desk.write("entity", &mail.entity);
                let pem = self.pem("alice-rsa");
                let sign = ["smime", "-sign", "-in", "entity", "-signer", &pem, "-out", "signed"];
                self.openssl(&[&sign[..], opaque(form)].concat())?;
                let raw = with_header(&mail, &self.desk.read("signed")?);
                let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                opened.has_layers(&format!("{form_name}(rsa-sha256)"))
            });
        }
        tally.case("smime -> openssl: sign rsa-sha256 clear with lf on the way", || {
            let raw = self.we_sign(&mail, &["alice-rsa"], Form::Clear, &self.us.policy(), "rsa-sha256")?;
            let raw = unix(&raw);
            self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
            same(&self.openssl_verifies(&raw)?, &mail.sent())
        });
    }

    fn envelopes(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        for (cipher, option) in CIPHERS {
            for bob in ["bob-rsa", "bob-p256"] {
                let what = format!("encrypt {cipher} {bob}");
                for (stream, flag) in [("", "-noindef"), (" -stream", "-stream")] {
                    tally.case(&format!("openssl -> smime: {what}{stream}"), || {
                        let raw = self.encrypted_by_openssl(&mail, &[(bob, &[])], &[option, flag])?;
                        self.we_open(&raw, &mail.entity, cipher)
                    });
                }
                for (encoding, flag) in [("der", "-noindef"), ("ber", "-stream")] {
                    tally.case(&format!("openssl -> smime: {what}, a file in {encoding}"), || {
                        let raw =
                            self.encrypted_by_openssl(&mail, &[(bob, &[])], &[option, flag, "-outform", "DER"])?;
                        self.we_open(&raw, &mail.entity, cipher)
                    });
                }
                tally.case(&format!("smime -> openssl: {what}"), || {
                    self.we_encrypt(&mail, &[bob], |policy| policy.content_cipher = cipher)
                });
            }
        }
        tally.case("openssl -> smime: encrypt des3-cbc bob-rsa", || {
            let raw = self.encrypted_by_openssl(&mail, &[("bob-rsa", &[])], &["-des3"])?;
            self.we_open(&raw, &mail.entity, ContentCipher::TripleDesCbc)
        });
        tally.case("smime -> openssl smime: encrypt aes256-cbc bob-rsa", || {
            let mut policy = self.us.policy();
            policy.content_cipher = ContentCipher::Aes256Cbc;
            self.desk.write("in.eml", self.us.encrypt(&mail.raw(), &["bob-rsa"], &policy)?);
            let pem = self.pem("bob-rsa");
            self.openssl(&["smime", "-decrypt", "-in", "in.eml", "-recip", &pem, "-inkey", &pem, "-out", "content"])?;
            same(&self.desk.read("content")?, &mail.sent())
        });
        for (option, cipher) in [("-aes256", ContentCipher::Aes256Cbc), ("-des3", ContentCipher::TripleDesCbc)] {
            tally.case(&format!("openssl smime -> smime: encrypt {cipher} bob-rsa"), || {
                self.desk.write("entity", &mail.entity);
                self.openssl(&[
                    "smime",
                    "-encrypt",
                    "-in",
                    "entity",
                    "-out",
                    "encrypted",
                    option,
                    &self.pem("bob-rsa"),
                ])?;
                self.we_open(&with_header(&mail, &self.desk.read("encrypted")?), &mail.entity, cipher)
            });
        }
        self.transports(tally);
        self.agreements(tally);
        self.recipients(tally);
    }

    fn transports(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        for (name, hash, mgf_hash) in OAEP {
            tally.case(&format!("openssl -> smime: encrypt oaep {name}"), || {
                let (hash, mgf) = (format!("rsa_oaep_md:{hash}"), format!("rsa_mgf1_md:{mgf_hash}"));
                let options = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", &hash, "-keyopt", &mgf];
                let raw = self.encrypted_by_openssl(&mail, &[("bob-rsa", &options)], &["-aes-256-cbc"])?;
                self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
            });
            tally.case(&format!("smime -> openssl: encrypt oaep {name}"), || {
                self.we_encrypt(&mail, &["bob-rsa"], |policy| {
                    policy.key_transport = KeyTransport::RsaOaep { hash, mgf_hash, label: Vec::new() };
                })
            });
        }
        tally.case("openssl -> smime: encrypt oaep with a label", || {
            let options = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_label:6c6162656c"];
            let raw = self.encrypted_by_openssl(&mail, &[("bob-rsa", &options)], &["-aes-256-cbc"])?;
            self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
        });
    }

    fn agreements(&self, tally: &mut Tally) {
        use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
        let mail = Mail::plain();
        for bob in ["bob-p256", "bob-p384", "bob-p521"] {
            for digest in [Sha1, Sha224, Sha256, Sha384, Sha512] {
                let kdf = format!("ecdh_kdf_md:{digest}");
                for (wrap, wrap_name, option) in WRAPS {
                    let what = format!("encrypt {bob} x963-{digest} {wrap_name}");
                    tally.case(&format!("openssl -> smime: {what}"), || {
                        let recipient = (bob, &["-keyopt", &kdf][..]);
                        let raw = self.encrypted_by_openssl(&mail, &[recipient], &["-aes-256-cbc", option])?;
                        self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
                    });
                    if [Sha256, Sha384, Sha512].contains(&digest) {
                        tally.case(&format!("smime -> openssl: {what}"), || {
                            self.we_encrypt(&mail, &[bob], |policy| {
                                (policy.agreement_digest, policy.key_wrap) = (digest, wrap);
                            })
                        });
                    }
                }
            }
            tally.case(&format!("openssl -> smime: encrypt {bob} with cofactor"), || {
                let options = ["-keyopt", "ecdh_cofactor_mode:1", "-keyopt", "ecdh_kdf_md:sha256"];
                let raw = self.encrypted_by_openssl(&mail, &[(bob, &options)], &["-aes-256-cbc"])?;
                self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
            });
            tally.case(&format!("openssl -> smime: encrypt {bob} des3-wrap"), || {
                let raw = self.encrypted_by_openssl(&mail, &[(bob, &[])], &["-des3", "-des3-wrap"])?;
                self.we_open(&raw, &mail.entity, ContentCipher::TripleDesCbc)
            });
        }
        tally.case("openssl -> smime: encrypt bob-x25519", || {
            let raw = self.encrypted_by_openssl(&mail, &[("bob-x25519", &[])], &["-aes-256-cbc"])?;
            self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
        });
        tally.case("smime -> openssl: encrypt bob-x25519", || self.we_encrypt(&mail, &["bob-x25519"], |_| ()));
    }

    fn recipients(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        for bob in ["bob-rsa", "bob-p384"] {
            tally.case(&format!("openssl -> smime: encrypt {bob} -keyid"), || {
                let raw = self.encrypted_by_openssl(&mail, &[(bob, &[])], &["-aes-256-cbc", "-keyid"])?;
                self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
            });
            tally.case(&format!("smime -> openssl: encrypt {bob} key identifier"), || {
                self.we_encrypt(&mail, &[bob], |policy| policy.identifier = CertificateIdentifier::SubjectKeyIdentifier)
            });
        }
        for pair in [["alice-rsa", "bob-p256"], ["alice-p521", "bob-rsa"], ["alice-p384", "bob-p384"]] {
            let what = format!("encrypt to {}", pair.join(" and "));
            tally.case(&format!("openssl -> smime: {what}"), || {
                let raw = self.encrypted_by_openssl(&mail, &pair.map(|name| (name, &[][..])), &["-aes-256-cbc"])?;
                self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
            });
            tally.case(&format!("smime -> openssl: {what}"), || self.we_encrypt(&mail, &pair, |_| ()));
        }
        let others: [(&str, &[&str]); 2] = [
            ("a password", &["-pwri_password", "word"]),
            ("a shared key", &["-secretkey", "000102030405060708090a0b0c0d0e0f", "-secretkeyid", "aa"]),
        ];
        for (name, options) in others {
            tally.case(&format!("openssl -> smime: encrypt to bob-rsa and {name}"), || {
                let options = [&["-aes-256-cbc"], options].concat();
                let raw = self.encrypted_by_openssl(&mail, &[("bob-rsa", &[])], &options)?;
                self.we_open(&raw, &mail.entity, ContentCipher::Aes256Cbc)
            });
        }
        for (name, mail) in other_mails() {
            tally.case(&format!("openssl -> smime: encrypt aes256-gcm bob-rsa, {name}"), || {
                let raw = self.encrypted_by_openssl(&mail, &[("bob-rsa", &[])], &["-aes-256-gcm", "-stream"])?;
                self.we_open(&raw, &mail.entity, ContentCipher::Aes256Gcm)
            });
            for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes256Cbc] {
                tally.case(&format!("smime -> openssl: encrypt {cipher} bob-rsa, {name}"), || {
                    self.we_encrypt(&mail, &["bob-rsa"], |policy| policy.content_cipher = cipher)
                });
            }
        }
    }

    fn layers(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        let policy = self.us.policy();
        let by_openssl =
            |raw: &[u8], options: &[&str]| self.sign_file(raw, &["alice-rsa"], DigestAlgorithm::Sha256, options);
        for (bob, cipher) in [("bob-rsa", "aes256-cbc"), ("bob-p256", "aes256-gcm")] {
            let option = format!("-{}", cipher.replace("aes256", "aes-256"));
            for (form, form_name) in FORMS {
                let what = format!("sign {form_name}, then encrypt {cipher} {bob}");
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let signed = by_openssl(&mail.entity, opaque(form))?;
                    let raw = self.encrypt_file(&signed, &[(bob, &[])], &[&option])?;
                    let opened =
                        self.us.opens_as(&with_header(&mail, &raw), Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("encrypted({cipher}) {form_name}(rsa-sha256)"))
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = policy.clone();
                    policy.content_cipher = cipher.parse().unwrap();
                    let signed = self.us.sign(&mail.raw(), &["alice-rsa"], form, &policy)?;
                    let raw = self.us.encrypt(&signed, &[bob], &policy)?;
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("encrypted({cipher}) {form_name}(rsa-sha256)"))?;
                    same(&self.openssl_verifies(&self.openssl_decrypts(&raw, bob)?)?, &mail.entity)
                });
                let what = format!("encrypt {cipher} {bob}, then sign {form_name}");
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let encrypted = self.encrypt_file(&mail.entity, &[(bob, &[])], &[&option])?;
                    let raw = by_openssl(&encrypted, opaque(form))?;
                    let opened =
                        self.us.opens_as(&with_header(&mail, &raw), Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("{form_name}(rsa-sha256) encrypted({cipher})"))
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = policy.clone();
                    policy.content_cipher = cipher.parse().unwrap();
                    let encrypted = self.us.encrypt(&mail.raw(), &[bob], &policy)?;
                    let raw = self.us.sign(&encrypted, &["alice-rsa"], form, &policy)?;
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("{form_name}(rsa-sha256) encrypted({cipher})"))?;
                    same(&self.openssl_decrypts(&self.openssl_verifies(&raw)?, bob)?, &mail.entity)
                });
                let what = format!("triple wrap {form_name} {cipher} {bob}");
                let layers = format!("{form_name}(rsa-sha256) encrypted({cipher}) {form_name}(rsa-sha256)");
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let encrypted =
                        self.encrypt_file(&by_openssl(&mail.entity, opaque(form))?, &[(bob, &[])], &[&option])?;
                    let raw = with_header(&mail, &by_openssl(&encrypted, opaque(form))?);
                    self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?.has_layers(&layers)
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = policy.clone();
                    policy.content_cipher = cipher.parse().unwrap();
                    let signed = self.us.sign(&mail.raw(), &["alice-rsa"], form, &policy)?;
                    let encrypted = self.us.encrypt(&signed, &[bob], &policy)?;
                    let raw = self.us.sign(&encrypted, &["alice-rsa"], form, &policy)?;
                    self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?.has_layers(&layers)?;
                    let inner = self.openssl_decrypts(&self.openssl_verifies(&raw)?, bob)?;
                    same(&self.openssl_verifies(&inner)?, &mail.entity)
                });
            }
        }
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

/// With another octet, whether the content stands there as text or as base64.
fn altered(raw: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(raw);
    // base64 of "Dear Bob" at each of its three positions has one of these in it.
    let marks = [("Dear Bob", "Dear Rob"), ("IEJvY", "IFJvY"), ("BCb2", "BSb2"), ("gQm9", "gUm9")];
    let (mark, other) = marks.iter().find(|(mark, _)| text.contains(mark)).expect("the greeting");
    text.replace(mark, other).into_bytes()
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
