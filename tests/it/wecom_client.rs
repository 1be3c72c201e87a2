//! The clients of `WeCom` and `WeChat` against the double: every call, every failure of the error table, tokens, limits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jinqun::platform::{
    ApiBase, ApiError, ERRORS, Made, MemoryKeeper, OnCall, Patience, Remedy, TokenKeeper, page_signature,
};
use jinqun::qr::{Effort, decode_picture};
use jinqun::time::{ManualClock, Timestamp};
use jinqun::wechat::{Scope, Wechat, WechatSettings};
use jinqun::wecom::client::{
    AcquisitionPlan, ChatQuery, ContactWayChange, ContactWayPlan, ImageKind, JoinWayPlan, LinkCard, MemberKind,
    NewGroups, NewTag, NewTags, TagMark, TagTarget, Welcome, WelcomeAttachment,
};
use jinqun::wecom::{Wecom, WecomSettings};

use crate::double::{self, Double, Fault, Person};

/// Quick, so that a test of repeats and time-outs is.
const PATIENCE: Patience = Patience {
    connect: Duration::from_millis(500),
    total: Duration::from_millis(500),
    pause: Duration::from_millis(2),
};

/// A double with a client of each platform, all at one moment.
struct Bench {
    double: Double,
    clock: ManualClock,
    keeper: Arc<dyn TokenKeeper>,
    made: Arc<Mutex<Vec<Made>>>,
    wecom: Wecom,
    wechat: Wechat,
}

fn wecom_settings(double: &Double) -> WecomSettings {
    WecomSettings {
        corp_id: double::CORP.to_owned(),
        secret: Some(double::SECRET.to_owned()),
        agent_id: Some(double::AGENT),
        callback: None,
        api_base: ApiBase::parse(&double.url()).unwrap().or_path("/cgi-bin"),
        authorize_base: ApiBase::parse(&double.url()).unwrap(),
    }
}

fn wechat_settings(double: &Double) -> WechatSettings {
    WechatSettings {
        app_id: double::APP.to_owned(),
        secret: double::APP_SECRET.to_owned(),
        api_base: ApiBase::parse(&double.url()).unwrap(),
        authorize_base: ApiBase::parse(&double.url()).unwrap(),
    }
}

impl Bench {
    fn new() -> Self {
        let double = Double::start();
        let clock = ManualClock::at(Timestamp::from_unix_ms(double.now_s() * 1_000));
        let keeper: Arc<dyn TokenKeeper> = Arc::new(MemoryKeeper::default());
        let made = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&made);
        let on_call: OnCall = Arc::new(move |it| seen.lock().unwrap().push(it));
        let shared = || (Arc::clone(&keeper), Arc::new(clock.clone()), Arc::clone(&on_call));
        let (keeper_one, clock_one, on_call_one) = shared();
        let wecom = Wecom::new(&wecom_settings(&double), keeper_one, clock_one, PATIENCE, on_call_one).unwrap();
        let (keeper_two, clock_two, on_call_two) = shared();
        let wechat = Wechat::new(&wechat_settings(&double), keeper_two, clock_two, PATIENCE, on_call_two);
        double.add_staff("mgr_01");
        Self { double, clock, keeper, made, wecom, wechat }
    }

    fn advance_s(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1_000);
        self.double.advance_s(seconds);
    }

    /// Another instance of the service with the same token.
    fn another(&self) -> Wecom {
        let clock = Arc::new(self.clock.clone());
        Wecom::new(&wecom_settings(&self.double), Arc::clone(&self.keeper), clock, PATIENCE, Arc::new(|_| {})).unwrap()
    }

    fn outcomes(&self, call: &str) -> Vec<&'static str> {
        self.made.lock().unwrap().iter().filter(|it| it.call == call).map(|it| it.outcome).collect()
    }
}

fn mark(staff: &str, customer: &str, tag: &str) -> TagMark {
    TagMark { staff: staff.to_owned(), customer: customer.to_owned(), add: vec![tag.to_owned()], remove: Vec::new() }
}

fn region(name: &str) -> NewTags {
    let tags = vec![NewTag { name: name.to_owned(), order: 1 }];
    NewTags { target: TagTarget::GroupName("LBS区域".to_owned()), tags }
}

