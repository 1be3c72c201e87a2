//! The table of calls and pages: what each is for, who may use it, what goes in and out. The router, the gate and the description
//! (`/openapi.json`) are made from it, so none of them can say something else.

use std::collections::BTreeMap;

use actix_web::dev::Handler;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::middleware::Compress;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Resource, Responder, Route, Scope};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::staff::Role;

/// A parameter in the query.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Param {
    pub(in crate::http) name: &'static str,
    /// One sentence: what it means, its unit, its default.
    pub(in crate::http) about: &'static str,
}

/// Makes the schema of a body.
pub(in crate::http) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a request or an answer holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Body {
    pub(in crate::http) media_type: &'static str,
    /// None where it is no JSON.
    pub(in crate::http) schema: Option<SchemaOf>,
}

/// What `HEAD` gets where no endpoint of its own answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    LikeGet,
    Refused,
}

/// One call or page.
pub(in crate::http) struct Endpoint {
    pub(in crate::http) method: Method,
    /// As the router writes it, with `{id}` for a variable part.
    pub(in crate::http) path: &'static str,
    /// Who may use it at least; none is open to everybody.
    pub(in crate::http) needs: Option<Role>,
    /// One sentence.
    pub(in crate::http) summary: &'static str,
    pub(in crate::http) params: &'static [Param],
    /// Bodies that it takes, by media type.
    pub(in crate::http) takes: Vec<Body>,
    /// The status of success.
    pub(in crate::http) status: u16,
    /// Bodies that it answers with.
    pub(in crate::http) answers: Vec<Body>,
    /// Whether a body may be left out.
    pub(in crate::http) may_be_empty: bool,
    /// Bodies of other statuses that are none of [`Self::answers`].
    pub(in crate::http) others: Vec<(u16, Body)>,
    /// What else may come back, beside what follows from the rest: status and one sentence.
    pub(in crate::http) also: Vec<(u16, &'static str)>,
    /// Whether answers are compressed for whoever asks.
    pub(in crate::http) is_compressed: bool,
    /// Whether `If-Match` is heeded.
    pub(in crate::http) has_etag: bool,
    /// Bytes of a body that it takes at most; the default where it is none.
    pub(in crate::http) body_bytes_max: Option<usize>,
    head: Head,
    /// Makes the route; for `HEAD`, too, if that is asked for.
    route: Box<dyn Fn(bool) -> Route + Send + Sync>,
}

impl Endpoint {
    /// A call or page, with the handler that answers it. Handlers under `/admin` and `/api/v1/admin/` take a
    /// [`super::gate::Staff`].
    pub(in crate::http) fn new<F, Args>(
        method: Method,
        path: &'static str,
        needs: Option<Role>,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Handler<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let by = method.clone();
        let head = if method == Method::GET { Head::LikeGet } else { Head::Refused };
        Self {
            method,
            path,
            needs,
            summary,
            params: &[],
            takes: Vec::new(),
            status: 200,
            answers: Vec::new(),
            may_be_empty: false,
            others: Vec::new(),
            also: Vec::new(),
            is_compressed: false,
            has_etag: false,
            body_bytes_max: None,
            head,
            route: Box::new(move |with_head| {
                let route = if with_head {
                    web::route().guard(guard::Any(guard::Method(by.clone())).or(guard::Head()))
                } else {
                    web::method(by.clone())
                };
                route.to(handler.clone())
            }),
        }
    }

    /// With parameters in the query.
    pub(in crate::http) fn params(self, params: &'static [Param]) -> Self {
        Self { params, ..self }
    }

    /// With a JSON body of this shape.
    pub(in crate::http) fn takes<T: JsonSchema>(self) -> Self {
        self.takes_body(Body { media_type: "application/json", schema: Some(SchemaGenerator::subschema_for::<T>) })
    }

    /// With another body.
    pub(in crate::http) fn takes_body(mut self, body: Body) -> Self {
        self.takes.push(body);
        self
    }

    /// With a JSON answer of this shape.
    pub(in crate::http) fn answers<T: JsonSchema>(self) -> Self {
        self.answers_body(Body { media_type: "application/json", schema: Some(SchemaGenerator::subschema_for::<T>) })
    }

    /// With another answer.
    pub(in crate::http) fn answers_body(mut self, body: Body) -> Self {
        self.answers.push(body);
        self
    }

