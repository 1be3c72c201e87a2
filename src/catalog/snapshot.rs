//! A catalog is valid or does not exist; nobody edits one. Everything a request needs is laid out here once, at publication.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::Problem;
use super::by_owner::{ByOwner, index, key};
use super::chunked::Chunked;
use super::in_force;
use super::join_code_id::JoinCodeId;
use super::on_map;
use super::outside::Outside;
use super::places::{Place, Places};
use super::selections::{Selection, Selections};
use super::shown::AllShown;
use super::spelling::Spellings;
use crate::campaign::Campaign;
use crate::geo::{NearestIndex, Position};
use crate::group::{CAPACITY_MAX, Contact, GroupChat, JoinCode, Owner};
use crate::id::{CampaignSlug, RegionCode, StoreId};
use crate::region::{RegionMap, RegionNames, ServiceAreas};
use crate::store::{Store, StoreStatus};

/// The nouns a catalog is made of, in any order.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// All stores, also paused and closed ones.
    pub stores: Vec<Store>,
    /// All group chats.
    pub groups: Vec<GroupChat>,
    /// All contacts.
    pub contacts: Vec<Contact>,
    /// All campaigns; `default` is added if it is missing.
    pub campaigns: Vec<Campaign>,
    /// The map of regions; shared, because most versions have the map of the one before.
    pub regions: Arc<RegionMap>,
    /// The areas that stores serve; shared likewise.
    pub service_areas: Arc<ServiceAreas>,
}

/// What a visitor may be shown: a group chat or a contact, by its place in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joinable {
    /// A group chat.
    Group(u32),
    /// A contact.
    Contact(u32),
}

/// The published truth, valid as a whole. What did not change is shared with the version before.
pub struct Catalog {
    pub(super) version: u64,
    pub(super) stores: Chunked<Store>,
    pub(super) nearest: Arc<NearestIndex>,
    pub(super) groups: Arc<ByOwner<GroupChat>>,
    pub(super) contacts: Arc<ByOwner<Contact>>,
    pub(super) campaigns: Arc<BTreeMap<CampaignSlug, Campaign>>,
    pub(super) default_campaign: Campaign,
    pub(super) selections: Arc<Selections>,
    pub(super) places: Arc<Places>,
    pub(super) spellings: Arc<Spellings>,
    pub(super) has_inactive: bool,
    pub(super) shown: AllShown,
    pub(super) codes: Arc<Vec<(JoinCodeId, Joinable)>>,
    pub(super) regions: Arc<RegionMap>,
    pub(super) service_areas: Arc<ServiceAreas>,
    /// The key of each service area's store.
    pub(super) served_by: Arc<[u32]>,
    pub(super) outside: OnceLock<Outside>,
}

impl Catalog {
    /// Lays out a catalog.
    ///
    /// # Errors
    /// Every reason why these entries are no catalog: ids that stand twice, owners that do not exist, capacities out of range.
    pub fn build(version: u64, entries: Entries) -> Result<Self, Vec<Problem>> {
        let Entries { mut stores, groups, contacts, campaigns, regions, service_areas } = entries;
        let mut problems = Vec::new();
        if stores.len().max(groups.len()).max(contacts.len()) >= index(u32::MAX / 2) {
            return Err(vec![Problem::new("too_many", "a catalog holds at most two billion entries of a kind")]);
        }
        stores.sort_by(|a, b| a.id.cmp(&b.id));
        for pair in stores.windows(2) {
            if let [a, b] = pair
                && a.id == b.id
            {
                problems.push(
                    Problem::new("duplicate_id", format!("store {} stands twice", a.id)).in_column("id", a.id.as_str()),
                );
            }
        }
        let by_slug = by_slug(campaigns, &mut problems);
        in_force::check(&by_slug, &mut problems);
        let count = stores.len();
        let (nearest, places) = (stores.iter().map(|it| it.at.position()).collect(), Places::of(&stores));
        let (spellings, shown) = (Spellings::of(&stores), AllShown::of(&stores));
        let stores = Chunked::new(stores);
        let selections = Selections::of(&by_slug, &stores, &regions, &mut problems);
        check_ids("group", groups.iter().map(|it| it.id.as_str()), &mut problems);
        check_ids("contact", contacts.iter().map(|it| it.id.as_str()), &mut problems);
        for group in groups.iter().filter(|it| !(1..=CAPACITY_MAX).contains(&it.capacity)) {
            let message =
                format!("group {} has a capacity of {}; 1 to {CAPACITY_MAX} are possible", group.id, group.capacity);
            problems
                .push(Problem::new("out_of_range", message).in_column("group_capacity", &group.capacity.to_string()));
        }
        let mut owner_key = |what: &str, owner: &Owner| {
            let (key, exists) = match owner {
                Owner::Store(id) => (find(&stores, id), find(&stores, id).is_some()),
                Owner::Region(code) => (None, regions.key(code).is_some()),
                Owner::Campaign(slug) => (None, by_slug.contains_key(slug)),
            };
            if !exists {
                problems.push(no_owner(what, owner));
            }
            key
        };
        let groups = groups.into_iter().map(|it| (owner_key(&format!("group {}", it.id), &it.owner), it)).collect();
        let contacts =
            contacts.into_iter().map(|it| (owner_key(&format!("contact {}", it.id), &it.owner), it)).collect();
        let served_by = on_map::serving_keys(&service_areas, |id| find(&stores, id), &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let groups = ByOwner::new(groups, count);
        let contacts = ByOwner::new(contacts, count);
        Ok(Self {
            version,
            nearest: Arc::new(NearestIndex::build(nearest)),
            places: Arc::new(places),
            spellings: Arc::new(spellings),
            has_inactive: stores.iter().any(|it| it.status != StoreStatus::Active),
            shown,
            codes: Arc::new(codes(&groups, &contacts)),
            stores,
            groups: Arc::new(groups),
            contacts: Arc::new(contacts),
            default_campaign: default_of(&by_slug),
            campaigns: Arc::new(by_slug),
            regions,
            service_areas,
            served_by: served_by.into(),
            selections: Arc::new(selections),
            outside: OnceLock::new(),
        })
    }

    /// The catalog of a service that has published nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::build(0, Entries::default()).unwrap_or_else(|_problems| unreachable!("no entries have no problems"))
    }

