//! Arithmetic in the instructions of a processor, chosen at run time. The only module with `unsafe`: for calls of functions
//! that need instructions, after those were found to be there, and for loads and stores of vectors.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(crate) mod aes;
#[cfg(target_arch = "x86_64")]
pub(crate) mod aes_cbc;
#[cfg(target_arch = "x86_64")]
pub(crate) mod aes_gcm;
#[cfg(target_arch = "x86_64")]
mod aes_lanes;
#[cfg(target_arch = "x86_64")]
mod stream;
