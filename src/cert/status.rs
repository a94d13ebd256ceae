//! The numbers by which Exchange ActiveSync tells how a certificate was judged (OUT-26; [MS-ASCMD] ValidateCert).

use crate::cert::chain::{ChainOutcome, ChainRequest, ChainVerdict};
use crate::cert::purpose::{self, Purpose};
use crate::cert::revocation::{RevocationMode, RevocationStatus};
use std::fmt;

/// How a certificate was judged, as a stable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValidationStatus {
    /// Nothing stands against it.
    Valid = 1,
    /// A signature in the chain is wrong.
    SignatureInvalid = 3,
    /// No trusted root.
    UntrustedSource = 4,
    /// The chain is not built as it should be.
    ChainNotBuilt = 5,
    /// Not for signing mail.
    NotForSigning = 6,
    /// Expired, or not valid yet.
    NotTimeValid = 7,
    /// A certificate of the chain is expired, or not valid yet.
    ChainNotTimeValid = 8,
    /// The certificate is used for what it is not for.
    WrongUse = 9,
    /// Something in the certificate is missing or incorrect.
    InformationIncorrect = 10,
    /// A certificate of the chain is used for what it is not for.
    ChainWrongUse = 11,
    /// It does not match the mail address.
    AddressMismatch = 12,
    /// It is revoked.
    Revoked = 13,
    /// The server that tells of revocation cannot be contacted.
    RevocationOffline = 14,
    /// A certificate of the chain is revoked.
    ChainRevoked = 15,
    /// Whether it is revoked cannot be determined.
    RevocationUnknown = 16,
}

impl ValidationStatus {
    /// The number that ActiveSync has for it.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Of a judgement; what stands first among the reasons decides.
    pub fn of(request: &ChainRequest<'_>, outcome: &ChainOutcome, mode: RevocationMode) -> Self {
        if outcome.verdict != ChainVerdict::Anchored {
            return outcome.reasons.first().map_or(Self::ChainNotBuilt, |reason| Self::of_code(reason.code, request));
        }
        match (outcome.revocation(), mode) {
            (_, RevocationMode::Off) | (RevocationStatus::Good, _) => Self::Valid,
            (RevocationStatus::Revoked { .. }, _) => {
                let leaf = outcome.statuses.first().map(|one| &one.status);
                let own = matches!(leaf, Some(RevocationStatus::Revoked { .. }));
                if own { Self::Revoked } else { Self::ChainRevoked }
            }
            (_, RevocationMode::Soft) => Self::Valid,
            (RevocationStatus::Unknown(whys), _) if whys.iter().any(|why| why.code == "fetch_failed") => {
                Self::RevocationOffline
            }
            _ => Self::RevocationUnknown,
        }
    }

    fn of_code(code: &str, request: &ChainRequest<'_>) -> Self {
        match code {
            "certificate_signature_invalid" => Self::SignatureInvalid,
            "untrusted_chain" | "issuer_not_found" | "no_anchors" => Self::UntrustedSource,
            "certificate_expired" | "certificate_not_yet_valid" if request.leaf.is_valid_at(request.at) => {
                Self::ChainNotTimeValid
            }
            "certificate_expired" | "certificate_not_yet_valid" => Self::NotTimeValid,
            "malformed_extension" | "unusable_key" | "unsupported_algorithm" | "unknown_critical_extension" => {
                Self::InformationIncorrect
            }
            "key_usage"
            | "extended_key_usage"
            | "extended_key_usage_absent"
            | "key_algorithm"
            | "ca_certificate_as_end_entity" => {
                let own = !purpose::fits(request.leaf, request.purpose, request.rule).is_empty();
                match (own, request.purpose) {
                    (false, _) => Self::ChainWrongUse,
                    (true, Purpose::Sign) => Self::NotForSigning,
                    (true, _) => Self::WrongUse,
                }
            }
            "not_a_ca" | "path_length_exceeded" => Self::ChainWrongUse,
            _ => Self::ChainNotBuilt,
        }
    }
}

impl fmt::Display for ValidationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::SignatureInvalid => "certificate signature invalid",
            Self::UntrustedSource => "untrusted source",
            Self::ChainNotBuilt => "chain not built correctly",
            Self::NotForSigning => "not valid for signing e-mail",
            Self::NotTimeValid => "expired or not yet valid",
            Self::ChainNotTimeValid => "chain validity periods inconsistent",
            Self::WrongUse => "certificate used incorrectly",
            Self::InformationIncorrect => "certificate information missing or incorrect",
            Self::ChainWrongUse => "a chain certificate used incorrectly",
            Self::AddressMismatch => "does not match the e-mail address",
            Self::Revoked => "revoked",
            Self::RevocationOffline => "revocation server cannot be contacted",
            Self::ChainRevoked => "a certificate in the chain is revoked",
            Self::RevocationUnknown => "revocation status cannot be determined",
        })
    }
}
