//! A dict, tuple or list in which a model was saved beside its scaler and whatever else.

use std::collections::HashSet;

use fleetscore_crds::ModelBundle;

use super::estimator::quoted;
use super::name_lists::{listed_names, lists_within};
use super::{estimators, transformers};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{
    Class, Foreign, Global, Heap, Instance, Object, ObjectId, Value, way_out,
};
use crate::models::{Model, ModelError, Parts};

/// Items that are looked at; a bundle has a handful.
const MOST_ITEMS: usize = 1000;
/// Parts of names of what turns scores or labels into something else, rather than readings.
const NOT_FOR_READINGS: &[&str] = &["score", "target", "label", "output", "y_", "_y"];
/// Words of names under which the numbers lie by which readings are scaled without a scaler.
const BY_HAND: &[&str] = &[
    "mean", "means", "mu", "std", "stds", "sigma", "scale", "scales", "var", "min", "mins", "max",
    "maxs", "norm", "center", "median", "iqr", "range",
];
/// Parts of names under which the names of the features lie.
const FEATURES: &[&str] = &["feature", "column"];
/// Parts of names under which those of some features lie, or in another order.
const NOT_IN_ORDER: &[&str] = &["importan", "rank", "sort", "target", "top", "label"];
/// Names under which nothing else lies.
const FEATURE_NAMES: &[&str] = &[
    "features",
    "feature_names",
    "feature_names_in",
    "feature_names_in_",
    "feature_columns",
    "feature_cols",
    "feature_list",
    "columns",
    "input_features",
    "input_columns",
    "model_features",
    "selected_features",
];

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

struct Item {
    /// Its key, or its position, as spec.model.bundle names it.
    key: String,
    /// The same for messages.
    name: String,
    value: Value,
    class: Option<Class>,
}

impl Item {
    fn described(&self) -> String {
        match self.class {
            Some(class) => format!("{} ({})", self.name, class.name()),
            None => self.name.clone(),
        }
    }
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
                check(heap, kind, item, &mut seen, meter)?;
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
            None => has(&item.name, FEATURES) && !has(&item.name, NOT_IN_ORDER),
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
                let (name, value) = item;
                let lists = lists_within(heap, item, meter)?;
                if lists.is_empty() && is_of_pandas(heap, *value) && is_feature_names(name) {
                    return Err(ModelError::Unsupported(format!(
                        "{name} is {}, which is not read, and seems to be the names of the features: save a list in its place, as \
                         list(df.columns)",
                        heap.foreign(*value).map(Foreign::path).unwrap_or_default()
                    )));
                }
                let long_enough = lists
                    .into_iter()
                    .filter(|list| list.texts.len() >= features);
                self.parts.lists.extend(long_enough);
            }
        }
        Ok(None)
    }
}

fn is_feature_names(name: &str) -> bool {
    let name = name.to_lowercase();
    FEATURE_NAMES.contains(&name.trim_matches('`'))
}

/// Whether a value is an object of pandas, such as a series, or an index whose names are no array of numpy's.
fn is_of_pandas(heap: &Heap<'_>, value: Value) -> bool {
    let module = heap.foreign(value).map(|foreign| &foreign.module);
    module.is_some_and(|module| module.split('.').next() == Some("pandas"))
}

fn items(heap: &Heap<'_>, value: Value) -> Result<Option<Vec<Item>>, ModelError> {
    let class = |value: Value| match heap.get(value) {
        Some(Object::Instance(instance)) => Some(instance.class),
        _ => None,
    };
    let item = |key: String, name, value| Item {
        key,
        name,
        value,
        class: class(value),
    };
    let items: Vec<Item> = match heap.get(value) {
        Some(Object::Dict(items)) => {
            let key = |key| {
                heap.text(key)
                    .map_or_else(|| "a key that is no text".to_owned(), quoted)
            };
            items
                .iter()
                .take(MOST_ITEMS + 1)
                .map(|&(name, value)| {
                    let text = heap.text(name).unwrap_or_default();
                    item(text.to_owned(), key(name), value)
                })
                .collect()
        }
        Some(Object::Tuple(items) | Object::List(items)) => (1..)
            .zip(items)
            .take(MOST_ITEMS + 1)
            .map(|(position, &value)| item(position.to_string(), format!("item {position}"), value))
            .collect(),
        _ => return Ok(None),
    };
    if items.len() > MOST_ITEMS {
        let limit = format!("{MOST_ITEMS} items");
        return Err(ModelError::TooLarge {
            what: heap.describe(value).to_owned(),
            limit,
        });
    }
    Ok(Some(items))
}

