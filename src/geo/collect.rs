//! What a search of the packed tree keeps of the points it meets; not the search itself.

/// How many points [`Few`] holds: the nearest store, the five listed beside it, and two whose distance shows that no other is nearer.
pub(super) const FEW: usize = 8;

/// As `f32::min`, which also minds what is not a number and so takes three instructions for one.
pub(super) fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Takes points as a search meets them. All distances are squares.
pub(super) trait Collect {
    /// Nothing as far away as this can be of use.
    fn far_2(&self) -> f32;
    /// Whether a point at this distance is of use.
    fn wants(&self, distance_2: f32) -> bool;
    /// Takes a point that qualifies.
    fn offer(&mut self, distance_2: f32, key: u32);
    /// Takes note of something left aside: all of it is at least so far away.
    fn pass(&mut self, distance_2: f32);
}

/// The nearest point by straight line, and how near any other one can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closest {
    /// Key of the nearest point; `None` if no point is nearer than the limit.
    pub(super) key: Option<u32>,
    /// No other point is nearer than the square root of this; infinite if there is no other.
    pub(super) others_2: f32,
    best_2: f32,
}

impl Closest {
    /// Nothing yet, and nothing at the limit or beyond.
    pub(super) fn within(limit_2: f32) -> Self {
        Self { key: None, others_2: f32::INFINITY, best_2: limit_2 }
    }
}

impl Collect for Closest {
    fn far_2(&self) -> f32 {
        self.best_2
    }

    fn wants(&self, distance_2: f32) -> bool {
        distance_2 < self.others_2
    }

    fn offer(&mut self, distance_2: f32, key: u32) {
        if distance_2 < self.best_2 {
            self.others_2 = self.best_2;
            self.best_2 = distance_2;
            self.key = Some(key);
        } else {
            self.pass(distance_2);
        }
    }

    fn pass(&mut self, distance_2: f32) {
        self.others_2 = smaller(self.others_2, distance_2);
    }
}

/// The few nearest points, nearest first, and how near any other one can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Few {
    /// Squared distance and key; a key of `None` ends the list.
    found: [(f32, Option<u32>); FEW],
    limit_2: f32,
    others_2: f32,
}

impl Few {
    /// Nothing yet, and nothing at the limit or beyond.
    pub(super) fn within(limit_2: f32) -> Self {
        Self { found: [(f32::INFINITY, None); FEW], limit_2, others_2: f32::INFINITY }
    }

    /// The point at a place of the list: its squared distance and key.
    pub(super) fn get(&self, place: usize) -> Option<(f32, u32)> {
        let (distance_2, key) = *self.found.get(place)?;
        Some((distance_2, key?))
    }

    /// Whether a point is in the list.
    pub(super) fn holds(&self, key: u32) -> bool {
        self.found.iter().any(|it| it.1 == Some(key))
    }

    /// No point outside the list is nearer than the square root of this; infinite if there is none.
    pub(super) fn others_2(&self) -> f32 {
        self.others_2
    }
}

impl Collect for Few {
    fn far_2(&self) -> f32 {
        self.found.last().map_or(self.limit_2, |it| smaller(it.0, self.limit_2))
    }

    fn wants(&self, distance_2: f32) -> bool {
        distance_2 < self.far_2()
    }

    fn offer(&mut self, distance_2: f32, key: u32) {
        let mut carried = (distance_2, Some(key));
        let start = self.found.partition_point(|it| it.0 <= distance_2);
        for place in self.found.iter_mut().skip(start) {
            std::mem::swap(place, &mut carried);
        }
        self.pass(carried.0);
    }

    fn pass(&mut self, distance_2: f32) {
        self.others_2 = smaller(self.others_2, distance_2);
    }
}
