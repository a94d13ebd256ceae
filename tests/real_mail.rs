//! Real mail by Outlook, Thunderbird and others: every message of five collections opens, verifies, decrypts or is refused
//! exactly as the collection's manifest says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{corpus, entries, hex, keyring, text, trust};
use serde_json::Value;
use smime::cms::signer_info::Integrity;
use smime::open::report::{Closed, Coverage, Layer, LayerKind, Report, Trust as TrustAnswer};
use smime::{Keyring, Opener, Policy, Requirement, Time, Trust};
use std::path::Path;

const SOURCES: [&str; 5] = ["hiraoka-smime-samples", "rt", "nextcloud-mail", "apache-james", "thunderbird"];

/// Kinds that are judged elsewhere: key files, and .msg files, which are not read.
const ELSEWHERE: [&str; 2] = ["p12", "msg-cfb"];

#[test]
fn real_mail_is_what_its_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let entries = entries(&corpus);
    let mut failures = Vec::new();
    for source in SOURCES {
        let of_source = entries.iter().filter(|e| text(e, "path").starts_with(&format!("{source}/")));
        let mails: Vec<&Value> = of_source.filter(|e| !ELSEWHERE.contains(&text(e, "kind"))).collect();
        let mut passed = 0;
        for entry in &mails {
            match judge(&corpus, entry) {
                Ok(()) => passed += 1,
                Err(why) => failures.push(format!("{}: {why}", text(entry, "path"))),
            }
        }
        println!("corpus {source}: {passed}/{}", mails.len());
        assert!(!mails.is_empty(), "{source} has no mail");
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

fn judge(corpus: &Path, entry: &Value) -> Result<(), String> {
    let raw = std::fs::read(corpus.join(text(entry, "path"))).map_err(|e| e.to_string())?;
    let (trust, ring) = (trust(corpus, entry), keyring(corpus, entry));
    let outcomes = entry["outcomes"].as_array().cloned().unwrap_or_default();
    let (report, content) = open(&raw, &trust, &ring, None)?;
    let mut layers = report.layers.clone();
    let mut contents = vec![content];
    // Encrypted parts beside other content are listed, and opened by name.
    let parts: Vec<String> = layers.iter().filter(|l| is_closed_part(l)).map(|l| l.path.clone()).collect();
    for part in &parts {
        let (of_part, content) = open(&raw, &trust, &ring, Some(part))?;
        let opened = of_part
            .layers
            .into_iter()
            .filter(|l| l.coverage == Coverage::Part && !is_closed_part(l) && !was_listed(l, &layers));
        let opened: Vec<Layer> = opened.collect();
        let at = layers.iter().position(|l| is_closed_part(l) && l.path == *part).ok_or("a part was lost")?;
        if opened.is_empty() {
            // Still closed: why is in the layer.
            layers[at].reasons.retain(|r| r.code != "encrypted_part_not_root");
            if let Some(Closed::CannotDecrypt(reason)) = &of_part.closed {
                layers[at].reasons.push(reason.clone());
            }
        } else {
            layers.splice(at..=at, opened);
        }
        contents.push(content);
    }
    if matches!(text(entry, "kind"), "no-cms") {
        return if layers.is_empty() { Ok(()) } else { Err(format!("layers in a plain mail: {layers:?}")) };
    }
    if text(entry, "kind") == "not-cms" {
        // Labelled as signed, and the signature cannot be read: nothing passes for intact.
        return match Requirement::Unaltered.judge(&report, Default::default()) {
            Err(_) => Ok(()),
            Ok(()) => Err("an unreadable signature passed".to_owned()),
        };
    }
    if layers.len() != outcomes.len() {
        return Err(format!("{} layers, expected {}: {report}", layers.len(), outcomes.len()));
    }
    for (layer, outcome) in layers.iter().zip(&outcomes) {
        check_layer(layer, text(outcome, "layer"), text(outcome, "result")).map_err(|e| format!("{e}\n{report}"))?;
    }
    // A signature that covers one part only says nothing of the rest; what it covers is opened by name.
    if let Some(last) = layers.last().filter(|l| l.coverage == Coverage::Part && matches!(l.kind, LayerKind::Signed(_)))
    {
        let path = layers.iter().rev().map(|l| l.path.as_str()).find(|p| !p.is_empty()).unwrap_or(&last.path);
        contents = vec![open(&raw, &trust, &ring, Some(path))?.1];
    }
    check_content(entry, &contents)?;
    check_sender(entry, &report)?;
    check_chain(entry, &report)
}

fn open(raw: &[u8], trust: &Trust, ring: &Keyring, part: Option<&str>) -> Result<(Report, Option<String>), String> {
    let policy = Policy::default();
    let now: Time = "2026-11-24T00:00:00Z".parse().unwrap();
    let mut opener = Opener::new(trust, &policy).with_keys(ring);
    if let Some(part) = part {
        opener = opener.part(part);
    }
    let opened = opener.open(raw, now).map_err(|e| format!("does not open: {e}"))?;
    let report = opened.report().clone();
    let digest = opened.require(Requirement::None).ok().map(|t| hex(&t.copy_to(&mut std::io::sink()).unwrap().sha256));
    Ok((report, digest))
}

fn is_closed_part(layer: &Layer) -> bool {
    matches!(&layer.kind, LayerKind::Encrypted(e) if e.opened_with.is_none()) && layer.coverage == Coverage::Part
}

fn was_listed(layer: &Layer, before: &[Layer]) -> bool {
    matches!(layer.kind, LayerKind::Signed(_))
        && before.iter().any(|b| b.path == layer.path && matches!(b.kind, LayerKind::Signed(_)))
}

fn check_layer(layer: &Layer, kind: &str, result: &str) -> Result<(), String> {
    let wrong = |found: &str| Err(format!("{kind}: expected {result}, found {found}"));
    match (&layer.kind, kind, result) {
        (LayerKind::Encrypted(e), "enveloped", "decrypt-ok") if e.opened_with.is_some() => Ok(()),
        (LayerKind::Encrypted(e), "enveloped", "decrypt-no-key") if e.opened_with.is_none() => {
            match layer.reasons.iter().any(|r| r.code == "not_encrypted_to_us") {
                true => Ok(()),
                false => wrong(&format!("closed for another reason: {:?}", layer.reasons)),
            }
        }
        (LayerKind::Signed(signed), _, _) if kind.starts_with("signed") => {
            let all =
                |integrity| !signed.signatures.is_empty() && signed.signatures.iter().all(|s| s.integrity == integrity);
            let raw = signed.signatures.iter().any(|s| s.findings().any(|r| r.code == "signed_raw_line_ends"));
            match result {
                "verify-ok" if all(Integrity::Intact) && !raw => Ok(()),
                "verify-ok-raw" if all(Integrity::Intact) && raw => Ok(()),
                "verify-fail" if all(Integrity::Altered) => Ok(()),
                _ => wrong(&format!(
                    "{:?}",
                    signed.signatures.iter().map(|s| (s.integrity, &s.reasons)).collect::<Vec<_>>()
                )),
            }
        }
        _ => wrong(&format!("{:?}", layer.kind)),
    }
}

/// The digest of the innermost layer's content, where the manifest knows it.
fn check_content(entry: &Value, contents: &[Option<String>]) -> Result<(), String> {
    let Some(last) = entry["layers"].as_array().and_then(|l| l.last()) else { return Ok(()) };
    let known: Vec<&str> = ["content_sha256", "plaintext_sha256", "signed_part_sha256_canonical"]
        .iter()
        .filter_map(|f| last[f].as_str())
        .collect();
    let Some(content) = contents.last().cloned().flatten() else { return Ok(()) };
    let multiple = contents.len() > 1;
    let raw = entry["outcomes"].as_array().is_some_and(|o| o.iter().any(|o| text(o, "result") == "verify-ok-raw"));
    if known.is_empty() || multiple || raw || known.contains(&content.as_str()) {
        return Ok(());
    }
    Err(format!("content {content}, expected one of {known:?}"))
}

fn check_sender(entry: &Value, report: &Report) -> Result<(), String> {
    let Some(expected) = entry["from_matches_signer"].as_bool() else { return Ok(()) };
    let signatures: Vec<_> = report.covering_signatures().flat_map(|l| &l.signatures).collect();
    let Some(_) = signatures.first() else { return Ok(()) };
    let found = signatures.iter().any(|s| s.address == smime::open::report::Address::Matches);
    if found == expected {
        Ok(())
    } else {
        Err(format!("From in a signer's certificate: {found}, expected {expected}\n{report}"))
    }
}

/// Where openssl finds the chain good today, so must we.
fn check_chain(entry: &Value, report: &Report) -> Result<(), String> {
    if !text(entry, "chain_openssl").starts_with("ok") || entry.get("chain_time").is_some_and(|t| !t.is_null()) {
        return Ok(());
    }
    let bad = report.covering_signatures().flat_map(|l| &l.signatures).find(|s| s.trust != TrustAnswer::Anchored);
    bad.map_or(Ok(()), |s| Err(format!("openssl trusts it, we do not: {:?}", s.reasons)))
}
