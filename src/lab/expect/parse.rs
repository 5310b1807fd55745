//! Parses the lines of an expectation file.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::{CAUSES, ENDS, Filter, Frames, Kind, Line, MARKS, Wanted};
use crate::lab::{WIRE, figure, tokens};
use crate::stack::DropReason;

/// An error in a line of an expectation file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectError {
    /// The line's number, from 1.
    pub line: usize,
    /// The column at which the wrong word begins, in characters from 1.
    pub column: usize,
    /// The wrong word, or an empty string if a word is missing.
    pub word: String,
    /// The words that would be valid instead.
    pub expected: &'static str,
}

impl fmt::Display for ExpectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.word[..] {
            "" => write!(f, "{}:{}: a word is missing at the end: {}", self.line, self.column, self.expected),
            word => write!(f, "{}:{}: '{word}' should be {}", self.line, self.column, self.expected),
        }
    }
}

impl core::error::Error for ExpectError {}

const SIDES: &str = "client, server or wire";
const STATE: &str = "a TCP state: CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, \
                     CLOSING, LAST-ACK or TIME-WAIT";
const WHAT: &str = "a TCP state, sends, retransmits, gets, receives, ends, drops, or what is sent: syn, synack, ack, data, fin, rst, \
                    udp, icmp or any";
const KINDS: &str = "syn, synack, ack, data, fin, rst, udp, icmp, any, after-timeout, challenge-ack, delayed-ack, duplicate-ack, \
                     fast-retransmission, keep-alive, keep-alive-ack, path-mtu, repeated-ack, repeated-syn, spurious-retransmission, \
                     tail-probe, window-opened, window-update, zero-window-probe or zero-window-probe-ack";
/// The words that can follow `retransmits`: the kinds of frames, without the reasons for sending them.
const RESENT: &str = "syn, synack, ack, data, fin, rst, udp, icmp or any";
const REASON: &str = "backlog-full, slots-full and so on";

/// Parses a line. Returns `None` for an empty line or a comment.
pub(super) fn line(
    number: usize,
    text: &str,
    time: &dyn Fn(&str) -> Option<Duration>,
) -> Result<Option<Line>, ExpectError> {
    let mut words = Words { line: number, text, at: 0 };
    let Some(first) = words.next() else { return Ok(None) };
    let never = first == "never";
    let side = if never { words.need(SIDES)? } else { first };
    let host = match side {
        "client" => 0,
        "server" => 1,
        "wire" => WIRE,
        word if never => return Err(words.error(word, SIDES)),
        word => return Err(words.error(word, "client, server, wire or never")),
    };
    let what = match words.need(WHAT)? {
        "sends" => {
            let frames = words.need(KINDS)?;
            words.sends(frames, KINDS, false, time)?
        }
        "retransmits" => {
            let frames = words.need(RESENT)?;
            words.sends(frames, RESENT, true, time)?
        }
        "gets" => {
            const EXPECTED: &str = "out-of-order, partial-ack or repeated";
            let word = words.need(EXPECTED)?;
            Wanted::Gets(MARKS.into_iter().find(|name| *name == word).ok_or_else(|| words.error(word, EXPECTED))?)
        }
        "receives" => Wanted::Receives(words.quoted()?),
        "ends" => {
            const EXPECTED: &str =
                "closed, aborted, refused, reset, timed-out, undelivered, unreachable, recycled or address-gone";
            let word = words.need(EXPECTED)?;
            let name = ENDS.into_iter().find(|name| *name == word).ok_or_else(|| words.error(word, EXPECTED))?;
            Wanted::Event("ends", name.into())
        }
        "drops" => {
            let word = words.need(REASON)?;
            let known = DropReason::ALL.iter().any(|drop| super::slug(&drop.to_string()) == word);
            if !known {
                return Err(words.error(word, REASON));
            }
            Wanted::Event("drops", word.into())
        }
        word => match figure::state(word) {
            Some(from) => {
                let arrow = words.need("-> and a state")?;
                if arrow != "->" {
                    return Err(words.error(arrow, "->"));
                }
                Wanted::Change(from, words.state()?)
            }
            // A word before `->` is meant as a state, even if there is no state with this name.
            None if words.peek() == Some("->") => return Err(words.error(word, STATE)),
            None => words.sends(word, WHAT, false, time)?,
        },
    };
    if let Some(word) = words.next() {
        return Err(words.error(word, "the end of the line"));
    }
    Ok(Some(Line { number, text: text.trim().into(), never, host, what, seen: false }))
}

