//! A repeatable run: each manual change is made again after the same step.
//!
//! The other files are:
//!
//! - by_hand.rs: manual changes
//! - control_changes.rs: changes of a connection's [`Control`](crate::stack::Control)
//! - goal.rs: events at which a run stops
//! - host_lab.rs: hosts and their memory
//! - marks.rs: marking of answers
//! - reductions.rs: reductions of congestion windows

mod by_hand;
mod control_changes;
mod goal;
mod host_lab;
pub(crate) mod marks;
mod reductions;

pub(crate) use by_hand::{ByHand, Change, MAX_BY_HAND, ends, has_checksum};
pub(crate) use control_changes::ControlChanges;
pub(crate) use goal::Goal;
#[cfg(all(test, feature = "cli"))]
pub(crate) use goal::Protocol;
#[cfg(feature = "cli")]
pub(crate) use goal::{GoalError, state};
#[cfg(feature = "cli")]
pub(crate) use host_lab::ENTRIES;
pub(crate) use host_lab::{HostLab, sizes};
pub(crate) use reductions::Windows;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::show::What;
use super::{Peer, Progress, START, Setup, Snapshot, StartError, UdpPeer, Verdict};
use crate::stack::{End, HeapPool};
use host_lab::Printed;

/// A run of a set-up, with the manual changes and the event at which to stop.
#[derive(Clone)]
pub struct Run<'s> {
    /// The set-up. The set-up and `by_hand` together determine the run.
    pub setup: &'s Setup<'s>,
    /// The manual changes, in order.
    pub by_hand: Vec<ByHand>,
    /// The event at which `--until` or the command `until` stops the run.
    pub until: Option<Goal>,
}

/// The number of entries in a host's neighbour cache. The neighbours are the other host and the router.
const NEIGHBOURS: usize = 8;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The result of the last step.
    pub last: Stepped,
    /// The number of steps.
    pub steps: u32,
    /// The duration of the run.
    pub time: Duration,
    /// The indices of the faults that matched no frame.
    pub unmet: Vec<usize>,
    /// The forged segments that were due before any connection had begun, each as its line number in the file.
    pub unforged: Vec<usize>,
    /// The failures of the client's programs.
    pub failed: Vec<Failed>,
    /// The output of the client and of the server.
    pub printed: [Vec<u8>; 2],
}

/// A failure of one of the client's programs.
#[derive(Clone, Debug)]
pub struct Failed {
    /// How the program's connection ended, if it had one.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only the command line expects ends"))]
    pub end: Option<End>,
    /// The reason.
    pub why: String,
}

/// Whether the run continues after a step, or why it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// The run continues.
    On,
    /// The run has reached the event of [`Run::until`].
    There,
    /// The run has ended.
    End,
    /// The run has reached its limit on steps or time.
    Limit,
}

impl<'s> Run<'s> {
    /// Makes a run that continues to its end, without manual changes.
    pub fn new(setup: &'s Setup<'s>) -> Self {
        Run { setup, by_hand: Vec::new(), until: None }
    }

