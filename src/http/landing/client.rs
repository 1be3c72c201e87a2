//! Which program shows the page, as far as its user agent tells.
//!
//! A hint for the words on the page only: never a reason to allow or refuse anything.

/// The program that shows the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// WeChat on a phone: a long press on the join code works.
    WeChat,
    /// The WeCom program of an employee; customers join with WeChat.
    WeComApp,
    /// A web view in a mini program, where a long press works in recent versions only.
    MiniProgram,
    /// WeChat on a computer: no position, and the code is scanned with the phone.
    WeChatDesktop,
    /// Another browser on a phone, which cannot scan its own screen.
    OtherPhone,
    /// Another browser on a computer.
    Desktop,
}

/// Words in the user agents of WeChat for computers.
const WECHAT_DESKTOP: [&str; 2] = ["windowswechat", "macwechat"];
/// Words in the user agents of phones and tablets.
const HANDHELD: [&str; 6] = ["mobile", "android", "iphone", "ipad", "openharmony", "harmonyos"];

impl ClientKind {
    /// Reads a `User-Agent`. The order of the questions matters: WeCom also calls itself WeChat.
    #[must_use]
    pub fn from_user_agent(user_agent: &str) -> Self {
        let agent = user_agent.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        if names(&["wxwork"]) {
            Self::WeComApp
        } else if names(&["micromessenger"]) {
            // WeChat on a computer names a mini program's environment for every page; what counts is the computer.
            if names(&WECHAT_DESKTOP) {
                Self::WeChatDesktop
            } else if names(&["miniprogram"]) {
                Self::MiniProgram
            } else {
                Self::WeChat
            }
        } else if names(&HANDHELD) {
            Self::OtherPhone
        } else {
            Self::Desktop
        }
    }

    /// The word for it in the page's `data-client`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WeChat => "wechat",
            Self::WeComApp => "wecom",
            Self::MiniProgram => "mini-program",
            Self::WeChatDesktop => "wechat-desktop",
            Self::OtherPhone => "other-phone",
            Self::Desktop => "desktop",
        }
    }

    /// Whether asking for the position can lead anywhere.
    #[must_use]
    pub fn can_give_position(self) -> bool {
        self != Self::WeChatDesktop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPHONE: &str =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

    fn kind(base: &str, rest: &str) -> ClientKind {
        ClientKind::from_user_agent(&format!("{base} {rest}"))
    }

    #[test]
    fn wecom_is_known_although_it_calls_itself_wechat() {
        assert_eq!(kind(IPHONE, "Mobile/14C92 wxwork/2.4.2 MicroMessenger/6.3.22 Language/zh"), ClientKind::WeComApp);
        assert_eq!(kind(WINDOWS, "Language/zh wxwork/4.1.10 (MicroMessenger/6.2) WindowsWechat"), ClientKind::WeComApp);
    }

    #[test]
    fn wechat_is_told_apart_by_where_it_runs() {
        assert_eq!(kind(IPHONE, "Mobile/14C92 MicroMessenger/6.5.23 NetType/WIFI Language/zh_CN"), ClientKind::WeChat);
        assert_eq!(
            kind(WINDOWS, "NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c33)"),
            ClientKind::WeChatDesktop
        );
        assert_eq!(kind(WINDOWS, "MicroMessenger/6.8.0(0x16080000) MacWechat/3.8.10"), ClientKind::WeChatDesktop);
        assert_eq!(kind(IPHONE, "MicroMessenger/8.0.31 MiniProgramEnv/android"), ClientKind::MiniProgram);
        assert_eq!(kind(IPHONE, "MicroMessenger/8.0.18 miniProgram/wx0000000000000000"), ClientKind::MiniProgram);
    }

    #[test]
    fn other_browsers_are_phones_or_computers() {
        assert_eq!(kind(IPHONE, "Version/14.0 Mobile/15E148 Safari/604.1"), ClientKind::OtherPhone);
        assert_eq!(
            ClientKind::from_user_agent("Mozilla/5.0 (Linux; Android 13; PHF110) Chrome/116.0.0.0 Safari/537.36"),
            ClientKind::OtherPhone
        );
        assert_eq!(ClientKind::from_user_agent(WINDOWS), ClientKind::Desktop);
        assert_eq!(ClientKind::from_user_agent(""), ClientKind::Desktop);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "a test that finds its data by an environment variable, or says that it did not"
    )]
    fn real_user_agents_are_what_their_collectors_say() {
        let Ok(folder) = std::env::var("JINQUN_REAL_DATA") else {
            eprintln!("skipped: JINQUN_REAL_DATA is not set");
            return;
        };
        let folder = std::path::Path::new(&folder).join("ua");
        let mut seen = 0_u32;
        let mut reader = csv::Reader::from_path(folder.join("wechat_user_agents.csv")).unwrap();
        for row in reader.records() {
            let row = row.unwrap();
            let expected: &[ClientKind] = match &row[0] {
                "wechat_android" | "wechat_ios" => &[ClientKind::WeChat],
                "wechat_desktop" | "wechat_mini_program_desktop" => &[ClientKind::WeChatDesktop],
                "wechat_mini_program" => &[ClientKind::MiniProgram],
                "wecom_desktop" | "wecom_mobile" => &[ClientKind::WeComApp],
                _ => &[ClientKind::OtherPhone, ClientKind::Desktop],
            };
            assert!(expected.contains(&ClientKind::from_user_agent(&row[1])), "{}: {}", &row[0], &row[1]);
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
        let mut reader = csv::Reader::from_path(folder.join("bot_user_agents.csv")).unwrap();
        for row in reader.records() {
            let row = row.unwrap();
            let kind = ClientKind::from_user_agent(&row[2]);
            assert!(kind != ClientKind::WeComApp || row[2].to_lowercase().contains("wxwork"), "{}", &row[2]);
        }
    }
}
