//! How far deliverers are, in Redis: noted in every part that can be lost by itself, in one step with a look at what was noted there.

use std::sync::{Mutex, PoisonError};

use super::super::{DeliveryFound, DeliveryNote, EachPiece, MarksFound, Piece, StorageError};
use super::damaged;
use super::keys::{self, PARTITIONS};
use super::link::{Link, Patience};
use super::scripts::{self, Call};
use crate::time::Timestamp;

/// Numbers in an answer.
const NUMBERS: usize = 3;

/// What this process knew to be noted when it noted something last. Seats are not taken from a server that has less. The last note itself
/// is not asked for: a failover may lose it alone.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<Option<([u8; 16], u64)>>);

impl Noted {
    fn set(&self, who: [u8; 16], number: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((who, number));
    }

    /// Who, and which number storage has to know of them; nobody until something was noted.
    pub(super) fn expected(&self) -> (Vec<u8>, u64) {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.map_or_else(|| (Vec::new(), 0), |(who, number)| (who.to_vec(), number))
    }
}

pub(super) fn note(
    link: &Link,
    noted: &Noted,
    note: &DeliveryNote,
    now: Timestamp,
) -> Result<DeliveryFound, StorageError> {
    let mut calls = Vec::with_capacity(usize::from(PARTITIONS) + 1);
    let never = String::from_utf8_lossy(&keys::never(keys::SEAT_HEADS.as_bytes())).into_owned();
    calls.push(call(&[keys::SEAT_DELIVERED, &never, keys::SEATS_AGAIN], note, now));
    for partition in 0..PARTITIONS {
        calls.push(call(&[&keys::delivered(partition), &keys::forgotten(partition)], note, now));
    }
    let mut answers: Vec<Vec<i64>> = Vec::with_capacity(calls.len());
    if link.is_cluster() {
        for call in calls {
            answers.push(scripts::run_one(link, &scripts::DELIVERED, call)?);
        }
    } else {
        answers = scripts::run(link, &scripts::DELIVERED, &calls)?;
    }
    let mut found = DeliveryFound { lowest: u64::MAX, forgotten: MarksFound::default() };
    for answer in answers {
        let &[number, count, latest] = answer.as_slice() else { return Err(damaged("how far a deliverer is")) };
        debug_assert_eq!(answer.len(), NUMBERS);
        found.lowest = found.lowest.min(u64::try_from(number).unwrap_or(0));
        found.forgotten.count += u64::try_from(count).unwrap_or(0);
        let latest = (count > 0).then(|| Timestamp::from_unix_ms(latest));
        found.forgotten.latest = found.forgotten.latest.max(latest);
    }
    if found.lowest >= note.known {
        let expected = if note.known == 0 { note.next } else { note.known.min(note.next) };
        noted.set(note.who, expected);
    }
    Ok(found)
}

fn call(keys: &[&str], note: &DeliveryNote, now: Timestamp) -> Call {
    let mut call = Call::new(keys.iter().copied());
    call.arg(note.who).arg(note.known.to_string()).arg(note.next.to_string()).arg(now.unix_ms().to_string());
    call.arg(if note.is_again { "again" } else { "" });
    call
}

/// The lowest number of each deliverer that every part knows of.
pub(super) fn out(link: &Link, each: EachPiece<'_>) -> Result<(), StorageError> {
    let read = |key: &str| -> Result<std::collections::BTreeMap<Vec<u8>, String>, StorageError> {
        link.with(Patience::Work, |conn| redis::cmd("HGETALL").arg(key).query(conn))
    };
    let mut lowest = read(keys::SEAT_DELIVERED)?;
    for partition in 0..PARTITIONS {
        let here = read(&keys::delivered(partition))?;
        lowest.retain(|who, value| match here.get(who) {
            Some(other) => {
                if number(other) < number(value) {
                    value.clone_from(other);
                }
                true
            }
            None => false,
        });
    }
    for (who, value) in lowest {
        let who = who.try_into().map_err(|_bytes| damaged("who delivers"))?;
        let number = number(&value).ok_or_else(|| damaged("how far a deliverer is"))?;
        if each(Piece::Delivered(who, number)).is_break() {
            break;
        }
    }
    Ok(())
}

fn number(value: &str) -> Option<u64> {
    value.split(' ').next()?.parse().ok()
}

/// Puts a number in every part.
pub(super) fn take_in(link: &Link, who: &[u8; 16], number: u64) -> Result<(), StorageError> {
    let parts = std::iter::once(keys::SEAT_DELIVERED.to_owned()).chain((0..PARTITIONS).map(keys::delivered));
    for key in parts {
        let mut put = redis::cmd("HSET");
        put.arg(key).arg(who).arg(format!("{number} 0"));
        link.with(Patience::Work, |conn| put.exec(conn))?;
    }
    Ok(())
}
