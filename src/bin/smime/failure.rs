//! Why a command ends without having done what it was asked to: one line for people, one exit code for programs.

use smime::base::reason::visible;
use smime::base::source::Changed;
use smime::open::requirement::Shortfall;
use smime::policy::effective::ProtectionRequired;
use smime::policy::{document, value};
use smime::{cert, compose, keys, mime, open, store};
use std::fmt;
use std::io;

/// Exit codes, by what they mean.
pub(crate) mod exit {
    pub(crate) const DONE: u8 = 0;
    pub(crate) const OTHER: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const NOTHING_SIGNED: u8 = 3;
    pub(crate) const ALTERED: u8 = 4;
    pub(crate) const NOT_TRUSTED: u8 = 5;
    pub(crate) const CANNOT_DECRYPT: u8 = 6;
    pub(crate) const NO_RECIPIENT: u8 = 7;
    pub(crate) const UNREADABLE: u8 = 8;
    pub(crate) const POLICY: u8 = 9;
    pub(crate) const BULK_FAILURES: u8 = 10;
}

/// What is shown as `error: what: why; try ...`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// Which file, address or option it is about; empty where that is plain.
    pub(crate) what: String,
    /// What is wrong.
    pub(crate) why: String,
    /// What may help, after "try".
    pub(crate) hint: Option<&'static str>,
    /// Whether nothing is to be said: whoever reads our output has had enough of it.
    pub(crate) silent: bool,
}

/// How S/MIME comes on.
const TURN_ON: &str = "--user SMIMEEnabled=true where the policy lets the user turn it on";

/// What a command gives: an exit code of its own, or a failure.
pub(crate) type Outcome = Result<u8, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, why: impl fmt::Display) -> Self {
        Self { code, what: String::new(), why: why.to_string(), hint: None, silent: false }
    }

    pub(crate) fn usage(why: impl fmt::Display) -> Self {
        Self::new(exit::USAGE, why)
    }

    /// With the file, address or option that it is about.
    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), ..self }
    }

    /// With something to try.
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.what.is_empty() {
            write!(f, "{}: ", visible(&self.what))?;
        }
        f.write_str(&visible(&self.why))?;
        match self.hint {
            Some(hint) => write!(f, "; try {hint}"),
            None => Ok(()),
        }
    }
}

/// The exit code of a requirement that is not met.
pub(crate) fn code_of(shortfall: Shortfall) -> u8 {
    match shortfall {
        Shortfall::NothingSigned => exit::NOTHING_SIGNED,
        Shortfall::Altered => exit::ALTERED,
        Shortfall::NotTrusted => exit::NOT_TRUSTED,
        Shortfall::CannotDecrypt => exit::CANNOT_DECRYPT,
        Shortfall::Unreadable => exit::UNREADABLE,
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref();
        if inner.is_some_and(|inner| inner.is::<Changed>()) {
            return Self::new(exit::OTHER, &error).hint("again when nothing writes to the file any more");
        }
        // Our readers report broken structures through io::Error.
        let code = if error.kind() == io::ErrorKind::InvalidData { exit::UNREADABLE } else { exit::OTHER };
        Self { silent: error.kind() == io::ErrorKind::BrokenPipe, ..Self::new(code, &error) }
    }
}

