//! Jobs of many mails: order, back-pressure, what fails and what stops, and keys that lie elsewhere.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::people::{Authority, now, years};
use smime::base::source::SharedSource;
use smime::bulk::{Bulk, Failure, Mail, Opening, Shard, Stop, Verb};
use smime::compose::layers::Sealer;
use smime::compose::sign;
use smime::crypto::algorithm::SignatureScheme;
use smime::crypto::signature::KeyKind;
use smime::keys::signing::{KeyError, SigningKey};
use smime::{
    Certificates, Encryptor, Identity, Keyring, Opener, Policy, RecipientPlan, Requirement, Signer, Time, Trust,
};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

fn mail(n: usize) -> (usize, Vec<u8>) {
    (n, format!("From: alice@example.com\r\nTo: bob@example.com\r\nSubject: {n}\r\n\r\nMail {n}\r\n").into_bytes())
}

fn mails(count: usize) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..count).map(mail)
}

/// What came out of a job.
type Results<I, O, E> = Vec<(I, Result<O, Failure<E>>)>;

/// The same for a job over such mails by such a verb, and how it ended.
type Collected<M, V> =
    (Results<<M as Mail>::Id, <M as Mail>::Out, <V as Verb>::Error>, smime::bulk::Ended<<V as Verb>::Error>);

/// Runs a job and gives what came out, in the order in which it came.
fn collect<V: Verb, M: Mail>(
    job: &Bulk<V>,
    mails: impl IntoIterator<Item = M, IntoIter: Send>,
    clock: impl Fn() -> Time + Sync,
) -> Collected<M, V> {
    let mut all = Vec::new();
    let ended = job.run(mails, clock, |outcome| {
        all.push((outcome.id, outcome.result));
        Ok::<_, Infallible>(())
    });
    (all, ended.unwrap())
}

/// A verb made of a function over the number in the mail.
struct Each<F>(F);

impl<F: Fn(usize, &mut dyn Write) -> Result<(), String> + Sync> Verb for Each<F> {
    type Error = String;

    fn perform(&self, mail: &SharedSource<'_>, _: Time, out: &mut dyn Write) -> Result<(), String> {
        let text = String::from_utf8(mail.as_slice().unwrap().to_vec()).unwrap();
        (self.0)(text.trim_end().rsplit(' ').next().unwrap().parse().unwrap(), out)
    }

    fn is_unavailable(error: &String) -> bool {
        error == "gone"
    }
}

#[test]
fn every_verb_works_on_many_mails_and_outcomes_come_in_order() {
    let ca = Authority::root("Root");
    let (alice, bob) = (ca.person("Alice", "alice@example.com"), ca.person("Bob", "bob@example.com"));
    let (policy, trust) = (Policy::default(), ca.trust());
    let certificates = Certificates(vec![bob.certificate().clone()]);
    let plan = RecipientPlan::resolve(&["bob@example.com".parse().unwrap()], &certificates, &policy, None, now());
    let signer = Signer::new(&alice, &policy).unwrap();
    let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
    let sealer = Sealer::new(signer.clone(), encryptor.clone(), &policy);
    let mut ring = Keyring::default();
    ring.add(bob);
    let opener = Opener::new(&trust, &policy).with_keys(&ring);
    let open = |sealed: Vec<(usize, Vec<u8>)>, requirement| {
        let job = Bulk::new(Opening::new(opener, requirement)).workers(3);
        let (opened, ended) = collect(&job, sealed, now);
        assert!(ended.stop.is_none() && (ended.done, ended.failed) == (50, 0));
        for (at, (n, content)) in opened.into_iter().enumerate() {
            assert_eq!(
                (at, String::from_utf8(content.unwrap()).unwrap().contains(&format!("Mail {n}\r\n"))),
                (n, true)
            );
        }
    };
    fn bytes<E: std::fmt::Debug>(out: Results<usize, Vec<u8>, E>) -> Vec<(usize, Vec<u8>)> {
        out.into_iter().map(|(n, result)| (n, result.unwrap())).collect()
    }
    open(bytes(collect(&Bulk::new(&signer).workers(4), mails(50), now).0), Requirement::SignedBySender);
    open(bytes(collect(&Bulk::new(&encryptor).workers(4), mails(50), now).0), Requirement::Unaltered);
    open(bytes(collect(&Bulk::new(&sealer).workers(4), mails(50), now).0), Requirement::SignedBySender);
    // What does not meet the requirement is withheld.
    let refusing = Bulk::new(Opening::new(opener, Requirement::SignedBySender));
    let (withheld, ended) = collect(&refusing, mails(3), now);
    assert!(ended.failed == 3 && withheld.iter().all(|(_, result)| matches!(result, Err(Failure::Verb(_)))));
}

