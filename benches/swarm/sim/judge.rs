//! What must hold for each seed.

use std::collections::BTreeSet;
use std::fmt;

use smolstep::stack::End;
use smoltcp::time::{Duration, Instant};

use super::plan::{Attack, Plan};
use super::program::{Record, Records};

/// How long nothing may change: an idle time-out or a linger of 60 s, an RTO of 60 s, TIME-WAIT, and a slow program's pauses.
pub const STALL: Duration = Duration::from_secs(200);

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A blind attacker ended a connection on a network without faults and restarts.
    Blinded,
    /// An end of stream before the stream was complete.
    CleanTooEarly,
    /// A connection failed on a network without faults, restarts and an attacker.
    Disturbed,
    /// The attacker ended a connection: there was no RST of the peer.
    ForgedReset,
    /// Nothing changes any more, and the run does not end.
    Hang,
    /// A program was never told of its connection's end.
    NoEnd,
    /// The stack panicked.
    Panic,
    /// The stack takes more steps than it has work for.
    Spin,
    /// The hosts send more frames than the programs' data, losses and the attacker's frames account for.
    Storm,
    /// TIME-WAIT ended before a slow program had read everything, and the rest was lost.
    TimeWaitCut,
    /// An RST ended a connection in TIME-WAIT (RFC 1337), and its program was told of a reset.
    TimeWaitReset,
    /// A sender is told that everything was acknowledged, but the peer did not receive it.
    Unacknowledged,
    /// A program received bytes that the other did not write, or in another order.
    WrongBytes,
}

/// All of them, in the order of the table.
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

/// What is found of one seed.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<(Breach, String)>);

impl Findings {
    /// Adds one.
    pub fn add(&mut self, breach: Breach, detail: String) {
        self.0.push((breach, detail));
    }
}

/// What excuses the end of a connection: the ports of the client and of the server.
#[derive(Debug, Default)]
pub struct Excuses {
    /// A host received an RST of the peer.
    pub resets: BTreeSet<(usize, (u16, u16))>,
    /// A forged SYN met a client in SYN-SENT. It is a simultaneous open (RFC 9293 section 3.5), against which TCP has no means.
    pub crossed: BTreeSet<(u16, u16)>,
    /// This host's connection ended badly in TIME-WAIT, which is a breach of its own.
    pub time_wait: BTreeSet<(usize, (u16, u16))>,
}

/// Judges the records of both sides after the end.
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

/// Whether the network and the hosts are without faults.
fn is_quiet(plan: &Plan) -> bool {
    plan.faults.none() && plan.reboots.is_empty()
}

/// Whether a program gave the connection up: it aborted it, or was done and the peer sent more for longer than the linger time.
fn aborts(record: &Record, peers: &[&Record]) -> bool {
    record.discards || record.end == Some(End::Aborted) || peers.iter().any(|peer| peer.discards)
}
