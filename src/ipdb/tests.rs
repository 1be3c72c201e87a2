//! The demo databases read through the public doors, whole and damaged. Real files are read in `tests/`.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ip").join(name)
}

fn open(name: &str) -> Arc<Database> {
    Arc::new(Database::open(&demo(name), &Ip2regionFields::Auto).unwrap())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Country, province and city, with `-` for unknown.
fn names(place: &IpPlace) -> String {
    let name = |name: &Option<Box<str>>| name.as_deref().unwrap_or("-").to_owned();
    [name(&place.country), name(&place.province), name(&place.city)].join(" ")
}

fn found(databases: &IpDatabases, address: &str) -> Option<String> {
    databases.locate(ip(address)).map(|place| names(&place))
}

#[test]
fn the_demo_mmdb_gives_names_and_coordinates() {
    let databases = IpDatabases::new(vec![open("demo.mmdb")]);
    let place = databases.locate(ip("203.0.113.209")).unwrap();
    assert_eq!(names(&place), "斐济 中央区 苏瓦");
    let position = place.position.unwrap();
    assert!((position.lat() - -18.1248).abs() < 1e-9);
    assert!((position.lon() - 178.4501).abs() < 1e-9);
    assert_eq!(place.accuracy_m, Some(50_000.0));
    assert_eq!(found(&databases, "2001:db8:1fff:ffff::").as_deref(), Some("中国 北京 北京"));
    assert_eq!(found(&databases, "203.0.113.160").as_deref(), Some("新加坡 - 新加坡"));
    assert_eq!(found(&databases, "127.0.0.1"), None);
    assert_eq!(found(&databases, "::1"), None);
}

#[test]
fn the_demo_xdb_gives_names_only() {
    let databases = IpDatabases::new(vec![open("demo.xdb")]);
    let place = databases.locate(ip("203.0.113.255")).unwrap();
    assert_eq!((names(&place).as_str(), place.position.is_none()), ("中国 - -", true));
    for (address, expected) in [
        ("203.0.113.47", Some("中国 广东 广州")),
        ("203.0.113.48", Some("中国 广东 深圳")),
        ("198.51.100.130", Some("中国 广东 -")),
        ("198.18.255.255", Some("中国 湖北 武汉")),
        ("198.19.0.0", Some("中国 湖北 武汉")),
        ("198.20.0.0", None),
        ("192.0.1.255", None),
        ("0.0.0.0", None),
        ("255.255.255.255", None),
        ("2001:db8::1", None),
    ] {
        assert_eq!(found(&databases, address).as_deref(), expected, "{address}");
    }
}

#[test]
fn an_ipv4_address_in_ipv6_form_is_looked_up_as_ipv4() {
    let databases = IpDatabases::new(vec![open("demo.xdb")]);
    assert_eq!(found(&databases, "::ffff:203.0.113.1").as_deref(), Some("中国 上海 上海"));
}

#[test]
fn the_first_database_that_knows_more_than_a_country_wins() {
    let names_first = IpDatabases::new(vec![open("demo.xdb"), open("demo.mmdb")]);
    let shanghai = names_first.locate(ip("203.0.113.1")).unwrap();
    assert!(shanghai.position.is_none());
    // Both know only the country here; the second also has its middle, 1,000 km wide.
    let country = names_first.locate(ip("203.0.113.250")).unwrap();
    assert_eq!((names(&country).as_str(), country.accuracy_m), ("中国 - -", Some(1_000_000.0)));
    // IPv6 is only in the second.
    assert_eq!(found(&names_first, "2001:db8::1").as_deref(), Some("中国 上海 上海"));

    let coordinates_first = IpDatabases::new(vec![open("demo.mmdb"), open("demo.xdb")]);
    assert!(coordinates_first.locate(ip("203.0.113.1")).unwrap().position.is_some());
    assert!(IpDatabases::default().locate(ip("203.0.113.1")).is_none());
}

#[test]
fn nothing_about_a_place_is_printed() {
    let place = open("demo.mmdb").locate(ip("203.0.113.1"));
    assert_eq!(format!("{place:?}"), "Some(IpPlace { .. })");
    assert_eq!(format!("{:?}", open("demo.mmdb")), "Database(mmdb)");
}

#[test]
fn a_refused_file_is_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = Database::open(&path, &Ip2regionFields::Auto).unwrap_err();
        assert_eq!(error.path, path);
        assert!(error.to_string().contains(name));
        error.kind
    };
    assert!(matches!(refused("a.mmdb", b""), IpdbErrorKind::Empty));
    assert!(matches!(refused("a.dat", b"x"), IpdbErrorKind::UnknownFormat));
    assert!(matches!(refused("b.mmdb", b"x"), IpdbErrorKind::NotADatabase { .. }));
    assert!(matches!(refused("b.xdb", b"x"), IpdbErrorKind::Truncated { .. }));
    let xdb = fs::read(demo("demo.xdb")).unwrap();
    assert!(matches!(refused("c.xdb", &xdb[..xdb.len() - 1]), IpdbErrorKind::Truncated { .. }));
    let mut version_9 = xdb;
    version_9[0] = 9;
    assert!(matches!(refused("d.XDB", &version_9), IpdbErrorKind::Unsupported { found: 9, .. }));
    let missing = Database::open(&folder.path().join("no.mmdb"), &Ip2regionFields::Auto).unwrap_err();
    assert!(matches!(missing.kind, IpdbErrorKind::Unreadable(_)));
    fs::create_dir(folder.path().join("folder.xdb")).unwrap();
    let folder = Database::open(&folder.path().join("folder.xdb"), &Ip2regionFields::Auto).unwrap_err();
    assert!(matches!(folder.kind, IpdbErrorKind::NotAFile));
}

