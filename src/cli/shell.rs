//! The prompt of `lab --step` and `serve --step`: reads lines and parses their commands.

use core::fmt::Display;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use smoltcp::socket::tcp::State;

use super::error::Failure;
use super::output::say;
use super::suggest::did_you_mean;
use crate::host::{Interrupt, Verdict};
use crate::lab::Kind;
use crate::trace::{Carries, Summary};

/// A command at the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Go back one step.
    Back,
    /// Drop the frame in flight with this number, or the most recently sent frame in flight.
    Drop(Option<u32>),
    /// Show the bytes of the frames in flight.
    Frame,
    /// Go to a step.
    Go(u32),
    /// Show the list of commands.
    Help,
    /// Take several steps.
    Next(u32),
    /// Leave the prompt.
    Quit,
    /// Save a capture of the run so far in this file.
    Save(Option<String>),
    /// Show both ends of every connection.
    Sockets,
    /// Run until an event.
    Until(Goal),
}

/// The event at which a run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A frame of this kind is sent or arrives.
    Frame(Protocol),
    /// One end enters this state: the client (0), the server (1) or either.
    State(Option<usize>, State),
}

/// A kind of frame, by its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// ARP.
    Arp,
    /// ICMP or ICMPv6.
    Icmp,
    /// A kind of frame that `--fault` can also name.
    Kind(Kind),
    /// Any TCP segment.
    Tcp,
}

/// The kinds of frames that the command `u` accepts.
const FRAMES: &str = "tcp, syn, synack, ack, data, fin, rst, udp, icmp, arp or any (any IP packet)";

/// A prompt: the set of commands that it accepts, and the input that is not parsed yet.
#[derive(Debug)]
pub struct Shell {
    is_live: bool,
    typed: Vec<u8>,
}

/// The longest command, in bytes.
const LONGEST: usize = 4096;

impl Shell {
    /// Returns the prompt of `lab --step`, with commands to go back and to drop frames.
    pub fn lab() -> Self {
        Shell { is_live: false, typed: Vec::new() }
    }

    /// Returns the prompt of `serve --step`, without the commands that only the lab supports.
    pub fn live() -> Self {
        Shell { is_live: true, typed: Vec::new() }
    }

