//! Compares the index of positions with measuring every position; the examples stand in the module itself.

use jinqun::geo::{Datum, NearestIndex, Neighbour, Position, distance_m};
use proptest::collection::vec;
use proptest::prelude::*;

fn at(lat: f64, lon: f64) -> Position {
    Position::from_datum(lat, lon, Datum::Wgs84).expect("the places are in range")
}

/// The answer by measuring every position.
fn scan(positions: &[Position], from: Position, qualifies: impl Fn(u32) -> bool) -> Vec<(f64, u32)> {
    let measured = (0..).zip(positions).filter(|&(key, _)| qualifies(key));
    let mut all: Vec<(f64, u32)> = measured.map(|(key, &to)| (distance_m(from, to), key)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all
}

fn pairs(found: impl IntoIterator<Item = Neighbour>) -> Vec<(f64, u32)> {
    found.into_iter().map(|neighbour| (neighbour.distance_m, neighbour.key)).collect()
}

/// Cities with stores on grids (so that some share a place, and some distances are equal), one grid of a kilometre
/// and one of ten metres; both seams, both poles, and anywhere.
fn place() -> impl Strategy<Value = Position> {
    const CITIES: [(f64, f64); 4] = [(31.2, 121.4), (39.9, 116.4), (-17.5, 180.0), (30.6, 104.0)];
    let cell = (-4..=4_i32, -4..=4_i32, prop_oneof![Just(100.0), Just(10_000.0)]);
    let city = (proptest::sample::select(CITIES.as_slice()), cell);
    let city = city.prop_map(|((lat, lon), (north, east, parts))| {
        let lon: f64 = lon + f64::from(east) / parts;
        (lat + f64::from(north) / parts, if lon > 180.0 { lon - 360.0 } else { lon })
    });
    prop_oneof![
        4 => city,
        1 => (-90.0..=90.0, prop_oneof![179.9..=180.0, -180.0..=-179.9]),
        1 => (prop_oneof![89.9..=90.0, -90.0..=-89.9], -180.0..=180.0),
        1 => (-90.0..=90.0, -180.0..=180.0),
    ]
    .prop_map(|(lat, lon)| at(lat, lon))
}

proptest! {
    #[test]
    fn answers_are_those_of_measuring_every_position(
        positions in vec(place(), 0..250), from in place(), k in 1..=50_usize, one_in in prop_oneof![Just(1_u32), Just(2), Just(20)],
    ) {
        let index = NearestIndex::build(positions.clone());
        let qualifies = |key: u32| key.is_multiple_of(one_in);
        let mut wanted = scan(&positions, from, qualifies);
        prop_assert_eq!(index.nearest_one(from, None, qualifies).map(|first| (first.distance_m, first.key)), wanted.first().copied());
        let shown = index.nearest_shown(from, qualifies);
        prop_assert_eq!(shown.map(|it| it.key), wanted.first().map(|it| it.1));
        if let (Some(shown), Some(wanted)) = (shown, wanted.first()) {
            prop_assert!((shown.distance_m - wanted.0).abs() < 2e-8, "{} is not {}", shown.distance_m, wanted.0);
        }
        wanted.truncate(k);
        prop_assert_eq!(pairs(index.nearest(from, k, None, qualifies)), wanted);
    }

    #[test]
    fn the_walk_for_lists_has_the_same_order_and_the_same_first_distance(
        positions in vec(place(), 0..120), from in place(), one_in in prop_oneof![Just(1_u32), Just(2), Just(20)],
        limit_m in prop_oneof![1 => Just(f64::INFINITY), 1 => 0.0..50_000.0],
    ) {
        let index = NearestIndex::build(positions.clone());
        let qualifies = |key: u32| key.is_multiple_of(one_in);
        let mut wanted = scan(&positions, from, qualifies);
        wanted.retain(|&(distance_m, _)| distance_m <= limit_m);
        let found = pairs(index.around(from, Some(limit_m).filter(|it| it.is_finite()), qualifies));
        prop_assert_eq!(found.first(), wanted.first());
        prop_assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            prop_assert_eq!(found.1, wanted.1);
            prop_assert!((found.0 - wanted.0).abs() < 2e-8, "{} is not {}", found.0, wanted.0);
        }
    }

    #[test]
    fn a_limit_cuts_the_answer_off(
        positions in vec(place(), 0..100), from in place(), k in 1..=50_usize, limit_m in prop_oneof![0.0..50_000.0, 0.0..20_100_000.0],
    ) {
        let index = NearestIndex::build(positions.clone());
        let mut wanted = scan(&positions, from, |_| true);
        wanted.retain(|&(distance_m, _)| distance_m <= limit_m);
        wanted.truncate(k);
        prop_assert_eq!(pairs(index.nearest(from, k, Some(limit_m), |_| true)), wanted);
    }

    #[test]
    fn the_order_of_loading_changes_only_the_keys(positions in vec(place(), 1..150), from in place(), turn in 0..150_usize) {
        let last = u32::try_from(positions.len() - 1).unwrap();
        let mut reversed = positions.clone();
        reversed.reverse();
        let mut turned: Vec<(f64, u32)> = NearestIndex::build(reversed)
            .by_distance(from)
            .map(|neighbour| (neighbour.distance_m, last - neighbour.key))
            .collect();
        turned.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        prop_assert_eq!(pairs(NearestIndex::build(positions.clone()).by_distance(from)), turned);

        // The keys of a list turned round by some places still follow the one rule.
        let mut positions = positions;
        let places = turn % positions.len();
        positions.rotate_left(places);
        prop_assert_eq!(pairs(NearestIndex::build(positions.clone()).by_distance(from)), scan(&positions, from, |_| true));
    }
}

#[test]
fn a_deep_tree_answers_like_measuring_every_position() {
    let mut chance = fastrand::Rng::with_seed(11);
    let mut near =
        |lat: f64, lon: f64, spread: f64| at(lat + spread * (chance.f64() - 0.5), lon + spread * (chance.f64() - 0.5));
    let cities = [(31.2, 121.4), (39.9, 116.4), (23.1, 113.3), (43.8, 87.6), (18.3, 109.5)];
    let positions: Vec<Position> = (0..800).flat_map(|_| cities).map(|(lat, lon)| near(lat, lon, 0.6)).collect();
    let queries: Vec<Position> = (0..8).flat_map(|_| cities).map(|(lat, lon)| near(lat, lon, 6.0)).collect();
    let index = NearestIndex::build(positions.clone());
    for from in queries {
        let mut wanted = scan(&positions, from, |_| true);
        wanted.truncate(50);
        assert_eq!(pairs(index.by_distance(from).take(50)), wanted);
        wanted.truncate(1);
        assert_eq!(pairs(index.nearest_one(from, None, |_| true)), wanted);
    }
}
