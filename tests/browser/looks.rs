//! What the page must look like for a thumb, an eye and a screen reader.

use serde_json::{Value, json};

use crate::browser::{Browser, Place, Setup};
use crate::demo::{Demo, row};

/// Pages and states that are looked at: a name, how to get there.
fn visit(phone: &Browser<'_>, mut look: impl FnMut(&str)) {
    for path in [
        "/",
        "/s/demo",
        "/s/default?store=SH-0001",
        "/s/default?store=SH-0006",
        "/s/default/choose",
        "/s/default/choose?province=%E5%B9%BF%E4%B8%9C%E7%9C%81",
        "/s/default/choose?near=SH-0001",
        "/s/default/choose?q=1",
        "/nothing",
    ] {
        phone.open(path);
        look(path);
    }
    phone.stands(&Place::At(31.2304, 121.4737, 35.0));
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#title", &row("SH-0001").name);
    look("after the position was given");
    phone.stands(&Place::Refused);
    phone.open("/s/demo");
    phone.tap("#locate");
    phone.wait("document.getElementById('status').textContent !== ''");
    look("after the position was refused");
}

fn assert_none(found: &Value, what: &str) {
    assert_eq!(found, &json!([]), "{what}");
}

#[test]
fn one_code_lies_whole_and_bare_on_the_screen() {
    const PROBLEMS: &str = "(() => { \
        const codes = [...document.images].filter(e => e.checkVisibility() && new URL(e.src).pathname.startsWith('/qr/')); \
        if (codes.length !== 1) return [codes.length + ' codes']; \
        const e = codes[0], r = e.getBoundingClientRect(), wrong = []; \
        if (scrollY !== 0) wrong.push('scrolled'); \
        if (r.width < 200 || Math.abs(r.width - r.height) > 0.5) wrong.push('size ' + r.width + ' x ' + r.height); \
        if (r.left < 0 || r.top < 0 || r.right > innerWidth || r.bottom > innerHeight) \
            wrong.push('from ' + r.top + ' to ' + r.bottom + ' of ' + innerHeight); \
        for (const x of [0.1, 0.5, 0.9]) for (const y of [0.1, 0.5, 0.9]) { \
            const on = document.elementFromPoint(r.left + r.width * x, r.top + r.height * y); \
            if (on !== e) wrong.push('under ' + (on ? on.tagName + '#' + on.id : 'nothing')); } \
        if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the screen'); \
        return wrong; })()";
    let demo = Demo::start();
    for screen in [(390, 844), (360, 640)] {
        let setup = Setup { screen, ..Setup::default() };
        let phone = Browser::start(&demo, &setup);
        phone.stands(&Place::At(31.2304, 121.4737, 35.0));
        phone.open("/");
        phone.tap("#locate");
        let store = row("SH-0001");
        phone.wait_text("#title", &store.name);
        assert_none(&phone.value(PROBLEMS), &format!("{screen:?} by the script"));
        assert_eq!(phone.codes(), [store.join.as_str()]);
        phone.open("/");
        assert_eq!(phone.text("#title"), store.name);
        assert_none(&phone.value(PROBLEMS), &format!("{screen:?} by the server"));
        assert_eq!(phone.codes(), [store.join]);
    }
}

#[test]
fn everything_to_tap_is_large_enough_for_a_thumb() {
    const SMALL: &str = "(() => { \
        const all = [...document.querySelectorAll('a, button, input, select, summary')] \
            .filter(e => e.checkVisibility({visibilityProperty: true}) && e.type !== 'hidden').map(e => [e, e.getBoundingClientRect()]); \
        const small = all.filter(([e, r]) => r.height < 44 || r.width < 24) \
            .map(([e, r]) => (e.innerText || e.id) + ' ' + r.width + ' x ' + r.height); \
        return all.length ? small : ['nothing to tap']; })()";
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    visit(&phone, |what| assert_none(&phone.value(SMALL), what));
}

#[test]
fn a_screen_reader_has_a_name_for_everything_to_tap() {
    const ROLES: [&str; 8] = ["link", "button", "textbox", "searchbox", "combobox", "checkbox", "image", "heading"];
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.cdp("Accessibility.enable", &json!({}));
    visit(&phone, |what| {
        let tree = phone.cdp("Accessibility.getFullAXTree", &json!({}));
        let mut named = 0;
        for node in tree["nodes"].as_array().unwrap() {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            if node["ignored"] == false && ROLES.contains(&role) {
                let name = node["name"]["value"].as_str().unwrap_or_default();
                assert!(!name.trim().is_empty(), "{what}: {node}");
                named += 1;
            }
        }
        assert!(named >= 3, "{what}: {named}");
        let headings = phone.value("document.querySelectorAll('h1').length");
        assert_eq!(headings, 1, "{what}");
    });
}

#[test]
fn text_stands_out_from_its_ground() {
    // WCAG 2.2, 1.4.3: relative luminance and contrast, computed here from what the browser draws with.
    const FAINT: &str = "(() => { \
        const parse = text => { const n = text.match(/[0-9.]+/g).map(Number); return {c: n.slice(0, 3), a: n.length > 3 ? n[3] : 1}; }; \
        const light = c => { const f = v => (v /= 255, v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); \
            return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); }; \
        const ground = e => { for (; e; e = e.parentElement) { \
            if (e.classList.contains('brand')) return parse(getComputedStyle(document.body, '::before').backgroundColor).c; \
            const g = parse(getComputedStyle(e).backgroundColor); if (g.a === 1) return g.c; } return [255, 255, 255]; }; \
        const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); let seen = 0; \
        for (let node; (node = walk.nextNode());) { const e = node.parentElement; \
            if (!node.data.trim() || !e.checkVisibility() || ['STYLE', 'SCRIPT'].includes(e.tagName)) continue; \
            seen += 1; \
            const a = light(parse(getComputedStyle(e).color).c), b = light(ground(e)); \
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); \
            if (contrast < 4.5) found.push(node.data.trim() + ' ' + contrast.toFixed(2)); } \
        if (seen < 5) found.push('only ' + seen + ' texts'); \
        return found; })()";
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    visit(&phone, |what| assert_none(&phone.value(FAINT), what));
}
