//! The catalog: the published truth about stores, groups, contacts, campaigns and regions, and what becomes of a sheet on the way there.

mod by_owner;
mod campaigns;
pub mod code;
pub mod column;
pub mod columns;
pub mod draft;
mod merge;
mod moment;
mod places;
pub mod plain;
mod problem;
mod search;
mod snapshot;
pub mod suspicion;

pub use campaigns::{CampaignRow, read_campaigns};
pub use column::Column;
pub use columns::{ColumnMap, Mapping};
pub use draft::{Cells, FirstContact, FirstGroup, SheetRules, StoreRow};
pub use merge::{Change, Merge, Merged, Mode};
pub use places::Place;
pub use problem::Problem;
pub use search::{Found, StoreFilter};
pub use snapshot::{Catalog, Entries, JoinCodeId, Joinable};

#[cfg(test)]
mod tests;
