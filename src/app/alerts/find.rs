//! Finding what needs a person: one pass over the catalog, and a few questions to storage.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::words::{both, lane_name};
use super::{Alert, AlertKind, Alerts, Bilingual, LISTED_MAX, Lookout};
use crate::catalog::{Catalog, Doubt, DoubtKind, place_doubts};
use crate::group::{GroupChat, GroupStatus, JoinCode, Owner};
use crate::id::GroupId;
use crate::job::Lane;
use crate::storage::StorageError;
use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Groups whose heads are asked for at a time, so that seats never wait long.
const GROUPS_AT_A_TIME: usize = 500;

/// Alerts of one kind with what they are sorted by, and how many there are.
#[derive(Default)]
struct Pile {
    count: usize,
    alerts: Vec<(i64, Alert)>,
}

/// Everything found so far.
struct Finding<'a> {
    lookout: &'a Lookout,
    catalog: &'a Catalog,
    now: Timestamp,
    piles: BTreeMap<AlertKind, Pile>,
}

/// Everything that needs a person.
pub(super) fn all(lookout: &Lookout) -> Alerts {
    let held = lookout.catalog.snapshot();
    let mut finding = Finding { lookout, catalog: held.value(), now: lookout.clock.now(), piles: BTreeMap::new() };
    finding.service();
    finding.codes();
    if let Err(_no_answer) = finding.heads().and_then(|()| finding.jobs()) {
        let said = both("存储没有响应", "Storage does not answer");
        finding.add(AlertKind::Storage, "storage", (0, None), said, "/admin");
    }
    finding.places();
    finding.finish()
}

