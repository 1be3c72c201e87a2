//! Several instances on one storage, each with a folder of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jinqun::id::GroupId;
use jinqun::storage::Storage as _;
use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::time::{Clock as _, SystemClock};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Service, jinqun};
use crate::visit::Balancer;

/// The store with room for everybody.
pub const BUSY_STORE: &str = "SH-0004";
/// Heads that the groups of the other stores hold.
pub const CAPACITY: usize = 40;
const STORES: &str = "\
id,name,lat,lng,datum,status,group_url,group_name,group_capacity
SH-0001,人民广场店,31.2319,121.4693,wgs84,active,https://work.weixin.qq.com/gm/sh0001,一群,40
SH-0002,外滩店,31.2382,121.4855,wgs84,active,https://work.weixin.qq.com/gm/sh0002,二群,40
SH-0003,静安寺店,31.2243,121.4459,wgs84,active,https://work.weixin.qq.com/gm/sh0003,三群,40
SH-0004,广场店,31.2302,121.4740,wgs84,active,https://work.weixin.qq.com/gm/sh0004,四群,100000
";
/// Where visitors stand: on the doorstep of each store.
pub const PLACES: &[(f64, f64)] = &[(31.2319, 121.4693), (31.2382, 121.4855), (31.2243, 121.4459), (31.2302, 121.4740)];

/// The instances.
pub struct Fleet {
    folder: TempDir,
    storage: String,
    services: Vec<Service>,
    pub balancer: Arc<Balancer>,
}

impl Fleet {
    /// Publishes the stores, starts so many instances and waits until they are ready.
    pub fn start(storage: &str, instances: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut fleet = Self { folder, storage: storage.to_owned(), services: Vec::new(), balancer: Arc::default() };
        std::fs::write(fleet.folder_of("sheets").join("stores.csv"), STORES).unwrap();
        fleet.run(&["import", "stores", "stores.csv"]);
        for number in 0..instances {
            let service = fleet.start_one(number);
            fleet.services.push(service);
        }
        fleet.tell_balancer();
        fleet
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn start_one(&self, number: usize) -> Service {
        let folder = self.folder_of(&format!("instance-{number}"));
        let settings = [("JINQUN_STORAGE", self.storage.as_str()), ("JINQUN_WORKERS", "2"), ("JINQUN_LOG", "warn")];
        Service::start(&folder, &["serve"], &settings)
    }

    /// Tells the balancer where the instances listen.
    fn tell_balancer(&self) {
        *self.balancer.instances.lock().unwrap() = self.services.iter().map(address).collect();
    }

    /// Runs a command on the same storage to its good end, and returns what it printed.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> String {
        let output =
            jinqun(&self.folder_of("sheets")).args(args).env("JINQUN_STORAGE", &self.storage).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends an instance at once, as `kill -9` does, and leaves the balancer unaware of it.
    pub fn kill(&mut self, number: usize) {
        self.services[number].kill();
    }

    /// Stops an instance as its operator would.
    pub fn stop(&mut self, number: usize) {
        self.services[number].signal("TERM");
        assert_eq!(self.services[number].wait().code(), Some(0), "{}", self.log(number));
    }

    /// Starts an instance again in its folder.
    pub fn start_again(&mut self, number: usize) {
        self.services[number] = self.start_one(number);
        self.tell_balancer();
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// What an instance wrote into its log.
    pub fn log(&self, number: usize) -> String {
        std::fs::read_to_string(self.folder_of(&format!("instance-{number}")).join("log")).unwrap_or_default()
    }

    /// How many records an instance has to deliver again.
    pub fn to_redeliver(&self, number: usize) -> u64 {
        let answer = self.services[number].client.attempt("GET", "/readyz", &[], None);
        answer.map_or(0, |it| it.json()["to_redeliver"].as_u64().unwrap_or(0))
    }

    /// What each instance is waiting for; empty if nothing is degraded and every outbox is empty.
    pub fn unsettled(&self) -> Vec<String> {
        self.services.iter().filter_map(unsettled).collect()
    }

    /// Seats that are held in these groups, as storage counts them; none if it does not say.
    pub fn held(&self, groups: &[String]) -> Option<Vec<usize>> {
        let groups: Vec<_> = groups.iter().map(|it| GroupId::parse(it).unwrap()).collect();
        let storage = Redis::open(&RedisAt::parse(&self.storage).unwrap()).ok()?;
        let counts = storage.head_counts(&groups, SystemClock.now()).ok()?;
        Some(counts.iter().map(|it| usize::try_from(it.held).unwrap()).collect())
    }

    /// Where the tallies differ from a count of all records.
    pub fn miscounted(&self) -> Vec<String> {
        let storage = Redis::open(&RedisAt::parse(&self.storage).unwrap()).unwrap();
        storage.check_tallies().unwrap().examples
    }

    /// The tag records in storage, by scan.
    pub fn records(&self) -> BTreeMap<String, Vec<Value>> {
        let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in self.run(&["export", "tags", "--format", "jsonl"]).lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            records.entry(record["scan"].as_str().unwrap().to_owned()).or_default().push(record);
        }
        records
    }
}

fn address(service: &Service) -> SocketAddr {
    service.client.url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn unsettled(service: &Service) -> Option<String> {
    let Ok(answer) = service.client.attempt("GET", "/readyz", &[], None) else {
        return Some("no answer".to_owned());
    };
    let json = answer.json();
    let is_settled = answer.status == 200 && json["outbox_depth"] == 0 && json["degraded"].as_array()?.is_empty();
    (!is_settled).then(|| json.to_string())
}
