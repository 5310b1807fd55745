//! `smolstep serve --step`: stops the poll loop after each step. The peer's clock keeps running meanwhile. The prompt
//! is in shell.rs. The lines that describe a step are in live/notes.rs.

mod notes;

use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

use smoltcp::phy::Device;
use smoltcp::time::{Duration, Instant};

use super::console::Stdio;
use super::error::Failure;
use super::kernel::KernelSocket;
use super::output::say_line;
use super::shell::{Command, Shell};
use super::watch::Watch;
use crate::host::{Clock, HostConsole, Interrupt, Verdict};
use crate::lab::run::Goal;
use crate::phy::linux::TunTap;
use crate::stack::{Connection, Io, Session, Stack, Step, UdpSession};
use notes::Notes;

/// Runs the stack step by step, as the user commands at the prompt. Returns after `q`, the end of input or a signal.
/// Calls `each` after each step. Returns `io` and the result. The result is an error if `each`, the device, standard
/// input or standard output has failed.
pub fn step_by_step<'s, S: Session + Clone, U: UdpSession>(
    stack: &mut Stack<'_, S, U>,
    io: Io<TunTap, Stdio, Watch<'s>>,
    clock: &Clock,
    interrupt: &mut impl Interrupt,
    each: impl FnMut(&Stack<'_, S, U>) -> Result<(), Failure>,
) -> (Io<TunTap, Stdio, Watch<'s>>, Result<(), Failure>) {
    let Io { device, console, probe } = io;
    let medium = device.capabilities().medium;
    // During the steps, `Notes` collects the lines that describe each step, and passes everything on to the probe.
    let io = Io { device, console, probe: Notes::new(probe, medium) };
    let start = clock.now();
    let mut live = Live { io, clock, interrupt, each, shell: Shell::live(), start, at: start, steps: 0 };
    let result = live.run(stack);
    let Io { device, console, probe } = live.io;
    (Io { device, console, probe: probe.into_watch() }, result)
}

struct Live<'l, 's, I, E> {
    io: Io<TunTap, Stdio, Notes<'s>>,
    clock: &'l Clock,
    interrupt: &'l mut I,
    each: E,
    shell: Shell,
    start: Instant,
    /// The time at which the most recent step was taken.
    at: Instant,
    steps: u32,
}

/// The outcome of trying to take a step.
enum Taken {
    /// A step was taken. The value is true if the step reached the goal.
    Step(bool),
    /// A line was typed during the wait.
    Typed,
    /// A signal arrived.
    End,
}

