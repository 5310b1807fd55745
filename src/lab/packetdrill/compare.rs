//! Compares a segment from the stack with a line of a script.

use super::segment::{Choice, Flags, SegmentText};

/// The part of a line's segment that has not been sent yet. The stack is allowed to send a segment of a script in
/// several pieces.
pub(super) struct Wanted {
    segment: SegmentText,
}

/// The result of comparing a segment with the line of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The segment completes the line.
    Complete,
    /// The segment is not the expected one. The text says what differs.
    Differs(&'static str),
    /// The segment is the next piece of the line, and more pieces must follow.
    Piece,
}

impl Wanted {
    pub(super) fn new(segment: &SegmentText) -> Self {
        Wanted { segment: segment.clone() }
    }

    /// Returns the number of payload bytes that have not been sent yet.
    pub(super) fn missing(&self) -> u32 {
        self.segment.len
    }

    /// Compares a segment with the line. The segment's numbers must be relative, like those in the script.
    ///
    /// If the segment is only a piece of the line, the next call expects the rest of the line.
    ///
    /// The window is compared only if the script names one, and the options are compared unless the script says
    /// `<...>`. Padding and the order of the options are ignored.
    pub(super) fn compare(&mut self, seen: &SegmentText) -> Verdict {
        let wanted = &mut self.segment;
        let is_piece = seen.len > 0 && seen.len < wanted.len;
        // Only the last piece has FIN. PSH is compared only in the last piece.
        let mask = if is_piece { !(Flags::FIN | Flags::PSH) } else { !0 };
        let options = |segment: &SegmentText| {
            let mut options = segment.options.clone().unwrap_or_default();
            options.retain(|option| !option.is_padding());
            options
        };
        let differs = |a: &[Choice], b: &[Choice]| a.len() != b.len() || a.iter().any(|option| !b.contains(option));
        if seen.flags.0 & mask != wanted.flags.0 & mask || (is_piece && seen.flags.has(Flags::FIN)) {
            Verdict::Differs("the flags differ")
        } else if seen.seq != wanted.seq {
            Verdict::Differs("the first number differs")
        } else if seen.len != wanted.len && !is_piece {
            Verdict::Differs("the length differs")
        } else if seen.ack != wanted.ack {
            Verdict::Differs("the acknowledgement number differs")
        } else if wanted.window.is_some() && seen.window != wanted.window {
            Verdict::Differs("the window differs")
        } else if wanted.options.is_some() && differs(&options(seen), &options(wanted)) {
            Verdict::Differs("the options differ")
        } else if is_piece {
            (wanted.seq, wanted.len) = (wanted.seq.wrapping_add(seen.len), wanted.len - seen.len);
            Verdict::Piece
        } else {
            Verdict::Complete
        }
    }
}
