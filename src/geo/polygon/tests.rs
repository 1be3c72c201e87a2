//! Tests of shapes and their index. The oracle counts crossings in whole numbers, edge by edge, with another formula.

use std::sync::Arc;

use geo::{Contains as _, LineString};
use proptest::prelude::*;

use super::*;

/// A ring of (latitude, longitude), which need not be closed.
fn ring(corners: &[(f64, f64)]) -> Vec<Vertex> {
    let mut ring: Vec<Vertex> = corners.iter().map(|&(lat, lon)| Vertex { lat, lon }).collect();
    ring.push(ring[0]);
    ring
}

fn square(south: f64, west: f64, north: f64, east: f64) -> Vec<Vertex> {
    ring(&[(south, west), (south, east), (north, east), (north, west)])
}

fn read(polygons: &[Vec<Vec<Vertex>>]) -> Result<(Shape, Vec<Flaw>), Vec<Flaw>> {
    Shape::from_rings(polygons, Datum::Wgs84)
}

fn shape(polygons: &[Vec<Vec<Vertex>>]) -> Shape {
    read(polygons).unwrap().0
}

fn at(lat: f64, lon: f64) -> Position {
    Position::from_datum(lat, lon, Datum::Wgs84).unwrap()
}

fn told(flaws: &[Flaw]) -> Vec<String> {
    flaws.iter().map(|it| format!("{} {it}", it.kind.code())).collect()
}

fn refused(polygons: &[Vec<Vec<Vertex>>]) -> Vec<String> {
    told(&read(polygons).unwrap_err())
}

#[test]
fn a_hole_is_outside_and_what_lies_in_it_is_not() {
    let outer = square(0.0, 0.0, 10.0, 10.0);
    let hole = square(2.0, 2.0, 8.0, 8.0);
    let island = square(4.0, 4.0, 6.0, 6.0);
    let shape = shape(&[vec![outer, hole], vec![island]]);
    for (lat, lon, expected) in
        [(1.0, 1.0, true), (3.0, 3.0, false), (5.0, 5.0, true), (7.0, 5.0, false), (9.0, 5.0, true), (11.0, 5.0, false)]
    {
        assert_eq!(shape.covers(at(lat, lon)), expected, "{lat} {lon}");
    }
}

#[test]
fn of_two_neighbours_the_eastern_and_the_northern_one_own_the_border() {
    let (west, east) = (shape(&[vec![square(0.0, 0.0, 1.0, 1.0)]]), shape(&[vec![square(0.0, 1.0, 1.0, 2.0)]]));
    assert_eq!((west.covers(at(0.5, 1.0)), east.covers(at(0.5, 1.0))), (false, true));
    let north = shape(&[vec![square(1.0, 0.0, 2.0, 1.0)]]);
    assert_eq!((west.covers(at(1.0, 0.5)), north.covers(at(1.0, 0.5))), (false, true));
    // A hole and the shape that fills it.
    let ring_road = shape(&[vec![square(-9.0, -9.0, 9.0, 9.0), square(0.0, 0.0, 1.0, 1.0)]]);
    for (lat, lon) in [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.5, 0.0), (0.5, 1.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)] {
        assert_ne!(ring_road.covers(at(lat, lon)), west.covers(at(lat, lon)), "{lat} {lon}");
    }
}

