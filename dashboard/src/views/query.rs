use std::collections::BTreeMap;

/// Bytes of a query that are read.
const LONGEST: usize = 2048;

/// What stands behind the question mark of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    values: BTreeMap<String, String>,
}

impl Query {
    /// Reads a query. The first of two values of a name counts, empty ones do not.
    pub fn parse(text: &str) -> Self {
        let text = text.get(..text.len().min(LONGEST)).unwrap_or_default();
        let mut values = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if !value.is_empty() {
                values
                    .entry(name.into_owned())
                    .or_insert(value.into_owned());
            }
        }
        Self { values }
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of `name` where it is one of `known`, else the first of these.
    pub fn one_of<'k>(&self, name: &str, known: &[&'k str]) -> &'k str {
        let asked = self.get(name);
        let found = known.iter().find(|known| Some(**known) == asked);
        found.or(known.first()).copied().unwrap_or_default()
    }

    /// The whole number `name`, from 1.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok().filter(|number| *number > 0)
    }

    /// The query with `name` set to `value`, or without it where that is empty; with the question mark, where anything is left.
    pub fn with(&self, name: &str, value: &str) -> String {
        let mut values = self.values.clone();
        values.remove("part");
        if name != "page" {
            values.remove("page");
        }
        if value.is_empty() {
            values.remove(name);
        } else {
            values.insert(name.into(), value.into());
        }
        if values.is_empty() {
            return String::new();
        }
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(values)
            .finish();
        format!("?{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_and_written() {
        let query = Query::parse("sort=share&page=3&reason=&where=a%26b&part=x");
        assert_eq!(query.get("reason"), None);
        assert_eq!(query.number("page"), Some(3));
        assert_eq!(query.one_of("sort", &["key", "share"]), "share");
        assert_eq!(query.one_of("order", &["key", "share"]), "key");
        assert_eq!(query.with("sort", "rows"), "?sort=rows&where=a%26b");
        assert_eq!(query.with("page", ""), "?sort=share&where=a%26b");
        assert_eq!(Query::default().with("sort", ""), "");
    }
}
