//! Views of a run: an entry with the states of both ends, and a host's connections.

use smoltcp::socket::tcp::State;
use smoltcp::wire::{IpEndpoint, TcpSeqNumber};

use super::Lab;
use crate::lab::show::{Entry, What};
use crate::stack::{Connection, Console, Session, UdpSession};
use crate::trace::{Side, Summary};

/// An entry, with the sequence numbers and states that are shown beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The entry.
    pub entry: Entry,
    /// The initial sequence numbers of the frame's sender and receiver, if they are known.
    pub isn: [Option<TcpSeqNumber>; 2],
    /// The states of the client and of the server after the step.
    pub states: [State; 2],
}

/// One end's view of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The connection as the stack reports it: observed.
    pub connection: Connection,
    /// The connection as its frames show it: inferred.
    pub side: Side,
    /// The peer's initial sequence number, from which RCV.NXT is counted.
    pub irs: Option<TcpSeqNumber>,
}

impl<
    S: Session + Clone,
    U: UdpSession,
    C: Console,
    const N: usize,
    const R: usize,
    const FRAMES: usize,
    const KEPT: usize,
    const FLOWS: usize,
> Lab<'_, S, U, C, N, R, FRAMES, KEPT, FLOWS>
{
    /// The connections of a host, as its stack and its frames show them.
    pub fn views(&self, host: usize) -> impl Iterator<Item = View> {
        self.hosts[host].stack.connections_in_use().map(|connection| {
            let ends = [connection.tuple.local, connection.tuple.remote];
            let tracked = self.flows.iter().flatten().find_map(|t| Some((t.side_of(ends)?, &t.flow)));
            let (side, irs) =
                tracked.map_or((Side::default(), None), |(side, flow)| (flow.sides[side], flow.sides[1 - side].iss));
            View { connection, side, irs }
        })
    }

    /// The initial sequence numbers of a segment's sender and receiver, if they are known.
    pub fn initial(&self, summary: &Summary) -> [Option<TcpSeqNumber>; 2] {
        let Some(ends) = summary.ends else { return [None; 2] };
        let ends = [ends.source, ends.destination];
        let found = self.flows.iter().flatten().find_map(|t| Some((t.side_of(ends)?, &t.flow)));
        found.map_or([None; 2], |(side, flow)| [flow.sides[side].iss, flow.sides[1 - side].iss])
    }

    /// An entry, with its initial sequence numbers and the present states of the first two hosts.
    pub fn snapshot(&self, entry: Entry) -> Snapshot {
        let summary = match entry.what {
            What::Arrived { summary, .. } | What::Sent { summary, .. } => Some(summary),
            _ => None,
        };
        let isn = summary.map_or([None; 2], |summary| self.initial(&summary));
        let ends = match (entry.what, summary.and_then(|s| s.ends)) {
            (_, Some(ends)) => Some([ends.source, ends.destination]),
            (What::Stack(event), None) => event.tuple().map(|tuple| [tuple.local, tuple.remote]),
            _ => None,
        };
        Snapshot { entry, isn, states: [0, 1].map(|host| self.state(host, ends)) }
    }

    /// The states of the first two hosts.
    #[doc(hidden)]
    pub fn states(&self) -> [State; 2] {
        [0, 1].map(|host| self.state(host, None))
    }

    /// The TCP state of a host's connection with these ends, in either order. If it has no such connection, the state of its
    /// first one.
    fn state(&self, host: usize, ends: Option<[IpEndpoint; 2]>) -> State {
        let stack = &self.hosts[host].stack;
        let between =
            |c: &Connection| ends.is_some_and(|ends| ends.contains(&c.tuple.local) && ends.contains(&c.tuple.remote));
        let found = stack.connections_in_use().find(between).or_else(|| stack.connections_in_use().next());
        match found {
            Some(connection) => connection.state,
            None if stack.is_listening() => State::Listen,
            None => State::Closed,
        }
    }
}
