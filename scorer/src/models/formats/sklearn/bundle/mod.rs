//! A dict, tuple or list in which a model was saved beside its scaler and whatever else.

mod item;
mod name_lists;
mod refusals;
mod strangers;

use std::collections::HashSet;

use fleetscore_crds::ModelBundle;

use self::item::{Item, has, is_by_hand, is_model, is_scaler, items};
use self::name_lists::{is_feature_names, listed_names, lists_within};
use self::refusals::{ambiguous, lacks, refused};
use super::estimator::quoted;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Heap, Object, Value};
use crate::models::{Model, ModelError, Parts};

/// Parts of names under which the names of the features lie.
const FEATURES: &[&str] = &["feature", "column"];
/// Parts of names under which those of some features lie, or in another order.
const NOT_IN_ORDER: &[&str] = &["importan", "rank", "sort", "target", "top", "label"];
/// What was found in a dict, tuple or list.
pub struct Bundle {
    /// The estimators, in the order in which readings go through them.
    pub steps: Vec<Value>,
    /// What was taken and what was left.
    pub parts: Parts,
    /// What was left, by name.
    left: Vec<(String, Value)>,
    /// Lists that may be the names of the features.
    columns: Vec<Value>,
    /// The key of the one that is wanted.
    columns_wanted: Option<String>,
    /// What seems to be numbers by which readings are scaled.
    by_hand: Option<String>,
}

