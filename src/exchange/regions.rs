//! Regions in: a GeoJSON collection (RFC 7946) of polygons and multipolygons; not whether they make a map together.
//!
//! The row of a feature is its place in the collection, from 1. Longitude comes first here and in the
//! reader of stores, nowhere else.

mod collection;
mod feature;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use collection::each_feature;
use feature::{Feature, Geometry, Properties, plain_text};

use super::{SHEET_BYTES_MAX, encoding, kind};
use crate::catalog::{Problem, code};
use crate::geo::{Datum, Shape, datum};
use crate::id::{IdError, RegionCode, StoreId};
use crate::region::{Level, Region, ServiceArea};

/// The most features that are read.
const FEATURES_MAX: usize = 100_000;
/// The longest name of a region, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Properties that hold a code, the first that is there counts.
const CODE_NAMES: [&str; 3] = ["adcode", "code", "id"];
/// Names of coordinate systems that are WGS-84, or CGCS2000, which differs from it by less than a metre.
const WGS84_NAMES: [&str; 4] = ["CRS84", "4326", "4490", "WGS84"];

/// What becomes of rings that cross themselves. Some published maps have them in hundreds of districts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Crossings {
    /// They are refused.
    #[default]
    Refuse,
    /// They are read, what is inside is told by the even-odd rule, and there is a warning.
    Warn,
}

/// How features are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegionRules {
    /// The datum of features that name none; without it they are WGS-84.
    pub datum: Option<Datum>,
    /// The level of features that name none and whose code does not tell; without it they are areas.
    pub level: Option<Level>,
    /// What becomes of rings that cross themselves.
    pub crossings: Crossings,
}

/// What came of a file that could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegionSheet {
    /// The features of the file, those left out included.
    pub features: usize,
    /// The regions, in the order of the file.
    pub regions: Vec<Region>,
    /// The areas that stores serve, in the order of the file.
    pub service_areas: Vec<ServiceArea>,
    /// What is suspicious.
    pub warnings: Vec<Problem>,
    /// The row of each region.
    region_rows: HashMap<RegionCode, u64>,
    /// The row of each service area.
    store_rows: HashMap<StoreId, u64>,
}

impl RegionSheet {
    /// The row of a region by its code, or of a service area by its store.
    #[must_use]
    pub fn row_of(&self, code_or_store: &str) -> Option<u64> {
        self.region_rows.get(code_or_store).or_else(|| self.store_rows.get(code_or_store)).copied()
    }
}

/// Reads a file of regions. Of the properties, `adcode`, `code` or `id` is the code, and `name`, `level`, `parent` and `datum` are what
/// they say; a parent may be an object with an `adcode`, as 阿里云's `DataV` writes it. A feature with a `store` is the area that the
/// store with this id serves, and needs no other property.
///
/// # Errors
/// Every problem of every feature, if there is one.
pub fn read_regions(bytes: &[u8], file_name: &str, rules: RegionRules) -> Result<RegionSheet, Vec<Problem>> {
    if bytes.len() > SHEET_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {SHEET_BYTES_MAX} are read", bytes.len());
        return Err(vec![Problem::new(code::TOO_LARGE, message)]);
    }
    kind::tell(bytes, file_name).map_err(|it| vec![it])?;
    let text = encoding::decode(bytes).map_err(|it| vec![it])?;
    let mut reader = Reader { rules, sheet: RegionSheet::default(), problems: Vec::new(), wound: Seen::default() };
    let crs = each_feature(&text, |feature| {
        reader.take(feature);
        reader.sheet.features <= FEATURES_MAX
    });
    if reader.sheet.features > FEATURES_MAX {
        let message = format!("the collection has more than {FEATURES_MAX} features; divide it");
        return Err(vec![Problem::new(code::TOO_MANY_ROWS, message)]);
    }
    match crs {
        Ok(crs) => reader.check_system(crs.as_ref()),
        Err(error) => {
            let message = format!("this is no GeoJSON collection of areas: {error}");
            return Err(vec![Problem::new(code::GEOJSON_UNREADABLE, message)]);
        }
    }
    if reader.sheet.features == 0 {
        return Err(vec![Problem::new(code::NO_ROWS, "the collection has no features")]);
    }
    reader.finish()
}

/// How many features something is true of, and the first of them.
#[derive(Default)]
struct Seen {
    first: Option<(u64, String)>,
    count: usize,
}

struct Reader {
    rules: RegionRules,
    sheet: RegionSheet,
    problems: Vec<Problem>,
    wound: Seen,
}

impl Reader {
    fn check_system(&mut self, crs: Option<&Value>) {
        let Some(name) = crs.map(ToString::to_string) else {
            return;
        };
        if !WGS84_NAMES.iter().any(|known| name.to_uppercase().contains(known)) {
            let message = "the file names a coordinate system that is not read; convert it to WGS-84";
            self.problems.push(Problem::new(code::DATUM_UNKNOWN, message).in_column("crs", &name));
        }
    }

