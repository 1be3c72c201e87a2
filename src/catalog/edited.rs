//! The catalog after a few changes: what they do not touch is shared with the catalog before, so that one store among a million is
//! changed in a moment. What shares answers exactly as what is built anew, which a property test holds it to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::by_owner::{ByOwner, Owned};
use super::merge::Change;
use super::selections::Selections;
use super::snapshot::{Catalog, Entries, by_slug, codes, default_of, no_owner};
use super::spelling::Spellings;
use super::{Problem, in_force};
use crate::campaign::Campaign;
use crate::geo::Position;
use crate::group::{CAPACITY_MAX, Contact, GroupChat, Owner};
use crate::id::{CampaignSlug, ContactId, GroupId, StoreId};
use crate::region::{RegionMap, ServiceAreas};
use crate::store::{Store, StoreStatus};

/// A few entries that are to be in a catalog, in place of those with their ids or beside them, and a few that are to go.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// Stores.
    pub stores: Vec<Store>,
    /// Group chats.
    pub groups: Vec<GroupChat>,
    /// Contacts.
    pub contacts: Vec<Contact>,
    /// Campaigns.
    pub campaigns: Vec<Campaign>,
    /// What goes.
    pub gone: Vec<Change>,
    /// Another map of regions, in place of the whole one.
    pub regions: Option<Arc<RegionMap>>,
    /// Other areas that stores serve, in place of all of them.
    pub service_areas: Option<Arc<ServiceAreas>>,
}

/// What goes, by its kind.
#[derive(Default)]
struct Gone {
    stores: BTreeSet<StoreId>,
    groups: BTreeSet<GroupId>,
    contacts: BTreeSet<ContactId>,
    campaigns: BTreeSet<CampaignSlug>,
    areas: BTreeSet<StoreId>,
}

impl Gone {
    fn of(changes: Vec<Change>) -> Result<Self, Vec<Problem>> {
        let mut gone = Self::default();
        for it in changes {
            match it {
                Change::Store(id) => gone.stores.insert(id),
                Change::Group(id) => gone.groups.insert(id),
                Change::Contact(id) => gone.contacts.insert(id),
                Change::Campaign(slug) => gone.campaigns.insert(slug),
                Change::ServiceArea(id) => gone.areas.insert(id),
                Change::Region(_) => {
                    return Err(vec![Problem::new("not_editable", "regions are imported as a map")]);
                }
            };
        }
        Ok(gone)
    }
}

/// A store that is changed: its key, what it was and what it is.
type Changed<'a> = (u32, &'a Store, &'a Store);

impl Edits {
    /// Whether keys of stores stay what they are, and nothing loses its owner.
    fn is_light(&self, catalog: &Catalog) -> bool {
        let stays = |it: &Change| matches!(it, Change::Group(_) | Change::Contact(_));
        let has_map = self.regions.is_some() || self.service_areas.is_some();
        !has_map && self.gone.iter().all(stays) && self.stores.iter().all(|it| catalog.store_key(&it.id).is_some())
    }
}

