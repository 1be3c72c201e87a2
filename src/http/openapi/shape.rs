//! The shapes of what is written by hand for speed or comes from elsewhere; all others are derived from their types. A test holds
//! real answers against them.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// What stands before the name of a shape until the document is put together: no type is called so, so none is taken for it.
pub(super) const BY_HAND: char = '=';

/// Keeps a shape under a name and refers to it. Another one that is called so already stays beside it, for the document to refuse.
fn named(generator: &mut SchemaGenerator, name: &str, shape: Value) -> Schema {
    let shapes = generator.definitions_mut();
    let mut key = format!("{BY_HAND}{name}");
    while shapes.get(&key).is_some_and(|it| *it != shape) {
        key.insert(0, BY_HAND);
    }
    let reference = Schema::new_ref(format!("#/components/schemas/{key}"));
    shapes.entry(key).or_insert(shape);
    reference
}

/// An object whose fields are always there.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let required = json!(required);
    let properties: Map<String, Value> = fields.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn number() -> Value {
    json!({"type": "number"})
}

fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn truth() -> Value {
    json!({"type": "boolean"})
}

fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn list(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

fn or_null(shape: Value) -> Value {
    let plain =
        shape.get("type").and_then(Value::as_str).filter(|_| shape.get("enum").is_none()).map(ToOwned::to_owned);
    match (plain, shape) {
        (Some(kind), Value::Object(mut fields)) => {
            fields.insert("type".to_owned(), json!([kind, "null"]));
            Value::Object(fields)
        }
        (_, shape) => json!({"anyOf": [shape, {"type": "null"}]}),
    }
}

/// Any JSON object.
pub(in crate::http) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

/// An error (RFC 9457).
pub(super) fn problem(generator: &mut SchemaGenerator) -> Schema {
    let error = object([("field", text()), ("code", text()), ("message", text())]);
    let mut shape = object([
        ("type", json!({"type": "string", "format": "uri"})),
        ("title", text()),
        ("status", json!({"type": "integer", "minimum": 400, "maximum": 599})),
        ("detail", text()),
        ("code", json!({"type": "string", "description": "A stable word."})),
    ]);
    if let Some(properties) = shape.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("errors".to_owned(), list(&error));
    }
    named(generator, "Problem", shape)
}

fn position() -> Value {
    json!({
        "type": "object",
        "properties": {
            "lat": {"type": "number", "minimum": -90, "maximum": 90},
            "lng": {"type": "number", "minimum": -180, "maximum": 180},
            "datum": {"type": "string", "enum": ["wgs84", "gcj02", "bd09"], "default": "wgs84"},
            "accuracy_m": {"type": ["number", "null"], "minimum": 0},
        },
        "required": ["lat", "lng"],
    })
}

/// What a visit tells.
pub(in crate::http) fn scan_request(generator: &mut SchemaGenerator) -> Schema {
    let shape = json!({
        "type": "object",
        "properties": {
            "campaign": {"type": ["string", "null"], "default": "default"},
            "position": {"anyOf": [position(), {"type": "null"}]},
            "store": {"type": ["string", "null"], "description": "The customer's own choice; wins over everything."},
            "route": {"enum": ["group", "contact", null]},
            "visitor": {"type": ["string", "null"], "description": "The token of an earlier answer; else the cookie."},
            "scan": {"type": ["string", "null"], "description": "The id of an earlier answer, to refine that visit."},
            "consent": {"type": ["string", "null"], "description": "The version of the privacy notice that was seen."},
        },
    });
    named(generator, "ScanRequest", shape)
}

fn fallback() -> Value {
    let rung = one_of(&["next_store", "contact", "group", "region", "campaign"]);
    let reason = one_of(&["full", "expired", "paused", "closed", "no_join_code", "out_of_reach", "unknown_place"]);
    let mut shape = object([("rung", rung), ("reason", reason)]);
    if let Some(properties) = shape.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("store".to_owned(), object([("id", text()), ("name", text())]));
    }
    shape
}

/// A store of a routing answer.
fn store(distance: Value) -> Value {
    object([
        ("id", text()),
        ("name", text()),
        ("address", text()),
        ("lat", number()),
        ("lng", number()),
        ("datum", one_of(&["wgs84"])),
        ("hours", or_null(text())),
        ("distance_m", distance),
        ("open", or_null(truth())),
        ("opens_at", or_null(text())),
    ])
}

