//! Floor 1: what every other floor stands on. Limits, time, secrets, addresses, and bytes that can be read twice.

pub mod address;
mod domain;
pub mod limits;
pub mod lookalike;
pub mod reason;
pub mod secret;
pub mod source;
pub mod time;
