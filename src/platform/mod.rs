//! What the clients of `WeCom` and `WeChat` share: addresses, bounded calls, tokens that several instances share, limits, and what to
//! do about errors. What is called is not known here.

mod base;
mod call;
mod caller;
mod error;
mod errors;
mod keeper;
mod limit;
mod page;
mod remedy;

pub use base::{ApiBase, BaseError};
pub use call::{Call, Limits};
pub(crate) use caller::{Caller, Sent, json, with_token};
pub use caller::{Made, OnCall, Patience};
pub use error::ApiError;
pub use errors::{TABLE as ERRORS, known};
pub use keeper::{Fetched, Kept, Lasting, MemoryKeeper, TokenKeeper};
pub use page::page_signature;
pub use remedy::{Advice, Known, Remedy};
