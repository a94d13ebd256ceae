//! EnvelopedData, AuthEnvelopedData and CompressedData made by hand, every field settable, the mail around them, and keys
//! that count how often they are asked.

use super::people::{Authority, now, years};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cms::enveloped::Enveloped;
use smime::cms::identifier::CertificateId;
use smime::cms::recipient_info::{self, Wrapping};
use smime::crypto::algorithm::{
    CipherParameters, Cofactor, ContentCipher, DigestAlgorithm, KeyAgreement, KeyDerivation, KeyTransport, KeyWrap,
};
use smime::crypto::content::{CbcEncryptor, GcmEncryptor};
use smime::crypto::password::{Kdf, KdfBudget, Password};
use smime::crypto::password_wrap::{self, PasswordWrap};
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::keys::opening::{OpeningKey, Unwrapped, WrappedKey};
use smime::mime::transfer::{Base64Writer, Strictness, TransferEncoding, decode_slice};
use smime::open::report::Closed;
use smime::{Certificate, Identity, Keyring, Limits, Opener, Policy, Secret, Trust};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Oid = const_oid::ObjectIdentifier;

/// A small entity, as it lies under an encryption.
pub const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n";

/// Every field of an EnvelopedData, or, where it has a mac, of an AuthEnvelopedData.
#[derive(Clone)]
pub struct Envelope {
    pub recipients: Vec<Vec<u8>>,
    pub content_type: Oid,
    /// contentEncryptionAlgorithm.
    pub algorithm: Vec<u8>,
    pub ciphertext: Vec<u8>,
    /// authAttrs, in this order.
    pub attributes: Option<Vec<Vec<u8>>>,
    pub mac: Option<Vec<u8>>,
}

impl Envelope {
    /// A sound one in AES-256-CBC.
    pub fn cbc(recipients: &[Vec<u8>], key: &Secret, iv: [u8; 16], content: &[u8]) -> Self {
        let parameters = CipherParameters { cipher: ContentCipher::Aes256Cbc, iv: iv.to_vec(), tag_length: 0 };
        let mut ciphertext = Vec::new();
        let mut encryptor = CbcEncryptor::new(parameters.cipher, key.expose(), &iv).unwrap();
        encryptor.update(content, &mut ciphertext);
        encryptor.finish(&mut ciphertext);
        Self {
            recipients: recipients.to_vec(),
            content_type: oid::ID_DATA,
            algorithm: parameters.identifier().to_der(),
            ciphertext,
            attributes: None,
            mac: None,
        }
    }

    /// A sound one in AES-256-GCM; the tag covers the attributes, too.
    pub fn gcm(recipients: &[Vec<u8>], key: &Secret, attributes: Option<&[Vec<u8>]>, content: &[u8]) -> Self {
        let parameters = CipherParameters { cipher: ContentCipher::Aes256Gcm, iv: vec![5; 12], tag_length: 16 };
        let covered = attributes.map(|list| der::set_of(Tag::SET, list.to_vec())).unwrap_or_default();
        let mut ciphertext = Vec::new();
        let mut encryptor = GcmEncryptor::new(parameters.cipher, key.expose(), &parameters.iv, &covered).unwrap();
        encryptor.update(content, &mut ciphertext);
        Self {
            recipients: recipients.to_vec(),
            content_type: oid::ID_DATA,
            algorithm: parameters.identifier().to_der(),
            ciphertext,
            attributes: attributes.map(<[_]>::to_vec),
            mac: Some(encryptor.finish(16).unwrap()),
        }
    }

    /// The ContentInfo.
    pub fn der(&self) -> Vec<u8> {
        let (kind, version) = match self.mac {
            Some(_) => (oid::ID_CT_AUTH_ENVELOPED_DATA, 0),
            None => (oid::ID_ENVELOPED_DATA, 2),
        };
        let ciphertext = der::primitive(Tag::context(0), &self.ciphertext);
        let mut fields = vec![
            der::integer(version),
            // In the order given, as whoever attacks may write it.
            der::constructed(Tag::SET, &self.recipients),
            der::sequence(&[der::oid(&self.content_type), self.algorithm.clone(), ciphertext]),
        ];
        fields.extend(self.attributes.as_ref().map(|list| der::constructed(Tag::context(1), list)));
        fields.extend(self.mac.as_ref().map(|mac| der::octets(mac)));
        content_info(kind, &der::sequence(&fields))
    }

    /// In a mail.
    pub fn mail(&self) -> Vec<u8> {
        mail(&entity("enveloped-data", &self.der()))
    }
}

