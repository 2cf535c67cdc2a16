use std::collections::HashMap;
use std::sync::LazyLock;

use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Array, Class, Heap, Numbers, Object, Value, way_out};
use crate::models::{ModelError, shown};

/// The attributes that scoring needs, in order. Others are not looked at, whatever they are.
const NEEDED: &[&str] = &[
    "_Booster",
    "_average_path_length_per_tree",
    "_baseline_prediction",
    "_classes",
    "_decision_path_lengths",
    "_df_columns",
    "_dual_coef_",
    "_feature_names_in",
    "_gamma",
    "_handle",
    "_intercept_",
    "_label_binarizer",
    "_max_degree",
    "_max_features",
    "_max_samples",
    "_min_degree",
    "_n_features",
    "_n_support",
    "_predictors",
    "_preprocessor",
    "_sklearn_version",
    "_sparse",
    "_threshold_",
    "activation",
    "add_indicator",
    "behaviour",
    "best_estimator_",
    "best_iteration",
    "break_ties",
    "center_",
    "class_prior_",
    "classes_",
    "clip",
    "cluster_centers_",
    "coef0",
    "coef_",
    "coefs_",
    "components_",
    "constant_",
    "contamination",
    "covariance_type",
    "decision_function_shape",
    "degree",
    "detector_",
    "estimators_",
    "estimators_features_",
    "explained_variance_",
    "feature_names_in_",
    "feature_range",
    "func",
    "gamma",
    "handle",
    "include_bias",
    "init_",
    "interaction_only",
    "intercept_",
    "intercepts_",
    "kernel",
    "kernel_params",
    "kw_args",
    "learning_rate",
    "location_",
    "loss",
    "max_samples_",
    "mean",
    "mean_",
    "means_",
    "min_",
    "missing",
    "missing_values",
    "multi_class",
    "n_estimators",
    "n_features_",
    "n_features_in_",
    "n_input_features_",
    "n_outputs_",
    "n_support_",
    "n_trees_per_iteration_",
    "node_count",
    "nodes",
    "norm",
    "normalization_",
    "offset_",
    "out_activation_",
    "precision_",
    "precisions_cholesky_",
    "prior",
    "priors",
    "quantile",
    "random_offset_",
    "random_weights_",
    "scale_",
    "solver",
    "statistics_",
    "steps",
    "store_precision",
    "strategy",
    "support_vectors_",
    "threshold",
    "threshold_",
    "transformer_weights",
    "transformers_",
    "tree_",
    "values",
    "variances_",
    "weights_",
    "whiten",
    "with_centering",
    "with_mean",
    "with_scaling",
    "with_std",
    "y_type_",
];

/// Bytes of a name of them. Longer ones are not looked up: that would take long, and a file can have it done again and again.
const LONGEST_NAME: usize = 64;

/// [`NEEDED`] by the bytes of the names: a forest has thousands of attributes to look up.
static NAMES: LazyLock<HashMap<&[u8], &str>> =
    LazyLock::new(|| NEEDED.iter().map(|name| (name.as_bytes(), *name)).collect());

/// Attributes of one estimator. A forest's are looked at tree by tree, so they must not be many.
const MOST_ATTRIBUTES: usize = 1000;

/// An estimator's attributes, by name and expected type.
pub struct Estimator<'h, 'a> {
    heap: &'h Heap<'a>,
    /// Its class.
    pub class: Class,
    found: Vec<(&'static str, Value)>,
}

impl<'h, 'a> Estimator<'h, 'a> {
    /// The estimator that a value refers to; nothing when it is none.
    ///
    /// Errors when a function outside the closed list might have changed it.
    pub fn new(heap: &'h Heap<'a>, value: Value) -> Result<Option<Self>, ModelError> {
        let Some(Object::Instance(instance)) = heap.get(value) else {
            return Ok(None);
        };
        let mut estimator = Self {
            heap,
            class: instance.class,
            found: Vec::new(),
        };
        estimator.check_untouched(value)?;
        let state = instance.state.map_or(Value::None, Value::Object);
        estimator.check_untouched(state)?;
        let attributes = heap.dict(state).unwrap_or_default();
        if attributes.len() > MOST_ATTRIBUTES {
            return Err(ModelError::TooLarge {
                what: estimator.class.name().into(),
                limit: format!("{MOST_ATTRIBUTES} attributes"),
            });
        }
        for &(name, value) in attributes {
            let name = heap.text_bytes(name);
            let name = name.filter(|name| name.len() <= LONGEST_NAME);
            let Some(&name) = name.and_then(|name| NAMES.get(name)) else {
                continue;
            };
            match estimator.found.iter_mut().find(|(found, _)| *found == name) {
                Some((_, found)) => *found = value,
                None => estimator.found.push((name, value)),
            }
        }
        Ok(Some(estimator))
    }