#[test]
fn nobody_runs_further_ahead_than_the_window() {
    let (begun, handed_on) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let verb = Each(|n, _: &mut dyn Write| {
        assert!(begun.fetch_add(1, Ordering::SeqCst) < handed_on.load(Ordering::SeqCst) + 12, "too far ahead");
        // The first ones are the slowest.
        std::thread::sleep(Duration::from_micros(if n % 10 == 0 { 2000 } else { 10 }));
        Ok(())
    });
    let job = Bulk::new(&verb).workers(8).window(10);
    let mut next = 0;
    let ended = job.run(mails(300), now, |outcome| {
        assert!(outcome.result.is_ok());
        assert_eq!(outcome.id, next);
        next += 1;
        // What is being handed on is not in the window any more.
        handed_on.store(next, Ordering::SeqCst);
        Ok::<_, Infallible>(())
    });
    assert_eq!((next, ended.unwrap().done), (300, 300));
    let now = job.progress().now();
    assert_eq!((now.done, now.failed, now.expected), (300, 0, Some(300)));
    assert_eq!(now.bytes, mails(300).map(|(_, mail)| mail.len() as u64).sum::<u64>());
}

#[test]
fn sec_150_a_poison_mail_fails_by_itself_once_and_the_others_go_on() {
    let tried = Mutex::new(HashMap::<usize, u32>::new());
    let verb = Each(|n, out: &mut dyn Write| {
        *tried.lock().unwrap().entry(n).or_default() += 1;
        out.write_all(b"begun").unwrap();
        if n == 7_777 { Err("poison".to_owned()) } else { Ok(()) }
    });
    let job = Bulk::new(&verb).workers(4);
    let (all, ended) = collect(&job, mails(20_000), now);
    assert!(ended.stop.is_none());
    assert_eq!((ended.done, ended.failed), (19_999, 1));
    for (n, result) in &all {
        assert_eq!(result.is_ok(), *n != 7_777);
    }
    assert!(matches!(&all[7_777].1, Err(Failure::Verb(why)) if why == "poison"));
    assert!(tried.lock().unwrap().values().all(|times| *times == 1));
    // So with real mail: no From, no MIME, nothing at all.
    let ca = Authority::root("Root");
    let (alice, policy) = (ca.person("Alice", "alice@example.com"), Policy::default());
    let poison: [&[u8]; 3] = [b"Subject: x\r\n\r\n", b"", b"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"];
    let mixed = mails(10).chain(poison.iter().enumerate().map(|(n, raw)| (100 + n, raw.to_vec()))).chain(mails(10));
    let (all, ended) = collect(&Bulk::new(&Signer::new(&alice, &policy).unwrap()), mixed, now);
    assert_eq!((ended.done, ended.failed, all.len()), (20, 3, 23));
    assert!(all.iter().all(|(n, result)| result.is_err() == (*n >= 100)));
}

#[test]
fn sec_150_a_job_stops_after_as_many_failures_as_it_was_told() {
    let verb = Each(|n, _: &mut dyn Write| if n % 2 == 0 { Err("even".to_owned()) } else { Ok(()) });
    let (all, ended) = collect(&Bulk::new(&verb).workers(3).stop_after(5), mails(10_000), now);
    assert!(matches!(ended.stop, Some(Stop::Failures(5))));
    // Those that had been begun come, too, in their order and without a gap.
    assert!(all.iter().enumerate().all(|(at, (n, _))| at == *n) && all.len() < 10 + 3 * 4 + 1, "{}", all.len());
}

