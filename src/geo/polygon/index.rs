//! Which of many shapes cover a position: an R-tree over the envelopes of their polygons, then the exact test.

use std::fmt;
use std::sync::Arc;

use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::{Shape, copies};
use crate::geo::Position;

/// The envelope of a polygon, and the places of its shape and of itself.
type Envelope = GeomWithData<Rectangle<[f64; 2]>, (u32, u32)>;

/// An immutable index over shapes, for any number of readers at once. The shapes are shared, not copied.
pub struct PolygonIndex<K> {
    shapes: Vec<(K, Arc<Shape>)>,
    envelopes: RTree<Envelope>,
    /// The westernmost and the easternmost border.
    ends: (f64, f64),
}

impl<K: Copy + Ord> PolygonIndex<K> {
    /// Builds the index. Several shapes may have one key.
    ///
    /// # Panics
    /// If there are more shapes, or more polygons in a shape, than a `u32` counts.
    #[must_use]
    pub fn build(shapes: impl IntoIterator<Item = (K, Arc<Shape>)>) -> Self {
        let shapes: Vec<(K, Arc<Shape>)> = shapes.into_iter().collect();
        let narrow = |place: usize| u32::try_from(place).expect("there are fewer shapes and polygons than u32 counts");
        let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
        let mut envelopes = Vec::new();
        for (place, (_, shape)) in shapes.iter().enumerate() {
            for (polygon, it) in shape.polygons.iter().enumerate() {
                let bounds = it.outer.bounds();
                ends = (ends.0.min(bounds.west), ends.1.max(bounds.east));
                let corners = Rectangle::from_corners([bounds.west, bounds.south], [bounds.east, bounds.north]);
                envelopes.push(Envelope::new(corners, (narrow(place), narrow(polygon))));
            }
        }
        Self { shapes, envelopes: RTree::bulk_load(envelopes), ends }
    }

    /// How many shapes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Whether there is no shape at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// The keys of all shapes that cover a position ([`Shape::covers`]), in order, each once.
    #[must_use]
    pub fn covering(&self, position: Position) -> Vec<K> {
        let mut keys = Vec::new();
        for at in copies(position).into_iter().filter(|at| self.ends.0 <= at.x && at.x <= self.ends.1) {
            for envelope in self.envelopes.locate_in_envelope_intersecting(AABB::from_point([at.x, at.y])) {
                let (shape, polygon) = envelope.data;
                let Some((key, shape)) = usize::try_from(shape).ok().and_then(|it| self.shapes.get(it)) else {
                    continue;
                };
                let polygon = usize::try_from(polygon).ok().and_then(|it| shape.polygons.get(it));
                if polygon.is_some_and(|it| it.covers(at)) {
                    keys.push(*key);
                }
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl<K: Copy + Ord> Default for PolygonIndex<K> {
    fn default() -> Self {
        Self::build([])
    }
}

impl<K> fmt::Debug for PolygonIndex<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolygonIndex({} shapes, {} polygons)", self.shapes.len(), self.envelopes.size())
    }
}
