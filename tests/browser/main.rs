//! The pages as a customer meets them: the real program, and a real browser of the size of a phone.
//!
//! Not a test of single functions. Chromium and its driver must be installed; where they are missing these tests fail
//! and say what to install.

#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod admin_accounts;
mod admin_codes;
mod admin_greetings;
mod admin_import;
mod admin_numbers;
mod admin_stores;
mod admin_wecom;
mod agreement;
mod browser;
mod by_hand;
mod crm;
mod demo;
#[expect(dead_code, unused_imports, reason = "the tests through public doors use the rest")]
#[path = "../double/mod.rs"]
mod double;
mod driver;
mod eye;
mod ladder;
mod looks;
mod position;
mod safety;
mod story;
mod wechat;
mod words;
