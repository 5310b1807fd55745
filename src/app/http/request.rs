//! Reads a request's head line by line, so that the receive buffer needs room for only one line.

use httparse::{EMPTY_HEADER, Error, Request, Status, parse_headers};
use smoltcp::socket::tcp::Socket;

use super::refusal::Refusal;
use crate::app::message;
use crate::stack::MESSAGE;

/// The maximum length of a line in bytes, including its line ending. A smaller receive buffer lowers the limit. In the
/// scratch memory, [`Head::take`] needs two bytes after the line.
const LINE: usize = MESSAGE - 2;

/// The longest head, in bytes.
const HEAD: usize = 8192;

/// A parsed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub target: Target,
    /// Whether the method is HEAD. The answer to HEAD has no content.
    pub head_only: bool,
    /// Whether the page is sent without chunks: for HTTP/1.0, or for `Connection: close`. In both cases the client
    /// reads until the server closes the connection.
    pub unchunked: bool,
    /// Whether the connection closes after the answer. The connection also closes after a request with content, because
    /// the server cannot find the next request after the content.
    pub last: bool,
}

/// A resource that a client can request from this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Events,
    Page,
}

/// The result of [`Head::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Asked(Asked),
    /// The head is not complete.
    More,
    /// The request is refused. The connection continues if [`Asked::last`] is false.
    Refused(Refusal, Asked),
}

/// The state of a request's head that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head {
    /// The number of bytes read so far.
    len: u16,
    /// The request line, if it has been read.
    first: Option<First>,
    /// The number of Host fields.
    hosts: u8,
    /// The value of Content-Length, if any.
    content: Option<u64>,
    /// Whether there is a Transfer-Encoding field.
    coded: bool,
    /// Whether a Connection field has the option `close`.
    close: bool,
}

/// The request line.
#[derive(Clone, Copy, Debug)]
struct First {
    method: Method,
    /// The resource, or `None` if the server has no such resource.
    target: Option<Target>,
    /// Whether the version is HTTP/1.0.
    old: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Get,
    Head,
    Other,
}

impl Head {
    /// Reads the received lines of the head, and removes these lines from the receive buffer.
    pub fn read(&mut self, socket: &mut Socket<'_>, scratch: &mut [u8]) -> Read {
        loop {
            let queued = socket.recv_queue();
            let line = message::peek(socket, scratch, queued.min(LINE));
            let Some(at) = line.iter().position(|&byte| byte == b'\n') else {
                // A line that is too long, or that fills the receive buffer, can never become complete.
                let full = queued >= LINE || queued == socket.recv_capacity();
                return if full { self.too_long() } else { Read::More };
            };
            let line_len = at + 1;
            self.len = self.len.saturating_add(u16::try_from(line_len).unwrap_or(u16::MAX));
            if usize::from(self.len) > HEAD {
                return self.too_long();
            }
            let taken = self.take(scratch, line_len);
            message::consume(socket, line_len);
            match taken {
                Ok(None) => {}
                Ok(Some(read)) => return read,
                Err(refusal) => return Read::Refused(refusal, Asked::nothing()),
            }
        }
    }

    /// Returns the refusal that answers a first line or a head that is too long.
    fn too_long(&self) -> Read {
        let refusal = if self.first.is_none() { Refusal::TargetTooLong } else { Refusal::HeadTooLong };
        Read::Refused(refusal, Asked::nothing())
    }

    /// Handles one line of the head: the first `len` bytes of `scratch`. If this line completes the head, returns the
    /// parsed request or its refusal. Otherwise returns `None`.
    ///
    /// # Errors
    /// Returns the refusal if the line is not valid.
    fn take(&mut self, scratch: &mut [u8], len: usize) -> Result<Option<Read>, Refusal> {
        let line = scratch.get(..len).unwrap_or_default();
        let blank = matches!(line, b"\n" | b"\r\n");
        match self.first {
            // Empty lines before the request line are skipped (RFC 9112 section 2.2).
            None if blank => Ok(None),
            None => {
                self.first = Some(request_line(line)?);
                Ok(None)
            }
            Some(first) if blank => self.complete(first).map(Some),
            Some(_) => {
                // The parser needs the empty line that ends a head, so write one after this line.
                let end = scratch.get_mut(len..len + 2).ok_or(Refusal::HeadTooLong)?;
                end.copy_from_slice(b"\r\n");
                self.header(scratch.get(..len + 2).unwrap_or_default())?;
                Ok(None)
            }
        }
    }

