//! The data of the status page, which page.rs writes. [`Status`] observes the stack as its [`Probe`], and stores the
//! data in memory that the caller provides.

use core::cell::Cell;

use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::IpEndpoint;

use crate::stack::{ConnectionId, Direction, DropReason, Event, MAX_PROGRAMS, Probe, Tuple};

/// Counts the events of a stack, and keeps a row for each connection that the status page shows.
///
/// A status is the [`Probe`] of a stack. The program http reads the status while the stack runs.
///
/// Connections in slots without a row are counted but not shown. The number of connections that receive events is at
/// most half the number of rows, so that open pages leave slots for other connections.
#[derive(Debug)]
pub struct Status<'m> {
    started: Instant,
    rows: &'m [Cell<Option<Row>>],
    services: [Cell<Option<Service>>; SERVICES],
    frames: [Tally; 2],
    accepted: Tally,
    connected: Tally,
    ended: Tally,
    handshakes_ended: Tally,
    refused: Tally,
    udp: [Tally; 2],
    drops: [Tally; DropReason::ALL.len()],
    revision: Cell<u32>,
    watchers: Cell<usize>,
}

/// A connection's row on the status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    id: ConnectionId,
    pub(super) tuple: Tuple,
    pub(super) state: State,
    /// The time at which the connection entered this state.
    pub(super) since: Instant,
    /// The number of bytes that the connection's program has read.
    pub(super) read: u64,
    /// The number of bytes that the connection's program has written.
    pub(super) wrote: u64,
    /// Whether the connection receives the events of this status.
    pub(super) watches: bool,
}

/// A program that is served on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The program's name.
    pub name: &'static str,
    /// The transport protocol.
    pub transport: Transport,
    /// The program's port.
    pub port: u16,
}

/// The transport protocol of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The number of programs that a stack can serve over TCP and UDP together.
const SERVICES: usize = 2 * MAX_PROGRAMS;

impl<'m> Status<'m> {
    /// Creates the status of a stack that starts at `now`. `rows` has one row for each connection slot that the page
    /// shows.
    pub fn new(rows: &'m [Cell<Option<Row>>], now: Instant) -> Self {
        Status {
            started: now,
            rows,
            services: [const { Cell::new(None) }; SERVICES],
            frames: Default::default(),
            accepted: Tally::default(),
            connected: Tally::default(),
            ended: Tally::default(),
            handshakes_ended: Tally::default(),
            refused: Tally::default(),
            udp: Default::default(),
            drops: Default::default(),
            revision: Cell::new(0),
            watchers: Cell::new(0),
        }
    }

    /// Records that a program is served. The status can store all programs that a stack can serve.
    pub fn serves(&self, service: Service) {
        if let Some(free) = self.services.iter().find(|cell| cell.get().is_none()) {
            free.set(Some(service));
        }
    }

    /// Returns the program that serves this local endpoint. Returns `None` if this side began the connection.
    pub(super) fn program(&self, local: IpEndpoint) -> Option<&'static str> {
        let mut services = self.services.iter().map_while(Cell::get);
        services.find(|s| s.transport == Transport::Tcp && s.port == local.port).map(|s| s.name)
    }

    /// Returns the program at `index` in the list of served programs.
    pub(super) fn service(&self, index: usize) -> Option<Service> {
        self.services.get(index)?.get()
    }

    /// Returns the row at `index`, if `index` is in range. The inner value is `None` if no connection uses the row.
    pub(super) fn row(&self, index: usize) -> Option<Option<Row>> {
        self.rows.get(index).map(Cell::get)
    }

    /// Returns the name and value of the counter at `index` of the page's list of counters.
    pub(super) fn figure(&self, index: usize) -> Option<(&'static str, u64)> {
        let [frames_in, frames_out] = &self.frames;
        let [udp_read, udp_sent] = &self.udp;
        Some(match index {
            0 => ("Frames in", frames_in.count.get()),
            1 => ("Bytes in", frames_in.bytes.get()),
            2 => ("Frames out", frames_out.count.get()),
            3 => ("Bytes out", frames_out.bytes.get()),
            4 => ("Accepted", self.accepted.count.get()),
            5 => ("Ended", self.ended.count.get()),
            6 => ("Handshakes given up", self.handshakes_ended.count.get()),
            7 => ("Refused", self.refused.count.get()),
            8 => ("UDP bytes read", udp_read.bytes.get()),
            9 => ("UDP bytes sent", udp_sent.bytes.get()),
            _ => return None,
        })
    }

    /// Returns the drop reason at `index` and the number of frames and connections dropped for that reason.
    pub(super) fn drops(&self, index: usize) -> Option<(DropReason, u64)> {
        Some((*DropReason::ALL.get(index)?, self.drops.get(index)?.count.get()))
    }

    /// Returns the number of established connections that have not ended.
    pub(super) fn open(&self) -> u64 {
        (self.accepted.count.get() + self.connected.count.get()).saturating_sub(self.ended.count.get())
    }

    /// Returns how long the stack has run, in whole seconds.
    pub(super) fn uptime(&self, now: Instant) -> u32 {
        seconds(self.started, now)
    }

    /// Returns a number that changes whenever the page changes. Bytes sent to receivers of events do not change the
    /// number.
    pub(super) fn revision(&self) -> u32 {
        self.revision.get()
    }

    /// Registers the connection `tuple` as a receiver of events, and marks its row. Returns false if half of the rows
    /// already have receivers, so that open pages leave slots for other connections.
    pub(super) fn watch(&self, tuple: Tuple) -> bool {
        // Even with a single row, one receiver is allowed.
        if self.watchers.get() >= (self.rows.len() / 2).max(1) {
            return false;
        }
        self.watchers.set(self.watchers.get() + 1);
        for cell in self.rows {
            cell.set(cell.get().map(|row| Row { watches: row.watches || row.tuple == tuple, ..row }));
        }
        true
    }

    /// Unregisters a receiver of events whose connection has ended. Call this only if [`watch`](Self::watch) returned
    /// true for the connection.
    pub(super) fn unwatch(&self) {
        self.watchers.set(self.watchers.get().saturating_sub(1));
    }

    /// Replaces a connection's row with the result of `change`. `None` frees the row. Does nothing if the connection
    /// has no row.
    fn change(&self, id: ConnectionId, change: impl FnOnce(Row) -> Option<Row>) {
        if let Some(cell) = self.rows.get(id.slot())
            && let Some(row) = cell.get().filter(|row| row.id == id)
        {
            cell.set(change(row));
        }
    }

    /// Records that a connection has entered `state`. Creates the connection's row, or frees the row after CLOSED.
    fn enter_state(&self, now: Instant, id: ConnectionId, tuple: Tuple, state: State) {
        let Some(cell) = self.rows.get(id.slot()) else { return };
        // The row of an earlier connection in the same slot is replaced.
        let fresh = Row { id, tuple, state, since: now, read: 0, wrote: 0, watches: false };
        let row = cell.get().filter(|row| row.id == id).map_or(fresh, |row| Row { state, since: now, ..row });
        cell.set((state != State::Closed).then_some(row));
    }
}

