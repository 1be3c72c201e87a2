//! Sheets that nobody on the team wrote. They must not be published, so they are read from the folder that `JINQUN_REAL_DATA`
//! names, and without it these tests pass without a look.
//!
//! The numbers were counted with Python's csv module or stand in the notes that came with the files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jinqun::catalog::suspicion::{suspicions, take_duplicates};
use jinqun::catalog::{Mapping, Problem, SheetRules, StoreRow};
use jinqun::exchange::{
    Listener, SheetLanguage, SheetLine, SheetSummary, TableFormat, extra_names, read_stores, write_points, write_stores,
};
use jinqun::geo::Datum;
use jinqun::group::GroupDefaults;
use jinqun::store::Zone;
use jinqun::time::Timestamp;

#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the folder is an argument of this test, and skipping must be seen"
)]
fn real(path: &str) -> Option<(String, Vec<u8>)> {
    let Ok(folder) = std::env::var("JINQUN_REAL_DATA") else {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
        return None;
    };
    let path = PathBuf::from(folder).join(path);
    Some((path.display().to_string(), std::fs::read(path).expect("the folder holds the file")))
}

#[derive(Debug, Default)]
struct Sheet {
    rows: Vec<StoreRow>,
    problems: Vec<Problem>,
    summary: SheetSummary,
}

fn read_as(name: &str, bytes: &[u8], datum: Option<Datum>, pairs: &[&str]) -> Result<Sheet, Vec<Problem>> {
    let mut mapping = Mapping::default();
    for pair in pairs {
        mapping.add(pair).expect("pairs of these tests are mappings");
    }
    let rules = SheetRules {
        datum,
        link_hosts: &[],
        zone: Zone::parse("Asia/Shanghai").expect("the zone is known"),
        mapping,
        groups: GroupDefaults::default(),
        now: Timestamp::EPOCH,
    };
    let mut sheet = Sheet::default();
    let mut each = |row: Result<StoreRow, Vec<Problem>>, _warnings: Vec<Problem>| match row {
        Ok(row) => sheet.rows.push(row),
        Err(problems) => sheet.problems.extend(problems),
    };
    let summary = read_stores(bytes, name, &rules, &mut Listener { each: &mut each, progress: &mut |_, _| {} })?;
    sheet.summary = summary;
    Ok(sheet)
}

fn counts(problems: &[Problem]) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for problem in problems {
        *counts.entry((problem.code, problem.column.as_deref().unwrap_or_default())).or_default() += 1;
    }
    counts
}

fn refused(path: &str) -> Option<Vec<Problem>> {
    let (name, bytes) = real(path)?;
    Some(read_as(&name, &bytes, Some(Datum::Wgs84), &[]).expect_err("the file is no sheet"))
}

#[test]
fn a_chain_of_nine_thousand_stores_is_read_with_all_its_oddities() {
    let Some((name, bytes)) = real("stores/huawei_cn_2020.csv") else {
        return;
    };
    let mut sheet = read_as(&name, &bytes, Some(Datum::Wgs84), &["city=city_name"]).unwrap();
    assert_eq!(sheet.summary.rows, 9_320);
    assert_eq!(counts(&sheet.problems), BTreeMap::from([(("hours_unreadable", "hours"), 7)]));
    let duplicates = take_duplicates(&mut sheet.rows);
    assert_eq!(
        (duplicates.len(), duplicates[0].row, &*duplicates[0].message),
        (29, Some(591), "row 587 has the same id")
    );

    let first = &sheet.rows[0].store;
    assert_eq!((sheet.rows[0].row, first.id.as_str()), (2, "293bd38082eb11ea9c7cfa163ece70dc"));
    assert_eq!((&*first.province, &*first.city, &*first.district), ("北京市", "北京市", "东城区"));
    assert_eq!((first.at.given_lat(), first.at.given_lng()), (39.895_986_9, 116.413_365_1));
    assert_eq!(first.hours.as_ref().map(ToString::to_string).as_deref(), Some("10:00-22:00"));
    assert_eq!(
        (&*first.extra["store_code"], &*first.extra["sales_code"], &*first.extra["city (sheet)"]),
        ("SCN155006", "80022", "Beijing")
    );
    assert_eq!(sheet.summary.warnings[0].code, "column_choice");

    let names = extra_names(sheet.rows.iter().map(|it| &it.store));
    let mut out = Vec::new();
    write_stores(
        TableFormat::Csv,
        SheetLanguage::English,
        &names,
        &mut sheet.rows.iter().map(SheetLine::from),
        &mut out,
    )
    .unwrap();
    let again = read_as("out.csv", &out, None, &[]).unwrap();
    assert_eq!(counts(&again.problems), BTreeMap::new());
    assert!(again.rows.iter().map(|it| &it.store).eq(sheet.rows.iter().map(|it| &it.store)));
}

