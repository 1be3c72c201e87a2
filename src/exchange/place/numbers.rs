//! Two numbers in decimal degrees, or in degrees, minutes and seconds, with or without letters for the directions.

use super::{Degrees, PlaceNote};

/// The most numbers that two angles are written with: degrees, minutes and seconds of both.
const NUMBERS_MAX: usize = 6;

/// Which way an angle goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Lat,
    Lng,
}

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Number(f64),
    Degree,
    Minute,
    Second,
    /// A letter: the axis, and whether it turns the sign.
    Letter(Axis, bool),
    /// Between two angles.
    Break,
}

/// One angle as far as it is read.
#[derive(Debug, Clone, Copy, Default)]
struct Angle {
    degrees: Option<f64>,
    minutes: Option<f64>,
    seconds: Option<f64>,
    axis: Option<(Axis, bool)>,
}

impl Angle {
    fn value(self) -> Option<f64> {
        let degrees = self.degrees?;
        let small = |it: Option<f64>| it.map_or(Some(0.0), |it| Some(it).filter(|it| (0.0..60.0).contains(it)));
        let size = degrees.abs() + small(self.minutes)? / 60.0 + small(self.seconds)? / 3_600.0;
        let signed = if degrees.is_sign_negative() { -size } else { size };
        Some(if self.axis.is_some_and(|(_, turns)| turns) { -signed } else { signed })
    }
}

/// Reads a text; none if it is no pair of angles.
pub(super) fn read(text: &str) -> Option<(Degrees, &'static str, Vec<PlaceNote>)> {
    let tokens = tokens(text)?;
    if tokens.iter().filter(|it| matches!(it, Token::Number(_))).count() > NUMBERS_MAX {
        return None;
    }
    let angles = angles(&tokens)?;
    let [first, second] = angles.as_slice() else { return None };
    let has_parts = tokens.contains(&Token::Degree) || first.minutes.is_some();
    let recognised = if has_parts { "dms" } else { "numbers" };
    let (a, b) = (first.value()?, second.value()?);
    let mut notes = Vec::new();
    let lat_first = match (first.axis.map(|it| it.0), second.axis.map(|it| it.0)) {
        (Some(Axis::Lat), Some(Axis::Lat)) | (Some(Axis::Lng), Some(Axis::Lng)) => return None,
        (Some(Axis::Lat), _) | (_, Some(Axis::Lng)) => true,
        (Some(Axis::Lng), _) | (_, Some(Axis::Lat)) => false,
        (None, None) if a.abs() > 90.0 && b.abs() <= 90.0 => {
            notes.push(PlaceNote::LngFirst);
            false
        }
        (None, None) => {
            if b.abs() <= 90.0 {
                notes.push(PlaceNote::OrderAssumed);
            }
            true
        }
    };
    let degrees = if lat_first { Degrees { lat: a, lng: b } } else { Degrees { lat: b, lng: a } };
    Some((degrees, recognised, notes))
}

fn angles(tokens: &[Token]) -> Option<Vec<Angle>> {
    let mut done: Vec<Angle> = Vec::new();
    let mut open = Angle::default();
    let mut number: Option<f64> = None;
    let close = |open: &mut Angle, number: &mut Option<f64>, done: &mut Vec<Angle>| {
        // A number without a sign is the next smaller part: 31 13 49.4.
        match number.take() {
            Some(it) if open.degrees.is_none() => open.degrees = Some(it),
            Some(it) if open.minutes.is_none() => open.minutes = Some(it),
            Some(it) => open.seconds = Some(it),
            None => {}
        }
        if open.degrees.is_some() {
            done.push(std::mem::take(open));
        }
    };
    for token in tokens {
        match *token {
            Token::Number(it) => {
                // Two numbers in a row: the first one is an angle of its own.
                if number.is_some() {
                    close(&mut open, &mut number, &mut done);
                }
                number = Some(it);
            }
            Token::Degree => {
                if open.degrees.is_some() {
                    let next = number.take();
                    close(&mut open, &mut number, &mut done);
                    number = next;
                }
                open.degrees = Some(number.take()?);
            }
            Token::Minute => open.minutes = Some(number.take()?),
            Token::Second => open.seconds = Some(number.take()?),
            Token::Letter(axis, turns) => {
                // Before its angle (N31°) or behind it (31°N).
                if number.is_some() || open.degrees.is_some() {
                    if open.axis.is_some() {
                        close(&mut open, &mut number, &mut done);
                        open.axis = Some((axis, turns));
                        continue;
                    }
                    open.axis = Some((axis, turns));
                    close(&mut open, &mut number, &mut done);
                } else {
                    open.axis = Some((axis, turns));
                }
            }
            Token::Break => close(&mut open, &mut number, &mut done),
        }
    }
    close(&mut open, &mut number, &mut done);
    (open.axis.is_none() && done.len() == 2).then_some(done)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut rest = text.trim_matches(['(', ')', '[', ']', '（', '）', '"', '“', '”']).to_lowercase();
    for (word, letter) in [
        ("北纬", "n"),
        ("南纬", "s"),
        ("东经", "e"),
        ("西经", "w"),
        ("纬度", "n"),
        ("经度", "e"),
        ("latitude", "n"),
        ("longitude", "e"),
        ("lat", "n"),
        ("lng", "e"),
        ("lon", "e"),
        ("：", ":"),
        ("''", "″"),
    ] {
        rest = rest.replace(word, letter);
    }
    let mut tokens = Vec::new();
    let mut number = String::new();
    for c in rest.chars().chain([' ']) {
        if c.is_ascii_digit() || c == '.' || (matches!(c, '-' | '+' | '−') && number.is_empty()) {
            number.push(if c == '−' { '-' } else { c });
            continue;
        }
        if !number.is_empty() {
            tokens.push(Token::Number(number.parse().ok().filter(|it: &f64| it.is_finite())?));
            number.clear();
        }
        match c {
            '°' | '度' | 'º' => tokens.push(Token::Degree),
            '\'' | '′' | '’' | '分' => tokens.push(Token::Minute),
            '"' | '″' | '”' | '秒' => tokens.push(Token::Second),
            'n' => tokens.push(Token::Letter(Axis::Lat, false)),
            's' => tokens.push(Token::Letter(Axis::Lat, true)),
            'e' => tokens.push(Token::Letter(Axis::Lng, false)),
            'w' => tokens.push(Token::Letter(Axis::Lng, true)),
            ',' | ';' | '|' | '/' | '、' | '\n' | '\t' => tokens.push(Token::Break),
            ':' | '=' => {}
            it if it.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(tokens)
}
