//! The two routes side by side: the share that pressed the code, with the interval that holds the true share.

use super::{Anchor, Failed, GRID, INK, PALE, SOFT, Sheet, Words, draw, tone};
use crate::funnel::{Comparison, Rate, Stage};
use crate::http::landing::texts::Lang;

const ROW: f64 = 62.0;

pub(in crate::http::admin) fn chart(comparison: &Comparison, width: usize, lang: Lang) -> Result<String, Failed> {
    let rates: Vec<(&'static str, Rate)> =
        comparison.modes.iter().filter_map(|it| Some((route_name(&it.mode, lang), it.pressed?))).collect();
    let list: Vec<String> = rates.iter().map(|(name, it)| format!("{name} {}", told(*it))).collect();
    let title = match lang {
        Lang::Zh => "两种方式:看到群码后长按的比例",
        Lang::En => "The two routes: of those who saw a code, how many pressed it",
    };
    let words = Words { title: title.to_owned(), description: list.join(", ") };
    let height = 62 * rates.len().max(1) + 34;
    draw((width, height), lang, &words, |sheet| paint(sheet, &rates))
}

/// What people call a route.
pub(in crate::http::admin) fn route_name(word: &str, lang: Lang) -> &'static str {
    let (chinese, english) = match word {
        "contact" => ("先加店长", "Manager first"),
        "group" => ("直接进群", "Group at once"),
        _ => ("未显示", "Not shown"),
    };
    match lang {
        Lang::Zh => chinese,
        Lang::En => english,
    }
}

fn told(it: Rate) -> String {
    let percent = |it: f64| format!("{:.1}", it * 100.0);
    format!("{} % ({}–{} %, n={})", percent(it.rate), percent(it.low), percent(it.high), it.of)
}

fn paint(sheet: &Sheet<'_>, rates: &[(&'static str, Rate)]) -> Result<(), Failed> {
    let (left, right) = (10.0, sheet.width - 26.0);
    // To the next full ten percent.
    let top = (rates.iter().map(|(_, it)| it.high).fold(0.1, f64::max) * 10.0).ceil() / 10.0;
    let x = |share: f64| left + (right - left) * share / top;
    let bottom = ROW * super::rows(rates.len().max(1)) + 4.0;
    for tick in [0.0, top / 2.0, top] {
        sheet.line(&[(x(tick), 4.0), (x(tick), bottom)], GRID, 1)?;
        sheet.text(&format!("{:.0} %", tick * 100.0), (x(tick), bottom + 14.0), SOFT, Anchor::Middle)?;
    }
    let mut row = 0.0;
    for (name, it) in rates {
        let middle = row + 42.0;
        sheet.text(name, (left, row + 16.0), INK, Anchor::Start)?;
        sheet.text(&told(*it), (right, row + 16.0), SOFT, Anchor::End)?;
        sheet.rect((x(it.low), middle - 5.0), (x(it.high), middle + 5.0), PALE)?;
        sheet.dot((x(it.rate), middle), 6, tone(Stage::Pressed))?;
        row += ROW;
    }
    Ok(())
}