#[test]
fn excel_for_mac_has_kept_the_stores_but_broken_twelve_rows_in_two() {
    let (Some((name, bytes)), Some((mac_name, mac_bytes))) =
        (real("stores/huawei_cn_2020.csv"), real("messy/huawei_cn_2020_mac_excel_gb2312.csv"))
    else {
        return;
    };
    let truth = read_as(&name, &bytes, Some(Datum::Wgs84), &[]).unwrap();
    let mac = read_as(&mac_name, &mac_bytes, Some(Datum::Wgs84), &[]).unwrap();
    assert_eq!(mac.summary.rows, 9_332);
    let broken = counts(&mac.problems);
    assert_eq!(
        (broken[&("missing", "id")], broken[&("missing", "lat")], broken[&("hours_unreadable", "hours")]),
        (12, 12, 7)
    );
    assert_eq!(mac.rows.len(), truth.rows.len());
    let mut cut_names = 0;
    for (mac, truth) in mac.rows.iter().zip(&truth.rows) {
        let (mac, truth) = (&mac.store, &truth.store);
        assert_eq!(mac.id, truth.id);
        // The spreadsheet has rounded to ten digits.
        assert!((mac.at.given_lat() - truth.at.given_lat()).abs() <= 5.1e-8, "{}", mac.id);
        assert!((mac.at.given_lng() - truth.at.given_lng()).abs() <= 5.1e-8, "{}", mac.id);
        // And written _ for characters that GB 2312 lacks.
        cut_names += usize::from(mac.name.chars().count() != truth.name.chars().count());
    }
    assert_eq!(cut_names, 4, "names of two lines, which have lost the second");
}

#[test]
fn a_chain_around_the_world_is_read() {
    let Some((name, bytes)) = real("stores/starbucks_world_2017.csv") else {
        return;
    };
    let mut sheet = read_as(&name, &bytes, Some(Datum::Wgs84), &[]).unwrap();
    assert_eq!(sheet.summary.rows, 25_600);
    assert_eq!(counts(&sheet.problems), BTreeMap::from([(("missing", "lat"), 1), (("missing", "lng"), 1)]));
    assert_eq!(take_duplicates(&mut sheet.rows), []);
    let found = suspicions(&sheet.rows, |_| None);
    assert_eq!(counts(&found), BTreeMap::from([(("too_close", "lat"), 5_874)]));
}

#[test]
fn airports_at_the_poles_are_read() {
    let Some((name, bytes)) = real("stores/airports_extreme.csv") else {
        return;
    };
    let sheet = read_as(&name, &bytes, Some(Datum::Wgs84), &["id=airport_id"]).unwrap();
    assert_eq!((sheet.rows.len(), counts(&sheet.problems)), (377, BTreeMap::new()));
}

#[test]
fn a_sheet_whose_x_is_the_latitude_is_read_by_a_mapping() {
    let Some((name, bytes)) = real("stores/heytea_2020.csv") else {
        return;
    };
    let plain = read_as(&name, &bytes, Some(Datum::Gcj02), &[]).unwrap_err();
    assert_eq!(
        counts(&plain).keys().copied().collect::<Vec<_>>(),
        [("column_missing", "id"), ("column_missing", "lat"), ("column_missing", "lng")]
    );
    let sheet =
        read_as(&name, &bytes, Some(Datum::Gcj02), &["id=name", "lat=dataX", "lng=dataY", "city=area"]).unwrap();
    assert_eq!((sheet.rows.len(), counts(&sheet.problems)), (484, BTreeMap::new()));
    let exchanged = read_as(&name, &bytes, Some(Datum::Gcj02), &["id=name", "lat=dataY", "lng=dataX"]).unwrap();
    assert_eq!(
        (exchanged.rows.len(), counts(&exchanged.problems)),
        (0, BTreeMap::from([(("out_of_range", "lat"), 484)]))
    );
}

#[test]
fn one_cell_with_both_numbers_is_read_by_a_mapping() {
    let Some((name, bytes)) = real("stores/insta360_cn_2025.csv") else {
        return;
    };
    let sheet = read_as(&name, &bytes, Some(Datum::Bd09), &["lnglat=gps_raw"]).unwrap();
    assert_eq!((sheet.summary.rows, sheet.rows.len()), (454, 450));
    assert_eq!(counts(&sheet.problems), BTreeMap::from([(("hours_unreadable", "hours"), 4)]));
    let first = &sheet.rows[0].store;
    assert_eq!((first.at.given_lat(), first.at.given_lng(), first.at.datum()), (40.035_789, 116.341_954, Datum::Bd09));
    assert_eq!(sheet.rows[1].store.name.chars().next(), Some('影'));
}

