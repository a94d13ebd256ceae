//! Encrypted and compressed messages that grow beyond all bounds (SEC-81, 85), made by hand, with keys of our own.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::envelope::{
    Bob, ENTITY, Envelope, IV, agreed, cannot_decrypt, compressed, entity, key, mail, open, open_under, recipient,
    unreadable,
};
use common::people::Authority;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use smime::asn1::ber::Tag;
use smime::asn1::der;
use smime::cms::enveloped::Enveloped;
use smime::cms::identifier::CertificateId;
use smime::cms::recipient_info::RecipientInfo;
use smime::crypto::signature::KeyKind;
use smime::open::report::Closed;
use smime::{Keyring, Policy};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Oid = const_oid::ObjectIdentifier;

// ---- SEC-81: floods of recipients

#[test]
fn sec_081_recipients_are_counted_and_only_ours_costs_a_key() {
    let bob = Bob::new(KeyKind::P256);
    let stranger = Authority::root("Other").person("Eve", "eve@example.com");
    let other = recipient(stranger.certificate(), &key());
    let flood = |others: usize| {
        let mut entries = vec![other.clone(); others];
        entries.push(bob.entry());
        Envelope::cbc(&entries, &key(), IV, ENTITY)
    };
    let start = Instant::now();
    assert_eq!(open(&flood(9_999).mail(), &bob.ring).unwrap(), ENTITY);
    assert_eq!(bob.key.asked(), 1);
    for others in [10_000, 20_000] {
        let reason = unreadable(open(&flood(others).mail(), &bob.ring));
        assert_eq!(reason.code, "limit_exceeded");
        assert!(reason.text.contains("recipients") && reason.text.contains("10000"), "{reason}");
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let mut policy = Policy::default();
    policy.limits.recipients = 3;
    assert_eq!(open_under(&flood(2).mail(), &bob.ring, &policy).unwrap(), ENTITY);
    assert_eq!(bob.key.asked(), 1);
    assert_eq!(unreadable(open_under(&flood(3).mail(), &bob.ring, &policy)).code, "limit_exceeded");
    assert_eq!(bob.key.asked(), 0);
}

#[test]
fn sec_081_one_entry_of_many_recipients_or_of_many_bytes_costs_what_it_takes() {
    let bob = Bob::new(KeyKind::P256);
    let originator = CertificateId::SubjectKeyIdentifier(vec![1]).to_der();
    let name = |n: usize| CertificateId::SubjectKeyIdentifier(n.to_be_bytes()[6..].to_vec());
    let keys = |count: usize| (0..count).map(|n| (name(n), Vec::new())).collect::<Vec<_>>();
    // Ten thousand recipients that share what is almost a mebibyte: kept once, not ten thousand times.
    let ukm = vec![0; 800_000];
    let shared = Envelope::cbc(&[agreed(&originator, Some(&ukm), &keys(10_000))], &key(), IV, ENTITY);
    let limits = smime::Limits::default();
    let read = Enveloped::read(shared.der().as_slice(), &limits, &mut |_| Ok(())).unwrap();
    let common = |r: &RecipientInfo| match r {
        RecipientInfo::Agreement(entry) => Arc::clone(&entry.common),
        other => panic!("{other:?}"),
    };
    let common: Vec<_> = read.head.recipients.iter().map(common).collect();
    assert_eq!((common.len(), common[0].ukm.as_ref().map(Vec::len)), (10_000, Some(800_000)));
    assert!(common.iter().all(|one| Arc::ptr_eq(one, &common[0])));
    assert_eq!(cannot_decrypt(open(&shared.mail(), &bob.ring)).code, "not_encrypted_to_us");
    let more = Envelope::cbc(&[agreed(&originator, None, &keys(10_001)), bob.entry()], &key(), IV, ENTITY);
    assert_eq!(unreadable(open(&more.mail(), &bob.ring)).code, "limit_exceeded");
    // Ten megabytes of user keying material, or of a recipient of no known kind.
    let huge = vec![0; 10_000_000];
    let kind = der::oid(&Oid::new_unwrap("1.2.3.4"));
    for entry in
        [agreed(&originator, Some(&huge), &keys(1)), der::constructed(Tag::context(4), &[kind, der::octets(&huge)])]
    {
        let envelope = Envelope::cbc(&[entry, bob.entry()], &key(), IV, ENTITY);
        let reason = unreadable(open(&envelope.mail(), &bob.ring));
        assert!(reason.text.contains("limit") && reason.text.contains("1048576"), "{reason}");
    }
    assert_eq!(bob.key.asked(), 0);
}

// ---- SEC-85: what unpacks

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn unpack(zlib: &[u8], policy: &Policy) -> Result<Vec<u8>, Closed> {
    open_under(&mail(&entity("compressed-data", &compressed(zlib))), &Keyring::default(), policy)
}

#[test]
fn sec_085_a_bomb_is_given_up_at_its_ratio_and_at_its_size() {
    let policy = Policy::default();
    assert_eq!(unpack(&zlib(ENTITY), &policy).unwrap(), ENTITY);
    // Dull and short is no bomb, whatever its ratio.
    let dull = [ENTITY, &vec![b' '; 900_000]].concat();
    assert_eq!(unpack(&zlib(&dull), &policy).unwrap().len(), dull.len());
    let bomb = zlib(&[ENTITY, &vec![0; 64 << 20]].concat());
    assert!(bomb.len() < 100_000);
    let reason = unreadable(unpack(&bomb, &policy));
    assert_eq!(reason.code, "limit_exceeded");
    // The bound on the size counts by itself, too.
    let mut small = Policy::default();
    small.limits.inflated_bytes = 1000;
    assert_eq!(unpack(&zlib(ENTITY), &small).unwrap(), ENTITY);
    let noise: Vec<u8> = (0..2000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let reason = unreadable(unpack(&zlib(&[ENTITY, &noise].concat()), &small));
    assert!(reason.code == "limit_exceeded" && reason.text.contains("1000"), "{reason}");
    assert_eq!(Policy::default().limits.inflated_bytes, 256 << 20);
}

#[test]
fn sec_085_one_layer_is_compressed() {
    let bob = Bob::new(KeyKind::P256);
    let wrap = |inside: &[u8]| entity("compressed-data", &compressed(&zlib(inside)));
    let twice = wrap(&wrap(ENTITY));
    let apart = wrap(&entity("enveloped-data", &bob.cbc(&wrap(ENTITY)).der()));
    let mut eight = ENTITY.to_vec();
    (0..8).for_each(|_| eight = wrap(&eight));
    for nested in [twice, apart, eight] {
        let reason = unreadable(open(&mail(&nested), &bob.ring));
        assert_eq!(
            (reason.code, reason.text.as_str()),
            ("limit_exceeded", "a compressed layer inside a compressed layer")
        );
    }
    // One, on either side of an encryption, is what RFC 8551 allows.
    assert_eq!(open(&bob.cbc(&wrap(ENTITY)).mail(), &bob.ring).unwrap(), ENTITY);
    let inside = entity("enveloped-data", &bob.cbc(ENTITY).der());
    assert_eq!(open(&mail(&wrap(&inside)), &bob.ring).unwrap(), ENTITY);
}

#[test]
fn sec_085_a_stream_that_is_not_whole_is_not_unpacked() {
    let policy = Policy::default();
    let content = [ENTITY, &b"0123456789".repeat(50)].concat();
    let sound = zlib(&content);
    for cut in 0..sound.len() {
        assert_eq!(unreadable(unpack(&sound[..cut], &policy)).code, "malformed", "cut at {cut} of {}", sound.len());
    }
    let mut checksum = sound.clone();
    *checksum.last_mut().unwrap() ^= 1;
    // FDICT: a dictionary that only the sender has.
    let dictionary = [&[0x78, 0xbb, 1, 2, 3, 4], &sound[2..]].concat();
    // Stored blocks of nothing, without an end, and then with one.
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(100_000);
    let endless = [&[0x78, 0x01][..], &nothing].concat();
    for (what, stream) in [
        ("checksum", checksum),
        ("one byte behind it", [sound.as_slice(), &[0]].concat()),
        ("a second stream behind it", [sound.as_slice(), &sound].concat()),
        ("dictionary", dictionary),
        ("endless", endless.clone()),
        ("raw deflate", sound[2..].to_vec()),
        ("gzip", [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], &sound[2..]].concat()),
    ] {
        let start = Instant::now();
        assert_eq!(unreadable(unpack(&stream, &policy)).code, "malformed", "{what}");
        assert!(start.elapsed() < Duration::from_secs(10), "{what}: {:?}", start.elapsed());
    }
    let ended = [endless.as_slice(), &[1, 0, 0, 0xff, 0xff, 0, 0, 0, 1]].concat();
    assert_eq!(unpack(&ended, &policy).unwrap(), b"");
}
