//! Clauses about keys, signatures, serial numbers and lifetimes: BR 6.1.5, 6.1.6, 6.3.2, 7.1 and 7.1.3.

use super::case::{Case, Verdict};
use super::profile::Generation;
use super::table::POST_QUANTUM;
use crate::asn1;
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::oid;
use crate::base::time::Time;
use crate::cert::name::hex;
use const_oid::ObjectIdentifier;

/// The one encoding of each AlgorithmIdentifier that 7.1.3.1 allows for a subject's key.
const KEYS: &[(&str, &str)] = &[
    ("300d06092a864886f70d0101010500", "RSA"),
    ("301306072a8648ce3d020106082a8648ce3d030107", "P-256"),
    ("301006072a8648ce3d020106052b81040022", "P-384"),
    ("301006072a8648ce3d020106052b81040023", "P-521"),
    ("300506032b6570", "Ed25519"),
    ("300506032b6571", "Ed448"),
];

/// Those that version 1.0.11 added.
const POST_QUANTUM_KEYS: &[(&str, &str)] = &[
    ("300b0609608648016503040311", "ML-DSA-44"),
    ("300b0609608648016503040312", "ML-DSA-65"),
    ("300b0609608648016503040313", "ML-DSA-87"),
    ("300b0609608648016503040401", "ML-KEM-512"),
    ("300b0609608648016503040402", "ML-KEM-768"),
    ("300b0609608648016503040403", "ML-KEM-1024"),
];

/// The one encoding of each AlgorithmIdentifier that 7.1.3.2 allows for an authority's signature.
const SIGNATURES: &[&str] = &[
    // RSASSA-PKCS1-v1_5 with SHA-256, SHA-384, SHA-512
    "300d06092a864886f70d01010b0500",
    "300d06092a864886f70d01010c0500",
    "300d06092a864886f70d01010d0500",
    // RSASSA-PSS with the same digests, salts as long as they
    "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
    "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130",
    "304106092a864886f70d01010a3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140",
    // ECDSA with SHA-256, SHA-384, SHA-512
    "300a06082a8648ce3d040302",
    "300a06082a8648ce3d040303",
    "300a06082a8648ce3d040304",
    // Ed25519, Ed448
    "300506032b6570",
    "300506032b6571",
];

const POST_QUANTUM_SIGNATURES: &[&str] =
    &["300b0609608648016503040311", "300b0609608648016503040312", "300b0609608648016503040313"];

pub(super) const ML_DSA: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
];
pub(super) const ML_KEM: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.1"),
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.2"),
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.3"),
];

pub(super) fn key_algorithm(case: &Case<'_>) -> Verdict {
    let found = match key_identifier(case) {
        Ok(bytes) => hex(&bytes),
        Err(error) => return Verdict::Failed(format!("the subject's public key is unreadable: {error}")),
    };
    if KEYS.iter().any(|(allowed, _)| *allowed == found) {
        return Verdict::Passed;
    }
    if let Some((_, name)) = POST_QUANTUM_KEYS.iter().find(|(allowed, _)| *allowed == found) {
        return Verdict::when(!case.precedes(Time::from_unix(POST_QUANTUM)), || {
            format!("the key is for {name}, which is allowed since {}", Time::from_unix(POST_QUANTUM))
        });
    }
    let algorithm = case.cert.key_algorithm();
    let names: Vec<&str> = KEYS.iter().chain(POST_QUANTUM_KEYS).map(|(_, name)| *name).collect();
    let name = oid::name(algorithm).map_or_else(|| algorithm.to_string(), str::to_owned);
    Verdict::Failed(format!(
        "the AlgorithmIdentifier of the key ({name}) is encoded as {}; expected the one encoding of {}",
        cut(&found),
        names.join(", ")
    ))
}

pub(super) fn signature_algorithm(case: &Case<'_>) -> Verdict {
    let algorithm = case.cert.signature_algorithm();
    let found = hex(&algorithm.to_der());
    let later = POST_QUANTUM_SIGNATURES.contains(&found.as_str());
    if SIGNATURES.contains(&found.as_str()) || (later && !case.precedes(Time::from_unix(POST_QUANTUM))) {
        return Verdict::Passed;
    }
    Verdict::Failed(format!(
        "the certificate is signed by {}, encoded as {}; expected RSA or ECDSA with SHA-256, SHA-384 or SHA-512, EdDSA or \
         ML-DSA, each in its one encoding",
        algorithm.name(),
        cut(&found)
    ))
}

