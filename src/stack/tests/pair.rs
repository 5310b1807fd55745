//! Two stacks on a wire. A test moves the clock and can inspect, drop and add frames.

use std::vec::Vec;

use smoltcp::phy::Medium;
use smoltcp::socket::{tcp, udp};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint, Ipv4Address, Ipv6Address};

use crate::host::{HeapPool, Sizes};
use crate::stack::*;
use crate::testing::link::{self, Frames};

pub const SERVER_V6: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
pub const CLIENT_V6: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
pub const SERVER: IpAddress = IpAddress::Ipv4(Ipv4Address::new(10, 0, 0, 1));
pub const CLIENT: IpAddress = IpAddress::Ipv4(Ipv4Address::new(10, 0, 0, 2));

/// The sessions that the tests use.
#[derive(Clone, Debug)]
pub enum App {
    /// Sends received data back. Closes after the peer has closed.
    Echo,
    /// Sends the bytes in `send` and closes once `want` bytes have come back.
    Ask { send: Vec<u8>, sent: usize, want: usize, got: Vec<u8>, end: Option<End> },
    /// Never does anything.
    Idle,
    /// Closes immediately.
    Closer,
    /// Waits from its first run until `patience` has passed, then returns `then`.
    Impatient { patience: Duration, then: Next, until: Option<Instant> },
    /// Closes its side immediately and then reads `piece` bytes a second.
    Slow { piece: usize, got: usize, next: Instant },
}

impl App {
    /// Returns an [`App::Ask`] that has not sent anything yet.
    pub fn ask(send: &[u8], want: usize) -> App {
        App::Ask { send: send.to_vec(), sent: 0, want, got: Vec::new(), end: None }
    }

    /// Returns the bytes that [`App::Ask`] has received.
    pub fn got(&self) -> &[u8] {
        match self {
            App::Ask { got, .. } => got,
            _ => &[],
        }
    }
}

impl Session for App {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            App::Idle => Next::Wait,
            App::Closer => Next::Close,
            App::Impatient { patience, then, until } => {
                let until = *until.get_or_insert(cx.now + *patience);
                if cx.now >= until { *then } else { Next::WakeAt(until) }
            }
            App::Slow { piece, got, next } => {
                if socket.may_send() {
                    socket.close();
                }
                if cx.now >= *next {
                    match socket.recv_slice(&mut cx.scratch[..*piece]) {
                        Ok(0) => return Next::Wait,
                        Ok(len) => *got += len,
                        Err(_) => return Next::Close,
                    }
                    *next = cx.now + Duration::from_secs(1);
                }
                Next::WakeAt(*next)
            }
            App::Echo => loop {
                let room = (socket.send_capacity() - socket.send_queue()).min(cx.scratch.len());
                let n = socket.peek_slice(&mut cx.scratch[..room]).unwrap_or(0);
                if n == 0 {
                    return if !socket.may_recv() { Next::Close } else { Next::Wait };
                }
                let n = socket.send_slice(&cx.scratch[..n]).unwrap_or(0);
                let _ = socket.recv_slice(&mut cx.scratch[..n]);
            },
            App::Ask { send, sent, want, got, .. } => {
                *sent += socket.send_slice(&send[*sent..]).unwrap_or(0);
                while let Ok(n) = socket.recv(|data| {
                    (data.len(), {
                        got.extend_from_slice(data);
                        data.len()
                    })
                }) {
                    if n == 0 {
                        break;
                    }
                }
                if got.len() >= *want && *sent == send.len() { Next::Close } else { Next::Wait }
            }
        }
    }

    fn ended(&mut self, how: End, _cx: &mut Context<'_>) {
        if let App::Ask { end, .. } = self {
            *end = Some(how);
        }
    }
}

/// Answers every datagram with the same data.
#[derive(Clone)]
pub struct Parrot;

impl Responder for Parrot {
    fn datagram(&mut self, _from: udp::UdpMetadata, data: &[u8], reply: &mut [u8], _cx: &mut Context<'_>) -> Answer {
        let n = data.len().min(reply.len());
        reply[..n].copy_from_slice(&data[..n]);
        Answer::Reply(n)
    }
}

/// Records events.
#[derive(Default)]
pub struct Events(pub Vec<Event>);

impl Probe for Events {
    fn event(&mut self, _now: Instant, event: &Event) {
        self.0.push(*event);
    }
}

pub struct Host {
    pub stack: Stack<'static, App, Respond<Parrot>>,
    pub io: Io<link::End, NullConsole, Events>,
}

