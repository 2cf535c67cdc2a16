use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, io};

use fleetscore_crds::contract::worker_pod;
use fleetscore_crds::{Failure, FailureReason, WorkerSpec};
use fleetscore_storage::{ObjectUrl, Storage};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::local::Local;
use super::session::{Session, Trouble};
use super::staged::Staged;
use super::visit::{Request, Visit};
use super::watch::Watch;

/// How long a supervisor, or a process, may take until it is ready.
const START: Duration = Duration::from_mins(5);
/// How long to wait before the next look whether a supervisor is there.
const LOOK: Duration = Duration::from_millis(20);
/// Starts that fail one after the other before nothing is tried any more.
const STARTS: u32 = 5;
/// Models of which the files are there, for each process.
const STAGED: usize = 2;

/// The Python processes of a step. They are started when there is something to score.
#[derive(Debug)]
pub struct Workers {
    /// What is asked for.
    pub spec: WorkerSpec,
    /// Cancelled when nothing is to be scored any more.
    pub stop: CancellationToken,
    threads: usize,
    turns: Semaphore,
    staging: Semaphore,
    idle: Mutex<Vec<Session>>,
    supervisor: tokio::sync::Mutex<Option<Supervisor>>,
    /// Numbers of connections and models.
    numbers: AtomicU64,
    since: u128,
    failed_starts: AtomicU32,
    unusable: OnceLock<String>,
}

/// Who starts the processes.
#[derive(Debug)]
struct Supervisor {
    place: Place,
    watch: Arc<Watch>,
    /// Kept until it is to end.
    _local: Option<Local>,
}

/// Where it can be reached.
#[derive(Clone, Debug)]
struct Place {
    socket: PathBuf,
    models: PathBuf,
}

