//! Tags of customers in `WeCom`, against the double: they follow what stands on the customer's card, once and no more often.

use std::sync::Arc;
use std::time::Duration;

use jinqun::app::wecom::{TagIds, TagJob, TagSettings, Tagger};
use jinqun::app::{JobRunner, Work};
use jinqun::customer::{Customer, Friendship, Place};
use jinqun::id::StoreId;
use jinqun::job::Lane;
use jinqun::platform::{ApiBase, MemoryKeeper, Patience, TokenKeeper};
use jinqun::storage::{CardKind, CardWrite, Storage};
use jinqun::time::{Clock, ManualClock, Timestamp};
use jinqun::wecom::{Wecom, WecomSettings};
use tempfile::TempDir;

use crate::double::{self, Double, Fault};
use crate::storage::open;

const PATIENCE: Patience = Patience {
    connect: Duration::from_millis(500),
    total: Duration::from_millis(500),
    pause: Duration::from_millis(2),
};
const GROUP: &str = "门店区域";

struct Bench {
    double: Double,
    clock: ManualClock,
    storage: Arc<dyn Storage>,
    runner: JobRunner,
    causes: std::cell::Cell<u32>,
    _folder: TempDir,
}

impl Bench {
    fn new(tags_max: usize) -> Self {
        let double = Double::start();
        let clock = ManualClock::at(Timestamp::from_unix_ms(double.now_s() * 1_000));
        let settings = WecomSettings {
            corp_id: double::CORP.to_owned(),
            secret: Some(double::SECRET.to_owned()),
            agent_id: None,
            callback: None,
            api_base: ApiBase::parse(&double.url()).unwrap().or_path("/cgi-bin"),
            authorize_base: ApiBase::parse(&double.url()).unwrap(),
        };
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let keeper: Arc<dyn TokenKeeper> = Arc::new(MemoryKeeper::default());
        let wecom = Wecom::new(&settings, &keeper, Arc::clone(&shared), PATIENCE, Arc::new(|_| {})).unwrap();
        let wecom = Arc::new(wecom);
        let folder = tempfile::tempdir().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(open(folder.path()));
        let ids = TagIds::new(Arc::clone(&wecom), &TagSettings { group: GROUP.to_owned(), tags_max });
        let tagger: Arc<dyn Work> = Arc::new(Tagger::new(Arc::clone(&storage), wecom, ids, Arc::clone(&shared)));
        let runner = JobRunner::new(Arc::clone(&storage), shared, tagger);
        for staff in ["mgr_01", "mgr_02"] {
            double.add_staff(staff);
        }
        Self { double, clock, storage, runner, causes: std::cell::Cell::new(0), _folder: folder }
    }

    fn customer(&self) -> Customer {
        let card = self.storage.cards(CardKind::Customer, &["wm1"]).unwrap().remove(0);
        card.map_or_else(Customer::default, |it| serde_json::from_str(&it.body).unwrap())
    }

    fn change(&self, change: impl FnOnce(&mut Customer)) {
        let expected = self.storage.cards(CardKind::Customer, &["wm1"]).unwrap().remove(0).map_or(0, |it| it.revision);
        let mut customer = self.customer();
        change(&mut customer);
        let body = Some(serde_json::to_string(&customer).unwrap());
        let write =
            CardWrite { kind: CardKind::Customer, id: "wm1".into(), expected, body, visitor: None, counts: Vec::new() };
        self.storage.write_card(&write).unwrap();
    }

    /// Lets the customer be in a place, and friends with these.
    fn customer_in(&self, regions: &[&str], store: &str, friends: &[&str]) {
        self.change(|it| {
            let regions = regions.iter().map(|it| (*it).to_owned()).collect();
            it.place = Some(Place { at: Timestamp::from_unix_ms(1), regions, store: StoreId::parse(store).ok() });
            for staff in friends {
                it.friends.entry((*staff).to_owned()).or_insert_with(Friendship::default);
            }
        });
    }

    /// A new cause to look at the customer's tags, and all the work that is ready then.
    fn look(&self) {
        self.enqueue();
        self.work();
    }

    fn enqueue(&self) {
        self.causes.set(self.causes.get() + 1);
        let now = self.clock.now();
        self.storage.enqueue(&[TagJob::of("wm1", &self.causes.get().to_string(), now)], now).unwrap();
    }

    fn work(&self) {
        while self.runner.round().unwrap() > 0 {}
    }

    fn tags(&self, staff: &str) -> Vec<String> {
        self.double.tag_names_of(staff, "wm1")
    }

