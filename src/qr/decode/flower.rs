//! Tells the round codes of `WeChat`'s mini programs, which nobody but `WeChat` reads, from pictures without any code.
//!
//! Such a code is a disc of rays around a picture. The test is made for codes that were saved, alone on a plain ground; on a
//! photograph it says no.

use super::plane::{Plane, whole};

/// Places on a circle that are looked at.
const PLACES: u16 = 720;
/// Circles that are looked at, as parts of the disc's radius.
const CIRCLES: [f32; 6] = [0.62, 0.66, 0.70, 0.74, 0.78, 0.82];
/// Rays of the smallest and largest such code: 36, 54 and 72 are in use, and neighbours of one kind melt together.
const RAYS: std::ops::RangeInclusive<usize> = 9..=72;

/// Whether the picture is probably such a code.
pub(super) fn is_likely(plane: &Plane) -> bool {
    let plane = if plane.longer() > 600 { plane.resized(600) } else { plane.clone() };
    let plane = if plane.ground() == 0 { plane.inverted() } else { plane };
    let Some((mid, radius)) = disc(&plane) else { return false };
    let circles: Vec<Vec<bool>> = CIRCLES.iter().map(|part| circle(&plane, mid, radius * part)).collect();
    let has_rays = |it: &Vec<bool>| RAYS.contains(&changes(it).div_ceil(2));
    // Along a ray nothing changes from one circle to the next, but for where rays end.
    let same = circles.windows(2).filter(|pair| matches!(pair, [a, b] if likeness(a, b) > 0.8)).count();
    circles.iter().filter(|it| has_rays(it)).count() >= 4 && same >= 3
}

/// The middle and radius of what is dark, if that is as wide as high and its corners are empty.
fn disc(plane: &Plane) -> Option<((f32, f32), f32)> {
    let line = usize::try_from(plane.width()).ok()?;
    let (mut left, mut right, mut top, mut bottom) = (u32::MAX, 0, u32::MAX, 0);
    for (y, row) in (0_u32..).zip(plane.bytes().chunks_exact(line.max(1))) {
        for (x, it) in (0_u32..).zip(row) {
            if *it < 128 {
                (left, right, top, bottom) = (left.min(x), right.max(x), top.min(y), bottom.max(y));
            }
        }
    }
    let (width, height) = (right.checked_sub(left)?, bottom.checked_sub(top)?);
    if width < 80 || width.abs_diff(height) * 12 > width {
        return None;
    }
    let mid = (whole(left + right) / 2.0, whole(top + bottom) / 2.0);
    let radius = whole(width.max(height)) / 2.0;
    // On the diagonals, beyond the disc and within the square around it.
    let is_empty = |x: f32, y: f32| {
        [1.08, 1.2, 1.3].iter().all(|part| {
            let far = radius * part * std::f32::consts::FRAC_1_SQRT_2;
            plane.at(x.mul_add(far, mid.0), y.mul_add(far, mid.1)).is_none_or(|it| it >= 128)
        })
    };
    let corners = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
    corners.into_iter().all(|(x, y)| is_empty(x, y)).then_some((mid, radius))
}

fn circle(plane: &Plane, (x, y): (f32, f32), radius: f32) -> Vec<bool> {
    let dark = |place: u16| {
        let (sin, cos) = (std::f32::consts::TAU * f32::from(place) / f32::from(PLACES)).sin_cos();
        plane.at(radius.mul_add(cos, x), radius.mul_add(sin, y)).is_some_and(|it| it < 128)
    };
    (0..PLACES).map(dark).collect()
}

fn changes(circle: &[bool]) -> usize {
    circle.windows(2).filter(|it| matches!(it, [a, b] if a != b)).count()
}

/// The share of places that are alike on two circles.
fn likeness(a: &[bool], b: &[bool]) -> f32 {
    let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
    whole(u32::try_from(same).unwrap_or(0)) / f32::from(PLACES)
}