    /// Returns the list of commands.
    pub fn help(&self) -> &'static str {
        if self.is_live {
            "\
Enter      take a step            N Enter    take N steps
u STATE    run until a connection reaches it, as in u ESTABLISHED
u FRAME    run to the next one: tcp, syn, synack, ack, data, fin, rst, udp, icmp, arp, any
s          show both ends         q          close the connections and end
At a terminal, typing a line stops a run. Enter alone then does nothing else."
        } else {
            "\
Enter      take a step            N Enter    take N steps
u STATE    run until an end enters it, as in u ESTABLISHED, u est or u client=est
u FRAME    run to the next one: tcp, syn, synack, ack, data, fin, rst, udp, icmp, arp, any
b          go back a step         g K        go to step K
d, d N     drop the frame in flight that was sent last, or frame N
s          show both ends         f          show the frames in flight, field by field
p, p FILE  save a capture         q          end"
        }
    }

    /// Shows the prompt and waits for a line. Returns `None` at the end of input or when `interrupt` requests a stop.
    ///
    /// # Errors
    /// Fails if standard input or output has failed.
    pub fn ask(
        &mut self,
        prompt: impl Display,
        mut interrupt: Option<&mut dyn Interrupt>,
    ) -> Result<Option<String>, Failure> {
        say(prompt)?;
        loop {
            let newline = self.typed.iter().position(|byte| *byte == b'\n');
            if let Some(end) = newline.or((self.typed.len() >= LONGEST).then_some(LONGEST - 1)) {
                return Ok(Some(text(self.typed.drain(..=end))));
            }
            let goes_on = wait(&mut interrupt)?;
            if goes_on && self.read()? {
                continue;
            }
            if goes_on && !self.typed.is_empty() {
                return Ok(Some(text(self.typed.drain(..))));
            }
            // On a terminal, the cursor is still after the prompt, so start a new line.
            return if io::stdin().is_terminal() { say("\n").map(|()| None) } else { Ok(None) };
        }
    }

    /// Returns whether the user has typed a line at a terminal. Always returns false for a pipe, because only the
    /// prompt reads lines from a pipe.
    pub fn has_line(&self) -> bool {
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        stdin.is_terminal() && poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Reads the input that is ready. Returns false at the end of input.
    fn read(&mut self) -> Result<bool, Failure> {
        let mut bytes = [0; LONGEST];
        match rustix::io::read(io::stdin(), &mut bytes) {
            Ok(count) => {
                self.typed.extend_from_slice(&bytes[..count]);
                Ok(count > 0)
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(true),
            Err(error) => Err(Failure::run(format_args!("standard input: {error}"))),
        }
    }

    /// Parses a line.
    ///
    /// # Errors
    /// The error is one line that describes the problem.
    pub fn parse(&self, line: &str) -> Result<Command, String> {
        let keys = if self.is_live {
            "Enter, a number, u STATE, u FRAME, s, q or ?"
        } else {
            "Enter, a number, u STATE, u FRAME, b, g STEP, d, d N, s, f, p, p FILE, q or ?"
        };
        let mut words = line.split_whitespace();
        let (word, argument) = (words.next(), words.next());
        if words.next().is_some() {
            return Err(format!("too many words: type {keys}"));
        }
        let in_lab = !self.is_live;
        match (word, argument) {
            (None, _) => Ok(Command::Next(1)),
            (Some("b"), None) if in_lab => Ok(Command::Back),
            (Some("d"), frame) if in_lab => frame.map(number).transpose().map(Command::Drop),
            (Some("f"), None) if in_lab => Ok(Command::Frame),
            (Some("g"), Some(step)) if in_lab => number(step).map(Command::Go),
            (Some("p"), file) if in_lab => Ok(Command::Save(file.map(Into::into))),
            (Some("q"), None) => Ok(Command::Quit),
            (Some("s"), None) => Ok(Command::Sockets),
            (Some("u"), Some(name)) => goal(name, in_lab).map(Command::Until),
            (Some("?" | "h" | "help"), None) => Ok(Command::Help),
            (Some("g"), None) if in_lab => Err("g wants a step's number, as in g 12".into()),
            (Some("u"), None) => Err(format!("u wants a state, as in u ESTABLISHED, or a frame: {FRAMES}")),
            (Some("b" | "d" | "f" | "g" | "p"), _) if self.is_live => {
                Err(format!("'{}' is for smolstep lab: type {keys}", line.trim().escape_debug()))
            }
            (Some(count), None) if count.starts_with(|c: char| c.is_ascii_digit()) => number(count).map(Command::Next),
            (Some(_), _) => Err(format!("'{}' is not understood: type {keys}", line.trim().escape_debug())),
        }
    }
}

impl Protocol {
    /// Returns whether a frame is of this kind.
    pub fn matches(self, summary: &Summary) -> bool {
        match self {
            Protocol::Arp => matches!(summary.carries, Carries::ArpReply | Carries::ArpRequest),
            Protocol::Icmp => matches!(summary.carries, Carries::Icmp(..) | Carries::Icmpv6(..)),
            Protocol::Kind(kind) => kind.matches(summary),
            Protocol::Tcp => summary.segment().is_some(),
        }
    }
}

/// Returns the TCP state that RFC 9293 calls `name`, or the only state whose name starts with `name`.
///
/// # Errors
/// The error is one line that suggests a name or lists all names.
pub fn state(name: &str) -> Result<State, String> {
    use State::*;
    let all =
        [Closed, Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait];
    let begins = |state: &State| {
        let full = state.to_string();
        full.get(..name.len()).is_some_and(|start| !name.is_empty() && start.eq_ignore_ascii_case(name))
    };
    let mut named = all.into_iter().filter(begins);
    // Either the whole name, or a prefix that only one state has.
    let exact = all.into_iter().find(|state| state.to_string().eq_ignore_ascii_case(name));
    let only = named.next().filter(|_| named.next().is_none());
    exact.or(only).ok_or_else(|| {
        let names = all.map(|state| state.to_string());
        format!(
            "unknown state '{}': {}",
            name.escape_debug(),
            did_you_mean(name, &names.each_ref().map(String::as_str))
        )
    })
}

fn goal(name: &str, has_ends: bool) -> Result<Goal, String> {
    match name.split_once('=') {
        Some(("client", name)) if has_ends => return state(name).map(|state| Goal::State(Some(0), state)),
        Some(("server", name)) if has_ends => return state(name).map(|state| Goal::State(Some(1), state)),
        _ => {}
    }
    let protocol = match name.to_ascii_lowercase().as_str() {
        "arp" => Some(Protocol::Arp),
        "icmp" => Some(Protocol::Icmp),
        "tcp" => Some(Protocol::Tcp),
        name => Kind::named(name).map(Protocol::Kind),
    };
    match protocol {
        Some(protocol) => Ok(Goal::Frame(protocol)),
        None => {
            state(name).map(|state| Goal::State(None, state)).map_err(|what| format!("{what}; frames are {FRAMES}"))
        }
    }
}

fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("'{}' should be a number up to {}", word.escape_debug(), u32::MAX))
}

