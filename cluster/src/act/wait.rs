use std::time::Duration;

use fleetscore_crds::Phase;
use tokio::time::Instant;

use crate::object::holds;
use crate::{Cluster, ClusterError, Run, Scope};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The end, whichever it is.
    Ended,
    /// The plan is made.
    Planned,
    /// Sensors are being scored.
    Scoring,
}

/// How often is looked, told and tried again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From one look to the next.
    pub look: Duration,
    /// From one word about it to the next.
    pub tell: Duration,
    /// How long the API server may be away.
    pub away: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(2),
            tell: Duration::from_secs(30),
            away: Duration::from_mins(1),
        }
    }
}

/// How waiting ended.
#[derive(Clone, Debug)]
pub enum Waited {
    /// The goal is reached, or the run has ended.
    Reached(Box<Run>),
    /// The run is gone, or another has its name.
    Gone,
    /// The time is over.
    TimedOut(Box<Run>),
}

impl Goal {
    /// Whether the run is there. A run that has ended gets nowhere else.
    pub fn is_reached(self, run: &Run) -> bool {
        let Ok(status) = &run.status else {
            return false;
        };
        let scoring = matches!(
            status.phase,
            Phase::WaitingForNodes | Phase::Scoring | Phase::Collecting
        );
        status.phase.is_end()
            || match self {
                Self::Ended => false,
                Self::Planned => scoring || holds(&status.conditions, "Planned"),
                Self::Scoring => matches!(status.phase, Phase::Scoring | Phase::Collecting),
            }
    }

    /// The same in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Planned => "planned",
            Self::Scoring => "scoring",
        }
    }
}

/// Waits until `run` is where `goal` says, has ended or is gone, or `timeout` is over. `tell` hears now and then how it stands.
///
/// # Errors
///
/// What can happen to a request: at once what does not pass by itself, else when the API server has been away for too long.
pub async fn wait(
    cluster: &Cluster,
    run: &Run,
    goal: Goal,
    timeout: Duration,
    pace: Pace,
    mut tell: impl FnMut(&Run),
) -> Result<Waited, ClusterError> {
    let scope = Scope::Namespace(run.namespace().to_owned());
    let end = Instant::now() + timeout;
    let (mut told, mut answered) = (Instant::now(), Instant::now());
    let mut seen = run.clone();
    loop {
        match cluster.get::<Run>(&scope, run.name()).await {
            Ok(found) if found.uid() != run.uid() => return Ok(Waited::Gone),
            Ok(found) if goal.is_reached(&found) => return Ok(Waited::Reached(Box::new(found))),
            Ok(found) => {
                (seen, answered) = (found, Instant::now());
            }
            Err(ClusterError::NotFound(_)) => return Ok(Waited::Gone),
            Err(error) if error.may_pass() && answered.elapsed() < pace.away => {}
            Err(error) => return Err(error),
        }
        let now = Instant::now();
        if now >= end {
            return Ok(Waited::TimedOut(Box::new(seen)));
        }
        if now.duration_since(told) >= pace.tell {
            tell(&seen);
            told = now;
        }
        tokio::time::sleep_until(end.min(now + pace.look)).await;
    }
}
