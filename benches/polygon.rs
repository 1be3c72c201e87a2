//! Times the placing of positions on a map of regions; it checks no answers.
//!
//! `cargo bench --bench polygon` prints Markdown tables: a made-up map always, and with `JINQUN_REAL_DATA` the real one too.

#![expect(clippy::print_stdout, reason = "printing the tables is what it is for")]

#[path = "parts/board.rs"]
mod board;

use std::hint::black_box;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Instant;

use geo::{BoundingRect as _, Contains as _, Coord, LineString, MultiPolygon, Point, Polygon};
use jinqun::exchange::{Crossings, RegionRules, read_regions};
use jinqun::geo::polygon::Vertex;
use jinqun::geo::{Datum, Position, Shape};
use jinqun::region::{Level, Region, RegionMap};

const ROUNDS: usize = 5;
fn main() {
    let places: Vec<Position> =
        (0..20_000_u32).map(|it| position(spread(it, 7, 18.5, 53.0), spread(it, 11, 74.0, 134.5))).collect();
    if let Some(folder) = folder() {
        println!("\n### Real: provinces, cities and districts of China\n");
        let started = Instant::now();
        let files = ["cn_provinces_gcj02.geojson", "cn_cities_gcj02.geojson", "cn_districts_gcj02.geojson.gz"];
        let bytes: Vec<Vec<u8>> = files.iter().map(|it| unpacked(&folder.join("geo").join(it))).collect();
        println!("unpacked in {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
        let (resident, started) = (resident_kb(), Instant::now());
        let regions: Vec<Region> = bytes.iter().flat_map(|it| read(it)).collect();
        println!(
            "read and checked in {:.0} ms, {} kB resident more",
            started.elapsed().as_secs_f64() * 1e3,
            resident_kb() - resident
        );
        measure(
            &regions,
            &[("where customers are", customers(&folder)), ("anywhere in and around China", places.clone())],
        );
    }
    let regions = board::regions();
    println!("\n### Made up: a board of crooked borders\n");
    measure(&regions, &[("anywhere in and around China", places)]);
}

fn measure(regions: &[Region], places: &[(&str, Vec<Position>)]) {
    let vertices: usize = regions.iter().map(|it| it.shape.vertices()).sum();
    println!("{} regions, {vertices} vertices", regions.len());
    let started = Instant::now();
    let stored = serde_json::to_vec(regions).expect("regions can be written");
    let written_ms = started.elapsed().as_secs_f64() * 1e3;
    let (resident, started) = (resident_kb(), Instant::now());
    let again: Vec<Region> = serde_json::from_slice(&stored).expect("what was written can be read");
    println!(
        "stored form: {} bytes, written in {written_ms:.0} ms, read in {:.0} ms into {} kB resident",
        stored.len(),
        started.elapsed().as_secs_f64() * 1e3,
        resident_kb() - resident
    );
    assert!(again == regions, "the stored form gives back the same");
    let started = Instant::now();
    let map = RegionMap::build(again).expect("the regions make a map");
    println!("laid out in {:.1} ms\n", started.elapsed().as_secs_f64() * 1e3);
    let plain: Vec<(geo::Rect, MultiPolygon)> = regions.iter().map(|it| plain(&it.shape)).collect();
    println!(
        "| places | covered by | `covering`, all levels | `place` | `names` | `geo`, envelope first | worst `place` |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (what, places) in places {
        let covered: usize = places.iter().map(|it| covering(&map, *it).len()).sum();
        let few = places.get(..200).unwrap_or(places);
        println!(
            "| {what} | {:.2} | {:.2} µs | {:.2} µs | {:.2} µs | {:.0} µs | {:.1} µs |",
            quotient(covered, places.len()),
            time_us(places, |it| covering(&map, it)),
            time_us(places, |it| map.place(it)),
            time_us(places, |it| map.names(&map.place(it))),
            time_us(few, |it| plain_covering(&plain, it)),
            worst_us(places, |it| map.place(it)),
        );
    }
}

fn covering(map: &RegionMap, place: Position) -> Vec<u32> {
    [Level::Province, Level::City, Level::District].into_iter().flat_map(|it| map.covering(it, place)).collect()
}

fn plain(shape: &Shape) -> (geo::Rect, MultiPolygon) {
    let line = |ring: &Vec<Vertex>| LineString(ring.iter().map(|it| Coord { x: it.lon, y: it.lat }).collect());
    let polygon = |rings: &Vec<Vec<Vertex>>| {
        let mut lines = rings.iter().map(line);
        Polygon::new(lines.next().expect("a polygon has a ring"), lines.collect())
    };
    let all = MultiPolygon(shape.to_rings().iter().map(polygon).collect());
    (all.bounding_rect().expect("a shape has an extent"), all)
}

fn plain_covering(plain: &[(geo::Rect, MultiPolygon)], place: Position) -> usize {
    let point = Point::new(place.lon(), place.lat());
    plain.iter().filter(|it| it.0.contains(&point) && it.1.contains(&point)).count()
}

fn quotient(a: usize, b: usize) -> f64 {
    let float = |it: usize| f64::from(u32::try_from(it).expect("a small number"));
    float(a) / float(b)
}

/// The median of some rounds, in microseconds a place.
fn time_us<R>(places: &[Position], mut run: impl FnMut(Position) -> R) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            for place in places {
                black_box(run(*place));
            }
            started.elapsed().as_secs_f64() * 1e6 / quotient(places.len(), 1)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().unwrap_or_default()
}