/// Waits until standard input is ready. Returns false if the interrupt requests a stop first.
fn wait(interrupt: &mut Option<&mut dyn Interrupt>) -> Result<bool, Failure> {
    let stdin = io::stdin();
    loop {
        let ready = {
            let files = [Some(stdin.as_fd()), interrupt.as_ref().and_then(|interrupt| interrupt.files()[0])];
            let mut fds: heapless::Vec<PollFd<'_>, 2> =
                files.into_iter().flatten().map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(Failure::run(format_args!("standard input: {error}"))),
            }
            !fds[0].revents().is_empty()
        };
        if interrupt.as_mut().is_some_and(|interrupt| interrupt.verdict() != Verdict::GoOn) {
            return Ok(false);
        }
        if ready {
            return Ok(true);
        }
    }
}

fn text(bytes: impl Iterator<Item = u8>) -> String {
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_prompts_understand_the_same_keys() {
        for shell in [Shell::lab(), Shell::live()] {
            for (line, command) in [
                ("", Command::Next(1)),
                (" \r\n", Command::Next(1)),
                ("12", Command::Next(12)),
                ("?", Command::Help),
                ("q", Command::Quit),
                ("s", Command::Sockets),
                ("u established", Command::Until(Goal::State(None, State::Established))),
                ("u est", Command::Until(Goal::State(None, State::Established))),
                ("h", Command::Help),
                ("help", Command::Help),
                ("u tcp", Command::Until(Goal::Frame(Protocol::Tcp))),
                ("u TCP", Command::Until(Goal::Frame(Protocol::Tcp))),
                ("u syn", Command::Until(Goal::Frame(Protocol::Kind(Kind::Syn)))),
                ("u icmp", Command::Until(Goal::Frame(Protocol::Icmp))),
                ("u arp", Command::Until(Goal::Frame(Protocol::Arp))),
            ] {
                assert_eq!(shell.parse(line), Ok(command), "{line}");
            }
        }
    }

    #[test]
    fn an_error_is_one_line_that_lists_the_valid_commands() {
        for (line, what) in [
            ("x", "'x' is not understood: type Enter, a number, u STATE, u FRAME, s, q or ?"),
            ("q now", "'q now' is not understood: type Enter,"),
            ("1 2 3", "too many words: type Enter,"),
            ("b", "'b' is for smolstep lab: type Enter,"),
            ("g 3", "'g 3' is for smolstep lab: type Enter,"),
            ("u", "u wants a state, as in u ESTABLISHED, or a frame: tcp, syn,"),
            ("u NOWHERE", "unknown state 'NOWHERE': there are CLOSED, LISTEN, "),
            ("u NOWHERE", "; frames are tcp, syn, synack, ack, data, fin, rst, udp, icmp, arp or any"),
            ("99999999999", "'99999999999' should be a number up to 4294967295"),
            ("\u{1b}[2J", "'\\u{1b}[2J' is not understood"),
        ] {
            let error = Shell::live().parse(line).unwrap_err();
            assert!(error.contains(what) && !error.contains(char::is_control), "{line}: {error}");
        }
        assert_eq!(Shell::lab().parse("g 3"), Ok(Command::Go(3)));
        assert_eq!(Shell::lab().parse("d"), Ok(Command::Drop(None)));
        assert_eq!(Shell::lab().parse("d 4"), Ok(Command::Drop(Some(4))));
        assert_eq!(Shell::lab().parse("p a.pcapng"), Ok(Command::Save(Some("a.pcapng".into()))));
        let goal = Command::Until(Goal::State(Some(1), State::CloseWait));
        assert_eq!(Shell::lab().parse("u server=close-w"), Ok(goal));
        assert!(Shell::live().parse("u server=closed").is_err(), "the other end is not ours");
        assert!(Shell::lab().parse("u clos").unwrap_err().contains("unknown state 'clos'"), "three begin so");
        assert!(Shell::lab().parse("x").unwrap_err().contains("g STEP"));
    }
}
