//! What a stack's memory is made of, in bytes on the machine that this runs on: the table of docs/porting.md.

use std::mem::size_of;

use smolstep::app::{Server, UdpServer};
use smolstep::phy::Queue;
use smolstep::stack::{Links, Pool, Port, Slot, Stack};
use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp::PacketMetadata;

/// `N` connections with `RX` and `TX` bytes of buffers; `P` UDP ports with `Q` datagrams and `B` bytes each way.
type Memory<const N: usize, const RX: usize, const TX: usize, const P: usize, const Q: usize, const B: usize> =
    Pool<'static, Server<'static>, UdpServer<'static>, N, RX, TX, P, Q, B>;

fn main() {
    let storage = size_of::<SocketStorage>();
    let slot = size_of::<Slot<Server>>();
    let connection = size_of::<Memory<1, 0, 0, 0, 0, 0>>() - size_of::<Memory<0, 0, 0, 0, 0, 0>>();
    let port = size_of::<Memory<0, 0, 0, 1, 0, 0>>() - size_of::<Memory<0, 0, 0, 0, 0, 0>>();
    for (what, bytes) in [
        ("the stack itself", size_of::<Stack<Server, UdpServer>>()),
        ("a pool with nothing in it", size_of::<Memory<0, 0, 0, 0, 0, 0>>()),
        ("a connection (N) without buffers", connection),
        ("- its slot, with the program", slot),
        ("- its links", size_of::<Links>()),
        ("- its TCP socket", storage),
        ("a byte of buffer (RX, TX), each connection", size_of::<[u8; 1]>()),
        ("a UDP port (P) without buffers", port),
        ("- its program", size_of::<Port<UdpServer>>()),
        ("- its socket", storage),
        ("a datagram (Q), each way and port", size_of::<PacketMetadata>()),
        ("a byte of payload (B), each way and port", size_of::<[u8; 2]>() / 2),
        ("a frame of a device's queue of 1,514 bytes", size_of::<Queue<3, 1514>>() - size_of::<Queue<2, 1514>>()),
        ("8 connections of 1,460 + 1,460, no UDP", size_of::<Memory<8, 1460, 1460, 0, 0, 0>>()),
        ("the same and 5 UDP ports, 2 × 1,472 each way", size_of::<Memory<8, 1460, 1460, 5, 2, 2944>>()),
    ] {
        println!("{what:46} {bytes:6}");
    }
}
