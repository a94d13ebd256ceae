//! The public half of an RSA key, judged before any arithmetic touches it (SEC-37).

use super::{Error, Result};
use crate::asn1::ber::Reader;
use crate::asn1::der;
use crate::base::limits::Limits;
use rsa::BoxedUint;

/// Reads `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 section A.1.1).
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<rsa::PublicKey> {
    const WHAT: &str = "RSAPublicKey";
    let mut inside = Reader::single(bytes, WHAT)?.sequence(WHAT)?;
    let n = inside.required_any("modulus")?.unsigned("modulus")?;
    let e = inside.required_any("publicExponent")?.unsigned("publicExponent")?;
    inside.finish(WHAT)?;
    public(n, e, limits)
}

/// From modulus and exponent, big-endian.
pub(crate) fn public(n: &[u8], e: &[u8], limits: &Limits) -> Result<rsa::PublicKey> {
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
    // A larger exponent serves nobody but who wants to slow us down; the arithmetic's bound is 33 bits.
    let e_bits = bit_length(e);
    if e_bits > 33 {
        return fail(format!("its public exponent has {e_bits} bits; 33 are accepted"));
    }
    if e_bits < 2 || e.last().is_none_or(|b| b & 1 == 0) {
        return fail("its public exponent is even or below 3".into());
    }
    let number =
        |bytes: &[u8], bits: u32| BoxedUint::from_be_slice(bytes, bits).map_err(|error| bad(error.to_string()));
    let n = number(n, u32::try_from(bits).unwrap_or(u32::MAX).next_multiple_of(64))?;
    rsa::PublicKey::new_with_size_limits(n, number(e, 64)?, min..=max).map_err(|error| bad(error.to_string()))
}

/// Writes `RSAPublicKey`.
pub(crate) fn write(key: &rsa::PublicKey) -> Vec<u8> {
    use rsa::traits::PublicKeyParts;
    der::sequence(&[der::unsigned(&key.n_bytes()), der::unsigned(&key.e_bytes())])
}

/// Bits of the modulus.
pub(crate) fn bits(key: &impl rsa::traits::PublicKeyParts) -> usize {
    bit_length(trim(&key.n_bytes()))
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

fn bad(why: String) -> Error {
    Error::BadKey { what: WHAT, why }
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
            assert_eq!(bits(&public(&modulus(bytes), &[1, 0, 1], &limits).unwrap()), bytes * 8);
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
