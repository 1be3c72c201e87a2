mod ladder;

use proptest::prelude::*;

use super::*;
use crate::campaign::Campaign;
use crate::catalog::{Catalog, Entries, Joinable};
use crate::geo::{Circle, Datum, Position, distance_m};
use crate::group::{CAPACITY_DEFAULT, Contact, GroupChat, GroupStatus, JoinCode, JoinLink, Owner};
use crate::id::{CampaignSlug, ContactId, GroupId, StoreId};
use crate::region::{RegionNames, RegionSource};
use crate::store::{Store, StoreStatus};
use crate::time::Timestamp;
use crate::visitor::{Fix, FixSource};

const NOW: Timestamp = Timestamp::EPOCH;

pub(super) fn at(lat: f64, lon: f64) -> Position {
    Position::from_datum(lat, lon, Datum::Wgs84).unwrap()
}

pub(super) fn store(id: &str, lat: f64, lon: f64) -> Store {
    let (province, city, district) = ("上海市".into(), "上海市".into(), "黄浦区".into());
    Store { province, city, district, ..Store::sample(id, lat, lon) }
}

fn code(id: &str, expires_ms: Option<i64>) -> JoinCode {
    let link = format!("https://work.weixin.qq.com/gm/{id}");
    let expires_at = expires_ms.map(Timestamp::from_unix_ms);
    JoinCode { link: JoinLink::parse(&link, &["work.weixin.qq.com"]).unwrap(), expires_at }
}

pub(super) fn group(owner: Owner, id: &str, expires_ms: Option<i64>) -> GroupChat {
    GroupChat {
        id: GroupId::parse(id).unwrap(),
        owner,
        name: id.into(),
        code: code(id, expires_ms),
        capacity: CAPACITY_DEFAULT,
        status: GroupStatus::Active,
        order: 0,
        wecom: None,
    }
}

pub(super) fn of(store: &str) -> Owner {
    Owner::Store(StoreId::parse(store).unwrap())
}

/// Stores a, b, c on a line to the east of (31, 121): 1 km, 3 km and 10 km away. Each has a group.
pub(super) fn three() -> Entries {
    let metre = 1.0 / 95_506.0;
    let stores = [("a", 1_000.0), ("b", 3_000.0), ("c", 10_000.0)];
    Entries {
        stores: stores.iter().map(|(id, east)| store(id, 31.0, 121.0 + east * metre)).collect(),
        groups: stores.iter().map(|(id, _)| group(of(id), id, None)).collect(),
        ..Entries::default()
    }
}

fn decision(entries: Entries, fix: &Fix) -> (Catalog, Decision) {
    let catalog = Catalog::build(1, entries).unwrap();
    let decision = decide(fix, &catalog, &Campaign::plain(), &Policy::default(), NOW);
    (catalog, decision)
}

fn gps(accuracy_m: f64) -> Fix {
    Fix::Gps { position: at(31.0, 121.0), accuracy_m: Some(accuracy_m) }
}

pub(super) fn shown(catalog: &Catalog, decision: &Decision) -> Option<String> {
    decision.store.and_then(|it| catalog.store(it.store)).map(|it| it.id.to_string())
}

pub(super) fn joined(catalog: &Catalog, decision: &Decision) -> Option<String> {
    match decision.join? {
        Joinable::Group(place) => catalog.group(place).map(|it| it.id.to_string()),
        Joinable::Contact(place) => catalog.contact(place).map(|it| it.id.to_string()),
    }
}

pub(super) fn verdicts(catalog: &Catalog, decision: &Decision) -> Vec<(String, &'static str)> {
    let name = |key| catalog.store(key).unwrap().id.to_string();
    decision.considered.iter().map(|it| (name(it.store), it.verdict.as_str())).collect()
}

pub(super) fn listed(catalog: &Catalog, decision: &Decision) -> Vec<String> {
    decision.alternatives.iter().map(|it| catalog.store(it.store).unwrap().id.to_string()).collect()
}

fn down(rung: Rung, reason: Reason) -> Fallback {
    Fallback { rung, reason }
}

#[test]
fn a_measured_position_routes_to_the_nearest_store() {
    let (catalog, it) = decision(three(), &gps(35.0));
    assert_eq!((it.outcome, it.source, it.fallback), (Outcome::Routed, FixSource::Gps, None));
    assert_eq!(shown(&catalog, &it).unwrap(), "a");
    assert_eq!(joined(&catalog, &it).unwrap(), "a");
    assert!((it.store.unwrap().distance_m.unwrap() - 1_000.0).abs() < 1.0);
    assert_eq!(listed(&catalog, &it), ["b", "c"]);
    assert_eq!((&*it.region.district, it.region_source), ("黄浦区", RegionSource::Store));
    let expected = [("a", "chosen"), ("b", "farther"), ("c", "farther")];
    assert_eq!(verdicts(&catalog, &it), expected.map(|(id, verdict)| (id.to_owned(), verdict)));
}