/// ContentInfo.
pub fn content_info(kind: Oid, content: &[u8]) -> Vec<u8> {
    der::sequence(&[der::oid(&kind), der::explicit(0, content)])
}

/// A CompressedData (RFC 3274) around a zlib stream.
pub fn compressed(zlib: &[u8]) -> Vec<u8> {
    let content = der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, &der::octets(zlib))]);
    let algorithm = der::sequence(&[der::oid(&oid::ZLIB_COMPRESS)]);
    content_info(oid::ID_CT_COMPRESSED_DATA, &der::sequence(&[der::integer(0), algorithm, content]))
}

/// `Attribute ::= SEQUENCE { attrType, attrValues SET OF }`
pub fn attribute(kind: Oid, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[der::oid(&kind), der::set_of(Tag::SET, values.to_vec())])
}

/// A MIME entity that is a CMS structure.
pub fn entity(kind: &str, cms: &[u8]) -> Vec<u8> {
    let header = format!(
        "Content-Type: application/pkcs7-mime; smime-type={kind}; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let mut base64 = Base64Writer::new(header.into_bytes());
    base64.write_all(cms).unwrap();
    base64.finish().unwrap()
}

/// From Alice to Bob, around an entity.
pub fn mail(entity: &[u8]) -> Vec<u8> {
    [b"From: alice@example.com\r\nTo: bob@example.com\r\nMIME-Version: 1.0\r\n", entity].concat()
}

/// The CMS structure of a mail that is one.
pub fn cms_of(mail: &[u8]) -> Vec<u8> {
    let at = mail.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    decode_slice(&mail[at + 4..], TransferEncoding::Base64, Strictness::Strict).unwrap()
}

/// Whom a sealed mail names.
pub fn recipients(sealed: &[u8]) -> Vec<CertificateId> {
    let read = Enveloped::read(cms_of(sealed).as_slice(), &Limits::default(), &mut |_| Ok(())).unwrap();
    read.head.recipients.iter().map(|one| one.identifier().unwrap().clone()).collect()
}

/// How keys are agreed upon here.
pub fn agreement(kind: KeyKind) -> KeyAgreement {
    let derivation = match kind {
        KeyKind::X25519 => KeyDerivation::Hkdf(DigestAlgorithm::Sha256),
        _ => KeyDerivation::X963(DigestAlgorithm::Sha256),
    };
    KeyAgreement { derivation, cofactor: Cofactor::Standard, wrap: KeyWrap::Aes256 }
}

/// A RecipientInfo that gives `key` to a certificate, by issuer and serial number.
pub fn recipient(certificate: &Certificate, key: &Secret) -> Vec<u8> {
    recipient_as(&CertificateId::issuer_and_serial(certificate), certificate, key)
}

/// The same under any name.
pub fn recipient_as(name: &CertificateId, certificate: &Certificate, key: &Secret) -> Vec<u8> {
    let public = certificate.public_key(&Limits::default()).unwrap();
    let wrapping = match public.kind() {
        KeyKind::Rsa => Wrapping::Transport(KeyTransport::RsaPkcs1),
        kind => Wrapping::Agreement(agreement(kind)),
    };
    recipient_info::encode(&public, name, &wrapping, key, &mut SystemRandom).unwrap()
}

/// A KeyAgreeRecipientInfo for X25519, made of its parts.
pub fn agreed(originator: &[u8], ukm: Option<&[u8]>, keys: &[(CertificateId, Vec<u8>)]) -> Vec<u8> {
    let keys: Vec<_> =
        keys.iter().map(|(name, key)| der::sequence(&[name.to_agreement_der(), der::octets(key)])).collect();
    let ukm = ukm.map(|ukm| der::explicit(1, &der::octets(ukm))).unwrap_or_default();
    let scheme = agreement(KeyKind::X25519).identifier().unwrap().to_der();
    let parts = [der::integer(3), der::explicit(0, originator), ukm, scheme, der::sequence(&keys)];
    der::constructed(Tag::context(1), &parts)
}

/// A PasswordRecipientInfo (RFC 5652 section 6.2.4) that gives `key` to whoever knows the password.
pub fn password_recipient(password: &Secret, key: &Secret) -> Vec<u8> {
    let (salt, iterations) = ([1; 8], 500);
    let kdf = Kdf::Pbkdf2 { salt: salt.to_vec(), iterations, key_length: None, prf: DigestAlgorithm::Sha1 };
    let text = Password::new(password);
    let kek = kdf.derive(text.text(), 32, &mut KdfBudget::new(&Limits::default())).unwrap();
    let wrap = PasswordWrap::generate(ContentCipher::Aes256Cbc, &mut SystemRandom).unwrap();
    let wrapped = password_wrap::wrap(&wrap, &mut SystemRandom, &kek, key).unwrap();
    let parameters = der::sequence(&[der::octets(&salt), der::integer(iterations)]);
    let derivation = der::retag(Tag::context(0), &der::sequence(&[der::oid(&oid::PBKDF2), parameters]));
    let parts = [der::integer(0), derivation, wrap.identifier().to_der(), der::octets(&wrapped)];
    der::constructed(Tag::context(3), &parts)
}

/// Opens with these keys, under the default policy; why it stays closed, where it does.
pub fn open(mail: &[u8], ring: &Keyring) -> Result<Vec<u8>, Closed> {
    open_under(mail, ring, &Policy::default())
}

/// The same under any policy.
pub fn open_under(mail: &[u8], ring: &Keyring, policy: &Policy) -> Result<Vec<u8>, Closed> {
    let trust = Trust::default();
    let opened = Opener::new(&trust, policy).with_keys(ring).open(mail, now()).unwrap();
    match opened.report().closed.clone() {
        Some(closed) => {
            assert!(opened.require(smime::Requirement::None).is_err_and(|r| r.untrusted_message().is_none()));
            Err(closed)
        }
        None => {
            Ok(opened.require(smime::Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap().message().unwrap())
        }
    }
}

/// What keeps it closed, whatever a key says: exit 8.
pub fn unreadable(result: Result<Vec<u8>, Closed>) -> smime::Reason {
    match result {
        Err(Closed::Unreadable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// What keeps it closed with these keys: exit 6.
pub fn cannot_decrypt(result: Result<Vec<u8>, Closed>) -> smime::Reason {
    match result {
        Err(Closed::CannotDecrypt(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// A key that counts how often it is asked.
pub struct Counting {
    key: Arc<dyn OpeningKey>,
    asked: AtomicUsize,
}

impl Counting {
    /// Around the key of an identity.
    pub fn of(identity: &Identity) -> Arc<Self> {
        Arc::new(Self { key: Arc::clone(identity.opening()), asked: AtomicUsize::new(0) })
    }

    /// Only this identity, with the counting key.
    pub fn ring(self: &Arc<Self>, identity: &Identity) -> Keyring {
        Keyring::new(vec![self.within(identity)])
    }

    /// The identity with the counting key.
    pub fn within(self: &Arc<Self>, identity: &Identity) -> Identity {
        let (certificate, chain) = (identity.certificate().clone(), identity.chain().to_vec());
        Identity::with_keys(certificate, chain, Arc::clone(identity.signing()), self.clone()).unwrap()
    }

    /// How often since the last time.
    pub fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl OpeningKey for Counting {
    fn public_key(&self) -> &[u8] {
        self.key.public_key()
    }

    fn unwrap(&self, wrapped: &WrappedKey<'_>) -> Unwrapped {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.key.unwrap(wrapped)
    }
}

/// The initialisation vector of every message.
pub const IV: [u8; 16] = [9; 16];

/// The content-encryption key of every message.
pub fn key() -> Secret {
    Secret::new(vec![7; 32])
}

/// Bob, whose key counts how often it is asked.
pub struct Bob {
    pub identity: Identity,
    pub key: Arc<Counting>,
    pub ring: Keyring,
}

impl Bob {
    /// With a new key.
    pub fn new(kind: KeyKind) -> Self {
        let identity = Authority::root("Root").person_with("Bob", &["bob@example.com"], kind, 2048, years());
        let key = Counting::of(&identity);
        Self { ring: key.ring(&identity), identity, key }
    }

    /// His RecipientInfo.
    pub fn entry(&self) -> Vec<u8> {
        recipient(self.identity.certificate(), &key())
    }

    /// An EnvelopedData for him alone.
    pub fn cbc(&self, content: &[u8]) -> Envelope {
        Envelope::cbc(&[self.entry()], &key(), IV, content)
    }
}

/// What every failure behind a key says.
pub fn assert_failed(result: Result<Vec<u8>, Closed>, what: &str) {
    let reason = cannot_decrypt(result);
    let text =
        "a key for this message is at hand, and decryption failed: the message was damaged, or encrypted wrongly";
    assert_eq!((reason.code, reason.text.as_str()), ("decrypt_failed", text), "{what}");
}
