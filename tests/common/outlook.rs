//! Mail that Outlook for Windows made, with the keys of its sender and recipient: taken apart, so that the same mail can be
//! composed once more.

use super::corpus;
use smime::cms::enveloped::Enveloped;
use smime::cms::recipient_info::RecipientInfo;
use smime::crypto::algorithm::KeyTransport;
use smime::crypto::content::CbcDecryptor;
use smime::keys::opening::{Unwrapped, WrappedKey};
use smime::mime::transfer::{Strictness, TransferEncoding, decode_slice};
use smime::store::import::{self, ImportOptions};
use smime::{Identity, Limits, Secret};
use std::path::PathBuf;

/// The folder of one exchange between two people.
pub struct Exchange {
    folder: PathBuf,
}

/// A mail in two: its header, and the entity that is protected in it.
pub struct Parted {
    /// All fields, with CRLF, without the blank line.
    pub header: String,
    /// The entity.
    pub entity: Vec<u8>,
}

impl Exchange {
    /// Where the corpus is there.
    pub fn open() -> Option<Self> {
        Some(Self { folder: corpus()?.join("hiraoka-smime-samples") })
    }

    /// 1 sends, 2 receives.
    pub fn identity(&self, number: u8) -> Identity {
        let bytes = std::fs::read(self.folder.join(format!("certs/smime-{number}-secret.pfx"))).unwrap();
        let password = Secret::from(format!("smime{number}").as_str());
        let import = import::read(&bytes, Some(&password), &ImportOptions::default(), &Limits::default()).unwrap();
        import.sole_identity().unwrap().clone()
    }

    /// A mail from 1 to 2: "signed", "encrypted" or "signed and encrypted".
    pub fn mail(&self, kind: &str) -> Vec<u8> {
        let name = format!("received-at-smime2/Message from smime1 to smime2 ({kind}).eml");
        let mail = std::fs::read(self.folder.join(name)).unwrap();
        // The server, or whoever saved it, added a line.
        mail.strip_suffix(b"\r\n").unwrap().to_vec()
    }
}

/// Header and body of a mail.
pub fn split(mail: &[u8]) -> (String, &[u8]) {
    let at = mail.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    (String::from_utf8(mail[..at + 2].to_vec()).unwrap(), &mail[at + 4..])
}

/// The boundary of a header.
pub fn boundary(header: &str) -> &str {
    header.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// A multipart/signed without its signature; the signature.
pub fn without_signature(mail: &[u8]) -> (Parted, Vec<u8>) {
    let (header, body) = split(mail);
    let delimiter = format!("--{}", boundary(&header));
    let text = String::from_utf8(body.to_vec()).unwrap();
    let parts: Vec<&str> = text.split(&delimiter).collect();
    let entity = parts[1].strip_prefix("\r\n").unwrap().strip_suffix("\r\n").unwrap().as_bytes().to_vec();
    let (_, signature) = split(parts[2].strip_prefix("\r\n").unwrap().as_bytes());
    let signature = structure(signature);
    (Parted { header, entity }, signature)
}

/// A mail that is one structure, decrypted.
pub fn without_encryption(mail: &[u8], identity: &Identity) -> Parted {
    let (header, body) = split(mail);
    Parted { header, entity: decrypted(&structure(body), identity) }
}

/// The structure in a body.
pub fn structure(body: &[u8]) -> Vec<u8> {
    decode_slice(body, TransferEncoding::Base64, Strictness::Lenient).unwrap()
}

impl Parted {
    /// The mail before it was protected: the header with the entity's fields where the protecting ones stand.
    pub fn plain(&self) -> Vec<u8> {
        let (fields, body) = split(&self.entity);
        let mut header = String::new();
        let mut gone = false;
        for line in self.header.split_inclusive("\r\n") {
            if !line.starts_with([' ', '\t']) {
                gone = ["Content-Type:", "Content-Transfer-Encoding:", "Content-Disposition:"]
                    .iter()
                    .any(|name| line.starts_with(name));
                if line.starts_with("Content-Type:") {
                    header.push_str(&fields);
                }
            }
            if !gone {
                header.push_str(line);
            }
        }
        [header.as_bytes(), b"\r\n", body].concat()
    }
}

fn decrypted(structure: &[u8], identity: &Identity) -> Vec<u8> {
    let mut ciphertext = Vec::new();
    let enveloped = Enveloped::read(structure, &Limits::default(), &mut |bytes| {
        ciphertext.extend_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    let parameters = enveloped.cipher().unwrap();
    let key = enveloped.head.recipients.iter().find_map(|recipient| match recipient {
        RecipientInfo::Transport(to) if to.identifier.names(identity.certificate()) => {
            let length = parameters.cipher.key_length();
            let wrapped =
                WrappedKey::Transported { transport: &KeyTransport::RsaPkcs1, bytes: &to.encrypted_key, length };
            match identity.opening().unwrap(&wrapped) {
                Unwrapped::Here(key) => Some(key),
                _ => None,
            }
        }
        _ => None,
    });
    let mut plain = Vec::new();
    let mut cbc = CbcDecryptor::new(parameters.cipher, key.unwrap().expose(), &parameters.iv).unwrap();
    cbc.update(&ciphertext, &mut plain);
    cbc.finish(&mut plain).unwrap();
    plain
}
