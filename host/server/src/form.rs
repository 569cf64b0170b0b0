//! The parameters of a request, in the order received: query, then body. The module interprets them.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use tokenlatch_core::Value;
use tokio::runtime::Handle;
use zeroize::Zeroize;

use crate::body::read_body;
use crate::config::HttpLimits;
use crate::problem::Problem;
use crate::urlencoded;
use tokenlatch::offload;
use tokenlatch::wipe_values;

/// Maximum number of parameters in one request. A token has at most 1,000 features.
const MAX_VALUES: usize = 4096;

/// Parameters as received. They are wiped on drop, since one may be a token.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, Value)>);

impl Form {
    /// Reads a query.
    pub(crate) fn of_query(query: Option<&str>) -> Result<Form, Problem> {
        let mut form = Form::default();
        form.urlencoded(query.unwrap_or_default().as_bytes())?;
        Ok(form)
    }

    /// Appends the parameters of the body to those of the query.
    pub(crate) async fn with_body(mut self, parts: &Parts, body: Body, limits: &HttpLimits) -> Result<Form, Problem> {
        let bytes = read_body(body, limits).await?;
        self.add_body(parts, bytes).await?;
        Ok(self)
    }

    /// Reads a body that is already in memory, and returns its kind. `None` if there is no body.
    pub(crate) async fn add_body(&mut self, parts: &Parts, bytes: Bytes) -> Result<Option<Kind>, Problem> {
        if bytes.is_empty() {
            return Ok(None);
        }
        check_takes_body(&parts.method)?;
        let kind = Kind::of(&parts.headers)?;
        let kind = if bytes.len() <= offload::LIGHT {
            self.read(kind, &parts.headers, &bytes).await?
        } else {
            let (mut form, headers, bytes) = (std::mem::take(self), parts.headers.clone(), bytes.clone());
            let runtime = Handle::current();
            let read = offload::run(move || {
                let kind = runtime.block_on(form.read(kind, &headers, &bytes))?;
                Ok::<_, Problem>((form, kind))
            });
            let (form, kind) = read.await.map_err(|_| Problem::INTERNAL)??;
            *self = form;
            kind
        };
        wipe(bytes);
        Ok(Some(kind))
    }

    /// Replaces the value of every parameter with this key.
    pub(crate) fn replace(&mut self, key: &str, text: &str) {
        for (_, value) in self.0.iter_mut().filter(|(name, _)| name == key) {
            *value = Value::String(text.to_owned());
        }
    }

    /// Encodes some of the parameters as a JSON object.
    pub(crate) fn json_object(&self, from: usize, kept: impl Fn(&str) -> bool) -> Vec<u8> {
        let entries = self.0.iter().skip(from).filter(|(key, _)| kept(key));
        // Values that were read from JSON can always be written as JSON.
        serde_json::to_vec(&Value::Object(entries.cloned().collect())).unwrap_or_default()
    }

    /// The parameters as plain JSON values.
    pub(crate) fn pairs(&self) -> Vec<(String, serde_json::Value)> {
        let plain = |value| serde_json::to_value(value).unwrap_or_default();
        self.0.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
    }

    /// Reads a body, and returns the kind that it was read as.
    async fn read(&mut self, kind: Kind, headers: &HeaderMap, bytes: &Bytes) -> Result<Kind, Problem> {
        match kind {
            Kind::Untold if !looks_like_form(bytes) => return Err(UNSUPPORTED),
            // Read as a form, a JSON object would be one odd key, and its content would be ignored.
            Kind::Urlencoded if bytes.trim_ascii_start().starts_with(b"{") => {
                if let Ok(Value::Object(entries)) = Value::from_json(bytes) {
                    self.entries(entries)?;
                    return Ok(Kind::Json);
                }
                self.urlencoded(bytes)?;
            }
            Kind::Urlencoded | Kind::Untold => self.urlencoded(bytes)?,
            Kind::Json => match Value::from_json(bytes) {
                Ok(Value::Object(entries)) => self.entries(entries)?,
                _ => return Err(JSON_INVALID),
            },
            Kind::Multipart => self.multipart(headers, bytes.clone()).await?,
        }
        Ok(kind)
    }

