//! Views of a run: an entry with the states of both hosts, and a host's connections.

use smoltcp::socket::tcp::State;
use smoltcp::wire::{IpEndpoint, TcpSeqNumber};

#[cfg(feature = "recovery")]
use super::Reduction;
use super::{Lab, Scheduled, address};
use crate::lab::show::{Entry, What};
#[cfg(feature = "recovery")]
use crate::stack::Control;
use crate::stack::{Connection, Console, End, Event, Session, Tuple, UdpSession};
use crate::trace::{Carries, Side, Summary};

/// An entry, with the sequence numbers and states that are shown with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The entry.
    pub entry: Entry,
    /// The initial sequence numbers of the frame's sender and receiver, if known.
    pub isn: [Option<TcpSeqNumber>; 2],
    /// The states of the client and of the server after the step. The states are those of the entry's connection, or of
    /// the most recent connection if the entry has none.
    pub states: [State; 2],
    /// The states of the client and of the server before the step, on the entry's connection. `None` if a state is not
    /// known.
    #[doc(hidden)]
    pub before: [Option<State>; 2],
    /// Whether the entry's segment arrived with payload for which the receiver's window has no room.
    #[doc(hidden)]
    pub is_refused: bool,
    /// Whether the sender of the entry's segment tries shorter segments, because long ones have timed out.
    #[doc(hidden)]
    pub tries_shorter: bool,
    /// Whether the entry can have TCP states. This is `false` for UDP, and in a run without TCP.
    #[doc(hidden)]
    pub has_states: bool,
    /// The caller's port of the entry's connection, if the run has several connections.
    pub port: Option<u16>,
    /// The number of the entry's connection among the client's connections.
    #[doc(hidden)]
    pub lane: Lane,
    /// How the host's congestion window became smaller in this step. Only `lab::run`, which compares the windows before
    /// and after a step, sets this field.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub reduction: Option<Reduction>,
}

impl Snapshot {
    /// Returns the state before the step of the host that the entry is about.
    pub(in crate::lab) fn state_before(&self) -> Option<State> {
        self.before.get(self.entry.host).copied().flatten()
    }

    /// Returns the state after the step of the other one of the first two hosts.
    pub(in crate::lab) fn peer_state(&self) -> Option<State> {
        1_usize.checked_sub(self.entry.host).map(|peer| self.states[peer])
    }
}

/// The lane of an entry's connection. Each connection of the client has its own lane. The connections from forged
/// addresses share one lane, after the others.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// The number of the lane, from 0. `None` if the entry has no connection, or if there is only one lane.
    pub number: Option<u32>,
    /// The number of lanes in the run.
    pub of: u32,
    /// Whether the lane is that of the forged addresses.
    pub is_shared: bool,
}

