//! Stores, regions, campaigns and so on as bars: scans, and within them the presses.

use super::{
    Anchor, Failed, INK, PALE, SOFT, Sheet, Words, draw, fitted, grouped, percent, real, stage_name, tone, width_of,
};
use crate::app::{Numbers, NumbersRow};
use crate::funnel::Stage;
use crate::http::landing::texts::Lang;

/// Bars in one chart; the table has more.
const BARS_MAX: usize = 12;
const ROW: usize = 44;
const HEAD: usize = 30;

/// The bars of the rows, which `name` names.
pub(in crate::http::admin) fn chart(
    numbers: &Numbers,
    title: &str,
    name: &dyn Fn(&NumbersRow) -> String,
    (width, lang): (usize, Lang),
) -> Result<String, Failed> {
    let shown: Vec<&NumbersRow> = numbers.rows.iter().take(BARS_MAX).collect();
    let list: Vec<String> = shown.iter().map(|it| format!("{} {}", name(it), grouped(it.counts.scanned))).collect();
    let words = Words { title: title.to_owned(), description: list.join(", ") };
    let height = HEAD + ROW * shown.len().max(1) + 6;
    draw((width, height), lang, &words, |sheet| paint(sheet, &shown, name, lang))
}

fn paint(
    sheet: &Sheet<'_>,
    shown: &[&NumbersRow],
    name: &dyn Fn(&NumbersRow) -> String,
    lang: Lang,
) -> Result<(), Failed> {
    let right = sheet.width - 2.0;
    let (scanned, pressed) = (stage_name(Stage::Scanned, lang), stage_name(Stage::Pressed, lang));
    sheet.rect((2.0, 7.0), (16.0, 15.0), PALE)?;
    sheet.text(scanned, (24.0, 11.0), SOFT, Anchor::Start)?;
    let next = 24.0 + width_of(scanned) + 20.0;
    sheet.rect((next, 7.0), (next + 14.0, 15.0), tone(Stage::Pressed))?;
    sheet.text(pressed, (next + 22.0, 11.0), SOFT, Anchor::Start)?;
    if shown.is_empty() {
        let nothing = match lang {
            Lang::Zh => "这段时间没有扫码",
            Lang::En => "Nobody scanned in this period",
        };
        return sheet.text(nothing, (sheet.width / 2.0, 52.0), SOFT, Anchor::Middle);
    }
    let peak = shown.iter().map(|it| it.counts.scanned).max().unwrap_or(0).max(1);
    let x = |count: i64| 2.0 + ((right - 2.0) * real(count) / real(peak)).max(if count > 0 { 2.0 } else { 0.0 });
    let mut top = super::rows(HEAD);
    for it in shown {
        let counts = format!(
            "{} · {} · {}",
            grouped(it.counts.scanned),
            grouped(it.counts.pressed),
            percent(it.counts.pressed, it.counts.scanned)
        );
        let room = right - width_of(&counts) - 18.0;
        sheet.text(&fitted(&name(it), room), (2.0, top + 9.0), INK, Anchor::Start)?;
        sheet.text(&counts, (right, top + 9.0), SOFT, Anchor::End)?;
        sheet.rect((2.0, top + 20.0), (x(it.counts.scanned), top + 31.0), PALE)?;
        if it.counts.pressed > 0 {
            sheet.rect((2.0, top + 20.0), (x(it.counts.pressed), top + 31.0), tone(Stage::Pressed))?;
        }
        top += super::rows(ROW);
    }
    Ok(())
}
