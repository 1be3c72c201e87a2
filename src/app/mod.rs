//! The use cases: what the service does, without knowing HTTP.

pub mod accounts;
mod alerts;
mod bulk;
pub mod campaign_desk;
mod catchment;
mod copy_count;
mod copy_storage;
pub mod crm;
mod dead_jobs;
mod dead_letters;
mod deliver;
mod difference;
mod edit;
pub mod entrance;
mod error;
mod explain;
mod export;
mod follow;
mod forget;
mod funnel;
mod health;
mod history;
mod import_owned;
mod imports;
mod jobs;
pub mod join_code;
mod land;
mod last_good;
mod load;
mod locate;
mod map;
mod map_view;
mod numbers;
mod publish;
mod put_back;
mod regions;
mod retention;
mod revision;
mod seat;
mod stores;
mod tags;
mod takeover;
mod token;
pub mod wecom;

use std::sync::{Arc, Mutex};

use crate::catalog::Catalog;
use crate::consent::NoticeVersion;
use crate::ipdb::IpLocator;
use crate::live::{Held, Live};
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::routing::Policy;
use crate::storage::{SeatRules, Storage};
use crate::store::Zone;
use crate::time::{Clock, Timestamp};
use crate::wechat::Wechat;
use crate::wecom::Wecom;

pub use alerts::{
    Alert, AlertKind, AlertSettings, Alerter, Alerts, Bilingual, LISTED_MAX as ALERTS_LISTED_MAX, Lookout, Told,
    kind_name, what_to_do,
};
pub use bulk::{BulkError, BulkReport, tag_table};
pub use catchment::{
    Against, CHANGES_MAX, Catchment, CatchmentAsk, CatchmentError, Caught, DraftChange, Outlines, Overlap,
    SIZE_DEFAULT, SIZE_MAX, SIZE_MIN, Shift,
};
pub use copy_count::{CopyCount, Held as CopyHeld};
pub use copy_storage::{CopyError, CopyStage, OnCopy, StorageCopy};
pub use dead_jobs::{DeadJobs, GivenUp, LaneStands, dead_jobs, lanes, retry_jobs};
pub use dead_letters::DeadLetters;
pub(crate) use deliver::whole_chain;
pub use deliver::{AfterDelivery, DeliverError, Deliverer};
pub use difference::{DIFFERENCES_MAX, Difference, FieldChange};
pub use edit::{Deed, EditError, Making, NewEntry};
pub use error::AppError;
pub use explain::{
    ExplainError, ExplainedJoin, ExplainedPlace, ExplainedRegion, ExplainedRung, ExplainedStep, ExplainedStore,
    Explainer, Explanation, Whence,
};
pub use export::{SheetForm, SheetOf, export_sheet};
pub use follow::Follower;
pub use forget::{Erased, ForgetError, find_visitor, forget};
pub use funnel::{DIMENSIONS_MAX, funnel, read_dimensions};
pub use health::{Behind, LOOK_WAIT, seconds};
pub use history::EntryDifference;
pub use imports::{ImportBusy, ImportJob, ImportPhase, ImportRequest, Imports, UPLOAD_BYTES_MAX};
pub use jobs::{JobRunner, Work, retry_at};
pub use land::{Landing, SEEN_S, ScanRequest};
pub use last_good::LastGood;
pub use load::{load_catalog, load_catalog_after, load_entries, load_last_good};
pub use locate::{Whereabouts, locate_ip};
pub use map::MapOptions;
pub use map_view::{Dot, MapView, Outline, view_map};
pub use numbers::{
    Days, Duel, DuelDay, Glance, Numbers, NumbersAsk, NumbersRow, OfDay, PERIOD_DAYS_MAX, ROWS_MAX, Ranked, RankedBy,
    Ranking, StageCounts, Unit,
};
pub use publish::{ImportError, ImportOptions, ImportReport, Importer};
pub use retention::{Purged, Retainer, Retention};
pub use seat::{KnownSeats, Peeked, SeatState, Seater, peek};
pub use stores::{
    StoreQuery, StoreSort, doubts_of, has_usable_code, list_stores, put_store, read_store, remove_store, stored,
};
pub use tags::{ExportError, Held as HeldAbout};
pub use token::{Signer, VisitorToken};

