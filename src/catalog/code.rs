//! The stable words of reports: every `code` that reading a sheet of stores or a map of regions can give, in one place.
//!
//! A word keeps its meaning for good; its sentence may change.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $word;)*
        /// All of them.
        pub const ALL: &[&str] = &[$($word),*];
    };
}

codes! {
    /// A required cell is empty.
    MISSING = "missing";
    /// More characters than allowed.
    TOO_LONG = "too_long";
    /// A character that may not stand there.
    BAD_CHARACTER = "bad_character";
    /// An id that is a word of the service's own addresses.
    RESERVED = "reserved_word";
    /// A spreadsheet has turned a long id into a number such as `1.00032E+11`; digits are lost.
    ID_ROUNDED = "id_rounded";
    /// Two rows with one id.
    DUPLICATE_ID = "duplicate_id";
    /// Not a number where one is required.
    NOT_A_NUMBER = "not_a_number";
    /// A number outside its range.
    OUT_OF_RANGE = "out_of_range";
    /// Neither the row nor the import names a datum.
    DATUM_MISSING = "datum_missing";
    /// A datum that nobody knows.
    DATUM_UNKNOWN = "datum_unknown";
    /// Not a status.
    STATUS_UNKNOWN = "status_unknown";
    /// Not opening hours.
    HOURS_UNREADABLE = "hours_unreadable";
    /// Not closures.
    CLOSURES_UNREADABLE = "closures_unreadable";
    /// Not a date and time.
    DATE_UNREADABLE = "date_unreadable";
    /// A link that is not `https://`.
    NOT_HTTPS = "not_https";
    /// A link to a host that is not on the allow-list.
    HOST_NOT_ALLOWED = "host_not_allowed";
    /// More tags than a store may have.
    TOO_MANY_TAGS = "too_many_tags";
    /// More unknown columns with content than a row may have.
    TOO_MANY_EXTRAS = "too_many_extras";
    /// A row with more cells than the header.
    TOO_MANY_CELLS = "too_many_cells";
    /// A quotation mark that is never closed.
    UNCLOSED_QUOTE = "unclosed_quote";
    /// No column with a required meaning.
    COLUMN_MISSING = "column_missing";
    /// A column that has no meaning in a sheet that keeps no others.
    UNKNOWN_COLUMN = "unknown_column";
    /// Neither a live nor an uploaded code.
    CODE_UNKNOWN = "code_unknown";
    /// A live code with a date on which it expires.
    CODE_EXPIRES = "code_expires";
    /// A group or contact of more than one owner.
    TWO_OWNERS = "two_owners";
    /// A store that the catalog does not have.
    UNKNOWN_STORE = "unknown_store";
    /// A campaign that the catalog does not have.
    UNKNOWN_CAMPAIGN = "unknown_campaign";
    /// Two columns with one meaning.
    DUPLICATE_COLUMN = "duplicate_column";
    /// The mapping names a header that the sheet does not have.
    MAPPED_COLUMN_MISSING = "mapped_column_missing";
    /// More columns than a sheet may have.
    TOO_MANY_COLUMNS = "too_many_columns";
    /// More rows than a sheet may have.
    TOO_MANY_ROWS = "too_many_rows";
    /// More bytes than a sheet may have.
    TOO_LARGE = "too_large";
    /// Nothing in the file.
    EMPTY = "empty";
    /// A header and nothing below it.
    NO_ROWS = "no_rows";
    /// Bytes that are no text in any encoding that is read.
    ENCODING = "encoding";
    /// A photograph or drawing.
    PICTURE = "picture";
    /// A PDF document.
    PDF = "pdf";
    /// A workbook of a form that is not read (`.xlsb`, `.ods`).
    WORKBOOK = "workbook";
    /// A workbook (`.xlsx`) that is damaged or cut off.
    WORKBOOK_BROKEN = "workbook_broken";
    /// A workbook that unpacks to far more than a sheet needs.
    WORKBOOK_EXPANDS = "workbook_expands";
    /// A cell whose formula failed (`#N/A`, `#REF!`).
    CELL_ERROR = "cell_error";
    /// A workbook of Excel 97 (`.xls`).
    OLD_WORKBOOK = "old_workbook";
    /// A workbook under a password.
    ENCRYPTED = "encrypted";
    /// A packed archive.
    ARCHIVE = "archive";
    /// A web page or another XML document.
    MARKUP = "markup";
    /// Something else that is no sheet.
    NOT_A_SHEET = "not_a_sheet";
    /// Broken JSON, or JSON that is no feature collection.
    GEOJSON_UNREADABLE = "geojson_unreadable";
    /// A line that is no JSON object.
    LINE_UNREADABLE = "line_unreadable";
    /// A feature without a place.
    NO_GEOMETRY = "no_geometry";
    /// A feature that is a line or an area.
    NOT_A_POINT = "not_a_point";
    /// A feature that is neither a polygon nor a multipolygon, or one whose coordinates are none.
    NOT_AN_AREA = "not_an_area";
    /// Not a level of regions.
    LEVEL_UNKNOWN = "level_unknown";
    /// Something that can only be part of what is larger says otherwise.
    PARENT_LEVEL = "parent_level";
    /// A ring whose last position is not its first.
    OPEN_RING = "open_ring";
    /// A ring of fewer than four positions.
    TOO_FEW_POSITIONS = "too_few_positions";
    /// A ring that encloses nothing, or no ring.
    EMPTY_AREA = "empty_area";
    /// A shape of more vertices than are read.
    TOO_MANY_VERTICES = "too_many_vertices";
    /// A shape whose edges lie too close together to be checked.
    TOO_TANGLED = "too_tangled";
    /// A ring around a pole.
    AROUND_POLE = "around_pole";
    /// A hole outside its polygon.
    HOLE_OUTSIDE = "hole_outside";
    /// A ring that crosses, touches or retraces itself or another; a warning where such shapes are accepted.
    SELF_INTERSECTING = "self_intersecting";
    /// Warning: rings wound the wrong way round.
    WRONG_WINDING = "wrong_winding";
    /// Warning: a ring crosses the antimeridian without being cut there.
    ANTIMERIDIAN = "antimeridian";
    /// Warning: no datum is named, and another one is usual there.
    DATUM_ASSUMED = "datum_assumed";
    /// Warning: a feature is left out because it is no region.
    NOT_A_REGION = "not_a_region";
    /// Warning: several columns could have had this meaning, one was taken.
    COLUMN_CHOICE = "column_choice";
    /// Warning: not an IANA time zone.
    TIMEZONE_UNKNOWN = "timezone_unknown";
    /// Warning: a group or contact without a link is left out.
    LINK_MISSING = "link_missing";
    /// Warning: more chats or members of staff of `WeCom` than one code leads to.
    TOO_MANY_IDS = "too_many_ids";
    /// Warning: what can be no id in `WeCom` is left out.
    ID_UNFIT = "id_unfit";
    /// Warning: latitude and longitude look exchanged.
    SWAPPED = "swapped";
    /// Warning: the place is 0, 0.
    ZERO_ZERO = "zero_zero";
    /// Warning: another store stands within 10 m.
    TOO_CLOSE = "too_close";
    /// Warning: a store stands outside the region that its columns name.
    OUTSIDE_REGION = "outside_region";
    /// Warning: another datum would explain how far the store has moved.
    DATUM_SUSPECT = "datum_suspect";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_word_of_its_own() {
        let mut words = ALL.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ALL.len());
        assert!(ALL.iter().all(|it| it.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }
}
