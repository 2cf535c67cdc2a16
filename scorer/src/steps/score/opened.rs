use std::sync::Arc;

use fleetscore_crds::SensorKey;
use fleetscore_storage::ObjectUrl;

use super::buffers::Buffers;
use super::output::Output;
use crate::ledger::{self, ModelSummary};
use crate::models::{Kind, Meaning};
use crate::predictions::{PredictionWriter, Thinning};
use crate::steps::model::SensorModel;
use crate::steps::plots::Plots;
use crate::steps::{Context, Progress};
use crate::worker::Loaded;

/// A sensor's predictions, from when it is known what they mean.
pub struct Opened {
    /// What the verdicts mean.
    pub meaning: Meaning,
    /// What the ledger says of the model.
    pub summary: ModelSummary,
    /// What the report's plot will show, where it is kept.
    pub plot: Option<Thinning>,
    /// None while somebody sends or writes it.
    pub output: Option<Output>,
}

impl Opened {
    /// Predictions of `sensor` that go to `url`.
    pub fn new(
        context: &Context,
        buffers: &Arc<Buffers>,
        sensor: &SensorKey,
        url: ObjectUrl,
        (meaning, summary): (Meaning, ModelSummary),
    ) -> Self {
        let run = &context.run;
        let layout = run.layout(sensor, meaning.kind());
        let labels = meaning.labels().cloned().unwrap_or_default();
        let writer = PredictionWriter::new(run.prediction_format, &layout, &labels);
        let is_drawn = context.kept.is_some() && meaning.kind() != Kind::Value;
        Self {
            plot: is_drawn
                .then(|| Progress::get(&context.progress.sensors))
                .and_then(|sensors| Plots::begin(sensors, run.columns.features.len())),
            output: Some(Output::new(url, writer, buffers)),
            meaning,
            summary,
        }
    }
}

/// What is known of a model that was read here.
pub fn of_native(model: &SensorModel) -> (Meaning, ModelSummary) {
    (model.model.meaning.clone(), model.summary())
}

/// What is known of a model that Python has loaded.
pub fn of_python(loaded: Loaded) -> (Meaning, ModelSummary) {
    let summary = ModelSummary {
        class: loaded.name,
        producer: None,
        engine: ledger::Engine::Worker,
        output: loaded.meaning.kind(),
    };
    (loaded.meaning, summary)
}
