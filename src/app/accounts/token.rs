//! Tokens of programs: made once, shown once, kept as a digest, with an end and a role.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::{AccountError, Accounts, TOKENS_MAX, digest, secret, shown};
use crate::app::Deed;
use crate::staff::{Actor, Role, StaffName};
use crate::storage::{DeskKind, StorageError};
use crate::time::Timestamp;

/// Begins every token, so that people and scanners of secrets know one when they see it.
pub const TOKEN_PREFIX: &str = "jq_";
/// The longest life of a token that ends, in days.
pub const TOKEN_DAYS_MAX: u32 = 3_650;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Characters of the digest that are the token's id: 128 bits.
const ID_CHARS: usize = 32;

/// A token, without what it admits with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// By which it is revoked.
    pub id: String,
    /// What it is for.
    pub name: StaffName,
    /// What it may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it admits nobody; none means never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// As storage keeps it, under its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    digest: String,
    name: StaffName,
    role: Role,
    created_by: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
}

impl Kept {
    fn token(self, id: String) -> Token {
        let Self { name, role, created_by, created_at, expires_at, used_at, .. } = self;
        Token { id, name, role, created_by, created_at, expires_at, used_at }
    }
}

/// What the audit trail says of a token.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    role: Role,
    expires_at: Option<String>,
}

impl Token {
    fn shown(&self) -> Option<String> {
        let expires_at = self.expires_at.map(|it| it.to_string());
        shown(&Shown { id: &self.id, role: self.role, expires_at })
    }
}

/// A token to be made.
pub struct NewToken {
    /// What it is for; unlike all others.
    pub name: StaffName,
    /// What it may do.
    pub role: Role,
    /// Days of its life; none means for ever.
    pub days: Option<u32>,
}

/// A token that was just made.
pub struct TokenMade {
    /// What is known of it from now on.
    pub token: Token,
    /// What admits. It is told this once.
    pub secret: String,
}

fn id_of(digest: &str) -> String {
    digest.chars().take(ID_CHARS).collect()
}

impl Accounts<'_> {
    /// All tokens, the newest first.
    ///
    /// # Errors
    /// Storage's.
    pub fn tokens(&self) -> Result<Vec<Token>, StorageError> {
        let all = self.read_all::<Kept>(DeskKind::Token)?;
        let mut all: Vec<Token> = all.into_iter().map(|(entry, it)| it.token(entry.id)).collect();
        all.sort_by(|a, b| (b.created_at, &b.name).cmp(&(a.created_at, &a.name)));
        Ok(all)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`AccountError`] if the name is taken.
    pub fn add_token(&self, actor: &Actor, new: NewToken) -> Result<TokenMade, AccountError> {
        let all = self.read_all::<Kept>(DeskKind::Token)?;
        if all.iter().any(|(_, it)| it.name == new.name) {
            return Err(AccountError::Exists("token"));
        }
        if all.len() >= TOKENS_MAX {
            return Err(AccountError::TooMany(TOKENS_MAX));
        }
        let secret = format!("{TOKEN_PREFIX}{}", secret()?);
        let digest = digest(&secret);
        let id = id_of(&digest);
        let kept = Kept {
            digest,
            name: new.name,
            role: new.role,
            created_by: actor.name.clone(),
            created_at: self.now,
            expires_at: new.days.map(|it| self.now.plus_ms(i64::from(it.min(TOKEN_DAYS_MAX)) * DAY_MS)),
            used_at: None,
        };
        self.write(DeskKind::Token, &id, Some(&kept), 0)?;
        let token = kept.token(id);
        let deed = Deed { action: "token.create", target: token.name.to_string(), before: None, after: token.shown() };
        self.record(actor, deed)?;
        Ok(TokenMade { token, secret })
    }

    /// The token that this text is; none if it is none, or none any more.
    ///
    /// # Errors
    /// Storage's.
    pub fn token(&self, text: &str) -> Result<Option<Token>, AccountError> {
        if !text.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let digest = digest(text);
        let id = id_of(&digest);
        let Some((revision, mut kept)) = self.read::<Kept>(DeskKind::Token, &id)? else { return Ok(None) };
        let is_it = bool::from(kept.digest.as_bytes().ct_eq(digest.as_bytes()));
        if !is_it || kept.expires_at.is_some_and(|it| it <= self.now) {
            return Ok(None);
        }
        let is_old = |it: Timestamp| self.now.unix_ms() - it.unix_ms() >= MINUTE_MS;
        if kept.used_at.is_none_or(is_old) {
            kept.used_at = Some(self.now);
            match self.write(DeskKind::Token, &id, Some(&kept), revision) {
                // Another request of the same moment has written it, or it has just been revoked.
                Ok(_) | Err(AccountError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(kept.token(id)))
    }

    /// Revokes a token: from the next request on it admits nobody.
    ///
    /// # Errors
    /// [`AccountError::Missing`] if there is none of this id.
    pub fn revoke_token(&self, actor: &Actor, id: &str) -> Result<(), AccountError> {
        let (_, kept) = self.read::<Kept>(DeskKind::Token, id)?.ok_or(AccountError::Missing("token"))?;
        let token = kept.token(id.to_owned());
        self.storage.put_desk(DeskKind::Token, id, None, None)?;
        let deed = Deed { action: "token.revoke", target: token.name.to_string(), before: token.shown(), after: None };
        Ok(self.record(actor, deed)?)
    }
}
