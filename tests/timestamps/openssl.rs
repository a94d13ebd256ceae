//! `openssl ts` as an authority: a query over the signature of a mail of ours, its reply, and the token of that in the
//! unsigned attributes of the mail, which `openssl cms` still takes for signed.

use crate::common::people::{Authority, now};
use crate::desk::{Desk, is_installed};
use crate::forge::{Stamps, attribute, chain, read, stamped, template};
use crate::{assert_by_sender, signed};
use smime::asn1::ber::{Reader, Tag};
use smime::asn1::oid;
use smime::cert::chain::ChainVerdict;
use smime::cms::signer_info::SignerInfo;
use smime::cms::timestamp::{Timestamp, tokens, verify};
use smime::crypto::algorithm::DigestAlgorithm;
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::store::pem;
use smime::{Certificate, Limits, Reason};

const CONFIGURATION: &str = "[tsa]\nserial = serial\ndefault_policy = 1.2.3.4.1\nother_policies = 1.2.3.4.5\n\
    digests = sha1, sha224, sha256, sha384, sha512\naccuracy = secs:1, millisecs:500, microsecs:100\n\
    clock_precision_digits = 3\nordering = yes\ntsa_name = yes\n";

/// An authority: a desk with its key, certificate and configuration.
struct Ts {
    desk: Desk,
    root: Authority,
    certificate: Certificate,
}

/// How to ask.
#[derive(Clone, Copy, Debug)]
struct Ask<'a> {
    imprint: &'a str,
    signer_digest: &'a str,
    binding: &'a str,
    with_certificate: bool,
}

const USUAL: Ask<'_> = Ask { imprint: "sha256", signer_digest: "sha256", binding: "sha256", with_certificate: true };

impl Ts {
    /// With a key of that kind; `None`, said aloud, where there is no openssl.
    fn new(kind: KeyKind, bits: usize) -> Option<Self> {
        if !is_installed("openssl") {
            assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: openssl");
            eprintln!("skipped: not installed: openssl");
            return None;
        }
        let root = Authority::root("Root for Time");
        let key = PrivateKey::generate(kind, bits).unwrap();
        let usage = Some((&[oid::TIME_STAMPING][..], true));
        let certificate = root.issue(&template(&root, "OpenSSL Stamps", &key.public_key_spki(), usage));
        let desk = Desk::new();
        desk.write("tsa.key", pem::write("PRIVATE KEY", key.to_pkcs8().unwrap().expose()));
        desk.write("tsa.pem", pem::write("CERTIFICATE", certificate.der()));
        desk.write("root.pem", pem::write("CERTIFICATE", root.certificate.der()));
        desk.write("serial", "0100\n");
        Some(Self { desk, root, certificate })
    }

    /// Its token over these octets.
    fn stamp(&self, signature: &[u8], ask: Ask<'_>) -> Vec<u8> {
        let Ask { imprint, signer_digest, binding, with_certificate } = ask;
        let configuration = format!("{CONFIGURATION}signer_digest = {signer_digest}\ness_cert_id_alg = {binding}\n");
        self.desk.write("tsa.cnf", configuration);
        let digest = crate::common::hex(&hash(imprint.parse::<DigestAlgorithm>().unwrap(), signature));
        let algorithm = format!("-{imprint}");
        let mut query = vec!["ts", "-query", "-config", "tsa.cnf", "-digest", &digest, &algorithm, "-out", "query.tsq"];
        query.extend(with_certificate.then_some("-cert"));
        self.desk.run("openssl", &query).unwrap();
        let reply =
            "ts -reply -config tsa.cnf -section tsa -queryfile query.tsq -inkey tsa.key -signer tsa.pem -out reply.tsr";
        self.desk.run("openssl", &reply.split(' ').collect::<Vec<_>>()).unwrap();
        // TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken TimeStampToken OPTIONAL }
        let reply = self.desk.read("reply.tsr").unwrap();
        let mut fields = Reader::single(&reply, "TimeStampResp").unwrap().sequence("TimeStampResp").unwrap();
        fields.required(Tag::SEQUENCE, "status").unwrap();
        fields.required(Tag::SEQUENCE, "timeStampToken").unwrap().raw().to_vec()
    }
}

/// The one token of a signer, checked.
fn check(signer: &SignerInfo, known: &[Certificate]) -> Result<Timestamp, Reason> {
    let found: Vec<&[u8]> = tokens(signer).collect();
    assert_eq!(found.len(), 1);
    verify(found[0], &signer.signature, &[known], &Limits::default())
}

