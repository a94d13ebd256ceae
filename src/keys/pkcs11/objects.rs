//! What is on a token: keys, their certificates, and who one is with them.

use super::access::{Access, Login, Open};
use super::attributes::Object;
use super::key::{Abilities, TokenKey};
use super::{Error, Module, TokenInfo, Uri};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::secret::Secret;
use crate::cert::certificate::Certificate;
use crate::crypto::signature::PublicKey;
use crate::keys::identity::{Identity, pair, same_public_key};
use crate::keys::signing::SigningKey;
use cryptoki::error::Error as Answer;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use std::sync::Arc;

/// A token that was opened with its PIN, or without where only its certificates are wanted. While one process has it open, it
/// is open to all of the process, whatever PIN they have.
#[derive(Clone, Debug)]
pub struct Token {
    access: Arc<Access>,
}

/// What is on a token.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Objects {
    /// Keys with their certificates; a key that has several gives several, the newest first.
    pub identities: Vec<Identity>,
    /// Every private key.
    pub keys: Vec<Arc<TokenKey>>,
    /// Every certificate, those of the identities too.
    pub certificates: Vec<Certificate>,
    /// What was passed over.
    pub notes: Vec<Reason>,
    /// The token's label, where private keys may be there that do not show without the PIN.
    locked: Option<String>,
    /// What certificates are called: CKA_LABEL and CKA_ID.
    names: Vec<(Certificate, String, Vec<u8>)>,
    /// What keys are called.
    key_names: Vec<(Arc<TokenKey>, Vec<u8>)>,
    /// Keys that have to prove whose they are.
    unproven: Vec<Unproven>,
}

impl Token {
    /// Opens the one token that a URI means, with the PIN of its user. A token with a PIN pad takes `None`, and asks there.
    ///
    /// A PIN that was refused once is not shown to the token again, since each wrong one costs a try.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`], [`Error::SeveralTokens`], [`Error::PinWrong`], [`Error::PinLocked`], [`Error::PinNotSet`],
    /// [`Error::TokenGone`], [`Error::ModuleBroken`], [`Error::Refused`].
    pub fn open(module: &Module, uri: &Uri, pin: Option<&Secret>) -> Result<Self, Error> {
        let login = |info: &TokenInfo| match pin {
            Some(pin) => Login::with(pin),
            None if info.has_pin_pad => Login::PinPad,
            None => Login::Never,
        };
        Ok(Self { access: Arc::new(Access::new(module, uri, login)?) })
    }

