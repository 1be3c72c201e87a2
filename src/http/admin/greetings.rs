//! Greetings of new contacts: the calls and the page of their templates, with a preview; nothing is sent from here.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG};
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::Staff;
use super::listing::{Listing, Page};
use super::shell::{Shell, page};
use super::table::{Body, Endpoint, Param};
use super::upload::{self, RawBody, Upload};
use super::{etag, json_of};
use crate::app::EditError;
use crate::app::wecom::templates::{Membership, Part, PictureFrom, Standing, TEXT_BYTES_MAX, Template, Unfit, WORDS};
use crate::app::wecom::{GREETING_PICTURE_BYTES_MAX, GreetingError, PreviewAsk};
use crate::http::Web;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::id::{CampaignSlug, StoreId};
use crate::qr::{Badge, PICTURE_BYTES_MAX};
use crate::staff::Role;

const ALL: &str = "/api/v1/admin/greetings";
const ONE: &str = "/api/v1/admin/greetings/{id}";
const PICTURE: &str = "/api/v1/admin/greetings/{id}/picture";
const HERE: &str = "/admin/greetings";
const PAGED: &[Param] = &[
    Param { name: "page", about: "Which page, from 1." },
    Param { name: "per_page", about: "1 to 200 a page; default: 50." },
];

/// A template of greetings.
#[derive(Serialize, JsonSchema)]
struct GreetingAnswer {
    /// Its id.
    id: String,
    /// For `If-Match`.
    etag: String,
    /// How special it is: of those that fit the one with the largest number is sent.
    weight: u8,
    #[serde(flatten)]
    template: Template,
}

/// For whom greetings are tried out; what is left out is not known.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PreviewBody {
    /// A template that nobody has kept yet, to be tried out by itself.
    #[serde(default)]
    template: Option<Template>,
    /// The store.
    #[serde(default)]
    store: Option<String>,
    /// The campaign; default: `default`.
    #[serde(default)]
    campaign: Option<String>,
    /// `new` or `returning`.
    #[serde(default)]
    standing: Option<Standing>,
    /// `registered` or `unregistered`.
    #[serde(default)]
    membership: Option<Membership>,
    /// A segment of the CRM.
    #[serde(default)]
    segment: Option<String>,
}

/// What would be sent.
#[derive(Serialize, JsonSchema)]
struct PreviewAnswer {
    /// The greeting; null if none fits.
    greeting: Option<GreetingShown>,
    /// Every template, the most special first, with why it is not the one.
    templates: Vec<VerdictAnswer>,
}

/// A greeting for one customer.
#[derive(Serialize, JsonSchema)]
struct GreetingShown {
    /// The template.
    id: String,
    /// The text.
    text: String,
    /// What comes with it.
    attachments: Vec<PartAnswer>,
}

/// What comes with a greeting.
#[derive(Serialize, JsonSchema)]
struct PartAnswer {
    /// `link`, `miniprogram` or `image`.
    kind: &'static str,
    /// Of a link or a card.
    title: String,
    /// Of a link.
    description: String,
    /// Where it leads.
    url: String,
    /// `own`, `logo` or `code`; empty for a link.
    picture: &'static str,
}

/// What a template comes to.
#[derive(Serialize, JsonSchema)]
struct VerdictAnswer {
    id: String,
    name: String,
    /// `fits`, `off`, `for_others`, `lacks` or `too_long`.
    verdict: &'static str,
    /// The placeholder that nothing is known for, where it lacks one.
    lacks: Option<&'static str>,
}

/// The calls and the page.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let (viewer, ops) = (Some(Role::Viewer), Some(Role::Ops));
    let picture = Endpoint::new(Method::PUT, PICTURE, ops, "Set the picture of a template", set_picture)
        .status(204)
        .body_bytes_max(PICTURE_BYTES_MAX);
    let picture = upload::MEDIA_TYPES
        .into_iter()
        .fold(picture, |it, media_type| it.takes_body(Body { media_type, schema: None }));
    let png = Body { media_type: "image/png", schema: None };
    let about = "What somebody would be greeted with, and why not with another template; nothing is sent";
    vec![
        Endpoint::new(Method::GET, ALL, viewer, "Templates of greetings, by name", list)
            .params(PAGED)
            .answers::<Listing<GreetingAnswer>>(),
        Endpoint::new(Method::POST, ALL, ops, "Make a template", create)
            .takes::<Template>()
            .answers::<GreetingAnswer>()
            .status(201)
            .also(409, "There are too many"),
        Endpoint::new(Method::POST, "/api/v1/admin/greetings/preview", viewer, about, preview)
            .takes::<PreviewBody>()
            .answers::<PreviewAnswer>(),
        Endpoint::new(Method::GET, ONE, viewer, "A template", read).answers::<GreetingAnswer>(),
        Endpoint::new(Method::PUT, ONE, ops, "Put another template in its place", replace)
            .takes::<Template>()
            .answers::<GreetingAnswer>()
            .etag(),
        Endpoint::new(Method::DELETE, ONE, ops, "Remove a template and its picture", remove).status(204).etag(),
        Endpoint::new(Method::GET, PICTURE, viewer, "The picture of a template", get_picture).answers_body(png),
        picture,
        Endpoint::new(Method::DELETE, PICTURE, ops, "Remove the picture of a template", remove_picture).status(204),
        Endpoint::new(Method::GET, HERE, viewer, "The page of greetings", show),
    ]
}

