//! Encrypted mail, both ways: ciphers, key transport, key agreement, and how recipients are named.

use super::{OpenSsl, other_mails, with_header};
use crate::mail::{Mail, same};
use crate::tally::Tally;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, KeyWrap};
use smime::policy::policy::{CertificateIdentifier, Form, Policy};
use smime::policy::profile::Profile;

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

impl OpenSsl<'_> {
    pub(super) fn envelopes(&self, tally: &mut Tally) {
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
        for (name, mail) in [("plain", Mail::plain())].into_iter().chain(other_mails()) {
            let outlook = Policy::new(Profile::OutlookWindows);
            tally.case(&format!("smime -> openssl: encrypt as Outlook, {name}"), || {
                self.we_encrypt(&mail, &["bob-rsa"], |policy| *policy = outlook.clone())
            });
            tally.case(&format!("smime -> openssl: sign rsa-sha256 opaque as Outlook, {name}"), || {
                let raw = self.we_sign(&mail, &["alice-rsa"], Form::Opaque, &outlook, "rsa-sha256")?;
                same(&self.openssl_verifies(&raw)?, &mail.sent())
            });
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
}
