//! The paddings of RFC 8017. What is secret is looked at as a whole: OAEP at every byte of the block, PKCS#1 v1.5 at
//! every byte before a message whose length is known.

use super::algorithm::{AlgorithmIdentifier, DigestAlgorithm};
use super::digest::{Hasher, hash};
use super::random::{self, Random};
use super::rsa_key::RsaPublicKey;
use super::{Error, Result};
use crate::asn1::der;
use crate::base::secret::Secret;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) with the digest's algorithm as given; `None` where the block has no room for it.
pub(crate) fn pkcs1_signed_block(size: usize, algorithm: &AlgorithmIdentifier, digest: &[u8]) -> Option<Vec<u8>> {
    let info = der::sequence(&[algorithm.to_der(), der::octets(digest)]);
    // 00 01, ff at least eight times, 00.
    let padding = size.checked_sub(info.len() + 3).filter(|padding| *padding >= 8)?;
    let mut block = Vec::with_capacity(size);
    block.extend_from_slice(&[0, 1]);
    block.resize(2 + padding, 0xff);
    block.push(0);
    block.extend_from_slice(&info);
    Some(block)
}

/// EME-PKCS1-v1_5 (RFC 8017 section 7.2.1) of a message that has room.
pub(crate) fn pkcs1_encrypted_block(
    size: usize,
    random: &mut dyn Random,
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let mut block = Zeroizing::new(vec![0; size]);
    let before = size.saturating_sub(message.len() + 1);
    if let Some((head, tail)) = block.split_at_mut_checked(before)
        && let [_, two, padding @ ..] = head
    {
        *two = 2;
        random.fill(padding)?;
        for byte in padding {
            while *byte == 0 {
                random.fill(std::slice::from_mut(byte))?;
            }
        }
        if let Some(place) = tail.get_mut(1..) {
            place.copy_from_slice(message);
        }
    }
    Ok(block)
}

/// What a PSS signature is made with.
pub(crate) struct Pss {
    pub(crate) hash: DigestAlgorithm,
    pub(crate) mgf_hash: DigestAlgorithm,
    pub(crate) salt_length: usize,
}

impl Pss {
    /// EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) with a salt from `random`, as a block as long as the modulus; `None` where
    /// that has no room.
    pub(crate) fn signed_block(&self, bits: usize, random: &mut dyn Random, digest: &[u8]) -> Result<Option<Vec<u8>>> {
        let salt = random::bytes(random, self.salt_length)?;
        let em_bits = bits.saturating_sub(1);
        let (length, em_length) = (bits.div_ceil(8), em_bits.div_ceil(8));
        let Some(zeros) = em_length.checked_sub(self.hash.length() + self.salt_length + 2) else { return Ok(None) };
        let mut hasher = Hasher::new(self.hash);
        hasher.update(&[0; 8]);
        hasher.update(digest);
        hasher.update(&salt);
        let h = hasher.finish();
        let mut db = vec![0; zeros];
        db.push(1);
        db.extend_from_slice(&salt);
        mgf1_xor(self.mgf_hash, &h, &mut db);
        if let Some(first) = db.first_mut() {
            *first &= 0xff >> (em_length * 8 - em_bits);
        }
        // A modulus of 8k + 1 bits is a byte longer than the block.
        let mut block = vec![0; length - em_length];
        block.extend_from_slice(&db);
        block.extend_from_slice(&h);
        block.push(0xbc);
        Ok(Some(block))
    }

    /// RFC 8017 sections 8.1.2 and 9.1.2. All of it is public, so it may branch.
    pub(crate) fn verifies(&self, key: &RsaPublicKey, digest: &[u8], signature: &[u8]) -> bool {
        self.recovered_hash(key, digest, signature).is_some_and(|(found, expected)| found == expected)
    }

    /// The H of the block, and the one that belongs there; `None` where the block is not one of PSS.
    fn recovered_hash(&self, key: &RsaPublicKey, digest: &[u8], signature: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let m = key.apply(signature)?;
        let em_bits = key.bits().checked_sub(1)?;
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

/// RFC 8017 section 7.2.2 step 3, for a message whose length is known: whether the padding before it is sound, and what
/// stands in its place. Every byte before it is looked at, whatever the others are. `None` where the block has no room
/// for such a message.
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

/// EME-OAEP (RFC 8017 section 7.1.1) of a message that has room.
pub(crate) fn oaep_encode(
    size: usize,
    random: &mut dyn Random,
    (hash_algorithm, mgf_hash): (DigestAlgorithm, DigestAlgorithm),
    label: &[u8],
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let length = hash_algorithm.length();
    let mut block = Zeroizing::new(Vec::with_capacity(size));
    block.resize(1 + length, 0);
    block.extend_from_slice(&hash(hash_algorithm, label));
    block.resize(size.saturating_sub(message.len() + 1), 0);
    block.push(1);
    block.extend_from_slice(message);
    if let Some((seed, db)) = block.get_mut(1..).and_then(|rest| rest.split_at_mut_checked(length)) {
        random.fill(seed)?;
        mgf1_xor(mgf_hash, seed, db);
        mgf1_xor(mgf_hash, db, seed);
    }
    Ok(block)
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
