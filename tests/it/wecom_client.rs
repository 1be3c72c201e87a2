//! The clients of `WeCom` and `WeChat` against the double: every call, and what comes back.

use jinqun::platform::{ApiError, Remedy};
use jinqun::qr::{Effort, decode_picture};
use jinqun::wechat::Scope;
use jinqun::wecom::client::{
    AcquisitionPlan, ChatQuery, ContactWayChange, ContactWayPlan, ImageKind, JoinWayPlan, LinkCard, MemberKind,
    NewGroups, TagMark, Welcome, WelcomeAttachment,
};

use crate::double::{self, Double, Fault, Person};
use crate::wecom_bench::{Bench, mark, region};

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
