//! `WeCom` (企业微信) as seen from here: the envelope of its callbacks, and the events in them; not what becomes of them.

mod cipher;
mod event;
mod fields;
mod settings;

pub use cipher::{Cipher, KeyError, OpenError, Sealed};
pub use event::{ChatChange, ContactChange, Event, EventError, GoneBecause, Happening, MEMBERS_MAX};
pub use fields::{Fields, XML_BYTES_MAX, XmlError};
pub use settings::{CallbackSettings, WecomSettings};
