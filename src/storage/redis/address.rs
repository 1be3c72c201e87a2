//! Where Redis is, as the setting `storage` says it; not how it is reached.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// The port of a server whose address names none.
const PORT: u16 = 6379;
/// The port of a sentinel whose address names none.
const SENTINEL_PORT: u16 = 26379;
/// Servers that an address may name at the most.
const NODES_MAX: usize = 64;

/// How the servers are arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// One server, and which of its databases.
    Single {
        /// From 0.
        database: i64,
    },
    /// Sentinels, which know the primary of a service.
    Sentinel {
        /// The name of the service.
        service: String,
        /// From 0.
        database: i64,
    },
    /// Some nodes of a Cluster, which know the others.
    Cluster,
}

/// Where Redis is.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAt {
    /// How the servers are arranged.
    pub mode: Mode,
    /// Hosts and ports, at least one.
    pub nodes: Vec<(String, u16)>,
    /// Whether to speak TLS.
    pub is_tls: bool,
    /// A PEM file with the authorities that are believed; none means the system's.
    pub ca: Option<PathBuf>,
    /// The ACL user; none is `default`.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
}

/// The address without its password.
impl fmt::Display for RedisAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, end) = match &self.mode {
            Mode::Single { database } => ("", format!("/{database}")),
            Mode::Sentinel { service, database } => ("+sentinel", format!("/{service}/{database}")),
            Mode::Cluster => ("+cluster", String::new()),
        };
        let end = end.strip_suffix("/0").unwrap_or(&end);
        write!(f, "redis{}{kind}://", if self.is_tls { "s" } else { "" })?;
        match (&self.user, &self.password) {
            (None, None) => {}
            (user, password) => {
                let mask = if password.is_some() { ":***" } else { "" };
                write!(f, "{}{mask}@", user.as_deref().unwrap_or_default())?;
            }
        }
        for (n, (host, port)) in self.nodes.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            if host.contains(':') {
                write!(f, "{comma}[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{host}:{port}")?;
            }
        }
        f.write_str(end)
    }
}

impl fmt::Debug for RedisAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why a text names no servers. It holds nothing of the text, which may have a password in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RedisAtError {
    /// It begins otherwise.
    #[error(
        "is not redis://, rediss:// (TLS), redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"
    )]
    Scheme,
    /// No host, or a port that is none.
    #[error("does not name servers as host:port, with commas between several")]
    Node,
    /// One server is meant, and several are there.
    #[error("names several servers; write redis+cluster:// or redis+sentinel://")]
    Several,
    /// A percent sign without two hexadecimal digits.
    #[error(
        "has a percent sign in its user or password that no two hexadecimal digits follow; write %25 for the sign itself"
    )]
    Percent,
    /// The database is no number.
    #[error("does not end with a database's number, such as /0")]
    Database,
    /// The sentinels' service is missing.
    #[error("does not name the service of the sentinels, as in redis+sentinel://host:26379/mymaster")]
    Service,
    /// A Cluster has one database.
    #[error("names a database, and a Cluster has none to choose from")]
    ClusterDatabase,
}

impl RedisAt {
    /// Whether a text means Redis at all.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("redis")
    }

    /// Reads `redis://[user:password@]host:port[/db]`, `redis+sentinel://host:port,host:port/service[/db]` and
    /// `redis+cluster://host:port,host:port`, each with `rediss` for TLS. User and password may be percent-encoded.
    ///
    /// # Errors
    /// [`RedisAtError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, RedisAtError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedisAtError::Scheme)?;
        let (is_tls, kind) = match scheme.split_once('+').unwrap_or((scheme, "")) {
            ("redis", kind) => (false, kind),
            ("rediss", kind) => (true, kind),
            _ => return Err(RedisAtError::Scheme),
        };
        let (account, rest) = match rest.rsplit_once('@') {
            Some((account, rest)) => (Some(account), rest),
            None => (None, rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mode = match kind {
            "" => Mode::Single { database: database(path)? },
            "sentinel" => {
                let (service, rest) = path.split_once('/').unwrap_or((path, ""));
                if service.is_empty() {
                    return Err(RedisAtError::Service);
                }
                Mode::Sentinel { service: service.to_owned(), database: database(rest)? }
            }
            "cluster" if path.is_empty() || path == "0" => Mode::Cluster,
            "cluster" => return Err(RedisAtError::ClusterDatabase),
            _ => return Err(RedisAtError::Scheme),
        };
        let port = if matches!(mode, Mode::Sentinel { .. }) { SENTINEL_PORT } else { PORT };
        let nodes: Vec<_> = hosts.split(',').map(|it| node(it, port)).collect::<Result<_, _>>()?;
        if nodes.len() > NODES_MAX {
            return Err(RedisAtError::Node);
        }
        if nodes.len() > 1 && matches!(mode, Mode::Single { .. }) {
            return Err(RedisAtError::Several);
        }
        let (user, password) = match account.map(|it| it.split_once(':').unwrap_or((it, ""))) {
            Some((user, password)) => (decoded(user)?, decoded(password)?),
            None => (None, None),
        };
        Ok(Self { mode, nodes, is_tls, ca: None, user, password })
    }
}

