use fleetscore_crds::{FailureGroup, Phase};
use serde::{Deserialize, Serialize};

use crate::outputs;
use crate::report::{self, Report};
use crate::steps::Context;

/// Reasons of failures that are told.
const REASONS: usize = 10;
/// Characters of the sensor that stands for a reason.
const EXAMPLE_CHARS: usize = 60;
/// Characters of a reason's message, less and less until all of it fits.
const MESSAGE_CHARS: [usize; 5] = [300, 150, 75, 30, 1];
/// Bytes of JSON that all may take: Kubernetes keeps 4096 of a termination message.
const BYTES: usize = 4000;

/// What the collect step tells whoever started it: the run's totals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// `Succeeded`, `PartiallySucceeded` or `Failed`.
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
    /// URL of the report to look at.
    pub report: String,
    /// The most frequent reasons of failures, as many as fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_failures: Vec<FailureGroup>,
}

impl Totals {
    /// The totals of a report, small enough for a termination message.
    pub fn of(context: &Context, report: &Report) -> Self {
        let mut totals = Self {
            phase: report.phase,
            sensors: report.sensors.total,
            succeeded: report.sensors.succeeded,
            failed: report.sensors.failed,
            rows: report.rows,
            anomalies: report.anomalies,
            report: format!("{}{}", context.run.output, outputs::REPORT_HTML),
            top_failures: Vec::new(),
        };
        totals.tell(&report.failures);
        totals
    }

    /// Adds the reasons, with messages as long as there is room.
    fn tell(&mut self, failures: &[report::FailureGroup]) {
        for chars in MESSAGE_CHARS {
            let groups = failures
                .iter()
                .take(REASONS)
                .map(|group| told(group, chars));
            self.top_failures = groups.collect();
            if self.fits() {
                return;
            }
        }
        while !self.fits() && self.top_failures.pop().is_some() {}
    }

    fn fits(&self) -> bool {
        serde_json::to_vec(self).is_ok_and(|json| json.len() <= BYTES)
    }
}

fn told(group: &report::FailureGroup, chars: usize) -> FailureGroup {
    let example = group.examples.first();
    FailureGroup {
        reason: format!("{:?}", group.reason),
        count: group.count,
        example: example.map_or(String::new(), |example| {
            cut(&example.sensor.to_string(), EXAMPLE_CHARS)
        }),
        message: example.map_or(String::new(), |example| cut(&example.message, chars)),
    }
}

fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::FailureReason;
    use crate::report::Example;
    use proptest::prelude::*;

    fn totals() -> Totals {
        Totals {
            phase: Phase::Failed,
            sensors: u64::MAX,
            succeeded: u64::MAX,
            failed: u64::MAX,
            rows: u64::MAX,
            anomalies: u64::MAX,
            report: "az://predictions/run/_run/report.html".to_owned(),
            top_failures: Vec::new(),
        }
    }

    fn group(reason: FailureReason, message: &str) -> report::FailureGroup {
        let sensor = [("device".to_owned(), "3".to_owned())]
            .into_iter()
            .collect();
        let message = message.to_owned();
        report::FailureGroup {
            reason,
            count: 7,
            examples: vec![Example { sensor, message }],
        }
    }

    #[test]
    fn tells_the_first_example_of_each_reason() {
        let mut totals = totals();
        totals.tell(&[group(FailureReason::ModelNotFound, "no such object")]);
        let told = &totals.top_failures[0];
        assert_eq!((told.reason.as_str(), told.count), ("ModelNotFound", 7));
        assert_eq!(
            (told.example.as_str(), told.message.as_str()),
            ("device=3", "no such object")
        );
    }

    proptest! {
        #[test]
        fn fits_a_termination_message(message in any::<String>(), times in 1_usize..300, reasons in 0_usize..20, report in 0_usize..1200) {
            let mut totals = totals();
            totals.report = "r".repeat(report);
            let message = message.repeat(times);
            totals.tell(&vec![group(FailureReason::StorageUnavailable, &message); reasons]);
            prop_assert!(serde_json::to_string(&totals).unwrap().len() <= 4096);
            prop_assert!(reasons == 0 || !totals.top_failures.is_empty());
        }
    }
}
