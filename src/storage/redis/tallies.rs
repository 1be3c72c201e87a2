//! Tallies in Redis: read in sums over the partitions, and checked against the records.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use redis::Pipeline;

use super::super::{StorageError, TagFilter, TallyCheck, TallyFilter, TallyOf, visit};
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::pages::{self, Pairs, Stream};
use super::{damaged, pack};
use crate::funnel::{Cell, Counts, Dimension, Pair, ReportRow, Stages, Tallies, Visit, is_further};
use crate::id::VisitorId;
use crate::time::{Day, Timestamp};

/// Days whose tallies are read in one go.
const DAYS_A_GO: usize = 32;
/// Cells that are read in one go of each day.
const CELLS_A_GO: usize = 500;
/// How often a day is counted again whose records change while they are counted.
const TRIES_MAX: usize = 3;
const DAY_MS: i64 = 86_400_000;

/// Which counts of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Records,
    Removed,
}

/// The days of a partition that have tallies, in order.
pub(super) fn days(link: &Link, partition: u8, from: Day, to: Day) -> Result<Vec<i64>, StorageError> {
    link.with(Patience::Work, |conn| {
        redis::cmd("ZRANGEBYSCORE").arg(keys::days(partition)).arg(from.number()).arg(to.number()).query(conn)
    })
}

/// Reads the tallies of some days of a partition.
fn read(
    link: &Link,
    partition: u8,
    which: &[(i64, Of)],
    each: &mut dyn FnMut(Of, Cell, Pair),
) -> Result<(), StorageError> {
    read_fields(link, partition, which, b"*", &mut |day, of, cell, counts| {
        let cell = pack::cell(Day::from_number(day), cell).ok_or_else(|| damaged("a cell of tallies"))?;
        each(of, cell, counts);
        Ok(())
    })
}

/// Receives the field of a cell and its counts.
type EachField<'a> = &'a mut dyn FnMut(i64, Of, &[u8], Pair) -> Result<(), StorageError>;

/// Reads the tallies of some days of a partition whose fields a pattern of Redis fits.
pub(super) fn read_fields(
    link: &Link,
    partition: u8,
    which: &[(i64, Of)],
    pattern: &[u8],
    each: EachField<'_>,
) -> Result<(), StorageError> {
    for some in which.chunks(DAYS_A_GO) {
        let mut open: Vec<(i64, Of, u64)> = some.iter().map(|(day, of)| (*day, *of, 0)).collect();
        let mut found: HashMap<(i64, bool, Vec<u8>), Vec<u8>> = HashMap::new();
        while !open.is_empty() {
            let mut pipe = Pipeline::with_capacity(open.len());
            for (day, of, cursor) in &open {
                let key = match of {
                    Of::Records => keys::tallies(partition, *day),
                    Of::Removed => keys::tallies_kept(partition, *day),
                };
                pipe.cmd("HSCAN").arg(key).arg(*cursor).arg("COUNT").arg(CELLS_A_GO);
                if pattern != b"*" {
                    pipe.arg("MATCH").arg(pattern);
                }
            }
            let replies: Vec<(u64, Pairs)> = link.with(Patience::Work, |conn| pipe.query(conn))?;
            let mut still = Vec::new();
            for ((day, of, _), (cursor, cells)) in open.into_iter().zip(replies) {
                // A page may repeat a cell.
                found.extend(cells.into_iter().map(|(cell, counts)| ((day, of == Of::Removed, cell), counts)));
                if cursor != 0 {
                    still.push((day, of, cursor));
                }
            }
            open = still;
        }
        for ((day, is_removed, cell), counts) in found {
            // The empty cell says how often the day has changed.
            if cell.is_empty() {
                continue;
            }
            let counts = pack::counts(&counts).ok_or_else(|| damaged("counts of a cell"))?;
            each(day, if is_removed { Of::Removed } else { Of::Records }, &cell, counts)?;
        }
    }
    Ok(())
}

