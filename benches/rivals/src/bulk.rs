//! Bulk signing with one worker and with two, by the wall's clock: on a machine with two cores at rest it should be twice as
//! fast.

use crate::people::{Authority, mail};
use smime::crypto::signature::KeyKind;
use smime::{Bulk, Policy, Signer, Time};
use std::time::Instant;

pub fn print(seconds: f64) {
    let now: Time = "2026-11-24T08:00:00Z".parse().unwrap();
    let authority = Authority::new();
    println!("\n| bulk: sign clear, mails of 10 KiB | one worker, mails/s | two workers, mails/s | ratio | goal |");
    println!("|---|---:|---:|---:|---:|");
    for (name, kind, each) in [("RSA-2048", KeyKind::Rsa, 500.0), ("P-256", KeyKind::P256, 40.0)] {
        let (policy, raw) = (Policy::default(), mail(10 << 10));
        let alice = authority.person("alice@example.com", 1, kind, 2048);
        let signer = Signer::new(&alice.identity, &policy).unwrap();
        let count = (seconds * 1e6 / each) as usize + 100;
        let rate = |workers: usize| {
            let mails = (0..count).map(|id| (id, &raw));
            let start = Instant::now();
            let ended = Bulk::new(&signer).workers(workers).run(mails, || now, |_| Ok::<(), ()>(())).unwrap();
            assert_eq!((ended.done, ended.failed), (count as u64, 0));
            count as f64 / start.elapsed().as_secs_f64()
        };
        let mut rates: Vec<(f64, f64)> = (0..5).map(|_| (rate(1), rate(2))).collect();
        rates.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let (one, two) = rates[2];
        println!("| {name} | {one:.0} | {two:.0} | {:.2} | 1.90 |", two / one);
    }
}