impl Probe for &Status<'_> {
    /// Counts a frame and its bytes, separately for each direction.
    fn frame(&mut self, _now: Instant, direction: Direction, frame: &[u8]) {
        let [inward, outward] = &self.frames;
        match direction {
            Direction::In => inward.add(frame.len()),
            Direction::Out => outward.add(frame.len()),
        }
    }

    /// Updates the counters and the rows of the connections. Changes the revision if the page has changed.
    fn event(&mut self, now: Instant, event: &Event) {
        // Bytes sent to a receiver of the page's events do not count as a change. Otherwise each event would cause
        // another event.
        let mut page_changed = true;
        // An event without a size is counted with 0 bytes.
        match *event {
            Event::Address(_) => page_changed = false,
            Event::Accepted { .. } => self.accepted.add(0),
            Event::Connected { .. } => self.connected.add(0),
            Event::Connecting { id, tuple } => self.enter_state(now, id, tuple, State::SynSent),
            Event::Dropped(why) => {
                if let Some(at) = DropReason::ALL.iter().position(|drop| *drop == why)
                    && let Some(tally) = self.drops.get(at)
                {
                    tally.add(0);
                }
            }
            Event::Ended { id, .. } => {
                self.ended.add(0);
                // A connection in TIME-WAIT keeps its row until it enters CLOSED.
                self.change(id, |row| (row.state == State::TimeWait).then_some(row));
            }
            Event::HandshakeEnded { id, .. } => {
                self.handshakes_ended.add(0);
                self.change(id, |_| None);
            }
            Event::Read { id, bytes, .. } => {
                self.change(id, |row| Some(Row { read: row.read + bytes as u64, ..row }));
            }
            Event::Refused { .. } => self.refused.add(0),
            Event::State { id, tuple, to, .. } => self.enter_state(now, id, tuple, to),
            Event::Udp { read, sent, .. } => {
                let [to_read, to_send] = &self.udp;
                to_read.add(read);
                to_send.add(sent);
            }
            Event::Wrote { id, bytes, .. } => {
                // Without a row, the page does not show these bytes.
                page_changed = false;
                self.change(id, |row| {
                    page_changed = !row.watches;
                    Some(Row { wrote: row.wrote + bytes as u64, ..row })
                });
            }
        }
        if page_changed {
            self.revision.set(self.revision.get().wrapping_add(1));
        }
    }
}

/// A number of events and the sum of their bytes.
#[derive(Debug, Default)]
struct Tally {
    count: Cell<u64>,
    bytes: Cell<u64>,
}

impl Tally {
    /// Counts one event of `bytes` bytes. An event without a size has 0 bytes.
    fn add(&self, bytes: usize) {
        self.count.set(self.count.get() + 1);
        self.bytes.set(self.bytes.get() + bytes as u64);
    }
}

/// Returns the whole seconds from `from` to `to`, or 0 if `to` is the earlier time.
pub(super) fn seconds(from: Instant, to: Instant) -> u32 {
    u32::try_from((to.max(from) - from).secs()).unwrap_or(u32::MAX)
}
