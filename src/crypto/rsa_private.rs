//! The private RSA operation: by the Chinese remainder theorem, blinded, and checked before anything of it comes out.

use super::kernel::Backend;
use super::kernel::montgomery::{self, Limbs, Modulus, is_below, power_pair, sum_with_product};
use super::random::Random;
use super::rsa_key::{self, RsaPublicKey};
use super::{Error, Result};
use crate::base::limits::Limits;
use rsa::BoxedUint;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use std::sync::Mutex;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A key of two primes. Everything secret in it is overwritten when it is dropped.
pub(crate) struct RsaPrivateKey {
    public: RsaPublicKey,
    /// The private exponent, big-endian, as long as the modulus in whole limbs.
    d: Zeroizing<Vec<u8>>,
    p: Modulus,
    q: Modulus,
    dp: Limbs,
    dq: Limbs,
    /// q^-1 mod p, and the same in Montgomery's form.
    coefficient: Limbs,
    coefficient_form: Limbs,
    blinding: Blinding,
}

impl RsaPrivateKey {
    /// From a key that has been validated.
    pub(crate) fn new(key: &rsa::PrivateKey) -> Result<Self> {
        let unusable = || Error::BadKey { what: WHAT, why: "it has not two odd primes".into() };
        let [p, q] = key.primes() else { return Err(unusable()) };
        let (Some(dp), Some(dq), Some(coefficient)) = (key.dp(), key.dq(), key.crt_coefficient()) else {
            return Err(unusable());
        };
        let coefficient = Zeroizing::new(coefficient);
        let octets = |number: &BoxedUint| Zeroizing::new(number.to_be_bytes().into_vec());
        let any = Limits { rsa_min_bits: 0, rsa_max_bits: usize::MAX, ..Limits::default() };
        let public = rsa_key::public(&key.n_bytes(), &key.e_bytes(), &any)?;
        let (p, q) = (octets(p), octets(q));
        // Both have as many limbs as the longer one, so that what is below one can be taken by the other.
        let size = rsa_key::trim(&p).len().max(rsa_key::trim(&q).len()).div_ceil(8);
        let modulus = |bytes: &[u8]| Modulus::secret(rsa_key::trim(bytes), size).ok_or_else(unusable);
        let (p, q) = (modulus(&p)?, modulus(&q)?);
        let number =
            |number: &BoxedUint| montgomery::limbs(rsa_key::trim(&octets(number)), p.limbs()).ok_or_else(unusable);
        let (dp, dq, coefficient) = (number(dp)?, number(dq)?, number(&coefficient)?);
        let coefficient_form = p.to_form(&coefficient);
        let (d, blinding) = (octets(key.d()), Blinding::default());
        Ok(Self { public, d, p, q, dp, dq, coefficient, coefficient_form, blinding })
    }

    /// The public half.
    pub(crate) fn public(&self) -> &RsaPublicKey {
        &self.public
    }

    /// The private exponent, big-endian, with the leading zeros up to the modulus' limbs.
    pub(crate) fn private_exponent(&self) -> &[u8] {
        &self.d
    }

    /// The numbers of `RSAPrivateKey`, big-endian: modulus, publicExponent, privateExponent, prime1, prime2, exponent1,
    /// exponent2 and coefficient.
    pub(crate) fn parts(&self) -> [Zeroizing<Vec<u8>>; 8] {
        let octets = |limbs: &[u64]| montgomery::bytes(limbs, 8 * limbs.len());
        [
            octets(self.public.modulus().value()),
            octets(&[self.public.exponent()]),
            self.d.clone(),
            octets(self.p.value()),
            octets(self.q.value()),
            octets(&self.dp),
            octets(&self.dq),
            octets(&self.coefficient),
        ]
    }

    /// RSADP and RSASP1 (RFC 8017 sections 5.1.2 and 5.2.1), blinded, and checked against faults: a wrong result, from
    /// which the primes could be had, is an error.
    ///
    /// # Errors
    /// [`Error::Decrypt`] where the block is not as long as the modulus or not below it, or the check fails; [`Error::Rng`].
    pub(crate) fn apply(&self, random: &mut dyn Random, block: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let n = self.public.modulus();
        let number = self.public.number(block).ok_or(Error::Decrypt)?;
        let (factor, inverse) = self.blinding.pair(random, &self.public)?;
        let blinded = n.multiply(&number, &factor);
        let power = self.power(Backend::best(), &blinded);
        let back = n.power_public(&power, self.public.exponent());
        if !bool::from(back.ct_eq(&blinded)) {
            return Err(Error::Decrypt);
        }
        Ok(montgomery::bytes(&n.multiply(&power, &inverse), self.public.size()))
    }

