//! The three datums in use in China and the conversions between them; not the range check, which positions do.
//!
//! GCJ-02 shifts every place in China by 20 to 710 metres, BD-09 shifts GCJ-02 by another 760 to 990.
//! Neither has a public specification. The formulas are the publicly known ones that gcoord 1.0.7,
//! coordtransform 2.1.2 and eviltransform 0.1.1 share; constants and rectangle are those of gcoord.

use std::f64::consts::PI;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Semi-major axis of the ellipsoid that the GCJ-02 formulas are written for (Krasovsky 1940), in metres.
const SEMI_MAJOR_M: f64 = 6_378_245.0;

/// Square of the eccentricity of that ellipsoid.
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;

/// Angular frequency of the BD-09 ripple, per degree.
const BD09_FREQUENCY: f64 = PI * 3000.0 / 180.0;

/// Degrees that BD-09 adds to the latitude.
const BD09_LAT_OFFSET: f64 = 0.006;

/// Degrees that BD-09 adds to the longitude.
const BD09_LON_OFFSET: f64 = 0.0065;

/// An inverse stops when a step moves by less than this, in degrees (about 0.01 mm).
const INVERSE_STEP_DEGREES: f64 = 1e-10;

/// An inverse gives up improving after this many steps. Six are enough for every place on Earth.
const INVERSE_STEPS_MAX: usize = 10;

/// What a latitude and a longitude refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datum {
    /// What satellites and browsers give, and the only datum inside the program.
    #[default]
    Wgs84,
    /// What maps in China show: Tencent's (and so WeChat's) and 高德.
    Gcj02,
    /// What Baidu's maps show.
    Bd09,
}

impl Datum {
    /// Reads the name of a datum or of a map that uses it, in any case: `wgs84`, `GCJ-02`, `高德` …
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "wgs84" | "wgs-84" | "gps" => Some(Self::Wgs84),
            "gcj02" | "gcj-02" | "amap" | "tencent" | "高德" | "腾讯" | "火星" => Some(Self::Gcj02),
            "bd09" | "bd-09" | "bd09ll" | "baidu" | "百度" => Some(Self::Bd09),
            _ => None,
        }
    }

    /// The one name that is written: `wgs84`, `gcj02` or `bd09`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Converts a latitude and a longitude in degrees of `datum` to WGS-84.
///
/// Whether a GCJ-02 place is shifted back depends on the GCJ-02 numbers: inside the rectangle of
/// [`is_shifted`] they are, with the smooth formula, also where the answer falls just outside; outside they stay.
/// So the inverse is exact for every place whose GCJ-02 numbers are inside the rectangle; in the strip of some
/// hundred metres along its edge two places share one pair of numbers, and no inverse could tell them apart.
#[must_use]
pub fn to_wgs84(lat: f64, lon: f64, datum: Datum) -> (f64, f64) {
    match datum {
        Datum::Wgs84 => (lat, lon),
        Datum::Gcj02 => gcj02_to_wgs84(lat, lon),
        Datum::Bd09 => {
            let (lat, lon) = bd09_to_gcj02(lat, lon);
            gcj02_to_wgs84(lat, lon)
        }
    }
}

/// Converts a WGS-84 latitude and longitude in degrees to `datum`.
///
/// BD-09 numbers of places within 0.01 degrees of a pole or of the antimeridian can leave the usual range by as much.
#[must_use]
pub fn from_wgs84(lat: f64, lon: f64, datum: Datum) -> (f64, f64) {
    match datum {
        Datum::Wgs84 => (lat, lon),
        Datum::Gcj02 => wgs84_to_gcj02(lat, lon),
        Datum::Bd09 => {
            let (lat, lon) = wgs84_to_gcj02(lat, lon);
            gcj02_to_bd09(lat, lon)
        }
    }
}

/// Tells whether GCJ-02 differs from WGS-84 at a latitude and longitude in degrees.
///
/// The rule is gcoord's and eviltransform's rectangle, borders included. It is wider than China: Seoul, Hanoi and
/// Singapore are shifted, Tokyo is not. (coordtransform's rectangle is narrower, so it differs from gcoord there.)
#[must_use]
pub fn is_shifted(lat: f64, lon: f64) -> bool {
    (0.8293..=55.827_1).contains(&lat) && (72.004..=137.834_7).contains(&lon)
}

