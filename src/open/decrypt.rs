//! One encrypted layer: which of the keys at hand may open it, one attempt a key, and its plaintext as a source that can be
//! read only after the ciphertext was judged (tag, or padding). Every failure behind the key is one error with one text
//! (SEC-70 to SEC-73, SEC-80).

use super::derived::{Decrypted, settle};
use super::report::{Binding, EncryptedLayer};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::secret::Secret;
use crate::base::source::{SharedSource, for_each_piece};
use crate::cms::content::Content;
use crate::cms::enveloped::Enveloped;
use crate::cms::recipient_info::{AgreementRecipient, Originator, RecipientInfo, TransportRecipient};
use crate::cms::{Error as CmsError, Result as CmsResult};
use crate::crypto::algorithm::{CipherParameters, KeyAgreement, KeyTransport};
use crate::crypto::random::{Random, SystemRandom};
use crate::crypto::{agreement, content, wrap};
use crate::keys::identity::Identity;
use crate::keys::opening::{Unwrapped, WrappedKey};
use crate::store::keyring::Keyring;

/// Where an encrypted layer was found, which decides how strange a plaintext may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// Inside MIME: the plaintext is a MIME entity.
    Mime,
    /// A CMS file by itself: the plaintext is anything.
    File,
}

/// What became of an encrypted layer.
pub(super) struct Attempt<'a> {
    pub(super) layer: EncryptedLayer,
    pub(super) outcome: Result<SharedSource<'a>, Failure>,
}

/// Why a layer stayed closed.
pub(super) enum Failure {
    /// No key, or it did not open: exit 6.
    Closed(Reason),
    /// Broken or unsupported: exit 8.
    Unreadable(Reason),
    /// The input itself failed.
    Io(std::io::Error),
}

impl From<CmsError> for Failure {
    fn from(error: CmsError) -> Self {
        match error {
            CmsError::Io(error) => Self::Io(std::io::Error::new(error.kind(), error.to_string())),
            CmsError::Unsupported(_) | CmsError::Crypto(crate::crypto::Error::UnsupportedAlgorithm { .. }) => {
                Self::Unreadable(Reason::new("unsupported", error.to_string()))
            }
            CmsError::Limit { .. } => Self::Unreadable(Reason::new("limit_exceeded", error.to_string())),
            CmsError::Ambiguous(_) => Self::Unreadable(Reason::new("ambiguous", error.to_string())),
            _ => Self::Unreadable(Reason::new("malformed", error.to_string())),
        }
    }
}

/// Opens an EnvelopedData or AuthEnvelopedData with the keys of a ring.
pub(super) fn open<'a>(
    message: &SharedSource<'a>,
    keyring: &Keyring,
    setting: Setting,
    limits: &Limits,
) -> Attempt<'a> {
    let mut layer =
        EncryptedLayer { cipher: String::new(), binding: Binding::Malleable, recipients: 0, opened_with: None };
    let outcome = try_open(message, keyring, setting, limits, &mut layer);
    Attempt { layer, outcome }
}

/// What an encrypted layer says of itself, for one that is listed and not opened.
pub(super) fn describe(message: &SharedSource<'_>, limits: &Limits) -> (EncryptedLayer, Option<Reason>) {
    let mut layer =
        EncryptedLayer { cipher: String::new(), binding: Binding::Malleable, recipients: 0, opened_with: None };
    let reason = match read(message, limits, &mut layer) {
        Ok(_) => None,
        Err(Failure::Closed(reason) | Failure::Unreadable(reason)) => Some(reason),
        Err(Failure::Io(error)) => Some(Reason::new("unreadable", error.to_string())),
    };
    (layer, reason)
}

/// The structure, and the last two blocks of its ciphertext (or the only one).
struct Read {
    enveloped: Enveloped,
    parameters: CipherParameters,
    tail: Vec<u8>,
}

