//! Floor 7, the way out: signing and encrypting. Nothing leaves that the way in would refuse.

#![deny(clippy::indexing_slicing)]

pub mod encrypt;
pub mod envelopes;
mod form;
pub mod installation_mail;
pub mod layers;
pub mod message;
pub mod negotiation;
pub mod notice;
mod out;
pub mod recipients;
pub mod sign;
mod signed;
