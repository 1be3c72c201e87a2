//! The acquisition link of one visit: the link of a code with the channel by which the friendship it leads to is known again.
//!
//! Not what a channel is made of, and nothing for codes that are no acquisition links.

use std::sync::Arc;

use actix_web::web;

use super::Web;
use super::answer::joined;
use crate::app::{Landing, whole_chain};
use crate::catalog::JoinCodeId;

/// Where the code of one visit leads, and where its picture is.
pub(super) struct VisitLink {
    /// The link with the visit's channel.
    pub(super) url: String,
    /// The address of its picture on this service, without what is behind the last dot.
    pub(super) picture: String,
}

/// The link of this visit; none if its code is no acquisition link, the visit left no record or the visitor does not wish it.
pub(super) async fn of(web: &Web, landing: &Landing) -> Option<VisitLink> {
    let (.., code) = landing.decision.join.and_then(|it| joined(&landing.catalog, it))?;
    // Only what is such a link costs a look into storage.
    code.link.with_channel("").filter(|_| landing.recorded)?;
    let (app, scan) = (Arc::clone(&web.app), landing.scan.clone());
    let channel = match web::block(move || app.channel(&scan)).await {
        Ok(Ok(channel)) => channel?,
        Ok(Err(error)) => {
            tracing::warn!(error = whole_chain(&error), "a link goes without the visit that it belongs to");
            return None;
        }
        Err(_) => return None,
    };
    let picture = format!("/qr/{}.{channel}", JoinCodeId::of(code.link.as_str()));
    Some(VisitLink { url: code.link.with_channel(&channel)?, picture })
}
