use std::collections::BTreeMap;

use super::*;

fn load(toml: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jinqun.toml");
    std::fs::write(&file, toml).unwrap();
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let flags: Flags = flags.iter().map(|(a, b)| (*a, (*b).to_owned())).collect();
    Config::from_gathered(&gather::gather(Some(&file), &environment, &flags)?)
}

fn errors(toml: &str, environment: &[(&str, &str)]) -> String {
    load(toml, environment, &[]).unwrap_err().to_string()
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let file = "listen = \"127.0.0.1:1\"\n[routing]\nreach_m = 10000\n";
    let config = load(file, &[], &[]).unwrap();
    assert_eq!(config.listen.port(), 1);
    assert!((config.routing.reach_m - 10_000.0).abs() < 1e-9);
    let variables = [("JINQUN_LISTEN", "127.0.0.1:2"), ("JINQUN_IP_DATABASES", "a.mmdb, b.xdb")];
    let config = load(file, &variables, &[]).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.ip_databases, [PathBuf::from("a.mmdb"), PathBuf::from("b.xdb")]);
    assert_eq!(load(file, &variables, &[("listen", "127.0.0.1:3")]).unwrap().listen.port(), 3);
}

#[test]
fn an_unknown_key_names_the_nearest_right_one() {
    assert!(errors("lisen = \"127.0.0.1:1\"", &[]).contains("there is no setting lisen; did you mean listen?"));
    assert!(
        errors("[routing]\nreach = 5", &[])
            .contains("there is no setting routing.reach; did you mean routing.reach_m?")
    );
    assert!(errors("[lists]\nx = 1", &[]).contains("there is no setting lists"));
}

#[test]
fn a_misspelt_variable_names_the_nearest_right_one() {
    let all = errors("", &[("JINQUN_LISTN", "127.0.0.1:1")]);
    assert!(all.contains("there is no setting for the variable JINQUN_LISTN; did you mean JINQUN_LISTEN?"), "{all}");
}

#[test]
fn a_public_address_has_no_path_because_pages_stand_at_the_root() {
    assert!(errors("public_url = \"https://shop.example.com/join\"", &[]).contains("public_url "));
    let config = load("public_url = \"https://shop.example.com/\"", &[], &[]).unwrap();
    assert_eq!(config.public_url.as_deref(), Some("https://shop.example.com"));
}

#[test]
fn every_wrong_value_is_named_at_once() {
    let all = errors(
        "listen = \"here\"\nworkers = 0\nstorage = \"redis\"\npublic_url = \"join.example.com\"\ntls_cert = \"a\"\n",
        &[
            ("JINQUN_TRUSTED_PROXIES", "10.0.0.0/8,nowhere"),
            ("JINQUN_ROUTING_REACH_M", "far"),
            ("JINQUN_TIME_ZONE", "Mars"),
        ],
    );
    for name in [
        "listen ",
        "workers ",
        "storage ",
        "public_url ",
        "tls_key ",
        "trusted_proxies ",
        "routing.reach_m ",
        "time_zone ",
    ] {
        assert!(all.contains(&format!("- {name}")), "{name} in {all}");
    }
    assert!(all.contains("(environment JINQUN_TIME_ZONE)"), "{all}");
}

#[test]
fn a_secret_comes_from_a_file_and_does_not_print() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    let config = load("", &[("JINQUN_SECRET_FILE", path.to_str().unwrap())], &[]).unwrap();
    assert_eq!(config.secret.as_ref().unwrap().reveal(), "0123456789abcdef");
    let shown: Vec<_> = config.shown().map(|(name, value, origin)| format!("{name} = {value} {origin}")).collect();
    assert!(!format!("{shown:?} {config:?}").contains("0123456789abcdef"));
    assert!(shown.iter().any(|it| it.starts_with("secret = \"***\" contents of ")));
}

#[test]
fn redis_may_be_given_as_a_file_and_its_password_does_not_print() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storage");
    std::fs::write(&path, "rediss://shop:hush%21@cache.example.com:6380\n").unwrap();
    let variables = [("JINQUN_STORAGE_FILE", path.to_str().unwrap()), ("JINQUN_STORAGE_CA", "ca.pem")];
    let config = load("", &variables, &[]).unwrap();
    let StorageAt::Redis(at) = &config.storage else {
        panic!("Redis was meant");
    };
    assert_eq!((at.password.as_deref(), at.ca.as_deref()), (Some("hush!"), Some(Path::new("ca.pem"))));
    let shown: Vec<_> = config.shown().map(|(name, value, _)| format!("{name} = {value}")).collect();
    assert!(shown.contains(&"storage = \"rediss://shop:***@cache.example.com:6380\"".to_owned()), "{shown:?}");
    assert!(!format!("{config:?}{shown:?}").contains("hush"));
}

