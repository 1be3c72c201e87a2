//! Breaks a caption into lines: between Chinese characters, after spaces, never before closing punctuation.
//!
//! It covers what captions need, not the Unicode line breaking algorithm (UAX 14).

/// Characters that do not begin a line (a part of the prohibitions of GB/T 15834).
const NOT_FIRST: &str = "，。、；：！？）》」』】〕〉”’…—·％℃,.;:!?)]}%";

/// Characters that do not end a line.
const NOT_LAST: &str = "（《「『【〔〈“‘([{￥¥$";

/// How often the search for the narrowest width halves its range; the rest is far below a pixel.
const HALVINGS: u32 = 24;

/// One line and its width in em.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) width_em: f32,
}

/// A piece that no line break divides.
struct Piece {
    text: String,
    width_em: f32,
    /// White space after it, which is dropped at a line's end.
    space_em: f32,
}

/// Sets the paragraphs in at most `lines_max` lines that are as even as possible.
///
/// Paragraphs are not joined, so there are never fewer lines than paragraphs.
pub(super) fn rows(paragraphs: &[&str], lines_max: usize, advance: impl Fn(char) -> f32) -> Vec<Row> {
    let paragraphs: Vec<Vec<Piece>> = paragraphs.iter().map(|it| pieces(it, &advance)).collect();
    let widest_piece = paragraphs.iter().flatten().map(|it| it.width_em).fold(0.0, f32::max);
    let mut wide = fill(&paragraphs, f32::INFINITY).iter().map(|row| row.width_em).fold(0.0, f32::max);
    let mut narrow = widest_piece;
    if fill(&paragraphs, narrow).len() <= lines_max {
        return fill(&paragraphs, narrow);
    }
    for _ in 0..HALVINGS {
        let middle = f32::midpoint(narrow, wide);
        if fill(&paragraphs, middle).len() <= lines_max {
            wide = middle;
        } else {
            narrow = middle;
        }
    }
    fill(&paragraphs, wide)
}

/// Fills line after line up to a width.
fn fill(paragraphs: &[Vec<Piece>], width_em: f32) -> Vec<Row> {
    let mut rows = Vec::new();
    for paragraph in paragraphs {
        let mut row = Row { text: String::new(), width_em: 0.0 };
        let mut space_em = 0.0;
        for piece in paragraph {
            if !row.text.is_empty() && row.width_em + space_em + piece.width_em > width_em {
                rows.push(std::mem::replace(&mut row, Row { text: String::new(), width_em: 0.0 }));
                space_em = 0.0;
            }
            if space_em > 0.0 {
                row.text.push(' ');
            }
            row.text.push_str(&piece.text);
            row.width_em += space_em + piece.width_em;
            space_em = piece.space_em;
        }
        rows.push(row);
    }
    rows
}

fn pieces(paragraph: &str, advance: impl Fn(char) -> f32) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut before: Option<char> = None;
    for c in paragraph.chars() {
        if c.is_whitespace() {
            if let Some(last) = pieces.last_mut() {
                last.space_em = advance(' ').max(f32::EPSILON);
            }
            before = None;
            continue;
        }
        match pieces.last_mut() {
            Some(last) if before.is_some_and(|before| stays_together(before, c)) => {
                last.text.push(c);
                last.width_em += advance(c);
            }
            _ => pieces.push(Piece { text: c.to_string(), width_em: advance(c), space_em: 0.0 }),
        }
        before = Some(c);
    }
    pieces
}

fn stays_together(before: char, after: char) -> bool {
    let divides = is_ideographic(before) || is_ideographic(after);
    !divides || NOT_LAST.contains(before) || NOT_FIRST.contains(after)
}

/// Chinese, Japanese and Korean letters and their full-width punctuation, by Unicode block.
pub(super) const fn is_ideographic(c: char) -> bool {
    matches!(
        c,
        '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe4f}'
            | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::rows;

    fn set(paragraphs: &[&str], lines_max: usize) -> Vec<String> {
        let advance = |c: char| if c.is_ascii() { 0.5 } else { 1.0 };
        rows(paragraphs, lines_max, advance).into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn chinese_breaks_into_even_lines() {
        assert_eq!(set(&["扫码加入离你最近的门店福利群"], 1), ["扫码加入离你最近的门店福利群"]);
        assert_eq!(set(&["扫码加入离你最近的门店福利群"], 2), ["扫码加入离你最", "近的门店福利群"]);
    }

    #[test]
    fn words_are_not_divided() {
        assert_eq!(set(&["Join the group of your nearest store"], 2), ["Join the group of", "your nearest store"]);
        assert_eq!(set(&["乘Metro到店"], 3), ["乘", "Metro", "到店"]);
    }

    #[test]
    fn punctuation_stays_with_its_word() {
        assert_eq!(set(&["进群领券，每天有礼"], 2), ["进群领券，", "每天有礼"]);
        assert_eq!(set(&["加群（免费）有礼"], 2), ["加群（免", "费）有礼"]);
        assert_eq!(set(&["领券，有礼"], 3), ["领", "券，", "有礼"]);
        assert_eq!(set(&["礼（券"], 3), ["礼", "（券"]);
    }

    #[test]
    fn paragraphs_are_kept_apart() {
        assert_eq!(set(&["扫码", "进群领券每天有礼"], 3), ["扫码", "进群领券", "每天有礼"]);
    }

    #[test]
    fn a_line_neither_begins_nor_ends_with_a_space() {
        assert_eq!(set(&["扫码  进群"], 1), ["扫码 进群"]);
        assert_eq!(set(&["扫码 进群"], 2), ["扫码", "进群"]);
        let all = rows(&["扫码 进群"], 1, |c| if c == ' ' { 0.25 } else { 1.0 });
        assert!((all[0].width_em - 4.25).abs() < 1e-6);
    }
}
