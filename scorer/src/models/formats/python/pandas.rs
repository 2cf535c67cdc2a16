use super::{Heap, Object, Value};

impl Heap<'_> {
    /// The array or list within one of pandas' own arrays of texts, such as the names of a data frame's columns as `df.columns.values`
    /// gives them; any other value as it is.
    pub fn unwrap_texts(&self, value: Value) -> Value {
        self.texts_of_pandas(value).unwrap_or(value)
    }

    fn texts_of_pandas(&self, value: Value) -> Option<Value> {
        let Some(&Object::Made { state, .. }) = self.get(value) else {
            return None;
        };
        let foreign = self.foreign(value)?;
        match &*foreign.name {
            // `StringArray`, and others that hold no objects: a dtype, the array and attributes.
            "__pyx_unpickle_NDArrayBacked" => self.tuple(state)?.iter().take(3).copied().find(|&part| {
                matches!(self.get(part), Some(Object::Array(array)) if array.items(self).is_some())
            }),
            name if name.contains("StringArray") => {
                // `_data` up to pandas 2.0.
                let texts = self.short_entry(state, &["_pa_array", "_data"])?;
                matches!(self.get(texts), Some(Object::List(_))).then_some(texts)
            }
            _ => None,
        }
    }

    /// What a dict holds under the first of some keys that it has. A long one is not looked at: files may ask for it again and again.
    pub fn short_entry(&self, dict: Value, keys: &[&str]) -> Option<Value> {
        let items = self.dict(dict).filter(|items| items.len() <= 32)?;
        keys.iter().find_map(|key| self.entry(items, key))
    }
}
