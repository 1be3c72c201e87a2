//! Tallies in the file: changed by the difference that records make, read in sums, and checked against the records.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params_from_iter};

use super::super::{StorageError, TallyCheck, TallyFilter, TallyOf, visit};
use super::records::{self, TAG_CELLS};
use crate::funnel::{Cell, Counts, Dimension, Pair, Recount, ReportRow, Stages, Step, Tallies, Visit};
use crate::id::{CampaignSlug, ScanId, VisitorId};
use crate::time::Day;

/// The columns of the counts: visits, then visitors.
const COUNTS: [&str; 12] = ["v0", "v1", "v2", "v3", "v4", "v5", "u0", "u1", "u2", "u3", "u4", "u5"];

/// Where the counts of a change go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The records say something else than before.
    Told,
    /// Records are removed; what they counted for is kept.
    Removed,
}

/// Notes what the funnel says of visits before a change, and changes the tallies by the difference after it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    scans: HashMap<ScanId, Before>,
    days: HashMap<(VisitorId, Day), Option<Visit>>,
    /// What the file says of visits that it did not know before; none where several records of one came together.
    fresh: HashMap<ScanId, Option<Visit>>,
}

/// A visit before the change.
#[derive(Debug)]
struct Before {
    visit: Option<Visit>,
    steps: Stages,
}

impl Ledger {
    /// Notes a visit, which is about to change, and the day of its visitor. Returns whose it is, if its record is there.
    pub(super) fn touch(&mut self, conn: &Connection, scan: ScanId) -> Result<Option<VisitorId>, StorageError> {
        if let Some(before) = self.scans.get(&scan) {
            return Ok(before.visit.as_ref().map(|it| it.visitor));
        }
        let visit = load(conn, scan)?;
        let steps = match &visit {
            Some(it) => it.stages.proved_by_steps(),
            None => steps(conn, scan)?,
        };
        let owner = visit.as_ref().map(|it| (it.visitor, it.cell.day));
        self.scans.insert(scan, Before { visit, steps });
        if let Some((visitor, day)) = owner {
            self.touch_day(conn, visitor, day)?;
        }
        Ok(owner.map(|it| it.0))
    }

    /// Notes a visitor's day, to which a visit is about to be added.
    pub(super) fn touch_day(&mut self, conn: &Connection, visitor: VisitorId, day: Day) -> Result<(), StorageError> {
        if !self.days.contains_key(&(visitor, day)) {
            let furthest = match furthest(conn, visitor, day)? {
                None => None,
                Some(scan) => match self.scans.get(&scan).and_then(|it| it.visit.clone()) {
                    Some(visit) => Some(visit),
                    None => load(conn, scan)?,
                },
            };
            self.days.insert((visitor, day), furthest);
        }
        Ok(())
    }

    /// What the steps of a noted visit proved before the change.
    pub(super) fn steps_before(&self, scan: ScanId) -> Stages {
        self.scans.get(&scan).map(|it| it.steps).unwrap_or_default()
    }

    /// Notes what a record that was put makes of its visit, so that it need not be read again.
    pub(super) fn told(&mut self, visit: Visit, scan: ScanId) {
        if self.scans.get(&scan).is_some_and(|it| it.visit.is_none()) {
            self.fresh.entry(scan).and_modify(|it| *it = None).or_insert(Some(visit));
        }
    }

    /// Changes the tallies by the difference between now and what was noted.
    pub(super) fn settle(mut self, conn: &Connection, change: Change) -> Result<(), StorageError> {
        let mut difference = Tallies::default();
        let mut after = HashMap::with_capacity(self.scans.len());
        for (scan, before) in &self.scans {
            let now = match self.fresh.remove(scan).flatten() {
                Some(visit) => Some(visit),
                None => load(conn, *scan)?,
            };
            if now != before.visit {
                if let Some(it) = &before.visit {
                    difference.visit(it, -1);
                }
                if let Some(it) = &now {
                    difference.visit(it, 1);
                }
            }
            after.insert(*scan, now);
        }
        let mut of_day: HashMap<(VisitorId, Day), Vec<&Visit>> = HashMap::with_capacity(self.days.len());
        for it in after.values().flatten() {
            of_day.entry((it.visitor, it.cell.day)).or_default().push(it);
        }
        for ((visitor, day), before) in &self.days {
            let now = match (before, of_day.get(&(*visitor, *day)).map(Vec::as_slice)) {
                // A day that had no visit has those of this change, and one of them stands for it.
                (None, Some([only])) => Some((*only).clone()),
                _ => match furthest(conn, *visitor, *day)? {
                    None => None,
                    Some(scan) => match after.get(&scan).and_then(Clone::clone) {
                        Some(visit) => Some(visit),
                        None => load(conn, scan)?,
                    },
                },
            };
            if now != *before {
                if let Some(it) = before {
                    difference.visitor(it, -1);
                }
                if let Some(it) = &now {
                    difference.visitor(it, 1);
                }
            }
        }
        add(conn, "tally", &difference, 1)?;
        if change == Change::Removed {
            add(conn, "tally_kept", &difference, -1)?;
        }
        Ok(())
    }
}

