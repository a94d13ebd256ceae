//! Both sides of the seam held to each other: the same bytes, the same refusals.

use super::super::random::SystemRandom;
use super::*;
use proptest::prelude::*;

/// The same bytes each time.
struct Fixed(u8);

impl Random for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Both builds of the crate run this, and so both sides give these bytes.
#[test]
fn what_is_known_comes_out_on_either_side() {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let p256 = NistPrivate::<p256::NistP256>::from_slice(&[3; 32]).unwrap();
    let p384 = NistPrivate::<p384::NistP384>::from_slice(&[3; 48]).unwrap();
    let p521 = NistPrivate::<p521::NistP521>::from_slice(&[&[1][..], &[3; 65]].concat()).unwrap();
    let signature = "3044022041f2bc6951910e0df0846424443c3274a3cde30528a946360bacf2b15a1b7548022024c9d22f6bc1b24cd07c869f\
         6859196796af7c797dd382187fc1123d0230e274";
    assert_eq!(hex(&p256.sign(&mut Fixed(1), &[2; 32]).unwrap()), signature);
    let signature = "306402304e9075dea5d314c7333a61e21f1c451a954b59bfb0735c0b7e03bfddbb4294be771267244839fd75601a8cc77fb7\
         15a402306557be94a30a29e5a01285ee920448fe74fcf1ef8ac844423940b3386f2cd0ce00e700a5b69aa094894801d50411\
         655c";
    assert_eq!(hex(&p384.sign(&mut Fixed(1), &[2; 64]).unwrap()), signature);
    let signature = "30818802420196dc0ad7b819bd9a4dcb885c96192c124503f73bc7b4157b0075560bbd8731017c15065d287723019d48cf36\
         001f4c3fa6a9e45ca7054e4bfbb705ca7d0e0e3b5f024201cabfa08caea715f81150d027326fa10b5888dd3b2d92f5d8f081\
         35aba2cbeecd94df4b0c25ac2e675d77e25e47c59c022bd07ad6873ec9b72055a3685088947a6c";
    assert_eq!(hex(&p521.sign(&mut Fixed(1), &[2; 20]).unwrap()), signature);
    // RFC 8032 section 7.1, test 1.
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    let key = Ed25519Private::from_seed(&seed);
    assert_eq!(hex(&key.public()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0\
                     595bbe24655141438e7a100b";
    assert_eq!(hex(&key.sign(b"")), signature);
    // RFC 7748 section 6.1: Bob's key.
    let bob = [
        0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6, 0x6f, 0x3b,
        0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb,
    ];
    let bob = X25519Private::from_bytes(&bob);
    assert_eq!(hex(&bob.public()), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
}

#[test]
fn the_caller_s_randomness_is_in_the_signature() {
    let key = NistPrivate::<p256::NistP256>::generate(&mut SystemRandom).unwrap();
    let sign = |random: u8| key.sign(&mut Fixed(random), &[7; 32]).unwrap();
    assert_eq!(sign(1), sign(1));
    assert_ne!(sign(1), sign(2));
}

/// It is there wherever it can be, so that the comparisons below compare something.
#[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn the_accelerated_side_answers_where_the_processor_can() {
    let can = graviola::util::is_cpu_supported();
    assert_eq!(nothing_to_compare::<p256::NistP256>(), !can);
    assert_eq!(nothing_to_compare::<p384::NistP384>(), !can);
    assert_eq!(accelerated::x25519_public(&[1; 32]).is_some(), can);
    assert_eq!(Ed25519Prepared::new(&[1; 32]).is_some(), can);
}

/// Scalars at the edges: 1, 2, 3, the order less these, powers of two, and beside them.
fn edges<C: Nist>() -> Vec<NistPrivate<C>> {
    let one = Scalar::<C>::from(1u64);
    let two = one + one;
    let mut scalars = vec![one, two, two + one, -one, -two, -(two + one)];
    let mut power = one;
    for at in 1..C::ORDER.as_ref().bit_width() {
        power = power + power;
        if at % 37 == 1 {
            scalars.extend([power, power - one, -power]);
        }
    }
    scalars.into_iter().map(private).collect()
}

fn private<C: Nist>(scalar: Scalar<C>) -> NistPrivate<C> {
    NistPrivate(NonZeroScalar::<C>::new(scalar).unwrap().into())
}

fn public<C: Nist>(key: &NistPrivate<C>) -> NistPublic<C> {
    NistPublic::from_sec1(&key.public_sec1_portable()).unwrap()
}

/// A build without the accelerated side, and a processor that lacks something, have nothing to compare.
fn nothing_to_compare<C: Nist>() -> bool {
    let absent = C::multiply_generator(&edges::<C>()[0].to_bytes()).is_none();
    if absent {
        println!("seam: the accelerated side is not there");
    }
    absent
}

fn multiples_agree_at_the_edges<C: Nist>() {
    if nothing_to_compare::<C>() {
        return;
    }
    let keys = edges::<C>();
    // A point whose x is zero, compressed.
    let mut zero = vec![0; 1 + keys[0].to_bytes().len()];
    zero[0] = 2;
    let peers: Vec<_> = keys.iter().map(public).chain([NistPublic::<C>::from_sec1(&zero).unwrap()]).collect();
    for key in &keys {
        assert_eq!(C::multiply_generator(&key.to_bytes()).unwrap(), key.public_sec1_portable());
    }
    let few = |at: &usize| at.is_multiple_of(5) || *at < 6;
    for key in (0..keys.len()).filter(few).map(|at| &keys[at]) {
        for peer in (0..peers.len()).filter(few).map(|at| &peers[at]) {
            assert_eq!(key.agree_accelerated(peer).unwrap(), key.agree_portable(peer));
        }
    }
}

#[test]
fn multiples_agree_at_the_edges_of_p256() {
    multiples_agree_at_the_edges::<p256::NistP256>();
}

#[test]
fn multiples_agree_at_the_edges_of_p384() {
    multiples_agree_at_the_edges::<p384::NistP384>();
}

const DIGESTS: [DigestAlgorithm; 3] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

/// Both sides' answer, which must be one.
fn answer<C: Nist>(key: &NistPublic<C>, digest: DigestAlgorithm, message: &[u8], signature: &Signature<C>) -> bool {
    let portable = key.verifies_portable(&hash(digest, message), signature);
    assert_eq!(key.verifies_accelerated(digest, message, signature), Some(portable), "{digest:?} {signature:x?}");
    portable
}

/// Where the two multiples that verification adds are the same point, or each other's negative, addition is another
/// formula; and r is the x-coordinate of a point less the order, where that is not below the order.
fn verification_agrees_at_the_edges<C: Nist>() {
    if nothing_to_compare::<C>() {
        return;
    }
    let message = b"message";
    for digest in DIGESTS {
        let z = reduced::<C>(&leftmost::<C>(&hash(digest, message)));
        for nonce in edges::<C>() {
            let k = nonce.0.to_nonzero_scalar();
            let x = nonce.public_sec1_portable();
            let size = nonce.to_bytes().len();
            let r = reduced::<C>((&x[1..=size]).try_into().unwrap());
            let r_inverse = Option::<Scalar<C>>::from(r.invert()).unwrap();
            // r d = z: the multiple of the generator and the multiple of the key are one point.
            let key = private::<C>(z * r_inverse);
            let signature = Signature::<C>::from_scalars(r, *k.invert() * (z + z)).unwrap();
            assert!(answer(&public(&key), digest, message, &signature), "a doubling");
            // r d = -z: their sum is nothing, whatever s is.
            let key = private::<C>(-(z * r_inverse));
            for s in [*k.as_ref(), r, z] {
                assert!(
                    !answer(&public(&key), digest, message, &Signature::<C>::from_scalars(r, s).unwrap()),
                    "infinity"
                );
            }
        }
    }
    let digest = DIGESTS[0];
    let z = reduced::<C>(&leftmost::<C>(&hash(digest, message)));
    let (one, mut x, mut seen) = (Scalar::<C>::from(1u64), private::<C>(-Scalar::<C>::from(1u64)).to_bytes(), 0);
    for r in 0..64u64 {
        for byte in x.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        let Some(point) = NistPublic::<C>::from_sec1(&[&[2], x.as_slice()].concat()).filter(|_| r > 0) else {
            continue;
        };
        let r = Scalar::<C>::from(r);
        // The key is (R - z G) / r, and s is 1.
        let generator = public(&private::<C>(one)).key.to_projective();
        let key = (point.key.to_projective() - generator * z) * Option::<Scalar<C>>::from(r.invert()).unwrap();
        let key = NistPublic { key: PublicKey::<C>::from_affine(key.into()).unwrap(), prepared: OnceLock::new() };
        assert!(answer(&key, digest, message, &Signature::<C>::from_scalars(r, one).unwrap()), "above the order");
        seen += 1;
    }
    assert!(seen > 8);
    let numbers: Vec<Scalar<C>> = edges::<C>().iter().map(|key| *key.0.to_nonzero_scalar().as_ref()).collect();
    for key in edges::<C>().iter().take(6) {
        for (r, s) in numbers.iter().zip(numbers.iter().rev()).chain(numbers.iter().zip(&numbers)) {
            answer(&public(key), digest, message, &Signature::<C>::from_scalars(*r, *s).unwrap());
        }
    }
}

#[test]
fn verification_agrees_at_the_edges_of_p256() {
    verification_agrees_at_the_edges::<p256::NistP256>();
}

#[test]
fn verification_agrees_at_the_edges_of_p384() {
    verification_agrees_at_the_edges::<p384::NistP384>();
}

/// Points that are none are refused before either side sees them, and the accelerated one refuses them too.
fn what_is_no_point_is_refused<C: Nist>() {
    if nothing_to_compare::<C>() {
        return;
    }
    let good = edges::<C>()[7].public_sec1_portable();
    let size = (good.len() - 1) / 2;
    let mut off = good.clone();
    *off.last_mut().unwrap() ^= 1;
    let mut hybrid = good.clone();
    hybrid[0] = 6 | (good[2 * size] & 1);
    let high = [&[4][..], &vec![0xff; 2 * size]].concat();
    let zeros = [&[4][..], &vec![0; 2 * size]].concat();
    for bad in [&[][..], &[0], &[4], &off, &hybrid, &high, &zeros, &good[1..], &good[..2 * size]] {
        assert!(NistPublic::<C>::from_sec1(bad).is_none(), "{bad:x?}");
        assert!(C::prepare(bad).is_none(), "{bad:x?}");
    }
    assert!(C::prepare(&good).is_some());
}

#[test]
fn what_is_no_point_is_refused_on_both_sides() {
    what_is_no_point_is_refused::<p256::NistP256>();
    what_is_no_point_is_refused::<p384::NistP384>();
}

/// RFC 7748: the points of small order, and numbers at and above the prime, with and without the highest bit.
#[test]
fn sec_075_x25519_agrees_with_the_points_of_small_order() {
    let mut order8 = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ];
    let mut other8 = [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
        0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ];
    let number = |low: u8, top: u8| {
        let mut bytes = [if low >= 0xec { 0xff } else { 0 }; 32];
        (bytes[0], bytes[31]) = (low, top);
        bytes
    };
    let mut none: Vec<[u8; 32]> =
        vec![order8, other8, number(0, 0), number(1, 0), number(0xec, 0x7f), number(0xed, 0x7f)];
    none.push(number(0xee, 0x7f));
    order8[31] |= 128;
    other8[31] |= 128;
    none.extend([order8, other8, number(0, 128), number(0xed, 0xff), number(0xee, 0xff)]);
    let some = [number(0xef, 0x7f), number(0xff, 0x7f), number(0xff, 0xff), number(9, 128), number(2, 0)];
    for scalar in [[0; 32], [0xff; 32], [7; 32], number(8, 64), number(0xf8, 0x7f)] {
        let key = X25519Private::from_bytes(&scalar);
        assert_eq!(key.public(), key.public_portable());
        for peer in &none {
            assert!(key.agree(peer).is_none(), "{peer:x?}");
            assert!(key.agree_portable(peer).is_none(), "{peer:x?}");
        }
        for peer in &some {
            assert_eq!(key.agree(peer).unwrap(), key.agree_portable(peer).unwrap(), "{peer:x?}");
        }
    }
}

fn both_sign_and_verify<C: Nist>(seed: &[u8], added: &[u8], digest: DigestAlgorithm, message: &[u8], flip: usize) {
    let size = FieldBytes::<C>::default().len();
    // The odd scalar in a million is not below the order.
    let (Some(key), Some(peer)) =
        (NistPrivate::<C>::from_slice(&seed[..size]), NistPrivate::<C>::from_slice(&seed[48..48 + size]))
    else {
        return;
    };
    let Some(multiple) = C::multiply_generator(&key.to_bytes()) else { return };
    assert_eq!(multiple, key.public_sec1_portable());
    let (key_public, peer_public) = (public(&key), public(&peer));
    assert_eq!(key.agree_accelerated(&peer_public).unwrap(), key.agree_portable(&peer_public));

    let hashed = hash(digest, message);
    let signature = key.sign_portable(&added[..size], &hashed);
    assert_eq!(key.sign_accelerated(&added[..size], &hashed).unwrap(), signature);
    // Digests of other lengths too.
    let cut = &hashed[..flip % hashed.len()];
    let cut = if cut.is_empty() { &hashed } else { cut };
    assert_eq!(key.sign_accelerated(&added[..size], cut).unwrap(), key.sign_portable(&added[..size], cut));

    assert!(answer(&key_public, digest, message, &signature));
    assert!(!answer(&peer_public, digest, message, &signature));
    assert!(!answer(&key_public, digest, &[message, &[0]].concat(), &signature));
    let (mut r, mut s) = signature.split_bytes();
    let at = flip % (2 * size * 8);
    let number = if at < size * 8 { &mut r } else { &mut s };
    number[at / 8 % size] ^= 1 << (at % 8);
    if let Ok(changed) = Signature::<C>::from_scalars(r, s) {
        answer(&key_public, digest, message, &changed);
    }
    // (r, -s) is a signature wherever (r, s) is.
    let (r, s) = signature.split_scalars();
    assert!(answer(&key_public, digest, message, &Signature::<C>::from_scalars(*r.as_ref(), -*s.as_ref()).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_sides_of_p256_are_one(
        seed in prop::collection::vec(any::<u8>(), 96), added in prop::collection::vec(any::<u8>(), 48),
        digest in 0..3usize, message in prop::collection::vec(any::<u8>(), 0..300), flip in any::<u16>(),
    ) {
        both_sign_and_verify::<p256::NistP256>(&seed, &added, DIGESTS[digest], &message, flip.into());
    }

    #[test]
    fn both_sides_of_p384_are_one(
        seed in prop::collection::vec(any::<u8>(), 96), added in prop::collection::vec(any::<u8>(), 48),
        digest in 0..3usize, message in prop::collection::vec(any::<u8>(), 0..300), flip in any::<u16>(),
    ) {
        both_sign_and_verify::<p384::NistP384>(&seed, &added, DIGESTS[digest], &message, flip.into());
    }

    #[test]
    fn both_sides_of_25519_are_one(
        scalar in any::<[u8; 32]>(), peer in any::<[u8; 32]>(), message in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let key = X25519Private::from_bytes(&scalar);
        prop_assert_eq!(key.public(), key.public_portable());
        prop_assert_eq!(key.agree(&peer), key.agree_portable(&peer));
        let key = Ed25519Private::from_seed(&scalar);
        prop_assert_eq!(key.sign(&message), key.sign_portable(&message));
    }
}
