//! Decides which requests the server serves, and answers them. server.rs defines the server.

use std::cell::{Cell, RefCell};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName};
use hyper::{Method, Request, StatusCode};
use tokio::time::{Duration, Instant, timeout_at};

use super::answer::{Answer, Refusal, answer, json};
use super::deadline::{Deadline, Phase};
use super::files;
use super::sessions::{Sessions, Shared};

/// The largest sizes, numbers and times that the server accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body of a request, in bytes.
    pub body: usize,
    /// The largest number of connections at a time. A further connection replaces one that waits for its client.
    pub connections: usize,
    /// The server closes if no request arrives for this long.
    pub idle: Duration,
    /// The largest number of bytes that the recorded entries of all sessions take. Each session has an equal share.
    pub memory: usize,
    /// The longest time that a request may take to arrive, and the longest time that its answer may take to be sent.
    pub request: Duration,
    /// The largest number of sessions.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // 1 MiB.
            body: 1 << 20,
            connections: 64,
            idle: Duration::from_secs(3600),
            // Each session gets 128 MiB, as much as the WebAssembly module has, so that a session and the module can
            // record the same runs.
            memory: 16 * (128 << 20),
            request: Duration::from_secs(10),
            sessions: 16,
        }
    }
}

/// The state that all requests share.
pub struct Requests {
    pub limits: Limits,
    /// The hosts that a request may name: `127.0.0.1:PORT` and `localhost:PORT`. A request for another host is refused,
    /// because a foreign site can make its own name resolve to this computer's address (DNS rebinding).
    hosts: [String; 2],
    /// The first part of each path. A page that does not know the token is refused.
    token: String,
    /// The answer to a request for the path `start`.
    start: String,
    sessions: RefCell<Sessions>,
    /// The time at which the latest request arrived or the latest command ended.
    latest: Cell<Instant>,
}

impl Requests {
    /// Creates the shared state. `start` is the JSON that tells the page what to open.
    pub fn new(port: u16, token: String, start: String, limits: Limits) -> Self {
        let hosts = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
        let sessions = Sessions::new(limits.sessions, limits.memory).into();
        Requests { limits, hosts, token, start, sessions, latest: Instant::now().into() }
    }

    /// Returns the time at which the latest request arrived or the latest command ended.
    pub fn latest(&self) -> Instant {
        self.latest.get()
    }

    /// Answers a request. The head of the request has arrived, and its body must arrive before `deadline`.
    pub async fn answer(&self, request: Request<Incoming>, deadline: &Deadline) -> Answer {
        let answer = self.serve(request, deadline).await.unwrap_or_else(Answer::from);
        // From now on, the deadline is for sending the answer.
        deadline.begin(Phase::Answering);
        deadline.set(Instant::now() + self.limits.request);
        answer
    }

    /// Rejects a request that is not for this page. Otherwise, serves the file, the session or the command that the
    /// path names.
    async fn serve(&self, request: Request<Incoming>, deadline: &Deadline) -> Result<Answer, Refusal> {
        self.check_host(&request)?;
        self.check_origin(&request)?;
        let path = request.uri().path().to_owned();
        let path = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        let Some((_, path)) = path.filter(|(token, _)| is_equal(token, &self.token)) else {
            return Err(Refusal::new(StatusCode::NOT_FOUND, "the address is not the one that smolstep printed"));
        };
        // The server closes if no request for the page arrives for `Limits::idle`.
        self.latest.set(Instant::now());
        let method = request.method();
        let (is_read, is_post) = (method == Method::GET || method == Method::HEAD, method == Method::POST);
        match path {
            "session" if is_post => {
                // The body has no meaning, and is limited like any other.
                self.body(request, deadline).await?;
                self.open()
            }
            "start" if is_read => Ok(json(self.start.clone())),
            "start" => Err(Refusal::method("GET, HEAD")),
            "session" => Err(Refusal::method("POST")),
            _ => match (path.strip_prefix("session/"), files::find(path)) {
                (Some(id), _) if is_post => self.command(id, request, deadline).await,
                (Some(_), _) => Err(Refusal::method("POST")),
                (None, Some(file)) if is_read => Ok(answer(file.media_type, file.bytes)),
                (None, Some(_)) => Err(Refusal::method("GET, HEAD")),
                (None, None) => Err(Refusal::new(StatusCode::NOT_FOUND, "the page has no such file")),
            },
        }
    }

