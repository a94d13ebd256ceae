//! The S/MIME settings of a mobile device mailbox policy (Set-MobileDeviceMailboxPolicy), which Exchange ActiveSync
//! hands to devices (OUT-71; [MS-ASPROV]).

use super::policy::{CipherRule, Policy};
use super::sending::PermittedKeys;
use super::table::{self, Filled, Line, Notation, Row, Slot, UserChange};
use super::value::{Result, Setting, Value, or_faults, shown};
use crate::base::reason::Reason;
use crate::crypto::algorithm::{ContentCipher, DigestAlgorithm};

/// The S/MIME settings of a mobile device mailbox policy; numbers as in [MS-ASPROV].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxPolicy {
    /// RequireSignedSMIMEMessages.
    pub require_signed: bool,
    /// RequireEncryptedSMIMEMessages.
    pub require_encrypted: bool,
    /// AllowSMIMESoftCerts: whether keys in software are allowed.
    pub allow_soft_certs: bool,
    signing: u32,
    encryption: u32,
    negotiation: u32,
    given: Vec<&'static str>,
}

/// Whether a device may take another cipher than the required one where a recipient cannot read that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negotiation {
    /// No.
    Block,
    /// A strong one only.
    OnlyStrong,
    /// Any.
    Any,
}

/// A policy asks for an algorithm that is read and never written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} asks for {algorithm}, which is too weak to be written")]
pub struct WeakAlgorithm {
    /// Which setting.
    pub setting: &'static str,
    /// What it asks for.
    pub algorithm: &'static str,
}

const SIGNING: &[(&str, u32)] = &[("SHA1", 0), ("MD5", 1)];
const ENCRYPTION: &[(&str, u32)] = &[("TripleDES", 0), ("DES", 1), ("RC2128bit", 2), ("RC264bit", 3), ("RC240bit", 4)];
const NEGOTIATION: &[(&str, u32)] =
    &[("BlockNegotiation", 0), ("OnlyStrongAlgorithmNegotiation", 1), ("AllowAnyAlgorithmNegotiation", 2)];

const SIGNING_ALGORITHM: &str = "RequireSignedSMIMEAlgorithm";
const ENCRYPTION_ALGORITHM: &str = "RequireEncryptionSMIMEAlgorithm";

const SETTINGS: &[Row<MailboxPolicy>] = &[
    Row {
        name: "RequireSignedSMIMEMessages",
        slot: Slot::Boolean(false, |p| &mut p.require_signed),
        about: "every message is signed (OUT-71)",
    },
    Row {
        name: "RequireEncryptedSMIMEMessages",
        slot: Slot::Boolean(false, |p| &mut p.require_encrypted),
        about: "every message is encrypted (OUT-71)",
    },
    Row {
        name: SIGNING_ALGORITHM,
        slot: Slot::Choice(0, SIGNING, |p| &mut p.signing),
        about: "the digest of signatures; neither of the two is signed with here (OUT-71, OUT-39)",
    },
    Row {
        name: ENCRYPTION_ALGORITHM,
        slot: Slot::Choice(0, ENCRYPTION, |p| &mut p.encryption),
        about: "the cipher; none of them is encrypted with here (OUT-71, OUT-37)",
    },
    Row {
        name: "AllowSMIMEEncryptionAlgorithmNegotiation",
        slot: Slot::Choice(2, NEGOTIATION, |p| &mut p.negotiation),
        about: "whether another cipher may be taken where a recipient cannot read that one (OUT-71)",
    },
    Row {
        name: "AllowSMIMESoftCerts",
        slot: Slot::Boolean(true, |p| &mut p.allow_soft_certs),
        about: "whether keys in software are allowed (OUT-71)",
    },
];

/// Whether a name is one of these settings.
pub fn is_setting(name: &str) -> bool {
    SETTINGS.iter().any(|row| row.name.eq_ignore_ascii_case(name))
}

impl MailboxPolicy {
    /// Microsoft's defaults.
    pub fn unconfigured() -> Self {
        let mut policy = Self::default();
        table::reset(SETTINGS, &mut policy);
        policy
    }

