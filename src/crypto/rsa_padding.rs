//! The paddings of RFC 8017 that the RSA crate does not do as they are needed: OAEP is decoded with a look at every
//! byte of the block, and PSS is verified with one digest for the message and another within MGF1.

use super::algorithm::DigestAlgorithm;
use super::digest::{Hasher, hash};
use super::random::Rng;
use super::{Error, Result};
use crate::base::secret::Secret;
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// What a PSS signature is made with.
pub(crate) struct Pss {
    pub(crate) hash: DigestAlgorithm,
    pub(crate) mgf_hash: DigestAlgorithm,
    pub(crate) salt_length: usize,
}

impl Pss {
    /// RFC 8017 sections 8.1.2 and 9.1.2. All of it is public, so it may branch.
    pub(crate) fn verifies(&self, key: &rsa::PublicKey, digest: &[u8], signature: &[u8]) -> bool {
        self.recovered_hash(key, digest, signature).is_some_and(|(found, expected)| found == expected)
    }

    /// The H of the block, and the one that belongs there; `None` where the block is not one of PSS.
    fn recovered_hash(&self, key: &rsa::PublicKey, digest: &[u8], signature: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        if signature.len() != key.size() {
            return None;
        }
        let s = BoxedUint::from_be_slice(signature, key.n_bits_precision()).ok()?;
        if s >= *key.n().as_ref() {
            return None;
        }
        let m = rsa::hazmat::rsa_encrypt(key, &s).ok()?.to_be_bytes();
        let em_bits = super::rsa_key::bits(key).checked_sub(1)?;
        let em_length = em_bits.div_ceil(8);
        let (above, em) = m.split_at_checked(m.len().checked_sub(em_length)?)?;
        let (masked, rest) = em.split_at_checked(em_length.checked_sub(self.hash.length() + 1)?)?;
        let (h, trailer) = rest.split_at_checked(self.hash.length())?;
        let unused = em_length * 8 - em_bits;
        let top_is_zero = masked.first()?.checked_shr(8 - u32::try_from(unused).ok()?).unwrap_or_default() == 0;
        if above.iter().any(|b| *b != 0) || trailer != [0xbc] || !top_is_zero {
            return None;
        }
        let mut db = masked.to_vec();
        mgf1_xor(self.mgf_hash, h, &mut db);
        *db.first_mut()? &= 0xff >> unused;
        let (padding, salt) = db.split_at_checked(db.len().checked_sub(self.salt_length)?)?;
        let (one, zeros) = padding.split_last()?;
        if *one != 1 || zeros.iter().any(|b| *b != 0) {
            return None;
        }
        let mut hasher = Hasher::new(self.hash);
        hasher.update(&[0; 8]);
        hasher.update(digest);
        hasher.update(salt);
        Some((h.to_vec(), hasher.finish()))
    }
}

/// RSADP, blinded, with the check against faults: the whole block, as long as the modulus.
pub(crate) fn raw_decrypt(key: &rsa::PrivateKey, rng: &mut Rng<'_>, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let size = key.size();
    let c = BoxedUint::from_be_slice(ciphertext, key.n_bits_precision()).map_err(|_| Error::Decrypt)?;
    let mut m = rsa::hazmat::rsa_decrypt_and_check(key, Some(rng), &c).map_err(super::transport::failure)?;
    let bytes = Zeroizing::new(m.to_be_bytes());
    m.zeroize();
    let block = bytes.len().checked_sub(size).and_then(|from| bytes.get(from..)).ok_or(Error::Decrypt)?;
    Ok(Zeroizing::new(block.to_vec()))
}

/// RFC 8017 section 7.2.2 step 3, for a message whose length is known: whether the padding before it is sound, and what
/// stands in its place. Every byte before it is looked at, whatever the others are. `None` where the block has no room
/// for such a message.
#[cfg(feature = "pkcs11")]
pub(crate) fn pkcs1_judge(block: &[u8], length: usize) -> Option<(Choice, &[u8])> {
    let (before, message) = block.split_at_checked(block.len().checked_sub(length)?)?;
    let ([zero, two, padding @ ..], last) = before.split_last().map(|(last, rest)| (rest, last))? else { return None };
    if padding.len() < 8 {
        return None;
    }
    let mut sound = zero.ct_eq(&0) & two.ct_eq(&2) & last.ct_eq(&0);
    for byte in padding {
        sound &= !byte.ct_eq(&0);
    }
    Some((sound, message))
}

/// RFC 8017 section 7.1.2 step 3, for a message whose length is known: its place in the block is known too, so that
/// everything before it is compared with what must stand there, the first byte as well (Manger), and one bit comes
/// out of it all (SEC-73).
pub(crate) fn oaep_decode(
    block: &mut [u8],
    (hash_algorithm, mgf_hash): (DigestAlgorithm, DigestAlgorithm),
    label: &[u8],
    length: usize,
) -> Result<Secret> {
    let (first, rest) = block.split_first_mut().ok_or(Error::Decrypt)?;
    let (seed, db) = rest.split_at_mut_checked(hash_algorithm.length()).ok_or(Error::Decrypt)?;
    mgf1_xor(mgf_hash, db, seed);
    mgf1_xor(mgf_hash, seed, db);
    let (before, message) =
        db.len().checked_sub(length).and_then(|at| db.split_at_checked(at)).ok_or(Error::Decrypt)?;
    let (found, padding) = before.split_at_checked(hash_algorithm.length()).ok_or(Error::Decrypt)?;
    let (one, zeros) = padding.split_last().ok_or(Error::Decrypt)?;
    let mut good: Choice = first.ct_eq(&0) & one.ct_eq(&1) & found.ct_eq(&hash(hash_algorithm, label));
    for byte in zeros {
        good &= byte.ct_eq(&0);
    }
    if bool::from(good) { Ok(Secret::from(message)) } else { Err(Error::Decrypt) }
}

/// MGF1, RFC 8017 section B.2.1, laid over what it masks.
fn mgf1_xor(algorithm: DigestAlgorithm, seed: &[u8], masked: &mut [u8]) {
    for (counter, chunk) in (0u32..).zip(masked.chunks_mut(algorithm.length())) {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(seed);
        hasher.update(&counter.to_be_bytes());
        let mask = Zeroizing::new(hasher.finish());
        for (byte, mask) in chunk.iter_mut().zip(mask.iter()) {
            *byte ^= mask;
        }
    }
}

/// Masks a block of zero, seed and data as the encoder does.
#[cfg(test)]
pub(crate) fn oaep_encode_for_test(digest: DigestAlgorithm, mut block: Vec<u8>) -> Vec<u8> {
    let (seed, db) = block[1..].split_at_mut(digest.length());
    mgf1_xor(digest, seed, db);
    mgf1_xor(digest, db, seed);
    block
}
