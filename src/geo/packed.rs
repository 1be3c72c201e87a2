//! A packed, read-only R-tree over points in space, searched by straight-line distance; it knows nothing of the Earth.
//!
//! `rstar` groups the points; the groups are then copied into two flat lists with coordinates of 32 bits. That takes a sixth of
//! the memory, and a search reads neighbouring cache lines instead of following one pointer per node. Whoever asks allows
//! for [`ROUNDING_M`] and [`ROUNDING_RATIO`].

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rstar::primitives::GeomWithData;
use rstar::{ParentNode, RStarInsertionStrategy, RTree, RTreeNode, RTreeParams};

use super::collect::{Closest, Collect, Few, smaller};

/// A point with its key, as `rstar` groups them.
type Loaded = GeomWithData<[f64; 3], u32>;

/// Entries that a walk has room for before its heap grows.
const WALK_ENTRIES: usize = 128;

/// Sizes of the groups: up to 24 points a leaf measured fastest at 10,000 points (of 4 to 32), eight nodes a node.
#[derive(Debug)]
struct GroupSizes;

impl RTreeParams for GroupSizes {
    const MIN_SIZE: usize = 12;
    const MAX_SIZE: usize = 24;
    const REINSERTION_COUNT: usize = 1;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}

/// How much farther or nearer a point may seem than it is, in metres. Coordinates of points on Earth are below 2^23 m, where
/// neighbouring 32-bit numbers are half a metre apart, so each is off by at most a quarter, and both ends of a line by 0.87 m.
pub(super) const ROUNDING_M: f64 = 1.0;

/// What the arithmetic of 32-bit numbers adds to that, as a part of the distance: five roundings of 2^-24 each.
pub(super) const ROUNDING_RATIO: f64 = 1e-6;

/// The nearest number of 32 bits. Rounding keeps the order, so rounded boxes hold their rounded points.
pub(super) fn narrow(number: f64) -> f32 {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "no other conversion rounds")]
    let narrow = number as f32;
    narrow
}

/// A consecutive part of a list.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    first: u32,
    end: u32,
}

impl Span {
    fn new(first: usize, end: usize) -> Self {
        let narrow = |at| u32::try_from(at).expect("keys are u32, and there are fewer nodes than points");
        Self { first: narrow(first), end: narrow(end) }
    }

