use fleetscore_crds::{
    ScoringSchedule, ScoringScheduleSpec, ScoringScheduleStatus, TRIGGER_ANNOTATION,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    FieldsV1, ManagedFieldsEntry, OwnerReference,
};

use crate::api::owner_reference;
use crate::children::OwningSchedule;

/// A `ScoringSchedule` as the API server holds it, with what the API server always sets.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleSnapshot {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its UID.
    pub uid: String,
    /// The generation of its spec.
    pub generation: i64,
    /// The version of the whole object, for optimistic locking.
    pub resource_version: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When its spec was changed last, if the API server says so.
    pub edited: Option<Timestamp>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// The value of the trigger annotation.
    pub trigger: Option<String>,
    /// What is asked for.
    pub spec: ScoringScheduleSpec,
    /// What it has come to.
    pub status: ScoringScheduleStatus,
}

impl ScheduleSnapshot {
    /// The snapshot, unless the object lacks what every stored object has.
    pub fn of(schedule: &ScoringSchedule) -> Option<Self> {
        let meta = &schedule.metadata;
        let annotations = meta.annotations.as_ref();
        Some(Self {
            name: meta.name.clone()?,
            namespace: meta.namespace.clone()?,
            uid: meta.uid.clone()?,
            generation: meta.generation.unwrap_or(0),
            resource_version: meta.resource_version.clone(),
            created: meta.creation_timestamp.as_ref()?.0,
            edited: edited(meta.managed_fields.as_deref().unwrap_or_default()),
            deleting: meta.deletion_timestamp.is_some(),
            trigger: annotations
                .and_then(|all| all.get(TRIGGER_ANNOTATION))
                .cloned(),
            spec: schedule.spec.clone(),
            status: schedule.status.clone().unwrap_or_default(),
        })
    }

    /// It as the owner of runs.
    pub fn owner(&self) -> OwningSchedule {
        OwningSchedule {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
        }
    }

    /// The owner reference of its runs.
    pub fn reference(&self) -> OwnerReference {
        owner_reference::<ScoringSchedule>(&self.name, &self.uid)
    }

    /// How much later than its ticks its runs start.
    pub fn spread(&self) -> SignedDuration {
        fleetscore_ticks::spread(&self.uid, self.spec.spread_seconds)
    }

    /// How late a tick may start, if there is a limit.
    pub fn deadline(&self) -> Option<SignedDuration> {
        let seconds = self.spec.starting_deadline_seconds?;
        Some(SignedDuration::from_secs(seconds.into()))
    }
}

/// Leaves of the managed fields what [`ScheduleSnapshot::of`] reads: the times at which the spec was written.
pub fn trim(fields: &mut Vec<ManagedFieldsEntry>) {
    fields.retain(is_spec);
    if let Some(latest) = fields.iter().map(|entry| entry.time.clone()).max() {
        fields.retain(|entry| entry.time == latest);
        fields.truncate(1);
    }
    for entry in fields {
        entry.fields_v1 = Some(FieldsV1(serde_json::json!({ "f:spec": {} })));
    }
}

/// When a write changed the spec last.
pub(super) fn edited(fields: &[ManagedFieldsEntry]) -> Option<Timestamp> {
    let written = fields.iter().filter(|entry| is_spec(entry));
    written
        .filter_map(|entry| Some(entry.time.as_ref()?.0))
        .max()
}

fn is_spec(entry: &ManagedFieldsEntry) -> bool {
    entry.subresource.as_deref().unwrap_or_default().is_empty()
        && entry
            .fields_v1
            .as_ref()
            .is_some_and(|fields| fields.0.get("f:spec").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(subresource: &str, field: &str, time: &str) -> ManagedFieldsEntry {
        serde_json::from_value(json!({
            "manager": "m", "operation": "Update", "apiVersion": "v", "subresource": subresource, "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": {field: {}},
        }))
        .unwrap()
    }

    #[test]
    fn the_time_of_the_last_edit_is_that_of_the_spec() {
        let mut fields = vec![
            entry("", "f:spec", "2026-01-01T10:00:00Z"),
            entry("", "f:spec", "2026-01-01T11:00:00Z"),
            entry("", "f:metadata", "2026-01-01T12:00:00Z"),
            entry("status", "f:spec", "2026-01-01T13:00:00Z"),
        ];
        let expected = Some("2026-01-01T11:00:00Z".parse().unwrap());
        assert_eq!(edited(&fields), expected);
        trim(&mut fields);
        assert_eq!((edited(&fields), fields.len()), (expected, 1));
        trim(&mut Vec::new());
        assert_eq!(edited(&[]), None);
    }
}
