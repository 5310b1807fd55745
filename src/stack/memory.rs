//! The memory of a stack. The caller owns the memory, and the lengths of the slices determine its size.

use core::mem::ManuallyDrop;

use smoltcp::iface::{SocketHandle, SocketStorage};
use smoltcp::socket::udp::PacketMetadata;
use smoltcp::time::Instant;
use smoltcp::wire::IpAddress;

use super::connections::{Slot, SlotIndex, TimeWaitRecord};
use super::link::Neighbour;
#[cfg(feature = "fragments")]
use super::{Path, Reassembly};

/// The memory in which a [`Stack`](super::Stack) stores its state.
///
/// `slots`, `slot_index` and `sockets` have one entry for each connection. The buffers are divided evenly among the
/// connections. [`Pool`] contains all this memory in one value.
#[non_exhaustive]
pub struct Memory<'a, S, U> {
    /// One slot for each connection, at most 65,534.
    pub slots: &'a mut [Slot<'a, S>],
    /// One entry for each slot.
    pub slot_index: &'a mut [SlotIndex],
    /// One TCP socket for each slot.
    pub sockets: &'a mut [SocketStorage<'a>],
    /// Receive buffers. A connection's share, in bytes, is its largest receive window.
    pub receive: &'a mut [u8],
    /// Send buffers. A connection's share, in bytes, limits its unacknowledged data.
    pub send: &'a mut [u8],
    /// One entry for each connection in TIME-WAIT whose slot was reused, at most 65,534. A [`Pool`] has two entries for
    /// each slot. When all entries are taken, a new entry replaces the oldest entry.
    pub time_wait: &'a mut [TimeWaitRecord],
    /// One entry for each neighbour on an Ethernet link, at least one and at most 65,534. When all entries are taken, a
    /// new neighbour replaces a neighbour that was not used recently.
    pub neighbours: &'a mut [Neighbour],
    /// Memory for UDP packets awaiting address resolution. The memory is divided evenly among the neighbours. Each
    /// share must have room for the longest packet of the link and 2 more bytes. If the memory is too small, there are
    /// fewer shares than neighbours, and a packet can replace another neighbour's packets.
    pub kept: &'a mut [u8],
    /// One entry for each UDP port.
    pub ports: &'a mut [Port<U>],
    /// One UDP socket for each port.
    pub port_sockets: &'a mut [SocketStorage<'a>],
    /// Datagram headers, divided evenly among the ports and the two directions.
    pub datagrams: &'a mut [PacketMetadata],
    /// The payload bytes of datagrams, divided evenly among the ports and the two directions, unless
    /// [`bind_sized`](super::Stack::bind_sized) sets other sizes.
    pub payloads: &'a mut [u8],
    /// One entry for each datagram that arrives in fragments. When all entries are taken, a new datagram replaces the
    /// oldest datagram. A [`Pool`] has no entries, so its stack drops fragments.
    #[cfg(feature = "fragments")]
    pub reassembly: &'a mut [Reassembly],
    /// The bytes of the datagrams in `reassembly`, divided evenly. With less than 65,856 bytes for each datagram, the
    /// longest datagrams are dropped.
    #[cfg(feature = "fragments")]
    pub fragments: &'a mut [u8],
    /// One entry for each destination whose path has a smaller MTU than the link. When all entries are taken, a new
    /// destination replaces the oldest destination.
    #[cfg(feature = "fragments")]
    pub paths: &'a mut [Path],
    /// Memory for two packets. The first half is for a packet that is sent in fragments. The second half is for a copy
    /// of a received packet without its IPv6 extension headers. If the memory is shorter than twice 65,535 bytes, no
    /// packet is sent in fragments.
    #[cfg(feature = "fragments")]
    pub long: &'a mut [u8],
    /// Scratch memory for programs and for packets. The length must be at least [`MESSAGE`](super::MESSAGE) bytes, and
    /// at least the length of the longest UDP reply. The stack sends no packet that is longer than this memory.
    pub scratch: &'a mut [u8],
}

/// Memory for `N` connections and `P` UDP ports, without a heap.
///
/// Each connection has a receive buffer of `RX` bytes and a send buffer of `TX` bytes. Each UDP port can queue `Q`
/// datagrams and `B` bytes in each direction.
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
    time_wait: Late<[TimeWaitRecord; 2], N>,
    neighbours: Late<Neighbour, NEIGHBOURS>,
    kept: [u8; KEPT],
    ports: Late<Port<U>, P>,
    port_sockets: Late<SocketStorage<'a>, P>,
    datagrams: Late<[[PacketMetadata; Q]; 2], P>,
    payloads: [[[u8; B]; 2]; P],
    scratch: [u8; SCRATCH],
}

