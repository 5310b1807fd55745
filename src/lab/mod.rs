//! The lab: two or more stacks on one wire and one virtual clock, run one step at a time.
//!
//! Each step calls [`Stack::step`], the same function that runs the servers on a TAP device. The same set-up and seed
//! give the same run on every machine. To go back to step K, the lab runs again from the start up to step K. There is
//! no heap: the caller owns the stacks' memory.

mod addresses;
mod agenda;
#[cfg(feature = "alloc")]
pub mod expect;
mod fault;
#[doc(hidden)]
pub mod figure;
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub mod file;
#[cfg(feature = "alloc")]
mod forged;
#[doc(hidden)]
pub mod lang;
#[cfg(feature = "session")]
#[doc(hidden)]
pub mod messages;
mod notes;
#[cfg(feature = "alloc")]
pub mod packetdrill;
mod peer;
#[cfg(feature = "recovery")]
mod reduction;
#[cfg_attr(not(feature = "alloc"), path = "no_router.rs")]
mod router;
#[cfg(feature = "session")]
pub(crate) mod run;
pub mod scenarios;
#[doc(hidden)]
pub mod selftest;
#[cfg(feature = "session")]
#[doc(hidden)]
pub mod session;
mod setup;
pub mod show;
#[doc(hidden)]
pub mod terms;
#[cfg(all(test, feature = "std"))]
mod tests;
#[cfg(feature = "alloc")]
pub(crate) mod tokens;
mod tracking;
mod view;
mod wire;
#[cfg(feature = "alloc")]
pub(crate) mod wrap;

pub use addresses::address;
#[cfg(feature = "alloc")]
pub(crate) use addresses::{hardware, ipv4};
pub(crate) use agenda::MAX_SCHEDULED;
#[doc(hidden)]
pub use agenda::Moment;
pub use agenda::Scheduled;
pub(crate) use fault::MAX_FAULTS;
pub use fault::{Fault, FaultError, Faults, HostEvent, Kind, Verdict};
#[doc(hidden)]
#[cfg(feature = "alloc")]
pub use forged::Forged;
pub use peer::{Peer, Script, ScriptStep, UdpPeer};
#[cfg(feature = "recovery")]
#[doc(hidden)]
pub use reduction::{Reduction, Sign};
#[doc(hidden)]
pub use setup::CONNECTIONS;
use setup::MAX_SERVED;
pub(crate) use setup::SCRIPT_PORT;
pub use setup::{Buffers, Setup, StartError};
#[cfg(feature = "session")]
pub(crate) use setup::{SetupLab, default_texts};
#[doc(hidden)]
pub use view::Lane;
pub use view::{Snapshot, View};
pub use wire::Wire;
pub(crate) use wire::{IN_FLIGHT, SENT_IN_STEP};
#[doc(hidden)]
pub use wire::{Line, Sent};

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpCidr, IpEndpoint};

use crate::lab::show::{Entry, Ring, What};
use crate::stack::{
    Config, ConnectError, ConnectionId, Console, DropReason, Event, Io, Memory, Seed, Session, SetupError, Stack, Step,
    Tuple, UdpSession,
};
use crate::trace::Cause;
use notes::Notes;
use tracking::Tracks;
use wire::{Port, Random, Received};

/// The maximum number of hosts on a wire.
pub(crate) const MAX_HOSTS: usize = 4;

/// The maximum length of an experiment file or a script, in bytes.
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The maximum number of lines of an experiment file or a script.
#[cfg(feature = "alloc")]
pub(crate) const MAX_FILE_LINES: usize = 10_000;

/// The host index of frames that the wire itself sends: the router's answers, and forged segments.
#[doc(hidden)]
pub const WIRE: usize = MAX_HOSTS;

/// The default number of TCP connections that a [`Lab`] tracks. A further connection replaces the oldest.
pub(crate) const MAX_FLOWS: usize = 16;

/// The start of the virtual clock. The clock does not start at 0, because smoltcp interprets time 0 as "at once".
#[doc(hidden)]
pub const START: Instant = Instant::from_micros_const(1_000_000);

/// `N` hosts on a wire.
///
/// - `S` and `U` are the hosts' TCP and UDP programs.
/// - `C` is the type of the hosts' consoles.
/// - `R` is the number of trace entries that the lab keeps until the caller takes them.
/// - `FRAMES` and `KEPT` are the sizes of the [`Wire`].
/// - `FLOWS` is the number of connections that are tracked. Each takes about 1,070 bytes.
///
/// With the default sizes, a lab takes 150 kB and has room for every scenario.
pub struct Lab<
    'a,
    S,
    U,
    C,
    const N: usize,
    const R: usize,
    const FRAMES: usize = IN_FLIGHT,
    const KEPT: usize = SENT_IN_STEP,
    const FLOWS: usize = MAX_FLOWS,