    /// The same without PIN, not even at a PIN pad: certificates show, and private keys do not, as a rule.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn look(module: &Module, uri: &Uri) -> Result<Self, Error> {
        Ok(Self { access: Arc::new(Access::new(module, uri, |_| Login::Never)?) })
    }

    /// What it said of itself when it was opened.
    pub fn info(&self) -> &TokenInfo {
        self.access.info()
    }

    /// Everything on it. Without the PIN there are no keys, as a rule.
    ///
    /// # Errors
    /// [`Error::TokenGone`], [`Error::Refused`].
    pub fn objects(&self, limits: &Limits) -> Result<Objects, Error> {
        let found = self.access.run(|open| self.read(open, limits));
        let mut found = found.map_err(|failure| self.access.error(failure))?;
        found.locked = (!self.access.is_logged_in()).then(|| self.info().label.clone());
        for Unproven { label, id, keys } in std::mem::take(&mut found.unproven) {
            match keys.into_iter().find(|key| key.proves(limits)) {
                Some(key) => found.add(key, id),
                None => found.note("key_unsupported", format!("the private key \"{label}\": {NO_PUBLIC_HALF}")),
            }
        }
        found.identities = pair(found.keys.clone(), &found.certificates).0;
        Ok(found)
    }

    /// Who one is with the keys that a URI means: [`objects`](Self::objects) and [`Objects::identities_of`] in one.
    ///
    /// # Errors
    /// As both.
    pub fn identities(&self, uri: &Uri, certificates: &[Certificate], limits: &Limits) -> Result<Vec<Identity>, Error> {
        self.objects(limits)?.identities_of(uri, certificates)
    }

    fn read(&self, open: &mut Open, limits: &Limits) -> Result<Objects, Answer> {
        let mut found = Objects::default();
        for handle in all(open, ObjectClass::CERTIFICATE, limits)? {
            let object = Object { session: &open.session, handle };
            let (label, id) = (object.label(), object.bytes(AttributeType::Id).unwrap_or_default());
            let Some(der) = object.bytes(AttributeType::Value).filter(|der| der.len() <= limits.element_bytes) else {
                found
                    .note("certificate_skipped", format!("the certificate \"{label}\" has no value, or one too large"));
                continue;
            };
            match Certificate::from_der(&der) {
                Ok(certificate) if found.certificates.contains(&certificate) => {}
                Ok(certificate) => {
                    found.names.push((certificate.clone(), label, id));
                    found.certificates.push(certificate);
                }
                Err(error) => found.note("certificate_skipped", format!("the certificate \"{label}\": {error}")),
            }
        }
        let publics = self.publics(open, limits)?;
        for handle in all(open, ObjectClass::PRIVATE_KEY, limits)? {
            let object = Object { session: &open.session, handle };
            let label = object.label();
            match self.key(open, handle, &publics, &found, limits)? {
                Ok(Found::Key(key, id)) => found.add(key, id),
                Ok(Found::Unproven(unproven)) => found.unproven.push(unproven),
                Err(why) => found.note("key_unsupported", format!("the private key \"{label}\": {why}")),
            }
        }
        Ok(found)
    }

    /// Public keys with their CKA_ID.
    fn publics(&self, open: &Open, limits: &Limits) -> Result<Vec<(Vec<u8>, PublicKey)>, Answer> {
        let read = |handle| {
            let object = Object { session: &open.session, handle };
            Some((object.bytes(AttributeType::Id)?, object.public_key(limits)?))
        };
        Ok(all(open, ObjectClass::PUBLIC_KEY, limits)?.into_iter().filter_map(read).collect())
    }

    /// A private key, or why it is of no use.
    fn key(
        &self,
        open: &Open,
        handle: ObjectHandle,
        publics: &[(Vec<u8>, PublicKey)],
        found: &Objects,
        limits: &Limits,
    ) -> Result<Result<Found, &'static str>, Answer> {
        let object = Object { session: &open.session, handle };
        let (label, id) = (object.label(), object.bytes(AttributeType::Id).unwrap_or_default());
        let Some(kind) = object.key_type() else { return Ok(Err("its kind is not told")) };
        let mut attributes = vec![Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(kind)];
        for more in [AttributeType::Id, AttributeType::Label, AttributeType::Modulus] {
            attributes.extend(object.attribute(more));
        }
        if open.session.find_objects(&attributes)?.len() != 1 {
            return Ok(Err("another one has the same label and identifier"));
        }
        let abilities = Abilities::read(&object);
        let make = |public: PublicKey| {
            TokenKey::new(self.access.clone(), attributes.clone(), label.clone(), public, abilities)
        };
        let of_id = || publics.iter().find(|(other, _)| !id.is_empty() && *other == id).map(|(_, key)| key.clone());
        if let Some(public) = object.public_key(limits).or_else(of_id) {
            return Ok(make(public).map(|key| Found::Key(Arc::new(key), id)).ok_or("there is no randomness"));
        }
        // Only a certificate knows the public half, and the key has to prove that it is its own.
        let candidates = found.names.iter().filter(|(_, _, other)| !id.is_empty() && *other == id);
        let publics = candidates.filter_map(|(one, ..)| PublicKey::from_spki(one.spki(), limits).ok());
        let keys: Vec<_> = publics.filter_map(make).map(Arc::new).collect();
        Ok(if keys.is_empty() { Err(NO_PUBLIC_HALF) } else { Ok(Found::Unproven(Unproven { label, id, keys })) })
    }
}

