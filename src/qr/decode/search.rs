//! In which forms a picture is offered to the decoder, the likeliest first, and what is made of what was seen.

use std::time::Instant;

use super::attempt::{Seen, look};
use super::open::Opened;
use super::plane::{Area, Plane};
use super::{DecodeError, Decoded, Effort, TEXTS_MAX, corners, flower};

/// The longer side of the largest form, in pixels: beyond it only parts are looked at.
const WHOLE_PX_MAX: u32 = 2_000;
/// The longer sides that a picture is shrunk to, the likeliest first.
const SIDES_PX: [u32; 5] = [1_200, 800, 500, 300, 400];
/// The sides that a part with a code in it is brought to.
const PART_SIDES_PX: [u32; 4] = [450, 700, 330, 1_000];
/// Strengths of the blur, in pixels: rounded dots and the noise of JPEG melt together.
const BLURS_PX: [f32; 2] = [0.0, 1.5];
/// Codes in one form that are looked at more closely.
const CLOSER_MAX: usize = 4;
/// Angles between the right angles, in degrees.
const TURNS: [f32; 3] = [30.0, -30.0, 45.0];
/// Parts on a side where a large picture is looked at part by part; each overlaps the next by half.
const PARTS: u32 = 3;

struct Search {
    effort: Effort,
    started: Instant,
    tries: u32,
}

type Found = Option<Result<Decoded, DecodeError>>;

/// Looks for a code in a picture.
pub(super) fn search(opened: Opened, effort: Effort) -> Result<Decoded, DecodeError> {
    let mut search = Search { effort, started: Instant::now(), tries: 0 };
    let Opened { plane, on_black } = opened;
    let found = search
        .whole(&plane, "")
        .or_else(|| search.whole(&on_black?, "on black, "))
        .or_else(|| search.hard(&plane))
        .or_else(|| search.parts(&plane));
    match found {
        Some(found) => found,
        None if flower::is_likely(&plane) => Err(DecodeError::MiniProgramCode),
        None if corners::are_seen(&plane) => Err(DecodeError::Unreadable),
        None => Err(DecodeError::NoCode),
    }
}

impl Search {
    fn is_over(&self) -> bool {
        self.tries >= self.effort.tries || self.started.elapsed() >= self.effort.time
    }

