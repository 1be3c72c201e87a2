//! Times the index of positions against what it could be replaced by; it checks no answers but the planar ones.
//!
//! `cargo bench --bench nearest` prints Markdown tables. `-- --count STORES QUERIES` only builds an index and asks
//! it, so that instructions can be counted: `valgrind --tool=callgrind` once with and once without queries.

#![expect(clippy::print_stdout, reason = "printing the tables is what it is for")]

#[path = "parts/cities.rs"]
mod cities;
#[path = "parts/stopwatch.rs"]
mod stopwatch;

use std::hint::black_box;
use std::time::Instant;

use geo::{Distance as _, Geodesic, Point};
use jinqun::geo::datum::{from_wgs84, to_wgs84};
use jinqun::geo::geodesic::ecef;
use jinqun::geo::{Datum, NearestIndex, Position, distance_m};
use rstar::RTree;
use rstar::primitives::GeomWithData;

use cities::{Places, position};
use stopwatch::{Contender, time};

const QUERIES: u32 = 10_000;
/// Measurements that a linear scan may take in a round.
const SCAN_STEPS_MAX: u32 = 2_000_000;

type Tree<const D: usize> = RTree<GeomWithData<[f64; D], u32>>;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count = arguments.iter().skip_while(|argument| *argument != "--count");
    let numbers: Vec<u32> = count.skip(1).map(|number| number.parse().expect("a number")).collect();
    if let [stores, queries] = *numbers.as_slice() {
        return ask(stores, queries);
    }
    time_pieces();
    for stores in [300, 10_000, 100_000, 1_000_000] {
        time_searches(stores);
    }
}

/// Only builds and asks, for counting instructions.
fn ask(stores: u32, queries: u32) {
    let mut places = Places::new();
    let index = NearestIndex::build(places.stores(stores));
    // As many places are made whatever the number asked about, so that making them cancels out.
    let places = places.queries(QUERIES).into_iter().cycle();
    for from in places.take(usize::try_from(queries).expect("a small number")) {
        black_box(index.nearest_one(from, None, |_| true));
    }
}

fn degrees(position: Position) -> [f64; 2] {
    [position.lon(), position.lat()]
}

fn tree<const D: usize>(stores: &[Position], place: impl Fn(Position) -> [f64; D]) -> Tree<D>
where
    [f64; D]: rstar::Point<Scalar = f64>,
{
    let keyed = (0..).zip(stores).map(|(key, &store)| GeomWithData::new(place(store), key));
    RTree::bulk_load(keyed.collect())
}

/// The geodesic of the `geo` crate, whatever this crate measures with.
fn karney_m(a: Position, b: Position) -> f64 {
    Geodesic.distance(Point::new(a.lon(), a.lat()), Point::new(b.lon(), b.lat()))
}

fn haversine_m(a: Position, b: Position) -> f64 {
    let (north, east) = ((b.lat() - a.lat()).to_radians(), (b.lon() - a.lon()).to_radians());
    let cosines = a.lat().to_radians().cos() * b.lat().to_radians().cos();
    let h = (north / 2.0).sin().powi(2) + cosines * (east / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.min(1.0).sqrt().asin()
}

fn scan(stores: &[Position], from: Position, distance: impl Fn(Position, Position) -> f64) -> u32 {
    let measured = (0..).zip(stores).map(|(key, &store)| (distance(from, store), key));
    measured.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0, |(_, key)| key)
}

fn time_pieces() {
    let queries = Places::new().queries(QUERIES);
    let middle = position(31.23, 121.47);
    let (to, from) = (from_wgs84, to_wgs84);
    let mut contenders = [
        Contender::new("a point in space", &queries, ecef),
        Contender::new("geodesic (Karney, geo)", &queries, move |place| karney_m(place, middle)),
        Contender::new("distance along the ellipsoid", &queries, move |place| distance_m(place, middle)),
        Contender::new("haversine", &queries, move |place| haversine_m(place, middle)),
        Contender::new("WGS-84 to GCJ-02", &queries, move |place| to(place.lat(), place.lon(), Datum::Gcj02)),
        Contender::new("WGS-84 to BD-09", &queries, move |place| to(place.lat(), place.lon(), Datum::Bd09)),
        Contender::new("GCJ-02 to WGS-84", &queries, move |place| from(place.lat(), place.lon(), Datum::Gcj02)),
        Contender::new("BD-09 to WGS-84", &queries, move |place| from(place.lat(), place.lon(), Datum::Bd09)),
    ];
    let times = time(&mut contenders);
    println!("| piece | ns |\n| --- | ---: |");
    for (contender, ns) in contenders.iter().zip(times) {
        println!("| {} | {ns:.0} |", contender.name);
    }
}