#[test]
fn a_contact_way_is_made_read_listed_changed_and_removed() {
    let bench = Bench::new();
    let wecom = &bench.wecom;
    let plan = ContactWayPlan {
        remark: "人民广场店".to_owned(),
        state: "s_000017".to_owned(),
        staff: vec!["mgr_01".to_owned()],
        skip_verify: true,
    };
    let made = wecom.add_contact_way(&plan).unwrap();
    let way = wecom.contact_way(&made.config_id).unwrap();
    assert_eq!((way.state.as_str(), way.staff.as_slice()), ("s_000017", &["mgr_01".to_owned()][..]));
    assert_eq!(way.qr_code, made.qr_code);
    let change = ContactWayChange { state: Some("s_000018".to_owned()), ..ContactWayChange::default() };
    wecom.update_contact_way(&made.config_id, &change).unwrap();
    let changed = wecom.contact_way(&made.config_id).unwrap();
    assert_eq!((changed.state.as_str(), changed.remark.as_str()), ("s_000018", "人民广场店"));
    assert_eq!(changed.qr_code, way.qr_code, "the printed code stays what it is");
    let page = wecom.contact_ways(None, None).unwrap();
    assert_eq!((page.items, page.next), (vec![made.config_id.clone()], None));
    wecom.delete_contact_way(&made.config_id).unwrap();
    assert_eq!(wecom.contact_way(&made.config_id).unwrap_err().code(), Some(40_058));
    // What goes over the wire is plain UTF-8 and says nothing of a style, which is for mini-programs.
    let sent = bench.double.calls().into_iter().find(|it| it.path.ends_with("add_contact_way")).unwrap();
    assert!(String::from_utf8(sent.body).unwrap().contains("人民广场店"));
    assert!(sent.json.get("style").is_none());
}

#[test]
fn a_join_way_is_made_and_its_picture_leads_into_the_group() {
    let bench = Bench::new();
    let wecom = &bench.wecom;
    bench.double.add_chat("wr01", "人民广场福利群", "mgr_01");
    let plan = JoinWayPlan {
        remark: "人民广场店".to_owned(),
        chats: vec!["wr01".to_owned()],
        state: "s_000017".to_owned(),
        new_groups: Some(NewGroups { name: "人民广场店群".to_owned(), first: 2 }),
    };
    let id = wecom.add_join_way(&plan).unwrap();
    let way = wecom.join_way(&id).unwrap();
    assert_eq!((way.auto_create_room, way.room_base_id, way.state.as_str()), (1, 2, "s_000017"));
    let picture = wecom.picture(way.qr_code.as_deref().unwrap()).unwrap();
    let link = decode_picture(&picture, Effort::default()).unwrap().text;
    assert!(link.starts_with("https://work.weixin.qq.com/gm/"), "{link}");
    wecom.update_join_way(&id, &JoinWayPlan { new_groups: None, ..plan }).unwrap();
    let changed = wecom.join_way(&id).unwrap();
    assert_eq!((changed.auto_create_room, changed.qr_code), (0, way.qr_code));
    wecom.delete_join_way(&id).unwrap();
    assert_eq!(wecom.join_way(&id).unwrap_err().code(), Some(40_058));
}

#[test]
fn a_full_group_of_a_join_way_is_followed_by_a_new_one() {
    let bench = Bench::new();
    bench.double.add_chat("wr01", "群", "mgr_01");
    bench.double.fill_chat("wr01", 198);
    let new_groups = Some(NewGroups { name: "群".to_owned(), first: 2 });
    let plan = JoinWayPlan { chats: vec!["wr01".to_owned()], new_groups, ..JoinWayPlan::default() };
    let id = bench.wecom.add_join_way(&plan).unwrap();
    assert_eq!(bench.double.join_by_way(&id, "wm1").unwrap().0, "wr01");
    let (second, _) = bench.double.join_by_way(&id, "wm2").unwrap();
    assert_eq!(bench.wecom.join_way(&id).unwrap().chats, ["wr01".to_owned(), second.clone()]);
    assert_eq!(bench.wecom.group_chat(&second).unwrap().name, "群2");
}

