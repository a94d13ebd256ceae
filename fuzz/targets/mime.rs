//! The tree of entities: ranges lie inside their parents and in order.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Limits;
use smime::base::source::Memory;
use smime::mime::entity::{self, Entity};

fuzz_target!(|data: &[u8]| {
    if let Ok(root) = entity::scan(&Memory::borrowed(data), &Limits::default()) {
        check(&root, 0, data.len() as u64);
    }
});

fn check(entity: &Entity, from: u64, to: u64) {
    assert!(from <= entity.start && entity.start <= entity.body && entity.body <= entity.end && entity.end <= to);
    let mut at = entity.body;
    for child in &entity.children {
        check(child, at, entity.end);
        at = child.end;
    }
}
