//! Tag records and steps in Redis: how they are delivered; not how they are read.
//!
//! A delivery is three steps, each of which may be repeated: the visits are claimed, which says whose they are and brings the steps that
//! came early; the visitors' records and tallies are changed; and what is no longer needed beside them is let go.

use std::collections::BTreeMap;

use super::super::StorageError;
use super::keys::{self, PARTITIONS};
use super::link::Link;
use super::people::{self, Marks};
use super::scripts::{self, Call};
use super::{damaged, pack};
use crate::consent::ConsentRecord;
use crate::funnel::{Step, StepRecord};
use crate::id::{ScanId, VisitorId};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// Visits that one call of a script deals with, some milliseconds of the server's time.
pub(super) const VISITS_A_CALL: usize = 128;
/// For how long steps are kept whose visit nobody has told of.
const EARLY_STEPS_SECONDS: u32 = 30 * 86_400;

/// What a delivery says of one visit.
#[derive(Default)]
struct Told<'a> {
    /// Whose it is, by the first record.
    visitor: Option<VisitorId>,
    /// The record with the highest revision.
    record: Option<&'a TagRecord>,
    steps: Vec<(Step, Timestamp)>,
}

/// A change of a visit, and of whose.
pub(super) struct Change {
    pub(super) visitor: VisitorId,
    pub(super) scan: ScanId,
    /// The word of the script for it.
    pub(super) what: &'static str,
    /// What that word wants to know.
    pub(super) with: [Vec<u8>; 2],
}

/// Whether what is removed stays counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// The records say something else than before.
    Told,
    /// Records are removed; what they counted for is kept.
    Removed,
}

/// Keeps consents, records and steps. Returns the visits of forgotten visitors, which were let go.
pub(super) fn deliver(
    link: &Link,
    consents: &[ConsentRecord],
    tags: &[TagRecord],
    steps: &[StepRecord],
) -> Result<Vec<(VisitorId, ScanId)>, StorageError> {
    let marks = Marks::open(link)?;
    people::deliver(link, &marks, consents)?;
    let mut told: BTreeMap<ScanId, Told<'_>> = BTreeMap::new();
    for record in tags {
        let it = told.entry(record.scan).or_default();
        it.visitor.get_or_insert(record.visitor);
        if it.record.is_none_or(|before| record.revision > before.revision) {
            it.record = Some(record);
        }
    }
    for step in steps {
        told.entry(step.scan).or_default().steps.push((step.step, step.at));
    }
    let mut gone = Vec::new();
    let mut changes = Vec::with_capacity(told.len());
    let mut early = Vec::new();
    for (scan, owner) in claim(link, &marks, &told)? {
        let Some(it) = told.get(&scan) else { continue };
        match owner {
            Owner::Forgotten => gone.extend(it.record.map(|it| (it.visitor, scan))),
            Owner::Unknown => {}
            Owner::Known(visitor, kept) => {
                if !kept.is_empty() {
                    early.push(scan);
                }
                let all: Vec<_> = it.steps.iter().chain(&kept).copied().collect();
                let with = [it.record.map(pack::body).unwrap_or_default(), pack::steps(&all)];
                changes.push(Change { visitor, scan, what: "put", with });
            }
        }
    }
    let mut forgotten = Vec::new();
    for (visitor, scan, reply) in change(link, &marks, changes, Counted::Told, usize::MAX)? {
        if let (1 | 2, Some(record)) = (reply, told.get(&scan).and_then(|it| it.record)) {
            gone.push((visitor, scan));
            if reply == 1 {
                forgotten.push((scan, record.at));
            }
        }
    }
    release(link, &marks, "early", early.into_iter().map(|it| (it, Timestamp::EPOCH)))?;
    release(link, &marks, "forgotten", forgotten.into_iter())?;
    Ok(gone)
}

/// Takes a step of a visitor's visit back.
pub(super) fn take_back(link: &Link, visitor: VisitorId, scan: ScanId, step: Step) -> Result<(), StorageError> {
    let with = [pack::steps(&[(step, Timestamp::EPOCH)]), Vec::new()];
    let change = Change { visitor, scan, what: "lack", with };
    self::change(link, &Marks::open(link)?, vec![change], Counted::Told, 0).map(drop)
}

/// Whose a visit is.
enum Owner {
    /// The visit was forgotten.
    Forgotten,
    /// Nobody knows; its steps are kept.
    Unknown,
    /// Theirs, with the steps that came early.
    Known(VisitorId, Vec<(Step, Timestamp)>),
}

