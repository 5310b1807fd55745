//! The labels of segments: why they are sent, and what they are to their receiver.

use core::fmt;

use smoltcp::time::Duration;

/// Why a segment was sent, other than to carry new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The retransmission timer expired for an earlier segment, and this one counts as lost, too: its n-th retransmission.
    AfterTimeout(u32),
    /// The answer to a SYN, an RST or an acknowledgement that does not fit the connection (RFC 5961).
    ChallengeAck,
    /// A delayed acknowledgement, which waited this long for data to travel with.
    DelayedAck(Duration),
    /// A duplicate acknowledgement as RFC 5681 section 2 defines it: it repeats the last acknowledgement number and the last window
    /// while data is outstanding, and carries nothing itself.
    DuplicateAck,
    /// A retransmission after three duplicate acknowledgements (RFC 5681 section 3.2), or in the recovery that they began.
    FastRetransmission,
    /// A keep-alive probe: nothing arrived for the keep-alive time.
    KeepAlive,
    /// The answer to a keep-alive probe.
    KeepAliveAck,
    /// The acknowledgement of a segment that arrived again.
    RepeatedAck,
    /// SYN,ACK again, because the peer's SYN came again.
    RepeatedSyn,
    /// The retransmission timer expired, for the n-th time for this segment.
    Retransmission {
        /// How long the timer had run. Without the feature `recovery`: the time since the segment was last sent, or since the last
        /// acknowledgement of new data if that is later.
        rto: Duration,
        /// The number of this retransmission, from 1.
        count: u32,
    },
    /// The retransmission timer expired, but the peer has acknowledged the segment: its acknowledgement was lost, or is late.
    SpuriousRetransmission {
        /// As for [`Cause::Retransmission`].
        rto: Duration,
        /// As for [`Cause::Retransmission`].
        count: u32,
    },
    /// The last segment again, before the retransmission timer expires: its acknowledgement shows what was lost (RFC 8985 section 7).
    TailProbe,
    /// The peer's window has opened: what was sent into the closed window is sent again.
    WindowOpened,
    /// An acknowledgement that reports a larger window.
    WindowUpdate,
    /// A probe of one byte: the peer's window is closed, and may have opened.
    ZeroWindowProbe,
    /// The answer to a probe of the window, which is still closed.
    ZeroWindowProbeAck,
}

impl Cause {
    /// Whether the segment was sent before.
    pub(crate) fn is_again(self) -> bool {
        match self {
            Cause::AfterTimeout(_)
            | Cause::FastRetransmission
            | Cause::RepeatedSyn
            | Cause::Retransmission { .. }
            | Cause::SpuriousRetransmission { .. }
            | Cause::TailProbe
            | Cause::WindowOpened => true,
            Cause::ChallengeAck
            | Cause::DelayedAck(_)
            | Cause::DuplicateAck
            | Cause::KeepAlive
            | Cause::KeepAliveAck
            | Cause::RepeatedAck
            | Cause::WindowUpdate
            | Cause::ZeroWindowProbe
            | Cause::ZeroWindowProbeAck => false,
        }
    }

    /// The cause's name in JSON and in expectations.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Cause::AfterTimeout(_) => "after-timeout",
            Cause::ChallengeAck => "challenge-ack",
            Cause::DelayedAck(_) => "delayed-ack",
            Cause::DuplicateAck => "duplicate-ack",
            Cause::FastRetransmission => "fast-retransmission",
            Cause::KeepAlive => "keep-alive",
            Cause::KeepAliveAck => "keep-alive-ack",
            Cause::RepeatedAck => "repeated-ack",
            Cause::RepeatedSyn => "repeated-syn",
            Cause::Retransmission { .. } => "retransmission",
            Cause::SpuriousRetransmission { .. } => "spurious-retransmission",
            Cause::TailProbe => "tail-probe",
            Cause::WindowOpened => "window-opened",
            Cause::WindowUpdate => "window-update",
            Cause::ZeroWindowProbe => "zero-window-probe",
            Cause::ZeroWindowProbeAck => "zero-window-probe-ack",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::AfterTimeout(count) => write!(f, "retransmission {count}, after a timeout"),
            Cause::ChallengeAck => f.write_str("challenge ACK"),
            Cause::DelayedAck(time) => write!(f, "delayed ACK, {time}"),
            Cause::DuplicateAck => f.write_str("duplicate ACK"),
            Cause::FastRetransmission => f.write_str("fast retransmission"),
            Cause::KeepAlive => f.write_str("keep-alive"),
            Cause::KeepAliveAck => f.write_str("keep-alive ACK"),
            Cause::RepeatedAck => f.write_str("repeated ACK"),
            Cause::RepeatedSyn => f.write_str("retransmission, because SYN came again"),
            Cause::Retransmission { rto, count } => write!(f, "retransmission {count}, RTO {rto}"),
            Cause::SpuriousRetransmission { rto, count } => {
                write!(f, "spurious retransmission {count}, RTO {rto}")
            }
            Cause::TailProbe => f.write_str("tail loss probe"),
            Cause::WindowOpened => f.write_str("retransmission, because the window opened"),
            Cause::WindowUpdate => f.write_str("window update"),
            Cause::ZeroWindowProbe => f.write_str("zero-window probe"),
            Cause::ZeroWindowProbeAck => f.write_str("zero-window probe ACK"),
        }
    }
}

/// What a segment is to the side that it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// A segment before it is missing.
    OutOfOrder,
    /// It acknowledges a part of what was in flight when the recovery began: another segment was lost, too (RFC 6582 section 3.2).
    PartialAck,
    /// All its bytes arrived before.
    Repeated,
}

impl Mark {
    /// The mark's name in JSON and in expectations.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Mark::OutOfOrder => "out-of-order",
            Mark::PartialAck => "partial-ack",
            Mark::Repeated => "repeated",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mark::OutOfOrder => "out of order",
            Mark::PartialAck => "partial ACK",
            Mark::Repeated => "a second time",
        })
    }
}
