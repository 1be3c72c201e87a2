//! Which server of a Cluster has a key, and which key a packed command is about; nothing is asked here.

use std::collections::{BTreeMap, BTreeSet};

use redis::{RedisError, ServerErrorKind, Value};

use super::dial::Address;

/// Slots of a Cluster.
const SLOTS: u16 = 16_384;

/// Which server has which slots, as last heard.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// First and last slot, and who has them.
    ranges: Vec<(u16, u16, Address)>,
    /// What servers said of single slots since.
    moved: BTreeMap<u16, Address>,
    /// All servers, replicas too.
    nodes: Vec<Address>,
}

impl Slots {
    /// Reads the answer to `CLUSTER SLOTS` that a server gave. None if it knows no slots.
    pub(super) fn read(answer: Vec<Value>, asked: &Address) -> Option<Self> {
        let mut slots = Self::default();
        for range in answer {
            let mut parts = sequence(range)?.into_iter();
            let (Some(Value::Int(first)), Some(Value::Int(last))) = (parts.next(), parts.next()) else {
                return None;
            };
            let mut nodes = parts.filter_map(|it| node(it, asked));
            let primary = nodes.next()?;
            slots.nodes.push(primary.clone());
            slots.nodes.extend(nodes);
            slots.ranges.push((u16::try_from(first).ok()?, u16::try_from(last).ok()?, primary));
        }
        slots.nodes.sort_unstable();
        slots.nodes.dedup();
        Some(slots).filter(|it| !it.ranges.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Who has a slot; none if nobody does, as far as is known.
    pub(super) fn owner(&self, slot: u16) -> Option<&Address> {
        let covers = |(first, last, _): &&(u16, u16, Address)| (*first..=*last).contains(&slot);
        self.moved.get(&slot).or_else(|| self.ranges.iter().find(covers).map(|(_, _, it)| it))
    }

    /// Notes what a server said of one slot.
    pub(super) fn note(&mut self, slot: u16, owner: Address) {
        if slot < SLOTS {
            self.moved.insert(slot, owner);
        }
    }

    /// The servers that have slots.
    pub(super) fn primaries(&self) -> BTreeSet<&Address> {
        self.ranges.iter().map(|(_, _, it)| it).collect()
    }

    /// All servers that are known.
    pub(super) fn nodes(&self) -> &[Address] {
        &self.nodes
    }
}

fn sequence(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(items) = value { Some(items) } else { None }
}

/// A server that does not know its own name is the one that was asked.
fn node(value: Value, asked: &Address) -> Option<Address> {
    let mut parts = sequence(value)?.into_iter();
    let host = parts.next()?;
    let host = if let Value::BulkString(host) = host { String::from_utf8(host).ok() } else { None };
    let host = host.filter(|it| !it.is_empty() && it != "?");
    let Some(Value::Int(port)) = parts.next() else {
        return None;
    };
    Some((host.unwrap_or_else(|| asked.0.clone()), u16::try_from(port).ok()?))
}

/// The commands in a packed text, each with its parts.
fn commands(mut packed: &[u8]) -> impl Iterator<Item = (&[u8], Vec<&[u8]>)> {
    std::iter::from_fn(move || {
        let whole = packed;
        let count = number(&mut packed, b'*')?;
        let mut parts = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let length = number(&mut packed, b'$')?;
            let (part, rest) = packed.split_at_checked(length)?;
            parts.push(part);
            packed = rest.strip_prefix(b"\r\n")?;
        }
        let length = whole.len().checked_sub(packed.len())?;
        Some((whole.split_at_checked(length)?.0, parts))
    })
}

fn number(packed: &mut &[u8], sign: u8) -> Option<usize> {
    let rest = packed.strip_prefix(&[sign])?;
    let end = rest.iter().position(|it| *it == b'\r')?;
    let (digits, rest) = rest.split_at_checked(end)?;
    *packed = rest.strip_prefix(b"\r\n")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The slot of the first key in packed commands; none if they name no key.
pub(super) fn slot(packed: &[u8]) -> Option<u16> {
    commands(packed).find_map(|(_, parts)| key(&parts).map(slot_of))
}

/// CRC16 (XMODEM) of what stands in the first braces, or of all of it, as Redis's specification of a Cluster says.
fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|it| *it == b'{').and_then(|open| {
        let (_, rest) = key.split_at_checked(open.saturating_add(1))?;
        let close = rest.iter().position(|it| *it == b'}')?;
        rest.split_at_checked(close).map(|(tag, _)| tag).filter(|it| !it.is_empty())
    });
    let step = |crc: u16| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
    let crc = tag
        .unwrap_or(key)
        .iter()
        .fold(0_u16, |crc, byte| (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _bit| step(crc)));
    crc % SLOTS
}

fn key<'a>(parts: &[&'a [u8]]) -> Option<&'a [u8]> {
    let is = |words: &[&str]| {
        parts.first().is_some_and(|name| words.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes())))
    };
    let at = |n: usize| parts.get(n).copied();
    if is(&["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"]) {
        at(3).filter(|_| at(2).is_some_and(|it| it != b"0"))
    } else if is(&["MEMORY", "OBJECT", "DEBUG"]) {
        at(2)
    } else if is(&[
        "SCRIPT", "MULTI", "EXEC", "DISCARD", "PING", "INFO", "CONFIG", "CLIENT", "CLUSTER", "ASKING", "ROLE", "WAIT",
        "PUBLISH", "TIME", "FUNCTION",
    ]) {
        None
    } else {
        at(1)
    }
}

