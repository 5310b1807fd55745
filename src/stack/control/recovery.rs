//! Finds what was lost, and decides what may leave (RFC 6298, RFC 6582, RFC 6675, RFC 8985 section 7).
//!
//! smoltcp sends again only from SND.UNA on, and only when its own timer expires. So the block makes that timer expire when it
//! wants to ([`Block::wants_rewind`]), and lets pass only what the peer lacks ([`Block::leaves`]).

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, TcpOption, TcpSeqNumber};

use super::congestion::{Congestion, Window};
use super::rtt::Rtt;
use super::scoreboard::Scoreboard;
use super::{Block, Segment, distance};

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
    /// The largest segment, in bytes.
    mss: u32,
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
    first_resent_at: Option<TcpSeqNumber>,
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
    /// The shift of the window that smoltcp is shown.
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
        sack: false,
        board: Scoreboard::EMPTY,
        duplicates: 0,
        threshold: DUPLICATES,
        repeated: 0,
        needless: 0,
        first_resent_at: None,
        lost_below: TcpSeqNumber(0),
        resent: TcpSeqNumber(0),
        limited_until: TcpSeqNumber(0),
        point: None,
        timed_out: false,
        tail: None,
        probed_range: (TcpSeqNumber(0), TcpSeqNumber(0)),
        probed: false,
        timer: None,
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

/// How much of a segment that smoltcp made leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Leave {
    /// A segment without data takes its place: its bytes need not go again, its acknowledgement is new.
    Acknowledgement,
    Nothing,
    Whole,
}

/// How a connection recovers.
#[derive(Clone, Copy, Debug)]
pub(in crate::stack) struct Options {
    pub(in crate::stack) congestion: Congestion,
    /// The least margin of the retransmission timeout.
    pub(in crate::stack) least: Duration,
    /// The largest segment that fits the link, in bytes.
    pub(in crate::stack) mss: u32,
    /// The size of the send buffer, in bytes.
    pub(in crate::stack) capacity: usize,
}

impl Block {
    /// A block for a new connection.
    pub(in crate::stack) fn recovering(options: &Options) -> Block {
        let mut block = Block::EMPTY;
        let r = &mut block.recovery;
        (r.least, r.mss) = (options.least, options.mss);
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
        r.mss = r.mss.min(mss);
        r.window.set_mss(r.mss);
        if !scales {
            r.shown_scale = 0;
        }
    }

    /// Whether the peer understands selective acknowledgements.
    pub(super) fn reports_ranges(&self) -> bool {
        self.recovery.sack
    }

    /// The shift of the window that smoltcp is shown.
    pub(in crate::stack) fn shown_scale(&self) -> u8 {
        self.recovery.shown_scale
    }

    /// The window field of a copy that smoltcp is shown: never zero while it has data in flight, because its timer would stop.
    pub(super) fn shown_field(&self, segment: &Segment) -> u16 {
        if self.recovery.frontier > self.una { segment.window.max(1) } else { segment.window }
    }

    /// Notes the window field of a segment that smoltcp saw. It has taken in every acknowledgement.
    pub(in crate::stack) fn shown(&mut self, field: u16, syn: bool) {
        self.recovery.shown = u32::from(field) << if syn { 0 } else { self.recovery.shown_scale };
        self.recovery.shown_ack = self.una;
    }

    /// Whether all `queue` bytes of the send buffer may leave at once: the peer's window and the congestion window have room, and
    /// smoltcp was shown so.
    pub(in crate::stack) fn has_window_for(&self, queue: usize) -> bool {
        let unsent = (queue as u32).saturating_sub(self.flight());
        let offered = self.window.min(self.recovery.shown) as usize >= queue;
        offered && self.hole().is_none() && self.recovery.frontier >= self.nxt && unsent <= self.room()
    }

    /// Whether smoltcp has not taken in an acknowledgement yet.
    pub(in crate::stack) fn has_news(&self) -> bool {
        self.recovery.shown_ack != self.una
    }

    /// When the peer last acknowledged something, or was first asked to.
    pub(in crate::stack) fn heard_at(&self) -> Instant {
        self.recovery.heard_at
    }