#[test]
fn an_uncut_ring_goes_over_the_antimeridian_the_short_way() {
    let uncut = square(-20.0, 175.0, -15.0, -178.0);
    let (uncut, flaws) = read(&[vec![uncut, square(-18.0, -180.0, -17.0, -179.0)]]).unwrap();
    assert_eq!(
        told(&flaws),
        [
            "antimeridian polygon 1, ring 1: the ring crosses the antimeridian uncut, and is read the short way round",
            "wrong_winding polygon 1, ring 2: the ring is wound the wrong way round, and is read the other way"
        ]
        .map(str::to_owned)
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
    );
    let cut = shape(&[
        vec![square(-20.0, 175.0, -15.0, 180.0)],
        vec![square(-20.0, -180.0, -15.0, -178.0), square(-18.0, -180.0, -17.0, -179.0)],
    ]);
    let index = PolygonIndex::build([(1, Arc::new(uncut.clone())), (2, Arc::new(cut.clone()))]);
    let mut inside = 0;
    for lat in -21..-13 {
        for lon in [174, 175, 176, 177, 178, 179, 180, -180, -179, -178, -177] {
            for part in [0.0, 0.5] {
                let lon = (f64::from(lon) + part).min(180.0);
                let place = at(f64::from(lat) + part, lon);
                assert_eq!(uncut.covers(place), cut.covers(place), "{lat} {lon}");
                let expected = if cut.covers(place) { vec![1, 2] } else { vec![] };
                assert_eq!(index.covering(place), expected);
                inside += usize::from(!expected.is_empty());
            }
        }
    }
    assert!(inside > 40, "{inside}");
    assert_eq!(shape(&uncut.to_rings()), uncut);
}

#[test]
fn a_shape_that_is_none_says_where_and_why() {
    let good = square(0.0, 0.0, 1.0, 1.0);
    let open = square(0.0, 5.0, 1.0, 6.0)[..4].to_vec();
    let few = square(0.0, 5.0, 1.0, 6.0)[..3].to_vec();
    assert_eq!(refused(&[]), ["empty_area polygon 1, ring 1: there is no ring"]);
    assert_eq!(refused(&[vec![good.clone()], vec![]]), ["empty_area polygon 2, ring 1: there is no ring"]);
    assert_eq!(
        refused(&[vec![good.clone()], vec![open, few]]),
        [
            "open_ring polygon 2, ring 1, vertex 4: the ring is open: its last position is not its first",
            "too_few_positions polygon 2, ring 2: a ring has at least 4 positions, this one has 3"
        ]
    );
    for flat in [
        ring(&[(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)]),
        ring(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]),
        ring(&[(1.0, 1.0), (1.5, 2.0), (3.0, 3.0), (1.5, 2.0)]),
    ] {
        assert_eq!(refused(&[vec![flat]]), ["empty_area polygon 1, ring 1: the ring encloses nothing"]);
    }
    assert_eq!(
        refused(&[vec![ring(&[(121.0, 31.0), (122.0, 31.0), (122.0, 32.0)])], vec![square(0.0, 5.0, 1.0, 190.0)]]),
        [
            "out_of_range polygon 1, ring 1, vertex 1: latitude 121 is not between -90 and 90 degrees; latitude and longitude look \
             exchanged, GeoJSON puts the longitude first",
            "out_of_range polygon 2, ring 1, vertex 2: longitude 190 is not between -180 and 180 degrees"
        ]
    );
    assert_eq!(refused(&[vec![ring(&[(f64::NAN, 0.0), (1.0, 1.0), (0.0, 1.0)])]]).len(), 1);
    assert_eq!(
        refused(&[vec![good.clone(), square(0.2, 0.2, 0.8, 1.2)], vec![square(3.0, 3.0, 4.0, 4.0), good]]),
        [
            "hole_outside polygon 1, ring 2: this hole does not lie inside the outer ring of its polygon",
            "hole_outside polygon 2, ring 2: this hole does not lie inside the outer ring of its polygon",
            "wrong_winding polygon 1, ring 2: this ring and 1 more are wound the wrong way round, and are read the other way"
        ]
    );
    assert_eq!(
        refused(&[vec![ring(&[(80.0, 0.0), (80.0, 90.0), (80.0, 180.0), (80.0, -90.0)])]]),
        ["around_pole polygon 1, ring 1: the ring goes round a pole; cut it at the antimeridian"]
    );
    let many = vec![Vertex { lat: 0.0, lon: 0.0 }; VERTICES_MAX + 1];
    assert_eq!(
        refused(&[vec![many]]),
        ["too_many_vertices polygon 1, ring 1: 500001 vertices, at most 500000 are read; simplify the shape"]
    );
}

