//! A stack's memory on the heap, with sizes chosen at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp::PacketMetadata;

use super::connections::{Slot, SlotIndex, TimeWaitRecord};
use super::ingress::{REASSEMBLY_SHARE, Reassembly};
use super::link::Neighbour;
use super::memory::{Memory, Port};
use super::paths::Path;

/// A stack's memory on the heap. [`Pool`](crate::stack::Pool) is the equivalent without a heap.
pub struct HeapPool<'a, S, U> {
    slots: Vec<Slot<'a, S>>,
    slot_index: Vec<SlotIndex>,
    sockets: Vec<SocketStorage<'a>>,
    receive: Vec<u8>,
    send: Vec<u8>,
    time_wait: Vec<TimeWaitRecord>,
    neighbours: Vec<Neighbour>,
    kept: Vec<u8>,
    ports: Vec<Port<U>>,
    port_sockets: Vec<SocketStorage<'a>>,
    datagrams: Vec<PacketMetadata>,
    payloads: Vec<u8>,
    reassembly: Vec<Reassembly>,
    fragments: Vec<u8>,
    paths: Vec<Path>,
    long: Vec<u8>,
    scratch: Vec<u8>,
}

/// The sizes of the parts of a stack's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The number of connections, at most 65,534.
    pub connections: usize,
    /// The size of each connection's receive buffer, in bytes.
    pub receive: usize,
    /// The size of each connection's send buffer, in bytes.
    pub send: usize,
    /// The number of UDP ports.
    pub ports: usize,
    /// The number of datagrams that each port can store in each direction.
    pub datagrams: usize,
    /// The size in bytes of each port's datagram buffer in each direction.
    pub payload: usize,
}

impl Sizes {
    /// Sizes for a server: 1,024 connections and 16 UDP ports. Each connection has a receive buffer of 256 KiB and a
    /// send buffer of 1 MiB. Each port can store 64 datagrams and 128 KiB in each direction. The operating system
    /// provides memory only when the memory is first used.
    ///
    /// A super-segment, which segmentation offload cuts into segments, is 64 KiB. A receive buffer of four
    /// super-segments keeps both hosts busy if they run on one machine. A send buffer of 1 MiB fills a path of 400
    /// Mbit/s with a round-trip time of 20 ms. The send buffer is 16 bytes shorter than 1 MiB, so that the window
    /// passed to smoltcp has scale 4 (units of 16 bytes) instead of scale 5. Retransmitted data then begins at the
    /// start of a segment, or near the start.
    pub const SERVER: Sizes =
        Sizes { connections: 1024, receive: 262_144, send: 16 * 65_535, ports: 16, datagrams: 64, payload: 131_072 };
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes::SERVER
    }
}

/// The size in bytes of the programs' scratch memory. The longest packet that smoltcp creates for a device with
/// segmentation offload fits into this memory. In this memory, the control block inspects each packet before the stack
/// sends the packet.
const SCRATCH: usize = 65_535;

/// The number of entries in the neighbour cache.
const NEIGHBOURS: usize = 1024;

/// The largest number of destinations for which a path MTU is stored.
const PATHS: usize = 256;

/// The size in bytes of the memory for packets awaiting address resolution. Each neighbour has space for one packet of
/// the maximum length and for the packet's length. The operating system provides memory only when the memory is first
/// used.
const KEPT: usize = NEIGHBOURS * (LONG + 2);

/// The number of datagrams that can arrive in fragments at the same time.
const FRAGMENTED: usize = 16;

/// The length of the longest IPv6 packet, in bytes.
const LONG: usize = 65_535 + 40;

/// The memory that the rest of the program needs, in bytes, mainly for the stacks of its threads.
const REST: usize = 16 << 20;

impl<'a, S, U> HeapPool<'a, S, U> {
    /// Allocates empty memory.
    ///
    /// Aborts the program if the system has too little memory. [`try_new`](Self::try_new) returns `None` instead.
    pub fn new(sizes: Sizes) -> Self {
        Self::with_neighbours(sizes, NEIGHBOURS)
    }

