//! Rules of what the models' numbers mean.

use serde_json::Value;

use super::subject::{all, any, not};
use super::{Answer, Rule, Subject, rule};

/// Rules of a model.
pub fn model() -> Vec<Rule> {
    let mut rules = vec![
        rule(
            "!has(self.residual) || !has(self.output) || !(self.output in ['Class', 'Value'])",
            |model| apart(model, "residual", has_output(model, &["Class", "Value"])),
            "a residual makes a detector of a regressor; leave output out, or say Anomaly",
            ".output",
        ),
        rule(
            "!has(self.residual) || !has(self.threshold)",
            |model| apart(model, "residual", model.has("threshold")),
            "a residual has a threshold of its own; set residual.threshold alone",
            ".threshold",
        ),
        rule(
            "!has(self.anomalyClasses) || self.anomalyClasses.size() == 0 || \
             (!has(self.residual) && !has(self.threshold) && (!has(self.output) || !(self.output in ['Anomaly', 'Value'])))",
            |model| {
                let others = any([
                    model.has("residual"),
                    model.has("threshold"),
                    has_output(model, &["Anomaly", "Value"]),
                ]);
                let none = model
                    .at("anomalyClasses")
                    .and_then(Subject::list)
                    .map(Vec::is_empty);
                any([not(model.has("anomalyClasses")), none, not(others)])
            },
            "only classifiers have classes; leave out residual, threshold and an output of another kind",
            ".anomalyClasses",
        ),
        rule(
            "!has(self.threshold) || !has(self.output) || !(self.output in ['Class', 'Value'])",
            |model| apart(model, "threshold", has_output(model, &["Class", "Value"])),
            "only a detector has a threshold; leave it out, or leave output out",
            ".threshold",
        ),
    ];
    rules.extend(super::worker::beside());
    rules
}

/// The target of a residual is a column of its own; a rule of the whole spec.
pub(super) fn target() -> Rule {
    rule(
        "!has(self.model.residual) || [self.model.residual.target].all(t, !(t in self.input.columns.features) && \
         t != self.input.columns.time && (!has(self.input.columns.label) || t != self.input.columns.label) && \
         self.input.columns.keys.all(k, self.input.columns.keys[k] != t))",
        |spec| {
            let own = || {
                let target = spec.at("model.residual.target")?.0;
                let columns = spec.at("input.columns")?;
                let is = |field: &str| Some(columns.at(field)?.0 == target);
                let features = columns.at("features").and_then(Subject::list);
                let keys = columns.at("keys").and_then(Subject::map);
                all([
                    features.map(|features| !features.contains(target)),
                    not(is("time")),
                    any([not(columns.has("label")), not(is("label"))]),
                    keys.map(|keys| keys.values().all(|key: &Value| key != target)),
                ])
            };
            any([not(spec.has("model.residual")), own()])
        },
        "is the column that the model expects: neither the time, nor the label, nor a key, nor one of input.columns.features; it is read \
         beside them",
        ".model.residual.target",
    )
}

/// Whether a field is not there beside something else.
fn apart(model: Subject<'_>, field: &str, other: Answer) -> Answer {
    any([not(model.has(field)), not(other)])
}

fn has_output(model: Subject<'_>, outputs: &[&str]) -> Answer {
    let is = || Some(outputs.contains(&model.text_at("output")?));
    all([model.has("output"), is()])
}
