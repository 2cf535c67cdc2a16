use thiserror::Error;

/// Why predictions cannot be encoded.
#[derive(Debug, Error)]
pub enum PredictionError {
    /// The file name says nothing about the format.
    #[error(
        "output.file {file:?} has none of the extensions .csv, .parquet, .jsonl and .ndjson: set output.format"
    )]
    FormatUnknown {
        /// The file name.
        file: String,
    },
    /// The Parquet library fails.
    #[error("predictions cannot be written as Parquet: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The columns do not make a table.
    #[error("predictions do not make a table: {0}")]
    Table(#[from] arrow_schema::ArrowError),
    /// There are not as many scores as rows.
    #[error("{scores} scores for {rows} rows")]
    ScoreCount {
        /// Number of scores.
        scores: usize,
        /// Number of rows.
        rows: usize,
    },
}
