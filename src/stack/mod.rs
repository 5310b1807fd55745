//! The poll loop: one interface, one socket set a connection.
//!
//! **Invariant.** [`Stack::step`] does one bounded piece of work and says what it did; [`Stack::poll`] is `step` until nothing is
//! left or its budget is spent. Time is an argument, a deadline is a result: nothing here reads a clock, allocates, or waits.
//!
//! ```text
//! frame ── device.receive() ── rx.consume(|frame| …)
//!            │ demux: (remote, local) → connection slot
//!            ├─ a known connection ──────► its own socket set, one TCP socket
//!            ├─ SYN to a listening port ─► a free slot, then the same path
//!            ├─ SYN, no slot free ───────► the oldest TIME-WAIT goes, then the oldest half-open; else the overflow policy
//!            └─ everything else ─────────► the shared set: UDP; ICMP, ARP and NDP need no socket
//! ```
//!
//! A step is one of: a frame taken in, a program run, a socket's frames sent. The three kinds of work take turns, connections
//! with work stand in one queue, and none has two turns before another that waits has one.

mod addresses;
#[cfg(feature = "dhcp")]
mod autoconf;
mod client;
mod config;
mod connection;
mod console;
mod datagrams;
mod deadlines;
mod demux;
mod event;
mod frame;
mod half_sip;
mod ingress;
mod life;
mod links;
mod list;
mod memory;
#[cfg(any(feature = "slaac", all(feature = "ipv6", feature = "board", target_os = "none")))]
pub(crate) mod ndisc;
#[cfg(feature = "ping")]
mod ping;
mod session;
mod shown;
mod table;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use addresses::AddressError;
#[cfg(feature = "dhcp")]
pub use autoconf::BadOffer;
#[cfg(feature = "slaac")]
pub use autoconf::interface_address;
pub use config::{Config, ConnectError, ListenError, Listener, Overflow, Seed, SetupError};
pub use console::{Console, Input, Quiet};
pub use event::{AddressEvent, ConnectionId, Denial, Direction, Drop, Event, Hardware, Io, Loss, Probe, Step, Tuple};
#[cfg(feature = "std")]
pub(crate) use half_sip::half_sip;
pub use links::Links;
pub use memory::{Memory, Phase, Pool, Port, Slot};
#[cfg(feature = "ping")]
pub use ping::{ECHO_HEADER, Echo, EchoError, EchoMemory, EchoRefusal, Refusal};
pub use session::{Answer, Context, End, MESSAGE, Next, Respond, Responder, Session, UdpSession};
pub use shown::Shown;

use smoltcp::iface::{self, Interface, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use deadlines::{Deadlines, sooner};
use links::{Index, PLACE, WORK};
use list::List;
use table::Table;

/// How many programs a stack serves on TCP, and how many on UDP.
pub const MAX_PROGRAMS: usize = 16;

/// How many steps one [`Stack::poll`] takes at most.
pub const POLL_BUDGET: usize = 256;

/// A TCP/IP stack that runs programs: sessions of type `S` on TCP, of type `U` on UDP, in memory that lives for `'a`.
pub struct Stack<'a, S, U> {
    iface: Interface,
    medium: Medium,
    checksums: ChecksumCapabilities,
    hardware: HardwareAddress,
    gateways: heapless::Vec<IpAddress, 2>,
    #[cfg(feature = "dhcp")]
    autoconf: Option<autoconf::Autoconf>,
    settings: Settings,

    slots: &'a mut [Slot<'a, S>],
    links: &'a mut [Links],
    table: Table<{ table::HASHED }>,
    deadlines: Deadlines,
    ready: List<WORK>,
    /// The device had no room when a connection was last to send.
    blocked: bool,
    neighbour: List<WORK>,
    free: List<PLACE>,
    half_open: List<PLACE>,
    time_wait: List<PLACE>,
    listeners: heapless::Vec<Listening<S>, MAX_PROGRAMS>,

    shared: SocketSet<'a>,
    rest: datagrams::Rest<'a>,
    none: SocketSet<'a>,
    ports: &'a mut [Port<U>],
    udp_ports: heapless::Vec<u16, MAX_PROGRAMS>,
    datagrams: datagrams::Turn,
    #[cfg(feature = "ping")]
    pings: Option<ping::Pings<'a>>,

    scratch: &'a mut [u8],
    random: u64,
    turn: Turn,
}

/// What of the configuration is needed later.
struct Settings {
    overflow: Overflow,
    half_open_timeout: Duration,
    idle_timeout: Duration,
    linger: Duration,
    nagle: bool,
    ack_delay: Option<Duration>,
    congestion: tcp::CongestionControl,
}

