//! How every backend counts: the tallies are what the records say, whatever comes in whatever order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::super::{Purge, Storage, StorageError, TagFilter, TallyFilter, TallyOf};
use super::records::record;
use super::{Finding, expect};
use crate::campaign::Route;
use crate::funnel::{Dimension, ReportRow, Stage, Step, StepRecord};
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::tag::TagRecord;
use crate::time::{Day, Timestamp};
use crate::visitor::FixSource;

/// Rounds of random changes.
const ROUNDS: u32 = 120;

/// How far a visit went (backwards, so that the least is the best), since when, which it is, where it counts, and what it reached.
type Went = (i64, Timestamp, ScanId, Vec<String>, [bool; 6]);
/// Visits and visitors of each stage, as twelve numbers.
type Twelve = [i64; 12];

pub(super) fn everything(storage: &dyn Storage) -> Result<Vec<ReportRow>, StorageError> {
    storage.tallies(&Dimension::ALL, &TallyFilter::default())
}

fn told(storage: &dyn Storage, of: TallyOf) -> Result<BTreeMap<Vec<String>, Twelve>, StorageError> {
    let rows = storage.tallies(&Dimension::ALL, &TallyFilter { of, ..TallyFilter::default() })?;
    let twelve = |row: &ReportRow| {
        let mut twelve = [0; 12];
        let counts = row.counts.visits.0.iter().chain(&row.counts.visitors.0);
        twelve.iter_mut().zip(counts).for_each(|(to, from)| *to = *from);
        twelve
    };
    Ok(rows.into_iter().map(|it| (it.words.iter().map(ToString::to_string).collect(), twelve(&it))).collect())
}

/// Counts the records as the documentation says, and by nothing that storage counts with.
fn counted(storage: &dyn Storage) -> Result<BTreeMap<Vec<String>, Twelve>, StorageError> {
    let all = TagFilter::default();
    let mut steps: BTreeMap<ScanId, Vec<Step>> = BTreeMap::new();
    storage.each_step(&all, &mut |it| {
        steps.entry(it.scan).or_default().push(it.step);
        ControlFlow::Continue(())
    })?;
    let mut cells: BTreeMap<Vec<String>, Twelve> = BTreeMap::new();
    let mut days: BTreeMap<(VisitorId, Day), Went> = BTreeMap::new();
    storage.each_tag(&all, &mut |it| {
        let has = |step| steps.get(&it.scan).is_some_and(|all| all.contains(&step));
        let proved = has(Step::Pressed) || has(Step::Joined) || has(Step::Left);
        let unsure = &*it.outcome == "choose" && (it.store.is_none() || ["ip", "none"].contains(&it.source.as_str()));
        let reached = [
            true,
            it.source != FixSource::None,
            proved || it.join_kind.is_some() && !unsure,
            has(Step::Pressed),
            has(Step::Joined),
            has(Step::Left),
        ];
        let mut names: Vec<&str> = vec![&it.region.province, &it.region.city, &it.region.district];
        names.retain(|name| !name.is_empty());
        names.dedup();
        let day = it.day();
        let words = vec![
            day.to_string(),
            it.campaign.to_string(),
            it.store.as_ref().map(ToString::to_string).unwrap_or_default(),
            names.join("/"),
            it.mode.as_str().to_owned(),
            it.assigned.map_or("", Route::as_str).to_owned(),
            it.source.as_str().to_owned(),
            it.fallback.as_deref().unwrap_or_default().to_owned(),
        ];
        let cell = cells.entry(words.clone()).or_default();
        cell.iter_mut().zip(reached).for_each(|(count, is)| *count += i64::from(is));
        let far = (0_i64..).zip(reached).filter(|(_, is)| *is).map(|(n, _)| n).max().unwrap_or(0);
        let this = (-far, it.at, it.scan, words, reached);
        let best = days.entry((it.visitor, day)).or_insert_with(|| this.clone());
        if this < *best {
            *best = this;
        }
        ControlFlow::Continue(())
    })?;
    for (.., words, reached) in days.into_values() {
        let cell = cells.entry(words).or_default();
        cell.iter_mut().skip(6).zip(reached).for_each(|(count, is)| *count += i64::from(is));
    }
    Ok(cells)
}

