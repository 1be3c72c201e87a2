//! Tokens in storage: instances that share it share one token, and one that loses it goes on alone.

use std::sync::Arc;

use jinqun::app::wecom::SharedTokens;
use jinqun::config::Config;
use jinqun::platform::{Kept, TokenKeeper as _};
use jinqun::startup;
use jinqun::storage::Storage;
use jinqun::storage::embedded::Embedded;
use jinqun::time::{Clock, ManualClock, Timestamp};
use tempfile::TempDir;

use crate::double::{Double, Fault};
use crate::harness::NOW;

fn at(second: i64) -> Timestamp {
    Timestamp::parse_rfc3339(NOW).unwrap().plus_ms(second * 1_000)
}

fn config(double: &Double, folder: &TempDir) -> Config {
    let mut flags: jinqun::config::Flags = double.settings().into_iter().collect();
    flags.insert("data_dir", folder.path().display().to_string());
    Config::load(None, &flags).unwrap()
}

#[test]
fn instances_over_one_storage_use_one_token() {
    let (double, folder) = (Double::start(), TempDir::new().unwrap());
    let config = config(&double, &folder);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(at(0)));
    let instances: Vec<_> = (0..3)
        .map(|_| {
            let storage = startup::open_storage(&config).unwrap();
            startup::open_platforms(&config, Some(&storage), &clock, None)
        })
        .collect();
    std::thread::scope(|scope| {
        for it in &instances {
            scope.spawn(|| it.wecom.as_ref().unwrap().follow_users().unwrap());
            scope.spawn(|| it.wechat.as_ref().unwrap().jsapi_ticket().unwrap());
        }
    });
    assert_eq!(
        (double.count("/gettoken"), double.count("/stable_token"), double.count("/ticket/getticket")),
        (1, 1, 1)
    );
    double.expire_tokens();
    std::thread::scope(|scope| {
        for it in &instances {
            scope.spawn(|| it.wecom.as_ref().unwrap().follow_users().unwrap());
        }
    });
    assert_eq!(double.count("/gettoken"), 2);
    // Another secret is another account, even over the same storage.
    let storage = startup::open_storage(&config).unwrap();
    let mut other = config.clone();
    other.wecom.as_mut().unwrap().secret = Some("another".to_owned());
    let other = startup::open_platforms(&other, Some(&storage), &clock, None).wecom.unwrap();
    assert_eq!(other.follow_users().unwrap_err().code(), Some(40_001));
}

#[test]
fn one_claims_until_its_time_is_over() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.sqlite");
    let keeper = || SharedTokens::new(Arc::new(Embedded::open(&path).unwrap()) as Arc<dyn Storage>);
    let (one, two) = (keeper(), keeper());
    assert!(one.claim("t", at(0), at(15)));
    assert!(!two.claim("t", at(14), at(29)));
    assert!(two.claim("t", at(15), at(30)), "whoever died over it does not hold it for ever");
    let kept = Kept { value: "v".to_owned(), until: at(100) };
    two.store("t", &kept);
    assert_eq!(one.load("t"), Some(kept));
    assert!(one.claim("t", at(16), at(31)));
    one.release("t");
    assert!(two.claim("t", at(16), at(31)));
    assert_eq!(one.load("u"), None);
}

#[test]
fn a_failed_fetch_gives_the_claim_back() {
    let (double, folder) = (Double::start(), TempDir::new().unwrap());
    let config = config(&double, &folder);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(at(0)));
    let storage = startup::open_storage(&config).unwrap();
    let open = || startup::open_platforms(&config, Some(&storage), &clock, None).wecom.unwrap();
    double.fail("/gettoken", Fault::Drop);
    assert_eq!(open().check_token().unwrap_err().code(), None);
    open().check_token().unwrap();
    assert_eq!(double.count("/gettoken"), 2);
}