#[test]
fn an_area_around_a_pole_that_is_cut_at_the_antimeridian_is_read() {
    let cap = ring(&[(-90.0, -180.0), (-90.0, 180.0), (-70.0, 180.0), (-75.0, 0.0), (-70.0, -180.0)]);
    let (cap, flaws) = read(&[vec![cap]]).unwrap();
    assert_eq!(told(&flaws), [""; 0]);
    assert!(cap.covers(at(-80.0, 12.0)) && cap.covers(at(-80.0, -170.0)) && cap.covers(at(-90.0, 5.0)));
    assert!(!cap.covers(at(-60.0, 12.0)) && !cap.covers(at(90.0, 0.0)));
}

#[test]
fn a_ring_that_crosses_itself_is_read_by_the_even_odd_rule() {
    let bow = ring(&[(0.0, 0.0), (2.0, 2.0), (0.0, 2.0), (2.0, 0.0)]);
    let (bow, flaws) = read(&[vec![square(5.0, 5.0, 6.0, 6.0)], vec![bow]]).unwrap();
    assert_eq!(
        told(&flaws),
        [
            "self_intersecting polygon 2, ring 1, vertex 1: the edge meets that of polygon 2, ring 1, vertex 3 near latitude 1.000000, \
          longitude 1.000000"
        ]
    );
    assert!(bow.covers(at(1.0, 0.5)) && bow.covers(at(1.0, 1.5)));
    assert!(!bow.covers(at(0.5, 1.0)) && !bow.covers(at(1.5, 1.0)));
    // Twice round the same way: the middle is enclosed twice, so it is outside.
    let star = ring(&[(3.0, 0.0), (-2.4, 1.8), (1.0, -2.9), (1.0, 2.9), (-2.4, -1.8)]);
    let (star, flaws) = read(&[vec![star]]).unwrap();
    assert_eq!(flaws[0].kind.code(), "self_intersecting");
    assert!(!star.covers(at(0.0, 0.0)) && star.covers(at(2.5, 0.0)));
}

#[test]
fn a_crossing_is_placed_in_the_numbers_that_were_given() {
    // Wound the wrong way, with a vertex given twice, in another datum.
    let spike = ring(&[(31.0, 121.0), (31.0, 121.0), (31.1, 121.0), (31.1, 121.2), (31.1, 121.1), (31.0, 121.1)]);
    let (_, flaws) = Shape::from_rings(&[vec![spike]], Datum::Gcj02).unwrap();
    let kinds: Vec<&str> = flaws.iter().map(|it| it.kind.code()).collect();
    assert_eq!(kinds, ["wrong_winding"], "converted, the vertices of the spike are no longer in line");
    let bow = ring(&[(31.0, 121.0), (31.0, 121.0), (31.2, 121.0), (31.0, 121.2), (31.2, 121.2)]);
    let (_, flaws) = Shape::from_rings(&[vec![bow]], Datum::Gcj02).unwrap();
    let FlawKind::Crossing { vertex, lat, lon, .. } = flaws[0].kind else { panic!("{flaws:?}") };
    assert!(matches!((flaws[0].vertex, vertex), (Some(3), 5) | (Some(5), 3)), "{flaws:?}");
    assert!((lat - 31.1).abs() < 1e-3 && (lon - 121.1).abs() < 1e-3, "{flaws:?}");
}

#[test]
fn exchanged_coordinates_are_suspicious() {
    let (_, flaws) = read(&[vec![square(87.0, 43.0, 88.0, 44.0)]]).unwrap();
    assert_eq!(flaws.iter().map(|it| it.kind.code()).collect::<Vec<_>>(), ["swapped"]);
}

#[test]
fn every_vertex_is_converted_from_its_datum() {
    let (lat, lon) = (31.228_448_730_693_717, 121.478_224_055_244_81);
    let (shape, _) = Shape::from_rings(&[vec![square(lat, lon, lat + 1.0, lon + 1.0)]], Datum::Gcj02).unwrap();
    let corner = shape.to_rings()[0][0][0];
    // From gcoord 1.0.7.
    assert!((corner.lat - 31.230_391).abs() < 1e-8 && (corner.lon - 121.473_701).abs() < 1e-8);
}

