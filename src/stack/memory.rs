//! The memory a stack works in: owned by the caller, its size in the slices handed over.

use core::mem::ManuallyDrop;

use smoltcp::iface::{SocketHandle, SocketStorage};
use smoltcp::socket::udp::PacketMetadata;
use smoltcp::time::Instant;

use super::connections::{Slot, SlotIndex};

/// Everything a [`Stack`](super::Stack) stores, for as long as it lives.
///
/// With as many `slots`, `slot_index` entries and `sockets` as there may be connections; the buffers are divided evenly among them.
/// [`stack_memory!`](crate::stack_memory) declares it as a static, [`Pool`] holds it in one value.
pub struct Memory<'a, S, U> {
    /// A slot a connection, at most 65,534.
    pub slots: &'a mut [Slot<'a, S>],
    /// As many entries, one a slot.
    pub slot_index: &'a mut [SlotIndex],
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
///
/// A new pool is all zero: as a static it takes no flash. [`memory`](Self::memory) fills it in. For a static pool use
/// [`stack_memory!`](crate::stack_memory). A local pool is `const { Pool::new() }`: without `const` it may be
/// made in one place and moved to another. Programs that a stack leaves
/// in a pool are not dropped.
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
    slots: Late<Slot<'a, S>, N>,
    slot_index: Late<SlotIndex, N>,
    sockets: Late<SocketStorage<'a>, N>,
    receive: [[u8; RX]; N],
    send: [[u8; TX]; N],
    ports: Late<Port<U>, P>,
    port_sockets: Late<SocketStorage<'a>, P>,
    datagrams: Late<[[PacketMetadata; Q]; 2], P>,
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
            slots: Late::new(),
            slot_index: Late::new(),
            sockets: Late::new(),
            receive: [[0; RX]; N],
            send: [[0; TX]; N],
            ports: Late::new(),
            port_sockets: Late::new(),
            datagrams: Late::new(),
            payloads: [[[0; B]; 2]; P],
            scratch: [0; SCRATCH],
        }
    }

    /// The memory, lent to a stack for as long as both live.
    pub fn memory(&'a mut self) -> Memory<'a, S, U> {
        Memory {
            slots: self.slots.fill(|| Slot::EMPTY),
            slot_index: self.slot_index.fill(|| SlotIndex::EMPTY),
            sockets: self.sockets.fill(|| SocketStorage::EMPTY),
            receive: self.receive.as_flattened_mut(),
            send: self.send.as_flattened_mut(),
            ports: self.ports.fill(|| Port::EMPTY),
            port_sockets: self.port_sockets.fill(|| SocketStorage::EMPTY),
            datagrams: self.datagrams.fill(|| [[PacketMetadata::EMPTY; Q]; 2]).as_flattened_mut().as_flattened_mut(),
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

/// `N` values that are zero bytes until they are filled in, where they are.
///
/// Its destructor must not run: a stack borrows the pool for as long as the pool lives.
struct Late<T, const N: usize>(ManuallyDrop<heapless::Vec<T, N>>);

impl<T, const N: usize> Late<T, N> {
    const fn new() -> Self {
        Late(ManuallyDrop::new(heapless::Vec::new()))
    }

    fn fill(&mut self, empty: impl Fn() -> T) -> &mut [T] {
        while !self.0.is_full() && self.0.push(empty()).is_ok() {}
        &mut self.0
    }
}

/// A UDP port and its program.
pub struct Port<U> {
    pub(super) session: Option<U>,
    pub(super) handle: Option<SocketHandle>,
    pub(super) number: u16,
    /// The program has ended; the port is free, and the program stays until it is taken.
    pub(super) over: bool,
    /// Its datagrams are no events.
    pub(super) unreported: bool,
    pub(super) run: bool,
    pub(super) wake: Option<Instant>,
    /// Since when a datagram waits to be sent.
    pub(super) waiting: Option<Instant>,
}

impl<U> Port<U> {
    /// A port that was never used.
    pub const EMPTY: Self = Port {
        session: None,
        handle: None,
        number: 0,
        over: false,
        unreported: false,
        run: false,
        wake: None,
        waiting: None,
    };
}
