//! Sheets as they arrive, and sheets that go out and come back.

use proptest::prelude::*;

use super::*;
use crate::catalog::Mapping;
use crate::geo::Datum;
use crate::store::Zone;

fn hosts() -> &'static [String] {
    static HOSTS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| vec!["work.weixin.qq.com".to_owned()]);
    &HOSTS
}

fn rules(datum: Option<Datum>) -> SheetRules<'static> {
    SheetRules {
        datum,
        link_hosts: hosts(),
        zone: Zone::parse("Asia/Shanghai").unwrap(),
        mapping: Mapping::default(),
        groups: crate::group::GroupDefaults::default(),
        now: crate::time::Timestamp::EPOCH,
    }
}

#[derive(Debug, Default)]
struct Sheet {
    rows: Vec<StoreRow>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    summary: SheetSummary,
}

impl Sheet {
    fn places(&self) -> Vec<(u64, &str)> {
        self.problems.iter().map(|it| (it.row.unwrap_or(0), it.code)).collect()
    }

    fn ids(&self) -> Vec<(u64, &str)> {
        self.rows.iter().map(|it| (it.row, it.store.id.as_str())).collect()
    }
}

fn read_with(bytes: &[u8], name: &str, rules: &SheetRules<'_>) -> Result<Sheet, Vec<Problem>> {
    let mut sheet = Sheet::default();
    let mut each = |row: Result<StoreRow, Vec<Problem>>, warnings: Vec<Problem>| {
        match row {
            Ok(row) => sheet.rows.push(row),
            Err(problems) => sheet.problems.extend(problems),
        }
        sheet.warnings.extend(warnings);
    };
    let summary = read_stores(bytes, name, rules, &mut Listener { each: &mut each, progress: &mut |_, _| {} })?;
    sheet.summary = summary;
    Ok(sheet)
}

fn read(text: &str) -> Sheet {
    read_with(text.as_bytes(), "stores.csv", &rules(Some(Datum::Wgs84))).unwrap()
}

fn refused(text: &str, name: &str) -> &'static str {
    read_with(text.as_bytes(), name, &rules(Some(Datum::Wgs84))).unwrap_err()[0].code
}

#[test]
fn rows_are_numbered_as_a_spreadsheet_numbers_them() {
    for end in ["\n", "\r\n", "\r"] {
        let lines =
            ["", "id,name,lat,lng,note", "A,a,1,1,", "", "B,b,2,2,\"two\nlines\"", "", "", " , ,,,", "C,c,3,3,", ""];
        let sheet = read(&lines.join(end));
        assert_eq!(sheet.ids(), [(3, "A"), (5, "B"), (9, "C")], "{end:?}");
        assert_eq!(sheet.summary.rows, 3);
        assert_eq!(&*sheet.rows[1].store.extra["note"], "two\nlines");
    }
}

#[test]
fn three_separators_are_known_by_the_header() {
    for separator in [",", ";", "\t"] {
        let text = format!(
            "id{separator}\"name, 门店;\"{separator}lat{separator}lng{separator}name\nA{separator}x{separator}1.5{separator}2.5{separator}外滩"
        );
        let sheet = read(&text);
        assert_eq!(sheet.ids(), [(2, "A")], "{separator:?}");
        assert_eq!(&*sheet.rows[0].store.extra["name, 门店;"], "x");
    }
}

#[test]
fn ragged_rows_are_short_of_nothing_or_told() {
    let sheet = read("id,name,lat,lng,tags\nA,a,1,1\nB,b,2,2,x,,\nC,c,3,3,x,more\nD,d\n");
    assert_eq!(sheet.ids(), [(2, "A"), (3, "B")]);
    assert_eq!(sheet.places(), [(4, "too_many_cells"), (5, "missing"), (5, "missing")]);
}

#[test]
fn an_unclosed_quotation_mark_is_told_where_it_stands() {
    for end in ["\n", "\r"] {
        let lines = ["id,name,lat,lng,note", "A,a,1,1,", "B,\"b,2,2,", "C,c,3,3,", "D,d,4,4,"];
        let sheet = read(&lines.join(end));
        assert_eq!(sheet.ids(), [(2, "A")]);
        assert_eq!(sheet.places().first(), Some(&(3, "unclosed_quote")));
    }
}

#[test]
fn sheets_with_nothing_in_them_say_so() {
    assert_eq!(refused("", "a.csv"), "empty");
    assert_eq!(refused("\n\n \n", "a.csv"), "empty");
    assert_eq!(refused("id,name,lat,lng\n\n,,\n", "a.csv"), "no_rows");
    assert_eq!(refused("id;name\n1;2", "a.csv"), "column_missing");
    assert_eq!(refused("{\"type\": \"FeatureCollection\", \"features\": []}", "a.geojson"), "no_rows");
}

