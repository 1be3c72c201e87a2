//! Tag records and steps in the file, one column for each field, so that SQL can filter and count.

use std::collections::HashMap;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, Transaction, named_params, params_from_iter};
use serde::Deserialize;
use serde::de::{IntoDeserializer as _, value};

use super::super::{EachStep, EachTag, StorageError, TagFilter, Trouble, stages, visit};
use super::from_sql;
use super::people::Forgotten;
use super::tallies::{self, Change, Ledger};
use crate::campaign::Route;
use crate::funnel::{Stages, Step, StepRecord};
use crate::id::{CampaignSlug, ScanId, StoreId, VisitorId};
use crate::region::RegionNames;
use crate::tag::TagRecord;
use crate::time::{Day, Timestamp};

/// The visitor is not among the columns that a later revision sets.
const UPSERT: &str = "
    INSERT INTO tag (scan, revision, visitor, at, campaign, outcome, store, join_kind, join_id, fallback,
                     province, city, district, areas, region_source, source, accuracy, mode, assigned,
                     day, went)
    VALUES (:scan, :revision, :visitor, :at, :campaign, :outcome, :store, :join_kind, :join_id, :fallback,
            :province, :city, :district, :areas, :region_source, :source, :accuracy,
            :mode, :assigned, :day, :went)
    ON CONFLICT (scan) DO UPDATE SET
        revision = excluded.revision, at = excluded.at, campaign = excluded.campaign, outcome = excluded.outcome,
        store = excluded.store, join_kind = excluded.join_kind, join_id = excluded.join_id, fallback = excluded.fallback,
        province = excluded.province, city = excluded.city, district = excluded.district, areas = excluded.areas,
        region_source = excluded.region_source, source = excluded.source, accuracy = excluded.accuracy,
        mode = excluded.mode, assigned = excluded.assigned, day = excluded.day, went = excluded.went
    WHERE excluded.revision > tag.revision";

const COLUMNS: &str = "scan, revision, visitor, at, campaign, outcome, store, join_kind, join_id, fallback,
    province, city, district, areas, region_source, source, accuracy, mode, assigned, day";

/// Records, each with the words of its steps behind it, for [`cell`].
pub(super) const TAG_CELLS: &str = "
    SELECT scan, revision, visitor, at, campaign, outcome, store, join_kind, join_id, fallback, province, city, district, areas,
           region_source, source, accuracy, mode, assigned, day,
           (SELECT coalesce(group_concat(step.step), '') FROM step WHERE step.scan = tag.scan)
    FROM tag";

pub(super) fn corrupt(cause: impl std::error::Error + Send + Sync + 'static) -> StorageError {
    StorageError::caused(Trouble::Corrupt, cause)
}

/// Keeps records and steps. Returns the visits of forgotten visitors, which were let go.
pub(super) fn deliver(
    conn: &Transaction<'_>,
    tags: &[TagRecord],
    steps: &[StepRecord],
) -> Result<Vec<(VisitorId, ScanId)>, StorageError> {
    let mut gone = Vec::new();
    let forgotten = Forgotten::open(conn)?;
    let mut ledger = Ledger::default();
    let mut proved: HashMap<ScanId, Stages> = HashMap::new();
    let mut taken = Vec::with_capacity(tags.len());
    for record in tags {
        if forgotten.holds(record.scan, record.visitor, record.at)? {
            let_go(conn, &forgotten, record)?;
            gone.push((record.visitor, record.scan));
            continue;
        }
        let owner = ledger.touch(conn, record.scan)?;
        ledger.touch_day(conn, owner.unwrap_or(record.visitor), record.day())?;
        taken.push(record);
    }
    for record in steps {
        if forgotten.holds_scan(record.scan)? {
            continue;
        }
        ledger.touch(conn, record.scan)?;
        let proof = proved.entry(record.scan).or_default();
        *proof = proof.and(Stages::of_steps([record.step]));
        put_step(conn, record)?;
    }
    for record in taken {
        let steps = ledger.steps_before(record.scan).and(proved.get(&record.scan).copied().unwrap_or_default());
        put_tag(conn, record, stages(record, steps).went())?;
        ledger.told(visit(record, steps), record.scan);
    }
    for scan in proved.keys() {
        note_went(conn, *scan)?;
    }
    ledger.settle(conn, Change::Told)?;
    Ok(gone)
}

