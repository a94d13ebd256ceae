//! Signatures, both ways: algorithms, forms, and everything that can be otherwise about them.

use super::{FORMS, OpenSsl, opaque, other_mails, with_header};
use crate::mail::{Mail, base64_body, same, unix};
use crate::tally::{Failure, Tally, ours};
use smime::crypto::algorithm::DigestAlgorithm;
use smime::open::report::Strength;
use smime::open::requirement::Shortfall;
use smime::policy::policy::{
    AlgorithmProtection, CertificateIdentifier, Form, IncludedCertificates, Policy, RsaPadding,
};
use smime::policy::profile::Profile;
use smime::{Opener, Requirement};

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

impl OpenSsl<'_> {
    pub(super) fn signatures(&self, tally: &mut Tally) {
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
}

/// With another octet, whether the content stands there as text or as base64.
fn altered(raw: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(raw);
    // base64 of "Dear Bob" at each of its three positions has one of these in it.
    let marks = [("Dear Bob", "Dear Rob"), ("IEJvY", "IFJvY"), ("BCb2", "BSb2"), ("gQm9", "gUm9")];
    let (mark, other) = marks.iter().find(|(mark, _)| text.contains(mark)).expect("the greeting");
    text.replace(mark, other).into_bytes()
}