#[test]
fn groups_are_listed_by_page_and_show_who_came_how() {
    let bench = Bench::new();
    let double = &bench.double;
    double.add_customer("wm1", Some("union-1"));
    for number in 0..3 {
        double.add_chat(&format!("wr{number}"), "群", "mgr_01");
    }
    double.join_group("wr0", "wm1", 3, Some("s_1"));
    double.join_group("wr0", "wm2", 1, None);
    let listed = bench.wecom.group_chats(&ChatQuery::default()).unwrap();
    assert_eq!(listed.items.iter().map(|it| it.chat.as_str()).collect::<Vec<_>>(), ["wr0", "wr1", "wr2"]);
    let query = ChatQuery { owners: vec!["nobody".to_owned()], cursor: None };
    assert!(bench.wecom.group_chats(&query).unwrap().items.is_empty());
    let chat = bench.wecom.group_chat("wr0").unwrap();
    let [owner, scanned, invited] = chat.members.as_slice() else { panic!("{chat:?}") };
    assert_eq!((owner.kind, scanned.kind), (MemberKind::Staff, MemberKind::Customer));
    assert_eq!((scanned.join_scene, scanned.state.as_deref()), (3, Some("s_1")));
    assert_eq!((scanned.unionid.as_deref(), invited.unionid.as_deref()), (Some("union-1"), None));
    assert_eq!((invited.join_scene, invited.state.as_deref()), (1, None));
    double.have_many_staff();
    let refused = bench.wecom.group_chats(&ChatQuery::default()).unwrap_err();
    assert_eq!((refused.code(), refused.remedy()), (Some(81_017), Remedy::Bug));
}

#[test]
fn customers_show_their_friendships_and_tags() {
    let bench = Bench::new();
    bench.double.add_customer("wm1", Some("union-1"));
    bench.double.add_friend("mgr_01", "wm1", Some("s_1"));
    let group = bench.wecom.add_tags(&region("上海市")).unwrap();
    let tag = &group.tags[0].id;
    bench.wecom.mark_tags(&mark("mgr_01", "wm1", tag)).unwrap();
    let customer = bench.wecom.customer("wm1", None).unwrap();
    assert_eq!((customer.person.unionid.as_deref(), customer.next), (Some("union-1"), None));
    let [follow] = customer.follows.as_slice() else { panic!("one friendship") };
    assert_eq!((follow.staff.as_str(), follow.state.as_deref()), ("mgr_01", Some("s_1")));
    assert_eq!((follow.tags[0].tag_name.as_str(), follow.tags[0].tag_id.as_ref()), ("上海市", Some(tag)));
    let page = bench.wecom.customers_of(&["mgr_01".to_owned()], None).unwrap();
    assert_eq!((page.items[0].person.id.as_str(), &page.items[0].follow.tags), ("wm1", &vec![tag.clone()]));
    assert_eq!(bench.wecom.follow_users().unwrap(), ["mgr_01"]);
}

#[test]
fn tags_are_made_moved_renamed_and_removed() {
    let bench = Bench::new();
    let wecom = &bench.wecom;
    bench.double.add_friend("mgr_01", "wm1", None);
    let first = wecom.add_tags(&region("上海市")).unwrap();
    let second = wecom.add_tags(&region("北京市")).unwrap();
    assert_eq!(first.group_id, second.group_id, "a name that is there means that group");
    let (from, to) = (first.tags[0].id.clone(), second.tags[0].id.clone());
    wecom.mark_tags(&mark("mgr_01", "wm1", &from)).unwrap();
    let moved = TagMark { remove: vec![from.clone()], ..mark("mgr_01", "wm1", &to) };
    wecom.mark_tags(&moved).unwrap();
    assert_eq!(bench.double.tag_names_of("mgr_01", "wm1"), ["北京市"]);
    wecom.edit_tag(&to, Some("北京"), None).unwrap();
    wecom.delete_tags(&[from]).unwrap();
    let all = wecom.tags(&[]).unwrap();
    assert_eq!(all[0].tags.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["北京"]);
    let by_hand = bench.double.add_tags_by_hand("手工", &["会员"]);
    assert_eq!(wecom.delete_tags(&by_hand).unwrap_err().code(), Some(48_002));
    let empty = TagMark { add: Vec::new(), ..mark("mgr_01", "wm1", "") };
    assert!(matches!(wecom.mark_tags(&empty), Err(ApiError::Unfit { .. })));
}

#[test]
fn a_welcome_is_taken_once_and_for_twenty_seconds() {
    let bench = Bench::new();
    let link =
        LinkCard { title: "进群领券".to_owned(), url: "https://a.example.com".to_owned(), ..LinkCard::default() };
    let welcome = Welcome { text: "欢迎".to_owned(), attachments: vec![WelcomeAttachment::Link(link)] };
    let code = bench.double.add_friend("mgr_01", "wm1", None).welcome_code.unwrap();
    bench.wecom.send_welcome(&code, &welcome).unwrap();
    let again = bench.wecom.send_welcome(&code, &welcome).unwrap_err();
    assert_eq!((again.code(), again.remedy()), (Some(41_051), Remedy::AlreadyDone));
    let [sent] = bench.double.welcomes().try_into().unwrap();
    assert_eq!(sent["text"]["content"], "欢迎");
    assert_eq!(
        sent["attachments"][0],
        serde_json::json!({
            "msgtype": "link", "link": { "title": "进群领券", "url": "https://a.example.com" }
        })
    );
    let late = bench.double.add_friend("mgr_01", "wm2", None).welcome_code.unwrap();
    bench.advance_s(21);
    assert_eq!(bench.wecom.send_welcome(&late, &welcome).unwrap_err().code(), Some(41_051));
    let long = Welcome { text: "长".repeat(1_334), attachments: Vec::new() };
    for unfit in [Welcome::default(), long] {
        assert!(matches!(bench.wecom.send_welcome("x", &unfit), Err(ApiError::Unfit { .. })));
    }
}

