//! What a message of 1 KiB costs beside cryptography: each verb is done whole, and in the same run, in turns, the
//! arithmetic alone that it cannot do without. The difference is what the library itself takes. Time is that of the
//! thread. `cargo bench --bench overhead`; with `-- --test` each runs once, with `-- --whole` only the verbs do, ten times and
//! without a clock, for a profiler; and a word selects the rows that contain it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::crypto::algorithm::{ContentCipher, KeyTransport, SignatureScheme};
use smime::crypto::content::{CbcDecryptor, CbcEncryptor, GcmEncryptor, GcmOpener, fresh};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::{KeyKind, PublicKey};
use smime::crypto::strength::key_weakness;
use smime::keys::software::SoftwareKey;
use smime::{
    Certificate, Certificates, ChainCache, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, Profile,
    RecipientPlan, Requirement, Signer, Time, Trust,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const KEYS: [(&str, KeyKind, usize); 3] =
    [("rsa-2048", KeyKind::Rsa, 2048), ("p256", KeyKind::P256, 0), ("ed25519", KeyKind::Ed25519, 0)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let once = arguments.iter().any(|argument| argument == "--test");
    let whole = arguments.iter().any(|argument| argument == "--whole");
    let wanted = arguments.into_iter().find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let rows = Rows { rounds: if once { 1 } else { 400 }, clock: !whole, wanted };
    let policy = Policy::new(Profile::Rfc8551);
    let one = KEYS.iter().any(|(name, ..)| rows.wanted.contains(name));
    for (name, kind, bits) in KEYS {
        if one && !rows.wanted.contains(name) {
            continue;
        }
        let desk = Desk::new(kind, bits);
        desk.sign(&rows, &format!("sign clear, {name}"), &policy);
        desk.verify(&rows, name, &policy);
        if kind != KeyKind::Ed25519 {
            desk.seal(&rows, name, &policy);
        }
    }
}

struct Rows {
    rounds: usize,
    clock: bool,
    wanted: String,
}

impl Rows {
    fn row(&self, name: &str, mut whole: impl FnMut(), mut arithmetic: impl FnMut()) {
        if !name.contains(&self.wanted) {
            return;
        }
        if !self.clock {
            return (0..10).for_each(|_| whole());
        }
        let (mut of_whole, mut of_arithmetic) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            of_whole.push(timed(&mut whole));
            of_arithmetic.push(timed(&mut arithmetic));
        }
        let (whole, arithmetic) = (median(of_whole), median(of_arithmetic));
        let beside = whole - arithmetic;
        println!("{name:42} {whole:9.1} us, cryptography {arithmetic:9.1} us, beside it {beside:8.1} us");
    }
}

/// Alice, who has a chain of three, and those who write to her.
struct Desk {
    keys: Vec<PrivateKey>,
    scheme: SignatureScheme,
    root: Certificate,
    middle: Certificate,
    leaf: Certificate,
    alice: Identity,
    trust: Trust,
    now: Time,
    raw: Vec<u8>,
    limits: Limits,
}