    /// The whole picture, shrunk and grown, sharp and blurred, as it is and inverted.
    fn whole(&mut self, plane: &Plane, of: &str) -> Found {
        let longer = plane.longer();
        let mut sides: Vec<u32> = vec![longer.min(WHOLE_PX_MAX)];
        sides.extend(SIDES_PX.iter().copied().filter(|it| it * 5 < longer * 4));
        if longer < 700 {
            sides.insert(1, longer * 2);
            sides.push(longer * 3);
        }
        for blur in BLURS_PX {
            for side in &sides {
                let form = plane.resized(*side);
                let (form, blurred) = if blur > 0.0 { (form.blurred(blur), ", blurred") } else { (form, "") };
                let name = format!("{of}{side} px{blurred}");
                if let Some(found) = self.both(&form, &name) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// What helps against bad light, faint ink, codes without a border, and phones held askew.
    fn hard(&mut self, plane: &Plane) -> Found {
        let base = plane.resized(plane.longer().clamp(600, 1_000));
        let small = plane.resized(500);
        let ground = base.ground();
        let forms: [(&str, &dyn Fn() -> Plane); 9] = [
            ("stretched", &|| base.stretched()),
            ("with a border", &|| base.padded(base.longer() / 8, ground)),
            ("with a border, small", &|| small.padded(60, ground)),
            ("against its surroundings", &|| base.against_surroundings(40.0)),
            ("against its near surroundings", &|| base.blurred(1.0).against_surroundings(16.0)),
            ("against its surroundings, small", &|| small.against_surroundings(24.0).blurred(1.0)),
            ("sharpened", &|| base.sharpened()),
            ("stretched, small, blurred", &|| small.stretched().blurred(1.0)),
            ("much blurred", &|| base.blurred(3.0)),
        ];
        for (name, form) in forms {
            if self.is_over() {
                return None;
            }
            if let Some(found) = self.both(&form(), name) {
                return Some(found);
            }
        }
        for degrees in TURNS {
            if self.is_over() {
                return None;
            }
            let turned = base.padded(base.longer() / 5, ground).turned(degrees, ground);
            if let Some(found) = self.both(&turned, "turned") {
                return Some(found);
            }
        }
        None
    }

    /// A large picture part by part, for a small code on it.
    fn parts(&mut self, plane: &Plane) -> Found {
        if plane.longer() < 600 {
            return None;
        }
        let step = |side: u32| (side / (PARTS + 1)).max(1);
        let (dx, dy) = (step(plane.width()), step(plane.height()));
        for place in 0..PARTS * PARTS {
            let area = Area { x: place % PARTS * dx, y: place / PARTS * dy, width: dx * 2, height: dy * 2 };
            let part = plane.cropped(area);
            for side in [part.longer().min(1_500), 900] {
                if self.is_over() {
                    return None;
                }
                if let Some(found) = self.both(&part.resized(side), "a part") {
                    return Some(found);
                }
            }
        }
        None
    }

    /// A form as it is, and inverted.
    fn both(&mut self, form: &Plane, name: &str) -> Found {
        self.one(form, name).or_else(|| self.one(&form.inverted(), &format!("inverted, {name}")))
    }

    fn one(&mut self, form: &Plane, name: &str) -> Found {
        if self.is_over() {
            return None;
        }
        let seen = self.look(form);
        let Seen { texts, unread } = seen;
        let mut read: Vec<String> = texts.into_iter().map(|it| it.0).collect();
        let mut how = name.to_owned();
        for area in unread.into_iter().take(CLOSER_MAX) {
            let is_second = !read.is_empty();
            if let Some((text, closer)) = self.closer(form, area, is_second) {
                if !is_second {
                    how = format!("{name}, {closer}");
                }
                read.push(text);
            }
        }
        read.sort_unstable();
        read.dedup();
        read.truncate(TEXTS_MAX);
        match read.len() {
            0 => None,
            1 => read.pop().map(|text| Ok(Decoded { text, form: how, tries: self.tries })),
            _ => Some(Err(DecodeError::SeveralCodes(read))),
        }
    }

    /// The surroundings of a code that could not be read, in sizes and with blurs of its own. Beside a code that was read, only
    /// briefly: it may be nothing.
    fn closer(&mut self, form: &Plane, area: Area, briefly: bool) -> Option<(String, &'static str)> {
        let part = form.cropped(with_margin(area, form));
        for side in PART_SIDES_PX.into_iter().take(if briefly { 1 } else { PART_SIDES_PX.len() }) {
            let sized = part.resized(side);
            let forms: [(&str, &dyn Fn() -> Plane); 4] = [
                ("close", &|| sized.clone()),
                ("close, blurred", &|| sized.blurred(1.5)),
                ("close, much blurred", &|| sized.blurred(2.6)),
                ("close, against its surroundings", &|| sized.blurred(1.0).against_surroundings(30.0)),
            ];
            for (name, make) in forms {
                if self.is_over() {
                    return None;
                }
                if let Some((text, _)) = self.look(&make()).texts.into_iter().next() {
                    return Some((text, name));
                }
            }
        }
        None
    }

    fn look(&mut self, form: &Plane) -> Seen {
        self.tries += 1;
        look(form)
    }
}

/// An area with a fifth of its size around it.
fn with_margin(area: Area, plane: &Plane) -> Area {
    let margin = area.width.max(area.height) / 5 + 4;
    let (x, y) = (area.x.saturating_sub(margin), area.y.saturating_sub(margin));
    let width = (area.x + area.width + margin).min(plane.width()) - x;
    let height = (area.y + area.height + margin).min(plane.height()) - y;
    Area { x, y, width, height }
}
