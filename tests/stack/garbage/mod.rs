//! Sends 100,000 random and mutated frames to a stack that serves every program.
//!
//! The tests run on Ethernet and on bare IP.
//!
//! The stack must not panic, every poll must end, and all memory must be freed. After that, valid clients must get
//! exact replies.
//!
//! SMOLSTEP_SEED=NUMBER selects other frames. A failure prints the seed that reproduces it.

mod network;

use std::cell::Cell;

use smolstep::app::{APPS, App, ClientOptions};
use smolstep::stack::{ConnectionId, Overflow};
use smoltcp::phy::Medium;
use smoltcp::time::Duration;

use crate::common::hostile::random::{Random, seed};
use crate::common::hostile::{craft, mutate};
use network::{AT_ONCE, BACKLOG, Network, SLOTS};

/// The number of hostile frames in each of the two tests.
const FRAMES: usize = 100_000;
/// The seed, unless SMOLSTEP_SEED sets another one.
const SEED: u64 = 0x5e1f_1e55;

#[test]
fn garbage_on_ethernet() {
    survive(Medium::Ethernet, Overflow::Drop);
}

#[test]
fn garbage_on_ip() {
    survive(Medium::Ip, Overflow::Reset);
}

/// Asserts that clients are served before and after the hostile frames, and that no connection remains.
fn survive(medium: Medium, overflow: Overflow) {
    let seed = seed(SEED);
    let frames = Cell::new(0);
    let _tell = TellFrames(&frames);
    let mut network = Network::new(medium, overflow);

    honest_clients(&mut network);
    assault(&mut network, &mut Random(seed), &frames);
    // The new client knows none of the remaining connections. A timer or a reset must end each of them.
    network.renew_client();
    network.run(|network| network.server.stack.connections_in_use().next().is_none().then_some(()));
    honest_clients(&mut network);
    crowds(&mut network);
}

/// Prints the number of frames sent so far, if the test fails.
struct TellFrames<'c>(&'c Cell<usize>);

impl Drop for TellFrames<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {} hostile frames", self.0.get());
        }
    }
}

/// Sends crafted frames and mutated recorded frames while real clients run.
///
/// The test also mutates some of the real clients' frames.
fn assault(network: &mut Network, random: &mut Random, frames: &Cell<usize>) {
    let medium = network.medium;
    let mut calls = Calls::default();
    while frames.get() < FRAMES {
        for _ in 0..1 + random.below(8) {
            let recorded = recorded(network, random);
            let frame = match random.below(8) {
                0..=2 => craft::hostile(random, medium),
                3 => recorded,
                4 => mutate::combination(random, medium, recorded),
                _ => mutate::mutate(random, medium, &recorded),
            };
            network.inject(&frame);
            frames.set(frames.get() + 1);
        }
        calls.renew(network, random);
        let mut held = Vec::new();
        network.settle(|_, frame| interfere(random, medium, frame, &mut held, frames));
        for frame in held {
            network.inject(&frame);
        }
        network.now += match random.below(128) {
            0 => Duration::from_millis(random.below(20_000) as u64),
            1..=8 => Duration::from_millis(random.below(300) as u64),
            _ => Duration::from_micros(random.below(500) as u64),
        };
    }
}

/// Returns a random frame that the client has sent.
fn recorded(network: &Network, random: &mut Random) -> Vec<u8> {
    let recorder = &network.client.io.probe.0;
    // Half of the choices are recent frames: their connections probably still exist.
    let back = if random.one_in(2) { random.below(8) } else { random.below(recorder.len()) };
    recorder.iter().rev().nth(back).cloned().unwrap_or_default()
}

/// Returns the frames that arrive for a frame in flight. Most frames are unchanged; others are lost, doubled, delayed
/// or mutated.
fn interfere(
    random: &mut Random,
    medium: Medium,
    frame: Vec<u8>,
    held: &mut Vec<Vec<u8>>,
    frames: &Cell<usize>,
) -> Vec<Vec<u8>> {
    let changed = match random.below(16) {
        0 => vec![],
        1 => vec![frame.clone(), frame],
        2 => {
            held.push(frame);
            return vec![];
        }
        3 => vec![mutate::mutate(random, medium, &frame), frame],
        4 => vec![mutate::combination(random, medium, frame.clone()), frame],
        5 => vec![mutate::mutate(random, medium, &frame)],
        _ => return vec![frame],
    };
    frames.set(frames.get() + changed.len());
    changed
}

/// The connections and UDP ports of the running clients.
#[derive(Default)]
struct Calls {
    connections: Vec<ConnectionId>,
    ports: Vec<u16>,
}