    /// Returns the parameters and consumes the form.
    pub(crate) fn into_values(mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0)
    }

    /// The text of a parameter that may be given once. Errors if it is repeated or not text.
    pub(crate) fn one(&self, key: &str) -> Result<Option<String>, Problem> {
        let mut found = self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(Value::String(text)), None) => Ok(Some(text.clone())),
            (Some(Value::Int(number)), None) => Ok(Some(number.to_string())),
            _ => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "parameter_ambiguous",
                "A parameter that selects the function is repeated, or is not text.",
            )),
        }
    }

    /// The text of a parameter; empty if it is absent.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.texts(key).next().unwrap_or_default()
    }

    /// All text values of all parameters.
    pub(crate) fn all_texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(_, value)| match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The text values of a parameter, in order.
    pub(crate) fn texts(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |(name, value)| match value {
            Value::String(text) if name == key => Some(text.as_str()),
            _ => None,
        })
    }

    /// The names of the parameters.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// The number of parameters.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Encodes some of the parameters for a query or a body, in one canonical form.
    pub(crate) fn encoded(&self, from: usize, to: usize) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.0.iter().take(to).skip(from) {
            if let Value::String(value) = value {
                text.append_pair(key, value);
            }
        }
        text.finish()
    }

    /// Whether a parameter with this key is given at index `from` or later.
    pub(crate) fn has(&self, from: usize, key: &str) -> bool {
        self.keys().skip(from).any(|name| name == key)
    }

    /// Returns the parameters from a place on as a body in one spelling, with its content type. A multipart body can be read in
    /// more than one way, so it becomes URL-encoded.
    pub(crate) fn body(&self, from: usize, kind: Kind, kept: impl Fn(&str) -> bool) -> (HeaderValue, Bytes) {
        match kind {
            Kind::Json => (JSON, self.json_object(from, kept).into()),
            _ => (FORM, self.encoded(from, self.len()).into()),
        }
    }

    fn push(&mut self, key: String, value: Value) -> Result<(), Problem> {
        if self.0.len() == MAX_VALUES {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "parameters_too_many",
                "The request has too many parameters.",
            ));
        }
        self.0.push((key, value));
        Ok(())
    }

    fn urlencoded(&mut self, text: &[u8]) -> Result<(), Problem> {
        for pair in urlencoded::pairs(text) {
            let (key, value) = pair.ok_or(ENCODING)?;
            self.push(key, Value::String(value))?;
        }
        Ok(())
    }

    /// Reads the entries of a JSON object: strings, integers, booleans, nulls and arrays of strings.
    fn entries(&mut self, entries: Vec<(String, Value)>) -> Result<(), Problem> {
        for (key, value) in entries {
            let plain = match &value {
                Value::OtherNumber | Value::Object(_) => false,
                Value::Array(items) => items.iter().all(|item| matches!(item, Value::String(_))),
                _ => true,
            };
            if !plain {
                return Err(JSON_INVALID);
            }
            self.push(key, value)?;
        }
        Ok(())
    }

    async fn multipart(&mut self, headers: &HeaderMap, bytes: Bytes) -> Result<(), Problem> {
        let wrong = || {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "multipart_invalid",
                "The multipart body cannot be read.",
            )
        };
        let mut request = Request::new(Body::from(bytes));
        *request.headers_mut() = headers.clone();
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| wrong())?;
        while let Some(part) = parts.next_field().await.map_err(|_| wrong())? {
            if part.file_name().is_some() {
                return Err(Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "file_unsupported",
                    "Files are not accepted here.",
                ));
            }
            let key = part.name().ok_or_else(wrong)?.to_owned();
            let bytes = part.bytes().await.map_err(|_| wrong())?;
            let value = String::from_utf8(bytes.to_vec()).map_err(|_| wrong())?;
            self.push(key, Value::String(value))?;
        }
        Ok(())
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        wipe_values(&mut self.0);
    }
}

/// Overwrites the bytes if nothing else holds them.
fn wipe(bytes: Bytes) {
    if let Ok(mut own) = bytes.try_into_mut() {
        own.as_mut().zeroize();
    }
}

pub(crate) const JSON_INVALID: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "json_invalid",
    "The body must be a JSON object of plain values, each key once.",
);

const ENCODING: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "parameter_encoding",
    "A parameter is not percent-encoded UTF-8.",
);

const UNSUPPORTED: Problem = Problem::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "content_type_unsupported",
    "The body must be a form, a multipart form or JSON in UTF-8, with its Content-Type.",
);

/// Content type of a URL-encoded form.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// Content type of JSON.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns a request with this body and content type, or without a body.
pub(crate) fn replace_body(mut parts: Parts, body: Option<(HeaderValue, Bytes)>) -> Request<Body> {
    parts.headers.remove(TRANSFER_ENCODING);
    parts.headers.remove(CONTENT_LENGTH);
    let Some((content_type, bytes)) = body else {
        return Request::from_parts(parts, Body::empty());
    };
    parts.headers.insert(CONTENT_TYPE, content_type);
    Request::from_parts(parts, Body::from(bytes))
}

/// Refuses a body unless the method allows one.
pub(crate) fn check_takes_body(method: &Method) -> Result<(), Problem> {
    if method == Method::POST {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "body_unexpected",
        "Only a POST request may have a body.",
    ))
}

/// Whether a body without a useful content type can be read as a form. Read as a form, JSON or multipart text would be a single
/// odd key, and its content would be ignored.
fn looks_like_form(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~*+%=&[]".contains(byte);
    let key = bytes
        .split(|byte| matches!(byte, b'=' | b'&'))
        .next()
        .unwrap_or_default();
    !key.starts_with(b"--") && !key.starts_with(b"[") && key.iter().all(plain)
}

/// The content types that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Urlencoded,
    /// No content type, or only a generic one for bytes or text. Some clients send such a type with every form that they get as a
    /// string (Perl's HTTP::Tiny, `fetch`).
    Untold,
    Json,
    Multipart,
}

impl Kind {
    /// The kind of body that the header fields state.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Kind, Problem> {
        let mut fields = headers.get_all(CONTENT_TYPE).iter();
        let field = match (fields.next(), fields.next(), headers.contains_key(CONTENT_ENCODING)) {
            (Some(field), None, false) => field,
            (None, _, false) => return Ok(Kind::Untold),
            _ => return Err(UNSUPPORTED),
        };
        let text = field.to_str().map_err(|_| UNSUPPORTED)?.to_ascii_lowercase();
        let (kind, parameters) = text.split_once(';').unwrap_or((&text, ""));
        let charset = parameters
            .split(';')
            .find_map(|part| part.trim().strip_prefix("charset="));
        if charset.is_some_and(|charset| charset.trim_matches('"') != "utf-8") {
            return Err(UNSUPPORTED);
        }
        match kind.trim() {
            "application/x-www-form-urlencoded" => Ok(Kind::Urlencoded),
            "application/octet-stream" | "text/plain" => Ok(Kind::Untold),
            "application/json" => Ok(Kind::Json),
            "multipart/form-data" => Ok(Kind::Multipart),
            _ => Err(UNSUPPORTED),
        }
    }
}
