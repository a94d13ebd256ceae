//! What `inspect --json` says of a message in a few keys, beside the whole tree.

use crate::render::reasons;
use serde_json::{Map, Value, json};
use smime::Reason;
use smime::open::outline::node::{Class, Node};

/// `{ "mime": [ .. ] }` or `{ "cms": { .. } }`.
pub(super) fn outline(root: &Node) -> Map<String, Value> {
    let mut object = Map::new();
    match root.name.as_ref() {
        "contentInfo" => object.insert("cms".to_owned(), cms(root)),
        "text" => {
            object.insert("wrapped".to_owned(), json!(root.text()));
            let inner = root.children.first().map_or(Value::Null, cms);
            object.insert("cms".to_owned(), inner)
        }
        _ => {
            // The parts of this message; those of messages inside its CMS structures stand there.
            let mut parts = Vec::new();
            let mut waiting = vec![root];
            while let Some(node) = waiting.pop() {
                parts.push(part(node));
                waiting.extend(node.children.iter().rev().filter(|child| child.name.starts_with("part ")));
            }
            object.insert("mime".to_owned(), json!(parts))
        }
    };
    object
}

fn part(node: &Node) -> Value {
    let field = |name: &str| node.child(name);
    let parameters: Map<String, Value> = field("Content-Type")
        .map(|field| field.children.iter().map(|p| (p.name.to_string(), json!(p.text()))).collect())
        .unwrap_or_default();
    let file_name = field("Content-Disposition").and_then(|field| field.child("filename")).map(Node::text);
    let body = node.child("body");
    let end = |node: &Node| node.at.map(|at| at.offset.saturating_add(at.length));
    let oddities: Vec<Reason> = node.notes.iter().filter(|note| note.code != "unclosed").cloned().collect();
    json!({
        "path": node.name.strip_prefix("part ").unwrap_or(""),
        "media_type": node.text(),
        "parameters": parameters,
        "encoding": node.child("transfer encoding").map(Node::text),
        "file_name": file_name,
        "start": node.at.map(|at| at.offset),
        "body": body.and_then(|body| body.at).map(|at| at.offset),
        "end": end(node),
        "unclosed": node.notes.iter().any(|note| note.code == "unclosed"),
        "oddities": reasons(&oddities),
        "line_ends": node.child("line ends").map(Node::text),
        "cms": match body {
            Some(body) if !body.children.is_empty() => body.children.first().map_or(Value::Null, cms),
            Some(body) => unreadable(body, "cms_unreadable"),
            None => Value::Null,
        },
    })
}

fn unreadable(node: &Node, code: &str) -> Value {
    match node.notes.iter().find(|note| note.code == code) {
        Some(note) => json!({ "unreadable": note.text }),
        None => Value::Null,
    }
}

/// The structure in a few keys. A broken one has `unreadable`, and the keys of what could be read.
fn cms(info: &Node) -> Value {
    let structure = info.child("content").and_then(|content| content.children.first());
    let mut object = Map::new();
    if let Some(note) = info.notes.iter().find(|note| matches!(note.code, "broken" | "limit_exceeded")) {
        object.insert("unreadable".to_owned(), json!(note.text));
    }
    object.insert("type".to_owned(), json!(info.text()));
    let Some(structure) = structure else { return Value::Object(object) };
    match structure.name.as_ref() {
        "signedData" => signed_data(info, structure, &mut object),
        "envelopedData" | "authEnvelopedData" => enveloped_data(structure, &mut object),
        _ => {}
    }
    Value::Object(object)
}

fn texts(node: Option<&Node>) -> Vec<&str> {
    node.map(|node| node.children.iter().map(Node::text).collect()).unwrap_or_default()
}

fn number(text: &str) -> Value {
    let digits = text.split(' ').next().unwrap_or_default();
    digits.parse::<u64>().map_or(Value::Null, |n| json!(n))
}

