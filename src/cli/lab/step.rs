//! `lab --step`: stops after each step, so that the user can look, drop a frame, go back, or try another run.

use std::path::{Path, PathBuf};

use super::args::LabArgs;
use super::outputs::{self, Shown};
use super::runs::Runs;
use crate::cli::error::Failure;
use crate::cli::shell::{Command, Shell};
use crate::lab::lang::Lang;
use crate::lab::run::{ByHand, Change, Goal, HostLab, MAX_BY_HAND, Run, Stepped, Windows, ends, has_checksum};
use crate::lab::show::{In, host_name, table};
use crate::lab::tokens::visible;
use crate::lab::{Setup, Verdict};
use crate::trace::Fields;

/// The name of the capture that `save` writes if the user gives none.
const UNNAMED: &str = "lab.pcapng";

/// The user's choice that ended a session at the prompt.
enum Next {
    /// Run again from the start, up to this step.
    Again(u32),
    /// Switch to another run, at the step at which the user left that run.
    Other,
    /// Leave the prompt at this step.
    Quit(u32),
}

/// Lets the user step through a run; returns the step at which the user left. Stores the user's manual changes in
/// `run.by_hand`, so that the caller can repeat the run.
///
/// # Errors
/// Fails if the set-up is invalid, or if standard input or output has failed.
pub fn step(run: &mut Run<'_>, args: &LabArgs) -> Result<u32, Failure> {
    let mut shown = Shown::of(args);
    // The step at which the prompt continues.
    let mut start = 0;
    // With --until, first run to the event that the option names, without a prompt.
    if run.until.is_some() {
        start = run.record(None, &mut |snapshot, _| shown.print_row(snapshot)).map_err(Failure::usage)?.steps;
        run.until = None;
    }
    let mut session = Session { setup: run.setup, args, shell: Shell::lab(args.lang()), shown, runs: Runs::new() };
    loop {
        let replay = session.run();
        // Each `Next` but `Quit` begins a new lab, because a lab cannot go back.
        let next = replay
            .with_lab(|lab| {
                // Repeat the run up to the step at which the prompt continues.
                while lab.steps() < start && replay.step(lab, &mut |_, _| {}) == Stepped::On {}
                session.interact(lab, &replay)
            })
            .map_err(Failure::usage)??;
        match next {
            Next::Again(step) => {
                session.runs.go_back(step);
                start = step;
            }
            Next::Other => start = session.runs.step(),
            Next::Quit(step) => {
                run.by_hand = session.run().by_hand;
                return Ok(step);
            }
        }
    }
}

/// The prompt, and the runs that the user has tried.
struct Session<'a, 's> {
    setup: &'s Setup<'s>,
    args: &'a LabArgs,
    shell: Shell,
    shown: Shown,
    runs: Runs,
}