/// A connection as one host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// What the host's stack reports about the connection.
    pub connection: Connection,
    /// What the connection's frames show about this side.
    pub side: Side,
    /// The peer's initial sequence number. RCV.NXT is shown relative to this number.
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
    /// Returns the connections of a host, as its stack reports them and as the frames show them.
    pub fn views(&self, host: usize) -> impl Iterator<Item = View> {
        self.hosts[host].stack.connections_in_use().map(|connection| {
            let ends = [connection.tuple.local, connection.tuple.remote];
            let sides = self.tracks.find(ends).map(|(side, t)| (t.flow.sides[side], t.flow.sides[1 - side].iss));
            let (side, irs) = sides.unwrap_or_default();
            View { connection, side, irs }
        })
    }

    /// Returns the newest connection of a host: the one whose first segment was sent last.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub fn newest(&self, host: usize) -> Option<View> {
        let number = |view: &View| self.number_of([view.connection.tuple.local, view.connection.tuple.remote]);
        self.views(host).max_by_key(number)
    }

    /// Returns the [`Control`] of each connection of a host.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub fn control(&self, host: usize) -> impl Iterator<Item = (Tuple, Control)> {
        self.hosts[host].stack.controls()
    }

    /// Returns the initial sequence numbers of a segment's sender and receiver, if known.
    pub fn initial(&self, summary: &Summary) -> [Option<TcpSeqNumber>; 2] {
        summary.ends.map_or([None; 2], |ends| self.isn_of([ends.source, ends.destination]))
    }

    /// Returns the initial sequence numbers of the two sides of a connection, if known.
    pub(super) fn isn_of(&self, ends: [IpEndpoint; 2]) -> [Option<TcpSeqNumber>; 2] {
        let isn = self.tracks.isn(ends);
        // The frames of a connection between hosts show both numbers. For a forged connection, ask the stack of the
        // only real host.
        let isn = if self.tracks.is_between_hosts(ends) { isn } else { self.isn_of_forged(ends).or(isn) };
        isn.unwrap_or_default()
    }

    /// Returns the initial sequence numbers of the two sides of a forged connection. Only the stack of the side that is
    /// a real host knows them.
    #[cfg(feature = "recovery")]
    fn isn_of_forged(&self, ends: [IpEndpoint; 2]) -> Option<[Option<TcpSeqNumber>; 2]> {
        let [source, destination] = ends;
        // Asks each stack for a connection with the local endpoint `end` and the remote endpoint `other`.
        let known = |end, other| {
            let controls = (0..N).flat_map(|host| self.control(host));
            let mut controls = controls.filter(|(tuple, _)| (tuple.local, tuple.remote) == (end, other));
            controls.next().map(|(_, control)| (Some(control.iss), control.irs))
        };
        let own = known(source, destination);
        // The other side's stack knows the same two numbers, with their roles exchanged.
        let other = || known(destination, source).map(|(iss, irs)| (irs, iss));
        own.or_else(other).map(|(sender, receiver)| [sender, receiver])
    }

    #[cfg(not(feature = "recovery"))]
    fn isn_of_forged(&self, _ends: [IpEndpoint; 2]) -> Option<[Option<TcpSeqNumber>; 2]> {
        None
    }

    /// Returns an entry with its initial sequence numbers and the current states of the first two hosts.
    pub fn snapshot(&self, entry: Entry) -> Snapshot {
        let summary = summary_of(&entry);
        let isn = summary.map_or([None; 2], |summary| self.initial(&summary));
        let ends = match entry.what {
            // A dropped segment belongs to the connection of the most recent frame.
            What::Stack(Event::Dropped(_)) => self.tracks.latest,
            _ => ends_of(&entry),
        };
        let is_forged = ends.is_some_and(|ends| !self.tracks.is_between_hosts(ends));
        // The port and the lane tell the connections apart, so a single connection has neither.
        let calls = self.client_calls();
        let of = calls + u32::from(self.tracks.has_forged);
        let port = ends.filter(|_| of > 1).map(|ends| {
            let caller = ends.iter().find(|end| end.addr == address(0));
            caller.map_or(0, |end| end.port)
        });
        // The port is 0 if the client is not a side of the connection.
        let port = port.filter(|&port| port > 0);
        let number = match ends {
            Some(_) if is_forged => (of > 1).then_some(calls),
            Some(ends) => port.map(|_| self.number_of(ends)),
            None => None,
        };
        // A forged connection is always identified by its port.
        let is_forged_end = |end: &&IpEndpoint| (0..N).all(|host| address(host) != end.addr);
        let forged = ends.and_then(|ends| ends.iter().find(is_forged_end).map(|end| end.port));
        let states = [0, 1].map(|host| {
            // A host that is not a side of the forged connection shows the state of its own connection.
            let own = ends.filter(|ends| !is_forged || ends.iter().any(|end| end.addr == address(host)));
            self.state_after(host, &entry, own)
        });
        let before = [0, 1].map(|host| self.state_before(host, &entry, ends, states[host]));
        let is_refused = matches!(entry.what, What::Arrived { .. }) && summary.is_some_and(|s| self.refuses(&s));
        let is_udp = matches!(entry.what, What::RanUdp(..) | What::Stack(Event::Udp { .. }))
            || summary.is_some_and(|summary| matches!(summary.carries, Carries::Udp(_)));
        let has_states = !is_udp && self.has_tcp();
        let port = forged.or(port).filter(|&port| port > 0);
        let lane = Lane { number, of, is_shared: is_forged && number.is_some() };
        Snapshot {
            entry,
            isn,
            states,
            before,
            is_refused,
            tries_shorter: summary.is_some_and(|summary| self.tries_shorter(&entry, &summary)),
            has_states,
            port,
            lane,
            #[cfg(feature = "recovery")]
            reduction: None,
        }
    }

    /// Returns the state of a host's connection after the step of an entry. Without `ends`, returns the state of the most
    /// recent connection.
    fn state_after(&self, host: usize, entry: &Entry, ends: Option<[IpEndpoint; 2]>) -> State {
        match entry.what {
            // The stack has given the connection up, even if a program still listens on its port. (After RST, the
            // connection returns to LISTEN: RFC 9293 section 3.10.7.4.)
            What::Stack(Event::HandshakeEnded { end, .. }) if host == entry.host && end != End::Reset => State::Closed,
            // A call or an event after the step of this entry can be reported together with the next step.
            _ if entry.step < self.steps => {
                self.changed_since(host, entry.step + 1, ends).unwrap_or_else(|| self.state(host, ends))
            }
            _ => self.state(host, ends),
        }
    }

    /// Returns the state of a host's connection before the step `since`, if the state has changed in that step or later.
    /// Without `ends`, returns the state of the most recent connection.
    fn changed_since(&self, host: usize, since: u32, ends: Option<[IpEndpoint; 2]>) -> Option<State> {
        let ends = ends.or(self.tracks.latest)?;
        let own = ends.iter().position(|end| end.addr == address(host))?;
        let (side, tracked) = self.tracks.find([ends[own], ends[1 - own]])?;
        tracked.state_before(side, since)
    }

    /// Returns the state of a host's connection before the step of an entry, or `None` if the connection is not
    /// tracked or the host has no states. `after` is the state after the step.
    ///
    /// Without `ends`, returns the state of the most recent connection.
    fn state_before(&self, host: usize, entry: &Entry, ends: Option<[IpEndpoint; 2]>, after: State) -> Option<State> {
        let ends = ends.or(self.tracks.latest)?;
        let own = ends.iter().position(|end| end.addr == address(host))?;
        let (side, tracked) = self.tracks.find([ends[own], ends[1 - own]])?;
        // A host event happens after the step whose number its entry has. A change in that very step came earlier, so
        // only changes of later steps count.
        let since = entry.step + u32::from(matches!(entry.what, What::HostEvent(_)));
        // The peer in a packetdrill script has no stack: it shows CLOSED, but reports no state.
        let has_called = self.calls.iter().any(|(caller, _)| *caller == host);
        let known = (after != State::Closed || tracked.states[side].is_some() || has_called).then_some(after);
        tracked.state_before(side, since).or(known)
    }

    /// Returns whether a segment carries payload that begins after the end of its receiver's window.
    ///
    /// The receiver has processed the segment. If it has accepted the payload, its acknowledgement or its window shows
    /// that.
    fn refuses(&self, summary: &Summary) -> bool {
        let (Some(segment), Some(ends)) = (summary.segment().filter(|segment| segment.len > 0), summary.ends) else {
            return false;
        };
        let Some((side, tracked)) = self.tracks.find([ends.destination, ends.source]) else { return false };
        let receiver = &tracked.flow.sides[side];
        let ahead = |next: TcpSeqNumber| segment.seq.0.wrapping_sub(next.0);
        receiver.rcv_nxt.is_some_and(|next| usize::try_from(ahead(next)).is_ok_and(|n| n >= receiver.offered))
    }

    /// Returns whether a host tries shorter segments on the connection of a segment that it sends. Only a lost segment
    /// and a retransmission can be part of such a trial.
    #[cfg(feature = "recovery")]
    fn tries_shorter(&self, entry: &Entry, summary: &Summary) -> bool {
        let host = entry.host;
        let may_try = matches!(entry.what, What::Sent { verdict, cause, .. } if verdict.is_lost() || cause.is_some());
        let Some(ends) = summary.ends.filter(|_| may_try && host < N) else { return false };
        let is_sent_on = |tuple: &Tuple| (tuple.local, tuple.remote) == (ends.source, ends.destination);
        self.control(host).any(|(tuple, control)| is_sent_on(&tuple) && control.tries_shorter)
    }

    #[cfg(not(feature = "recovery"))]
    fn tries_shorter(&self, _entry: &Entry, _summary: &Summary) -> bool {
        false
    }

    /// Returns the number of a connection, from 0, in the order of the first segments.
    fn number_of(&self, ends: [IpEndpoint; 2]) -> u32 {
        if let Some((_, tracked)) = self.tracks.find(ends) {
            return tracked.number;
        }
        // A call is not tracked before its SYN is sent. Calls send their SYNs in the order of their slots, so the calls
        // before this one get the next numbers.
        let calls = self.hosts[0].stack.connections_in_use().filter(|call| call.state == State::SynSent);
        let calls = calls.map(|call| [call.tuple.local, call.tuple.remote]);
        let mut waiting = calls.filter(|call| self.tracks.find(*call).is_none());
        self.tracks.count + waiting.position(|call| call == ends).unwrap_or_default() as u32
    }

    /// Returns the number of the connection whose states are shown with an entry.
    ///
    /// If the entry has a connection, returns that connection's number. Otherwise, returns the number of the most
    /// recent connection.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub fn lane_of(&self, snapshot: &Snapshot) -> u32 {
        let latest = || self.tracks.latest.filter(|_| snapshot.lane.of > 1).map(|ends| self.number_of(ends));
        snapshot.lane.number.or_else(latest).unwrap_or_default()
    }

    /// Returns whether the run uses TCP: a host has called, will call or listens, or a connection exists.
    fn has_tcp(&self) -> bool {
        let mut planned = self.agenda.iter().filter(|(_, s)| matches!(s, Scheduled::Call { .. }));
        let mut stacks = self.hosts.iter().map(|host| &host.stack);
        let is_used = !self.calls.is_empty() || self.tracks.count > 0 || planned.next().is_some();
        is_used || stacks.any(|stack| stack.is_listening() || stack.connections_in_use().next().is_some())
    }

    /// Returns the [`Control`] that each of the first two hosts has for the connection of an entry. If the entry has no
    /// connection, returns it for the most recent connection.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub fn holds(&self, entry: &Entry) -> [Option<Control>; 2] {
        let ends = ends_of(entry).or(self.tracks.latest);
        [0, 1].map(|host| {
            let [a, b] = ends?;
            let is_between =
                |tuple: &Tuple| tuple.local == a && tuple.remote == b || tuple.local == b && tuple.remote == a;
            self.control(host).find(|(tuple, _)| is_between(tuple)).map(|(_, control)| control)
        })
    }

    /// Returns the number of calls that the client has made or will make.
    fn client_calls(&self) -> u32 {
        let planned = self.agenda.iter().filter(|(_, s)| matches!(s, Scheduled::Call { host: 0, .. })).count();
        let made = self.calls.iter().filter(|(host, _)| *host == 0).count();
        (planned + made) as u32
    }

    /// Returns the states of the first two hosts.
    #[doc(hidden)]
    pub fn states(&self) -> [State; 2] {
        [0, 1].map(|host| self.state(host, None))
    }

    /// Returns the TCP state of a host's connection between `ends`, which can be in either order.
    ///
    /// Without `ends`, returns the state of the connection that the most recent frame or event was about.
    fn state(&self, host: usize, ends: Option<[IpEndpoint; 2]>) -> State {
        let stack = &self.hosts[host].stack;
        let ends = ends.or(self.tracks.latest);
        let between =
            |c: &Connection| ends.is_some_and(|ends| ends.contains(&c.tuple.local) && ends.contains(&c.tuple.remote));
        // The state that an event last reported for this connection.
        let last_reported = || {
            let ends = ends?;
            let own = ends.iter().position(|end| end.addr == address(host))?;
            let (side, tracked) = self.tracks.find([ends[own], ends[1 - own]])?;
            tracked.states[side]
        };
        match stack.connections_in_use().find(between) {
            Some(connection) => connection.state,
            // The connection has ended, even if a program still listens on its port.
            None if last_reported().is_some_and(|state| state != State::Listen) => State::Closed,
            None if stack.is_listening() => State::Listen,
            None => State::Closed,
        }
    }
}

/// Returns the headers of an entry's frame, if the entry is about a frame.
fn summary_of(entry: &Entry) -> Option<Summary> {
    match entry.what {
        What::Arrived { summary, .. } | What::Sent { summary, .. } => Some(summary),
        _ => None,
    }
}

/// Returns the two endpoints of the connection or datagram that an entry is about. Returns `None` if the entry names no
/// endpoints, and for an ICMP message.
fn ends_of(entry: &Entry) -> Option<[IpEndpoint; 2]> {
    let tuple = |tuple: Tuple| [tuple.local, tuple.remote];
    match (entry.what, summary_of(entry)) {
        // An ICMP message is about some connection, but has no ports.
        (_, Some(Summary { carries: Carries::Icmp(..) | Carries::Icmpv6(..), .. })) => None,
        (_, Some(summary)) => summary.ends.map(|ends| [ends.source, ends.destination]),
        (What::Stack(event), None) => event.tuple().map(tuple),
        (What::Ran(_, ends, _), None) => ends.map(tuple),
        _ => None,
    }
}
