//! What the service does in `WeCom` and what it learns from there; not how calls and events are written.

mod belongs;
mod cards;
mod chat;
mod code_desk;
mod code_entry;
mod code_report;
mod codes;
mod events;
mod facts;
mod greet;
mod greetings;
mod identity;
mod linked;
mod lookup;
mod marking;
mod moved;
pub(in crate::app) mod oauth;
pub(in crate::app) mod old_cards;
pub(in crate::app) mod persons;
mod ranking;
mod receive;
mod reconcile;
mod rotation;
mod spell;
mod tag_ids;
mod tags;
pub mod templates;
mod tokens;
mod told;
mod walk;
mod way_claim;
mod wish;

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::EditError;
use crate::platform::ApiError;
use crate::storage::{StorageError, Trouble};

pub(super) use code_desk::CodeDesk;
pub use code_desk::{CodeRun, CodeRunError};
pub use code_report::{Detail, SyncAction, SyncError, SyncReport, SyncRow};
pub use codes::CodeSync;
pub use events::EventWork;
pub use greet::{Greeter, GreeterParts};
pub use greetings::{GREETING_PICTURE_BYTES_MAX, GreetingError, PreviewAsk};
pub use identity::{CHANNEL_MS_MAX, Channel, scan_of_state};
pub use lookup::{Lookup, LookupSettings};
pub use moved::Moved;
pub use oauth::{Bound, SIGN_IN_S, SignInEnd, Way};
pub use persons::{Parted, Shown, part_person};
pub use ranking::{Joins, JoinsBy, joins, joins_by_day, tallies};
pub use receive::{Callbacks, Greet, ReceiveError};
pub use reconcile::ReconcileWork;
pub use tag_ids::{TagIds, TagSettings};
pub use tags::{TagJob, Tagger};
pub use tokens::SharedTokens;

/// The error of a chat that is no group of customers, or is no more.
const NO_CUSTOMER_CHAT: i64 = 90_501;
/// The error of a customer who is not there.
const NO_CUSTOMER: i64 = 40_096;

/// Why something could not be found out or noted.
#[derive(Debug, Error)]
enum Fault {
    /// Storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The platform.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The catalog could not be changed.
    #[error(transparent)]
    Edit(EditError),
}

/// Reads what stands on a card or in a job.
fn known<T: DeserializeOwned>(body: &str) -> Result<T, StorageError> {
    serde_json::from_str(body).map_err(|error| StorageError::caused(Trouble::Corrupt, error))
}
