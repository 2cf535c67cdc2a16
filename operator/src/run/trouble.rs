use jiff::Timestamp;

/// What keeps a run from going on, for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What sort of trouble.
    pub kind: TroubleKind,
    /// Why, in one word: the pod's own, the scheduler's or the API server's.
    pub reason: String,
    /// Why, in the words of whoever says so.
    pub message: String,
    /// Since when, from the objects themselves. Of several pods that do not run: since when the last of them could have started.
    pub since: Timestamp,
    /// Whether the run may be given up for it: it was looked at again just now and is still there, and no other pod is on its way.
    pub certain: bool,
}

/// What sort of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TroubleKind {
    /// Pods are on their way; only told when it takes too long.
    Starting,
    /// A pod does not end, or its machine does not answer. Nothing is given up for it: it may still write.
    NotEnding,
    /// No machine has room.
    Unschedulable,
    /// Pods cannot be created or their containers cannot start.
    Blocked,
    /// The API server refuses to create something, for now.
    Refused,
    /// The API server refuses to create something and always will.
    Invalid,
}
