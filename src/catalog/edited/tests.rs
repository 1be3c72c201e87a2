//! A catalog that shares with the one before answers as one built anew.

use proptest::prelude::*;

use super::*;
use crate::campaign::StoreSelection;
use crate::catalog::StoreFilter;
use crate::geo::Datum;
use crate::group::{GroupStatus, JoinCode, JoinLink};
use crate::id::{CampaignSlug, GroupId, StoreId};
use crate::region::RegionNames;
use crate::store::{Located, OpeningHours, Zone};
use crate::time::Timestamp;

const CITIES: [(&str, &str); 5] =
    [("上海市", "上海市"), ("上海", "上海"), ("浙江省", "杭州市"), ("吉林省", "吉林市"), ("", "")];
const NAMES: [&str; 4] = ["人民广场店", "外滩店", "Kafé 2", "重庆北路店"];
const HOURS: [Option<&str>; 3] = [None, Some("08:00-22:00"), Some("09:00-次日01:00")];
const WORDS: [&str; 6] = ["rmgc", "外滩", "kafé", "hangzhou", "s7", "2"];

/// What a store may become, as small numbers.
type Look = (u8, u8, u8, u8, u8, u8);

fn store(id: u8, (name, city, hours, status, north, tag): Look) -> Store {
    let (province, city) = CITIES[usize::from(city) % CITIES.len()];
    let at =
        Located::from_datum(31.0 + f64::from(north % 16) * 0.01, 121.0 + f64::from(north / 16) * 0.01, Datum::Wgs84);
    Store {
        name: NAMES[usize::from(name) % NAMES.len()].into(),
        province: province.into(),
        city: city.into(),
        at: at.unwrap(),
        hours: HOURS[usize::from(hours) % HOURS.len()].map(|it| OpeningHours::parse(it).unwrap()),
        status: [StoreStatus::Active, StoreStatus::Active, StoreStatus::Paused][usize::from(status) % 3],
        tags: if tag % 3 == 0 { Box::new(["旗舰".into()]) } else { Box::new([]) },
        ..Store::sample(&format!("s{id}"), 31.0, 121.0)
    }
}

fn group(id: u8, of: u8, link: u8, order: u8) -> GroupChat {
    let link = JoinLink::parse(&format!("https://work.weixin.qq.com/gm/{link}"), &["work.weixin.qq.com"]).unwrap();
    GroupChat {
        id: GroupId::parse(&format!("g{id}")).unwrap(),
        owner: Owner::Store(StoreId::parse(&format!("s{of}")).unwrap()),
        name: "群".into(),
        code: JoinCode { link, expires_at: None },
        capacity: 200,
        status: GroupStatus::Active,
        order: i32::from(order % 3),
        wecom: None,
    }
}

fn slug(text: &str) -> CampaignSlug {
    CampaignSlug::parse(text).unwrap()
}

/// Everything that a decision, a chooser or a page asks of a catalog.
fn answers(catalog: &Catalog) -> Vec<String> {
    let mut told = vec![format!("{} {} {}", catalog.version(), catalog.has_inactive(), catalog.stores().len())];
    let zone = Zone::parse("Asia/Shanghai").unwrap();
    for key in 0..u32::try_from(catalog.stores().len()).unwrap() {
        let open = [3, 12, 15].map(|hour| catalog.is_open(key, Timestamp::from_unix_ms(hour * 3_600_000), &zone));
        let groups: Vec<_> = catalog.groups_of(key).map(|(place, it)| (place, it.clone())).collect();
        let (store, taken) = (catalog.store(key), catalog.selection(&slug("some")).takes(key));
        let prepared = catalog.prepared(key).map(|it| it.get().is_none());
        told.push(format!("{store:?} {open:?} {groups:?} {taken} {:?} {prepared:?}", catalog.is_active(key)));
    }
    for place in 0..16 {
        let (row, column) = (f64::from(place % 4), f64::from(place / 4));
        let from = Position::from_datum(30.99 + row * 0.047, 120.99 + column * 0.051, Datum::Wgs84).unwrap();
        let nearest: Vec<_> = catalog.nearest().nearest(from, 7, None, |key| catalog.is_active(key));
        let around: Vec<_> = catalog.nearest().around(from, Some(9_000.0), |_| true).map(|it| it.key).collect();
        told.push(format!("{nearest:?} {around:?} {:?}", catalog.nearest().nearest_one(from, None, |_| true)));
        told.push(format!("{:?}", catalog.nearest().by_distance(from).map(|it| it.key).collect::<Vec<_>>()));
    }
    for word in WORDS {
        let found = catalog.search(&StoreFilter::new(None, None, Some(word)), 0, 50);
        told.push(format!("{word} {} {:?}", found.total, found.keys));
    }
    for (province, city) in CITIES {
        let names = RegionNames { province: province.into(), city: city.into(), ..RegionNames::default() };
        let place = catalog.place_named(&names);
        let circle =
            place.map(|it| (it.circle.middle.lat(), it.circle.middle.lon(), it.circle.radius_m, it.names.clone()));
        told.push(format!("{circle:?} {:?}", catalog.search(&StoreFilter::new(None, Some(city), None), 0, 50).keys));
    }
    told.push(format!("{:?}", catalog.cities().collect::<Vec<_>>()));
    for link in 0..6 {
        let id = crate::catalog::JoinCodeId::of(&format!("https://work.weixin.qq.com/gm/{link}"));
        told.push(format!("{:?}", catalog.join_code(id)));
    }
    told
}

