//! The guard against formulas: a spreadsheet runs a CSV cell that begins like one, whoever typed it.
//!
//! Writing puts an apostrophe before such a text, reading takes one away. A text that has the apostrophe already gets another, so
//! every text comes back as it was.

use std::borrow::Cow;

/// Characters that begin a formula, the full-width ones as well, which Chinese and Japanese spreadsheets read alike.
const STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

fn begins_like_one(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(STARTS)
}

/// The text with an apostrophe before it, if it needs one.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if begins_like_one(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text without the apostrophe of [`guarded`].
pub(super) fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|_| begins_like_one(text)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_begin_like_a_formula_are_guarded_and_come_back() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("＝cmd", "'＝cmd"),
            ("@x", "'@x"),
            ("'=1", "''=1"),
            ("\tx", "'\tx"),
            ("+86 21", "'+86 21"),
        ] {
            assert_eq!(guarded(text), written);
            assert_eq!(unguarded(written), text);
        }
        for text in ["", "'", "'90s", "McDonald's", "1-2", "外滩店"] {
            assert_eq!(guarded(text), text);
            assert_eq!(unguarded(text), text);
        }
    }
}
