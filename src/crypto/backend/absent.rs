//! The accelerated side where it is not built, for lack of the feature `fast` or on a processor that it is not written for:
//! it gives no answer.

use super::Accelerated;
use crate::base::secret::Secret;
use std::convert::Infallible;

impl Accelerated for p256::NistP256 {
    type Prepared = Infallible;
}

impl Accelerated for p384::NistP384 {
    type Prepared = Infallible;
}

impl Accelerated for p521::NistP521 {
    type Prepared = Infallible;
}

pub(super) fn x25519_public(_scalar: &[u8; 32]) -> Option<[u8; 32]> {
    None
}

pub(super) fn x25519(_scalar: &[u8; 32], _peer: &[u8; 32]) -> Option<Option<Secret>> {
    None
}

#[derive(Clone)]
pub(super) enum Ed25519Prepared {}

impl Ed25519Prepared {
    pub(super) fn new(_seed: &[u8; 32]) -> Option<Self> {
        None
    }

    pub(super) fn sign(&self, _message: &[u8]) -> [u8; 64] {
        match *self {}
    }
}
