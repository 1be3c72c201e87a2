//! What `WeCom` tells of groups and the catalog has to know: a chat that is no more leaves the rotation, one that a join way made joins it.
//!
//! Both are publications like those of a person: live here at once and everywhere within a second, kept by every instance through a
//! restart, in the history and in the audit trail, and a person can take them back.

use crate::app::publish::json;
use crate::app::{App, Deed, EditError, NewEntry};
use crate::catalog::Catalog;
use crate::group::{CHATS_MAX, GroupChat, GroupStatus, WECOM_ID_BYTES_MAX};
use crate::id::GroupId;
use crate::staff::{Actor, Role};

/// Who does what `WeCom` makes necessary.
fn actor() -> Actor {
    Actor { name: "wecom".to_owned(), role: Role::Ops, address: None }
}

/// The group without a chat: with the last one it pauses, and keeps it, so that it is known whose it was.
fn without(group: &GroupChat, chat: &str) -> Option<GroupChat> {
    let mut group = group.clone();
    let wecom = group.wecom.as_mut()?;
    if !wecom.chats.iter().any(|it| &**it == chat) {
        return None;
    }
    if wecom.chats.len() > 1 {
        wecom.chats.retain(|it| &**it != chat);
    } else if group.status == GroupStatus::Paused {
        return None;
    } else {
        group.status = GroupStatus::Paused;
    }
    Some(group)
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
        self.publish_groups(
            "group.dissolved",
            "企业微信客户群已解散 / the group chat was dissolved",
            &|catalog| changed(catalog, |it| without(it, chat)),
        )
    }

    /// Makes the chats behind a group's join way its chats in the catalog. Blocks.
    ///
    /// # Errors
    /// [`EditError`].
    pub(super) fn adopt_chats(&self, group: &GroupId, chats: &[String]) -> Result<(), EditError> {
        let fits = |it: &&String| !it.is_empty() && it.len() <= WECOM_ID_BYTES_MAX;
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
                    let wecom = new.wecom.as_mut().filter(|wecom| it.id == *group && wecom.chats != chats)?;
                    wecom.chats.clone_from(&chats);
                    Some(new)
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
