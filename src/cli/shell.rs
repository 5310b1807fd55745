//! The commands at the prompt of `lab --step` and `serve --step`. shell/input.rs reads the lines.

mod chinese;
mod input;
mod keyboard;

use core::fmt::Display;

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::error::Failure;
use super::suggest::{did_you_mean, nearest};
use super::values::duration;
use crate::host::Interrupt;
use crate::lab::Verdict;
use crate::lab::figure::NAMES;
use crate::lab::lang::Lang;
use crate::lab::messages;
use crate::lab::packetdrill::segment::{self, SegmentText};
use crate::lab::run::{self, Goal, GoalError};
use crate::lab::tokens::clip;
use chinese::FRAMES_ZH;
use input::Input;

/// A command at the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Drop, delay, duplicate or corrupt a frame in flight: the frame with this number, or the most recently sent
    /// frame.
    Alter(Verdict, Option<u32>),
    /// Go back one step.
    Back,
    /// Switch to the run with this name. Without a name, keep this run and continue with a copy.
    Branch(Option<String>),
    /// List the runs.
    Branches,
    /// Show this run and the run with this name, from the event at which they begin to differ. Without a name, show the
    /// newest other run.
    Compare(Option<String>),
    /// Show the bytes of the frames in flight.
    Frame,
    /// Go forward or back to this step.
    Go(u32),
    /// Show the list of commands.
    Help,
    /// Put a segment on the wire that arrives at this host, although no host has sent it.
    Inject(usize, SegmentText),
    /// Take this number of steps.
    Next(u32),
    /// Leave the prompt.
    Quit,
    /// Save a capture of the run so far in this file, or in a default file.
    Save(Option<String>),
    /// Show both ends of every connection.
    Sockets,
    /// Run until an event.
    Until(Goal),
}

/// The kinds of frames that the command `until` accepts.
const FRAMES: &str = "tcp, syn, synack, ack, data, fin, rst, udp, icmp, arp or packet (any IP packet)";

/// A command of the prompt: its two names and its usage.
struct Word {
    name: &'static str,
    /// The abbreviation, or an empty string if there is none.
    short: &'static str,
    usage: &'static str,
    /// Whether the command is only for the lab.
    is_for_lab: bool,
}

const fn word(name: &'static str, short: &'static str, is_for_lab: bool, usage: &'static str) -> Word {
    Word { name, short, usage, is_for_lab }
}

const WORDS: [Word; 19] = [
    word("step", "", false, "step or step N, as in step 12"),
    word("until", "u", false, "until EVENT, as in until ESTABLISHED or until syn"),
    word("back", "b", true, "back alone"),
    word("goto", "g", true, "goto STEP, as in goto 12"),
    word("drop", "d", true, "drop or drop FRAME, as in drop 4"),
    word("delay", "", true, "delay, delay FRAME or delay FRAME TIME, as in delay 4 300ms"),
    word("duplicate", "", true, "duplicate or duplicate FRAME, as in duplicate 4"),
    word("corrupt", "", true, "corrupt or corrupt FRAME, as in corrupt 4"),
    word("inject", "i", true, "inject client < SEGMENT or inject server < SEGMENT, as in inject client < R 1:1(0)"),
    word("sockets", "s", false, "sockets alone"),
    word("frames", "f", true, "frames alone"),
    word("branch", "", true, "branch to keep this run, or branch RUN to switch, as in branch a"),
    word("branches", "", true, "branches alone"),
    word("compare", "", true, "compare or compare RUN, as in compare a"),
    word("save", "p", true, "save or save FILE, as in save lost.pcapng"),
    word("help", "h", false, "help alone"),
    word("?", "?", false, "? alone"),
    word("quit", "q", false, "quit alone"),
    word("exit", "", false, "exit alone"),
];

/// The time by which `delay` delays a frame if the command names no time.
const DELAY: Duration = Duration::from_millis(300);

