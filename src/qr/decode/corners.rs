//! Tells whether the three corners of a code are to be seen, also where the decoder makes nothing of them.
//!
//! A corner is dark, bright, dark, bright, dark as 1 : 1 : 3 : 1 : 1, across and downwards (ISO/IEC 18004), whatever its outline.

use super::plane::{Plane, whole};

/// The longer side of the form that is looked at, in pixels.
const SIDE_PX: u32 = 1_000;
/// Corners that are kept: text has some by chance.
const CORNERS_MAX: usize = 40;
/// The narrowest module, in pixels: below it, noise looks like anything.
const MODULE_PX_MIN: f32 = 1.8;

/// Something with the look of a corner.
#[derive(Debug, Clone, Copy)]
struct Corner {
    x: f32,
    y: f32,
    /// The width of a module, in pixels.
    module: f32,
    lines: u32,
}

impl Corner {
    /// Whether enough lines agree on it: three modules of them cross its middle.
    fn is_firm(&self) -> bool {
        whole(self.lines) >= self.module.max(2.0)
    }
}

/// Whether three corners stand as those of a code do.
pub(super) fn are_seen(plane: &Plane) -> bool {
    let plane = if plane.longer() > SIDE_PX { plane.resized(SIDE_PX) } else { plane.resized(plane.longer() * 2) };
    [plane.clone(), plane.inverted()].iter().any(|it| {
        let found = corners(&it.against_surroundings(40.0));
        let firm: Vec<&Corner> = found.iter().filter(|it| it.is_firm()).collect();
        firm.iter().any(|a| firm.iter().any(|b| firm.iter().any(|c| is_code(a, b, c))))
    })
}

/// Whether `a` is the corner between the two others: at a right angle and as far from both.
fn is_code(a: &Corner, b: &Corner, c: &Corner) -> bool {
    let far = |p: &Corner, q: &Corner| (p.x - q.x).hypot(p.y - q.y);
    let (ab, ac, bc) = (far(a, b), far(a, c), far(b, c));
    let near = |x: f32, y: f32| (x - y).abs() <= 0.2 * x.max(y);
    let alike = near(a.module * 0.8, b.module * 0.8) && near(a.module, c.module);
    // The smallest code has 14 modules from the middle of one corner to the middle of the next.
    alike && ab > 10.0 * a.module && near(ab, ac) && near(bc, ab * std::f32::consts::SQRT_2)
}

fn corners(plane: &Plane) -> Vec<Corner> {
    let line = usize::try_from(plane.width()).unwrap_or(1).max(1);
    let mut found: Vec<Corner> = Vec::new();
    for (y, row) in (0_u32..).zip(plane.bytes().chunks_exact(line)) {
        for (middle, module) in patterns(row.iter().map(|it| *it < 128)) {
            let column = downwards(plane, middle, whole(y), module);
            let Some(y) = column else { continue };
            note(&mut found, Corner { x: middle, y, module, lines: 1 });
        }
    }
    found
}

fn note(found: &mut Vec<Corner>, it: Corner) {
    let same = |old: &&mut Corner| (old.x - it.x).abs() < 3.0 * it.module && (old.y - it.y).abs() < 3.0 * it.module;
    if let Some(old) = found.iter_mut().find(same) {
        old.lines += 1;
    } else if found.len() < CORNERS_MAX {
        found.push(it);
    }
}

/// The middle of the same pattern downwards, through a place that is the middle of one across.
fn downwards(plane: &Plane, x: f32, y: f32, module: f32) -> Option<f32> {
    let top = (y - 6.0 * module).max(0.0);
    let steps = (0..plane.height()).map(whole).take_while(|step| *step < 12.0 * module);
    let dark = steps.map(|step| plane.at(x, top + step).is_some_and(|it| it < 128));
    let (middle, other) = patterns(dark).into_iter().find(|(middle, _)| (top + middle - y).abs() < 2.0 * module)?;
    ((other - module).abs() < 0.5 * module).then_some(top + middle)
}

/// The middles of all corners along a line, and the widths of their modules.
fn patterns(line: impl Iterator<Item = bool>) -> Vec<(f32, f32)> {
    let (mut runs, mut found) = (Vec::<(bool, u32)>::new(), Vec::new());
    for dark in line {
        match runs.last_mut() {
            Some((last, length)) if *last == dark => *length += 1,
            _ => runs.push((dark, 1)),
        }
    }
    let mut from = 0;
    for (place, (_, length)) in runs.iter().enumerate() {
        if let Some([(true, a), (_, b), (_, c), (_, d), (_, e)]) = runs.get(place..place + 5) {
            let module = whole(a + b + c + d + e) / 7.0;
            let one = |it: &u32| (0.4..1.8).contains(&(whole(*it) / module));
            if module >= MODULE_PX_MIN
                && [a, b, d, e].into_iter().all(one)
                && (2.0..4.2).contains(&(whole(*c) / module))
            {
                found.push((whole(from) + whole(a + b) + whole(*c) / 2.0, module));
            }
        }
        from += length;
    }
    found
}