/// A listener and its connections.
struct Listening<S> {
    listener: Listener<S>,
    serving: usize,
    waiting: List<PLACE>,
}

/// Whose turn it is.
#[derive(Clone, Copy)]
enum Turn {
    Ingress,
    Connections,
    Datagrams,
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// A stack on `device`, in `memory`.
    ///
    /// # Errors
    /// [`SetupError`] says which part of the configuration cannot be.
    pub fn new<D: Device>(
        config: Config<'_>,
        device: &mut D,
        memory: Memory<'a, S, U>,
        now: Instant,
    ) -> Result<Self, SetupError> {
        let capabilities = device.capabilities();
        let fits = match config.hardware {
            HardwareAddress::Ethernet(address) => capabilities.medium == Medium::Ethernet && address.is_unicast(),
            #[cfg(feature = "medium-ip")]
            HardwareAddress::Ip => capabilities.medium == Medium::Ip,
        };
        if !fits {
            return Err(SetupError::BadHardwareAddress);
        }
        #[cfg(feature = "dhcp")]
        let autoconf = addresses::autoconf(&config, &capabilities.checksum, now)?;
        let needs = config.addresses.iter().map(least_mtu).max().unwrap_or(576);
        #[cfg(feature = "slaac")]
        let needs = if config.slaac { 1280 } else { needs };
        // The Ethernet header is 14 bytes; subtracting first would wrap on a device that claims less.
        let header = if capabilities.medium == Medium::Ethernet { 14 } else { 0 };
        if capabilities.max_transmission_unit < needs + header {
            return Err(SetupError::MtuTooSmall(capabilities.max_transmission_unit.saturating_sub(header)));
        }
        let mut interface = iface::Config::new(config.hardware);
        interface.random_seed = config.seed.interface();
        let mut iface = Interface::new(interface, device, now);
        addresses::check(config.addresses)?;
        // Those that are asked for first are added when nobody has them.
        #[cfg(feature = "dhcp")]
        let later = autoconf.as_ref().is_some_and(|autoconf| !autoconf.is_settled());
        #[cfg(not(feature = "dhcp"))]
        let later = false;
        if !later {
            addresses::add(&mut iface, config.addresses)?;
        }
        let gateways = addresses::add_gateways(&mut iface, config.addresses, config.gateways)?;

        let Memory { slots, links, sockets, receive, send, ports, port_sockets, datagrams, payloads, scratch } = memory;
        let count = slots.len();
        if links.len() != count
            || sockets.len() != count
            || count >= usize::from(Index::MAX)
            || ports.len() != port_sockets.len()
            || scratch.len() < MESSAGE
        {
            return Err(SetupError::BadMemory);
        }
        let mut free = List::EMPTY;
        // With no connections at all the loop below has nothing to do, whatever the chunks' size.
        let receive = receive.chunks_exact_mut((receive.len() / count.max(1)).max(1));
        let send = send.chunks_exact_mut((send.len() / count.max(1)).max(1));
        for (((slot, socket), receive), send) in slots.iter_mut().zip(sockets).zip(receive).zip(send) {
            let mut set = SocketSet::new(core::slice::from_mut(socket));
            let handle = set.add(tcp::Socket::new(tcp::SocketBuffer::new(receive), tcp::SocketBuffer::new(send)));
            slot.set = Some((set, handle));
        }
        for index in 0..count {
            free.push_back(links, index);
        }
        let rest = datagrams::Rest::new(ports.len(), datagrams, payloads);
        Ok(Stack {
            iface,
            medium: capabilities.medium,
            checksums: capabilities.checksum,
            hardware: config.hardware,
            gateways,
            #[cfg(feature = "dhcp")]
            autoconf,
            settings: Settings {
                overflow: config.overflow,
                half_open_timeout: config.half_open_timeout,
                idle_timeout: config.idle_timeout,
                linger: config.linger,
                nagle: config.nagle,
                ack_delay: config.ack_delay,
                congestion: config.congestion,
            },
            slots,
            links,
            table: Table::new(config.seed.key(), count),
            deadlines: Deadlines::EMPTY,
            ready: List::EMPTY,
            blocked: false,
            neighbour: List::EMPTY,
            free,
            half_open: List::EMPTY,
            time_wait: List::EMPTY,
            listeners: heapless::Vec::new(),
            shared: SocketSet::new(port_sockets),
            rest,
            none: SocketSet::new(&mut [][..]),
            ports,
            udp_ports: heapless::Vec::new(),
            datagrams: datagrams::Turn::default(),
            #[cfg(feature = "ping")]
            pings: None,
            scratch,
            random: config.seed.ports(),
            turn: Turn::Ingress,
        })
    }

