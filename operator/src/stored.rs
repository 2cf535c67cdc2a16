//! Objects as the API server holds them, whichever version of the API wrote them.
//!
//! A newer version may have written fields, choices and numbers that this one does not know. Such an object must neither stop the
//! watch nor stand still without a word: what it asks for and cannot be read is named, and the object is told so.

use std::borrow::Cow;

use fleetscore_crds::{
    Kind, Phase, RELEASE, ReadingStream, ScoringRun, ScoringSchedule, misfits, take_unknown,
};
use kube::Resource;
use kube::core::ObjectMeta;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Faults that are named; more than that have one cause.
const NAMED: usize = 3;
/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// An object, or what can be told of one that cannot be read.
#[derive(Clone, Debug)]
pub struct Stored<K>(pub Result<K, Box<Unreadable>>);

/// An object that cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// What cannot be read: field, value and what to do.
    pub message: String,
    /// Its status, as it is.
    pub status: Value,
}

/// A kind of this API.
pub trait Versioned: Resource<DynamicType = ()> + DeserializeOwned {
    /// Which.
    const KIND: Kind;
}

impl Versioned for ScoringRun {
    const KIND: Kind = Kind::ScoringRun;
}

impl Versioned for ScoringSchedule {
    const KIND: Kind = Kind::ScoringSchedule;
}

impl Versioned for ReadingStream {
    const KIND: Kind = Kind::ReadingStream;
}

impl Unreadable {
    /// Where the run stands, as far as its status can be read.
    pub fn phase(&self) -> Option<Phase> {
        phase(&self.status)
    }
}

fn phase(status: &Value) -> Option<Phase> {
    Phase::deserialize(&status["phase"]).ok()
}

impl<'de, K: Versioned> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let read = match unknown(K::KIND, &mut object) {
            Some(message) => Err(message),
            None => K::deserialize(&object).map_err(|error| misfit(K::KIND, &object, &error)),
        };
        let message = match read {
            Ok(read) => return Ok(Self(Ok(read))),
            Err(message) => message,
        };
        let metadata = ObjectMeta::deserialize(&object["metadata"]).map_err(D::Error::custom)?;
        Ok(Self(Err(Box::new(Unreadable {
            metadata,
            message,
            status: object["status"].take(),
        }))))
    }
}

/// Takes out what this version does not know. Gives the first field of it that was applied: an operator that went on without it would do
/// something else than what is asked for. A run that has ended asks for nothing any more.
fn unknown(kind: Kind, object: &mut Value) -> Option<String> {
    let unknown = take_unknown(kind, object);
    if phase(&object["status"]).is_some_and(Phase::is_end) {
        return None;
    }
    let metadata = &object["metadata"];
    let asked = unknown.iter().find(|field| field.is_applied(metadata))?;
    let value: String = asked.value.to_string().chars().take(SHOWN).collect();
    Some(format!(
        "{} (it is {value}) is not known to this operator ({RELEASE}); upgrade the operator, or take the field out",
        asked.field()
    ))
}

fn misfit(kind: Kind, object: &Value, error: &serde_json::Error) -> String {
    let found = misfits(kind, object);
    let named: Vec<_> = found.iter().take(NAMED).map(ToString::to_string).collect();
    let what = if named.is_empty() {
        error.to_string()
    } else {
        named.join("; ")
    };
    format!("{what}; correct it, or upgrade the operator ({RELEASE}) if a newer one wrote it")
}

impl<K: Resource> Resource for Stored<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dynamic: &K::DynamicType) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &K::DynamicType) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &K::DynamicType) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &K::DynamicType) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0
            .as_ref()
            .map_or_else(|unreadable| &unreadable.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0
            .as_mut()
            .map_or_else(|unreadable| &mut unreadable.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run() -> Value {
        json!({
            "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun",
            "metadata": {"name": "pumps", "namespace": "plant", "uid": "u"},
            "spec": {
                "model": {"location": "file:///m/{device}"},
                "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                "output": {"location": "file:///o/", "file": "{device}.csv"},
            },
        })
    }

    fn read(object: Value) -> Result<ScoringRun, Box<Unreadable>> {
        serde_json::from_value::<Stored<ScoringRun>>(object)
            .unwrap()
            .0
    }

    fn written(fields: &Value) -> Value {
        json!([{"manager": "m", "operation": "Apply", "apiVersion": "v", "fieldsType": "FieldsV1", "fieldsV1": fields}])
    }

    #[test]
    fn a_default_of_a_newer_definition_changes_nothing() {
        let mut object = run();
        object["spec"]["sharding"] = json!({"shape": "Even", "parallelism": 7});
        object["status"] = json!({"phase": "Scoring", "rhythm": {"beatSeconds": 7}});
        object["metadata"]["managedFields"] =
            written(&json!({"f:spec": {"f:sharding": {"f:parallelism": {}}}}));
        let run = read(object).unwrap();
        assert_eq!(run.spec.sharding.parallelism, 7);
        assert_eq!(run.status.unwrap().phase, Phase::Scoring);
    }

    #[test]
    fn what_a_newer_version_asks_for_is_named() {
        let mut object = run();
        object["spec"]["input"]["turbo"] = json!({"seconds": 60});
        object["metadata"]["managedFields"] =
            written(&json!({"f:spec": {"f:input": {"f:turbo": {"f:seconds": {}}}}}));
        object["status"] = json!({"phase": "Pending"});
        let unreadable = read(object.clone()).unwrap_err();
        assert!(
            unreadable
                .message
                .starts_with(r#"spec.input.turbo (it is {"seconds":60}) is not known"#),
            "{}",
            unreadable.message
        );
        assert_eq!(unreadable.metadata.name.as_deref(), Some("pumps"));
        assert_eq!(unreadable.phase(), Some(Phase::Pending));
        // It has been done.
        object["status"] = json!({"phase": "Succeeded"});
        read(object).unwrap();
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_value() {
        let mut object = run();
        object["spec"]["ttlSecondsAfterFinished"] = json!(5_000_000_000_u64);
        object["spec"]["input"]["format"] = json!("Avro");
        let message = read(object).unwrap_err().message;
        for words in [
            "spec.ttlSecondsAfterFinished: 5000000000 is too large",
            "spec.input.format: `Avro` is not allowed",
        ] {
            assert!(message.contains(words), "{message}");
        }
        // Above this version's bound, but it can be read: the newer version's bound is another.
        let mut object = run();
        object["spec"]["sharding"] = json!({"sensorsPerPod": 200_000});
        assert_eq!(read(object).unwrap().spec.sharding.sensors_per_pod, 200_000);
    }
}
