//! From the table to the document.

use std::collections::BTreeMap;

use actix_web::http::Method;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::shape;
use crate::http::admin::table::{Body, Endpoint, Param};

const SCHEMAS: &str = "#/components/schemas/";

/// Two shapes are called the same, so one would be described by the other.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("two shapes of the description are called {0}")]
pub(in crate::http) struct SameName(String);

/// The whole document.
///
/// # Errors
/// [`SameName`].
pub(in crate::http) fn document(endpoints: &[Endpoint]) -> Result<Value, SameName> {
    let settings = || SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into());
    let mut inputs = settings().for_deserialize().into_generator();
    let mut outputs = settings().for_serialize().into_generator();
    let mut problem = shape::problem(&mut outputs).to_value();
    let mut operations = Vec::new();
    for it in endpoints {
        let takes: Vec<Value> = it.takes.iter().map(|body| media(body, &mut inputs)).collect();
        let mut answers: BTreeMap<u16, Vec<Value>> = BTreeMap::new();
        for (status, body) in
            it.answers.iter().map(|body| (it.status, body)).chain(it.others.iter().map(|(at, it)| (*at, it)))
        {
            answers.entry(status).or_default().push(media(body, &mut outputs));
        }
        operations.push((it, takes, answers));
    }
    let mut schemas = settled(outputs.take_definitions(true))?;
    let renamed = merge(&mut schemas, settled(inputs.take_definitions(true))?)?;
    let of_input = |it: &str| renamed.get(it).cloned();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    rename(&mut problem, &name_of);
    for (endpoint, mut takes, mut answers) in operations {
        for it in &mut takes {
            rename(it, &name_of);
            rename(it, &of_input);
        }
        answers.values_mut().flatten().for_each(|it| rename(it, &name_of));
        let answers = answers.into_iter().map(|(status, bodies)| (status, merged(bodies))).collect();
        let operation = operation(endpoint, &merged(takes), &answers, &problem);
        paths.entry(plain(endpoint.path)).or_default().insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
    }
    Ok(whole(&paths, &schemas))
}

fn whole(paths: &BTreeMap<String, Map<String, Value>>, schemas: &Map<String, Value>) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "jinqun",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": "Calls for customers' pages, for the operations team and for operations engineers. Errors are RFC 9457 problems.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API token, or the token of the settings."},
                "session": {"type": "apiKey", "in": "cookie", "name": "jq-session", "description": "Set by POST /api/v1/admin/session."},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "Goes with the cookie on everything but GET."},
            },
        },
    })
}

/// One media type with its schema.
fn media(body: &Body, generator: &mut SchemaGenerator) -> Value {
    let schema = match body.schema {
        Some(schema) => json!({"schema": schema(generator)}),
        None if body.media_type.starts_with("multipart/") => {
            let file = json!({"type": "string", "contentMediaType": "application/octet-stream"});
            json!({"schema": {"type": "object", "properties": {"file": file}, "required": ["file"]}})
        }
        None => json!({}),
    };
    // What follows the type, such as `charset`, is no part of its name here.
    json!({body.media_type.split(';').next().unwrap_or_default(): schema})
}

fn merged(of: Vec<Value>) -> Value {
    let all = of.into_iter().filter_map(|it| if let Value::Object(it) = it { Some(it) } else { None });
    Value::Object(all.flatten().collect())
}

/// The reference by which a shape is known in the end.
fn name_of(reference: &str) -> Option<String> {
    let name = reference.strip_prefix(SCHEMAS)?.strip_prefix(shape::BY_HAND)?;
    Some(format!("{SCHEMAS}{}", name.trim_start_matches(shape::BY_HAND)))
}

/// Shapes under the names that they have in the end.
fn settled(shapes: Map<String, Value>) -> Result<Map<String, Value>, SameName> {
    let mut settled = Map::new();
    for (key, mut shape) in shapes {
        let name = key.trim_start_matches(shape::BY_HAND).to_owned();
        rename(&mut shape, &name_of);
        if settled.insert(name.clone(), shape).is_some() {
            return Err(SameName(name));
        }
    }
    Ok(settled)
}

