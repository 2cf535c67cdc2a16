use fleetscore_crds::contract::PlanSummary;
use fleetscore_crds::{
    Condition, ConditionStatus, LARGEST_COUNT, Phase, ScoringRun, ScoringRunSpec, ScoringRunStatus,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::api::owner_reference;
use crate::controller::UNREADABLE;

/// A `ScoringRun` as the API server holds it, with what the API server always sets.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSnapshot {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its UID.
    pub uid: String,
    /// When it was created.
    pub created: Timestamp,
    /// The generation of its spec.
    pub generation: i64,
    /// The version of the whole object, for optimistic locking.
    pub resource_version: Option<String>,
    /// Its labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What is asked for.
    pub spec: ScoringRunSpec,
    /// What it has come to.
    pub status: ScoringRunStatus,
}

/// What the plan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sensors of the run.
    pub sensors: u64,
    /// Shards to score: the score pods.
    pub pods: u32,
}

impl Plan {
    /// What a plan pod tells, unless no Job can have so many pods.
    pub fn of(told: PlanSummary) -> Option<Self> {
        Some(Self {
            sensors: told.sensors,
            pods: u32::try_from(told.shards).ok()?,
        })
    }

    /// What in a plan of this run cannot be. A pod runs what its template says, so what it tells is not trusted.
    pub fn defect(self, run: &RunSnapshot) -> Option<String> {
        let (sensors, pods) = (self.sensors, self.pods);
        let most = run.spec.sharding.max_pods;
        if pods > most {
            Some(format!(
                "the plan is for {pods} pods, but sharding.maxPods is {most}; is the scorer's image of the operator's release?"
            ))
        } else if u64::from(pods) > sensors
            || (pods == 0) != (sensors == 0)
            || sensors > LARGEST_COUNT
        {
            Some(format!(
                "the plan is for {sensors} sensors in {pods} pods, which cannot be"
            ))
        } else {
            None
        }
    }
}

impl RunSnapshot {
    /// The snapshot, unless the object lacks what every stored object has.
    pub fn of(run: &ScoringRun) -> Option<Self> {
        let meta = &run.metadata;
        let mut status = run.status.clone().unwrap_or_default();
        // It could not be read before, and now it can.
        let told = |condition: &Condition| condition.reason == UNREADABLE;
        status.conditions.retain(|condition| !told(condition));
        Some(Self {
            name: meta.name.clone()?,
            namespace: meta.namespace.clone()?,
            uid: meta.uid.clone()?,
            created: meta
                .creation_timestamp
                .as_ref()
                .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
            generation: meta.generation.unwrap_or(0),
            resource_version: meta.resource_version.clone(),
            labels: meta.labels.clone().unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
            spec: run.spec.clone(),
            status,
        })
    }

    /// What was planned, once the status says so. From then on the spec does not change.
    pub fn plan(&self) -> Option<Plan> {
        let planned = self.holds("Planned").is_some();
        let (sensors, pods) = (self.status.sensors?, self.status.pods?);
        planned.then_some(Plan {
            sensors: sensors.total,
            pods: pods.total,
        })
    }

    /// Once the status says that scoring is over: the condition that says so, with the reason why it was stopped, where it was. Nothing is
    /// scored any more from then on, whatever becomes of the Jobs, and of the run while it is suspended.
    pub fn scored(&self) -> Option<&Condition> {
        let collecting = self.status.phase == Phase::Collecting;
        // Operators up to 0.1 told it by the phase, and the reason by `Stalled`.
        let phase = || self.holds("Stalled").or_else(|| self.holds("Reconciling"));
        self.holds("Scored")
            .or_else(|| phase().filter(|_| collecting))
    }

    fn holds(&self, kind: &str) -> Option<&Condition> {
        let mut conditions = self.status.conditions.iter();
        conditions.find(|found| found.kind == kind && found.status == ConditionStatus::True)
    }

    /// Whether the run has ended. It is never run again.
    pub fn has_ended(&self) -> bool {
        self.status.phase.is_end()
    }

    /// Whether Kueue decides when its Jobs run.
    pub fn is_queued(&self) -> bool {
        !self.spec.queue_name.is_empty()
    }

    /// When the run has been active for too long.
    pub fn deadline(&self) -> Option<Timestamp> {
        let seconds = self.spec.active_deadline_seconds?;
        after(self.status.start_time?, seconds)
    }

    /// When something that has not started since `since` fails the run.
    pub fn pending_until(&self, since: Timestamp) -> Option<Timestamp> {
        after(since, self.spec.pending_timeout_seconds)
    }

    /// When the ended run's Jobs are removed.
    pub fn remove_at(&self) -> Option<Timestamp> {
        let seconds = self.spec.ttl_seconds_after_finished?;
        after(self.status.completion_time?, seconds)
    }

    /// The owner reference of its children.
    pub fn owner(&self) -> OwnerReference {
        owner_reference::<ScoringRun>(&self.name, &self.uid)
    }
}

fn after(time: Timestamp, seconds: u32) -> Option<Timestamp> {
    time.checked_add(SignedDuration::from_secs(seconds.into()))
        .ok()
}