impl Bundle {
    /// Takes a model and its scaler out of a dict, tuple or list: those that are `wanted`, else the only ones. Nothing when the value
    /// is none of these.
    ///
    /// Errors when it is not plain which model it is, or what else there is might belong to it.
    pub fn open(
        heap: &Heap<'_>,
        value: Value,
        wanted: Option<&ModelBundle>,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Self>, ModelError> {
        let Some(items) = items(heap, value)? else {
            return match wanted {
                None => Ok(None),
                Some(_) => Err(ModelError::Unsupported(format!(
                    "spec.model.bundle names keys, and the file holds {}, which has none: leave it out",
                    heap.describe(value)
                ))),
            };
        };
        let kind = heap.describe(value);
        let named = |key: Option<&String>, field| {
            let item = key.map(|key| {
                let item = items.iter().find(|item| item.key == *key);
                item.ok_or_else(|| lacks(kind, &items, field, key))
            });
            item.transpose()
        };
        let wanted = wanted.cloned().unwrap_or_default();
        let model = named(wanted.model.as_ref(), "model")?;
        let scaler = named(wanted.scaler.as_ref(), "scaler")?;
        let features = named(wanted.features.as_ref(), "features")?;
        // What looking at every object once takes.
        meter.grow::<[Value; 2]>(heap.len())?;
        let mut seen = HashSet::new();
        // Whoever names both says that nothing else has a part in scoring.
        if model.is_none() || scaler.is_none() {
            for item in &items {
                strangers::check(heap, kind, item, &mut seen, meter)?;
            }
        }
        let of = |wanted: fn(Class) -> bool| {
            let is_model =
                move |item: &&Item| model.is_some_and(|model| std::ptr::eq(model, *item));
            let mut found = items
                .iter()
                .filter(move |item| item.class.is_some_and(wanted) && !is_model(item));
            (found.next(), found.next())
        };
        let models = of(is_model);
        let scalers = of(is_scaler);
        let imputers = of(|class| class == Class::SimpleImputer);
        let model = match (model, models) {
            (Some(model), _) | (None, (Some(model), None)) => model,
            (None, models) => {
                let count = if models.0.is_some() {
                    "more than one model: name the one to take in spec.model.bundle.model, or save one file a sensor"
                } else {
                    "no model: save the fitted model, joblib.dump(make_pipeline(scaler, model), file)"
                };
                return Err(refused(kind, &items, &format!("holds {count}")));
            }
        };
        let (imputer, scaler) = match scaler {
            Some(scaler) => (None, Some(scaler)),
            None if scalers.1.is_some() || imputers.1.is_some() => {
                return Err(ambiguous(kind, &items, "holds more than one transformer"));
            }
            None => (imputers.0, scalers.0),
        };
        let steps = [imputer, scaler, Some(model)];
        let steps: Vec<&Item> = steps.into_iter().flatten().collect();
        let is_taken = |item: &Item| steps.iter().any(|step| std::ptr::eq(*step, item));
        let left = items.iter().filter(|item| !is_taken(item));
        let columns = left.clone().filter(|item| match features {
            Some(features) => std::ptr::eq(features, *item),
            None => may_name_features(heap, item),
        });
        let by_hand = left.clone().find(|item| is_by_hand(heap, item));
        Ok(Some(Self {
            by_hand: by_hand.map(|item| item.name.clone()),
            steps: steps.iter().map(|item| item.value).collect(),
            columns: columns.map(|item| item.value).collect(),
            columns_wanted: wanted.features,
            left: left
                .clone()
                .map(|item| (item.name.clone(), item.value))
                .collect(),
            parts: Parts {
                taken: steps.iter().map(|item| item.described()).collect(),
                left: left.map(|item| item.name.clone()).collect(),
                lists: Vec::new(),
            },
        }))
    }

    /// Errors when a transformer lies beside a model that is itself a pipeline of several steps: whether readings go through both
    /// cannot be told.
    pub fn check_one_scaler(&self, steps: usize) -> Result<(), ModelError> {
        if self.steps.len() < 2 || steps < 2 {
            return Ok(());
        }
        Err(ModelError::Unsupported(format!(
            "beside the pipeline lies {}, and whether readings go through that first cannot be told: save the pipeline alone",
            self.parts.taken.first().map_or("a scaler", String::as_str)
        )))
    }

    /// Errors when the model has no scaler and numbers to scale by lie beside it.
    pub fn check_scaled(&self, model: &Model) -> Result<(), ModelError> {
        match &self.by_hand {
            Some(name) if model.takes_raw_readings() => Err(ModelError::Unsupported(format!(
                "{name} lies beside a model without a scaler, as if readings were scaled by hand: fit and save \
                 make_pipeline(StandardScaler(), OneClassSVM()), or save the model alone if it takes readings as they are"
            ))),
            _ => Ok(()),
        }
    }

    /// The names of the features, where exactly one list says them. Otherwise all lists that may be these are noted.
    ///
    /// Errors when the list that is wanted holds no names, or they lie in an object of pandas that is not read.
    pub fn feature_names(
        &mut self,
        heap: &Heap<'_>,
        features: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Vec<String>>, ModelError> {
        let (mut found, mut differ) = (None, false);
        for &columns in &self.columns {
            let names = listed_names(heap, columns, meter)?;
            let Some(names) = names.filter(|names| names.len() == features) else {
                continue;
            };
            differ |= found.as_ref().is_some_and(|found| *found != names);
            found = Some(names);
        }
        if let (Some(key), None) = (&self.columns_wanted, &found) {
            return Err(ModelError::Unsupported(format!(
                "{}, which spec.model.bundle.features names, is no list of {features} names",
                quoted(key)
            )));
        }
        if found.is_some() && !differ {
            return Ok(found);
        }
        // A single one is in order.
        if features > 1 {
            for item in &self.left {
                let lists = lists_within(heap, item, meter)?;
                let long_enough = lists
                    .into_iter()
                    .filter(|list| list.texts.len() >= features);
                self.parts.lists.extend(long_enough);
            }
        }
        Ok(None)
    }
}

/// Whether an item names the features. Numbers by name, and a text, may be anything unless the item's own name says it all.
fn may_name_features(heap: &Heap<'_>, item: &Item) -> bool {
    let is_list = !matches!(
        heap.get(item.value),
        Some(Object::Dict(_) | Object::Text(_))
    );
    let is_named_so = has(&item.name, FEATURES) && !has(&item.name, NOT_IN_ORDER);
    is_named_so && (is_list || is_feature_names(&item.name))
}
