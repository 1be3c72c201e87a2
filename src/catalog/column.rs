//! The columns of the store sheet and their names in both languages. Which header is taken for which is decided in `columns`.

use std::sync::LazyLock;

use super::plain::{folded, one_line, trimmed};

/// A header is cut to so many characters where it names an extra.
pub const HEADER_CHARS_MAX: usize = 100;
/// Columns in which a sheet of refused rows says what is wrong; they are never read.
pub const NOTE_HEADERS: [&str; 2] = ["问题（导入时忽略）", "problem (ignored)"];

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $chinese:literal, $others:expr;)*) => {
        /// A column with a meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Column { $($(#[$doc])* $name),* }

        impl Column {
            /// All columns, in the order in which a sheet is written.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The English header.
            #[must_use]
            pub fn english(self) -> &'static str {
                match self { $(Self::$name => $english),* }
            }

            /// The Chinese header.
            #[must_use]
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese),* }
            }

            /// Other names that real sheets use, best first.
            pub(super) fn others(self) -> &'static [&'static str] {
                match self { $(Self::$name => &$others),* }
            }
        }
    };
}

columns! {
    /// The chain's own code.
    Id: "id", "门店编号", ["store_id", "门店ID", "store_code", "门店编码", "store_number", "store_no", "编号"];
    /// The name that customers see.
    Name: "name", "门店名称", ["store_name", "店名", "门店名", "名称"];
    /// The street address.
    Address: "address", "地址", ["store_addr", "store_address", "门店地址", "详细地址", "street_address", "addr"];
    /// Province.
    Province: "province", "省", ["province_name", "省份", "state/province", "state"];
    /// City.
    City: "city", "市", ["city_name", "城市"];
    /// District.
    District: "district", "区", ["district_name", "county_name", "county", "区县", "区/县"];
    /// Latitude in decimal degrees.
    Lat: "lat", "纬度", ["latitude"];
    /// Longitude in decimal degrees.
    Lng: "lng", "经度", ["longitude", "lon", "long"];
    /// What the degrees refer to.
    Datum: "datum", "坐标系", ["coordinate_system", "coord_type"];
    /// Whether the store takes part.
    Status: "status", "状态", ["门店状态", "营业状态"];
    /// Opening hours.
    Hours: "hours", "营业时间", ["opening_hours", "business_hours", "working_hours", "workinghour"];
    /// Days on which it does not open.
    Closures: "closures", "临时闭店", ["closed_dates", "closed_days", "临时停业", "闭店日期"];
    /// Link of a first group chat.
    GroupUrl: "group_url", "群链接", [];
    /// Its name.
    GroupName: "group_name", "群名称", [];
    /// Its capacity.
    GroupCapacity: "group_capacity", "群上限", [];
    /// When its link expires.
    GroupExpires: "group_expires", "群过期时间", [];
    /// Whether its code is one that renews itself.
    GroupCode: "group_code", "群码类型", [];
    /// Link of a first contact.
    ContactUrl: "contact_url", "店长链接", [];
    /// Its name.
    ContactName: "contact_name", "店长", [];
    /// Labels of the operator.
    Tags: "tags", "标签", [];
    /// The IANA time zone of the opening hours.
    Timezone: "time_zone", "时区", ["tz"];
    /// Longitude and latitude in one cell.
    LngLat: "lnglat", "经纬度", ["lonlat"];
    /// Latitude and longitude in one cell.
    LatLng: "latlng", "纬经度", ["latlon"];
}

/// How many columns there are.
pub const COLUMN_COUNT: usize = Column::ALL.len();

impl Column {
    /// The column's place in [`Column::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|it| *it == self).unwrap_or(0)
    }

    /// The columns that a sheet is written with: all but those that hold two numbers in one cell, and the kind of code, which
    /// the moment of its expiry says.
    pub fn written() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|it| !matches!(it, Self::LngLat | Self::LatLng | Self::GroupCode))
    }

    /// Reads an English or Chinese name of a column.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let key = key(name);
        Self::ALL.iter().copied().find(|it| it.rank(&key) == Some(0))
    }

    /// How good a name of this column a header is: 0 is its own name, more is worse.
    pub(super) fn rank(self, header_key: &str) -> Option<usize> {
        let place = KEYS.get(self.index())?.iter().position(|it| it == header_key)?;
        // The first two are its own names.
        Some(place.saturating_sub(1))
    }
}

/// The names of every column in the form in which headers are compared, made once: a sheet asks for them with every cell that is
/// of no column.
static KEYS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let of = |it: &Column| [it.english(), it.chinese()].iter().chain(it.others()).map(|it| key(it)).collect();
    Column::ALL.iter().map(of).collect()
});

/// The form in which headers are compared.
pub(super) fn key(header: &str) -> String {
    let marked = folded(header);
    let bare = trimmed(&marked).trim_end_matches('*');
    bare.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '_' | '-' | '\u{feff}' | '\u{200b}'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The name under which an unknown column is kept: its header on one line, cut to [`HEADER_CHARS_MAX`] characters. A header that
/// is the name of a column, passed over by a mapping, gets ` (sheet)` behind it, so that the sheet can be written and read again.
#[must_use]
pub fn extra_name(header: &str) -> String {
    let line = one_line(header);
    let cut: String = line.chars().take(HEADER_CHARS_MAX).collect();
    let cut = trimmed(&cut);
    if Column::parse(cut).is_some() { format!("{cut} (sheet)") } else { cut.to_owned() }
}
