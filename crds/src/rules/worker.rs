//! Rules of the Python that scores models.

use super::subject::{any, not};
use super::{Rule, Subject, rule};

/// Rules of a model beside the Python that scores it.
pub(super) fn beside() -> Vec<Rule> {
    vec![
        rule(
            "!has(self.worker) || !has(self.scaler)",
            |model| any([not(model.has("worker")), not(model.has("scaler"))]),
            "is not handed to Python; take model.scaler out and apply it in the worker's module, or take model.worker out",
            ".scaler",
        ),
        rule(
            "!has(self.worker) || self.worker.use != 'Always' || !has(self.bundle)",
            |model| {
                let is_refused = || Some(model.text_at("worker.use")? != "Always");
                any([
                    not(model.has("worker")),
                    is_refused(),
                    not(model.has("bundle")),
                ])
            },
            "is for models that Fleetscore reads itself, and Python scores all of them; take model.bundle out, or set model.worker.use to Refused",
            ".bundle",
        ),
    ]
}

/// Rules of the Python that scores.
pub fn worker() -> Vec<Rule> {
    vec![rule(
        "self.miniBatch != 'Files' || has(self.module)",
        |worker: Subject<'_>| {
            let is_frame = || Some(worker.text_at("miniBatch")? != "Files");
            any([is_frame(), worker.has("module")])
        },
        "is for a module with run(mini_batch); set worker.module, or take miniBatch out",
        ".miniBatch",
    )]
}

/// The schema of an argument of a command.
pub fn argument() -> serde_json::Value {
    serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 1024 })
}