impl Calls {
    /// Removes clients that have ended, and starts new ones.
    fn renew(&mut self, network: &mut Network, random: &mut Random) {
        self.connections.retain(|id| network.client.stack.take(*id).is_none());
        self.ports.retain(|port| network.client.stack.take_udp(*port).is_none());
        let bytes = 1 + random.below(5000) as u64;
        let timeout = Some(Duration::from_secs(3));
        let mut options = ClientOptions::sending(&[b"Li", &[b'x'; 3000], b"Cheng"]);
        (options.bytes, options.timeout) = (bytes, timeout);
        let (app, v6) = (random.pick(&APPS), random.one_in(2));
        if self.connections.len() < 32 {
            self.connections.extend(network.connect(app, v6, &options));
        }
        self.ports.extend(network.ask(app, v6, &options));
    }
}

const TEXTS: &[&[u8]] = &[b"Li\n", "stra\u{df}e".as_bytes()];

/// Runs a client of every program, over both transports and both address families. Asserts that each reply is exact.
fn honest_clients(network: &mut Network) {
    for (app, v6) in APPS.into_iter().flat_map(|app| [(app, false), (app, true)]) {
        let options = options(app);
        if let Some(id) = network.connect(app, v6, &options) {
            let (client, _) = network.run(|network| network.client.stack.take(id));
            assert_eq!(client.result(), Some(Ok(())), "{} over TCP", app.name);
            assert_eq!(take_printed(network), tcp_reply(app), "{} over TCP", app.name);
        }
        // chat is excluded, because no user answers a datagram to chat.
        if app.name != "chat"
            && let Some(port) = network.ask(app, v6, &options)
        {
            let client = network.run(|network| network.client.stack.take_udp(port));
            assert_eq!(client.result(), Some(Ok(())), "{} over UDP", app.name);
            assert_eq!(take_printed(network), udp_reply(app), "{} over UDP", app.name);
        }
    }
}

/// Runs many simultaneous clients, to show that no slot was lost.
///
/// For each program, as many clients connect as one listener accepts. Finally, clients of all programs use all slots of
/// the stack.
fn crowds(network: &mut Network) {
    let tcp: Vec<App> = APPS.into_iter().filter(|app| app.client(&options(*app)).is_some()).collect();
    let mut crowds: Vec<Vec<App>> = tcp.iter().map(|app| vec![*app; AT_ONCE + BACKLOG]).collect();
    crowds.push(tcp.iter().cycle().take(SLOTS).copied().collect());
    network.server.io.probe.0 = 0;
    for crowd in crowds {
        // After 61 s, all slots in TIME-WAIT are free.
        network.now += Duration::from_secs(61);
        let ids: Vec<_> = crowd.iter().map(|app| network.connect(*app, false, &options(*app)).unwrap()).collect();
        let mut served = 0;
        network.run(|network| {
            let taken = ids.iter().filter_map(|id| network.client.stack.take(*id));
            served += taken.filter(|(client, _)| client.result() == Some(Ok(()))).count();
            (served == ids.len()).then_some(())
        });
    }
    assert_eq!(network.server.io.probe.0, 0, "clients were refused");
}

/// Returns the options of a program's client, so that its output is short.
fn options(app: App) -> ClientOptions<'static> {
    let bytes = if app.name == "chargen" { 10 } else { 0 };
    let mut options = ClientOptions::sending(TEXTS);
    (options.bytes, options.no_wait) = (bytes, app.name == "inbox");
    options
}

/// Returns the client's output since the previous call.
fn take_printed(network: &mut Network) -> String {
    String::from_utf8(std::mem::take(&mut network.client.io.console.0)).unwrap()
}

/// Returns the output of a program's client over TCP.
fn tcp_reply(app: App) -> &'static str {
    match app.name {
        "ack" => "ACK\n",
        "chargen" => " !\"#$%&'()",
        "chat" => "the talk has ended\n",
        "discard" => "",
        "echo" => "Li\n\nstra\u{df}e\n",
        "greeting" => "Welcome!\nHello,Li!\n\nHello,stra\u{df}e!\n",
        "thanks" => "thank you !\n",
        _ => "LI\n\n",
    }
}

/// Returns the output of a program's client over UDP.
fn udp_reply(app: App) -> &'static str {
    match app.name {
        "echo" => "Li\n\nstra\u{df}e\n",
        "greeting" => "hello Li!\n\nhello stra\u{df}e!\n",
        "thanks" => "thank you !\nthank you !\n",
        _ => "",
    }
}
