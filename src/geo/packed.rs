//! A packed, read-only R-tree over points in space, searched by straight-line distance; it knows nothing of the Earth.
//!
//! `rstar` groups the points; the groups are then copied into two flat lists with coordinates of 32 bits. That takes a sixth of
//! the memory, and a search reads neighbouring cache lines instead of following one pointer per node. Whoever asks allows
//! for [`ROUNDING_M`].

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rstar::primitives::GeomWithData;
use rstar::{ParentNode, RStarInsertionStrategy, RTree, RTreeNode, RTreeParams};

/// A point with its key, as `rstar` groups them.
type Loaded = GeomWithData<[f64; 3], u32>;

/// Children of a node that a search puts in order before it visits them; `rstar` makes eight with these sizes.
const SORTED_CHILDREN_MAX: usize = 8;

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

/// How much farther or nearer a point may seem than it is, in metres: coordinates of points on Earth are below 2^23 m, where
/// neighbouring 32-bit numbers are half a metre apart, so each is off by at most a quarter and all three by 0.434 m.
pub(super) const ROUNDING_M: f64 = 0.5;

/// The nearest number of 32 bits. Rounding keeps the order, so rounded boxes hold their rounded points.
fn narrow(at: [f64; 3]) -> [f32; 3] {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "no other conversion rounds")]
    at.map(|it| it as f32)
}

/// A consecutive part of a list.
#[derive(Debug, Clone, Copy)]
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

/// A box that holds all its children.
#[derive(Debug, Clone, Copy)]
struct Node {
    lower: [f32; 3],
    upper: [f32; 3],
    children: Children,
}

impl Node {
    /// Square of the distance from `to` to the nearest side of the box, 0 inside.
    fn distance_2(&self, to: &[f64; 3]) -> f64 {
        let [x, y, z] = to;
        let [x0, y0, z0] = self.lower.map(f64::from);
        let [x1, y1, z1] = self.upper.map(f64::from);
        let x = (x0 - x).max(x - x1).max(0.0);
        let y = (y0 - y).max(y - y1).max(0.0);
        let z = (z0 - z).max(z - z1).max(0.0);
        x * x + y * y + z * z
    }
}

#[derive(Debug, Clone, Copy)]
struct KeyedPoint {
    at: [f32; 3],
    key: u32,
}

impl KeyedPoint {
    fn distance_2(&self, to: &[f64; 3]) -> f64 {
        let [x, y, z] = to;
        let [px, py, pz] = self.at.map(f64::from);
        let (x, y, z) = (px - x, py - y, pz - z);
        x * x + y * y + z * z
    }
}

/// The nearest point by straight line, and how near any other one can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closest {
    /// Key of the nearest point; `None` if no point is nearer than the limit.
    pub(super) key: Option<u32>,
    /// No other point is nearer than the square root of this; infinite if there is no other.
    pub(super) others_2: f64,
    best_2: f64,
}

impl Closest {
    fn offer(&mut self, distance_2: f64, key: u32) {
        if distance_2 < self.best_2 {
            self.others_2 = self.best_2;
            self.best_2 = distance_2;
            self.key = Some(key);
        } else {
            self.pass(distance_2);
        }
    }

    /// Takes note of something left aside.
    fn pass(&mut self, distance_2: f64) {
        self.others_2 = self.others_2.min(distance_2);
    }
}

/// An R-tree in two lists.
#[derive(Debug)]
pub(super) struct PackedTree {
    root: Node,
    nodes: Vec<Node>,
    points: Vec<KeyedPoint>,
}

impl PackedTree {
    /// Packs the points; keys are their places in the order given.
    pub(super) fn build(points: impl Iterator<Item = [f64; 3]>) -> Self {
        let loaded = (0..=u32::MAX).zip(points).map(|(key, at)| Loaded::new(at, key)).collect();
        let tree: RTree<Loaded, GroupSizes> = RTree::bulk_load_with_params(loaded);
        let mut nodes = Vec::new();
        let mut points = Vec::with_capacity(tree.size());
        let root = pack(tree.root(), &mut nodes, &mut points);
        nodes.shrink_to_fit();
        Self { root, nodes, points }
    }

    /// Finds the nearest point that qualifies and is nearer than the square root of `limit_2`.
    pub(super) fn closest(&self, to: &[f64; 3], limit_2: f64, mut qualifies: impl FnMut(u32) -> bool) -> Closest {
        let mut closest = Closest { key: None, others_2: f64::INFINITY, best_2: limit_2 };
        self.descend(&self.root, to, &mut qualifies, &mut closest);
        closest
    }