impl From<mime::Error> for Failure {
    fn from(error: mime::Error) -> Self {
        match &error.kind {
            mime::ErrorKind::Io(inner) => {
                let failure = Self::from(io::Error::new(inner.kind(), inner.to_string()));
                Self { silent: false, ..failure }
            }
            mime::ErrorKind::InvalidInput { .. } => Self::new(exit::OTHER, error),
            mime::ErrorKind::Limit { .. } => Self::new(exit::UNREADABLE, error)
                .hint("`smime inspect` on a part of it: no mail program writes such a message"),
            _ => Self::new(exit::UNREADABLE, error)
                .hint("the message as it was received, headers and all (in Outlook: save as .eml)"),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let hint = match &error {
            store::Error::Empty => Some("exporting it again"),
            store::Error::KeyWithoutCertificate { .. } => {
                Some("--identity CERTIFICATE --key KEY, each from its own file")
            }
            store::Error::Malformed(_) | store::Error::Certificate(_) | store::Error::Pem { .. } => {
                Some("exporting it again")
            }
            store::Error::SeveralIdentities { .. } => Some("exporting the one that is meant into a file of its own"),
            _ => None,
        };
        Self { hint, ..Self::new(exit::OTHER, error) }
    }
}

impl From<store::sst::Error> for Failure {
    fn from(error: store::sst::Error) -> Self {
        Self::new(exit::UNREADABLE, store::Error::from(error))
    }
}

impl From<store::ldif::Error> for Failure {
    fn from(error: store::ldif::Error) -> Self {
        Self::new(exit::UNREADABLE, store::Error::from(error))
    }
}

impl From<store::sst::collection::ImportRefused> for Failure {
    fn from(error: store::sst::collection::ImportRefused) -> Self {
        let code = if error.expired.is_empty() { exit::UNREADABLE } else { exit::POLICY };
        Self::new(code, error)
    }
}

impl From<store::keyring_folder::Error> for Failure {
    fn from(error: store::keyring_folder::Error) -> Self {
        use store::keyring_folder::Error;
        match error {
            Error::Store(error) => crate::store::of_key_file(error),
            Error::Io { path, error } => Self::from(error).about(path.display()),
            Error::Unprotected => Self::new(exit::POLICY, error)
                .hint("exporting it again under a password; or --allow-empty-password to take it as it is"),
            Error::KeyIsThere { .. } => {
                Self::new(exit::OTHER, error).hint("`smime keyring remove` first, if it is to be replaced")
            }
            Error::OpenToOthers { .. } => Self::new(exit::OTHER, error).hint("chmod 700"),
            Error::NoKeyring { .. } => Self::new(exit::OTHER, error).hint("an empty folder, or a new one"),
            Error::NotOne { .. } => {
                Self::new(exit::USAGE, error).hint("six or more digits of a name that `smime keyring list` shows")
            }
            other => Self::new(exit::UNREADABLE, other),
        }
    }
}

impl From<open::key_attachments::Error> for Failure {
    fn from(error: open::key_attachments::Error) -> Self {
        use open::key_attachments::Error;
        match error {
            Error::Mime(error) => error.into(),
            Error::Inside => Self::new(exit::UNREADABLE, error).hint("`smime open MAIL | smime import --from-mail -`"),
            other => Self::new(exit::UNREADABLE, other),
        }
    }
}

impl From<compose::installation_mail::Error> for Failure {
    fn from(error: compose::installation_mail::Error) -> Self {
        use compose::installation_mail::Error;
        match error {
            Error::NotItsOwner { .. } => Self::new(exit::POLICY, error).hint("--account with an address in it"),
            Error::Store(error) => error.into(),
            Error::Mime(error) => error.into(),
            other => Self::new(exit::OTHER, other),
        }
    }
}

impl From<keys::identity::KeyMismatch> for Failure {
    fn from(error: keys::identity::KeyMismatch) -> Self {
        Self::new(exit::OTHER, error)
    }
}

impl From<keys::signing::KeyError> for Failure {
    fn from(error: keys::signing::KeyError) -> Self {
        Self::new(exit::OTHER, error)
    }
}

#[cfg(feature = "pkcs11")]
impl From<keys::pkcs11::Error> for Failure {
    fn from(error: keys::pkcs11::Error) -> Self {
        use keys::pkcs11::Error;
        let hint = match &error {
            Error::ModuleMissing { .. } | Error::ModuleBroken { .. } => {
                Some("--module PATH with the library that came with the token, or opensc-pkcs11.so for cards")
            }
            Error::TokenNotFound { .. } | Error::SeveralTokens { .. } | Error::KeyNotFound { .. } => {
                Some("`smime token list`, which shows what there is")
            }
            Error::PinNeeded { .. } => Some("--password-file FILE with the PIN"),
            Error::PinWrong { .. } => Some("another PIN, but not too often"),
            Error::PinLocked { .. } => Some("unlocking it by the program that came with the token"),
            Error::PinNotSet { .. } => Some("setting it by the program that came with the token"),
            Error::KeyWithoutCertificate { .. } => Some("--identity CERTIFICATE --key pkcs11:.."),
            Error::TokenGone { .. } => Some("again when it is put in"),
            _ => None,
        };
        Self { hint, ..Self::new(exit::OTHER, error) }
    }
}

impl From<cert::Error> for Failure {
    fn from(error: cert::Error) -> Self {
        Self::new(exit::OTHER, error)
    }
}

impl From<value::Faults> for Failure {
    fn from(faults: value::Faults) -> Self {
        Self::new(exit::UNREADABLE, faults).hint("`smime policy check`, which names each fault")
    }
}

impl From<document::NotFollowed> for Failure {
    fn from(error: document::NotFollowed) -> Self {
        Self::new(exit::POLICY, error).hint("asking the administrator for AES and SHA-256")
    }
}

impl From<ProtectionRequired> for Failure {
    fn from(error: ProtectionRequired) -> Self {
        let hint = match error.missing {
            "encryption" => {
                "`smime sign --for-encryption` where the result goes on to `smime encrypt`, else `smime encrypt`"
            }
            _ => "`smime sign` first",
        };
        Self::new(exit::POLICY, error).hint(hint)
    }
}

impl From<smime::crypto::Error> for Failure {
    fn from(error: smime::crypto::Error) -> Self {
        Self::new(exit::OTHER, error)
    }
}

impl From<compose::sign::Error> for Failure {
    fn from(error: compose::sign::Error) -> Self {
        use compose::sign::Error;
        let hint = match error {
            Error::Mime(error) => return error.into(),
            Error::Io(error) => return error.into(),
            Error::Key(error) => return error.into(),
            Error::Crypto(error) => return error.into(),
            Error::SelfCheck { .. } | Error::Count { .. } => return Self::new(exit::OTHER, error),
            Error::NotTheSender { .. } => Some(
                "the identity of that sender, another From, or --allow-sender-mismatch if recipients may see a warning",
            ),
            Error::NoSender => Some("adding a From, or --allow-sender-mismatch"),
            Error::Disabled(_) => Some(TURN_ON),
            Error::AlreadyProtected(_) => Some("--wrap if it is to be signed once more"),
            Error::OutsideValidity { .. } => Some("a renewed certificate, or --at TIME if the clock is wrong"),
            Error::Unsuitable { .. } => {
                Some("a certificate for mail (key usage digitalSignature, extended key usage emailProtection)")
            }
            Error::ReadingProfile(_) => Some("--profile outlook-windows"),
            Error::ClearOnly(_) => Some("without --opaque, or another --profile"),
            Error::Scheme { .. } => Some("without --pss, or another --digest"),
            _ => None,
        };
        Self { hint, ..Self::new(exit::POLICY, error) }
    }
}

impl From<compose::recipients::Error> for Failure {
    fn from(error: compose::recipients::Error) -> Self {
        if matches!(error, compose::recipients::Error::Undecided { .. }) {
            let hint = "again when the directory answers, or a certificate from elsewhere (--certs)";
            return Self::new(exit::OTHER, error).hint(hint);
        }
        let hint = match &error {
            compose::recipients::Error::Nobody => "--to ADDR, or --to-headers where the message has To or Cc",
            _ => "asking them for a signed mail or a certificate (--certs), or --skip-missing to leave them out",
        };
        Self::new(exit::NO_RECIPIENT, error).hint(hint)
    }
}

impl From<store::select::Error> for Failure {
    fn from(error: store::select::Error) -> Self {
        use store::select::{Error, Use};
        let (purpose, hint) = match &error {
            Error::NoPrivateKey { purpose, .. } => (*purpose, "--identity with the file that holds the key, too"),
            Error::NoCertificateAvailable { purpose, .. } => {
                (*purpose, "`smime certs select`, which tells each reason")
            }
            _ => (Use::Sign, "without --choose, which takes the newest that fits"),
        };
        let code = match purpose {
            Use::Open => exit::CANNOT_DECRYPT,
            Use::EncryptToSelf => exit::NO_RECIPIENT,
            Use::Sign => exit::POLICY,
        };
        Self::new(code, error).hint(hint)
    }
}

impl From<compose::encrypt::Error> for Failure {
    fn from(error: compose::encrypt::Error) -> Self {
        use compose::encrypt::Error;
        match error {
            Error::Io(error) => error.into(),
            Error::Crypto(error) => error.into(),
            Error::OwnCopy { .. } => Self::new(exit::NO_RECIPIENT, error)
                .hint("an identity that can be encrypted to, or none: then the sender has no copy to read"),
            Error::Disabled(_) => Self::new(exit::POLICY, error).hint(TURN_ON),
            Error::AlreadyEncrypted => Self::new(exit::POLICY, error).hint("--wrap if it is to be encrypted once more"),
            Error::ReadingProfile(_) => Self::new(exit::POLICY, error).hint("--profile outlook-windows"),
            Error::WeakCipher(_) => {
                Self::new(exit::POLICY, error).hint("--content aes256-cbc, which every mail program reads")
            }
            other => Self::new(exit::OTHER, other),
        }
    }
}

impl From<compose::layers::Error> for Failure {
    fn from(error: compose::layers::Error) -> Self {
        use compose::layers::Error;
        match error {
            Error::Sign(error) => error.into(),
            Error::Encrypt(error) => error.into(),
            Error::Mime(error) => error.into(),
            other => Self::new(exit::OTHER, other),
        }
    }
}

#[cfg(feature = "msg")]
impl From<open::msg::Error> for Failure {
    fn from(error: open::msg::Error) -> Self {
        use open::msg::Error;
        match error {
            Error::Io(error) | Error::File(store::msg::Error::Io(error)) => error.into(),
            // These say themselves what to try.
            Error::Attachments { .. } | Error::NoContent { .. } => Self::new(exit::UNREADABLE, error),
            other => Self::new(exit::UNREADABLE, other).hint("the message saved from Outlook again, or as .eml"),
        }
    }
}

impl From<open::opener::Error> for Failure {
    fn from(error: open::opener::Error) -> Self {
        use open::opener::Error;
        match error {
            Error::Mime(error) => error.into(),
            Error::Io(error) => error.into(),
            Error::NoPart { .. } => Self::new(exit::USAGE, error).hint("`smime inspect`, which lists the parts"),
            Error::Disabled(_) => Self::new(exit::POLICY, error).hint(TURN_ON),
            Error::Empty => Self::new(exit::UNREADABLE, error).hint("giving a mail as file or on standard input"),
            other => Self::new(exit::UNREADABLE, other),
        }
    }
}

#[cfg(feature = "net")]
impl From<smime::fetch::scep::Error> for Failure {
    fn from(error: smime::fetch::scep::Error) -> Self {
        use smime::fetch::scep::Error;
        let (code, hint) = match &error {
            Error::Fingerprint { .. } => {
                (exit::NOT_TRUSTED, Some("asking the authority for its fingerprint (SHA-256)"))
            }
            Error::Authority(_) | Error::Reply(_) | Error::NotOurKey(_) => (exit::NOT_TRUSTED, None),
            Error::Answer { .. } | Error::Cms(_) => (exit::UNREADABLE, Some("another address (--url)")),
            Error::Refused { .. } => (exit::POLICY, Some("another challenge password, or asking the authority why")),
            Error::Algorithms(_) | Error::NoRenewal => (exit::POLICY, None),
            Error::KeyKind(_) | Error::KeySize(_) => (exit::POLICY, Some("--bits 2048")),
            _ => (exit::OTHER, None),
        };
        Self { hint, ..Self::new(code, error) }
    }
}

#[cfg(feature = "net")]
impl From<smime::fetch::scep::template::TemplateError> for Failure {
    fn from(error: smime::fetch::scep::template::TemplateError) -> Self {
        Self::usage(error)
    }
}

impl From<store::intune_pfx::Error> for Failure {
    fn from(error: store::intune_pfx::Error) -> Self {
        use store::intune_pfx::Error;
        let (code, hint) = match error {
            Error::Pfx(error) => return error.into(),
            Error::Purpose { .. } => (exit::POLICY, Some("another --purpose, or another certificate")),
            Error::Decrypt => (exit::CANNOT_DECRYPT, Some("the key that the object's keyName means")),
            Error::Member { .. } => (exit::UNREADABLE, Some("the object as `smime intune pfx-object` writes it")),
            Error::PublicKey(_) => (exit::UNREADABLE, None),
            Error::Password => (exit::POLICY, Some("`smime export` under another password first")),
            _ => (exit::OTHER, None),
        };
        Self { hint, ..Self::new(code, error) }
    }
}
