//! Looks at all customers' cards, one after the other, for friendships that have ended: no list shows those. Begins once a week, and
//! not while the one before is under way: how long that is follows from how many customers there are, see `docs/wecom.md`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::facts::{Change, Facts, News, With};
use super::reconcile::{PACE_MS, Task, job};
use super::{Fault, NO_CUSTOMER, known};
use crate::customer::Customer;
use crate::job::Job;
use crate::platform::{ApiError, Remedy};
use crate::storage::{Card, CardKind, DeskKind, Storage, StorageError, Trouble};
use crate::time::Timestamp;
use crate::wecom::Wecom;

/// Walks begin this far apart at least, in milliseconds: a week.
const EVERY_MS: i64 = 7 * 86_400_000;
/// A walk that has not gone on for so long is given up, in milliseconds: nine days, longer than a job waits for settings to be mended.
const LOST_MS: i64 = 9 * 86_400_000;
/// Cards that one job looks at.
const CARDS: usize = 50;
/// The time that a call takes up, in milliseconds: five a second. Cards without a friendship need none.
const CALL_MS: i64 = 200;
/// The document that says how far the walk is.
const DOCUMENT: &str = "friendships";

/// The last walk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    name: String,
    /// When it began or went on.
    at: Timestamp,
    is_over: bool,
}

impl Last {
    fn read(storage: &dyn Storage) -> Result<(u64, Self), StorageError> {
        let Some(kept) = storage.desk(DeskKind::Walk, DOCUMENT)? else { return Ok((0, Self::default())) };
        Ok((kept.revision, known(&kept.body)?))
    }

    /// Keeps it; whether nobody else was quicker.
    fn keep(&self, storage: &dyn Storage, revision: u64) -> Result<bool, StorageError> {
        let body = serde_json::to_string(self).unwrap_or_default();
        match storage.put_desk(DeskKind::Walk, DOCUMENT, Some(&body), Some(revision)) {
            Ok(_revision) => Ok(true),
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The first job of a walk, if it is time for one: this week's, or another one that somebody wishes for `now`.
pub(super) fn begin(facts: &Facts<'_>, now: bool, ready_at: Timestamp) -> Result<Option<Job>, StorageError> {
    let week = facts.now.unix_ms().div_euclid(EVERY_MS);
    let name = if now { format!("{}:walk", facts.cause) } else { format!("walk:{week}") };
    let storage = &*facts.app.parts.storage;
    let (revision, last) = Last::read(storage)?;
    // Planning again is harmless: a job that is known is left out.
    if last.name != name {
        let is_lost = facts.now.unix_ms() - last.at.unix_ms() > LOST_MS;
        let is_free = revision == 0 || last.is_over || is_lost;
        if !is_free || !(Last { name: name.clone(), at: facts.now, is_over: false }).keep(storage, revision)? {
            return Ok(None);
        }
    }
    Ok(Some(job(format!("{name}:0"), &Task::Walk { after: None, part: 0 }, ready_at)))
}

/// Looks at some cards whether the friendships on them still are, and hands the rest on.
pub(super) fn go(facts: &Facts<'_>, wecom: &Wecom, after: Option<&str>, part: u32) -> Result<(), Fault> {
    let storage = &*facts.app.parts.storage;
    let (cards, next) = storage.cards_page(CardKind::Customer, after, CARDS)?;
    let mut calls = 0;
    for card in &cards {
        calls += i64::from(look_at(facts, wecom, card)?);
    }
    let name = facts.cause.rsplit_once(':').map_or(facts.cause, |(name, _)| name);
    if let Some(next) = &next {
        let part = part + 1;
        let task = Task::Walk { after: Some(next.clone()), part };
        facts.app.add_task(format!("{name}:{part}"), &task, facts.now.plus_ms((calls * CALL_MS).max(PACE_MS)))?;
    }
    let (revision, last) = Last::read(storage)?;
    if last.name == name {
        // Who was quicker says the same.
        Last { at: facts.now, is_over: next.is_none(), ..last }.keep(storage, revision)?;
    }
    Ok(())
}

/// Looks at one card; whether that took a call.
fn look_at(facts: &Facts<'_>, wecom: &Wecom, card: &Card) -> Result<bool, Fault> {
    let kept: Customer = known(&card.body)?;
    let live: Vec<&String> = kept.friends.iter().filter(|(_, it)| it.is_live()).map(|(staff, _)| staff).collect();
    if live.is_empty() {
        return Ok(false);
    }
    let follows: BTreeSet<String> = match wecom.customer(&card.id, None) {
        // Whoever has more than one page of friends is looked at another time.
        Ok(read) if read.next.is_some() => return Ok(true),
        Ok(read) => read.follows.into_iter().map(|it| it.staff).collect(),
        Err(error) if error.code() == Some(NO_CUSTOMER) => BTreeSet::new(),
        Err(error) if matches!(error.remedy(), Remedy::NotAFriendYet { .. }) => BTreeSet::new(),
        Err(error) if holds_up(&error) => return Err(error.into()),
        Err(error) => {
            tracing::info!(error = crate::app::whole_chain(&error), "a customer cannot be looked at");
            return Ok(true);
        }
    };
    for staff in live.into_iter().filter(|it| !follows.contains(*it)) {
        let with = With::Staff(staff);
        let change = Change::Missing { at: facts.now };
        facts.note(&News { customer: &card.id, with, change, state: "", unionid: None, is_whole: true })?;
    }
    Ok(true)
}

/// Whether an error is about all customers and not about this one: no answer, limits, tokens, and what the app may do at all.
pub(super) fn holds_up(error: &ApiError) -> bool {
    let Some(code) = error.code() else { return true };
    OF_THE_APP.contains(&code)
        || matches!(
            error.remedy(),
            Remedy::RefreshToken | Remedy::RetryLater { .. } | Remedy::SlowDown { .. } | Remedy::WaitLimit { .. }
        )
}

/// Errors of settings that all calls would meet: the corporation, the permission of the app, its address.
const OF_THE_APP: [i64; 3] = [40_013, 48_002, 60_020];

#[cfg(test)]
mod tests {
    use super::*;

    /// By the reference: what one customer's state or one member's scope brings about is passed over.
    #[test]
    fn a_walk_stops_for_what_all_customers_would_meet_and_passes_over_the_rest() {
        let stops = [-1, 6_000, 40_001, 40_013, 40_014, 42_001, 45_009, 45_033, 48_002, 60_020];
        let passes = [
            40_003, 40_029, 40_033, 40_058, 40_068, 40_071, 40_072, 40_163, 41_001, 41_037, 41_040, 41_051, 50_001,
            50_002, 60_011, 60_111, 81_017, 84_074, 90_500, 90_501, 99_999,
        ];
        let refused = |code| ApiError::Refused { call: "get", code, from_ip: None };
        assert!(stops.iter().all(|code| holds_up(&refused(*code))));
        for code in passes {
            assert!(!holds_up(&refused(code)), "{code}");
        }
        assert!(holds_up(&ApiError::Unreachable { call: "get", kind: "time", may_be_done: true }));
    }
}
