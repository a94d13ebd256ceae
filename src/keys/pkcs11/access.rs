//! Sessions with one token: opened and logged in when they are needed, kept for whoever comes next, opened anew where they
//! were lost. One session does one thing at a time; several threads have several.

use super::{Error, Module, TokenInfo, Tries, Uri, most_sessions, refused};
use crate::base::secret::Secret;
use cryptoki::context::Function;
use cryptoki::error::{Error as Answer, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::RawAuthPin;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Sessions that are kept while nobody needs them.
const IDLE: usize = 16;

/// The way to one token.
pub(super) struct Access {
    module: Module,
    /// What names the token wherever it is put in.
    wanted: Uri,
    info: TokenInfo,
    mechanisms: Vec<MechanismType>,
    login: Login,
    /// What the token said of the PIN, if that was no. It is not asked again: each question costs a try.
    refusal: Mutex<Option<Error>>,
    pool: Mutex<Pool>,
    returned: Condvar,
}

/// How a session is to be logged in.
pub(super) enum Login {
    /// Not at all: only what is public shows.
    Never,
    /// With this PIN.
    Pin(RawAuthPin),
    /// The token asks for it at its own pad.
    PinPad,
}

struct Pool {
    idle: Vec<Open>,
    out: usize,
    most: usize,
}

/// A session, and what it calls the keys.
pub(super) struct Open {
    pub(super) session: Session,
    handles: Vec<(Vec<Attribute>, ObjectHandle)>,
}

/// Why something was not done in a session.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no session to be had.
    Access(Error),
    /// What the token answered.
    Answer(Answer),
}

impl Login {
    pub(super) fn with(pin: &Secret) -> Self {
        Self::Pin(RawAuthPin::new(Box::new(pin.expose().to_vec())))
    }
}

impl Access {
    pub(super) fn new(module: &Module, uri: &Uri, login: impl FnOnce(&TokenInfo) -> Login) -> Result<Self, Error> {
        let (slot, info) = module.find(uri)?;
        let context = &module.context;
        let answer = |answer: Answer| refused(&info, Tries::Unknown, &answer);
        let mechanisms = context.get_mechanism_list(slot).map_err(answer)?;
        let most = most_sessions(context.get_token_info(slot).map_err(answer)?.max_session_count());
        let access = Self {
            module: module.clone(),
            wanted: Uri { slot: uri.slot, ..info.uri() },
            mechanisms,
            login: login(&info),
            refusal: Mutex::new(None),
            pool: Mutex::new(Pool { idle: Vec::new(), out: 0, most }),
            returned: Condvar::new(),
            info,
        };
        // What is wrong with the PIN is said at once.
        drop(access.lease()?);
        Ok(access)
    }

    pub(super) fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// Whether private keys show.
    pub(super) fn is_logged_in(&self) -> bool {
        !self.info.login_required || !matches!(self.login, Login::Never)
    }

    pub(super) fn offers(&self, mechanism: MechanismType) -> bool {
        self.mechanisms.contains(&mechanism)
    }

    /// Does something in a session, and once more in a new one where the first was lost.
    pub(super) fn run<T>(&self, job: impl Fn(&mut Open) -> Result<T, Answer>) -> Result<T, Failure> {
        let mut lease = self.lease().map_err(Failure::Access)?;
        match lease.run(&job) {
            Err(answer) if is_lost(&answer) => {
                lease.forget();
                drop(lease);
                // What one session lost, the others lost too.
                self.pool().idle.clear();
                self.lease().map_err(Failure::Access)?.run(&job).map_err(Failure::Answer)
            }
            result => result.map_err(Failure::Answer),
        }
    }

    /// Shows the PIN to an operation that was begun with a key that wants it each time.
    pub(super) fn confirm(&self, session: &Session) -> Result<(), Answer> {
        self.log_in(session, UserType::ContextSpecific)
    }

    pub(super) fn error(&self, failure: Failure) -> Error {
        match failure {
            Failure::Access(error) => error,
            Failure::Answer(answer) => refused(&self.info, Tries::Unknown, &answer),
        }
    }

    fn lease(&self) -> Result<Lease<'_>, Error> {
        let mut pool = self.pool();
        loop {
            if let Some(open) = pool.idle.pop() {
                pool.out += 1;
                return Ok(Lease { access: self, open: Some(open) });
            }
            if pool.out >= pool.most {
                pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            pool.out += 1;
            drop(pool);
            // From here on its place is given back, whatever happens.
            let mut lease = Lease { access: self, open: None };
            match self.open() {
                Ok(open) => {
                    lease.open = Some(open);
                    return Ok(lease);
                }
                Err(Failure::Answer(Answer::Pkcs11(RvError::SessionCount, _))) if self.learn_most() => {
                    drop(lease);
                    pool = self.pool();
                }
                Err(failure) => return Err(self.error(failure)),
            }
        }
    }

