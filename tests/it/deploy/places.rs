//! Addresses, ports, paths and users: each end names the other, nobody is root, and images are pinned.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::settings::{of_compose, of_image, of_kubernetes, unit};
use super::{all, files, lines, root, text, yaml};
use crate::harness::TestApp;

/// The addresses that an nginx file sends requests to.
fn upstreams(file: &str) -> Vec<String> {
    let text = text(file);
    let servers = lines(&text).filter_map(|it| it.strip_prefix("server "));
    servers.map(|it| it.split_whitespace().next().unwrap().trim_end_matches(';').to_owned()).collect()
}

#[test]
fn the_instances_of_compose_trust_the_nginx_of_compose_and_nobody_else() {
    let compose = yaml("compose.yaml");
    let services = &compose["services"];
    let address = |service: &str| services[service]["networks"]["inside"]["ipv4_address"].as_str().unwrap().to_owned();
    let subnet = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"].as_str().unwrap();
    let subnet: IpNet = subnet.parse().unwrap();
    for name in ["instance-1", "instance-2"] {
        assert_eq!(of_compose(name)["JINQUN_TRUSTED_PROXIES"], address("nginx"));
        assert!(subnet.contains(&address(name).parse::<IpAddr>().unwrap()));
        let host = format!("{name}:{}", address(name));
        assert!(services["nginx"]["extra_hosts"].as_array().unwrap().contains(&Value::from(host)));
    }
    assert!(subnet.contains(&address("nginx").parse::<IpAddr>().unwrap()));
    let expected = ["instance-1:8080", "instance-2:8080"];
    assert_eq!(upstreams("nginx/upstream.compose.conf"), expected.repeat(2), "for customers and for operators");
    let config = text("nginx/nginx.conf");
    assert!(config.contains("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"));
    assert!(config.contains("proxy_set_header Host $http_host;"), "sign-in compares Origin with it");
    for location in lines(&config).filter(|it| it.starts_with("location")) {
        assert!(!location.contains("proxy_set_header"), "{location}: one of its own would drop the others");
    }
}

#[test]
fn the_instances_of_systemd_trust_the_nginx_beside_them() {
    let file: toml::Table = text("systemd/jinqun.toml").parse().unwrap();
    assert_eq!(file["trusted_proxies"].as_array().unwrap().as_slice(), [toml::Value::from("127.0.0.1")]);
    let listen =
        unit("Environment").into_iter().find_map(|it| it.strip_prefix("JINQUN_LISTEN=").map(ToOwned::to_owned));
    let listens = [1, 2].map(|it: u8| listen.as_ref().unwrap().replace("%i", &it.to_string()));
    assert_eq!(upstreams("nginx/upstream.host.conf"), [listens.clone(), listens].concat());
}

#[test]
fn kubernetes_trusts_a_network_that_is_not_the_world() {
    let trusted: IpNet = of_kubernetes()["JINQUN_TRUSTED_PROXIES"].parse().unwrap();
    assert!(trusted.prefix_len() >= 8, "{trusted}");
}

fn port_of(listen: &str) -> u64 {
    listen.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn ports_meet() {
    let image = port_of(&of_image()["JINQUN_LISTEN"]);
    let file = text("Dockerfile");
    assert!(lines(&file).any(|it| it == format!("EXPOSE {image}")));

    let set = yaml("kubernetes/statefulset.yaml");
    assert_eq!(all(&set, "containerPort"), [&Value::from(port_of(&of_kubernetes()["JINQUN_LISTEN"]))]);
    let named = set["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"].as_str().unwrap();
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert_eq!(set["spec"]["template"]["spec"]["containers"][0][probe]["httpGet"]["port"], named, "{probe}");
    }
    for service in ["service", "service-desk", "service-headless"] {
        let service = yaml(&format!("kubernetes/{service}.yaml"));
        assert_eq!(all(&service, "targetPort"), [named]);
    }
    let port = port_of(&of_compose("instance-1")["JINQUN_LISTEN"]).to_string();
    let targets = yaml("prometheus/prometheus.yml");
    let targets = all(&targets, "targets");
    let targets = targets[0].as_array().unwrap();
    for target in
        targets.iter().map(|it| it.as_str().unwrap().to_owned()).chain(upstreams("nginx/upstream.compose.conf"))
    {
        assert_eq!(target.rsplit_once(':').unwrap().1, port, "{target}");
    }
}

