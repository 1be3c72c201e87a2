//! What people paste, and what is read from it.

use super::*;

fn given(
    text: &str,
    datum: Option<Datum>,
) -> Result<(f64, f64, &'static str, &'static str, Vec<PlaceNote>), &'static str> {
    let read = read_place(text, datum).map_err(|error| error.code())?;
    let digits = |it: f64| (it * 1e6).round() / 1e6;
    let at = read.at;
    Ok((digits(at.given_lat()), digits(at.given_lng()), at.datum().as_str(), read.recognised, read.notes))
}

#[test]
fn two_numbers_are_read_in_the_order_that_is_possible() {
    let wgs84 = Some(Datum::Wgs84);
    for text in [
        "31.2304, 121.4737",
        "31.2304 121.4737",
        "(31.2304，121.4737)",
        "３１．２３０４,１２１．４７３７",
        "lat: 31.2304, lng: 121.4737",
        "北纬31.2304 东经121.4737",
        "纬度：31.2304，经度：121.4737",
        "31.2304N 121.4737E",
    ] {
        assert_eq!(given(text, wgs84), Ok((31.2304, 121.4737, "wgs84", "numbers", vec![])), "{text}");
    }
    for text in ["121.4737,31.2304", "121.4737\t31.2304"] {
        assert_eq!(
            given(text, wgs84),
            Ok((31.2304, 121.4737, "wgs84", "numbers", vec![PlaceNote::LngFirst])),
            "{text}"
        );
    }
    assert_eq!(given("E121.4737 N31.2304", wgs84), Ok((31.2304, 121.4737, "wgs84", "numbers", vec![])));
    assert_eq!(given("43.8, 87.6", wgs84), Ok((43.8, 87.6, "wgs84", "numbers", vec![PlaceNote::OrderAssumed])));
    assert_eq!(given("-16.85, 179.97", wgs84), Ok((-16.85, 179.97, "wgs84", "numbers", vec![])));
    assert_eq!(given("31.2304, 121.4737", Some(Datum::Bd09)), Ok((31.2304, 121.4737, "bd09", "numbers", vec![])));
}

#[test]
fn degrees_minutes_and_seconds_are_read() {
    for text in [
        "31°13'49.44\"N 121°28'25.32\"E",
        "31度13分49.44秒, 121度28分25.32秒",
        "N31°13′49.44″, E121°28′25.32″",
        "北纬31°13′49.44″东经121°28′25.32″",
        "31°13'49.44'' 121°28'25.32''",
    ] {
        assert_eq!(given(text, Some(Datum::Wgs84)), Ok((31.2304, 121.4737, "wgs84", "dms", vec![])), "{text}");
    }
    assert_eq!(given("16°51'S 179°58'12\"E", Some(Datum::Wgs84)), Ok((-16.85, 179.97, "wgs84", "dms", vec![])));
    assert_eq!(given("31°61'N 121°E", Some(Datum::Wgs84)), Err("unreadable"));
}

#[test]
fn what_is_no_place_is_refused_with_the_reason() {
    for (text, datum, code) in [
        ("31.2304, 121.4737", None, "datum_missing"),
        ("", Some(Datum::Wgs84), "unreadable"),
        ("人民广场", Some(Datum::Wgs84), "unreadable"),
        ("31.2304", Some(Datum::Wgs84), "unreadable"),
        ("1, 2, 3", Some(Datum::Wgs84), "unreadable"),
        ("98, 181", Some(Datum::Wgs84), "out_of_range"),
        ("https://surl.amap.com/abc123", None, "short_link"),
        ("我在这里:https://j.map.baidu.com/1d/xyz 快来", None, "short_link"),
        ("https://www.amap.com/place/B00155L3DH", None, "no_position"),
        ("https://example.com/?q=31.2,121.4", None, "unknown_site"),
        ("https://amap.com.example.com/?q=31.2,121.4", None, "unknown_site"),
        ("<img src=x onerror=alert(1)>", Some(Datum::Wgs84), "unreadable"),
    ] {
        assert_eq!(given(text, datum).err(), Some(code), "{text}");
    }
    assert_eq!(given(&"1".repeat(5_000), None), Err("unreadable"));
}