    /// Serves a TCP port.
    ///
    /// # Errors
    /// [`ListenError`]: the port has a program, there are [`MAX_PROGRAMS`] already, or it is port 0.
    pub fn listen(&mut self, listener: Listener<S>) -> Result<(), ListenError> {
        if listener.port == 0 {
            return Err(ListenError::PortZero);
        }
        if self.listeners.iter().any(|l| l.listener.port == listener.port) {
            return Err(ListenError::InUse);
        }
        let listening = Listening { listener, serving: 0, waiting: List::EMPTY };
        self.listeners.push(listening).map_err(|_| ListenError::Full)
    }

    /// Does one bounded piece of work: takes in a frame, runs a program, or sends what one socket has to send.
    pub fn step<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) -> Step {
        self.start_due(now, io);
        #[cfg(feature = "dhcp")]
        if let Some(step) = self.configure(now, io) {
            return step;
        }
        for _ in 0..3 {
            let step = match self.turn {
                Turn::Ingress => {
                    self.turn = Turn::Connections;
                    self.ingress(now, io)
                }
                Turn::Connections => {
                    self.turn = Turn::Datagrams;
                    self.connections(now, io)
                }
                Turn::Datagrams => {
                    self.turn = Turn::Ingress;
                    #[cfg(feature = "ping")]
                    if let Some(step) = self.echoes(now, io) {
                        return step;
                    }
                    self.datagrams(now, io)
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
        Step::Idle(self.deadline())
    }

    /// Steps until there is nothing left to do, at most [`POLL_BUDGET`] times. Returns when to poll again unless a frame arrives
    /// before: `now` if work is left, never if nothing is.
    pub fn poll<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) -> Option<Instant> {
        for _ in 0..POLL_BUDGET {
            if let Step::Idle(deadline) = self.step(now, io) {
                return deadline;
            }
        }
        Some(now)
    }

    /// Runs every program at the next polls: call it when the console has input.
    pub fn wake_programs(&mut self) {
        for index in 0..self.slots.len() {
            if self.slots[index].phase == Phase::Serving {
                self.slots[index].run = true;
                self.enqueue(index);
            }
        }
        for port in self.ports.iter_mut() {
            port.run = true;
        }
    }

    /// The connections, in the order of their slots.
    pub fn connections_in_use(&self) -> impl Iterator<Item = Connection> {
        self.slots.iter().zip(self.links.iter()).enumerate().filter_map(|(index, (slot, links))| {
            Some(Connection {
                id: ConnectionId { index: index as Index, generation: slot.generation },
                tuple: links.tuple?,
                state: slot.state,
                phase: slot.phase,
                send_queue: slot.peek().map_or(0, |socket| socket.send_queue()),
                receive_queue: slot.peek().map_or(0, |socket| socket.recv_queue()),
                due: self.deadlines.of(self.links, index),
            })
        })
    }

    /// Whether any TCP port is served.
    pub fn is_listening(&self) -> bool {
        self.listeners.iter().any(|l| l.listener.port != 0)
    }

    /// When there will be something to do without a frame arriving.
    fn deadline(&self) -> Option<Instant> {
        #[allow(unused_mut, reason = "without these features there is nothing to add")]
        let mut due = sooner(self.deadlines.first(self.links), self.datagrams_due());
        #[cfg(feature = "dhcp")]
        {
            due = sooner(due, self.autoconf.as_ref().and_then(autoconf::Autoconf::due));
        }
        #[cfg(feature = "ping")]
        {
            due = sooner(due, self.pings.as_ref().and_then(ping::Pings::due));
        }
        due
    }
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The connection.
    pub id: ConnectionId,
    /// Its ends.
    pub tuple: Tuple,
    /// Its TCP state.
    pub state: tcp::State,
    /// What the stack does with it.
    pub phase: Phase,
    /// Bytes queued to be sent or acknowledged.
    pub send_queue: usize,
    /// Bytes received and not read by the program.
    pub receive_queue: usize,
    /// When it has work again, unless something arrives before.
    pub due: Option<Instant>,
}

/// The least MTU with such an address, in bytes.
fn least_mtu(address: &IpCidr) -> usize {
    match address {
        IpCidr::Ipv4(_) => 576,
        #[cfg(feature = "ipv6")]
        IpCidr::Ipv6(_) => 1280,
    }
}
