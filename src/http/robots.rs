//! Who makes no visit: crawlers, link previews and prefetches, as far as they say so themselves.
//!
//! A hint for counting only: they are answered like anybody else.

use actix_web::HttpRequest;
use actix_web::http::header::USER_AGENT;

/// Words in the user agents of crawlers and of link previews, in lower case.
const ROBOTS: [&str; 16] = [
    "bot",
    "spider",
    "crawl",
    "preview",
    "facebookexternalhit",
    "externalhit",
    "slurp",
    "lighthouse",
    "fetch",
    "monitor",
    "validator",
    "checker",
    "archiver",
    "scrapy",
    "google-inspectiontool",
    // Whoever names a page about itself is no browser.
    "+http",
];
/// Phones whose names hold one of these words.
const PHONES: [&str; 1] = ["cubot"];
/// Programs that fetch a page without showing it to anybody. They may call the API for somebody, but a page is for eyes.
const TOOLS: [&str; 11] = [
    "curl/",
    "wget/",
    "python-requests",
    "python-urllib",
    "python-httpx",
    "aiohttp",
    "go-http-client",
    "java/",
    "okhttp",
    "libwww-perl",
    "apache-httpclient",
];
/// Headers by which browsers say that they load a page before anybody asked for it: the standard's, and those of before it.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Whether a user agent names a crawler or a link preview.
fn is_robot(agent: &str) -> bool {
    let agent = PHONES.iter().fold(agent.to_ascii_lowercase(), |agent, phone| agent.replace(phone, ""));
    ROBOTS.iter().any(|word| agent.contains(word))
}

fn is_tool(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    TOOLS.iter().any(|word| agent.contains(word))
}

fn agent(request: &HttpRequest) -> &str {
    request.headers().get(USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

fn is_ahead(request: &HttpRequest) -> bool {
    let says = |name: &&str| {
        let text = request.headers().get(*name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let text = text.to_ascii_lowercase();
        text.contains("prefetch") || text.contains("preview") || text.contains("prerender")
    };
    PURPOSES.iter().any(says)
}

/// Whether a page is asked for by a program, or before anybody asked for it.
pub(super) fn asks_for_page(request: &HttpRequest) -> bool {
    is_ahead(request) || is_robot(agent(request)) || is_tool(agent(request))
}

/// Whether the API is called by a crawler, or before anybody asked for it.
pub(super) fn calls(request: &HttpRequest) -> bool {
    is_ahead(request) || is_robot(agent(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crawlers_previews_and_tools_are_told_by_their_names() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
            "facebookexternalhit/1.1",
        ] {
            assert!(is_robot(agent), "{agent}");
        }
        for agent in ["curl/8.5.0", "python-requests/2.32.3", "Go-http-client/1.1"] {
            assert!(is_tool(agent) && !is_robot(agent), "{agent}");
        }
        for agent in [
            "",
            // A browser without a screen: whoever drives it may be testing the whole way.
            "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 20 Build/SP1A) AppleWebKit/537.36 MicroMessenger/8.0.21 WeChat/arm64",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
        ] {
            assert!(!is_robot(agent) && !is_tool(agent), "{agent}");
        }
    }

    #[test]
    fn a_prefetch_is_told_by_its_header() {
        for (name, value) in [
            ("Purpose", "prefetch"),
            ("Sec-Purpose", "prefetch;prerender"),
            ("X-Moz", "prefetch"),
            ("x-purpose", "preview"),
        ] {
            let request = actix_web::test::TestRequest::default().insert_header((name, value)).to_http_request();
            assert!(asks_for_page(&request) && calls(&request), "{name}");
        }
        let request = actix_web::test::TestRequest::default().insert_header(("Purpose", "visit")).to_http_request();
        assert!(!asks_for_page(&request));
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "a test that finds its data by an environment variable, or says that it did not"
    )]
    fn real_user_agents_are_told_apart() {
        let Ok(folder) = std::env::var("JINQUN_REAL_DATA") else {
            eprintln!("skipped: JINQUN_REAL_DATA is not set");
            return;
        };
        let folder = std::path::Path::new(&folder).join("ua");
        let mut reader = csv::Reader::from_path(folder.join("wechat_user_agents.csv")).unwrap();
        for row in reader.records() {
            let row = row.unwrap();
            assert!(!is_robot(&row[1]) && !is_tool(&row[1]), "{}", &row[1]);
        }
        let (mut told, mut all) = (0_u32, 0_u32);
        let mut reader = csv::Reader::from_path(folder.join("bot_user_agents.csv")).unwrap();
        for row in reader.records() {
            let row = row.unwrap();
            all += 1;
            told += u32::from(is_robot(&row[2]) || is_tool(&row[2]));
        }
        assert!(told * 10 > all * 7, "{told} of {all}");
    }
}