fn problem(error: GreetingError) -> Problem {
    match error {
        GreetingError::Missing => Problem::nothing_here("There is no greeting with this id."),
        GreetingError::Stale => EditError::Stale.into(),
        GreetingError::TooMany => EditError::InUse(error.to_string()).into(),
        GreetingError::Flawed(flaws) => {
            let error = |it: crate::app::wecom::templates::Flaw| FieldError {
                field: it.field.into(),
                code: it.code,
                message: it.message,
            };
            Problem::fields(flaws.into_iter().map(error).collect())
        }
        GreetingError::Storage(error) => EditError::Storage(error).into(),
    }
}

fn tag(revision: u64) -> String {
    format!("\"{revision}\"")
}

fn answer(id: String, template: Template, revision: u64) -> GreetingAnswer {
    GreetingAnswer { id, etag: tag(revision), weight: template.weight(), template }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GreetingError> + Send + 'static,
) -> Result<T, Problem> {
    web::block(work).await.map_err(|error| Problem::internal(&error))?.map_err(problem)
}

async fn list(web: Data<Web>, _staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string())?;
    let page = Page::read(&mut query);
    query.finish()?;
    let app = Arc::clone(&web.app);
    let all = blocking(move || Ok(app.greetings()?)).await?;
    let items = all.into_iter().map(|(it, revision)| answer(it.id, it.template, revision)).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(page.of(items)))
}

async fn one(web: &Data<Web>, id: String) -> Result<HttpResponse, Problem> {
    let (app, wanted) = (Arc::clone(&web.app), id.clone());
    let (template, revision) = blocking(move || app.greeting(&wanted)).await?;
    let found = answer(id, template, revision);
    let headers = ((ETAG, found.etag.clone()), (CACHE_CONTROL, "no-store"));
    Ok(HttpResponse::Ok().insert_header(headers.0).insert_header(headers.1).json(found))
}

async fn read(web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    one(&web, id.into_inner()).await
}

async fn create(web: Data<Web>, staff: Staff, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let template: Template = json_of(&request, &body)?;
    let (app, made) = (Arc::clone(&web.app), template.clone());
    let id = blocking(move || app.add_greeting(&staff.actor, &made)).await?;
    let made = answer(id, template, 1);
    let headers = ((ETAG, made.etag.clone()), (CACHE_CONTROL, "no-store"));
    Ok(HttpResponse::Created().insert_header(headers.0).insert_header(headers.1).json(made))
}

async fn replace(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let template: Template = json_of(&request, &body)?;
    let (app, id, expected) = (Arc::clone(&web.app), id.into_inner(), etag::expected(&request));
    let changed = id.clone();
    blocking(move || {
        app.change_greeting(&staff.actor, &changed, &template, |revision| {
            etag::matches(expected.as_deref(), &tag(revision)).is_ok()
        })
    })
    .await?;
    one(&web, id).await
}

