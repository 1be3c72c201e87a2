//! From rings as they are drawn to a checked shape: datum, winding, antimeridian, and every flaw with its place.

use geo::Coord;

use super::crossing::{Crossing, crosses_itself, crossings};
use super::flaw::{Flaw, FlawKind};
use super::ring::{Bounds, Ring, TURN, UNITS_PER_DEGREE};
use super::{Polygon, Shape, VERTICES_MAX, Vertex, units, vertex};
use crate::geo::Datum;
use crate::geo::datum::{from_wgs84, to_wgs84};

/// The fewest positions of a ring, the first counted twice (RFC 7946 section 3.1.6).
const POSITIONS_MIN: usize = 4;
/// The latitude of a pole.
const POLE: f64 = 90.0 * UNITS_PER_DEGREE;

pub(super) fn read(polygons: &[Vec<Vec<Vertex>>], datum: Datum) -> Result<(Shape, Vec<Flaw>), Vec<Flaw>> {
    let count = polygons.iter().flatten().map(Vec::len).sum();
    if count > VERTICES_MAX {
        return Err(vec![Flaw { kind: FlawKind::TooMany(count), polygon: 1, ring: 1, vertex: None }]);
    }
    let mut reader = Reader { datum, flaws: Vec::new(), wound: Noted::default(), unwrapped: Noted::default() };
    if polygons.is_empty() {
        reader.tell(Place { polygon: 0, ring: 0 }, None, FlawKind::Missing);
    }
    let drawn: Vec<Vec<Drawn>> =
        polygons.iter().enumerate().filter_map(|(nth, rings)| reader.polygon(nth, rings)).collect();
    if is_swapped(polygons) {
        reader.tell(Place { polygon: 0, ring: 0 }, None, FlawKind::Swapped);
    }
    if reader.flaws.iter().all(|it| !it.kind.is_fatal()) {
        reader.cross(&drawn);
    }
    reader.finish(drawn)
}

/// A ring that could be read.
struct Drawn {
    place: Place,
    ring: Ring,
    /// The given place of each vertex: rings are turned round, and repetitions left out.
    given: Vec<usize>,
}

impl Drawn {
    /// The given place, from 0, of the vertex at which an edge begins.
    fn given_edge(&self, nth: usize) -> Option<usize> {
        self.given.get(nth..=nth + 1)?.iter().min().copied()
    }
}

/// A ring by its places from 0.
#[derive(Debug, Clone, Copy)]
struct Place {
    polygon: usize,
    ring: usize,
}

/// What a ring is to its polygon.
#[derive(Clone, Copy)]
enum Role<'a> {
    Outer,
    /// With the outer ring, if that could be read.
    HoleIn(Option<&'a Ring>),
}

/// How many rings have a flaw that is told once, and the first of them.
#[derive(Default)]
struct Noted {
    first: Option<Place>,
    count: usize,
}

impl Noted {
    fn add(&mut self, place: Place) {
        self.first.get_or_insert(place);
        self.count += 1;
    }
}

struct Reader {
    datum: Datum,
    flaws: Vec<Flaw>,
    wound: Noted,
    unwrapped: Noted,
}

impl Reader {
    fn tell(&mut self, place: Place, vertex: Option<usize>, kind: FlawKind) {
        let vertex = vertex.map(|it| it + 1);
        self.flaws.push(Flaw { kind, polygon: place.polygon + 1, ring: place.ring + 1, vertex });
    }

    /// The rings, the outer one first; none if one of them is flawed.
    fn polygon(&mut self, nth: usize, rings: &[Vec<Vertex>]) -> Option<Vec<Drawn>> {
        let place = Place { polygon: nth, ring: 0 };
        let Some((outer, holes)) = rings.split_first() else {
            self.tell(place, None, FlawKind::Missing);
            return None;
        };
        let outer = self.ring(place, outer, Role::Outer);
        let around = outer.as_ref().map(|it| &it.ring);
        let holes: Vec<Option<Drawn>> = (1..)
            .zip(holes)
            .map(|(ring, vertices)| self.ring(Place { polygon: nth, ring }, vertices, Role::HoleIn(around)))
            .collect();
        std::iter::once(outer).chain(holes).collect()
    }

    fn ring(&mut self, place: Place, vertices: &[Vertex], role: Role<'_>) -> Option<Drawn> {
        let (mut line, mut given) = self.line(place, vertices)?;
        if line.first() != line.last() {
            self.tell(place, None, FlawKind::AroundPole);
            return None;
        }
        if goes_over_antimeridian(&line) {
            self.unwrapped.add(place);
        }
        let double_area = double_area(&line);
        if line.len() < POSITIONS_MIN || (double_area == 0 && crosses_itself(&Ring::new(line.clone())) != Ok(true)) {
            self.tell(place, None, FlawKind::NoArea);
            return None;
        }
        if double_area != 0 && (double_area > 0) != matches!(role, Role::Outer) {
            self.wound.add(place);
            line.reverse();
            given.reverse();
        }
        let ring = Ring::new(line);
        let Role::HoleIn(Some(outer)) = role else {
            return Some(Drawn { place, ring, given });
        };
        let mut copies = [None, Some(TURN), Some(-TURN)].into_iter().map(|way| moved_east(&ring, way));
        let Some(ring) = copies.find(|it| is_inside(it, outer)) else {
            self.tell(place, None, FlawKind::HoleOutside);
            return None;
        };
        Some(Drawn { place, ring, given })
    }

