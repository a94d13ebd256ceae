//! Keys on cards and in security modules, through PKCS#11: the private key stays where it is, and is asked to sign or to
//! decrypt.
//!
//! ```no_run
//! use smime::keys::pkcs11::{Module, Token, Uri};
//! use smime::{Keyring, Limits, Secret};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let module = Module::load("/usr/lib/softhsm/libsofthsm2.so".as_ref())?;
//! let uri: Uri = "pkcs11:token=mail;object=alice".parse()?;
//! let token = Token::open(&module, &uri, Some(&Secret::from("1234")))?;
//! let mut ring = Keyring::default();
//! for identity in token.identities(&uri, &[], &Limits::default())? {
//!     ring.add(identity);
//! }
//! # Ok(()) }
//! ```
//!
//! A [`Module`] is code of somebody else that is loaded into this process. It is initialised once and stays until the
//! process ends: other parts of the program may use it too.

mod access;
mod attributes;
mod key;
mod objects;
mod uri;

pub use key::TokenKey;
pub use objects::{Objects, Token};
pub use uri::{SCHEME, Uri, UriError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Answer, RvError};
use cryptoki::slot::{Limit, Slot};
use std::path::{Path, PathBuf};

/// Why a token does not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such module, or it is no library of this system.
    #[error("the PKCS#11 module {} is not to be loaded: {why}", .module.display())]
    ModuleMissing {
        /// Its file.
        module: PathBuf,
        /// What the system says.
        why: String,
    },
    /// It was loaded, and does not start.
    #[error("the PKCS#11 module {} does not start: {why}", .module.display())]
    ModuleBroken {
        /// Its file.
        module: PathBuf,
        /// What it says.
        why: String,
    },
    /// No token is the one that was asked for.
    #[error("there is no token {wanted}; there {}", list(.present))]
    TokenNotFound {
        /// As a URI.
        wanted: String,
        /// Labels of those that are there.
        present: Vec<String>,
    },
    /// More than one is.
    #[error("{wanted} is not one token: there {}", list(.found))]
    SeveralTokens {
        /// As a URI.
        wanted: String,
        /// Those that it could be, as URIs.
        found: Vec<String>,
    },
    /// Private keys show only with the PIN.
    #[error("the token \"{token}\" needs its PIN")]
    PinNeeded {
        /// Its label.
        token: String,
    },
    /// The PIN is not the token's.
    #[error("the PIN of the token \"{token}\" is wrong{}", .left.words())]
    PinWrong {
        /// Its label.
        token: String,
        /// How many more may be wrong.
        left: Tries,
    },
    /// Too many wrong ones were tried.
    #[error("the PIN of the token \"{token}\" is locked, after too many wrong ones")]
    PinLocked {
        /// Its label.
        token: String,
    },
    /// It has none yet, or it is to be changed first.
    #[error("the PIN of the token \"{token}\" must be set first")]
    PinNotSet {
        /// Its label.
        token: String,
    },
    /// No key is the one that was asked for.
    #[error("there is no key {wanted}; there {}", list(.present))]
    KeyNotFound {
        /// As a URI.
        wanted: String,
        /// Labels of those that are there.
        present: Vec<String>,
    },
    /// The key is there, and no certificate for it.
    #[error("the token has no certificate for the key \"{key}\"")]
    KeyWithoutCertificate {
        /// Its label.
        key: String,
    },
    /// The token was taken out.
    #[error("the token \"{token}\" is gone")]
    TokenGone {
        /// Its label.
        token: String,
    },
    /// Anything else.
    #[error("the token \"{token}\" answers: {answer}")]
    Refused {
        /// Its label.
        token: String,
        /// The call and the code.
        answer: String,
    },
}

/// How many wrong PINs a token takes before it locks itself, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tries {
    /// It tells nothing.
    Unknown,
    /// At least one was wrong since the last right one.
    Few,
    /// One more wrong PIN locks it.
    Last,
}

impl Tries {
    fn words(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Few => ", and few tries are left",
            Self::Last => ", and the next wrong one locks it",
        }
    }
}

/// A PKCS#11 library of the system.
#[derive(Clone, Debug)]
pub struct Module {
    context: Pkcs11,
    path: PathBuf,
}

/// What a token says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenInfo {
    /// Given when it was initialised.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// Of this one.
    pub serial: String,
    /// The slot that it stands in now.
    pub slot: u64,
    /// Whether private keys show only with the PIN.
    pub login_required: bool,
    /// Whether the PIN is typed at the reader itself.
    pub has_pin_pad: bool,
    /// Whether too many wrong PINs were tried.
    pub pin_locked: bool,
    /// How many more may be wrong.
    pub tries: Tries,
}

