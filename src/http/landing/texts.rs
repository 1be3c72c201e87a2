//! Every word of the landing pages, in Chinese and English side by side.
//!
//! `{}` marks a place that [`fill`] fills. The script gets its words from here too, as attributes.

/// A language of the landing pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// Chinese in simplified characters.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Reads an `Accept-Language`: English only if it is wanted more than Chinese, else Chinese.
    ///
    /// Weights as in RFC 9110, section 12.5.4; of equal weights the earlier wins.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        let mut best: Option<(f64, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let lang = match tag.split(['-', '_']).next() {
                Some("zh") => Self::Zh,
                Some("en") => Self::En,
                _ => continue,
            };
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(Some(1.0), |q| q.trim().parse::<f64>().ok())
                .filter(|q| *q > 0.0 && *q <= 1.0);
            if let Some(weight) = weight
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::Zh, |(_, lang)| lang)
    }

    /// The words of this language.
    #[must_use]
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::Zh => &Texts::ZH,
            Self::En => &Texts::EN,
        }
    }
}

/// Puts the parts into the places marked `{}`, in order; what the parts hold is never read again.
#[must_use]
pub fn fill(template: &str, parts: &[&str]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut parts = parts.iter();
    for (at, piece) in template.split("{}").enumerate() {
        if at > 0 {
            filled.push_str(parts.next().unwrap_or(&""));
        }
        filled.push_str(piece);
    }
    filled
}

