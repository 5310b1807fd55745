//! The tour: a greeting client and its server on a cable in memory, step by step.

use std::cell::RefCell;
use std::io::{self, Write};

use smoltcp::phy::Medium;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint, TcpSeqNumber};

use super::error::Failure;
use super::memory::{HeapPool, Sizes};
use super::serve::find;
use crate::app::{Client, ClientOptions, Options, Server, UdpClient, UdpServer};
use crate::phy::{Cable, CableEnd};
use crate::stack::{Config, Console, Direction, Io, Listener, Probe, Seed, Session, Stack, Step, UdpSession};
use crate::trace::Summary;

const SIZES: Sizes = Sizes { connections: 2, receive: 2048, send: 2048, ports: 1, datagrams: 1, payload: 1472 };
const SERVER: IpAddress = IpAddress::v4(192, 168, 69, 1);
const CLIENT: IpAddress = IpAddress::v4(192, 168, 69, 2);
/// The names that the client calls out.
const TEXTS: [&[u8]; 3] = [b"Li", b"Cheng", b"victor"];

/// The virtual clock begins here, since smoltcp takes 0 for "at once".
const START: Instant = Instant::from_micros_const(1_000_000);

type End<'c> = CableEnd<'c, 8, 1514>;

/// Runs the tour. The clock is virtual and the seeds are constant: it is the same tour every time.
///
/// # Errors
/// Standard output has failed.
pub fn tour() -> Result<(), Failure> {
    let isn = RefCell::default();
    let (mut cable, mut here, mut there) = (Cable::new(), HeapPool::new(SIZES), HeapPool::new(SIZES));
    let (left, right) = cable.ends();
    let mut client: Host<'_, '_, Client<'_>, UdpClient<'_>> = Host::new(left, 2, CLIENT, &mut here, &isn)?;
    let mut server: Host<'_, '_, Server<'_>, UdpServer<'_>> = Host::new(right, 1, SERVER, &mut there, &isn)?;

    let greeting = find("greeting")?;
    let session = greeting.server(&Options::default()).map(|session| Listener::new(9999, session));
    session.map(|listener| server.stack.listen(listener)).transpose().map_err(Failure::run)?;
    let options = ClientOptions { texts: &TEXTS, ..ClientOptions::default() };
    let caller = greeting.client(&options).ok_or_else(|| Failure::run("greeting has no client"))?;
    let (remote, patience) = (IpEndpoint::new(SERVER, 9999), Duration::from_secs(10));
    let id = client.stack.connect(START, remote, caller, patience, &mut client.io).map_err(Failure::run)?;

    let out = &mut io::stdout().lock();
    walk(out, &mut client, &mut server)
        .and_then(|()| {
            writeln!(out, "\nThe client printed:")?;
            out.write_all(&client.io.console.0)?;
            if let Some(end) = client.stack.ended(id) {
                writeln!(out, "and its connection was {end}.")?;
            }
            writeln!(out, "\nNext: 'smolstep sandbox --serve greeting -- nc 192.168.69.1 9999', and 'smolstep --help'.")
        })
        .map_err(|error| Failure::run(format_args!("standard output: {error}")))
}

/// Steps both stacks until neither has anything to do any more, and shows each step.
fn walk<S: Session + Clone, U: UdpSession, T: Session + Clone, V: UdpSession>(
    out: &mut impl Write,
    client: &mut Host<'_, '_, S, U>,
    server: &mut Host<'_, '_, T, V>,
) -> io::Result<()> {
    writeln!(out, "A greeting client ({CLIENT}) and its server ({SERVER}) on a cable in memory, on a virtual clock.")?;
    writeln!(out, "Each line is one step of the poll loop; the states are those after it.\n")?;
    writeln!(out, "{:>10} {:>4}  {:<12} {:^38} {:<12}", "time", "step", "client", "", "server")?;
    let (mut now, mut number) = (START, 0);
    loop {
        let mut idle = [None; 2];
        for (side, idle) in idle.iter_mut().enumerate() {
            let (step, words) = if side == 0 { client.step(now) } else { server.step(now) };
            if let Step::Idle(at) = step {
                *idle = Some(at);
                continue;
            }
            number += 1;
            let seconds = (now - START).total_micros() as f64 / 1e6;
            let arrow = match (step, side) {
                (Step::Egress(_), 0) => format!("{:─<37}►", words + " "),
                (Step::Egress(_), _) => format!("◄{:─>37}", format!(" {words}")),
                (_, 0) => format!("{words:<38}"),
                (_, _) => format!("{words:>38}"),
            };
            let (client, server) = (client.state(), server.state());
            writeln!(out, "{seconds:>9.6}s {number:>4}  {client:<12} {arrow} {server:<12}")?;
        }
        if let [Some(a), Some(b)] = idle {
            match [a, b].into_iter().flatten().min() {
                Some(at) => now = at,
                None => return Ok(()),
            }
        }
    }
}

/// What a host prints.
struct Printed(Vec<u8>);

impl Console for Printed {
    fn print(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// The initial sequence numbers of the client and of the server, as seen on the cable.
type Isn = RefCell<[TcpSeqNumber; 2]>;

/// Puts the frame of a step in words.
struct Words<'i> {
    isn: &'i Isn,
    side: usize,
    frame: String,
}

impl Probe for Words<'_> {
    fn frame(&mut self, _now: Instant, direction: Direction, frame: &[u8]) {
        let summary = Summary::of(frame, Medium::Ethernet);
        let sender = if direction == Direction::Out { self.side } else { 1 - self.side };
        self.frame = match summary {
            Summary::Tcp(segment) => {
                let mut isn = self.isn.borrow_mut();
                if segment.syn {
                    isn[sender] = segment.seq;
                }
                segment.relative(isn[sender], isn[1 - sender]).to_string()
            }
            other => other.to_string(),
        };
    }
}

struct Host<'a, 'c, S, U> {
    /// The state of a socket without a connection.
    rest: State,
    stack: Stack<'a, S, U>,
    io: Io<End<'c>, Printed, Words<'c>>,
}

impl<'a, 'c, S: Session + Clone, U: UdpSession> Host<'a, 'c, S, U> {
    fn new(
        mut device: End<'c>,
        number: u8,
        address: IpAddress,
        pool: &'a mut HeapPool<'a, S, U>,
        isn: &'c Isn,
    ) -> Result<Self, Failure> {
        let addresses = [IpCidr::new(address, 24)];
        let hardware = EthernetAddress([2, 0, 0, 0, 0, number]).into();
        let config = Config::new(hardware, Seed([number; 32]), &addresses);
        let stack = Stack::new(config, &mut device, pool.memory(), START).map_err(Failure::run)?;
        let probe = Words { isn, side: usize::from(number == 1), frame: String::new() };
        let rest = if number == 1 { State::Listen } else { State::Closed };
        Ok(Host { rest, stack, io: Io { device, console: Printed(Vec::new()), probe } })
    }

    /// One step, and what to write on its arrow.
    fn step(&mut self, now: Instant) -> (Step, String) {
        let step = self.stack.step(now, &mut self.io);
        let words = match step {
            Step::Session(_, next) => format!("program runs: {next:?}"),
            Step::UdpSession(..) => "program runs".into(),
            Step::Ingress(_) | Step::Egress(_) => core::mem::take(&mut self.io.probe.frame),
            Step::Idle(_) => String::new(),
        };
        (step, words)
    }

    fn state(&self) -> String {
        let connection = self.stack.connections_in_use().next();
        connection.map_or(self.rest, |connection| connection.state).to_string()
    }
}