async fn remove(web: Data<Web>, staff: Staff, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (app, expected) = (Arc::clone(&web.app), etag::expected(&request));
    blocking(move || {
        app.remove_greeting(&staff.actor, &id, |revision| etag::matches(expected.as_deref(), &tag(revision)).is_ok())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn get_picture(web: Data<Web>, _staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let app = Arc::clone(&web.app);
    let found = blocking(move || Ok(app.greeting_picture(&id)?)).await?;
    let found = found.ok_or_else(|| Problem::nothing_here("This greeting has no picture."))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .content_type("image/png")
        .body(found))
}

async fn set_picture(
    web: Data<Web>,
    staff: Staff,
    request: HttpRequest,
    id: Path<String>,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let Upload::Picture(picture, _) = upload::read(&request, body.0).await? else {
        return Err(Problem::picture("file", "not_a_picture", "send a PNG, JPEG or WebP picture"));
    };
    let drawn = web.picture_turns.run(move || Badge::open(&picture).and_then(|it| it.png())).await?;
    let drawn = drawn.map_err(|error| Problem::picture("file", error.code(), error.to_string()))?;
    if drawn.len() > GREETING_PICTURE_BYTES_MAX {
        let message = format!("the picture is larger than {GREETING_PICTURE_BYTES_MAX} bytes");
        return Err(Problem::picture("file", "too_large", message));
    }
    let app = Arc::clone(&web.app);
    blocking(move || app.set_greeting_picture(&staff.actor, &id, Some(&drawn))).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove_picture(web: Data<Web>, staff: Staff, id: Path<String>) -> Result<HttpResponse, Problem> {
    let app = Arc::clone(&web.app);
    blocking(move || app.set_greeting_picture(&staff.actor, &id, None)).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn preview(web: Data<Web>, _staff: Staff, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let PreviewBody { template, store, campaign, standing, membership, segment } = json_of(&request, &body)?;
    let catalog = web.app.catalog();
    let given = |it: Option<String>| it.filter(|it| !it.is_empty());
    let missing = |field: &'static str, code, message: &str| Problem::field(field, code, message.to_owned());
    let store = match given(store) {
        None => None,
        Some(it) => Some(
            StoreId::parse(&it)
                .ok()
                .filter(|it| catalog.store_key(it).is_some())
                .ok_or_else(|| missing("store", "unknown_store", "is no store of the catalog"))?,
        ),
    };
    let campaign = match given(campaign) {
        None => None,
        Some(it) => Some(
            CampaignSlug::parse(&it)
                .ok()
                .filter(|it| catalog.campaign(it).is_some())
                .ok_or_else(|| missing("campaign", "unknown_campaign", "is no campaign of the catalog"))?,
        ),
    };
    let ask = PreviewAsk { store, campaign, standing, membership, segment: given(segment) };
    let (app, public_url) = (Arc::clone(&web.app), web.settings.public_url.clone());
    let found = blocking(move || app.preview_greeting(&ask, template.as_ref(), &public_url)).await?;
    let templates = found.iter().map(|(it, verdict)| {
        let (verdict, lacks) = match verdict {
            Ok(_) => ("fits", None),
            Err(Unfit::Off) => ("off", None),
            Err(Unfit::ForOthers) => ("for_others", None),
            Err(Unfit::Lacks(word)) => ("lacks", Some(word.as_str())),
            Err(Unfit::TooLong) => ("too_long", None),
        };
        VerdictAnswer { id: it.id.clone(), name: it.template.name.clone(), verdict, lacks }
    });
    let templates = templates.collect();
    let first = found.into_iter().find_map(|(it, verdict)| Some((it.id, verdict.ok()?)));
    let greeting = first.map(|(id, it)| GreetingShown {
        id,
        text: it.text,
        attachments: it.parts.into_iter().map(shown).collect(),
    });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(PreviewAnswer { greeting, templates }))
}

fn shown(part: Part) -> PartAnswer {
    let picture = |it| match it {
        PictureFrom::Own => "own",
        PictureFrom::Logo => "logo",
        PictureFrom::Code => "code",
    };
    let empty = String::new;
    match part {
        Part::Link { title, description, url } => PartAnswer { kind: "link", title, description, url, picture: "" },
        Part::Miniprogram { title, page, picture: from, .. } => {
            PartAnswer { kind: "miniprogram", title, description: empty(), url: page, picture: picture(from) }
        }
        Part::Image(from) => {
            PartAnswer { kind: "image", title: empty(), description: empty(), url: empty(), picture: picture(from) }
        }
    }
}

#[derive(askama::Template)]
#[template(path = "admin/templates/greetings.html", config = "src/http/askama.toml")]
struct GreetingsView {
    shell: Shell,
    /// Placeholders in the language of the page.
    words: Vec<&'static str>,
    text_max: usize,
    has_wecom: bool,
    campaigns: Vec<(String, String)>,
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let shell = Shell::new(&request, &staff, HERE);
    let words = WORDS.iter().map(|(_, english, chinese)| shell.t(chinese, english)).collect();
    let catalog = web.app.catalog();
    let campaigns = catalog.campaigns().map(|it| (it.slug.to_string(), it.name.to_string())).collect();
    // Nothing can be sent without the secret, and nobody says whom to greet without the callback.
    let has_wecom = web.app.wecom().is_some() && web.app.takes_callbacks();
    page(&GreetingsView { shell, words, text_max: TEXT_BYTES_MAX, has_wecom, campaigns })
}