    fn descend(&self, node: &Node, to: &[f64; 3], qualifies: &mut impl FnMut(u32) -> bool, closest: &mut Closest) {
        let nodes = match node.children {
            Children::Nodes(span) => span.of(&self.nodes),
            Children::Points(span) => {
                for point in span.of(&self.points) {
                    let distance_2 = point.distance_2(to);
                    if distance_2 < closest.others_2 && qualifies(point.key) {
                        closest.offer(distance_2, point.key);
                    }
                }
                return;
            }
        };
        let mut near: [(f64, Option<&Node>); SORTED_CHILDREN_MAX] = [(f64::INFINITY, None); SORTED_CHILDREN_MAX];
        for child in nodes {
            let mut carried = (child.distance_2(to), Some(child));
            if carried.0 >= closest.best_2 {
                closest.pass(carried.0);
                continue;
            }
            // Insertion from the near end: whatever is farther moves one place on.
            for place in &mut near {
                if carried.0 < place.0 {
                    std::mem::swap(place, &mut carried);
                }
                if carried.1.is_none() {
                    break;
                }
            }
            if let Some(farthest) = carried.1 {
                self.descend(farthest, to, qualifies, closest);
            }
        }
        for (distance_2, child) in near {
            let Some(child) = child else { break };
            if distance_2 >= closest.best_2 {
                closest.pass(distance_2);
                break;
            }
            self.descend(child, to, qualifies, closest);
        }
    }

    /// Walks the points in the order of their straight-line distance.
    pub(super) fn walk(&self, from: [f64; 3]) -> Walk<'_> {
        let mut heap = BinaryHeap::with_capacity(WALK_ENTRIES);
        heap.push(Entry { distance_2: 0.0, target: Target::Node(&self.root) });
        Walk { tree: self, from, heap }
    }
}

/// Copies what lies below a node: points in the order of the walk, the nodes of one parent side by side.
fn pack(from: &ParentNode<Loaded>, nodes: &mut Vec<Node>, points: &mut Vec<KeyedPoint>) -> Node {
    let (first_node, first_point) = (nodes.len(), points.len());
    let mut parents = Vec::new();
    for child in from.children() {
        match child {
            RTreeNode::Leaf(loaded) => points.push(KeyedPoint { at: narrow(*loaded.geom()), key: loaded.data }),
            RTreeNode::Parent(parent) => parents.push(parent),
        }
    }
    let envelope = from.envelope();
    let children = if parents.is_empty() {
        Children::Points(Span::new(first_point, points.len()))
    } else {
        Children::Nodes(Span::new(first_node, first_node + parents.len()))
    };
    let packed = Node { lower: narrow(envelope.lower()), upper: narrow(envelope.upper()), children };
    // The places are taken first, so that the children of one node stay together.
    nodes.extend(std::iter::repeat_n(packed, parents.len()));
    for (place, parent) in (first_node..).zip(parents) {
        let child = pack(parent, nodes, points);
        if let Some(node) = nodes.get_mut(place) {
            *node = child;
        }
    }
    packed
}

#[derive(Debug, Clone, Copy)]
enum Target<'a> {
    Node(&'a Node),
    Point(u32),
}

/// Something to visit; the greatest entry is the nearest, as the heap wants it.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    distance_2: f64,
    target: Target<'a>,
}

impl Ord for Entry<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance_2.total_cmp(&self.distance_2)
    }
}

impl PartialOrd for Entry<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry<'_> {}

/// A walk over the points, nearest by straight line first.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    tree: &'a PackedTree,
    from: [f64; 3],
    heap: BinaryHeap<Entry<'a>>,
}

impl Walk<'_> {
    /// The key of the next point whose squared distance is at most `limit_2`.
    ///
    /// Opens no box farther away than that, so asking with a small limit costs next to nothing.
    pub(super) fn next_within(&mut self, limit_2: f64) -> Option<u32> {
        while self.heap.peek().is_some_and(|entry| entry.distance_2 <= limit_2) {
            match self.heap.pop()?.target {
                Target::Point(key) => return Some(key),
                Target::Node(node) => self.open(node),
            }
        }
        None
    }

    fn open(&mut self, node: &Node) {
        let from = &self.from;
        match node.children {
            Children::Nodes(span) => {
                let nodes = span.of(&self.tree.nodes).iter();
                self.heap
                    .extend(nodes.map(|node| Entry { distance_2: node.distance_2(from), target: Target::Node(node) }));
            }
            Children::Points(span) => {
                let points = span.of(&self.tree.points).iter();
                self.heap.extend(
                    points.map(|point| Entry { distance_2: point.distance_2(from), target: Target::Point(point.key) }),
                );
            }
        }
    }
}
