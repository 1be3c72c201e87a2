//! The operations team's side: calls under `/api/v1/admin/` and pages under `/admin`, both over the same use cases.

mod alerts;
mod audit;
mod campaigns;
mod catchment;
mod chart;
mod code_sync;
mod dead_jobs;
mod dead_letters;
mod duel;
mod entrances;
pub(super) mod etag;
mod explain;
mod feed;
mod fields;
pub(super) mod gate;
mod greetings;
mod history;
mod imports;
mod listing;
pub(super) mod map;
mod numbers;
mod overview;
pub(super) mod ranking;
mod reconcile;
mod regions;
mod sheets;
pub(super) mod shell;
mod sign_in;
mod stores;
pub(super) mod table;
mod tags;
mod tokens;
pub(super) mod upload;
mod users;
mod visitors;

use actix_web::web::{self, ServiceConfig};

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::{FieldError, Problem};
use table::Endpoint;

/// Every call and every page of the operations team.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![overview::endpoint()];
    all.extend(sign_in::endpoints());
    all.extend(users::endpoints());
    all.extend(tokens::endpoints());
    all.extend(audit::endpoints());
    all.extend(tags::endpoints());
    all.extend(feed::endpoints());
    all.extend(visitors::endpoints());
    all.extend(super::api::funnel::endpoints());
    all.push(map::endpoint());
    all.extend(sheets::endpoints());
    all.extend(imports::endpoints());
    all.extend(explain::endpoints());
    all.extend(numbers::endpoints());
    all.extend(alerts::endpoints());
    all.extend(dead_letters::endpoints());
    all.extend(dead_jobs::endpoints());
    all.extend(catchment::endpoints());
    all.extend(ranking::endpoints());
    all.extend(duel::endpoints());
    all.extend(reconcile::endpoints());
    all.extend(code_sync::endpoints());
    all.extend(stores::endpoints());
    all.extend(history::endpoints());
    all.extend(entrances::endpoints());
    all.extend(campaigns::endpoints());
    all.extend(regions::endpoints());
    all.extend(greetings::endpoints());
    all
}

/// Registers what [`endpoints`] names, and the styles and scripts of the pages.
pub(super) fn routes(config: &mut ServiceConfig) {
    table::register(endpoints(), "", |it| it.join(config));
    config.service(web::resource("/admin/assets/{file}").get(shell::asset));
}

/// Reads a JSON body. Its media type must be JSON too: a form of another site cannot send that without asking first.
pub(super) fn json_of<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, Problem> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !media_type.to_ascii_lowercase().starts_with("application/json") {
        return Err(Problem::not_json("Send it as application/json."));
    }
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::not_json(format!("The body is no JSON object at line {line}, column {column}."))
    })?;
    let read = |fields: Map<String, Value>| T::deserialize(Value::Object(fields)).map_err(|error| error.to_string());
    read(fields.clone()).map_err(|message| {
        let is_named = message.starts_with("missing field") || message.starts_with("unknown field");
        let named = message.split('`').nth(1).filter(|_| is_named).map(ToOwned::to_owned);
        // Of the others the one without which something else is wrong.
        let without = |name: &String| {
            let rest: Map<String, Value> = fields
                .iter()
                .filter(|(it, _)| *it != name)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            read(rest).err().is_none_or(|it| it != message)
        };
        let field = named.or_else(|| fields.keys().find(|it| without(it)).cloned()).unwrap_or_default();
        Problem::fields(vec![FieldError { field: field.into(), code: "invalid", message }])
    })
}
