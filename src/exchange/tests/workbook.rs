//! Workbooks: what their cells say, and files that are none or mean harm. Workbooks are written by another library than the one
//! that reads them.

use std::io::{Cursor, Write as _};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::*;

fn workbook(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().unwrap()
}

fn text(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
    for (column, cell) in (0_u16..).zip(cells) {
        if !cell.is_empty() {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
}

const HEADER: [&str; 6] = ["门店编号", "门店名称", "纬度", "经度", "坐标系", "电话"];

fn read_book(bytes: &[u8]) -> Sheet {
    read_with(bytes, "a.xlsx", &rules(Some(Datum::Wgs84))).unwrap()
}

fn refused_book(bytes: &[u8]) -> (&'static str, String) {
    let problems = read_with(bytes, "a.xlsx", &rules(Some(Datum::Wgs84))).unwrap_err();
    (problems[0].code, problems[0].message.clone())
}

#[test]
fn cells_keep_their_digits_and_formulas_count_as_their_values() {
    let bytes = workbook(|sheet| {
        text(sheet, 0, &HEADER);
        sheet.write_string(1, 0, "00286").unwrap();
        sheet.write_formula(1, 1, Formula::new("=\"外\"&\"滩\"").set_result("外滩")).unwrap();
        sheet.write_number(1, 2, 31.230_400_000_000_003).unwrap();
        sheet.write_formula(1, 3, Formula::new("=120+1.5").set_result("121.5")).unwrap();
        sheet.write_number(1, 5, 8_613_800_138_000.0).unwrap();
        // A number that the sheet shows as 000017, and one whose last digits no spreadsheet keeps.
        sheet.write_number_with_format(2, 0, 17, &Format::new().set_num_format("000000")).unwrap();
        text(sheet, 2, &["", "=1+1", "", "", "高德"]);
        sheet.write_number(2, 2, 31).unwrap();
        sheet.write_number(2, 3, 121).unwrap();
        sheet.write_number(4, 0, 123_456_789_012_345_678.0_f64).unwrap();
        text(sheet, 4, &["", "c", "1", "2"]);
    });
    let sheet = read_book(&bytes);
    assert_eq!(sheet.ids(), [(2, "00286"), (3, "000017")]);
    assert_eq!(sheet.places(), [(5, "id_rounded")]);
    let [first, second] = [&sheet.rows[0].store, &sheet.rows[1].store];
    assert_eq!((&*first.name, first.at.given_lat(), first.at.given_lng()), ("外滩", 31.230_400_000_000_003, 121.5));
    assert_eq!((&*first.extra["电话"], &*second.name, second.at.datum()), ("8613800138000", "=1+1", Datum::Gcj02));
}

#[test]
fn dates_and_times_are_read_as_people_see_them() {
    let bytes = workbook(|sheet| {
        text(sheet, 0, &["id", "name", "lat", "lng", "group_url", "group_expires", "closures"]);
        text(sheet, 1, &["A", "a", "1", "2", "https://work.weixin.qq.com/gm/1"]);
        let moment = ExcelDateTime::from_ymd(2026, 12, 1).unwrap().and_hms(18, 0, 0).unwrap();
        sheet.write_datetime_with_format(1, 5, &moment, &Format::new().set_num_format("yyyy/m/d h:mm")).unwrap();
        let day = ExcelDateTime::from_ymd(2026, 12, 24).unwrap();
        sheet.write_datetime_with_format(1, 6, &day, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
    });
    let sheet = read_book(&bytes);
    let group = sheet.rows[0].group.as_ref().unwrap();
    assert_eq!(group.expires_at.unwrap().to_string(), "2026-12-01T10:00:00Z");
    assert_eq!(sheet.rows[0].store.closures.to_string(), "2026-12-24");
}

#[test]
fn errors_in_cells_are_problems_of_their_row() {
    let bytes = workbook(|sheet| {
        text(sheet, 0, &HEADER);
        text(sheet, 1, &["A", "a", "1", "2"]);
        sheet.write_formula(1, 1, Formula::new("=VLOOKUP(1,A:A,1)").set_result("#N/A")).unwrap();
        text(sheet, 2, &["B", "b", "1", "2"]);
        sheet.write_formula(2, 5, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    });
    // The writing library has no cells of errors; a formula's result is marked as one here.
    let bytes = retouched(&bytes, "xl/worksheets/sheet1.xml", |xml| {
        xml.replace("t=\"str\"><f>VLOOKUP", "t=\"e\"><f>VLOOKUP").replace("t=\"str\"><f>1/0", "t=\"e\"><f>1/0")
    });
    let sheet = read_book(&bytes);
    assert_eq!(sheet.places(), [(2, "cell_error")]);
    assert_eq!((sheet.problems[0].column.as_deref(), sheet.problems[0].value.as_deref()), (Some("name"), Some("#N/A")));
    assert_eq!(sheet.ids(), [(3, "B")]);
    assert_eq!((sheet.warnings[0].row, sheet.warnings[0].code), (Some(3), "cell_error"));
}

#[test]
fn merged_hidden_and_blank_rows_are_read_as_they_look() {
    let bytes = workbook(|sheet| {
        let plain = Format::new();
        sheet.merge_range(0, 0, 0, 5, "门店清单（2026 年）", &plain).unwrap();
        text(sheet, 2, &["省", "门店编号", "门店名称", "纬度", "经度"]);
        for (row, id) in [(3, "A"), (4, "B"), (6, "C")] {
            text(sheet, row, &["", id, "店", "1", "2"]);
        }
        sheet.merge_range(3, 0, 4, 0, "上海市", &plain).unwrap();
        sheet.set_row_hidden(4).unwrap();
        text(sheet, 6, &["", "", "", "", "", "", "", "stray"]);
    });
    let sheet = read_book(&bytes);
    assert_eq!(sheet.ids(), [(4, "A"), (5, "B"), (7, "C")]);
    let provinces: Vec<&str> = sheet.rows.iter().map(|it| &*it.store.province).collect();
    assert_eq!(provinces, ["上海市", "上海市", ""]);
    assert_eq!((sheet.warnings[0].row, sheet.warnings[0].code), (Some(7), "too_many_cells"));
}

#[test]
fn the_sheet_of_stores_is_found_by_its_name() {
    let mut book = Workbook::new();
    text(book.add_worksheet().set_name("说明").unwrap(), 0, &["请", "看", "下一页"]);
    let sheet = book.add_worksheet().set_name("门店").unwrap();
    text(sheet, 0, &HEADER);
    text(sheet, 1, &["A", "a", "1", "2"]);
    assert_eq!(read_book(&book.save_to_buffer().unwrap()).ids(), [(2, "A")]);
    let nothing = workbook(|sheet| text(sheet, 0, &HEADER));
    assert_eq!(refused_book(&nothing).0, "no_rows");
    assert_eq!(refused_book(&workbook(|_| {})).0, "empty");
    assert_eq!(refused_book(&workbook(|sheet| text(sheet, 0, &["门店"]))).0, "column_missing");
}

#[test]
fn templates_have_the_headers_that_are_read_and_examples_that_are_good() {
    for language in [SheetLanguage::Chinese, SheetLanguage::English] {
        let template = write_template(TemplateOf::Stores, language).unwrap();
        assert_eq!(refused_book(&template).0, "no_rows", "nothing is filled in");
        let example = language.of("示例", "example");
        let renamed = retouched(&template, "xl/workbook.xml", |xml| {
            let own = language.of("门店", "stores");
            xml.replace(&format!("name=\"{own}\""), "name=\"x\"")
                .replace(&format!("name=\"{example}\""), &format!("name=\"{own}\""))
        });
        let sheet = read_with(&renamed, "a.xlsx", &rules(None)).unwrap();
        assert_eq!((sheet.problems.as_slice(), sheet.ids()), (&[][..], vec![(2, "SH-0001"), (3, "00286")]));
        assert!(sheet.rows[0].store.extra.is_empty(), "every header has a meaning");
        for of in [TemplateOf::Groups, TemplateOf::Contacts] {
            let bytes = write_template(of, language).unwrap();
            let mut rows = Vec::new();
            read_table::<Vec<Problem>>(&bytes, &[example], &mut |it| {
                rows.push(it.cell(0).to_owned());
                Ok(())
            })
            .unwrap();
            assert_eq!(rows, [language.of("编号", "id"), "SH-0001-2", "huangpu"]);
        }
    }
}

/// The workbook with one of its parts rewritten.
fn retouched(bytes: &[u8], part: &str, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut archive.by_name(part).unwrap(), &mut text).unwrap();
    let names: Vec<String> = archive.file_names().map(|it| it.unwrap().into_owned()).filter(|it| it != part).collect();
    for name in names {
        out.raw_copy_file(archive.by_name(&name).unwrap()).unwrap();
    }
    out.start_file(part, SimpleFileOptions::default()).unwrap();
    out.write_all(change(&text).as_bytes()).unwrap();
    out.finish().unwrap().into_inner()
}

fn good() -> Vec<u8> {
    workbook(|sheet| {
        text(sheet, 0, &HEADER);
        text(sheet, 1, &["A", "a", "1", "2"]);
    })
}

#[test]
fn a_bomb_is_refused_before_it_is_expanded() {
    // 40 MB of blanks in 40 KB.
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
    out.start_file("xl/workbook.xml", packed).unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..40 {
        out.write_all(&blanks).unwrap();
    }
    let bomb = out.finish().unwrap().into_inner();
    let started = std::time::Instant::now();
    let (code, message) = refused_book(&bomb);
    assert_eq!(code, "workbook_expands");
    assert!(message.contains("unpacks to more than"), "{message}");
    assert!(started.elapsed().as_millis() < 200, "nothing is unpacked");
    // One that lies about its size is caught by what comes out of it.
    let mut lying = bomb;
    let real = u32::to_le_bytes(40 << 20);
    let places: Vec<usize> = (0..lying.len() - 4).filter(|it| lying[*it..][..4] == real).collect();
    assert!(!places.is_empty());
    for place in places {
        lying[place..][..4].copy_from_slice(&u32::to_le_bytes(1_000));
    }
    let (code, _) = refused_book(&lying);
    assert!(matches!(code, "workbook_expands" | "workbook_broken"), "{code}");
}

#[test]
fn a_workbook_that_names_more_texts_than_it_has_is_refused() {
    let bytes =
        retouched(&good(), "xl/sharedStrings.xml", |xml| xml.replace("uniqueCount=\"", "uniqueCount=\"99999999999"));
    assert_eq!(refused_book(&bytes).0, "workbook_broken");
}

#[test]
fn files_that_are_no_workbooks_are_told_in_a_sentence() {
    let good = good();
    assert_eq!(refused_book(&good[..good.len() / 2]).0, "workbook_broken");
    let (code, message) = refused_book(&retouched(&good, "xl/worksheets/sheet1.xml", |xml| xml.replace("</c>", "")));
    assert_eq!(code, "workbook_broken");
    assert!(message.starts_with("this workbook is damaged or cut off"), "{message}");
    assert_eq!(refused_book(&retouched(&good, "xl/workbook.xml", |_| "<x/>".to_owned())).0, "workbook_broken");
    let other = |name: &str| {
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.finish().unwrap().into_inner()
    };
    assert_eq!(refused_book(&other("photos/1.jpg")).0, "archive");
}

proptest! {
    #[test]
    fn a_workbook_damaged_anywhere_gives_rows_or_findings(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = good();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _outcome = read_with(&bytes, "a.xlsx", &rules(None));
    }

    #[test]
    fn a_sheet_with_anything_in_it_gives_rows_or_findings(xml in "(<(row|c|v|f|is|t|mergeCell)( (r|t|s|ref)=\"[A-Z]{0,4}[0-9]{0,11}(:[A-Z]{1,3}[0-9]{1,9})?\"){0,3}/?>|</(row|c|v|f|is|t)>|[0-9a#/!]{1,6}){0,40}") {
        let bytes = retouched(&good(), "xl/worksheets/sheet1.xml", |_| {
            format!("<worksheet><sheetData>{xml}</sheetData></worksheet>")
        });
        let _outcome = read_with(&bytes, "a.xlsx", &rules(None));
    }
}
