//! Floor 8: what has to be asked for over the network. The only place with a socket, and nothing here happens unless a
//! caller asks for it by name.
//!
//! Addresses come out of certificates, so an attacker chose them ([`connect`] says what is held against that), but for
//! those of directories, which somebody named.

#![deny(clippy::indexing_slicing)]

#[cfg(feature = "net")]
pub mod cache;
pub mod connect;
#[cfg(feature = "net")]
pub mod http;
#[cfg(feature = "ldap")]
pub mod ldap;
#[cfg(feature = "net")]
pub mod revocation;
#[cfg(feature = "net")]
pub mod scep;
#[cfg(feature = "ldap")]
pub mod tls;
