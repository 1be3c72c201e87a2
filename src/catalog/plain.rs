//! Text as people mean it: widths folded, invisible characters dropped. Says nothing about what the text means.

use std::borrow::Cow;

/// Drops white space of every kind, byte order marks and zero-width spaces at both ends.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'))
}

/// Turns full-width forms (U+FF01 to U+FF5E, as Chinese keyboards give them) into ASCII, and the ideographic space into a space.
#[must_use]
pub fn folded(text: &str) -> Cow<'_, str> {
    let is_wide = |c: char| matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{3000}');
    if !text.contains(is_wide) {
        return Cow::Borrowed(text);
    }
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    };
    Cow::Owned(text.chars().map(narrow).collect())
}

/// One line: control characters become spaces, both ends are trimmed.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    spaced(text, char::is_control)
}

/// Several lines: line breaks become `\n` and stay, as tabs do; other control characters become spaces.
#[must_use]
pub fn many_lines(text: &str) -> Cow<'_, str> {
    let unfit = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !trimmed(text).contains(unfit) {
        return Cow::Borrowed(trimmed(text));
    }
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(spaced(&unix, unfit).into_owned())
}

fn spaced(text: &str, unfit: fn(char) -> bool) -> Cow<'_, str> {
    let text = trimmed(text);
    if text.contains(unfit) {
        let clean: String = text.chars().map(|c| if unfit(c) { ' ' } else { c }).collect();
        Cow::Owned(trimmed(&clean).to_owned())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_forms_become_ascii() {
        assert_eq!(folded("ＳＨ－０００１（东）"), "SH-0001(东)");
        assert_eq!(folded("３１．２３"), "31.23");
        assert_eq!(folded("门店 1"), "门店 1");
    }

    #[test]
    fn invisible_ends_are_dropped_and_breaks_become_spaces() {
        assert_eq!(trimmed("\u{feff}\u{a0} 门店\u{3000}\u{200b}"), "门店");
        assert_eq!(one_line("中山路\r\n1号\u{0}"), "中山路  1号");
        assert_eq!(many_lines("a\r\nb\rc\u{7}"), "a\nb\nc");
    }
}
