//! Redis with TLS and an account of its own: what is let in, and what is said where it is not.

use std::fs;
use std::path::{Path, PathBuf};

use jinqun::storage::Storage as _;
use jinqun::storage::Trouble;
use jinqun::storage::redis::{Redis, RedisAt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::process::{jinqun, run};
use crate::redis_servers::Server;
use crate::redis_servers::port::Port;

/// What the account may do: everything with our keys and our channel, and nothing that only an administrator needs.
pub const ACCOUNT: &str = "shop on >hush! ~{jinqun* &jinqun* +@all -@admin -@dangerous +info +role";

/// Certificates of an authority of their own.
pub struct Papers {
    folder: TempDir,
}

impl Papers {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &authority).unwrap();
        let it = Self { folder };
        fs::write(it.path("ca.pem"), authority.pem()).unwrap();
        fs::write(it.path("server.pem"), server.pem()).unwrap();
        fs::write(it.path("server.key"), key.serialize_pem()).unwrap();
        it
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A server that speaks TLS on a second port.
pub struct TlsServer {
    pub server: Server,
    pub papers: Papers,
    port: Port,
}

impl TlsServer {
    pub fn start() -> Self {
        let (papers, port) = (Papers::new(), Port::free());
        let path = |name: &str| papers.path(name).to_str().unwrap().to_owned();
        let server = Server::start(&[
            "--tls-port",
            &port.number.to_string(),
            "--tls-cert-file",
            &path("server.pem"),
            "--tls-key-file",
            &path("server.key"),
            "--tls-ca-cert-file",
            &path("ca.pem"),
            "--tls-auth-clients",
            "no",
        ]);
        let words: Vec<&str> = ["ACL", "SETUSER"].into_iter().chain(ACCOUNT.split(' ')).collect();
        server.ask::<()>(&words);
        Self { server, papers, port }
    }

    pub fn url(&self, account: &str) -> String {
        format!("rediss://{account}@127.0.0.1:{}", self.port.number)
    }

    pub fn open(&self, account: &str, ca: Option<PathBuf>) -> Redis {
        Redis::open(&RedisAt { ca, ..RedisAt::parse(&self.url(account)).unwrap() }).unwrap()
    }

    pub fn open_well(&self) -> Redis {
        self.open("shop:hush%21", Some(self.papers.path("ca.pem")))
    }
}

fn refused(redis: &Redis) -> String {
    let error = redis.current_version().unwrap_err();
    assert_eq!(error.kind(), Trouble::Unavailable);
    format!("{:#}", anyhow::Error::new(error))
}

#[test]
fn an_account_with_few_rights_is_enough() {
    let server = TlsServer::start();
    assert_eq!(server.open_well().secret(&|| [7; 32]).unwrap(), [7; 32]);
}

#[test]
fn a_wrong_password_is_told_and_is_not_shown() {
    let server = TlsServer::start();
    let told = refused(&server.open("shop:wrong", Some(server.papers.path("ca.pem"))));
    assert!(told.contains("Password authentication failed") && !told.contains("wrong"), "{told}");
}

#[test]
fn a_server_of_an_unknown_authority_is_not_believed() {
    let (server, other) = (TlsServer::start(), Papers::new());
    for ca in [Some(other.path("ca.pem")), None] {
        let told = refused(&server.open("shop:hush%21", ca));
        assert!(told.contains("certificate"), "{told}");
    }
}

#[test]
fn a_file_without_authorities_is_told_at_the_start() {
    let server = TlsServer::start();
    let at = RedisAt::parse(&server.url("shop:hush%21")).unwrap();
    let at = RedisAt { ca: Some(PathBuf::from("nowhere.pem")), ..at };
    let told = format!("{:#}", anyhow::Error::new(Redis::open(&at).unwrap_err()));
    assert!(told.contains("storage_ca cannot be read - InvalidClientConfig: nowhere.pem"), "{told}");
}

fn check(folder: &Path, settings: &[(&str, &str)]) -> String {
    let mut command = jinqun(folder);
    command.arg("check").envs(settings.iter().copied());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn the_check_says_what_is_wrong_with_redis_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TlsServer::start();
    let ca = server.papers.path("ca.pem");
    let ca = ("JINQUN_STORAGE_CA", ca.to_str().unwrap());
    let said = check(folder.path(), &[("JINQUN_STORAGE", &server.url("shop:wrong")), ca]);
    assert!(said.contains("Password authentication failed") && !said.contains("wrong"), "{said}");
    assert!(said.contains("storage (address, user, password)"), "{said}");
    let well = server.url("shop:hush%21");
    let well = [("JINQUN_STORAGE", well.as_str()), ca];
    server.server.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let said = check(folder.path(), &well);
    assert!(
        said.contains("maxmemory-policy allkeys-lru") && said.contains("set maxmemory-policy noeviction"),
        "{said}"
    );
    assert!(said.contains("no catalog has been published"), "{said}");
    server.server.ask::<()>(&["SET", "{jinqun:catalog}:format", "9"]);
    let said = check(folder.path(), &well);
    assert!(said.contains("later version") && said.contains("update this program"), "{said}");
    server.server.kill();
    let said = check(folder.path(), &well);
    assert!(said.contains("refused") && said.contains("see that Redis runs"), "{said}");
    let shown = String::from_utf8(run(folder.path(), &["config"]).stdout).unwrap();
    assert!(shown.contains("sqlite:"), "{shown}");
}
