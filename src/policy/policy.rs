//! One object with every choice that composing and judging leave open. Plain data: make one from a profile, change
//! what should be otherwise.

use super::effective::Access;
use super::profile::Profile;
use super::sending::{Sending, SigningChoice};
use crate::asn1::framing::Encoding;
use crate::base::limits::Limits;
use crate::cert::chain::PathInputs;
use crate::cert::mailbox::AddressRule;
use crate::cert::purpose::PurposeRule;
use crate::cert::revocation::RevocationMode;
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
    /// How much is demanded about revocation at the least, whatever a caller asks for.
    pub least_revocation: RevocationMode,
    /// Whether signatures with SHA-1 are strong enough to be trusted.
    pub sha1: Sha1,
    /// Whether content encrypted with DES is opened.
    pub des: Des,
    /// multipart/signed or application/pkcs7-mime.
    pub form: Form,
    /// The form of a signature that will be encrypted (OUT-35).
    pub inner_form: Form,
    /// Whether opaque signatures are sent at all.
    pub opaque: Opaque,
    /// Whether what was signed and encrypted is signed once more (OUT-35).
    pub triple_wrap: TripleWrap,
    /// Whose header fields stand around new signed and encrypted content.
    pub headers: HeaderForm,
    /// How the outer elements of new CMS structures are encoded.
    pub encoding: Encoding,
    /// Digest of new signatures.
    pub digest: DigestAlgorithm,
    /// Whether `digest` may be SHA-1.
    pub sha1_signing: Sha1Signing,
    /// How new RSA signatures are labelled.
    pub rsa_label: RsaLabel,
    /// Padding of new RSA signatures.
    pub rsa_padding: RsaPadding,
    /// Which certificates go along with a signature.
    pub certificates: IncludedCertificates,
    /// Whether cmsAlgorithmProtection (RFC 6211) is among the signed attributes.
    pub algorithm_protection: AlgorithmProtection,
    /// Whether signingCertificateV2 (RFC 5035) is among the signed attributes.
    pub signing_certificate: SigningCertificate,
    /// Which SMIMECapabilities are among the signed attributes.
    pub capabilities: Capabilities,
    /// Whether a From that is not in the signer's certificate stops signing (exit 9).
    pub sender_mismatch: SenderMismatch,
    /// What to do with mail that is signed or encrypted already.
    pub already_protected: AlreadyProtected,
    /// How certificates are named in SignerInfos and RecipientInfos.
    pub identifier: CertificateIdentifier,
    /// Content encryption of new mail to recipients of whom nobody knows what they can read.
    pub content_cipher: ContentCipher,
    /// Whether what recipients announce changes that.
    pub cipher_rule: CipherRule,
    /// Whether From, To and Cc stand in the signed part as well.
    pub recipient_headers: RecipientHeaders,
    /// Key transport to RSA recipients of new mail.
    pub key_transport: KeyTransport,
    /// Digest of the key derivation to recipients by key agreement.
    pub agreement_digest: DigestAlgorithm,
    /// Key wrap to recipients by key agreement.
    pub key_wrap: KeyWrap,
    /// Whether S/MIME is there at all.
    pub access: Access,
    /// How whole mails are sent, for whoever sends them: `Signer` and `Encryptor` make one message each.
    pub sending: Sending,
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

/// Whether opaque signatures are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opaque {
    /// Where they are asked for.
    #[default]
    Allow,
    /// Asking for one is an error (OUT-31). They are read all the same.
    Refuse,
}

/// Whether what was signed and encrypted is signed once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TripleWrap {
    /// Signed, then encrypted.
    #[default]
    Off,
    /// Signed, encrypted, signed (RFC 2634 section 1.1).
    On,
}

/// Whose header fields stand around signed and encrypted content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderForm {
    /// Outlook's: a parameter a line, folded with tabs; its own boundaries; the new fields where the old ones stood;
    /// Content-Language stays outside (OUT-45 to OUT-49, OUT-56).
    #[default]
    Outlook,
    /// The same, as Outlook writes it where Exchange carries the mail: nothing before the first part (OUT-48).
    Exchange,
    /// As RFC 8551 section 3 shows them, after the fields of the message.
    Rfc8551,
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

/// Whether a signature may be made with SHA-1 (OUT-39). MD5 never is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sha1Signing {
    /// Nothing is signed.
    #[default]
    Refuse,
    /// Signed on the caller's word; a note says that most readers will not trust it.
    Allow,
}

/// What SignerInfo.signatureAlgorithm says of an RSA signature with PKCS#1 v1.5 padding (RFC 3370 section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaLabel {
    /// shaNWithRSAEncryption.
    #[default]
    WithDigest,
    /// rsaEncryption, as Outlook does (OUT-52).
    KeyOnly,
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

