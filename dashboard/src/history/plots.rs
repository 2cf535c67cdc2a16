use std::io::{BufRead as _, BufReader, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use fleetscore_crds::PredictionFormat;
use fleetscore_readings::ObjectSource;
use fleetscore_scorer::drawing::{DRAWN_FEATURES, Feature, Plot, PlotTotals};
use fleetscore_scorer::history::SensorRow;
use fleetscore_scorer::models::Kind;
use fleetscore_scorer::predictions::{
    PlotRequest, PredictionLayout, computed, format_of, read_plot,
};
use fleetscore_storage::{ObjectInfo, ObjectUrl, Storage};
use parquet::file::metadata::ParquetMetaDataReader;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::{History, ReadError, Run};

/// Largest object of predictions that is drawn, in bytes.
const OBJECT_BYTES: u64 = 256 << 20;
/// Bytes that may be held for reading one.
const MEMORY: usize = 16 << 20;
/// Bytes of the first line, which names the columns.
const HEADER_BYTES: u64 = 1 << 20;
/// Bytes of a table's footer, at most.
const FOOTER_BYTES: u64 = 1 << 20;
/// Bytes that the first request asks for: most sensors have no more.
const FIRST_BYTES: u64 = 256 << 10;
/// Resolution of a plot, and the most anomalous readings that are drawn in any case.
const BUCKETS: usize = 150;
const ANOMALIES: usize = 150;

/// A sensor's readings and scores in one run, ready to be drawn.
pub struct Plotted {
    /// The object that they were read from.
    pub url: String,
    /// What to draw.
    pub plot: Plot,
}

impl History {
    /// Reads a sensor's predictions back; none where it has none.
    pub async fn plot(run: &Run, row: &SensorRow) -> Result<Option<Plotted>, ReadError> {
        let Some(path) = &row.output else {
            return Ok(None);
        };
        let output = run.output().ok_or_else(|| ReadError::outside(run))?;
        let url = output.join(path).map_err(ReadError::storage)?;
        let damaged = |reason: String| ReadError::Damaged {
            url: url.to_string(),
            reason,
        };
        if url.relative_to(&output).is_none() {
            return Err(ReadError::outside(run));
        }
        let begun = run.storage.begin(&url, FIRST_BYTES).await;
        let (object, first) = begun.map_err(ReadError::storage)?;
        if object.size > OBJECT_BYTES {
            let size = fleetscore_scorer::drawing::format::bytes(object.size);
            return Err(damaged(format!("it has {size}, which is too much to draw")));
        }
        let format = format_of(path, PredictionFormat::Auto);
        let format = format.map_err(|error| damaged(error.to_string()))?;
        let source = ObjectSource::open(&run.storage, &object).map_err(ReadError::storage)?;
        let source = source.with_first(first);
        let names = if format == PredictionFormat::Parquet {
            parquet_names(&run.storage, &url, &object).await
        } else {
            let source = source.clone();
            blocking(move || line_names(&source, format)).await
        };
        let layout = names
            .and_then(|names| layout(names, row))
            .map_err(damaged)?;
        let (shown, features) = (layout.features.clone(), layout.features.len());
        let request = PlotRequest {
            format,
            layout,
            time_zone: "UTC".into(),
            features: DRAWN_FEATURES,
            buckets: BUCKETS,
            anomalies: ANOMALIES,
            memory: MEMORY,
        };
        let read =
            blocking(move || read_plot(&source, &request).map_err(|error| error.to_string()));
        let series = read.await.map_err(damaged)?;
        let features_shown = shown.into_iter().zip(series.values);
        let plot = Plot {
            key: row.key.clone(),
            times: series.times,
            features: features_shown
                .map(|(name, values)| Feature { name, values })
                .collect(),
            scores: series.scores,
            anomalies: series.predictions,
            totals: Some(PlotTotals {
                rows: series.rows,
                anomalies: series.anomalies,
                features,
            }),
        };
        let url = url.to_string();
        Ok(Some(Plotted { url, plot }))
    }
}

async fn parquet_names(
    storage: &Storage,
    url: &ObjectUrl,
    object: &ObjectInfo,
) -> Result<Vec<String>, String> {
    let start = object.size.saturating_sub(FOOTER_BYTES);
    let end = storage.get_range(url, start..object.size).await;
    let end = end.map_err(|error| error.to_string())?;
    let mut reader = ParquetMetaDataReader::new();
    let mut read = || {
        reader.try_parse_sized(&end, object.size)?;
        reader.finish()
    };
    // Nobody has checked the bytes: what the library makes of them must not end the program.
    match catch_unwind(AssertUnwindSafe(&mut read)) {
        Ok(Ok(metadata)) => {
            let fields = metadata.file_metadata().schema().get_fields();
            Ok(fields.iter().map(|field| field.name().to_owned()).collect())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its bytes make no sense".into()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err("its bytes make no sense".into()),
    }
}

/// The names of the columns, from the first line.
fn line_names(object: &ObjectSource, format: PredictionFormat) -> Result<Vec<String>, String> {
    let stream = object.stream(MEMORY).map_err(|error| error.to_string())?;
    let mut line = Vec::new();
    BufReader::new(stream)
        .take(HEADER_BYTES)
        .read_until(b'\n', &mut line)
        .map_err(|error| object.stream_error(error).to_string())?;
    if format == PredictionFormat::JsonLines {
        let mut json = serde_json::Deserializer::from_slice(&line);
        return json
            .deserialize_map(Names)
            .map_err(|error| error.to_string());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(line.as_slice());
    let first = reader.records().next().transpose();
    let first = first.map_err(|error| error.to_string())?;
    Ok((first.iter().flatten()).map(str::to_owned).collect())
}

/// The names of an object's fields in their order.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a prediction as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            names.push(name);
        }
        Ok(names)
    }
}

/// Predictions have the time, the keys, the features, the label where there is one, and what is computed, by which their kind is told.
fn layout(mut names: Vec<String>, row: &SensorRow) -> Result<PredictionLayout, String> {
    let keys: Vec<_> = row.key.iter().collect();
    let kinds = [Kind::Residual, Kind::Class, Kind::Anomaly, Kind::Value];
    let kind = kinds.into_iter().find(|kind| ends(&names, *kind));
    let Some(kind) = kind.filter(|_| names.len() > keys.len()) else {
        return Err("its columns are not those of predictions".into());
    };
    names.truncate(names.len().saturating_sub(computed(kind).len()));
    let label = if row.labels.is_some() {
        names.pop()
    } else {
        None
    };
    let mut names = names.into_iter();
    let time = names.next().unwrap_or_default();
    let keys = (keys.iter())
        .filter_map(|(_, value)| Some((names.next()?, (*value).to_owned())))
        .collect();
    Ok(PredictionLayout {
        time,
        keys,
        features: names.collect(),
        label,
        kind,
    })
}

/// Whether the last names are those that predictions of a kind end with.
fn ends(names: &[String], kind: Kind) -> bool {
    let end = computed(kind);
    let start = names.len().checked_sub(end.len());
    start.is_some_and(|start| names.iter().skip(start).eq(end))
}