const NO_PUBLIC_HALF: &str = "its public half is not on the token, or of a kind that is not supported";

/// A private key of a token.
enum Found {
    /// With its CKA_ID.
    Key(Arc<TokenKey>, Vec<u8>),
    Unproven(Unproven),
}

/// A private key under each of the public keys that may be its own.
#[derive(Clone, Debug)]
struct Unproven {
    label: String,
    id: Vec<u8>,
    keys: Vec<Arc<TokenKey>>,
}

impl Objects {
    /// Who one is with the keys that a URI means: all, where it names no object. `certificates` are those that are not on the
    /// token.
    ///
    /// # Errors
    /// [`Error::PinNeeded`], [`Error::KeyNotFound`], [`Error::KeyWithoutCertificate`].
    pub fn identities_of(&self, uri: &Uri, certificates: &[Certificate]) -> Result<Vec<Identity>, Error> {
        if let Some(token) = &self.locked {
            return Err(Error::PinNeeded { token: token.clone() });
        }
        let all: Vec<Certificate> = self.certificates.iter().chain(certificates).cloned().collect();
        let mut identities = pair(self.keys.clone(), &all).0;
        if uri.names_an_object() {
            // Of several certificates for one key the one that is named, else all for a key that is named.
            let named: Vec<Identity> =
                identities.iter().filter(|one| self.means_certificate(uri, one.certificate())).cloned().collect();
            if named.is_empty() {
                identities.retain(|one| self.means_key(uri, one.signing().public_key()));
            } else {
                identities = named;
            }
        }
        if !identities.is_empty() {
            return Ok(identities);
        }
        Err(match self.key_names.iter().find(|(key, id)| uri.fits_object(key.label(), id)) {
            Some((key, _)) => Error::KeyWithoutCertificate { key: key.label().to_owned() },
            None => Error::KeyNotFound {
                wanted: uri.to_string(),
                present: self.keys.iter().map(|key| key.label().to_owned()).collect(),
            },
        })
    }

    /// The key of an identity.
    pub fn key_of(&self, identity: &Identity) -> Option<&Arc<TokenKey>> {
        let public = identity.signing().public_key();
        self.keys.iter().find(|key| SigningKey::public_key(&***key) == public)
    }

    /// What names a key on its token; more than that where the token has several.
    pub fn uri_of(&self, token: &TokenInfo, key: &TokenKey) -> Uri {
        let id = self.key_names.iter().find(|(known, _)| same(known, key)).map(|(_, id)| id.clone());
        Uri { object: Some(key.label().to_owned()), id: id.filter(|id| !id.is_empty()), ..token.uri() }
    }

    /// What a certificate is called on the token.
    pub fn label_of(&self, certificate: &Certificate) -> Option<&str> {
        self.names.iter().find(|(known, ..)| known == certificate).map(|(_, label, _)| label.as_str())
    }

    fn means_certificate(&self, uri: &Uri, certificate: &Certificate) -> bool {
        self.names.iter().any(|(known, label, id)| known == certificate && uri.fits_object(label, id))
    }

    fn means_key(&self, uri: &Uri, public: &[u8]) -> bool {
        let is = |key: &TokenKey| same_public_key(SigningKey::public_key(key), public);
        self.key_names.iter().any(|(key, id)| is(key) && uri.fits_object(key.label(), id))
    }

    fn add(&mut self, key: Arc<TokenKey>, id: Vec<u8>) {
        self.key_names.push((key.clone(), id));
        self.keys.push(key);
    }

    fn note(&mut self, code: &'static str, text: String) {
        self.notes.push(Reason::new(code, text));
    }
}

fn same(one: &TokenKey, other: &TokenKey) -> bool {
    SigningKey::public_key(one) == SigningKey::public_key(other)
}

fn all(open: &Open, class: ObjectClass, limits: &Limits) -> Result<Vec<ObjectHandle>, Answer> {
    open.session.iter_objects(&[Attribute::Class(class)])?.take(limits.store_entries).collect()
}