fn wgs84_to_gcj02(lat: f64, lon: f64) -> (f64, f64) {
    if is_shifted(lat, lon) { gcj02_of(lat, lon) } else { (lat, lon) }
}

fn gcj02_to_wgs84(lat: f64, lon: f64) -> (f64, f64) {
    if is_shifted(lat, lon) {
        // Not the function with the rectangle: a step across the border would drop the shift and the steps
        // would jump to and fro for ever, as gcoord's do for the GCJ-02 numbers of WGS-84 (30, 72.004).
        invert(lat, lon, gcj02_of)
    } else {
        (lat, lon)
    }
}

/// The inverse of gcoord's one step is up to 0.22 m off; the iteration is not.
fn bd09_to_gcj02(lat: f64, lon: f64) -> (f64, f64) {
    invert(lat, lon, gcj02_to_bd09)
}

/// Finds what `convert` turns into (`lat`, `lon`), by fixed-point iteration.
///
/// Both conversions differ from the identity by a shift that changes by less than three per cent of the way walked,
/// so each step gains a digit and a half at least.
fn invert(lat: f64, lon: f64, convert: impl Fn(f64, f64) -> (f64, f64)) -> (f64, f64) {
    let (mut found_lat, mut found_lon) = (lat, lon);
    for _ in 0..INVERSE_STEPS_MAX {
        let (probe_lat, probe_lon) = convert(found_lat, found_lon);
        let (step_lat, step_lon) = (probe_lat - lat, probe_lon - lon);
        found_lat -= step_lat;
        found_lon -= step_lon;
        if step_lat.abs() < INVERSE_STEP_DEGREES && step_lon.abs() < INVERSE_STEP_DEGREES {
            break;
        }
    }
    (found_lat, found_lon)
}

/// The GCJ-02 numbers of a WGS-84 place by formula alone, without the rectangle.
fn gcj02_of(lat: f64, lon: f64) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let common = wave(20.0, 6.0 * x) + wave(20.0, 2.0 * x);
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + common
        + (wave(20.0, y) + wave(40.0, y / 3.0))
        + (wave(160.0, y / 12.0) + wave(320.0, y / 30.0));
    let east_m = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + common
        + (wave(20.0, x) + wave(40.0, x / 3.0))
        + (wave(150.0, x / 12.0) + wave(300.0, x / 30.0));

    let (sin_lat, cos_lat) = lat.to_radians().sin_cos();
    let m = 1.0 - ECCENTRICITY_2 * sin_lat * sin_lat;
    let meridian_radius_m = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_2) / (m * m.sqrt());
    let parallel_radius_m = SEMI_MAJOR_M / m.sqrt() * cos_lat;
    (lat + (north_m / meridian_radius_m).to_degrees(), lon + (east_m / parallel_radius_m).to_degrees())
}

/// One wave of the shift, in metres: two thirds of `amplitude_m`, at `half_turns` half turns.
fn wave(amplitude_m: f64, half_turns: f64) -> f64 {
    amplitude_m * (half_turns * PI).sin() * 2.0 / 3.0
}

