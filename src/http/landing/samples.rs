//! Views to render in tests: one of every form that the pages take.

use super::chooser::{ChooserView, ErrorView, Listed, PlaceView};
use super::client::ClientKind;
use super::colour::Colour;
use super::links;
use super::parts::{AltView, CampaignView, FallbackView, JoinKind, JoinView, StoreView};
use super::texts::Lang;
use super::view::LandingView;
use crate::campaign::Route;
use crate::routing::{Outcome, Reason, Rung};
use crate::visitor::FixSource;

const SCAN: &str = "01JD9ZZZZZ0000000000000000";

/// A campaign with a deep green.
pub fn campaign(lang: Lang) -> CampaignView<'static> {
    let name = match lang {
        Lang::Zh => "青禾咖啡",
        Lang::En => "Greenfield Coffee",
    };
    CampaignView { slug: "default", name, logo_url: None, colour: Colour::DEFAULT, words: None }
}

fn store(lang: Lang, distance: Option<String>) -> StoreView<'static> {
    let (name, address) = match lang {
        Lang::Zh => ("青禾咖啡（人民广场店）", "黄浦区南京西路 388 号一层 103 室"),
        Lang::En => ("Greenfield Coffee, People's Square", "103, 388 Nanjing Road (W), Huangpu"),
    };
    StoreView { id: "SH-0001", name, address, distance, hours: Some("08:00-22:00"), open: Some(true), opens: None }
}

fn join(lang: Lang, kind: JoinKind) -> JoinView<'static> {
    let name = match (lang, kind) {
        (Lang::Zh, JoinKind::Group) => "青禾人民广场店福利群",
        (Lang::Zh, JoinKind::Contact) => "店长小林",
        (Lang::En, JoinKind::Group) => "People's Square friends",
        (Lang::En, JoinKind::Contact) => "Lin, store manager",
    };
    JoinView {
        kind,
        name,
        qr_png: "/qr/01JD9QR0000000000000000000.png",
        url: "https://work.weixin.qq.com/gm/0123456789abcdef",
        is_linked: false,
        expires: None,
    }
}

fn alternatives(lang: Lang, rough: bool) -> Vec<AltView<'static>> {
    const ZH: [(&str, &str, &str, f64); 8] = [
        ("SH-0007", "青禾咖啡（来福士店）", "黄浦区西藏中路 268 号", 903.0),
        ("SH-0011", "青禾咖啡（新天地店）", "黄浦区马当路 245 号", 1240.0),
        ("SH-0003", "青禾咖啡（静安寺店）", "静安区南京西路 1686 号", 2610.0),
        ("SH-0024", "青禾咖啡（陆家嘴正大店）", "浦东新区陆家嘴西路 168 号", 3020.0),
        ("SH-0031", "青禾咖啡（大宁店）", "静安区共和新路 1968 号", 5380.0),
        ("SH-0045", "青禾咖啡（五角场店）", "杨浦区邯郸路 600 号", 8100.0),
        ("SH-0052", "青禾咖啡（虹桥天地店）", "闵行区申长路 688 号", 14_600.0),
        ("SH-0066", "青禾咖啡（七宝店）", "闵行区漕宝路 3366 号", 15_900.0),
    ];
    ZH.iter()
        .map(|&(id, name, address, metres)| AltView {
            id,
            name,
            address,
            distance: Some(lang.texts().distance(metres, rough)),
            href: links::landing("default", &[("store", id), ("scan", SCAN)]),
        })
        .collect()
}

/// A store and its group, from an exact position.
pub fn routed(lang: Lang) -> LandingView<'static> {
    LandingView {
        texts: lang.texts(),
        nonce: "bm9uY2U",
        client: ClientKind::WeChat,
        campaign: campaign(lang),
        notice: "2026-07",
        scan: Some(SCAN),
        outcome: Outcome::Routed,
        fix_source: FixSource::Gps,
        accuracy_m: Some(35.0),
        place: None,
        store: Some(store(lang, Some(lang.texts().distance(412.6, false)))),
        join: Some(join(lang, JoinKind::Group)),
        fallback: None,
        asked: None,
        other_route: Some(Route::Contact),
        alternatives: alternatives(lang, false).into_iter().take(4).collect(),
        standing: None,
        wechat_script: None,
        sign_in: None,
        privacy_href: Some("/privacy"),
    }
}

type Named = (&'static str, LandingView<'static>);

/// Every form of the landing page, with a name.
pub fn landings(lang: Lang) -> Vec<Named> {
    let mut all = vec![("routed", routed(lang))];
    all.extend(coded(lang));
    all.extend(without_a_store(lang));
    all.extend(clients_and_colours(lang));
    all
}

