//! RSA keys whose factors are not as random as they should be, and so are found without effort (SEC-38). Only what is
//! cheap enough for each signature is tried: no list of known keys, and no comparison of keys with each other.

use super::rsa_key::trim;
use rsa::BoxedUint;
use std::fmt;

/// Why the factors of a modulus are easily found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakKey {
    /// It has this small prime among its factors.
    SmallFactor(u32),
    /// Its factors have the form that Infineon's library gave them (CVE-2017-15361, "ROCA").
    Roca,
    /// Its factors lie so close together that Fermat's method of 1643 finds them (CVE-2022-26320).
    CloseFactors,
}

impl fmt::Display for WeakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallFactor(prime) => write!(f, "its modulus is divisible by {prime}"),
            Self::Roca => f.write_str("its factors have the structure of CVE-2017-15361 (ROCA)"),
            Self::CloseFactors => f.write_str("its factors are so close to each other that Fermat's method finds them"),
        }
    }
}

/// Looks at a modulus, big-endian. `None` says that nothing was found, not that nothing is there.
pub fn find(modulus: &[u8]) -> Option<WeakKey> {
    let modulus = trim(modulus);
    let residues = Residues::of(modulus);
    if let Some((prime, _)) = residues.0.iter().find(|(_, residue)| *residue == 0) {
        return Some(WeakKey::SmallFactor(*prime));
    }
    if residues
        .0
        .iter()
        .filter(|(prime, _)| *prime <= ROCA_LAST_PRIME)
        .all(|&(prime, residue)| is_power(residue, prime))
    {
        return Some(WeakKey::Roca);
    }
    has_close_factors(modulus).then_some(WeakKey::CloseFactors)
}

/// CA/Browser Forum S/MIME Baseline Requirements 6.1.6: no factor below 752.
const SMALL_PRIMES_BELOW: u32 = 752;

/// Nemec et al., "The Return of Coppersmith's Attack" (2017), section 2: each factor is k * M + (65537^a mod M), where M is
/// the product of the first 39 primes for the shortest of these keys, and of more for others. So the modulus is a power of
/// 65537 modulo each of these primes, which by chance happens to one modulus in more than a hundred million.
const ROCA_LAST_PRIME: u32 = 167;
const ROCA_GENERATOR: u64 = 65537;

/// CA/Browser Forum S/MIME Baseline Requirements 6.1.1.3: a hundred rounds of Fermat's method.
const FERMAT_ROUNDS: u64 = 100;

/// The modulus modulo each of the small primes.
struct Residues(Vec<(u32, u32)>);

impl Residues {
    fn of(modulus: &[u8]) -> Self {
        let mut residues = Vec::with_capacity(140);
        let mut batch: Vec<u32> = Vec::with_capacity(12);
        let mut product = 1_u64;
        for prime in (2..SMALL_PRIMES_BELOW).filter(|n| is_prime(*n)) {
            // As many primes at a time as leave room for another 32 bits.
            if product * u64::from(prime) > u64::from(u32::MAX) {
                Self::divide(modulus, product, &batch, &mut residues);
                (product, batch) = (1, Vec::with_capacity(12));
            }
            product *= u64::from(prime);
            batch.push(prime);
        }
        Self::divide(modulus, product, &batch, &mut residues);
        Self(residues)
    }

    fn divide(modulus: &[u8], product: u64, primes: &[u32], into: &mut Vec<(u32, u32)>) {
        let mut rest = 0_u64;
        let (head, words) = modulus.split_at_checked(modulus.len() % 4).unwrap_or((modulus, &[]));
        for byte in head {
            rest = ((rest << 8) | u64::from(*byte)) % product;
        }
        for word in words.as_chunks::<4>().0 {
            rest = ((rest << 32) | u64::from(u32::from_be_bytes(*word))) % product;
        }
        into.extend(primes.iter().map(|prime| (*prime, u32::try_from(rest % u64::from(*prime)).unwrap_or(0))));
    }
}

