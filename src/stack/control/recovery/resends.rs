//! Finds lost retransmissions by the time that has passed (RFC 8985 section 6.2).
//!
//! Duplicate acknowledgements reveal the loss of a segment only once. Time reveals the loss of its retransmission: data
//! that was sent later has arrived, but the retransmission has not. A burst is a group of retransmissions that were
//! sent at the same time.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, Recovery};

/// The largest number of bursts that are remembered. A new burst replaces the oldest burst that is not lost. If no
/// burst is remembered but retransmitted data is still missing, all of that data is treated as lost.
const BURSTS: usize = 8;

/// The shortest margin for reordering.
const LEAST_MARGIN: Duration = Duration::from_millis(2);

/// The retransmissions that are in flight or lost. No two bursts overlap.
#[derive(Clone, Debug)]
pub(super) struct Resends {
    bursts: heapless::Vec<Burst, BURSTS>,
    /// The number of times that retransmissions were found to be lost since the most recent round-trip measurement.
    /// Each time doubles `reordering_limit`, because the round trip might have become longer.
    repeats: u8,
    /// The time at which data was most recently retransmitted.
    latest: Instant,
}

/// Retransmissions that were sent at the same time.
#[derive(Clone, Copy, Debug)]
struct Burst {
    from: TcpSeqNumber,
    to: TcpSeqNumber,
    at: Instant,
    /// Whether data has arrived that was sent at the same time or later.
    overtaken: bool,
    /// Whether the burst is lost, and must be sent once more.
    lost: bool,
}

impl Resends {
    pub(super) const EMPTY: Resends = Resends { bursts: heapless::Vec::new(), repeats: 0, latest: Instant::ZERO };

    /// Records that the bytes `from..to` were retransmitted.
    pub(super) fn add(&mut self, from: TcpSeqNumber, to: TcpSeqNumber, now: Instant) {
        self.latest = now;
        for burst in &mut self.bursts {
            if burst.from < to && from < burst.to {
                // The new burst takes over the bytes that both bursts contain. The old burst keeps its bytes from `to`
                // on if it is lost, because it is sent again from its start, or if it has no bytes before `from`.
                // Otherwise it keeps its bytes before `from`.
                if burst.lost || from <= burst.from { burst.from = to } else { burst.to = from }
            }
        }
        self.bursts.retain(|burst| burst.from < burst.to);
        match self.bursts.last_mut() {
            Some(burst) if burst.at == now && !burst.lost && burst.to == from => burst.to = to,
            _ => {
                if self.bursts.is_full()
                    && let Some(oldest) = self.bursts.iter().position(|burst| !burst.lost)
                {
                    self.bursts.remove(oldest);
                }
                let _ = self.bursts.push(Burst { from, to, at: now, overtaken: false, lost: false });
            }
        }
    }

    /// Marks the burst that contains the byte `seq` as lost. Returns false if no remembered burst contains the byte.
    pub(super) fn lose(&mut self, seq: TcpSeqNumber) -> bool {
        let burst = self.bursts.iter_mut().find(|burst| burst.from <= seq && seq < burst.to);
        burst.map(|burst| burst.lost = true).is_some()
    }

    /// Records that a round trip was measured.
    pub(super) fn measured(&mut self) {
        self.repeats = 0;
    }
}

impl Recovery {
    /// Forgets all retransmissions.
    pub(super) fn forget_resends(&mut self) {
        self.resends = Resends::EMPTY;
    }

    /// Returns whether any retransmission is remembered.
    #[inline]
    pub(super) fn has_resends(&self) -> bool {
        !self.resends.bursts.is_empty()
    }

    /// Returns whether the byte `seq` is in a lost retransmission.
    pub(super) fn is_lost_again(&self, seq: TcpSeqNumber) -> bool {
        self.resends.bursts.iter().any(|burst| burst.lost && burst.from <= seq && seq < burst.to)
    }

