//! A phone in the hands of a customer: opens pages, taps, reads what is to be seen, takes screenshots.

use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::demo::{Demo, poll};
use crate::driver::Session;
use crate::eye;

pub const WECHAT: &str = "Mozilla/5.0 (Linux; Android 13; 22041211AC Build/TP1A.220624.014; wv) AppleWebKit/537.36 \
    (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240404 \
    MicroMessenger/8.0.49.2600(0x28003133) WeChat/arm64 Weixin NetType/4G Language/zh_CN ABI/arm64";
const DESKTOP: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
/// An address whose city the bundled database names: Shanghai.
const SHANGHAI: &str = "203.0.113.9";

/// Which phone, and whose.
pub struct Setup {
    pub user_agent: &'static str,
    /// The languages of the phone, best first.
    pub languages: &'static str,
    /// The screen in CSS pixels; three pixels to each.
    pub screen: (u16, u16),
    /// The address that the proxy tells of; none is that of this machine, which no database knows.
    pub address: Option<&'static str>,
}

impl Setup {
    /// Somebody of the operations team at a desk.
    pub fn desk() -> Self {
        Self { user_agent: DESKTOP, screen: (1280, 800), address: None, ..Self::default() }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self { user_agent: WECHAT, languages: "zh-CN,zh", screen: (390, 844), address: Some(SHANGHAI) }
    }
}

/// What the phone says when a page asks where it is.
pub enum Place {
    At(f64, f64, f64),
    Refused,
    Unavailable,
    /// The customer has not been asked.
    Open,
}

pub struct Browser<'a> {
    session: Session,
    demo: &'a Demo,
}

impl<'a> Browser<'a> {
    pub fn start(demo: &'a Demo, setup: &Setup) -> Self {
        let it = Self { session: Session::start(), demo };
        let screen = json!({"width": setup.screen.0, "height": setup.screen.1, "deviceScaleFactor": if setup.screen.0 > 600 { 1 } else { 3 }, "mobile": setup.screen.0 <= 600});
        it.cdp("Emulation.setDeviceMetricsOverride", &screen);
        it.cdp("Emulation.setTouchEmulationEnabled", &json!({"enabled": true}));
        let name = json!({"userAgent": setup.user_agent, "acceptLanguage": setup.languages});
        it.cdp("Emulation.setUserAgentOverride", &name);
        if let Some(address) = setup.address {
            it.cdp("Network.enable", &json!({}));
            let headers = json!({"headers": {"X-Forwarded-For": address}});
            it.cdp("Network.setExtraHTTPHeaders", &headers);
        }
        it
    }

