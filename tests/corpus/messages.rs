//! Messages: each layer is what the manifest says, and so are content, signer and sender.

use crate::common::{self, hex, keyring, text, trust};
use crate::findings::Findings;
use serde_json::Value;
use smime::base::source::Memory;
use smime::cms::signer_info::Integrity;
use smime::open::report::{Closed, Coverage, Layer, LayerKind, Report, Trust as TrustAnswer};
use smime::store::keyring::SharedKey;
use smime::{Keyring, Opened, Opener, Policy, Requirement, Secret, Time, Trust};
use std::path::Path;

type Judgement = Result<(), String>;

/// What the manifest tells in words only: certificates that do not come along, passwords, keys, detached contents.
struct Beside {
    path: &'static str,
    certificate: Option<&'static str>,
    password: Option<&'static str>,
    key: Option<&'static str>,
    content: Option<&'static str>,
}

const BESIDE: [Beside; 10] = [
    Beside { certificate: Some("kde-mimetreeparser/converted-key/unittest.crt"), ..Beside::of("kde-mimetreeparser/") },
    Beside { password: Some("abc"), ..Beside::of("gnupg/samplemsgs/pwri-sample") },
    Beside { content: Some("rfc4134/ExContent.bin"), ..Beside::of("rfc4134/4.3.bin") },
    // RFC 4134 section 7.1.
    Beside { key: Some("737c791f25ead0e04629254352f7dc6291e5cb26917ada32"), ..Beside::of("rfc4134/7.") },
    Beside { content: Some("gnupg/text-1.txt"), ..Beside::of("gnupg/text-1.dsig.pem") },
    Beside { certificate: Some("rfc4134/AliceDSSSignByCarlNoInherit.cer"), ..Beside::of("rfc4134/4.") },
    Beside {
        certificate: Some("ietf-lamps-pq/dilithium-certificates/ML-DSA-44.crt"),
        ..Beside::of("ietf-lamps-pq/cms-ml-dsa/mldsa44")
    },
    Beside {
        certificate: Some("ietf-lamps-pq/dilithium-certificates/ML-DSA-65.crt"),
        ..Beside::of("ietf-lamps-pq/cms-ml-dsa/mldsa65")
    },
    Beside {
        certificate: Some("ietf-lamps-pq/dilithium-certificates/ML-DSA-87.crt"),
        ..Beside::of("ietf-lamps-pq/cms-ml-dsa/mldsa87")
    },
    Beside { certificate: Some("rfc4134/DianeDSSSignByCarlInherit.cer"), ..Beside::of("rfc4134/4.6") },
];

impl Beside {
    const fn of(path: &'static str) -> Self {
        Self { path, certificate: None, password: None, key: None, content: None }
    }
}

/// Everything that a message of the corpus is opened with.
struct Bench {
    raw: Vec<u8>,
    trust: Trust,
    ring: Keyring,
    content: Option<Vec<u8>>,
    /// Whether a signer's certificate was supplied that does not come along.
    supplied: bool,
}

impl Bench {
    fn new(corpus: &Path, entry: &Value) -> Self {
        let path = text(entry, "path");
        let (mut trust, mut ring) = (trust(corpus, entry), keyring(corpus, entry));
        let (mut content, mut supplied) = (None, false);
        for beside in BESIDE.iter().filter(|beside| path.starts_with(beside.path)) {
            if let Some(certificate) = beside.certificate {
                supplied = true;
                trust = trust.with_intermediates(common::certificates(&corpus.join(certificate)));
            }
            if let Some(password) = beside.password {
                ring.add_password(Secret::from(password));
            }
            if let Some(key) = beside.key {
                let bytes = (0..key.len()).step_by(2).map(|i| u8::from_str_radix(&key[i..i + 2], 16).unwrap());
                ring.add_shared_key(SharedKey { identifier: None, key: Secret::new(bytes.collect()) });
            }
            content = content.or_else(|| beside.content.map(|content| std::fs::read(corpus.join(content)).unwrap()));
        }
        Self { raw: std::fs::read(corpus.join(path)).unwrap(), trust, ring, content, supplied }
    }

