//! Which visitor a customer is, and which of their visits led to a friendship or a membership; as far as that is known.

use super::belongs::Belongs;
use super::{cards, known};
use crate::app::App;
use crate::customer::{Identity, VisitorLink};
use crate::id::{ScanId, VisitorId};
use crate::storage::{CardKind, StorageError, TagFilter};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// How long after a visit a join may still be its doing, in milliseconds: thirty days.
const VISIT_BEFORE_MS: i64 = 30 * 86_400_000;
/// How far the platform's clock may be behind ours, in milliseconds.
const CLOCKS_APART_MS: i64 = 300_000;
/// Visits of one visitor that are looked at.
const VISITS_MAX: usize = 200;

fn identity(unionid: &str) -> String {
    format!("unionid:{unionid}")
}

/// The visitor who has shown this identity.
pub(super) fn visitor_of(app: &App, unionid: Option<&str>) -> Result<Option<VisitorId>, StorageError> {
    let Some(unionid) = unionid else { return Ok(None) };
    let id = identity(unionid);
    let card = app.parts.storage.cards(CardKind::Identity, &[&id])?.into_iter().flatten().next();
    let Some(card) = card else { return Ok(None) };
    let identity: Identity = known(&card.body)?;
    Ok(identity.visitor)
}

/// The visitor's visit with this id; else the latest before this moment that showed the group or contact.
pub(super) fn visit(
    app: &App,
    visitor: VisitorId,
    named: Option<ScanId>,
    belongs: &Belongs<'_>,
    at: Timestamp,
) -> Result<Option<TagRecord>, StorageError> {
    let filter = TagFilter {
        visitor: Some(visitor),
        from: Some(at.plus_ms(-VISIT_BEFORE_MS)),
        to: Some(at.plus_ms(CLOCKS_APART_MS)),
        ..TagFilter::default()
    };
    let visits = app.parts.storage.latest_tags(&filter, 0, VISITS_MAX)?;
    if let Some(found) = visits.iter().find(|it| Some(it.scan) == named) {
        return Ok(Some(found.clone()));
    }
    let Some((kind, id)) = belongs.shown() else { return Ok(None) };
    let shows = |it: &&TagRecord| it.join_kind.as_deref() == Some(kind) && it.join_id.as_deref() == Some(id);
    Ok(visits.iter().find(shows).cloned())
}

/// Notes which customer an identity is, where one is known, and which customer a visitor is: the first that they have shown to be,
/// whoever else a link of theirs is passed on to.
pub(super) fn link(
    app: &App,
    unionid: Option<&str>,
    customer: &str,
    visitor: Option<VisitorId>,
) -> Result<(), StorageError> {
    let storage = &*app.parts.storage;
    if let Some(unionid) = unionid {
        let change = |it: &mut Identity, _about: &mut Option<VisitorId>| it.customer = Some(customer.to_owned());
        cards::change(storage, CardKind::Identity, &identity(unionid), change)?;
    }
    let Some(visitor) = visitor else { return Ok(()) };
    let change = |it: &mut VisitorLink, about: &mut Option<VisitorId>| {
        let is_same = match (it.unionid.as_deref(), unionid) {
            (Some(held), Some(shown)) => held == shown,
            _ => it.customer.as_deref().is_none_or(|held| held == customer),
        };
        if is_same {
            it.customer = Some(customer.to_owned());
            it.unionid = it.unionid.take().or_else(|| unionid.map(ToOwned::to_owned));
            *about = Some(visitor);
        }
    };
    cards::change(storage, CardKind::Visitor, &visitor.to_string(), change).map(drop)
}
