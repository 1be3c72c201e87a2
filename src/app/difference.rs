//! What a publication would change, entry by entry and field by field, for whoever decides on it.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use crate::catalog::{Catalog, Change};
use crate::time::Timestamp;

/// Entries that are listed.
pub const DIFFERENCES_MAX: usize = 500;
/// A text is cut to so many characters.
const TEXT_CHARS_MAX: usize = 200;

/// An entry that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// `store`, `group`, `contact` or `campaign`.
    pub of: &'static str,
    /// Its id.
    pub id: String,
    /// `created`, `updated` or `removed`.
    pub kind: &'static str,
    /// The row of the sheet that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// What it is called.
    pub name: String,
    /// Its fields that differ; none of one that goes.
    pub fields: Vec<FieldChange>,
}

/// A field that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it is; none if it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it would be; none if it would be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What lies between two catalogs, of the entries that changed; those that stand in no row come last.
pub(super) fn differences(
    before: &Catalog,
    after: &Catalog,
    changes: &[Change],
    places: &HashMap<String, u64>,
) -> Vec<Difference> {
    let (old, new) = (Nouns::of(before, changes), Nouns::of(after, changes));
    let mut all: Vec<Difference> = changes
        .iter()
        .filter_map(|change| {
            let (of, id) = named(change)?;
            let (old, new) = (old.fields(change), new.fields(change));
            let kind = match (&old, &new) {
                (None, None) => return None,
                (None, Some(_)) => "created",
                (Some(_), Some(_)) => "updated",
                (Some(_), None) => "removed",
            };
            let row = places.get(&id).copied().filter(|_| kind != "removed");
            let name = new.as_ref().or(old.as_ref()).and_then(|it| it.get("name")).cloned().unwrap_or_default();
            let fields =
                if kind == "removed" { Vec::new() } else { between(old.unwrap_or_default(), new.unwrap_or_default()) };
            Some(Difference { of, id, kind, row, name, fields })
        })
        .take(DIFFERENCES_MAX)
        .collect();
    all.sort_by_key(|it| it.row.unwrap_or(u64::MAX));
    all
}

type Fields = BTreeMap<String, String>;

fn between(mut old: Fields, new: Fields) -> Vec<FieldChange> {
    let mut fields: Vec<FieldChange> = new
        .into_iter()
        .filter_map(|(field, after)| {
            let before = old.remove(&field);
            (before.as_ref() != Some(&after)).then_some(FieldChange { field, before, after: Some(after) })
        })
        .collect();
    fields.extend(old.into_iter().map(|(field, before)| FieldChange { field, before: Some(before), after: None }));
    fields
}

fn named(change: &Change) -> Option<(&'static str, String)> {
    match change {
        Change::Store(id) => Some(("store", id.to_string())),
        Change::Group(id) => Some(("group", id.to_string())),
        Change::Contact(id) => Some(("contact", id.to_string())),
        Change::Campaign(slug) => Some(("campaign", slug.to_string())),
        Change::Region(_) | Change::ServiceArea(_) => None,
    }
}

/// The groups, contacts and campaigns that changed, by their ids; stores are found in the catalog.
struct Nouns<'a> {
    catalog: &'a Catalog,
    others: HashMap<Change, Value>,
}

impl<'a> Nouns<'a> {
    fn of(catalog: &'a Catalog, changes: &[Change]) -> Self {
        let wanted: std::collections::HashSet<&Change> =
            changes.iter().filter(|it| !matches!(it, Change::Store(_))).collect();
        let mut others = HashMap::new();
        let mut keep = |change: Change, noun: &dyn Fn() -> Value| {
            if wanted.contains(&change) {
                others.insert(change, noun());
            }
        };
        for it in catalog.groups() {
            keep(Change::Group(it.id.clone()), &|| json(it));
        }
        for it in catalog.contacts() {
            keep(Change::Contact(it.id.clone()), &|| json(it));
        }
        for it in catalog.campaigns() {
            keep(Change::Campaign(it.slug.clone()), &|| json(it));
        }
        Self { catalog, others }
    }

    fn fields(&self, change: &Change) -> Option<Fields> {
        let noun = match change {
            Change::Store(id) => self.catalog.store_key(id).and_then(|key| self.catalog.store(key)).map(json),
            Change::Group(_)
            | Change::Contact(_)
            | Change::Campaign(_)
            | Change::Region(_)
            | Change::ServiceArea(_) => self.others.get(change).cloned(),
        };
        let mut fields = Fields::new();
        flatten(noun?, &mut fields);
        Some(fields)
    }
}

fn json(noun: &impl Serialize) -> Value {
    serde_json::to_value(noun).unwrap_or_default()
}

/// The fields of a noun as the sheet names them: what lies inside others stands beside them.
fn flatten(noun: Value, fields: &mut Fields) {
    let Value::Object(members) = noun else { return };
    for (name, value) in members {
        let text = match &value {
            Value::Null => continue,
            Value::Object(_) => {
                flatten(value, fields);
                continue;
            }
            Value::Number(number) if name == "expires_at" => {
                number.as_i64().map_or_else(String::new, |it| Timestamp::from_unix_ms(it).to_string())
            }
            Value::String(text) => text.clone(),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";")
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
        };
        if name != "id" && !text.is_empty() {
            fields.insert(name, text.chars().take(TEXT_CHARS_MAX).collect());
        }
    }
}
