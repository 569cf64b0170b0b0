//! A stand-in for the panel behind the guard. It answers in the formats that cPanel's clients read, and records requests.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::http::field;
use crate::fault::Fault;

const MAX_BODY: usize = 1 << 20;

/// A panel on loopback that lives as long as the test's process.
#[derive(Clone, Debug)]
pub struct Panel {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The header fields, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// The value of the first field with a name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }
}

impl Panel {
    /// Starts the panel.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> Result<Self, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(Fault::during("a port for the panel"))?;
        listener
            .set_nonblocking(true)
            .map_err(Fault::during("the panel's port"))?;
        let panel = Panel {
            address: listener.local_addr().map_err(Fault::during("the panel's port"))?,
            asked: Arc::default(),
        };
        let routes = axum::Router::new().fallback(answer).with_state(panel.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Fault::during("a runtime for the panel"))?;
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, routes).await
            })
        });
        Ok(panel)
    }

    /// Its URL, for `--upstream`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests since the last call.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(panel): State<Panel>, request: Request) -> ([(axum::http::HeaderName, &'static str); 1], String) {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let fields = parts.headers.iter();
    let asked = Asked {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: fields
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let reply = reply(&asked).to_string();
    panel.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    ([(CONTENT_TYPE, "application/json")], reply)
}

fn reply(asked: &Asked) -> Value {
    // API 2 takes its function from the query or the body.
    let text = format!("{}&{}", asked.target, asked.body);
    let data = match &text {
        text if text.contains("Email") => json!([{"email": "a@example.com"}]),
        text if text.contains("DynamicDNS/list") => json!([{"id": "abc", "domain": "home.example.com"}]),
        text if text.contains("fetchzone_records") => json!([{"line": 5, "type": "TXT", "txtdata": "x"}]),
        text if text.contains("ZoneEdit") => json!([{"result": {"status": 1}}]),
        text if text.contains("listaccts") => json!({"acct": [{"user": "alice"}]}),
        _ => Value::Null,
    };
    let refused = text.contains("taken.example.com");
    let errors = if refused { json!(["It is taken."]) } else { Value::Null };
    let uapi = json!({"status": i32::from(!refused), "data": data, "errors": errors, "messages": null, "metadata": {}});
    if text.contains("/execute/") {
        uapi
    } else if text.contains("apiversion=3") {
        json!({"apiversion": 3, "result": uapi})
    } else if text.contains("/json-api/cpanel?") {
        json!({"cpanelresult": {"apiversion": 2, "data": data, "event": {"result": 1}}})
    } else if text.contains("applist") {
        json!({"app": ["applist", "listaccts"]})
    } else {
        json!({"data": data, "metadata": {"command": "x", "reason": "OK", "result": 1, "version": 1}})
    }
}