/// One list of stores in every structure that is compared.
struct Searches {
    stores: Vec<Position>,
    index: NearestIndex,
    bare: Tree<3>,
    planar: Tree<2>,
}

impl Searches {
    fn look_up(&self, from: Position) -> u32 {
        let found = self.bare.nearest_neighbor(ecef(from));
        found.map_or(0, |found| found.data)
    }

    fn look_up_planar(&self, from: Position) -> u32 {
        let found = self.planar.nearest_neighbor(degrees(from));
        found.map_or(0, |found| found.data)
    }

    fn measure(&self, from: Position, key: u32) -> f64 {
        karney_m(from, self.index.position(key).expect("all have the same keys"))
    }

    /// The baseline comes first.
    fn contenders<'a>(&'a self, queries: &'a [Position]) -> Vec<Contender<'a>> {
        let index = &self.index;
        let name = "baseline: bare rstar in space + one geodesic";
        vec![
            Contender::new(name, queries, |from| self.measure(from, self.look_up(from))),
            Contender::new("bare rstar in space", queries, |from| self.look_up(from)),
            Contender::new("exact nearest", queries, |from| index.nearest_one(from, None, |_| true)),
            Contender::new("exact nearest as a list", queries, |from| index.nearest(from, 1, None, |_| true)),
            Contender::new("exact, first of the walk", queries, |from| index.by_distance(from).next()),
            Contender::new("exact, 50 % not qualifying", queries, |from| {
                index.nearest_one(from, None, |key| key % 2 == 0)
            }),
            Contender::new("exact, 95 % not qualifying", queries, |from| {
                index.nearest_one(from, None, |key| key % 20 == 0)
            }),
            Contender::new("exact, 10 nearest", queries, |from| index.nearest(from, 10, None, |_| true)),
            Contender::new("planar rstar in degrees", queries, |from| self.look_up_planar(from)),
        ]
    }

    /// Share of queries for which the nearest in degrees is not the nearest on Earth, in per cent.
    fn wrong_percent(&self, queries: &[Position]) -> f64 {
        let wrong = queries.iter().filter(|&&from| {
            let exact = self.index.nearest_one(from, None, |_| true);
            exact.is_some_and(|exact| exact.distance_m < self.measure(from, self.look_up_planar(from)))
        });
        f64::from(u32::try_from(wrong.count()).expect("there are few queries")) / f64::from(QUERIES) * 100.0
    }
}

fn time_searches(count: u32) {
    let mut places = Places::new();
    let (stores, queries) = (places.stores(count), places.queries(QUERIES));
    let few = |steps: u32| {
        let few = usize::try_from((steps / count).clamp(5, QUERIES)).expect("a small number");
        queries.get(..few).expect("there are at least five queries")
    };

    let start = Instant::now();
    let index = NearestIndex::build(stores.clone());
    let build_ms = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let bare = tree(&stores, ecef);
    let bare_ms = start.elapsed().as_secs_f64() * 1e3;
    let planar = tree(&stores, degrees);
    let searches = Searches { stores, index, bare, planar };
    let stores = &searches.stores;

    let mut contenders = searches.contenders(&queries);
    let slow = few(SCAN_STEPS_MAX);
    contenders.push(Contender::new("linear haversine", slow, |from| scan(stores, from, haversine_m)));
    if count <= 10_000 {
        let slower = few(SCAN_STEPS_MAX / 10);
        contenders.push(Contender::new("linear geodesic", slower, |from| scan(stores, from, distance_m)));
    }
    let times = time(&mut contenders);
    let baseline = times.first().copied().unwrap_or(f64::NAN);
    println!("\n| {count} stores | ns a query | × baseline |\n| --- | ---: | ---: |");
    for (contender, ns) in contenders.iter().zip(times) {
        println!("| {} | {ns:.0} | {:.2} |", contender.name, ns / baseline);
    }
    let wrong = searches.wrong_percent(&queries);
    println!("\nBuilt in {build_ms:.2} ms (bare rstar {bare_ms:.2} ms). Planar answers wrong: {wrong:.1} %.");
}