/// A prompt: the set of commands that it accepts, and the input that is not parsed yet.
#[derive(Debug)]
pub struct Shell {
    is_live: bool,
    lang: Lang,
    /// Opened at the first prompt.
    input: Option<Input>,
}

impl Shell {
    /// Returns the prompt of `lab --step`, with commands to go back and to drop frames.
    pub fn lab(lang: Lang) -> Self {
        Shell { is_live: false, lang, input: None }
    }

    /// Returns the prompt of `serve --step`, without the commands that only the lab supports.
    pub fn live() -> Self {
        Shell { is_live: true, lang: Lang::En, input: None }
    }

    /// Returns the list of commands.
    pub fn help(&self) -> &'static str {
        if self.lang == Lang::Zh {
            chinese::HELP
        } else if self.is_live {
            "\
Enter, step N      take a step, or N steps; N alone does the same
u, until STATE     run until a connection reaches it, as in u ESTABLISHED or u est
u, until FRAME     run to the next tcp, syn, synack, ack, data, fin, rst, udp, arp, icmp, packet
s, sockets         show both ends
q, quit            close the connections and end
At a terminal, typing a line stops a run. Enter alone then does nothing else."
        } else {
            "\
Enter, step N      take a step, or N steps; N alone does the same
u, until STATE     run until an end enters it, as in u ESTABLISHED, u est or u client=est
u, until FRAME     run to the next tcp, syn, synack, ack, data, fin, rst, udp, arp, icmp, packet
u, until loss      run to the next frame that is lost; also state, time=2s and step=40
b, back            go back a step
g, goto K          go to step K
d, drop N          drop frame N; without N, the frame in flight that was sent last
duplicate N        deliver frame N twice; corrupt N damages it
delay N TIME       delay frame N, as in delay 4 300ms
i, inject          put a segment on the wire: inject client < R 1:1(0) arrives at the client
s, sockets         show both ends
f, frames          show the frames in flight, field by field
branch             keep this run, and continue with a copy; branch a switches to run a
branches           list the runs
compare a          show run a and this run from where they differ
p, save FILE       save a capture
q, quit            end"
        }
    }

    /// Shows the prompt and waits for a line. Returns `None` at the end of input or when `interrupt` requests a stop.
    ///
    /// # Errors
    /// Fails if standard input or output has failed.
    pub fn ask(
        &mut self,
        prompt: impl Display,
        interrupt: Option<&mut dyn Interrupt>,
    ) -> Result<Option<String>, Failure> {
        self.input.get_or_insert_with(Input::open).ask(prompt.to_string(), interrupt)
    }

    /// Returns whether the user has typed a line at a terminal. Always returns false for a pipe, because only the
    /// prompt reads lines from a pipe.
    pub fn has_line(&self) -> bool {
        input::has_line()
    }

    /// Parses a line. An empty line takes one step, and a number alone takes that many steps.
    ///
    /// # Errors
    /// The error is one line that describes the problem.
    pub fn parse(&self, line: &str) -> Result<Command, String> {
        let line = line.trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((&first, arguments)) = words.split_first() else { return Ok(Command::Next(1)) };
        if arguments.is_empty() && first.starts_with(|c: char| c.is_ascii_digit()) {
            return number(first, self.lang).map(Command::Next);
        }
        let lang = self.lang;
        let name = first.to_ascii_lowercase();
        let Some(word) = WORDS.iter().find(|word| word.name == name || word.short == name) else {
            return Err(self.unknown(line, &name));
        };
        if word.is_for_lab && self.is_live {
            return Err(format!("'{}' is for smolstep lab: {}", clip(line), self.names()));
        }
        let in_lab = !self.is_live;
        let alter =
            |verdict: Verdict, frame: &str| number(frame, lang).map(|frame| Command::Alter(verdict, Some(frame)));
        match (word.name, arguments) {
            ("step", []) => Ok(Command::Next(1)),
            ("step", [count]) => number(count, lang).map(Command::Next),
            ("until", [name]) => goal(name, in_lab, lang).map(Command::Until),
            ("until", []) if lang == Lang::Zh => {
                Err(format!("until 要有一个状态，如 until ESTABLISHED，或一种帧：{FRAMES_ZH}"))
            }
            ("until", []) => Err(format!("until needs a state, as in until ESTABLISHED, or a frame: {FRAMES}")),
            ("back", []) => Ok(Command::Back),
            ("goto", [step]) => number(step, lang).map(Command::Go),
            ("drop", []) => Ok(Command::Alter(Verdict::Drop, None)),
            ("drop", [frame]) => alter(Verdict::Drop, frame),
            ("delay", []) => Ok(Command::Alter(Verdict::Delay(DELAY), None)),
            // A word that ends in a unit is a time, not a frame, as in delay 300ms.
            ("delay", [frame]) if frame.ends_with('s') => {
                span(frame, lang).map(|by| Command::Alter(Verdict::Delay(by), None))
            }
            ("delay", [frame]) => alter(Verdict::Delay(DELAY), frame),
            ("delay", [frame, time]) => alter(Verdict::Delay(span(time, lang)?), frame),
            ("duplicate", []) => Ok(Command::Alter(Verdict::Duplicate, None)),
            ("duplicate", [frame]) => alter(Verdict::Duplicate, frame),
            ("corrupt", []) => Ok(Command::Alter(Verdict::Corrupt, None)),
            ("corrupt", [frame]) => alter(Verdict::Corrupt, frame),
            ("inject", [_, ..]) => inject(line.get(first.len()..).unwrap_or_default(), word.usage, lang),
            ("sockets", []) => Ok(Command::Sockets),
            ("frames", []) => Ok(Command::Frame),
            ("branch", []) => Ok(Command::Branch(None)),
            ("branch", [run]) => Ok(Command::Branch(Some((*run).into()))),
            ("branches", []) => Ok(Command::Branches),
            ("compare", []) => Ok(Command::Compare(None)),
            ("compare", [run]) => Ok(Command::Compare(Some((*run).into()))),
            ("save", []) => Ok(Command::Save(None)),
            ("save", [file]) => Ok(Command::Save(Some((*file).into()))),
            ("help" | "?", []) => Ok(Command::Help),
            ("quit" | "exit", []) => Ok(Command::Quit),
            _ if lang == Lang::Zh => Err(format!("'{}' 的参数个数不对：? 列出用法", clip(line))),
            _ => Err(format!("'{}' has too many words or too few: type {}", clip(line), word.usage)),
        }
    }

    /// Returns the error for the unknown command `name` in `line`.
    fn unknown(&self, line: &str, name: &str) -> String {
        let names = WORDS.iter().filter(|word| !(word.is_for_lab && self.is_live)).map(|word| word.name);
        let near = nearest(name, names);
        if self.lang == Lang::Zh {
            let near = near.map_or(String::new(), |near| format!("是不是 '{near}'？"));
            return format!("不认识 '{}'：{near}? 列出全部命令", clip(line));
        }
        let near = near.map_or(String::new(), |near| format!("did you mean '{near}'? "));
        format!("'{}' is not understood: {near}{}", clip(line), self.names())
    }

    /// Returns the list of commands, in one line.
    fn names(&self) -> &'static str {
        if self.is_live {
            "type Enter, a number, step, until, sockets, quit or help"
        } else {
            "type Enter, a number, step, until, back, goto, drop, delay, duplicate, corrupt, inject, sockets, frames, \
             branch, branches, compare, save, quit or help"
        }
    }
}