impl Catalog {
    /// The catalog of another version with some entries changed.
    ///
    /// # Errors
    /// As [`Catalog::build`]; also if a region is to go, because regions are imported as a map.
    pub fn with(&self, version: u64, edits: Edits) -> Result<Self, Vec<Problem>> {
        if !edits.is_light(self) {
            return Self::build(version, self.edited(edits)?);
        }
        let by_key: BTreeMap<u32, Store> =
            edits.stores.into_iter().filter_map(|it| Some((self.store_key(&it.id)?, it))).collect();
        let stores = self.stores.with(by_key.clone());
        let changed: Vec<Changed<'_>> =
            by_key.iter().filter_map(|(key, is)| Some((*key, self.stores.at(*key)?, is))).collect();
        let is_new: Vec<(u32, &Store)> = changed.iter().map(|(key, _, is)| (*key, *is)).collect();
        let mut problems = Vec::new();
        let has_campaigns = !edits.campaigns.is_empty();
        let campaigns = if has_campaigns {
            let ids: BTreeSet<_> = edits.campaigns.iter().map(|it| it.slug.clone()).collect();
            let kept = self.campaigns.values().filter(|it| !ids.contains(&it.slug)).cloned();
            let campaigns = by_slug(kept.chain(edits.campaigns).collect(), &mut problems);
            in_force::check(&campaigns, &mut problems);
            Arc::new(campaigns)
        } else {
            Arc::clone(&self.campaigns)
        };
        let may_select = has_campaigns || !self.selections.is_empty() && changed.iter().any(selects_otherwise);
        let selections = if may_select {
            Arc::new(Selections::of(&campaigns, &stores, &self.regions, &mut problems))
        } else {
            Arc::clone(&self.selections)
        };
        let all_gone: BTreeSet<Change> = edits.gone.into_iter().collect();
        let gone = |change: Change| !all_gone.is_empty() && all_gone.contains(&change);
        let exists = |owner: &Owner| match owner {
            Owner::Store(id) => self.store_key(id).is_some(),
            Owner::Region(code) => self.regions.key(code).is_some(),
            Owner::Campaign(slug) => campaigns.contains_key(slug),
        };
        check_groups(&edits.groups, &mut problems);
        let is_gone = |it: &GroupChat| gone(Change::Group(it.id.clone()));
        let groups =
            self.owned("group", &self.groups, edits.groups, |it| it.id.as_str(), is_gone, &exists, &mut problems);
        let is_gone = |it: &Contact| gone(Change::Contact(it.id.clone()));
        let contacts =
            self.owned("contact", &self.contacts, edits.contacts, |it| it.id.as_str(), is_gone, &exists, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let same_codes = Arc::ptr_eq(&groups, &self.groups) && Arc::ptr_eq(&contacts, &self.contacts);
        let is_inactive = |it: &Store| it.status != StoreStatus::Active;
        let has_inactive = is_new.iter().any(|(_, it)| is_inactive(it))
            || self.has_inactive
                && (changed.iter().all(|(_, was, _)| !is_inactive(was)) || stores.iter().any(is_inactive));
        Ok(Self {
            version,
            nearest: self.moved(&changed),
            places: self.placed(&changed, &|key| stores.at(key).map(|it| it.at.position())),
            spellings: self.respelt(&changed, &|| stores.to_vec()),
            has_inactive,
            shown: self.shown.with(&is_new),
            codes: if same_codes { Arc::clone(&self.codes) } else { Arc::new(codes(&groups, &contacts)) },
            default_campaign: default_of(&campaigns),
            regions: Arc::clone(&self.regions),
            service_areas: Arc::clone(&self.service_areas),
            served_by: Arc::clone(&self.served_by),
            stores,
            groups,
            contacts,
            campaigns,
            selections,
            outside: OnceLock::new(),
        })
    }

    /// Everything as entries, changed.
    fn edited(&self, edits: Edits) -> Result<Entries, Vec<Problem>> {
        let mut entries = Entries {
            stores: self.stores.to_vec(),
            groups: self.groups().to_vec(),
            contacts: self.contacts().to_vec(),
            campaigns: self.campaigns().cloned().collect(),
            regions: Arc::clone(&self.regions),
            service_areas: Arc::clone(&self.service_areas),
        };
        let stores: BTreeSet<_> = edits.stores.iter().map(|it| it.id.clone()).collect();
        let groups: BTreeSet<_> = edits.groups.iter().map(|it| it.id.clone()).collect();
        let contacts: BTreeSet<_> = edits.contacts.iter().map(|it| it.id.clone()).collect();
        let campaigns: BTreeSet<_> = edits.campaigns.iter().map(|it| it.slug.clone()).collect();
        entries.stores.retain(|it| !stores.contains(&it.id));
        entries.groups.retain(|it| !groups.contains(&it.id));
        entries.contacts.retain(|it| !contacts.contains(&it.id));
        entries.campaigns.retain(|it| !campaigns.contains(&it.slug));
        entries.regions = edits.regions.unwrap_or(entries.regions);
        entries.service_areas = edits.service_areas.unwrap_or(entries.service_areas);
        let gone = Gone::of(edits.gone)?;
        entries.stores.retain(|it| !gone.stores.contains(&it.id));
        entries.groups.retain(|it| !gone.groups.contains(&it.id));
        entries.contacts.retain(|it| !gone.contacts.contains(&it.id));
        entries.campaigns.retain(|it| !gone.campaigns.contains(&it.slug));
        if !gone.areas.is_empty() {
            let areas = entries.service_areas.areas().iter().filter(|it| !gone.areas.contains(&it.store)).cloned();
            let areas = ServiceAreas::build(areas.collect()).map_err(|errors| {
                let problem = |it: crate::region::ServiceAreaError| Problem::new("duplicate_id", it.to_string());
                errors.into_iter().map(problem).collect::<Vec<_>>()
            })?;
            entries.service_areas = Arc::new(areas);
        }
        entries.stores.extend(edits.stores);
        entries.groups.extend(edits.groups);
        entries.contacts.extend(edits.contacts);
        entries.campaigns.extend(edits.campaigns);
        Ok(entries)
    }

    /// The groups or contacts after a change; the same ones where nothing of theirs changes.
    #[expect(clippy::too_many_arguments, reason = "one thing for two kinds of nouns")]
    fn owned<T: Owned + Clone>(
        &self,
        what: &str,
        held: &Arc<ByOwner<T>>,
        new: Vec<T>,
        id: fn(&T) -> &str,
        is_gone: impl Fn(&T) -> bool,
        exists: &dyn Fn(&Owner) -> bool,
        problems: &mut Vec<Problem>,
    ) -> Arc<ByOwner<T>> {
        if new.is_empty() && !held.all().iter().any(&is_gone) {
            return Arc::clone(held);
        }
        for it in new.iter().filter(|it| !exists(it.owner())) {
            problems.push(no_owner(&format!("{what} {}", id(it)), it.owner()));
        }
        let ids: BTreeSet<&str> = new.iter().map(id).collect();
        let mut all: Vec<T> = held.all().iter().filter(|it| !ids.contains(id(it)) && !is_gone(it)).cloned().collect();
        drop(ids);
        all.extend(new);
        let key = |it: &T| if let Owner::Store(id) = it.owner() { self.store_key(id) } else { None };
        Arc::new(ByOwner::new(all.into_iter().map(|it| (key(&it), it)).collect(), self.stores.len()))
    }

    fn moved(&self, changed: &[Changed<'_>]) -> Arc<crate::geo::NearestIndex> {
        let elsewhere = changed.iter().filter(|(_, was, is)| was.at.position() != is.at.position());
        let moved: Vec<(u32, Position)> = elsewhere.map(|(key, _, is)| (*key, is.at.position())).collect();
        if moved.is_empty() { Arc::clone(&self.nearest) } else { Arc::new(self.nearest.with_moved(&moved)) }
    }

    fn placed(
        &self,
        changed: &[Changed<'_>],
        position: &dyn Fn(u32) -> Option<Position>,
    ) -> Arc<super::places::Places> {
        let is_elsewhere = |(_, was, is): &Changed<'_>| {
            was.status != is.status
                || was.province != is.province
                || was.city != is.city
                || was.at.position() != is.at.position()
        };
        let changed: Vec<Changed<'_>> = changed.iter().copied().filter(is_elsewhere).collect();
        if changed.is_empty() { Arc::clone(&self.places) } else { Arc::new(self.places.with(&changed, position)) }
    }

    fn respelt(&self, changed: &[Changed<'_>], all: &dyn Fn() -> Vec<Store>) -> Arc<Spellings> {
        let texts = |it: &Store| [&it.name, &it.address, &it.district, &it.city, &it.province].map(Clone::clone);
        let differs = |(_, was, is): &&Changed<'_>| texts(was) != texts(is);
        let respelt: Vec<(u32, &Store)> = changed.iter().filter(differs).map(|(key, _, is)| (*key, *is)).collect();
        if respelt.is_empty() {
            return Arc::clone(&self.spellings);
        }
        Arc::new(self.spellings.with(&respelt).unwrap_or_else(|| Spellings::of(&all())))
    }
}

/// Whether campaigns that select stores may select this one otherwise.
fn selects_otherwise((_, was, is): &Changed<'_>) -> bool {
    was.tags != is.tags
        || was.province != is.province
        || was.city != is.city
        || was.district != is.district
        || was.at.position() != is.at.position()
}

fn check_groups(groups: &[GroupChat], problems: &mut Vec<Problem>) {
    for group in groups.iter().filter(|it| !(1..=CAPACITY_MAX).contains(&it.capacity)) {
        let message =
            format!("group {} has a capacity of {}; 1 to {CAPACITY_MAX} are possible", group.id, group.capacity);
        problems.push(Problem::new("out_of_range", message).in_column("group_capacity", &group.capacity.to_string()));
    }
}

#[cfg(test)]
mod tests;
