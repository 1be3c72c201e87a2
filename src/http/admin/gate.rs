//! Who may come in: handlers take a [`Staff`], which is there only if the caller is known and may do what the table says.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};

use super::endpoints;
use crate::http::problem::Problem;
use crate::http::{Web, bearer, client_ip};
use crate::staff::{Actor, Role};

/// Who may use which call: by method and path as the router writes it.
pub(in crate::http) struct Gate(HashMap<(Method, &'static str), Option<Role>>);

impl Gate {
    pub(in crate::http) fn new() -> Self {
        Self(endpoints().into_iter().map(|it| ((it.method, it.path), it.needs)).collect())
    }

    fn needs(&self, request: &HttpRequest) -> Option<Role> {
        let path = request.match_pattern()?;
        let method = if *request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        let mut found = self.0.iter().filter(|((by, at), _)| *by == method && *at == path);
        // What is in no table is for nobody but administrators.
        found.next().map_or(Some(Role::Admin), |(_, needs)| *needs)
    }
}

/// Somebody of the operations team, known and allowed to use this call.
#[derive(Debug, Clone)]
pub(in crate::http) struct Staff {
    /// Who it is.
    pub(in crate::http) actor: Actor,
    /// What a page sends along with every change; empty where no cookie is used.
    pub(in crate::http) csrf: String,
}

impl FromRequest for Staff {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _body: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let web = request.app_data::<Data<Web>>().cloned().ok_or_else(Problem::not_admitted)?;
            let staff = admit(&web, &request).await?;
            let needs = web.gate.needs(&request);
            if needs.is_some_and(|it| staff.actor.role < it) {
                return Err(Problem::forbidden(needs.map_or("admin", Role::as_str)).into());
            }
            Ok(staff)
        })
    }
}

async fn admit(web: &Web, request: &HttpRequest) -> Result<Staff, Problem> {
    let address = client_ip::of(request, &web.settings.trusted_proxies).map(|it| it.to_string());
    let wanted = web.settings.admin_token.as_ref();
    let given = bearer::token(request);
    if let (Some(wanted), Some(given)) = (wanted, given)
        && wanted.is_of(given)
    {
        let actor = Actor { name: "settings".to_owned(), role: Role::Admin, address };
        return Ok(Staff { actor, csrf: String::new() });
    }
    Err(Problem::not_admitted())
}
