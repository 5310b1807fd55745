//! Parses a script: each line has a time, then a segment or a call of a function. calls.rs parses the calls.

use alloc::vec::Vec;

use smoltcp::time::Duration;

use super::calls::{self, Call};
use super::scan::{Error, Scanner};
use super::segment::SegmentText;
use super::time::{self, When};
use crate::lab::{Buffers, MAX_FILE_BYTES, MAX_FILE_LINES};

/// A script.
#[derive(Clone, Debug)]
pub struct Script {
    /// The largest difference allowed between the time in a line and the time at which the line's segment is sent or
    /// its call returns.
    pub tolerance: Duration,
    /// The buffers of the connection: SO_RCVBUF and SO_SNDBUF set them.
    pub buffers: Buffers,
    /// Whether the program calls `connect`. Otherwise it listens.
    pub connects: bool,
    pub(super) events: Vec<Event>,
}

/// A line of a script.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The line's number, from 1.
    pub(super) line: usize,
    pub(super) when: When,
    pub(super) action: Action,
}

/// What happens at a line of a script.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// The program calls a function.
    Call(Call),
    /// The peer sends a segment.
    Inbound(SegmentText),
    /// The stack sends a segment.
    Outbound(SegmentText),
}

/// The default tolerance, which is the same as packetdrill's.
const TOLERANCE: Duration = Duration::from_millis(4);

/// The default buffer sizes. A receive buffer of 65,535 bytes needs no window scale.
const BUFFERS: Buffers = Buffers { receive: 65_535, send: 1 << 18 };

const OPTION: &str = "an option that the lab knows: --tolerance_usecs=NUMBER or --ip_version=ipv4";
const SHELL: &str = "left out: the lab runs no shell commands (instead of sleep, a line can have a later time)";
const PYTHON: &str = "left out: the lab runs no Python code";
const TCP_ONLY: &str = "the flags of a TCP segment: the lab reads no ICMP, UDP or ECN here";

impl Script {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// [`Error`] names the line, the column and the wrong word.
    pub fn parse(text: &str) -> Result<Script, Error> {
        let mut scanner = Scanner::new(text);
        if text.len() > MAX_FILE_BYTES {
            return Err(scanner.expected("the start of a script of at most 1 MiB"));
        }
        let mut script = Script { tolerance: TOLERANCE, buffers: BUFFERS, connects: false, events: Vec::new() };
        while scanner.eat("--") {
            script.option(&mut scanner)?;
        }
        let mut sockets = calls::Sockets::default();
        while let Some(first) = scanner.peek() {
            if scanner.line > MAX_FILE_LINES {
                return Err(scanner.expected("left out: a script has at most 10000 lines"));
            }
            if first == '`' {
                return Err(scanner.expected(SHELL));
            }
            let line = scanner.line;
            let when = time::when(&mut scanner)?;
            let action = match scanner.peek() {
                Some('<') => Action::Inbound(inbound(&mut scanner)?),
                Some('>') => Action::Outbound(packet(&mut scanner)?),
                Some('`') => return Err(scanner.expected(SHELL)),
                Some('%') => return Err(scanner.expected(PYTHON)),
                _ => Action::Call(calls::scan(&mut scanner, when, &mut sockets)?),
            };
            script.events.push(Event { line, when, action });
        }
        // A comment that is not closed hides the rest of the script, so it is an error.
        scanner.end(time::EXPECTED)?;
        if script.events.is_empty() {
            return Err(scanner.expected("a line, such as: 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"));
        }
        script.connects = sockets.connects;
        script.buffers.receive = sockets.receive.unwrap_or(BUFFERS.receive);
        script.buffers.send = sockets.send.unwrap_or(BUFFERS.send);
        Ok(script)
    }

    /// Reads an option, after the two dashes.
    fn option(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Error> {
        let mut at_name = *scanner;
        match scanner.word() {
            "ip_version" => {
                scanner.need("=", OPTION)?;
                scanner.need("ipv4", "ipv4: the lab's scripts use IPv4")
            }
            "tolerance_usecs" => {
                scanner.need("=", OPTION)?;
                let micros = scanner.number(1_000_000, "a number of microseconds up to 1000000")?;
                self.tolerance = Duration::from_micros(micros.into());
                Ok(())
            }
            _ => Err(at_name.expected(OPTION)),
        }
    }
}

/// Reads a segment, after `<` or `>`.
fn packet(scanner: &mut Scanner<'_>) -> Result<SegmentText, Error> {
    // Skip `<` or `>`.
    scanner.advance(1);
    // In packetdrill, square brackets before a segment contain its ECN bits, as in `[ect0]`.
    if matches!(scanner.peek_word(), "icmp" | "udp") || scanner.peek() == Some('[') {
        return Err(scanner.expected(TCP_ONLY));
    }
    SegmentText::scan(scanner)
}

/// Reads a segment that the peer sends. The lab writes the segment into frames, so the segment must have a window, and
/// must not have `<...>` as its options.
fn inbound(scanner: &mut Scanner<'_>) -> Result<SegmentText, Error> {
    // Errors point at the segment, after the `<`.
    let mut at_segment = *scanner;
    at_segment.advance(1);
    let segment = packet(scanner)?;
    match segment {
        SegmentText { window: None, .. } => {
            Err(at_segment.expected("a segment with win and a number, as the peer sends it"))
        }
        SegmentText { options: None, .. } => Err(at_segment.expected("a segment with options, as the peer sends it")),
        segment => Ok(segment),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