    /// Runs from the start to step `upto`, or to the end of the run. Calls `each` with every entry.
    ///
    /// # Errors
    /// Fails if the set-up is invalid.
    pub fn record(
        &self,
        upto: Option<u32>,
        each: &mut dyn FnMut(&Snapshot, &HostLab<'_>),
    ) -> Result<Ended, StartError> {
        self.record_while(upto, &mut |snapshot, lab| {
            each(snapshot, lab);
            true
        })
    }

    /// Runs like [`record`](Self::record), but stops with [`Stepped::Limit`] after the step in which `each` returns
    /// false.
    ///
    /// # Errors
    /// Fails if the set-up is invalid.
    pub fn record_while(
        &self,
        upto: Option<u32>,
        each: &mut dyn FnMut(&Snapshot, &HostLab<'_>) -> bool,
    ) -> Result<Ended, StartError> {
        self.with_lab(|lab| {
            let (mut last, mut goes_on) = (Stepped::On, true);
            while last == Stepped::On && upto.is_none_or(|upto| lab.steps() < upto) {
                // The step is completed even if `each` returns false for one of its entries.
                last = self.step(lab, &mut |snapshot, lab| goes_on &= each(snapshot, lab));
                if last == Stepped::On && !goes_on {
                    last = Stepped::Limit;
                }
            }
            Ended {
                last,
                steps: lab.steps(),
                time: lab.elapsed().min(self.setup.limit),
                unmet: lab.wire.faults().unmet().collect(),
                unforged: lab.unforged().collect(),
                failed: take_failed(lab),
                printed: [0, 1].map(|host| lab.hosts[host].console.0.clone()),
            }
        })
    }

    /// Makes a lab, makes the manual changes that precede the first step, and calls `act` with the lab.
    ///
    /// # Errors
    /// Fails if the set-up is invalid.
    pub fn with_lab<T>(&self, act: impl FnOnce(&mut HostLab<'_>) -> T) -> Result<T, StartError> {
        let mut pools = [0, 1].map(|host| HeapPool::with_neighbours(sizes(self.setup, host), NEIGHBOURS));
        let memory = pools.each_mut().map(|pool| (pool.memory(), Printed(Vec::new())));
        let mut lab = self.setup.start(memory)?;
        self.intervene(&mut lab);
        Ok(act(&mut lab))
    }

    /// Takes one step, then repeats the manual changes after this step. Calls `each` with the entries of the step, and
    /// then with those of the changes.
    pub fn step(&self, lab: &mut HostLab<'_>, each: &mut dyn FnMut(&Snapshot, &HostLab<'_>)) -> Stepped {
        let (before, mut windows) = (lab.states(), Windows::of(lab));
        let progress = lab.step();
        // The step's own entries leave the lab's ring before the manual changes add theirs.
        let mut stop_reached = self.report(lab, before, &mut windows, each);
        self.intervene(lab);
        stop_reached |= self.report(lab, before, &mut windows, each);
        // These two events belong to no entry, so `report` does not find them.
        stop_reached |= match self.until {
            Some(Goal::Step(step)) => lab.steps() >= step,
            Some(Goal::Time(time)) => lab.elapsed() >= time,
            _ => false,
        };
        match progress {
            Progress::End => Stepped::End,
            _ if stop_reached => Stepped::There,
            _ if lab.steps() >= self.setup.steps || lab.elapsed() > self.setup.limit => Stepped::Limit,
            _ => Stepped::On,
        }
    }

    /// Removes all entries from the lab's ring, and calls `each` with each of them. `before` contains the states before
    /// the step, and `windows` the congestion windows before the step. Returns whether one of the entries is the event
    /// at which the run stops.
    pub fn report(
        &self,
        lab: &mut HostLab<'_>,
        before: [State; 2],
        windows: &mut Windows,
        each: &mut dyn FnMut(&Snapshot, &HostLab<'_>),
    ) -> bool {
        let mut stop_reached = false;
        while let Some(entry) = lab.entries.pop() {
            // If the clock has jumped past the limit, this entry is not part of the run.
            if entry.at > START + self.setup.limit {
                continue;
            }
            let mut snapshot = self.with_later_fault(lab.snapshot(entry));
            snapshot.reduction = windows.reduction(entry.host, &entry.what, lab, self.setup.congestion);
            stop_reached |= self.until.is_some_and(|goal| goal.is_reached(&snapshot, before));
            each(&snapshot, lab);
        }
        stop_reached
    }

    /// Repeats the manual changes after the current step.
    pub fn intervene(&self, lab: &mut HostLab<'_>) {
        let last_step = lab.steps();
        for by_hand in self.by_hand.iter().filter(|by_hand| by_hand.after == last_step) {
            // The result is the same as when the user made the change, so it is ignored.
            by_hand.apply(lab, self.setup);
        }
    }

    /// Replaces the verdict `Deliver` on a sent frame that the user later changes in flight, so that the line of the
    /// sent frame shows the change. Of several changes, the last one counts. Other entries are returned as they are.
    fn with_later_fault(&self, mut snapshot: Snapshot) -> Snapshot {
        if let What::Sent { frame, verdict: verdict @ Verdict::Deliver, .. } = &mut snapshot.entry.what
            && let Some(fault) = self.by_hand.iter().rev().find_map(|by_hand| by_hand.fault_of(*frame))
        {
            *verdict = fault;
        }
        snapshot
    }
}

/// Takes the client's programs that have ended out of the lab, and returns those that have failed.
fn take_failed(lab: &mut HostLab<'_>) -> Vec<Failed> {
    let calls: Vec<_> = lab.calls().filter(|(host, _)| *host == 0).map(|(_, call)| call).collect();
    let ports: Vec<_> = lab.bound().filter(|(host, _)| *host == 0).map(|(_, port)| port).collect();
    let stack = &mut lab.hosts[0].stack;
    let of_call = |call| match call {
        Err(error) => Some(Failed { end: None, why: ToString::to_string(&error) }),
        // `take` returns `None` while the connection has not ended. Its program has not failed yet.
        Ok(id) => match stack.take(id)? {
            (Peer::Client(client), end) => match client.result() {
                Some(Ok(())) => None,
                Some(Err(why)) => Some(Failed { end: Some(end), why: why.to_string() }),
                // The connection ended before the client was done.
                None => Some(Failed { end: Some(end), why: end.to_string() }),
            },
            // Scripts report no result, so only an orderly close is a success.
            (_, End::Closed) => None,
            (_, end) => Some(Failed { end: Some(end), why: end.to_string() }),
        },
    };
    let mut failed: Vec<Failed> = calls.into_iter().filter_map(of_call).collect();
    failed.extend(ports.into_iter().filter_map(|port| match lab.hosts[0].stack.take_udp(port)? {
        UdpPeer::Client(client) => client.result()?.err().map(|why| Failed { end: None, why: why.to_string() }),
        UdpPeer::Server(_) => None,
    }));
    failed
}