/// Lets a record of a forgotten visitor go, and what came before it and after it of the same visit.
fn let_go(conn: &Connection, forgotten: &Forgotten<'_>, record: &TagRecord) -> Result<(), StorageError> {
    let scan = record.scan.to_string();
    let is_here = conn.prepare_cached("SELECT 1 FROM tag WHERE scan = ?1")?.exists([&scan])?;
    if !is_here {
        forgotten.add(&scan, record.at)?;
        conn.prepare_cached("DELETE FROM step WHERE scan = ?1")?.execute([scan])?;
    }
    Ok(())
}

fn put_tag(conn: &Connection, record: &TagRecord, went: u8) -> Result<(), StorageError> {
    let areas = serde_json::to_string(&record.region.areas).map_err(corrupt)?;
    conn.prepare_cached(UPSERT)?.execute(named_params! {
        ":scan": record.scan.to_string(),
        ":revision": record.revision,
        ":visitor": record.visitor.to_string(),
        ":at": record.at.unix_ms(),
        ":campaign": record.campaign.as_str(),
        ":outcome": &*record.outcome,
        ":store": record.store.as_ref().map(StoreId::as_str),
        ":join_kind": record.join_kind.as_deref(),
        ":join_id": record.join_id.as_deref(),
        ":fallback": record.fallback.as_deref(),
        ":province": &*record.region.province,
        ":city": &*record.region.city,
        ":district": &*record.region.district,
        ":areas": areas,
        ":region_source": record.region_source.as_str(),
        ":source": record.source.as_str(),
        ":accuracy": record.accuracy.as_str(),
        ":mode": record.mode.as_str(),
        ":assigned": record.assigned.map(Route::as_str),
        ":day": record.day().number(),
        ":went": went,
    })?;
    Ok(())
}

pub(super) fn put_step(conn: &Connection, record: &StepRecord) -> Result<(), StorageError> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO step (scan, step, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (scan, step) DO UPDATE SET at = excluded.at WHERE excluded.at < step.at",
    )?;
    insert.execute((record.scan.to_string(), record.step.as_str(), record.at.unix_ms()))?;
    Ok(())
}

/// Takes a step of a visitor's visit back.
pub(super) fn take_back(
    conn: &Transaction<'_>,
    visitor: VisitorId,
    scan: ScanId,
    step: Step,
) -> Result<(), StorageError> {
    let mut ledger = Ledger::default();
    if ledger.touch(conn, scan)? != Some(visitor) {
        return Ok(());
    }
    let mut delete = conn.prepare_cached("DELETE FROM step WHERE scan = ?1 AND step = ?2")?;
    if delete.execute((scan.to_string(), step.as_str()))? > 0 {
        note_went(conn, scan)?;
        ledger.settle(conn, Change::Told)?;
    }
    Ok(())
}

/// Notes how far a visit went, after its steps have changed.
pub(super) fn note_went(conn: &Connection, scan: ScanId) -> Result<(), StorageError> {
    if let Some(visit) = tallies::load(conn, scan)? {
        let mut update = conn.prepare_cached("UPDATE tag SET went = ?2 WHERE scan = ?1 AND went <> ?2")?;
        update.execute((scan.to_string(), visit.stages.went()))?;
    }
    Ok(())
}

/// A row of [`TAG_CELLS`]: the record, and the words of its steps joined by commas.
pub(super) fn cell(row: &Row<'_>) -> Result<(TagRecord, String), StorageError> {
    Ok((tag(row)?, row.get(20)?))
}

pub(super) fn each_tag(conn: &Connection, filter: &TagFilter, each: EachTag<'_>) -> Result<(), StorageError> {
    let (conditions, values) = conditions(filter);
    let mut query =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM tag WHERE {conditions} ORDER BY tag.at, tag.scan"))?;
    let mut rows = query.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        if each(tag(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn latest_tags(
    conn: &Connection,
    filter: &TagFilter,
    skip: usize,
    limit: usize,
) -> Result<Vec<TagRecord>, StorageError> {
    let (conditions, mut values) = conditions(filter);
    values.extend([limit, skip].map(|it| Value::Integer(i64::try_from(it).unwrap_or(i64::MAX))));
    let mut query = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tag WHERE {conditions} ORDER BY tag.at DESC, tag.scan DESC LIMIT ? OFFSET ?"
    ))?;
    let mut rows = query.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(tag(row)?);
    }
    Ok(found)
}

