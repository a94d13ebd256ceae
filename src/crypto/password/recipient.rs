//! From a password to the content-encryption key of a PasswordRecipientInfo (RFC 5652 section 6.2.4, RFC 3211).

use super::{Error, Kdf, KdfBudget, Password, Result};
use crate::asn1::ber::Reader;
use crate::base::secret::Secret;
use crate::crypto::algorithm::AlgorithmIdentifier;
use crate::crypto::password_wrap::{self, PasswordWrap};

/// Derives the key-encryption key and unwraps a content-encryption key of `length` bytes.
///
/// `derivation` is keyDerivationAlgorithm and `wrap` keyEncryptionAlgorithm, both as received. Nothing is derived before
/// both are understood and the budget has paid (SEC-77).
///
/// # Errors
/// [`Error::NoKeyDerivation`] where `derivation` is absent; [`Error::Unsupported`] by name; [`Error::Parameters`] and
/// [`Error::Asn1`] for what is malformed; [`Error::Iterations`] and [`Error::Memory`] for what costs too much;
/// [`Error::WrongPasswordOrCorrupt`] for everything behind the password.
pub fn unwrap_content_key(
    derivation: Option<&AlgorithmIdentifier>,
    wrap: &AlgorithmIdentifier,
    password: &Password,
    encrypted_key: &[u8],
    length: usize,
    budget: &mut KdfBudget,
) -> Result<Secret> {
    let derivation = derivation.ok_or(Error::NoKeyDerivation)?.to_der();
    let kdf = Kdf::read(&Reader::single(&derivation, "keyDerivationAlgorithm")?)?;
    let scheme = PasswordWrap::from_identifier(wrap)?;
    let kek = kdf.derive(password.text(), scheme.key_length(), budget)?;
    Ok(password_wrap::unwrap(&scheme, &kek, encrypted_key, length)?)
}

impl From<crate::crypto::Error> for Error {
    fn from(error: crate::crypto::Error) -> Self {
        use crate::crypto::Error as Crypto;
        match error {
            Crypto::UnsupportedAlgorithm { what, oid } => Self::Unsupported { what, name: oid },
            Crypto::Parameters { what, why } => Self::Parameters { what, why },
            Crypto::Asn1(error) => Self::Asn1(error),
            Crypto::Rng(why) => Self::Random(why),
            // The derived key has the wrap's length, so what is left is a wrong check value or an impossible length.
            _ => Self::WrongPasswordOrCorrupt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{der, oid};
    use crate::base::limits::Limits;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn pbkdf2(iterations: u64, key_length: Option<u64>) -> AlgorithmIdentifier {
        let mut parts = vec![der::octets(&hex("1234567878563412")), der::integer(iterations)];
        parts.extend(key_length.map(der::integer));
        AlgorithmIdentifier::with(oid::PBKDF2, der::sequence(&parts))
    }

    fn wrap() -> AlgorithmIdentifier {
        let inner = AlgorithmIdentifier::with(oid::DES_EDE3_CBC, der::octets(&hex("baf1ca7931213c4e")));
        AlgorithmIdentifier::with(oid::PWRI_KEK, inner.to_der())
    }

    fn unwrap(derivation: Option<&AlgorithmIdentifier>, wrap: &AlgorithmIdentifier, text: &str) -> Result<Secret> {
        let wrapped = hex("c03c514abdb9e2c5aac038572b5e24553876b377aafb82eca5a9d73f8ab143d9ec74e6cad7db260c");
        let password = Password::new(&Secret::from(text));
        unwrap_content_key(derivation, wrap, &password, &wrapped, 32, &mut KdfBudget::new(&Limits::default()))
    }

    const PASSWORD: &str = "All n-entities must communicate with other n-entities via n-1 entiteeheehees";

    #[test]
    fn the_example_of_rfc_3211_section_3_opens_from_its_password() {
        for key_length in [None, Some(24)] {
            let key = unwrap(Some(&pbkdf2(500, key_length)), &wrap(), PASSWORD).unwrap();
            assert_eq!(key.expose(), hex("8c637d887223a2f965b566eb014b0fa5d52300a3f7ea40fffc577203c71baf3b"));
        }
        assert!(matches!(unwrap(Some(&pbkdf2(500, None)), &wrap(), "other"), Err(Error::WrongPasswordOrCorrupt)));
        assert!(matches!(unwrap(Some(&pbkdf2(501, None)), &wrap(), PASSWORD), Err(Error::WrongPasswordOrCorrupt)));
    }

    #[test]
    fn sec_077_what_is_absent_too_dear_or_unknown_is_told_apart() {
        assert!(matches!(unwrap(None, &wrap(), PASSWORD), Err(Error::NoKeyDerivation)));
        for iterations in [1 << 31, u64::MAX] {
            let error = unwrap(Some(&pbkdf2(iterations, None)), &wrap(), PASSWORD).unwrap_err();
            assert!(matches!(error, Error::Iterations { asked, .. } if asked == iterations), "{error}");
        }
        assert!(matches!(unwrap(Some(&pbkdf2(0, None)), &wrap(), PASSWORD), Err(Error::Parameters { .. })));
        assert!(matches!(unwrap(Some(&pbkdf2(500, Some(16))), &wrap(), PASSWORD), Err(Error::Parameters { .. })));
        let gcm = der::sequence(&[der::octets(&[1; 12])]);
        let stream = AlgorithmIdentifier::with(oid::PWRI_KEK, AlgorithmIdentifier::with(oid::AES128_GCM, gcm).to_der());
        let error = unwrap(Some(&pbkdf2(500, None)), &stream, PASSWORD).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains("aes128-gcm"), "{error}");
        // The derivation is not begun where the wrap is refused anyway.
        let error = unwrap(Some(&pbkdf2(1 << 31, None)), &stream, PASSWORD).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let aes = AlgorithmIdentifier::new(oid::AES256_WRAP);
        assert!(matches!(unwrap(Some(&pbkdf2(500, None)), &aes, PASSWORD), Err(Error::Unsupported { .. })));
        assert!(matches!(unwrap(Some(&aes), &wrap(), PASSWORD), Err(Error::Unsupported { .. })));
    }
}
