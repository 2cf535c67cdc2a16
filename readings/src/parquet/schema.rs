use arrow_schema::{DataType, FieldRef, Fields};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::schema::types::SchemaDescriptor;

use crate::{ReadRequest, ReadingsError, Result};

/// A wanted column: its name, the way to it through groups of columns, and its position among the file's leaves.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: String,
    pub path: Vec<String>,
    pub leaf: usize,
    pub field: FieldRef,
    /// Whether it is one of the old 12-byte timestamps, whose range is wider than that of instants.
    pub is_int96: bool,
}

impl Column {
    pub fn data_type(&self) -> &DataType {
        self.field.data_type()
    }
}

/// The wanted columns.
#[derive(Debug)]
pub(super) struct Layout {
    /// The time, where one is asked for.
    pub time: Option<Column>,
    /// The keys, in the request's order.
    pub keys: Vec<Column>,
    /// The features, in the request's order.
    pub features: Vec<Column>,
    /// The label.
    pub label: Option<Column>,
}

impl Layout {
    /// Finds the request's columns and refuses those whose type does not fit.
    pub fn new(
        object: &str,
        metadata: &ArrowReaderMetadata,
        request: &ReadRequest,
    ) -> Result<Self> {
        let columns = &request.columns;
        let search = Search {
            object,
            fields: metadata.schema().fields(),
            leaves: metadata.parquet_schema(),
        };
        let find = |name: &String, fits: fn(&Column, &SchemaDescriptor) -> bool, purpose| {
            search.column(name, fits, purpose)
        };
        Ok(Self {
            time: request
                .time_column()
                .map(|name| find(name, is_time, "a time"))
                .transpose()?,
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
        (self.time.iter())
            .chain(&self.keys)
            .chain(&self.features)
            .chain(&self.label)
    }

    /// The leaves of the wanted columns.
    pub fn projection(&self, schema: &SchemaDescriptor) -> ProjectionMask {
        ProjectionMask::leaves(schema, self.columns().map(|column| column.leaf))
    }
}

/// Where columns are looked for.
struct Search<'a> {
    object: &'a str,
    fields: &'a Fields,
    leaves: &'a SchemaDescriptor,
}

impl Search<'_> {
    /// The column `name`, which may be in a group: `body.v`.
    fn column(
        &self,
        name: &str,
        fits: fn(&Column, &SchemaDescriptor) -> bool,
        purpose: &'static str,
    ) -> Result<Column> {
        let named = self.fields.iter().filter(|field| field.name() == name);
        if named.count() > 1 {
            return Err(ReadingsError::ColumnTwice {
                object: self.object.to_owned(),
                column: name.to_owned(),
            });
        }
        let Some((path, field)) = find(self.fields, name) else {
            let names = names(self.fields, "");
            return Err(ReadingsError::column_missing(
                self.object,
                name,
                names.iter().map(String::as_str),
            ));
        };
        let mut leaves = self.leaves.columns().iter();
        let leaf = leaves.position(|leaf| leaf.path().parts() == path);
        let column = Column {
            name: name.to_owned(),
            path,
            leaf: leaf.unwrap_or_default(),
            is_int96: leaf.is_some_and(|leaf| {
                self.leaves.column(leaf).physical_type() == PhysicalType::INT96
            }),
            field,
        };
        if leaf.is_some() && fits(&column, self.leaves) {
            return Ok(column);
        }
        Err(ReadingsError::ColumnType {
            object: self.object.to_owned(),
            column: name.to_owned(),
            found: found(column.data_type()),
            purpose,
        })
    }
}

/// The field of that name, or that way through groups, and the names on the way.
fn find(fields: &Fields, name: &str) -> Option<(Vec<String>, FieldRef)> {
    if let Some((_, field)) = fields.find(name) {
        return Some((vec![name.to_owned()], field.clone()));
    }
    fields.iter().find_map(|group| {
        let DataType::Struct(inner) = group.data_type() else {
            return None;
        };
        let rest = name
            .strip_prefix(group.name().as_str())?
            .strip_prefix('.')?;
        let (path, field) = find(inner, rest)?;
        Some(([vec![group.name().clone()], path].concat(), field))
    })
}

/// The names of all columns, those in groups with the way to them.
fn names(fields: &Fields, before: &str) -> Vec<String> {
    let of_field = |field: &FieldRef| {
        let name = format!("{before}{}", field.name());
        match field.data_type() {
            DataType::Struct(inner) => names(inner, &format!("{name}.")),
            _ => vec![name],
        }
    };
    fields.iter().flat_map(of_field).collect()
}

/// A type as messages name it.
fn found(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => {
            "Struct (a group of columns; name one of them with a dot)".to_owned()
        }
        DataType::Float32 => "Float32 (too coarse for a time)".to_owned(),
        other => other.to_string(),
    }
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

fn is_time(column: &Column, _: &SchemaDescriptor) -> bool {
    let data_type = column.data_type();
    let is_date = matches!(
        data_type,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Float64
    );
    is_date || data_type.is_integer() || is_text(data_type)
}

fn is_key(column: &Column, leaves: &SchemaDescriptor) -> bool {
    let data_type = column.data_type();
    let is_uuid = *data_type == DataType::FixedSizeBinary(16)
        && leaves.column(column.leaf).logical_type_ref() == Some(&LogicalType::Uuid);
    data_type.is_integer() || is_text(data_type) || is_uuid
}

fn is_feature(column: &Column, _: &SchemaDescriptor) -> bool {
    column.data_type().is_numeric()
}

fn is_label(column: &Column, _: &SchemaDescriptor) -> bool {
    let data_type = column.data_type();
    *data_type == DataType::Boolean || data_type.is_numeric() || is_text(data_type)
}
