//! Hands a batch over, and finds the records in it that storage refuses as such, so that they hold up no others.

use crate::consent::ConsentRecord;
use crate::funnel::StepRecord;
use crate::group::SeatClaim;
use crate::id::GroupId;
use crate::job::Job;
use crate::outbox::{Consented, Item, Unconfirmed};
use crate::storage::{SeatRules, Storage, StorageError, Trouble};
use crate::tag::TagRecord;
use crate::time::Timestamp;

use super::whole_chain;

/// Records that are refused one after the other before storage itself is taken to be damaged, if it takes none.
const REFUSED_IN_A_ROW_MAX: usize = 32;
/// How often a record that waits alone is refused before it is set aside: nothing shows that storage would take another.
const LONE_TRIES: u32 = 5;

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    /// The records that storage refuses, and why.
    pub(super) refused: Vec<(i64, String)>,
    /// The claims of seats that storage has counted.
    pub(super) claims: Vec<SeatClaim>,
}

/// Whether storage may have lost the seats of these visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seats {
    /// It has them.
    Counted,
    /// They are claimed again, by what the records say.
    Lost,
}

impl Seats {
    /// The claim to the seat of a visit that was shown a group. What was wanted is told as nearly as the record has it: who comes back
    /// for the same store keeps the seat, and nobody counts twice in a group.
    fn claim(self, record: &TagRecord) -> Option<SeatClaim> {
        let is_group = record.join_kind.as_deref() == Some("group") && record.shows_code();
        if self == Self::Counted || !is_group {
            return None;
        }
        let wanted = match &record.store {
            Some(store) => ["store:", store.as_str()].concat(),
            None => ["campaign:", record.campaign.as_str()].concat(),
        };
        Some(SeatClaim {
            visitor: record.visitor,
            scan: record.scan,
            group: GroupId::parse(record.join_id.as_deref()?).ok()?,
            wanted: wanted.into(),
            at: Timestamp::from_unix_ms(record.revision / 1_000),
        })
    }
}

/// The batch as storage wants it.
#[derive(Default)]
struct Load {
    consents: Vec<ConsentRecord>,
    tags: Vec<TagRecord>,
    steps: Vec<StepRecord>,
    claims: Vec<SeatClaim>,
    jobs: Vec<Job>,
    /// Claims to seats that storage had counted, and may have lost.
    lost: Vec<SeatClaim>,
}

impl Load {
    fn of(items: &[(i64, Item)], seats: Seats) -> Self {
        let mut load = Self { tags: Vec::with_capacity(items.len()), ..Self::default() };
        for (_, item) in items {
            match item {
                Item::Tag(record) => {
                    load.lost.extend(seats.claim(record));
                    load.tags.push(record.clone());
                }
                Item::Consented(Consented { consent, record }) => {
                    load.lost.extend(seats.claim(record));
                    load.consents.push(consent.clone());
                    load.tags.push(record.clone());
                }
                Item::Unconfirmed(Unconfirmed { claim, consent, record }) => {
                    load.claims.push(claim.clone());
                    load.consents.extend(consent.clone());
                    load.tags.push(record.clone());
                }
                Item::Step(record) => load.steps.push(record.clone()),
                Item::Job(job) => load.jobs.push(job.clone()),
                Item::Forgotten => {}
            }
        }
        load
    }

    /// Seats come first: with the record of a visitor who was forgotten the seat of its visit goes too.
    fn hand_over(&self, storage: &dyn Storage, (rules, now): (&SeatRules, Timestamp)) -> Result<(), StorageError> {
        if !self.lost.is_empty() {
            // Revisions are moments of storage's clock, and claims are of the clock here.
            let ahead_ms = storage.clock_ahead_ms().unwrap_or(0);
            let here = |it: &SeatClaim| SeatClaim { at: it.at.plus_ms(ahead_ms), ..it.clone() };
            let lost: Vec<_> = self.lost.iter().map(here).collect();
            storage.claim_seats(&lost, rules, now)?;
        }
        if !self.claims.is_empty() {
            storage.claim_seats(&self.claims, rules, now)?;
        }
        if !self.jobs.is_empty() {
            storage.enqueue(&self.jobs, now)?;
        }
        storage.deliver(&self.consents, &self.tags, &self.steps)
    }
}

/// Hands batches over one after the other.
#[derive(Default)]
pub(super) struct Sieve {
    /// The record that was refused alone, and how often.
    lone: Option<(i64, u32)>,
}

impl Sieve {
    /// Hands a batch over. If storage refuses it as it is, and not because it cannot be reached, the batch is halved until the
    /// records are found that it refuses.
    ///
    /// # Errors
    /// Storage's, if it takes nothing: then nothing is known about the records.
    pub(super) fn hand_over(
        &mut self,
        items: &[(i64, Item)],
        storage: &dyn Storage,
        (seats, rules): (Seats, (&SeatRules, Timestamp)),
    ) -> Result<Sifted, StorageError> {
        let mut sifted = Sifted::default();
        let mut is_any_taken = false;
        let mut parts = vec![items];
        while let Some(part) = parts.pop() {
            let load = Load::of(part, seats);
            match load.hand_over(storage, rules) {
                Ok(()) => {
                    is_any_taken = true;
                    sifted.claims.extend(load.claims);
                }
                Err(error) if error.kind() != Trouble::Corrupt => return Err(error),
                Err(error) => {
                    let [(seq, _)] = part else {
                        let (first, second) = part.split_at(part.len() / 2);
                        // The first half comes off the stack first.
                        parts.extend([second, first]);
                        continue;
                    };
                    sifted.refused.push((*seq, whole_chain(&error)));
                    let is_hopeless = match sifted.refused.len() {
                        _ if is_any_taken => false,
                        REFUSED_IN_A_ROW_MAX => {
                            // What came last may be of another kind.
                            parts.reverse();
                            parts.is_empty()
                        }
                        refused => refused >= 2 * REFUSED_IN_A_ROW_MAX || (parts.is_empty() && !self.is_lone(items)),
                    };
                    if is_hopeless {
                        return Err(error);
                    }
                }
            }
        }
        self.lone = None;
        Ok(sifted)
    }

    /// Whether these are one record that was refused often enough.
    fn is_lone(&mut self, items: &[(i64, Item)]) -> bool {
        let [(seq, _)] = items else { return false };
        let tries = self.lone.filter(|(it, _)| it == seq).map_or(0, |(_, tries)| tries) + 1;
        self.lone = Some((*seq, tries));
        tries >= LONE_TRIES
    }
}