pub(super) fn sums(link: &Link, by: &[Dimension], filter: &TallyFilter) -> Result<Vec<ReportRow>, StorageError> {
    let (first, last) = Day::RANGE;
    let (from, to) = (filter.from.unwrap_or(first), filter.to.unwrap_or(last));
    let of: &[Of] = match filter.of {
        TallyOf::All => &[Of::Records, Of::Removed],
        TallyOf::Records => &[Of::Records],
        TallyOf::Removed => &[Of::Removed],
    };
    let mut rows: BTreeMap<Vec<Box<str>>, Pair> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let days = days(link, partition, from, to)?;
        let which: Vec<(i64, Of)> = days.into_iter().flat_map(|day| of.iter().map(move |of| (day, *of))).collect();
        read(link, partition, &which, &mut |_of, cell, counts| {
            if filter.campaign.as_ref().is_none_or(|it| it.as_str() == &*cell.campaign) {
                let words = by.iter().map(|it| word(&cell, *it)).collect();
                rows.entry(words).or_default().sum(&counts, 1);
            }
        })?;
    }
    let counted = rows.into_iter().filter(|it| !it.1.is_zero());
    Ok(counted.map(|(words, counts)| ReportRow { words, counts }).collect())
}

/// Hands over what removed records counted for, each cell summed over the partitions.
pub(super) fn each_kept(link: &Link, each: &mut dyn FnMut(Cell, Pair) -> ControlFlow<()>) -> Result<(), StorageError> {
    let (first, last) = Day::RANGE;
    let mut all = BTreeSet::new();
    for partition in 0..PARTITIONS {
        all.extend(days(link, partition, first, last)?);
    }
    for day in all {
        let mut cells: BTreeMap<Cell, Pair> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            read(link, partition, &[(day, Of::Removed)], &mut |_of, cell, counts| {
                cells.entry(cell).or_default().sum(&counts, 1);
            })?;
        }
        for (cell, counts) in cells.into_iter().filter(|it| !it.1.is_zero()) {
            if each(cell, counts).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Puts what records counted for that were removed in another storage. Which partition holds it makes no difference; that of the day
/// is always the same.
pub(super) fn put_kept(link: &Link, cell: &Cell, counts: &Pair) -> Result<(), StorageError> {
    let day = cell.day.number();
    let [.., last] = day.to_be_bytes();
    let partition = last % PARTITIONS;
    let counts = pack::counts_value(counts).ok_or_else(|| damaged("counts beyond what is kept"))?;
    let mut pipe = Pipeline::with_capacity(2);
    pipe.cmd("ZADD").arg(keys::days(partition)).arg(day).arg(day).ignore();
    pipe.cmd("HSET").arg(keys::tallies_kept(partition, day)).arg(pack::cell_field(cell)).arg(counts).ignore();
    link.with(Patience::Work, |conn| pipe.exec(conn))
}

fn word(cell: &Cell, dimension: Dimension) -> Box<str> {
    match dimension {
        Dimension::Day => cell.day.to_string().into(),
        Dimension::Campaign => cell.campaign.clone(),
        Dimension::Store => cell.store.clone(),
        Dimension::Region => cell.region.clone(),
        Dimension::Mode => cell.mode.clone(),
        Dimension::Assigned => cell.assigned.clone(),
        Dimension::Source => cell.source.clone(),
        Dimension::Rung => cell.rung.clone(),
    }
}

/// A day of a partition while its visits are counted.
#[derive(Default)]
struct Count {
    tallies: Tallies,
    furthest: HashMap<VisitorId, Visit>,
    visits: u64,
}

impl Count {
    fn add(&mut self, it: &pages::Visit) {
        let it = visit(&it.record, Stages::of_steps(it.steps.iter().map(|it| it.0)));
        self.visits += 1;
        self.tallies.visit(&it, 1);
        match self.furthest.get(&it.visitor) {
            Some(other) if !is_further(&it, other) => {}
            Some(_) | None => drop(self.furthest.insert(it.visitor, it)),
        }
    }
}

/// Counts partition by partition and day by day, so that no more than the visitors of some days are held at once. Days that change
/// while they are counted are counted again; those that do not come to rest are not compared.
pub(super) fn check(link: &Link) -> Result<TallyCheck, StorageError> {
    let mut check = TallyCheck::default();
    for partition in 0..PARTITIONS {
        let mut restless = check_partition(link, partition, &TagFilter::default(), None, &mut check)?;
        for _ in 1..TRIES_MAX {
            let mut still = Vec::new();
            for day in restless {
                // A day's visits begin within a day of it, whatever the zone.
                let moment = |days: i64| Some(Timestamp::from_unix_ms((day.number() + days) * DAY_MS));
                let filter = TagFilter { from: moment(-1), to: moment(2), ..TagFilter::default() };
                still.extend(check_partition(link, partition, &filter, Some(day), &mut check)?);
            }
            restless = still;
        }
    }
    Ok(check)
}

/// Counts the visits that a filter chooses, of all days or of one, and returns the days that changed meanwhile.
fn check_partition(
    link: &Link,
    partition: u8,
    filter: &TagFilter,
    only: Option<Day>,
    check: &mut TallyCheck,
) -> Result<Vec<Day>, StorageError> {
    let (first, last) = only.map_or(Day::RANGE, |it| (it, it));
    let mut days: BTreeMap<i64, Option<u64>> = BTreeMap::new();
    for day in self::days(link, partition, first, last)? {
        days.insert(day, changes(link, partition, day)?);
    }
    let mut restless = Vec::new();
    let mut open: BTreeMap<Day, Count> = BTreeMap::new();
    let mut stream = Stream::all(link, partition, filter);
    while let Some(it) = stream.next()? {
        let day = it.record.day();
        if only.is_some_and(|only| only != day) {
            continue;
        }
        open.entry(day).or_default().add(&it);
        // No visit of an older day begins two days later.
        let over = Day::from_number(it.record.at.unix_ms().div_euclid(DAY_MS) - 1);
        while let Some(entry) = open.first_entry().filter(|it| *it.key() < over) {
            let (day, count) = entry.remove_entry();
            let before = days.remove(&day.number()).flatten();
            restless.extend(compare(link, partition, (day, before), count, check)?);
        }
    }
    for (day, count) in open {
        let before = days.remove(&day.number()).flatten();
        restless.extend(compare(link, partition, (day, before), count, check)?);
    }
    for (day, before) in days {
        restless.extend(compare(link, partition, (Day::from_number(day), before), Count::default(), check)?);
    }
    Ok(restless)
}

/// How often the tallies of a day have changed.
fn changes(link: &Link, partition: u8, day: i64) -> Result<Option<u64>, StorageError> {
    link.with(Patience::Work, |conn| redis::cmd("HGET").arg(keys::tallies(partition, day)).arg("").query(conn))
}

/// Compares a day with its tallies; returns it if those have changed since.
fn compare(
    link: &Link,
    partition: u8,
    (day, before): (Day, Option<u64>),
    count: Count,
    check: &mut TallyCheck,
) -> Result<Option<Day>, StorageError> {
    let mut rest = count.tallies;
    for it in count.furthest.values() {
        rest.visitor(it, 1);
    }
    let mut cells = 0;
    read(link, partition, &[(day.number(), Of::Records)], &mut |_of, cell, counts| {
        cells += 1;
        rest.sum(&cell, &counts, -1);
    })?;
    if changes(link, partition, day.number())? != before {
        return Ok(Some(day));
    }
    check.visits += count.visits;
    check.cells += cells;
    for (cell, by) in rest.iter() {
        check.differing += 1;
        if check.examples.len() < TallyCheck::EXAMPLES_MAX {
            check.examples.push(example(cell, by));
        }
    }
    Ok(None)
}

fn example(cell: &Cell, by: &Pair) -> String {
    let list = |it: &Counts| it.0.map(|it| it.to_string()).join(",");
    format!(
        "day {} campaign {:?} store {:?} region {:?} mode {:?} assigned {:?} source {:?} rung {:?}: \
         the records count visits by {} and visitors by {} more",
        cell.day,
        cell.campaign,
        cell.store,
        cell.region,
        cell.mode,
        cell.assigned,
        cell.source,
        cell.rung,
        list(&by.visits),
        list(&by.visitors),
    )
}
