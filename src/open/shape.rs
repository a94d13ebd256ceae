//! What an entity is for S/MIME: a multipart/signed, a CMS structure, or neither. It is recognised by what it holds, not by
//! what its label says (SEC-41), and where label and content differ, that is told (OUT-60).

use super::decrypt::Setting;
use super::derived::{Decoded, settle};
use super::peel::Stop;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::cms::Error as CmsError;
use crate::cms::content::{ContentType, content_type_of};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::mime::entity::{Closing, Entity, MarginText};
use crate::mime::transfer::TransferEncoding;
use const_oid::ObjectIdentifier;
use std::sync::Arc;

/// What an entity is.
pub(super) enum Shape<'a> {
    /// multipart/signed for S/MIME: content, and the signature part decoded.
    Clear { content: SharedSource<'a>, signature: Result<SharedSource<'a>, Reason>, deviations: Vec<Reason> },
    /// A CMS structure: by content, or by its label alone where it cannot be read.
    Cms {
        message: SharedSource<'a>,
        content_type: Result<ContentType, CmsError>,
        setting: Setting,
        deviations: Vec<Reason>,
    },
    /// Neither.
    Other,
}

/// Says what an entity of `source` is.
pub(super) fn shape<'a>(source: &SharedSource<'a>, entity: &Entity, limits: &Limits) -> Result<Shape<'a>, Stop> {
    let Ok(content_type) = &entity.content_type else { return Ok(Shape::Other) };
    if content_type.is("multipart/signed") {
        return Ok(signed_shape(source, entity, limits));
    }
    let labelled = is_cms_type(entity.media_type());
    // OUT-60f: any type that a file name contradicts; then only where the content agrees.
    let perhaps = !content_type.is_multipart() && !content_type.is_message() && is_cms_name(entity);
    if !labelled && !perhaps {
        return Ok(Shape::Other);
    }
    let message = match decoded_body(source, entity, limits) {
        Ok(message) => message,
        Err(reason) if labelled => {
            let error = CmsError::Unsupported(reason.text);
            let (message, content_type) = (entity.content(source), Err(error));
            return Ok(Shape::Cms { message, content_type, setting: Setting::Mime, deviations: Vec::new() });
        }
        Err(_) => return Ok(Shape::Other),
    };
    match content_type_of(&*message) {
        Err(CmsError::Io(error)) if !labelled || is_input_error(&error) => {
            Err(Stop::Io(std::io::Error::new(error.kind(), error.to_string())))
        }
        Err(_) if !labelled => Ok(Shape::Other),
        content_type => {
            let deviations = cms_deviations(entity, content_type.as_ref().ok());
            Ok(Shape::Cms { message, content_type, setting: Setting::Mime, deviations })
        }
    }
}

/// A multipart/signed is ours where its protocol or its second part says so; another (OpenPGP) is a multipart like any
/// other.
fn signed_shape<'a>(source: &SharedSource<'a>, entity: &Entity, limits: &Limits) -> Shape<'a> {
    let protocol = entity.content_type.as_ref().ok().and_then(|t| t.parameter("protocol")).map(str::to_ascii_lowercase);
    let second = entity.children.get(1);
    let unlabelled = protocol.as_deref().unwrap_or_default().is_empty();
    let ours = protocol.as_deref().is_some_and(is_signature_type)
        || (unlabelled && second.is_some_and(|part| is_signature_type(part.media_type()) || is_cms_name(part)));
    if !ours {
        return Shape::Other;
    }
    let first = || entity.children.first().map_or_else(|| entity.content(source), |first| first.whole(source));
    let refused = |code, text: String| Shape::Clear {
        content: first(),
        signature: Err(Reason::new(code, text)),
        deviations: Vec::new(),
    };
    if let Some(Err(error)) = second.map(|part| &part.content_type) {
        // SEC-21: a signature part whose own type is ambiguous is none.
        return refused("signature_part_ambiguous", format!("the type of the signature part cannot be told: {error}"));
    }
    let two = entity.children.len() == 2;
    let fits = |part: &Entity| is_signature_type(part.media_type()) || part.media_type() == "application/octet-stream";
    if let Some(second) = second.filter(|part| two && !fits(part)) {
        // SEC-18
        let text = format!(
            "the multipart/signed announces an S/MIME signature, and its second part is {}",
            second.media_type()
        );
        return refused("protocol_mismatch", text);
    }
    let [content, signature] = entity.children.as_slice() else {
        // SEC-17
        let text = format!("a multipart/signed has two parts, and this one has {}", entity.children.len());
        return refused("multipart_signed_arity", text);
    };
    let decoded = decoded_body(source, signature, limits).and_then(|decoded| {
        let size = decoded.length().or_else(|| signature.end.checked_sub(signature.body));
        let limit = limits.structure_bytes as u64;
        match size {
            Some(size) if size > limit => {
                Err(Reason::new("limit_exceeded", format!("a signature of {size} bytes; at most {limit} are read")))
            }
            Some(0) => Err(Reason::new("signature_unreadable", "the signature part is empty")),
            _ => Ok(decoded),
        }
    });
    let deviations = clear_deviations(entity, signature, protocol.as_deref());
    Shape::Clear { content: content.whole(source), signature: decoded, deviations }
}

