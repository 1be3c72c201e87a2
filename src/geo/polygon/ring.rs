//! A closed line and the exact test of which side a point is on; not whether the line makes sense.
//!
//! Coordinates are whole billionths of a degree (0.1 mm), held in `f64`: x eastward, y northward. Sums and differences of them
//! are exact, so neither storage nor the way across the antimeridian ever rounds one.
//!
//! The test counts the edges that a ray from the point due east crosses, and asks `geo`'s robust predicate where a point is near
//! an edge. A stretch of the line that lies wholly east of the point needs no look at its edges: how often it crosses the
//! ray is odd exactly if its two ends lie on different sides. So a tree of bounds over stretches of 16, 256 … edges leads to the few
//! edges around the point.
//!
//! Borders belong to one side: the ray starts a little east of the point, and a still smaller bit north of it. So of areas that
//! share a border, vertex by vertex, exactly one holds a point on it.

use geo::kernels::RobustKernel;
use geo::{Coord, Kernel as _, Orientation};

/// Billionths of a degree in a degree.
pub(super) const UNITS_PER_DEGREE: f64 = 1e9;
/// The way round the Earth.
pub(super) const TURN: f64 = 360.0 * UNITS_PER_DEGREE;
/// Edges of the smallest stretch, and stretches of one level in one of the next.
const FAN_OUT: usize = 16;

/// On which side of the line from `a` to `b` the point lies; exact.
pub(super) fn side(a: Coord, b: Coord, point: Coord) -> Orientation {
    RobustKernel::orient2d(a, b, point)
}

/// A box with its sides on parallels and meridians, borders included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) south: f64,
    pub(super) north: f64,
    pub(super) west: f64,
    pub(super) east: f64,
}

impl Bounds {
    const NOTHING: Self =
        Self { south: f64::INFINITY, north: f64::NEG_INFINITY, west: f64::INFINITY, east: f64::NEG_INFINITY };

    pub(super) fn of<'a>(points: impl IntoIterator<Item = &'a Coord>) -> Self {
        points.into_iter().fold(Self::NOTHING, |it, point| Self {
            south: it.south.min(point.y),
            north: it.north.max(point.y),
            west: it.west.min(point.x),
            east: it.east.max(point.x),
        })
    }

    pub(super) fn around(self, other: Self) -> Self {
        Self {
            south: self.south.min(other.south),
            north: self.north.max(other.north),
            west: self.west.min(other.west),
            east: self.east.max(other.east),
        }
    }

    pub(super) fn touches(&self, other: &Self) -> bool {
        self.south <= other.north && other.south <= self.north && self.west <= other.east && other.west <= self.east
    }

    pub(super) fn holds(&self, other: &Self) -> bool {
        self.south <= other.south && other.north <= self.north && self.west <= other.west && other.east <= self.east
    }

    fn holds_point(&self, at: Coord) -> bool {
        (self.south..=self.north).contains(&at.y) && (self.west..=self.east).contains(&at.x)
    }
}

/// A stretch of a ring: the one at `place` of those with 16 to the power of `level + 1` edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) level: usize,
    pub(super) place: usize,
}

impl Stretch {
    /// The stretches that make up this one; some may lie behind the end of the ring. None below the lowest level.
    pub(super) fn parts(self) -> Option<impl Iterator<Item = Self> + Clone> {
        let level = self.level.checked_sub(1)?;
        let first = self.place * FAN_OUT;
        Some((first..first + FAN_OUT).map(move |place| Self { level, place }))
    }

    /// The edges, as places of their first vertices; those behind the end of the ring do not exist.
    fn edges(self) -> std::ops::Range<usize> {
        let length = FAN_OUT << (4 * self.level);
        self.place * length..(self.place + 1) * length
    }
}

/// A closed line of at least three edges.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ring {
    /// The first vertex stands again at the end.
    vertices: Box<[Coord]>,
    /// Bounds of the stretches; the lowest level first, one stretch at the top.
    levels: Box<[Box<[Bounds]>]>,
}