    fn check_untouched(&self, value: Value) -> Result<(), ModelError> {
        match self.heap.touched_by(value) {
            Some(foreign) => Err(foreign.refusal(
                &format!(", and hands it the {} or a part of it", self.class.name()),
                "what that does to the model is not known, and nothing was run: save the fitted model alone",
            )),
            None => Ok(()),
        }
    }

    /// An attribute; nothing where it is absent or `None`.
    pub fn get(&self, name: &str) -> Option<Value> {
        let (_, value) = self.found.iter().find(|(found, _)| *found == name)?;
        Some(*value).filter(|value| *value != Value::None)
    }

    /// An attribute that must be there.
    pub fn required(&self, name: &str) -> Result<Value, ModelError> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        self.check_untouched(value)?;
        Ok(value)
    }

    /// A boolean attribute, and what it was before scikit-learn had it.
    pub fn flag(&self, name: &str, otherwise: bool) -> Result<bool, ModelError> {
        match self.get(name) {
            None => Ok(otherwise),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::Int(flag)) => Ok(flag != 0),
            Some(other) => Err(self.unexpected(name, "a bool", other)),
        }
    }

    /// A number.
    pub fn number(&self, name: &str, meter: &mut Meter<'_>) -> Result<f64, ModelError> {
        match self.required(name)? {
            Value::Float(number) => Ok(number),
            Value::Int(number) => Ok(number as f64),
            other => match self.heap.get(other) {
                Some(Object::Array(array)) if array.count() == Some(1) => {
                    match array.numbers(self.heap, name, meter)?.values.as_slice() {
                        &[number] => Ok(number),
                        _ => Err(self.unexpected(name, "a number", other)),
                    }
                }
                _ => Err(self.unexpected(name, "a number", other)),
            },
        }
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<&'h str, ModelError> {
        let value = self.required(name)?;
        self.heap
            .text(value)
            .ok_or_else(|| self.unexpected(name, "a string", value))
    }

    /// Bytes, or those of a string of any length.
    pub fn bytes(&self, name: &str) -> Result<&'h [u8], ModelError> {
        let value = self.required(name)?;
        match self.heap.get(value) {
            Some(Object::Bytes(bytes)) => Ok(bytes),
            Some(Object::Text(text)) => Ok(text.as_bytes()),
            _ => Err(self.unexpected(name, "bytes or a string", value)),
        }
    }

    /// An array of numbers.
    pub fn array(&self, name: &str, meter: &mut Meter<'_>) -> Result<Numbers, ModelError> {
        let value = self.required(name)?;
        match self.heap.get(value) {
            Some(Object::Array(array)) => array.numbers(self.heap, name, meter),
            _ => Err(self.unexpected(name, "an array", value)),
        }
    }

    /// A number from 0 up, without fraction.
    pub fn count(&self, name: &str) -> Result<usize, ModelError> {
        let value = self.required(name)?;
        let count = match value {
            Value::Int(count) => usize::try_from(count).ok(),
            _ => None,
        };
        count.ok_or_else(|| self.unexpected(name, "a whole number from 0 up", value))
    }

    /// An array, whatever its items are.
    pub fn any_array(&self, name: &str) -> Result<&'h Array<'a>, ModelError> {
        let value = self.required(name)?;
        match self.heap.get(value) {
            Some(Object::Array(array)) => Ok(array),
            _ => Err(self.unexpected(name, "an array", value)),
        }
    }

    /// The numbers of item `at` of a list of arrays.
    pub fn item(
        &self,
        name: &str,
        at: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Numbers, ModelError> {
        let list = self.list(name)?;
        match list.get(at).and_then(|&item| self.heap.get(item)) {
            Some(Object::Array(array)) => array.numbers(self.heap, name, meter),
            _ => Err(self.unexpected(
                name,
                &format!("a list of arrays, with one at {at}"),
                self.required(name)?,
            )),
        }
    }

    /// An estimator or the like of one class, which is the attribute `name` or an item of it.
    pub fn part(&self, name: &str, value: Value, class: Class) -> Result<Self, ModelError> {
        match Self::new(self.heap, value)? {
            Some(part) if part.class == class => Ok(part),
            _ => Err(self.unexpected(name, class.name(), value)),
        }
    }

    /// Where its attributes lie.
    pub fn heap(&self) -> &'h Heap<'a> {
        self.heap
    }

    /// A pair of numbers.
    pub fn pair(&self, name: &str) -> Result<(f64, f64), ModelError> {
        let value = self.required(name)?;
        let number = |value: Value| match value {
            Value::Float(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            _ => None,
        };
        match self.heap.sequence(value) {
            Some(&[low, high]) => number(low).zip(number(high)),
            _ => None,
        }
        .ok_or_else(|| self.unexpected(name, "a pair of numbers", value))
    }

    /// The items of a list.
    pub fn list(&self, name: &str) -> Result<&'h [Value], ModelError> {
        let value = self.required(name)?;
        self.heap
            .sequence(value)
            .ok_or_else(|| self.unexpected(name, "a list", value))
    }

    /// Names of the `features` features that it was fitted with, where they had names.
    pub fn feature_names(
        &self,
        features: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Vec<String>>, ModelError> {
        // The others are ColumnTransformer's before scikit-learn 1.0, and before 0.22.
        const NAMES: [&str; 3] = ["feature_names_in_", "_feature_names_in", "_df_columns"];
        let Some(name) = NAMES.into_iter().find(|name| self.get(name).is_some()) else {
            return Ok(None);
        };
        let value = self.required(name)?;
        match names(self.heap, value, features, meter)? {
            Some(names) => Ok(Some(names)),
            None => Err(self.unexpected(name, &format!("an array of {features} names"), value)),
        }
    }

    /// An error about an attribute that is of another type than expected.
    pub fn unexpected(&self, name: &str, expected: &str, found: Value) -> ModelError {
        if let Some(foreign) = self.heap.foreign(found) {
            let place = format!(", as `{name}` of {}", self.class.name());
            let way_out = match name {
                "kernel" => {
                    "the kernel is a Python function: train with kernel='rbf', 'linear', 'poly' or 'sigmoid'"
                }
                _ => way_out(&foreign.module, &foreign.name),
            };
            return foreign.refusal(&place, way_out);
        }
        ModelError::Unsupported(format!(
            "`{name}` of {} is {}, not {expected}; fit the model again and save it as it is then",
            self.class.name(),
            self.heap.describe(found)
        ))
    }

    fn missing(&self, name: &str) -> ModelError {
        ModelError::Invalid(format!(
            "{} has no `{name}`: it was saved before it was fitted; call fit, then save it",
            self.class.name()
        ))
    }
}

/// Names in an array, list or tuple; nothing where it does not hold `count` strings.
pub fn names(
    heap: &Heap<'_>,
    value: Value,
    count: usize,
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<String>>, ModelError> {
    match heap.get(heap.unwrap_texts(value)) {
        Some(Object::Array(array)) => array.texts(heap, count, meter),
        Some(Object::List(items) | Object::Tuple(items)) if items.len() == count => {
            heap.texts(items, meter)
        }
        _ => Ok(None),
    }
}

/// A text of the file for messages.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shown(text, 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_attributes_are_in_order_and_short_enough_to_be_looked_up() {
        assert!(NEEDED.is_sorted());
        assert!(NEEDED.iter().all(|name| name.len() <= LONGEST_NAME));
    }
}
