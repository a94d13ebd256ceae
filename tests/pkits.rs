//! NIST PKITS: every evaluation of the suite, over the certificates and over the signed messages.
//!
//! The suite is not part of the project; `SMIME_CORPUS` names the folder that it is in. Without it the tests say so and
//! pass. What is judged otherwise stands in `pkits_exceptions.txt`, and an exception that is none any more fails, too.

#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test is a test

mod common;

use smime::base::limits::Limits;
use smime::cert::certificate::Certificate;
use smime::cert::chain::{self, ChainRequest, ChainVerdict, PathInputs, Trust};
use smime::cert::crl::Crl;
use smime::cert::policies::Initially;
use smime::cert::revocation::{RevocationData, RevocationStatus};
use smime::open::report::LayerKind;
use smime::{Opener, Policy, Profile, RevocationMode, Time};
use std::collections::BTreeMap;
use std::path::Path;

const EXCEPTIONS: &str = include_str!("pkits_exceptions.txt");

/// One evaluation: number, file, arguments in the words of openssl, and whether the path is valid.
struct Evaluation {
    number: String,
    file: String,
    arguments: String,
    valid: bool,
}

fn evaluations(corpus: &Path) -> Vec<Evaluation> {
    let text = std::fs::read_to_string(corpus.join("nist-pkits/pkits-tests.json")).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let field = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap().to_owned();
    list.iter()
        .map(|one| Evaluation {
            number: field(one, "test"),
            file: field(one, "file"),
            arguments: field(one, "openssl_args"),
            valid: one["expect"] == "path-valid",
        })
        .collect()
}

fn inputs(arguments: &str) -> PathInputs {
    let mut inputs = PathInputs::default();
    let mut words = arguments.split_whitespace();
    while let Some(word) = words.next() {
        let policies = &mut inputs.policies;
        match word {
            "-policy" => match words.next().unwrap() {
                "anyPolicy" => {}
                policy => policies.acceptable.push(policy.parse().unwrap()),
            },
            "-explicit_policy" => policies.explicit = Initially::Set,
            "-inhibit_map" => policies.inhibit_mapping = Initially::Set,
            "-inhibit_any" => policies.inhibit_any = Initially::Set,
            other => panic!("{other}"),
        }
    }
    inputs
}

fn read_all<T>(folder: &Path, read: impl Fn(&[u8]) -> T) -> Vec<T> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read(&std::fs::read(path).unwrap())).collect()
}