/// Puts the inputs' schemas beside the outputs'. One type may be read and written differently; then the input has a name of its own.
fn merge(outputs: &mut Map<String, Value>, inputs: Map<String, Value>) -> Result<BTreeMap<String, String>, SameName> {
    let differs = |(name, schema): (&String, &Value)| outputs.get(name).is_some_and(|it| it != schema);
    let renamed: BTreeMap<String, String> = inputs
        .iter()
        .filter(|it| differs(*it))
        .map(|(name, _)| (format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{name}Input")))
        .collect();
    for (name, mut schema) in inputs {
        rename(&mut schema, &|it| renamed.get(it).cloned());
        let is_renamed = renamed.contains_key(&format!("{SCHEMAS}{name}"));
        let name = if is_renamed { format!("{name}Input") } else { name };
        if outputs.get(&name).is_some_and(|it| *it != schema) {
            return Err(SameName(name));
        }
        outputs.insert(name, schema);
    }
    Ok(renamed)
}

fn rename(value: &mut Value, to: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let new = value.as_str().filter(|_| key == "$ref").and_then(to);
                if let Some(new) = new {
                    *value = Value::from(new);
                } else {
                    rename(value, to);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| rename(it, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A path without the patterns of its variable parts: `{id:[a-z]+}` is `{id}`.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut is_pattern = false;
    for it in path.chars() {
        match it {
            ':' if plain.rfind('{') > plain.rfind('}') => is_pattern = true,
            '}' => {
                is_pattern = false;
                plain.push(it);
            }
            it if !is_pattern => plain.push(it),
            _ => {}
        }
    }
    plain
}

/// The names of the variable parts of a path.
fn variables(path: &str) -> Vec<String> {
    let path = plain(path);
    path.split('{').skip(1).filter_map(|it| it.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

fn is_page(endpoint: &Endpoint) -> bool {
    let is_api = endpoint.path.starts_with("/api/");
    !is_api && endpoint.answers.iter().all(|it| it.media_type == "text/html") && endpoint.path != "/metrics"
}

/// The heading under which a call stands.
fn tag(endpoint: &Endpoint) -> &str {
    if is_page(endpoint) {
        return "pages";
    }
    let path = endpoint.path;
    let inside = path.strip_prefix("/api/v1/admin/").map(|it| it.split(['/', '{', '.']).next().unwrap_or(it));
    inside.unwrap_or(if path.starts_with("/api/v1/") || path.starts_with("/qr/") || path.starts_with("/logo/") {
        "customers"
    } else {
        "operations"
    })
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let of_path = variables(endpoint.path)
        .into_iter()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let of_query = endpoint.params.iter().map(|Param { name, about }| {
        let is_required = about.starts_with("Required");
        json!({"name": name, "in": "query", "required": is_required, "description": about, "schema": {"type": "string"}})
    });
    let writes = !matches!(endpoint.method, Method::GET | Method::HEAD);
    let if_match = (endpoint.has_etag && writes).then(|| {
        let about = "The ETag of what the change was made for; without it the change is made whatever there is.";
        json!({"name": "If-Match", "in": "header", "description": about, "schema": {"type": "string"}})
    });
    of_path.chain(of_query).chain(if_match).collect()
}

fn operation(endpoint: &Endpoint, takes: &Value, answers: &BTreeMap<u16, Value>, problem: &Value) -> Value {
    let writes = !matches!(endpoint.method, Method::GET | Method::HEAD);
    let page = if is_page(endpoint) { "page" } else { "" };
    let id = format!("{} {page} {}", endpoint.method.as_str().to_ascii_lowercase(), plain(endpoint.path));
    let id: String = id
        .split(|it: char| !it.is_ascii_alphanumeric())
        .filter(|it| !it.is_empty() && !matches!(*it, "api" | "v1"))
        .collect::<Vec<_>>()
        .join("_");
    let mut operation = json!({
        "operationId": id,
        "tags": [tag(endpoint)],
        "summary": endpoint.summary,
        "x-jinqun-role": endpoint.needs.map_or("public", crate::staff::Role::as_str),
        "parameters": parameters(endpoint),
        "responses": responses(endpoint, answers, problem),
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    if takes.as_object().is_some_and(|it| !it.is_empty()) {
        fields.insert("requestBody".into(), json!({"required": !endpoint.may_be_empty, "content": takes}));
    }
    if endpoint.needs.is_some() {
        let session = if writes { json!({"session": [], "csrf": []}) } else { json!({"session": []}) };
        fields.insert("security".into(), json!([{"bearer": []}, session]));
    } else {
        fields.insert("security".into(), json!([]));
    }
    operation
}

fn responses(endpoint: &Endpoint, answers: &BTreeMap<u16, Value>, problem: &Value) -> Value {
    let mut responses = Map::new();
    let mut success = json!({"description": if endpoint.status == 204 { "Done" } else { "The answer" }});
    if let Some(fields) = success.as_object_mut() {
        if let Some(answers) = answers.get(&endpoint.status) {
            fields.insert("content".into(), answers.clone());
        } else if is_page(endpoint) && endpoint.status == 200 {
            fields.insert("content".into(), json!({"text/html": {}}));
        }
        if endpoint.has_etag && endpoint.status != 204 {
            let etag = json!({"schema": {"type": "string"}, "description": "Which state this is, for If-Match"});
            fields.insert("headers".into(), json!({"ETag": etag}));
        }
    }
    responses.insert(endpoint.status.to_string(), success);
    for (status, about) in &endpoint.also {
        let content = if (400..500).contains(status) {
            refused(endpoint, problem)
        } else {
            answers.get(status).or_else(|| answers.get(&endpoint.status)).cloned().unwrap_or_else(|| json!({}))
        };
        responses.insert(status.to_string(), json!({"description": about, "content": content}));
    }
    for (status, about) in refusals(endpoint) {
        let told = match status {
            303 => json!({"description": about}),
            _ => json!({"description": about, "content": refused(endpoint, problem)}),
        };
        responses.entry(status.to_string()).or_insert(told);
    }
    Value::Object(responses)
}

/// What a refusal holds: pages tell a person, and of what only the calls behind them know as those do.
fn refused(endpoint: &Endpoint, problem: &Value) -> Value {
    let problem = json!({"schema": problem});
    if is_page(endpoint) {
        json!({"text/html": {}, "application/problem+json": problem})
    } else {
        json!({"application/problem+json": problem})
    }
}

/// What else may come back.
fn refusals(endpoint: &Endpoint) -> Vec<(u16, &'static str)> {
    let writes = !matches!(endpoint.method, Method::GET | Method::HEAD);
    let (is_page, is_staff) = (is_page(endpoint), endpoint.needs.is_some());
    let takes = !endpoint.takes.is_empty();
    let takes_picture = endpoint.takes.iter().any(|it| it.media_type.starts_with("image/"));
    let has_variables = endpoint.path.contains('{');
    let signs_in = endpoint.path.starts_with("/api/v1/admin/session") && takes;
    let all = [
        (takes || !endpoint.params.is_empty(), 400, "Fields that cannot be used, each named"),
        (is_staff && !is_page || signs_in, 401, "Nobody is known by what was sent"),
        (is_staff && is_page, 303, "Leads to the sign-in"),
        (is_staff || signs_in, 403, "Known, and not allowed; or not from our own page"),
        (has_variables, 404, "There is no such thing"),
        (is_staff && writes, 409, "It does not fit to what there is"),
        (endpoint.has_etag && writes, 412, "It has been changed meanwhile"),
        (takes, 413, "The body is too large"),
        (takes_picture, 422, "The picture, or the link in its place, cannot be used; the word says why"),
        (signs_in, 429, "Too many wrong guesses; `Retry-After` says for how long"),
        (!is_page && endpoint.path.starts_with("/api/"), 503, "Storage does not answer, or there is too much to do"),
    ];
    all.into_iter().filter(|(applies, ..)| *applies).map(|(_, status, about)| (status, about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_its_patterns() {
        assert_eq!(plain("/a/{id}/b/{file:.*\\.svg}"), "/a/{id}/b/{file}");
        assert_eq!(variables("/a/{id}/b/{file:x+}"), ["id", "file"]);
        assert_eq!(plain("/a:b/{c}"), "/a:b/{c}");
    }
    #[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
    #[schemars(rename = "Problem")]
    struct Other {
        row: u64,
    }

    async fn nothing() -> &'static str {
        ""
    }

    #[test]
    fn two_shapes_of_one_name_are_refused() {
        let made = || Endpoint::new(Method::PUT, "/x", None, "Nothing", nothing);
        assert_eq!(document(&[made().answers::<Other>()]).err(), Some(SameName("Problem".into())));
        assert_eq!(document(&[made().takes::<Other>()]).err(), None, "what is sent has a name of its own");
        let at = document(&[made().takes::<Other>()]).ok().unwrap_or_default();
        assert_eq!(
            at.pointer("/paths/~1x/put/requestBody/content/application~1json/schema/$ref"),
            Some(&json!("#/components/schemas/ProblemInput"))
        );
    }
}
