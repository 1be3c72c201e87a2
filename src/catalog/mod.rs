//! The catalog: the published truth about stores, groups, contacts, campaigns and regions, and what becomes of a sheet on the way there.

mod by_owner;
mod campaigns;
mod chunked;
pub mod code;
pub mod column;
pub mod columns;
mod doubt;
pub mod draft;
mod edited;
mod in_force;
mod join_code_id;
mod map_merge;
mod merge;
mod misplaced;
mod moment;
mod on_map;
mod outside;
pub mod owned;
mod places;
pub mod plain;
mod problem;
mod search;
mod selections;
mod shown;
mod snapshot;
mod spelling;
pub mod suspicion;

pub use campaigns::{CampaignRow, read_campaign, read_campaigns};
pub use chunked::{Chunked, Iter};
pub use column::Column;
pub use columns::{ColumnMap, Mapping};
pub use doubt::{Doubt, DoubtKind, place_doubts};
pub use draft::{Cells, FirstContact, FirstGroup, SheetRules, StoreRow};
pub use edited::Edits;
pub use in_force::{InForce, Standing};
pub use join_code_id::JoinCodeId;
pub use map_merge::{MapPieces, merge_map};
pub use merge::{Change, Merge, Merged, Mode};
pub use misplaced::{doubts, misplaced_rows};
pub use places::Place;
pub use problem::Problem;
pub use search::{Found, StoreFilter};
pub use selections::Selection;
pub use snapshot::{Catalog, Entries, Joinable};

#[cfg(test)]
mod tests;
