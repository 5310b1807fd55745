//! The loop of a run: delivers frames, runs the stacks, and advances the clock.

use std::cell::RefCell;
use std::rc::Rc;

use smolstep::host::HeapPool;
use smolstep::lab::{START, address};
use smolstep::stack::{Config, Connection, End, Event, Listener, Step};
use smolstep::trace::{Segment, Summary};
use smoltcp::phy::Medium;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use super::Outcome;
use super::attacker::{Numbers, forge};
use super::host::Host;
use super::judge::{Breach, Excuses, Findings, STALL, judge};
use super::network::Network;
use super::plan::{Attack, IDLE_TIMEOUT, PATIENCE, PORTS, Plan};
use super::program::{Program, Record, Records};
use crate::hostile::random::Random;

/// The number of steps without work after which a run is stopped.
const IDLE_STEPS: u32 = 1000;

/// The numbers in one host's segments of a connection. These are the sequence number of the latest SYN, the next
/// sequence number, and the latest window.
#[derive(Clone, Copy, Default)]
struct Seen {
    first: u32,
    next: u32,
    window: u16,
}

/// The state of a run.
pub struct World<'p, 'a, 't> {
    plan: &'p Plan,
    now: Instant,
    hosts: [Host<'a>; 2],
    network: Network,
    records: [Records; 2],
    /// For each host and connection, the numbers in the host's segments.
    seen: [[Seen; 3]; 2],
    excuses: Excuses,
    attack_next: Option<Instant>,
    random: Random,
    findings: Findings,
    second: Second,
    frames: u64,
    trace: Option<&'t mut dyn FnMut(String)>,
}

/// The counts of steps, frames and bytes in the current second.
#[derive(Default)]
struct Second {
    number: u64,
    steps: usize,
    frames: usize,
    forged: usize,
    bytes: usize,
}

