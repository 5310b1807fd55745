//! Carries out the calls that a script's program makes, and compares their results.

use alloc::format;
use alloc::vec::Vec;

use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::{Failed, Runner, Seconds};
use crate::lab::SCRIPT_PORT;
use crate::lab::packetdrill::calls::{Call, Function, Outcome};
use crate::lab::packetdrill::program::{Connection, Program, Request};
use crate::stack::{Console, End, ListenError, Listener};

/// The sockets of the program.
pub(super) struct Sockets {
    program: Program,
    open: Vec<Socket>,
    waiting: Option<Waiting>,
}

/// A socket that is open.
struct Socket {
    /// The socket's number in the script.
    number: u32,
    kind: Kind,
    /// Whether `close` sends RST.
    aborts: bool,
}

/// The kind of a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A connection, by its index in the program's table.
    Connection(usize),
    Listener,
    /// A socket that neither listens nor has a connection.
    New,
}

/// A call that has not returned, or whose result has not been compared yet.
struct Waiting {
    line: usize,
    function: Function,
    kind: Kind,
    until: Duration,
    wanted: Outcome,
    returned: Option<(Duration, Result<u32, &'static str>)>,
}

/// The time limit for the handshake. The limit is so long that the stack itself gives up first.
const PATIENCE: Duration = Duration::from_secs(3600);

impl Sockets {
    pub(super) fn new() -> Self {
        Sockets { program: Program::new(), open: Vec::new(), waiting: None }
    }

    fn add(&mut self, number: u32, kind: Kind) {
        self.open.push(Socket { number, kind, aborts: false });
    }

    fn find(&mut self, number: u32) -> Option<&mut Socket> {
        self.open.iter_mut().find(|socket| socket.number == number)
    }
}

impl<'a, C: Console> Runner<'_, 'a, C> {
    /// Carries out a call. If `until` is given, the call is allowed to wait until then, and [`settle`](Self::settle)
    /// compares its result later. Without `until`, the call returns at once, and its result is compared here.
    pub(super) fn call(&mut self, line: usize, call: &Call, until: Option<Duration>) -> Result<(), Failed> {
        // A new socket gets the number that the script expects.
        let number = match call.result {
            Outcome::Number(number) => number,
            Outcome::Error(_) => 0,
        };
        let kind = |runner: &mut Self, socket| runner.sockets.find(socket).map_or(Kind::New, |socket| socket.kind);
        let result = match call.function {
            Function::Socket => {
                self.sockets.add(number, Kind::New);
                Some(Ok(number))
            }
            Function::Bind(_) => Some(Ok(0)),
            Function::Linger(socket, aborts) => {
                if let Some(socket) = self.sockets.find(socket) {
                    socket.aborts = aborts;
                }
                // The results of socket options are not compared.
                return Ok(());
            }
            Function::Option(_) => return Ok(()),
            Function::Listen(socket, backlog) => Some(self.listen(socket, backlog)),
            Function::Connect(socket) => self.connect(socket),
            Function::Close(socket) => Some(self.close(line, socket)?),
            // `poll_waiting` accepts the connection, at once or later.
            Function::Accept(_) => None,
            Function::Read(socket, most) => {
                let kind = kind(self, socket);
                self.request(line, kind, Request::Read(most))?
            }
            // Only closing the sending direction has an effect.
            Function::Shutdown(_, false) => Some(Ok(0)),
            Function::Shutdown(socket, true) => {
                let kind = kind(self, socket);
                self.request(line, kind, Request::Shutdown)?
            }
            Function::Write(socket, count) => {
                let kind = kind(self, socket);
                self.request(line, kind, Request::Write(count, 0))?
            }
        };
        // `poll_waiting` asks this socket for a result that is still missing.
        let socket = match call.function {
            Function::Accept(socket) | Function::Connect(socket) => socket,
            Function::Read(socket, _) | Function::Write(socket, _) => socket,
            // The other calls do not wait, so their socket is not needed.
            _ => 0,
        };
        // A call without a result waits, and `poll_waiting` stores its result later.
        let waiting = Waiting {
            line,
            function: call.function,
            kind: kind(self, socket),
            until: until.unwrap_or(self.lab.elapsed()),
            wanted: call.result.clone(),
            returned: result.map(|result| (self.lab.elapsed(), result)),
        };
        self.sockets.waiting = Some(waiting);
        self.run_now(line)?;
        if until.is_none() {
            self.stop_waiting();
            self.settle(line, Duration::ZERO)?;
        }
        Ok(())
    }

