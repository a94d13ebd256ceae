//! Whole messages: verb x size x algorithm. `cargo bench --bench verbs`, or one row: `cargo bench --bench verbs -- sign/1KiB/p256`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../tests/common/people.rs"]
#[allow(dead_code, unreachable_pub)]
mod people;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use people::{Authority, now, years};
use smime::crypto::algorithm::ContentCipher;
use smime::crypto::signature::KeyKind;
use smime::{Certificates, Encryptor, Identity, Keyring, Message, Opener, Policy, RecipientPlan, Requirement, Signer};
use std::hint::black_box;
use std::time::Duration;

const SIZES: [(&str, usize); 3] = [("1KiB", 1 << 10), ("100KiB", 100 << 10), ("10MiB", 10 << 20)];
const KEYS: [(&str, KeyKind, usize); 3] =
    [("rsa2048", KeyKind::Rsa, 2048), ("p256", KeyKind::P256, 0), ("ed25519", KeyKind::Ed25519, 0)];

fn mail(size: usize) -> Vec<u8> {
    let mut mail = b"From: alice@example.com\r\nTo: alice@example.com\r\nContent-Type: text/plain\r\n\r\n".to_vec();
    let line = b"The quick brown fox jumps over the lazy dog, and nobody has ever asked why it\r\n";
    mail.extend(line.iter().cycle().take(size));
    mail.extend_from_slice(b"\r\n");
    mail
}

fn verbs(c: &mut Criterion) {
    let ca = Authority::root("Bench CA");
    let trust = ca.trust();
    for (key, kind, bits) in KEYS {
        let alice = ca.person_with("Alice", &["alice@example.com"], kind, bits, years());
        for (size, bytes) in SIZES {
            let raw = mail(bytes);
            signatures(c, &alice, &trust, &raw, &format!("{size}/{key}"));
            if kind != KeyKind::Ed25519 {
                encryption(c, &alice, &trust, &raw, &format!("{size}/{key}"));
            }
        }
    }
}

fn signatures(c: &mut Criterion, alice: &Identity, trust: &smime::Trust, raw: &[u8], name: &str) {
    let policy = Policy::default();
    for (form, signer) in
        [("clear", Signer::new(alice, &policy).unwrap()), ("opaque", Signer::new(alice, &policy).unwrap().opaque())]
    {
        let signed = signer.sign(&Message::parse(raw).unwrap(), now()).unwrap();
        bench(c, &format!("{form}-sign"), name, raw.len(), || {
            black_box(signer.sign(&Message::parse(raw).unwrap(), now()).unwrap()).len()
        });
        bench(c, &format!("verify-{form}"), name, raw.len(), || {
            let opened = Opener::new(trust, &policy).open(&signed, now()).unwrap();
            usize::from(opened.judge(Requirement::SignedBySender).is_ok())
        });
    }
}

fn encryption(c: &mut Criterion, alice: &Identity, trust: &smime::Trust, raw: &[u8], name: &str) {
    let ring = Keyring::new(vec![alice.clone()]);
    for (mode, cipher) in [("cbc", ContentCipher::Aes256Cbc), ("gcm", ContentCipher::Aes256Gcm)] {
        let mut policy = Policy::default();
        policy.content_cipher = cipher;
        let directory = Certificates(vec![alice.certificate().clone()]);
        let plan = RecipientPlan::resolve(&["alice@example.com".parse().unwrap()], &directory, &policy, None, now());
        let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
        let sealed = encryptor.encrypt(&Message::parse(raw).unwrap()).unwrap();
        bench(c, &format!("encrypt-{mode}"), name, raw.len(), || {
            black_box(encryptor.encrypt(&Message::parse(raw).unwrap()).unwrap()).len()
        });
        bench(c, &format!("open-{mode}"), name, raw.len(), || {
            let opened = Opener::new(trust, &policy).with_keys(&ring).open(&sealed, now()).unwrap();
            opened.require(Requirement::Unaltered).unwrap_or_else(|_| panic!("refused")).message().unwrap().len()
        });
    }
}

fn bench(c: &mut Criterion, verb: &str, name: &str, bytes: usize, mut run: impl FnMut() -> usize) {
    let mut group = c.benchmark_group(verb);
    group.throughput(Throughput::Bytes(bytes as u64)).sample_size(10);
    group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(&mut run));
    group.finish();
}

criterion_group!(benches, verbs);
criterion_main!(benches);
