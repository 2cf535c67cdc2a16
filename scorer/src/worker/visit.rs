use std::io;
use std::time::Duration;

use fleetscore_crds::{Failure, FailureReason, ModelSpec, SensorKey};
use fleetscore_readings::SensorRows;
use tokio::sync::SemaphorePermit;

use super::loaded::{Loaded, model_failed};
use super::pool::{Workers, stopped};
use super::session::{LoadedModel, Session, Trouble};
use super::staged::Staged;
use crate::models::Verdicts;

/// Whose readings are scored, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The sensor.
    pub sensor: &'r SensorKey,
    /// Its model.
    pub model: &'r Staged,
    /// The columns that the model sees; of a residual, the target is behind them.
    pub features: &'r [String],
    /// The column of their times.
    pub time: &'r str,
    /// What the run wants of the numbers that come back.
    pub spec: &'r ModelSpec,
}

/// Readings to be scored, those that are next, and where the verdicts of the first go.
type Work<'s> = (&'s SensorRows, Option<&'s SensorRows>, &'s mut Verdicts);

/// The time in which a process scores one sensor.
pub struct Visit<'w> {
    workers: &'w Workers,
    request: Request<'w>,
    session: Option<Session>,
    /// The number of the model in the process, once it has loaded it.
    model: Option<u64>,
    /// What the first process has told of it.
    loaded: Option<Loaded>,
    _turn: Option<SemaphorePermit<'w>>,
}

/// Why a try did not work.
enum Failed {
    /// The process is gone; how.
    Gone(String),
    /// For good.
    Finally(Failure),
}

impl<'w> Visit<'w> {
    pub(super) fn new(
        workers: &'w Workers,
        request: Request<'w>,
        turn: Option<SemaphorePermit<'w>>,
        session: Option<Session>,
    ) -> Self {
        Self {
            workers,
            request,
            session,
            model: None,
            loaded: None,
            _turn: turn,
        }
    }

    /// Has the model loaded, and says what Python tells of it.
    pub async fn load(&mut self) -> Result<Loaded, Failure> {
        self.twice(None).await?;
        self.loaded.clone().ok_or_else(|| {
            model_failed("Python has told nothing of the model; please report it".to_owned())
        })
    }

    /// Scores readings and appends their verdicts. The `next` ones are sent meanwhile; the next call of this function has to be theirs.
    pub async fn score(
        &mut self,
        rows: &SensorRows,
        next: Option<&SensorRows>,
        verdicts: &mut Verdicts,
    ) -> Result<(), Failure> {
        self.twice(Some((rows, next, verdicts))).await
    }

    /// Loads the model where that was not done, and does the work. Where the process ends meanwhile, a fresh one tries once more,
    /// which has done nothing else before.
    async fn twice(&mut self, mut work: Option<Work<'_>>) -> Result<(), Failure> {
        let again = work
            .as_mut()
            .map(|(rows, next, verdicts)| (*rows, *next, &mut **verdicts));
        let first = match self.once(again).await {
            Ok(()) => return Ok(()),
            Err(Failed::Finally(failure)) => return Err(failure),
            Err(Failed::Gone(how)) => how,
        };
        let sensor = self.request.sensor;
        tracing::warn!(sensor = %sensor, "Python has ended, and a fresh one tries once more: {first}");
        let doing = match &work {
            Some((rows, ..)) => format!(" while it scored {} readings", rows.len()),
            None => String::new(),
        };
        match self.once(work).await {
            Ok(()) => Ok(()),
            Err(Failed::Finally(failure)) => Err(failure),
            Err(Failed::Gone(how)) => Err(Failure {
                reason: FailureReason::WorkerCrashed,
                message: format!("Python ended twice{doing}: {how}"),
            }),
        }
    }

    /// Notes what a process tells of the model that it has loaded. Each has to tell the same classes.
    fn learn(&mut self, told: LoadedModel) -> Result<(), Failure> {
        if let Some(first) = &self.loaded
            && first.meaning.labels().map(|labels| &**labels) != told.labels.as_ref()
        {
            return Err(model_failed(format!(
                "{} tells other classes than when it was loaded for this sensor before; they must not change",
                told.name
            )));
        }
        self.loaded = Some(Loaded::new(self.request.spec, told)?);
        Ok(())
    }

    /// Lets somebody else have the process.
    pub async fn end(mut self) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        let sent_ahead = session.sent_ahead();
        let unload = async {
            match self.model {
                Some(id) => within(self.limit(), session.unload(id)).await.is_ok(),
                None => true,
            }
        };
        let unloaded = tokio::select! {
            unloaded = unload => unloaded,
            // Nobody wants to know what is still scored then.
            () = self.workers.stop.cancelled(), if sent_ahead => false,
        };
        if unloaded {
            self.workers.give_back(session);
        }
    }

    /// After an error that leaves the connection in the middle of something there is no session any more: with it the process ends.
    async fn once(&mut self, work: Option<Work<'_>>) -> Result<(), Failed> {
        let stop = self.workers.stop.clone();
        let mut session = if let Some(session) = self.session.take() {
            session
        } else {
            tokio::select! {
                started = self.workers.start() => started.map_err(Failed::Finally)?,
                () = stop.cancelled() => return Err(Failed::Finally(stopped())),
            }
        };
        let mut model = self.model.take();
        let (limit, request) = (self.limit(), self.request);
        let work = async {
            let id = if let Some(id) = model {
                id
            } else {
                let loaded = within(limit, session.load(&request)).await?;
                let id = *model.insert(loaded.id);
                self.learn(loaded).map_err(Trouble::Told)?;
                id
            };
            let (Some((rows, next, verdicts)), Some(loaded)) = (work, &self.loaded) else {
                return Ok(());
            };
            let scored = session.score(id, &request, &loaded.meaning, rows, next, verdicts);
            within(limit, scored).await
        };
        let done = tokio::select! {
            done = work => done,
            () = stop.cancelled() => return Err(Failed::Finally(stopped())),
        };
        let failed = match done {
            Err(Trouble::Gone(error)) => return Err(self.gone(&session, model, &error).await),
            Err(Trouble::Told(failure)) => Err(Failed::Finally(failure)),
            Ok(()) => Ok(()),
        };
        (self.session, self.model) = (Some(session), model);
        failed
    }

    /// What it means that nothing came from a process, where it had loaded the model or not.
    async fn gone(&self, session: &Session, model: Option<u64>, error: &io::Error) -> Failed {
        let what = if model.is_some() {
            "scoring the readings"
        } else {
            "loading the model"
        };
        match error.kind() {
            io::ErrorKind::TimedOut => Failed::Finally(Failure {
                reason: FailureReason::ModelTimeout,
                message: format!(
                    "{what} took longer than {} s, and Python was ended; set spec.model.worker.timeoutSeconds higher if it is to take that long",
                    self.limit().as_secs()
                ),
            }),
            io::ErrorKind::InvalidData => Failed::Finally(model_failed(format!(
                "{what}: Python's answer cannot be used: {error}"
            ))),
            _ => {
                let how = self.workers.end_of(&session.connection).await;
                Failed::Gone(format!("{what}: {how}"))
            }
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.workers.spec.timeout_seconds.into())
    }
}

/// What takes too long is gone.
async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