    /// Returns the first range whose retransmission was lost and that the peer still lacks.
    pub(super) fn lost_again(&self, una: TcpSeqNumber) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let lost = self.resends.bursts.iter().filter(|burst| burst.lost);
        lost.filter_map(|burst| self.board.first_hole(burst.from.max(una), burst.to))
            .min_by_key(|(start, _)| start.0.wrapping_sub(una.0))
    }

    /// Returns how many bytes of lost retransmissions the peer still lacks.
    pub(super) fn bytes_lost_again(&self, una: TcpSeqNumber) -> u32 {
        let lost = self.resends.bursts.iter().filter(|burst| burst.lost && una < burst.to);
        lost.map(|burst| self.board.missing(burst.from.max(una), burst.to)).sum()
    }

    /// Returns the time after which a retransmission is treated as lost, if data that was sent later has arrived: a
    /// round trip plus a margin for reordering. `None` before the first measurement.
    fn reordering_limit(&self) -> Option<Duration> {
        let srtt = self.rtt.smoothed()?;
        let limit = srtt + (srtt / 4).max(self.rtt.variation() * 2).max(LEAST_MARGIN);
        Some(limit * (1 << self.resends.repeats.min(6)))
    }
}

impl Block {
    /// Returns whether nothing needs to be retransmitted. The result is nearly always true, and is cheap to compute.
    #[inline]
    pub(super) fn nothing_is_lost(&self) -> bool {
        let r = &self.recovery;
        r.tail.is_none() && !r.has_resends() && r.lost_below <= r.resent.max(self.una)
    }

    /// Processes an acknowledgement of newly arrived data, which was sent about a round trip ago. That data has
    /// overtaken every retransmission that was sent earlier and has not arrived.
    pub(super) fn later_data_arrived(&mut self, now: Instant) {
        let r = &mut self.recovery;
        // Usually nothing was retransmitted.
        if !r.has_resends() && r.resent <= self.una {
            return;
        }
        let Some(srtt) = r.rtt.smoothed() else { return };
        for burst in &mut r.resends.bursts {
            // If a burst is nearly a round trip old, the data that has just arrived was sent after it.
            burst.overtaken |= now >= burst.at + srtt - srtt / 8;
        }
        self.find_lost_resends(now);
        let r = &mut self.recovery;
        let is_late = r.reordering_limit().is_some_and(|limit| now >= r.resends.latest + limit);
        // If no burst is remembered, but some of the retransmitted data is still missing, all missing data from SND.UNA
        // on is sent again.
        if r.resends.bursts.is_empty() && is_late && r.board.first_hole(self.una, r.resent).is_some() {
            r.resent = self.una;
            self.reduce_again(now, self.recovery.resends.latest);
        }
    }

    /// Reduces the congestion window, because data that was retransmitted at `sent` is lost (RFC 5681 section 4.3).
    /// Does nothing if the window has been reduced since `sent`.
    fn reduce_again(&mut self, now: Instant, sent: Instant) {
        let flight = self.flight();
        let r = &mut self.recovery;
        if sent > r.reduced_at {
            r.reduced_at = now;
            r.window.on_loss(now, flight);
        }
    }

    /// Returns the time at which the oldest overtaken retransmission is treated as lost.
    pub(super) fn resends_due(&self) -> Option<Instant> {
        let bursts = self.recovery.resends.bursts.iter();
        let first = bursts.filter(|burst| burst.overtaken && !burst.lost).map(|burst| burst.at).min()?;
        Some(first + self.recovery.reordering_limit()?)
    }

    /// Marks the retransmissions that are now treated as lost, so that they are sent once more. Forgets the
    /// retransmissions that have arrived.
    pub(super) fn find_lost_resends(&mut self, now: Instant) {
        let una = self.una;
        let r = &mut self.recovery;
        if r.resends.bursts.is_empty() {
            return;
        }
        let Some(limit) = r.reordering_limit() else { return };
        let Recovery { resends, board, .. } = r;
        // A burst that has arrived completely is forgotten.
        resends.bursts.retain(|burst| una < burst.to && board.first_hole(burst.from.max(una), burst.to).is_some());
        let mut newest = None;
        for burst in &mut resends.bursts {
            if !burst.lost && burst.overtaken && now >= burst.at + limit {
                burst.lost = true;
                newest = newest.max(Some(burst.at));
            }
        }
        if let Some(newest) = newest {
            resends.repeats = resends.repeats.saturating_add(1);
            self.reduce_again(now, newest);
        }
    }
}
