//! Private operations held to those of `rsa`; faults, blinding, and time.

use super::*;
use crate::crypto::kernel::undefined::{can_be_asked, case, complaints, hide, show};
use crate::crypto::random::SystemRandom;
use crate::crypto::random::tests::Broken;
use crate::crypto::random::{Rng, bytes};

/// Two primes of 512 bits.
const P: &str = "\
    cd993b5a21020f4ac4093d9e5b7d80a46741c17d7fee510b646cd9a581c4ee5c\
    f683896bd8b257dda908d2a5de20775423acf87f3249c45a8354fbc952e6d6b3";
const Q: &str = "\
    ca24a40a6a7e8d81bfca17197e5c2d2532c61b5bc1abdb417f4f41c66bd8ccb0\
    796b6b417755905ddb3663ecbc1be794e820d994087f41a57aaa3e7599f356bb";

fn number(hex: &str) -> BoxedUint {
    BoxedUint::from_str_radix_vartime(hex, 16).unwrap()
}

fn small() -> RsaPrivateKey {
    RsaPrivateKey::new(&from_primes(number(P), number(Q), 65537)).unwrap()
}

fn from_primes(p: BoxedUint, q: BoxedUint, e: u64) -> rsa::PrivateKey {
    rsa::PrivateKey::from_p_q(p, q, BoxedUint::from(e)).unwrap()
}

/// What `rsa` makes of a block, without blinding.
fn by_division(key: &rsa::PrivateKey, block: &[u8]) -> Vec<u8> {
    let precision = key.n_bits_precision();
    let c = BoxedUint::from_be_slice(block, precision).unwrap();
    let m = rsa::hazmat::rsa_decrypt_and_check::<Rng<'_>>(key, None, &c).unwrap().to_be_bytes();
    m[m.len() - key.size()..].to_vec()
}

/// 0, 1, n - 1, n - 2, powers of two, all ones as far as it goes, multiples of each prime.
fn edges(key: &rsa::PrivateKey) -> Vec<Vec<u8>> {
    let (n, size) = (key.n().as_ref().clone(), key.size());
    let precision = n.bits_precision();
    let small = |value: u64| BoxedUint::from_words_with_precision([value], precision);
    let mut numbers = vec![small(0), small(1), small(2), n.wrapping_sub(small(1)), n.wrapping_sub(small(2))];
    for bit in [63, 64, key.n().bit_width() / 2, key.n().bit_width() - 2] {
        numbers.push(small(1).wrapping_shl_vartime(bit));
        numbers.push(small(1).wrapping_shl_vartime(bit).wrapping_sub(small(1)));
    }
    for prime in key.primes() {
        let prime = BoxedUint::from_words_with_precision(prime.as_words().iter().copied(), precision);
        numbers.extend([prime.clone(), prime.wrapping_mul(small(12345)), n.wrapping_sub(&prime)]);
    }
    numbers.iter().map(|number| number.to_be_bytes()).map(|b| b[b.len() - size..].to_vec()).collect()
}

#[test]
fn private_operations_are_those_of_rsa() {
    let mut rng = Rng(&mut SystemRandom);
    let fresh = |rng: &mut Rng<'_>, bits| rsa::PrivateKey::new_unchecked(rng, bits).unwrap();
    // Bits, and operations.
    let sizes: &[(usize, usize)] = match cfg!(debug_assertions) {
        true => &[(1024, 20), (2048, 10)],
        false => &[(1024, 700), (1032, 100), (1536, 300), (2048, 500), (2050, 100), (3072, 200), (4096, 100)],
    };
    let mut keys: Vec<(rsa::PrivateKey, usize)> = sizes.iter().map(|(bits, n)| (fresh(&mut rng, *bits), *n)).collect();
    // Each prime as the first one, and another exponent.
    keys.push((from_primes(number(P), number(Q), 65537), 5));
    keys.push((from_primes(number(Q), number(P), 17), 5));
    let mut done = 0;
    for (key, operations) in keys {
        let ours = RsaPrivateKey::new(&key).unwrap();
        let bits = ours.public().bits();
        let random = (0..operations).map(|_| {
            let mut block = bytes(&mut SystemRandom, key.size()).unwrap();
            block[0] = 0;
            block
        });
        for block in edges(&key).into_iter().chain(random) {
            let expected = by_division(&key, &block);
            let c = ours.public().number(&block).unwrap();
            for backend in Backend::available() {
                let power = ours.power(backend, &c);
                assert_eq!(*montgomery::bytes(&power, key.size()), expected, "{backend:?} {bits} {block:x?}");
            }
            assert_eq!(*ours.apply(&mut SystemRandom, &block).unwrap(), expected, "{bits} {block:x?}");
            assert_eq!(ours.public().apply(&expected).unwrap(), block);
            done += 1;
        }
    }
    println!("{done} private operations");
    assert!(cfg!(debug_assertions) || done >= 2_000);
}