/// The length of a [`Pool`]'s scratch memory, in bytes. The longest packet in an Ethernet frame fits into this memory.
pub(crate) const SCRATCH: usize = 1500;

/// The number of neighbours for which a [`Pool`] has memory.
pub(crate) const NEIGHBOURS: usize = 8;

/// The size of a [`Pool`]'s memory for packets awaiting address resolution, in bytes. This memory has room for the
/// longest packet in an Ethernet frame and 2 bytes for the packet's length.
pub(crate) const KEPT: usize = 1502;

impl<'a, S, U, const N: usize, const RX: usize, const TX: usize, const P: usize, const Q: usize, const B: usize>
    Pool<'a, S, U, N, RX, TX, P, Q, B>
{
    /// Creates empty memory.
    pub const fn new() -> Self {
        Pool {
            slots: Late::new(),
            slot_index: Late::new(),
            sockets: Late::new(),
            receive: [[0; RX]; N],
            send: [[0; TX]; N],
            time_wait: Late::new(),
            neighbours: Late::new(),
            kept: [0; KEPT],
            ports: Late::new(),
            port_sockets: Late::new(),
            datagrams: Late::new(),
            payloads: [[[0; B]; 2]; P],
            scratch: [0; SCRATCH],
        }
    }

    /// Lends the memory to a stack.
    pub fn memory(&'a mut self) -> Memory<'a, S, U> {
        Memory {
            slots: self.slots.fill(Slot::default),
            slot_index: self.slot_index.fill(SlotIndex::default),
            sockets: self.sockets.fill(SocketStorage::default),
            receive: self.receive.as_flattened_mut(),
            send: self.send.as_flattened_mut(),
            // Two records for each slot.
            time_wait: self.time_wait.fill(|| [TimeWaitRecord::default(); 2]).as_flattened_mut(),
            neighbours: self.neighbours.fill(Neighbour::default),
            kept: &mut self.kept,
            ports: self.ports.fill(Port::default),
            port_sockets: self.port_sockets.fill(SocketStorage::default),
            // `Q` received and `Q` sent datagrams for each port.
            datagrams: self.datagrams.fill(|| [[PacketMetadata::EMPTY; Q]; 2]).as_flattened_mut().as_flattened_mut(),
            payloads: self.payloads.as_flattened_mut().as_flattened_mut(),
            // A `Pool` has no memory for fragments or path MTUs.
            #[cfg(feature = "fragments")]
            reassembly: &mut [],
            #[cfg(feature = "fragments")]
            fragments: &mut [],
            #[cfg(feature = "fragments")]
            paths: &mut [],
            #[cfg(feature = "fragments")]
            long: &mut [],
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

/// Memory for `N` values. All bytes of the memory are 0 until the values are written in place.
///
/// The values' destructors never run. Otherwise, the compiler would not let a stack borrow the pool for the pool's
/// whole lifetime.
struct Late<T, const N: usize>(ManuallyDrop<heapless::Vec<T, N>>);

impl<T, const N: usize> Late<T, N> {
    const fn new() -> Self {
        Late(ManuallyDrop::new(heapless::Vec::new()))
    }

    fn fill(&mut self, empty: impl Fn() -> T) -> &mut [T] {
        fill(self.0.as_mut_view(), empty)
    }
}

/// Fills a vector with values from `empty`. Vectors of any capacity share this code.
fn fill<T>(values: &mut heapless::VecView<T>, empty: impl Fn() -> T) -> &mut [T] {
    while values.push(empty()).is_ok() {}
    values
}

/// A UDP port and its program.
pub struct Port<U> {
    pub(super) session: Option<U>,
    pub(super) handle: Option<SocketHandle>,
    pub(super) number: u16,
    /// Whether the program has ended. The port is then free, but the program stays here until `Stack::take_udp` returns
    /// it.
    pub(super) has_ended: bool,
    /// Whether the port's datagrams are not reported as events.
    pub(super) unreported: bool,
    /// Whether the program must run in one of the next steps.
    pub(super) must_run: bool,
    /// The time at which the program has asked to run.
    pub(super) wake_at: Option<Instant>,
    /// Whether a datagram waits in the socket to be sent.
    pub(super) has_unsent: bool,
    /// The next hop whose hardware address the newest datagram waits for.
    pub(super) waits_for: Option<IpAddress>,
}

/// Creates an unused port.
impl<U> Default for Port<U> {
    fn default() -> Self {
        Port {
            session: None,
            handle: None,
            number: 0,
            has_ended: false,
            unreported: false,
            must_run: false,
            wake_at: None,
            has_unsent: false,
            waits_for: None,
        }
    }
}