#[test]
fn points_are_read_longitude_first_and_wgs84() {
    let text = r#"{"type": "FeatureCollection", "bbox": [1, 2, 3, 4], "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [121.4737, 31.2304, 5]},
         "properties": {"id": "007", "name": "外滩", "tags": ["a", "b"], "floor": 2, "parking": true, "lat": 1, "none": null}},
        {"type": "Feature", "id": 9007199254740993, "geometry": {"type": "Point", "coordinates": [116.1, 40]},
         "properties": {"门店名称": "北京", "datum": "gcj02", "rate": 0.1}}]}"#;
    let sheet = read_with(text.as_bytes(), "a", &rules(None)).unwrap();
    assert_eq!(sheet.ids(), [(1, "007"), (2, "9007199254740993")]);
    let [first, second] = [&sheet.rows[0].store, &sheet.rows[1].store];
    assert_eq!((first.at.given_lat(), first.at.given_lng(), first.at.datum()), (31.2304, 121.4737, Datum::Wgs84));
    assert_eq!((&*first.extra["floor"], &*first.extra["parking"], first.extra.len()), ("2", "true", 2));
    assert_eq!(first.tags.iter().map(|it| &**it).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((second.at.datum(), &*second.extra["rate"]), (Datum::Gcj02, "0.1"));
}

#[test]
fn features_that_are_no_points_are_told_by_their_place() {
    let text = r#"{"features": [
        {"type": "Feature", "geometry": null, "properties": {"id": "A"}},
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "properties": {"id": "B"}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": ["x"]}, "properties": {}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [31, 121]}, "properties": {"id": "C", "name": "c"}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {"id": 12345678901234567890123, "name": "c"}}
    ], "type": "FeatureCollection"}"#;
    let sheet = read_with(text.as_bytes(), "a.json", &rules(None)).unwrap();
    let expected =
        [(1, "no_geometry"), (2, "not_a_point"), (3, "geojson_unreadable"), (4, "out_of_range"), (5, "id_rounded")];
    assert_eq!(sheet.places().get(..5), Some(&expected[..]));
    assert_eq!(refused("{\"type\": \"Feature\"}", "a"), "geojson_unreadable");
    assert_eq!(refused("{\"type\": \"FeatureCollection\", \"features\": [", "a"), "geojson_unreadable");
    assert_eq!(refused("[]", "a.geojson"), "geojson_unreadable");
}

fn written(rows: &[StoreRow], format: TableFormat) -> Vec<u8> {
    let names = extra_names(rows.iter().map(|it| &it.store));
    let mut out = Vec::new();
    let count =
        write_stores(format, SheetLanguage::English, &names, &mut rows.iter().map(SheetLine::from), &mut out).unwrap();
    assert_eq!(count, u64::try_from(rows.len()).unwrap());
    out
}

fn points(rows: &[StoreRow]) -> Vec<u8> {
    let names = extra_names(rows.iter().map(|it| &it.store));
    let mut out = Vec::new();
    write_points(&names, &mut rows.iter().map(SheetLine::from), &mut out).unwrap();
    out
}

mod workbook;

#[test]
fn a_sheet_goes_out_as_it_came_in() {
    let text = "门店编号,门店名称,地址,省,市,区,纬度,经度,坐标系,状态,营业时间,临时闭店,群链接,群名称,群上限,群过期时间,店长链接,店长,标签,timezone,city_name,=cmd\n\
        0017,\"=外滩,\"\"一\"\"店\",'-中山路,上海,上海,黄浦,31.230400000000003,-1e-7,高德,暂停,9：00-次日1：00,2026-12-31；2026年12月24日至2026年12月26日,https://work.weixin.qq.com/gm/1,+1群,50,2026-12-01,https://work.weixin.qq.com/u/1,王,a;b,Asia/Tokyo,\"x\r\ny\",@1\n";
    let first = read(text);
    assert_eq!(first.problems, []);
    let out = written(&first.rows, TableFormat::Csv);
    let expected = "\u{feff}id,name,address,province,city,district,lat,lng,datum,status,hours,closures,group_url,group_name,group_capacity,group_expires,contact_url,contact_name,tags,time_zone,'=cmd,city_name\r\n\
        0017,\"'=外滩,\"\"一\"\"店\",'-中山路,上海,上海,黄浦,31.230400000000003,-0.0000001,gcj02,paused,09:00-次日01:00,\"2026-12-24..2026-12-26,2026-12-31\",https://work.weixin.qq.com/gm/1,'+1群,50,2026-11-30T16:00:00Z,https://work.weixin.qq.com/u/1,王,a;b,Asia/Tokyo,'@1,\"x\ny\"\r\n";
    assert_eq!(String::from_utf8(out.clone()).unwrap(), expected);
    assert_eq!(read_with(&out, "a.csv", &rules(None)).unwrap().rows, first.rows);
}