fn decoded_body<'a>(source: &SharedSource<'a>, entity: &Entity, limits: &Limits) -> Result<SharedSource<'a>, Reason> {
    let body = entity.content(source);
    let encoding = match &entity.encoding {
        Ok(encoding) => *encoding,
        Err(error) => return Err(Reason::new("transfer_encoding", error.to_string())),
    };
    match encoding {
        TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => Ok(body),
        TransferEncoding::Base64 | TransferEncoding::QuotedPrintable => {
            let size = entity.end.checked_sub(entity.body);
            let decoded: SharedSource<'a> = Arc::new(Decoded { body: Arc::clone(&body), encoding });
            settle(decoded, size, &body, limits)
                .map_err(|e| Reason::new("transfer_encoding", crate::mime::Error::from_io(e).to_string()))
        }
    }
}

/// How the labels of a CMS part differ from RFC 8551 section 3.2.
fn cms_deviations(entity: &Entity, found: Option<&ContentType>) -> Vec<Reason> {
    let mut deviations = entity_deviations(entity);
    let media_type = entity.media_type();
    if let Some(reason) = legacy_media_type(media_type) {
        deviations.push(reason);
    } else if !is_cms_type(media_type) {
        let text = format!("the part is labelled {media_type}, and holds a CMS structure");
        deviations.push(Reason::new("media_type_by_content", text));
    }
    let label = entity.content_type.as_ref().ok().and_then(|t| t.parameter("smime-type"));
    match (label, found) {
        (Some(label), Some(found)) => deviations.extend(label_mismatch(label, found)),
        (None, Some(found)) if !is_signature_type_only(media_type) => {
            let text = format!("the part does not say by smime-type what it is; it holds {found}");
            deviations.push(Reason::new("smime_type_missing", text));
        }
        _ => {}
    }
    deviations
}

/// How the labels of a multipart/signed differ from RFC 8551 section 3.5.3.
fn clear_deviations(entity: &Entity, signature: &Entity, protocol: Option<&str>) -> Vec<Reason> {
    let mut deviations = entity_deviations(entity);
    deviations.extend(margins(entity));
    let second = signature.media_type();
    match protocol {
        None | Some("") => {
            let text = format!("the multipart/signed names no protocol; its second part is {second}");
            deviations.push(Reason::new("protocol_missing", text));
        }
        Some(protocol) if protocol != second => {
            // OUT-60c: Outlook writes x-pkcs7-signature here and pkcs7-signature there.
            let text = format!("the protocol is {protocol}, and the signature part is {second}");
            deviations.push(Reason::new("protocol_differs", text));
        }
        Some(_) => {}
    }
    deviations.extend(legacy_media_type(second).or_else(|| protocol.and_then(legacy_media_type)));
    deviations
}

/// What is odd about an entity whatever it holds.
fn entity_deviations(entity: &Entity) -> Vec<Reason> {
    let mut deviations: Vec<Reason> = entity.header.oddities().to_vec();
    if let Ok(content_type) = &entity.content_type {
        deviations.extend(content_type.oddities.iter().cloned());
    }
    deviations.extend(entity.oddities.iter().cloned());
    if entity.closing == Closing::Unclosed {
        let text = format!("the multipart ends at byte {} without its last boundary", entity.end);
        deviations.push(Reason::new("multipart_unclosed", text));
    }
    deviations
}

/// SEC-19: text before and after the parts is not covered, and not handed over.
fn margins(entity: &Entity) -> Option<Reason> {
    let before = entity.preamble.text == MarginText::Text;
    let after = entity.epilogue.text == MarginText::Text;
    let place = match (before, after) {
        (true, true) => "before and after",
        (true, false) => "before",
        (false, true) => "after",
        (false, false) => return None,
    };
    let text = format!("unsigned text stands {place} the parts of the multipart/signed; it is not handed over");
    Some(Reason::new("unsigned_preamble_or_epilogue", text))
}

