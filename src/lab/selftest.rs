//! The self-test: lab runs that show whether a machine's processor, compiler and memory can run the stack.
//!
//! The runs need 48 kB of memory, but no device, heap or clock.

use core::fmt;

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::scenarios::{CLIENT_FIRST, HANDSHAKE, LOST, MESSAGE, Scripts};
use super::{Fault, Faults, Lab, Line, SCRIPT_PORT, Script, address, change};
use crate::lab::show::{Entry, What};
use crate::stack::{ConnectError, ListenError, Listener, NullConsole, Pool, SetupError};
use crate::trace::Cause;

/// Two hosts with one connection, and few frames in flight.
type Small<'a> = Lab<'a, Script<'a>, (), NullConsole, 2, 8, 3, 2, 1>;
/// The memory of a host: one connection, with a receive buffer and a send buffer of 256 bytes each.
type Memory<'a> = Pool<'a, Script<'a>, (), 1, 256, 256, 0, 0, 0>;

/// The limit on the steps of a run. Every run takes fewer steps.
const STEPS: u32 = 1000;
/// The limit on the virtual time of a run. Every run takes less time.
const TIME: Duration = Duration::from_secs(90);

/// A run, with its expected events.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The name of the scenario whose scripts the run uses.
    pub name: &'static str,
    scripts: Scripts,
    faults: &'static [&'static str],
    /// The expected events, in order.
    expected: &'static [&'static [Seen]],
}

/// The runs: a handshake, a segment that is lost three times, and a close.
pub const CHECKS: [Check; 3] = [
    Check { name: "handshake", scripts: HANDSHAKE, faults: &[], expected: &[OPEN, CLOSE_AT_ONCE] },
    Check { name: "lost-data", scripts: MESSAGE, faults: &LOST, expected: &[OPEN, AGAIN, CLOSE_AT_ONCE] },
    Check { name: "client-closes-first", scripts: CLIENT_FIRST, faults: &[], expected: &[OPEN, CLOSE] },
];

/// An expected event of a host: 0 is the client, 1 the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A change from one state to another.
    Change(usize, State, State),
    /// The retransmission timer expired for the n-th time.
    Again(usize, u32),
}

const OPEN: &[Seen] = &[
    Seen::Change(0, State::Closed, State::SynSent),
    Seen::Change(1, State::Listen, State::SynReceived),
    Seen::Change(0, State::SynSent, State::Established),
    Seen::Change(1, State::SynReceived, State::Established),
];
const AGAIN: &[Seen] = &[Seen::Again(0, 1), Seen::Again(0, 2), Seen::Again(0, 3)];
const CLOSE: &[Seen] = &[
    Seen::Change(0, State::Established, State::FinWait1),
    Seen::Change(1, State::Established, State::CloseWait),
    Seen::Change(0, State::FinWait1, State::FinWait2),
    Seen::Change(1, State::CloseWait, State::LastAck),
    Seen::Change(0, State::FinWait2, State::TimeWait),
    Seen::Change(1, State::LastAck, State::Closed),
    Seen::Change(0, State::TimeWait, State::Closed),
];

/// The server closes as soon as the client has closed. The server's FIN acknowledges the client's FIN.
const CLOSE_AT_ONCE: &[Seen] = &[
    Seen::Change(0, State::Established, State::FinWait1),
    Seen::Change(1, State::Established, State::CloseWait),
    Seen::Change(1, State::CloseWait, State::LastAck),
    Seen::Change(0, State::FinWait1, State::TimeWait),
    Seen::Change(1, State::LastAck, State::Closed),
    Seen::Change(0, State::TimeWait, State::Closed),
];

/// The result of a successful run, which is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The number of steps.
    pub steps: u32,
    /// The number of frames sent.
    pub frames: u32,
    /// A hash of the bytes of all frames.
    pub digest: u64,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps, {} frames, digest {:016x}", self.steps, self.frames, self.digest)
    }
}

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The client could not connect.
    Connect(ConnectError),
    /// The server could not listen.
    Listen(ListenError),
    /// This event had not occurred when the run stopped. `None`: all events had occurred, but the run did not end.
    Missing(Option<Seen>),
    /// A stack could not be set up.
    Setup(SetupError),
    /// The step in which an unexpected event occurred, this event, and the expected event. `None` means that no event
    /// was expected.
    Unexpected(u32, Seen, Option<Seen>),
}

