//! A cache of certificates changes nothing but the time that judging takes: whatever is opened with one is judged as
//! without, at any time, under any trust and policy, whatever was revoked meanwhile, and whatever was opened before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test is a test

mod common;

use common::lists::List;
use common::people::{Authority, now};
use smime::cert::cache::CacheCounts;
use smime::cert::extension::KeyUsage;
use smime::open::report::{LayerKind, Report, Revocation, Signature, Trust as Answer};
use smime::{
    Certificate, ChainCache, Identity, Keyring, Limits, Message, Opener, Policy, Profile, RevocationData,
    RevocationMode, Signer, Time, Trust,
};

/// One way to judge.
struct Manner<'m> {
    name: String,
    trust: &'m Trust,
    policy: &'m Policy,
    data: Option<&'m RevocationData>,
    mode: RevocationMode,
    at: Time,
}

impl Manner<'_> {
    /// All that is said of a message.
    fn open(&self, raw: &[u8], keyring: &Keyring, cache: Option<&ChainCache>) -> Result<Report, String> {
        let mut opener = Opener::new(self.trust, self.policy).with_keys(keyring).revocation(self.mode);
        if let Some(data) = self.data {
            opener = opener.with_revocation(data);
        }
        if let Some(cache) = cache {
            opener = opener.with_chain_cache(cache);
        }
        opener.open(raw, self.at).map(|opened| opened.report().clone()).map_err(|error| error.to_string())
    }

    /// The report without a cache, which that with one must equal to the letter, the first time and the second.
    fn alike(&self, name: &str, raw: &[u8], keyring: &Keyring, cache: &ChainCache) -> Result<Report, String> {
        let alone = self.open(raw, keyring, None);
        for round in ["at first", "again"] {
            let cached = self.open(raw, keyring, Some(cache));
            assert_eq!(format!("{cached:?}"), format!("{alone:?}"), "{name}, {}, {round}", self.name);
        }
        alone
    }
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn signature(report: &Report) -> &Signature {
    match &report.layers[0].kind {
        LayerKind::Signed(signed) => &signed.signatures[0],
        other => panic!("{other:?}"),
    }
}

