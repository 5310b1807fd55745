//! A server and a client on a cable with a virtual clock. Both can run every program. The test can change frames in
//! flight.

use std::collections::VecDeque;

use smolstep::app::{APPS, App, Client, ClientOptions, Operator, Options, Server, Status, UdpClient, UdpServer};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{
    Config, ConnectionId, Console, Direction, DropReason, End, Event, Io, Listener, NullConsole, Overflow, Probe, Seed,
    Session, Stack, UdpSession,
};
use smoltcp::phy::{Device, Medium, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint, Ipv4Address};

use crate::common::hostile::frame::{CLIENT_MAC, MTU, SERVER_MAC, neighbour};

/// The number of the server's connection slots.
pub const SLOTS: usize = 64;
/// The maximum number of connections that a listener serves at a time.
pub const AT_ONCE: usize = 8;
/// The maximum number of further connections that wait in a listener's backlog.
pub const BACKLOG: usize = 8;

const SERVER: Sizes = Sizes { connections: SLOTS, receive: 1024, send: 1024, ports: 8, datagrams: 4, payload: 4096 };
const CLIENT: Sizes = Sizes { connections: 128, ports: 16, ..SERVER };

/// The maximum number of rounds of polls until both stacks are idle at one point in time.
const ROUNDS: usize = 2_000;

type CableSide = CableEnd<'static, 64, MTU>;

pub struct Host<S: 'static, U: 'static, C, P> {
    pub stack: Stack<'static, S, U>,
    pub io: Io<CableSide, C, P>,
    /// The other end of the host's cable.
    far: CableSide,
}

/// A server and a client on a cable. The client's stack can be replaced.
pub struct Network {
    pub now: Instant,
    pub medium: Medium,
    pub server: Host<Server<'static>, UdpServer<'static>, NullConsole, Turned>,
    pub client: Host<Client<'static>, UdpClient<'static>, Printed, Recorder>,
}

impl Network {
    pub fn new(medium: Medium, overflow: Overflow) -> Self {
        let now = Instant::from_secs(1);
        let mut server = host(now, medium, 1, SERVER, overflow, NullConsole, Turned(0));
        let status: &_ = Box::leak(Box::new(Status::new(&[], now)));
        for app in APPS {
            let operator = Box::leak(Box::new(Operator::default()));
            let mut options = Options::default();
            options.operator = Some(&*operator);
            options.status = Some(status);
            if let (Some(port), Some(session)) = (app.tcp, app.server(&options)) {
                let mut listener = Listener::new(port, session);
                (listener.serve_at_once, listener.backlog) = (AT_ONCE, BACKLOG);
                server.stack.listen(listener).unwrap();
            }
            if let (Some(port), Some(session)) = (app.udp, app.udp_server(&options)) {
                server.stack.bind(port, session).unwrap();
            }
        }
        Network { now, medium, server, client: client(now, medium) }
    }

    /// Replaces the client with a new one, which knows none of the old connections.
    pub fn renew_client(&mut self) {
        self.client = client(self.now, self.medium);
    }

    /// Connects to a program. Returns `None` if the program has no TCP port, or the client has no free slot.
    pub fn connect(&mut self, app: App, v6: bool, options: &ClientOptions<'static>) -> Option<ConnectionId> {
        let to = IpEndpoint::new(address(v6, 1).address(), app.tcp?);
        let patience = Duration::from_secs(5);
        self.client.stack.connect(self.now, to, app.client(options)?, patience, &mut self.client.io).ok()
    }

    /// Starts a program's UDP client, and returns the client's port. Returns `None` if the program has no UDP port, or
    /// the client has no free slot.
    pub fn ask(&mut self, app: App, v6: bool, options: &ClientOptions<'static>) -> Option<u16> {
        let to = IpEndpoint::new(address(v6, 1).address(), app.udp?);
        self.client.stack.bind(0, app.udp_client(options, to)?).ok()
    }

    /// Polls both stacks until they are idle at the current time. Returns the next deadline.
    ///
    /// `change` receives whether a frame goes to the server, and the frame. It returns the frames that arrive instead.
    pub fn settle(&mut self, mut change: impl FnMut(bool, Vec<u8>) -> Vec<Vec<u8>>) -> Option<Instant> {
        let now = self.now;
        for _ in 0..ROUNDS {
            let next =
                [self.client.stack.poll(now, &mut self.client.io), self.server.stack.poll(now, &mut self.server.io)];
            assert!(self.server.stack.connections_in_use().count() <= SLOTS);
            let there = carry(now, &mut self.client.far, &mut self.server.far, |frame| change(true, frame));
            let back = carry(now, &mut self.server.far, &mut self.client.far, |frame| change(false, frame));
            if there + back == 0 && next.iter().flatten().all(|at| *at > now) {
                return next.into_iter().flatten().min();
            }
        }
        panic!("the stacks never become idle");
    }