impl fmt::Display for Failure {
    /// Writes why the run failed, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connect(error) => error.fmt(f),
            Failure::Listen(error) => error.fmt(f),
            Failure::Missing(None) => f.write_str("the run does not end"),
            Failure::Missing(Some(seen)) => write!(f, "not seen: {seen}"),
            Failure::Setup(error) => error.fmt(f),
            Failure::Unexpected(step, came, None) => write!(f, "step {step}: {came} instead of the end"),
            Failure::Unexpected(step, came, Some(seen)) => write!(f, "step {step}: {came} instead of {seen}"),
        }
    }
}

impl core::error::Error for Failure {}

impl fmt::Display for Seen {
    /// Writes the event, as in `client CLOSED -> SYN-SENT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Seen::Change(host, ..) | Seen::Again(host, _)) = self;
        f.write_str(if *host == 0 { "client " } else { "server " })?;
        match self {
            Seen::Change(_, from, to) => write!(f, "{from} -> {to}"),
            Seen::Again(_, count) => write!(f, "retransmission {count}"),
        }
    }
}

impl Check {
    /// Runs the check, and compares the events with the expected events.
    ///
    /// # Errors
    /// [`Failure`]: the first difference from the expected run.
    pub fn run(&self) -> Result<Passed, Failure> {
        let mut pools = [const { Memory::new() }; 2];
        let mut faults = Faults::default();
        for fault in self.faults.iter().filter_map(|words| Fault::parse(words, |_| None).ok()) {
            // No fault of a check needs a time. There is always room, because no check has more than MAX_FAULTS faults.
            faults.add(fault);
        }
        let memory = pools.each_mut().map(|pool| (pool.memory(), NullConsole));
        // The lab stays inside the `Result`. Moving it out would put a second copy on the stack.
        // The seed is fixed, because the digest must be the same on every machine.
        let mut made: Result<Small<'_>, _> = Lab::new(Line::default(), faults, 7, memory, |_, _| {});
        let lab = match &mut made {
            Ok(lab) => lab,
            Err(error) => return Err(Failure::Setup(*error)),
        };
        let [client, server] = self.scripts.map(Script::new);
        lab.hosts[1].stack.listen(Listener::new(SCRIPT_PORT, server)).map_err(Failure::Listen)?;
        lab.connect(0, IpEndpoint::new(address(1), SCRIPT_PORT), client, TIME).map_err(Failure::Connect)?;
        self.watch(lab)
    }

    /// Runs the lab to its end or to a limit ([`TIME`], [`STEPS`]), and compares its events with the expected events.
    /// Also counts and hashes the frames, for the result.
    ///
    /// # Errors
    /// [`Failure::Unexpected`] for the first difference. [`Failure::Missing`] if a limit was reached, or if the run
    /// ended before all expected events.
    fn watch(&self, lab: &mut Small<'_>) -> Result<Passed, Failure> {
        let mut expected = self.expected.iter().copied().flatten().copied();
        let (mut frames, mut digest, mut failed) = (0, Digest::NEW, None);
        let ended = lab.run(TIME, STEPS, |lab| {
            while let Some(entry) = lab.entries.pop() {
                if let What::Sent { frame, .. } = entry.what {
                    frames += 1;
                    digest.add(lab.wire.sent(frame).unwrap_or_default());
                }
                // Only the first difference is reported.
                if let (Some(came), None) = (event_of(&entry), failed) {
                    let wanted = expected.next();
                    failed = (wanted != Some(came)).then_some(Failure::Unexpected(entry.step, came, wanted));
                }
            }
        });
        match (failed, expected.next()) {
            (Some(failure), _) => Err(failure),
            (None, None) if ended => Ok(Passed { steps: lab.steps(), frames, digest: digest.0 }),
            // If `missing` is `None`, all expected events occurred, but the run reached a limit.
            (None, missing) => Err(Failure::Missing(missing)),
        }
    }
}

/// Returns the event that an entry records, if it is an event that a check can expect.
fn event_of(entry: &Entry) -> Option<Seen> {
    match entry.what {
        What::Sent { cause: Some(Cause::Retransmission { count, .. }), .. } => Some(Seen::Again(entry.host, count)),
        What::Stack(event) => change(&event).map(|(from, to)| Seen::Change(entry.host, from, to)),
        _ => None,
    }
}

/// An FNV-1a hash (Fowler, Noll and Vo, 64 bits) of a run's frames.
struct Digest(u64);

impl Digest {
    const NEW: Self = Digest(0xcbf2_9ce4_8422_2325);

    /// Adds the bytes of a frame to the hash.
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}
