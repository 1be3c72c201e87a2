//! A catalog that Redis has lost is staged by one instance, and what is staged in vain does not stay.

use jinqun::storage::redis::{Redis, RedisAt};
use jinqun::storage::{Change, EntryKind, PublishInfo, Storage as _, Trouble};
use jinqun::time::Timestamp;

use crate::redis_servers::Server;

fn info() -> PublishInfo {
    PublishInfo { at: Timestamp::from_unix_ms(1_790_000_000_000), author: "jinqun".to_owned(), note: String::new() }
}

fn store(id: &str) -> Change {
    Change { kind: EntryKind::Store, id: id.to_owned(), body: Some("{}".to_owned()) }
}

#[test]
fn one_instance_puts_a_catalog_back_and_the_others_stage_nothing() {
    let server = Server::start(&[]);
    let at = RedisAt::parse(&server.url()).unwrap();
    let [one, other] = [Redis::open(&at).unwrap(), Redis::open(&at).unwrap()];
    let mut refused = None;
    let mut changes = (0..500).map(|n| {
        if n == 300 {
            // What the other one would stage is not even made.
            let mut theirs = std::iter::once_with(|| unreachable!("it stages nothing"));
            let put = other.put_back(0, 8, &info(), &mut theirs);
            refused = Some(put.unwrap_err().kind());
        }
        store(&n.to_string())
    });
    assert_eq!(one.put_back(0, 8, &info(), &mut changes).unwrap(), 8);
    drop(changes);
    assert_eq!(refused, Some(Trouble::Conflict { current: 0 }));
    // It is free again, and what another one is refused leaves nothing behind.
    let mut late = std::iter::once_with(|| store("late"));
    assert_eq!(other.put_back(0, 8, &info(), &mut late).unwrap_err().kind(), Trouble::Conflict { current: 8 });
    let mut overtaken = std::iter::once_with(|| {
        other.publish(8, &info(), &mut std::iter::once(store("first"))).unwrap();
        store("second")
    });
    assert_eq!(one.publish(8, &info(), &mut overtaken).unwrap_err().kind(), Trouble::Conflict { current: 9 });
    let keys: Vec<String> = server.ask(&["KEYS", "{jinqun:catalog}:*"]);
    assert!(!keys.iter().any(|it| it.contains(":stage:") || it.contains("putting_back")), "{keys:?}");
}
