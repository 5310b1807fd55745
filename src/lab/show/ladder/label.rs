//! The labels of the arrows, shortened if the ladder is narrow.

use core::fmt::{self, Write};

use smoltcp::wire::TcpSeqNumber;

use super::super::text::{Span, Text};
use super::super::words::{Brief, In, marks};
use super::Ladder;
use crate::lab::Verdict;
use crate::trace::{Cause, Summary};

/// The label of an arrow, which describes the arrow's frame.
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

/// How much a label is shortened. The variants are ordered from the longest label to the shortest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wording {
    Full,
    /// Like `Full`, with short words for the cause. The length is written only for segments with payload.
    Brief,
    /// Like `Brief`, with the field names shortened to one letter.
    OneLetter,
    /// Like `OneLetter`, but without the window: a number that is cut would be wrong.
    NoWindow,
    /// Like `NoWindow`. If the segment has a SACK option, only the acknowledgement number and the first block are
    /// written.
    OneBlock,
    /// Like `OneBlock`, without the fields that do not fit. No field is cut.
    FieldsThatFit,
    /// Like `FieldsThatFit`, without the words for the cause.
    NoCause,
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
        use Wording::{Brief, FieldsThatFit, Full, NoCause, NoWindow, OneBlock, OneLetter};
        let wordings = [Full, Brief, OneLetter, NoWindow, OneBlock, FieldsThatFit];
        let fits = wordings.into_iter().map(write).find(|text| !text.is_cut());
        fits.unwrap_or_else(|| write(NoCause))
    }

    /// Writes the frame's number, its marks and its fields in this wording. [`Text`] cuts what does not fit.
    fn write(&self, text: &mut Text, wording: Wording) -> fmt::Result {
        write!(text, "#{} ", self.frame)?;
        if let Some(port) = self.port {
            write!(text, ":{port} ")?;
        }
        // What `marks` writes comes first, because a cut removes the end of the text.
        self.marks(text, wording)?;
        match self.summary.segment() {
            None if wording > Wording::Full => write!(text, "{}", Brief(self.ladder.lang, self.summary)),
            None => write!(text, "{}", In(self.ladder.lang, self.summary)),
            Some(segment) => {
                let [seq, ack, len, win] = match wording {
                    Wording::Full | Wording::Brief => ["seq=", "ack=", "len=", "win="],
                    _ => ["s=", "a=", "l=", "w="],
                };
                // A number below the initial number belongs to an earlier connection, and is written as a negative
                // number.
                let since = |number: TcpSeqNumber, isn: Option<TcpSeqNumber>| match isn {
                    Some(isn) => i64::from(number.0.wrapping_sub(isn.0)),
                    None => i64::from(number.0 as u32),
                };
                // Acknowledgement numbers and SACK blocks are about data of the segment's receiver.
                let [sender_isn, receiver_isn] = self.isn;
                let blocks = || segment.sacks.iter().flatten();
                // See `Wording`: whether to omit fields that do not fit, and whether to write only `ack` and one block.
                let omits_fields = wording >= Wording::FieldsThatFit;
                let is_short = wording >= Wording::OneBlock && blocks().next().is_some();
                text.write_str(segment.flags())?;
                if !is_short {
                    text.field(omits_fields, format_args!(" {seq}{}", since(segment.seq, sender_isn)))?;
                }
                if let Some(number) = segment.ack {
                    text.field(omits_fields, format_args!(" {ack}{}", since(number, receiver_isn)))?;
                }
                if wording == Wording::Full || segment.len > 0 {
                    text.field(omits_fields, format_args!(" {len}{}", segment.len))?;
                }
                if wording < Wording::NoWindow {
                    write!(text, " {win}{}", segment.window)?;
                }
                let relative =
                    |from: TcpSeqNumber, to: TcpSeqNumber| (since(from, receiver_isn), since(to, receiver_isn));
                if is_short && let Some((from, to)) = blocks().next() {
                    let ((from, to), more) = (relative(*from, *to), if blocks().count() > 1 { ".." } else { "" });
                    return text.field(omits_fields, format_args!(" sack {from}:{to}{more}"));
                }
                if blocks().next().is_some() {
                    text.write_str(" sack")?;
                }
                for (from, to) in blocks() {
                    let (from, to) = relative(*from, *to);
                    write!(text, " {from}:{to}")?;
                }
                Ok(())
            }
        }
    }

    /// Writes what happens to the frame and why it was sent, each with a space after it. Writes nothing for an ordinary
    /// frame.
    fn marks(&self, text: &mut Text, wording: Wording) -> fmt::Result {
        let long = wording == Wording::Full;
        match self.verdict {
            Verdict::Deliver => {}
            Verdict::Delay(time) => write!(text, "+{} ", Span(time))?,
            // The cross on the arrow shows the loss.
            Verdict::Drop | Verdict::Lost if !long => {}
            verdict => write!(text, "{} ", In(self.ladder.lang, verdict))?,
        }
        let Some(cause) = self.cause else { return Ok(()) };
        if cause.is_again() {
            text.write_str(if self.ladder.ascii { "again" } else { "↻" })?;
        }
        // The first retransmission gets no number.
        if let Cause::AfterTimeout(count)
        | Cause::Retransmission { count, .. }
        | Cause::SpuriousRetransmission { count, .. } = cause
            && count > 1
        {
            write!(text, "{count}")?;
        }
        if wording == Wording::NoCause {
            return text.write_str(if cause.is_again() { " " } else { "" });
        }
        if let Cause::Retransmission { rto, .. } | Cause::SpuriousRetransmission { rto, .. } = cause {
            write!(text, " RTO {} ", Span(rto))?;
        }
        let [full, brief] = marks(self.ladder.lang, cause);
        text.write_str(if long { full } else { brief })
    }
}
