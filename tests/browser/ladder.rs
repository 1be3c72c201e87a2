//! Every rung of the ladder as a customer sees it, and the other route behind a tap.

use serde_json::{Value, json};

use crate::browser::{Browser, Place, Setup};
use crate::demo::{Demo, row};
use crate::driver::http_client;

/// The square before SH-0001.
const SQUARE: (f64, f64) = (31.2304, 121.4737);

/// A visit of somebody else at the square; what they were shown.
fn somebody(demo: &Demo, campaign: &str) -> Value {
    let position = json!({"lat": SQUARE.0, "lng": SQUARE.1, "accuracy_m": 20});
    let body = json!({"campaign": campaign, "position": position});
    let mut answer = http_client().post(demo.url("/api/v1/scans")).send_json(body).unwrap();
    answer.body_mut().read_json().unwrap()
}

/// What a new customer at the square sees: the store, the sentence, and the code's address.
fn arrives(phone: &Browser<'_>, path: &str) -> [String; 3] {
    phone.forget();
    phone.stands(&Place::At(SQUARE.0, SQUARE.1, 20.0));
    phone.open(path);
    phone.tap("#locate");
    phone.wait("document.getElementById('locate').textContent === '重新定位'");
    let codes = phone.codes();
    assert_eq!(codes.len(), 1, "one code on the screen");
    [phone.text("#title"), phone.text("#note"), codes.concat()]
}

#[test]
fn a_customer_is_told_of_every_rung() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    demo.import_campaigns(
        "[[campaign]]\nslug = \"default\"\nname = \"青禾咖啡\"\n\n\
         [[campaign]]\nslug = \"short\"\nname = \"青禾短梯\"\nfallbacks = [\"region\", \"campaign\"]\n\
         group_url = \"https://work.weixin.qq.com/gm/short\"\n",
    );
    // One seat in each group near the square, and one in that of the district.
    let ids =
        ["SH-0001", "SH-0002", "SH-0003", "SH-0004", "SH-0005", "SH-0006", "SH-0007", "SH-0008", "SH-0009", "SH-0010"];
    let with_group = ids.iter().filter(|id| !row(id).join.is_empty());
    let tight: String = with_group.map(|id| [id, ".group,,,1\n"].concat()).collect();
    let region = "huangpu,黄浦区,https://work.weixin.qq.com/gm/huangpu,1\n";
    demo.import_groups(&format!("id,region,url,capacity\n{tight}{region}"));
    let (first, next) = (row("SH-0001"), row("SH-0002"));

    let [store, note, code] = arrives(&phone, "/");
    assert_eq!((store, note.as_str(), code), (first.name.clone(), "", first.join.clone()));

    let [store, note, code] = arrives(&phone, "/");
    let told = format!("{}的群已满，为您换成下一家最近的门店，距您 1.4 公里。", first.name);
    assert_eq!((store, note, code), (next.name, told, next.join));

    let mut last = json!(null);
    for _ in 0..20 {
        last = somebody(&demo, "default");
        if last["join"]["kind"] == "contact" {
            break;
        }
    }
    assert_eq!(last["fallback"], json!({"rung": "contact", "reason": "full"}), "{last}");
    let [store, note, code] = arrives(&phone, "/");
    assert_eq!((store, note.as_str()), (first.name.clone(), "本店的群已满，请先添加店长，由店长邀请入群。"));
    assert!(code.starts_with("https://work.weixin.qq.com/u/"), "{code}");

    let [store, note, code] = arrives(&phone, "/s/short");
    assert_eq!((store, note.as_str()), (first.name.clone(), "本店的群已满，请先加入本地区的群聊。"));
    assert_eq!(code, "https://work.weixin.qq.com/gm/huangpu");

    let [store, note, code] = arrives(&phone, "/s/short");
    assert_eq!((store, note.as_str()), (first.name, "本店的群已满，请先加入品牌群聊。"));
    assert_eq!(code, "https://work.weixin.qq.com/gm/short");
}

#[test]
fn the_other_route_is_a_tap_away_and_keeps_the_place() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    let [store, _, code] = arrives(&phone, "/");
    assert_eq!((store.as_str(), code), (row("SH-0001").name.as_str(), row("SH-0001").join));
    assert_eq!(phone.text("#switch"), "改为添加店长微信");
    phone.tap("#switch");
    phone.wait_text("#switch", "改为加入门店群聊");
    assert!(phone.codes().concat().starts_with("https://work.weixin.qq.com/u/"));
    assert_eq!((phone.text("#title"), phone.text("#distance").as_str()), (store, "450 米"));
    phone.tap("#switch");
    phone.wait_text("#switch", "改为添加店长微信");
    // Without a script too.
    phone.forget();
    phone.without_scripts();
    phone.open("/s/default?store=SH-0001");
    phone.tap("#switch");
    phone.wait_text("#switch", "改为加入门店群聊");
    assert!(phone.codes().concat().starts_with("https://work.weixin.qq.com/u/"));
}
