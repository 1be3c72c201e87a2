//! What the operations team keeps beside the catalog: small documents of a few kinds, and the audit trail.

use crate::time::Timestamp;

/// What kind of thing a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeskKind {
    /// A person who signs in.
    User,
    /// A token of a program.
    Token,
    /// A sign-in that lasts.
    Session,
    /// An alert that was told to somebody.
    Alert,
    /// A token that a platform lent us. It is a secret, and worthless after two hours.
    Platform,
    /// How far a webhook has been told.
    Hook,
    /// A join way or contact way that was made in `WeCom`.
    Way,
    /// A template of greetings.
    Greeting,
    /// The picture of such a template, under the same id.
    GreetingPicture,
    /// How far the walk over all customers is.
    Walk,
}

impl DeskKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::User,
        Self::Token,
        Self::Session,
        Self::Alert,
        Self::Platform,
        Self::Hook,
        Self::Way,
        Self::Greeting,
        Self::GreetingPicture,
        Self::Walk,
    ];

    /// The word used in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Session => "session",
            Self::Alert => "alert",
            Self::Greeting => "greeting",
            Self::GreetingPicture => "greeting_picture",
            Self::Platform => "platform",
            Self::Hook => "hook",
            Self::Way => "way",
            Self::Walk => "walk",
        }
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskEntry {
    /// Its id, unique within its kind.
    pub id: String,
    /// Rises with every change of it; 1 after the first.
    pub revision: u64,
    /// JSON.
    pub body: String,
}

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who: the name of an [`crate::staff::Actor`].
    pub actor: String,
    /// From which network address; empty for the command line.
    pub address: String,
    /// What, as a word: `store.update`, `user.create`, `sign_in.refused`.
    pub action: String,
    /// To what: the id of a store, the name of a user; may be empty.
    pub target: String,
    /// What it was before, JSON without secrets; none if it was not there.
    pub before: Option<String>,
    /// What it is since, JSON without secrets; none if it is gone.
    pub after: Option<String>,
    /// The version of the catalog that it made; none if it made none.
    pub version: Option<u64>,
}

/// Records that one call looks at in the audit trail at the most, in their numbers: some 5 MB.
pub const AUDIT_LOOK_MAX: u64 = 10_000;

/// Some records of the audit trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// With their numbers, latest first.
    pub found: Vec<(u64, AuditRecord)>,
    /// Where looking ended before there were enough: records with smaller numbers were not looked at. None if there are enough, or
    /// no others.
    pub rest: Option<u64>,
}

/// Which records of the audit trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this actor.
    pub actor: Option<String>,
    /// Actions that begin with this.
    pub action: Option<String>,
    /// To this.
    pub target: Option<String>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// With a smaller number than this, for the next page.
    pub before: Option<u64>,
}
