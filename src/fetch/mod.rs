//! Floor 8: what has to be asked for over the network. The only place with a socket, and nothing here happens unless a
//! caller asks for it by name.
//!
//! Every address comes out of a certificate, so an attacker chose it ([`connect`] says what is held against that).

#![deny(clippy::indexing_slicing)]

pub mod cache;
pub mod connect;
pub mod http;
pub mod revocation;