/// Which certificates go along with a signature. Where another certificate is preferred to encrypt to, it goes along too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludedCertificates {
    /// None, nor the one to encrypt to: readers must have them already.
    Nothing,
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

/// Whether signingCertificateV2 is added, which names the signer's certificate under the signature (RFC 5035).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningCertificate {
    /// As RFC 8551 section 2.5 has it (SEC-28).
    #[default]
    Add,
    /// As Outlook does (OUT-53).
    Omit,
}

/// What a signature announces that its signer can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Capabilities {
    /// Nothing.
    Omit,
    /// What Outlook announces, without RC2 (OUT-54).
    Outlook,
    /// What Outlook announces, to the byte.
    OutlookExact,
    /// What RFC 8551 section 2.7 prefers.
    #[default]
    Rfc8551,
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

/// How content encryption is chosen (OUT-36).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CipherRule {
    /// The strongest that every recipient announces. Who announces nothing counts as announcing
    /// [`Policy::content_cipher`].
    #[default]
    Common,
    /// [`Policy::content_cipher`], whatever they announce: the administrator's word, or the caller's.
    Named,
}

/// Whether From, To and Cc stand in the signed part as well (OWACopyRecipientHeaders; OUT-42). Bcc never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecipientHeaders {
    /// They stand outside only.
    #[default]
    Outside,
    /// They are copied, so that the signature covers them.
    Copied,
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
        let lax = match profile {
            Profile::OutlookWindows | Profile::OutlookMac | Profile::OutlookMobile => true,
            Profile::Owa | Profile::ExchangeOnline => true,
            Profile::Rfc8551 | Profile::Strict => false,
        };
        // Those that compose with the cryptography of Windows.
        let windows = matches!(profile, Profile::OutlookWindows | Profile::Owa);
        Self {
            profile,
            limits: Limits::default(),
            address_rule: if lax { AddressRule::OUTLOOK } else { AddressRule::STRICT },
            purpose_rule: if profile == Profile::Strict { PurposeRule::STRICT } else { PurposeRule::LENIENT },
            path_inputs: PathInputs::default(),
            // OUT-24
            least_revocation: match profile {
                Profile::ExchangeOnline => RevocationMode::Hard,
                _ => RevocationMode::Off,
            },
            sha1: Sha1::Refuse,
            des: Des::Refuse,
            form: Form::Clear,
            inner_form: if profile == Profile::OutlookWindows { Form::Opaque } else { Form::Clear },
            opaque: if profile == Profile::OutlookMobile { Opaque::Refuse } else { Opaque::Allow },
            triple_wrap: TripleWrap::Off,
            headers: match profile {
                Profile::OutlookWindows => HeaderForm::Outlook,
                Profile::Owa => HeaderForm::Exchange,
                _ => HeaderForm::Rfc8551,
            },
            encoding: if windows { Encoding::Ber } else { Encoding::Der },
            digest: DigestAlgorithm::Sha256,
            sha1_signing: Sha1Signing::Refuse,
            rsa_label: if windows { RsaLabel::KeyOnly } else { RsaLabel::WithDigest },
            rsa_padding: RsaPadding::Pkcs1,
            certificates: match profile {
                Profile::OutlookWindows => IncludedCertificates::ChainWithRoot,
                // OUT-53: neither of Exchange's two switches for the chain is on.
                Profile::Owa => IncludedCertificates::Signer,
                _ => IncludedCertificates::ChainWithoutRoot,
            },
            algorithm_protection: if lax { AlgorithmProtection::Omit } else { AlgorithmProtection::Add },
            signing_certificate: if windows { SigningCertificate::Omit } else { SigningCertificate::Add },
            capabilities: match profile {
                Profile::Owa => Capabilities::Omit,
                _ if lax => Capabilities::Outlook,
                _ => Capabilities::Rfc8551,
            },
            sender_mismatch: SenderMismatch::Refuse,
            already_protected: AlreadyProtected::Refuse,
            identifier: CertificateIdentifier::IssuerAndSerial,
            // OUT-38: Outlook cannot open GCM; RFC 8551 section 2.7 prefers it.
            content_cipher: if lax { ContentCipher::Aes256Cbc } else { ContentCipher::Aes256Gcm },
            cipher_rule: CipherRule::Common,
            recipient_headers: RecipientHeaders::Outside,
            key_transport: KeyTransport::RsaPkcs1,
            agreement_digest: DigestAlgorithm::Sha256,
            key_wrap: KeyWrap::Aes256,
            access: Access::Enabled,
            sending: Sending {
                signing_choice: match profile {
                    // OUT-13, and OUT-9 with Exchange's default.
                    Profile::OutlookMobile | Profile::Owa => SigningChoice::Newest,
                    _ => SigningChoice::Users,
                },
                ..Sending::default()
            },
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(Profile::default())
    }
}
