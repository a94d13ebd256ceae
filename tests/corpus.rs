//! Every message, key file and store of the corpus comes out as its manifest says: each layer, each digest of content, the
//! signer, the sender. What is judged otherwise stands in `corpus_exceptions.toml` with what was expected, what we find
//! and why; an entry there that is none any more fails, too.
//!
//! The corpus is not part of the package; `SMIME_CORPUS` names its folder. Without it the test says so and passes.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test is a test

mod common;
#[path = "corpus/exceptions.rs"]
mod exceptions;
#[path = "corpus/findings.rs"]
mod findings;
#[path = "corpus/messages.rs"]
mod messages;
#[path = "corpus/stores.rs"]
mod stores;

use common::{corpus, entries, text};
use exceptions::Exceptions;
use findings::Findings;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Kinds that other tests judge: vectors of primitives, and certificates for the linter.
const ELSEWHERE: [&str; 3] = ["vectors", "certificate", "certificate+expected-findings"];

/// More than this many entries judged otherwise would be a habit.
const MOST_EXCEPTIONS: usize = 25;

/// What became of one entry: "as expected", or what was found instead.
struct Judged {
    passed: bool,
    found: String,
}

#[test]
fn every_entry_is_what_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let mut exceptions = Exceptions::read(include_str!("corpus_exceptions.toml"));
    let mut findings = Findings::default();
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    for entry in entries(&corpus).iter().filter(|e| !ELSEWHERE.contains(&text(e, "kind"))) {
        let path = text(entry, "path");
        let judged = match judge(&corpus, entry, &mut findings) {
            None => continue,
            Some(Ok(())) => Judged { passed: true, found: "as expected".to_owned() },
            Some(Err(found)) => Judged { passed: false, found },
        };
        let source = path.split('/').next().unwrap_or_default().to_owned();
        let (passed, total) = tally.entry(source).or_default();
        *total += 1;
        match exceptions.settle(path, judged.passed, &judged.found) {
            Ok(()) => *passed += 1,
            Err(why) => failures.push(format!("{path}: {why}")),
        }
    }
    for (source, (passed, total)) in &tally {
        println!("corpus {source}: {passed}/{total}");
    }
    let (passed, total) = tally.values().fold((0, 0), |(p, t), (passed, total)| (p + passed, t + total));
    println!("corpus: {passed}/{total}, {} of them judged otherwise, with reason", exceptions.len());
    findings.print();
    failures.extend(exceptions.unused());
    failures.append(&mut findings.wrong);
    assert!(exceptions.len() <= MOST_EXCEPTIONS, "{} exceptions are too many", exceptions.len());
    assert!(total > 700, "only {total} entries were judged");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

/// `None` for a kind that this build does not read.
fn judge(corpus: &Path, entry: &Value, findings: &mut Findings) -> Option<Result<(), String>> {
    Some(match text(entry, "kind") {
        "p12" => stores::pkcs12(corpus, entry, findings),
        "private-key" => stores::private_key(corpus, entry, findings),
        "crl" => stores::crl(corpus, entry, findings),
        "ocsp" => stores::ocsp(corpus, entry, findings),
        "sst" => stores::sst(corpus, entry),
        "ldif" => stores::ldif(corpus, entry),
        "msg-cfb" => return messages::msg(corpus, entry, findings),
        _ => messages::judge(corpus, entry, findings),
    })
}
