//! The ladder of an explanation: every step, how full its groups are, and what it would come to for a visitor without a seat.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Explainer, tenths};
use crate::app::Peeked;
use crate::campaign::Rung;
use crate::catalog::Joinable;
use crate::id::GroupId;
use crate::routing::{Offer, Step};
use crate::storage::{HeadCount, StorageError};

/// One group or contact of a step.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedStep {
    /// Its rung; `own` for what the right store is joined by.
    pub rung: &'static str,
    /// The id of its store.
    pub store: Option<String>,
    /// Metres to that store, where it is not the right one.
    pub distance_m: Option<f64>,
    /// `group` or `contact`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The estimate of heads; none for a contact.
    pub heads: Option<f64>,
    /// Heads that it holds.
    pub capacity: Option<u32>,
    /// Members that were counted last.
    pub members: Option<u32>,
    /// Seats that are held.
    pub held: Option<u32>,
    /// `shown`, `full`, `passed` or `not_reached`.
    pub verdict: &'static str,
}

/// The steps with the heads that storage counts now.
pub(super) fn rows(with: &Explainer<'_>, peeked: &Peeked) -> Result<Vec<ExplainedStep>, StorageError> {
    let (catalog, rules) = (with.catalog, with.rules);
    let places: Vec<u32> = peeked.steps.iter().flat_map(groups).copied().collect();
    let ids: Vec<GroupId> = places.iter().filter_map(|it| catalog.group(*it)).map(|it| it.id.clone()).collect();
    let counts = with.storage.head_counts(&ids, with.now)?;
    let counts: Vec<(u32, HeadCount)> = places.into_iter().zip(counts).collect();
    let (mut rows, mut is_over) = (Vec::new(), false);
    for step in &peeked.steps {
        let store = step.store.and_then(|it| catalog.store(it)).map(|it| it.id.to_string());
        let base = |kind, id| ExplainedStep {
            rung: step.rung.map_or("own", Rung::as_str),
            store: store.clone(),
            distance_m: step.distance_m.map(tenths),
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
            rows.push(ExplainedStep {
                heads: Some((count.heads(rules.join_rate) * 100.0).round() / 100.0),
                capacity: Some(group.capacity),
                members: count.members.map(|it| it.0),
                held: Some(count.held),
                verdict: verdict(is_shown, is_over, count.has_room(group.capacity, rules.join_rate)),
                ..base("group", group.id.to_string())
            });
            is_over |= is_shown;
        }
        if let Offer::Contact(place) = step.offer
            && let Some(contact) = catalog.contact(place)
        {
            let is_shown = peeked.decision.join == Some(Joinable::Contact(place));
            let verdict = verdict(is_shown, is_over, true);
            rows.push(ExplainedStep { verdict, ..base("contact", contact.id.to_string()) });
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
