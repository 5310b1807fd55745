//! The connections of a stack: their slots, table, lists and deadlines, all owned by [`Connections`].
//!
//! [`Connections::enter`] in lifecycle.rs moves a connection from phase to phase. turn.rs runs a connection's program,
//! and transmit.rs lets smoltcp send. connect.rs starts connections. listeners.rs contains the listeners.

mod connect;
mod deadlines;
mod lifecycle;
mod list;
mod listeners;
#[cfg(feature = "fragments")]
mod path;
mod show;
mod slot;
mod slot_index;
mod snapshot;
mod table;
mod time_wait;
mod transmit;
mod turn;

pub use slot::{Phase, Slot};
pub use slot_index::SlotIndex;
pub use snapshot::Connection;
pub use time_wait::TimeWaitRecord;

pub(super) use connect::mss;
pub(super) use deadlines::sooner;
pub(super) use lifecycle::Cause;
pub(super) use time_wait::Late;
pub(super) use turn::RETRY;

use smoltcp::iface::{SocketSet, SocketStorage};
#[cfg(feature = "recovery")]
use smoltcp::socket::tcp::CongestionControl;
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, TcpSeqNumber};

use super::buckets::{HASHED, Index};
use super::config::TcpOptions;
use super::control::Block;
#[cfg(feature = "recovery")]
use super::control::Options;
use super::event::{ConnectionId, Tuple};
use super::{MAX_PROGRAMS, Session};
use deadlines::Deadlines;
use list::List;
use listeners::Listening;
use slot::Queue;
use slot_index::{PHASE_LIST, RUN_QUEUE};
use table::Table;
use time_wait::TimeWaitRecords;

/// The number of keep-alive probes that a connection sends within its idle timeout.
pub(crate) const PROBES: u32 = 4;

/// The connection slots, with their table, lists, deadlines and listeners.
pub(super) struct Connections<'a, S> {
    pub(super) slots: &'a mut [Slot<'a, S>],
    index: &'a mut [SlotIndex],
    table: Table<{ HASHED }>,
    /// The slot that most recently received a segment. The next segment is often for the same connection, and comparing
    /// one tuple costs a tenth of a hash.
    #[cfg(feature = "std")]
    newest: usize,
    deadlines: Deadlines,
    run_queue: List<RUN_QUEUE>,
    /// Whether the device had no room at the most recent attempt to send.
    blocked: bool,
    /// Connections awaiting address resolution.
    neighbour_queue: List<RUN_QUEUE>,
    free: List<PHASE_LIST>,
    handshakes: List<PHASE_LIST>,
    time_wait: List<PHASE_LIST>,
    /// Records of connections in TIME-WAIT whose slots were reused.
    pub(super) time_wait_records: TimeWaitRecords<'a, { HASHED }>,
    listeners: heapless::Vec<Listening<S>, MAX_PROGRAMS>,
    tcp: TcpOptions,
}