fn legacy_media_type(media_type: &str) -> Option<Reason> {
    media_type.starts_with("application/x-pkcs7").then(|| {
        let text = format!("{media_type} is the name from before RFC 2311's registration; the standard has no x-");
        Reason::new("legacy_media_type", text)
    })
}

/// SEC-41: what it is decides, and what it is called is compared (RFC 8551 section 3.2.2).
fn label_mismatch(label: &str, found: &ContentType) -> Option<Reason> {
    let label = label.to_ascii_lowercase();
    let fits = match found {
        ContentType::SignedData => matches!(label.as_str(), "signed-data" | "certs-only" | "signed-receipt"),
        ContentType::EnvelopedData => label == "enveloped-data",
        // RFC 8551 has authEnveloped-data; Outlook and others write the older word.
        ContentType::AuthEnvelopedData => matches!(label.as_str(), "authenveloped-data" | "enveloped-data"),
        ContentType::CompressedData => label == "compressed-data",
        _ => return None,
    };
    (!fits).then(|| {
        let text = format!("the part is labelled smime-type={label} and holds {found}");
        Reason::new("smime_type_mismatch", text)
    })
}

/// SEC-18: micalg is a hint for hashing in one pass, and never believed (OUT-46, OUT-60d).
pub(super) fn micalg_deviation(entity: Option<&Entity>, digests: &[DigestAlgorithm]) -> Option<Reason> {
    let used = || digests.iter().map(|digest| digest.name()).collect::<Vec<_>>().join(", ");
    let Some(label) = entity?.content_type.as_ref().ok()?.parameter("micalg") else {
        return Some(Reason::new("micalg_missing", format!("micalg is missing, and the signature uses {}", used())));
    };
    let shown = || label.chars().take(40).collect::<String>();
    let named = |digest: &DigestAlgorithm| label.split(',').any(|word| digest_named(word.trim()) == Some(*digest));
    if !digests.iter().all(named) {
        let text = format!("micalg says {}, and the signature uses {}", shown(), used());
        return Some(Reason::new("micalg_mismatch", text));
    }
    // RFC 8551 section 3.5.3.2: md5, sha-1, sha-224, sha-256, sha-384, sha-512.
    let registered = |word: &str| {
        let name = word.trim();
        digest_named(name).is_some_and(|digest| is_registered_name(digest, name))
    };
    (!label.split(',').all(registered)).then(|| {
        let text = format!("micalg says {}, which is no registered spelling of {}", shown(), used());
        Reason::new("micalg_spelling", text)
    })
}

/// `sha-256` of sha256, and the like; md5 has no hyphen.
fn is_registered_name(digest: DigestAlgorithm, name: &str) -> bool {
    match digest.name().strip_prefix("sha") {
        Some(number) => name.strip_prefix("sha-") == Some(number),
        None => name == digest.name(),
    }
}

/// By name in any spelling, or by number as Outlook writes it.
fn digest_named(word: &str) -> Option<DigestAlgorithm> {
    let by_number = || DigestAlgorithm::from_oid(&ObjectIdentifier::new(word).ok()?);
    word.parse().ok().or_else(by_number)
}

/// Whether an I/O error is the input's own and not one of our filters', which stands for a malformed layer.
pub(super) fn is_input_error(error: &std::io::Error) -> bool {
    error.get_ref().is_none_or(|inner| inner.is::<crate::base::source::Changed>())
}

fn is_cms_type(media_type: &str) -> bool {
    is_signature_type(media_type) || media_type == "application/cms"
}

fn is_signature_type(media_type: &str) -> bool {
    matches!(media_type, "application/pkcs7-mime" | "application/x-pkcs7-mime") || is_signature_type_only(media_type)
}

fn is_signature_type_only(media_type: &str) -> bool {
    matches!(media_type, "application/pkcs7-signature" | "application/x-pkcs7-signature")
}

/// The file names of RFC 8551 section 3.2.1.
fn is_cms_name(entity: &Entity) -> bool {
    const SUFFIXES: [&str; 4] = [".p7m", ".p7c", ".p7s", ".p7z"];
    let by_type = entity.content_type.as_ref().ok().and_then(|t| t.parameter("name")).map(str::to_ascii_lowercase);
    let name = by_type.or_else(|| disposition_name(entity));
    name.is_some_and(|name| SUFFIXES.iter().any(|suffix| name.ends_with(suffix)))
}

/// The file name of Content-Disposition, in lower case.
fn disposition_name(entity: &Entity) -> Option<String> {
    entity.disposition()?.parameter("filename").map(str::to_ascii_lowercase)
}