impl Desk {
    fn new(kind: KeyKind, bits: usize) -> Self {
        let now: Time = "2026-11-24T08:00:00Z".parse().unwrap();
        let years = ("2026-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
        let name = |text: &str| Name::build(&[(oid::ORGANIZATION, "Example"), (oid::COMMON_NAME, text)]);
        let keys: Vec<PrivateKey> = (0..3).map(|_| PrivateKey::generate(kind, bits).unwrap()).collect();
        let scheme = keys[0].schemes()[0];
        let sign = |template: &CertificateTemplate, by: usize| {
            issue(template, &scheme.identifier(), &|tbs| Ok(keys[by].sign(&scheme, tbs)?)).unwrap()
        };
        let spki = |at: usize| keys[at].public_key_spki();
        let root = sign(&CertificateTemplate::new(name("Root"), None, &[1], years, &spki(0)).for_authority(None), 0);
        let middle = CertificateTemplate::new(name("Issuing"), Some(&root), &[2], years, &spki(1)).for_authority(None);
        let middle = sign(&middle, 0);
        let usage = match kind {
            KeyKind::Rsa => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT),
            KeyKind::Ed25519 => KeyUsage::DIGITAL_SIGNATURE,
            _ => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT),
        };
        let leaf = CertificateTemplate::new(name("Alice"), Some(&middle), &[3], years, &spki(2))
            .for_mail(&["alice@example.com".parse().unwrap()], usage);
        let leaf = sign(&leaf, 1);
        let key = PrivateKey::from_pkcs8(&keys[2].to_pkcs8().unwrap()).unwrap();
        let chain = vec![middle.clone(), root.clone()];
        let alice = Identity::new(leaf.clone(), chain, Arc::new(SoftwareKey::new(key))).unwrap();
        let body = "0123456789 0123456789 0123456789 0123456789 0123456789 01234567\r\n".repeat(14);
        let raw = format!("From: alice@example.com\r\nContent-Type: text/plain\r\n\r\n{body}").into_bytes();
        let trust = Trust::new([root.clone()]);
        Self { keys, scheme, root, middle, leaf, alice, trust, now, raw, limits: Limits::default() }
    }

    fn message(&self) -> Message<'_> {
        Message::parse(black_box(&self.raw)).unwrap()
    }

    fn content_digest(&self) {
        black_box(hash(self.scheme.digest(), black_box(&self.raw)));
    }

    fn sign(&self, rows: &Rows, name: &str, policy: &Policy) {
        let signer = Signer::new(&self.alice, policy).unwrap();
        let attributes = [7u8; 300];
        let whole = || {
            black_box(signer.sign(&self.message(), self.now).unwrap());
        };
        rows.row(name, whole, || {
            self.content_digest();
            black_box(self.alice.signing().sign(&self.scheme, &attributes).unwrap());
        });
    }

    fn verify(&self, rows: &Rows, name: &str, policy: &Policy) {
        let mail = Signer::new(&self.alice, policy).unwrap().sign(&self.message(), self.now).unwrap();
        let attributes = [7u8; 300];
        let own = self.keys[2].sign(&self.scheme, &attributes).unwrap();
        let root = PublicKey::from_spki(self.root.spki(), &self.limits).unwrap();
        let read = |certificate: &Certificate| {
            let key = PublicKey::from_spki(black_box(certificate.spki()), &self.limits).unwrap();
            black_box(key_weakness(&key));
            key
        };
        let cold = || {
            let opened = Opener::new(&self.trust, policy).open(black_box(&mail), self.now).unwrap();
            opened.judge(Requirement::SignedBySender).expect("it is from Alice");
        };
        rows.row(&format!("verify clear, chain of 3, {name}"), cold, || {
            let middle = read(&self.middle);
            let leaf = read(&self.leaf);
            root.verify(&self.scheme, self.middle.tbs(), self.middle.signature()).unwrap();
            middle.verify(&self.scheme, self.leaf.tbs(), self.leaf.signature()).unwrap();
            leaf.verify(&self.scheme, &attributes, &own).unwrap();
            self.content_digest();
        });
        let cache = ChainCache::new(&self.limits);
        let opener = Opener::new(&self.trust, policy).with_chain_cache(&cache);
        let cached = || {
            let opened = opener.open(black_box(&mail), self.now).unwrap();
            opened.judge(Requirement::SignedBySender).expect("it is from Alice");
        };
        let leaf = read(&self.leaf);
        rows.row(&format!("verify clear, chain known, {name}"), cached, || {
            leaf.verify(&self.scheme, &attributes, &own).unwrap();
            self.content_digest();
        });
    }

    /// The same for a hundred recipients with a certificate each; all have one key, since RSA keys take long to make.
    fn seal_to_many(&self, rows: &Rows, name: &str, policy: &Policy, key: &PublicKey) {
        let address = |n: u8| format!("bob{n}@example.com").parse().unwrap();
        let usage = KeyUsage::KEY_ENCIPHERMENT.and(KeyUsage::KEY_AGREEMENT);
        let certificate = |n: u8| {
            let (years, spki) = ((self.leaf.not_before(), self.leaf.not_after()), self.leaf.spki());
            let subject = Name::build(&[(oid::COMMON_NAME, "Bob")]);
            let template = CertificateTemplate::new(subject, Some(&self.middle), &[9, n], years, spki)
                .for_mail(&[address(n)], usage);
            issue(&template, &self.scheme.identifier(), &|tbs| Ok(self.keys[1].sign(&self.scheme, tbs)?)).unwrap()
        };
        let directory = Certificates((0..100).map(certificate).collect());
        let addresses: Vec<_> = (0..100).map(address).collect();
        let plan = RecipientPlan::resolve(&addresses, &directory, policy, None, self.now);
        let encryptor = Encryptor::new(&plan.all().unwrap(), policy);
        let whole = || {
            black_box(encryptor.encrypt(&self.message()).unwrap());
        };
        rows.row(&format!("encrypt cbc to 100, {name}"), whole, || {
            let (secret, iv) = fresh(policy.content_cipher, &mut SystemRandom).unwrap();
            for _ in 0..100 {
                if self.keys[2].kind() == KeyKind::Rsa {
                    black_box(key.encrypt(&KeyTransport::RsaPkcs1, secret.expose()).unwrap());
                } else {
                    let ephemeral = PrivateKey::generate(key.kind(), 0).unwrap();
                    black_box(ephemeral.agree(&key.key_agreement_bytes().unwrap()).unwrap());
                }
            }
            black_box((iv, ciphertext(policy.content_cipher, &self.raw)));
        });
    }

    fn seal(&self, rows: &Rows, name: &str, policy: &Policy) {
        let key = PublicKey::from_spki(self.leaf.spki(), &self.limits).unwrap();
        let keyring = Keyring::new(vec![self.alice.clone()]);
        for (mode, cipher) in [("cbc", ContentCipher::Aes256Cbc), ("gcm", ContentCipher::Aes256Gcm)] {
            let mut policy = policy.clone();
            policy.content_cipher = cipher;
            let directory = Certificates(vec![self.leaf.clone()]);
            let address = "alice@example.com".parse().unwrap();
            let plan = RecipientPlan::resolve(&[address], &directory, &policy, None, self.now);
            let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
            let sealed = encryptor.encrypt(&self.message()).unwrap();
            let whole = || {
                black_box(encryptor.encrypt(&self.message()).unwrap());
            };
            let transport = KeyTransport::RsaPkcs1;
            let rsa = self.keys[2].kind() == KeyKind::Rsa;
            rows.row(&format!("encrypt {mode}, {name}"), whole, || {
                let (secret, iv) = fresh(cipher, &mut SystemRandom).unwrap();
                if rsa {
                    black_box(key.encrypt(&transport, secret.expose()).unwrap());
                } else {
                    let ephemeral = PrivateKey::generate(key.kind(), 0).unwrap();
                    black_box(ephemeral.agree(&key.key_agreement_bytes().unwrap()).unwrap());
                }
                black_box((iv, ciphertext(cipher, &self.raw)));
            });
            if mode == "cbc" {
                self.seal_to_many(rows, name, &policy, &key);
            }
            let wrapped = rsa.then(|| key.encrypt(&transport, &[7; 32]).unwrap());
            let peer = key.key_agreement_bytes().ok();
            let whole = || {
                let opened = Opener::new(&self.trust, &policy).with_keys(&keyring).open(&sealed, self.now).unwrap();
                opened.judge(Requirement::Unaltered).expect("it opens");
            };
            let ciphertext = ciphertext(cipher, &self.raw);
            rows.row(&format!("open {mode}, {name}"), whole, || {
                if let Some(wrapped) = &wrapped {
                    black_box(self.keys[2].decrypt(&transport, wrapped, 32).unwrap());
                } else if let Some(peer) = &peer {
                    black_box(self.keys[2].agree(peer).unwrap());
                }
                black_box(plaintext(cipher, black_box(&ciphertext)));
            });
        }
    }
}