#[test]
fn pictures_links_tickets_and_addresses_come_back() {
    let bench = Bench::new();
    let (double, wecom) = (&bench.double, &bench.wecom);
    let png = Double::draw("https://work.weixin.qq.com/gm/x");
    let media = wecom.upload_media(ImageKind::Png, &png).unwrap();
    assert_eq!(double.media(&media).as_deref(), Some(png.as_slice()));
    let hosted = wecom.upload_image(ImageKind::Png, &png).unwrap();
    assert_eq!(wecom.picture(&hosted).unwrap(), png);
    assert!(matches!(wecom.picture("http://169.254.169.254/x"), Err(ApiError::Unfit { .. })));
    let plan = AcquisitionPlan { name: "官网".to_owned(), staff: vec!["mgr_01".to_owned()], skip_verify: true };
    let link = wecom.create_link(&plan).unwrap();
    assert_eq!(wecom.link(&link.link_id).unwrap(), link);
    assert_eq!(wecom.links(None).unwrap().items, [link.link_id.as_str()]);
    assert_eq!(link.with_channel("v-1").unwrap(), format!("{}?customer_channel=v-1", link.url));
    assert_eq!((link.with_channel("a&b"), link.with_channel(&"x".repeat(65))), (None, None));
    double.come_by_link(&link.link_id, "mgr_01", "wm1", "v-1");
    let came = wecom.link_customers(&link.link_id, None).unwrap().items;
    assert_eq!((came[0].customer.as_str(), came[0].state.as_deref()), ("wm1", Some("v-1")));
    assert_eq!(wecom.callback_ips().unwrap(), ["127.0.0.1"]);
    assert_eq!(wecom.jsapi_ticket().unwrap(), wecom.jsapi_ticket().unwrap());
    assert_ne!(wecom.agent_ticket().unwrap(), wecom.jsapi_ticket().unwrap());
    assert_eq!((double.count("/get_jsapi_ticket"), double.count("/ticket/get")), (1, 1));
}

#[test]
fn a_sign_in_of_wecom_knows_staff_customers_and_strangers() {
    let bench = Bench::new();
    let stranger = Person { openid: "o-1".to_owned(), ..Person::default() };
    let customer = Person { customer: Some("wm1".to_owned()), ..stranger.clone() };
    let staff = Person { staff: Some("mgr_01".to_owned()), ..stranger.clone() };
    let who = |person| bench.wecom.who(&bench.double.code_of(person, double::CORP, "snsapi_base")).unwrap();
    assert_eq!(who(staff).staff.as_deref(), Some("mgr_01"));
    assert_eq!(who(customer).customer.as_deref(), Some("wm1"));
    let nobody = who(stranger.clone());
    assert_eq!((nobody.openid.as_deref(), nobody.customer.as_deref()), (Some("o-1"), None));
    let code = bench.double.code_of(stranger, double::CORP, "snsapi_base");
    bench.wecom.who(&code).unwrap();
    let again = bench.wecom.who(&code).unwrap_err();
    assert_eq!((again.code(), again.remedy()), (Some(40_029), Remedy::RestartSignIn));
}

#[test]
fn a_sign_in_of_wechat_tells_the_unionid_to_who_asked_for_it() {
    let bench = Bench::new();
    let person = Person { openid: "o-1".to_owned(), unionid: Some("u-1".to_owned()), ..Person::default() };
    let code = |scope| bench.double.code_of(person.clone(), double::APP, scope);
    let base = bench.wechat.sign_in(&code("snsapi_base")).unwrap();
    assert_eq!((base.openid.as_str(), base.unionid.as_deref(), base.is_snapshot), ("o-1", None, false));
    let asked = bench.wechat.sign_in(&code("snsapi_userinfo")).unwrap();
    assert_eq!(asked.unionid.as_deref(), Some("u-1"));
    assert_eq!(bench.wechat.unionid(&asked).unwrap().as_deref(), Some("u-1"));
    let used = code("snsapi_base");
    bench.wechat.sign_in(&used).unwrap();
    let again = bench.wechat.sign_in(&used).unwrap_err();
    assert_eq!((again.code(), again.remedy()), (Some(40_163), Remedy::RestartSignIn));
    let preview = Person { is_snapshot: true, ..person.clone() };
    let seen = bench.wechat.sign_in(&bench.double.code_of(preview, double::APP, "snsapi_base")).unwrap();
    assert!(seen.is_snapshot);
    assert!(!format!("{asked:?}").contains("u-1"));
}