fn read(message: &SharedSource<'_>, limits: &Limits, layer: &mut EncryptedLayer) -> Result<Read, Failure> {
    let mut tail = Vec::with_capacity(2 * TAIL);
    let enveloped = Enveloped::read(message.reader(0).map_err(Failure::Io)?, limits, &mut |bytes| {
        keep_tail(&mut tail, bytes);
        Ok(())
    })?;
    layer.recipients = enveloped.head.recipients.len();
    layer.cipher = enveloped.head.algorithm.name();
    let parameters = enveloped.cipher()?;
    layer.cipher = parameters.cipher.name().to_owned();
    layer.binding = if parameters.cipher.is_aead() { Binding::Authenticated } else { Binding::Malleable };
    Ok(Read { enveloped, parameters, tail })
}

const TAIL: usize = 32;

fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8]) {
    if let Some(last) = bytes.len().checked_sub(TAIL).and_then(|from| bytes.get(from..)) {
        tail.clear();
        tail.extend_from_slice(last);
        return;
    }
    tail.extend_from_slice(bytes);
    let surplus = tail.len().saturating_sub(TAIL);
    tail.drain(..surplus);
}

fn try_open<'a>(
    message: &SharedSource<'a>,
    keyring: &Keyring,
    setting: Setting,
    limits: &Limits,
    layer: &mut EncryptedLayer,
) -> Result<SharedSource<'a>, Failure> {
    let read = read(message, limits, layer)?;
    let candidates = candidates(&read.enveloped, keyring)?;
    if candidates.is_empty() {
        return Err(Failure::Closed(not_for_us(&read.enveloped, keyring)));
    }
    let content: SharedSource<'a> = std::sync::Arc::new(Content::of(std::sync::Arc::clone(message), limits));
    let mut unsupported = None;
    for (recipient, identity) in candidates {
        let key = match content_key(recipient, identity, &read.parameters) {
            Ok(Some(key)) => key,
            Ok(None) => continue,
            Err(error) => {
                unsupported = Some(Reason::new("unsupported", error.to_string()));
                continue;
            }
        };
        if !judge(&content, &read, &key).map_err(Failure::Io)? {
            continue;
        }
        let parameters = read.parameters.clone();
        let plaintext: SharedSource<'a> = std::sync::Arc::new(Decrypted { ciphertext: content, parameters, key });
        let plaintext = settle(plaintext, Some(read.enveloped.content_length), message, limits).map_err(Failure::Io)?;
        if setting == Setting::Mime
            && !read.parameters.cipher.is_aead()
            && !begins_like_mail(&plaintext).map_err(Failure::Io)?
        {
            // SEC-62, SEC-72: with the wrong key one padding in 256 looks right; garbage is no plaintext.
            break;
        }
        layer.opened_with = Some(identity.certificate().subject().to_string());
        return Ok(plaintext);
    }
    Err(Failure::Closed(unsupported.unwrap_or_else(failed)))
}

/// The one answer to everything that can go wrong behind a key (SEC-80).
fn failed() -> Reason {
    Reason::new(
        "decrypt_failed",
        "a key for this message is at hand, and decryption failed: the message was damaged, or encrypted wrongly",
    )
}

fn not_for_us(enveloped: &Enveloped, keyring: &Keyring) -> Reason {
    let named: Vec<String> = enveloped.head.recipients.iter().take(5).map(RecipientInfo::describe).collect();
    let more = enveloped.head.recipients.len().saturating_sub(named.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let keys = match keyring.all().len() {
        0 => "no key was given".to_owned(),
        1 => "the key given is for another certificate".to_owned(),
        n => format!("none of the {n} keys given is for one of these"),
    };
    Reason::new("not_encrypted_to_us", format!("{keys}; the message is encrypted to: {}{more}", named.join("; ")))
}

/// Recipients that name a certificate whose key is at hand; each key once.
fn candidates<'r>(enveloped: &'r Enveloped, keyring: &'r Keyring) -> CmsResult<Vec<(&'r RecipientInfo, &'r Identity)>> {
    let mut found: Vec<(&RecipientInfo, &Identity)> = Vec::new();
    for recipient in &enveloped.head.recipients {
        let Some(identifier) = recipient.identifier() else { continue };
        for identity in keyring.all() {
            if !identifier.names(identity.certificate()) {
                continue;
            }
            let before = found.iter().find(|(_, other)| other.certificate().spki() == identity.certificate().spki());
            match before {
                // SEC-71: the same words twice may be an oracle's probe.
                Some((other, _))
                    if other.identifier().is_some_and(|o| o.same(identifier)) && !std::ptr::eq(*other, recipient) =>
                {
                    return Err(CmsError::Ambiguous(format!("two recipients bear the same name, {identifier}")));
                }
                Some(_) => {}
                None => found.push((recipient, identity)),
            }
        }
    }
    Ok(found)
}

