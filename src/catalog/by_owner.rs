//! Groups and contacts laid out by whose they are; not which of them is shown.

use std::ops::Range;

use crate::group::{Contact, GroupChat, Owner};

/// Something that belongs to a store, a region or a campaign.
pub(super) trait Owned {
    /// Whose it is.
    fn owner(&self) -> &Owner;
    /// Its place among the others of its owner.
    fn place(&self) -> (i32, &str);
}

impl Owned for GroupChat {
    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn place(&self) -> (i32, &str) {
        (self.order, self.id.as_str())
    }
}

impl Owned for Contact {
    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn place(&self) -> (i32, &str) {
        (self.order, self.id.as_str())
    }
}

/// Items sorted by the store they belong to; those of store `key` stand at `starts[key]..starts[key + 1]`, those of regions and
/// campaigns behind the last, sorted by their owner.
#[derive(Debug, Default)]
pub(super) struct ByOwner<T> {
    items: Vec<T>,
    starts: Vec<u32>,
}

impl<T: Owned> ByOwner<T> {
    /// `keyed` gives each item's store; none for those of regions and campaigns.
    pub(super) fn new(mut keyed: Vec<(Option<u32>, T)>, stores: usize) -> Self {
        keyed.sort_by(|(a_key, a), (b_key, b)| {
            let keys = a_key.unwrap_or(u32::MAX).cmp(&b_key.unwrap_or(u32::MAX));
            keys.then_with(|| a.owner().cmp(b.owner())).then_with(|| a.place().cmp(&b.place()))
        });
        let mut starts = vec![0_u32; stores + 1];
        for (key, _) in &keyed {
            let next = key.map_or(usize::MAX, |it| index(it) + 1);
            if let Some(count) = starts.get_mut(next) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { items: keyed.into_iter().map(|(_, item)| item).collect(), starts }
    }

    /// Those of a store, each with its place among all.
    pub(super) fn of_store(&self, store: u32) -> impl ExactSizeIterator<Item = (u32, &T)> {
        let at = |key: u32| self.starts.get(index(key)).copied().map_or(0, index);
        self.part(at(store)..at(store + 1))
    }

    /// Those of a region or a campaign, each with its place among all.
    pub(super) fn of_other<'a>(&'a self, owner: &Owner) -> impl ExactSizeIterator<Item = (u32, &'a T)> + use<'a, T> {
        let behind = self.starts.last().copied().map_or(0, index);
        let others = self.items.get(behind..).unwrap_or_default();
        let first = others.partition_point(|it| it.owner() < owner);
        let end = others.partition_point(|it| it.owner() <= owner);
        self.part(behind + first..behind + end)
    }

    /// Whether any belongs to a region: of those that belong to no store, those of regions come first.
    pub(super) fn has_regions(&self) -> bool {
        let behind = self.starts.last().copied().map_or(0, index);
        self.items.get(behind).is_some_and(|it| matches!(it.owner(), Owner::Region(_)))
    }

    fn part(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = (u32, &T)> {
        let first = range.start;
        let items = self.items.get(range).unwrap_or_default();
        items.iter().enumerate().map(move |(place, it)| (key(first + place), it))
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.items.get(index(place))
    }

    pub(super) fn all(&self) -> &[T] {
        &self.items
    }
}

/// A key as an index. Keys are 32 bits, and this program runs where `usize` has at least as many.
pub(super) fn index(key: u32) -> usize {
    usize::try_from(key).expect("usize has at least 32 bits")
}

pub(super) fn key(index: usize) -> u32 {
    u32::try_from(index).expect("Catalog::build refuses more entries than u32 counts")
}
