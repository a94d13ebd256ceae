//! One encrypted layer: which of the keys at hand may open it, one attempt a key, and its plaintext as a source that can be
//! read only after the ciphertext was judged (tag, or padding). Every failure behind the key is one error with one text
//! (SEC-70 to SEC-73, SEC-80).

use super::derived::{BLOCK, Decrypted, settle, settles};
use super::report::{Binding, EncryptedLayer};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::secret::Secret;
use crate::base::source::{Memory, SharedSource, for_each_piece};
use crate::cert::certificate::Certificate;
use crate::cert::chain::Trust;
use crate::cms::content::{Content, ContentType};
use crate::cms::enveloped::{EncryptedContent, Enveloped};
use crate::cms::recipient_info::{
    AgreementRecipient, Originator, PasswordRecipient, RecipientInfo, SharedKeyRecipient, TransportRecipient,
};
use crate::cms::{Error as CmsError, Result as CmsResult};
use crate::crypto::algorithm::{
    AlgorithmIdentifier, CipherParameters, KeyAgreement, KeyTransport, KeyWrap, Legacy, oid_name,
};
use crate::crypto::password::{self, KdfBudget, Password};
use crate::crypto::random::{Random, SystemRandom};
use crate::crypto::{agreement, content, strength, wrap};
use crate::keys::identity::Identity;
use crate::keys::opening::{OpeningKey, Unwrapped, WrappedKey};
use crate::policy::policy::{Des, Policy};
use crate::store::keyring::{Keyring, SharedKey};
use std::io::{BufRead, Read as _};
use std::sync::Arc;
use zeroize::Zeroizing;

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
    /// What is odd or weak about it.
    pub(super) notes: Vec<Reason>,
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

/// What an encrypted layer is opened with.
#[derive(Clone, Copy)]
pub(super) struct Openers<'o> {
    pub(super) keyring: &'o Keyring,
    /// Where certificates of senders that agree with static keys may be found.
    pub(super) trust: &'o Trust,
    pub(super) policy: &'o Policy,
}

/// Opens an EnvelopedData, AuthEnvelopedData or EncryptedData.
pub(super) fn open<'a>(message: &SharedSource<'a>, openers: Openers<'_>, setting: Setting) -> Attempt<'a> {
    let mut layer = EncryptedLayer::unread();
    let mut notes = Vec::new();
    let outcome = try_open(message, openers, setting, &mut layer, &mut notes);
    Attempt { layer, outcome, notes }
}

/// What an encrypted layer says of itself, for one that is listed and not opened.
pub(super) fn describe(message: &SharedSource<'_>, limits: &Limits) -> (EncryptedLayer, Vec<Reason>) {
    let mut layer = EncryptedLayer::unread();
    let mut notes = Vec::new();
    match read(message, limits, &mut layer, &mut notes) {
        Ok(_) => {}
        Err(Failure::Closed(reason) | Failure::Unreadable(reason)) => notes.push(reason),
        Err(Failure::Io(error)) => notes.push(Reason::new("unreadable", error.to_string())),
    }
    (layer, notes)
}

/// The structure, and the last two blocks of its ciphertext (or the only one).
struct Read {
    enveloped: Enveloped,
    parameters: CipherParameters,
    tail: Vec<u8>,
}

