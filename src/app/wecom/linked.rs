//! Which visitor a customer is, and which of their visits led to a friendship or a membership; as far as that is known.

use super::belongs::Belongs;
use super::known;
use crate::app::App;
use crate::customer::{Identity, VisitorLink};
use crate::id::{ScanId, VisitorId};
use crate::storage::{CardKind, CardWrite, StorageError, TagFilter, Trouble};
use crate::tag::TagRecord;
use crate::time::Timestamp;

/// How long after a visit a join may still be its doing, in milliseconds: thirty days.
const VISIT_BEFORE_MS: i64 = 30 * 86_400_000;
/// How far the platform's clock may be behind ours, in milliseconds.
const CLOCKS_APART_MS: i64 = 300_000;
/// Visits of one visitor that are looked at.
const VISITS_MAX: usize = 200;
/// How often a card is written anew that others write too.
const TRIES_MAX: u32 = 8;

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
    if let Some(unionid) = unionid {
        let change = |it: &mut Identity| it.customer = Some(customer.to_owned());
        write(app, CardKind::Identity, &identity(unionid), None, change)?;
    }
    let Some(visitor) = visitor else { return Ok(()) };
    write(app, CardKind::Visitor, &visitor.to_string(), Some(visitor), |it: &mut VisitorLink| {
        let is_same = match (it.unionid.as_deref(), unionid) {
            (Some(held), Some(shown)) => held == shown,
            _ => it.customer.as_deref().is_none_or(|held| held == customer),
        };
        if is_same {
            it.customer = Some(customer.to_owned());
            it.unionid = it.unionid.take().or_else(|| unionid.map(ToOwned::to_owned));
        }
    })
}

fn write<T>(
    app: &App,
    kind: CardKind,
    id: &str,
    visitor: Option<VisitorId>,
    change: impl Fn(&mut T),
) -> Result<(), StorageError>
where
    T: Clone + Default + PartialEq + serde::Serialize + serde::de::DeserializeOwned,
{
    let storage = &*app.parts.storage;
    for _ in 0..TRIES_MAX {
        let card = storage.cards(kind, &[id])?.into_iter().flatten().next();
        let before: T = card.as_ref().map_or(Ok(T::default()), |it| known(&it.body))?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        let (expected, kept) = card.map_or((0, None), |it| (it.revision, it.visitor));
        let body = Some(serde_json::to_string(&after).unwrap_or_default());
        let write =
            CardWrite { kind, id: id.to_owned(), expected, body, visitor: visitor.or(kept), counts: Vec::new() };
        match storage.write_card(&write) {
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
            other => return other.map(drop),
        }
    }
    Err(StorageError::caused(Trouble::Unavailable, "a card is written by too many at once"))
}
