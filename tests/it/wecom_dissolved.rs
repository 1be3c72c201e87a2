//! Chats that were dissolved stay away, whoever goes on naming them; and a group without any goes on once it has another one.

use serde_json::{Value, json};

use crate::wecom_facts::Shop;

/// The chats and the status of the group, and whether customers are shown it.
fn group(shop: &Shop) -> (Value, Value, bool) {
    shop.settled();
    let it = shop.call("GET", &format!("/api/v1/admin/groups/{}", shop.group), None).expect(200).json();
    let shown = shop.app.scan(&json!({"store": "SH-0001"})).json()["join"]["id"].clone();
    (it["wecom"]["chats"].clone(), it["status"].clone(), shown == json!(shop.group))
}

fn reconcile(shop: &Shop) {
    shop.advance_ms(1_000);
    shop.call("POST", "/api/v1/admin/wecom/reconcile", None).expect(202);
}

#[test]
fn dissolved_chats_never_come_back_and_another_chat_lets_the_group_go_on() {
    let shop = Shop::open();
    shop.double.add_chat("wr2", "人民广场二群", "mgr_01");
    let way = shop.way(&["wr1", "wr2"]);
    shop.known("groups", "SH-0001", &json!({"chats": ["wr1", "wr2"], "staff": ["mgr_01"], "way": way}));
    shop.double.dismiss("wr1");
    assert_eq!(group(&shop), (json!(["wr2"]), json!("active"), true));
    // The way goes on naming it.
    assert_eq!(shop.double.join_ways()[0]["chat_id_list"], json!(["wr1", "wr2"]));
    reconcile(&shop);
    assert_eq!(group(&shop), (json!(["wr2"]), json!("active"), true));
    shop.double.dismiss("wr2");
    assert_eq!(group(&shop), (json!(["wr2"]), json!("paused"), false));
    reconcile(&shop);
    assert_eq!(group(&shop), (json!(["wr2"]), json!("paused"), false));
    // Somebody names a dead chat beside it by hand: that is no way back.
    let dead = json!({"chats": ["wr1", "wr2"], "staff": ["mgr_01"], "way": way});
    set(&shop, &dead, "active");
    reconcile(&shop);
    assert_eq!((group(&shop).1, group(&shop).2), (json!("paused"), false));
    let (chat, _) = shop.double.join_by_way(&way, "wm1").unwrap();
    assert_eq!(group(&shop), (json!([chat]), json!("active"), true));
    // What a person paused goes on when a person says so.
    set(&shop, &json!({"chats": [chat], "staff": ["mgr_01"], "way": way}), "paused");
    shop.double.dismiss(&chat);
    let (other, _) = shop.double.join_by_way(&way, "wm2").unwrap();
    assert_eq!(group(&shop), (json!([other]), json!("paused"), false));
}

fn set(shop: &Shop, wecom: &Value, status: &str) {
    let path = format!("/api/v1/admin/groups/{}", shop.group);
    let read = shop.call("GET", &path, None).expect(200).json();
    let body = json!({
        "owner": read["owner"], "name": read["name"], "url": read["url"], "expires_at": read["expires_at"],
        "capacity": read["capacity"], "status": status, "wecom": wecom,
    });
    shop.call("PUT", &path, Some(&body)).expect(200);
}
