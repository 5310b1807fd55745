//! Why a request is refused.

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    BadRequest,
    HeadTooLong,
    MethodNotAllowed,
    NotFound,
    TargetTooLong,
    TimedOut,
    TooManyWatch,
    Version,
}

impl Refusal {
    /// Returns the HTTP status and a message that gives the reason.
    pub fn text(self) -> (&'static str, &'static str) {
        match self {
            Refusal::BadRequest => ("400 Bad Request", "this is not a valid HTTP request"),
            Refusal::HeadTooLong => {
                ("431 Request Header Fields Too Large", "at most 1,022 bytes a line and 8,192 in all")
            }
            Refusal::MethodNotAllowed => ("405 Method Not Allowed", "only GET and HEAD are possible here"),
            Refusal::NotFound => ("404 Not Found", "the page is at / and its changes are at /events"),
            Refusal::TargetTooLong => ("414 URI Too Long", "the limit for a line is 1,022 bytes"),
            Refusal::TimedOut => ("408 Request Timeout", "the request took too long to arrive"),
            Refusal::TooManyWatch => ("503 Service Unavailable", "too many pages are open"),
            Refusal::Version => ("505 HTTP Version Not Supported", "this server speaks HTTP/1.1"),
        }
    }

    /// Returns header fields that only this refusal needs, such as Allow, each with its line ending.
    pub fn headers(self) -> &'static str {
        match self {
            Refusal::MethodNotAllowed => "Allow: GET, HEAD\r\n",
            Refusal::TooManyWatch => "Retry-After: 5\r\n",
            _ => "",
        }
    }
}