/// The slowest place, each taken at its fastest of some rounds, in microseconds.
fn worst_us<R>(places: &[Position], mut run: impl FnMut(Position) -> R) -> f64 {
    let mut one = |place: &Position| {
        let started = Instant::now();
        black_box(run(*place));
        started.elapsed().as_secs_f64() * 1e6
    };
    places.iter().map(|place| (0..ROUNDS).map(|_| one(place)).fold(f64::INFINITY, f64::min)).fold(0.0, f64::max)
}

/// A number between two others that jumps about without chance.
fn spread(nth: u32, salt: u32, from: f64, to: f64) -> f64 {
    let mixed =
        (nth + 1).wrapping_mul(2_654_435_761).wrapping_mul(2 * salt + 1).rotate_left(salt).wrapping_mul(2_246_822_519);
    from + (to - from) * f64::from(mixed) / f64::from(u32::MAX)
}

fn position(lat: f64, lon: f64) -> Position {
    Position::from_datum(lat, lon, Datum::Wgs84).expect("the numbers are in range")
}

fn read(bytes: &[u8]) -> Vec<Region> {
    let rules = RegionRules { datum: Some(Datum::Gcj02), crossings: Crossings::Warn, ..RegionRules::default() };
    read_regions(bytes, "map.geojson", rules).expect("the real maps can be read").regions
}

#[expect(clippy::disallowed_methods, reason = "the folder is an argument of this bench")]
fn folder() -> Option<PathBuf> {
    std::env::var("JINQUN_REAL_DATA").ok().map(PathBuf::from)
}

fn unpacked(path: &std::path::Path) -> Vec<u8> {
    let bytes = std::fs::read(path).expect("the folder holds the file");
    if path.extension().is_none_or(|it| it != "gz") {
        return bytes;
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).expect("the file is gzip");
    text
}

fn customers(folder: &std::path::Path) -> Vec<Position> {
    let mut rows =
        csv::Reader::from_path(folder.join("geo/amap_reverse_geocode_gcj02.csv")).expect("the file is there");
    let number = |row: &csv::StringRecord, at| row.get(at).and_then(|it| it.parse().ok()).expect("a number");
    rows.records()
        .map(|row| row.expect("a row"))
        .map(|row| Position::from_datum(number(&row, 1), number(&row, 0), Datum::Gcj02).expect("a position"))
        .collect()
}

/// Memory of this process that is in use, in kilobytes; 0 where the system does not say.
fn resident_kb() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    line.and_then(|it| it.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or_default()
}
