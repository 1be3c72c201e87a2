//! `WeChat` (微信) official accounts as seen from here: who signed in, and tickets for pages; not what becomes of it.

mod settings;

pub use settings::WechatSettings;
