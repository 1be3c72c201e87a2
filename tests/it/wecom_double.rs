//! The double's callbacks: what it seals the program opens, and what happens is told in the platform's words.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use jinqun::wecom::{ChatChange, Cipher, ContactChange, Event, Fields, GoneBecause, Happening, Sealed};

use crate::double::{AES_KEY, CORP, Delivery, Double, SentEvent, TOKEN};

fn happening(event: &SentEvent) -> Happening {
    Event::read(&event.xml).unwrap().happening
}

fn chat_change(event: &SentEvent) -> ChatChange {
    let Happening::Chat { chat, change } = happening(event) else { panic!("{event:?}") };
    assert_eq!(chat, "wr1");
    change
}

fn contact_change(event: &SentEvent) -> ContactChange {
    let Happening::Contact { staff, customer, change } = happening(event) else { panic!("{event:?}") };
    assert_eq!((staff.as_str(), customer.as_str()), ("mgr_01", "wm1"));
    change
}

#[test]
fn what_happens_is_told_in_the_platforms_words() {
    let double = Double::start();
    double.add_staff("mgr_01");
    let made = double.create_chat("wr1", "群", "mgr_01");
    assert!(matches!(chat_change(&made), ChatChange::Created));
    let joined = double.join_group("wr1", "wm1", 3, Some("s_1"));
    let ChatChange::Joined { .. } = chat_change(&joined) else { panic!("{joined:?}") };
    assert!(joined.xml.contains("<JoinScene>3</JoinScene>") && !joined.xml.contains("s_1"), "{}", joined.xml);
    assert!(matches!(chat_change(&double.leave_group("wr1", "wm1")), ChatChange::Left { .. }));
    assert!(matches!(chat_change(&double.rename_group("wr1", "新群")), ChatChange::Described));
    assert!(matches!(chat_change(&double.dismiss("wr1")), ChatChange::Dismissed));
    let added = double.add_friend("mgr_01", "wm1", Some("s_1"));
    assert!(matches!(contact_change(&added), ContactChange::Added { .. }));
    assert!(added.xml.contains(&format!("<WelcomeCode><![CDATA[{}]]>", added.welcome_code.as_ref().unwrap())));
    assert!(matches!(contact_change(&double.edit_friend("mgr_01", "wm1")), ContactChange::Edited));
    let left = double.delete_follow("mgr_01", "wm1");
    assert!(matches!(contact_change(&left), ContactChange::Gone(GoneBecause::CustomerRemoved)));
    double.add_half_friend("mgr_01", "wm1", None);
    let removed = double.delete_friend("mgr_01", "wm1");
    assert!(matches!(contact_change(&removed), ContactChange::Gone(GoneBecause::StaffRemoved)));
    assert!(matches!(happening(&double.change_tag("delete", "et1")), Happening::Tag));
}

#[test]
fn events_can_be_held_back_and_sent_twice_in_any_order() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let double = Double::start();
    double.callback_to(format!("http://{}/wecom/callback", listener.local_addr().unwrap()));
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut reader = BufReader::new(connection.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(':') else { break };
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            tell.send((first, String::from_utf8(body).unwrap())).unwrap();
        }
    });
    let received = || {
        let (first, body) = told.recv().unwrap();
        let query = first.split(['?', ' ']).nth(2).unwrap().to_owned();
        let of =
            |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(it, _)| it == name).unwrap().1.into_owned();
        let envelope = Fields::read(&body).unwrap();
        let (signature, timestamp, nonce) = (of("msg_signature"), of("timestamp"), of("nonce"));
        let encrypt = envelope.text("Encrypt");
        let sealed = Sealed { signature: &signature, timestamp: &timestamp, nonce: &nonce, encrypt };
        Cipher::new(TOKEN, AES_KEY, CORP).unwrap().open(sealed).unwrap()
    };
    double.add_staff("mgr_01");
    double.deliver(Delivery::Lost);
    double.add_friend("mgr_01", "wm0", None);
    double.deliver(Delivery::Held);
    double.add_friend("mgr_01", "wm1", None);
    double.add_friend("mgr_01", "wm2", None);
    let [one, two] = double.take_held().try_into().unwrap();
    assert_eq!([double.send(&two), double.send(&one), double.send(&two)], [200, 200, 200]);
    assert_eq!([received(), received(), received()], [two.xml.clone(), one.xml, two.xml]);
    double.deliver(Delivery::Now);
    let now = double.add_friend("mgr_01", "wm3", Some("状态"));
    assert_eq!((now.status, received()), (Some(200), now.xml));
}
