//! `docs/wecom.md` says of every error what the program says.

use std::fmt::Write as _;

use jinqun::platform::ERRORS;

const BEGIN: &str = "<!-- errors: written from the program's table, and compared with it by a test -->\n";
const END: &str = "<!-- /errors -->";

fn table() -> String {
    let mut out = String::from("\n| code | means | what the program does | what you do |\n| --- | --- | --- | --- |\n");
    for it in ERRORS {
        let (means, zh, words, todo) = (it.means.en, it.means.zh, it.remedy.words(), it.advice.en);
        writeln!(out, "| {} | {means} ({zh}) | {words} | {todo} |", it.code).unwrap();
    }
    out.push('\n');
    out
}

#[test]
fn the_table_of_errors_is_the_programs_own() {
    let page = include_str!("../../docs/wecom.md");
    let (_, rest) = page.split_once(BEGIN).expect("the table has its marks");
    let (shown, _) = rest.split_once(END).expect("the table has its marks");
    assert_eq!(shown, table(), "put this between the marks:\n{}", table());
}
