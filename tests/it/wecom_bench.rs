//! A double with a client of each platform, for the tests of the clients.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jinqun::platform::{ApiBase, Made, MemoryKeeper, OnCall, Patience, TokenKeeper};
use jinqun::time::{ManualClock, Timestamp};
use jinqun::wechat::{Wechat, WechatSettings};
use jinqun::wecom::client::{NewTag, NewTags, TagMark, TagTarget};
use jinqun::wecom::{Wecom, WecomSettings};

use crate::double::{self, Double};

/// With short pauses, so that tests of repeats are quick.
const PATIENCE: Patience =
    Patience { connect: Duration::from_secs(5), total: Duration::from_secs(5), pause: Duration::from_millis(2) };

/// A double with a client of each platform, all at one moment.
pub struct Bench {
    pub double: Double,
    pub clock: ManualClock,
    keeper: Arc<dyn TokenKeeper>,
    made: Arc<Mutex<Vec<Made>>>,
    pub wecom: Wecom,
    pub wechat: Wechat,
}

pub fn wecom_settings(double: &Double) -> WecomSettings {
    WecomSettings {
        corp_id: double::CORP.to_owned(),
        secret: Some(double::SECRET.to_owned()),
        agent_id: Some(double::AGENT),
        callback: None,
        api_base: ApiBase::parse(&double.url()).unwrap().or_path("/cgi-bin"),
        authorize_base: ApiBase::parse(&double.url()).unwrap(),
    }
}

fn wechat_settings(double: &Double) -> WechatSettings {
    WechatSettings {
        app_id: double::APP.to_owned(),
        secret: double::APP_SECRET.to_owned(),
        api_base: ApiBase::parse(&double.url()).unwrap(),
        authorize_base: ApiBase::parse(&double.url()).unwrap(),
    }
}

impl Bench {
    pub fn new() -> Self {
        let double = Double::start();
        let clock = ManualClock::at(Timestamp::from_unix_ms(double.now_s() * 1_000));
        let keeper: Arc<dyn TokenKeeper> = Arc::new(MemoryKeeper::default());
        let made = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&made);
        let on_call: OnCall = Arc::new(move |it| seen.lock().unwrap().push(it));
        let shared = || (Arc::new(clock.clone()), Arc::clone(&on_call));
        let (clock_one, on_call_one) = shared();
        let wecom = Wecom::new(&wecom_settings(&double), &keeper, clock_one, PATIENCE, on_call_one).unwrap();
        let (clock_two, on_call_two) = shared();
        let wechat = Wechat::new(&wechat_settings(&double), &keeper, clock_two, PATIENCE, on_call_two);
        double.add_staff("mgr_01");
        Self { double, clock, keeper, made, wecom, wechat }
    }

    pub fn advance_s(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1_000);
        self.double.advance_s(seconds);
    }

    /// Another instance of the service with the same token.
    pub fn another(&self) -> Wecom {
        self.another_with(PATIENCE)
    }

    /// The same with other time-outs.
    pub fn another_with(&self, patience: Patience) -> Wecom {
        let clock = Arc::new(self.clock.clone());
        Wecom::new(&wecom_settings(&self.double), &self.keeper, clock, patience, Arc::new(|_| {})).unwrap()
    }

    /// A client with other settings and a token of its own.
    pub fn other(&self, settings: &WecomSettings) -> Wecom {
        let keeper: Arc<dyn TokenKeeper> = Arc::new(MemoryKeeper::default());
        let clock = Arc::new(self.clock.clone());
        Wecom::new(settings, &keeper, clock, PATIENCE, Arc::new(|_| {})).unwrap()
    }

    pub fn outcomes(&self, call: &str) -> Vec<&'static str> {
        self.made.lock().unwrap().iter().filter(|it| it.call == call).map(|it| it.outcome).collect()
    }
}

pub fn mark(staff: &str, customer: &str, tag: &str) -> TagMark {
    TagMark { staff: staff.to_owned(), customer: customer.to_owned(), add: vec![tag.to_owned()], remove: Vec::new() }
}

pub fn region(name: &str) -> NewTags {
    let tags = vec![NewTag { name: name.to_owned(), order: 1 }];
    NewTags { target: TagTarget::GroupName("LBS区域".to_owned()), tags }
}