#[test]
fn the_page_to_sign_in_sends_back_with_a_code_and_the_state() {
    let bench = Bench::new();
    bench.double.sit_down(Person { openid: "o-7".to_owned(), ..Person::default() });
    let url = bench.wechat.authorize_url("https://join.example.com/in?c=1", Scope::Base, "st4te");
    let agent = ureq::Agent::config_builder().max_redirects(0).proxy(None).build().new_agent();
    let answer = agent.get(url.split('#').next().unwrap()).call().unwrap();
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    let code =
        back.strip_prefix("https://join.example.com/in?c=1&code=").and_then(|it| it.strip_suffix("&state=st4te"));
    assert_eq!(bench.wechat.sign_in(code.unwrap()).unwrap().openid, "o-7");
}

#[test]
fn a_ticket_of_wechat_is_fetched_once_and_a_worthless_token_is_replaced_by_force() {
    let bench = Bench::new();
    let ticket = bench.wechat.jsapi_ticket().unwrap();
    assert_eq!(bench.wechat.jsapi_ticket().unwrap(), ticket);
    assert_eq!((bench.double.count("/ticket/getticket"), bench.double.count("/stable_token")), (1, 1));
    bench.advance_s(7_000);
    bench.double.fail("/ticket/getticket", Fault::Code(40_001));
    assert_ne!(bench.wechat.jsapi_ticket().unwrap(), ticket);
    let forced = bench.double.bodies("/stable_token");
    assert_eq!(forced.last().unwrap()["force_refresh"], true, "the platform gives the same token until it is forced");
}

/// Every code of the table once, put before a call that may be repeated: what the client itself does about it.
#[test]
fn every_error_of_the_table_is_met_with_its_remedy() {
    const PATH: &str = "/externalcontact/mark_tag";
    for known in ERRORS {
        let bench = Bench::new();
        bench.double.add_friend("mgr_01", "wm1", None);
        let tag = bench.double.add_tags_by_hand("g", &["t"]).remove(0);
        bench.double.fail(PATH, Fault::Code(known.code));
        let answer = bench.wecom.mark_tags(&mark("mgr_01", "wm1", &tag));
        let (calls, tokens) = (bench.double.count(PATH), bench.double.count("/gettoken"));
        match known.remedy {
            Remedy::RefreshToken => assert_eq!((answer, calls, tokens), (Ok(()), 2, 2), "{}", known.code),
            Remedy::RetryLater { .. } | Remedy::SlowDown { .. } => {
                assert_eq!((answer, calls, tokens), (Ok(()), 2, 1), "{}", known.code);
            }
            remedy => {
                let error = answer.unwrap_err();
                assert_eq!((error.code(), error.remedy(), calls), (Some(known.code), remedy, 1));
                assert_eq!(error.advice(), known.advice);
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
        (Fault::Delay(Duration::from_millis(800)), "unreachable"),
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
    let keeper = Arc::new(MemoryKeeper::default());
    let client = Wecom::new(&nobody, keeper, Arc::new(bench.clock.clone()), PATIENCE, Arc::new(|_| {})).unwrap();
    let error = client.follow_users().unwrap_err();
    assert!(!format!("{error} {error:?} {client:?}").contains(double::SECRET));
    assert!(!error.may_be_done());
}

#[test]
fn wrong_settings_and_rights_are_told_apart() {
    let bench = Bench::new();
    let with = |settings: &WecomSettings| {
        let keeper = Arc::new(MemoryKeeper::default());
        Wecom::new(settings, keeper, Arc::new(bench.clock.clone()), PATIENCE, Arc::new(|_| {})).unwrap()
    };
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
    assert_eq!(met.remedy(), Remedy::WaitLimit { wait: Duration::from_secs(60) });
    let begun = Instant::now();
    let kept = bench.wecom.follow_users().unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(200));
    assert!(matches!(kept, ApiError::Limited { wait, .. } if wait == Duration::from_secs(60)), "{kept:?}");
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
