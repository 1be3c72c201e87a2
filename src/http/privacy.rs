//! The privacy notice as a page, with the way to have everything deleted; and which version of it is in force.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};

use super::api::visitors;
use super::landing::privacy::{Ending, Kept, PrivacyView, Sharing};
use super::landing::texts::Texts;
use super::page::{Page, logo_url};
use super::query::Query;
use super::{Web, cookie};
use crate::app::Retention;
use crate::campaign::Campaign;
use crate::consent::NoticeVersion;
use crate::id::{CampaignSlug, VisitorId};

/// What the operator says in the notice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivacySettings {
    /// Who is responsible; none means the campaign's name.
    pub company: Option<String>,
    /// How they are reached.
    pub contact: Option<String>,
    /// The version, where the operator counts them; none means a digest of all that the notice says.
    pub version: Option<NoticeVersion>,
}

/// The version of the notice with these settings: changes when anything in it does.
#[must_use]
pub fn notice_version(settings: &PrivacySettings, retention: &Retention, sharing: Sharing) -> NoticeVersion {
    if let Some(version) = &settings.version {
        return version.clone();
    }
    let mut hash = Sha256::new();
    for texts in [&Texts::ZH, &Texts::EN] {
        for text in Kept::of(retention, sharing).paragraphs(texts) {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
    }
    for text in [&settings.company, &settings.contact] {
        hash.update(text.as_deref().unwrap_or_default().as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    NoticeVersion::of_digest(digest)
}

/// `GET /privacy?campaign=`: the notice.
pub(super) async fn notice(web: Data<Web>, request: HttpRequest) -> HttpResponse {
    let slug = Query::parse(request.query_string()).ok().and_then(|it| it.text("campaign").map(ToOwned::to_owned));
    let silent = silent(&web, visitor(&web, &request)).await;
    show(&web, &request, slug.as_deref(), (None, silent))
}

/// Whether a visitor's region is not used for messages; none if nobody knows.
async fn silent(web: &Data<Web>, visitor: Option<VisitorId>) -> Option<bool> {
    let (app, visitor) = (std::sync::Arc::clone(&web.app), visitor?);
    web::block(move || app.is_silent(visitor)).await.ok()?.ok()
}

/// `POST /privacy`: deletes what is held about the visitor of the cookie, if the form is of their own page and they are sure.
pub(super) async fn forget(web: Data<Web>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut fields = (None, None, false, None);
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "campaign" => fields.0 = Some(value.into_owned()),
            "word" => fields.1 = Some(value.into_owned()),
            "sure" => fields.2 = true,
            "silent" => fields.3 = Some(value == "1"),
            _ => {}
        }
    }
    let (slug, word, is_sure, wish) = fields;
    let ending = match visitor(&web, &request) {
        None if wish.is_some() => Ending::NobodyWishes,
        None => Ending::Nobody,
        // Another site cannot know the word, and gets no cookie either.
        Some(it) if !word.is_some_and(|word| web.app.is_form_word(it, &word)) => Ending::Old,
        Some(it) if wish.is_some() => match visitors::silence(&web, it, wish.unwrap_or_default()).await {
            Ok(()) => Ending::Kept,
            Err(_problem) => Ending::NotKept,
        },
        Some(_) if !is_sure => Ending::Unsure,
        Some(it) => match visitors::forget(&web, it).await {
            Ok(erased) => Ending::Done(erased),
            Err(_problem) => Ending::Failed,
        },
    };
    let silent = match &ending {
        Ending::Done(_) => None,
        Ending::Unsure
        | Ending::Old
        | Ending::Nobody
        | Ending::NobodyWishes
        | Ending::Failed
        | Ending::Kept
        | Ending::NotKept => silent(&web, visitor(&web, &request)).await,
    };
    show(&web, &request, slug.as_deref(), (Some(ending), silent))
}

fn visitor(web: &Web, request: &HttpRequest) -> Option<VisitorId> {
    cookie::read(request).and_then(|it| web.app.visitor_of(&it))
}

fn show(
    web: &Web,
    request: &HttpRequest,
    slug: Option<&str>,
    (ending, is_silent): (Option<Ending>, Option<bool>),
) -> HttpResponse {
    let page = Page::of(web, request);
    let catalog = web.app.catalog();
    let default = CampaignSlug::default_slug();
    let named = slug.and_then(|it| CampaignSlug::parse(it).ok()).and_then(|it| catalog.campaign(&it).cloned());
    let campaign = named.or_else(|| catalog.campaign(&default).cloned()).unwrap_or_else(Campaign::plain);
    let logo = logo_url(&campaign);
    let is_done = matches!(ending, Some(Ending::Done(_)));
    let word = visitor(web, request).filter(|_| !is_done).map(|it| web.app.form_word(it));
    let status = match &ending {
        Some(Ending::Failed | Ending::NotKept) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Ending::Unsure | Ending::Old | Ending::Nobody | Ending::NobodyWishes) => StatusCode::BAD_REQUEST,
        Some(Ending::Done(_) | Ending::Kept) | None => StatusCode::OK,
    };
    let view = PrivacyView {
        texts: page.texts,
        nonce: &page.nonce,
        campaign: page.campaign(&campaign, logo.as_deref()),
        company: web.settings.privacy.company.as_deref().unwrap_or(&campaign.name),
        contact: web.settings.privacy.contact.as_deref(),
        version: web.app.notice().as_str(),
        kept: Kept::of(&web.settings.retention, web.settings.sharing),
        word: word.as_deref(),
        is_silent,
        ending,
        privacy_href: None,
    };
    let mut response = page.answer(status, &view);
    if is_done {
        for line in cookie::clear(request, web.settings.is_https()) {
            if let Ok(line) = HeaderValue::from_str(&line) {
                response.headers_mut().append(SET_COOKIE, line);
            }
        }
    }
    response
}
