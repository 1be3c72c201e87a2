//! The first page: what happened today and yesterday, what needs a person, and what to do next.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::chart::grouped;
use super::gate::Staff;
use super::shell::{Shell, page};
use super::table::Endpoint;
use crate::app::{Alerts, Glance, kind_name};
use crate::catalog::Catalog;
use crate::funnel::Stage;
use crate::http::Web;
use crate::http::problem::Problem;
use crate::staff::Role;

/// The stages that are shown at a glance.
const STAGES: [(Stage, &str, &str); 4] = [
    (Stage::Scanned, "扫码", "Scanned"),
    (Stage::Shown, "看到群码", "Saw a code"),
    (Stage::Pressed, "长按", "Pressed"),
    (Stage::Joined, "入群", "Joined"),
];

/// A figure of today beside yesterday's.
struct Figure {
    name: &'static str,
    today: String,
    yesterday: String,
}

/// A kind of alert, and how many there are.
struct AlertLine {
    kind: &'static str,
    severity: &'static str,
    name: String,
    count: String,
    /// The first of them, in words.
    first: String,
}

/// A step towards a chain that works.
struct NextStep {
    is_done: bool,
    href: &'static str,
    name: &'static str,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "admin/templates/overview.html", config = "src/http/askama.toml")]
struct Overview {
    shell: Shell,
    figures: Vec<Figure>,
    alerts: Vec<AlertLine>,
    alerts_total: String,
    /// Number, moment, author and note of the latest version.
    latest: Option<(u64, String, String, String)>,
    stores: String,
    stores_active: String,
    groups: String,
    contacts: String,
    steps: Vec<NextStep>,
}

/// `GET /admin`: where a day begins.
pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/admin", Some(Role::Viewer), "The first page of the operations team", show)
}

async fn show(web: Data<Web>, staff: Staff, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let app = Arc::clone(&web.app);
    let found = web::block(move || (app.glance(), app.alerts())).await.map_err(|error| Problem::internal(&error))?;
    let (glance, alerts) = found;
    let glance = glance.map_err(|_cause| Problem::no_storage())?;
    let shell = Shell::new(&request, &staff, "/admin");
    let catalog = web.app.catalog();
    let zone = web.app.zone().as_jiff();
    page(&Overview {
        figures: figures(&shell, &glance),
        alerts: alert_lines(&shell, &alerts),
        alerts_total: grouped(i64::try_from(alerts.total()).unwrap_or(i64::MAX)),
        latest: glance.latest.map(|it| {
            let at = it.info.at.in_zone(zone).replace('T', " ");
            (it.version, at.chars().take(16).collect(), it.info.author, it.info.note)
        }),
        stores: count(catalog.stores().len()),
        stores_active: count((0_u32..).take(catalog.stores().len()).filter(|it| catalog.is_active(*it)).count()),
        groups: count(catalog.groups().len()),
        contacts: count(catalog.contacts().len()),
        steps: steps(&shell, &catalog),
        shell,
    })
}

fn count(number: usize) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

fn figures(shell: &Shell, glance: &Glance) -> Vec<Figure> {
    let figure = |(stage, zh, en): (Stage, &'static str, &'static str)| Figure {
        name: shell.t(zh, en),
        today: grouped(glance.today.of(stage)),
        yesterday: grouped(glance.yesterday.of(stage)),
    };
    STAGES.into_iter().map(figure).collect()
}

fn alert_lines(shell: &Shell, alerts: &Alerts) -> Vec<AlertLine> {
    let line = |(kind, count): (&crate::app::AlertKind, &usize)| {
        let name = kind_name(*kind);
        let first = alerts.listed.iter().find(|it| it.kind == *kind);
        AlertLine {
            kind: kind.as_str(),
            severity: kind.severity(),
            name: shell.t(&name.zh, &name.en).to_owned(),
            count: self::count(*count),
            first: first.map(|it| shell.t(&it.said.zh, &it.said.en).to_owned()).unwrap_or_default(),
        }
    };
    alerts.counts.iter().map(line).collect()
}

/// What is to be done before customers can be served; nothing once all is done.
fn steps(shell: &Shell, catalog: &Catalog) -> Vec<NextStep> {
    let has_codes = !catalog.groups().is_empty() || !catalog.contacts().is_empty();
    let step = |is_done, href, (zh, en), (about_zh, about_en)| NextStep {
        is_done,
        href,
        name: shell.t(zh, en),
        about: shell.t(about_zh, about_en),
    };
    let steps = vec![
        step(
            !catalog.stores().is_empty(),
            "/admin/import",
            ("导入门店", "Import the stores"),
            ("一张 Excel 表:编号、名称、坐标。", "A sheet with ids, names and coordinates."),
        ),
        step(
            has_codes,
            "/admin/groups",
            ("上传群二维码", "Upload the group codes"),
            ("从手机截图就行,系统会认出来。", "Pictures from the phone will do; they are read here."),
        ),
        step(
            catalog.campaign(&crate::id::CampaignSlug::default_slug()).is_some_and(|it| !it.name.is_empty())
                && has_codes,
            "/admin/campaigns",
            ("打印入口码", "Print the landing code"),
            ("一张码,所有门店通用。", "One code for every store."),
        ),
    ];
    if catalog.stores().is_empty() || !has_codes { steps } else { Vec::new() }
}
