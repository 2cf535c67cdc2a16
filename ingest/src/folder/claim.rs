use serde::{Deserialize, Serialize};

/// Who works on an object of the stream, and how far it has come. No two writes have the same claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Grows by one each time the object is claimed; at least 1.
    pub epoch: u64,
    /// Grows by one with each write of an epoch, which begins with 0.
    pub sequence: u64,
    /// Who may write; none: it was given back.
    pub owner: Option<Owner>,
}

/// A process that works on a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Its pod's UID, which stays when the container is started again, and which no other pod has.
    pub pod: String,
    /// Its own: another one for each start.
    pub nonce: String,
}

impl Claim {
    /// The claim of `owner` after `earlier`; none: nobody had the object before.
    pub fn after(earlier: Option<&Self>, owner: Owner) -> Self {
        Self {
            epoch: earlier.map_or(0, |claim| claim.epoch) + 1,
            sequence: 0,
            owner: Some(owner),
        }
    }

    /// The claim of the owner's next write; `keep`: or the object is given back with it.
    #[must_use]
    pub fn next(&self, keep: bool) -> Self {
        Self {
            epoch: self.epoch,
            sequence: self.sequence + 1,
            owner: self.owner.clone().filter(|_| keep),
        }
    }
}
