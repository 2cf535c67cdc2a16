//! What is told as events: a change of phase, and a new reason why a run does not go on. Never one a pod.

use fleetscore_crds::{Phase, ScoringRunStatus};
use kube::runtime::events::{Event, EventType};

use crate::controller::{event, ready};

/// What to tell about the change from `old` to `new`.
pub fn events(old: &ScoringRunStatus, new: &ScoringRunStatus) -> Vec<Event> {
    let mut events = Vec::new();
    let trouble = trouble_of(new);
    let ended = new.phase == Phase::Failed && old.phase != Phase::Failed;
    if let Some((reason, message)) = trouble
        && (ended || trouble_of(old).map(|(reason, _)| reason) != Some(reason))
    {
        events.push(event(EventType::Warning, reason, message));
    }
    if old.phase != new.phase && new.phase != Phase::Failed {
        let kind = if new.phase == Phase::PartiallySucceeded {
            EventType::Warning
        } else {
            EventType::Normal
        };
        events.push(event(kind, &format!("{:?}", new.phase), &note(new)));
    }
    events
}

/// The reason and message of what is wrong: a condition says so with another word than the phase.
fn trouble_of(status: &ScoringRunStatus) -> Option<(&str, &str)> {
    let ready = ready(&status.conditions)?;
    let is_phase = ready.reason == format!("{:?}", status.phase);
    (!is_phase).then_some((ready.reason.as_str(), ready.message.as_str()))
}

fn note(status: &ScoringRunStatus) -> String {
    let total = status.sensors.map_or(0, |sensors| sensors.total);
    match (status.phase, status.sensors, status.pods) {
        (Phase::Planning, ..) => "listing the sensors".to_owned(),
        (Phase::WaitingForReadings, ..) => {
            "the readings of the window are not complete yet".to_owned()
        }
        (Phase::WaitingForNodes, ..) => "the score pods wait for machines".to_owned(),
        (Phase::Scoring, _, Some(pods)) => {
            format!("scoring {total} sensors in {} pods", pods.total)
        }
        (Phase::Collecting, ..) => "making the report".to_owned(),
        (Phase::Suspended, ..) => "stopped by spec.suspend".to_owned(),
        (_, Some(sensors), _) => format!(
            "{} of {} sensors scored, {} readings, {} anomalies",
            sensors.succeeded,
            sensors.total,
            status.rows.unwrap_or(0),
            status.anomalies.unwrap_or(0)
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetscore_crds::{Condition, ConditionStatus};

    fn status(phase: Phase, reason: &str) -> ScoringRunStatus {
        let ready = Condition {
            kind: "Ready".to_owned(),
            status: ConditionStatus::False,
            observed_generation: None,
            last_transition_time: crate::run::testing::start(),
            reason: reason.to_owned(),
            message: "why".to_owned(),
        };
        ScoringRunStatus {
            phase,
            conditions: vec![ready],
            ..ScoringRunStatus::default()
        }
    }

    fn reasons(old: &ScoringRunStatus, new: &ScoringRunStatus) -> Vec<(EventType, String)> {
        events(old, new)
            .into_iter()
            .map(|event| (event.type_, event.reason))
            .collect()
    }

    #[test]
    fn a_change_is_told_once() {
        let (pending, scoring) = (
            ScoringRunStatus::default(),
            status(Phase::Scoring, "Scoring"),
        );
        assert_eq!(
            reasons(&pending, &scoring),
            [(EventType::Normal, "Scoring".to_owned())]
        );
        assert_eq!(reasons(&scoring, &scoring), []);
        let stuck = status(Phase::Scoring, "ImagePullBackOff");
        assert_eq!(
            reasons(&scoring, &stuck),
            [(EventType::Warning, "ImagePullBackOff".to_owned())]
        );
        assert_eq!(reasons(&stuck, &stuck), []);
        let failed = status(Phase::Failed, "ImagePullBackOff");
        assert_eq!(
            reasons(&stuck, &failed),
            [(EventType::Warning, "ImagePullBackOff".to_owned())]
        );
        assert_eq!(reasons(&failed, &failed), []);
        let failed = status(Phase::Failed, "DeadlineExceeded");
        assert_eq!(
            reasons(&stuck, &failed),
            [(EventType::Warning, "DeadlineExceeded".to_owned())]
        );
    }
}
