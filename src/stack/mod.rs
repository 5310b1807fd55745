//! The poll loop: one interface, and one socket set for each connection.
//!
//! **Invariant.** [`Stack::step`] does one bounded piece of work and returns a [`Step`] that describes the work.
//! [`Stack::poll`] repeats `step` until no work is left or its budget is spent. The caller passes the current time and
//! gets the next deadline. No code here reads a clock, allocates memory, or blocks.
//!
//! ```text
//! frame ── device.receive() ── rx.consume(|frame| …)
//!            │ demux: (remote, local) → connection slot
//!            ├─ a known connection ──────► its own socket set, one TCP socket
//!            ├─ SYN to a listening port ─► a free slot, then the same path
//!            ├─ SYN, no slot free ───────► the oldest TIME-WAIT or SYN-RECEIVED slot, else the overflow policy
//!            ├─ late, slot was reused ───► the TIME-WAIT record answers or ignores the segment
//!            ├─ ARP and NDP ─────────────► the table of neighbours
//!            └─ everything else ─────────► the shared set: UDP; ICMP needs no socket
//! ```
//!
//! A step receives a frame, runs a program, or sends one socket's frames. Received frames, TCP connections, and
//! everything else (such as UDP ports and neighbour requests) take turns. Connections with work wait in one queue. No
//! connection gets a second turn before every other connection in the queue has had a turn.

mod addresses;
mod buckets;
mod config;
mod connections;
mod console;
mod control;
mod datagrams;
mod event;
#[cfg(feature = "fragments")]
mod fragment_ids;
mod fragmenter;
mod half_sip;
#[cfg(all(feature = "alloc", feature = "fragments"))]
mod heap_pool;
mod icmp_errors;
mod ingress;
mod ipv4;
mod isn;
mod link;
mod memory;
#[cfg(feature = "ipv6")]
pub(crate) mod ndisc;
#[cfg(feature = "fragments")]
mod paths;
#[cfg(feature = "ping")]
mod ping;
mod ports;
pub(crate) mod run;
mod session;
mod session_enums;
mod static_memory;

#[cfg(all(test, feature = "std"))]
mod tests;

#[cfg(feature = "fragments")]
#[doc(hidden)]
pub use self::{ingress::Reassembly, paths::Path};
pub use addresses::AddressError;
#[cfg(feature = "dhcp")]
pub use addresses::BadOffer;
pub use config::{
    Addresses, Config, ConnectError, Gateways, ListenError, Listener, Overflow, Seed, SetupError, TcpOptions,
};
pub(crate) use connections::PROBES;
pub use connections::{Connection, Phase};
#[doc(hidden)]
pub use connections::{Slot, SlotIndex, TimeWaitRecord};
pub use console::{Console, Input, NullConsole};
pub(crate) use control::Repeat;
#[cfg(feature = "recovery")]
pub use control::{Congestion, Control, HeldBy};
pub use event::{
    AddressEvent, ConnectionId, Denial, Direction, DisplayEndpoint, DropReason, Event, Hardware, Io, Loss, Probe, Step,
    Tuple,
};
#[cfg(any(feature = "cli", all(feature = "board", target_os = "none")))]
pub(crate) use half_sip::half_sip;
#[cfg(all(feature = "alloc", feature = "fragments"))]
pub use heap_pool::{HeapPool, Sizes};
pub use icmp_errors::{IcmpError, Refusal};
#[doc(hidden)]
pub use link::Neighbour;
#[cfg(all(feature = "board", target_os = "none"))]
pub(crate) use link::{ARP_FRAME, write_request};
#[doc(hidden)]
pub use memory::Port;
#[cfg(all(feature = "board", target_os = "none"))]
pub(crate) use memory::{KEPT, NEIGHBOURS, SCRATCH};
pub use memory::{Memory, Pool};
#[cfg(feature = "slaac")]
#[doc(hidden)]
pub use ndisc::interface_address;
#[cfg(feature = "cli")]
pub(crate) use ping::ECHO_HEADER;
#[cfg(feature = "ping")]
pub use ping::{Echo, EchoError, EchoMemory, EchoRefusal};
pub use session::{Answer, Context, End, MESSAGE, Next, Respond, Responder, Session, UdpSession};
pub use static_memory::StaticMemory;

use smoltcp::iface::Interface;
use smoltcp::phy::{ChecksumCapabilities, Device};
use smoltcp::time::Instant;

use connections::{Connections, sooner};
use datagrams::Datagrams;
use fragmenter::Fragmenter;
use half_sip::Random;
use link::Link;
use ports::Ports;

