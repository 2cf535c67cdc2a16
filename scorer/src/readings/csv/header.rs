use crate::readings::{ReadRequest, ReadingsError, Result};

/// The names of the columns.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
}

/// Where the wanted columns are, as positions in a row.
#[derive(Debug)]
pub(super) struct Layout {
    /// Fields of a row.
    pub fields: usize,
    /// The time.
    pub time: usize,
    /// The keys, in the request's order.
    pub keys: Vec<usize>,
    /// The features, in the request's order.
    pub features: Vec<usize>,
    /// The label.
    pub label: Option<usize>,
}

impl Header {
    /// Reads the header line, whose names may be quoted.
    pub fn parse(object: &str, line: &[u8]) -> Result<Self> {
        if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
            return Err(ReadingsError::unreadable(
                object,
                "the text is UTF-16; save it as UTF-8",
            ));
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
        Ok(Self {
            fields: header.names.len(),
            time: position(&columns.time)?,
            keys: request.key_columns().map(position).collect::<Result<_>>()?,
            features: columns
                .features
                .iter()
                .map(position)
                .collect::<Result<_>>()?,
            label: columns.label.as_ref().map(position).transpose()?,
        })
    }
}
