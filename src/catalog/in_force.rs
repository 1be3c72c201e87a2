//! Which campaign answers for a landing code: itself while it runs, another before its start and after its end.
//!
//! A printed code cannot be recalled, so every code leads to some campaign, also one that nobody knows any longer.

use std::collections::BTreeMap;

use super::{Catalog, Problem};
use crate::campaign::{Campaign, Phase};
use crate::id::CampaignSlug;
use crate::time::Timestamp;

/// Campaigns that follow each other at the most.
const HOPS_MAX: usize = 8;

/// How the campaign that was scanned stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Running,
    /// It starts later.
    NotStarted(Timestamp),
    /// It is over.
    Ended,
    /// No campaign has this name.
    Unknown,
}

impl Standing {
    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NotStarted(_) => "not_started",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
        }
    }
}

/// The campaign that answers for a landing code, and how the code's own one stands.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'a> {
    /// Whose stores, groups, looks and words are shown.
    pub campaign: &'a Campaign,
    /// How the campaign that was scanned stands.
    pub standing: Standing,
}

impl Catalog {
    /// The campaign that answers for a landing code at this moment: the one it names, while it runs; after its end the one
    /// that takes over; else `default`.
    #[must_use]
    pub fn in_force(&self, slug: &CampaignSlug, now: Timestamp) -> InForce<'_> {
        let Some(scanned) = self.campaign(slug) else {
            return InForce { campaign: self.default_campaign(), standing: Standing::Unknown };
        };
        let standing = match scanned.period.phase(now) {
            Phase::Running => return InForce { campaign: scanned, standing: Standing::Running },
            Phase::Before(start) => Standing::NotStarted(start),
            Phase::Ended => Standing::Ended,
        };
        let mut campaign = scanned;
        for _ in 0..HOPS_MAX {
            match campaign.period.phase(now) {
                Phase::Running => return InForce { campaign, standing },
                Phase::Before(_) => break,
                Phase::Ended => {}
            }
            match campaign.period.ended_to.as_ref().and_then(|it| self.campaign(it)) {
                Some(next) => campaign = next,
                None => break,
            }
        }
        InForce { campaign: self.default_campaign(), standing }
    }
}

/// What is wrong with the periods of campaigns.
pub(super) fn check(campaigns: &BTreeMap<CampaignSlug, Campaign>, problems: &mut Vec<Problem>) {
    for (slug, campaign) in campaigns {
        let period = &campaign.period;
        if let (Some(start), Some(end)) = (period.starts_at, period.ends_at)
            && end <= start
        {
            let message = format!("campaign {slug} ends at {end}, before it starts at {start}");
            problems.push(
                Problem::new("ends_before_start", message).in_column("ends_at", &end.to_string()).of_campaign(slug),
            );
        }
        if *slug == CampaignSlug::default_slug() && (!period.is_always() || period.ended_to.is_some()) {
            let message = "campaign default neither starts nor ends, because every other one leads to it";
            problems.push(Problem::new("default_always_runs", message).in_column("ends_at", "").of_campaign(slug));
        }
        let Some(next) = &period.ended_to else { continue };
        if !campaigns.contains_key(next) {
            let message = format!("campaign {slug} leads to campaign {next} after its end, which does not exist");
            problems
                .push(Problem::new("unknown_campaign", message).in_column("ended_to", next.as_str()).of_campaign(slug));
        } else if returns(campaigns, slug) {
            let message = format!("campaign {slug} leads to {next} after its end, and from there back to itself");
            problems.push(Problem::new("circle", message).in_column("ended_to", next.as_str()).of_campaign(slug));
        }
    }
}

