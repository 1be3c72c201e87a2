//! Service areas in a decision: which store serves a place, and how that is explained.

use super::decision::{Decision, Verdict};
use super::eligible::Eligible;
use crate::campaign::Campaign;
use crate::catalog::Catalog;
use crate::geo::{Neighbour, Position, distance_m};

/// The nearest of the stores that may be shown whose service area a place lies in, if the campaign goes by service areas; of equally near
/// ones the one with the smaller id.
pub(super) fn serving(
    catalog: &Catalog,
    campaign: &Campaign,
    stores: Eligible<'_>,
    place: Position,
) -> Option<Neighbour> {
    if !campaign.service_areas {
        return None;
    }
    let serving = catalog.serving(place).into_iter().filter(|it| stores.takes(*it));
    let measured =
        serving.filter_map(|key| Some(Neighbour { key, distance_m: distance_m(place, catalog.position(key)?) }));
    measured.min_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.key.cmp(&b.key)))
}

/// Says that the store was chosen for its area, and of nearer ones that they were passed over for it.
pub(super) fn explain(decision: &mut Decision, first: Neighbour) {
    if decision.store.is_none_or(|it| it.store != first.key) {
        return;
    }
    for it in &mut decision.considered {
        if it.store == first.key {
            it.verdict = Verdict::ServiceArea;
        } else if it.verdict == Verdict::Farther && it.distance_m < first.distance_m {
            it.verdict = Verdict::OutsideArea;
        }
    }
}