/// The content-encryption key that a recipient's entry yields; `None` where it yields none.
fn content_key(
    recipient: &RecipientInfo,
    identity: &Identity,
    parameters: &CipherParameters,
) -> CmsResult<Option<Secret>> {
    let length = parameters.cipher.key_length();
    let key = match recipient {
        RecipientInfo::Transport(transport) => return transported(transport, identity, length).map(Some),
        RecipientInfo::Agreement(agreed) => agree(agreed, identity)?,
        RecipientInfo::Other { kind } => return Err(CmsError::Unsupported((*kind).to_owned())),
    };
    Ok(key.filter(|key| key.len() == length))
}

/// Never fails for a reason that depends on the plaintext: a key of the wrong length is replaced by a random one, and
/// the content decides (SEC-70).
fn transported(recipient: &TransportRecipient, identity: &Identity, length: usize) -> CmsResult<Secret> {
    let transport = KeyTransport::from_identifier(&recipient.algorithm)?;
    let mut substitute = vec![0; length];
    SystemRandom.fill(&mut substitute)?;
    let wrapped = WrappedKey::Transported { transport: &transport, bytes: &recipient.encrypted_key, length };
    Ok(match identity.opening().unwrap(&wrapped) {
        Unwrapped::Here(key) if key.len() == length => key,
        _ => Secret::new(substitute),
    })
}

fn agree(recipient: &AgreementRecipient, identity: &Identity) -> CmsResult<Option<Secret>> {
    let scheme = KeyAgreement::from_identifier(&recipient.algorithm)?;
    let Originator::Key { public_key, .. } = &recipient.originator else {
        return Err(CmsError::Unsupported("key agreement with the sender's certificate (static-static)".to_owned()));
    };
    let Unwrapped::Here(shared) = identity.opening().unwrap(&WrappedKey::Agreed { peer: public_key }) else {
        return Ok(None);
    };
    // The key wrap goes into the derivation as it was received.
    let Some(key_info) = recipient.algorithm.parameters.as_deref() else { return Ok(None) };
    let kek = agreement::kek(&scheme, key_info, recipient.ukm.as_deref(), &shared)?;
    Ok(wrap::unwrap(scheme.wrap, &kek, &recipient.encrypted_key).ok())
}

/// Whether tag or padding is right under a key, without letting any plaintext out.
fn judge(ciphertext: &SharedSource<'_>, read: &Read, key: &Secret) -> std::io::Result<bool> {
    let CipherParameters { cipher, iv, .. } = &read.parameters;
    let Some(mac) = &read.enveloped.mac else {
        let block = cipher.block_length();
        let tail = [iv.as_slice(), &read.tail].concat();
        let last_two = tail.len().checked_sub(2 * block).and_then(|from| tail.get(from..)).unwrap_or_default();
        return Ok(content::padding_is_valid(*cipher, key.expose(), last_two).unwrap_or(false));
    };
    let aad = read.enveloped.authenticated_attributes.as_deref().unwrap_or_default();
    let Ok(mut opener) = content::GcmOpener::new(*cipher, key.expose(), iv, aad) else { return Ok(false) };
    for_each_piece(&mut *ciphertext.reader(0)?, &mut |bytes| {
        opener.authenticate(bytes);
        Ok(())
    })?;
    Ok(opener.finish(mac).is_ok())
}

/// Whether a plaintext begins as a MIME entity can: without NUL and control characters in its first line.
fn begins_like_mail(plaintext: &SharedSource<'_>) -> std::io::Result<bool> {
    let mut reader = plaintext.reader(0)?;
    let bytes = reader.fill_buf()?;
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    Ok(line.iter().take(256).all(|b| !(*b < 9 || (14..32).contains(b) || *b == 127)))
}