/// One change: of a store, of a group, a group that goes, or of a campaign.
type Step = (u8, u8, Look);

fn edits(step: Step) -> Edits {
    let (what, id, look) = step;
    let mut edits = Edits::default();
    match what % 6 {
        0..=2 => {
            edits.stores =
                vec![store(id % 10, look), store(10 + (id / 2) % 10, (look.1, look.0, look.3, look.2, look.5, look.4))];
        }
        3 => edits.groups = vec![group(id % 8, look.0 % 20, look.1 % 6, look.2)],
        4 => edits.gone = vec![Change::Group(GroupId::parse(&format!("g{}", id % 8)).unwrap())],
        _ => {
            let stores = StoreSelection { tags: Box::new(["旗舰".into()]), ..StoreSelection::default() };
            edits.campaigns = vec![Campaign { slug: slug("some"), stores, ..Campaign::plain() }];
        }
    }
    edits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_shares_answers_as_what_is_built_anew(
        looks in prop::collection::vec(any::<Look>(), 20),
        steps in prop::collection::vec(any::<Step>(), 1..8),
    ) {
        let stores = (0..20).zip(looks).map(|(id, look)| store(id, look)).chain([store(20, (0, 0, 0, 0, 0, 0))]);
        let groups = (0..8).map(|it| group(it, it, it % 5, 0)).collect();
        let entries = Entries { stores: stores.collect(), groups, ..Entries::default() };
        let mut shared = Catalog::build(1, entries).unwrap();
        for (version, step) in (2..).zip(steps) {
            // What was prepared for answers must not outlive the store that it is about.
            for key in 0..21 {
                let _ = shared.prepared(key).map(|it| it.set("old".into()));
            }
            let Ok(next) = shared.with(version, edits(step)) else { continue };
            let entries = shared.edited(edits(step)).unwrap();
            let anew = Catalog::build(version, entries).unwrap();
            let strip = |it: Vec<String>| it.into_iter().map(|it| it.replace("Some(false)", "").replace("Some(true)", "")).collect::<Vec<_>>();
            prop_assert_eq!(strip(answers(&next)), strip(answers(&anew)));
            for (key, is) in (0..).zip(next.stores()) {
                let is_same = shared.store(key) == Some(is);
                prop_assert!(is_same || next.prepared(key).unwrap().get().is_none(), "a text of what the store was");
            }
            shared = next;
        }
    }
}

#[test]
fn what_cannot_be_is_refused_as_by_a_catalog_built_anew() {
    let entries =
        Entries { stores: vec![store(1, (0, 0, 0, 0, 0, 0))], groups: vec![group(1, 1, 1, 0)], ..Entries::default() };
    let catalog = Catalog::build(1, entries).unwrap();
    let codes = |edits: Edits| {
        let problems = catalog.with(2, edits).unwrap_err();
        problems.into_iter().map(|it| it.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(Edits { groups: vec![group(2, 9, 1, 0)], ..Edits::default() }), ["unknown_store"]);
    let crowded = GroupChat { capacity: 0, ..group(1, 1, 1, 0) };
    assert_eq!(codes(Edits { groups: vec![crowded], ..Edits::default() }), ["out_of_range"]);
    let gone = vec![Change::Store(StoreId::parse("s1").unwrap())];
    assert_eq!(codes(Edits { gone, ..Edits::default() }), ["unknown_store"]);
    let unknown = StoreSelection { tags: Box::new(["无".into()]), ..StoreSelection::default() };
    let campaign = Campaign { slug: slug("some"), stores: unknown, ..Campaign::plain() };
    assert_eq!(codes(Edits { campaigns: vec![campaign], ..Edits::default() }), ["unknown_name"]);
}

#[test]
fn a_store_that_keeps_its_place_shares_the_index() {
    let entries = Entries { stores: (0..50).map(|it| store(it, (0, 0, 0, 0, it, 0))).collect(), ..Entries::default() };
    let catalog = Catalog::build(1, entries).unwrap();
    let hours = Store { hours: None, ..store(7, (0, 0, 1, 0, 7, 0)) };
    let next = catalog.with(2, Edits { stores: vec![hours], ..Edits::default() }).unwrap();
    assert!(Arc::ptr_eq(&catalog.nearest, &next.nearest) && Arc::ptr_eq(&catalog.places, &next.places));
    assert!(Arc::ptr_eq(&catalog.spellings, &next.spellings) && Arc::ptr_eq(&catalog.groups, &next.groups));
}
