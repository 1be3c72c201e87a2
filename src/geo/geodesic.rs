//! The WGS-84 ellipsoid: distances along its surface and points on it in space; not a search over many places.

use geo::{Distance as _, Geodesic, Point};

use super::Position;

/// Half the longest diameter of the Earth in metres (the definition of WGS-84, NIMA TR8350.2).
pub const EQUATORIAL_RADIUS_M: f64 = 6_378_137.0;

/// How much the ellipsoid is flattened at the poles (the definition of WGS-84, NIMA TR8350.2).
pub const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// Square of the first eccentricity of the ellipsoid.
const ECCENTRICITY_2: f64 = FLATTENING * (2.0 - FLATTENING);

/// Measures the shortest way between two positions along the WGS-84 ellipsoid, in metres.
///
/// The algorithm is Karney's (Algorithms for geodesics, J. Geodesy 87, 2013), good to a few
/// nanometres for every pair of positions, the nearly antipodal ones included.
#[must_use]
pub fn distance_m(a: Position, b: Position) -> f64 {
    Geodesic.distance(Point::new(a.lon(), a.lat()), Point::new(b.lon(), b.lat()))
}

/// Up to this chord, in metres, a series is as good as the general solution.
const SERIES_CHORD_M_MAX: f64 = 50_000.0;

/// Measures the way to a place nearby, at a seventh of the cost of [`distance_m`].
///
/// An arc of curvature k over a chord c is c (1 + (ck)² / 24 + 3 (ck)⁴ / 640 + …) long. The curvature of the ellipsoid in the middle
/// of the chord and in its direction is Euler's mean of those along the meridian and across it. What this leaves out, the
/// change of curvature along the arc, is below 9 nm up to 50 km, found by comparing 300,000 pairs, the poles and the equator
/// among them, with Karney's algorithm, which measures all longer ways.
pub(super) fn short_way_m(from: Position, to: Position, [a_x, a_y, a_z]: [f64; 3], [b_x, b_y, b_z]: [f64; 3]) -> f64 {
    let (x, y, z) = (b_x - a_x, b_y - a_y, b_z - a_z);
    let chord_2 = x * x + y * y + z * z;
    if chord_2 > SERIES_CHORD_M_MAX * SERIES_CHORD_M_MAX {
        return distance_m(from, to);
    }
    let (middle_x, middle_y, middle_z) = (a_x + b_x, a_y + b_y, a_z + b_z);
    let across_2 = middle_x * middle_x + middle_y * middle_y;
    let eastward = middle_x * y - middle_y * x;
    // At a pole there is no east, and the curvature is the same in every direction.
    let east_2 = if across_2 * chord_2 > 0.0 { (eastward * eastward / (across_2 * chord_2)).min(1.0) } else { 0.0 };
    let flat = (1.0 - ECCENTRICITY_2) * (1.0 - ECCENTRICITY_2) * across_2;
    let sin_lat_2 = middle_z * middle_z / (middle_z * middle_z + flat);
    let w_2 = 1.0 - ECCENTRICITY_2 * sin_lat_2;
    let east = w_2.sqrt() / EQUATORIAL_RADIUS_M;
    let north = east * w_2 / (1.0 - ECCENTRICITY_2);
    let curvature = north + (east - north) * east_2;
    let bend_2 = chord_2 * curvature * curvature;
    chord_2.sqrt() * (1.0 + bend_2 * (1.0 / 24.0 + bend_2 * (3.0 / 640.0)))
}

/// Turns a position on the ellipsoid into earth-centred, earth-fixed coordinates, in metres.
///
/// The axes point from the centre of the Earth to (0° N, 0° E), (0° N, 90° E) and the north pole. The
/// straight line between two such points (their chord) is never longer than [`distance_m`].
#[must_use]
pub fn ecef(position: Position) -> [f64; 3] {
    let (sin_lat, cos_lat) = position.lat().to_radians().sin_cos();
    let (sin_lon, cos_lon) = position.lon().to_radians().sin_cos();
    let curvature_radius = EQUATORIAL_RADIUS_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
    [
        curvature_radius * cos_lat * cos_lon,
        curvature_radius * cos_lat * sin_lon,
        curvature_radius * (1.0 - ECCENTRICITY_2) * sin_lat,
    ]
}

