//! What a storage holds, counted so that two of them can be compared: how many of each, and a digest in which order does not matter.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use crate::funnel::Dimension;
use crate::storage::{HeadCount, Part, Piece, Storage, StorageError, TagFilter, TallyFilter, TallyOf};

/// Versions that are read at a time.
const VERSIONS_PAGE: usize = 1_000;

/// How many things, and what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// How many.
    pub count: u64,
    digest: u64,
}

impl Held {
    fn add(&mut self, it: &impl Debug) {
        let mut hasher = DefaultHasher::new();
        format!("{it:?}").hash(&mut hasher);
        self.count += 1;
        self.digest = self.digest.wrapping_add(hasher.finish());
    }
}

/// What both sides of a copy hold of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyCount {
    /// What is counted.
    pub what: &'static str,
    /// In the source.
    pub from: Held,
    /// In the target.
    pub to: Held,
}

impl CopyCount {
    /// Whether both sides hold the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.from == self.to
    }
}

/// Counts everything.
pub(super) fn count(storage: &dyn Storage) -> Result<Vec<(&'static str, Held)>, StorageError> {
    let mut held = vec![("versions", versions(storage)?), ("entries of the catalog", entries(storage)?)];
    let all = TagFilter::default();
    let [mut tags, mut steps, mut consents, mut tallies] = [Held::default(); 4];
    storage.each_tag(&all, &mut |it| {
        tags.add(&it);
        ControlFlow::Continue(())
    })?;
    storage.each_step(&all, &mut |it| {
        steps.add(&it);
        ControlFlow::Continue(())
    })?;
    storage.each_consent(&mut |it| {
        consents.add(&it);
        ControlFlow::Continue(())
    })?;
    let of = TallyFilter { of: TallyOf::Records, ..TallyFilter::default() };
    storage.tallies(&Dimension::ALL, &of)?.iter().for_each(|it| tallies.add(it));
    // What disagrees with its own records agrees with nothing.
    tallies.digest = tallies.digest.wrapping_add(storage.check_tallies()?.differing);
    held.extend([("tag records", tags), ("steps", steps), ("consents", consents), ("tallies", tallies)]);
    for part in Part::ALL {
        let mut of_part = Held::default();
        storage.copy_out(part, &mut |it| {
            // A group that nobody was ever in may or may not have a row.
            if !matches!(&it, Piece::Head(_, count) if *count == HeadCount::default()) {
                of_part.add(&it);
            }
            ControlFlow::Continue(())
        })?;
        held.push((part.as_str(), of_part));
    }
    Ok(held)
}

fn versions(storage: &dyn Storage) -> Result<Held, StorageError> {
    let mut held = Held::default();
    let mut before = None;
    loop {
        let page = storage.versions(before, VERSIONS_PAGE)?;
        for it in &page {
            // How many changes are counted of an entry that came and went in one version is the backend's business.
            held.add(&(it.version, &it.info));
        }
        match page.last() {
            Some(last) => before = Some(last.version),
            None => return Ok(held),
        }
    }
}

fn entries(storage: &dyn Storage) -> Result<Held, StorageError> {
    let mut held = Held::default();
    storage.load(storage.current_version()?, &mut |kind, id, body| held.add(&(kind, id, body)))?;
    Ok(held)
}

/// What a storage holds anything of. The key of the forgotten is no content: a storage is made with one.
pub(super) fn filled(storage: &dyn Storage) -> Result<Vec<&'static str>, StorageError> {
    let mut found = Vec::new();
    if storage.current_version()? > 0 {
        found.push("a catalog");
    }
    let mut is_filled = false;
    storage.each_tag(&TagFilter::default(), &mut |_| {
        is_filled = true;
        ControlFlow::Break(())
    })?;
    if is_filled {
        found.push("tag records");
    }
    is_filled = false;
    storage.each_consent(&mut |_| {
        is_filled = true;
        ControlFlow::Break(())
    })?;
    if is_filled {
        found.push("consents");
    }
    for part in Part::ALL.into_iter().filter(|it| *it != Part::ForgottenKey) {
        is_filled = false;
        storage.copy_out(part, &mut |_| {
            is_filled = true;
            ControlFlow::Break(())
        })?;
        if is_filled {
            found.push(part.as_str());
        }
    }
    Ok(found)
}
