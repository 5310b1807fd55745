//! The random plan of a run: the network, the programs, the attacker and the restarts.

use smolstep::host::Sizes;
use smoltcp::time::Duration;

use super::program::{Finish, Habits};
use crate::hostile::random::Random;

/// The first port of the client, and of the server. Connection `k` uses these ports plus `k`.
pub const PORTS: (u16, u16) = (50_000, 7000);

/// The idle timeout of both stacks. [`STALL`](super::judge::STALL) must exceed this time.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The timeout for opening a connection.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The faults of the network. Except for `burst`, each field is a number of frames per million.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Lost frames, at most 300,000 per million. The losses come in bursts.
    pub loss: usize,
    /// The mean number of frames in a burst of losses.
    pub burst: usize,
    /// Frames that arrive twice.
    pub duplicate: usize,
    /// Frames with one bit inverted.
    pub corrupt: usize,
    /// Frames that later frames can overtake.
    pub reorder: usize,
    /// Frames that are up to four seconds late.
    pub delay: usize,
}

impl Faults {
    /// Returns whether every frame arrives unchanged and in order.
    pub fn none(&self) -> bool {
        self.loss + self.duplicate + self.corrupt + self.reorder + self.delay == 0
    }
}

/// The attacker's knowledge. The attacker never sees the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// There is no attacker.
    None,
    /// The attacker knows the addresses and ports of a connection.
    Blind,
    /// The attacker also knows the sequence numbers. Such an attacker sends only segments that a host can distinguish
    /// from the peer's segments.
    Near,
}

/// A connection that the client opens.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The time of the call, from the start of the run.
    pub at: Duration,
    /// The number of the connection, which determines its ports: see [`PORTS`].
    pub connection: u16,
    /// The client's program.
    pub habits: Habits,
}

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The delay of each frame.
    pub latency: Duration,
    /// The faults of the network.
    pub faults: Faults,
    /// The attacker and the mean time between its frames.
    pub attack: (Attack, Duration),
    /// The time after which the attacker stops.
    pub attack_time: Duration,
    /// The restarts, each as a time and the number of a host.
    pub reboots: Vec<(Duration, usize)>,
    /// The connections that the client opens.
    pub calls: Vec<Call>,
    /// The server's programs, one for each connection.
    pub servers: Vec<Habits>,
    /// The memory of the client and of the server.
    pub sizes: [Sizes; 2],
    /// The delay of acknowledgements.
    pub ack_delay: Option<Duration>,
    /// Whether Nagle's algorithm is on.
    pub nagle: bool,
}

impl Plan {
    /// Draws a random plan.
    pub fn new(random: &mut Random) -> Self {
        let least = random.pick(&[200, 1000, 20_000, 150_000]);
        let latency = Duration::from_micros((least + random.below(2 * least)) as u64);
        let connections = 1 + random.below(3) as u16;
        let mut calls = Vec::new();
        for connection in 0..connections {
            let at = millis(random, 3000);
            calls.push(Call { at, connection, habits: habits(random, false) });
        }
        let servers = (0..connections).map(|_| habits(random, true)).collect();
        let mut reboots = Vec::new();
        while random.one_in(5) && reboots.len() < 3 {
            let (at, host) = (millis(random, 8000), random.below(2));
            reboots.push((at, host));
            // A client that has restarted can connect from the same port again.
            if host == 0 && random.one_in(2) {
                let connection = random.below(connections.into()) as u16;
                let at = at + millis(random, 5000);
                calls.push(Call { at, connection, habits: habits(random, false) });
            }
        }
        let attack = random.pick(&[Attack::None, Attack::None, Attack::Blind, Attack::Near]);
        Plan {
            latency,
            faults: faults(random),
            attack: (attack, Duration::from_micros(500 + random.below(100_000) as u64)),
            attack_time: millis(random, 4000),
            reboots,
            calls,
            servers,
            sizes: [0, 1].map(|_| sizes(random)),
            ack_delay: random.pick(&[None, Some(10), Some(300)]).map(Duration::from_millis),
            nagle: random.one_in(2),
        }
    }
}

fn millis(random: &mut Random, limit: usize) -> Duration {
    Duration::from_millis(random.below(limit) as u64)
}

/// Draws the faults of the network. A third of the plans have no faults.
fn faults(random: &mut Random) -> Faults {
    if random.one_in(3) {
        return Faults::default();
    }
    let mut some = |limit: usize| if random.one_in(2) { 0 } else { random.below(limit) };
    Faults {
        loss: some(300_000),
        burst: 1 + some(8),
        duplicate: some(200_000),
        corrupt: some(50_000),
        reorder: some(200_000),
        delay: some(10_000),
    }
}

/// Draws the buffer sizes of a host.
fn sizes(random: &mut Random) -> Sizes {
    let (receive, send) = (64 + random.below(6000), 64 + random.below(6000));
    Sizes { connections: 8, receive, send, ports: 0, datagrams: 0, payload: 0 }
}

/// Draws the behaviour of a program.
fn habits(random: &mut Random, server: bool) -> Habits {
    let len = random.pick(&[0, 1, 3000, 12_000]);
    let len = random.below(len + 1);
    // Pieces of at least 600 bytes limit a slow program to about 20 pauses.
    let mut pace = |limit: usize| {
        let slow = random.one_in(4);
        let pause = if slow { millis(random, limit) } else { Duration::ZERO };
        let piece = if slow { 1 + random.below(1023) } else { 1 + random.below(1024) };
        (if slow { piece.max(600) } else { piece }, pause)
    };
    let write = pace(1000);
    let read = pace(3000);
    let finish = match random.below(12) {
        0 => Finish::Abort(random.below(6000)),
        1 | 2 => Finish::Leave,
        // Only servers wait for the peer to close first. If both programs waited for that, neither would close.
        3..=5 if server => Finish::Last,
        _ => Finish::HalfClose,
    };
    Habits { len, write, read, finish }
}
