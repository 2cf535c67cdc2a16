use fleetscore_crds::PredictionFormat;
use thiserror::Error;

use super::PredictionLayout;
use super::csv::CsvEncoder;
use super::json::JsonEncoder;
use super::parquet::ParquetEncoder;
use crate::readings::SensorRows;

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

/// The format of predictions in `file`: as asked for, else by the extension.
pub fn format_of(file: &str, asked: PredictionFormat) -> Result<PredictionFormat, PredictionError> {
    if asked != PredictionFormat::Auto {
        return Ok(asked);
    }
    let unknown = || PredictionError::FormatUnknown {
        file: file.to_owned(),
    };
    let (_, extension) = file.rsplit_once('.').ok_or_else(unknown)?;
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Ok(PredictionFormat::Csv),
        "parquet" | "pq" => Ok(PredictionFormat::Parquet),
        "jsonl" | "ndjson" => Ok(PredictionFormat::JsonLines),
        _ => Err(unknown()),
    }
}

/// Encodes one sensor's predictions piece by piece.
pub struct PredictionWriter {
    encoder: Encoder,
}

enum Encoder {
    Csv(CsvEncoder),
    Json(JsonEncoder),
    Parquet(Box<ParquetEncoder>),
}

impl PredictionWriter {
    /// A writer for `format`; `Auto` means CSV, see [`format_of`].
    pub fn new(
        format: PredictionFormat,
        layout: &PredictionLayout,
    ) -> Result<Self, PredictionError> {
        let encoder = match format {
            PredictionFormat::Auto | PredictionFormat::Csv => Encoder::Csv(CsvEncoder::new(layout)),
            PredictionFormat::JsonLines => Encoder::Json(JsonEncoder::new(layout)),
            PredictionFormat::Parquet => Encoder::Parquet(Box::new(ParquetEncoder::new(layout)?)),
        };
        Ok(Self { encoder })
    }

    /// Encodes rows with their n scores and appends what is complete to `out`. Normal is a score above zero, strictly.
    pub fn append(
        &mut self,
        rows: &SensorRows,
        scores: &[f64],
        out: &mut Vec<u8>,
    ) -> Result<(), PredictionError> {
        if rows.len() != scores.len() {
            return Err(PredictionError::ScoreCount {
                scores: scores.len(),
                rows: rows.len(),
            });
        }
        match &mut self.encoder {
            Encoder::Csv(encoder) => encoder.append(rows, scores, out),
            Encoder::Json(encoder) => encoder.append(rows, scores, out),
            Encoder::Parquet(encoder) => encoder.append(rows, scores, out)?,
        }
        Ok(())
    }

    /// Appends what is left to `out`. Without any row the result is an empty table.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), PredictionError> {
        match self.encoder {
            Encoder::Csv(encoder) => encoder.finish(out),
            Encoder::Json(_) => {}
            Encoder::Parquet(encoder) => encoder.finish(out)?,
        }
        Ok(())
    }
}

/// Whether a score means an anomaly: not above zero.
pub(super) fn is_anomaly(score: f64) -> bool {
    score.is_nan() || score <= 0.0
}
