//! Loss recovery (RFC 6298, RFC 6582, RFC 6675, RFC 8985 section 7): its state, acknowledgements and timers.
//!
//! losses.rs finds lost data. resends.rs finds lost retransmissions. sending.rs and window.rs decide what smoltcp may
//! send. timers.rs contains the retransmission timer, the tail loss probe and the probe of a closed window.
//!
//! smoltcp retransmits only when its own timer expires, and always from SND.UNA. When data is lost, the control block
//! makes that timer expire ([`Block::wants_rewind`]). [`Block::leaves`] then withholds the segments that the peer has
//! already received.

mod losses;
#[cfg(feature = "fragments")]
mod path;
mod resends;
mod samples;
mod sending;
mod snapshot;
mod timers;
mod window;

pub(in crate::stack) use sending::Leave;
pub use snapshot::{Control, HeldBy};

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, TcpOption, TcpSeqNumber};

use super::congestion::{Congestion, Window};
use super::rtt::Rtt;
use super::scoreboard::Scoreboard;
use super::{Block, Repeat, Segment, distance};
use resends::Resends;
use samples::{Sample, Samples};
use timers::Timer;

/// The number of duplicate acknowledgements that mean a loss (RFC 5681 section 3.2).
const DUPLICATES: u32 = 3;
/// The largest number of duplicate acknowledgements that a loss needs on a path that reorders segments.
const MOST_DUPLICATES: u32 = 48;

/// The longest time for which a peer is expected to delay an ACK. RFC 9293 section 3.8.6.3 allows 500 ms, but systems
/// use 200 ms.
const PEER_ACK_DELAY: Duration = Duration::from_millis(200);

/// The time for which data waits for a larger window if a full segment does not fit. RFC 9293 section 3.8.6.2.1
/// recommends 0.1 to 1 s.
const SMALL_WINDOW_DELAY: Duration = Duration::from_millis(500);

/// The state of a connection's loss recovery.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Recovery {
    window: Window,
    rtt: Rtt,
    /// The smallest margin between SRTT and the retransmission timeout.
    least: Duration,
    /// The largest segment, in bytes: the smaller of the handshake's limit and the path's limit.
    mss: u32,
    /// The largest segment that the handshake agreed on, in bytes.
    agreed_mss: u32,
    /// Whether smoltcp must create one segment at a time: see recovery/path.rs.
    singly: bool,
    #[cfg(feature = "fragments")]
    trial: path::Trial,
    /// The largest segment that fits the link, in bytes. smoltcp knows only the limit that the device reports.
    own_mss: u32,
    /// Whether the peer supports selective acknowledgements (SACK).
    sack: bool,
    board: Scoreboard,
    duplicates: u32,
    /// The number of duplicate acknowledgements that mean a loss. The number grows on a path that reorders segments.
    threshold: u32,
    /// The number of bytes retransmitted in this recovery.
    repeated: u32,
    /// The number of retransmitted bytes that the peer reports as duplicates (RFC 2883).
    needless: u32,
    /// SND.NXT when the segment at SND.UNA was most recently retransmitted.
    nxt_at_resend: Option<TcpSeqNumber>,
    /// Unacknowledged data below this sequence number is lost.
    lost_below: TcpSeqNumber,
    /// Lost data below this sequence number has been retransmitted.
    resent: TcpSeqNumber,
    resends: Resends,
    /// The time at which the congestion window was most recently reduced because of a loss.
    reduced_at: Instant,
    /// Data below this sequence number was sent while the congestion window was full.
    limited_until: TcpSeqNumber,
    /// SND.NXT when the loss was found. The recovery ends once this number is acknowledged.
    point: Option<TcpSeqNumber>,
    /// Whether the recovery began with an expiry of the retransmission timer.
    timed_out: bool,
    /// Whether the recovery began with a report that segments were too long for the path.
    by_path: bool,
    /// SND.UNA when the retransmission timer most recently expired.
    timeout_at: TcpSeqNumber,
    /// The next tail loss probe retransmits from this sequence number.
    tail: Option<TcpSeqNumber>,
    /// The range that the most recent tail loss probe retransmitted. The peer often has that range already, so a
    /// duplicate report for the range is ignored.
    probed_range: (TcpSeqNumber, TcpSeqNumber),
    /// Whether a tail loss probe was sent since the most recent new acknowledgement.
    probed: bool,
    retransmission: Option<Timer>,
    /// The time for which the retransmission timer had run when it expired. `None` before it expires, and again once
    /// the first retransmission is sent.
    expired: Option<Duration>,
    /// Why a segment was most recently sent again.
    pub(super) repeat: Option<Repeat>,
    /// The time at which a tail loss probe is sent.
    probe: Option<Instant>,
    /// The time at which the persist timer expires. Data is then sent although it does not fit the peer's window.
    persist: Option<Instant>,
    /// Whether the time in `persist` has passed.
    persisting: bool,
    /// The number of times in a row that the retransmission timer has expired.
    backoff: u8,
    samples: Samples,
    /// The time at which new data was most recently sent.
    sent_at: Instant,
    /// The time at which the peer most recently acknowledged something new, had nothing to acknowledge, or had its
    /// window closed.
    heard_at: Instant,
    /// The window scale (shift count) that smoltcp sees in place of the peer's.
    shown_scale: u8,
    /// The window most recently passed to smoltcp, in bytes.
    shown: u32,
    /// The acknowledgement number passed to smoltcp together with that window.
    shown_ack: TcpSeqNumber,
    /// SND.NXT as smoltcp sees it. While smoltcp retransmits, its SND.NXT is lower than ours.
    frontier: TcpSeqNumber,
    /// smoltcp's own retransmission timer does not expire before this time.
    rests_until: Instant,
}

