//! Ten thousand generated chains, judged by us and by `openssl verify`. The seed is fixed, so that every run sees the same.
//!
//! Where the two differ, `known_disagreements.toml` says for which feature, in which direction and why; a difference that
//! stands in no row fails, and so does a row that nothing needs.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{common_name, now, serial};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::chain::{self, ChainRequest, ChainVerdict, PathInputs};
use smime::cert::extension::{Extension, KeyUsage};
use smime::cert::issue::{CertificateTemplate, Role, issue};
use smime::cert::name::Name;
use smime::cert::policies::Initially;
use smime::cert::purpose::{Purpose, PurposeRule};
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::store::pem;
use smime::{Certificate, Limits, Trust};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const HIERARCHIES: usize = 2_500;
const LEAVES: usize = 4;
const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

/// SplitMix64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize]
    }

    /// Up to two, each with a chance of one in `odds`.
    fn some<T: Copy>(&mut self, odds: u64, from: &[T]) -> Vec<T> {
        let mut picked = Vec::new();
        for _ in 0..2 {
            if self.roll(odds) == 0 {
                picked.push(self.pick(from));
            }
        }
        picked
    }
}

struct Keys(Vec<PrivateKey>);

/// What a certificate of a chain has that is out of the ordinary.
type Feature = &'static str;

const OF_AUTHORITIES: [Feature; 22] = [
    "ca_expired",
    "ca_not_yet_valid",
    "ca_false",
    "ca_without_basic_constraints",
    "ca_without_cert_sign",
    "ca_without_key_usage",
    "ca_for_servers_only",
    "ca_for_mail_only",
    "path_length_0",
    "path_length_1",
    "ca_unknown_critical",
    "ca_unknown",
    "permits_mail_domain",
    "permits_other_mail_domain",
    "excludes_mail_domain",
    "permits_directory",
    "permits_other_directory",
    "permits_host",
    "states_policy",
    "states_any_policy",
    "maps_policy",
    "requires_policy",
];
const OF_LEAVES: [Feature; 13] = [
    "expired",
    "not_yet_valid",
    "without_usages",
    "for_servers_only",
    "for_anything",
    "enciphers_only",
    "unknown_critical",
    "unknown",
    "other_domain",
    "subdomain",
    "has_host",
    "states_policy_of_leaf",
    "states_mapped_policy",
];
const OF_STRUCTURES: [Feature; 7] = [
    "missing",
    "wrong_signature",
    "cross_certified",
    "rolled_over",
    "crowded",
    "foreign_root",
    "anchored_in_the_middle",
];

fn extension(oid: const_oid::ObjectIdentifier, critical: bool, value: Vec<u8>) -> Extension {
    Extension { oid, critical, value }
}

fn policy(n: u32) -> Vec<u8> {
    der::oid(&format!("1.3.6.1.4.1.99999.{n}").parse().unwrap())
}

fn subtree(number: u32, base: Vec<u8>) -> Extension {
    let list = der::constructed(Tag::context(number), &[der::sequence(&[base])]);
    extension(oid::NAME_CONSTRAINTS, true, der::sequence(&[list]))
}

fn directory(organization: &str) -> Vec<u8> {
    der::explicit(4, Name::build(&[(oid::ORGANIZATION, organization)]).der())
}

