//! A stack's memory on the heap, its size chosen at run time.

use std::hint::black_box;

use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp::PacketMetadata;

use crate::stack::{Memory, Port, Slot, SlotIndex};

/// What [`Pool`](crate::stack::Pool) is without a heap.
pub struct HeapPool<'a, S, U> {
    slots: Vec<Slot<'a, S>>,
    slot_index: Vec<SlotIndex>,
    sockets: Vec<SocketStorage<'a>>,
    receive: Vec<u8>,
    send: Vec<u8>,
    ports: Vec<Port<U>>,
    port_sockets: Vec<SocketStorage<'a>>,
    datagrams: Vec<PacketMetadata>,
    payloads: Vec<u8>,
    scratch: Vec<u8>,
}

/// How much memory a stack has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Connections, at most 65,534.
    pub connections: usize,
    /// Bytes of receive buffer a connection.
    pub receive: usize,
    /// Bytes of send buffer a connection.
    pub send: usize,
    /// UDP ports.
    pub ports: usize,
    /// Datagrams a port and direction.
    pub datagrams: usize,
    /// Bytes of datagrams a port and direction.
    pub payload: usize,
}

impl Sizes {
    /// A server's: 1,024 connections with 256 KiB each way, 16 UDP ports with 64 datagrams or 128 KiB each way. The system
    /// provides the memory only as it is used.
    ///
    /// A window of 64 KiB is one super-segment; four of them keep both ends at work.
    pub const SERVER: Sizes =
        Sizes { connections: 1024, receive: 262_144, send: 262_144, ports: 16, datagrams: 64, payload: 131_072 };
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes::SERVER
    }
}

/// Programs work in this many bytes: the longest UDP payload there is.
const SCRATCH: usize = 65_507;

/// What is left to the rest of the program, in bytes: its threads' stacks, above all.
const REST: usize = 16 << 20;

impl<'a, S, U> HeapPool<'a, S, U> {
    /// Empty memory.
    ///
    /// The program aborts where there is too little: see [`try_new`](Self::try_new).
    pub fn new(sizes: Sizes) -> Self {
        let Sizes { connections, receive, send, ports, datagrams, payload } = sizes;
        HeapPool {
            slots: (0..connections).map(|_| Slot::EMPTY).collect(),
            slot_index: vec![SlotIndex::EMPTY; connections],
            sockets: (0..connections).map(|_| SocketStorage::EMPTY).collect(),
            receive: vec![0; connections * receive],
            send: vec![0; connections * send],
            ports: (0..ports).map(|_| Port::EMPTY).collect(),
            port_sockets: (0..ports).map(|_| SocketStorage::EMPTY).collect(),
            datagrams: vec![PacketMetadata::EMPTY; 2 * ports * datagrams],
            payloads: vec![0; 2 * ports * payload],
            scratch: vec![0; SCRATCH],
        }
    }

    /// Empty memory, unless the system has not that much to give.
    pub fn try_new(sizes: Sizes) -> Option<Self> {
        let Sizes { connections, receive, send, ports, datagrams, payload } = sizes;
        let port_pairs = ports.checked_mul(2)?;
        // All of it is held at once and given back, for what zeroes memory without touching it would abort. A compiler may leave
        // out what nobody looks at.
        black_box((
            room::<Slot<'a, S>>(connections, 1)?,
            room::<SlotIndex>(connections, 1)?,
            room::<SocketStorage<'a>>(connections, 1)?,
            room::<u8>(connections, receive)?,
            room::<u8>(connections, send)?,
            room::<Port<U>>(ports, 1)?,
            room::<SocketStorage<'a>>(ports, 1)?,
            room::<PacketMetadata>(port_pairs, datagrams)?,
            room::<u8>(port_pairs, payload)?,
            room::<u8>(SCRATCH + REST, 1)?,
        ));
        Some(Self::new(sizes))
    }

    /// The memory, lent to a stack for as long as both live.
    pub fn memory(&'a mut self) -> Memory<'a, S, U> {
        Memory {
            slots: &mut self.slots,
            slot_index: &mut self.slot_index,
            sockets: &mut self.sockets,
            receive: &mut self.receive,
            send: &mut self.send,
            ports: &mut self.ports,
            port_sockets: &mut self.port_sockets,
            datagrams: &mut self.datagrams,
            payloads: &mut self.payloads,
            scratch: &mut self.scratch,
        }
    }
}

/// Memory for `count` times `each` values, where there is that much.
fn room<T>(count: usize, each: usize) -> Option<Vec<T>> {
    let mut room = Vec::new();
    room.try_reserve_exact(count.checked_mul(each)?).ok()?;
    Some(room)
}