    /// Which truth this is; rises with every publication, 0 if nothing was published.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All stores, sorted by id; a store's place here is its key everywhere.
    #[must_use]
    pub fn stores(&self) -> &Chunked<Store> {
        &self.stores
    }

    /// The store with this key.
    #[must_use]
    pub fn store(&self, key: u32) -> Option<&Store> {
        self.stores.at(key)
    }

    /// The key of the store with this id.
    #[must_use]
    pub fn store_key(&self, id: &StoreId) -> Option<u32> {
        find(&self.stores, id)
    }

    /// Whether the store with this key takes customers.
    #[must_use]
    pub fn is_active(&self, key: u32) -> bool {
        // A search asks this of every store it comes near; where all take customers, it touches none of them.
        if self.has_inactive {
            self.store(key).is_some_and(|it| it.status == StoreStatus::Active)
        } else {
            index(key) < self.stores.len()
        }
    }

    /// Whether there are stores that do not take customers.
    #[must_use]
    pub fn has_inactive(&self) -> bool {
        self.has_inactive
    }

    /// The exact index over the positions of all stores.
    #[must_use]
    pub fn nearest(&self) -> &NearestIndex {
        &self.nearest
    }

    /// The group chats of a store, in their order.
    #[must_use]
    pub fn groups_of(&self, store: u32) -> impl ExactSizeIterator<Item = (Joinable, &GroupChat)> {
        self.groups.of_store(store).map(|(place, it)| (Joinable::Group(place), it))
    }

    /// The contacts of a store, in their order.
    #[must_use]
    pub fn contacts_of(&self, store: u32) -> impl ExactSizeIterator<Item = (Joinable, &Contact)> {
        self.contacts.of_store(store).map(|(place, it)| (Joinable::Contact(place), it))
    }

