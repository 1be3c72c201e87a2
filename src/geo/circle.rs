//! A place that is known only so well.

use super::Position;

/// A place on Earth and the radius in metres of the circle that holds the true place.
#[derive(Clone, Copy, PartialEq)]
pub struct Circle {
    /// The middle.
    pub middle: Position,
    /// The radius, in metres, finite and not negative.
    pub radius_m: f64,
}

impl std::fmt::Debug for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "… within {:.0} m", self.radius_m)
    }
}