/// The catalog that a request works with, from its beginning to its end.
pub type CatalogInUse = Arc<Held<Catalog>>;

/// Makes 128 bits of chance; tests give a seeded one.
pub type Chance = Arc<dyn Fn() -> u128 + Send + Sync>;

/// What an [`App`] is made of.
pub struct Parts {
    /// The catalog that is live.
    pub catalog: Arc<Live<Catalog>>,
    /// Keeps it in step with storage.
    pub follower: Follower,
    /// The IP databases.
    pub ip: Arc<IpLocator>,
    /// Where records go first.
    pub outbox: Arc<Outbox>,
    /// Tells a CRM.
    pub hooks: crm::Hooks,
    /// Gives seats.
    pub seats: Seater,
    /// How long seats are held, and what they count for afterwards.
    pub seat_rules: SeatRules,
    /// Looks for what needs a person.
    pub lookout: Arc<Lookout>,
    /// Where records go then.
    pub storage: Arc<dyn Storage>,
    /// The thresholds of the decision.
    pub policy: Policy,
    /// The time zone of opening hours that name none.
    pub zone: Zone,
    /// Signs visitor tokens and scan ids.
    pub signer: Signer,
    /// The version of the privacy notice that is in force.
    pub notice: NoticeVersion,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance for new ids.
    pub chance: Chance,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The interface of `WeCom`, if it is used.
    pub wecom: Option<Arc<Wecom>>,
    /// The interface of `WeChat`, if it is used.
    pub wechat: Option<Arc<Wechat>>,
    /// Takes callbacks of `WeCom`; none if they are not set up.
    pub callbacks: Option<wecom::Callbacks>,
}

/// The assembled service, one method per use case.
pub struct App {
    parts: Parts,
    /// Which answer to a visit is the last.
    revisions: revision::Revisions,
    /// Who has guessed passwords wrongly.
    lockout: accounts::Lockout,
    /// Users are changed one at a time.
    users_turn: Mutex<()>,
    /// Imports that are under way or were made.
    imports: Imports,
    /// States of sign-ins that were used.
    used_states: wecom::oauth::UsedStates,
    /// The last run over codes in `WeCom`.
    code_desk: wecom::CodeDesk,
}

impl App {
    /// Assembles the service.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            revisions: revision::Revisions::default(),
            lockout: accounts::Lockout::default(),
            users_turn: Mutex::default(),
            imports: Imports::default(),
            used_states: wecom::oauth::UsedStates::default(),
            code_desk: wecom::CodeDesk::default(),
        }
    }

    /// The catalog that is live; a request takes one and keeps it to the end.
    #[must_use]
    pub fn catalog(&self) -> CatalogInUse {
        self.parts.catalog.snapshot()
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// 128 bits of chance.
    #[must_use]
    pub fn chance(&self) -> u128 {
        (self.parts.chance)()
    }

    /// The time zone of opening hours that name none.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.parts.zone
    }

    /// The thresholds of the decision.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.parts.policy
    }

    /// The version of the privacy notice that is in force.
    #[must_use]
    pub fn notice(&self) -> &NoticeVersion {
        &self.parts.notice
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    /// The interface of `WeCom`; none if the settings have no secret for it. Its methods block.
    #[must_use]
    pub fn wecom(&self) -> Option<&Arc<Wecom>> {
        self.parts.wecom.as_ref()
    }

    /// The interface of `WeChat`; none if the settings name no official account. Its methods block.
    #[must_use]
    pub fn wechat(&self) -> Option<&Arc<Wechat>> {
        self.parts.wechat.as_ref()
    }

    /// Records that storage does not have yet.
    #[must_use]
    pub fn outbox_depth(&self) -> u64 {
        self.parts.outbox.depth()
    }

    /// The version of the catalog that storage holds; none if it does not answer.
    ///
    /// Blocks for a file access: call it from a blocking thread.
    #[must_use]
    pub fn stored_version(&self) -> Option<u64> {
        self.parts.storage.current_version().ok()
    }
}
