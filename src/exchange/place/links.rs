//! Links of map sites. Which parameter holds the position, in which order, and in which datum, as the sites document it:
//! "高德 URI API", "百度地图 URI API", "腾讯位置服务 URI API", "Maps URLs" of Google and "Map Links" of Apple; and as the address
//! lines of their maps show it.

use super::mercator;
use super::{Degrees, PlaceNote, PlaceRead, PlaceTextError};
use crate::geo::Datum;

/// Hosts whose links only the site itself can follow.
const SHORT_HOSTS: [&str; 10] = [
    "surl.amap.com",
    "j.map.baidu.com",
    "maps.app.goo.gl",
    "goo.gl",
    "maps.apple",
    "url.cn",
    "t.cn",
    "dwz.cn",
    "f.amap.com",
    "s.map.qq.com",
];

/// An address, cut into its parts.
pub(super) struct Link<'a> {
    scheme: &'a str,
    host: String,
    /// The path with what stands behind `#`, which maps use as a path as well.
    path: String,
    pairs: Vec<(String, String)>,
}

impl Link<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(it, value)| it == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The first of these parameters that holds two numbers.
    fn pair(&self, names: &[&str], order: Order) -> Option<Degrees> {
        names.iter().find_map(|it| two(self.get(it)?, order))
    }

    /// Two parameters with a number each.
    fn both(&self, lat: &str, lng: &str) -> Option<Degrees> {
        Some(Degrees { lat: number(self.get(lat)?)?, lng: number(self.get(lng)?)? })
    }
}

/// In which order two numbers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    LatFirst,
    LngFirst,
}

/// The first address in a text: apps share a sentence with one in it.
pub(super) fn find(text: &str) -> Option<Link<'_>> {
    let start = ["https://", "http://", "geo:", "androidamap://", "iosamap://", "baidumap://", "bdapp://", "qqmap://"]
        .iter()
        .filter_map(|it| text.to_ascii_lowercase().find(it))
        .min();
    let address = match start {
        Some(at) => text.get(at..)?,
        // Copied without its scheme: `www.amap.com/place/…`.
        None => {
            text.split_whitespace().find(|it| it.contains(".com/") || it.contains(".org/") || it.contains(".cn/"))?
        }
    };
    let address =
        address.split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '”' | '，' | '。')).next()?;
    let (scheme, rest) = address.split_once("://").or_else(|| address.split_once(':')).unwrap_or(("https", address));
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = before.split_once(['/', '#', ',']).unwrap_or((before, ""));
    let path = if scheme.eq_ignore_ascii_case("geo") { rest } else { path };
    let (query, hash) = query.split_once('#').unwrap_or((query, ""));
    let pairs = [query, path.rsplit_once('!').map_or("", |(_, it)| it), hash.trim_start_matches(['/', '!', '?'])];
    let pairs = pairs.into_iter().flat_map(|it| form_urlencoded::parse(it.as_bytes()).into_owned());
    let host = host.rsplit('@').next().unwrap_or(host).split(':').next().unwrap_or(host).to_ascii_lowercase();
    Some(Link { scheme, host, pairs: pairs.collect(), path: decoded(&format!("{path}#{hash}")) })
}

fn decoded(text: &str) -> String {
    // `+` stands for itself in a path.
    let plus = text.replace('+', "%2B");
    form_urlencoded::parse(plus.as_bytes())
        .map(|(name, value)| if value.is_empty() { name.into_owned() } else { format!("{name}={value}") })
        .collect::<Vec<_>>()
        .join("&")
}

/// The place that a link names.
pub(super) fn read(link: &Link<'_>) -> Result<PlaceRead, PlaceTextError> {
    let scheme = link.scheme.to_ascii_lowercase();
    let host = link.host.clone();
    let is_of = |site: &str| host == site || host.ends_with(&format!(".{site}"));
    if scheme == "geo" {
        let degrees = two(&link.path, Order::LatFirst).ok_or(PlaceTextError::NoPosition("geo".to_owned()))?;
        return degrees.read(Datum::Wgs84, "geo", Vec::new());
    }
    if SHORT_HOSTS.contains(&host.as_str()) || (is_of("map.qq.com") && link.path.starts_with("m/s/")) {
        return Err(PlaceTextError::ShortLink(host));
    }
    let found = if scheme.ends_with("amap") || is_of("amap.com") || is_of("gaode.com") {
        amap(link)
    } else if matches!(scheme.as_str(), "baidumap" | "bdapp") || is_of("map.baidu.com") {
        baidu(link)
    } else if scheme == "qqmap" || is_of("map.qq.com") {
        tencent(link)
    } else if host.split('.').any(|it| it == "google") {
        google(link)
    } else if is_of("maps.apple.com") {
        let degrees = link.pair(&["coordinate", "ll", "q", "sll", "daddr", "near"], Order::LatFirst);
        degrees.map(|it| shifted_by_habit(it, "apple"))
    } else if is_of("openstreetmap.org") {
        osm(link).map(|it| (it, Datum::Wgs84, "osm", Vec::new()))
    } else {
        return Err(PlaceTextError::UnknownSite(host));
    };
    let (degrees, datum, site, notes) = found.ok_or(PlaceTextError::NoPosition(host))?;
    degrees.read(datum, site, notes)
}

