//! Writes a PKCS#12 file.

use super::super::{Error, Result};
use crate::asn1::ber::Tag;
use crate::asn1::{der, oid};
use crate::base::secret::Secret;
use crate::cert::certificate::Certificate;
use crate::crypto::password::{Integrity, Password, Recipe, encrypt, seal_private_key};
use crate::crypto::random::Random;
use const_oid::ObjectIdentifier;

/// For which readers a file is written (OUT-113).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// PBES2 with AES-256-CBC and HMAC-SHA-256, a MAC with SHA-256: the common ground of today's Windows, NSS
    /// (Thunderbird), Java and OpenSSL.
    #[default]
    Modern,
    /// pbeWithSHAAnd3-KeyTripleDES-CBC and a MAC with SHA-1: weak, and what old phones and gpgsm 2.2 read at all. Take a
    /// long password, and delete the file once it is imported.
    Legacy,
}

impl Profile {
    fn recipe(self) -> Recipe {
        match self {
            Self::Modern => Recipe::MODERN,
            Self::Legacy => Recipe::LEGACY,
        }
    }
}

/// Writes a private key (PKCS#8 DER) with its certificates, its own first, under a password. Gives DER.
///
/// `friendly_name` is what certificate managers show, and what NSS files the key under.
///
/// # Errors
/// [`Error::PasswordNeeded`] where the password is empty (OUT-112), [`Error::KeyWithoutCertificate`] where there is no
/// certificate, [`Error::Random`].
pub fn write(
    private_key: &Secret,
    certificates: &[Certificate],
    friendly_name: &str,
    password: &Secret,
    profile: Profile,
    random: &mut dyn Random,
) -> Result<Vec<u8>> {
    let recipe = profile.recipe();
    if password.is_empty() {
        return Err(Error::PasswordNeeded { what: "a written PKCS#12 file" });
    }
    let Some(own) = certificates.first() else {
        return Err(Error::KeyWithoutCertificate { keys: vec!["to be written".into()] });
    };
    let password = Password::new(password);
    let names = attributes(friendly_name, &own.sha1());

    let certificates: Vec<Vec<u8>> = certificates
        .iter()
        .enumerate()
        .map(|(i, certificate)| {
            let value = [der::oid(&oid::X509_CERTIFICATE), der::explicit(0, &der::octets(certificate.der()))];
            bag(&oid::CERT_BAG, &der::sequence(&value), (i == 0).then_some(names.as_slice()))
        })
        .collect();
    let (algorithm, ciphertext) = encrypt(&recipe, &password, &der::sequence(&certificates), random)?;
    let content = der::primitive(Tag::context(0), &ciphertext);
    let info = der::sequence(&[der::oid(&oid::ID_DATA), algorithm, content]);
    let encrypted = der::sequence(&[der::integer(0), info]);
    let certificates = content_info(&oid::ID_ENCRYPTED_DATA, &encrypted);

    let sealed = seal_private_key(&recipe, private_key, &password, random)?;
    let keys = der::sequence(&[bag(&oid::PKCS8_SHROUDED_KEY_BAG, &sealed, Some(&names))]);
    let keys = content_info(&oid::ID_DATA, &der::octets(&keys));

    let safe = der::sequence(&[certificates, keys]);
    let mac = Integrity::write(&recipe, &password, &safe, random)?;
    let auth_safe = content_info(&oid::ID_DATA, &der::octets(&safe));
    Ok(der::sequence(&[der::integer(3), auth_safe, mac]))
}

fn content_info(content_type: &ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    der::sequence(&[der::oid(content_type), der::explicit(0, content)])
}

fn bag(id: &ObjectIdentifier, value: &[u8], attributes: Option<&[u8]>) -> Vec<u8> {
    let (id, value) = (der::oid(id), der::explicit(0, value));
    der::sequence(&[id.as_slice(), value.as_slice(), attributes.unwrap_or_default()])
}

/// `SET OF PKCS12Attribute`: friendlyName where there is one, and localKeyId.
fn attributes(friendly_name: &str, local_key_id: &[u8]) -> Vec<u8> {
    let attribute = |id, value| der::sequence(&[der::oid(id), der::set_of(Tag::SET, vec![value])]);
    let mut parts = vec![attribute(&oid::ID_LOCAL_KEY_ID, der::octets(local_key_id))];
    if !friendly_name.is_empty() {
        let wide: Vec<u8> = friendly_name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        parts.push(attribute(&oid::ID_FRIENDLY_NAME, der::primitive(Tag::BMP_STRING, &wide)));
    }
    der::set_of(Tag::SET, parts)
}
