//! A visitor who is known as a customer scans elsewhere: the customer's place follows, and with it the tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cards;
use super::tags::TagJob;
use crate::app::deliver::AfterDelivery;
use crate::customer::{Customer, Place, VisitorLink};
use crate::id::VisitorId;
use crate::outbox::{Consented, Item, Unconfirmed};
use crate::storage::{CardKind, Storage, StorageError};
use crate::tag::{TagRecord, labels};
use crate::time::{Clock, Timestamp};

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

    /// Notes where a customer is, unless something later is known, or nothing of the customer.
    fn place(&self, customer: &str, record: &TagRecord) -> Result<(), StorageError> {
        let place = place_of(record);
        let change = |it: &mut Customer, _about: &mut Option<VisitorId>| {
            let is_later = it.place.as_ref().is_none_or(|known| known.at < place.at);
            if *it != Customer::default() && !it.is_silent && is_later {
                it.place = Some(place.clone());
            }
        };
        cards::change(&*self.storage, CardKind::Customer, customer, change).map(drop)
    }
}

/// Where a visit says that its visitor is.
fn place_of(record: &TagRecord) -> Place {
    let regions = labels(&record.region, None).into_iter().map(ToOwned::to_owned).collect();
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
