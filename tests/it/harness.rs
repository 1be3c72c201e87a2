//! The real service in this process: on a port of its own, with a folder of its own and a clock that stands.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::{ops, thread};

use jinqun::app::accounts::{Accounts, NewToken, NewUser};
use jinqun::app::{ImportOptions, ImportReport, Importer, MapOptions, Retainer};
use jinqun::catalog::owned::OwnedKind;
use jinqun::catalog::{Mapping, Mode, SheetRules, read_campaigns};
use jinqun::config::{Config, Flags};
use jinqun::consent::Consent;
use jinqun::exchange::RegionRules;
use jinqun::funnel::StepRecord;
use jinqun::geo::Datum;
use jinqun::metrics::Metrics;
use jinqun::outbox::{self, Outbox};
use jinqun::staff::{Actor, Role, StaffName};
use jinqun::startup::{self, Application, Replaceable};
use jinqun::storage::{PublishInfo, Storage, TagFilter};
use jinqun::tag::TagRecord;
use jinqun::time::{Clock, ManualClock, Timestamp};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};

use crate::client::{Client, eventually};

/// A Wednesday, 12:00 in Shanghai.
pub const NOW: &str = "2026-07-15T12:00:00+08:00";

/// Three stores around a square in Shanghai and a paused one on it, two in Beijing, one alone in its city, two on either side of
/// the antimeridian, two at one distance from the north pole, and one whose name is an attack.
pub const STORES: &str = r#"id,name,address,province,city,district,lat,lng,datum,status,hours,group_url,group_name,contact_url,contact_name,tags
SH-0001,人民广场店,南京西路388号,上海市,上海市,黄浦区,31.2319,121.4693,wgs84,active,08:00-22:00,https://work.weixin.qq.com/gm/sh0001,人民广场福利群,,,旗舰店
SH-0002,外滩店,中山东一路18号,上海市,上海市,黄浦区,31.2382,121.4855,wgs84,active,13:00-22:00,https://work.weixin.qq.com/gm/sh0002,外滩福利群,,,
SH-0003,静安寺店,南京西路1618号,上海市,上海市,静安区,31.2243,121.4459,wgs84,active,,,,https://work.weixin.qq.com/u/sh0003,静安寺店长,
SH-0004,广场店,人民大道1号,上海市,上海市,黄浦区,31.2302,121.4740,wgs84,paused,,https://work.weixin.qq.com/gm/sh0004,广场福利群,,,
BJ-0001,王府井店,王府井大街138号,北京市,北京市,东城区,39.913,116.411,wgs84,active,,https://work.weixin.qq.com/gm/bj0001,王府井福利群,,,
BJ-0002,望京店,望京街9号,北京市,北京市,朝阳区,39.9895,116.4806,wgs84,active,,https://work.weixin.qq.com/gm/bj0002,望京福利群,,,
GZ-0001,天河店,天河路208号,广东省,广州市,天河区,23.1291,113.2644,wgs84,active,,https://work.weixin.qq.com/gm/gz0001,天河福利群,,,
FJ-0001,塔韦乌尼店,,北部,塔韦乌尼,,-16.85,179.97,wgs84,active,,https://work.weixin.qq.com/gm/fj0001,塔韦乌尼福利群,,,
FJ-0002,东岸店,,北部,塔韦乌尼,,-16.80,-179.90,wgs84,active,,https://work.weixin.qq.com/gm/fj0002,东岸福利群,,,
NP-0001,极光店,,,,,89.5,10.0,wgs84,active,,https://work.weixin.qq.com/gm/np0001,极光福利群,,,
NP-0002,极夜店,,,,,89.5,-170.0,wgs84,active,,https://work.weixin.qq.com/gm/np0002,极夜福利群,,,
XX-0001,"<script>alert(1)</script>&""'店","""><img src=x onerror=alert(2)>",<b>省</b>,<i>市</i>,,45.0,90.0,wgs84,active,,https://work.weixin.qq.com/gm/xx0001,</figure><script>alert(3)</script>,,,
"#;

/// The default campaign with a group of its own, and one that reaches 1 km and has none.
pub const CAMPAIGNS: &str = r##"
[[campaign]]
slug = "default"
name = "青禾咖啡"
colour = "#0b6b4f"
group_url = "https://work.weixin.qq.com/gm/everybody"
group_name = "青禾粉丝群"

[[campaign]]
slug = "summer"
name = "夏日杯"
reach_m = 1000
"##;

/// The square in Shanghai: 451.0 m from SH-0001, 1418.3 m from SH-0002, 2733.7 m from SH-0003 (geographiclib 2.1).
pub const SQUARE: (f64, f64) = (31.2304, 121.4737);

/// A service to be started.
pub struct Builder {
    flags: Flags,
    folder: TempDir,
    stores: Option<String>,
    campaigns: String,
    before: fn(&Path),
}

impl Builder {
    /// A setting by its name in the settings file.
    pub fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.flags.insert(name, value.into());
        self
    }

    /// Other stores, and no campaigns.
    pub fn stores(mut self, sheet: impl Into<String>) -> Self {
        self.stores = Some(sheet.into());
        self
    }

    /// Campaigns beside [`CAMPAIGNS`].
    pub fn campaigns(mut self, text: &str) -> Self {
        self.campaigns.push_str(text);
        self
    }

    /// What else happens to the data folder before the service starts.
    pub fn before(mut self, before: fn(&Path)) -> Self {
        self.before = before;
        self
    }

    /// Nothing published at all.
    pub fn empty(mut self) -> Self {
        self.stores = Some(String::new());
        self
    }

    pub fn start(self) -> TestApp {
        let folder = self.folder.path().join("data");
        match self.stores {
            None => {
                publish(&folder, STORES, Mode::Merge);
                publish_campaigns(&folder, &self.campaigns);
            }
            Some(sheet) if !sheet.is_empty() => {
                publish(&folder, &sheet, Mode::Merge);
            }
            Some(_) => {}
        }
        (self.before)(&folder);
        let config = Config::load(None, &with_folder(self.flags.clone(), &folder)).unwrap();
        let clock = ManualClock::at(Timestamp::parse_rfc3339(NOW).unwrap());
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let replaced = Replaceable { clock: Arc::new(clock.clone()), chance: chance() };
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let built = Application::build(config, replaced).await.unwrap();
                tell.send((built.address(), built.reload())).unwrap();
                let stopped = async {
                    // A test that is gone wants a stop as well.
                    let _ = stopped.await;
                };
                built.run(stopped).await.unwrap();
            });
        });
        let (address, reload) = told.recv().expect("the service starts");
        TestApp {
            client: Some(Client::new(format!("http://{address}"))),
            address,
            clock,
            reload,
            folder: self.folder,
            flags: self.flags,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// Chance that repeats itself from run to run, and differs from service to service.
fn chance() -> Arc<dyn Fn() -> u128 + Send + Sync> {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let seed = SEED.fetch_add(1, Ordering::Relaxed);
    let chance = Mutex::new(fastrand::Rng::with_seed(seed));
    Arc::new(move || chance.lock().unwrap().u128(..))
}

fn with_folder(mut flags: Flags, folder: &Path) -> Flags {
    flags.insert("data_dir", folder.display().to_string());
    flags.entry("listen").or_insert("127.0.0.1:0".to_owned());
    // A connection that a test leaves open holds up no stop.
    flags.entry("shutdown_s").or_insert("1".to_owned());
    flags
}

fn importing<T>(folder: &Path, import: impl FnOnce(&Importer<'_>, &Config) -> T) -> T {
    let config = Config::load(None, &with_folder(Flags::new(), folder)).unwrap();
    let storage = startup::open_storage(&config).unwrap();
    let info =
        PublishInfo { at: Timestamp::parse_rfc3339(NOW).unwrap(), author: "test".to_owned(), note: String::new() };
    import(&Importer::new(&*storage, info), &config)
}

fn rules(config: &Config) -> SheetRules<'_> {
    SheetRules {
        datum: None,
        link_hosts: &config.join_link_hosts,
        zone: config.time_zone.clone(),
        mapping: Mapping::default(),
        groups: config.groups,
        now: Timestamp::parse_rfc3339(NOW).unwrap(),
    }
}

/// Publishes a sheet through a connection of its own, as another process does.
pub fn publish(folder: &Path, sheet: &str, mode: Mode) -> ImportReport {
    importing(folder, |importer, config| {
        let rules = rules(config);
        let options = ImportOptions { mode, ..ImportOptions::default() };
        let report = importer.stores(sheet.as_bytes(), "stores.csv", &rules, options, &mut |_, _| {}).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report
    })
}

/// Publishes a sheet of groups or contacts.
pub fn publish_owned(folder: &Path, kind: OwnedKind, sheet: &str, mode: Mode) -> ImportReport {
    importing(folder, |importer, config| {
        let rules = rules(config);
        let options = ImportOptions { mode, ..ImportOptions::default() };
        let report = importer.owned(kind, sheet.as_bytes(), &rules, options, &mut |_, _| {}).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report
    })
}

/// Publishes campaigns.
pub fn publish_campaigns(folder: &Path, text: &str) {
    importing(folder, |importer, config| {
        let no_picture = |_: &str| Err("there are no pictures".to_owned());
        let rows = read_campaigns(text, &config.join_link_hosts, config.groups, &no_picture).unwrap();
        let report = importer.campaigns(rows, false).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    });
}

/// Publishes a map of regions and service areas.
pub fn publish_map(folder: &Path, map: &str) -> ImportReport {
    importing(folder, |importer, _| {
        let rules = RegionRules { datum: Some(Datum::Wgs84), ..RegionRules::default() };
        let report = importer.map(map.as_bytes(), "map.geojson", rules, MapOptions::default()).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report
    })
}

/// A collection of features whose shapes are boxes of degrees: properties, then south, west, north, east.
pub fn boxes(features: &[(&str, [f64; 4])]) -> String {
    let feature = |(properties, [s, w, n, e]): &(&str, [f64; 4])| {
        format!(
            r#"{{"type":"Feature","properties":{properties},"geometry":{{"type":"Polygon","coordinates":[[[{w},{s}],[{e},{s}],[{e},{n}],[{w},{n}],[{w},{s}]]]}}}}"#
        )
    };
    let features: Vec<String> = features.iter().map(feature).collect();
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

/// The password of everybody whom [`TestApp::user`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// As a browser sends it.
    pub cookie: String,
    /// What every change bears.
    pub csrf: String,
}

impl SignedIn {
    /// What a page of ours sends along.
    pub fn headers(&self) -> [(&str, &str); 3] {
        [("cookie", &self.cookie), ("x-csrf-token", &self.csrf), ("content-type", "application/json")]
    }
}

/// Who does what the harness does.
fn tester() -> Actor {
    Actor { name: "test".to_owned(), role: Role::Admin, address: None }
}

/// A service that runs until this is dropped. Calls go through [`Client`].
pub struct TestApp {
    client: Option<Client>,
    pub address: SocketAddr,
    pub clock: ManualClock,
    pub reload: Arc<Notify>,
    folder: TempDir,
    flags: Flags,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ops::Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.as_ref().expect("it is taken by drop only")
    }
}

impl TestApp {
    pub fn builder() -> Builder {
        Builder {
            flags: Flags::new(),
            folder: tempfile::tempdir().unwrap(),
            stores: None,
            campaigns: CAMPAIGNS.to_owned(),
            before: |_| {},
        }
    }

    /// With [`STORES`] and [`CAMPAIGNS`].
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The data folder.
    pub fn folder(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn storage(&self) -> Arc<dyn Storage> {
        eventually("the outbox is empty", || (self.get("/readyz").json()["outbox_depth"] == 0).then_some(()));
        let flags = with_folder(Flags::new(), &self.folder());
        startup::open_storage(&Config::load(None, &flags).unwrap()).unwrap()
    }

    /// People and tokens, through a connection of its own.
    pub fn with_accounts<T>(&self, act: impl FnOnce(&Accounts<'_>) -> T) -> T {
        let flags = with_folder(Flags::new(), &self.folder());
        let storage = startup::open_storage(&Config::load(None, &flags).unwrap()).unwrap();
        act(&Accounts::new(&*storage, self.clock.now()))
    }

    /// Makes somebody with [`PASSWORD`].
    pub fn user(&self, name: &str, role: Role) {
        let new = NewUser { name: StaffName::parse(name).unwrap(), role, password: PASSWORD.to_owned() };
        self.with_accounts(|it| it.add_user(&tester(), new)).unwrap();
    }

    /// Signs somebody in through the API.
    pub fn sign_in_as(&self, name: &str, password: &str) -> SignedIn {
        let answer = self.post("/api/v1/admin/session", json!({"name": name, "password": password}).to_string());
        let answer = answer.expect(201);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        SignedIn { cookie, csrf: answer.json()["csrf_token"].as_str().unwrap().to_owned() }
    }

    /// Signs in somebody of this role, made anew if need be: `a-viewer`, `a-ops`, `a-admin`.
    pub fn sign_in(&self, role: Role) -> SignedIn {
        let name = format!("a-{}", role.as_str());
        if self.with_accounts(|it| it.user(&name)).unwrap().is_none() {
            self.user(&name, role);
        }
        self.sign_in_as(&name, PASSWORD)
    }

    /// Makes a token of this role; what comes back goes into the `authorization` header.
    pub fn bearer(&self, role: Role) -> String {
        self.with_accounts(|it| {
            let name = StaffName::parse(&format!("{}-{}", role.as_str(), it.tokens().unwrap().len())).unwrap();
            let made = it.add_token(&tester(), NewToken { name, role, days: None }).unwrap();
            format!("Bearer {}", made.secret)
        })
    }

    /// Storage through a connection of its own, as it stands.
    pub fn storage_now(&self) -> Arc<dyn Storage> {
        self.storage()
    }

    /// The tag records in storage, once everything that was acknowledged is there.
    pub fn tags(&self) -> Vec<TagRecord> {
        let mut tags = Vec::new();
        let mut each = |record| {
            tags.push(record);
            ops::ControlFlow::Continue(())
        };
        self.storage().each_tag(&TagFilter::default(), &mut each).unwrap();
        tags
    }

    /// The steps in storage, likewise.
    pub fn steps(&self) -> Vec<StepRecord> {
        let mut steps = Vec::new();
        let mut each = |record| {
            steps.push(record);
            ops::ControlFlow::Continue(())
        };
        self.storage().each_step(&TagFilter::default(), &mut each).unwrap();
        steps
    }

    /// The consents in storage, likewise.
    pub fn consents(&self) -> Vec<Consent> {
        let mut consents = Vec::new();
        let mut each = |consent| {
            consents.push(consent);
            ops::ControlFlow::Continue(())
        };
        self.storage().each_consent(&mut each).unwrap();
        consents
    }

    /// Removes what is too old by this service's clock and its settings, as the service itself does every minute.
    pub fn retain(&self) {
        let storage = self.storage();
        let config = Config::load(None, &with_folder(self.flags.clone(), &self.folder())).unwrap();
        // The service has the real outbox open.
        let aside = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&aside.path().join("outbox.sqlite"), &outbox::Settings::default(), None).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let retainer = Retainer::new(
            (storage, Arc::new(outbox)),
            Arc::new(Metrics::new()),
            (clock, config.time_zone),
            config.retention,
        );
        while retainer.round().unwrap().has_more {}
    }

    /// The value of a counter or gauge by its name and labels as they are printed.
    pub fn metric(&self, name: &str) -> u64 {
        let scrape = self.get("/metrics");
        let line = scrape.text().lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |it| it.parse().unwrap())
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The connections that the client keeps go first.
        self.client = None;
        if let Some(stop) = self.stop.take() {
            // A service that ended by itself shows in its thread.
            let _ = stop.send(());
        }
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the service ended with an error");
        }
    }
}
