//! People in Redis: their consents, and what is forgotten on demand.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::{EachConsent, Removed, StorageError, Trouble};
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::records::{self, Change, Counted};
use super::scripts::{self, Call};
use super::{damaged, pages};
use crate::consent::{Consent, ConsentRecord, NoticeVersion};
use crate::id::{ScanId, VisitorId};
use crate::time::Timestamp;

/// Bytes of a mark: nobody finds another visitor with the same one.
const MARK_BYTES: usize = 16;
/// Consents that one call of a script deals with.
const CONSENTS_A_CALL: usize = 256;
/// Visits of one visitor that are forgotten at a time.
const FORGET_A_CALL: usize = 128;

/// Makes the marks of visitors and visits that were forgotten: nobody can tell who that was.
pub(super) struct Marks(Hmac<Sha256>);

impl Marks {
    pub(super) fn open(link: &Link) -> Result<Self, StorageError> {
        let mut made = [0; 32];
        getrandom::fill(&mut made).map_err(|cause| StorageError::caused(Trouble::Unavailable, cause.to_string()))?;
        let key: Vec<u8> = link.with(Patience::Work, |conn| {
            let name = keys::forgotten_key();
            let kept: Option<Vec<u8>> = redis::cmd("GET").arg(&name).query(conn)?;
            if let Some(kept) = kept {
                return Ok(kept);
            }
            redis::cmd("SET").arg(&name).arg(&made).arg("NX").query::<()>(conn)?;
            redis::cmd("GET").arg(&name).query(conn)
        })?;
        let keyed = Hmac::new_from_slice(&key).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
        Ok(Self(keyed))
    }

    /// The mark of a visitor or a visit: of the text of its id, as in embedded storage, so that marks can be copied with their key.
    pub(super) fn of(&self, id: &[u8; 16]) -> [u8; MARK_BYTES] {
        let mut mac = self.0.clone();
        mac.update(VisitorId::from_bytes(*id).to_string().as_bytes());
        let code: [u8; 32] = mac.finalize().into_bytes().into();
        let (head, _) = code.split_first_chunk().expect("32 bytes hold 16");
        *head
    }
}

/// When these visitors were forgotten, in their order.
pub(super) fn forgotten(link: &Link, visitors: &[VisitorId]) -> Result<Vec<Option<Timestamp>>, StorageError> {
    let marks = Marks::open(link)?;
    let mut of_partition: BTreeMap<u8, Vec<(usize, [u8; MARK_BYTES])>> = BTreeMap::new();
    for (place, it) in visitors.iter().enumerate() {
        let id = it.to_bytes();
        of_partition.entry(keys::partition(&id)).or_default().push((place, marks.of(&id)));
    }
    let mut found = vec![None; visitors.len()];
    for (partition, some) in of_partition {
        for chunk in some.chunks(CONSENTS_A_CALL) {
            let mut asking = redis::cmd("ZMSCORE");
            asking.arg(keys::forgotten(partition));
            for (_, mark) in chunk {
                asking.arg(mark);
            }
            let scores: Vec<Option<i64>> = link.with(Patience::Work, |conn| asking.query(conn))?;
            for ((place, _), at) in chunk.iter().zip(scores) {
                if let Some(found) = found.get_mut(*place) {
                    *found = at.map(Timestamp::from_unix_ms);
                }
            }
        }
    }
    Ok(found)
}

pub(super) fn deliver(link: &Link, marks: &Marks, consents: &[ConsentRecord]) -> Result<(), StorageError> {
    let mut of_partition: BTreeMap<u8, Vec<&ConsentRecord>> = BTreeMap::new();
    for it in consents {
        of_partition.entry(keys::partition(&it.visitor.to_bytes())).or_default().push(it);
    }
    for (partition, consents) in of_partition {
        let calls = consents.chunks(CONSENTS_A_CALL).map(|chunk| {
            let mut call = consents_call(partition);
            for it in chunk {
                let id = it.visitor.to_bytes();
                call.arg("keep").arg(id).arg(marks.of(&id)).arg(it.notice.as_str()).arg(it.at.unix_ms().to_string());
            }
            call
        });
        scripts::run::<u64>(link, &scripts::CONSENTS, &calls.collect::<Vec<_>>())?;
    }
    Ok(())
}

fn consents_call(partition: u8) -> Call {
    let mut call = Call::new([keys::forgotten(partition), keys::consent_times(partition)]);
    call.arg(keys::consents(partition, b""));
    call
}

