//! Who owns the place that a run writes to.
//!
//! A place is an output location. It belongs to the run that claimed it last. A claim is an object
//! `_run/owner/000001.json`, numbered upwards and created only where there is none of its number, so of two runs that claim at
//! once one is refused. [`Place::write`] looks for a later claim before everything that a step writes or deletes, at most
//! [`Times::look`] before it, and gives a write up after [`Times::write`]. A run that takes a place over waits
//! [`Times::settle`], which is longer than both together, before it touches anything. So no write of the earlier run can come
//! after the first one of the later run, and a result under `_SUCCESS` is never mixed.
//!
//! A run that is at work on a machine ([`Process`]) keeps its place: others are refused. That it is at work is seen in the
//! processes of the same machine, and elsewhere by its beat, an object that it writes every [`Times::beat`]. Pods have no
//! beat, since a run may wait for machines for hours: the operator lets only one of its runs at a place at a time.
//!
//! A retry in place (`spec.sensors.failedIn`) goes on where an earlier run has ended: it claims the place only while that run is its last
//! owner, and from then on owns it like any other run. So there is one line of runs at a place, each of which knows what the one before it
//! has left. A run has ended when it says so, or, where it was killed before that, when all that it writes is there: before `_SUCCESS`, its last
//! file, it notes under its claim that the rest is written. A retry that cannot come to a report any more has left nothing, and may be replaced by another one; each may be run again.

mod claims;
mod error;
#[cfg(test)]
mod model;
mod owner;
mod process;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use self::claims::{Claim, Claims};
pub use self::error::PlaceError;
pub use self::owner::{Owner, RunIdentity};
pub use self::process::Process;
use fleetscore_storage::{ObjectUrl, Storage, StorageError};

/// How long things take. All bounds of the protocol follow from these.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How old the last look for a later claim may be when something is written.
    pub look: Duration,
    /// A write that takes longer is given up, and tried again after another look.
    pub write: Duration,
    /// How long a request that was given up may still be on its way.
    pub flight: Duration,
    /// How often a process shows that it is at work.
    pub beat: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(10),
            write: Duration::from_mins(1),
            flight: Duration::from_secs(5),
            beat: Duration::from_secs(10),
        }
    }
}

impl Times {
    /// How long whoever takes a place over waits, so that no write of the earlier run is on its way any more.
    pub fn settle(&self) -> Duration {
        self.look + self.write + self.flight
    }

    /// Without a beat for so long, a process is not at work any more.
    fn silence(&self) -> Duration {
        self.beat * 3
    }
}

/// The place that a run writes to, as one process sees it.
#[derive(Clone, Debug)]
pub struct Place {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    claims: Claims,
    /// What this run writes into its claim.
    owner: Owner,
    times: Times,
    state: Mutex<State>,
    /// One look at a time: the others wait for its answer.
    looking: tokio::sync::Mutex<()>,
}

/// What is known of the place so far.
#[derive(Debug, Default)]
struct State {
    /// The number of this run's claim.
    claim: Option<u64>,
    /// When the last look began that found no later claim.
    looked: Option<Instant>,
    /// Why this run does not own the place any more.
    lost: Option<PlaceError>,
}

