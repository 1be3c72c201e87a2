//! The ladder of an explanation: every step, how full its groups are, and what it would come to for a visitor without a seat.

use anyhow::Context as _;
use serde::Serialize;

use crate::app::Peeked;
use crate::campaign::Rung;
use crate::catalog::{Catalog, Joinable};
use crate::id::GroupId;
use crate::routing::{Offer, Step};
use crate::storage::{HeadCount, SeatRules, Storage};
use crate::time::Timestamp;

/// One group or contact of a step.
#[derive(Serialize)]
pub(super) struct StepRow<'a> {
    pub(super) rung: &'static str,
    store: Option<&'a str>,
    distance_m: Option<f64>,
    pub(super) kind: &'static str,
    pub(super) id: &'a str,
    /// The estimate of heads; none for a contact.
    heads: Option<f64>,
    capacity: Option<u32>,
    members: Option<u32>,
    held: Option<u32>,
    pub(super) verdict: &'static str,
}

impl StepRow<'_> {
    /// How full it is, in words.
    pub(super) fn filled(&self) -> String {
        match (self.heads, self.capacity) {
            (Some(heads), Some(capacity)) => format!("{heads:.1} of {capacity}"),
            _ => String::new(),
        }
    }

    /// Whose it is, in words.
    pub(super) fn owner(&self) -> String {
        let distance = self.distance_m.map(|it| format!(", {it:.1} m")).unwrap_or_default();
        format!("{}{distance}", self.store.unwrap_or("-"))
    }
}

/// The steps with the heads that storage counts now.
pub(super) fn rows<'a>(
    catalog: &'a Catalog,
    peeked: &Peeked,
    storage: &dyn Storage,
    rules: &SeatRules,
    now: Timestamp,
) -> anyhow::Result<Vec<StepRow<'a>>> {
    let places: Vec<u32> = peeked.steps.iter().flat_map(groups).copied().collect();
    let ids: Vec<GroupId> = places.iter().filter_map(|it| catalog.group(*it)).map(|it| it.id.clone()).collect();
    let counts = storage.head_counts(&ids, now).context("the seats cannot be read")?;
    let counts: Vec<(u32, HeadCount)> = places.into_iter().zip(counts).collect();
    let (mut rows, mut is_over) = (Vec::new(), false);
    for step in &peeked.steps {
        let store = step.store.and_then(|it| catalog.store(it)).map(|it| it.id.as_str());
        let rung = step.rung.map_or("own", Rung::as_str);
        let distance_m = step.distance_m.map(|it| (it * 10.0).round() / 10.0);
        let base = |kind, id| StepRow {
            rung,
            store,
            distance_m,
            kind,
            id,
            heads: None,
            capacity: None,
            members: None,
            held: None,
            verdict: "",
        };
        for place in groups(step) {
            let Some(group) = catalog.group(*place) else { continue };
            let count = counts.iter().find(|(it, _)| it == place).map(|(_, it)| *it).unwrap_or_default();
            let is_shown = peeked.decision.join == Some(Joinable::Group(*place));
            rows.push(StepRow {
                heads: Some((count.heads(rules.join_rate) * 100.0).round() / 100.0),
                capacity: Some(group.capacity),
                members: count.members.map(|it| it.0),
                held: Some(count.held),
                verdict: verdict(is_shown, is_over, count.has_room(group.capacity, rules.join_rate)),
                ..base("group", group.id.as_str())
            });
            is_over |= is_shown;
        }
        if let Offer::Contact(place) = step.offer
            && let Some(contact) = catalog.contact(place)
        {
            let is_shown = peeked.decision.join == Some(Joinable::Contact(place));
            rows.push(StepRow { verdict: verdict(is_shown, is_over, true), ..base("contact", contact.id.as_str()) });
            is_over |= is_shown;
        }
    }
    Ok(rows)
}

fn verdict(is_shown: bool, is_over: bool, has_room: bool) -> &'static str {
    match (is_shown, is_over, has_room) {
        (true, ..) => "shown",
        (false, _, false) => "full",
        (false, true, true) => "not_reached",
        (false, false, true) => "passed",
    }
}

fn groups(step: &Step) -> &[u32] {
    match &step.offer {
        Offer::Groups(groups) => groups,
        Offer::Contact(_) => &[],
    }
}
