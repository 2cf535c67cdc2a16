use jiff::SignedDuration;
use sha2::{Digest, Sha256};

/// How much later than its ticks the runs of a schedule start: a whole number of seconds in `[0, seconds)`.
///
/// It follows from the schedule's UID alone, is the same in every release, and uniform over UIDs: the first 64 bits of the UID's
/// SHA-256, as a fraction of 2^64, times `seconds`.
pub fn spread(uid: &str, seconds: u32) -> SignedDuration {
    let digest = Sha256::digest(uid.as_bytes());
    let fraction = digest
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let part = (u128::from(fraction) * u128::from(seconds)) >> 64;
    SignedDuration::from_secs(i64::try_from(part).unwrap_or_default())
}
