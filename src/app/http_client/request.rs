//! The request of a GET.

use crate::app::message::Write;

/// What to ask whom for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<T> {
    host: T,
    target: T,
}

impl<T: AsRef<str>> Request<T> {
    /// A request for `target`, path and query as in `/index.html?a=b`, to `host`, with its port unless that is 80 and IPv6 addresses in
    /// brackets. `None` where either has a character that would end it or is not ASCII, `host` is empty, or `target` does not
    /// begin with a slash (RFC 9112 section 3.2).
    pub fn new(host: T, target: T) -> Option<Self> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let good = plain(host.as_ref()) && plain(target.as_ref());
        (good && !host.as_ref().is_empty() && target.as_ref().starts_with('/')).then_some(Request { host, target })
    }

    /// Puts it together.
    pub(super) fn compose(&self, write: &mut Write<'_>) {
        write(b"GET ");
        write(self.target.as_ref().as_bytes());
        write(b" HTTP/1.1\r\nHost: ");
        write(self.host.as_ref().as_bytes());
        write(concat!("\r\nUser-Agent: smolstep/", env!("CARGO_PKG_VERSION"), "\r\n").as_bytes());
        write(b"Accept: */*\r\nConnection: close\r\n\r\n");
    }
}