    /// From names and values; a mailbox policy has many others, which are passed over.
    ///
    /// # Errors
    /// [`Fault::Type`](super::value::Fault::Type), [`Fault::Twice`](super::value::Fault::Twice).
    pub fn from_settings(settings: &[Setting]) -> Result<(Self, Vec<Reason>)> {
        let mut policy = Self::unconfigured();
        let Filled { given, unknown, faults } = table::fill(SETTINGS, settings, Notation::PowerShell, &mut policy);
        policy.given = given;
        let ours =
            |setting: &&Setting| setting.value != Value::Null && setting.key.to_ascii_lowercase().contains("smime");
        let note = |setting: &Setting| {
            let key = shown(&setting.key);
            let text = format!("{key} is no setting of a mailbox policy, and has no effect ({})", setting.place);
            Reason::new("unknown_key", text)
        };
        let notes = unknown.into_iter().filter(ours).map(note).collect();
        Ok((or_faults(policy, faults)?, notes))
    }

    /// Every setting. A user has no say in any of them.
    pub fn lines(&self) -> Vec<Line> {
        table::lines(SETTINGS, self, &self.given, UserChange::Locked)
    }

    /// RequireSignedSMIMEAlgorithm.
    pub fn digest(&self) -> DigestAlgorithm {
        if self.signing == 1 { DigestAlgorithm::Md5 } else { DigestAlgorithm::Sha1 }
    }

    /// RequireEncryptionSMIMEAlgorithm.
    pub fn cipher(&self) -> ContentCipher {
        match self.encryption {
            0 => ContentCipher::TripleDesCbc,
            1 => ContentCipher::DesCbc,
            2 => ContentCipher::Rc2Cbc128,
            3 => ContentCipher::Rc2Cbc64,
            _ => ContentCipher::Rc2Cbc40,
        }
    }

    /// AllowSMIMEEncryptionAlgorithmNegotiation.
    pub fn negotiation(&self) -> Negotiation {
        match self.negotiation {
            0 => Negotiation::Block,
            1 => Negotiation::OnlyStrong,
            _ => Negotiation::Any,
        }
    }

    /// Changes a policy to what is to be signed by. SHA-1 becomes SHA-256.
    ///
    /// # Errors
    /// [`WeakAlgorithm`] for MD5.
    pub fn sign_by(&self, policy: &mut Policy) -> std::result::Result<Vec<Reason>, WeakAlgorithm> {
        let asked = self.digest();
        if asked == DigestAlgorithm::Md5 {
            return Err(WeakAlgorithm { setting: SIGNING_ALGORITHM, algorithm: asked.name() });
        }
        if !self.allow_soft_certs {
            policy.sending.keys = PermittedKeys::CardOnly;
        }
        policy.digest = DigestAlgorithm::Sha256;
        Ok(self.replaced(SIGNING_ALGORITHM, asked.name(), policy.digest.name()))
    }

    /// Changes a policy to what is to be encrypted by. 3DES becomes AES-256 (OUT-37).
    ///
    /// # Errors
    /// [`WeakAlgorithm`] for DES and RC2.
    pub fn encrypt_by(&self, policy: &mut Policy) -> std::result::Result<Vec<Reason>, WeakAlgorithm> {
        let asked = self.cipher();
        if asked != ContentCipher::TripleDesCbc {
            return Err(WeakAlgorithm { setting: ENCRYPTION_ALGORITHM, algorithm: asked.name() });
        }
        policy.content_cipher = ContentCipher::Aes256Cbc;
        if self.negotiation() == Negotiation::Block {
            policy.cipher_rule = CipherRule::Named;
        }
        Ok(self.replaced(ENCRYPTION_ALGORITHM, asked.name(), policy.content_cipher.name()))
    }

    fn replaced(&self, setting: &'static str, asked: &str, taken: &str) -> Vec<Reason> {
        if !self.given.contains(&setting) {
            return Vec::new();
        }
        vec![Reason::new(
            "algorithm_replaced",
            format!("{setting} asks for {asked}, which is not written: it is {taken}"),
        )]
    }
}
