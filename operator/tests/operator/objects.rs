//! The objects of the API server: any kind of them, kept as JSON, with what makes two writers see each other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Where an object is: group with version and plural, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Such as `batch/v1/jobs`.
    pub resource: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What happened to an object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version of all objects that came of it.
    pub version: u64,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub kind: &'static str,
    /// Which object.
    pub key: Key,
    /// The object after it, or before it was deleted.
    pub object: Value,
}

/// Why something is not done: code, reason and message.
pub type Refusal = (u16, &'static str, String);

/// How an object is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Field by field; `null` takes away.
    Merge,
    /// Server-side apply.
    Apply,
}

/// All objects, and everything that ever happened to them.
#[derive(Default)]
pub struct Objects {
    all: BTreeMap<Key, Value>,
    changes: Vec<Change>,
    version: u64,
}

impl Objects {
    /// The version of all objects.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.all.get(key)
    }

    /// The objects of a resource, in one namespace or all.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Value> {
        let here = self.all.iter().filter(|(key, _)| {
            key.resource == resource && namespace.is_none_or(|wanted| key.namespace == wanted)
        });
        here.map(|(_, object)| object.clone()).collect()
    }

    /// What happened after a version.
    pub fn since(&self, version: u64) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(move |change| change.version > version)
    }

    /// Creates an object.
    pub fn create(&mut self, key: Key, mut object: Value) -> Result<Value, Refusal> {
        if self.all.contains_key(&key) {
            return Err((409, "AlreadyExists", format!("{key:?} already exists")));
        }
        let meta = &mut object["metadata"];
        meta["name"] = json!(key.name);
        meta["namespace"] = json!(key.namespace);
        meta["uid"] = json!(format!("00000000-0000-4000-8000-{:012x}", self.version + 1));
        meta["generation"] = json!(1);
        meta["creationTimestamp"] = json!(jiff::Timestamp::now().to_string());
        Ok(self.note("ADDED", key, object))
    }

    /// Changes an object, or its status.
    pub fn patch(
        &mut self,
        key: &Key,
        kind: Patch,
        status: bool,
        patch: Value,
    ) -> Result<Value, Refusal> {
        let Some(old) = self.all.get(key) else {
            let named = |field: &str| !patch["metadata"][field].is_null();
            if kind == Patch::Apply && !status && !named("uid") && !named("resourceVersion") {
                return self.create(key.clone(), patch);
            }
            return Err(not_found(key));
        };
        let conflict = |what: &str| Err((409, "Conflict", format!("{key:?}: {what}")));
        for field in ["uid", "resourceVersion"] {
            let expected = &patch["metadata"][field];
            if !expected.is_null() && *expected != old["metadata"][field] {
                return conflict(field);
            }
        }
        // What another one has set by apply is not taken from it without force.
        let holder = |object: &Value| object["spec"]["holderIdentity"].clone();
        let (held, wanted) = (holder(old), holder(&patch));
        if kind == Patch::Apply && !status && !held.is_null() && held != wanted {
            return conflict("holderIdentity");
        }
        let mut new = old.clone();
        if status && kind == Patch::Merge {
            merge(&mut new["status"], patch["status"].clone());
        } else if status {
            new["status"] = patch["status"].clone();
        } else {
            merge(&mut new, patch);
        }
        if new["spec"] != old["spec"] {
            let generation = old["metadata"]["generation"].as_u64().unwrap_or(0);
            new["metadata"]["generation"] = json!(generation + 1);
        }
        if new == *old {
            return Ok(new);
        }
        Ok(self.note("MODIFIED", key.clone(), new))
    }

    /// Deletes an object, if it has this UID.
    pub fn delete(&mut self, key: &Key, uid: &Value) -> Result<Value, Refusal> {
        let Some(old) = self.all.get(key) else {
            return Err(not_found(key));
        };
        if !uid.is_null() && *uid != old["metadata"]["uid"] {
            return Err((409, "Conflict", format!("{key:?}: UID")));
        }
        let old = old.clone();
        Ok(self.note("DELETED", key.clone(), old))
    }

    fn note(&mut self, kind: &'static str, key: Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if kind == "DELETED" {
            self.all.remove(&key);
        } else {
            self.all.insert(key.clone(), object.clone());
        }
        self.changes.push(Change {
            version: self.version,
            kind,
            key,
            object: object.clone(),
        });
        object
    }
}

/// The refusal to say anything about an object that is not there.
pub fn not_found(key: &Key) -> Refusal {
    (404, "NotFound", format!("{key:?} not found"))
}

fn merge(old: &mut Value, patch: Value) {
    let Value::Object(fields) = patch else {
        *old = patch;
        return;
    };
    if !old.is_object() {
        *old = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            old.as_object_mut().unwrap().remove(&name);
        } else {
            merge(&mut old[name], value);
        }
    }
}
