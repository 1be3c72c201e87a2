//! People of the operations team, their passwords and sessions, and the tokens of programs; not who may use which call.
//!
//! Storage keeps documents (see [`crate::storage::DeskKind`]): of passwords an argon2id hash, of sessions and tokens the SHA-256 of
//! 256 random bits. What somebody could sign in with is in no other place, and in no answer but the one that made it.

mod lockout;
mod password;
mod session;
mod token;
mod users;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub use lockout::{Locked, Lockout};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, PasswordError};
pub use session::{SESSION_IDLE_H, SESSION_LIFE_D, SignIn, SignedIn};
pub use token::{NewToken, TOKEN_DAYS_MAX, TOKEN_PREFIX, Token, TokenMade};
pub use users::{NewUser, User, UserChange};

use super::{App, Deed};
use crate::staff::Actor;
use crate::storage::{AuditFilter, AuditPage, AuditRecord, DeskEntry, DeskKind, Storage, StorageError, Trouble};
use crate::time::Timestamp;

/// Users at the most.
pub const USERS_MAX: usize = 1_000;
/// Tokens at the most.
pub const TOKENS_MAX: usize = 1_000;
/// Random bits of what admits somebody, in bytes.
const SECRET_BYTES: usize = 32;

/// Why an account was not made, changed or used.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The user or token is not there.
    #[error("there is no {0} of this name")]
    Missing(&'static str),
    /// The name is taken.
    #[error("there is a {0} of this name already")]
    Exists(&'static str),
    /// Somebody else changed it meanwhile.
    #[error("it has been changed meanwhile")]
    Stale,
    /// Nobody who may change accounts would be left.
    #[error("this is the last administrator who can sign in")]
    LastAdmin,
    /// There are too many.
    #[error("there are {0} already, which is as many as there may be")]
    TooMany(usize),
    /// The password cannot be used.
    #[error("the password {0}")]
    Password(#[from] PasswordError),
    /// The name or password is wrong, or the user may not sign in; nobody is told which.
    #[error("the name or the password is wrong")]
    Refused,
    /// The password so far is another one.
    #[error("the password so far is another one")]
    WrongPassword,
    /// Too many guesses: for so many seconds nothing is looked at.
    #[error("too many wrong guesses; wait {0} seconds")]
    Locked(u32),
    /// The machine gives no random bytes, or no memory to hash a password.
    #[error("the machine cannot make a secret now: {0}")]
    Machine(String),
    /// Storage does not answer.
    #[error("accounts cannot be read or written")]
    Storage(#[from] StorageError),
}

/// People and tokens as storage keeps them, at one moment. All methods block.
#[derive(Clone, Copy)]
pub struct Accounts<'a> {
    storage: &'a dyn Storage,
    now: Timestamp,
    /// Changes of users go one after the other, or two administrators could remove each other at once.
    turn: Option<&'a Mutex<()>>,
}

impl<'a> Accounts<'a> {
    /// Over this storage, at this moment.
    #[must_use]
    pub fn new(storage: &'a dyn Storage, now: Timestamp) -> Self {
        Self { storage, now, turn: None }
    }

    fn my_turn(&self) -> Option<MutexGuard<'a, ()>> {
        self.turn.map(|it| it.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read<T: DeserializeOwned>(&self, kind: DeskKind, id: &str) -> Result<Option<(u64, T)>, StorageError> {
        self.storage.desk(kind, id)?.map(|it| decode(&it)).transpose()
    }

    fn read_all<T: DeserializeOwned>(&self, kind: DeskKind) -> Result<Vec<(DeskEntry, T)>, StorageError> {
        let all = self.storage.desk_all(kind)?;
        all.into_iter().map(|it| decode(&it).map(|(_, body)| (it, body))).collect()
    }

    fn write(
        &self,
        kind: DeskKind,
        id: &str,
        body: Option<&impl Serialize>,
        expected: u64,
    ) -> Result<u64, AccountError> {
        let body = body.map(serde_json::to_string).transpose();
        let body = body.map_err(|error| StorageError::caused(Trouble::Corrupt, error))?;
        self.storage.put_desk(kind, id, body.as_deref(), Some(expected)).map_err(|error| {
            if matches!(error.kind(), Trouble::Conflict { .. }) { AccountError::Stale } else { error.into() }
        })
    }

    fn record(&self, actor: &Actor, deed: Deed) -> Result<(), StorageError> {
        self.storage.append_audit(&AuditRecord {
            at: self.now,
            actor: actor.name.clone(),
            address: actor.address.clone().unwrap_or_default(),
            action: deed.action.to_owned(),
            target: deed.target,
            before: deed.before,
            after: deed.after,
            version: None,
        })
    }
}

fn decode<T: DeserializeOwned>(entry: &DeskEntry) -> Result<(u64, T), StorageError> {
    let body = serde_json::from_str(&entry.body);
    Ok((entry.revision, body.map_err(|error| StorageError::caused(Trouble::Corrupt, error))?))
}

/// What the audit trail says of something: JSON without secrets.
fn shown(of: &impl Serialize) -> Option<String> {
    serde_json::to_string(of).ok()
}

/// 256 bits from the operating system, as 43 characters. Not the chance of ids, which goes on without the system's where it must.
fn secret() -> Result<String, AccountError> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| AccountError::Machine(error.to_string()))?;
    Ok(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// The digest by which a secret is known again. A fast one is enough for what nobody can guess.
fn digest(secret: &str) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(secret.as_bytes()).into();
    data_encoding::HEXLOWER.encode(&digest)
}

impl App {
    /// People and tokens, at this moment.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts { turn: Some(&self.users_turn), ..Accounts::new(&*self.parts.storage, self.now()) }
    }

    /// Records of the audit trail that pass the filter, latest first, and where to go on. Blocks.
    ///
    /// # Errors
    /// Storage's.
    pub fn audit(&self, filter: &AuditFilter, limit: usize) -> Result<AuditPage, StorageError> {
        self.parts.storage.audit(filter, limit)
    }

    /// Who has guessed wrongly how often.
    #[must_use]
    pub fn lockout(&self) -> &Lockout {
        &self.lockout
    }
}
