//! Runs a script: puts the peer's segments on the wire, and checks the stack's segments. sockets.rs carries out the
//! calls.

mod sockets;
#[cfg(all(test, feature = "std"))]
mod tests;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use core::fmt;

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::EthernetAddress;

use super::Ends;
use super::compare::{Verdict, Wanted};
use super::program::Program;
use super::script::{Action, Event, Script};
use super::segment::{Flags, SegmentText};
use super::time::When;
use crate::lab::show::What;
use crate::lab::{Faults, Lab, Line, Progress, SCRIPT_PORT, START, Snapshot, Wire, hardware, ipv4, router};
use crate::stack::{Console, Memory};
use sockets::Sockets;

/// The limits at which the run of a script ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest virtual time.
    pub time: Duration,
    /// The largest number of steps.
    pub steps: u32,
}

impl Default for Limits {
    /// Returns limits of one hour of virtual time and a million steps.
    fn default() -> Self {
        Limits { time: Duration::from_secs(3600), steps: 1_000_000 }
    }
}

/// A line of a script that does not agree with what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The line's number, from 1.
    pub line: usize,
    /// The text that says what the line expects and what happened instead.
    pub what: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for Failed {}

/// The maximum number of entries that one step can add to the trace.
const ENTRIES: usize = 64;

/// The maximum number of segments from the stack that wait to be compared with a line of the script.
const MOST_UNREAD: usize = 1000;

/// The port of the side that calls. The side that listens has the port [`SCRIPT_PORT`].
const CALLER_PORT: u16 = 40_000;

/// The seed of a run. Nothing that a script can observe depends on the seed.
const SEED: u64 = 7;

type ScriptLab<'a, C> = Lab<'a, Program, (), C, 2, ENTRIES>;

/// Runs a script. The tested stack is host 0 if the script calls `connect`, and otherwise host 1.
///
/// `memory` is the memory of both hosts. The other host is the script's peer. Its stack has no address, so it does not
/// answer by itself. `run` calls `each` with every entry of the trace.
///
/// # Errors
/// [`Failed`] names the first line that fails.
pub fn run<'a, C: Console>(
    script: &Script,
    limits: Limits,
    memory: [(Memory<'a, Program, ()>, C); 2],
    each: &mut dyn FnMut(&Snapshot, &Wire),
) -> Result<(), Failed> {
    let first = script.events.first().map_or(1, |event| event.line);
    let host = usize::from(!script.connects);
    let line = Line { latency: Duration::ZERO, ..Line::default() };
    // As in `Setup::start`, `match` moves the lab less often than `map_err`.
    let made = Lab::new(line, Faults::default(), SEED, memory, |index, config| {
        // In a script, the stack acknowledges every segment at once (docs/lab-pkt.md).
        config.tcp.ack_delay = None;
        if index != host {
            // The script plays the peer, so frames to the peer must not reach its stack.
            config.hardware = EthernetAddress([2, 0, 0, 0, 0, 0xff]).into();
            config.addresses.clear();
        }
    });
    let lab: ScriptLab<'a, C> = match made {
        Ok(lab) => lab,
        Err(error) => return Err(Failed { line: first, what: format!("the stack cannot be set up: {error}") }),
    };
    let mut runner =
        Runner { lab, limits, host, ends: ends(host), sent: VecDeque::new(), sockets: Sockets::new(), each };
    for event in &script.events {
        runner.run_event(script, event)?;
    }
    let last = script.events.last().map_or(1, |event| event.line);
    // The last call can still be waiting.
    runner.settle(last, script.tolerance)
}

/// Returns the sides of a segment from the peer to the stack, which runs on host number `host`.
fn ends(host: usize) -> Ends {
    let hosts = [1 - host, host];
    let ports = if host == 0 { [SCRIPT_PORT, CALLER_PORT] } else { [CALLER_PORT, SCRIPT_PORT] };
    Ends { hardware: hosts.map(hardware), addresses: hosts.map(ipv4), ports, isn: [0; 2] }
}

