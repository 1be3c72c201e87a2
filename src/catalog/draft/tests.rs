//! Rows as people type them, and what becomes of them.

use super::*;

fn rules() -> SheetRules<'static> {
    static HOSTS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| vec!["work.weixin.qq.com".to_owned()]);
    SheetRules {
        datum: None,
        link_hosts: &HOSTS,
        zone: Zone::parse("Asia/Shanghai").unwrap(),
        mapping: Mapping::default(),
        groups: GroupDefaults::default(),
        now: Timestamp::EPOCH,
    }
}

const GOOD: [(Column, &str); 5] = [
    (Column::Id, "SH-0001"),
    (Column::Name, "外滩店"),
    (Column::Lat, "31.2304"),
    (Column::Lng, "121.4737"),
    (Column::Datum, "wgs84"),
];

fn read(changes: &[(Column, &str)]) -> (Result<StoreRow, Vec<Problem>>, Vec<Problem>) {
    let mut cells = Cells::default();
    for (column, cell) in GOOD.iter().chain(changes) {
        cells.put(*column, cell);
    }
    let mut warnings = Vec::new();
    let row = read_row(2, &cells, &rules(), &mut warnings);
    (row, warnings)
}

fn good(changes: &[(Column, &str)]) -> StoreRow {
    read(changes).0.unwrap()
}

fn codes(changes: &[(Column, &str)]) -> Vec<(String, &'static str)> {
    let problems = read(changes).0.unwrap_err();
    assert!(problems.iter().all(|it| it.row == Some(2)));
    problems.into_iter().map(|it| (it.column.unwrap_or_default().into_owned(), it.code)).collect()
}

fn one(column: Column, cell: &str) -> &'static str {
    let found = codes(&[(column, cell)]);
    assert_eq!(found.len(), 1, "{cell}: {found:?}");
    found[0].1
}

#[test]
fn closures_are_kept_canonical_and_every_bad_one_is_named() {
    let row = good(&[(Column::Closures, "2026/12/31；2026年12月24日至2026年12月26日")]);
    assert_eq!(row.store.closures.to_string(), "2026-12-24..2026-12-26,2026-12-31");
    let found = codes(&[(Column::Closures, "2026-12-31,soon,2026-12-26..2026-12-24")]);
    assert_eq!(found, [(); 2].map(|()| ("closures".to_owned(), "closures_unreadable")));
}

#[test]
fn all_problems_of_a_row_are_told() {
    let changes = [
        (Column::Id, ""),
        (Column::Name, " "),
        (Column::Lat, "abc"),
        (Column::Lng, ""),
        (Column::Datum, "xian80"),
        (Column::Status, "?"),
        (Column::Hours, "early"),
        (Column::GroupUrl, "http://x"),
        (Column::GroupCapacity, "0"),
        (Column::GroupExpires, "soon"),
        (Column::ContactUrl, "https://evil.example/1"),
    ];
    let expected = [
        ("id", "missing"),
        ("name", "missing"),
        ("datum", "datum_unknown"),
        ("lat", "not_a_number"),
        ("lng", "missing"),
        ("status", "status_unknown"),
        ("hours", "hours_unreadable"),
        ("group_url", "not_https"),
        ("group_capacity", "out_of_range"),
        ("group_expires", "date_unreadable"),
        ("contact_url", "host_not_allowed"),
    ];
    let found = codes(&changes);
    let found: Vec<(&str, &str)> = found.iter().map(|(column, code)| (column.as_str(), *code)).collect();
    assert_eq!(found, expected);
}

#[test]
fn full_width_ids_and_numbers_are_read() {
    let row = good(&[
        (Column::Id, "ＳＨ－０００７"),
        (Column::Lat, "３１．５"),
        (Column::Lng, "\u{a0}１２１．２５ "),
        (Column::Datum, "ＧＣＪ０２"),
    ]);
    assert_eq!(row.store.id.as_str(), "SH-0007");
    assert_eq!(
        (row.store.at.given_lat(), row.store.at.given_lng(), row.store.at.datum()),
        (31.5, 121.25, Datum::Gcj02)
    );
}

