use std::sync::Arc;

use super::*;
use crate::campaign::Campaign;
use crate::geo::polygon::Vertex;
use crate::geo::{Datum, Position, Shape};
use crate::group::{Contact, GroupChat, GroupStatus, JoinCode, JoinLink, Owner};
use crate::id::{CampaignSlug, ContactId, GroupId, RegionCode, StoreId};
use crate::region::{Level, Region, RegionMap, RegionNames};
use crate::store::{OpeningHours, Store, StoreStatus};

fn id(text: &str) -> StoreId {
    StoreId::parse(text).unwrap()
}

fn store(name: &str, province: &str, city: &str, lat: f64, lon: f64) -> Store {
    let address = format!("{name} Road 1").into();
    Store { address, province: province.into(), city: city.into(), ..Store::sample(name, lat, lon) }
}

fn link(text: &str) -> JoinLink {
    JoinLink::parse(&format!("https://work.weixin.qq.com/gm/{text}"), &["work.weixin.qq.com"]).unwrap()
}

fn group(name: &str, owner: Owner, order: i32) -> GroupChat {
    GroupChat {
        id: GroupId::parse(name).unwrap(),
        owner,
        name: name.into(),
        code: JoinCode { link: link(name), expires_at: None },
        capacity: 200,
        status: GroupStatus::Active,
        order,
        wecom: None,
    }
}

fn row(store: Store, group: Option<&str>) -> StoreRow {
    let group = group.map(|it| FirstGroup {
        link: link(it),
        name: "".into(),
        capacity: 200,
        expires_at: None,
        expires_by_default: false,
    });
    StoreRow { row: 2, store, group, contact: None }
}

fn sea() -> Entries {
    Entries {
        stores: vec![
            store("s2", "上海市", "上海市", 31.2, 121.5),
            store("s1", "上海市", "上海市", 31.2, 121.4),
            store("g1", "广东省", "广州市", 23.1, 113.3),
            store("f1", "Northern", "Taveuni", -16.8, 179.99),
            store("f2", "Northern", "Taveuni", -16.8, -179.99),
        ],
        ..Entries::default()
    }
}

#[test]
fn entries_that_make_no_catalog_say_everything_that_is_wrong() {
    let mut entries = sea();
    entries.stores.push(store("s1", "", "", 1.0, 1.0));
    entries.groups.push(group("a", Owner::Store(id("nowhere")), 0));
    entries.groups.push(group("a", Owner::Campaign(CampaignSlug::parse("gone").unwrap()), 0));
    entries.groups.push(GroupChat { capacity: 0, ..group("b", Owner::Store(id("s1")), 0) });
    entries.campaigns = vec![Campaign::plain(), Campaign::plain()];
    let mut codes: Vec<_> = Catalog::build(1, entries).unwrap_err().into_iter().map(|it| it.code).collect();
    codes.sort_unstable();
    let expected =
        ["duplicate_id", "duplicate_id", "duplicate_id", "out_of_range", "unknown_campaign", "unknown_store"];
    assert_eq!(codes, expected);
}

#[test]
fn every_catalog_has_the_default_campaign() {
    assert!(Catalog::empty().campaign(&CampaignSlug::default_slug()).is_some());
}

