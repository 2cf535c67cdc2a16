use super::{Array, Dtype, Heap, Kind, Object, Value};
use crate::models::ModelError;
use crate::models::formats::limits;

/// Fields of a structure that are looked through; the nodes of trees have 7 or 8.
const MOST_FIELDS: usize = 64;

/// The items of an array of structures, with one axis.
pub struct Structures<'h, 'a> {
    heap: &'h Heap<'a>,
    /// The array's name in messages.
    name: &'h str,
    bytes: &'h [u8],
    /// Bytes of an item.
    width: usize,
    fields: &'h [(Value, Value)],
}

/// One field of every item.
pub struct Field<'h> {
    bytes: &'h [u8],
    width: usize,
    offset: usize,
    dtype: Dtype,
    /// Bytes of the field.
    size: usize,
}

impl<'h, 'a> Structures<'h, 'a> {
    /// Opens an array; `name` is its name in messages.
    ///
    /// Errors when its items are no structures, it has more axes than one, or not as many bytes as its shape says.
    pub fn new(
        heap: &'h Heap<'a>,
        array: &'h Array<'a>,
        name: &'h str,
    ) -> Result<Self, ModelError> {
        let invalid = |problem: &str| Err(invalid(name, problem));
        let Some(Kind::Structure(width, fields)) = array.dtype(heap).map(|dtype| dtype.kind) else {
            return invalid("does not hold structures");
        };
        let &[count] = array.shape.as_slice() else {
            return invalid("has more axes than one");
        };
        let count = limits::check_numbers(&format!("array `{name}`"), Some(count))?;
        let Some(bytes) = array.bytes(heap) else {
            return invalid("has no bytes");
        };
        if width == 0 || count.checked_mul(width) != Some(bytes.len()) {
            let bytes = bytes.len();
            return invalid(&format!("has {bytes} bytes, and {count} items of {width}"));
        }
        match heap.dict(Value::Object(fields)) {
            Some(fields) if fields.len() <= MOST_FIELDS => Ok(Self {
                heap,
                name,
                bytes,
                width,
                fields,
            }),
            _ => invalid(&format!("has no fields, or more than {MOST_FIELDS}")),
        }
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// A field of numbers.
    ///
    /// Errors when there is none of this name, or it does not lie within an item.
    pub fn field(&self, name: &str) -> Result<Field<'h>, ModelError> {
        // A field is (type, offset), and a title where it has one.
        let field = self.heap.entry(self.fields, name);
        let field = field.and_then(|field| self.heap.tuple(field));
        let Some(&[dtype, Value::Int(offset), ..]) = field else {
            return Err(invalid(self.name, &format!("has no field `{name}`")));
        };
        let place = || {
            let Some(&Object::Dtype(dtype)) = self.heap.get(dtype) else {
                return None;
            };
            let (offset, size) = (usize::try_from(offset).ok()?, dtype.item_bytes()?);
            (offset.checked_add(size)? <= self.width).then_some((dtype, offset, size))
        };
        let Some((dtype, offset, size)) = place() else {
            let problem = format!("has a field `{name}` that is no number within its items");
            return Err(invalid(self.name, &problem));
        };
        Ok(Field {
            bytes: self.bytes,
            width: self.width,
            offset,
            dtype,
            size,
        })
    }
}

impl Field<'_> {
    /// The numbers, item by item; integers beyond 2^53 are rounded.
    pub fn numbers(&self) -> Vec<f64> {
        let field = self.offset..self.offset + self.size;
        let items = self.bytes.chunks_exact(self.width);
        self.dtype.numbers(items.map(|item| &item[field.clone()]))
    }
}

fn invalid(name: &str, problem: &str) -> ModelError {
    ModelError::Invalid(format!(
        "array `{name}` {problem}; save the model again as it was fitted"
    ))
}