    /// There are no more sessions than those in use: whoever wants one waits. `false` where none is in use that could come
    /// back.
    fn learn_most(&self) -> bool {
        let mut pool = self.pool();
        let others = pool.out.saturating_sub(1);
        if others > 0 {
            pool.most = others;
        }
        others > 0
    }

    fn open(&self) -> Result<Open, Failure> {
        // Somebody else in this process may have ended the module meanwhile.
        self.module.start().map_err(Failure::Answer)?;
        let gone = |error| match error {
            Error::TokenNotFound { .. } => Error::TokenGone { token: self.info.label.clone() },
            error => error,
        };
        let (slot, _) = self.module.find(&self.wanted).map_err(|error| Failure::Access(gone(error)))?;
        let session = self.module.context.open_ro_session(slot).map_err(Failure::Answer)?;
        self.greet(&session, slot)?;
        Ok(Open { session, handles: Vec::new() })
    }

    /// Logs in where nobody has yet: all sessions of a process with a token are logged in, or none.
    fn greet(&self, session: &Session, slot: Slot) -> Result<(), Failure> {
        if !self.info.login_required || matches!(self.login, Login::Never) {
            return Ok(());
        }
        let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        let state = session.get_session_info().map_err(Failure::Answer)?.session_state();
        if matches!(state, SessionState::RoUser | SessionState::RwUser) {
            return Ok(());
        }
        if let Some(error) = &*refusal {
            return Err(Failure::Access(error.clone()));
        }
        let answer = match self.log_in(session, UserType::User) {
            Ok(()) | Err(Answer::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => return Ok(()),
            Err(answer) => answer,
        };
        let tries = TokenInfo::read(&self.module.context, slot).map_or(Tries::Unknown, |info| info.tries);
        let error = refused(&self.info, tries, &answer);
        if !matches!(error, Error::Refused { .. } | Error::TokenGone { .. }) {
            *refusal = Some(error.clone());
        }
        Err(Failure::Access(error))
    }

    fn log_in(&self, session: &Session, user: UserType) -> Result<(), Answer> {
        match &self.login {
            Login::Never => Ok(()),
            Login::Pin(pin) => session.login_with_raw(user, pin),
            Login::PinPad => session.login(user, None),
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("token", &self.info).finish_non_exhaustive()
    }
}

impl Open {
    /// The object that has these attributes, under the name that it has in this session.
    pub(super) fn handle(&mut self, attributes: &[Attribute]) -> Result<ObjectHandle, Answer> {
        if let Some((_, handle)) = self.handles.iter().find(|(known, _)| known == attributes) {
            return Ok(*handle);
        }
        let handle = self.session.find_objects(attributes)?.first().copied();
        let handle = handle.ok_or(Answer::Pkcs11(RvError::KeyHandleInvalid, Function::FindObjects))?;
        self.handles.push((attributes.to_vec(), handle));
        Ok(handle)
    }
}

/// A session while somebody works with it.
struct Lease<'a> {
    access: &'a Access,
    open: Option<Open>,
}

impl Lease<'_> {
    fn run<T>(&mut self, job: impl Fn(&mut Open) -> Result<T, Answer>) -> Result<T, Answer> {
        match &mut self.open {
            Some(open) => job(open),
            None => Err(Answer::Pkcs11(RvError::SessionClosed, Function::OpenSession)),
        }
    }

    fn forget(&mut self) {
        self.open = None;
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = self.access.pool();
        pool.out = pool.out.saturating_sub(1);
        if let Some(open) = self.open.take()
            && pool.idle.len() < IDLE
        {
            pool.idle.push(open);
        }
        drop(pool);
        self.access.returned.notify_one();
    }
}

/// Whether another session may do better: this one, its login or its names for objects are gone. An answer that a ciphertext
/// could provoke is none of these.
fn is_lost(answer: &Answer) -> bool {
    use RvError::{
        CryptokiNotInitialized, DeviceRemoved, KeyHandleInvalid, ObjectHandleInvalid, OperationActive, SessionClosed,
        SessionHandleInvalid, SlotIdInvalid, TokenNotPresent, UserNotLoggedIn,
    };
    matches!(
        answer,
        Answer::Pkcs11(
            CryptokiNotInitialized
                | DeviceRemoved
                | KeyHandleInvalid
                | ObjectHandleInvalid
                | OperationActive
                | SessionClosed
                | SessionHandleInvalid
                | SlotIdInvalid
                | TokenNotPresent
                | UserNotLoggedIn,
            _
        )
    )
}