/// Runs a script, line by line.
struct Runner<'r, 'a, C> {
    lab: ScriptLab<'a, C>,
    limits: Limits,
    /// The number of the host on which the stack runs.
    host: usize,
    /// The sides of a segment from the peer to the stack, with their initial sequence numbers. In the script, the
    /// stack's initial number is 0. The peer's SYN contains the peer's initial number, and the peer's later numbers are
    /// relative to that number.
    ends: Ends,
    /// The stack's segments that have not been compared with a line yet, each with its time.
    sent: VecDeque<(Duration, SegmentText)>,
    sockets: Sockets,
    each: &'r mut dyn FnMut(&Snapshot, &Wire),
}

impl<'a, C: Console> Runner<'_, 'a, C> {
    /// Carries out a line of the script: makes its call, puts its segment on the wire, or waits for its segment.
    fn run_event(&mut self, script: &Script, event: &Event) -> Result<(), Failed> {
        let (line, now, tolerance) = (event.line, self.lab.elapsed(), script.tolerance);
        // A line without a time is due now.
        let (from, to) = match event.when {
            When::Any => (now, now),
            When::Since(from, to) => (from, to),
            When::After(from, to) => (now + from, now + to),
        };
        match &event.action {
            Action::Call(call) => {
                // The program makes one call at a time, so the previous call must return first.
                self.settle(line, tolerance)?;
                self.advance(line, from, tolerance)?;
                self.call(line, call, call.until.map(|until| base(event.when, now) + until))
            }
            Action::Inbound(segment) => {
                self.advance(line, from, tolerance)?;
                self.inject(line, segment)
            }
            Action::Outbound(segment) => {
                let times = (event.when != When::Any).then_some((from, to));
                self.expect(line, segment, times, tolerance)
            }
        }
    }

    /// Runs until `to`. Fails if `to` has already passed.
    fn advance(&mut self, line: usize, to: Duration, tolerance: Duration) -> Result<(), Failed> {
        let now = self.lab.elapsed();
        if to + tolerance < now {
            let what = format!("this line's time is {}, but it is {} already", Seconds(to), Seconds(now));
            return Err(Failed { line, what });
        }
        // Within the tolerance, `to` can be earlier than now.
        while self.step(line, to.max(now))? {}
        Ok(())
    }

    /// Takes a step that happens at `until` or earlier, and processes its entries. Returns false if there is no such
    /// step.
    fn step(&mut self, line: usize, until: Duration) -> Result<bool, Failed> {
        let Limits { time, steps } = self.limits;
        if until > time || self.lab.steps() >= steps {
            let what = format!("the script takes more than {} or {steps} steps", Seconds(time));
            return Err(Failed { line, what });
        }
        let progress = self.lab.step_until(Some(START + until));
        self.drain();
        self.poll_waiting();
        if self.sent.len() > MOST_UNREAD {
            let what = format!("the stack has sent {} segments that no line expects", self.sent.len());
            return Err(Failed { line, what });
        }
        Ok(progress != Progress::End)
    }

    /// Runs until nothing more happens at the current time.
    fn run_now(&mut self, line: usize) -> Result<(), Failed> {
        let now = self.lab.elapsed();
        while self.step(line, now)? {}
        Ok(())
    }

    /// Processes the entries of a step: keeps the stack's segments, and answers its ARP requests for the peer.
    fn drain(&mut self) {
        while let Some(entry) = self.lab.entries.pop() {
            let snapshot = self.lab.snapshot(entry);
            (self.each)(&snapshot, &self.lab.wire);
            let What::Sent { frame, .. } = entry.what else { continue };
            let Some(bytes) = self.lab.wire.sent(frame).filter(|_| entry.host == self.host) else { continue };
            if let Some((segment, _)) = SegmentText::read(bytes) {
                let is_syn = segment.flags.has(Flags::SYN);
                if is_syn {
                    // Index 1 is the stack, and index 0 is the peer.
                    self.ends.isn[1] = segment.seq;
                }
                let [peer_isn, stack_isn] = self.ends.isn;
                // In a SYN, the script writes the acknowledgement number as it is in the frame.
                let isn = if is_syn { [stack_isn, 0] } else { [stack_isn, peer_isn] };
                self.sent.push_back((entry.at - START, segment.relative_to(isn)));
            } else if let Some(answer) = router::arp_reply_from(bytes, self.ends.hardware[0], self.ends.addresses[0]) {
                // The other host is the peer. If the wire has no room for the answer, the stack asks again later.
                self.lab.inject(1 - self.host, &answer);
            }
        }
    }

    /// Puts a segment of the peer on the wire, and lets the stack process it.
    fn inject(&mut self, line: usize, segment: &SegmentText) -> Result<(), Failed> {
        let mut ends = self.ends;
        if segment.flags.has(Flags::SYN) {
            // In a SYN, the script writes the peer's number as it is in the frame.
            ends.isn[0] = 0;
            // A SYN on an open connection does not begin another connection, so the initial number stays.
            let mut connections = self.lab.hosts[self.host].stack.connections_in_use();
            if !connections.any(|c| !matches!(c.state, State::SynSent | State::TimeWait)) {
                self.ends.isn[0] = segment.seq;
            }
        }
        for frame in segment.frames(&ends, self.lab.wire.line.mtu) {
            let now = self.lab.elapsed();
            // While the wire is full, let frames arrive.
            while !self.lab.inject(1 - self.host, &frame) {
                if !self.step(line, now)? {
                    return Err(Failed { line, what: "the wire has no room for the segment".into() });
                }
            }
            self.drain();
        }
        self.run_now(line)
    }

    /// Compares a line with the stack's next segments, which must be sent within `times`. If `times` is `None`, every
    /// time is valid.
    fn expect(
        &mut self,
        line: usize,
        segment: &SegmentText,
        times: Option<(Duration, Duration)>,
        tolerance: Duration,
    ) -> Result<(), Failed> {
        let latest = times.map_or(self.limits.time, |(_, to)| to + tolerance).max(self.lab.elapsed());
        let mut wanted = Wanted::new(segment);
        let failed = |what: fmt::Arguments<'_>| {
            let what = format!("expected '> {segment}'{}, but {what}", Times(times));
            Err(Failed { line, what })
        };
        loop {
            let Some((at, seen)) = self.sent.pop_front() else {
                let has_step = self.step(line, latest)?;
                if !has_step && self.sent.is_empty() {
                    let what = if wanted.missing() == segment.len { "nothing was" } else { "only a part was" };
                    return failed(format_args!("{what} sent until {}", Seconds(latest)));
                }
                continue;
            };
            let is_in_time = times.is_none_or(|(from, to)| from <= at + tolerance && at <= to + tolerance);
            match wanted.compare(&seen) {
                Verdict::Differs(part) => {
                    return failed(format_args!("'> {seen}' was sent at {}: {part}", Seconds(at)));
                }
                _ if !is_in_time => return failed(format_args!("it was sent at {}", Seconds(at))),
                Verdict::Complete => return Ok(()),
                Verdict::Piece => {}
            }
        }
    }
}

/// Returns the time to which the times of a line are relative.
fn base(when: When, now: Duration) -> Duration {
    if matches!(when, When::Since(..)) { Duration::ZERO } else { now }
}

/// Displays a time in seconds, with six decimals.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.total_micros();
        write!(f, "{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
    }
}

/// Displays the time of a line, with a preposition.
struct Times(Option<(Duration, Duration)>);

impl fmt::Display for Times {
    /// Writes the time after a space. A line without a time gets no text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some((from, to)) if from == to => write!(f, " at {}", Seconds(from)),
            Some((from, to)) => write!(f, " from {} to {}", Seconds(from), Seconds(to)),
        }
    }
}
