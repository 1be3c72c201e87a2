//! Words and colours: languages, programs that show the page, campaigns.

use crate::browser::{Browser, Place, Setup, WECHAT};
use crate::demo::{Demo, row};

const WECOM: &str = "Mozilla/5.0 (Linux; Android 13; 22041211AC Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
    Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 wxwork/4.1.22 MicroMessenger/7.0.1 NetType/WIFI Language/zh";
const DESKTOP: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const WECHAT_DESKTOP: &str = "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 Safari/537.36 \
    NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c33)";
const MINI_PROGRAM: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 \
    MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN miniProgram/wx0000000000000000";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
    Mobile/15E148 Safari/604.1";

#[test]
fn a_phone_set_to_english_gets_english() {
    let demo = Demo::start();
    let setup = Setup { languages: "en-US,en", ..Setup::default() };
    let phone = Browser::start(&demo, &setup);
    phone.stands(&Place::At(31.2304, 121.4737, 35.0));
    phone.open("/");
    assert_eq!(phone.value("document.documentElement.lang"), "en");
    assert_eq!(phone.text("#locate"), "Use my location");
    assert_eq!(phone.text("#other"), "Choose a store");
    phone.tap("#locate");
    phone.wait_text("#title", &row("SH-0001").name);
    assert_eq!(phone.text("#eyebrow"), "Your nearest store");
    assert_eq!(phone.text("#distance"), "450 m");
    assert_eq!(phone.text("#how"), "Press and hold the code to join this store's group");
    assert_eq!(phone.text("#other"), "Not this store?");
}

#[test]
fn each_program_is_told_what_works_there() {
    let chosen = "/s/default?store=SH-0001";
    let wecom = "您正在使用企业微信。请用微信扫描海报或下方二维码入群。";
    let desktop = "您正在使用电脑。请用手机微信扫描下方二维码入群。";
    let wechat_desktop = "电脑微信无法定位，请选择门店，再用手机扫码入群。";
    let other = "请在微信中打开本页，长按二维码即可入群。";
    let mini_program = "若长按没有反应，请点右上角“…”，在微信中打开本页。";
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    for (user_agent, path, hint, how, can_locate) in [
        (WECHAT, chosen, "", "长按识别二维码", true),
        (WECOM, chosen, wecom, "用手机微信扫一扫", true),
        (DESKTOP, chosen, desktop, "用手机微信扫一扫", true),
        (WECHAT_DESKTOP, "/s/demo", wechat_desktop, "", false),
        (PHONE, chosen, other, "保存图片，用微信扫一扫", true),
        (MINI_PROGRAM, chosen, mini_program, "长按识别二维码", true),
    ] {
        phone.calls_itself(user_agent);
        // Nobody's visit before: the cookie would bring the last store.
        phone.forget();
        phone.open(path);
        assert_eq!(phone.text(".hint p"), hint, "{user_agent}");
        assert_eq!(phone.text("#how b"), how, "{user_agent}");
        assert_eq!(phone.sees("#locate"), can_locate, "{user_agent}");
    }
}

#[test]
fn a_campaign_has_its_own_name_colour_and_reach() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    let band = "getComputedStyle(document.body, '::before').backgroundColor";
    phone.open("/");
    assert_eq!(phone.text(".brand .name"), "青禾咖啡");
    assert_eq!(phone.value(band), "rgb(11, 107, 79)");
    assert!(phone.sees("img.logo"));
    phone.wait("document.querySelector('img.logo').naturalWidth > 0");
    phone.open("/s/demo");
    assert_eq!(phone.text(".brand .name"), "青禾·夏日杯");
    assert_eq!(phone.value(band), "rgb(194, 65, 12)");
    assert_eq!(phone.text("span.logo"), "青");
    // 30 km west of the stores of Chengdu: too far for this campaign, not for the other.
    phone.stands(&Place::At(30.657, 103.75, 20.0));
    phone.tap("#locate");
    phone.wait_text("#title", "您附近暂时没有门店");
    assert_eq!(phone.codes(), ["https://work.weixin.qq.com/gm/e03b07025449e65dc9f284991c3eec96"]);
}
