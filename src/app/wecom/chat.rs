//! Reads group chats: who came and who went since the last reading, how many are in it, whether it still is.
//!
//! A reading is taken after the chat's card was read, and written only if nobody else wrote the card meanwhile; so of two readings
//! the older never wins. Who moved stands on the card until it is noted on the cards of the customers, so that a crash in between
//! loses nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Change, Facts, News, With};
use super::walk::holds_up;
use super::{Fault, known};
use crate::app::EditError;
use crate::customer::{Chat, Moved};
use crate::group::GroupChat;
use crate::storage::{Card, CardKind, CardWrite, StorageError, Trouble};
use crate::time::Timestamp;
use crate::wecom::client::{ChatMember, MemberKind};
use crate::wecom::{Wecom, client};

/// Moves that stand on a card at a time; a reading with more is worked in by parts.
const PENDING_MAX: usize = 300;
/// Customers of one chat that are kept: many times what the platform allows.
const CUSTOMERS_MAX: usize = 4_000;
/// How often a chat is read anew because somebody else read it meanwhile.
const TRIES_MAX: u32 = 8;

/// Why a chat is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Because<'a> {
    /// When somebody went, if an event says so; else they went now.
    pub went_at: Option<Timestamp>,
    /// The version of the list of members before and after the event, each empty if it does not say; none if no event of members
    /// is the reason.
    pub versions: Option<(&'a str, &'a str)>,
}

/// What a reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The card is of the version that the event brought about.
    Exact,
    /// The card is of another version. Versions have no order: it may be of before the event or of after it.
    Other,
    /// The platform still shows what was before the event.
    Late,
    /// The chat was dissolved.
    Dissolved,
}

fn seconds(it: i64) -> Timestamp {
    Timestamp::from_unix_ms(it.saturating_mul(1_000))
}