fn add(template: &mut CertificateTemplate, feature: Feature) {
    let present: Vec<const_oid::ObjectIdentifier> = template.extensions.iter().map(|one| one.oid).collect();
    let has = |oid: const_oid::ObjectIdentifier| present.contains(&oid);
    let taken = match feature {
        "path_length_0" | "path_length_1" => has(oid::BASIC_CONSTRAINTS),
        "other_domain" | "subdomain" => has(oid::SUBJECT_ALT_NAME),
        _ => false,
    };
    // Two of one kind make a certificate that nobody reads; the first stays.
    if taken {
        return;
    }
    let mail = |text: &str| der::primitive(Tag::context(1), text.as_bytes());
    let long_ago = now().plus(-86_400);
    let policies = |list: &[Vec<u8>]| {
        let list: Vec<Vec<u8>> = list.iter().map(|policy| der::sequence(std::slice::from_ref(policy))).collect();
        extension(oid::CERTIFICATE_POLICIES, false, der::sequence(&list))
    };
    let new = match feature {
        "ca_expired" | "expired" => return template.not_after = long_ago,
        "ca_not_yet_valid" | "not_yet_valid" => return template.not_before = now().plus(86_400),
        "ca_false" => {
            template.role = Role::EndEntity;
            extension(oid::BASIC_CONSTRAINTS, true, vec![0x30, 0])
        }
        "ca_without_basic_constraints" => return template.role = Role::EndEntity,
        "ca_without_cert_sign" => return template.key_usage = Some(KeyUsage::CRL_SIGN),
        "ca_without_key_usage" => return template.key_usage = None,
        "ca_for_servers_only" | "for_servers_only" => {
            return template.extended_key_usage = vec!["1.3.6.1.5.5.7.3.1".parse().unwrap()];
        }
        "ca_for_mail_only" => return template.extended_key_usage = vec![oid::EMAIL_PROTECTION],
        "path_length_0" => return template.role = Role::Authority { path_len: Some(0) },
        "path_length_1" => return template.role = Role::Authority { path_len: Some(1) },
        "ca_unknown_critical" | "unknown_critical" => extension("1.2.3.4".parse().unwrap(), true, vec![5, 0]),
        "ca_unknown" | "unknown" => extension("1.2.3.4".parse().unwrap(), false, vec![5, 0]),
        "permits_mail_domain" => subtree(0, mail("example.com")),
        "permits_other_mail_domain" => subtree(0, mail(".example.com")),
        "excludes_mail_domain" => subtree(1, mail("example.com")),
        "permits_directory" => subtree(0, directory("Example")),
        "permits_other_directory" => subtree(0, directory("Other")),
        "permits_host" => subtree(0, der::primitive(Tag::context(2), b"example.com")),
        "states_policy" | "states_policy_of_leaf" => policies(&[policy(1)]),
        "states_mapped_policy" => policies(&[policy(2)]),
        "states_any_policy" => policies(&[der::oid(&oid::ANY_POLICY)]),
        "maps_policy" => {
            if !has(oid::CERTIFICATE_POLICIES) {
                template.extensions.push(policies(&[policy(1)]));
            }
            extension(oid::POLICY_MAPPINGS, false, der::sequence(&[der::sequence(&[policy(1), policy(2)])]))
        }
        "requires_policy" => extension(oid::POLICY_CONSTRAINTS, true, vec![0x30, 3, 0x80, 1, 0]),
        "without_usages" => {
            (template.key_usage, template.extended_key_usage) = (None, Vec::new());
            return;
        }
        "for_anything" => return template.extended_key_usage = vec![oid::ANY_EXTENDED_KEY_USAGE],
        "enciphers_only" => return template.key_usage = Some(KeyUsage::KEY_ENCIPHERMENT),
        "other_domain" => return template.emails = vec!["alice@example.net".parse().unwrap()],
        "subdomain" => return template.emails = vec!["alice@mail.example.com".parse().unwrap()],
        "has_host" => {
            let names = [mail("alice@example.com"), der::primitive(Tag::context(2), b"www.example.net")];
            template.emails.clear();
            extension(oid::SUBJECT_ALT_NAME, false, der::sequence(&names))
        }
        other => panic!("{other}"),
    };
    if !template.extensions.iter().any(|one| one.oid == new.oid) {
        template.extensions.push(new);
    }
}

/// One hierarchy with its leaves.
struct Case {
    extra: Vec<Certificate>,
    anchors: Vec<Certificate>,
    leaves: Vec<(Certificate, BTreeSet<Feature>)>,
    inputs: (bool, Option<u32>),
}

