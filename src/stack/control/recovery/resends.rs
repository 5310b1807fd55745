//! Finds lost retransmissions by the time that has passed (RFC 8985 section 6.2).
//!
//! Duplicate acknowledgements show the loss of a segment once. If its retransmission is lost too, only time shows it: data
//! that was sent later has arrived, and the retransmission has not.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, Recovery};

/// The largest number of bursts that are remembered. Further retransmissions count as part of the most recent burst.
const BURSTS: usize = 8;

/// The retransmissions in flight, the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Resends {
    bursts: heapless::Vec<Burst, BURSTS>,
}

/// Retransmissions that were sent at the same time.
#[derive(Clone, Copy, Debug)]
struct Burst {
    from: TcpSeqNumber,
    to: TcpSeqNumber,
    at: Instant,
    /// Whether data has arrived that was sent at the same time or later.
    overtaken: bool,
}

impl Resends {
    pub(super) const EMPTY: Resends = Resends { bursts: heapless::Vec::new() };

    /// Records that the bytes `from..to` were retransmitted.
    pub(super) fn add(&mut self, from: TcpSeqNumber, to: TcpSeqNumber, now: Instant) {
        let is_full = self.bursts.is_full();
        if let Some(burst) = self.bursts.last_mut().filter(|burst| is_full || (burst.at == now && burst.to <= from)) {
            (burst.from, burst.to) = (burst.from.min(from), burst.to.max(to));
            (burst.at, burst.overtaken) = (now, false);
        } else {
            let _ = self.bursts.push(Burst { from, to, at: now, overtaken: false });
        }
    }
}

impl Recovery {
    /// Forgets all retransmissions in flight, and those that were to be repeated.
    pub(super) fn forget_resends(&mut self) {
        self.resends.bursts.clear();
        self.again = None;
    }

    /// Returns the time after which a retransmission counts as lost if later data has arrived: a round trip, and a margin
    /// for reordering.
    fn reordering_limit(&self) -> Option<Duration> {
        let srtt = self.rtt.smoothed()?;
        Some(srtt + (srtt / 4).max(self.rtt.variation() * 2))
    }
}

impl Block {
    /// Processes that the peer has reported the arrival of data, which was sent about a round trip ago.
    pub(super) fn later_data_arrived(&mut self, now: Instant) {
        let r = &mut self.recovery;
        let Some(srtt) = r.rtt.smoothed() else { return };
        for burst in &mut r.resends.bursts {
            burst.overtaken |= now >= burst.at + srtt - srtt / 8;
        }
        self.find_lost_resends(now);
    }

    /// Returns when the oldest retransmission that was overtaken counts as lost.
    pub(super) fn resends_due(&self) -> Option<Instant> {
        let bursts = self.recovery.resends.bursts.iter();
        let first = bursts.filter(|burst| burst.overtaken).map(|burst| burst.at).min()?;
        Some(first + self.recovery.reordering_limit()?)
    }

    /// Finds the lost retransmissions, which are then sent once more.
    pub(super) fn find_lost_resends(&mut self, now: Instant) {
        let una = self.una;
        let r = &mut self.recovery;
        let Some(limit) = r.reordering_limit() else { return };
        let Recovery { resends, board, again, .. } = r;
        resends.bursts.retain(|burst| {
            let from = burst.from.max(una);
            if burst.to <= from || board.first_hole(from, burst.to).is_none() {
                return false;
            }
            let is_lost = burst.overtaken && now >= burst.at + limit;
            if is_lost {
                *again = Some(again.map_or((from, burst.to), |(low, high)| (low.min(from), high.max(burst.to))));
            }
            !is_lost
        });
    }
}
