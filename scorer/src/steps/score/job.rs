use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetscore_crds::{Failure, FailureReason, OnInvalidReading};

use super::buffers::Buffers;
use super::failures::{invalid_reading, no_predictions, not_scored, output_failure};
use super::finite;
use super::opened::{self, Opened};
use super::output::Output;
use super::tally::Tally;
use super::waiting::Waiting;
use crate::ledger::{LedgerEntry, ModelSummary, SensorState, Warning, WarningReason};
use crate::models::{Kind, Verdicts};
use crate::steps::engine::Engine;
use crate::steps::model::SensorModel;
use crate::steps::plan::PlanEntry;
use crate::steps::{Context, Progress};
use crate::worker::Loaded;
use fleetscore_readings::SensorRows;
use fleetscore_storage::ObjectUrl;

/// One sensor while it is worked on.
pub struct Job {
    /// The sensor in the plan.
    pub entry: PlanEntry,
    state: State,
    tally: Tally,
    /// Warnings about its readings.
    notes: Vec<Warning>,
    elapsed: Duration,
}

/// How far a sensor has come.
enum State {
    Open(Box<Open>),
    Written {
        output: String,
        warnings: Vec<Warning>,
        model: ModelSummary,
        /// Readings by label, of a classifier.
        classes: BTreeMap<String, u64>,
    },
    Failed(Failure),
}

/// What a sensor needs until its predictions are written.
struct Open {
    scoring: Scoring,
    /// Where the predictions go.
    path: String,
    url: ObjectUrl,
    /// None before Python has loaded the model: its classes decide on the columns.
    opened: Option<Opened>,
}

/// How its readings are scored.
#[allow(
    clippy::large_enum_variant,
    reason = "of most fleets all are of one variant"
)]
enum Scoring {
    /// As they come.
    Native(SensorModel),
    /// By Python, when all of them are there. None once somebody has taken them for that.
    Python(Option<Waiting>),
}

/// Room for a thread's pieces of work.
#[derive(Default)]
pub struct Workspace {
    verdicts: Verdicts,
    encoded: Vec<u8>,
}

impl Workspace {
    /// Room for verdicts, which has none.
    pub fn no_verdicts(&mut self) -> &mut Verdicts {
        self.verdicts.clear();
        &mut self.verdicts
    }
}

