//! The ranges of bytes that the peer has acknowledged selectively (RFC 2018, RFC 6675 section 3).

use smoltcp::wire::TcpSeqNumber;

use super::distance;

/// The largest number of ranges kept. The highest ranges are dropped first. They may be dropped, because a selective
/// acknowledgement is only a hint.
const RANGES: usize = 16;

/// The selectively acknowledged ranges above SND.UNA. The ranges are sorted, and no two of them touch.
#[derive(Clone, Debug)]
pub(super) struct Scoreboard {
    ranges: heapless::Vec<(TcpSeqNumber, TcpSeqNumber), RANGES>,
}

impl Scoreboard {
    pub(super) const EMPTY: Scoreboard = Scoreboard { ranges: heapless::Vec::new() };

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.ranges.clear();
    }

    /// Adds a range. Returns false if no byte of the range is new, or if there is no room for the range.
    pub(super) fn add(&mut self, mut start: TcpSeqNumber, mut end: TcpSeqNumber) -> bool {
        if start >= end || self.ranges.iter().any(|&(from, to)| from <= start && end <= to) {
            return false;
        }
        // Ranges that touch the new range are merged with it.
        while let Some(position) = self.ranges.iter().position(|&(from, to)| from <= end && start <= to) {
            let (from, to) = self.ranges.remove(position);
            (start, end) = (start.min(from), end.max(to));
        }
        let position = self.ranges.iter().position(|&(from, _)| start < from).unwrap_or(self.ranges.len());
        // If the list is full, its highest range or the new range is dropped, whichever is higher.
        if self.ranges.is_full() {
            if position == RANGES {
                return false;
            }
            self.ranges.pop();
        }
        self.ranges.insert(position, (start, end)).is_ok()
    }

    /// Removes the parts of the ranges that are below `una`.
    pub(super) fn trim(&mut self, una: TcpSeqNumber) {
        self.ranges.retain(|&(_, to)| to > una);
        if let Some((from, _)) = self.ranges.first_mut() {
            *from = from.max(una);
        }
    }

    /// Returns the first part of `from..until` that the peer has not acknowledged, if any.
    pub(super) fn first_hole(&self, from: TcpSeqNumber, until: TcpSeqNumber) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let (mut start, mut end) = (from, until);
        for &(low, high) in &self.ranges {
            if high <= start {
                continue;
            }
            // The hole ends where the next range begins.
            if low > start {
                end = end.min(low);
                break;
            }
            // The range covers `start`, so the hole can only begin after the range.
            start = high;
        }
        (start < end).then_some((start, end))
    }

    /// Returns how many bytes of `from..until` the peer has not acknowledged.
    pub(super) fn missing(&self, from: TcpSeqNumber, until: TcpSeqNumber) -> u32 {
        let held: u32 = self.ranges.iter().map(|&(low, high)| distance(low.max(from), high.min(until))).sum();
        distance(from, until).saturating_sub(held)
    }

    /// Returns how many bytes above `edge` the peer has acknowledged.
    pub(super) fn held_above(&self, edge: TcpSeqNumber) -> u32 {
        self.ranges.iter().map(|&(low, high)| distance(low.max(edge), high)).sum()
    }

    /// Returns the sequence number below which every unacknowledged byte is lost (RFC 6675 section 4, `IsLost`).
    ///
    /// From this number on, the peer has acknowledged `threshold` ranges, or more bytes than `threshold` - 1 segments
    /// of `mss` bytes. `None` if the peer has acknowledged less.
    pub(super) fn lost_below(&self, threshold: u32, mss: u32) -> Option<TcpSeqNumber> {
        // The ranges are counted from the highest down, until they are enough to show a loss below them.
        let (mut count, mut bytes) = (0, 0u32);
        self.ranges.iter().rev().find_map(|&(low, high)| {
            count += 1;
            bytes = bytes.saturating_add(distance(low, high));
            (count >= threshold || bytes > threshold.saturating_sub(1).saturating_mul(mss)).then_some(low)
        })
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::testing::random::Random;

    fn at(number: usize) -> TcpSeqNumber {
        TcpSeqNumber(i32::MAX - 50) + number
    }

    /// Compares the scoreboard with an array of bytes, for random ranges around the wrap of the sequence numbers.
    #[test]
    fn agrees_with_an_array() {
        let mut random = Random(11);
        for round in 0..3_000 {
            let (mut board, mut plain) = (Scoreboard::EMPTY, [false; 120]);
            for _ in 0..random.below(12) {
                let start = random.below(118);
                let end = start + random.below((120 - start).min(9));
                let news = plain[start..end].iter().any(|held| !held);
                plain[start..end].fill(true);
                assert_eq!(board.add(at(start), at(end)), news, "round {round}");
            }
            let una = random.below(60);
            board.trim(at(una));
            let (from, until) = (una + random.below(20), 80 + random.below(40));
            let missing = plain[from..until].iter().filter(|held| !**held).count();
            assert_eq!(board.missing(at(from), at(until)), missing as u32, "round {round}");
            let hole = (from..until).find(|&byte| !plain[byte]).map(|start| {
                let end = (start..until).find(|&byte| plain[byte]).unwrap_or(until);
                (at(start), at(end))
            });
            assert_eq!(board.first_hole(at(from), at(until)), hole, "round {round}");
        }
    }

    /// A byte is treated as lost once the peer acknowledges three ranges or more than two segments above it.
    #[test]
    fn loss_needs_three_segments_above() {
        let mut board = Scoreboard::EMPTY;
        board.add(at(100), at(110));
        board.add(at(120), at(130));
        assert_eq!(board.lost_below(3, 10), None);
        board.add(at(140), at(141));
        assert_eq!(board.lost_below(3, 10), Some(at(100)));
        let mut board = Scoreboard::EMPTY;
        board.add(at(100), at(120));
        assert_eq!(board.lost_below(3, 10), None);
        board.add(at(120), at(121));
        assert_eq!(board.lost_below(3, 10), Some(at(100)));
    }

    /// The scoreboard never keeps more than `RANGES` ranges, however many the peer reports.
    #[test]
    fn the_highest_ranges_are_forgotten() {
        let mut board = Scoreboard::EMPTY;
        for range in 0..RANGES {
            assert!(board.add(at(4 * range + 4), at(4 * range + 5)));
        }
        assert!(!board.add(at(4 * RANGES + 4), at(4 * RANGES + 5)), "no room for a higher range");
        assert!(board.add(at(0), at(1)), "a lower range replaces the highest range");
        assert_eq!(board.ranges.len(), RANGES);
        assert_eq!(board.first_hole(at(0), at(9)), Some((at(1), at(4))));
    }
}