/// The tallies of records are a recount of them; with those of removed records they are all; and storage says so itself.
pub(super) fn agrees(storage: &dyn Storage) -> Finding {
    let records = told(storage, TallyOf::Records)?;
    expect("tallies of the records", &records, &counted(storage)?)?;
    let mut sum = records;
    for (words, counts) in told(storage, TallyOf::Removed)? {
        let cell = sum.entry(words).or_default();
        cell.iter_mut().zip(counts).for_each(|(to, from)| *to += from);
    }
    sum.retain(|_, counts| *counts != [0; 12]);
    expect("all tallies", &told(storage, TallyOf::All)?, &sum)?;
    let check = storage.check_tallies()?;
    expect("differing cells", &(check.differing, check.examples), &(0, Vec::new()))
}

/// One visitor with three visits of a day is three visits and one visitor, where they went furthest.
pub fn check_tallies(storage: &dyn Storage) -> Finding {
    let day = Day::parse("2026-09-21")?;
    let visit = |n: u128, source, store: &str| -> Result<TagRecord, crate::id::IdError> {
        let at = Timestamp::from_unix_ms(1_790_000_000_000 + i64::try_from(n).unwrap_or(0));
        let store = StoreId::parse(store)?;
        Ok(TagRecord { day: Some(day), at, source, store: Some(store), ..record(n, 1)? })
    };
    let visits = [visit(1, FixSource::None, "A")?, visit(2, FixSource::Gps, "B")?, visit(3, FixSource::Gps, "C")?];
    let pressed = StepRecord {
        scan: ScanId::from_parts(1_790_000_000_000, 2),
        step: Step::Pressed,
        at: Timestamp::from_unix_ms(1_790_000_500_000),
    };
    // The step comes before its record.
    storage.deliver(&[], &[], &[pressed])?;
    storage.deliver(&[], &visits, &[])?;
    let by_store = storage.tallies(&[Dimension::Store], &TallyFilter::default())?;
    let of = |what: fn(&ReportRow) -> [i64; 6]| by_store.iter().map(what).collect::<Vec<_>>();
    let visits_by_store = vec![[1, 0, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]];
    expect("visits by store", &of(|it| it.counts.visits.0), &visits_by_store)?;
    expect("visitors by store", &of(|it| it.counts.visitors.0), &vec![[0; 6], [1, 1, 1, 1, 0, 0], [0; 6]])?;
    let total = storage.tallies(&[], &TallyFilter::default())?;
    let counts = total.first().map(|it| (it.counts.visits.of(Stage::Scanned), it.counts.visitors.of(Stage::Scanned)));
    expect("one row", &(total.len(), counts), &(1, Some((3, 1))))?;
    let days = |from: &str, to: &str| -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let filter = TallyFilter { from: Some(Day::parse(from)?), to: Some(Day::parse(to)?), ..TallyFilter::default() };
        Ok(storage.tallies(&[Dimension::Day, Dimension::Source], &filter)?.len())
    };
    expect("that day", &days("2026-09-21", "2026-09-21")?, &2)?;
    expect("the day before", &days("2026-09-01", "2026-09-20")?, &0)?;
    let other = TallyFilter { campaign: CampaignSlug::parse("other").ok(), ..TallyFilter::default() };
    expect("another campaign", &storage.tallies(&[], &other)?, &Vec::new())?;
    agrees(storage)
}

