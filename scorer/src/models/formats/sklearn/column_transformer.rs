use std::collections::HashMap;

use super::estimator::{Estimator, quoted};
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Array, Class, Heap, Object, Value};
use crate::models::transforms::{Columns, MOST_COLUMNS};

/// One of a `ColumnTransformer`'s transformers.
pub struct Part {
    /// The columns that it takes.
    pub columns: Columns,
    /// A fitted transformer; nothing where the columns stay as they are.
    pub transformer: Option<Value>,
    /// Where it lies, for messages.
    pub place: String,
}

/// The fitted transformers of a `ColumnTransformer` in the order in which their columns come out. See scikit-learn's
/// `compose/_column_transformer.py`.
pub fn parts(step: &Estimator<'_, '_>, meter: &mut Meter<'_>) -> Result<Vec<Part>, ModelError> {
    let heap = step.heap();
    if step.get("transformer_weights").is_some() {
        return Err(ModelError::Unsupported(
            "ColumnTransformer with transformer_weights: train without".into(),
        ));
    }
    let width = width(step)?;
    let names = step.feature_names(width, meter)?.unwrap_or_default();
    let known: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let mut parts = Vec::new();
    for &item in step.list("transformers_")? {
        if parts.len() == MOST_COLUMNS {
            return Err(ModelError::TooLarge {
                what: "the ColumnTransformer".into(),
                limit: format!("{MOST_COLUMNS} transformers"),
            });
        }
        let Some(&[name, transformer, columns]) = heap.sequence(item) else {
            return Err(step.unexpected(
                "transformers_",
                "a list of names, transformers and columns",
                item,
            ));
        };
        let name = quoted(heap.text(name).unwrap_or("?"));
        if heap.text(transformer) == Some("drop") {
            continue;
        }
        let taken = positions(heap, columns, width, &known);
        let taken = taken.ok_or_else(|| {
            ModelError::Unsupported(format!(
                "the columns of {name} in the ColumnTransformer are neither names nor positions nor a mask nor a slice: train with a list of names or \
                 positions"
            ))
        })?;
        if taken.is_empty() {
            continue;
        }
        meter.grow::<usize>(taken.len())?;
        meter.grow::<Part>(4)?;
        parts.push(Part {
            columns: Columns::new(width, taken)?,
            transformer: Some(transformer).filter(|it| heap.text(*it) != Some("passthrough")),
            place: format!(", in {name} of the ColumnTransformer"),
        });
    }
    Ok(parts)
}

/// The number of columns that go in; `_n_features` before scikit-learn 0.24.
fn width(step: &Estimator<'_, '_>) -> Result<usize, ModelError> {
    let name = match step.get("n_features_in_") {
        Some(_) => "n_features_in_",
        None => "_n_features",
    };
    let width = step.count(name)?;
    if width > MOST_COLUMNS {
        return Err(ModelError::TooLarge {
            what: "the number of columns of the ColumnTransformer".into(),
            limit: format!("{MOST_COLUMNS} columns"),
        });
    }
    Ok(width)
}

/// The positions of columns that are given by name, position, mask or slice.
fn positions(
    heap: &Heap<'_>,
    columns: Value,
    width: usize,
    known: &HashMap<&str, usize>,
) -> Option<Vec<usize>> {
    let columns = heap.unwrap_texts(columns);
    let items = match heap.get(columns)? {
        Object::List(items) | Object::Tuple(items) => items,
        // The columns that are left over, in scikit-learn 1.5 to 1.7.
        Object::Instance(instance) if instance.class == Class::RemainderColumns => {
            let state = heap.dict(Value::Object(instance.state?))?;
            heap.sequence(heap.entry(state, "data")?)?
        }
        Object::Slice(ends) => return slice(heap, *ends, width, known),
        Object::Array(array) => return of_array(heap, array, width, known),
        _ => return None,
    };
    of_items(heap, items, width, known)
}

/// Positions that are listed, as they are, by name or by a mask.
fn of_items(
    heap: &Heap<'_>,
    items: &[Value],
    width: usize,
    known: &HashMap<&str, usize>,
) -> Option<Vec<usize>> {
    if items.len() > MOST_COLUMNS {
        return None;
    }
    if let Some(mask) = mask(items).filter(|mask| !mask.is_empty()) {
        let taken = mask.iter().enumerate().filter(|(_, taken)| **taken);
        return (mask.len() == width).then(|| taken.map(|(column, _)| column).collect());
    }
    let position = |item: &Value| match *item {
        Value::Int(position) if position < 0 => {
            width.checked_sub(usize::try_from(position.unsigned_abs()).ok()?)
        }
        Value::Int(position) => usize::try_from(position).ok(),
        item => known.get(heap.text(item)?).copied(),
    };
    items.iter().map(position).collect()
}

