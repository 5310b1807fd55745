//! The results of the measurements, row by row.

use super::deadline::Miss;
use super::metric::{Figure, Job, Spread};
use super::rows::{Outcome, Row};

/// The results of all measurements.
#[derive(Debug, Default)]
pub struct Measured {
    samples: Vec<(Figure, f64)>,
    missed: Vec<(Job, Miss)>,
}

impl Measured {
    /// Adds the result of a measurement.
    pub fn take(&mut self, job: Job, result: Result<Vec<(Figure, f64)>, Miss>) {
        match result {
            Ok(figures) => self.samples.extend(figures),
            Err(miss) => self.missed.push((job, miss)),
        }
    }

    /// Returns whether a measurement failed or was skipped. The caller does not repeat such a measurement.
    pub fn has_missed(&self, job: Job) -> bool {
        self.reason(job).is_some()
    }

    /// Returns whether any measurement failed.
    pub fn has_failed(&self) -> bool {
        self.missed.iter().any(|(_, miss)| matches!(miss, Miss::Failed(_)))
    }

    /// Returns the result of a row.
    pub fn row(&self, row: &Row) -> RowResult {
        if let Some(miss) = row.figures().map(Figure::job).find_map(|job| self.reason(job)) {
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
            // If there are no values, the run was interrupted before the end of the first round.
            _ => RowResult::Missing(Miss::Interrupted),
        }
    }

    /// Returns a figure's values, in the order of the rounds.
    fn values(&self, figure: Figure) -> Vec<f64> {
        self.samples.iter().filter(|(own, _)| *own == figure).map(|(_, value)| *value).collect()
    }

    /// Returns the reason that a measurement has no result.
    fn reason(&self, job: Job) -> Option<&Miss> {
        self.missed.iter().find(|(own, _)| *own == job).map(|(_, miss)| miss)
    }
}

/// The result of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowResult {
    /// All figures were measured.
    Measured {
        /// smolstep's figure.
        ours: Spread,
        /// The figure of the other server, if the row compares two servers.
        against: Option<Spread>,
        /// The spread of the results of all rounds.
        result: Spread,
    },
    /// At least one figure was not measured. The field is the reason.
    Missing(Miss),
}