    fn take(&mut self, feature: Value) {
        self.sheet.features += 1;
        let row = u64::try_from(self.sheet.features).unwrap_or(u64::MAX);
        let before = self.problems.len();
        let feature: Feature = match serde_json::from_value(feature) {
            Ok(feature) => feature,
            Err(error) => {
                return self.refuse(row, "", code::GEOJSON_UNREADABLE, format!("this feature is broken: {error}"));
            }
        };
        if feature.kind != "Feature" {
            let message = format!("this is a {}, not a Feature", feature.kind);
            return self.refuse(row, "", code::GEOJSON_UNREADABLE, message);
        }
        let properties = Properties(feature.properties.unwrap_or_default());
        if properties.text("level").as_deref() == Some("nine_dash_line") {
            let message = "this feature is a line drawn on Chinese maps and no region; it is left out";
            self.warn(row, "level", code::NOT_A_REGION, message.to_owned());
            return;
        }
        if let Some(text) = properties.text("store") {
            return self.service_area(row, &text, &properties, feature.geometry);
        }
        let region_code = self.code(row, &properties, feature.id.as_ref());
        let name = self.name(row, &properties);
        let level = self.level(row, &properties, region_code.as_ref());
        let parent = self.parent(row, &properties);
        let datum = self.datum(row, &properties);
        let shape = self.shape(row, feature.geometry, datum);
        if self.problems.len() > before {
            return;
        }
        if let (Some(code), Some(name), Some(level), Some(shape)) = (region_code, name, level, shape) {
            self.sheet.regions.push(Region { code, name, level, parent, shape: Arc::new(shape) });
        }
    }

    /// A feature that names a store is the area that the store serves.
    fn service_area(&mut self, row: u64, text: &str, properties: &Properties, geometry: Option<Geometry>) {
        let before = self.problems.len();
        let store = match StoreId::parse(text) {
            Ok(store) => Some(store),
            Err(error) => {
                let problem = Problem::new(code::BAD_CHARACTER, format!("the store's id {error}"));
                self.problems.push(problem.in_row(row).in_column("store", text));
                None
            }
        };
        if let Some(earlier) = store.as_ref().and_then(|it| self.sheet.store_rows.insert(it.clone(), row)) {
            let message = format!("feature {earlier} is this store's area; a MultiPolygon holds several pieces");
            self.problems.push(Problem::new(code::DUPLICATE_ID, message).in_row(row).in_column("store", text));
        }
        let datum = self.datum(row, properties);
        let shape = self.shape(row, geometry, datum);
        if let (Some(store), Some(shape)) = (store, shape)
            && self.problems.len() == before
        {
            self.sheet.service_areas.push(ServiceArea { store, shape: Arc::new(shape) });
        }
    }

    fn refuse(&mut self, row: u64, column: &'static str, code: &'static str, message: String) {
        let problem = Problem::new(code, message).in_row(row);
        self.problems.push(if column.is_empty() { problem } else { problem.in_column(column, "") });
    }

    fn warn(&mut self, row: u64, column: &'static str, code: &'static str, message: String) {
        self.sheet.warnings.push(Problem::new(code, message).in_row(row).in_column(column, ""));
    }

    fn code(&mut self, row: u64, properties: &Properties, id: Option<&Value>) -> Option<RegionCode> {
        let own = CODE_NAMES.iter().find_map(|it| properties.text(it));
        let Some(text) = own.or_else(|| id.and_then(plain_text)) else {
            self.refuse(row, "code", code::MISSING, "a region has a code: adcode, code or id".to_owned());
            return None;
        };
        match RegionCode::parse_new(&text) {
            Ok(code) => {
                if let Some(earlier) = self.sheet.region_rows.insert(code.clone(), row) {
                    let problem = Problem::new(code::DUPLICATE_ID, format!("feature {earlier} has the same code"));
                    self.problems.push(problem.in_row(row).in_column("code", &text));
                }
                Some(code)
            }
            Err(error) => {
                let word = if error == IdError::Reserved { code::RESERVED } else { code::BAD_CHARACTER };
                let problem = Problem::new(word, format!("the code {error}"));
                self.problems.push(problem.in_row(row).in_column("code", &text));
                None
            }
        }
    }

    fn name(&mut self, row: u64, properties: &Properties) -> Option<Box<str>> {
        let Some(name) = properties.text("name") else {
            self.refuse(row, "name", code::MISSING, "a region has a name".to_owned());
            return None;
        };
        let (chars, is_odd) = (name.chars().count(), name.chars().any(char::is_control));
        if chars <= NAME_CHARS_MAX && !is_odd {
            return Some(name.into());
        }
        let (code, message) = if is_odd {
            (code::BAD_CHARACTER, "the name holds a control character".to_owned())
        } else {
            (code::TOO_LONG, format!("the name has {chars} characters, at most {NAME_CHARS_MAX} are allowed"))
        };
        self.problems.push(Problem::new(code, message).in_row(row).in_column("name", &name));
        None
    }