    fn waiting(&self) -> (u64, u64) {
        let counts = self.storage.job_counts(Lane::Tag, self.clock.now()).unwrap();
        (counts.waiting, counts.dead)
    }

    fn pass_s(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1_000);
        self.double.advance_s(seconds);
    }
}

#[test]
fn every_friendship_gets_the_tags_once_and_a_move_is_one_call() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.double.add_friend("mgr_02", "wm1", None);
    bench.customer_in(&["上海市", "黄浦区"], "SH-0001", &["mgr_01", "mgr_02"]);
    bench.look();
    for staff in ["mgr_01", "mgr_02"] {
        assert_eq!(bench.tags(staff), ["SH-0001", "上海市", "黄浦区"]);
    }
    assert!(bench.double.tags().iter().all(|(group, _, _)| group == GROUP));
    bench.look();
    assert_eq!(
        (bench.double.count("/externalcontact/mark_tag"), bench.double.count("/externalcontact/add_corp_tag")),
        (2, 1)
    );
    bench.double.clear_calls();
    bench.customer_in(&["上海市", "静安区"], "SH-0002", &[]);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), ["SH-0002", "上海市", "静安区"]);
    let bodies = bench.double.bodies("/externalcontact/mark_tag");
    assert_eq!(bodies.len(), 2);
    assert!(
        bodies
            .iter()
            .all(|it| it["add_tag"].as_array().unwrap().len() == 2 && it["remove_tag"].as_array().unwrap().len() == 2),
        "{bodies:?}"
    );
    let told = bench.storage.feed(0, 10).unwrap();
    assert_eq!(told.len(), 4);
    let body: serde_json::Value = serde_json::from_str(&told[0].1.body).unwrap();
    assert_eq!((told[0].1.kind.as_str(), &body["external_userid"]), ("tag.set", &serde_json::json!("wm1")));
}

#[test]
fn whoever_wishes_none_loses_the_tags_and_gets_no_more() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01"]);
    bench.look();
    assert_eq!(bench.tags("mgr_01").len(), 2);
    bench.change(|it| it.is_silent = true);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), Vec::<String>::new());
    assert!(bench.customer().friends["mgr_01"].marked.is_empty());
    bench.customer_in(&["北京市"], "BJ-0001", &[]);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), Vec::<String>::new());
}

#[test]
fn nobody_is_asked_about_a_customer_without_a_friend() {
    let bench = Bench::new(2_000);
    bench.customer_in(&["上海市"], "SH-0001", &[]);
    bench.look();
    assert_eq!((bench.waiting(), bench.double.count("/externalcontact/mark_tag")), ((0, 0), 0));
    // The friendship appears: what waited is set.
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01"]);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), ["SH-0001", "上海市"]);
}

#[test]
fn a_busy_platform_is_asked_again_later_and_a_stranger_is_given_up() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01", "mgr_02"]);
    bench.double.fail_times("/externalcontact/get_corp_tag_list", Fault::Code(45_009), 1);
    bench.look();
    assert_eq!(bench.waiting(), (1, 0));
    assert_eq!(bench.tags("mgr_01"), Vec::<String>::new());
    bench.pass_s(7_200);
    bench.work();
    // The other is no friend: that holds up nobody.
    assert_eq!(bench.tags("mgr_01"), ["SH-0001", "上海市"]);
    assert_eq!(bench.waiting(), (1, 0));
    for _ in 0..12 {
        bench.pass_s(7_200);
        bench.work();
    }
    assert_eq!(bench.waiting(), (0, 0));
}

#[test]
fn tags_that_others_made_or_removed_are_taken_as_they_are() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.double.add_tags_by_hand(GROUP, &["上海市"]);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01"]);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), ["SH-0001", "上海市"]);
    assert_eq!(bench.double.tags().len(), 2);
    let (_, _, id) = bench.double.tags().into_iter().find(|it| it.1 == "上海市").unwrap();
    bench.double.delete_tag_by_hand(&id);
    bench.customer_in(&["上海市", "黄浦区"], "SH-0001", &[]);
    for _ in 0..4 {
        bench.look();
        bench.pass_s(120);
    }
    assert_eq!(bench.tags("mgr_01"), ["SH-0001", "上海市", "黄浦区"]);
}

#[test]
fn where_there_are_too_many_tags_stores_go_without_first() {
    let bench = Bench::new(100);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.double.fill_tags(70);
    bench.customer_in(&["上海市", "上海城区", "黄浦区"], "SH-0001", &["mgr_01"]);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), ["上海城区", "上海市", "黄浦区"]);
    assert_eq!(bench.waiting(), (0, 0));
}