    fn of<T>(self, list: &[T]) -> &[T] {
        let wide = |at| usize::try_from(at).unwrap_or(usize::MAX);
        list.get(wide(self.first)..wide(self.end)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
enum Children {
    Nodes(Span),
    Points(Span),
}

/// How many boxes or points are measured at once; so laid out, the compiler uses wide instructions.
const LANES: usize = 8;

/// Boxes side by side, each holding all its children. Lanes without one are infinitely far away.
#[derive(Debug, Clone)]
struct NodeBlock {
    lower: [[f32; LANES]; 3],
    upper: [[f32; LANES]; 3],
    children: [Children; LANES],
}

impl NodeBlock {
    const EMPTY: Self = Self {
        lower: [[f32::INFINITY; LANES]; 3],
        upper: [[f32::INFINITY; LANES]; 3],
        children: [Children::Points(Span { first: 0, end: 0 }); LANES],
    };

    /// Squares of the distances from `to` to the nearest side of each box, 0 inside.
    fn distances_2(&self, to: &[f32; 3]) -> [f32; LANES] {
        let mut sums = [0.0; LANES];
        for ((lower, upper), to) in self.lower.iter().zip(&self.upper).zip(to) {
            for ((sum, lower), upper) in sums.iter_mut().zip(lower).zip(upper) {
                let away = larger(larger(lower - to, to - upper), 0.0);
                *sum += away * away;
            }
        }
        sums
    }

    fn set(&mut self, lane: usize, (lower, upper): ([f64; 3], [f64; 3]), children: Children) {
        let axes = self.lower.iter_mut().zip(lower).chain(self.upper.iter_mut().zip(upper));
        for (lanes, number) in axes {
            put(lanes, lane, narrow(number));
        }
        put(&mut self.children, lane, children);
    }
}

/// Points side by side with their keys. Lanes without one are infinitely far away.
#[derive(Debug, Clone)]
struct PointBlock {
    at: [[f32; LANES]; 3],
    keys: [u32; LANES],
}

impl PointBlock {
    const EMPTY: Self = Self { at: [[f32::INFINITY; LANES]; 3], keys: [0; LANES] };

    fn distances_2(&self, to: &[f32; 3]) -> [f32; LANES] {
        let mut sums = [0.0; LANES];
        for (at, to) in self.at.iter().zip(to) {
            for (sum, at) in sums.iter_mut().zip(at) {
                let away = at - to;
                *sum += away * away;
            }
        }
        sums
    }
}

/// As `f32::max`, which also minds what is not a number and so takes three instructions for one.
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn put<T>(lanes: &mut [T], lane: usize, value: T) {
    if let Some(place) = lanes.get_mut(lane) {
        *place = value;
    }
}

/// An R-tree in two lists, and beside it a small one of the points that have moved since it was packed.
#[derive(Debug)]
pub(super) struct PackedTree {
    /// The main tree, and the small one.
    roots: [Children; 2],
    nodes: Vec<NodeBlock>,
    points: Vec<PointBlock>,
    /// How many nodes and points are the main tree's; those of the small one stand behind them.
    main: (usize, usize),
    /// Keys of the points in the small one, in order; their lanes in the main one are empty.
    moved: Vec<u32>,
}

/// Points in the small tree; with more, all are packed anew.
const MOVED_MAX: usize = 4_096;
const NO_CHILDREN: Children = Children::Points(Span { first: 0, end: 0 });

impl PackedTree {
    /// Packs the points; keys are their places in the order given.
    pub(super) fn build(points: impl Iterator<Item = [f64; 3]>) -> Self {
        let loaded = (0..=u32::MAX).zip(points).map(|(key, at)| Loaded::new(at, key)).collect();
        let tree: RTree<Loaded, GroupSizes> = RTree::bulk_load_with_params(loaded);
        let mut nodes = Vec::new();
        let mut points = Vec::with_capacity(tree.size() / LANES);
        let root = pack(tree.root(), &mut nodes, &mut points);
        nodes.shrink_to_fit();
        points.shrink_to_fit();
        let main = (nodes.len(), points.len());
        Self { roots: [root, NO_CHILDREN], nodes, points, main, moved: Vec::new() }
    }

    /// The same points with some of them elsewhere: the lists are copied as they are, and the points that have moved go into the
    /// small tree. None if those are too many.
    pub(super) fn with_moved(&self, keys: &[u32], at: impl Fn(u32) -> Option<[f64; 3]>) -> Option<Self> {
        let mut moved = self.moved.clone();
        moved.extend_from_slice(keys);
        moved.sort_unstable();
        moved.dedup();
        if moved.len() > MOVED_MAX {
            return None;
        }
        let mut nodes = self.nodes.get(..self.main.0)?.to_vec();
        let mut points = self.points.get(..self.main.1)?.to_vec();
        let is_fresh = |key: &u32| moved.binary_search(key).is_ok() && self.moved.binary_search(key).is_err();
        for block in &mut points {
            for lane in 0..LANES {
                if block.keys.get(lane).is_some_and(is_fresh) {
                    block.at.iter_mut().for_each(|lanes| put(lanes, lane, f32::INFINITY));
                }
            }
        }
        let loaded = moved.iter().filter_map(|key| Some(Loaded::new(at(*key)?, *key))).collect();
        let tree: RTree<Loaded, GroupSizes> = RTree::bulk_load_with_params(loaded);
        let side = pack(tree.root(), &mut nodes, &mut points);
        let [root, _] = self.roots;
        Some(Self { roots: [root, side], nodes, points, main: self.main, moved })
    }

    /// Finds the nearest point that qualifies and is nearer than the square root of `limit_2`.
    pub(super) fn closest(&self, to: [f64; 3], limit_2: f64, mut qualifies: impl FnMut(u32) -> bool) -> Closest {
        let mut closest = Closest::within(narrow(limit_2));
        for root in self.roots {
            self.descend(root, &to.map(narrow), &mut qualifies, &mut closest);
        }
        closest
    }

    /// Finds the few nearest points that qualify and are nearer than the square root of `limit_2`.
    pub(super) fn few(&self, to: [f64; 3], limit_2: f64, mut qualifies: impl FnMut(u32) -> bool) -> Few {
        let mut few = Few::within(narrow(limit_2));
        for root in self.roots {
            self.descend(root, &to.map(narrow), &mut qualifies, &mut few);
        }
        few
    }

    fn descend(
        &self,
        from: Children,
        to: &[f32; 3],
        qualifies: &mut impl FnMut(u32) -> bool,
        found: &mut impl Collect,
    ) {
        match from {
            Children::Points(span) => {
                for block in span.of(&self.points) {
                    let distances_2 = block.distances_2(to);
                    let nearest_2 = distances_2.into_iter().fold(f32::INFINITY, smaller);
                    if !found.wants(nearest_2) {
                        found.pass(nearest_2);
                        continue;
                    }
                    for (distance_2, key) in distances_2.into_iter().zip(block.keys) {
                        if !found.wants(distance_2) {
                            found.pass(distance_2);
                        } else if qualifies(key) {
                            found.offer(distance_2, key);
                        }
                    }
                }
            }
            Children::Nodes(span) => {
                for block in span.of(&self.nodes) {
                    let mut distances_2 = block.distances_2(to);
                    // The nearest first; few are visited, so looking for the next one is cheaper than sorting all.
                    loop {
                        let nearest_2 = distances_2.into_iter().fold(f32::INFINITY, smaller);
                        if nearest_2 >= found.far_2() {
                            found.pass(nearest_2);
                            break;
                        }
                        let lanes = distances_2.iter_mut().zip(&block.children);
                        let Some((lane, child)) = lanes.into_iter().find(|(it, _)| **it <= nearest_2) else { break };
                        *lane = f32::INFINITY;
                        self.descend(*child, to, qualifies, found);
                    }
                }
            }
        }
    }

    /// Walks the points in the order of their straight-line distance.
    pub(super) fn walk(&self, from: [f64; 3]) -> Walk<'_> {
        let mut heap = BinaryHeap::with_capacity(WALK_ENTRIES);
        heap.extend(self.roots.map(|root| Entry { distance_2: 0.0, target: Target::Children(root) }));
        Walk { tree: self, from: from.map(narrow), heap }
    }
}

/// Copies what lies below a node: points in the order of the walk, the nodes of one parent side by side.
fn pack(from: &ParentNode<Loaded>, nodes: &mut Vec<NodeBlock>, points: &mut Vec<PointBlock>) -> Children {
    let first_point = points.len();
    let mut parents = Vec::new();
    let mut lane = 0;
    for child in from.children() {
        match child {
            RTreeNode::Leaf(loaded) => {
                if lane % LANES == 0 {
                    points.push(PointBlock::EMPTY);
                }
                if let Some(block) = points.last_mut() {
                    for (lanes, number) in block.at.iter_mut().zip(loaded.geom()) {
                        put(lanes, lane % LANES, narrow(*number));
                    }
                    put(&mut block.keys, lane % LANES, loaded.data);
                }
                lane += 1;
            }
            RTreeNode::Parent(parent) => parents.push(parent),
        }
    }
    if parents.is_empty() {
        return Children::Points(Span::new(first_point, points.len()));
    }
    // The places are taken first, so that the children of one node stay together.
    let first_node = nodes.len();
    nodes.resize(first_node + parents.len().div_ceil(LANES), NodeBlock::EMPTY);
    let span = Span::new(first_node, nodes.len());
    for (place, parent) in parents.into_iter().enumerate() {
        let children = pack(parent, nodes, points);
        let envelope = parent.envelope();
        if let Some(block) = nodes.get_mut(first_node + place / LANES) {
            block.set(place % LANES, (envelope.lower(), envelope.upper()), children);
        }
    }
    Children::Nodes(span)
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Children(Children),
    Point(u32),
}

/// Something to visit; the greatest entry is the nearest, as the heap wants it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    distance_2: f32,
    target: Target,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance_2.total_cmp(&self.distance_2)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// A walk over the points, nearest by straight line first.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    tree: &'a PackedTree,
    from: [f32; 3],
    heap: BinaryHeap<Entry>,
}

impl Walk<'_> {
    /// The key of the next point whose squared distance is at most `limit_2`.
    ///
    /// Opens no box farther away than that, so asking with a small limit costs next to nothing.
    pub(super) fn next_within(&mut self, limit_2: f64) -> Option<u32> {
        while self.heap.peek().is_some_and(|entry| f64::from(entry.distance_2) <= limit_2) {
            match self.heap.pop()?.target {
                Target::Point(key) => return Some(key),
                Target::Children(children) => self.open(children),
            }
        }
        None
    }

    fn open(&mut self, children: Children) {
        // Lanes without anything are infinitely far away, and a walk has to end.
        match children {
            Children::Nodes(span) => {
                for block in span.of(&self.tree.nodes) {
                    let lanes = block.distances_2(&self.from).into_iter().zip(block.children);
                    let entries = lanes.map(|(distance_2, it)| Entry { distance_2, target: Target::Children(it) });
                    self.heap.extend(entries.filter(|it| it.distance_2 < f32::INFINITY));
                }
            }
            Children::Points(span) => {
                for block in span.of(&self.tree.points) {
                    let lanes = block.distances_2(&self.from).into_iter().zip(block.keys);
                    let entries = lanes.map(|(distance_2, key)| Entry { distance_2, target: Target::Point(key) });
                    self.heap.extend(entries.filter(|it| it.distance_2 < f32::INFINITY));
                }
            }
        }
    }
}