impl Host {
    fn new(number: u8, address: IpAddress, mut device: link::End, sizes: Sizes, set: fn(&mut Config)) -> Host {
        let addresses = [IpCidr::new(address, 24)];
        let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into(), Seed([number; 32]), &addresses);
        set(&mut config);
        let memory = Box::leak(Box::new(HeapPool::new(sizes))).memory();
        let stack = Stack::new(config, &mut device, memory, Instant::from_secs(1)).unwrap();
        Host { stack, io: Io { device, console: NullConsole, probe: Events::default() } }
    }

    pub fn listen(&mut self, listener: Listener<App>) {
        self.stack.listen(listener).unwrap();
    }

    /// Returns how many of the recorded events match.
    pub fn count(&self, matching: impl Fn(&Event) -> bool) -> usize {
        self.io.probe.0.iter().filter(|e| matching(e)).count()
    }
}

pub struct Pair {
    pub now: Instant,
    pub client: Host,
    pub server: Host,
    pub to_server: Frames,
    pub to_client: Frames,
}

pub const SMALL: Sizes = Sizes { connections: 4, receive: 512, send: 512, ports: 2, datagrams: 4, payload: 4096 };

impl Pair {
    pub fn new(server: Sizes) -> Pair {
        Pair::with(server, |_| {})
    }

    pub fn with(sizes: Sizes, set: fn(&mut Config)) -> Pair {
        Pair::of(Sizes { connections: 64, ..SMALL }, sizes, set)
    }

    /// Creates a client and a server of these sizes. `set` changes the server's configuration.
    pub fn of(client_sizes: Sizes, sizes: Sizes, set: fn(&mut Config)) -> Pair {
        let (server, client) = link::ends(Medium::Ethernet);
        let (to_server, to_client) = (server.incoming.clone(), client.incoming.clone());
        Pair {
            now: Instant::from_secs(1),
            client: Host::new(2, CLIENT, client, client_sizes, |_| {}),
            server: Host::new(1, SERVER, server, sizes, set),
            to_server,
            to_client,
        }
    }

    /// Adds IPv6 addresses to both hosts and lets the hosts learn each other's hardware addresses. The server echoes on
    /// TCP and UDP port 7.
    pub fn with_both_families(mut self) -> Pair {
        for (host, address) in [(&mut self.client, CLIENT_V6), (&mut self.server, SERVER_V6)] {
            host.stack.add_address(self.now, IpCidr::new(address.into(), 64), &mut host.io.probe).unwrap();
        }
        self.server.listen(Listener::new(7, App::Echo));
        self.server.stack.bind(7, Respond::new(Parrot)).unwrap();
        for remote in [SERVER, SERVER_V6.into()] {
            self.meet(remote);
        }
        self
    }

    /// Lets both hosts learn each other's hardware address. The client calls a closed port at `remote`, an address of
    /// the server, and is refused.
    pub fn meet(&mut self, remote: IpAddress) {
        let refused = self.call_at(remote, 99, &[]);
        self.run_for(Duration::from_secs(3));
        assert_eq!(self.client.stack.take(refused).unwrap().1, End::Refused);
    }

    /// Opens a connection from the client, which sends a text and waits until the same number of bytes has come back.
    pub fn call_at(&mut self, remote: IpAddress, port: u16, text: &[u8]) -> ConnectionId {
        let (remote, app) = (IpEndpoint::new(remote, port), App::ask(text, text.len()));
        self.client.stack.connect(self.now, remote, app, Duration::from_secs(30), &mut self.client.io).unwrap()
    }

    /// Starts a connection from the client to `port` of the server.
    pub fn call(&mut self, port: u16, app: App) -> ConnectionId {
        let remote = IpEndpoint::new(SERVER, port);
        let patience = Duration::from_secs(30);
        self.client.stack.connect(self.now, remote, app, patience, &mut self.client.io).unwrap()
    }

    /// Polls both hosts until neither has work to do now. Returns the next deadline.
    pub fn run_until_idle(&mut self) -> Option<Instant> {
        for _ in 0..10_000 {
            let a = self.client.stack.poll(self.now, &mut self.client.io);
            let b = self.server.stack.poll(self.now, &mut self.server.io);
            let busy = !self.to_client.borrow().is_empty() || !self.to_server.borrow().is_empty();
            if !busy && a.is_none_or(|a| a > self.now) && b.is_none_or(|b| b > self.now) {
                return [a, b].into_iter().flatten().min();
            }
        }
        panic!("the stacks never come to rest");
    }

    /// Advances the clock by `time`, deadline by deadline.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..100_000 {
            match self.run_until_idle() {
                Some(at) if at <= until => self.now = at,
                _ => {
                    self.now = until;
                    self.run_until_idle();
                    return;
                }
            }
        }
        panic!("the stacks spin");
    }

    pub fn state(&self, id: ConnectionId) -> Option<tcp::State> {
        self.client.stack.connections_in_use().find(|c| c.id == id).map(|c| c.state)
    }

    pub fn served(&self) -> Vec<Connection> {
        self.server.stack.connections_in_use().collect()
    }
}
