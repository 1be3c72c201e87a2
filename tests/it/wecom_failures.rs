//! The clients of the platforms when something goes wrong: every failure of the error table, tokens, limits.

use std::time::{Duration, Instant};

use jinqun::platform::{ApiBase, ApiError, Patience, Remedy, page_signature};
use jinqun::wecom::client::{AcquisitionPlan, ContactWayPlan, JoinWayPlan, Welcome};
use jinqun::wecom::{Wecom, WecomSettings};

use crate::double::{self, Fault};
use crate::wecom_bench::{Bench, mark, region, wecom_settings};

/// What the client does about a call that is refused once and may be repeated.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// Makes it again, with the token it has.
    Repeats,
    /// Makes it again, with another token.
    Refreshes,
    /// Tells the caller what helps.
    Tells(Remedy),
}

/// Every code of the reference's table of errors, and what is to be done about it, as the reference says and not as the program does.
const REFERENCE: [(i64, Does); 32] = {
    use Does::{Refreshes, Repeats, Tells};
    const fn settings(what: &'static str) -> Does {
        Tells(Remedy::FixSettings { what })
    }
    const MINUTE: Duration = Duration::from_mins(1);
    [
        (-1, Repeats),
        (6_000, Repeats),
        (40_001, Refreshes),
        (40_003, Tells(Remedy::BadData)),
        (40_013, settings("wecom.corp_id")),
        (40_014, Refreshes),
        (40_029, Tells(Remedy::RestartSignIn)),
        (40_033, Tells(Remedy::Bug)),
        (40_058, Tells(Remedy::Bug)),
        (40_068, Tells(Remedy::RefreshTagCache)),
        (40_071, Tells(Remedy::AdoptExisting)),
        (40_072, Tells(Remedy::BadData)),
        (40_096, Tells(Remedy::BadData)),
        (40_163, Tells(Remedy::RestartSignIn)),
        (41_001, Tells(Remedy::Bug)),
        (41_037, Tells(Remedy::Bug)),
        (41_040, Tells(Remedy::Bug)),
        (41_051, Tells(Remedy::AlreadyDone)),
        (42_001, Refreshes),
        (45_009, Tells(Remedy::WaitLimit { wait: MINUTE })),
        (45_033, Repeats),
        (48_002, settings("console: API permissions")),
        (50_001, settings("console: trusted domain")),
        (50_002, settings("console: visible range")),
        (60_011, settings("console: visible range")),
        (60_020, settings("console: trusted IP")),
        (60_111, Tells(Remedy::BadData)),
        (81_017, Tells(Remedy::Bug)),
        (84_061, Tells(Remedy::NotAFriendYet { after: MINUTE })),
        (84_074, settings("console: customer contact")),
        (90_500, Tells(Remedy::BadData)),
        (90_501, Tells(Remedy::BadData)),
    ]
};

/// Every code once. What events, reconciliation, runs over codes and sign-ins make of it is tested beside them.
#[test]
fn every_error_of_the_reference_is_met_as_it_says() {
    const PATH: &str = "/externalcontact/mark_tag";
    for (code, does) in REFERENCE {
        let bench = Bench::new();
        bench.double.add_friend("mgr_01", "wm1", None);
        let tag = bench.double.add_tags_by_hand("g", &["t"]).remove(0);
        bench.double.fail(PATH, Fault::Code(code));
        let answer = bench.wecom.mark_tags(&mark("mgr_01", "wm1", &tag));
        let (calls, tokens) = (bench.double.count(PATH), bench.double.count("/gettoken"));
        match does {
            Does::Repeats => assert_eq!((answer, calls, tokens), (Ok(()), 2, 1), "{code}"),
            Does::Refreshes => assert_eq!((answer, calls, tokens), (Ok(()), 2, 2), "{code}"),
            Does::Tells(remedy) => {
                let error = answer.unwrap_err();
                assert_eq!((error.code(), error.remedy(), calls, tokens), (Some(code), remedy, 1, 1));
                assert!(!error.advice().zh.is_empty() && !error.advice().en.is_empty());
            }
        }
    }
}

