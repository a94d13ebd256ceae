//! The object identifiers of the field, by the names of their specifications.

use const_oid::ObjectIdentifier;
use std::sync::LazyLock;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*

        /// All of them.
        pub(super) const ALL: &[ObjectIdentifier] = &[$($name),*];

        /// The name of an identifier that this module knows, else `None`.
        pub fn name(oid: &ObjectIdentifier) -> Option<&'static str> {
            $(if *oid == $name { return Some(stringify!($name)); })*
            super::refused::name(oid)
        }
    };
}

mod refused;

#[allow(missing_docs)] // each constant's name is the one its RFC gives it
mod table {
    use super::ObjectIdentifier;
    oids! {
        // Content types: RFC 5652, 5083, 3274, 3161
        ID_DATA = "1.2.840.113549.1.7.1";
        ID_SIGNED_DATA = "1.2.840.113549.1.7.2";
        ID_ENVELOPED_DATA = "1.2.840.113549.1.7.3";
        ID_DIGESTED_DATA = "1.2.840.113549.1.7.5";
        ID_ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
        ID_CT_AUTH_DATA = "1.2.840.113549.1.9.16.1.2";
        ID_CT_TST_INFO = "1.2.840.113549.1.9.16.1.4";
        ID_CT_COMPRESSED_DATA = "1.2.840.113549.1.9.16.1.9";
        ZLIB_COMPRESS = "1.2.840.113549.1.9.16.3.8";
        ID_CT_AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23";
        // Attributes: RFC 5652, 8551, 5035, 6211; Microsoft
        ID_EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
        ID_CONTENT_TYPE = "1.2.840.113549.1.9.3";
        ID_MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
        ID_SIGNING_TIME = "1.2.840.113549.1.9.5";
        ID_COUNTERSIGNATURE = "1.2.840.113549.1.9.6";
        ID_CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7";
        ID_EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
        ID_SMIME_CAPABILITIES = "1.2.840.113549.1.9.15";
        ID_FRIENDLY_NAME = "1.2.840.113549.1.9.20";
        ID_LOCAL_KEY_ID = "1.2.840.113549.1.9.21";
        ID_AA_ENCRYP_KEY_PREF = "1.2.840.113549.1.9.16.2.11";
        ID_AA_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
        ID_AA_TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14";
        ID_AA_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
        ID_AA_CMS_ALGORITHM_PROTECT = "1.2.840.113549.1.9.52";
        MS_ENCRYPTION_KEY_PREFERENCE = "1.3.6.1.4.1.311.16.4";
        // Digests
        MD5 = "1.2.840.113549.2.5";
        SHA1 = "1.3.14.3.2.26";
        SHA224 = "2.16.840.1.101.3.4.2.4";
        SHA256 = "2.16.840.1.101.3.4.2.1";
        SHA384 = "2.16.840.1.101.3.4.2.2";
        SHA512 = "2.16.840.1.101.3.4.2.3";
        // Signatures and keys: RFC 8017, 5758, 8410, 3279
        RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
        MD5_WITH_RSA = "1.2.840.113549.1.1.4";
        SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
        SHA1_WITH_RSA_OIW = "1.3.14.3.2.29";
        RSAES_OAEP = "1.2.840.113549.1.1.7";
        MGF1 = "1.2.840.113549.1.1.8";
        P_SPECIFIED = "1.2.840.113549.1.1.9";
        RSASSA_PSS = "1.2.840.113549.1.1.10";
        SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
        SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
        SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
        SHA224_WITH_RSA = "1.2.840.113549.1.1.14";
        EC_PUBLIC_KEY = "1.2.840.10045.2.1";
        ECDSA_WITH_SHA1 = "1.2.840.10045.4.1";
        ECDSA_WITH_SHA224 = "1.2.840.10045.4.3.1";
        ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
        ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
        ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";
        SECP256R1 = "1.2.840.10045.3.1.7";
        SECP384R1 = "1.3.132.0.34";
        SECP521R1 = "1.3.132.0.35";
        X25519 = "1.3.101.110";
        X448 = "1.3.101.111";
        ED25519 = "1.3.101.112";
        ED448 = "1.3.101.113";
        DSA = "1.2.840.10040.4.1";
        DSA_WITH_SHA1 = "1.2.840.10040.4.3";
        DSA_WITH_SHA1_OIW = "1.3.14.3.2.27";
        DSA_WITH_SHA224 = "2.16.840.1.101.3.4.3.1";
        DSA_WITH_SHA256 = "2.16.840.1.101.3.4.3.2";
        DSA_WITH_SHA384 = "2.16.840.1.101.3.4.3.3";
        DSA_WITH_SHA512 = "2.16.840.1.101.3.4.3.4";
        // Key agreement: RFC 5753, 8418
        DH_SINGLE_PASS_STD_SHA1 = "1.3.133.16.840.63.0.2";
        DH_SINGLE_PASS_STD_SHA224 = "1.3.132.1.11.0";
        DH_SINGLE_PASS_STD_SHA256 = "1.3.132.1.11.1";
        DH_SINGLE_PASS_STD_SHA384 = "1.3.132.1.11.2";
        DH_SINGLE_PASS_STD_SHA512 = "1.3.132.1.11.3";
        DH_SINGLE_PASS_COFACTOR_SHA1 = "1.3.133.16.840.63.0.3";
        DH_SINGLE_PASS_COFACTOR_SHA224 = "1.3.132.1.14.0";
        DH_SINGLE_PASS_COFACTOR_SHA256 = "1.3.132.1.14.1";
        DH_SINGLE_PASS_COFACTOR_SHA384 = "1.3.132.1.14.2";
        DH_SINGLE_PASS_COFACTOR_SHA512 = "1.3.132.1.14.3";
        DH_STD_HKDF_SHA256 = "1.2.840.113549.1.9.16.3.19";
        DH_STD_HKDF_SHA384 = "1.2.840.113549.1.9.16.3.20";
        DH_STD_HKDF_SHA512 = "1.2.840.113549.1.9.16.3.21";
        // Key wrap and content encryption
        AES128_WRAP = "2.16.840.1.101.3.4.1.5";
        AES192_WRAP = "2.16.840.1.101.3.4.1.25";
        AES256_WRAP = "2.16.840.1.101.3.4.1.45";
        CMS_3DES_WRAP = "1.2.840.113549.1.9.16.3.6";
        CMS_RC2_WRAP = "1.2.840.113549.1.9.16.3.7";
        PWRI_KEK = "1.2.840.113549.1.9.16.3.9";
        AES128_CBC = "2.16.840.1.101.3.4.1.2";
        AES192_CBC = "2.16.840.1.101.3.4.1.22";
        AES256_CBC = "2.16.840.1.101.3.4.1.42";
        AES128_GCM = "2.16.840.1.101.3.4.1.6";
        AES192_GCM = "2.16.840.1.101.3.4.1.26";
        AES256_GCM = "2.16.840.1.101.3.4.1.46";
        DES_EDE3_CBC = "1.2.840.113549.3.7";
        DES_CBC = "1.3.14.3.2.7";
        RC2_CBC = "1.2.840.113549.3.2";
        // Password-based: RFC 8018, 7292, 9579
        PBES2 = "1.2.840.113549.1.5.13";
        PBKDF2 = "1.2.840.113549.1.5.12";
        PBMAC1 = "1.2.840.113549.1.5.14";
        SCRYPT = "1.3.6.1.4.1.11591.4.11";
        HMAC_SHA1 = "1.2.840.113549.2.7";
        HMAC_SHA224 = "1.2.840.113549.2.8";
        HMAC_SHA256 = "1.2.840.113549.2.9";
        HMAC_SHA384 = "1.2.840.113549.2.10";
        HMAC_SHA512 = "1.2.840.113549.2.11";
        PBE_MD5_DES = "1.2.840.113549.1.5.3";
        PBE_SHA1_DES = "1.2.840.113549.1.5.10";
        PBE_SHA_RC4_128 = "1.2.840.113549.1.12.1.1";
        PBE_SHA_RC4_40 = "1.2.840.113549.1.12.1.2";
        PBE_SHA_3DES = "1.2.840.113549.1.12.1.3";
        PBE_SHA_2DES = "1.2.840.113549.1.12.1.4";
        PBE_SHA_RC2_128 = "1.2.840.113549.1.12.1.5";
        PBE_SHA_RC2_40 = "1.2.840.113549.1.12.1.6";
        KEY_BAG = "1.2.840.113549.1.12.10.1.1";
        PKCS8_SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
        CERT_BAG = "1.2.840.113549.1.12.10.1.3";
        CRL_BAG = "1.2.840.113549.1.12.10.1.4";
        SECRET_BAG = "1.2.840.113549.1.12.10.1.5";
        SAFE_CONTENTS_BAG = "1.2.840.113549.1.12.10.1.6";
        X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
        X509_CRL = "1.2.840.113549.1.9.23.1";
        // Names: RFC 4519
        COMMON_NAME = "2.5.4.3";
        SURNAME = "2.5.4.4";
        SERIAL_NUMBER = "2.5.4.5";
        COUNTRY = "2.5.4.6";
        LOCALITY = "2.5.4.7";
        STATE = "2.5.4.8";
        STREET = "2.5.4.9";
        ORGANIZATION = "2.5.4.10";
        ORGANIZATIONAL_UNIT = "2.5.4.11";
        TITLE = "2.5.4.12";
        GIVEN_NAME = "2.5.4.42";
        DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";
        USER_ID = "0.9.2342.19200300.100.1.1";
        // Extensions: RFC 5280, 4262, 9598
        SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
        KEY_USAGE = "2.5.29.15";
        SUBJECT_ALT_NAME = "2.5.29.17";
        ISSUER_ALT_NAME = "2.5.29.18";
        BASIC_CONSTRAINTS = "2.5.29.19";
        NAME_CONSTRAINTS = "2.5.29.30";
        CRL_DISTRIBUTION_POINTS = "2.5.29.31";
        CERTIFICATE_POLICIES = "2.5.29.32";
        POLICY_MAPPINGS = "2.5.29.33";
        AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
        POLICY_CONSTRAINTS = "2.5.29.36";
        EXTENDED_KEY_USAGE = "2.5.29.37";
        INHIBIT_ANY_POLICY = "2.5.29.54";
        ANY_POLICY = "2.5.29.32.0";
        FRESHEST_CRL = "2.5.29.46";
        CRL_NUMBER = "2.5.29.20";
        CRL_REASON = "2.5.29.21";
        INVALIDITY_DATE = "2.5.29.24";
        DELTA_CRL_INDICATOR = "2.5.29.27";
        ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
        CERTIFICATE_ISSUER = "2.5.29.29";
        AD_OCSP = "1.3.6.1.5.5.7.48.1";
        AD_CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
        OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
        OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
        OCSP_CRL = "1.3.6.1.5.5.7.48.1.3";
        OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5";
        OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
        OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
        RI_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2";
        AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
        SUBJECT_INFO_ACCESS = "1.3.6.1.5.5.7.1.11";
        ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
        EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
        TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
        SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9";
        MS_USER_PRINCIPAL_NAME = "1.3.6.1.4.1.311.20.2.3";
        MS_CERTIFICATE_REQUEST_AGENT = "1.3.6.1.4.1.311.20.2.1";
        CMC_RA = "1.3.6.1.5.5.7.3.28";
        // SCEP: RFC 8894 section 3.2.1
        SCEP_MESSAGE_TYPE = "2.16.840.1.113733.1.9.2";
        SCEP_PKI_STATUS = "2.16.840.1.113733.1.9.3";
        SCEP_FAIL_INFO = "2.16.840.1.113733.1.9.4";
        SCEP_SENDER_NONCE = "2.16.840.1.113733.1.9.5";
        SCEP_RECIPIENT_NONCE = "2.16.840.1.113733.1.9.6";
        SCEP_TRANSACTION_ID = "2.16.840.1.113733.1.9.7";
        SCEP_FAIL_INFO_TEXT = "1.3.6.1.5.5.7.24.1";
    }
}
pub use table::*;