    /// Handles one header field. `lines` is the field's line and an empty line.
    fn header(&mut self, lines: &[u8]) -> Result<(), Refusal> {
        let mut headers = [EMPTY_HEADER; 1];
        let Ok(Status::Complete((_, [header]))) = parse_headers(lines, &mut headers) else {
            return Err(Refusal::BadRequest);
        };
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let mut words = header.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        if is("host") {
            self.hosts = self.hosts.saturating_add(1);
        } else if is("connection") {
            self.close |= words.any(|word| word.eq_ignore_ascii_case(b"close"));
        } else if is("transfer-encoding") {
            self.coded = true;
        } else if is("content-length") {
            let length = number(header.value.trim_ascii()).ok_or(Refusal::BadRequest)?;
            // A length may be repeated. Two different lengths would allow request smuggling. `replace` stores the
            // length, and returns the previous one.
            if self.content.replace(length).is_some_and(|other| other != length) {
                return Err(Refusal::BadRequest);
            }
        }
        Ok(())
    }

    /// Checks the complete head, and returns the request, or its refusal if the server cannot serve the request.
    ///
    /// # Errors
    /// Returns the refusal if the head is not valid. The connection then closes after the answer.
    fn complete(&self, first: First) -> Result<Read, Refusal> {
        // RFC 9112 section 3.2 requires exactly one Host field. HTTP/1.0 (`old`) may omit it. Section 6.1 forbids a
        // transfer coding together with a length or with HTTP/1.0, because both combinations allow request smuggling.
        let hosts_fit = self.hosts == 1 || (self.hosts == 0 && first.old);
        if !hosts_fit || (self.coded && (self.content.is_some() || first.old)) {
            return Err(Refusal::BadRequest);
        }
        let has_content = self.coded || self.content.is_some_and(|len| len > 0);
        let asked = Asked {
            // Without a target, the request is refused below, so the value does not matter.
            target: first.target.unwrap_or(Target::Page),
            head_only: first.method == Method::Head,
            unchunked: first.old || self.close,
            last: first.old || self.close || has_content,
        };
        Ok(match (first.target, first.method) {
            (None, _) => Read::Refused(Refusal::NotFound, asked),
            (Some(_), Method::Other) => Read::Refused(Refusal::MethodNotAllowed, asked),
            (Some(_), Method::Get | Method::Head) => Read::Asked(asked),
        })
    }
}

impl Asked {
    /// Returns a placeholder for an invalid request. It makes the connection close after the answer, because the data
    /// after such a request cannot be parsed.
    pub fn nothing() -> Self {
        Asked { target: Target::Page, head_only: false, unchunked: false, last: true }
    }
}

/// Parses the request line: method, target and version.
///
/// # Errors
/// Returns the refusal if the line is not valid, or if its version is not supported.
fn request_line(line: &[u8]) -> Result<First, Refusal> {
    let mut request = Request::new(&mut []);
    // The parser receives only this line, so the result is never a complete request. But the parser stores the parts of
    // the line in `request`.
    match request.parse(line) {
        Ok(_) => {}
        // A line without `HTTP/` is no HTTP request at all, so its version is not the problem.
        Err(Error::Version) if line.split(|&b| b == b' ').any(|word| word.starts_with(b"HTTP/")) => {
            return Err(Refusal::Version);
        }
        Err(_) => return Err(Refusal::BadRequest),
    }
    // The parser has not found all three parts of the line.
    let (Some(method), Some(path), Some(version)) = (request.method, request.path, request.version) else {
        return Err(Refusal::BadRequest);
    };
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => Method::Other,
    };
    Ok(First { method, target: target(path), old: version == 0 })
}

/// Returns the resource of a request target, or `None` if the server has no such resource. The target can include the
/// server's name and a query (RFC 9112 section 3.2).
fn target(text: &str) -> Option<Target> {
    // `http://` has 7 bytes.
    let path = match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("http://") => {
            let rest = text.get(7..).unwrap_or_default();
            rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => text,
    };
    match path.split('?').next() {
        Some("/") => Some(Target::Page),
        Some("/events") => Some(Target::Events),
        _ => None,
    }
}

/// Parses a number that consists of digits only. Returns `None` if the number is not valid or does not fit.
fn number(digits: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(digits).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
