use arrow_schema::{DataType, Schema};

use crate::readings::{ReadRequest, ReadingsError, Result};

/// A wanted column: its name and its position among the file's columns.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: String,
    pub position: usize,
    pub data_type: DataType,
}

/// The wanted columns.
#[derive(Debug)]
pub(super) struct Layout {
    /// The time.
    pub time: Column,
    /// The keys, in the request's order.
    pub keys: Vec<Column>,
    /// The features, in the request's order.
    pub features: Vec<Column>,
    /// The label.
    pub label: Option<Column>,
}

impl Layout {
    /// Finds the request's columns and refuses those whose type does not fit.
    pub fn new(object: &str, schema: &Schema, request: &ReadRequest) -> Result<Self> {
        let columns = &request.columns;
        let find = |name: &String, fits: fn(&DataType) -> bool, purpose| {
            column(object, schema, name, fits, purpose)
        };
        Ok(Self {
            time: find(&columns.time, is_time, "a time")?,
            keys: request
                .key_columns()
                .map(|name| find(name, is_key, "a key"))
                .collect::<Result<_>>()?,
            features: columns
                .features
                .iter()
                .map(|name| find(name, is_feature, "a feature"))
                .collect::<Result<_>>()?,
            label: columns
                .label
                .as_ref()
                .map(|name| find(name, is_label, "a label"))
                .transpose()?,
        })
    }

    /// All of them.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        std::iter::once(&self.time)
            .chain(&self.keys)
            .chain(&self.features)
            .chain(&self.label)
    }

    /// Positions of the wanted columns.
    pub fn projection(&self) -> Vec<usize> {
        let mut positions: Vec<usize> = self.columns().map(|column| column.position).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

fn column(
    object: &str,
    schema: &Schema,
    name: &str,
    fits: fn(&DataType) -> bool,
    purpose: &'static str,
) -> Result<Column> {
    let mut found = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name() == name);
    let Some((position, field)) = found.next() else {
        return Err(ReadingsError::column_missing(
            object,
            name,
            schema.fields().iter().map(|field| field.name().as_str()),
        ));
    };
    if found.next().is_some() {
        return Err(ReadingsError::ColumnTwice {
            object: object.to_owned(),
            column: name.to_owned(),
        });
    }
    if !fits(field.data_type()) {
        return Err(ReadingsError::ColumnType {
            object: object.to_owned(),
            column: name.to_owned(),
            found: field.data_type().to_string(),
            purpose,
        });
    }
    Ok(Column {
        name: name.to_owned(),
        position,
        data_type: field.data_type().clone(),
    })
}

/// Whether values of the type are text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::BinaryView
    )
}

fn is_time(data_type: &DataType) -> bool {
    let is_date = matches!(
        data_type,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
    );
    is_date || data_type.is_integer() || is_text(data_type)
}

fn is_key(data_type: &DataType) -> bool {
    data_type.is_integer() || is_text(data_type)
}

fn is_feature(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

fn is_label(data_type: &DataType) -> bool {
    *data_type == DataType::Boolean || data_type.is_numeric() || is_text(data_type)
}
