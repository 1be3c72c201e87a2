//! The events of callbacks as values. What a later version of the platform adds is kept out, never an error.
//!
//! Sources: `WeCom` documents 92130 and 92277 (customers), 92130 (group chats, tags); older and newer forms of one field are both read.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::fields::{Fields, XmlError};
use crate::time::Timestamp;

/// Members that one event names at most; the rest is read from the group itself.
pub const MEMBERS_MAX: usize = 2_000;

/// The fields that make an event itself and no other. `FromUserName` is `sys` for all of them, so the platform's own hint (sender
/// and time) would merge different customers of one second.
const IDENTITY: [&str; 12] = [
    "ToUserName",
    "Event",
    "ChangeType",
    "CreateTime",
    "UserID",
    "ExternalUserID",
    "ChatId",
    "UpdateDetail",
    "CurMemVer",
    "Id",
    "TagType",
    "MsgId",
];

/// Why a message is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EventError {
    /// It cannot be read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// It lacks a field that every event of its kind has.
    #[error("the event has no {0}")]
    Missing(&'static str),
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same for every delivery of one event, and for no other: 32 hexadecimal digits.
    pub key: String,
    /// When it happened, by the platform's clock; whole seconds.
    pub at: Timestamp,
    /// What happened.
    pub happening: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Between a member of staff and a customer.
    Contact {
        /// `userid`.
        staff: String,
        /// `external_userid`.
        customer: String,
        /// What.
        change: ContactChange,
    },
    /// To a group chat of customers.
    Chat {
        /// `chat_id`.
        chat: String,
        /// What.
        change: ChatChange,
    },
    /// To the corporation's tags.
    Tag,
    /// Something that nothing here depends on.
    Other,
}

/// What changed between staff and customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactChange {
    /// They became contacts, or the customer added the member of staff, who has not confirmed yet (`half`).
    Added {
        /// Whether the member of staff has yet to confirm.
        is_half: bool,
        /// The `state` of the contact way, or the channel of an acquisition link; empty otherwise.
        state: String,
        /// Opens the only chance for a greeting, within 20 seconds; empty if there is none.
        welcome_code: String,
    },
    /// A remark or tags were changed by hand.
    Edited,
    /// They are no longer contacts.
    Gone(GoneBecause),
    /// A handover failed.
    TransferFailed,
    /// Something of a later version.
    Other,
}

/// Who ended a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneBecause {
    /// The member of staff removed the customer.
    StaffRemoved,
    /// The customer removed the member of staff.
    CustomerRemoved,
    /// The customer was handed over to somebody else.
    HandedOver,
}

/// What changed in a group chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatChange {
    /// It was made.
    Created,
    /// Members came. Who and from where is read from the group: events carry no state.
    Joined {
        /// How many.
        count: u32,
        /// Their ids as far as the event names them, at most [`MEMBERS_MAX`].
        members: Vec<String>,
        /// How: 0 was invited, 3 scanned the group's code; other numbers are seen as well.
        scene: i64,
    },
    /// Members left.
    Left {
        /// How many.
        count: u32,
        /// Their ids as far as the event names them, at most [`MEMBERS_MAX`].
        members: Vec<String>,
        /// Whether they were removed rather than left.
        were_removed: bool,
    },
    /// Its name, owner or notice changed.
    Described,
    /// It is dissolved; its code leads nowhere.
    Dismissed,
    /// Something of a later version.
    Other,
}

impl Event {
    /// Reads the message of a callback.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn read(xml: &str) -> Result<Self, EventError> {
        let fields = Fields::read(xml)?;
        let seconds = fields.number("CreateTime").ok_or(EventError::Missing("CreateTime"))?;
        let happening = match fields.text("Event") {
            "change_external_contact" => Happening::Contact {
                staff: required(&fields, "UserID")?,
                customer: required(&fields, "ExternalUserID")?,
                change: contact_change(&fields),
            },
            "change_external_chat" => {
                Happening::Chat { chat: required(&fields, "ChatId")?, change: chat_change(&fields) }
            }
            "change_external_tag" => Happening::Tag,
            _ => Happening::Other,
        };
        Ok(Self { key: key(&fields), at: Timestamp::from_unix_ms(seconds.saturating_mul(1_000)), happening })
    }
}

fn required(fields: &Fields, name: &'static str) -> Result<String, EventError> {
    match fields.text(name) {
        "" => Err(EventError::Missing(name)),
        text => Ok(text.to_owned()),
    }
}

/// Field lengths go in as well, so that no two lists of texts run together to the same bytes.
fn key(fields: &Fields) -> String {
    let mut hash = Sha256::new();
    for name in IDENTITY {
        let text = fields.text(name);
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or_default())
}

fn contact_change(fields: &Fields) -> ContactChange {
    let added = |is_half| ContactChange::Added {
        is_half,
        state: fields.text("State").to_owned(),
        welcome_code: fields.text("WelcomeCode").to_owned(),
    };
    match fields.text("ChangeType") {
        "add_external_contact" => added(false),
        "add_half_external_contact" => added(true),
        "edit_external_contact" => ContactChange::Edited,
        "del_external_contact" if fields.text("Source") == "DELETE_BY_TRANSFER" => {
            ContactChange::Gone(GoneBecause::HandedOver)
        }
        "del_external_contact" => ContactChange::Gone(GoneBecause::StaffRemoved),
        "del_follow_user" => ContactChange::Gone(GoneBecause::CustomerRemoved),
        "transfer_fail" => ContactChange::TransferFailed,
        _ => ContactChange::Other,
    }
}

