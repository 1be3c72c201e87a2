//! Which tags a friendship gets and loses, and what its card says of a call while that is under way; not how the call is made.
//!
//! What a call may set stands on the card before the call is made, so that whoever comes after a crash knows what to take back. While
//! it is under way nobody else makes another one about the same friendship.

use std::collections::{BTreeMap, BTreeSet};

use super::tag_ids::Level;
use crate::customer::{Customer, Friendship, Marking};
use crate::time::Timestamp;

/// For how long a call is its maker's: longer than it takes with all its attempts.
const MARKING_MS: i64 = 120_000;

/// What is to be done about one friendship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// `userid` of the member of staff.
    pub(super) staff: String,
    /// The labels to set, with the ids of their tags.
    pub(super) add: BTreeMap<String, String>,
    /// The ids of the tags to take away, with their labels.
    pub(super) remove: BTreeMap<String, String>,
    /// The number of the first call of those that did not come to an end: what is told of them is told once.
    pub(super) first: u64,
    /// The ids that calls before this one may have set.
    before: BTreeSet<String>,
}

/// Who makes a call, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// A number by chance.
    pub(super) by: u64,
    pub(super) now: Timestamp,
}

/// Somebody else makes a call about this friendship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended<'a> {
    /// It was made.
    Done,
    /// It was refused: nothing was set.
    Refused,
    /// It was refused because one of the tags is not there; these are.
    Gone(&'a BTreeSet<String>),
    /// Nobody knows.
    Unknown,
}

/// The labels that a customer is to have: none where nothing is known, or the customer wishes none.
pub(super) fn wanted(customer: &Customer) -> BTreeMap<String, Level> {
    let mut wanted = BTreeMap::new();
    let Some(place) = customer.place.as_ref().filter(|_| !customer.is_silent) else { return wanted };
    let regions = place.regions.iter().enumerate();
    for (label, level) in regions.map(|(at, it)| (it.clone(), if at < 2 { Level::City } else { Level::District })) {
        wanted.entry(label).or_insert(level);
    }
    if let Some(store) = &place.store {
        wanted.entry(store.as_str().to_owned()).or_insert(Level::Store);
    }
    wanted.retain(|label, _| !label.is_empty());
    wanted
}

/// The members of staff whose friendships have not the labels in `ids`, or others than those.
pub(super) fn due(customer: &Customer, ids: &BTreeMap<String, String>) -> Vec<String> {
    customer.friends.keys().filter(|it| step(customer, it, ids).is_some()).cloned().collect()
}

/// What is to be done so that a friendship has the labels in `ids` that are still wanted, and none that were or may have been set
/// before. Where a place is not known, what was set stays.
fn step(customer: &Customer, staff: &str, ids: &BTreeMap<String, String>) -> Option<Step> {
    let it = customer.friends.get(staff).filter(|it| it.is_live())?;
    if customer.place.is_none() && !customer.is_silent {
        return None;
    }
    let wanted = wanted(customer);
    let ids: BTreeMap<&String, &String> = ids.iter().filter(|(label, _)| wanted.contains_key(*label)).collect();
    let kept: BTreeSet<&String> = ids.values().copied().collect();
    let add = ids.iter().filter(|(label, id)| it.marked.get(**label) != Some(**id));
    let add: BTreeMap<_, _> = add.map(|(label, id)| ((*label).clone(), (*id).clone())).collect();
    let marking = it.marking.clone().unwrap_or_default();
    let before: BTreeSet<String> = marking.sets.keys().cloned().collect();
    let set = it.marked.iter().map(|(label, id)| (id.clone(), label.clone())).chain(marking.sets);
    let remove: BTreeMap<_, _> = set.filter(|(id, _)| !kept.contains(id)).collect();
    let step = Step { staff: staff.to_owned(), add, remove, first: marking.first, before };
    (!step.add.is_empty() || !step.remove.is_empty()).then_some(step)
}

/// Notes on the card that a call is going to be made, and says which; none if there is nothing to do.
///
/// # Errors
/// [`Taken`]; then nothing is noted.
pub(super) fn begin(
    customer: &mut Customer,
    staff: &str,
    ids: &BTreeMap<String, String>,
    caller: Caller,
) -> Result<Option<Step>, Taken> {
    let Some(mut step) = step(customer, staff, ids) else { return Ok(None) };
    let Some(friendship) = customer.friends.get_mut(staff) else { return Ok(None) };
    if friendship.marking.as_ref().is_some_and(|it| it.by != caller.by && it.until > caller.now) {
        return Err(Taken);
    }
    let marking = friendship.marking.get_or_insert_with(|| Marking { first: caller.by, ..Marking::default() });
    marking.by = caller.by;
    marking.until = caller.now.plus_ms(MARKING_MS);
    marking.sets.extend(step.add.iter().map(|(label, id)| (id.clone(), label.clone())));
    step.first = marking.first;
    Ok(Some(step))
}

/// Notes how a call ended.
pub(super) fn end(friendship: &mut Friendship, step: &Step, ended: Ended<'_>, caller: Caller) {
    let is_mine = friendship.marking.as_ref().is_some_and(|it| it.by == caller.by);
    if ended == Ended::Done {
        // What was set is known to be set, also where somebody else has taken over since.
        friendship.marked.retain(|_, id| !is_mine || !step.remove.contains_key(id));
        friendship.marked.extend(step.add.clone());
        if is_mine {
            friendship.marking = None;
        }
        return;
    }
    if let Ended::Gone(there) = ended {
        friendship.marked.retain(|_, id| there.contains(id));
    }
    let Some(marking) = friendship.marking.as_mut().filter(|_| is_mine) else { return };
    marking.until = caller.now;
    match ended {
        Ended::Done | Ended::Unknown => {}
        Ended::Refused => marking.sets.retain(|id, _| step.before.contains(id)),
        Ended::Gone(there) => marking.sets.retain(|id, _| step.before.contains(id) && there.contains(id)),
    }
    if ended != Ended::Unknown && marking.sets.is_empty() {
        friendship.marking = None;
    }
}
