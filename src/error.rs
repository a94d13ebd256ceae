//! Floor 9: one error that collects those of the verbs, for a caller's `?`. Nothing below knows it.

use crate::cert;
use crate::cms;
use crate::compose;
use crate::crypto;
use crate::keys;
use crate::mime;
use crate::open;
use crate::policy;
use crate::store;

/// Whatever went wrong in any verb.
///
/// ```
/// fn subject_of(der: &[u8]) -> Result<String, smime::Error> {
///     Ok(smime::Certificate::from_der(der)?.subject().to_string())
/// }
/// assert!(subject_of(b"no certificate").is_err());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Signing.
    #[error(transparent)]
    Sign(#[from] compose::sign::Error),
    /// Finding recipients' certificates.
    #[error(transparent)]
    Recipients(#[from] compose::recipients::Error),
    /// Encrypting.
    #[error(transparent)]
    Encrypt(#[from] compose::encrypt::Error),
    /// Signing and encrypting in one.
    #[error(transparent)]
    Seal(#[from] compose::layers::Error),
    /// Opening.
    #[error(transparent)]
    Open(#[from] open::opener::Error),
    /// Reading a .msg file as mail.
    #[cfg(feature = "msg")]
    #[error(transparent)]
    Msg(#[from] open::msg::Error),
    /// Reading keys and certificates from files.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Selecting among the certificates of an account.
    #[error(transparent)]
    Select(#[from] store::select::Error),
    /// Reading a list of groups.
    #[error(transparent)]
    Groups(#[from] store::groups::GroupError),
    /// Installing keys and certificates.
    #[error(transparent)]
    KeyringFolder(#[from] store::keyring_folder::Error),
    /// Finding keys and certificates that are attached to a mail.
    #[error(transparent)]
    KeyAttachments(#[from] open::key_attachments::Error),
    /// Sending a key to oneself.
    #[error(transparent)]
    InstallationMail(#[from] compose::installation_mail::Error),
    /// A key that is not the certificate's.
    #[error(transparent)]
    KeyMismatch(#[from] keys::identity::KeyMismatch),
    /// A key that does not sign.
    #[error(transparent)]
    Key(#[from] keys::signing::KeyError),
    /// A certificate that cannot be read or made.
    #[error(transparent)]
    Certificate(#[from] cert::Error),
    /// A CMS structure.
    #[error(transparent)]
    Cms(#[from] cms::Error),
    /// Reading an administrator's policy.
    #[error(transparent)]
    Policy(#[from] policy::value::Faults),
    /// Arithmetic.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// MIME.
    #[error(transparent)]
    Mime(#[from] mime::Error),
    /// Reading or writing.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