/// Returns the error for a line that exceeds [`MAX_EXPECTATIONS`](super::MAX_EXPECTATIONS).
pub(super) fn too_many(number: usize, text: &str) -> ExpectError {
    let mut words = Words { line: number, text, at: 0 };
    let first = words.next().unwrap_or_default();
    words.error(first, "left out: a file has at most 100 expectations")
}

/// The words of a line, without its comment.
struct Words<'t> {
    line: usize,
    text: &'t str,
    /// The offset after the last word that has been read, in bytes.
    at: usize,
}

impl<'t> Words<'t> {
    fn rest(&self) -> &'t str {
        self.text[self.at..].trim_start()
    }

    fn peek(&self) -> Option<&'t str> {
        tokens::word(self.rest())
    }

    fn next(&mut self) -> Option<&'t str> {
        let word = self.peek()?;
        self.at = self.text.len() - self.rest().len() + word.len();
        Some(word)
    }

    /// Reads the next word. If there is none, returns an error that says what was expected.
    fn need(&mut self, expected: &'static str) -> Result<&'t str, ExpectError> {
        self.next().ok_or_else(|| self.error("", expected))
    }

    /// Returns an error about the last word that has been read, or about the end of the line if `word` is empty.
    fn error(&self, word: &str, expected: &'static str) -> ExpectError {
        let offset = self.at.saturating_sub(word.len());
        let column = self.text.get(..offset).map_or(0, |before| before.chars().count()) + 1;
        ExpectError { line: self.line, column, word: tokens::clip(word), expected }
    }

    /// Reads the name of a TCP state.
    fn state(&mut self) -> Result<State, ExpectError> {
        let word = self.need(STATE)?;
        figure::state(word).ok_or_else(|| self.error(word, STATE))
    }

    /// Parses `[N] [within TIME]`, after `frames`, the word that names the frames.
    ///
    /// `again` is true for `retransmits`. `expected` lists the words that `frames` could be, for an error.
    fn sends(
        &mut self,
        frames: &str,
        expected: &'static str,
        again: bool,
        time: &dyn Fn(&str) -> Option<Duration>,
    ) -> Result<Wanted, ExpectError> {
        let lower = frames.to_ascii_lowercase();
        // `retransmits` takes only a kind of frame, and no reason for sending it.
        let caused = CAUSES.into_iter().find(|name| *name == lower && !again).map(Filter::Caused);
        let kind = || if lower == "icmp" { Some(Filter::Icmp) } else { Kind::named(&lower).map(Filter::Kind) };
        let filter = caused.or_else(kind).ok_or_else(|| self.error(frames, expected))?;
        let mut nth = None;
        if let Some(word) = self.peek().filter(|word| *word != "within") {
            self.next();
            let number = word.parse().ok().filter(|n| *n > 0);
            nth = Some(number.ok_or_else(|| self.error(word, "a number from 1, or within and a time"))?);
        }
        let mut within = None;
        if self.peek() == Some("within") {
            self.next();
            const TIME: &str = "a time, as in 3s, 300ms, 2rtt or 1rtt+200ms";
            let word = self.need(TIME)?;
            within = Some(time(word).ok_or_else(|| self.error(word, TIME))?);
        }
        Ok(Wanted::Sends(Frames { filter, again, nth, within, count: 0, last: None }))
    }

    /// Parses a string in quotation marks.
    fn quoted(&mut self) -> Result<Vec<u8>, ExpectError> {
        match tokens::quoted(self.rest()) {
            Ok((text, after)) => {
                self.at = self.text.len() - after.len();
                Ok(text.into_bytes())
            }
            Err(expected) => {
                let word = self.next().unwrap_or_default();
                Err(self.error(word, expected))
            }
        }
    }
}