    /// The group chats of a campaign itself, in their order.
    #[must_use]
    pub fn campaign_groups<'a>(
        &'a self,
        slug: &CampaignSlug,
    ) -> impl ExactSizeIterator<Item = (Joinable, &'a GroupChat)> + use<'a> {
        self.groups.of_other(&Owner::Campaign(slug.clone())).map(|(place, it)| (Joinable::Group(place), it))
    }

    /// Whether any region has a group chat; where none has, nobody needs to know in which region a visit is.
    #[must_use]
    pub fn has_region_groups(&self) -> bool {
        self.groups.has_regions()
    }

    /// The group chats of a region itself, in their order; not those of the regions in it or around it.
    #[must_use]
    pub fn region_groups<'a>(
        &'a self,
        code: &RegionCode,
    ) -> impl ExactSizeIterator<Item = (Joinable, &'a GroupChat)> + use<'a> {
        self.groups.of_other(&Owner::Region(code.clone())).map(|(place, it)| (Joinable::Group(place), it))
    }

    /// The contacts of a region itself, in their order.
    #[must_use]
    pub fn region_contacts<'a>(
        &'a self,
        code: &RegionCode,
    ) -> impl ExactSizeIterator<Item = (Joinable, &'a Contact)> + use<'a> {
        self.contacts.of_other(&Owner::Region(code.clone())).map(|(place, it)| (Joinable::Contact(place), it))
    }

    /// The group chat at a place that [`Joinable::Group`] names.
    #[must_use]
    pub fn group(&self, place: u32) -> Option<&GroupChat> {
        self.groups.get(place)
    }

    /// The contact at a place that [`Joinable::Contact`] names.
    #[must_use]
    pub fn contact(&self, place: u32) -> Option<&Contact> {
        self.contacts.get(place)
    }

    /// All group chats.
    #[must_use]
    pub fn groups(&self) -> &[GroupChat] {
        self.groups.all()
    }

    /// All contacts.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        self.contacts.all()
    }

    /// The join code whose picture has this address.
    #[must_use]
    pub fn join_code(&self, id: JoinCodeId) -> Option<&JoinCode> {
        let place = self.codes.binary_search_by(|(it, _)| it.cmp(&id)).ok()?;
        match self.codes.get(place)?.1 {
            Joinable::Group(place) => self.group(place).map(|it| &it.code),
            Joinable::Contact(place) => self.contact(place).map(|it| &it.code),
        }
    }

    /// The campaign with this short name.
    #[must_use]
    pub fn campaign(&self, slug: &CampaignSlug) -> Option<&Campaign> {
        self.campaigns.get(slug)
    }

    /// The campaign that answers where no other does.
    #[must_use]
    pub fn default_campaign(&self) -> &Campaign {
        &self.default_campaign
    }

    /// The stores that take part in a campaign.
    #[must_use]
    pub fn selection(&self, slug: &CampaignSlug) -> Selection<'_> {
        self.selections.get(slug)
    }

    /// All campaigns by short name.
    pub fn campaigns(&self) -> impl Iterator<Item = &Campaign> {
        self.campaigns.values()
    }

    /// Where the chain's stores of a named city are (or, failing that, of the province), from the names an IP database gives.
    #[must_use]
    pub fn place_named(&self, names: &RegionNames) -> Option<&Place> {
        self.places.named(names)
    }

    /// The provinces and cities that have stores, for choosers: `(province, city, keys of active stores)`, sorted.
    pub fn cities(&self) -> impl Iterator<Item = (&str, &str, &[u32])> {
        self.places.cities()
    }

    /// The texts of the stores, prepared for searches.
    pub(super) fn spellings(&self) -> &Spellings {
        &self.spellings
    }

    /// The middle of a store, if the key is one.
    #[must_use]
    pub fn position(&self, key: u32) -> Option<Position> {
        self.store(key).map(|it| it.at.position())
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalog(version {}, {} stores)", self.version, self.stores.len())
    }
}

fn find(stores: &Chunked<Store>, id: &StoreId) -> Option<u32> {
    let place = stores.partition_point(|it| it.id < *id);
    stores.get(place).filter(|it| it.id == *id).map(|_| key(place))
}

pub(super) fn default_of(by_slug: &BTreeMap<CampaignSlug, Campaign>) -> Campaign {
    by_slug.get(&CampaignSlug::default_slug()).cloned().unwrap_or_else(Campaign::plain)
}

/// The campaigns by slug; `default` is always among them.
pub(super) fn by_slug(campaigns: Vec<Campaign>, problems: &mut Vec<Problem>) -> BTreeMap<CampaignSlug, Campaign> {
    let mut by_slug = BTreeMap::new();
    for campaign in campaigns {
        match by_slug.entry(campaign.slug.clone()) {
            Entry::Occupied(taken) => {
                problems.push(Problem::new("duplicate_id", format!("campaign {} stands twice", taken.key())));
            }
            Entry::Vacant(free) => {
                free.insert(campaign);
            }
        }
    }
    by_slug.entry(CampaignSlug::default_slug()).or_insert_with(Campaign::plain);
    by_slug
}

pub(super) fn no_owner(what: &str, owner: &Owner) -> Problem {
    let problem = match owner {
        Owner::Store(id) => {
            Problem::new("unknown_store", format!("{what} belongs to store {id}, which does not exist"))
        }
        Owner::Region(code) => {
            Problem::new("unknown_region", format!("{what} belongs to region {code}, which is not on the map"))
        }
        Owner::Campaign(slug) => {
            Problem::new("unknown_campaign", format!("{what} belongs to campaign {slug}, which does not exist"))
        }
    };
    problem.in_column("owner", "")
}

pub(super) fn check_ids<'a>(what: &str, ids: impl Iterator<Item = &'a str>, problems: &mut Vec<Problem>) {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    for pair in ids.windows(2) {
        if let [a, b] = pair
            && a == b
        {
            problems.push(Problem::new("duplicate_id", format!("{what} {a} stands twice")));
        }
    }
}

pub(super) fn codes(groups: &ByOwner<GroupChat>, contacts: &ByOwner<Contact>) -> Vec<(JoinCodeId, Joinable)> {
    let of_group =
        |(place, it): (usize, &GroupChat)| (JoinCodeId::of(it.code.link.as_str()), Joinable::Group(key(place)));
    let of_contact =
        |(place, it): (usize, &Contact)| (JoinCodeId::of(it.code.link.as_str()), Joinable::Contact(key(place)));
    let groups = groups.all().iter().enumerate().map(of_group);
    let contacts = contacts.all().iter().enumerate().map(of_contact);
    let mut codes: Vec<_> = groups.chain(contacts).collect();
    codes.sort_by_key(|(id, _)| *id);
    codes.dedup_by_key(|(id, _)| *id);
    codes
}
