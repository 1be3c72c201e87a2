//! The outlines of marked cells of a grid, with the corners cut, so that two neighbours share a smooth line.

use std::collections::HashMap;

use super::grid::{real, width_of};
use crate::geo::polygon::{Frame, Vertex};

/// How much the points around a point count for it.
const WEIGHTS: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0];
/// Shorter lines are left as they are: smoothed, they would shrink to nothing.
const SMOOTH_POINTS_MIN: usize = 24;

/// Closed lines; what an odd number of them holds is inside.
pub type Outlines = Vec<Vec<Vertex>>;

/// The edges around the cells of one mark: where an edge starts, and where those end that start there.
type Edges = HashMap<(usize, usize), Vec<(usize, usize)>>;

/// The outlines by mark. Cells come row by row from the south, each row from the west.
pub(super) fn trace(marks: &[Option<u32>], (rows, columns): (usize, usize), frame: Frame) -> HashMap<u32, Outlines> {
    let at = |row: Option<usize>, column: Option<usize>| {
        let (row, column) = (row.filter(|it| *it < rows)?, column.filter(|it| *it < columns)?);
        marks.get(row * columns + column).copied().flatten()
    };
    let mut by_mark: HashMap<u32, Edges> = HashMap::new();
    for row in 0..rows {
        for column in 0..columns {
            let Some(mark) = at(Some(row), Some(column)) else { continue };
            let (east, north) = (column + 1, row + 1);
            // Around the cell with its inside to the left: from south-west to south-east and on.
            for (beside, from, to) in [
                (at(row.checked_sub(1), Some(column)), (column, row), (east, row)),
                (at(Some(row), Some(east)), (east, row), (east, north)),
                (at(Some(north), Some(column)), (east, north), (column, north)),
                (at(Some(row), column.checked_sub(1)), (column, north), (column, row)),
            ] {
                if beside != Some(mark) {
                    by_mark.entry(mark).or_default().entry(from).or_default().push(to);
                }
            }
        }
    }
    let place = |(x, y): (f64, f64)| {
        let lon = frame.west + width_of(frame) * x / real(columns);
        let lat = frame.south + (frame.north - frame.south) * y / real(rows);
        Vertex { lat, lon: if lon > 180.0 { lon - 360.0 } else { lon } }
    };
    let far = (real(columns), real(rows));
    let ring = |it: &Vec<(usize, usize)>| straight(&smooth(middles(it), far)).into_iter().map(place).collect();
    let rings = |edges: Edges| loops(edges).iter().map(ring).collect();
    by_mark.into_iter().map(|(mark, edges)| (mark, rings(edges))).collect()
}

/// The edges one behind the other.
fn loops(mut edges: Edges) -> Vec<Vec<(usize, usize)>> {
    let mut starts: Vec<(usize, usize)> = edges.keys().copied().collect();
    starts.sort_unstable();
    let mut all = Vec::new();
    for start in starts {
        while let Some(mut next) = edges.get_mut(&start).and_then(Vec::pop) {
            let mut ring = vec![start];
            // Every corner is left as often as it is reached, so the way leads back.
            while next != start {
                ring.push(next);
                match edges.get_mut(&next).and_then(Vec::pop) {
                    Some(it) => next = it,
                    None => break,
                }
            }
            all.push(ring);
        }
    }
    all
}

/// The middles of the edges: a line through them cuts the corners.
fn middles(ring: &[(usize, usize)]) -> Vec<(f64, f64)> {
    let next = ring.iter().cycle().skip(1);
    let middle = |((x, y), (x2, y2)): (&(usize, usize), &(usize, usize))| {
        (f64::midpoint(real(*x), real(*x2)), f64::midpoint(real(*y), real(*y2)))
    };
    ring.iter().zip(next).map(middle).collect()
}

/// Takes the steps out of a slanted line: every point becomes the average of those around it. Two neighbours walk their common line
/// the other way round and come to the same. What lies on the frame stays there.
fn smooth(points: Vec<(f64, f64)>, (right, top): (f64, f64)) -> Vec<(f64, f64)> {
    if points.len() < SMOOTH_POINTS_MIN {
        return points;
    }
    let is_on_frame = |(x, y): (f64, f64)| x <= 0.0 || y <= 0.0 || x >= right || y >= top;
    let count = points.len();
    let get = |at: usize| points.get(at % count).copied().unwrap_or_default();
    let average = |(at, own): (usize, &(f64, f64))| {
        if is_on_frame(*own) {
            return *own;
        }
        let around =
            WEIGHTS.iter().enumerate().map(|(step, weight)| (get(at + count + step - WEIGHTS.len() / 2), weight));
        let (x, y, sum) = around
            .fold((0.0, 0.0, 0.0), |(x, y, sum), (it, weight)| (x + it.0 * weight, y + it.1 * weight, sum + weight));
        (x / sum, y / sum)
    };
    points.iter().enumerate().map(average).collect()
}

/// The points without those on a straight line.
fn straight(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let count = points.len();
    let get = |at: usize| points.get(at % count).copied().unwrap_or_default();
    let is_corner = |at: usize| {
        let ((ax, ay), (bx, by), (cx, cy)) = (get(at + count - 1), get(at), get(at + 1));
        ((bx - ax) * (cy - by) - (by - ay) * (cx - bx)).abs() > 1e-9
    };
    (0..count).filter(|it| is_corner(*it)).map(get).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { south: 0.0, west: 0.0, north: 3.0, east: 3.0 };

    fn area(ring: &[Vertex]) -> f64 {
        let next = |at: usize| ring[(at + 1) % ring.len()];
        ring.iter().enumerate().map(|(at, it)| it.lon * next(at).lat - next(at).lon * it.lat).sum::<f64>() / 2.0
    }

    #[test]
    fn a_cell_inside_another_mark_is_a_hole_in_it() {
        let mut marks = vec![Some(7); 9];
        marks[4] = Some(8);
        let outlines = trace(&marks, (3, 3), FRAME);
        assert_eq!((outlines[&7].len(), outlines[&8].len()), (2, 1));
        // A cell with its corners cut is half a cell.
        assert!((area(&outlines[&8][0]) - 0.5).abs() < 1e-9);
        let mut areas: Vec<f64> = outlines[&7].iter().map(|it| area(it)).collect();
        areas.sort_by(f64::total_cmp);
        assert!((areas[0] + 0.5).abs() < 1e-9 && areas[1] > 8.0, "{areas:?}");
    }

    #[test]
    fn every_edge_is_walked_whatever_touches() {
        // A chessboard: cells of one mark that touch at corners only.
        let marks: Vec<Option<u32>> = (0..9).map(|it| (it % 2 == 0).then_some(1)).collect();
        let outlines = trace(&marks, (3, 3), FRAME);
        let sum: f64 = outlines[&1].iter().map(|it| area(it)).sum();
        assert!(sum > 2.4 && outlines[&1].iter().all(|it| it.len() >= 4), "{sum}");
    }
}
