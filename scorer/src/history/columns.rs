use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};

/// The version of the table's format that this program writes and reads.
pub const TABLE_VERSION: u32 = 1;
/// Rows of a row group: what is read for one sensor.
pub const ROWS_PER_GROUP: usize = 5_000;
/// Largest number of columns that the keys may take.
pub(super) const MAX_KEYS: usize = 64;

pub(super) const STATE: &str = "state";
pub(super) const REASON: &str = "reason";
pub(super) const ROWS: &str = "rows";
pub(super) const SKIPPED: &str = "skipped";
pub(super) const ANOMALIES: &str = "anomalies";
const SCORE_MEAN: &str = "score_mean";
pub(super) const SCORE: [&str; 3] = ["score_min", SCORE_MEAN, "score_max"];
pub(super) const WARNINGS: &str = "warnings";
pub(super) const LABELS: [&str; 4] = [
    "true_positives",
    "false_positives",
    "false_negatives",
    "true_negatives",
];
pub(super) const OUTPUT: &str = "output";

/// Columns of the table that can be left out when it is read. The key and the state are always read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// `reason`.
    Reason,
    /// `rows`.
    Rows,
    /// `skipped`.
    Skipped,
    /// `anomalies`.
    Anomalies,
    /// `score_min`, `score_mean` and `score_max`.
    Score,
    /// `score_mean` alone.
    MeanScore,
    /// `warnings`.
    Warnings,
    /// `true_positives`, `false_positives`, `false_negatives` and `true_negatives`.
    Labels,
    /// `output`.
    Output,
}

impl Column {
    /// All of them; [`Column::MeanScore`] is in [`Column::Score`].
    pub const ALL: [Self; 8] = [
        Self::Reason,
        Self::Rows,
        Self::Skipped,
        Self::Anomalies,
        Self::Score,
        Self::Warnings,
        Self::Labels,
        Self::Output,
    ];

    /// Names of the columns in the table.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Reason => &[REASON],
            Self::Rows => &[ROWS],
            Self::Skipped => &[SKIPPED],
            Self::Anomalies => &[ANOMALIES],
            Self::Score => &SCORE,
            Self::MeanScore => &[SCORE_MEAN],
            Self::Warnings => &[WARNINGS],
            Self::Labels => &LABELS,
            Self::Output => &[OUTPUT],
        }
    }
}

/// The column of each key: its own name, with `key_` before it where another column has that name.
pub(super) fn key_columns<'a>(keys: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let keys: Vec<&str> = keys.into_iter().collect();
    let own: Vec<&str> = Column::ALL
        .iter()
        .flat_map(|column| column.names().iter().copied())
        .chain([STATE])
        .collect();
    let is_own = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
    let columns = keys.iter().map(|&key| {
        let mut name = key.to_owned();
        while is_own(&name) || (name != key && keys.contains(&name.as_str())) {
            name.insert_str(0, "key_");
        }
        (key.to_owned(), name)
    });
    columns.collect()
}

/// The table's schema: first the keys' columns, then the others.
pub(super) fn schema(keys: &BTreeMap<String, String>) -> Schema {
    let field = |name: &str, kind, nullable| Field::new(name, kind, nullable);
    let mut fields: Vec<Field> = keys
        .values()
        .map(|name| field(name, DataType::Utf8, true))
        .collect();
    fields.extend([
        field(STATE, DataType::Utf8, false),
        field(REASON, DataType::Utf8, true),
        field(ROWS, DataType::Int64, false),
        field(SKIPPED, DataType::Int64, false),
        field(ANOMALIES, DataType::Int64, false),
    ]);
    fields.extend(SCORE.map(|name| field(name, DataType::Float64, true)));
    let warning = Arc::new(Field::new_list_field(DataType::Utf8, true));
    fields.push(field(WARNINGS, DataType::List(warning), false));
    fields.extend(LABELS.map(|name| field(name, DataType::Int64, true)));
    fields.push(field(OUTPUT, DataType::Utf8, true));
    Schema::new(fields)
}
