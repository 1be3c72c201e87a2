//! `WeChat` (微信) official accounts as seen from here: who signed in, and tickets for pages; not what becomes of it.

mod client;
mod settings;

pub use client::{Scope, SignedIn, Wechat};
pub use settings::WechatSettings;
