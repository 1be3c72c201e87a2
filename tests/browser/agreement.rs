//! The script and the server make one page: what the script shows for an answer is what the server would have sent.

use serde_json::{Value, json};

use crate::browser::{Browser, Place, Setup};
use crate::demo::{Demo, row};

/// Everything that a customer can see, press or hear of the card and the list, without the words for this visit.
const SEEN: &str = "(() => { \
    const clean = link => link.replace(/scan=[^&]*/, 'scan='), shown = e => e.checkVisibility(); \
    const text = [...document.querySelectorAll('#card *, #others *')].filter(shown).filter(e => !e.children.length) \
        .filter(e => e.id !== 'status').map(e => e.textContent.trim()).filter(it => it); \
    const links = [...document.querySelectorAll('main a')].filter(shown).map(e => clean(e.getAttribute('href'))); \
    const images = [...document.querySelectorAll('main img')].map(e => [e.id, e.alt, e.width, e.height, e.getAttribute('src')]); \
    const card = document.getElementById('card'), data = Object.assign({}, document.getElementById('page').dataset, {scan: ''}); \
    const join = document.getElementById('code').dataset.join; \
    return {text, links, images, classes: [...card.classList].sort(), data, join, how: document.getElementById('how').textContent, \
        open: document.getElementById('open').className}; })()";

/// Lets the script ask for a store, as if it stood first in the list.
fn choose_by_script(phone: &Browser<'_>, id: &str) {
    let first = format!(
        "(a => {{ a.id = 'asked'; a.dataset.store = {id}; a.href = '/s/default?store=' + {id}; }})(document.querySelector('#list a'))",
        id = json!(id)
    );
    phone.value(&first);
    phone.tap("#asked");
    // The script makes the list anew for each answer.
    phone.wait("!document.getElementById('asked')");
}

#[test]
fn a_store_chosen_by_the_script_looks_as_the_server_shows_it() {
    let demo = Demo::start();
    for languages in ["zh-CN,zh", "en-US,en"] {
        let setup = Setup { languages, ..Setup::default() };
        let phone = Browser::start(&demo, &setup);
        // A plain store, one whose code has expired, one without a code, a paused one, one in another time zone, one
        // whose nearest neighbours are in another city, and one across the antimeridian from its neighbour.
        for id in ["SH-0001", "SH-0006", "SH-0008", "SH-0010", "UR-0001", "SG-0001", "FJ-0002"] {
            phone.open("/s/default?store=SH-0003");
            choose_by_script(&phone, id);
            let by_script = phone.value(SEEN);
            phone.open(&format!("/s/default?store={id}"));
            let by_server = phone.value(SEEN);
            assert_same(&by_script, &by_server, id);
        }
    }
}

#[test]
fn a_closed_store_says_the_same_of_its_next_opening() {
    let demo = Demo::start();
    for languages in ["zh-CN,zh", "en-US,en"] {
        let setup = Setup { languages, ..Setup::default() };
        let phone = Browser::start(&demo, &setup);
        // Tomorrow, in some days, and a day on which its hours are unknown.
        let week = "周一至周五 08:00-12:00,13:00-22:00,周六 09:00-次日01:00,周日 09:00-22:00";
        for (hours, days) in [("08:00-22:00", 0), (week, 3), ("", 1)] {
            phone.open("/");
            let day = |days: i32| {
                phone.value(&format!("new Date(Date.now() + 8 * 36e5 + {days} * 864e5).toISOString().slice(0, 10)"))
            };
            let (from, until) = (day(-1), day(days));
            let closures = format!("{}..{}", from.as_str().unwrap(), until.as_str().unwrap());
            demo.import(&format!(
                "id,name,lat,lng,datum,hours,closures\nSH-0001,关门店,31.2319,121.4693,wgs84,\"{hours}\",{closures}\n"
            ));
            phone.open("/s/default?store=SH-0003");
            choose_by_script(&phone, "SH-0001");
            let by_script = phone.value(SEEN);
            phone.open("/s/default?store=SH-0001");
            assert!(phone.sees("#opens"), "{closures}");
            if hours == week {
                let words = match languages {
                    "en-US,en" => "Mon–Fri 08:00–12:00, 13:00–22:00; Sat 09:00–01:00 next day; Sun 09:00–22:00",
                    _ => "周一至周五 08:00-12:00，13:00-22:00，周六 09:00-次日01:00，周日 09:00-22:00",
                };
                assert_eq!(phone.text("#hours"), words);
            }
            assert_same(&by_script, &phone.value(SEEN), &closures);
        }
    }
}

fn assert_same(by_script: &Value, by_server: &Value, what: &str) {
    for (name, value) in by_server.as_object().unwrap() {
        assert_eq!(&by_script[name], value, "{what}: {name}");
    }
}

#[test]
fn the_store_found_by_position_is_the_one_shown_on_return() {
    let demo = Demo::start();
    let phone = Browser::start(&demo, &Setup::default());
    phone.stands(&Place::At(31.2304, 121.4737, 35.0));
    phone.open("/");
    phone.tap("#locate");
    phone.wait_text("#title", &row("SH-0001").name);
    let facts = "['title', 'address', 'hours', 'open', 'how', 'qr'].map(id => document.getElementById(id)) \
        .map(e => [e.textContent, e.hidden, e.className, e.alt || '', e.src || ''])";
    let by_script = phone.value(facts);
    phone.open("/");
    assert_eq!(phone.text("#eyebrow"), "您上次的门店");
    assert_eq!(by_script, phone.value(facts));
}
