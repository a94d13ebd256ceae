//! Serialized stores: what is read is written as it came, and every judgement of it ends.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::store::sst::collection::{AnchorProperties, CertificateCollection};
use smime::store::sst::{Element, SerializedStore, WriteOptions};
use smime::{Limits, Time};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let _ = SerializedStore::read_element(data, &limits);
    let Ok(store) = SerializedStore::read(data, &limits) else { return };
    let written = store.write(&WriteOptions::ALL);
    let again = SerializedStore::read(&written, &limits).unwrap();
    assert_eq!(again.write(&WriteOptions::ALL), written);
    let properties = || store.elements().iter().flat_map(Element::properties);
    let ordered = store.elements().is_sorted_by_key(Element::kind);
    if ordered && !data.is_empty() && !properties().any(|property| property.is_key_reference()) {
        assert_eq!(written, data);
    }
    properties().for_each(|property| assert!(!property.decoded().to_string().contains('\n')));
    let _ = CertificateCollection::load(&store, Time::from_unix(1_795_507_200), AnchorProperties::Honour);
});
