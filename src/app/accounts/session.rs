//! Sessions: a sign-in that lasts for a while, known by 256 random bits in a cookie.

use serde::{Deserialize, Serialize};

use super::users::{Kept as KeptUser, UserChange, id as user_id};
use super::{AccountError, Accounts, Locked, Lockout, digest, password, secret};
use crate::app::Deed;
use crate::staff::{Actor, Role};
use crate::storage::{DeskKind, StorageError};
use crate::time::Timestamp;

/// Hours without a request after which a session is over.
pub const SESSION_IDLE_H: u32 = 12;
/// Days after which a session is over in any case.
pub const SESSION_LIFE_D: u32 = 7;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// Sessions of one person at a time; one more ends the oldest.
const SESSIONS_OF_ONE_MAX: usize = 10;

/// As storage keeps it, under the digest of the cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    user: String,
    epoch: u64,
    created_at: Timestamp,
    seen_at: Timestamp,
}

impl Kept {
    fn is_over(&self, now: Timestamp) -> bool {
        let (idle, age) = (now.unix_ms() - self.seen_at.unix_ms(), now.unix_ms() - self.created_at.unix_ms());
        idle >= i64::from(SESSION_IDLE_H) * HOUR_MS || age >= i64::from(SESSION_LIFE_D) * 24 * HOUR_MS
    }
}

/// Somebody who wants to sign in.
pub struct SignIn<'a> {
    /// As it was typed.
    pub name: &'a str,
    /// As it was typed.
    pub password: &'a str,
    /// From where.
    pub address: Option<&'a str>,
    /// The cookie of an earlier sign-in, which ends with this one: whoever planted it is not signed in.
    pub earlier: Option<&'a str>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The cookie.
    pub cookie: String,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl SignedIn {
    /// What every change through this session bears. It follows from the cookie by a one-way function, so that storage need not
    /// keep it and a page that shows it does not show the cookie.
    #[must_use]
    pub fn csrf(&self) -> String {
        digest(&format!("jinqun csrf {}", self.cookie))
    }
}

