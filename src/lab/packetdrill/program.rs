//! The program that a script controls: a session on each connection, which carries out one call at a time.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::stack::{Context, End, Next, Session};

/// The program on a connection. All programs of a run share the table of connections.
#[derive(Clone, Debug)]
pub struct Program {
    table: Rc<RefCell<Vec<Connection>>>,
    /// The connection's index in the table. It is `None` in the program of a listener: each connection of the listener
    /// gets a clone of that program.
    index: Option<usize>,
}

/// A connection of the program.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) is_established: bool,
    /// Whether the program knows the connection: the program has opened it with `connect`, or has accepted it.
    pub(super) is_taken: bool,
    /// The call to carry out.
    pub(super) request: Option<Request>,
    /// The result of the last call: a number, or the name of an error.
    pub(super) reply: Option<Result<u32, &'static str>>,
    pub(super) end: Option<End>,
}

/// A call on an established connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Abort,
    Close,
    Read(u32),
    Shutdown,
    /// The number of bytes to write and how many of them are queued so far.
    Write(u32, u32),
}

impl Program {
    /// Makes the program of a listener, with an empty table.
    pub(super) fn new() -> Self {
        Program { table: Rc::new(RefCell::new(Vec::new())), index: None }
    }

    /// Makes the program of a connection that the script opens. Returns it with the connection's index.
    pub(super) fn connecting(&self) -> (Self, usize) {
        // `true`: the program knows the connection, because it opens the connection itself.
        let index = self.add(true);
        (Program { table: self.table.clone(), index: Some(index) }, index)
    }

    /// Calls `act` with the connection at `index`. Returns `None` if there is no such connection.
    pub(super) fn with<R>(&self, index: usize, act: impl FnOnce(&mut Connection) -> R) -> Option<R> {
        self.table.borrow_mut().get_mut(index).map(act)
    }

    /// Accepts the oldest established connection that the program has not accepted yet. Returns its index.
    pub(super) fn accept(&self) -> Option<usize> {
        let mut table = self.table.borrow_mut();
        let index = table.iter().position(|connection| connection.is_established && !connection.is_taken)?;
        table[index].is_taken = true;
        Some(index)
    }

    /// Adds a connection to the table. Returns its index.
    fn add(&self, is_taken: bool) -> usize {
        let mut table = self.table.borrow_mut();
        table.push(Connection { is_taken, ..Connection::default() });
        table.len() - 1
    }
}

impl Session for Program {
    /// Carries out the call that the script has requested on this connection.
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        let index = match self.index {
            Some(index) => index,
            // This clone of the listener's program runs for the first time, so its connection is new. The script has
            // not accepted the connection yet.
            None => {
                let is_taken = false;
                *self.index.insert(self.add(is_taken))
            }
        };
        self.with(index, |connection| connection.poll(socket)).unwrap_or(Next::Wait)
    }

    fn ended(&mut self, end: End, _cx: &mut Context<'_>) {
        if let Some(index) = self.index {
            self.with(index, |connection| connection.end = Some(end));
        }
    }
}

impl Connection {
    /// Carries out as much of the request as is possible now. A read waits for data, and a write waits for room. When
    /// the request is complete, stores its result in `reply`.
    fn poll(&mut self, socket: &mut Socket<'_>) -> Next {
        // The stack runs a program only after the handshake.
        self.is_established = true;
        let Some(request) = self.request else { return Next::Wait };
        let (reply, next) = match request {
            Request::Abort => (Some(Ok(0)), Next::Abort),
            Request::Close => (Some(Ok(0)), Next::Close),
            Request::Read(most) => (read(socket, most), Next::Wait),
            Request::Shutdown => {
                let can_send = !has_sent_fin(socket);
                // This closes only the sending direction.
                socket.close();
                (Some(if can_send { Ok(0) } else { Err("ENOTCONN") }), Next::Wait)
            }
            Request::Write(count, mut queued) => {
                let reply = write(socket, count, &mut queued);
                // If the write is not complete, the next `poll` continues after the queued bytes.
                self.request = Some(Request::Write(count, queued));
                (reply, Next::Wait)
            }
        };
        if reply.is_some() {
            (self.request, self.reply) = (None, reply);
        }
        next
    }

    /// Takes the result of the request. Returns `None` if there is no result yet. If the connection ended before the
    /// request was complete, the result depends on how the connection ended.
    pub(super) fn returned(&mut self) -> Option<Result<u32, &'static str>> {
        self.reply.take().or_else(|| Some(Self::after(self.end?, self.request.take()?)))
    }

    /// Gives up the request, because its call must not wait, and returns the result. If nothing was read or written,
    /// the result is EAGAIN.
    pub(super) fn stop_waiting(&mut self) -> Result<u32, &'static str> {
        match (self.reply.take(), self.request.take()) {
            (Some(reply), _) => reply,
            (None, Some(Request::Write(_, queued))) if queued > 0 => Ok(queued),
            _ => Err("EAGAIN"),
        }
    }

    /// Returns the result of a call that the program makes after the connection has ended because of `end`.
    pub(super) fn after(end: End, request: Request) -> Result<u32, &'static str> {
        match (request, end) {
            (Request::Abort | Request::Close, _) => Ok(0),
            (Request::Read(_), End::Reset) => Err("ECONNRESET"),
            (Request::Read(_), End::Closed) => Ok(0),
            // In a script, every other end counts as a timeout.
            (Request::Read(_), _) => Err("ETIMEDOUT"),
            (Request::Shutdown, _) => Err("ENOTCONN"),
            (Request::Write(..), _) => Err("EPIPE"),
        }
    }
}

/// Returns whether the sending direction is closed, so that no more data can be queued.
fn has_sent_fin(socket: &Socket<'_>) -> bool {
    !matches!(socket.state(), State::Established | State::CloseWait)
}

/// Reads up to `most` bytes. Returns their number or the name of an error, or `None` if there is no data yet.
fn read(socket: &mut Socket<'_>, most: u32) -> Option<Result<u32, &'static str>> {
    let mut count = 0;
    // The receive buffer is a ring, so one call to `recv` can return only a part of the data.
    while count < most {
        let remaining = (most - count) as usize;
        // The closure returns how many bytes to remove from the buffer, and the result of `recv`.
        let received = socket.recv(|data| {
            let len = data.len().min(remaining);
            (len, len)
        });
        match received {
            // The cast is lossless, because at most `most` bytes are read.
            Ok(len) if len > 0 => count += len as u32,
            Err(RecvError::InvalidState) if count == 0 => return Some(Err("ENOTCONN")),
            Err(RecvError::Finished) => return Some(Ok(count)),
            _ => break,
        }
    }
    // A read of 0 bytes does not wait for data.
    (count > 0 || most == 0).then_some(Ok(count))
}

/// Queues as many of the remaining bytes as there is room for. `queued` of `count` bytes are queued so far.
///
/// Returns the number of queued bytes or the name of an error, or `None` if bytes remain.
fn write(socket: &mut Socket<'_>, count: u32, queued: &mut u32) -> Option<Result<u32, &'static str>> {
    while *queued < count {
        let remaining = (count - *queued) as usize;
        // The closure returns how many bytes it has written, and the result of `send`.
        let sent = socket.send(|room| {
            let len = room.len().min(remaining);
            room[..len].fill(super::frame::FILL);
            (len, len)
        });
        match sent {
            Ok(0) => return None,
            Ok(len) => *queued += len as u32,
            Err(_) => return Some(if *queued > 0 { Ok(*queued) } else { Err("EPIPE") }),
        }
    }
    Some(Ok(count))
}
