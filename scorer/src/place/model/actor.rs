use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::Phase;
use tokio_util::sync::CancellationToken;

use crate::place::{Process, Times};
use crate::report::Report;
use crate::run::Run;
use crate::steps::{self, Compute, Context, Limits, Progress, StepError};
use fleetscore_storage::Storage;

/// What does a run's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pod for each step and shard, each begun again when it dies.
    Pods,
    /// One process on some machine, which nobody begins again.
    Process,
}

/// How a run behaves.
#[derive(Clone, Debug)]
pub struct Habits {
    pub kind: Kind,
    /// Milliseconds until it begins.
    pub begins: u64,
    /// After how many milliseconds its attempts at a step are killed, one after the other; the next ones live.
    pub crashes: Vec<u64>,
    /// Whether it is given up once planned, as by a deadline.
    pub given_up: bool,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// With a report.
    Done(Box<Report>),
    /// With an error that no further try can mend.
    Refused(StepError),
    /// It was killed for good, or given up.
    Dead,
}

/// A run and what does its work.
#[derive(Clone)]
pub struct Actor {
    run: Arc<Run>,
    storage: Storage,
    habits: Habits,
}

impl Actor {
    pub fn new(run: Run, storage: Storage, habits: Habits) -> Self {
        Self {
            run: Arc::new(run),
            storage,
            habits,
        }
    }

    /// Does the whole run.
    pub async fn act(self) -> End {
        tokio::time::sleep(Duration::from_millis(self.habits.begins)).await;
        match self.habits.kind {
            Kind::Pods => self.act_in_pods().await,
            Kind::Process => self.act_alone().await,
        }
    }

    fn context(&self) -> Context {
        let process = (self.habits.kind == Kind::Process).then(|| Process {
            host: "elsewhere".to_owned(),
            pid: 1,
            scope: None,
        });
        let limits = Limits {
            threads: 1,
            ..Limits::default()
        };
        Context {
            run: Arc::clone(&self.run),
            storage: self.storage.clone(),
            place: self.run.place(&self.storage, process, Times::default()),
            limits,
            compute: Compute::new(&limits),
            progress: Arc::new(Progress::default()),
            kept: None,
            stop: CancellationToken::new(),
        }
    }

    async fn act_in_pods(self) -> End {
        let mut crashes = self.habits.crashes.clone().into_iter();
        let plan = self.pod(&mut crashes, |context| async move {
            let planned = steps::plan(&context, |_| 1).await;
            if matches!(&planned, Err(error) if error.exit_code() == 64) {
                context.place.release().await.ok();
            }
            planned
        });
        let plan = match plan.await {
            Ok(plan) => plan,
            Err(error) => return End::Refused(error),
        };
        if self.habits.given_up {
            return End::Dead;
        }
        for shard in 0..u32::try_from(plan.shards).unwrap() {
            let scored = self.pod(&mut crashes, |context| async move {
                let summary = steps::score(&context, shard).await?;
                // As a Job does it: the next pod tries again.
                if summary.exit_code() == 75 {
                    return Err(StepError::Stopped);
                }
                Ok(summary)
            });
            if let Err(error) = scored.await {
                return End::Refused(error);
            }
        }
        let report = self.pod(&mut crashes, |context| async move {
            let report = steps::collect(&context).await?;
            context.place.release().await.ok();
            Ok(report)
        });
        match report.await {
            Ok(report) => End::Done(Box::new(report)),
            Err(error) => End::Refused(error),
        }
    }

    /// Tries a step in one pod after the other, until it is done or fails for good.
    async fn pod<T, F>(
        &self,
        crashes: &mut impl Iterator<Item = u64>,
        step: impl Fn(Context) -> F,
    ) -> Result<T, StepError>
    where
        F: Future<Output = Result<T, StepError>>,
    {
        loop {
            let attempt = step(self.context());
            let done = match crashes.next() {
                Some(lives) => {
                    let lives = Duration::from_millis(lives);
                    tokio::time::timeout(lives, attempt).await.ok()
                }
                None => Some(attempt.await),
            };
            match done {
                Some(Err(error)) if matches!(error.exit_code(), 75 | 143) => {}
                Some(done) => return done,
                // A Job's next pod comes 10 seconds later: what the killed one has sent is there by then.
                None => tokio::time::sleep(Times::default().flight).await,
            }
        }
    }

    async fn act_alone(self) -> End {
        let context = self.context();
        let work = async {
            let plan = steps::plan(&context, |_| 2).await?;
            for shard in 0..u32::try_from(plan.shards).unwrap() {
                steps::score(&context, shard).await?;
            }
            steps::collect(&context).await
        };
        let whole = async {
            let beat = async {
                context.place.beat().await;
                std::future::pending().await
            };
            let done = tokio::select! {
                done = work => done,
                done = beat => done,
            };
            context.place.release().await.ok();
            done
        };
        let done = match self.habits.crashes.first() {
            Some(lives) => tokio::time::timeout(Duration::from_millis(*lives), whole)
                .await
                .ok(),
            None => Some(whole.await),
        };
        match done {
            // Storage was too slow for it.
            Some(Ok(report)) if report.phase == Phase::Failed => End::Dead,
            Some(Ok(report)) => End::Done(Box::new(report)),
            Some(Err(error)) if error.exit_code() == 64 => End::Refused(error),
            Some(Err(_)) | None => End::Dead,
        }
    }
}

impl End {
    /// Whether the run says that its results are there.
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Done(report) if report.phase != Phase::Failed)
    }
}
