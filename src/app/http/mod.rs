//! http: a status page of the running stack, for a browser (RFC 9112).
//!
//! `/` is the page, which also works without its script. `/events` sends the changing sections of the page after each
//! change, as server-sent events (WHATWG HTML, section 9.2). A connection stores only the progress of its current
//! answer. A line of a request's head, up to 1,022 bytes, stays in the receive buffer until the line is complete. The
//! page is generated part by part as the send buffer has room.

mod answer;
mod page;
mod refusal;
mod request;
mod status;

use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};

use self::answer::Answer;
use self::refusal::Refusal;
use self::request::{Asked, Head, Read};
use super::message::{self, Arrived};
use super::timing::later;
use crate::stack::{Context, End, Next, Session, Tuple};

#[doc(hidden)]
pub use self::status::{Row, Transport};
pub use self::status::{Service, Status};

/// The time within which the head of a request must arrive.
const HEAD: Duration = Duration::from_secs(10);
/// The longest time for which a connection may be idle between two requests.
const REST: Duration = Duration::from_secs(5);
/// The longest time that a peer may take to receive an answer, or one event.
const TAKE: Duration = Duration::from_secs(60);
/// The shortest time between two events.
const SOON: Duration = Duration::from_millis(250);
/// The longest time between two events.
const LATE: Duration = Duration::from_secs(1);

/// The server of one connection: answers requests one after another.
///
/// The server closes the connection after the peer has closed its side or has sent an invalid request.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    status: &'a Status<'a>,
    stage: Stage,
    /// The time at which to close or reset the connection, if it makes no progress.
    deadline: Option<Instant>,
    /// Whether this connection is registered in the status as a receiver of events.
    watches: bool,
}

/// The progress of the server.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Sending an answer. The status had this revision when the answer began.
    Answer(Answer, u32),
    /// Waiting for a request. The flag says whether the request's first byte has arrived.
    Head(Head, bool),
    /// Waiting until the next event is due. The fields are the status's revision when the previous answer began, and
    /// the time at which all of the previous event was queued.
    Watch(u32, Instant),
}

impl<'a> Server<'a> {
    /// Creates a server that shows `status`.
    pub fn new(status: &'a Status<'a>) -> Self {
        Server { status, stage: Stage::Head(Head::default(), false), deadline: None, watches: false }
    }

    /// Reads a request. If the request is complete, invalid or too slow, begins the answer and returns `None`.
    /// Otherwise returns the next action.
    fn read(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Option<Next> {
        // `poll` calls this method only in this stage. `begun` says whether the request's first byte has arrived.
        let Stage::Head(head, begun) = &mut self.stage else { return None };
        // The first byte of the request has arrived, so the time for the head begins now: the deadline is set again
        // below.
        if !*begun && socket.recv_queue() > 0 {
            (*begun, self.deadline) = (true, None);
        }
        let deadline = *self.deadline.get_or_insert(later(cx.now, HEAD));
        let answer = match head.read(socket, cx.scratch) {
            Read::Asked(asked) => self.answer(asked, socket),
            Read::Refused(refusal, asked) => Answer::refusal(refusal, asked),
            Read::More if message::arrived(socket) == Arrived::EndOfStream => return Some(Next::Close),
            Read::More if cx.now < deadline => return Some(Next::WakeAt(deadline)),
            // A browser can connect before it has a request to send. It would treat a refusal as the answer to its
            // first request, so close without an answer.
            Read::More if !*begun => return Some(Next::Close),
            Read::More => Answer::refusal(Refusal::TimedOut, Asked::nothing()),
        };
        self.begin(answer, cx.now);
        None
    }

    /// Returns the answer to a request. If the request is for events, registers the connection as a receiver of events.
    fn answer(&mut self, asked: Asked, socket: &Socket<'_>) -> Answer {
        let answer = Answer::to(asked);
        // No events follow this answer.
        if !answer.watches() {
            return answer;
        }
        // Without endpoints, the connection has already ended.
        let (Some(local), Some(remote)) = (socket.local_endpoint(), socket.remote_endpoint()) else { return answer };
        self.watches = self.status.watch(Tuple { local, remote });
        if self.watches { answer } else { Answer::refusal(Refusal::TooManyWatch, asked) }
    }

    /// Begins to send `answer`.
    fn begin(&mut self, answer: Answer, now: Instant) {
        self.stage = Stage::Answer(answer, self.status.revision());
        self.deadline = Some(later(now, TAKE));
    }

    /// Sends as much of the answer as fits. Returns the next action, or `None` if the stage has changed and the caller
    /// must continue immediately.
    fn send(&mut self, socket: &mut Socket<'_>, now: Instant) -> Option<Next> {
        // `poll` calls this method only in this stage.
        let Stage::Answer(answer, revision) = &mut self.stage else { return None };
        // The rest of the answer waits for room. A peer that reads too slowly is reset at the deadline.
        if !answer.send(socket, self.status, now) {
            let deadline = self.deadline.unwrap_or(now);
            return Some(if now < deadline { Next::WakeAt(deadline) } else { Next::Abort });
        }
        self.stage = match *answer {
            // The first event is sent immediately: the subtraction puts the previous event in the past.
            answer if self.watches => Stage::Watch(*revision, if answer.is_event() { now } else { now - LATE }),
            answer if answer.is_last() => return Some(Next::Close),
            _ => {
                self.deadline = Some(later(now, REST));
                // Wait for the next request, of which no byte has arrived.
                Stage::Head(Head::default(), false)
            }
        };
        None
    }

    /// If an event is due, begins the event and returns `None`. Otherwise returns the next action. `since` is the time
    /// at which all of the previous event was queued, and `revision` is the status's revision when that event began.
    fn watch(&mut self, revision: u32, since: Instant, socket: &mut Socket<'_>, now: Instant) -> Option<Next> {
        // Data from a client that receives events is ignored.
        message::consume(socket, usize::MAX);
        // Without a change of the status, an event is sent after `LATE`, because the times on the page advance.
        let due = since + if self.status.revision() == revision { LATE } else { SOON };
        if now >= due {
            self.begin(Answer::event(self.status, now), now);
            return None;
        }
        let over = message::arrived(socket) == Arrived::EndOfStream;
        // A change of the status does not wake this session, so look for changes at least once every `SOON`.
        Some(if over { Next::Close } else { Next::WakeAt(due.min(later(now, SOON))) })
    }
}

impl Session for Server<'_> {
    /// Works through the stages until a stage has to wait, or the connection ends.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            let next = match self.stage {
                Stage::Answer(..) => self.send(socket, cx.now),
                Stage::Head(..) => self.read(socket, cx),
                Stage::Watch(revision, since) => self.watch(revision, since, socket, cx.now),
            };
            if let Some(next) = next {
                return next;
            }
        }
    }

    /// Unregisters the connection, if it is registered as a receiver of events.
    fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {
        if core::mem::take(&mut self.watches) {
            self.status.unwatch();
        }
    }
}
