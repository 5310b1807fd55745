//! Finds lost data and changes the congestion window.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{TcpOption, TcpSeqNumber};

use super::{Block, MOST_DUPLICATES, Segment, distance};

impl Block {
    /// Processes the SACK ranges of a segment. Returns whether any range is new.
    pub(super) fn take_ranges(&mut self, now: Instant, segment: &Segment, frame: &[u8]) -> bool {
        // Usually a segment has no options.
        if !self.recovery.sack || segment.header + 20 == segment.data {
            return false;
        }
        // True once a range contains bytes that were not reported before.
        let mut news = false;
        for option in segment.options(frame) {
            if let TcpOption::SackRange(ranges) = option {
                for (index, (start, end)) in ranges.into_iter().flatten().enumerate() {
                    let (start, end) = (TcpSeqNumber(start as i32), TcpSeqNumber(end as i32));
                    let (from, to) = self.recovery.probed_range;
                    let was_probe = start < to && from < end;
                    // Only the first range of a segment can report a duplicate (RFC 2883 section 4).
                    if index == 0 && start < end && end <= self.una && !was_probe {
                        self.take_needless(distance(start, end));
                    }
                    if self.una < start && start < end && end <= self.nxt {
                        news |= self.recovery.board.add(start, end);
                        let r = &mut self.recovery;
                        if let Some(sample) = r.samples.reported(start, end) {
                            r.measured(now, sample);
                        }
                    }
                }
            }
        }
        news
    }

    /// Processes a report that the peer received `bytes` twice (RFC 2883).
    ///
    /// If the peer received all retransmitted bytes twice, the data was late and not lost. The window reduction is then
    /// undone.
    pub(super) fn take_needless(&mut self, bytes: u32) {
        let r = &mut self.recovery;
        r.needless = r.needless.saturating_add(bytes);
        if r.repeated > 0 && r.needless >= r.repeated {
            r.window.undo();
            // The path reorders segments, so a loss needs more duplicate acknowledgements from now on.
            r.threshold = (2 * r.threshold).min(MOST_DUPLICATES);
            (r.repeated, r.needless) = (0, 0);
        }
    }

    /// Processes `acked` newly acknowledged bytes up to `ack`: grows the congestion window, marks the next segment as
    /// lost, or ends the recovery. `before` is the number of bytes that were in flight before the acknowledgement.
    pub(super) fn grow(&mut self, now: Instant, ack: TcpSeqNumber, acked: u32, before: u32) {
        let r = &mut self.recovery;
        let srtt = r.rtt.smoothed().unwrap_or(Duration::from_secs(1));
        let cwnd = r.window.bytes();
        // Whether the congestion window limited the sender. In slow start, half a window in flight is enough.
        let limited = ack <= r.limited_until || (cwnd < r.window.ssthresh() && before.saturating_mul(2) >= cwnd);
        match r.point {
            // All data that was in flight when the loss was found is acknowledged, so the recovery ends.
            Some(point) if ack >= point => {
                (r.point, r.duplicates) = (None, 0);
                (r.timed_out, r.by_path) = (false, false);
                r.forget_resends();
            }
            // After a timeout, slow start goes on during the recovery. The congestion window then counts as the limit.
            Some(_) if r.timed_out => r.window.on_ack(now, acked, srtt, true),
            // After a partial acknowledgement (RFC 6582 section 3.2), the next segment is lost, too. A FIN alone is not
            // treated as lost, because a peer's SACK ranges might not include a FIN.
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

    /// Finds lost data. Begins a recovery unless one is running. `flight` is the number of bytes that were in flight
    /// before the newest acknowledgement.
    pub(super) fn find_losses(&mut self, now: Instant, flight: u32) {
        let una = self.una;
        let r = &mut self.recovery;
        // Usually the peer has reported nothing that means a loss.
        if r.board.is_empty() && r.duplicates < r.threshold {
            return;
        }
        // If the peer has received data that was sent after the retransmission of the segment at SND.UNA, that
        // retransmission was lost, too.
        if let Some(left) = r.nxt_at_resend
            && r.board.held_above(left) > (r.threshold - 1).saturating_mul(r.mss)
        {
            r.nxt_at_resend = None;
            if !r.resends.lose(una) {
                // If no burst contains the segment, everything that is lost is sent again, from SND.UNA on.
                r.resent = una;
            }
        }
        let lost_below = match r.board.lost_below(r.threshold, r.mss) {
            Some(lost_below) => lost_below,
            None if r.duplicates >= r.threshold && r.point.is_none() => una + r.mss as usize,
            None => return,
        };
        if r.point.is_none() {
            self.begin_recovery(now, flight);
        }
        let r = &mut self.recovery;
        r.lost_below = r.lost_below.max(lost_below.min(self.nxt));
    }

    /// Begins a recovery: reduces the congestion window and marks no data as retransmitted.
    fn begin_recovery(&mut self, now: Instant, flight: u32) {
        let r = &mut self.recovery;
        // If the congestion window limits the sender, the reduction is computed from the window and not from the bytes
        // in flight (RFC 9438 section 4.6). A flight of u32::MAX requests this.
        let limited = self.una <= r.limited_until;
        r.window.on_loss(now, if limited { u32::MAX } else { flight });
        (r.point, r.timed_out, r.by_path) = (Some(self.nxt), false, false);
        r.reduced_at = now;
        (r.resent, r.lost_below) = (self.una, self.una);
        r.forget_resends();
        (r.repeated, r.needless) = (0, 0);
        // During a recovery, no tail loss probe is sent.
        r.probe = None;
    }
}