#[test]
fn sec_151_a_panic_fails_one_mail_and_memory_is_bounded_by_the_workers() {
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    /// A result that counts how many are being written.
    struct Counted(bool);
    impl Counted {
        fn new() -> Self {
            MOST.fetch_max(OPEN.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Self(false)
        }
    }
    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            if !std::mem::replace(&mut self.0, true) {
                OPEN.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(())
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            let _ = self.flush();
        }
    }
    struct Numbered(usize, Vec<u8>);
    impl Mail for Numbered {
        type Id = usize;
        type Out = Counted;
        fn into_id(self) -> usize {
            self.0
        }
        fn source(&self) -> io::Result<SharedSource<'_>> {
            if self.0 == 66 {
                Err(io::ErrorKind::NotFound.into())
            } else {
                Ok(smime::base::source::Memory::borrowed(&self.1))
            }
        }
        fn out(&self) -> io::Result<Counted> {
            Ok(Counted::new())
        }
    }
    let verb = Each(|n, _: &mut dyn Write| match n {
        13 => panic!("thirteen"),
        31 => std::panic::panic_any(31),
        _ => {
            std::thread::yield_now();
            Ok(())
        }
    });
    let job = Bulk::new(&verb).workers(4);
    let (all, ended) = collect(&job, mails(1_000).map(|(n, raw)| Numbered(n, raw)), now);
    assert!(ended.stop.is_none());
    assert_eq!((ended.done, ended.failed), (997, 3));
    assert!(matches!(&all[13].1, Err(Failure::Panicked(text)) if text == "thirteen"));
    assert!(matches!(&all[31].1, Err(Failure::Panicked(_))) && matches!(&all[66].1, Err(Failure::Read(_))));
    assert!(MOST.load(Ordering::SeqCst) <= 4, "{} results were open at a time", MOST.load(Ordering::SeqCst));
    assert_eq!(OPEN.load(Ordering::SeqCst), 0);
}

/// A key that does as a test says before it signs.
struct Elsewhere<F> {
    inner: Arc<dyn SigningKey>,
    before: F,
}

impl<F: Fn() -> Result<(), KeyError> + Send + Sync> SigningKey for Elsewhere<F> {
    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.inner.schemes()
    }

    fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        (self.before)()?;
        self.inner.sign(scheme, message)
    }
}

fn elsewhere(identity: &Identity, before: impl Fn() -> Result<(), KeyError> + Send + Sync + 'static) -> Identity {
    let key = Arc::new(Elsewhere { inner: Arc::clone(identity.signing()), before });
    let (certificate, chain) = (identity.certificate().clone(), identity.chain().to_vec());
    Identity::with_keys(certificate, chain, key, Arc::clone(identity.opening())).unwrap()
}

fn alice() -> (Authority, Identity) {
    let ca = Authority::root("Root");
    let alice = ca.person("Alice", "alice@example.com");
    (ca, alice)
}

/// Every result that came is a mail of Alice's, signed.
fn all_signed(trust: &Trust, results: Results<usize, Vec<u8>, sign::Error>) {
    let policy = Policy::default();
    for (n, result) in results {
        let raw = result.unwrap();
        let opened = Opener::new(trust, &policy).open(&raw, now()).unwrap();
        let trusted = opened.require(Requirement::SignedBySender).unwrap_or_else(|_| panic!("{n} is not signed"));
        assert!(String::from_utf8(trusted.message().unwrap()).unwrap().contains(&format!("Mail {n}\r\n")));
    }
}

#[test]
fn sec_152_a_signer_that_is_gone_stops_the_job_and_nothing_leaves_unsigned() {
    let (ca, alice) = alice();
    let left = AtomicU64::new(100);
    let token = elsewhere(&alice, move || {
        let there = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        there.map(drop).map_err(|_| KeyError::Unavailable("the card was pulled out".to_owned()))
    });
    let policy = Policy::default();
    let signer = Signer::new(&token, &policy).unwrap();
    let job = Bulk::new(&signer).workers(4);
    let (signed, ended) = collect(&job, mails(1_000), now);
    let Some(Stop::Unavailable(error)) = ended.stop else { panic!("{:?}", ended.stop) };
    assert!(error.to_string().contains("the card was pulled out"));
    assert_eq!((signed.len(), ended.done, ended.failed), (100, 100, 0));
    assert!(signed.is_sorted_by_key(|(n, _)| *n));
    all_signed(&ca.trust(), signed);
}

