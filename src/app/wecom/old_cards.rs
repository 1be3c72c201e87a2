//! Removes the cards of customers who are long gone, with what leads to them; not the counts, which name no customer.

use super::cards;
use super::persons::remove_identity;
use crate::customer::{Customer, Identity, VisitorLink};
use crate::storage::{Card, CardKind, CardWrite, Storage, StorageError, Trouble};
use crate::time::Timestamp;

/// Looks at some cards after a cursor, and removes those of customers with whom all has ended before this moment; says how many, and
/// where to go on, none at the end. Who opted out is remembered: a wish has no age.
pub(in crate::app) fn remove_old_cards(
    storage: &dyn Storage,
    after: Option<&str>,
    before: Timestamp,
    limit: usize,
) -> Result<(u64, Option<String>), StorageError> {
    let (page, next) = storage.cards_page(CardKind::Customer, after, limit)?;
    let mut removed = 0;
    for card in page {
        // What cannot be read is for a person to look at.
        let Ok(customer) = serde_json::from_str::<Customer>(&card.body) else { continue };
        let has_wish = customer.is_silent && card.visitor.is_some();
        if !has_wish && ended_at(&customer).is_some_and(|it| it < before) {
            removed += u64::from(remove(storage, &card, &customer)?);
        }
    }
    Ok((removed, next))
}

/// When the last of all ended; none if something goes on, or no moment is known.
fn ended_at(customer: &Customer) -> Option<Timestamp> {
    let friends = customer.friends.values().map(|it| (it.until, it.since, it.came_at, it.went_at));
    let chats = customer.chats.values().map(|it| (it.until, it.since, it.came_at, it.went_at));
    let ends = friends.chain(chats).map(|(until, since, came, went)| Some(until?.max(since).max(came).max(went)));
    let ends: Option<Vec<Timestamp>> = ends.collect();
    ends?.into_iter().max().map(|it| customer.place.as_ref().map_or(it, |place| place.at.max(it)))
}

fn remove(storage: &dyn Storage, card: &Card, customer: &Customer) -> Result<bool, StorageError> {
    let gone = |kind, id: &str, expected| {
        storage.write_card(&CardWrite {
            kind,
            id: id.to_owned(),
            expected,
            body: None,
            visitor: None,
            counts: Vec::new(),
        })
    };
    match gone(CardKind::Customer, &card.id, card.revision) {
        Ok(_) => {}
        // Something has happened just now.
        Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    if let Some(unionid) = &customer.unionid {
        let identity = cards::read::<Identity>(storage, CardKind::Identity, &format!("unionid:{unionid}"))?.it;
        // One that a visitor has shown goes with the visitor.
        if identity.customer.as_deref() == Some(&*card.id) && identity.visitor.is_none() {
            remove_identity(storage, unionid)?;
        }
    }
    if let Some(visitor) = card.visitor.map(|it| it.to_string()) {
        let link = cards::read::<VisitorLink>(storage, CardKind::Visitor, &visitor)?;
        if link.it.customer.as_deref() == Some(&*card.id) && !link.it.is_silent {
            match gone(CardKind::Visitor, &visitor, link.revision) {
                Err(error) if !matches!(error.kind(), Trouble::Conflict { .. }) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(true)
}