fn claim(link: &Link, marks: &Marks, told: &BTreeMap<ScanId, Told<'_>>) -> Result<Vec<(ScanId, Owner)>, StorageError> {
    let mut found = Vec::with_capacity(told.len());
    for partition in 0..PARTITIONS {
        let here: Vec<(&ScanId, &Told<'_>)> =
            told.iter().filter(|it| keys::partition(&it.0.to_bytes()) == partition).collect();
        let calls = here.chunks(VISITS_A_CALL).map(|chunk| {
            let mut call = Call::new([keys::forgotten(partition)]);
            call.arg(keys::prefix(partition)).arg(EARLY_STEPS_SECONDS.to_string());
            for (scan, it) in chunk {
                let visitor = it.visitor.map_or(Vec::new(), |it| it.to_bytes().to_vec());
                let id = scan.to_bytes();
                call.arg(id).arg(marks.of(&id)).arg(visitor).arg(pack::steps(&it.steps));
            }
            call
        });
        let replies: Vec<Vec<Vec<u8>>> = scripts::run(link, &scripts::CLAIM, &calls.collect::<Vec<_>>())?;
        for ((scan, _), reply) in here.into_iter().zip(replies.into_iter().flatten()) {
            found.push((*scan, owner(&reply)?));
        }
    }
    Ok(found)
}

fn owner(reply: &[u8]) -> Result<Owner, StorageError> {
    match reply {
        b"" => Ok(Owner::Forgotten),
        b"-" => Ok(Owner::Unknown),
        _ => {
            let (visitor, early) = reply.split_first_chunk().ok_or_else(|| damaged("whose a visit is"))?;
            let early = if early.is_empty() { Some((Vec::new(), early)) } else { pack::split(early) };
            let (early, _) = early.ok_or_else(|| damaged("early steps"))?;
            Ok(Owner::Known(VisitorId::from_bytes(*visitor), early))
        }
    }
}

/// Changes visits and the tallies with them, and returns what the script says of each. At most so many steps are removed.
pub(super) fn change(
    link: &Link,
    marks: &Marks,
    mut changes: Vec<Change>,
    counted: Counted,
    steps_max: usize,
) -> Result<Vec<(VisitorId, ScanId, u64)>, StorageError> {
    // Those of one visitor are one step of the script.
    changes.sort_by_key(|it| (keys::partition(&it.visitor.to_bytes()), it.visitor));
    let mut done = Vec::with_capacity(changes.len());
    for of_partition in
        changes.chunk_by(|a, b| keys::partition(&a.visitor.to_bytes()) == keys::partition(&b.visitor.to_bytes()))
    {
        let Some(first) = of_partition.first() else { continue };
        let partition = keys::partition(&first.visitor.to_bytes());
        let calls = of_partition.chunks(VISITS_A_CALL).map(|chunk| {
            let mut call = Call::new([
                keys::by_time(partition),
                keys::by_step(partition),
                keys::forgotten(partition),
                keys::days(partition),
            ]);
            call.arg(keys::prefix(partition)).arg(if counted == Counted::Removed { "removed" } else { "told" });
            call.arg(steps_max.to_string());
            for Change { visitor, scan, what, with: [one, other] } in chunk {
                let id = visitor.to_bytes();
                call.arg(*what).arg(id).arg(marks.of(&id)).arg(scan.to_bytes()).arg(&**one).arg(&**other);
            }
            call
        });
        let replies: Vec<Vec<u64>> = scripts::run(link, &scripts::VISITS, &calls.collect::<Vec<_>>())?;
        let replies = replies.into_iter().flatten();
        done.extend(of_partition.iter().zip(replies).map(|(it, reply)| (it.visitor, it.scan, reply)));
    }
    Ok(done)
}

/// Lets go of what is known of visits beside their records; the script says what each word means.
pub(super) fn release(
    link: &Link,
    marks: &Marks,
    what: &str,
    scans: impl Iterator<Item = (ScanId, Timestamp)>,
) -> Result<(), StorageError> {
    let mut of_partition: BTreeMap<u8, Vec<(ScanId, Timestamp)>> = BTreeMap::new();
    for it in scans {
        of_partition.entry(keys::partition(&it.0.to_bytes())).or_default().push(it);
    }
    for (partition, scans) in of_partition {
        let calls = scans.chunks(VISITS_A_CALL).map(|chunk| {
            let mut call = Call::new([keys::forgotten(partition)]);
            call.arg(keys::prefix(partition));
            for (scan, at) in chunk {
                let id = scan.to_bytes();
                call.arg(what).arg(id).arg(marks.of(&id)).arg(at.unix_ms().to_string());
            }
            call
        });
        scripts::run::<u64>(link, &scripts::RELEASE, &calls.collect::<Vec<_>>())?;
    }
    Ok(())
}
