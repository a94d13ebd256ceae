//! Floor 5: private keys behind two traits, so that one may lie in memory, on a card, in a keychain or with a cloud.

#![deny(clippy::indexing_slicing)]

pub mod identity;
pub mod opening;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod signing;
pub mod software;