const KEY: [u8; 32] = [7; 32];

fn ciphertext(cipher: ContentCipher, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut out, iv) = (Vec::with_capacity(bytes.len() + 16), vec![9; cipher.iv_length()]);
    if cipher.is_aead() {
        let mut gcm = GcmEncryptor::new(cipher, &KEY, &iv, &[]).unwrap();
        gcm.update(bytes, &mut out);
        return (out, gcm.finish(16).unwrap());
    }
    let mut cbc = CbcEncryptor::new(cipher, &KEY, &iv).unwrap();
    cbc.update(bytes, &mut out);
    cbc.finish(&mut out);
    (out, Vec::new())
}

fn plaintext(cipher: ContentCipher, (bytes, tag): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    let (mut out, iv) = (Vec::with_capacity(bytes.len()), vec![9; cipher.iv_length()]);
    if cipher.is_aead() {
        // Twice: to be judged, and to be handed over.
        let mut gcm = GcmOpener::new(cipher, &KEY, &iv, &[]).unwrap();
        gcm.authenticate(bytes);
        gcm.finish(tag).unwrap();
        let mut gcm = GcmOpener::new(cipher, &KEY, &iv, &[]).unwrap();
        gcm.update(bytes, &mut out);
        gcm.finish(tag).unwrap();
        return out;
    }
    let mut cbc = CbcDecryptor::new(cipher, &KEY, &iv).unwrap();
    cbc.update(bytes, &mut out);
    cbc.finish(&mut out).unwrap();
    out
}

fn timed(run: &mut impl FnMut()) -> f64 {
    let start = thread_time();
    run();
    (thread_time() - start).as_secs_f64() * 1e6
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What the thread has used of a processor, where the system tells.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}
