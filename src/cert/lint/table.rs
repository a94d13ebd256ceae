//! The clauses, one a row. Sections are those of the BR, versions 1.0 to 1.0.11.

use super::case::{Case, Verdict};
use super::profile::{Generation, Validation};
use super::{AppliesTo, Clause, Severity, extensions, keys, mailboxes, organization, subject, usage};
use Generation::{Legacy, Multipurpose, Strict};
use Severity::{Error, Warning};
use Validation::{Individual, Mailbox, Organization, Sponsor};

/// 2023-09-01: version 1.0.0 came into force.
const FIRST: i64 = 1_693_526_400;
/// 2025-07-15: no more certificates of the legacy generation (BR 7.1.6.1).
pub(super) const LEGACY_ENDS: i64 = 1_752_537_600;
/// 2025-08-22: version 1.0.11 allowed ML-DSA and ML-KEM (ballot SMC013).
pub(super) const POST_QUANTUM: i64 = 1_755_820_800;

const EVERY: AppliesTo = AppliesTo::Profiles { generations: &Generation::ALL, validations: &Validation::ALL };
const NOT_LEGACY: AppliesTo = generations(&[Multipurpose, Strict]);
const NOT_STRICT: AppliesTo = generations(&[Legacy, Multipurpose]);
const STRICT: AppliesTo = generations(&[Strict]);

const fn generations(generations: &'static [Generation]) -> AppliesTo {
    AppliesTo::Profiles { generations, validations: &Validation::ALL }
}

const fn validated(validations: &'static [Validation]) -> AppliesTo {
    AppliesTo::Profiles { generations: &Generation::ALL, validations }
}