/// Signs a mail, has it stamped, and judges the whole.
fn round(ts: &Ts, ask: Ask<'_>) {
    let people = Authority::root("Mail CA");
    let (header, cms) = signed(&people);
    let token = ts.stamp(&read(&cms).signers[0].signature, ask);
    let cms = stamped(&cms, &[attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[token])]);
    let data = read(&cms);
    let stamp = check(&data.signers[0], &[]).unwrap_or_else(|reason| panic!("{ask:?}: {reason}"));
    assert_eq!((&stamp.certificate, stamp.policy.to_string().as_str()), (&ts.certificate, "1.2.3.4.1"));
    let accuracy = stamp.accuracy.unwrap();
    assert_eq!((accuracy.seconds, accuracy.millis, accuracy.micros), (1, 500, 100));
    // 1.5001 seconds and less than one of fraction
    assert!((2..=3).contains(&(stamp.time.unix() - stamp.generated.time.unix())), "{stamp:?}");
    let outcome = chain(&stamp, &ts.root.trust(), stamp.time);
    assert_eq!(outcome.verdict, ChainVerdict::Anchored, "{ask:?}: {:?}", outcome.reasons);
    assert_eq!(chain(&stamp, &people.trust(), stamp.time).verdict, ChainVerdict::Rejected);
    let mut codes: Vec<&str> = stamp.notes.iter().map(|note| note.code).collect();
    codes.dedup();
    let expected = match ask {
        Ask { binding: "sha1", .. } => vec!["ess_v1_sha1"],
        Ask { imprint: "sha1", .. } | Ask { signer_digest: "sha1", .. } => vec!["weak_digest"],
        _ => Vec::new(),
    };
    assert_eq!(codes, expected, "{ask:?}");

    // The mail is what it was, for us and for them.
    assert_by_sender(&people, &header, &cms);
    ts.desk.write("mail.p7m", &cms);
    let attime = now().unix().to_string();
    ts.desk.write("people.pem", pem::write("CERTIFICATE", people.certificate.der()));
    let words = ["cms", "-verify", "-inform", "DER", "-in", "mail.p7m", "-CAfile", "people.pem", "-attime", &attime];
    ts.desk.run("openssl", &words).unwrap();
}

#[test]
fn openssl_stamps_with_every_kind_of_key() {
    for (kind, bits) in [(KeyKind::Rsa, 2048), (KeyKind::P256, 0), (KeyKind::P384, 0), (KeyKind::P521, 0)] {
        let Some(ts) = Ts::new(kind, bits) else { return };
        for signer_digest in ["sha256", "sha384", "sha512"] {
            round(&ts, Ask { signer_digest, ..USUAL });
        }
    }
}

#[test]
fn openssl_stamps_by_every_digest() {
    let Some(ts) = Ts::new(KeyKind::P256, 0) else { return };
    for imprint in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
        round(&ts, Ask { imprint, ..USUAL });
    }
    for binding in ["sha1", "sha256", "sha384", "sha512"] {
        round(&ts, Ask { binding, ..USUAL });
    }
    round(&ts, Ask { signer_digest: "sha1", ..USUAL });
}

#[test]
fn openssl_stamps_without_its_certificate() {
    let Some(ts) = Ts::new(KeyKind::Rsa, 2048) else { return };
    let (_, cms) = signed(&ts.root);
    let token = ts.stamp(&read(&cms).signers[0].signature, Ask { with_certificate: false, ..USUAL });
    let data = read(&stamped(&cms, &[attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[token])]));
    assert_eq!(check(&data.signers[0], &[]).unwrap_err().code, "timestamp_signer_missing");
    assert_eq!(check(&data.signers[0], &data.certificates).unwrap_err().code, "timestamp_signer_missing");
    let stamp = check(&data.signers[0], std::slice::from_ref(&ts.certificate)).unwrap();
    assert!(stamp.certificates.is_empty());
    assert_eq!(chain(&stamp, &ts.root.trust(), stamp.time).verdict, ChainVerdict::Anchored);
}

#[test]
fn a_token_of_openssl_moved_to_another_mail_is_refused() {
    let Some(ts) = Ts::new(KeyKind::P256, 0) else { return };
    let [(_, one), (_, other)] = [(); 2].map(|()| signed(&ts.root));
    let token = ts.stamp(&read(&one).signers[0].signature, USUAL);
    let attributes = [attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[token])];
    assert!(check(&read(&stamped(&one, &attributes)).signers[0], &[]).is_ok());
    let moved = check(&read(&stamped(&other, &attributes)).signers[0], &[]).unwrap_err();
    assert_eq!(moved.code, "timestamp_imprint_mismatch", "{moved}");
}

/// What we take for a timestamp in the tests, openssl takes for one as well; so the rows that are refused are refused for
/// the one thing that is wrong with them.
#[test]
fn openssl_accepts_the_sound_token_of_the_tests() {
    let Some(ts) = Ts::new(KeyKind::P256, 0) else { return };
    let stamps = Stamps::usual();
    ts.desk.write("token", stamps.token(&stamps.parts(b"the octets")));
    ts.desk.write("data", b"the octets");
    ts.desk.write("ours.pem", pem::write("CERTIFICATE", stamps.root.certificate.der()));
    let words = "ts -verify -data data -in token -token_in -CAfile ours.pem -attime 1795507200";
    ts.desk.run("openssl", &words.split(' ').collect::<Vec<_>>()).unwrap();
    let mut broken = stamps.parts(b"the octets");
    broken.version = 2;
    ts.desk.write("token", stamps.token(&broken));
    assert!(ts.desk.run("openssl", &words.split(' ').collect::<Vec<_>>()).is_err());
}
