//! `/openapi.json` as tests walk it, and a small checker of JSON against its schemas (what they use of JSON Schema, and no more).

use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// One operation of the description.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `GET`, `POST` …
    pub method: String,
    /// With `{id}` for a variable part.
    pub path: String,
    /// `viewer`, `ops`, `admin` or `public`.
    pub role: String,
    pub json: Value,
}

impl Operation {
    pub fn is_write(&self) -> bool {
        !matches!(&*self.method, "GET" | "HEAD")
    }

    pub fn is_page(&self) -> bool {
        !self.path.starts_with("/api/")
    }

    pub fn heeds_if_match(&self) -> bool {
        self.json["parameters"].as_array().unwrap().iter().any(|it| it["name"] == "If-Match")
    }

    /// The path with something in place of its variable parts.
    pub fn with(&self, id: &str) -> String {
        let mut path = String::new();
        let mut rest = &*self.path;
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            path.push_str(id);
            rest = after.split_once('}').unwrap().1;
        }
        path + rest
    }
}

/// The description of a service.
pub struct Description(pub Value);

impl Description {
    pub fn of(client: &Client) -> Self {
        Self(client.get("/openapi.json").expect(200).json())
    }

    pub fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for (path, methods) in self.0["paths"].as_object().unwrap() {
            for (method, json) in methods.as_object().unwrap() {
                all.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    role: json["x-jinqun-role"].as_str().unwrap().to_owned(),
                    json: json.clone(),
                });
            }
        }
        all
    }

    /// What the operations team uses: calls and pages.
    pub fn of_staff(&self) -> Vec<Operation> {
        self.operations().into_iter().filter(|it| it.role != "public").collect()
    }

    /// The schema of an operation's JSON answer.
    pub fn schema(&self, method: &str, path: &str, status: u16) -> &Value {
        &self.0["paths"][path][&method.to_lowercase()]["responses"][&status.to_string()]["content"]["application/json"]
            ["schema"]
    }

    /// A body that an operation takes: what there is already, without what is not asked for, and with the rest made up.
    pub fn body(&self, it: &Operation, known: &Value) -> Value {
        let mut schema = &it.json["requestBody"]["content"]["application/json"]["schema"];
        while let Some(found) = schema["$ref"].as_str().and_then(|it| self.0.pointer(it.trim_start_matches('#'))) {
            schema = found;
        }
        let mut body = serde_json::Map::new();
        for (name, of) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = schema["required"].as_array().is_some_and(|it| it.contains(&json!(name)));
            if let Some(value) = known.get(name) {
                body.insert(name.clone(), value.clone());
            } else if is_required {
                body.insert(name.clone(), if of["type"] == "integer" { json!(1) } else { json!("x") });
            }
        }
        Value::Object(body)
    }

    /// Whether an answer is described: its status, its media type, and its shape where it is JSON.
    pub fn holds(&self, method: &str, path: &str, answer: &Answer) -> Result<(), String> {
        let responses = &self.0["paths"][path][&method.to_lowercase()]["responses"];
        let response = &responses[&answer.status.to_string()];
        if response.is_null() {
            let known: Vec<&String> = responses.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
            return Err(format!("the status {} is none of {known:?}", answer.status));
        }
        if answer.body.is_empty() {
            return Ok(());
        }
        let media_type = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        let Some(media) = response["content"].get(media_type) else {
            return Err(format!("{} is not described for {}: {}", media_type, answer.status, response["content"]));
        };
        if media_type.ends_with("json") && !media["schema"].is_null() {
            return self.check(&answer.json(), &media["schema"]);
        }
        Ok(())
    }

    /// Whether JSON fits a schema.
    pub fn check(&self, value: &Value, schema: &Value) -> Result<(), String> {
        self.fits(value, schema, "$")
    }

    fn fits(&self, value: &Value, schema: &Value, at: &str) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let found = self.0.pointer(reference.trim_start_matches('#'));
            self.fits(value, found.ok_or_else(|| format!("{reference} leads nowhere"))?, at)?;
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(all) = schema[word].as_array() {
                let tried: Vec<_> = all.iter().map(|it| self.fits(value, it, at)).collect();
                if tried.iter().all(Result::is_err) {
                    return Err(format!("{at} is none of {word}: {tried:?}"));
                }
            }
        }
        for it in schema["allOf"].as_array().into_iter().flatten() {
            self.fits(value, it, at)?;
        }
        let kinds: Vec<&str> = match schema["type"].as_array() {
            Some(kinds) => kinds.iter().map(|it| it.as_str().unwrap()).collect(),
            None => schema["type"].as_str().into_iter().collect(),
        };
        let is = |kind: &str| match kind {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "number" => value.is_number(),
            "integer" => value.is_i64() || value.is_u64(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{other} is no type"),
        };
        if !kinds.is_empty() && !kinds.iter().any(|it| is(it)) {
            return Err(format!("{at} is {value}, not {kinds:?}"));
        }
        if schema["enum"].as_array().is_some_and(|it| !it.contains(value)) {
            return Err(format!("{at} is {value}, none of {}", schema["enum"]));
        }
        if schema.get("const").is_some_and(|it| it != value) {
            return Err(format!("{at} is {value}, not {}", schema["const"]));
        }
        if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
            && number < least
        {
            return Err(format!("{at} is {number}, below {least}"));
        }
        for (place, item) in value.as_array().into_iter().flatten().enumerate() {
            self.fits(item, &schema["items"], &format!("{at}[{place}]"))?;
        }
        let Some(fields) = value.as_object() else { return Ok(()) };
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                return Err(format!("{at} lacks {name}"));
            }
        }
        for (name, inner) in fields {
            let known = &schema["properties"][name];
            if !known.is_null() {
                self.fits(inner, known, &format!("{at}.{name}"))?;
            } else if schema["additionalProperties"] == false {
                return Err(format!("{at}.{name} is not known"));
            }
        }
        Ok(())
    }
}
