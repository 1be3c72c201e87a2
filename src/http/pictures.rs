//! Pictures: join codes, drawn once and kept, and the logos of campaigns.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use quick_cache::sync::Cache;

use super::Web;
use super::problem::Problem;
use super::query::Query;
use crate::catalog::JoinCodeId;
use crate::id::CampaignSlug;
use crate::qr;

/// The edge of a picture whose size nobody asks for, in pixels.
const SIZE_PX_DEFAULT: usize = 480;
/// Pictures that are kept; about 2 KB each.
const PICTURES_MAX: usize = 8_192;
/// A picture's address holds a digest of what it says, so it never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// The picture of one visit is its visitor's, and its channel ends after a day.
const OF_VISIT: &str = "private, max-age=3600";
const POLICY: &str = "default-src 'none'; style-src 'none'; sandbox";

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Format {
    Png(u32),
    Svg,
}

/// Pictures drawn so far.
pub(super) struct Pictures(Cache<(JoinCodeId, Format), Bytes>);

impl Pictures {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Cache::new(PICTURES_MAX)))
    }

    fn get(&self, id: JoinCodeId, format: Format, link: &str) -> Result<Bytes, qr::QrError> {
        self.0.get_or_insert_with(&(id, format), || draw(link, format))
    }
}

fn draw(link: &str, format: Format) -> Result<Bytes, qr::QrError> {
    let code = qr::Code::new(link)?;
    match format {
        Format::Png(size_px) => code.png(size_px).map(Bytes::from),
        Format::Svg => Ok(Bytes::from(code.svg())),
    }
}

fn is_known(request: &HttpRequest, etag: &str) -> bool {
    request
        .headers()
        .get(IF_NONE_MATCH)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.split(',').any(|one| one.trim().trim_start_matches("W/") == etag || one.trim() == "*"))
}

fn picture(
    request: &HttpRequest,
    etag: &str,
    content_type: &'static str,
    body: impl FnOnce() -> Result<Bytes, Problem>,
) -> Result<HttpResponse, Problem> {
    let mut response = if is_known(request, etag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, FOREVER))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if is_known(request, etag) {
        return Ok(response.finish());
    }
    Ok(response.content_type(content_type).body(body()?))
}

/// `GET /qr/{id}.png` and `.svg`: a join code as a picture; `/qr/{id}.{channel}.png`: that of one visit.
pub(super) async fn qr(web: Data<Web>, request: HttpRequest, file: Path<String>) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::nothing_here("There is no join code with this address.");
    let (id, ending) = file.rsplit_once('.').ok_or_else(nothing)?;
    let (id, channel) = id.split_once('.').map_or((id, None), |(id, channel)| (id, Some(channel)));
    let id = JoinCodeId::parse(id).ok_or_else(nothing)?;
    let mut query = Query::parse(request.query_string())?;
    let smallest = usize::try_from(qr::SIZE_PX_MIN).unwrap_or(64);
    let largest = usize::try_from(qr::SIZE_PX_MAX).unwrap_or(2048);
    let size_px = u32::try_from(query.count("size", SIZE_PX_DEFAULT, smallest..=largest)).unwrap_or(qr::SIZE_PX_MAX);
    query.finish()?;
    let (format, content_type) = match ending {
        "png" => (Format::Png(size_px), "image/png"),
        "svg" => (Format::Svg, "image/svg+xml"),
        _ => return Err(nothing()),
    };
    let catalog = web.app.catalog();
    let link = &catalog.join_code(id).ok_or_else(nothing)?.link;
    if let Some(channel) = channel {
        let link = link.with_channel(channel).filter(|_| web.app.is_channel(channel)).ok_or_else(nothing)?;
        return of_visit(&link, format, content_type);
    }
    let link = link.as_str();
    let etag = match format {
        Format::Png(size_px) => format!("\"{id}-{size_px}\""),
        Format::Svg => format!("\"{id}-svg\""),
    };
    picture(&request, &etag, content_type, || {
        web.pictures.get(id, format, link).map_err(|error| Problem::internal(&error))
    })
}

/// The code of one visit, which is in nobody's cache but the visitor's own.
fn of_visit(link: &str, format: Format, content_type: &'static str) -> Result<HttpResponse, Problem> {
    let body = draw(link, format).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, OF_VISIT))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .content_type(content_type)
        .body(body))
}

/// `GET /logo/{campaign}`: the brand's picture.
pub(super) async fn logo(web: Data<Web>, request: HttpRequest, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::nothing_here("This campaign has no logo.");
    let catalog = web.app.catalog();
    let slug = CampaignSlug::parse(&slug).map_err(|_cause| nothing())?;
    let logo = catalog.campaign(&slug).and_then(|it| it.logo.as_ref()).ok_or_else(nothing)?;
    picture(&request, &format!("\"{}\"", logo.digest()), logo.content_type(), || {
        Ok(Bytes::copy_from_slice(logo.bytes()))
    })
}

/// `GET /favicon.ico`: browsers ask for it on every page; there is none.
pub(super) async fn no_icon() -> HttpResponse {
    HttpResponse::NoContent().insert_header((CACHE_CONTROL, "public, max-age=86400")).finish()
}