/// The answer to a visit.
pub(in crate::http) fn scan_answer(generator: &mut SchemaGenerator) -> Schema {
    let state = one_of(&["running", "not_started", "ended"]);
    let join = object([
        ("kind", one_of(&["group", "contact"])),
        ("id", text()),
        ("name", text()),
        ("url", text()),
        ("qr_png", text()),
        ("qr_svg", text()),
        ("expires_at", or_null(text())),
    ]);
    let (province, city, district) = (or_null(text()), or_null(text()), or_null(text()));
    let region = [("province", province), ("city", city), ("district", district), ("areas", list(&text()))];
    let other = [("id", text()), ("name", text()), ("address", text()), ("distance_m", or_null(number()))];
    let shape = object([
        ("campaign", object([("slug", text()), ("state", state), ("served_by", text())])),
        ("scan", text()),
        ("visitor", text()),
        ("outcome", one_of(&["routed", "choose", "out_of_reach", "unknown_place"])),
        (
            "fix",
            object([
                ("source", one_of(&["gps", "chosen", "previous", "ip", "none"])),
                ("accuracy_m", or_null(number())),
            ]),
        ),
        ("store", or_null(store(or_null(number())))),
        ("join", or_null(join)),
        ("seat", or_null(one_of(&["taken", "kept", "unconfirmed"]))),
        ("mode", one_of(&["group", "contact"])),
        ("assigned", or_null(one_of(&["group", "contact"]))),
        ("other_route", or_null(one_of(&["group", "contact"]))),
        ("region", object(region)),
        ("tags", list(&text())),
        ("fallback", or_null(fallback())),
        ("alternatives", list(&object(other))),
        ("recorded", truth()),
    ]);
    named(generator, "ScanAnswer", shape)
}

/// A step that a page saw.
pub(in crate::http) fn event(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "ScanEvent", object([("event", one_of(&["pressed", "refused", "not_mine"]))]))
}

/// The nearest stores.
pub(in crate::http) fn nearest(generator: &mut SchemaGenerator) -> Schema {
    let shape = object([("catalog_version", whole()), ("stores", list(&store(or_null(number()))))]);
    named(generator, "NearestAnswer", shape)
}

/// One page of stores for choosers.
pub(in crate::http) fn stores(generator: &mut SchemaGenerator) -> Schema {
    let store = object([
        ("id", text()),
        ("name", text()),
        ("address", text()),
        ("province", text()),
        ("city", text()),
        ("district", text()),
        ("lat", number()),
        ("lng", number()),
        ("datum", one_of(&["wgs84"])),
        ("hours", or_null(text())),
        ("open", or_null(truth())),
        ("opens_at", or_null(text())),
    ]);
    let shape = object([
        ("catalog_version", whole()),
        ("page", whole()),
        ("pages", whole()),
        ("total", whole()),
        ("stores", list(&store)),
    ]);
    named(generator, "StoresAnswer", shape)
}

/// Whom to forget.
pub(in crate::http) fn forget(generator: &mut SchemaGenerator) -> Schema {
    let visitor =
        json!({"type": ["string", "null"], "description": "The token; else that of the header or the cookie."});
    named(generator, "ForgetRequest", json!({"type": "object", "properties": {"visitor": visitor}}))
}

/// What was removed.
pub(in crate::http) fn forgotten(generator: &mut SchemaGenerator) -> Schema {
    let removed = ["tags", "steps", "consents", "seats", "book", "waiting", "set_aside"].map(|it| (it, whole()));
    let shape = object([("forgotten", truth()), ("removed", object(removed)), ("kept", text())]);
    named(generator, "ForgottenAnswer", shape)
}

/// Whether the process turns.
pub(in crate::http) fn health(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Health", object([("status", one_of(&["ok"]))]))
}

/// Whether scans can be answered, and what is degraded.
pub(in crate::http) fn readiness(generator: &mut SchemaGenerator) -> Schema {
    let shape = object([
        ("ready", truth()),
        ("catalog_version", whole()),
        ("catalog_lag", or_null(whole())),
        ("stores", whole()),
        ("storage", truth()),
        ("outbox_depth", whole()),
        ("outbox_oldest_s", or_null(whole())),
        ("seats_unconfirmed", whole()),
        ("dead_letters", whole()),
        ("to_redeliver", whole()),
        ("dead_jobs", or_null(whole())),
        ("clock_ahead_s", or_null(number())),
        ("degraded", list(&text())),
    ]);
    named(generator, "Readiness", shape)
}
