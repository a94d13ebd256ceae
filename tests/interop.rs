//! Interoperability: what real peers make we open, and what we make they open, bytes compared. Peers are programs of the
//! machine (`openssl`, `gpgsm`, NSS's `cmsutil`), each with a folder of its own and without a network.
//!
//! A peer that is not installed is skipped, and a line says so; with `SMIME_REQUIRE_PEERS=1` that is a failure. Every case prints
//! a line, and every peer ends with a table of what it can and what, in its own words, it cannot do.

#![cfg(unix)]
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a helper of a test is a test

#[path = "interop/desk.rs"]
mod desk;
#[path = "interop/gpgsm.rs"]
mod gpgsm;
#[path = "interop/mail.rs"]
mod mail;
#[path = "interop/nss.rs"]
mod nss;
#[path = "interop/openssl.rs"]
mod openssl;
#[path = "interop/people.rs"]
mod people;
#[path = "interop/tally.rs"]
mod tally;

use mail::Us;
use tally::{Tally, say};

/// Whether all programs of a peer are there.
fn there(programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs.iter().copied().filter(|program| !desk::is_installed(program)).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: {missing}");
    say(&format!("skipped: not installed: {missing}"));
    false
}

#[test]
fn openssl_cms() {
    if there(&["openssl"]) {
        let us = Us::new();
        let peer = openssl::OpenSsl::new(&us);
        let mut tally = Tally::new(openssl::UNSUPPORTED, peer.release());
        peer.run(&mut tally);
        tally.finish("openssl");
    }
}

#[test]
fn gnupg_gpgsm() {
    if there(&["gpgsm", "gpg-agent", "gpgconf", "openssl"]) {
        let us = Us::new();
        let peer = gpgsm::Gpgsm::new(&us);
        let mut tally = Tally::new(gpgsm::UNSUPPORTED, peer.release());
        peer.run(&mut tally);
        tally.finish("gpgsm");
    }
}

#[test]
fn nss_cmsutil() {
    if there(&["cmsutil", "certutil", "pk12util", "modutil"]) {
        let us = Us::new();
        let peer = nss::Nss::new(&us);
        let mut tally = Tally::new(nss::UNSUPPORTED, peer.release());
        peer.run(&mut tally);
        tally.finish("nss");
    }
}

#[test]
#[ignore = "writes what is missing in test-vectors/keys"]
fn make_the_people() {
    people::make();
    people::People::read();
}
