use bytes::Bytes;
use fleetscore_storage::{Etag, ObjectUrl};

use super::commit::LINE_LIMIT;
use super::{Claim, Commit, CommitError, FolderError, Owner, Progress, StreamFolder};

/// An object that this process has claimed. Every write of it is a comparison with what this process wrote last, so that whoever has
/// claimed it meanwhile stays the only one that writes.
#[derive(Debug)]
pub struct Held {
    url: ObjectUrl,
    claim: Claim,
    etag: Etag,
}

impl Held {
    /// Where it is.
    pub fn url(&self) -> &ObjectUrl {
        &self.url
    }

    /// The claim of the last write.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Saves progress and state: all or, with an error, nothing, unless the error is temporary; then it may be saved later all the same,
    /// and it is to be tried again. Without `keep` the object is given back.
    pub async fn commit<P: Progress>(
        &mut self,
        folder: &StreamFolder,
        progress: P,
        state: Bytes,
        keep: bool,
    ) -> Result<(), CommitError> {
        let commit = Commit {
            claim: self.claim.next(keep),
            progress,
            state,
        };
        self.etag = folder.swap(&self.url, &commit, Some(&self.etag)).await?;
        self.claim = commit.claim;
        Ok(())
    }
}

impl StreamFolder {
    /// Claims an object for `owner`, if its claim is still the one that was `seen` (none: there is no such object). Returns it with what
    /// is to go on from; none: another process was faster.
    pub async fn claim<P: Progress>(
        &self,
        url: &ObjectUrl,
        seen: Option<&Claim>,
        owner: &Owner,
    ) -> Result<Option<(Held, Commit<P>)>, FolderError> {
        let found = self.read::<P>(url).await?;
        let claim = found.as_ref().map(|(commit, _)| &commit.claim);
        if claim != seen {
            return Ok(None);
        }
        let claim = Claim::after(claim, owner.clone());
        let (progress, state, etag) = match found {
            Some((commit, etag)) => (commit.progress, commit.state, Some(etag)),
            None => (P::default(), Bytes::new(), None),
        };
        let commit = Commit {
            claim,
            progress,
            state,
        };
        match self.swap(url, &commit, etag.as_ref()).await {
            Ok(etag) => {
                let held = Held {
                    url: url.clone(),
                    claim: commit.claim.clone(),
                    etag,
                };
                Ok(Some((held, commit)))
            }
            Err(CommitError::Lost { .. }) => Ok(None),
            Err(CommitError::Folder(error)) => Err(error),
        }
    }

    /// What an object holds; none where there is none.
    pub async fn read<P: Progress>(
        &self,
        url: &ObjectUrl,
    ) -> Result<Option<(Commit<P>, Etag)>, FolderError> {
        match self.storage().get_with_etag(url, OBJECT_LIMIT).await {
            Ok((bytes, etag)) => {
                let commit = Commit::decode(&bytes, self.id());
                let malformed = |cause| malformed(url, cause);
                Ok(Some((commit.map_err(malformed)?, etag)))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Claim and progress of an object, without its state; none where there is none.
    pub async fn read_line<P: Progress>(
        &self,
        url: &ObjectUrl,
    ) -> Result<Option<(Claim, P)>, FolderError> {
        let begun = match self.storage().begin(url, LINE_BYTES).await {
            Err(error) if error.is_not_found() => return Ok(None),
            begun => begun?.1,
        };
        let malformed = |cause| malformed(url, cause);
        let line = Commit::decode_line(&begun, self.id()).map_err(malformed)?;
        if line.is_some() {
            return Ok(line);
        }
        let limit = LINE_LIMIT as u64 + 1;
        let more = self.storage().get_range(url, 0..limit).await?;
        match Commit::decode_line(&more, self.id()).map_err(malformed)? {
            None => Err(malformed("it has no whole first line".to_owned())),
            line => Ok(line),
        }
    }

    /// Writes an object in place of the one that was read or written with `expected`. An earlier write of this claim whose answer was
    /// lost is recognised: if it is this one, all is done, else it is what is replaced.
    async fn swap<P: Progress>(
        &self,
        url: &ObjectUrl,
        commit: &Commit<P>,
        expected: Option<&Etag>,
    ) -> Result<Etag, CommitError> {
        let bytes = self.encode(url, commit)?;
        let mut expected = expected.cloned();
        for _ in 0..2 {
            let put = self.storage().put_if(url, bytes.clone(), expected.as_ref());
            let failure = match put.await {
                Ok(Some(etag)) => return Ok(etag),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            match (self.read::<P>(url).await, failure) {
                (Ok(Some((found, etag))), _) if found == *commit => return Ok(etag),
                // It may still arrive.
                (_, Some(error)) => return Err(error.into()),
                (Err(error), None) => return Err(error.into()),
                (Ok(Some((found, etag))), None) if is_of(&found.claim, &commit.claim) => {
                    expected = Some(etag);
                }
                (Ok(_), None) => break,
            }
        }
        Err(CommitError::Lost {
            url: url.to_string(),
        })
    }

    fn encode<P: Progress>(
        &self,
        url: &ObjectUrl,
        commit: &Commit<P>,
    ) -> Result<Bytes, FolderError> {
        let encoded = commit.encode(self.id());
        let (bytes, line) = encoded.map_err(|cause| malformed(url, cause))?;
        if line <= LINE_LIMIT {
            return Ok(bytes);
        }
        Err(FolderError::LineTooLong {
            url: url.to_string(),
            bytes: line,
            limit: LINE_LIMIT,
        })
    }
}

/// Whether `found` was written by who holds `ours`: nobody else writes in its epoch once it has begun. The first write begins it, and others
/// may have tried the same.
fn is_of(found: &Claim, ours: &Claim) -> bool {
    ours.sequence > 0 && found.epoch == ours.epoch
}

/// The most that is read of an object: the state of ten million sensors.
const OBJECT_LIMIT: u64 = 4 << 30;

/// So much of an object is read for its first line at first.
const LINE_BYTES: u64 = 64 << 10;

fn malformed(url: &ObjectUrl, cause: String) -> FolderError {
    FolderError::Malformed {
        url: url.to_string(),
        cause,
    }
}
