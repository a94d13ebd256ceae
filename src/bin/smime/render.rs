//! From a report to words for people, and to JSON for programs (version 1; keys may be added, none goes).

use crate::explain;
use serde_json::{Value, json};
use smime::base::reason::Reason;
use smime::cert::mailbox::Mailboxes;
use smime::cms::signer_info::Integrity;
use smime::open::opener::Copied;
use smime::open::report::{
    Coverage, EncryptedLayer, Layer, LayerKind, Readability, Report, Signature, SignedLayer, WhenSigned,
};
use smime::open::requirement::Shortfall;
use smime::{Refused, Requirement};
use std::fmt::Write;

/// A report with the answer to what was required.
pub(crate) struct Answer {
    report: Report,
    requirement: Requirement,
    shortfall: Option<Shortfall>,
    reasons: Vec<Reason>,
    content: Option<Copied>,
}

impl Answer {
    pub(crate) fn met(report: Report, requirement: Requirement, content: Copied) -> Self {
        Self { report, requirement, shortfall: None, reasons: Vec::new(), content: Some(content) }
    }

    pub(crate) fn refused(refused: &Refused<'_>, requirement: Requirement, content: Option<Copied>) -> Self {
        let reasons = refused.reasons().to_vec();
        Self { report: refused.report().clone(), requirement, shortfall: Some(refused.shortfall()), reasons, content }
    }

    /// Why `open` gave nothing out, in a line.
    pub(crate) fn why_withheld(&self) -> String {
        let first = self.reasons.first().map(Reason::to_string).unwrap_or_default();
        match self.shortfall {
            Some(Shortfall::CannotDecrypt | Shortfall::Unreadable) => first,
            _ => format!("the content was withheld, because it is not {}: {first}", self.requirement),
        }
    }

    /// The answer first, then why, then what to try, then everything that was found.
    pub(crate) fn to_words(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        for reason in &self.reasons {
            let _ = writeln!(text, "  - {reason} [{}]", reason.code);
        }
        let mut tried: Vec<&str> = Vec::new();
        for hint in self.reasons.iter().filter_map(|reason| hint(reason.code)) {
            if !tried.contains(&hint) {
                let _ = writeln!(text, "  Try: {hint}");
                tried.push(hint);
            }
        }
        let _ = write!(text, "\n{}", self.report);
        text
    }

    /// The paths that were looked at for each signer.
    pub(crate) fn to_tree(&self) -> String {
        let mut text = String::new();
        for layer in &self.report.layers {
            let LayerKind::Signed(signed) = &layer.kind else { continue };
            for signature in &signed.signatures {
                let _ = writeln!(text, "\nPaths from {}:", signature.identifier);
                text.push_str(&explain::tree(&signature.candidates));
            }
        }
        text
    }

    fn headline(&self) -> String {
        let from: Vec<&str> = self.report.mailboxes.from.iter().map(|m| m.raw.as_str()).collect();
        let from = if from.is_empty() {
            "anybody in particular".to_owned()
        } else {
            smime::base::reason::visible(&from.join(", "))
        };
        match (self.shortfall, self.requirement) {
            (None, Requirement::SignedBySender) => format!("This message is from {from}, as it says."),
            (None, Requirement::Trusted) => {
                "This message is signed, and its signer is vouched for. Whether that is the sender was not asked."
                    .to_owned()
            }
            (None, Requirement::Signed) => {
                "This message is signed and unaltered. Who the signer is was not asked.".to_owned()
            }
            (None, Requirement::Unaltered) => {
                "No signature of this message is broken. Whether there is one, and whose, was not asked.".to_owned()
            }
            (None, Requirement::None) => "Nothing was required of this message.".to_owned(),
            (Some(Shortfall::NothingSigned), _) => {
                format!("Nobody signed this message, so anybody could have written that it is from {from}.")
            }
            (Some(Shortfall::Altered), _) => {
                "This message is not what was signed: it was altered on the way, or the signature is forged.".to_owned()
            }
            (Some(Shortfall::NotTrusted), _) => format!("There is no proof that this message is from {from}."),
            (Some(Shortfall::CannotDecrypt), _) => "This message is encrypted and could not be decrypted.".to_owned(),
            (Some(Shortfall::Unreadable), _) => {
                "This message is damaged, or made in a way that is not supported.".to_owned()
            }
        }
    }

    /// One JSON object, with a line end.
    pub(crate) fn to_json(&self) -> String {
        let value = json!({
            "version": 1,
            "layers": self.report.layers.iter().map(layer).collect::<Vec<_>>(),
            "requirement": self.requirement.to_string(),
            "met": self.shortfall.is_none(),
            "reasons": reasons(&self.reasons),
            "notes": reasons(&self.report.notes),
            "content_sha256": self.content.map(|content| hex(&content.sha256)),
            "content_bytes": self.content.map(|content| content.bytes),
        });
        format!("{value:#}\n")
    }
}