> {
    /// The hosts: 0 is the client, 1 the server.
    pub hosts: [Host<'a, S, U, C>; N],
    /// The wire between the hosts.
    pub wire: Wire<FRAMES, KEPT>,
    /// The trace entries that have not been taken yet.
    pub entries: Ring<R>,
    tracks: Tracks<N, FLOWS>,
    agenda: heapless::Vec<(Instant, Scheduled<S>), MAX_SCHEDULED>,
    calls: heapless::Vec<(usize, Result<ConnectionId, ConnectError>), MAX_SCHEDULED>,
    /// The host and the port of each UDP program.
    bound: heapless::Vec<(usize, u16), MAX_SERVED>,
    /// The numbers of the forged segments that were not sent.
    #[cfg(feature = "alloc")]
    unsent_forgeries: heapless::Vec<usize, MAX_SCHEDULED>,
    now: Instant,
    steps: u32,
    /// The host that has the first turn in the next step.
    next: usize,
}

/// A host in the lab: its stack and its console.
pub struct Host<'a, S, U, C> {
    /// The host's stack.
    pub stack: Stack<'a, S, U>,
    /// The standard input and output of the host's programs.
    pub console: C,
}

/// The result of one call to [`Lab::step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The clock jumped to this time.
    Clock(Instant),
    /// No work remains.
    End,
    /// A host took a step: the host's index, and the step.
    Step(usize, Step),
}

impl<
    'a,
    S: Session + Clone,
    U: UdpSession,
    C: Console,
    const N: usize,
    const R: usize,
    const FRAMES: usize,
    const KEPT: usize,
    const FLOWS: usize,
