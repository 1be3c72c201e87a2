//! Cards, read and changed whatever others do at the same time; what stands on them is for others.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::known;
use crate::id::VisitorId;
use crate::storage::{CardKind, CardWrite, Storage, StorageError, Trouble};

/// How often a card is written anew that others write too.
const TRIES_MAX: u32 = 8;

/// What is read of a card, and who it is about.
pub(super) struct Read<T> {
    pub(super) revision: u64,
    pub(super) visitor: Option<VisitorId>,
    pub(super) it: T,
}

/// Reads a card; one that is not there is an empty one of revision 0.
pub(super) fn read<T: DeserializeOwned + Default>(
    storage: &dyn Storage,
    kind: CardKind,
    id: &str,
) -> Result<Read<T>, StorageError> {
    let Some(card) = storage.cards(kind, &[id])?.into_iter().flatten().next() else {
        return Ok(Read { revision: 0, visitor: None, it: T::default() });
    };
    Ok(Read { revision: card.revision, visitor: card.visitor, it: known(&card.body)? })
}

/// Changes a card whatever others do; `change` also says whom the card is about. What does not change is not written.
pub(super) fn change<T>(
    storage: &dyn Storage,
    kind: CardKind,
    id: &str,
    change: impl Fn(&mut T, &mut Option<VisitorId>),
) -> Result<T, StorageError>
where
    T: Clone + Default + PartialEq + Serialize + DeserializeOwned,
{
    for _ in 0..TRIES_MAX {
        let Read { revision, visitor, it: before } = read::<T>(storage, kind, id)?;
        let (mut after, mut about) = (before.clone(), visitor);
        change(&mut after, &mut about);
        if after == before && about == visitor {
            return Ok(after);
        }
        let body = serde_json::to_string(&after).map_err(|error| StorageError::caused(Trouble::Corrupt, error))?;
        let (id, body) = (id.to_owned(), Some(body));
        let write = CardWrite { kind, id, expected: revision, body, visitor: about, counts: Vec::new() };
        match storage.write_card(&write) {
            Err(error) if matches!(error.kind(), Trouble::Conflict { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(after),
        }
    }
    Err(StorageError::caused(Trouble::Unavailable, "a card is written by too many at once"))
}
