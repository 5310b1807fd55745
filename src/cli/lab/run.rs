//! A run that can be run again: what was done by hand is done again at the same step.

use smoltcp::time::Duration;

use super::args::Until;
use crate::cli::error::Failure;
use crate::cli::replay::sizes;
use crate::host::HeapPool;
use crate::lab::{Progress, START, Setup, SetupLab, Snapshot};
use crate::stack::Console;

/// How many bytes a host's programs may print in a run; more is cut.
const PRINTED: usize = 1 << 16;

/// How many entries one step can bring about.
pub const ENTRIES: usize = 64;

/// The lab at the command line.
pub type HostLab<'a> = SetupLab<'a, Printed, 2, ENTRIES>;

/// A set-up, and what was done by hand.
pub struct Run<'s> {
    /// Everything else that determines the run.
    pub setup: &'s Setup<'s>,
    /// Which frames were dropped by hand, and after which step.
    pub dropped: Vec<(u32, u32)>,
    /// Where the command line wants it to stop.
    pub until: Option<Until>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Where its last step led.
    pub last: Stepped,
    /// How many steps it took.
    pub steps: u32,
    /// How long it lasted.
    pub time: Duration,
    /// The places of the faults that met no frame.
    pub unmet: Vec<usize>,
    /// What the client and the server printed.
    pub printed: [Vec<u8>; 2],
}

/// Where one step has led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// Further.
    On,
    /// To where the command line wants to stop.
    There,
    /// To the end of the run.
    End,
    /// To a limit.
    Limit,
}

impl<'s> Run<'s> {
    /// A run to its end, in which nobody does anything by hand.
    pub fn new(setup: &'s Setup<'s>) -> Self {
        Run { setup, dropped: Vec::new(), until: None }
    }

    /// Runs from the start to a step, or as far as it goes.
    ///
    /// # Errors
    /// The set-up cannot be.
    pub fn record(&self, upto: Option<u32>, each: &mut dyn FnMut(&Snapshot, &HostLab<'_>)) -> Result<Ended, Failure> {
        self.with_lab(|lab| {
            let mut last = Stepped::On;
            while last == Stepped::On && upto.is_none_or(|upto| lab.steps() < upto) {
                last = self.step(lab, each);
            }
            Ok(Ended {
                last,
                steps: lab.steps(),
                time: lab.elapsed().min(self.setup.limit),
                unmet: lab.wire.faults().unmet().collect(),
                printed: [0, 1].map(|host| lab.hosts[host].console.0.clone()),
            })
        })
    }

    /// Makes the lab, with nothing done yet.
    ///
    /// # Errors
    /// The set-up cannot be, or what `act` says.
    pub fn with_lab<T>(&self, act: impl FnOnce(&mut HostLab<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut pools = [0, 1].map(|host| HeapPool::new(sizes(self.setup, host)));
        let memory = pools.each_mut().map(|pool| (pool.memory(), Printed(Vec::new())));
        let mut lab = self.setup.start(memory).map_err(Failure::usage)?;
        act(&mut lab)
    }

    /// Takes one step, and does again what was done by hand after it.
    pub fn step(&self, lab: &mut HostLab<'_>, each: &mut dyn FnMut(&Snapshot, &HostLab<'_>)) -> Stepped {
        let progress = lab.step();
        let mut there = false;
        while let Some(entry) = lab.entries.pop() {
            // The clock has jumped beyond the limit: that is no part of the run any more.
            if entry.at > START + self.setup.limit {
                continue;
            }
            let snapshot = lab.snapshot(entry);
            there |= self.is_there(&snapshot);
            each(&snapshot, lab);
        }
        let now = lab.steps();
        for (_, frame) in self.dropped.iter().filter(|(step, _)| *step == now) {
            lab.wire.remove(*frame);
        }
        there |= match self.until {
            Some(Until::Step(step)) => lab.steps() >= step,
            Some(Until::Time(time)) => lab.elapsed() >= time,
            _ => false,
        };
        match progress {
            Progress::End => Stepped::End,
            _ if there => Stepped::There,
            _ if lab.steps() >= self.setup.steps || lab.elapsed() > self.setup.limit => Stepped::Limit,
            _ => Stepped::On,
        }
    }

    fn is_there(&self, snapshot: &Snapshot) -> bool {
        matches!(self.until, Some(Until::State(host, state)) if snapshot.states[host] == state)
    }
}

/// What a host's programs printed.
pub struct Printed(pub Vec<u8>);

impl Console for Printed {
    fn print(&mut self, bytes: &[u8]) {
        let room = PRINTED.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}
