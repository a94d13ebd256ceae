//! The encodings of private keys inside PKCS#8: RFC 8017 section A.1.2 for RSA, RFC 5915 for curves.

use super::super::algorithm::{AlgorithmIdentifier, Curve};
use super::super::rsa_private::RsaPrivateKey;
use super::super::{Error, Result, rsa_key};
use super::{PrivateKey, bad};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use rsa::BoxedUint;
use rsa::traits::PrivateKeyParts;
use zeroize::Zeroizing;

/// ```text
/// RSAPrivateKey ::= SEQUENCE { version INTEGER, modulus, publicExponent, privateExponent, prime1, prime2, exponent1,
///     exponent2, coefficient INTEGER }
/// ```
/// Every part is checked against the others, those too that the arithmetic would not need (SEC-127).
pub(super) fn read_rsa(bytes: &[u8]) -> Result<RsaPrivateKey> {
    const WHAT: &str = "RSAPrivateKey";
    let mut inside = Reader::single(bytes, WHAT)?.sequence(WHAT)?;
    if inside.required_any("version")?.small("version")? != 0 {
        return Err(bad(RSA, "it has more than two primes"));
    }
    let mut next = |what| inside.required_any(what)?.unsigned(what);
    let (n, e, d) = (next("modulus")?, next("publicExponent")?, next("privateExponent")?);
    let (p, q) = (next("prime1")?, next("prime2")?);
    let (dp, dq, coefficient) = (next("exponent1")?, next("exponent2")?, next("coefficient")?);
    inside.finish(WHAT)?;

    rsa_key::public(n, e, &Limits::default())?;
    let bits = u32::try_from(rsa_key::bit_length(n)).unwrap_or(u32::MAX).next_multiple_of(64);
    let number = |bytes: &[u8], bits| BoxedUint::from_be_slice(bytes, bits).map_err(|_| bad(RSA, "a part is too long"));
    let primes = vec![number(p, bits)?, number(q, bits)?];
    let key = rsa::PrivateKey::from_components(number(n, bits)?, number(e, 64)?, number(d, bits)?, primes)
        .map_err(|error| bad(RSA, error.to_string()))?;

    let same = |computed: Option<&BoxedUint>, read: &[u8]| {
        computed.is_some_and(|number| rsa_key::trim(&Zeroizing::new(number.to_be_bytes())) == rsa_key::trim(read))
    };
    let computed = key.crt_coefficient();
    if !same(key.dp(), dp) || !same(key.dq(), dq) || !same(computed.as_ref(), coefficient) {
        return Err(bad(RSA, "its exponents or its coefficient for the Chinese remainder do not fit its primes"));
    }
    RsaPrivateKey::new(&key)
}

pub(super) fn write_rsa(key: &RsaPrivateKey) -> Zeroizing<Vec<u8>> {
    let parts = key.parts().map(|number| {
        let digits = rsa_key::trim(&number);
        let sign: &[u8] = if digits.first().is_none_or(|b| *b & 128 != 0) { &[0] } else { &[] };
        seal(Tag::INTEGER, &[sign, digits])
    });
    let version = der::integer(0);
    let parts: Vec<&[u8]> = std::iter::once(version.as_slice()).chain(parts.iter().map(|p| p.as_slice())).collect();
    seal(Tag::SEQUENCE, &parts)
}

/// ```text
/// ECPrivateKey ::= SEQUENCE { version INTEGER (1), privateKey OCTET STRING, parameters [0] OPTIONAL,
///     publicKey [1] BIT STRING OPTIONAL }
/// ```
pub(super) fn read_ec(bytes: &[u8], outside: Option<Curve>) -> Result<PrivateKey> {
    const WHAT: &str = "ECPrivateKey";
    let mut inside = Reader::single(bytes, WHAT)?.sequence(WHAT)?;
    if inside.required_any("version")?.small("version")? != 1 {
        return Err(bad(EC, "its version is not 1"));
    }
    let scalar = Zeroizing::new(inside.required_any("privateKey")?.octets("privateKey")?.into_owned());
    let named = match inside.optional(Tag::context(0), "parameters")? {
        Some(element) => {
            let parameters = element.explicit("parameters")?.raw().to_vec();
            Some(Curve::from_identifier(&AlgorithmIdentifier::with(oid::EC_PUBLIC_KEY, parameters))?)
        }
        None => None,
    };
    let public = inside.optional(Tag::context(1), "publicKey")?;
    inside.finish(WHAT)?;
    let curve = match (outside, named) {
        (Some(outside), Some(named)) if outside != named => {
            return Err(Error::AlgorithmMismatch {
                what: "the curves outside and inside the private key",
                expected: outside.name().into(),
                found: named.name().into(),
            });
        }
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => return Err(bad(EC, "its curve is not named")),
    };
    let key = PrivateKey::from_scalar(curve.into(), &scalar)?;
    if let Some(public) = public {
        key.check_public(public.explicit("publicKey")?.whole_bits("publicKey")?)?;
    }
    Ok(key)
}

/// `[1] IMPLICIT BIT STRING` of OneAsymmetricKey.
pub(super) fn implicit_bits(element: &Element<'_>) -> Result<Vec<u8>> {
    match element.content().split_first() {
        Some((0, bytes)) if !element.constructed => Ok(bytes.to_vec()),
        _ => Err(bad("the private key", "the public key inside is malformed")),
    }
}

/// One DER element over parts, made in a buffer that never moves and is overwritten afterwards.
pub(super) fn seal(tag: Tag, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let header = der::header(tag, tag == Tag::SEQUENCE, length as u64);
    let mut out = Zeroizing::new(Vec::with_capacity(header.len() + length));
    out.extend_from_slice(&header);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(super) const RSA: &str = "the RSA private key";
const EC: &str = "the elliptic curve private key";