    /// Runs both stacks from deadline to deadline, until `done` returns a result.
    ///
    /// The cable does not change frames.
    pub fn run<R>(&mut self, mut done: impl FnMut(&mut Self) -> Option<R>) -> R {
        let until = self.now + Duration::from_secs(3600);
        for _ in 0..100_000 {
            let next = self.settle(|_, frame| vec![frame]);
            if let Some(result) = done(self) {
                return result;
            }
            self.now = next.unwrap_or(until);
            assert!(
                self.now < until,
                "no result in time: {:?}",
                self.client
                    .stack
                    .connections_in_use()
                    .chain(self.server.stack.connections_in_use())
                    .collect::<Vec<_>>()
            );
        }
        panic!("the stacks spin");
    }

    /// Sends a frame to the server. If the cable is full, the frame is lost.
    pub fn inject(&mut self, frame: &[u8]) {
        send(self.now, &mut self.server.far, frame);
    }
}

/// Moves all frames from one end of a cable to another, and lets `change` replace each. Returns the number of frames.
fn carry(
    now: Instant,
    from: &mut CableSide,
    to: &mut CableSide,
    mut change: impl FnMut(Vec<u8>) -> Vec<Vec<u8>>,
) -> usize {
    let mut count = 0;
    while let Some((frame, _)) = from.receive(now) {
        let frame = frame.consume(<[u8]>::to_vec);
        for frame in change(frame) {
            send(now, to, &frame);
        }
        count += 1;
    }
    count
}

/// Sends a frame, or drops it if the cable is full.
fn send(now: Instant, end: &mut CableSide, frame: &[u8]) {
    if let Some(token) = end.transmit(now) {
        token.consume(frame.len(), |place| place.copy_from_slice(frame));
    }
}

fn client(now: Instant, medium: Medium) -> Host<Client<'static>, UdpClient<'static>, Printed, Recorder> {
    host(now, medium, 2, CLIENT, Overflow::Drop, Printed::default(), Recorder::default())
}

/// Creates a host at one end of its own cable.
fn host<S: Session + Clone, U: UdpSession, C, P>(
    now: Instant,
    medium: Medium,
    number: u8,
    sizes: Sizes,
    overflow: Overflow,
    console: C,
    probe: P,
) -> Host<S, U, C, P> {
    let (mut device, far) = Box::leak(Box::new(Cable::with_medium(medium))).ends();
    let hardware = match medium {
        Medium::Ethernet => EthernetAddress(if number == 1 { SERVER_MAC } else { CLIENT_MAC }).into(),
        _ => HardwareAddress::Ip,
    };
    let addresses = [address(false, number), address(true, number)];
    let mut config = Config::new(hardware, Seed([number; 32]), &addresses);
    config.tcp.overflow = overflow;
    let memory = Box::leak(Box::new(HeapPool::new(sizes))).memory();
    let stack = Stack::new(config, &mut device, memory, now).unwrap();
    Host { stack, io: Io { device, console, probe }, far }
}

fn address(v6: bool, number: u8) -> IpCidr {
    if v6 {
        IpCidr::new(IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, number.into()), 64)
    } else {
        IpCidr::new(Ipv4Address::from_octets(neighbour(number)).into(), 24)
    }
}

/// A console that stores the output of the clients.
#[derive(Default)]
pub struct Printed(pub Vec<u8>);

impl Console for Printed {
    fn print(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// A [`Probe`] that stores the client's 512 most recent frames.
#[derive(Default)]
pub struct Recorder(pub VecDeque<Vec<u8>>);

impl Probe for Recorder {
    fn frame(&mut self, _now: Instant, direction: Direction, frame: &[u8]) {
        if direction == Direction::Out {
            self.0.push_back(frame.to_vec());
            self.0.drain(..self.0.len().saturating_sub(512));
        }
    }
}

/// A [`Probe`] that counts connections that were refused, dropped, or evicted while half-way.
pub struct Turned(pub usize);

impl Probe for Turned {
    fn event(&mut self, _now: Instant, event: &Event) {
        self.0 += usize::from(matches!(
            event,
            Event::Refused { .. }
                | Event::Dropped(DropReason::BacklogFull | DropReason::SlotsFull)
                | Event::HandshakeEnded { end: End::Recycled, .. }
        ));
    }
}
