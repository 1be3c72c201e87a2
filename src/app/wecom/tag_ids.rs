//! The ids of the corporation's tags by their labels: read from `WeCom`, made when they are first needed, and kept well under what a
//! corporation may have.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::platform::{ApiError, Remedy};
use crate::time::Timestamp;
use crate::wecom::Wecom;
use crate::wecom::client::{NewTag, NewTags, TAG_NAME_CHARS_MAX, TAGS_MAX, TagGroup, TagTarget};

/// For how long the list that was read is believed where a label is not on it: staff and other instances make tags too.
const BELIEVED_MS: i64 = 30_000;
/// For how long the list is believed at all: staff remove tags too, and events of that may be lost.
const KEPT_MS: i64 = 300_000;
/// Tags that are made with one call.
const MADE_AT_ONCE: usize = 100;

/// How fine a label is. Coarser ones still get tags where finer ones no longer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// A store.
    Store,
    /// A district or an area.
    District,
    /// A province or a city.
    City,
}

impl Level {
    /// The share of the budget, in percent, up to which tags of this level are made.
    fn percent(self) -> usize {
        match self {
            Self::Store => 60,
            Self::District => 85,
            Self::City => 100,
        }
    }
}

/// What is known of the corporation's tags.
#[derive(Default)]
struct Known {
    /// When the list was read; none if it has to be read.
    read_at: Option<Timestamp>,
    /// The group that is ours.
    group: Option<String>,
    /// The ids of the tags in it, by their names.
    ids: HashMap<String, String>,
    /// Tags of the corporation in all.
    count: usize,
}

/// How tags are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSettings {
    /// The group that they stand in.
    pub group: String,
    /// Tags of the corporation up to which new ones are made.
    pub tags_max: usize,
}

/// The ids of tags, for all workers of an instance.
#[derive(Clone)]
pub struct TagIds {
    wecom: Arc<Wecom>,
    group: Arc<str>,
    /// Tags of the corporation up to which new ones are made.
    budget: usize,
    known: Arc<Mutex<Known>>,
}

impl TagIds {
    /// The tags that these settings speak of.
    #[must_use]
    pub fn new(wecom: Arc<Wecom>, settings: &TagSettings) -> Self {
        let budget = settings.tags_max.min(TAGS_MAX);
        Self { wecom, group: settings.group.as_str().into(), budget, known: Arc::default() }
    }

    /// Reads the list again the next time: somebody changed it.
    pub fn forget(&self) {
        self.known().read_at = None;
    }

    /// The ids of all tags of the corporation, read now.
    pub(super) fn there(&self) -> Result<BTreeSet<String>, ApiError> {
        let groups = self.wecom.tags(&[])?.into_iter().filter(|it| !it.deleted);
        Ok(groups.flat_map(|it| it.tags).filter(|it| !it.deleted).map(|it| it.id).collect())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of these labels. Labels for which there is no room are left out.
    pub(super) fn of(
        &self,
        labels: &BTreeMap<String, Level>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, String>, ApiError> {
        // Held through the calls: several workers that miss the same tag would each make it.
        let known = &mut *self.known();
        let mut missing = missing(known, labels);
        let is_older = |than_ms| known.read_at.is_none_or(|at| now.unix_ms() - at.unix_ms() >= than_ms);
        if is_older(KEPT_MS) || (!missing.is_empty() && is_older(BELIEVED_MS)) {
            self.read(known, now)?;
            missing = self::missing(known, labels);
        }
        if !missing.is_empty() {
            self.make(known, missing, now)?;
        }
        Ok(labels.keys().filter_map(|it| Some((it.clone(), known.ids.get(&name_of(it))?.clone()))).collect())
    }

    fn read(&self, known: &mut Known, now: Timestamp) -> Result<(), ApiError> {
        let groups: Vec<TagGroup> = self.wecom.tags(&[])?.into_iter().filter(|it| !it.deleted).collect();
        known.count = groups.iter().map(|it| it.tags.len()).sum();
        known.group = None;
        known.ids.clear();
        if let Some(ours) = groups.into_iter().find(|it| *it.group_name == *self.group) {
            known.group = Some(ours.group_id);
            known.ids = ours.tags.into_iter().filter(|it| !it.deleted).map(|it| (it.name, it.id)).collect();
        }
        known.read_at = Some(now);
        Ok(())
    }

    /// Makes tags as far as there is room, the coarsest first.
    fn make(&self, known: &mut Known, mut missing: Vec<(Level, String)>, now: Timestamp) -> Result<(), ApiError> {
        missing.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let wanted = missing.len();
        let mut room = known.count;
        missing.retain(|(level, _)| {
            let fits = room < self.budget * level.percent() / 100;
            room += usize::from(fits);
            fits
        });
        if missing.len() < wanted {
            tracing::warn!(
                left_out = wanted - missing.len(),
                tags = known.count,
                budget = self.budget,
                "tags are left out: the corporation has too many"
            );
        }
        for some in missing.chunks(MADE_AT_ONCE) {
            let target = match &known.group {
                Some(id) => TagTarget::GroupId(id.clone()),
                None => TagTarget::GroupName(self.group.to_string()),
            };
            let tags = some.iter().map(|(_, name)| NewTag { name: name.clone(), order: 0 }).collect();
            match self.wecom.add_tags(&NewTags { target, tags }) {
                Ok(made) => {
                    known.count += made.tags.len();
                    known.group = Some(made.group_id);
                    known.ids.extend(made.tags.into_iter().map(|it| (it.name, it.id)));
                }
                // Somebody else made one of them, or the group is gone: what is there now is read, and the job comes again.
                Err(error) => {
                    if matches!(error.remedy(), Remedy::AdoptExisting | Remedy::RefreshTagCache) {
                        self.read(known, now)?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

fn missing(known: &Known, labels: &BTreeMap<String, Level>) -> Vec<(Level, String)> {
    let named = labels.iter().map(|(label, level)| (*level, name_of(label)));
    named.filter(|(_, name)| !known.ids.contains_key(name)).collect()
}

/// The name of a label's tag: the label, or, where that is too long, its beginning and a hash.
fn name_of(label: &str) -> String {
    if label.chars().count() <= TAG_NAME_CHARS_MAX {
        return label.to_owned();
    }
    let digest: [u8; 32] = Sha256::digest(label.as_bytes()).into();
    let hash = data_encoding::HEXLOWER.encode(digest.split_at(4).0);
    let head: String = label.chars().take(TAG_NAME_CHARS_MAX - 9).collect();
    format!("{head}~{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_label_gets_a_name_of_its_own() {
        assert_eq!(name_of("黄浦区"), "黄浦区");
        let long = "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十甲";
        let other = "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十乙";
        assert_eq!(name_of(long).chars().count(), 30);
        assert_ne!(name_of(long), name_of(other));
    }
}