impl Facts<'_> {
    /// The card of a chat.
    pub(super) fn chat_card(&self, chat: &str) -> Result<(Option<Card>, Chat), StorageError> {
        let card = self.app.parts.storage.cards(CardKind::Chat, &[chat])?.into_iter().flatten().next();
        let kept = card.as_ref().map_or(Ok(Chat::default()), |it| known(&it.body))?;
        Ok((card, kept))
    }

    /// Writes the card of a chat; whether it was still the one that was read.
    fn write_chat(&self, id: &str, card: Option<&Card>, chat: &Chat) -> Result<bool, StorageError> {
        let write = CardWrite {
            kind: CardKind::Chat,
            id: id.to_owned(),
            expected: card.map_or(0, |it| it.revision),
            body: Some(serde_json::to_string(chat).unwrap_or_default()),
            visitor: None,
            counts: Vec::new(),
        };
        match self.app.parts.storage.write_card(&write) {
            Ok(_revision) => Ok(true),
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes who stands on the card as having moved, and takes them off it.
    fn note_pending(&self, id: &str) -> Result<(), StorageError> {
        for _ in 0..TRIES_MAX {
            let (card, mut chat) = self.chat_card(id)?;
            if chat.pending.is_empty() {
                return Ok(());
            }
            for it in &chat.pending {
                let change =
                    if it.came { Change::There { at: it.at, is_sure: true } } else { Change::Missing { at: it.at } };
                let with = With::Chat { chat: id, owner: &chat.owner };
                let unionid = it.unionid.as_deref();
                self.note(&News { customer: &it.id, with, change, state: &it.state, unionid, is_whole: true })?;
            }
            chat.pending.clear();
            if self.write_chat(id, card.as_ref(), &chat)? {
                return Ok(());
            }
        }
        Err(StorageError::caused(Trouble::Unavailable, "a chat is read by too many at once"))
    }

    /// Reads a chat and notes who came and who went since it was read last.
    ///
    /// # Errors
    /// The platform's and storage's; reading again is harmless.
    pub(super) fn read_chat(&self, wecom: &Wecom, id: &str, because: &Because<'_>) -> Result<Outcome, Fault> {
        let (last, current) = because.versions.unwrap_or_default();
        let is_exact = |version: &str| !current.is_empty() && version == current;
        for _ in 0..TRIES_MAX {
            self.note_pending(id)?;
            let (card, before) = self.chat_card(id)?;
            if before.dismissed_at.is_some() {
                return Ok(Outcome::Dissolved);
            }
            if is_exact(&before.member_version) {
                return Ok(Outcome::Exact);
            }
            let read = wecom.group_chat(id)?;
            let is_exact = is_exact(&read.member_version);
            if !last.is_empty() && read.member_version == last && !is_exact {
                return Ok(Outcome::Late);
            }
            // What is on the card already says nothing new, and nothing of an event that brought about another version.
            let is_known = !read.member_version.is_empty() && read.member_version == before.member_version;
            if because.versions.is_some() && is_known {
                return Ok(Outcome::Other);
            }
            let (after, is_whole) = self.compare(&before, &read, because);
            if !self.write_chat(id, card.as_ref(), &after)? || !is_whole {
                continue;
            }
            self.note_pending(id)?;
            self.count_heads(id)?;
            return Ok(if is_exact { Outcome::Exact } else { Outcome::Other });
        }
        // Whoever reads it all the time has noted it; or so many moved that the next event goes on.
        Ok(Outcome::Late)
    }

    /// The card after a reading, and whether everybody who moved is on it.
    fn compare(&self, before: &Chat, read: &client::GroupChat, because: &Because<'_>) -> (Chat, bool) {
        let there: BTreeMap<&str, &ChatMember> = read
            .members
            .iter()
            .filter(|it| it.kind == MemberKind::Customer)
            .take(CUSTOMERS_MAX)
            .map(|it| (it.id.as_str(), it))
            .collect();
        let had: BTreeSet<&str> = before.customers.iter().map(String::as_str).collect();
        let came = there.iter().filter(|(id, _)| !had.contains(*id)).map(|(id, it)| Moved {
            id: (*id).to_owned(),
            at: seconds(it.join_time),
            came: true,
            state: it.state.clone().unwrap_or_default(),
            unionid: it.unionid.clone(),
        });
        let went_at = because.went_at.unwrap_or(self.now);
        let awaited = had.iter().copied().chain(before.expected.iter().map(String::as_str));
        let gone: BTreeSet<&str> = awaited.filter(|id| !there.contains_key(id)).collect();
        let went = gone.into_iter().map(|id| Moved { id: id.to_owned(), at: went_at, ..Moved::default() });
        let moved: Vec<Moved> = went.chain(came).collect();
        let is_whole = moved.len() <= PENDING_MAX;
        let pending: Vec<Moved> = moved.into_iter().take(PENDING_MAX).collect();
        let mut customers: BTreeSet<&str> = had;
        for it in &pending {
            if it.came {
                customers.insert(&it.id);
            } else {
                customers.remove(it.id.as_str());
            }
        }
        let after = Chat {
            name: read.name.clone(),
            owner: read.owner.clone(),
            made_at: seconds(read.create_time),
            member_version: if is_whole { read.member_version.clone() } else { before.member_version.clone() },
            read_at: self.now,
            members: u32::try_from(read.members.len()).unwrap_or(u32::MAX),
            customers: customers.into_iter().map(ToOwned::to_owned).collect(),
            expected: if is_whole { Vec::new() } else { before.expected.clone() },
            dismissed_at: None,
            pending: pending.clone(),
        };
        (after, is_whole)
    }

    /// Has the next reading look for customers who came by what an event says, and whom no reading has shown.
    pub(super) fn expect(&self, id: &str, customers: &[&str]) -> Result<(), StorageError> {
        for _ in 0..TRIES_MAX {
            let (card, mut chat) = self.chat_card(id)?;
            for it in customers {
                let is_known = chat.customers.iter().chain(&chat.expected).any(|known| known == it);
                if !is_known && chat.expected.len() < PENDING_MAX {
                    chat.expected.push((*it).to_owned());
                }
            }
            if self.write_chat(id, card.as_ref(), &chat)? {
                return Ok(());
            }
        }
        Err(StorageError::caused(Trouble::Unavailable, "a chat is read by too many at once"))
    }

    /// Tells storage how many are in the group that a chat stands behind. A group of several chats has room while one of them has:
    /// what the full ones hold is left out.
    pub(super) fn count_heads(&self, chat: &str) -> Result<(), StorageError> {
        let Some(group) = self.catalog.group_of_chat(chat) else { return Ok(()) };
        let ids: Vec<&str> = group.wecom.iter().flat_map(|it| &it.chats).map(|it| &**it).collect();
        let storage = &*self.app.parts.storage;
        let (mut heads, mut open) = (0_u64, 0_u64);
        for card in storage.cards(CardKind::Chat, &ids)?.into_iter().flatten() {
            let chat: Chat = known(&card.body)?;
            if chat.dismissed_at.is_none() {
                heads += u64::from(chat.members);
                open += 1;
            }
        }
        let others = u64::from(group.capacity).saturating_mul(open.saturating_sub(1));
        let members = u32::try_from(heads.saturating_sub(others)).unwrap_or(u32::MAX);
        if open == 0 {
            return Ok(());
        }
        storage.set_members(&[(group.id.clone(), members)], self.now)
    }

    /// Notes that a chat was dissolved: it leaves the catalog's rotation, and its members are no longer in it.
    ///
    /// # Errors
    /// Storage's, or the catalog's; doing it again is harmless.
    pub(super) fn dissolve(&self, id: &str, at: Timestamp) -> Result<(), Fault> {
        // The code leads nowhere from now on, so this comes first.
        self.app.drop_chat(id)?;
        self.note_pending(id)?;
        for _ in 0..TRIES_MAX {
            let (card, mut chat) = self.chat_card(id)?;
            for customer in chat.customers.iter().chain(&chat.expected) {
                let with = With::Chat { chat: id, owner: &chat.owner };
                let change = Change::Dissolved { at };
                self.note(&News { customer, with, change, state: "", unionid: None, is_whole: true })?;
            }
            chat.dismissed_at = chat.dismissed_at.or(Some(at));
            chat.customers.clear();
            chat.expected.clear();
            chat.members = 0;
            if self.write_chat(id, card.as_ref(), &chat)? {
                self.count_heads(id)?;
                return Ok(());
            }
        }
        Err(StorageError::caused(Trouble::Unavailable, "a chat is read by too many at once").into())
    }

    /// Looks whether a chat that no group names was made by a join way of ours, and takes it into that way's group. Whether it was.
    ///
    /// # Errors
    /// The platform's and storage's; doing it again is harmless.
    pub(super) fn adopt(&self, wecom: &Wecom, id: &str) -> Result<bool, Fault> {
        let read = match wecom.group_chat(id) {
            Ok(read) => read,
            // A chat of others is none of our business.
            Err(error) if !holds_up(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let states: BTreeSet<&str> = read.members.iter().filter_map(|it| it.state.as_deref()).collect();
        let may_be = |it: &&GroupChat| {
            let is_kept = it.wecom.as_ref().is_some_and(|it| it.way.is_some());
            let is_theirs = it.wecom.iter().flat_map(|it| &it.staff).any(|it| **it == *read.owner);
            is_kept && (is_theirs || states.contains(it.state().as_str()))
        };
        for group in self.catalog.groups().iter().filter(may_be).take(ADOPTERS_MAX) {
            if self.adopt_of(wecom, group)?.iter().any(|it| it == id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the chats behind a group's join way into the catalog, and says which they are.
    pub(super) fn adopt_of(&self, wecom: &Wecom, group: &GroupChat) -> Result<Vec<String>, Fault> {
        let Some(way) = group.wecom.as_ref().and_then(|it| it.way.as_deref()) else { return Ok(Vec::new()) };
        let chats = wecom.join_way(way)?.chats;
        self.app.adopt_chats(&group.id, &chats)?;
        Ok(chats)
    }
}

/// Groups whose join way is looked at for one new chat.
const ADOPTERS_MAX: usize = 20;

impl From<EditError> for Fault {
    fn from(error: EditError) -> Self {
        Self::Edit(error)
    }
}
