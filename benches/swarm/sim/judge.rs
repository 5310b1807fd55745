//! Checks the invariants of a run.

use std::collections::BTreeSet;
use std::fmt;

use smolstep::stack::End;
use smoltcp::time::{Duration, Instant};

use super::plan::{Attack, Plan};
use super::program::{Record, Records};

/// The longest time that a run is allowed to spend without progress. The time is enough for an idle timeout or a linger
/// of 60 s, an RTO of 60 s, TIME-WAIT, and pauses.
pub const STALL: Duration = Duration::from_secs(200);

/// An invariant that a run has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A blind attacker ended a connection on a network with neither faults nor restarts.
    Blinded,
    /// A program read the end of the stream before the stream was complete.
    CleanTooEarly,
    /// A connection failed although there were no network faults, no restarts and no attacker.
    Disturbed,
    /// The attacker reset a connection. The peer had sent no RST.
    ForgedReset,
    /// The run makes no more progress, but does not end.
    Hang,
    /// A program was never notified of the end of its connection.
    NoEnd,
    /// The stack panicked.
    Panic,
    /// The stack takes steps that do no work.
    Spin,
    /// The hosts send more frames than the programs' data and the attacker explain.
    Storm,
    /// TIME-WAIT ended before a slow program had read everything, so unread data was lost.
    TimeWaitCut,
    /// An RST ended a connection in TIME-WAIT (RFC 1337), and its program saw a reset.
    TimeWaitReset,
    /// A connection ended as `Closed`, but the peer did not receive all data.
    Unacknowledged,
    /// A program received bytes that its peer did not write, or in another order.
    WrongBytes,
}

/// All breaches, in the order of the table.
pub const BREACHES: [Breach; 13] = [
    Breach::Blinded,
    Breach::CleanTooEarly,
    Breach::Disturbed,
    Breach::ForgedReset,
    Breach::Hang,
    Breach::NoEnd,
    Breach::Panic,
    Breach::Spin,
    Breach::Storm,
    Breach::TimeWaitCut,
    Breach::TimeWaitReset,
    Breach::Unacknowledged,
    Breach::WrongBytes,
];

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Breach::Blinded => "ended by a blind attacker",
            Breach::CleanTooEarly => "clean end of an incomplete stream",
            Breach::Disturbed => "failure on a network without faults",
            Breach::ForgedReset => "reset by the attacker",
            Breach::Hang => "no end",
            Breach::NoEnd => "program not told of its end",
            Breach::Panic => "panic",
            Breach::Spin => "steps without work",
            Breach::Storm => "too many frames",
            Breach::TimeWaitCut => "unread data lost after TIME-WAIT",
            Breach::TimeWaitReset => "reset in TIME-WAIT",
            Breach::Unacknowledged => "closed, but not all arrived",
            Breach::WrongBytes => "wrong bytes",
        })
    }
}

/// The breaches of one seed, each with a description.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<(Breach, String)>);

impl Findings {
    /// Adds a breach.
    pub fn add(&mut self, breach: Breach, detail: String) {
        self.0.push((breach, detail));
    }
}

/// Connections whose failure is not a breach. A connection is identified by the ports of its client and its server.
#[derive(Debug, Default)]
pub struct Excuses {
    /// Connections whose host received an RST from its peer, each with the number of the host.
    pub resets: BTreeSet<(usize, (u16, u16))>,
    /// Connections whose client received a forged SYN in SYN-SENT. TCP must treat the SYN as a simultaneous open (RFC
    /// 9293 section 3.5).
    pub crossed: BTreeSet<(u16, u16)>,
    /// Connections that failed in TIME-WAIT, each with the number of the host. Each failure is already reported as
    /// another breach.
    pub time_wait: BTreeSet<(usize, (u16, u16))>,
}

/// Checks the records of both sides after the run, and adds breaches to `findings`.
pub fn judge(plan: &Plan, sides: &[Records; 2], excuses: &Excuses, now: Instant, findings: &mut Findings) {
    for side in 0..2 {
        let (own, peers) = (sides[side].borrow(), sides[1 - side].borrow());
        for (number, record) in own.iter().enumerate() {
            let name = format!("{} {number} at {now}", ["client", "server"][side]);
            let peers: Vec<&Record> = peers.iter().filter(|peer| peer.ports == record.ports).collect();
            let got = &record.received[..];
            if !got.is_empty() && !peers.iter().any(|peer| peer.stream[..peer.written].starts_with(got)) {
                findings.add(Breach::WrongBytes, format!("{name}: {} bytes", got.len()));
            }
            if record.clean && !peers.iter().any(|peer| *peer.stream == *got) {
                let all: Vec<usize> = peers.iter().map(|peer| peer.stream.len()).collect();
                findings.add(Breach::CleanTooEarly, format!("{name}: {} of {all:?} bytes", got.len()));
            }
            match record.end {
                _ if excuses.time_wait.contains(&(side, record.ports)) => {}
                None if !record.forgotten => findings.add(Breach::NoEnd, name),
                Some(end @ (End::Reset | End::Refused)) if !excuses.resets.contains(&(side, record.ports)) => {
                    findings.add(Breach::ForgedReset, format!("{name}: {end}"));
                }
                Some(end) if end != End::Closed && is_quiet(plan) && !aborts(record, &peers) => match plan.attack.0 {
                    Attack::None => findings.add(Breach::Disturbed, format!("{name}: {end}")),
                    Attack::Blind if !excuses.crossed.contains(&record.ports) => {
                        findings.add(Breach::Blinded, format!("{name}: {end}"));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// Returns whether the plan has no network faults and no restarts.
fn is_quiet(plan: &Plan) -> bool {
    plan.faults.none() && plan.reboots.is_empty()
}

/// Returns whether one of the two programs stopped reading.
///
/// This includes a connection that was aborted because of unread data.
fn aborts(record: &Record, peers: &[&Record]) -> bool {
    record.discards || record.end == Some(End::Aborted) || peers.iter().any(|peer| peer.discards)
}