#[test]
fn what_lasts_is_told_after_three_attempts() {
    let bench = Bench::new();
    for (fault, code) in [(Fault::Code(-1), Some(-1)), (Fault::Code(6_000), Some(6_000)), (Fault::Drop, None)] {
        bench.double.clear_calls();
        bench.double.fail_always("/externalcontact/get_follow_user_list", fault);
        let error = bench.wecom.follow_users().unwrap_err();
        assert_eq!((error.code(), bench.double.count("get_follow_user_list")), (code, 3), "{fault:?}");
        assert!(matches!(error.remedy(), Remedy::RetryLater { .. }), "{error:?}");
        bench.double.mend();
    }
    // A secret that is worth nothing is no reason to fetch token after token.
    bench.double.clear_calls();
    bench.double.fail_always("/externalcontact/get_follow_user_list", Fault::Code(40_001));
    assert_eq!(bench.wecom.follow_users().unwrap_err().code(), Some(40_001));
    assert_eq!((bench.double.count("get_follow_user_list"), bench.double.count("/gettoken")), (2, 1));
    for _ in 0..3 {
        assert_eq!(bench.wecom.follow_users().unwrap_err().code(), Some(40_001));
    }
    assert_eq!(bench.double.count("/gettoken"), 1);
    bench.double.mend();
    bench.wecom.follow_users().unwrap();
}

#[test]
fn what_makes_something_new_is_never_made_twice() {
    let bench = Bench::new();
    bench.double.add_chat("wr1", "群", "mgr_01");
    let code = bench.double.add_friend("mgr_01", "wm1", None).welcome_code.unwrap();
    let welcome = Welcome { text: "欢迎".to_owned(), attachments: Vec::new() };
    let contact = ContactWayPlan { staff: vec!["mgr_01".to_owned()], ..ContactWayPlan::default() };
    let join = JoinWayPlan { chats: vec!["wr1".to_owned()], ..JoinWayPlan::default() };
    let link = AcquisitionPlan::default();
    let calls: [(&str, &dyn Fn() -> Option<ApiError>); 5] = [
        ("/externalcontact/add_contact_way", &|| bench.wecom.add_contact_way(&contact).err()),
        ("/externalcontact/groupchat/add_join_way", &|| bench.wecom.add_join_way(&join).err()),
        ("/externalcontact/add_corp_tag", &|| bench.wecom.add_tags(&region("上海市")).err()),
        ("/externalcontact/send_welcome_msg", &|| bench.wecom.send_welcome(&code, &welcome).err()),
        ("/externalcontact/customer_acquisition/create_link", &|| bench.wecom.create_link(&link).err()),
    ];
    for (path, call) in calls {
        for fault in [Fault::DropAfter, Fault::Code(-1), Fault::Status(502)] {
            bench.double.clear_calls();
            bench.double.fail(path, fault);
            let error = call().unwrap();
            assert_eq!(bench.double.count(path), 1, "{path} {fault:?}");
            assert_eq!(error.may_be_done(), error.code().is_none(), "{path} {error:?}");
        }
    }
    assert_eq!((bench.double.contact_ways().len(), bench.double.join_ways().len()), (1, 1));
    assert_eq!((bench.double.welcomes().len(), bench.double.tags().len()), (1, 1));
}