type Found = Option<(Degrees, Datum, &'static str, Vec<PlaceNote>)>;

fn amap(link: &Link<'_>) -> Found {
    let is_gps = link.get("coordinate") == Some("wgs84") || link.get("dev") == Some("1");
    let datum = if is_gps { Datum::Wgs84 } else { Datum::Gcj02 };
    // Names behind the numbers, as in `to=121.47,31.23,name`, do not matter.
    let degrees = link
        .pair(&["position", "lnglat", "center", "to", "dest", "destination", "location"], Order::LngFirst)
        .or_else(|| link.both("lat", "lng").or_else(|| link.both("lat", "lon")).or_else(|| link.both("dlat", "dlon")))
        // Shared places: `q=lat,lng,name`, and `p=id,lat,lng,name,address`.
        .or_else(|| link.pair(&["q"], Order::LatFirst))
        .or_else(|| two(link.get("p")?.split_once(',')?.1, Order::LatFirst))
        .or_else(|| two(link.path.split_once("lnglat=")?.1, Order::LngFirst))
        // Of two numbers only one can be a latitude in China, whatever the page writes first.
        .map(in_china);
    Some((degrees?, datum, "amap", Vec::new()))
}

fn baidu(link: &Link<'_>) -> Found {
    let named = match link.get("coord_type").or_else(|| link.get("coordtype")) {
        Some("gcj02") => Datum::Gcj02,
        Some("wgs84") => Datum::Wgs84,
        _ => Datum::Bd09,
    };
    let latlng = |text: &str| two(text.split_once("latlng:").map_or(text, |(_, it)| it), Order::LatFirst);
    let params = ["location", "latlng", "destination", "center", "origin"];
    let in_degrees = params.iter().find_map(|it| latlng(link.get(it)?));
    if let Some(degrees) = in_degrees.filter(|it| it.lat.abs() <= 90.0) {
        return Some((degrees, named, "baidu", Vec::new()));
    }
    // The address line of the map: `@12959219.8,4825334.6,19z` in metres; links of the older map: `c=12959219,4825334`.
    let metres = link.path.split_once('@').and_then(|(_, it)| two(it, Order::LngFirst));
    let metres = metres.or_else(|| link.pair(&["c", "centerPoint", "b"], Order::LngFirst))?;
    let is_small = metres.lat.abs() <= 90.0 && metres.lng.abs() <= 180.0;
    let degrees = if is_small { metres } else { mercator::to_degrees(metres.lng, metres.lat) };
    Some((degrees, Datum::Bd09, "baidu", Vec::new()))
}

fn tencent(link: &Link<'_>) -> Found {
    let datum = if link.get("coord_type") == Some("1") { Datum::Wgs84 } else { Datum::Gcj02 };
    // `marker=coord:lat,lng;title:name`.
    let marker = || two(link.get("marker")?.split_once("coord:")?.1, Order::LatFirst);
    let degrees = link
        .pair(&["coord", "tocoord", "center", "location", "latlng"], Order::LatFirst)
        .or_else(marker)
        .or_else(|| link.both("pointy", "pointx"))
        .or_else(|| link.both("lat", "lng"))
        .map(in_china);
    Some((degrees?, datum, "tencent", Vec::new()))
}

fn google(link: &Link<'_>) -> Found {
    // The place itself stands behind `!3d` and `!4d`, the middle of the view behind `@`.
    let marked = || {
        let lat = number(link.path.rsplit_once("!3d")?.1.split('!').next()?)?;
        Some(Degrees { lat, lng: number(link.path.rsplit_once("!4d")?.1.split(['!', '?']).next()?)? })
    };
    let degrees = marked()
        .or_else(|| link.pair(&["q", "query", "ll", "destination", "center", "daddr"], Order::LatFirst))
        .or_else(|| two(link.path.split_once('@')?.1, Order::LatFirst))?;
    Some(shifted_by_habit(degrees, "google"))
}

fn osm(link: &Link<'_>) -> Option<Degrees> {
    link.both("mlat", "mlon").or_else(|| {
        // `#map=17/31.23/121.47`.
        let (_, place) = link.path.split_once("map=")?.1.split_once('/')?;
        let (lat, lng) = place.split_once('/')?;
        Some(Degrees { lat: number(lat)?, lng: number(lng.split(['&', '/']).next()?)? })
    })
}

/// Sites from elsewhere draw mainland China in GCJ-02, as the law there has it, and the rest of the Earth in WGS-84.
fn shifted_by_habit(degrees: Degrees, site: &'static str) -> (Degrees, Datum, &'static str, Vec<PlaceNote>) {
    if crate::geo::datum::is_shifted(degrees.lat, degrees.lng) {
        (degrees, Datum::Gcj02, site, vec![PlaceNote::DatumAssumed])
    } else {
        (degrees, Datum::Wgs84, site, Vec::new())
    }
}

fn in_china(it: Degrees) -> Degrees {
    if it.lat.abs() > 90.0 && it.lng.abs() <= 90.0 { Degrees { lat: it.lng, lng: it.lat } } else { it }
}

/// The two numbers that a text begins with.
fn two(text: &str, order: Order) -> Option<Degrees> {
    let mut parts = text.split([',', ';', '|']);
    let (first, second) = (number(parts.next()?)?, number(parts.next()?)?);
    Some(match order {
        Order::LatFirst => Degrees { lat: first, lng: second },
        Order::LngFirst => Degrees { lat: second, lng: first },
    })
}

/// A number, with letters behind it or not: `19z`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    text.get(..end)?.parse().ok().filter(|it: &f64| it.is_finite())
}
