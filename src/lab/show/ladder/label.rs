//! The labels of the arrows, shortened if the ladder is narrow.

use core::fmt::{self, Write};

use smoltcp::time::Duration;
use smoltcp::wire::TcpSeqNumber;

use super::super::text::{Span, Text};
use super::Ladder;
use crate::lab::Verdict;
use crate::trace::{Cause, Summary};

/// The label of an arrow.
pub(super) struct Label {
    pub(super) ladder: Ladder,
    pub(super) isn: [Option<TcpSeqNumber>; 2],
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
        let fits = [Wording::Full, Wording::Brief].into_iter().map(write).find(|text| !text.is_cut());
        fits.unwrap_or_else(|| write(Wording::OneLetter))
    }

    fn write(&self, text: &mut Text, wording: Wording) -> fmt::Result {
        if self.ladder.is_wide() {
            write!(text, "#{} ", self.frame)?;
        }
        // The marks are written first, because a cut removes the end.
        self.marks(text, wording)?;
        match self.summary.segment() {
            None => write!(text, "{}", self.summary),
            Some(segment) => {
                let [seq, ack, len, win] = match wording {
                    Wording::Full | Wording::Brief => ["seq=", "ack=", "len=", "win="],
                    Wording::OneLetter => ["s=", "a=", "l=", "w="],
                };
                let since = |number: TcpSeqNumber, isn: Option<TcpSeqNumber>| {
                    number.0.wrapping_sub(isn.map_or(0, |isn| isn.0)) as u32
                };
                write!(text, "{} {seq}{}", segment.flags(), since(segment.seq, self.isn[0]))?;
                if let Some(number) = segment.ack {
                    write!(text, " {ack}{}", since(number, self.isn[1]))?;
                }
                if wording == Wording::Full || segment.len > 0 {
                    write!(text, " {len}{}", segment.len)?;
                }
                write!(text, " {win}{}", segment.window)
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
        match self.cause {
            None => Ok(()),
            Some(Cause::Retransmission { rto, count }) => {
                text.write_str(if self.ladder.ascii { "again" } else { "↻" })?;
                if count > 1 {
                    write!(text, "{count}")?;
                }
                // A segment that is sent directly after a retransmission did not wait for a timer of its own.
                if rto == Duration::ZERO { text.write_str(" ") } else { write!(text, " RTO {} ", Span(rto)) }
            }
            Some(Cause::FastRetransmission) if self.ladder.ascii => text.write_str("again fast "),
            Some(Cause::FastRetransmission) => text.write_str("↻ fast "),
            Some(Cause::DelayedAck(_)) => text.write_str(if long { "delayed " } else { "" }),
            Some(Cause::DuplicateAck) => text.write_str(if long { "duplicate " } else { "dup " }),
            Some(Cause::KeepAlive) => text.write_str(if long { "keep-alive: " } else { "alive? " }),
            Some(Cause::TailProbe) if self.ladder.ascii => text.write_str("again tail "),
            Some(Cause::TailProbe) => text.write_str("↻ tail "),
            Some(Cause::WindowUpdate) => text.write_str(if long { "window update: " } else { "window " }),
            Some(Cause::ZeroWindowProbe) => text.write_str(if long { "zero-window probe: " } else { "probe " }),
        }
    }
}
