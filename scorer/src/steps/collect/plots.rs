//! Reads the predictions of the most anomalous sensors back, for the report.

use futures::{StreamExt, stream};

use crate::predictions::{PlotRequest, PlotSeries, read_plot};
use crate::report::{AnomalousSensor, Feature, Plot, PlotTotals, Report};
use crate::steps::Context;

/// Sensors that are drawn.
const PLOTS: usize = 12;
/// Wanted resolution of a plot: of so many stretches the extremes are read. A plot draws 150.
const BUCKETS: usize = 150;
/// Anomalies that are drawn in any case.
const ANOMALIES: usize = 150;

/// A plot for each of the most anomalous sensors. One that cannot be read back is left out: the report is worth more.
pub async fn read(context: &Context, report: &Report) -> Vec<Plot> {
    let sensors = report.most_anomalous.iter().take(PLOTS);
    let plots = stream::iter(sensors).map(|sensor| async move {
        let plot = read_one(context, sensor).await;
        plot.inspect_err(|error| tracing::warn!(sensor = %sensor.key, "no plot: {error}"))
            .ok()
    });
    let at_once = context.limits.threads.max(1);
    let plots: Vec<Option<Plot>> = plots.buffered(at_once).collect().await;
    plots.into_iter().flatten().collect()
}

async fn read_one(
    context: &Context,
    sensor: &AnomalousSensor,
) -> Result<Plot, Box<dyn std::error::Error + Send + Sync>> {
    let run = &context.run;
    let url = run
        .output
        .join(sensor.output.as_deref().unwrap_or_default())?;
    let object = context.storage.head(&url).await?;
    let source = context.source(&object)?;
    let request = PlotRequest {
        format: run.prediction_format,
        layout: run.layout(&sensor.key),
        time_zone: run.spec.input.columns.time_zone.clone(),
        buckets: BUCKETS,
        anomalies: ANOMALIES,
        memory: context.limits.memory / 8 / context.limits.threads.max(1),
    };
    let series = tokio::task::spawn_blocking(move || read_plot(&source, &request)).await??;
    let PlotSeries {
        times,
        values,
        scores,
        predictions,
        rows,
        anomalies,
    } = series;
    let names = run.spec.input.columns.features.iter().cloned();
    let features = names
        .zip(values)
        .map(|(name, values)| Feature { name, values })
        .collect();
    Ok(Plot {
        key: sensor.key.clone(),
        times,
        features,
        scores,
        anomalies: predictions,
        totals: Some(PlotTotals { rows, anomalies }),
    })
}
