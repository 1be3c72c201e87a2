//! What a campaign's entry says of its stores, its period and its words.

use toml::{Table, Value};

use super::Reader;
use crate::campaign::{CampaignWords, NAMES_MAX, OpenStores, Period, StoreSelection, WORDS_CHARS_MAX, Words};
use crate::catalog::draft::TEXT_CHARS_MAX;
use crate::id::CampaignSlug;
use crate::time::Timestamp;

impl Reader<'_> {
    pub(super) fn stores(&mut self) -> StoreSelection {
        StoreSelection { tags: self.names("store_tags"), regions: self.names("store_regions") }
    }

    fn names(&mut self, field: &'static str) -> Box<[Box<str>]> {
        let Some(value) = self.table.remove(field) else {
            return Box::default();
        };
        let Some(list) = value.as_array().filter(|it| it.len() <= NAMES_MAX && !it.is_empty()) else {
            let message = format!("{field} is not a list of 1 to {NAMES_MAX} names such as [\"a\", \"b\"]");
            self.fail::<()>(field, "not_a_list", &value.to_string(), message);
            return Box::default();
        };
        let mut names: Vec<Box<str>> = Vec::new();
        for it in list {
            match it.as_str().map(str::trim).filter(|it| (1..=TEXT_CHARS_MAX).contains(&it.chars().count())) {
                Some(name) if names.iter().any(|it| **it == *name) => {}
                Some(name) => names.push(name.into()),
                None => {
                    let message = format!("{field} holds what is not a name of 1 to {TEXT_CHARS_MAX} characters");
                    self.fail::<()>(field, "not_a_text", &it.to_string(), message);
                }
            }
        }
        names.into()
    }

    pub(super) fn open_stores(&mut self) -> OpenStores {
        let parse = |it: &str| OpenStores::parse(it).ok_or_else(|| "is none of ignore, prefer, require".to_owned());
        self.parsed("open_stores", "unknown_word", parse).unwrap_or_default()
    }

    pub(super) fn period(&mut self) -> Period {
        let (starts_at, ends_at) = (self.moment("starts_at"), self.moment("ends_at"));
        let ended_to =
            self.parsed("ended_to", "invalid_slug", |it| CampaignSlug::parse(it).map_err(|error| error.to_string()));
        Period { starts_at, ends_at, ended_to }
    }

    /// A moment with its offset, in quotes or as TOML writes it.
    fn moment(&mut self, field: &'static str) -> Option<Timestamp> {
        if let Some(Value::Datetime(written)) = self.table.get(field) {
            let written = Value::String(written.to_string());
            self.table.insert(field.to_owned(), written);
        }
        self.parsed(field, "invalid_time", |it| {
            Timestamp::parse_rfc3339(it).ok_or_else(|| "is not a time such as 2026-12-01T00:00:00+08:00".to_owned())
        })
    }

    pub(super) fn words(&mut self) -> CampaignWords {
        CampaignWords { zh: self.words_of("texts"), en: self.words_of("texts_en") }
    }

    fn words_of(&mut self, field: &'static str) -> Words {
        let mut words = Words::default();
        let texts = match self.table.remove(field) {
            None => Table::new(),
            Some(Value::Table(texts)) => texts,
            Some(other) => {
                self.fail::<()>(field, "not_a_table", &other.to_string(), format!("{field} is not a table of texts"));
                Table::new()
            }
        };
        for (name, value) in texts {
            let place = format!("{field}.{name}");
            let (slot, text) = (words.named(&name), value.as_str().map(str::trim));
            let (code, message) = match (slot, text) {
                (None, _) => {
                    ("unknown_field", format!("there is no text {name}; there are {}", Words::NAMES.join(", ")))
                }
                (_, None) => ("not_a_text", format!("{place} is not a text")),
                (_, Some(text)) if text.chars().any(char::is_control) => {
                    ("bad_character", format!("{place} has a line break or another control character"))
                }
                (_, Some(text)) if text.chars().count() > WORDS_CHARS_MAX => {
                    ("too_long", format!("{place} has more than {WORDS_CHARS_MAX} characters"))
                }
                (Some(slot), Some(text)) => {
                    *slot = text.into();
                    continue;
                }
            };
            self.fail_at(place, code, value.as_str().unwrap_or_default(), message);
        }
        words
    }
}
