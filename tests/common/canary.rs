//! Listens to everything that is said, and looks for secrets in it.

use smime::store::pem;
use std::fmt::Write as _;

/// Everything that was said, and the secrets that must not be in it.
#[derive(Default)]
pub struct Canary {
    pub said: Vec<u8>,
    pub secrets: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    /// Another secret that must not be said.
    pub fn secret(&mut self, name: &'static str, bytes: &[u8]) {
        assert!(bytes.len() >= 8, "{name} is too short to be looked for");
        self.secrets.push((name, bytes.to_vec()));
    }

    /// What `Debug` says of a value.
    pub fn hear(&mut self, value: &impl std::fmt::Debug) {
        self.said.extend_from_slice(format!("{value:?}\n{value:#?}\n").as_bytes());
    }

    /// What an error says, and those below it.
    pub fn hear_error(&mut self, error: &dyn std::error::Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.said.extend_from_slice(format!("{error}\n{error:?}\n").as_bytes());
            next = error.source();
        }
    }

    /// Raw, in hexadecimal and in base64 at each of its three alignments; also as Rust prints a list of bytes.
    pub fn check(&self) {
        let said = String::from_utf8_lossy(&self.said).to_lowercase();
        assert!(said.len() > 10_000, "only {} bytes were said: nothing was listened to", said.len());
        for (name, secret) in &self.secrets {
            assert!(!self.said.windows(secret.len()).any(|w| w == secret), "{name} was said");
            for part in secret.chunks(16).filter(|part| part.len() >= 8) {
                let hex = super::hex(part);
                let mut colons = String::new();
                part.iter().for_each(|b| write!(colons, "{b:02x}:").unwrap());
                let list = format!("{part:?}");
                let list = list.trim_matches(['[', ']']);
                for (form, text) in [("hex", hex.as_str()), ("colons", colons.trim_end_matches(':')), ("list", list)] {
                    assert!(!said.contains(text), "{name} was said in {form}");
                }
            }
            let text = String::from_utf8_lossy(&self.said);
            for skip in 0..3 {
                let whole = &secret[skip..];
                let whole = &whole[..whole.len() / 3 * 3];
                let base64 = pem::write("X", whole).lines().filter(|l| !l.starts_with('-')).collect::<String>();
                assert!(!text.contains(&base64[..base64.len().min(16)]), "{name} was said in base64");
            }
        }
    }
}