#[test]
fn a_workbook_of_eleven_thousand_stores_is_read() {
    let Some((name, bytes)) = real("messy/starbucks_us_2012.xlsx") else {
        return;
    };
    let sheet = read_as(&name, &bytes, Some(Datum::Wgs84), &[]).unwrap();
    // Counted in its XML: 10,844 rows, the header among them.
    assert_eq!((sheet.summary.rows, counts(&sheet.problems)), (10_843, BTreeMap::new()));
    let first = &sheet.rows[0].store;
    assert_eq!((sheet.rows[0].row, first.id.as_str(), &*first.name), (2, "11854", "Epping Main St"));
    assert_eq!((first.at.given_lat(), first.at.given_lng()), (43.031_873, -71.073_203));
    assert_eq!((&*first.extra["Zip"], &*first.extra["Insert Date"]), ("03042-2224", "2012-06-22 18:17:10"));
    assert_eq!(sheet.rows.last().unwrap().row, 10_844);
}

/// Rows from all over a sheet are enough: every one of them is read by a test of its own.
const THERE_AND_BACK_ROWS: usize = 4_000;

/// Reads a chain, writes it in every form, and reads it again.
fn goes_out_and_comes_back(path: &str, datum: Datum, mapping: &[&str]) {
    let Some((name, bytes)) = real(path) else {
        return;
    };
    let mut sheet = read_as(&name, &bytes, Some(datum), mapping).unwrap();
    let step = sheet.rows.len().div_ceil(THERE_AND_BACK_ROWS);
    sheet.rows = sheet.rows.into_iter().step_by(step).collect();
    let names = extra_names(sheet.rows.iter().map(|it| &it.store));
    let lines = || sheet.rows.iter().map(SheetLine::from);
    let mut files = Vec::new();
    for (format, language) in [(TableFormat::Csv, SheetLanguage::English), (TableFormat::Xlsx, SheetLanguage::Chinese)]
    {
        let mut out = Vec::new();
        write_stores(format, language, &names, &mut lines(), &mut out).unwrap();
        files.push((format!("{format:?}"), out));
    }
    let mut out = Vec::new();
    write_points(&names, &mut lines(), &mut out).unwrap();
    files.push(("geojson".to_owned(), out));
    for (form, bytes) in files {
        let again = read_as("out", &bytes, None, &[]).unwrap();
        assert_eq!(counts(&again.problems), BTreeMap::new(), "{path} {form}");
        let same = again.rows.iter().map(|it| &it.store).eq(sheet.rows.iter().map(|it| &it.store));
        assert!(same, "{path} {form}");
    }
}

#[test]
fn a_chain_goes_out_in_every_form_and_comes_back_unchanged() {
    goes_out_and_comes_back("stores/huawei_cn_2020.csv", Datum::Wgs84, &["city=city_name"]);
}

#[test]
fn a_chain_around_the_world_goes_out_and_comes_back_unchanged() {
    goes_out_and_comes_back("stores/starbucks_world_2017.csv", Datum::Wgs84, &[]);
}

#[test]
fn odd_sheets_go_out_and_come_back_unchanged() {
    goes_out_and_comes_back("stores/airports_extreme.csv", Datum::Wgs84, &["id=airport_id"]);
    goes_out_and_comes_back("stores/insta360_cn_2025.csv", Datum::Bd09, &["lnglat=gps_raw"]);
}

#[test]
fn a_workbook_goes_out_and_comes_back_unchanged() {
    goes_out_and_comes_back("messy/starbucks_us_2012.xlsx", Datum::Wgs84, &[]);
}

#[test]
fn files_that_are_no_store_sheets_say_what_they_are() {
    let Some(codes) = refused("messy/amap_poicode.xlsx") else {
        return;
    };
    let missing: Vec<_> = codes.iter().map(|it| (it.code, it.column.as_deref().unwrap_or_default())).collect();
    assert_eq!(missing, ["id", "name", "lat", "lng"].map(|it| ("column_missing", it)));
    let script = refused("messy/heytea_2020_swapped_xy.js").unwrap();
    assert_eq!((script.len(), script[0].code), (1, "not_a_sheet"));
    let orders = refused("messy/kfc_order_lines_gbk_head500.csv").unwrap();
    assert_eq!(orders.iter().map(|it| it.column.as_deref().unwrap()).collect::<Vec<_>>(), ["id", "name", "lat", "lng"]);
    assert!(orders[0].message.ends_with("the sheet has: OrderNumber, Amount, Products"));
}
