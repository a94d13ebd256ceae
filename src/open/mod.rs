//! Floor 7, the way in: a message is peeled layer by layer, each layer is judged before anything of it is read
//! further, and what was found is reported.

#![deny(clippy::indexing_slicing)]

mod armour;
mod base64;
mod decrypt;
mod derived;
pub mod doctor;
mod evidence;
pub mod harvest;
mod hashing;
mod inflate;
pub mod key_attachments;
#[cfg(feature = "msg")]
pub mod msg;
pub mod opener;
pub mod outline;
mod peel;
pub mod redact;
pub mod report;
pub mod requirement;
mod shape;
mod variants;
mod verify;
