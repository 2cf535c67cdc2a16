use fleetscore_crds::PredictionFormat;

use super::PredictionLayout;
use super::csv::CsvEncoder;
use super::error::PredictionError;
use super::json::JsonEncoder;
use super::parquet::ParquetEncoder;
use crate::models::{Labels, Verdicts};
use fleetscore_readings::SensorRows;

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
///
/// What it appends is final for CSV and JSON lines. Of Parquet it is packed rows: each [`PredictionWriter::group_bytes`] of them go
/// through [`PredictionWriter::write_group`], and what is left through [`PredictionWriter::finish`]. So whoever writes many sensors'
/// predictions at once may put packed rows aside, as final bytes.
pub struct PredictionWriter {
    encoder: Encoder,
}

enum Encoder {
    Csv(CsvEncoder),
    Json(JsonEncoder),
    Parquet(Box<ParquetEncoder>),
}

impl PredictionWriter {
    /// A writer for `format`; `Auto` means CSV, see [`format_of`]. `labels` are those of a classifier, of others none.
    pub fn new(format: PredictionFormat, layout: &PredictionLayout, labels: &Labels) -> Self {
        let encoder = match format {
            PredictionFormat::Auto | PredictionFormat::Csv => {
                Encoder::Csv(CsvEncoder::new(layout, labels))
            }
            PredictionFormat::JsonLines => Encoder::Json(JsonEncoder::new(layout, labels)),
            PredictionFormat::Parquet => {
                Encoder::Parquet(Box::new(ParquetEncoder::new(layout, labels)))
            }
        };
        Self { encoder }
    }

    /// Encodes rows with their n verdicts, whose scores are finite, and appends them to `out`, packed where the format has row groups.
    pub fn append(
        &mut self,
        rows: &SensorRows,
        verdicts: &Verdicts,
        out: &mut Vec<u8>,
    ) -> Result<(), PredictionError> {
        if rows.len() != verdicts.len() {
            return Err(PredictionError::ScoreCount {
                scores: verdicts.len(),
                rows: rows.len(),
            });
        }
        match &mut self.encoder {
            Encoder::Csv(encoder) => encoder.append(rows, verdicts, out),
            Encoder::Json(encoder) => encoder.append(rows, verdicts, out),
            Encoder::Parquet(encoder) => encoder.append(rows, verdicts, out),
        }
        Ok(())
    }

    /// Bytes of packed rows that make a row group; none where the format has none.
    pub fn group_bytes(&self) -> Option<usize> {
        match &self.encoder {
            Encoder::Csv(_) | Encoder::Json(_) => None,
            Encoder::Parquet(encoder) => Some(encoder.group_bytes()),
        }
    }

    /// Makes a row group of `packed` rows and appends it to `out`.
    pub fn write_group(&mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        match &mut self.encoder {
            Encoder::Csv(_) | Encoder::Json(_) => {
                out.extend_from_slice(packed);
                Ok(())
            }
            Encoder::Parquet(encoder) => encoder.write_group(packed, out),
        }
    }

    /// Appends what is left to `out`, `packed` rows included. Without any row the result is an empty table.
    pub fn finish(self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), PredictionError> {
        match self.encoder {
            Encoder::Csv(encoder) => encoder.finish(out),
            Encoder::Json(_) => {}
            Encoder::Parquet(encoder) => encoder.finish(packed, out)?,
        }
        Ok(())
    }
}