#[test]
fn a_circle_that_does_not_separate_the_stores_lets_the_customer_choose() {
    // The perpendicular bisector of a and b is 2 km away: 1.9 km cannot reach behind it, 2.1 km can.
    let (catalog, it) = decision(three(), &gps(1_900.0));
    assert_eq!((it.outcome, shown(&catalog, &it).unwrap().as_str()), (Outcome::Routed, "a"));
    let (catalog, it) = decision(three(), &gps(2_100.0));
    assert_eq!(it.outcome, Outcome::Choose);
    assert_eq!(shown(&catalog, &it).unwrap(), "a", "of two, the nearest is a defensible guess");
    assert_eq!(listed(&catalog, &it), ["b", "c"]);
}

#[test]
fn among_many_possible_stores_there_is_no_guess() {
    let stores: Vec<_> = (0..6).map(|it| store(&format!("s{it}"), 31.0, 121.0 + f64::from(it) * 0.001)).collect();
    let entries = Entries { stores, ..Entries::default() };
    let (catalog, it) = decision(entries, &gps(3_000.0));
    assert_eq!((it.outcome, it.store, it.join), (Outcome::Choose, None, None));
    assert_eq!(listed(&catalog, &it), ["s0", "s1", "s2", "s3", "s4"]);
    assert!(verdicts(&catalog, &it).iter().all(|(_, verdict)| *verdict == "possible"));
}

#[test]
fn an_ip_place_never_routes_by_itself() {
    let circle = Circle { middle: at(31.0, 121.0), radius_m: 20_000.0 };
    let names = RegionNames { province: "上海市".into(), ..RegionNames::default() };
    let fix = Fix::Ip { circle: Some(circle), names };
    let (catalog, it) = decision(three(), &fix);
    assert_eq!((it.outcome, it.store), (Outcome::Choose, None));
    assert_eq!(listed(&catalog, &it), ["a", "b", "c"]);
    assert_eq!((&*it.region.province, it.region_source), ("上海市", RegionSource::Ip));
}

#[test]
fn the_only_store_of_an_ip_place_is_its_guess() {
    let circle = Circle { middle: at(31.0, 121.0), radius_m: 10_000.0 };
    let fix = Fix::Ip { circle: Some(circle), names: RegionNames::default() };
    let entries = Entries {
        stores: vec![store("a", 31.0, 121.0)],
        groups: vec![group(of("a"), "a", None)],
        ..Entries::default()
    };
    let (catalog, it) = decision(entries, &fix);
    assert_eq!((it.outcome, shown(&catalog, &it).unwrap().as_str()), (Outcome::Choose, "a"));
}

#[test]
fn beyond_reach_the_campaign_still_shows_its_own_group() {
    let mut entries = three();
    entries.groups.push(group(Owner::Campaign(CampaignSlug::default_slug()), "brand", None));
    let fix = Fix::Gps { position: at(32.0, 121.0), accuracy_m: Some(10.0) };
    let (catalog, it) = decision(entries, &fix);
    assert_eq!((it.outcome, it.store), (Outcome::OutOfReach, None));
    assert_eq!(joined(&catalog, &it).unwrap(), "brand");
    assert_eq!(it.fallback, Some(down(Rung::Campaign, Reason::OutOfReach)));
    assert_eq!(listed(&catalog, &it), ["a", "b", "c"], "the list says where the chain is");
    assert!(verdicts(&catalog, &it).iter().all(|(_, verdict)| *verdict == "beyond_reach"));
}

#[test]
fn a_circle_that_only_may_lie_in_reach_does_not_route() {
    let from =
        |kilometres: f64| Fix::Gps { position: at(31.0 + kilometres / 110.9, 121.0), accuracy_m: Some(15_000.0) };
    let entries = Entries { stores: vec![store("a", 31.0, 121.0)], ..Entries::default() };
    // Reach is 50 km. At 30 km the whole circle is in reach, at 40 km most of it, at 60 km a part, at 70 km nothing.
    let outcome = |kilometres| {
        let (_, it) = decision(entries.clone(), &from(kilometres));
        (it.outcome, it.store.is_some(), it.alternatives.len())
    };
    assert_eq!(outcome(30.0), (Outcome::Routed, true, 0));
    assert_eq!(outcome(40.0), (Outcome::Choose, true, 0));
    assert_eq!(outcome(60.0), (Outcome::Choose, false, 1));
    assert_eq!(outcome(70.0), (Outcome::OutOfReach, false, 1));
}

