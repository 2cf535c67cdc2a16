//! Reads the models of a shard.

use futures::StreamExt;
use futures::stream::FuturesOrdered;

use super::budget::{Budget, STATE, mib};
use super::failures::not_scored;
use crate::steps::Context;
use crate::steps::engine::Engine;
use crate::steps::model_reader::ModelReader;
use crate::steps::plan::PlanEntry;
use fleetscore_crds::{Failure, FailureReason};

/// Sensors that are worked on at the same time.
pub struct Loaded {
    /// One job a sensor, in the plan's order. A sensor whose model cannot be used has failed already.
    pub models: Vec<(PlanEntry, Result<Engine, Failure>)>,
    /// Bytes that they take.
    pub bytes: usize,
}

/// Takes the first of the `waiting` sensors, as many as there is room for, and at least one.
pub async fn load(
    context: &Context,
    budget: &Budget,
    waiting: &mut std::vec::IntoIter<PlanEntry>,
) -> Loaded {
    let mut loaded = Loaded {
        models: Vec::new(),
        bytes: 0,
    };
    // Until the models are read, nothing else takes what is for readings and predictions.
    let (readings, predictions) = budget.rest(budget.sensors);
    let reader = &ModelReader::new(context, readings + predictions);
    let mut loading = FuturesOrdered::new();
    // The largest so far stands for those that are on their way, and the first, of which nothing is known, comes alone.
    let mut largest = None;
    loop {
        let at_once = largest.map_or(1, |_| context.limits.requests.max(1));
        let bytes = |more: usize| loaded.bytes + more * largest.unwrap_or_default();
        while loading.len() < at_once
            && bytes(loading.len() + 1) <= budget.sensors
            && let Some(entry) = waiting.next()
        {
            loading.push_back(load_entry(context, reader, budget, entry));
        }
        let Some((entry, model)) = loading.next().await else {
            return loaded;
        };
        let bytes = STATE + model.as_ref().map_or(0, Engine::bytes);
        largest = largest.max(Some(bytes));
        loaded.bytes += bytes;
        loaded.models.push((entry, model));
    }
}

/// A sensor with its model, or with the reason why there is none.
async fn load_entry(
    context: &Context,
    reader: &ModelReader<'_>,
    budget: &Budget,
    entry: PlanEntry,
) -> (PlanEntry, Result<Engine, Failure>) {
    let location = entry.model.as_deref().unwrap_or_default();
    let model = match &entry.error {
        Some(error) => Err(error.clone()),
        None if context.is_stopped() => Err(not_scored()),
        None => tokio::select! {
            engine = reader.engine(location, &entry.key) => engine,
            () = context.stop.cancelled() => Err(not_scored()),
        },
    };
    let model = model.and_then(|model| fits(budget, &entry, model));
    (entry, model)
}

/// The model, if there is room for it at all.
fn fits(budget: &Budget, entry: &PlanEntry, model: Engine) -> Result<Engine, Failure> {
    let bytes = model.bytes() + STATE;
    if bytes <= budget.sensors {
        return Ok(model);
    }
    let message = format!(
        "{}: the model takes {} MiB of memory, and there are {} MiB for it; set the bound of the memory (--memory, or \
         FLEETSCORE_MEMORY_MIB in a pod) to {} MiB at least",
        entry.model.as_deref().unwrap_or_default(),
        mib(bytes),
        mib(budget.sensors),
        budget.needed(bytes)
    );
    Err(Failure {
        reason: FailureReason::ModelUnreadable,
        message,
    })
}