fn signed_data(info: &Node, data: &Node, object: &mut Map<String, Value>) {
    let inner = data.child("encapContentInfo");
    let content = inner.and_then(|inner| inner.child("eContent [0]")).and_then(|explicit| explicit.child("eContent"));
    let all = |name: &str| data.child(name).map(|set| set.children.as_slice()).unwrap_or_default();
    let certificates = all("certificates").iter().filter(|node| node.name == "certificate").map(certificate);
    let signers = all("signerInfos").iter().filter(|node| node.name == "signerInfo").map(signer);
    let notes: Vec<Reason> = data.walk().flat_map(|node| node.notes.iter().cloned()).take(100).collect();
    let keys = json!({
        "version": data.child("version").map(|v| number(v.text())),
        "digest_algorithms": texts(data.child("digestAlgorithms")),
        "content_type": inner.and_then(|inner| inner.child("eContentType")).map(Node::text),
        "content_bytes": content.map(|content| number(content.text())),
        "certificates": certificates.collect::<Vec<_>>(),
        "crls": all("crls").len(),
        "signers": signers.collect::<Vec<_>>(),
        "notes": reasons(&notes),
        "inside": match info.child("inside") {
            None => Value::Null,
            Some(inside) => match inside.children.first() {
                Some(root) => Value::Object(outline(root)),
                None => inside.notes.first().map_or(Value::Null, |note| json!({ "unreadable": note.text })),
            },
        },
    });
    extend(object, keys);
}

fn extend(object: &mut Map<String, Value>, keys: Value) {
    if let Value::Object(keys) = keys {
        object.extend(keys);
    }
}

fn certificate(node: &Node) -> Value {
    let tbs = node.child("tbsCertificate");
    let text = |name: &str| tbs.and_then(|tbs| tbs.child(name)).map(Node::text);
    let date = |name: &str| tbs.and_then(|tbs| tbs.child("validity")?.child(name)).map(Node::text);
    json!({
        "subject": text("subject"),
        "issuer": text("issuer"),
        "serial": text("serialNumber"),
        "key": text("subjectPublicKeyInfo"),
        "not_before": date("notBefore"),
        "not_after": date("notAfter"),
        "sha256": node.child("sha256").map(Node::text),
        "emails": node.walk().filter(|n| n.name == "rfc822Name").map(Node::text).collect::<Vec<_>>(),
    })
}

fn signer(node: &Node) -> Value {
    let text = |name: &str| node.child(name).map(Node::text);
    let names = |name: &str| -> Option<Vec<&str>> {
        Some(node.child(name)?.children.iter().map(|attribute| attribute.name.as_ref()).collect())
    };
    json!({
        "version": text("version").map(number),
        "identifier": text("sid"),
        "digest": text("digestAlgorithm"),
        "signature": text("signatureAlgorithm"),
        "signature_bytes": text("signature").map(number),
        "signed_attributes": names("signedAttrs"),
        "unsigned_attributes": names("unsignedAttrs").unwrap_or_default(),
    })
}

fn enveloped_data(data: &Node, object: &mut Map<String, Value>) {
    let inner = data.child("encryptedContentInfo");
    let of_content = |name: &str| inner.and_then(|inner| inner.child(name)).map(Node::text);
    let mut recipients = Vec::new();
    let set = data.child("recipientInfos");
    for info in set.map(|set| set.children.as_slice()).unwrap_or_default() {
        let algorithm = info.child("keyEncryptionAlgorithm").map(Node::text);
        let mut push = |identifier: Option<&str>| {
            recipients.push(json!({ "kind": info.text(), "identifier": identifier, "algorithm": algorithm }));
        };
        match info.child("recipientEncryptedKeys") {
            Some(keys) => keys.children.iter().for_each(|key| push(key.child("rid").map(Node::text))),
            None => push(info.child("rid").or_else(|| info.child("kekid")?.child("keyIdentifier")).map(Node::text)),
        }
    }
    let keys = json!({
        "version": data.child("version").map(|v| number(v.text())),
        "content_type": of_content("contentType"),
        "cipher": of_content("contentEncryptionAlgorithm"),
        "ciphertext_bytes": of_content("encryptedContent").map(number),
        "tag_bytes": data.child("mac").filter(|mac| mac.value.as_ref().is_some_and(|v| v.class == Class::Structure))
            .map(|mac| number(mac.text())),
        "recipients": recipients,
        "recipients_not_shown": set.map(|set| set.more),
    });
    extend(object, keys);
}