fn certify(
    keys: &Keys,
    subject: &Name,
    key: usize,
    by: Option<(&Certificate, usize)>,
    change: impl FnOnce(&mut CertificateTemplate),
) -> Certificate {
    let validity = ("2026-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
    let spki = keys.0[key].public_key_spki();
    let issuer = by.map(|(issuer, _)| issuer);
    let mut template = CertificateTemplate::new(subject.clone(), issuer, &serial(), validity, &spki);
    change(&mut template);
    let signer = &keys.0[by.map_or(key, |(_, signer)| signer)];
    issue(&template, &SCHEME.identifier(), &|tbs| Ok(signer.sign(&SCHEME, tbs)?)).unwrap()
}

fn generate(dice: &mut Dice, keys: &Keys, number: usize) -> Case {
    let mut features = BTreeSet::new();
    let depth = dice.roll(4) as usize;
    let name = |what: &str| Name::build(&[(oid::ORGANIZATION, "Example"), (oid::COMMON_NAME, what)]);
    let root = certify(keys, &name(&format!("Root {number}")), 0, None, |t| *t = t.clone().for_authority(None));
    let structure = if dice.roll(4) == 0 { Some(dice.pick(&OF_STRUCTURES)) } else { None };
    features.extend(structure);
    let mut extra: Vec<Certificate> = Vec::new();
    let mut anchors = vec![root.clone()];
    let (mut above, mut above_key) = (root.clone(), 0);
    for level in 0..depth {
        let key = level + 1;
        let subject = name(&format!("Authority {level}"));
        let own: Vec<Feature> = dice.some(4, &OF_AUTHORITIES);
        let wrong = structure == Some("wrong_signature") && level == 0;
        let certificate = certify(keys, &subject, key, Some((&above, if wrong { 9 } else { above_key })), |t| {
            *t = t.clone().for_authority(None);
            own.iter().for_each(|feature| add(t, feature));
        });
        features.extend(own);
        if !(structure == Some("missing") && level == 0) {
            extra.push(certificate.clone());
        }
        if structure == Some("crowded") {
            // The same name with another key.
            extra.push(certify(keys, &subject, 8, Some((&above, above_key)), |t| *t = t.clone().for_authority(None)));
        }
        if structure == Some("rolled_over") && level == 0 {
            // A new key of the same authority, certified by the old one.
            let rolled = certify(keys, &subject, 7, Some((&certificate, key)), |t| *t = t.clone().for_authority(None));
            extra.push(rolled.clone());
            (above, above_key) = (rolled, 7);
            continue;
        }
        (above, above_key) = (certificate, key);
    }
    match structure {
        Some("cross_certified") => {
            let other = certify(keys, &name("Other Root"), 6, None, |t| *t = t.clone().for_authority(None));
            let first = root.subject().clone();
            extra.push(certify(keys, &first, 0, Some((&other, 6)), |t| *t = t.clone().for_authority(None)));
            anchors = vec![other];
        }
        Some("foreign_root") => {
            anchors = vec![certify(keys, &name("Foreign Root"), 6, None, |t| *t = t.clone().for_authority(None))];
        }
        Some("anchored_in_the_middle") if depth > 0 => anchors = vec![above.clone()],
        _ => {}
    }
    let inputs = if dice.roll(4) == 0 { (dice.roll(2) == 0, Some(1)) } else { (false, None) };
    let leaves = (0..LEAVES)
        .map(|n| {
            let own: Vec<Feature> = dice.some(3, &OF_LEAVES);
            let emails = ["alice@example.com".parse().unwrap()];
            let leaf = certify(keys, &name(&format!("Alice {n}")), 5, Some((&above, above_key)), |t| {
                *t = t.clone().for_mail(&emails, KeyUsage::DIGITAL_SIGNATURE);
                own.iter().for_each(|feature| add(t, feature));
            });
            let all: BTreeSet<Feature> = features.iter().copied().chain(own).collect();
            (leaf, all)
        })
        .collect();
    Case { extra, anchors, leaves, inputs }
}

fn ours(case: &Case, trust: &Trust, leaf: &Certificate) -> (bool, String) {
    let mut inputs = PathInputs::default();
    let (explicit, wanted) = case.inputs;
    if explicit {
        inputs.policies.explicit = Initially::Set;
    }
    inputs
        .policies
        .acceptable
        .extend(wanted.map(|n| -> const_oid::ObjectIdentifier { format!("1.3.6.1.4.1.99999.{n}").parse().unwrap() }));
    let limits = Limits::default();
    let outcome = chain::build(&ChainRequest {
        extra: &case.extra,
        purpose: Purpose::Sign,
        rule: &PurposeRule::LENIENT,
        inputs: &inputs,
        ..ChainRequest::new(leaf, trust, now(), &limits)
    });
    let reasons: Vec<&str> = outcome.reasons.iter().map(|reason| reason.code).collect();
    (outcome.verdict == ChainVerdict::Anchored, reasons.join(" "))
}

/// What openssl says of each leaf.
fn theirs(folder: &Path, case: &Case) -> Vec<(bool, String)> {
    let write = |name: &str, certificates: &[Certificate]| {
        let text: String = certificates.iter().map(|c| pem::write("CERTIFICATE", c.der())).collect();
        std::fs::write(folder.join(name), text).unwrap();
    };
    write("anchors.pem", &case.anchors);
    write("extra.pem", &case.extra);
    let names: Vec<String> = (0..LEAVES).map(|n| format!("leaf{n}.pem")).collect();
    for (name, (leaf, _)) in names.iter().zip(&case.leaves) {
        write(name, std::slice::from_ref(leaf));
    }
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["verify", "-CAfile", "anchors.pem", "-partial_chain", "-purpose", "smimesign"]);
    command.args(["-no-CApath", "-no-CAstore", "-attime", &now().unix().to_string()]);
    if !case.extra.is_empty() {
        command.args(["-untrusted", "extra.pem"]);
    }
    let (explicit, wanted) = case.inputs;
    // Without a flag openssl does not look at policies at all.
    command.arg("-policy_check");
    if explicit {
        command.arg("-explicit_policy");
    }
    if let Some(wanted) = wanted {
        command.args(["-policy", &format!("1.3.6.1.4.1.99999.{wanted}")]);
    }
    let output = command.args(&names).output().unwrap();
    let (good, bad) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // The reasons stand before the line that names the file.
    let mut answers: BTreeMap<&str, (bool, String)> = BTreeMap::new();
    let mut pending: Vec<&str> = Vec::new();
    for line in good.lines().chain(bad.lines()) {
        if let Some(name) = line.strip_suffix(": OK") {
            answers.insert(name, (true, String::new()));
        } else if let Some(name) = line.strip_prefix("error ").and_then(|l| l.strip_suffix(": verification failed")) {
            answers.insert(name, (false, pending.join("; ")));
            pending.clear();
        } else if line.contains("lookup:") {
            pending.push(line);
        }
    }
    names.iter().map(|name| answers.get(name.as_str()).unwrap_or_else(|| panic!("{good}{bad}")).clone()).collect()
}

