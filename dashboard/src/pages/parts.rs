use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A piece of a page: one element with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The element's id.
    pub id: String,
    /// The element.
    pub html: String,
}

impl Part {
    /// Splits a rendered page. Before each part stands a comment `part:ID` in a line of its own; what a page shows of others cannot be
    /// one, since `<` is escaped.
    pub fn split(text: &str) -> Vec<Self> {
        let pieces = text.split("<!--part:").skip(1);
        let part = |piece: &str| {
            let (id, html) = piece.split_once("-->")?;
            Some(Self {
                id: id.to_owned(),
                html: html.trim().to_owned(),
            })
        };
        pieces.filter_map(part).collect()
    }

    /// A number that is another one when the part is.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.html.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_falls_into_its_parts() {
        let parts =
            Part::split("\n<!--part:a-->\n<p id=\"a\">1</p>\n<!--part:b-->\n<p id=\"b\">2</p>\n");
        let found: Vec<_> = parts
            .iter()
            .map(|part| (part.id.as_str(), part.html.as_str()))
            .collect();
        assert_eq!(
            found,
            [("a", "<p id=\"a\">1</p>"), ("b", "<p id=\"b\">2</p>")]
        );
    }
}