impl<I: Interrupt, E> Live<'_, '_, I, E> {
    /// Reads commands and takes steps until `q`, the end of input or a signal.
    fn run<S: Session + Clone, U: UdpSession>(&mut self, stack: &mut Stack<'_, S, U>) -> Result<(), Failure>
    where
        E: FnMut(&Stack<'_, S, U>) -> Result<(), Failure>,
    {
        // Whether a line that the user typed has stopped the previous command.
        let mut stopped = false;
        loop {
            let prompt = format!("step {} {}> ", self.steps, self.at - self.start);
            let Some(line) = self.shell.ask(prompt, Some(&mut *self.interrupt))? else { return Ok(()) };
            let has_stopped = core::mem::take(&mut stopped);
            // If an empty line has stopped a command, it has no other effect.
            if has_stopped && line.trim().is_empty() {
                continue;
            }
            // How many steps to take, and the event at which to stop earlier.
            let (mut steps, mut goal) = (0, None);
            match self.shell.parse(&line) {
                Ok(Command::Next(count)) => steps = count,
                Ok(Command::Until(what)) => (steps, goal) = (u32::MAX, Some(what)),
                Ok(Command::Quit) => return Ok(()),
                Ok(Command::Sockets) => show_sockets(stack).map_err(Failure::output)?,
                // Of the remaining commands, the parser accepts only `Help`.
                Ok(_) => say_line(self.shell.help())?,
                Err(what) => say_line(what)?,
            }
            while steps > 0 {
                match self.take_step(stack, goal)? {
                    // The step has reached the goal.
                    Taken::Step(true) => break,
                    Taken::Step(false) => {
                        steps -= 1;
                        stopped = steps > 0 && self.shell.has_line();
                    }
                    // The user has typed a line during the wait.
                    Taken::Typed => stopped = true,
                    // A signal has arrived.
                    Taken::End => return Ok(()),
                }
                if stopped {
                    break;
                }
            }
        }
    }

    /// Waits until a step is possible, then takes one step and shows that step. Also returns if the user types a line
    /// or a signal arrives first.
    fn take_step<S: Session + Clone, U: UdpSession>(
        &mut self,
        stack: &mut Stack<'_, S, U>,
        goal: Option<Goal>,
    ) -> Result<Taken, Failure>
    where
        E: FnMut(&Stack<'_, S, U>) -> Result<(), Failure>,
    {
        loop {
            let now = self.clock.now();
            let step = stack.step(now, &mut self.io);
            // Send the frames of this step now, so that the state of the kernel's socket, shown below, reflects the
            // step.
            self.io.device.flush();
            (self.each)(stack)?;
            if let Some(fault) = self.io.device.fault() {
                return Err(Failure::run(fault));
            }
            if let Some(error) = self.io.console.fault() {
                return Err(Failure::output(error));
            }
            if self.interrupt.verdict() != Verdict::GoOn {
                return Ok(Taken::End);
            }
            let reached = goal.is_some_and(|goal| self.io.probe.has_reached(goal));
            let lines = self.io.probe.take_lines();
            if !matches!(step, Step::Idle(_)) || !lines.is_empty() {
                // A timer can cause events in an idle step. Such a step is shown, but is not counted.
                self.steps += u32::from(!matches!(step, Step::Idle(_)));
                self.at = now;
                let seconds = (now - self.start).total_micros() as f64 / 1e6;
                let (phase, _) = phase(step);
                let head = format!("{seconds:>11.6}s step {} {phase}", self.steps);
                show(stack, &head, step, &lines).map_err(Failure::output)?;
            }
            match step {
                Step::Idle(_) if reached => return Ok(Taken::Step(true)),
                // Nothing was left to do: wait, and try again.
                Step::Idle(deadline) => {
                    if !self.wait(deadline)? {
                        return Ok(Taken::Typed);
                    }
                }
                _ => return Ok(Taken::Step(reached)),
            }
        }
    }

    /// Waits for the device, the deadline or a signal. Returns false if the user types a line at a terminal first.
    /// Lines from a pipe do not end the wait.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, Failure> {
        let now = self.clock.now();
        let timeout = deadline.map(|at| if at > now { at - now } else { Duration::ZERO });
        let stdin = io::stdin();
        // With --step, the interrupt reports only signals, so it has one file.
        let [file, _] = self.interrupt.files();
        let typed = stdin.is_terminal().then(|| stdin.as_fd());
        let files: heapless::Vec<BorrowedFd<'_>, 2> = [typed, file].into_iter().flatten().collect();
        let ready = self.io.device.wait(timeout.map(Into::into), &files).map_err(Failure::run)?;
        // A terminal is the first of `files`, so its index is 0.
        Ok(typed.is_none() || !ready.extra(0))
    }
}

/// Returns the name of the step's phase and, if any, the connection that the step handled.
fn phase(step: Step) -> (&'static str, Option<crate::stack::ConnectionId>) {
    match step {
        Step::Egress(id) => ("egress", id),
        // An idle step is shown only if a timer has caused events.
        Step::Idle(_) => ("timer", None),
        Step::Ingress(id) => ("ingress", id),
        Step::Session(id, _) => ("session", Some(id)),
        Step::UdpSession(..) => ("session", None),
    }
}

/// Prints a step: `head`, `lines`, and both sides of the step's connection.
fn show<S: Session + Clone, U: UdpSession>(
    stack: &Stack<'_, S, U>,
    head: &str,
    step: Step,
    lines: &[String],
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{head}")?;
    for line in lines {
        writeln!(out, "    {line}")?;
    }
    let (_, id) = phase(step);
    if let Some(ours) = stack.connections_in_use().find(|c| Some(c.id) == id) {
        show_ends(&mut out, &ours)?;
    }
    out.flush()
}

/// Prints the state of both ends of every connection.
fn show_sockets<S: Session + Clone, U: UdpSession>(stack: &Stack<'_, S, U>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut none = true;
    for ours in stack.connections_in_use() {
        none = false;
        show_ends(&mut out, &ours)?;
    }
    if none {
        writeln!(out, "    no connection")?;
    }
    out.flush()
}

/// Prints the state of our end and of the kernel's end of a connection.
fn show_ends(out: &mut impl Write, ours: &Connection) -> io::Result<()> {
    let (state, sending, unread) = (ours.state.to_string(), ours.send_queue, ours.receive_queue);
    writeln!(out, "    ours    {state:<12} to send or acknowledge={sending} unread={unread}   {}", ours.tuple)?;
    match KernelSocket::at_the_other_end(&ours.tuple) {
        Ok(Some(kernel)) => writeln!(out, "    kernel  {kernel}"),
        Ok(None) => writeln!(out, "    kernel  has no such socket on this host"),
        Err(error) => writeln!(out, "    kernel  state is unknown: {error}"),
    }
}