fn read(
    message: &SharedSource<'_>,
    limits: &Limits,
    layer: &mut EncryptedLayer,
    notes: &mut Vec<Reason>,
) -> Result<Read, Failure> {
    let mut tail = Vec::with_capacity(2 * TAIL);
    let enveloped = Enveloped::read(message.reader(0).map_err(Failure::Io)?, limits, &mut |bytes| {
        keep_tail(&mut tail, bytes);
        Ok(())
    })?;
    layer.recipients = enveloped.head.recipients.len();
    layer.cipher = enveloped.head.algorithm.name();
    if !enveloped.unprotected_attributes.is_empty() {
        let names: Vec<String> = enveloped.unprotected_attributes.iter().take(5).map(oid_name).collect();
        let text = format!("attributes stand beside the ciphertext that anybody can change: {}", names.join(", "));
        notes.push(Reason::new("unprotected_attributes", text));
    }
    let parameters = enveloped.cipher()?;
    layer.cipher = parameters.cipher.name().to_owned();
    layer.binding = if parameters.cipher.is_aead() { Binding::Authenticated } else { Binding::Malleable };
    notes.extend(strength::cipher_weakness(parameters.cipher));
    if parameters.cipher.is_aead() && parameters.tag_length < 16 {
        // SEC-65
        let text = format!("the authentication tag has {} bytes instead of 16", parameters.tag_length);
        notes.push(Reason::new("short_tag", text));
    }
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
    openers: Openers<'_>,
    setting: Setting,
    layer: &mut EncryptedLayer,
    notes: &mut Vec<Reason>,
) -> Result<SharedSource<'a>, Failure> {
    let limits = &openers.policy.limits;
    let read = read(message, limits, layer, notes)?;
    if read.parameters.cipher.legacy() == Some(Legacy::OnRequest) && openers.policy.des == Des::Refuse {
        // SEC-78
        let text = format!(
            "the content is encrypted with {}, which a home computer breaks; it is read on request only",
            read.parameters.cipher
        );
        return Err(Failure::Unreadable(Reason::new("cipher_refused", text)));
    }
    let ways = ways(&read.enveloped, openers.keyring)?;
    if ways.is_empty() {
        return Err(Failure::Closed(not_for_us(&read.enveloped, openers.keyring)));
    }
    if read.enveloped.head.content == EncryptedContent::Absent {
        let text = "the structure holds keys for a ciphertext that is not in this message";
        return Err(Failure::Unreadable(Reason::new("content_missing", text)));
    }
    let content: SharedSource<'a> = Arc::new(Content::of(Arc::clone(message), limits));
    let mut unsupported = None;
    let mut budget = KdfBudget::new(limits);
    for way in ways {
        let key = match content_key(&way, &read, openers, &mut budget) {
            Ok(Some(key)) => key,
            Ok(None) => continue,
            Err(error) => {
                unsupported = Some(Failure::from(error));
                continue;
            }
        };
        let Some(plaintext) = decrypted(&content, &read, key, message, limits).map_err(Failure::Io)? else {
            continue;
        };
        if setting == Setting::Mime
            && !read.parameters.cipher.is_aead()
            && !begins_like_mail(&plaintext, limits).map_err(Failure::Io)?
        {
            // SEC-62, SEC-72: with the wrong key one padding in 256 looks right; garbage is no plaintext.
            break;
        }
        layer.opened_with = Some(way.name());
        return Ok(plaintext);
    }
    Err(match unsupported {
        Some(Failure::Unreadable(reason)) if reason.code != "limit_exceeded" => Failure::Closed(reason),
        Some(failure) => failure,
        None => Failure::Closed(failed()),
    })
}

/// The one answer to everything that can go wrong behind a key (SEC-80).
fn failed() -> Reason {
    Reason::new(
        "decrypt_failed",
        "a key for this message is at hand, and decryption failed: the message was damaged, or encrypted wrongly",
    )
}