impl<'a, S: Session + Clone> Connections<'a, S> {
    /// Creates the free slots, one for each socket, and divides the buffers `receive` and `send` evenly among them.
    /// `key` is the key of the hash tables. Returns `None` if the slices' lengths do not match, or if there are too
    /// many slots.
    pub(super) fn new(
        slots: &'a mut [Slot<'a, S>],
        index: &'a mut [SlotIndex],
        sockets: &'a mut [SocketStorage<'a>],
        (receive, send): (&'a mut [u8], &'a mut [u8]),
        time_wait: &'a mut [TimeWaitRecord],
        key: u64,
        tcp: TcpOptions,
    ) -> Option<Self> {
        let count = slots.len();
        if index.len() != count || sockets.len() != count || count >= usize::from(Index::MAX) {
            return None;
        }
        // If there are no slots, the size of the chunks does not matter, because the loop below does nothing.
        let receive = receive.chunks_exact_mut((receive.len() / count.max(1)).max(1));
        let send = send.chunks_exact_mut((send.len() / count.max(1)).max(1));
        for (((slot, socket), receive), send) in slots.iter_mut().zip(sockets).zip(receive).zip(send) {
            let mut set = SocketSet::new(core::slice::from_mut(socket));
            let handle = set.add(Socket::new(SocketBuffer::new(receive), SocketBuffer::new(send)));
            slot.set = Some((set, handle));
        }
        let mut free = List::EMPTY;
        for position in 0..count {
            free.push_back(index, position);
        }
        Some(Connections {
            slots,
            index,
            table: Table::new(key, count),
            #[cfg(feature = "std")]
            newest: 0,
            deadlines: Deadlines::EMPTY,
            run_queue: List::EMPTY,
            blocked: false,
            neighbour_queue: List::EMPTY,
            free,
            handshakes: List::EMPTY,
            time_wait: List::EMPTY,
            time_wait_records: TimeWaitRecords::new(time_wait, key),
            listeners: heapless::Vec::new(),
            tcp,
        })
    }

    /// Returns the identifier of the connection in slot `index`.
    pub(super) fn id(&self, index: usize) -> ConnectionId {
        ConnectionId { index: index as Index, generation: self.slots[index].generation }
    }

    /// Returns whether a connection still has its slot.
    pub(super) fn is_current(&self, id: ConnectionId) -> bool {
        self.slots.get(id.slot()).is_some_and(|slot| slot.generation == id.generation && slot.phase != Phase::Free)
    }

    /// Returns whether a connection still has its endpoints. A connection that has ended and is not in TIME-WAIT has no
    /// endpoints. Such a connection can keep its slot until [`Stack::take`](super::Stack::take) returns its program.
    pub(super) fn is_alive(&self, id: ConnectionId) -> bool {
        self.is_current(id) && self.tuple(id.slot()).is_some()
    }

    /// Returns the two endpoints of the connection in slot `index`, or `None` if the slot has no endpoints.
    pub(super) fn tuple(&self, index: usize) -> Option<Tuple> {
        self.index[index].tuple
    }

    /// Returns the slot of the connection with these two endpoints.
    pub(super) fn find(&self, tuple: &Tuple) -> Option<usize> {
        // Look at the slot of the previous segment first, because a comparison is cheaper than a hash.
        #[cfg(feature = "std")]
        if self.index.get(self.newest).is_some_and(|slot| slot.tuple.as_ref() == Some(tuple)) {
            return Some(self.newest);
        }
        self.table.find(self.index, tuple)
    }

    /// Remembers the slot that received a segment, for [`find`](Self::find).
    #[cfg(feature = "std")]
    pub(super) fn found(&mut self, index: usize) {
        self.newest = index;
    }

    /// Returns the earliest deadline of all connections.
    pub(super) fn due(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Returns the time at which the connection in slot `index` next has work.
    pub(super) fn due_of(&self, index: usize) -> Option<Instant> {
        self.deadlines.of(self.index, index)
    }

    /// Returns a free slot.
    pub(super) fn free_slot(&self) -> Option<usize> {
        self.free.front()
    }

    /// Returns a free slot. If no slot is free, frees the slot of the oldest connection in TIME-WAIT. A record then
    /// answers late segments from that connection's peer. `None` if no slot is free and no connection is in TIME-WAIT.
    #[inline(never)]
    pub(super) fn slot_or_time_wait(&mut self, now: Instant) -> Option<usize> {
        // The function is never inlined, which saves a board's flash, as in `TimeWaitRecords::arrives`.
        if let Some(index) = self.free.front() {
            return Some(index);
        }
        let index = self.time_wait.front()?;
        self.remember(now, index);
        self.enter(index, Phase::Free, None);
        Some(index)
    }

    /// Adds a TIME-WAIT record for a connection whose slot is needed. Returns the connection's SND.NXT, for the ISN of
    /// a new connection between the same endpoints.
    pub(super) fn remember(&mut self, now: Instant, index: usize) -> TcpSeqNumber {
        let slot = &self.slots[index];
        // SND.NXT and RCV.NXT.
        let (seq, ack) = slot.control.next_numbers();
        if let Some(tuple) = self.tuple(index) {
            self.time_wait_records.add(now, tuple, (seq, ack), slot.time_wait_until);
        }
        seq
    }

    /// Returns the oldest connection in SYN-RECEIVED.
    pub(super) fn oldest_handshake(&self) -> Option<usize> {
        self.handshakes.front()
    }

    /// Queues every program to run in the next polls.
    pub(super) fn wake_programs(&mut self) {
        for index in 0..self.slots.len() {
            if self.slots[index].phase == Phase::Serving {
                self.slots[index].run = true;
                self.enqueue(index);
            }
        }
    }

    /// Queues a turn for every connection from `address`, because this local address is gone. Such a connection does
    /// not stay in TIME-WAIT.
    pub(super) fn enqueue_from(&mut self, address: IpAddress) {
        for index in 0..self.slots.len() {
            if self.tuple(index).is_some_and(|tuple| tuple.local.addr == address) {
                self.slots[index].time_wait_until = Instant::ZERO;
                self.enqueue(index);
            }
        }
    }

    /// Appends a connection to the run queue, unless the connection is already in this queue.
    pub(super) fn enqueue(&mut self, index: usize) {
        // If the connection awaits address resolution, it leaves that queue.
        match core::mem::replace(&mut self.slots[index].queue, Queue::Run) {
            Queue::Neighbour => self.neighbour_queue.remove(self.index, index),
            Queue::None => {}
            Queue::Run => return,
        }
        self.run_queue.push_back(self.index, index);
    }

    /// Removes a connection from the queue that it is in.
    fn dequeue(&mut self, index: usize) {
        match core::mem::replace(&mut self.slots[index].queue, Queue::None) {
            Queue::Neighbour => self.neighbour_queue.remove(self.index, index),
            Queue::None => {}
            Queue::Run => self.run_queue.remove(self.index, index),
        }
    }

    /// Moves a connection to the front of the run queue, if the connection is in this queue.
    fn move_to_front(&mut self, index: usize) {
        if self.slots[index].queue == Queue::Run {
            self.run_queue.remove(self.index, index);
            self.run_queue.push_front(self.index, index);
        }
    }

    /// Moves a connection to the end of the run queue, if the connection is in this queue.
    pub(super) fn move_to_back(&mut self, index: usize) {
        // A connection that could not send might have lost its slot, and is then in no queue.
        if self.slots[index].queue == Queue::Run {
            self.run_queue.remove(self.index, index);
            self.run_queue.push_back(self.index, index);
        }
    }

    /// Queues all connections awaiting address resolution. Call this when a received frame has made an address known.
    ///
    /// All these connections try again, because their queue does not record which address each of them waits for.
    pub(super) fn neighbours_may_be_known(&mut self) {
        while let Some(index) = self.neighbour_queue.front() {
            self.enqueue(index);
        }
    }

    /// Resets the socket of a slot for a new connection. Returns the closed socket, which the caller opens, or `None`
    /// if the slot has no socket.
    ///
    /// `mss` is the number of payload bytes in the largest segment that fits the link. Only the feature `recovery` uses
    /// this number.
    ///
    /// smoltcp cannot return a socket's buffers, so the socket itself is reused. `listen` and `connect` reset most of
    /// the socket's state. This function replaces the congestion controller and the timestamp generator. Two old values
    /// remain and do no harm. The duplicate-ACK counter restarts at the next new acknowledgement. The sequence number
    /// of the newest segment only selects SACK ranges.
    ///
    /// The socket set also remembers that the socket waits for the previous peer's hardware address, which could block
    /// the new connection for a second. To clear this state, this function removes the socket from the set and adds it
    /// again.
    pub(super) fn fresh_socket(&mut self, index: usize, _mss: usize) -> Option<&mut Socket<'a>> {
        let slot = self.slots.get_mut(index)?;
        #[cfg(feature = "recovery")]
        {
            let TcpOptions { congestion, least_rto: least, window_scale: scale, .. } = self.tcp;
            let capacity = slot.peek()?.send_capacity();
            slot.control = Block::recovering(&Options { congestion, least, mss: _mss as u32, capacity, scale });
        }
        #[cfg(not(feature = "recovery"))]
        {
            slot.control = Block::EMPTY;
        }
        if let Some((set, handle)) = &mut slot.set
            && let smoltcp::socket::Socket::Tcp(socket) = set.remove(*handle)
        {
            *handle = set.add(socket);
        }
        let socket = slot.socket()?;
        // `listen` and `connect` accept only a closed socket. They also forget the old connection, so no RST is sent.
        socket.abort();
        socket.set_tsval_generator(None);
        socket.set_nagle_enabled(self.tcp.nagle);
        socket.set_ack_delay(self.tcp.ack_delay);
        // With `recovery`, the control block's timer detects a silent peer. smoltcp's own timer would not expire,
        // because the ACKs that the stack generates restart that timer.
        #[cfg(not(feature = "recovery"))]
        socket.set_timeout(Some(self.tcp.idle_timeout));
        #[cfg(feature = "recovery")]
        socket.set_congestion_control(CongestionControl::None);
        socket.set_keep_alive(Some((self.tcp.idle_timeout / PROBES).max(Duration::from_millis(1))));
        Some(socket)
    }
}