impl Finding<'_> {
    /// Adds an alert; `order` puts the urgent ones first.
    fn add(
        &mut self,
        kind: AlertKind,
        about: &str,
        (order, since): (i64, Option<Timestamp>),
        said: Bilingual,
        link: impl Into<String>,
    ) {
        let pile = self.piles.entry(kind).or_default();
        pile.count += 1;
        let cause = format!("{}:{about}", kind.as_str());
        pile.alerts.push((order, Alert { cause, kind, since, said, link: link.into() }));
        // Now and then, so that a million alerts do not lie in memory.
        if pile.alerts.len() >= LISTED_MAX * 4 {
            pile.shrink();
        }
    }

    fn finish(self) -> Alerts {
        let (mut listed, mut counts) = (Vec::new(), BTreeMap::new());
        for (kind, mut pile) in self.piles {
            pile.shrink();
            counts.insert(kind, pile.count);
            listed.extend(pile.alerts.into_iter().map(|(_, it)| it));
        }
        Alerts { at: self.now, listed, counts }
    }

    /// What is wrong with the service itself.
    fn service(&mut self) {
        let (metrics, outbox) = (&self.lookout.metrics, &self.lookout.outbox);
        if metrics.delivery_failing.get() > 0 {
            let waiting = outbox.depth();
            let since = outbox.oldest_at().ok().flatten();
            let said =
                both(format!("{waiting} 条扫码记录等着写入存储"), format!("{waiting} records wait to reach storage"));
            self.add(AlertKind::DeliveryFailing, "outbox", (0, since), said, "/admin");
        }
        let dead = outbox.dead_count().unwrap_or(0);
        if dead > 0 {
            let said = both(format!("{dead} 条记录无法投递"), format!("{dead} records cannot be delivered"));
            self.add(AlertKind::DeadLetters, "outbox", (0, None), said, "/admin/dead-letters");
        }
        let refused = metrics.alerting.catalog_refused_version.get();
        if refused > 0 {
            let live = self.catalog.version();
            let said = both(
                format!("目录版本 {refused} 无法启用,仍在使用版本 {live}"),
                format!("Version {refused} of the catalog is refused; version {live} stays live"),
            );
            self.add(AlertKind::CatalogRefused, &refused.to_string(), (0, None), said, "/admin/history");
        }
        let files = metrics.alerting.ip_databases_refusing.get();
        if files > 0 {
            let said = both(format!("{files} 个 IP 库文件无法读取"), format!("{files} IP databases cannot be read"));
            self.add(AlertKind::IpDatabaseRefused, "files", (0, None), said, "/admin");
        }
    }

    /// Codes that have expired or will, and stores without any.
    fn codes(&mut self) {
        let catalog = self.catalog;
        for key in (0_u32..).take(catalog.stores().len()).filter(|it| catalog.is_active(*it)) {
            let has_group = catalog.groups_of(key).any(|(_, it)| it.is_offered(self.now));
            if !has_group && !catalog.contacts_of(key).any(|(_, it)| it.code.is_usable(self.now)) {
                self.without_code(key);
            }
        }
        for it in catalog.groups() {
            if it.status == GroupStatus::Active && self.matters(&it.owner) {
                let name = both(format!("群「{}」", it.name), format!("Group {}", it.name));
                self.expiry(&it.owner, &it.code, (&name, it.id.as_str(), "groups"));
            }
        }
        for it in catalog.contacts() {
            if self.matters(&it.owner) {
                let name = both(format!("联系人「{}」", it.name), format!("Contact {}", it.name));
                self.expiry(&it.owner, &it.code, (&name, it.id.as_str(), "contacts"));
            }
        }
    }

    /// Whether customers may be led there.
    fn matters(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Store(id) => self.catalog.store_key(id).is_some_and(|it| self.catalog.is_active(it)),
            Owner::Region(_) | Owner::Campaign(_) => true,
        }
    }

    fn without_code(&mut self, key: u32) {
        let Some(store) = self.catalog.store(key) else { return };
        let mut groups = self.catalog.groups_of(key).map(|(_, it)| it).peekable();
        let (zh, en) = if groups.peek().is_none() {
            ("没有群码,也没有联系人", "it has neither a group code nor a contact")
        } else if groups.all(|it| it.status == GroupStatus::Paused) {
            ("它的群都暂停了", "its groups are paused")
        } else {
            ("它的码都过期了", "its codes have expired")
        };
        let said = both(
            format!("{}({})没有可用的码:{zh}", store.name, store.id),
            format!("{} ({}) has no usable code: {en}", store.name, store.id),
        );
        let link = format!("/admin/groups?store={}", encoded(store.id.as_str()));
        self.add(AlertKind::StoreWithoutCode, store.id.as_str(), (i64::from(key), None), said, link);
    }

    fn expiry(&mut self, owner: &Owner, code: &JoinCode, (name, id, page): (&Bilingual, &str, &str)) {
        let Some(end) = code.expires_at else { return };
        let left_ms = end.unix_ms() - self.now.unix_ms();
        let early_ms = i64::from(self.lookout.settings.expiring_days) * DAY_MS;
        if left_ms > early_ms {
            return;
        }
        // The same group with another code is another cause.
        let about = format!("{page}:{id}:{}", end.unix_ms());
        let link = codes_page(owner, page);
        let whose = owner_name(self.catalog, owner);
        if left_ms > 0 {
            let (zh, en) = in_words(left_ms);
            let said = both(format!("{whose}{} {zh}后过期", name.zh), format!("{whose}{} expires in {en}", name.en));
            let since = Timestamp::from_unix_ms(end.unix_ms() - early_ms);
            self.add(AlertKind::CodeExpiring, &about, (end.unix_ms(), Some(since)), said, link);
            return;
        }
        // A store that has nothing else is told of as a store without a code.
        let is_told = matches!(owner, Owner::Store(id) if self.catalog.store_key(id).is_some_and(|it| {
            !self.catalog.groups_of(it).any(|(_, it)| it.is_offered(self.now))
                && !self.catalog.contacts_of(it).any(|(_, it)| it.code.is_usable(self.now))
        }));
        if !is_told {
            let said =
                both(format!("{whose}{}的码已经过期", name.zh), format!("{whose}{}: its code has expired", name.en));
            self.add(AlertKind::CodeExpired, &about, (end.unix_ms(), Some(end)), said, link);
        }
    }

    /// Groups that are full, or nearly.
    fn heads(&mut self) -> Result<(), StorageError> {
        self.lookout.storage.current_version()?;
        let offered = |it: &&GroupChat| it.is_offered(self.now) && self.matters(&it.owner);
        let groups: Vec<&GroupChat> = self.catalog.groups().iter().filter(offered).collect();
        let rate = self.lookout.rules.join_rate;
        for some in groups.chunks(GROUPS_AT_A_TIME) {
            let ids: Vec<GroupId> = some.iter().map(|it| it.id.clone()).collect();
            let counts = self.lookout.storage.head_counts(&ids, self.now)?;
            for (group, count) in some.iter().zip(counts) {
                let (heads, capacity) = (count.heads(rate), f64::from(group.capacity));
                let percent = heads * 100.0 / capacity;
                let is_full = !count.has_room(group.capacity, rate);
                if is_full || percent >= f64::from(self.lookout.settings.group_percent) {
                    self.filling(group, (heads, percent), is_full);
                }
            }
        }
        Ok(())
    }

    /// Jobs that were given up.
    fn jobs(&mut self) -> Result<(), StorageError> {
        for lane in Lane::ALL {
            let dead = self.lookout.storage.job_counts(lane, self.now)?.dead;
            if dead > 0 {
                let name = lane_name(lane);
                let said = both(
                    format!("{dead} 个「{}」任务做不成", name.zh),
                    format!("{dead} jobs of the lane “{}” were given up", name.en),
                );
                self.add(AlertKind::DeadJobs, lane.as_str(), (0, None), said, "/admin/dead-letters");
            }
        }
        Ok(())
    }

    fn filling(&mut self, group: &GroupChat, (heads, percent): (f64, f64), is_full: bool) {
        let kind = if is_full { AlertKind::GroupFull } else { AlertKind::GroupFilling };
        let whose = owner_name(self.catalog, &group.owner);
        let (name, capacity) = (&group.name, group.capacity);
        let said = if is_full {
            both(
                format!("{whose}群「{name}」满了:约 {heads:.0} / {capacity} 人"),
                format!("{whose}Group {name} is full: about {heads:.0} of {capacity}"),
            )
        } else {
            both(
                format!("{whose}群「{name}」已有约 {heads:.0} / {capacity} 人({percent:.0}%)"),
                format!("{whose}Group {name} holds about {heads:.0} of {capacity} ({percent:.0} %)"),
            )
        };
        let link = codes_page(&group.owner, "groups");
        // The fullest first, to a hundredth of a percent.
        let order = -fraction(percent);
        self.add(kind, &format!("{}:{capacity}", group.id), (order, None), said, link);
    }

    /// Stores whose coordinates look wrong.
    fn places(&mut self) {
        for Doubt { store: key, kind } in self.doubts().iter() {
            let Some(store) = self.catalog.store(*key) else { continue };
            let (zh, en) = match kind {
                DoubtKind::ZeroZero => ("坐标是 0, 0".to_owned(), "stands at 0, 0".to_owned()),
                DoubtKind::Swapped => {
                    ("经纬度好像写反了".to_owned(), "seems to have latitude and longitude exchanged".to_owned())
                }
                DoubtKind::TooClose(other) => {
                    let other = self.catalog.store(*other).map(|it| it.id.to_string()).unwrap_or_default();
                    (format!("和 {other} 相距不到 10 米"), format!("stands within 10 m of {other}"))
                }
                DoubtKind::OutsideRegion { region, other } => {
                    let hint = other.map(|it| it.to_string());
                    let (zh, en) = match hint {
                        Some(datum) => (format!("(也许坐标系是 {datum})"), format!(" (maybe the datum is {datum})")),
                        None => Default::default(),
                    };
                    (format!("不在{region}里面{zh}"), format!("stands outside {region}{en}"))
                }
            };
            let said = both(format!("{}({}){zh}", store.name, store.id), format!("{} ({}) {en}", store.name, store.id));
            let about = format!("{}:{}", kind.as_str(), store.id);
            let link = format!("/admin/stores/{}", path_encoded(store.id.as_str()));
            self.add(AlertKind::Coordinates, &about, (i64::from(*key), None), said, link);
        }
    }

    /// The doubts about this catalog's places; worked out once a version.
    fn doubts(&self) -> Arc<[Doubt]> {
        let version = self.catalog.version();
        let held = self.lookout.doubts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((of, doubts)) = held
            && of == version
        {
            return doubts;
        }
        let doubts: Arc<[Doubt]> = place_doubts(self.catalog).into();
        *self.lookout.doubts.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, Arc::clone(&doubts)));
        doubts
    }
}