/// The same in an array of numpy's.
fn of_array(
    heap: &Heap<'_>,
    array: &Array<'_>,
    width: usize,
    known: &HashMap<&str, usize>,
) -> Option<Vec<usize>> {
    let &[count] = array.shape.as_slice() else {
        return None;
    };
    if let Some(items) = array.items(heap) {
        return of_items(heap, items.get(..count)?, width, known);
    }
    let (dtype, bytes) = (array.dtype(heap)?, array.bytes(heap)?);
    let size = dtype.width().filter(|size| *size > 0)?;
    if count > MOST_COLUMNS || bytes.len() != count * size {
        return None;
    }
    let items = bytes.chunks_exact(size);
    let names: Option<Vec<String>> = items.clone().map(|item| dtype.text(item)).collect();
    if let Some(names) = names.filter(|names| !names.is_empty()) {
        let position = |name: &String| known.get(name.as_str()).copied();
        return names.iter().map(position).collect();
    }
    let values: Option<Vec<Value>> = items.map(|item| dtype.value(item)).collect();
    of_items(heap, &values?, width, known)
}

/// The positions of a slice: of numbers as in Python, of names from the first to the last of them.
fn slice(
    heap: &Heap<'_>,
    [start, stop, step]: [Value; 3],
    width: usize,
    known: &HashMap<&str, usize>,
) -> Option<Vec<usize>> {
    let name = |end: Value| heap.text(end).map(|name| known.get(name).copied());
    let step = match step {
        Value::None => 1,
        Value::Int(step) if step != 0 => step,
        _ => return None,
    };
    // Without ends it is one of names, too: versions of scikit-learn differ in what a step does there.
    if name(start).is_some() || name(stop).is_some() || (start, stop) == (Value::None, Value::None)
    {
        let first = if start == Value::None {
            0
        } else {
            name(start)??
        };
        let last = if stop == Value::None {
            width
        } else {
            name(stop)?? + 1
        };
        return (step == 1).then(|| (first..last).collect());
    }
    let width = i64::try_from(width).ok()?;
    // Whatever lies beyond the columns is the place before the first, or behind the last that is reached.
    let (low, high) = if step < 0 {
        (-1, width - 1)
    } else {
        (0, width)
    };
    let end = |end: Value, absent: i64| match end {
        Value::None => Some(absent),
        Value::Int(end) if end < 0 => Some(end.saturating_add(width).clamp(low, high)),
        Value::Int(end) => Some(end.clamp(low, high)),
        _ => None,
    };
    let (first, last) = if step < 0 { (high, low) } else { (low, high) };
    let (mut at, stop) = (end(start, first)?, end(stop, last)?);
    let mut taken = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        taken.push(usize::try_from(at).ok()?);
        at = at.saturating_add(step);
    }
    Some(taken)
}

fn mask(items: &[Value]) -> Option<Vec<bool>> {
    let flag = |item: &Value| match item {
        Value::Bool(flag) => Some(*flag),
        _ => None,
    };
    items.iter().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python's own answers: `list(range(5)[start:stop:step])`.
    #[test]
    fn slices_are_those_of_python() {
        let (heap, known) = (Heap::default(), HashMap::new());
        let end = |end: Option<i64>| end.map_or(Value::None, Value::Int);
        for (ends, expected) in [
            ((None, None, None), &[0, 1, 2, 3, 4][..]),
            ((Some(1), Some(3), None), &[1, 2]),
            ((Some(-2), None, None), &[3, 4]),
            ((None, Some(-2), None), &[0, 1, 2]),
            ((Some(0), None, Some(2)), &[0, 2, 4]),
            ((Some(-1), None, Some(-1)), &[4, 3, 2, 1, 0]),
            ((Some(9), Some(-9), Some(-2)), &[4, 2, 0]),
            ((Some(3), Some(0), Some(-1)), &[3, 2, 1]),
            ((Some(-9), Some(9), Some(3)), &[0, 3]),
            ((Some(3), Some(1), None), &[]),
            ((Some(i64::MIN), Some(i64::MAX), Some(i64::MAX)), &[0]),
        ] {
            let (start, stop, step) = ends;
            let taken = slice(&heap, [end(start), end(stop), end(step)], 5, &known);
            assert_eq!(taken.unwrap(), expected, "{ends:?}");
        }
        for refused in [
            [Value::Int(1), Value::None, Value::Int(0)],
            [Value::None, Value::None, Value::Int(2)],
            [Value::Float(1.0), Value::None, Value::None],
            [Value::Bool(true), Value::None, Value::None],
        ] {
            assert_eq!(slice(&heap, refused, 5, &known), None, "{refused:?}");
        }
    }

    /// The last name is taken, too.
    #[test]
    fn slices_of_names_end_with_the_last() {
        let mut heap = Heap::default();
        let known = HashMap::from([("a", 0), ("b", 1), ("c", 2), ("d", 3)]);
        let mut text = |text: &'static str| heap.add(Object::Text(text.into()));
        let (b, c, other) = (text("b"), text("c"), text("other"));
        let taken = |ends: [Value; 3]| slice(&heap, ends, 4, &known);
        assert_eq!(taken([b, c, Value::None]), Some(vec![1, 2]));
        assert_eq!(taken([c, Value::None, Value::Int(1)]), Some(vec![2, 3]));
        assert_eq!(taken([Value::None, b, Value::None]), Some(vec![0, 1]));
        assert_eq!(taken([c, b, Value::None]), Some(Vec::new()));
        assert_eq!(taken([other, c, Value::None]), None);
        assert_eq!(taken([b, Value::Int(3), Value::None]), None);
        assert_eq!(taken([b, c, Value::Int(2)]), None);
    }
}