fn database(text: &str) -> Result<i64, RedisAtError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse::<u16>().map(i64::from).map_err(|_cause| RedisAtError::Database)
}

fn node(text: &str, port: u16) -> Result<(String, u16), RedisAtError> {
    let (host, port) = match text.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, "")) => (host, Ok(port)),
        Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or_default().parse()),
        None => match text.split_once(':') {
            Some((host, port)) => (host, port.parse()),
            None => (text, Ok(port)),
        },
    };
    let fits = !host.is_empty() && host.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._:%".contains(&it));
    match port {
        Ok(port) if fits && port > 0 => Ok((host.to_owned(), port)),
        _ => Err(RedisAtError::Node),
    }
}

/// Undoes percent-encoding; nothing is none.
fn decoded(text: &str) -> Result<Option<String>, RedisAtError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|it| char::from(it).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(RedisAtError::Percent);
        };
        bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    let text = String::from_utf8(bytes).map_err(|_cause| RedisAtError::Percent)?;
    Ok(Some(text).filter(|it| !it.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        RedisAt::parse(text).unwrap().to_string()
    }

    #[test]
    fn one_server_has_a_database_and_default_port() {
        let at = RedisAt::parse("redis://cache.example.com").unwrap();
        assert_eq!(at.mode, Mode::Single { database: 0 });
        assert_eq!(at.nodes, [("cache.example.com".to_owned(), 6379)]);
        assert!(!at.is_tls);
        assert_eq!(RedisAt::parse("rediss://[::1]:7000/3").unwrap().mode, Mode::Single { database: 3 });
        assert_eq!(shown("rediss://[::1]:7000/3"), "rediss://[::1]:7000/3");
    }

    #[test]
    fn an_account_may_hold_any_sign() {
        let at = RedisAt::parse("redis://shop:p%40ss:w%2Frd%25@h:1").unwrap();
        assert_eq!((at.user.as_deref(), at.password.as_deref()), (Some("shop"), Some("p@ss:w/rd%")));
        let at = RedisAt::parse("redis://:only@h").unwrap();
        assert_eq!((at.user.as_deref(), at.password.as_deref()), (None, Some("only")));
        let at = RedisAt::parse("redis://a:b@c@h").unwrap();
        assert_eq!((at.password.as_deref(), at.nodes.len()), (Some("b@c"), 1));
    }

    #[test]
    fn sentinels_have_a_service_and_a_cluster_has_nodes() {
        let at = RedisAt::parse("redis+sentinel://a,b:1/shops/2").unwrap();
        assert_eq!(at.mode, Mode::Sentinel { service: "shops".to_owned(), database: 2 });
        assert_eq!(at.nodes, [("a".to_owned(), 26379), ("b".to_owned(), 1)]);
        let at = RedisAt::parse("rediss+cluster://a:1,b:2,c:3").unwrap();
        assert_eq!((at.mode, at.nodes.len(), at.is_tls), (Mode::Cluster, 3, true));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (text, error) in [
            ("redis", RedisAtError::Scheme),
            ("redis+magic://a", RedisAtError::Scheme),
            ("http://a", RedisAtError::Scheme),
            ("redis://", RedisAtError::Node),
            ("redis://a:0", RedisAtError::Node),
            ("redis://a:x", RedisAtError::Node),
            ("redis://a b", RedisAtError::Node),
            ("redis://a,b", RedisAtError::Several),
            ("redis://u:%4@h", RedisAtError::Percent),
            ("redis://h/one", RedisAtError::Database),
            ("redis+sentinel://a,b", RedisAtError::Service),
            ("redis+cluster://a/1", RedisAtError::ClusterDatabase),
        ] {
            assert_eq!(RedisAt::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_password_does_not_print() {
        let at = RedisAt::parse("redis+sentinel://shop:hush@a:1,b:2/m").unwrap();
        assert_eq!(at.to_string(), "redis+sentinel://shop:***@a:1,b:2/m");
        assert!(!format!("{at:?}").contains("hush"));
        assert_eq!(shown("redis://:hush@h"), "redis://:***@h:6379");
    }
}
