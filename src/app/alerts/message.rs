//! A message about alerts: for a group robot of `WeCom`, and as plain JSON. Both are bounded.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::words::{kind_name, what_to_do};
use super::{Alert, AlertKind};
use crate::webhook::WebhookFormat;

/// The longest text of a robot's message, in bytes (`WeCom` developer documentation, group robots: 4,096).
const MARKDOWN_BYTES_MAX: usize = 4_096;
/// Alerts in one JSON message.
const JSON_ALERTS_MAX: usize = 200;
/// Room for the line that says how many more there are, in bytes.
const MORE_BYTES: usize = 160;

/// What there is to tell.
#[derive(Debug, Default)]
pub(super) struct News<'a> {
    /// Nobody was told of these.
    pub(super) new: Vec<&'a Alert>,
    /// These were told long ago and are still there.
    pub(super) still: Vec<&'a Alert>,
    /// These causes are gone: their ids, and what was said of them.
    pub(super) gone: Vec<(String, String)>,
    /// How many there are that are not listed.
    pub(super) unlisted: usize,
}

impl News<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.still.is_empty() && self.gone.is_empty()
    }

    /// The message as a webhook wants it. `public_url` is where the pages are.
    pub(super) fn body(&self, format: WebhookFormat, public_url: &str) -> String {
        match format {
            WebhookFormat::Wecom => {
                let content = self.markdown(public_url);
                json!({"msgtype": "markdown", "markdown": {"content": content}}).to_string()
            }
            WebhookFormat::Json => self.json(public_url).to_string(),
        }
    }

    fn markdown(&self, public_url: &str) -> String {
        let mut parts = Vec::new();
        for (count, what) in
            [(self.new.len(), "件新问题"), (self.still.len(), "件还没处理"), (self.gone.len(), "件已解决")]
        {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let mut text = format!("**近群提醒**:{}\n", parts.join(","));
        let mut left = self.new.len() + self.still.len() + self.gone.len();
        let mut last = None;
        let alerts = self.new.iter().map(|it| (*it, "")).chain(self.still.iter().map(|it| (*it, "(仍未处理)")));
        let mut lines = Vec::new();
        for (alert, mark) in alerts {
            let mut line = String::new();
            if last.replace((alert.kind, mark)) != Some((alert.kind, mark)) {
                line = head(alert.kind, mark);
            }
            // Writing to a String cannot fail.
            let _ = writeln!(line, "> {} [处理]({public_url}{})", plain(&alert.said.zh), alert.link);
            lines.push(line);
        }
        if !self.gone.is_empty() {
            lines.push("**<font color=\"info\">已解决</font>**\n".to_owned());
        }
        lines.extend(self.gone.iter().map(|(_, said)| format!("> {}\n", plain(said))));
        for line in lines {
            if text.len() + line.len() + MORE_BYTES > MARKDOWN_BYTES_MAX {
                break;
            }
            left -= line.matches("\n> ").count() + usize::from(line.starts_with("> "));
            text.push_str(&line);
        }
        let more = left + self.unlisted;
        if more > 0 {
            let _ = writeln!(text, "还有 {more} 条,[全部看]({public_url}/admin/alerts)");
        }
        text
    }

    fn json(&self, public_url: &str) -> Value {
        let alert = |state: &'static str| {
            move |it: &&Alert| {
                json!({
                    "state": state,
                    "cause": it.cause,
                    "kind": it.kind.as_str(),
                    "severity": it.kind.severity(),
                    "since": it.since.map(|it| it.to_string()),
                    "title": {"zh": it.said.zh, "en": it.said.en},
                    "todo": what_to_do(it.kind),
                    "url": format!("{public_url}{}", it.link),
                })
            }
        };
        let gone = self.gone.iter().map(|(cause, said)| {
            let kind = cause.split(':').next().unwrap_or_default();
            json!({"state": "resolved", "cause": cause, "kind": kind, "title": {"zh": said}})
        });
        let alerts = self.new.iter().map(alert("new")).chain(self.still.iter().map(alert("reminder")));
        let listed: Vec<Value> = alerts.chain(gone).take(JSON_ALERTS_MAX).collect();
        let all = self.new.len() + self.still.len() + self.gone.len() + self.unlisted;
        json!({"source": "jinqun", "url": public_url, "more": all - listed.len(), "alerts": listed})
    }
}

/// The heading of a kind.
fn head(kind: AlertKind, mark: &str) -> String {
    let colour = if kind.severity() == "now" { "warning" } else { "comment" };
    format!("**<font color=\"{colour}\">{}</font>**{mark}\n", kind_name(kind).zh)
}

/// A text without what markdown or markup would take for more: names come from sheets.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|it| !it.is_control())
        .map(|it| match it {
            '<' => '〈',
            '>' => '〉',
            '[' => '〔',
            ']' => '〕',
            '*' | '`' | '#' | '\\' | '_' => ' ',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::words::both;
    use super::*;

    fn alert(place: usize, name: &str) -> Alert {
        Alert {
            cause: format!("store_without_code:{place}"),
            kind: AlertKind::StoreWithoutCode,
            since: None,
            said: both(format!("{name}没有可用的码"), name),
            link: "/admin/groups?store=1".to_owned(),
        }
    }

    #[test]
    fn a_robot_is_never_given_more_than_it_takes() {
        let alerts: Vec<Alert> = (0..200).map(|it| alert(it, &"很长的门店名".repeat(6))).collect();
        let news = News { new: alerts.iter().collect(), unlisted: 1_000, ..News::default() };
        let text = news.markdown("https://join.example.com");
        assert!(text.len() <= MARKDOWN_BYTES_MAX, "{}", text.len());
        let told = text.matches("\n> ").count();
        assert!(told > 10 && text.contains(&format!("还有 {} 条", 1_200 - told)), "{text}");
    }

    #[test]
    fn a_name_from_a_sheet_is_no_link_and_no_markup() {
        let alerts = [alert(1, "[点我](https://evil.example)<font color=\"info\">**店")];
        let news = News { new: alerts.iter().collect(), ..News::default() };
        let text = news.markdown("https://join.example.com");
        assert_eq!(text.matches("](").count(), 1, "{text}");
        assert!(text.contains("〔点我〕(https://evil.example)〈font color=\"info\"〉  店"), "{text}");
    }
}