#[test]
fn any_number_of_stores_that_take_nobody_hides_none_that_does() {
    let mut entries = Entries::default();
    for number in 0..60 {
        let mut it = store(&format!("p{number:02}"), 31.0, 121.0 + f64::from(number) * 0.0001);
        it.status = StoreStatus::Paused;
        entries.stores.push(it);
        entries.stores.push(store(&format!("q{number:02}"), 31.01, 121.0 + f64::from(number) * 0.0001));
    }
    entries.stores.push(store("z", 31.02, 121.0));
    entries.groups.push(group(of("z"), "z", None));
    let (catalog, it) = decision(entries, &gps(10.0));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), joined(&catalog, &it).unwrap().as_str()), ("z", "z"));
    assert_eq!(it.fallback, Some(down(Rung::NextStore, Reason::NoJoinCode)));
    assert_eq!(it.considered.iter().filter(|it| it.verdict == Verdict::Paused).count(), 10);
}

#[test]
fn the_region_is_the_visitors_and_not_that_of_the_store_that_stands_in() {
    let mut entries = three();
    entries.stores[1].city = "苏州市".into();
    entries.groups.retain(|it| it.owner != of("a"));
    let (catalog, it) = decision(entries, &gps(10.0));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), &*it.region.city), ("b", "上海市"));
}

#[test]
fn possible_stores_give_the_region_that_they_have_in_common() {
    let mut entries = Entries::default();
    for number in 0..6 {
        let mut it = store(&format!("s{number}"), 31.0, 121.0 + f64::from(number) * 0.001);
        it.district = format!("district {}", number % 2).into();
        entries.stores.push(it);
    }
    let (_, it) = decision(entries, &gps(3_000.0));
    assert_eq!((&*it.region.province, &*it.region.city, &*it.region.district), ("上海市", "上海市", ""));
}

#[test]
fn nobody_knows_and_an_empty_catalog_still_answer() {
    let (_, it) = decision(three(), &Fix::Nowhere);
    assert_eq!((it.outcome, it.source, it.store, it.join), (Outcome::UnknownPlace, FixSource::None, None, None));
    let (_, it) = decision(Entries::default(), &gps(10.0));
    assert_eq!((it.outcome, it.store, it.join), (Outcome::OutOfReach, None, None));
}

#[test]
fn a_store_without_a_usable_code_gives_way_to_the_next_in_reach() {
    for (change, reason) in [(0, Reason::NoJoinCode), (1, Reason::Expired), (2, Reason::Paused)] {
        let mut entries = three();
        match change {
            0 => entries.groups.retain(|it| it.owner != of("a")),
            1 => entries.groups[0].code.expires_at = Some(NOW),
            _ => entries.groups[0].status = GroupStatus::Paused,
        }
        let (catalog, it) = decision(entries, &gps(10.0));
        assert_eq!((it.outcome, it.fallback), (Outcome::Routed, Some(down(Rung::NextStore, reason))));
        assert_eq!(shown(&catalog, &it).unwrap(), "b");
        assert_eq!(catalog.store(it.wanted.unwrap()).unwrap().id.as_str(), "a");
        assert_eq!(listed(&catalog, &it), ["c"], "a has nothing to offer");
        let expected = [("a", "no_join_code"), ("b", "chosen"), ("c", "farther")];
        assert_eq!(verdicts(&catalog, &it), expected.map(|(id, verdict)| (id.to_owned(), verdict)));
    }
}

#[test]
fn without_any_group_in_reach_the_contact_comes_and_then_the_campaign() {
    let mut entries = three();
    entries.groups.clear();
    entries.contacts.push(Contact {
        id: ContactId::parse("lin").unwrap(),
        owner: of("a"),
        name: "lin".into(),
        code: code("lin", None),
        order: 0,
        wecom: None,
    });
    entries.groups.push(group(Owner::Campaign(CampaignSlug::default_slug()), "brand", None));
    let (catalog, it) = decision(entries.clone(), &gps(10.0));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), joined(&catalog, &it).unwrap().as_str()), ("a", "lin"));
    assert_eq!(it.fallback, Some(down(Rung::Contact, Reason::NoJoinCode)));
    entries.contacts.clear();
    let (catalog, it) = decision(entries.clone(), &gps(10.0));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), joined(&catalog, &it).unwrap().as_str()), ("a", "brand"));
    assert_eq!(it.fallback, Some(down(Rung::Campaign, Reason::NoJoinCode)));
    entries.groups.clear();
    let (catalog, it) = decision(entries, &gps(10.0));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), it.join, it.fallback), ("a", None, None));
}