fn not_for_us(enveloped: &Enveloped, keyring: &Keyring) -> Reason {
    if enveloped.kind == ContentType::EncryptedData {
        let text = "the message is encrypted under a key that both sides know already, and that key was not given";
        return Reason::new("shared_key_needed", text);
    }
    let recipients = &enveloped.head.recipients;
    let only = |kind: fn(&RecipientInfo) -> bool| !recipients.is_empty() && recipients.iter().all(kind);
    if only(|r| matches!(r, RecipientInfo::Password(_))) {
        return Reason::new("password_needed", "the message is encrypted under a password, and none was given");
    }
    let named: Vec<String> = recipients.iter().take(5).map(RecipientInfo::describe).collect();
    let more = recipients.len().saturating_sub(named.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let keys = match keyring.all().len() {
        0 => "no key was given".to_owned(),
        1 => "the key given is for another certificate".to_owned(),
        n => format!("none of the {n} keys given is for one of these"),
    };
    Reason::new("not_encrypted_to_us", format!("{keys}; the message is encrypted to: {}{more}", named.join("; ")))
}

/// One thing at hand that may lead to the content-encryption key.
enum Way<'r> {
    /// A recipient's entry names a certificate whose private key is there.
    Certificate(&'r RecipientInfo, &'r Identity),
    /// The only entry that a private key without certificate can be for.
    Key(&'r RecipientInfo, &'r Arc<dyn OpeningKey>),
    /// An entry is for whoever knows a password.
    Password(&'r PasswordRecipient, &'r Secret),
    /// An entry is for whoever has a shared key.
    SharedKey(&'r SharedKeyRecipient, &'r SharedKey),
    /// An EncryptedData, whose key is the shared key itself.
    Content(&'r SharedKey),
}

impl Way<'_> {
    /// Whose key it is, for the report.
    fn name(&self) -> String {
        let shared = |key: &SharedKey| match &key.identifier {
            Some(identifier) => {
                format!("a shared key ({})", identifier.iter().map(|b| format!("{b:02x}")).collect::<String>())
            }
            None => "a shared key".to_owned(),
        };
        match self {
            Self::Certificate(_, identity) => identity.certificate().subject().to_string(),
            Self::Key(..) => "a private key without certificate".to_owned(),
            Self::Password(..) => "a password".to_owned(),
            Self::SharedKey(_, key) | Self::Content(key) => shared(key),
        }
    }
}

/// What is to be tried, each private key once.
fn ways<'r>(enveloped: &'r Enveloped, keyring: &'r Keyring) -> CmsResult<Vec<Way<'r>>> {
    if enveloped.kind == ContentType::EncryptedData {
        return Ok(keyring.shared_keys().iter().map(Way::Content).collect());
    }
    let mut ways: Vec<Way<'r>> =
        by_certificate(enveloped, keyring)?.into_iter().map(|(r, identity)| Way::Certificate(r, identity)).collect();
    ways.extend(by_key(enveloped, keyring));
    for recipient in &enveloped.head.recipients {
        match recipient {
            RecipientInfo::SharedKey(entry) => {
                let fits = |key: &&SharedKey| key.identifier.as_ref().is_none_or(|id| *id == entry.key_identifier);
                ways.extend(keyring.shared_keys().iter().filter(fits).map(|key| Way::SharedKey(entry, key)));
            }
            RecipientInfo::Password(entry) => {
                ways.extend(keyring.passwords().iter().map(|password| Way::Password(entry, password)));
            }
            _ => {}
        }
    }
    Ok(ways)
}