impl Module {
    /// Loads a module and starts it. A name without slash is looked for where the system keeps its libraries.
    ///
    /// # Errors
    /// [`Error::ModuleMissing`], [`Error::ModuleBroken`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let context = Pkcs11::new(path).map_err(|error| match error {
            Answer::LibraryLoading(error) => {
                Error::ModuleMissing { module: path.to_path_buf(), why: error.to_string() }
            }
            error => broken(path, &error),
        })?;
        // Never unloaded: its threads and handles would outlive their code.
        std::mem::forget(context.clone());
        let module = Self { context, path: path.to_path_buf() };
        module.start().map_err(|error| broken(path, &error))?;
        Ok(module)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tokens that are there now, those without a label left out, which are not initialised.
    ///
    /// # Errors
    /// [`Error::ModuleBroken`].
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        Ok(self.slots()?.into_iter().map(|(_, info)| info).collect())
    }

    /// The one token that a URI means.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`], [`Error::SeveralTokens`], [`Error::ModuleBroken`].
    pub fn token(&self, uri: &Uri) -> Result<TokenInfo, Error> {
        Ok(self.find(uri)?.1)
    }

    fn start(&self) -> Result<(), Answer> {
        match self.context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Err(Answer::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            answer => answer,
        }
    }

    fn slots(&self) -> Result<Vec<(Slot, TokenInfo)>, Error> {
        let slots = self.context.get_slots_with_token().map_err(|error| broken(&self.path, &error))?;
        // A token may be taken out between the two questions.
        let read = |slot: Slot| Some((slot, TokenInfo::read(&self.context, slot)?));
        Ok(slots.into_iter().filter_map(read).collect())
    }

    /// The one token that a URI means.
    fn find(&self, uri: &Uri) -> Result<(Slot, TokenInfo), Error> {
        let all = self.slots()?;
        let mut fitting = all.iter().filter(|(_, info)| info.fits(uri));
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => {
                let present = all.iter().map(|(_, info)| info.label.clone()).collect();
                Err(Error::TokenNotFound { wanted: uri.to_string(), present })
            }
            _ => {
                let found = all.iter().filter(|(_, info)| info.fits(uri)).map(|(_, info)| info.uri().to_string());
                Err(Error::SeveralTokens { wanted: uri.to_string(), found: found.collect() })
            }
        }
    }
}

impl TokenInfo {
    fn read(context: &Pkcs11, slot: Slot) -> Option<Self> {
        let info = context.get_token_info(slot).ok().filter(cryptoki::slot::TokenInfo::token_initialized)?;
        let tries = match (info.user_pin_final_try(), info.user_pin_count_low()) {
            (true, _) => Tries::Last,
            (_, true) => Tries::Few,
            _ => Tries::Unknown,
        };
        Some(Self {
            label: info.label().to_owned(),
            manufacturer: info.manufacturer_id().to_owned(),
            model: info.model().to_owned(),
            serial: info.serial_number().to_owned(),
            slot: slot.id(),
            login_required: info.login_required(),
            has_pin_pad: info.protected_authentication_path(),
            pin_locked: info.user_pin_locked(),
            tries,
        })
    }

    /// What names this token, wherever it is put in.
    pub fn uri(&self) -> Uri {
        Uri { token: Some(self.label.clone()), serial: Some(self.serial.clone()), ..Uri::default() }
    }

    fn fits(&self, uri: &Uri) -> bool {
        let asked = [
            (&uri.token, &self.label),
            (&uri.manufacturer, &self.manufacturer),
            (&uri.model, &self.model),
            (&uri.serial, &self.serial),
        ];
        asked.iter().all(|(wanted, found)| wanted.as_ref().is_none_or(|wanted| wanted == *found))
            && uri.slot.is_none_or(|slot| slot == self.slot)
    }
}

fn broken(path: &Path, error: &Answer) -> Error {
    Error::ModuleBroken { module: path.to_path_buf(), why: error.to_string() }
}

/// What a token's answer means.
fn refused(token: &TokenInfo, tries: Tries, answer: &Answer) -> Error {
    let label = token.label.clone();
    match answer {
        Answer::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            Error::PinWrong { token: label, left: tries }
        }
        Answer::Pkcs11(RvError::PinLocked, _) => Error::PinLocked { token: label },
        Answer::Pkcs11(RvError::UserPinNotInitialized | RvError::PinExpired, _) => Error::PinNotSet { token: label },
        Answer::Pkcs11(RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::SlotIdInvalid, _) => {
            Error::TokenGone { token: label }
        }
        answer => Error::Refused { token: label, answer: answer.to_string() },
    }
}

/// How many sessions a token allows at a time.
fn most_sessions(limit: Limit) -> usize {
    match limit {
        Limit::Max(most) => usize::try_from(most).unwrap_or(usize::MAX).max(1),
        _ => usize::MAX,
    }
}

fn list(names: &[String]) -> String {
    /// Names in one message.
    const NAMED: usize = 8;
    if names.is_empty() {
        return "are none".into();
    }
    let named: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
    let more = if names.len() > NAMED { " and others" } else { "" };
    format!("{} {}{more}", if names.len() == 1 { "is" } else { "are" }, named.join(", "))
}
