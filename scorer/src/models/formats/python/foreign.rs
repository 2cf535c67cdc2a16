use std::borrow::Cow;

use super::{Heap, Object, Value};
use crate::models::{ModelError, shown};

/// A class or function outside the closed list. It stands for itself only: what a file makes of it is not looked at.
#[derive(Clone, Debug)]
pub struct Foreign<'a> {
    /// The module.
    pub module: Cow<'a, str>,
    /// The name within the module.
    pub name: Cow<'a, str>,
    /// Byte of the pickle that names it; none in other files.
    pub at: Option<usize>,
}

/// Modules whose objects are plain data.
const DATA: &[&str] = &[
    "datetime",
    "decimal",
    "fractions",
    "numpy",
    "pandas",
    "pathlib",
    "uuid",
    "zoneinfo",
    "pytz",
];

/// Names of `numpy` that turn numbers into others.
const CALLABLE: &[&str] = &["vectorize", "poly1d"];

impl Foreign<'_> {
    /// Whether what it makes is a piece of data, which cannot be meant to change readings before they are scored.
    fn makes_data(&self) -> bool {
        let root = self.module.split('.').next().unwrap_or_default();
        DATA.contains(&root) && !self.name.contains("ufunc") && !CALLABLE.contains(&&*self.name)
    }

    /// Module and name.
    pub fn path(&self) -> String {
        shown(&format!("{}.{}", self.module, self.name), 120)
    }

    /// The refusal of a file that needs it; `place` says for what, such as `, as `kernel` of OneClassSVM`.
    pub fn refusal(&self, place: &str, way_out: &str) -> ModelError {
        match self.at {
            Some(offset) => ModelError::ForbiddenGlobal {
                global: self.path(),
                offset,
                place: place.to_owned(),
                hint: way_out.to_owned(),
            },
            None => ModelError::Unsupported(format!(
                "the file asks for the Python object `{}`{place}; {way_out}",
                self.path()
            )),
        }
    }
}

impl<'a> Heap<'a> {
    /// Whether a value of a class outside the closed list is a piece of data. A function or class itself is none.
    pub fn is_data(&self, value: Value) -> bool {
        matches!(self.get(value), Some(Object::Made { .. }))
            && self.foreign(value).is_some_and(Foreign::makes_data)
    }

    /// The class or function outside the closed list that a value is, or is made of.
    pub fn foreign(&self, value: Value) -> Option<&Foreign<'a>> {
        match self.get(value)? {
            Object::Foreign(foreign) => Some(foreign),
            Object::Made { class, .. } => match self.get(*class)? {
                Object::Foreign(foreign) => Some(foreign),
                _ => None,
            },
            _ => None,
        }
    }
}