    fn open(&self, part: Option<&str>) -> Result<(Report, Option<String>), String> {
        let policy = Policy::default();
        let now: Time = "2026-11-24T00:00:00Z".parse().unwrap();
        let mut opener = Opener::new(&self.trust, &policy).with_keys(&self.ring);
        if let Some(part) = part {
            opener = opener.part(part);
        }
        let opened = match &self.content {
            Some(content) => opener.open_detached(Memory::borrowed(&self.raw), Memory::borrowed(content), now),
            None => opener.open(&self.raw, now),
        };
        opened.map(report_and_digest).map_err(|e| format!("does not open: {e}"))
    }
}

fn report_and_digest(opened: Opened<'_>) -> (Report, Option<String>) {
    let report = opened.report().clone();
    let digest = opened.require(Requirement::None).ok().map(|t| hex(&t.copy_to(&mut std::io::sink()).unwrap().sha256));
    (report, digest)
}

pub fn judge(corpus: &Path, entry: &Value, findings: &mut Findings) -> Judgement {
    let bench = Bench::new(corpus, entry);
    let (report, content) = match bench.open(None) {
        Ok(opened) => opened,
        // What is no message at all need not open, but must say why.
        Err(why) if text(entry, "expect").starts_with("parse-fail") => {
            findings.refusal("unreadable", &why);
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    findings.report(&report);
    let mut layers = report.layers.clone();
    let mut contents = vec![content];
    // Encrypted parts beside other content are listed, and opened by name.
    let parts: Vec<String> = layers.iter().filter(|l| is_closed_part(l)).map(|l| l.path.clone()).collect();
    for part in &parts {
        let (of_part, content) = bench.open(Some(part))?;
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
    if let Some(judgement) = without_outcomes(entry, &report, &layers) {
        return judgement;
    }
    let outcomes = entry["outcomes"].as_array().cloned().unwrap_or_default();
    if layers.len() != outcomes.len() {
        return Err(format!("{} layers, expected {}: {report}", layers.len(), outcomes.len()));
    }
    for (layer, outcome) in layers.iter().zip(&outcomes) {
        check_layer(layer, outcome).map_err(|e| format!("{e}\n{report}"))?;
    }
    // A signature that covers one part only says nothing of the rest; what it covers is opened by name.
    if let Some(last) = layers.last().filter(|l| l.coverage == Coverage::Part && matches!(l.kind, LayerKind::Signed(_)))
    {
        let path = layers.iter().rev().map(|l| l.path.as_str()).find(|p| !p.is_empty()).unwrap_or(&last.path);
        contents = vec![bench.open(Some(path))?.1];
    }
    check_content(corpus, entry, &contents)?;
    check_signer(entry, &report)?;
    // The manifest compared From with the certificates in the message alone.
    if !bench.supplied {
        check_sender(entry, &report)?;
    }
    check_chain(entry, &report)
}

/// Entries whose outcome is their kind.
fn without_outcomes(entry: &Value, report: &Report, layers: &[Layer]) -> Option<Judgement> {
    let kinds = || layers.iter().map(|l| format!("{:?}", l.kind)).collect::<Vec<_>>();
    let check = |good: bool| if good { Ok(()) } else { Err(format!("{:?}, {:?}", kinds(), report.closed)) };
    let closed_as =
        |code: &str| matches!(&report.closed, Some(Closed::Unreadable(r) | Closed::CannotDecrypt(r)) if r.code == code);
    let intact = |layer: &Layer| matches!(&layer.kind, LayerKind::Signed(s) if s.signatures.iter().all(|s| s.integrity == Integrity::Intact) && !s.signatures.is_empty());
    Some(match text(entry, "kind") {
        // What is labelled as S/MIME and holds none passes for nothing.
        "no-cms" => check(layers.is_empty()),
        "not-cms" if text(entry, "expect").starts_with("parse-ok") => {
            check(layers.len() == 1 && layers.iter().all(intact))
        }
        "not-cms" => check(Requirement::Unaltered.judge(report, Default::default()).is_err()),
        "certs-only" if text(entry, "expect").starts_with("verify-ok") => check(layers.iter().all(intact)),
        "certs-only" => check(
            matches!(layers, [Layer { kind: LayerKind::Certificates { certificates }, .. }] if !certificates.is_empty()),
        ),
        "compressed" => check(matches!(layers, [Layer { kind: LayerKind::Compressed { bytes: Some(_) }, .. }])),
        "digested-data" => {
            check(matches!(layers, [Layer { kind: LayerKind::Digested { .. }, .. }]) && report.closed.is_none())
        }
        "encrypted-data" => check(
            matches!(layers, [Layer { kind: LayerKind::Encrypted(e), .. }] if e.opened_with.is_some())
                || closed_as("shared_key_needed"),
        ),
        "data" => {
            check(layers.is_empty() && report.closed.is_none() && report.notes.iter().any(|n| n.code == "plain_data"))
        }
        // PKCS#7's signedAndEnvelopedData, and a content type with a damaged identifier.
        "1.2.840.113549.1.7.4" | "1.2.840.113546.1.7.2" => check(layers.is_empty() && closed_as("unsupported")),
        "signed-no-signers" => check(Requirement::Signed.judge(report, Default::default()).is_err()),
        _ => return None,
    })
}

fn is_closed_part(layer: &Layer) -> bool {
    matches!(&layer.kind, LayerKind::Encrypted(e) if e.opened_with.is_none()) && layer.coverage == Coverage::Part
}

fn was_listed(layer: &Layer, before: &[Layer]) -> bool {
    matches!(layer.kind, LayerKind::Signed(_))
        && before.iter().any(|b| b.path == layer.path && matches!(b.kind, LayerKind::Signed(_)))
}

fn check_layer(layer: &Layer, outcome: &Value) -> Judgement {
    let (kind, result) = (text(outcome, "layer"), text(outcome, "result"));
    let wrong = |found: String| Err(format!("{kind}: expected {result}, found {found}"));
    let has = |codes: &[&str]| layer.reasons.iter().any(|r| codes.contains(&r.code));
    match (&layer.kind, result) {
        (LayerKind::Encrypted(e), "decrypt-ok") if e.opened_with.is_some() => Ok(()),
        (LayerKind::Encrypted(e), "decrypt-no-key") if e.opened_with.is_none() => {
            match has(&["not_encrypted_to_us", "password_needed", "shared_key_needed"]) {
                true => Ok(()),
                false => wrong(format!("closed for another reason: {:?}", layer.reasons)),
            }
        }
        (LayerKind::Encrypted(e), "decrypt-fail" | "parse-fail") if e.opened_with.is_none() => {
            match layer.reasons.is_empty() {
                false => Ok(()),
                true => wrong("closed without a reason".to_owned()),
            }
        }
        (LayerKind::Encrypted(e), "manual") if e.opened_with.is_none() => Ok(()),
        (LayerKind::Certificates { .. }, "manual") if text(outcome, "reason").starts_with("certs-only") => Ok(()),
        (LayerKind::Signed(signed), _) if kind.starts_with("signed") => {
            let every = |integrity| signed.signatures.iter().all(|s| s.integrity == integrity);
            let all = |integrity| !signed.signatures.is_empty() && every(integrity);
            let raw = signed.signatures.iter().any(|s| s.findings().any(|r| r.code == "signed_raw_line_ends"));
            let because =
                |codes: &[&str]| signed.signatures.iter().any(|s| s.reasons.iter().any(|r| codes.contains(&r.code)));
            let good = match result {
                "verify-ok" if text(outcome, "reason").contains("not published") => all(Integrity::Unchecked),
                // A detached file may be signed over its bytes as they are.
                "verify-ok" => all(Integrity::Intact) && (!raw || text(outcome, "reason").contains("detached")),
                "verify-ok-raw" => all(Integrity::Intact) && raw,
                "verify-fail" => {
                    all(Integrity::Altered)
                        || has(&["unsupported_content_type", "signature_unreadable"])
                        || (all(Integrity::Unchecked) && because(&["unsupported_algorithm"]))
                }
                // What is asked of these is that they are read and told, and pass for nothing that they are not.
                "parse-ok" => match text(outcome, "reason") {
                    reason if reason.contains("digest does not match") => all(Integrity::Altered),
                    reason if reason.contains("certificate not inside") => because(&["signer_cert_missing"]),
                    _ => all(Integrity::Unchecked),
                },
                "manual" => match text(outcome, "reason") {
                    reason if reason.contains("signer certificate not available") => because(&["signer_cert_missing"]),
                    reason if reason.contains("GOST") => because(&["unsupported_algorithm"]),
                    reason if reason.contains("parse only") => all(Integrity::Unchecked),
                    reason if reason.contains("keyUsage") => because(&["key_usage"]),
                    reason if reason.contains("signature ok; path fails") => all(Integrity::Intact),
                    // Early gpgsm left contentType out; RFC 5652 section 11.1 does not, and neither does openssl.
                    reason if reason.contains("attribute error") => because(&["content_type_attr"]),
                    _ => false,
                },
                _ => false,
            };
            let answers = || signed.signatures.iter().map(|s| (s.integrity, &s.reasons)).collect::<Vec<_>>();
            if good { Ok(()) } else { wrong(format!("{:?} {:?}", answers(), layer.reasons)) }
        }
        _ => wrong(format!("{:?}", layer.kind)),
    }
}

/// The innermost content, where the manifest knows its digest or its text.
fn check_content(corpus: &Path, entry: &Value, contents: &[Option<String>]) -> Judgement {
    let Some(content) = contents.last().cloned().flatten() else { return Ok(()) };
    if contents.len() > 1 {
        return Ok(());
    }
    let plain = match &entry["plaintext"] {
        Value::Null => None,
        plaintext => Some(match plaintext["file"].as_str() {
            Some(file) => std::fs::read(corpus.join(file)).unwrap(),
            None => plaintext["text"].as_str().unwrap().as_bytes().to_vec(),
        }),
    };
    // The manifest's plaintexts have LF where the message has CRLF.
    let variants = plain.map(|plain| {
        let crlf = smime::mime::canonical::canonical(&plain).into_owned();
        [plain, crlf].map(|bytes| sha256(&bytes))
    });
    let Some(last) = entry["layers"].as_array().and_then(|l| l.last()) else { return Ok(()) };
    let mut known: Vec<&str> = ["content_sha256", "plaintext_sha256", "signed_part_sha256_canonical"]
        .iter()
        .filter_map(|f| last[f].as_str())
        .collect();
    known.extend(variants.iter().flatten().map(String::as_str));
    let raw = entry["outcomes"].as_array().is_some_and(|o| o.iter().any(|o| text(o, "result") == "verify-ok-raw"));
    if known.is_empty() || raw || known.contains(&content.as_str()) {
        return Ok(());
    }
    Err(format!("content {content}, expected one of {known:?}"))
}

fn sha256(bytes: &[u8]) -> String {
    hex(&smime::crypto::digest::hash(smime::crypto::algorithm::DigestAlgorithm::Sha256, bytes))
}

/// The signer's addresses as the manifest has them, where the signature is intact.
fn check_signer(entry: &Value, report: &Report) -> Judgement {
    let Some(expected) = entry["signer_emails"].as_array() else { return Ok(()) };
    let signers = report.layers.iter().filter_map(|layer| match &layer.kind {
        LayerKind::Signed(signed) => Some(&signed.signatures),
        _ => None,
    });
    let certificates: Vec<_> = signers.flatten().filter_map(|s| s.certificate.as_ref()).collect();
    if certificates.is_empty() || report.layers.iter().any(is_closed_part) {
        return Ok(());
    }
    let found: Vec<String> = certificates
        .iter()
        .flat_map(|c| {
            smime::cert::mailbox::Mailboxes::of(c).all().iter().map(|m| m.address.to_string()).collect::<Vec<_>>()
        })
        .map(|address| address.to_ascii_lowercase())
        .collect();
    let missing = expected.iter().filter_map(Value::as_str).find(|e| !found.contains(&e.to_ascii_lowercase()));
    missing.map_or(Ok(()), |missing| Err(format!("the signer is {missing}, and these are found: {found:?}")))
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

/// An Outlook item. Its signature and its plaintext are those of the mail beside it.
#[cfg(not(feature = "msg"))]
pub fn msg(_: &Path, entry: &Value, _: &mut Findings) -> Option<Judgement> {
    println!("corpus: {} is not read, since this build is without the feature msg", text(entry, "path"));
    None
}

#[cfg(feature = "msg")]
pub fn msg(corpus: &Path, entry: &Value, findings: &mut Findings) -> Option<Judgement> {
    Some(judge_msg(corpus, entry, findings))
}

#[cfg(feature = "msg")]
fn judge_msg(corpus: &Path, entry: &Value, findings: &mut Findings) -> Judgement {
    let path = text(entry, "path");
    let entries = common::entries(corpus);
    let eml = path.replace(".msg", ".eml");
    // Keys and anchors stand with the mail that the item was saved from.
    let beside = entries.iter().find(|other| text(other, "path") == eml).or_else(|| {
        let received = eml.replace("sent-from-smime1", "received-at-smime2");
        entries.iter().find(|other| text(other, "path") == received)
    });
    let bench = Bench::new(corpus, beside.ok_or_else(|| format!("there is no {eml}"))?);
    let file = std::fs::File::open(corpus.join(path)).unwrap();
    let mail = smime::open::msg::read(file, &smime::Limits::default()).map_err(|error| error.to_string())?;
    if mail.class != text(entry, "message_class") {
        return Err(format!("its class is {}", mail.class));
    }
    let policy = Policy::default();
    let opener = Opener::new(&bench.trust, &policy).with_keys(&bench.ring).with_notes(&mail.notes);
    let opened = opener.open_source(mail.source, "2026-11-24T00:00:00Z".parse().unwrap()).map_err(|e| e.to_string())?;
    let (report, content) = report_and_digest(opened);
    findings.report(&report);
    let intact = |layer: &Layer| matches!(&layer.kind, LayerKind::Signed(s) if !s.signatures.is_empty() && s.signatures.iter().all(|s| s.integrity == Integrity::Intact));
    let opens = |layer: &Layer| matches!(&layer.kind, LayerKind::Encrypted(e) if e.opened_with.is_some());
    let good = match text(entry, "expect") {
        "verify-ok" => report.layers.len() == 1 && report.layers.iter().all(intact),
        "decrypt-ok" => {
            let signed = path.contains("signed and encrypted");
            report.layers.first().is_some_and(opens)
                && report.layers.len() == 1 + usize::from(signed)
                && report.layers.iter().skip(1).all(intact)
        }
        _ => report.layers.is_empty(),
    };
    if !good {
        return Err(format!("{report}"));
    }
    // The plaintext of the outermost layer is the content where nothing is signed inside.
    match entry["plaintext_sha256"].as_str() {
        Some(expected) if report.layers.len() == 1 && content.as_deref() != Some(expected) => {
            Err(format!("the plaintext is {content:?}"))
        }
        _ => beside.map_or(Ok(()), |mail| check_sender(mail, &report)),
    }
}