    pub fn cdp(&self, command: &str, params: &Value) -> Value {
        self.session.cdp(command, params).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sets what the phone answers to a page that asks for the position.
    pub fn stands(&self, place: &Place) {
        let setting = match place {
            Place::Refused => "denied",
            Place::At(..) | Place::Unavailable => "granted",
            Place::Open => "prompt",
        };
        let permission = json!({
            "origin": self.demo.url(""), "setting": setting, "permission": {"name": "geolocation"},
        });
        self.cdp("Browser.setPermission", &permission);
        let position = match place {
            Place::At(latitude, longitude, accuracy) => {
                json!({"latitude": latitude, "longitude": longitude, "accuracy": accuracy})
            }
            Place::Refused | Place::Unavailable | Place::Open => json!({}),
        };
        self.cdp("Emulation.setGeolocationOverride", &position);
    }

    /// Runs a script in every page before its own.
    pub fn before_pages(&self, script: &str) {
        let source = json!({"source": script});
        self.cdp("Page.addScriptToEvaluateOnNewDocument", &source);
    }

    /// Turns the scripts of pages off.
    pub fn without_scripts(&self) {
        let off = json!({"value": true});
        self.cdp("Emulation.setScriptExecutionDisabled", &off);
    }

    /// Names another program in the pages that follow.
    pub fn calls_itself(&self, user_agent: &str) {
        let name = json!({"userAgent": user_agent, "acceptLanguage": "zh-CN,zh"});
        self.cdp("Emulation.setUserAgentOverride", &name);
    }

    /// Forgets every cookie.
    pub fn forget(&self) {
        self.cdp("Network.clearBrowserCookies", &json!({}));
    }

    /// Opens a page and waits for it with its pictures.
    pub fn open(&self, path: &str) {
        let url = json!({"url": self.demo.url(path)});
        self.session.send("POST", "/url", &url).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    fn look(&self, expression: &str) -> Result<Value, String> {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.session.cdp("Runtime.evaluate", &params)?;
        if answer["exceptionDetails"].is_null() {
            Ok(answer["result"]["value"].clone())
        } else {
            Err(format!("{expression}: {}", answer["exceptionDetails"]))
        }
    }

    /// The value of an expression of JavaScript.
    pub fn value(&self, expression: &str) -> Value {
        self.look(expression).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The visible text of an element; empty if there is nothing to see.
    pub fn text(&self, selector: &str) -> String {
        let expression = format!(
            "(e => e && e.checkVisibility() ? e.innerText.trim() : '')(document.querySelector({}))",
            json!(selector)
        );
        self.value(&expression).as_str().unwrap().to_owned()
    }

    pub fn sees(&self, selector: &str) -> bool {
        let expression = format!("[...document.querySelectorAll({})].some(e => e.checkVisibility())", json!(selector));
        self.value(&expression) == true
    }

    /// Waits until an expression of JavaScript is true.
    pub fn wait(&self, condition: &str) {
        let seen = poll(|| self.look(condition).ok().filter(|it| *it == true));
        if seen.is_none() {
            self.give_up(condition);
        }
    }

    /// Waits until an element has a text.
    pub fn wait_text(&self, selector: &str, text: &str) {
        let [selector, text] = [json!(selector), json!(text)];
        self.wait(&format!(
            "(e => !!e && e.checkVisibility() && e.innerText.trim() === {text})(document.querySelector({selector}))"
        ));
    }

    /// Fails with what is to be seen, and keeps a screenshot.
    fn give_up(&self, missing: &str) -> ! {
        let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.png"));
        fs::write(&file, self.screenshot()).unwrap();
        let page = self.look("location.pathname + location.search + '\\n' + document.body.innerText");
        panic!(
            "not seen in time: {missing}\nscreenshot: {}\npage: {}",
            file.display(),
            page.unwrap_or_default().as_str().unwrap_or_default()
        );
    }

    /// Puts a finger on an element, which a finger must be able to reach, and lifts it.
    fn tap_found(&self, find: &str) {
        self.touch(find);
        self.lift();
    }

    /// Puts a finger on an element once it is there, stands still and nothing lies over it. `find` is an expression of JavaScript.
    fn touch(&self, find: &str) {
        let reach = format!(
            "(e => {{ if (!e || document.readyState !== 'complete') return null; \
             const inside = r => r.top >= 0 && r.bottom <= innerHeight; \
             if (!inside(e.getBoundingClientRect())) e.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2; \
             return r.width && e.contains(document.elementFromPoint(x, y)) ? {{x, y}} : null; }})({find})"
        );
        let mut before = Value::Null;
        let point = poll(|| {
            let now = self.look(&reach).ok().filter(Value::is_object)?;
            (std::mem::replace(&mut before, now.clone()) == now).then_some(now)
        });
        let Some(point) = point else { self.give_up(&format!("a finger cannot reach {find}")) };
        let params = json!({"type": "touchStart", "touchPoints": [point]});
        self.cdp("Input.dispatchTouchEvent", &params);
    }

    fn lift(&self) {
        let params = json!({"type": "touchEnd", "touchPoints": []});
        self.cdp("Input.dispatchTouchEvent", &params);
    }

    /// Taps the first element that the selector finds.
    pub fn tap(&self, selector: &str) {
        self.tap_found(&format!("document.querySelector({})", json!(selector)));
    }

    /// Taps the link that contains the words.
    pub fn tap_link(&self, words: &str) {
        let words = json!(words);
        self.tap_found(&format!("[...document.links].find(it => it.innerText.includes({words}))"));
    }

    /// Holds a finger on an element until something has come of it.
    pub fn press(&self, selector: &str, until: impl FnOnce()) {
        self.touch(&format!("document.querySelector({})", json!(selector)));
        until();
        self.lift();
    }

    /// Types into the field that the selector finds.
    pub fn write(&self, selector: &str, text: &str) {
        self.tap(selector);
        self.wait(&format!("document.activeElement.matches({})", json!(selector)));
        self.cdp("Input.insertText", &json!({"text": text}));
    }

    /// Signs in as the demo's user, and waits for the page that this leads to: a path under `/admin`.
    pub fn sign_in(&self, path: &str) {
        self.open(path);
        self.wait("location.pathname === '/admin/sign-in'");
        self.write("input[name=name]", "demo");
        self.write("input[name=password]", "jinqun-demo");
        self.tap("form button.primary");
        self.wait(&format!("location.pathname + location.search === {}", json!(path)));
        self.wait("document.readyState === 'complete'");
    }

    /// What is on the screen, as PNG.
    pub fn screenshot(&self) -> Vec<u8> {
        let picture = self.session.send("GET", "/screenshot", &Value::Null);
        let picture = picture.unwrap_or_else(|error| panic!("{error}"));
        BASE64.decode(picture.as_str().unwrap().as_bytes()).unwrap()
    }

    /// The texts of all codes on the screen, read by a decoder that is not ours.
    pub fn codes(&self) -> Vec<String> {
        self.wait("document.readyState === 'complete' && [...document.images].every(it => it.complete)");
        eye::codes(&self.screenshot())
    }

    /// What the browser wrote down since the last time: `browser` (its console) or `performance` (what the page did).
    pub fn log(&self, kind: &str) -> Vec<Value> {
        let log =
            self.session.send("POST", "/se/log", &json!({"type": kind})).unwrap_or_else(|error| panic!("{error}"));
        log.as_array().unwrap().clone()
    }
}