    /// Whether the peer keeps its window closed, but has answered the latest probe of it.
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
            (r.probed, r.first_resent_at) = (false, None);
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
            self.arm(now);
        }
        acked > 0 || news || !same_window
    }

    /// Takes in selective acknowledgements. Returns whether any of them is new.
    fn take_ranges(&mut self, segment: &Segment, frame: &[u8]) -> bool {
        if !self.recovery.sack {
            return false;
        }
        let mut news = false;
        for option in segment.options(frame) {
            if let TcpOption::SackRange(ranges) = option {
                for (place, (start, end)) in ranges.into_iter().flatten().enumerate() {
                    let (start, end) = (TcpSeqNumber(start as i32), TcpSeqNumber(end as i32));
                    let (from, to) = self.recovery.probed_range;
                    let was_probe = start < to && from < end;
                    if place == 0 && start < end && end <= self.una && !was_probe {
                        self.take_needless(distance(start, end));
                    }
                    if self.una < start && start < end && end <= self.nxt {
                        news |= self.recovery.board.add(start, end);
                    }
                }
            }
        }
        news
    }

    /// Takes in that the peer received `bytes` twice (RFC 2883): what was sent again was not lost, but late.
    fn take_needless(&mut self, bytes: u32) {
        let r = &mut self.recovery;
        r.needless = r.needless.saturating_add(bytes);
        if r.repeated > 0 && r.needless >= r.repeated {
            r.window.undo();
            r.threshold = (2 * r.threshold).min(MOST_DUPLICATES);
            (r.repeated, r.needless) = (0, 0);
        }
    }

    /// Grows the congestion window, or ends the recovery.
    fn grow(&mut self, now: Instant, ack: TcpSeqNumber, acked: u32, before: u32) {
        let r = &mut self.recovery;
        let srtt = r.rtt.smoothed().unwrap_or(Duration::from_secs(1));
        let cwnd = r.window.bytes();
        let limited = ack <= r.limited_until || (cwnd < r.window.ssthresh() && before.saturating_mul(2) >= cwnd);
        match r.point {
            Some(point) if ack >= point => {
                (r.point, r.duplicates) = (None, 0);
                r.timed_out = false;
            }
            Some(_) if r.timed_out => r.window.on_ack(now, acked, srtt, true),
            // A partial acknowledgement (RFC 6582 section 3.2): the next segment is lost, too.
            // A peer that acknowledges selectively may leave out a FIN.
            Some(point) if acked > 0 && r.board.is_empty() && !(r.sack && point == ack + 1) => {
                r.duplicates = r.duplicates.saturating_sub(acked / r.mss);
                r.resent = ack;
                r.lost_below = (ack + r.mss as usize).min(self.nxt);
            }
            Some(_) => {}
            None if acked > 0 => {
                r.window.on_ack(now, acked, srtt, limited);
                r.duplicates = 0;
            }
            None => {}
        }
    }

    /// Finds what was lost, and begins a recovery.
    fn find_losses(&mut self, now: Instant, before: u32) {
        let (una, nxt) = (self.una, self.nxt);
        let r = &mut self.recovery;
        let first = una + r.mss as usize;
        // The segment at SND.UNA was sent again and lost again: the peer has data that left later.
        if let Some(left) = r.first_resent_at
            && r.board.held_above(left) > (r.threshold - 1).saturating_mul(r.mss)
        {
            (r.resent, r.first_resent_at) = (una, None);
        }
        let lost = match r.board.lost_below(r.threshold, r.mss) {
            None if r.duplicates >= r.threshold && r.point.is_none() => first,
            None => return,
            Some(lost) => lost,
        };
        if r.point.is_none() {
            // The window counts, not what is in flight just now, if the window limits the program (RFC 9438 section 4.6).
            let limited = una <= r.limited_until;
            r.window.on_loss(now, if limited { u32::MAX } else { before });
            r.point = Some(nxt);
            (r.timed_out, r.resent, r.lost_below) = (false, una, una);
            (r.repeated, r.needless, r.probe) = (0, 0, None);
        }
        r.lost_below = r.lost_below.max(lost.min(nxt));
    }

    /// Starts the timers anew.
    fn arm(&mut self, now: Instant) {
        let flight = self.flight();
        let r = &mut self.recovery;
        let timeout = r.rtt.timeout(r.backoff);
        r.timer = Some(now + timeout);
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
            // RFC 2018 section 8: the peer may have thrown away what it acknowledged selectively.
            r.board.clear();
            (r.duplicates, r.sample, r.probe, r.tail) = (0, None, None, None);
            (r.resent, r.lost_below, r.first_resent_at) = (una, nxt, None);
            (r.point, r.timed_out) = (Some(nxt), true);
            r.timer = Some(now + r.rtt.timeout(r.backoff));
        } else if has(&mut r.probe) {
            r.tail = Some(TcpSeqNumber(nxt.0.wrapping_sub(r.mss as i32)).max(una));
            r.probed = true;
            r.timer = Some(now + r.rtt.timeout(r.backoff));
        }
    }

    /// The first range to be sent again.
    fn hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let r = &self.recovery;
        match r.tail {
            Some(tail) => Some((tail, self.nxt)),
            None => r.board.first_hole(r.resent.max(self.una), r.lost_below),
        }
    }

    /// The number of bytes that are on their way (RFC 6675 section 4, `SetPipe`).
    fn pipe(&self) -> u32 {
        let r = &self.recovery;
        let lost = r.board.missing(r.resent.max(self.una), r.lost_below);
        let held = if r.sack { 0 } else { r.duplicates.saturating_mul(r.mss) };
        r.board.missing(self.una, self.nxt).saturating_sub(lost).saturating_sub(held)
    }

    /// The number of bytes that the congestion window leaves.
    fn room(&self) -> u32 {
        let (r, pipe) = (&self.recovery, self.pipe());
        let room = r.window.bytes().saturating_sub(pipe);
        let first = pipe == 0 || r.tail.is_some() || (r.point.is_some() && r.resent <= self.una);
        if first { room.max(r.mss) } else { room }
    }

    /// The first range to be sent again, if the congestion window has room for its first segment.
    fn allowed_hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        self.hole().filter(|&(start, end)| self.room() >= distance(start, end).min(self.recovery.mss))
    }

    /// Whether smoltcp must send again from SND.UNA on.
    pub(in crate::stack) fn wants_rewind(&self) -> bool {
        self.allowed_hole().is_some_and(|(start, _)| start < self.recovery.frontier)
    }

    /// smoltcp begins at SND.UNA again.
    pub(in crate::stack) fn rewound(&mut self) {
        self.recovery.frontier = self.una;
    }

    /// SND.NXT, if a segment without data has another number because smoltcp is sending again.
    pub(in crate::stack) fn right_number(&self, segment: &Segment) -> Option<TcpSeqNumber> {
        let empty = !segment.rst && !segment.syn && segment.end() == segment.seq;
        (empty && self.una <= segment.seq && segment.seq < self.nxt).then_some(self.nxt)
    }

    /// Whether what smoltcp sends next may have been sent before.
    pub(in crate::stack) fn may_repeat(&self, now: Instant) -> bool {
        let r = &self.recovery;
        r.frontier < self.nxt || (self.flight() > 0 && now >= r.rests_until) || self.may_probe()
    }

    /// Whether smoltcp may probe a closed window.
    fn may_probe(&self) -> bool {
        self.recovery.shown == 0 && self.flight() == 0
    }

    /// The window that smoltcp must be shown before it sends, as a field, if it differs from the one shown. `queue` is the number of
    /// bytes in its send buffer.
    pub(in crate::stack) fn changed_field(&mut self, now: Instant, queue: usize) -> Option<u16> {
        let queue = queue as u32;
        if self.flight() == 0 && now - self.recovery.sent_at >= self.recovery.rtt.timeout(0) {
            self.recovery.window.on_idle();
        }
        let field = self.field(now, queue);
        let window = u32::from(field) << self.recovery.shown_scale;
        (window.min(queue) != self.recovery.shown.min(queue)).then_some(field)
    }

    /// The window that smoltcp is shown, as a field.
    pub(in crate::stack) fn field(&mut self, now: Instant, queue: u32) -> u16 {
        let (scale, mss) = (self.recovery.shown_scale, self.recovery.mss);
        let frontier = self.recovery.frontier;
        let unit = 1 << scale;
        let una = self.una;
        let up_to = |edge: TcpSeqNumber| distance(una, edge);
        let bytes = if frontier >= self.nxt {
            let flight = distance(una, self.nxt);
            let edge = flight + self.allowance(now, queue);
            // Rounded down, so that a full segment is not followed by a few bytes.
            if edge < queue && edge / unit * unit > flight { edge / unit * unit } else { edge }
        } else {
            match self.allowed_hole() {
                // First what need not be sent again, up to the hole.
                Some((start, _)) if up_to(start) / unit * unit > up_to(frontier) => up_to(start) / unit * unit,
                Some((start, end)) => {
                    let (first, room) = (start.max(frontier), self.room());
                    let edge = up_to(end.min(first + (room / mss * mss).max(mss) as usize));
                    // New data fills the last segment up.
                    let full = up_to(first + mss as usize).min(self.window).min(queue);
                    let edge = if end == self.nxt && room >= mss { edge.max(full) } else { edge };
                    edge.next_multiple_of(unit)
                }
                // The rest need not go again, unless new data waits behind it.
                None if self.allowance(now, queue) == 0 => up_to(frontier),
                None => up_to(self.nxt),
            }
        };
        let least = u32::from(self.recovery.frontier > self.una);
        bytes.div_ceil(unit).max(least).min(u16::MAX.into()) as u16
    }

    /// The window field in LAST-ACK: all that the peer offers, and at least one unit.
    ///
    /// smoltcp takes a window only from an acknowledgement with news then. So something must always be in flight.
    pub(in crate::stack) fn last_field(&mut self, now: Instant, queue: u32) -> u16 {
        let offered = self.window.min(self.room().saturating_add(self.flight())).min(queue);
        let units = offered.div_ceil(1 << self.recovery.shown_scale).min(u16::MAX.into()) as u16;
        self.field(now, queue).max(units).max(1)
    }

    /// The number of new bytes that may leave. Starts the timer of a window that is too small.
    fn allowance(&mut self, now: Instant, queue: u32) -> u32 {
        let unsent = queue.saturating_sub(self.flight());
        if unsent == 0 || self.hole().is_some() {
            return 0;
        }
        let offered = self.window.saturating_sub(self.flight());
        let limit = offered.min(self.room());
        let whole = limit / self.recovery.mss * self.recovery.mss;
        // The sender's avoidance of silly windows (RFC 9293 section 3.8.6.2.1).
        let allowance = match () {
            () if unsent <= limit => unsent,
            () if whole > 0 => whole,
            () if offered == limit && limit > 0 && limit >= self.largest_window / 2 => limit,
            () if self.recovery.persisting => limit.max(1),
            () => 0,
        };
        let r = &mut self.recovery;
        if unsent > limit && limit < offered {
            r.limited_until = self.nxt + allowance as usize;
        }
        if allowance > 0 || r.timer.is_some() {
            r.persist = None;
        } else if r.persist.is_none() {
            let wait = if offered == 0 { r.rtt.timeout(r.backoff) } else { SMALL_WINDOW_DELAY };
            r.persist = Some(now + wait);
        }
        allowance
    }

    /// Takes in a segment that smoltcp made, and decides whether it leaves.
    pub(in crate::stack) fn leaves(&mut self, now: Instant, segment: &Segment, frame: &[u8]) -> Leave {
        let news = segment.ack.filter(|&ack| ack != self.told_ack && !segment.rst);
        self.told_ack = news.unwrap_or(self.told_ack);
        self.take_told(segment, frame);
        match (self.is_wanted(now, segment), news) {
            (true, _) => Leave::Whole,
            (false, Some(_)) => Leave::Acknowledgement,
            (false, None) => Leave::Nothing,
        }
    }

    /// Takes in the bytes of a segment that smoltcp made. Returns whether the peer lacks them.
    fn is_wanted(&mut self, now: Instant, segment: &Segment) -> bool {
        let end = segment.end() + usize::from(segment.syn);
        if segment.rst || end == segment.seq || (!segment.syn && segment.seq < self.una) {
            return true;
        }
        if segment.syn && self.flight() == 0 {
            (self.iss, self.una, self.nxt) = (segment.seq, segment.seq, segment.seq);
            let r = &mut self.recovery;
            (r.resent, r.lost_below, r.frontier) = (segment.seq, segment.seq, segment.seq);
        }
        // smoltcp's own probe of a closed window, which it sends at once. It does not count it as sent.
        let probes = self.may_probe() && segment.len == 1 && segment.seq == self.nxt;
        if probes && self.recovery.persist.is_some() {
            return false;
        }
        let hole = self.allowed_hole().filter(|&(start, to)| segment.seq < to && start < end);
        let is_first = self.flight() == 0;
        let r = &mut self.recovery;
        if end > r.frontier || segment.seq < r.frontier {
            r.rests_until = now + Duration::from_secs(1);
        }
        if !probes {
            r.frontier = end;
        }
        if end > self.nxt {
            if r.sample.is_none() && segment.seq >= self.nxt {
                // The first that a super-segment's acknowledgement can be.
                r.sample = Some((end.min(segment.seq + r.mss as usize), now));
            }
            if is_first {
                r.heard_at = now;
            }
            if segment.seq < self.nxt {
                (r.resent, r.tail) = (r.resent.max(self.nxt), None);
            }
            if r.persisting && self.window <= distance(self.una, self.nxt) {
                // It is a probe of the closed window: the next one waits twice as long (SHLD-30).
                r.backoff = r.backoff.saturating_add(1);
            }
            self.nxt = end;
            (r.sent_at, r.persisting, r.persist) = (now, false, None);
            let timer = r.timer;
            self.arm(now);
            self.recovery.timer = timer.or(self.recovery.timer);
            return true;
        }
        if hole.is_none() {
            return false;
        }
        if r.tail.take().is_some() {
            r.probed_range = (segment.seq, end);
        } else {
            r.resent = r.resent.max(end);
            r.repeated = r.repeated.saturating_add(distance(segment.seq, end));
        }
        if segment.seq <= self.una {
            r.first_resent_at = Some(self.nxt);
        }
        // Its acknowledgement may be that of the first transmission.
        r.sample = r.sample.filter(|&(seq, _)| seq <= segment.seq);
        true
    }
}
