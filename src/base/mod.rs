//! Floor 1: what every other floor stands on. Limits, time, secrets, addresses, file names, and bytes that can be read twice.

pub mod address;
pub mod file_name;
pub mod limits;
pub mod reason;
pub mod secret;
pub mod source;
pub mod time;