/// Recipients that name a certificate whose key is at hand; each key once.
fn by_certificate<'r>(
    enveloped: &'r Enveloped,
    keyring: &'r Keyring,
) -> CmsResult<Vec<(&'r RecipientInfo, &'r Identity)>> {
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

/// A key whose certificate is lost opens what can be for nobody else: the one entry of its kind. With several to choose
/// from there would be several attempts, and so an oracle (SEC-71).
fn by_key<'r>(enveloped: &'r Enveloped, keyring: &'r Keyring) -> Vec<Way<'r>> {
    let mut named = enveloped.head.recipients.iter().filter(|recipient| recipient.identifier().is_some());
    match (named.next(), named.next()) {
        (Some(only), None) => keyring.keys().iter().map(|key| Way::Key(only, key)).collect(),
        _ => Vec::new(),
    }
}

/// The content-encryption key that a way yields; `None` where it yields none.
fn content_key(way: &Way<'_>, read: &Read, openers: Openers<'_>, budget: &mut KdfBudget) -> CmsResult<Option<Secret>> {
    let length = read.parameters.cipher.key_length();
    let key = match way {
        Way::Certificate(recipient, identity) => {
            return by_private_key(recipient, &**identity.opening(), identity.chain(), read, openers);
        }
        Way::Key(recipient, key) => return by_private_key(recipient, &***key, &[], read, openers),
        Way::Password(entry, password) => by_password(entry, password, length, budget)?,
        Way::SharedKey(entry, shared) => {
            let algorithm = KeyWrap::from_identifier(&entry.algorithm)?;
            wrap::unwrap(algorithm, &shared.key, &entry.encrypted_key).ok()
        }
        Way::Content(shared) => Some(shared.key.clone()),
    };
    Ok(key.filter(|key| key.len() == length))
}

/// RFC 5652 sections 6.2.1 and 6.2.2. `chain` is what else is known of certificates.
fn by_private_key(
    recipient: &RecipientInfo,
    key: &dyn OpeningKey,
    chain: &[Certificate],
    read: &Read,
    openers: Openers<'_>,
) -> CmsResult<Option<Secret>> {
    let length = read.parameters.cipher.key_length();
    match recipient {
        RecipientInfo::Transport(transport) => transported(transport, key, length).map(Some),
        RecipientInfo::Agreement(agreed) => {
            let originators = Originators { message: &read.enveloped.head.originator_certificates, chain, openers };
            Ok(agree(agreed, key, &originators)?.filter(|key| key.len() == length))
        }
        _ => Ok(None),
    }
}

/// RFC 5652 section 6.2.4, RFC 3211. That a password is wrong is no error: another entry may be for it.
fn by_password(
    entry: &PasswordRecipient,
    password: &Secret,
    length: usize,
    budget: &mut KdfBudget,
) -> CmsResult<Option<Secret>> {
    let typed = Password::new(password);
    let derivation = entry.derivation.as_ref();
    match password::unwrap_content_key(derivation, &entry.algorithm, &typed, &entry.encrypted_key, length, budget) {
        Ok(key) => Ok(Some(key)),
        Err(password::Error::WrongPasswordOrCorrupt) => Ok(None),
        Err(password::Error::Iterations { limit, .. }) => {
            Err(CmsError::Limit { what: "iterations of password derivation", limit })
        }
        Err(error) => Err(CmsError::Unsupported(error.to_string())),
    }
}

/// Never fails for a reason that depends on the plaintext: a key of the wrong length is replaced by a random one, and
/// the content decides (SEC-70).
fn transported(recipient: &TransportRecipient, key: &dyn OpeningKey, length: usize) -> CmsResult<Secret> {
    let transport = KeyTransport::from_identifier(&recipient.algorithm)?;
    let mut substitute = vec![0; length];
    SystemRandom.fill(&mut substitute)?;
    let wrapped = WrappedKey::Transported { transport: &transport, bytes: &recipient.encrypted_key, length };
    Ok(match key.unwrap(&wrapped) {
        Unwrapped::Here(key) if key.len() == length => key,
        _ => Secret::new(substitute),
    })
}

/// Where the certificate of a sender may stand that agrees with a key of its own.
struct Originators<'o> {
    message: &'o [Vec<u8>],
    chain: &'o [Certificate],
    openers: Openers<'o>,
}

impl Originators<'_> {
    /// The public key that such a certificate holds, for the arithmetic.
    fn peer(&self, originator: &Originator) -> CmsResult<Vec<u8>> {
        let identifier = match originator {
            Originator::Key { public_key, .. } => return Ok(public_key.clone()),
            Originator::Certificate(identifier) => identifier,
        };
        let came: Vec<Certificate> = self.message.iter().filter_map(|raw| Certificate::from_der(raw).ok()).collect();
        let trust = self.openers.trust;
        let known = came.iter().chain(trust.intermediates()).chain(trust.anchors()).chain(self.chain);
        let Some(certificate) = known.into_iter().find(|certificate| identifier.names(certificate)) else {
            let text =
                format!("the key is agreed upon with the certificate of the sender, {identifier}, which is not there");
            return Err(CmsError::Unsupported(text));
        };
        Ok(agreement::peer_from_certificate_key(certificate.spki(), &self.openers.policy.limits)?)
    }
}