/// Errors when an item might change readings, and is no estimator that this program knows.
fn check(
    heap: &Heap<'_>,
    kind: &str,
    item: &Item,
    seen: &mut HashSet<ObjectId>,
    meter: &mut Meter<'_>,
) -> Result<(), ModelError> {
    let whole = kind.trim_start_matches("a ");
    if item.class.is_some_and(is_scaler) && has(&item.name, NOT_FOR_READINGS) {
        return Err(ModelError::Unsupported(format!(
            "{} of the {whole} does not seem to be a scaler of the readings: save the model without it, or both as \
             make_pipeline(scaler, model)",
            item.name,
        )));
    }
    let is_of_labels = item.class == Some(Class::LabelEncoder);
    if is_of_labels && encodes_texts(heap, item.value, meter)? {
        return Ok(());
    }
    let found = if is_of_labels {
        Some(item.value)
    } else if item.class.is_some() {
        None
    } else {
        stranger(heap, item.value, seen)
    };
    let Some(found) = found else {
        return Ok(());
    };
    let place = format!(", in {} of the {whole}", item.name);
    let refused = |what: &str, way_out: &str| {
        ModelError::Unsupported(format!(
            "the file holds {what}{place}, where it is not plain what it is for; {way_out}"
        ))
    };
    Err(match (heap.foreign(found), heap.get(found)) {
        (Some(foreign), _) => foreign.refusal(&place, way_out(&foreign.module, &foreign.name)),
        (_, Some(Object::Instance(instance))) if instance.class == Class::LabelEncoder => refused(
            "a LabelEncoder",
            "save the model without it if it makes numbers of the label, and train on numbers if it makes them of a feature",
        ),
        _ => refused(
            heap.describe(found),
            "save one pipeline, joblib.dump(make_pipeline(scaler, model), file)",
        ),
    })
}

/// Whether a `LabelEncoder` makes numbers of texts. Then it is of the label, or of a column that is no number and cannot be read.
fn encodes_texts(
    heap: &Heap<'_>,
    encoder: Value,
    meter: &mut Meter<'_>,
) -> Result<bool, ModelError> {
    let Some(&Object::Instance(Instance {
        state: Some(state), ..
    })) = heap.get(encoder)
    else {
        return Ok(false);
    };
    match heap.short_entry(Value::Object(state), &["classes_"]) {
        Some(classes) => Ok(listed_names(heap, classes, meter)?.is_some()),
        None => Ok(false),
    }
}

/// The first thing within a value that may be a step before the model: an estimator, or of a class that is not known. Each object
/// is looked at once.
fn stranger(heap: &Heap<'_>, value: Value, seen: &mut HashSet<ObjectId>) -> Option<Value> {
    let mut to_see = vec![value];
    while let Some(value) = to_see.pop() {
        let (Some(object), Value::Object(id)) = (heap.get(value), value) else {
            continue;
        };
        if !seen.insert(id) {
            continue;
        }
        match object {
            Object::Instance(_) | Object::Global(Global::Ufunc(_)) => return Some(value),
            Object::Foreign(_) | Object::Made { .. } if !heap.is_data(value) => {
                return Some(value);
            }
            Object::Dict(items) => {
                to_see.extend(items.iter().flat_map(|&(key, value)| [key, value]));
            }
            Object::Tuple(items) | Object::List(items) | Object::Set(items) => {
                to_see.extend(items);
            }
            Object::Array(array) => to_see.extend(array.items(heap).unwrap_or_default()),
            _ => {}
        }
    }
    None
}

fn is_by_hand(heap: &Heap<'_>, item: &Item) -> bool {
    let is_number = match item.value {
        Value::Int(_) | Value::Float(_) => true,
        value => matches!(
            heap.get(value),
            Some(Object::Array(_) | Object::List(_) | Object::Tuple(_) | Object::Dict(_))
        ),
    };
    let name = item.name.to_lowercase();
    let mut words = name.split(|character: char| !character.is_alphanumeric());
    is_number && words.any(|word| BY_HAND.contains(&word))
}

fn is_model(class: Class) -> bool {
    estimators::is_known(class) || matches!(class, Class::Pipeline | Class::Search)
}

fn is_scaler(class: Class) -> bool {
    class == Class::ColumnTransformer
        || transformers::is_known(class) && class != Class::SimpleImputer
}

fn has(name: &str, parts: &[&str]) -> bool {
    let name = name.to_lowercase().replace('`', "");
    let ends = |part: &str| match part {
        "y_" => name.starts_with(part),
        "_y" => name.ends_with(part),
        _ => name.contains(part),
    };
    parts.iter().any(|part| ends(part))
}

fn lacks(kind: &str, items: &[Item], field: &str, key: &str) -> ModelError {
    let problem = format!(
        "has no {}, which spec.model.bundle.{field} names: name one of these",
        quoted(key)
    );
    refused(kind, items, &problem)
}

fn ambiguous(kind: &str, items: &[Item], problem: &str) -> ModelError {
    refused(
        kind,
        items,
        &format!(
            "{problem}: name the one to take in spec.model.bundle.scaler, or save one pipeline, joblib.dump(make_pipeline(scaler, model), file)"
        ),
    )
}

fn refused(kind: &str, items: &[Item], problem: &str) -> ModelError {
    let mut names: Vec<String> = items.iter().take(8).map(Item::described).collect();
    if items.len() > names.len() {
        names.push("more".to_owned());
    }
    let names = match names.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    ModelError::Unsupported(format!("the file is {kind} of {names}; it {problem}"))
}