#[test]
fn sec_152_a_certificate_that_expires_on_the_way_stops_the_job() {
    let (ca, alice) = alice();
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap();
    // The clock of this job comes to the end of the certificate at its fiftieth mail.
    let asked = AtomicU64::new(0);
    let clock = || {
        let n = asked.fetch_add(1, Ordering::SeqCst);
        if n < 50 { now() } else { Time::from_unix(years().1.unix() + 1) }
    };
    let (signed, ended) = collect(&Bulk::new(&signer).workers(3), mails(1_000), clock);
    assert!(matches!(ended.stop, Some(Stop::Unavailable(sign::Error::OutsideValidity { .. }))), "{:?}", ended.stop);
    assert_eq!((signed.len(), ended.failed), (50, 0));
    all_signed(&ca.trust(), signed);
}

#[test]
fn sec_149_a_clock_that_goes_back_is_harmless() {
    let (ca, alice) = alice();
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap();
    let asked = AtomicU64::new(0);
    let clock = || Time::from_unix(now().unix() - 3_600 * asked.fetch_add(1, Ordering::SeqCst) as i64);
    let (signed, ended) = collect(&Bulk::new(&signer).workers(3), mails(40), clock);
    assert!(ended.stop.is_none() && ended.done == 40);
    all_signed(&ca.trust(), signed);
}

#[test]
fn keys_elsewhere_are_waited_for_by_all_workers_at_once() {
    let (ca, alice) = alice();
    // Each signature takes as long as it takes until eight are asked for at a time.
    let meeting = Arc::new((Mutex::new((0, 0)), Condvar::new()));
    let at_key = Arc::clone(&meeting);
    let service = elsewhere(&alice, move || {
        let (counts, changed) = &*at_key;
        let mut counts = counts.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        changed.notify_all();
        let (mut counts, waited) =
            changed.wait_timeout_while(counts, Duration::from_secs(60), |counts| counts.1 < 8).unwrap();
        counts.0 -= 1;
        if waited.timed_out() { Err(KeyError::Unavailable("nobody else came".to_owned())) } else { Ok(()) }
    });
    let policy = Policy::default();
    let signer = Signer::new(&service, &policy).unwrap();
    let (signed, ended) = collect(&Bulk::new(&signer).workers(8), mails(64), now);
    assert!(ended.stop.is_none(), "{:?}", ended.stop);
    assert_eq!(meeting.0.lock().unwrap().1, 8);
    all_signed(&ca.trust(), signed);
}

#[test]
fn a_job_is_stopped_from_outside_by_its_taker_and_by_panics_of_the_caller() {
    let verb = Each(|_, _: &mut dyn Write| Ok(()));
    // A stopper.
    let job = Bulk::new(&verb).workers(2);
    let stopper = job.stopper();
    let mut taken = 0;
    let ended = job.run(mails(100_000), now, |_| {
        taken += 1;
        if taken == 10 {
            stopper.stop();
        }
        Ok::<_, Infallible>(())
    });
    assert!(matches!(ended.unwrap().stop, Some(Stop::Asked)) && taken < 10 + 2 * 4 + 1 + 2, "{taken}");
    // Before it begins.
    let (none, ended) = collect(&job, mails(5), now);
    assert!(none.is_empty() && matches!(ended.stop, Some(Stop::Asked)));
    // The taker.
    let mut taken = 0;
    let refused = Bulk::new(&verb).run(mails(100_000), now, |_| {
        taken += 1;
        if taken == 10 { Err("full") } else { Ok(()) }
    });
    assert_eq!((refused.unwrap_err(), taken), ("full", 10));
    // Panics of the caller's go through, and nobody hangs.
    let panics = |run: &mut dyn FnMut()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err();
    assert!(panics(&mut || {
        let _ = Bulk::new(&verb).run(mails(100_000), now, |_| -> Result<(), Infallible> { panic!("the taker") });
    }));
    assert!(panics(&mut || {
        collect(&Bulk::new(&verb), mails(100).inspect(|(n, _)| assert!(*n < 50, "the feed")), now);
    }));
    assert!(panics(&mut || {
        struct Unnamed;
        impl Mail for Unnamed {
            type Id = ();
            type Out = Vec<u8>;
            fn into_id(self) {
                panic!("the mail");
            }
            fn source(&self) -> io::Result<SharedSource<'_>> {
                Ok(smime::base::source::Memory::borrowed(b"Mail 1"))
            }
            fn out(&self) -> io::Result<Vec<u8>> {
                Ok(Vec::new())
            }
        }
        collect(&Bulk::new(&verb), (0..100).map(|_| Unnamed), now);
    }));
}