/// The visit of a scan, if its record is there.
pub(super) fn load(conn: &Connection, scan: ScanId) -> Result<Option<Visit>, StorageError> {
    let mut query = conn.prepare_cached(&format!("{TAG_CELLS} WHERE tag.scan = ?1"))?;
    let mut rows = query.query([scan.to_string()])?;
    rows.next()?.map(read).transpose()
}

/// A row of [`TAG_CELLS`] as a visit.
fn read(row: &Row<'_>) -> Result<Visit, StorageError> {
    let (record, words) = records::cell(row)?;
    Ok(visit(&record, stages_of(&words)))
}

/// The steps of a visit as one text, their words joined by commas.
fn stages_of(words: &str) -> Stages {
    Stages::of_steps(Step::ALL.into_iter().filter(|it| words.split(',').any(|word| word == it.as_str())))
}

fn steps(conn: &Connection, scan: ScanId) -> Result<Stages, StorageError> {
    let mut query = conn.prepare_cached("SELECT coalesce(group_concat(step), '') FROM step WHERE scan = ?1")?;
    let words: String = query.query_one([scan.to_string()], |row| row.get(0))?;
    Ok(stages_of(&words))
}

/// The visit that stands for a visitor's day.
fn furthest(conn: &Connection, visitor: VisitorId, day: Day) -> Result<Option<ScanId>, StorageError> {
    let mut query = conn.prepare_cached(
        "SELECT scan FROM tag WHERE visitor = ?1 AND day = ?2 ORDER BY visitor, day, went DESC, at, scan LIMIT 1",
    )?;
    let scan: Option<String> = query.query_one((visitor.to_string(), day.number()), |row| row.get(0)).optional()?;
    scan.map(|it| ScanId::parse(&it).map_err(records::corrupt)).transpose()
}

/// Adds counts to a table so many times; cells that count nothing any more go.
fn add(conn: &Connection, table: &str, tallies: &Tallies, times: i64) -> Result<(), StorageError> {
    let sums: Vec<String> = COUNTS.iter().map(|it| format!("{it} = {it} + excluded.{it}")).collect();
    let marks = vec!["?"; Dimension::ALL.len() + COUNTS.len()].join(", ");
    let mut insert = conn.prepare_cached(&format!(
        "INSERT INTO {table} VALUES ({marks})
         ON CONFLICT (day, campaign, store, region, mode, assigned, source, rung) DO UPDATE SET {}",
        sums.join(", ")
    ))?;
    let keys: Vec<String> = Dimension::ALL.iter().map(|it| format!("{} = ?", it.as_str())).collect();
    let zeros: Vec<String> = COUNTS.iter().map(|it| format!("{it} = 0")).collect();
    let mut delete =
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE {} AND {}", keys.join(" AND "), zeros.join(" AND ")))?;
    for (cell, counts) in tallies.iter() {
        let (visits, visitors) = (&counts.visits.0, &counts.visitors.0);
        let changes: Vec<i64> = visits.iter().chain(visitors).map(|it| it * times).collect();
        let day = cell.day.number();
        let key = key(cell, &day);
        insert.execute(params_from_iter(key.iter().copied().chain(changes.iter().map(|it| -> &dyn ToSql { it }))))?;
        if changes.iter().any(|it| *it < 0) {
            delete.execute(params_from_iter(key))?;
        }
    }
    Ok(())
}

fn key<'a>(cell: &'a Cell, day: &'a i64) -> [&'a dyn ToSql; Dimension::ALL.len()] {
    [day, &cell.campaign, &cell.store, &cell.region, &cell.mode, &cell.assigned, &cell.source, &cell.rung]
}