> Lab<'a, S, U, C, N, R, FRAMES, KEPT, FLOWS>
{
    /// Makes `N` hosts on a wire. `set` can change the configuration of each host's stack.
    ///
    /// # Errors
    /// [`SetupError`]: a stack could not be set up.
    // Not inlined, so that the caller's stack frame contains the lab, but not a temporary copy of the wire.
    #[inline(never)]
    pub fn new(
        line: Line,
        faults: Faults,
        seed: u64,
        memory: [(Memory<'a, S, U>, C); N],
        set: impl Fn(usize, &mut Config),
    ) -> Result<Self, SetupError> {
        const { assert!(N >= 2 && N <= MAX_HOSTS && FLOWS >= 1) };
        let mut random = Random::new(seed);
        let mut wire = Wire::new(N, line, faults, random.next());
        let mut host = 0;
        // `map` cannot stop at an error, so `failed` keeps the error, and the host becomes `None`.
        let mut failed = None;
        let hosts = memory.map(|(memory, console)| {
            // Each host gets its own address, and a seed that the run's seed determines.
            let addresses = [IpCidr::new(address(host), 24)];
            let hardware = addresses::hardware(host).into();
            let mut bytes = [0; 32];
            bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.next().to_le_bytes()));
            let mut config = Config::new(hardware, Seed(bytes), &addresses);
            set(host, &mut config);
            let stack = Stack::new(config, &mut Port { wire: &mut wire, host }, memory, START);
            host += 1;
            stack.map_err(|error| failed = Some(error)).ok().map(|stack| Host { stack, console })
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(Lab {
                hosts: hosts.map(|host| host.expect("a host is missing only where an error was noted")),
                wire,
                entries: Ring::new(),
                tracks: Tracks::new(),
                agenda: heapless::Vec::new(),
                calls: heapless::Vec::new(),
                bound: heapless::Vec::new(),
                #[cfg(feature = "alloc")]
                unsent_forgeries: heapless::Vec::new(),
                now: START,
                steps: 0,
                next: 0,
            }),
        }
    }

    /// Returns the virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns the duration of the run so far.
    pub fn elapsed(&self) -> Duration {
        self.now - START
    }

    /// Returns the number of steps so far.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Opens a connection from a host to `remote`: see [`Stack::connect`].
    ///
    /// # Errors
    /// The errors from [`Stack::connect`].
    pub fn connect(
        &mut self,
        host: usize,
        remote: IpEndpoint,
        session: S,
        patience: Duration,
    ) -> Result<ConnectionId, ConnectError> {
        // With port 0, the stack chooses a free local port.
        self.call(host, 0, remote, session, patience)
    }

    /// Takes one step: one host does one piece of work, or the clock advances to the next deadline.
    pub fn step(&mut self) -> Progress {
        self.step_until(None)
    }

    /// Takes one step. If nothing happens until `limit`, advances the clock to `limit` and returns [`Progress::End`].
    pub(crate) fn step_until(&mut self, limit: Option<Instant>) -> Progress {
        self.run_due();
        let mut due = [self.wire.next_arrival(), self.next_scheduled()].into_iter().flatten().min();
        // The hosts take turns, so that no host can keep the others from working.
        for turn in 0..N {
            let host = (self.next + turn) % N;
            let (step, events) = self.with(host, |stack, now, io| stack.step(now, io));
            if let Step::Idle(at) = step {
                due = [due, at].into_iter().flatten().min();
                // A timer can have caused events without a step.
                self.note(host, None, &events);
                continue;
            }
            self.next = (host + 1) % N;
            self.steps += 1;
            self.note(host, Some(step), &events);
            return Progress::Step(host, step);
        }
        // No host has work, so the clock jumps to the next deadline, or to `limit` if that is earlier.
        let due = due.filter(|at| limit.is_none_or(|limit| *at <= limit));
        let Some(at) = due.or(limit.filter(|limit| *limit > self.now)) else { return Progress::End };
        self.now = self.now.max(at);
        self.steps += 1;
        // The clock belongs to no host, so host 0 only fills the field.
        self.push(0, What::Clock);
        due.map_or(Progress::End, |_| Progress::Clock(self.now))
    }

    /// Calls `act` with a host's stack. Returns the result of `act` and the events that the stack reported.
    fn with<T>(
        &mut self,
        host: usize,
        act: impl FnOnce(&mut Stack<'a, S, U>, Instant, &mut Io<Port<'_, FRAMES, KEPT>, &mut C, Notes>) -> T,
    ) -> (T, Notes) {
        let Host { stack, console } = &mut self.hosts[host];
        let port = Port { wire: &mut self.wire, host };
        let mut io = Io { device: port, console, probe: Notes::default() };
        let result = act(stack, self.now, &mut io);
        (result, io.probe)
    }

    /// Converts the results of a step into entries.
    ///
    /// The entries are about the received frame, the program that ran, the events of the stack and the sent frames.
    fn note(&mut self, host: usize, step: Option<Step>, events: &Notes) {
        if let Some(Received { id, summary, damaged, injected }) = self.wire.received.take() {
            let now = self.now;
            // A damaged segment gets no mark: it fails its checksum, so no socket sees its content. `false`: a segment
            // that arrives begins no flow. `side` is the sender's, so the segment arrives at the other side.
            let mark = match (self.tracks.flow(&summary, false), summary.segment()) {
                (Some((flow, side)), Some(segment)) if !damaged && !injected => flow.arrived(1 - side, now, &segment),
                _ => None,
            };
            self.push(host, What::Arrived { frame: id, summary, damaged, mark });
        }
        match step {
            Some(Step::Session(id, next)) => {
                let tuple = self.hosts[host].stack.connections_in_use().find(|c| c.id == id).map(|c| c.tuple);
                // The connection of this program, if it still exists, becomes the most recent one.
                self.tracks.latest = tuple.map(|tuple| [tuple.local, tuple.remote]).or(self.tracks.latest);
                self.push(host, What::Ran(next, tuple, events.transfer()));
            }
            Some(Step::UdpSession(port, next)) => self.push(host, What::RanUdp(port, next, events.transfer())),
            _ => {}
        }
        for event in &events.0 {
            self.tracks.note_state(event, self.steps);
            self.push(host, What::Stack(*event));
        }
        // The stack can answer a segment that is dropped for one of these reasons with a challenge ACK.
        let challenges = events.0.iter().any(|event| {
            matches!(event, Event::Dropped(DropReason::BadAck | DropReason::BadReset | DropReason::BadSyn))
        });
        self.note_sent(challenges);
    }

    /// Converts the newly sent frames into entries. If `challenges` is true, a pure ACK among them is a challenge ACK.
    fn note_sent(&mut self, challenges: bool) {
        let newly_sent = core::mem::take(&mut self.wire.newly_sent);
        for Sent { id, host, summary, verdict, len } in newly_sent {
            // If no host has sent the frame, it has no cause.
            if host == WIRE {
                self.tracks.note_forged(&summary);
                self.push(host, What::Sent { frame: id, summary, len, cause: None, verdict });
                continue;
            }
            let now = self.now;
            let tuple = summary.ends.map(|ends| Tuple { local: ends.source, remote: ends.destination });
            let repeat = tuple.and_then(|tuple| self.hosts[host].stack.take_repeat(&tuple));
            // `true`: the first segment that is sent on a connection begins its flow.
            let cause = match (self.tracks.flow(&summary, true), summary.segment()) {
                (Some((flow, side)), Some(segment)) => {
                    // `repeat` is `Some` only if the stack has just sent a segment of this connection again.
                    let cause = flow.sent_again(side, now, &segment, repeat);
                    if challenges && segment.is_bare_ack() { Some(Cause::ChallengeAck) } else { cause }
                }
                _ => None,
            };
            self.push(host, What::Sent { frame: id, summary, len, cause, verdict });
        }
    }

    /// Adds an entry about the current step.
    fn push(&mut self, host: usize, what: What) {
        self.entries.push(Entry { step: self.steps, at: self.now, host, what });
    }
}

/// Returns the change of state that an event reports, if any. A connection that a host opens begins in CLOSED.
#[doc(hidden)]
pub fn change(event: &Event) -> Option<(State, State)> {
    match *event {
        Event::Connecting { .. } => Some((State::Closed, State::SynSent)),
        Event::State { from, to, .. } => Some((from, to)),
        _ => None,
    }
}
