//! The labels of segments: the cause of a segment that is sent, and the receiver's view of a segment that arrives.

use core::fmt;

use smoltcp::time::Duration;

/// Why a segment was sent, if not only to carry new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The n-th retransmission of a segment that is treated as lost. The retransmission timer has expired for an
    /// earlier segment.
    AfterTimeout(u32),
    /// A challenge ACK: the answer to a SYN, RST or ACK that does not fit the connection (RFC 5961 sections 3.2, 4.2
    /// and 5.2).
    ChallengeAck,
    /// A delayed ACK, which waited this long for data that could carry it or for a second full segment.
    DelayedAck(Duration),
    /// A duplicate ACK, as defined by RFC 5681 section 2 (a) to (e).
    ///
    /// The ACK carries no data, SYN or FIN, and repeats the previous acknowledgement number and window while data is
    /// outstanding.
    DuplicateAck,
    /// A retransmission because of three duplicate ACKs (RFC 5681 section 3.2).
    ///
    /// SACK ranges can show the same loss (RFC 6675 section 4). Later retransmissions in the same recovery are
    /// included.
    FastRetransmission,
    /// A keep-alive probe: nothing arrived for the keep-alive interval.
    KeepAlive,
    /// The answer to a keep-alive probe.
    KeepAliveAck,
    /// A fast retransmission of a segment whose retransmission was lost too (RFC 8985 section 6.2).
    LostRetransmission,
    /// A retransmission in shorter segments, because a router reported that the segment was too long (RFC 1191
    /// section 6.4).
    PathMtu,
    /// The acknowledgement of a segment that arrived again.
    RepeatedAck,
    /// A SYN,ACK that is sent again because the peer's SYN arrived again.
    RepeatedSyn,
    /// A retransmission because the retransmission timer expired.
    Retransmission {
        /// The time for which the timer had run.
        ///
        /// Without the feature `recovery`, the time since the segment was previously sent or since new data was
        /// acknowledged, whichever was later.
        rto: Duration,
        /// The number of times that the segment has been retransmitted, including this time.
        count: u32,
    },
    /// A retransmission of a segment that the peer has acknowledged: the acknowledgement was lost or is late.
    SpuriousRetransmission {
        /// The time for which the timer had run, as in [`Cause::Retransmission`].
        rto: Duration,
        /// The number of times that the segment has been retransmitted, including this time.
        count: u32,
    },
    /// A tail loss probe: the final segment is sent again before the retransmission timer expires.
    ///
    /// The answer shows whether earlier data was lost (RFC 8985 section 7).
    TailProbe,
    /// A retransmission of data that the peer's closed window refused, because the window has opened.
    WindowOpened,
    /// An ACK that announces a larger window.
    WindowUpdate,
    /// A zero-window probe: one byte that checks whether the peer's closed window has opened.
    ZeroWindowProbe,
    /// The answer to a zero-window probe: the window is still closed.
    ZeroWindowProbeAck,
}

impl Cause {
    /// Returns whether the segment is a retransmission.
    pub(crate) fn is_again(self) -> bool {
        match self {
            Cause::AfterTimeout(_)
            | Cause::FastRetransmission
            | Cause::LostRetransmission
            | Cause::PathMtu
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

    /// Returns the cause's name in JSON and in expectations.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Cause::AfterTimeout(_) => "after-timeout",
            Cause::ChallengeAck => "challenge-ack",
            Cause::DelayedAck(_) => "delayed-ack",
            Cause::DuplicateAck => "duplicate-ack",
            Cause::FastRetransmission | Cause::LostRetransmission => "fast-retransmission",
            Cause::KeepAlive => "keep-alive",
            Cause::KeepAliveAck => "keep-alive-ack",
            Cause::PathMtu => "path-mtu",
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
            Cause::FastRetransmission | Cause::LostRetransmission => f.write_str("fast retransmission"),
            Cause::KeepAlive => f.write_str("keep-alive"),
            Cause::KeepAliveAck => f.write_str("keep-alive ACK"),
            Cause::PathMtu => f.write_str("retransmission in shorter segments"),
            Cause::RepeatedAck => f.write_str("repeated ACK"),
            Cause::RepeatedSyn => f.write_str("retransmission, because the SYN arrived again"),
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

/// The receiver's view of a segment that is not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// An earlier segment is missing.
    OutOfOrder,
    /// A partial ACK: it covers only some of the data that was in flight when the recovery began.
    ///
    /// A partial ACK shows that another segment was lost, too (RFC 6582 section 3.2).
    PartialAck,
    /// All bytes of the segment had arrived before.
    Repeated,
}

impl Mark {
    /// Returns the mark's name in JSON and in expectations.
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
