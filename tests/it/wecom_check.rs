//! `jinqun check` over the double: what it says when all is well, and about each thing that is not.

use tempfile::TempDir;

use crate::double::{Double, Fault};
use crate::process::jinqun;

/// What `jinqun check` says, and its exit code.
fn check(double: &Double, more: &[(&str, &str)]) -> (String, Option<i32>) {
    let folder = TempDir::new().unwrap();
    let mut command = jinqun(folder.path());
    command.args(["check"]).envs(double.environment()).env("JINQUN_PUBLIC_URL", "https://join.example.com");
    let output = command.envs(more.iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("double-wecom-secret") && !said.contains("corp-token-"), "{said}");
    (said, output.status.code())
}

#[test]
fn what_is_well_is_said_and_what_is_not_is_named_with_its_remedy() {
    let double = Double::start();
    let (said, code) = check(&double, &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("WeCom: no member may contact customers"), "{said}");
    double.add_staff("mgr_01");
    let (said, _) = check(&double, &[]);
    assert!(said.contains("WeCom: a token was given; 1 members may contact customers"), "{said}");
    assert!(said.contains("the callback's address is https://join.example.com/wecom/callback"), "{said}");
    assert!(said.contains("WeChat: a token was given") && !said.contains("FINDING  WeC"), "{said}");
    let (said, _) = check(&double, &[("JINQUN_WECOM_SECRET", "another-secret"), ("JINQUN_WECHAT_SECRET", "another")]);
    assert!(said.contains("FINDING  WeCom: gettoken: the platform refuses with error 40001"), "{said}");
    assert!(said.contains("Compare wecom.corp_id and wecom.secret"), "{said}");
    assert!(said.contains("FINDING  WeChat: stable_token: the platform refuses with error 40001"), "{said}");
    double.trust(false);
    let (said, _) = check(&double, &[]);
    assert!(said.contains("error 60020 (we come from 203.0.113.7)") && said.contains("trusted IPs"), "{said}");
    assert_eq!(said.matches("60020").count(), 1, "{said}");
    double.trust(true);
    double.forbid("/externalcontact/groupchat/list");
    double.forbid("/externalcontact/get_corp_tag_list");
    let (said, _) = check(&double, &[]);
    assert_eq!(said.matches("error 48002").count(), 1, "{said}");
    assert!(said.contains("apps that may call the interface"), "{said}");
    double.fail_always("/gettoken", Fault::Drop);
    let (said, _) = check(&double, &[]);
    assert!(said.contains("WeCom: gettoken: the platform cannot be reached: no connection"), "{said}");
}

#[test]
fn a_missing_callback_is_a_finding() {
    let double = Double::start();
    double.add_staff("mgr_01");
    let (said, _) = check(&double, &[("JINQUN_WECOM_TOKEN", ""), ("JINQUN_WECOM_AES_KEY", "")]);
    assert!(said.contains("FINDING  WeCom: there is no callback"), "{said}");
}
