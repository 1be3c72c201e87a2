//! The table of what customers and operations engineers use: calls and pages that are open to everybody.

use actix_web::http::Method;

use super::admin::table::{Body, Endpoint, Param, SchemaOf};
use super::openapi::shape;
use super::{api, choose, ops, page, pictures, privacy};

const NEAREST: &[Param] = &[
    Param { name: "lat", about: "Required: latitude in degrees." },
    Param { name: "lng", about: "Required: longitude in degrees." },
    Param { name: "datum", about: "`wgs84`, `gcj02` or `bd09`; default: wgs84." },
    Param { name: "k", about: "How many stores, 1 to 50; default: 1." },
    Param { name: "campaign", about: "Only stores that take part; default: `default`." },
];
const STORES: &[Param] = &[
    Param { name: "province", about: "Only stores of this province." },
    Param { name: "city", about: "Only stores of this city; 上海 is 上海市." },
    Param { name: "q", about: "Words of name, address or id, in characters or pinyin." },
    Param { name: "page", about: "Which page of 50, from 1." },
    Param { name: "campaign", about: "Only stores that take part; default: `default`." },
];
const OPT_OUT: &str = "/api/v1/visitors/me/opt-out";
const SIZE: &[Param] = &[Param { name: "size", about: "Pixels of a PNG's side, 64 to 2048; default: 480." }];

fn json(schema: SchemaOf) -> Body {
    Body { media_type: "application/json", schema: Some(schema) }
}

fn media(media_type: &'static str) -> Body {
    Body { media_type, schema: None }
}

/// The calls that pages of other origins may use, if the settings name any.
pub(super) fn api() -> [Endpoint; 7] {
    let about = "One visit, decided and recorded; a 200 or 201 means that the record is on stable storage";
    [
        Endpoint::new(Method::POST, "/api/v1/scans", None, about, api::scans::create)
            .takes_body(json(shape::scan_request))
            .may_be_empty()
            .answers_body(json(shape::scan_answer))
            .status(201)
            .also(200, "The earlier visit was refined")
            .also(202, "Decided, and not recorded")
            .also(404, "There is no such campaign or store")
            .also(408, "The body did not come in time"),
        Endpoint::new(Method::POST, "/api/v1/scans/{scan}/events", None, "A step that the page saw", api::scans::event)
            .takes_body(json(shape::event))
            .status(204),
        Endpoint::new(
            Method::GET,
            "/api/v1/nearest",
            None,
            "The nearest stores; nothing is recorded",
            api::nearest::nearest,
        )
        .params(NEAREST)
        .answers_body(json(shape::nearest))
        .also(404, "There is no such campaign"),
        Endpoint::new(Method::GET, "/api/v1/stores", None, "Active stores, for choosers", api::stores::stores)
            .params(STORES)
            .answers_body(json(shape::stores))
            .also(404, "There is no such campaign"),
        Endpoint::new(Method::DELETE, "/api/v1/visitors/me", None, "Forget this visitor", api::visitors::forget_me)
            .takes_body(json(shape::forget))
            .may_be_empty()
            .answers_body(json(shape::forgotten))
            .also(401, "There is no such visitor"),
        wish(Endpoint::new(Method::POST, OPT_OUT, None, "Do not use my region for messages", api::visitors::opt_out)),
        wish(Endpoint::new(Method::DELETE, OPT_OUT, None, "Take that back", api::visitors::opt_in)),
    ]
}

fn wish(endpoint: Endpoint) -> Endpoint {
    endpoint.takes_body(json(shape::forget)).may_be_empty().status(204).also(401, "There is no such visitor")
}

/// Pages, pictures, and what operations engineers ask.
pub(super) fn others() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/healthz", None, "Whether the process turns", ops::healthz)
            .answers_body(json(shape::health)),
        Endpoint::new(Method::HEAD, "/healthz", None, "Whether the process turns", ops::healthz),
        Endpoint::new(Method::GET, "/readyz", None, "Whether a catalog is live, and what is degraded", ops::readyz)
            .answers_body(json(shape::readiness))
            .also(503, "No catalog is live"),
        Endpoint::new(Method::HEAD, "/readyz", None, "Whether a catalog is live", ops::readyz),
        Endpoint::new(Method::GET, "/metrics", None, "Metrics in the text format of Prometheus", ops::metrics)
            .answers_body(media("text/plain")),
        landing(Endpoint::new(Method::GET, "/", None, "The landing page", page::landing_default)),
        landing(Endpoint::new(Method::HEAD, "/", None, "The landing page for link checkers; no visit", page::head)),
        landing(Endpoint::new(Method::GET, "/s/{campaign}", None, "The landing page of a campaign", page::landing)),
        landing(Endpoint::new(Method::HEAD, "/s/{campaign}", None, "The same for link checkers; no visit", page::head)),
        landing(Endpoint::new(
            Method::GET,
            "/s/{campaign}/choose",
            None,
            "Every store, without a script",
            choose::choose,
        ))
        .also(400, "Fields that cannot be used, in a sentence"),
        landing(Endpoint::new(Method::GET, "/privacy", None, "The privacy notice", privacy::notice)),
        landing(Endpoint::new(Method::HEAD, "/privacy", None, "The same for link checkers", page::head)),
        landing(Endpoint::new(Method::POST, "/privacy", None, "The form that forgets a visitor", privacy::forget))
            .takes_body(media("application/x-www-form-urlencoded")),
        Endpoint::new(Method::GET, "/favicon.ico", None, "There is none", pictures::no_icon).status(204),
        Endpoint::new(Method::GET, "/qr/{file}", None, "A join code: `{id}.png` or `{id}.svg`", pictures::qr)
            .params(SIZE)
            .answers_body(media("image/png"))
            .answers_body(media("image/svg+xml")),
        Endpoint::new(Method::GET, "/logo/{campaign}", None, "The logo of a campaign", pictures::logo)
            .answers_body(media("image/*")),
    ]
}

fn landing(endpoint: Endpoint) -> Endpoint {
    endpoint.compressed().answers_body(media("text/html"))
}
