//! Bodies and queries of groups and contacts, checked field by field.

use serde_json::{Map, Value};

use super::wire::WecomBody;
use crate::app::entrance::{Entrance, EntranceFilter};
use crate::app::join_code::check_link;
use crate::catalog::owned::OwnedKind;
use crate::group::{CAPACITY_MAX, Contact, GroupChat, GroupStatus, JoinCode, Owner};
use crate::http::Settings;
use crate::http::admin::fields::Fields;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::id::{CampaignSlug, ContactId, GroupId, IdError, RegionCode, StoreId};
use crate::time::Timestamp;

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The longest search text, in characters.
const TEXT_CHARS_MAX: usize = 60;
const DAY_MS: i64 = 86_400_000;

/// Reads a whole group or contact. `id` is the one in the address; a new one may name its own.
///
/// # Errors
/// Every field that is wrong.
pub(super) fn entrance(
    fields: Map<String, Value>,
    kind: OwnedKind,
    settings: &Settings,
    id: &mut dyn FnMut(Option<&str>, &Owner) -> String,
) -> Result<Entrance, Problem> {
    let mut fields = Fields::of(fields);
    let given = fields.text("id");
    let owner = owner(&mut fields);
    let name = name(&mut fields);
    let link = fields.required("url").and_then(|it| {
        check_link(&it, &settings.join_link_hosts)
            .map_err(|error| fields.fail::<()>("url", error.code, error.message))
            .ok()
    });
    let expires_at = fields.moment("expires_at");
    let order = fields.whole("order", i64::from(i32::MIN)..=i64::from(i32::MAX)).unwrap_or(0);
    let order = i32::try_from(order).unwrap_or(0);
    let wecom = fields.object("wecom", WecomBody::read).flatten();
    let made = (|| {
        let owner = owner?;
        let id = id(given.as_deref(), &owner);
        let (link, name) = (link?, name?);
        let code = JoinCode { link, expires_at };
        match kind {
            OwnedKind::Contacts => {
                let id = fields_id(&mut fields, ContactId::parse_new(&id))?;
                Some(Entrance::Contact(Contact { id, owner, name, code, order, wecom }))
            }
            OwnedKind::Groups => {
                let capacity = fields.whole("capacity", 1..=i64::from(CAPACITY_MAX));
                let capacity = capacity.and_then(|it| u32::try_from(it).ok()).unwrap_or(settings.groups.capacity);
                let status = status(&mut fields)?;
                let id = fields_id(&mut fields, GroupId::parse_new(&id))?;
                Some(Entrance::Group(GroupChat { id, owner, name, code, capacity, status, order, wecom }))
            }
        }
    })();
    if made.is_none() {
        // What was not looked at is not unknown.
        for field in ["capacity", "status"] {
            fields.take(field);
        }
    }
    fields.finish(made)
}

fn fields_id<T>(fields: &mut Fields, id: Result<T, IdError>) -> Option<T> {
    id.map_err(|error| fields.fail::<()>("id", "invalid_id", error.to_string())).ok()
}

fn status(fields: &mut Fields) -> Option<GroupStatus> {
    match fields.text("status").as_deref() {
        None | Some("active") => Some(GroupStatus::Active),
        Some("paused") => Some(GroupStatus::Paused),
        Some(_) => fields.fail("status", "unknown_status", "is neither active nor paused"),
    }
}

fn name(fields: &mut Fields) -> Option<Box<str>> {
    let name = fields.required("name")?;
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return fields.fail("name", "too_long", format!("is not one line of up to {NAME_CHARS_MAX} characters"));
    }
    Some(name.into())
}

fn owner(fields: &mut Fields) -> Option<Owner> {
    let rule = "is one of {\"store\": id}, {\"region\": code}, {\"campaign\": name}";
    let Some(Value::Object(owner)) = fields.take("owner") else {
        return fields.fail("owner", "missing", rule);
    };
    let mut entries = owner.iter();
    let (Some((kind, Value::String(id))), None) = (entries.next(), entries.next()) else {
        return fields.fail("owner", "unknown_owner", rule);
    };
    let read = match kind.as_str() {
        "store" => StoreId::parse(id).map(Owner::Store),
        "region" => RegionCode::parse(id).map(Owner::Region),
        "campaign" => CampaignSlug::parse(id).map(Owner::Campaign),
        _ => return fields.fail("owner", "unknown_owner", rule),
    };
    read.map_err(|error| fields.fail::<()>("owner", "invalid_id", error.to_string())).ok()
}

/// Reads the filters of a list, and which page of it.
pub(super) fn filter(query: &str, now: Timestamp) -> Result<(EntranceFilter, usize, usize), Problem> {
    let mut query = Query::parse(query)?;
    let mut filter = EntranceFilter::default();
    let named = ["store", "region", "campaign"].map(|it| (it, query.text(it).map(ToOwned::to_owned)));
    for (kind, id) in named {
        let Some(id) = id else { continue };
        let owner = match kind {
            "store" => StoreId::parse(&id).map(Owner::Store),
            "region" => RegionCode::parse(&id).map(Owner::Region),
            _ => CampaignSlug::parse(&id).map(Owner::Campaign),
        };
        match owner {
            Ok(owner) => filter.owner = Some(owner),
            Err(error) => query.fail(kind, "invalid_id", error.to_string()),
        }
    }
    let text: Option<String> =
        query.text("q").map(|it| it.trim().to_lowercase().chars().take(TEXT_CHARS_MAX).collect());
    filter.text = text.filter(|it| !it.is_empty());
    filter.status = match query.text("status") {
        None => None,
        Some("active") => Some(GroupStatus::Active),
        Some("paused") => Some(GroupStatus::Paused),
        Some(_) => {
            query.fail("status", "unknown_status", "is neither active nor paused");
            None
        }
    };
    if query.text("expiring").is_some() {
        let days = i64::try_from(query.count("expiring", 3, 0..=3_650)).unwrap_or(3);
        filter.expiring = Some(now.plus_ms(days * DAY_MS));
    }
    let page = query.count("page", 1, 1..=1_000_000);
    let per_page = query.count("per_page", 50, 1..=200);
    query.finish()?;
    Ok((filter, page, per_page))
}
