use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;

use super::{Owner, PlaceError};
use crate::outputs;
use fleetscore_storage::{ObjectUrl, Storage, StorageError, StoreKind};

/// Largest claim that is read, in bytes.
const CLAIM_BYTES: u64 = 64 * 1024;

/// What a run that puts no `_SUCCESS` notes in its place.
const NOTHING: &str = "nothing";

/// One claim among those of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its number.
    pub number: u64,
    /// Whether its run has said that it writes nothing more.
    pub ended: bool,
    /// Whether its run has written all but `_SUCCESS`.
    pub summed: bool,
}

/// The claims of a place as objects: `000001.json`, with `000001.beat`, `000001.summed` and `000001.ended` beside it.
#[derive(Debug)]
pub struct Claims {
    storage: Storage,
    output: ObjectUrl,
}

impl Claims {
    /// The claims of the place `output`.
    pub fn new(storage: &Storage, output: &ObjectUrl) -> Self {
        Self {
            storage: storage.clone(),
            output: output.clone(),
        }
    }

    /// The storage of the place.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// All claims, by number.
    pub async fn list(&self) -> Result<Vec<Claim>, StorageError> {
        let folder = self.output.join(outputs::OWNERS)?;
        let mut objects = self.storage.list(&folder);
        let mut found: BTreeMap<u64, (bool, Claim)> = BTreeMap::new();
        while let Some(object) = objects.try_next().await? {
            let name = object.url.file_name().unwrap_or_default();
            let Some((number, kind)) = name.split_once('.') else {
                continue;
            };
            let Ok(number) = number.parse() else {
                continue;
            };
            let none = Claim {
                number,
                ended: false,
                summed: false,
            };
            let (claimed, claim) = found.entry(number).or_insert((false, none));
            *claimed |= kind == "json";
            claim.ended |= kind == "ended";
            claim.summed |= kind == "summed";
        }
        let claims = found.into_values().filter(|(claimed, _)| *claimed);
        Ok(claims.map(|(_, claim)| claim).collect())
    }

