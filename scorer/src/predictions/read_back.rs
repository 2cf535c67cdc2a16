use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use fleetscore_crds::{Columns, OnInvalidReading, PredictionFormat, ReadingFormat};
use serde_json::{Map, Value};

use super::plot::Thinning;
use super::{ANOMALY, PREDICTION, PlotSeries, PredictionLayout, SCORE};
use crate::models::{Kind, Verdicts};
use fleetscore_readings::{KeyIndex, ObjectSource, ReadRequest, ReadingsError, TimeParser};

/// The longest line of JSON, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// What to read of a sensor's predictions.
#[derive(Clone, Debug)]
pub struct PlotRequest {
    /// Format of the predictions, not `Auto` (see [`super::format_of`]).
    pub format: PredictionFormat,
    /// The layout that they were written with.
    pub layout: PredictionLayout,
    /// Zone of times without an offset, as in the input.
    pub time_zone: String,
    /// Features to read: so many of the layout's, from the first.
    pub features: usize,
    /// Wanted resolution: the extremes of between one and two times so many stretches are kept.
    pub buckets: usize,
    /// The most anomalous rows that are kept in any case.
    pub anomalies: usize,
    /// Bytes that may be held for reading.
    pub memory: usize,
}

/// Reads a sensor's predictions back, thinned out for a plot. Blocks, as [`fleetscore_readings::read`] does.
///
/// Errors, too, for a regressor's: they have no score.
pub fn read_plot(
    object: &ObjectSource,
    request: &PlotRequest,
) -> Result<PlotSeries, ReadingsError> {
    if request.layout.kind == Kind::Value {
        return Err(ReadingsError::unreadable(
            object.name(),
            "it holds values, and no scores to draw",
        ));
    }
    let features = request.features.min(request.layout.features.len());
    let mut thinning = Thinning::new(features, request.buckets, request.anomalies);
    match request.format {
        PredictionFormat::JsonLines => read_json(object, request, &mut thinning)?,
        PredictionFormat::Parquet => {
            read_table(object, request, ReadingFormat::Parquet, &mut thinning)?;
        }
        PredictionFormat::Auto | PredictionFormat::Csv => {
            read_table(object, request, ReadingFormat::Csv, &mut thinning)?;
        }
    }
    Ok(thinning.finish())
}

/// The column that says which rows are anomalies.
fn anomaly_column(layout: &PredictionLayout) -> &'static str {
    match layout.kind {
        Kind::Class => ANOMALY,
        Kind::Anomaly | Kind::Residual | Kind::Value => PREDICTION,
    }
}

/// Predictions are readings whose last features are the score, and whether it is an anomaly.
fn read_table(
    object: &ObjectSource,
    request: &PlotRequest,
    format: ReadingFormat,
    thinning: &mut Thinning,
) -> Result<(), ReadingsError> {
    let features = request.layout.features.iter().take(request.features);
    let computed = [SCORE, anomaly_column(&request.layout)].map(str::to_owned);
    let features: Vec<String> = features.cloned().chain(computed).collect();
    let width = features.len();
    let read = ReadRequest {
        format,
        columns: Columns {
            time: request.layout.time.clone(),
            keys: std::collections::BTreeMap::new(),
            features,
            label: None,
            time_zone: request.time_zone.clone(),
        },
        key_names: Vec::new(),
        sensors: KeyIndex::single(),
        window: None,
        on_invalid: OnInvalidReading::Fail,
        memory: request.memory,
        pool: None,
    };
    let mut damage = None;
    fleetscore_readings::read(object, &read, &mut |chunk| {
        for rows in &chunk.rows {
            let verdict = |row: &[f64]| match row {
                [.., score, prediction] => (*score, *prediction != 0.0),
                _ => (f64::NAN, false),
            };
            let verdicts: Verdicts = rows.features.chunks_exact(width).map(verdict).collect();
            thinning.add(&rows.times.nanos, &rows.features, &verdicts);
        }
        damage = chunk.failed.into_iter().next();
        if damage.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    match damage {
        Some(failure) => Err(ReadingsError::unreadable(
            object.name(),
            failure.error.to_string(),
        )),
        None => Ok(()),
    }
}

fn read_json(
    object: &ObjectSource,
    request: &PlotRequest,
    thinning: &mut Thinning,
) -> Result<(), ReadingsError> {
    let mut lines = BufReader::new(object.stream(request.memory)?);
    let mut parser = TimeParser::new(&request.time_zone)?;
    let (mut line, mut verdict) = (Vec::new(), Verdicts::default());
    for number in 1_u64.. {
        line.clear();
        let count = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if count.map_err(|error| object.stream_error(error))? == 0 {
            break;
        }
        let row: Option<Map<String, Value>> = serde_json::from_slice(&line).ok();
        let point = row.and_then(|row| point(&row, request, &mut parser));
        let Some((time, features, score, is_anomaly)) = point else {
            return Err(ReadingsError::unreadable(
                object.name(),
                format!("line {number} holds no prediction"),
            ));
        };
        verdict.clear();
        verdict.push(score, is_anomaly);
        thinning.add(&[time], &features, &verdict);
    }
    Ok(())
}

fn point(
    row: &Map<String, Value>,
    request: &PlotRequest,
    parser: &mut TimeParser,
) -> Option<(i64, Vec<f64>, f64, bool)> {
    let layout = &request.layout;
    let time = parser.parse(row.get(&layout.time)?.as_str()?.as_bytes())?;
    let features = layout
        .features
        .iter()
        .take(request.features)
        .map(|name| row.get(name)?.as_f64())
        .collect::<Option<Vec<f64>>>()?;
    let score = row.get(SCORE)?.as_f64()?;
    let prediction = row.get(anomaly_column(layout))?.as_f64()?;
    Some((time, features, score, prediction != 0.0))
}
