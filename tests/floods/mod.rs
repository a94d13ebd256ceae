//! Floods: inputs in which one thing stands n times, and the readers that have to cope with them. What a flood costs is
//! measured elsewhere: its memory in `bounds.rs`, its instructions in `instructions.rs`.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod mail;
pub mod stores;
pub mod structure;

use smime::base::source::Memory;
use smime::cms::enveloped::Enveloped;
use smime::cms::signed::SignedData;
use smime::mime::entity;
use smime::mime::mailboxes::{Mailboxes, date, subject};
use smime::open::outline::outline;
use smime::{Certificate, Limits, Opener, Policy, Trust};

/// One kind of flood. At twice `n` the input is still within every limit, so that nothing is refused before it is read.
pub struct Flood {
    pub name: &'static str,
    pub n: usize,
    pub make: fn(usize) -> Vec<u8>,
    pub readers: &'static [Reader],
}

/// A reader of the whole input. What it makes of it is let go at its end, not before.
pub type Reader = (&'static str, fn(&[u8]));

/// A flood whose readers are those of mail.
pub const fn mail(name: &'static str, n: usize, make: fn(usize) -> Vec<u8>) -> Flood {
    Flood { name, n, make, readers: &[("mime", mime), ("open", open), ("outline", show)] }
}

/// A flood with one reader.
pub const fn only(name: &'static str, n: usize, make: fn(usize) -> Vec<u8>, readers: &'static [Reader]) -> Flood {
    Flood { name, n, make, readers }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Flood> {
    mail::FLOODS.iter().chain(structure::FLOODS).chain(stores::FLOODS)
}

/// The entities, and what the header of the mail says.
pub fn mime(bytes: &[u8]) {
    let limits = Limits::default();
    let root = entity::scan(&Memory::borrowed(bytes), &limits).unwrap();
    let mailboxes = Mailboxes::read(&root.header, &limits).unwrap();
    std::hint::black_box((&mailboxes, subject(&root.header), date(&root.header)));
}

/// Peeled, judged and told, without anchors and keys.
pub fn open(bytes: &[u8]) {
    let (trust, policy) = (Trust::default(), Policy::default());
    let opened = Opener::new(&trust, &policy).open(bytes, super::common::people::now()).unwrap();
    std::hint::black_box(opened.report().to_string());
}

/// The outline.
pub fn show(bytes: &[u8]) {
    std::hint::black_box(outline(&Memory::borrowed(bytes), &Limits::default()).unwrap());
}

/// The skeleton of a SignedData, its content counted.
pub fn signed(bytes: &[u8]) {
    let mut count = super::common::Count::default();
    let read = SignedData::read(bytes, &Limits::default(), &mut count).unwrap();
    assert_eq!(read.content_length, count.0);
}

/// The skeleton of an EnvelopedData.
pub fn enveloped(bytes: &[u8]) {
    Enveloped::read(bytes, &Limits::default(), &mut |_| Ok(())).unwrap().cipher().unwrap();
}

/// One certificate, and its subject in words.
pub fn certificate(bytes: &[u8]) {
    std::hint::black_box(Certificate::from_der(bytes).unwrap().subject().to_string());
}
