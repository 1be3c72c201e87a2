//! The corporation's tags, and tags on friendships. Documents 92117, 92118 and 92697.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, Wecom};
use crate::platform::{ApiError, Call};

static LIST: Call = Call::repeatable("get_corp_tag_list", "/externalcontact/get_corp_tag_list");
// A name that is there already is reused, but nothing promises that for ever.
static ADD: Call = Call::once("add_corp_tag", "/externalcontact/add_corp_tag");
static EDIT: Call = Call::repeatable("edit_corp_tag", "/externalcontact/edit_corp_tag");
static DELETE: Call = Call::repeatable("del_corp_tag", "/externalcontact/del_corp_tag");
static MARK: Call = Call::repeatable("mark_tag", "/externalcontact/mark_tag");

/// Tags that a corporation may have, those of strategies among them.
pub const TAGS_MAX: usize = 3_000;
/// Characters of the name of a tag or a group of tags.
pub const TAG_NAME_CHARS_MAX: usize = 30;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CorpTag {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Larger stands first.
    #[serde(default)]
    pub order: u32,
    /// Whether it is gone; told only where it was asked for by its id.
    #[serde(default)]
    pub deleted: bool,
}

/// A group of tags.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TagGroup {
    /// Its id.
    pub group_id: String,
    /// Its name.
    #[serde(default)]
    pub group_name: String,
    /// Larger stands first.
    #[serde(default)]
    pub order: u32,
    /// Whether it is gone; told only where it was asked for by its id.
    #[serde(default)]
    pub deleted: bool,
    /// Its tags.
    #[serde(default, rename = "tag")]
    pub tags: Vec<CorpTag>,
}

/// Tags to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewTags {
    /// The group by its id or its name; a name that is there already means that one.
    #[serde(flatten)]
    pub target: TagTarget,
    /// The tags; at least one.
    #[serde(rename = "tag")]
    pub tags: Vec<NewTag>,
}

/// The group that tags are made in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TagTarget {
    /// By its id.
    GroupId(String),
    /// By its name.
    GroupName(String),
}

/// A tag to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewTag {
    /// Its name; at most 30 characters.
    pub name: String,
    /// Larger stands first.
    pub order: u32,
}

/// What becomes of the tags of one friendship; not both lists may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagMark {
    /// `userid`.
    #[serde(rename = "userid")]
    pub staff: String,
    /// `external_userid`.
    #[serde(rename = "external_userid")]
    pub customer: String,
    /// Ids of tags to set.
    #[serde(rename = "add_tag", skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Ids of tags to take away.
    #[serde(rename = "remove_tag", skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    tag_group: Vec<TagGroup>,
}

#[derive(Deserialize)]
struct Made {
    tag_group: TagGroup,
}

impl Wecom {
    /// All tags, or those of some groups.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn tags(&self, groups: &[String]) -> Result<Vec<TagGroup>, ApiError> {
        let body = if groups.is_empty() { json!({}) } else { json!({ "group_id": groups }) };
        let listed: Listed = self.post(&LIST, &body)?;
        Ok(listed.tag_group)
    }

    /// Makes tags, and their group if it is new; returns those that were made. Not repeated.
    ///
    /// # Errors
    /// [`ApiError`]; 40071 if a name is there already.
    pub fn add_tags(&self, new: &NewTags) -> Result<TagGroup, ApiError> {
        let made: Made = self.post(&ADD, new)?;
        Ok(made.tag_group)
    }

    /// Renames a tag or a group that this app made, or puts it elsewhere.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn edit_tag(&self, id: &str, name: Option<&str>, order: Option<u32>) -> Result<(), ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            order: Option<u32>,
        }
        self.post::<Done>(&EDIT, &Body { id, name, order }).map(drop)
    }

    /// Removes tags that this app made; a group without tags goes too.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn delete_tags(&self, tags: &[String]) -> Result<(), ApiError> {
        self.post::<Done>(&DELETE, &json!({ "tag_id": tags })).map(drop)
    }

    /// Sets and takes away tags of one friendship, in one call.
    ///
    /// # Errors
    /// [`ApiError`]; 84061 if they are no friends.
    pub fn mark_tags(&self, mark: &TagMark) -> Result<(), ApiError> {
        if mark.add.is_empty() && mark.remove.is_empty() {
            return Err(ApiError::Unfit { call: MARK.name, what: "there is no tag to set or to take away" });
        }
        self.post::<Done>(&MARK, mark).map(drop)
    }
}
