//! The days as lines, each with its name at its end.

use super::{Anchor, Failed, GRID, SOFT, Sheet, Words, draw, grouped, real, rows, stage_name, tone, width_of};
use crate::app::{Numbers, OfDay};
use crate::funnel::Stage;
use crate::http::landing::texts::Lang;

const HEIGHT: usize = 280;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 252.0;
/// The least distance between the names of two lines, in pixels.
const NAME_PX: f64 = 18.0;
const STAGES: [Stage; 5] = [Stage::Scanned, Stage::Located, Stage::Shown, Stage::Pressed, Stage::Joined];

pub(in crate::http::admin) fn chart(numbers: &Numbers, width: usize, lang: Lang) -> Result<String, Failed> {
    let (from, to) = (numbers.days.from, numbers.days.to);
    let list: Vec<String> =
        STAGES.iter().map(|it| format!("{} {}", stage_name(*it, lang), grouped(numbers.total.of(*it)))).collect();
    let words = match lang {
        Lang::Zh => {
            Words { title: format!("{from} 至 {to} 每天"), description: format!("合计:{}", list.join(",")) }
        }
        Lang::En => Words {
            title: format!("Every day from {from} to {to}"),
            description: format!("In all: {}", list.join(", ")),
        },
    };
    draw((width, HEIGHT), lang, &words, |sheet| paint(sheet, numbers, lang))
}

/// The stages that have anything to show; scans and presses always.
fn stages(numbers: &Numbers) -> impl Iterator<Item = Stage> {
    let total = numbers.total;
    STAGES.into_iter().filter(move |it| matches!(it, Stage::Scanned | Stage::Pressed) || total.of(*it) > 0)
}

fn paint(sheet: &Sheet<'_>, numbers: &Numbers, lang: Lang) -> Result<(), Failed> {
    let peak = numbers.by_day.iter().map(|it| it.counts.scanned.max(it.counts.joined)).max().unwrap_or(0);
    let step = step(peak);
    let top = (peak.max(1) + step - 1) / step * step;
    let y = |count: i64| BOTTOM - (BOTTOM - TOP) * real(count) / real(top);
    let left = 12.0 + width_of(&grouped(top));
    let names = stages(numbers).map(|it| width_of(&name(it, numbers, lang))).fold(0.0, f64::max);
    let right = sheet.width - names - 14.0;
    let last = rows(numbers.by_day.len().saturating_sub(1).max(1));
    let x = |place: usize| left + (right - left) * rows(place) / last;
    for line in (0..).map(|it| it * step).take_while(|it| *it <= top) {
        sheet.line(&[(left, y(line)), (right, y(line))], GRID, 1)?;
        sheet.text(&grouped(line), (left - 8.0, y(line)), SOFT, Anchor::End)?;
    }
    let points = |stage: Stage| -> Vec<(f64, f64)> {
        numbers.by_day.iter().enumerate().map(|(place, it)| (x(place), y(it.counts.of(stage)))).collect()
    };
    let mut under = points(Stage::Scanned);
    if under.len() > 1 {
        under.extend([(right, BOTTOM), (left, BOTTOM)]);
        sheet.filled(&under, tone(Stage::Scanned), 0.14)?;
    }
    for stage in stages(numbers) {
        let points = points(stage);
        match points.as_slice() {
            [only] => sheet.dot(*only, 4, tone(stage))?,
            many => sheet.line(many, tone(stage), 2)?,
        }
        if let Some(end) = points.last().filter(|_| points.len() > 1) {
            sheet.dot(*end, 3, tone(stage))?;
        }
    }
    name_lines(sheet, numbers, (right, &y), lang)?;
    name_days(sheet, &numbers.by_day, (left, right), lang)
}

fn name(stage: Stage, numbers: &Numbers, lang: Lang) -> String {
    let last = numbers.by_day.last().map_or(0, |it| it.counts.of(stage));
    format!("{} {}", stage_name(stage, lang), grouped(last))
}

/// The name of every line at its end; names that would lie over each other are moved apart.
fn name_lines(
    sheet: &Sheet<'_>,
    numbers: &Numbers,
    (right, y): (f64, &dyn Fn(i64) -> f64),
    lang: Lang,
) -> Result<(), Failed> {
    let last = |stage| numbers.by_day.last().map_or(0, |it: &OfDay| it.counts.of(stage));
    let mut names: Vec<(f64, Stage)> = stages(numbers).map(|it| (y(last(it)), it)).collect();
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Down from the top, then up from the bottom.
    let mut above = f64::NEG_INFINITY;
    for it in &mut names {
        it.0 = it.0.max(above + NAME_PX);
        above = it.0;
    }
    let mut below = BOTTOM + NAME_PX;
    for it in names.iter_mut().rev() {
        it.0 = it.0.min(below - NAME_PX);
        below = it.0;
    }
    for (at, stage) in names {
        sheet.text(&name(stage, numbers, lang), (right + 10.0, at), tone(stage), Anchor::Start)?;
    }
    Ok(())
}

/// The days below the lines, as many as have room.
fn name_days(sheet: &Sheet<'_>, days: &[OfDay], (left, right): (f64, f64), lang: Lang) -> Result<(), Failed> {
    let room = ((right - left) / 76.0).floor().max(1.0);
    let last = days.len().saturating_sub(1);
    let every = (rows(last) / room).ceil().max(1.0);
    let mut next = 0.0;
    for (place, it) in days.iter().enumerate() {
        if rows(place) + 1e-9 < next {
            continue;
        }
        next += every;
        let x = left + (right - left) * rows(place) / rows(last.max(1));
        let text = short(&it.day.to_string(), lang);
        sheet.text(&text, (whole(x, &text), BOTTOM + 18.0), SOFT, Anchor::Middle)?;
    }
    Ok(())
}

/// The middle of a text that is to stand below `x`, moved as far as it takes not to be cut at the left edge.
fn whole(x: f64, text: &str) -> f64 {
    x.max(width_of(text) / 2.0 + 1.0)
}

/// `2026-07-05` as `7月5日` or `7/5`.
fn short(day: &str, lang: Lang) -> String {
    let mut parts = day.rsplit('-').map(|it| it.trim_start_matches('0'));
    let (day, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match lang {
        Lang::Zh => format!("{month}月{day}日"),
        Lang::En => format!("{month}/{day}"),
    }
}

/// The distance between two lines of the grid: 1, 2 or 5 of a power of ten, so that there are three to six.
fn step(peak: i64) -> i64 {
    let mut power = 1;
    loop {
        for it in [1, 2, 5].map(|it| it * power) {
            if peak <= it * 5 {
                return it;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_a_few_round_lines() {
        let found = [0, 1, 5, 6, 24, 26, 99, 1_234].map(step);
        assert_eq!(found, [1, 1, 1, 2, 5, 10, 20, 500]);
    }

    #[test]
    fn the_first_day_is_not_cut_at_the_edge() {
        let first = short("2026-11-17", Lang::Zh);
        let middle = whole(20.0, &first);
        assert!(middle - width_of(&first) / 2.0 >= 0.0, "{middle}");
        assert!(middle < 40.0, "it stays below its day: {middle}");
        assert!((whole(300.0, &first) - 300.0).abs() < 1e-9);
    }

    #[test]
    fn a_day_is_short_below_the_lines() {
        assert_eq!((short("2026-07-05", Lang::Zh), short("2026-12-31", Lang::En)), ("7月5日".into(), "12/31".into()));
    }
}
