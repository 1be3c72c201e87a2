//! The fields of a campaign that say which way it leads: mode, share, rotation, fallbacks.

use toml::Value;

use super::Reader;
use crate::campaign::{Fallbacks, Mode, PERCENT_MAX, Rotation, Rung};

impl Reader<'_> {
    /// `mode`, and `contact_percent` with `split`.
    pub(super) fn mode(&mut self) -> Option<Mode> {
        let word = self.text("mode");
        let percent = self.table.remove("contact_percent");
        let share = match &percent {
            None => None,
            Some(value) => {
                let number = value.as_integer().and_then(|it| u8::try_from(it).ok()).filter(|it| *it <= PERCENT_MAX);
                if number.is_none() {
                    let message = format!("contact_percent is not a whole number from 0 to {PERCENT_MAX}");
                    return self.fail("contact_percent", "out_of_range", &value.to_string(), message);
                }
                number
            }
        };
        match (word.as_deref(), share) {
            (Some("split"), Some(contact_percent)) => Some(Mode::Split { contact_percent }),
            (Some("split"), None) => self.fail(
                "contact_percent",
                "missing",
                "",
                "with mode split, contact_percent says how many see the contact",
            ),
            (_, Some(share)) => {
                let message = "contact_percent says something with mode = \"split\" only";
                self.fail("contact_percent", "needs_split", &share.to_string(), message)
            }
            (None | Some("group"), None) => Some(Mode::Group),
            (Some("contact"), None) => Some(Mode::Contact),
            (Some(other), None) => self.fail("mode", "unknown_mode", other, "mode is none of group, contact, split"),
        }
    }

    pub(super) fn rotation(&mut self) -> Option<Rotation> {
        let Some(word) = self.text("rotation") else {
            return Some(Rotation::default());
        };
        let rotation = Rotation::parse(&word);
        rotation
            .or_else(|| self.fail("rotation", "unknown_rotation", &word, "rotation is none of in_order, least_filled"))
    }

    pub(super) fn fallbacks(&mut self) -> Option<Fallbacks> {
        let Some(value) = self.table.remove("fallbacks") else {
            return Some(Fallbacks::default());
        };
        let rung = |it: &Value| Rung::OPTIONAL.into_iter().find(|rung| Some(rung.as_str()) == it.as_str());
        let rungs: Option<Vec<Rung>> = value.as_array().and_then(|list| list.iter().map(rung).collect());
        let message = "fallbacks is a list of next_store, contact, region, campaign";
        match rungs {
            Some(rungs) => Some(Fallbacks::only(rungs)),
            None => self.fail("fallbacks", "unknown_fallback", &value.to_string(), message),
        }
    }
}
