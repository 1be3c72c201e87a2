//! One form of a picture, offered to the decoder.

use rqrr::PreparedImage;

use super::plane::{Area, Plane};

/// What was seen in one form.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The texts, and where they stand.
    pub(super) texts: Vec<(String, Area)>,
    /// Where codes are that could not be read.
    pub(super) unread: Vec<Area>,
}

/// Looks for codes, reads those that can be read.
pub(super) fn look(plane: &Plane) -> Seen {
    let mut seen = Seen::default();
    let (Ok(width), Ok(height)) = (usize::try_from(plane.width()), usize::try_from(plane.height())) else {
        return seen;
    };
    let bytes = plane.bytes();
    let grey = |x: usize, y: usize| bytes.get(y * width + x).copied().unwrap_or(255);
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, grey);
    for grid in prepared.detect_grids() {
        let area = around(&grid.bounds, plane);
        match grid.decode() {
            Ok((_, text)) if !text.trim().is_empty() => seen.texts.push((text.trim().to_owned(), area)),
            Ok(_) | Err(_) => seen.unread.push(area),
        }
    }
    seen
}

/// The square around four corners, within the picture.
fn around(corners: &[rqrr::Point; 4], plane: &Plane) -> Area {
    let within = |it: i32, side: u32| u32::try_from(it.max(0)).unwrap_or(0).min(side.saturating_sub(1));
    let xs = corners.map(|it| within(it.x, plane.width()));
    let ys = corners.map(|it| within(it.y, plane.height()));
    let (left, right) = (xs.into_iter().min().unwrap_or(0), xs.into_iter().max().unwrap_or(0));
    let (top, bottom) = (ys.into_iter().min().unwrap_or(0), ys.into_iter().max().unwrap_or(0));
    Area { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
}