    /// Allocates empty memory like [`new`](Self::new), but for `neighbours` hosts on the link instead of 1,024. Each
    /// neighbour takes 64 KiB. A system that does not provide memory lazily has to clear all of this memory.
    #[doc(hidden)]
    pub fn with_neighbours(sizes: Sizes, neighbours: usize) -> Self {
        let Sizes { connections, receive, send, ports, datagrams, payload } = sizes;
        HeapPool {
            slots: (0..connections).map(|_| Slot::default()).collect(),
            slot_index: vec![SlotIndex::default(); connections],
            sockets: (0..connections).map(|_| SocketStorage::default()).collect(),
            receive: vec![0; connections * receive],
            send: vec![0; connections * send],
            time_wait: vec![TimeWaitRecord::default(); time_wait(connections)],
            neighbours: vec![Neighbour::default(); neighbours],
            kept: vec![0; neighbours * (LONG + 2)],
            ports: (0..ports).map(|_| Port::default()).collect(),
            port_sockets: (0..ports).map(|_| SocketStorage::default()).collect(),
            datagrams: vec![PacketMetadata::EMPTY; 2 * ports * datagrams],
            payloads: vec![0; 2 * ports * payload],
            reassembly: vec![Reassembly::default(); FRAGMENTED],
            fragments: vec![0; FRAGMENTED * REASSEMBLY_SHARE],
            paths: vec![Path::default(); PATHS],
            long: vec![0; 2 * LONG],
            scratch: vec![0; SCRATCH],
        }
    }

    /// Allocates empty memory, or returns `None` if the system has too little memory.
    pub fn try_new(sizes: Sizes) -> Option<Self> {
        let Sizes { connections, receive, send, ports, datagrams, payload } = sizes;
        let port_pairs = ports.checked_mul(2)?;
        // Reserves all the memory together and frees it again. Without this test, a failed allocation in `new` would
        // abort the program. `black_box` keeps the compiler from removing unused allocations.
        black_box((
            reserve::<Slot<'a, S>>(connections, 1)?,
            reserve::<SlotIndex>(connections, 1)?,
            reserve::<SocketStorage<'a>>(connections, 1)?,
            reserve::<u8>(connections, receive)?,
            reserve::<u8>(connections, send)?,
            reserve::<TimeWaitRecord>(time_wait(connections), 1)?,
            reserve::<Neighbour>(NEIGHBOURS, 1)?,
            reserve::<Path>(PATHS, 1)?,
            reserve::<Port<U>>(ports, 1)?,
            reserve::<SocketStorage<'a>>(ports, 1)?,
            reserve::<PacketMetadata>(port_pairs, datagrams)?,
            reserve::<u8>(port_pairs, payload)?,
            reserve::<u8>(FRAGMENTED * REASSEMBLY_SHARE + 2 * LONG, 1)?,
            reserve::<u8>(KEPT + SCRATCH + REST, 1)?,
        ));
        Some(Self::new(sizes))
    }

    /// Lends the memory to a stack, for as long as the memory lives.
    pub fn memory(&'a mut self) -> Memory<'a, S, U> {
        Memory {
            slots: &mut self.slots,
            slot_index: &mut self.slot_index,
            sockets: &mut self.sockets,
            receive: &mut self.receive,
            send: &mut self.send,
            time_wait: &mut self.time_wait,
            neighbours: &mut self.neighbours,
            kept: &mut self.kept,
            ports: &mut self.ports,
            port_sockets: &mut self.port_sockets,
            datagrams: &mut self.datagrams,
            payloads: &mut self.payloads,
            reassembly: &mut self.reassembly,
            fragments: &mut self.fragments,
            paths: &mut self.paths,
            long: &mut self.long,
            scratch: &mut self.scratch,
        }
    }
}

/// Returns the number of records for connections in TIME-WAIT: 16 for each connection, but at most 16,384.
fn time_wait(connections: usize) -> usize {
    connections.saturating_mul(16).min(16_384)
}

/// Reserves memory for `count * each` values, or returns `None` if the system has too little memory.
fn reserve<T>(count: usize, each: usize) -> Option<Vec<T>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(count.checked_mul(each)?).ok()?;
    Some(memory)
}