#[test]
fn sec_148_an_output_that_fails_stops_the_job_and_interruptions_do_not() {
    static BROKEN: AtomicBool = AtomicBool::new(false);
    /// Takes one byte at a time, is interrupted in between, and at some time there is no room any more.
    struct Narrow(bool, usize);
    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = !self.0;
            match (self.0, BROKEN.load(Ordering::SeqCst)) {
                (true, _) => Err(io::ErrorKind::Interrupted.into()),
                (false, true) => Err(io::ErrorKind::StorageFull.into()),
                (false, false) => {
                    self.1 += 1;
                    Ok(bytes.len().min(1))
                }
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0 = !self.0;
            if self.0 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        }
    }
    struct Numbered(usize, Vec<u8>);
    impl Mail for Numbered {
        type Id = usize;
        type Out = Narrow;
        fn into_id(self) -> usize {
            self.0
        }
        fn source(&self) -> io::Result<SharedSource<'_>> {
            Ok(smime::base::source::Memory::borrowed(&self.1))
        }
        fn out(&self) -> io::Result<Narrow> {
            Ok(Narrow(false, 0))
        }
    }
    let (_, alice) = alice();
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap();
    let job = Bulk::new(&signer).workers(2);
    let mut good = 0;
    let ended = job.run(mails(200).map(|(n, raw)| Numbered(n, raw)), now, |outcome| {
        assert!(outcome.result.unwrap().1 > 1000);
        good += 1;
        BROKEN.store(good >= 20, Ordering::SeqCst);
        Ok::<_, Infallible>(())
    });
    let ended = ended.unwrap();
    assert!(matches!(&ended.stop, Some(Stop::Output(e)) if e.kind() == io::ErrorKind::StorageFull), "{:?}", ended.stop);
    assert!(ended.done >= 20 && ended.done < 200 && ended.failed == 0);
}

#[test]
fn shards_are_disjoint_complete_and_the_same_everywhere() {
    for count in [1, 2, 7, 64] {
        let shards: Vec<Shard> = (0..count).map(|n| format!("{n}/{count}").parse().unwrap()).collect();
        let mut sizes = vec![0; count];
        for n in 0..5_000 {
            let name = format!("{n}.eml");
            let owners: Vec<usize> = (0..count).filter(|shard| shards[*shard].takes(name.as_bytes())).collect();
            assert_eq!(owners.len(), 1, "{name} of {count}");
            sizes[owners[0]] += 1;
        }
        let fair = 5_000 / count;
        assert!(sizes.iter().all(|size| *size > fair / 2 && *size < fair * 2), "{sizes:?}");
    }
    // What one machine says today, another says tomorrow.
    let first: Shard = "0/4".parse().unwrap();
    let taken: Vec<u32> = (0..20).filter(|n| first.takes(format!("{n}.eml").as_bytes())).collect();
    assert_eq!(taken, EXPECTED);
    for wrong in ["", "1", "4/4", "-1/4", "1/0", "0/0", "a/b", "1/2/3", "+1/2", "1/99999999999"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}

/// Of `0.eml` to `19.eml`: those whose SHA-256, its first eight bytes as a number, is divisible by four.
const EXPECTED: [u32; 5] = [1, 5, 6, 9, 17];

#[test]
fn a_job_of_rsa_keys_signs_as_one_mail_does() {
    let ca = Authority::root("Root");
    let alice = ca.person_with("Alice", &["alice@example.com"], KeyKind::Rsa, 2048, years());
    let policy = Policy::default();
    let (signed, _) = collect(&Bulk::new(&Signer::new(&alice, &policy).unwrap()), mails(8), now);
    all_signed(&ca.trust(), signed);
}
