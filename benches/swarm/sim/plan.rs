//! What a seed determines: the network, the programs, the attacker and the restarts.

use smolstep::host::Sizes;
use smoltcp::time::Duration;

use super::program::{Finish, Habits};
use crate::hostile::random::Random;

/// The first port of the client, and of the server. Connection `k` has the ports `k` above these.
pub const PORTS: (u16, u16) = (50_000, 7000);

/// How long a peer may be silent, and a call may take: see [`STALL`](super::judge::STALL).
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a call may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The faults of the network, in frames in a million unless it says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Lost frames: at most 30%, in bursts.
    pub loss: usize,
    /// The mean number of frames of a burst.
    pub burst: usize,
    /// Frames that arrive twice.
    pub duplicate: usize,
    /// Frames with one bit inverted.
    pub corrupt: usize,
    /// Frames that later ones may overtake.
    pub reorder: usize,
    /// Frames that are up to four seconds late.
    pub delay: usize,
}

impl Faults {
    /// Whether every frame arrives unchanged and in order.
    pub fn none(&self) -> bool {
        self.loss + self.duplicate + self.corrupt + self.reorder + self.delay == 0
    }
}

/// What the attacker knows. It never sees the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// There is none.
    None,
    /// The two ends of a connection.
    Blind,
    /// The numbers too, but never those that a host has to take for the peer's.
    Near,
}

/// A call of the client.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// When.
    pub at: Duration,
    /// The connection: its ports.
    pub connection: u16,
    /// The client's program.
    pub habits: Habits,
}

/// All that a seed determines.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The delay of each frame.
    pub latency: Duration,
    /// Its faults.
    pub faults: Faults,
    /// The attacker, and the mean time between its frames.
    pub attack: (Attack, Duration),
    /// How long the attacker goes on.
    pub attack_time: Duration,
    /// When which host restarts.
    pub reboots: Vec<(Duration, usize)>,
    /// The client's calls.
    pub calls: Vec<Call>,
    /// The server's programs, one for each connection.
    pub servers: Vec<Habits>,
    /// The memory of the client and of the server.
    pub sizes: [Sizes; 2],
    /// The delay of acknowledgements.
    pub ack_delay: Option<Duration>,
    /// Nagle's algorithm.
    pub nagle: bool,
}

impl Plan {
    /// Draws a plan.
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
            // A client that has restarted calls from the same port.
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

fn sizes(random: &mut Random) -> Sizes {
    let (receive, send) = (64 + random.below(6000), 64 + random.below(6000));
    Sizes { connections: 8, receive, send, ports: 0, datagrams: 0, payload: 0 }
}

fn habits(random: &mut Random, server: bool) -> Habits {
    let len = random.pick(&[0, 1, 3000, 12_000]);
    let len = random.below(len + 1);
    // A slow program takes its pause at most 20 times or so.
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
        // If both waited for the other, neither would close.
        3..=5 if server => Finish::Last,
        _ => Finish::HalfClose,
    };
    Habits { len, write, read, finish }
}