    /// Who has made a claim; none where there is no claim of this number. A claim that cannot be read counts as nobody's: its
    /// writer was killed, or is another version.
    pub async fn read(&self, number: u64) -> Result<Option<Owner>, StorageError> {
        match self
            .storage
            .get(&self.url(number, "json")?, CLAIM_BYTES)
            .await
        {
            Ok(bytes) => Ok(Some(parse(&bytes))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who has made the newest claim.
    pub async fn newest(&self) -> Result<Option<Owner>, StorageError> {
        match self.list().await?.last() {
            Some(newest) => self.read(newest.number).await,
            None => Ok(None),
        }
    }

    /// Makes a claim, unless there is one of this number; returns whether it was made.
    pub async fn create(&self, number: u64, owner: &Owner) -> Result<bool, StorageError> {
        let url = self.url(number, "json")?;
        let bytes = serde_json::to_vec_pretty(owner).map_err(|error| StorageError::Other {
            url: url.to_string(),
            cause: error.to_string(),
        })?;
        if self.storage.create(&url, Bytes::from(bytes)).await? {
            return Ok(true);
        }
        // Its answer may have been lost and the request sent again.
        Ok(self.read(number).await?.as_ref() == Some(owner))
    }

    /// Says that nothing more is written under a claim.
    pub async fn end(&self, number: u64) -> Result<(), StorageError> {
        self.storage
            .put(&self.url(number, "ended")?, Bytes::new())
            .await
    }

    /// Says that all but `_SUCCESS` is written under a claim, and whether that is still to come.
    pub async fn sum(&self, number: u64, success: bool) -> Result<(), StorageError> {
        let rest = if success { outputs::SUCCESS } else { NOTHING };
        let rest = Bytes::from_static(rest.as_bytes());
        self.storage.put(&self.url(number, "summed")?, rest).await
    }

    /// Takes back that all is written under a claim.
    pub async fn resume(&self, number: u64) -> Result<(), StorageError> {
        self.storage.delete(&self.url(number, "summed")?).await
    }

    /// Whether the last file of a claim's run is there: it wrote nothing after it but a log.
    pub async fn is_whole(&self, claim: &Claim) -> Result<bool, StorageError> {
        if !claim.summed {
            return Ok(false);
        }
        let url = self.url(claim.number, "summed")?;
        let rest = match self.storage.get(&url, CLAIM_BYTES).await {
            Ok(rest) => rest,
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error),
        };
        // A note that is cut off says nothing.
        if rest == outputs::SUCCESS.as_bytes() {
            let success = self.output.join(outputs::SUCCESS)?;
            return self.storage.exists(&success).await;
        }
        Ok(rest == NOTHING.as_bytes())
    }

    /// Shows that the process of a claim is at work.
    pub async fn beat(&self, number: u64, count: u64) -> Result<(), StorageError> {
        self.storage
            .put(&self.url(number, "beat")?, Bytes::from(count.to_string()))
            .await
    }

    /// What the process of a claim has shown last.
    pub async fn last_beat(&self, number: u64) -> Result<Option<Bytes>, StorageError> {
        match self
            .storage
            .get(&self.url(number, "beat")?, CLAIM_BYTES)
            .await
        {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a claim that a later one has replaced.
    pub async fn remove(&self, number: u64) -> Result<(), StorageError> {
        // The claim first: without it the others mean nothing.
        for kind in ["json", "beat", "summed", "ended"] {
            self.storage.delete(&self.url(number, kind)?).await?;
        }
        Ok(())
    }

    /// Whether the retry in place `run` has come to its report.
    pub async fn has_report(&self, run: &str) -> Result<bool, StorageError> {
        let name = format!("{}report.json", outputs::retry_folder(run));
        self.storage.exists(&self.output.join(&name)?).await
    }

    /// How long a request of a process that has ended may still be on its way to this place.
    pub fn flight(&self, longest: Duration) -> Duration {
        match self.output.kind() {
            StoreKind::File => Duration::ZERO,
            StoreKind::Azure | StoreKind::Memory => longest,
        }
    }

    /// How long something is tried before it counts as failed.
    pub fn patience(&self) -> Duration {
        self.storage.options().retry_timeout
    }

    pub fn too_slow(&self) -> StorageError {
        StorageError::Unavailable {
            url: self.output.to_string(),
            cause: "a write was not answered in time".to_owned(),
            remedy: "check that storage can be reached and is not overloaded, then run it again"
                .to_owned(),
        }
    }

    pub fn in_use(&self, owner: Owner) -> PlaceError {
        PlaceError::InUse {
            place: self.output.to_string(),
            owner: Box::new(owner),
        }
    }

    pub fn lost(&self, owner: Option<Owner>) -> PlaceError {
        let place = self.output.to_string();
        match owner {
            Some(owner) => PlaceError::Lost {
                place,
                owner: Box::new(owner),
            },
            None => PlaceError::Gone { place },
        }
    }

    pub fn gone(&self) -> PlaceError {
        self.lost(None)
    }

    pub fn not_last(&self, retries: &str, owner: Option<&Owner>) -> PlaceError {
        PlaceError::NotLast {
            place: self.output.to_string(),
            retries: retries.to_owned(),
            owner: match owner {
                Some(owner) => format!("{owner} wrote there last"),
                None => "no run has written there".to_owned(),
            },
        }
    }

    /// The error of a step that writes before it has claimed: the run has no place.
    pub fn not_claimed(&self) -> PlaceError {
        self.gone()
    }

    fn url(&self, number: u64, kind: &str) -> Result<ObjectUrl, StorageError> {
        self.output
            .join(&format!("{}{number:06}.{kind}", outputs::OWNERS))
    }
}

fn parse(bytes: &[u8]) -> Owner {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Owner::unknown())
}
