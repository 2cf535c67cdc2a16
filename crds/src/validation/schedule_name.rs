use serde_json::Value;

use super::Violation;
use crate::SCHEDULE_LABEL;

/// The texts of a run's spec that may hold placeholders.
const TEXTS: [&str; 8] = [
    "spec.model.location",
    "spec.model.scaler",
    "spec.input.location",
    "spec.input.waitFor.object",
    "spec.output.location",
    "spec.output.file",
    "spec.logs.location",
    "spec.sensors.manifest",
];

/// `{schedule}` in a run that no schedule has made, where it has no value. No rule of the definition can tell: rules do not see labels.
pub fn check(run: &Value) -> Option<Violation> {
    if run["metadata"]["labels"][SCHEDULE_LABEL].is_string() {
        return None;
    }
    let text = |field: &str| {
        run.pointer(&format!("/{}", field.replace('.', "/")))?
            .as_str()
    };
    let holds = |text: &str| text.replace("{{", "").contains("{schedule}");
    let field = TEXTS
        .into_iter()
        .find(|field| text(field).is_some_and(holds))?;
    Some(Violation {
        field: field.to_owned(),
        message: format!(
            "{{schedule}} has no value, since no schedule has made this run (it has no label {SCHEDULE_LABEL}); write {{run}} or a name"
        ),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schedules_name_needs_a_schedule() {
        let mut run = json!({
            "metadata": {"name": "pumps-1764324000"},
            "spec": {"output": {"location": "az://p/{{schedule}}/{run}/", "file": "{device}.csv"}},
        });
        assert_eq!(check(&run), None, "a literal brace");
        run["spec"]["logs"] = json!({"location": "az://p/{schedule}/logs/"});
        let found = check(&run).unwrap();
        assert_eq!(found.field, "spec.logs.location");
        assert!(found.message.contains("write {run}"), "{found}");
        run["metadata"]["labels"] = json!({ SCHEDULE_LABEL: "pumps" });
        assert_eq!(check(&run), None);
    }
}
