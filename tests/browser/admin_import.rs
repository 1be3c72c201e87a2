//! Importing a sheet with errors, as somebody of the operations team does it: see them, import the good rows, take it back.

use std::fs;
use std::path::Path;

use rust_xlsxwriter::Workbook;
use serde_json::json;

use crate::browser::{Browser, Place, Setup};
use crate::demo::{Demo, row};

/// The square before SH-0001.
const SQUARE: (f64, f64) = (31.2304, 121.4737);
const HEADER: [&str; 6] = ["门店编号", "门店名称", "纬度", "经度", "坐标系", "群链接"];

fn workbook(folder: &Path, rows: &[[&str; 6]]) -> String {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0_u32..).zip([HEADER].iter().chain(rows)) {
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    let path = folder.join("门店.xlsx");
    fs::write(&path, book.save_to_buffer().unwrap()).unwrap();
    path.display().to_string()
}

/// Puts a file into the page's field for one, as dropping it does.
fn choose(browser: &Browser<'_>, path: &str) {
    let field = browser.cdp("Runtime.evaluate", &json!({"expression": "document.getElementById('file')"}));
    browser.cdp("DOM.setFileInputFiles", &json!({"files": [path], "objectId": field["result"]["objectId"]}));
}

#[test]
fn a_sheet_with_errors_is_seen_imported_as_far_as_it_is_good_and_taken_back() {
    let demo = Demo::start();
    let folder = tempfile::tempdir().unwrap();
    let near =
        ["00286", "<img src=x onerror=alert(1)>", "31.2304", "121.4737", "wgs84", "https://work.weixin.qq.com/gm/new"];
    let far = ["00287", "写错的店", "311.2", "121.49", "wgs84", ""];
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/import");
    desk.wait_text("h1", "导入表格");
    choose(&desk, &workbook(folder.path(), &[near, far]));
    desk.wait_text(".outcome strong", "有 1 行有问题");
    assert_eq!(desk.text(".found td.place"), "第 3 行");
    assert!(desk.text(".found tbody").contains("311.2"));
    desk.tap("[data-tab=differences]");
    desk.wait("document.querySelector('.found tbody').innerText.includes('<img src=x onerror=alert(1)>')");
    assert_eq!(desk.text(".apply"), "只导入没有问题的 1 行");
    desk.tap(".apply");
    desk.wait("document.querySelector('.outcome strong').innerText.includes('立即生效')");

    // On the landing page at once, its name a text and nothing else.
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::At(SQUARE.0, SQUARE.1, 20.0));
    phone.open("/");
    phone.tap("#locate");
    phone.wait("document.getElementById('title').innerText.includes('<img src=x onerror=alert(1)>')");
    assert_eq!(phone.codes(), ["https://work.weixin.qq.com/gm/new"]);

    desk.tap(".undo");
    desk.tap("dialog button.primary");
    desk.wait("document.querySelector('.outcome strong').innerText.includes('已撤销')");
    phone.forget();
    phone.open("/");
    phone.tap("#locate");
    phone.wait(&format!("document.getElementById('title').innerText.includes({})", json!(row("SH-0001").name)));
}

#[test]
fn the_page_asks_for_the_datum_and_says_what_is_no_sheet() {
    let demo = Demo::start();
    let folder = tempfile::tempdir().unwrap();
    let phone = Browser::start(&demo, &Setup::default());
    phone.sign_in("/admin/import");
    phone.wait_text("h1", "导入表格");
    choose(&phone, &workbook(folder.path(), &[["A1", "一店", "31.2", "121.4", "", ""]]));
    phone.wait("document.querySelector('.datums')?.checkVisibility()");
    phone.tap(".datums button");
    phone.wait_text(".outcome strong", "可以导入");
    assert_eq!(phone.value("document.getElementById('datum').value"), "gcj02");
    assert!(phone.value("document.documentElement.scrollWidth").as_u64().unwrap() <= 390);
    let current = "(r => r.left >= 0 && r.right <= innerWidth)(document.querySelector('.top nav [aria-current]').getBoundingClientRect())";
    assert_eq!(phone.value(current), true, "the menu shows where one is");
    let photo = folder.path().join("photo.jpg");
    fs::write(&photo, b"\xff\xd8\xff\xe0 JFIF").unwrap();
    choose(&phone, &photo.display().to_string());
    phone.wait_text(".outcome strong", "这份文件无法导入");
    assert!(phone.text(".outcome").contains("这是一张图片"));
}
