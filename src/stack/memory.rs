//! The memory a stack works in: owned by the caller, its size in the slices handed over.

use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{self, State};
use smoltcp::socket::udp::PacketMetadata;
use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use super::links::Links;
use super::session::End;

/// Everything a [`Stack`](super::Stack) stores, for as long as it lives.
///
/// With as many `slots`, `links` and `sockets` as there may be connections; the buffers are divided evenly among them.
/// [`Pool`] holds it all in one static value.
pub struct Memory<'a, S, U> {
    /// A slot a connection, at most 65,534.
    pub slots: &'a mut [Slot<'a, S>],
    /// As many links.
    pub links: &'a mut [Links],
    /// As many TCP sockets.
    pub sockets: &'a mut [SocketStorage<'a>],
    /// Receive buffers: what a peer may send ahead of the program, in bytes a connection the window.
    pub receive: &'a mut [u8],
    /// Send buffers: what may be sent ahead of the acknowledgement.
    pub send: &'a mut [u8],
    /// A UDP port each.
    pub ports: &'a mut [Port<U>],
    /// As many UDP sockets.
    pub port_sockets: &'a mut [SocketStorage<'a>],
    /// Datagram headers, divided evenly among the ports, half for receiving and half for sending.
    pub datagrams: &'a mut [PacketMetadata],
    /// Datagram payloads, divided in the same way unless [`bind_sized`](super::Stack::bind_sized) asks for another share.
    pub payloads: &'a mut [u8],
    /// For programs to work in: at least [`MESSAGE`](super::MESSAGE) bytes, and the longest UDP reply.
    pub scratch: &'a mut [u8],
}

/// Memory for `N` connections with `RX` + `TX` bytes of buffers, and for `P` UDP ports with `Q` datagrams and `B` bytes
/// each way, without a heap.
pub struct Pool<
    'a,
    S,
    U,
    const N: usize,
    const RX: usize,
    const TX: usize,
    const P: usize,
    const Q: usize,
    const B: usize,
> {
    slots: [Slot<'a, S>; N],
    links: [Links; N],
    sockets: [SocketStorage<'a>; N],
    receive: [[u8; RX]; N],
    send: [[u8; TX]; N],
    ports: [Port<U>; P],
    port_sockets: [SocketStorage<'a>; P],
    datagrams: [[[PacketMetadata; Q]; 2]; P],
    payloads: [[[u8; B]; 2]; P],
    scratch: [u8; SCRATCH],
}

/// The scratch memory of a [`Pool`], in bytes: the longest UDP payload of an Ethernet frame.
const SCRATCH: usize = 1472;

impl<'a, S, U, const N: usize, const RX: usize, const TX: usize, const P: usize, const Q: usize, const B: usize>
    Pool<'a, S, U, N, RX, TX, P, Q, B>
{
    /// Empty memory.
    pub const fn new() -> Self {
        Pool {
            slots: [const { Slot::EMPTY }; N],
            links: [Links::EMPTY; N],
            sockets: [SocketStorage::EMPTY; N],
            receive: [[0; RX]; N],
            send: [[0; TX]; N],
            ports: [const { Port::EMPTY }; P],
            port_sockets: [SocketStorage::EMPTY; P],
            datagrams: [[[PacketMetadata::EMPTY; Q]; 2]; P],
            payloads: [[[0; B]; 2]; P],
            scratch: [0; SCRATCH],
        }
    }

    /// The memory, lent to a stack for as long as both live.
    pub fn memory(&'a mut self) -> Memory<'a, S, U> {
        Memory {
            slots: &mut self.slots,
            links: &mut self.links,
            sockets: &mut self.sockets,
            receive: self.receive.as_flattened_mut(),
            send: self.send.as_flattened_mut(),
            ports: &mut self.ports,
            port_sockets: &mut self.port_sockets,
            datagrams: self.datagrams.as_flattened_mut().as_flattened_mut(),
            payloads: self.payloads.as_flattened_mut().as_flattened_mut(),
            scratch: &mut self.scratch,
        }
    }
}

impl<S, U, const N: usize, const RX: usize, const TX: usize, const P: usize, const Q: usize, const B: usize> Default
    for Pool<'_, S, U, N, RX, TX, P, Q, B>
{
    fn default() -> Self {
        Self::new()
    }
}

/// Where one connection lives: a socket set of its own, and the program.
pub struct Slot<'a, S> {
    pub(super) set: Option<(SocketSet<'a>, SocketHandle)>,
    pub(super) session: Option<S>,
    pub(super) phase: Phase,
    /// The listener's position; none on a connection that this side began.
    pub(super) listener: Option<u8>,
    /// Counts the connections that had this slot.
    pub(super) generation: u32,
    /// The state last reported.
    pub(super) state: State,
    /// The peer's initial sequence number, on a connection that the peer began.
    pub(super) peer_isn: TcpSeqNumber,
    /// The program is to run.
    pub(super) run: bool,
    pub(super) queue: Queue,
    /// Its last segment could not leave, since the neighbour's hardware address is not known.
    pub(super) unresolved: bool,
    /// When the program asked to be run.
    pub(super) wake: Option<Instant>,
    /// When the connection is given up, unless it makes progress.
    pub(super) guard: Option<Instant>,
    /// What progress is measured against: bytes queued to send and to read.
    pub(super) progress: (usize, usize),
}

impl<S> Slot<'_, S> {
    /// A slot that was never used.
    pub const EMPTY: Self = Slot {
        set: None,
        session: None,
        phase: Phase::Free,
        listener: None,
        generation: 0,
        state: State::Closed,
        peer_isn: TcpSeqNumber(0),
        run: false,
        queue: Queue::None,
        unresolved: false,
        wake: None,
        guard: None,
        progress: (0, 0),
    };
}

impl<'a, S> Slot<'a, S> {
    pub(super) fn socket(&mut self) -> Option<&mut tcp::Socket<'a>> {
        let (set, handle) = self.set.as_mut()?;
        Some(set.get_mut(*handle))
    }

    pub(super) fn peek(&self) -> Option<&tcp::Socket<'a>> {
        let (set, handle) = self.set.as_ref()?;
        Some(set.get(*handle))
    }
}

/// A slot's part in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Given up; RST is still to leave.
    Aborting(End),
    /// Established, and waiting to be served.
    Backlog,
    /// The program is done with it; FIN and what was queued before are on their way.
    Closing,
    /// Begun by this side, not established.
    Connecting,
    /// Over; begun by this side, so its program stays until it is taken.
    Ended(End),
    /// Unused.
    Free,
    /// Begun by the peer, not established.
    HalfOpen,
    /// The program works with it.
    Serving,
    /// Over; late segments are still answered.
    TimeWait,
}

/// Which list of work a slot stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// The neighbour's hardware address must be learned first.
    Neighbour,
    None,
    Ready,
}

/// A UDP port and its program.
pub struct Port<U> {
    pub(super) session: Option<U>,
    pub(super) handle: Option<SocketHandle>,
    pub(super) number: u16,
    /// The program has ended; the port is free, and the program stays until it is taken.
    pub(super) over: bool,
    pub(super) run: bool,
    pub(super) wake: Option<Instant>,
    /// Since when a datagram waits to be sent.
    pub(super) waiting: Option<Instant>,
}

impl<U> Port<U> {
    /// A port that was never used.
    pub const EMPTY: Self =
        Port { session: None, handle: None, number: 0, over: false, run: false, wake: None, waiting: None };
}
