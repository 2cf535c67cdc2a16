use super::blocks::HeaderLine;
use super::quotes::line_fault;
use crate::{ReadRequest, ReadingsError, Result};

/// The names of the columns.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
}

/// Where the wanted columns are, as positions in a row.
#[derive(Debug)]
pub(super) struct Layout {
    /// Fields of a row, as many as the header has.
    pub fields: usize,
    /// The same without those at the end that have no name.
    pub named: usize,
    /// Fields up to the last one that is wanted.
    pub wanted: usize,
    /// The time, where one is asked for.
    pub time: Option<usize>,
    /// The keys, in the request's order.
    pub keys: Vec<usize>,
    /// The features, in the request's order.
    pub features: Vec<usize>,
    /// The label.
    pub label: Option<usize>,
}

impl Header {
    /// Reads the header line, whose names may be quoted.
    pub fn parse(object: &str, header: &HeaderLine) -> Result<Self> {
        let line = header.text.as_slice();
        if let Some(fault) = line_fault(line, header.line) {
            return Err(ReadingsError::unreadable(object, fault.to_string()));
        }
        if line.contains(&0) {
            let message = "its first line holds bytes of value zero; is this a CSV file in UTF-8?";
            return Err(ReadingsError::unreadable(object, message));
        }
        let mut record = csv::ByteRecord::new();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(line);
        reader
            .read_byte_record(&mut record)
            .map_err(|error| ReadingsError::unreadable(object, error.to_string()))?;
        Ok(Self {
            names: record
                .iter()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
        })
    }

    /// Columns up to the last one that has a name.
    fn named(&self) -> usize {
        let unnamed = self
            .names
            .iter()
            .rev()
            .take_while(|name| name.trim().is_empty());
        self.names.len() - unnamed.count()
    }

    fn position(&self, object: &str, column: &str) -> Result<usize> {
        let mut found = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| *name == column)
            .map(|(position, _)| position);
        match (found.next(), found.next()) {
            (Some(position), None) => Ok(position),
            (Some(_), Some(_)) => Err(ReadingsError::ColumnTwice {
                object: object.to_owned(),
                column: column.to_owned(),
            }),
            (None, _) => Err(ReadingsError::column_missing(
                object,
                column,
                self.names.iter().map(String::as_str),
            )),
        }
    }
}

impl Layout {
    /// Finds the request's columns.
    pub fn new(object: &str, header: &Header, request: &ReadRequest) -> Result<Self> {
        let columns = &request.columns;
        let position = |column: &String| header.position(object, column);
        let mut layout = Self {
            fields: header.names.len(),
            named: header.named(),
            wanted: 0,
            time: request.time_column().map(position).transpose()?,
            keys: request.key_columns().map(position).collect::<Result<_>>()?,
            features: columns
                .features
                .iter()
                .map(position)
                .collect::<Result<_>>()?,
            label: columns.label.as_ref().map(position).transpose()?,
        };
        let positions = (layout.keys.iter())
            .chain(&layout.features)
            .chain(&layout.time)
            .chain(&layout.label);
        layout.wanted = positions.fold(0, |wanted, position| wanted.max(position + 1));
        Ok(layout)
    }

    /// Whether a row of `found` fields, which `is_empty` looks at, has as many as the header: fields without a name and without
    /// a value at the end do not count, as loggers and spreadsheets write a comma too many.
    pub fn fits(&self, found: usize, is_empty: impl Fn(usize) -> bool) -> bool {
        found == self.fields || (found >= self.named && (self.fields..found).all(is_empty))
    }
}