fn chat_change(fields: &Fields) -> ChatChange {
    let members = || {
        let named = fields.texts("MemChangeList").iter().map(|it| it.trim()).filter(|it| !it.is_empty());
        named.take(MEMBERS_MAX).map(str::to_owned).collect::<Vec<_>>()
    };
    let count = |members: &[String]| {
        let told = fields.number("MemChangeCnt").and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
        told.max(u32::try_from(members.len()).unwrap_or(u32::MAX))
    };
    match (fields.text("ChangeType"), fields.text("UpdateDetail")) {
        ("create", _) => ChatChange::Created,
        ("dismiss", _) => ChatChange::Dismissed,
        ("update", "add_member") => {
            let members = members();
            ChatChange::Joined { count: count(&members), members, scene: fields.number("JoinScene").unwrap_or(-1) }
        }
        ("update", "del_member") => {
            let members = members();
            let were_removed = fields.number("QuitScene") == Some(1);
            ChatChange::Left { count: count(&members), members, were_removed }
        }
        ("update", "change_owner" | "change_name" | "change_notice") => ChatChange::Described,
        _ => ChatChange::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDED: &str = "<xml><ToUserName>ww1</ToUserName><FromUserName>sys</FromUserName><CreateTime>1700000000</CreateTime>\
        <MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>\
        <UserID>mgr</UserID><ExternalUserID>wm1</ExternalUserID><State>s_17</State><WelcomeCode>W</WelcomeCode></xml>";

    #[test]
    fn a_new_contact_has_its_state_and_its_welcome_code() {
        let event = Event::read(ADDED).unwrap();
        assert_eq!(event.at, Timestamp::from_unix_ms(1_700_000_000_000));
        let change = ContactChange::Added { is_half: false, state: "s_17".to_owned(), welcome_code: "W".to_owned() };
        assert_eq!(event.happening, Happening::Contact { staff: "mgr".into(), customer: "wm1".into(), change });
    }

    #[test]
    fn two_customers_of_one_second_are_two_events_and_a_repeat_is_one() {
        let first = Event::read(ADDED).unwrap();
        assert_eq!(Event::read(&ADDED.replace("><", "> <")).unwrap().key, first.key);
        for (from, to) in [("wm1", "wm2"), ("mgr", "mgs"), ("1700000000", "1700000001"), ("add_ext", "add_half_ext")] {
            assert_ne!(Event::read(&ADDED.replace(from, to)).unwrap().key, first.key, "{to}");
        }
        let one = "<xml><CreateTime>1</CreateTime><ChatId>ab</ChatId><UpdateDetail>c</UpdateDetail></xml>";
        let other = "<xml><CreateTime>1</CreateTime><ChatId>a</ChatId><UpdateDetail>bc</UpdateDetail></xml>";
        assert_ne!(Event::read(one).unwrap().key, Event::read(other).unwrap().key);
    }

    #[test]
    fn members_come_and_go_in_old_and_new_form() {
        let chat = |detail: &str, rest: &str| {
            let xml = format!(
                "<xml><CreateTime>1700000100</CreateTime><Event>change_external_chat</Event><ChatId>wr1</ChatId>\
                 <ChangeType>update</ChangeType><UpdateDetail>{detail}</UpdateDetail>{rest}</xml>"
            );
            match Event::read(&xml).unwrap().happening {
                Happening::Chat { chat, change } if chat == "wr1" => change,
                other @ (Happening::Contact { .. } | Happening::Chat { .. } | Happening::Tag | Happening::Other) => {
                    panic!("{other:?}")
                }
            }
        };
        let list = "<JoinScene>3</JoinScene><QuitScene>1</QuitScene><MemChangeCnt>2</MemChangeCnt>\
                    <MemChangeList><Item>wm1</Item><Item>wm2</Item></MemChangeList>";
        let members = vec!["wm1".to_owned(), "wm2".to_owned()];
        assert_eq!(chat("add_member", list), ChatChange::Joined { count: 2, members: members.clone(), scene: 3 });
        assert_eq!(chat("del_member", list), ChatChange::Left { count: 2, members, were_removed: true });
        let old = "<MemChangeCnt>4</MemChangeCnt>";
        assert_eq!(chat("add_member", old), ChatChange::Joined { count: 4, members: Vec::new(), scene: -1 });
        assert_eq!(chat("change_name", list), ChatChange::Described);
        assert_eq!(chat("something_new", list), ChatChange::Other);
    }

    #[test]
    fn an_event_without_what_it_is_about_is_refused_by_name() {
        for (gone, name) in [
            ("<CreateTime>1700000000</CreateTime>", "CreateTime"),
            ("<UserID>mgr</UserID>", "UserID"),
            ("<ExternalUserID>wm1</ExternalUserID>", "ExternalUserID"),
        ] {
            assert_eq!(Event::read(&ADDED.replace(gone, "")), Err(EventError::Missing(name)));
        }
        let text = ADDED.replace("change_external_contact", "enter_agent");
        assert_eq!(Event::read(&text).unwrap().happening, Happening::Other);
    }
}
