//! Finds where the lines of a shape meet, exactly; not what that means for the shape.
//!
//! Stretches of the rings are compared by their bounds, and only where those touch by their edges.

use geo::{Coord, Orientation};

use super::ring::{Bounds, Ring, Stretch, side};

/// Comparisons for one shape, about half a second's worth. A real district of a thousand vertices takes some thirty thousand.
const COMPARISONS_MAX: u64 = 100_000_000;
/// Crossings that are told of one shape.
const CROSSINGS_MAX: usize = 10;

/// Two edges that meet: the place of the ring in the list and of the first vertex in the ring, and a point near both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    pub(super) first: (usize, usize),
    pub(super) second: (usize, usize),
    pub(super) near: Coord,
}

/// The search took more than [`COMPARISONS_MAX`] comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tangled;

/// How two edges share points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meeting {
    /// One point, an end of at least one of them.
    Touch,
    /// A piece of line.
    Overlap,
    /// One point that is an end of neither.
    Cross,
}

/// The first crossing of every ring with itself and of every two rings, up to a bound.
///
/// A ring that touches itself counts as crossing; two rings may touch in points.
pub(super) fn crossings(rings: &[&Ring]) -> Result<Vec<Crossing>, Tangled> {
    crossings_within(rings, COMPARISONS_MAX)
}

fn crossings_within(rings: &[&Ring], comparisons_max: u64) -> Result<Vec<Crossing>, Tangled> {
    let mut search = Search { comparisons_left: comparisons_max };
    let mut found = Vec::new();
    for (place, ring) in rings.iter().enumerate() {
        found.extend(search.within(ring, Meeting::Touch)?.map(|it| it.of_rings(place, place)));
    }
    let mut from_west: Vec<(usize, &Ring, Bounds)> =
        rings.iter().enumerate().map(|(place, ring)| (place, *ring, ring.bounds())).collect();
    from_west.sort_by(|a, b| a.2.west.total_cmp(&b.2.west));
    for (nth, (first, a, bounds)) in from_west.iter().enumerate() {
        for (second, b, _) in from_west.iter().skip(nth + 1).take_while(|it| it.2.west <= bounds.east) {
            found.extend(search.between(a, b, Meeting::Overlap)?.map(|it| it.of_rings(*first, *second)));
            if found.len() >= CROSSINGS_MAX {
                found.truncate(CROSSINGS_MAX);
                return Ok(found);
            }
        }
    }
    found.truncate(CROSSINGS_MAX);
    Ok(found)
}

/// Whether two edges of the ring cross in a point that is an end of neither.
pub(super) fn crosses_itself(ring: &Ring) -> Result<bool, Tangled> {
    let mut search = Search { comparisons_left: COMPARISONS_MAX };
    Ok(search.within(ring, Meeting::Cross)?.is_some())
}

/// Two edges that meet, by the places of their first vertices.
struct Found {
    first: usize,
    second: usize,
    near: Coord,
}

impl Found {
    fn of_rings(self, first: usize, second: usize) -> Crossing {
        Crossing { first: (first, self.first), second: (second, self.second), near: self.near }
    }
}

/// The two rings that are compared, and what counts.
#[derive(Clone, Copy)]
struct Pair<'a> {
    a: &'a Ring,
    b: &'a Ring,
    is_one: bool,
    least: Meeting,
}

struct Search {
    comparisons_left: u64,
}

impl Search {
    fn within(&mut self, ring: &Ring, least: Meeting) -> Result<Option<Found>, Tangled> {
        let whole = ring.whole();
        self.compare(Pair { a: ring, b: ring, is_one: true, least }, whole, whole)
    }

    fn between(&mut self, a: &Ring, b: &Ring, least: Meeting) -> Result<Option<Found>, Tangled> {
        self.compare(Pair { a, b, is_one: false, least }, a.whole(), b.whole())
    }

