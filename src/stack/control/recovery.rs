//! Recovers from losses (RFC 6298, RFC 6582, RFC 6675, RFC 8985 section 7): the state, the acknowledgements, the timers.
//!
//! losses.rs finds what was lost; sending.rs decides what may leave.
//!
//! smoltcp sends again only from SND.UNA on, and only when its own timer expires. So the block makes that timer expire when it
//! wants to ([`Block::wants_rewind`]), and lets pass only what the peer lacks ([`Block::leaves`]).

mod losses;
#[cfg(feature = "fragments")]
mod path;
mod sending;

pub(in crate::stack) use sending::Leave;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, TcpOption, TcpSeqNumber};

use super::congestion::{Congestion, Window};
use super::rtt::Rtt;
use super::scoreboard::Scoreboard;
use super::{Block, Repeat, Segment, distance};

/// The number of duplicate acknowledgements that mean a loss (RFC 5681 section 3.2), and the largest that a path which reorders
/// segments may raise it to.
const DUPLICATES: u32 = 3;
const MOST_DUPLICATES: u32 = 48;

/// How long a peer may delay the acknowledgement of a single segment (RFC 9293 section 3.8.6.3 allows 500 ms, systems use 200).
const PEER_ACK_DELAY: Duration = Duration::from_millis(200);

/// How long less than a full segment waits for a larger window (RFC 9293 section 3.8.6.2.1: 0.1 to 1 s).
const SMALL_WINDOW_DELAY: Duration = Duration::from_millis(500);

/// What a block keeps to recover from losses.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Recovery {
    window: Window,
    rtt: Rtt,
    /// The least margin of the retransmission timeout.
    least: Duration,
    /// The largest segment, in bytes: the smaller of the handshake's limit and the path's limit.
    mss: u32,
    /// The largest segment that the handshake agreed on, in bytes.
    agreed_mss: u32,
    /// Whether smoltcp must make one segment at a time: see recovery/path.rs.
    singly: bool,
    #[cfg(feature = "fragments")]
    trial: path::Trial,
    /// The largest segment that fits the link, in bytes. smoltcp knows only the device's limit.
    own_mss: u32,
    /// Whether the peer acknowledges selectively.
    sack: bool,
    board: Scoreboard,
    duplicates: u32,
    /// The number of duplicate acknowledgements that mean a loss: more on a path that reorders.
    threshold: u32,
    /// The bytes that were sent again in this recovery, and those of them that the peer had already (RFC 2883).
    repeated: u32,
    needless: u32,
    /// SND.NXT when the segment at SND.UNA was last sent again.
    nxt_at_resend: Option<TcpSeqNumber>,
    /// What the peer lacks below this is lost.
    lost_below: TcpSeqNumber,
    /// What was lost below this was sent again.
    resent: TcpSeqNumber,
    /// What left before this filled the congestion window.
    limited_until: TcpSeqNumber,
    /// SND.NXT when the loss was found; the recovery ends once this is acknowledged.
    point: Option<TcpSeqNumber>,
    /// Whether a timeout began the recovery.
    timed_out: bool,
    /// The last segment is sent again from here, as a probe.
    tail: Option<TcpSeqNumber>,
    /// What was last sent again as a probe: the peer often has it already, which says nothing about the path.
    probed_range: (TcpSeqNumber, TcpSeqNumber),
    /// Whether the tail was probed since the last progress.
    probed: bool,
    /// When the retransmission timer expires.
    timer: Option<Instant>,
    /// When that timer was started.
    armed_at: Instant,
    /// How long the timer had run when it expired, until the first segment leaves again.
    expired: Option<Duration>,
    /// Why a segment last left again.
    pub(super) repeat: Option<Repeat>,
    /// When the tail is probed.
    probe: Option<Instant>,
    /// When data leaves although the window is too small for it.
    persist: Option<Instant>,
    /// Whether that time has come.
    persisting: bool,
    /// The number of times in a row that the retransmission timer expired.
    backoff: u8,
    /// A sequence number whose acknowledgement gives a round-trip time, and when it left.
    sample: Option<(TcpSeqNumber, Instant)>,
    /// When new data last left.
    sent_at: Instant,
    /// When the peer last acknowledged all that it had room for, or anything new, or was first asked to.
    heard_at: Instant,
    /// The peer's window scale (shift count), as smoltcp is told it.
    shown_scale: u8,
    /// The window that smoltcp was last shown, in bytes, and the acknowledgement.
    shown: u32,
    shown_ack: TcpSeqNumber,
    /// What smoltcp takes for SND.NXT.
    frontier: TcpSeqNumber,
    /// smoltcp's own timer does not expire before this.
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
        limited_until: TcpSeqNumber(0),
        point: None,
        timed_out: false,
        tail: None,
        probed_range: (TcpSeqNumber(0), TcpSeqNumber(0)),
        probed: false,
        timer: None,
        armed_at: Instant::ZERO,
        expired: None,
        repeat: None,
        probe: None,
        persist: None,
        persisting: false,
        backoff: 0,
        sample: None,
        sent_at: Instant::ZERO,
        heard_at: Instant::ZERO,
        shown_scale: 0,
        shown: 0,
        shown_ack: TcpSeqNumber(0),
        frontier: TcpSeqNumber(0),
        rests_until: Instant::ZERO,
    };

    /// The window field that smoltcp was last shown.
    pub(super) fn last_field(&self) -> u16 {
        (self.shown >> self.shown_scale) as u16
    }
}

