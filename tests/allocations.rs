//! How often each verb asks for memory, counted by an allocator of this test program's own: the same for a line as for a
//! hundred thousand, for a certificate as for fifty, for an attribute as for fifty; and no more than so often for a message
//! of 1 KiB, so that nobody adds to it without noticing.

#![allow(unsafe_code)] // an allocator that counts
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::asn1::der;
use smime::cms::attribute::SignedAttributes;
use smime::cms::identifier::CertificateId;
use smime::cms::signer_info;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::{
    Certificate, Certificates, ChainCache, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, Profile,
    RecipientPlan, Requirement, Signer,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is the system's; only a number is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread asks for memory, the second time: what is made once and kept is there by then.
fn counted(mut run: impl FnMut()) -> usize {
    run();
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

/// A mail of so many octets in lines of so many.
fn mail(octets: usize, line: usize) -> Vec<u8> {
    let mut mail = b"From: alice@example.com\r\nTo: alice@example.com\r\nContent-Type: text/plain\r\n\r\n".to_vec();
    let line = [&b"x".repeat(line - 2)[..], b"\r\n"].concat();
    mail.extend(line.iter().cycle().take(octets / line.len() * line.len()));
    mail
}

/// Alice, who signs and is written to, and what she and others do with a mail.
struct Desk {
    ca: Authority,
    alice: Identity,
    policy: Policy,
    keyring: Keyring,
    cache: ChainCache,
}

impl Desk {
    fn new() -> Self {
        let ca = Authority::root("CA");
        let alice = ca.person("Alice", "alice@example.com");
        let keyring = Keyring::new(vec![alice.clone()]);
        let cache = ChainCache::new(&Limits::default());
        Self { ca, alice, policy: Policy::new(Profile::Rfc8551), keyring, cache }
    }

    fn signed(&self, raw: &[u8]) -> Vec<u8> {
        let signer = Signer::new(&self.alice, &self.policy).unwrap();
        signer.sign(&Message::parse(raw).unwrap(), now()).unwrap()
    }

    /// To so many people, or to Alice alone.
    fn encryptor(&self, count: usize) -> Encryptor<'_> {
        if count == 0 {
            return Encryptor::draft(self.alice.certificate(), &self.policy, now()).unwrap();
        }
        let people: Vec<Identity> = (0..count).map(|n| self.ca.person("Bob", &format!("bob{n}@example.com"))).collect();
        let certificates: Vec<Certificate> = people.iter().map(|one| one.certificate().clone()).collect();
        let addresses: Vec<_> = (0..count).map(|n| format!("bob{n}@example.com").parse().unwrap()).collect();
        let plan = RecipientPlan::resolve(&addresses, &Certificates(certificates), &self.policy, None, now());
        Encryptor::new(&plan.all().unwrap(), &self.policy)
    }

    fn sign(&self, raw: &[u8]) -> usize {
        let signer = Signer::new(&self.alice, &self.policy).unwrap();
        let mut out = Vec::with_capacity(2 * raw.len() + 65_536);
        counted(|| {
            out.clear();
            signer.sign_to(&Message::parse(raw).unwrap(), now(), &mut out).unwrap();
        })
    }

    fn verify(&self, signed: &[u8]) -> usize {
        let trust = self.ca.trust();
        counted(|| {
            let opened = Opener::new(&trust, &self.policy).open(signed, now()).unwrap();
            opened.judge(Requirement::SignedBySender).unwrap();
        })
    }

    fn verify_known(&self, signed: &[u8]) -> usize {
        let trust = self.ca.trust();
        counted(|| {
            let opened = Opener::new(&trust, &self.policy).with_chain_cache(&self.cache).open(signed, now()).unwrap();
            opened.judge(Requirement::SignedBySender).unwrap();
        })
    }

    fn encrypt(&self, raw: &[u8]) -> usize {
        let encryptor = self.encryptor(0);
        let mut out = Vec::with_capacity(2 * raw.len() + 65_536);
        counted(|| {
            out.clear();
            encryptor.encrypt_to(&Message::parse(raw).unwrap(), &mut out).unwrap();
        })
    }

    fn open(&self, raw: &[u8]) -> usize {
        let sealed = self.encryptor(0).encrypt(&Message::parse(raw).unwrap()).unwrap();
        let trust = self.ca.trust();
        counted(|| {
            let opened = Opener::new(&trust, &self.policy).with_keys(&self.keyring).open(&sealed, now()).unwrap();
            opened.judge(Requirement::Unaltered).unwrap();
        })
    }

    fn all(&self, raw: &[u8]) -> [(&'static str, usize); 5] {
        let signed = self.signed(raw);
        [
            ("sign", self.sign(raw)),
            ("verify", self.verify(&signed)),
            ("verify, chain known", self.verify_known(&signed)),
            ("encrypt", self.encrypt(raw)),
            ("open", self.open(raw)),
        ]
    }
}

/// So often each verb may ask for memory for a message of 1 KiB; what was counted in November 2026, and a few more.
const MOST: [(&str, usize); 5] =
    [("sign", 145), ("verify", 260), ("verify, chain known", 210), ("encrypt", 180), ("open", 195)];

/// So much more often for larger messages: lists that grow by doubling.
const GROWTH: usize = 24;

#[test]
fn no_verb_asks_for_memory_for_each_line_or_for_each_kilobyte() {
    let desk = Desk::new();
    let small = desk.all(&mail(1 << 10, 78));
    let mut too_many = Vec::new();
    for ((verb, count), (of, most)) in small.iter().zip(MOST) {
        println!("{verb}, 1 KiB: {count} allocations");
        assert_eq!(*verb, of);
        if *count > most {
            too_many.push(format!("{verb}: {count} allocations, {most} are allowed"));
        }
    }
    for (octets, line) in [(1 << 10, 8), (100 << 10, 78), (100 << 10, 8), (10 << 20, 78)] {
        for ((verb, count), (_, before)) in desk.all(&mail(octets, line)).iter().zip(&small) {
            println!("{verb}, {octets} octets in lines of {line}: {count} allocations");
            if *count > before + GROWTH {
                too_many.push(format!("{verb}: {count} allocations for {octets} octets in lines of {line}"));
            }
        }
    }
    assert!(too_many.is_empty(), "{}", too_many.join("\n"));
}

/// The same mail, signed with fifty attributes more, or with fifty certificates more.
#[test]
fn verifying_asks_for_memory_neither_for_each_attribute_nor_for_each_certificate() {
    let desk = Desk::new();
    let raw = mail(1 << 10, 78);
    let others: Vec<Certificate> =
        (0..50).map(|n| desk.ca.person(&format!("Other {n}"), "other@example.com").certificate().clone()).collect();
    let plain = opaque(&desk, &raw, 0, &[]);
    let attributes = opaque(&desk, &raw, 50, &[]);
    let certificates = opaque(&desk, &raw, 0, &others);
    let (known, cold) = (desk.verify_known(&plain), desk.verify(&plain));
    let counts = [desk.verify_known(&attributes), desk.verify(&attributes), desk.verify_known(&certificates)];
    println!("{known} and {cold} allocations; with 50 attributes more {counts:?}, the last with 50 certificates more");
    let [attributes_known, attributes_cold, certificates_known] = counts;
    assert!(attributes_known <= known + 16, "{attributes_known} after {known}");
    assert!(attributes_cold <= cold + 16, "{attributes_cold} after {cold}");
    assert!(certificates_known <= known + 16, "{certificates_known} after {known}");
    // One that is met for the first time is kept: its bytes, names, extensions and what they say.
    let each = (desk.verify(&certificates) - cold) / others.len();
    println!("{each} allocations for a certificate that is not known");
    assert!(each <= 40, "{each}");
}

/// A SignedData with more than one needs.
fn opaque(desk: &Desk, raw: &[u8], attributes: usize, certificates: &[Certificate]) -> Vec<u8> {
    let (sha256, own) = (DigestAlgorithm::Sha256, desk.alice.certificate());
    let scheme = SignatureScheme::Ecdsa(sha256);
    let given = SignedAttributes { capabilities: None, signer: Some(own), encryption: None, protection: None };
    let mut set = given.template().fill(&hash(sha256, raw), now());
    if attributes > 0 {
        let mut parts = Vec::new();
        let mut reader = smime::asn1::ber::Reader::single(&set, "set").unwrap().set("set").unwrap();
        while let Some(part) = reader.next_element().unwrap() {
            parts.push(part.raw().to_vec());
        }
        parts.extend((0..attributes).map(|n| {
            let kind = format!("1.2.3.4.{n}").parse().unwrap();
            der::sequence(&[der::oid(&kind), der::set_of(smime::asn1::ber::Tag::SET, vec![der::integer(n as u64)])])
        }));
        set = der::set_of(smime::asn1::ber::Tag::SET, parts);
    }
    let signature = desk.alice.signing().sign(&scheme, &set).unwrap();
    let identifier = CertificateId::issuer_and_serial(own);
    let info = signer_info::encode(&identifier, sha256, &set, &scheme.identifier(), &signature);
    let bag: Vec<Certificate> = std::iter::once(own).chain(certificates).cloned().collect();
    let writer = smime::cms::signed::Writer {
        encoding: Default::default(),
        digests: &[sha256],
        certificates: &bag,
        signers: &[info],
        version: 1,
    };
    let (start, end) = writer.attached(raw.len() as u64);
    let cms = [start, raw.to_vec(), end].concat();
    let mut mail = b"From: alice@example.com\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\
                     Content-Transfer-Encoding: binary\r\n\r\n"
        .to_vec();
    mail.extend_from_slice(&cms);
    mail
}

/// A hundred recipients cost a hundred entries, each a few pieces of memory, and nothing of what was set up before.
#[test]
fn a_recipient_more_costs_its_entry() {
    let desk = Desk::new();
    let raw = mail(1 << 10, 78);
    let message = Message::parse(&raw).unwrap();
    let [few, many] = [1, 101].map(|recipients| {
        let encryptor = desk.encryptor(recipients);
        let mut out = Vec::with_capacity(1 << 20);
        counted(|| {
            out.clear();
            encryptor.encrypt_to(&message, &mut out).unwrap();
        })
    });
    let each = (many - few) / 100;
    println!("{each} allocations for a recipient");
    assert!(each <= 60, "{each}");
}
