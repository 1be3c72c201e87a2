//! `campaigns/{slug}/code.svg`, `.png` and `.pdf`: the landing code, ready to print.

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::wire::link;
use super::{nothing, slug_of};
use crate::http::Web;
use crate::http::admin::gate::Staff;
use crate::http::admin::table::{Body, Endpoint, Param};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::qr::{Badge, Code, Paper, Poster, QrError, SIZE_PX_MAX, SIZE_PX_MIN};
use crate::staff::Role;

/// The width of a PNG whose size nobody asks for, in pixels: 10 cm at 300 dots an inch.
const SIZE_PX_DEFAULT: usize = 1_181;

const PARAMS: &[Param] = &[
    Param { name: "size", about: "PNG: its width in pixels, 64 to 2048; default 1181." },
    Param { name: "caption", about: "Up to three lines below the code." },
    Param { name: "logo", about: "true: the campaign's logo in the middle." },
    Param { name: "paper", about: "PDF: a4, a5 or a6; default a6." },
];

pub(super) fn endpoint() -> Endpoint {
    let path = "/api/v1/admin/campaigns/{slug}/code.{format}";
    let about = "The landing code as svg, png or pdf, ready to print";
    ["image/svg+xml", "image/png", "application/pdf"]
        .into_iter()
        .fold(Endpoint::new(Method::GET, path, Some(Role::Viewer), about, download).params(PARAMS), |it, media_type| {
            it.answers_body(Body { media_type, schema: None })
        })
}

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Png(u32),
    Pdf(Paper),
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png(_) => "image/png",
            Self::Pdf(_) => "application/pdf",
        }
    }
}

async fn download(
    web: Data<Web>,
    _staff: Staff,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (slug, ending) = path.into_inner();
    let mut query = Query::parse(request.query_string())?;
    let px = |it: u32| usize::try_from(it).unwrap_or(SIZE_PX_DEFAULT);
    let size = query.count("size", SIZE_PX_DEFAULT, px(SIZE_PX_MIN)..=px(SIZE_PX_MAX));
    let paper = match query.text("paper").map(Paper::parse) {
        None => Paper::default(),
        Some(Some(paper)) => paper,
        Some(None) => {
            query.fail("paper", "unknown_word", "is none of a4, a5, a6");
            Paper::default()
        }
    };
    let caption = query.text("caption").map(ToOwned::to_owned);
    let wants_logo = query.flag("logo");
    query.finish()?;
    let format = match ending.as_str() {
        "svg" => Format::Svg,
        "png" => Format::Png(u32::try_from(size).unwrap_or(SIZE_PX_MAX)),
        "pdf" => Format::Pdf(paper),
        _ => return Err(Problem::nothing_here("A code is an svg, a png or a pdf.")),
    };
    let catalog = web.app.catalog();
    let campaign = catalog.campaign(&slug_of(&slug)?).ok_or_else(|| nothing(&slug))?;
    let link = link(&web.settings.public_url, &campaign.slug);
    let logo = campaign.logo.as_ref().filter(|_| wants_logo).map(|it| it.bytes().to_vec());
    if wants_logo && logo.is_none() {
        return Err(Problem::field("logo", "missing", "the campaign has no logo"));
    }
    // Fonts are looked for on disk.
    let work = move || draw(&link, caption.as_deref(), logo.as_deref(), format);
    let drawn = web::block(work).await.map_err(|error| Problem::internal(&error))?;
    let drawn = drawn.map_err(|error| refused(&error))?;
    // A short name is printable ASCII where it may be made; an older one may not be.
    let name: String = slug.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_')).collect();
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; img-src data:; sandbox"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"jinqun-{name}.{ending}\"")))
        .content_type(format.media_type())
        .body(drawn))
}

fn draw(link: &str, caption: Option<&str>, logo: Option<&[u8]>, format: Format) -> Result<Vec<u8>, QrError> {
    let badge = logo.map(Badge::open).transpose().map_err(|error| QrError::Logo(error.to_string()))?;
    let code = if badge.is_some() { Code::with_room(link)? } else { Code::printed(link)? };
    let poster = Poster::new(&code, caption, None)?;
    let poster = match &badge {
        Some(badge) => poster.with_badge(badge),
        None => poster,
    };
    match format {
        Format::Svg => Ok(poster.svg().into_bytes()),
        Format::Png(size_px) => poster.png(size_px),
        Format::Pdf(paper) => poster.pdf_on(paper),
    }
}

fn refused(error: &QrError) -> Problem {
    let field = match error {
        QrError::CaptionTooLong(_)
        | QrError::CaptionLines(_)
        | QrError::CaptionCharacter(_)
        | QrError::FontLacks { .. }
        | QrError::NoFont(_) => "caption",
        QrError::Size(_) | QrError::TooSmall { .. } => "size",
        QrError::Logo(_) => "logo",
        QrError::Empty | QrError::TooLong(_) | QrError::Encode(_) | QrError::Png(_) => return Problem::internal(error),
    };
    Problem::field(field, "cannot_be_drawn", error.to_string())
}