#[test]
fn a_wrong_storage_is_named_without_its_password() {
    for text in ["redis://shop:hush@", "redis+cluster://:hush@a/7", "hush@host:6379", "mysql:hush"] {
        let all = errors(&format!("storage = \"{text}\""), &[]);
        assert!(all.contains("- storage ") && !all.contains("hush"), "{all}");
    }
    let all = errors("storage = \"redis://a\"\nstorage_ca = \"ca.pem\"", &[]);
    assert!(all.contains("- storage_ca is set, and storage does not speak TLS"), "{all}");
}

#[test]
fn the_example_file_is_in_step_and_loads() {
    let example = include_str!("../../deploy/config.example.toml");
    assert_eq!(example, super::example(), "write it again with `jinqun config --example`");
    let switched_on = example
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|it| it.contains(" = ") && !it.ends_with("\"\"") && !it.ends_with("= 0"))
                .unwrap_or(line)
        })
        .collect::<Vec<_>>()
        .join("\n");
    load(&switched_on, &[], &[]).unwrap();
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[test]
fn the_platforms_are_off_until_somebody_names_an_account() {
    let config = load("", &[], &[]).unwrap();
    assert!(config.wecom.is_none() && config.wechat.is_none());
    let variables = [
        ("JINQUN_WECOM_CORP_ID", "ww1234567890abcdef"),
        ("JINQUN_WECOM_SECRET", "quiet-secret"),
        ("JINQUN_WECOM_TOKEN", "LbsRouteToken2024"),
        ("JINQUN_WECOM_AES_KEY", KEY),
        ("JINQUN_WECHAT_APP_ID", "wx00"),
        ("JINQUN_WECHAT_SECRET", "hushed-secret"),
    ];
    let config = load("", &variables, &[]).unwrap();
    let (wecom, wechat) = (config.wecom.as_ref().unwrap(), config.wechat.as_ref().unwrap());
    assert_eq!(wecom.api_base.as_str(), "https://qyapi.weixin.qq.com/cgi-bin");
    assert_eq!(wechat.api_base.as_str(), "https://api.weixin.qq.com");
    assert_eq!(wechat.authorize_base.as_str(), "https://open.weixin.qq.com");
    assert_eq!(wecom.callback.as_ref().unwrap().receive_id, "ww1234567890abcdef");
    let shown: Vec<_> = config.shown().map(|(name, value, _)| format!("{name} = {value}")).collect();
    for secret in ["quiet-secret", "hushed-secret", "LbsRouteToken2024", KEY] {
        assert!(!format!("{shown:?} {config:?}").contains(secret), "{secret}");
    }
}

#[test]
fn a_secret_of_a_platform_comes_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "from-a-file\n").unwrap();
    let variables = [("JINQUN_WECOM_CORP_ID", "ww1"), ("JINQUN_WECOM_SECRET_FILE", path.to_str().unwrap())];
    let config = load("[wecom]\napi_base = \"http://127.0.0.1:81\"\nagent_id = 1000002", &variables, &[]).unwrap();
    let wecom = config.wecom.unwrap();
    assert_eq!((wecom.secret.as_deref(), wecom.agent_id), (Some("from-a-file"), Some(1_000_002)));
    assert_eq!(wecom.api_base.as_str(), "http://127.0.0.1:81/cgi-bin");
    assert!(wecom.callback.is_none());
}

#[test]
fn half_a_platform_names_what_is_missing() {
    let cases = [
        (r#"wecom.corp_id = "ww1""#, "wecom.secret is missing, and wecom.corp_id is set"),
        (r#"wecom.secret = "s""#, "wecom.corp_id is missing, and wecom.secret is set"),
        ("wecom.corp_id = \"ww1\"\nwecom.token = \"t\"", "wecom.aes_key is missing, and wecom.token is set"),
        (
            "wecom.corp_id = \"ww1\"\nwecom.secret = \"s\"\nwecom.receive_id = \"r\"",
            "wecom.token is missing, and wecom.receive_id",
        ),
        (r#"wecom.aes_key = "short""#, "wecom.aes_key is not an EncodingAESKey: 43 letters and digits"),
        (r#"wecom.token = "a-b""#, "wecom.token is not up to 32 letters and digits"),
        ("wecom.agent_id = 7", "wecom.corp_id is missing, and wecom.agent_id is set"),
        (r#"wechat.app_id = "wx1""#, "wechat.secret is missing, and wechat.app_id is set"),
        (r#"wechat.secret = "s""#, "wechat.app_id is missing, and wechat.secret is set"),
        (r#"wecom.api_base = "http://qyapi.weixin.qq.com""#, "wecom.api_base is not an https:// address"),
        (r#"wechat.authorize_base = "x""#, "wechat.authorize_base is not an https:// address"),
    ];
    for (file, finding) in cases {
        let all = errors(file, &[]);
        assert!(all.contains(&format!("- {finding}")), "{file}: {all}");
    }
}
