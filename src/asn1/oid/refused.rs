//! Algorithms that are well known and not done here. A refusal then says "md4 (1.2.840.113549.2.4)" and nobody has to look
//! a number up.

use const_oid::ObjectIdentifier;

/// The name of an algorithm of this table, else `None`.
pub(super) fn name(oid: &ObjectIdentifier) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| known == oid).map(|(_, name)| *name)
}

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const TABLE: &[(ObjectIdentifier, &str)] = &[
    // Digests: RFC 1319, 1320; ISO 10118-3; FIPS 180-4, 202
    (oid("1.2.840.113549.2.2"), "MD2"),
    (oid("1.2.840.113549.2.4"), "MD4"),
    (oid("1.3.36.3.2.1"), "RIPEMD-160"),
    (oid("1.0.10118.3.0.55"), "Whirlpool"),
    (oid("2.16.840.1.101.3.4.2.5"), "SHA-512/224"),
    (oid("2.16.840.1.101.3.4.2.6"), "SHA-512/256"),
    (oid("2.16.840.1.101.3.4.2.7"), "SHA3-224"),
    (oid("2.16.840.1.101.3.4.2.8"), "SHA3-256"),
    (oid("2.16.840.1.101.3.4.2.9"), "SHA3-384"),
    (oid("2.16.840.1.101.3.4.2.10"), "SHA3-512"),
    (oid("2.16.840.1.101.3.4.2.11"), "SHAKE128"),
    (oid("2.16.840.1.101.3.4.2.12"), "SHAKE256"),
    // Signatures with RSA and others: RFC 8017, ISIS-MTT, RFC 8692, 8702
    (oid("1.2.840.113549.1.1.2"), "MD2-with-RSA"),
    (oid("1.2.840.113549.1.1.3"), "MD4-with-RSA"),
    (oid("1.3.36.3.3.1.2"), "RIPEMD-160-with-RSA"),
    (oid("1.3.6.1.5.5.7.6.30"), "RSASSA-PSS-with-SHAKE128"),
    (oid("1.3.6.1.5.5.7.6.31"), "RSASSA-PSS-with-SHAKE256"),
    (oid("1.3.6.1.5.5.7.6.32"), "ECDSA-with-SHAKE128"),
    (oid("1.3.6.1.5.5.7.6.33"), "ECDSA-with-SHAKE256"),
    (oid("2.16.840.1.101.3.4.3.5"), "DSA-with-SHA3-224"),
    (oid("2.16.840.1.101.3.4.3.6"), "DSA-with-SHA3-256"),
    (oid("2.16.840.1.101.3.4.3.7"), "DSA-with-SHA3-384"),
    (oid("2.16.840.1.101.3.4.3.8"), "DSA-with-SHA3-512"),
    (oid("2.16.840.1.101.3.4.3.9"), "ECDSA-with-SHA3-224"),
    (oid("2.16.840.1.101.3.4.3.10"), "ECDSA-with-SHA3-256"),
    (oid("2.16.840.1.101.3.4.3.11"), "ECDSA-with-SHA3-384"),
    (oid("2.16.840.1.101.3.4.3.12"), "ECDSA-with-SHA3-512"),
    (oid("2.16.840.1.101.3.4.3.13"), "RSA-with-SHA3-224"),
    (oid("2.16.840.1.101.3.4.3.14"), "RSA-with-SHA3-256"),
    (oid("2.16.840.1.101.3.4.3.15"), "RSA-with-SHA3-384"),
    (oid("2.16.840.1.101.3.4.3.16"), "RSA-with-SHA3-512"),
    // Post-quantum: RFC 9881, 9814, 9935, 9708, 9802
    (oid("2.16.840.1.101.3.4.3.17"), "ML-DSA-44"),
    (oid("2.16.840.1.101.3.4.3.18"), "ML-DSA-65"),
    (oid("2.16.840.1.101.3.4.3.19"), "ML-DSA-87"),
    (oid("2.16.840.1.101.3.4.3.20"), "SLH-DSA-SHA2-128s"),
    (oid("2.16.840.1.101.3.4.3.21"), "SLH-DSA-SHA2-128f"),
    (oid("2.16.840.1.101.3.4.3.22"), "SLH-DSA-SHA2-192s"),
    (oid("2.16.840.1.101.3.4.3.23"), "SLH-DSA-SHA2-192f"),
    (oid("2.16.840.1.101.3.4.3.24"), "SLH-DSA-SHA2-256s"),
    (oid("2.16.840.1.101.3.4.3.25"), "SLH-DSA-SHA2-256f"),
    (oid("2.16.840.1.101.3.4.3.26"), "SLH-DSA-SHAKE-128s"),
    (oid("2.16.840.1.101.3.4.3.27"), "SLH-DSA-SHAKE-128f"),
    (oid("2.16.840.1.101.3.4.3.28"), "SLH-DSA-SHAKE-192s"),
    (oid("2.16.840.1.101.3.4.3.29"), "SLH-DSA-SHAKE-192f"),
    (oid("2.16.840.1.101.3.4.3.30"), "SLH-DSA-SHAKE-256s"),
    (oid("2.16.840.1.101.3.4.3.31"), "SLH-DSA-SHAKE-256f"),
    (oid("2.16.840.1.101.3.4.4.1"), "ML-KEM-512"),
    (oid("2.16.840.1.101.3.4.4.2"), "ML-KEM-768"),
    (oid("2.16.840.1.101.3.4.4.3"), "ML-KEM-1024"),
    (oid("1.2.840.113549.1.9.16.3.17"), "HSS/LMS"),
    (oid("1.3.6.1.5.5.7.6.34"), "XMSS"),
    (oid("1.3.6.1.5.5.7.6.35"), "XMSS^MT"),
    // Russia: RFC 4490, 9215; China: GM/T 0006
    (oid("1.2.643.2.2.3"), "GOST-R-34.10-2001-with-34.11-94"),
    (oid("1.2.643.2.2.4"), "GOST-R-34.10-94-with-34.11-94"),
    (oid("1.2.643.2.2.9"), "GOST-R-34.11-94"),
    (oid("1.2.643.2.2.19"), "GOST-R-34.10-2001"),
    (oid("1.2.643.2.2.20"), "GOST-R-34.10-94"),
    (oid("1.2.643.2.2.21"), "GOST-28147-89"),
    (oid("1.2.643.7.1.1.1.1"), "GOST-R-34.10-2012-256"),
    (oid("1.2.643.7.1.1.1.2"), "GOST-R-34.10-2012-512"),
    (oid("1.2.643.7.1.1.2.2"), "GOST-R-34.11-2012-256"),
    (oid("1.2.643.7.1.1.2.3"), "GOST-R-34.11-2012-512"),
    (oid("1.2.643.7.1.1.3.2"), "GOST-R-34.10-2012-with-34.11-256"),
    (oid("1.2.643.7.1.1.3.3"), "GOST-R-34.10-2012-with-34.11-512"),
    (oid("1.2.156.10197.1.104.2"), "SM4-CBC"),
    (oid("1.2.156.10197.1.301"), "SM2"),
    (oid("1.2.156.10197.1.401"), "SM3"),
    (oid("1.2.156.10197.1.501"), "SM2-with-SM3"),
    // Content ciphers: RFC 2630 and its contemporaries, 3657, 4010, 5084, 8103
    (oid("1.2.392.200011.61.1.1.1.2"), "Camellia128-CBC"),
    (oid("1.2.392.200011.61.1.1.1.3"), "Camellia192-CBC"),
    (oid("1.2.392.200011.61.1.1.1.4"), "Camellia256-CBC"),
    (oid("1.2.410.200004.1.4"), "SEED-CBC"),
    (oid("1.2.840.113533.7.66.10"), "CAST5-CBC"),
    (oid("1.3.6.1.4.1.188.7.1.1.2"), "IDEA-CBC"),
    (oid("1.2.840.113549.3.4"), "RC4"),
    (oid("1.2.840.113549.3.8"), "RC5-CBC"),
    (oid("1.2.840.113549.3.9"), "RC5-CBC-Pad"),
    (oid("2.16.840.1.101.2.1.1.4"), "Skipjack"),
    (oid("1.3.14.3.2.6"), "DES-ECB"),
    (oid("2.16.840.1.101.3.4.1.1"), "AES128-ECB"),
    (oid("2.16.840.1.101.3.4.1.21"), "AES192-ECB"),
    (oid("2.16.840.1.101.3.4.1.41"), "AES256-ECB"),
    (oid("2.16.840.1.101.3.4.1.3"), "AES128-OFB"),
    (oid("2.16.840.1.101.3.4.1.23"), "AES192-OFB"),
    (oid("2.16.840.1.101.3.4.1.43"), "AES256-OFB"),
    (oid("2.16.840.1.101.3.4.1.4"), "AES128-CFB"),
    (oid("2.16.840.1.101.3.4.1.24"), "AES192-CFB"),
    (oid("2.16.840.1.101.3.4.1.44"), "AES256-CFB"),
    (oid("2.16.840.1.101.3.4.1.7"), "AES128-CCM"),
    (oid("2.16.840.1.101.3.4.1.27"), "AES192-CCM"),
    (oid("2.16.840.1.101.3.4.1.47"), "AES256-CCM"),
    (oid("1.2.840.113549.1.9.16.3.18"), "ChaCha20-Poly1305"),
    // Key wrap: RFC 5649, 3657, 4010
    (oid("2.16.840.1.101.3.4.1.8"), "AES128-wrap-pad"),
    (oid("2.16.840.1.101.3.4.1.28"), "AES192-wrap-pad"),
    (oid("2.16.840.1.101.3.4.1.48"), "AES256-wrap-pad"),
    (oid("1.2.392.200011.61.1.1.3.2"), "Camellia128-wrap"),
    (oid("1.2.392.200011.61.1.1.3.3"), "Camellia192-wrap"),
    (oid("1.2.392.200011.61.1.1.3.4"), "Camellia256-wrap"),
    (oid("1.2.410.200004.7.1.1.1"), "SEED-wrap"),
    // Key transport and agreement: RFC 9690, 9629, 5753, 2631 and 3370 (which no mail client in use writes), PKCS #3, Fortezza
    (oid("1.2.840.113549.1.9.16.3.14"), "RSA-KEM"),
    (oid("1.2.840.113549.1.9.16.13.3"), "KEM-recipient"),
    (oid("1.2.840.10046.2.1"), "X9.42-Diffie-Hellman"),
    (oid("1.2.840.113549.1.9.16.3.5"), "Diffie-Hellman-ephemeral-static-on-a-finite-field"),
    (oid("1.2.840.113549.1.9.16.3.10"), "Diffie-Hellman-static-static-on-a-finite-field"),
    (oid("1.2.840.113549.1.3.1"), "PKCS#3-Diffie-Hellman"),
    (oid("2.16.840.1.101.2.1.1.22"), "KEA"),
    (oid("1.3.133.16.840.63.0.16"), "MQV-SHA1"),
    (oid("1.3.132.1.15.0"), "MQV-SHA224"),
    (oid("1.3.132.1.15.1"), "MQV-SHA256"),
    (oid("1.3.132.1.15.2"), "MQV-SHA384"),
    (oid("1.3.132.1.15.3"), "MQV-SHA512"),
    // Curves: RFC 5639, SEC 2, RFC 5480
    (oid("1.3.36.3.3.2.8.1.1.1"), "brainpoolP160r1"),
    (oid("1.3.36.3.3.2.8.1.1.3"), "brainpoolP192r1"),
    (oid("1.3.36.3.3.2.8.1.1.5"), "brainpoolP224r1"),
    (oid("1.3.36.3.3.2.8.1.1.7"), "brainpoolP256r1"),
    (oid("1.3.36.3.3.2.8.1.1.8"), "brainpoolP256t1"),
    (oid("1.3.36.3.3.2.8.1.1.9"), "brainpoolP320r1"),
    (oid("1.3.36.3.3.2.8.1.1.11"), "brainpoolP384r1"),
    (oid("1.3.36.3.3.2.8.1.1.12"), "brainpoolP384t1"),
    (oid("1.3.36.3.3.2.8.1.1.13"), "brainpoolP512r1"),
    (oid("1.3.36.3.3.2.8.1.1.14"), "brainpoolP512t1"),
    (oid("1.3.132.0.10"), "secp256k1"),
    (oid("1.2.840.10045.3.1.1"), "secp192r1"),
    (oid("1.3.132.0.33"), "secp224r1"),
    (oid("1.3.132.0.1"), "sect163k1"),
    (oid("1.3.132.0.16"), "sect283k1"),
    (oid("1.3.132.0.36"), "sect409k1"),
    (oid("1.3.132.0.38"), "sect571k1"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_stands_there_once_and_is_none_that_is_done() {
        let identifiers: HashSet<_> = TABLE.iter().map(|(oid, _)| oid).collect();
        let names: HashSet<_> = TABLE.iter().map(|(_, name)| name).collect();
        assert_eq!((identifiers.len(), names.len()), (TABLE.len(), TABLE.len()));
        for (oid, name) in TABLE {
            assert_eq!(crate::asn1::oid::name(oid), Some(*name), "a name of its own wins");
        }
    }
}
