//! Finds the positions nearest to a place, exactly along the ellipsoid; not what stands there or whether it is open.
//!
//! Why the answers are exact: the positions are points in space, and the straight line between two points of the
//! ellipsoid (their chord) is never longer than the way along its surface (the geodesic). So the search
//! takes positions in the order of their chords, measures the geodesic of each, and stops when the next chord is
//! longer than the best geodesic: whatever is left is farther. Since a chord of 10 km is only a millimetre shorter
//! than its geodesic, that is nearly always after one measurement. Seams do not exist: neither the antimeridian
//! nor the poles are special in space.

use std::cmp::Ordering;

use super::Position;
use super::by_distance::{ByDistance, Path};
use super::geodesic::{distance_m, ecef, short_way_m};
use super::packed::{PackedTree, ROUNDING_M, ROUNDING_RATIO};

/// How much longer than a geodesic a chord has to be before the search takes it for farther, in metres.
///
/// Geodesics are rounded by about 1.5e-8 m, chords by more; equal distances must not be missed for that.
const ROUNDING_SLACK_M: f64 = ROUNDING_M + 1e-6;

/// A position found, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The place of the position in the list that the index was built from.
    pub key: u32,
    /// Distance along the WGS-84 ellipsoid, in metres.
    pub distance_m: f64,
}

impl Neighbour {
    /// The one order of neighbours: nearest first, of equally near ones the smaller key.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.distance_m.total_cmp(&other.distance_m).then(self.key.cmp(&other.key))
    }
}

/// An immutable index over positions, for any number of readers at once.
#[derive(Debug)]
pub struct NearestIndex {
    positions: Vec<Position>,
    tree: PackedTree,
}

impl NearestIndex {
    /// Builds the index. The keys are 0, 1, 2 … in the order given.
    ///
    /// Equal distances are settled by the smaller key, so the order given is the order of preference. Takes
    /// 50 to 70 bytes a position.
    ///
    /// # Panics
    /// If there are more positions than a `u32` counts.
    #[must_use]
    pub fn build(positions: Vec<Position>) -> Self {
        let tree = PackedTree::build(positions.iter().copied().map(ecef));
        Self { positions, tree }
    }

    /// The same positions with some of them elsewhere, by their keys; answers as an index built anew does, and is there sooner.
    #[must_use]
    pub fn with_moved(&self, moved: &[(u32, Position)]) -> Self {
        let mut positions = self.positions.clone();
        for (key, position) in moved {
            if let Some(slot) = usize::try_from(*key).ok().and_then(|it| positions.get_mut(it)) {
                *slot = *position;
            }
        }
        let keys: Vec<u32> = moved.iter().map(|(key, _)| *key).collect();
        let at = |key: u32| usize::try_from(key).ok().and_then(|it| positions.get(it)).copied().map(ecef);
        match self.tree.with_moved(&keys, at) {
            Some(tree) => Self { positions, tree },
            None => Self::build(positions),
        }
    }

    /// How many positions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there is no position at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The position with a key.
    #[must_use]
    pub fn position(&self, key: u32) -> Option<Position> {
        self.positions.get(usize::try_from(key).ok()?).copied()
    }

    /// Finds the nearest position that qualifies, at most `limit_m` metres away.
    ///
    /// `qualifies` is asked about some keys, in no particular order and perhaps more than once, never about all.
    #[must_use]
    pub fn nearest_one(
        &self,
        from: Position,
        limit_m: Option<f64>,
        qualifies: impl FnMut(u32) -> bool,
    ) -> Option<Neighbour> {
        self.first(from, limit_m, qualifies, |to, _at| distance_m(from, to))
    }

    /// Finds the nearest position that qualifies, for showing it: the same one as [`NearestIndex::nearest_one`] in half the time.
    ///
    /// The distance may come from a series that is within 20 nm of Karney's, where no other position is so near that this could change
    /// the answer.
    #[must_use]
    pub fn nearest_shown(&self, from: Position, qualifies: impl FnMut(u32) -> bool) -> Option<Neighbour> {
        self.first(from, None, qualifies, |to, at| short_way_m(from, to, at, ecef(to)))
    }

