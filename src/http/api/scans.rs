//! `POST /api/v1/scans` and the steps that a page reports.

use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use crate::app::ScanRequest;
use crate::campaign::Route;
use crate::consent::NoticeVersion;
use crate::funnel::Step;
use crate::geo::{Datum, Position};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::{Body, PositionFields, bad_id, position_of};
use crate::http::{Web, answer, channel, client_ip, cookie, robots};
use crate::id::{CampaignSlug, StoreId};

/// The largest radius that a position may come with, in metres: half of Earth's circumference.
const ACCURACY_M_MAX: f64 = 20_040_000.0;
const FIELDS: PositionFields = PositionFields { lat: "position.lat", lng: "position.lng" };

/// One visit, decided and recorded.
pub(in crate::http) async fn create(
    web: Data<Web>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let mut scan = read_scan(&body)?;
    scan.visitor = scan.visitor.or_else(|| cookie::read(&request));
    scan.is_robot = robots::calls(&request);
    scan.ip = client_ip::of(&request, &web.settings.swapped.load().trusted_proxies);
    let is_robot = scan.is_robot;
    let landing = web.app.land(scan).await?;
    let status = match (landing.recorded, landing.refined) {
        (true, false) => StatusCode::CREATED,
        (true, true) => StatusCode::OK,
        // A 200 or 201 would promise that the record is on stable storage.
        (false, _) => StatusCode::ACCEPTED,
    };
    let link = channel::of(&web, &landing).await;
    let answer = answer::scan(&landing, link.as_ref(), web.app.zone());
    let is_https = web.settings.is_https();
    let mut response = answer::routing(status, &landing.catalog);
    if !is_robot {
        response.append_header((SET_COOKIE, cookie::write(&landing.visitor, is_https)));
    }
    if let Some(seen) = &landing.seen {
        response.append_header((SET_COOKIE, cookie::write_seen(&landing.campaign, seen, is_https)));
    }
    Ok(response.body(answer))
}

/// One step of a visit.
pub(in crate::http) async fn event(web: Data<Web>, scan: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let mut body = Body::parse(&body)?;
    let event = body.text("event");
    if event.is_none() && body.errors.is_empty() {
        body.fail("event", "missing", "is required: pressed, refused or not_mine");
    }
    let step = event.as_deref().and_then(Step::parse_of_page);
    if event.is_some() && step.is_none() {
        body.fail("event", "unknown_event", "is none of pressed, refused, not_mine");
    }
    let Some(step) = step else {
        return Err(Problem::fields(body.errors));
    };
    web.app.step(&scan, step).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn read_scan(bytes: &[u8]) -> Result<ScanRequest, Problem> {
    let mut body = Body::parse(bytes)?;
    let campaign = body.text("campaign").map(|it| CampaignSlug::parse(&it).map_err(|error| bad_id("campaign", &error)));
    let store = body.text("store").map(|it| StoreId::parse(&it).map_err(|error| bad_id("store", &error)));
    let consent = body.text("consent").map(|it| {
        NoticeVersion::parse(&it).map_err(|error| FieldError {
            field: "consent".into(),
            code: "invalid_version",
            message: error.to_string(),
        })
    });
    let (visitor, scan) = (body.text("visitor"), body.text("scan"));
    let route = body.text("route").and_then(|it| {
        let route = Route::parse(&it);
        if route.is_none() {
            body.fail("route", "unknown_route", "is none of group, contact");
        }
        route
    });
    let position = match body.take("position") {
        None => None,
        Some(Value::Object(position)) => read_position(&mut body, &position),
        Some(_) => {
            body.fail("position", "not_an_object", "is not an object with lat and lng");
            None
        }
    };
    let mut errors = body.errors;
    let mut kept = |error| errors.push(error);
    let campaign = campaign.and_then(|it| it.map_err(&mut kept).ok());
    let store = store.and_then(|it| it.map_err(&mut kept).ok());
    let consent = consent.and_then(|it| it.map_err(&mut kept).ok());
    if errors.is_empty() {
        let trusting = ScanRequest { trusts_scan: true, ..ScanRequest::default() };
        Ok(ScanRequest { campaign, position, store, route, visitor, scan, consent, ..trusting })
    } else {
        Err(Problem::fields(errors))
    }
}

fn read_position(body: &mut Body, position: &serde_json::Map<String, Value>) -> Option<(Position, Option<f64>)> {
    let lat = body.number(position, "lat", "position.lat");
    let lng = body.number(position, "lng", "position.lng");
    let datum = match position.get("datum") {
        None | Some(Value::Null) => Some(Datum::Wgs84),
        Some(value) => value.as_str().and_then(Datum::parse),
    };
    if datum.is_none() {
        body.fail("position.datum", "unknown_datum", "is none of wgs84, gcj02, bd09");
    }
    let accuracy_m = match position.get("accuracy_m") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let radius = value.as_f64().filter(|it| (0.0..=ACCURACY_M_MAX).contains(it));
            if radius.is_none() {
                let message = format!("is not a radius from 0 to {ACCURACY_M_MAX} metres");
                body.fail("position.accuracy_m", "out_of_range", message);
            }
            radius
        }
    };
    let position = position_of(&FIELDS, (lat, lng), datum, &mut body.errors)?;
    Some((position, accuracy_m))
}
