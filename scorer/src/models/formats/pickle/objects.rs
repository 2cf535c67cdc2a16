//! What a pickle calls and fills in: numpy's arrays, dtypes and numbers, estimators, and joblib's arrays.

use std::borrow::Cow;

use super::machine::{Machine, Step};
use crate::models::ModelError;
use crate::models::formats::limits;
use crate::models::formats::python::{
    Array, Class, Data, Dtype, Function, Global, Instance, Kind, Object, Value, find,
};

/// numpy's `NPY_ITEM_REFCOUNT`: a part of an item is a reference to an object.
const HOLDS_OBJECTS: i64 = 1;

impl<'a> Machine<'a, '_, '_> {
    /// NEWOBJ: an instance without attributes.
    pub(super) fn new_object(&mut self) -> Step {
        let arguments = self.pop()?; // Estimators have none.
        let class = self.pop()?;
        match self.heap.get(class) {
            Some(Object::Foreign(_)) => self.make(class, arguments),
            Some(&Object::Global(Global::Class(class))) if class != Class::Ndarray => {
                self.add(Object::Instance(Instance { class, state: None }))
            }
            _ => Err(self.expected("an estimator's class", class)),
        }
    }

    /// REDUCE: a call of a function.
    pub(super) fn reduce(&mut self) -> Step {
        let arguments = self.pop()?;
        let function = self.pop()?;
        if self.heap.foreign(function).is_some() {
            return self.make(function, arguments);
        }
        if let Some(&Object::Global(Global::Class(class @ Class::Tree))) = self.heap.get(function) {
            // Its arguments say how large it is, which its nodes do too.
            return self.add(Object::Instance(Instance { class, state: None }));
        }
        let Some(&Object::Global(Global::Function(function))) = self.heap.get(function) else {
            return Err(self.expected("a function", function));
        };
        let Some(items) = self.heap.tuple(arguments) else {
            return Err(self.expected("a tuple of arguments", arguments));
        };
        match (function, items) {
            (Function::Reconstruct, [_, _, _]) => self.add(Object::Array(Array::empty())),
            (Function::Dtype, &[name, ..]) => self.dtype(name),
            (Function::Scalar, &[dtype, item]) => self.scalar(dtype, item),
            (Function::FromBuffer, &[bytes, dtype, shape, order]) => {
                self.buffer_array(bytes, dtype, shape, order)
            }
            (Function::Encode, &[text, _encoding]) => self.encode(text),
            (Function::Ufunc, &[module, name]) => self.ufunc(module, name),
            (Function::Index, &[class, state]) => self.index(class, state),
            (Function::ArrowArray, &[parts]) => self.arrow_array(parts),
            // A type is known by its name, and a buffer holds bytes.
            (Function::ArrowType | Function::ArrowBuffer, &[content]) => self.push(content),
            (Function::Slice, &[start, stop, step]) => self.add(Object::Slice([start, stop, step])),
            (Function::ByteArray, &[bytes]) => match self.heap.get(bytes) {
                Some(Object::Bytes(_)) => self.push(bytes),
                _ => Err(self.expected("bytes", bytes)),
            },
            (Function::ByteArray, &[text, _encoding]) => self.encode(text),
            (Function::Bytes | Function::ByteArray, []) => {
                self.add(Object::Bytes(Cow::Borrowed(&[])))
            }
            _ => Err(self.malformed(&format!(
                "a call of {function:?} with other arguments than expected"
            ))),
        }
    }

    /// An index of pandas is the array or list of its names; others, such as those of times, stand for themselves.
    fn index(&mut self, class: Value, state: Value) -> Step {
        let data = self
            .heap
            .short_entry(state, &["data"])
            .unwrap_or(Value::None);
        let data = self.heap.unwrap_texts(data);
        match self.heap.get(data) {
            Some(Object::Array(_) | Object::List(_)) => self.push(data),
            _ => self.add(Object::Made {
                class,
                state: Value::None,
            }),
        }
    }

    /// One of numpy's functions of numbers, named by its module and its own name.
    fn ufunc(&mut self, module: Value, name: Value) -> Step {
        let names = (self.heap.text(module), self.heap.text(name));
        let found = match names {
            (Some(module), Some(name)) => find(module, name),
            _ => None,
        };
        match found {
            Some(global @ Global::Ufunc(_)) => self.add(Object::Global(global)),
            _ => self.add(Object::Made {
                class: Value::None,
                state: Value::None,
            }),
        }
    }