#[test]
fn blocks_that_are_none_are_refused() {
    let key = small();
    let n = key.public().modulus_bytes();
    let mut above = n.clone();
    above[127] |= 2;
    for bad in [&[][..], &[0; 127], &[0; 129], &n, &above, &[0xff; 128]] {
        assert!(matches!(key.apply(&mut SystemRandom, bad), Err(Error::Decrypt)), "{bad:x?}");
        assert!(key.public().apply(bad).is_none(), "{bad:x?}");
    }
}

#[test]
fn sec_084_no_operation_without_randomness() {
    let key = small();
    for _ in 0..8 {
        assert!(matches!(key.apply(&mut Broken, &[0; 128]), Err(Error::Rng(_))));
        key.apply(&mut SystemRandom, &[0; 128]).unwrap();
    }
}

#[test]
fn a_source_that_repeats_itself_ends() {
    struct Same(u8);
    impl Random for Same {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
            bytes.fill(self.0);
            Ok(())
        }
    }
    for byte in [0, 0xff] {
        assert!(matches!(small().apply(&mut Same(byte), &[0; 128]), Err(Error::Rng(_))), "{byte}");
    }
    small().apply(&mut Same(0x11), &[0; 128]).unwrap();
}

/// Boneh, DeMillo and Lipton, "On the importance of checking cryptographic protocols for faults" (1997).
#[test]
fn a_fault_in_one_half_lets_nothing_out() {
    let faults: [fn(&mut RsaPrivateKey); 3] =
        [|key| key.dp[0] ^= 2, |key| key.dq[3] ^= 1, |key| key.coefficient_form[0] ^= 1];
    for fault in faults {
        let mut key = small();
        let block = [1; 128].map(|byte: u8| byte);
        key.apply(&mut SystemRandom, &block).unwrap();
        fault(&mut key);
        assert!(matches!(key.apply(&mut SystemRandom, &block), Err(Error::Decrypt)));
    }
}

#[test]
fn blinding_pairs_fit_and_none_is_taken_twice() {
    let key = small();
    let (n, e) = (key.public.modulus(), key.public.exponent());
    let seen = Mutex::new(std::collections::HashSet::new());
    let take = || {
        for _ in 0..Blinding::USES * 2 {
            let (factor, inverse) = key.blinding.pair(&mut SystemRandom, &key.public).unwrap();
            // Out of Montgomery's form by the factor 1.
            let one = {
                let mut one = vec![0; n.limbs()];
                one[0] = 1;
                one
            };
            let power = n.to_form(&n.power_public(&n.multiply(&one, &inverse), e));
            assert_eq!(n.multiply(&one, &n.multiply(&factor, &power)).to_vec(), one);
            assert!(seen.lock().unwrap().insert(factor.to_vec()));
        }
    };
    std::thread::scope(|scope| (0..6).for_each(|_| _ = scope.spawn(take)));
    // Nobody waits for a pair.
    let held: Vec<_> = key.blinding.0.iter().map(|slot| slot.lock().unwrap()).collect();
    key.apply(&mut SystemRandom, &[0; 128]).unwrap();
    drop(held);
}

#[test]
fn constant_time_of_the_private_operation() {
    const TEST: &str = "crypto::rsa_private::tests::constant_time_of_the_private_operation";
    if let Some(case) = case() {
        let backend = Backend::available().find(|backend| format!("{backend:?}") == case);
        // valgrind may not say that it has what it has.
        #[cfg(target_arch = "x86_64")]
        let backend = backend.or((case == "Mulx").then_some(Backend::Mulx));
        let key = small();
        let c = key.public.number(&[5; 128]).unwrap();
        let expected = key.power(Backend::Portable, &c);
        let secrets = [&key.dp[..], &key.dq, &key.coefficient_form, &c];
        let moduli = [key.p.secrets(), key.q.secrets()];
        secrets.iter().chain(moduli.as_flattened()).for_each(|secret| hide(secret));
        let power = key.power(backend.unwrap(), &c);
        show(&power);
        secrets.iter().chain(moduli.as_flattened()).for_each(|secret| show(secret));
        assert_eq!(power, expected);
        return;
    }
    if can_be_asked() {
        for backend in Backend::available() {
            // valgrind has no AVX-512; the steps of that version are asked over lanes in plain Rust, where they are tested.
            #[cfg(target_arch = "x86_64")]
            if backend == Backend::Ifma {
                println!("{backend:?}: valgrind has no AVX-512");
                continue;
            }
            assert_eq!(complaints(TEST, &format!("{backend:?}")), None);
            println!("{backend:?}: no branch and no address by a secret");
        }
    }
}
