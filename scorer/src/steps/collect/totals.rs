use fleetscore_crds::{FailureGroup, Left, Totals};

use crate::ledger::WarningReason;
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

/// What the collect step tells whoever started it: the totals of a report, small enough for a termination message.
pub fn totals(context: &Context, report: &Report) -> Totals {
    let mut totals = Totals {
        phase: report.phase,
        sensors: report.sensors.total,
        succeeded: report.sensors.succeeded,
        failed: report.sensors.failed,
        rows: report.rows,
        anomalies: report.anomalies,
        mostly_anomalous: Some(mostly_anomalous(report)),
        report: (context.run)
            .own_file(outputs::REPORT_HTML)
            .map_or_else(|_| context.run.own.to_string(), |url| url.to_string()),
        top_failures: Vec::new(),
        left: left(report),
    };
    tell(&mut totals, &report.failures);
    totals
}

fn left(report: &Report) -> Option<Left> {
    let left = report.left.filter(|left| !left.complete)?;
    Some(Left {
        total: left.total,
        failed: left.failed,
        limit: left.limit,
    })
}

fn mostly_anomalous(report: &Report) -> u64 {
    let mut warnings = report.warnings.iter();
    let suspect = warnings.find(|group| group.reason == WarningReason::MostlyAnomalous);
    suspect.map_or(0, |group| group.count)
}

/// Adds the reasons, with messages as long as there is room.
fn tell(totals: &mut Totals, failures: &[report::FailureGroup]) {
    for chars in MESSAGE_CHARS {
        let groups = failures
            .iter()
            .take(REASONS)
            .map(|group| told(group, chars));
        totals.top_failures = groups.collect();
        if fits(totals) {
            return;
        }
    }
    while !fits(totals) && totals.top_failures.pop().is_some() {}
}

fn fits(totals: &Totals) -> bool {
    serde_json::to_vec(totals).is_ok_and(|json| json.len() <= BYTES)
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
    use crate::report::Example;
    use fleetscore_crds::{FailureReason, Phase};
    use proptest::prelude::*;

    fn largest() -> Totals {
        Totals {
            phase: Phase::Failed,
            sensors: u64::MAX,
            succeeded: u64::MAX,
            failed: u64::MAX,
            rows: u64::MAX,
            anomalies: u64::MAX,
            mostly_anomalous: Some(u64::MAX),
            report: "az://predictions/run/_run/report.html".to_owned(),
            top_failures: Vec::new(),
            left: Some(Left {
                total: u64::MAX,
                failed: u64::MAX,
                limit: u64::MAX,
            }),
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
        let mut totals = largest();
        tell(
            &mut totals,
            &[group(FailureReason::ModelNotFound, "no such object")],
        );
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
            let mut totals = largest();
            totals.report = "r".repeat(report);
            let message = message.repeat(times);
            tell(&mut totals, &vec![group(FailureReason::StorageUnavailable, &message); reasons]);
            prop_assert!(serde_json::to_string(&totals).unwrap().len() <= 4096);
            prop_assert!(reasons == 0 || !totals.top_failures.is_empty());
        }
    }
}
