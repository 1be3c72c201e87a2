//! Every rung of the ladder, by what storage says of the seats.

use std::sync::Arc;

use super::*;
use crate::campaign::{Fallbacks, OpenStores, Route};
use crate::geo::Shape;
use crate::geo::polygon::Vertex;
use crate::id::RegionCode;
use crate::region::{Level, Region, RegionMap};
use crate::store::OpeningHours;

fn contact(store: &str, id: &str) -> Contact {
    Contact {
        id: ContactId::parse(id).unwrap(),
        owner: of(store),
        name: id.into(),
        code: code(id, None),
        order: 0,
        wecom: None,
    }
}

/// The three stores with a second group of a, a contact of a, and a group of the campaign.
fn ladder() -> Entries {
    let mut entries = three();
    entries.groups.push(GroupChat { order: 1, ..group(of("a"), "a2", None) });
    entries.contacts.push(contact("a", "lin"));
    entries.groups.push(group(Owner::Campaign(CampaignSlug::default_slug()), "brand", None));
    entries
}

/// The decision for a visitor whose seat is in the group of this name; none: in no group.
fn seated(entries: Entries, campaign: &Campaign, route: Route, seat: Option<&str>) -> (Catalog, Decision) {
    let catalog = Catalog::build(1, entries).unwrap();
    let place = |id: &str| catalog.groups().iter().position(|it| it.id.as_str() == id).unwrap();
    let room = seat.map_or(Room::Nowhere, |it| Room::In(u32::try_from(place(it)).unwrap()));
    let (fix, policy) = (gps(10.0), Policy::default());
    let case = Case { fix: &fix, catalog: &catalog, campaign, policy: &policy, now: NOW };
    let decision = decide_for(Wish { route, room }, &case);
    (catalog, decision)
}

fn listed_steps(entries: Entries, campaign: &Campaign, route: Route, extent: Extent) -> Vec<String> {
    let catalog = Catalog::build(1, entries).unwrap();
    let (fix, policy) = (gps(10.0), Policy::default());
    let case = Case { fix: &fix, catalog: &catalog, campaign, policy: &policy, now: NOW };
    let decision = decide_for(Wish { route, room: Room::Unasked }, &case);
    let told = |it: Step| {
        let ids: Vec<_> = match &it.offer {
            Offer::Groups(groups) => groups.iter().map(|it| catalog.group(*it).unwrap().id.to_string()).collect(),
            Offer::Contact(place) => vec![catalog.contact(*place).unwrap().id.to_string()],
        };
        format!("{}: {}", it.rung.map_or("own", Rung::as_str), ids.join(" "))
    };
    steps(extent, route, &decision, &case).into_iter().map(told).collect()
}

#[test]
fn every_rung_is_walked_in_order() {
    let plain = Campaign::plain();
    let walked = |seat| {
        let (catalog, it) = seated(ladder(), &plain, Route::Group, seat);
        (shown(&catalog, &it).unwrap(), joined(&catalog, &it).unwrap(), it.fallback)
    };
    let expected = |store: &str, join: &str, fallback| (store.to_owned(), join.to_owned(), fallback);
    assert_eq!(walked(Some("a2")), expected("a", "a2", None));
    assert_eq!(walked(Some("b")), expected("b", "b", Some(down(Rung::NextStore, Reason::Full))));
    assert_eq!(walked(Some("c")), expected("c", "c", Some(down(Rung::NextStore, Reason::Full))));
    assert_eq!(walked(None), expected("a", "lin", Some(down(Rung::Contact, Reason::Full))));
    let mut entries = ladder();
    entries.contacts.clear();
    let (catalog, it) = seated(entries.clone(), &plain, Route::Group, Some("brand"));
    assert_eq!((shown(&catalog, &it).unwrap(), joined(&catalog, &it).unwrap()), ("a".to_owned(), "brand".to_owned()));
    assert_eq!(it.fallback, Some(down(Rung::Campaign, Reason::Full)));
    let expected = [("a", "chosen"), ("b", "full"), ("c", "full")];
    assert_eq!(verdicts(&catalog, &it), expected.map(|(id, verdict)| (id.to_owned(), verdict)));
    let (catalog, it) = seated(entries, &plain, Route::Group, None);
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), it.join, it.fallback), ("a", None, None));
}

#[test]
fn the_steps_are_those_that_are_walked() {
    let plain = Campaign::plain();
    let all = listed_steps(ladder(), &plain, Route::Group, Extent::Whole);
    assert_eq!(all, ["own: a a2", "next_store: b", "next_store: c", "contact: lin", "campaign: brand"]);
    assert_eq!(listed_steps(ladder(), &plain, Route::Group, Extent::First), ["own: a a2"]);
    let all = listed_steps(ladder(), &plain, Route::Contact, Extent::Whole);
    assert_eq!(all, ["own: lin", "group: a a2", "next_store: b", "next_store: c", "campaign: brand"]);
    let mut entries = ladder();
    entries.groups.retain(|it| it.owner != of("a"));
    let all = listed_steps(entries, &plain, Route::Group, Extent::First);
    assert_eq!(all, ["next_store: b", "next_store: c", "contact: lin", "campaign: brand"], "there is no first one");
}

