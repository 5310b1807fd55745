//! The labels of the arrows, shortened if the ladder is narrow.

use core::fmt::{self, Write};

use smoltcp::wire::TcpSeqNumber;

use super::super::text::{Span, Text};
use super::Ladder;
use crate::lab::Verdict;
use crate::trace::{Cause, Summary};

/// The label of an arrow.
pub(super) struct Label {
    pub(super) ladder: Ladder,
    pub(super) isn: [Option<TcpSeqNumber>; 2],
    /// The caller's port, if the run has several connections.
    pub(super) port: Option<u16>,
    pub(super) frame: u32,
    pub(super) summary: Summary,
    pub(super) cause: Option<Cause>,
    pub(super) verdict: Verdict,
}

/// How much a label is shortened, from not at all to the most.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wording {
    Full,
    /// Short marks. The length is written only for segments with payload.
    Brief,
    /// Like `Brief`, with the field names shortened to one letter.
    OneLetter,
    /// Like `OneLetter`, but without the window. A number is never cut.
    NoWindow,
}

impl Label {
    /// Returns the longest wording that fits into `columns` columns. If no wording fits, cuts the shortest wording.
    pub(super) fn longest_that_fits(&self, columns: usize) -> Text {
        let write = |wording| {
            let mut text = Text::new(columns);
            // Writing never fails: text that is too long is cut.
            let _ = self.write(&mut text, wording);
            text
        };
        let wordings = [Wording::Full, Wording::Brief, Wording::OneLetter];
        let fits = wordings.into_iter().map(write).find(|text| !text.is_cut());
        fits.unwrap_or_else(|| write(Wording::NoWindow))
    }

    fn write(&self, text: &mut Text, wording: Wording) -> fmt::Result {
        write!(text, "#{} ", self.frame)?;
        if let Some(port) = self.port {
            write!(text, ":{port} ")?;
        }
        // The marks are written first, because a cut removes the end.
        self.marks(text, wording)?;
        match self.summary.segment() {
            None => write!(text, "{}", self.summary),
            Some(segment) => {
                let [seq, ack, len, win] = match wording {
                    Wording::Full | Wording::Brief => ["seq=", "ack=", "len=", "win="],
                    Wording::OneLetter | Wording::NoWindow => ["s=", "a=", "l=", "w="],
                };
                // A number before the initial one belongs to an earlier connection, and is negative.
                let since = |number: TcpSeqNumber, isn: Option<TcpSeqNumber>| match isn {
                    Some(isn) => i64::from(number.0.wrapping_sub(isn.0)),
                    None => i64::from(number.0 as u32),
                };
                write!(text, "{} {seq}{}", segment.flags(), since(segment.seq, self.isn[0]))?;
                if let Some(number) = segment.ack {
                    write!(text, " {ack}{}", since(number, self.isn[1]))?;
                }
                if wording == Wording::Full || segment.len > 0 {
                    write!(text, " {len}{}", segment.len)?;
                }
                if wording == Wording::NoWindow { Ok(()) } else { write!(text, " {win}{}", segment.window) }
            }
        }
    }

    /// Writes what happens to the frame and why it was sent. Writes nothing for an ordinary frame.
    fn marks(&self, text: &mut Text, wording: Wording) -> fmt::Result {
        let long = wording == Wording::Full;
        match self.verdict {
            Verdict::Deliver => {}
            Verdict::Delay(time) => write!(text, "+{} ", Span(time))?,
            // The cross on the arrow shows the loss.
            Verdict::Drop | Verdict::Lost if !long => {}
            verdict => write!(text, "{verdict} ")?,
        }
        let Some(cause) = self.cause else { return Ok(()) };
        if cause.is_again() {
            text.write_str(if self.ladder.ascii { "again" } else { "↻" })?;
        }
        let [full, brief] = match cause {
            Cause::Retransmission { rto, count } | Cause::SpuriousRetransmission { rto, count } => {
                if count > 1 {
                    write!(text, "{count}")?;
                }
                write!(text, " RTO {} ", Span(rto))?;
                if matches!(cause, Cause::Retransmission { .. }) { ["", ""] } else { ["spurious ", "spur "] }
            }
            Cause::AfterTimeout(count) => {
                if count > 1 {
                    write!(text, "{count}")?;
                }
                [" after the timeout ", " "]
            }
            Cause::ChallengeAck => ["challenge ", "challenge "],
            Cause::DelayedAck(_) => ["delayed ", ""],
            Cause::DuplicateAck => ["duplicate ", "dup "],
            Cause::FastRetransmission | Cause::LostRetransmission => [" fast ", " fast "],
            Cause::KeepAlive => ["keep-alive: ", "alive? "],
            Cause::KeepAliveAck => ["keep-alive ", "alive "],
            Cause::PathMtu => [" shorter: ", " "],
            Cause::RepeatedAck => ["repeated ", "again "],
            Cause::RepeatedSyn => [" for a repeated SYN: ", " "],
            Cause::TailProbe => [" tail loss probe: ", " tail "],
            Cause::WindowOpened => [" window opened: ", " "],
            Cause::WindowUpdate => ["window update: ", "window "],
            Cause::ZeroWindowProbe => ["zero-window probe: ", "probe "],
            Cause::ZeroWindowProbeAck => ["zero-window probe ", "probed "],
        };
        text.write_str(if long { full } else { brief })
    }
}