fn codes(signature: &Signature) -> Vec<&str> {
    signature.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn the_corpus_is_judged_alike_with_one_cache_for_all_of_it() {
    let Some(corpus) = common::corpus() else { return };
    let cache = ChainCache::new(&Limits::default());
    let nobody = Trust::default();
    let policies = [Policy::default(), Policy::new(Profile::Rfc8551), Policy::new(Profile::Strict)];
    let mut opened = 0;
    for entry in common::entries(&corpus) {
        let path = common::text(&entry, "path");
        // The suite of NIST is judged below, and the formats of keys and stores are no messages.
        let skipped = ["p12", "private-key", "crl", "ocsp", "sst", "ldif", "msg-cfb", "vectors", "certificate"];
        if path.starts_with("nist-pkits/") || skipped.iter().any(|kind| common::text(&entry, "kind").starts_with(kind))
        {
            continue;
        }
        let (trust, keyring) = (common::trust(&corpus, &entry), common::keyring(&corpus, &entry));
        let raw = std::fs::read(corpus.join(path)).unwrap();
        for (trust, policy, at) in [
            (&trust, &policies[0], "2026-11-24T00:00:00Z"),
            (&trust, &policies[1], "2012-06-01T00:00:00Z"),
            (&nobody, &policies[0], "2012-06-01T00:00:00Z"),
            (&trust, &policies[2], "2049-01-01T00:00:00Z"),
        ] {
            let name = format!("{} at {at}", policy.profile);
            let manner = Manner { name, trust, policy, data: None, mode: RevocationMode::Off, at: time(at) };
            let _ = manner.alike(path, &raw, &keyring, &cache);
        }
        opened += 1;
    }
    let CacheCounts { hits, misses } = cache.counts();
    println!("chain cache: {opened} messages, {hits} certificates known, {misses} read");
    assert!(opened > 200 && hits > 5 * misses, "{opened} {hits} {misses}");
}

#[test]
fn the_suite_of_nist_is_judged_alike_with_one_cache_for_all_of_it() {
    let Some(corpus) = common::corpus() else { return };
    let limits = Limits::default();
    let cache = ChainCache::new(&limits);
    let read =
        |name: &str| Certificate::from_der(&std::fs::read(corpus.join("nist-pkits").join(name)).unwrap()).unwrap();
    let files = |folder: &str, ending: &str| {
        let all = std::fs::read_dir(corpus.join("nist-pkits").join(folder)).unwrap();
        let mut all: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
        all.retain(|path| path.extension().is_some_and(|found| found == ending));
        all.sort();
        all
    };
    let list = |path: &std::path::PathBuf| smime::Crl::from_der(&std::fs::read(path).unwrap(), &limits).unwrap();
    let data = RevocationData::new(files("crls", "crl").iter().map(list).collect::<Vec<_>>());
    let anchor = read("certs/TrustAnchorRootCertificate.crt");
    let (theirs, nobody) = (Trust::new([anchor]), Trust::default());
    let policy = Policy::new(Profile::Rfc8551);
    let mut explicit = Policy::new(Profile::Rfc8551);
    explicit.path_inputs.policies.explicit = smime::cert::policies::Initially::Set;
    let keyring = Keyring::default();
    let messages = files("smime", "eml");
    assert!(messages.len() > 200, "{}", messages.len());
    let mut tally = std::collections::BTreeMap::<String, usize>::new();
    for path in &messages {
        let raw = std::fs::read(path).unwrap();
        let name = path.display().to_string();
        for (which, trust, policy, data, mode, at) in [
            ("as the suite has it", &theirs, &policy, None, RevocationMode::Hard, "2026-11-24T08:00:00Z"),
            ("all lists at hand", &theirs, &policy, Some(&data), RevocationMode::Hard, "2026-11-24T08:00:00Z"),
            ("nothing revoked", &theirs, &policy, None, RevocationMode::Off, "2026-11-24T08:00:00Z"),
            ("explicit policy", &theirs, &explicit, None, RevocationMode::Off, "2026-11-24T08:00:00Z"),
            ("nobody trusted", &nobody, &policy, None, RevocationMode::Off, "2026-11-24T08:00:00Z"),
            ("expired", &theirs, &policy, None, RevocationMode::Hard, "2040-01-01T00:00:00Z"),
        ] {
            let manner = Manner { name: which.to_owned(), trust, policy, data, mode, at: time(at) };
            let report = manner.alike(&name, &raw, &keyring, &cache).unwrap();
            let answer = signature(&report);
            *tally.entry(format!("{which}: {:?}, {:?}", answer.trust, answer.revocation)).or_default() += 1;
        }
    }
    tally.iter().for_each(|(answer, count)| println!("{answer}: {count}"));
    assert!(tally.contains_key("nobody trusted: Unchecked, Unchecked"));
    assert!(!tally.keys().any(|answer| answer.starts_with("expired: Anchored")));
    let CacheCounts { hits, misses } = cache.counts();
    assert!(hits > 10 * misses, "{hits} {misses}");
}

/// A root, an authority below it, and Alice with a key certified by the latter.
struct Line {
    root: Authority,
    middle: Authority,
    alice: Identity,
}

impl Line {
    fn new() -> Self {
        let root = Authority::root("Root");
        let middle = root.authority("Issuing", |_| {});
        let (leaf, key) = middle.user_with_key("Alice", |template| {
            template.not_after = time("2027-01-01T00:00:00Z");
            template.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE);
        });
        let chain = vec![middle.certificate.clone(), root.certificate.clone()];
        Self { alice: Identity::new(leaf, chain, key).unwrap(), root, middle }
    }

    fn mail(&self) -> Vec<u8> {
        let raw = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
        let policy = Policy::new(Profile::Rfc8551);
        Signer::new(&self.alice, &policy).unwrap().sign(&Message::parse(raw).unwrap(), now()).unwrap()
    }

    fn lists(&self, of_middle: &List) -> RevocationData {
        RevocationData::new([List::default().by(&self.root), of_middle.by(&self.middle)])
    }
}