    fn level(&mut self, row: u64, properties: &Properties, region_code: Option<&RegionCode>) -> Option<Level> {
        let Some(text) = properties.text("level") else {
            let of_code = || Level::of_adcode(region_code?.as_str()).filter(|_| properties.text("adcode").is_some());
            return Some(self.rules.level.or_else(of_code).unwrap_or(Level::Area));
        };
        let level = Level::parse(&text);
        if level.is_none() {
            let message = "the level is none of province, city, district and area";
            self.problems.push(Problem::new(code::LEVEL_UNKNOWN, message).in_row(row).in_column("level", &text));
        }
        level
    }

    fn parent(&mut self, row: u64, properties: &Properties) -> Option<RegionCode> {
        let parent = properties.0.get("parent")?;
        let inner = parent.as_object().and_then(|it| CODE_NAMES.iter().find_map(|name| plain_text(it.get(*name)?)));
        let text = inner.or_else(|| plain_text(parent))?;
        RegionCode::parse(&text)
            .map_err(|error| {
                let problem = Problem::new(code::BAD_CHARACTER, format!("the parent's code {error}"));
                self.problems.push(problem.in_row(row).in_column("parent", &text));
            })
            .ok()
    }

    fn datum(&mut self, row: u64, properties: &Properties) -> Option<Datum> {
        let Some(text) = properties.text("datum") else {
            return self.rules.datum;
        };
        let datum = Datum::parse(&text);
        if datum.is_none() {
            let message = "the datum is none of wgs84, gcj02 and bd09";
            self.problems.push(Problem::new(code::DATUM_UNKNOWN, message).in_row(row).in_column("datum", &text));
        }
        datum
    }

    fn shape(&mut self, row: u64, geometry: Option<Geometry>, datum: Option<Datum>) -> Option<Shape> {
        let Some(geometry) = geometry else {
            self.refuse(row, "geometry", code::NO_GEOMETRY, "this feature has no place on the map".to_owned());
            return None;
        };
        let Some(polygons) = feature::polygons(&geometry) else {
            let message = format!("a region is a Polygon or a MultiPolygon, not a {}", geometry.kind);
            self.refuse(row, "geometry", code::NOT_AN_AREA, message);
            return None;
        };
        let polygons = match polygons {
            Ok(polygons) => polygons,
            Err(what) => {
                let message = format!("the coordinates of this {} are broken: {what}", geometry.kind);
                self.refuse(row, "geometry", code::NOT_AN_AREA, message);
                return None;
            }
        };
        let (shape, flaws) = match Shape::from_rings(&polygons, datum.unwrap_or_default()) {
            Ok((shape, flaws)) => (Some(shape), flaws),
            Err(flaws) => (None, flaws),
        };
        for flaw in flaws {
            let code = flaw.kind.code();
            let is_refused =
                flaw.kind.is_fatal() || (code == code::SELF_INTERSECTING && self.rules.crossings == Crossings::Refuse);
            if code == code::WRONG_WINDING {
                self.wound.first.get_or_insert_with(|| (row, flaw.to_string()));
                self.wound.count += 1;
            } else if is_refused {
                self.refuse(row, "geometry", code, flaw.to_string());
            } else {
                self.warn(row, "geometry", code, flaw.to_string());
            }
        }
        if datum.is_none() && shape.as_ref().is_some_and(lies_where_gcj02_is_usual) {
            self.assume_wgs84(row);
        }
        shape
    }

    /// Says once a file that its datum is taken for granted.
    fn assume_wgs84(&mut self, row: u64) {
        if self.sheet.warnings.iter().all(|it| it.code != code::DATUM_ASSUMED) {
            let message = "no datum is named, so this is read as wgs84; maps from 高德, 腾讯 and DataV are gcj02, half a kilometre off";
            self.warn(row, "datum", code::DATUM_ASSUMED, message.to_owned());
        }
    }

    fn finish(mut self) -> Result<RegionSheet, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        if let Some((row, message)) = self.wound.first {
            let more = self.wound.count - 1;
            let message = if more == 0 { message } else { format!("{message}; so it is in {more} more features") };
            self.sheet.warnings.push(Problem::new(code::WRONG_WINDING, message).in_row(row).in_column("geometry", ""));
        }
        Ok(self.sheet)
    }
}

/// GCJ-02 is used where China is drawn, and differs from WGS-84 only there.
fn lies_where_gcj02_is_usual(shape: &Shape) -> bool {
    let middle = shape.circle().middle;
    datum::is_shifted(middle.lat(), middle.lon())
}

#[cfg(test)]
mod tests;