#[test]
fn numbers_with_an_exponent_are_read_and_other_writings_are_refused() {
    assert!((good(&[(Column::Lng, "1.214737E+02")]).store.at.given_lng() - 121.4737).abs() < 1e-12);
    for text in [
        "31.2304°",
        "31,2304",
        "NaN",
        "inf",
        "infinity",
        "31°13'49\"",
        "N31.2",
        "31.2N",
        "1e999",
        "0x1f",
        "--1",
        "1_0",
        "三十一",
    ] {
        assert_eq!(one(Column::Lat, text), "not_a_number", "{text}");
    }
    for text in ["90.1", "-91", "311.2", "1e9"] {
        assert_eq!(one(Column::Lat, text), "out_of_range", "{text}");
    }
    assert_eq!(one(Column::Lng, "181"), "out_of_range");
}

#[test]
fn exchanged_numbers_out_of_range_get_a_hint() {
    let problems = read(&[(Column::Lat, "121.4737"), (Column::Lng, "31.2304")]).0.unwrap_err();
    assert!(problems[0].message.ends_with("are latitude and longitude exchanged?"));
}

#[test]
fn one_cell_may_hold_both_numbers() {
    let both = |column: Column, cell: &'static str| {
        let at = good(&[(Column::Lat, ""), (Column::Lng, ""), (column, cell)]).store.at;
        (at.given_lat(), at.given_lng())
    };
    assert_eq!(both(Column::LngLat, "116.341954,40.035789"), (40.035_789, 116.341_954));
    assert_eq!(both(Column::LngLat, "116.341954， 40.035789"), (40.035_789, 116.341_954));
    assert_eq!(both(Column::LatLng, "(40.5 116.25)"), (40.5, 116.25));
    assert_eq!(
        codes(&[(Column::Lat, ""), (Column::Lng, ""), (Column::LngLat, "116.3")]),
        [("lnglat".to_owned(), "not_a_number")]
    );
}

#[test]
fn a_row_without_a_datum_is_refused_unless_the_import_has_one() {
    assert_eq!(one(Column::Datum, ""), "datum_missing");
    let mut cells = Cells::default();
    for (column, cell) in GOOD {
        cells.put(column, cell);
    }
    cells.put(Column::Datum, "");
    let row = read_row(2, &cells, &SheetRules { datum: Some(Datum::Bd09), ..rules() }, &mut Vec::new()).unwrap();
    assert_eq!(row.store.at.datum(), Datum::Bd09);
}

#[test]
fn a_first_group_and_contact_are_read() {
    let row = good(&[
        (Column::GroupUrl, " https://work.weixin.qq.com/gm/abc "),
        (Column::GroupName, "外滩店\n1群"),
        (Column::GroupExpires, "2026-12-01"),
        (Column::ContactUrl, "https://work.weixin.qq.com/u/1"),
        (Column::ContactName, "王店长"),
    ]);
    let group = row.group.unwrap();
    assert_eq!(
        (group.link.as_str(), &*group.name, group.capacity),
        ("https://work.weixin.qq.com/gm/abc", "外滩店 1群", 200)
    );
    assert_eq!(group.expires_at.unwrap().to_string(), "2026-11-30T16:00:00Z");
    assert_eq!(&*row.contact.unwrap().name, "王店长");
}

#[test]
fn a_group_without_a_link_is_left_out_with_a_warning() {
    let (row, warnings) =
        read(&[(Column::GroupName, "1群"), (Column::GroupCapacity, "200"), (Column::ContactName, "王店长")]);
    let row = row.unwrap();
    assert_eq!((row.group, row.contact), (None, None));
    let found: Vec<_> = warnings.iter().map(|it| (it.column.as_deref().unwrap(), it.code)).collect();
    assert_eq!(found, [("group_url", "link_missing"), ("contact_url", "link_missing")]);
}

