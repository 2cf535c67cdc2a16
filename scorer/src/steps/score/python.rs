//! Has Python score the readings that wait for it.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use fleetscore_crds::{Failure, FailureReason, OnNoReadings};
use fleetscore_readings::SensorRows;
use fleetscore_storage::ObjectUrl;

use super::budget::mib;
use super::failures::not_scored;
use super::group::Group;
use super::job::Workspace;
use super::lock;
use super::waiting::Waiting;
use crate::worker::{Request, Visit, Workers};

impl Group {
    /// Scores the readings of one sensor that wait for Python. Without any the model is loaded nevertheless where predictions are
    /// written: it says which columns they have.
    pub(super) async fn ask_python(&self, member: usize) {
        let waiting = lock(&self.jobs[member]).take_waiting();
        let (Some(waiting), Some(workers)) = (waiting, &self.shared.workers) else {
            return;
        };
        let fails = self.context.run.spec.input.on_no_readings == OnNoReadings::Fail;
        if waiting.rows() == 0 && fails {
            return;
        }
        if let Err(failure) = self.score_waiting(member, waiting, workers).await {
            lock(&self.jobs[member]).fail(&self.context.progress, failure);
        }
    }

    async fn score_waiting(
        &self,
        member: usize,
        waiting: Waiting,
        workers: &Arc<Workers>,
    ) -> Result<(), Failure> {
        let entry = lock(&self.jobs[member]).entry.clone();
        let location = entry.model.as_deref().unwrap_or_default();
        let url = ObjectUrl::parse(location)
            .map_err(|error| error.failure(FailureReason::ModelNotFound))?;
        self.fits(&waiting)?;
        let _room = workers.room().await;
        if self.context.is_stopped() {
            return Err(not_scored());
        }
        let model = workers.stage(&self.context.storage, &url).await?;
        let spec = &self.context.run.spec;
        let request = Request {
            sensor: &entry.key,
            model: &model,
            features: &spec.input.columns.features,
            time: &spec.input.columns.time,
            spec: &spec.model,
        };
        let mut visit = workers.visit(request).await;
        let start = Instant::now();
        let scored = match visit.load().await {
            Ok(loaded) => {
                lock(&self.jobs[member]).open(&self.context, &self.shared.buffers, loaded);
                self.score_calls(member, waiting, &mut visit).await
            }
            Err(failure) => Err(not_loaded(&url, failure)),
        };
        visit.end().await;
        lock(&self.jobs[member]).took(start.elapsed());
        scored
    }

    /// Has the readings scored in as many calls as they are to come in. Where there is memory for three of them, Python scores one while
    /// the next waits there and the predictions of the last are written.
    async fn score_calls(
        &self,
        member: usize,
        mut waiting: Waiting,
        visit: &mut Visit<'_>,
    ) -> Result<(), Failure> {
        let buffers = &self.shared.buffers;
        let three_fit = bytes(&waiting, 3) <= buffers.most_at_once();
        let calls = if three_fit { 3 } else { 1 };
        let _memory = buffers.finishing(bytes(&waiting, calls)).await;
        let (mut asked, mut scored) = (Workspace::default(), Workspace::default());
        let mut last: Option<SensorRows> = None;
        let mut now = waiting.next()?;
        let mut next = if three_fit { waiting.next()? } else { None };
        while let Some(rows) = now {
            if three_fit {
                let write = async {
                    if let Some(last) = last.take() {
                        lock(&self.jobs[member]).add(&self.context, &last, &mut scored);
                    }
                    waiting.next()
                };
                // The readings are on their way before anything is written.
                let score = visit.score(&rows, next.as_ref(), asked.no_verdicts());
                let (answered, following) = tokio::join!(score, write);
                answered?;
                now = mem::replace(&mut next, following?);
                last = Some(rows);
                mem::swap(&mut asked, &mut scored);
            } else {
                let score = visit.score(&rows, None, asked.no_verdicts());
                score.await?;
                lock(&self.jobs[member]).add(&self.context, &rows, &mut asked);
                drop(rows);
                now = waiting.next()?;
            }
            self.relieve(Some(member)).await?;
        }
        if let Some(last) = last {
            lock(&self.jobs[member]).add(&self.context, &last, &mut scored);
        }
        Ok(())
    }

    /// Errors where scoring the readings takes more memory than there is.
    fn fits(&self, waiting: &Waiting) -> Result<(), Failure> {
        let bytes = bytes(waiting, 1);
        let most = self.shared.buffers.most_at_once();
        if bytes <= most {
            return Ok(());
        }
        let bound = self.context.limits.memory;
        let enough = bound.saturating_add(bytes.saturating_sub(most).saturating_mul(8));
        Err(Failure {
            reason: FailureReason::ModelFailed,
            message: format!(
                "handing {} readings to Python at once takes {} MiB of memory, and {} MiB are free for it: set the bound of the memory \
                 (--memory, or FLEETSCORE_MEMORY_MIB in a pod; it is {} MiB) to some {} MiB, or spec.model.worker.maxRows, with which they \
                 are scored in several calls",
                waiting.rows(),
                mib(bytes),
                mib(most),
                mib(bound),
                mib(enough)
            ),
        })
    }
}

/// Adds to what a model's code has said which file it was loading.
fn not_loaded(url: &ObjectUrl, failure: Failure) -> Failure {
    match failure.reason {
        FailureReason::ModelFailed => Failure {
            message: format!("loading {url}: {}", failure.message),
            ..failure
        },
        _ => failure,
    }
}

/// Bytes of memory that scoring the readings of so many calls takes.
fn bytes(waiting: &Waiting, calls: u64) -> usize {
    usize::try_from(waiting.scoring_bytes(calls)).unwrap_or(usize::MAX)
}