impl<'s> Session<'_, 's> {
    /// Returns the present run with its manual changes, to be repeated from the start.
    fn run(&self) -> Run<'s> {
        Run { by_hand: self.runs.by_hand().to_vec(), ..Run::new(self.setup) }
    }

    /// Carries out commands until a command needs another run or ends the session.
    fn interact(&mut self, lab: &mut HostLab<'_>, run: &Run<'s>) -> Result<Next, Failure> {
        loop {
            let prompt = format_args!("{}step {} {}> ", self.runs.prompt(), lab.steps(), lab.elapsed());
            // The end of input has the same effect as the command `quit`.
            let Some(line) = self.shell.ask(prompt, None)? else { return Ok(Next::Quit(lab.steps())) };
            self.runs.set_step(lab.steps());
            match self.shell.parse(&line) {
                Err(what) => self.shown.say(&what),
                Ok(Command::Alter(fault, wanted)) => self.alter(lab, fault, wanted),
                Ok(Command::Back) => return Ok(Next::Again(lab.steps().saturating_sub(1))),
                Ok(Command::Branch(None)) => match self.runs.branch(self.shown.lang()) {
                    Ok(()) => self.list(),
                    Err(what) => self.shown.say(&what),
                },
                Ok(Command::Branch(Some(name))) => match self.runs.switch(&name, self.shown.lang()) {
                    Ok(()) => return Ok(Next::Other),
                    Err(what) => self.shown.say(&what),
                },
                Ok(Command::Branches) => self.list(),
                Ok(Command::Compare(name)) => match self.runs.compare(self.setup, name.as_deref(), self.shown.ladder())
                {
                    Ok(lines) => lines.iter().for_each(|line| self.shown.say(line)),
                    Err(failure) => self.shown.say(&failure.in_lang(self.shown.lang()).to_string()),
                },
                Ok(Command::Frame) => show_frames(lab, &mut self.shown),
                Ok(Command::Go(step)) if step < lab.steps() => return Ok(Next::Again(step)),
                Ok(Command::Go(step)) => self.take_steps(lab, run, step - lab.steps(), None),
                Ok(Command::Help) => self.shown.say(self.shell.help()),
                Ok(Command::Inject(to, text)) => {
                    // `report`, below, needs the states before the segment.
                    let (states, ends) = (lab.states(), ends(lab, self.setup, to));
                    self.change(lab, Change::Segment(to, ends, text));
                    // Show the entries that the segment has caused, because no step will show them.
                    run.report(lab, states, &mut Windows::default(), &mut |snapshot, _| self.shown.print_row(snapshot));
                }
                Ok(Command::Next(count)) => self.take_steps(lab, run, count, None),
                Ok(Command::Quit) => return Ok(Next::Quit(lab.steps())),
                Ok(Command::Save(file)) => self.save(lab.steps(), file),
                Ok(Command::Sockets) => {
                    table(lab, self.shown.lang()).iter().for_each(|line| self.shown.say(line));
                }
                Ok(Command::Until(goal)) => self.take_steps(lab, run, u32::MAX, Some(goal)),
            }
        }
    }

    /// Takes `count` steps, or fewer if the goal is reached, or if the run ends or reaches its limit.
    fn take_steps(&mut self, lab: &mut HostLab<'_>, run: &Run<'_>, count: u32, goal: Option<Goal>) {
        // A command for a single step prints the step even if only the clock advances, so that it always prints
        // something.
        self.shown.clock = self.args.clock || count == 1;
        let run = Run { until: goal, ..run.clone() };
        for _ in 0..count {
            let steps_before = lab.steps();
            let stepped = run.step(lab, &mut |snapshot, _| self.shown.print_row(snapshot));
            match stepped {
                Stepped::On | Stepped::There => {}
                Stepped::End => self.shown.say(self.pick("the run is over", "运行结束")),
                Stepped::Limit => self.shown.say(self.pick("the limit is reached", "达到了时限")),
            }
            // The run cannot go on, or the goal is reached.
            if stepped != Stepped::On || lab.steps() == steps_before {
                break;
            }
        }
    }

    /// Drops, delays, duplicates or corrupts a frame in flight, and prints what happened to the frame. `wanted` is the
    /// frame's number. Without a number, the frame is the most recently sent one.
    fn alter(&mut self, lab: &mut HostLab<'_>, fault: Verdict, wanted: Option<u32>) {
        let Some(frame) = in_flight(lab, wanted) else {
            return self.shown.say(&match (wanted, self.shown.lang()) {
                (None, lang) => lang.pick("no frame is in flight", "没有在途的帧").to_owned(),
                (Some(frame), Lang::En) => format!("frame {frame} is not in flight: frames shows the frames in flight"),
                (Some(frame), Lang::Zh) => format!("帧 {frame} 不在途中：frames 显示在途的帧"),
            });
        };
        if fault == Verdict::Corrupt && !has_checksum(lab, frame) {
            return self.shown.say(&match self.shown.lang() {
                Lang::En => format!("frame {frame} is not an IP packet: ARP has no checksum, so it would arrive"),
                Lang::Zh => format!("帧 {frame} 不是 IP 分组：ARP 没有校验和，损坏了也会被接收"),
            });
        }
        if self.change(lab, Change::Frame(frame, fault)) {
            let lang = self.shown.lang();
            let fault = In(lang, fault);
            self.shown.say(&match lang {
                Lang::En => format!("frame {frame} is {fault}"),
                Lang::Zh => format!("帧 {frame}：{fault}"),
            });
        }
    }

    /// Makes a change, and keeps it for the next time that this run is repeated. If the change is not possible, says
    /// why and returns false.
    fn change(&mut self, lab: &mut HostLab<'_>, what: Change) -> bool {
        let by_hand = ByHand { after: lab.steps(), what };
        if self.runs.by_hand().len() >= MAX_BY_HAND {
            self.shown.say(&match self.shown.lang() {
                Lang::En => format!("too many changes: a run takes {MAX_BY_HAND}"),
                Lang::Zh => format!("改动太多：一次运行最多 {MAX_BY_HAND} 处"),
            });
            return false;
        }
        let is_made = by_hand.apply(lab, self.setup);
        if is_made {
            self.runs.add(by_hand);
        } else {
            self.shown.say(self.pick("there is no room on the wire for one more frame", "网线上容不下更多的帧"));
        }
        is_made
    }

    fn pick(&self, english: &'static str, chinese: &'static str) -> &'static str {
        self.shown.lang().pick(english, chinese)
    }

    /// Prints a line for each run.
    fn list(&mut self) {
        self.runs.list(self.shown.lang()).iter().for_each(|line| self.shown.say(line));
    }

    /// Saves a capture of the run up to step `upto`. The file is `file`, or else the file of --pcap, or else the
    /// default file [`UNNAMED`]. If the default file exists already, it is not replaced.
    fn save(&mut self, upto: u32, file: Option<String>) {
        let pcap = self.args.pcap.as_ref();
        if file.is_none() && pcap.is_none() && Path::new(UNNAMED).exists() {
            return self.shown.say(&match self.shown.lang() {
                Lang::En => format!("{UNNAMED} exists: type save FILE, which may be the same file"),
                Lang::Zh => format!("{UNNAMED} 已存在：输入 save FILE，也可以是同一个文件"),
            });
        }
        let path = file.map(PathBuf::from).or_else(|| pcap.cloned()).unwrap_or_else(|| UNNAMED.into());
        match outputs::save(&self.run(), upto, &path) {
            Ok(()) => {
                self.shown.say(&format!("{}{}", self.pick("saved to ", "已保存到 "), visible(&path.to_string_lossy())))
            }
            Err(failure) => self.shown.say(&failure.in_lang(self.shown.lang()).to_string()),
        }
    }
}

/// Returns the frame in flight with this number, or the most recently sent frame in flight.
fn in_flight(lab: &HostLab<'_>, wanted: Option<u32>) -> Option<u32> {
    lab.wire.in_flight().map(|(id, ..)| id).filter(|id| wanted.is_none_or(|wanted| wanted == *id)).max()
}

/// Shows the frames in flight, field by field.
fn show_frames(lab: &HostLab<'_>, shown: &mut Shown) {
    let (mut none, lang) = (true, shown.lang());
    for (id, from, to, at, bytes) in lab.wire.in_flight() {
        none = false;
        let [from, to] = [from, to].map(|host| host_name(host, lang));
        let remaining = if at > lab.now() { at - lab.now() } else { smoltcp::time::Duration::ZERO };
        let count = bytes.len();
        shown.say(&match lang {
            Lang::En => format!("frame {id}, {from} to {to}, arrives in {remaining}, {count} bytes"),
            Lang::Zh => format!("帧 {id}，{from}到{to}，{remaining} 后到达，{count} 字节"),
        });
        shown.say(Fields(bytes).to_string().trim_end());
    }
    if none {
        shown.say(lang.pick("no frame is in flight", "没有在途的帧"));
    }
}