impl Recovery {
    pub(super) const NEW: Recovery = Recovery {
        window: Window::new(Congestion::None, 536),
        rtt: Rtt::NEW,
        least: Duration::from_millis(200),
        mss: 536,
        agreed_mss: 536,
        singly: false,
        #[cfg(feature = "fragments")]
        trial: path::Trial::NONE,
        own_mss: u32::MAX,
        sack: false,
        board: Scoreboard::EMPTY,
        duplicates: 0,
        threshold: DUPLICATES,
        repeated: 0,
        needless: 0,
        nxt_at_resend: None,
        lost_below: TcpSeqNumber(0),
        resent: TcpSeqNumber(0),
        resends: Resends::EMPTY,
        reduced_at: Instant::ZERO,
        limited_until: TcpSeqNumber(0),
        point: None,
        timed_out: false,
        by_path: false,
        timeout_at: TcpSeqNumber(0),
        tail: None,
        probed_range: (TcpSeqNumber(0), TcpSeqNumber(0)),
        probed: false,
        retransmission: None,
        expired: None,
        repeat: None,
        probe: None,
        persist: None,
        persisting: false,
        backoff: 0,
        samples: Samples::EMPTY,
        sent_at: Instant::ZERO,
        heard_at: Instant::ZERO,
        shown_scale: 0,
        shown: 0,
        shown_ack: TcpSeqNumber(0),
        frontier: TcpSeqNumber(0),
        rests_until: Instant::ZERO,
    };

    /// Completes a round-trip measurement, which ends the backoff of the timeout.
    fn measured(&mut self, now: Instant, sample: Sample) {
        self.rtt.measured(now - sample.sent, self.least);
        self.resends.measured();
        self.backoff = 0;
    }

    /// Returns the window field most recently passed to smoltcp.
    pub(super) fn latest_field(&self) -> u16 {
        (self.shown >> self.shown_scale) as u16
    }
}

/// The settings of a connection's loss recovery.
#[derive(Clone, Copy, Debug)]
pub(in crate::stack) struct Options {
    pub(in crate::stack) congestion: Congestion,
    /// The smallest margin between SRTT and the retransmission timeout.
    pub(in crate::stack) least: Duration,
    /// The largest segment that fits the path, or the link if the path MTU is not known, in bytes.
    pub(in crate::stack) mss: u32,
    /// The size of the send buffer, in bytes.
    pub(in crate::stack) capacity: usize,
    /// The window scale to offer instead of smoltcp's.
    pub(in crate::stack) scale: Option<u8>,
}

impl Block {
    /// Creates the control block of a new connection with loss recovery.
    pub(in crate::stack) fn recovering(options: &Options) -> Block {
        let mut block = Block::EMPTY;
        // RFC 7323 section 2.3: the largest shift is 14.
        block.receiver.offered_scale = options.scale.map(|scale| scale.min(14));
        let r = &mut block.recovery;
        r.least = options.least;
        (r.mss, r.agreed_mss, r.own_mss) = (options.mss, options.mss, options.mss);
        r.window = Window::new(options.congestion, options.mss);
        // smoltcp's window field has 16 bits. The loop picks the smallest unit with which the field can cover the send
        // buffer.
        while r.shown_scale < 14 && (65_535 << r.shown_scale) < options.capacity {
            r.shown_scale += 1;
        }
        block
    }

    /// Processes the options of the peer's SYN.
    pub(super) fn learn(&mut self, segment: &Segment, frame: &[u8]) {
        // The defaults for a SYN without an MSS option (RFC 9293 section 3.7.1).
        let mut mss = match segment.tuple.local.addr {
            IpAddress::Ipv4(_) => 536,
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(_) => 1_220,
        };
        let mut scales = false;
        for option in segment.options(frame) {
            match option {
                // 48 bytes is also the smallest MSS of the congestion window.
                TcpOption::MaxSegmentSize(size) if size > 0 => mss = u32::from(size).max(48),
                TcpOption::SackPermitted => self.recovery.sack = true,
                TcpOption::WindowScale(_) => scales = true,
                _ => {}
            }
        }
        let r = &mut self.recovery;
        r.agreed_mss = r.agreed_mss.min(mss);
        r.mss = r.mss.min(mss);
        r.window.set_mss(r.mss);
        if !scales {
            // Without this option in the peer's SYN, smoltcp does not scale windows.
            r.shown_scale = 0;
        }
    }