const fn row(
    code: &'static str,
    section: &'static str,
    severity: Severity,
    applies_to: AppliesTo,
    check: fn(&Case<'_>) -> Verdict,
    requirement: &'static str,
) -> Clause {
    Clause { code, section, severity, applies_to, requirement, effective: FIRST, check }
}

impl Clause {
    const fn since(self, effective: i64) -> Self {
        Self { effective, ..self }
    }
}

#[rustfmt::skip] // a clause, two lines
pub(super) static CLAUSES: &[Clause] = &[
    // Which profile.
    row("reserved_policy", "7.1.2.3(a)", Error, AppliesTo::EveryMailCertificate, extensions::policy,
        "certificatePolicies names exactly one of the twelve reserved policies."),
    row("legacy_generation_ended", "7.1.6.1", Error, generations(&[Legacy]), extensions::legacy_ended,
        "No certificate of the legacy generation begins on or after 2025-07-15.").since(LEGACY_ENDS),
    // Mail addresses.
    row("san_present", "7.1.2.3(h)", Error, EVERY, mailboxes::alternative_present,
        "subjectAltName is present."),
    row("san_mailbox", "7.1.4.2.1", Error, EVERY, mailboxes::alternative_mailbox,
        "subjectAltName holds an rfc822Name or an SmtpUTF8Mailbox."),
    row("san_name_types", "7.1.4.2.1", Error, EVERY, mailboxes::alternative_types,
        "subjectAltName holds nothing but rfc822Name, directoryName and otherName; of otherName, strict ones only SmtpUTF8Mailbox."),
    row("san_mailbox_form", "7.1.4.2.1", Error, EVERY, mailboxes::alternative_form,
        "Each rfc822Name and SmtpUTF8Mailbox is one well-formed mail address."),
    row("san_not_critical", "7.1.2.3(h)", Warning, EVERY, mailboxes::alternative_not_critical,
        "subjectAltName is not critical unless the subject is empty."),
    row("subject_email_form", "7.1.4.2.2(h)", Error, EVERY, mailboxes::email_form,
        "The subject's emailAddress is one well-formed mail address."),
    row("subject_mailbox_in_san", "7.1.4.2.1", Error, EVERY, mailboxes::repeated,
        "Each mail address of the subject or of a directoryName stands in the subjectAltName as well."),
    row("common_name", "7.1.4.2.2(a)", Error, EVERY, mailboxes::common_name,
        "The commonName is a mailbox of the subjectAltName or, where the profile validates them, the organization's or person's name or pseudonym."),
    // What the key may do.
    row("eku_strict", "7.1.2.3(f)", Error, STRICT, usage::purposes_strict,
        "extKeyUsage is emailProtection and nothing else."),
    row("eku_other", "7.1.2.3(f)", Error, NOT_STRICT, usage::purposes_other,
        "extKeyUsage has emailProtection and none of serverAuth, codeSigning, timeStamping and anyExtendedKeyUsage."),
    row("key_usage_present", "7.1.2.3(e)", Error, EVERY, usage::key_usage_present,
        "keyUsage is present."),
    row("key_usage_critical", "7.1.2.3(e)", Warning, EVERY, usage::key_usage_critical,
        "keyUsage is critical."),
    row("key_usage_purpose", "7.1.2.3(e)", Error, EVERY, usage::key_usage_purpose,
        "keyUsage says that the key signs (digitalSignature) or manages keys (keyEncipherment for RSA, keyAgreement for EC)."),
    row("key_usage_rsa_strict", "7.1.2.3(e)", Error, STRICT, usage::key_usage_rsa,
        "Of RSA keys, keyUsage has digitalSignature with or without nonRepudiation, keyEncipherment, or both, and no other bit."),
    row("key_usage_rsa", "7.1.2.3(e)", Error, NOT_STRICT, usage::key_usage_rsa,
        "The same, with dataEncipherment beside keyEncipherment."),
    row("key_usage_ec", "7.1.2.3(e)", Error, EVERY, usage::key_usage_ec,
        "Of EC keys, keyUsage has digitalSignature with or without nonRepudiation, keyAgreement with or without encipherOnly or decipherOnly, or both, and no other bit."),
    row("key_usage_edwards", "7.1.2.3(e)", Error, EVERY, usage::key_usage_edwards,
        "Of Ed25519 and Ed448 keys, keyUsage has digitalSignature with or without nonRepudiation, and no other bit."),
    row("key_usage_ml_dsa", "7.1.2.3(e)", Error, EVERY, usage::key_usage_ml_dsa,
        "Of ML-DSA keys, keyUsage has digitalSignature with or without nonRepudiation, and no other bit.").since(POST_QUANTUM),
    row("key_usage_ml_kem", "7.1.2.3(e)", Error, EVERY, usage::key_usage_ml_kem,
        "Of ML-KEM keys, keyUsage has keyEncipherment, and no other bit.").since(POST_QUANTUM),
    // Keys, signatures, serial numbers, lifetimes.
    row("public_key_algorithm", "7.1.3.1", Error, EVERY, keys::key_algorithm,
        "The key is for RSA, P-256, P-384, P-521, Ed25519, Ed448 or, since 2025-08-22, ML-DSA or ML-KEM, in the one encoding of each."),
    row("rsa_key", "6.1.5, 6.1.6", Error, EVERY, keys::rsa_key,
        "An RSA key has 2048 bits at least, a multiple of 8, and an odd exponent from 3."),
    row("signature_algorithm", "7.1.3.2", Error, EVERY, keys::signature_algorithm,
        "The issuer signs by RSA or ECDSA with SHA-256, SHA-384 or SHA-512, by EdDSA or, since 2025-08-22, by ML-DSA, in the one encoding of each."),
    row("lifetime", "6.3.2", Error, EVERY, keys::lifetime,
        "The certificate lives 825 days at most, of the legacy generation 1185."),
    row("serial_number", "7.1", Error, EVERY, keys::serial_number,
        "The serial number is greater than zero and has 20 octets at most."),
    row("serial_number_entropy", "7.1", Warning, EVERY, keys::serial_entropy,
        "The serial number has room for 64 random bits."),
    // Who issued it, and whether it is revoked.
    row("authority_key_identifier", "7.1.2.3(g)", Error, EVERY, extensions::authority_key,
        "authorityKeyIdentifier is present, not critical, and has a keyIdentifier alone."),
    row("crl_points_present", "7.1.2.3(b)", Error, EVERY, extensions::crl_present,
        "cRLDistributionPoints is present."),
    row("crl_points_http", "7.1.2.3(b)", Error, EVERY, extensions::crl_http,
        "Each URI of the cRLDistributionPoints is http; of the legacy generation, one of them."),
    row("aia_present", "7.1.2.3(c)", Warning, EVERY, extensions::access_present,
        "authorityInfoAccess is present."),
    row("aia_ca_issuers", "7.1.2.3(c)", Warning, EVERY, extensions::access_issuers,
        "authorityInfoAccess says where the issuer's certificate is."),
    row("aia_http", "7.1.2.3(c)", Error, EVERY, extensions::access_http,
        "authorityInfoAccess is not critical, and each of its OCSP and caIssuers entries is http; of the legacy generation, one of each kind."),
    row("aia_public_host", "7.1.2.3(c)", Warning, EVERY, extensions::access_public,
        "The hosts of the authorityInfoAccess are known beyond the issuer's own network."),
    row("basic_constraints", "7.1.2.3(d)", Error, EVERY, extensions::basic_constraints,
        "basicConstraints has neither cA TRUE nor a pathLenConstraint."),
    // The subject.
    row("subject_attributes_mailbox", "7.1.4.2.3", Error, validated(&[Mailbox]), subject::attributes,
        "The subject has nothing but commonName, serialNumber and emailAddress."),
    row("subject_attributes_organization", "7.1.4.2.4", Error, validated(&[Organization]), subject::attributes,
        "The subject has organizationName and organizationIdentifier and no attribute of a person."),
    row("subject_attributes_sponsor", "7.1.4.2.5", Error, validated(&[Sponsor]), subject::attributes,
        "The subject has organizationName, organizationIdentifier and a person's name or pseudonym."),
    row("subject_attributes_individual", "7.1.4.2.6", Error, validated(&[Individual]), subject::attributes,
        "The subject has a person's name or pseudonym and no attribute of an organization."),
    row("name_or_pseudonym", "7.1.4.2.2(e)", Error, EVERY, subject::pseudonym,
        "A pseudonym stands without givenName and surname."),
    row("placeholder_attribute", "7.1.4.2", Error, EVERY, subject::placeholder,
        "No attribute of a name is a mere placeholder."),
    row("place_attributes", "7.1.4.2.2(j-m)", Error, EVERY, subject::place,
        "Street and postal code stand with a locality or state, and these with a country."),
    row("country_name", "7.1.4.2.2(n)", Error, validated(&[Organization, Sponsor, Individual]), organization::country,
        "countryName is a code of ISO 3166-1, or XX."),
    row("organization_identifier", "7.1.4.2.2(d)", Error, validated(&[Organization, Sponsor]), organization::identifier,
        "organizationIdentifier is a reference of a known registration scheme."),
    row("organization_identifier_country", "A.1", Error, validated(&[Organization, Sponsor]), organization::identifier_country,
        "A national registration scheme is of the subject's countryName."),
    // Extensions that are no mail program's business, but the issuer's.
    row("lei", "7.1.2.3(l)", Error, EVERY, extensions::legal_entity,
        "LEI extensions are not critical, and stand where an organization was validated."),
    row("subject_directory_attributes", "7.1.2.3(j)", Error, NOT_LEGACY, extensions::directory_attributes,
        "subjectDirectoryAttributes is absent."),
    row("qc_statements_not_critical", "7.1.2.3(k)", Error, EVERY, extensions::qc_statements,
        "qcStatements is not critical."),
    row("adobe_absent", "7.1.2.3(m)", Error, STRICT, extensions::adobe_absent,
        "Adobe's extensions are absent."),
    row("adobe_not_critical", "7.1.2.3(m)", Error, NOT_STRICT, extensions::adobe_not_critical,
        "Adobe's extensions are not critical."),
];
