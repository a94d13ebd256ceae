//! S/MIME inside Outlook's .msg files: what they hold opens as the mail that it was, and what is damaged is refused by name.

#![cfg(feature = "msg")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "msg/make.rs"]
mod make;

use common::people::{Authority, now};
use common::{corpus, entries, hex, text};
use make::{Maker, utf16};
use smime::open::msg::{self, Mail};
use smime::open::report::{Address, Form, LayerKind, Report};
use smime::policy::policy::Form as SignedForm;
use smime::store::import::{self, ImportOptions};
use smime::store::msg::Msg;
use smime::{
    Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Secret,
    Signer, Trust,
};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

const SIGNED: &str = "IPM.Note.SMIME.MultipartSigned";
const SMIME: &str = "IPM.Note.SMIME";
const MAIL: &[u8] = b"From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: Greetings\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

struct World {
    ca: Authority,
    alice: Identity,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        let ca = Authority::root("Msg CA");
        let alice = ca.person("Alice", "alice@example.com");
        Self { ca, alice, policy: Policy::default() }
    }

    /// Alice's mail, signed; the Content-* fields and the body of it.
    fn clear(&self) -> Vec<u8> {
        let signed = Signer::new(&self.alice, &self.policy).unwrap().sign(&Message::parse(MAIL).unwrap(), now()).unwrap();
        let wire: Vec<u8> = signed.into();
        let at = wire.windows(13).position(|w| w.eq_ignore_ascii_case(b"content-type:")).unwrap();
        wire[at..].to_vec()
    }
}
