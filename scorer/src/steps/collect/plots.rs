//! Reads the predictions of the most anomalous sensors back, for the report.

use tokio::runtime::Handle;

use crate::predictions::{PlotRequest, PlotSeries, read_plot};
use crate::readings::ObjectSource;
use crate::report::{AnomalousSensor, Feature, Plot, PlotTotals, Report};
use crate::steps::Context;

/// Sensors that are drawn.
const PLOTS: usize = 12;
/// Wanted resolution of a plot: of so many stretches the extremes are read.
const BUCKETS: usize = 300;
/// Anomalies that are drawn in any case.
const ANOMALIES: usize = 300;

/// A plot for each of the most anomalous sensors. One that cannot be read back is left out: the report is worth more.
pub async fn read(context: &Context, report: &Report) -> Vec<Plot> {
    let mut plots = Vec::new();
    for sensor in report.most_anomalous.iter().take(PLOTS) {
        match read_one(context, sensor).await {
            Ok(plot) => plots.push(plot),
            Err(error) => tracing::warn!(sensor = %sensor.key, "no plot: {error}"),
        }
    }
    plots
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
    let (store, _) = context.storage.object(&url)?;
    let source = ObjectSource::new(store, object.meta, url.to_string(), Handle::current());
    let request = PlotRequest {
        format: run.prediction_format,
        layout: run.layout(&sensor.key),
        time_zone: run.spec.input.columns.time_zone.clone(),
        buckets: BUCKETS,
        anomalies: ANOMALIES,
        memory: context.limits.memory / 8,
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
