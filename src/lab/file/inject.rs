//! Parses a forged segment: `client R 101:101(0)`, with the syntax of packetdrill's segments.

use super::words::{FileError, Source, Words};
use super::{SIDES, keyword, side, values};
use crate::lab::packetdrill::segment::{self, Flags, SegmentText};
use crate::lab::{Forged, Moment};

/// Parses a host, and a segment that takes up the rest of the line. The segment claims to come from that host.
///
/// The segment must have neither data nor options, and at most one of the flags S, F, R and P. If it names no window,
/// its window field is 0.
pub(super) fn segment(mut words: Words<'_>) -> Result<Forged, FileError> {
    let sender = words.parse(SIDES, side)?;
    const SEGMENT: &str = "a segment, as in R 101:101(0) or . 1:1(0) ack 1 win 500";
    let flags_word = words.peek().ok_or_else(|| words.missing(SEGMENT))?;
    // A comment begins with '#'.
    let text = words.rest().split('#').next().unwrap_or_default().trim_end();
    let segment = segment::parse(text).map_err(|error| words.unfit_at(error.column, &error.word, error.expected))?;
    // All flags except ACK.
    let besides_ack = segment.flags.0 & !Flags::ACK;
    if !matches!(besides_ack, 0 | Flags::FIN | Flags::PSH | Flags::RST | Flags::SYN) {
        return Err(words.unfit_word(flags_word, "at most one of S, F, R and P, and . for ACK"));
    }
    if segment.len > 0 {
        let numbers = text.split_whitespace().nth(1).unwrap_or_default();
        return Err(words.unfit_word(numbers, "a segment without data, as in 1:1(0)"));
    }
    // Without options, the list is empty. `None` stands for `<...>`, which means any options.
    if segment.options.as_ref().is_none_or(|options| !options.is_empty()) {
        return Err(words.error("a forged segment has no options: leave < and > out"));
    }
    let SegmentText { flags, seq, ack, window, .. } = segment;
    Ok(Forged { sender, flags, seq, ack, window: window.unwrap_or(0) })
}

/// A forged segment in an answer, and when it is put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The earliest time.
    pub at: Moment,
    /// The number of steps that the run must have taken.
    pub after: u32,
    /// The segment.
    pub forged: Forged,
}

/// Parses `at TIME [step N] inject HOST SEGMENT`, as in a file.
pub(super) fn in_answer(text: &str) -> Result<Injection, FileError> {
    let source = Source::new(1, text, &[]);
    let mut words = source.words();
    keyword(&mut words, "at")?;
    let (at, step) = time(&mut words)?;
    keyword(&mut words, "inject")?;
    Ok(Injection { at, after: step.unwrap_or(0), forged: segment(words)? })
}

/// Parses the time of an event: `TIME` or `TIME step N`.
pub(super) fn time(words: &mut Words<'_>) -> Result<(Moment, Option<u32>), FileError> {
    let at = words.parse(values::MOMENT, values::moment)?;
    let number = |word: &str| word.parse().ok().filter(|&step: &u32| step <= 1_000_000);
    let step = if words.take("step") { Some(words.parse("a number up to 1000000", number)?) } else { None };
    Ok((at, step))
}
