//! Floor 5: what the caller wants, as plain data. A [`policy::Policy`] says how mail is composed and judged; a
//! [`profile::Profile`] is a ready-made row of such choices.

#[allow(clippy::module_inception)] // the object that the floor is named after
pub mod policy;
pub mod profile;