#[test]
fn a_circle_holds_the_shape() {
    let shape = shape(&[vec![square(30.0, 120.0, 31.0, 122.0)], vec![square(30.0, 123.0, 31.0, 124.0)]]);
    let circle = shape.circle();
    assert!((circle.middle.lat() - 30.5).abs() < 1e-9 && (circle.middle.lon() - 122.0).abs() < 1e-9);
    // From GeographicLib for Python, 2.1: 30.5, 122 to 30, 120.
    assert!((circle.radius_m - 200_704.0).abs() < 1_000.0, "{}", circle.radius_m);
    let over = read(&[vec![square(-10.0, 170.0, 10.0, -170.0)]]).unwrap().0.circle();
    assert!((over.middle.lon().abs() - 180.0).abs() < 1e-9 && over.radius_m > 1.1e6, "{over:?}");
}

/// Whether an odd number of edges pass east of the point, in whole numbers: the same rule as the code's, by another formula.
fn oracle(rings: &[Vec<Vertex>], place: Position) -> bool {
    let whole = |degrees: f64| i128::from(compact::whole(units(degrees)));
    let (y, x) = (whole(place.lat()), whole(place.lon()));
    rings.iter().all(|it| !it.is_empty())
        && rings.iter().enumerate().all(|(nth, ring)| {
            let mut odd = false;
            for edge in ring.windows(2) {
                let (ax, ay, bx, by) = (whole(edge[0].lon), whole(edge[0].lat), whole(edge[1].lon), whole(edge[1].lat));
                if (ay > y) != (by > y) {
                    // The crossing at ax + (y − ay)(bx − ax) / (by − ay) lies east of x.
                    let (left, right) = ((y - ay) * (bx - ax), (x - ax) * (by - ay));
                    odd ^= if by > ay { left > right } else { left < right };
                }
            }
            odd == (nth == 0)
        })
}

/// Places on a grid of a tenth of a degree, so that vertices, edges and places coincide often.
fn tenths() -> impl Strategy<Value = (f64, f64)> {
    (-30..=30, -30..=30).prop_map(|(lat, lon)| (f64::from(lat) / 10.0, f64::from(lon) / 10.0))
}

fn any_ring() -> impl Strategy<Value = Vec<Vertex>> {
    prop::collection::vec(tenths(), 3..60).prop_map(|corners| ring(&corners))
}

/// A ring that does not cross itself: corners around the middle, at random distances.
fn star_ring() -> impl Strategy<Value = Vec<Vertex>> {
    prop::collection::vec(0.2..3.0_f64, 3..600).prop_map(|radii| {
        let count = f64::from(u32::try_from(radii.len()).unwrap());
        let corner = |(nth, radius): (u32, f64)| {
            let (sin, cos) = (f64::from(nth) / count * std::f64::consts::TAU).sin_cos();
            (radius * sin, radius * cos)
        };
        ring(&(0..).zip(radii).map(corner).collect::<Vec<_>>())
    })
}

