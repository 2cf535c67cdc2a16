//! How the stream is, in one word and a sentence. Pure.

use fleetscore_crds::contract::Trouble;
use jiff::Timestamp;

use super::picture::{Owned, Picture};
use super::pod_view::StreamPodView;
use super::sighting::Sighting;
use super::snapshot::StreamSnapshot;

/// All is well.
pub const RUNNING: &str = "Running";
/// Nothing is read, as was asked for.
pub const SUSPENDED: &str = "Suspended";
/// Pods are made, replaced or taken away.
const ROLLING: &str = "RollingOut";
/// Not every partition has a pod that reads it.
const CLAIMING: &str = "Claiming";
/// Words for what passes by itself: no events are made of them.
pub const PASSING: [&str; 2] = [ROLLING, CLAIMING];

/// What a pod says that does not pass by itself.
const LASTING: [&str; 4] = [
    "LocationTaken",
    "SourceRecreated",
    "MostEventsInvalid",
    "TooManySensors",
];

/// How a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether everything is read.
    pub ready: bool,
    /// Whether it is on its way.
    pub reconciling: bool,
    /// Whether someone must do something.
    pub stalled: bool,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// How the stream is. What others cannot mend comes first.
pub fn standing(stream: &StreamSnapshot, seen: &Sighting, now: Timestamp) -> Standing {
    if let Some(refusal) = &seen.refusal {
        return bad(refusal.invalid, &refusal.reason, &refusal.message);
    }
    let picture = &seen.picture;
    resting(stream, seen)
        .or_else(|| stalled(picture))
        .or_else(|| troubled(picture))
        .or_else(|| not_starting(seen))
        .or_else(|| silent(picture, now))
        .unwrap_or_else(|| going(seen))
}

/// A stream that is to have no pods.
fn resting(stream: &StreamSnapshot, seen: &Sighting) -> Option<Standing> {
    let message = match (stream.spec.suspend, stream.spec.replicas) {
        (true, _) => "stopped by spec.suspend",
        (false, 0) => "spec.replicas is 0",
        (false, _) => return None,
    };
    let left = seen.pods.len();
    Some(Standing {
        ready: true,
        reconciling: left > 0,
        stalled: false,
        reason: SUSPENDED.to_owned(),
        message: match left {
            0 => message.to_owned(),
            left => format!("{message}; pods that are yet to end: {left}"),
        },
    })
}

/// Partitions that go no further, whatever time passes.
fn stalled(picture: &Picture) -> Option<Standing> {
    let found = picture
        .owned
        .values()
        .filter_map(|owned| Some((owned, owned.status.stall.as_ref()?)));
    let (reason, message) = of_partitions(found.collect())?;
    Some(bad(true, &reason, &message))
}

/// What keeps pods or partitions from their work, as long as it does.
fn troubled(picture: &Picture) -> Option<Standing> {
    if let Some((pod, told)) = picture.troubles.first_key_value() {
        let Trouble { reason, message } = &told.trouble;
        let message = format!(
            "pod {pod}: {message}{}",
            more(picture.troubles.len(), "pods")
        );
        return Some(bad(LASTING.contains(&reason.as_str()), reason, &message));
    }
    let found = picture
        .owned
        .values()
        .filter_map(|owned| Some((owned, owned.status.error.as_ref()?)));
    let (reason, message) = of_partitions(found.collect())?;
    Some(bad(false, &reason, &message))
}

/// The reason that comes first by name, so that it does not change from one look to the next, and an example.
fn of_partitions(mut found: Vec<(&Owned, &Trouble)>) -> Option<(String, String)> {
    found.sort_by_key(|(owned, trouble)| (trouble.reason.as_str(), owned.status.partition));
    let (owned, trouble) = found.first()?;
    let message = format!(
        "partition {} (pod {}): {}{}",
        owned.status.partition,
        owned.pod,
        trouble.message,
        more(found.len(), "partitions")
    );
    Some((trouble.reason.clone(), message))
}

fn more(all: usize, what: &str) -> String {
    match all {
        0 | 1 => String::new(),
        all => format!(" (and so in other {what}: {})", all - 1),
    }
}

/// Pods that do not start.
fn not_starting(seen: &Sighting) -> Option<Standing> {
    let view = seen.deployment.as_ref()?;
    let said = |pod: &StreamPodView| Some(format!("pod {}: {}", pod.name, pod.trouble.as_ref()?));
    let failed = view.failure.clone();
    let said = failed.or_else(|| seen.pods.iter().find_map(said));
    let why = said.or_else(|| view.overdue.clone())?;
    let message = format!("{} of {} pods are ready; {why}", view.ready, view.wanted);
    Some(bad(view.overdue.is_some(), "PodsNotReady", &message))
}

/// Pods that are ready and do not answer.
fn silent(picture: &Picture, now: Timestamp) -> Option<Standing> {
    let (pod, why) = picture.lost(now).next()?;
    let message = format!(
        "pod {pod} is ready and does not answer{}: {why}; may the operator reach its port?",
        more(picture.lost(now).count(), "pods")
    );
    Some(Standing {
        ready: false,
        reconciling: true,
        stalled: false,
        reason: "NoAnswer".to_owned(),
        message,
    })
}

fn going(seen: &Sighting) -> Standing {
    let picture = &seen.picture;
    let whole = picture.is_whole();
    let read = match picture.total {
        Some(total) => format!("{} of {total} partitions are read", picture.owned.len()),
        None => "no pod has told the hub's partitions yet".to_owned(),
    };
    let view = seen.deployment.clone().unwrap_or_default();
    let rolling = seen.deployment.is_none() || view.is_rolling();
    let (reason, message) = match (rolling, whole) {
        (true, _) => {
            let pods = format!(
                "{} of {} pods are new and ready",
                view.updated.min(view.ready),
                view.wanted
            );
            (ROLLING, format!("{pods}; {read}"))
        }
        (false, false) => (CLAIMING, read),
        (false, true) => (RUNNING, read),
    };
    Standing {
        ready: whole,
        reconciling: reason != RUNNING,
        stalled: false,
        reason: reason.to_owned(),
        message,
    }
}

fn bad(lasts: bool, reason: &str, message: &str) -> Standing {
    Standing {
        ready: false,
        reconciling: !lasts,
        stalled: lasts,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
