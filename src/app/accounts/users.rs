//! People: made, changed, removed; always one left who may do that.

use serde::{Deserialize, Serialize};

use super::{AccountError, Accounts, USERS_MAX, password, shown};
use crate::app::Deed;
use crate::staff::{Actor, Role, StaffName};
use crate::storage::{DeskKind, StorageError};
use crate::time::Timestamp;

/// A person, without what they sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Their name, as it was given.
    pub name: StaffName,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub enabled: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When the password was last set.
    pub password_set_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// As storage keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) name: StaffName,
    pub(super) role: Role,
    /// PHC format.
    pub(super) password: String,
    pub(super) enabled: bool,
    /// Rises with everything that ends sessions.
    pub(super) epoch: u64,
    pub(super) created_at: Timestamp,
    pub(super) password_set_at: Timestamp,
    pub(super) signed_in_at: Option<Timestamp>,
}

impl From<Kept> for User {
    fn from(it: Kept) -> Self {
        let Kept { name, role, enabled, created_at, password_set_at, signed_in_at, .. } = it;
        Self { name, role, enabled, created_at, password_set_at, signed_in_at }
    }
}

/// What the audit trail says of a user.
#[derive(Serialize)]
struct Shown<'a> {
    role: Role,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

impl Kept {
    fn shown(&self, password: Option<&str>) -> Option<String> {
        shown(&Shown { role: self.role, enabled: self.enabled, password })
    }
}

/// Somebody new.
pub struct NewUser {
    /// Their name.
    pub name: StaffName,
    /// What they may do.
    pub role: Role,
    /// What they sign in with.
    pub password: String,
}

/// What is to be changed of somebody; none stays.
#[derive(Default)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub enabled: Option<bool>,
    /// What they sign in with.
    pub password: Option<String>,
}

/// Names that differ by case alone would be taken for one another.
pub(super) fn id(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Accounts<'_> {
    /// Everybody, by name.
    ///
    /// # Errors
    /// Storage's.
    pub fn users(&self) -> Result<Vec<User>, StorageError> {
        Ok(self.read_all::<Kept>(DeskKind::User)?.into_iter().map(|(_, it)| it.into()).collect())
    }

    /// Somebody; none if there is nobody of this name.
    ///
    /// # Errors
    /// Storage's.
    pub fn user(&self, name: &str) -> Result<Option<User>, StorageError> {
        Ok(self.read::<Kept>(DeskKind::User, &id(name))?.map(|(_, it)| it.into()))
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`AccountError`] if the name is taken or the password cannot be used.
    pub fn add_user(&self, actor: &Actor, new: NewUser) -> Result<User, AccountError> {
        let _turn = self.my_turn();
        let id = id(new.name.as_str());
        password::check(&new.password, &id)?;
        let all = self.storage.desk_all(DeskKind::User)?;
        if all.iter().any(|it| it.id == id) {
            return Err(AccountError::Exists("user"));
        }
        if all.len() >= USERS_MAX {
            return Err(AccountError::TooMany(USERS_MAX));
        }
        let kept = Kept {
            name: new.name,
            role: new.role,
            password: password::hash(&new.password)?,
            enabled: true,
            epoch: 1,
            created_at: self.now,
            password_set_at: self.now,
            signed_in_at: None,
        };
        self.write(DeskKind::User, &id, Some(&kept), 0)?;
        let after = kept.shown(None);
        self.record(actor, Deed { action: "user.create", target: kept.name.to_string(), before: None, after })?;
        Ok(kept.into())
    }

    /// Changes somebody. A new password, and being disabled, end their sessions; a new role is in force at once. `check` says
    /// whether they are still what the change was made for.
    ///
    /// # Errors
    /// [`AccountError`]; the last administrator who can sign in stays one.
    pub fn change_user(
        &self,
        actor: &Actor,
        name: &str,
        change: &UserChange,
        check: &dyn Fn(&User) -> Result<(), AccountError>,
    ) -> Result<User, AccountError> {
        let _turn = self.my_turn();
        let id = id(name);
        let (revision, before) = self.read::<Kept>(DeskKind::User, &id)?.ok_or(AccountError::Missing("user"))?;
        check(&before.clone().into())?;
        let mut kept = before.clone();
        kept.role = change.role.unwrap_or(kept.role);
        kept.enabled = change.enabled.unwrap_or(kept.enabled);
        if let Some(new) = &change.password {
            password::check(new, &id)?;
            kept.password = password::hash(new)?;
            kept.password_set_at = self.now;
        }
        if change.password.is_some() || !kept.enabled {
            kept.epoch += 1;
        }
        if !(kept.enabled && kept.role == Role::Admin) {
            self.keep_an_admin(&id, &before)?;
        }
        self.write(DeskKind::User, &id, Some(&kept), revision)?;
        if kept.epoch != before.epoch {
            self.end_sessions_of(&id)?;
        }
        let deed = Deed {
            action: if change.password.is_some() { "user.password" } else { "user.update" },
            target: kept.name.to_string(),
            before: before.shown(None),
            after: kept.shown(change.password.as_ref().map(|_| "changed")),
        };
        self.record(actor, deed)?;
        Ok(kept.into())
    }

    /// Removes somebody, and ends their sessions.
    ///
    /// # Errors
    /// [`AccountError`]; the last administrator who can sign in stays.
    pub fn remove_user(
        &self,
        actor: &Actor,
        name: &str,
        check: &dyn Fn(&User) -> Result<(), AccountError>,
    ) -> Result<(), AccountError> {
        let _turn = self.my_turn();
        let id = id(name);
        let (revision, before) = self.read::<Kept>(DeskKind::User, &id)?.ok_or(AccountError::Missing("user"))?;
        check(&before.clone().into())?;
        self.keep_an_admin(&id, &before)?;
        self.write(DeskKind::User, &id, None::<&Kept>, revision)?;
        self.end_sessions_of(&id)?;
        let deed =
            Deed { action: "user.delete", target: before.name.to_string(), before: before.shown(None), after: None };
        Ok(self.record(actor, deed)?)
    }

    fn keep_an_admin(&self, id: &str, before: &Kept) -> Result<(), AccountError> {
        let is_admin = |it: &Kept| it.enabled && it.role == Role::Admin;
        let others = self.read_all::<Kept>(DeskKind::User)?;
        let is_last = is_admin(before) && !others.iter().any(|(entry, it)| entry.id != id && is_admin(it));
        if is_last { Err(AccountError::LastAdmin) } else { Ok(()) }
    }
}
