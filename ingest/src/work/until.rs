/// Up to where a partition is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// On and on.
    Stopped,
    /// To the end that the partition has when reading begins.
    Latest,
    /// To the first record that arrived at this time (nanoseconds since 1970) or later.
    Arrival(i64),
}
