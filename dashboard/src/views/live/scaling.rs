use std::collections::{BTreeMap, BTreeSet};

use fleetscore_scorer::drawing::format;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use schemars::JsonSchema;
use serde::Serialize;

use crate::views::{Mood, ago};

/// What was said so long ago is told of: events are kept for an hour.
const SINCE: SignedDuration = SignedDuration::from_hours(1);
/// Sentences that are told.
const TOLD: usize = 20;

/// What an autoscaler says of pods that wait.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// In one word, such as `TriggeredScaleUp`.
    pub reason: String,
    /// In its own words.
    pub message: String,
    /// Pods of which it said so.
    pub pods: usize,
    /// When it last said so.
    pub last: Timestamp,
}

/// What autoscalers say of the runs' `pods` (namespace and name) in `events`, the newest first.
pub fn scaling(
    events: &[Event],
    pods: &BTreeSet<(String, String)>,
    now: Timestamp,
) -> Vec<Scaling> {
    let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
    let mut found: BTreeMap<(&str, &str), (BTreeSet<&str>, Timestamp)> = BTreeMap::new();
    for event in events {
        let object = &event.involved_object;
        let name = object.name.as_deref().unwrap_or_default();
        let pod = (
            object.namespace.clone().unwrap_or_default(),
            name.to_owned(),
        );
        let Some(at) = at(event).filter(|at| *at >= since) else {
            continue;
        };
        if object.kind.as_deref() != Some("Pod") || !pods.contains(&pod) {
            continue;
        }
        let reason = event.reason.as_deref().unwrap_or_default();
        let words = (reason, event.message.as_deref().unwrap_or_default());
        let (names, last) = found.entry(words).or_insert((BTreeSet::new(), at));
        names.insert(name);
        *last = (*last).max(at);
    }
    let mut told: Vec<_> = found
        .into_iter()
        .map(|((reason, message), (names, last))| Scaling {
            reason: format::shortened(reason, 40),
            message: format::shortened(message, 500),
            pods: names.len(),
            last,
        })
        .collect();
    told.sort_by_key(|told| std::cmp::Reverse(told.last));
    told.truncate(TOLD);
    told
}

fn at(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref();
    let series = series.and_then(|series| series.last_observed_time.as_ref());
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let once = event.event_time.as_ref().map(|time| time.0);
    let created = event.metadata.creation_timestamp.as_ref();
    series
        .map(|time| time.0)
        .or(last)
        .or(once)
        .or(created.map(|time| time.0))
}

impl Scaling {
    /// Whether more nodes come.
    pub fn mood(&self) -> Mood {
        if self.reason == "NotTriggerScaleUp" {
            Mood::Fair
        } else {
            Mood::Plain
        }
    }

    /// Pods, and how long ago it was said, as text.
    pub fn about(&self, now: Timestamp) -> String {
        let pods = format::counted(self.pods as u64, "pod");
        format!("{pods}, {} ago", ago(now, self.last))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    #[test]
    fn sentences_of_the_runs_own_pods_are_told_once_and_while_they_are_new() {
        let event = |kind, name: &str, reason, at| -> Event {
            serde_json::from_value(json!({
                "metadata": {"name": format!("{name}.{reason}")}, "reason": reason, "message": "3->4", "lastTimestamp": at,
                "involvedObject": {"kind": kind, "namespace": "a", "name": name},
            }))
            .unwrap()
        };
        let events = [
            event("Pod", "one", "TriggeredScaleUp", "2026-11-28T15:50:00Z"),
            event("Pod", "two", "TriggeredScaleUp", "2026-11-28T15:55:00Z"),
            event("Pod", "two", "NotTriggerScaleUp", "2026-11-28T15:59:00Z"),
            event("Pod", "one", "Old", "2026-11-28T14:00:00Z"),
            event("Pod", "foreign", "TriggeredScaleUp", "2026-11-28T15:59:00Z"),
            event("Node", "one", "ScaleDown", "2026-11-28T15:59:00Z"),
        ];
        let pods = ["one", "two"].map(|name| ("a".to_owned(), name.to_owned()));
        let now = "2026-11-28T16:00:00Z".parse().unwrap();
        let told = scaling(&events, &pods.into(), now);
        let told: Vec<_> = told
            .iter()
            .map(|told| (told.reason.as_str(), told.pods, told.about(now)))
            .collect();
        assert_eq!(
            told,
            [
                ("NotTriggerScaleUp", 1, "1 pod, 60 seconds ago".to_owned()),
                ("TriggeredScaleUp", 2, "2 pods, 5 minutes ago".to_owned()),
            ]
        );
    }
}
