//! What a campaign that prefers or requires open stores makes of a decision whose store is closed at the hour.
//!
//! Never a dead end: where no open store qualifies, the closed one keeps its place, and the page says that it is closed.

use super::decide::Context;
use super::decision::{Candidate, Decision, Outcome, Verdict};
use super::ladder::{Fallback, Reason};
use crate::campaign::{OpenStores, Rung};
use crate::visitor::Fix;

/// Decides again without the stores that are closed at the hour, if the first decision leads to one of them and the campaign
/// asks for open ones. What the customer has chosen stands.
pub(super) fn before_closed(context: &Context<'_>, fix: &Fix, first: Decision) -> Decision {
    let rule = context.campaign.open_stores;
    if rule == OpenStores::Ignore || matches!(fix, Fix::Chosen(_)) {
        return first;
    }
    let zone = &context.policy.zone;
    let is_closed = |key: u32| context.catalog.is_open(key, context.ladder.now, zone) == Some(false);
    let possible = first.considered.iter().filter(|it| it.verdict == Verdict::Possible).map(|it| it.store);
    let mut leads_to = first.wanted.into_iter().chain(first.store.map(|it| it.store)).chain(possible);
    if !leads_to.any(is_closed) {
        return first;
    }
    let open = Context { stores: context.stores.open_at(context.ladder.now, zone), ..*context };
    let second = open.at(fix);
    let detour_m = match rule {
        OpenStores::Require | OpenStores::Ignore => f64::INFINITY,
        OpenStores::Prefer => context.policy.prefer_open_detour_m,
    };
    if is_better(&first, &second, detour_m) {
        told(&first, second, is_closed, context.policy.alternatives_max)
    } else {
        first
    }
}

/// Whether an open store answers the visit as well as the closed one does, and lies not much farther away.
fn is_better(closed: &Decision, open: &Decision, detour_m: f64) -> bool {
    // An open store that has nothing to show is a dead end where the closed one has its contact.
    if open.join.is_none() && closed.join.is_some() {
        return false;
    }
    let own_group = |it: &Decision| {
        it.join.is_some() && it.fallback.is_none_or(|it| matches!(it.rung, Rung::Group | Rung::NextStore))
    };
    let distance = |it: &Decision| {
        let shown = it.store.map(|it| it.store);
        it.considered.iter().find(|it| Some(it.store) == shown).map(|it| it.distance_m)
    };
    let nearest = closed.considered.iter().map(|it| it.distance_m).reduce(f64::min);
    match (distance(open), nearest) {
        (Some(open_m), Some(nearest_m)) => open_m - nearest_m <= detour_m && (own_group(open) || !own_group(closed)),
        // Nothing is shown in either case: the list to choose from holds what is open.
        _ => closed.store.is_none() && open.outcome == Outcome::Choose,
    }
}

