//! What every page of the operations team shares: its frame, its language, its styles and scripts.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY,
};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::etag;
use super::gate::Staff;
use crate::http::cookie;
use crate::http::landing::texts::Lang;
use crate::http::problem::Problem;
use crate::staff::Role;

/// Chooses the language of the pages where a browser's own is not wanted.
const LANGUAGE_COOKIE: &str = "jq-lang";

/// Styles and scripts: name, media type, text.
const ASSETS: &[(&str, &str, &str)] = &[
    ("admin.css", "text/css; charset=utf-8", include_str!("assets/admin.css")),
    ("admin.js", "text/javascript; charset=utf-8", include_str!("assets/admin.js")),
    ("alerts.css", "text/css; charset=utf-8", include_str!("assets/alerts.css")),
    ("alerts.js", "text/javascript; charset=utf-8", include_str!("assets/alerts.js")),
    ("deadletters.js", "text/javascript; charset=utf-8", include_str!("assets/deadletters.js")),
    ("codesync.js", "text/javascript; charset=utf-8", include_str!("assets/codesync.js")),
    ("catchment.js", "text/javascript; charset=utf-8", include_str!("assets/catchment.js")),
    ("map.css", "text/css; charset=utf-8", include_str!("assets/map.css")),
    ("map.js", "text/javascript; charset=utf-8", include_str!("assets/map.js")),
    ("mapdraw.js", "text/javascript; charset=utf-8", include_str!("assets/mapdraw.js")),
    ("mapgeo.js", "text/javascript; charset=utf-8", include_str!("assets/mapgeo.js")),
    ("history.css", "text/css; charset=utf-8", include_str!("assets/history.css")),
    ("history.js", "text/javascript; charset=utf-8", include_str!("assets/history.js")),
    ("regions.css", "text/css; charset=utf-8", include_str!("assets/regions.css")),
    ("regions.js", "text/javascript; charset=utf-8", include_str!("assets/regions.js")),
    ("stores.css", "text/css; charset=utf-8", include_str!("assets/stores.css")),
    ("stores.js", "text/javascript; charset=utf-8", include_str!("assets/stores.js")),
    ("store.js", "text/javascript; charset=utf-8", include_str!("assets/store.js")),
    ("accounts.css", "text/css; charset=utf-8", include_str!("assets/accounts.css")),
    ("dialogs.js", "text/javascript; charset=utf-8", include_str!("assets/dialogs.js")),
    ("users.js", "text/javascript; charset=utf-8", include_str!("assets/users.js")),
    ("tokens.js", "text/javascript; charset=utf-8", include_str!("assets/tokens.js")),
    ("audit.js", "text/javascript; charset=utf-8", include_str!("assets/audit.js")),
    ("password.js", "text/javascript; charset=utf-8", include_str!("assets/password.js")),
    ("docs.css", "text/css; charset=utf-8", include_str!("assets/docs.css")),
    ("docs.js", "text/javascript; charset=utf-8", include_str!("assets/docs.js")),
    ("visitors.js", "text/javascript; charset=utf-8", include_str!("assets/visitors.js")),
    ("sign-in.js", "text/javascript; charset=utf-8", include_str!("assets/sign-in.js")),
    ("import.css", "text/css; charset=utf-8", include_str!("assets/import.css")),
    ("import.js", "text/javascript; charset=utf-8", include_str!("assets/import.js")),
    ("numbers.css", "text/css; charset=utf-8", include_str!("assets/numbers.css")),
    ("numbers.js", "text/javascript; charset=utf-8", include_str!("assets/numbers.js")),
    ("overview.css", "text/css; charset=utf-8", include_str!("assets/overview.css")),
    ("places.css", "text/css; charset=utf-8", include_str!("assets/places.css")),
    ("test.js", "text/javascript; charset=utf-8", include_str!("assets/test.js")),
    ("pictures.js", "text/javascript; charset=utf-8", include_str!("assets/pictures.js")),
    ("groups.js", "text/javascript; charset=utf-8", include_str!("assets/groups.js")),
    ("groupform.js", "text/javascript; charset=utf-8", include_str!("assets/groupform.js")),
    ("campaigns.js", "text/javascript; charset=utf-8", include_str!("assets/campaigns.js")),
    ("campaign.js", "text/javascript; charset=utf-8", include_str!("assets/campaign.js")),
    ("campaigns.css", "text/css; charset=utf-8", include_str!("assets/campaigns.css")),
    ("groups.css", "text/css; charset=utf-8", include_str!("assets/groups.css")),
    ("greetings.js", "text/javascript; charset=utf-8", include_str!("assets/greetings.js")),
    ("greetings.css", "text/css; charset=utf-8", include_str!("assets/greetings.css")),
];