impl Ring {
    /// A ring through these vertices, of which the last is the first again.
    pub(super) fn new(vertices: Vec<Coord>) -> Self {
        let edges = vertices.len().saturating_sub(1);
        let lowest = (0..edges).step_by(FAN_OUT).map(|first| {
            let end = (first + FAN_OUT).min(edges);
            Bounds::of(vertices.get(first..=end).unwrap_or_default())
        });
        let mut levels: Vec<Box<[Bounds]>> = vec![lowest.collect()];
        while let Some(below) = levels.last().filter(|it| it.len() > 1) {
            let around = |part: &[Bounds]| part.iter().copied().fold(Bounds::NOTHING, Bounds::around);
            let next = below.chunks(FAN_OUT).map(around).collect();
            levels.push(next);
        }
        Self { vertices: vertices.into(), levels: levels.into() }
    }

    /// All vertices; the first stands again at the end.
    pub(super) fn vertices(&self) -> &[Coord] {
        &self.vertices
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds_of(self.whole()).copied().unwrap_or(Bounds::NOTHING)
    }

    /// The stretch that is the whole ring.
    pub(super) fn whole(&self) -> Stretch {
        Stretch { level: self.levels.len().saturating_sub(1), place: 0 }
    }

    /// The bounds of a stretch; none if it lies behind the end.
    pub(super) fn bounds_of(&self, stretch: Stretch) -> Option<&Bounds> {
        self.levels.get(stretch.level)?.get(stretch.place)
    }

    /// The edges of a stretch, each with the place of its first vertex.
    pub(super) fn edges_of(&self, stretch: Stretch) -> impl Iterator<Item = (usize, Coord, Coord)> + Clone {
        let edges = stretch.edges();
        let ends = self.line_of(stretch).windows(2);
        edges.zip(ends).filter_map(|(place, ends)| if let [a, b] = *ends { Some((place, a, b)) } else { None })
    }

    /// How many edges there are.
    pub(super) fn edges(&self) -> usize {
        self.vertices.len().saturating_sub(1)
    }

    /// The vertices of a stretch, both ends included.
    fn line_of(&self, stretch: Stretch) -> &[Coord] {
        let edges = stretch.edges();
        self.vertices.get(edges.start..=edges.end.min(self.edges())).unwrap_or_default()
    }

    /// Whether the point is inside, by the even-odd rule: a ray from it to the outside crosses the line an odd number of times.
    pub(super) fn is_around(&self, at: Coord) -> bool {
        self.bounds_of(self.whole()).is_some_and(|it| it.holds_point(at)) && self.crosses_oddly(self.whole(), at)
    }

    /// Whether the ray from the point crosses the stretch an odd number of times; the point lies within its bounds.
    fn crosses_oddly(&self, stretch: Stretch, at: Coord) -> bool {
        let Some(parts) = stretch.parts() else {
            return self.line_of(stretch).windows(2).fold(false, |odd, edge| odd != crosses(edge, at));
        };
        let mut odd = false;
        for part in parts {
            let Some(bounds) = self.bounds_of(part) else {
                break;
            };
            if at.y < bounds.south || at.y >= bounds.north || at.x >= bounds.east {
                continue;
            }
            odd ^= if at.x < bounds.west {
                let line = self.line_of(part);
                matches!((line.first(), line.last()), (Some(a), Some(b)) if is_between(a.y, at.y, b.y))
            } else {
                self.crosses_oddly(part, at)
            };
        }
        odd
    }
}

/// Whether the point's parallel, moved north by less than anything, runs between the two ends.
fn is_between(a: f64, at: f64, b: f64) -> bool {
    (a <= at) != (b <= at)
}

/// Whether the edge crosses the parallel of the point somewhere east of it.
fn crosses(edge: &[Coord], at: Coord) -> bool {
    let [a, b] = *edge else {
        return false;
    };
    if !is_between(a.y, at.y, b.y) || (at.x >= a.x && at.x >= b.x) {
        return false;
    }
    if at.x < a.x && at.x < b.x {
        return true;
    }
    let (lower, upper) = if a.y <= b.y { (a, b) } else { (b, a) };
    side(lower, upper, at) == Orientation::CounterClockwise
}