impl Workers {
    /// Processes as the spec asks for, which share so many threads.
    pub fn new(spec: &WorkerSpec, threads: usize, stop: &CancellationToken) -> Self {
        let processes = spec.processes as usize;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            spec: spec.clone(),
            stop: stop.clone(),
            threads,
            turns: Semaphore::new(processes),
            staging: Semaphore::new(processes * STAGED),
            idle: Mutex::default(),
            supervisor: tokio::sync::Mutex::default(),
            numbers: AtomicU64::default(),
            since: since.unwrap_or_default().as_nanos(),
            failed_starts: AtomicU32::default(),
            unusable: OnceLock::new(),
        }
    }

    /// Why no Python can be started, if that was given up.
    pub fn unusable(&self) -> Option<&str> {
        self.unusable.get().map(String::as_str)
    }

    /// Waits until there is room for a model's files. To be kept as long as they are.
    pub async fn room(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.staging.acquire().await.ok()
    }

    /// Puts a model's files where Python can read them.
    pub async fn stage(&self, storage: &Storage, url: &ObjectUrl) -> Result<Staged, Failure> {
        let models = loop {
            match self.supervisor().await {
                Ok((place, _)) => break place.models,
                Err(message) => self.note_failed_start(message)?,
            }
        };
        let folder = models.join(self.number().to_string());
        tokio::select! {
            staged = Staged::copy(storage, url, folder) => staged,
            () = self.stop.cancelled() => Err(stopped()),
        }
    }

    /// Waits for a process, which scores one sensor then.
    pub async fn visit<'w>(&'w self, request: Request<'w>) -> Visit<'w> {
        // The semaphore is never closed.
        let turn = self.turns.acquire().await.ok();
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        Visit::new(self, request, turn, idle)
    }

    /// Takes back a process that somebody else can use.
    pub(super) fn give_back(&self, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(session);
    }

    /// Lets the processes end that nobody uses, and waits until what they have written is in the log.
    pub async fn finish(&self) {
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *idle)
        };
        for session in idle {
            let connection = session.connection.clone();
            // Its end is told after all that it has written.
            drop(session);
            self.end_of(&connection).await;
        }
    }

    /// Starts a fresh process.
    pub(super) async fn start(&self) -> Result<Session, Failure> {
        loop {
            match self.try_start().await {
                Ok(session) => {
                    self.failed_starts.store(0, Ordering::Relaxed);
                    return Ok(session);
                }
                Err(message) => self.note_failed_start(message)?,
            }
        }
    }

    async fn try_start(&self) -> Result<Session, String> {
        let (place, watch) = self.supervisor().await?;
        let connection = format!("{}-{}", self.since, self.number());
        let started = Session::start(&place.socket, connection.clone());
        match tokio::time::timeout(START, started).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(Trouble::Told(failure))) => Err(failure.message),
            Ok(Err(Trouble::Gone(error))) if error.kind() == io::ErrorKind::InvalidData => {
                Err(error.to_string())
            }
            Ok(Err(Trouble::Gone(_))) => Err(watch.end_of(&connection).await),
            Err(_) => Err(format!("it was not ready within {} s", START.as_secs())),
        }
    }

    /// How the process of a connection has ended.
    pub(super) async fn end_of(&self, connection: &str) -> String {
        let watch = {
            let supervisor = self.supervisor.lock().await;
            supervisor.as_ref().map(|it| Arc::clone(&it.watch))
        };
        match watch {
            Some(watch) => watch.end_of(connection).await,
            None => String::new(),
        }
    }

    /// Counts a start that has failed; an error where nothing is tried any more.
    fn note_failed_start(&self, message: String) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let failed = self.failed_starts.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!("Python does not start, try {failed} of {STARTS}: {message}");
        if failed < STARTS {
            return Ok(());
        }
        let message = self.unusable.get_or_init(|| message);
        Err(Failure {
            reason: FailureReason::NotScored,
            message: format!("Python does not start: {message}"),
        })
    }

    /// The supervisor, started or waited for where it is not there.
    async fn supervisor(&self) -> Result<(Place, Arc<Watch>), String> {
        let mut supervisor = self.supervisor.lock().await;
        if let Some(there) = supervisor.as_ref().filter(|it| !it.watch.has_ended()) {
            return Ok((there.place.clone(), Arc::clone(&there.watch)));
        }
        *supervisor = None;
        let (place, mut local) = self.place()?;
        let made = std::fs::create_dir_all(&place.models);
        made.map_err(|error| format!("{}: {error}", place.models.display()))?;
        let connected = async {
            loop {
                match Watch::start(&place.socket).await {
                    Ok(watch) => return Ok(watch),
                    Err(error) if is_absent(&error) => {}
                    Err(error) => return Err(format!("{}: {error}", place.socket.display())),
                }
                if let Some(ended) = local.as_mut().and_then(Local::ended) {
                    return Err(ended);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let watch = tokio::select! {
            connected = tokio::time::timeout(START, connected) => match connected {
                Ok(connected) => Arc::new(connected?),
                Err(_) => return Err(format!(
                    "nobody listens at {} after {} s",
                    place.socket.display(),
                    START.as_secs()
                )),
            },
            () = self.stop.cancelled() => return Err("the step was stopped".to_owned()),
        };
        let there = Supervisor {
            place: place.clone(),
            watch: Arc::clone(&watch),
            _local: local,
        };
        *supervisor = Some(there);
        Ok((place, watch))
    }

    /// Where the supervisor is: beside this process, as the environment says, or one that this process starts.
    fn place(&self) -> Result<(Place, Option<Local>), String> {
        let named = |name: &str| env::var_os(name).map(PathBuf::from);
        let Some(socket) = named(worker_pod::SOCKET) else {
            let local = Local::start(&self.spec, self.threads)?;
            let place = Place {
                socket: local.socket(),
                models: local.models(),
            };
            return Ok((place, Some(local)));
        };
        let models = named(worker_pod::DIR).ok_or_else(|| {
            format!(
                "{} is set and {} is not; set both",
                worker_pod::SOCKET,
                worker_pod::DIR
            )
        })?;
        Ok((Place { socket, models }, None))
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Whether nobody listens there yet.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

/// The failure of a sensor that is not scored because the step ends.
pub(super) fn stopped() -> Failure {
    Failure {
        reason: FailureReason::NotScored,
        message: "the step was stopped while Python scored; run it again".to_owned(),
    }
}
