//! `lab --step`: stops after each step, so that the user can look, drop a frame, or go back.

use std::path::{Path, PathBuf};

use super::args::LabArgs;
use super::holds::sockets;
use super::outputs::{self, Shown};
use super::run::{HostLab, Run, Stepped, enters};
use crate::cli::error::Failure;
use crate::cli::shell::{Command, Goal, Shell};
use crate::lab::show::What;
use crate::trace::Fields;

/// The name of the capture that `p` writes if the user gives none.
const UNNAMED: &str = "lab.pcapng";

/// The user's choice that ended a session at the prompt.
enum Next {
    /// Run again from the start, up to this step.
    Again(u32),
    Quit(u32),
}

/// Lets the user step through a run; returns the step at which the user left.
///
/// # Errors
/// Fails if the set-up is invalid, or if standard input or output has failed.
pub fn step(run: &mut Run<'_>, args: &LabArgs) -> Result<u32, Failure> {
    let mut shown = Shown::new(args.ascii, args.explain);
    let until = run.until.take();
    let mut shell = Shell::lab();
    let mut start = 0;
    if until.is_some() {
        run.until = until;
        start = run.record(None, &mut |snapshot, _| shown.row(snapshot))?.steps;
        run.until = None;
    }
    loop {
        // Going back to step `start` also undoes later drops of frames.
        run.dropped.retain(|(step, _)| *step < start);
        let dropped = core::cell::RefCell::new(core::mem::take(&mut run.dropped));
        let next = {
            let run = &*run;
            let replay = Run { setup: run.setup, dropped: dropped.borrow().clone(), until: None };
            replay.with_lab(|lab| {
                while lab.steps() < start && replay.step(lab, &mut |_, _| {}) == Stepped::On {}
                interact(lab, &replay, &mut dropped.borrow_mut(), &mut shell, &mut shown, args)
            })?
        };
        run.dropped = dropped.into_inner();
        match next {
            Next::Again(step) => start = step,
            Next::Quit(step) => return Ok(step),
        }
    }
}

fn interact(
    lab: &mut HostLab<'_>,
    run: &Run<'_>,
    dropped: &mut Vec<(u32, u32)>,
    shell: &mut Shell,
    shown: &mut Shown,
    args: &LabArgs,
) -> Result<Next, Failure> {
    let mut over = false;
    loop {
        let prompt = format_args!("step {} {}> ", lab.steps(), lab.elapsed());
        let Some(line) = shell.ask(prompt, None)? else { return Ok(Next::Quit(lab.steps())) };
        let mut steps = 0;
        let mut goal = None;
        match shell.parse(&line) {
            Err(what) => shown.say(&what),
            Ok(Command::Back) => return Ok(Next::Again(lab.steps().saturating_sub(1))),
            Ok(Command::Drop(wanted)) => match in_flight(lab, wanted) {
                Some(frame) => {
                    lab.wire.remove(frame);
                    dropped.push((lab.steps(), frame));
                    shown.say(&format!("frame {frame} is dropped"));
                }
                None => shown.say(&match wanted {
                    None => "no frame is in flight".to_owned(),
                    Some(frame) => format!("frame {frame} is not in flight: f shows the frames in flight"),
                }),
            },
            Ok(Command::Frame) => frames(lab, shown),
            Ok(Command::Go(step)) if step < lab.steps() => return Ok(Next::Again(step)),
            Ok(Command::Go(step)) => steps = step - lab.steps(),
            Ok(Command::Help) => shown.say(shell.help()),
            Ok(Command::Next(count)) => steps = count,
            Ok(Command::Quit) => return Ok(Next::Quit(lab.steps())),
            Ok(Command::Save(None)) if args.pcap.is_none() && Path::new(UNNAMED).exists() => {
                shown.say(&format!("{UNNAMED} exists: type p FILE, which may be the same file"));
            }
            Ok(Command::Save(file)) => {
                let named = file.map(PathBuf::from).or_else(|| args.pcap.clone());
                let path = named.unwrap_or_else(|| UNNAMED.into());
                let again = Run { setup: run.setup, dropped: dropped.clone(), until: None };
                match outputs::save(&again, lab.steps(), &path) {
                    Ok(()) => shown.say(&format!("saved to {}", path.display())),
                    Err(failure) => shown.say(&failure.to_string()),
                }
            }
            Ok(Command::Sockets) => sockets(lab, shown),
            Ok(Command::Until(what)) => {
                steps = u32::MAX;
                goal = Some(what);
            }
        }
        for _ in 0..steps {
            let (before, states) = (lab.steps(), lab.states());
            let mut reached = false;
            let stepped = run.step(lab, &mut |snapshot, _| {
                shown.row(snapshot);
                reached |= match (goal, snapshot.entry.what) {
                    (Some(Goal::State(end, state)), _) => [0, 1]
                        .iter()
                        .any(|&host| end.is_none_or(|end| end == host) && enters(snapshot, states, host, state)),
                    (Some(Goal::Frame(kind)), What::Arrived { summary, .. } | What::Sent { summary, .. }) => {
                        kind.matches(&summary)
                    }
                    _ => false,
                };
            });
            over |= stepped != Stepped::On;
            if over {
                shown.say(if stepped == Stepped::Limit { "the limit is reached" } else { "the run is over" });
            }
            if over || reached || lab.steps() == before {
                break;
            }
        }
    }
}

/// Returns the frame in flight with this number, or the most recently sent frame in flight.
fn in_flight(lab: &HostLab<'_>, wanted: Option<u32>) -> Option<u32> {
    lab.wire.in_flight().map(|(id, ..)| id).filter(|id| wanted.is_none_or(|wanted| wanted == *id)).max()
}

fn frames(lab: &HostLab<'_>, shown: &mut Shown) {
    let mut none = true;
    for (id, from, to, at, bytes) in lab.wire.in_flight() {
        none = false;
        let name = |host| if host == 0 { "client" } else { "server" };
        let left = if at > lab.now() { at - lab.now() } else { smoltcp::time::Duration::ZERO };
        shown.say(&format!("frame {id}, {} to {}, arrives in {left}, {} bytes", name(from), name(to), bytes.len()));
        shown.say(Fields(bytes).to_string().trim_end());
    }
    if none {
        shown.say("no frame is in flight");
    }
}