    /// Runs the lab until the waiting call returns, at the latest `tolerance` after the time in the script. Does
    /// nothing if no call is waiting.
    ///
    /// # Errors
    /// [`Failed`] if the call's result, or the time at which it returned, differs from the script.
    pub(super) fn settle(&mut self, line: usize, tolerance: Duration) -> Result<(), Failed> {
        let Some(latest) = self.sockets.waiting.as_ref().map(|waiting| waiting.until + tolerance) else {
            return Ok(());
        };
        while self.sockets.waiting.as_ref().is_some_and(|waiting| waiting.returned.is_none()) {
            // If `latest` has passed, only the work that is due now is left.
            if !self.step(line, latest.max(self.lab.elapsed()))? {
                break;
            }
        }
        let Some(Waiting { line, function, until, wanted, returned, .. }) = self.sockets.waiting.take() else {
            return Ok(());
        };
        let name = function.name();
        let failed = |what| Err(Failed { line, what });
        let Some((at, result)) = returned else {
            let latest = Seconds(latest);
            return failed(format!(
                "expected {name} = {wanted} at {}, but it has not returned at {latest}",
                Seconds(until)
            ));
        };
        let agrees = match (&wanted, result) {
            (Outcome::Number(wanted), Ok(number)) => *wanted == number,
            (Outcome::Error(name), Err(error)) => name.is_empty() || name == error,
            _ => false,
        };
        let is_in_time = at <= until + tolerance && until <= at + tolerance;
        match result {
            Ok(number) if !agrees => failed(format!("expected {name} = {wanted}, but the result is {number}")),
            Err(error) if !agrees => failed(format!("expected {name} = {wanted}, but the result is -1 {error}")),
            _ if !is_in_time => {
                failed(format!("expected {name} = {wanted} at {}, but it returned at {}", Seconds(until), Seconds(at)))
            }
            _ => Ok(()),
        }
    }

    /// Stores the result of the waiting call, if the call returns now. If `accept` returns, adds the socket of the
    /// connection.
    pub(super) fn poll_waiting(&mut self) {
        let Sockets { program, open, waiting: Some(waiting) } = &mut self.sockets else { return };
        if waiting.returned.is_some() {
            return;
        }
        let result = match (waiting.function, waiting.kind) {
            (Function::Accept(_), Kind::Listener) => program.accept().map(|index| {
                // The socket gets the number that the script expects.
                let number = if let Outcome::Number(number) = waiting.wanted { number } else { 0 };
                open.push(Socket { number, kind: Kind::Connection(index), aborts: false });
                Ok(number)
            }),
            // The socket does not listen.
            (Function::Accept(_), _) => Some(Err("EINVAL")),
            (Function::Connect(_), Kind::Connection(index)) => program.with(index, connect_result).flatten(),
            (_, Kind::Connection(index)) => program.with(index, Connection::returned).flatten(),
            _ => Some(Err("ENOTCONN")),
        };
        waiting.returned = result.map(|result| (self.lab.elapsed(), result));
    }

    /// Makes the last call return now, because the script gives no later time for its result.
    fn stop_waiting(&mut self) {
        let now = self.lab.elapsed();
        let Sockets { program, waiting: Some(waiting), .. } = &mut self.sockets else { return };
        if waiting.returned.is_none() {
            let result = match (waiting.function, waiting.kind) {
                (Function::Connect(_), _) => Err("EINPROGRESS"),
                (Function::Accept(_), _) => Err("EAGAIN"),
                (_, Kind::Connection(index)) => program.with(index, Connection::stop_waiting).unwrap_or(Err("EAGAIN")),
                _ => Err("EAGAIN"),
            };
            waiting.returned = Some((now, result));
        }
    }

