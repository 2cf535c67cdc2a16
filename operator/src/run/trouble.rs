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
    /// Since when, from the objects themselves.
    pub since: Timestamp,
}

/// What sort of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TroubleKind {
    /// Pods are on their way; only told when it takes too long.
    Starting,
    /// No machine has room.
    Unschedulable,
    /// Pods cannot be created or their containers cannot start.
    Blocked,
    /// The API server refuses to create something, for now.
    Refused,
    /// The API server refuses to create something and always will.
    Invalid,
}
