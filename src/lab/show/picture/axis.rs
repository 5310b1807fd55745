//! The time axis: maps each time of the run to a height, which is a y coordinate in pixels, from the top. Intervals in
//! which nothing happens are folded.

use alloc::vec::Vec;

/// An instant of the run at which something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The time in microseconds.
    pub(super) at: u64,
    /// The height that the labels of this instant take, in pixels.
    pub(super) need: i32,
}

/// An interval that is drawn shorter than it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fold {
    /// The times at both ends, in microseconds.
    pub(super) times: [u64; 2],
    /// The heights of both ends, in pixels.
    pub(super) heights: [i32; 2],
}

/// The smallest and the largest height of a frame's flight, in pixels.
const FLIGHT: [i32; 2] = [56, 140];

/// The largest height of a frame's flight if many frames follow each other closely, in pixels.
const DENSEST: i32 = 1200;

/// The number of consecutive instants for which all labels must fit.
const ROW: usize = 16;

/// The margin that is included in [`Moment::need`], in pixels.
pub(super) const MARGIN: i32 = 7;

/// The height of a folded interval, excluding the labels of the instant before it, in pixels.
const FOLD: i32 = 40;

/// An interval without events is folded if it lasts longer than this many times a frame's usual flight.
const FLIGHTS: f64 = 2.5;

/// The time axis.
pub(super) struct Axis {
    /// The times and heights at which the scale changes, in order.
    points: Vec<(u64, f64)>,
    pub(super) folds: Vec<Fold>,
    /// The number of pixels per microsecond, outside the folds.
    pub(super) scale: f64,
    /// The height at which the labels of the last instant end.
    pub(super) end: i32,
}

impl Axis {
    /// Makes an axis for these instants, which are in order. `flight` is the usual time from sending to arrival, in
    /// microseconds.
    ///
    /// All intervals between instants have the same scale, except the folded ones.
    pub(super) fn new(moments: &[Moment], flight: u64) -> Self {
        let flight = flight.max(1) as f64;
        let gap = |pair: &[Moment]| (pair[1].at - pair[0].at) as f64;
        let is_fold = |pair: &[Moment]| gap(pair) > FLIGHTS * flight;
        // `usual` is the scale at which the labels of four in five instants have room before the next instant.
        let mut wanted: Vec<f64> =
            moments.windows(2).filter(|pair| !is_fold(pair)).map(|pair| f64::from(pair[0].need) / gap(pair)).collect();
        wanted.sort_by(f64::total_cmp);
        let usual = wanted.get(wanted.len() * 4 / 5).copied().unwrap_or_default();
        let scale = usual.clamp(f64::from(FLIGHT[0]) / flight, f64::from(FLIGHT[1]) / flight);
        // If many instants follow each other closely, all their labels must fit, or the last labels would be far below
        // their arrows. A row consists of `ROW + 1` instants without a fold between them. Its labels need no margins.
        let is_row = |row: &&[Moment]| row.windows(2).all(|pair| !is_fold(pair));
        let need = |row: &[Moment]| row.iter().skip(1).map(|moment| moment.need - MARGIN).sum::<i32>();
        let density = |row: &[Moment]| f64::from(need(row)) / (row[ROW].at - row[0].at) as f64;
        let densest = moments.windows(ROW + 1).filter(is_row).map(density).fold(0.0, f64::max);
        let scale = densest.clamp(scale, f64::from(DENSEST) / flight);
        // From instant to instant, add the height of the interval between them.
        let mut axis = Axis { points: Vec::new(), folds: Vec::new(), scale, end: 0 };
        let mut height = 0.0;
        axis.points.extend(moments.first().map(|first| (first.at, height)));
        for pair in moments.windows(2) {
            let top = height;
            let folded = is_fold(pair);
            height += if folded { f64::from(FOLD + pair[0].need) } else { gap(pair) * scale };
            if folded {
                // The labels of the instant before the fold are above the folded lines.
                let heights = [top as i32 + pair[0].need, height as i32];
                axis.folds.push(Fold { times: [pair[0].at, pair[1].at], heights });
            }
            axis.points.push((pair[1].at, height));
        }
        axis.end = height as i32 + moments.last().map_or(0, |last| last.need);
        axis
    }

    /// Returns the height of a time in microseconds, between the heights of the instants before and after it. Before
    /// the first instant, heights are negative. There, and after the last instant, the scale is that of an interval
    /// that is not folded.
    pub(super) fn height(&self, at: u64) -> i32 {
        let after = self.points.partition_point(|(time, _)| *time <= at);
        let (Some(&(from, top)), next) = (self.points.get(after.saturating_sub(1)), self.points.get(after)) else {
            return 0;
        };
        let height = match next {
            _ if at < from => top - (from - at) as f64 * self.scale,
            Some(&(to, bottom)) => top + (at - from) as f64 * (bottom - top) / (to - from).max(1) as f64,
            None => top + (at - from) as f64 * self.scale,
        };
        height as i32
    }

    /// Returns the room in pixels between an instant and the next one. After the last instant, the room is unlimited.
    pub(super) fn room(&self, at: u64) -> i32 {
        let after = self.points.partition_point(|(time, _)| *time <= at);
        self.points.get(after).map_or(i32::MAX, |(_, next)| *next as i32 - self.height(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_proportional_and_long_gaps_are_folded() {
        let moments = [0, 1000, 2000, 4000, 1_000_000, 1_001_000].map(|at| Moment { at, need: 20 });
        // A frame's flight takes 1000 µs. The labels need only 20 pixels, so a flight has the smallest height, 56
        // pixels.
        let axis = Axis::new(&moments, 1000);
        let heights = moments.map(|moment| axis.height(moment.at));
        assert_eq!(heights[..4], [0, 56, 112, 224]);
        assert_eq!(heights[5] - heights[4], 56);
        assert_eq!(axis.height(500), 28);
        // The fold begins below the labels of the instant at 4000 µs: 224 + 20.
        assert_eq!(axis.folds.len(), 1);
        assert_eq!(axis.folds[0], Fold { times: [4000, 1_000_000], heights: [244, heights[4]] });
        assert!(heights[4] - heights[3] < 100, "{heights:?}");
    }

    #[test]
    fn an_axis_without_instants_has_no_height() {
        let axis = Axis::new(&[], 0);
        assert_eq!((axis.height(5), axis.end, axis.folds.len()), (0, 0, 0));
    }
}