    /// What a class or function outside the closed list would make.
    fn make(&mut self, class: Value, arguments: Value) -> Step {
        let items = self.heap.tuple(arguments).unwrap_or_default().to_vec();
        self.steps += items.len();
        self.meter.grow::<[Value; 2]>(items.len())?;
        // A method of an estimator, kept as an attribute, changes nothing.
        if self
            .heap
            .foreign(class)
            .is_some_and(|foreign| foreign.name != "getattr")
        {
            self.heap.touch(class, &items);
        }
        let class = match self.heap.get(class) {
            Some(&Object::Made { class, .. }) => class,
            _ => class,
        };
        let state = Value::None;
        self.add(Object::Made { class, state })
    }

    /// BUILD: fills in what NEWOBJ or REDUCE made.
    pub(super) fn build(&mut self) -> Step {
        let state = self.pop()?;
        let target = self.top()?;
        match self.heap.get(target) {
            Some(&Object::Instance(Instance {
                class: Class::ArrayWrapper,
                ..
            })) => self.build_joblib_array(target, state),
            Some(Object::Instance(_)) => self.build_instance(target, state),
            Some(Object::Dtype(_)) => self.build_dtype(target, state),
            Some(Object::Array(_)) => self.build_array(target, state),
            Some(&Object::Made { class, .. }) => {
                if let Some(object) = self.heap.get_mut(target) {
                    *object = Object::Made { class, state };
                }
                Ok(())
            }
            _ => Err(self.expected("an object to fill in", target)),
        }
    }

    fn dtype(&mut self, name: Value) -> Step {
        match self.heap.text(name) {
            Some(name) => {
                let dtype = Dtype::parse(name);
                self.add(Object::Dtype(dtype))
            }
            None => Err(self.expected("a dtype's name", name)),
        }
    }

    /// A number, a string or, of an array of objects, the object itself; a date or the like is nothing that a model needs.
    fn scalar(&mut self, dtype: Value, item: Value) -> Step {
        let Some(&Object::Dtype(dtype)) = self.heap.get(dtype) else {
            return Err(self.malformed("a numpy number without dtype"));
        };
        let Some(Object::Bytes(bytes)) = self.heap.get(item) else {
            return match dtype.kind {
                Kind::Object => self.push(item),
                _ => Err(self.malformed("a numpy number without bytes")),
            };
        };
        if let Some(value) = dtype.value(bytes) {
            return self.push(value);
        }
        match dtype.kind {
            Kind::Text(_) if bytes.len() > self.copies_left => {
                Err(self.malformed("the same string is read again and again"))
            }
            Kind::Text(_) => {
                self.copies_left -= bytes.len();
                self.meter.take(bytes.len())?;
                let text = dtype.text(bytes);
                let text = text.ok_or_else(|| self.malformed("a numpy string that is no text"))?;
                self.add(Object::Text(Cow::Owned(text)))
            }
            Kind::Raw(_) | Kind::Structure(..) | Kind::Other => self.push(Value::Other),
            _ => Err(self.malformed("a numpy number of another length than its dtype's")),
        }
    }

    fn buffer_array(&mut self, bytes: Value, dtype: Value, shape: Value, order: Value) -> Step {
        let fortran = match self.heap.text(order) {
            Some("C") => false,
            Some("F") => true,
            _ => {
                return Err(
                    self.malformed("an array that is neither in C's nor in Fortran's order")
                );
            }
        };
        let shape = self.shape(shape)?;
        self.add(Object::Array(Array {
            shape,
            fortran,
            dtype,
            data: Data::Shared(bytes),
        }))
    }

    /// `_codecs.encode(text, 'latin1')`: every character is one byte.
    fn encode(&mut self, text: Value) -> Step {
        let Some(Object::Text(text)) = self.heap.get(text) else {
            return Err(self.expected("a string to encode", text));
        };
        if text.len() > self.copies_left {
            return Err(self.malformed("the same string is encoded again and again"));
        }
        self.copies_left -= text.len();
        self.meter.take(text.len())?;
        let bytes: Option<Vec<u8>> = text
            .chars()
            .map(|character| u8::try_from(character).ok())
            .collect();
        match bytes {
            Some(bytes) => self.add(Object::Bytes(Cow::Owned(bytes))),
            None => Err(self.malformed("a string that is not latin1")),
        }
    }

    fn build_instance(&mut self, target: Value, state: Value) -> Step {
        let Value::Object(id) = state else {
            return Err(self.expected("attributes", state));
        };
        if self.heap.dict(state).is_none() {
            return Err(self.expected("a dict of attributes", state));
        }
        match self.heap.get_mut(target) {
            Some(Object::Instance(Instance {
                state: state @ None,
                ..
            })) => {
                *state = Some(id);
                Ok(())
            }
            _ => Err(self.malformed("an estimator's attributes are set twice")),
        }
    }

