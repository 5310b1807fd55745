//! Expectations about a run, one on each line.
//!
//! ```text
//! # The side is client, server, or wire for forged segments and the router; the events can come in any order.
//! client SYN-SENT -> ESTABLISHED           a change of state
//! client sends syn 2 within 3s             the second SYN, within 3 s of the first; 1rtt is a round trip
//! client RST                               short for: client sends rst
//! server retransmits synack 1 within 3s    the first retransmission of SYN,ACK
//! client sends keep-alive                  or another reason that docs/lab-json.md lists
//! server gets out-of-order                 or partial-ack, or repeated: a segment that arrived before
//! client receives "Hello,Li!"              in the bytes that the client's programs have read so far
//! client ends timed-out                    or closed, aborted, refused, reset, recycled, undelivered, unreachable,
//!                                          address-gone
//! server drops backlog-full
//! never client RST                         the client never sends RST
//! ```

mod parse;
mod received;

pub use parse::ExpectError;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::{Kind, Moment, Snapshot, change};
use crate::lab::show::What;
use crate::stack::{End, Event};
use crate::trace::{Carries, Cause, Summary};
use received::Received;

/// The maximum number of expectations in a file. The limit bounds the time that a run takes, because every entry of the
/// run is compared with each expectation.
pub(super) const MAX_EXPECTATIONS: usize = 100;

/// The expectations in a file, and which of them have been met so far.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    lines: Vec<Line>,
    received: [Received; 2],
}

/// One expectation.
#[derive(Clone, Debug)]
struct Line {
    /// The line's number, from 1.
    number: usize,
    text: String,
    /// Whether the line begins with `never`, so that the event must not happen.
    never: bool,
    /// The host at which the event is expected, or [`WIRE`](crate::lab::WIRE).
    host: usize,
    what: Wanted,
    /// Whether the event has happened.
    seen: bool,
}

/// The event that a line expects.
#[derive(Clone, Debug)]
enum Wanted {
    /// An event of the stack, by the verb and the name that a file uses for it.
    Event(&'static str, String),
    Change(State, State),
    /// The arrival of a segment with this mark, such as `out-of-order`.
    Gets(&'static str),
    Receives(Vec<u8>),
    Sends(Frames),
}

/// The frames that a line expects.
#[derive(Clone, Debug)]
struct Frames {
    filter: Filter,
    /// Whether only retransmissions are counted.
    again: bool,
    /// The frame's number among the counted frames, from 1. `None` means any of them.
    nth: Option<u32>,
    /// The longest time since the previous frame that the filter selects. For a retransmission by timer, this limits
    /// the RTO.
    within: Option<Duration>,
    /// The number of frames counted so far.
    count: u32,
    /// The time at which the most recent frame that the filter selects was sent.
    last: Option<Instant>,
}

/// Selects frames: those sent for one reason, all ICMP messages, or those of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    Caused(&'static str),
    Icmp,
    Kind(Kind),
}

/// The first line whose expectation was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmet {
    /// The line's number, from 1.
    pub line: usize,
    /// The line's text.
    pub text: String,
    /// Whether the line begins with `never`. If true, the event has happened although it must not.
    pub never: bool,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.never { "it happened" } else { "it did not happen" };
        write!(f, "line {} does not hold: '{}': {what}", self.line, self.text)
    }
}

impl core::error::Error for Unmet {}

impl Expectations {
    /// Parses the text of a file, for a wire with the default latency. `time` parses a duration.
    ///
    /// # Errors
    /// [`ExpectError`] names the line, the column and the wrong word.
    pub fn parse(text: &str, time: impl Fn(&str) -> Option<Duration>) -> Result<Self, ExpectError> {
        Self::parse_for(text, super::Line::default().latency, time)
    }

