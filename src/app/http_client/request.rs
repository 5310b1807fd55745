//! The request of a GET.

use crate::app::message::Write;

/// A GET request: the host and the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<T> {
    host: T,
    target: T,
}

impl<T: AsRef<str>> Request<T> {
    /// Makes a request for `target`, such as `/index.html?a=b`, to `host`.
    ///
    /// `host` includes its port unless that is 80; IPv6 addresses are in brackets. Returns `None` if `host` is empty, `target`
    /// does not begin with a slash, or either has a character that is not printable ASCII or would end it (RFC 9112 section 3.2).
    pub fn new(host: T, target: T) -> Option<Self> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let good = plain(host.as_ref()) && plain(target.as_ref());
        (good && !host.as_ref().is_empty() && target.as_ref().starts_with('/')).then_some(Request { host, target })
    }

    /// Writes the request.
    pub(super) fn compose(&self, write: &mut Write<'_>) {
        write(b"GET ");
        write(self.target.as_ref().as_bytes());
        write(b" HTTP/1.1\r\nHost: ");
        write(self.host.as_ref().as_bytes());
        write(concat!("\r\nUser-Agent: smolstep/", env!("CARGO_PKG_VERSION"), "\r\n").as_bytes());
        write(b"Accept: */*\r\nConnection: close\r\n\r\n");
    }
}
