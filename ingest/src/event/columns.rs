use std::collections::BTreeMap;

/// Which columns of a table are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    /// The columns' names in the manifest; none: each event has a header line.
    pub header: Vec<String>,
    /// The wanted columns in the order of their names, each with the fields that it is.
    wanted: Vec<(String, Vec<usize>)>,
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
        let mut columns = BTreeMap::<_, Vec<_>>::new();
        for (field, name) in wanted {
            columns.entry(name.to_owned()).or_default().push(field);
        }
        Self {
            header: header.to_vec(),
            fields: columns.values().flatten().copied().collect(),
            wanted: columns.into_iter().collect(),
        }
    }

    /// Where they are below a header. A column that is missing leaves its field missing; one that is there twice is an error.
    pub fn place<'h>(&self, header: impl Iterator<Item = &'h [u8]>) -> Result<Placed, String> {
        let mut found = vec![false; self.wanted.len()];
        let (mut count, mut places) = (0, Vec::new());
        for (place, name) in header.enumerate() {
            count = place + 1;
            let wanted = self
                .wanted
                .binary_search_by(|(other, _)| other.as_bytes().cmp(name));
            let Some((at, (name, fields))) =
                wanted.ok().and_then(|at| Some((at, self.wanted.get(at)?)))
            else {
                continue;
            };
            if found
                .get_mut(at)
                .is_some_and(|found| std::mem::replace(found, true))
            {
                return Err(format!("the header has the column {name:?} twice"));
            }
            places.extend(fields.iter().map(|field| (place, *field)));
        }
        Ok(Placed { count, places })
    }
}