/// Returns the TCP state that RFC 9293 calls `name`, or the only state whose name starts with `name`.
///
/// # Errors
/// The error is one line that suggests a name or lists all names.
pub fn state(name: &str) -> Result<State, String> {
    run::state(name).ok_or_else(|| format!("unknown state '{}': {}", clip(name), did_you_mean(name, &NAMES)))
}

/// Parses the event of the command `until`. The prompt of `serve --step` accepts only a frame, or a state without the
/// name of a side.
fn goal(word: &str, in_lab: bool, lang: Lang) -> Result<Goal, String> {
    let goal = Goal::parse(word, |word| duration(word).ok().map(Into::into));
    let is_allowed = |goal: &Goal| in_lab || matches!(goal, Goal::Frame(_) | Goal::State(None, _));
    // Returns the error about an unknown state.
    let in_state = |name| state_in(name, lang).err().unwrap_or_default();
    // An arm either returns, or yields the text of the error. `number` and `span` parse the wrong part of the event
    // again, because their errors are in `lang`.
    Err(match goal {
        Ok(goal) if is_allowed(&goal) => return Ok(goal),
        Err(GoalError::Number(word)) if in_lab => return number(word, lang).map(Goal::Step),
        Err(GoalError::State(name)) if in_lab => in_state(name),
        Err(GoalError::Time(time)) if in_lab => return span(time, lang).map(Goal::Time),
        _ => match lang {
            Lang::En => {
                let more = "; other events are client=STATE, server=STATE, loss, state, time=2s and step=40";
                let more = if in_lab { more } else { "" };
                format!("{}; frames are {FRAMES}{more}", in_state(word))
            }
            Lang::Zh => format!(
                "{}；帧有 {FRAMES_ZH}；此外还有 client=STATE、server=STATE、loss、state、time=2s 和 step=40",
                in_state(word)
            ),
        },
    })
}