impl Place {
    /// The place `output` as the run `owner` sees it. Nothing is sent yet.
    pub fn new(storage: &Storage, output: &ObjectUrl, owner: Owner, times: Times) -> Self {
        Self {
            inner: Arc::new(Inner {
                claims: Claims::new(storage, output),
                owner,
                times,
                state: Mutex::default(),
                looking: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// The run that this process works for.
    pub fn run(&self) -> &RunIdentity {
        &self.inner.owner.run
    }

    /// Makes the run the owner of the place, and returns whether nobody or another run was the last owner.
    ///
    /// # Errors
    ///
    /// [`PlaceError::InUse`] where a process of another run is at work there; [`PlaceError::NotLast`] and [`PlaceError::NotEnded`] where
    /// the run shall score the failed sensors of an earlier one in its place, and that one was not the last there or has not ended.
    pub async fn claim(&self) -> Result<bool, PlaceError> {
        loop {
            let begun = Instant::now();
            let found = self.inner.claims.list().await?;
            let mut was_own = false;
            if let Some(newest) = found.last() {
                let owner = self.inner.claims.read(newest.number).await?;
                was_own = owner.as_ref().is_some_and(|owner| self.is_own(owner));
                if was_own && !newest.ended {
                    self.resume(newest).await?;
                    self.settle(&found[..found.len() - 1]).await?;
                    self.own(newest.number, Some(begun));
                    return Ok(false);
                }
                self.refuse_busy(newest, owner.as_ref()).await?;
                self.refuse_stranger(newest, owner.as_ref()).await?;
            } else if let Some(retries) = &self.inner.owner.retries {
                return Err(self.inner.claims.not_last(retries, None));
            }
            let number = found.last().map_or(1, |newest| newest.number + 1);
            if self.inner.claims.create(number, &self.inner.owner).await? {
                self.settle(&found).await?;
                // The number may have been another run's that was replaced meanwhile: what was listed before says nothing of that.
                self.own(number, None);
                return Ok(!was_own);
            }
            // Another one was faster: look at it.
        }
    }

    /// Goes on in a place that the run has claimed in an earlier step.
    ///
    /// # Errors
    ///
    /// [`PlaceError::Lost`] where another run has claimed it since.
    pub async fn join(&self) -> Result<(), PlaceError> {
        if self.state().claim.is_some() {
            // This process has made the claim.
            return self.look().await;
        }
        let begun = Instant::now();
        let found = self.inner.claims.list().await?;
        let Some(newest) = found.last() else {
            return Err(self.lose(self.inner.claims.gone()));
        };
        let owner = self.inner.claims.read(newest.number).await?;
        if !owner.as_ref().is_some_and(|owner| self.is_own(owner)) {
            return Err(self.lose(self.inner.claims.lost(owner)));
        }
        if !newest.ended {
            self.resume(newest).await?;
            self.own(newest.number, Some(begun));
            return Ok(());
        }
        // Others need not wait for a run that has ended: it must not write under that claim.
        let number = newest.number + 1;
        if !self.inner.claims.create(number, &self.inner.owner).await? {
            let owner = self.inner.claims.read(number).await?;
            if !owner.as_ref().is_some_and(|owner| self.is_own(owner)) {
                return Err(self.lose(self.inner.claims.lost(owner)));
            }
        }
        self.own(number, None);
        Ok(())
    }

    /// Does something in the place: `work` is begun only while it belongs to the run, and again where it takes too long.
    pub async fn write<T, F>(&self, mut work: impl FnMut() -> F) -> Result<T, PlaceError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        let begun = Instant::now();
        loop {
            self.look().await?;
            match tokio::time::timeout(self.inner.times.write, work()).await {
                Ok(done) => return Ok(done?),
                Err(_) if begun.elapsed() > self.inner.claims.patience() => {
                    return Err(self.inner.claims.too_slow().into());
                }
                Err(_) => {
                    tracing::warn!("a write takes too long: trying it again");
                    // It may have its effect still, which must not come after that of what follows.
                    tokio::time::sleep(self.inner.times.flight).await;
                }
            }
        }
    }

    /// The same for work that can be begun but once.
    pub async fn write_once<T>(
        &self,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, PlaceError> {
        self.look().await?;
        match tokio::time::timeout(self.inner.times.write, work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(self.inner.claims.too_slow().into()),
        }
    }

    /// Writes an object of the run.
    pub async fn put(&self, url: &ObjectUrl, bytes: Bytes) -> Result<(), PlaceError> {
        let storage = self.inner.claims.storage();
        self.write(|| storage.put(url, bytes.clone())).await
    }

    /// Notes that the run has written all but `_SUCCESS`, and whether that is still to come. It counts until a step of the run begins again.
    pub async fn sum(&self, success: bool) -> Result<(), PlaceError> {
        let number = self.state().claim;
        let number = number.ok_or_else(|| self.inner.claims.not_claimed())?;
        self.write(|| self.inner.claims.sum(number, success)).await
    }

    /// Deletes an object that the run may delete.
    pub async fn delete(&self, url: &ObjectUrl) -> Result<(), PlaceError> {
        let storage = self.inner.claims.storage();
        self.write(|| storage.delete(url)).await
    }

    /// Why the place does not belong to the run any more, once that is known.
    pub fn lost(&self) -> Option<PlaceError> {
        self.state().lost.clone()
    }

    /// Says that the run will not write any more, so that the next one need not wait. Does nothing where the run owns nothing.
    pub async fn release(&self) -> Result<(), PlaceError> {
        let (claim, lost) = {
            let mut state = self.state();
            (state.claim.take(), state.lost.is_some())
        };
        match claim {
            Some(number) if !lost => Ok(self.inner.claims.end(number).await?),
            _ => Ok(()),
        }
    }

    /// Shows, for as long as it is polled, that this process is at work.
    pub async fn beat(&self) {
        for count in 1_u64.. {
            tokio::time::sleep(self.inner.times.beat).await;
            if self.lost().is_some() {
                return;
            }
            let claim = self.state().claim;
            if let Some(number) = claim
                && let Err(error) = self.inner.claims.beat(number, count).await
            {
                tracing::warn!("others cannot see that this run is at work: {error}");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on under a claim of the run: what it has written is not all any more.
    async fn resume(&self, claim: &Claim) -> Result<(), PlaceError> {
        if claim.summed {
            self.inner.claims.resume(claim.number).await?;
        }
        Ok(())
    }

    fn is_own(&self, owner: &Owner) -> bool {
        owner.run.uid == self.inner.owner.run.uid
    }

    /// Notes the number of this run's claim, and when a look began that found no later one.
    fn own(&self, number: u64, looked: Option<Instant>) {
        let mut state = self.state();
        state.claim = Some(number);
        state.looked = looked;
    }

    fn lose(&self, error: PlaceError) -> PlaceError {
        self.state().lost = Some(error.clone());
        error
    }

    /// Makes sure that nobody has claimed the place after this run, by a look that is not too old.
    async fn look(&self) -> Result<(), PlaceError> {
        let _one = self.inner.looking.lock().await;
        let begun = Instant::now();
        // An answer that took long is old already.
        while let Some(number) = self.unsure_claim()? {
            if begun.elapsed() > self.inner.claims.patience() {
                return Err(self.inner.claims.too_slow().into());
            }
            self.look_at(number).await?;
        }
        Ok(())
    }

    /// The number of this run's claim, unless the last look is fresh enough.
    fn unsure_claim(&self) -> Result<Option<u64>, PlaceError> {
        let state = self.state();
        if let Some(lost) = &state.lost {
            return Err(lost.clone());
        }
        let number = state.claim.ok_or_else(|| self.inner.claims.not_claimed())?;
        let fresh = state
            .looked
            .is_some_and(|looked| looked.elapsed() < self.inner.times.look);
        Ok((!fresh).then_some(number))
    }

    async fn look_at(&self, number: u64) -> Result<(), PlaceError> {
        let begun = Instant::now();
        let claims = &self.inner.claims;
        let (mine, next) = tokio::join!(claims.read(number), claims.read(number + 1));
        let (mine, next) = (mine?, next?);
        if let Some(next) = next {
            if self.is_own(&next) {
                self.own(number + 1, None);
                return Ok(());
            }
            return Err(self.lose(claims.lost(Some(next))));
        }
        if !mine.is_some_and(|mine| self.is_own(&mine)) {
            let newest = claims.newest().await?;
            return Err(self.lose(match newest {
                Some(owner) if !self.is_own(&owner) => claims.lost(Some(owner)),
                _ => claims.gone(),
            }));
        }
        self.state().looked = Some(begun);
        Ok(())
    }

    /// Refuses a place in which a process of another run is at work.
    async fn refuse_busy(&self, claim: &Claim, owner: Option<&Owner>) -> Result<(), PlaceError> {
        let Some(owner) = owner.filter(|owner| !claim.ended && !self.is_own(owner)) else {
            return Ok(());
        };
        let Some(process) = &owner.process else {
            return Ok(());
        };
        let at_work = match process.is_running() {
            Some(running) => running,
            None => self.has_beat(claim.number).await?,
        };
        if at_work {
            return Err(self.inner.claims.in_use(owner.clone()));
        }
        Ok(())
    }

    /// Refuses a retry in place, unless the run that it retries has ended and was the last there. Another retry of that run may have begun
    /// since, if it came to no report and can come to none; and the retry itself may be run again.
    async fn refuse_stranger(
        &self,
        claim: &Claim,
        owner: Option<&Owner>,
    ) -> Result<(), PlaceError> {
        let me = &self.inner.owner;
        let (Some(retries), Some(owner)) = (&me.retries, owner) else {
            return Ok(());
        };
        if self.is_own(owner) {
            return Ok(());
        }
        let claims = &self.inner.claims;
        if owner.namespace != me.namespace {
            return Err(claims.not_last(retries, Some(owner)));
        }
        if owner.name == *retries {
            return if claim.ended || claims.is_whole(claim).await? {
                Ok(())
            } else {
                Err(PlaceError::NotEnded {
                    owner: Box::new(owner.clone()),
                })
            };
        }
        if owner.retries.as_ref() == Some(retries) {
            if owner.name == me.name {
                return Ok(());
            }
            if !claims.has_report(&owner.name).await? {
                // Pods may still come to a report; a process that is at work has been seen above.
                return if claim.ended || owner.process.is_some() {
                    Ok(())
                } else {
                    Err(PlaceError::NotEnded {
                        owner: Box::new(owner.clone()),
                    })
                };
            }
        }
        Err(claims.not_last(retries, Some(owner)))
    }

    /// Whether the beat of a claim is heard before it has been silent for too long.
    async fn has_beat(&self, number: u64) -> Result<bool, PlaceError> {
        let claims = &self.inner.claims;
        let first = claims.last_beat(number).await?;
        let begun = Instant::now();
        while begun.elapsed() < self.inner.times.silence() {
            tokio::time::sleep(self.inner.times.beat / 2).await;
            if claims.last_beat(number).await? != first {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until nothing of earlier claims can be on its way, then removes them.
    async fn settle(&self, earlier: &[Claim]) -> Result<(), PlaceError> {
        let claims = &self.inner.claims;
        let mut wait = Duration::ZERO;
        for claim in earlier.iter().filter(|claim| !claim.ended) {
            let owner = claims.read(claim.number).await?;
            if owner.as_ref().is_some_and(|owner| self.is_own(owner)) {
                continue;
            }
            let process = owner.and_then(|owner| owner.process);
            wait = wait.max(
                if process.and_then(|process| process.is_running()) == Some(false) {
                    claims.flight(self.inner.times.flight)
                } else {
                    self.inner.times.settle()
                },
            );
        }
        if !wait.is_zero() {
            tracing::info!(
                seconds = wait.as_secs(),
                "taking the place over from a run that has not ended: waiting for what it may still write"
            );
            tokio::time::sleep(wait).await;
        }
        for claim in earlier {
            claims.remove(claim.number).await?;
        }
        Ok(())
    }
}