#[test]
fn ids_that_a_spreadsheet_has_rounded_are_refused() {
    assert_eq!(one(Column::Id, "1.00032E+11"), "id_rounded");
    assert_eq!(one(Column::Id, "a/b"), "bad_character");
    for id in ["1E5", "E+1", "0017", "1.5", "A.1E+2B"] {
        assert_eq!(good(&[(Column::Id, id)]).store.id.as_str(), id);
    }
}

#[test]
fn lengths_are_bounded() {
    assert_eq!(one(Column::Id, &"x".repeat(65)), "too_long");
    assert_eq!(one(Column::Name, &"店".repeat(201)), "too_long");
    assert_eq!(good(&[(Column::Name, &"店".repeat(200))]).store.name.chars().count(), 200);
    assert_eq!(one(Column::Tags, &"店".repeat(65)), "too_long");
    let tags: Vec<String> = (0..33).map(|it| it.to_string()).collect();
    assert_eq!(one(Column::Tags, &tags.join(";")), "too_many_tags");
}

#[test]
fn tags_are_parted_by_either_semicolon_and_kept_once() {
    let tags = good(&[(Column::Tags, "旗舰; 地铁；旗舰;;")]).store.tags;
    assert_eq!(tags.iter().map(|it| &**it).collect::<Vec<_>>(), ["旗舰", "地铁"]);
}

#[test]
fn a_time_zone_may_stand_behind_its_offset_and_another_is_kept_as_extra() {
    assert_eq!(good(&[(Column::Timezone, "GMT+08:00 Asia/Shanghai")]).store.zone.unwrap().name(), "Asia/Shanghai");
    let (row, warnings) = read(&[(Column::Timezone, "北京时间")]);
    let store = row.unwrap().store;
    assert_eq!((store.zone.is_none(), store.extra.get("timezone (sheet)").map(|it| &**it)), (true, Some("北京时间")));
    assert_eq!(warnings[0].code, "timezone_unknown");
}

#[test]
fn ranges_are_checked_whether_or_not_a_datum_is_named() {
    let bad = [(Column::Lat, "311.2"), (Column::Lng, "-181"), (Column::Datum, "")];
    let mut told = codes(&bad);
    told.sort();
    let of = |column: &str, code| (column.to_owned(), code);
    assert_eq!(told, [of("datum", "datum_missing"), of("lat", "out_of_range"), of("lng", "out_of_range")]);
    let mut told = codes(&[(Column::Lat, "x"), (Column::Lng, "181")]);
    told.sort();
    assert_eq!(told, [of("lat", "not_a_number"), of("lng", "out_of_range")]);
}

#[test]
fn chats_and_staff_that_no_code_leads_to_are_warned_of() {
    let rules = rules();
    let told = |name: &str, cell: &str| {
        let mut cells = Cells::default();
        for (column, text) in
            [(Column::Id, "A"), (Column::Name, "a"), (Column::Lat, "1"), (Column::Lng, "1"), (Column::Datum, "wgs84")]
        {
            cells.put(column, text);
        }
        cells.extras.push((name, cell));
        let mut warnings = Vec::new();
        let row = read_row(2, &cells, &rules, &mut warnings).unwrap();
        assert_eq!(row.store.extra.get(name).map(|it| &**it), Some(cell));
        warnings
            .iter()
            .map(|it| (it.row, it.column.clone().unwrap_or_default().into_owned(), it.code))
            .collect::<Vec<_>>()
    };
    let of = |name: &str, code| vec![(Some(2), name.to_owned(), code)];
    assert_eq!(told("企微群ID", "a;b;c;d;e"), []);
    assert_eq!(told("企微群ID", "a;b;c;d;e;f"), of("企微群ID", "too_many_ids"));
    assert_eq!(told("wecom_chats", "a、群二"), of("wecom_chats", "id_unfit"));
    assert_eq!(told("wecom_staff", &"x".repeat(65)), of("wecom_staff", "id_unfit"));
    assert_eq!(told("note", "a;b;c;d;e;f"), []);
}
