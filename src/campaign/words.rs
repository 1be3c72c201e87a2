//! A campaign's own words on its page, in Chinese and in English. Plain text: the page escapes it.

use serde::{Deserialize, Serialize};

/// The longest of a campaign's texts, in characters: two lines on a phone.
pub const WORDS_CHARS_MAX: usize = 80;

/// Words of one language; what is empty is left to the page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Words {
    /// The title of the document, which `WeChat` shows above the page and in shared links.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub title: Box<str>,
    /// A sentence at the top of the page.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub lead: Box<str>,
    /// A sentence below the code: what joining brings.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub join_hint: Box<str>,
    /// The line on privacy at the foot of the page.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub privacy: Box<str>,
}

/// A campaign's words in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CampaignWords {
    /// Chinese.
    #[serde(default, rename = "texts", skip_serializing_if = "Words::is_empty")]
    pub zh: Words,
    /// English.
    #[serde(default, rename = "texts_en", skip_serializing_if = "Words::is_empty")]
    pub en: Words,
}

impl Words {
    /// The names of the texts in a campaign's file.
    pub const NAMES: [&str; 4] = ["title", "lead", "join_hint", "privacy"];

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The text of a name.
    #[must_use]
    pub fn named(&mut self, name: &str) -> Option<&mut Box<str>> {
        match name {
            "title" => Some(&mut self.title),
            "lead" => Some(&mut self.lead),
            "join_hint" => Some(&mut self.join_hint),
            "privacy" => Some(&mut self.privacy),
            _ => None,
        }
    }
}
