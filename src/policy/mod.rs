//! Floor 5: what the caller wants, as plain data. A [`policy::Policy`] says how mail is composed and judged; a
//! [`profile::Profile`] is a ready-made row of such choices.
//!
//! Whoever administers mail has their say elsewhere: in Intune ([`intune`]), in Exchange ([`exchange`], [`activesync`]),
//! in Windows's registry ([`registry`]). Each is read into plain data of its own, [`effective`] says what of it counts
//! for a user, and [`document`] (feature `policy-files`) reads all of their files.

pub mod activesync;
pub mod deployment;
#[cfg(feature = "policy-files")]
pub mod document;
pub mod effective;
pub mod exchange;
pub mod intune;
#[cfg(feature = "policy-files")]
pub mod json;
#[cfg(feature = "policy-files")]
pub mod plist;
#[allow(clippy::module_inception)] // the object that the floor is named after
pub mod policy;
pub mod powershell;
pub mod profile;
pub mod registry;
pub mod sending;
pub mod table;
pub mod value;
