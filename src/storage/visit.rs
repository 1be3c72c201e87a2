//! What a tag record and its steps come to in the funnel; the same for every backend.

use crate::campaign::Route;
use crate::funnel::{Cell, Stages, Visit};
use crate::id::StoreId;
use crate::tag::TagRecord;

/// The stages that a record and its steps reached.
#[must_use]
pub fn stages(record: &TagRecord, steps: Stages) -> Stages {
    Stages::of_visit(record.is_located(), record.shows_code(), steps)
}

/// A record and its steps as the funnel sees them.
#[must_use]
pub fn visit(record: &TagRecord, steps: Stages) -> Visit {
    Visit {
        scan: record.scan,
        visitor: record.visitor,
        at: record.at,
        cell: Cell {
            day: record.day(),
            campaign: record.campaign.as_str().into(),
            store: record.store.as_ref().map_or("", StoreId::as_str).into(),
            region: record.region_path().into(),
            mode: record.mode.as_str().into(),
            assigned: record.assigned.map_or("", Route::as_str).into(),
            source: record.source.as_str().into(),
            rung: record.fallback.as_deref().unwrap_or_default().into(),
        },
        stages: stages(record, steps),
    }
}