    /// The nearest one, by `measure` of its position and of where the way begins in space, if no other one contests it.
    fn first(
        &self,
        from: Position,
        limit_m: Option<f64>,
        mut qualifies: impl FnMut(u32) -> bool,
        measure: impl FnOnce(Position, [f64; 3]) -> f64,
    ) -> Option<Neighbour> {
        let at = ecef(from);
        let closest = self.tree.closest(at, limit_2(limit_m), &mut qualifies);
        let key = closest.key?;
        let first = Neighbour { key, distance_m: measure(self.position(key)?, at) };
        if f64::from(closest.others_2) > reach_2(first.distance_m) {
            return Some(first).filter(|first| is_within(first, limit_m));
        }
        // Another one is as near as can be told from chords: a twin at the same place, mostly.
        self.ordered(from, at, limit_m, qualifies).next()
    }

    /// Finds the `k` nearest positions that qualify, at most `limit_m` metres away, nearest first.
    ///
    /// `qualifies` is asked about some keys, in no particular order and perhaps more than once, never about all
    /// unless so few qualify.
    #[must_use]
    pub fn nearest(
        &self,
        from: Position,
        k: usize,
        limit_m: Option<f64>,
        qualifies: impl FnMut(u32) -> bool,
    ) -> Vec<Neighbour> {
        match k {
            0 => Vec::new(),
            1 => Vec::from_iter(self.nearest_one(from, limit_m, qualifies)),
            _ => self.ordered(from, ecef(from), limit_m, qualifies).take(k).collect(),
        }
    }

    /// Walks all positions, nearest first. Lazy: what is not asked for is not searched.
    pub fn by_distance(&self, from: Position) -> impl Iterator<Item = Neighbour> {
        self.ordered(from, ecef(from), None, |_| true)
    }

    /// Walks the positions that qualify, nearest first. Lazy: what is not asked for is not searched.
    pub fn by_distance_where(
        &self,
        from: Position,
        qualifies: impl FnMut(u32) -> bool,
    ) -> impl Iterator<Item = Neighbour> {
        self.ordered(from, ecef(from), None, qualifies)
    }

    fn ordered<F: FnMut(u32) -> bool>(
        &self,
        from: Position,
        at: [f64; 3],
        limit_m: Option<f64>,
        qualifies: F,
    ) -> ByDistance<'_, F> {
        ByDistance::new(Path { index: self, from, at, limit_m }, qualifies)
    }

    /// Walks the positions that qualify and are at most `limit_m` metres away, nearest first, as [`NearestIndex::by_distance_where`]
    /// does in the same order, and quicker for the first few.
    ///
    /// The first distance is Karney's; later ones may come from a series for short ways that is within 20 nm of it, wherever that
    /// cannot change the order.
    pub fn around(
        &self,
        from: Position,
        limit_m: Option<f64>,
        qualifies: impl FnMut(u32) -> bool,
    ) -> impl Iterator<Item = Neighbour> {
        ByDistance::listing(Path { index: self, from, at: ecef(from), limit_m }, qualifies)
    }

    pub(super) fn tree(&self) -> &PackedTree {
        &self.tree
    }
}

/// Square of the chord beyond which everything is farther than `distance_m`.
pub(super) fn reach_2(distance_m: f64) -> f64 {
    let reach_m = distance_m * (1.0 + ROUNDING_RATIO) + ROUNDING_SLACK_M;
    reach_m * reach_m
}

pub(super) fn limit_2(limit_m: Option<f64>) -> f64 {
    limit_m.map_or(f64::INFINITY, reach_2)
}