/// Random records, revisions, repetitions, steps, erasures and purges: the tallies agree after each.
pub fn check_random_changes(storage: &dyn Storage) -> Finding {
    let mut chance = fastrand::Rng::with_seed(20_260_715);
    let first = Day::parse("2026-09-20")?;
    let mut delivered: Vec<TagRecord> = Vec::new();
    for round in 0..ROUNDS {
        let before = everything(storage)?;
        let keeps = match chance.u32(0..12) {
            0 => {
                storage.forget(visitor(&mut chance), Timestamp::from_unix_ms(first.number() * 86_400_000 + 400_000))?;
                true
            }
            1 => {
                storage.purge(Purge::Tags(first.plus(chance.i64(0..3))), chance.usize(1..5))?;
                true
            }
            2 => {
                let at = Timestamp::from_unix_ms(first.number() * 86_400_000 + chance.i64(0..300_000));
                storage.purge(Purge::Steps(at), chance.usize(1..5))?;
                true
            }
            3 => {
                take_back(storage, &mut chance)?;
                false
            }
            _ => {
                let mut tags: Vec<TagRecord> =
                    (0..chance.u32(0..6)).map(|_| random(&mut chance, first)).collect::<Result<_, _>>()?;
                // Repeated deliveries, old revisions among them.
                tags.extend(delivered.iter().filter(|_| chance.u8(0..20) == 0).cloned().collect::<Vec<_>>());
                let steps: Vec<StepRecord> = (0..chance.u32(0..5)).map(|_| random_step(&mut chance, first)).collect();
                storage.deliver(&[], &tags, &steps)?;
                delivered.extend(tags);
                false
            }
        };
        agrees(storage).map_err(|error| format!("round {round}: {error}"))?;
        if keeps {
            expect(&format!("all tallies in round {round}"), &everything(storage)?, &before)?;
        }
    }
    Ok(())
}

/// A step is taken back, and nothing else is; the step of somebody else's visit stays.
fn take_back(storage: &dyn Storage, chance: &mut fastrand::Rng) -> Finding {
    let all = TagFilter::default();
    let mut owners = BTreeMap::new();
    storage.each_tag(&all, &mut |it| {
        owners.insert(it.scan, it.visitor);
        ControlFlow::Continue(())
    })?;
    let steps = || -> Result<Vec<StepRecord>, StorageError> {
        let mut steps = Vec::new();
        storage.each_step(&all, &mut |it| {
            steps.push(it);
            ControlFlow::Continue(())
        })?;
        Ok(steps)
    };
    let before = steps()?;
    let Some(gone) = chance.choice(&before) else { return Ok(()) };
    let Some(owner) = owners.get(&gone.scan) else { return Ok(()) };
    storage.take_back(VisitorId::from_parts(1, 1), gone.scan, gone.step)?;
    expect("steps of another's visit", &steps()?, &before)?;
    storage.take_back(*owner, gone.scan, gone.step)?;
    storage.take_back(*owner, gone.scan, gone.step)?;
    let rest: Vec<StepRecord> = before.iter().filter(|it| *it != gone).cloned().collect();
    expect("the other steps", &steps()?, &rest)
}

fn visitor(chance: &mut fastrand::Rng) -> VisitorId {
    VisitorId::from_parts(1_790_000_000_000, chance.u128(0..5))
}

fn scan(chance: &mut fastrand::Rng) -> ScanId {
    ScanId::from_parts(1_790_000_000_000, chance.u128(0..40))
}

fn random(chance: &mut fastrand::Rng, first: Day) -> Result<TagRecord, crate::id::IdError> {
    let day = first.plus(chance.i64(0..3));
    let pick = |chance: &mut fastrand::Rng, words: &[&str]| chance.choice(words).map(|it| Box::from(*it));
    let mut record = record(0, chance.i64(0..6))?;
    record.scan = scan(chance);
    record.visitor = visitor(chance);
    record.day = Some(day);
    record.at = Timestamp::from_unix_ms(day.number() * 86_400_000 + chance.i64(0..300_000));
    record.store = pick(chance, &["", "A", "B"]).and_then(|it| StoreId::parse(&it).ok());
    record.outcome = pick(chance, &["routed", "choose"]).unwrap_or_default();
    record.join_kind = pick(chance, &["", "group"]).filter(|it| !it.is_empty());
    record.fallback = pick(chance, &["", "next_store"]).filter(|it| !it.is_empty());
    record.source = chance.choice(FixSource::ALL).unwrap_or(FixSource::None);
    record.assigned = chance.choice(Route::ALL).filter(|_| chance.bool());
    record.region.district = pick(chance, &["", "黄浦区"]).unwrap_or_default();
    Ok(record)
}

fn random_step(chance: &mut fastrand::Rng, first: Day) -> StepRecord {
    let at = Timestamp::from_unix_ms(first.number() * 86_400_000 + chance.i64(0..300_000));
    StepRecord { scan: scan(chance), step: chance.choice(Step::ALL).unwrap_or(Step::Pressed), at }
}