    /// Checks that the request is for this server. HTTP/1.0 allows requests without a host, but the server does not. If
    /// the request line also names a host, that host must be this server, too.
    fn check_host(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        let host = only(request, header::HOST);
        let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        let is_ours = |host: &[u8]| self.hosts.iter().any(|ours| ours.as_bytes() == host);
        if host.is_some_and(is_ours) && target.is_none_or(is_ours) {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::FORBIDDEN, format_args!("only the host {} is served", self.hosts[0])))
    }

    /// Checks that a request with the header `Origin` comes from the page itself. A request without the header passes,
    /// because browsers send none when they load the page.
    fn check_origin(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        let is_ours = |origin: &[u8]| {
            origin.strip_prefix(b"http://").is_some_and(|host| self.hosts.iter().any(|ours| ours.as_bytes() == host))
        };
        if !request.headers().contains_key(header::ORIGIN) || only(request, header::ORIGIN).is_some_and(is_ours) {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::FORBIDDEN, "only the page that smolstep serves may send requests"))
    }

    /// Opens a session, and answers with its id.
    fn open(&self) -> Result<Answer, Refusal> {
        let id = self.sessions.borrow_mut().open();
        let why = "all sessions are busy: try again, or close another page";
        let id = id.ok_or_else(|| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))?;
        Ok(json(format!("{{\"id\":\"{id}\"}}")))
    }

    /// Passes the body to session `id` as a command, and answers with the session's JSON.
    async fn command(&self, id: &str, request: Request<Incoming>, deadline: &Deadline) -> Result<Answer, Refusal> {
        let Some(session) = self.sessions.borrow_mut().find(id) else {
            let why = "the session of this page is closed, because too many pages are open: reload the page";
            return Err(Refusal::new(StatusCode::NOT_FOUND, why));
        };
        let command = self.body(request, deadline).await?;
        deadline.begin(Phase::Answering);
        // A command may run for any length of time.
        deadline.clear();
        let answer = run(session, command).await;
        // The idle time begins again, because the command might have run for long.
        self.latest.set(Instant::now());
        // A command that panicked leaves its session in an unknown state, so the session is closed.
        answer.map(json).inspect_err(|_| self.sessions.borrow_mut().close(id))
    }

    /// Returns the body of a request. The body must arrive before `deadline`.
    async fn body(&self, request: Request<Incoming>, deadline: &Deadline) -> Result<String, Refusal> {
        let most_bytes = self.limits.body;
        let too_long =
            || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format_args!("the body is longer than {most_bytes} bytes"));
        if request.body().size_hint().lower() > most_bytes as u64 {
            return Err(too_long());
        }
        // The deadline is still the one for receiving the request. If it has passed, `until` is now.
        let until = Instant::now().max(deadline.get().unwrap_or_else(Instant::now));
        // The connection ends a little later, so that the refusal can still be sent.
        deadline.set(until + Duration::from_secs(1));
        let body = timeout_at(until, Limited::new(request.into_body(), most_bytes).collect()).await;
        let body = match body {
            Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive")),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_long()),
            Ok(Err(error)) => return Err(Refusal::new(StatusCode::BAD_REQUEST, format_args!("the body: {error}"))),
            Ok(Ok(body)) => body.to_bytes(),
        };
        String::from_utf8(body.into()).map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the body is not UTF-8 text"))
    }
}

/// Runs a command on another thread, so that requests for other sessions do not wait for it. Fails if the command
/// panics.
async fn run(session: Shared, command: String) -> Result<String, Refusal> {
    let mut session = session.lock_owned().await;
    let answer = tokio::task::spawn_blocking(move || session.command(&command)).await;
    answer.map_err(|_| {
        let why = "the session has failed, which is a fault of smolstep: reload the page";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })
}

/// Returns the value of the header `name` if this header occurs exactly once.
fn only(request: &Request<Incoming>, name: HeaderName) -> Option<&[u8]> {
    let mut values = request.headers().get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(|value| value.as_bytes())
}

/// Compares two texts. The time that this takes does not depend on the length of their common beginning, so nobody can
/// use the time to guess the token.
fn is_equal(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}
