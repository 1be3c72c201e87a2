//! A visitor who is known as a customer scans elsewhere: the customer's place follows, and with it the tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tags::TagJob;
use crate::app::deliver::AfterDelivery;
use crate::customer::{Customer, Place, VisitorLink};
use crate::outbox::{Consented, Item, Unconfirmed};
use crate::storage::{CardKind, CardWrite, Storage, StorageError, Trouble};
use crate::tag::TagRecord;
use crate::time::{Clock, Timestamp};

/// How often a card is written again that somebody else got in the way of.
const WRITES_MAX: u32 = 8;

/// Looks at visits once storage has them.
pub struct Moved {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
}

impl Moved {
    /// One that works over this storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock }
    }

    /// Notes where a customer is, unless something later is known; whether anything changed.
    fn place(&self, customer: &str, record: &TagRecord) -> Result<bool, StorageError> {
        let place = place_of(record);
        for _ in 0..WRITES_MAX {
            let Some(card) = self.storage.cards(CardKind::Customer, &[customer])?.pop().flatten() else {
                return Ok(false);
            };
            let mut kept: Customer =
                serde_json::from_str(&card.body).map_err(|cause| StorageError::caused(Trouble::Corrupt, cause))?;
            if kept.is_silent || kept.place.as_ref().is_some_and(|it| it.at >= place.at) {
                return Ok(false);
            }
            kept.place = Some(place.clone());
            let write = CardWrite {
                kind: CardKind::Customer,
                id: customer.to_owned(),
                expected: card.revision,
                body: Some(serde_json::to_string(&kept).unwrap_or_default()),
                visitor: card.visitor,
                counts: Vec::new(),
            };
            match self.storage.write_card(&write) {
                Ok(_) => return Ok(true),
                Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StorageError::caused(Trouble::Unavailable, "a card was changed again and again"))
    }
}

/// Where a visit says that its visitor is.
fn place_of(record: &TagRecord) -> Place {
    let region = &record.region;
    let mut regions: Vec<String> = Vec::new();
    let names = [&*region.province, &*region.city, &*region.district];
    for name in names.into_iter().chain(region.areas.iter().map(|it| &**it)) {
        if !name.is_empty() && !regions.iter().any(|it| it == name) {
            regions.push(name.to_owned());
        }
    }
    Place { at: Timestamp::from_unix_ms(record.revision / 1_000), regions, store: record.store.clone() }
}

impl AfterDelivery for Moved {
    fn delivered(&self, items: &[(i64, Item)]) -> Result<(), StorageError> {
        // Of several visits of a visitor in one batch the last says where they are.
        let mut last: BTreeMap<String, &TagRecord> = BTreeMap::new();
        for (_, item) in items {
            match item {
                Item::Tag(record)
                | Item::Consented(Consented { record, .. })
                | Item::Unconfirmed(Unconfirmed { record, .. })
                    if record.is_located() =>
                {
                    last.insert(record.visitor.to_string(), record);
                }
                Item::Tag(_)
                | Item::Consented(_)
                | Item::Unconfirmed(_)
                | Item::Step(_)
                | Item::Job(_)
                | Item::Forgotten => {}
            }
        }
        let ids: Vec<&str> = last.keys().map(String::as_str).collect();
        let cards = self.storage.cards(CardKind::Visitor, &ids)?;
        let now = self.clock.now();
        for (record, card) in last.values().zip(cards) {
            let link: Option<VisitorLink> = card.and_then(|it| serde_json::from_str(&it.body).ok());
            let Some(customer) = link.filter(|it| !it.is_silent).and_then(|it| it.customer) else { continue };
            self.place(&customer, record)?;
            // Also where the place was noted already: the round before may have been broken off here.
            let cause = format!("scan:{}:{}", record.scan, record.revision);
            self.storage.enqueue(&[TagJob::of(&customer, &cause, now)], now)?;
        }
        Ok(())
    }
}