/// The same commands for a server that takes over their slot: each begins with the word that it may answer already.
pub(super) fn asking(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed.len().saturating_mul(2));
    for (whole, _) in commands(packed) {
        out.extend_from_slice(b"*1\r\n$6\r\nASKING\r\n");
        out.extend_from_slice(whole);
    }
    out
}

/// Where answers say to go instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// For good.
    Moved(u16, Address),
    /// This time.
    Ask(Address),
    /// Here, a moment later.
    Later,
}

/// Where to go instead, if nothing of what was asked was done. Answers of which some were done are the caller's.
pub(super) fn redirect(answers: &[Value], asked: &Address) -> Option<Redirect> {
    let refusal = |answer: &Value| {
        let Value::ServerError(error) = answer else {
            return None;
        };
        let is_refused =
            matches!(error.kind()?, ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::TryAgain);
        is_refused.then(|| RedisError::from(error.clone()))
    };
    let mut refusals = answers.iter().map(refusal);
    let first = refusals.next()??;
    if !refusals.all(|it| it.is_some_and(|it| it.kind() == first.kind())) {
        return None;
    }
    let address = |text: &str| {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { asked.0.as_str() } else { host };
        Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
    };
    match (first.code()?, first.redirect_node()) {
        ("MOVED", Some((to, slot))) => Some(Redirect::Moved(slot, address(to)?)),
        ("ASK", Some((to, _))) => Some(Redirect::Ask(address(to)?)),
        ("TRYAGAIN", _) => Some(Redirect::Later),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use redis::{parse_redis_value, pipe};

    use super::*;

    fn at(host: &str, port: u16) -> Address {
        (host.to_owned(), port)
    }

    fn answer(text: &str) -> Value {
        parse_redis_value(text.as_bytes()).unwrap()
    }

    fn packed(parts: &[&str]) -> Vec<u8> {
        let mut it = redis::cmd(parts[0]);
        parts[1..].iter().for_each(|part| {
            it.arg(part);
        });
        it.get_packed_command()
    }

    #[test]
    fn a_command_goes_by_its_key_and_a_script_by_its_first_one() {
        // From CLUSTER KEYSLOT of a server.
        assert_eq!(slot(&packed(&["GET", "foo"])), Some(12_182));
        assert_eq!(slot(&packed(&["hset", "{foo}:1", "a", "b"])), Some(12_182));
        assert_eq!(slot(&packed(&["EVALSHA", "abc", "2", "foo", "x", "y"])), Some(12_182));
        assert_eq!(slot(&packed(&["EVAL", "return 1", "0", "foo"])), None);
        assert_eq!(slot(&packed(&["SCRIPT", "LOAD", "return 1"])), None);
        assert_eq!(slot(&packed(&["MEMORY", "USAGE", "foo"])), Some(12_182));
        let mut pipeline = pipe();
        pipeline.atomic().cmd("SET").arg("foo").arg(1).cmd("GET").arg("foo");
        assert_eq!(slot(&pipeline.get_packed_pipeline()), Some(12_182));
        assert_eq!(slot(b"nonsense"), None);
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot_of(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
        assert_eq!(slot_of(b"foo{}{bar}"), 8_363);
    }

    #[test]
    fn slots_are_read_with_their_servers() {
        let text = "*2\r\n*4\r\n:0\r\n:8000\r\n*2\r\n$1\r\na\r\n:1\r\n*2\r\n$1\r\nb\r\n:2\r\n\
                    *3\r\n:8001\r\n:16383\r\n*2\r\n$0\r\n\r\n:3\r\n";
        let Value::Array(parts) = answer(text) else { panic!("it is an array") };
        let mut slots = Slots::read(parts, &at("me", 9)).unwrap();
        assert_eq!(slots.owner(8_000), Some(&at("a", 1)));
        assert_eq!(slots.owner(8_001), Some(&at("me", 3)));
        assert_eq!(slots.nodes(), [at("a", 1), at("b", 2), at("me", 3)]);
        slots.note(5, at("b", 2));
        assert_eq!((slots.owner(5), slots.owner(6)), (Some(&at("b", 2)), Some(&at("a", 1))));
        assert!(Slots::read(Vec::new(), &at("me", 9)).is_none());
    }

    #[test]
    fn a_redirection_is_followed_only_if_nothing_was_done() {
        let me = at("me", 9);
        let moved = answer("-MOVED 5 10.0.0.1:7000\r\n");
        assert_eq!(redirect(std::slice::from_ref(&moved), &me), Some(Redirect::Moved(5, at("10.0.0.1", 7000))));
        assert_eq!(redirect(&[answer("-MOVED 5 :7000\r\n")], &me), Some(Redirect::Moved(5, at("me", 7000))));
        assert_eq!(redirect(&[answer("-ASK 5 h:1\r\n")], &me), Some(Redirect::Ask(at("h", 1))));
        assert_eq!(redirect(&[answer("-TRYAGAIN later\r\n")], &me), Some(Redirect::Later));
        assert_eq!(redirect(&[Value::Okay, moved.clone()], &me), None);
        assert_eq!(redirect(&[moved, Value::Okay], &me), None);
        assert_eq!(redirect(&[answer("-ERR no\r\n")], &me), None);
        assert_eq!(redirect(&[], &me), None);
    }

    #[test]
    fn each_command_asks_again() {
        let mut two = packed(&["GET", "a"]);
        two.extend(packed(&["GET", "b"]));
        let expected =
            "*1\r\n$6\r\nASKING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$6\r\nASKING\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n";
        assert_eq!(String::from_utf8(asking(&two)).unwrap(), expected);
    }
}