/// A row of `known_disagreements.toml`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Disagreement {
    feature: String,
    openssl: bool,
    smime: bool,
    /// What the one that rejects says.
    because: String,
}

fn known() -> Vec<Disagreement> {
    let text = include_str!("known_disagreements.toml");
    let field = |block: &str, name: &str| -> String {
        let line = block
            .lines()
            .find(|line| line.starts_with(&format!("{name} = ")))
            .unwrap_or_else(|| panic!("{name}: {block}"));
        line.split('"').nth(1).unwrap().to_owned()
    };
    let rows = text.split("[[disagreement]]").skip(1).map(|block| {
        assert!(field(block, "reason").len() > 20);
        Disagreement {
            feature: field(block, "feature"),
            openssl: field(block, "openssl") == "valid",
            smime: field(block, "smime") == "valid",
            because: field(block, "because"),
        }
    });
    rows.collect()
}

#[test]
fn ten_thousand_generated_chains() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none(), "openssl is not there");
        eprintln!("skipped: openssl is not there");
        return;
    }
    let _ = common_name("");
    let keys = Keys((0..10).map(|_| PrivateKey::generate(KeyKind::P256, 0).unwrap()).collect());
    let mut dice = Dice(20_261_124);
    let known = known();
    let folder = tempfile::tempdir().unwrap();
    let (mut valid, mut total) = (0, 0);
    let (mut used, mut unexplained) = (BTreeSet::new(), BTreeMap::<String, (usize, String)>::new());
    for number in 0..HIERARCHIES {
        let case = generate(&mut dice, &keys, number);
        let trust = Trust::new(case.anchors.clone());
        for ((leaf, features), (theirs, why)) in case.leaves.iter().zip(theirs(folder.path(), &case)) {
            let (ours, codes) = ours(&case, &trust, leaf);
            total += 1;
            valid += usize::from(ours);
            if ours == theirs {
                continue;
            }
            let told = format!("{codes} / {why}");
            let row = known.iter().find(|row| {
                features.contains(row.feature.as_str())
                    && (row.openssl, row.smime) == (theirs, ours)
                    && told.contains(&row.because)
            });
            match row {
                Some(row) => {
                    used.insert(row.clone());
                }
                None => {
                    let what = format!("openssl {theirs}, ours {ours}: {features:?}");
                    let text = format!("{told} / {:?}", case.inputs);
                    unexplained.entry(what).or_insert((0, text)).0 += 1;
                }
            }
        }
    }
    eprintln!("chains: {total} judged, {valid} of them valid, {} rows of known disagreements used", used.len());
    for (what, (count, text)) in unexplained.iter().take(40) {
        eprintln!("{count} x {what}: {text}");
    }
    assert!(unexplained.is_empty(), "{} kinds of differences are unexplained", unexplained.len());
    let unused: Vec<_> = known.iter().filter(|row| !used.contains(row)).collect();
    assert!(unused.is_empty(), "nothing needs {unused:?}");
    assert!(valid > total / 5 && valid < total * 4 / 5, "{valid} of {total} tell little");
}