/// The largest number of TCP programs on one stack. The same limit applies to UDP programs.
pub const MAX_PROGRAMS: usize = 16;

/// The largest number of steps that one [`Stack::poll`] takes.
const POLL_BUDGET: usize = 256;

/// A TCP/IP stack that runs programs in memory borrowed for `'a`.
///
/// TCP programs are sessions of type `S`, and UDP programs are sessions of type `U`.
pub struct Stack<'a, S, U> {
    iface: Interface,
    checksums: ChecksumCapabilities,
    /// The length of the longest IP packet that the device can send, in bytes.
    mtu: usize,
    config: Config,
    #[cfg(feature = "dhcp")]
    autoconf: Option<addresses::Autoconf>,
    link: Link<'a>,
    connections: Connections<'a, S>,
    datagrams: Datagrams<'a, U>,
    #[cfg(feature = "ping")]
    pings: Option<ping::Pings<'a>>,
    scratch: &'a mut [u8],
    fragmenter: Fragmenter<'a>,
    #[cfg(feature = "fragments")]
    front: ingress::Front<'a>,
    #[cfg(feature = "fragments")]
    paths: paths::Paths<'a>,
    ports: Ports,
    random: Random,
    turn: Turn,
}

/// The kind of work whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Ingress,
    Connections,
    Datagrams,
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Creates a stack that uses `device` and keeps its state in `memory`.
    ///
    /// # Errors
    /// Returns a [`SetupError`] if the configuration is not valid, or if the lengths of the memory's slices do not
    /// match.
    pub fn new<D: Device>(
        config: Config,
        device: &mut D,
        memory: Memory<'a, S, U>,
        now: Instant,
    ) -> Result<Self, SetupError> {
        let device = device.capabilities();
        config.check(&device)?;
        let checksums = device.checksum.clone();
        #[cfg(feature = "dhcp")]
        let autoconf = addresses::autoconf(&config, &checksums, now)?;
        // The scratch memory limits the MTU, because the shared sockets' packets are built there.
        let mtu = config.ip_mtu(&device).min(memory.scratch.len());
        #[allow(unused_mut, reason = "without an allocator nothing is drawn here")]
        let mut random = Random::new(config.seed.random());
        // From this seed, the interface draws only its first IPv4 identification. No packet contains that
        // identification.
        #[cfg(feature = "alloc")]
        let start = random.next().into();
        #[cfg(not(feature = "alloc"))]
        let start = 0;
        let Memory {
            slots,
            slot_index,
            sockets,
            receive,
            send,
            time_wait,
            neighbours,
            kept,
            ports,
            port_sockets,
            datagrams,
            payloads,
            #[cfg(feature = "fragments")]
            reassembly,
            #[cfg(feature = "fragments")]
            fragments,
            #[cfg(feature = "fragments")]
            paths,
            #[cfg(feature = "fragments")]
            long,
            scratch,
        } = memory;
        #[cfg(feature = "fragments")]
        let (sent, copy) = long.split_at_mut(long.len() / 2);
        #[cfg(not(feature = "fragments"))]
        let sent = &mut [][..];
        let fragmenter = Fragmenter::new(sent, config.seed.fragments(), mtu, &checksums);
        let longest = fragmenter.longest(mtu).min(scratch.len());
        let window = receive.len() / slots.len().max(1);
        let mut iface = isn::interface(link::as_smoltcp_sees(&device, longest, window), start, now);
        // Addresses that must be claimed first are added later, once no other host has objected.
        #[cfg(feature = "dhcp")]
        let later = autoconf.as_ref().is_some_and(|autoconf| !autoconf.is_settled());
        #[cfg(not(feature = "dhcp"))]
        let later = false;
        if !later {
            addresses::add(&mut iface, &config.addresses)?;
        }
        addresses::add_gateways(&mut iface, &config)?;
        let (key, buffers) = (config.seed.key(), (receive, send));
        let connections = Connections::new(slots, slot_index, sockets, buffers, time_wait, key, config.tcp);
        let datagrams = Datagrams::new(ports, port_sockets, datagrams, payloads);
        let link = Link::new(config.hardware, neighbours, kept, mtu, key);
        let enough = scratch.len() >= MESSAGE;
        let (Some(connections), Some(datagrams), Some(link), true) = (connections, datagrams, link, enough) else {
            return Err(SetupError::BadMemory);
        };
        #[allow(unused_mut, reason = "without IPv6 there are no groups to join")]
        let mut stack = Stack {
            iface,
            fragmenter,
            #[cfg(feature = "fragments")]
            front: ingress::Front::new(reassembly, fragments, copy),
            #[cfg(feature = "fragments")]
            paths: paths::Paths::new(paths, key, &device),
            checksums,
            mtu,
            #[cfg(feature = "dhcp")]
            autoconf,
            link,
            connections,
            datagrams,
            #[cfg(feature = "ping")]
            pings: None,
            scratch,
            ports: Ports::new(config.seed.endpoints()),
            random,
            config,
            turn: Turn::Ingress,
        };
        #[cfg(feature = "ipv6")]
        stack.join_groups(now);
        Ok(stack)
    }

    /// Starts to listen on a TCP port.
    ///
    /// # Errors
    /// Returns a [`ListenError`] if the port is 0, if another listener has the port, or if there are already
    /// [`MAX_PROGRAMS`] listeners.
    pub fn listen(&mut self, listener: Listener<S>) -> Result<(), ListenError> {
        if listener.port == 0 {
            return Err(ListenError::PortZero);
        }
        if self.connections.listener_on(listener.port).is_some() {
            return Err(ListenError::InUse);
        }
        if self.connections.add_listener(listener) { Ok(()) } else { Err(ListenError::Full) }
    }

    /// Does one bounded piece of work and returns a description of the work. A step receives a frame, runs a program,
    /// or sends one socket's frames.
    pub fn step<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) -> Step {
        // Due work comes first, whichever kind of work has its turn.
        self.start_due(now, io);
        #[cfg(feature = "fragments")]
        self.expire_fragments(now, io);
        #[cfg(feature = "dhcp")]
        if let Some(step) = self.configure(now, io) {
            return step;
        }
        // Each kind of work gets at most one turn in this step. The first kind that finds work ends the step.
        let first = self.turn;
        loop {
            let step = match self.turn {
                Turn::Ingress => {
                    self.turn = Turn::Connections;
                    self.ingress(now, io)
                }
                Turn::Connections => {
                    self.turn = Turn::Datagrams;
                    self.run_connections(now, io)
                }
                Turn::Datagrams => {
                    self.turn = Turn::Ingress;
                    #[cfg(feature = "fragments")]
                    if let Some(step) = self.send_fragment(now, io) {
                        return step;
                    }
                    if let Some(step) = self.run_link(now, io) {
                        return step;
                    }
                    #[cfg(feature = "ping")]
                    if let Some(step) = self.run_pings(now, io) {
                        return step;
                    }
                    self.run_datagrams(now, io)
                }
            };
            if let Some(step) = step {
                return step;
            }
            if self.turn == first {
                return Step::Idle(self.deadline());
            }
        }
    }

    /// Repeats [`step`](Self::step) until no work is left, at most 256 times.
    ///
    /// Returns the time of the next poll if no frame arrives earlier. The result is `now` if work is left, and `None`
    /// if nothing is scheduled.
    pub fn poll<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) -> Option<Instant> {
        let mut steps = POLL_BUDGET;
        while steps > 0 {
            steps -= 1;
            if let Step::Idle(deadline) = self.step(now, io) {
                return deadline;
            }
        }
        Some(now)
    }

    /// Queues every program to run in the next polls. Call this when the console has input.
    pub fn wake_programs(&mut self) {
        self.connections.wake_programs();
        self.datagrams.wake_programs();
    }

    /// Returns whether the stack listens on any TCP port.
    pub fn is_listening(&self) -> bool {
        self.connections.is_listening()
    }

    /// Draws a number that peers cannot predict, even from other numbers that the peers have seen.
    #[cfg(all(feature = "board", target_os = "none"))]
    pub(crate) fn draw(&mut self) -> u32 {
        self.random.next()
    }

    /// Returns the time of the next work if no frame arrives.
    fn deadline(&self) -> Option<Instant> {
        #[allow(unused_mut, reason = "without these features there is nothing to add")]
        let mut due = sooner(self.link.due(), sooner(self.connections.due(), self.datagrams.due()));
        #[cfg(feature = "dhcp")]
        {
            due = sooner(due, self.autoconf.as_ref().and_then(addresses::Autoconf::due));
        }
        #[cfg(feature = "ping")]
        {
            due = sooner(due, self.pings.as_ref().and_then(ping::Pings::due));
        }
        #[cfg(feature = "fragments")]
        {
            due = sooner(due, sooner(self.front.due(), self.fragmenter.due()));
        }
        due
    }
}
