//! Campaigns as a person writes them: a TOML file with one `[[campaign]]` after another.

mod route;
mod terms;

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Problem;
use super::draft::FirstGroup;
use crate::campaign::{Campaign, Colour, Logo, REACH_M_MAX};
use crate::group::{CAPACITY_MAX, GroupDefaults, JoinLink};
use crate::id::CampaignSlug;
use crate::time::Timestamp;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 60;

/// A campaign, and its own group if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignRow {
    /// The campaign.
    pub campaign: Campaign,
    /// Its own group, shown where no store's may be.
    pub group: Option<FirstGroup>,
}

/// Reads campaigns. `picture` fetches the bytes of a logo by the name that stands in the file.
///
/// # Errors
/// Everything wrong, with the campaign's place in the file (from 1) as its row.
pub fn read_campaigns(
    text: &str,
    link_hosts: &[String],
    groups: GroupDefaults,
    picture: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Vec<CampaignRow>, Vec<Problem>> {
    let table: Table =
        text.parse().map_err(|error: toml::de::Error| vec![Problem::new("not_toml", error.to_string())])?;
    let mut problems = Vec::new();
    for name in table.keys().filter(|it| *it != "campaign") {
        problems.push(Problem::new(
            "unknown_field",
            format!("there is no field {name}; each campaign begins with [[campaign]]"),
        ));
    }
    let rows = table.get("campaign").and_then(Value::as_array).cloned().unwrap_or_default();
    if rows.is_empty() {
        problems.push(Problem::new("no_rows", "the file has no [[campaign]]"));
    }
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    for (row, value) in (1_u64..).zip(rows) {
        let mut reader = Reader { row, table: value.as_table().cloned().unwrap_or_default(), problems: &mut problems };
        if let Some(it) = reader.campaign((link_hosts, groups), picture) {
            if seen.insert(it.campaign.slug.clone()) {
                read.push(it);
            } else {
                problems.push(
                    Problem::new("duplicate_id", "this slug stands twice")
                        .in_row(row)
                        .in_column("slug", it.campaign.slug.as_str()),
                );
            }
        }
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// Reads one campaign from JSON with the fields of a file, each checked as there. Its logo and its groups are set elsewhere.
///
/// # Errors
/// Everything wrong, by field.
pub fn read_campaign(fields: serde_json::Map<String, serde_json::Value>) -> Result<Campaign, Vec<Problem>> {
    let mut problems = Vec::new();
    let elsewhere = ["logo", "group_url", "group_name", "group_capacity", "group_expires"];
    for field in elsewhere.into_iter().filter(|it| fields.contains_key(*it)) {
        let message = format!("{field} is not set here");
        problems.push(Problem::new("unknown_field", message).in_column(field, ""));
    }
    let fields = fields.into_iter().filter(|(name, _)| !elsewhere.contains(&name.as_str()));
    // An empty list of stores chooses none of them out; an empty list of fallbacks means none of them.
    let is_unsaid =
        |name: &str, value: &serde_json::Value| name != "fallbacks" && value.as_array().is_some_and(Vec::is_empty);
    let fields = fields.filter(|(name, value)| !is_unsaid(name, value));
    let table: Table = fields.filter_map(|(name, value)| Some((name, from_json(value)?))).collect();
    let mut reader = Reader { row: 1, table, problems: &mut problems };
    let no_picture = |_: &str| Err("is not set here".to_owned());
    let read = reader.campaign((&[], GroupDefaults::default()), &no_picture);
    match read {
        Some(row) if problems.is_empty() => Ok(row.campaign),
        _ => Err(problems.into_iter().map(|it| Problem { row: None, ..it }).collect()),
    }
}

/// JSON as TOML has it. What is null says nothing.
fn from_json(value: serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match value {
        Json::Null => return None,
        Json::Bool(it) => Value::Boolean(it),
        Json::Number(it) => it.as_i64().map_or_else(|| it.as_f64().map(Value::Float), |it| Some(Value::Integer(it)))?,
        Json::String(it) => Value::String(it),
        Json::Array(list) => Value::Array(list.into_iter().filter_map(from_json).collect()),
        Json::Object(fields) => {
            Value::Table(fields.into_iter().filter_map(|(name, value)| Some((name, from_json(value)?))).collect())
        }
    })
}

struct Reader<'a> {
    row: u64,
    table: Table,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn fail<T>(
        &mut self,
        field: &'static str,
        code: &'static str,
        value: &str,
        message: impl Into<String>,
    ) -> Option<T> {
        self.problems.push(Problem::new(code, message).in_row(self.row).in_column(field, value));
        None
    }

    fn fail_at(&mut self, place: String, code: &'static str, value: &str, message: String) {
        self.problems.push(Problem::new(code, message).in_row(self.row).in_column(place, value));
    }

    fn text(&mut self, field: &'static str) -> Option<String> {
        let value = self.table.remove(field)?;
        match value.as_str() {
            Some(text) => Some(text.trim().to_owned()).filter(|it| !it.is_empty()),
            None => self.fail(field, "not_a_text", &value.to_string(), format!("{field} is not a text")),
        }
    }

    fn parsed<T>(
        &mut self,
        field: &'static str,
        code: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(field)?;
        parse(&text).map_or_else(|error| self.fail(field, code, &text, format!("{field} {error}")), Some)
    }

    fn campaign(
        &mut self,
        (hosts, groups): (&[String], GroupDefaults),
        picture: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    ) -> Option<CampaignRow> {
        let before = self.problems.len();
        let slug = self.parsed("slug", "invalid_slug", |it| {
            let slug = CampaignSlug::parse(it).map_err(|error| error.to_string())?;
            let rule = "may hold letters, digits, - and _ only, because it stands in the printed address";
            if slug.is_printable() { Ok(slug) } else { Err(rule.to_owned()) }
        });
        let name = self.parsed("name", "too_long", |it| {
            if it.chars().count() <= NAME_CHARS_MAX {
                Ok(Box::from(it))
            } else {
                Err(format!("has more than {NAME_CHARS_MAX} characters"))
            }
        });
        let colour = self.parsed("colour", "invalid_colour", |it| Colour::parse(it).map_err(|error| error.to_string()));
        let logo = self.parsed("logo", "invalid_logo", |it| {
            picture(it).and_then(|bytes| Logo::from_bytes(bytes).map_err(|error| error.to_string()))
        });
        let reach_m = self.reach();
        let service_areas = self.flag("service_areas").unwrap_or_default();
        let (mode, rotation, fallbacks) = (self.mode(), self.rotation(), self.fallbacks());
        let group = self.group(hosts, groups);
        let stores = self.stores();
        let open_stores = self.open_stores();
        let period = self.period();
        let words = self.words();
        for (field, required) in [("slug", slug.is_none()), ("name", name.is_none())] {
            let is_named = self.problems.iter().skip(before).any(|it| it.column.as_deref() == Some(field));
            if required && !is_named {
                self.fail::<()>(field, "missing", "", format!("{field} is required"));
            }
        }
        let unknown: Vec<String> = self.table.keys().cloned().collect();
        for field in unknown {
            let message = format!("there is no field {field}");
            self.problems.push(Problem::new("unknown_field", message).in_row(self.row).in_column(field, ""));
        }
        if self.problems.len() > before {
            return None;
        }
        let plain = Campaign::named(slug?, name?);
        Some(CampaignRow {
            campaign: Campaign {
                colour,
                logo,
                reach_m,
                service_areas,
                mode: mode?,
                rotation: rotation?,
                fallbacks: fallbacks?,
                stores,
                open_stores,
                period,
                words,
                ..plain
            },
            group,
        })
    }

    fn flag(&mut self, field: &'static str) -> Option<bool> {
        let value = self.table.remove(field)?;
        match value.as_bool() {
            Some(flag) => Some(flag),
            None => self.fail(field, "not_a_flag", &value.to_string(), format!("{field} is neither true nor false")),
        }
    }

    fn reach(&mut self) -> Option<f64> {
        let value = self.table.remove("reach_m")?;
        let whole = value.as_integer().and_then(|it| i32::try_from(it).ok()).map(f64::from);
        let reach = value.as_float().or(whole).filter(|it| *it > 0.0 && *it <= REACH_M_MAX);
        let message = format!("reach_m is not a distance above 0 and up to {REACH_M_MAX} metres");
        reach.or_else(|| self.fail("reach_m", "out_of_range", &value.to_string(), message))
    }

    fn group(&mut self, hosts: &[String], defaults: GroupDefaults) -> Option<FirstGroup> {
        let link = self.parsed("group_url", "link_not_allowed", |it| {
            JoinLink::parse(it, hosts).map_err(|error| error.to_string())
        });
        let name = self.text("group_name");
        let expires_at = self.parsed("group_expires", "invalid_time", |it| {
            Timestamp::parse_rfc3339(it).ok_or_else(|| "is not a time such as 2026-12-01T00:00:00+08:00".to_owned())
        });
        let capacity = match self.table.remove("group_capacity") {
            None => defaults.capacity,
            Some(value) => {
                let number = value
                    .as_integer()
                    .and_then(|it| u32::try_from(it).ok())
                    .filter(|it| (1..=CAPACITY_MAX).contains(it));
                let message = format!("group_capacity is not a number from 1 to {CAPACITY_MAX}");
                number.or_else(|| self.fail("group_capacity", "out_of_range", &value.to_string(), message))?
            }
        };
        Some(FirstGroup {
            link: link?,
            name: name.unwrap_or_default().into(),
            capacity,
            expires_at,
            expires_by_default: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Mode, Rotation, Rung};

    fn read(text: &str) -> Result<Vec<CampaignRow>, Vec<Problem>> {
        read_campaigns(text, &["work.weixin.qq.com".to_owned()], GroupDefaults::default(), &|_| {
            Ok(b"\x89PNG\r\n\x1a\n....".to_vec())
        })
    }

    #[test]
    fn a_campaign_is_read_with_its_group_and_logo() {
        let text = "[[campaign]]\nslug = \"tea\"\nname = \"茶\"\ncolour = \"#0b6b4f\"\nlogo = \"tea.png\"\nreach_m = 20000\nservice_areas = true\n\
                    group_url = \"https://work.weixin.qq.com/gm/1\"\n";
        let rows = read(text).unwrap();
        let [row] = rows.as_slice() else { panic!("one campaign") };
        assert_eq!(
            (row.campaign.slug.as_str(), &*row.campaign.name, row.campaign.reach_m),
            ("tea", "茶", Some(20_000.0))
        );
        assert_eq!(row.campaign.logo.as_ref().unwrap().content_type(), "image/png");
        assert_eq!((row.group.as_ref().unwrap().capacity, row.campaign.service_areas), (200, true));
    }

    #[test]
    fn every_wrong_field_is_named_with_its_campaign() {
        let text = "[[campaign]]\nslug = \"a/b\"\ncolour = \"red\"\nreach_m = -1\nsize = 3\nservice_areas = 1\n\
                    [[campaign]]\nslug = \"ok\"\nname = \"ok\"\ngroup_url = \"http://evil.example/\"\ngroup_capacity = 0\n";
        let found: Vec<_> = read(text)
            .unwrap_err()
            .iter()
            .map(|it| (it.row.unwrap(), it.column.clone().unwrap().into_owned(), it.code))
            .collect();
        let expected = [
            (1, "slug", "invalid_slug"),
            (1, "colour", "invalid_colour"),
            (1, "reach_m", "out_of_range"),
            (1, "service_areas", "not_a_flag"),
            (1, "name", "missing"),
            (1, "size", "unknown_field"),
            (2, "group_url", "link_not_allowed"),
            (2, "group_capacity", "out_of_range"),
        ];
        assert_eq!(found, expected.map(|(row, field, code)| (row, field.to_owned(), code)));
    }

    #[test]
    fn stores_period_and_words_are_read() {
        let text = "[[campaign]]\nslug = \"tea\"\nname = \"茶\"\nstore_tags = [\"a\", \"a\"]\nstore_regions = [\"上海\"]\nopen_stores = \"prefer\"\n\
                    starts_at = 2026-12-01T00:00:00+08:00\nends_at = \"2026-12-31T00:00:00+08:00\"\nended_to = \"default\"\n\
                    [campaign.texts]\ntitle = \"冬日茶会\"\nlead = \"进群领券\"\n[campaign.texts_en]\njoin_hint = \"A cup for free\"\n";
        let rows = read(text).unwrap();
        let it = &rows[0].campaign;
        assert_eq!((it.stores.tags.len(), &*it.stores.regions[0]), (1, "上海"));
        assert_eq!(it.open_stores.as_str(), "prefer");
        let moment = |it: Option<Timestamp>| it.unwrap().to_string();
        assert_eq!(moment(it.period.starts_at), "2026-11-30T16:00:00Z");
        assert_eq!(moment(it.period.ends_at), "2026-12-30T16:00:00Z");
        assert_eq!(
            (&*it.words.zh.title, &*it.words.zh.lead, &*it.words.en.join_hint),
            ("冬日茶会", "进群领券", "A cup for free")
        );
        let kept: Campaign = serde_json::from_str(&serde_json::to_string(it).unwrap()).unwrap();
        assert_eq!(kept, *it);
    }

    #[test]
    fn wrong_stores_periods_and_words_are_named() {
        let long = "x".repeat(81);
        let text = format!(
            "[[campaign]]\nslug = \"tea\"\nname = \"t\"\nstore_tags = \"a\"\nstore_regions = [1]\nopen_stores = \"maybe\"\n\
             starts_at = 2026-12-01\nended_to = \"\\u0000\"\ntexts_en = 3\n\
             [campaign.texts]\nlead = \"{long}\"\nhello = \"x\"\ntitle = \"a\\nb\"\nprivacy = 4\n"
        );
        let found: Vec<_> =
            read(&text).unwrap_err().iter().map(|it| (it.column.clone().unwrap().into_owned(), it.code)).collect();
        let expected = [
            ("store_tags", "not_a_list"),
            ("store_regions", "not_a_text"),
            ("open_stores", "unknown_word"),
            ("starts_at", "invalid_time"),
            ("ended_to", "invalid_slug"),
            ("texts.hello", "unknown_field"),
            ("texts.lead", "too_long"),
            ("texts.privacy", "not_a_text"),
            ("texts.title", "bad_character"),
            ("texts_en", "not_a_table"),
        ];
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn the_way_a_campaign_leads_is_read() {
        let one = |fields: &str| read(&format!("[[campaign]]\nslug = \"a\"\nname = \"a\"\n{fields}\n"));
        let led = |fields| one(fields).map(|it| (it[0].campaign.mode, it[0].campaign.rotation));
        assert_eq!(led(""), Ok((Mode::Group, Rotation::InOrder)));
        let split = led("mode = \"split\"\ncontact_percent = 30\nrotation = \"least_filled\"");
        assert_eq!(split, Ok((Mode::Split { contact_percent: 30 }, Rotation::LeastFilled)));
        let rungs = one("fallbacks = [\"contact\", \"campaign\"]").unwrap()[0].campaign.fallbacks.clone();
        assert_eq!(Rung::OPTIONAL.map(|it| rungs.allow(it)), [false, true, false, true]);
        let refused = |fields| {
            let problems = one(fields).unwrap_err();
            (problems[0].row.unwrap(), problems[0].column.clone().unwrap().into_owned(), problems[0].code)
        };
        for (fields, column, code) in [
            ("mode = \"both\"", "mode", "unknown_mode"),
            ("mode = \"split\"", "contact_percent", "missing"),
            ("mode = \"split\"\ncontact_percent = 101", "contact_percent", "out_of_range"),
            ("mode = \"split\"\ncontact_percent = -1", "contact_percent", "out_of_range"),
            ("mode = \"split\"\ncontact_percent = 0.5", "contact_percent", "out_of_range"),
            ("contact_percent = 50", "contact_percent", "needs_split"),
            ("rotation = \"random\"", "rotation", "unknown_rotation"),
            ("fallbacks = [\"group\"]", "fallbacks", "unknown_fallback"),
            ("fallbacks = \"contact\"", "fallbacks", "unknown_fallback"),
        ] {
            assert_eq!(refused(fields), (1, column.to_owned(), code), "{fields}");
        }
    }

    #[test]
    fn an_empty_file_and_broken_toml_say_so() {
        assert_eq!(read("").unwrap_err()[0].code, "no_rows");
        assert_eq!(read("[[campaign").unwrap_err()[0].code, "not_toml");
    }
}
