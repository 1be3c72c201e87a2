//! `WeCom` (企业微信) as seen from here: the envelope of its callbacks and the events in them, and its interface as typed calls; not
//! what becomes of either.

mod cipher;
pub mod client;
mod event;
mod fields;
mod settings;

pub use cipher::{Cipher, KeyError, OpenError, Sealed};
pub use client::Wecom;
pub use event::{ChatChange, ContactChange, Event, EventError, GoneBecause, Happening, MEMBERS_MAX};
pub use fields::{Fields, XML_BYTES_MAX, XmlError};
pub use settings::{CallbackSettings, WecomSettings};
