//! Key transport: a content-encryption key encrypted for an RSA key (RFC 5652 section 6.2.1).

use super::algorithm::{DigestAlgorithm, KeyTransport};
use super::digest::hmac;
use super::private::{PrivateKey, PrivateMaterial};
use super::random::{Random, SystemRandom};
use super::rsa_padding::{oaep_decode, oaep_encode, pkcs1_encrypted_block, pkcs1_judge};
use super::signature::{Material, PublicKey, RsaUsage};
use super::{Error, Result};
use crate::base::secret::Secret;
#[cfg(feature = "pkcs11")]
use subtle::ConstantTimeEq;
use subtle::{Choice, ConditionallySelectable};

impl PublicKey {
    /// Encrypts a key for whoever holds the private half.
    ///
    /// # Errors
    /// [`Error::WrongKey`]; [`Error::Length`] where the plaintext is too long for the key; [`Error::Rng`].
    pub fn encrypt(&self, transport: &KeyTransport, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.encrypt_with(&mut SystemRandom, transport, plaintext)
    }

    /// [`encrypt`](Self::encrypt) with another source of randomness.
    ///
    /// # Errors
    /// As it.
    pub fn encrypt_with(&self, random: &mut dyn Random, transport: &KeyTransport, plaintext: &[u8]) -> Result<Vec<u8>> {
        let Material::Rsa { key, usage: RsaUsage::Any } = &self.material else {
            return Err(self.wrong_for(&transport.name()));
        };
        let room = match transport {
            KeyTransport::RsaPkcs1 => key.size().saturating_sub(11),
            KeyTransport::RsaOaep { hash, .. } => key.size().saturating_sub(2 * hash.length() + 2),
        };
        if plaintext.len() > room {
            let expected = format!("at most {room}");
            return Err(Error::Length { what: "the key to be encrypted", expected, found: plaintext.len() });
        }
        let block = match transport {
            KeyTransport::RsaPkcs1 => pkcs1_encrypted_block(key.size(), random, plaintext)?,
            KeyTransport::RsaOaep { hash, mgf_hash, label } => {
                refuse_md5(*hash, *mgf_hash)?;
                oaep_encode(key.size(), random, (*hash, *mgf_hash), label, plaintext)?
            }
        };
        // The block begins with a zero, so that it is below the modulus.
        key.apply(&block).ok_or(Error::Decrypt)
    }
}

impl PrivateKey {
    /// Decrypts a key of `expected_length` bytes.
    ///
    /// With PKCS#1 v1.5 nothing tells whether the padding was good (SEC-70): where it was not, or the plaintext has
    /// another length, there comes out a key that is a function of the private key and the ciphertext, and what it
    /// is used for fails.
    ///
    /// # Errors
    /// [`Error::Decrypt`] where the ciphertext is not as long as the modulus or not below it, which everybody can see,
    /// or OAEP does not fit; [`Error::WrongKey`]; [`Error::UnsupportedAlgorithm`]; [`Error::Rng`].
    pub fn decrypt(&self, transport: &KeyTransport, ciphertext: &[u8], expected_length: usize) -> Result<Secret> {
        self.decrypt_with(&mut SystemRandom, transport, ciphertext, expected_length)
    }

    /// Decrypts OAEP of a plaintext whose length nobody knows beforehand, as that of a password is. Every length is
    /// tried, whichever is right; the padding fits one at most.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt); [`Error::WrongKey`] for anything but OAEP.
    pub fn decrypt_of_any_length(
        &self,
        random: &mut dyn Random,
        transport: &KeyTransport,
        ciphertext: &[u8],
    ) -> Result<Secret> {
        let (PrivateMaterial::Rsa { key, usage }, KeyTransport::RsaOaep { hash, mgf_hash, label }) =
            (&self.material, transport)
        else {
            return Err(self.wrong_for(&transport.name()));
        };
        if usage.usage != RsaUsage::Any {
            return Err(self.wrong_for(&transport.name()));
        }
        let size = key.public().size();
        if ciphertext.len() != size {
            return Err(Error::Decrypt);
        }
        refuse_md5(*hash, *mgf_hash)?;
        let block = key.apply(random, ciphertext)?;
        let mut found = Err(Error::Decrypt);
        for length in 0..=size.saturating_sub(2 * hash.length() + 2) {
            let tried = oaep_decode(&mut block.clone(), (*hash, *mgf_hash), label, length);
            if tried.is_ok() {
                found = tried;
            }
        }
        found
    }

