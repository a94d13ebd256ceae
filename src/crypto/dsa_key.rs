//! DSA, which FIPS 186-5 withdrew: public keys judged before any arithmetic touches them, and signatures verified. Nothing
//! here signs.
//!
//! The sizes are those of FIPS 186-4 section 4.2. Whether p and q are prime is not looked at, as elsewhere: parameters that
//! are no group weaken the signatures of whoever chose them, and the issuer of the certificate vouches for the choice.

use super::{Error, Result, rsa_key};
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::der;
use rsa::BoxedUint;
use signature::hazmat::PrehashVerifier;

/// Reads a key from its parameters and the octets of its subjectPublicKey (RFC 3279 section 2.3.2).
/// ```text
/// Dss-Parms ::= SEQUENCE { p INTEGER, q INTEGER, g INTEGER }
/// DSAPublicKey ::= INTEGER
/// ```
pub(crate) fn read(parameters: &[u8], key: &[u8]) -> Result<dsa::VerifyingKey> {
    const PARMS: &str = "Dss-Parms";
    let mut inside = Reader::single(parameters, PARMS)?.sequence(PARMS)?;
    let mut number = |what| inside.required(Tag::INTEGER, what)?.unsigned(what);
    let (p, q, g) = (number("p")?, number("q")?, number("g")?);
    inside.finish(PARMS)?;
    let y = Reader::single(key, "DSAPublicKey")?.unsigned("DSAPublicKey")?;
    judge(p, q, g, y)
}

/// Sizes first, since the arithmetic's cost is in them, then ranges; the two exponentiations come last.
fn judge(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Result<dsa::VerifyingKey> {
    let [p, q, g, y] = [p, q, g, y].map(rsa_key::trim);
    let (bits, order_bits) = (rsa_key::bit_length(p), rsa_key::bit_length(q));
    if !SIZES.iter().any(|(l, _)| *l == bits) {
        return Err(Error::KeySize { what: WHAT, bits, min: 1024, max: 3072 });
    }
    if !SIZES.contains(&(bits, order_bits)) {
        return Err(bad(format!("its q has {order_bits} bits, which no key with {bits} bits has")));
    }
    let even = |number: &[u8]| number.last().is_none_or(|octet| octet & 1 == 0);
    if even(p) || even(q) {
        return Err(bad("its p or q is even".into()));
    }
    for (name, number) in [("g", g), ("y", y)] {
        // Equal lengths compare as numbers do.
        let below_p = number.len() < p.len() || (number.len() == p.len() && number < p);
        if rsa_key::bit_length(number) < 2 || !below_p {
            return Err(bad(format!("its {name} is not between 2 and p")));
        }
    }
    let width = u32::try_from(bits).unwrap_or(u32::MAX);
    // All of the field's width: the arithmetic wants equal ones.
    let of = |number: &[u8], width: u32| BoxedUint::from_be_slice(number, width).map_err(|e| bad(e.to_string()));
    let (p, q) = (of(p, width)?, of(q, u32::try_from(order_bits).unwrap_or(u32::MAX))?);
    let components =
        || dsa::Components::from_components(p.clone(), q.clone(), of(g, width)?).map_err(|_| bad(GROUP.into()));
    // The crate asks of a public key that it lies in the subgroup of order q; the generator is asked the same, so that 1 and
    // p - 1 are none (FIPS 186-4 appendix A.2.2).
    let _generator = dsa::VerifyingKey::from_components(components()?, of(g, width)?).map_err(|_| bad(GROUP.into()))?;
    dsa::VerifyingKey::from_components(components()?, of(y, width)?)
        .map_err(|_| bad("its y does not lie in the subgroup of order q".into()))
}

/// Bits of p.
pub(crate) fn bits(key: &dsa::VerifyingKey) -> u32 {
    key.components().p().bit_width()
}

/// Whether `signature`, `Dss-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` in DER, is one of this digest (FIPS 186-4
/// section 4.7). Zero, negative numbers, numbers from q on, and any other encoding of the same numbers are refused.
pub(crate) fn verify(key: &dsa::VerifyingKey, digest: &[u8], signature: &[u8]) -> Result<()> {
    let value = read_signature(signature, key.components().q().bit_width()).ok_or(Error::BadSignature)?;
    key.verify_prehash(digest, &value).map_err(|_| Error::BadSignature)
}

fn read_signature(signature: &[u8], order_bits: u32) -> Option<dsa::Signature> {
    const WHAT: &str = "Dss-Sig-Value";
    let mut inside = Reader::single(signature, WHAT).ok()?.sequence(WHAT).ok()?;
    let mut number = || inside.required(Tag::INTEGER, WHAT).ok()?.unsigned(WHAT).ok();
    let (r, s) = (number()?, number()?);
    inside.finish(WHAT).ok()?;
    if der::sequence(&[der::unsigned(r), der::unsigned(s)]) != signature {
        return None;
    }
    // A number of more bits is no number below q, and its size would be the attacker's choice.
    let of = |number: &[u8]| {
        let fits = rsa_key::bit_length(number) <= order_bits as usize;
        BoxedUint::from_be_slice(rsa_key::trim(number), order_bits).ok().filter(|_| fits)
    };
    dsa::Signature::from_components(of(r)?, of(s)?)
}

fn bad(why: String) -> Error {
    Error::BadKey { what: WHAT, why }
}

const WHAT: &str = "the DSA key";
const GROUP: &str = "its g does not generate a subgroup of order q";
/// Bits of p and of q that go together: FIPS 186-4 section 4.2.
const SIZES: [(usize, usize); 4] = [(1024, 160), (2048, 224), (2048, 256), (3072, 256)];

#[cfg(test)]
pub(crate) mod tests;