/// The identifier with this encoding, where it is one of those above: without looking at its arcs once more.
pub(super) fn known(encoding: &[u8]) -> Option<ObjectIdentifier> {
    let found = KNOWN.get(place(encoding))?.as_ref()?;
    (found.as_bytes() == encoding).then_some(*found)
}

/// Each at its place; of two that have the same, one. The other is read as those are that are not here.
static KNOWN: LazyLock<Vec<Option<ObjectIdentifier>>> = LazyLock::new(|| {
    let mut places = vec![None; PLACES];
    for oid in table::ALL {
        if let Some(place) = places.get_mut(place(oid.as_bytes())) {
            *place = Some(*oid);
        }
    }
    places
});

const PLACES: usize = 1024;

/// Those above differ in their last octets and in their lengths.
fn place(encoding: &[u8]) -> usize {
    let last = encoding.iter().rev().take(3);
    last.fold(encoding.len(), |sum, octet| sum.wrapping_mul(37) ^ usize::from(*octet)) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_what_would_be_read() {
        let mut missed = 0;
        for oid in table::ALL {
            match known(oid.as_bytes()) {
                Some(found) => assert_eq!(found, *oid),
                None => missed += 1,
            }
        }
        assert!(missed * 4 < table::ALL.len(), "{missed} of {}", table::ALL.len());
        for other in [&[][..], &[0x2a], &[0x55, 4, 200], b"no identifier"] {
            assert_eq!(known(other), None);
        }
    }
}
