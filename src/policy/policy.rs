//! One object with every choice that composing and judging leave open. Plain data: make one from a profile, change
//! what should be otherwise.

use super::profile::Profile;
use crate::base::limits::Limits;
use crate::cert::chain::PathInputs;
use crate::cert::mailbox::AddressRule;
use crate::cert::purpose::PurposeRule;
use crate::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, KeyWrap};

/// Every choice that composing and judging leave open.
///
/// ```
/// use smime::policy::{policy::{Form, Policy}, profile::Profile};
/// let mut policy = Policy::new(Profile::Rfc8551);
/// policy.form = Form::Opaque;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Whose behaviour is followed where nothing else is said.
    pub profile: Profile,
    /// The bounds of every call.
    pub limits: Limits,
    /// How an address of a header and one of a certificate are compared.
    pub address_rule: AddressRule,
    /// What key usage and extended key usage must say.
    pub purpose_rule: PurposeRule,
    /// What else a signer's chain is judged by (RFC 5280 section 6.1.1): certificate policies, name constraints.
    pub path_inputs: PathInputs,
    /// Whether signatures with SHA-1 are strong enough to be trusted.
    pub sha1: Sha1,
    /// Whether content encrypted with DES is opened.
    pub des: Des,
    /// multipart/signed or application/pkcs7-mime.
    pub form: Form,
    /// Digest of new signatures.
    pub digest: DigestAlgorithm,
    /// Padding of new RSA signatures.
    pub rsa_padding: RsaPadding,
    /// Which certificates go along with a signature.
    pub certificates: IncludedCertificates,
    /// Whether cmsAlgorithmProtection (RFC 6211) is among the signed attributes.
    pub algorithm_protection: AlgorithmProtection,
    /// Whether a From that is not in the signer's certificate stops signing (exit 9).
    pub sender_mismatch: SenderMismatch,
    /// What to do with mail that is signed or encrypted already.
    pub already_protected: AlreadyProtected,
    /// How certificates are named in SignerInfos and RecipientInfos.
    pub identifier: CertificateIdentifier,
    /// Content encryption of new mail.
    pub content_cipher: ContentCipher,
    /// Key transport to RSA recipients of new mail.
    pub key_transport: KeyTransport,
    /// Digest of the key derivation to recipients by key agreement.
    pub agreement_digest: DigestAlgorithm,
    /// Key wrap to recipients by key agreement.
    pub key_wrap: KeyWrap,
}

/// The two shapes of signed mail (RFC 8551 section 3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// multipart/signed: readable without S/MIME (OUT-32).
    #[default]
    Clear,
    /// application/pkcs7-mime; smime-type=signed-data.
    Opaque,
}

/// What SHA-1 under a signature, of a message or of a certificate, means when it is judged (SEC-33).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sha1 {
    /// The signature is weak, and so not trusted.
    #[default]
    Refuse,
    /// Good enough on the caller's word, for old archives; the note `weak_digest` stays. MD5 never is.
    Accept,
}

/// Whether content that is encrypted with DES is opened (SEC-78). 3DES and RC2 are, and are marked weak; nothing of the
/// three is ever written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Des {
    /// The layer stays closed, and says why.
    #[default]
    Refuse,
    /// Opened on the caller's word, and marked weak.
    Read,
}

/// Padding of RSA signatures (RFC 8017 section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaPadding {
    /// RSASSA-PKCS1-v1_5, which everybody reads.
    #[default]
    Pkcs1,
    /// RSASSA-PSS with the salt as long as the digest, and the digest for MGF1.
    Pss,
}

/// Which certificates go along with a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludedCertificates {
    /// The signer's only.
    Signer,
    /// The chain as far as it is known, without its root.
    #[default]
    ChainWithoutRoot,
    /// The chain with its root (OUT-55).
    ChainWithRoot,
}

/// Whether cmsAlgorithmProtection is added (RFC 6211).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlgorithmProtection {
    /// As RFC 8551 recommends.
    #[default]
    Add,
    /// As Outlook does (OUT-53).
    Omit,
}

/// What a From that is not in the signer's certificate means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SenderMismatch {
    /// Nothing is signed (OUT-1, OUT-4).
    #[default]
    Refuse,
    /// Signed all the same, on the caller's word; a note says so.
    Allow,
}

/// What to do with mail that is signed or encrypted already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlreadyProtected {
    /// An error says so.
    #[default]
    Refuse,
    /// It is wrapped once more: a second signature, or triple wrapping (OUT-35).
    Wrap,
}

/// How a certificate is named (RFC 5652 section 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateIdentifier {
    /// issuerAndSerialNumber.
    #[default]
    IssuerAndSerial,
    /// subjectKeyIdentifier (OUT-57).
    SubjectKeyIdentifier,
}

impl Policy {
    /// The choices of a profile.
    pub fn new(profile: Profile) -> Self {
        let outlook = matches!(profile, Profile::OutlookWindows | Profile::OutlookMobile);
        Self {
            profile,
            limits: Limits::default(),
            address_rule: if outlook { AddressRule::OUTLOOK } else { AddressRule::STRICT },
            purpose_rule: if profile == Profile::Strict { PurposeRule::STRICT } else { PurposeRule::LENIENT },
            path_inputs: PathInputs::default(),
            sha1: Sha1::Refuse,
            des: Des::Refuse,
            form: Form::Clear,
            digest: DigestAlgorithm::Sha256,
            rsa_padding: RsaPadding::Pkcs1,
            certificates: match profile {
                Profile::OutlookWindows => IncludedCertificates::ChainWithRoot,
                _ => IncludedCertificates::ChainWithoutRoot,
            },
            algorithm_protection: if outlook { AlgorithmProtection::Omit } else { AlgorithmProtection::Add },
            sender_mismatch: SenderMismatch::Refuse,
            already_protected: AlreadyProtected::Refuse,
            identifier: CertificateIdentifier::IssuerAndSerial,
            // OUT-38: Outlook cannot open GCM; RFC 8551 section 2.7 prefers it.
            content_cipher: if outlook { ContentCipher::Aes256Cbc } else { ContentCipher::Aes256Gcm },
            key_transport: KeyTransport::RsaPkcs1,
            agreement_digest: DigestAlgorithm::Sha256,
            key_wrap: KeyWrap::Aes256,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(Profile::default())
    }
}