#[test]
fn what_was_good_is_judged_anew_when_it_expired_was_revoked_or_is_not_trusted_any_more() {
    let line = Line::new();
    let (mail, keyring) = (line.mail(), Keyring::default());
    let cache = ChainCache::new(&Limits::default());
    let good = line.lists(&List::default());
    let revoked = line.lists(&List::of(line.alice.certificate()));
    let old = line.lists(&List { next_update: Some(now().plus(60)), ..List::default() });
    let (trust, nobody, other) = (line.root.trust(), Trust::default(), Authority::root("Root").trust());
    let middle_as_anchor = line.middle.trust();
    let lenient = Policy::new(Profile::Rfc8551);
    let mut strict = Policy::new(Profile::Rfc8551);
    strict.path_inputs.policies.explicit = smime::cert::policies::Initially::Set;
    let judge = |trust, policy, data: Option<&RevocationData>, at: Time| {
        let mode = if data.is_none() { RevocationMode::Off } else { RevocationMode::Hard };
        let manner = Manner { name: at.to_string(), trust, policy, data, mode, at };
        manner.alike("the mail", &mail, &keyring, &cache).unwrap()
    };
    let anchored = |report: &Report| signature(report).trust == Answer::Anchored;
    let all_good = |report: &Report| anchored(report) && signature(report).revocation == Revocation::Good;

    assert!(all_good(&judge(&trust, &lenient, Some(&good), now())));
    assert_eq!(cache.counts(), CacheCounts { hits: 2, misses: 2 }, "one reading for each certificate");
    // Expired, and not valid yet.
    let late = judge(&trust, &lenient, Some(&good), time("2027-01-01T00:00:01Z"));
    assert!(codes(signature(&late)).contains(&"certificate_expired"));
    let early = judge(&trust, &lenient, None, time("2001-01-01T00:00:00Z"));
    assert!(codes(signature(&early)).contains(&"certificate_not_yet_valid"));
    // Revoked since, and a list that has become too old.
    let report = judge(&trust, &lenient, Some(&revoked), now());
    assert_eq!(signature(&report).revocation, Revocation::Revoked);
    assert_eq!(signature(&judge(&trust, &lenient, Some(&old), now())).revocation, Revocation::Good);
    assert_eq!(signature(&judge(&trust, &lenient, Some(&old), now().plus(3600))).revocation, Revocation::Unknown);
    // Other anchors: nobody, another root of the same name, and the authority itself.
    assert_eq!(signature(&judge(&nobody, &lenient, None, now())).trust, Answer::Unchecked);
    assert_eq!(signature(&judge(&other, &lenient, None, now())).trust, Answer::Rejected);
    assert!(anchored(&judge(&middle_as_anchor, &lenient, None, now())));
    // Another policy.
    assert!(codes(signature(&judge(&trust, &strict, None, now()))).contains(&"no_valid_policy"));
    // And back.
    assert!(all_good(&judge(&trust, &lenient, Some(&good), now())));
    assert_eq!(cache.counts().misses, 2);
}

#[test]
fn a_forged_certificate_stays_forged_beside_the_genuine_one() {
    let line = Line::new();
    let (mail, keyring, trust, policy) =
        (line.mail(), Keyring::default(), line.root.trust(), Policy::new(Profile::Rfc8551));
    let cache = ChainCache::new(&Limits::default());
    let manner = Manner {
        name: "now".to_owned(),
        trust: &trust,
        policy: &policy,
        data: None,
        mode: RevocationMode::Off,
        at: now(),
    };
    let genuine = manner.alike("genuine", &mail, &keyring, &cache).unwrap();
    assert_eq!(signature(&genuine).trust, Answer::Anchored);
    // The same names and serial number, issued by somebody else under the authority's name.
    let impostor = Authority::root("Root").authority("Issuing", |_| {});
    let (leaf, key) = impostor.user_with_key("Alice", |_| {});
    let mallory = Identity::new(leaf, vec![impostor.certificate.clone()], key).unwrap();
    let forged = Line { alice: mallory, ..Line::new() }.mail();
    for _ in 0..2 {
        let report = manner.alike("forged", &forged, &keyring, &cache).unwrap();
        assert_eq!(signature(&report).trust, Answer::Rejected);
        let again = manner.alike("genuine", &mail, &keyring, &cache).unwrap();
        assert_eq!(signature(&again).trust, Answer::Anchored);
    }
}

#[test]
fn many_threads_share_one() {
    let line = Line::new();
    let (mail, trust, policy) = (line.mail(), line.root.trust(), Policy::new(Profile::Rfc8551));
    let mut limits = Limits::default();
    limits.cached_certificates = 2;
    let cache = ChainCache::new(&limits);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let opened = Opener::new(&trust, &policy).with_chain_cache(&cache).open(&mail, now()).unwrap();
                    assert_eq!(signature(opened.report()).trust, Answer::Anchored);
                    assert!(cache.len() <= 2);
                }
            });
        }
    });
    let CacheCounts { hits, misses } = cache.counts();
    assert_eq!(hits + misses, 4 * 50 * 2);
}