fn layer(layer: &Layer) -> Value {
    let mut value = match &layer.kind {
        LayerKind::Signed(signed) => signed_layer(signed),
        LayerKind::Encrypted(encrypted) => encrypted_layer(encrypted),
        LayerKind::Compressed { bytes } => json!({ "kind": "compressed", "bytes": bytes }),
        LayerKind::Digested { digest } => json!({ "kind": "digested", "digest": digest }),
        LayerKind::Certificates { certificates } => json!({
            "kind": "certificates",
            "certificates": certificates.iter().map(certificate).collect::<Vec<_>>(),
        }),
    };
    value["path"] = json!(layer.path);
    value["covers_whole_message"] = json!(layer.coverage == Coverage::WholeMessage);
    value["reasons"] = reasons(&layer.reasons);
    value
}

fn signed_layer(signed: &SignedLayer) -> Value {
    json!({
        "kind": "signed",
        "form": signed.form.to_string(),
        "readable": signed.state == Readability::Readable,
        "signatures": signed.signatures.iter().map(signature).collect::<Vec<_>>(),
    })
}

fn encrypted_layer(encrypted: &EncryptedLayer) -> Value {
    json!({
        "kind": "encrypted",
        "cipher": encrypted.cipher,
        "binding": encrypted.binding.to_string(),
        "recipients": encrypted.recipients,
        "opened_with": encrypted.opened_with,
    })
}

fn signature(signature: &Signature) -> Value {
    let integrity = match signature.integrity {
        Integrity::Intact => "intact",
        Integrity::Altered => "altered",
        Integrity::Unchecked => "unchecked",
    };
    let answers = signature
        .addresses
        .iter()
        .map(|a| json!({ "header": a.header, "value": a.value, "answer": a.answer.to_string() }));
    json!({
        "signer": signature.certificate.as_ref().map(certificate),
        "identifier": signature.identifier,
        "scheme": signature.scheme,
        "integrity": integrity,
        "trust": signature.trust.to_string(),
        "activesync_status": signature.status.map(|status| status.number()),
        "path": signature.path.iter().map(|c| c.subject().to_string()).collect::<Vec<_>>(),
        "revocation": signature.revocation.to_string(),
        "revocation_by_certificate": signature.statuses.iter().map(explain::status).collect::<Vec<_>>(),
        "wanted": signature.wanted.iter().map(explain::wanted).collect::<Vec<_>>(),
        "candidates": explain::candidates(&signature.candidates),
        "strength": signature.strength.to_string(),
        "address": signature.address.to_string(),
        "addresses": answers.collect::<Vec<_>>(),
        "signed_at": {
            "claimed": signature.signed_at.map(|at| at.to_string()),
            "evidenced": signature.evidenced.as_ref().map(|evidence| evidence.by.to_string()),
            "authority": signature.evidenced.as_ref().map(|evidence| evidence.authority.subject().to_string()),
        },
        "when_signed": when_signed(&signature.when_signed),
        "reasons": signature.findings().map(reason).collect::<Vec<_>>(),
    })
}

fn when_signed(answer: &WhenSigned) -> Value {
    match answer {
        WhenSigned::NoEvidence => json!({ "answer": "no-evidence" }),
        WhenSigned::Good => json!({ "answer": "good" }),
        WhenSigned::NotGood(against) => json!({ "answer": "not-good", "reasons": reasons(against) }),
    }
}

/// What tells one certificate from another.
pub(crate) fn certificate(certificate: &smime::Certificate) -> Value {
    let emails: Vec<String> = Mailboxes::of(certificate).all().iter().map(|m| m.address.to_string()).collect();
    json!({
        "subject": certificate.subject().to_string(),
        "emails": emails,
        "issuer": certificate.issuer().to_string(),
        "serial": certificate.serial_hex(),
        "sha256": hex(&certificate.sha256()),
        "not_before": certificate.not_before().to_string(),
        "not_after": certificate.not_after().to_string(),
    })
}

pub(crate) fn reasons(reasons: &[Reason]) -> Value {
    reasons.iter().map(reason).collect()
}

pub(crate) fn reason(reason: &Reason) -> Value {
    json!({ "code": reason.code, "text": reason.text })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What may help, by reason.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "no_anchors" | "issuer_not_found" | "untrusted_chain" => {
            "--trust FILE with the root certificate of an authority that you trust, and intermediates that are missing"
        }
        "signer_cert_missing" => "--trust FILE with the signer's certificate among the others",
        "revocation_missing" | "crl_expired" | "crl_scope" | "ocsp_expired" => {
            "--crls PATH with the newest lists of each authority in the chain; --json names where they are published"
        }
        "fetch_failed" => "again when the server answers, or --crls PATH with the list from elsewhere",
        "fetch_refused" => "--crls PATH with the list; --allow-host HOST where it is published on an inner network",
        "revoked" => "asking the sender, on another way, for a mail signed with a certificate that holds",
        "name_constraints" | "no_valid_policy" | "not_a_ca" | "path_length_exceeded" => {
            "--explain to see every path; only the authority that is named can put this right"
        }
        "certificate_expired" | "certificate_not_yet_valid" => "--at TIME to judge it as of another day",
        "message_digest_mismatch" | "signature_invalid" => {
            "asking the sender to send it again; mailing lists and scanners that rewrite mail break signatures"
        }
        "from_mismatch" => "asking the sender, on another way, whether the mail is genuine",
        "covers_part_only" => "--part PATH to look at the signed part alone",
        "not_encrypted_to_us" => {
            "--identity FILE with the key of one of these certificates; old keys still open old mail"
        }
        "content_missing" => "giving the message that the signature belongs to, not the signature file alone",
        _ => return None,
    })
}
