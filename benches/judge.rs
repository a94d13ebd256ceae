//! What judging costs beside cryptography: a clear-signed mail of 1 KiB whose signer's chain has three certificates is
//! verified, and in the same run the arithmetic alone is done: reading the two keys that come with the mail (the root's is
//! kept), looking whether they are weak, three signatures, and the digests. The difference is what the library itself takes. `cargo bench --bench judge`; with `-- --test` it runs once.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::{KeyKind, PublicKey};
use smime::crypto::strength::key_weakness;
use smime::keys::software::SoftwareKey;
use smime::{Identity, Limits, Message, Opener, Policy, Profile, Requirement, Signer, Time, Trust};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--test") { 1 } else { 400 };
    for (name, kind, bits, scheme) in [
        ("rsa-2048", KeyKind::Rsa, 2048, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)),
        ("p256", KeyKind::P256, 0, SignatureScheme::Ecdsa(DigestAlgorithm::Sha256)),
    ] {
        let bench = Bench::new(kind, bits, &scheme);
        let (mut whole, mut arithmetic) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            whole.push(timed(|| bench.verify()));
            arithmetic.push(timed(|| bench.arithmetic(&scheme)));
        }
        let (whole, arithmetic) = (median(whole), median(arithmetic));
        let outside = whole.saturating_sub(arithmetic);
        println!(
            "verify 1 KiB clear-signed, chain of 3, {name}: {:.1} us, cryptography alone {:.1} us, outside it {:.1} us",
            micros(whole),
            micros(arithmetic),
            micros(outside)
        );
    }
}

struct Bench {
    mail: Vec<u8>,
    trust: Trust,
    policy: Policy,
    now: Time,
    limits: Limits,
    root: (Vec<u8>, PublicKey),
    /// Key, message, signature: as they stand in the mail.
    signatures: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
}

impl Bench {
    fn new(kind: KeyKind, bits: usize, scheme: &SignatureScheme) -> Self {
        let now: Time = "2026-11-24T08:00:00Z".parse().unwrap();
        let years = ("2026-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
        let name = |text: &str| Name::build(&[(oid::ORGANIZATION, "Example"), (oid::COMMON_NAME, text)]);
        let keys: Vec<PrivateKey> = (0..3).map(|_| PrivateKey::generate(kind, bits).unwrap()).collect();
        let sign = |template: &CertificateTemplate, by: usize| {
            issue(template, &scheme.identifier(), &|tbs| Ok(keys[by].sign(scheme, tbs)?)).unwrap()
        };
        let spki = |at: usize| keys[at].public_key_spki();
        let root = sign(&CertificateTemplate::new(name("Root"), None, &[1], years, &spki(0)).for_authority(None), 0);
        let middle = CertificateTemplate::new(name("Issuing"), Some(&root), &[2], years, &spki(1)).for_authority(None);
        let middle = sign(&middle, 0);
        let usage = KeyUsage::DIGITAL_SIGNATURE;
        let leaf = CertificateTemplate::new(name("Alice"), Some(&middle), &[3], years, &spki(2))
            .for_mail(&["alice@example.com".parse().unwrap()], usage);
        let leaf = sign(&leaf, 1);
        let key = PrivateKey::from_pkcs8(&keys[2].to_pkcs8().unwrap()).unwrap();
        let chain = vec![middle.clone(), root.clone()];
        let alice = Identity::new(leaf.clone(), chain, Arc::new(SoftwareKey::new(key))).unwrap();
        let policy = Policy::new(Profile::Rfc8551);
        let body = "0123456789 0123456789 0123456789 0123456789 0123456789 01234567\r\n".repeat(14);
        let raw = format!("From: alice@example.com\r\nContent-Type: text/plain\r\n\r\n{body}");
        let mail = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(raw.as_bytes()).unwrap(), now).unwrap();
        let attributes = [7u8; 200];
        let own = keys[2].sign(scheme, &attributes).unwrap();
        let of = |c: &smime::Certificate, by: usize| (spki(by), c.tbs().to_vec(), c.signature().to_vec());
        let signatures = vec![of(&leaf, 1), of(&middle, 0), (spki(2), attributes.to_vec(), own)];
        let limits = Limits::default();
        let kept = (spki(0), PublicKey::from_spki(&spki(0), &limits).unwrap());
        Self { mail, trust: Trust::new([root]), policy, now, limits, root: kept, signatures }
    }

    fn verify(&self) {
        let opened = Opener::new(&self.trust, &self.policy).open(black_box(&self.mail), self.now).unwrap();
        opened.judge(Requirement::SignedBySender).expect("it is from Alice");
    }

    /// All that is done with keys, and the digest of the content.
    fn arithmetic(&self, scheme: &SignatureScheme) {
        for (spki, message, signature) in &self.signatures {
            if *spki == self.root.0 {
                self.root.1.verify(scheme, message, signature).unwrap();
                continue;
            }
            let key = PublicKey::from_spki(black_box(spki), &self.limits).unwrap();
            black_box(key_weakness(&key));
            key.verify(scheme, message, signature).unwrap();
        }
        black_box(hash(DigestAlgorithm::Sha256, &self.mail[..1024]));
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
