//! What is too slow in portable Rust, or cannot be told to the compiler in it: the only place with `unsafe`. Which version
//! runs is found out at run time, and callers are safe code.
//!
//! [`montgomery`] is the arithmetic of RSA: powers modulo odd numbers, in constant time where the exponent is secret. It
//! has one portable version, which every processor runs, and versions for processors that can do more
//! ([`Backend::best`]). Numbers are little-endian limbs of 64 bits. [`aes`] is AES in CBC and GCM for processors that have
//! instructions for it; elsewhere the portable crates do it.

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
mod ifma;
pub(crate) mod montgomery;
#[cfg(target_arch = "x86_64")]
mod mulx;
mod portable;
#[cfg(target_arch = "x86_64")]
mod stream;
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

/// `--cfg smime_backend="avx2"` leaves the instructions of AVX-512 aside: to measure what other processors would take.
pub(crate) const WITHOUT_AVX512: bool = cfg!(smime_backend = "avx2");

impl Backend {
    /// The fastest one that this processor has, or the portable one without the feature `fast`.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        *BEST.get_or_init(|| {
            let versions = Self::available().filter(|_| cfg!(feature = "fast"));
            // Without optimisation each vector instruction is a call, and the assembler six times as fast.
            #[cfg(target_arch = "x86_64")]
            let versions = versions.filter(|version| !cfg!(debug_assertions) || *version != Self::Ifma);
            let mut versions = versions;
            versions.next().unwrap_or(Self::Portable)
        })
    }

    /// All that this processor has, the fastest first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let special = {
            let mulx = mulx::is_available().then_some(Self::Mulx);
            mulx.filter(|_| ifma::is_available() && !WITHOUT_AVX512).map(|_| Self::Ifma).into_iter().chain(mulx)
        };
        #[cfg(not(target_arch = "x86_64"))]
        let special = None.into_iter();
        special.chain([Self::Portable])
    }
}
