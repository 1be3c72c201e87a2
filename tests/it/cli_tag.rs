//! `jinqun tag` with the real program: a table of people in, the same table with stores and regions out.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::harness::STORES;
use crate::process::{run, run_well};

/// Rows 2 and 5 can be tagged, row 3 has no place, row 4 none on Earth.
const PEOPLE: &str = "phone,lat,note,lng,datum\n1,31.2304,\"a,b\",121.4737,wgs84\n2,,x,,wgs84\n3,999,,1,wgs84\n\
    4,31.22845774,,121.47822306,高德\n";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    folder
}

fn tag(folder: &Path, input: &str, out: &str) -> Output {
    run(folder, &["tag", "--in", input, "--out", out])
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn every_row_is_kept_and_those_with_a_place_are_tagged() {
    let folder = folder();
    let output = tag(folder.path(), "people.csv", "tagged.csv");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("row 3") && said.contains("row 4") && !said.contains("row 5"), "{said}");
    let table = read(folder.path(), "tagged.csv");
    let lines: Vec<&str> = table.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].starts_with("phone,lat,note,lng,datum,nearest_store,"), "{}", lines[0]);
    assert!(lines[1].starts_with("1,31.2304,\"a,b\",121.4737,wgs84,SH-0001,人民广场店,451.0,"), "{}", lines[1]);
    assert!(lines[2].starts_with("2,,x,,wgs84,,"), "{}", lines[2]);
    assert!(lines[4].contains(",SH-0001,人民广场店,451."), "{}", lines[4]);
    assert!(lines[4].contains("上海市;黄浦区;SH-0001"), "{}", lines[4]);
}

#[test]
fn a_table_is_never_lost() {
    let folder = folder();
    // Whether this works or is refused: the rows are there afterwards.
    tag(folder.path(), "people.csv", "people.csv");
    let after = read(folder.path(), "people.csv");
    assert!(after.contains("a,b") && after.contains("高德"), "the table is gone: {after:?}");
    fs::write(folder.path().join("kept.csv"), "earlier work\n").unwrap();
    fs::write(folder.path().join("bad.csv"), "name,phone\nA,1\n").unwrap();
    fs::write(folder.path().join("empty.csv"), "").unwrap();
    for (input, code) in [("bad.csv", 2), ("empty.csv", 2), ("nowhere.csv", 1), ("stores", 1)] {
        let output = tag(folder.path(), input, "kept.csv");
        assert_eq!(output.status.code(), Some(code), "{input}: {output:?}");
    }
    assert_eq!(read(folder.path(), "kept.csv"), "earlier work\n", "a failure writes nothing");
}
