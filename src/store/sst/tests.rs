use super::*;
use crate::store::testing::{certificate, key};

fn entry(id: u32, encoding: u32, value: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &encoding.to_le_bytes(), &(value.len() as u32).to_le_bytes(), value].concat()
}

fn file(entries: &[Vec<u8>]) -> Vec<u8> {
    [b"\0\0\0\0CERT".to_vec(), entries.concat(), vec![0; 12]].concat()
}

fn read(bytes: &[u8]) -> Result<SerializedStore, Error> {
    SerializedStore::read(bytes, &Limits::default())
}

/// Two certificates, a CRL and a CTL, with properties of every sort; one of length zero.
fn rich() -> Vec<u8> {
    let one = certificate("One", 1, &key(), None);
    let two = certificate("Two", 2, &key(), None);
    file(&[
        entry(3, 1, &one.sha1()),
        entry(126, 1, b""),
        entry(11, 1, b"O\0n\0e\0\0\0"),
        entry(32, 1, one.der()),
        entry(104, 1, b""),
        entry(2, 1, b"key container"),
        entry(32, 0x0001_0001, two.der()),
        entry(33, 1, &[0x30, 0]),
        entry(13, 1, b""),
        entry(34, 1, &[0x30, 0]),
    ])
}

#[test]
fn out_100_properties_attach_to_the_next_element() {
    let bytes = rich();
    let store = read(&bytes).unwrap();
    let shape: Vec<_> = store
        .elements()
        .iter()
        .map(|e| (e.kind(), e.properties().iter().map(Property::id).collect::<Vec<_>>()))
        .collect();
    assert_eq!(
        shape,
        [
            (ElementKind::Certificate, vec![3, 126, 11]),
            (ElementKind::Certificate, vec![104, 2]),
            (ElementKind::Crl, vec![]),
            (ElementKind::Ctl, vec![13]),
        ]
    );
    let one = &store.elements()[0];
    assert_eq!(one.certificate().unwrap().sha1(), one.property(3).unwrap().value());
    let (start, id) = (one.offset(), 32u32.to_le_bytes());
    assert_eq!(bytes.len(), store.write(&WriteOptions::ALL).len() + 12 + b"key container".len());
    assert_eq!(bytes[start..start + 4], id);
    assert_eq!(store.certificates().count(), 2);
}

#[test]
fn out_100_version_tag_and_encoding_are_checked() {
    let good = rich();
    let with = |at: usize, octet: u8| {
        let mut bytes = good.clone();
        bytes[at] = octet;
        read(&bytes)
    };
    assert_eq!(with(0, 1), Err(Error::Version { found: 1 }));
    assert_eq!(with(4, b'X'), Err(Error::Tag { found: 0x5452_4558 }));
    assert_eq!(with(12, 2), Err(Error::EntryEncoding { offset: 8, id: 3, found: 2 }));
    assert!(with(14, 1).is_ok(), "PKCS_7_ASN_ENCODING beside it is accepted");
}

#[test]
fn out_101_a_property_of_length_zero_is_not_the_end() {
    let store = read(&rich()).unwrap();
    assert_eq!(store.elements()[0].property(126).unwrap().value(), b"");
    assert_eq!(store.elements().len(), 4, "nothing behind it is lost");
}

#[test]
fn out_102_each_fault_has_its_own_error_with_its_place() {
    assert_eq!(read(b""), Ok(SerializedStore::default()), "an empty file is an empty store");
    assert_eq!(read(&file(&[])), Ok(SerializedStore::default()));
    assert_eq!(read(b"\0\0\0\0CE"), Err(Error::HeaderTruncated { have: 6 }));
    assert_eq!(read(b"\0\0\0\0CERT"), Err(Error::NoEndMarker { offset: 8 }));
    let crl = entry(33, 1, b"list");
    let body = [b"\0\0\0\0CERT".to_vec(), crl.clone()].concat();
    assert_eq!(read(&body), Err(Error::NoEndMarker { offset: 24 }));
    assert_eq!(read(&[body.clone(), vec![0; 5]].concat()), Err(Error::EntryTruncated { offset: 24, have: 5 }));
    assert_eq!(read(&body[..23]), Err(Error::PastEnd { offset: 8, id: 33, length: 4, have: 3 }));
    let endless = [b"\0\0\0\0CERT".to_vec(), entry(33, 1, b"")].concat();
    let mut endless = endless;
    endless[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&endless), Err(Error::PastEnd { offset: 8, id: 33, length: u32::MAX, have: 0 }));
    assert_eq!(read(&[file(&[]), vec![7, 7]].concat()), Err(Error::Trailing { offset: 20, count: 2 }));
    let mut marker = file(std::slice::from_ref(&crl));
    marker[32] = 1;
    assert_eq!(read(&marker), Err(Error::EndMarker { offset: 24, encoding: 0, length: 1 }));
    let orphan = file(&[crl, entry(11, 1, b""), entry(13, 1, b"")]);
    assert_eq!(read(&orphan), Err(Error::PropertyWithoutElement { offset: 24, id: 11 }));
    let orphan = &orphan[..orphan.len() - 12];
    assert_eq!(read(orphan), Err(Error::PropertyWithoutElement { offset: 24, id: 11 }));
}

