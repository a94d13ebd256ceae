//! Key and certificate files of every kind, with a password.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::store::import::{self, ImportOptions};
use smime::{Limits, Secret};

fuzz_target!(|data: &[u8]| {
    let mut limits = Limits::default();
    limits.kdf_iterations = 2_000;
    let _ = import::read(data, Some(&Secret::from("password")), &ImportOptions::default(), &limits);
});
