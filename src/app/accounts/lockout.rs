//! Slows guessing of passwords: after some wrong ones, a name and an address wait longer and longer.
//!
//! Counted by this instance, in memory of a bounded size. A name that nobody has is counted like any other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::digest;
use crate::time::Timestamp;

/// Wrong passwords of one name before it waits.
const FREE_BY_NAME: u32 = 5;
/// Wrong passwords from one address before it waits: an office has one address for many people.
const FREE_BY_ADDRESS: u32 = 20;
/// The first wait in milliseconds; each further wrong password doubles it.
const WAIT_MS_FIRST: i64 = 1_000;
/// The longest wait in milliseconds: whoever is locked out by somebody else's guesses gets in again.
const WAIT_MS_MAX: i64 = 15 * 60 * 1_000;
/// Without a wrong password for so long, in milliseconds, everything is forgotten.
const FORGET_MS: i64 = 60 * 60 * 1_000;
/// Names and addresses that are counted at a time.
const COUNTED_MAX: usize = 10_000;

/// What is known of a name or an address.
#[derive(Clone, Copy)]
struct Count {
    wrong: u32,
    until: Timestamp,
    last: Timestamp,
}

/// For how long nothing is looked at, and whether that began just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Seconds to wait, rounded up.
    pub wait_s: u32,
}

/// Who has guessed wrongly how often.
#[derive(Default)]
pub struct Lockout(Mutex<HashMap<String, Count>>);

/// Names that were typed may be passwords that went astray: only their digests are kept.
fn keys(name: &str, address: Option<&str>) -> [(String, u32); 2] {
    let address = address.unwrap_or("unknown");
    [(digest(&format!("name {name}")), FREE_BY_NAME), (digest(&format!("address {address}")), FREE_BY_ADDRESS)]
}

impl Lockout {
    /// Counts a guess before its password is looked at, so that many at once are counted too. Takes it back with
    /// [`Lockout::was_right`].
    ///
    /// # Errors
    /// [`Locked`] if the name or the address has to wait; then nothing may be looked at, and nothing was counted.
    pub fn guess(&self, name: &str, address: Option<&str>, now: Timestamp) -> Result<(), Locked> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys(name, address);
        let waits = keys.iter().filter_map(|(key, _)| counts.get(key)).map(|it| it.until.unix_ms() - now.unix_ms());
        if let Some(wait_ms) = waits.max().filter(|it| *it > 0) {
            return Err(Locked { wait_s: u32::try_from((wait_ms + 999) / 1_000).unwrap_or(1) });
        }
        make_room(&mut counts, now);
        for (key, free) in keys {
            let count = counts.entry(key).or_insert(Count { wrong: 0, until: now, last: now });
            if now.unix_ms() - count.last.unix_ms() > FORGET_MS {
                count.wrong = 0;
            }
            count.wrong = count.wrong.saturating_add(1);
            count.last = now;
            let beyond = count.wrong.saturating_sub(free);
            if beyond > 0 {
                let wait_ms = WAIT_MS_FIRST.saturating_mul(1_i64 << (beyond - 1).min(30)).min(WAIT_MS_MAX);
                count.until = now.plus_ms(wait_ms);
            }
        }
        Ok(())
    }

    /// The guess was right: the name begins anew, and the address has one wrong guess less.
    pub fn was_right(&self, name: &str, address: Option<&str>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [(name, _), (address, free)] = keys(name, address);
        counts.remove(&name);
        if let Some(count) = counts.get_mut(&address) {
            count.wrong = count.wrong.saturating_sub(1);
            if count.wrong <= free {
                count.until = count.last;
            }
        }
    }
}

/// Forgets what is old, and if that is not enough what was seen longest ago.
fn make_room(counts: &mut HashMap<String, Count>, now: Timestamp) {
    if counts.len() + 2 <= COUNTED_MAX {
        return;
    }
    counts.retain(|_, it| now.unix_ms() - it.last.unix_ms() <= FORGET_MS);
    if counts.len() + 2 > COUNTED_MAX {
        let mut seen: Vec<i64> = counts.values().map(|it| it.last.unix_ms()).collect();
        let (_, median, _) = seen.select_nth_unstable(COUNTED_MAX / 2);
        let median = *median;
        // Whoever waits is kept as long as there is room.
        let mut room = COUNTED_MAX / 2;
        counts.retain(|_, it| {
            let stays = room > 0 && (it.until > now || it.last.unix_ms() > median);
            room -= usize::from(stays);
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000_000 + s * 1_000)
    }

    #[test]
    fn a_name_waits_longer_with_every_wrong_password() {
        let lockout = Lockout::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for guess in 0..20 {
            let from = format!("192.0.2.{guess}");
            while let Err(locked) = lockout.guess("li", Some(&from), at(now)) {
                waits.push(locked.wait_s);
                now += i64::from(locked.wait_s);
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(lockout.guess("an", Some("192.0.2.0"), at(now)), Ok(()), "others are not concerned");
    }

    #[test]
    fn an_address_waits_whatever_names_it_tries_and_a_right_password_clears_the_name_only() {
        let lockout = Lockout::default();
        for guess in 0..21 {
            assert_eq!(lockout.guess(&guess.to_string(), Some("192.0.2.1"), at(0)), Ok(()), "{guess}");
        }
        assert_eq!(lockout.guess("li", Some("192.0.2.1"), at(0)), Err(Locked { wait_s: 1 }));
        assert_eq!(lockout.guess("li", Some("192.0.2.2"), at(0)), Ok(()));
        lockout.was_right("li", Some("192.0.2.2"));
        assert_eq!(lockout.guess("li", Some("192.0.2.1"), at(0)), Err(Locked { wait_s: 1 }));
        assert_eq!(lockout.guess("li", Some("192.0.2.1"), at(3_602)), Ok(()), "an hour later all is forgotten");
        assert_eq!(lockout.guess("li", Some("192.0.2.1"), at(3_602)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_whoever_waits_is_kept() {
        let lockout = Lockout::default();
        for _ in 0..6 {
            lockout.guess("li", None, at(0)).unwrap();
        }
        for name in 0..30_000 {
            let _ = lockout.guess(&name.to_string(), Some(&name.to_string()), at(0));
        }
        assert!(lockout.0.lock().unwrap().len() <= COUNTED_MAX);
        assert_eq!(lockout.guess("li", Some("192.0.2.9"), at(0)), Err(Locked { wait_s: 1 }));
    }
}
