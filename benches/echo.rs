//! Echo round trips a second on the cable, at 1 to 16,384 connections.
//!
//! `cargo bench --bench echo`. A round trip is 64 bytes from a client's program through both stacks and the cable to the echo
//! server's and back. One message is under way at a time, and the connections take turns, so that each finds its memory as
//! cold as the others have left it. The numbers of connections are measured in turn, several rounds in one run.
#![allow(missing_docs, reason = "a program, not a library")]

use std::time;

use smolstep::app::{self, Options, Server};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Context, Io, Links, Listener, Next, Quiet, Seed, Session, Slot, Stack};
use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

const CONNECTIONS: [usize; 5] = [1, 64, 1024, 4096, 16_384];
const ROUNDS: usize = 21;
/// In a round, with each number of connections: every connection has two turns or more.
const TRIPS: usize = 32_768;
/// Bytes of a message.
const MESSAGE: usize = 64;

fn main() {
    // `cargo test --benches` asks for a look at whether it runs.
    let (rounds, trips) = if std::env::args().any(|arg| arg == "--bench") { (ROUNDS, TRIPS) } else { (1, 1) };
    println!("bytes: slot {}, links {}, stack {}", size_of::<Slot<Server>>(), size_of::<Links>(), size_of::<Servers>());
    let mut benches = CONNECTIONS.map(Bench::new);
    let mut times = CONNECTIONS.map(|_| Vec::new());
    for _ in 0..rounds {
        for (bench, times) in benches.iter_mut().zip(&mut times) {
            let start = time::Instant::now();
            for _ in 0..trips {
                bench.round_trip();
            }
            times.push(start.elapsed().as_secs_f64() / trips as f64);
        }
    }
    println!(
        "{:>11} {:>16} {:>10} {:>21} {:>6}",
        "connections", "round trips/s", "µs each", "fastest to slowest", "ratio"
    );
    let mut first = None;
    for (connections, times) in CONNECTIONS.into_iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let [median, fastest, slowest] = [median, times[0], times[times.len() - 1]].map(|time| time * 1e6);
        let ratio = median / *first.get_or_insert(median);
        println!(
            "{connections:>11} {:>16.0} {median:>10.3} {:>21} {ratio:>6.2}",
            1e6 / median,
            format!("{fastest:.3} to {slowest:.3}")
        );
    }
}

type End = CableEnd<'static, 8, 1514>;
type Servers = Stack<'static, Server<'static>, ()>;

/// A server and a client with so many connections between them.
struct Bench {
    now: Instant,
    /// When the next connection has its turn.
    turn: Option<Instant>,
    server: Servers,
    server_io: Io<End, Quiet>,
    client: Stack<'static, Ping, ()>,
    client_io: Io<End, Quiet>,
}

impl Bench {
    fn new(connections: usize) -> Self {
        let now = Instant::from_secs(1);
        let (left, right) = Box::leak(Box::new(Cable::new())).ends();
        let (mut server_io, mut client_io) = (Io::new(left, Quiet), Io::new(right, Quiet));
        let server = stack(1, connections, &mut server_io.device);
        let client = stack(2, connections, &mut client_io.device);
        let mut bench = Bench { now, turn: None, server, server_io, client, client_io };
        let echo = app::find("echo").and_then(|app| app.server(&Options::default())).expect("echo has a server");
        bench.server.listen(Listener::new(7, echo)).expect("the port is free");
        for number in 0..connections {
            let remote = IpEndpoint::new(address(1).address(), 7);
            // One turn a microsecond, after all are connected.
            let turn = Instant::from_secs(2) + Duration::from_micros(number as u64);
            let ping = Ping { turn, period: Duration::from_micros(connections as u64), sent: false };
            let patience = Duration::from_secs(1);
            bench.client.connect(now, remote, ping, patience, &mut bench.client_io).expect("there is room");
            // The first one takes two more, for ARP.
            for _ in 0..4 {
                bench.there_and_back();
            }
        }
        bench
    }

    /// The next connection's turn.
    fn round_trip(&mut self) {
        self.now = self.turn.expect("a connection has its turn");
        self.there_and_back();
        // Had the echo not come back, the next turn would be another connection's retransmission.
        assert_eq!(self.turn, Some(self.now + Duration::from_micros(1)));
    }

    fn there_and_back(&mut self) {
        self.client.poll(self.now, &mut self.client_io);
        self.server.poll(self.now, &mut self.server_io);
        self.turn = self.client.poll(self.now, &mut self.client_io);
    }
}

fn stack<S: Session + Clone>(number: u8, connections: usize, device: &mut End) -> Stack<'static, S, ()> {
    let sizes = Sizes { connections, receive: 2048, send: 2048, ports: 0, datagrams: 0, payload: 0 };
    let memory = Box::leak(Box::new(HeapPool::new(sizes))).memory();
    let addresses = [address(number)];
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into(), Seed([number; 32]), &addresses);
    // An acknowledgement travels with the next message, however many connections have their turn before.
    config.ack_delay = Some(Duration::from_millis(500));
    Stack::new(config, device, memory, Instant::from_secs(1)).expect("the configuration is right")
}

fn address(number: u8) -> IpCidr {
    IpCidr::new(IpAddress::v4(10, 0, 0, number), 24)
}

/// Sends a message at its turn, takes the echo, and waits for the next turn.
#[derive(Clone)]
struct Ping {
    turn: Instant,
    period: Duration,
    sent: bool,
}

impl Session for Ping {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        if self.sent {
            if socket.recv_queue() < MESSAGE {
                return Next::Wait;
            }
            let _ = socket.recv_slice(&mut [0; MESSAGE]);
            self.sent = false;
            self.turn += self.period;
        } else if cx.now >= self.turn {
            self.sent = socket.send_slice(&[b'x'; MESSAGE]) == Ok(MESSAGE);
            return Next::Wait;
        }
        Next::WakeAt(self.turn)
    }
}
