//! `campaigns/{slug}/logo`: the brand's picture. What is kept is drawn anew, small and as PNG.

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::wire::CampaignView;
use super::{answer, etag, nothing, slug_of};
use crate::app::EditError;
use crate::app::campaign_desk::campaign_body;
use crate::campaign::{Campaign, Logo};
use crate::http::Web;
use crate::http::admin::gate::Staff;
use crate::http::admin::table::{Body, Endpoint};
use crate::http::admin::upload::{self, RawBody, Upload};
use crate::http::problem::Problem;
use crate::qr::{Badge, PICTURE_BYTES_MAX};
use crate::staff::Role;

const PATH: &str = "/api/v1/admin/campaigns/{slug}/logo";

pub(super) fn endpoints() -> [Endpoint; 2] {
    let ops = Some(Role::Ops);
    let set = Endpoint::new(Method::PUT, PATH, ops, "Sets the logo from a picture", set)
        .answers::<CampaignView>()
        .body_bytes_max(PICTURE_BYTES_MAX)
        .etag();
    let set =
        upload::MEDIA_TYPES.into_iter().fold(set, |set, media_type| set.takes_body(Body { media_type, schema: None }));
    [set, Endpoint::new(Method::DELETE, PATH, ops, "Removes the logo", remove).answers::<CampaignView>().etag()]
}

async fn set(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    // A change that is stale is not worth reading a picture for; it is asked again when the picture is read.
    if let Some(now) = web.app.catalog().campaign(&slug_of(&slug)?) {
        etag::check(etag::expected(&request).as_deref(), &campaign_body(now))?;
    }
    let Upload::Picture(picture, _) = upload::read(&request, body.0).await? else {
        return Err(Problem::picture("file", "not_a_picture", "send a PNG, JPEG or WebP picture"));
    };
    let drawn = web.picture_turns.run(move || Badge::open(&picture).and_then(|it| it.png())).await?;
    let drawn = drawn.map_err(|error| Problem::picture("file", error.code(), error.to_string()))?;
    let logo = Logo::from_bytes(drawn).map_err(|error| Problem::picture("file", "too_large", error.to_string()))?;
    put((web, staff, request), &slug, Some(logo)).await
}

async fn remove(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    put((web, staff, request), &slug, None).await
}

async fn put(
    (web, staff, request): (Data<Web>, Staff, HttpRequest),
    slug: &str,
    logo: Option<Logo>,
) -> Result<HttpResponse, Problem> {
    let expected = etag::expected(&request);
    let (app, slug) = (std::sync::Arc::clone(&web.app), slug_of(slug)?);
    let work = move || {
        app.change_campaign(&staff.actor, &slug, &mut |before| {
            let before = before.ok_or_else(|| EditError::Missing(format!("campaign {slug}")))?;
            etag::check(expected.as_deref(), &campaign_body(before))?;
            Ok(Some(Campaign { logo: logo.clone(), ..before.clone() }))
        })
    };
    let (made, version) = web::block(work).await.map_err(|error| Problem::internal(&error))??;
    let made = made.ok_or_else(|| nothing("with this name"))?;
    Ok(answer(&web, &made, StatusCode::OK, version))
}