    /// RFC 8017 section 5.1.2 step 2.b.
    fn power(&self, backend: Backend, c: &[u64]) -> Limbs {
        let (p, q) = (&self.p, &self.q);
        let bases = [p.reduce(c), q.reduce(c)];
        let [m1, m2] = power_pair(backend, [p, q], [&bases[0], &bases[1]], [&self.dp, &self.dq]);
        // (m1 - m2) / q mod p, in this order since m2 may be above p.
        let h = p.subtract(&p.multiply(&m1, &self.coefficient_form), &p.multiply(&m2, &self.coefficient_form));
        let mut m = sum_with_product(&m2, &h, q.value());
        m.resize(self.public.modulus().limbs(), 0);
        m
    }
}

/// Pairs r^e and r^-1 that are kept between uses, and squared for each (Kocher, "Timing attacks", 1996, section 10). Each has
/// a lock of its own: an operation takes a pair at random of those that nobody holds, so that threads do not wait for
/// each other.
#[derive(Default)]
struct Blinding([Mutex<Option<Pair>>; 4]);

/// In Montgomery's form.
struct Pair {
    factor: Limbs,
    inverse: Limbs,
    uses: u32,
}

impl Blinding {
    /// After so many uses a pair is drawn anew.
    const USES: u32 = 64;

    /// A pair that no other operation has, not even on another thread.
    fn pair(&self, random: &mut dyn Random, key: &RsaPublicKey) -> Result<(Limbs, Limbs)> {
        let mut draw = [0];
        random.fill(&mut draw)?;
        let first = usize::from(draw[0]) % self.0.len();
        for slot in self.0.iter().cycle().skip(first).take(self.0.len()) {
            let Ok(mut slot) = slot.try_lock() else { continue };
            let pair = match slot.take() {
                Some(pair) if pair.uses < Self::USES => pair.squared(key),
                _ => Pair::fresh(random, key)?,
            };
            let taken = (pair.factor.clone(), pair.inverse.clone());
            *slot = Some(pair);
            return Ok(taken);
        }
        let Pair { factor, inverse, .. } = Pair::fresh(random, key)?;
        Ok((factor, inverse))
    }
}

impl Pair {
    fn fresh(random: &mut dyn Random, key: &RsaPublicKey) -> Result<Self> {
        let n = key.modulus();
        for _ in 0..TRIES {
            let (r, s) = (below(random, key)?, below(random, key)?);
            // How long an inversion takes tells its number; r s tells nothing of r.
            let s_form = n.to_form(&s);
            let Some(inverse) = invert(&n.multiply(&r, &s_form), n) else { continue };
            let inverse = n.multiply(&n.to_form(&inverse), &s_form);
            let factor = n.to_form(&n.power_public(&r, key.exponent()));
            return Ok(Self { factor, inverse, uses: 1 });
        }
        Err(no_number())
    }

    fn squared(self, key: &RsaPublicKey) -> Self {
        let n = key.modulus();
        Self {
            factor: n.multiply(&self.factor, &self.factor),
            inverse: n.multiply(&self.inverse, &self.inverse),
            uses: self.uses + 1,
        }
    }
}

/// A random number below the modulus.
fn below(random: &mut dyn Random, key: &RsaPublicKey) -> Result<Limbs> {
    let mut bytes = Zeroizing::new(vec![0; key.size()]);
    for _ in 0..TRIES {
        random.fill(&mut bytes)?;
        if let Some(first) = bytes.first_mut() {
            *first &= 0xff >> (8 * key.size() - key.bits());
        }
        if let Some(number) = montgomery::limbs(&bytes, key.modulus().limbs())
            && is_below(&number, key.modulus().value())
        {
            return Ok(number);
        }
    }
    Err(no_number())
}

/// A source that gives the same bytes all the time is none, and shall not be asked for ever.
fn no_number() -> Error {
    Error::Rng("what it gives makes no blinding factor".into())
}

/// x^-1 mod n, in a time that depends on x; `None` where there is none.
fn invert(x: &[u64], n: &Modulus) -> Option<Limbs> {
    let n = BoxedUint::from_words(n.value().iter().copied()).to_odd().into_option()?;
    let mut x = BoxedUint::from_words(x.iter().copied());
    let inverse: Option<BoxedUint> = x.invert_odd_mod_vartime(&n).into_option();
    x.zeroize();
    let inverse = Zeroizing::new(inverse?);
    Some(Zeroizing::new(inverse.as_words().to_vec()))
}

/// How often a random number that is too large, which each second one may be, is drawn anew.
const TRIES: usize = 256;
const WHAT: &str = "the RSA private key";

#[cfg(test)]
mod tests;
