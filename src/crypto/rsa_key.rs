//! The public half of an RSA key, judged before any arithmetic touches it (SEC-37), and its operation.

use super::kernel::montgomery::{self, Modulus, is_below};
use super::{Error, Result};
use crate::asn1::ber::Reader;
use crate::asn1::der;
use crate::base::limits::Limits;
use std::sync::Arc;

/// Modulus and exponent. What the arithmetic needs of the modulus besides is computed once, and shared by clones.
#[derive(Clone)]
pub(crate) struct RsaPublicKey {
    modulus: Arc<Modulus>,
    exponent: u64,
}

impl RsaPublicKey {
    /// Bits of the modulus.
    pub(crate) fn bits(&self) -> usize {
        self.modulus.bits()
    }

    /// Bytes of the modulus, and so of everything that the operation takes and gives.
    pub(crate) fn size(&self) -> usize {
        self.bits().div_ceil(8)
    }

    /// The modulus, big-endian, without leading zeros.
    pub(crate) fn modulus_bytes(&self) -> Vec<u8> {
        montgomery::bytes(self.modulus.value(), self.size()).to_vec()
    }

    /// The modulus and its arithmetic.
    pub(crate) fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// The public exponent.
    pub(crate) fn exponent(&self) -> u64 {
        self.exponent
    }

    /// RSAEP and RSAVP1 (RFC 8017 sections 5.1.1 and 5.2.2): `None` where the block is not as long as the modulus or not
    /// below it.
    pub(crate) fn apply(&self, block: &[u8]) -> Option<Vec<u8>> {
        let number = self.number(block)?;
        let power = self.modulus.power_public(&number, self.exponent);
        Some(montgomery::bytes(&power, self.size()).to_vec())
    }

    /// A block as a number, where it is one for this key.
    pub(crate) fn number(&self, block: &[u8]) -> Option<montgomery::Limbs> {
        let number = montgomery::limbs(block, self.modulus.limbs())?;
        (block.len() == self.size() && is_below(&number, self.modulus.value())).then_some(number)
    }
}

/// Reads `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 section A.1.1).
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<RsaPublicKey> {
    const WHAT: &str = "RSAPublicKey";
    let mut inside = Reader::single(bytes, WHAT)?.sequence(WHAT)?;
    let n = inside.required_any("modulus")?.unsigned("modulus")?;
    let e = inside.required_any("publicExponent")?.unsigned("publicExponent")?;
    inside.finish(WHAT)?;
    public(n, e, limits)
}

/// From modulus and exponent, big-endian.
pub(crate) fn public(n: &[u8], e: &[u8], limits: &Limits) -> Result<RsaPublicKey> {
    let fail = |why: String| Err(Error::BadKey { what: WHAT, why });
    let (n, e) = (trim(n), trim(e));
    let (min, max) = (limits.rsa_min_bits, limits.rsa_max_bits);
    let bits = bit_length(n);
    if !(min..=max).contains(&bits) {
        return Err(Error::KeySize { what: WHAT, bits, min, max });
    }
    if n.last().is_none_or(|b| b & 1 == 0) {
        return fail("its modulus is even".into());
    }
    // A larger exponent serves nobody but who wants to slow us down.
    let e_bits = bit_length(e);
    if e_bits > 33 {
        return fail(format!("its public exponent has {e_bits} bits; 33 are accepted"));
    }
    if e_bits < 2 || e.last().is_none_or(|b| b & 1 == 0) {
        return fail("its public exponent is even or below 3".into());
    }
    if e_bits > bits || (e_bits == bits && e >= n) {
        return fail("its public exponent is not below its modulus".into());
    }
    let exponent = e.iter().fold(0, |exponent, byte| exponent << 8 | u64::from(*byte));
    let Some(modulus) = Modulus::public(n) else { return fail("its modulus is below 3".into()) };
    Ok(RsaPublicKey { modulus: Arc::new(modulus), exponent })
}

/// Writes `RSAPublicKey`.
pub(crate) fn write(key: &RsaPublicKey) -> Vec<u8> {
    der::sequence(&[der::unsigned(&key.modulus_bytes()), der::unsigned(trim(&key.exponent.to_be_bytes()))])
}

pub(crate) fn bit_length(bytes: &[u8]) -> usize {
    match trim(bytes).split_first() {
        Some((first, rest)) => rest.len().saturating_mul(8).saturating_add(8 - first.leading_zeros() as usize),
        None => 0,
    }
}

/// Without leading zeros.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

const WHAT: &str = "the RSA key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_037_size_and_shape_are_judged_before_arithmetic() {
        let limits = Limits::default();
        let modulus = |bytes: usize| {
            let mut n = vec![0xc5; bytes];
            n[bytes - 1] = 0x35;
            n
        };
        for bytes in [0, 1, 64, 127, 1025, 8192, 1 << 20] {
            let n = if bytes == 0 { Vec::new() } else { modulus(bytes) };
            assert!(matches!(public(&n, &[1, 0, 1], &limits), Err(Error::KeySize { .. })), "{bytes}");
        }
        for bytes in [128, 256, 1024] {
            assert_eq!(public(&modulus(bytes), &[1, 0, 1], &limits).unwrap().bits(), bytes * 8);
        }
        let mut even = modulus(256);
        even[255] = 0x36;
        assert!(matches!(public(&even, &[1, 0, 1], &limits), Err(Error::BadKey { .. })));
        for e in [&[][..], &[0], &[1], &[2], &[4], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1; 8192]] {
            assert!(matches!(public(&modulus(256), e, &limits), Err(Error::BadKey { .. })), "{}", e.len());
        }
        assert!(public(&modulus(256), &[3], &limits).is_ok());
    }
}