proptest! {
    #[test]
    fn inside_is_what_an_odd_number_of_crossings_says(ring in any_ring(), places in prop::collection::vec(tenths(), 40)) {
        let Ok((shape, _)) = read(&[vec![ring.clone()]]) else { return Ok(()) };
        for (lat, lon) in places {
            prop_assert_eq!(shape.covers(at(lat, lon)), oracle(std::slice::from_ref(&ring), at(lat, lon)), "{} {}", lat, lon);
        }
    }

    #[test]
    fn inside_is_what_geo_says_off_the_border(ring in star_ring(), places in prop::collection::vec((-3.1..3.1, -3.1..3.1), 40)) {
        let (shape, flaws) = read(&[vec![ring.clone()]]).unwrap();
        prop_assert!(flaws.is_empty(), "{:?}", flaws);
        let rings = shape.to_rings();
        let line = LineString(rings[0][0].iter().map(|it| Coord { x: it.lon, y: it.lat }).collect());
        let plain = ::geo::Polygon::new(line, vec![]);
        for (lat, lon) in places {
            prop_assert_eq!(shape.covers(at(lat, lon)), plain.contains(&Coord { x: lon, y: lat }), "{} {}", lat, lon);
        }
    }

    #[test]
    fn the_index_says_what_asking_every_shape_says(
        rings in prop::collection::vec(any_ring(), 1..20),
        places in prop::collection::vec(tenths(), 40),
    ) {
        let shapes: Vec<(usize, Arc<Shape>)> = rings
            .iter()
            .enumerate()
            .filter_map(|(key, ring)| Some((key / 2, Arc::new(read(&[vec![ring.clone()]]).ok()?.0))))
            .collect();
        let index = PolygonIndex::build(shapes.clone());
        for (lat, lon) in places {
            let mut expected: Vec<usize> = shapes.iter().filter(|it| it.1.covers(at(lat, lon))).map(|it| it.0).collect();
            expected.dedup();
            prop_assert_eq!(index.covering(at(lat, lon)), expected);
        }
    }

    /// A board of crooked squares whose corners are shared: corners, middles of borders and everything else belong to one each.
    #[test]
    fn a_border_belongs_to_exactly_one_of_a_partition(
        jitter in prop::collection::vec((-4..=4_i32, -4..=4_i32), 49),
        (lat, lon) in prop::sample::select(vec![(30.0, 110.0), (-17.0, 180.0), (0.0, 0.0), (60.0, -180.0)]),
        free in prop::collection::vec((0.6..5.4_f64, 0.6..5.4_f64), 20),
    ) {
        let wrap = |lon: f64| if lon > 180.0 { lon - 360.0 } else if lon < -180.0 { lon + 360.0 } else { lon };
        // Corners on tenths of a degree, so that the middle of a border is a whole number of units on it.
        let corner = |row: usize, column: usize| {
            let (north, east) = jitter[row * 7 + column];
            let steps = |at: usize, jitter: i32| f64::from(i32::try_from(at).unwrap() * 20 + 2 * jitter) / 20.0;
            (lat + steps(row, north), wrap(lon + steps(column, east)))
        };
        let cell = |row, column| {
            ring(&[corner(row, column), corner(row, column + 1), corner(row + 1, column + 1), corner(row + 1, column)])
        };
        let cells = (0..36_usize).map(|it| (it, Arc::new(shape(&[vec![cell(it / 6, it % 6)]]))));
        let index = PolygonIndex::build(cells);
        let mut places: Vec<(f64, f64)> = free.iter().map(|(north, east)| (lat + north, wrap(lon + east))).collect();
        let middle = |a: (f64, f64), b: (f64, f64)| {
            let b_lon = if b.1 - a.1 > 180.0 { b.1 - 360.0 } else if a.1 - b.1 > 180.0 { b.1 + 360.0 } else { b.1 };
            (f64::midpoint(a.0, b.0), wrap(f64::midpoint(a.1, b_lon)))
        };
        for row in 1..6 {
            for column in 1..6 {
                places.push(corner(row, column));
                places.push(middle(corner(row, column), corner(row, column + 1)));
                places.push(middle(corner(row, column), corner(row + 1, column)));
            }
        }
        for (lat, lon) in places {
            prop_assert_eq!(index.covering(at(lat, lon)).len(), 1, "{} {}", lat, lon);
        }
    }

    #[test]
    fn a_stored_shape_comes_back_the_same(rings in prop::collection::vec(any_ring(), 1..4)) {
        let polygons: Vec<Vec<Vec<Vertex>>> = rings.into_iter().map(|it| vec![it]).collect();
        let Ok((shape, _)) = read(&polygons) else { return Ok(()) };
        prop_assert_eq!(&Shape::try_from(String::from(shape.clone())).unwrap(), &shape);
        let (again, _) = read(&shape.to_rings()).unwrap();
        prop_assert_eq!(again, shape);
    }

    #[test]
    fn no_bytes_make_reading_a_stored_shape_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let text = data_encoding::BASE64_NOPAD.encode(&[vec![1, 1, 1], bytes].concat());
        if let Ok(shape) = Shape::try_from(text) {
            let _ = (shape.covers(at(0.0, 0.0)), shape.circle());
        }
    }
}