/// How a connection recovers.
#[derive(Clone, Copy, Debug)]
pub(in crate::stack) struct Options {
    pub(in crate::stack) congestion: Congestion,
    /// The least margin of the retransmission timeout.
    pub(in crate::stack) least: Duration,
    /// The largest segment that fits the path, or the link if the path is not known, in bytes.
    pub(in crate::stack) mss: u32,
    /// The size of the send buffer, in bytes.
    pub(in crate::stack) capacity: usize,
}

impl Block {
    /// A block for a new connection.
    pub(in crate::stack) fn recovering(options: &Options) -> Block {
        let mut block = Block::EMPTY;
        let r = &mut block.recovery;
        r.least = options.least;
        (r.mss, r.agreed_mss, r.own_mss) = (options.mss, options.mss, options.mss);
        r.window = Window::new(options.congestion, options.mss);
        // smoltcp's window field has 16 bits, so its unit is chosen as small as the send buffer allows.
        while r.shown_scale < 14 && (65_535 << r.shown_scale) < options.capacity {
            r.shown_scale += 1;
        }
        block
    }

    /// Takes in the options of the peer's SYN.
    pub(super) fn learn(&mut self, segment: &Segment, frame: &[u8]) {
        // RFC 9293 section 3.7.1.
        let mut mss = match segment.tuple.local.addr {
            IpAddress::Ipv4(_) => 536,
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(_) => 1_220,
        };
        let mut scales = false;
        for option in segment.options(frame) {
            match option {
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
            r.shown_scale = 0;
        }
    }

    /// Returns the MSS of a SYN, received or sent, as smoltcp and the peer see it. The result is at most the MSS that fits the
    /// link.
    pub(super) fn bounded_mss(&self, mss: u16) -> u16 {
        mss.min(self.recovery.own_mss.try_into().unwrap_or(u16::MAX))
    }

    /// Whether the peer understands selective acknowledgements.
    pub(super) fn reports_ranges(&self) -> bool {
        self.recovery.sack
    }

    /// When the peer last acknowledged something, or was first asked to.
    pub(in crate::stack) fn heard_at(&self) -> Instant {
        self.recovery.heard_at
    }

    /// Whether the peer keeps its window closed, but has answered the latest window probe.
    pub(in crate::stack) fn is_held_back(&self, now: Instant) -> bool {
        self.window == 0 && now <= self.recovery.heard_at + self.interval()
    }

    /// Whether a loss is being repaired.
    pub(in crate::stack) fn recovers(&self) -> bool {
        self.recovery.point.is_some()
    }

    /// How long a peer may take to acknowledge.
    pub(in crate::stack) fn interval(&self) -> Duration {
        self.recovery.rtt.timeout(self.recovery.backoff)
    }

    /// The SYN,ACK leaves again.
    pub(super) fn syn_repeated(&mut self) {
        if self.flight() > 0 {
            (self.recovery.lost_below, self.recovery.resent) = (self.nxt, self.una);
        }
    }

    /// Takes in an acceptable acknowledgement, with its options. Returns whether it brings anything new.
    pub(super) fn acknowledged(&mut self, now: Instant, segment: &Segment, ack: TcpSeqNumber, frame: &[u8]) -> bool {
        let (before, acked) = (self.flight(), distance(self.una, ack));
        let same_window = u32::from(segment.window) << self.peer_scale == self.window;
        let handshake = self.una == self.iss;
        let opened = self.window == 0 && segment.window > 0 && self.is_newer_window(segment, ack);
        #[cfg(feature = "fragments")]
        self.hear(ack, acked);
        let r = &mut self.recovery;
        if opened {
            // What left into the closed window was thrown away.
            (r.persist, r.persisting, r.backoff, r.sample) = (None, false, 0, None);
            (r.resent, r.lost_below) = (self.una, self.nxt);
        }
        if acked > 0 {
            if let Some((_, sent)) = r.sample.take_if(|(seq, _)| ack >= *seq) {
                r.rtt.measured(now - sent, r.least);
                r.backoff = 0;
            }
            if handshake && r.backoff > 0 {
                r.rtt.syn_was_lost();
                r.backoff = 0;
            }
            self.una = ack;
            r.resent = r.resent.max(ack);
            r.lost_below = r.lost_below.max(ack);
            r.frontier = r.frontier.max(ack);
            r.tail = None;
            // The backed-off timeout stays until there is a measurement (RFC 6298 section 5.7, Karn's algorithm).
            (r.probed, r.nxt_at_resend) = (false, None);
            r.rests_until = now + Duration::from_secs(1);
            r.board.trim(ack);
        }
        let news = before > 0 && self.take_ranges(segment, frame);
        let r = &mut self.recovery;
        // A peer that answers, but never takes what it has room for, is as good as dead (RFC 9293 section 3.8.3, R2).
        if acked > 0 || news || before == 0 || self.window == 0 {
            r.heard_at = now;
        }
        let repeats = acked == 0 && segment.len == 0 && !segment.fin && before > 0 && same_window && self.window > 0;
        if repeats && (news || !r.sack) {
            r.duplicates = r.duplicates.saturating_add(1);
        }
        self.grow(now, ack, acked, before);
        self.find_losses(now, before);
        if self.flight() == 0 {
            (self.recovery.timer, self.recovery.probe) = (None, None);
        } else if acked > 0 || news || opened {
            let (before, armed_at) = (self.recovery.timer, self.recovery.armed_at);
            self.arm(now);
            // A part of a segment has arrived that was cut on suspicion of a black hole. The timer of the segment goes on.
            if self.recovery.trial.is_running() {
                let r = &mut self.recovery;
                if before.is_some_and(|before| r.timer.is_none_or(|at| before < at)) {
                    (r.timer, r.armed_at) = (before, armed_at);
                }
            }
        }
        acked > 0 || news || !same_window
    }
    /// Starts the timers anew.
    fn arm(&mut self, now: Instant) {
        let flight = self.flight();
        let r = &mut self.recovery;
        let timeout = r.rtt.timeout(r.backoff);
        (r.timer, r.armed_at) = (Some(now + timeout), now);
        r.probe = r.rtt.smoothed().and_then(|smoothed| {
            let delay = if flight <= r.mss { PEER_ACK_DELAY } else { Duration::from_millis(2) };
            let wait = smoothed * 2 + delay;
            // Without SACK, the answer to a probe looks like that to a loss (RFC 8985 section 7).
            (r.sack && wait < timeout && r.point.is_none() && r.backoff == 0 && !r.probed).then(|| now + wait)
        });
    }

    /// When the block next has work, unless a segment arrives earlier.
    pub(in crate::stack) fn due(&self) -> Option<Instant> {
        let r = &self.recovery;
        [r.timer, r.probe, r.persist].into_iter().flatten().min()
    }

    /// Acts on the timers that have expired.
    pub(in crate::stack) fn expire(&mut self, now: Instant) {
        let (una, nxt) = (self.una, self.nxt);
        let has = |timer: &mut Option<Instant>| timer.take_if(|at| *at <= now).is_some();
        let ran = self.recovery.timer.map(|at| at - self.recovery.armed_at);
        let r = &mut self.recovery;
        if has(&mut r.persist) {
            r.persisting = true;
        }
        if has(&mut r.timer) {
            // A loss that duplicate acknowledgements have shown is not paid for again.
            let again = r.backoff > 0 || (r.point.is_some() && !r.timed_out);
            if una == self.iss {
                r.window.on_lost_syn();
            } else if self.window > 0 {
                r.window.on_timeout(now, distance(una, nxt), again);
            }
            r.backoff = r.backoff.saturating_add(1);
            #[cfg(feature = "fragments")]
            {
                r.trial.expired = una != self.iss && self.window > 0;
            }
            // RFC 2018 section 8: the peer may have thrown away what it acknowledged selectively.
            r.board.clear();
            (r.duplicates, r.sample, r.probe, r.tail) = (0, None, None, None);
            (r.resent, r.lost_below, r.nxt_at_resend) = (una, nxt, None);
            (r.point, r.timed_out, r.expired) = (Some(nxt), true, ran);
            (r.timer, r.armed_at) = (Some(now + r.rtt.timeout(r.backoff)), now);
        } else if has(&mut r.probe) {
            r.tail = Some(TcpSeqNumber(nxt.0.wrapping_sub(r.mss as i32)).max(una));
            r.probed = true;
            (r.timer, r.armed_at) = (Some(now + r.rtt.timeout(r.backoff)), now);
        }
    }
}
