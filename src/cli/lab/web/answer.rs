//! The HTTP answers to the page, with the headers that all of them contain.

use core::fmt;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The page may load only its own files, and run only its own scripts. No other page may show this page in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers that all answers contain.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// A response with its whole body.
pub type Answer = Response<Full<Bytes>>;

/// Returns an answer with status 200, `body`, and the headers that all answers contain.
pub fn answer(media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Returns an answer whose body is JSON.
pub fn json(text: String) -> Answer {
    answer("application/json", text)
}

/// The answer to a request that is refused: the status, and one line that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    why: String,
    /// The methods that the path accepts, if the request used another method.
    allow: Option<&'static str>,
}

impl Refusal {
    /// Creates a refusal. `why` is one line.
    pub fn new(status: StatusCode, why: impl fmt::Display) -> Self {
        Refusal { status, why: why.to_string(), allow: None }
    }

    /// Creates a refusal of a method. `allow` lists the methods that the path accepts.
    pub fn method(allow: &'static str) -> Self {
        let why = format!("this path takes only {allow}");
        Refusal { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, why) }
    }
}

impl From<Refusal> for Answer {
    /// Converts a refusal to an answer whose body is the reason.
    fn from(refusal: Refusal) -> Self {
        let mut response = answer("text/plain; charset=utf-8", format!("{}\n", refusal.why));
        *response.status_mut() = refusal.status;
        if let Some(allow) = refusal.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}