pub(super) fn is_within(neighbour: &Neighbour, limit_m: Option<f64>) -> bool {
    limit_m.is_none_or(|limit_m| neighbour.distance_m <= limit_m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Datum;

    fn at(lat: f64, lon: f64) -> Position {
        Position::from_datum(lat, lon, Datum::Wgs84).unwrap()
    }

    fn index(places: &[(f64, f64)]) -> NearestIndex {
        NearestIndex::build(places.iter().map(|&(lat, lon)| at(lat, lon)).collect())
    }

    fn keys(found: impl IntoIterator<Item = Neighbour>) -> Vec<u32> {
        found.into_iter().map(|neighbour| neighbour.key).collect()
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        let index = index(&[]);
        assert!(index.is_empty());
        assert_eq!(index.len(), 0);
        assert_eq!(index.position(0), None);
        assert_eq!(index.nearest_one(at(30.0, 110.0), None, |_| true), None);
        assert_eq!(index.nearest(at(30.0, 110.0), 5, None, |_| true), []);
        assert_eq!(index.by_distance(at(30.0, 110.0)).next(), None);
    }

    #[test]
    fn a_key_is_the_place_in_the_list() {
        let index = index(&[(31.2, 121.5), (39.9, 116.4)]);
        assert_eq!(index.len(), 2);
        assert_eq!(index.position(1), Some(at(39.9, 116.4)));
        assert_eq!(index.position(2), None);
        let found = index.nearest_one(at(39.900_1, 116.400_1), None, |_| true);
        let found = found.unwrap();
        assert_eq!(found.key, 1);
        // From GeographicLib for Python, 2.1.
        assert!((found.distance_m - 14.014_860_362_784_73).abs() < 1e-6);
    }

    #[test]
    fn the_ellipsoid_decides_where_a_sphere_would_err() {
        // On a sphere the eastern store is 96.30 km away and the northern one 96.63; on the Earth 96.49 and 96.33.
        let index = index(&[(30.0, 111.0), (30.869, 110.0)]);
        assert_eq!(keys(index.nearest(at(30.0, 110.0), 2, None, |_| true)), [1, 0]);
    }

    #[test]
    fn the_antimeridian_is_no_border() {
        let index = index(&[(-17.0, 178.0), (-17.0, -179.95)]);
        assert_eq!(keys(index.by_distance(at(-17.0, 179.95))), [1, 0]);
    }

    #[test]
    fn at_a_pole_every_longitude_is_near() {
        let index = index(&[(89.0, 0.0), (89.5, 180.0), (89.9, -90.0), (-90.0, 0.0)]);
        assert_eq!(keys(index.by_distance(at(90.0, 45.0))), [2, 1, 0, 3]);
        assert_eq!(keys(index.by_distance(at(89.6, 179.0))), [1, 2, 0, 3]);
    }

    #[test]
    fn of_equally_near_positions_the_smaller_key_comes_first() {
        let twins = index(&[(10.0, 10.0), (31.2, 121.5), (31.2, 121.5), (31.2, 121.5)]);
        for from in [at(31.2, 121.5), at(31.200_7, 121.5), at(31.0, 121.0)] {
            assert_eq!(twins.nearest_one(from, None, |_| true).unwrap().key, 1);
            assert_eq!(twins.nearest_one(from, None, |key| key > 1).unwrap().key, 2);
            assert_eq!(keys(twins.nearest(from, 3, None, |_| true)), [1, 2, 3]);
        }
        let sides = index(&[(31.0, 122.0), (31.0, 120.0)]);
        assert_eq!(sides.nearest_one(at(31.0, 121.0), None, |_| true).unwrap().key, 0);
        let sides = index(&[(31.0, 120.0), (31.0, 122.0)]);
        assert_eq!(sides.nearest_one(at(31.0, 121.0), None, |_| true).unwrap().key, 0);
    }

    #[test]
    fn a_limit_includes_what_is_exactly_that_far() {
        let index = index(&[(31.0, 121.0), (31.5, 121.0)]);
        let from = at(31.2, 121.0);
        let nearest_m = index.nearest_one(from, None, |_| true).unwrap().distance_m;
        for k in [1, 2] {
            assert_eq!(keys(index.nearest(from, k, Some(nearest_m), |_| true)), [0]);
            assert_eq!(index.nearest(from, k, Some(nearest_m - 1e-8), |_| true), []);
            assert_eq!(index.nearest(from, k, Some(-10.0), |_| true), []);
        }
    }

    #[test]
    fn only_keys_near_the_answer_are_asked_about() {
        let places: Vec<(f64, f64)> = (0..50_u32)
            .flat_map(|row| {
                (0..50_u32).map(move |column| (25.0 + f64::from(row) * 0.1, 105.0 + f64::from(column) * 0.1))
            })
            .collect();
        let index = index(&places);
        let mut asked = 0;
        assert!(
            index
                .nearest(at(27.43, 107.56), 1, None, |_| {
                    asked += 1;
                    true
                })
                .len()
                == 1
        );
        assert!(asked < 100, "{asked} of 2,500");
    }
}