#[test]
fn a_sparse_file_above_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.mmdb");
    fs::File::create(&path).unwrap().set_len(BYTES_MAX + 1).unwrap();
    let error = Database::open(&path, &Ip2regionFields::Auto).unwrap_err();
    assert!(matches!(error.kind, IpdbErrorKind::TooLarge { bytes, .. } if bytes == (1 << 30) + 1));
}

/// A tree in which every node leads to the next one twice, so that 2^96 paths end at its last node.
#[test]
fn a_tree_with_endlessly_many_paths_is_checked_in_no_time() {
    let nodes = 97_u8;
    let mut bytes: Vec<u8> = (1..nodes).flat_map(|next| [0, 0, next, 0, 0, next]).collect();
    bytes.extend([0, 0, nodes, 0, 0, nodes]);
    bytes.extend([0; 16]);
    let original = fs::read(demo("demo.mmdb")).unwrap();
    let mark = original.windows(14).rposition(|at| at == b"\xab\xcd\xefMaxMind.com").unwrap();
    let metadata = &original[mark..];
    let count = metadata.windows(10).position(|at| at == b"node_count").unwrap() + 10;
    bytes.extend(&metadata[..count]);
    bytes.extend([0xC1, nodes]);
    let digits = usize::from(metadata[count] & 0x1F);
    bytes.extend(&metadata[count + 1 + digits..]);
    assert!(matches!(mmdb::Mmdb::parse(bytes), Err(IpdbErrorKind::NoPlaces)));
}

/// Look-ups over the whole space, near the demo's networks and at the edges.
fn ask(locate: impl Fn(IpAddr) -> Option<IpPlace>) {
    for high in 0..=255_u8 {
        locate(IpAddr::from([high, 0, 113, high]));
        locate(IpAddr::from([203, 0, 113, high]));
        locate(IpAddr::from([0x2001, 0x0db8, u16::from(high) << 8, 0, 0, 0, 0, 1]));
        locate(IpAddr::from([u16::from(high) << 8, 0, 0, 0, 0, 0, 0, 0]));
    }
}

fn read_xdb(bytes: &[u8]) {
    if let Ok(xdb) = xdb::Xdb::parse(bytes, &Ip2regionFields::Auto) {
        ask(|ip| xdb.locate(ip));
    }
}

fn read_mmdb(bytes: Vec<u8>) {
    if let Ok(mmdb) = mmdb::Mmdb::parse(bytes) {
        ask(|ip| mmdb.locate(ip));
    }
}

/// Positions in the demo `.xdb` where something stands: not in the empty middle of its table.
fn xdb_offset() -> impl Strategy<Value = usize> {
    let pair_of_203 = 256_usize + 8 * 256 * 203;
    prop_oneof![0_usize..24, pair_of_203..pair_of_203 + 16, 524_544_usize..525_258]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arbitrary_bytes_are_refused_or_answer(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        read_xdb(&bytes);
        read_mmdb(bytes.clone());
        let mut marked = bytes;
        marked.extend(b"\xab\xcd\xefMaxMind.com");
        let original = fs::read(demo("demo.mmdb")).unwrap();
        marked.extend(&original[original.len() - 280..]);
        read_mmdb(marked);
    }

    #[test]
    fn a_truncated_file_is_refused(keep_mmdb in 0_usize..4913, keep_xdb in 0_usize..525_258) {
        let mut mmdb = fs::read(demo("demo.mmdb")).unwrap();
        mmdb.truncate(keep_mmdb);
        prop_assert!(mmdb::Mmdb::parse(mmdb).is_err());
        let mut xdb = fs::read(demo("demo.xdb")).unwrap();
        xdb.truncate(keep_xdb);
        prop_assert!(xdb::Xdb::parse(&xdb, &Ip2regionFields::Auto).is_err());
    }

    #[test]
    fn damaged_bytes_of_an_mmdb_are_refused_or_answer(
        damage in proptest::collection::vec((0_usize..4913, any::<u8>()), 1..8),
    ) {
        let mut bytes = fs::read(demo("demo.mmdb")).unwrap();
        for (at, value) in damage {
            bytes[at] = value;
        }
        read_mmdb(bytes);
    }

    #[test]
    fn damaged_bytes_of_an_xdb_are_refused_or_answer(
        damage in proptest::collection::vec((xdb_offset(), any::<u8>()), 1..4),
    ) {
        let mut bytes = fs::read(demo("demo.xdb")).unwrap();
        for (at, value) in damage {
            bytes[at] = value;
        }
        read_xdb(&bytes);
    }
}