/// A place in the menu: path, Chinese, English, the least role that sees it.
const MENU: &[(&str, &str, &str, Role)] = &[
    ("/admin", "概览", "Overview", Role::Viewer),
    ("/admin/stores", "门店", "Stores", Role::Viewer),
    ("/admin/groups", "群与店长", "Groups", Role::Viewer),
    ("/admin/regions", "区域", "Regions", Role::Viewer),
    ("/admin/campaigns", "活动", "Campaigns", Role::Viewer),
    ("/admin/greetings", "欢迎语", "Greetings", Role::Viewer),
    ("/admin/import", "导入", "Import", Role::Ops),
    ("/admin/test", "测试位置", "Test a place", Role::Viewer),
    ("/admin/catchment", "覆盖范围", "Catchment", Role::Viewer),
    ("/admin/alerts", "提醒", "Alerts", Role::Viewer),
    ("/admin/numbers", "数据", "Numbers", Role::Viewer),
    ("/admin/history", "历史", "History", Role::Viewer),
    ("/admin/wecom", "企业微信", "WeCom", Role::Ops),
    ("/admin/visitors", "访客", "Visitors", Role::Ops),
    ("/admin/audit", "审计", "Audit", Role::Ops),
    ("/admin/users", "人员", "People", Role::Admin),
];

/// The frame of a page, for its template.
pub(in crate::http) struct Shell {
    lang: Lang,
    /// Which page it is: its path in the menu.
    here: &'static str,
    user: String,
    role: Role,
    csrf: String,
}

/// A line of the menu.
pub(in crate::http) struct MenuItem {
    pub(in crate::http) href: &'static str,
    pub(in crate::http) name: &'static str,
    pub(in crate::http) is_here: bool,
}

impl Shell {
    /// The frame of the page that `here` names in the menu.
    pub(in crate::http) fn new(request: &HttpRequest, staff: &Staff, here: &'static str) -> Self {
        let (actor, csrf) = (&staff.actor, staff.csrf.clone());
        Self { lang: language(request), here, user: actor.name.clone(), role: actor.role, csrf }
    }

    /// The frame of a page for whoever has not signed in.
    pub(in crate::http) fn of_nobody(request: &HttpRequest) -> Self {
        Self { lang: language(request), here: "", user: String::new(), role: Role::Viewer, csrf: String::new() }
    }

    /// The text in the language of the page.
    pub(in crate::http) fn t<'t>(&self, chinese: &'t str, english: &'t str) -> &'t str {
        match self.lang {
            Lang::Zh => chinese,
            Lang::En => english,
        }
    }

    /// The language as HTML writes it.
    pub(in crate::http) fn lang(&self) -> &'static str {
        match self.lang {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }

    /// The menu as this role sees it.
    pub(in crate::http) fn menu(&self) -> Vec<MenuItem> {
        let seen = MENU.iter().filter(|(.., least)| *least <= self.role);
        seen.map(|(href, zh, en, _)| MenuItem { href, name: self.t(zh, en), is_here: *href == self.here }).collect()
    }

    /// Whether whoever looks may change things of this kind.
    pub(in crate::http) fn may(&self, least: &str) -> bool {
        Role::parse(least).is_some_and(|it| self.role >= it)
    }

    pub(in crate::http) fn user(&self) -> &str {
        &self.user
    }

    pub(in crate::http) fn role(&self) -> &'static str {
        self.role.as_str()
    }

    pub(in crate::http) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The address of a style or script. A style's holds a digest of it, so that browsers may keep it. A script has one address,
    /// because scripts load each other by it, and a second address would be a second copy; browsers ask whether it has changed.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(in crate::http) fn asset(&self, name: &str) -> String {
        if name.strip_suffix(".js").is_some() {
            return format!("/admin/assets/{name}");
        }
        let found = ASSETS.iter().find(|(it, ..)| *it == name);
        let Some((_, _, text)) = found.filter(|(_, media_type, _)| media_type.starts_with("text/css")) else {
            return format!("/admin/assets/{name}");
        };
        format!("/admin/assets/{name}?v={}", etag::of(text).trim_matches('"'))
    }
}

/// The language of a page: the cookie's, else the browser's.
pub(in crate::http) fn language(request: &HttpRequest) -> Lang {
    match cookie::named(request, LANGUAGE_COOKIE).as_deref() {
        Some("zh") => Lang::Zh,
        Some("en") => Lang::En,
        _ => {
            let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok());
            Lang::from_accept_language(header.unwrap_or_default())
        }
    }
}

/// Renders a page. Scripts and styles come from here alone, pictures also from what the page itself makes of a file.
pub(in crate::http) fn page(view: &impl Template) -> Result<HttpResponse, Problem> {
    page_with(view, "")
}

/// As [`page`], with more hosts that pictures may come from: a tile source that the settings name.
pub(in crate::http) fn page_with(view: &impl Template, image_hosts: &str) -> Result<HttpResponse, Problem> {
    page_of(StatusCode::OK, view, image_hosts)
}

/// As [`page_with`], with another status.
pub(super) fn page_of(status: StatusCode, view: &impl Template, image_hosts: &str) -> Result<HttpResponse, Problem> {
    let html = view.render().map_err(|error| Problem::internal(&error))?;
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob: data: {image_hosts}; connect-src 'self'; \
         frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((HeaderName::from_static("x-frame-options"), "DENY"))
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// A style or script.
pub(super) async fn asset(request: HttpRequest, file: Path<String>) -> Result<HttpResponse, Problem> {
    let found = ASSETS.iter().find(|(name, ..)| *name == file.as_str());
    let Some((_, media_type, text)) = found else {
        return Err(Problem::nothing_here("No style and no script has this name."));
    };
    let tag = etag::of(text);
    // What was asked for by its digest never changes.
    let is_named = !request.query_string().is_empty();
    let keep = if is_named { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    if request.headers().get(IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == tag.as_bytes()) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, keep))
        .content_type(*media_type)
        .body(*text))
}
