//! Checks conversions and distances against all public vectors of the real-data folder; not against copies of them.

use std::fs;
use std::path::PathBuf;

use jinqun::geo::datum::{from_wgs84, to_wgs84};
use jinqun::geo::{Datum, Position, distance_m};
use serde_json::Value;

/// The README of the folder names one metre for the vectors in `coords/`: their makers use other constants.
const CSV_TOLERANCE_M: f64 = 1.0;

fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("JINQUN_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
    }
    folder
}

fn at((lat, lon): (f64, f64)) -> Position {
    Position::from_datum(lat, lon, Datum::Wgs84).expect("the vectors are in range")
}

fn pair(value: &Value) -> Option<(f64, f64)> {
    Some((value.get(0)?.as_f64()?, value.get(1)?.as_f64()?))
}

#[track_caller]
fn assert_close(name: &str, found: (f64, f64), wanted: (f64, f64), degrees: f64) {
    let near = (found.0 - wanted.0).abs() <= degrees && (found.1 - wanted.1).abs() <= degrees;
    assert!(near, "{name}: {found:?} is not within {degrees} degrees of {wanted:?}");
}

fn convert(place: (f64, f64), from: Datum, to: Datum) -> (f64, f64) {
    let (lat, lon) = to_wgs84(place.0, place.1, from);
    from_wgs84(lat, lon, to)
}

#[test]
fn conversions_agree_with_the_four_libraries() {
    let Some(folder) = real_data() else { return };
    let text = fs::read_to_string(folder.join("../wecom-vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let points = vectors["coordinates"].as_array().unwrap();
    assert_eq!(points.len(), 28);
    for point in points {
        let name = point["name"].as_str().unwrap();
        let wgs = (point["wgs84"]["lat"].as_f64().unwrap(), point["wgs84"]["lng"].as_f64().unwrap());
        let gcj = pair(&point["gcj02"]["gcoord_1.0.7"]).unwrap();
        let bd = pair(&point["bd09_from_gcoord_gcj02"]["gcoord_1.0.7"]).unwrap();

        assert_close(name, from_wgs84(wgs.0, wgs.1, Datum::Gcj02), gcj, 1e-9);
        assert_close(name, from_wgs84(wgs.0, wgs.1, Datum::Bd09), bd, 1e-9);
        assert_close(name, to_wgs84(gcj.0, gcj.1, Datum::Gcj02), wgs, 1e-8);
        assert_close(name, to_wgs84(bd.0, bd.1, Datum::Bd09), wgs, 3e-6);

        let other = |group: &str, library: &str| pair(&point[group][library]);
        let eviltransform = other("gcj02", "eviltransform_pypi_0.1.1").unwrap();
        assert_close(name, from_wgs84(wgs.0, wgs.1, Datum::Gcj02), eviltransform, 2e-7);
        if point["in_narrow_rect"] == true || point["in_wide_rect"] == false {
            let coordtransform = other("gcj02", "coordtransform_2.1.2").unwrap();
            assert_close(name, from_wgs84(wgs.0, wgs.1, Datum::Gcj02), coordtransform, 1e-9);
        }
        // On the border a place can come back a hair outside the rectangle, where GCJ-02 is WGS-84.
        if wgs.1 > 72.004 {
            let back = convert(bd, Datum::Bd09, Datum::Gcj02);
            let one_step = other("gcj02_back_from_bd09", "gcoord_1.0.7").unwrap();
            assert_close(name, back, one_step, 3e-6);
            assert_close(name, back, gcj, 1e-8);
        }
    }
}

#[test]
fn distances_agree_with_geographiclib() {
    let Some(folder) = real_data() else { return };
    let text = fs::read_to_string(folder.join("../wecom-vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let pairs = vectors["distances"].as_array().unwrap();
    assert_eq!(pairs.len(), 9);
    for row in pairs {
        let found = distance_m(at(pair(&row["a"]).unwrap()), at(pair(&row["b"]).unwrap()));
        let wanted = row["geodesic_wgs84_m"].as_f64().unwrap();
        assert!((found - wanted).abs() < 1e-6, "{found} is not {wanted}");
    }

    // Columns of GeodTest: lat1 lon1 azi1 lat2 lon2 azi2 s12 a12 m12 S12.
    let lines = fs::read_to_string(folder.join("coords/geodtest_wgs84.dat")).unwrap();
    assert_eq!(lines.lines().count(), 50);
    for line in lines.lines() {
        let columns: Vec<f64> = line.split(' ').map(|column| column.parse().unwrap()).collect();
        let found = distance_m(at((columns[0], columns[1])), at((columns[3], columns[4])));
        assert!((found - columns[6]).abs() < 1e-6, "{found} is not {}", columns[6]);
    }
}

#[test]
fn conversions_agree_with_published_test_suites() {
    let Some(folder) = real_data() else { return };
    let check = |name: &str, found, wanted| {
        let off_m = distance_m(at(found), at(wanted));
        assert!(off_m <= CSV_TOLERANCE_M, "{name}: {off_m} m off");
    };

    let mut rows = 0;
    let mut reader = csv::Reader::from_path(folder.join("coords/eviltransform_vectors.csv")).unwrap();
    for record in reader.deserialize() {
        let (source, from, to, from_lat, from_lon, to_lat, to_lon): (String, String, String, f64, f64, f64, f64) =
            record.unwrap();
        let (from, to) = (Datum::parse(&from).unwrap(), Datum::parse(&to).unwrap());
        // The two BD-09 rows come from the releases of eviltransform that put π where π·3000/180 belongs; they are
        // 10 and 41 m off what gcoord, coordtransform and eviltransform for Python say.
        let is_wrong = from == Datum::Bd09;
        let found = convert((from_lat, from_lon), from, to);
        if is_wrong {
            assert!(distance_m(at(found), at((to_lat, to_lon))) > 10.0 * CSV_TOLERANCE_M);
        } else {
            check(&source, found, (to_lat, to_lon));
        }
        rows += 1;
    }
    assert_eq!(rows, 5);

    rows = 0;
    let mut reader = csv::Reader::from_path(folder.join("coords/gcoord_china_cities.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    for record in reader.records() {
        let record = record.unwrap();
        let number =
            |name: &str| -> f64 { record[headers.iter().position(|header| header == name).unwrap()].parse().unwrap() };
        let places = [
            (Datum::Wgs84, (number("WGS84_y"), number("WGS84_x"))),
            (Datum::Gcj02, (number("GCJ02_y"), number("GCJ02_x"))),
            (Datum::Bd09, (number("BD09_y"), number("BD09_x"))),
        ];
        for (from, place) in places {
            for (to, wanted) in places {
                check(&record[3], convert(place, from, to), wanted);
            }
        }
        rows += 1;
    }
    assert_eq!(rows, 166);
}