/// A store with its code, found in other ways or with a step down the ladder.
fn coded(lang: Lang) -> Vec<Named> {
    let base = routed(lang);
    let (mut previous, mut close_call, mut next, mut contact, mut largest) =
        (base.clone(), base.clone(), base.clone(), base.clone(), base);
    previous.fix_source = FixSource::Previous;
    previous.accuracy_m = None;
    previous.store = Some(store(lang, None));
    previous.alternatives.clear();

    close_call.outcome = Outcome::Choose;
    close_call.accuracy_m = Some(900.0);

    next.fallback = Some(FallbackView {
        rung: Rung::NextStore,
        reason: Reason::Full,
        wanted: Some("青禾咖啡（来福士店）"),
        wanted_id: Some("SH-0007"),
    });
    next.join = Some(JoinView { expires: Some(lang.texts().day(12, 1)), ..join(lang, JoinKind::Group) });

    contact.fix_source = FixSource::Chosen;
    contact.join = Some(join(lang, JoinKind::Contact));
    contact.fallback =
        Some(FallbackView { rung: Rung::Contact, reason: Reason::NoJoinCode, wanted: None, wanted_id: None });

    let mut lent = contact.clone();
    lent.join = Some(join(lang, JoinKind::Group));
    lent.other_route = None;
    lent.fallback = Some(FallbackView { rung: Rung::Group, reason: Reason::Expired, wanted: None, wanted_id: None });
    let mut region = lent.clone();
    region.fallback = Some(FallbackView { rung: Rung::Region, reason: Reason::Full, wanted: None, wanted_id: None });
    let mut campaign = region.clone();
    campaign.fallback =
        Some(FallbackView { rung: Rung::Campaign, reason: Reason::Full, wanted: None, wanted_id: None });

    largest.client = ClientKind::OtherPhone;
    largest.alternatives = alternatives(lang, false);
    largest.fallback = next.fallback;
    vec![
        ("previous", previous),
        ("close-call", close_call),
        ("next", next),
        ("contact", contact),
        ("lent", lent),
        ("region", region),
        ("campaign", campaign),
        ("largest", largest),
    ]
}

/// A rough place, a place without stores, and no place.
fn without_a_store(lang: Lang) -> Vec<Named> {
    let base = routed(lang);
    let (mut rough, mut far, mut unknown) = (base.clone(), base.clone(), base);
    rough.outcome = Outcome::Choose;
    rough.fix_source = FixSource::Ip;
    rough.accuracy_m = Some(20_000.0);
    rough.place = Some(match lang {
        Lang::Zh => "上海市",
        Lang::En => "Shanghai",
    });
    rough.store = Some(store(lang, Some(lang.texts().distance(412.6, true))));
    rough.alternatives = alternatives(lang, true);

    far.outcome = Outcome::OutOfReach;
    far.store = None;
    far.fallback =
        Some(FallbackView { rung: Rung::Campaign, reason: Reason::OutOfReach, wanted: None, wanted_id: None });

    unknown.outcome = Outcome::UnknownPlace;
    unknown.fix_source = FixSource::None;
    unknown.accuracy_m = None;
    unknown.scan = None;
    unknown.store = None;
    unknown.join = None;
    unknown.alternatives.clear();

    let mut yellow = rough.clone();
    yellow.campaign.colour = crate::campaign::Colour::parse("#ffd100").expect("a colour").into();
    vec![("ip", rough), ("ip-yellow", yellow), ("out-of-reach", far), ("unknown", unknown)]
}

/// Other programs, and other brands.
fn clients_and_colours(lang: Lang) -> Vec<Named> {
    let clients = [
        ("wecom", ClientKind::WeComApp),
        ("mini-program", ClientKind::MiniProgram),
        ("wechat-desktop", ClientKind::WeChatDesktop),
        ("other-phone", ClientKind::OtherPhone),
        ("desktop", ClientKind::Desktop),
    ];
    let colours = [("yellow", "#ffd100"), ("wechat-green", "#07c160"), ("navy", "#12284c"), ("red", "#d81e06")];
    let mut all = Vec::new();
    for (name, client) in clients {
        all.push((name, LandingView { client, ..routed(lang) }));
    }
    for (name, colour) in colours {
        let mut view = routed(lang);
        view.campaign.colour = crate::campaign::Colour::parse(colour).expect("a colour").into();
        all.push((name, view));
    }
    all
}

/// The chooser with a list.
fn chooser(lang: Lang, listed: Listed<'static>) -> ChooserView<'static> {
    ChooserView {
        texts: lang.texts(),
        nonce: "bm9uY2U",
        campaign: campaign(lang),
        scan: Some(SCAN),
        province: None,
        city: None,
        query: "",
        near: None,
        not_mine: None,
        last: None,
        listed,
        page: 1,
        pages: 1,
        privacy_href: Some("/privacy"),
    }
}

/// Every form of the chooser, with a name.
pub fn choosers(lang: Lang) -> Vec<(&'static str, ChooserView<'static>)> {
    let places = ["上海市", "北京市", "广东省", "浙江省", "江苏省", "四川省", "湖北省", "陕西省", "新疆维吾尔自治区"]
        .into_iter()
        .map(|name| PlaceView { name, stores: 24, href: links::chooser("default", &[("province", name)]) })
        .collect();
    let stores = || Listed::Stores(alternatives(lang, false));
    vec![
        ("provinces", chooser(lang, Listed::Places(places))),
        (
            "stores",
            ChooserView {
                province: Some("广东省"),
                city: Some("深圳市"),
                page: 2,
                pages: 3,
                ..chooser(lang, stores())
            },
        ),
        ("search", ChooserView { query: "南京西路", ..chooser(lang, stores()) }),
        ("nothing", ChooserView { query: "火星", ..chooser(lang, Listed::Stores(Vec::new())) }),
        ("empty", ChooserView { province: Some("青海省"), ..chooser(lang, Listed::Places(Vec::new())) }),
        ("near", ChooserView { near: Some("SH-0001"), ..chooser(lang, stores()) }),
    ]
}

/// Every form of the page of a problem, with a name.
pub fn errors(lang: Lang) -> Vec<(&'static str, ErrorView<'static>)> {
    let bare = ErrorView {
        texts: lang.texts(),
        nonce: "bm9uY2U",
        campaign: campaign(lang),
        heading: None,
        detail: None,
        retry_href: None,
        request_id: None,
        privacy_href: None,
    };
    vec![
        ("bare", bare.clone()),
        ("full", ErrorView { retry_href: Some("/s/default"), request_id: Some("01JDA0"), ..bare }),
    ]
}
