//! The cost of an echo on the mps2-an385, in instructions and memory accesses.
//!
//! A QEMU plugin (count/plugin.rs) counts instructions and accesses while a kernel client sends requests on a TAP.
//! `scripts/firmware count` prints the counts.

use std::net::{TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::thread::yield_now;

use rustix::net::sockopt::set_tcp_quickack;

use crate::board::{BOARD, on_image};
use crate::common::link::{KERNEL, PATIENCE, ask, at, expect, noise, patient, send, udp};
use crate::common::netns::{counters, output};

/// The number of round trips that are measured one by one. The result is the median of their costs.
///
/// The board sleeps before each round trip. On a busy machine, the kernel's delayed ACK can arrive before the next
/// request. The board's loop then runs once more. The median ignores these cases.
const ROUNDS: usize = 201;

/// The measured cases and their limits, which are slightly above the measured costs.
///
/// If an ACK arrives before the board sleeps, the loop runs once less, so the costs with an ACK vary by a tenth. The
/// limits allow one run of the loop for each ACK.
const CASES: [Case; 6] = [
    Case { name: "64 bytes over TCP", len: 64, over: Over::Tcp { acknowledged: false }, at_most: 8700 },
    Case { name: "the same and an ACK", len: 64, over: Over::Tcp { acknowledged: true }, at_most: 15_700 },
    Case { name: "1,460 bytes over TCP", len: 1460, over: Over::Tcp { acknowledged: false }, at_most: 15_400 },
    Case { name: "the same and an ACK", len: 1460, over: Over::Tcp { acknowledged: true }, at_most: 23_900 },
    Case { name: "64 bytes over UDP", len: 64, over: Over::Udp, at_most: 5800 },
    Case { name: "1,460 bytes over UDP", len: 1460, over: Over::Udp, at_most: 13_400 },
];

struct Case {
    name: &'static str,
    len: usize,
    over: Over,
    at_most: u64,
}

#[derive(Clone, Copy)]
enum Over {
    /// TCP: the kernel acknowledges an echo with the next request.
    ///
    /// If `acknowledged` is set, the kernel sends a separate segment instead.
    Tcp {
        acknowledged: bool,
    },
    Udp,
}

#[test]
fn an_echo_costs_at_most_its_limit() {
    on_image("count::an_echo_costs_at_most_its_limit", "mps2-an385-echo", |image| {
        let plugin = plugin();
        let counts = plugin.with_extension("counts");
        let option = format!("{},counts={}", plugin.display(), counts.display());
        let _board = image.boot(&["--tap", "tap0", "--", "-plugin", &option]);
        let mut stream = first();
        let socket = udp(at(KERNEL[0], 0), at(BOARD, 7));
        let counter = Counter { counts };
        println!("a round trip            instructions  and accesses  at most  frames in  out");
        let mut excess = vec![];
        for case in CASES {
            let cost = counter.count(|| match case.over {
                Over::Tcp { acknowledged } => {
                    set_tcp_quickack(&stream, acknowledged).unwrap();
                    echo(&mut stream, case.len);
                }
                Over::Udp => datagram(&socket, case.len),
            });
            let Cost { instructions, accesses, frames_in, frames_out } = cost;
            let both = instructions + accesses;
            let Case { name, at_most, .. } = case;
            println!("{name:<22}{instructions:>14}{both:>14}{at_most:>9}{frames_in:>11}{frames_out:>5}");
            if both > at_most {
                excess.push(format!("{name}: {both}"));
            }
        }
        let excess = excess.join("; ");
        if has_texts_of_panics(&std::fs::read(image.elf()).unwrap()) {
            println!("built with panic messages, so the limits do not apply: {excess}");
            return;
        }
        assert!(excess.is_empty(), "above the limit: {excess}");
    });
}

/// Returns whether the image contains panic messages, which add half of the cost.
///
/// A toolchain with a precompiled core library includes panic messages: see scripts/firmware.
fn has_texts_of_panics(elf: &[u8]) -> bool {
    let text = b"attempt to subtract sequence numbers with underflow";
    elf.windows(text.len()).any(|window| window == text)
}

/// Connects as soon as the board answers. This firmware does not print a line when it is ready.
fn first() -> TcpStream {
    let stream = (0..60).find_map(|_| TcpStream::connect_timeout(&at(BOARD, 7), PATIENCE).ok());
    let stream = stream.expect("the board answers");
    stream.set_nodelay(true).unwrap();
    patient(&stream);
    stream
}

/// Sends `len` bytes over TCP, and reads their echo.
fn echo(stream: &mut TcpStream, len: usize) {
    let request = noise(len, 1);
    send(stream, &request);
    expect(stream, &request);
}

/// Sends a datagram of `len` bytes, and reads its echo.
fn datagram(socket: &UdpSocket, len: usize) {
    let request = noise(len, 1);
    ask(socket, &request, &request);
}

/// The cost of one round trip.
#[derive(Clone, Copy)]
struct Cost {
    instructions: u64,
    accesses: u64,
    frames_in: u64,
    frames_out: u64,
}

/// The plugin's counters.
struct Counter {
    counts: PathBuf,
}

impl Counter {
    /// Returns the median cost of a round trip.
    fn count(&self, mut round_trip: impl FnMut()) -> Cost {
        let mut round = || {
            round_trip();
            self.wait_for_sleep();
        };
        // In these rounds, the board does the work that happens only once, such as the growth of the congestion window.
        (0..40).for_each(|_| round());
        let mut costs = [(); ROUNDS].map(|()| {
            let before = self.read();
            round();
            let after = self.read();
            let of = |at: usize| after[at] - before[at];
            Cost { instructions: of(0), accesses: of(1), frames_in: of(2), frames_out: of(3) }
        });
        let middle = ROUNDS / 2;
        *costs.select_nth_unstable_by_key(middle, |cost| cost.instructions + cost.accesses).1
    }

    /// Waits until the board sleeps. If the request came earlier, the board would not fall asleep, and the measured
    /// cost would be too low.
    fn wait_for_sleep(&self) {
        let (mut last, mut same) = (0, 0);
        while same < 100 {
            let now = self.read()[0];
            same = if now == last { same + 1 } else { 0 };
            last = now;
            yield_now();
        }
    }

    /// Returns the counts of instructions, of memory accesses, of frames to the board, and of frames from it.
    fn read(&self) -> [u64; 4] {
        let counts = std::fs::read(&self.counts).unwrap();
        let words = counts.as_chunks::<8>().0;
        let tap = counters("tap0");
        [u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1]), tap.sent.packets, tap.received.packets]
    }
}

/// Builds the plugin.
fn plugin() -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/boards/count/plugin.rs");
    let built = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("count.so");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "-O", "--crate-type", "cdylib", "-o"]).arg(&built).arg(source);
    let output = output(&mut command).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    built
}
