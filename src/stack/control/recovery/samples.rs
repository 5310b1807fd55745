//! The segments whose acknowledgements measure the round-trip time (RFC 6298 section 3).
//!
//! One measurement for each round trip is the least that the RFC asks for. With more measurements, SRTT follows a
//! change of the round trip within a few flights. The backoff of the retransmission timeout also ends sooner, because
//! one of several segments is more likely to arrive. The RFC warns that SRTT and RTTVAR then remember a shorter time.
//! The smallest margin of the timeout limits this effect: see `Rtt::measured`.

use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

/// The largest number of segments that are measured at the same time. Further segments are not measured.
const SEGMENTS: usize = 8;

/// The segments that are being measured, in the order in which they were sent.
#[derive(Clone, Debug)]
pub(super) struct Samples(heapless::Vec<Sample, SEGMENTS>);

/// A segment with new data, which was sent once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The sequence number after the segment's final byte. For a super-segment, the number after its first part.
    end: TcpSeqNumber,
    pub(super) sent: Instant,
    /// Whether data before the segment was retransmitted. A cumulative acknowledgement can then be late, so only a
    /// selective acknowledgement of the segment completes the measurement.
    behind_loss: bool,
}

impl Samples {
    pub(super) const EMPTY: Samples = Samples(heapless::Vec::new());

    /// Begins the measurement of a segment with new data that ends before `end`. Does nothing if [`SEGMENTS`] segments
    /// are being measured.
    pub(super) fn add(&mut self, end: TcpSeqNumber, sent: Instant) {
        let _ = self.0.push(Sample { end, sent, behind_loss: false });
    }

    /// Ends all measurements without a result.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Excludes the retransmitted bytes `from..to`. The peer might acknowledge their first transmission, so their round
    /// trip is not measured (Karn's algorithm).
    pub(super) fn skip(&mut self, from: TcpSeqNumber, to: TcpSeqNumber) {
        // Ends the measurements of the segments whose final byte was retransmitted.
        self.0.retain(|sample| sample.end <= from || to < sample.end);
        // Also marks the segments after these bytes as behind a loss.
        for sample in &mut self.0 {
            sample.behind_loss |= from < sample.end;
        }
    }

    /// Ends the measurements of all segments up to `ack`. Returns the first of them that is not behind a loss. The
    /// first segment has waited longest, so its measurement includes the time for which the peer delayed its
    /// acknowledgement.
    pub(super) fn acknowledged(&mut self, ack: TcpSeqNumber) -> Option<Sample> {
        let first = self.0.iter().find(|sample| sample.end <= ack && !sample.behind_loss).copied();
        self.0.retain(|sample| ack < sample.end);
        first
    }

    /// Ends the measurements of the segments in the SACK range `start..end`. Returns the first of them.
    pub(super) fn reported(&mut self, start: TcpSeqNumber, end: TcpSeqNumber) -> Option<Sample> {
        let is_in = |sample: &Sample| start < sample.end && sample.end <= end;
        let first = self.0.iter().find(|sample| is_in(sample)).copied();
        self.0.retain(|sample| !is_in(sample));
        first
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    const SENT: Instant = Instant::ZERO;

    /// Returns the measurements of segments that end before the numbers in `ends`.
    fn sent(ends: impl IntoIterator<Item = i32>) -> Samples {
        let mut samples = Samples::EMPTY;
        for end in ends {
            samples.add(TcpSeqNumber(end), SENT + smoltcp::time::Duration::from_millis(end as u64));
        }
        samples
    }

    fn end(sample: Option<Sample>) -> Option<i32> {
        sample.map(|sample| sample.end.0)
    }

    #[test]
    fn one_acknowledgement_measures_the_first_of_its_segments() {
        let mut samples = sent([10, 20, 30, 40]);
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(9))), None);
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(30))), Some(10));
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(30))), None);
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(40))), Some(40));
    }

    #[test]
    fn segments_beyond_the_limit_are_not_measured() {
        let mut samples = sent((1..20).map(|n| 10 * n));
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(80))), Some(10));
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(200))), None);
    }

    #[test]
    fn a_retransmitted_segment_is_not_measured_and_later_ones_only_by_ranges() {
        let mut samples = sent([10, 20, 30, 40]);
        samples.skip(TcpSeqNumber(10), TcpSeqNumber(20));
        assert_eq!(end(samples.reported(TcpSeqNumber(20), TcpSeqNumber(30))), Some(30));
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(40))), Some(10), "sent before the loss, so measured");
        assert_eq!(end(samples.acknowledged(TcpSeqNumber(40))), None);
    }

    #[test]
    fn numbers_may_wrap_around() {
        let mut samples = sent([i32::MAX - 5]);
        samples.add(TcpSeqNumber(i32::MAX) + 10, SENT);
        assert!(samples.acknowledged(TcpSeqNumber(i32::MAX)).is_some());
        assert!(samples.acknowledged(TcpSeqNumber(i32::MAX) + 10).is_some());
    }
}