impl World<'_, '_, '_> {
    /// Runs a plan to its end, and checks the invariants.
    pub fn run(plan: &Plan, seed: u64, trace: Option<&mut dyn FnMut(String)>) -> Outcome {
        let random = &mut Random(seed);
        let [mut client, mut server] = plan.sizes.map(HeapPool::new);
        let set = |config: &mut Config| {
            config.tcp.ack_delay = plan.ack_delay;
            config.tcp.nagle = plan.nagle;
            config.tcp.idle_timeout = IDLE_TIMEOUT;
        };
        let hosts = [Host::new(0, &mut client, random.next(), set), Host::new(1, &mut server, random.next(), set)];
        let mut world = World {
            plan,
            now: START,
            hosts,
            network: Network::new(plan.latency, plan.faults, random.next()),
            records: [Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new()))],
            seen: Default::default(),
            excuses: Excuses::default(),
            attack_next: (plan.attack.0 != Attack::None).then_some(START),
            random: Random(random.next()),
            findings: Findings::default(),
            second: Second::default(),
            frames: 0,
            trace,
        };
        for (number, habits) in plan.servers.iter().enumerate() {
            let program = Program::new(*habits, random.next(), &world.records[1], false);
            world.hosts[1].stack.listen(Listener::new(PORTS.1 + number as u16, program)).expect("a listener");
        }
        world.run_loop(random);
        judge(plan, &world.records, &world.excuses, world.now, &mut world.findings);
        let all = world.records.iter().map(|side| side.borrow().len()).sum();
        let is_closed = |record: &&Record| record.end == Some(End::Closed);
        let closed = world.records.iter().map(|side| side.borrow().iter().filter(is_closed).count()).sum();
        Outcome { findings: world.findings, closed: (closed, all), frames: world.frames }
    }

    /// Advances the clock from event to event: restarts, calls, arrivals, attacks and the stacks' deadlines. Ends when
    /// nothing more is due, or after a breach that would never end.
    fn run_loop(&mut self, random: &mut Random) {
        let mut calls = self.plan.calls.clone();
        let mut reboots = self.plan.reboots.clone();
        let (mut progress, mut progress_at, mut idle_steps) = (0, self.now, 0);
        loop {
            while let Some(place) = reboots.iter().position(|(at, _)| START + *at <= self.now) {
                self.reboot(reboots.remove(place).1);
            }
            while let Some(place) = calls.iter().position(|call| START + call.at <= self.now) {
                let call = calls.remove(place);
                let program = Program::new(call.habits, random.next(), &self.records[0], true);
                let remote = IpEndpoint::new(address(1), PORTS.1 + call.connection);
                let Host { stack, io, .. } = &mut self.hosts[0];
                let result = stack.connect_from(self.now, PORTS.0 + call.connection, remote, program, PATIENCE, io);
                self.add_to_trace(|| format!("client: calls port {}: {result:?}", remote.port));
            }
            while let Some(flight) = self.network.arrived(self.now) {
                self.deliver(flight.to, flight.frame);
            }
            let events = calls.iter().map(|call| call.at).chain(reboots.iter().map(|(at, _)| *at));
            let mut due = events.map(|at| START + at).chain(self.attack_next).min();
            for host in 0..2 {
                match self.step_until_idle(host) {
                    Ok(at) => due = [due, at].into_iter().flatten().min(),
                    Err(()) => return,
                }
            }
            due = [due, self.network.next_arrival()].into_iter().flatten().min();
            if self.attack_next.is_some_and(|at| at <= self.now) {
                self.attack();
                continue;
            }
            let Some(due) = due else { return };
            let changed = self.progress();
            if changed != progress {
                (progress, progress_at, idle_steps) = (changed, self.now, 0);
            }
            idle_steps += u32::from(due <= self.now);
            if idle_steps > IDLE_STEPS {
                return self
                    .findings
                    .add(Breach::Spin, format!("requested an immediate poll again and again, at {}", self.now));
            }
            if self.now - progress_at > STALL {
                let left: Vec<_> = [0, 1].map(|host| self.states(host)).into();
                return self.findings.add(Breach::Hang, format!("nothing changes since {progress_at}: {left:?}"));
            }
            self.now = due.max(self.now + Duration::from_micros(1));
        }
    }

    /// Steps a host's stack until it is idle. Returns the next deadline, or an error if the run must end.
    fn step_until_idle(&mut self, host: usize) -> Result<Option<Instant>, ()> {
        loop {
            let Host { stack, io, .. } = &mut self.hosts[host];
            let before: usize = self.records[host].borrow().iter().map(|record| record.received.len()).sum();
            let step = stack.step(self.now, io);
            let events = std::mem::take(&mut io.probe.0);
            let after: usize = self.records[host].borrow().iter().map(|record| record.received.len()).sum();
            for event in &events {
                self.add_to_trace(|| format!("{}: {}", NAMES[host], show(event)));
                if let Event::State { tuple, from: State::SynSent, to: State::SynReceived, .. } = *event {
                    self.excuses.crossed.insert((tuple.local.port, tuple.remote.port));
                }
                if let Event::State { tuple, from: State::TimeWait, to: State::Closed, .. } = *event {
                    let is_reset = |other: &Event| matches!(other, Event::Ended { tuple: own, end: End::Reset, .. } if *own == tuple);
                    let ports = ordered(host, tuple.local.port, tuple.remote.port);
                    self.after_time_wait(host, ports, events.iter().any(is_reset));
                }
                if let Event::Ended { id, tuple, end } = *event {
                    if end == End::Closed {
                        self.check_closed(host, tuple.local.port, tuple.remote.port);
                    }
                    let _ = self.hosts[host].stack.take(id);
                }
            }
            self.collect(host);
            self.count(after - before)?;
            if let Step::Idle(at) = step {
                return Ok(at);
            }
        }
    }

    /// Moves the frames that a host has sent to the network.
    fn collect(&mut self, host: usize) {
        loop {
            let Some(frame) = self.hosts[host].wire.incoming.borrow_mut().pop_front() else { return };
            self.frames += 1;
            self.second.frames += 1;
            let summary = Summary::of(&frame, Medium::Ethernet);
            if let (Some(segment), Some(ports)) = (summary.segment(), ports(&summary, host)) {
                self.record_segment(host, ports, &segment);
            }
            let fate = self.network.send(self.now, host, frame);
            self.add_to_trace(|| format!("{}: {summary}{fate}", NAMES[host]));
        }
    }

    /// Records the numbers of a segment that `host` sent, for the attacker.
    fn record_segment(&mut self, host: usize, ports: (u16, u16), segment: &Segment) {
        let Some(seen) = self.seen[host].get_mut(usize::from(ports.1.wrapping_sub(PORTS.1))) else { return };
        // smoltcp stores sequence numbers as signed numbers. `end` is the number after the segment.
        let (seq, end) = (segment.seq.0 as u32, (segment.seq.0 as u32).wrapping_add(segment.space() as u32));
        if segment.syn && seq != seen.first {
            *seen = Seen { first: seq, next: end, window: 0 };
        }
        if !segment.rst {
            seen.window = segment.window;
            // Serial number arithmetic: the signed difference says which number is later.
            if (end.wrapping_sub(seen.next) as i32) > 0 {
                seen.next = end;
            }
        }
    }

    /// Passes a frame to the host `to`. After an RST, a failure of the connection is not a breach.
    fn deliver(&mut self, to: usize, frame: Vec<u8>) {
        let summary = Summary::of(&frame, Medium::Ethernet);
        if summary.segment().is_some_and(|segment| segment.rst)
            && let Some(ports) = ports(&summary, 1 - to)
        {
            self.excuses.resets.insert((to, ports));
        }
        self.hosts[to].wire.outgoing.borrow_mut().push_back(frame);
    }

    /// Sends a forged frame to a random host, and chooses the time of the next attack.
    fn attack(&mut self) {
        let (attack, every) = self.plan.attack;
        let victim = self.random.below(2);
        let numbers = if attack == Attack::Near { self.numbers(victim) } else { None };
        let (frame, name) = forge(&mut self.random, attack, victim, numbers);
        let summary = Summary::of(&frame, Medium::Ethernet);
        self.add_to_trace(|| format!("attacker to {}: {name}: {summary}", NAMES[victim]));
        self.second.forged += 1;
        self.hosts[victim].wire.outgoing.borrow_mut().push_back(frame);
        let next = self.now + every * self.random.below(200) as u32 / 100;
        self.attack_next =
            (next < START + self.plan.attack_time).then_some(next.max(self.now + Duration::from_micros(1)));
    }

    /// Returns the numbers of a random synchronized connection of a host.
    ///
    /// Returns `None` if there is no such connection, or if its program no longer reads.
    fn numbers(&mut self, host: usize) -> Option<Numbers> {
        let synchronized = |connection: &Connection| {
            matches!(
                connection.state,
                State::Established
                    | State::FinWait1
                    | State::FinWait2
                    | State::CloseWait
                    | State::LastAck
                    | State::Closing
            )
        };
        let found: Vec<_> = self.hosts[host].stack.connections_in_use().filter(synchronized).collect();
        let connection = found.get(self.random.below(found.len()))?;
        let ports = ordered(host, connection.tuple.local.port, connection.tuple.remote.port);
        let records = self.records[host].borrow();
        let record = records.iter().rev().find(|record| record.ports == ports && record.end.is_none())?;
        let number = usize::from(ports.1.checked_sub(PORTS.1)?);
        let (own, peer) = (self.seen[host].get(number)?, self.seen[1 - host].get(number)?);
        let fin = matches!(connection.state, State::CloseWait | State::LastAck | State::Closing);
        let taken = record.received.len() + connection.receive_queue + usize::from(fin);
        let queued = own.first.wrapping_add(1 + record.written as u32);
        let numbers = Numbers {
            ports,
            receive_next: peer.first.wrapping_add(1 + taken as u32),
            window: own.window,
            send_next: own.next,
            send_end: if (queued.wrapping_sub(own.next) as i32) > 0 { queued } else { own.next },
        };
        (!record.discards && !record.forgotten).then_some(numbers)
    }

    /// Records a breach if a connection was reset in TIME-WAIT, or lost unread data at its end.
    fn after_time_wait(&mut self, host: usize, ports: (u16, u16), reset: bool) {
        let records = self.records[host].borrow();
        let is_cut = records
            .iter()
            .rev()
            .find(|record| record.ports == ports)
            .is_some_and(|record| !record.clean && !record.discards && !record.forgotten);
        let breach = match (reset, is_cut) {
            (true, _) => Breach::TimeWaitReset,
            (false, true) => Breach::TimeWaitCut,
            (false, false) => return,
        };
        self.excuses.time_wait.insert((host, ports));
        self.findings.add(breach, format!("{} {ports:?} at {}", NAMES[host], self.now));
    }

    /// Checks that the peer has received everything that `host` has written. Called when a connection of `host` has
    /// ended with `Closed`.
    fn check_closed(&mut self, host: usize, local: u16, remote: u16) {
        let ports = ordered(host, local, remote);
        let last = |side: usize| {
            let records = self.records[side].borrow();
            let found = records.iter().rposition(|record| record.ports == ports)?;
            let Record { written, discards, end, forgotten, .. } = &records[found];
            let gone = *discards || *forgotten || end.is_some_and(|end| end != End::Closed);
            Some((*written, records[found].received.len(), gone))
        };
        let Some((written, _, _)) = last(host) else { return };
        if self.excuses.time_wait.contains(&(1 - host, ports)) {
            return;
        }
        let queue = |connection: Connection| {
            (ordered(1 - host, connection.tuple.local.port, connection.tuple.remote.port) == ports)
                .then_some(connection.receive_queue)
        };
        let queued: usize = self.hosts[1 - host].stack.connections_in_use().filter_map(queue).sum();
        let (received, gone) = last(1 - host).map_or((0, false), |(_, received, gone)| (received, gone));
        if !gone && received + queued < written {
            let name = NAMES[host];
            self.findings.add(
                Breach::Unacknowledged,
                format!("{name} {ports:?}: {received} + {queued} of {written} at {}", self.now),
            );
        }
    }

    /// Restarts a host, so that it forgets all its connections.
    fn reboot(&mut self, host: usize) {
        self.add_to_trace(|| format!("{}: restarts", NAMES[host]));
        self.hosts[host].stack.forget_connections();
        for record in self.records[host].borrow_mut().iter_mut().filter(|record| record.end.is_none()) {
            record.forgotten = true;
        }
    }

    /// Counts a step and `bytes` bytes. Returns an error, after recording a breach, if this second has too many steps
    /// or frames.
    fn count(&mut self, bytes: usize) -> Result<(), ()> {
        let number = (self.now - START).secs();
        if number != self.second.number {
            self.second = Second { number, ..Second::default() };
        }
        let second = &mut self.second;
        (second.steps, second.bytes) = (second.steps + 1, second.bytes + bytes);
        // Each byte can cause a segment, an acknowledgement and a window update.
        if second.frames > 1000 + 4 * (second.bytes + second.forged) {
            self.findings.add(Breach::Storm, format!("{} frames at {}", second.frames, self.now));
            return Err(());
        }
        if second.steps > 4000 + 6 * (second.frames + second.bytes + second.forged) {
            self.findings.add(Breach::Spin, format!("{} steps at {}", second.steps, self.now));
            return Err(());
        }
        Ok(())
    }

    /// Returns the port, the state and the queue lengths of each connection of a host, for the description of a breach.
    fn states(&self, host: usize) -> Vec<(u16, State, usize, usize)> {
        let show = |c: Connection| (c.tuple.remote.port, c.state, c.send_queue, c.receive_queue);
        self.hosts[host].stack.connections_in_use().map(show).collect()
    }

    /// Returns a hash that changes when a connection changes.
    fn progress(&self) -> usize {
        let done = self.records.iter().flat_map(|side| {
            let records = side.borrow();
            records.iter().map(|r| r.written * 3 + r.received.len()).collect::<Vec<_>>()
        });
        let states = (0..2).flat_map(|host| self.states(host)).map(|(port, state, send, receive)| {
            usize::from(port) + (state as usize + 1) * 1_000_003 + send * 31 + receive * 7
        });
        done.chain(states).fold(0, |sum: usize, number| sum.wrapping_mul(16_777_619).wrapping_add(number))
    }

    /// Adds a line to the trace, if there is one.
    fn add_to_trace(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let micros = (self.now - START).total_micros();
            trace(format!("{:>4}.{:06} {}", micros / 1_000_000, micros % 1_000_000, line()));
        }
    }
}

const NAMES: [&str; 2] = ["client", "server"];

/// Returns the ports of the client and of the server.
fn ordered(host: usize, local: u16, remote: u16) -> (u16, u16) {
    if host == 0 { (local, remote) } else { (remote, local) }
}

/// Returns the ports of the client and of the server in a segment that `host` sent.
fn ports(summary: &Summary, host: usize) -> Option<(u16, u16)> {
    summary.ends.map(|ends| ordered(host, ends.source.port, ends.destination.port))
}

/// Returns a line about an event for the trace.
fn show(event: &Event) -> String {
    match event {
        Event::State { tuple, from, to, .. } => format!("{tuple}: {from} -> {to}"),
        Event::Ended { tuple, end, .. } => format!("{tuple}: {end}"),
        Event::HandshakeEnded { tuple, end, .. } => format!("{tuple}: half-way, {end}"),
        Event::Read { bytes, .. } => format!("reads {bytes}"),
        Event::Wrote { bytes, .. } => format!("writes {bytes}"),
        event => format!("{event:?}"),
    }
}
