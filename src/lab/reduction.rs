//! Reductions of a sender's congestion window.

/// A reduction of a congestion window in one step, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Reduction {
    /// The window before the step.
    pub from: u32,
    /// The window after the step.
    pub to: u32,
    /// The slow-start threshold after the step, or `None` before the first loss.
    pub ssthresh: Option<u32>,
    /// Why the sender reduces the window.
    pub sign: Sign,
    /// Whether the sender uses CUBIC (RFC 9438), and not Reno.
    pub is_cubic: bool,
}

/// Why a sender reduces its congestion window: a sign of congestion, or another reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Sign {
    /// The n-th duplicate ACK in a row arrived (RFC 5681 section 3.2).
    Duplicates(u32),
    /// Nothing was sent for at least a retransmission timeout (RFC 5681 section 4.1).
    Idle,
    /// The SYN, or the SYN,ACK, was lost (RFC 5681 section 3.1).
    LostSyn,
    /// A retransmission was lost too (RFC 5681 section 4.3).
    Retransmission,
    /// SACK blocks show a loss (RFC 6675 section 5).
    Sack,
    /// The retransmission timer expired (RFC 5681 section 3.1).
    Timeout,
}