/// The second decision, with what the first one knows of the closed stores that were passed over.
fn told(first: &Decision, mut second: Decision, is_closed: impl Fn(u32) -> bool, alternatives_max: usize) -> Decision {
    second.is_of_open_stores = true;
    let passed = first.considered.iter().filter(|it| is_closed(it.store));
    let is_seen = |key: u32| second.considered.iter().any(|it| it.store == key);
    let passed: Vec<Candidate> = passed.filter(|it| !is_seen(it.store)).copied().collect();
    second.considered.extend(passed.into_iter().map(|it| Candidate { verdict: Verdict::ClosedNow, ..it }));
    let nearest = first.wanted.or(first.store.map(|it| it.store)).filter(|it| is_closed(*it));
    if second.fallback.is_none() && second.store.is_some() && nearest.is_some() {
        second.fallback = Some(Fallback { rung: Rung::NextStore, reason: Reason::Closed });
        second.wanted = nearest;
    }
    // The closed store is still there to be chosen.
    if let Some(pick) = first.store.filter(|it| is_closed(it.store))
        && pick.distance_m.is_some()
        && alternatives_max > 0
        && first.fallback.is_none_or(|it| it.rung == Rung::NextStore)
    {
        second.alternatives.truncate(alternatives_max - 1);
        second.alternatives.insert(0, pick);
        second
            .alternatives
            .sort_by(|a, b| a.distance_m.partial_cmp(&b.distance_m).unwrap_or(std::cmp::Ordering::Equal));
    }
    second
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Campaign, StoreSelection};
    use crate::catalog::{Catalog, Entries};
    use crate::id::StoreId;
    use crate::routing::tests::{at, group, joined, listed, of, shown, store, three, verdicts};
    use crate::routing::{Policy, decide};
    use crate::store::{Closures, OpeningHours};
    use crate::time::Timestamp;

    /// Stores a, b, c 1, 3 and 10 km away, and which of them are closed at noon in Shanghai.
    fn with_closed(closed: &[&str]) -> Entries {
        let mut entries = three();
        for it in &mut entries.stores {
            let hours = if closed.contains(&it.id.as_str()) { "18:00-22:00" } else { "08:00-22:00" };
            it.hours = Some(OpeningHours::parse(hours).unwrap());
        }
        entries
    }

    fn decided(entries: Entries, rule: OpenStores, fix: &Fix) -> (Catalog, Decision) {
        let now = Timestamp::parse_rfc3339("2026-07-15T12:00:00+08:00").unwrap();
        let campaign = Campaign { open_stores: rule, ..Campaign::plain() };
        let catalog = Catalog::build(1, Entries { campaigns: vec![campaign.clone()], ..entries }).unwrap();
        let decision = decide(fix, &catalog, &campaign, &Policy::default(), now);
        (catalog, decision)
    }

    fn here() -> Fix {
        Fix::Gps { position: at(31.0, 121.0), accuracy_m: Some(10.0) }
    }

    const CLOSED: Option<Fallback> = Some(Fallback { rung: Rung::NextStore, reason: Reason::Closed });

    fn named(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        expected.iter().map(|(id, verdict)| ((*id).to_owned(), *verdict)).collect()
    }

    #[test]
    fn an_open_store_comes_before_a_closed_one_that_is_little_nearer() {
        for rule in [OpenStores::Prefer, OpenStores::Require] {
            let (catalog, it) = decided(with_closed(&["a"]), rule, &here());
            assert_eq!((shown(&catalog, &it).as_deref(), it.fallback), (Some("b"), CLOSED));
            assert_eq!(catalog.store(it.wanted.unwrap()).unwrap().id.as_str(), "a");
            assert_eq!(verdicts(&catalog, &it), named(&[("a", "closed_now"), ("b", "chosen"), ("c", "farther")]));
            assert_eq!(listed(&catalog, &it), ["a", "c"], "the closed one can still be chosen");
        }
        let (catalog, it) = decided(with_closed(&["a"]), OpenStores::Ignore, &here());
        assert_eq!((shown(&catalog, &it).as_deref(), it.fallback), (Some("a"), None));
    }

    #[test]
    fn a_detour_that_is_too_long_is_only_taken_where_open_stores_are_required() {
        let (catalog, it) = decided(with_closed(&["a", "b"]), OpenStores::Prefer, &here());
        assert_eq!((shown(&catalog, &it).as_deref(), it.fallback), (Some("a"), None));
        let (catalog, it) = decided(with_closed(&["a", "b"]), OpenStores::Require, &here());
        assert_eq!((shown(&catalog, &it).as_deref(), it.fallback), (Some("c"), CLOSED));
        assert_eq!(verdicts(&catalog, &it), named(&[("a", "closed_now"), ("b", "closed_now"), ("c", "chosen")]));
    }

    #[test]
    fn where_all_are_closed_the_nearest_still_offers_its_group() {
        for rule in [OpenStores::Prefer, OpenStores::Require] {
            let (catalog, it) = decided(with_closed(&["a", "b", "c"]), rule, &here());
            assert_eq!((it.outcome, shown(&catalog, &it).as_deref()), (Outcome::Routed, Some("a")));
            assert_eq!((joined(&catalog, &it).as_deref(), it.fallback), (Some("a"), None));
        }
    }

    #[test]
    fn a_day_of_closure_closes_a_store_whose_hours_are_unknown() {
        let mut entries = three();
        entries.stores[0].closures = Closures::parse("2026-07-15").unwrap();
        let (catalog, it) = decided(entries.clone(), OpenStores::Require, &here());
        assert_eq!(shown(&catalog, &it).as_deref(), Some("b"), "of which the hours are unknown too");
        entries.stores[0].closures = Closures::parse("2026-07-16").unwrap();
        let (catalog, it) = decided(entries, OpenStores::Require, &here());
        assert_eq!(shown(&catalog, &it).as_deref(), Some("a"));
    }

    #[test]
    fn an_open_store_without_a_group_is_no_better_than_a_closed_one_with_one() {
        let mut entries = with_closed(&["a"]);
        entries.groups.retain(|it| it.owner == of("a"));
        let (catalog, it) = decided(entries, OpenStores::Require, &here());
        assert_eq!((shown(&catalog, &it).as_deref(), joined(&catalog, &it).as_deref()), (Some("a"), Some("a")));
    }

    #[test]
    fn what_the_customer_chose_stands_and_the_store_of_last_time_does_not() {
        let id = StoreId::parse("a").unwrap();
        let (catalog, it) = decided(with_closed(&["a"]), OpenStores::Require, &Fix::Chosen(id.clone()));
        assert_eq!((shown(&catalog, &it).as_deref(), it.fallback), (Some("a"), None));
        let (catalog, it) = decided(with_closed(&["a"]), OpenStores::Require, &Fix::Previous(id));
        assert_eq!((shown(&catalog, &it).as_deref(), it.fallback), (Some("b"), CLOSED));
    }

    #[test]
    fn any_number_of_closed_stores_hides_no_open_one() {
        let mut entries = Entries::default();
        for number in 0..200 {
            let id = format!("s{number:03}");
            let mut it = store(&id, 31.0, 121.0 + f64::from(number) * 0.0001);
            it.hours = Some(OpeningHours::parse(if number == 199 { "08:00-22:00" } else { "18:00-22:00" }).unwrap());
            entries.stores.push(it);
            entries.groups.push(group(of(&id), &id, None));
        }
        let (catalog, it) = decided(entries, OpenStores::Require, &here());
        assert_eq!(shown(&catalog, &it).as_deref(), Some("s199"));
    }

    #[test]
    fn only_the_stores_of_the_campaign_are_shown() {
        let mut entries = three();
        entries.stores[1].tags = Box::new(["tea".into()]);
        let stores = StoreSelection { tags: Box::new(["tea".into()]), ..StoreSelection::default() };
        let campaign = Campaign { stores, ..Campaign::plain() };
        let catalog = Catalog::build(1, Entries { campaigns: vec![campaign.clone()], ..entries }).unwrap();
        let decide = |fix: &Fix| decide(fix, &catalog, &campaign, &Policy::default(), Timestamp::EPOCH);
        let it = decide(&here());
        assert_eq!((shown(&catalog, &it).as_deref(), listed(&catalog, &it).len()), (Some("b"), 0));
        assert_eq!(verdicts(&catalog, &it), named(&[("a", "not_in_campaign"), ("b", "chosen")]));
        let it = decide(&Fix::Chosen(StoreId::parse("a").unwrap()));
        assert_eq!(shown(&catalog, &it).as_deref(), Some("b"));
        assert_eq!(it.fallback, Some(Fallback { rung: Rung::NextStore, reason: Reason::NoJoinCode }));
    }
}
