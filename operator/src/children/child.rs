use fleetscore_crds::{CAUSE_LABEL, Phase, ScoringRun, ScoringSchedule};
use jiff::Timestamp;
use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt};

use super::names::tick_of;
use crate::stored::{Stored, Unreadable};

/// A run that a schedule owns, as far as a schedule's decisions go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The tick that it is the run of; a trigger's has none.
    pub tick: Option<Timestamp>,
    /// Why it was created.
    pub cause: Cause,
    /// Whether it goes on.
    pub state: State,
    /// When it ended, or else was created.
    pub time: Timestamp,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// Why a run is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A tick of the schedule.
    Tick,
    /// A tick of the backfill's range.
    Backfill,
    /// A value of the trigger annotation.
    Trigger,
}

impl Cause {
    /// The label's value.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::Backfill => "backfill",
            Self::Trigger => "trigger",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not ended.
    Active,
    /// It ended `Succeeded` or `PartiallySucceeded`.
    Succeeded,
    /// It ended `Failed`.
    Failed,
    /// The object does not fit the API: it is there, and that is all.
    Unreadable,
}

/// The schedule that owns a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwningSchedule {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

impl OwningSchedule {
    /// The schedule that controls the object, if one does.
    pub fn of(meta: &ObjectMeta) -> Option<Self> {
        let references = meta.owner_references.as_deref().unwrap_or_default();
        let controller = references.iter().find(|owner| {
            owner.controller == Some(true) && owner.kind == ScoringSchedule::kind(&())
        })?;
        Some(Self {
            namespace: meta.namespace.clone()?,
            name: controller.name.clone(),
            uid: controller.uid.clone(),
        })
    }
}

impl Child {
    /// The child that a run is of `owner`.
    pub fn of(run: &Stored<ScoringRun>, owner: &OwningSchedule) -> Option<Self> {
        let meta = run.meta();
        let created = meta.creation_timestamp.as_ref()?.0;
        let name = meta.name.clone()?;
        let (state, ended) = match &run.0 {
            Ok(run) => {
                let status = run.status.as_ref();
                let phase = status.map_or(Phase::Pending, |status| status.phase);
                (
                    state(phase),
                    status.and_then(|status| status.completion_time),
                )
            }
            Err(run) => unreadable(run),
        };
        let cause = match run.labels().get(CAUSE_LABEL).map(String::as_str) {
            Some("backfill") => Cause::Backfill,
            Some("trigger") => Cause::Trigger,
            _ => Cause::Tick,
        };
        Some(Self {
            tick: tick_of(&owner.name, &name),
            name,
            uid: meta.uid.clone()?,
            cause,
            state,
            time: ended.unwrap_or(created),
            deleting: meta.deletion_timestamp.is_some(),
        })
    }

    /// Whether it takes part in what `concurrencyPolicy` and `maxConcurrent` limit.
    pub fn is_active(&self) -> bool {
        self.state == State::Active && !self.deleting
    }
}

fn state(phase: Phase) -> State {
    match phase {
        Phase::Succeeded | Phase::PartiallySucceeded => State::Succeeded,
        Phase::Failed => State::Failed,
        _ => State::Active,
    }
}

/// Where a run stands that another version of the API wrote: its pods go on, or it has ended, as far as its status can be read.
fn unreadable(run: &Unreadable) -> (State, Option<Timestamp>) {
    let ended = run.status["completionTime"].as_str();
    let state = match run.phase() {
        None | Some(Phase::Pending) => State::Unreadable,
        Some(phase) => state(phase),
    };
    (state, ended.and_then(|time| time.parse().ok()))
}
