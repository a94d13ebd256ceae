//! What is too slow in portable Rust, or cannot be told to the compiler in it: the only place with `unsafe`.
//!
//! [`montgomery`] is the arithmetic of RSA: powers modulo odd numbers, in constant time where the exponent is secret. It
//! has one portable version, which every processor runs, and versions for processors that can do more; which one runs is
//! found out once ([`Backend::best`]). Callers are safe code, and see numbers as little-endian limbs of 64 bits.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod ifma;
pub(crate) mod montgomery;
#[cfg(target_arch = "x86_64")]
mod mulx;
mod portable;
#[cfg(test)]
pub(crate) mod undefined;

use std::sync::OnceLock;

/// Which version of the arithmetic runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Backend {
    /// Plain Rust.
    Portable,
    /// x86-64 with BMI2 and ADX: two carry chains at once.
    #[cfg(target_arch = "x86_64")]
    Mulx,
    /// The same with AVX-512 IFMA: the powers of the sizes that keys have by eight digits at once.
    #[cfg(target_arch = "x86_64")]
    Ifma,
}

impl Backend {
    /// The fastest one that this processor has.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().next().unwrap_or(Self::Portable))
    }

    /// All that this processor has, the fastest first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let special = {
            let mulx = mulx::is_available().then_some(Self::Mulx);
            mulx.filter(|_| ifma::is_available()).map(|_| Self::Ifma).into_iter().chain(mulx)
        };
        #[cfg(not(target_arch = "x86_64"))]
        let special = None.into_iter();
        special.chain([Self::Portable])
    }
}