impl Pile {
    fn shrink(&mut self) {
        self.alerts.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cause.cmp(&b.1.cause)));
        self.alerts.truncate(LISTED_MAX);
    }
}

/// Whose a code is, before its name; empty where nobody would miss it.
fn owner_name(catalog: &Catalog, owner: &Owner) -> String {
    let name = match owner {
        Owner::Store(id) => catalog.store_key(id).and_then(|it| catalog.store(it)).map(|it| it.name.to_string()),
        Owner::Region(code) => Some(code.to_string()),
        Owner::Campaign(slug) => catalog.campaign(slug).map(|it| it.name.to_string()),
    };
    name.map(|it| format!("{it} · ")).unwrap_or_default()
}

/// A time that is left, in words of both languages.
fn in_words(left_ms: i64) -> (String, String) {
    let (days, hours) = (left_ms / DAY_MS, left_ms / HOUR_MS);
    if days > 0 {
        (format!("{days} 天"), if days == 1 { "a day".to_owned() } else { format!("{days} days") })
    } else {
        (format!("{} 小时", hours.max(1)), if hours <= 1 { "an hour".to_owned() } else { format!("{hours} hours") })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "clamped to a billion")]
fn fraction(percent: f64) -> i64 {
    (percent * 100.0).clamp(0.0, 1e9) as i64
}

/// The page where the codes of an owner are.
fn codes_page(owner: &Owner, kind: &str) -> String {
    let (what, id) = match owner {
        Owner::Store(id) => ("store", id.as_str()),
        Owner::Region(code) => ("region", code.as_str()),
        Owner::Campaign(slug) => ("campaign", slug.as_str()),
    };
    format!("/admin/groups?kind={kind}&{what}={}", encoded(id))
}

/// An id as a part of a path, where a plus is no space.
fn path_encoded(id: &str) -> String {
    encoded(id).replace('+', "%20")
}

/// An id in an address.
fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
