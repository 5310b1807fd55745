//! The smallest firmware: serves echo on TCP and UDP, without a console or a log.

use core::array::from_fn;

use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp::PacketMetadata;

use super::network::{announce, config};
use super::run::drive;
use super::{Board, Machine, settings};
use crate::app::echo::{Datagrams, Server};
use crate::stack::{
    Io, KEPT, Listener, Memory, NEIGHBOURS, Neighbour, NullConsole, Port, Respond, SCRATCH, Slot, SlotIndex, Stack,
    TimeWaitRecord,
};

/// The port of echo, on TCP and UDP (RFC 862).
const PORT: u16 = 7;

/// The longest datagram, in bytes: the payload that fits an Ethernet frame. One datagram is buffered in each direction.
const PAYLOAD: usize = 1472;

/// Serves echo to `N` TCP connections and on one UDP port, and prints nothing.
///
/// Each connection has a receive buffer of `RX` bytes and a send buffer of `TX` bytes. `scripts/firmware count`
/// measures this firmware.
///
/// # Panics
/// Panics if the controller does not respond, or the stack cannot be set up. The board then restarts.
pub fn echo<B: Board, const N: usize, const RX: usize, const TX: usize>() -> ! {
    let mut clock = B::Machine::start();
    B::start();
    // This firmware prints nothing, so its panics have no message.
    let Ok(device) = B::ethernet(settings::HARDWARE) else { panic!() };
    let mut io = Io::new(device, NullConsole);
    // Each part of the memory is a separate variable on the call stack. A `Pool` would be moved after it is built, and
    // so take twice its size.
    let mut slots: [_; N] = from_fn(|_| Slot::default());
    let mut slot_index = [SlotIndex::default(); N];
    let mut sockets: [_; N] = from_fn(|_| SocketStorage::default());
    let mut receive = [[0; RX]; N];
    let mut send = [[0; TX]; N];
    let mut time_wait = [[TimeWaitRecord::default(); 2]; N];
    let mut ports = [Port::default()];
    let mut port_sockets = [SocketStorage::default()];
    // One datagram in each direction.
    let mut datagrams = [PacketMetadata::EMPTY; 2];
    let mut payloads = [[0; PAYLOAD]; 2];
    let mut neighbours = [Neighbour::default(); NEIGHBOURS];
    let mut kept = [0; KEPT];
    let mut scratch = [0; SCRATCH];
    let memory = Memory {
        slots: &mut slots,
        slot_index: &mut slot_index,
        sockets: &mut sockets,
        receive: receive.as_flattened_mut(),
        send: send.as_flattened_mut(),
        time_wait: time_wait.as_flattened_mut(),
        ports: &mut ports,
        port_sockets: &mut port_sockets,
        datagrams: &mut datagrams,
        payloads: payloads.as_flattened_mut(),
        neighbours: &mut neighbours,
        kept: &mut kept,
        scratch: &mut scratch,
    };
    let Ok(mut stack) = Stack::new(config(B::entropy), &mut io.device, memory, clock.now()) else { panic!() };
    let served = stack.listen(Listener::new(PORT, Server)).and_then(|()| stack.bind(PORT, Respond::new(Datagrams)));
    if served.is_err() {
        panic!();
    }
    announce(&mut io.device, clock.now());
    // The console has no input, and the server is never done.
    drive::<B, _, _, _, _>(&mut stack, &mut io, &mut clock, |_| false, |_, _| false);
    unreachable!()
}
