//! Floor 5: private keys behind two traits, so that one may lie in memory, on a card, in a keychain or with a cloud.

#![deny(clippy::indexing_slicing)]

pub mod identity;
pub mod opening;
pub mod signing;
pub mod software;