impl Job {
    /// A sensor with its model, or with the reason why it cannot be scored.
    pub fn new(
        context: &Context,
        buffers: &Arc<Buffers>,
        entry: PlanEntry,
        engine: Result<Engine, Failure>,
    ) -> Self {
        let opened = engine.and_then(|engine| Open::new(context, buffers, &entry, engine));
        let state = match opened {
            Ok(open) => State::Open(Box::new(open)),
            Err(failure) => State::failed(&entry, &context.progress, failure),
        };
        Self {
            entry,
            state,
            tally: Tally::default(),
            notes: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Whether predictions can still be added.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Why the sensor has failed, if it has.
    pub fn failure(&self) -> Option<&Failure> {
        if let State::Failed(failure) = &self.state {
            Some(failure)
        } else {
            None
        }
    }

    /// Records a failure and gives up the predictions so far. The first failure counts.
    pub fn fail(&mut self, progress: &Progress, failure: Failure) {
        if !self.is_open() {
            return;
        }
        self.state = State::failed(&self.entry, progress, failure);
    }

    /// Scores some readings of `object` and adds their predictions to the buffer, or has them wait for Python. One whose score is not
    /// finite is left out, or fails the sensor, as any other that cannot be scored.
    pub fn append(
        &mut self,
        context: &Context,
        object: &str,
        rows: &SensorRows,
        workspace: &mut Workspace,
    ) {
        let start = Instant::now();
        let (run, progress) = (&context.run, &context.progress);
        let Workspace { verdicts, encoded } = workspace;
        self.tally.skipped += rows.skipped;
        let State::Open(open) = &mut self.state else {
            return;
        };
        let model = match &mut open.scoring {
            Scoring::Native(model) => model,
            Scoring::Python(waiting) => {
                if let Some(waiting) = waiting {
                    waiting.add(rows, encoded);
                }
                self.elapsed += start.elapsed();
                return;
            }
        };
        verdicts.clear();
        model.model.score(&rows.features, verdicts);
        if run.spec.input.on_invalid_reading == OnInvalidReading::Fail
            && let Some(invalid) =
                finite::first_failure(object, &run.columns.features, rows, verdicts.scores())
        {
            return self.fail(progress, invalid_reading(&invalid));
        }
        let finite = finite::leave_out(rows, verdicts);
        let left_out = rows.len() - verdicts.len();
        self.tally.skipped += left_out as u64;
        self.add(context, finite.as_ref().unwrap_or(rows), workspace);
        self.elapsed += start.elapsed();
    }

    /// Adds the predictions of readings to the buffer: their verdicts are in the workspace.
    pub fn add(&mut self, context: &Context, rows: &SensorRows, workspace: &mut Workspace) {
        let progress = &context.progress;
        let Workspace { verdicts, encoded } = workspace;
        let State::Open(open) = &mut self.state else {
            return;
        };
        let Some(open) = &mut open.opened else {
            return self.fail(progress, no_predictions());
        };
        let anomalies = self.tally.anomalies;
        let labels = rows.labels.as_deref();
        let knows = open.meaning.knows_anomalies();
        self.tally.add(verdicts, labels.filter(|_| knows));
        if let Some(plot) = &mut open.plot {
            plot.add(&rows.times.nanos, &rows.features, verdicts);
        }
        let written = match &mut open.output {
            Some(output) => output.append(rows, verdicts, encoded),
            None => Err(no_predictions()),
        };
        Progress::add(&progress.rows, rows.len() as u64);
        Progress::add(&progress.anomalies, self.tally.anomalies - anomalies);
        if let Err(failure) = written {
            self.fail(progress, failure);
        }
    }

    /// The predictions, as long as nobody has taken them.
    pub fn output(&mut self) -> Option<&mut Output> {
        self.opened()?.output.as_mut()
    }

    /// The predictions and what they mean, once that is known and as long as they are not written.
    fn opened(&mut self) -> Option<&mut Opened> {
        match &mut self.state {
            State::Open(open) => open.opened.as_mut(),
            _ => None,
        }
    }

    /// Readings that wait for Python.
    fn waiting(&self) -> Option<&Waiting> {
        match &self.state {
            State::Open(open) => open.scoring.waiting(),
            _ => None,
        }
    }

    /// Opens the predictions of a model that Python has loaded.
    pub fn open(&mut self, context: &Context, buffers: &Arc<Buffers>, loaded: Loaded) {
        if let State::Open(open) = &mut self.state {
            let (key, url) = (&self.entry.key, open.url.clone());
            let known = opened::of_python(loaded);
            open.opened = Some(Opened::new(context, buffers, key, url, known));
        }
    }

    /// Takes out the readings that wait for Python.
    pub fn take_waiting(&mut self) -> Option<Waiting> {
        match &mut self.state {
            State::Open(open) => match &mut open.scoring {
                Scoring::Python(waiting) => waiting.take(),
                Scoring::Native(_) => None,
            },
            _ => None,
        }
    }

    /// Bytes of memory of readings that wait and of predictions.
    pub fn held(&mut self) -> usize {
        let waiting = self.waiting().map_or(0, Waiting::held);
        waiting + self.output().map_or(0, |output| output.held())
    }

    /// Puts them aside on disk; whether that was all.
    pub fn put_aside(&mut self) -> Result<bool, Failure> {
        if let State::Open(open) = &mut self.state
            && let Scoring::Python(Some(waiting)) = &mut open.scoring
        {
            waiting.put_aside()?;
        }
        self.output().map_or(Ok(true), Output::put_aside)
    }

    /// Takes the predictions out, to send or write them.
    pub fn take_output(&mut self) -> Option<Output> {
        self.opened()?.output.take()
    }

    /// Hands the predictions back after a part was sent.
    pub fn give_back(&mut self, output: Output) {
        if let Some(opened) = self.opened() {
            opened.output = Some(output);
        }
    }

    /// Readings so far, those that wait among them.
    pub fn rows(&self) -> u64 {
        self.tally.rows + self.waiting().map_or(0, Waiting::rows)
    }

    /// Readings left out so far because they cannot be scored.
    pub fn skipped(&self) -> u64 {
        self.tally.skipped
    }

    /// Adds time that its scoring has taken elsewhere.
    pub fn took(&mut self, time: Duration) {
        self.elapsed += time;
    }

    /// Adds a warning about the readings.
    pub fn warn(&mut self, warning: Warning) {
        self.notes.push(warning);
    }

    /// Records that the predictions are written.
    pub fn written(&mut self, context: &Context, took: Duration) {
        self.elapsed += took;
        let State::Open(open) = &mut self.state else {
            return;
        };
        let Some(opened) = open.opened.take() else {
            return self.fail(&context.progress, no_predictions());
        };
        if let (Some(kept), Some(plot)) = (&context.kept, opened.plot) {
            kept.plots.keep(&self.entry.key, plot);
        }
        let mut warnings = warnings(&open.scoring, &self.tally);
        warnings.append(&mut self.notes);
        for warning in &warnings {
            tracing::warn!(sensor = %self.entry.key, reason = ?warning.reason, "{}", warning.message);
        }
        self.state = State::Written {
            output: open.path.clone(),
            warnings,
            model: opened.summary,
            classes: match opened.meaning.labels() {
                Some(labels) => self.tally.classes(labels),
                None => BTreeMap::new(),
            },
        };
        Progress::add(&context.progress.done, 1);
    }

    /// The sensor's line in the ledger.
    pub fn ledger_entry(&self) -> LedgerEntry {
        let (output, mut warnings, error) = match &self.state {
            State::Written {
                output, warnings, ..
            } => (Some(output.clone()), warnings.clone(), None),
            State::Failed(failure) => (None, Vec::new(), Some(failure.clone())),
            State::Open(_) => (None, Vec::new(), Some(not_scored())),
        };
        let (model, classes) = match &self.state {
            State::Written { model, classes, .. } => (Some(model.clone()), classes.clone()),
            _ => (None, BTreeMap::new()),
        };
        let gives_values = model.as_ref().is_some_and(|it| it.output == Kind::Value);
        warnings.extend(self.entry.warning.clone());
        let failed = error.is_some();
        let tally = if failed {
            &Tally::default()
        } else {
            &self.tally
        };
        LedgerEntry {
            key: self.entry.key.clone(),
            state: if failed {
                SensorState::Failed
            } else {
                SensorState::Succeeded
            },
            rows: tally.rows,
            skipped: tally.skipped,
            anomalies: tally.anomalies,
            score: tally.score().filter(|_| !gives_values),
            values: tally.score().filter(|_| gives_values),
            classes,
            model,
            labels: tally.labels(),
            output,
            seconds: self.elapsed.as_secs_f64(),
            warnings,
            error,
        }
    }
}

impl State {
    fn failed(entry: &PlanEntry, progress: &Progress, failure: Failure) -> Self {
        Progress::add(&progress.done, 1);
        if failure.reason != FailureReason::NotScored {
            tracing::warn!(sensor = %entry.key, reason = ?failure.reason, "{}", failure.message);
            Progress::add(&progress.failed, 1);
        }
        Self::Failed(failure)
    }
}

impl Scoring {
    fn waiting(&self) -> Option<&Waiting> {
        match self {
            Self::Python(waiting) => waiting.as_ref(),
            Self::Native(_) => None,
        }
    }
}

impl Open {
    fn new(
        context: &Context,
        buffers: &Arc<Buffers>,
        entry: &PlanEntry,
        engine: Engine,
    ) -> Result<Self, Failure> {
        let run = &context.run;
        let path = run.file.expand(&entry.key).map_err(|error| Failure {
            reason: FailureReason::KeyMissing,
            message: error.to_string(),
        })?;
        let url = run
            .output
            .join(&path)
            .map_err(|error| output_failure(&error))?;
        let most = run.spec.model.worker.as_ref().and_then(|it| it.max_rows);
        let (scoring, opened) = match engine {
            Engine::Native(model) => {
                let (key, url, known) = (&entry.key, url.clone(), opened::of_native(&model));
                let opened = Opened::new(context, buffers, key, url, known);
                (Scoring::Native(model), Some(opened))
            }
            Engine::Python => {
                let waiting = Waiting::new(most, buffers);
                (Scoring::Python(Some(waiting)), None)
            }
        };
        Ok(Self {
            scoring,
            path,
            url,
            opened,
        })
    }
}

/// What a user should look at: what is known of the model, and what its predictions show.
fn warnings(scoring: &Scoring, tally: &Tally) -> Vec<Warning> {
    let mut warnings = match scoring {
        Scoring::Native(model) => model.warnings.clone(),
        Scoring::Python(_) => Vec::new(),
    };
    if tally.anomalies * 2 > tally.rows {
        let share = tally.anomalies as f64 / tally.rows as f64 * 100.0;
        let size = match scoring {
            Scoring::Native(model) => format!(" ({})", model.model.estimator.size()),
            Scoring::Python(_) => String::new(),
        };
        let cause = match scoring {
            Scoring::Native(model) if model.model.takes_raw_readings() => {
                "it has no scaler: if it was trained on scaled readings, save both as one, make_pipeline(scaler, model); else check the units \
             of the readings, or train it again"
            }
            _ => "check the units of the readings, or train it again",
        };
        let message = format!(
            "{share:.1}% of the readings are anomalies: the model{size} may not fit the sensor; {cause}"
        );
        warnings.push(Warning {
            reason: WarningReason::MostlyAnomalous,
            message,
        });
    }
    warnings
}