/// Applies everywhere, as in gcoord and coordtransform; only eviltransform keeps to a rectangle.
fn gcj02_to_bd09(lat: f64, lon: f64) -> (f64, f64) {
    let radius = lon.hypot(lat) + 2e-5 * (lat * BD09_FREQUENCY).sin();
    let (sin_angle, cos_angle) = (lat.atan2(lon) + 3e-6 * (lon * BD09_FREQUENCY).cos()).sin_cos();
    (radius * sin_angle + BD09_LAT_OFFSET, radius * cos_angle + BD09_LON_OFFSET)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::{Position, distance_m};

    /// WGS-84, GCJ-02 and BD-09 latitude and longitude as gcoord 1.0.7 converts them, in full digits. The GCJ-02 of
    /// Beijing, Shanghai and Shenzhen stands in eviltransform's published tests too.
    const GCOORD: &str = "\
        39.908722 116.397499 39.91012550007891 116.4037425752605 39.91646474746305 116.41011556899208 Beijing, Tiananmen
        39.911954 116.377817 39.91334545536069 116.38404722455657 39.91957555096588 116.39045471310828 Beijing
        31.1774276 121.5272106 31.17530398364597 121.531541859215 31.18132860687446 121.53801568643858 Shanghai
        22.543847 113.912316 22.540796131694766 113.9171764808363 22.546667437751108 113.92368472926734 Shenzhen
        31.230391 121.473701 31.228448730693717 121.47822405524481 31.23430156934374 121.48478246816055 Shanghai, People's Square
        43.825592 87.616848 43.826797436147594 87.61969799823531 43.83294127029601 87.62614810195592 Urumqi
        29.657703 91.117212 29.65499758869635 91.11877256599263 29.6608807727627 91.12532545453466 Lhasa
        39.4704 75.989138 39.470625044019975 75.99209080649902 39.476595790621 75.99859537705692 Kashgar
        18.252847 109.511909 18.251141748703045 109.51599327140339 18.25692363216166 109.52254078980954 Sanya
        52.972272 122.538592 52.97378492505402 122.545620641252 52.97987102550447 122.55209038787521 Mohe
        30.59285 114.305539 30.59044065065711 114.31098394670073 30.596150404797108 114.31755168271943 Wuhan
        48.364716 134.307884 48.36712746611252 134.31560527665522 48.373013365564404 134.32215411445358 Fuyuan
        35 105 34.99909863223526 105.00328624145706 35.005403668456964 105.00966682831948 Origin of the formulas
        35.681236 139.767125 35.681236 139.767125 35.687177234137444 139.77365717349576 Tokyo, outside the rectangle
        1.3521 103.8198 1.3526895153473426 103.82118321534345 1.358828506130379 103.82770120803326 Singapore, abroad but inside the rectangle
        40.7128 -74.006 40.7128 -74.006 40.71885569682683 -73.99949194136177 New York, outside
        30 72.004 29.996900343898336 72.00788597141653 30.00309696954197 72.01430056026135 The western border, where gcoord's inverse never ends
        30 73 29.996901580679413 73.00320093467231 30.002760742620136 73.00975531213358 The strip that narrower rectangles leave out";

    fn gcoord() -> impl Iterator<Item = [(f64, f64); 3]> {
        GCOORD.lines().map(|line| {
            let numbers = line.split_whitespace().take(6);
            let numbers: Vec<f64> = numbers.map(|number| number.parse().unwrap()).collect();
            [0, 2, 4].map(|first| (numbers[first], numbers[first + 1]))
        })
    }

    #[track_caller]
    fn assert_close(found: (f64, f64), wanted: (f64, f64), degrees: f64) {
        let near = (found.0 - wanted.0).abs() <= degrees && (found.1 - wanted.1).abs() <= degrees;
        assert!(near, "{found:?} is not within {degrees} degrees of {wanted:?}");
    }

    fn metres_between(a: (f64, f64), b: (f64, f64)) -> f64 {
        let position = |(lat, lon)| Position::from_datum(lat, lon, Datum::Wgs84).unwrap();
        distance_m(position(a), position(b))
    }

    #[test]
    fn conversions_agree_with_gcoord() {
        for [wgs, gcj, bd] in gcoord() {
            assert_close(from_wgs84(wgs.0, wgs.1, Datum::Gcj02), gcj, 1e-9);
            assert_close(from_wgs84(wgs.0, wgs.1, Datum::Bd09), bd, 1e-9);
            assert_close(to_wgs84(gcj.0, gcj.1, Datum::Gcj02), wgs, 1e-8);
            assert_close(to_wgs84(bd.0, bd.1, Datum::Bd09), wgs, 1e-8);
        }
    }

    #[test]
    fn bd09_is_resolved_better_than_by_gcoords_single_step() {
        // The single step's answer for Tiananmen is 5.5 cm off: within the tolerance, but not the place.
        let found = bd09_to_gcj02(39.916_464_747_463_05, 116.410_115_568_992_08);
        assert_close(found, (39.910_125_154_369_76, 116.403_743_016_089_85), 3e-6);
        assert_close(found, (39.910_125_500_078_91, 116.403_742_575_260_5), 1e-9);
    }

    #[test]
    fn wgs84_is_left_alone() {
        assert_eq!(to_wgs84(31.230_391, 121.473_701, Datum::Wgs84), (31.230_391, 121.473_701));
        assert_eq!(from_wgs84(31.230_391, 121.473_701, Datum::Wgs84), (31.230_391, 121.473_701));
    }

    #[test]
    fn the_rectangle_includes_its_borders() {
        for (lat, lon) in [(0.8293, 72.004), (0.8293, 137.834_7), (55.827_1, 72.004), (55.827_1, 137.834_7)] {
            assert!(is_shifted(lat, lon));
            assert_ne!(from_wgs84(lat, lon, Datum::Gcj02), (lat, lon));
        }
        for (lat, lon) in [(0.8292, 100.0), (55.827_2, 100.0), (30.0, 72.003_9), (30.0, 137.834_8)] {
            assert!(!is_shifted(lat, lon));
            assert_eq!(from_wgs84(lat, lon, Datum::Gcj02), (lat, lon));
            assert_eq!(to_wgs84(lat, lon, Datum::Gcj02), (lat, lon));
        }
    }

    #[test]
    fn the_inverse_ends_on_numbers_that_no_place_has() {
        // Just inside the western border: the place that would be shifted here is not inside the rectangle.
        let found = to_wgs84(30.0, 72.004_1, Datum::Gcj02);
        assert!(metres_between(found, (30.0, 72.004_1)) < 1000.0);
        assert!(to_wgs84(f64::NAN, 100.0, Datum::Gcj02).0.is_nan());
        assert!(to_wgs84(f64::NAN, 100.0, Datum::Bd09).0.is_nan());
    }

    #[test]
    fn names_of_datums_and_of_their_maps_are_read() {
        for name in ["wgs84", "WGS-84", " gps ", "Gps"] {
            assert_eq!(Datum::parse(name), Some(Datum::Wgs84));
        }
        for name in ["gcj02", "GCJ-02", "高德", "腾讯", "AMap", "tencent", "火星"] {
            assert_eq!(Datum::parse(name), Some(Datum::Gcj02));
        }
        for name in ["bd09", "BD-09", "bd09ll", "百度", "Baidu"] {
            assert_eq!(Datum::parse(name), Some(Datum::Bd09));
        }
        for name in ["", "wgs", "epsg:4326", "bd09mc"] {
            assert_eq!(Datum::parse(name), None);
        }
    }

    #[test]
    fn a_datum_is_written_in_lower_case() {
        for (datum, name) in [(Datum::Wgs84, "wgs84"), (Datum::Gcj02, "gcj02"), (Datum::Bd09, "bd09")] {
            assert_eq!(datum.to_string(), name);
            assert_eq!(serde_json::to_value(datum).unwrap(), name);
            assert_eq!(serde_json::from_value::<Datum>(name.into()).unwrap(), datum);
        }
    }

    proptest! {
        #[test]
        fn in_china_there_and_back_is_within_a_centimetre(lat in 3.0..54.0, lon in 73.0..135.5) {
            for datum in [Datum::Gcj02, Datum::Bd09] {
                let (there_lat, there_lon) = from_wgs84(lat, lon, datum);
                prop_assert!(metres_between(to_wgs84(there_lat, there_lon, datum), (lat, lon)) < 0.01);
            }
        }

        #[test]
        fn in_china_the_shifts_have_their_known_sizes(lat in 18.0..53.5, lon in 73.7..135.0) {
            let gcj = from_wgs84(lat, lon, Datum::Gcj02);
            let bd = from_wgs84(lat, lon, Datum::Bd09);
            prop_assert!((18.0..725.0).contains(&metres_between(gcj, (lat, lon))));
            prop_assert!((755.0..995.0).contains(&metres_between(gcj, bd)));
        }

        #[test]
        fn outside_the_rectangle_gcj02_is_wgs84(lat in -90.0..90.0, lon in -180.0..180.0) {
            prop_assume!(!is_shifted(lat, lon));
            prop_assert_eq!(from_wgs84(lat, lon, Datum::Gcj02), (lat, lon));
            prop_assert_eq!(to_wgs84(lat, lon, Datum::Gcj02), (lat, lon));
        }

        #[test]
        fn bd09_goes_there_and_back_anywhere(lat in -89.9..89.9, lon in -179.9..179.9) {
            let (bd_lat, bd_lon) = gcj02_to_bd09(lat, lon);
            let (back_lat, back_lon) = bd09_to_gcj02(bd_lat, bd_lon);
            prop_assert!((back_lat - lat).abs() < 1e-8 && (back_lon - lon).abs() < 1e-8);
        }
    }
}
