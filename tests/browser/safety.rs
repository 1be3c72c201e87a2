//! What must not happen: foreign hosts, broken rules of the content security policy, names that become markup; and what is told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::browser::{Browser, Place, Setup, WECHAT};
use crate::demo::{Demo, row};
use crate::driver::http_client;

/// HTML, style and script of one page together, before compression.
const PAGE_BYTES_MAX: usize = 30_000;

/// The addresses that our pages asked for; the browser's own first page is not ours.
fn requests(phone: &Browser<'_>, demo: &Demo) -> BTreeSet<String> {
    let is_ours = |it: &Value| it.as_str().is_some_and(|it| it.starts_with(&demo.url("/")));
    let log = phone.log("performance");
    log.iter()
        .map(|it| serde_json::from_str(it["message"].as_str().unwrap()).unwrap())
        .map(|it: Value| it["message"].clone())
        .filter(|it| it["method"] == "Network.requestWillBeSent")
        .filter(|it| is_ours(&it["params"]["documentURL"]))
        .map(|it| it["params"]["request"]["url"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_visit_asks_no_other_host_and_breaks_no_rule_of_the_policy() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.before_pages(
        "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective + ' ' + e.blockedURI));",
    );
    phone.stands(&Place::At(31.2304, 121.4737, 35.0));
    for path in ["/", "/s/demo", "/s/default/choose", "/s/default?store=SH-0001", "/nothing"] {
        phone.open(path);
        assert_eq!(phone.value("window.broken"), json!([]), "{path}");
    }
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#title", &row("SH-0001").name);
    phone.tap("#other");
    phone.wait("document.activeElement.id === 'list-title'");
    assert_eq!(phone.value("window.broken"), json!([]));
    demo.step_becomes("not_mine", 1);

    let requests = requests(&phone, &demo);
    assert!(requests.contains(&demo.url("/api/v1/scans")), "{requests:?}");
    for url in &requests {
        assert!(url.starts_with(&demo.url("/")), "{url}");
    }
    // The page that does not exist, and the icon that browsers ask for where a page names none.
    let is_known = |it: &Value| it["message"].as_str().unwrap().contains("/nothing");
    let complaints: Vec<_> = phone.log("browser").into_iter().filter(|it| !is_known(it)).collect();
    assert_eq!(complaints, [] as [Value; 0]);
}

#[test]
fn a_page_is_small() {
    let demo = Demo::start();
    for path in
        ["/", "/s/default?store=SH-0001", "/s/default?store=SG-0001", "/s/default/choose", "/s/default/choose?q=1"]
    {
        for language in ["zh-CN", "en"] {
            let mut answer = http_client()
                .get(demo.url(path))
                .header("User-Agent", WECHAT)
                .header("Accept-Language", language)
                .header("X-Forwarded-For", "203.0.113.9")
                .call()
                .unwrap();
            assert_eq!(answer.headers().get("Content-Encoding"), None);
            let page = answer.body_mut().read_to_string().unwrap();
            assert!(!page.contains("rel=\"stylesheet") && !page.contains("<script src"), "all in one");
            assert!(page.len() <= PAGE_BYTES_MAX, "{path} {language}: {} bytes", page.len());
        }
    }
}

#[test]
fn names_are_text_and_never_markup() {
    const NAME: &str = "<img src=x onerror=\"window.stung=1\">'&amp;店";
    const OTHER: &str = "</script><script>window.stung=2</script>";
    let demo = Demo::start();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let sheet = format!(
        "id,name,address,province,city,lat,lng,datum,group_url,group_name\n\
         XX-0001,{name},{other},西藏自治区,那曲市,31.48,92.05,wgs84,https://work.weixin.qq.com/gm/00000000000000000000000000000001,{other}\n\
         XX-0002,{other},{name},西藏自治区,那曲市,31.49,92.06,wgs84,https://work.weixin.qq.com/gm/00000000000000000000000000000002,{name}\n",
        name = quoted(NAME),
        other = quoted(OTHER),
    );
    demo.import(&sheet);
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::At(31.48, 92.05, 10.0));
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#title", NAME);
    let check = |what: &str| {
        assert_eq!(phone.text("#title"), NAME, "{what}");
        assert_eq!(phone.text("#address"), OTHER, "{what}");
        assert_eq!(phone.text("#list b"), OTHER, "{what}");
        assert_eq!(phone.text("#list small"), NAME, "{what}");
        let alt = phone.value("document.getElementById('qr').alt");
        assert_eq!(alt, format!("{OTHER}的群聊二维码"), "{what}");
        assert!(!phone.sees("img[src=x]"), "{what}");
        assert_eq!(phone.value("typeof window.stung"), "undefined", "{what}");
    };
    check("by the script");
    phone.open("/s/default?store=XX-0001");
    check("by the server");
    phone.open("/s/default/choose?q=XX-0001");
    assert_eq!(phone.text("ul.list b"), NAME);
    assert_eq!(phone.value("typeof window.stung"), "undefined");
}

#[test]
fn a_long_press_on_the_code_is_told_once() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.open("/s/default?store=SH-0001");
    phone.tap("#qr");
    phone.press("#qr", || demo.step_becomes("pressed", 1));
    phone.press("#qr", || phone.wait("new Promise(done => setTimeout(done, 700)).then(() => true)"));
    // Another code is another step.
    phone.tap("#list a[data-store='SH-0003']");
    phone.wait_text("#title", &row("SH-0003").name);
    phone.press("#qr", || demo.step_becomes("pressed", 2));
    assert_eq!(demo.metric("jinqun_steps_total{step=\"pressed\"}"), 2);
}
