//! What the clients of `WeCom` and `WeChat` share: addresses, bounded calls, tokens that several instances share, limits, and what to
//! do about errors. What is called is not known here.

mod base;

pub use base::{ApiBase, BaseError};