/// One line a text: name, where it is used, Chinese, English.
macro_rules! texts {
    ($($name:ident: $doc:literal, $zh:literal, $en:literal;)*) => {
        /// The words of one language.
        #[derive(Debug)]
        pub struct Texts {
            /// Which language this is.
            pub lang: Lang,
            $(#[doc = $doc] pub $name: &'static str,)*
        }

        impl Texts {
            /// Chinese.
            pub const ZH: Self = Self { lang: Lang::Zh, $($name: $zh,)* };
            /// English.
            pub const EN: Self = Self { lang: Lang::En, $($name: $en,)* };

            /// Every text with its name.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

texts! {
    html_lang: "The `lang` of the document.", "zh-CN", "en";
    title: "Document title; the campaign.", "加入门店群 · {}", "Join your store · {}";
    nearest: "Above the store nearest to an exact position.", "离您最近的门店", "Your nearest store";
    likely: "Above the best of several that are too close to call.", "可能是这家门店，请核对", "Probably this store, please check";
    previous: "Above the store of the last visit.", "您上次的门店", "Your store last time";
    chosen: "Above the store the customer chose.", "您选择的门店", "The store you chose";
    by_network: "Above a store found by the IP place.", "根据网络推测的门店", "Guessed from your network";
    suggested: "Above a store that stands in for another.", "为您推荐的门店", "Suggested for you";
    near_place: "The rough place.", "您可能在{}附近", "You seem to be near {}";
    find: "Heading while no store is known.", "找到离您最近的门店", "Find your nearest store";
    which: "Heading while several stores are close.", "您在哪家门店？", "Which store are you in?";
    out_of_reach: "Heading while no store is in reach.", "您附近暂时没有门店", "No store close to you yet";
    join_brand: "Beside the campaign's own code; the campaign.", "您可以先加入{}的群聊", "Meanwhile, join the group of {}";
    join_region: "Beside a region's group; the group.", "您可以先加入{}", "Meanwhile, join {}";
    switch_group: "To the group instead of the contact.", "改为加入门店群聊", "Join the store's group instead";
    switch_contact: "To the contact instead of the group.", "改为添加店长微信", "Add the store manager instead";
    silent_title: "The heading of the switch about identity and messages.", "不关联我的身份，不用我的区域", "Do not link me or use my region";
    silent_what: "What the switch does.", "设置后，我们不再关联您的微信身份，不再把您的区域告诉企业微信，已经设置的标签会被取消；找门店和进群不受影响。", "When it is set, visits are no longer linked to your WeChat account, your region is no longer told to WeCom and tags that were set are taken back; finding stores and joining groups stay as they are.";
    silent_set: "The button that sets it.", "不要关联我，不要使用我的区域", "Do not link me or use my region";
    silent_is_set: "Said where it is set.", "已设置：不再关联您的身份，您的区域不会用于消息。", "It is set: you are not linked, and your region is not used for messages.";
    silent_unset: "The button that takes it back.", "恢复关联和使用", "Allow both again";
    silent_nobody: "In place of the switch, where nobody is known under this browser.", "想要设置，请先扫门店的二维码打开找店页面，再从那里打开本页。", "To set it, first open the page from the store's code, then come back to this page from there.";
    silent_away: "In place of the switch, where nobody knows whether it is set.", "暂时无法查看或更改这项设置，请稍后再试。", "This cannot be seen or changed right now. Please try again later.";
    silent_failed: "The wish could not be kept now.", "暂时无法保存您的选择，请稍后再试。", "Your choice could not be saved now. Please try again later.";
    form_old: "The form is an old one.", "这一页打开得太久或已失效，什么都没有改变。请在下方再试一次。", "This page was out of date, and nothing was changed. Please try once more below.";
    sign_in: "The link of a customer who wishes to be recognised.", "让店长认出我", "Let the store recognise me";
    sign_in_what: "What that means.", "（用微信身份关联这次到访，可随时在隐私页撤回）", "(links this visit to your WeChat account; undo it on the privacy page at any time)";
    about: "Before a rough distance.", "约 ", "about ";
    metres: "A distance.", "{} 米", "{} m";
    kilometres: "A distance.", "{} 公里", "{} km";
    open: "The store is open.", "营业中", "Open";
    closed: "The store is not open at this hour.", "休息中", "Closed now";
    opens_today: "When a closed store opens; the time.", "{} 开门", "opens at {}";
    opens_tomorrow: "When a closed store opens; the time.", "明天 {} 开门", "opens tomorrow at {}";
    opens_day: "When a closed store opens; day and time.", "{} 开门", "opens on {}";
    closed_join: "Behind that, where its group can be joined.", "，可先加入群聊", "; you can already join its group";
    ended: "At the top, where the campaign is over.", "本次活动已结束，您仍可加入附近门店的群聊。", "This campaign has ended. You can still join a store near you.";
    not_started: "At the top, before the campaign's start; the day.", "活动将于 {} 开始，您可以先加入附近门店的群聊。", "This campaign starts on {}. You can already join a store near you.";
    address: "Read out before the address.", "地址", "Address";
    hours: "Read out before the hours.", "营业时间", "Opening hours";
    press: "How to use the code in WeChat.", "长按识别二维码", "Press and hold the code";
    scan: "How to use the code on a computer.", "用手机微信扫一扫", "Scan with WeChat on your phone";
    save: "How to use the code in another browser of a phone.", "保存图片，用微信扫一扫", "Save the picture, scan it in WeChat";
    join_store: "What the store's code does.", "，加入本店群聊", " to join this store's group";
    join_group: "What another group's code does.", "，加入群聊", " to join the group";
    add_contact: "What a contact's code does.", "，添加店长微信", " to add the store manager";
    alt_group: "For screen readers; the group.", "{}的群聊二维码", "QR code of the group {}";
    alt_contact: "For screen readers; the contact.", "{}的微信二维码", "WeChat QR code of {}";
    open_link: "The way round a code that cannot be pressed.", "无法识别？点此打开", "No luck? Open it here";
    linked: "Below a code that tells which visit it was used from.", "（添加后，这次到访会与您的微信关联；可在隐私页关闭）", "(adding them links this visit to your WeChat account; switch it off on the privacy page)";
    expires: "The day the code stops working.", "有效期至 {}", "Valid until {}";
    not_store: "The store is a wrong one.", "不是这家店？", "Not this store?";
    choose: "To the chooser.", "自己选门店", "Choose a store";
    locate: "Asks for the position.", "使用我的位置", "Use my location";
    locate_again: "Asks for the position once more.", "重新定位", "Locate again";
    purpose: "Stated before the browser asks.", "位置仅用于查找离您最近的门店，不保存坐标。点按后手机会请您确认。", "Only used to find your nearest store; coordinates are never stored. Your phone will ask you first.";
    locating: "While the position is awaited.", "正在定位…", "Finding your position…";
    locating_slow: "After some seconds of that.", "还在定位，您也可以直接选择门店。", "Still trying. You can also choose a store.";
    searching: "While the answer is awaited.", "正在查找门店…", "Looking for your store…";
    refused: "The position was refused.", "没有使用位置也没关系，请直接选择门店。", "No problem. Please choose your store instead.";
    timeout: "The position did not come in time.", "定位超时了，请再试一次，或直接选择门店。", "That took too long. Try again, or choose a store.";
    unavailable: "The phone has no position.", "暂时无法定位，请直接选择门店。", "Your position is not available. Please choose a store.";
    insecure: "The browser gives no position here.", "当前页面无法获取位置，请直接选择门店。", "This page cannot get your position. Please choose a store.";
    imprecise: "Too coarse to decide; the radius.", "位置不够精确（误差约 {}），请选择您所在的门店。", "Only accurate to about {}. Please pick your store.";
    network: "The answer did not come.", "网络不太顺畅，请再试一次。", "The network is slow. Please try again.";
    no_picture: "The code's picture did not come.", "二维码没有加载出来，请重试。", "The code did not load. Please try again.";
    retry: "Tries again.", "重试", "Try again";
    others: "Above other stores.", "附近其他门店", "Other stores nearby";
    candidates: "Above the stores to choose from.", "附近的门店", "Stores near you";
    farther: "Above the stores beyond reach.", "较远的门店", "Stores farther away";
    all_stores: "To every store.", "查看全部门店", "All stores";
    hint_wecom: "In WeCom.", "您正在使用企业微信。请用微信扫描海报或下方二维码入群。", "You are in WeCom. Please scan the poster or the code below with WeChat.";
    hint_mini_program: "In a mini program.", "若长按没有反应，请点右上角“…”，在微信中打开本页。", "If pressing does nothing, tap the dots above and open this page in WeChat.";
    hint_wechat_desktop: "In WeChat on a computer.", "电脑微信无法定位，请选择门店，再用手机扫码入群。", "No position on a computer: choose a store, then scan with your phone.";
    hint_desktop: "In a browser on a computer.", "您正在使用电脑。请用手机微信扫描下方二维码入群。", "You are on a computer. Scan the code below with WeChat on your phone.";
    hint_other_phone: "In another browser of a phone.", "请在微信中打开本页，长按二维码即可入群。", "Open this page in WeChat to join with one long press.";
    copy: "Copies the address.", "复制链接", "Copy link";
    copied: "The address is copied.", "已复制", "Copied";
    privacy: "To the privacy notice.", "隐私说明", "Privacy";
    notice_who: "Who is responsible; the company.", "{}（下称“我们”）通过本页面为您查找门店，并邀请您加入微信群。", "{} (“we”) uses this page to find your store and to invite you to its WeChat group.";
    notice_contact: "How they are reached; the contact.", "联系我们：{}", "Contact: {}";
    notice_version: "Which notice this is; the version.", "版本 {}", "Version {}";
    notice_purpose_title: "Heading of the purposes.", "用来做什么", "What it is used for";
    notice_purpose: "The purposes.", "为您找到最近的、还能加入的群，并按天统计各门店的入群人数。只有您点按“使用我的位置”并在手机上确认后，才会使用您的位置；点按即表示您同意本说明。您也可以始终自己选择门店。", "To find the nearest group that you can still join, and to count per day how many people join at each store. Your position is used only after you tap “Use my location” and confirm on your phone; by tapping you agree to this notice. You can always choose a store yourself instead.";
    notice_not_title: "Heading of what is not kept.", "不保存什么", "What is not kept";
    notice_not: "What is not kept.", "您的坐标和网络地址只用于当次查找门店，用完即弃，不写入任何记录或日志。", "Your coordinates and your network address are used for one look-up and thrown away; they are in no record and in no log.";
    shared_title: "Heading of who else is told.", "关联什么，告诉谁", "What is linked, and who is told";
    shared_joins: "Joins are told of.", "您添加店长、进群或退群时，腾讯企业微信会告诉我们，包括您的客户编号。通过本页面添加店长，或者您的微信身份（unionid）已经与到访关联时，我们会把这次到访与您的客户身份关联。", "When you add a store manager, join or leave a group, Tencent WeCom tells us so, with your number as a customer. If you add the manager from this page, or if your WeChat account (unionid) is linked to a visit already, we link that visit to you as a customer.";
    shared_sign_in: "Customers may sign in.", "只有您点按“让店长认出我”时，腾讯的微信或企业微信才会告诉我们您的身份标识（openid、unionid 或客户编号），我们用它关联您的到访；不点按就不会。", "Only if you tap “Let the store recognise me”, Tencent's WeChat or WeCom tells us who you are (openid, unionid or your number as a customer), and we link your visits by it; otherwise not.";
    shared_regions: "Regions are told to `WeCom`.", "您是我们的企业微信客户时，我们把您所在的省市区、商圈和门店作为标签告诉腾讯企业微信，供店员给您发送本地的消息。不告诉坐标。", "If you are a customer of ours in WeCom, your province, city, district, shopping area and store are told to Tencent WeCom as tags, so that our staff can send you what is local. Coordinates are not.";
    shared_crm: "A CRM is told or asked.", "我们使用的客户管理系统（CRM）会收到您的访问、入群和退群记录及客户编号，或被询问您是否会员，用于会员服务。不含坐标。", "The customer system (CRM) that we use is told of your visits, of joining and leaving, with your number as a customer, or is asked whether you are a member, to serve members. Coordinates are not told.";
    shared_out_nobody: "How to opt out, where nobody is known under this browser.", "不想这样：请先扫门店的二维码打开找店页面，再从那里打开本页，就可以在这里关闭关联或删除您的信息。", "To opt out, first open the page from the store's code and come back to this page from there: you can then switch it off or delete your data here.";
    shared_out_away: "How to opt out, while the switch cannot be offered.", "不想这样：本页可以关闭关联，但现在暂时无法设置，请稍后再试。", "You can opt out on this page, but not right now. Please try again later.";
    shared_out: "How to opt out.", "不想这样：在本页点按“不要关联我，不要使用我的区域”，我们就不再关联您的身份，不再把区域告诉企业微信，并取消已经设置的标签；也可以在本页删除您的信息。", "To opt out, press “Do not link me or use my region” on this page: we no longer link who you are, no longer tell WeCom your region, and take back the tags that were set. You can also delete your data on this page.";
    notice_kept_title: "Heading of what is kept.", "保存什么，保存多久", "What is kept, and for how long";
    kept_visits: "Tag records; the days.", "访问记录：时间、活动、门店、所在省市区和商圈、显示的群、位置来源。保存 {} 天。", "Visits: time, campaign, store, region, the group shown, and how the place was known. {} days.";
    kept_steps: "Steps; the days.", "操作记录：是否长按二维码、拒绝定位、换店、入群或退群。保存 {} 天。", "Steps: whether you pressed the code, refused your position, chose another store, joined or left. {} days.";
    kept_consents: "Consents; the days.", "同意记录：您同意使用位置的时间和说明版本。保存 {} 天。", "Consents: when you agreed to the use of your position, and to which version. {} days.";
    kept_seats: "Seats; the days.", "群名额：向您展示过哪个群，便于您再次打开时看到同一个群。保存 {} 天。", "Seats: which group you were shown, so that you are shown the same one when you come back. {} days.";
    kept_failed: "Records that were set aside; the days.", "未能正常处理的上述记录：保存 {} 天。", "Such records that could not be processed: {} days.";
    kept_feed: "Entries of the feed and what is remembered of jobs; the days.", "待办事项：扫码、入群等事件引出的后续工作和通知。保存 {} 天。", "Work that follows from what happened, such as a scan or a join, and what is told of it. {} days.";
    kept_tallies: "Tallies; the time in words.", "统计数字：按天汇总的次数和人数，不含个人信息。{}", "Counts by day, which name nobody. {}";
    kept_days: "A time; the days.", "保存 {} 天。", "{} days.";
    kept_for_ever: "No end.", "长期保存。", "No limit.";
    notice_cookie: "What the browser keeps.", "您的浏览器里会存一个随机编号，用来记住您上次的门店（一年），并避免刷新页面时重复计数（半小时）。我们不用它跟踪您访问其他网站。", "Your browser keeps a random number, so that we know your last store again (a year) and do not count a refreshed page twice (half an hour). It does not follow you to other sites.";
    notice_rights_title: "Heading of the rights.", "您的权利", "Your rights";
    notice_rights: "The rights.", "您可以随时查询、更正或删除这些信息，也可以撤回同意：在下方删除，或与我们联系。", "You may ask what is kept, have it corrected or deleted, and take back your consent at any time: delete it below, or contact us.";
    forget_title: "Deletes everything.", "删除我的信息", "Delete my data";
    forget_what: "What deleting does.", "删除后，您在这里的访问、操作、同意记录和群名额会立即清除，无法恢复。您已加入的微信群不受影响。统计数字不含个人信息，会保留。", "Your visits, steps, consents and seats here are removed at once, for good. Groups that you have joined stay as they are. Counts name nobody and stay.";
    forget_sure: "The box to tick.", "我确认删除", "Yes, delete it";
    forget_unsure: "The box was not ticked.", "请先勾选“我确认删除”，再点按按钮。", "Please tick the box first, then press the button.";
    forget_nobody: "Nobody is known under this browser.", "这个浏览器里没有我们的编号，没有可以删除的信息。", "This browser has no number of ours, so there is nothing to delete.";
    forget_done: "How much was removed: visits, steps, consents, seats, records on their way.", "已删除：访问记录 {} 条，操作记录 {} 条，同意记录 {} 条，群名额 {} 个，处理中的记录 {} 条。统计数字不含个人信息，已保留。", "Deleted: {} visits, {} steps, {} consents, {} seats in groups and {} records on their way. Counts name nobody and stay.";
    forget_failed: "It could not be done now.", "暂时无法删除，请稍后再试。", "This could not be done now. Please try again later.";
    safe: "At the foot of the page.", "仅记录门店所在地区，不保存坐标", "We keep the region, never coordinates";
    nearest_store: "Stands for a store without a name.", "最近的门店", "the nearest store";
    this_store: "Stands for the store on the card.", "本店", "this store";
    why_full: "Reason; the store.", "{}的群已满，", "The group of {} is full; ";
    why_expired: "Reason; the store.", "{}的群码已过期，", "The code of {} has expired; ";
    why_paused: "Reason; the store.", "{}暂停加群，", "The group of {} is paused; ";
    why_closed: "Reason; the store.", "{}暂未营业，", "Right now {} is closed; ";
    why_no_join_code: "Reason; the store.", "{}还没有群码，", "So far {} has no group; ";
    why_out_of_reach: "Reason.", "附近暂时没有门店，", "No store is close to you; ";
    why_unknown_place: "Reason.", "暂时不知道您的位置，", "Your place is not known; ";
    rung_group: "The group in place of the contact.", "店长暂时不便添加，请先加入本店群聊。", "The manager cannot be added right now; this is the store's group.";
    rung_next_store_at: "What is shown instead; its distance.", "为您换成下一家最近的门店，距您 {}。", "this is the next nearest, {} away.";
    rung_next_store: "What is shown instead.", "为您换成下一家最近的门店。", "this is the next nearest store.";
    rung_contact: "What is shown instead.", "请先添加店长，由店长邀请入群。", "add the manager, who will invite you.";
    rung_region: "What is shown instead.", "请先加入本地区的群聊。", "this is the group of your region.";
    rung_campaign: "What is shown instead.", "请先加入品牌群聊。", "this is the brand's own group.";
    choose_title: "Heading of the chooser.", "选择门店", "Choose your store";
    search_label: "Label of the search box.", "门店名称、地址或拼音", "Store, address or pinyin";
    search: "Searches.", "搜索", "Search";
    provinces: "Above the provinces.", "按地区选择", "By region";
    elsewhere: "Stores that name no region.", "其他地区", "Elsewhere";
    results: "Above what was found; the words.", "“{}”的搜索结果", "Results for {}";
    near_store: "Above stores near another one.", "附近的门店", "Stores nearby";
    not_mine: "Above stores near a wrong one; its name.", "不是“{}”？请选择您所在的门店。", "Not {}? Please choose the store you are in.";
    nothing_found: "Nothing was found; the words.", "没有找到“{}”。换个词试试，或按地区选择。", "Nothing found for {}. Try other words, or choose by region.";
    nothing_here: "A list without entries.", "这里暂时没有门店，请选择其他地区。", "No stores here yet. Please choose another region.";
    count: "How many stores.", "{} 家", "{} stores";
    count_one: "One store.", "{} 家", "{} store";
    path: "Read out before the steps taken.", "当前位置", "You are here";
    everywhere: "The first of the steps.", "全部地区", "All regions";
    back: "To the landing page.", "返回", "Back";
    previous_page: "A page back.", "上一页", "Previous";
    next_page: "A page on.", "下一页", "Next";
    page_of: "Which page of how many.", "第 {} / {} 页", "Page {} of {}";
    error_title: "Heading of a problem without one.", "这一页暂时打不开", "This page did not open";
    error_way: "The way on.", "您可以直接选择门店，马上入群。", "You can choose your store and join at once.";
    reference: "For the operator; the id of the request.", "编号 {}", "Reference {}";
}

/// The texts that the script shows; `why_` and `rung_` are looked up by the words of the answer.
const FOR_SCRIPT: [&str; 62] = [
    "nearest",
    "likely",
    "previous",
    "chosen",
    "by_network",
    "suggested",
    "near_place",
    "find",
    "which",
    "out_of_reach",
    "join_brand",
    "about",
    "metres",
    "kilometres",
    "open",
    "closed",
    "opens_today",
    "opens_tomorrow",
    "opens_day",
    "closed_join",
    "join_store",
    "join_group",
    "add_contact",
    "alt_group",
    "alt_contact",
    "expires",
    "not_store",
    "choose",
    "locate",
    "locate_again",
    "locating",
    "locating_slow",
    "searching",
    "refused",
    "timeout",
    "unavailable",
    "insecure",
    "imprecise",
    "network",
    "no_picture",
    "others",
    "candidates",
    "farther",
    "copied",
    "join_region",
    "switch_group",
    "switch_contact",
    "nearest_store",
    "this_store",
    "why_full",
    "why_expired",
    "why_paused",
    "why_closed",
    "why_no_join_code",
    "why_out_of_reach",
    "why_unknown_place",
    "rung_group",
    "rung_next_store_at",
    "rung_next_store",
    "rung_contact",
    "rung_region",
    "rung_campaign",
];

impl Texts {
    /// The texts that the script shows, with the names that it knows them by.
    #[must_use]
    pub fn for_script(&self) -> Vec<(&'static str, &'static str)> {
        self.all().into_iter().filter(|(name, _)| FOR_SCRIPT.contains(name)).collect()
    }

    /// A day such as 12月1日 or 1 Dec, from a month (1 to 12) and a day.
    #[must_use]
    pub fn day(&self, month: u8, day: u8) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        match self.lang {
            Lang::Zh => format!("{month}月{day}日"),
            Lang::En => {
                let name = MONTHS.get(usize::from(month.saturating_sub(1))).unwrap_or(&"");
                format!("{day} {name}")
            }
        }
    }

    /// A distance in words: to 10 m below a kilometre, to 100 m below 10 km, else to a kilometre.
    ///
    /// A rough one is marked as such and named in whole kilometres from one kilometre on.
    #[must_use]
    pub fn distance(&self, distance_m: f64, is_rough: bool) -> String {
        let tens = (distance_m.max(10.0) / 10.0).round() * 10.0;
        let kilometres = distance_m / 1000.0;
        let text = if tens < 1000.0 {
            fill(self.metres, &[&format!("{tens:.0}")])
        } else if kilometres < 9.95 && !is_rough {
            fill(self.kilometres, &[&format!("{kilometres:.1}")])
        } else {
            fill(self.kilometres, &[&format!("{kilometres:.0}")])
        };
        if is_rough { format!("{}{text}", self.about) } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_shown_only_where_it_is_preferred() {
        for header in ["", "*", "zh-CN,zh;q=0.9,en;q=0.8", "fr", "en;q=0.5, zh;q=0.9", "en;q=0", "en;q=x", "zh_TW,en"] {
            assert_eq!(Lang::from_accept_language(header), Lang::Zh, "{header}");
        }
        for header in ["en", "en-US,en;q=0.9,zh-CN;q=0.8", "fr, EN-gb;q=0.7", "zh;q=0.2,en;q=0.3", "en, zh"] {
            assert_eq!(Lang::from_accept_language(header), Lang::En, "{header}");
        }
    }

    #[test]
    fn no_text_is_empty_and_the_languages_agree_on_the_places_to_fill() {
        for ((name, zh), (_, en)) in Texts::ZH.all().into_iter().zip(Texts::EN.all()) {
            assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{name}");
            assert_eq!(zh.matches("{}").count(), en.matches("{}").count(), "{name}");
            assert!(!en.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{name}: {en}");
            assert!(!zh.contains(',') && !zh.contains('?'), "{name} has a comma of the other script: {zh}");
        }
    }

    #[test]
    fn the_script_gets_the_texts_that_it_names() {
        assert_eq!(Texts::ZH.for_script().len(), FOR_SCRIPT.len());
        let script = include_str!("templates/landing.js");
        let mut calls = 0;
        let mut before = "";
        for piece in script.split("t('") {
            if calls > 0 && !before.ends_with(char::is_alphanumeric) {
                let name = piece.split('\'').next().unwrap();
                let is_known = |known: &&str| *known == name || name.ends_with('_') && known.starts_with(name);
                assert!(FOR_SCRIPT.iter().any(is_known), "{name}");
            }
            calls += 1;
            before = piece;
        }
        assert!(calls > 10, "{calls}");
    }

    #[test]
    fn what_fills_a_place_is_not_read_again() {
        assert_eq!(fill("{} a {} b", &["{}", "x"]), "{} a x b");
        assert_eq!(fill("{}{}", &["x"]), "x");
    }

    #[test]
    fn a_distance_is_as_exact_as_it_is_useful() {
        let zh = |m, rough| Texts::ZH.distance(m, rough);
        assert_eq!(zh(412.6, false), "410 米");
        assert_eq!(zh(412.6, true), "约 410 米");
        assert_eq!(zh(2.0, false), "10 米");
        assert_eq!(zh(996.0, false), "1.0 公里");
        assert_eq!(zh(1249.0, false), "1.2 公里");
        assert_eq!(zh(5300.0, true), "约 5 公里");
        assert_eq!(zh(12_600.0, false), "13 公里");
        assert_eq!(Texts::EN.distance(412.6, false), "410 m");
        assert_eq!(Texts::EN.distance(1249.0, true), "about 1 km");
    }

    #[test]
    fn a_day_is_written_as_the_language_does() {
        assert_eq!(Texts::ZH.day(12, 1), "12月1日");
        assert_eq!(Texts::EN.day(12, 1), "1 Dec");
        assert_eq!(Texts::EN.day(0, 1), "1 Jan");
    }
}