#[test]
fn paused_and_closed_stores_are_passed_over_and_explained() {
    let mut entries = three();
    entries.stores[0].status = StoreStatus::Paused;
    entries.stores[1].status = StoreStatus::Closed;
    let (catalog, it) = decision(entries, &gps(10.0));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), it.fallback), ("c", None));
    let expected = [("a", "paused"), ("b", "closed"), ("c", "chosen")];
    assert_eq!(verdicts(&catalog, &it), expected.map(|(id, verdict)| (id.to_owned(), verdict)));
}

#[test]
fn the_customers_choice_wins_and_a_chosen_paused_store_names_the_next() {
    let chosen = Fix::Chosen(StoreId::parse("c").unwrap());
    let (catalog, it) = decision(three(), &chosen);
    assert_eq!((it.outcome, it.source), (Outcome::Routed, FixSource::Chosen));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), it.store.unwrap().distance_m), ("c", None));
    assert_eq!(listed(&catalog, &it), ["b", "a"]);
    let mut entries = three();
    entries.stores[2].status = StoreStatus::Paused;
    let (catalog, it) = decision(entries, &chosen);
    assert_eq!(
        (shown(&catalog, &it).unwrap().as_str(), it.fallback),
        ("b", Some(down(Rung::NextStore, Reason::Paused)))
    );
}

#[test]
fn a_chosen_store_among_others_at_one_place_is_the_one_chosen() {
    let stores = ["a", "b", "c"].map(|id| store(id, 31.0, 121.0)).to_vec();
    let groups = ["a", "b", "c"].map(|id| group(of(id), id, None)).to_vec();
    let entries = Entries { stores, groups, ..Entries::default() };
    let (catalog, it) = decision(entries, &Fix::Chosen(StoreId::parse("b").unwrap()));
    assert_eq!(shown(&catalog, &it).unwrap(), "b");
    assert_eq!(listed(&catalog, &it), ["a", "c"]);
}

proptest! {
    #[test]
    fn the_store_shown_is_in_reach_and_none_nearer_qualifies(
        places in prop::collection::vec((30.9_f64..31.1, 120.9_f64..121.1, 0_u8..4), 1..40),
        lat in 30.8_f64..31.2,
        lon in 120.8_f64..121.2,
    ) {
        let mut entries = Entries::default();
        for (number, (lat, lon, kind)) in places.iter().enumerate() {
            let id = format!("s{number:02}");
            let mut it = store(&id, *lat, *lon);
            it.status = if *kind == 3 { StoreStatus::Paused } else { StoreStatus::Active };
            entries.stores.push(it);
            if *kind == 0 || *kind == 3 {
                entries.groups.push(group(of(&id), &id, None));
            }
        }
        let campaign = Campaign { reach_m: Some(15_000.0), ..Campaign::plain() };
        let catalog = Catalog::build(1, entries).unwrap();
        let from = at(lat, lon);
        let fix = Fix::Gps { position: from, accuracy_m: Some(20.0) };
        let it = decide(&fix, &catalog, &campaign, &Policy::default(), NOW);
        // The answer by measuring every store.
        let mut measured: Vec<(f64, usize)> = places.iter().enumerate()
            .filter(|(_, (_, _, kind))| *kind != 3)
            .map(|(number, (lat, lon, _))| (distance_m(from, at(*lat, *lon)), number))
            .filter(|(distance, _)| *distance <= 15_000.0 + 20.0)
            .collect();
        measured.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let with_group = measured.iter().find(|(_, number)| places[*number].2 == 0);
        let expected = with_group.or(measured.first()).map(|(_, number)| format!("s{number:02}"));
        prop_assert_eq!(shown(&catalog, &it), expected);
        prop_assert_eq!(it.outcome == Outcome::OutOfReach, measured.is_empty());
        prop_assert!(it.considered.is_sorted_by(|a, b| a.distance_m <= b.distance_m));
        let chosen = it.considered.iter().filter(|it| it.verdict == Verdict::Chosen).count();
        prop_assert_eq!(chosen, usize::from(with_group.is_some()));
    }
}