    /// Parses the text of a file, for a wire with this latency. Times in round trips depend on the latency. `time`
    /// parses a time without round trips.
    ///
    /// # Errors
    /// Returns the same errors as [`parse`](Self::parse), for example for an expectation after the 100th.
    pub fn parse_for(
        text: &str,
        latency: Duration,
        time: impl Fn(&str) -> Option<Duration>,
    ) -> Result<Self, ExpectError> {
        let time = |word: &str| Some(Moment::parse(word, &time)?.on(latency));
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(parsed) = parse::line(index + 1, line, &time)? {
                if lines.len() == MAX_EXPECTATIONS {
                    return Err(parse::too_many(index + 1, line));
                }
                lines.push(parsed);
            }
        }
        Ok(Expectations { lines, received: Default::default() })
    }

    /// Processes an entry of the run, and notes which expectations the entry meets.
    ///
    /// `frame` is the last received frame: see [`Wire::last_received`](super::Wire::last_received).
    pub fn see(&mut self, snapshot: &Snapshot, frame: &[u8]) {
        let entry = snapshot.entry;
        // The strings that this host is expected to receive, and that have not been found yet.
        let texts = self.lines.iter_mut().filter(|line| line.host == entry.host && !line.seen);
        let texts = texts.filter_map(|line| match &line.what {
            Wanted::Receives(text) => Some((text, &mut line.seen)),
            _ => None,
        });
        let mut texts = texts.peekable();
        // If every expected string has been found, there is no need to collect the received bytes.
        if texts.peek().is_some()
            && let Some(received) = self.received.get_mut(entry.host)
        {
            // If the program has read no more bytes, no more strings can be found.
            let has_read = received.process(entry.host, snapshot, frame);
            if has_read {
                let mut longest = 0;
                for (text, seen) in texts {
                    longest = longest.max(text.len());
                    // `max(1)`, because `windows` panics if the length is 0.
                    *seen = received.bytes().windows(text.len().max(1)).any(|bytes| bytes == text);
                }
                // Keep the last bytes, because an expected string that is not found yet can begin in them.
                received.keep(longest.saturating_sub(1));
            }
        }
        for line in self.lines.iter_mut().filter(|line| line.host == entry.host) {
            line.seen |= match (&mut line.what, entry.what) {
                (Wanted::Change(from, to), What::Stack(event)) => change(&event) == Some((*from, *to)),
                (Wanted::Event(verb, name), What::Stack(event)) => {
                    verb_and_name(&event).is_some_and(|(v, n)| v == *verb && n == *name)
                }
                (Wanted::Gets(name), What::Arrived { mark, .. }) => mark.is_some_and(|mark| mark.slug() == *name),
                (Wanted::Sends(frames), What::Sent { summary, cause, .. }) => frames.sent(entry.at, &summary, cause),
                _ => false,
            };
        }
    }

    /// Returns whether a line expects that a connection of `host` ends with `end`.
    pub fn expect_end(&self, host: usize, end: End) -> bool {
        let ends = |what: &Wanted| matches!(what, Wanted::Event("ends", name) if name == end_slug(end));
        self.lines.iter().any(|line| !line.never && line.host == host && ends(&line.what))
    }

    /// Returns for each line its number, its text and whether its expectation is met.
    #[doc(hidden)]
    pub fn verdicts(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        self.lines.iter().map(|line| (line.number, line.text.as_str(), line.seen != line.never))
    }

    /// Checks that the expectation in every line is met.
    ///
    /// # Errors
    /// [`Unmet`]: the first line whose expectation is not met.
    pub fn result(&self) -> Result<(), Unmet> {
        // An expectation is not met if its event has not happened or, after `never`, if it has happened.
        match self.lines.iter().find(|line| line.seen == line.never) {
            None => Ok(()),
            Some(line) => Err(Unmet { line: line.number, text: line.text.clone(), never: line.never }),
        }
    }
}

/// Returns the verb and the name that a file uses for an event, or `None` if files have no words for it.
fn verb_and_name(event: &Event) -> Option<(&'static str, String)> {
    match event {
        Event::Dropped(why) => Some(("drops", slug(&why.to_string()))),
        Event::Ended { end, .. } | Event::HandshakeEnded { end, .. } => Some(("ends", end_slug(*end).into())),
        _ => None,
    }
}

/// The names that a file uses for the ways in which connections end.
const ENDS: [&str; 9] =
    ["aborted", "address-gone", "closed", "recycled", "refused", "reset", "timed-out", "undelivered", "unreachable"];

/// Returns the word that a file uses for the way in which a connection ended.
fn end_slug(end: End) -> &'static str {
    match end {
        End::Aborted => "aborted",
        End::AddressGone => "address-gone",
        End::Closed => "closed",
        End::Recycled => "recycled",
        End::Refused => "refused",
        End::Reset => "reset",
        End::TimedOut => "timed-out",
        #[cfg(feature = "recovery")]
        End::Undelivered(_) => "undelivered",
        End::Unreachable => "unreachable",
    }
}

/// Returns `words` with hyphens in place of spaces, as a file writes them.
fn slug(words: &str) -> String {
    words.replace(' ', "-")
}

impl Frames {
    /// Counts a frame that a host sends, if it is one of the frames to count. Returns whether the frame meets the
    /// expectation.
    fn sent(&mut self, now: Instant, summary: &Summary, cause: Option<Cause>) -> bool {
        let fits = match &self.filter {
            Filter::Caused(name) => cause.map(Cause::slug) == Some(*name),
            Filter::Icmp => matches!(summary.carries, Carries::Icmp(..) | Carries::Icmpv6(..)),
            Filter::Kind(kind) => kind.matches(summary),
        };
        if !fits {
            return false;
        }
        // `within` limits the time since the previous frame that fits, even if only retransmissions are counted.
        let previous = self.last.replace(now);
        let is_retransmission = cause.is_some_and(Cause::is_again);
        if self.again && !is_retransmission {
            return false;
        }
        self.count += 1;
        // A retransmission by timer has waited for its RTO. The wait of any other frame began at the previous frame
        // that fits.
        let waited = match cause {
            Some(Cause::Retransmission { rto, .. } | Cause::SpuriousRetransmission { rto, .. }) => Some(rto),
            _ => previous.map(|previous| now - previous),
        };
        self.nth.is_none_or(|nth| nth == self.count)
            && self.within.is_none_or(|limit| waited.is_some_and(|w| w <= limit))
    }
}

/// The words that a file uses for the reason why a segment was sent, such as `delayed-ack`.
const CAUSES: [&str; 16] = [
    "after-timeout",
    "challenge-ack",
    "delayed-ack",
    "duplicate-ack",
    "fast-retransmission",
    "keep-alive",
    "keep-alive-ack",
    "path-mtu",
    "repeated-ack",
    "repeated-syn",
    "spurious-retransmission",
    "tail-probe",
    "window-opened",
    "window-update",
    "zero-window-probe",
    "zero-window-probe-ack",
];

/// The names that a file uses for the marks of arriving segments.
const MARKS: [&str; 3] = ["out-of-order", "partial-ack", "repeated"];

#[cfg(test)]
mod tests;
