//! What `WeCom` tells of groups and the catalog has to know: a chat that is no more leaves the rotation, one that a join way made joins it.
//!
//! Both are publications like those of a person: live here at once and everywhere within a second, kept by every instance through a
//! restart, in the history and in the audit trail, and a person can take them back.

use std::collections::BTreeSet;

use super::known;
use crate::app::publish::json;
use crate::app::{App, Deed, EditError, NewEntry};
use crate::catalog::Catalog;
use crate::customer::Chat;
use crate::group::{CHATS_MAX, GroupChat, GroupStatus, WECOM_ID_BYTES_MAX};
use crate::id::GroupId;
use crate::staff::{Actor, Role};
use crate::storage::{CardKind, Storage, StorageError};

/// Who does what `WeCom` makes necessary.
fn actor() -> Actor {
    Actor { name: "wecom".to_owned(), role: Role::Ops, address: None }
}

/// Cards of chats that are read at a time.
const CARDS_AT_A_TIME: usize = 500;

/// Those of some chats that are known to be dissolved.
pub(super) fn dissolved<'a>(
    storage: &dyn Storage,
    chats: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<String>, StorageError> {
    let chats: BTreeSet<&str> = chats.into_iter().collect();
    let chats: Vec<&str> = chats.into_iter().collect();
    let mut gone = BTreeSet::new();
    for some in chats.chunks(CARDS_AT_A_TIME) {
        for (id, card) in some.iter().zip(storage.cards(CardKind::Chat, some)?) {
            let kept: Chat = card.map_or(Ok(Chat::default()), |it| known(&it.body))?;
            if kept.dismissed_at.is_some() {
                gone.insert((*id).to_owned());
            }
        }
    }
    Ok(gone)
}

/// The group without the chats that are gone: with the last one it pauses, and keeps one, so that it is known whose it was.
fn without(group: &GroupChat, chat: &str, gone: &BTreeSet<String>) -> Option<GroupChat> {
    let mut group = group.clone();
    let wecom = group.wecom.as_mut()?;
    if !wecom.chats.iter().any(|it| &**it == chat) {
        return None;
    }
    if wecom.chats.iter().any(|it| !gone.contains(&**it)) {
        wecom.chats.retain(|it| !gone.contains(&**it));
    } else if group.status == GroupStatus::Paused {
        return None;
    } else {
        wecom.chats.retain(|it| &**it == chat);
        wecom.is_without_chat = true;
        group.status = GroupStatus::Paused;
    }
    Some(group)
}

impl GroupChat {
    /// The group, going on if it paused because it had no chat.
    pub(super) fn resumed(mut self) -> Self {
        if let Some(wecom) = self.wecom.as_mut().filter(|it| it.is_without_chat) {
            wecom.is_without_chat = false;
            self.status = GroupStatus::Active;
        }
        self
    }
}

fn changed(catalog: &Catalog, change: impl Fn(&GroupChat) -> Option<GroupChat>) -> Vec<(GroupChat, GroupChat)> {
    catalog.groups().iter().filter_map(|it| Some((it.clone(), change(it)?))).collect()
}

fn deed(action: &'static str, target: &str, groups: &[(GroupChat, GroupChat)]) -> Deed {
    let side = |pick: fn(&(GroupChat, GroupChat)) -> &GroupChat| match groups {
        [one] => Some(json(pick(one))),
        _ => Some(json(&groups.iter().map(pick).collect::<Vec<_>>())),
    };
    Deed { action, target: target.to_owned(), before: side(|it| &it.0), after: side(|it| &it.1) }
}

impl App {
    /// Takes a chat that was dissolved out of the catalog; a group without another one pauses. Blocks.
    ///
    /// # Errors
    /// [`EditError`].
    pub(super) fn drop_chat(&self, chat: &str) -> Result<(), EditError> {
        let catalog = self.catalog();
        let beside = catalog.group_of_chat(chat).into_iter().flat_map(|it| &it.wecom).flat_map(|it| &it.chats);
        let mut gone = dissolved(&*self.parts.storage, beside.map(|it| &**it))?;
        gone.insert(chat.to_owned());
        self.publish_groups(
            "group.dissolved",
            "企业微信客户群已解散 / the group chat was dissolved",
            &|catalog| changed(catalog, |it| without(it, chat, &gone)),
        )
    }

    /// Makes the chats behind a group's join way its chats in the catalog, but for those that were dissolved: the platform goes on
    /// naming them. Blocks.
    ///
    /// # Errors
    /// [`EditError`].
    pub(super) fn adopt_chats(&self, group: &GroupId, chats: &[String]) -> Result<(), EditError> {
        let gone = dissolved(&*self.parts.storage, chats.iter().map(String::as_str))?;
        let fits = |it: &&String| !it.is_empty() && it.len() <= WECOM_ID_BYTES_MAX && !gone.contains(*it);
        let chats: Vec<Box<str>> = chats.iter().filter(fits).take(CHATS_MAX).map(|it| it.as_str().into()).collect();
        if chats.is_empty() {
            return Ok(());
        }
        self.publish_groups(
            "group.adopted",
            "加群方式有了新群 / the join way has another group chat",
            &|catalog| {
                changed(catalog, |it| {
                    let mut new = it.clone();
                    let is_new = |had: &[Box<str>], waits: bool| it.id == *group && (waits || had != chats);
                    let wecom = new.wecom.as_mut().filter(|it| is_new(&it.chats, it.is_without_chat))?;
                    wecom.chats.clone_from(&chats);
                    Some(new.resumed())
                })
            },
        )
    }

    fn publish_groups(
        &self,
        action: &'static str,
        note: &str,
        change: &dyn Fn(&Catalog) -> Vec<(GroupChat, GroupChat)>,
    ) -> Result<(), EditError> {
        self.edit(&actor(), note, &mut |catalog| {
            let groups = change(catalog);
            let target = groups.first().map(|it| it.0.id.to_string()).unwrap_or_default();
            let deed = deed(action, &target, &groups);
            Ok((groups.into_iter().map(|it| NewEntry::Group(Box::new(it.1))).collect(), deed))
        })
        .map(drop)
    }
}