    /// [`decrypt`](Self::decrypt) with another source of randomness, which blinds.
    ///
    /// # Errors
    /// As it.
    pub fn decrypt_with(
        &self,
        random: &mut dyn Random,
        transport: &KeyTransport,
        ciphertext: &[u8],
        expected_length: usize,
    ) -> Result<Secret> {
        let PrivateMaterial::Rsa { key, usage } = &self.material else {
            return Err(self.wrong_for(&transport.name()));
        };
        if usage.usage != RsaUsage::Any {
            return Err(self.wrong_for(&transport.name()));
        }
        if ciphertext.len() != key.public().size() {
            return Err(Error::Decrypt);
        }
        match transport {
            KeyTransport::RsaPkcs1 => {
                let block = key.apply(random, ciphertext)?;
                // A length for which no block has room is everybody's to see, and gives another key too.
                let (sound, plain) = pkcs1_judge(&block, expected_length).unwrap_or((Choice::from(0), &[]));
                Ok(plain_or_made_up(sound, key.private_exponent(), ciphertext, plain, expected_length))
            }
            KeyTransport::RsaOaep { hash, mgf_hash, label } => {
                refuse_md5(*hash, *mgf_hash)?;
                let mut block = key.apply(random, ciphertext)?;
                oaep_decode(&mut block, (*hash, *mgf_hash), label, expected_length)
            }
        }
    }
}

fn refuse_md5(hash: DigestAlgorithm, mgf_hash: DigestAlgorithm) -> Result<()> {
    if [hash, mgf_hash].contains(&DigestAlgorithm::Md5) {
        return Err(Error::UnsupportedAlgorithm { what: "digest of OAEP", oid: "md5".into() });
    }
    Ok(())
}

/// The plaintext where it has the length, else as many bytes that nobody without `secret`, which belongs to the private key,
/// can foresee; chosen without a branch, since what a token rejects may show in the length.
#[cfg(feature = "pkcs11")]
pub(crate) fn of_length(secret: &[u8], ciphertext: &[u8], plain: &[u8], expected: usize) -> Secret {
    let fits = (plain.len() as u64).ct_eq(&(expected as u64));
    plain_or_made_up(fits, secret, ciphertext, plain, expected)
}

/// What an RSA key that lies elsewhere made of a ciphertext, as a block as long as the modulus with its padding. With
/// PKCS#1 v1.5 a padding that is not sound gives another key (SEC-70).
#[cfg(feature = "pkcs11")]
pub(crate) fn open_block(
    transport: &KeyTransport,
    block: &mut [u8],
    secret: &[u8],
    ciphertext: &[u8],
    expected: usize,
) -> Result<Secret> {
    match transport {
        KeyTransport::RsaPkcs1 => {
            let (sound, plain) = pkcs1_judge(block, expected).ok_or(Error::Decrypt)?;
            Ok(plain_or_made_up(sound, secret, ciphertext, plain, expected))
        }
        KeyTransport::RsaOaep { hash, mgf_hash, label } => oaep_decode(block, (*hash, *mgf_hash), label, expected),
    }
}