pub(super) fn rsa_key(case: &Case<'_>) -> Verdict {
    if *case.cert.key_algorithm() != oid::RSA_ENCRYPTION {
        return Verdict::NotApplicable;
    }
    let (bits, exponent) = match rsa_numbers(case.cert.key_octets()) {
        Ok(numbers) => numbers,
        Err(error) => return Verdict::Failed(format!("the RSA key is unreadable: {error}")),
    };
    let mut wrong = Vec::new();
    if bits < 2048 {
        wrong.push(format!("the RSA key has {bits} bits; expected 2048 at least"));
    } else if !bits.is_multiple_of(8) {
        wrong.push(format!("the RSA key has {bits} bits; expected a multiple of 8"));
    }
    let odd = exponent.last().is_some_and(|octet| octet & 1 == 1);
    if !odd || exponent == [1] {
        wrong.push(format!(
            "the public exponent is {} (hexadecimal); expected an odd number from 3",
            cut(&hex(&exponent))
        ));
    }
    Verdict::of(wrong)
}

/// BR 6.3.2. Both ends of a validity count, so that it is one second longer than their difference (RFC 5280 section
/// 4.1.2.5).
pub(super) fn lifetime(case: &Case<'_>) -> Verdict {
    const DAY: i64 = 24 * 60 * 60;
    let days = if case.generation() == Some(Generation::Legacy) { 1185 } else { 825 };
    let (from, until) = (case.cert.not_before(), case.cert.not_after());
    let seconds = until.unix().saturating_sub(from.unix()).saturating_add(1);
    if seconds < 1 {
        return Verdict::Failed(format!("the certificate ends ({until}) before it begins ({from})"));
    }
    Verdict::when(seconds <= days * DAY, || {
        let (whole, rest) = (seconds / DAY, seconds % DAY);
        format!(
            "the certificate lives {whole} days and {rest} seconds, from {from} until {until}; expected {days} days at most"
        )
    })
}

pub(super) fn serial_number(case: &Case<'_>) -> Verdict {
    let octets = case.cert.serial();
    let negative = octets.first().is_some_and(|octet| octet & 0x80 != 0);
    if negative || octets.iter().all(|octet| *octet == 0) {
        let shown = cut(&hex(octets));
        return Verdict::Failed(format!("the serial number is encoded as {shown}, which is not greater than zero"));
    }
    Verdict::when(octets.len() <= 20, || format!("the serial number has {} octets; expected 20 at most", octets.len()))
}

/// 64 bits at random come out below 2^56, and so in 7 octets or fewer, once in 256 times.
pub(super) fn serial_entropy(case: &Case<'_>) -> Verdict {
    let octets = case.cert.serial();
    Verdict::when(octets.len() >= 8, || {
        format!("the serial number has {} octets, too few for the 64 random bits that it needs", octets.len())
    })
}

/// The AlgorithmIdentifier of the key, as received.
fn key_identifier(case: &Case<'_>) -> asn1::Result<Vec<u8>> {
    let mut parts = Reader::single(case.cert.spki(), "SubjectPublicKeyInfo")?.sequence("SubjectPublicKeyInfo")?;
    Ok(parts.required(Tag::SEQUENCE, "algorithm")?.raw().to_vec())
}

/// Bits of the modulus, and the exponent without leading zeros.
fn rsa_numbers(key: &[u8]) -> asn1::Result<(usize, Vec<u8>)> {
    const WHAT: &str = "RSAPublicKey";
    let mut parts = Reader::single(key, WHAT)?.sequence(WHAT)?;
    let modulus = parts.required(Tag::INTEGER, "modulus")?.unsigned("modulus")?;
    let exponent = parts.required(Tag::INTEGER, "publicExponent")?.unsigned("publicExponent")?;
    let mut significant = modulus.iter().skip_while(|octet| **octet == 0);
    let bits = match significant.next() {
        Some(first) => 8 - first.leading_zeros() as usize + 8 * significant.count(),
        None => 0,
    };
    Ok((bits, exponent.iter().copied().skip_while(|octet| *octet == 0).collect()))
}

fn cut(text: &str) -> String {
    match text.get(..80) {
        Some(beginning) if text.len() > 80 => format!("{beginning}..."),
        _ => text.to_owned(),
    }
}