    fn compare(&mut self, pair: Pair<'_>, first: Stretch, second: Stretch) -> Result<Option<Found>, Tangled> {
        let (Some(first_bounds), Some(second_bounds)) = (pair.a.bounds_of(first), pair.b.bounds_of(second)) else {
            return Ok(None);
        };
        self.comparisons_left = self.comparisons_left.checked_sub(1).ok_or(Tangled)?;
        if !first_bounds.touches(second_bounds) {
            return Ok(None);
        }
        let is_same = pair.is_one && first == second;
        let (divided, other) = if first.level >= second.level { (first, second) } else { (second, first) };
        let Some(parts) = divided.parts() else {
            return self.compare_edges(pair, first, second);
        };
        for (nth, part) in parts.clone().enumerate() {
            if is_same {
                for later in parts.clone().skip(nth) {
                    if let Some(found) = self.compare(pair, part, later)? {
                        return Ok(Some(found));
                    }
                }
            } else {
                let (first, second) = if divided == first { (part, other) } else { (other, part) };
                if let Some(found) = self.compare(pair, first, second)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn compare_edges(&mut self, pair: Pair<'_>, first: Stretch, second: Stretch) -> Result<Option<Found>, Tangled> {
        let closing = pair.a.edges().saturating_sub(1);
        for (i, a, b) in pair.a.edges_of(first) {
            let bounds = Bounds::of([&a, &b]);
            for (j, c, d) in pair.b.edges_of(second) {
                if pair.is_one && j <= i && first == second {
                    continue;
                }
                self.comparisons_left = self.comparisons_left.checked_sub(1).ok_or(Tangled)?;
                if !bounds.touches(&Bounds::of([&c, &d])) {
                    continue;
                }
                let distance = i.abs_diff(j);
                let is_next = pair.is_one && (distance == 1 || distance == closing);
                let least = if is_next { pair.least.max(Meeting::Overlap) } else { pair.least };
                if let Some(near) = meeting([a, b], [c, d]).filter(|it| it.0 >= least).map(|it| it.1) {
                    return Ok(Some(Found { first: i, second: j, near }));
                }
            }
        }
        Ok(None)
    }
}

/// How two edges of some length meet, and near which point. Whether they do is exact, the point is rounded.
fn meeting([a, b]: [Coord; 2], [c, d]: [Coord; 2]) -> Option<(Meeting, Coord)> {
    let (of_c, of_d) = (side(a, b, c), side(a, b, d));
    if of_c == Orientation::Collinear && of_d == Orientation::Collinear {
        return along_one_line([a, b], [c, d]);
    }
    let (of_a, of_b) = (side(c, d, a), side(c, d, b));
    if of_c == of_d || of_a == of_b {
        return None;
    }
    for (of, end) in [(of_a, a), (of_b, b), (of_c, c), (of_d, d)] {
        if of == Orientation::Collinear {
            return Some((Meeting::Touch, end));
        }
    }
    let (along, across) = (b - a, d - c);
    let share = ((c.x - a.x) * across.y - (c.y - a.y) * across.x) / (along.x * across.y - along.y * across.x);
    Some((Meeting::Cross, a + along * share.clamp(0.0, 1.0)))
}

fn along_one_line(one: [Coord; 2], other: [Coord; 2]) -> Option<(Meeting, Coord)> {
    let order = |[a, b]: [Coord; 2]| if (a.x, a.y) <= (b.x, b.y) { (a, b) } else { (b, a) };
    let ((a, b), (c, d)) = (order(one), order(other));
    let low = if (a.x, a.y) >= (c.x, c.y) { a } else { c };
    let high = if (b.x, b.y) <= (d.x, d.y) { b } else { d };
    match (low.x, low.y).partial_cmp(&(high.x, high.y))? {
        std::cmp::Ordering::Less => Some((Meeting::Overlap, low)),
        std::cmp::Ordering::Equal => Some((Meeting::Touch, low)),
        std::cmp::Ordering::Greater => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Ring {
        let mut vertices: Vec<Coord> = points.iter().map(|&(x, y)| Coord { x, y }).collect();
        vertices.push(vertices[0]);
        Ring::new(vertices)
    }

    #[test]
    fn edges_meet_in_three_ways() {
        let at = |x, y| Coord { x, y };
        let flat = [at(0.0, 0.0), at(10.0, 0.0)];
        for (other, expected) in [
            ([at(5.0, -5.0), at(5.0, 5.0)], Some(Meeting::Cross)),
            ([at(5.0, 0.0), at(5.0, 5.0)], Some(Meeting::Touch)),
            ([at(10.0, 0.0), at(15.0, 5.0)], Some(Meeting::Touch)),
            ([at(10.0, 0.0), at(15.0, 0.0)], Some(Meeting::Touch)),
            ([at(9.0, 0.0), at(15.0, 0.0)], Some(Meeting::Overlap)),
            ([at(7.0, 0.0), at(3.0, 0.0)], Some(Meeting::Overlap)),
            ([at(11.0, 0.0), at(15.0, 0.0)], None),
            ([at(5.0, 1.0), at(5.0, 5.0)], None),
            ([at(11.0, -1.0), at(11.0, 5.0)], None),
        ] {
            assert_eq!(meeting(flat, other).map(|it| it.0), expected, "{other:?}");
            assert_eq!(meeting(other, flat).map(|it| it.0), expected, "{other:?} first");
        }
        assert_eq!(meeting(flat, [at(4.0, -4.0), at(8.0, 4.0)]).unwrap().1, at(6.0, 0.0));
    }

    #[test]
    fn a_spike_and_a_pinch_count_within_a_ring_only() {
        let plain = ring(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]);
        assert_eq!(crossings(&[&plain]), Ok(vec![]));
        let spike = ring(&[(0.0, 0.0), (10.0, 0.0), (15.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]);
        assert_eq!(crossings(&[&spike]).unwrap().len(), 1);
        let pinch = ring(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (5.0, 0.0), (0.0, 10.0)]);
        assert_eq!(crossings(&[&pinch]).unwrap()[0].near, Coord { x: 5.0, y: 0.0 });
        let beside = ring(&[(10.0, 10.0), (20.0, 10.0), (20.0, 20.0)]);
        assert_eq!(crossings(&[&plain, &beside]), Ok(vec![]));
        let bow = ring(&[(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)]);
        assert_eq!(
            crossings(&[&beside, &bow]),
            Ok(vec![Crossing { first: (1, 0), second: (1, 2), near: Coord { x: 5.0, y: 5.0 } }])
        );
        assert_eq!((crosses_itself(&bow), crosses_itself(&spike)), (Ok(true), Ok(false)));
    }

    #[test]
    fn a_comb_of_long_slanting_teeth_is_given_up_in_time() {
        let teeth =
            (0..400_u32).map(|it| (f64::from(it) + if it % 2 == 0 { 0.0 } else { 1e9 }, f64::from(it % 2) * 1e9));
        let points: Vec<(f64, f64)> = teeth.chain([(-5.0, 2e9)]).collect();
        assert_eq!(crossings_within(&[&ring(&points)], 50_000), Err(Tangled));
        assert_eq!(crossings(&[&ring(&points)]), Ok(vec![]));
    }
}
