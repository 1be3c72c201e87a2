//! Customers and who of the staff they are friends with. Document 92114.

use serde::Deserialize;
use serde_json::json;

use super::{Page, Wecom, next};
use crate::platform::{ApiError, Call};

static GET: Call = Call::repeatable("externalcontact_get", "/externalcontact/get");
static BATCH: Call = Call::repeatable("get_by_user", "/externalcontact/batch/get_by_user");

/// Customers that one page lists.
const PAGE: u32 = 100;

/// A customer. Names and pictures that the platform also tells are not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomerPerson {
    /// `external_userid`.
    #[serde(rename = "external_userid")]
    pub id: String,
    /// 1 of `WeChat`, 2 of another corporation's `WeCom`.
    #[serde(default, rename = "type")]
    pub kind: i64,
    /// Who it is at the open platform, if the corporation has bound its account there.
    #[serde(default)]
    pub unionid: Option<String>,
}

/// A tag that a member of staff sees at a customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FollowTag {
    /// The group of tags.
    #[serde(default)]
    pub group_name: String,
    /// The tag.
    #[serde(default)]
    pub tag_name: String,
    /// Its id; personal tags have none.
    #[serde(default)]
    pub tag_id: Option<String>,
    /// 1 the corporation's, 2 personal, 3 of a strategy.
    #[serde(default, rename = "type")]
    pub kind: i64,
}

/// A friendship with a member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomerFollow {
    /// `userid`.
    #[serde(rename = "userid")]
    pub staff: String,
    /// Since when, in seconds since 1970.
    #[serde(default, rename = "createtime")]
    pub since: i64,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<FollowTag>,
    /// How they became friends; see document 92114.
    #[serde(default)]
    pub add_way: i64,
    /// The state of the contact way, or the channel of the link.
    #[serde(default)]
    pub state: Option<String>,
}

/// A customer with friendships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Who.
    pub person: CustomerPerson,
    /// With whom.
    pub follows: Vec<CustomerFollow>,
    /// Asks for more friendships; only beyond 500.
    pub next: Option<String>,
}

/// A customer with one friendship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedCustomer {
    /// Who.
    pub person: CustomerPerson,
    /// With whom, and the ids of the corporation's tags.
    pub follow: FollowInfo,
}

/// A friendship in a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FollowInfo {
    /// `userid`.
    #[serde(rename = "userid")]
    pub staff: String,
    /// Since when, in seconds since 1970.
    #[serde(default, rename = "createtime")]
    pub since: i64,
    /// Ids of the corporation's tags.
    #[serde(default, rename = "tag_id")]
    pub tags: Vec<String>,
    /// How they became friends.
    #[serde(default)]
    pub add_way: i64,
    /// The state of the contact way, or the channel of the link.
    #[serde(default)]
    pub state: Option<String>,
}

#[derive(Deserialize)]
struct Got {
    external_contact: CustomerPerson,
    #[serde(default)]
    follow_user: Vec<CustomerFollow>,
    #[serde(default)]
    next_cursor: String,
}

#[derive(Deserialize)]
struct Row {
    external_contact: CustomerPerson,
    follow_info: FollowInfo,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    external_contact_list: Vec<Row>,
    #[serde(default)]
    next_cursor: String,
}

impl Wecom {
    /// A customer with friendships. Right after the event it may not be known yet (84061).
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn customer(&self, customer: &str, cursor: Option<&str>) -> Result<Customer, ApiError> {
        let pairs = [("external_userid", customer), ("cursor", cursor.unwrap_or_default())];
        let count = if cursor.is_some() { 2 } else { 1 };
        let got: Got = self.get(&GET, pairs.get(..count).unwrap_or_default())?;
        Ok(Customer { person: got.external_contact, follows: got.follow_user, next: next(got.next_cursor) })
    }

    /// The customers of some members of staff (1 to 100), a hundred a page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn customers_of(&self, staff: &[String], cursor: Option<&str>) -> Result<Page<FollowedCustomer>, ApiError> {
        let body = json!({ "userid_list": staff, "cursor": cursor.unwrap_or_default(), "limit": PAGE });
        let listed: Listed = self.post(&BATCH, &body)?;
        let made = |it: Row| FollowedCustomer { person: it.external_contact, follow: it.follow_info };
        let items = listed.external_contact_list.into_iter().map(made).collect();
        Ok(Page { items, next: next(listed.next_cursor) })
    }
}
