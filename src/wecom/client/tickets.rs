//! Tickets that pages inside `WeCom` are signed with. Documents 90506 and 90454.

use serde::Deserialize;

use super::Wecom;
use crate::platform::{ApiError, Call, Fetched, Limits};

static CORP: Call = Call::repeatable("get_jsapi_ticket", "/get_jsapi_ticket").limited(Limits::TICKET);
static AGENT: Call = Call::repeatable("ticket_get", "/ticket/get").limited(Limits::TICKET);

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
    expires_in: i64,
}

impl From<Ticket> for Fetched {
    fn from(it: Ticket) -> Self {
        Self { value: it.ticket, lasts_s: it.expires_in }
    }
}

impl Wecom {
    /// The corporation's ticket, for `wx.config`; kept, as few calls are allowed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn jsapi_ticket(&self) -> Result<String, ApiError> {
        self.ticket.get(CORP.name, None, || self.get::<Ticket>(&CORP, &[]).map(Into::into))
    }

    /// The app's ticket, for `wx.agentConfig`; kept, as few calls are allowed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn agent_ticket(&self) -> Result<String, ApiError> {
        let pairs = [("type", "agent_config")];
        self.agent_ticket.get(AGENT.name, None, || self.get::<Ticket>(&AGENT, &pairs).map(Into::into))
    }
}
