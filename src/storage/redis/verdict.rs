//! What an error of Redis means: for the connection, for the server, and for whoever asked.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::super::{StorageError, Trouble};

/// What to make of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server said no to this one request; the connection is as good as before.
    Answer,
    /// The server is not what it should be, and others may be asked: it loads, it is a replica, its Cluster is down.
    Away,
    /// The server does not let us in.
    Refused,
    /// The connection is lost, or was not made.
    Lost,
}

/// What to make of an error.
pub(super) fn verdict(error: &RedisError) -> Verdict {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};
    let kind = error.kind();
    let is_away = matches!(
        kind,
        ErrorKind::Server(BusyLoading | ReadOnly | MasterDown | ClusterDown)
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::ClusterConnectionNotFound
    );
    let is_answer = matches!(kind, ErrorKind::Server(_) | ErrorKind::UnexpectedReturnType | ErrorKind::Extension);
    if kind == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) {
        Verdict::Refused
    } else if is_away {
        Verdict::Away
    } else if is_answer {
        Verdict::Answer
    } else {
        Verdict::Lost
    }
}

/// The error for callers, with Redis's own as its source.
pub(super) fn trouble(error: RedisError) -> StorageError {
    let is_foreign =
        error.code() == Some("WRONGTYPE") || matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse);
    let kind = if is_foreign { Trouble::Corrupt } else { Trouble::Unavailable };
    StorageError::caused(kind, error)
}

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::*;

    fn said(text: &str) -> RedisError {
        let Value::ServerError(error) = parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap() else {
            panic!("{text} is an error");
        };
        error.into()
    }

    #[test]
    fn a_server_that_is_not_itself_is_left_alone_for_a_while() {
        for text in [
            "LOADING Redis is loading the dataset in memory",
            "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down",
            "CLUSTERDOWN The cluster is down",
        ] {
            assert_eq!(verdict(&said(text)), Verdict::Away, "{text}");
            assert_eq!(trouble(said(text)).kind(), Trouble::Unavailable, "{text}");
        }
    }

    #[test]
    fn a_wrong_password_is_told_apart() {
        for text in ["NOAUTH Authentication required.", "WRONGPASS invalid username-password pair"] {
            assert_eq!(verdict(&said(text)), Verdict::Refused, "{text}");
            assert_eq!(trouble(said(text)).kind(), Trouble::Unavailable, "{text}");
        }
    }

    #[test]
    fn a_plain_no_keeps_the_connection() {
        for text in [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "MISCONF Errors writing to the AOF file",
            "NOPERM this user has no permissions",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "ERR unknown command",
        ] {
            assert_eq!(verdict(&said(text)), Verdict::Answer, "{text}");
            assert_eq!(trouble(said(text)).kind(), Trouble::Unavailable, "{text}");
        }
    }

    #[test]
    fn a_key_of_another_type_is_damage() {
        let error = said("WRONGTYPE Operation against a key holding the wrong kind of value");
        assert_eq!((verdict(&error), trouble(error).kind()), (Verdict::Answer, Trouble::Corrupt));
    }

    #[test]
    fn a_connection_that_fails_is_lost_and_the_cause_is_kept() {
        let error = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!(verdict(&error), Verdict::Lost);
        let told = anyhow::Error::new(trouble(error));
        assert_eq!(told.chain().count(), 3, "{told:#}");
    }
}
