//! Making connections: to one server, and to the primary that sentinels name. Every step is bounded; nothing is kept.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use redis::io::tcp::TcpSettings;
use redis::{
    Client, Connection, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    RedisResult, TlsCertificates, Value,
};

use super::address::{Mode, RedisAt};

/// How long one sentinel may take to name the primary.
const SENTINEL_WAIT: Duration = Duration::from_millis(700);
/// How long one server that a sentinel named may take, where another one may be right.
const CANDIDATE_WAIT: Duration = Duration::from_secs(1);

/// A host and its port.
pub(super) type Address = (String, u16);

/// Whom to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// This server.
    At(Address),
    /// Whoever is the primary of this service, as the sentinels say.
    Primary { service: String, sentinels: Vec<Address> },
}

/// Makes connections with the settings' account and encryption.
#[derive(Clone)]
pub(super) struct Dialer {
    settings: RedisConnectionInfo,
    /// None without TLS.
    certificates: Option<TlsCertificates>,
}

fn timed_out() -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time").into()
}

/// The time left until a moment, or that it is over.
pub(super) fn left(until: Instant) -> RedisResult<Duration> {
    Some(until.saturating_duration_since(Instant::now())).filter(|it| !it.is_zero()).ok_or_else(timed_out)
}

/// Lets a connection wait at most until then for each of its answers.
pub(super) fn limit(conn: &Connection, until: Instant) -> RedisResult<()> {
    let wait = Some(left(until)?);
    conn.set_read_timeout(wait).and(conn.set_write_timeout(wait))
}

impl Dialer {
    /// Reads the file of authorities, if the settings name one.
    pub(super) fn new(at: &RedisAt) -> RedisResult<Self> {
        let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Mode::Single { database } | Mode::Sentinel { database, .. } = at.mode {
            settings = settings.set_db(database);
        }
        if let Some(user) = &at.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &at.password {
            settings = settings.set_password(password);
        }
        let root_cert = match &at.ca {
            None => None,
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                let what = format!("{}: {error}", path.display());
                RedisError::from((ErrorKind::InvalidClientConfig, "storage_ca cannot be read", what))
            })?),
        };
        let dialer =
            Self { settings, certificates: at.is_tls.then_some(TlsCertificates { client_tls: None, root_cert }) };
        // A file that holds no certificates is told at once.
        dialer.client(&("localhost".to_owned(), 1), dialer.settings.clone()).map(|_client| ())?;
        Ok(dialer)
    }

    fn client(&self, (host, port): &Address, settings: RedisConnectionInfo) -> RedisResult<Client> {
        let (host, port) = (host.clone(), *port);
        let address = match &self.certificates {
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            None => ConnectionAddr::Tcp(host, port),
        };
        let info = address.into_connection_info()?.set_redis_settings(settings);
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
            None => Client::open(info),
        }
    }

    fn connect(&self, at: &Address, settings: RedisConnectionInfo, until: Instant) -> RedisResult<Connection> {
        let conn = self.client(at, settings)?.get_connection_with_timeout(left(until)?)?;
        limit(&conn, until)?;
        Ok(conn)
    }

    /// A connection that answers.
    pub(super) fn dial(&self, target: &Target, until: Instant) -> RedisResult<Connection> {
        self.dial_named(target, until).map(|(_, conn)| conn)
    }

    /// A connection that answers, and to where it leads.
    pub(super) fn dial_named(&self, target: &Target, until: Instant) -> RedisResult<(Address, Connection)> {
        match target {
            Target::At(at) => {
                let mut conn = self.connect(at, self.settings.clone(), until)?;
                check(&mut conn, target)?;
                Ok((at.clone(), conn))
            }
            Target::Primary { service, sentinels } => self.dial_primary(target, service, sentinels, until),
        }
    }

    /// Asks all sentinels at once, for some may be gone or hang, and takes the first server named that says it is the primary.
    fn dial_primary(
        &self,
        target: &Target,
        service: &str,
        sentinels: &[Address],
        until: Instant,
    ) -> RedisResult<(Address, Connection)> {
        let (answers, named) = mpsc::channel();
        let asked_until = (Instant::now() + SENTINEL_WAIT).min(until);
        for sentinel in sentinels {
            let (dialer, service, sentinel, answers) =
                (self.clone(), service.to_owned(), sentinel.clone(), answers.clone());
            thread::Builder::new().name("sentinel".to_owned()).spawn(move || {
                // Nobody listens any more once a primary is found.
                let _ = answers.send(dialer.ask(&sentinel, &service, asked_until));
            })?;
        }
        drop(answers);
        let mut tried: Vec<Address> = Vec::new();
        let mut failed = None;
        while let Ok(answer) = named.recv_timeout(asked_until.saturating_duration_since(Instant::now())) {
            let tried_now = match answer {
                Ok(at) if tried.contains(&at) => continue,
                Ok(at) => {
                    let within = (Instant::now() + CANDIDATE_WAIT).min(until);
                    let tried_now = self.connect(&at, self.settings.clone(), within);
                    tried.push(at.clone());
                    tried_now.and_then(|mut conn| check(&mut conn, target).map(|()| (at, conn)))
                }
                Err(error) => Err(error),
            };
            match tried_now {
                Ok(named) => return Ok(named),
                // What a server said is worth more than that a sentinel is gone.
                Err(error) if failed.is_none() || !tried.is_empty() => failed = Some(error),
                Err(_) => {}
            }
        }
        Err(failed.unwrap_or_else(timed_out))
    }

    /// Which server a sentinel takes for the primary. The account of the servers is tried where the sentinel wants one.
    fn ask(&self, sentinel: &Address, service: &str, until: Instant) -> RedisResult<Address> {
        let mut asking = redis::cmd("SENTINEL");
        asking.arg("get-master-addr-by-name").arg(service);
        let plain = RedisConnectionInfo::default().set_skip_set_lib_name();
        let mut answer = asking.query::<Option<Address>>(&mut self.connect(sentinel, plain, until)?);
        if answer.as_ref().is_err_and(|error| error.code() == Some("NOAUTH")) {
            let account = self.settings.clone().set_db(0);
            answer = asking.query(&mut self.connect(sentinel, account, until)?);
        }
        answer?.ok_or_else(|| {
            let what = format!("{service:?}");
            RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "the sentinels know no such service", what))
        })
    }
}

/// Whether the other side still answers and is what it should be.
pub(super) fn check(conn: &mut Connection, target: &Target) -> RedisResult<()> {
    match target {
        Target::At(_) => redis::cmd("PING").exec(conn),
        Target::Primary { .. } => {
            let role: Vec<Value> = redis::cmd("ROLE").query(conn)?;
            match role.first() {
                Some(Value::BulkString(word)) if word == b"master" => Ok(()),
                _ => Err((ErrorKind::MasterNameNotFoundBySentinel, "the server is not the primary").into()),
            }
        }
    }
}
