use super::{Array, Dtype, Heap, Kind, Object, Value};
use crate::models::ModelError;
use crate::models::formats::limits::{self, Meter};

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
#[derive(Clone, Copy)]
struct Field {
    /// Its first byte in an item.
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

    /// The numbers of these fields, item by item; integers beyond 2^53 are rounded.
    ///
    /// Errors when there is no field of such a name, or it does not lie within an item.
    pub fn numbers<const N: usize>(
        &self,
        names: [&str; N],
        meter: &mut Meter<'_>,
    ) -> Result<impl ExactSizeIterator<Item = [f64; N]> + use<N>, ModelError> {
        meter.take(self.len().saturating_mul(size_of::<[f64; N]>()))?;
        // A field of all items at once: then its type is looked at once.
        let mut columns = [const { Vec::new() }; N];
        for (column, name) in columns.iter_mut().zip(names) {
            let field = self.field(name)?;
            let items = self.bytes.chunks_exact(self.width);
            let items = items.map(|item| {
                let bytes = item.get(field.offset..field.offset + field.size);
                bytes.unwrap_or_default()
            });
            *column = field.dtype.numbers(items);
        }
        Ok((0..self.len()).map(move |at| std::array::from_fn(|column| columns[column][at])))
    }

    /// The bytes of the same fields, where each is of the kind beside its name, has eight bytes, and the least significant one comes
    /// first.
    ///
    /// Errors as [`Structures::numbers`].
    pub fn words<const N: usize>(
        &self,
        fields: [(&str, Kind); N],
    ) -> Result<Option<impl ExactSizeIterator<Item = [[u8; 8]; N]> + use<'h, N>>, ModelError> {
        let mut offsets = [0; N];
        for (offset, (name, kind)) in offsets.iter_mut().zip(fields) {
            let field = self.field(name)?;
            if field.dtype.kind != kind || field.dtype.big_endian || field.size != 8 {
                return Ok(None);
            }
            *offset = field.offset;
        }
        let items = self.bytes.chunks_exact(self.width);
        let word = |item: &[u8], offset: usize| {
            let word = item.get(offset..).and_then(<[u8]>::first_chunk);
            word.copied().unwrap_or_default()
        };
        Ok(Some(
            items.map(move |item| offsets.map(|offset| word(item, offset))),
        ))
    }

    fn field(&self, name: &str) -> Result<Field, ModelError> {
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
            (offset.checked_add(size)? <= self.width).then_some(Field {
                offset,
                dtype,
                size,
            })
        };
        place().ok_or_else(|| {
            let problem = format!("has a field `{name}` that is no number within its items");
            invalid(self.name, &problem)
        })
    }
}

fn invalid(name: &str, problem: &str) -> ModelError {
    ModelError::Invalid(format!(
        "array `{name}` {problem}; save the model again as it was fitted"
    ))
}
