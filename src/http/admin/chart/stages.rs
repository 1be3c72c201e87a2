//! The stages as bars: how many went how far, beside the days before.

use super::{Anchor, Failed, INK, PALE, SOFT, Sheet, Words, draw, grouped, percent, real, stage_name, tone, width_of};
use crate::app::Numbers;
use crate::funnel::Stage;
use crate::http::landing::texts::Lang;

const ROW: f64 = 46.0;
const HEIGHT: usize = 5 * 46 + 28;
const STAGES: [Stage; 5] = [Stage::Scanned, Stage::Located, Stage::Shown, Stage::Pressed, Stage::Joined];

pub(in crate::http::admin) fn chart(numbers: &Numbers, width: usize, lang: Lang) -> Result<String, Failed> {
    let list: Vec<String> = STAGES
        .iter()
        .map(|it| {
            let (count, before) = (numbers.total.of(*it), numbers.before.of(*it));
            format!("{} {} ({})", stage_name(*it, lang), grouped(count), grouped(before))
        })
        .collect();
    let words = match lang {
        Lang::Zh => {
            Words { title: "各环节人数".into(), description: format!("括号内为上期:{}", list.join(",")) }
        }
        Lang::En => Words {
            title: "How far people went".into(),
            description: format!("The period before in brackets: {}", list.join(", ")),
        },
    };
    draw((width, HEIGHT), lang, &words, |sheet| paint(sheet, numbers, lang))
}

fn paint(sheet: &Sheet<'_>, numbers: &Numbers, lang: Lang) -> Result<(), Failed> {
    let left = STAGES.iter().map(|it| width_of(stage_name(*it, lang))).fold(0.0, f64::max) + 14.0;
    let peak = STAGES.iter().map(|it| numbers.total.of(*it).max(numbers.before.of(*it))).max().unwrap_or(0).max(1);
    let value = |stage| {
        let count = numbers.total.of(stage);
        let share = if stage == Stage::Scanned { String::new() } else { percent(count, numbers.total.scanned) };
        (grouped(count), share)
    };
    let values = STAGES.iter().map(|it| value(*it)).map(|(a, b)| width_of(&a) * 1.1 + width_of(&b)).fold(0.0, f64::max);
    let right = sheet.width - values - 26.0;
    let x = |count: i64| left + ((right - left) * real(count) / real(peak)).max(if count > 0 { 2.0 } else { 0.0 });
    let mut top = 4.0;
    for stage in STAGES {
        let (count, before) = (numbers.total.of(stage), numbers.before.of(stage));
        sheet.text(stage_name(stage, lang), (left - 12.0, top + 13.0), INK, Anchor::End)?;
        if count > 0 {
            sheet.rect((left, top + 2.0), (x(count), top + 24.0), tone(stage))?;
        }
        if before > 0 {
            sheet.rect((left, top + 27.0), (x(before), top + 32.0), PALE)?;
        }
        let (count, share) = value(stage);
        let beside = x(numbers.total.of(stage)) + 8.0;
        sheet.bold(&count, (beside, top + 13.0), INK, Anchor::Start)?;
        sheet.text(&share, (beside + width_of(&count) * 1.1 + 8.0, top + 13.0), SOFT, Anchor::Start)?;
        top += ROW;
    }
    let legend = match lang {
        Lang::Zh => "上期",
        Lang::En => "The period before",
    };
    sheet.rect((left, top + 8.0), (left + 18.0, top + 13.0), PALE)?;
    sheet.text(legend, (left + 26.0, top + 11.0), SOFT, Anchor::Start)
}
