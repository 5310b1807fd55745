//! One query over TCP (RFC 7766), for a reply that does not fit into a datagram.

#[cfg(all(test, feature = "std"))]
mod tests;

use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::{Duration, Instant};

use super::addresses::Addresses;
use super::message::{self, Kind, LONGEST_QUERY, Name, Reply};
use crate::stack::{Context, End, Next, Session};

/// The longest time that a server may take to reply.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest time that a server may take to close the connection after its reply.
const GRACE: Duration = Duration::from_millis(500);

/// The size in bytes of the length field before each message (RFC 1035 section 4.2.2).
const PREFIX: usize = 2;

/// A DNS query on its own TCP connection. The reply is parsed in place, in the connection's receive buffer.
#[derive(Clone, Debug)]
pub(crate) struct TcpQuery {
    name: Name,
    kind: Kind,
    id: u16,
    /// The number of bytes of the query, including its length field, that are queued so far.
    position: usize,
    addresses: Addresses,
    /// `None` while the query runs, `Some(None)` if the query has failed.
    result: Option<Option<Reply>>,
    /// The time at which to reset the connection, if it is still open.
    until: Option<Instant>,
}

impl TcpQuery {
    pub(super) fn new(name: Name, kind: Kind, id: u16) -> Self {
        TcpQuery { name, kind, id, position: 0, addresses: Addresses::default(), result: None, until: None }
    }

    /// The timeout for establishing the connection.
    pub(crate) const PATIENCE: Duration = PATIENCE;

    /// Returns whether the query has a reply or has failed.
    pub(crate) fn has_ended(&self) -> bool {
        self.result.is_some()
    }

    /// Returns the reply and its addresses, or `None` if no reply has arrived.
    pub(super) fn reply(&self) -> Option<(Reply, &Addresses)> {
        Some((self.result??, &self.addresses))
    }

    /// Queues as much of the query as fits into the send buffer. Each call builds the whole query again and queues only
    /// the bytes from `position`, so that the session need not store the query.
    fn send(&mut self, socket: &mut Socket<'_>) {
        let mut question = [0; LONGEST_QUERY];
        let len = message::question(self.id, &self.name, self.kind, &mut question);
        let mut bytes = [0; PREFIX + LONGEST_QUERY];
        bytes[..PREFIX].copy_from_slice(&(len as u16).to_be_bytes());
        bytes[PREFIX..PREFIX + len].copy_from_slice(&question[..len]);
        let rest = bytes.get(self.position..PREFIX + len).unwrap_or_default();
        self.position += socket.send_slice(rest).unwrap_or(0);
    }

    /// Parses the reply once all of it has arrived.
    fn receive(&mut self, socket: &mut Socket<'_>) {
        let capacity = socket.recv_capacity();
        // Nothing is consumed, so the buffer does not wrap around, and `peek` returns all bytes that have arrived.
        if let Ok([high, low, rest @ ..]) = socket.peek(capacity) {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            if let Some(bytes) = rest.get(..len) {
                let TcpQuery { id, name, kind, addresses, .. } = self;
                let reply = message::reply(bytes, *id, name, *kind, |address| addresses.add(address));
                self.result = Some(Some(reply));
            } else if PREFIX + len > capacity {
                // The reply can never fit into the receive buffer.
                self.result = Some(None);
            }
        }
    }
}

impl Session for TcpQuery {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let until = *self.until.get_or_insert(cx.now + PATIENCE);
        // In any state except these three, the server has closed its side, or the connection is gone.
        let stream_ended = !matches!(socket.state(), State::Established | State::FinWait1 | State::FinWait2);
        if self.result.is_none() {
            self.send(socket);
            self.receive(socket);
            if self.result.is_none() && (stream_ended || cx.now >= until) {
                self.result = Some(None);
                return Next::Abort;
            }
            if self.result.is_none() {
                return Next::WakeAt(until);
            }
            // The result is known, so the connection can close.
            socket.close();
            self.until = Some(cx.now + GRACE);
        }
        // The server may take until the end of `GRACE` to close its side.
        match self.until {
            _ if stream_ended => Next::Close,
            Some(until) if cx.now < until => Next::WakeAt(until),
            _ => Next::Abort,
        }
    }

    fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {
        // Without a result, the query has failed.
        self.result.get_or_insert(None);
    }
}