    /// The vertices in WGS-84 without a seam at the antimeridian and without repetitions, and the given place of each.
    fn line(&mut self, place: Place, vertices: &[Vertex]) -> Option<(Vec<Coord>, Vec<usize>)> {
        if let Some((nth, kind)) = vertices.iter().enumerate().find_map(|(nth, it)| Some((nth, out_of_range(*it)?))) {
            self.tell(place, Some(nth), kind);
            return None;
        }
        if vertices.len() < POSITIONS_MIN {
            self.tell(place, None, FlawKind::TooFew(vertices.len()));
            return None;
        }
        if let (Some(first), Some(last)) = (vertices.first(), vertices.last())
            && first != last
        {
            self.tell(place, Some(vertices.len() - 1), FlawKind::Open);
            return None;
        }
        Some(self.unwrapped(vertices))
    }

    fn unwrapped(&self, vertices: &[Vertex]) -> (Vec<Coord>, Vec<usize>) {
        let mut line: Vec<Coord> = Vec::with_capacity(vertices.len());
        let mut given = Vec::with_capacity(vertices.len());
        let mut turns = 0.0;
        let mut before: Option<Coord> = None;
        for (nth, it) in vertices.iter().enumerate() {
            let (lat, lon) = to_wgs84(it.lat, it.lon, self.datum);
            let at = Coord { x: units(lon), y: units(lat.clamp(-90.0, 90.0)) };
            let step = before.map_or(0.0, |before| at.x - before.x);
            // Along a pole a step round the whole Earth is no step; that is how an area around a pole is cut.
            let is_along_pole = at.y.abs() >= POLE && before.is_some_and(|it| it.y.abs() >= POLE);
            if step.abs() > TURN / 2.0 && !is_along_pole {
                turns -= step.signum();
            }
            before = Some(at);
            let at = Coord { x: at.x + turns * TURN, y: at.y };
            if line.last() != Some(&at) {
                line.push(at);
                given.push(nth);
            }
        }
        (line, given)
    }

    fn cross(&mut self, drawn: &[Vec<Drawn>]) {
        let drawn: Vec<&Drawn> = drawn.iter().flatten().collect();
        let rings: Vec<&Ring> = drawn.iter().map(|it| &it.ring).collect();
        let Ok(found) = crossings(&rings) else {
            self.tell(Place { polygon: 0, ring: 0 }, None, FlawKind::Tangled);
            return;
        };
        for Crossing { first, second, near } in found {
            let (Some(one), Some(other)) = (drawn.get(first.0), drawn.get(second.0)) else {
                continue;
            };
            let near = vertex(near);
            let (lat, lon) = from_wgs84(near.lat, near.lon, self.datum);
            let kind = FlawKind::Crossing {
                polygon: other.place.polygon + 1,
                ring: other.place.ring + 1,
                vertex: other.given_edge(second.1).unwrap_or_default() + 1,
                lat,
                lon,
            };
            self.tell(one.place, one.given_edge(first.1), kind);
        }
    }

    fn finish(mut self, drawn: Vec<Vec<Drawn>>) -> Result<(Shape, Vec<Flaw>), Vec<Flaw>> {
        if let Some(place) = self.wound.first {
            self.tell(place, None, FlawKind::Winding(self.wound.count));
        }
        if let Some(place) = self.unwrapped.first {
            self.tell(place, None, FlawKind::Antimeridian(self.unwrapped.count));
        }
        if self.flaws.iter().any(|it| it.kind.is_fatal()) {
            return Err(self.flaws);
        }
        let polygons = drawn.into_iter().filter_map(|rings| {
            let mut rings = rings.into_iter().map(|it| it.ring);
            Some(Polygon { outer: rings.next()?, holes: rings.collect() })
        });
        Ok((Shape { polygons: polygons.collect() }, self.flaws))
    }
}

fn out_of_range(it: Vertex) -> Option<FlawKind> {
    if !(-90.0..=90.0).contains(&it.lat) {
        return Some(FlawKind::Latitude(it.lat, it.lat.abs() <= 180.0 && it.lon.abs() <= 90.0));
    }
    if !(-180.0..=180.0).contains(&it.lon) {
        return Some(FlawKind::Longitude(it.lon));
    }
    None
}

/// China lies between 18 and 53 degrees north, 73 and 135 east; where its longitudes are latitudes above 90 they are refused anyway.
fn is_swapped(polygons: &[Vec<Vec<Vertex>>]) -> bool {
    let mut all = polygons.iter().flatten().flatten().peekable();
    all.peek().is_some() && all.all(|it| (73.0..=90.0).contains(&it.lat) && (18.0..=53.0).contains(&it.lon))
}

fn goes_over_antimeridian(line: &[Coord]) -> bool {
    let Bounds { west, east, .. } = Bounds::of(line);
    [-TURN / 2.0, TURN / 2.0].into_iter().any(|meridian| west < meridian && meridian < east)
}

/// Twice the area inside a closed line in square units, above zero if it runs counter-clockwise; exact.
fn double_area(line: &[Coord]) -> i128 {
    let whole = |it: f64| i128::from(super::compact::whole(it));
    line.windows(2)
        .map(|edge| if let [a, b] = *edge { whole(a.x) * whole(b.y) - whole(b.x) * whole(a.y) } else { 0 })
        .sum()
}

fn moved_east(ring: &Ring, way: Option<f64>) -> Ring {
    let Some(way) = way else {
        return ring.clone();
    };
    Ring::new(ring.vertices().iter().map(|it| Coord { x: it.x + way, y: it.y }).collect())
}

/// Whether a hole lies in the outer ring, as far as the bounds and one vertex tell; where their lines cross, that is told apart.
fn is_inside(hole: &Ring, outer: &Ring) -> bool {
    outer.bounds().holds(&hole.bounds()) && hole.vertices().iter().any(|it| outer.is_around(*it))
}
