//! Headers of sheets and what they are taken for.

use super::*;

fn mapping(pairs: &[&str]) -> Mapping {
    let mut mapping = Mapping::default();
    for pair in pairs {
        mapping.add(pair).unwrap();
    }
    mapping
}

fn codes(problems: &[Problem]) -> Vec<(&str, &str)> {
    problems.iter().map(|it| (it.code, it.column.as_deref().unwrap_or(""))).collect()
}

#[test]
fn both_languages_any_order_and_any_case_are_read() {
    for headers in [
        ["id", "name", "lat", "lng"],
        ["\u{feff}ID ", "NAME", "Lat", "\u{a0}LNG"],
        ["门店编号", "门店名称*", " 纬度", "经度\u{3000}"],
        ["Store ID", "STORE-NAME", "latitude", "Ｌｏｎ"],
    ] {
        let map = ColumnMap::of_sheet(&headers, &Mapping::default()).unwrap();
        let places = [Column::Id, Column::Name, Column::Lat, Column::Lng].map(|it| map.place(it).unwrap());
        assert_eq!(places, [0, 1, 2, 3], "{headers:?}");
    }
}

#[test]
fn every_name_means_one_column_only() {
    let mut names: Vec<String> = Column::ALL
        .iter()
        .flat_map(|it| [it.english(), it.chinese()].into_iter().chain(it.others().iter().copied()))
        .map(key)
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn the_better_name_wins_and_the_other_is_kept() {
    let headers = ["store_code", "store_id", "store_name", "city_name", "city", "lat", "lng"];
    let map = ColumnMap::of_sheet(&headers, &Mapping::default()).unwrap();
    assert_eq!(map.place(Column::Id), Some(1));
    assert_eq!(map.place(Column::City), Some(4));
    let extras: Vec<&str> = map.extras().iter().map(|(_, name)| &**name).collect();
    assert_eq!(extras, ["store_code", "city_name"]);
    assert_eq!(codes(&map.warnings), [("column_choice", "id")]);
}

#[test]
fn the_mapping_wins_over_all() {
    let headers = ["id", "name", "city", "city_name", "dataX", "gps_raw", "lat", "lng"];
    let map = ColumnMap::of_sheet(&headers, &mapping(&["id=name", "city=city_name", "lnglat=gps_raw"])).unwrap();
    assert_eq!(map.place(Column::Id), Some(1));
    assert_eq!(map.place(Column::Name), Some(1));
    assert_eq!(map.place(Column::City), Some(3));
    assert_eq!((map.place(Column::Lat), map.place(Column::LngLat)), (None, Some(5)));
    let extras: Vec<&str> = map.extras().iter().map(|(_, name)| &**name).collect();
    assert_eq!(extras, ["id (sheet)", "city (sheet)", "dataX", "lat (sheet)", "lng (sheet)"]);
}

#[test]
fn headers_that_are_missing_or_double_are_all_named() {
    let problems = ColumnMap::of_sheet(&["门店编号", "Id", "备注", "lat"], &mapping(&["hours=时间"])).unwrap_err();
    let expected = [
        ("mapped_column_missing", "hours"),
        ("duplicate_column", "id"),
        ("column_missing", "name"),
        ("column_missing", "lng"),
    ];
    assert_eq!(codes(&problems), expected);
    assert!(problems[1].message.contains("门店编号") && problems[1].message.contains("Id"));
    assert!(problems[2].message.ends_with("the sheet has: 门店编号, Id, 备注, lat"), "{}", problems[2].message);
}

#[test]
fn nameless_and_repeated_headers_get_names_of_their_own() {
    let map = ColumnMap::of_sheet(&["id", "name", "lat", "lng", "", "备注", "备注"], &Mapping::default()).unwrap();
    let extras: Vec<&str> = map.extras().iter().map(|(_, name)| &**name).collect();
    assert_eq!(extras, ["column_5", "备注", "备注 (2)"]);
}

#[test]
fn a_mapping_that_is_none_is_refused() {
    let mut mapping = Mapping::default();
    assert_eq!(mapping.add("id"), Err(MappingError::NoPair("id".into())));
    assert_eq!(mapping.add("shop=x"), Err(MappingError::UnknownColumn("shop".into())));
}
