//! `/admin/campaigns/{slug}/preview`: the landing page of a draft, in a frame of our own page. It records nothing and runs no script.

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::{nothing, slug_of};
use crate::app::campaign_desk::sample_store;
use crate::campaign::Campaign;
use crate::catalog::read_campaign;
use crate::http::Web;
use crate::http::admin::fields::object;
use crate::http::admin::gate::Staff;
use crate::http::admin::table::{Endpoint, Param};
use crate::http::landing::texts::Lang;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::id::StoreId;
use crate::staff::Role;

/// The longest query, in bytes: a draft with every text filled in, escaped.
const QUERY_BYTES_MAX: usize = 24 * 1_024;

const PARAMS: &[Param] = &[
    Param { name: "draft", about: "The fields of the campaign as JSON; without it, the campaign as it is." },
    Param { name: "lang", about: "zh or en; default: the browser's." },
    Param {
        name: "store",
        about: "The store that was chosen; empty: the first that has a code; none: nobody knows where.",
    },
];

pub(super) fn endpoint() -> Endpoint {
    let path = "/admin/campaigns/{slug}/preview";
    let about = "The landing page of a draft; records nothing";
    Endpoint::new(Method::GET, path, Some(Role::Viewer), about, show).params(PARAMS)
}

async fn show(
    web: Data<Web>,
    _staff: Staff,
    request: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let query = request.query_string();
    if query.len() > QUERY_BYTES_MAX {
        return Err(Problem::field("draft", "too_long", format!("has more than {QUERY_BYTES_MAX} bytes")));
    }
    let (mut draft, mut lang, mut store) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "draft" => draft = Some(value.into_owned()),
            "lang" => lang = Some(value.into_owned()),
            "store" => store = Some(value.into_owned()),
            _ => {}
        }
    }
    let catalog = web.app.catalog();
    let published = catalog.campaign(&slug_of(&slug)?);
    let campaign = match draft {
        Some(draft) => {
            let read = read_campaign(object(draft.as_bytes())?).map_err(|problems| Problem::rows(&problems))?;
            Campaign { logo: published.and_then(|it| it.logo.clone()), ..read }
        }
        None => published.cloned().ok_or_else(|| nothing(&slug))?,
    };
    let store = match store.as_deref() {
        Some("none") => None,
        Some(id) if !id.is_empty() => StoreId::parse(id).ok().filter(|it| catalog.store_key(it).is_some()),
        _ => sample_store(&catalog, &campaign.slug),
    };
    let app = std::sync::Arc::clone(&web.app);
    let landing = web::block(move || app.preview(campaign, store)).await.map_err(|error| Problem::internal(&error))?;
    let mut page = Page::of(&web, &request).in_wechat();
    match lang.as_deref() {
        Some("zh") => page.texts = Lang::Zh.texts(),
        Some("en") => page.texts = Lang::En.texts(),
        _ => {}
    }
    let mut response = page.preview(&web, &landing);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{}'; img-src 'self'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'self'; sandbox allow-same-origin",
        page.nonce
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    let same = HeaderValue::from_static("SAMEORIGIN");
    response.headers_mut().insert(HeaderName::from_static("x-frame-options"), same);
    Ok(response)
}
