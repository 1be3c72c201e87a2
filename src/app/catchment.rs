//! Who would be routed where, as a picture: the real decision for every point of a grid, now and with a change that nobody has
//! published yet.

mod draft;
mod grid;
mod outline;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

use super::publish::ImportError;
use super::{App, load_catalog};
use crate::catalog::{Catalog, Problem, Standing};
use crate::geo::polygon::Frame;
use crate::id::{CampaignSlug, StoreId};
pub use draft::{CHANGES_MAX, DraftChange};
use grid::{Deciding, Grid};
pub use outline::Outlines;

/// Points along the longer side of the grid: the fewest, the default and the most.
pub const SIZE_MIN: usize = 8;
/// Points along the longer side unless somebody says otherwise.
pub const SIZE_DEFAULT: usize = 96;
/// The most points along the longer side.
pub const SIZE_MAX: usize = 160;
/// Colours of which no two neighbours have the same, if six are enough.
const COLOURS: usize = 6;
/// Overlaps and changes that are listed.
const PAIRS_MAX: usize = 50;

/// Which picture.
#[derive(Debug, Clone)]
pub struct CatchmentAsk {
    /// Of which frame.
    pub frame: Frame,
    /// Points along its longer side.
    pub size: usize,
    /// Through which landing code.
    pub campaign: CampaignSlug,
}

/// With what the live catalog is compared.
#[derive(Debug, Clone)]
pub enum Against {
    /// With nothing.
    Nothing,
    /// An earlier version comes before it.
    Version(u64),
    /// These changes come after it.
    Draft(Vec<DraftChange>),
}

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum CatchmentError {
    /// No campaign has this short name.
    #[error("there is no campaign {0}")]
    UnknownCampaign(CampaignSlug),
    /// No store has this id.
    #[error("there is no store {0}")]
    UnknownStore(StoreId),
    /// The changes make no catalog.
    #[error("the changes cannot be used")]
    Invalid(Vec<Problem>),
    /// The version cannot be read.
    #[error(transparent)]
    Version(#[from] ImportError),
}

/// A store, and the points that are routed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Caught {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Degrees north, WGS-84.
    pub lat: f64,
    /// Degrees east, WGS-84.
    pub lng: f64,
    /// How many points.
    pub cells: usize,
    /// Which of six colours.
    pub colour: usize,
    /// The outline of the points.
    pub rings: Outlines,
}

/// Points that go from one store to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shift {
    /// The id of the store before; none is out of reach.
    pub from: Option<String>,
    /// Its name.
    pub from_name: Option<String>,
    /// The id of the store after.
    pub to: Option<String>,
    /// Its name.
    pub to_name: Option<String>,
    /// How many points.
    pub cells: usize,
}

/// Two service areas that lie over each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Overlap {
    /// The ids of the two stores.
    pub stores: [String; 2],
    /// Their names.
    pub names: [String; 2],
    /// How many points.
    pub cells: usize,
}

/// The picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Catchment {
    /// Points from south to north, and from west to east.
    pub rows: usize,
    /// Points from west to east.
    pub columns: usize,
    /// Points that no store is in reach of.
    pub holes: usize,
    /// The same before; the same number where nothing is compared.
    pub holes_before: usize,
    /// The stores that points are routed to, the largest catchments first.
    pub stores: Vec<Caught>,
    /// Who wins from whom, the most points first.
    pub shifts: Vec<Shift>,
    /// The outline of the points that change hands.
    pub changed: Outlines,
    /// How many points change hands.
    pub changed_cells: usize,
    /// Service areas that lie over each other.
    pub overlaps: Vec<Overlap>,
    /// The outline of the points in several service areas.
    pub overlapping: Outlines,
}

impl App {
    /// The picture of the live catalog, beside another. Blocks for as long as some ten thousand decisions take.
    ///
    /// # Errors
    /// [`CatchmentError`] says what is wrong with the question.
    pub fn catchment(&self, ask: &CatchmentAsk, against: Against) -> Result<Catchment, CatchmentError> {
        let live = self.catalog();
        let live: &Catalog = &live;
        match against {
            Against::Nothing => {
                let grid = self.grid(ask, live)?;
                Ok(picture(ask, (live, &grid), None))
            }
            Against::Version(version) => {
                let before = load_catalog(&*self.parts.storage, version)?;
                let (grid, old) = (self.grid(ask, live)?, self.grid(ask, &before)?);
                Ok(picture(ask, (live, &grid), Some((&before, &old))))
            }
            Against::Draft(changes) => {
                let after = draft::drafted(live, changes)?;
                let (grid, old) = (self.grid(ask, &after)?, self.grid(ask, live)?);
                Ok(picture(ask, (&after, &grid), Some((live, &old))))
            }
        }
    }

    fn grid(&self, ask: &CatchmentAsk, catalog: &Catalog) -> Result<Grid, CatchmentError> {
        let in_force = catalog.in_force(&ask.campaign, self.now());
        if in_force.standing == Standing::Unknown {
            return Err(CatchmentError::UnknownCampaign(ask.campaign.clone()));
        }
        let campaign = in_force.campaign;
        let deciding = Deciding { catalog, campaign, policy: self.policy(), now: self.now() };
        Ok(Grid::decide(&deciding, ask.frame, ask.size))
    }
}

fn picture(ask: &CatchmentAsk, (catalog, grid): (&Catalog, &Grid), before: Option<(&Catalog, &Grid)>) -> Catchment {
    let colours = grid.colours(COLOURS);
    let mut outlines = grid.outlines(&grid.cells, ask.frame);
    let mut stores: Vec<Caught> = grid
        .counts()
        .into_iter()
        .filter_map(|(key, cells)| {
            let store = catalog.store(key)?;
            let at = store.at.position();
            Some(Caught {
                id: store.id.to_string(),
                name: store.name.to_string(),
                lat: at.lat(),
                lng: at.lon(),
                cells,
                colour: colours.get(&key).copied().unwrap_or(0),
                rings: outlines.remove(&key).unwrap_or_default(),
            })
        })
        .collect();
    stores.sort_by(|a, b| b.cells.cmp(&a.cells).then_with(|| a.id.cmp(&b.id)));
    let (changes, shifts) = match before {
        Some((old, held)) => grid::shifts((old, held), (catalog, grid), PAIRS_MAX),
        None => (vec![None; grid.cells.len()], Vec::new()),
    };
    let only = |marks: &[Option<u32>]| grid.outlines(marks, ask.frame).remove(&0).unwrap_or_default();
    let (overlapping, overlaps) = grid::overlaps(catalog, grid, PAIRS_MAX);
    Catchment {
        rows: grid.rows,
        columns: grid.columns,
        holes: grid.holes(),
        holes_before: before.map_or(grid.holes(), |(_, it)| it.holes()),
        stores,
        shifts,
        changed: only(&changes),
        changed_cells: changes.iter().flatten().count(),
        overlaps,
        overlapping: only(&overlapping),
    }
}
