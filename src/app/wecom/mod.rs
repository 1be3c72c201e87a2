//! What the service does in `WeCom` and what it learns from there; not how calls and events are written.

mod identity;
mod receive;
mod tokens;

pub use identity::{CHANNEL_MS_MAX, Channel, scan_of_state};
pub use receive::{Callbacks, Greet, ReceiveError};
pub use tokens::SharedTokens;
