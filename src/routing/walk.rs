//! A walk from store to store, nearest first.

use super::decision::{Candidate, Verdict};
use super::eligible::Eligible;
use crate::catalog::Catalog;
use crate::geo::{Neighbour, Position};

/// Stores that are passed over because they do not take customers and are still explained.
const INACTIVE_NOTED_MAX: usize = 10;

/// A walk outward from a place over the active stores in reach.
pub(super) struct Walk<I> {
    pub(super) from: Position,
    pub(super) neighbours: I,
    pub(super) reach_m: f64,
    /// A store that is not handed out.
    pub(super) passed: Option<u32>,
    pub(super) considered: Vec<Candidate>,
}

impl<I: Iterator<Item = Neighbour>> Walk<I> {
    pub(super) fn next_active(&mut self) -> Option<Neighbour> {
        let passed = self.passed;
        self.neighbours.find(|it| Some(it.key) != passed)
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

/// The stores nearer than the nearest one shown that do not take customers or no part in the campaign, for the explanation.
pub(super) fn inactive_before(
    catalog: &Catalog,
    stores: Eligible<'_>,
    from: Position,
    nearest_m: Option<f64>,
) -> Vec<Candidate> {
    if stores.is_all() {
        return Vec::new();
    }
    let nearer = catalog.nearest().by_distance_where(from, move |key| !stores.takes(key));
    nearer
        .take(INACTIVE_NOTED_MAX)
        .take_while(|it| nearest_m.is_none_or(|nearest_m| it.distance_m <= nearest_m))
        .filter_map(|it| {
            let (_, verdict) = stores.refusal(it.key)?;
            Some(Candidate { store: it.key, distance_m: it.distance_m, verdict })
        })
        .collect()
}
