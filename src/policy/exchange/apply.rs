//! Set-SmimeConfig as choices of a [`Policy`]. Signing and encrypting have policies of their own, since one switch of
//! Exchange's may concern only one of them.

use super::super::policy::{
    Capabilities, CertificateIdentifier, CipherRule, Form, IncludedCertificates, Policy, RecipientHeaders, Sha1Signing,
    TripleWrap,
};
use super::super::sending::{PermittedKeys, ReplySignature, Sending, SigningChoice, UnreachableList};
use super::SmimeConfig;
use super::algorithms::{List, Written};
use crate::base::reason::Reason;
use crate::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use crate::crypto::strength;

/// Every algorithm that the administrator allows is one that is never written here (OUT-37, OUT-80).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} allows {allowed} only, none of which is encrypted with here: encryption is not allowed")]
pub struct NoAlgorithm {
    /// Which setting.
    pub setting: &'static str,
    /// What it allows.
    pub allowed: String,
}

impl SmimeConfig {
    /// Changes a policy to what is to be signed by. Gives a note where Exchange would do what is not done here.
    pub fn sign_by(&self, policy: &mut Policy) -> Vec<Reason> {
        let mut notes = Vec::new();
        policy.form = if self.clear_sign { Form::Clear } else { Form::Opaque };
        let with_root = self.include_certificate_chain_and_root_certificate;
        let without_root = self.include_certificate_chain_without_root_certificate;
        policy.certificates = match (self.signed_email_certificate_inclusion, with_root, without_root) {
            (false, _, _) => IncludedCertificates::Nothing,
            (true, true, _) => IncludedCertificates::ChainWithRoot,
            (true, false, true) => IncludedCertificates::ChainWithoutRoot,
            (true, false, false) => IncludedCertificates::Signer,
        };
        policy.capabilities = match (self.include_smime_capabilities_in_message, policy.capabilities) {
            (true, Capabilities::Omit) => Capabilities::Outlook,
            (true, named) => named,
            (false, _) => Capabilities::Omit,
        };
        policy.triple_wrap = if self.triple_wrap_signed_encrypted_mail { TripleWrap::On } else { TripleWrap::Off };
        policy.recipient_headers =
            if self.copy_recipient_headers { RecipientHeaders::Copied } else { RecipientHeaders::Outside };
        policy.sending = self.sending();
        // OUT-39: SHA-1 is signed with on the caller's word only, and MD5 never.
        let digests = self.digests();
        let sha1 = policy.sha1_signing;
        let fit = |digest: DigestAlgorithm| {
            strength::digest_weakness(digest).is_none() || (digest, sha1) == (DigestAlgorithm::Sha1, Sha1Signing::Allow)
        };
        policy.digest = digests.first(fit).unwrap_or(DigestAlgorithm::Sha256);
        if digests.entries.first().and_then(|entry| entry.algorithm) != Some(policy.digest) {
            let text = format!(
                "OWASigningAlgorithms begins with {}, which is not signed with here: it is {}",
                named(&digests, |digest| digest.name()).first().cloned().unwrap_or_default(),
                policy.digest.name()
            );
            notes.push(Reason::new("algorithm_replaced", text));
        }
        notes
    }

    /// Changes a policy to what is to be encrypted by.
    ///
    /// # Errors
    /// [`NoAlgorithm`] where the administrator's list has no cipher that is written here.
    pub fn encrypt_by(&self, policy: &mut Policy) -> Result<Vec<Reason>, NoAlgorithm> {
        let mut notes = Vec::new();
        policy.identifier = match self.use_key_identifier {
            true => CertificateIdentifier::SubjectKeyIdentifier,
            false => CertificateIdentifier::IssuerAndSerial,
        };
        policy.sending = self.sending();
        let ciphers = self.ciphers();
        // OUT-36: the administrator's word wins over what recipients announce.
        if ciphers.written == Written::ByAdministrator {
            policy.cipher_rule = CipherRule::Named;
        }
        let strong = |cipher: ContentCipher| cipher.legacy().is_none();
        policy.content_cipher = match (ciphers.first(strong), ciphers.written) {
            (Some(cipher), _) => cipher,
            (None, Written::ByDefault) => ContentCipher::Aes256Cbc,
            (None, Written::ByAdministrator) => {
                let allowed = named(&ciphers, |cipher| cipher.name()).join(", ");
                return Err(NoAlgorithm { setting: "OWAEncryptionAlgorithms", allowed });
            }
        };
        if ciphers.entries.first().and_then(|entry| entry.algorithm) != Some(policy.content_cipher) {
            let text = format!(
                "OWAEncryptionAlgorithms begins with {}, which is not encrypted with here: it is {}",
                named(&ciphers, |cipher| cipher.name()).first().cloned().unwrap_or_default(),
                policy.content_cipher.name()
            );
            notes.push(Reason::new("algorithm_replaced", text));
        }
        Ok(notes)
    }

    fn sending(&self) -> Sending {
        Sending {
            bcc_forking: self.bcc_forking(),
            reply_signature: if self.no_sign_on_reply { ReplySignature::Omit } else { ReplySignature::Inherit },
            unreachable_list: match (self.disable_crl_check, self.check_crl_on_send) {
                (true, _) => UnreachableList::NotAsked,
                (false, true) => UnreachableList::Block,
                (false, false) => UnreachableList::Allow,
            },
            crl_timeouts: self.crl_timeouts(),
            keys: if self.only_use_smart_card { PermittedKeys::CardOnly } else { PermittedKeys::Any },
            signing_choice: match self.allow_user_choice_of_signing_certificate {
                true => SigningChoice::Users,
                false => SigningChoice::Newest,
            },
        }
    }
}

/// Each entry by its name, or by its numbers where this crate has none for it.
fn named<A: Copy>(list: &List<A>, name: impl Fn(A) -> &'static str) -> Vec<String> {
    let one = |entry: &super::algorithms::Entry<A>| match (entry.algorithm, &entry.oid, entry.key_length) {
        (Some(algorithm), _, _) => name(algorithm).to_owned(),
        (None, Some(oid), _) => oid.to_string(),
        (None, None, Some(bits)) => format!("{:04X}:{bits}", entry.id),
        (None, None, None) => format!("{:04X}", entry.id),
    };
    list.entries.iter().map(one).collect()
}
