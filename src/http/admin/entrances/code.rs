//! `PUT groups/{id}/join-code` and that of contacts: a picture or a link becomes the code that is shown.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::wire::{CodeSet, HowRead};
use super::{etag, is_group, view};
use crate::app::EditError;
use crate::app::entrance::entrance;
use crate::app::join_code::{CodeRefusal, Ending, EndingFrom, ReadLink, check_link, join_code, read_link};
use crate::catalog::owned::OwnedKind;
use crate::http::admin::fields::Fields;
use crate::http::admin::gate::Staff;
use crate::http::admin::upload::{self, RawBody, Upload};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{CATALOG_VERSION, Web};
use crate::qr::Effort;
use crate::time::Timestamp;

/// Sets the code of one group or contact.
pub(super) async fn set(
    kind: OwnedKind,
    (web, staff, request): (Data<Web>, Staff, HttpRequest),
    id: Path<String>,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    // A change that is stale is not worth reading a picture for; it is asked again when the picture is read.
    let now = entrance(&web.app.catalog(), kind, &id)
        .ok_or_else(|| Problem::nothing_here(format!("There is no {} with this id.", is_group(kind))))?;
    etag::check(etag::expected(&request).as_deref(), &now.body())?;
    let (read, ending) = match upload::read(&request, body.0).await? {
        Upload::Picture(picture, fields) => {
            let form = fields.iter().find(|(name, _)| name == "expires_at").map(|it| it.1.as_str());
            let ending = ending_of(form, request.query_string())?;
            let hosts = web.settings.join_link_hosts.clone();
            let read = web.picture_turns.run(move || read_link(&picture, &hosts, Effort::default())).await?;
            (read.map_err(|it| refused("file", it))?, ending)
        }
        Upload::Json(bytes) => linked(&bytes, &web)?,
    };
    let ReadLink { link, read } = read;
    let expected = etag::expected(&request);
    let (inner, id) = (web.clone(), id.into_inner());
    let work = move || {
        let (mut before_link, mut from) = (String::new(), EndingFrom::Given);
        let (now, groups) = (inner.app.now(), inner.settings.groups);
        let changed = inner.app.change_entrance(&staff.actor, (kind, &id), &mut |_, before| {
            let before = before.ok_or_else(|| EditError::Missing(format!("{} {id}", is_group(kind))))?;
            etag::check(expected.as_deref(), &before.body())?;
            before.code().link.as_str().clone_into(&mut before_link);
            let (code, ended) = join_code(link.clone(), ending, kind, groups, now);
            from = ended;
            Ok(Some(before.clone().with_code(code)))
        });
        changed.map(|(made, version)| (made, version, before_link, from))
    };
    let (made, version, link_before, from) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    let made = made.ok_or_else(|| Problem::nothing_here("It has gone meanwhile."))?;
    let tag = etag::of(&made.body());
    let link = made.code().link.as_str().to_owned();
    let is_assumed = from == EndingFrom::Assumed;
    let assumed_days = made.code().expires_at.filter(|_| is_assumed).map(|_| web.settings.groups.validity_days);
    let set = CodeSet {
        link,
        link_before,
        expiry: if is_assumed { "assumed" } else { "given" },
        assumed_days,
        read: read.map(|it| HowRead { form: it.form, tries: it.tries }),
        entrance: view(&web, made).await?,
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CATALOG_VERSION, version));
    Ok(response.json(set))
}

fn refused(field: &'static str, refusal: CodeRefusal) -> Problem {
    Problem::picture(field, refusal.code, refusal.message)
}

/// A link in JSON.
fn linked(bytes: &[u8], web: &Web) -> Result<(ReadLink, Ending), Problem> {
    let mut fields = Fields::parse(bytes)?;
    let url = fields.required("url");
    let end = fields.text("expires_at");
    let ending = match end.as_deref().map(ending) {
        None => Some(Ending::Unsaid),
        Some(Some(ending)) => Some(ending),
        Some(None) => fields.fail("expires_at", "invalid_time", WANTED),
    };
    let (url, ending) = fields.finish(url.zip(ending))?;
    let link = check_link(&url, &web.settings.join_link_hosts).map_err(|it| refused("url", it))?;
    Ok((ReadLink { link, read: None }, ending))
}

const WANTED: &str = "is neither never nor a time such as 2026-12-01T00:00:00+08:00";

fn ending(text: &str) -> Option<Ending> {
    match text {
        "never" => Some(Ending::Never),
        other => Timestamp::parse_rfc3339(other).map(Ending::At),
    }
}

/// The end as the form says it, else the query.
fn ending_of(form: Option<&str>, query: &str) -> Result<Ending, Problem> {
    let query = Query::parse(query)?;
    match form.filter(|it| !it.is_empty()).or(query.text("expires_at")) {
        None => Ok(Ending::Unsaid),
        Some(text) => ending(text).ok_or_else(|| Problem::field("expires_at", "invalid_time", WANTED)),
    }
}