fn is_prime(n: u32) -> bool {
    n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

/// Whether it is a power of 65537 modulo the prime.
fn is_power(residue: u32, prime: u32) -> bool {
    let prime = u64::from(prime);
    let mut power = 1 % prime;
    for _ in 0..prime {
        if power == u64::from(residue) {
            return true;
        }
        power = power * ROCA_GENERATOR % prime;
    }
    false
}

/// n = a^2 - b^2, for the first hundred a above the root of n. Which b^2 may be squares is seen in small numbers first.
fn has_close_factors(modulus: &[u8]) -> bool {
    let Ok(bits) = u32::try_from(modulus.len().saturating_mul(8)) else { return false };
    let Ok(n) = BoxedUint::from_be_slice(modulus, bits.next_multiple_of(64)) else { return false };
    let root = n.floor_sqrt_vartime();
    if root.wrapping_square() == n {
        return true;
    }
    let (small_n, small_root) = (rest(modulus), rest(&root.to_be_bytes()));
    (1..=FERMAT_ROUNDS).any(|round| {
        let small_a = small_root + round;
        if !may_be_square(small_a * small_a + SIEVE - small_n) {
            return false;
        }
        // b^2 is far below n, so that an a^2 beyond the precision does no harm.
        let Ok(step) = BoxedUint::from_be_slice(&round.to_be_bytes(), n.bits_precision()) else { return false };
        let a = root.wrapping_add(&step);
        a.wrapping_square().wrapping_sub(&n).checked_sqrt_vartime().is_some()
    })
}

/// Coprime numbers modulo which few numbers are squares; one in a hundred passes all four.
const MODULI: [u64; 4] = [64, 63, 65, 11];
const SIEVE: u64 = 64 * 63 * 65 * 11;

fn rest(number: &[u8]) -> u64 {
    number.iter().fold(0, |rest, byte| ((rest << 8) | u64::from(*byte)) % SIEVE)
}

fn may_be_square(number: u64) -> bool {
    MODULI.iter().all(|modulus| (0..*modulus).any(|root| root * root % modulus == number % modulus))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::{KeyKind, Material};

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn sec_038_each_kind_is_found() {
        assert_eq!(find(&bytes(ROCA)), Some(WeakKey::Roca));
        assert_eq!(find(&bytes(CLOSE)), Some(WeakKey::CloseFactors));
        assert_eq!(find(&bytes(SMALL)), Some(WeakKey::SmallFactor(751)));
        assert_eq!(find(&bytes(SQUARE)), Some(WeakKey::CloseFactors));
        assert_eq!(find(&[]), Some(WeakKey::SmallFactor(2)));
        // One more is another residue modulo nearly every prime.
        let mut other = bytes(ROCA);
        *other.last_mut().unwrap() ^= 2;
        assert_ne!(find(&other), Some(WeakKey::Roca));
    }

    #[test]
    fn sec_038_ordinary_keys_are_not() {
        for _ in 0..2 {
            let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap().public_key(&Limits::default()).unwrap();
            let Material::Rsa { key, .. } = &key.material else { panic!() };
            assert_eq!(find(&rsa::traits::PublicKeyParts::n_bytes(key.as_ref())), None);
        }
    }

    const ROCA: &str = "\
        a18a8dc4af1416e106eb33a6aa279c86415de08117aa611980192ab63f534112979c9c41699da3ba24e563e9c13512ac\
        4558b0f463e1d7e4da5a99eba65349238759af6b5444512593e284086508a4380f9443e586e213186ab8fa5c75619917\
        aa51ed30a56f19dd6e4bb059d8fe02c08f1a12c9c98ccbc649527f7793c551b2600b21359f5f70409188c52ee4ad1708\
        3be968f8f5ce43e1b016cc033f47ec8b5a861d97be4410814e47255b32291321c57ee190061189ae897940721bd56383\
        c38f10076f6e375d30d9c5f2075fcab5e977d518b9c50b3884264098f25981d166efa72433635e1a17b9e3794a40d0e2\
        ecf31a4380c64d8a52f5913ab4612d75";
    const CLOSE: &str = "\
        ce7dfd65464800f9be9e45e5bc28fff3e433a4110dd4b3c04b8f2be91949551cd08c538b34c75ce91b1a8f67a3ec619b\
        eb1dd487179f2f878e3ce7154c6fba75bad4e79bf2c9dcfed266a778f4cb14789adbd62736ada68a73ba4c9d3f265d14\
        af007c48a178b9e6b3197bc13cbe402f0b7eda8a8a3cf5e3510d9a6b49819c4b4abb6303730a3c22b1aba81c55981bb2\
        be3887a4a49e8c4c77d268c03383ce626fc50b1f53a6f8387d101cb31502930f24edcbfc36c3cd763606f2683e83d3ff\
        0945d545e43fe3f0261058dcf5ca9b55a54397425478bbc14f0ac26353c361829b5c8ef1caec07ee45b83ebce022984d\
        ab2ec7ef1d106422de11b9aedce13e27";
    const SMALL: &str = "\
        2e2b4f986caf180e007ab80486ed409351016b3fb481932d70d3c7fa334adc0de3340fa45f2eff3a5a18741afce12ede\
        459d0603bbb84679c58319cbd7945ed831264919a794c0d0e42dab35975f4e6feae4917e95030571e236b9dc4924aa1d\
        2d3d864daa41d16de89e6cde37b994873c74856c7513f62b1037741af5d7c11bf1238bdc75394c074c7fa3";
    const SQUARE: &str = "\
        e268181ac717cef4b8b2280476569967ad30e899035e42f42d8e36c71217c0646c1b066024052af4fe97be3d0da53f72\
        2c177a41970c5f6f7908343fe084a46025a3077148312601b3d4535366f76fe2dcd59a79880d3c68661e81426ce4b4f9\
        3958c3f9dbd51c8e5579cc9fddaf06516f66588729351dd2310678f42741a639";
}
