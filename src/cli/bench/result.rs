//! What came of the measurements, row by row.

use super::figure::{Figure, Job};
use super::guard::Miss;
use super::rows::{Outcome, Row};

/// All that was measured.
#[derive(Debug, Default)]
pub struct Measured {
    samples: Vec<(Figure, f64)>,
    missed: Vec<(Job, Miss)>,
}

impl Measured {
    /// Takes the result of a measurement in.
    pub fn take(&mut self, job: Job, result: Result<Vec<(Figure, f64)>, Miss>) {
        match result {
            Ok(figures) => self.samples.extend(figures),
            Err(miss) => self.missed.push((job, miss)),
        }
    }

    /// Whether a measurement failed, which is not tried again then.
    pub fn has_missed(&self, job: Job) -> bool {
        self.why(job).is_some()
    }

    /// Whether any failed.
    pub fn has_failed(&self) -> bool {
        self.missed.iter().any(|(_, miss)| matches!(miss, Miss::Failed(_)))
    }

    /// What came of a row.
    pub fn row(&self, row: &Row) -> RowResult {
        if let Some(miss) = row.figures().map(Figure::job).find_map(|job| self.why(job)) {
            return RowResult::Missing(miss.clone());
        }
        let ours = self.values(row.ours);
        let against = row.against.map(|figure| self.values(figure)).unwrap_or_default();
        let pairs = ours.iter().zip(&against);
        let result = match row.result {
            Outcome::Ratio => pairs.map(|(ours, theirs)| ours / theirs).collect(),
            Outcome::Speedup => pairs.map(|(ours, theirs)| theirs / ours).collect(),
            Outcome::Value => ours.clone(),
        };
        match (Spread::of(&ours), Spread::of(&result)) {
            (Some(ours), Some(result)) => RowResult::Measured { ours, against: Spread::of(&against), result },
            // Ctrl-C came before the first round was over.
            _ => RowResult::Missing(Miss::Interrupted),
        }
    }

    /// A figure's values, in the order of the rounds.
    fn values(&self, figure: Figure) -> Vec<f64> {
        self.samples.iter().filter(|(of, _)| *of == figure).map(|(_, value)| *value).collect()
    }

    fn why(&self, job: Job) -> Option<&Miss> {
        self.missed.iter().find(|(of, _)| *of == job).map(|(_, miss)| miss)
    }
}

/// What came of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowResult {
    /// A result.
    Measured {
        /// Our figure.
        ours: Spread,
        /// The other one.
        against: Option<Spread>,
        /// What is made of them, round by round.
        result: Spread,
    },
    /// None, and why.
    Missing(Miss),
}

/// Several values of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Spread {
    /// `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = *sorted.get(sorted.len() / 2)?;
        let before = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(middle);
        Some(Spread { median: (middle + before) / 2.0, low: *sorted.first()?, high: *sorted.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::{Of, What};
    use super::super::rows::ROWS;
    use super::*;

    #[test]
    fn a_row_is_the_median_of_the_rounds_ratios() {
        let row = ROWS.iter().find(|row| row.name == "send-kernel").unwrap();
        let theirs = row.against.unwrap();
        let mut measured = Measured::default();
        for (a, b) in [(10.0, 5.0), (40.0, 10.0), (9.0, 3.0)] {
            measured.take(row.ours.job(), Ok(vec![(row.ours, a)]));
            measured.take(theirs.job(), Ok(vec![(theirs, b)]));
        }
        let RowResult::Measured { ours, result, .. } = measured.row(row) else { panic!("{measured:?}") };
        assert_eq!(ours, Spread { median: 10.0, low: 9.0, high: 40.0 });
        assert_eq!(result, Spread { median: 3.0, low: 2.0, high: 4.0 });
    }

    #[test]
    fn a_row_whose_peer_failed_says_so_and_others_do_not() {
        let mut measured = Measured::default();
        let failed = Figure { what: What::Send, of: Of::Tuntap };
        measured.take(failed.job(), Err(Miss::failed("gone")));
        for row in &ROWS {
            let missing = measured.row(row) == RowResult::Missing(Miss::failed("gone"));
            assert_eq!(missing, row.name == "send-tuntap", "{}", row.name);
        }
        assert!(measured.has_failed() && measured.has_missed(failed.job()));
    }

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 9.0]).map(|spread| spread.median), Some(3.0));
        assert_eq!(Spread::of(&[4.0]).map(|spread| spread.median), Some(4.0));
    }
}