/// Finds the middle of positions: the place below the mean of their points in space; none if there are none, or if they
/// surround the Earth so evenly that no place is in their middle.
///
/// Right across the antimeridian and at the poles, where a mean of longitudes is not.
#[must_use]
pub fn middle(positions: &[Position]) -> Option<Position> {
    let [x, y, z] =
        positions.iter().map(|it| ecef(*it)).fold([0.0; 3], |[x, y, z], [dx, dy, dz]| [x + dx, y + dy, z + dz]);
    let count = f64::from(u32::try_from(positions.len()).ok().filter(|it| *it > 0)?);
    let across = x.hypot(y);
    // Less than a kilometre from the centre of the Earth, directions mean nothing.
    if across.hypot(z) / count < 1_000.0 {
        return None;
    }
    // On the surface tan(latitude) = z / ((1 - e²) across); inside, this is off by less than the ellipsoid is flattened.
    let lat = z.atan2((1.0 - ECCENTRICITY_2) * across).to_degrees();
    Position::from_datum(lat, y.atan2(x).to_degrees(), super::Datum::Wgs84).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::Datum;

    fn at(lat: f64, lon: f64) -> Position {
        Position::from_datum(lat, lon, Datum::Wgs84).unwrap()
    }

    proptest! {
        #[test]
        fn a_short_way_is_measured_as_exactly_as_any(
            lat in prop_oneof![4 => -90.0..=90.0_f64, 1 => 89.0..=90.0_f64, 1 => -0.5..=0.5_f64],
            lon in -180.0..=180.0_f64,
            north in -0.5..=0.5_f64,
            east in -0.5..=0.5_f64,
        ) {
            let east = east / lat.to_radians().cos().max(0.01);
            let (a, b) = (at(lat, lon), at((lat + north).clamp(-90.0, 90.0), (lon + east).clamp(-180.0, 180.0)));
            let found = short_way_m(a, b, ecef(a), ecef(b));
            prop_assert!((found - distance_m(a, b)).abs() < 2e-8, "{found} is not {}", distance_m(a, b));
        }
    }

    #[test]
    fn distances_agree_with_geodtest() {
        // lat1 lon1 lat2 lon2 s12 of lines of GeodTest.dat (C. Karney, GeographicLib test data, doi
        // 10.5281/zenodo.32156): middling, short, nearly antipodal, meridional and polar.
        let lines = "\
            .003311913742 0 .001762385472585824 32.846794581272844 3656488.4472191
            35.602540598169 0 -19.406200172031696834 78.995799629955596127 10299779.6328425
            23.225828498891 0 -23.225828498891 179.44518683104154539 19975528.4919571414229
            18.725775553796 0 18.724785210853172866 .006615636046166963 706.2676803
            11.748740014024 0 -8.293112205271585557 .001363527637285404 2216358.685784
            89.996704955767 0 -89.995999621861139779 61.27962282233654637 20003229.2185888
            89.990486671257 0 44.98505487875443047 88.275585060623460608 5018650.3399733
            37.634753648535 0 61.890738855282764565 179.995628232403445455 8972218.8832628
            11.898997917427 0 11.899065303345823952 .000257501685735042 29.0265121";
        for line in lines.lines() {
            let columns = line.split_whitespace().map(|column| column.parse().unwrap());
            let columns: Vec<f64> = columns.collect();
            let [lat1, lon1, lat2, lon2, metres] = *columns else { panic!("five columns") };
            let found = distance_m(at(lat1, lon1), at(lat2, lon2));
            assert!((found - metres).abs() < 1e-6, "{found} is not {metres}");
        }
    }

    #[test]
    fn distances_in_china_agree_with_geographiclib() {
        // From GeographicLib for Python, 2.1.
        let pairs = [
            ([39.908_722, 116.397_499], [31.230_391, 121.473_701], 1_066_679.564_660_452_5),
            ([23.106_414, 113.324_553], [22.543_847, 113.912_316], 86_727.469_952_619_36),
            ([30.243_1, 120.150_7], [31.230_391, 121.473_701], 167_427.572_347_754_12),
            ([31.230_391, 121.473_701], [31.230_391, 121.473_701], 0.0),
            ([31.230_391, 121.473_701], [31.230_481, 121.473_701], 9.978_608_996_059_634),
            ([0.0, 179.9], [0.0, -179.9], 22_263.898_158_653_446),
            ([39.9, 116.4], [39.900_1, 116.400_1], 14.014_860_362_784_73),
        ];
        for (a, b, metres) in pairs {
            let found = distance_m(at(a[0], a[1]), at(b[0], b[1]));
            assert!((found - metres).abs() < 1e-6, "{found} is not {metres}");
        }
    }

    #[test]
    fn points_in_space_agree_with_the_definition() {
        // Computed with forty digits from the definition of the ellipsoid.
        let points = [
            (at(0.0, 0.0), [6_378_137.0, 0.0, 0.0]),
            (at(0.0, 90.0), [0.0, 6_378_137.0, 0.0]),
            (at(0.0, 180.0), [-6_378_137.0, 0.0, 0.0]),
            (at(90.0, 0.0), [0.0, 0.0, 6_356_752.314_245_179]),
            (at(45.0, 45.0), [3_194_419.145_060_574, 3_194_419.145_060_574, 4_487_348.408_865_92]),
            (at(39.908_722, 116.397_499), [-2_178_172.242_014_98, 4_388_380.493_667_109, 4_070_216.572_459_824_6]),
            (at(-33.856_784, 151.215_297), [-4_646_969.370_239_896, 2_553_077.639_585_994, -3_533_265.653_707_440_4]),
        ];
        for (position, wanted) in points {
            for (found, wanted) in ecef(position).into_iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-8, "{found} is not {wanted}");
            }
        }
    }

    fn chord_m(a: Position, b: Position) -> f64 {
        ecef(a).into_iter().zip(ecef(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    proptest! {
        #[test]
        fn no_chord_is_longer_than_its_geodesic(
            lat in -90.0..=90.0, lon in -180.0..=180.0, scale in 0_i32..9, north in -1.0..=1.0, east in -1.0..=1.0,
        ) {
            let reach: f64 = 90.0 / 10_f64.powi(scale);
            let (other_lat, other_lon): (f64, f64) = (lat + north * reach, lon + east * reach);
            let (a, b) = (at(lat, lon), at(other_lat.clamp(-90.0, 90.0), other_lon.clamp(-180.0, 180.0)));
            prop_assert!(chord_m(a, b) <= distance_m(a, b) + 1e-7);
            let antipode = at(-lat, if lon > 0.0 { lon - 180.0 } else { lon + 180.0 });
            prop_assert!(chord_m(b, antipode) <= distance_m(b, antipode) + 1e-7);
        }

        #[test]
        fn a_distance_is_the_same_both_ways(
            lat in -90.0..=90.0, lon in -180.0..=180.0, other_lat in -90.0..=90.0, other_lon in -180.0..=180.0,
        ) {
            let (a, b) = (at(lat, lon), at(other_lat, other_lon));
            prop_assert!((distance_m(a, b) - distance_m(b, a)).abs() < 1e-7);
        }
    }
}
