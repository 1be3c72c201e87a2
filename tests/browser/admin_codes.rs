//! A store manager swaps a code, and somebody makes a campaign and prints its code.

use data_encoding::BASE64;
use jinqun::qr::{Code, Effort, decode_picture};
use serde_json::json;

use crate::browser::{Browser, Setup};
use crate::demo::Demo;

const NEW: &str = "https://work.weixin.qq.com/gm/0123456789abcdef0123456789abcdef";

/// Drops a screenshot with a code on the first element that the selector finds.
fn drop_screenshot(browser: &Browser<'_>, selector: &str, text: &str) {
    let code = image::load_from_memory(&Code::new(text).unwrap().png(360).unwrap()).unwrap().to_luma8();
    let mut screen = image::GrayImage::from_pixel(540, 960, image::Luma([230]));
    image::imageops::overlay(&mut screen, &code, 90, 300);
    let mut file = std::io::Cursor::new(Vec::new());
    image::DynamicImage::ImageLuma8(screen).write_to(&mut file, image::ImageFormat::Png).unwrap();
    let dropped = format!(
        "(() => {{ const bytes = Uint8Array.from(atob({}), it => it.charCodeAt(0)); const data = new DataTransfer(); \
         data.items.add(new File([bytes], 'code.png', {{type: 'image/png'}})); \
         document.querySelector({}).dispatchEvent(new DragEvent('drop', {{dataTransfer: data, bubbles: true, cancelable: true}})); \
         return true; }})()",
        json!(BASE64.encode(file.get_ref())),
        json!(selector),
    );
    assert_eq!(browser.value(&dropped), true);
}

#[test]
fn a_screenshot_that_is_dropped_is_on_the_landing_page_at_once() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.sign_in("/admin/groups?store=SH-0001");
    phone.wait("!!document.querySelector('.entrance .swap')");
    assert!(phone.value("document.documentElement.scrollWidth").as_u64().unwrap() <= 390);
    // What may not be shown is said on the card, and nothing changes.
    drop_screenshot(&phone, ".entrance", "https://evil.example/gm/1");
    phone.wait("document.querySelector('.said.bad')?.innerText.includes('evil.example')");
    drop_screenshot(&phone, ".entrance", NEW);
    phone.wait("document.querySelector('.said.good')?.innerText.includes('7 天')");
    phone.open("/s/default?store=SH-0001");
    assert_eq!(phone.codes(), [NEW]);
}

#[test]
fn a_campaign_is_made_previewed_and_printed() {
    let demo = Demo::start();
    let desk = Browser::start(&demo, &Setup::desk());
    desk.sign_in("/admin/campaigns/.new");
    desk.wait("document.querySelector('#campaign').elements.mode.value === 'group'");
    desk.write("input[name=name]", "冬日茶会");
    desk.wait("document.querySelector('#frame').contentDocument?.body?.innerText.includes('冬日茶会')");
    desk.write("input[name=slug]", "a b");
    // What cannot be shown is told below the telephone, which shows what it did.
    desk.wait("!document.querySelector('#stale').hidden");
    assert_eq!(
        desk.value("document.querySelector('#frame').contentDocument.querySelector('.name').innerText"),
        "冬日茶会"
    );
    desk.tap("form button.primary");
    // The field says what is wrong with it.
    desk.wait("document.querySelector('input[name=slug]').parentElement.querySelector('.error')?.innerText.startsWith('短名只能用')");
    desk.value("(() => { document.querySelector('input[name=slug]').value = ''; return true; })()");
    desk.write("input[name=slug]", "winter-tea");
    desk.write("[name=\"texts.lead\"]", "进群领一杯");
    desk.wait("document.querySelector('#frame').contentDocument?.body?.innerText.includes('进群领一杯')");
    assert_eq!(desk.value("document.querySelector('#stale').hidden"), true);
    desk.tap("form button.primary");
    desk.wait("location.pathname === '/admin/campaigns/winter-tea'");
    desk.wait("document.querySelector('#heading').innerText === '冬日茶会'");
    assert!(desk.value("document.documentElement.scrollWidth <= innerWidth").as_bool().unwrap());
    // The code as it is downloaded, read by what reads the codes of others.
    desk.wait("!!document.querySelector('[data-format=png]').href");
    let picture = desk.value(
        "fetch(document.querySelector('[data-format=png]').href.replace(/caption=[^&]*/, '').replace('size=2048', 'size=236'))\
         .then(it => it.arrayBuffer()).then(it => btoa(String.fromCharCode(...new Uint8Array(it))))",
    );
    let picture = BASE64.decode(picture.as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(decode_picture(&picture, Effort::default()).unwrap().text, demo.url("/s/winter-tea"));
    desk.open("/s/winter-tea");
    desk.wait("document.body.innerText.includes('进群领一杯')");
}
