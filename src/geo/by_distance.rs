//! Turns the order of chords into the order of geodesics, lazily; not the search for chords.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Position;
use super::collect::Few;
use super::geodesic::{distance_m, ecef, short_way_m};
use super::nearest::{NearestIndex, Neighbour, is_within, limit_2, reach_2};
use super::packed::Walk;

/// Two measures by the series that are closer than this, in metres, are taken again: a hundred times what the series leaves out.
const TOO_CLOSE_M: f64 = 1e-6;

/// A measured neighbour that waits until nothing nearer can follow.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    neighbour: Neighbour,
    /// Whether the distance is Karney's.
    is_exact: bool,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.neighbour.order(&other.neighbour)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

/// From where, over what, and how far.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) index: &'a NearestIndex,
    pub(super) from: Position,
    /// The same place in space.
    pub(super) at: [f64; 3],
    pub(super) limit_m: Option<f64>,
}

/// Where the next candidate comes from.
enum Source<'a> {
    /// The few nearest, found at once; and how many of them were handed out.
    Few(Few, usize),
    /// One after the other, but for those that were handed out before.
    Walk(Walk<'a>, Option<Few>),
}

/// Which distances have to be Karney's; the others may come from the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exact {
    All,
    /// The first one, which was not handed out yet.
    First,
    Not,
}

/// A neighbour waits in `measured` until the next chord is longer than its geodesic.
pub(super) struct ByDistance<'a, F> {
    path: Path<'a>,
    source: Source<'a>,
    measured: BinaryHeap<Reverse<Waiting>>,
    /// The place measured last: many stores can share one (a mall), and measuring is the dearest step.
    last: Option<(Position, f64)>,
    /// Which distances have to be Karney's.
    exact: Exact,
    qualifies: F,
}

impl<'a, F: FnMut(u32) -> bool> ByDistance<'a, F> {
    /// Every distance is Karney's.
    pub(super) fn new(path: Path<'a>, qualifies: F) -> Self {
        let source = Source::Walk(path.index.tree().walk(path.at), None);
        Self::over(path, source, Exact::All, qualifies)
    }

    /// The first distance is Karney's, later ones may come from the series.
    pub(super) fn listing(path: Path<'a>, mut qualifies: F) -> Self {
        let few = path.index.tree().few(path.at, limit_2(path.limit_m), &mut qualifies);
        Self::over(path, Source::Few(few, 0), Exact::First, qualifies)
    }

    fn over(path: Path<'a>, source: Source<'a>, exact: Exact, qualifies: F) -> Self {
        Self { path, source, measured: BinaryHeap::new(), last: None, exact, qualifies }
    }

    /// The next candidate whose squared chord is at most `limit_2`.
    fn next_within(&mut self, limit_2: f64) -> Option<u32> {
        if let Source::Few(few, handed) = &mut self.source {
            if let Some((distance_2, key)) = few.get(*handed) {
                if f64::from(distance_2) > limit_2 {
                    return None;
                }
                *handed += 1;
                return Some(key);
            }
            if f64::from(few.others_2()) > limit_2 {
                return None;
            }
            let walk = self.path.index.tree().walk(self.path.at);
            self.source = Source::Walk(walk, Some(*few));
        }
        let Source::Walk(walk, handed) = &mut self.source else { return None };
        loop {
            let key = walk.next_within(limit_2)?;
            if handed.as_ref().is_none_or(|few| !few.holds(key)) && (self.qualifies)(key) {
                return Some(key);
            }
        }
    }

    fn measure(&mut self, key: u32) -> Option<Waiting> {
        let to = self.path.index.position(key)?;
        let is_exact = self.exact != Exact::Not;
        let distance_m = match self.last {
            Some((position, distance_m)) if position == to => distance_m,
            _ if is_exact => distance_m(self.path.from, to),
            _ => short_way_m(self.path.from, to, self.path.at, ecef(to)),
        };
        self.last = Some((to, distance_m));
        Some(Waiting { neighbour: Neighbour { key, distance_m }, is_exact })
    }

    /// Whether the first one is surely nearest; measures it and its rivals again where the series cannot tell them apart.
    fn tells_apart(&mut self, first: Waiting) -> bool {
        let place = |it: &Waiting| self.path.index.position(it.neighbour.key);
        let is_rival = |it: &Waiting| {
            let is_close = it.neighbour.distance_m - first.neighbour.distance_m <= TOO_CLOSE_M;
            is_close && !(it.is_exact && first.is_exact) && place(it) != place(&first)
        };
        if !self.measured.iter().any(|Reverse(it)| is_rival(it)) {
            return true;
        }
        let measured = std::mem::take(&mut self.measured).into_iter().map(|Reverse(it)| it);
        let again = |it: Waiting| {
            if it.neighbour.distance_m - first.neighbour.distance_m > TOO_CLOSE_M {
                return it;
            }
            let distance_m = place(&it).map_or(it.neighbour.distance_m, |to| distance_m(self.path.from, to));
            Waiting { neighbour: Neighbour { distance_m, ..it.neighbour }, is_exact: true }
        };
        self.measured = measured.chain([first]).map(|it| Reverse(again(it))).collect();
        false
    }
}

impl<F: FnMut(u32) -> bool> Iterator for ByDistance<'_, F> {
    type Item = Neighbour;

    fn next(&mut self) -> Option<Neighbour> {
        loop {
            let within_2 = match self.measured.peek() {
                Some(Reverse(first)) => reach_2(first.neighbour.distance_m),
                None => limit_2(self.path.limit_m),
            };
            if let Some(key) = self.next_within(within_2) {
                let measured = self.measure(key)?;
                self.measured.push(Reverse(measured));
                continue;
            }
            let Reverse(first) = self.measured.pop()?;
            if self.tells_apart(first) {
                if self.exact == Exact::First {
                    self.exact = Exact::Not;
                }
                return Some(first.neighbour).filter(|first| is_within(first, self.path.limit_m));
            }
        }
    }
}
