/// Which columns of a table are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    /// The columns' names in the manifest; none: each event has a header line.
    pub header: Vec<String>,
    /// The wanted columns, each with the field that it is.
    pub wanted: Vec<(String, usize)>,
    /// The fields.
    pub fields: Vec<usize>,
}

/// The columns of one event.
#[derive(Debug)]
pub(super) struct Placed {
    /// How many there are.
    pub count: usize,
    /// The wanted ones: place in a line, and field.
    pub places: Vec<(usize, usize)>,
}

impl Columns {
    /// Those of fields and their columns.
    pub fn new<'p>(header: &[String], wanted: impl IntoIterator<Item = (usize, &'p str)>) -> Self {
        let wanted: Vec<_> = (wanted.into_iter())
            .map(|(field, name)| (name.to_owned(), field))
            .collect();
        Self {
            header: header.to_vec(),
            fields: wanted.iter().map(|(_, field)| *field).collect(),
            wanted,
        }
    }

    /// Where they are below a header. A column that is missing leaves its field missing; one that is there twice is an error.
    pub fn place<'h>(&self, header: impl Iterator<Item = &'h [u8]>) -> Result<Placed, String> {
        let header: Vec<_> = header.collect();
        let mut places = Vec::new();
        for (name, field) in &self.wanted {
            let mut found = (0..)
                .zip(&header)
                .filter(|(_, other)| **other == name.as_bytes());
            if let Some((place, _)) = found.next() {
                places.push((place, *field));
            }
            if found.next().is_some() {
                return Err(format!("the header has the column {name:?} twice"));
            }
        }
        Ok(Placed {
            count: header.len(),
            places,
        })
    }
}