/// Whether the campaigns that follow this one lead back to it, or farther than any code is followed.
fn returns(campaigns: &BTreeMap<CampaignSlug, Campaign>, slug: &CampaignSlug) -> bool {
    let next = |it: &CampaignSlug| campaigns.get(it).and_then(|it| it.period.ended_to.as_ref());
    std::iter::successors(next(slug), |it| next(it)).take(HOPS_MAX).any(|it| it == slug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Period, StoreSelection};
    use crate::catalog::Entries;
    use crate::store::Store;

    fn slug(text: &str) -> CampaignSlug {
        CampaignSlug::parse(text).unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn campaign(name: &str, from: Option<i64>, until: Option<i64>, to: Option<&str>) -> Campaign {
        let period = Period { starts_at: from.map(at), ends_at: until.map(at), ended_to: to.map(slug) };
        Campaign { period, ..Campaign::named(slug(name), name.into()) }
    }

    fn found(campaigns: Vec<Campaign>) -> Vec<(&'static str, Option<String>)> {
        let stores =
            vec![Store { tags: Box::new(["a".into()]), city: "上海市".into(), ..Store::sample("s", 31.0, 121.0) }];
        let problems = Catalog::build(1, Entries { stores, campaigns, ..Entries::default() }).err().unwrap_or_default();
        problems.into_iter().map(|it| (it.code, it.column.map(std::borrow::Cow::into_owned))).collect()
    }

    #[test]
    fn every_code_leads_to_a_campaign_that_runs() {
        let campaigns = vec![
            campaign("spring", Some(10), Some(20), Some("summer")),
            campaign("summer", Some(20), Some(30), Some("autumn")),
            campaign("autumn", Some(40), None, None),
            campaign("winter", None, Some(5), None),
        ];
        let catalog = Catalog::build(1, Entries { campaigns, ..Entries::default() }).unwrap();
        let leads = |name, now| {
            let it = catalog.in_force(&slug(name), at(now));
            (it.campaign.slug.to_string(), it.standing.as_str())
        };
        for (name, now, expected) in [
            ("spring", 9, ("default", "not_started")),
            ("spring", 10, ("spring", "running")),
            ("spring", 20, ("summer", "ended")),
            ("spring", 30, ("default", "ended")),
            ("spring", 40, ("autumn", "ended")),
            ("winter", 5, ("default", "ended")),
            ("nobody", 5, ("default", "unknown")),
            ("default", 5, ("default", "running")),
        ] {
            assert_eq!(leads(name, now), (expected.0.to_owned(), expected.1), "{name} at {now}");
        }
    }

    #[test]
    fn campaigns_that_point_to_nothing_are_named() {
        let selecting = |tags: &[&str], regions: &[&str]| {
            let boxed = |it: &[&str]| it.iter().map(|it| Box::from(*it)).collect();
            let stores = StoreSelection { tags: boxed(tags), regions: boxed(regions) };
            vec![Campaign { stores, ..campaign("tea", None, None, None) }]
        };
        let place = |code, field: &str| vec![(code, Some(field.to_owned()))];
        assert_eq!(found(selecting(&["a"], &["上海"])), []);
        assert_eq!(found(selecting(&["b"], &[])), place("unknown_name", "store_tags"));
        assert_eq!(found(selecting(&["a"], &["苏州"])), place("unknown_name", "store_regions"));
        assert_eq!(found(vec![campaign("tea", Some(9), Some(9), None)]), place("ends_before_start", "ends_at"));
        assert_eq!(found(vec![campaign("tea", None, Some(9), Some("cake"))]), place("unknown_campaign", "ended_to"));
        assert_eq!(found(vec![campaign("tea", None, Some(9), Some("tea"))]), place("circle", "ended_to"));
        assert_eq!(found(vec![campaign("default", None, Some(9), None)]), place("default_always_runs", "ends_at"));
    }

    #[test]
    fn a_campaign_selects_the_stores_that_have_a_tag_and_lie_in_a_region() {
        let stores: Vec<Store> = (0..130_u32)
            .map(|it| Store {
                tags: if it % 2 == 0 { Box::new(["even".into()]) } else { Box::new(["odd".into()]) },
                city: if it < 100 { "上海市".into() } else { "苏州市".into() },
                ..Store::sample(&format!("s{it:03}"), 31.0, 121.0)
            })
            .collect();
        let select = |tags: &[&str], regions: &[&str]| {
            let boxed = |it: &[&str]| it.iter().map(|it| Box::from(*it)).collect();
            let stores_rule = StoreSelection { tags: boxed(tags), regions: boxed(regions) };
            let campaigns = vec![Campaign { stores: stores_rule, ..campaign("tea", None, None, None) }];
            let catalog =
                Catalog::build(1, Entries { campaigns, stores: stores.clone(), ..Entries::default() }).unwrap();
            let selection = catalog.selection(&slug("tea"));
            (0..130).filter(|it| selection.takes(*it)).collect::<Vec<u32>>()
        };
        assert_eq!(select(&["even"], &["苏州"]), (100..130).step_by(2).collect::<Vec<u32>>());
        assert_eq!(select(&["even", "odd"], &["上海市"]), (0..100).collect::<Vec<u32>>());
        assert_eq!(select(&[], &[]).len(), 130);
        let catalog = Catalog::build(1, Entries { stores: stores.clone(), ..Entries::default() }).unwrap();
        assert!(catalog.selection(&slug("nobody")).is_all());
    }
}