    /// Returns `mss`, the MSS option of a received or sent SYN, but at most the largest segment that fits the link.
    pub(super) fn bounded_mss(&self, mss: u16) -> u16 {
        mss.min(self.recovery.own_mss.try_into().unwrap_or(u16::MAX))
    }

    /// Returns whether acknowledgements can carry SACK ranges, because the peer supports SACK.
    pub(super) fn reports_ranges(&self) -> bool {
        self.recovery.sack
    }

    /// Returns the time at which the peer most recently acknowledged something new, had nothing to acknowledge, or had
    /// its window closed.
    pub(in crate::stack) fn heard_at(&self) -> Instant {
        self.recovery.heard_at
    }

    /// Returns whether the peer keeps its window closed, but answers window probes.
    pub(in crate::stack) fn is_held_back(&self, now: Instant) -> bool {
        self.window == 0 && now <= self.recovery.heard_at + self.interval()
    }

    /// Returns whether a loss is being repaired.
    pub(in crate::stack) fn recovers(&self) -> bool {
        self.recovery.point.is_some()
    }

    /// Returns the current retransmission timeout, with backoff.
    pub(in crate::stack) fn interval(&self) -> Duration {
        self.recovery.rtt.timeout(self.recovery.backoff)
    }

    /// Marks the SYN,ACK as lost, so that it is sent again, because the peer has repeated its SYN.
    pub(super) fn syn_repeated(&mut self) {
        if self.flight() > 0 {
            (self.recovery.lost_below, self.recovery.resent) = (self.nxt, self.una);
        }
    }

    /// Processes an acceptable acknowledgement and its options. Returns whether the acknowledgement brings anything
    /// new: acknowledged bytes, a SACK range or a window.
    pub(super) fn acknowledged(&mut self, now: Instant, segment: &Segment, ack: TcpSeqNumber, frame: &[u8]) -> bool {
        let (before, acked) = (self.flight(), distance(self.una, ack));
        let same_window = u32::from(segment.window) << self.peer_scale == self.window;
        let handshake = self.una == self.iss;
        let opened = self.window == 0 && segment.window > 0 && self.is_newer_window(segment, ack);
        #[cfg(feature = "fragments")]
        self.update_trial(ack, acked);
        let r = &mut self.recovery;
        if opened {
            // The peer has dropped everything that was sent into its closed window, so all data in flight is lost.
            (r.persist, r.persisting, r.backoff) = (None, false, 0);
            r.samples.clear();
            (r.resent, r.lost_below) = (self.una, self.nxt);
            r.forget_resends();
        }
        if acked > 0 {
            if let Some(sample) = r.samples.acknowledged(ack) {
                r.measured(now, sample);
            }
            // If the SYN was retransmitted, its round trip was not measured, and the timeout for data is raised.
            if handshake && r.backoff > 0 {
                r.rtt.syn_was_lost();
                r.backoff = 0;
            }
            self.una = ack;
            r.resent = r.resent.max(ack);
            r.lost_below = r.lost_below.max(ack);
            // Keeps `limited_until` from falling far behind `ack`, because sequence numbers more than 2 GiB apart
            // cannot be compared.
            r.limited_until = r.limited_until.max(ack - 1);
            r.frontier = r.frontier.max(ack);
            r.tail = None;
            // The timeout stays backed off until the next measurement (RFC 6298 section 5, RFC 9293 section 3.8.2).
            (r.probed, r.nxt_at_resend) = (false, None);
            r.rests_until = now + Duration::from_secs(1);
            if !r.board.is_empty() {
                r.board.trim(ack);
            }
        }
        let news = before > 0 && self.take_ranges(now, segment, frame);
        let r = &mut self.recovery;
        // A peer that answers, but never accepts data that fits its window, is treated as dead (RFC 9293 section 3.8.3,
        // R2).
        if acked > 0 || news || before == 0 || self.window == 0 {
            r.heard_at = now;
        }
        let repeats = acked == 0 && segment.len == 0 && !segment.fin && before > 0 && same_window && self.window > 0;
        // With SACK, only an ACK that reports something new counts as a duplicate (RFC 6675 section 2).
        if repeats && (news || !r.sack) {
            r.duplicates = r.duplicates.saturating_add(1);
        }
        // RFC 5681 section 3.1: the acknowledgement of the SYN does not grow the window.
        self.grow(now, ack, acked.saturating_sub(handshake.into()), before);
        if acked > 0 || news {
            self.later_data_arrived(now);
        }
        self.find_losses(now, before);
        if self.flight() == 0 {
            (self.recovery.retransmission, self.recovery.probe) = (None, None);
        } else if acked > 0 || news || opened {
            #[cfg(feature = "fragments")]
            let before = self.recovery.retransmission.filter(|_| self.recovery.trial.is_running());
            self.arm(now);
            // During a search for a black hole, the segment was cut into shorter segments, and one of them has arrived.
            // The timer of the original segment keeps running.
            #[cfg(feature = "fragments")]
            {
                let timers = [before, self.recovery.retransmission];
                self.recovery.retransmission = timers.into_iter().flatten().min_by_key(|timer| timer.due);
            }
        }
        acked > 0 || news || !same_window
    }
}
