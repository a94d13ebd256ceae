//! Readers that hand out what they like: pieces of any size, interruptions, a byte at a time, an end before its time
//! (SEC-154). What comes of a message does not depend on it, and nobody waits for ever.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::people::{Authority, now};
use proptest::prelude::*;
use smime::base::source::{Rewindable, SharedSource, Source};
use smime::crypto::algorithm::ContentCipher;
use smime::policy::policy::CipherRule;
use smime::{
    Certificates, Encryptor, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Signer, Trust,
};
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::{Arc, OnceLock};

/// What a reader does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Give(usize),
    Interrupt,
}

/// A source whose readers follow a script, again and again.
struct Scripted {
    bytes: Vec<u8>,
    script: Vec<Step>,
    /// From this byte on there is nothing to be had for now.
    blocks_at: Option<usize>,
}

struct ScriptedReader<'s> {
    source: &'s Scripted,
    position: usize,
    step: usize,
    /// The end of the piece that is in the buffer.
    end: usize,
}

impl Source for Scripted {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let position = (offset as usize).min(self.bytes.len());
        Ok(Box::new(ScriptedReader { source: self, position, step: 0, end: position }))
    }

    fn length(&self) -> Option<u64> {
        Some(self.bytes.len() as u64)
    }
}

impl BufRead for ScriptedReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Scripted { bytes, script, blocks_at } = self.source;
        if self.position == self.end && self.position < bytes.len() {
            let step = script[self.step % script.len()];
            self.step += 1;
            match step {
                Step::Interrupt => return Err(io::ErrorKind::Interrupted.into()),
                Step::Give(_) if blocks_at.is_some_and(|at| self.position >= at) => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Step::Give(count) => {
                    self.end = (self.position + count.max(1)).min(bytes.len());
                    self.end = self.end.min(blocks_at.unwrap_or(usize::MAX).max(self.position + 1));
                }
            }
        }
        Ok(&bytes[self.position..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl Read for ScriptedReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let piece = self.fill_buf()?;
        let count = piece.len().min(into.len());
        into[..count].copy_from_slice(&piece[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// A file that reads in pieces, is interrupted, and may end before its end.
struct ScriptedFile {
    inner: io::Cursor<Vec<u8>>,
    script: Vec<Step>,
    step: usize,
    ends_at: Option<u64>,
}

impl Read for ScriptedFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let step = self.script[self.step % self.script.len()];
        self.step += 1;
        match step {
            Step::Interrupt => Err(io::ErrorKind::Interrupted.into()),
            Step::Give(_) if self.ends_at.is_some_and(|end| self.inner.position() >= end) => Ok(0),
            Step::Give(count) => {
                let left = self.ends_at.map_or(u64::MAX, |end| end - self.inner.position());
                let count = count.max(1).min(into.len()).min(usize::try_from(left).unwrap_or(usize::MAX));
                self.inner.read(&mut into[..count])
            }
        }
    }
}

impl Seek for ScriptedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Messages of every kind, and what opens them.
struct World {
    trust: Trust,
    ring: Keyring,
    alice: smime::Identity,
    certificates: Certificates,
    plain: Vec<u8>,
    sealed: Vec<(&'static str, Vec<u8>)>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let ca = Authority::root("Root");
        let (alice, bob) = (ca.person("Alice", "alice@example.com"), ca.person("Bob", "bob@example.com"));
        let mut plain = b"From: alice@example.com\r\nTo: bob@example.com\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
            .to_vec();
        (0..40).for_each(|n| plain.extend_from_slice(format!("line {n} of a text\r\n.\r\nFrom here\r\n").as_bytes()));
        plain.extend_from_slice(
            b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        );
        (0..20).for_each(|_| {
            plain.extend_from_slice(b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\r\n")
        });
        plain.extend_from_slice(b"--b--\r\n");
        let policy = Policy::default();
        let certificates = Certificates(vec![bob.certificate().clone()]);
        let message = Message::parse(&plain).unwrap();
        let signer = Signer::new(&alice, &policy).unwrap();
        let clear = signer.sign(&message, now()).unwrap();
        let opaque = signer.clone().opaque().sign(&message, now()).unwrap();
        let encrypted =
            |raw: &[u8], cipher| encryptor(&certificates, cipher).encrypt(&Message::parse(raw).unwrap()).unwrap();
        let sealed = vec![
            ("plain", plain.clone()),
            ("cbc", encrypted(&clear, ContentCipher::Aes256Cbc)),
            ("gcm", encrypted(&opaque, ContentCipher::Aes256Gcm)),
            ("clear", clear),
            ("opaque", opaque),
        ];
        let mut ring = Keyring::default();
        ring.add(bob);
        World { trust: ca.trust(), ring, alice, certificates, plain: plain.clone(), sealed }
    })
}

fn encryptor(certificates: &Certificates, cipher: ContentCipher) -> Encryptor<'static> {
    let mut policy = Policy::default();
    (policy.content_cipher, policy.cipher_rule) = (cipher, CipherRule::Named);
    let policy = Box::leak(Box::new(policy));
    let plan = RecipientPlan::resolve(&["bob@example.com".parse().unwrap()], certificates, policy, None, now());
    Encryptor::new(&plan.all().unwrap(), policy)
}

/// The report, and the content or why there is none.
fn opened(source: SharedSource<'_>) -> Result<(String, Vec<u8>), String> {
    let (world, policy) = (world(), Policy::default());
    let opener = Opener::new(&world.trust, &policy).with_keys(&world.ring);
    let opened = opener.open_source(source, now()).map_err(|e| e.to_string())?;
    let report = format!("{:?}", opened.report());
    let trusted = opened.require(Requirement::Unaltered).map_err(|refused| format!("{:?}", refused.reasons()))?;
    Ok((report, trusted.message().map_err(|e| e.to_string())?))
}

fn whole(bytes: &[u8]) -> (String, Vec<u8>) {
    opened(smime::base::source::Memory::owned(bytes.to_vec())).unwrap()
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..4usize).prop_map(Step::Give),
        4 => (1..200usize).prop_map(Step::Give),
        1 => (1..9000usize).prop_map(Step::Give),
        2 => Just(Step::Interrupt),
    ];
    // At least one that gives.
    (1..100usize, prop::collection::vec(step, 0..12)).prop_map(|(count, mut steps)| {
        steps.push(Step::Give(count));
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sec_154_what_is_opened_does_not_depend_on_how_it_is_read(script in script()) {
        for (kind, bytes) in &world().sealed {
            let expected = whole(bytes);
            let source = Scripted { bytes: bytes.clone(), script: script.clone(), blocks_at: None };
            prop_assert_eq!(opened(Arc::new(source)).unwrap(), expected.clone(), "{}", kind);
            let inner = io::Cursor::new(bytes.clone());
            let file = ScriptedFile { inner, script: script.clone(), step: 0, ends_at: None };
            prop_assert_eq!(opened(Arc::new(Rewindable::new(file).unwrap())).unwrap(), expected, "{}, a file", kind);
        }
    }

    #[test]
    fn sec_154_what_is_signed_and_encrypted_does_not_depend_on_how_it_is_read(script in script()) {
        let world = world();
        let policy = Policy::default();
        let source: SharedSource<'_> =
            Arc::new(Scripted { bytes: world.plain.clone(), script, blocks_at: None });
        let message = Message::from_source(&source, &Limits::default()).unwrap();
        let expected = whole(&world.sealed[3].1).1;
        let signer = Signer::new(&world.alice, &policy).unwrap();
        prop_assert_eq!(&whole(&signer.sign(&message, now()).unwrap()).1, &expected);
        prop_assert_eq!(&whole(&signer.opaque().sign(&message, now()).unwrap()).1, &expected);
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            let sealed = encryptor(&world.certificates, cipher).encrypt(&message).unwrap();
            prop_assert_eq!(&whole(&sealed).1, &expected, "{}", cipher);
        }
    }

    #[test]
    fn sec_154_what_cannot_be_read_to_its_end_is_no_message_and_no_endless_loop(script in script(), part in 0..100usize) {
        let world = world();
        for (kind, bytes) in &world.sealed {
            let at = bytes.len() * part / 100;
            let blocked = Scripted { bytes: bytes.clone(), script: script.clone(), blocks_at: Some(at) };
            prop_assert!(opened(Arc::new(blocked)).is_err(), "{kind} that blocks at {at}");
            let inner = io::Cursor::new(bytes.clone());
            let file = ScriptedFile { inner, script: script.clone(), step: 0, ends_at: Some(at as u64) };
            let why = opened(Arc::new(Rewindable::new(file).unwrap())).unwrap_err();
            prop_assert!(why.contains("changed while it was being read"), "{kind} that ends at {at}: {why}");
        }
        let source: SharedSource<'_> =
            Arc::new(Scripted { bytes: world.plain.clone(), script, blocks_at: Some(world.plain.len() * part / 100) });
        let policy = Policy::default();
        let signer = Signer::new(&world.alice, &policy).unwrap();
        if let Ok(message) = Message::from_source(&source, &Limits::default()) {
            let mut out = Vec::new();
            prop_assert!(signer.sign_to(&message, now(), &mut out).is_err() && out.is_empty());
            prop_assert!(encryptor(&world.certificates, ContentCipher::Aes256Gcm).encrypt(&message).is_err());
        }
    }
}

#[test]
fn sec_154_a_reader_that_is_dropped_half_way_leaves_nothing_behind() {
    let (_, bytes) = &world().sealed[3];
    let expected = whole(bytes);
    let source: SharedSource<'_> = Arc::new(Rewindable::new(io::Cursor::new(bytes.clone())).unwrap());
    for length in [0, 1, 100, bytes.len() - 1] {
        let mut part = vec![0; length];
        source.reader(7).unwrap().read_exact(&mut part[..length.min(bytes.len() - 7)]).unwrap();
        assert_eq!(opened(Arc::clone(&source)).unwrap(), expected);
    }
}