fn plain_or_made_up(fits: Choice, secret: &[u8], ciphertext: &[u8], plain: &[u8], expected: usize) -> Secret {
    let seed = hmac(DigestAlgorithm::Sha256, secret, ciphertext);
    let mut chosen = Vec::with_capacity(expected);
    let mut counter = 0u32;
    while chosen.len() < expected {
        let block = hmac(DigestAlgorithm::Sha256, seed.expose(), &counter.to_be_bytes());
        counter = counter.wrapping_add(1);
        for other in block.expose() {
            if chosen.len() < expected {
                let byte = plain.get(chosen.len()).copied().unwrap_or_default();
                chosen.push(u8::conditional_select(other, &byte, fits));
            }
        }
    }
    Secret::new(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::crypto::random::tests::Broken;
    use crate::crypto::signature::KeyKind;

    fn pair() -> (PrivateKey, PublicKey) {
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
        let public = key.public_key(&Limits::default()).unwrap();
        (key, public)
    }

    #[test]
    fn what_is_sealed_opens() {
        let (key, public) = pair();
        let transports = [
            KeyTransport::RsaPkcs1,
            KeyTransport::oaep(DigestAlgorithm::Sha1),
            KeyTransport::oaep(DigestAlgorithm::Sha512),
            KeyTransport::RsaOaep {
                hash: DigestAlgorithm::Sha256,
                mgf_hash: DigestAlgorithm::Sha1,
                label: b"label".to_vec(),
            },
        ];
        for transport in &transports {
            for length in [0, 1, 16, 24, 32, 126] {
                let secret = vec![9; length];
                let sealed = public.encrypt(transport, &secret).unwrap();
                assert_eq!(key.decrypt(transport, &sealed, length).unwrap().expose(), secret);
                assert!(matches!(key.decrypt_with(&mut Broken, transport, &sealed, length), Err(Error::Rng(_))));
            }
            assert!(matches!(public.encrypt(transport, &[0; 250]), Err(Error::Length { .. })));
            assert!(matches!(public.encrypt_with(&mut Broken, transport, &[0; 16]), Err(Error::Rng(_))));
        }
        let sealed = public.encrypt(&transports[1], &[9; 16]).unwrap();
        for other in &transports[2..] {
            assert!(matches!(key.decrypt(other, &sealed, 16), Err(Error::Decrypt)));
        }
        assert!(matches!(key.decrypt(&transports[1], &sealed, 32), Err(Error::Decrypt)));
        let md5 = KeyTransport::oaep(DigestAlgorithm::Md5);
        assert!(matches!(key.decrypt(&md5, &sealed, 16), Err(Error::UnsupportedAlgorithm { .. })));
        assert!(matches!(public.encrypt(&md5, &[0; 16]), Err(Error::UnsupportedAlgorithm { .. })));
    }

    #[test]
    fn sec_070_bad_padding_and_bad_length_are_no_errors_but_other_keys() {
        let (key, public) = pair();
        let other = pair().0;
        let good = public.encrypt(&KeyTransport::RsaPkcs1, &[9; 32]).unwrap();
        let open =
            |key: &PrivateKey, bytes: &[u8], length| key.decrypt(&KeyTransport::RsaPkcs1, bytes, length).unwrap();
        let wrong_length = open(&key, &good, 16);
        assert_eq!(wrong_length.len(), 16);
        assert_ne!(wrong_length.expose(), [9; 16]);
        assert_eq!(wrong_length, open(&key, &good, 16), "the same each time");
        let mut bad = good.clone();
        bad[0] = 0;
        bad[255] ^= 1;
        let made_up = open(&key, &bad, 32);
        assert_eq!((made_up.len(), &made_up), (32, &open(&key, &bad, 32)));
        bad[255] ^= 3;
        assert_ne!(made_up, open(&key, &bad, 32), "another ciphertext, another key");
        bad[0] = 0;
        assert_ne!(open(&other, &bad, 32), open(&key, &bad, 32), "another private key, another key");
        for length in [0, 255, 257] {
            assert!(matches!(key.decrypt(&KeyTransport::RsaPkcs1, &vec![0; length], 32), Err(Error::Decrypt)));
        }
        assert!(matches!(key.decrypt(&KeyTransport::RsaPkcs1, &[0xff; 256], 32), Err(Error::Decrypt)));
    }

    #[cfg(feature = "pkcs11")]
    #[test]
    fn sec_070_a_block_from_elsewhere_is_judged_as_a_whole() {
        let block = |flip: Option<(usize, u8)>| {
            let mut block = vec![0, 2];
            block.extend_from_slice(&[7; 93]);
            block.push(0);
            block.extend_from_slice(&[9; 32]);
            if let Some((at, byte)) = flip {
                block[at] = byte;
            }
            block
        };
        let open = |mut block: Vec<u8>, secret: &[u8], length| {
            open_block(&KeyTransport::RsaPkcs1, &mut block, secret, b"ciphertext", length).unwrap()
        };
        assert_eq!(open(block(None), b"secret", 32).expose(), [9; 32]);
        let made_up = open(block(Some((0, 1))), b"secret", 32);
        assert_eq!(made_up.len(), 32);
        assert_ne!(made_up, open(block(Some((0, 1))), b"other", 32));
        for flip in [(1, 1), (2, 0), (50, 0), (94, 0), (95, 1)] {
            assert_eq!(open(block(Some(flip)), b"secret", 32), made_up, "{flip:?}");
        }
        assert_ne!(open(block(None), b"secret", 31).expose(), [9; 31], "another length is another key");
        // Fewer than eight bytes of padding, or no room at all.
        let mut short = vec![0, 2, 7, 7, 7, 7, 7, 7, 7, 0, 9, 9];
        assert!(open_block(&KeyTransport::RsaPkcs1, &mut short, b"secret", b"", 2).is_err());
        assert!(open_block(&KeyTransport::RsaPkcs1, &mut [], b"secret", b"", 2).is_err());
    }

    #[test]
    fn sec_073_every_byte_before_the_message_counts() {
        use crate::crypto::digest::hash;
        use crate::crypto::rsa_padding::oaep_encode_for_test;
        let digest = DigestAlgorithm::Sha256;
        let db = |flip: Option<usize>| {
            let mut block = vec![0; 1 + 32];
            block.extend_from_slice(&hash(digest, b""));
            block.extend_from_slice(&[0; 100]);
            block.push(1);
            block.extend_from_slice(&[9; 16]);
            if let Some(at) = flip {
                block[at] ^= 1;
            }
            oaep_encode_for_test(digest, block)
        };
        let decode = |mut block: Vec<u8>| oaep_decode(&mut block, (digest, digest), b"", 16);
        assert_eq!(decode(db(None)).unwrap().expose(), [9; 16]);
        for at in (0..1).chain(33..166) {
            assert!(matches!(decode(db(Some(at))), Err(Error::Decrypt)), "{at}");
        }
    }
}