#[test]
fn groups_stand_with_their_store_in_their_order() {
    let mut entries = sea();
    entries.groups = vec![
        group("late", Owner::Store(id("s1")), 2),
        group("brand", Owner::Campaign(CampaignSlug::default_slug()), 0),
        group("early", Owner::Store(id("s1")), 1),
        group("other", Owner::Store(id("f1")), 0),
    ];
    let lin = ContactId::parse("lin").unwrap();
    let code = JoinCode { link: link("lin"), expires_at: None };
    entries.contacts =
        vec![Contact { id: lin, owner: Owner::Store(id("s1")), name: "lin".into(), code, order: 0, wecom: None }];
    let catalog = Catalog::build(1, entries).unwrap();
    let names = |name: &str| {
        let key = catalog.store_key(&id(name)).unwrap();
        catalog.groups_of(key).map(|(_, it)| it.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("s1"), ["early", "late"]);
    assert_eq!(names("f1"), ["other"]);
    assert!(names("s2").is_empty());
    let default = CampaignSlug::default_slug();
    let brand: Vec<_> = catalog.campaign_groups(&default).map(|(_, it)| it.id.to_string()).collect();
    assert_eq!(brand, ["brand"]);
    let key = catalog.store_key(&id("s1")).unwrap();
    assert_eq!(catalog.contacts_of(key).map(|(_, it)| it.id.to_string()).collect::<Vec<_>>(), ["lin"]);
}

/// Regions around the stores of [`sea`] near Shanghai.
fn regions() -> RegionMap {
    let ring = |west: f64, east: f64| {
        let corner = |lat: f64, lon: f64| Vertex { lat, lon };
        vec![vec![vec![
            corner(31.0, west),
            corner(31.0, east),
            corner(31.5, east),
            corner(31.5, west),
            corner(31.0, west),
        ]]]
    };
    let region = |code: &str, name: &str, level, parent: Option<&str>, west, east| Region {
        code: RegionCode::parse(code).unwrap(),
        name: name.into(),
        level,
        parent: parent.map(|it| RegionCode::parse(it).unwrap()),
        shape: Arc::new(Shape::from_rings(&ring(west, east), Datum::Wgs84).unwrap().0),
    };
    RegionMap::build(vec![
        region("310000", "上海市", Level::Province, None, 121.0, 122.0),
        region("310101", "黄浦区", Level::District, Some("310000"), 121.3, 121.45),
        region("310115", "浦东新区", Level::District, Some("310000"), 121.45, 121.6),
    ])
    .unwrap()
}

#[test]
fn groups_and_contacts_of_a_region_stand_in_their_order() {
    let code = |text: &str| RegionCode::parse(text).unwrap();
    let mut entries = Entries { regions: Arc::new(regions()), ..sea() };
    entries.groups = vec![
        group("brand", Owner::Campaign(CampaignSlug::default_slug()), 0),
        group("east", Owner::Region(code("310115")), 0),
        group("late", Owner::Region(code("310101")), 2),
        group("early", Owner::Region(code("310101")), 1),
        group("own", Owner::Store(id("s1")), 0),
    ];
    let catalog = Catalog::build(1, entries.clone()).unwrap();
    let names =
        |text: &str| catalog.region_groups(&code(text)).map(|(_, it)| it.id.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(
        (names("310101").as_str(), names("310115").as_str(), names("310000").as_str()),
        ("early late", "east", "")
    );
    let (place, early) = catalog.region_groups(&code("310101")).next().unwrap();
    assert_eq!(place, Joinable::Group(1));
    assert_eq!(catalog.group(1), Some(early));
    assert_eq!(catalog.region_contacts(&code("310101")).count(), 0);

    entries.groups.push(group("gone", Owner::Region(code("440100")), 0));
    let problems = Catalog::build(1, entries).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "unknown_region");
    assert_eq!(problems[0].message, "group gone belongs to region 440100, which is not on the map");
}

#[test]
fn the_regions_of_a_place_are_told_narrowest_first() {
    let catalog = Catalog::build(1, Entries { regions: Arc::new(regions()), ..sea() }).unwrap();
    let position = Position::from_datum(31.2, 121.4, Datum::Wgs84).unwrap();
    let told = |codes: Vec<&RegionCode>| codes.into_iter().map(RegionCode::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!(told(catalog.region_codes_at(position)), "310101 310000");
    let names = RegionNames { province: "上海".into(), district: "浦东新区".into(), ..RegionNames::default() };
    assert_eq!(told(catalog.region_codes_named(&names)), "310115 310000");
}

#[test]
fn a_join_code_is_found_by_the_address_of_its_picture() {
    let mut entries = sea();
    entries.groups.push(group("a", Owner::Store(id("s1")), 0));
    let catalog = Catalog::build(1, entries).unwrap();
    let address = JoinCodeId::of("https://work.weixin.qq.com/gm/a");
    // sha256sum of the link, its first ten bytes in base32.
    assert_eq!(address.to_string(), "xkubkznqekcitdia");
    assert_eq!(JoinCodeId::parse("XKUBKZNQEKCITDIA"), Some(address));
    assert_eq!(catalog.join_code(address).unwrap().link, link("a"));
    assert!(catalog.join_code(JoinCodeId::of("https://work.weixin.qq.com/gm/b")).is_none());
    for text in ["", "a", "xkubkznqekcitdi!", "xkubkznqekcitdiaa", "../../etc/passwd"] {
        assert_eq!(JoinCodeId::parse(text), None, "{text}");
    }
}

#[test]
fn a_named_place_is_the_middle_of_the_stores_there() {
    let catalog = Catalog::build(1, sea()).unwrap();
    let named = |province: &str, city: &str| {
        let names = RegionNames { province: province.into(), city: city.into(), ..RegionNames::default() };
        catalog.place_named(&names).cloned()
    };
    let shanghai = named("上海", "上海").unwrap();
    assert!(
        (shanghai.circle.middle.lat() - 31.2).abs() < 0.001 && (shanghai.circle.middle.lon() - 121.45).abs() < 0.001
    );
    assert!((shanghai.circle.radius_m - 10_000.0).abs() < 1e-6, "a city is at least ten kilometres wide");
    assert_eq!(&*shanghai.names.city, "上海市", "spelled as the chain spells it");
    assert!(named("上海市", "").is_some());
    assert_eq!(&*named("广东", "深圳").unwrap().names.city, "", "a city without stores falls back to its province");
    let fiji = named("", "TAVEUNI").unwrap();
    assert!(
        fiji.circle.middle.lon().abs() > 179.9,
        "the middle of stores on both sides of the antimeridian is between them"
    );
    let mut twins = sea();
    twins.stores.push(store("il", "Illinois", "Springfield", 39.8, -89.6));
    twins.stores.push(store("ma", "Massachusetts", "Springfield", 42.1, -72.6));
    twins.stores.push(store("j1", "吉林省", "吉林市", 43.8, 126.5));
    twins.stores.push(store("j2", "吉林省", "长春市", 43.9, 125.3));
    let twins = Catalog::build(1, twins).unwrap();
    let named_there = |province: &str, city: &str| {
        let wanted = RegionNames { province: province.into(), city: city.into(), ..RegionNames::default() };
        twins.place_named(&wanted).map(|it| (it.circle.middle.lon().round(), it.names.city.to_string()))
    };
    assert_eq!(named_there("Illinois", "Springfield"), Some((-90.0, "Springfield".to_owned())));
    assert_eq!(named_there("", "Springfield"), None, "nobody can tell which");
    assert_eq!(named_there("吉林", ""), Some((126.0, String::new())), "the province, not its namesake city");
    assert!(named("", "").is_none());
    assert!(named("四川", "成都").is_none());
}

#[test]
fn a_search_narrows_by_region_and_words_and_pages() {
    let mut entries = sea();
    entries.stores[0].status = StoreStatus::Paused;
    let catalog = Catalog::build(1, entries).unwrap();
    let found = |province, city, words, skip, limit| {
        let found = catalog.search(&StoreFilter::new(province, city, words), skip, limit);
        let ids = found.keys.iter().map(|key| catalog.store(*key).unwrap().id.to_string()).collect::<Vec<_>>();
        (found.total, ids)
    };
    assert_eq!(found(None, None, None, 0, 2), (4, vec!["f1".to_owned(), "f2".to_owned()]));
    assert_eq!(found(None, None, None, 2, 2), (4, vec!["g1".to_owned(), "s1".to_owned()]));
    assert_eq!(found(None, Some("上海"), None, 0, 9), (1, vec!["s1".to_owned()]));
    assert_eq!(found(Some("Northern"), None, Some("F2 road"), 0, 9), (1, vec!["f2".to_owned()]));
    assert_eq!(found(None, None, Some("nothing"), 0, 9).0, 0);
}

#[test]
fn a_merge_counts_and_keeps_what_the_sheet_does_not_name() {
    let mut entries = sea();
    entries.stores[1].hours = Some(OpeningHours::parse("08:00-20:00").unwrap());
    entries.stores[1].extra.insert("manager".into(), "lin".into());
    let columns = |column: &str| ["id", "name", "lat", "lng", "address", "province", "city"].contains(&column);
    let renamed = Store { name: "renamed".into(), ..store("s1", "上海市", "上海市", 31.2, 121.4) };
    let rows = vec![
        row(renamed, None),
        row(store("s2", "上海市", "上海市", 31.2, 121.5), None),
        row(store("new", "", "", 1.0, 1.0), Some("n")),
    ];
    let merged = Merge::new(entries.clone(), Mode::Merge, Some(&columns)).stores(rows.clone());
    assert_eq!((merged.created, merged.updated, merged.unchanged, merged.removed), (1, 1, 1, 0));
    assert_eq!(merged.entries.stores.len(), 6);
    let kept = merged.entries.stores.iter().find(|it| it.id == id("s1")).unwrap();
    assert_eq!((&*kept.name, kept.hours.is_some(), kept.extra.len()), ("renamed", true, 1));
    assert_eq!(merged.entries.groups[0].id.as_str(), "new.group");
    assert_eq!(&*merged.entries.groups[0].name, "new", "a group without a name bears its store's");

    let replaced = Merge::new(entries, Mode::Replace, Some(&columns)).stores(rows);
    assert_eq!((replaced.created, replaced.updated, replaced.unchanged, replaced.removed), (1, 1, 1, 3));
    let cleared = replaced.entries.stores.iter().find(|it| it.id == id("s1")).unwrap();
    assert_eq!((cleared.hours.is_some(), cleared.extra.len()), (false, 0));
}

#[test]
fn replacing_lets_go_of_the_groups_of_stores_that_went() {
    let mut entries = sea();
    entries.groups = vec![group("a", Owner::Store(id("g1")), 0), group("b", Owner::Store(id("s1")), 0)];
    let rows = vec![row(store("s1", "上海市", "上海市", 31.2, 121.4), None)];
    let merged = Merge::new(entries, Mode::Replace, None).stores(rows);
    assert_eq!(merged.entries.groups.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(merged.changes.contains(&Change::Group(GroupId::parse("a").unwrap())));
    Catalog::build(1, merged.entries).unwrap();
}

#[test]
fn a_sheet_changes_the_first_group_and_leaves_the_others() {
    let mut entries = sea();
    entries.groups = vec![group("first", Owner::Store(id("s1")), 0), group("second", Owner::Store(id("s1")), 1)];
    let rows = || vec![row(store("s1", "上海市", "上海市", 31.2, 121.4), Some("swapped"))];
    let merged = Merge::new(entries, Mode::Merge, None).stores(rows());
    assert_eq!((merged.updated, merged.changes.len()), (1, 1));
    assert_eq!(merged.entries.groups[0].code.link, link("swapped"));
    assert_eq!((&*merged.entries.groups[0].name, &*merged.entries.groups[1].name), ("first", "second"));
    let again = Merge::new(merged.entries, Mode::Merge, None).stores(rows());
    assert_eq!((again.updated, again.unchanged, again.changes.len()), (0, 1, 0));
}