#[test]
fn what_kubernetes_names_is_there() {
    let names = |key: &str| -> BTreeSet<String> {
        let documents = files().into_iter().filter(|it| it.starts_with("kubernetes/")).map(|it| yaml(&it));
        documents.filter(|it| it["kind"] == key).map(|it| it["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let services = names("Service");
    let set = yaml("kubernetes/statefulset.yaml");
    assert!(services.contains(set["spec"]["serviceName"].as_str().unwrap()));
    for backend in all(&yaml("kubernetes/ingress.yaml"), "service") {
        assert!(services.contains(backend["name"].as_str().unwrap()), "{backend}");
    }
    for config in all(&set, "configMapRef") {
        assert!(names("ConfigMap").contains(config["name"].as_str().unwrap()), "{config}");
    }
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&yaml("kubernetes/disruption-budget.yaml")["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&yaml("kubernetes/service.yaml")["spec"]["selector"], labels);
    let first = format!("{}-0", set["metadata"]["name"].as_str().unwrap());
    assert_eq!(yaml("kubernetes/service-desk.yaml")["spec"]["selector"]["statefulset.kubernetes.io/pod-name"], *first);
    for file in yaml("kubernetes/kustomization.yaml")["resources"].as_array().unwrap() {
        yaml(&format!("kubernetes/{}", file.as_str().unwrap()));
    }
    let volumes = &set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"];
    let folder = &of_kubernetes()["JINQUN_DATA_DIR"];
    let mounts = &set["spec"]["template"]["spec"]["containers"][0]["volumeMounts"];
    let holds = |it: &Value| it["name"] == *volumes && it["mountPath"] == **folder;
    assert!(mounts.as_array().unwrap().iter().any(holds), "the outbox lies on the volume");
}

#[test]
fn every_probe_asks_something_that_answers() {
    let app = TestApp::start();
    let set = yaml("kubernetes/statefulset.yaml");
    let paths: BTreeSet<&str> = all(&set, "httpGet").iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, BTreeSet::from(["/healthz", "/readyz"]));
    for path in paths.iter().chain(&["/metrics"]) {
        app.get(path).expect(200);
    }
    assert_eq!(all(&yaml("prometheus/prometheus.yml"), "metrics_path"), ["/metrics"]);
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz", "a restart does not bring storage back");
    let compose = yaml("compose.yaml");
    for service in ["instance-1", "instance-2"] {
        let test = compose["services"][service]["healthcheck"]["test"].as_array().unwrap();
        let words: Vec<&str> = test.iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(words, ["CMD", "/usr/local/bin/jinqun", "health", "http://127.0.0.1:8080/healthz"]);
    }
}

#[test]
fn every_location_of_nginx_leads_to_something() {
    let app = TestApp::start();
    let config = text("nginx/nginx.conf");
    for (location, method, path) in [
        ("/admin ", "GET", "/admin/sign-in"),
        ("/api/v1/admin/session ", "POST", "/api/v1/admin/session"),
        ("/api/v1/admin/session ", "PUT", "/api/v1/admin/session/password"),
        ("/api/v1/admin/ ", "GET", "/api/v1/admin/stores"),
        ("/api/v1/visitors/ ", "DELETE", "/api/v1/visitors/me"),
        ("/api/v1/scans ", "POST", "/api/v1/scans"),
    ] {
        let status = app.call(method, path, &[], None).status;
        assert!(!matches!(status, 404 | 405), "{method} {path}: {status}");
        assert!(config.contains(&format!("location {location}")), "{location}");
    }
}

#[test]
fn each_instance_has_an_outbox_of_its_own() {
    let compose = yaml("compose.yaml");
    let volume = |it: &str| compose["services"][it]["volumes"][0].as_str().unwrap().to_owned();
    let volumes = BTreeSet::from(["instance-1", "instance-2"].map(volume));
    assert_eq!(volumes.len(), 2);
    for volume in volumes {
        let (name, folder) = volume.split_once(':').unwrap();
        assert!(compose["volumes"].as_object().unwrap().contains_key(name));
        assert_eq!(folder, of_compose("instance-1")["JINQUN_DATA_DIR"]);
    }
    assert!(unit("Environment").iter().any(|it| it == "JINQUN_DATA_DIR=/var/lib/jinqun/%i"));
    assert_eq!(unit("StateDirectory"), ["jinqun jinqun/%i"]);
}

#[test]
fn nobody_is_root() {
    let file = text("Dockerfile");
    let user = lines(&file).filter_map(|it| it.strip_prefix("USER ")).last().unwrap();
    let id: u32 = user.split(':').next().unwrap().parse().unwrap();
    assert_ne!(id, 0);
    let set = yaml("kubernetes/statefulset.yaml");
    let pod = &set["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["runAsUser"], id);
    assert_eq!(pod["securityContext"]["fsGroup"], id);
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(container["allowPrivilegeEscalation"], false);
    assert_eq!(container["readOnlyRootFilesystem"], true);
    assert_eq!(container["capabilities"]["drop"][0], "ALL");
    let compose = yaml("compose.yaml");
    for service in ["instance-1", "instance-2", "tool"] {
        assert_eq!(compose["services"][service]["read_only"], true);
        assert_eq!(compose["services"][service]["cap_drop"][0], "ALL");
        assert!(compose["services"][service].get("user").is_none(), "the image's");
    }
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
    ] {
        assert_eq!(unit(name), [value], "{name}");
    }
    assert!(unit("SystemCallFilter").iter().any(|it| it == "@system-service"));
}

#[test]
fn images_are_pinned() {
    let file = text("Dockerfile");
    let stages: BTreeSet<&str> = lines(&file).filter_map(|it| it.split_once(" AS ")).map(|(_, name)| name).collect();
    let mut images: Vec<String> = lines(&file)
        .filter_map(|it| it.strip_prefix("FROM "))
        .map(|it| it.split_whitespace().next().unwrap().to_owned())
        .filter(|it| it != "scratch" && !stages.contains(it.as_str()))
        .collect();
    for document in ["compose.yaml", "kubernetes/statefulset.yaml"] {
        images.extend(all(&yaml(document), "image").iter().map(|it| it.as_str().unwrap().to_owned()));
    }
    assert!(images.len() > 4, "{images:?}");
    for image in images {
        let (name, tag) = image.split_once(':').unwrap_or_else(|| panic!("{image} has no tag"));
        let version = tag.split('-').next().unwrap();
        assert!(version.split('.').filter(|it| it.parse::<u32>().is_ok()).count() == 3, "{image}");
        if name == "jinqun" {
            assert_eq!(tag, env!("CARGO_PKG_VERSION"));
        }
    }
}

#[test]
fn the_image_is_built_from_what_is_sent_and_there() {
    let ignored = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    assert_eq!(ignored.lines().next(), Some("*"), "nothing is sent but what is named");
    let sent: Vec<&str> = ignored.lines().filter_map(|it| it.strip_prefix('!')).collect();
    for path in &sent {
        assert!(root().join(path).exists(), "{path}");
    }
    let file = text("Dockerfile");
    let copied = lines(&file).filter_map(|it| it.strip_prefix("COPY ")).filter(|it| !it.starts_with("--"));
    let copied: Vec<&str> = copied
        .flat_map(|it| {
            let words: Vec<&str> = it.split_whitespace().collect();
            words[..words.len() - 1].to_vec()
        })
        .collect();
    for path in &copied {
        assert!(sent.iter().any(|it| it == path || it.starts_with(&format!("{path}/"))), "{path} is not sent");
    }
    // Cargo wants every target that its file names, and the program what it includes.
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    for kind in ["bench", "test", "example"] {
        for target in manifest[kind].as_array().unwrap() {
            let folder = match target.get("path") {
                Some(path) => path.as_str().unwrap().split('/').next().unwrap(),
                None => "benches",
            };
            assert!(copied.contains(&folder), "{folder}");
        }
    }
}
