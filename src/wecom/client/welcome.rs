//! The welcome that a new friend gets within 20 seconds. Document 92137.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Done, Wecom};
use crate::platform::{ApiError, Call};

static SEND: Call = Call::once("send_welcome_msg", "/externalcontact/send_welcome_msg");

/// How long after the event a welcome is taken.
pub const WELCOME_LASTS: Duration = Duration::from_secs(20);
/// The longest text, in bytes.
const TEXT_BYTES_MAX: usize = 4_000;
/// Attachments of one welcome.
const ATTACHMENTS_MAX: usize = 9;

/// A welcome: a text, attachments, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Welcome {
    /// At most 4,000 bytes; empty for none.
    pub text: String,
    /// At most 9.
    pub attachments: Vec<WelcomeAttachment>,
}

/// What comes with a welcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WelcomeAttachment {
    /// A picture by the id of an upload.
    Image(MediaId),
    /// A picture by an address that [`Wecom::upload_image`] gave.
    ImageAt(PictureUrl),
    /// A link.
    Link(LinkCard),
    /// A page of a mini-program.
    Miniprogram(MiniprogramCard),
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaId {
    /// Its id; good for three days.
    pub media_id: String,
}

/// A picture at the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PictureUrl {
    /// Its address.
    pub pic_url: String,
}

/// A link with a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LinkCard {
    /// At most 128 bytes.
    pub title: String,
    /// A picture; may be empty.
    #[serde(rename = "picurl", skip_serializing_if = "String::is_empty")]
    pub picture: String,
    /// At most 512 bytes; may be empty.
    #[serde(rename = "desc", skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it leads.
    pub url: String,
}

/// A page of a mini-program with a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MiniprogramCard {
    /// At most 64 bytes.
    pub title: String,
    /// The id of an uploaded picture.
    #[serde(rename = "pic_media_id")]
    pub picture: String,
    /// The mini-program.
    #[serde(rename = "appid")]
    pub app_id: String,
    /// The page.
    pub page: String,
}

fn attachment(it: &WelcomeAttachment) -> Value {
    match it {
        WelcomeAttachment::Image(it) => json!({ "msgtype": "image", "image": it }),
        WelcomeAttachment::ImageAt(it) => json!({ "msgtype": "image", "image": it }),
        WelcomeAttachment::Link(it) => json!({ "msgtype": "link", "link": it }),
        WelcomeAttachment::Miniprogram(it) => json!({ "msgtype": "miniprogram", "miniprogram": it }),
    }
}

impl Wecom {
    /// Sends the welcome of an event, once: the code is good for one call within 20 seconds.
    ///
    /// # Errors
    /// [`ApiError`]; 41051 if somebody was first, or it is too late.
    pub fn send_welcome(&self, code: &str, welcome: &Welcome) -> Result<(), ApiError> {
        let unfit = |what| Err(ApiError::Unfit { call: SEND.name, what });
        if welcome.text.is_empty() && welcome.attachments.is_empty() {
            return unfit("the welcome is empty");
        }
        if welcome.text.len() > TEXT_BYTES_MAX {
            return unfit("the text of the welcome is longer than 4000 bytes");
        }
        if welcome.attachments.len() > ATTACHMENTS_MAX {
            return unfit("the welcome has more than 9 attachments");
        }
        let mut body = json!({ "welcome_code": code });
        if let Some(object) = body.as_object_mut() {
            if !welcome.text.is_empty() {
                object.insert("text".to_owned(), json!({ "content": welcome.text }));
            }
            if !welcome.attachments.is_empty() {
                object.insert("attachments".to_owned(), welcome.attachments.iter().map(attachment).collect());
            }
        }
        self.post::<Done>(&SEND, &body).map(drop)
    }
}
