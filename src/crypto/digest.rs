//! Message digests (FIPS 180-4; RFC 1321 and SHA-1 for what is old), one-shot and streaming, and HMAC over them.

use super::algorithm::DigestAlgorithm;
use crate::base::secret::Secret;
use digest::Digest;
use hmac::{Hmac, KeyInit, Mac};

/// Runs an expression with `$D` standing for the type of a digest.
macro_rules! with_digest {
    ($algorithm:expr, $D:ident => $body:expr) => {
        match $algorithm {
            $crate::crypto::algorithm::DigestAlgorithm::Md5 => {
                type $D = md5::Md5;
                $body
            }
            $crate::crypto::algorithm::DigestAlgorithm::Sha1 => {
                type $D = sha1::Sha1;
                $body
            }
            $crate::crypto::algorithm::DigestAlgorithm::Sha224 => {
                type $D = sha2::Sha224;
                $body
            }
            $crate::crypto::algorithm::DigestAlgorithm::Sha256 => {
                type $D = sha2::Sha256;
                $body
            }
            $crate::crypto::algorithm::DigestAlgorithm::Sha384 => {
                type $D = sha2::Sha384;
                $body
            }
            $crate::crypto::algorithm::DigestAlgorithm::Sha512 => {
                type $D = sha2::Sha512;
                $body
            }
        }
    };
}
pub(crate) use with_digest;

/// A digest being computed.
///
/// ```
/// use smime::crypto::{algorithm::DigestAlgorithm, digest::{Hasher, hash}};
/// let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
/// hasher.update(b"ab");
/// hasher.update(b"c");
/// assert_eq!(hasher.finish(), hash(DigestAlgorithm::Sha256, b"abc"));
/// ```
#[derive(Clone)]
pub struct Hasher(State);

macro_rules! digests {
    ($($name:ident: $engine:ty),*) => {
        #[derive(Clone)]
        enum State { $($name($engine)),* }

        impl Hasher {
            /// Of nothing yet.
            pub fn new(algorithm: DigestAlgorithm) -> Self {
                Self(match algorithm { $(DigestAlgorithm::$name => State::$name(<$engine>::new())),* })
            }

            /// Of so many more bytes.
            pub fn update(&mut self, bytes: &[u8]) {
                match &mut self.0 { $(State::$name(engine) => engine.update(bytes)),* }
            }

            /// The digest.
            pub fn finish(self) -> Vec<u8> {
                match self.0 { $(State::$name(engine) => engine.finalize().to_vec()),* }
            }

            /// Which digest this is.
            pub fn algorithm(&self) -> DigestAlgorithm {
                match &self.0 { $(State::$name(_) => DigestAlgorithm::$name),* }
            }
        }

        /// HMAC (RFC 2104) with a key of any length.
        pub fn hmac(algorithm: DigestAlgorithm, key: &[u8], bytes: &[u8]) -> Secret {
            match algorithm {
                $(DigestAlgorithm::$name => match <Hmac<$engine> as KeyInit>::new_from_slice(key) {
                    Ok(mac) => Secret::new(mac.chain_update(bytes).finalize().into_bytes().to_vec()),
                    // HMAC takes keys of every length.
                    Err(_) => Secret::new(Vec::new()),
                }),*
            }
        }
    };
}

digests!(Md5: md5::Md5, Sha1: sha1::Sha1, Sha224: sha2::Sha224, Sha256: sha2::Sha256, Sha384: sha2::Sha384, Sha512: sha2::Sha512);

/// The digest of bytes in memory.
pub fn hash(algorithm: DigestAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_what_the_registry_says() {
        for algorithm in DigestAlgorithm::ALL {
            assert_eq!(hash(algorithm, b"abc").len(), algorithm.length());
            assert_eq!(hmac(algorithm, b"key", b"abc").len(), algorithm.length());
            assert_eq!(Hasher::new(algorithm).algorithm(), algorithm);
        }
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hex: String = hash(DigestAlgorithm::Sha256, b"abc").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, abc);
    }
}
