//! Templates of greetings: whom one is for, what it says, which of them wins, and what comes out for one customer. Nothing is sent here.

mod check;
mod coupon;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::Flaw;
pub use coupon::coupon_of;
pub use words::{WORDS, Word};

use self::words::{Put, filled};

/// Templates at the most: each greeting looks at all of them.
pub const TEMPLATES_MAX: usize = 500;
/// The longest text, in bytes, as the platform takes it.
pub const TEXT_BYTES_MAX: usize = 4_000;
/// Attachments of one greeting, by the platform's limit.
pub const ATTACHMENTS_MAX: usize = 9;
/// The longest title of a link, in bytes.
pub const TITLE_BYTES_MAX: usize = 128;
/// The longest description of a link, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 512;
/// The longest title of a mini-program's card, in bytes.
pub const MINI_TITLE_BYTES_MAX: usize = 64;
/// The longest address, in bytes.
pub const URL_BYTES_MAX: usize = 1_024;

/// Whether a customer has been here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nobody of staff had them as a contact, and they were in no group.
    New,
    /// Somebody had, or they were.
    Returning,
}

/// Whether a customer is registered with the operator's CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Membership {
    /// The CRM knows them.
    Registered,
    /// It does not.
    Unregistered,
}

impl Standing {
    /// The word used in storage and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Returning => "returning",
        }
    }
}

impl Membership {
    /// The word used in storage and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Unregistered => "unregistered",
        }
    }
}

/// How the group is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupForm {
    /// A link to the page that shows the code: it finds a group with room when it is opened.
    #[default]
    Link,
    /// A picture of the code.
    Picture,
}

/// Where a picture comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PictureFrom {
    /// The template's own.
    #[default]
    Own,
    /// The campaign's logo.
    Logo,
    /// The code of the group.
    Code,
}

/// What comes with the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Attachment {
    /// The store's group.
    Group {
        /// How it is shown.
        #[serde(default)]
        form: GroupForm,
        /// The title of the link; empty: the group's name.
        #[serde(default)]
        title: String,
        /// The description of the link.
        #[serde(default)]
        description: String,
    },
    /// The coupon, as a link.
    Coupon {
        /// The title of the link.
        title: String,
        /// Its description.
        #[serde(default)]
        description: String,
    },
    /// A link.
    Link {
        /// Its title.
        title: String,
        /// Its description.
        #[serde(default)]
        description: String,
        /// Where it leads.
        url: String,
    },
    /// A page of a mini-program.
    Miniprogram {
        /// The title of its card.
        title: String,
        /// The mini-program, which the corporation has to be bound to.
        app_id: String,
        /// The page, with its query.
        page: String,
        /// The picture of its card.
        #[serde(default)]
        picture: PictureFrom,
    },
    /// A picture.
    Image {
        /// Which.
        #[serde(default)]
        picture: PictureFrom,
    },
}

fn yes() -> bool {
    true
}

/// A template. Whom it is for is what it says: what it leaves out fits everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name, for those who edit it.
    pub name: String,
    /// Whether it is used.
    #[serde(default = "yes")]
    pub is_on: bool,
    /// For those who came through this campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// For those of this store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// For those who are new, or have been here before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// For those whom the CRM knows, or does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// For those of this segment of the CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The text, with placeholders; may be empty where something is attached.
    #[serde(default)]
    pub text: String,
    /// The coupon of this template, in place of the store's; with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon_url: Option<String>,
    /// What comes with the text.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

/// A template with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The template.
    pub template: Template,
}

/// What is known of a customer at the moment of the greeting. What is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The campaign's short name and name.
    pub campaign: (String, String),
    /// The store's id; empty if there is none.
    pub store: String,
    /// The store's name.
    pub store_name: String,
    /// Its address.
    pub address: String,
    /// Its hours.
    pub hours: String,
    /// Its province, city and district.
    pub region: [String; 3],
    /// The contact's name.
    pub contact: String,
    /// The group that may be joined.
    pub group: Option<KnownGroup>,
    /// The store's own coupon for this customer.
    pub coupon: String,
    /// Whether they have been here before.
    pub standing: Option<Standing>,
    /// Whether the CRM knows them.
    pub membership: Option<Membership>,
    /// The segment that the CRM says.
    pub segment: Option<String>,
}

/// A group that may be joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its name.
    pub name: String,
    /// The page that shows its code.
    pub page: String,
    /// What its code holds.
    pub code: String,
}

/// A greeting for one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greeting {
    /// The text.
    pub text: String,
    /// What comes with it.
    pub parts: Vec<Part>,
}

/// What comes with a greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A link.
    Link {
        /// Its title.
        title: String,
        /// Its description.
        description: String,
        /// Where it leads.
        url: String,
    },
    /// A page of a mini-program.
    Miniprogram {
        /// The title of its card.
        title: String,
        /// The mini-program.
        app_id: String,
        /// The page.
        page: String,
        /// The picture of its card.
        picture: PictureFrom,
    },
    /// A picture.
    Image(PictureFrom),
}

