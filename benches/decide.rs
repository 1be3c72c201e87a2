//! Times the whole decision against the bare look-up of the nearest store that it rests on.
//!
//! `cargo bench --bench decide` prints Markdown tables.

#![expect(clippy::print_stdout, reason = "printing the tables is what it is for")]

#[path = "parts/board.rs"]
mod board;
#[path = "parts/cities.rs"]
mod cities;
#[path = "parts/stopwatch.rs"]
mod stopwatch;

use std::collections::BTreeMap;
use std::sync::Arc;

use jinqun::campaign::Campaign;
use jinqun::catalog::{Catalog, Entries};
use jinqun::geo::{Circle, Datum, Position};
use jinqun::group::{CAPACITY_DEFAULT, GroupChat, GroupStatus, JoinCode, JoinLink, LINK_HOSTS_DEFAULT, Owner};
use jinqun::id::{CampaignSlug, GroupId, StoreId};
use jinqun::region::{RegionMap, RegionNames};
use jinqun::routing::{Case, Extent, Outcome, Policy, Wish, decide, route, steps};
use jinqun::store::{Closures, Located, OpeningHours, Store, StoreStatus};
use jinqun::time::Timestamp;
use jinqun::visitor::Fix;

use cities::Places;
use stopwatch::{Contender, time};

const QUERIES: u32 = 10_000;
const NOW_MS: i64 = 1_794_000_000_000;
/// The radius of a position from the cell network.
const IMPRECISE_M: f64 = 3_000.0;
/// The radius of a city.
const CITY_M: f64 = 30_000.0;

fn main() {
    let map = Arc::new(RegionMap::build(board::regions()).expect("the regions make a map"));
    for stores in [300, 10_000, 100_000] {
        compare(stores, &map);
    }
}

fn store(number: u32, at: Position) -> Store {
    Store {
        id: StoreId::parse(&format!("S-{number:06}")).expect("is an id"),
        name: format!("青禾咖啡 {number} 号店").into(),
        address: format!("人民路 {number} 号").into(),
        province: "浙江省".into(),
        city: "杭州市".into(),
        district: "西湖区".into(),
        at: Located::from_datum(at.lat(), at.lon(), Datum::Wgs84).expect("is a position"),
        status: StoreStatus::Active,
        hours: OpeningHours::parse("08:00-22:00").ok(),
        closures: Closures::default(),
        zone: None,
        tags: Box::default(),
        extra: BTreeMap::new(),
    }
}

fn group(number: u32, owner: StoreId, status: GroupStatus) -> GroupChat {
    let link = format!("https://work.weixin.qq.com/gm/{number:032x}");
    GroupChat {
        id: GroupId::parse(&format!("S-{number:06}-1")).expect("is an id"),
        owner: Owner::Store(owner),
        name: format!("{number} 号店福利群").into(),
        code: JoinCode { link: JoinLink::parse(&link, &LINK_HOSTS_DEFAULT).expect("is a link"), expires_at: None },
        capacity: CAPACITY_DEFAULT,
        status,
        order: 0,
        wecom: None,
    }
}

/// The group of every store is offered, or of every third one only.
fn catalog(positions: &[Position], offered_every: u32, map: &Arc<RegionMap>) -> Catalog {
    let mut entries = Entries { regions: Arc::clone(map), ..Entries::default() };
    for (number, &at) in (0..).zip(positions) {
        let store = store(number, at);
        let status = if number % offered_every == 0 { GroupStatus::Active } else { GroupStatus::Paused };
        entries.groups.push(group(number, store.id.clone(), status));
        entries.stores.push(store);
    }
    Catalog::build(1, entries).expect("these entries are a catalog")
}

fn campaign(catalog: &Catalog) -> &Campaign {
    let campaign = catalog.campaign(&CampaignSlug::default_slug());
    campaign.expect("every catalog has it")
}

fn gps(position: Position, accuracy_m: f64) -> Fix {
    Fix::Gps { position, accuracy_m: Some(accuracy_m) }
}

fn ip(middle: Position) -> Fix {
    Fix::Ip { circle: Some(Circle { middle, radius_m: CITY_M }), names: RegionNames::default() }
}

fn compare(count: u32, map: &Arc<RegionMap>) {
    let mut places = Places::new();
    let stores = places.stores(count);
    // Customers are where stores are; a decision far from any is short.
    let (queries, anywhere) = (places.stores(QUERIES), places.queries(QUERIES));
    let (all, third) = (catalog(&stores, 1, map), catalog(&stores, 3, map));
    let policy = Policy::default();
    let now = Timestamp::from_unix_ms(NOW_MS);
    let run = |catalog, fix: &Fix| decide(fix, catalog, campaign(catalog), &policy, now);
    // As a visit is decided: the store, its hours and code, the region, and what the seat is asked with.
    let visit = |catalog, fix: &Fix| {
        let case = Case { fix, catalog, campaign: campaign(catalog), policy: &policy, now };
        let decision = route(Wish::default(), &case);
        let asked = steps(Extent::First, Wish::default().route, &decision, &case);
        let open = decision.store.and_then(|it| catalog.is_open(it.store, now, &policy.zone));
        (decision, asked, open)
    };
    let nearest = all.nearest();
    let mut contenders = [
        Contender::new("baseline: nearest_one", &queries, |from| nearest.nearest_one(from, None, |_| true)),
        Contender::new("six nearest as a list", &queries, |from| nearest.nearest(from, 6, None, |_| true)),
        Contender::new("a visit: the first store qualifies", &queries, |from| visit(&all, &gps(from, 20.0))),
        Contender::new("… on the map alone", &queries, |from| map.names(&map.place(from))),
        Contender::new("… and five other stores listed", &queries, |from| run(&all, &gps(from, 20.0))),
        Contender::new("every third group offered", &queries, |from| run(&third, &gps(from, 20.0))),
        Contender::new("imprecise, 3 km", &queries, |from| run(&all, &gps(from, IMPRECISE_M))),
        Contender::new("IP city, 30 km", &queries, |from| run(&all, &ip(from))),
        Contender::new("every group offered, 30 % of visitors anywhere", &anywhere, |from| run(&all, &gps(from, 20.0))),
    ];
    let times = time(&mut contenders);
    let baseline = times.first().copied().unwrap_or(f64::NAN);
    println!("\n| {count} stores | ns | × nearest_one |\n| --- | ---: | ---: |");
    for (contender, ns) in contenders.iter().zip(times) {
        println!("| {} | {ns:.0} | {:.2} |", contender.name, ns / baseline);
    }
    let decisions = queries.iter().map(|&from| run(&third, &gps(from, 20.0)));
    let decided: Vec<_> = decisions.collect();
    let share = |is: &dyn Fn(&jinqun::routing::Decision) -> bool| {
        let count = decided.iter().filter(|it| is(it)).count();
        f64::from(u32::try_from(count).expect("is small")) / f64::from(QUERIES) * 100.0
    };
    println!(
        "\nWith every third group offered {:.0} % are routed, {:.0} % of them to another store than the nearest.",
        share(&|it| it.outcome == Outcome::Routed),
        share(&|it| it.outcome == Outcome::Routed && it.wanted.is_some()),
    );
}
