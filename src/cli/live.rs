//! `smolstep serve --step`: the loop stops after each step, while the other end's clock goes on.

use std::io::{self, Write};
use std::os::fd::AsFd;

use smoltcp::phy::{Device, Medium};
use smoltcp::time::{Duration, Instant};

use super::console::Stdio;
use super::error::Failure;
use super::kernel::KernelSocket;
use super::watch::Watch;
use crate::host::Clock;
use crate::host::{Interrupt, Verdict};
use crate::phy::linux::TunTap;
use crate::stack::{Direction, Event, Io, Probe, Session, Stack, Step, UdpSession};
use crate::trace::Summary;

/// Steps the stack at the pace of the Enter key, until end of input or a signal; `each` is shown it after each step. Gives the
/// watch back, and says whether the device, standard input or standard output has failed.
pub fn step_by_step<'s, S: Session + Clone, U: UdpSession>(
    stack: &mut Stack<'_, S, U>,
    io: Io<TunTap, Stdio, Watch<'s>>,
    clock: &Clock,
    interrupt: &mut impl Interrupt,
    each: impl FnMut(&Stack<'_, S, U>) -> Result<(), Failure>,
) -> (Watch<'s>, Result<(), Failure>) {
    let Io { device, console, probe } = io;
    let medium = device.capabilities().medium;
    let mut io = Io { device, console, probe: Notes { watch: probe, medium, lines: Vec::new() } };
    let result = run(stack, &mut io, clock, interrupt, each);
    (io.probe.watch, result)
}

fn run<S: Session + Clone, U: UdpSession>(
    stack: &mut Stack<'_, S, U>,
    io: &mut Io<TunTap, Stdio, Notes<'_>>,
    clock: &Clock,
    interrupt: &mut impl Interrupt,
    mut each: impl FnMut(&Stack<'_, S, U>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let output = Failure::output;
    let mut number = 0u64;
    loop {
        let now = clock.now();
        let step = stack.step(now, io);
        // What is shown of the kernel's socket is how it stands after this step.
        io.device.flush();
        let lines = core::mem::take(&mut io.probe.lines);
        each(stack)?;
        if let Some(fault) = io.device.fault() {
            return Err(Failure::run(fault));
        }
        if interrupt.verdict() != Verdict::GoOn {
            return Ok(());
        }
        if let Step::Idle(deadline) = step {
            let timeout = deadline.map(|at| if at > now { at - now } else { Duration::ZERO });
            let [file, _] = interrupt.files();
            io.device.wait(timeout.map(Into::into), &[file]).map_err(Failure::run)?;
            continue;
        }
        number += 1;
        let seconds = (now - Instant::from_secs(1)).total_micros() as f64 / 1e6;
        show(&mut io::stdout().lock(), stack, number, seconds, step, &lines).map_err(output)?;
        if !enter(interrupt)? {
            return Ok(());
        }
    }
}

fn show<S: Session + Clone, U: UdpSession>(
    out: &mut impl Write,
    stack: &Stack<'_, S, U>,
    number: u64,
    seconds: f64,
    step: Step,
    lines: &[String],
) -> io::Result<()> {
    let (phase, id) = match step {
        Step::Egress(id) => ("egress", id),
        Step::Idle(_) => ("idle", None),
        Step::Ingress(id) => ("ingress", id),
        Step::Session(id, _) => ("session", Some(id)),
        Step::UdpSession(..) => ("session", None),
    };
    writeln!(out, "{seconds:>11.6}s step {number} {phase}")?;
    for line in lines {
        writeln!(out, "    {line}")?;
    }
    let Some(ours) = stack.connections_in_use().find(|c| Some(c.id) == id) else { return out.flush() };
    let (state, sending, unread) = (ours.state.to_string(), ours.send_queue, ours.receive_queue);
    writeln!(out, "    ours    {state:<12} to send or acknowledge={sending} unread={unread}   {}", ours.tuple)?;
    match KernelSocket::at_the_other_end(&ours.tuple) {
        Ok(Some(kernel)) => writeln!(out, "    kernel  {kernel}")?,
        Ok(None) => writeln!(out, "    kernel  has no such socket on this host")?,
        Err(error) => writeln!(out, "    kernel  does not say: {error}")?,
    }
    out.flush()
}

/// Waits for Enter; false at the end of input, or when a signal came.
fn enter(interrupt: &mut impl Interrupt) -> Result<bool, Failure> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        let stdin = io::stdin();
        let (input, [file, _]) = (stdin.as_fd(), interrupt.files());
        let mut fds = [PollFd::from_borrowed_fd(input, PollFlags::IN), PollFd::from_borrowed_fd(file, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Failure::run(format_args!("standard input: {error}"))),
        }
        let ready = !fds[0].revents().is_empty();
        if interrupt.verdict() != Verdict::GoOn {
            return Ok(false);
        }
        if ready {
            // Read byte by byte, so that a second line stays for the next step.
            let mut byte = [0];
            match rustix::io::read(rustix::stdio::stdin(), &mut byte) {
                Ok(0) => return Ok(false),
                Ok(_) if byte == *b"\n" => return Ok(true),
                Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(error) => return Err(Failure::run(format_args!("standard input: {error}"))),
            }
        }
    }
}

/// Frames and events in words, besides whatever watches already.
struct Notes<'s> {
    watch: Watch<'s>,
    medium: Medium,
    lines: Vec<String>,
}

impl Probe for Notes<'_> {
    fn frame(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        self.watch.frame(now, direction, frame);
        let way = if direction == Direction::In { "in " } else { "out" };
        self.lines.push(format!("{way}     {}", Summary::of(frame, self.medium)));
    }

    fn event(&mut self, now: Instant, event: &Event) {
        self.watch.event(now, event);
        if let Event::State { from, to, .. } = event {
            self.lines.push(format!("state   {from} -> {to}"));
        }
    }
}