impl Accounts<'_> {
    /// Signs somebody in. It takes as long, and says the same, whether the name or the password is wrong.
    ///
    /// # Errors
    /// [`AccountError::Refused`], and [`AccountError::Locked`] after too many of them.
    pub fn sign_in(&self, lockout: &Lockout, ask: &SignIn<'_>) -> Result<SignedIn, AccountError> {
        let id = user_id(ask.name);
        if let Err(Locked { wait_s }) = lockout.guess(&id, ask.address, self.now) {
            return Err(AccountError::Locked(wait_s));
        }
        let found = self.read::<KeptUser>(DeskKind::User, &id)?;
        let known = found.as_ref().map(|(_, it)| it);
        let is_right = password::is_of(ask.password, known.map(|it| &*it.password))?;
        let Some((revision, mut user)) = found.clone().filter(|(_, it)| is_right && it.enabled) else {
            // A name that nobody has may be a password that was typed into the wrong field.
            let name = known.map_or_else(|| "?".to_owned(), |it| it.name.to_string());
            self.note(&name, ask.address, "sign_in.refused")?;
            return Err(AccountError::Refused);
        };
        lockout.was_right(&id, ask.address);
        if let Some(earlier) = ask.earlier {
            self.storage.put_desk(DeskKind::Session, &digest(earlier), None, None)?;
        }
        let cookie = self.begin(&id, user.epoch)?;
        user.signed_in_at = Some(self.now);
        // Whoever changes the user meanwhile wins; then this sign-in may be over already.
        let _ = self.write(DeskKind::User, &id, Some(&user), revision);
        self.note(user.name.as_str(), ask.address, "sign_in")?;
        Ok(SignedIn { cookie, name: user.name.to_string(), role: user.role })
    }

    /// Begins a session.
    fn begin(&self, user: &str, epoch: u64) -> Result<String, AccountError> {
        self.make_room(user)?;
        let cookie = secret()?;
        let kept = Kept { user: user.to_owned(), epoch, created_at: self.now, seen_at: self.now };
        self.write(DeskKind::Session, &digest(&cookie), Some(&kept), 0)?;
        Ok(cookie)
    }

    /// Changes one's own password. Ends all sessions and begins another one, for the browser that asked.
    ///
    /// # Errors
    /// [`AccountError`]; a wrong password counts as a wrong guess.
    pub fn change_own(
        &self,
        lockout: &Lockout,
        actor: &Actor,
        current: &str,
        new: String,
    ) -> Result<SignedIn, AccountError> {
        let id = user_id(&actor.name);
        let address = actor.address.as_deref();
        if let Err(Locked { wait_s }) = lockout.guess(&id, address, self.now) {
            return Err(AccountError::Locked(wait_s));
        }
        if !self.is_password(&id, current)? {
            self.note(&actor.name, address, "sign_in.refused")?;
            return Err(AccountError::WrongPassword);
        }
        lockout.was_right(&id, address);
        let change = UserChange { password: Some(new), ..UserChange::default() };
        let user = self.change_user(actor, &id, &change, &|_| Ok(()))?;
        let (_, kept) = self.read::<KeptUser>(DeskKind::User, &id)?.ok_or(AccountError::Missing("user"))?;
        let cookie = self.begin(&id, kept.epoch)?;
        Ok(SignedIn { cookie, name: user.name.to_string(), role: user.role })
    }

    /// Whether that is somebody's password; counts for no lock-out, so only for whoever is known already.
    ///
    /// # Errors
    /// Storage's.
    pub fn is_password(&self, name: &str, password: &str) -> Result<bool, AccountError> {
        let known = self.read::<KeptUser>(DeskKind::User, &user_id(name))?;
        password::is_of(password, known.as_ref().map(|(_, it)| &*it.password))
    }

    /// Who is signed in with a cookie; none if nobody is, or not any more.
    ///
    /// # Errors
    /// Storage's.
    pub fn session(&self, cookie: &str) -> Result<Option<SignedIn>, AccountError> {
        let key = digest(cookie);
        let Some((revision, mut kept)) = self.read::<Kept>(DeskKind::Session, &key)? else { return Ok(None) };
        let user = self.read::<KeptUser>(DeskKind::User, &kept.user)?.map(|(_, it)| it);
        let user = user.filter(|it| it.enabled && it.epoch == kept.epoch && !kept.is_over(self.now));
        let Some(user) = user else {
            self.storage.put_desk(DeskKind::Session, &key, None, None)?;
            return Ok(None);
        };
        if self.now.unix_ms() - kept.seen_at.unix_ms() >= MINUTE_MS {
            kept.seen_at = self.now;
            match self.write(DeskKind::Session, &key, Some(&kept), revision) {
                // Another request of the same moment has written it, or it has just ended.
                Ok(_) | Err(AccountError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(SignedIn { cookie: cookie.to_owned(), name: user.name.to_string(), role: user.role }))
    }

    /// Ends the session of a cookie.
    ///
    /// # Errors
    /// Storage's.
    pub fn sign_out(&self, actor: &Actor, cookie: &str) -> Result<(), StorageError> {
        self.storage.put_desk(DeskKind::Session, &digest(cookie), None, None)?;
        let deed = Deed { action: "sign_out", target: actor.name.clone(), before: None, after: None };
        self.record(actor, deed)
    }

    /// Ends all sessions of somebody.
    pub(super) fn end_sessions_of(&self, user: &str) -> Result<(), StorageError> {
        for (entry, kept) in self.read_all::<Kept>(DeskKind::Session)? {
            if kept.user == user {
                self.storage.put_desk(DeskKind::Session, &entry.id, None, None)?;
            }
        }
        Ok(())
    }

    /// Removes sessions that are over, and the oldest of somebody who has too many.
    fn make_room(&self, user: &str) -> Result<(), StorageError> {
        let (over, lasting): (Vec<_>, Vec<_>) =
            self.read_all::<Kept>(DeskKind::Session)?.into_iter().partition(|(_, it)| it.is_over(self.now));
        let mut theirs: Vec<_> = lasting.into_iter().filter(|(_, it)| it.user == user).collect();
        theirs.sort_by_key(|(_, it)| it.seen_at);
        let too_many = (theirs.len() + 1).saturating_sub(SESSIONS_OF_ONE_MAX);
        for (entry, _) in over.iter().chain(theirs.iter().take(too_many)) {
            self.storage.put_desk(DeskKind::Session, &entry.id, None, None)?;
        }
        Ok(())
    }

    fn note(&self, name: &str, address: Option<&str>, action: &'static str) -> Result<(), StorageError> {
        let actor = Actor { name: name.to_owned(), role: Role::Viewer, address: address.map(ToOwned::to_owned) };
        self.record(&actor, Deed { action, target: name.to_owned(), before: None, after: None })
    }
}