#[test]
fn links_of_chinese_maps_know_their_datum() {
    let gcj = |site| Ok((31.234_527, 121.287_689, "gcj02", site, vec![]));
    for text in [
        "https://uri.amap.com/marker?position=121.287689,31.234527&name=park&src=mypage&coordinate=gaode&callnative=0",
        "https://uri.amap.com/navigation?from=116.478346,39.997361,start&to=121.287689,31.234527,end&mode=car",
        "https://www.amap.com/?q=31.234527,121.287689,%E5%85%AC%E5%9B%AD",
        "https://www.amap.com/?p=B000A8URXB,31.234527,121.287689,%E5%85%AC%E5%9B%AD,addr",
        "https://ditu.amap.com/regeo?lng=121.287689&lat=31.234527&name=x",
        "https://ditu.amap.com/?lnglat=121.287689,31.234527",
        "www.amap.com/?lnglat=121.287689,31.234527",
        "https://wb.amap.com/?q=31.234527,121.287689,name",
        "https://m.amap.com/share/index/lnglat=121.287689,31.234527",
    ] {
        assert_eq!(given(text, None), gcj("amap"), "{text}");
    }
    let gps = "https://uri.amap.com/marker?position=121.287689,31.234527&coordinate=wgs84";
    assert_eq!(given(gps, None).unwrap().2, "wgs84");
    for text in [
        "https://apis.map.qq.com/uri/v1/marker?marker=coord:31.234527,121.287689;title:x;addr:y&referer=myapp",
        "https://apis.map.qq.com/uri/v1/geocoder?coord=31.234527,121.287689&referer=myapp",
        "https://apis.map.qq.com/uri/v1/routeplan?type=drive&to=x&tocoord=31.234527,121.287689",
        "https://map.qq.com/?type=poi&what=x&pointx=121.287689&pointy=31.234527",
    ] {
        assert_eq!(given(text, None), gcj("tencent"), "{text}");
    }
}

#[test]
fn links_of_baidu_are_read_in_degrees_and_in_metres() {
    let marker = "http://api.map.baidu.com/marker?location=40.047669,116.313082&title=x&content=y&output=html";
    assert_eq!(given(marker, None), Ok((40.047_669, 116.313_082, "bd09", "baidu", vec![])));
    let gcj = format!("{marker}&coord_type=gcj02");
    assert_eq!(given(&gcj, None), Ok((40.047_669, 116.313_082, "gcj02", "baidu", vec![])));
    let way = "http://api.map.baidu.com/direction?origin=latlng:34.26,108.95|name:a&destination=latlng:40.047669,116.313082|name:b&mode=driving";
    assert_eq!(given(way, None), Ok((40.047_669, 116.313_082, "bd09", "baidu", vec![])));
    for text in [
        "https://map.baidu.com/@12693763.634,3874151.929,19z",
        "https://map.baidu.com/search/%E9%A9%BB%E9%A9%AC%E5%BA%97/@12693763.634,3874151.929,12.4z?querytype=s",
        "https://map.baidu.com/?newmap=1&s=con&c=12693763.634,3874151.929",
    ] {
        assert_eq!(given(text, None), Ok((33.017_67, 114.028_778, "bd09", "baidu", vec![])), "{text}");
    }
}

#[test]
fn links_from_elsewhere_are_read_too() {
    let assumed = vec![PlaceNote::DatumAssumed];
    let place =
        "https://www.google.com/maps/place/X/@31.2,121.4,17z/data=!3m1!4b1!4m6!3m5!8m2!3d31.2304!4d121.4737!16s";
    assert_eq!(given(place, None), Ok((31.2304, 121.4737, "gcj02", "google", assumed.clone())));
    let view = "https://www.google.com.hk/maps/@31.2304,121.4737,15z";
    assert_eq!(given(view, None), Ok((31.2304, 121.4737, "gcj02", "google", assumed)));
    assert_eq!(
        given("https://maps.google.com/?q=48.8584,2.2945", None),
        Ok((48.8584, 2.2945, "wgs84", "google", vec![]))
    );
    assert_eq!(
        given("https://maps.apple.com/?ll=48.8584,2.2945&q=x", None),
        Ok((48.8584, 2.2945, "wgs84", "apple", vec![]))
    );
    let osm = "https://www.openstreetmap.org/#map=17/31.2304/121.4737";
    assert_eq!(given(osm, None), Ok((31.2304, 121.4737, "wgs84", "osm", vec![])));
    assert_eq!(given("geo:31.2304,121.4737;u=35", None), Ok((31.2304, 121.4737, "wgs84", "geo", vec![])));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_stumble(text: String, link in "(https://(map.baidu.com|www.amap.com|map.qq.com|google.com)/)?[-@#!?&=,.0-9a-z/%\u{4e00}]{0,60}") {
        let _ = read_place(&text, Some(Datum::Gcj02));
        let _ = read_place(&link, Some(Datum::Gcj02));
    }
}