fn agree(
    recipient: &AgreementRecipient,
    key: &dyn OpeningKey,
    originators: &Originators<'_>,
) -> CmsResult<Option<Secret>> {
    let agreed = &recipient.common;
    let scheme = KeyAgreement::from_identifier(&agreed.algorithm)?;
    let peer = originators.peer(&agreed.originator)?;
    let Unwrapped::Here(shared) = key.unwrap(&WrappedKey::Agreed { peer: &peer }) else {
        return Ok(None);
    };
    let Some(key_info) = agreed.algorithm.parameters.as_deref() else { return Ok(None) };
    // Hashed in DER, however it was sent; a NULL that stands there stays (RFC 5753 section 7.2).
    let key_info = AlgorithmIdentifier::from_der(key_info)?.to_der();
    let kek = agreement::kek(&scheme, &key_info, agreed.ukm.as_deref(), &shared)?;
    Ok(wrap::unwrap(scheme.wrap, &kek, &recipient.encrypted_key).ok())
}

/// The plaintext, where tag or padding is right under a key.
fn decrypted<'a>(
    ciphertext: &SharedSource<'a>,
    read: &Read,
    key: Secret,
    message: &SharedSource<'a>,
    limits: &Limits,
) -> std::io::Result<Option<SharedSource<'a>>> {
    let length = Some(read.enveloped.content_length);
    if let (Some(mac), true) = (&read.enveloped.mac, settles(length, message, limits)) {
        return Ok(
            at_once(ciphertext, read, mac, &key)?.map(|plaintext| -> SharedSource<'a> { Memory::owned(plaintext) })
        );
    }
    if !judge(ciphertext, read, &key)? {
        return Ok(None);
    }
    let (ciphertext, parameters) = (Arc::clone(ciphertext), read.parameters.clone());
    Ok(Some(settle(Arc::new(Decrypted { ciphertext, parameters, key }), length, message, limits)?))
}

/// Decrypts what will lie in memory in the pass that judges it. Nobody sees the plaintext before the tag was compared.
fn at_once(ciphertext: &SharedSource<'_>, read: &Read, mac: &[u8], key: &Secret) -> std::io::Result<Option<Vec<u8>>> {
    let Some(mut opener) = opener(read, key) else { return Ok(None) };
    let length = usize::try_from(read.enveloped.content_length).unwrap_or_default();
    let mut plaintext = Zeroizing::new(Vec::with_capacity(length));
    for_each_piece(&mut *ciphertext.reader(0)?, &mut |bytes| {
        bytes.chunks(BLOCK).for_each(|block| opener.update(block, &mut plaintext));
        Ok(())
    })?;
    Ok(opener.finish(mac).is_ok().then(|| std::mem::take(&mut *plaintext)))
}

fn opener(read: &Read, key: &Secret) -> Option<content::GcmOpener> {
    let CipherParameters { cipher, iv, .. } = &read.parameters;
    let aad = read.enveloped.authenticated_attributes.as_deref().unwrap_or_default();
    content::GcmOpener::new(*cipher, key.expose(), iv, aad).ok()
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
    let Some(mut opener) = opener(read, key) else { return Ok(false) };
    for_each_piece(&mut *ciphertext.reader(0)?, &mut |bytes| {
        opener.authenticate(bytes);
        Ok(())
    })?;
    Ok(opener.finish(mac).is_ok())
}

/// Whether a plaintext begins as a MIME entity can: without the noise in its header block that a block of ciphertext
/// decrypts to after another than its own has been put before it. Text in an old 8-bit charset passes.
fn begins_like_mail(plaintext: &SharedSource<'_>, limits: &Limits) -> std::io::Result<bool> {
    let mut header = plaintext.reader(0)?.take(limits.header_bytes as u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        header.read_until(b'\n', &mut line)?;
        if matches!(line.as_slice(), b"" | b"\n" | b"\r\n") {
            return Ok(true);
        }
        if is_noise(&line) {
            return Ok(false);
        }
    }
}

/// Of sixteen random bytes, 98 in 100 are. ISO-2022-JP has its escape; UTF-8 has what would be controls elsewhere.
fn is_noise(line: &[u8]) -> bool {
    let control = |b: &u8| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127);
    let high_control = |b: &u8| matches!(b, 0x80..=0x9f);
    // A character that the limit cut is none that is wrong.
    let is_utf8 = || std::str::from_utf8(line).err().is_none_or(|error| error.error_len().is_none());
    line.iter().any(control) || (line.iter().any(high_control) && !is_utf8())
}