#[test]
fn a_closed_store_gives_way_to_an_open_one_with_a_seat_and_to_none_without() {
    let mut entries = ladder();
    // It is eight in the morning in Shanghai.
    entries.stores[0].hours = Some(OpeningHours::parse("18:00-22:00").unwrap());
    let campaign = Campaign { open_stores: OpenStores::Require, ..Campaign::plain() };
    let all = listed_steps(entries.clone(), &campaign, Route::Group, Extent::First);
    assert_eq!(all, ["next_store: b", "next_store: c", "own: a a2", "contact: lin", "campaign: brand"]);
    let walked = |seat| {
        let (catalog, it) = seated(entries.clone(), &campaign, Route::Group, seat);
        (shown(&catalog, &it).unwrap(), joined(&catalog, &it).unwrap(), it.fallback)
    };
    let expected = |store: &str, join: &str, fallback| (store.to_owned(), join.to_owned(), fallback);
    assert_eq!(walked(Some("b")), expected("b", "b", Some(down(Rung::NextStore, Reason::Closed))));
    assert_eq!(walked(Some("a2")), expected("a", "a2", None));
    assert_eq!(walked(None), expected("a", "lin", Some(down(Rung::Contact, Reason::Full))));
}

#[test]
fn a_campaign_does_without_the_rungs_that_it_does_not_name() {
    let only = |rungs: &[Rung]| Campaign { fallbacks: Fallbacks::only(rungs.to_vec()), ..Campaign::plain() };
    let steps = |rungs| listed_steps(ladder(), &only(rungs), Route::Group, Extent::Whole);
    assert_eq!(steps(&[]), ["own: a a2"]);
    assert_eq!(steps(&[Rung::Campaign, Rung::Contact]), ["own: a a2", "contact: lin", "campaign: brand"]);
    let (catalog, it) = seated(ladder(), &only(&[Rung::Campaign]), Route::Group, Some("brand"));
    assert_eq!(
        (joined(&catalog, &it).unwrap().as_str(), it.fallback),
        ("brand", Some(down(Rung::Campaign, Reason::Full)))
    );
    let (_, it) = seated(ladder(), &only(&[]), Route::Group, None);
    assert_eq!((it.store.is_some(), it.join), (true, None));
}

#[test]
fn on_the_other_route_the_contact_comes_first_and_the_group_stands_in() {
    let plain = Campaign::plain();
    let (catalog, it) = seated(ladder(), &plain, Route::Contact, Some("a"));
    assert_eq!((joined(&catalog, &it).unwrap().as_str(), it.fallback, it.has_other_route), ("lin", None, true));
    let (_, it) = seated(ladder(), &plain, Route::Contact, None);
    assert!(!it.has_other_route, "its groups are full");
    let mut entries = ladder();
    entries.contacts[0].code.expires_at = Some(NOW);
    let (catalog, it) = seated(entries, &plain, Route::Contact, Some("a2"));
    assert_eq!(joined(&catalog, &it).unwrap(), "a2");
    assert_eq!((it.fallback, it.has_other_route), (Some(down(Rung::Group, Reason::Expired)), false));
}

#[test]
fn the_groups_of_the_region_stand_before_the_campaigns() {
    let corner = |lat: f64, lon: f64| Vertex { lat, lon };
    let ring = [(30.0, 120.0), (30.0, 122.0), (32.0, 122.0), (32.0, 120.0), (30.0, 120.0)].map(|it| corner(it.0, it.1));
    let shanghai = Region {
        code: RegionCode::parse("310000").unwrap(),
        name: "上海市".into(),
        level: Level::Province,
        parent: None,
        shape: Arc::new(Shape::from_rings(&[vec![ring.to_vec()]], Datum::Wgs84).unwrap().0),
    };
    let mut entries = ladder();
    entries.contacts.clear();
    entries.regions = Arc::new(RegionMap::build(vec![shanghai]).unwrap());
    entries.groups.push(group(Owner::Region(RegionCode::parse("310000").unwrap()), "shanghai", None));
    let plain = Campaign::plain();
    let all = listed_steps(entries.clone(), &plain, Route::Group, Extent::Whole);
    assert_eq!(all, ["own: a a2", "next_store: b", "next_store: c", "region: shanghai", "campaign: brand"]);
    let (catalog, it) = seated(entries.clone(), &plain, Route::Group, Some("shanghai"));
    assert_eq!((shown(&catalog, &it).unwrap().as_str(), joined(&catalog, &it).unwrap().as_str()), ("a", "shanghai"));
    assert_eq!(it.fallback, Some(down(Rung::Region, Reason::Full)));
    // Without a store in reach too.
    let fix = Fix::Gps { position: at(31.9, 120.1), accuracy_m: Some(10.0) };
    let (catalog, it) = decision(entries, &fix);
    assert_eq!((it.outcome, joined(&catalog, &it).unwrap().as_str()), (Outcome::OutOfReach, "shanghai"));
    assert_eq!(it.fallback, Some(down(Rung::Region, Reason::OutOfReach)));
}
