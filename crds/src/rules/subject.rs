use jiff::Timestamp;
use serde_json::{Map, Value};

/// Whether something holds. None where that cannot be told, since a field is missing or of another type.
pub type Answer = Option<bool>;

/// The value that a rule belongs to, `self` in CEL, without null fields and with its defaults. Paths of fields are such as `input.location`.
#[derive(Clone, Copy)]
pub struct Subject<'a>(pub &'a Value);

impl<'a> Subject<'a> {
    /// The value of a field.
    pub fn at(self, path: &str) -> Option<Subject<'a>> {
        let mut value = self.0;
        for name in path.split('.') {
            value = value.as_object()?.get(name)?;
        }
        Some(Subject(value))
    }

    /// Whether there is such a field in the map that it would be in.
    pub fn has(self, path: &str) -> Answer {
        let (map, name) = match path.rsplit_once('.') {
            Some((map, name)) => (self.at(map)?, name),
            None => (self, path),
        };
        Some(map.map()?.contains_key(name))
    }

    /// A field's text.
    pub fn text_at(self, path: &str) -> Option<&'a str> {
        self.at(path)?.text()
    }

    /// A field's number.
    pub fn number_at(self, path: &str) -> Option<u64> {
        self.at(path)?.0.as_u64()
    }

    /// The value's own text.
    pub fn text(self) -> Option<&'a str> {
        self.0.as_str()
    }

    /// The time that a field's text stands for.
    pub fn time_at(self, path: &str) -> Option<Timestamp> {
        self.text_at(path)?.parse().ok()
    }

    /// The value as a map.
    pub fn map(self) -> Option<&'a Map<String, Value>> {
        self.0.as_object()
    }

    /// The value as a list.
    pub fn list(self) -> Option<&'a Vec<Value>> {
        self.0.as_array()
    }
}

/// The opposite.
pub fn not(answer: Answer) -> Answer {
    answer.map(|holds| !holds)
}

/// Whether all hold. As in CEL, what cannot be told does not matter beside one that does not hold.
pub fn all(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let mut told = Some(true);
    for answer in answers {
        match answer {
            Some(false) => return answer,
            Some(true) => {}
            None => told = None,
        }
    }
    told
}

/// Whether any holds. As in CEL, what cannot be told does not matter beside one that holds.
pub fn any(answers: impl IntoIterator<Item = Answer>) -> Answer {
    not(all(answers.into_iter().map(not)))
}
