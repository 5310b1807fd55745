//! The memory of a stack that can run every program, part by part. docs/porting.md shows the sizes as a table.

use core::mem::size_of;

use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp::PacketMetadata;

use super::{Server, UdpServer};
use crate::phy::Queue;
use crate::stack::{Pool, Port, Slot, SlotIndex, Stack, TimeWaitRecord};

/// A pool for `N` connections with buffers of `RX` and `TX` bytes, and `P` UDP ports. Each port can store `Q` datagrams
/// and `B` bytes in each direction.
type Memory<const N: usize, const RX: usize, const TX: usize, const P: usize, const Q: usize, const B: usize> =
    Pool<'static, Server<'static>, UdpServer<'static>, N, RX, TX, P, Q, B>;

/// The size in bytes of a pool without connections and UDP ports.
const EMPTY: usize = size_of::<Memory<0, 0, 0, 0, 0, 0>>();

/// The parts of a stack's memory, each with its size in bytes on the target of this build.
pub const BUDGET: [(&str, usize); 16] = [
    ("the stack itself", size_of::<Stack<Server, UdpServer>>()),
    ("a pool with nothing in it", EMPTY),
    ("a connection (N) without buffers", size_of::<Memory<1, 0, 0, 0, 0, 0>>() - EMPTY),
    ("- its slot, with the program", size_of::<Slot<Server>>()),
    ("- its index", size_of::<SlotIndex>()),
    ("- its TCP socket", size_of::<SocketStorage>()),
    ("- its two records of TIME-WAIT", size_of::<[TimeWaitRecord; 2]>()),
    ("a byte of buffer (RX, TX), each connection", size_of::<u8>()),
    ("a UDP port (P) without buffers", size_of::<Memory<0, 0, 0, 1, 0, 0>>() - EMPTY),
    ("- its program", size_of::<Port<UdpServer>>()),
    ("- its socket", size_of::<SocketStorage>()),
    ("a datagram (Q), each way and port", size_of::<PacketMetadata>()),
    ("a byte of payload (B), each way and port", size_of::<u8>()),
    ("a frame of a device's queue of 1,514 bytes", size_of::<Queue<3, 1514>>() - size_of::<Queue<2, 1514>>()),
    ("8 connections of 1,460 + 1,460, no UDP", size_of::<Memory<8, 1460, 1460, 0, 0, 0>>()),
    ("the same and 5 UDP ports, 2 × 1,472 each way", size_of::<Memory<8, 1460, 1460, 5, 2, 2944>>()),
];
