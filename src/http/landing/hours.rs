//! Opening hours in words of a language, from their canonical form.
//!
//! The script of the page does the same with the same form; nothing is parsed or decided here.

use super::texts::Lang;

const DAYS_ZH: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
const DAYS_EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const NEXT_DAY: &str = "次日";

/// Canonical hours such as `周一周二周三 08:00-次日01:00` as a customer reads them: `Mon–Wed 08:00–01:00 next day`.
#[must_use]
pub fn words(canonical: &str, lang: Lang) -> String {
    let mut words = String::new();
    for (place, part) in canonical.split(',').enumerate() {
        let (names, span) = part.rsplit_once(' ').unwrap_or(("", part));
        words.push_str(match (place, lang) {
            (0, _) => "",
            (_, Lang::Zh) => "，",
            (_, Lang::En) if names.is_empty() => ", ",
            (_, Lang::En) => "; ",
        });
        if !names.is_empty() {
            words.push_str(&days(names, lang));
            words.push(' ');
        }
        match lang {
            Lang::Zh => words.push_str(span),
            Lang::En => words.push_str(&span.replacen(NEXT_DAY, "", 1).replacen('-', "–", 1)),
        }
        if lang == Lang::En && span.contains(NEXT_DAY) {
            words.push_str(" next day");
        }
    }
    words
}

/// Named days, those in a row as a range.
fn days(names: &str, lang: Lang) -> String {
    let (known, to, and) = match lang {
        Lang::Zh => (DAYS_ZH, "至", "、"),
        Lang::En => (DAYS_EN, "–", ", "),
    };
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for day in (0..DAYS_ZH.len()).filter(|it| DAYS_ZH.get(*it).is_some_and(|name| names.contains(name))) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == day => *last = day,
            _ => runs.push((day, day)),
        }
    }
    let name = |day: usize| known.get(day).copied().unwrap_or_default();
    let run = |(from, until): (usize, usize)| {
        if from == until { name(from).to_owned() } else { [name(from), to, name(until)].concat() }
    };
    runs.into_iter().map(run).collect::<Vec<_>>().join(and)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OpeningHours;

    #[test]
    fn hours_are_written_as_the_language_does() {
        for (sheet, zh, en) in [
            ("08:00-22:00", "08:00-22:00", "08:00–22:00"),
            ("10:00-次日01:00", "10:00-次日01:00", "10:00–01:00 next day"),
            (
                "周一至周五 07:30-21:00,周六周日 09:00-22:00",
                "周一至周五 07:30-21:00，周六至周日 09:00-22:00",
                "Mon–Fri 07:30–21:00; Sat–Sun 09:00–22:00",
            ),
            (
                "周一周三至周五周日 10:00-12:00,14:00-次日02:00",
                "周一、周三至周五、周日 10:00-12:00，14:00-次日02:00",
                "Mon, Wed–Fri, Sun 10:00–12:00, 14:00–02:00 next day",
            ),
        ] {
            let hours = OpeningHours::parse(sheet).unwrap();
            assert_eq!(words(hours.as_str(), Lang::Zh), zh);
            assert_eq!(words(hours.as_str(), Lang::En), en);
        }
    }
}
