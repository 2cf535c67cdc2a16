use serde::{Deserialize, Serialize};

use crate::{FailureGroup, LARGEST_COUNT, Phase};

/// A run's totals: the termination message with which the collect pod tells the operator how the run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// `Succeeded`, `PartiallySucceeded` or `Failed`, by the failure policy.
    pub phase: Phase,
    /// Sensors of the run.
    pub sensors: u64,
    /// Sensors whose predictions are written.
    pub succeeded: u64,
    /// Sensors that failed.
    pub failed: u64,
    /// Readings scored.
    pub rows: u64,
    /// Readings predicted as anomaly.
    pub anomalies: u64,
    /// Sensors most of whose readings are anomalies, where the scorer's release counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mostly_anomalous: Option<u64>,
    /// URL of the report to look at.
    pub report: String,
    /// The most frequent reasons of failures, as many as fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_failures: Vec<FailureGroup>,
    /// What a retry in place has left of the fleet, where that is more than is allowed, so that `_SUCCESS` is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

/// Sensors of a fleet that have no predictions after a retry in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Sensors of the fleet.
    pub total: u64,
    /// Of those, the ones without predictions.
    pub failed: u64,
    /// How many of them are allowed.
    pub limit: u64,
}

impl Totals {
    /// What in the totals of a run of `planned` sensors cannot be. A pod runs what its template says, so what it tells is not trusted.
    pub fn defect(&self, planned: u64) -> Option<String> {
        let mut told = self.top_failures.iter();
        let told = told.try_fold(0_u64, |sum, group| sum.checked_add(group.count));
        let ended = self.succeeded.checked_add(self.failed);
        Some(if !self.phase.is_end() {
            format!("it says that the run ends as {:?}", self.phase)
        } else if self.sensors != planned {
            format!(
                "it counts {} sensors of {planned} planned ones",
                self.sensors
            )
        } else if ended.is_none_or(|ended| ended > planned) {
            format!(
                "it counts {} scored and {} failed sensors of {planned} planned ones",
                self.succeeded, self.failed
            )
        } else if told.is_none_or(|told| told > self.failed) {
            format!(
                "its reasons count more sensors than the {} that failed",
                self.failed
            )
        } else if self.rows > LARGEST_COUNT || self.anomalies > self.rows {
            format!(
                "it counts {} anomalies in {} readings",
                self.anomalies, self.rows
            )
        } else if self.mostly_anomalous > Some(self.succeeded) {
            format!(
                "it counts {} mostly anomalous sensors of {} scored ones",
                self.mostly_anomalous.unwrap_or_default(),
                self.succeeded
            )
        } else {
            return None;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_that_cannot_be_are_told() {
        let good = Totals {
            phase: Phase::PartiallySucceeded,
            sensors: 15,
            succeeded: 14,
            failed: 1,
            rows: 100,
            anomalies: 7,
            mostly_anomalous: Some(2),
            report: String::new(),
            top_failures: vec![FailureGroup {
                count: 1,
                ..FailureGroup::default()
            }],
            left: None,
        };
        assert_eq!(good.defect(15), None);
        let wrong: [(&str, fn(&mut Totals)); 8] = [
            ("Scoring", |totals| totals.phase = Phase::Scoring),
            ("16 sensors of 15", |totals| totals.sensors = 16),
            ("14 scored and 2 failed", |totals| totals.failed = 2),
            ("scored and", |totals| totals.succeeded = u64::MAX),
            ("reasons count more", |totals| {
                totals.top_failures[0].count = 2;
            }),
            ("101 anomalies in 100", |totals| totals.anomalies = 101),
            ("readings", |totals| totals.rows = 1 << 53),
            ("15 mostly anomalous", |totals| {
                totals.mostly_anomalous = Some(15);
            }),
        ];
        for (words, change) in wrong {
            let mut totals = good.clone();
            change(&mut totals);
            let defect = totals.defect(15).unwrap_or_default();
            assert!(defect.contains(words), "{words}: {defect}");
        }
    }
}