    /// With another status of success.
    pub(in crate::http) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The body may be left out.
    pub(in crate::http) fn may_be_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// May also come back with this status and a JSON body of another shape.
    pub(in crate::http) fn also_answers<T: JsonSchema>(mut self, status: u16, about: &'static str) -> Self {
        let schema: SchemaOf = SchemaGenerator::subschema_for::<T>;
        self.others.push((status, Body { media_type: "application/json", schema: Some(schema) }));
        self.also(status, about)
    }

    /// May also come back with this status; below 400 with the same bodies.
    pub(in crate::http) fn also(mut self, status: u16, about: &'static str) -> Self {
        self.also.push((status, about));
        self
    }

    /// Compresses its answers for whoever asks.
    pub(in crate::http) fn compressed(self) -> Self {
        Self { is_compressed: true, ..self }
    }

    /// Heeds `If-Match`.
    pub(in crate::http) fn etag(self) -> Self {
        Self { has_etag: true, ..self }
    }

    /// Answers no `HEAD`, because its query holds something that is good once.
    pub(in crate::http) fn without_head(self) -> Self {
        Self { head: Head::Refused, ..self }
    }

    /// Takes bodies of up to so many bytes.
    pub(in crate::http) fn body_bytes_max(self, bytes: usize) -> Self {
        Self { body_bytes_max: Some(bytes), ..self }
    }
}

/// Registers endpoints: those of one path as one resource, and paths without a variable part first, because one with a variable
/// part would answer for them. The paths lose `prefix`, which the scope around them has.
pub(in crate::http) fn register(endpoints: Vec<Endpoint>, prefix: &str, mut service: impl FnMut(Served)) {
    let mut by_path: BTreeMap<(bool, &'static str), Vec<Endpoint>> = BTreeMap::new();
    for it in endpoints {
        by_path.entry((it.path.contains('{'), it.path)).or_default().push(it);
    }
    for ((_, path), endpoints) in by_path {
        let mut resource = web::resource(path.strip_prefix(prefix).unwrap_or(path));
        if let Some(bytes) = endpoints.iter().filter_map(|it| it.body_bytes_max).max() {
            resource = resource.app_data(web::PayloadConfig::new(bytes));
        }
        let is_compressed = endpoints.iter().any(|it| it.is_compressed);
        // The server sends no body where HEAD is asked for.
        let has_head = endpoints.iter().any(|it| it.method == Method::HEAD);
        let route = |it: &Endpoint| (it.route)(it.head == Head::LikeGet && !has_head);
        let resource = endpoints.iter().fold(resource, |resource, it| resource.route(route(it)));
        service(if is_compressed { Served::Compressed(resource) } else { Served::Plain(resource) });
    }
}

/// A resource with all its methods.
pub(in crate::http) enum Served {
    /// As it is.
    Plain(Resource),
    /// Compressed for whoever asks.
    Compressed(Resource),
}

impl Served {
    /// Puts it into the router.
    pub(in crate::http) fn join(self, config: &mut ServiceConfig) {
        match self {
            Self::Plain(resource) => config.service(resource),
            Self::Compressed(resource) => config.service(resource.wrap(Compress::default())),
        };
    }

    /// Puts it into a scope, where nothing is compressed.
    pub(in crate::http) fn join_scope(self, scope: Scope) -> Scope {
        let (Self::Plain(resource) | Self::Compressed(resource)) = self;
        scope.service(resource)
    }
}

#[cfg(test)]
mod tests {
    use crate::http::endpoints;
    use crate::id::RESERVED_IDS;

    /// Collections whose ids people give.
    const GIVEN: [&str; 5] = ["stores", "groups", "contacts", "regions", "campaigns"];

    #[test]
    fn no_id_that_may_be_given_is_a_word_of_an_address() {
        let all = endpoints();
        let mut found = 0;
        for it in &all {
            let rest = it.path.strip_prefix("/api/v1/admin/").or_else(|| it.path.strip_prefix("/admin/"));
            let mut parts = rest.unwrap_or_default().split('/');
            let (Some(of), Some(word)) = (parts.next(), parts.next()) else { continue };
            if GIVEN.contains(&of) && !word.starts_with('{') {
                assert!(RESERVED_IDS.contains(&word), "{} would hide what has the id {word}", it.path);
                found += 1;
            }
        }
        assert!(found >= 10, "{found}");
    }
}