pub(super) fn count_tags(conn: &Connection, filter: &TagFilter) -> Result<u64, StorageError> {
    let (conditions, values) = conditions(filter);
    let mut query = conn.prepare_cached(&format!("SELECT count(*) FROM tag WHERE {conditions}"))?;
    from_sql(query.query_one(params_from_iter(values), |row| row.get(0))?)
}

pub(super) fn each_step(conn: &Connection, filter: &TagFilter, each: EachStep<'_>) -> Result<(), StorageError> {
    let (conditions, values) = conditions(filter);
    let mut query = conn.prepare_cached(&format!(
        "SELECT step.scan, step.step, step.at FROM tag JOIN step USING (scan) WHERE {conditions}
         ORDER BY tag.at, tag.scan, step.step"
    ))?;
    let mut rows = query.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let record = StepRecord {
            scan: id(row, 0, ScanId::parse)?,
            step: word::<Step>(row, 1)?,
            at: Timestamp::from_unix_ms(row.get(2)?),
        };
        if each(record).is_break() {
            break;
        }
    }
    Ok(())
}

/// The filter as SQL and its values. Only fixed texts go into the SQL.
fn conditions(filter: &TagFilter) -> (String, Vec<Value>) {
    let text = |it: &Option<String>| it.clone().map(Value::Text);
    let moment = |it: Option<Timestamp>| it.map(|it| Value::Integer(it.unix_ms()));
    let given = [
        ("tag.visitor = ?", filter.visitor.map(|it| Value::Text(it.to_string()))),
        ("tag.store = ?", filter.store.as_ref().map(|it| Value::Text(it.to_string()))),
        ("tag.campaign = ?", filter.campaign.as_ref().map(|it| Value::Text(it.to_string()))),
        ("tag.province = ?", text(&filter.province)),
        ("tag.city = ?", text(&filter.city)),
        ("tag.district = ?", text(&filter.district)),
        (
            "? IN (SELECT tag.province UNION ALL SELECT tag.city UNION ALL SELECT tag.district
                   UNION ALL SELECT value FROM json_each(tag.areas))",
            text(&filter.region),
        ),
        ("tag.at >= ?", moment(filter.from)),
        ("tag.at < ?", moment(filter.to)),
    ];
    let mut sql = String::from("TRUE");
    let mut values = Vec::new();
    for (condition, value) in given {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    (sql, values)
}

fn tag(row: &Row<'_>) -> Result<TagRecord, StorageError> {
    let areas: String = row.get(13)?;
    let store: Option<String> = row.get(6)?;
    Ok(TagRecord {
        scan: id(row, 0, ScanId::parse)?,
        revision: row.get(1)?,
        visitor: id(row, 2, VisitorId::parse)?,
        at: Timestamp::from_unix_ms(row.get(3)?),
        day: Some(Day::from_number(row.get(19)?)),
        campaign: id(row, 4, CampaignSlug::parse)?,
        outcome: row.get(5)?,
        store: store.map(|it| StoreId::parse(&it)).transpose().map_err(corrupt)?,
        join_kind: row.get(7)?,
        join_id: row.get(8)?,
        fallback: row.get(9)?,
        region: RegionNames {
            province: row.get(10)?,
            city: row.get(11)?,
            district: row.get(12)?,
            areas: serde_json::from_str(&areas).map_err(corrupt)?,
        },
        region_source: word(row, 14)?,
        source: word(row, 15)?,
        accuracy: word(row, 16)?,
        mode: word(row, 17)?,
        assigned: if row.get_ref(18)? == ValueRef::Null { None } else { Some(word(row, 18)?) },
    })
}

pub(super) fn id<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, StorageError> {
    let text = row.get_ref(column)?.as_str().map_err(corrupt)?;
    parse(text).map_err(corrupt)
}

/// One of the fixed words that an enum of the record is written as.
pub(super) fn word<'a, T: Deserialize<'a>>(row: &'a Row<'_>, column: usize) -> Result<T, StorageError> {
    let text = row.get_ref(column)?.as_str().map_err(corrupt)?;
    let text: value::StrDeserializer<'a, value::Error> = text.into_deserializer();
    T::deserialize(text).map_err(corrupt)
}
