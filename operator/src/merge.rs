//! Merges pod templates as `kubectl apply` would: lists of named things by name, maps key by key, `null` takes away.

use fleetscore_crds::without_nulls;
use serde_json::{Map, Value};

/// How the items of a list are told apart.
enum ListKind {
    /// By this field; items of the same name are merged.
    Merged(&'static str),
    /// By this field; the later item takes the earlier one's place.
    Replaced(&'static str),
    /// Not at all: the later list comes after the earlier one.
    Appended,
    /// Not at all: the later list takes the earlier one's place.
    Whole,
}

fn list_kind(field: &str) -> ListKind {
    match field {
        "containers" | "initContainers" => ListKind::Merged("name"),
        "env" | "volumes" | "imagePullSecrets" => ListKind::Replaced("name"),
        "volumeMounts" => ListKind::Replaced("mountPath"),
        "volumeDevices" => ListKind::Replaced("devicePath"),
        "hostAliases" => ListKind::Replaced("ip"),
        "tolerations" | "topologySpreadConstraints" | "envFrom" => ListKind::Appended,
        _ => ListKind::Whole,
    }
}

/// Merges `over` into `base`.
pub fn merge(base: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (field, value) in over {
        match (base.get_mut(field), value) {
            (_, Value::Null) => {
                base.remove(field);
            }
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (Some(Value::Array(base)), Value::Array(over)) => merge_list(field, base, over),
            (_, value) => {
                base.insert(field.clone(), without_nulls(value.clone()));
            }
        }
    }
}

fn merge_list(field: &str, base: &mut Vec<Value>, over: &[Value]) {
    match list_kind(field) {
        ListKind::Whole => base.clear(),
        ListKind::Appended => {}
        ListKind::Merged(name) => return by_name(base, over, name, true),
        ListKind::Replaced(name) => return by_name(base, over, name, false),
    }
    for item in over {
        let item = without_nulls(item.clone());
        if !base.contains(&item) {
            base.push(item);
        }
    }
}

fn by_name(base: &mut Vec<Value>, over: &[Value], name: &str, merged: bool) {
    for item in over {
        let same = base
            .iter_mut()
            .find(|found| !found[name].is_null() && found[name] == item[name]);
        match (same, item) {
            (Some(Value::Object(found)), Value::Object(item)) if merged => merge(found, item),
            (Some(found), _) => *found = without_nulls(item.clone()),
            (None, _) => base.push(without_nulls(item.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(base: &Value, over: &Value) -> Value {
        let mut base = base.as_object().unwrap().clone();
        merge(&mut base, over.as_object().unwrap());
        Value::Object(base)
    }

    #[test]
    fn merges_by_the_kind_of_field() {
        let table = [
            (
                "maps key by key",
                json!({"nodeSelector": {"a": "1", "b": "2"}}),
                json!({"nodeSelector": {"b": "3"}}),
                json!({"nodeSelector": {"a": "1", "b": "3"}}),
            ),
            (
                "null takes away",
                json!({"a": {"b": 1}, "c": 1}),
                json!({"a": {"b": null}, "c": null, "d": null}),
                json!({"a": {}}),
            ),
            (
                "null in what is new",
                json!({}),
                json!({"a": {"b": null, "c": 1}}),
                json!({"a": {"c": 1}}),
            ),
            (
                "containers by name",
                json!({"containers": [{"name": "scorer", "image": "i", "args": ["x"]}]}),
                json!({"containers": [{"name": "side", "image": "s"}, {"name": "scorer", "image": "j"}]}),
                json!({"containers": [{"name": "scorer", "image": "j", "args": ["x"]}, {"name": "side", "image": "s"}]}),
            ),
            (
                "env by name, whole",
                json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}),
                json!({"env": [{"name": "A", "valueFrom": {"x": 1}}, {"name": "C", "value": "3"}]}),
                json!({"env": [{"name": "A", "valueFrom": {"x": 1}}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]}),
            ),
            (
                "mounts by path",
                json!({"volumeMounts": [{"name": "run", "mountPath": "/etc/fleetscore"}]}),
                json!({"volumeMounts": [{"name": "models", "mountPath": "/models"}]}),
                json!({"volumeMounts": [{"name": "run", "mountPath": "/etc/fleetscore"}, {"name": "models", "mountPath": "/models"}]}),
            ),
            (
                "tolerations are appended once",
                json!({"tolerations": [{"key": "a"}]}),
                json!({"tolerations": [{"key": "b"}, {"key": "a"}]}),
                json!({"tolerations": [{"key": "a"}, {"key": "b"}]}),
            ),
            (
                "other lists are replaced",
                json!({"args": ["a", "b"]}),
                json!({"args": ["c"]}),
                json!({"args": ["c"]}),
            ),
            (
                "kinds that differ are replaced",
                json!({"a": [1]}),
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 1}}),
            ),
        ];
        for (what, base, over, expected) in table {
            assert_eq!(merged(&base, &over), expected, "{what}");
        }
    }
}
