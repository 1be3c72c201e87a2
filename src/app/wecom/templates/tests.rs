use super::*;
use crate::catalog::{Catalog, Entries};
use crate::store::Store;

fn template(text: &str) -> Template {
    serde_json::from_value(serde_json::json!({ "name": "n", "text": text })).unwrap()
}

fn known() -> Known {
    Known {
        campaign: ("default".to_owned(), "近群".to_owned()),
        store: "SH-1".to_owned(),
        store_name: "人民广场店".to_owned(),
        group: Some(KnownGroup {
            name: "福利群".to_owned(),
            page: "https://join.example.com/s/default?store=SH-1".to_owned(),
            code: "https://work.weixin.qq.com/gm/1".to_owned(),
        }),
        coupon: "https://c.example.com/sh1".to_owned(),
        standing: Some(Standing::New),
        ..Known::default()
    }
}

fn chosen(templates: &[(&str, Template)], known: &Known) -> String {
    let kept: Vec<Kept> =
        templates.iter().map(|(id, it)| Kept { id: (*id).to_owned(), template: it.clone() }).collect();
    let found = verdicts(&kept, known).into_iter().find(|(_, it)| it.is_ok());
    found.map(|(it, _)| it.id.clone()).unwrap_or_default()
}

#[test]
fn the_most_special_template_wins() {
    let with = |change: &dyn Fn(&mut Template)| {
        let mut it = template("x");
        change(&mut it);
        it
    };
    let all = [
        ("everybody", template("x")),
        ("new", with(&|it| it.standing = Some(Standing::New))),
        ("campaign", with(&|it| it.campaign = Some("default".to_owned()))),
        ("member", with(&|it| it.membership = Some(Membership::Registered))),
        ("gold", with(&|it| it.segment = Some("gold".to_owned()))),
        ("store", with(&|it| it.store = Some("SH-1".to_owned()))),
        ("other", with(&|it| it.store = Some("SH-2".to_owned()))),
    ];
    assert_eq!(chosen(&all, &known()), "store");
    let elsewhere = Known { store: "SH-3".to_owned(), ..known() };
    assert_eq!(chosen(&all, &elsewhere), "campaign");
    let spring = Known { campaign: ("spring".to_owned(), String::new()), ..elsewhere };
    assert_eq!(chosen(&all, &spring), "new");
    assert_eq!(chosen(&all, &Known { membership: Some(Membership::Registered), ..spring.clone() }), "member");
    assert_eq!(chosen(&all, &Known { segment: Some("gold".to_owned()), ..spring.clone() }), "gold");
    assert_eq!(chosen(&all, &Known { standing: None, ..spring }), "everybody");
}

#[test]
fn a_template_that_speaks_of_what_is_not_known_gives_way() {
    let all = [("a", template("领券 {coupon}")), ("b", template("你好"))];
    assert_eq!(chosen(&all, &known()), "a");
    assert_eq!(chosen(&all, &Known { coupon: String::new(), ..known() }), "b");
    let mut grouped = template("进群");
    grouped.attachments =
        vec![Attachment::Group { form: GroupForm::Picture, title: String::new(), description: String::new() }];
    assert_eq!(grouped.greet(&Known { group: None, ..known() }), Err(Unfit::Lacks(Word::Group)));
    assert_eq!(grouped.greet(&known()).unwrap().parts, vec![Part::Image(PictureFrom::Code)]);
}

#[test]
fn a_kind_of_customer_has_another_coupon_than_the_store() {
    let mut it = template("{coupon}");
    assert_eq!(it.greet(&known()).unwrap().text, "https://c.example.com/sh1");
    it.coupon_url = Some("https://c.example.com/gold?s={store_id}".to_owned());
    assert_eq!(it.greet(&known()).unwrap().text, "https://c.example.com/gold?s=SH-1");
}

#[test]
fn titles_are_cut_between_characters_and_a_text_that_became_too_long_is_not_sent() {
    let mut it = template("");
    it.attachments = vec![Attachment::Coupon { title: "{store}".to_owned(), description: String::new() }];
    let long = Known { store_name: "店".repeat(50), ..known() };
    let greeting = it.greet(&long).unwrap();
    assert_eq!(
        greeting.parts,
        vec![Part::Link {
            title: "店".repeat(42),
            description: String::new(),
            url: "https://c.example.com/sh1".to_owned()
        }]
    );
    let filling = template(&"{store}".repeat(100));
    assert_eq!(filling.greet(&Known { store_name: "店".repeat(14), ..known() }), Err(Unfit::TooLong));
}

#[test]
fn every_flaw_is_named_by_its_field() {
    let catalog =
        Catalog::build(1, Entries { stores: vec![Store::sample("SH-1", 31.2, 121.4)], ..Entries::default() }).unwrap();
    let json = serde_json::json!({
        "name": " ", "store": "SH-9", "campaign": "none", "text": "{stroe}", "segment": "",
        "coupon_url": "javascript:alert(1)",
        "attachments": [
            { "type": "link", "title": "店".repeat(43), "url": "http://a.example.com" },
            { "type": "miniprogram", "title": "t", "app_id": "gh_1", "page": "" },
            { "type": "link", "title": "t", "url": "https://a.example.com\"><script>" },
        ],
    });
    let template: Template = serde_json::from_value(json).unwrap();
    let flaws: Vec<_> = template.flaws(&catalog).into_iter().map(|it| format!("{} {}", it.field, it.code)).collect();
    assert_eq!(
        flaws,
        [
            "name missing",
            "store unknown_store",
            "campaign unknown_campaign",
            "segment invalid",
            "text unknown_placeholder",
            "coupon_url not_https",
            "attachments[0].title too_long",
            "attachments[0].url not_https",
            "attachments[1].page missing",
            "attachments[1].app_id invalid",
            "attachments[2].url not_https",
        ]
    );
    let good = serde_json::json!({
        "name": "n", "store": "SH-1", "campaign": "default", "text": "{门店}",
        "coupon_url": "https://c.example.com/?s={门店编号}",
        "attachments": [{ "type": "group" }],
    });
    let good: Template = serde_json::from_value(good).unwrap();
    assert_eq!(good.flaws(&catalog), []);
}
