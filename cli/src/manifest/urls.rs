//! Locations in the form of other programs, such as `abfss://`: what to write instead, which no rule of the API can tell.

use fleetscore_crds::Kind;
use fleetscore_storage::translate;
use serde_json::Value;

use super::Problem;
use super::node::Index;
use super::paths::locations;

/// Adds what to write for such a location to `problems`, in place of what the rules say of it.
pub fn check(kind: Kind, object: &Value, index: &Index, problems: &mut Vec<Problem>) {
    for field in locations(kind) {
        let location = object.pointer(&format!("/{}", field.replace('.', "/")));
        let Some(advice) = location.and_then(Value::as_str).and_then(translate) else {
            continue;
        };
        problems.retain(|problem| problem.field != field);
        problems.push(Problem {
            place: index.nearest(&field),
            field,
            message: format!("is in the form of other programs; {advice}"),
        });
    }
}