/// Parses the words after `inject`: a host, `<` or `>`, and a segment. As in packetdrill, a segment after `<` arrives
/// at the host. A segment after `>` comes from the host and arrives at the other host.
fn inject(words: &str, usage: &str, lang: Lang) -> Result<Command, String> {
    let (host, rest) = words.trim_start().split_once(char::is_whitespace).unwrap_or_default();
    // The client is host 0, and the server is host 1.
    let host = ["client", "server"].iter().position(|name| host.eq_ignore_ascii_case(name));
    let rest = rest.trim_start();
    let (to, text) = match (host, rest.strip_prefix('<'), rest.strip_prefix('>')) {
        (Some(host), Some(text), _) => (host, text),
        (Some(host), _, Some(text)) => (1 - host, text),
        _ if lang == Lang::Zh => return Err("inject 的用法如：inject client < R 1:1(0)".into()),
        _ => return Err(format!("type {usage}")),
    };
    let segment = segment::parse(text.trim_start());
    let segment = segment
        .map_err(|error| messages::in_lang(&format!("column {} of the segment: {error}", error.column), lang))?;
    Ok(Command::Inject(to, segment))
}

/// Finds a state by its name, as [`state`] does. The error is in the language `lang`.
fn state_in(name: &str, lang: Lang) -> Result<State, String> {
    state(name).map_err(|what| match lang {
        Lang::En => what,
        Lang::Zh => format!("没有状态 '{}'：有 {}", clip(name), NAMES.join("、")),
    })
}

/// Parses a duration. The error is in the language `lang`.
fn span(time: &str, lang: Lang) -> Result<Duration, String> {
    duration(time).map(Into::into).map_err(|what| match lang {
        Lang::En => format!("'{}': {what}", clip(time)),
        Lang::Zh => format!("'{}' 应为带单位的时间，如 300ms", clip(time)),
    })
}

/// Parses a whole number. The error is in the language `lang`.
fn number(word: &str, lang: Lang) -> Result<u32, String> {
    word.parse().map_err(|_| match lang {
        Lang::En => format!("'{}' should be a number up to {}", clip(word), u32::MAX),
        Lang::Zh => format!("'{}' 应为不超过 {} 的整数", clip(word), u32::MAX),
    })
}

#[cfg(test)]
mod tests;
