//! The plots of the most anomalous sensors: as they were kept while scoring, else read back from the predictions.

use fleetscore_readings::ObjectSource;
use futures::{StreamExt, stream};

use crate::predictions::{PlotRequest, PlotSeries, read_plot};
use crate::report::{AnomalousSensor, DRAWN_FEATURES, Feature, Plot, PlotTotals, Report};
use crate::steps::Context;
use crate::steps::plots::{ANOMALIES, BUCKETS};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Sensors that are drawn.
const PLOTS: usize = 12;

/// Bytes that the first request for predictions asks for: most sensors have no more.
const FIRST_BYTES: u64 = 256 << 10;

/// A plot for each of the most anomalous sensors. One that cannot be read back is left out: the report is worth more.
pub async fn read(context: &Context, report: &Report) -> Vec<Plot> {
    let sensors = report.most_anomalous.iter().take(PLOTS);
    let plots = stream::iter(sensors).map(|sensor| async move {
        let plot = read_one(context, sensor).await;
        plot.inspect_err(|error| tracing::warn!(sensor = %sensor.key, "no plot: {error}"))
            .ok()
    });
    let plots: Vec<Option<Plot>> = plots.buffered(PLOTS).collect().await;
    plots.into_iter().flatten().collect()
}

async fn read_one(context: &Context, sensor: &AnomalousSensor) -> Result<Plot> {
    let kept = context.kept.as_ref();
    let series = match kept.and_then(|kept| kept.plots.take(&sensor.key)) {
        Some(series) => series,
        None => read_back(context, sensor).await?,
    };
    let PlotSeries {
        times,
        values,
        scores,
        predictions,
        rows,
        anomalies,
    } = series;
    let names = &context.run.columns.features;
    let features = names
        .iter()
        .cloned()
        .zip(values)
        .map(|(name, values)| Feature { name, values })
        .collect();
    Ok(Plot {
        key: sensor.key.clone(),
        times,
        features,
        scores,
        anomalies: predictions,
        totals: Some(PlotTotals {
            rows,
            anomalies,
            features: names.len(),
        }),
    })
}

async fn read_back(context: &Context, sensor: &AnomalousSensor) -> Result<PlotSeries> {
    let run = &context.run;
    let url = run
        .output
        .join(sensor.output.as_deref().unwrap_or_default())?;
    let (object, first) = context.storage.begin(&url, FIRST_BYTES).await?;
    let source = ObjectSource::open(&context.storage, &object)?.with_first(first);
    let request = PlotRequest {
        format: run.prediction_format,
        layout: run.layout(&sensor.key, sensor.kind),
        time_zone: run.spec.input.columns.time_zone.clone(),
        features: DRAWN_FEATURES,
        buckets: BUCKETS,
        anomalies: ANOMALIES,
        memory: context.limits.memory / 8 / context.limits.threads.max(1),
    };
    let read = context.compute.run(move || read_plot(&source, &request));
    Ok(read.await??)
}
