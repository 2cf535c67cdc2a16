use super::estimator::{Estimator, quoted};
use crate::models::formats::python::{Class, Heap, Object, Value, way_out};
use crate::models::{ModelError, shown};

/// Estimators of a pipeline, and pipelines within pipelines; both are 1 or 2 in practice.
const MOST_STEPS: usize = 32;
const DEEPEST: usize = 8;
/// Steps that are looked at, those of pipelines that lie in several places included.
const MOST_VISITS: usize = 256;

/// Takes pipelines apart, pipelines within pipelines, too, and searches for the best of several, within bounds.
pub struct Steps<'h, 'a> {
    heap: &'h Heap<'a>,
    visits: usize,
}

impl<'h, 'a> Steps<'h, 'a> {
    /// Nothing is visited yet.
    pub fn new(heap: &'h Heap<'a>) -> Self {
        Self { heap, visits: 0 }
    }

    /// Adds to `found` the estimators of a value in their order, those of pipelines in place of the pipelines. `place` says where the
    /// value lies, such as `, as the step `pca` of the Pipeline`; `depth`, within how many others.
    pub fn collect(
        &mut self,
        value: Value,
        place: &str,
        depth: usize,
        found: &mut Vec<Estimator<'h, 'a>>,
    ) -> Result<(), ModelError> {
        self.visits += 1;
        if depth > DEEPEST || found.len() == MOST_STEPS || self.visits > MOST_VISITS {
            return Err(ModelError::TooLarge {
                what: "the pipeline".into(),
                limit: format!("{MOST_STEPS} steps"),
            });
        }
        let heap = self.heap;
        let Some(estimator) = Estimator::new(heap, value)? else {
            return self.other(value, place);
        };
        match estimator.class {
            Class::Pipeline => {}
            Class::Search => {
                let best = estimator.required("best_estimator_")?;
                let place = format!("{place}, as `best_estimator_` of a search");
                return self.collect(best, &place, depth + 1, found);
            }
            _ => {
                found.push(estimator);
                return Ok(());
            }
        }
        for &step in estimator.list("steps")?.iter().take(MOST_VISITS) {
            let Some(&[name, step]) = heap.sequence(step) else {
                return Err(estimator.unexpected("steps", "a list of names and estimators", step));
            };
            let name = quoted(heap.text(name).unwrap_or("?"));
            let place = format!(", as the step {name} of the Pipeline");
            self.collect(step, &place, depth + 1, found)?;
        }
        Ok(())
    }

    /// A step that is no estimator that this program knows.
    fn other(&self, value: Value, place: &str) -> Result<(), ModelError> {
        if value == Value::None || self.heap.text(value) == Some("passthrough") {
            return Ok(());
        }
        if let Some(foreign) = self.heap.foreign(value) {
            let mut way_out = way_out(&foreign.module, &foreign.name).to_owned();
            way_out.push_str(&self.inside(value));
            return Err(foreign.refusal(place, &way_out));
        }
        Err(ModelError::Unsupported(format!(
            "the file holds {}{place}, not a fitted scikit-learn estimator; save the fitted model, joblib.dump(make_pipeline(scaler, \
             model), file)",
            self.heap.describe(value)
        )))
    }

    /// Which attributes of an object of another class hold what could be saved instead.
    fn inside(&self, value: Value) -> String {
        let Some(&Object::Made { state, .. }) = self.heap.get(value) else {
            return String::new();
        };
        let attributes = self.heap.dict(state).unwrap_or_default().iter();
        let known = attributes.take(MOST_VISITS).filter_map(|&(name, value)| {
            let Some(Object::Instance(instance)) = self.heap.get(value) else {
                return None;
            };
            let name = shown(self.heap.text(name)?, 40);
            Some(format!("{} in `{name}`", instance.class.name()))
        });
        let known: Vec<String> = known.take(4).collect();
        if known.is_empty() {
            return String::new();
        }
        format!(" (it holds {})", known.join(" and "))
    }
}
