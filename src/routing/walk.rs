//! A walk from store to store, nearest first.

use super::decision::{Candidate, Verdict};
use crate::catalog::Catalog;
use crate::geo::Neighbour;
use crate::store::StoreStatus;

/// A walk outward from a place: hands out active stores and notes the others.
pub(super) struct Walk<'a, I> {
    pub(super) catalog: &'a Catalog,
    pub(super) neighbours: I,
    pub(super) reach_m: f64,
    /// A store that is not handed out.
    pub(super) passed: Option<u32>,
    pub(super) considered: Vec<Candidate>,
}

impl<I: Iterator<Item = Neighbour>> Walk<'_, I> {
    pub(super) fn next_active(&mut self) -> Option<Neighbour> {
        while let Some(it) = self.neighbours.next() {
            if self.passed == Some(it.key) {
                continue;
            }
            let verdict = match self.catalog.store(it.key).map(|it| it.status) {
                Some(StoreStatus::Active) => return Some(it),
                Some(StoreStatus::Paused) => Verdict::Paused,
                Some(StoreStatus::Closed) | None => Verdict::Closed,
            };
            self.note(it, verdict);
        }
        None
    }

    /// The next active store in reach; the first one beyond is noted and ends the walk.
    pub(super) fn next_in_reach(&mut self) -> Option<Neighbour> {
        let it = self.next_active()?;
        if it.distance_m <= self.reach_m {
            return Some(it);
        }
        self.note(it, Verdict::BeyondReach);
        None
    }

    pub(super) fn note(&mut self, it: Neighbour, verdict: Verdict) {
        self.considered.push(Candidate { store: it.key, distance_m: it.distance_m, verdict });
    }
}