#[test]
fn failures_of_the_way_are_told_apart_and_tell_no_secret() {
    let bench = Bench::new();
    bench.wecom.check_token().unwrap();
    let path = "/externalcontact/customer_acquisition/create_link";
    let words = [
        (Fault::Drop, "unreachable"),
        (Fault::Garbage, "garbled"),
        (Fault::Status(503), "garbled"),
        (Fault::Code(60_020), "refused"),
    ];
    for (fault, word) in words {
        bench.double.fail(path, fault);
        let error = bench.wecom.create_link(&AcquisitionPlan::default()).unwrap_err();
        assert_eq!(error.outcome(), word, "{error:?}");
        let told = format!("{error} {error:?} {:?}", error.advice());
        assert!(!told.contains("corp-token-") && !told.contains("access_token="), "{told}");
    }
    let nobody =
        WecomSettings { api_base: ApiBase::parse("http://127.0.0.1:1/x").unwrap(), ..wecom_settings(&bench.double) };
    let client = bench.other(&nobody);
    let error = client.follow_users().unwrap_err();
    assert!(!format!("{error} {error:?} {client:?}").contains(double::SECRET));
    assert!(!error.may_be_done());
}

#[test]
fn a_slow_platform_is_not_waited_for() {
    let bench = Bench::new();
    bench.wecom.check_token().unwrap();
    let total = Duration::from_millis(100);
    let hasty = bench.another_with(Patience { connect: total, total, pause: Duration::from_millis(1) });
    bench.double.fail("/externalcontact/send_welcome_msg", Fault::Delay(Duration::from_millis(400)));
    let begun = Instant::now();
    let error = hasty.send_welcome("x", &Welcome { text: "欢迎".to_owned(), attachments: Vec::new() }).unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(390));
    assert!(error.may_be_done() && error.to_string().contains("no answer in time"), "{error}");
}

#[test]
fn wrong_settings_and_rights_are_told_apart() {
    let bench = Bench::new();
    let with = |settings: &WecomSettings| bench.other(settings);
    let right = wecom_settings(&bench.double);
    let corp = with(&WecomSettings { corp_id: "ww0".to_owned(), ..right.clone() }).check_token().unwrap_err();
    assert_eq!(corp.remedy(), Remedy::FixSettings { what: "wecom.corp_id" });
    let secret = with(&WecomSettings { secret: Some("x".to_owned()), ..right }).check_token().unwrap_err();
    assert_eq!((secret.code(), secret.remedy()), (Some(40_001), Remedy::RefreshToken));
    bench.double.trust(false);
    let ip = bench.wecom.follow_users().unwrap_err();
    assert!(ip.to_string().contains("203.0.113.7"), "{ip}");
    assert!(matches!(ip.remedy(), Remedy::FixSettings { .. }) && ip.advice().zh.contains("企业可信IP"));
    bench.double.trust(true);
    bench.double.forbid("/externalcontact/get_follow_user_list");
    assert_eq!(bench.wecom.follow_users().unwrap_err().code(), Some(48_002));
    bench.double.add_staff_out_of_range("far");
    bench.double.add_customer("wm1", None);
    let refused =
        |staff: &str, customer: &str| bench.wecom.mark_tags(&mark(staff, customer, "et0")).unwrap_err().code();
    assert_eq!(refused("far", "wm1"), Some(60_011));
    assert_eq!(refused("nobody", "wm1"), Some(60_111));
    assert_eq!(refused("mgr_01", "wm0"), Some(40_096));
    assert_eq!(refused("mgr_01", "wm1"), Some(84_061));
    bench.double.add_friend("mgr_01", "wm1", None);
    assert_eq!(refused("mgr_01", "wm1"), Some(40_068));
    bench.wecom.add_tags(&region("上海市")).unwrap();
    assert_eq!(bench.wecom.add_tags(&region("上海市")).unwrap_err().code(), Some(40_071));
    assert_eq!(bench.wecom.add_tags(&region(&"长".repeat(31))).unwrap_err().code(), Some(40_072));
}