/// They are handed over key by key, each as of the moment when it is read.
pub(super) fn each_consent(link: &Link, each: EachConsent<'_>) -> Result<(), StorageError> {
    // The keys are named by the first bits of the visitors' ids, so their order is that of the visitors.
    let mut times: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let all = pages::scan(link, "ZSCAN", keys::consent_times(partition).as_bytes())?;
        for (time, _score) in all {
            times.entry(time).or_default().push(partition);
        }
    }
    for (time, partitions) in times {
        let mut found = BTreeSet::new();
        for partition in partitions {
            for (visitor, value) in pages::scan(link, "HSCAN", &keys::consents(partition, &time))? {
                let visitor = <[u8; 16]>::try_from(visitor).map_err(|_bytes| damaged("whose consents"))?;
                found.insert((visitor, value));
            }
        }
        let mut last = None;
        for (visitor, value) in found {
            // A page that was read twice may hold a visitor twice.
            if last == Some(visitor) {
                continue;
            }
            last = Some(visitor);
            for consent in consents_of(VisitorId::from_bytes(visitor), &value)? {
                if each(consent).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The consents of one visitor.
pub(super) fn consents_of_visitor(link: &Link, visitor: VisitorId) -> Result<Vec<Consent>, StorageError> {
    let id = visitor.to_bytes();
    let key = keys::consents(keys::partition(&id), &keys::consent_time(&id));
    let value: Option<Vec<u8>> = link.with(Patience::Work, |conn| redis::cmd("HGET").arg(&key).arg(&id).query(conn))?;
    value.map_or_else(|| Ok(Vec::new()), |it| consents_of(visitor, &it))
}

fn consents_of(visitor: VisitorId, value: &[u8]) -> Result<Vec<Consent>, StorageError> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some((length, from)) = rest.split_first() {
        let wrong = || damaged("consents");
        let (notice, from) = from.split_at_checked(usize::from(*length)).ok_or_else(wrong)?;
        let (times, from) = from.split_first_chunk::<14>().ok_or_else(wrong)?;
        let time = |bytes: &[u8]| {
            let sign = if bytes.first().is_some_and(|it| it & 0x80 != 0) { -1 } else { 0 };
            Timestamp::from_unix_ms(bytes.iter().fold(sign, |number, it| (number << 8) | i64::from(*it)))
        };
        let (first, last) = times.split_at(7);
        let notice = std::str::from_utf8(notice).ok().and_then(|it| NoticeVersion::parse(it).ok()).ok_or_else(wrong)?;
        found.push(Consent { visitor, notice, first_at: time(first), last_at: time(last) });
        rest = from;
    }
    found.sort_by(|a, b| a.notice.cmp(&b.notice));
    Ok(found)
}

/// Removes records, steps and consents of a visitor. Seats are another's business.
///
/// The visitor is marked first, then the visits, then they are removed; so whatever breaks off in between, doing it again completes it.
pub(super) fn forget(link: &Link, visitor: VisitorId, now: Timestamp) -> Result<Removed, StorageError> {
    let marks = Marks::open(link)?;
    let id = visitor.to_bytes();
    let partition = keys::partition(&id);
    let mut removed = Removed::default();
    link.with(Patience::Work, |conn| {
        let mut mark = redis::cmd("ZADD");
        mark.arg(keys::forgotten(partition)).arg("GT").arg(now.unix_ms()).arg(&marks.of(&id));
        mark.query::<()>(conn)
    })?;
    let mut call = consents_call(partition);
    call.arg("forget").arg(id).arg("").arg("").arg("");
    removed.consents = scripts::run_one(link, &scripts::CONSENTS, call)?;
    loop {
        let scans = scans_of(link, partition, &id)?;
        if scans.is_empty() {
            return Ok(removed);
        }
        records::release(link, &marks, "forgotten", scans.iter().map(|it| (*it, now)))?;
        let remove = |scan: &ScanId| Change { visitor, scan: *scan, what: "remove", with: [Vec::new(), Vec::new()] };
        let changes = scans.iter().map(remove).collect();
        for (_, _, reply) in records::change(link, &marks, changes, Counted::Removed, 0)? {
            removed.tags += reply / 100;
            removed.steps += reply % 100;
        }
    }
}

/// Some of the visits of a visitor; none only if there are none.
fn scans_of(link: &Link, partition: u8, visitor: &[u8; 16]) -> Result<Vec<ScanId>, StorageError> {
    let key = keys::visits(partition, visitor);
    let fields: Vec<Vec<u8>> =
        link.with(Patience::Work, |conn| redis::cmd("HRANDFIELD").arg(&key).arg(FORGET_A_CALL).query(conn))?;
    let id = |it: Vec<u8>| <[u8; 16]>::try_from(it).map(ScanId::from_bytes).map_err(|_bytes| damaged("a visit's id"));
    fields.into_iter().map(id).collect()
}
