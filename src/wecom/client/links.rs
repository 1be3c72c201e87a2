//! Acquisition links (获客助手): links that carry a channel of ours to the friendship. Documents 97297, 97298 and 97375.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Page, Wecom, next};
use crate::platform::{ApiError, Call};

static CREATE: Call = Call::once("create_link", "/externalcontact/customer_acquisition/create_link");
static LIST: Call = Call::repeatable("list_link", "/externalcontact/customer_acquisition/list_link");
static GET: Call = Call::repeatable("get_link", "/externalcontact/customer_acquisition/get");
static CUSTOMERS: Call = Call::repeatable("link_customers", "/externalcontact/customer_acquisition/customer");

/// Links that one page lists.
const PAGE: u32 = 100;
/// Customers that one page lists.
const CUSTOMERS_PAGE: u32 = 1_000;
/// The longest channel, in bytes; the platform cuts what is longer.
const CHANNEL_BYTES_MAX: usize = 64;

/// A link to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcquisitionPlan {
    /// For the people who manage it; at most 30 characters.
    pub name: String,
    /// `userid` of those who may be added; at most 500.
    pub staff: Vec<String>,
    /// Whether customers need not be confirmed.
    pub skip_verify: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcquisitionLink {
    /// Its id.
    #[serde(default)]
    pub link_id: String,
    /// Its name.
    #[serde(default)]
    pub link_name: String,
    /// Where it leads.
    #[serde(default)]
    pub url: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub create_time: i64,
}

impl AcquisitionLink {
    /// The address with a channel, which comes back as the state of the friendship; none if the channel is longer than 64 bytes or
    /// is not plain letters and digits.
    #[must_use]
    pub fn with_channel(&self, channel: &str) -> Option<String> {
        let fits = !channel.is_empty()
            && channel.len() <= CHANNEL_BYTES_MAX
            && channel.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'));
        fits.then(|| format!("{}?customer_channel={channel}", self.url))
    }
}

/// A customer who came by a link.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkCustomer {
    /// `external_userid`.
    #[serde(rename = "external_userid")]
    pub customer: String,
    /// `userid`.
    #[serde(rename = "userid")]
    pub staff: String,
    /// 0 has not written, 1 has written, 2 unknown.
    #[serde(default)]
    pub chat_status: i64,
    /// The channel.
    #[serde(default)]
    pub state: Option<String>,
}

#[derive(Deserialize)]
struct Got {
    link: AcquisitionLink,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    link_id_list: Vec<String>,
    #[serde(default)]
    next_cursor: String,
}

#[derive(Deserialize)]
struct Customers {
    #[serde(default)]
    customer_list: Vec<LinkCustomer>,
    #[serde(default)]
    next_cursor: String,
}

impl Wecom {
    /// Makes a link. Not repeated: each call makes one more.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn create_link(&self, plan: &AcquisitionPlan) -> Result<AcquisitionLink, ApiError> {
        let body = json!({
            "link_name": plan.name,
            "range": { "user_list": plan.staff },
            "skip_verify": plan.skip_verify,
        });
        let got: Got = self.post(&CREATE, &body)?;
        Ok(got.link)
    }

    /// The ids of the links of this app, a hundred a page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn links(&self, cursor: Option<&str>) -> Result<Page<String>, ApiError> {
        let listed: Listed = self.post(&LIST, &json!({ "limit": PAGE, "cursor": cursor.unwrap_or_default() }))?;
        Ok(Page { items: listed.link_id_list, next: next(listed.next_cursor) })
    }

    /// A link.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn link(&self, link_id: &str) -> Result<AcquisitionLink, ApiError> {
        let got: Got = self.post(&GET, &json!({ "link_id": link_id }))?;
        Ok(AcquisitionLink { link_id: link_id.to_owned(), ..got.link })
    }

    /// Who came by a link, a thousand a page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn link_customers(&self, link_id: &str, cursor: Option<&str>) -> Result<Page<LinkCustomer>, ApiError> {
        let body = json!({ "link_id": link_id, "limit": CUSTOMERS_PAGE, "cursor": cursor.unwrap_or_default() });
        let listed: Customers = self.post(&CUSTOMERS, &body)?;
        Ok(Page { items: listed.customer_list, next: next(listed.next_cursor) })
    }
}