    /// The state is (version, byte order, ...), and for structures their fields' names, their fields, size, alignment and flags.
    fn build_dtype(&mut self, target: Value, state: Value) -> Step {
        let part = |at| self.heap.tuple(state)?.get(at).copied();
        let order = part(1).and_then(|order| self.heap.text(order));
        let big_endian = match order {
            Some(">") => true,
            Some("<" | "|" | "=") => false,
            _ => return Err(self.malformed("a dtype without byte order")),
        };
        let holds_objects =
            matches!(part(7), Some(Value::Int(flags)) if flags & HOLDS_OBJECTS != 0);
        let fields = part(4).filter(|&fields| self.heap.dict(fields).is_some());
        if let Some(Object::Dtype(dtype)) = self.heap.get_mut(target) {
            dtype.big_endian = big_endian;
            dtype.kind = match (dtype.kind, fields) {
                (Kind::Raw(_), _) if holds_objects => Kind::Other,
                (Kind::Raw(bytes), Some(Value::Object(fields))) => Kind::Structure(bytes, fields),
                (kind, _) => kind,
            };
        }
        Ok(())
    }

    /// The state is (version, shape, dtype, whether in Fortran's order, bytes or list of objects).
    fn build_array(&mut self, target: Value, state: Value) -> Step {
        let Some(&[_, shape, dtype, fortran, data]) = self.heap.tuple(state) else {
            return Err(self.malformed("an array's state is not of five parts"));
        };
        let fortran = matches!(fortran, Value::Bool(true) | Value::Int(1..));
        let array = Array {
            shape: self.shape(shape)?,
            fortran,
            dtype,
            data: Data::Shared(data),
        };
        self.replace(target, array);
        Ok(())
    }

    /// joblib's wrapper turns into the array whose bytes follow in the input.
    fn build_joblib_array(&mut self, target: Value, state: Value) -> Step {
        // Looked through for each array, so it must not be long; joblib writes 6.
        let attributes = self.heap.dict(state).filter(|items| items.len() <= 32);
        let Some(state) = attributes else {
            return Err(self.expected("a joblib array's attributes", state));
        };
        let entry = |name| self.heap.entry(state, name);
        let (Some(shape), Some(dtype)) = (entry("shape"), entry("dtype")) else {
            return Err(self.malformed("a joblib array without shape or dtype"));
        };
        let fortran = entry("order").and_then(|order| self.heap.text(order)) == Some("F");
        let aligned = matches!(entry("numpy_array_alignment_bytes"), Some(Value::Int(_)));
        let mut array = Array {
            shape: self.shape(shape)?,
            fortran,
            dtype,
            data: Data::Missing,
        };
        match array
            .dtype(&self.heap)
            .map(|dtype| (dtype.kind, dtype.width()))
        {
            Some((Kind::Object, _)) => return self.build_object_array(target),
            Some((_, Some(item_bytes))) => {
                array.data = Data::Own(self.raw_items(&array.shape, item_bytes, aligned)?);
            }
            _ => {
                return Err(self.malformed(
                    "a joblib array of structures of objects, which no model needs: save the model without it",
                ));
            }
        }
        self.replace(target, array);
        Ok(())
    }

    fn raw_items(
        &mut self,
        shape: &[usize],
        item_bytes: usize,
        aligned: bool,
    ) -> Result<Cow<'a, [u8]>, ModelError> {
        if aligned {
            let padding = self.take(1)?.first().copied().unwrap_or(0);
            self.take(usize::from(padding))?;
        }
        let count = shape
            .iter()
            .try_fold(1_usize, |count, &length| count.checked_mul(length));
        let count = limits::check_numbers("a joblib array", count)?;
        let bytes = count.saturating_mul(item_bytes);
        self.take(bytes).map(Cow::Borrowed)
    }

    /// joblib pickles an array of objects by itself, in the middle of the pickle.
    fn build_object_array(&mut self, target: Value) -> Step {
        let nested = self.run_nested()?;
        match self.heap.get(nested) {
            Some(Object::Array(array)) => {
                let array = array.clone();
                self.replace(target, array);
                Ok(())
            }
            _ => Err(self.expected("an array of objects", nested)),
        }
    }

    fn replace(&mut self, target: Value, array: Array<'a>) {
        if let Some(object) = self.heap.get_mut(target) {
            *object = Object::Array(array);
        }
    }

    fn shape(&self, shape: Value) -> Result<Vec<usize>, ModelError> {
        let length = |value: &Value| match value {
            Value::Int(length) => usize::try_from(*length).ok(),
            _ => None,
        };
        let lengths = self.heap.tuple(shape).filter(|lengths| lengths.len() <= 32);
        let lengths = lengths.and_then(|lengths| lengths.iter().map(length).collect());
        lengths.ok_or_else(|| self.malformed("an array's shape is not a tuple of lengths"))
    }
}