#[test]
fn one_token_serves_all_instances_and_threads() {
    let bench = Bench::new();
    let others: Vec<Wecom> = (0..3).map(|_| bench.another()).collect();
    std::thread::scope(|scope| {
        for client in others.iter().chain([&bench.wecom]) {
            for _ in 0..4 {
                scope.spawn(|| client.follow_users().unwrap());
            }
        }
    });
    assert_eq!((bench.double.count("/gettoken"), bench.double.count("get_follow_user_list")), (1, 16));
    bench.double.invalidate_tokens();
    std::thread::scope(|scope| {
        for client in others.iter().chain([&bench.wecom]) {
            for _ in 0..4 {
                scope.spawn(|| client.follow_users().unwrap());
            }
        }
    });
    assert_eq!(bench.double.count("/gettoken"), 2, "a token that is worthless is replaced once");
    bench.advance_s(7_000);
    bench.wecom.follow_users().unwrap();
    others[0].follow_users().unwrap();
    assert_eq!(bench.double.count("/gettoken"), 3, "a token is replaced before its end, by one instance");
    bench.double.expire_tokens();
    bench.wecom.follow_users().unwrap();
    assert_eq!(bench.double.count("/gettoken"), 4);
}

#[test]
fn a_wrong_secret_is_not_tried_again_and_again() {
    let bench = Bench::new();
    bench.double.fail_always("/gettoken", Fault::Code(40_001));
    for _ in 0..5 {
        assert_eq!(bench.wecom.follow_users().unwrap_err().code(), Some(40_001));
    }
    assert_eq!(bench.double.count("/gettoken"), 1);
    bench.double.mend();
    bench.advance_s(31);
    bench.wecom.follow_users().unwrap();
}

#[test]
fn a_met_limit_is_kept_to_without_waiting_in_the_call() {
    let bench = Bench::new();
    bench.double.limit_per_minute("/externalcontact/get_follow_user_list", 3);
    for _ in 0..3 {
        bench.wecom.follow_users().unwrap();
    }
    let met = bench.wecom.follow_users().unwrap_err();
    assert_eq!(met.remedy(), Remedy::WaitLimit { wait: Duration::from_mins(1) });
    let begun = Instant::now();
    let kept = bench.wecom.follow_users().unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(200));
    assert!(matches!(kept, ApiError::Limited { wait, .. } if wait == Duration::from_mins(1)), "{kept:?}");
    assert_eq!(bench.double.count("get_follow_user_list"), 4, "nothing was sent");
    bench.wecom.callback_ips().unwrap();
    bench.advance_s(60);
    bench.wecom.follow_users().unwrap();
    assert_eq!(bench.outcomes("get_follow_user_list"), ["ok", "ok", "ok", "refused", "limited", "ok"]);
}

#[test]
fn what_lags_shows_what_was_before() {
    let bench = Bench::new();
    bench.double.add_chat("wr1", "群", "mgr_01");
    bench.double.lag();
    bench.double.join_group("wr1", "wm1", 3, None);
    bench.double.add_friend("mgr_01", "wm1", None);
    assert_eq!(bench.wecom.group_chat("wr1").unwrap().members.len(), 1);
    let early = bench.wecom.customer("wm1", None).unwrap_err();
    assert!(matches!(early.remedy(), Remedy::NotAFriendYet { .. }), "{early:?}");
    bench.double.catch_up();
    assert_eq!(bench.wecom.group_chat("wr1").unwrap().members.len(), 2);
    assert_eq!(bench.wecom.customer("wm1", None).unwrap().follows.len(), 1);
}

#[test]
fn pages_are_signed_as_other_libraries_sign_them() {
    let Some(folder) = std::env::var_os("JINQUN_REAL_DATA").map(std::path::PathBuf::from) else {
        eprintln!("skipped: JINQUN_REAL_DATA is not set");
        return;
    };
    let text = std::fs::read_to_string(folder.join("../wecom-vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = vectors["jssdk_signature"].as_array().unwrap();
    assert!(all.len() >= 4);
    for it in all {
        let field = |name: &str| it[name].as_str().unwrap();
        let signed =
            page_signature(field("jsapi_ticket"), field("noncestr"), it["timestamp"].as_i64().unwrap(), field("url"));
        assert_eq!(signed, field("signature"), "{}", it["id"]);
    }
}