/// Why a template does not fit, or cannot be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is switched off.
    Off,
    /// It is for others.
    ForOthers,
    /// Nothing is known that this placeholder stands for.
    Lacks(Word),
    /// It became longer than the platform takes.
    TooLong,
}

impl Known {
    fn value(&self, word: Word) -> Option<&str> {
        let [province, city, district] = &self.region;
        let text = match word {
            Word::Store => &self.store_name,
            Word::StoreId => &self.store,
            Word::Address => &self.address,
            Word::Hours => &self.hours,
            Word::Province => province,
            Word::City => city,
            Word::District => district,
            Word::Contact => &self.contact,
            Word::Campaign => &self.campaign.1,
            Word::Group => &self.group.as_ref()?.name,
            Word::GroupLink => &self.group.as_ref()?.page,
            Word::Coupon => &self.coupon,
        };
        Some(text)
    }
}

/// A text cut to so many bytes, between characters.
fn cut(mut text: String, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

impl Template {
    /// How special it is: a store counts for more than a campaign, that for more than a segment, that for more than being registered,
    /// and that for more than having been here before.
    #[must_use]
    pub fn weight(&self) -> u8 {
        let says = [
            self.store.is_some(),
            self.campaign.is_some(),
            self.segment.is_some(),
            self.membership.is_some(),
            self.standing.is_some(),
        ];
        says.into_iter().fold(0, |weight, it| weight * 2 + u8::from(it))
    }

    fn is_for(&self, known: &Known) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        fits(&self.store, &known.store)
            && fits(&self.campaign, &known.campaign.0)
            && (self.segment.is_none() || self.segment == known.segment)
            && (self.membership.is_none() || self.membership == known.membership)
            && (self.standing.is_none() || self.standing == known.standing)
    }

    /// What comes out for a customer.
    ///
    /// # Errors
    /// [`Unfit`] if it is for others, or something that it speaks of is not known: half a sentence is worse than another template.
    pub fn greet(&self, known: &Known) -> Result<Greeting, Unfit> {
        if !self.is_on {
            return Err(Unfit::Off);
        }
        if !self.is_for(known) {
            return Err(Unfit::ForOthers);
        }
        let own = match &self.coupon_url {
            Some(url) => Some(filled(url, Put::InAddress, |it| known.value(it)).map_err(Unfit::Lacks)?),
            None => None,
        };
        let known = Known { coupon: own.unwrap_or_else(|| known.coupon.clone()), ..known.clone() };
        let value = |word| known.value(word);
        let plain = |text: &str| filled(text, Put::Plain, value).map_err(Unfit::Lacks);
        let text = plain(&self.text)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(Unfit::TooLong);
        }
        let link = |title: String, description: &str, url: String| {
            let description = cut(plain(description)?, DESCRIPTION_BYTES_MAX);
            Ok(Part::Link { title: cut(title, TITLE_BYTES_MAX), description, url })
        };
        let needs_code = |picture: PictureFrom| match (picture, &known.group) {
            (PictureFrom::Code, None) => Err(Unfit::Lacks(Word::Group)),
            _ => Ok(picture),
        };
        let part = |it: &Attachment| match it {
            Attachment::Group { form, title, description } => {
                let group = known.group.as_ref().ok_or(Unfit::Lacks(Word::Group))?;
                let title = if title.trim().is_empty() { group.name.clone() } else { plain(title)? };
                match form {
                    GroupForm::Link => link(title, description, group.page.clone()),
                    GroupForm::Picture => Ok(Part::Image(PictureFrom::Code)),
                }
            }
            Attachment::Coupon { title, description } => {
                let url = filled("{coupon}", Put::InAddress, value).map_err(Unfit::Lacks)?;
                link(plain(title)?, description, url)
            }
            Attachment::Link { title, description, url } => {
                link(plain(title)?, description, filled(url, Put::InAddress, value).map_err(Unfit::Lacks)?)
            }
            Attachment::Miniprogram { title, app_id, page, picture } => Ok(Part::Miniprogram {
                title: cut(plain(title)?, MINI_TITLE_BYTES_MAX),
                app_id: app_id.clone(),
                page: filled(page, Put::InAddress, value).map_err(Unfit::Lacks)?,
                picture: needs_code(*picture)?,
            }),
            Attachment::Image { picture } => Ok(Part::Image(needs_code(*picture)?)),
        };
        Ok(Greeting { text, parts: self.attachments.iter().map(part).collect::<Result<_, _>>()? })
    }
}

/// What a template came to.
pub type Verdict = Result<Greeting, Unfit>;

/// Every template with what it came to for a customer, the most special first; of two that are as special the one with the smaller
/// id. The first that came to a greeting is the one that is sent.
#[must_use]
pub fn verdicts<'t>(templates: &'t [Kept], known: &Known) -> Vec<(&'t Kept, Verdict)> {
    let mut all: Vec<&Kept> = templates.iter().collect();
    all.sort_by(|a, b| b.template.weight().cmp(&a.template.weight()).then_with(|| a.id.cmp(&b.id)));
    all.into_iter().map(|it| (it, it.template.greet(known))).collect()
}

#[cfg(test)]
mod tests;
