//! `smime inspect`: the structure, and nothing about whether it is valid.

use crate::args::Inspect;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input;
use crate::output::{self, Existing, Readers};
use crate::render::reasons;
use serde_json::{Value, json};
use smime::Limits;
use smime::open::outline::{Cms, Encrypted, Outline, Part, Signed, outline};

pub(crate) fn run(args: &Inspect, console: Console) -> Outcome {
    let received = input::received(args.file.as_deref(), None, console)?;
    let name = input::name(args.file.as_deref());
    console.notes(&name, &received.notes);
    let outline = outline(&received.source, &Limits::default()).map_err(|e| Failure::from(e).about(&name))?;
    let text = if args.json {
        format!("{:#}\n", json!({ "version": 1, "outline": structure(&outline) }))
    } else {
        outline.to_string()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(exit::DONE)
}

fn structure(outline: &Outline) -> Value {
    match outline {
        Outline::Mime(parts) => json!({ "mime": parts.iter().map(part).collect::<Vec<_>>() }),
        Outline::Cms(structure) => json!({ "cms": cms(structure) }),
    }
}

fn part(part: &Part) -> Value {
    let parameters: serde_json::Map<String, Value> =
        part.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "path": part.path,
        "media_type": part.media_type,
        "parameters": parameters,
        "encoding": part.encoding,
        "file_name": part.file_name,
        "start": part.start,
        "body": part.body,
        "end": part.end,
        "unclosed": part.unclosed,
        "oddities": reasons(&part.oddities),
        "cms": match &part.cms {
            None => Value::Null,
            Some(Ok(structure)) => cms(structure),
            Some(Err(reason)) => json!({ "unreadable": reason.text }),
        },
    })
}

fn cms(structure: &Cms) -> Value {
    match structure {
        Cms::Signed(signed) => signed_data(signed),
        Cms::Encrypted(encrypted) => enveloped_data(encrypted),
        Cms::Other { content_type } => json!({ "type": content_type }),
    }
}

fn signed_data(signed: &Signed) -> Value {
    let certificates = signed.certificates.iter().map(|c| {
        json!({ "subject": c.subject, "issuer": c.issuer, "serial": c.serial, "key": c.key,
                "not_before": c.not_before.to_string(), "not_after": c.not_after.to_string() })
    });
    let signers = signed.signers.iter().map(|s| {
        json!({ "version": s.version, "identifier": s.identifier, "digest": s.digest, "signature": s.signature,
                "signature_bytes": s.signature_bytes, "signed_attributes": s.signed_attributes,
                "unsigned_attributes": s.unsigned_attributes })
    });
    json!({
        "type": "signed-data",
        "version": signed.version,
        "digest_algorithms": signed.digest_algorithms,
        "content_type": signed.content_type,
        "content_bytes": signed.content_bytes,
        "certificates": certificates.collect::<Vec<_>>(),
        "crls": signed.crls,
        "signers": signers.collect::<Vec<_>>(),
        "notes": reasons(&signed.notes),
        "inside": match &signed.inside {
            None => Value::Null,
            Some(Ok(outline)) => structure(outline),
            Some(Err(reason)) => json!({ "unreadable": reason.text }),
        },
    })
}

fn enveloped_data(encrypted: &Encrypted) -> Value {
    let recipients = encrypted
        .recipients
        .iter()
        .map(|r| json!({ "kind": r.kind, "identifier": r.identifier, "algorithm": r.algorithm }));
    json!({
        "type": encrypted.kind,
        "version": encrypted.version,
        "content_type": encrypted.content_type,
        "cipher": encrypted.cipher,
        "ciphertext_bytes": encrypted.ciphertext_bytes,
        "tag_bytes": encrypted.tag_bytes,
        "recipients": recipients.collect::<Vec<_>>(),
    })
}