pub(super) fn sums(conn: &Connection, by: &[Dimension], filter: &TallyFilter) -> Result<Vec<ReportRow>, StorageError> {
    let from = match filter.of {
        TallyOf::All => "(SELECT * FROM tally UNION ALL SELECT * FROM tally_kept)",
        TallyOf::Records => "tally",
        TallyOf::Removed => "tally_kept",
    };
    let names: Vec<&str> = by.iter().map(|it| it.as_str()).collect();
    let sums: Vec<String> = COUNTS.iter().map(|it| format!("coalesce(sum({it}), 0)")).collect();
    let any: Vec<String> = COUNTS.iter().map(|it| format!("sum({it}) <> 0")).collect();
    let columns: Vec<&str> = names.iter().copied().chain(sums.iter().map(String::as_str)).collect();
    let (group, order) = if names.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("GROUP BY {}", names.join(", ")), format!("ORDER BY {}", names.join(", ")))
    };
    let (first, last) = Day::RANGE;
    let sql = format!(
        "SELECT {} FROM {from} WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR campaign = ?3) {group} HAVING {} {order}",
        columns.join(", "),
        any.join(" OR "),
    );
    let values = [
        Value::Integer(filter.from.unwrap_or(first).number()),
        Value::Integer(filter.to.unwrap_or(last).number()),
        filter.campaign.as_ref().map_or(Value::Null, |it: &CampaignSlug| Value::Text(it.to_string())),
    ];
    let mut query = conn.prepare(&sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut words = Vec::with_capacity(by.len());
        for (at, dimension) in by.iter().enumerate() {
            let is_day = *dimension == Dimension::Day;
            words.push(if is_day { Day::from_number(row.get(at)?).to_string().into() } else { row.get(at)? });
        }
        found.push(ReportRow { words, counts: counts(row, by.len())? });
    }
    Ok(found)
}

fn counts(row: &Row<'_>, from: usize) -> Result<Pair, StorageError> {
    let mut pair = Pair::default();
    for (at, count) in pair.visits.0.iter_mut().chain(&mut pair.visitors.0).enumerate() {
        *count = row.get(from + at)?;
    }
    Ok(pair)
}

/// A whole row of a table of tallies.
pub(super) fn cell(row: &Row<'_>) -> Result<(Cell, Pair), StorageError> {
    let cell = Cell {
        day: Day::from_number(row.get(0)?),
        campaign: row.get(1)?,
        store: row.get(2)?,
        region: row.get(3)?,
        mode: row.get(4)?,
        assigned: row.get(5)?,
        source: row.get(6)?,
        rung: row.get(7)?,
    };
    Ok((cell, counts(row, Dimension::ALL.len())?))
}

/// Puts what records counted for that were removed in another storage.
pub(super) fn put_kept(conn: &Connection, cell: &Cell, counts: &Pair) -> Result<(), StorageError> {
    let marks = vec!["?"; Dimension::ALL.len() + COUNTS.len()].join(", ");
    let mut insert = conn.prepare_cached(&format!("INSERT OR REPLACE INTO tally_kept VALUES ({marks})"))?;
    let day = cell.day.number();
    let counts = counts.visits.0.iter().chain(&counts.visitors.0);
    insert.execute(params_from_iter(key(cell, &day).into_iter().chain(counts.map(|it| -> &dyn ToSql { it }))))?;
    Ok(())
}

/// Counts all records from the beginning.
fn recount(conn: &Connection) -> Result<(Tallies, u64), StorageError> {
    let mut recount = Recount::default();
    let mut query = conn.prepare(&format!("{TAG_CELLS} ORDER BY tag.visitor, tag.day"))?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        recount.add(read(row)?);
    }
    Ok(recount.finish())
}

/// Fills the tallies of a file that had none.
pub(super) fn build(conn: &Connection) -> Result<(), StorageError> {
    add(conn, "tally", &recount(conn)?.0, 1)
}

pub(super) fn check(conn: &Connection) -> Result<TallyCheck, StorageError> {
    let (counted, visits) = recount(conn)?;
    let mut check = TallyCheck { visits, ..TallyCheck::default() };
    // What is left of the count when the tallies are taken from it.
    let mut rest = counted;
    let mut query = conn.prepare("SELECT * FROM tally")?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        check.cells += 1;
        let (cell, counts) = cell(row)?;
        rest.sum(&cell, &counts, -1);
    }
    for (cell, by) in rest.iter() {
        check.differing += 1;
        if check.examples.len() < TallyCheck::EXAMPLES_MAX {
            let list = |it: &Counts| it.0.map(|it| it.to_string()).join(",");
            check.examples.push(format!(
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
            ));
        }
    }
    Ok(check)
}
