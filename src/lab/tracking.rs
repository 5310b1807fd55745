//! Tracks the connections of a run: reads their sequence numbers from the frames, and their states from the stacks'
//! events.

use smoltcp::socket::tcp::State;
use smoltcp::wire::{IpEndpoint, TcpSeqNumber};

use super::{address, change};
use crate::stack::Event;
use crate::trace::{Ends, Flow, Summary};

/// The tracked connections of `N` hosts: at most `FLOWS`.
pub(super) struct Tracks<const N: usize, const FLOWS: usize> {
    flows: [Option<Tracked>; FLOWS],
    /// The number of connections between hosts that have been tracked so far.
    pub(super) count: u32,
    /// Whether a SYN from a forged address has been sent.
    pub(super) has_forged: bool,
    /// The connection of the most recent frame or event.
    pub(super) latest: Option<[IpEndpoint; 2]>,
}

/// A tracked connection. Its first endpoint is the sender of the first segment.
#[derive(Clone, Copy)]
pub(super) struct Tracked {
    /// The connection's number, from 0. Connections are numbered in the order of their first segments. Connections from
    /// forged addresses are not counted.
    pub(super) number: u32,
    ends: [IpEndpoint; 2],
    pub(super) flow: Flow,
    /// The most recently reported state of each side.
    pub(super) states: [Option<State>; 2],
    /// For each side, the most recent step in which its state changed, and its state before that step.
    changed: [Option<(u32, State)>; 2],
}

impl Tracked {
    /// Returns the state of a side before the step `since`, if its state has changed in that step or later.
    pub(super) fn state_before(&self, side: usize, since: u32) -> Option<State> {
        self.changed[side].filter(|(step, _)| *step >= since).map(|(_, from)| from)
    }

    /// Returns the index of `ends[0]` in this connection, or `None` if `ends` belong to another connection.
    fn side_of(&self, ends: [IpEndpoint; 2]) -> Option<usize> {
        let [a, b] = ends;
        if self.ends == ends { Some(0) } else { (self.ends == [b, a]).then_some(1) }
    }
}

impl<const N: usize, const FLOWS: usize> Tracks<N, FLOWS> {
    pub(super) const fn new() -> Self {
        Tracks { flows: [None; FLOWS], count: 0, has_forged: false, latest: None }
    }

    /// Returns whether both endpoints have the address of a host. A forged address belongs to no host.
    pub(super) fn is_between_hosts(&self, ends: [IpEndpoint; 2]) -> bool {
        ends.iter().all(|end| (0..N).any(|host| address(host) == end.addr))
    }

    /// Returns the connection between `ends`, preceded by the index of the side `ends[0]`.
    pub(super) fn find(&self, ends: [IpEndpoint; 2]) -> Option<(usize, &Tracked)> {
        self.flows.iter().flatten().find_map(|tracked| Some((tracked.side_of(ends)?, tracked)))
    }

    /// Returns the initial sequence numbers of the two sides `ends`, as far as frames have shown them.
    ///
    /// Returns `None` if the connection is not tracked.
    pub(super) fn isn(&self, ends: [IpEndpoint; 2]) -> Option<[Option<TcpSeqNumber>; 2]> {
        let (side, Tracked { flow, .. }) = self.find(ends)?;
        Some([flow.sides[side].iss, flow.sides[1 - side].iss])
    }

    /// Records that a frame of no host is on the wire, such as the SYN of a flood.
    pub(super) fn note_forged(&mut self, summary: &Summary) {
        let is_syn = summary.segment().is_some_and(|segment| segment.syn && segment.ack.is_none());
        let is_between_hosts = |ends: Ends| self.is_between_hosts([ends.source, ends.destination]);
        self.has_forged |= is_syn && summary.ends.is_some_and(|ends| !is_between_hosts(ends));
    }

    /// Records the state that an event of a step reports. The event's connection becomes the most recent one, if it is
    /// a connection between hosts.
    pub(super) fn note_state(&mut self, event: &Event, step: u32) {
        // Some events are about no connection.
        let Some(ends) = event.tuple().map(|tuple| [tuple.local, tuple.remote]) else { return };
        if self.is_between_hosts(ends) {
            self.latest = Some(ends);
        }
        let tracked = self.flows.iter_mut().flatten().find_map(|t| Some((t.side_of(ends)?, t)));
        if let (Some((side, tracked)), Some((from, to))) = (tracked, change(event)) {
            tracked.states[side] = Some(to);
            // The state can change twice in one step.
            if tracked.changed[side].is_none_or(|(before, _)| before != step) {
                tracked.changed[side] = Some((step, from));
            }
        }
    }

    /// Returns the index at which to store a new connection. If no index is free, an older connection is replaced.
    ///
    /// A connection from a forged address replaces only another such connection. If there is none, returns `None`.
    fn room_for(&mut self, ends: [IpEndpoint; 2]) -> Option<usize> {
        if let Some(free) = self.flows.iter().position(Option::is_none) {
            return Some(free);
        }
        let is_forged = |t: &Option<Tracked>| t.as_ref().is_some_and(|t| !self.is_between_hosts(t.ends));
        // The oldest forged connection or, for a connection between hosts, the oldest of all.
        let oldest = self.flows.iter().position(is_forged).or(self.is_between_hosts(ends).then_some(0))?;
        // The connections are stored by age, so the new one takes the last place.
        self.flows.get_mut(oldest..)?.rotate_left(1);
        Some(FLOWS - 1)
    }

    /// Returns the flow to which a segment belongs, and the index of the side that sent the segment.
    ///
    /// If the flow is not tracked yet, `begin` decides: if it is true, tracking begins, and if it is false, the result
    /// is `None`. It is also `None` for a frame that is not a segment, and if there is no room for a new flow. A
    /// connection between hosts becomes the most recent one.
    pub(super) fn flow(&mut self, summary: &Summary, begin: bool) -> Option<(&mut Flow, usize)> {
        // Only TCP segments belong to a flow.
        summary.segment()?;
        let ends = summary.ends?;
        let ends = [ends.source, ends.destination];
        let index = self.flows.iter().position(|t| t.as_ref().is_some_and(|t| t.side_of(ends).is_some()));
        let index = match index {
            Some(index) => index,
            // `room_for` prevents many forged addresses from displacing the hosts' own connections.
            None if begin => {
                let index = self.room_for(ends)?;
                let number = self.count;
                self.count += u32::from(self.is_between_hosts(ends));
                self.flows[index] =
                    Some(Tracked { number, ends, flow: Flow::default(), states: [None; 2], changed: [None; 2] });
                index
            }
            None => return None,
        };
        if self.is_between_hosts(ends) {
            self.latest = Some(ends);
        }
        let tracked = self.flows[index].as_mut()?;
        let side = tracked.side_of(ends)?;
        Some((&mut tracked.flow, side))
    }
}