#[test]
fn out_102_bytes_and_entries_are_bounded() {
    let mut limits = Limits::default();
    let bytes = rich();
    limits.store_entries = 10;
    assert!(SerializedStore::read(&bytes, &limits).is_ok());
    limits.store_entries = 9;
    assert_eq!(SerializedStore::read(&bytes, &limits), Err(Error::Entries { limit: 9 }));
    limits.structure_bytes = bytes.len() - 1;
    let error = SerializedStore::read(&bytes, &limits).unwrap_err();
    assert_eq!(error, Error::TooLarge { size: bytes.len(), limit: bytes.len() - 1 });
    assert_eq!(SerializedStore::read_element(&bytes, &limits).unwrap_err(), error);
}

#[test]
fn out_103_what_is_written_reads_back() {
    let store = read(&rich()).unwrap();
    // All that was read, but the key reference.
    let all = store.write(&WriteOptions::ALL);
    let without = read(&all).unwrap();
    assert_eq!(without.write(&WriteOptions::ALL), all, "byte for byte");
    let ids = |store: &SerializedStore| -> Vec<u32> {
        store.elements().iter().flat_map(|e| e.properties().iter().map(Property::id)).collect()
    };
    assert_eq!(ids(&without), [3, 126, 11, 104, 13]);
    // No hashes unless asked.
    assert_eq!(ids(&read(&store.write(&WriteOptions::default())).unwrap()), [126, 11, 104, 13]);
    let omit = WriteOptions { properties: Properties::Omit, hashes: Hashes::Keep };
    assert!(ids(&read(&store.write(&omit)).unwrap()).is_empty());
}

#[test]
fn out_103_certificates_come_first_then_lists_then_trust_lists() {
    let mut store = SerializedStore::default();
    for kind in [ElementKind::Ctl, ElementKind::Crl, ElementKind::Certificate] {
        store.push(Element::new(kind, vec![0x30, 0]).unwrap());
    }
    let kinds: Vec<_> =
        read(&store.write(&WriteOptions::default())).unwrap().elements().iter().map(Element::kind).collect();
    assert_eq!(kinds, [ElementKind::Certificate, ElementKind::Crl, ElementKind::Ctl]);
}

#[test]
fn out_107_a_single_element_has_neither_header_nor_end() {
    let own = certificate("Own", 3, &key(), None);
    let bytes = [entry(11, 1, b"O\0\0\0"), entry(32, 1, own.der())].concat();
    let read_element = |bytes: &[u8]| SerializedStore::read_element(bytes, &Limits::default());
    let store = read_element(&bytes).unwrap();
    assert_eq!(store.elements()[0].certificate().unwrap(), own);
    assert_eq!(store.elements()[0].properties().len(), 1);
    assert_eq!(read_element(b""), Err(Error::NoElement));
    assert_eq!(read_element(&[0; 12]), Err(Error::EndInElement { offset: 0 }));
    let twice = [&bytes[..], &bytes].concat();
    assert_eq!(read_element(&twice), Err(Error::Trailing { offset: bytes.len(), count: bytes.len() }));
    for cut in 0..bytes.len() {
        assert!(read_element(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn two_stores_together_have_the_properties_of_both() {
    let own = certificate("Own", 3, &key(), None);
    let element = || Element::new(ElementKind::Certificate, own.der().to_vec()).unwrap();
    let limited = element().with_property(Property::new(104, Vec::new()).unwrap());
    let mut store = SerializedStore::default();
    store.merge([element(), limited.clone(), limited, element()]);
    assert_eq!(store.elements().len(), 1);
    assert_eq!(store.elements()[0].properties().len(), 1);
}

#[test]
fn ids_of_elements_are_no_properties() {
    for id in [0, 32, 33, 34] {
        assert_eq!(Property::new(id, Vec::new()), Err(Error::ReservedId { id }));
    }
}

#[test]
fn every_cut_of_a_store_is_an_error() {
    let bytes = rich();
    for cut in 1..bytes.len() {
        assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}