    /// Listens on the script's port. Returns the result of the call.
    fn listen(&mut self, socket: u32, backlog: u32) -> Result<u32, &'static str> {
        let mut listener = Listener::new(SCRIPT_PORT, self.sockets.program.clone());
        // The backlog is at least 1, so that the only connection of a script has room.
        listener.backlog = backlog.max(1) as usize;
        match self.lab.hosts[self.host].stack.listen(listener) {
            Ok(()) => {
                if let Some(socket) = self.sockets.find(socket) {
                    socket.kind = Kind::Listener;
                }
                Ok(0)
            }
            Err(ListenError::InUse) => Err("EADDRINUSE"),
            Err(_) => Err("ENOMEM"),
        }
    }

    /// Starts a connection. Returns `None` if the SYN is sent, because the call then waits.
    fn connect(&mut self, socket: u32) -> Option<Result<u32, &'static str>> {
        let (session, index) = self.sockets.program.connecting();
        if let Some(socket) = self.sockets.find(socket) {
            socket.kind = Kind::Connection(index);
        }
        // In `self.ends`, index 0 is the peer and index 1 is the stack.
        let remote = IpEndpoint::new(self.ends.addresses[0].into(), self.ends.ports[0]);
        let result = self.lab.call(self.host, self.ends.ports[1], remote, session, PATIENCE);
        // Process the entries of the call, such as the SYN.
        self.drain();
        // Whatever the stack's error is, `connect` fails with ENETUNREACH in the script.
        result.is_err().then_some(Err("ENETUNREACH"))
    }

    /// Closes a socket, and gives up its connection if the handshake has not ended. Returns the result of the call, or
    /// [`Failed`] if the script must end.
    fn close(&mut self, line: usize, number: u32) -> Result<Result<u32, &'static str>, Failed> {
        let socket = self.sockets.open.iter().position(|socket| socket.number == number);
        let Some(Socket { kind, aborts, .. }) = socket.map(|socket| self.sockets.open.remove(socket)) else {
            return Ok(Err("EBADF"));
        };
        let Kind::Connection(index) = kind else { return Ok(Ok(0)) };
        if self.sockets.program.with(index, |connection| connection.is_established) == Some(false) {
            // A script opens only one connection, so closing all connections of the stack closes only this one.
            let ((), events) = self.lab.with(self.host, |stack, now, io| stack.shut_down(now, io));
            self.lab.note(self.host, None, &events);
            self.drain();
            return Ok(Ok(0));
        }
        let request = if aborts { Request::Abort } else { Request::Close };
        // The result is ignored: `close` succeeds at once, whatever happens to the connection later.
        let _ = self.request(line, kind, request)?;
        Ok(Ok(0))
    }

    /// Passes a call to the program of a connection. Returns the result, or `None` if the call waits.
    fn request(
        &mut self,
        line: usize,
        kind: Kind,
        request: Request,
    ) -> Result<Option<Result<u32, &'static str>>, Failed> {
        let Kind::Connection(index) = kind else { return Ok(Some(Err("ENOTCONN"))) };
        let ended = self.sockets.program.with(index, |connection| match connection.end {
            Some(end) => Some(Connection::after(end, request)),
            None => {
                connection.request = Some(request);
                None
            }
        });
        if let Some(result) = ended.flatten() {
            return Ok(Some(result));
        }
        // The stack does not see the request, so tell it to run the program.
        self.lab.hosts[self.host].stack.wake_programs();
        self.run_now(line)?;
        Ok(self.sockets.program.with(index, |connection| connection.reply.take()).flatten())
    }
}

/// Returns the result of `connect`, or `None` during the handshake.
fn connect_result(connection: &mut Connection) -> Option<Result<u32, &'static str>> {
    match connection.end {
        Some(End::Refused) => Some(Err("ECONNREFUSED")),
        // In a script, every other end of an attempt to connect counts as a timeout.
        Some(_) => Some(Err("ETIMEDOUT")),
        None => connection.is_established.then_some(Ok(0)),
    }
}
