//! A long list in chunks that versions of a catalog share: a version with one entry changed copies one chunk, not the list.

use std::ops::Index;
use std::sync::Arc;

use super::by_owner::index;

/// Entries of a chunk: copying one takes a fraction of a millisecond, and a million entries have a thousand of them.
const CHUNK: usize = 1_024;

/// A list that is long, mostly read, and shared with the list of the version before.
#[derive(Debug, Clone)]
pub struct Chunked<T> {
    chunks: Vec<Arc<[T]>>,
    len: usize,
}

impl<T> Chunked<T> {
    pub(super) fn new(items: impl IntoIterator<Item = T>) -> Self {
        let mut items = items.into_iter();
        let (mut chunks, mut len) = (Vec::new(), 0);
        loop {
            let chunk: Arc<[T]> = items.by_ref().take(CHUNK).collect();
            len += chunk.len();
            if chunk.is_empty() {
                return Self { chunks, len };
            }
            chunks.push(chunk);
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The entry with a key.
    pub(super) fn at(&self, key: u32) -> Option<&T> {
        self.get(index(key))
    }

    /// All entries in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { list: self, next: 0 }
    }

    /// The place of the first entry of which `is_before` is false, in a list that is parted so.
    pub(super) fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let chunk = self.chunks.partition_point(|it| it.last().is_some_and(&is_before));
        let within = self.chunks.get(chunk).map_or(0, |it| it.partition_point(&is_before));
        (chunk * CHUNK + within).min(self.len)
    }
}

impl<T: Clone> Chunked<T> {
    /// The same list with other entries at some places.
    pub(super) fn with(&self, changed: impl IntoIterator<Item = (u32, T)>) -> Self {
        let mut chunks = self.chunks.clone();
        for (key, item) in changed {
            let place = index(key);
            if let Some(chunk) = chunks.get_mut(place / CHUNK)
                && let Some(slot) = Arc::make_mut(chunk).get_mut(place % CHUNK)
            {
                *slot = item;
            }
        }
        Self { chunks, len: self.len }
    }

    /// A copy of all entries.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.iter().cloned().collect()
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        self.get(place).expect("whoever indexes has asked for the length")
    }
}

impl<'a, T> IntoIterator for &'a Chunked<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// Walks a list.
#[derive(Debug)]
pub struct Iter<'a, T> {
    list: &'a Chunked<T>,
    next: usize,
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { list: self.list, next: self.next }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let item = self.list.get(self.next)?;
        self.next += 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.len() - self.next;
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_list_shares_the_other_chunks() {
        let list = Chunked::new(0..3_000_u32);
        let changed = list.with([(1_500, 7), (2_999, 8)]);
        let expected: Vec<u32> = (0..3_000)
            .map(|it| {
                if it == 1_500 {
                    7
                } else if it == 2_999 {
                    8
                } else {
                    it
                }
            })
            .collect();
        assert_eq!((changed.to_vec(), changed.len(), list.get(1_500)), (expected, 3_000, Some(&1_500)));
        assert!(Arc::ptr_eq(&list.chunks[0], &changed.chunks[0]) && !Arc::ptr_eq(&list.chunks[1], &changed.chunks[1]));
        assert_eq!(
            [0, 1_024, 2_999, 5_000].map(|wanted| list.partition_point(|it| *it < wanted)),
            [0, 1_024, 2_999, 3_000]
        );
        assert!(Chunked::<u32>::new([]).is_empty());
    }
}