/// The end entity's certificate of a test: that of the signer of its message.
fn leaf(corpus: &Path, message: &str) -> Certificate {
    let raw = std::fs::read(corpus.join(message)).unwrap();
    let (trust, policy) = (Trust::default(), Policy::default());
    let opened = Opener::new(&trust, &policy).open(&raw, now()).unwrap();
    match &opened.report().layers[0].kind {
        LayerKind::Signed(signed) => signed.signatures[0].certificate.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn now() -> Time {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// Prints the count, and fails where something differs beyond the exceptions.
fn conclude(what: &str, wrong: &BTreeMap<String, String>, total: usize) {
    let mut excepted = 0;
    for (number, found) in wrong {
        let exception = EXCEPTIONS.lines().find(|line| line.split_whitespace().next() == Some(number));
        match exception {
            Some(line) => {
                excepted += 1;
                eprintln!("pkits {what}: excepted {line}");
            }
            None => eprintln!("pkits {what}: {number}: {found}"),
        }
    }
    let listed = EXCEPTIONS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    assert!(listed <= 2, "there are {listed} exceptions");
    assert_eq!(excepted, listed, "an exception is none any more");
    eprintln!("pkits {what}: {}/{total} ({excepted} of them excepted)", total - (wrong.len() - excepted));
    assert_eq!(wrong.len(), excepted, "{wrong:#?}");
}

#[test]
fn certificates() {
    let Some(corpus) = common::corpus() else { return };
    let limits = Limits::default();
    let folder = corpus.join("nist-pkits/certs");
    let read = |name: &str| Certificate::from_der(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    // All certificates and lists of the suite are at hand for each path, so that the search has something to search.
    let all = read_all(&folder, |der| Certificate::from_der(der).unwrap());
    let lists = read_all(&corpus.join("nist-pkits/crls"), |der| Crl::from_der(der, &limits).unwrap());
    let trust = Trust::new([read("TrustAnchorRootCertificate.crt")]).with_intermediates(all);
    let data = RevocationData::new(lists);
    let tests = evaluations(&corpus);
    let mut wrong = BTreeMap::new();
    for test in &tests {
        let leaf = leaf(&corpus, &test.file);
        let inputs = inputs(&test.arguments);
        let outcome = chain::build(&ChainRequest {
            inputs: &inputs,
            revocation: &[&data],
            ..ChainRequest::new(&leaf, &trust, now(), &limits)
        });
        let valid = outcome.verdict == ChainVerdict::Anchored && outcome.revocation() == RevocationStatus::Good;
        if valid != test.valid {
            let reasons = [outcome.reasons.clone(), outcome.revocation_reasons()].concat();
            wrong.insert(test.number.clone(), format!("{} {:?} {reasons:#?}", test.file, outcome.verdict));
        }
    }
    conclude("certificates", &wrong, tests.len());
}

/// Each message brings its path and its lists; nothing else is given but the anchor.
#[test]
fn messages() {
    let Some(corpus) = common::corpus() else { return };
    let anchor = std::fs::read(corpus.join("nist-pkits/certs/TrustAnchorRootCertificate.crt")).unwrap();
    let trust = Trust::new([Certificate::from_der(&anchor).unwrap()]);
    let tests = evaluations(&corpus);
    let mut wrong = BTreeMap::new();
    for test in &tests {
        let mut policy = Policy::new(Profile::Rfc8551);
        policy.path_inputs = inputs(&test.arguments);
        let raw = std::fs::read(corpus.join(&test.file)).unwrap();
        let opened = Opener::new(&trust, &policy).revocation(RevocationMode::Hard).open(&raw, now()).unwrap();
        let signature = match &opened.report().layers[0].kind {
            LayerKind::Signed(signed) => signed.signatures[0].clone(),
            other => panic!("{other:?}"),
        };
        use smime::open::report::{Revocation, Trust as Answer};
        let valid = signature.trust == Answer::Anchored && signature.revocation == Revocation::Good;
        if valid != test.valid {
            wrong.insert(test.number.clone(), format!("{} {:#?}", test.file, signature.reasons));
        }
    }
    conclude("messages", &wrong, tests.len());
}

/// The same through the program: every input of the suite can be given to `smime certs verify`.
#[cfg(feature = "cli")]
#[test]
fn command_line() {
    let Some(corpus) = common::corpus() else { return };
    let folder = corpus.join("nist-pkits");
    let desk = tempfile::tempdir().unwrap();
    let tests = evaluations(&corpus);
    let mut wrong = BTreeMap::new();
    let mut weak = Vec::new();
    for test in &tests {
        let file = desk.path().join("leaf.crt");
        std::fs::write(&file, leaf(&corpus, &test.file).der()).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_smime"));
        command.args(["--quiet", "certs", "verify", "--json", "--at", "2026-11-24T08:00:00Z"]);
        command.arg("--trust").arg(folder.join("certs/TrustAnchorRootCertificate.crt"));
        command.arg("--chain").arg(folder.join("certs")).arg("--crls").arg(folder.join("crls")).arg(&file);
        let mut words = test.arguments.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "-policy" => match words.next().unwrap() {
                    "anyPolicy" => {}
                    policy => drop(command.args(["--policy", policy])),
                },
                "-explicit_policy" => drop(command.arg("--explicit-policy")),
                "-inhibit_map" => drop(command.arg("--inhibit-mapping")),
                "-inhibit_any" => drop(command.arg("--inhibit-any")),
                other => panic!("{other}"),
            }
        }
        let output = command.output().unwrap();
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 5)), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["met"], code == Some(0));
        // The suite asks about paths; a path of DSA keys holds, and is too weak to be met by.
        let valid = answer["trust"] == "anchored" && answer["revocation"] == "good";
        assert_eq!(answer["activesync_status"] == 1, valid, "{answer:#}");
        match (valid, code) {
            (true, Some(5)) if answer["strength"] == "weak" => weak.push(test.number.as_str()),
            _ => assert_eq!(valid, code == Some(0), "{answer:#}"),
        }
        if valid != test.valid {
            wrong.insert(test.number.clone(), format!("{} {answer:#}", test.file));
        }
    }
    assert_eq!(weak, ["4.1.4", "4.1.5"]);
    conclude("command line", &wrong, tests.len());
}