#[test]
fn what_a_lost_answer_may_have_set_is_taken_back_too() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01"]);
    // The call is carried out, and nobody hears of it: as after a crash behind it.
    bench.double.fail_times("/externalcontact/mark_tag", Fault::DropAfter, 3);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), ["SH-0001", "上海市"]);
    bench.change(|it| it.is_silent = true);
    bench.look();
    assert_eq!(bench.tags("mgr_01"), Vec::<String>::new());
    assert_eq!(bench.customer().friends["mgr_01"], Friendship::default());
    // What was never sure is told of nobody.
    assert_eq!(bench.storage.feed(0, 10).unwrap().len(), 0);
}

#[test]
fn two_jobs_side_by_side_leave_no_tag_behind() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01"]);
    bench.double.fail("/externalcontact/mark_tag", Fault::Delay(Duration::from_millis(300)));
    bench.enqueue();
    let runner = bench.runner.clone();
    let first = std::thread::spawn(move || runner.round().unwrap());
    while bench.double.count("/externalcontact/mark_tag") == 0 {
        std::thread::yield_now();
    }
    // While the tags are on their way, the customer is forgotten, and another worker finds nothing set yet.
    bench.change(|it| it.is_silent = true);
    bench.look();
    first.join().unwrap();
    assert_eq!(bench.tags("mgr_01"), Vec::<String>::new());
    bench.pass_s(120);
    bench.work();
    assert_eq!((bench.tags("mgr_01"), bench.waiting()), (Vec::new(), (0, 0)));
    assert_eq!(bench.customer().friends["mgr_01"], Friendship::default());
}

#[test]
fn a_tag_that_was_removed_by_hand_keeps_no_other_from_being_taken_back() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市", "黄浦区"], "SH-0001", &["mgr_01"]);
    bench.look();
    let (_, _, id) = bench.double.tags().into_iter().find(|it| it.1 == "SH-0001").unwrap();
    bench.double.delete_tag_by_hand(&id);
    bench.change(|it| it.is_silent = true);
    bench.double.clear_calls();
    bench.look();
    assert_eq!((bench.tags("mgr_01"), bench.waiting()), (Vec::new(), (0, 0)));
    let removed = |it: &serde_json::Value| it["remove_tag"].as_array().unwrap().len();
    let bodies = bench.double.bodies("/externalcontact/mark_tag");
    assert_eq!(bodies.iter().map(removed).collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn one_friendship_decides_nothing_for_another() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.double.add_friend("mgr_02", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01", "mgr_02"]);
    // One has left the corporation; for the other the platform is busy for a moment.
    for fault in [60_111, -1, -1, -1, 60_111] {
        bench.double.fail("/externalcontact/mark_tag", Fault::Code(fault));
    }
    bench.look();
    assert_eq!(bench.waiting(), (1, 0));
    bench.pass_s(120);
    bench.work();
    assert_eq!(bench.tags("mgr_02"), ["SH-0001", "上海市"]);
    assert_eq!(bench.waiting(), (0, 1));
    // It stays with what is to be done about it.
    let found = jinqun::app::dead_jobs(&*bench.storage, bench.clock.now(), None, (0, 9)).unwrap().items;
    let cause = &found[0].dead.cause;
    assert!(
        cause.starts_with("mark_tag: the platform refuses with error 60111") && !cause.contains("userid"),
        "{cause}"
    );
    let [zh, en] = found[0].advice.clone().unwrap();
    assert!(en.starts_with("Correct the member's userid") && zh.contains("成员"), "{zh} {en}");
}

#[test]
fn a_tag_that_somebody_made_meanwhile_is_adopted() {
    let bench = Bench::new(2_000);
    bench.double.add_friend("mgr_01", "wm1", None);
    bench.customer_in(&["上海市"], "SH-0001", &["mgr_01"]);
    bench.look();
    // The list that was read a moment ago does not have it: making it is refused with 40071.
    bench.double.add_tags_by_hand(GROUP, &["黄浦区"]);
    bench.double.clear_calls();
    bench.customer_in(&["上海市", "黄浦区"], "SH-0001", &[]);
    bench.look();
    assert_eq!((bench.double.count("/externalcontact/add_corp_tag"), bench.waiting()), (1, (1, 0)));
    bench.pass_s(10);
    bench.work();
    assert_eq!(bench.tags("mgr_01"), ["SH-0001", "上海市", "黄浦区"]);
    assert_eq!((bench.double.count("/externalcontact/add_corp_tag"), bench.waiting()), (1, (0, 0)));
    assert_eq!(bench.double.tags().iter().filter(|it| it.1 == "黄浦区").count(), 1);
}