#[test]
fn json_lines_keep_types_and_order() {
    let sheet = read("id,name,lat,lng,note\n007,\"a\"\"b\",1.5,2,=x\n");
    let out = String::from_utf8(written(&sheet.rows, TableFormat::Jsonl)).unwrap();
    assert!(out.starts_with(r#"{"id":"007","name":"a\"b","address":null,"#), "{out}");
    assert!(
        out.contains(r#""lat":1.5,"lng":2.0,"datum":"wgs84","status":"active""#) && out.ends_with("\"note\":\"=x\"}\n"),
        "{out}"
    );
}

#[test]
fn json_lines_are_read_with_the_rows_of_the_file() {
    let long = format!(r#"{{"id":"L","name":"{}"}}"#, "x".repeat(1024 * 1024));
    let text = [
        "\u{feff}",
        r#"{"id":"007","name":"外滩","lat":31.2304,"lng":121.4737,"tags":["a","b"],"none":null}"#,
        "",
        "{\"id\":\"B\",\"name\":\"=b\",\"lat\":91,\"lng\":2,\"floor\":2}\r",
        r#"{"id":"C","name":"#,
        "[1]",
        r#"{"id":12345678901234567890123,"name":"c","lat":1,"lng":2}"#,
        &long,
        r#"{"name":"e","lat":1,"lng":2}"#,
        r#"{"id":"D","name":"d","lat":"1","lng":2,"floor":1}"#,
    ]
    .join("\n");
    for name in ["stores.jsonl", "stores.NDJSON", "file"] {
        let sheet = read_with(text.as_bytes(), name, &rules(Some(Datum::Wgs84))).unwrap();
        assert_eq!(sheet.ids(), [(2, "007"), (10, "D")], "{name}");
        let told = [
            (4, "out_of_range"),
            (5, "line_unreadable"),
            (6, "line_unreadable"),
            (7, "id_rounded"),
            (8, "line_unreadable"),
            (9, "missing"),
        ];
        assert_eq!(sheet.places(), told, "{name}");
        assert_eq!(sheet.summary.rows, 8);
        assert_eq!(&*sheet.rows[1].store.extra["floor"], "1");
        assert_eq!(sheet.rows[0].store.tags.len(), 2);
    }
    assert_eq!(refused("{\"id\": 1}\n{\"id\": 2}\n", "a"), "column_missing");
    assert_eq!(refused("{\"id\": ", "a.jsonl"), "line_unreadable");
    assert_eq!(refused("{}\n{}\n", "a.jsonl"), "empty");
    let many: Vec<String> = (0..2_000).map(|it| format!(r#"{{"c{it}":1}}"#)).collect();
    assert_eq!(refused(&many.join("\n"), "a.jsonl"), "too_many_columns");
}

#[test]
fn a_table_of_json_lines_has_its_names_first() {
    let read = |text: &str| {
        let mut rows = Vec::new();
        let done = read_table::<Vec<Problem>>(text.as_bytes(), &[], &mut |it| {
            rows.push((it.row, it.cells.iter().collect::<Vec<_>>().join("|")));
            Ok(())
        });
        done.map(|()| rows)
    };
    let rows = read("{\"id\":\"a\",\"url\":\"=x\"}\n\n{\"id\":\"b\",\"order\":3}\n").unwrap();
    assert_eq!(rows, [(1, "id|url|order".to_owned()), (1, "a|=x|".to_owned()), (3, "b||3".to_owned())]);
    let problems = read("{\"id\":\"a\"}\n{\n{\"id\":\"b\"}\n[]\n").unwrap_err();
    assert_eq!(
        problems.iter().map(|it| (it.row, it.code)).collect::<Vec<_>>(),
        [(Some(2), "line_unreadable"), (Some(4), "line_unreadable")]
    );
}

#[test]
fn a_tag_record_has_a_cell_under_every_header() {
    let record: crate::tag::TagRecord = serde_json::from_value(serde_json::json!({
        "scan": "01HF7YAT0028T5CY4TQKFF04HM", "revision": 1, "visitor": "01HF7YAT0028T5CY4TQKFF04HN", "at": 1_796_054_400_000_i64,
        "campaign": "default", "outcome": "routed", "store": "SH-0001", "join_kind": "group", "join_id": "SH-0001-1",
        "region": {"province": "上海市", "city": "上海市", "district": "黄浦区", "areas": ["外滩商圈", "南京路"]},
        "region_source": "store", "source": "gps", "accuracy": "fine",
    }))
    .unwrap();
    let mut out = Vec::new();
    write_table(TableFormat::Csv, &TAG_HEADERS, &mut std::iter::once(tag_row(&record)), &mut out).unwrap();
    let expected = "\u{feff}scan,visitor,at,campaign,outcome,store,province,city,district,areas,region_source,source,accuracy,join_kind,join_id,fallback,mode,assigned,tags\r\n\
        01HF7YAT0028T5CY4TQKFF04HM,01HF7YAT0028T5CY4TQKFF04HN,2026-11-30T16:00:00Z,default,routed,SH-0001,上海市,上海市,黄浦区,外滩商圈;南京路,store,gps,fine,group,SH-0001-1,,group,,上海市;黄浦区;外滩商圈;南京路;SH-0001\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

/// Cells that sheets are likely to stumble over.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[=+@\t\r'＝－-]{0,3}[a-z门店 ,;\"\n\r'\u{a0}\u{feff}]{0,8}",
        "\\PC{0,12}",
        any::<f64>().prop_map(|it| it.to_string()),
        "-?[0-9]{1,2}(\\.[0-9]{0,17})?",
    ]
}

fn sheet_text() -> impl Strategy<Value = Vec<u8>> {
    let headers = prop::collection::vec(
        prop_oneof![cell(), Just("city_name".to_owned()), Just("tags".to_owned()), Just("地址".to_owned())],
        0..4,
    );
    let row = (
        1_u32..40,
        -90.0..=90.0_f64,
        -180.0..=180.0_f64,
        prop::sample::select(vec!["wgs84", "高德", "bd09"]),
        prop::collection::vec(cell(), 0..5),
    );
    (headers, prop::collection::vec(row, 1..6)).prop_map(|(headers, rows)| {
        let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        let known = ["id", "lat", "lng", "datum", "name"].map(str::to_owned);
        writer.write_record(known.iter().chain(&headers)).unwrap();
        for (id, lat, lng, datum, rest) in rows {
            let known = [id.to_string(), lat.to_string(), lng.to_string(), datum.to_owned()];
            writer.write_record(known.iter().chain(&rest)).unwrap();
        }
        writer.into_inner().unwrap()
    })
}

proptest! {
    #[test]
    fn any_bytes_give_rows_or_findings(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = read_with(&bytes, "a.csv", &rules(None));
        let _outcome = read_with(&bytes, "a.json", &rules(None));
        let _outcome = read_with(&[b"{", bytes.as_slice()].concat(), "a.jsonl", &rules(None));
        let _outcome = read_with(&[b"PK\x03\x04xl/workbook.xml", bytes.as_slice()].concat(), "a.xlsx", &rules(None));
    }

    #[test]
    fn any_text_below_a_header_gives_rows_or_findings(text in "[a-z0-9,;\"\r\n\t 门'=.-]{0,200}") {
        let text = format!("id,name,lat,lng,datum\n{text}");
        if let Ok(sheet) = read_with(text.as_bytes(), "a.csv", &rules(None)) {
            let refused: std::collections::BTreeSet<_> = sheet.problems.iter().map(|it| it.row).collect();
            prop_assert_eq!(sheet.summary.rows, u64::try_from(sheet.rows.len() + refused.len()).unwrap());
        }
    }

    #[test]
    fn what_is_written_is_read_back_unchanged(bytes in sheet_text()) {
        if let Ok(sheet) = read_with(&bytes, "a.csv", &rules(None)) {
            let stores = |rows: Vec<StoreRow>| rows.into_iter().map(|it| (it.store, it.group, it.contact)).collect::<Vec<_>>();
            if !sheet.rows.is_empty() {
                let before = stores(sheet.rows.clone());
                for format in TableFormat::ALL {
                    let again = read_with(&written(&sheet.rows, format), "a", &rules(None)).unwrap();
                    prop_assert_eq!(&again.problems, &[]);
                    prop_assert_eq!(&stores(again.rows), &before);
                }
                let again = read_with(&points(&sheet.rows), "a.geojson", &rules(None)).unwrap();
                prop_assert_eq!(&again.problems, &[]);
                prop_assert_eq!(&stores(again.rows), &before);
            }
        }
    }
}
